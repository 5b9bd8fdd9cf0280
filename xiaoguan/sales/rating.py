"""客户评分: people rate of a customer what the rule of classes weighs; that puts it into its class at once."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from xiaoguan.base.words import plain_number
from xiaoguan.customers.models import Customer, Rated
from xiaoguan.desk import Verb
from xiaoguan.desk.access import Viewer
from xiaoguan.policy.document import Classification
from xiaoguan.policy.prose import WORDS
from xiaoguan.rulebook.daily import ruling
from xiaoguan.sales.classing import Review


def rated_by() -> Classification | None:
    """The rule in force that weighs what people rate; None where none does."""
    found = ruling("classing")
    return found.section if found is not None and found.section.inputs else None


def _fields(rule: Classification) -> dict[str, forms.Field]:
    """One for each thing that the rule weighs."""
    low, high = rule.scale if len(rule.scale) == 2 else (Fraction(0), Fraction(100))
    chinese = (get_language() or "").startswith("zh")
    bounds = {"min_value": Decimal(plain_number(low)), "max_value": Decimal(plain_number(high))}
    help_ = f"{plain_number(low)} – {plain_number(high)}"

    def made(name: str) -> forms.Field:
        label = WORDS.get(name, (name, name))[chinese]
        return forms.DecimalField(label=label, help_text=help_, required=False, decimal_places=4, **bounds)

    return {name: made(name) for name in rule.inputs}


class Rate(Verb):
    """评分: what the policy weighs of a customer, as whoever looks after it sees it."""

    label, icon = pgettext_lazy("customer", "Rate"), "star"
    told = pgettext_lazy("history", "rated it")
    means = _("What is rated puts it into its class, as the policy weighs it.")
    further = True
    final = True  # taking back the class alone would leave what was rated; it is rated anew

    def asked(self) -> dict[str, forms.Field]:
        rule = rated_by()
        return _fields(rule) if rule is not None else {}

    def allowed(self, record: Customer) -> bool:
        return rated_by() is not None

    def initial(self, record: Customer) -> dict[str, Any]:
        return {item: value.normalize() for item, value in record.ratings.values_list("item", "value")}

    def do(self, record: Customer, by: Viewer, **values: Decimal | None) -> None:
        for item, value in values.items():
            if value is None:
                record.ratings.filter(item=item).delete()
                continue
            given = {"value": value, "person_id": by.person_id, "on": timezone.localdate()}
            Rated.objects.update_or_create(customer=record, item=item, defaults=given)
        review = Review.on(timezone.localdate())
        if review is not None:
            review.write([record])

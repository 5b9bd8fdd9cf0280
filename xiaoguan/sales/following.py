"""跟进: every night the rules of follow-up in force say of every customer when it is to be heard of next.

The day stands in a column of the customer, so that lists find what is due and what is overdue; it is no change of the
record. A contact with a customer that is due, another class or owner of one, has it reckoned at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xiaoguan.customers.models import Customer
from xiaoguan.customers.pool import look_again_with
from xiaoguan.desk.jobs import Running, every
from xiaoguan.policy.following import Due, Following
from xiaoguan.rulebook.daily import ruling
from xiaoguan.rulebook.versions import document_of
from xiaoguan.sales.knowing import Known, Portfolio, Questions, keep_marks
from xiaoguan.sales.models import Activity

SOME = 500
MARKS = ("follow_up_on", "follow_up_late_on", "follow_up_rule")
NOTHING = dict(zip(MARKS, (None, None, ""), strict=True))


class Rules:
    """The rules in force on a day."""

    def __init__(self, day: date):
        self.day = day
        found = ruling("follow_up", day)
        self.following = Following(document_of(found.version)) if found is not None else None

    @property
    def asked(self) -> bool:
        return self.following is not None and bool(self.following.rules)


@dataclass
class _Contacted(Known):
    """A customer with its contacts."""

    def contacted(self, kinds: Sequence[str], minutes: int) -> date | None:
        assert isinstance(self.among, _Chunk)
        if not kinds and not minutes:
            return self.customer.last_contact_on
        rows = self.among.contacts.get(self.customer.pk, {})
        days = [on for (kind, long), on in rows.items() if (not kinds or kind in kinds) and long >= minutes]
        return max(days, default=None)


class _Chunk(Portfolio):
    """Some customers, and when somebody was in touch with them how."""

    def __init__(self, rules: Rules, customers: Sequence[Customer]):
        assert rules.following is not None
        super().__init__(Questions(rules.following.policy, rules.following.names, rules.day), customers)
        self.rules, self.following = rules, rules.following

    @cached_property
    def contacts(self) -> Mapping[int, Mapping[tuple[str, int], date]]:
        """{customer: {(kind, minutes): the last day}}; the length only where a rule asks for it."""
        found: dict[int, dict[tuple[str, int], date]] = {}
        least = any(rule.min_minutes for rule, _holds in self.following.rules)
        rows = Activity.objects.filter(customer__in=self.ids, done_on__isnull=False, done_on__lte=self.rules.day)
        names = ("customer", "kind", "minutes") if least else ("customer", "kind")
        for customer, kind, *minutes, last in rows.order_by().values_list(*names).annotate(Max("done_on")):
            found.setdefault(customer, {})[kind, (minutes[0] or 0) if least else 0] = last
        return found

    def due(self, customer: Customer) -> Due | None:
        since = timezone.localdate(self.since[customer.pk])
        return self.following.next(_Contacted(customer, self, since), self.rules.day)


def _mark(rules: Rules, customers: Sequence[Customer]) -> int:
    """Write when each is due; how many are by today."""
    chunk, changed, due_now = _Chunk(rules, customers), [], 0
    for customer in customers:
        due = chunk.due(customer) if customer.owner_id is not None else None
        marks = dict(zip(MARKS, (due.on, due.late_on, due.rule.id), strict=True)) if due else NOTHING
        if any(getattr(customer, name) != value for name, value in marks.items()):
            for name, value in marks.items():
                setattr(customer, name, value)
            changed.append(customer)
        due_now += due is not None and due.on <= rules.day
    keep_marks(changed, MARKS)
    return due_now


def look(ids: Collection[int]) -> None:
    """Mark these customers as they are now."""
    rules = Rules(timezone.localdate())
    if rules.asked:
        _mark(rules, list(Customer.objects.filter(pk__in=ids).order_by("pk")))
    else:
        Customer.objects.filter(pk__in=ids).update(**NOTHING)


@every("day", at="00:20", title=gettext_lazy("Say which customers are due by the policy"))
def follow_up_customers(running: Running) -> dict[str, Any]:
    """Mark every customer, some hundred in a step."""
    rules = Rules(timezone.localdate())
    told = {"due": 0, "after": 0, **running.checkpoint}
    with running.step():
        lost = Q() if not rules.asked else Q(owner__isnull=True)
        Customer.objects.filter(lost, follow_up_on__isnull=False).update(**NOTHING)
    mine = Customer.objects.filter(owner__isnull=False).order_by("pk")
    while rules.asked and (some := list(mine.filter(pk__gt=told["after"])[:SOME])):
        told["after"] = some[-1].pk
        with running.step() as mark:
            told["due"] += _mark(rules, some)
            mark |= told
    return {"summary": lambda: _("%(n)d customers are due for a follow-up.") % {"n": told["due"]}}


# Only those that are due: the others come by the night, so that nothing is asked when a record is saved.
look_again_with("following", lambda: Q(follow_up_on__lte=timezone.localdate()), look)

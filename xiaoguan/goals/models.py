"""目标: what a person, a team or the company should reach in a period."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F
from django.db.models.lookups import IsNull
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk.fields import ExactField
from xiaoguan.desk.records import Record
from xiaoguan.people.models import Person, Team
from xiaoguan.rulebook.naming import NamedField, name_of


class GoalTarget(Record):
    """任务额: the value of one goal of the policy for one owner and period [starts_on, ends_on).

    value    major units of money, or a count; exact to four decimals.
    """

    goal = NamedField(_("goal"), of="goal", max_length=60, help_text=_("The goal's id in the policy."))
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="goals", verbose_name=_("person")
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="goals", verbose_name=_("team"))
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), help_text=_("The first day after the period."))
    value = ExactField(_("target"), places=4)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    method = models.CharField(_("how it came about"), max_length=160, blank=True)

    TITLE = "goal"
    COUNTED_IN: ClassVar = {"value": "currency"}
    ADDS_UP: ClassVar = {"value": (F("goal"), F("starts_on"), F("ends_on"), IsNull(F("person"), True))}
    by_rule = False
    """Whether a new value follows from the policy, as at a transfer: then nobody has to sign for it."""

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("goal"), _("goals")
        indexes: ClassVar = [
            models.Index(fields=["goal", "starts_on", "ends_on"], name="goal_of_period"),
            models.Index(fields=["-starts_on", "-id"], name="goal_list"),
        ]

    def __str__(self) -> str:
        months = (self.ends_on.year - self.starts_on.year) * 12 + self.ends_on.month - self.starts_on.month
        year, month = self.starts_on.year, self.starts_on.month
        label = {1: f"{year}-{month:02}", 3: f"{year}-Q{(month + 2) // 3}" if month % 3 == 1 else "", 12: f"{year}"}
        whole = self.starts_on.day == self.ends_on.day == 1 and (months != 12 or month == 1)
        return f"{name_of('goal', self.goal)} {(whole and label.get(months)) or self.starts_on}"

    def clean(self) -> None:
        super().clean()
        if self.person_id and self.team_id:
            raise ValidationError(_("A goal belongs to a person or to a team, not to both."))
        if self.starts_on and self.ends_on and self.ends_on <= self.starts_on:
            raise ValidationError({"ends_on": _("The end must be later than the beginning.")})

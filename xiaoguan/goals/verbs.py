"""What people do with goals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import span
from xiaoguan.desk import Verb
from xiaoguan.desk.access import Viewer, role
from xiaoguan.goals.models import GoalTarget
from xiaoguan.policy import Goal, Policy
from xiaoguan.policy.goals import elapsed
from xiaoguan.policy.targets import transfer
from xiaoguan.rulebook.versions import document_of, in_force


def goal_of(goal_id: str, day: date) -> tuple[Policy, Goal] | None:
    """A goal in the policy in force on a day."""
    found = ((policy, policy.goal(goal_id)) for policy in map(document_of, in_force(day)))
    return next(((policy, goal) for policy, goal in found if goal is not None), None)


class Transfer(Verb):
    """调动: whoever moves in the middle of a period keeps the part of the quota for the time served. What is left stays
    with the team or moves along, as the policy declares."""

    label, icon = _("Cut at a transfer"), "arrows-split-2"
    told = pgettext_lazy("history", "cut it at a transfer")
    means = _(
        "The goal ends at this day for the time served; what is left stays with the team or moves "
        "along, as the policy says."
    )
    fields: ClassVar = {"on": forms.DateField(label=_("First day in the new place"))}
    who = role("general_manager", "operations")

    def allowed(self, record: Any) -> bool:
        return record.person_id is not None and goal_of(record.goal, record.starts_on) is not None

    def do(self, record: Any, by: Viewer, on: date, **_given: Any) -> GoalTarget:
        found = goal_of(record.goal, record.starts_on)
        assert found is not None
        policy, goal = found
        if not record.starts_on < on < record.ends_on:
            raise ValidationError({"on": _("The day lies inside the period of the goal.")})
        scale = SCALE if policy.unit_of(goal.metric).startswith("money:") else 1
        served = elapsed(policy.calendar, span(record.starts_on, record.ends_on), on).share
        kept, rest, whose = transfer(goal, int(record.value * scale), Fraction(served), policy.quota_unit(goal))
        after = GoalTarget(goal=record.goal, person_id=record.person_id, starts_on=on, ends_on=record.ends_on)
        after.value, after.currency = Decimal(rest if whose == "person" else 0) / scale, record.currency
        record.ends_on, record.value, record.by_rule = on, Decimal(kept) / scale, True
        record.method = after.method = f"transfer {on}"
        record.save()
        after.save()
        return after

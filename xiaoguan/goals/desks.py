"""What people see of goals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import Desk, manager, owner, register, role
from xiaoguan.desk.access import unassigned
from xiaoguan.desk.approvals import Approval, Step, line_manager
from xiaoguan.desk.approvals.guards import changed_by_more
from xiaoguan.goals.models import GoalTarget


def _changes_much(record: Any, limit: Decimal | None) -> bool:
    """The value by more than the limit, or what it is counted in."""
    return record.stored("currency") != record.currency or changed_by_more(record, "value", limit)


@register
class GoalTargetDesk(Desk):
    """A person's goal is seen by them and their managers; the goals of teams and of the company by everyone."""

    model = GoalTarget
    slug = "goal-targets"
    icon = "trending-up"
    place = "goals"
    columns = "goal", "person", "team", "value", "currency", "starts_on", "ends_on", "method"
    form = "goal", "person team", "starts_on ends_on", "value currency", "method"
    filters = "person", "team", "starts_on"
    search = "goal", "person", "team"
    order = "-starts_on"
    match_on = "goal", "person", "team", "starts_on"
    read = (
        owner("person")
        | manager("person")
        | unassigned("person")
        | role("general_manager", "operations", "hr", "finance")
    )
    write = role("general_manager", "operations")
    approvals = (
        Approval(
            "target",
            _("change of a goal"),
            (Step(line_manager(1)),),
            freezes=("value", "currency"),
            when=_changes_much,
            waits=True,
            limit=Decimal("0.1"),
        ),
    )

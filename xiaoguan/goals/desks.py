"""What people see of goals."""

from __future__ import annotations

from xiaoguan.desk import Desk, manager, owner, register, role
from xiaoguan.desk.access import unassigned
from xiaoguan.goals.models import GoalTarget


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

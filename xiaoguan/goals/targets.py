"""Stored goals as the rulebook reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from xiaoguan.goals.models import GoalTarget
from xiaoguan.rulebook.world import Goal


def goals_between(start: date, end: date) -> Iterator[Goal]:
    """Every goal whose period lies inside [start, end), in a fixed order."""
    scale = GoalTarget._meta.get_field("value").scale
    rows = GoalTarget.objects.filter(starts_on__gte=start, ends_on__lte=end).order_by(
        "goal", "starts_on", "ends_on", "id"
    )
    for goal, person, team, begins, ends, value, currency in rows.values_list(
        "goal", "person_id", "team_id", "starts_on", "ends_on", "value", "currency"
    ):
        yield Goal(goal, person, team, begins, ends, int(value * scale), currency)

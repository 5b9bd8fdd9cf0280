"""What people see of goals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import Desk, manager, owner, register, role
from xiaoguan.desk.access import Rule, Viewer, unassigned
from xiaoguan.desk.approvals import Approval, Step, line_manager
from xiaoguan.desk.approvals.guards import changed_by_more
from xiaoguan.goals.models import GoalTarget
from xiaoguan.goals.verbs import Transfer
from xiaoguan.people.keeping import until_changed
from xiaoguan.rulebook.versions import document_of, in_force


@dataclass(frozen=True)
class Submits(Rule):
    """Goals that the policy lets the viewer's role submit (`bottom_up`): those of teams that the viewer leads, of the
    people below them and their own."""

    def goals(self, viewer: Viewer) -> tuple[str, ...]:
        return submitted_by(viewer.roles)

    def q(self, viewer: Viewer) -> Q:
        theirs = Q(person__in=viewer.own | viewer.reports) | Q(team__leader__in=viewer.own)
        return Q(goal__in=self.goals(viewer)) & theirs

    def never(self, viewer: Viewer) -> bool:
        return not self.goals(viewer)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        if record.goal not in self.goals(viewer):
            return False
        if record.team_id is not None:
            return record.team.leader_id in viewer.own
        return record.person_id in viewer.own | viewer.reports

    def words(self) -> str:
        return _("whoever submits this goal, for their team")


@until_changed
def submitted_by(roles: frozenset[str]) -> tuple[str, ...]:
    """Goals that people with these roles submit, by the policies in force."""
    goals = (goal for version in in_force() for goal in document_of(version).goals)
    return tuple(g.id for g in goals if g.target.method == "bottom_up" and roles.intersection(g.target.submit_by))


def _changes_much(record: Any, limit: Decimal | None) -> bool:
    """The value by more than the limit, or what it is counted in."""
    if record.by_rule:
        return False
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
    beside = "person", "team", "starts_on", "ends_on", "value"
    order = "-starts_on"
    match_on = "goal", "person", "team", "starts_on"
    read = (
        owner("person")
        | manager("person")
        | unassigned("person")
        | role("general_manager", "operations", "hr", "finance")
    )
    write = role("general_manager", "operations") | Submits()
    verbs = (Transfer,)
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

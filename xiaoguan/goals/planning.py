"""目标分解: a goal worked out by the policy's own steps from the records of this company, looked at, then set.

Nothing is written until somebody sets it. What was set before and differs is changed as any goal is: a change that
needs a signature is left as it stands and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from xiaoguan.base.money import SCALE, round_to
from xiaoguan.base.periods import Period
from xiaoguan.base.words import pinyin_key
from xiaoguan.desk.approvals.guards import Refused
from xiaoguan.goals.models import GoalTarget
from xiaoguan.people.models import Person, Team
from xiaoguan.policy import Goal, Policy
from xiaoguan.policy.goals import Number
from xiaoguan.policy.reasonable import Checked, assess
from xiaoguan.policy.reckon import evidence
from xiaoguan.policy.targets import Part, Targets, work_out
from xiaoguan.rulebook.world import DatabaseWorld

Cell = tuple[str, Period]
"""Owner ("" the company, "team:7", "12" a person) and period."""


@dataclass(frozen=True)
class Row:
    """One owner's line of the table: the goal for the whole, and for each period of the last step that has one."""

    owner: str
    name: str
    level: int
    whole: Number
    parts: Mapping[str, Number]


@dataclass(frozen=True)
class Worked:
    """A goal worked out, in units of money or counts."""

    policy: Policy
    goal: Goal
    period: Period
    targets: Targets
    cells: Mapping[Cell, Part]
    periods: Sequence[Period]
    rows: Sequence[Row]

    @property
    def carried(self) -> int:
        """What the people carry together: below the whole by ramp and presence, above it by over-assignment."""
        return sum(row.whole for row in self.rows if row.level == 2)


def work_out_goal(policy: Policy, goal: Goal, period: Period, whole: int | None = None) -> Worked:
    """The goal for a period of its own kind, cut by the policy's steps. `whole` stands in for the policy's target."""
    targets = work_out(policy, goal, period, DatabaseWorld(policy), whole=whole)
    cells: dict[Cell, Part] = {}
    values = targets.values()

    def visit(part: Part) -> None:
        value = values[goal.id, part.owner, part.period.label]
        cells.setdefault((part.owner, part.period), replace(part, value=value))
        for one in part.parts:
            visit(one)

    if targets.root is not None:
        visit(targets.root)
    every = {p for _owner, p in cells}
    periods = sorted((p for p in every if p != period and _last(p, every)), key=lambda p: p.start)
    return Worked(policy, goal, period, targets, cells, periods, _rows(cells, period, periods))


def _last(period: Period, every: Iterable[Period]) -> bool:
    """Whether no shorter period of the table lies inside."""
    return not any(p != period and period.start <= p.start and p.end <= period.end for p in every)


def _rows(cells: Mapping[Cell, Part], period: Period, periods: Sequence[Period]) -> list[Row]:
    names = _names([owner for owner, _p in cells])
    found = []
    for owner in sorted({owner for owner, _p in cells}, key=lambda o: (_level(o), pinyin_key(names[o]))):
        parts = {p.label: cells[owner, p].value for p in periods if (owner, p) in cells}
        own = cells.get((owner, period))
        whole = own.value if own is not None else sum(parts.values())
        found.append(Row(owner, names[owner], _level(owner), whole, parts))
    return found


def _level(owner: str) -> int:
    return 0 if not owner else 1 if owner.startswith("team:") else 2


def _names(owners: Sequence[str]) -> dict[str, str]:
    teams = {f"team:{pk}": name for pk, name in Team.objects.values_list("pk", "name")}
    people = [int(o) for o in owners if o.isdigit()]
    persons = {str(pk): name for pk, name in Person.objects.filter(pk__in=people).values_list("pk", "name")}
    return {"": _("Company"), **teams, **persons}


def checks(worked: Worked) -> dict[str, list[Checked]]:
    """目标合理性: what speaks for and against each person's goal: its checks beside the bands of the policy."""
    world = DatabaseWorld(worked.policy)
    found = {}
    for row in worked.rows:
        who = world.person(row.owner) if row.level == 2 else None
        if who is not None and row.whole:
            known = evidence(worked.policy, world, worked.goal, who, worked.period, Fraction(row.whole))
            found[row.owner] = assess(worked.goal, known)
    return found


@dataclass
class Set:
    """What setting a goal did: rows new, changed, as they were; and those refused with the reason."""

    new: int = 0
    changed: int = 0
    same: int = 0
    refused: list[tuple[str, str]] | None = None


@transaction.atomic
def set_goal(worked: Worked) -> Set:
    """Write the table as goals, through the records' own path. Doing it twice changes nothing."""
    stored = {_key(row): row for row in GoalTarget.objects.filter(goal=worked.goal.id, **_inside(worked.period))}
    money = worked.policy.unit_of(worked.goal.metric).startswith("money:")
    names, done = _names([owner for owner, _p in worked.cells]), Set(refused=[])
    for (owner, period), part in worked.cells.items():
        value = Decimal(round_to(part.value * (1 if money else SCALE), 1)).scaleb(-4)
        team, person = (int(owner[5:]), None) if owner.startswith("team:") else (None, int(owner) if owner else None)
        row = stored.get((person, team, period.start, period.end))
        if row is not None and row.value == value:
            done.same += 1
            continue
        fresh = row is None
        if row is None:
            row = GoalTarget(goal=worked.goal.id, person_id=person, team_id=team)
            row.starts_on, row.ends_on = period.start, period.end
        row.value, row.currency, row.method = value, worked.policy.currency if money else "", part.how
        try:
            row.save()
        except (Refused, ValidationError) as error:
            assert done.refused is not None
            done.refused.append((f"{names[owner]} {period.label}", " ".join(error.messages)))
            continue
        done.new += fresh
        done.changed += not fresh
    return done


def _key(row: GoalTarget) -> tuple[int | None, int | None, date, date]:
    return row.person_id, row.team_id, row.starts_on, row.ends_on


def _inside(period: Period) -> dict[str, date]:
    return {"starts_on__gte": period.start, "ends_on__lte": period.end}

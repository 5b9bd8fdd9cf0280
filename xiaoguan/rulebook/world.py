"""The database as the engine's world: the records and goals of one person in one period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from hashlib import sha256
from typing import Any

import orjson

from xiaoguan.base.explain import Line
from xiaoguan.base.money import SCALE, Money
from xiaoguan.base.periods import Period
from xiaoguan.people.chart import people_with_roles
from xiaoguan.people.models import PayTerms, Person
from xiaoguan.policy import Policy, Who
from xiaoguan.policy.formula import Field, Name, dotted, walk
from xiaoguan.policy.metrics import Derived, Plan, PlanError, evaluate, plan
from xiaoguan.rulebook.facts import facts, schema


@dataclass(frozen=True)
class Goal:
    """A stored goal: whose (neither is the company's), for which days, and its value in ten-thousandths."""

    goal: str
    person_id: int | None
    team_id: int | None
    start: date
    end: date
    value: int
    currency: str


GoalsBetween = Callable[[date, date], Iterable[Goal]]
_goals: GoalsBetween | None = None


def use_goals_from(source: GoalsBetween) -> None:
    """The floor that keeps goals says here how those inside [start, end) are read."""
    global _goals
    _goals = source


class Participants:
    """参与人: who is in the policy's scope in a period, with the role and the pay terms that held at its end."""

    def __init__(self, policy: Policy, period: Period):
        roles = set(policy.header.scope.roles) | {role for p in policy.incentive for role in p.role}
        held = people_with_roles(roles, period.start, period.end) if roles else {}
        names = dict(Person.objects.filter(pk__in=held).values_list("pk", "name"))
        terms = _terms(list(held), period)
        self.people: dict[str, Who] = {}
        for pk in sorted(held):
            role = held[pk][-1][0]  # the last one held in the period
            self.people[str(pk)] = Who(str(pk), names[pk], role, terms.get(pk, {}))


def _terms(people: list[int], period: Period) -> dict[int, dict[str, Any]]:
    """Pay terms of each person: those in force on the last day of the period."""
    rows = PayTerms.objects.filter(person_id__in=people, starts_on__lt=period.end).exclude(ends_on__lt=period.end)
    found: dict[int, dict[str, Any]] = {}
    for row in rows.order_by("person_id", "starts_on", "id"):
        terms: dict[str, Any] = {}
        if row.commission_percent is not None:
            terms["commission_percent"] = Fraction(row.commission_percent)
        if row.bonus_units is not None:
            terms["bonus"] = Money.of_units(row.bonus_units, row.currency)
        found[row.person_id] = terms
    return found


class DatabaseWorld:
    """What the engine asks, answered from the database; every answer goes into the digest of the inputs.

    Rows are read once for everybody and period, and kept by person.

    people    read only these people's rows, for a question about a few; None for everybody.
    """

    def __init__(self, policy: Policy, people: Collection[int] | None = None):
        self.policy, self.people = policy, people
        self.digest = sha256()
        self._rows: dict[tuple[str, str, date, date], dict[int | None, list[dict[str, Any]]]] = {}
        self._lines: dict[tuple[str, str, date, date], Line] = {}
        self._goals: dict[tuple[date, date], dict[tuple[str, int | None, int | None], list[Goal]]] = {}
        self._names = _fields_needed(policy)

    def metric(self, metric_id: str, who: Who, period: Period) -> Line:
        key = (metric_id, who.key, period.start, period.end)
        if key not in self._lines:
            rows = self._rows_of(int(who.key))
            self._lines[key] = evaluate(self.policy, metric_id, rows, period, schema())
        return self._lines[key]

    def whole(self, metric_id: str, period: Period) -> Line:
        """The metric over everybody's records and those of nobody, without the list of them."""

        def rows_of(source: str, window: Period, dated: str) -> list[dict[str, Any]]:
            self._rows_of(0)(source, window, dated)
            return [row for rows in self._rows[source, dated, window.start, window.end].values() for row in rows]

        line = evaluate(self.policy, metric_id, rows_of, period, schema())
        return replace(line, records=(), parts=())

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        return self.goal_of(goal_id, period, person_id=int(who.key))

    def goal_of(
        self, goal_id: str, period: Period, person_id: int | None = None, team_id: int | None = None
    ) -> Line | None:
        """The goal for exactly this period, or the sum of shorter ones that fill it without a gap."""
        goal = self.policy.goal(goal_id)
        if goal is None:
            return None
        rows = self._goals_in(period).get((goal_id, person_id, team_id), [])
        whole = [g for g in rows if (g.start, g.end) == (period.start, period.end)]
        parts = whole or _tiling(rows, period)
        if not parts:
            return None
        unit = self.policy.unit_of(goal.metric)
        total = sum(g.value for g in parts)
        value = total if unit.startswith("money") else _count(total)
        source = f"{self.policy.clause}, {goal.source or goal.path}"
        return Line(goal_id, goal.name or goal_id, value, unit, source=source, note=f"for {period.label}")

    def _goals_in(self, period: Period) -> Mapping[tuple[str, int | None, int | None], list[Goal]]:
        key = (period.start, period.end)
        if key not in self._goals:
            found: dict[tuple[str, int | None, int | None], list[Goal]] = defaultdict(list)
            for goal in _goals(*key) if _goals else ():
                found[goal.goal, goal.person_id, goal.team_id].append(goal)
                self._read([goal.goal, goal.person_id, goal.team_id, str(goal.start), str(goal.end), goal.value])
            self._goals[key] = found
        return self._goals[key]

    def _rows_of(self, person_id: int) -> Callable[[str, Period, str], list[dict[str, Any]]]:
        def rows_of(source: str, period: Period, dated: str) -> list[dict[str, Any]]:
            key = (source, dated, period.start, period.end)
            if key not in self._rows:
                by_person: dict[int | None, list[dict[str, Any]]] = defaultdict(list)
                for row in facts()[source].rows(
                    dated, period.start, period.end, self._names.get(source, ()), self.people
                ):
                    by_person[row["person"]].append(row)
                    self._read(row)
                self._rows[key] = by_person
            return self._rows[key].get(person_id, [])

        return rows_of

    def _read(self, value: Any) -> None:
        self.digest.update(orjson.dumps(value, default=str))


def _count(total: int) -> Any:
    value = Fraction(total, SCALE)
    return value.numerator if value.denominator == 1 else value


def _tiling(goals: list[Goal], period: Period) -> list[Goal]:
    """The shorter goals that fill the period from end to end, the longest steps first; [] if there is a gap."""
    at, used = period.start, []
    while at < period.end:
        fitting = [g for g in goals if g.start == at and g.end <= period.end]
        if not fitting:
            return []
        longest = max(fitting, key=lambda g: g.end)
        used.append(longest)
        at = longest.end
    return used


def _fields_needed(policy: Policy) -> dict[str, set[str]]:
    """The fields of each fact table that this policy reads at all."""
    needed: dict[str, set[str]] = defaultdict(set)

    def visit(planned: Plan | Derived) -> None:
        if isinstance(planned, Derived):
            for part in planned.inputs.values():
                visit(part)
            return
        for tree in (planned.value, planned.where):
            if tree is not None:
                needed[planned.source] |= {
                    name for node in walk(tree) if isinstance(node, Name | Field) and (name := dotted(node))
                }

    for metric_id in policy.metrics:
        try:
            visit(plan(policy, metric_id, schema()))
        except PlanError:
            continue
    return needed

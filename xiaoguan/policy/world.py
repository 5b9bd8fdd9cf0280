"""事实来源 world: where the engine gets the numbers of a person: metrics and goals.

The engine asks a `World`; a database answers in production, `RowsWorld` answers from rows in memory for tests, policy
cases and `xiaoguan calc`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Protocol

from xiaoguan.base.explain import Line
from xiaoguan.base.money import Money
from xiaoguan.base.periods import Period

from .document import Policy
from .formula import Row
from .metrics import FACTS, RowsOf, Schema, evaluate

Term = Fraction | Money | int | str | None


@dataclass(frozen=True)
class Who:
    """参与人: a person as the engine sees one. The key "" stands for the whole company: its records are everybody's.

    terms   what the contract says, read in formulas as person.x: a Fraction for a percentage or number, Money or an
            int of units for an amount.
    """

    key: str
    name: str
    role: str = ""
    terms: Mapping[str, Term] = field(default_factory=dict)


class World(Protocol):
    """What the engine asks about a person and a period."""

    def metric(self, metric_id: str, who: Who, period: Period) -> Line:
        """The metric over the person's own records."""

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        """The person's goal for exactly that period, or None."""


class RowsWorld:
    """A world of rows in memory.

    rows    fact table to rows; a row's field `person` (see the schema) says whose it is.
    goals   (goal id, person key, period label) to units or count. A goal asked for a longer period than it is given
            for is the sum of the shorter ones, if they are all there.
    """

    def __init__(
        self,
        policy: Policy,
        rows: Mapping[str, Sequence[Row]],
        goals: Mapping[tuple[str, str, str], int] | None = None,
        schema: Schema = FACTS,
    ) -> None:
        self.policy, self.schema, self.goals = policy, schema, goals or {}
        self.rows = rows
        self.own: dict[tuple[str, object], list[Row]] = defaultdict(list)
        for table, every in rows.items():
            person = schema.facts[table].person if table in schema.facts else None
            for row in every if person else ():
                self.own[table, row.get(person or "")].append(row)

    def metric(self, metric_id: str, who: Who, period: Period) -> Line:
        """The metric over the person's rows."""
        return evaluate(self.policy, metric_id, self._rows_of(who), period, self.schema)

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        """The goal as given, or added up from shorter periods."""
        goal = self.policy.goal(goal_id)
        value = self._goal(goal_id, who, period)
        if goal is None or value is None:
            return None
        unit = self.policy.unit_of(goal.metric)
        source = f"{self.policy.clause}, {goal.source or goal.path}"
        return Line(goal_id, goal.name or goal_id, value, unit, source=source, note=f"for {period.label}")

    def _goal(self, goal_id: str, who: Who, period: Period) -> int | None:
        key = (goal_id, who.key, period.label)
        if key in self.goals:
            return self.goals[key]
        kinds = ("half_year", "quarter", "month")
        for kind in kinds[kinds.index(period.kind) + 1 :] if period.kind in kinds else kinds:
            if period.kind not in (*kinds, "year"):
                return None
            parts = [self.goals.get((goal_id, who.key, p.label)) for p in self.policy.calendar.children(period, kind)]
            if all(part is not None for part in parts):
                return sum(part for part in parts if part is not None)
        return None

    def _rows_of(self, who: Who) -> RowsOf:
        def rows_of(source: str, period: Period, by: str) -> list[Row]:
            table = self.schema.facts.get(source)
            personal = who.key and table is not None and table.person
            rows = self.own.get((source, who.key), []) if personal else self.rows.get(source, [])
            return [row for row in rows if isinstance(day := row.get(by), date) and period.contains(day)]

        return rows_of

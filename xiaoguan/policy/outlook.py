"""展望 outlook: everybody's forecast of a period as of a day, from the fact tables alone.

Deals are those that were open on the day; their amount and expected day are those that the file has, and so is their
stage where no stays are known. Without stays nothing is known of what became of deals like them, so that
`stage_conversion` has no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

from xiaoguan.base.explain import Line
from xiaoguan.base.periods import Period

from .document import Policy
from .forecast import (
    Deal,
    Experience,
    Forecaster,
    Foreseen,
    Owned,
    Stay,
    before,
    category_of,
    goal_of,
    recalibrated,
    seasons_in,
    won_deals,
)
from .formula import Row
from .metrics import PlanError, plan, run_rows
from .world import RowsWorld, Who, was_open

YEARS = 3
"""Of the past that a series is made of."""


@dataclass(frozen=True)
class Outlook:
    """One owner's forecast: the key of a person, "team:" and the team's, "" for the company."""

    key: str
    name: str
    goal: int | None
    actual: int
    said: dict[str, int]
    methods: dict[str, Foreseen]


@dataclass
class Looking:
    """What is needed of the facts, read once. day: the first one that has not come yet."""

    policy: Policy
    facts: RowsWorld
    period: Period
    day: date

    def __iter__(self) -> Iterator[Outlook]:
        """The company, each team, each person who has a goal, deals or anything that came."""
        people = self.facts.people()
        last = min(self.day, self.period.end)
        teams: dict[str, list[Who]] = {}
        for who in people:
            if team := who.on(last).team or ("" if who.spans else who.team):
                teams.setdefault(team, []).append(who)
        yield self.of(Who("", "company"), people)
        for team in sorted(teams):
            yield self.of(Who(f"team:{team}", team, team=team), teams[team])
        for who in people:
            found = self.of(who, [who])
            if found.goal is not None or found.actual or self.deals_of([who]):
                yield found

    def of(self, whose: Who, people: Sequence[Who]) -> Outlook:
        assert self.policy.forecast is not None
        actual = self.came(whose, people, self.period)
        caster = Forecaster(self.policy, self.period, self.day, self.experience)
        goal = self.goal(whose, people)
        owned = Owned(actual, goal, self.deals_of(people if whose.key else None), self.past(whose, people))
        methods: dict[str, Foreseen] = {method: caster.by(method, owned) for method in self.policy.forecast.methods}
        return Outlook(whose.key, whose.name, goal, actual, caster.said(owned), methods)

    @cached_property
    def experience(self) -> Experience | None:
        """What became of past deals, where the file has their stays."""
        known, rule = self.facts.book.stays, self.policy.forecast
        if known is None or rule is None:
            return None
        until = recalibrated(self.policy.calendar, rule.accuracy.recalibrate if rule.accuracy else "quarter", self.day)
        return Experience.of(filter(None, map(self._stay, known)), until)

    def _stay(self, row: Row) -> Stay | None:
        deal = self.facts.row("opportunities", str(row.get("opportunity"))) or {}
        entered, left, closed = row.get("entered_on"), row.get("left_on"), deal.get("closed_on")
        if not isinstance(entered, date):
            return None
        over = closed if isinstance(closed, date) else None
        won = over if deal.get("result") == "won" else None
        key, gone = str(row.get("opportunity")), left if isinstance(left, date) else None
        return Stay(key, str(row.get("stage")), entered, gone, won, over)

    def goal(self, whose: Who, people: Sequence[Who]) -> int | None:
        """Its own, else the sum of what its people carry."""
        goal = goal_of(self.policy)
        given = [self.facts.goal(goal.id, one, self.period) for one in (whose, *people)] if goal is not None else []
        known = [int(line.number) if isinstance(line, Line) and not line.missing else None for line in given]
        if known and known[0] is not None:
            return known[0]
        carried = [value for value in known[1:] if value is not None]
        return sum(carried) if carried else None

    def came(self, whose: Who, people: Sequence[Who], period: Period) -> int:
        """What was counted in the period before the day; won deals where the goal's metric is not among the facts."""
        goal, window = goal_of(self.policy), period
        if self.day < period.end:
            window = Period(period.start, max(self.day, period.start), "range", period.label)
        metric = goal.metric if goal is not None and self.counted else None
        if metric is not None:
            lines = [self.facts.metric(metric, one, window) for one in (people if whose.key else [whose])]
        else:
            rows = self.facts.rows("opportunities", window, "closed_on")
            lines = [run_rows(won_deals(), self._theirs(rows, whose, people), window, self.policy.currency)]
        return int(sum((line.number for line in lines if not line.missing), Fraction(0)))

    @cached_property
    def counted(self) -> bool:
        """Whether the metric of the goal is among the facts."""
        goal = goal_of(self.policy)
        try:
            return goal is not None and bool(plan(self.policy, goal.metric, self.facts.schema))
        except PlanError:
            return False

    def past(self, whose: Who, people: Sequence[Who]) -> list[int]:
        """What came in the periods before, from the first in which anything did."""
        if self.policy.forecast is None or "time_series" not in self.policy.forecast.methods:
            return []
        every = before(self.policy.calendar, self.period, YEARS * seasons_in(self.policy.calendar, self.period))
        came = [self.came(whose, people, one) for one in every if one.end <= self.day]
        first = next((at for at, value in enumerate(came) if value), len(came))
        return came[first:]

    def deals_of(self, people: Sequence[Who] | None) -> list[Deal]:
        """Theirs; everybody's and nobody's for None."""
        keys = None if people is None else {one.key for one in people}
        return [deal for deal in self.deals if keys is None or deal.person in keys]

    @cached_property
    def deals(self) -> list[Deal]:
        """Those that were open on the day, in the policy's currency, each in its stage of then if that is known."""
        if "opportunities" not in self.facts.schema.facts:
            return []
        ever, known = Period(date.min, date.max, "range", ""), self.facts.stays(self.day)
        rows = self.facts.rows("opportunities", ever, "closes_on") if known is None else known
        open_ = (row for row in rows if was_open(row, self.day) and isinstance(row.get("closes_on"), date))
        return [self._deal(row) for row in open_ if row.get("currency") in (None, "", self.policy.currency)]

    def _deal(self, row: Row) -> Deal:
        stage, closes_on = str(row.get("stage") or ""), row.get("closes_on")
        assert isinstance(closes_on, date)
        category = str(row.get("category") or category_of(self.policy, stage))
        units = int(str(row.get("amount") or 0))
        key, label = str(row.get("id")), str(row.get("label") or row.get("id"))
        days = (self.day - entered).days if isinstance(entered := row.get("entered_on"), date) else 0
        return Deal(key, label, str(row.get("person") or ""), units, stage, category, closes_on, days)

    def _theirs(self, rows: Sequence[Row], whose: Who, people: Sequence[Who]) -> list[Row]:
        keys = {one.key for one in people}
        return [row for row in rows if not whose.key or row.get("person") in keys]

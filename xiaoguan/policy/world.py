"""事实来源 world: where the engine gets what it needs to know: metrics, goals, people, grades, rates, the ledger.

The engine asks a `World`; a database answers in production, `RowsWorld` answers from rows in memory for tests, policy
cases and `xiaoguan calc`. A world that only knows metrics and goals is enough for plans without splits, roll-ups and
release by cash; the rest is `Facts`, and what a world does not know makes a line without value, never a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Protocol

from xiaoguan.base.explain import Line
from xiaoguan.base.ledger import Entry
from xiaoguan.base.money import Money
from xiaoguan.base.periods import Period

from .document import Goal, Policy
from .forecast import Kept
from .formula import Row
from .goals import Absence, Number, quota_line
from .metrics import FACTS, RowsOf, Schema, evaluate

Term = Fraction | Money | int | str | None


@dataclass(frozen=True, slots=True)
class Span:
    """任职: a role, a team and a manager (key of the person) for [start, end); end None is open."""

    start: date
    end: date | None = None
    role: str = ""
    team: str = ""
    manager: str = ""

    def contains(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True)
class Who:
    """参与人: a person as the engine sees one. The key "" stands for the whole company: its records are everybody's.

    terms   what the contract says, read in formulas as person.x: a Fraction for a percentage or number, Money or an
            int of units for an amount.
    spans   roles, teams and managers over time; empty means role and team hold always.
    """

    key: str
    name: str
    role: str = ""
    terms: Mapping[str, Term] = field(default_factory=dict)
    team: str = ""
    hired_on: date | None = None
    left_on: date | None = None
    spans: tuple[Span, ...] = ()

    def away(self, period: Period) -> bool:
        """Whether a period lies before the day of hire or after the last day."""
        before = self.hired_on is not None and self.hired_on >= period.end
        return before or (self.left_on is not None and self.left_on <= period.start)

    def on(self, day: date) -> Span:
        """Role, team and manager on a day; a span without role where there is none."""
        if not self.spans:
            return Span(date.min, None, self.role, self.team)
        return next((span for span in self.spans if span.contains(day)), Span(day, None))


class World(Protocol):
    """What the engine asks about a person and a period."""

    def metric(self, metric_id: str, who: Who, period: Period) -> Line:
        """The metric over the person's own records."""

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        """The person's goal for exactly that period, or None."""


class Facts(World, Protocol):
    """What a world may know beside metrics and goals."""

    schema: Schema
    cache: dict[object, object]

    @property
    def has_splits(self) -> bool:
        """Whether any split is recorded at all."""

    def rows(self, table: str, period: Period, by: str) -> Sequence[Row]:
        """Everybody's rows of a table in a period by a date."""

    def row(self, table: str, record: str) -> Row | None:
        """One row by its id."""

    def about(self, table: str, record: str, of: str) -> Sequence[Row]:
        """The rows of a table that point at a record of the table `of`, such as the payments of an order."""

    def person(self, key: str) -> Who | None:
        """A person by key."""

    def people(self) -> Sequence[Who]:
        """Everybody, in a fixed order."""

    def at(self, who: Who, period: Period) -> Who:
        """The person with the terms that held at the end of a period."""

    def splits(self, table: str, record: str) -> Sequence[Row]:
        """Recorded splits of a record: rows of person and share (and counts)."""

    def grade(self, appraisal_id: str, who: Who, period: Period) -> Row | None:
        """The last locked grade of an appraisal whose period ends with or before this one: grade, score, factor."""

    def rate(self, currency: str, on: date, kind: str) -> Fraction | None:
        """Units of the policy's currency for one unit of `currency`; None if it is not known."""

    def forecasts(self, who: Who) -> Sequence[Kept]:
        """The kept forecasts of a person, of a team ("team:" and its key) or of the company ("")."""

    def stays(self, day: date) -> Sequence[Row] | None:
        """The deals that were open when a day began, with the stage that they were in: rows of id, label, person,
        customer, stage and entered_on; None where the stages of past days are not known."""

    def posted(self, who: Who) -> Sequence[Entry]:
        """What was posted for the person in locked periods."""

    @property
    def locked(self) -> Sequence[str]:
        """The labels of the locked periods, also of those in which nothing was posted for somebody."""


def facts_of(world: object) -> Facts | None:
    """The world as Facts, if it knows that much."""
    return world if hasattr(world, "about") else None  # type: ignore[return-value]


@dataclass
class Book:
    """What stands beside the fact tables: people, recorded splits, grades, rates, the ledger so far.

    grades   rows of person, appraisal, period (Period), grade, score, factor, locked.
    stays    rows of opportunity, stage, entered_on, left_on (None: still there); None where they are not known.
    absences person to when and why they were away.
    rates    rows of currency, on (date), rate (Fraction), kind (plan, spot, average).
    """

    people: Mapping[str, Who] = field(default_factory=dict)
    splits: Sequence[Row] = ()
    grades: Sequence[Row] = ()
    rates: Sequence[Row] = ()
    ledger: Sequence[Entry] = ()
    absences: Mapping[str, Sequence[Absence]] = field(default_factory=dict)
    forecasts: Mapping[str, Sequence[Kept]] = field(default_factory=dict)
    stays: Sequence[Row] | None = None


class RowsWorld:
    """A world of rows in memory.

    rows    fact table to rows; a row's field `person` (see the schema) says whose it is.
    goals   (goal id, person key, period label) to units or count. A goal asked for a longer period than it is given
            for is the sum of the shorter ones, if they are all there; of a ratio the value they share. The key of a
            team is "team:" and its name, of the company "".
    """

    tells_records = False
    """Whether the lines of components say what each record earned."""

    def __init__(
        self,
        policy: Policy,
        rows: Mapping[str, Sequence[Row]],
        goals: Mapping[tuple[str, str, str], Number] | None = None,
        schema: Schema = FACTS,
        book: Book | None = None,
    ) -> None:
        self.policy, self.schema, self.goals, self.book = policy, schema, goals or {}, book or Book()
        self.tables = rows
        self.cache: dict[object, object] = {}
        self.own: dict[tuple[str, object], list[Row]] = defaultdict(list)
        for table, every in rows.items():
            person = schema.facts[table].person if table in schema.facts else None
            for row in every if person else ():
                self.own[table, row.get(person or "")].append(row)
        self._splits: dict[tuple[object, object], list[Row]] = defaultdict(list)
        for row in self.book.splits:
            self._splits[row.get("table"), row.get("record")].append(row)
        self._pointing: dict[tuple[str, str], list[Row]] | None = None
        self._ids: dict[tuple[str, str], Row] | None = None
        self._owners: tuple[object, set[tuple[str, str]]] | None = None
        self.asked: Callable[[Goal, Period], None] | None = None
        """Told of every goal that is asked for, before it is looked up: then it is worked out."""
        self.worked: set[tuple[str, str]] = set()
        """Goal and period label of what was worked out: whoever has no part in it carries nothing then."""

    def metric(self, metric_id: str, who: Who, period: Period) -> Line:
        """The metric over the person's rows."""
        return evaluate(self.policy, metric_id, self._rows_of(who), period, self.schema)

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        """The goal as given, or added up from shorter periods."""
        goal = self.policy.goal(goal_id)
        if goal is not None and self.asked is not None:
            self.asked(goal, period)
        given = self._given(goal_id, who, period)
        if goal is None or given is None:
            return None
        return quota_line(self.policy, goal, period, given, self.book.absences.get(who.key, ()))

    def rows(self, table: str, period: Period, by: str) -> Sequence[Row]:
        """Everybody's rows of a table in a period by a date."""
        key = ("rows", table, period.start, period.end, by)
        if key not in self.cache:
            self.cache[key] = self._rows_of(Who("", ""))(table, period, by)
        return self.cache[key]  # type: ignore[return-value]

    def row(self, table: str, record: str) -> Row | None:
        """One row by its id."""
        if self._ids is None:
            self._ids = {(t, str(row.get("id"))): row for t, rows in self.tables.items() for row in rows}
        return self._ids.get((table, record))

    def about(self, table: str, record: str, of: str) -> Sequence[Row]:
        """Rows of a table that name the record: `order` names one of orders, `invoice` one of invoices, `record` one of
        any table."""
        if self._pointing is None:
            self._pointing = defaultdict(list)
            for name, rows in self.tables.items():
                for row in rows:
                    named = {(key, str(row[key])) for key in _POINTERS if row.get(key) not in (None, "")}
                    for key, target in named:
                        self._pointing[f"{name}.{key}", target].append(row)
        keys = [key for key, named in _POINTERS.items() if named in (of, "")]
        found = [row for key in keys for row in self._pointing.get((f"{table}.{key}", record), ())]
        return found if len(found) < 2 else list({id(row): row for row in found}.values())

    def person(self, key: str) -> Who | None:
        """A person by key."""
        return self.book.people.get(key)

    def people(self) -> Sequence[Who]:
        """Everybody, by key."""
        return [self.book.people[key] for key in sorted(self.book.people)]

    @property
    def has_splits(self) -> bool:
        """Whether the book has any."""
        return bool(self.book.splits)

    def at(self, who: Who, period: Period) -> Who:
        """The same person: terms are given once."""
        return who

    def splits(self, table: str, record: str) -> Sequence[Row]:
        """Recorded splits of a record, else of its order; those that name no table are of any."""
        own = self._splits.get((table, record)) or self._splits.get((None, record))
        if own or not self._splits or table == "orders":
            return own or ()
        row = self.row(table, record) or {}
        if row.get("order"):
            return self.splits("orders", str(row["order"]))
        return self.splits("invoices", str(row["invoice"])) if row.get("invoice") and table != "invoices" else ()

    def grade(self, appraisal_id: str, who: Who, period: Period) -> Row | None:
        """The last locked grade."""
        found: list[tuple[date, Row]] = []
        for row in self.book.grades:
            of = row.get("period")
            about = row.get("person") == who.key and row.get("appraisal") == appraisal_id and row.get("locked", True)
            if about and isinstance(of, Period) and of.end <= period.end:
                found.append((of.end, row))
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def rate(self, currency: str, on: date, kind: str) -> Fraction | None:
        """plan_rate and month_average: the last given on or before the day, the average of its month; event_date: that
        day's rate, or that of the last seven days before it."""
        wanted = {"plan_rate": "plan", "month_average": "average", "event_date": "spot"}.get(kind, kind)
        best: tuple[date, Fraction] | None = None
        for row in self.book.rates:
            day, value = row.get("on"), row.get("rate")
            if row.get("currency") != currency or row.get("kind", "spot") != wanted or not isinstance(day, date):
                continue
            if wanted == "average":
                fits = (day.year, day.month) == (on.year, on.month)
            else:
                fits = day <= on and (wanted == "plan" or on - day <= timedelta(days=7))
            if fits and isinstance(value, Fraction) and (best is None or day > best[0]):
                best = day, value
        return best[1] if best else None

    def forecasts(self, who: Who) -> Sequence[Kept]:
        """As the book has them."""
        return self.book.forecasts.get(who.key, ())

    def stays(self, day: date) -> Sequence[Row] | None:
        """The stays of the book that the day lies in, each with its deal."""
        if self.book.stays is None:
            return None
        found = []
        for stay in self.book.stays:
            entered, left = stay.get("entered_on"), stay.get("left_on")
            deal = self.row("opportunities", str(stay.get("opportunity")))
            here = isinstance(entered, date) and entered < day and not (isinstance(left, date) and left < day)
            if deal is not None and here and was_open(deal, day):
                found.append({**deal, "stage": stay.get("stage"), "entered_on": entered})
        return found

    def posted(self, who: Who) -> Sequence[Entry]:
        """The ledger of the person so far."""
        return [entry for entry in self.book.ledger if entry.person == who.key]

    @property
    def locked(self) -> Sequence[str]:
        """Every period in which or about which something was posted for anybody, and those between: nothing was paid
        in them, and they are closed all the same."""
        labels = dict.fromkeys(label for one in self.book.ledger for label in (one.posted, one.stands_in))
        calendar, at = self.policy.calendar, {}
        for label in labels:
            try:
                at[label] = calendar.parse(label)
            except ValueError:
                continue
        for kind in {period.kind for period in at.values()} & {"month", "quarter"}:
            own = sorted((period for period in at.values() if period.kind == kind), key=lambda period: period.start)
            following = calendar.period(kind, own[0].end)
            while following.end <= own[-1].start:
                labels.setdefault(following.label)
                following = calendar.period(kind, following.end)
        return list(labels)

    def _given(self, goal_id: str, who: Who, period: Period) -> list[tuple[Period, Number]] | None:
        """The goal as it is given: for the period, or for the shorter ones that fill it, but those before somebody
        came and after they left."""
        key = who.key
        if (goal_id, key, period.label) in self.goals:
            return [(period, self.goals[goal_id, key, period.label])]
        if (goal_id, key) not in self._having():
            return None
        goal, calendar = self.policy.goal(goal_id), self.policy.calendar
        fine = (goal.period,) if goal and goal.period in ("day", "week") else ()
        kinds = ("year", "half_year", "quarter", "month", *fine)
        for kind in kinds[kinds.index(period.kind) + 1 :] if period.kind in kinds else ():
            if kind not in calendar.kinds or (kind == "week" and calendar.splits_weeks):
                continue
            try:
                parts = [(part, self._given(goal_id, who, part)) for part in calendar.children(period, kind)]
            except ValueError:  # they do not tile it
                continue
            if any(found for _, found in parts) and all(
                found or (goal_id, part.label) in self.worked or who.away(part) for part, found in parts
            ):
                return [one for part, found in parts for one in found or [(part, 0)]]
        return None

    def _having(self) -> set[tuple[str, str]]:
        """Which goals whom are given for any period."""
        if self._owners is None or self._owners[0] is not self.goals:
            self._owners = self.goals, {(goal, key) for goal, key, _ in self.goals}
        return self._owners[1]

    def _rows_of(self, who: Who) -> RowsOf:
        def rows_of(source: str, period: Period, by: str) -> list[Row]:
            table = self.schema.facts.get(source)
            personal = who.key and table is not None and table.person
            rows = self.own.get((source, who.key), []) if personal else self.tables.get(source, [])
            return [row for row in rows if isinstance(day := row.get(by), date) and period.contains(day)]

        return rows_of


def was_open(deal: Row, day: date) -> bool:
    """Whether a deal was open when a day began."""
    made, closed = deal.get("created_on"), deal.get("closed_on")
    if isinstance(made, date) and made >= day:
        return False
    return closed >= day if isinstance(closed, date) else deal.get("result") in (None, "", "open")


_POINTERS = {"order": "orders", "invoice": "invoices", "opportunity": "opportunities", "record": ""}
"""The fields by which rows name others, and the table that each names; "" is any."""

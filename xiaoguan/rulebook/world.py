"""The database as the engine's world: what happened, what was agreed and what was posted, for everybody of a company.

It answers the whole of `policy.Facts`: metrics and goals, and beside them splits, payments of an order, exchange rates,
the ledger of locked periods. Rows are read once for everybody and a period; rows that others point at, such as the
payments of orders, are read for all orders known so far, never one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from hashlib import sha256
from typing import Any

import orjson

from xiaoguan.base.explain import Line
from xiaoguan.base.ledger import Entry
from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import Period, span
from xiaoguan.people.models import Absence as AbsenceRecord
from xiaoguan.policy import Policy, Who
from xiaoguan.policy.credit import is_shared
from xiaoguan.policy.forecast import Kept
from xiaoguan.policy.formula import Call, Field, Name, Row, dotted, walk
from xiaoguan.policy.goals import Absence, quota_line
from xiaoguan.policy.inputs import asks_of_others
from xiaoguan.policy.metrics import Derived, Plan, PlanError, Schema, evaluate, plan
from xiaoguan.policy.settle import needs_records
from xiaoguan.rulebook.facts import facts, schema
from xiaoguan.rulebook.models import LedgerEntry, PayrollPeriod
from xiaoguan.rulebook.staff import Participants, Staff

__all__ = [
    "DatabaseWorld",
    "Goal",
    "LockedGrade",
    "Participants",
    "use_forecasts_from",
    "use_goals_from",
    "use_grades_from",
    "use_rates_from",
    "use_splits_from",
    "use_stays_from",
]


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


@dataclass(frozen=True)
class LockedGrade:
    """A grade that stands: of which appraisal, whose, for which days, and when its cycle was locked."""

    appraisal: str
    person_id: int
    kind: str
    start: date
    end: date
    grade: str
    score: Fraction | None
    factor: Fraction | None
    locked_at: datetime


GradesOf = Callable[[str], Iterable[LockedGrade]]
ForecastsOf = Callable[[str, str], Iterable[Kept]]
StaysOn = Callable[[date], Iterable[Row]]
GoalsBetween = Callable[[date, date], Iterable[Goal]]
SplitsOf = Callable[[Collection[str]], Iterable[Row]]
RatesBetween = Callable[[str, str, date, date], Iterable[tuple[str, date, Fraction]]]


@dataclass
class _Sources:
    """What floors above say of goals, splits and rates; each says so once, when it starts."""

    goals: GoalsBetween = lambda start, end: ()
    any_splits: Callable[[], bool] = lambda: False
    splits: SplitsOf = lambda orders: ()
    rates: RatesBetween = lambda base, quote, start, end: ()
    grades: GradesOf = lambda policy_key: ()
    forecasts: ForecastsOf = lambda policy_key, whose: ()
    stays: StaysOn = lambda day: ()


_sources = _Sources()


def use_goals_from(source: GoalsBetween) -> None:
    """The floor that keeps goals says here how those inside [start, end) are read."""
    _sources.goals = source


def use_splits_from(any_: Callable[[], bool], source: SplitsOf) -> None:
    """The floor that keeps orders says here whether there are recorded splits, and how those of orders (by id as text)
    are read: rows of record, person, share (Fraction), counts, kind, reason."""
    _sources.any_splits, _sources.splits = any_, source


def use_rates_from(source: RatesBetween) -> None:
    """The floor that keeps exchange rates says here how those of [start, end) are read: kind (plan, average, close),
    day, units of `quote` for one of `base`."""
    _sources.rates = source


def use_grades_from(source: GradesOf) -> None:
    """The floor that keeps appraisals says here how the locked grades of a policy (by its id) are read, the earlier
    periods first."""
    _sources.grades = source


def use_forecasts_from(source: ForecastsOf) -> None:
    """The floor that keeps forecasts says here how those of a policy (by its id) and an owner ("person:12", "team:3",
    "company") are read."""
    _sources.forecasts = source


def use_stays_from(source: StaysOn) -> None:
    """The floor that keeps deals says here how those that were open when a day began are read: rows of id, label,
    person, customer, stage, entered_on."""
    _sources.stays = source


@dataclass
class Taken:
    """What a world was asked and answered, for a snapshot: the same answers give the same results."""

    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))
    goals: dict[tuple[str, str, str], int | Fraction] = field(default_factory=dict)
    splits: dict[str, Sequence[Row]] = field(default_factory=dict)
    rates: dict[tuple[str, date, str], Fraction | None] = field(default_factory=dict)
    posted: dict[str, Sequence[Entry]] = field(default_factory=dict)
    grades: dict[tuple[str, str, str], Row | None] = field(default_factory=dict)
    locked: Sequence[str] | None = None


class DatabaseWorld:
    """What the engine asks, answered from the database; every answer goes into the digest of the inputs.

    people    read only these people's rows, for a question about a few; None for everybody.
    paying    a grade counts for a closed pay period only if it was locked when that was calculated; False: always.
    versions  every version of the policy, the earliest first, where pay follows the version of each day; see `under`.
    """

    def __init__(
        self,
        policy: Policy,
        people: Collection[int] | None = None,
        paying: bool = True,
        versions: Sequence[Policy] = (),
    ):
        self.policy, self.paying, self.first = policy, paying, self
        self.versions = versions or [policy]
        self._others: dict[str, DatabaseWorld] = {}
        self.supposed: Mapping[str, Sequence[Row]] = {}
        self.schema: Schema = schema()
        self.cache: dict[object, object] = {}
        self.digest = sha256()
        self.taken = Taken()
        plans = [plan for one in self.versions for plan in one.incentive]
        shared = any(is_shared(one, self) for one in self.versions)
        self._asks = any(needs_records(one) for one in plans) or shared
        self.only = None if self._asks or asks_of_others(policy) else people
        self._stored: dict[tuple[str, str, date, date, bool], list[Row]] = {}
        self._rows: dict[tuple[str, str, date, date, bool], tuple[list[Row], dict[str | None, list[Row]]]] = {}
        self._lines: dict[tuple[str, str, date, date], Line] = {}
        self._goals: dict[tuple[date, date], dict[tuple[str, int | None, int | None], list[Goal]]] = {}
        self._names = _fields_needed(self.versions)
        self._known: dict[str, dict[str, None]] = defaultdict(dict)
        self._pointing: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(dict)
        self._whos: dict[tuple[str, date], Who] = {}
        self._rates: dict[str, list[tuple[str, date, Fraction]]] = {}

    def under(self, policy: Policy) -> DatabaseWorld:
        """The same records as another version of the policy reads them."""
        if policy.version == self.policy.version:
            return self
        if policy.version not in self._others:
            other = copy(self)
            other.policy, other.cache, other._lines, other._whos = policy, {}, {}, {}
            self._others[policy.version] = other
        return self._others[policy.version]

    # Metrics and goals

    def metric(self, metric_id: str, who: Who, period: Period) -> Line:
        """The metric over the person's own records; over everybody's and nobody's for the company (key "")."""
        key = (metric_id, who.key, period.start, period.end)
        if key not in self._lines:
            rows = self._everything if not who.key else self._rows_of(who.key)
            self._lines[key] = evaluate(self.policy, metric_id, rows, period, self.schema)
        return self._lines[key]

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        """The goal of a person, of a team ("team:" and its id) or of the company ("")."""
        team = int(who.key[5:]) if who.key.startswith("team:") else None
        line = self.goal_of(goal_id, period, int(who.key) if who.key and team is None else None, team, who)
        if line is not None:
            self.taken.goals[goal_id, who.key, period.label] = line.number
        return line

    def goal_of(
        self,
        goal_id: str,
        period: Period,
        person_id: int | None = None,
        team_id: int | None = None,
        who: Who | None = None,
    ) -> Line | None:
        """The goal for exactly this period, or that of shorter ones that fill it without a gap, but the time before
        `who` came and after they left: their sum, of a ratio or score the value they share."""
        goal = self.policy.goal(goal_id)
        if goal is None:
            return None
        rows = self._goals_in(period).get((goal_id, person_id, team_id), [])
        whole = [g for g in rows if (g.start, g.end) == (period.start, period.end)]
        parts = whole or _tiling(rows, period, who)
        if not parts:
            return None
        money = self.policy.unit_of(goal.metric).startswith("money")
        given = [(span(g.start, g.end), g.value if money else _count(g.value)) for g in parts]
        absences = self._absences.get(person_id, ()) if goal.absence and person_id else ()
        return quota_line(self.policy, goal, period, given, absences)

    @cached_property
    def _absences(self) -> Mapping[int, Sequence[Absence]]:
        """When and why people were away; only asked for a goal that absences relieve."""
        found: dict[int, list[Absence]] = defaultdict(list)
        for person, kind, start, end in AbsenceRecord.objects.order_by("pk").values_list(
            "person_id", "kind", "starts_on", "ends_on"
        ):
            found[person].append(Absence(kind, start, end))
            self._read([person, kind, str(start), str(end)])
        return found

    def _goals_in(self, period: Period) -> Mapping[tuple[str, int | None, int | None], list[Goal]]:
        key = (period.start, period.end)
        if key not in self._goals:
            found: dict[tuple[str, int | None, int | None], list[Goal]] = defaultdict(list)
            for goal in _sources.goals(*key):
                found[goal.goal, goal.person_id, goal.team_id].append(goal)
                self._read([goal.goal, goal.person_id, goal.team_id, str(goal.start), str(goal.end), goal.value])
            self._goals[key] = found
        return self._goals[key]

    # Rows

    def rows(self, table: str, period: Period, by: str) -> Sequence[Row]:
        """Everybody's rows of a table in a period by a date; none of a table that this system does not keep."""
        return self._loaded(table, period, by, whole=True)[0] if table in facts() else ()

    def row(self, table: str, record: str) -> Row | None:
        """One row by its id."""
        if record not in self.taken.rows[table] and table in facts():
            self._known[table][record] = None
            self._fetch(table, "id", [key for key in self._known[table] if key not in self.taken.rows[table]])
        return self.taken.rows[table].get(record)

    def about(self, table: str, record: str, of: str) -> Sequence[Row]:
        """The rows of a table that point at a record of another, such as the payments of an order."""
        for name in facts()[table].pointers(of) if table in facts() else ():
            found = self._pointing[table, name]
            if record not in found:
                self._known[of][record] = None
                asked = [key for key in self._known[of] if key not in found]
                found.update((key, []) for key in asked)
                for row in self._fetch(table, name, asked):
                    found[str(row[name])].append(row)
            supposed = [row for row in self.supposed.get(table, ()) if str(row.get(name)) == record]
            return [*found[record], *supposed]
        return ()

    def supposing(self, rows: Mapping[str, Sequence[Row]]) -> DatabaseWorld:
        """The same world with rows that are not there, by fact table; what was read is not read again."""
        other = copy(self)
        other.supposed, other.cache, other._lines, other._rows, other._others = rows, {}, {}, {}, {}
        other.taken = replace(self.taken, rows=defaultdict(dict, {t: dict(r) for t, r in self.taken.rows.items()}))
        for table, every in rows.items():
            other.taken.rows[table].update((str(row["id"]), row) for row in every)
        return other

    def _fetch(self, table: str, name: str, keys: Sequence[str]) -> Sequence[Row]:
        return self._took(table, list(facts()[table].of(name, [key for key in keys if key.isdigit()])))

    def _took(self, table: str, rows: Sequence[Row]) -> Sequence[Row]:
        kept, known = self.taken.rows[table], self._known[table]
        points = {name: of for of in facts() for name in facts()[table].pointers(of)}
        for row in rows:
            key = str(row["id"])
            kept[key] = {**kept[key], **row} if key in kept else row
            known[key] = None
            for name, of in points.items():
                if row.get(name) is not None:
                    self._known[of][str(row[name])] = None
            self._read(row)
        return rows

    def _rows_of(self, person: str) -> Callable[[str, Period, str], list[Row]]:
        return lambda source, period, dated: self._loaded(source, period, dated)[1].get(person, [])

    def _everything(self, source: str, period: Period, dated: str) -> list[Row]:
        return self._loaded(source, period, dated)[0]

    def _loaded(
        self, source: str, period: Period, dated: str, whole: bool = False
    ) -> tuple[list[Row], dict[str | None, list[Row]]]:
        """The rows of a window, all and by person, with the fields that the policy's metrics read or, whole, all."""
        whole = whole or self._asks
        key = (source, dated, period.start, period.end, whole)
        if key not in self._rows:
            if key not in self._stored:
                fact = facts()[source]
                names = fact.fields if whole else self._names.get(source, ())
                rows = list(fact.rows(dated, period.start, period.end, names, self.only))
                if source == "opportunities":
                    rows = [{**row, "probability": self._chances.get(row.get("stage"))} for row in rows]
                self._stored[key] = list(self._took(source, rows))
            supposed = (row for row in self.supposed.get(source, ()) if _inside(row.get(dated), period))
            every = [*self._stored[key], *supposed]
            by_person: dict[str | None, list[Row]] = defaultdict(list)
            for row in every:
                by_person[row["person"]].append(row)
            self._rows[key] = every, by_person
        return self._rows[key]

    @cached_property
    def _chances(self) -> dict[object, Fraction | None]:
        """What the policy says of each stage: the share of deals that are won from there."""
        return {stage.id: stage.probability for stage in self.policy.process.stages} if self.policy.process else {}

    # People, splits, rates, the ledger

    @property
    def staff(self) -> Staff:
        return self.first._staff

    @cached_property
    def _staff(self) -> Staff:
        return Staff(self.policy)

    def person(self, key: str) -> Who | None:
        """A person by key, with the pay terms of today's newest agreement."""
        return self._who(key, date.max) if key.isdigit() and int(key) in self.staff.persons else None

    def people(self) -> Sequence[Who]:
        """Everybody, by key."""
        return [self._who(str(pk), date.max) for pk in self.staff.persons]

    def at(self, who: Who, period: Period) -> Who:
        """The person with the pay terms of the last day of a period."""
        if not who.key.isdigit():
            return who
        return replace(who, terms=self._who(who.key, period.end - timedelta(days=1)).terms)

    def _who(self, key: str, day: date) -> Who:
        if (key, day) not in self._whos:
            self._whos[key, day] = self.staff.at(key, day)
        return self._whos[key, day]

    @cached_property
    def has_splits(self) -> bool:
        """Whether any split was ever recorded."""
        return _sources.any_splits()

    def splits(self, table: str, record: str) -> Sequence[Row]:
        """Recorded splits of an order; its lines and payments are shared as it is."""
        if not self.has_splits:
            return ()
        if table != "orders":
            head = (self.row(table, record) or {}).get("order")
            return self.splits("orders", str(head)) if head is not None else ()
        if record not in self.taken.splits:
            asked = [key for key in self._known["orders"] | {record: None} if key not in self.taken.splits]
            found: dict[str, list[Row]] = {key: [] for key in asked}
            for row in _sources.splits([key for key in asked if key.isdigit()]):
                found[str(row["record"])].append(row)
                self._read(row)
            self.taken.splits.update(found)
        return self.taken.splits[record]

    def grade(self, appraisal_id: str, who: Who, period: Period) -> Row | None:
        """The last grade that was locked for a period ending with or before this one: grade, score, factor, period.

        For a pay period that is closed only what was locked when it was calculated: a grade that came later does not
        change what it paid. Whatever an appeal changed in such a grade counts.
        """
        key = (appraisal_id, who.key, period.label)
        if key not in self.taken.grades:
            known = self.first._grades.get((appraisal_id, who.key), ())
            until = self._closed_at(period) if self.paying else None
            fits = [g for g in known if g.end <= period.end and (until is None or g.locked_at <= until)]
            self.taken.grades[key] = row = self._graded(fits[-1]) if fits else None
            self._read([*key, {k: str(v) for k, v in row.items()} if row else None])
        return self.taken.grades[key]

    def _graded(self, one: LockedGrade) -> Row:
        own = self.policy.calendar.period(one.kind, one.start)
        return {"grade": one.grade, "score": _whole(one.score), "factor": _whole(one.factor), "period": own}

    @cached_property
    def _grades(self) -> dict[tuple[str, str], list[LockedGrade]]:
        found: dict[tuple[str, str], list[LockedGrade]] = defaultdict(list)
        for one in _sources.grades(self.policy.id):
            found[one.appraisal, str(one.person_id)].append(one)
        return found

    def _closed_at(self, period: Period) -> datetime | None:
        """When the locked pay period that holds the last day of this one was calculated."""
        last = period.end - timedelta(days=1)
        return next((at for start, end, at, _label in self.first._closed if start <= last < end), None)

    @cached_property
    def _closed(self) -> list[tuple[date, date, datetime, str]]:
        states = (PayrollPeriod.State.LOCKED, PayrollPeriod.State.PAID)
        rows = PayrollPeriod.objects.filter(policy_key=self.policy.id, state__in=states, calculated_at__isnull=False)
        return list(rows.order_by("starts_on").values_list("starts_on", "ends_on", "calculated_at", "label"))

    def rate(self, currency: str, on: date, kind: str) -> Fraction | None:
        """Units of the policy's currency for one unit of `currency`.

        plan_rate: the last one set on or before the day. month_average: the mean of the daily averages of its month.
        event_date: that day's closing rate, else its average, else those of the seven days before, nearest first.
        """
        key = (currency, on, kind)
        if key not in self.taken.rates:
            self.taken.rates[key] = found = _rate(self._rates_of(currency), on, kind)
            self._read([currency, str(on), kind, str(found)])
        return self.taken.rates[key]

    def _rates_of(self, currency: str) -> list[tuple[str, date, Fraction]]:
        if currency not in self._rates:
            own = self.policy.currency
            direct = list(_sources.rates(currency, own, date.min, date.max))
            turned = [(kind, day, 1 / rate) for kind, day, rate in _sources.rates(own, currency, date.min, date.max)]
            self._rates[currency] = direct or turned
        return self._rates[currency]

    def forecasts(self, who: Who) -> Sequence[Kept]:
        """The kept forecasts of a person, a team or the company; they feed no pay, so that no snapshot needs them."""
        whose = f"person:{who.key}" if who.key.isdigit() else who.key or "company"
        return list(_sources.forecasts(self.policy.id, whose))

    def stays(self, day: date) -> Sequence[Row] | None:
        """The deals that were open when a day began, each in its stage of then."""
        return list(_sources.stays(day))

    def posted(self, who: Who) -> Sequence[Entry]:
        """What was posted for the person in locked periods, in the order of posting."""
        ledger = self.first._ledger
        if who.key not in ledger:
            return ()
        self.taken.posted[who.key] = ledger[who.key]
        return ledger[who.key]

    @property
    def locked(self) -> Sequence[str]:
        """The labels of the locked pay periods."""
        if self.taken.locked is None:
            self.taken.locked = [label for *_days, label in self.first._closed]
            self._read(self.taken.locked)
        return self.taken.locked

    @cached_property
    def _ledger(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        rows = LedgerEntry.objects.reckoned().filter(period__policy_key=self.policy.id).order_by("id")
        for row in rows.iterator(chunk_size=5_000):
            entry = row.entry()
            found[entry.person].append(entry)
            self._read(entry.to_json())
        return found

    def _read(self, value: Any) -> None:
        self.digest.update(orjson.dumps(value, default=str))


def _inside(day: object, period: Period) -> bool:
    return isinstance(day, date) and period.contains(day)


def _rate(rates: Sequence[tuple[str, date, Fraction]], on: date, kind: str) -> Fraction | None:
    if kind == "plan_rate":
        set_ = [(day, rate) for k, day, rate in rates if k == "plan" and day <= on]
        return max(set_)[1] if set_ else None
    if kind == "month_average":
        daily = [rate for k, day, rate in rates if k == "average" and (day.year, day.month) == (on.year, on.month)]
        return sum(daily, Fraction(0)) / len(daily) if daily else None
    near = [(day, k == "close", rate) for k, day, rate in rates if k != "plan" and 0 <= (on - day).days <= 7]
    return max(near)[2] if near else None


def _count(total: int | Fraction) -> Any:
    value = Fraction(total, SCALE)
    return value.numerator if value.denominator == 1 else value


def _whole(value: Fraction | None) -> int | Fraction | None:
    return value.numerator if value is not None and value.denominator == 1 else value


def _tiling(goals: list[Goal], period: Period, who: Who | None = None) -> list[Goal]:
    """The shorter goals that fill the period from end to end, the longest steps first; [] if there is a gap in which
    somebody was there."""
    at, used = period.start, []
    while at < period.end:
        fitting = [g for g in goals if g.start == at and g.end <= period.end]
        if not fitting:
            later = min((g.start for g in goals if at < g.start and g.end <= period.end), default=period.end)
            if who is None or not who.away(span(at, later)):
                return []
            at = later
            continue
        longest = max(fitting, key=lambda g: g.end)
        used.append(longest)
        at = longest.end
    return used


def _fields_needed(versions: Sequence[Policy]) -> dict[str, set[str]]:
    """The fields of each fact table that these versions read at all."""
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

    for policy in versions:
        for metric_id in policy.metrics:
            try:
                visit(plan(policy, metric_id, schema()))
            except PlanError:
                continue
        for call in (part for rule in policy.warnings for part in walk(rule.when.tree) if isinstance(part, Call)):
            metric = policy.metrics.get(dotted(call.args[0]) or "") if call.name == "top_share" and call.args else None
            if metric is not None:
                needed[metric.table].add(dotted(call.get("by") or Name("customer")) or "customer")
    return needed

"""公式的输入 inputs: what a formula about a person may read: metrics, goals, terms of the contract, grades, events.

Each becomes a line, so that an earning, a score or a warning can show what it was computed from. A line without value
makes the formula missing, with the reason, unless the rest decides: a side of `or` that holds, a `default`. Metrics
count attainment credit: what the person's goals count.

    attainment(goal, over=quarter, of=team)   pace(goal, over=)   projection(goal, over=)   elapsed(quarter)
    total(metric, of=team)   change(metric, over=3m)   top_share(metric, by=customer, over=12m)   coverage(goal, over=)
    grade_factor(appraisal)   score(appraisal)   event('name')   streak(condition, 2)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from fractions import Fraction
from math import inf

from xiaoguan.base.explain import Line, value_text
from xiaoguan.base.money import SCALE, Money
from xiaoguan.base.periods import KINDS, CalendarGap, Period, span

from .credit import group_metric, metric_of, rates
from .document import Expression, Goal, Policy, Section
from .forecast import at_lead, goal_of, kinds_of, lead_of, won_deals
from .formula import (
    Call,
    Duration,
    Evaluator,
    Expr,
    FormulaError,
    Literal,
    Name,
    Scope,
    Type,
    Value,
    dotted,
    evaluator,
    parse,
    resolve,
    rewrite,
    unparse,
    walk,
)
from .goals import Elapsed, attainment, elapsed, expected, pace, together
from .load import read_duration
from .metrics import Derived, Plan, PlanError, plan, run_rows, unit_text
from .statistics import bias
from .world import Facts, Span, Who, World, facts_of, was_open


@dataclass(frozen=True)
class Found:
    """The value of an expression, the lines it came from, and the reason if it is missing."""

    value: Value
    parts: tuple[Line, ...]
    reason: str = ""
    type: Type = Type.ANY


class Inputs:
    """What formulas read about one person in one period, as lines.

    as_of   the day after the last one that counts for pace and elapsed; the end of the period if not given.
    extra   further names, such as grade: name to line.
    """

    def __init__(
        self,
        policy: Policy,
        who: Who,
        period: Period,
        world: World,
        as_of: date | None = None,
        extra: Mapping[str, Line] | None = None,
    ) -> None:
        self.policy, self.who, self.period, self.world = policy, who, period, world
        self.as_of, self.dated = as_of or period.end, as_of is not None
        self.extra = extra or {}
        self.endless: set[str] = set()
        self.unit = f"money:{policy.currency}"

    def metric(self, metric_id: str, period: Period, purpose: str = "attainment") -> Line:
        if metric_id not in self.policy.metrics:
            return Line(metric_id, metric_id, None, self.unit, note=f"there is no metric {metric_id!r}", adds=False)
        return replace(metric_of(self.policy, self.world, metric_id, self.who, period, purpose), adds=False)

    def find(self, written: Expression, expected: Type | None) -> Found:
        """The value of an expression over what the person has."""
        lines: dict[str, Line] = {}
        types: dict[str, Type] = {}
        values: dict[str, Value] = {}

        def change(part: Expr) -> Expr | None:
            line = self.input(part)
            if line is None:
                return None
            name = unparse(part)
            type_ = _type_of(line)
            value: Value = line.value
            if line.value is not None and type_ is Type.BOOL:
                value = line.value == "true"
            elif isinstance(line.value, str) and type_ is Type.DURATION:
                value = read_duration(line.value)
            lines[name], values[name], types[name] = line, value, type_
            if name in self.endless:
                values[name], types[name] = inf, Type.RATIO  # type: ignore[assignment]
            return Name(name, part.at)

        try:
            tree, type_ = resolve(rewrite(written.tree, change), Scope(types), expected)
        except FormulaError as error:
            return Found(None, tuple(lines.values()), f'in "{written.text}": {error.message}')
        parts = tuple(lines.values())
        value = _finite(evaluator(tree, unknown=None), values)
        lacking = [f"{line.name}: {line.note or 'no value'}" for line in parts if line.missing]
        if value is None:
            return Found(None, parts, "; ".join(lacking) or f"{written.text}: no value")
        return Found(value, parts, type=type_)

    def input(self, part: Expr) -> Line | None:
        """The line a part of an expression stands for."""
        if isinstance(part, Call):
            function = _FUNCTIONS.get(part.name)
            if function is None:
                return None
            try:
                return replace(function(self, part), name=unparse(part), adds=False)
            except (ValueError, FormulaError) as error:
                return _nothing(part, str(error))
        name = dotted(part)
        if name is None:
            return None
        if name in self.extra:
            return self.extra[name]
        if name.startswith("person."):
            return self.term(name)
        return self.metric(name, self.so_far(self.period)) if name in self.policy.metrics else None

    def term(self, name: str) -> Line:
        value = self.who.terms.get(name.removeprefix("person."))
        if isinstance(value, Money):
            if value.currency != self.policy.currency:
                note = f"{name} is in {value.currency}, not {self.policy.currency}"
                return Line(name, name, None, self.unit, note=note, adds=False)
            value = value.units
        if value is None:
            note = f"{name} is not known for {self.who.name}"
            return Line(name, name, None, "ratio", note=note, adds=False)
        unit = "text" if isinstance(value, str) else "ratio" if isinstance(value, Fraction) else self.unit
        return Line(name, name, value, unit, formula="from the contract", adds=False)

    def upto(self, window: Period) -> Period:
        """The window as far as this period."""
        if window.start == self.period.start:
            return self.period if self.period.end < window.end else window
        return window if window.end <= self.period.end else span(window.start, self.period.end)

    def so_far(self, window: Period) -> Period:
        """The same, and no further than the day of which is asked."""
        known = self.upto(window)
        end = max(min(known.end, self.as_of), known.start)
        return known if end == known.end else Period(known.start, end, "range", f"{known.start}..{end}")

    # What the functions need

    def window(self, call: Call) -> Period:
        """The period that `over` names around the last day of which is asked, or this period."""
        over, end = call.get("over"), min(self.period.end, self.as_of)
        if over is None:
            return self.period
        if isinstance(over, Literal) and isinstance(over.value, Duration):
            return self.back(over.value, end)
        return self.policy.calendar.period(dotted(over) or "", end - timedelta(days=1))

    def back(self, length: Duration, end: date) -> Period:
        """The window of that length before a day; working days by the calendar."""
        if length.unit == "wd":
            start, left = end, length.count
            while left > 0:
                start -= timedelta(days=1)
                left -= self.policy.calendar.is_working_day(start)
            return span(start, end)
        return span(Duration(-length.count, length.unit).after(end), end)

    def facts(self) -> Facts:
        """The world as facts; ValueError where it only knows metrics and goals."""
        facts = facts_of(self.world)
        if facts is None:
            raise ValueError("this source only knows metrics and goals")
        return facts

    def level(self, call: Call) -> Who:
        """Whose number: the person's, or with `of` that of the team or the company."""
        of = dotted(call.get("of") or Name("person"))
        if of == "team":
            team = self.who.on(last_there(self.who, self.period)).team or self.who.team
            if not team:
                raise ValueError(f"{self.who.name} is in no team")
            return Who(f"team:{team}", team, team=team)
        if of == "company":
            return Who("", "company")
        if of != "person":
            raise ValueError(f"of={of} is not person, team or company")
        return self.who

    def whole(self, metric_id: str, whose: Who, period: Period) -> Line:
        """The metric of a person, a team or the company, for attainment."""
        if whose.key and not whose.key.startswith("team:"):
            line = metric_of(self.policy, self.world, metric_id, whose, period, "attainment")
        else:
            line = group_metric(self.policy, self.world, metric_id, whose.team if whose.key else None, period)
        return replace(line, adds=False)

    def goal_of(self, call: Call) -> tuple[str, Line | None, Line]:
        """The goal a function names with its value for the whole window, and its metric so far."""
        goal_id = (dotted(call.args[0]) or "") if len(call.args) == 1 else ""
        goal = self.policy.goal(goal_id)
        if goal is None:
            raise ValueError(f"{unparse(call)} names no goal")
        window, whose = self.window(call), self.level(call)
        if goal.metric not in self.policy.metrics:
            raise ValueError(f"there is no metric {goal.metric!r}")
        actual = self.whole(goal.metric, whose, self.so_far(window))
        quota = self.quota(goal_id, whose, window)
        return goal_id, quota, actual

    def quota(self, goal_id: str, whose: Who, window: Period) -> Line | None:
        """A goal for a window; of a day-by-day goal over a longer one, so many times the day's."""
        found = self.world.goal(goal_id, whose, window)
        if found is None and (not whose.key or whose.key.startswith("team:")):
            found = self.goals_below(goal_id, whose, window)
        goal = self.policy.goal(goal_id)
        if found is not None or goal is None or goal.target.value is None or goal.target.method != "fixed":
            return found
        if not self.policy.metrics[goal.metric].adds_up:
            return self.of_everybody(goal, window)
        if goal.period != "day" or not whose.key or whose.key.startswith("team:"):
            return None
        served = in_scope(self.policy, whose, window)
        if not served:
            return None
        calendar, line = (
            self.policy.calendar,
            Line(goal_id, goal.name or goal_id, None, self.policy.unit_of(goal.metric)),
        )
        ends = [(one.start, one.end or window.end) for one in served]
        try:
            count = calendar.working_days if goal.applies == "working_days" else _days
            days = sum(count(start, end) for start, end in ends)
        except CalendarGap as gap:
            return replace(line, note=str(gap))
        value = goal.target.value * days * (SCALE if line.unit.startswith("money:") else 1)
        return replace(line, value=value, formula=f"{days} days", note=f"for {window.label}")

    def of_everybody(self, goal: Goal, window: Period) -> Line | None:
        """What the policy wants of a ratio, a score or a duration: the same of everybody in every such period."""
        longer = KINDS[KINDS.index(goal.period) :] if goal.period in KINDS else (goal.period,)
        line = Line(goal.id, goal.name or goal.id, goal.target.value, self.policy.unit_of(goal.metric), "fixed")
        return replace(line, note=f"for {window.label}") if window.kind in longer else None

    def goals_below(self, goal_id: str, whose: Who, window: Period) -> Line | None:
        """A team's or the company's goal that is not given: the sum of what its people carry."""
        facts = facts_of(self.world)
        if facts is None:
            return None
        people = members(facts, whose.team, window) if whose.key else list(facts.people())
        given = [line for one in people if (line := self.quota(goal_id, one, window)) is not None]
        if not given:
            return None
        if unknown := [line for line in given if line.missing]:
            return unknown[0]
        goal = self.policy.goal(goal_id)
        total = together(self.policy, goal, [line.number for line in given]) if goal else None
        if total is None:
            return None
        value = int(total) if Fraction(total).denominator == 1 else total
        how = "the sum of" if len(given) > 1 and total != given[0].number else "that of"
        return replace(given[0], value=value, formula=f"{how} {len(given)} people")

    def expected(self, goal_id: str, whose: Who, window: Period) -> Elapsed:
        """How much of a goal should have come by now: by the goals of the months where there are any, and by working
        days."""

        def part(period: Period) -> Fraction | None:
            line = self.quota(goal_id, whose, period)
            return None if line is None or line.missing else line.number

        return expected(self.policy.calendar, window, self.as_of, part)

    # The functions

    def attainment_of(self, call: Call) -> Line:
        goal_id, quota, actual = self.goal_of(call)
        goal = self.policy.goal(goal_id)
        metric = self.policy.metrics.get(goal.metric) if goal else None
        line = attainment(actual, quota, metric.direction if metric else "up")
        if quota is not None and metric is not None and metric.direction == "down" and actual.value == 0:
            self.endless.add(unparse(call))
        if quota is None:
            line = replace(line, note=f"there is no goal {goal_id} for {self.window(call).label}")
        return line

    def pace_of(self, call: Call) -> Line:
        goal_id, quota, actual = self.goal_of(call)
        window = self.window(call)
        if quota is None or quota.missing or actual.missing:
            return _nothing(call, f"there is no goal {goal_id} for {window.label}" if quota is None else actual.note)
        goal = self.policy.goal(goal_id)
        if goal is not None and not self.policy.metrics[goal.metric].adds_up:
            return _nothing(call, f"{goal.metric} does not come in day by day")
        gone = self.expected(goal_id, self.level(call), window)
        if not gone.working:
            return _nothing(call, gone.gap)
        found = pace(actual.number, quota.number, gone.share, gone.remaining)
        parts = (replace(actual, adds=False), replace(quota, adds=False))
        if call.name == "projection":
            line = Line("", "Projection", found.projection, actual.unit, parts=parts)
        else:
            line = Line("", "Pace", found.pace, "ratio", parts=parts)
        shown, why = value_text(gone.share, "ratio"), "nothing elapsed" if gone.share <= 0 else f"{goal_id} is 0"
        return replace(line, formula=f"{shown} of {window.label} elapsed", note="" if line.value is not None else why)

    def elapsed_of(self, call: Call) -> Line:
        kind = (dotted(call.args[0]) or "") if call.args else self.period.kind
        window = self.policy.calendar.period(kind, self.as_of - timedelta(days=1))
        gone = elapsed(self.policy.calendar, window, self.as_of)
        if not gone.working:
            return _nothing(call, gone.gap)
        return Line("", "Elapsed", gone.share, "ratio", formula=f"working days of {window.label}")

    def total_of(self, call: Call) -> Line:
        return self.whole(self.metric_in(call), self.level(call), self.so_far(self.window(call)))

    def change_of(self, call: Call) -> Line:
        metric_id, window = self.metric_in(call), self.window(call)
        over, now, whose = call.get("over"), self.so_far(window), self.level(call)
        if isinstance(over, Literal) and isinstance(over.value, Duration):
            before = self.back(over.value, window.start)
        else:
            before = self.as_long(window, now)
        lines = [self.whole(metric_id, whose, one) for one in (now, before)]
        if any(line.missing for line in lines):
            return _nothing(call, next(line.note for line in lines if line.missing))
        formula = f"{lines[0].text} in {now.label} - {lines[1].text} in {before.label}"
        return Line("", "Change", lines[0].number - lines[1].number, lines[0].unit, formula)

    def as_long(self, window: Period, now: Period) -> Period:
        """The period before a window, as far as the window has come: by months where they are calendar months, else
        by days."""
        calendar = self.policy.calendar
        before = calendar.previous(window)
        if now.end == window.end:
            return before
        if calendar.pattern == "gregorian" and window.kind in ("month", "quarter", "half_year", "year"):
            end = Duration(-calendar.months_between(before.start, window.start), "m").after(now.end)
        else:
            end = before.start + (now.end - now.start)
        return span(before.start, min(end, before.end))

    def metric_in(self, call: Call) -> str:
        name = (dotted(call.args[0]) or "") if call.args else ""
        if name not in self.policy.metrics:
            raise ValueError(f"there is no metric {name!r}")
        return name

    def top_share_of(self, call: Call) -> Line:
        """The largest share that one value of a field brings of a metric: concentration."""
        metric_id, window = self.metric_in(call), self.so_far(self.window(call))
        by = dotted(call.get("by") or Name("customer")) or "customer"
        planned = _plan_of(self.policy, metric_id, self.facts())
        line = self.whole(metric_id, self.level(call), window)
        sums: dict[str, Fraction] = {}
        for record in line.records:
            row = self.facts().row(planned.source, record.id) or {}
            if key := str(row.get(by) or ""):
                sums[key] = sums.get(key, Fraction(0)) + Fraction(record.value or 0)
        if line.missing or not line.number:
            return _nothing(call, line.note or f"{metric_id} is 0")
        if not sums:
            return _nothing(call, f"no record of {planned.source} has a {by}")
        name, most = max(sums.items(), key=lambda pair: (pair[1], pair[0]))
        return Line("", "Top share", most / line.number, "ratio", f"{name} brings {value_text(most, line.unit)}")

    def coverage_of(self, call: Call) -> Line:
        """Open pipeline due in the window / (goal - actual)."""
        _goal_id, quota, actual = self.goal_of(call)
        window = self.window(call)
        if quota is None or quota.missing or actual.missing or quota.number <= actual.number:
            return _nothing(call, "there is no remaining goal")
        pipeline = self.pipeline(window, self.level(call), actual.unit)
        left = quota.number - actual.number
        formula = f"open {value_text(pipeline, actual.unit)} / remaining {value_text(left, actual.unit)}"
        return Line("", "Coverage", pipeline / left, "ratio", formula)

    def pipeline(self, window: Period, whose: Who, unit: str) -> Fraction:
        """The open opportunities that are due in a window: what they are worth in the policy's currency, of a goal that
        is no amount how many they are. ValueError for a rate that is not known."""
        facts, day = self.facts(), min(self.period.end, self.as_of)
        rows = [row for row in facts.rows("opportunities", window, "closes_on") if was_open(row, day)]
        last = day - timedelta(days=1)
        if whose.key.startswith("team:"):
            inside = {one.key for one in members(facts, whose.team, self.period)}
            rows = [row for row in rows if row.get("person") in inside]
        elif whose.key:
            rows = [row for row in rows if row.get("person") == whose.key]
        if not unit.startswith("money:"):
            return Fraction(len(rows))
        rate, total = rates(self.policy, facts, "attainment"), Fraction(0)
        for row in rows:
            currency, worth = row.get("currency") or self.policy.currency, Fraction(str(row.get("amount") or 0))
            if currency != self.policy.currency:
                found = rate(str(currency), last) if rate is not None else None
                if found is None:
                    raise ValueError(f"no rate of {currency} on {last}")
                worth *= found
            total += worth
        return total

    def grade_of(self, call: Call) -> Line:
        appraisal_id = (dotted(call.args[0]) or "") if call.args else ""
        if self.policy.appraisal_of(appraisal_id) is None:
            raise ValueError(f"there is no appraisal {appraisal_id!r}")
        row = self.facts().grade(appraisal_id, self.who, self.period)
        key, unit = ("factor", "count") if call.name == "grade_factor" else ("score", "score")
        value = row.get(key) if row else None
        if not isinstance(value, int | Fraction):
            return _nothing(call, f"no locked grade of {appraisal_id} up to {self.period.label}")
        assert row is not None
        formula = f"grade {row.get('grade')} of {row.get('period')}"
        return Line("", "Grade factor" if key == "factor" else "Score", value, unit, formula)

    def event_of(self, call: Call) -> Line:
        first = call.args[0] if call.args else None
        name = first.value if isinstance(first, Literal) else None
        if not isinstance(name, str):
            raise ValueError("event() takes the name of an event as text")
        rows = self.facts().rows("events", self.period, "happened_on")
        hits = [row for row in rows if row.get("kind") == name and row.get("person") == self.who.key]
        formula = f"{len(hits)} in {self.period.label}"
        return Line("", f"Event {name}", "true" if hits else "false", "condition", formula)

    def streak_of(self, call: Call) -> Line:
        """Whether a condition held in this period and each of the n - 1 before it; where a day is given, the
        period under way on it is left out."""
        condition, count = call.args
        n = count.value if isinstance(count, Literal) else None
        if not isinstance(n, int) or not 1 <= n <= 60:
            raise ValueError("streak() takes a condition and how many periods")
        at, kind = self.period, _over(condition)
        if kind:
            at = self.policy.calendar.period(kind, min(self.period.end, self.as_of) - timedelta(days=1))
        if self.dated and self.as_of < at.end:
            at = self.policy.calendar.previous(at)  # the one under way is not judged before it is over
        held = 0
        for _ in range(n):
            found = self.earlier(at).find(Expression(unparse(condition), condition), Type.BOOL)
            if found.reason:
                return _nothing(call, f"{at.label}: {found.reason}")
            if not found.value:
                break
            held, at = held + 1, self.policy.calendar.previous(at)
        return Line("", "Streak", "true" if held == n else "false", "condition", f"held in {held} of {n} periods")

    def bias_of(self, call: Call) -> Line:
        """How far kept forecasts were off in the periods that ended in the window: (foreseen - came) / came."""
        rule, whose = self.policy.forecast, self.level(call)
        if rule is None:
            raise ValueError("the policy forecasts nothing")
        method = dotted(call.get("method") or Name(next(iter(rule.methods), "category"))) or ""
        length = call.get("lead")
        lead = length.value if isinstance(length, Literal) and isinstance(length.value, Duration) else lead_of(rule)
        end = min(self.period.end, self.as_of)
        window = self.window(call) if call.get("over") is not None else self.back(Duration(12, "m"), end)
        kind, pairs, parts = kinds_of(self.policy)[0], [], []
        for kept in at_lead(self.facts().forecasts(whose), lead).values():
            period, seen = kept.period, kept.values.get(method)
            same = self.policy.calendar.period(kind, period.start)
            over = window.start < period.end <= min(window.end, end) and same.end == period.end
            if seen is None or seen.value is None or same.start != period.start or not over:
                continue
            came = self.came(whose, period)
            if came.missing:
                return _nothing(call, came.note)
            pairs.append((int(came.number), seen.value))
            note = f"kept on {kept.taken_on}, {came.text} came"
            parts.append(Line(period.label, period.label, seen.value, self.unit, note=note, adds=False))
        value = bias(pairs)
        if value is None:
            return _nothing(
                call, f"no forecast by {method} was kept {lead} before the end" if not pairs else "nothing came"
            )
        return Line("", "Forecast bias", value, "ratio", f"of {len(pairs)} periods by {method}", parts=tuple(parts))

    def came(self, whose: Who, period: Period) -> Line:
        """What was forecast, as it came: the goal's metric over own records, or won deals where that is not kept."""
        goal, facts = goal_of(self.policy), self.facts()
        people = members(facts, whose.team, period) if whose.key.startswith("team:") else [whose]
        lines = [self.world.metric(goal.metric, one, period) for one in people] if goal is not None else []
        if not lines or any(line.missing for line in lines):
            keys = {one.key for one in people}
            known = facts.rows("opportunities", period, "closed_on") if "opportunities" in facts.schema.facts else ()
            rows = [row for row in known if not whose.key or row.get("person") in keys]
            lines = [run_rows(won_deals(), rows, period, self.policy.currency)]
        return (
            replace(lines[0], value=sum((line.number for line in lines), Fraction(0)), parts=()) if lines else lines[0]
        )

    def earlier(self, period: Period) -> Inputs:
        """The same person in another period; names of this one's own result are looked up there."""
        extra = dict(self.extra) if period == self.period else self.looked_up(period)
        return Inputs(self.policy, self.who, period, self.world, extra=extra)

    def looked_up(self, period: Period) -> dict[str, Line]:
        """grade and score of an earlier period of the appraisal this is about."""
        appraisal = self.extra.get("appraisal")
        facts = facts_of(self.world)
        if appraisal is None or facts is None:
            return {}
        row = facts.grade(str(appraisal.value), self.who, period)
        if row is None or row.get("period") != period:
            nothing = f"no grade for {period.label}"
            return {"grade": Line("grade", "Grade", None, "text", note=nothing), "appraisal": appraisal}
        return {"grade": Line("grade", "Grade", str(row.get("grade")), "text"), "appraisal": appraisal}


def _finite(evaluate: Evaluator, values: Mapping[str, Value]) -> Value:
    """What a formula gives: an attainment without end is above every bound, and a result without end is missing."""
    try:
        value = evaluate(values)
    except (OverflowError, ValueError):  # infinity has no fraction
        return None
    return None if isinstance(value, float) else value


def in_scope(policy: Policy, who: Who, period: Period) -> list[Span]:
    """在岗: the days of a period on which somebody is there in a role of the policy, with role and team."""
    roles, found = policy.header.scope.roles, []
    for one in who.spans or (Span(date.min, None, who.role, who.team),):
        start = max(one.start, who.hired_on or date.min, period.start)
        end = min(one.end or period.end, who.left_on or period.end, period.end)
        if start < end and (not roles or (one.role or who.role) in roles):
            found.append(Span(start, end, one.role or who.role, one.team or who.team))
    return found


def _days(start: date, end: date) -> int:
    return (end - start).days


def present(who: Who, period: Period) -> bool:
    """Whether somebody was there on any day of a period."""
    return (who.hired_on is None or who.hired_on < period.end) and (who.left_on is None or who.left_on > period.start)


def members(facts: Facts, team: str, period: Period) -> list[Who]:
    """The people of a team on the last day of a period, or on their own last day in it, by key."""
    found = []
    for one in facts.people():
        at = one.on(last_there(one, period))
        if (at.team or (one.team if not one.spans else "")) == team and present(one, period):
            found.append(one)
    return found


def last_there(who: Who, period: Period) -> date:
    """The last day of a period, or of somebody who left in it."""
    return min(period.end, max(who.left_on or period.end, period.start + timedelta(days=1))) - timedelta(days=1)


def asks_of_others(policy: Policy) -> bool:
    """Whether somebody's pay may hang on the records of others: a team's or the company's number, a pool."""
    trees = (written.tree for written in expressions(policy.incentive))
    groups = any(isinstance(part, Call) and part.get("of") is not None for tree in trees for part in walk(tree))
    return groups or any(component.kind == "pool" for _, component in policy.components())


def expressions(value: object) -> Iterator[Expression]:
    """Every formula in sections of the document."""
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, Section):
        for one in fields(value):
            yield from expressions(getattr(value, one.name))
    elif isinstance(value, tuple):
        for part in value:
            yield from expressions(part)


def _over(tree: Expr) -> str:
    if isinstance(tree, Call) and (over := tree.get("over")) is not None:
        return dotted(over) or ""
    from .formula import children

    return next((kind for child in children(tree) if (kind := _over(child))), "")


def _plan_of(policy: Policy, metric_id: str, facts: Facts) -> Plan:
    try:
        planned: Plan | Derived = plan(policy, metric_id, facts.schema)
    except PlanError as error:
        raise ValueError(str(error)) from None
    if not isinstance(planned, Plan):
        raise ValueError(f"{metric_id} is made from other metrics")
    return planned


def _nothing(call: Call, note: str) -> Line:
    text = unparse(call)
    return Line(text, text, None, "ratio", note=note or "no value", adds=False)


_FUNCTIONS: dict[str, Callable[[Inputs, Call], Line]] = {
    "attainment": Inputs.attainment_of,
    "pace": Inputs.pace_of,
    "projection": Inputs.pace_of,
    "elapsed": Inputs.elapsed_of,
    "total": Inputs.total_of,
    "change": Inputs.change_of,
    "top_share": Inputs.top_share_of,
    "coverage": Inputs.coverage_of,
    "grade_factor": Inputs.grade_of,
    "score": Inputs.grade_of,
    "event": Inputs.event_of,
    "streak": Inputs.streak_of,
    "forecast_bias": Inputs.bias_of,
}


def value_of(policy: Policy, formula: str, who: Who, period: Period, world: World) -> Line:
    """The value of any formula over metrics, functions such as attainment(goal), and person.x, as a line."""
    try:
        tree = parse(formula)
    except FormulaError as error:
        return Line(formula, formula, None, "text", note=f"column {error.at + 1}: {error.message}")
    found = Inputs(policy, who, period, world).find(Expression(formula, tree), None)
    if found.reason or not isinstance(found.value, int | Fraction | str):
        return Line(formula, formula, None, "text", note=found.reason or "no value", parts=found.parts)
    unit = "text" if isinstance(found.value, str) else unit_text(found.type, policy.currency)
    value = str(found.value).lower() if isinstance(found.value, bool) else found.value
    return Line(formula, formula, value, "text" if isinstance(value, str) else unit, parts=found.parts)


def _type_of(line: Line) -> Type:
    """The type of a line in a formula. A person's term that is a fraction may be any pure number."""
    if line.missing:
        return Type.ANY
    if line.unit.startswith("money:"):
        return Type.MONEY
    if line.label == "Grade factor" or (line.name.startswith("person.") and line.unit == "ratio"):
        return Type.NUMBER
    types = {"ratio": Type.RATIO, "count": Type.COUNT, "score": Type.SCORE, "text": Type.TEXT}
    return (types | {"condition": Type.BOOL, "duration": Type.DURATION})[line.unit]

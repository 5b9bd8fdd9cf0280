"""目标 goals: targets, their way down to a person's month, attainment and pace.

A target comes from the policy (fixed, growth) or from records (assigned). It goes down in steps; every step turns
weights into parts by largest remainder, so the parts add up to the whole exactly:

    shares("seasonality", ["Q1", "Q2", "Q3", "Q4"], values={"seasonality": {"Q1": 90, "Q2": 120, ..}})
    decompose(goal, 36_000_000_0000, keys, shares, unit=1000_0000)

Order: annual, seasonality, presence inside each period, ramp; seasonality and proration do not commute.
All values are exact: units of money or counts as int or Fraction. A goal that is 0 or missing gives a missing
attainment with the reason, never a crash and never 0.
Source: spec/domain.md 2.2 and 2.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, value_text
from xiaoguan.base.money import SCALE, allocate, round_to
from xiaoguan.base.periods import Calendar, CalendarGap, Period

from .document import Goal, Method, Policy, Step

Number = Fraction | int
Values = Mapping[str, Mapping[str, Number]]
SEASONS = "month", "quarter", "half_year"
"""Periods by whose goals a longer one's is expected to come in, the shortest first."""

# Targets


def target(policy: Policy, goal: Goal, base: Line | None = None) -> Line:
    """目标值: the target of the whole goal, in the unit of its metric.

    base     the metric in the base period that a growth target names (prior year or prior period).
    Returns  a line; value None with a note where the target comes from elsewhere or its base is not known. A growth
             target is rounded half up to the goal's rounding unit.
    """
    unit = policy.unit_of(goal.metric)
    line = Line(goal.id, goal.name or goal.id, None, unit, source=f"{policy.clause}, {goal.source or goal.path}")
    how = goal.target
    if how.method == "fixed" and how.value is not None:
        return replace(line, value=how.value * (SCALE if unit.startswith("money:") else 1), formula="fixed")
    if how.method == "growth" and how.growth is not None:
        if base is None or base.missing:
            return replace(line, note=f"the base of the growth ({how.base}) is not known")
        if not base.number:
            return replace(line, note=f"the base of the growth ({how.base}) is 0", parts=(replace(base, adds=False),))
        grown: Number = base.number * (1 + how.growth)
        shown = f"{base.text} × (1 + {value_text(how.growth, 'ratio')})"
        if policy.metrics[goal.metric].adds_up:
            grown, shown = round_to(grown, policy.quota_unit(goal)), f"{shown}, to the rounding unit"
        return replace(line, value=grown, formula=shown, parts=(replace(base, adds=False),))
    reasons = {"assigned": "assigned person by person", "bottom_up": "the sum of what is submitted"}
    return replace(line, note=reasons.get(how.method, "the target is not complete"))


# Shares


def shares(
    method: Method,
    keys: Sequence[str],
    *,
    values: Values | None = None,
    periods: Mapping[str, Period] | None = None,
    calendar: Calendar | None = None,
    weights: Mapping[str, Number] | None = None,
) -> list[Fraction]:
    """分解比例: the share of every key, adding up to 1.

    values    what the method reads, by its name and key: history (prior actuals; a key without one gets the median of
              its peers), seasonality (mean of each season), capacity (full quota x ramp x presence), and for
              potential any declared inputs.
    periods   weeks and working_days: the period of each key; working_days needs the calendar.
    weights   potential and weighted: how much each input or method counts. Shares are mixed, not raw values.
    ValueError where nothing is known to share by.
    """
    known = values or {}
    if not keys:
        raise ValueError("there is nobody and nothing to share between")
    if method == "even":
        return _normal(dict.fromkeys(keys, 1), keys, method)
    if method == "history":
        return _normal(_with_median(known.get("history", {}), keys), keys, method)
    if method in ("weeks", "working_days"):
        return _normal(_lengths(method, keys, periods or {}, calendar), keys, method)
    if method in ("weighted", "potential"):
        return _mixed(method, keys, known, periods, calendar, weights or {})
    return _normal(known.get(method, {}), keys, method)


def step_shares(
    step: Step,
    keys: Sequence[str],
    *,
    values: Values | None = None,
    periods: Mapping[str, Period] | None = None,
    calendar: Calendar | None = None,
) -> list[Fraction]:
    """Shares as one step of the policy says, by its fallback where the method has nothing to go by."""
    try:
        return shares(step.method, keys, values=values, periods=periods, calendar=calendar, weights=step.weights)
    except ValueError:
        if step.fallback is None:
            raise
        return shares(step.fallback, keys, values=values, periods=periods, calendar=calendar, weights=step.weights)


def season_index(history: Mapping[str, Sequence[Number]]) -> dict[str, Fraction]:
    """季节指数: mean of the season / mean of all seasons; ValueError where there is no history."""
    means = {key: Fraction(sum(past)) / len(past) for key, past in history.items() if past}
    whole = sum(means.values())
    if not means or whole == 0:
        raise ValueError("there is no history to take a season from")
    return {key: mean * len(means) / whole for key, mean in means.items()}


def _normal(values: Mapping[str, Number], keys: Sequence[str], method: str) -> list[Fraction]:
    chosen = [Fraction(values.get(key, 0)) for key in keys]
    if any(value < 0 for value in chosen) or not sum(chosen):
        raise ValueError(f"method {method} has nothing to share by for {', '.join(keys)}")
    return [value / sum(chosen) for value in chosen]


def _with_median(actuals: Mapping[str, Number], keys: Sequence[str]) -> dict[str, Number]:
    known = sorted(Fraction(actuals[key]) for key in keys if key in actuals)
    if not known:
        return {}
    middle = (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2
    return {key: max(Fraction(actuals.get(key, middle)), Fraction(0)) for key in keys}


def _lengths(
    method: str, keys: Sequence[str], periods: Mapping[str, Period], calendar: Calendar | None
) -> dict[str, Number]:
    if method == "weeks":
        return {key: Fraction(periods[key].days, 7) for key in keys if key in periods}
    if calendar is None:
        raise ValueError("method working_days needs a calendar")
    return {key: calendar.working_days(periods[key].start, periods[key].end) for key in keys if key in periods}


def _mixed(
    method: Method,
    keys: Sequence[str],
    values: Values,
    periods: Mapping[str, Period] | None,
    calendar: Calendar | None,
    weights: Mapping[str, Number],
) -> list[Fraction]:
    if not weights or sum(weights.values()) != 1:
        raise ValueError(f"the weights of method {method} add up to {sum(weights.values())}, not to 100%")
    mix = [Fraction(0)] * len(keys)
    methods: dict[str, Method] = {"even": "even", "history": "history", "seasonality": "seasonality"}
    methods |= {"weeks": "weeks", "working_days": "working_days", "capacity": "capacity"}
    for name, weight in weights.items():
        if name in methods:
            part = shares(methods[name], keys, values=values, periods=periods, calendar=calendar)
        else:
            part = _normal(values.get(name, {}), keys, name)
        mix = [so_far + Fraction(weight) * share for so_far, share in zip(mix, part, strict=True)]
    return mix


# Decomposition


def decompose(
    goal: Goal, total: int, keys: Sequence[str], weights: Sequence[Number], unit: int = 1, level: str = ""
) -> dict[str, int]:
    """目标分解: the parts of a target by key, multiples of `unit` that add up to it exactly (最大余额法).

    level   by what it is cut, such as team: the goal's over_assignment at that level multiplies the total first, so
            that sum(parts) = whole x over_assignment. ValueError for a total that is not a multiple of the unit.
    """
    factor = over_assigned(goal, level)
    carried = total if factor == 1 else round_to(total * factor, unit)
    return dict(zip(keys, allocate(carried, weights, unit), strict=True))


def over_assigned(goal: Goal, level: str) -> Fraction:
    """超额分配: what the parts of a level carry together, as a multiple of the whole. One factor without a level counts
    once: where the last owners are given their parts, or at the last step where all are periods."""
    steps = [step.by for step in goal.allocate]
    owners = [by for by in steps if by in ("team", "person")]
    last = (owners or steps or [""])[-1]
    return goal.over_assignment.get(level, goal.over_assignment.get("" if level in ("", last) else level, Fraction(1)))


def ramp(goal: Goal, months: int) -> Fraction:
    """爬坡: the share of a full quota in the month since hire, counted from 0; 1 after the declared months."""
    return goal.ramp[months] if 0 <= months < len(goal.ramp) else Fraction(1)


def months_since(hired: date, on: date) -> int:
    """Calendar months between the month of hire and the month of a day."""
    return (on.year - hired.year) * 12 + on.month - hired.month


def months_served(hired: date, on: date) -> int:
    """在职月数: whole months from the day of hire to a day, which does not count itself."""
    return months_since(hired, on) - (on.day < hired.day)


def months_in_role(calendar: Calendar, since: date, on: date) -> int:
    """Months of the calendar from the one that holds `since` to the one that holds `on`; below 0 if it is earlier."""
    return max(calendar.months_between(since, on), -1)


def proration(goal: Goal, period: Period, calendar: Calendar, since: date, until: date | None = None) -> Fraction:
    """折算: the share of the period a person was in the role, [since, until), by the goal's basis.

    Below the declared minimum it is 0: the person starts with the next period.
    """
    return prorated(goal, period, calendar, [(since, until)])


Stretch = tuple[date, date | None]
"""Days [start, end); end None is open."""


def prorated(
    goal: Goal, period: Period, calendar: Calendar, served: Sequence[Stretch], whole: Sequence[Stretch] = ()
) -> Fraction:
    """The same for several stretches in a row. whole: what the minimum asks about, where `served` is only a part."""
    inside, all_in_all = _within(period, served), _within(period, whole or served)
    if not inside:
        return Fraction(0)
    if goal.proration is None or inside == [(period.start, period.end)]:
        return Fraction(1)
    minimum, basis = goal.proration.minimum, goal.proration.basis

    def worked(stretches: Sequence[tuple[date, date]]) -> int:
        return sum(calendar.working_days(start, end) for start, end in stretches)

    if minimum is not None and all_in_all != [(period.start, period.end)]:
        working = minimum.unit == "wd"
        days = worked(all_in_all) if working else sum((end - start).days for start, end in all_in_all)
        if days < (minimum.count if working else minimum.days):
            return Fraction(0)
    if basis == "working_days" and (days := calendar.working_days(period.start, period.end)):
        return Fraction(worked(inside), days)
    if basis != "months":  # also a week of holidays, in which nobody works
        return Fraction(sum((end - start).days for start, end in inside), period.days)
    months = calendar.children(period, "month")
    there = [month for month in months for start, end in inside if start <= month.start and month.end <= end]
    return Fraction(len(there), len(months))


def _within(period: Period, served: Sequence[Stretch]) -> list[tuple[date, date]]:
    """The days of stretches in a period, those that follow on each other as one."""
    found: list[tuple[date, date]] = []
    for start, end in sorted((max(a, period.start), min(b or period.end, period.end)) for a, b in served):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def person_quota(full: int, ramp_share: Number, presence: Number, unit: int = 1) -> int:
    """A person's quota in a period: full quota x ramp x presence, half up to the rounding unit."""
    return round_to(Fraction(full) * Fraction(ramp_share) * Fraction(presence), unit)


def together(policy: Policy, goal: Goal, parts: Sequence[Number]) -> Number | None:
    """One goal from those of all its parts: the sum of amounts and counts; a ratio or score only if all are equal."""
    metric = policy.metrics.get(goal.metric)
    if metric is not None and not metric.adds_up:
        return parts[0] if len(set(parts)) == 1 else None
    return sum(parts)


# 减免


@dataclass(frozen=True, slots=True)
class Absence:
    """缺勤: why somebody was away, [start, end); end None is open."""

    kind: str
    start: date
    end: date | None = None


def quota_line(
    policy: Policy, goal: Goal, period: Period, given: Sequence[tuple[Period, Number]], absences: Sequence[Absence] = ()
) -> Line:
    """任务额: a goal for a period from those it is given for, less what recorded absences relieve.

    given      the goal of each of the shorter periods that fill it, or of itself.
    absences   of the person whose goal it is: what the policy relieves takes off the absent share of each given goal,
               to the rounding unit; the quota before it and the relief stay visible.
    """
    total = together(policy, goal, [value for _part, value in given])
    source = f"{policy.clause}, {goal.source or goal.path}"
    line = Line(goal.id, goal.name or goal.id, None, policy.unit_of(goal.metric), source=source)
    if total is None:
        return replace(line, note=f"the goals within {period.label} differ, and they do not add up")
    line = replace(line, value=_whole(total), note=f"for {period.label}")
    metric, kinds_of = policy.metrics.get(goal.metric), goal.absence.relieve if goal.absence else ()
    counted = [one for one in absences if one.kind in kinds_of] if metric is not None and metric.adds_up else []
    try:
        relief = sum(relieved(policy, goal, value, part, counted) for part, value in given)
    except CalendarGap as gap:
        return replace(line, value=None, note=str(gap))
    if not relief:
        return line
    kinds = ", ".join(dict.fromkeys(one.kind for one in counted))
    parts = (line, Line("relief", "Relief", -relief, line.unit, source=source, note=kinds))
    return replace(line, value=_whole(total - relief), formula=f"less the days of absence: {kinds}", parts=parts)


def relieved(policy: Policy, goal: Goal, quota: Number, period: Period, absences: Sequence[Absence]) -> int:
    """What absences take off a quota: its absent share, by the basis of the goal's proration, to the rounding unit."""
    calendar, working = policy.calendar, goal.proration is not None and goal.proration.basis == "working_days"
    away = {
        day
        for one in absences
        for day in map(date.fromordinal, range(max(one.start, period.start).toordinal(), _end(one, period)))
    }
    days = calendar.working_days(period.start, period.end) if working else period.days
    count = sum(map(calendar.is_working_day, away)) if working else len(away)
    return round_to(Fraction(quota) * count / days, policy.quota_unit(goal)) if days else 0


def _end(absence: Absence, period: Period) -> int:
    return min(absence.end or period.end, period.end).toordinal()


def _whole(value: Number) -> Number:
    return int(value) if Fraction(value).denominator == 1 else value


# Attainment and pace


def attainment(actual: Line, goal: Line | None, direction: str = "up", best: Number | None = None) -> Line:
    """达成率: actual / goal (goal / actual where lower is better), exact, with both as parts.

    best   what stands for an attainment without end: lower is better, and the actual is 0.
    Missing, with the reason, where either is missing or the denominator is 0.
    """
    parts = tuple(replace(line, adds=False) for line in (actual, goal) if line is not None)
    line = Line("attainment", "Attainment", None, "ratio", parts=parts)
    if goal is None or goal.missing:
        return replace(line, note=(goal.note if goal else "") or "there is no quota")
    if actual.missing:
        return replace(line, note=f"{actual.name}: {actual.note or 'no value'}")
    above, below = (actual, goal) if direction == "up" else (goal, actual)
    if below.number == 0 and direction == "down" and goal.number >= 0:
        said = f"{below.name} is 0, and nothing is better"
        return replace(line, note=said) if best is None else replace(line, value=best, formula=said)
    if below.number == 0:
        return replace(line, note=f"{below.name} is 0")
    formula = f"{above.name} {above.text} / {below.name} {below.text}"
    return replace(line, value=above.number / below.number, formula=formula)


def reached(actual: Line, goal: Line, bound: Fraction) -> bool:
    """Whether actual >= bound x goal, by cross-multiplication."""
    return actual.number >= bound * goal.number


@dataclass(frozen=True, slots=True)
class Elapsed:
    """How much of a goal should have come by now: the share at the close of yesterday, and the days that remain.

    gap   "" where the days are working days; calendar days where the holiday table lacks the year, and the reason.
    """

    share: Fraction
    remaining: int
    gap: str = ""

    @property
    def working(self) -> bool:
        """Whether the days are working days."""
        return not self.gap


def elapsed(calendar: Calendar, period: Period, on: date) -> Elapsed:
    """The share of a period's working days that have passed before a day."""
    now = max(period.start, min(on, period.end))
    try:
        every, passed, gap = (
            calendar.working_days(period.start, period.end),
            calendar.working_days(period.start, now),
            "",
        )
    except CalendarGap as error:
        every, passed, gap = period.days, (now - period.start).days, str(error)
    return Elapsed(Fraction(passed, every) if every else Fraction(1), every - passed, gap)


def expected(calendar: Calendar, period: Period, on: date, goal_of: Callable[[Period], Number | None]) -> Elapsed:
    """The same by season: where the goal has parts for the months (else quarters, halves) of the period, what those
    should have brought by then of what they should bring together; working days count within each part.

    Source   spec/domain.md 2.3.
    """
    gone = elapsed(calendar, period, on)
    for kind in SEASONS:
        if kind == period.kind or kind not in calendar.kinds:
            continue
        try:
            parts = [(part, goal_of(part)) for part in calendar.children(period, kind)]
        except ValueError:  # they do not tile it
            continue
        total = sum((value for _part, value in parts if value is not None), Fraction(0))
        if len(parts) > 1 and total > 0 and all(value is not None and value >= 0 for _part, value in parts):
            come = sum((value * _passed(calendar, part, on) for part, value in parts if value), Fraction(0))
            return replace(gone, share=come / total)
    return gone


def _passed(calendar: Calendar, part: Period, on: date) -> Fraction:
    if on >= part.end:
        return Fraction(1)
    return Fraction(0) if on <= part.start else elapsed(calendar, part, on).share


@dataclass(frozen=True, slots=True)
class Pace:
    """进度: where a goal stands against the share of the period that has passed; None where it is missing.

    pace        actual / (goal x elapsed share). projection   actual / elapsed share, in the unit of the actual.
    projected   projection / goal. gap   goal - actual. required   gap per remaining day.
    """

    pace: Fraction | None
    projection: Fraction | None
    projected: Fraction | None
    gap: Fraction
    required: Fraction | None


def pace(actual: Number, goal: Number, elapsed_share: Number, remaining_days: int = 0) -> Pace:
    """The pace of an actual against its goal.

    elapsed_share    seasonal or working-day share of the period elapsed at the close of yesterday, 0 to 1.
    remaining_days   days left, of the kind the share counts. With nothing elapsed pace and projection are missing;
                     with no day left the required run-rate is.
    Source   spec/domain.md 2.3.
    """
    gap = Fraction(goal) - actual
    required = gap / remaining_days if remaining_days > 0 else None
    if elapsed_share <= 0:
        return Pace(None, None, None, gap, required)
    projection = Fraction(actual) / Fraction(elapsed_share)
    projected = projection / goal if goal else None
    return Pace(projected, projection, projected, gap, required)

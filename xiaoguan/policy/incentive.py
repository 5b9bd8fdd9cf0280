"""激励 incentive: what a person is paid for a period, with a line for every component and every step after it.

The order is fixed and printed on every statement:

    1 eligible events  2 classify  3 credit  4 accumulate and attainment  5 rate lookup  6 component earning
    7 component cap  8 multiplier and gate  9 plan cap and floor  10 true-up  11 release and holdback
    12 draw or guarantee  13 claw-back and other adjustments  14 statement

`credit` does 3, `earning` 4 to 8, `settle` 9 to 13. A plan may leave steps out; it may not reorder them. A locked
period is never reckoned again in place: what later facts change is one adjustment line in the open period, recomputed
less posted, naming the period it is about.
Source: spec/domain.md 5.1, 5.6 and 5.7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from xiaoguan.base.explain import Line, Statement, Step, value_text
from xiaoguan.base.issues import Issue
from xiaoguan.base.ledger import Entry
from xiaoguan.base.money import Money
from xiaoguan.base.periods import Period

from .document import Component, IncentivePlan, Policy
from .earning import Earned, Earning
from .metrics import HELD_BACK
from .settle import Settled, Settling, needs_records, settles
from .world import Who, World, facts_of

STEPS = (
    "Eligible events",
    "Classification",
    "Credit",
    "Accumulation and attainment",
    "Rate lookup",
    "Component earning",
    "Component cap",
    "Multiplier and gate",
    "Plan cap and floor",
    "True-up",
    "Release and holdback",
    "Draw or guarantee",
    "Claw-back and adjustments",
    "Statement",
)
"""The order of calculation. Source: spec/domain.md 5.1."""


def statement(policy: Policy, who: Who, period: Period, world: World) -> Statement:
    """提成单: everything the person is paid for a period under the plans for the person's role.

    A component counts in the period in which its own period ends: a monthly commission in each month, a quarterly
    bonus in the last month of the quarter, both in the quarter. The steps after the components follow the pay period.
    """
    asked = _Asked(world)
    result = _statement(policy, who, period, asked)
    return _adjusted(policy, who, period, asked, result)


def _statement(policy: Policy, who: Who, period: Period, asked: _Asked) -> Statement:
    lines: list[Line] = []
    entries: list[Entry] = []
    amounts: dict[int, int] = defaultdict(int)
    for plan in policy.incentive:
        if not _is_for(policy, plan, who):
            continue
        earned = [
            one for component in plan.components for one in _component(policy, plan, component, who, period, asked)
        ]
        lines.extend(line for line, _ in earned)
        every = [one for _, each in earned for one in each]
        for number, value in _sums(every).items():
            amounts[number] += value
        if settles(plan) and facts_of(asked) is None and needs_records(plan):
            note = "this source does not know what was collected, delivered or returned"
            lines.append(Line(f"{plan.id}.release", "Release", None, f"money:{policy.currency}", note=note))
        elif settles(plan):
            settled = Settling(policy, plan, who, asked).through(period)
            here = [one for one in settled if period.start < one.period.end <= period.end]
            lines.extend(_steps(here))
            entries.extend(entry for one in here for entry in one.entries)
            for number, value in _later_sums(here).items():
                amounts[number] += value
        else:
            entries.extend(_entries(who, period, plan, every))
    issues = [issue for line in lines for issue in _exceptions(who, line)]
    total = sum(int(line.number) for line in lines if not line.missing)
    amounts[14] = total
    money = Money.of_units(total, policy.currency)
    steps = tuple(Step(n, name, amounts.get(n)) for n, name in enumerate(STEPS, 1))
    return Statement(who.key, period, tuple(lines), money, tuple(issues), steps, tuple(entries))


def _component(
    policy: Policy, plan: IncentivePlan, component: Component, who: Who, period: Period, world: World
) -> Iterator[tuple[Line, list[Earned]]]:
    """The line of a component, with the earnings of its periods that end in this one."""
    if not component.carried_out:
        return
    try:
        due = policy.calendar.ending_in(period, component.period)
    except ValueError as error:
        missing = Earning(policy, plan, component, who, period, world).missing(str(error)).line
        yield missing, [Earned(missing)]
        return
    found = [Earning(policy, plan, component, who, one, world).earned() for one in due]
    earned = [one for one in found if one is not None]
    if earned:
        yield (earned[0].line if len(earned) == 1 else _together([one.line for one in earned])), earned


def _sums(earned: Sequence[Earned]) -> dict[int, int]:
    """The sums at the steps 6 to 8, in units."""
    value = sum(one.value for one in earned)
    raw, capped = sum(one.raw for one in earned), sum(one.capped for one in earned)
    return {6: raw, 7: capped - raw, 8: value - capped} if earned else {}


_NUMBER = {"cap": 9, "floor": 9, "true_up": 10, "release": 11, "holdback": 11, "holdback_released": 11, "forfeited": 11}
_NUMBER |= {"leaving": 9, "draw": 12, "recovery": 12, "guarantee": 12, "clawback": 13}


def _later_sums(settled: Sequence[Settled]) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    for one in settled:
        for name, value in one.amounts.items():
            if name in _NUMBER:
                found[_NUMBER[name]] += value
    return found


def _steps(settled: Sequence[Settled]) -> list[Line]:
    """The lines of the steps; several pay periods in one statement become one line a step."""
    by_name: dict[str, list[Line]] = {}
    for one in settled:
        for line in one.steps:
            by_name.setdefault(line.name, []).append(line)
    return [lines[0] if len(lines) == 1 else _together(lines) for lines in by_name.values()]


def _entries(who: Who, period: Period, plan: IncentivePlan, earned: Sequence[Earned]) -> Iterator[Entry]:
    """Ledger entries of a plan that pays what it earns at once."""
    total = 0
    for one in earned:
        if one.value:
            total += one.value
            yield Entry("earning", who.key, period.label, period.label, one.line.name, one.value)
    if total:
        yield Entry("payout", who.key, period.label, period.label, plan.id, -total)


# Corrections of locked periods


def _adjusted(policy: Policy, who: Who, period: Period, asked: _Asked, result: Statement) -> Statement:
    """The statement with an adjustment for every locked period whose recomputation differs from what was posted."""
    facts = facts_of(asked.world)
    posted = list(facts.posted(who)) if facts else []
    parts, entries = [], []
    for label in dict.fromkeys(_stands_in(entry) for entry in posted):
        line = _adjustment(policy, who, period, asked, label, posted)
        if line is not None:
            parts.append(line)
            entries.append(
                Entry("adjustment", who.key, label, period.label, "adjustment", int(line.number), cause=line.formula)
            )
    if not parts:
        return result
    total = sum(int(part.number) for part in parts)
    formula = f"corrections of {', '.join(part.name for part in parts)}"
    line = Line(
        "adjustment", "Adjustment", total, f"money:{policy.currency}", formula, policy.clause, parts=tuple(parts)
    )
    payout = Entry("payout", who.key, period.label, period.label, "adjustment", -total)
    steps = tuple(
        replace(step, amount=(step.amount or 0) + total) if step.number in (13, 14) else step for step in result.steps
    )
    return replace(
        result,
        lines=(*result.lines, line),
        total=Money.of_units(result.total.units + total, policy.currency),
        steps=steps,
        entries=(*result.entries, *entries, *([payout] if total else [])),
    )


def _adjustment(
    policy: Policy, who: Who, period: Period, asked: _Asked, label: str, posted: Sequence[Entry]
) -> Line | None:
    try:
        locked = policy.calendar.parse(label)
    except ValueError:
        return None
    effective = policy.header.effective
    if locked.end > period.start or locked.start < effective.start:
        return None
    known = facts_of(asked.world)
    again = _statement(policy, known.at(who, locked) if known else who, locked, asked)
    before = [entry for entry in posted if _stands_in(entry) == label and entry.kind not in ("credit", "payout")]
    already = sum(entry.amount for entry in before)
    if again.total.units == already:
        return None
    unit = f"money:{policy.currency}"
    named: Mapping[str, int] = _by_name(before)
    details = tuple(
        Line(line.name, line.label, int(line.number) - named.get(line.name, 0), unit, line.formula, adds=False)
        for line in again.lines
        if not line.missing and int(line.number) != named.get(line.name, 0)
    )
    formula = f"recomputed {value_text(again.total.units, unit)} - posted {value_text(already, unit)} for {label}"
    return Line(label, label, again.total.units - already, unit, formula, parts=details)


def _stands_in(entry: Entry) -> str:
    """The period whose statement an entry belongs to: where it was posted, or what an adjustment is about."""
    return entry.about if entry.kind == "adjustment" else entry.posted


def _by_name(entries: Sequence[Entry]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        sums[entry.name] += entry.amount
    return sums


class _Asked:
    """A world that is asked for each metric and goal once, and remembers what components earned."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.metrics: dict[tuple[str, str, Period], Line] = {}
        self.goals: dict[tuple[str, str, Period], Line | None] = {}
        self.earned: dict[object, Earned | None] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self.world, name)

    def metric(self, metric_id: str, who: Who, period: Period) -> Line:
        key = (metric_id, who.key, period)
        if key not in self.metrics:
            self.metrics[key] = self.world.metric(metric_id, who, period)
        return self.metrics[key]

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        key = (goal_id, who.key, period)
        if key not in self.goals:
            self.goals[key] = self.world.goal(goal_id, who, period)
        return self.goals[key]


def _is_for(policy: Policy, plan: IncentivePlan, who: Who) -> bool:
    roles = plan.role or policy.header.scope.roles
    return not roles or who.role in roles or any(span.role in roles for span in who.spans)


def _together(lines: Sequence[Line]) -> Line:
    """One line for the periods of a component or step that end in a longer period."""
    known = [int(line.number) for line in lines if not line.missing]
    first = lines[0]
    return Line(
        first.name,
        first.label,
        sum(known) if known else None,
        first.unit,
        formula=f"the sum of {len(lines)} periods",
        source=first.source,
        parts=tuple(lines),
    )


def _exceptions(who: Who, line: Line) -> Iterator[Issue]:
    """Issues for lines without value and for records held back, here and below."""
    if any(part.name == line.name for part in line.parts):
        for part in line.parts:
            yield from _exceptions(who, part)
        return
    if line.missing:
        hint = "Complete what is missing and calculate again."
        yield Issue(
            "warning", f"{who.name}: {line.name} is not calculated: {line.note}", hint, code="incentive.missing"
        )
    for found in _held(line):
        message = f"{who.name}: records held back for {line.name}: {found.text} ({found.note})"
        yield Issue("warning", message, "Correct the records and calculate again.", code="incentive.held_back")


def _held(line: Line) -> Iterator[Line]:
    for part in line.parts:
        if part.name == HELD_BACK:
            yield part
        yield from _held(part)

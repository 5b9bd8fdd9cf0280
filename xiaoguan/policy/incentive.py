"""激励 incentive: what a person earns, with a line for every component that opens down to the records.

A commission takes a share of a metric: one rate, or tiers that are cut by amount or by attainment of a quota. With
`accumulate` the tiers run over a longer window: the period pays what the window has earned to its end, less what it
had earned before. A bonus pays a sum when a condition holds.

    bookings of the quarter to date 300 000, quota 250 000, tiers 3 % / from 100 % 4 %, paid for January 5 400:
    250 000 x 3 % + 50 000 x 4 % = 9 500; March pays 9 500 - 5 400 = 4 100

Bands are money: a bound of 120 % is quota x 120 %, so nothing is divided and the parts add up. Money is rounded once,
per component and period, half up to the minor unit; the shown parts share that rounding. What cannot be calculated
because a rate, a quota or a record is missing is a line without value and an issue with the reason, never 0.
Source: spec/domain.md 5.1, 5.3, 8.3 and 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from xiaoguan.base.explain import Line, Statement, value_text
from xiaoguan.base.issues import Issue
from xiaoguan.base.money import Money, minor_unit, round_units, share_rounding
from xiaoguan.base.periods import Period, span

from .document import Component, IncentivePlan, Policy, Tiers
from .formula import (
    Type,
    unparse,
)
from .goals import attainment
from .inputs import Inputs
from .metrics import HELD_BACK
from .tiers import Band, bands, marginal, pay, slab
from .world import Who, World


def statement(policy: Policy, who: Who, period: Period, world: World) -> Statement:
    """提成单: everything the person earns in a period under the plans for the person's role.

    A component counts in the period in which its own period ends: a monthly commission in each month, a quarterly
    bonus in the last month of the quarter, both in the quarter.
    """
    world = _Asked(world)
    lines: list[Line] = []
    issues: list[Issue] = []
    for plan in policy.incentive:
        if not _is_for(policy, plan, who):
            continue
        if plan.later:
            waiting = ", ".join(later.key for later in plan.later)
            issues.append(_info(policy, plan.line, plan.path, f"plan {plan.id}: {waiting} not carried out yet"))
        for component in plan.components:
            if not component.carried_out:
                text = f"component {component.id} is not carried out yet; it has no line"
                issues.append(_info(policy, component.line, component.path, text))
            elif earned := _component_lines(policy, component, who, period, world):
                lines.append(earned[0] if len(earned) == 1 else _together(earned))
    for line in lines:
        issues.extend(_exceptions(who, line))
    total = sum(int(line.number) for line in lines if not line.missing)
    return Statement(who.key, period, tuple(lines), Money.of_units(total, policy.currency), tuple(issues))


class _Asked:
    """A world that is asked for each metric and goal once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.metrics: dict[tuple[str, Period], Line] = {}
        self.goals: dict[tuple[str, Period], Line | None] = {}

    def metric(self, metric_id: str, who: Who, period: Period) -> Line:
        if (metric_id, period) not in self.metrics:
            self.metrics[metric_id, period] = self.world.metric(metric_id, who, period)
        return self.metrics[metric_id, period]

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        if (goal_id, period) not in self.goals:
            self.goals[goal_id, period] = self.world.goal(goal_id, who, period)
        return self.goals[goal_id, period]


def _is_for(policy: Policy, plan: IncentivePlan, who: Who) -> bool:
    roles = plan.role or policy.header.scope.roles
    return not roles or who.role in roles


def _component_lines(policy: Policy, component: Component, who: Who, period: Period, world: World) -> list[Line]:
    try:
        due = policy.calendar.ending_in(period, component.period)
    except ValueError as error:
        return [_Earning(policy, component, who, period, world).missing(str(error))]
    return [_Earning(policy, component, who, one, world).line() for one in due]


def _together(lines: Sequence[Line]) -> Line:
    """One line for the periods of a component that end in a longer period."""
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


def _info(policy: Policy, line: int, path: str, message: str) -> Issue:
    return Issue("info", message, "Amounts are before it.", policy.file, line, path, "policy.later")


class _Earning(Inputs):
    """One component for one person and one of its periods."""

    def __init__(self, policy: Policy, component: Component, who: Who, period: Period, world: World) -> None:
        super().__init__(policy, who, period, world)
        self.component = component

    def line(self) -> Line:
        effective = self.policy.header.effective
        if self.period.start < effective.start or (effective.end and self.period.end > effective.end):
            return self.missing(f"{self.policy.clause} is not in force for the whole of {self.period.label}")
        if self.component.when is None:
            return self.bonus(()) if self.component.kind == "bonus" else self.commission(())
        condition = self.find(self.component.when, Type.BOOL)
        if condition.reason:
            return self.missing(condition.reason, condition.parts)
        shown = f"{unparse(self.component.when.tree)}: {_values(condition.parts)}"
        if not condition.value:
            return self.earned(Fraction(0), f"{shown}; the condition does not hold", condition.parts)
        line = self.bonus(condition.parts) if self.component.kind == "bonus" else self.commission(condition.parts)
        return line if line.missing else replace(line, formula=f"{line.formula}; {shown}; the condition holds")

    def earned(self, exact: Fraction, formula: str, parts: Iterable[Line], note: str = "") -> Line:
        value = round_units(exact, self.policy.currency)
        rounded = "" if value == exact else f", rounded to {value_text(value, self.unit)}"
        return self.base(value, formula + rounded, parts, note)

    def missing(self, reason: str, parts: Iterable[Line] = ()) -> Line:
        return self.base(None, "", parts, reason)

    def base(self, value: int | None, formula: str, parts: Iterable[Line], note: str) -> Line:
        label = self.component.name or self.component.id
        source = f"{self.policy.clause}, {self.component.source or self.component.path}"
        return Line(self.component.id, label, value, self.unit, formula, source, (), tuple(parts), note)

    # Bonus and flat commission

    def bonus(self, parts: tuple[Line, ...]) -> Line:
        written = self.component.amount
        if written is None:
            return self.missing("the policy gives no amount", parts)
        amount = self.find(written, Type.MONEY)
        if not isinstance(amount.value, int | Fraction):
            return self.missing(amount.reason or f"{written.text} is not an amount", (*parts, *amount.parts))
        formula = f"{written.text} = {value_text(amount.value, self.unit)}"
        return self.earned(Fraction(amount.value), formula, (*amount.parts, *parts))

    def commission(self, parts: tuple[Line, ...]) -> Line:
        if self.component.tiers is not None:
            return self.tiered(self.component.tiers, parts)
        basis = self.metric(self.component.basis, self.period)
        written = self.component.rate
        if written is None:
            return self.missing("the policy gives no rate", (basis, *parts))
        rate = self.find(written, Type.RATIO)
        if not isinstance(rate.value, int | Fraction):
            reason = rate.reason or f"{written.text} is not a percentage"
            return self.missing(reason, (*rate.parts, basis, *parts))
        rate_line = Line("rate", "Rate", rate.value, "ratio", written.text, parts=rate.parts, adds=False)
        if basis.missing:
            return self.missing(f"{basis.name}: {basis.note}", (rate_line, basis, *parts))
        exact = basis.number * rate.value
        formula = f"{basis.name} {basis.text} × {rate_line.text} = {value_text(exact, self.unit)}"
        return self.earned(exact, formula, (rate_line, basis, *parts))

    # Tiers

    def tiered(self, tiers: Tiers, parts: tuple[Line, ...]) -> Line:
        if not tiers.rates or any(tier.rate is None for tier in tiers.rates):
            return self.missing("the rate table is not complete", parts)
        window = self.window(tiers)
        if window is None:
            return self.missing(f"{self.period.label} does not lie in one {tiers.accumulate}", parts)
        credited = self.metric(self.component.basis, self.upto(window))
        inputs: tuple[Line, ...] = (credited, *parts)
        quota, reach = None, credited
        if tiers.by == "attainment":
            attained, quota_line, reach = self.attained(tiers, window, credited)
            inputs = (attained, *inputs[1:]) if reach is credited else (attained, *inputs)
            if attained.missing or quota_line is None:
                return self.missing(attained.note, inputs)
            if quota_line.number <= 0:
                return self.missing(f"{quota_line.name} is {quota_line.text}", inputs)
            quota = quota_line.number
        if credited.missing:
            return self.missing(f"{credited.name}: {credited.note}", inputs)
        table = bands(tiers, quota)
        to_date = self.to_date(tiers, table, credited, reach)
        note = self.next_step(tiers, table, reach)
        if window.start == self.period.start:
            return self.base(int(to_date.number), to_date.formula, (*to_date.parts, *inputs), note)
        before = self.before(tiers, table, window)
        if before.missing:
            return self.missing(before.note, (to_date, before, *inputs))
        value = int(to_date.number + before.number)
        formula = f"{to_date.text} to date - {value_text(-before.number, self.unit)} earlier in {window.label}"
        return self.base(value, formula, (to_date, before, *inputs), note)

    def window(self, tiers: Tiers) -> Period | None:
        """The period over which tiers accumulate, or None if this period reaches beyond it."""
        if tiers.accumulate in ("period", self.period.kind):
            return self.period
        try:
            window = self.policy.calendar.period(tiers.accumulate, self.period.start)
        except ValueError:
            return None
        return window if self.period.end <= window.end else None

    def attained(self, tiers: Tiers, window: Period, credited: Line) -> tuple[Line, Line | None, Line]:
        """Attainment of the quota of the window so far, the quota, and the metric that reaches for it."""
        goal = self.policy.goal(tiers.of)
        if goal is None:
            return attainment(credited, None), None, credited
        own = goal.metric == self.component.basis
        reach = credited if own else self.metric(goal.metric, self.upto(window))
        quota = self.world.goal(goal.id, self.who, window)
        line = attainment(reach, quota)
        if quota is None:
            line = replace(line, note=f"there is no quota {goal.id} for {window.label}")
        return replace(line, adds=False), quota, reach

    def to_date(self, tiers: Tiers, table: Sequence[Band], credited: Line, reach: Line) -> Line:
        """What the window has earned so far; its bands share the rounding."""
        exact = pay(tiers.mode, credited.number, table, reach.number)
        total = round_units(exact, self.policy.currency)
        if tiers.mode == "slab":
            band = slab(reach.number, table)
            rate = value_text(band.rate, "ratio") if band else "nothing"
            formula = f"{credited.text} × {rate} ({band.text if band else 'below the first tier'})"
            return Line("to_date", "To date", total, self.unit, formula)
        inside = marginal(credited.number, table)
        shown = share_rounding([part * band.rate for band, part in inside], total, minor_unit(self.policy.currency))
        parts = tuple(
            Line(
                f"band_{i}",
                band.text,
                value,
                self.unit,
                f"{value_text(part, self.unit)} × {value_text(band.rate, 'ratio')}",
            )
            for i, ((band, part), value) in enumerate(zip(inside, shown, strict=True), 1)
        )
        formula = " + ".join(part.formula for part in parts) or f"{credited.text} reaches no tier"
        return Line("to_date", "To date", total, self.unit, formula, parts=parts)

    def before(self, tiers: Tiers, table: Sequence[Band], window: Period) -> Line:
        """What the window had earned before this period, as a negative line."""
        earlier = span(window.start, self.period.start)
        credited = self.metric(self.component.basis, earlier)
        line = Line("paid_earlier", "Paid earlier", None, self.unit, parts=(credited,))
        goal = self.policy.goal(tiers.of)
        own = tiers.by == "amount" or (goal is not None and goal.metric == self.component.basis)
        reach = credited if own or goal is None else self.metric(goal.metric, earlier)
        if credited.missing or reach.missing:
            return replace(line, note=credited.note or reach.note)
        exact = pay(tiers.mode, credited.number, table, reach.number)
        value = round_units(exact, self.policy.currency)
        return replace(
            line, value=-value, formula=f"{credited.name} {credited.text} earned {value_text(value, self.unit)}"
        )

    def next_step(self, tiers: Tiers, table: Sequence[Band], reach: Line) -> str:
        """How far the next tier is and what it pays."""
        above = next((band for band in table if band.start > reach.number), None)
        if above is None:
            return ""
        gap = value_text(above.start - reach.number, reach.unit)
        rate = value_text(above.rate, "ratio")
        what = "what is above it" if tiers.mode == "marginal" else "everything"
        return f"{gap} more {reach.name} reaches the tier {above.text}, which pays {rate} on {what}"


def _values(parts: Sequence[Line]) -> str:
    return ", ".join(f"{part.name} = {part.text}" for part in parts)

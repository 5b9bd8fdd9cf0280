"""奖金 and 矩阵: a sum or a target, times a curve of attainment or the cell of two metrics."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, value_text
from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import Period

from ..document import Axis, Tiers
from ..formula import Type
from ..goals import attainment
from ..tiers import bands, curve, pay, slab, top
from .base import Base, Raw

YEAR_SHARE = {"month": Fraction(1, 12), "quarter": Fraction(1, 4), "half_year": Fraction(1, 2), "year": Fraction(1)}
"""The share of a yearly target incentive that a component's period carries."""


class Targets(Base):
    """Kinds bonus and matrix."""

    def bonus(self, parts: tuple[Line, ...]) -> Raw:
        written = self.component.amount
        if written is None:
            return self.of_target(parts)
        amount = self.find(written, Type.MONEY)
        if not isinstance(amount.value, int | Fraction):
            return self.missing(amount.reason or f"{written.text} is not an amount", (*parts, *amount.parts))
        share, shown = self.presence()
        exact = Fraction(amount.value) * share
        formula = f"{written.text} = {value_text(amount.value, self.unit)}{shown}"
        return self.sum(exact, formula, (*amount.parts, *parts), target=exact)

    def presence(self) -> tuple[Fraction, str]:
        """折算: the share of the period's days under the plan, and how it is shown; all of it without `proration`."""
        whole, basis = self.days_of(self.period), self.component.proration
        there = self.active(self.period)
        if not basis or there == [self.period]:
            return Fraction(1), ""
        days = self.policy.calendar.working_days if basis == "working_days" else lambda a, b: (b - a).days
        above, below = sum(days(one.start, one.end) for one in there), days(*whole)
        kind = "working days" if basis == "working_days" else "days"
        return (Fraction(above, below) if below else Fraction(1)), f" × {above} of {below} {kind}"

    def days_of(self, period: Period) -> tuple[date, date]:
        """The days of a period that the version pays."""
        if self.days is None:
            return period.start, period.end
        return max(period.start, self.days.start), min(period.end, self.days.end or period.end)

    def target(self) -> tuple[Fraction, tuple[Line, ...]] | str:
        """The target of a bonus or matrix in its period, in units: its own, or its part of the target incentive."""
        if self.component.target is not None:
            found = self.find(self.component.target, Type.MONEY)
            if not isinstance(found.value, int | Fraction):
                return found.reason or f"{self.component.target.text} is not an amount"
            weight = Fraction(1) if self.component.weight is None else self.component.weight
            return Fraction(found.value) * weight * self.presence()[0], found.parts
        if self.component.period not in YEAR_SHARE:
            return f"a {self.component.period} has no share of the yearly target incentive"
        year = self.year_target()
        if isinstance(year, str):
            return year
        return year * YEAR_SHARE[self.component.period] * self.presence()[0], ()

    def of_target(self, parts: tuple[Line, ...]) -> Raw:
        target, tiers = self.target(), self.component.tiers
        if isinstance(target, str):
            if tiers is not None and tiers.mode == "amount" and self.component.target is None:
                return self.of_sums(tiers, parts)
            return self.missing("the policy gives no amount" if not self.component.target else target, parts)
        value, inputs = target
        line = Line("target", "Target", value, self.unit, self.presence()[1], parts=inputs, adds=False)
        if tiers is None:
            return self.sum(value, f"target {line.text}", (line, *parts), target=value)
        ruled = self.ruled(tiers, self.period.start)
        if isinstance(ruled, str):
            return self.missing(ruled, (line, *parts))
        tiers, instead = replace(tiers, rates=tuple(ruled[0])), ruled[1]
        reach, missing = self.reached(tiers)
        if missing or reach is None:
            return self.missing(missing, (line, *parts))
        share, text = self.percent_of(tiers, reach.number)
        exact = share * (value if tiers.mode != "amount" else self.presence()[0])
        formula = f"target {line.text} × {text} = {value_text(exact, self.unit)}"
        return self.sum(exact, formula, (line, reach, *parts), instead, target=value)

    def of_sums(self, tiers: Tiers, parts: tuple[Line, ...]) -> Raw:
        """A bonus without a target: the table says the sums."""
        ruled = self.ruled(tiers, self.period.start)
        if isinstance(ruled, str):
            return self.missing(ruled, parts)
        tiers = replace(tiers, rates=tuple(ruled[0]))
        reach, missing = self.reached(tiers)
        if missing or reach is None:
            return self.missing(missing, parts)
        amount, text = self.percent_of(tiers, reach.number)
        share, shown = self.presence()
        formula = f"{value_text(amount, self.unit)} ({text}){shown}"
        return self.sum(amount * share, formula, (reach, *parts), ruled[1])

    def reached(self, tiers: Tiers) -> tuple[Line | None, str]:
        """What a bonus is looked up by: attainment, or a metric."""
        if tiers.by == "attainment":
            goal = self.policy.goal(tiers.of)
            if goal is None:
                return None, f"there is no goal {tiers.of!r}"
            window = self.window_of(tiers)
            if window is None:
                return None, f"{self.period.label} does not lie in one {tiers.accumulate}"
            metric = self.policy.metrics[goal.metric]
            quota = self.world.goal(goal.id, self.who, window)
            line = attainment(self.metric(goal.metric, self.upto(window)), quota, metric.direction, top(tiers))
            note = f"there is no quota {goal.id} for {window.label}" if quota is None else line.note
            return replace(line, adds=False), note if line.missing else ""
        line = self.metric(tiers.of, self.period)
        return line, f"{line.name}: {line.note}" if line.missing else ""

    def percent_of(self, tiers: Tiers, reach: Fraction) -> tuple[Fraction, str]:
        """The share of the target (for mode amount the sum) at what was reached, and how it is shown."""
        if tiers.mode == "interpolated":
            x = reach / SCALE if tiers.by == "amount" else reach
            share = curve(x, tiers.points, tiers.outside)
            return share, f"{value_text(share, 'ratio')} (on the curve)"
        table = bands(tiers, 1)
        if tiers.mode == "marginal":
            share = pay("marginal", reach, table)
            return share, value_text(share, "ratio")
        band = slab(reach, table)
        if band is None:
            return Fraction(0), "nothing (below the first tier)"
        if tiers.mode == "amount":
            return band.amount, band.text
        return band.rate, f"{value_text(band.rate, 'ratio')} ({band.text})"

    def matrix(self, parts: tuple[Line, ...]) -> Raw:
        """矩阵: the target times the cell that two metrics reach."""
        rows, columns = self.component.rows, self.component.columns
        if rows is None or columns is None:
            return self.missing("the matrix is not complete", parts)
        target = self.target()
        if isinstance(target, str):
            return self.missing(target, parts)
        value, inputs = target
        line = Line("target", "Target", value, self.unit, self.presence()[1], parts=inputs, adds=False)
        found = [self.axis(axis) for axis in (rows, columns)]
        lines = tuple(one for one, _ in found)
        if lacking := [one for one in lines if one.missing]:
            return self.missing(f"{lacking[0].name}: {lacking[0].note or 'no value'}", (line, *lines, *parts))
        (row, column) = (at for _, at in found)
        if row < 0 or column < 0:
            return self.sum(Fraction(0), "below the first row or column", (line, *lines, *parts), target=value)
        share = self.component.percent[row][column]
        exact = value * share
        cell = f"row {row + 1}, column {column + 1}: {value_text(share, 'ratio')}"
        formula = f"target {line.text} × {cell} = {value_text(exact, self.unit)}"
        return self.sum(exact, formula, (line, *lines, *parts), target=value)

    def axis(self, axis: Axis) -> tuple[Line, int]:
        """The value on an axis and the last bound it reaches; -1 below the first."""
        line = self.metric(axis.metric, self.period)
        if axis.of == "attainment":
            goals = [goal for goal in self.policy.goals if goal.metric == axis.metric]
            goal = self.policy.goal(axis.goal) if axis.goal else (goals[0] if goals else None)
            quota = self.world.goal(goal.id, self.who, self.period) if goal else None
            direction = self.policy.metrics[axis.metric].direction if axis.metric in self.policy.metrics else "up"
            best = max(bound.value for bound in axis.bounds)
            line = replace(attainment(line, quota, direction, best), name=f"attainment({axis.metric})", adds=False)
            if quota is None:
                line = replace(line, note=f"there is no quota {goal.id if goal else ''} for {self.period.label}")
        if line.missing:
            return line, -1
        scale = SCALE if line.unit.startswith("money:") else 1
        return line, sum(line.number >= bound.value * scale for bound in axis.bounds) - 1

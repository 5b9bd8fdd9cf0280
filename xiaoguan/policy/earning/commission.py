"""提成 commission: a share of a metric, at one rate or by a table of tiers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, Record, value_text
from xiaoguan.base.money import SCALE, minor_unit, round_units, share_rounding
from xiaoguan.base.periods import Period, span

from ..document import Goal, Tier, Tiers
from ..formula import Type
from ..goals import attainment
from ..tiers import Band, bands, curve, marginal, pay, slab, top
from .base import Base, Raw, joined


class Commission(Base):
    """Kind commission."""

    def commission(self, parts: tuple[Line, ...]) -> Raw:
        if self.component.tiers is not None:
            return self.tiered(self.component.tiers, parts)
        basis = self.basis(self.period)
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
        return replace(self.sum(exact, formula, (rate_line, basis, *parts)), weights=self.weighed(basis))

    def tiered(self, tiers: Tiers, parts: tuple[Line, ...]) -> Raw:
        if tiers.mode == "per_transaction":
            return self.each(tiers, parts)
        ruled = self.ruled(tiers, self.period.start)
        if isinstance(ruled, str):
            return self.missing(ruled, parts)
        rates, instead = ruled
        if not (rates or tiers.points) or any(_empty(tier) for tier in rates):
            return self.missing("the rate table is not complete", parts)
        window = self.window_of(tiers)
        if window is None:
            return self.missing(f"{self.period.label} does not lie in one {tiers.accumulate}", parts)
        credited = self.basis(self.upto(window))
        inputs: tuple[Line, ...] = (credited, *parts)
        quota: Fraction | None = None
        quota_line: Line | None = None
        reach = self.reach(tiers, self.upto(window), credited)
        if tiers.by == "attainment":
            attained, quota_line, reach = self.attained(tiers, rates, window, credited)
            inputs = (attained, *inputs[1:]) if reach is credited else (attained, *inputs)
            if attained.missing or quota_line is None:
                return self.missing(attained.note, inputs)
            if quota_line.number <= 0:
                return self.missing(f"{quota_line.name} is {quota_line.text}", inputs)
            quota = quota_line.number
        elif reach is not credited:
            inputs = (reach, *inputs)
        if credited.missing or reach.missing:
            lacking = credited if credited.missing else reach
            return self.missing(f"{lacking.name}: {lacking.note}", inputs)
        base_rate = self.base_rate(tiers, rates)
        if isinstance(base_rate, str):
            return self.missing(base_rate, inputs)
        table = bands(tiers, quota, base_rate, rates)
        to_date = self.to_date(tiers, table, credited, reach, quota)
        note = "; ".join(text for text in (instead, self.next_step(tiers, table, credited, reach)) if text)
        if window.start == self.period.start:
            line = self.base(int(to_date.number), to_date.formula, (*to_date.parts, *inputs), note)
            exact = self.table_pays(tiers, table, credited.number, reach.number, quota)
            return Raw(line, exact, self.by_record(tiers, table, credited, Fraction(0)))
        before = self.before(tiers, rates, table, window, quota_line)
        if before.missing:
            return self.missing(before.note, (to_date, before, *inputs))
        value = int(to_date.number + before.number)
        formula = f"{to_date.text} to date - {value_text(-before.number, self.unit)} earlier in {window.label}"
        line = self.base(value, formula, (to_date, before, *inputs), note)
        now = self.basis(self.period)
        earlier = credited.number - (now.number if not now.missing else 0)
        return Raw(line, Fraction(value), self.by_record(tiers, table, now, earlier))

    def table_pays(
        self, tiers: Tiers, table: Sequence[Band], credited: Fraction, reach: Fraction, quota: Fraction | None
    ) -> Fraction:
        if tiers.mode == "interpolated":
            x = reach / quota if quota else reach / SCALE if tiers.by == "amount" else reach
            return credited * curve(x, tiers.points, tiers.outside)
        return pay(tiers.mode, credited, table, reach)

    def by_record(
        self, tiers: Tiers, table: Sequence[Band], basis: Line, before: Fraction
    ) -> tuple[tuple[Record, date | None, Fraction], ...]:
        """What each record earns on the running total: P(before + x) - P(before); by its credit in other modes."""
        if basis.missing or tiers.mode != "marginal" or not self.by_lots:
            return self.weighed(basis)
        pays, at = [], pay("marginal", before, table)
        running = before
        for record in basis.records:
            running += Fraction(record.value or 0)
            after = pay("marginal", running, table)
            pays.append(after - at)
            at = after
        return self.weighed(basis, pays)

    def base_rate(self, tiers: Tiers, rates: Sequence[Tier]) -> Fraction | str | None:
        """基准提成率: target incentive of the year x weight / quota of the year; None where no tier has a factor."""
        if all(tier.factor is None for tier in rates):
            return None
        target = self.year_target()
        if isinstance(target, str):
            return target
        year = self.policy.calendar.period("year", self.period.start)
        quota = self.world.goal(tiers.of, self.who, year)
        if quota is None or quota.missing or quota.number <= 0:
            return f"there is no quota {tiers.of} for {year.label}"
        return target / quota.number

    def reach(self, tiers: Tiers, period: Period, credited: Line) -> Line:
        """What is looked up in a table by amount or count: the credit itself, or another metric."""
        if tiers.of and tiers.by != "attainment":
            return self.metric(tiers.of, period, "pay")
        if tiers.by == "count":
            count = sum(-1 if (record.value or 0) < 0 else 1 for record in credited.records)
            return Line("count", "Count", count, "count", f"records of {credited.name}", adds=False)
        return credited

    def attained(
        self, tiers: Tiers, rates: Sequence[Tier], window: Period, credited: Line
    ) -> tuple[Line, Line | None, Line]:
        """Attainment of the quota of the window so far, the quota, and what is held against its bounds."""
        goal = self.policy.goal(tiers.of)
        if goal is None:
            return attainment(credited, None), None, credited
        own = goal.metric == self.component.basis and tiers.mode == "marginal"
        reach = credited if own else self.metric(goal.metric, self.upto(window))
        if reach == credited:
            reach = credited
        quota = self.world.goal(goal.id, self.who, window)
        line = attainment(reach, quota, self.direction(goal), top(tiers, rates))
        if quota is None:
            line = replace(line, note=f"there is no quota {goal.id} for {window.label}")
        return replace(line, adds=False), quota, self.turned(reach, quota, line)

    def direction(self, goal: Goal | None) -> str:
        metric = self.policy.metrics.get(goal.metric) if goal else None
        return metric.direction if metric else "up"

    def turned(self, reach: Line, quota: Line | None, attained: Line) -> Line:
        """What is held against bound × quota: the metric itself, or where lower is better attainment × quota."""
        goal = self.policy.goal(self.component.tiers.of) if self.component.tiers else None
        if self.direction(goal) == "up" or quota is None or attained.missing:
            return reach
        return replace(reach, value=attained.number * quota.number)

    def to_date(self, tiers: Tiers, table: Sequence[Band], credited: Line, reach: Line, quota: Fraction | None) -> Line:
        """What the window has earned so far; its bands share the rounding."""
        exact = self.table_pays(tiers, table, credited.number, reach.number, quota)
        total = round_units(exact, self.policy.currency)
        if tiers.mode == "interpolated":
            x = reach.number / quota if quota else reach.number
            rate = curve(reach.number / SCALE if tiers.by == "amount" else x, tiers.points, tiers.outside)
            formula = f"{credited.text} × {value_text(rate, 'ratio')} (on the curve)"
            return Line("to_date", "To date", total, self.unit, formula)
        if tiers.mode != "marginal":
            band = slab(reach.number, table)
            text = band.text if band else "below the first tier"
            if tiers.mode == "amount":
                formula = f"{value_text(band.amount if band else 0, self.unit)} ({text})"
            else:
                formula = f"{credited.text} × {value_text(band.rate, 'ratio') if band else 'nothing'} ({text})"
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

    def before(
        self, tiers: Tiers, rates: Sequence[Tier], table: Sequence[Band], window: Period, quota: Line | None
    ) -> Line:
        """What the window had earned before this period, as a negative line."""
        earlier = span(window.start, self.period.start)
        credited = self.basis(earlier)
        line = Line("paid_earlier", "Paid earlier", None, self.unit, parts=(credited,))
        reach = self.reach(tiers, earlier, credited)
        goal = self.policy.goal(tiers.of)
        if (
            tiers.by == "attainment"
            and goal is not None
            and not (goal.metric == self.component.basis and tiers.mode == "marginal")
        ):
            reach = self.metric(goal.metric, earlier)
            reach = self.turned(reach, quota, attainment(reach, quota, self.direction(goal), top(tiers, rates)))
        if credited.missing or reach.missing:
            return replace(line, note=credited.note or reach.note)
        exact = self.table_pays(tiers, table, credited.number, reach.number, quota.number if quota else None)
        value = round_units(exact, self.policy.currency)
        return replace(
            line, value=-value, formula=f"{credited.name} {credited.text} earned {value_text(value, self.unit)}"
        )

    def next_step(self, tiers: Tiers, table: Sequence[Band], credited: Line, reach: Line) -> str:
        """How far the next tier is and what it pays."""
        above = next((band for band in table if band.start > reach.number), None)
        if above is None or (tiers.by == "attainment" and self.direction(self.policy.goal(tiers.of)) == "down"):
            return ""
        gap = value_text(above.start - reach.number, reach.unit)
        if tiers.mode == "amount":
            sum_ = value_text(above.amount, self.unit)
            return f"{gap} more {reach.name} reaches the tier {above.text}, which pays {sum_}"
        rate = value_text(above.rate, "ratio")
        what = "what is above it" if tiers.mode == "marginal" else "everything"
        text = f"{gap} more {reach.name} reaches the tier {above.text}, which pays {rate} on {what}"
        if tiers.mode == "slab" and reach.name == credited.name:
            text += f": {value_text(round_units(above.start * above.rate, self.policy.currency), self.unit)}"
        return text

    def each(self, tiers: Tiers, parts: tuple[Line, ...]) -> Raw:
        """单笔: every record looked up on its own, by the rates of its day; a negative one mirrors the positive.
        The sum is rounded once."""
        quota: Fraction | None = None
        if tiers.by == "attainment":
            found = self.world.goal(tiers.of, self.who, self.period)
            if found is None or found.missing or found.number <= 0:
                return self.missing(f"there is no quota {tiers.of} for {self.period.label}", parts)
            quota = found.number
        lines, pays, notes = [], [], []
        for stretch in self.stretches():
            ruled = self.ruled(tiers, stretch.start)
            if isinstance(ruled, str) or not ruled[0] or any(_empty(tier) for tier in ruled[0]):
                return self.missing(ruled if isinstance(ruled, str) else "the rate table is not complete", parts)
            line, table = self.metric(self.component.basis, stretch, "pay"), bands(tiers, quota, None, ruled[0])
            if line.missing:
                return self.missing(f"{line.name}: {line.note}", (line, *parts))
            for record in line.records:
                value = Fraction(record.value or 0)
                pays.append(pay(tiers.each, abs(value), table) * (1 if value >= 0 else -1))
            lines.append(line)
            notes.append(ruled[1])
        basis, exact = joined(lines), sum(pays, Fraction(0))
        formula = f"{len(pays)} records of {basis.name}, each on its own = {value_text(exact, self.unit)}"
        raw = self.sum(exact, formula, (basis, *parts), "; ".join(dict.fromkeys(note for note in notes if note)))
        return replace(raw, weights=self.weighed(basis, pays))

    def stretches(self) -> Iterator[Period]:
        """The days under the plan, cut where other rates or another role begin or end."""
        cuts = {day for one in self.overrides() if one.valid for day in (one.valid.start, one.valid.end)}
        if any(one.role for one in self.overrides()):
            cuts |= {day for one in self.who.spans for day in (one.start, one.end)}
        for part in self.active(self.period):
            inside = sorted(day for day in cuts if day is not None and part.start < day < part.end)
            yield from [part] if not inside else map(span, [part.start, *inside], [*inside, part.end])


def _empty(tier: Tier) -> bool:
    return tier.rate is None and tier.factor is None and tier.amount is None

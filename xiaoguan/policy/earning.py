"""方案组成 components: what one component earns for one person in one period, before the plan's limits and release.

A commission takes a share of a metric: one rate, or tiers cut by amount, count or attainment. With `accumulate` the
tiers run over a longer window: the period earns what the window has earned to its end, less what it had earned before.
A bonus pays a sum, or a target times a curve of attainment; a matrix a target times the cell of two metrics; a spiff a
sum for each qualifying record or unit; a pool a share of a team's fund.

    bookings of the quarter to date 300 000, quota 250 000, tiers 3 % / from 100 % 4 %, earned for January 5 400:
    250 000 x 3 % + 50 000 x 4 % = 9 500; March earns 9 500 - 5 400 = 4 100

Bands are money: a bound of 120 % is quota x 120 %, so nothing is divided and the parts add up. Money is rounded once,
per component and period, half up to the minor unit; the shown parts share that rounding. Then come the component's cap,
gates and multipliers. What cannot be calculated because a rate, a quota or a record is missing is a line without value
and a reason, never 0.
Source: spec/domain.md 5.1 steps 4 to 8, 5.3, 8.3 and 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, Record, value_text
from xiaoguan.base.money import SCALE, allocate, minor_unit, round_units, share_rounding
from xiaoguan.base.periods import Period, span

from .credit import Crediting, metric_of
from .document import Axis, Cap, Component, Expression, Gate, IncentivePlan, Policy, Tier, Tiers
from .formula import FormulaError, Scope, Type, evaluator, resolve, unparse
from .goals import attainment
from .inputs import Inputs, members
from .metrics import FACTS, Plan
from .tiers import Band, bands, curve, marginal, pay, slab
from .world import Span, Who, World

YEAR_SHARE = {"month": Fraction(1, 12), "quarter": Fraction(1, 4), "half_year": Fraction(1, 2), "year": Fraction(1)}
"""The share of a yearly target incentive that a component's period carries."""


@dataclass(frozen=True, slots=True)
class Lot:
    """What one record earned in a component, in units; record "" is what no record earned."""

    entity: str
    record: str
    label: str
    day: date | None
    amount: int
    component: str = ""


@dataclass(frozen=True, slots=True)
class Earned:
    """A component's line, the sum at each step in units, and which records earned it."""

    line: Line
    raw: int = 0
    capped: int = 0
    lots: tuple[Lot, ...] = ()

    @property
    def value(self) -> int:
        """The earning in units; 0 where it could not be calculated."""
        return 0 if self.line.missing else int(self.line.number)


@dataclass(frozen=True, slots=True)
class _Raw:
    """An earning before cap, gates and multipliers. `exact` is not rounded yet; weights are exact pays by record."""

    line: Line
    exact: Fraction = Fraction(0)
    weights: tuple[tuple[Record, date | None, Fraction], ...] = ()
    target: Fraction | None = None


class Earning(Inputs):
    """One component for one person and one of its periods."""

    def __init__(
        self,
        policy: Policy,
        plan: IncentivePlan,
        component: Component,
        who: Who,
        period: Period,
        world: World,
    ) -> None:
        super().__init__(policy, who, period, world)
        self.plan, self.component = plan, component
        self.by_lots = plan.clawback is not None or plan.pay is not None

    # The steps

    def earned(self) -> Earned | None:
        """The earning, or None where the component is not for this person and period at all; found once."""
        known: dict[object, Earned | None] = getattr(self.world, "earned", {})
        key = (self.component.id, self.who.key, self.period)
        if key not in known:
            known[key] = self.reckoned()
        return known[key]

    def reckoned(self) -> Earned | None:
        effective = self.policy.header.effective
        inside = self.period.start >= effective.start and (not effective.end or self.period.end <= effective.end)
        outside = self.period.end <= effective.start or bool(effective.end and self.period.start >= effective.end)
        if not inside and (outside or not self.by_days):
            line = self.missing(f"{self.policy.clause} is not in force for the whole of {self.period.label}")
            return Earned(line.line)
        if self.active(self.period) is None:
            return None
        raw = self.when()
        if raw.line.missing:
            return Earned(raw.line)
        return self.limited(raw)

    @property
    def by_days(self) -> bool:
        """Whether a version that holds for a part of the period pays the records of its days."""
        change = self.policy.header.transition
        how = change.components.get(self.component.id, change.default) if change else "new_period_only"
        return how == "prorate" or by_event(self.component)

    def when(self) -> _Raw:
        if self.component.when is None:
            return self.kind(())
        condition = self.find(self.component.when, Type.BOOL)
        if condition.reason:
            return self.missing(condition.reason, condition.parts)
        shown = f"{unparse(self.component.when.tree)}: {_values(condition.parts)}"
        if not condition.value:
            return self.sum(Fraction(0), f"{shown}; the condition does not hold", condition.parts)
        raw = self.kind(condition.parts)
        if raw.line.missing:
            return raw
        return replace(raw, line=replace(raw.line, formula=f"{raw.line.formula}; {shown}; the condition holds"))

    def kind(self, parts: tuple[Line, ...]) -> _Raw:
        kinds = {"commission": self.commission, "bonus": self.bonus, "matrix": self.matrix, "spiff": self.spiff}
        return (kinds | {"pool": self.pool})[self.component.kind](parts)

    def limited(self, raw: _Raw) -> Earned:
        """Cap, gates, multipliers; each change is a part of the line, so that the parts add up to what is earned."""
        line, unit = raw.line, minor_unit(self.policy.currency)
        first = int(line.number)
        changes: list[Line] = []
        exact, value = raw.exact, first
        cap = self.component.cap
        if cap is not None:
            most = max(int(cap.amount * SCALE) - (self.capped_before(cap.per) if cap.per else 0), 0)
            due = value + (self.carried(cap) if cap.excess == "carry" else 0)
            if (allowed := min(due, most)) != value:
                shown = f"at most {value_text(most, self.unit)}"
                if due != value:
                    shown += f", {value_text(due - value, self.unit)} carried from before"
                changes.append(self.change("cap", "Cap", allowed - value, shown))
                value, exact = allowed, Fraction(allowed)
        capped = value
        for gate in self.component.gates:
            found = self.gated(gate, exact, raw.target)
            if isinstance(found, str):
                return Earned(self.missing(found, line.parts).line)
            if found is not None:
                after, text, parts = found
                rounded = round_units(after, self.policy.currency)
                changes.append(self.change("gate", "Gate", rounded - value, text, parts))
                exact, value = after, rounded
        for text, by in self.factors():
            factor = self.find(by, Type.NUMBER)
            if factor.reason or not isinstance(factor.value, int | Fraction):
                return Earned(self.missing(f"{factor.reason or text}", (*factor.parts, *line.parts)).line)
            exact *= factor.value
            rounded = round_units(exact, self.policy.currency)
            shown = f"{text} = {value_text(factor.value, 'count')}"
            changes.append(self.change("multiplier", "Multiplier", rounded - value, shown, factor.parts))
            value = rounded
        if changes:
            before = replace(line, name="before", label="Before limits")
            formula = "; ".join([line.formula, *(f"{one.label}: {one.formula}" for one in changes)])
            line = replace(line, value=value, formula=formula, parts=(before, *changes))
        return Earned(line, first, capped, self.lots(raw, value, unit))

    def factors(self) -> list[tuple[str, Expression]]:
        written = [] if self.component.multiply is None else [self.component.multiply]
        for one in self.plan.multiply:
            if not one.applies_to or self.component.id in one.applies_to:
                written.append(one.by)
        return [(one.text, one) for one in written]

    def change(self, name: str, label: str, value: int, formula: str, parts: tuple[Line, ...] = ()) -> Line:
        return Line(name, label, value, self.unit, formula, parts=parts)

    def gated(
        self, gate: Gate, exact: Fraction, target: Fraction | None
    ) -> tuple[Fraction, str, tuple[Line, ...]] | str | None:
        """What a gate leaves; None where it changes nothing, a reason where it cannot be said."""
        found = self.find(gate.when, Type.BOOL)
        if found.reason:
            return found.reason
        if not found.value:
            return None
        effect, after = gate.effect, exact
        if effect.block:
            after = Fraction(0)
        if effect.factor is not None:
            after *= effect.factor
        if effect.cap is not None:
            after = min(after, effect.cap * SCALE)
        if effect.max is not None:
            if target is None:
                return "a gate in percent of the target needs a target"
            after = min(after, effect.max * target)
        return None if after == exact else (after, gate.when.text, found.parts)

    def capped_before(self, per: str) -> int:
        """What the component earned in the earlier periods of the span over which its cap runs."""
        window = self.cap_window(per)
        return sum(one.capped for one in self.before_this(window.start)) if window else 0

    def carried(self, cap: Cap) -> int:
        """The excess of earlier periods that has not been paid yet."""
        earlier = self.before_this(self.policy.header.effective.start)
        return sum(one.raw for one in earlier) - sum(one.capped for one in earlier)

    def before_this(self, since: date) -> list[Earned]:
        """The earnings of the component's periods from a day to the start of this one."""
        found, at = [], self.policy.calendar.period(self.component.period, since)
        while at.end <= self.period.start:
            one = Earning(self.policy, self.plan, self.component, self.who, at, self.world).earned()
            if one is not None and not one.line.missing:
                found.append(one)
            at = self.policy.calendar.period(self.component.period, at.end)
        return found

    def cap_window(self, per: str) -> Period | None:
        if per == "valid":
            valid = self.component.valid
            return span(valid.start, valid.end or self.period.end) if valid else None
        return self.policy.calendar.period(per, self.period.start)

    def lots(self, raw: _Raw, value: int, unit: int) -> tuple[Lot, ...]:
        """The earning by record, adding up to it exactly."""
        cid = self.component.id
        whole = sum((weight for _, _, weight in raw.weights), Fraction(0))
        if not raw.weights or whole == 0:
            return (Lot("", "", "", None, value, cid),) if value else ()
        exact = [weight * value / whole for _, _, weight in raw.weights]
        parts = share_rounding(exact, value, unit) if value % unit == 0 else [0] * len(exact)
        return tuple(
            Lot(record.entity, record.id, record.label, day, part, cid)
            for (record, day, _), part in zip(raw.weights, parts, strict=True)
        )

    # Lines

    def sum(
        self, exact: Fraction, formula: str, parts: Iterable[Line], note: str = "", target: Fraction | None = None
    ) -> _Raw:
        value = round_units(exact, self.policy.currency)
        rounded = "" if value == exact else f", rounded to {value_text(value, self.unit)}"
        return _Raw(self.base(value, formula + rounded, parts, note), Fraction(exact), target=target)

    def missing(self, reason: str, parts: Iterable[Line] = ()) -> _Raw:
        return _Raw(self.base(None, "", parts, reason))

    def base(self, value: int | None, formula: str, parts: Iterable[Line], note: str) -> Line:
        label = self.component.name or self.component.id
        source = f"{self.policy.clause}, {self.component.source or self.component.path}"
        return Line(self.component.id, label, value, self.unit, formula, source, (), tuple(parts), note)

    def active(self, period: Period) -> Period | None:
        """The part of a period in which the person is under the plan and the component is valid."""
        start, end = period.start, period.end
        effective = self.policy.header.effective
        if self.by_days:
            start, end = max(start, effective.start), min(end, effective.end or end)
        if valid := self.component.valid:
            start, end = max(start, valid.start), min(end, valid.end or end)
        if self.who.left_on:
            end = min(end, self.who.left_on)
        if self.who.hired_on:
            start = max(start, self.who.hired_on)
        roles = self.plan.role or self.policy.header.scope.roles
        if self.component.role and self.component.kind != "override_rate":
            roles = self.component.role
        if self.who.spans and roles:
            inside = [one for one in self.who.spans if one.role in roles and _overlaps(one, start, end)]
            if not inside:
                return None
            start = max(start, min(one.start for one in inside))
            ends = [one.end or end for one in inside]
            end = min(end, max(ends))
        elif roles and self.who.role not in roles:
            return None
        if start >= end:
            return None
        return period if (start, end) == (period.start, period.end) else span(start, end)

    def basis(self, period: Period) -> Line:
        """The pay credit of the component's metric in the active part of a period."""
        active = self.active(period)
        if active is None:
            metric = self.policy.metrics.get(self.component.basis)
            unit = self.policy.unit_of(self.component.basis)
            return Line(self.component.basis, metric.name if metric else "", 0, unit, "not under the plan", adds=False)
        return self.metric(self.component.basis, active, "pay")

    def weighed(
        self, basis: Line, each: Sequence[Fraction] | None = None
    ) -> tuple[tuple[Record, date | None, Fraction], ...]:
        """Records with the weight by which they share an earning: their exact pay, or what they contributed."""
        if not self.by_lots:
            return ()
        weights = each if each is not None else [Fraction(record.value or 0) for record in basis.records]
        return tuple((record, None, weight) for record, weight in zip(basis.records, weights, strict=True))

    # Commission

    def commission(self, parts: tuple[Line, ...]) -> _Raw:
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

    def tiered(self, tiers: Tiers, parts: tuple[Line, ...]) -> _Raw:
        ruled = self.ruled(tiers)
        if isinstance(ruled, str):
            return self.missing(ruled, parts)
        rates, instead = ruled
        if not (rates or tiers.points) or any(_empty(tier) for tier in rates):
            return self.missing("the rate table is not complete", parts)
        window = self.window_of(tiers)
        if window is None:
            return self.missing(f"{self.period.label} does not lie in one {tiers.accumulate}", parts)
        if tiers.mode == "per_transaction":
            return self.each(tiers, rates, parts, instead)
        credited = self.basis(self.upto(window))
        inputs: tuple[Line, ...] = (credited, *parts)
        quota, reach = None, self.reach(tiers, self.upto(window), credited)
        if tiers.by == "attainment":
            attained, quota_line, reach = self.attained(tiers, window, credited)
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
            return _Raw(line, exact, self.by_record(tiers, table, credited, Fraction(0)))
        before = self.before(tiers, table, window, quota)
        if before.missing:
            return self.missing(before.note, (to_date, before, *inputs))
        value = int(to_date.number + before.number)
        formula = f"{to_date.text} to date - {value_text(-before.number, self.unit)} earlier in {window.label}"
        line = self.base(value, formula, (to_date, before, *inputs), note)
        now = self.basis(self.period)
        earlier = credited.number - (now.number if not now.missing else 0)
        return _Raw(line, Fraction(value), self.by_record(tiers, table, now, earlier))

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

    def ruled(self, tiers: Tiers) -> tuple[Sequence[Tier], str] | str:
        """The tiers that hold for this person: the table's own, or those of the one override that applies."""
        found = []
        for _, other in self.policy.components():
            if other.kind != "override_rate" or other.of != self.component.id:
                continue
            role = self.who.on(self.period.start).role if self.who.spans else self.who.role
            if (other.role and role not in other.role) or (
                other.valid and not (other.valid.contains(self.period.start))
            ):
                continue
            if other.when is not None:
                condition = self.find(other.when, Type.BOOL)
                if condition.reason:
                    return condition.reason
                if not condition.value:
                    continue
            found.append(other)
        if len(found) > 1:
            first, second = found[0].id, found[1].id
            return f"{first} and {second} both replace the rates of {self.component.id}: the policy must rank them"
        if found:
            rates: Sequence[Tier] = found[0].rates
            return rates, f"rates of {found[0].id} ({found[0].source or found[0].path}) instead of {self.component.id}"
        return tiers.rates, ""

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

    def year_target(self) -> Fraction | str:
        """The component's part of the yearly target incentive, in units."""
        written = self.plan.target_incentive
        if written is None:
            return f"plan {self.plan.id} has no target_incentive"
        found = self.find(written, Type.MONEY)
        if not isinstance(found.value, int | Fraction):
            return found.reason or f"{written.text} is not an amount"
        return Fraction(found.value) * (Fraction(1) if self.component.weight is None else self.component.weight)

    def window_of(self, tiers: Tiers) -> Period | None:
        """The period over which tiers accumulate, or None if this period reaches beyond it."""
        if tiers.accumulate in ("period", self.period.kind):
            return self.period
        try:
            window = self.policy.calendar.period(tiers.accumulate, self.period.start)
        except ValueError:
            return None
        return window if self.period.end <= window.end else None

    def reach(self, tiers: Tiers, period: Period, credited: Line) -> Line:
        """What is looked up in a table by amount or count: the credit itself, or another metric."""
        if tiers.of and tiers.by != "attainment":
            return self.metric(tiers.of, period, "pay")
        if tiers.by == "count":
            return Line("count", "Count", len(credited.records), "count", f"records of {credited.name}", adds=False)
        return credited

    def attained(self, tiers: Tiers, window: Period, credited: Line) -> tuple[Line, Line | None, Line]:
        """Attainment of the quota of the window so far, the quota, and the metric that reaches for it."""
        goal = self.policy.goal(tiers.of)
        if goal is None:
            return attainment(credited, None), None, credited
        own = goal.metric == self.component.basis and tiers.mode == "marginal"
        reach = credited if own else self.metric(goal.metric, self.upto(window))
        if reach == credited:
            reach = credited
        quota = self.world.goal(goal.id, self.who, window)
        metric = self.policy.metrics.get(goal.metric)
        line = attainment(reach, quota, metric.direction if metric else "up")
        if quota is None:
            line = replace(line, note=f"there is no quota {goal.id} for {window.label}")
        return replace(line, adds=False), quota, reach

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

    def before(self, tiers: Tiers, table: Sequence[Band], window: Period, quota: Fraction | None) -> Line:
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
        if credited.missing or reach.missing:
            return replace(line, note=credited.note or reach.note)
        exact = self.table_pays(tiers, table, credited.number, reach.number, quota)
        value = round_units(exact, self.policy.currency)
        return replace(
            line, value=-value, formula=f"{credited.name} {credited.text} earned {value_text(value, self.unit)}"
        )

    def next_step(self, tiers: Tiers, table: Sequence[Band], credited: Line, reach: Line) -> str:
        """How far the next tier is and what it pays."""
        above = next((band for band in table if band.start > reach.number), None)
        if above is None:
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

    def each(self, tiers: Tiers, rates: Sequence[Tier], parts: tuple[Line, ...], instead: str) -> _Raw:
        """单笔: every record looked up on its own; a negative one mirrors the positive. Rounded once, at the end."""
        basis = self.basis(self.period)
        if basis.missing:
            return self.missing(f"{basis.name}: {basis.note}", (basis, *parts))
        quota: Fraction | None = None
        if tiers.by == "attainment":
            found = self.world.goal(tiers.of, self.who, self.period)
            if found is None or found.missing or found.number <= 0:
                return self.missing(f"there is no quota {tiers.of} for {self.period.label}", (basis, *parts))
            quota = found.number
        table = bands(tiers, quota, None, rates)
        pays = []
        for record in basis.records:
            value = Fraction(record.value or 0)
            pays.append(pay(tiers.each, abs(value), table) * (1 if value >= 0 else -1))
        exact = sum(pays, Fraction(0))
        formula = f"{len(pays)} records of {basis.name}, each on its own = {value_text(exact, self.unit)}"
        raw = self.sum(exact, formula, (basis, *parts), instead)
        return replace(raw, weights=self.weighed(basis, pays))

    # Bonus and matrix

    def bonus(self, parts: tuple[Line, ...]) -> _Raw:
        written = self.component.amount
        if written is None:
            return self.of_target(parts)
        amount = self.find(written, Type.MONEY)
        if not isinstance(amount.value, int | Fraction):
            return self.missing(amount.reason or f"{written.text} is not an amount", (*parts, *amount.parts))
        formula = f"{written.text} = {value_text(amount.value, self.unit)}"
        return self.sum(Fraction(amount.value), formula, (*amount.parts, *parts), target=Fraction(amount.value))

    def target(self) -> tuple[Fraction, tuple[Line, ...]] | str:
        """The target of a bonus or matrix in its period, in units: its own, or its part of the target incentive."""
        if self.component.target is not None:
            found = self.find(self.component.target, Type.MONEY)
            if not isinstance(found.value, int | Fraction):
                return found.reason or f"{self.component.target.text} is not an amount"
            weight = Fraction(1) if self.component.weight is None else self.component.weight
            return Fraction(found.value) * weight, found.parts
        if self.component.period not in YEAR_SHARE:
            return f"a {self.component.period} has no share of the yearly target incentive"
        year = self.year_target()
        return year if isinstance(year, str) else (year * YEAR_SHARE[self.component.period], ())

    def of_target(self, parts: tuple[Line, ...]) -> _Raw:
        target = self.target()
        if isinstance(target, str):
            return self.missing("the policy gives no amount" if not self.component.target else target, parts)
        value, inputs = target
        line = Line("target", "Target", value, self.unit, parts=inputs, adds=False)
        tiers = self.component.tiers
        if tiers is None:
            return self.sum(value, f"target {line.text}", (line, *parts), target=value)
        reach, missing = self.reached(tiers)
        if missing or reach is None:
            return self.missing(missing, (line, *parts))
        share, text = self.percent_of(tiers, reach.number)
        exact = share * value if tiers.mode != "amount" else share
        formula = f"target {line.text} × {text} = {value_text(exact, self.unit)}"
        return self.sum(exact, formula, (line, reach, *parts), target=value)

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
            line = attainment(self.metric(goal.metric, self.upto(window)), quota, metric.direction)
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

    def matrix(self, parts: tuple[Line, ...]) -> _Raw:
        """矩阵: the target times the cell that two metrics reach."""
        rows, columns = self.component.rows, self.component.columns
        if rows is None or columns is None:
            return self.missing("the matrix is not complete", parts)
        target = self.target()
        if isinstance(target, str):
            return self.missing(target, parts)
        value, inputs = target
        line = Line("target", "Target", value, self.unit, parts=inputs, adds=False)
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
            line = replace(attainment(line, quota, direction), name=f"attainment({axis.metric})", adds=False)
            if quota is None:
                line = replace(line, note=f"there is no quota {goal.id if goal else ''} for {self.period.label}")
        if line.missing:
            return line, -1
        scale = SCALE if line.unit.startswith("money:") else 1
        return line, sum(line.number >= bound.value * scale for bound in axis.bounds) - 1

    # Spiff and pool

    def spiff(self, parts: tuple[Line, ...]) -> _Raw:
        """专项激励: a sum for each qualifying record, or for each unit of its quantity, by credit share."""
        component = self.component
        each, active = component.pay_each, self.active(self.period)
        if each is None or active is None:
            return self.missing("the policy gives no pay_each", parts)
        table = component.table or f"{(self.plan.credit.event if self.plan.credit else 'order')}s"
        by_day = component.date or _day_of(self.plan.pay.earned_on if self.plan.pay else "signing")
        try:
            facts = self.facts()
            tree = None
            fields = (facts.schema.facts.get(table) or FACTS.facts[table]).fields
            if component.where is not None:
                tree, _ = resolve(component.where.tree, Scope({"id": Type.TEXT, **fields}), Type.BOOL)
        except (ValueError, KeyError, FormulaError) as error:
            return self.missing(f"the records of {table} cannot be read: {error}", parts)
        person = facts.schema.facts[table].person or "person" if table in facts.schema.facts else "person"
        planned = Plan(component.id, component.name, table, "count", None, tree, by_day, person, Type.MONEY)
        holds = evaluator(tree) if tree is not None else (lambda row: True)
        crediting, weights, records = Crediting(self.policy, facts), [], []
        for row in sorted(facts.rows(table, active, by_day), key=lambda r: (str(r.get(by_day)), str(r.get("id")))):
            if not holds(row):
                continue
            count = Fraction(str(row.get("quantity") or 0)) if component.each == "unit" else Fraction(1)
            day = row[by_day]
            assert isinstance(day, date)
            for one in crediting.split(planned, row, each * SCALE * count, day, "pay"):
                if one.person == self.who.key:
                    record = Record(table, one.record, one.label, one.amount)
                    records.append(record)
                    weights.append((record, day, Fraction(one.amount)))
        exact = sum((weight for _, _, weight in weights), Fraction(0))
        what = "record" if component.each == "record" else "unit"
        formula = f"{len(records)} records of {table} × {value_text(each * SCALE, self.unit)} for each {what}"
        raw = self.sum(exact, formula, parts)
        return replace(raw, line=replace(raw.line, records=tuple(records)), weights=tuple(weights))

    def pool(self, parts: tuple[Line, ...]) -> _Raw:
        """团队奖金池: the fund, rounded, cut between the team's members by mixed keys; the parts add up exactly."""
        written = self.component.fund
        if written is None:
            return self.missing("the policy gives no fund", parts)
        fund = self.find(written, Type.MONEY)
        if not isinstance(fund.value, int | Fraction):
            return self.missing(fund.reason or f"{written.text} is not an amount", (*fund.parts, *parts))
        try:
            facts = self.facts()
        except ValueError as error:
            return self.missing(str(error), parts)
        last = date.fromordinal(self.period.end.toordinal() - 1)
        team = self.who.on(last).team or self.who.team
        roles = self.plan.role or self.policy.header.scope.roles
        people = [one for one in members(facts, team, self.period) if one.on(last).role in roles or not roles]
        if self.who.key not in [one.key for one in people]:
            return self.sum(Fraction(0), f"not in a team of the plan on {last}", parts)
        total = round_units(Fraction(fund.value), self.policy.currency)
        shares = self.divided(people)
        if isinstance(shares, str):
            return self.missing(shares, (*fund.parts, *parts))
        cut = allocate(total, shares, minor_unit(self.policy.currency)) if total else [0] * len(people)
        at = [one.key for one in people].index(self.who.key)
        line = Line("fund", "Fund", total, self.unit, written.text, parts=fund.parts, adds=False)
        formula = f"{value_text(shares[at], 'ratio')} of the fund {line.text}, between {len(people)} people"
        return self.sum(Fraction(cut[at]), formula, (line, *parts))

    def divided(self, people: Sequence[Who]) -> list[Fraction] | str:
        """Everybody's share of the fund: each key's shares, mixed by the weights."""
        mix = [Fraction(0)] * len(people)
        for key, weight in (self.component.divide or {"even": Fraction(1)}).items():
            values = [self.key_value(key, one) for one in people]
            if any(value is None for value in values):
                lacking = people[values.index(None)]
                return f"{key} of {lacking.name} is not known"
            known = [max(value, Fraction(0)) for value in values if value is not None]
            whole = sum(known, Fraction(0))
            if not whole:
                return f"{key} is 0 for everybody in the team"
            mix = [so_far + weight * value / whole for so_far, value in zip(mix, known, strict=True)]
        return mix

    def key_value(self, key: str, one: Who) -> Fraction | None:
        if key == "even":
            return Fraction(1)
        if key == "presence":
            start = max(self.period.start, one.hired_on or self.period.start)
            return Fraction(max((min(self.period.end, one.left_on or self.period.end) - start).days, 0))
        if key == "appraisal_score":
            for appraisal in self.policy.appraisal:
                row = self.facts().grade(appraisal.id, one, self.period)
                if row is not None and isinstance(score := row.get("score"), int | Fraction):
                    return Fraction(score)
            return None
        if key == "credit" or key in self.policy.metrics:
            metric = self.component.basis if key == "credit" else key
            line = metric_of(self.policy, self.world, metric, one, self.period, "pay")
            return None if line.missing else line.number
        return None


def by_event(component: Component) -> bool:
    """Whether each record is paid on its own, whatever else happens in the period."""
    tiers = component.tiers
    if component.kind == "spiff":
        return True
    flat = component.kind == "commission" and component.rate is not None and component.when is None
    return flat or (tiers is not None and tiers.mode == "per_transaction")


def _day_of(event: str) -> str:
    return {
        "signing": "signed_on",
        "delivery": "delivered_on",
        "invoice": "invoiced_on",
        "collection": "received_on",
    }.get(event, "closed_on")


def _empty(tier: Tier) -> bool:
    return tier.rate is None and tier.factor is None and tier.amount is None


def _overlaps(one: Span, start: date, end: date) -> bool:
    return one.start < end and (one.end is None or one.end > start)


def _values(parts: Sequence[Line]) -> str:
    return ", ".join(f"{part.name} = {part.text}" for part in parts)

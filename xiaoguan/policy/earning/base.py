"""The lines of an earning, the part of a period in which it is due, and what every kind of component needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, Record, value_text
from xiaoguan.base.money import TooLarge, round_units
from xiaoguan.base.periods import Period, span

from ..document import Component, Dates, IncentivePlan, Policy, Tier, Tiers
from ..formula import Type, unparse
from ..inputs import Inputs
from ..world import Span, Who, World


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
    """A component's line, the sum at each step in units, which records earned it, and what it was before rounding."""

    line: Line
    raw: int = 0
    capped: int = 0
    lots: tuple[Lot, ...] = ()
    exact: Fraction = Fraction(0)

    @property
    def value(self) -> int:
        """The earning in units; 0 where it could not be calculated."""
        return 0 if self.line.missing else int(self.line.number)


@dataclass(frozen=True, slots=True)
class Raw:
    """An earning before cap, gates and multipliers. `exact` is not rounded yet; weights are exact pays by record."""

    line: Line
    exact: Fraction = Fraction(0)
    weights: tuple[tuple[Record, date | None, Fraction], ...] = ()
    target: Fraction | None = None


class Base(Inputs):
    """One component for one person and one of its periods."""

    def __init__(
        self,
        policy: Policy,
        plan: IncentivePlan,
        component: Component,
        who: Who,
        period: Period,
        world: World,
        days: Dates | None = None,
    ) -> None:
        super().__init__(policy, who, period, world)
        self.plan, self.component, self.days = plan, component, days
        self.beside: Sequence[Earned] = ()  # what earlier versions earned in the same period, for one cap over all
        self.before_rounding = Fraction(0)  # what those earned exactly: the sum of all is rounded once
        self.tells = bool(getattr(world, "tells_records", False))  # whether the line says what each record earned
        self.by_lots = self.tells or plan.clawback is not None or plan.pay is not None

    # The steps

    def earned(self) -> Earned | None:
        """The earning under the versions that rule the period, or None where the component is not for this person and
        period at all."""
        asked: Callable[..., Earned | None] | None = getattr(self.world, "earned", None)
        return asked(self.plan.id, self.component.id, self.who, self.period) if asked else self.reckoned()

    def reckoned(self) -> Earned | None:
        """The earning under this version, of its days if they are given."""
        if not self.active(self.period):
            return None
        try:
            raw = self.when()
            return Earned(raw.line) if raw.line.missing else self.limited(raw)
        except TooLarge as error:
            return Earned(self.missing(str(error)).line)

    def when(self) -> Raw:
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

    def kind(self, parts: tuple[Line, ...]) -> Raw:
        """What the component earns by its kind."""
        raise NotImplementedError

    def limited(self, raw: Raw) -> Earned:
        """The earning after cap, gates and multipliers."""
        raise NotImplementedError

    # Lines

    def sum(
        self, exact: Fraction, formula: str, parts: Iterable[Line], note: str = "", target: Fraction | None = None
    ) -> Raw:
        before = self.before_rounding
        value = round_units(before + exact, self.policy.currency) - round_units(before, self.policy.currency)
        rounded = "" if value == exact else f", rounded to {value_text(value, self.unit)}"
        return Raw(self.base(value, formula + rounded, parts, note), Fraction(exact), target=target)

    def missing(self, reason: str, parts: Iterable[Line] = ()) -> Raw:
        return Raw(self.base(None, "", parts, reason))

    def base(self, value: int | None, formula: str, parts: Iterable[Line], note: str) -> Line:
        label = self.component.name or self.component.id
        source = f"{self.policy.clause}, {self.component.source or self.component.path}"
        return Line(self.component.id, label, value, self.unit, formula, source, (), tuple(parts), note)

    def active(self, period: Period) -> list[Period]:
        """The parts of a period in which the person is under the plan and the component is valid."""
        start, end = period.start, period.end
        for days in (self.days, self.component.valid):
            if days is not None:
                start, end = max(start, days.start), min(end, days.end or end)
        if self.who.left_on:
            end = min(end, self.who.left_on)
        if self.who.hired_on:
            start = max(start, self.who.hired_on)
        roles = self.plan.role or self.policy.header.scope.roles
        if self.component.role and self.component.kind != "override_rate":
            roles = self.component.role
        if not (self.who.spans and roles):
            stays = [(start, end)] if not roles or self.who.role in roles else []
        else:
            stays = _stays([one for one in self.who.spans if one.role in roles], start, end)
        whole = (period.start, period.end)
        return [period if one == whole else span(*one) for one in stays if one[0] < one[1]]

    def basis(self, period: Period) -> Line:
        """The pay credit of the component's metric in the active parts of a period."""
        lines = [self.metric(self.component.basis, one, "pay") for one in self.active(period)]
        if not lines:
            metric = self.policy.metrics.get(self.component.basis)
            unit = self.policy.unit_of(self.component.basis)
            return Line(self.component.basis, metric.name if metric else "", 0, unit, "not under the plan", adds=False)
        return joined(lines)

    def weighed(
        self, basis: Line, each: Sequence[Fraction] | None = None
    ) -> tuple[tuple[Record, date | None, Fraction], ...]:
        """Records with the weight by which they share an earning: their exact pay, or what they contributed."""
        if not self.by_lots:
            return ()
        weights = each if each is not None else [Fraction(record.value or 0) for record in basis.records]
        return tuple((record, None, weight) for record, weight in zip(basis.records, weights, strict=True))

    def year_target(self) -> Fraction | str:
        """The component's part of the yearly target incentive, in units."""
        written = self.plan.target_incentive
        if written is None:
            return f"plan {self.plan.id} has no target_incentive"
        found = self.find(written, Type.MONEY)
        if not isinstance(found.value, int | Fraction):
            return found.reason or f"{written.text} is not an amount"
        return Fraction(found.value) * (Fraction(1) if self.component.weight is None else self.component.weight)

    def overrides(self) -> list[Component]:
        every = (other for _, other in self.policy.components())
        return [other for other in every if other.kind == "override_rate" and other.of == self.component.id]

    def ruled(self, tiers: Tiers, day: date) -> tuple[Sequence[Tier], str] | str:
        """The tiers that hold for this person on a day: the table's own, or those of the one override that applies."""
        found = []
        for other in self.overrides():
            role = self.who.on(day).role if self.who.spans else self.who.role
            if (other.role and role not in other.role) or (other.valid and not other.valid.contains(day)):
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

    def window_of(self, tiers: Tiers) -> Period | None:
        """The period over which tiers accumulate, or None if this period reaches beyond it."""
        if tiers.accumulate in ("period", self.period.kind):
            return self.period
        try:
            window = self.policy.calendar.period(tiers.accumulate, self.period.start)
        except ValueError:
            return None
        return window if self.period.end <= window.end else None


def by_event(component: Component) -> bool:
    """Whether each record is paid on its own, whatever else happens in the period."""
    tiers = component.tiers
    if component.kind == "spiff":
        return True
    flat = component.kind == "commission" and component.rate is not None and component.when is None
    return flat or (tiers is not None and tiers.mode == "per_transaction")


def _stays(spans: Sequence[Span], start: date, end: date) -> list[tuple[date, date]]:
    """The stretches of days of the spans between two days; what follows without a gap is one."""
    found: list[tuple[date, date]] = []
    for one in sorted(spans, key=lambda one: one.start):
        first, last = max(one.start, start), min(one.end or end, end)
        if first >= last:
            continue
        if found and found[-1][1] >= first:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def joined(lines: Sequence[Line]) -> Line:
    """One line of a metric over several stretches of days."""
    if len(lines) == 1:
        return lines[0]
    lacking = next((line for line in lines if line.missing), None)
    if lacking is not None:
        return lacking
    total = sum((line.number for line in lines), Fraction(0))
    return replace(
        lines[0],
        value=int(total) if total.denominator == 1 else total,
        formula=f"{len(lines)} stretches of days",
        records=tuple(record for line in lines for record in line.records),
        parts=tuple(part for line in lines for part in line.parts),
    )


def _values(parts: Sequence[Line]) -> str:
    return ", ".join(f"{part.name} = {part.text}" for part in parts)

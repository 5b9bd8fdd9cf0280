"""Cap, gates and multipliers of a component, and which of its records earned what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, Record, value_text
from xiaoguan.base.money import SCALE, minor_unit, round_units, share_rounding
from xiaoguan.base.periods import Period, span

from ..document import Cap, Expression, Gate
from ..formula import Type
from ..training import unpassed
from .base import Base, Earned, Lot, Raw


class Limits(Base):
    """Steps 7 and 8."""

    def limited(self, raw: Raw) -> Earned:
        """Cap, gates, multipliers; each change is a part of the line, so that the parts add up to what is earned."""
        line, unit = raw.line, minor_unit(self.policy.currency)
        first = int(line.number)
        changes: list[Line] = []
        exact, value = raw.exact, first
        cap = self.component.cap
        if cap is not None:
            earlier = self.capped_before(cap.per)
            used, excess = sum(one.capped for one in earlier), sum(one.raw - one.capped for one in earlier)
            most = max(round_units(cap.amount * SCALE, self.policy.currency) - used, 0)
            due = value + (self.carried(cap) if cap.excess == "carry" else 0)
            allowed = min(due, most)
            if cap.excess == "lose" and value < 0:  # what was lost above the cap is taken back first
                allowed = min(value + max(excess, 0), 0)
            if allowed != value:
                shown = f"at most {value_text(most, self.unit)}"
                if due != value:
                    shown += f", {value_text(due - value, self.unit)} carried from before"
                elif value < 0:
                    shown = f"{value_text(allowed - value, self.unit)} of it was above the cap before"
                changes.append(self.change("cap", "Cap", allowed - value, shown))
                value, exact = allowed, Fraction(allowed)
        capped = value
        courses = unpassed(self.policy, self.who, self.period.end, self.world) if value > 0 else ()
        if courses:
            changes.append(self.change("gate", "Gate", -value, f"to be passed first: {', '.join(courses)}"))
            value, exact = 0, Fraction(0)
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
        lots = self.lots(raw, value, unit)
        if self.tells and raw.weights:
            every = (Record(lot.entity, lot.record, lot.label, lot.amount) for lot in lots if lot.record)
            line = replace(line, records=tuple(every))
        return Earned(line, first, capped, lots, raw.exact)

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

    def capped_before(self, per: str) -> list[Earned]:
        """What the component earned before in the span over which its cap runs."""
        window = self.cap_window(per) if per else None
        return [*(self.before_this(window.start) if window else ()), *self.beside]

    def carried(self, cap: Cap) -> int:
        """The excess that has not been paid yet, since the first version that carries it."""
        known: Callable[[str, str], date] | None = getattr(self.world, "carries_since", None)
        since = known(self.plan.id, self.component.id) if known else self.policy.header.effective.start
        earlier = [*self.before_this(since), *self.beside]
        return sum(one.raw for one in earlier) - sum(one.capped for one in earlier)

    def before_this(self, since: date) -> list[Earned]:
        """The earnings of the component's periods from a day to the start of this one."""
        found, at = [], self.policy.calendar.period(self.component.period, since)
        while at.end <= self.period.start:
            one = type(self)(self.policy, self.plan, self.component, self.who, at, self.world).earned()
            if one is not None and not one.line.missing:
                found.append(one)
            at = self.policy.calendar.period(self.component.period, at.end)
        return found

    def cap_window(self, per: str) -> Period | None:
        if per == "valid":
            valid = self.component.valid
            return span(valid.start, valid.end or self.period.end) if valid else None
        return self.policy.calendar.period(per, self.period.start)

    def lots(self, raw: Raw, value: int, unit: int) -> tuple[Lot, ...]:
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

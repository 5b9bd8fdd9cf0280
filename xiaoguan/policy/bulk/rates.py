"""A rate table in whole numbers: bounds times `bound_scale`, rates times `rate_scale`, pay in parts of a unit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from xiaoguan.base.money import SCALE

from ..document import Component, Policy, Tier, Tiers
from ..formula import Literal as Constant
from .dialect import Sql
from .scope import NotBulk, millionths


class Rates:
    """What a component pays for a credit; `scale` parts of pay are one unit.

    narrow   whether 64 bits hold a credit of up to 4 x 10^14 units (40 billion yuan) times the scale. An engine
             refuses what does not fit, it never wraps.
    """

    def __init__(self, policy: Policy, component: Component, sql: Sql) -> None:
        self.component, self.sql = component, sql
        self.tiers, self.rates = self.table(policy)
        self.bound_scale, self.rate_scale = self.scales()
        self.scale = self.bound_scale * self.rate_scale
        self.narrow = self.scale <= 10_000

    def table(self, policy: Policy) -> tuple[Tiers | None, Sequence[Tier]]:
        one = self.component
        if one.kind != "commission":
            raise NotBulk(f"{one.id} is a {one.kind}")
        if one.tiers is None:
            tree = one.rate.tree if one.rate else None
            if not isinstance(tree, Constant) or not isinstance(tree.value, int | Fraction):
                raise NotBulk(f"{one.id} has a rate that is a formula")
            return None, ()
        tiers = one.tiers
        if tiers.mode not in ("marginal", "slab", "per_transaction") or any(t.rate is None for t in tiers.rates):
            raise NotBulk(f"{one.id} has tiers of mode {tiers.mode}, or without rates")
        if tiers.counts_in != "event":
            raise NotBulk(f"{one.id} counts late cash in the period of its sale")
        if tiers.by == "count" or (tiers.of and tiers.by == "amount"):
            raise NotBulk(f"{one.id} looks its tiers up by another number")
        if tiers.by == "attainment":
            goal = policy.goal(tiers.of)
            if goal is None or goal.metric != one.basis:
                raise NotBulk(f"{one.id} looks its tiers up by the attainment of another metric")
            if policy.metrics[goal.metric].direction == "down":
                raise NotBulk(f"{one.id} looks its tiers up by a metric of which less is better")
            if tiers.mode == "per_transaction":
                raise NotBulk(f"{one.id} looks up single records by attainment")
        return tiers, tiers.rates

    def scales(self) -> tuple[int, int]:
        """The smallest whole numbers that make the bounds and the rates whole."""
        rates = [tier.rate or Fraction(0) for tier in self.rates] or [self.flat]
        bounds = [tier.start.value for tier in self.rates] if self.by_quota else []
        for value in (*rates, *bounds):
            millionths(value, "a rate or bound")
        return lcm(*(value.denominator for value in bounds)), lcm(*(value.denominator for value in rates))

    @property
    def by_quota(self) -> bool:
        return self.tiers is not None and self.tiers.by == "attainment"

    @property
    def mode(self) -> str:
        """flat, marginal, slab or per_transaction."""
        return self.tiers.mode if self.tiers else "flat"

    @property
    def flat(self) -> Fraction:
        """The one rate of a component without tiers."""
        tree = self.component.rate.tree if self.component.rate else None
        assert isinstance(tree, Constant) and isinstance(tree.value, int | Fraction)
        return Fraction(tree.value)

    def number(self, text: str) -> str:
        """A credit or quota as wide as it must be to be multiplied by the scale."""
        return self.sql.money(text) if self.narrow else self.sql.big(text)

    def exactly(self, text: str) -> str:
        """As wide as exact earnings are."""
        return self.sql.money(text) if self.narrow else self.sql.big(text)

    @property
    def by_place(self) -> bool:
        """Whether what a record weighs depends on what was credited before it."""
        return self.mode == "marginal"

    def weight(self, before: str) -> str:
        """The weight by which a record shares its month's earning: its exact pay, or in slab tables its credit."""
        if self.mode == "slab":
            return "credit"
        if self.mode == "per_transaction":
            return self.transaction()
        if self.mode == "flat":
            return self.pays("credit", "reach")
        return f"{self.pays(f'({before} + credit)', 'reach')} - {self.pays(before, 'reach')}"

    def straight(self, low: str, high: str, quota: str) -> str:
        """What a unit of credit pays in a table by tiers of which the one that holds `low` also holds `high`, else
        NULL; 0 below the first, and where there is no quota."""
        low, high = (f"{self.number(one)} * {self.bound_scale}" for one in (low, high))
        bounds = [self.bound(tier, quota) for tier in self.rates]
        steps = [f"WHEN {high} < {bounds[0]} THEN 0"]
        for i, tier in enumerate(self.rates):
            below = f" AND {high} < {bounds[i + 1]}" if i + 1 < len(bounds) else ""
            rate = int((tier.rate or Fraction(0)) * self.rate_scale) * self.bound_scale
            steps.append(f"WHEN {low} >= {bounds[i]}{below} THEN {rate}")
        none = f"WHEN {quota} IS NULL THEN 0 " if self.by_quota else ""
        return self.sql.money(f"CASE {none}{' '.join(steps)} END")

    def pays(self, credit: str, quota: str) -> str:
        """P(credit) in 1/scale units."""
        value = f"{self.number(credit)} * {self.bound_scale}"
        if self.tiers is None:
            return f"({value}) * {int(self.flat * self.rate_scale)}"
        mode = self.tiers.each if self.tiers.mode == "per_transaction" else self.tiers.mode
        rates = [int((tier.rate or Fraction(0)) * self.rate_scale) for tier in self.rates]
        bounds = [self.bound(tier, quota) for tier in self.rates]
        if mode == "slab":
            steps = [f"WHEN ({value}) >= {b} THEN {r}" for b, r in reversed(list(zip(bounds, rates, strict=True)))]
            return f"({value}) * CASE {' '.join(steps)} ELSE 0 END"
        parts = []
        for i, (bound, rate) in enumerate(zip(bounds, rates, strict=True)):
            upper = f"least({value}, {bounds[i + 1]})" if i + 1 < len(bounds) else f"({value})"
            if rate:
                parts.append(f"{rate} * greatest(0, {upper} - {bound})")
        return f"({' + '.join(parts) or '0'})"

    def tier(self, credit: str, quota: str) -> str:
        """Which tier a credit reaches, counted from 1; 0 below the first or without tiers."""
        value = f"{self.number(credit)} * {self.bound_scale}"
        bounds = [self.bound(tier, quota) for tier in self.rates]
        steps = [f"WHEN {value} >= {bound} THEN {i}" for i, bound in reversed(list(enumerate(bounds, 1)))]
        return f"CAST(CASE {' '.join(steps or ['WHEN credit IS NULL THEN 0'])} ELSE 0 END AS TINYINT)"

    def bound(self, tier: Tier, quota: str) -> str:
        if self.by_quota:
            return f"{self.number(quota)} * {int(tier.start.value * self.bound_scale)}"
        units = tier.start.value * SCALE
        if units.denominator != 1:
            raise NotBulk(f"a bound of {self.component.id} has more than four decimals")
        return str(int(units) * self.bound_scale)

    def transaction(self) -> str:
        """What one record pays on its own; a negative one mirrors the positive."""
        return f"CASE WHEN credit < 0 THEN -1 ELSE 1 END * {self.pays('abs(credit)', '')}"

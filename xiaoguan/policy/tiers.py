"""费率表 rate tables: tiers as bands, curves, and what they pay.

Bands are half-open [start, end): a value on the boundary takes the upper band. A bound by attainment is multiplied by
the quota, so nothing is divided.

    marginal       P(x) = sum of rate x max(0, min(x, end) - start)
    slab           P(x) = rate of the band reached x all of x
    amount         the sum of the band reached
    interpolated   the value of a broken line at x; where two points share an x, the later one holds there
Source: spec/domain.md 5.3 and 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from xiaoguan.base.explain import value_text
from xiaoguan.base.money import SCALE

from .document import Point, Tier, Tiers


@dataclass(frozen=True, slots=True)
class Band:
    """A tier from start up to end, None for no limit; units of money by amount and attainment, a number by count.

    rate     share of the credit; amount in units, for tables that pay sums.
    """

    start: Fraction
    end: Fraction | None
    rate: Fraction
    text: str
    amount: Fraction = Fraction(0)


def bands(
    tiers: Tiers,
    quota: Fraction | int | None = None,
    base_rate: Fraction | None = None,
    rates: Sequence[Tier] | None = None,
) -> list[Band]:
    """The tiers as bands, in order; bounds by attainment times the quota (units or count).

    base_rate   what a tier's factor is a factor of. rates   other tiers than the table's own (override_rate).
    """
    table = rates or tiers.rates
    starts = [_bound(tier.start.value, tiers, quota) for tier in table]
    texts = [_shown(tier.start.value, tiers) for tier in table]
    found = []
    for i, (tier, start) in enumerate(zip(table, starts, strict=True)):
        last = i + 1 == len(table)
        end, text = (None, f"from {texts[i]}") if last else (starts[i + 1], f"{texts[i]} to {texts[i + 1]}")
        rate = tier.rate if tier.rate is not None else (tier.factor or Fraction(0)) * (base_rate or Fraction(0))
        found.append(Band(start, end, rate, text, (tier.amount or Fraction(0)) * SCALE))
    return found


def top(tiers: Tiers, rates: Sequence[Tier] | None = None) -> Fraction:
    """The last bound or point of a table: beyond it nothing changes."""
    starts = [tier.start.value for tier in rates or tiers.rates]
    return max([*starts, *(point.x.value for point in tiers.points)], default=Fraction(0))


def _bound(value: Fraction, tiers: Tiers, quota: Fraction | int | None) -> Fraction:
    if tiers.by == "attainment":
        return value * Fraction(quota or 0)
    return value * SCALE if tiers.by == "amount" else value


def _shown(value: Fraction, tiers: Tiers) -> str:
    if tiers.by == "attainment":
        return value_text(value, "ratio")
    return value_text(value * SCALE, "money:") if tiers.by == "amount" else value_text(value, "count")


def marginal(credited: Fraction | int, table: Sequence[Band]) -> list[tuple[Band, Fraction]]:
    """超额累进: the part of the credit inside each band it reaches; each earns that band's rate."""
    parts = []
    for band in table:
        if credited > band.start:
            upper = credited if band.end is None or credited < band.end else band.end
            parts.append((band, upper - band.start))
    return parts


def slab(reach: Fraction | int, table: Sequence[Band]) -> Band | None:
    """全额累进: the band that a value reaches (a value on the boundary takes the upper band), None below the first."""
    reached = [band for band in table if band.start <= reach]
    return reached[-1] if reached else None


def pay(mode: str, credited: Fraction | int, table: Sequence[Band], reach: Fraction | int | None = None) -> Fraction:
    """What a table pays for a credit, exactly. `reach` decides the slab where it is not the credit itself."""
    if mode == "marginal":
        return sum((part * band.rate for band, part in marginal(credited, table)), Fraction(0))
    band = slab(credited if reach is None else reach, table)
    if band is None:
        return Fraction(0)
    return band.amount if mode == "amount" else credited * band.rate


def curve(x: Fraction, points: Sequence[Point], outside: str = "hold") -> Fraction:
    """The value of a broken line at x. Below the first and above the last point: hold, zero, or extend the last leg.

    Where two points share an x the line jumps, and the later one holds at x.
    """
    xs = [point.x.value for point in points]
    ys = [point.y.value for point in points]
    at = max((i for i, value in enumerate(xs) if value <= x), default=-1)
    if at == -1:
        return Fraction(0) if outside == "zero" else _leg(x, xs, ys, 0) if outside == "extend" else ys[0]
    if xs[at] == x:
        return ys[at]
    if at < len(xs) - 1:
        return _leg(x, xs, ys, at)
    return Fraction(0) if outside == "zero" else _leg(x, xs, ys, at - 1) if outside == "extend" else ys[at]


def _leg(x: Fraction, xs: Sequence[Fraction], ys: Sequence[Fraction], at: int) -> Fraction:
    """The straight line through two neighbouring points, at x; flat where there is only one point or it is a cliff."""
    if not 0 <= at < len(xs) - 1 or xs[at + 1] == xs[at]:
        return ys[max(0, min(at, len(ys) - 1))]
    return ys[at] + (x - xs[at]) * (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at])


def steps(x: Fraction, points: Sequence[Point]) -> Fraction | None:
    """The value of the last point at or below x; None below the first."""
    reached = [point.y.value for point in points if point.x.value <= x]
    return reached[-1] if reached else None

"""费率表 rate tables: tiers as bands of money, and what they pay.

Bands are half-open [start, end): a value on the boundary takes the upper band. A bound by attainment is multiplied by
the quota, so nothing is divided.

    marginal   P(x) = sum of rate x max(0, min(x, end) - start)
    slab       P(x) = rate of the band reached x all of x
Source: spec/domain.md 5.3 and 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from xiaoguan.base.explain import value_text
from xiaoguan.base.money import SCALE

from .document import Tiers


@dataclass(frozen=True, slots=True)
class Band:
    """A tier in money: from start (units) up to end, None for no limit, at a rate."""

    start: Fraction
    end: Fraction | None
    rate: Fraction
    text: str


def bands(tiers: Tiers, quota: Fraction | int | None = None) -> list[Band]:
    """The tiers as money, in order; bounds by attainment times the quota (units)."""
    found = []
    for tier, upper in zip(tiers.rates, [*tiers.rates[1:], None], strict=True):
        start, end = (_bound(one.start.value, tiers, quota) if one else None for one in (tier, upper))
        texts = [_shown(one.start.value, tiers) if one else "" for one in (tier, upper)]
        text = f"{texts[0]} to {texts[1]}" if upper else f"from {texts[0]}"
        assert start is not None
        found.append(Band(start, end, tier.rate or Fraction(0), text))
    return found


def _bound(value: Fraction, tiers: Tiers, quota: Fraction | int | None) -> Fraction:
    return value * Fraction(quota or 0) if tiers.by == "attainment" else value * SCALE


def _shown(value: Fraction, tiers: Tiers) -> str:
    return value_text(value, "ratio") if tiers.by == "attainment" else value_text(value * SCALE, "money:")


def marginal(credited: Fraction | int, table: Sequence[Band]) -> list[tuple[Band, Fraction]]:
    """超额累进: the part of the credit inside each band it reaches; each earns that band's rate."""
    parts = []
    for band in table:
        upper = Fraction(credited) if band.end is None else min(Fraction(credited), band.end)
        if upper > band.start:
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
    return credited * band.rate if band else Fraction(0)

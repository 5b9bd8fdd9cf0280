"""What the rulebook reads of orders beside the facts: recorded splits, and the rates of currencies."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import Any

from xiaoguan.policy.formula import Row
from xiaoguan.rulebook.facts import SOME
from xiaoguan.sales.models import ExchangeRate, Order, Split


def any_splits() -> bool:
    """Whether any split is recorded."""
    return Split.objects.exists()


def splits_of(orders: Collection[str]) -> Iterator[Row]:
    """The recorded splits of orders (ids as text), in a fixed order: share is a fraction of one.

    What direct shares leave of an order is a share of its owner.
    """
    keys = sorted(map(int, orders))
    for at in range(0, len(keys), SOME):
        found = Split.objects.filter(order_id__in=keys[at : at + SOME]).order_by("order_id", "id")
        for order, rows in groupby(found.select_related("order"), key=lambda one: one.order):
            shares = [_row(order, s.person_id, Fraction(s.share), s.counts, s.kind, s.reason or "split") for s in rows]
            yield from shares
            for purpose in ("attainment", "pay"):
                direct = (s["share"] for s in shares if s["kind"] == "direct" and purpose in s["counts"])
                if (left := 1 - sum(direct, Fraction(0))) > 0:
                    yield _row(order, order.owner_id, left, purpose, "direct", "owner")


def _row(order: Order, person: int | None, share: Fraction, counts: str, kind: str, reason: str) -> dict[str, Any]:
    return {
        "table": "orders",
        "record": str(order.pk),
        "person": "" if person is None else str(person),
        "share": share,
        "counts": tuple(counts.split()),
        "kind": kind,
        "reason": reason,
    }


def rates_between(base: str, quote: str, start: date, end: date) -> Iterator[tuple[str, date, Fraction]]:
    """Rates of [start, end) by day: kind, day, units of `quote` for one of `base`."""
    rows = ExchangeRate.objects.filter(base=base, quote=quote, on__gte=start, on__lt=end).order_by("on", "kind")
    for kind, on, rate in rows.values_list("kind", "on", "rate"):
        yield kind, on, Fraction(rate)

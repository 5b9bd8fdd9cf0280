"""Pages that continue from the last row seen, and counts that stop at 10,000.

Bounding the sort key first and the tie-break second, `key <= v AND (key < v OR id < n)`, lets an index serve the page
at any depth; the same rule as one OR reads everything before it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db.models import F, Q, QuerySet

COUNT_LIMIT = 10_000


@dataclass(frozen=True)
class Order:
    """One sort key with its direction; ties are broken by id in the same direction."""

    orm: str
    descending: bool
    nullable: bool

    def by(self) -> list[Any]:
        if not self.nullable:
            sign = "-" if self.descending else ""
            return [f"{sign}{self.orm}", f"{sign}pk"] if self.orm not in ("pk", "id") else [f"{sign}pk"]
        key = F(self.orm).desc(nulls_last=True) if self.descending else F(self.orm).asc(nulls_last=True)
        return [key, "-pk" if self.descending else "pk"]

    def after(self, value: Any, pk: int) -> Q:
        """The rows that come after the one with this key and id."""
        less = "lt" if self.descending else "gt"
        tie = Q(**{f"pk__{less}": pk})
        if self.orm in ("pk", "id"):
            return tie
        if value is None:
            return Q(**{f"{self.orm}__isnull": True}) & tie
        bound = Q(**{f"{self.orm}__{less}e": value}) & (Q(**{f"{self.orm}__{less}": value}) | tie)
        return bound | Q(**{f"{self.orm}__isnull": True}) if self.nullable else bound


def encode(value: Any, pk: int) -> str:
    if isinstance(value, Decimal):
        value = {"d": format(value, "f")}
    elif isinstance(value, datetime):
        value = {"t": value.isoformat()}
    elif isinstance(value, date):
        value = {"o": value.isoformat()}
    return base64.urlsafe_b64encode(orjson.dumps([value, pk])).decode().rstrip("=")


def decode(cursor: str) -> tuple[Any, int]:
    """The key and id that `encode` wrote. Raises ValueError for anything else."""
    try:
        value, pk = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(value, dict):
            [(tag, text)] = value.items()
            value = {"d": Decimal, "t": datetime.fromisoformat, "o": date.fromisoformat}[tag](text)
        return value, int(pk)
    except (ValueError, TypeError, KeyError, binascii.Error, ArithmeticError) as error:
        raise ValueError("this is not a page marker of this list; open the list again") from error


def page_ids(rows: QuerySet, order: Order, size: int, cursor: str = "") -> tuple[list[int], str]:
    """The ids of one page in order, and the marker of the next page ("" on the last)."""
    if cursor:
        rows = rows.filter(order.after(*decode(cursor)))
    found = list(rows.order_by(*order.by()).values_list("pk", order.orm)[: size + 1])
    more = len(found) > size
    found = found[:size]
    return [pk for pk, _key in found], encode(found[-1][1], found[-1][0]) if more else ""


def count(rows: QuerySet, limit: int = COUNT_LIMIT) -> tuple[int, bool]:
    """How many rows, reading at most `limit` + 1; the flag says that there are more."""
    found = rows.order_by()[: limit + 1].count()
    return min(found, limit), found > limit

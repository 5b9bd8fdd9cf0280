"""Pages that continue from the last row seen, and counts that stop at 10,000.

Bounding the sort key first and the tie-break second, `key <= v AND (key < v OR id < n)`, lets an index serve the page
at any depth; the same rule as one OR reads everything before it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from xiaoguan.desk.access import Branches

COUNT_LIMIT = 10_000


@dataclass(frozen=True)
class Order:
    """One sort key with its direction, then further ones; ties are broken by id in the direction of the first."""

    orm: str
    descending: bool
    nullable: bool
    then: tuple[Order, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.orm, *(order.orm for order in self.then))

    def by(self) -> list[Any]:
        tie = [] if self.orm in ("pk", "id") else ["-pk" if self.descending else "pk"]
        return [order._key() for order in (self, *self.then)] + tie

    def _key(self) -> Any:
        if self.orm in ("pk", "id"):
            return "-pk" if self.descending else "pk"
        if not self.nullable:
            return f"-{self.orm}" if self.descending else self.orm
        return F(self.orm).desc(nulls_last=True) if self.descending else F(self.orm).asc(nulls_last=True)

    def after(self, value: Any, pk: int) -> Q:
        """The rows that come after the one with this key (a list of keys if there are several) and id."""
        values = value if self.then else [value]
        if not isinstance(values, list) or len(values) != 1 + len(self.then):
            raise ValueError(_("This page marker belongs to another sort; open the list again."))
        found = Q(**{f"pk__{self._less}": pk})
        for order, one in reversed(list(zip((self, *self.then), values, strict=True))):
            found = order._beyond(one, found)
        return found

    @property
    def _less(self) -> str:
        return "lt" if self.descending else "gt"

    def _beyond(self, value: Any, tie: Q) -> Q:
        """Beyond this value, or at it and then as `tie` says. The key is bounded first, so that an index serves it."""
        less = self._less
        if self.orm in ("pk", "id"):
            return tie
        if value is None:
            return Q(**{f"{self.orm}__isnull": True}) & tie
        bound = Q(**{f"{self.orm}__{less}e": value}) & (Q(**{f"{self.orm}__{less}": value}) | tie)
        return bound | Q(**{f"{self.orm}__isnull": True}) if self.nullable else bound


def encode(value: Any, pk: int) -> str:
    plain = [_packed(v) for v in value] if isinstance(value, list) else _packed(value)
    return base64.urlsafe_b64encode(orjson.dumps([plain, pk])).decode().rstrip("=")


def _packed(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"d": format(value, "f")}
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    return {"o": value.isoformat()} if isinstance(value, date) else value


def _unpacked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    [(tag, text)] = value.items()
    return {"d": Decimal, "t": datetime.fromisoformat, "o": date.fromisoformat}[tag](text)


def decode(cursor: str) -> tuple[Any, int]:
    """The key (or list of keys) and id that `encode` wrote. Raises ValueError for anything else."""
    try:
        value, pk = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_unpacked(v) for v in value] if isinstance(value, list) else _unpacked(value), int(pk)
    except (ValueError, TypeError, KeyError, binascii.Error, ArithmeticError) as error:
        raise ValueError(_("This is no page marker of this list; open the list again.")) from error


def page_ids(
    rows: QuerySet, order: Order, size: int, cursor: str = "", branches: Branches | None = None, plain: bool = False
) -> tuple[list[int], str]:
    """The ids of one page in order, and the marker of the next page ("" on the last).

    branches    whose rows to take, of each person the first ones by index, then merged.
    plain       `rows` are all of their model, unfiltered: the statement of a first page is made once and kept.
    """
    keep = (rows.model, order, size, connection.vendor) if plain and not cursor and not order.then else None
    if cursor:
        try:
            rows = rows.filter(order.after(*decode(cursor)))
        except (ValidationError, TypeError) as error:
            raise ValueError(_("This page marker belongs to another sort; open the list again.")) from error
    rows = rows.order_by(*order.by()).values_list("pk", *order.keys)
    if branches:
        found = _merged(rows, branches, order, size + 1, keep)
    elif keep:
        found = _typed(rows, order, *_statement(rows, size + 1, keep))
    else:
        found = list(rows[: size + 1])
    more = len(found) > size
    found = found[:size]
    last = found[-1] if more else ()
    return [row[0] for row in found], encode(list(last[1:]) if order.then else last[1], last[0]) if more else ""


STAND_IN = 2**62 - 57  # no record has this id; it marks where each person's id belongs
_statements: dict[tuple, tuple[str, tuple]] = {}


def _statement(rows: QuerySet, size: int, keep: tuple | None) -> tuple[str, tuple]:
    """The statement of the first `size` rows and its values, from what was kept if there is a name to keep it by."""
    if keep is None:
        return rows[:size].query.sql_with_params()
    if keep not in _statements:
        _statements[keep] = rows[:size].query.sql_with_params()
    return _statements[keep]


def _typed(rows: QuerySet, order: Order, sql: str, params: Sequence[Any]) -> list[tuple[int, Any]]:
    """Rows of a statement with the sort key as the ORM would give it."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchall()
    field = rows.model._meta.get_field(order.orm) if "__" not in order.orm and order.orm != "pk" else None
    if convert := getattr(field, "from_db_value", None):
        return [(pk, convert(key, None, connection)) for pk, key in found]
    if found and isinstance(found[0][1], datetime) and found[0][1].tzinfo is None:  # SQLite keeps UTC without saying so
        return [(pk, key.replace(tzinfo=UTC)) for pk, key in found]
    return found


def _merged(rows: QuerySet, branches: Branches, order: Order, size: int, keep: tuple | None) -> list[tuple[int, Any]]:
    """The first rows of the union of the branches, each of which the database may stop after `size` rows.

    The statement of one person is made once. SQLite takes it once for each; PostgreSQL, which would plan each, once for
    all.
    """
    parts: list[str] = []
    params: list[Any] = []
    sql, values = _statement(rows.filter(**{branches.field: STAND_IN}), size, keep and (*keep, branches.field))
    if connection.vendor == "postgresql":
        sql = sql % tuple("people.id" if value == STAND_IN else "%s" for value in values)
        parts.append(f"SELECT b.* FROM unnest(%s::bigint[]) AS people (id) CROSS JOIN LATERAL ({sql}) AS b")
        params = [list(branches.people), *(value for value in values if value != STAND_IN)]
    else:
        for person in branches.people:
            parts.append(sql)
            params.extend(person if value == STAND_IN else value for value in values)
    if branches.nobody_too:
        empty = rows.filter(**{f"{branches.field}__isnull": True})
        sql, values = _statement(empty, size, keep and (*keep, branches.field, None))
        parts.append(sql)
        params.extend(values)
    union = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS b{n}" for n, sql in enumerate(parts))
    way = "DESC" if order.descending else "ASC"
    # Ordered where they lie: the rows that do not make the page never become Python.
    return _typed(rows, order, f"SELECT * FROM ({union}) AS u ORDER BY 2 {way}, 1 {way} LIMIT {size}", params)


def count(rows: QuerySet, branches: Branches | None = None, plain: bool = False) -> tuple[int, bool]:
    """How many rows, reading at most one more than COUNT_LIMIT; the flag says that there are more.

    branches, plain    as in `page_ids`.
    """
    rows = rows.order_by()
    if not plain:
        found = rows[: COUNT_LIMIT + 1].count()
        return min(found, COUNT_LIMIT), found > COUNT_LIMIT
    keep: tuple[Any, ...] = (rows.model, connection.vendor)
    people = (STAND_IN,)
    if branches:
        theirs = Q(**{f"{branches.field}__in": [STAND_IN]})
        rows = rows.filter(theirs | Q(**{f"{branches.field}__isnull": True}) if branches.nobody_too else theirs)
        keep, people = (*keep, branches.field, branches.nobody_too), branches.people
    sql, values = _statement(rows.values("pk"), COUNT_LIMIT + 1, keep)
    sql = sql.replace("IN (%s)", f"IN ({', '.join(['%s'] * len(people))})")
    params = [p for value in values for p in (people if value == STAND_IN else (value,))]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({sql}) AS c", params)
        [found] = cursor.fetchone()
    return min(found, COUNT_LIMIT), found > COUNT_LIMIT

"""Statements that are made once and asked again and again: what is shown of records whose ids are known.

To make such a statement through the ORM costs more than its answer; so does planning one with two joins on PostgreSQL.
There it is planned once a connection, and its values come in binary: days and moments as text cost Python as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count
from threading import Thread
from typing import Any

from django.db import connection, models

PREPARED_AFTER = 2
"""So often PostgreSQL is asked before it keeps the plan: pages that nobody opens twice leave none."""
_numbers = count(1)


@cache
def _postgresql() -> tuple[Any, Any]:
    """A cursor of values in binary, and its reader of JSON; imported where PostgreSQL is in use."""
    from psycopg import Cursor
    from psycopg.adapt import Loader
    from psycopg.pq import Format

    class Kept(Cursor[Any]):
        def __init__(self, link: Any):
            super().__init__(link)
            self.format = Format.BINARY

    class Json(Loader):
        format = Format.BINARY

        def load(self, data: Any) -> str:
            """As text, which is how the ORM wants it; before it stands the number of its version."""
            return bytes(data)[1:].decode()

    return Kept, Json


@contextmanager
def kept_cursor() -> Iterator[Any]:
    """A cursor for statements whose text is always the same. PostgreSQL keeps their plans; many ids are one text."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            yield cursor
        return
    kept, json = _postgresql()
    connection.ensure_connection()
    link = connection.connection
    if link.prepare_threshold is None:  # Django switches it off; its own cursors never prepare
        link.prepare_threshold = PREPARED_AFTER
        link.adapters.register_loader("jsonb", json)
    # Django's own wrapper, which counts queries and translates errors; there is no public way to it.
    with connection._prepare_cursor(kept(link)) as cursor:  # type: ignore[attr-defined]
        yield cursor


class Behind:
    """A block in which PostgreSQL works on a long statement while Python makes what comes next.

    There is one such statement at a time; any other one of the connection begins after it. What goes wrong is raised by
    the next `wait`, at the latest at the end of the block. SQLite works at once.
    """

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Behind:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: Any) -> None:
        if kind is None:
            self.wait()
        elif self._thread:
            self._thread.join()

    def run(self, sql: str, values: Sequence[Any]) -> None:
        """Ask for this; a COPY must not begin before `wait`."""
        if connection.vendor != "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
            return
        self.wait()
        connection.ensure_connection()
        self._thread = Thread(target=self._work, args=(connection.connection, sql, values))
        self._thread.start()

    def _work(self, link: Any, sql: str, values: Sequence[Any]) -> None:
        try:
            with _postgresql()[0](link) as cursor:
                cursor.execute(sql, values, prepare=False)
        except BaseException as error:
            self._error = error

    def wait(self) -> None:
        """Until the statement is done. Raises what it raised."""
        if self._thread:
            self._thread.join()
        self._thread, error, self._error = None, self._error, None
        if error:
            with connection.wrap_database_errors:
                raise error


def listed(ids: Iterable[int]) -> str:
    """Ids as one parameter of a statement."""
    return f"{{{','.join(map(str, ids))}}}"


class Shown:
    """What `names` (paths of the ORM) say of records of one model, the id first."""

    def __init__(self, model: type[models.Model], names: Sequence[str]):
        query = model._default_manager.filter(pk__in=[0]).order_by().values_list("pk", *names).query
        compiler = query.get_compiler(connection=connection)
        sql, values = compiler.as_sql()
        self._head, hole, rest = sql.rpartition(" IN (%s)")
        assert hole and not rest and values == (0,), sql
        # A number of its own: where a company gave a column another type, the plan of before would not do.
        self._head = f"/* {next(_numbers)} */ {self._head}"
        self._converters = [
            (at, convert, expression)
            for at, (converters, expression) in compiler.get_converters([s for s, _sql, _as in compiler.select]).items()
            for convert in converters
        ]

    def stored(self, ids: Sequence[int]) -> dict[int, Sequence[Any]]:
        """{id: values} as the driver gives them."""
        if not ids:
            return {}
        with kept_cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"{self._head} = ANY(%s::bigint[])", [listed(ids)])
            else:
                cursor.execute(f"{self._head} IN ({', '.join(['%s'] * len(ids))})", list(ids))
            return {row[0]: row for row in cursor.fetchall()}

    def rows(self, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        """The values in the order of the ids, as the ORM gives them; without those that are not there."""
        found = self.stored(ids)
        if not self._converters:
            return [tuple(found[pk]) for pk in ids if pk in found]
        rows = []
        for pk in ids:
            if pk in found:
                row = list(found[pk])
                for at, convert, expression in self._converters:
                    row[at] = convert(row[at], expression, connection)
                rows.append(tuple(row))
        return rows

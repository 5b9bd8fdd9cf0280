"""SQLite chooses an index by what ANALYZE counted, counts nothing by itself, and forgets a table that a migration makes
anew: after migrations and every night what has grown is counted. PostgreSQL does that by itself."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy, ngettext

from xiaoguan.desk.jobs import Running, every

LEAST = 5_000
"""Of fewer rows any index will do."""


def analyse(**kwargs: Any) -> list[str]:
    """Count the tables that nothing is known of, or that hold twice as much as when they were counted; which they are.
    Nobody can write while one is counted, a second or two for a million rows."""
    if connection.vendor != "sqlite":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
        known: dict[str, int] = {}
        if cursor.fetchone():
            cursor.execute("SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl")
            known = dict(cursor.fetchall())
        grown = [
            table
            for table in connection.introspection.django_table_names(only_existing=True)
            if _rows(cursor, table) > max(LEAST, 2 * known.get(table, 0))
        ]
        for table in grown:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")
    return grown


def _rows(cursor: Any, table: str) -> int:
    """The greatest number of a row, which costs nothing: at least as many as there are."""
    cursor.execute(f"SELECT max(rowid) FROM {connection.ops.quote_name(table)}")
    return int(cursor.fetchone()[0] or 0)


@every("day", at="03:40", title=gettext_lazy("Count tables that have grown"))
def analyse_grown(running: Running) -> dict[str, Any]:
    """The nightly count."""
    grown = analyse()
    return {
        "summary": lambda: ngettext("%(n)d table counted.", "%(n)d tables counted.", len(grown)) % {"n": len(grown)}
    }

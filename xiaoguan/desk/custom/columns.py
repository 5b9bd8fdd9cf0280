"""Columns and tables of what a company added, in both databases, and keeping them when a migration remakes a table.

SQLite changes a table by making it anew from the models of the migrations, which know nothing of these columns: they
are kept beside it while migrations run and put back afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, models

KEPT = "x_kept_"


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _settled() -> list[str]:
    """PostgreSQL changes no table on whose rows it still has to check relations at the end of the transaction."""
    if connection.vendor != "postgresql" or not connection.in_atomic_block:
        return []
    return ["SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED"]


def columns_of(table: str) -> set[str]:
    with connection.cursor() as cursor:
        return {column.name for column in connection.introspection.get_table_description(cursor, table)}


def tables() -> set[str]:
    return set(connection.introspection.table_names())


def add(table: str, field: models.Field[Any, Any]) -> None:
    """The column of a field, if it is not there. Costs the same for ten rows as for ten million."""
    if field.column in columns_of(table):
        return
    end = " NULL" if field.null else f" NOT NULL DEFAULT {'false' if connection.vendor == 'postgresql' else '0'}"
    if field.is_relation:
        other = field.related_model._meta
        end += f" REFERENCES {quoted(other.db_table)} ({quoted(other.pk.column)}) DEFERRABLE INITIALLY DEFERRED"
    sql = f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(field.column)} {field.db_type(connection)}{end}"
    _run(*_settled(), sql)


def index_name(table: str, column: str) -> str:
    return f"{table}_{column}"[:63]


def index(table: str, field: models.Field[Any, Any], wanted: bool) -> None:
    """Make the index of a column as it is wanted: none, a plain one, or a unique one."""
    name = quoted(index_name(table, field.column))
    drop = f"DROP INDEX IF EXISTS {name}"
    if not (wanted or field.unique or field.is_relation):
        _run(*_settled(), drop)
        return
    kind = "UNIQUE INDEX" if field.unique else "INDEX"
    _run(*_settled(), drop, f"CREATE {kind} {name} ON {quoted(table)} ({quoted(field.column)})")


def drop(table: str, column: str) -> None:
    """The column and what it holds are gone for good."""
    if column in columns_of(table):
        _run(
            *_settled(),
            f"DROP INDEX IF EXISTS {quoted(index_name(table, column))}",
            f"ALTER TABLE {quoted(table)} DROP COLUMN {quoted(column)}",
        )


def create(model: type[models.Model]) -> None:
    """The table of an entity with its indexes, if it is not there."""
    if model._meta.db_table in tables():
        return
    editor = connection.schema_editor()
    editor.deferred_sql = []  # not entered: SQLite refuses that inside of a transaction, and nothing is remade here
    for statement in _settled():
        editor.execute(statement)
    editor.create_model(model)
    for statement in editor.deferred_sql:
        editor.execute(statement)


def drop_table(table: str) -> None:
    _run(*_settled(), f"DROP TABLE IF EXISTS {quoted(table)}")


# Over a migration


def keep(wanted: dict[str, list[str]]) -> None:
    """Copy these columns of each table aside: {table: columns}. What is gone already stays as it was kept before."""
    there = tables()
    for table, names in wanted.items():
        if table not in there:
            continue
        present = sorted(set(names) & columns_of(table))
        if present:
            columns = ", ".join(["id", *map(quoted, present)])
            aside = quoted(KEPT + table)
            _run(f"DROP TABLE IF EXISTS {aside}", f"CREATE TABLE {aside} AS SELECT {columns} FROM {quoted(table)}")


def put_back(table: str, fields: Iterable[models.Field[Any, Any]]) -> None:
    """Make the columns that a migration took away, and fill them from what was kept."""
    aside = KEPT + table
    if aside not in tables():
        return
    kept, present = columns_of(aside), columns_of(table)
    for field in fields:
        if field.column in present or field.column not in kept:
            continue
        add(table, field)
        name = quoted(field.column)
        value = f"(SELECT k.{name} FROM {quoted(aside)} k WHERE k.id = {quoted(table)}.id)"
        _run(f"UPDATE {quoted(table)} SET {name} = {value} WHERE id IN (SELECT id FROM {quoted(aside)})")
    _run(f"DROP TABLE {quoted(aside)}")

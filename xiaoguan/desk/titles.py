"""The titles of what a search found, for all kinds of records in one question.

That is for kinds of which the viewer may read all, or what is of some people: their rule is a condition on one column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson
from django.db import connection, models

from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk, remembered
from xiaoguan.desk.statements import kept_cursor, listed

Hits = list[tuple[int, str]]


class Part(NamedTuple):
    """Records of a desk by their id or by a relation; owner: the field of the people whose they are, "" for all."""

    desk: Desk
    by: str
    owner: str
    nobody_too: bool


def is_plain(desk: Desk, viewer: Viewer) -> bool:
    """Whether this desk's records can be asked for here."""
    whose = desk.read.always(viewer) or (desk.owner_field and desk.read.branches(viewer) is not None)
    return bool(whose) and desk.title_field != "pk" and _is_text(desk)


def _is_text(desk: Desk) -> bool:
    return isinstance(desk.model._meta.get_field(desk.title_field), models.CharField | models.TextField)


def newest(viewer: Viewer, several: Sequence[Desk], ids: Mapping[str, Sequence[int]], each: int) -> dict[Desk, Hits]:
    """(id, title) of each of these plain desks, the newest first, `each` at most: its records among the ids of its
    entity, then those that belong to one of the ids of the others."""
    parts: list[Part] = []
    values: list[str] = []
    for desk in several:
        branches = None if desk.read.always(viewer) else desk.read.branches(viewer)
        for by, entity in (("", desk.key), *desk.search_relations.items()):
            # PostgreSQL is asked for all of them, so that the statement is the same and its plan is kept.
            if ids.get(entity) or connection.vendor == "postgresql":
                parts.append(Part(desk, by, branches.field if branches else "", bool(branches and branches.nobody_too)))
                values += [_list(ids.get(entity, ())), *([_list(branches.people)] if branches else [])]
    found: dict[Desk, dict[int, str]] = {}
    if parts and any(ids.values()):
        with kept_cursor() as cursor:
            cursor.execute(_statement(tuple(parts), each, connection.vendor), values)
            for part, pk, title in cursor.fetchall():
                found.setdefault(parts[part].desk, {}).setdefault(pk, title)
    return {desk: [(pk, desk.titled(title)) for pk, title in rows.items()][:each] for desk, rows in found.items()}


def _list(ids: Sequence[int]) -> str:
    return listed(ids) if connection.vendor == "postgresql" else orjson.dumps(list(ids)).decode()


@remembered
def _statement(parts: tuple[Part, ...], each: int, vendor: str) -> str:
    """Of each part so many that `each` are left without those of the parts before."""
    quoted, many = connection.ops.quote_name, {}
    among = "= ANY(%s::bigint[])" if vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"
    statements = []
    for number, part in enumerate(parts):
        meta = part.desk.model._meta
        many[part.desk] = many.get(part.desk, 0) + each
        where = f"{quoted(meta.get_field(part.by).column) if part.by else 'id'} {among}"
        if part.owner:
            owner = quoted(meta.get_field(part.owner).column)
            where += f" AND ({owner} {among}{f' OR {owner} IS NULL' if part.nobody_too else ''})"
        title, table = quoted(meta.get_field(part.desk.title_field).column), quoted(meta.db_table)
        inner = f"SELECT id, {title} AS title FROM {table} WHERE {where} ORDER BY id DESC LIMIT {many[part.desk]}"
        statements.append(f"SELECT {number} AS part, id, title FROM ({inner}) AS q{number}")
    return f"{' UNION ALL '.join(statements)} ORDER BY 1, 2 DESC"

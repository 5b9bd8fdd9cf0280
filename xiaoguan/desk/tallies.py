"""Counts and totals that are kept, not counted: how many records stand in each lane of a board, and how much they are.

A million rows cannot be added up while somebody waits. Every save, deletion, import and undo moves the tally of its
lane, its owner and its currency in the same transaction, so a tally is always what a recount would find; a test and
`xiaoguan doctor` compare the two. There is one row for each person and lane: two people who save do not wait for each
other, and the total of a team or of everybody is a sum over few rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Count, Sum

from xiaoguan.desk.access import Branches, Viewer
from xiaoguan.desk.paths import resolve

if TYPE_CHECKING:
    from xiaoguan.desk.desk import Desk

Key = tuple[str, str, str, int]  # lane, kind, currency, person (0: nobody)
Totals = dict[tuple[str, str], dict[str, list[int]]]  # {(lane, kind): {currency: [number, units]}}

_MOVE = """INSERT INTO desk_tally (entity, lane, kind, currency, person_id, number, units)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (entity, person_id, lane, kind, currency)
DO UPDATE SET number = desk_tally.number + excluded.number, units = desk_tally.units + excluded.units"""


def names_of(desk: Desk) -> tuple[str, ...]:
    """The attributes that decide where a record is counted: lane, kind, currency, owner, amount; () without a board."""
    if desk.board is None or not desk.board.kept or not desk.owner_field:
        return ()
    total = desk.model._meta.get_field(desk.board.total)
    return desk.board.lanes, desk.board.kept, total.currency, desk.owner_field, total.attname


def move(desk: Desk, before: Iterable[Sequence[Any]], after: Iterable[Sequence[Any]]) -> None:
    """Take the records as they were from their tallies and add them as they are; rows of the values of `names_of`."""
    moved: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for sign, rows in ((-1, before), (1, after)):
        for lane, kind, currency, person, units in rows:
            tally = moved[lane, kind, currency, person or 0]
            tally[0] += sign
            tally[1] += sign * (units or 0)
    # In one order, so that two imports at once do not lock each other out.
    values = [(desk.key, *key, *tally) for key, tally in sorted(moved.items()) if tally != [0, 0]]
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(_MOVE, values)


def moved_by(desk: Desk, loaded: Mapping[str, Any] | None, record: Any, changed: Collection[str]) -> None:
    """After a save: `loaded` are the values that were stored before, None for a new record."""
    names = names_of(desk)
    if not names or (loaded is not None and not any(name in changed for name in names)):
        return
    before = [] if loaded is None else [[loaded.get(name, getattr(record, name)) for name in names]]
    move(desk, before, [[getattr(record, name) for name in names]])


def standing(desk: Desk, ids: Collection[int]) -> list[tuple[Any, ...]]:
    """The values of `names_of` of these records as they are stored now."""
    return list(_values(desk, desk.model._default_manager.filter(pk__in=ids)))


def _values(desk: Desk, rows: Any) -> Any:
    names = [desk.model._meta.get_field(n).name if n == names_of(desk)[4] else n for n in names_of(desk)]
    return rows.order_by().values_list(*names)


def totals(desk: Desk, viewer: Viewer) -> Totals | None:
    """Numbers and totals of what the viewer may read, from the tallies; None where they cannot tell."""
    if not names_of(desk) or not desk.usable(viewer, desk.board.total):
        return None
    from xiaoguan.desk.models import Tally

    rows = Tally.objects.filter(entity=desk.key)
    if not desk.read.always(viewer):
        branches = desk.read.branches(viewer)
        if branches is None or desk.model._meta.get_field(branches.field).attname != desk.owner_field:
            return None
        rows = rows.filter(person_id__in=[*branches.people, *([0] if branches.nobody_too else [])])
    found: Totals = defaultdict(dict)
    for lane, kind, currency, number, units in rows.values_list("lane", "kind", "currency").annotate(
        Sum("number"), Sum("units")
    ):
        if number:
            found[lane, kind][currency] = [number, units]
    return dict(found)


def number(desk: Desk, branches: Branches) -> int | None:
    """How many records these people have, from the tallies; None where there are none."""
    if not names_of(desk) or desk.model._meta.get_field(branches.field).attname != desk.owner_field:
        return None
    people = [*branches.people, *([0] if branches.nobody_too else [])]
    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(people))
        cursor.execute(
            f"SELECT SUM(number) FROM desk_tally WHERE entity = %s AND person_id IN ({marks})", [desk.key, *people]
        )
        [found] = cursor.fetchone()
    return int(found or 0)


def recount(desk: Desk) -> dict[Key, list[int]]:
    """What the tallies should be, counted from the records."""
    lane, kind, currency, owner, _amount = names_of(desk)
    rows = desk.model._default_manager.order_by().values_list(lane, kind, currency, owner)
    counted = rows.annotate(Count("pk"), Sum(resolve(desk.model, desk.board.total).orm))
    return {(a, b, c, person or 0): [number, units or 0] for a, b, c, person, number, units in counted}


def kept(desk: Desk) -> dict[Key, list[int]]:
    """What the tallies are."""
    from xiaoguan.desk.models import Tally

    rows = Tally.objects.filter(entity=desk.key).exclude(number=0, units=0)
    return {
        (lane, kind, currency, person): [number, units]
        for lane, kind, currency, person, number, units in rows.values_list(
            "lane", "kind", "currency", "person_id", "number", "units"
        )
    }


def rebuild(desk: Desk) -> int:
    """Write the tallies anew from a recount; returns how many were wrong."""
    from xiaoguan.desk.models import Tally

    counted, stored = recount(desk), kept(desk)
    wrong = sum(1 for key in {*counted, *stored} if counted.get(key) != stored.get(key))
    if wrong:
        Tally.objects.filter(entity=desk.key).delete()
        with connection.cursor() as cursor:
            cursor.executemany(_MOVE, [(desk.key, *key, *tally) for key, tally in sorted(counted.items())])
    return wrong

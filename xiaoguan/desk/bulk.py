"""Many records at once: rows written in bulk with the traces that saving one record after the other would leave.

That is the row, one Event, the search entry; what `derive` keeps is for the caller to ask for, once for all. No model
instance is built. An import and an undo write through here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

from django.db import connection, models
from django.utils import timezone

from xiaoguan.desk import duplicates, events, search, tallies
from xiaoguan.desk.approvals import guards
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.fields import ExactField
from xiaoguan.desk.models import Event
from xiaoguan.desk.records import Record
from xiaoguan.desk.statements import Behind

CHUNK = 2_000
Change = tuple[Any, Any]
Fresh = tuple[int, str | None, Sequence[Any], str]
"""A new record: id, external id, values, note of its event."""


class Changed(Exception):
    """Somebody changed rows between the check and the writing; nothing of the table was written."""


class Target:
    """The table behind one entity, for a fixed set of its fields.

    Values are as the column keeps them: whole numbers for money and exact decimals, dates, ids for relations.
    """

    def __init__(self, model: type[Record], names: Sequence[str], source: str = "", via: str = "import"):
        self.model, self.source, self.via = model, source, via
        self.entity = str(model._meta.model_name)
        self.fields: list[models.Field[Any, Any]] = [model._meta.get_field(name) for name in names]
        self.table = connection.ops.quote_name(model._meta.db_table)
        self._out = [(i, prep) for i, field in enumerate(self.fields) if (prep := _preparer(field))]
        self._moments = [i for i, field in enumerate(self.fields) if isinstance(field, models.DateTimeField)]
        self._others = [
            f for f in model._meta.concrete_fields if f not in self.fields and f.name not in Record.BOOKKEEPING
        ]
        self.desk = desk_of(model)
        self.counted = tallies.names_of(self.desk) if self.desk else ()
        owner = self.desk.owner_field if self.desk and self.desk.open is not None else ""
        self.owned = next((i for i, field in enumerate(self.fields) if field.attname == owner), -1)
        """The place of the owner among the fields, if it is among them; -1."""
        self.derives = model.derive.__func__ is not Record.derive.__func__

    def stored(self, ids: Sequence[int]) -> dict[int, tuple[int, tuple[Any, ...]]]:
        """{id: (version, values)} of the rows with these ids."""
        columns = ", ".join(["id", "version", *map(_column, self.fields)])
        found: dict[int, tuple[int, tuple[Any, ...]]] = {}
        with connection.cursor() as cursor:
            for some in _chunks(ids):
                holes = ", ".join(["%s"] * len(some))
                cursor.execute(f"SELECT {columns} FROM {self.table} WHERE id IN ({holes})", some)
                for row in cursor.fetchall():
                    values = list(row[2:])
                    for i in self._moments:
                        if values[i] is not None and values[i].tzinfo is None:
                            values[i] = values[i].replace(tzinfo=UTC)
                    found[row[0]] = (row[1], tuple(values))
        return found

    def allocate(self, count: int) -> list[int]:
        """Ids for so many new rows; nobody else gets them."""
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                sequence = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
                cursor.execute(sequence, [self.model._meta.db_table, count])
                return [row[0] for row in cursor.fetchall()]
            # The transaction holds the write lock already, so the highest id ever used stays the highest.
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {self.table}")
            highest = cursor.fetchone()[0]
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [self.model._meta.db_table])
            highest = max(highest, *(row[0] for row in cursor.fetchall()), 0)
            return list(range(highest + 1, highest + count + 1))

    def insert(self, rows: Sequence[Fresh]) -> None:
        """New records. Raises Changed for parts of what waits."""
        with Behind() as behind, search.sorted_in_beside(len(rows) > CHUNK):
            for some in _chunks(rows, CHUNK):
                self._insert(some, behind)

    def _insert(self, rows: Sequence[Fresh], behind: Behind) -> None:
        """Everything is made before anything is written, while the entries of the rows before are indexed."""
        moment = connection.ops.adapt_datetimefield_value(timezone.now())
        rest = [f.get_db_prep_save(f.get_default(), connection) for f in self._others]
        names = ["id", "source", "external_id", "version", "created_at", "updated_at"]
        columns = [*names, *map(_column, self.fields), *map(_column, self._others)]
        whole = [
            (pk, self.source, key, 1, moment, moment, *self._prepared(values), *rest) for pk, key, values, _note in rows
        ]
        keys, entries = self._keys(rows), self._entries(rows)
        behind.wait()
        with connection.cursor() as cursor:
            _add_rows(cursor, self.table, columns, whole)
        self._free([row[0] for row in rows])
        self._work_out([row[0] for row in rows])
        self._give([(pk, values[self.owned]) for pk, _key, values, _note in rows] if self.owned >= 0 else [])
        write_events(self.entity, self.via, [(pk, "created", {}, note) for pk, _key, _values, note in rows])
        if self.counted:
            tallies.move(self.desk, [], tallies.standing(self.desk, [row[0] for row in rows]))
        duplicates.write(keys, fresh=True)
        search.write(entries, behind)

    def _entries(self, rows: Sequence[Fresh]) -> list[tuple[int, str]]:
        """What search keeps of new rows."""
        if not (self.desk and self.desk.search_fields):
            return []
        places = {f.name: i for i, f in enumerate(self.fields)}
        default = {f.name: f.get_default() for f in self._others}
        texts = [(places.get(name), default.get(name)) for name in self.desk.search_fields]
        at = next((i for i, f in enumerate(self.fields) if f.attname == self.desk.owner_field), None)
        return search.entries(
            self.desk,
            (
                (pk, [v[i] if i is not None else other for i, other in texts], None if at is None else v[at])
                for pk, _key, v, _note in rows
            ),
        )

    def _keys(self, rows: Sequence[Fresh]) -> list[tuple[int, int]]:
        """The keys by which duplicates of new rows are found."""
        if not (self.desk and self.desk.duplicates):
            return []
        places = {f.name: i for i, f in enumerate(self.fields)}
        at = [places.get(name) for name in self.desk.duplicates]
        return duplicates.entries(
            self.desk, ((pk, [None if i is None else v[i] for i in at]) for pk, _key, v, _note in rows)
        )

    def update(self, rows: Sequence[tuple[int, int, dict[int, Change], str | None, str]]) -> None:
        """Changed records: (id, version read, {place of the field: (old, new)}, key to adopt or None, note).

        Raises Changed when one of them has another version by now.
        """
        moment = connection.ops.adapt_datetimefield_value(timezone.now())
        alike: dict[tuple[tuple[int, ...], bool], list[tuple[Any, ...]]] = defaultdict(list)
        for pk, version, changes, key, _note in rows:
            places = tuple(changes)
            values = self._prepared([new for _old, new in changes.values()], places)
            adopted = () if key is None else (self.source, key)
            alike[places, key is not None].append((*values, *adopted, version + 1, moment, pk, version))
        counts = any(self.fields[i].attname in self.counted for places, _adopts in alike for i in places)
        ids = [row[0] for row in rows]
        if self.desk and self.desk.approvals and guards.any_frozen(self.desk, self._touched(rows), ids):
            raise Changed()
        self._free(ids)
        before = tallies.standing(self.desk, ids) if counts else []
        with connection.cursor() as cursor:
            for (places, adopts), several in alike.items():
                names = [_column(self.fields[i]) for i in places]
                names += ["source", "external_id"] if adopts else []
                sets = ", ".join(f"{name} = %s" for name in [*names, "version", "updated_at"])
                cursor.executemany(f"UPDATE {self.table} SET {sets} WHERE id = %s AND version = %s", several)
                if cursor.rowcount != len(several):
                    raise Changed()
        self._free(ids)
        self._work_out(ids)
        write_events(
            self.entity,
            self.via,
            [(pk, "changed", self._told(changes), note) for pk, _version, changes, _key, note in rows],
        )
        if counts:
            tallies.move(self.desk, before, tallies.standing(self.desk, ids))
        self._search_again(ids)
        self._give([(pk, changes[self.owned][1]) for pk, _v, changes, _key, _note in rows if self.owned in changes])
        if self.desk and any(self.fields[i].name in self.desk.duplicates for places, _adopts in alike for i in places):
            duplicates.index_again(self.desk, ids)

    def analyze(self, rows: int) -> None:
        """After many rows: PostgreSQL counts a table that they made much longer. Until it has, it plans the checks of
        foreign keys and the sums over these rows as for an empty table, which takes minutes where seconds would do."""
        if rows <= CHUNK or connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [self.table])
            if cursor.fetchone()[0] < 4 * rows:
                cursor.execute(f"ANALYZE {self.table}")

    def _free(self, ids: Sequence[int]) -> None:
        """Raise Changed if what one of these belongs to waits for an approval together with it."""
        if guards.is_part(self.model) and guards.part_frozen(self.model, self.model.fed(ids)):
            raise Changed()

    def _work_out(self, ids: Sequence[int]) -> None:
        if self.model.FORMULAS and ids:
            from xiaoguan.desk.custom.computing import refill

            refill(self.model, ids)

    def _give(self, owners: Sequence[tuple[int, int | None]]) -> None:
        """Tell those who own the records from now on."""
        from xiaoguan.desk import notify

        by_owner: dict[int | None, list[int]] = defaultdict(list)
        for pk, owner in owners:
            by_owner[owner].append(pk)
        for owner, ids in by_owner.items():
            if self.desk:
                notify.given(self.desk, owner, ids)

    def _touched(self, rows: Sequence[tuple[int, int, dict[int, Change], str | None, str]]) -> set[str]:
        return {self.fields[place].attname for row in rows for place in row[2]}

    def changed(self, pk: int, changes: dict[int, Change]) -> Record:
        """The record as it would be with these changes; not saved."""
        record = self.model._default_manager.get(pk=pk)
        for place, (_old, new) in changes.items():
            field = self.fields[place]
            setattr(record, field.attname, decimal_of(field, new) if isinstance(field, ExactField) else new)
        return record

    def _search_again(self, ids: Sequence[int]) -> None:
        if ids and self.desk and self.desk.search_fields:
            search.index_again(self.desk, ids)

    def _prepared(self, values: Sequence[Any], places: Sequence[int] | None = None) -> Sequence[Any]:
        """The values as parameters of a statement."""
        if not self._out:
            return values
        prepared = list(values)
        for i, prep in self._out:
            at = i if places is None else places.index(i) if i in places else -1
            if at >= 0:
                prepared[at] = prep(prepared[at])
        return prepared

    def _told(self, changes: dict[int, Change]) -> dict[str, list[Any]]:
        """The changes as an Event keeps them, in the same words as saving one record does."""
        told = {}
        for i, pair in changes.items():
            field = self.fields[i]
            values = [decimal_of(field, v) if isinstance(field, ExactField) else v for v in pair]
            told[field.attname] = [events.plain(value) for value in values]
        return told


def decimal_of(field: ExactField, units: int | None) -> Decimal | None:
    """The Decimal behind the stored whole number."""
    return None if units is None else Decimal(units).scaleb(-field.places)


def _column(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(field.column)


def _preparer(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    if isinstance(field, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, models.DateField):
        return connection.ops.adapt_datefield_value
    return None


def write_events(entity: str, via: str, rows: Sequence[tuple[int, str, dict[str, Any], str]]) -> None:
    """Events of many records of one entity at once: (id, deed, changes, note)."""
    names = ("entity", "record_id", "deed", "changes", "actor_id", "via", "note", "batch", "at")
    fields = [Event._meta.get_field(name) for name in names]
    actor = events.current_actor()
    longest = fields[6].max_length or 200
    moment = connection.ops.adapt_datetimefield_value(timezone.now())

    def prepare(told: dict[str, Any]) -> Any:
        return fields[3].get_db_prep_save(told, connection)

    nothing = prepare({})
    rest = actor.batch, moment
    with connection.cursor() as cursor:
        _add_rows(
            cursor,
            connection.ops.quote_name(Event._meta.db_table),
            list(map(_column, fields)),
            [
                (entity, pk, deed, prepare(told) if told else nothing, actor.person_id, via, note[-longest:], *rest)
                for pk, deed, told, note in rows
            ],
        )


def _add_rows(cursor: Any, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """New rows the fastest way that the database has."""
    names = ", ".join(columns)
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})", rows)


def _chunks(items: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]

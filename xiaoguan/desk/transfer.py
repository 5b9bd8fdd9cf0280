"""Many records at once: rows written in bulk with their events and search entries, and lists streamed out as files.

`Target` is the writing half of an import (`desk/plan.py` is the other). It leaves the same traces as saving one record
after the other would: the row, one Event, the search entry, what `derive` keeps; without building a model instance.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any

from django.db import connection, models
from django.db.models import QuerySet
from django.utils import timezone

from xiaoguan.desk import events, search
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.fields import SCALE, ExactField, decimal_text
from xiaoguan.desk.models import Event
from xiaoguan.desk.paths import Path
from xiaoguan.desk.records import Record

CHUNK = 2_000
SHEET_ROWS = 1_000_000
"""A worksheet holds 1,048,576 rows; what is more goes on the next one."""
Change = tuple[Any, Any]


class Changed(Exception):
    """Somebody changed rows between the check and the writing; nothing of the table was written."""


class Target:
    """The table behind one entity, for a fixed set of its fields.

    Values are as the column keeps them: whole numbers for money and exact decimals, dates, ids for relations.
    """

    def __init__(self, model: type[Record], names: Sequence[str], source: str):
        self.model, self.source = model, source
        self.entity = str(model._meta.model_name)
        self.fields: list[models.Field[Any, Any]] = [model._meta.get_field(name) for name in names]
        self.table = connection.ops.quote_name(model._meta.db_table)
        self._out = [(i, prep) for i, field in enumerate(self.fields) if (prep := _preparer(field))]
        self._moments = [i for i, field in enumerate(self.fields) if isinstance(field, models.DateTimeField)]
        self._others = [
            f for f in model._meta.concrete_fields if f not in self.fields and f.name not in Record.BOOKKEEPING
        ]
        self.desk = desk_of(model)
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

    def insert(self, rows: Sequence[tuple[int, str | None, Sequence[Any], str]]) -> None:
        """New records: (id, external id, values, note of the event)."""
        if not rows:
            return
        now = timezone.now()
        moment = connection.ops.adapt_datetimefield_value(now)
        rest = [f.get_db_prep_save(f.get_default(), connection) for f in self._others]
        names = ["id", "source", "external_id", "version", "created_at", "updated_at"]
        columns = [*names, *map(_column, self.fields), *map(_column, self._others)]
        with connection.cursor() as cursor:
            _add_rows(
                cursor,
                self.table,
                columns,
                [
                    (pk, self.source, key, 1, moment, moment, *self._prepared(values), *rest)
                    for pk, key, values, _note in rows
                ],
            )
        _write_events(self.entity, [(pk, "created", {}, note) for pk, _key, _values, note in rows], now)
        if self.desk and self.desk.search_fields:
            places = {f.name: i for i, f in enumerate(self.fields)}
            default = {f.name: f.get_default() for f in self._others}
            texts = [(places.get(name), default.get(name)) for name in self.desk.search_fields]
            search.index_many(
                self.desk,
                ((pk, [v[i] if i is not None else other for i, other in texts]) for pk, _key, v, _note in rows),
            )

    def update(self, rows: Sequence[tuple[int, int, dict[int, Change], str | None, str]]) -> None:
        """Changed records: (id, version read, {place of the field: (old, new)}, key to adopt or None, note).

        Raises Changed when one of them has another version by now.
        """
        now = timezone.now()
        moment = connection.ops.adapt_datetimefield_value(now)
        alike: dict[tuple[tuple[int, ...], bool], list[tuple[Any, ...]]] = defaultdict(list)
        for pk, version, changes, key, _note in rows:
            places = tuple(changes)
            values = self._prepared([new for _old, new in changes.values()], places)
            adopted = () if key is None else (self.source, key)
            alike[places, key is not None].append((*values, *adopted, version + 1, moment, pk, version))
        with connection.cursor() as cursor:
            for (places, adopts), several in alike.items():
                names = [_column(self.fields[i]) for i in places]
                names += ["source", "external_id"] if adopts else []
                sets = ", ".join(f"{name} = %s" for name in [*names, "version", "updated_at"])
                cursor.executemany(f"UPDATE {self.table} SET {sets} WHERE id = %s AND version = %s", several)
                if cursor.rowcount != len(several):
                    raise Changed()
        _write_events(
            self.entity,
            [(pk, "changed", self._told(changes), note) for pk, _version, changes, _key, note in rows],
            now,
        )
        self._search_again([row[0] for row in rows])

    def _search_again(self, ids: Sequence[int]) -> None:
        if ids and self.desk and self.desk.search_fields:
            rows = self.model._default_manager.filter(pk__in=ids).values_list("pk", *self.desk.search_fields)
            search.index_many(self.desk, ((row[0], row[1:]) for row in rows))

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


def _write_events(entity: str, rows: Sequence[tuple[int, str, dict[str, Any], str]], at: datetime) -> None:
    names = ("entity", "record_id", "deed", "changes", "actor_id", "via", "note", "at")
    fields = [Event._meta.get_field(name) for name in names]
    actor = events.current_actor().person_id
    longest = fields[6].max_length or 200
    moment = connection.ops.adapt_datetimefield_value(at)

    def prepare(told: dict[str, Any]) -> Any:
        return fields[3].get_db_prep_save(told, connection)

    nothing = prepare({})
    with connection.cursor() as cursor:
        _add_rows(
            cursor,
            connection.ops.quote_name(Event._meta.db_table),
            list(map(_column, fields)),
            [
                (entity, pk, deed, prepare(told) if told else nothing, actor, "import", note[-longest:], moment)
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


# Export

# What a spreadsheet would take for a formula; a negative number is none.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"[+-]?[\d.,]+%?")


def defused(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a quote goes before it (and before a quote, so that it can go)."""
    return f"'{text}" if text[:1] == "'" or (_FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text)) else text


def armed(text: str) -> str:
    """What `defused` was given."""
    return text[1:] if text[:1] == "'" else text


def export_rows(desk: Desk, rows: QuerySet[Any], columns: Sequence[Path], kind: str) -> Iterator[bytes]:
    """A list as a file, piece by piece: `kind` is "csv" (UTF-8 with its mark, for Excel) or "xlsx".

    rows      what the list shows, filtered and ordered; columns the paths of the list, in its order.
    A relation is written as its title, a choice as its label, money as a plain decimal with its currency in a column
    of its own behind it.
    """
    names: list[str] = []
    writers: list[tuple[str, int, Callable[[Any], Any]]] = []

    def add(label: Any, name: str, write: Callable[[Any], Any]) -> None:
        if name not in names:
            names.append(name)
        writers.append((str(label), names.index(name), write))

    for path in columns:
        add(path.label, path.title or path.orm, _exporter(path))
        if path.currency and path.currency not in names:
            currency = path.field.model._meta.get_field(path.field.currency)
            add(currency.verbose_name, path.currency, str)
    lines = (
        [None if row[i] is None else write(row[i]) for _label, i, write in writers]
        for row in rows.values_list(*names).iterator(CHUNK)
    )
    head = [label for label, _i, _write in writers]
    return _csv(head, lines) if kind == "csv" else _xlsx(head, lines)


def _exporter(path: Path) -> Callable[[Any], Any]:
    if path.kind == "money":
        return lambda value: Decimal(decimal_text(value, SCALE, 2))
    if path.kind in ("choice", "stage"):
        options = path.field.stage_choices() if path.kind == "stage" else path.field.flatchoices
        labels = {key: str(label) for key, label in options}
        return lambda value: labels.get(value, value)
    if isinstance(path.field, models.DateTimeField):
        return lambda value: timezone.localtime(value).replace(tzinfo=None)
    return lambda value: value


def _csv(head: list[str], lines: Iterable[list[Any]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield b"\xef\xbb\xbf"
    writer.writerow([defused(text) for text in head])
    for number, line in enumerate(lines, 1):
        writer.writerow([_csv_text(value) for value in line])
        if number % CHUNK == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _csv_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, date) else defused(str(value))


def _xlsx(head: list[str], lines: Iterable[list[Any]]) -> Iterator[bytes]:
    """Row by row into a temporary file: a workbook is a ZIP whose directory comes last, so it cannot go out earlier."""
    from xlsxwriter import Workbook

    with TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(file, options) as book:
            bold = book.add_format({"bold": True})
            day = book.add_format({"num_format": "yyyy-mm-dd"})
            moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
            sheet = _sheet(book, head, bold)
            number = 0
            for line in lines:
                number += 1
                if number > SHEET_ROWS:
                    sheet, number = _sheet(book, head, bold), 1
                for place, value in enumerate(line):
                    if isinstance(value, datetime):
                        sheet.write_datetime(number, place, value, moment)
                    elif isinstance(value, date):
                        sheet.write_datetime(number, place, value, day)
                    elif isinstance(value, str):
                        sheet.write_string(number, place, value)
                    elif isinstance(value, (bool, int, Decimal)):
                        _write_number(sheet, number, place, value)
        file.seek(0)
        while piece := file.read(1 << 16):
            yield piece


def _sheet(book: Any, head: list[str], bold: Any) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, head, bold)
    return sheet


def _write_number(sheet: Any, row: int, place: int, value: bool | int | Decimal) -> None:
    """As a number when a spreadsheet keeps all its digits (it keeps 15), else as text."""
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif len(Decimal(value).normalize().as_tuple().digits) <= 15:
        sheet.write_number(row, place, value)
    else:
        sheet.write_string(row, place, format(value, "f") if isinstance(value, Decimal) else str(value))

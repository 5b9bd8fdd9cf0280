"""A list streamed out as a file: CSV and XLSX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.utils import timezone

from xiaoguan.desk.access import mask
from xiaoguan.desk.bulk import CHUNK
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.fields import SCALE, decimal_text
from xiaoguan.desk.paths import Path

SHEET_ROWS = 1_000_000
"""A worksheet holds 1,048,576 rows; what is more goes on the next one."""

# What a spreadsheet would take for a formula; a negative number is none.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"[+-]?[\d.,]+%?")


def defused(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a quote goes before it (and before a quote, so that it can go)."""
    return f"'{text}" if text[:1] == "'" or (_FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text)) else text


def armed(text: str) -> str:
    """What `defused` was given."""
    return text[1:] if text[:1] == "'" else text


def export_rows(
    desk: Desk,
    rows: QuerySet[Any],
    columns: Sequence[Path],
    kind: str,
    masked: frozenset[str] = frozenset(),
    progress: Callable[[int], None] = lambda number: None,
) -> Iterator[bytes]:
    """A list as a file, piece by piece: `kind` is "csv" (UTF-8 with its mark, for Excel) or "xlsx".

    rows      what the list shows, filtered and ordered; columns the paths of the list, in its order.
    A relation is written as its title, a choice as its label, money as a plain decimal with its currency in a column
    of its own behind it. What is in `masked` (texts of paths) stays masked. `progress` is called with the
    number of rows so far, now and then and at the end.
    """
    names: list[str] = []
    writers: list[tuple[str, int, Callable[[Any], Any]]] = []

    def add(label: Any, name: str, write: Callable[[Any], Any]) -> None:
        if name not in names:
            names.append(name)
        writers.append((str(label), names.index(name), write))

    for path in columns:
        write = _exporter(path)
        add(path.label, path.title or path.orm, _veil(write) if path.text in masked else write)
        if path.currency and path.currency not in names:
            currency = path.field.model._meta.get_field(path.field.currency)
            add(currency.verbose_name, path.currency, str)
    lines = (
        [None if row[i] is None else write(row[i]) for _label, i, write in writers]
        for row in _told(rows.values_list(*names).iterator(CHUNK), progress)
    )
    head = [label for label, _i, _write in writers]
    return _csv(head, lines) if kind == "csv" else _xlsx(head, lines)


def _told(rows: Iterable[Any], progress: Callable[[int], None]) -> Iterator[Any]:
    number = 0
    for number, row in enumerate(rows, 1):
        yield row
        if number % CHUNK == 0:
            progress(number)
    progress(number)


def _veil(write: Callable[[Any], Any]) -> Callable[[Any], str]:
    return lambda value: mask(str(write(value)))


def _exporter(path: Path) -> Callable[[Any], Any]:
    if path.kind == "money":
        return lambda value: Decimal(decimal_text(value, SCALE, 2))
    if path.kind in ("choice", "stage"):
        options = path.field.stage_choices() if path.kind == "stage" else path.field.flatchoices
        labels = {key: str(label) for key, label in options}
        return lambda value: labels.get(value, value)
    if hasattr(path.field, "shown"):
        return path.field.shown
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

"""An uploaded file as a table: what it is, which tables are in it, where their column names stand.

What a file claims to be is not believed: its first bytes decide. Nothing in it is carried out (formulas and macros are
not even read), and nothing is unpacked beyond a limit, so that a small file cannot fill memory or disk.
"""

from __future__ import annotations

import gzip
import shutil
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from xiaoguan.desk.importing import cards
from xiaoguan.desk.tables import SHEETS, Table, TableError, guess_encoding

UNPACKED = 1 << 30
"""Bytes that a packed file may hold at most."""
WHOLE = 64 << 20
"""Bytes of a card file, calendar or JSON document at most: these are read in one piece."""
CELLS = 16_000_000
"""Cells of a JSON document's table at most."""
TITLES = 30
"""The line of the column names is looked for among so many first records."""
_PIECE = 1 << 20


class Unreadable(Exception):
    """The file cannot be read as a table; says why in the reader's language."""


@dataclass(frozen=True)
class Part:
    """One table in a file: a sheet of a workbook, a list of a JSON document, or the whole file ("")."""

    name: str
    rows: int


class Named(Table):
    """A Table of any file: a column without a name is called by its letter, one that comes again gets a number."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        first = next(self._records(), None)
        return tuple(unique(first[1])) if first else ()


class Listed:
    """Rows in memory, with the face of a Table. A row's line is its number."""

    def __init__(self, columns: Sequence[str], rows: list[list[str]]):
        self.columns, self._rows = tuple(unique(columns)), rows

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        yield from enumerate(self._rows, 1)

    def count(self) -> int:
        return len(self._rows)


def unique(names: Sequence[str]) -> list[str]:
    """The names without outer blanks, each once."""
    found: dict[str, None] = {}
    for place, raw in enumerate(names):
        name = " ".join(raw.split()) or _("column %(letter)s") % {"letter": letter(place)}
        number = 2
        tried = name
        while tried in found:
            tried, number = f"{name} ({number})", number + 1
        found[tried] = None
    return list(found)


def letter(place: int) -> str:
    """The name of a column as spreadsheets have it: A, B, ... Z, AA."""
    place, rest = divmod(place, 26)
    return (letter(place - 1) if place else "") + chr(65 + rest)


# What a file is


def kind_of(path: Path) -> str:
    """csv, xlsx, ods, xls, vcard, ical or json. Raises Unreadable for what is no table."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise Unreadable(_("The file is empty."))
    if head.startswith(b"PK\x03\x04"):
        return _packed(path)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    for mark, what in _OTHERS.items():
        if head.startswith(mark):
            raise Unreadable(
                _("This is a %(what)s, no table. Import CSV, Excel, ODS, vCard, iCalendar or JSON.") % {"what": what}
            )
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").upper()
    if text.startswith((b"BEGIN:VCARD", b"BEGIN: VCARD")):
        return "vcard"
    if text.startswith(b"BEGIN:V"):
        return "ical"
    return "json" if text[:1] in (b"{", b"[") else "csv"


_OTHERS = {
    b"%PDF": "PDF", b"\x89PNG": "PNG", b"GIF8": "GIF", b"\xff\xd8\xff": "JPEG", b"Rar!": "RAR", b"7z\xbc\xaf": "7-Zip",
    b"BZh": "bzip2", b"\xfd7zXZ": "XZ", b"\x28\xb5\x2f\xfd": "Zstandard",
    b"SQLite format 3": "SQLite", b"\x7fELF": "ELF",
    b"MZ\x90": "EXE", b"{\\rtf": "RTF",
}  # fmt: skip


def _packed(path: Path) -> str:
    """xlsx or ods, after every part of it was unpacked once and counted: what the directory says is not believed."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            total = 0
            for info in archive.infolist():
                with archive.open(info) as part:
                    while piece := part.read(_PIECE):
                        total += len(piece)
                        if total > UNPACKED:
                            raise Unreadable(_too_large(UNPACKED))
            if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
                return "xlsx"
            if "content.xml" in names and b"spreadsheet" in archive.read("mimetype"):
                return "ods"
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, KeyError, OSError, EOFError) as error:
        raise Unreadable(_("The workbook is damaged or locked: %(why)s") % {"why": error}) from error
    raise Unreadable(_("This is an archive of files. Unpack it and import one table at a time."))


def _too_large(limit: int) -> str:
    return _("Unpacked, the file is larger than %(n)d MB. Split it, or use the command line.") % {"n": limit >> 20}


def store(source: Path, folder: Path) -> Path:
    """The file under a name that says what it is, unpacked if it was gzipped. Raises Unreadable."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = folder / "upload"
    with source.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        _gunzip(source, plain)
    else:
        shutil.copyfile(source, plain)
    return plain.rename(folder / f"table.{kind_of(plain)}")


def _gunzip(source: Path, target: Path) -> None:
    total = 0
    try:
        with gzip.open(source) as packed, target.open("wb") as plain:
            while piece := packed.read(_PIECE):
                total += len(piece)
                if total > UNPACKED:
                    raise Unreadable(_too_large(UNPACKED))
                plain.write(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(_("The packed file is damaged: %(why)s") % {"why": error}) from error


# The tables in it


def parts(path: Path) -> list[Part]:
    """The tables in a stored file, those with rows first. Raises Unreadable."""
    suffix = path.suffix.lower()
    if suffix in SHEETS:
        try:
            book = CalamineWorkbook.from_path(path)
            found = [Part(name, book.get_sheet_by_name(name).height) for name in book.sheet_names]
        except (CalamineError, OSError, ValueError) as error:
            raise Unreadable(_("The workbook is damaged or locked: %(why)s") % {"why": error}) from error
        found.sort(key=lambda part: part.rows == 0)
        return found
    if suffix == ".json":
        return [Part(name, len(rows)) for name, rows in _lists(path).items()]
    return [Part("", 0)]


def opened(path: Path, part: str = "", header: int = 0, encoding: str = "", delimiter: str = "") -> Named | Listed:
    """One table of a stored file. header 0 looks for the line of the column names. Raises Unreadable."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".vcard":
            return Listed(cards.CARD, cards.cards(_text(path)))
        if suffix == ".ical":
            return Listed(cards.CALENDAR, cards.entries(_text(path)))
        if suffix == ".json":
            return _json_table(path, part)
        return Named(path, encoding, delimiter, header or guess_header(Table(path, encoding, delimiter, 0, part)), part)
    except cards.NotCards as error:
        raise Unreadable(_("Nothing to import: %(why)s.") % {"why": error}) from error
    except TableError as error:
        raise Unreadable(f"{error.message}. {error.hint}".strip()) from error


def guess_header(table: Table) -> int:
    """The line of the column names: the first that is about as full as those that follow; titles are mostly empty."""
    records = list(islice(table._records(), TITLES))
    if not records:
        return 1
    filled = [sum(1 for cell in fields if cell.strip()) for _line, fields in records]
    usual = Counter(filled[len(filled) // 3 :]).most_common(1)[0][0]
    for (line, _fields), full in zip(records, filled, strict=True):
        if full * 2 > usual:
            return line
    return records[0][0]


def _text(path: Path) -> str:
    if path.stat().st_size > WHOLE:
        raise Unreadable(_too_large(WHOLE))
    data = path.read_bytes()
    return data.decode(guess_encoding(path), "replace").lstrip("\ufeff")


# JSON


def _document(path: Path) -> Any:
    if path.stat().st_size > WHOLE:
        raise Unreadable(_too_large(WHOLE))
    try:
        return orjson.loads(_text(path).encode())
    except orjson.JSONDecodeError as error:
        raise Unreadable(_("This is no JSON document: %(why)s") % {"why": error}) from error


def _lists(path: Path) -> dict[str, list[Any]]:
    """{name: list of objects} of a document: the document itself, or the lists that it holds."""
    data = _document(path)
    if isinstance(data, list):
        return {"": data}
    if not isinstance(data, dict):
        raise Unreadable(_("There is no list of objects in the document."))
    if data and not any(isinstance(value, list | dict) for value in data.values()):
        return {"": [data]}
    found = {name: v for name, v in data.items() if isinstance(v, list) and v and isinstance(v[0], dict)}
    if not found:
        raise Unreadable(_("There is no list of objects in the document."))
    return found


def _json_table(path: Path, part: str) -> Listed:
    lists = _lists(path)
    rows = lists.get(part) if part in lists else next(iter(lists.values()))
    assert rows is not None
    if rows and (rows[0] == "vcard" or isinstance(rows[0], list)):
        return Listed(cards.CARD, cards.jcards(rows))
    flat = [_flat(row) for row in rows if isinstance(row, dict)]
    names = list(dict.fromkeys(name for row in flat for name in row))
    if not names:
        raise Unreadable(_("There is no list of objects in the document."))
    if len(names) * len(flat) > CELLS:  # each object may have other names than all before it
        raise Unreadable(_too_large(WHOLE))
    return Listed(names, [[row.get(name, "") for name in names] for row in flat])


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """{"a": {"b": 1}} as {"a.b": "1"}; of a list of objects the first, other lists joined by commas."""
    found: dict[str, str] = {}
    for key, entry in value.items():
        name = f"{prefix}{key}"
        if isinstance(entry, list) and entry and isinstance(entry[0], dict):
            entry = entry[0]
        if isinstance(entry, dict):
            found |= _flat(entry, f"{name}.")
        elif isinstance(entry, list):
            found[name] = ", ".join(map(str, entry))
        else:
            found[name] = "" if entry is None else ("1" if entry else "0") if isinstance(entry, bool) else str(entry)
    return found

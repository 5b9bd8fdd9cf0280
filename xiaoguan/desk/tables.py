"""Foreign table files as rows of text, each with the line it begins on: CSV and its relatives, gzipped or not, XLSX.

What a file does not say is found out: the encoding by trying (byte-order mark, UTF-8, GB18030, Windows-1252), the
separator by which one cuts the first records evenly. A plan may state either.
"""

from __future__ import annotations

import csv
import gzip
import io
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

SHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
_SEPARATORS = {".tsv": "\t", ".tab": "\t", ".psv": "|", ".ssv": ";"}
_CHUNK = 1 << 20
_LONGEST_FIELD = 1 << 24

csv.field_size_limit(_LONGEST_FIELD)


class TableError(Exception):
    """A file that cannot be read as a table; `line` where it goes wrong (0: unknown), `hint` the remedy."""

    def __init__(self, message: str, line: int = 0, hint: str = ""):
        super().__init__(message)
        self.message, self.line, self.hint = message, line, hint


@dataclass(frozen=True)
class Table:
    """One file. header is the line of the column names (1 unless titles come before it); sheet the name in a workbook.

    encoding, delimiter    "" finds out.
    """

    path: Path
    encoding: str = ""
    delimiter: str = ""
    header: int = 0
    sheet: str = ""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The column names, without outer blanks. Raises TableError for none, and for a name that occurs twice."""
        first = next(self._records(), None)
        if first is None:
            raise TableError("the file has no line of column names", hint="State the line with header: in the plan.")
        line, fields = first
        names = tuple(name.strip() for name in fields)
        twice = [name for name, count in Counter(names).items() if count > 1 and name]
        if twice:
            raise TableError(
                f"column {twice[0]!r} occurs {Counter(names)[twice[0]]} times",
                line,
                "Give each its own name in the file, or state another line with header:.",
            )
        return names

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line, fields) of every record below the column names; blank lines are passed over."""
        records = self._records()
        next(records, None)
        return records

    def count(self) -> int:
        """About how many records there are, quickly: for a progress bar."""
        if self.path.suffix.lower() in SHEETS:
            return max(0, self._worksheet().height - 1)
        with _bytes(self.path) as file:
            return max(0, sum(chunk.count(b"\n") or chunk.count(b"\r") for chunk in _chunks(file)) - 1)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        try:
            source = self._cells() if self.path.suffix.lower() in SHEETS else self._lines()
            for line, fields in source:
                if line >= self.header and any(fields):
                    yield line, fields
        except UnicodeError as error:
            raise TableError(
                f"is not {self._encoding}: {error}", hint="State the right encoding: in the plan."
            ) from error
        except (csv.Error, OSError, EOFError, CalamineError) as error:
            raise TableError(f"cannot be read: {error}") from error

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        with _text(self.path, self._encoding) as file:
            reader = csv.reader(file, delimiter=self._delimiter, skipinitialspace=True)
            before = 0
            for fields in reader:
                yield before + 1, fields
                before = reader.line_num

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        for line, cells in enumerate(self._worksheet().iter_rows(), 1):
            yield line, [cell_text(cell) for cell in cells]

    def _worksheet(self) -> Any:
        try:
            book = CalamineWorkbook.from_path(self.path)
            return book.get_sheet_by_name(self.sheet) if self.sheet else book.get_sheet_by_index(0)
        except WorksheetNotFound as error:
            raise TableError(
                f"has no sheet {self.sheet!r}", hint=f"It has {', '.join(map(repr, book.sheet_names))}."
            ) from error
        except (CalamineError, OSError) as error:
            raise TableError(f"cannot be read as a workbook: {error}") from error

    @cached_property
    def _encoding(self) -> str:
        return self.encoding or guess_encoding(self.path)

    @cached_property
    def _delimiter(self) -> str:
        known = _SEPARATORS.get(self.path.with_suffix("").suffix if self.path.suffix == ".gz" else self.path.suffix)
        return self.delimiter or known or guess_delimiter(self.path, self._encoding)


def cell_text(value: Any) -> str:
    """A cell of a workbook as the text a CSV would hold: whole numbers without ".0", days and moments in ISO form."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else format(Decimal(repr(value)), "f")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)


def guess_encoding(path: Path) -> str:
    """The first encoding that fits the whole file: by its mark, UTF-16 by its zeros, UTF-8, GB18030 if that reads as
    Chinese, else Windows-1252, the usual one of Western spreadsheets."""
    with _bytes(path) as file:
        head = file.read(_CHUNK)
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head:
        # Separators and line ends are ASCII: their zero byte comes second in the little-endian form.
        return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
    if _decodes(path, "utf-8-sig"):
        return "utf-8-sig"
    if _decodes(path, "gb18030") and _reads_as_chinese(head.decode("gb18030", "ignore")):
        return "gb18030"
    return "cp1252" if _decodes(path, "cp1252") else "latin-1"


def guess_delimiter(path: Path, encoding: str) -> str:
    """The separator that cuts most of the first records into the same number of fields, more than one."""
    with _text(path, encoding) as file:
        sample = file.read(_CHUNK)
    # A record that the end of the sample cuts in two must not count.
    cut = max(sample.rfind("\n"), sample.rfind("\r")) if len(sample) == _CHUNK else len(sample)
    best, found = 1, ","
    for candidate in ",;\t|":
        widths: Counter[int] = Counter()
        for number, fields in enumerate(csv.reader(io.StringIO(sample[: cut + 1], ""), delimiter=candidate)):
            widths[len(fields)] += 1
            if number == 200:
                break
        width, times = max(((w, n) for w, n in widths.items() if w > 1), key=lambda item: item[1], default=(1, 0))
        if times * min(width, 3) > best and times * 2 >= sum(n for w, n in widths.items() if w):
            best, found = times * min(width, 3), candidate
    return found


def _decodes(path: Path, encoding: str) -> bool:
    decoder = getincrementaldecoder(encoding)()
    try:
        with _bytes(path) as file:
            for chunk in _chunks(file):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except (UnicodeDecodeError, OSError, EOFError):
        return False
    return True


def _reads_as_chinese(text: str) -> bool:
    """Most Western text is valid GB18030 too, but as rare characters between letters, seldom as everyday Han."""
    foreign = [c for c in text if c > "\x7f"]
    # GB 2312, the everyday set, is what two bytes from A1A1 to F7FE give.
    common = sum(
        1 for c in foreign if ("\u4e00" <= c <= "\u9fff" or "\u3000" <= c <= "\u303f" or c >= "\uff00") and _everyday(c)
    )
    return bool(foreign) and common * 10 >= len(foreign) * 9


def _everyday(char: str) -> bool:
    try:
        return len(char.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return False


def _bytes(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _text(path: Path, encoding: str) -> IO[str]:
    return io.TextIOWrapper(_bytes(path), encoding=encoding, newline="")


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk

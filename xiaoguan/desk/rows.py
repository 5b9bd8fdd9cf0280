"""The rows of one table of an import plan, converted: conditions, computed columns, joins, the key and the values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import models

from xiaoguan.base.words import closest
from xiaoguan.desk.convert import (
    Convert,
    Get,
    Habits,
    PlanProblem,
    Row,
    bind,
    bind_condition,
    bind_number,
    bind_value,
    converter,
    text_of,
)
from xiaoguan.desk.keys import Keys, LeftOut, Refused
from xiaoguan.desk.mapping import Join, Reading, Spec, TablePlan
from xiaoguan.desk.records import Record
from xiaoguan.desk.tables import Table, TableError
from xiaoguan.desk.transfer import armed

LONGEST_KEY = 80
PLACES = ("_file", "_line", "_field", "_value", "_reason")
Step = Callable[[list[Any]], None]


class JoinProblem(TableError):
    """A TableError in a file that is joined to another."""

    def __init__(self, message: str, file: str, line: int, hint: str):
        super().__init__(message, line, hint)
        self.file = file


class Files:
    """The data folder, with mended rows in place of the lines that they name."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.mended: dict[tuple[str, int], dict[str, str]] = {}
        self.unused: set[tuple[str, int]] = set()

    def mend(self, path: Path) -> None:
        """Read a file of refused rows that were mended. Raises TableError."""
        table = Table(path)
        for name in PLACES[:2]:
            if name not in table.columns:
                raise TableError(f"the column {name} is missing, which says where a row belongs", 1)
        for line, fields in table.rows():
            row = {name: armed(text) for name, text in zip(table.columns, fields, strict=False)}
            if not row.get("_line", "").isdigit():
                raise TableError(f"{row.get('_line', '')!r} in _line is not a line number", line)
            self.mended[row["_file"], int(row["_line"])] = row
        self.unused = set(self.mended)

    def table(self, reading: Reading) -> Table:
        """The file, gzipped or not. Raises TableError when it is not there."""
        path = self.folder / reading.file
        other = path.with_name(path.name[:-3] if path.suffix == ".gz" else f"{path.name}.gz")
        if not path.is_file() and other.is_file():
            path = other
        if not path.is_file():
            stems = {p.name.split(".")[0]: p.name for p in path.parent.iterdir()} if path.parent.is_dir() else {}
            near = closest(path.name.split(".")[0], stems)
            raise TableError("there is no such file", hint=f"Did you mean '{stems[near]}'?" if near else "")
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise TableError("the file lies outside the data folder")
        return Table(path, reading.encoding, reading.delimiter, reading.header, reading.sheet)

    def rows(self, table: Table, file: str) -> Iterator[tuple[int, list[str]]]:
        if not self.mended:
            yield from table.rows()
            return
        for line, fields in table.rows():
            instead = self.mended.get((file, line))
            if instead is not None:
                self.unused.discard((file, line))
                yield line, [instead.get(name, "") for name in table.columns]
            else:
                yield line, fields


def bare_keys(plan: TablePlan, files: Files) -> set[str]:
    """The keys of a table whose rows cannot be read for another reason, such as a joined file that is not there.

    Raises TableError or PlanProblem when not even the keys can be told.
    """
    if plan.key is None or plan.reading is None:
        raise TableError("the rows have no key")
    table = files.table(plan.reading)
    get = bind(plan.key, {name: i for i, name in enumerate(table.columns)}, Habits(plan))
    nulls, found = frozenset(plan.reading.nulls), set()
    for _line, fields in files.rows(table, plan.file):
        row = [None if (text := value.strip()) in nulls else text for value in fields]
        with suppress(ValueError, IndexError):
            found.add(text_of(get(row)) or "")
    return found


@dataclass
class _Column:
    """One field of the entity: where its value comes from and how it becomes what the table keeps."""

    name: str
    get: Get
    convert: Convert


class Rows:
    """What a plan makes of the rows of a file.

    specs     the fields to fill and where each comes from, in order
    fields    the same as fields of the entity
    keys_of   finds the records that a relation may name: (entity, field it is named by) to Keys
    awaited   [(field, Keys, text)] of the row last read: rows of its own table that it names and that may come later
    Raises TableError and PlanProblem when the file is not as the plan says.
    """

    def __init__(
        self,
        plan: TablePlan,
        files: Files,
        specs: dict[str, Spec],
        fields: Sequence[models.Field[Any, Any]],
        keys_of: Callable[[type[Record], str], Keys],
    ):
        self.plan, self.files, self.specs, self._keys_of = plan, files, specs, keys_of
        self.habits = Habits(plan)
        self.names, self._rows, self.count = self._open()
        self._nulls = frozenset(plan.reading.nulls) if plan.reading else frozenset([""])
        places = {name: i for i, name in enumerate(self.names)}
        self._steps = self._all_steps(places)
        self._key = self._key_of(places)
        self._columns = [self._column(f, specs[f.name], places) for f in fields]
        self.awaited: list[tuple[str, Keys, str]] = []

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """(line, fields as they stand in the file)."""
        return self._rows

    def read(self, original: Sequence[str]) -> tuple[str | None, list[Any]]:
        """(key, values) of one row. Raises Refused with every problem of the row, or LeftOut."""
        self.awaited = []
        row = self._prepared(original)
        for step in self._steps:
            step(row)
        return self._key(row) if self._key else None, self._values(row)

    def key(self, original: Sequence[str]) -> str | None:
        """The key of a row that could not be read whole, if that much can be told."""
        try:
            row = self._prepared(original)
            for step in self._steps:
                step(row)
            return self._key(row) if self._key else None
        except (Refused, LeftOut, IndexError):
            return None

    def _open(self) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str]]], int]:
        if self.plan.reading is not None:
            table = self.files.table(self.plan.reading)
            return table.columns, self.files.rows(table, self.plan.file), table.count()
        columns = tuple(dict.fromkeys(name for row in self.plan.inline for name in row))
        lines = (
            (min(cell.line for cell in row.values()), [str(row[c].value) if c in row else "" for c in columns])
            for row in self.plan.inline
        )
        return columns, lines, len(self.plan.inline)

    def _prepared(self, original: Sequence[str]) -> list[Any]:
        """The fields without outer blanks, what stands for nothing as None; trailing empty ones may be too many."""
        row: list[Any] = [None if (text := value.strip()) in self._nulls else text for value in original]
        width = len(self.names)
        while len(row) > width and row[-1] is None:
            row.pop()
        if len(row) != width:
            raise Refused([("", len(row), f"fields are in the row; the first line has {width}")])
        return row

    # Steps

    def _all_steps(self, places: dict[str, int]) -> list[Step]:
        """The condition and the columns of `let` and `join`, each as soon as what it reads is there."""
        used = self._names_used()
        waiting: list[Callable[[], Step]] = []
        if self.plan.where is not None:
            where = self.plan.where
            waiting.append(lambda: self._where_step(where, places))
        for name, spec in self.plan.let.items():
            waiting.append(lambda name=name, spec=spec: self._let_step(name, spec, places))
        for join in self.plan.joins:
            waiting.append(lambda join=join: self._join_step(join, used, places))
        steps: list[Step] = []
        while waiting:
            left, problem = [], None
            for make in waiting:
                try:
                    steps.append(make())
                except PlanProblem as error:
                    problem = problem or error
                    left.append(make)
            if problem is not None and len(left) == len(waiting):
                raise problem
            waiting = left
        return steps

    def _where_step(self, spec: Spec, places: dict[str, int]) -> Step:
        get = bind_condition(spec, places, self.habits)

        def step(row: list[Any]) -> None:
            try:
                holds = get(row)
            except ValueError as error:
                raise Refused([("where", spec.text, str(error))]) from None
            if not holds:
                raise LeftOut()

        return step

    def _let_step(self, name: str, spec: Spec, places: dict[str, int]) -> Step:
        get = bind(spec, places, self.habits)
        shown = _shower(spec, places)
        places[name] = len(places)

        def step(row: list[Any]) -> None:
            try:
                row.append(get(row))
            except ValueError as error:
                raise Refused([(name, shown(row), str(error))]) from None

        return step

    def _join_step(self, join: Join, used: set[str], places: dict[str, int]) -> Step:
        get = _picker([_place(join, here, places) for here, _there in join.on])
        prefix = f"{join.alias}."
        wanted = {name.removeprefix(prefix) for name in used if name.startswith(prefix)}
        try:
            joined = _Joined(self.files, join, wanted, self.habits)
        except PlanProblem as error:
            raise JoinProblem(error.message, join.reading.file, 1, error.hint) from error
        except TableError as error:
            raise JoinProblem(error.message, join.reading.file, error.line, error.hint) from error
        for name in joined.columns:
            places[prefix + name] = len(places)
        field = ", ".join(here for here, _there in join.on)

        def step(row: list[Any]) -> None:
            key = get(row)
            try:
                row.extend(joined.find(key))
            except ValueError as error:
                raise Refused([(field, key, str(error))]) from None

        return step

    def _names_used(self) -> set[str]:
        """Every column that some value of the table reads."""
        found: set[str] = {here for join in self.plan.joins for here, _there in join.on}
        for spec in (*self.specs.values(), *self.plan.let.values(), self.plan.key, self.plan.where):
            found |= spec.reads if spec is not None else set()
        return found

    # The key and the values

    def _key_of(self, places: dict[str, int]) -> Callable[[Row], str] | None:
        spec = self.plan.key
        if spec is None:
            return None
        get, shown = bind(spec, places, self.habits), _shower(spec, places)
        holes = [places[name] for name in spec.holes]

        def key(row: Row) -> str:
            try:
                text = text_of(get(row))
            except ValueError as error:
                raise Refused([("key", shown(row), str(error))]) from None
            if not text or any(row[place] is None for place in holes):
                raise Refused([("key", shown(row), "the key is missing")])
            if len(text) > LONGEST_KEY:
                raise Refused([("key", text, f"has {len(text)} characters; {LONGEST_KEY} fit")])
            return text

        return key

    def _column(self, f: models.Field[Any, Any], spec: Spec, places: dict[str, int]) -> _Column:
        get = bind_value(f, spec, places, self.habits)
        convert = converter(f, spec, self.habits)
        if not f.is_relation:
            return _Column(f.name, get, convert)
        keys = self._keys_of(f.related_model, spec.by)
        own = f.related_model is self.plan.model

        def look_up(value: Any) -> int | str | None:
            text = convert(value)
            if text is None:
                return None
            if own and text not in keys.ids:
                self.awaited.append((f.name, keys, text))
                return str(text)
            return keys.find(text)

        return _Column(f.name, get, look_up)

    def _values(self, row: Row) -> list[Any]:
        try:
            return [column.convert(column.get(row)) for column in self._columns]
        except ValueError:
            pass
        problems: list[tuple[str, Any, str]] = []
        for column in self._columns:
            raw: Any = None
            try:
                raw = column.get(row)
                column.convert(raw)
            except ValueError as error:
                problems.append((column.name, raw, str(error)))
        raise Refused(problems)


class _Joined:
    """The rows of another file by their key: the values that a row gets from it, or the reason why it gets none."""

    def __init__(self, files: Files, join: Join, used: set[str], habits: Habits):
        self.join, self.file = join, join.reading.file
        table = files.table(join.reading)
        places = {name: i for i, name in enumerate(table.columns)}
        get = _picker([_place(join, there, places) for _here, there in join.on])
        wanted = sorted(name for name in used if name in places)
        self.columns = [*wanted, *join.total]
        takes = [places[name] for name in wanted]
        totals = [bind_number(spec, places, habits) for spec in join.total.values()]
        self.rows: dict[Any, list[Any]] = {}
        self.faults: dict[Any, str] = {}
        lines: dict[Any, int] = {}
        nulls = frozenset(join.reading.nulls)
        for line, fields in files.rows(table, self.file):
            row = [None if (text := value.strip()) in nulls else text for value in fields]
            row += [None] * (len(places) - len(row))
            key = get(row)
            known = self.rows.get(key)
            if known is None or (join.pick == "last" and not totals):
                self.rows[key] = known = [row[place] for place in takes] + [0] * len(totals)
                lines[key] = line
            elif not totals and join.pick == "only":
                self.faults[key] = f"is twice in {self.file} (lines {lines[key]} and {line}); state pick:"
            for place, total in enumerate(totals, len(takes)):
                try:
                    known[place] += total(row) or 0
                except ValueError as error:
                    self.faults[key] = f"has a row in {self.file}, line {line}, that does not fit: {error}"

    def find(self, key: Any) -> list[Any]:
        """ValueError for a key whose row is faulty, or is needed and not there."""
        if key in self.faults:
            raise ValueError(self.faults[key])
        found = None if key is None else self.rows.get(key)
        if found is None:
            if self.join.required:
                raise ValueError("is missing" if key is None else f"is not in {self.file}")
            return [None] * len(self.columns)
        return found


def _picker(places: list[int]) -> Get:
    """The key of a row: one value, or several as a tuple; None when a part is missing."""
    if len(places) == 1:
        (place,) = places
        return lambda row: row[place]

    def pick(row: Row) -> Any:
        key = tuple(row[place] for place in places)
        return None if None in key else key

    return pick


def _place(join: Join, name: str, places: dict[str, int]) -> int:
    if name not in places:
        near = closest(name, places)
        spec = Spec("column", name, f"{join.path}.on", join.line)
        raise PlanProblem(spec, f"there is no column {name!r}", f"Did you mean {near!r}?" if near else "")
    return places[name]


def _shower(spec: Spec, places: dict[str, int]) -> Callable[[Row], str]:
    """The value as it stands in the file, for a message about it."""
    place = places.get(spec.text) if spec.origin == "column" else None
    return lambda row: "" if place is None else str(row[place] or "")

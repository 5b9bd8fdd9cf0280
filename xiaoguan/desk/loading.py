"""One table of an import plan: every row checked, then what is new or changed written whole."""

from __future__ import annotations

import csv
import gc
import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, models, transaction

from xiaoguan.desk.approvals import guards
from xiaoguan.desk.bulk import CHUNK, Change, Changed, Target, decimal_of
from xiaoguan.desk.convert import PlanProblem
from xiaoguan.desk.fields import ExactField, MoneyField
from xiaoguan.desk.keys import Keys, LeftOut, Marks, Refused, unique_sets
from xiaoguan.desk.mapping import Spec, TablePlan, default_match, importable
from xiaoguan.desk.rows import PLACES, JoinProblem, Rows, bare_keys
from xiaoguan.desk.tables import TableError
from xiaoguan.desk.transfer import defused

if TYPE_CHECKING:
    from xiaoguan.desk.plan import Run

WRITTEN = 10_000
"""Rows that are written at once: while the database indexes some of them the next are made."""
SHOWN = 200
"""Refused rows of one table that are told one by one; the file of refused rows holds them all."""


@dataclass
class TableReport:
    """What became, or in a dry run would become, of one table. left_out counts the rows that `where` passes over."""

    entity: str
    file: str
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    left_out: int = 0
    seconds: float = 0.0
    written: bool = False
    refused_file: str = ""


@dataclass(slots=True)
class New:
    """A record to be made. In `values` a relation to a row that is not written yet is the text of its key."""

    line: int
    key: str | None
    values: list[Any]

    def __reduce__(self) -> tuple[Any, ...]:
        return New, (self.line, self.key, self.values)


@dataclass(slots=True)
class Edit:
    """A record to be changed: {place of the field: (old, new)}, and the key it is to be known by from now on."""

    line: int
    pk: int
    version: int
    changes: dict[int, Change]
    adopts: str | None


@dataclass(slots=True)
class Found:
    """A converted row before it is known what it means."""

    line: int
    key: str | None
    values: list[Any]
    original: list[str]
    awaited: list[tuple[str, Keys, str]]


class Contradiction(Exception):
    """Rows that are right one by one and wrong together; nothing of their table is written."""

    def __init__(self, line: int, problems: list[tuple[str, Any, str]]):
        self.line, self.problems = line, problems
        super().__init__()


class Loading:
    """Check first (`check`), write later (`write`); what is to be written waits in a temporary file."""

    def __init__(self, run: Run, plan: TablePlan):
        self.run, self.plan, self.model = run, plan, plan.model
        self.report = TableReport(plan.entity, plan.file)
        self.specs = self._with_currency()
        self.names = list(self.specs)
        self.target = Target(plan.model, self.names, run.plan.source)
        self.cleans = plan.model.clean is not models.Model.clean
        self.approvals = guards.watching(self.target.desk)
        self.related = [i for i, f in enumerate(self.target.fields) if f.is_relation]
        self.refers = any(self.target.fields[i].related_model is plan.model for i in self.related)
        self.fed: set[int] = set()
        self.failed = False
        self.columns: tuple[str, ...] = ()
        self.spool: IO[bytes] = TemporaryFile()  # noqa: SIM115  closed in close()
        self.refused_rows: IO[str] | None = None
        self.waiting: list[Found] = []
        self.withdrawn: set[int] = set()

    def _with_currency(self) -> dict[str, Spec]:
        """The plan's fields; the currency of money that the table does not state is the plan's."""
        specs, known = dict(self.plan.fields), importable(self.model)
        for f in known.values():
            if isinstance(f, MoneyField) and f.name in specs and f.currency not in specs and self.run.plan.currency:
                specs[f.currency] = Spec("const", self.run.plan.currency, f"{self.plan.path}.fields", self.plan.line)
        return specs

    @property
    def stops(self) -> bool:
        """Whether what was found keeps the whole plan from being written."""
        return (self.failed or (self.report.refused > 0 and not self.plan.skip)) and not self.run.partial

    def close(self) -> None:
        self.spool.close()
        if self.refused_rows is not None:
            self.refused_rows.close()

    # Checking

    def check(self) -> None:
        """Convert every row, find what it means, keep what is to be written; refused rows go to their file."""
        began = time.perf_counter()
        self.identity = self.run.keys_of(self.model)
        self.registers = [(by, self.run.keys_of(self.model, by)) for by in self.run.asked_by(self.model)]
        try:
            with rare_collections():
                self._read()
        except PlanProblem as error:
            line = max(self.plan.reading.header, 1) if self.plan.reading else self.plan.line
            asked = f"Line {error.spec.line} of the plan asks for it."
            self._fail(error.message, self.file, line, error.spec.path, f"{error.hint} {asked}".strip())
        except TableError as error:
            file = error.file if isinstance(error, JoinProblem) else self.file
            self._fail(error.message, file, error.line, "", error.hint)
        self.report.seconds += time.perf_counter() - began

    @property
    def file(self) -> str:
        """Where the rows stand, for messages: those written in the plan stand there."""
        return self.plan.file if self.plan.reading else self.run.plan.file

    def _fail(self, message: str, file: str, line: int, path: str, hint: str) -> None:
        """The table cannot be read. Rows elsewhere that name its records are no worse for it."""
        self.failed = True
        self.run.issue(message, file, line, path, hint, "file")
        if self.run.partial:
            return
        try:
            self.identity.planned |= bare_keys(self.plan, self.run.files)
        except (TableError, PlanProblem):
            self.run.incomplete(self.model)

    def _read(self) -> None:
        rows = Rows(self.plan, self.run.files, self.specs, self.target.fields, self.run.keys_of)
        self.columns = rows.names
        self.uniques = [Marks(self.model, self.names, names) for names in unique_sets(self.model, self.names)]
        match = self.plan.match or (() if self.plan.key else default_match(self.plan))
        self.matcher = Marks(self.model, self.names, match) if match else None
        seen: dict[Any, int] = {}
        batch: list[Found] = []
        done = 0
        for line, original in rows:
            done += 1
            try:
                key, values = rows.read(original)
                if not self._repeats(line, key, values, seen):
                    batch.append(Found(line, key, values, original, rows.awaited))
            except LeftOut:
                self.report.left_out += 1
            except Refused as refused:
                self._refuse(line, original, refused.problems, rows.key(original))
            if done % CHUNK == 0:
                self._sort(batch)
                batch = []
                self.run.progress(f"{self.plan.entity} · check", done, max(done, rows.count))
        self._sort(batch)
        self._settle()
        self.run.progress(f"{self.plan.entity} · check", done, done)

    def _repeats(self, line: int, key: str | None, values: list[Any], seen: dict[Any, int]) -> bool:
        """Whether this row repeats an earlier one and may be passed over. Raises Refused where that is a mistake."""
        mark: Any = key if key is not None else self.matcher.of(values) if self.matcher else None
        first = seen.setdefault(mark, line)
        if first == line:
            return False
        if self.plan.distinct:
            return True
        if key is not None:
            raise Refused([("key", key, f"is there twice, first in line {first}")])
        assert self.matcher is not None
        shown = ", ".join(map(str, mark))
        raise Refused([(", ".join(self.matcher.names), shown, f"is there twice, first in line {first}")])

    # What a row means

    def _sort(self, batch: list[Found]) -> None:
        """New, changed or the same: compared with what is stored, checked against the entity's own rules."""
        means: list[tuple[Found, int | None, str | None]] = []
        for found in batch:
            try:
                means.append((found, *self._identify(found)))
            except Refused as refused:
                self._refuse(found.line, found.original, refused.problems, found.key)
        stored = self.target.stored([pk for _found, pk, _adopts in means if pk is not None])
        operations: list[New | Edit] = []
        for found, pk, adopts in means:
            try:
                operation = self._operation(found, pk, adopts, stored)
            except Refused as refused:
                self._refuse(found.line, found.original, refused.problems, found.key)
                continue
            if found.awaited:
                self.waiting.append(found)
            if operation is None:
                self.report.unchanged += 1
            else:
                operations.append(operation)
        if operations:
            pickle.dump(operations, self.spool, pickle.HIGHEST_PROTOCOL)

    def _identify(self, found: Found) -> tuple[int | None, str | None]:
        """(id of the stored record or None, the key it is to be known by from now on)."""
        pk = self.identity.ids.get(found.key) if found.key is not None else None
        if pk is not None or self.matcher is None:
            return pk, None
        pk = self.matcher.find(found.values)
        return pk, found.key if pk is not None else None

    def _operation(
        self, found: Found, pk: int | None, adopts: str | None, stored: dict[int, tuple[int, tuple[Any, ...]]]
    ) -> New | Edit | None:
        for unique in self.uniques:
            unique.claim(found.values, pk, found.line)
        if pk is None:
            self._clean(found.values, None)
            self._register(found.key, found.values)
            self.report.created += 1
            return New(found.line, found.key, found.values)
        version, before = stored[pk]
        pairs = enumerate(zip(before, found.values, strict=True))
        changes = {place: (old, new) for place, (old, new) in pairs if old != new}
        if not changes and adopts is None:
            return None
        self._clean(found.values, pk)
        self._guard(pk, changes)
        self._register(adopts, found.values)
        self.report.changed += 1
        return Edit(found.line, pk, version, changes, adopts)

    def _register(self, key: str | None, values: Sequence[Any]) -> None:
        """Later rows may refer to this one from now on."""
        if key is not None:
            self.identity.planned.add(key)
        for keys, text in self._called(values):
            if text not in keys.ids:
                keys.planned.add(text)

    def _called(self, values: Sequence[Any]) -> Iterator[tuple[Keys, str]]:
        """The values by which others may refer to a record."""
        for by, keys in self.registers:
            if by in self.specs and (value := values[self.names.index(by)]) is not None:
                yield keys, str(value)

    def _clean(self, values: Sequence[Any], pk: int | None) -> None:
        """The entity's own `clean`, where it has one."""
        if not self.cleans:
            return
        record = self.model() if pk is None else self.model._default_manager.get(pk=pk)
        for f, value in zip(self.target.fields, values, strict=True):
            if f.is_relation and isinstance(value, str):
                value = None  # not written yet
            setattr(record, f.attname, decimal_of(f, value) if isinstance(f, ExactField) else value)
        try:
            guards.guard_part(record)
            record.clean()
        except ValidationError as error:
            raise Refused(_problems(error, dict(zip(self.names, values, strict=True)))) from None

    def _guard(self, pk: int, changes: dict[int, Change]) -> None:
        """What waits for an approval, or needs one first, is not imported over."""
        if not self.approvals:
            return
        try:
            guards.guard(self.target.changed(pk, changes), {self.target.fields[place].attname for place in changes})
        except guards.Refused as refused:
            names = ", ".join(self.names[place] for place in changes)
            raise Refused([(names, "", str(refused))]) from None

    def _settle(self) -> None:
        """Rows that name a row of their own table which never came are refused, and those that name these."""
        while True:
            missing = []
            for found in self.waiting:
                for name, keys, text in found.awaited:
                    if text not in keys.planned and text not in keys.ids and not keys.open:
                        missing.append((found, name, keys, text))
                        break
            if not missing:
                return
            for found, name, keys, text in missing:
                reason = f"is no known {keys.model._meta.model_name}"
                self._refuse(found.line, found.original, [(name, text, reason)], found.key)
            self._withdraw({found.line for found, *_rest in missing})
            self.waiting = [found for found in self.waiting if found.line not in self.withdrawn]

    def _withdraw(self, lines: set[int]) -> None:
        for operation in self._operations():
            if operation.line not in lines:
                continue
            if isinstance(operation, Edit):
                self.report.changed -= 1
                continue
            self.report.created -= 1
            if operation.key is not None:
                self.identity.planned.discard(operation.key)
            for keys, text in self._called(operation.values):
                keys.planned.discard(text)
        self.withdrawn |= lines

    def _refuse(
        self, line: int, original: Sequence[str], problems: list[tuple[str, Any, str]], key: str | None
    ) -> None:
        """Count, tell and keep a row that cannot be taken."""
        self.report.refused += 1
        if key is not None and key not in self.identity.planned:
            self.identity.refused.setdefault(key, f"{self.file} line {line}")
        if self.report.refused <= SHOWN:
            self._tell(line, problems)
        elif self.report.refused == SHOWN + 1:
            self.run.issue("more rows are refused; the file of refused rows holds them all", self.file, code="row")
        if self.plan.reading is None:
            return
        if self.refused_rows is None:
            path = self.run.refused_folder / f"{self.plan.number}-{self.plan.file.replace('/', '-')}.refused.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            self.refused_rows = path.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self.refused_rows).writerow([*map(defused, self.columns), *PLACES])
            self.report.refused_file = str(path)
        padded = [*original, *[""] * len(self.columns)][: len(self.columns)]
        fields, values, reasons = zip(*problems, strict=True)
        told = ["; ".join("" if v is None else str(v) for v in several) for several in (fields, values, reasons)]
        csv.writer(self.refused_rows).writerow([defused(v) for v in [*padded, self.plan.file, str(line), *told]])

    def _tell(self, line: int, problems: list[tuple[str, Any, str]]) -> None:
        for name, value, reason in problems:
            path = f"{self.plan.entity}.{name}".rstrip(".")
            if value not in (None, ""):
                reason = f"{_plain(value)} {reason}"
            elif reason.startswith(("is ", "has ")):
                reason = f"the value {reason}"
            self.run.issue(reason, self.file, line, path, code="row")

    # Writing

    def _operations(self) -> Iterator[New | Edit]:
        self.spool.seek(0)
        while True:
            try:
                yield from pickle.load(self.spool)
            except EOFError:
                return

    def write(self) -> bool:
        """Write the table in one transaction. False when it could not be; then nothing of it is there."""
        if self.failed:
            return True
        began = time.perf_counter()
        try:
            with rare_collections(), transaction.atomic():
                self._write()
            self.report.written = True
        except Contradiction as error:
            self._tell(error.line, error.problems)
        except Changed:
            hint = "Nothing of it was written; run the plan again."
            self.run.issue("somebody changed these records meanwhile", self.file, hint=hint, code="write")
        except DatabaseError as error:
            self.run.issue(f"the table was not written: {error}", self.file, code="write")
        self.report.seconds += time.perf_counter() - began
        return self.report.written

    def _write(self) -> None:
        ids = self.target.allocate(self.report.created) if self.report.created else []
        if self.refers:
            self._number(iter(ids))
        fresh, total, done = iter(ids), self.report.created + self.report.changed, 0
        new: list[tuple[int, str | None, Sequence[Any], str]] = []
        edits: list[tuple[int, int, dict[int, Change], str | None, str]] = []
        lines: dict[int, int] = {}
        for operation in self._standing():
            note = f"{self.run.plan.source} {self.plan.file}:{operation.line}"
            if isinstance(operation, New):
                pk, values = next(fresh), operation.values
                for place in self.related:
                    values[place] = self._id(place, values[place])
                new.append((pk, operation.key, values, note))
            else:
                pk = operation.pk
                changes = {place: (old, self._id(place, value)) for place, (old, value) in operation.changes.items()}
                edits.append((pk, operation.version, changes, operation.adopts, note))
            if not self.refers:
                self._place(operation, pk)
            if self.cleans:
                lines[pk] = operation.line
            if len(new) + len(edits) == WRITTEN:
                done += self._flush(new, edits)
                new, edits = [], []
                self.run.progress(f"{self.plan.entity} · write", done, total)
        done += self._flush(new, edits)
        self.run.progress(f"{self.plan.entity} · write", done, total)
        self.target.analyze(done)
        self._derive()
        self._clean_together(lines)

    def _standing(self) -> Iterator[New | Edit]:
        return (operation for operation in self._operations() if operation.line not in self.withdrawn)

    def _number(self, ids: Iterator[int]) -> None:
        """Every new row gets its id before the first is written where rows of one table may name each other."""
        for operation in self._standing():
            self._place(operation, next(ids) if isinstance(operation, New) else operation.pk)

    def _place(self, operation: New | Edit, pk: int) -> None:
        """Rows that name this one find its id from now on."""
        key = operation.key if isinstance(operation, New) else operation.adopts
        if key is not None:
            self.identity.ids[key] = pk
        if not self.registers:
            return
        values: Sequence[Any] = operation.values if isinstance(operation, New) else [None] * len(self.names)
        if isinstance(operation, Edit):
            values = [operation.changes.get(place, (None, None))[1] for place in range(len(self.names))]
        for keys, text in self._called(values):
            keys.ids.setdefault(text, pk)

    def _id(self, place: int, value: Any) -> Any:
        """The id behind the key of a row that has been written since the check."""
        f = self.target.fields[place]
        if not isinstance(value, str) or not f.is_relation:
            return value
        pk = self.run.keys_of(f.related_model, self.specs[f.name].by).ids.get(value)
        if pk is None:
            raise DatabaseError(f"{f.name} {value!r} was not written")
        return pk

    def _flush(self, new: list[Any], edits: list[Any]) -> int:
        self.target.insert(new)
        self.target.update(edits)
        ids = [row[0] for row in (*new, *edits)]
        if ids and self.target.derives:
            place = next((i for i, f in enumerate(self.target.fields) if f.name == self.model.FEEDS), None)
            left = {changes[place][0] for _pk, _version, changes, *_rest in edits if place in changes} - {None}
            self.fed |= self.model.fed(ids) | left
        return len(ids)

    def _derive(self) -> None:
        """What the written rows keep up elsewhere, once for all of them."""
        fed = sorted(self.fed)
        for start in range(0, len(fed), CHUNK):
            self.model.derive(set(fed[start : start + CHUNK]))

    def _clean_together(self, lines: dict[int, int]) -> None:
        """Now that all rows stand beside each other, `clean` sees what the check of one alone could not: overlaps."""
        ids = list(lines)
        for start in range(0, len(ids), CHUNK):
            for record in self.model._default_manager.filter(pk__in=ids[start : start + CHUNK]):
                try:
                    record.clean()
                except ValidationError as error:
                    raise Contradiction(lines[record.pk], _problems(error, {})) from None


_calm = Lock()
_calmed: list[tuple[int, int, int]] = []
_SELDOM = 200_000


@contextmanager
def rare_collections() -> Iterator[None]:
    """While thousands of rows are in hand, to look through them for cycles that they do not have costs a sixth of the
    time. Several imports of one process may overlap: the last one out puts things back."""
    with _calm:
        _calmed.append(_calmed[0] if _calmed else gc.get_threshold())
        gc.set_threshold(_SELDOM, *_calmed[0][1:])
    try:
        yield
    finally:
        with _calm:
            before = _calmed.pop()
            if not _calmed:
                gc.set_threshold(*before)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else repr(value)


def _problems(error: ValidationError, values: dict[str, Any]) -> list[tuple[str, Any, str]]:
    if not hasattr(error, "error_dict"):
        return [("", "", " ".join(error.messages))]
    return [(name, values.get(name, ""), " ".join(messages)) for name, messages in error.message_dict.items()]

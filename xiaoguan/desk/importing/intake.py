"""Taking the rows of a draft in: what each means, what its reader may do with it, and writing it.

The same pass serves the preview, which writes nothing, and the job, which writes each batch of rows in one step with
the line that it came to. So a job that was killed goes on behind the last line that stands. Whoever imports can do no
more than on the pages: fields, records and relations are those that they may write and see.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.utils.translation import gettext as _

from xiaoguan.desk import duplicates
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals import guards
from xiaoguan.desk.bulk import Target, decimal_of
from xiaoguan.desk.cells import formatter, money_text
from xiaoguan.desk.fields import ExactField, MoneyField
from xiaoguan.desk.importing import values as cells
from xiaoguan.desk.importing.draft import ImportDraft, Rule
from xiaoguan.desk.importing.headers import FIRST_NAME, KEY, LAST_NAME
from xiaoguan.desk.importing.reading import Listed, Named, Unreadable
from xiaoguan.desk.importing.values import NOTHING, Finder, Ways
from xiaoguan.desk.keys import unique_sets
from xiaoguan.desk.paths import resolve
from xiaoguan.desk.records import Record
from xiaoguan.desk.rows import LONGEST_KEY
from xiaoguan.desk.tables import TableError
from xiaoguan.desk.transfer import defused

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()
"""The cell is empty: on a new record the field's default, on one that is there what stands there."""
STEP = 10_000
"""Rows a step: the search table is merged and the log written less often than with fewer."""
SAMPLE = 1_000
SHOWN = 30
DOUBLES = 200
REASONS = 20
KINDS = ("created", "changed", "unchanged", "skipped", "refused")
Problem = tuple[str, str, str]


@dataclass(slots=True)
class Row:
    """One row: what is in it, and what becomes of it (one of KINDS)."""

    line: int
    cells: list[str]
    key: str | None = None
    values: list[Any] = field(default_factory=list)
    what: str = "created"
    pk: int | None = None
    version: int = 0
    changes: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    adopts: str | None = None
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, name: str, value: Any, reason: str) -> None:
        self.what = "refused"
        self.problems.append((name, "" if value is None or value is ABSENT else str(value), reason))


@dataclass
class Tally:
    """What became, or would become, of the rows: how many of each kind, and some of them to look at."""

    counts: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    doubles: list[dict[str, Any]] = field(default_factory=list)
    alike: list[dict[str, Any]] = field(default_factory=list)
    alike_count: int = 0
    unknown: dict[str, Counter[str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "counts": {kind: self.counts[kind] for kind in KINDS},
            "rows": self.rows,
            "reasons": self.reasons.most_common(REASONS),
            "doubles": self.doubles,
            "alike": self.alike,
            "alike_count": self.alike_count,
            "unknown": {name: texts.most_common(50) for name, texts in self.unknown.items()},
        }


class Column:
    """One field that the file fills: the places of its cells, and how a text becomes a value."""

    def __init__(self, field_: models.Field[Any, Any], label: str, places: Sequence[int], fixed: str, read: cells.Read):
        self.field, self.name, self.label, self.read = field_, field_.name, label, read
        self.places, self.fixed = tuple(places), fixed
        self.joins = isinstance(field_, models.TextField)

    def text(self, row: Sequence[str]) -> str:
        """The first cell that is filled; of a long text all that are."""
        found = [row[place] for place in self.places if row[place] not in NOTHING]
        return "\n".join(found) if self.joins else found[0] if found else self.fixed


class PersonName(Column):
    """A name in two columns, where it stands in none as a whole: 林 静 is 林静, Ann Lee keeps its blank."""

    parts: tuple[int, int] = (-1, -1)

    def text(self, row: Sequence[str]) -> str:
        if whole := super().text(row):
            return whole
        last, first = (row[place] if place >= 0 and row[place] not in NOTHING else "" for place in self.parts)
        chinese = last[:1] >= "\u3400" and first[:1] >= "\u3400"
        return f"{last}{first}" if chinese else f"{first} {last}".strip()


class Known:
    """Records by the values of a few fields: those that `rows` gives, and those that were just made."""

    def __init__(self, rows: models.QuerySet[Any], fields: Sequence[models.Field[Any, Any]], places: Sequence[int]):
        self.places = tuple(places)
        self.label = ", ".join(str(f.verbose_name) for f in fields)
        self.ids: dict[tuple[Any, ...], int | None] = {}
        for pk, *found in rows.values_list("pk", *(f.attname for f in fields)).iterator():
            self.add(tuple(cells.stored(f, v) for f, v in zip(fields, found, strict=True)), pk)

    def of(self, row: Sequence[Any]) -> tuple[Any, ...] | None:
        """The values by which this row is known; None when one of them is missing."""
        mark = tuple(row[place] for place in self.places)
        return None if any(v is ABSENT or v in (None, "") for v in mark) else mark

    def add(self, mark: tuple[Any, ...], pk: int) -> None:
        self.ids[mark] = None if self.ids.get(mark, pk) != pk else pk


class Intake:
    """One draft on its way in. Raises PermissionDenied and Unreadable where nothing at all can be done."""

    def __init__(self, draft: ImportDraft, viewer: Viewer):
        self.draft, self.viewer, self.desk = draft, viewer, draft.desk
        self.model: type[Record] = self.desk.model
        if not self.desk.may_create(viewer):
            raise PermissionDenied(
                _("You may not create this: %(who)s may.") % {"who": (self.desk.create or self.desk.write).words()}
            )
        self.table: Named | Listed = draft.table()
        self.width = len(self.table.columns)
        self.columns = self._columns()
        if not self.columns:
            raise Unreadable(_("No column of the file has a field yet."))
        self._prepare()

    # What the columns are

    def _columns(self) -> list[Column]:
        draft, places = self.draft, {name: i for i, name in enumerate(self.table.columns)}
        by_field: dict[str, list[int]] = {}
        for column, target in draft.mapping.items():
            if column in places:
                by_field.setdefault(target, []).append(places[column])
        self.key_place = by_field.pop(KEY, [-1])[0]
        last, first = (by_field.pop(target, [-1])[0] for target in (LAST_NAME, FIRST_NAME))
        parted = max(last, first) >= 0
        self.ways = self._ways(by_field)
        allowed, self.writable = self.desk.fillable(self.viewer), self.desk.writable(self.viewer)
        names = [n for n in allowed if n in by_field or n in draft.fixed or (n == "name" and parted)]
        made = [self._column(n, by_field.get(n, []), PersonName if n == "name" and parted else Column) for n in names]
        for column in made:
            if isinstance(column, PersonName):
                column.parts = last, first
        return made

    def _column(self, name: str, places: Sequence[int], kind: type[Column]) -> Column:
        f = self.model._meta.get_field(name)
        read = cells.reads(f, self.ways, self.viewer, self.draft.source, self.draft.values.get(name, {}))
        return kind(f, str(f.verbose_name), places, self.draft.fixed.get(name, ""), read)

    def _ways(self, by_field: dict[str, list[int]]) -> Ways:
        """How days and numbers are written, found out from the first rows where nobody said."""
        days, numbers = [], []
        for name, places in by_field.items():
            f = self.model._meta.get_field(name)
            days += places if isinstance(f, models.DateField) else []
            numbers += places if isinstance(f, models.BigIntegerField) and not f.is_relation else []
        sample = [row for _n, (_line, row) in zip(range(SAMPLE), self._raw(), strict=False)]
        said = self.draft.dates or cells.order_of(_texts(sample, days))
        return Ways(said, self.draft.numbers or cells.number_style(_texts(sample, numbers)))

    def _prepare(self) -> None:
        """What new records have besides, and who is known already."""
        mapped = [column.field for column in self.columns]
        fresh, given = self.model(), self.model()
        self.desk.prepare(given, self.viewer)
        others = [f for f in self.model._meta.concrete_fields if f not in mapped and f.name not in Record.BOOKKEEPING]
        extra = [f for f in others if getattr(given, f.attname) != getattr(fresh, f.attname)]
        self.extra = [cells.stored(f, getattr(given, f.attname)) for f in extra]
        self.defaults = [cells.stored(f, getattr(given, f.attname)) for f in mapped]
        self.fields = [*mapped, *extra]
        self.names = [f.name for f in self.fields]
        self.lacking = [
            f for f in others if f not in extra and f.editable and not (f.null or f.has_default() or f.blank)
        ]
        self.target = Target(self.model, self.names, self.draft.source)
        self.relations = [i for i, f in enumerate(self.fields) if f.is_relation]
        self.cleans = self.model.clean is not models.Model.clean
        self.approvals = guards.watching(self.desk)
        self._rights: dict[tuple[Any, ...], bool] = {}
        self._known()

    def _known(self) -> None:
        visible = self.desk.visible(self.viewer)
        by_name = {f.name: f for f in self.fields}
        names = [name for name in self.draft.match if name in by_name]
        self.match = None
        if names and len(names) == len(self.draft.match):
            places = [self.names.index(name) for name in names]
            self.match = Known(visible, [by_name[name] for name in names], places)
        rows = visible.filter(source=self.draft.source, external_id__isnull=False)
        self.keys = dict(rows.values_list("external_id", "pk").iterator()) if self.key_place >= 0 else {}
        everything = self.model._default_manager.all()
        self.numbers = [n for n in self.desk.duplicates if n in by_name and duplicates.kind_of(n) == duplicates.TAX]
        alone = [] if self.desk.repeats.always(self.viewer) else [(n,) for n in self.numbers]
        self.uniques = [
            Known(everything, [by_name[n] for n in names], [self.names.index(n) for n in names])
            for names in (*unique_sets(self.model, self.names), *alone)
        ]
        self.keyed = {pk: key for key, pk in self.keys.items()}
        self.taken: set[str] = set()
        if self.key_place >= 0:
            taken = everything.filter(source=self.draft.source, external_id__isnull=False)
            self.taken = set(taken.values_list("external_id", flat=True).iterator()) - self.keys.keys()
        self.seen: dict[Any, int] = {}

    # The rows

    def _raw(self) -> Iterator[tuple[int, list[str]]]:
        width = self.width
        try:
            for line, row in self.table.rows():
                row = [_bare(cell) for cell in row]
                yield line, row + [""] * (width - len(row)) if len(row) < width else row
        except TableError as error:
            raise Unreadable(f"{error.message}. {error.hint}".strip()) from error

    def batches(self, size: int) -> Iterator[list[Row]]:
        """The rows, each read as far as it can be told without the database."""
        batch: list[Row] = []
        for line, raw in self._raw():
            batch.append(self.read(line, raw))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def read(self, line: int, raw: list[str]) -> Row:
        row = Row(line, raw)
        if any(raw[self.width :]):
            row.refuse("", len(raw), _("cells are in the row; there are %(n)d columns") % {"n": self.width})
            return row
        for column in self.columns:
            text = column.text(raw)
            try:
                value = column.read(text) if text else None
            except ValueError as error:
                row.refuse(column.name, text, str(error))
                value = None
            if column.name in self.numbers and (
                why := duplicates.impossible(column.name, duplicates.plain(column.name, text))
            ):
                row.refuse(column.name, text, why)
            row.values.append(ABSENT if value is None else value)
        if self.key_place >= 0:
            row.key = raw[self.key_place] or None
            if row.key and len(row.key) > LONGEST_KEY:
                row.refuse(
                    "", row.key, _("has %(long)d characters; %(fit)d fit") % {"long": len(row.key), "fit": LONGEST_KEY}
                )
        return row

    def repeats(self, row: Row) -> None:
        """Refuse a row that says again what an earlier one said, where rows are recognised at all."""
        rule = self.draft.decisions.get(str(row.line), self.draft.rule)
        mark = row.key or (self.match.of(row.values) if self.match and rule != Rule.CREATE else None)
        if mark is None or row.what == "refused":
            return
        first = self.seen.setdefault(mark, row.line)
        if first != row.line:
            shown = row.key or ", ".join(map(cells.shown, mark))
            row.refuse("", shown, _("is there twice, first in line %(line)d") % {"line": first})

    # What a row means

    def decide(self, batch: list[Row]) -> None:
        """New, changed, the same, passed over or refused, for every row that could be read."""
        rows = [row for row in batch if row.what != "refused"]
        for row in (r for r in batch if len(r.values) == len(self.columns)):
            self._identify(row)
            if row.what == "refused" and row.pk is None:
                self._missing(row)  # whoever mends a row wants to know all of it
        there = [row.pk for row in rows if row.pk is not None]
        stored = self.target.stored(there) if there else {}
        self.known = self.model._default_manager.in_bulk(there) if self.cleans and there else {}
        writable = self._writable(there)
        for row in rows:
            if row.what == "refused":
                continue
            if row.pk is None and self.draft.decisions.get(str(row.line)) == Rule.SKIP:
                row.what = "skipped"
            elif row.pk is None:
                self._create(row)
            elif self._rule(row) == Rule.SKIP:
                row.what = "skipped"
            elif row.pk not in writable:
                row.refuse("", "", _("You may not change this: %(who)s may.") % {"who": self.desk.write.words()})
            else:
                row.version = stored[row.pk][0]
                self._update(row, stored[row.pk][1])

    def _rule(self, row: Row) -> str:
        return str(self.draft.decisions.get(str(row.line), self.draft.rule))

    def _identify(self, row: Row) -> None:
        if row.key is not None:
            row.pk = self.keys.get(row.key)
            if row.key in self.taken:
                row.refuse("", row.key, _("belongs to a record that you may not see"))
        if row.pk is None and self.match is not None and self._rule(row) != Rule.CREATE:
            self._match(row, self.match)

    def _match(self, row: Row, match: Known) -> None:
        """By what the row says. A record that has another id in the other system already is another record."""
        mark = match.of(row.values)
        if mark is None or mark not in match.ids:
            return
        pk = match.ids[mark]
        if row.key is None and pk is None:
            row.refuse(match.label, ", ".join(map(cells.shown, mark)), _("fits several records"))
        elif pk is not None and (row.key is None or self.keyed.setdefault(pk, row.key) == row.key):
            row.pk, row.adopts = pk, row.key

    def _writable(self, ids: list[int]) -> set[int]:
        if not ids or self.desk.write.always(self.viewer):
            return set(ids)
        rows = self.model._default_manager.filter(self.desk.write.q(self.viewer), pk__in=ids)
        return set(rows.values_list("pk", flat=True))

    def _missing(self, row: Row) -> None:
        """Give a new record its defaults, and refuse it for what it cannot do without."""
        told = {name for name, _value, _reason in row.problems}
        for place, column in enumerate(self.columns):
            if row.values[place] is ABSENT:
                row.values[place] = self.defaults[place]
                lacks = self.defaults[place] in (None, "") and not self._may_lack(column.field)
                if lacks and column.name not in told:
                    row.refuse(column.name, "", _("is missing"))
        for f in self.lacking:
            row.refuse(f.name, "", _("is missing"))

    def _create(self, row: Row) -> None:
        self._missing(row)
        if row.what == "refused":
            return
        row.values.extend(self.extra)
        if not self._may_keep(row.values):
            row.refuse("", "", _("You may only keep this for yourself or for people you are responsible for."))
        self._agree(row, row.values)

    @staticmethod
    def _may_lack(f: models.Field[Any, Any]) -> bool:
        return f.null or (f.blank and isinstance(f, models.CharField | models.TextField))

    def _update(self, row: Row, before: Sequence[Any]) -> None:
        after = list(before)
        for place, column in enumerate(self.columns):
            value = row.values[place]
            if value is ABSENT:
                if not self.draft.clears or not self._may_lack(column.field):
                    continue
                value = None if column.field.null else ""
            if before[place] == value or not self._may_change(row, column):
                continue
            after[place] = value
            row.changes[place] = (before[place], value)
        if row.what == "refused":
            return
        row.what = "changed" if row.changes or row.adopts is not None else "unchanged"
        if row.what == "unchanged":
            return
        moved = [self.names[place] for place in row.changes if place in self.relations]
        if moved and not ("owner" in moved or self._may_keep(after)):
            row.refuse("", "", _("You may only keep this for yourself or for people you are responsible for."))
        self._guard(row)
        self._agree(row, after)

    def _may_change(self, row: Row, column: Column) -> bool:
        """Whether a record that is there may get another value here. What is masked stays as it is without a word,
        which would tell that it differs."""
        if self.desk.mover(column.name):
            row.refuse(column.name, column.text(row.cells), self.desk.moved_by(column.name))
        return column.name in self.writable

    def _guard(self, row: Row) -> None:
        """What waits for an approval, or needs one first, is not imported over."""
        touched = {self.fields[place].attname for place in row.changes}
        if row.pk is None or all(a.attnames(self.model).isdisjoint(touched) for a in self.approvals):
            return
        try:
            guards.guard(self.target.changed(row.pk, row.changes), touched)
        except guards.Refused as refused:
            row.refuse("", "", str(refused))

    def _may_keep(self, after: Sequence[Any]) -> bool:
        """Whether the viewer may create a record with these relations; asked once for each set of them."""
        rule = self.desk.create or self.desk.write
        mark = tuple(after[place] for place in self.relations)
        if mark not in self._rights:
            record = self.model()
            for place in self.relations:
                setattr(record, self.fields[place].attname, after[place])
            self._rights[mark] = rule.always(self.viewer) or rule.allows(self.viewer, record)
        return self._rights[mark]

    def _agree(self, row: Row, after: Sequence[Any]) -> None:
        """What must be there once only, and the entity's own `clean`."""
        for unique in self.uniques:
            mark = unique.of(after)
            if mark is not None and unique.ids.get(mark, row.pk) not in (row.pk, -row.line):
                row.refuse(unique.label, ", ".join(map(cells.shown, mark)), _("is taken by another record"))
            elif mark is not None and row.pk is None and row.what != "refused":
                unique.add(mark, -row.line)
        if not self.cleans or row.what == "refused":
            return
        record = self.known[row.pk] if row.pk else self.model()
        for f, value in zip(self.fields, after, strict=True):
            setattr(record, f.attname, f.from_db_value(value, None, None) if hasattr(f, "from_db_value") else value)
        try:
            guards.guard_part(record)
            record.clean()
        except ValidationError as error:
            told = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
            for name, messages in told.items():
                row.refuse(name, "", " ".join(messages))

    # Writing

    def write(self, batch: list[Row]) -> None:
        """Create and change; in the caller's transaction. Raises Changed when somebody else was faster."""
        new = [row for row in batch if row.what == "created"]
        ids = self.target.allocate(len(new)) if new else []
        note = self.draft.name
        for row, pk in zip(new, ids, strict=True):
            row.pk = pk
        self.target.insert([(row.pk, row.key, row.values, f"{note}:{row.line}") for row in new])
        edits = [row for row in batch if row.what == "changed"]
        self.target.update([(row.pk, row.version, row.changes, row.adopts, f"{note}:{row.line}") for row in edits])
        self._derive(new, edits)

    def _derive(self, new: list[Row], edits: list[Row]) -> None:
        if not self.target.derives or not (new or edits):
            return
        place = next((i for i, name in enumerate(self.names) if name == self.model.FEEDS), -1)
        left = {row.changes[place][0] for row in edits if place in row.changes} - {None}
        self.model.derive(self.model.fed([row.pk for row in (*new, *edits) if row.pk is not None]) | left)

    def remember(self, batch: list[Row]) -> None:
        """What was written is known to the rows that follow."""
        for row in batch:
            if row.what != "created" or row.pk is None:
                continue
            if row.key:
                self.keys[row.key] = row.pk
                self.keyed[row.pk] = row.key
            if self.match is not None and (mark := self.match.of(row.values)) is not None:
                self.match.add(mark, row.pk)
            self.announce(row, row.pk)

    def announce(self, row: Row, pk: int) -> None:
        """A new record can be named by the rows behind it, where records of the entity name each other."""
        for column in self.columns:
            finder = column.read.finder
            if isinstance(finder, Finder) and finder.model is self.model:
                finder.add(row.key, self._title(row), pk)

    # Telling

    def tell(self, batch: list[Row], tally: Tally) -> None:
        for row in batch:
            tally.counts[row.what] += 1
            if len(tally.rows) < SHOWN or (row.what == "refused" and len(tally.rows) < 2 * SHOWN):
                tally.rows.append(self._told(row))
            if row.what == "refused":
                self._tell_problems(row, tally)
            elif (
                row.pk is not None
                and row.what != "created"
                and len(tally.doubles) < DOUBLES
                and row.key not in self.keys
            ):
                tally.doubles.append({"line": row.line, "pk": row.pk, "what": row.what, "title": self._title(row)})

    def tell_alike(self, batch: list[Row], tally: Tally) -> None:
        """New rows that say the same as a record of this kind or another: a lead that is a customer already."""
        rows = [row for row in batch if row.pk is None and row.what in ("created", "skipped")]
        if not self.desk.duplicates or not rows:
            return
        found = duplicates.find_exact(self.desk, self.viewer, [self._said(row) for row in rows])
        tally.alike_count += len(found)
        for place, match in sorted(found.items())[: DOUBLES - len(tally.alike)]:
            tally.alike.append(
                {
                    "line": rows[place].line,
                    "title": self._title(rows[place]),
                    "entity": match.desk.key,
                    "pk": match.pk if match.readable else None,
                    "there": match.title,
                    "owner": match.owner_id,
                    "fields": match.fields,
                }
            )

    def _said(self, row: Row) -> dict[str, Any]:
        """What a row says for the comparison: texts, and the ids of what it belongs to."""
        told = zip(self.columns, row.values, strict=False)
        return {column.name: value for column, value in told if value is not ABSENT}

    def _tell_problems(self, row: Row, tally: Tally) -> None:
        relations = {c.name for c in self.columns if c.field.is_relation or c.field.flatchoices or c.name == "stage"}
        for name, value, reason in row.problems:
            tally.reasons[self._sentence(name, "", reason)] += 1
            if name in relations and value:
                tally.unknown.setdefault(name, Counter())[value] += 1

    def _told(self, row: Row) -> dict[str, Any]:
        said = [self._sentence(*problem) for problem in row.problems]
        changes = {self.names[place]: [self._shown(place, v) for v in pair] for place, pair in row.changes.items()}
        return {
            "line": row.line, "what": row.what, "cells": row.cells[: self.width], "why": said, "changes": changes,
        }  # fmt: skip

    def _shown(self, place: int, value: Any) -> str:
        """A stored value in the words of the page."""
        f = self.fields[place]
        if f.is_relation and value is not None:
            return str(f.related_model._default_manager.filter(pk=value).first() or value)
        if isinstance(f, ExactField) and value is not None:
            value = decimal_of(f, value)
        if isinstance(f, MoneyField):
            return money_text(value)
        return "" if value in (None, "") else formatter(resolve(self.model, f.name))(value)

    def _title(self, row: Row) -> str:
        place = next((i for i, c in enumerate(self.columns) if c.name == self.desk.title_field), 0)
        return self.columns[place].text(row.cells)

    def _sentence(self, name: str, value: str, reason: str) -> str:
        label = next((c.label for c in self.columns if c.name == name), None)
        label = label or next((str(f.verbose_name) for f in self.lacking if f.name == name), name)
        quoted = _("“%(text)s”") % {"text": value[:60]} if value else ""
        told = f"{quoted} {reason}".strip()
        return _("%(field)s: %(problem)s") % {"field": label, "problem": told} if label else told

    def size(self) -> int:
        """Rows a step. Where rows may name each other, each must be there before the next is read."""
        return 1 if any(column.field.related_model is self.model for column in self.columns) else STEP


def _bare(cell: str) -> str:
    """Without outer blanks, and without the quote that keeps a spreadsheet from taking it for a formula."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in "=+-@'" and cell[1:] else cell


def _texts(sample: list[list[str]], places: Sequence[int]) -> Iterator[str]:
    return (row[place] for row in sample for place in places if row[place])


def preview(draft: ImportDraft, viewer: Viewer, progress: Callable[[int, int], None] | None = None) -> Tally:
    """What would become of every row; nothing is written."""
    intake, tally, done = Intake(draft, viewer), Tally(), 0
    total = intake.table.count()
    for batch in intake.batches(intake.size()):
        for row in batch:
            intake.repeats(row)
        intake.decide(batch)
        intake.tell(batch, tally)
        intake.tell_alike(batch, tally)
        done += len(batch)
        if progress:
            progress(done, max(done, total))
        for row in batch:  # rows that name one of their own table find it
            if row.what == "created":
                intake.announce(row, -row.line)
    return tally


class RefusedFile:
    """The rows that were refused, with their reasons, as a table that can be mended and imported again."""

    def __init__(self, path: Path, columns: Sequence[str], size: int):
        mode, encoding = ("r+", "utf-8") if size else ("w", "utf-8-sig")
        self.file: IO[str] = path.open(mode, encoding=encoding, newline="")
        self.writer, self.columns = csv.writer(self.file), columns
        if size:  # what a killed worker wrote behind its last step goes again
            self.file.truncate(size)
            self.file.seek(size)
        else:
            self.writer.writerow([*map(defused, columns), _("line"), _("reason")])

    def add(self, rows: Sequence[Row], intake: Intake) -> int:
        """Returns the size of the file behind these rows."""
        for row in rows:
            said = "; ".join(intake._sentence(*problem) for problem in row.problems)
            kept = [*row.cells, *[""] * len(self.columns)][: len(self.columns)]
            self.writer.writerow([defused(cell) for cell in (*kept, str(row.line), said)])
        self.file.flush()
        return self.file.tell()

    def close(self) -> None:
        self.file.close()

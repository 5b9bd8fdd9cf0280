"""事实文件夹 a folder of facts: CSV or Parquet files become a world, or the issues that stand in the way.

One file for each fact table (orders.csv, payments.parquet, ...) and the files beside them: people, assignments, splits,
goals, grades, ratings, rates, ledger, potential. A column that is not needed may be left out; a value that cannot be
read is an issue with file, row, column, value and what would be right. docs/reference/calc.md describes every file.
"""

from __future__ import annotations

import csv
import io
import re
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from xiaoguan.base.issues import Issue, Level, has_errors
from xiaoguan.base.ledger import KINDS, Entry
from xiaoguan.base.money import Money, parse_units
from xiaoguan.base.periods import Period
from xiaoguan.base.words import closest, did_you_mean, plain_number

from .appraisal import Rating
from .check import check
from .credit import rates
from .document import Policy
from .forecast import Foreseen, Kept
from .formula import Duration, Row, Type, names
from .goals import Absence, Number
from .load import load_text, read_number
from .metrics import FACTS, PlanError, Schema, plan
from .needs import COLUMNS, Need, columns_of, leaves_of, metrics_of_pay, needs
from .uncounted import people_fields, uncounted
from .world import Book, RowsWorld, Span, Term, Who

_PERSON = COLUMNS["people"]
_HELD = ("role", "team", "manager")
_HEADS = {"order": "orders", "invoice": "invoices"}
"""Fields that name the record whose people a record without its own has."""
_ALIASES = {"owner": "person", "owner_id": "person", "person_id": "person"}


@dataclass
class Folder:
    """What was read: the world, everybody in it, ratings by (appraisal, person, period label), and the issues."""

    world: RowsWorld
    people: Mapping[str, Who]
    ratings: Mapping[tuple[str, str, str], Mapping[str, Sequence[Rating]]]
    potential: Mapping[str, Mapping[str, Fraction]]
    issues: list[Issue] = field(default_factory=list)

    def at_close(self, policy: Policy, period: Period) -> RowsWorld:
        """The world without what happened by a period's end and was recorded after its close, by `recorded_at` and
        `calendar.close`; the world itself where nothing was."""
        close, world = policy.calendar_section.close, self.world
        if close is None or close.due is None:
            return world
        last, zone = _closed_on(policy, period, close.due), zoneinfo.ZoneInfo(policy.header.timezone)

        def late(row: Row) -> bool:
            if not row.get("recorded_at") or not any(
                isinstance(day, date) and day < period.end for day in row.values()
            ):
                return False
            moment = datetime.fromisoformat(str(row["recorded_at"]))
            return (moment.astimezone(zone) if moment.tzinfo else moment).date() > last

        tables = {name: [row for row in rows if not late(row)] for name, rows in world.tables.items()}
        if all(len(rows) == len(world.tables[name]) for name, rows in tables.items()):
            return world
        return RowsWorld(policy, tables, world.goals, world.schema, world.book)


def _closed_on(policy: Policy, period: Period, due: Duration) -> date:
    """The day on which a period closes: so long after its last day."""
    at = period.end - timedelta(days=1)
    if due.unit != "wd":
        return due.after(at)
    left = due.count
    while left > 0:
        at += timedelta(days=1)
        left -= policy.calendar.is_working_day(at)
    return at


@dataclass
class _Table:
    """Rows of a file as text, with the number of the line each stands in."""

    file: str
    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]


def read_folder(policy: Policy, folder: str | Path, schema: Schema = FACTS) -> Folder:
    """The facts of a folder for a policy."""
    return _Reading(policy, Path(folder), schema).folder_()


def examine_with(text: str, folder: str | Path, file: str = "") -> tuple[Policy | None, list[Issue]]:
    """A document checked against the facts of a folder: its own issues, then those of the files for it."""
    policy, issues = load_text(text, file)
    if policy is None:
        return None, issues
    return policy, [*issues, *check(policy), *read_folder(policy, folder).issues]


class _Reading:
    def __init__(self, policy: Policy, folder: Path, schema: Schema) -> None:
        self.policy, self.path, self.schema = policy, folder, schema
        self.issues: list[Issue] = []
        try:
            self.zone: zoneinfo.ZoneInfo | None = zoneinfo.ZoneInfo(policy.header.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            self.zone = None

    def folder_(self) -> Folder:
        tables: dict[str, _Table] = {}
        for table in self.files():
            name = table.file.rsplit(".", 1)[0]
            if name in tables:
                message = f"there are {tables[name].file} and {table.file}, and a table is one file"
                self.report(table, 0, message, "Keep one of them.")
            tables[name] = table
        facts = {name: self.fact(name, table) for name, table in tables.items() if name in self.schema.facts}
        for name, table in tables.items():
            if name not in self.schema.facts and name not in COLUMNS:
                known = [*self.schema.facts, *COLUMNS]
                hint = did_you_mean(name, known) or f"Files are named {', '.join(sorted(known))}."
                self.report(table, 0, f"the file {table.file} is not one of the facts", hint, "warning")
        self.needed(facts, tables)
        self.inherit(facts)
        people = self.people(tables.get("people"), tables.get("assignments"), facts)
        goals = self.goals(tables.get("goals"))
        book = Book(
            people,
            list(self.splits(tables.get("splits"))),
            list(self.grades(tables.get("grades"))),
            list(self.rates(tables.get("rates"))),
            list(self.ledger(tables.get("ledger"))),
            self.absences(tables.get("absences")),
            self.forecasts(tables.get("forecasts")),
            self.stays(tables.get("stages")),
        )
        ratings = self.ratings(tables.get("ratings"))
        self.known_people(book, facts, goals, ratings)
        self.known_groups(tables.get("people"), people, goals, book.absences)
        world = RowsWorld(self.policy, facts, goals, self.schema, book)
        if not has_errors(self.issues):
            rate = rates(self.policy, world, "attainment")
            self.issues.extend(uncounted(self.policy, self.schema, facts, book, rate))
        return Folder(world, people, ratings, self.potential(tables.get("potential")), self.issues)

    def report(
        self, table: _Table | str, line: int, message: str, hint: str = "", level: Level = "error", column: str = ""
    ) -> None:
        file = table if isinstance(table, str) else table.file
        self.issues.append(Issue(level, message, hint, file, line, column, "facts.value"))

    # Files

    def files(self) -> Iterator[_Table]:
        if not self.path.is_dir():
            self.report(
                str(self.path), 0, "there is no such folder", "Give the folder that holds people.csv and the facts."
            )
            return
        for file in sorted(self.path.iterdir()):
            if file.name.startswith(".") or not file.is_file():
                continue
            if file.suffix.lower() == ".csv":
                yield self.csv(file)
            elif file.suffix.lower() == ".parquet":
                yield self.parquet(file)
            elif file.suffix not in (".md", ".txt", ".yaml", ".yml"):
                self.report(file.name, 0, f"{file.name} is neither CSV nor Parquet and is not read", "", "warning")

    def csv(self, file: Path) -> _Table:
        data = file.read_bytes()
        for encoding in ("utf-8-sig", "gb18030"):
            try:
                text = data.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
        else:
            self.report(file.name, 0, f"{file.name} is not text in UTF-8", "Save it as CSV UTF-8.")
            return _Table(file.name, [], [])
        reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
        lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
        if not lines:
            self.report(file.name, 0, f"{file.name} is empty", "The first line names the columns.", "warning")
            return _Table(file.name, [], [])
        columns = self.columns(file.name, [cell.strip() for cell in lines[0][1]])
        if len(columns) == 1 and (between := next((one for one in (";", "\t", "|") if one in columns[0]), "")):
            shown = "tabs" if between == "\t" else between
            self.report(file.name, lines[0][0], f"the columns of {file.name} are separated by {shown}, not by commas",
                        "Save it as CSV with commas between.")  # fmt: skip
            return _Table(file.name, columns, [])
        rows, short = [], [number for number, row in lines[1:] if len(row) < len(columns)]
        if short:
            message = f"{file.name}: rows have fewer cells than the header: {len(short)}, the first is row {short[0]}"
            self.report(file.name, short[0], message, "What is not there counts as empty.", "warning")
        for number, row in lines[1:]:
            if len(row) > len(columns) and any(cell.strip() for cell in row[len(columns) :]):
                message = f"row {number} has {len(row)} cells, the header {len(columns)}"
                self.report(file.name, number, message, "Put a cell with a comma in double quotes.")
                continue
            rows.append((number, dict(zip(columns, (cell.strip() for cell in row), strict=False))))
        return _Table(file.name, columns, rows)

    def parquet(self, file: Path) -> _Table:
        try:
            import pyarrow
            from pyarrow import parquet

            data = parquet.read_table(file)
            micro = [pyarrow.timestamp("us", one.type.tz) if pyarrow.types.is_timestamp(one.type) else one.type
                     for one in data.schema]  # fmt: skip
            fields_ = [one.with_type(type_) for one, type_ in zip(data.schema, micro, strict=True)]
            data = data.cast(pyarrow.schema(fields_), safe=False)
        except Exception as error:
            self.report(file.name, 0, f"{file.name} cannot be read: {str(error).splitlines()[0]}")
            return _Table(file.name, [], [])
        columns = self.columns(file.name, data.column_names)
        rows = [
            (number, {name: _plain(value) for name, value in zip(columns, row.values(), strict=True)})
            for number, row in enumerate(data.to_pylist(), 1)
        ]
        return _Table(file.name, columns, rows)

    def columns(self, file: str, names_: Sequence[str]) -> list[str]:
        table = file.rsplit(".", 1)[0]
        known = columns_of(table, self.schema)
        folded = {name.casefold(): name for name in known}
        names_ = [name if name in known else folded.get(name.casefold().replace(" ", "_"), name) for name in names_]
        found = [name if (name not in _ALIASES or "person" in names_) else _ALIASES[name] for name in names_]
        for name in dict.fromkeys(names_) if table in COLUMNS else ():
            self.unread(file, name, known)
        for name in {name for name in found if found.count(name) > 1 and name}:
            self.report(file, 1, f"{file} has the column {name!r} twice", "Keep one.")
        return found

    def unread(self, file: str, name: str, known: Sequence[str]) -> None:
        """A column of a file beside the facts that has no meaning there, or is a term that no formula reads."""
        if not name or name in known or name in _ALIASES:
            return
        hint = did_you_mean(name, known)
        if not file.startswith("people."):
            self.report(file, 1, f"{file}: the column {name!r} is not read", hint or f"It has {', '.join(known)}.",
                        "warning", name)  # fmt: skip
        elif f"person.{name}" not in self.policy.text:
            message = f"{file}: {name!r} is a term of the contract, and no formula reads person.{name}"
            self.report(file, 1, message, hint, "warning" if hint else "info", name)

    # Values

    def value(self, table: _Table, line: int, column: str, type_: Type, text: str) -> Any:
        """A cell by type; an issue and None where it cannot be read."""
        if text == "" or text.lower() in ("null", "none", "nan"):
            return None
        try:
            return self.read(type_, text)
        except (ValueError, ArithmeticError) as error:
            self.report(
                table, line, f"{table.file} row {line}, {column}: {error}", _REMEDY.get(type_, ""), column=column
            )
            return None

    def read(self, type_: Type, text: str) -> Any:
        if type_ is Type.DATE:
            return self.day(text)
        if type_ is Type.MONEY:
            return parse_units(text)
        if type_ is Type.BOOL:
            if text.lower() not in _BOOL:
                raise ValueError(f"{text!r} is neither true nor false")
            return _BOOL[text.lower()]
        if type_ in (Type.NUMBER, Type.COUNT, Type.SCORE, Type.RATIO):
            number = read_number(text)
            if type_ is Type.RATIO and not text.endswith("%") and abs(number) > 1:
                raise ValueError(f"{text!r} is not a percentage; write {text}% if that is meant")
            return number.numerator if number.denominator == 1 else number
        return text

    def day(self, text: str) -> date:
        """A date; a moment becomes the civil day of the policy's time zone."""
        moment = self.moment(text)
        return (moment.astimezone(self.zone) if moment.tzinfo and self.zone else moment).date()

    def moment(self, text: str) -> datetime:
        try:
            found = _DAY.fullmatch(text)
            year, month, day, clock = found.groups() if found else ("", "", "", "")
            if not clock:
                return datetime(int(year), int(month), int(day))
            hours = clock if clock[1:2] != ":" else f"0{clock}"
            return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{hours}")
        except (ValueError, TypeError):
            raise ValueError(f"{text!r} is not a date") from None

    def recorded(self, table: _Table, line: int, text: str) -> str | None:
        """A moment as text that sorts, in UTC; one without a zone is in the policy's."""
        try:
            moment = self.moment(text)
            here = moment if moment.tzinfo or self.zone is None else moment.replace(tzinfo=self.zone)
            return here.astimezone(UTC).isoformat() if here.tzinfo else here.isoformat()
        except (ValueError, OverflowError) as error:
            message = f"{table.file} row {line}, recorded_at: {error}"
            self.report(table, line, message, _REMEDY[Type.DATE], column="recorded_at")
            return None

    def need(self, table: _Table, *columns: str) -> bool:
        """Whether the columns are there; an issue for each that is not."""
        lacking = [column for column in columns if column not in table.columns]
        for column in lacking:
            hint = (
                did_you_mean(column, table.columns) or f"{table.file} has {', '.join(table.columns) or 'no columns'}."
            )
            self.report(table, 1, f"{table.file} has no column {column!r}", hint, column=column)
        return not lacking

    # Facts

    def fact(self, name: str, table: _Table) -> list[Row]:
        known = self.schema.facts[name]
        classing = self.policy.classing if name == "customers" else None
        kinds = {**dict.fromkeys(classing.inputs if classing is not None else (), Type.NUMBER), **known.fields}
        seen: dict[str, int] = {}
        rows: list[Row] = []
        for column in table.columns:
            near = closest(column, known.fields)
            if column not in known.fields and near and near not in table.columns and column not in ("id", "label"):
                self.report(
                    table, 1, f"{table.file}: {column!r} is no field of {name}", f"Did you mean '{near}'?", "info"
                )
        for line, cells in table.rows:
            row: dict[str, object] = {}
            for column, text in cells.items():
                row[column] = self.value(table, line, column, kinds.get(column, Type.TEXT), text)
            if row.get("recorded_at"):
                row["recorded_at"] = self.recorded(table, line, str(row["recorded_at"]))
            if row.get("currency"):
                row["currency"] = str(row["currency"]).upper()
            row["id"] = str(row.get("id") or f"{name}:{line}")
            row.setdefault("person", None)
            if str(row["id"]) in seen:
                message = f"{table.file} row {line}, id: {row['id']!r} is there already, in row {seen[str(row['id'])]}"
                self.report(table, line, message, "Give every record its own id.", column="id")
            seen[str(row["id"])] = line
            rows.append(row)
        return rows

    def needed(self, facts: Mapping[str, Sequence[Row]], tables: Mapping[str, _Table]) -> None:
        """The columns that metrics read are there. One that only a metric beside pay and goals counts is missing in its
        records, which are held back and listed; any other would change a number without a word."""
        paid = metrics_of_pay(self.policy)
        for metric_id, metric in self.policy.metrics.items():
            try:
                planned = plan(self.policy, metric_id, self.schema)
            except PlanError as error:
                self.report("", 0, f"metric {metric_id} is not calculated: {error.message}", error.hint, "warning")
                continue
            for leaf in leaves_of(planned):
                if leaf.source not in facts:
                    message = (
                        f"metric {metric_id} reads {leaf.source}, and there is no {leaf.source}.csv: it counts as empty"
                    )
                    if not any(issue.message.startswith(f"metric {metric_id} ") for issue in self.issues):
                        self.report(f"{leaf.source}.csv", 0, message, "", "warning")
                    continue
                table = tables[leaf.source]
                picked = {leaf.date, *(names(leaf.where) if leaf.where is not None else ())}
                read = picked | set(names(leaf.value) if leaf.value is not None else ())
                for column in sorted(read - set(table.columns) - {"id", "currency"}):
                    if not table.rows:
                        continue
                    hint = did_you_mean(column, table.columns) or f"Add the column {column}."
                    message = f"{table.file} has no column {column!r}, which metric {metric.id} reads"
                    level: Level = "error" if metric_id in paid or column in picked else "warning"
                    self.report(table, 1, message, hint, level, column)
        for need in needs(self.policy, self.schema):
            self.needed_by(need, tables.get(need.table))
        if (classing := self.policy.classing) is not None and "customers" not in facts:
            message = f"classification {classing.id} reads customers, and there is no customers.csv: nobody has a class"
            self.report("customers.csv", 0, message, "", "warning")

    def needed_by(self, need: Need, table: _Table | None) -> None:
        """What release and claw-back read is there."""
        if table is None:
            message = f"{need.what} reads {need.table}, and there is no {need.table}.csv: {need.without}"
            self.report(f"{need.table}.csv", 0, message, "", "warning")
        elif table.rows:
            for column in need.columns:
                if column not in table.columns:
                    hint = did_you_mean(column, table.columns) or f"Add the column {column}."
                    message = f"{table.file} has no column {column!r}, which {need.what} reads"
                    self.report(table, 1, message, hint, column=column)
            if need.heads and not {*need.heads} & {*table.columns}:
                message = f"{table.file} does not say what its records are about: {need.without}"
                self.report(table, 1, message, f"Add the column {need.heads[0]}.", column=need.heads[0])

    def inherit(self, facts: dict[str, list[Row]]) -> None:
        """归属随订单: a record without its own people has those of its order or invoice, if its owner is the same; one
        that reverses another has those of the other."""
        for table in sorted(facts, key=lambda name: name != "invoices"):
            heads = [(name, {str(row["id"]): row for row in facts.get(of, ())}) for name, of in _HEADS.items()]
            facts[table] = [self.inherited(row, heads) for row in facts[table]]
            known = {str(row["id"]): row for row in facts[table]}
            facts[table] = [self.reversing(row, known) for row in facts[table]]

    def reversing(self, row: Row, known: Mapping[str, Row]) -> Row:
        first = known.get(str(row["reverses"])) if row.get("reverses") else None
        if first is None:
            return row
        return {**row, "reversed": first, **{name: first.get(name) for name in ("person", *people_fields(self.policy))}}

    def inherited(self, row: Row, heads: Sequence[tuple[str, Mapping[str, Row]]]) -> Row:
        found = (known.get(str(row[name])) for name, known in heads if row.get(name))
        head = next((one for one in found if one is not None), None)
        if head is None or row.get("person") not in (None, head.get("person")):
            return row
        fields = ("person", *people_fields(self.policy))
        return {**row, **{field: head[field] for field in fields if not row.get(field) and head.get(field)}}

    # People

    def people(
        self, table: _Table | None, assigned: _Table | None, facts: Mapping[str, Sequence[Row]]
    ) -> dict[str, Who]:
        spans = self.spans(assigned)
        found: dict[str, Who] = {}
        if table is None:
            self.report("people.csv", 0, "there is no people.csv", "It needs the columns id, name and role.")
            return found
        if not self.need(table, "id"):
            return found
        for line, cells in table.rows:
            key = cells.get("id", "")
            if not key or key in found:
                self.report(
                    table,
                    line,
                    f"people.csv row {line}, id: {key!r} is empty or there already",
                    "Give every person an id.",
                    column="id",
                )
                continue
            hired = self.value(table, line, "hired_on", Type.DATE, cells.get("hired_on", ""))
            left = self.value(table, line, "left_on", Type.DATE, cells.get("left_on", ""))
            if hired and left and left < hired:
                message = f"people.csv row {line}, left_on: {left} is before {hired}, the day of hire"
                self.report(table, line, message, "`left_on` is the first day no longer there.", column="left_on")
            own = tuple(sorted(spans.get(key, ()), key=lambda span: span.start))
            if assigned:  # what that file has no column for holds as it is here
                here = [cells.get(name, "") if name not in assigned.columns else None for name in _HELD]
                own = tuple(_placed(one, *here) for one in own)
            if not own:
                own = (Span(date.min, None, cells.get("role", ""), cells.get("team", ""), cells.get("manager", "")),)
            self.apart(key, own)
            terms = {c: self.term(table, line, c, text) for c, text in cells.items() if c not in _PERSON and text}
            last = own[-1]
            found[key] = Who(key, cells.get("name") or key, cells.get("role") or last.role, terms,
                             cells.get("team") or last.team, hired, left, own)  # fmt: skip
        rules = [rule for one in self.policy.incentive for rule in (one.draw, one.guarantee) if rule is not None]
        lacking = [key for key, who in found.items() if who.hired_on is None]
        if lacking and any(rule.whom == "new_hire" for rule in rules):
            message = (
                f"people.csv: without hired_on nobody gets the draw or guarantee of new hires: {', '.join(lacking[:3])}"
            )
            self.report("people.csv", 0, message, "Fill in hired_on.", "warning", "hired_on")
        for key in spans:
            if key not in found and assigned is not None:
                self.report(assigned, 0, f"assignments.csv: {key!r} is not in people.csv", did_you_mean(key, found))
        return found

    def spans(self, table: _Table | None) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        if table is None or not self.need(table, "person", "from"):
            return found
        for line, cells in table.rows:
            start = self.value(table, line, "from", Type.DATE, cells.get("from", ""))
            end = self.value(table, line, "to", Type.DATE, cells.get("to", ""))
            if start is None:
                self.report(table, line, f"assignments.csv row {line}, from: a date is needed", column="from")
                continue
            if end is not None and end <= start:
                self.report(
                    table,
                    line,
                    f"assignments.csv row {line}, to: {end} is not after {start}",
                    "`to` is exclusive.",
                    column="to",
                )
                continue
            if "role" in table.columns and not cells.get("role"):
                message = f"assignments.csv row {line}: {cells['person']} has no role from {start}"
                self.report(table, line, message, "Fill in role, or leave the column out.", "warning", "role")
            span = Span(start, end, cells.get("role", ""), cells.get("team", ""), cells.get("manager", ""))
            found.setdefault(cells["person"], []).append(span)
        return found

    def apart(self, key: str, spans: Sequence[Span]) -> None:
        for early, late in pairwise(spans):
            if early.end is None or early.end > late.start:
                message = f"assignments.csv: {key} has two roles at once from {late.start}"
                self.report("assignments.csv", 0, message, "End the first on the day the second begins.")

    def term(self, table: _Table, line: int, column: str, text: str) -> Term:
        if text.endswith("%"):
            found: Term = self.value(table, line, column, Type.NUMBER, text)
            return Fraction(found) if isinstance(found, int | Fraction) else None
        try:
            return Money(text, self.policy.currency)
        except ValueError:
            return text

    def known_people(
        self,
        book: Book,
        facts: Mapping[str, Sequence[Row]],
        goals: Mapping[tuple[str, str, str], Number],
        ratings: Iterable[tuple[str, str, str]],
    ) -> None:
        """Records, splits, goals, grades and whatever else is about people names those who are there."""
        named: dict[tuple[str, str], int] = {}
        for name, rows in facts.items():
            for row in rows:
                if row.get("person"):
                    named.setdefault((f"{name}.csv", str(row["person"])), 1)
        for file, rows in (("splits.csv", book.splits), ("grades.csv", book.grades)):
            for row in rows:
                named.setdefault((file, str(row.get("person"))), 1)
        for _, key, _ in goals:
            if key and not key.startswith("team:"):
                named.setdefault(("goals.csv", key), 1)
        named |= dict.fromkeys((("absences.csv", key) for key in book.absences), 1)
        named |= dict.fromkeys((("ratings.csv", key) for _, key, _ in ratings), 1)
        named |= dict.fromkeys((("ledger.csv", entry.person) for entry in book.ledger), 1)
        above = (one.manager for who in book.people.values() for one in who.spans if one.manager)
        named |= dict.fromkeys((("people.csv, manager", key) for key in above), 1)
        for file, key in named:
            if key not in book.people and book.people:
                hint = did_you_mean(key, book.people) or "Add the person, or correct the id."
                self.report(file.split(",")[0], 0, f"{file}: {key!r} is not in people.csv", hint, "warning", "person")

    def known_groups(
        self,
        table: _Table | None,
        people: Mapping[str, Who],
        goals: Mapping[tuple[str, str, str], Number],
        absences: Mapping[str, Sequence[Absence]],
    ) -> None:
        """Goals name teams in which somebody is; what looks like a role or absence of the policy is written like it."""
        teams = {team for who in people.values() for team in (who.team, *(one.team for one in who.spans)) if team}
        for team in dict.fromkeys(key[5:] for _, key, _ in goals if key.startswith("team:")):
            if team not in teams:
                hint = did_you_mean(team, teams) or "Correct the team."
                self.report("goals.csv", 0, f"goals.csv: nobody is in team {team!r}", hint, "warning", "team")
        relieved = [kind for goal in self.policy.goals if goal.absence for kind in goal.absence.relieve]
        for kind in sorted({one.kind for every in absences.values() for one in every} - {*relieved}):
            if near := closest(kind, relieved):
                message = f"absences.csv: no goal relieves {kind!r}"
                self.report("absences.csv", 0, message, f"Did you mean '{near}'?", "warning", "kind")
        known = {*self.policy.header.scope.roles, *(role for one in self.policy.incentive for role in one.role)}
        roles = {role: 1 for who in people.values() for role in (who.role, *(one.role for one in who.spans)) if role}
        for role in roles:
            if table and role not in known and (near := closest(role, known)) and near not in roles:
                message = f"{table.file}: role {role!r} is none of the policy's"
                self.report(table, 0, message, f"Did you mean '{near}'?", "warning", "role")

    # Beside

    def period(self, table: _Table, line: int, text: str) -> Period | None:
        try:
            return self.policy.calendar.parse(text)
        except ValueError as error:
            self.report(table, line, f"{table.file} row {line}, period: {error}", column="period")
            return None

    def goals(self, table: _Table | None) -> dict[tuple[str, str, str], Number]:
        found: dict[tuple[str, str, str], Number] = {}
        if table is None or not self.need(table, "goal", "period", "value"):
            return found
        known = [goal.id for goal in self.policy.goals]
        for line, cells in table.rows:
            goal, period = self.policy.goal(cells.get("goal", "")), self.period(table, line, cells.get("period", ""))
            if goal is None:
                text = cells.get("goal", "")
                hint = did_you_mean(text, known) or f"The policy has {', '.join(known) or 'none'}."
                self.report(table, line, f"goals.csv row {line}, goal: there is no goal {text!r}", hint, column="goal")
                continue
            unit = self.policy.unit_of(goal.metric)
            type_ = Type.MONEY if unit.startswith("money:") else Type.RATIO if unit == "ratio" else Type.NUMBER
            value = self.value(table, line, "value", type_, cells.get("value", ""))
            team = cells.get("team", "")
            if team and cells.get("person"):
                message = f"goals.csv row {line}: a goal is of a person or of a team, not of both"
                self.report(table, line, message, "Leave one of them empty.", column="team")
            key = cells.get("person", "") or (f"team:{team}" if team else "")
            if period is not None and value is not None:
                if (goal.id, key, period.label) in found:
                    message = (
                        f"goals.csv row {line}: {goal.id} of {key or 'the company'} for {period.label} is there twice"
                    )
                    self.report(table, line, message, "Keep one.")
                found[goal.id, key, period.label] = value
        return found

    def splits(self, table: _Table | None) -> Iterator[Row]:
        if table is None or not self.need(table, "record", "person", "share"):
            return
        sums: dict[tuple[str, str, str], Fraction] = {}
        for line, cells in table.rows:
            share = self.value(table, line, "share", Type.RATIO, cells.get("share", ""))
            if share is None:
                self.report(
                    table, line, f"splits.csv row {line}, share: a share is needed", "Write 70%.", column="share"
                )
                continue
            counts = tuple(cells.get("counts", "").replace(";", " ").split()) or ("attainment", "pay")
            if unknown := set(counts) - {"attainment", "pay"}:
                hint = "Write attainment, pay, or both with a space between."
                self.report(
                    table,
                    line,
                    f"splits.csv row {line}, counts: {sorted(unknown)[0]!r} is no purpose",
                    hint,
                    column="counts",
                )
                continue
            kind = cells.get("kind") or "direct"
            name = cells.get("table") or None
            if not self.right_split(table, line, cells, Fraction(share), kind):
                continue
            for purpose in counts if kind != "overlay" else ():
                key = (name or "", cells["record"], purpose)
                sums[key] = sums.get(key, Fraction(0)) + share
            yield {"table": name, "record": cells["record"], "person": cells["person"], "share": Fraction(share),
                   "counts": counts, "kind": kind, "reason": cells.get("reason") or "split"}  # fmt: skip
        wrong: dict[tuple[str, Fraction], list[str]] = {}
        for (_, record, purpose), total in sums.items():
            if total != 1:
                wrong.setdefault((record, total), []).append(purpose)
        for (record, total), purposes in wrong.items():
            what = record if len(purposes) > 1 else f"{record} for {purposes[0]}"
            message = f"splits.csv: the shares of {what} add up to {float(total * 100):g}%, not to 100%"
            self.report(table, 0, message, "Correct them, or mark one as kind overlay.")

    def right_split(self, table: _Table, line: int, cells: Mapping[str, str], share: Fraction, kind: str) -> bool:
        """Whether a split says who gets a share of which record; an issue otherwise."""
        named, known = cells.get("table", ""), list(self.schema.facts)
        hint = did_you_mean(named, known) or "Write the name of a fact table, such as orders."
        wrong = [
            (not cells.get("person"), "person", "nobody is named", "Add the person."),
            (not 0 <= share <= 1, "share", f"{plain_number(share * 100)}% is no share", "Write 0% to 100%."),
            (kind not in ("direct", "overlay"), "kind", f"{kind!r} is no kind", "Write direct or overlay."),
            (bool(named) and named not in known, "table", f"there is no table {named!r}", hint),
        ]
        for holds, column, message, remedy in wrong:
            if holds:
                self.report(table, line, f"splits.csv row {line}, {column}: {message}", remedy, column=column)
        return not any(holds for holds, *_ in wrong)

    def grades(self, table: _Table | None) -> Iterator[Row]:
        if table is None or not self.need(table, "person", "appraisal", "period"):
            return
        seen: set[tuple[str, str, str]] = set()
        for line, cells in table.rows:
            appraisal = self.policy.appraisal_of(cells.get("appraisal", ""))
            period = self.period(table, line, cells.get("period", ""))
            if appraisal is None:
                known = [one.id for one in self.policy.appraisal]
                text = cells.get("appraisal", "")
                hint = did_you_mean(text, known) or f"The policy has {', '.join(known) or 'none'}."
                self.report(
                    table, line, f"grades.csv row {line}, appraisal: there is no {text!r}", hint, column="appraisal"
                )
                continue
            grade = cells.get("grade", "")
            if grade and grade not in appraisal.grades:
                hint = did_you_mean(grade, appraisal.grades) or f"Grades are {', '.join(appraisal.grades)}."
                self.report(table, line, f"grades.csv row {line}, grade: {grade!r} is no grade", hint, column="grade")
                continue
            factor = self.value(table, line, "factor", Type.NUMBER, cells.get("factor", ""))
            if factor is None and grade:
                factor = appraisal.grades[grade].factor
            locked = self.value(table, line, "locked", Type.BOOL, cells.get("locked", "") or "true")
            score = self.value(table, line, "score", Type.NUMBER, cells.get("score", ""))
            if period is not None and period.kind != appraisal.period:
                message = f"grades.csv row {line}, period: {period.label} is no {appraisal.period}"
                hint = f"{appraisal.id} is for each {appraisal.period}."
                self.report(table, line, message, hint, column="period")
                continue
            key = (cells["person"], appraisal.id, period.label if period else "")
            if key in seen:
                message = f"grades.csv row {line}: {appraisal.id} of {key[0]} for {key[2]} is there twice"
                self.report(table, line, message, "Keep one.")
            seen.add(key)
            yield {"person": cells["person"], "appraisal": appraisal.id, "period": period, "grade": grade,
                   "factor": factor, "score": score, "locked": locked}  # fmt: skip

    def ratings(self, table: _Table | None) -> dict[tuple[str, str, str], dict[str, list[Rating]]]:
        found: dict[tuple[str, str, str], dict[str, list[Rating]]] = {}
        if table is None or not self.need(table, "person", "indicator", "group", "score"):
            return found
        for line, cells in table.rows:
            score = self.value(table, line, "score", Type.NUMBER, cells.get("score", ""))
            label = cells.get("period", "")
            period = self.period(table, line, label) if label else None
            if score is None or not self.rated(table, line, cells, Fraction(score)):
                continue
            kinds = {a.period for a in self.policy.appraisal if cells.get("appraisal", "") in ("", a.id)}
            if period is not None and period.kind not in kinds:
                message = f"ratings.csv row {line}, period: {period.label} is no {' or '.join(sorted(kinds))}"
                self.report(table, line, message, "Write the period of the appraisal.", "warning", "period")
            key = (cells.get("appraisal", ""), cells["person"], period.label if period else "")
            found.setdefault(key, {}).setdefault(cells["indicator"], []).append(Rating(cells["group"], Fraction(score)))
        return found

    def rated(self, table: _Table, line: int, cells: Mapping[str, str], score: Fraction) -> bool:
        """Whether a rating counts: in an item of the policy, by a group that rates it, on its scale."""
        named, group = cells["indicator"], cells["group"]
        of = [one for one in self.policy.appraisal if cells.get("appraisal", "") in ("", one.id)]
        items = [item for one in of for item in one.indicators if item.raters and item.key == named]
        where = f"ratings.csv row {line}"
        if not items:
            message = f"{where}, indicator: no appraisal rates {named!r}"
            known = [item.key for one in of for item in one.indicators if item.raters]
            hint = did_you_mean(named, known) or f"Rated are {', '.join(known) or 'none'}."
            self.report(table, line, message, hint, "warning", "indicator")
        elif not any(group in item.raters for item in items):
            hint = did_you_mean(group, items[0].raters) or f"Groups are {', '.join(items[0].raters)}."
            self.report(table, line, f"{where}, group: {group!r} does not rate {named}", hint, "warning", "group")
        elif not any(item.low <= score <= item.high for item in items):
            shown = f"{plain_number(items[0].low)} to {plain_number(items[0].high)}"
            message = f"{where}, score: {plain_number(score)} is not on the scale {shown} of {named}"
            self.report(table, line, message, "Correct the score.", "warning", "score")
        else:
            return True
        return False

    def rates(self, table: _Table | None) -> Iterator[Row]:
        if table is None or not self.need(table, "currency", "on", "rate"):
            return
        seen: dict[tuple[str, object, str], object] = {}
        for line, cells in table.rows:
            day = self.value(table, line, "on", Type.DATE, cells.get("on", ""))
            rate = self.value(table, line, "rate", Type.NUMBER, cells.get("rate", ""))
            kind = cells.get("kind") or "spot"
            if kind not in ("spot", "plan", "average"):
                hint = did_you_mean(kind, ("spot", "plan", "average")) or "Write spot, plan or average."
                self.report(
                    table, line, f"rates.csv row {line}, kind: {kind!r} is no kind of rate", hint, column="kind"
                )
            elif rate is not None and rate <= 0:
                self.report(table, line, f"rates.csv row {line}, rate: {rate} is not above 0", column="rate")
            elif day is not None and rate is not None:
                code = cells["currency"].upper()
                if seen.setdefault((code, day, kind), rate) != rate:
                    message = f"rates.csv row {line}: {code} has two {kind} rates on {day}"
                    self.report(table, line, message, "Keep one.")
                yield {"currency": code, "on": day, "rate": Fraction(rate), "kind": kind}

    def ledger(self, table: _Table | None) -> Iterator[Entry]:
        if table is None or not self.need(table, "person", "period", "kind", "amount"):
            return
        for line, cells in table.rows:
            kind = cells.get("kind", "")
            if kind not in KINDS:
                hint = did_you_mean(kind, KINDS) or f"Kinds are {', '.join(KINDS)}."
                self.report(
                    table, line, f"ledger.csv row {line}, kind: {kind!r} is no kind of entry", hint, column="kind"
                )
                continue
            about = self.period(table, line, cells.get("period", ""))
            posted = self.period(table, line, cells["posted"]) if cells.get("posted") else about
            amount = self.value(table, line, "amount", Type.MONEY, cells.get("amount", ""))
            if about and posted and amount is not None:
                name = cells.get("component") or cells.get("name", "")
                yield Entry(
                    kind,
                    cells["person"],
                    about.label,
                    posted.label,
                    name,
                    amount,
                    cells.get("record", ""),
                    cells.get("cause", ""),
                )

    def stays(self, table: _Table | None) -> list[Row] | None:
        """In which stage each deal was from when until when; None without the file."""
        if table is None or not self.need(table, "opportunity", "stage", "entered_on"):
            return None
        return [
            {
                "opportunity": cells.get("opportunity", ""),
                "stage": cells.get("stage", ""),
                "entered_on": self.value(table, line, "entered_on", Type.DATE, cells.get("entered_on", "")),
                "left_on": self.value(table, line, "left_on", Type.DATE, cells.get("left_on", "")),
            }
            for line, cells in table.rows
        ]

    def forecasts(self, table: _Table | None) -> dict[str, list[Kept]]:
        """What was forecast, by owner: one row for each period, day and method."""
        if table is None or not self.need(table, "period", "taken_on", "method", "value"):
            return {}
        found: dict[str, dict[tuple[Period, date], dict[str, Foreseen]]] = defaultdict(lambda: defaultdict(dict))
        for line, cells in table.rows:
            period = self.period(table, line, cells.get("period", ""))
            day = self.value(table, line, "taken_on", Type.DATE, cells.get("taken_on", ""))
            value = self.value(table, line, "value", Type.MONEY, cells.get("value", ""))
            whose = cells.get("person") or (f"team:{cells['team']}" if cells.get("team") else "")
            if period is not None and day is not None and value is not None:
                found[whose][period, day][cells.get("method", "")] = Foreseen(value)
        return {whose: [Kept(*key, seen) for key, seen in rows.items()] for whose, rows in found.items()}

    def absences(self, table: _Table | None) -> dict[str, list[Absence]]:
        """When and why people were away, by person."""
        found: dict[str, list[Absence]] = {}
        if table is None or not self.need(table, "person", "kind", "from"):
            return found
        for line, cells in table.rows:
            start = self.value(table, line, "from", Type.DATE, cells.get("from", ""))
            end = self.value(table, line, "to", Type.DATE, cells["to"]) if cells.get("to") else None
            if isinstance(start, date) and isinstance(end, date) and end <= start:
                message = f"absences.csv row {line}, to: {end} is not after {start}"
                self.report(table, line, message, "`to` is the first day back.", column="to")
            elif isinstance(start, date) and (end is None or isinstance(end, date)):
                found.setdefault(cells["person"], []).append(Absence(cells["kind"], start, end))
        return found

    def potential(self, table: _Table | None) -> dict[str, dict[str, Fraction]]:
        """Declared inputs for methods history, potential and capacity: input name to key to value."""
        found: dict[str, dict[str, Fraction]] = {}
        if table is None or not self.need(table, "key", "input", "value"):
            return found
        for line, cells in table.rows:
            value = self.value(table, line, "value", Type.NUMBER, cells.get("value", ""))
            of, key = cells["input"], cells["key"]
            if value is not None and key in found.get(of, {}):
                message = f"potential.csv row {line}: {of} of {key} is there twice"
                self.report(table, line, message, "Keep one.")
            if value is not None:
                found.setdefault(of, {})[key] = Fraction(value)
        return found


_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ]\s*(\S.*))?")
"""A day as people and spreadsheets write it, perhaps with the time of day."""
_BOOL = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False, "是": True, "否": False}
_REMEDY = {
    Type.DATE: "Write it as 2026-03-01.",
    Type.MONEY: "Write a plain decimal of major units, such as 1234.56, without thousands separators or signs.",
    Type.RATIO: "Write 8% or 0.08.",
    Type.BOOL: "Write true or false.",
    Type.NUMBER: "Write a plain decimal, such as 12.5.",
    Type.SCORE: "Write a plain number.",
}


def _placed(span: Span, role: str | None, team: str | None, manager: str | None) -> Span:
    """A span with what is given instead of its own."""
    return Span(
        span.start,
        span.end,
        span.role if role is None else role,
        span.team if team is None else team,
        span.manager if manager is None else manager,
    )


def _plain(value: object) -> str:
    """A value of a Parquet file as the text a CSV would have."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return _of_float(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _of_float(value: float) -> str:
    """The decimal that a binary fraction stands for: 0.1 + 0.2 is 0.3, and 1001.0 the number of an order."""
    exact = Decimal(repr(value))
    if not exact.is_finite():
        return str(exact)
    near = round(exact, 4) if abs(exact) < 10**15 else exact
    meant = near if abs(exact - near) <= abs(exact) * Decimal("1e-14") else exact
    return f"{meant.normalize():f}"

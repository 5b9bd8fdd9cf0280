"""不计入的记录 uncounted: records of a folder that no number contains, each group with its reason and remedy.

A record counts where a metric's or spiff's condition takes it, a date puts it into a period and a person has it. What
lacks one of these, or points at what is not there, is said: once for each table, field and reason, with the first
few ids and how many there are.
Source: spec/domain.md section 9, "missing data".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from xiaoguan.base.issues import Issue, Level
from xiaoguan.base.words import did_you_mean

from .document import Policy
from .formula import Expr, FormulaError, Row, Scope, Type, evaluator, names, resolve
from .metrics import Plan, PlanError, RateOf, Schema, plan, rated_on
from .needs import leaves_of, misspelt, needs, texts
from .release import UNDOING
from .world import Book

Tables = Mapping[str, Sequence[Row]]
LINKS = {"order": "orders", "invoice": "invoices", "opportunity": "opportunities"}
"""Fields by which a record names one of another table."""


@dataclass(frozen=True)
class _Reader:
    """Who reads a table: which of its records, and by which date they count."""

    what: str
    table: str
    date: str
    where: Expr | None

    def takes(self) -> Callable[[Row], object]:
        return evaluator(self.where) if self.where is not None else lambda row: True


def uncounted(
    policy: Policy, schema: Schema, tables: Tables, book: Book, rate: RateOf | None = None
) -> Iterator[Issue]:
    """Every reason for which records of the tables do not count, or count for nobody. rate: as for attainment."""
    readers = [one for one in _readers(policy, schema) if one.table in tables]
    events = (_Reader(one.what, one.table, one.date, None) for one in needs(policy, schema) if one.date)
    dated = dict.fromkeys((*readers, *(one for one in events if one.table in tables)))
    yield from _undated(list(dated), schema, tables)
    yield from _misspelt(policy, readers, tables)
    yield from _outside_of_work(readers, tables, book)
    yield from _without_amount(policy, schema, tables)
    yield from _without_value(policy, schema, tables, rate)
    for table in dict.fromkeys(one.table for one in readers):
        yield from _owned_by_nobody(table, schema, readers, tables[table], book)
        yield from _unknown_payees(policy, table, tables[table], book)
    for table, rows in tables.items():
        yield from _broken_links(table, rows, tables)
    yield from _unknown_splits(tables, book)


def people_fields(policy: Policy) -> list[str]:
    """The fields of a record that name people by the policy's crediting, beside its owner."""
    named: dict[str, None] = {}
    for plan_ in policy.incentive:
        credit = plan_.credit
        for payee in (*credit.payees, *credit.overlay) if credit else ():
            named |= dict.fromkeys((payee.person, payee.otherwise))
    return [name for name in named if name not in ("", "owner", "person")]


def _readers(policy: Policy, schema: Schema) -> Iterator[_Reader]:
    for metric_id in policy.metrics:
        try:
            leaves = list(leaves_of(plan(policy, metric_id, schema)))
        except PlanError:
            continue
        for leaf in leaves:
            yield _Reader(f"metric {metric_id}", leaf.source, leaf.date, leaf.where)
    for plan_, component in policy.components():
        if component.kind != "spiff":
            continue
        table, day, known = plan_.source_of(component), plan_.day_of(component), None
        if table in schema.facts and component.where is not None:
            try:
                scope = Scope({"id": Type.TEXT, **schema.facts[table].fields})
                known, _ = resolve(component.where.tree, scope, Type.BOOL)
            except FormulaError:
                continue
        yield _Reader(f"spiff {component.id}", table, day, known)


def _undated(readers: Sequence[_Reader], schema: Schema, tables: Tables) -> Iterator[Issue]:
    """Records that are taken and have no date; one that has another date may still get this one."""
    found: dict[tuple[str, str, bool, tuple[str, ...]], tuple[list[Row], dict[str, None]]] = {}
    for reader in readers:
        takes = reader.takes()
        dates = schema.facts[reader.table].dates if reader.table in schema.facts else (reader.date,)
        undated = [row for row in tables[reader.table] if row.get(reader.date) is None and takes(row)]
        not_yet = [row for row in undated if any(row.get(day) is not None for day in dates)]
        never = [row for row in undated if all(row.get(day) is None for day in dates)]
        for rows, later in ((never, False), (not_yet if reader.where is not None else [], True)):
            if rows:
                key = (reader.table, reader.date, later, tuple(str(row.get("id")) for row in rows))
                found.setdefault(key, (rows, {}))[1][reader.what] = None
    for (table, day, later, _), (rows, whats) in found.items():
        whose = f"{', '.join(whats)} count{'s' if len(whats) == 1 else ''}"
        message = f"without {day}, by which {whose} them, are in no period"
        if later:
            yield from _issue(table, day, rows, message, "They count from that day on.", "info")
        else:
            yield from _issue(table, day, rows, message, "Add the date.")


def _without_value(policy: Policy, schema: Schema, tables: Tables, rate: RateOf | None) -> Iterator[Issue]:
    """Records that a metric takes and cannot value: a field is empty, or the currency has no rate."""
    held: dict[tuple[str, str, str], tuple[dict[str, Row], dict[str, None]]] = {}
    for metric_id in policy.metrics:
        try:
            leaves = list(leaves_of(plan(policy, metric_id, schema)))
        except PlanError:
            continue
        for leaf in leaves:
            for row, field, why in _held(leaf, tables.get(leaf.source, ()), policy.currency, rate):
                rows, metrics = held.setdefault((leaf.source, field, why), ({}, {}))
                rows[str(row.get("id"))] = row
                metrics[leaf.metric] = None
    for (table, field, why), (rows, metrics) in held.items():
        hint = "Add the rate to rates.csv, and fx to the policy." if field == "currency" else f"Add {field}."
        message = f"{why} are not counted by {', '.join(metrics)}"
        yield from _issue(table, field, list(rows.values()), message, hint)


def _held(leaf: Plan, rows: Sequence[Row], currency: str, rate: RateOf | None) -> Iterator[tuple[Row, str, str]]:
    """The rows that a plan takes and cannot value, with the field that is in the way and the reason."""
    takes = evaluator(leaf.where) if leaf.where is not None else None
    value_of = evaluator(leaf.value) if leaf.value is not None else None
    for row in rows:
        day = row.get(leaf.date)
        if not isinstance(day, date) or (takes is not None and not takes(row)):
            continue
        foreign, on = row.get("currency") or currency, rated_on(row, leaf.date)
        known = rate is not None and isinstance(on, date) and rate(str(foreign), on) is not None
        if leaf.type is Type.MONEY and foreign != currency and not known:
            yield row, "currency", f"in {foreign} without a rate"
        elif value_of is not None and value_of(row) is None:
            lacking = sorted(name for name in names(leaf.value) if row.get(name) is None) if leaf.value else []
            if lacking:
                yield row, lacking[0], f"without {', '.join(lacking)}"


def _outside_of_work(readers: Sequence[_Reader], tables: Tables, book: Book) -> Iterator[Issue]:
    """Records of a day on which their person was not there yet, or no longer: no plan pays them."""
    found: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for reader in readers:
        takes = reader.takes()
        for row in tables[reader.table]:
            who, day = book.people.get(str(row.get("person"))), row.get(reader.date)
            if who is None or not isinstance(day, date) or not takes(row):
                continue
            for when, outside in (
                ("before their person was hired", who.hired_on is not None and day < who.hired_on),
                ("after their person left", who.left_on is not None and day >= who.left_on),
            ):
                if outside:
                    found[reader.table, when][str(row.get("id"))] = row
    for (table, when), rows in found.items():
        message = f"of a day {when} are in no plan of that person"
        yield from _issue(table, "person", list(rows.values()), message, "Correct the person, or the day.", "info")


def _misspelt(policy: Policy, readers: Sequence[_Reader], tables: Tables) -> Iterator[Issue]:
    """Texts that are those of a condition, or of a claw-back, but for capitals and spaces."""
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for reader in readers:
        for field, named in texts(reader.where).items():
            known[reader.table, field] |= named
    kinds = {kind for one in policy.incentive if one.clawback for kind in one.clawback.events}
    for table in UNDOING if kinds else ():
        known[table, "kind"] |= kinds
    for (table, field), named in known.items():
        for value, meant, rows in misspelt(field, named, tables.get(table, ())):
            message = f"with {field} {value!r} are not those with {meant!r} that the policy names"
            yield from _issue(table, field, rows, message, f"Write {meant}, if that is meant.")


def _without_amount(policy: Policy, schema: Schema, tables: Tables) -> Iterator[Issue]:
    """Payments that release nothing because they do not say how much was paid."""
    for one in needs(policy, schema):
        rows = [row for row in tables.get(one.table, ()) if "amount" in one.columns and row.get("amount") is None]
        yield from _issue(
            one.table, "amount", rows, f"without amount count as nothing in {one.what}", "Add the amount."
        )


def _owned_by_nobody(
    table: str, schema: Schema, readers: Sequence[_Reader], rows: Sequence[Row], book: Book
) -> Iterator[Issue]:
    field = schema.facts[table].person if table in schema.facts else "person"
    if field is None:
        return
    takes = [one.takes() for one in readers if one.table == table]
    split = {str(row.get("record")) for row in book.splits if row.get("table") in (None, table)}
    nobodys = [
        row for row in rows if not row.get(field) and str(row.get("id")) not in split and any(one(row) for one in takes)
    ]
    hint = "Add the person, or the order they belong to, where somebody is to be credited."
    yield from _issue(table, field, nobodys, f"without {field} are credited to nobody", hint)


def _unknown_payees(policy: Policy, table: str, rows: Sequence[Row], book: Book) -> Iterator[Issue]:
    for field in people_fields(policy) if book.people else ():
        unknown: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            name = row.get(field)
            if name and str(name) not in book.people:
                unknown[str(name)].append(row)
        for name, every in unknown.items():
            hint = did_you_mean(name, book.people) or "Add the person, or correct the id."
            message = f"with {name!r} as {field}, who is not in people.csv, leave that share to nobody"
            yield from _issue(table, field, every, message, hint)


def _broken_links(table: str, rows: Sequence[Row], tables: Tables) -> Iterator[Issue]:
    """Records that belong to an order, invoice or record which is not there; its own table is known to be given."""
    for field, target in (*LINKS.items(), ("reverses", table)):
        if target in tables:
            known = {str(row.get("id")) for row in tables[target]}
            lost = [row for row in rows if row.get(field) and str(row[field]) not in known]
            message = f"whose {field} is not in {target}.csv are connected with nothing"
            yield from _issue(table, field, lost, message, f"Correct {field}, or add the record to {target}.csv.")


def _unknown_splits(tables: Tables, book: Book) -> Iterator[Issue]:
    ids = {name: {str(row.get("id")) for row in rows} for name, rows in tables.items()}
    every = set[str]().union(*ids.values())
    lost = [
        {"id": row.get("record")}
        for row in book.splits
        if str(row.get("record")) not in (ids.get(str(row["table"]), set()) if row.get("table") else every)
    ]
    unique = list({str(row["id"]): row for row in lost}.values())
    yield from _issue("splits", "record", unique, "of records that are not there share nothing", "Correct the id.")


def _issue(
    table: str, field: str, rows: Sequence[Row], message: str, hint: str, level: Level = "warning"
) -> Iterator[Issue]:
    if rows:
        names = [str(row.get("id")) for row in rows]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        text = f"{table}.csv: {'splits' if table == 'splits' else 'records'} {message}: {shown}"
        yield Issue(level, text, hint, f"{table}.csv", 0, field, "facts.uncounted")

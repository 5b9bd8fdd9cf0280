"""所需 needs: which files and columns a policy reads beside its metrics, and what stands there in another spelling.

A release by collection reads the payments, a claw-back the returns. What is missing there changes pay without a word:
nothing would be released, nothing taken back. So it is said, as is a text that differs from the one of a condition
only by capitals or spaces.
Source: spec/domain.md section 9, "missing data".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .document import IncentivePlan, Policy
from .formula import Binary, Expr, In, Literal, Row, Type, dotted, names, walk
from .inputs import expressions
from .metrics import Derived, Plan, PlanError, Schema, plan
from .release import DEFAULT_KIND, UNDOING

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "people": ("id", "name", "role", "team", "manager", "hired_on", "left_on"),
    "assignments": ("person", "from", "to", "role", "team", "manager"),
    "absences": ("person", "kind", "from", "to"),
    "splits": ("record", "person", "share", "table", "counts", "kind", "reason"),
    "goals": ("goal", "person", "team", "period", "value"),
    "grades": ("person", "appraisal", "period", "grade", "score", "factor", "locked"),
    "ratings": ("person", "indicator", "group", "score", "appraisal", "period"),
    "rates": ("currency", "on", "rate", "kind"),
    "ledger": ("person", "period", "kind", "amount", "component", "name", "posted", "record", "cause"),
    "stages": ("opportunity", "stage", "entered_on", "left_on"),
    "forecasts": ("person", "team", "period", "taken_on", "method", "value"),
    "potential": ("key", "input", "value"),
}
"""The files that are no fact tables, and their columns; any other of people is a term of the contract."""
OF_EVERY_FACT = ("id", "person", "owner", "owner_id", "person_id", "label", "currency", "recorded_at", "reverses")
_HEADED = ("order", "invoice", "record")


@dataclass(frozen=True)
class Need:
    """What a plan reads of a table: all of `columns`, one of `heads` if there are any, by `date`."""

    what: str
    table: str
    columns: tuple[str, ...]
    date: str
    heads: tuple[str, ...] = ()
    without: str = ""


def leaves_of(planned: Plan | Derived) -> Iterator[Plan]:
    """The plans over tables that a metric is made of."""
    if isinstance(planned, Plan):
        yield planned
        return
    for part in planned.inputs.values():
        yield from leaves_of(part)


def columns_of(file: str, schema: Schema) -> tuple[str, ...]:
    """The columns that are known in a file, by the name of the file without its ending."""
    if file in COLUMNS:
        return COLUMNS[file]
    return (*schema.facts[file].fields, *OF_EVERY_FACT) if file in schema.facts else ()


def needs(policy: Policy, schema: Schema) -> Iterator[Need]:
    """What release, holdback and claw-back read."""
    for one in policy.incentive:
        basis = tables_of(policy, one, schema)
        ways = one.pay.release if one.pay else {}
        what = f"the release of plan {one.id}"
        if "by_collection" in ways and basis - {"payments"}:
            without = "nothing counts as collected"
            yield Need(what, "payments", ("received_on", "amount"), "received_on", _HEADED, without)
        if "on_invoice" in ways and basis - {"invoices"}:
            yield Need(what, "invoices", ("invoiced_on",), "invoiced_on", _HEADED, "nothing counts as invoiced")
        for table in sorted(basis) if "on_delivery" in ways else ():
            if table in schema.facts and "delivered_on" in schema.facts[table].fields:
                yield Need(what, table, ("delivered_on",), "", without="nothing counts as delivered")
        kinds = {DEFAULT_KIND[table]: table for table in DEFAULT_KIND}
        for kind in one.clawback.events if one.clawback else ():
            if kind in kinds:
                table = kinds[kind]
                without = f"no {kind} is known"
                yield Need(
                    f"the claw-back of plan {one.id}", table, (UNDOING[table],), UNDOING[table], _HEADED, without
                )


def metrics_of_pay(policy: Policy) -> set[str]:
    """The metrics on which pay and goals rest, and those that these are made of."""
    found = {goal.metric for goal in policy.goals}
    for _, one in policy.components():
        axes = (axis.metric for axis in (one.rows, one.columns) if axis is not None)
        found |= {one.basis, one.tiers.of if one.tiers else "", *axes, *one.divide}
    found |= {name for written in expressions(policy.incentive) for name in names(written.tree)}
    waiting = [name for name in found if name in policy.metrics]
    for name in waiting:  # grows by what each is made of
        more = set(names(policy.metrics[name].value.tree)) & set(policy.metrics) - set(waiting)
        waiting.extend(sorted(more))
    return set(waiting)


def tables_of(policy: Policy, one: IncentivePlan, schema: Schema) -> set[str]:
    """The fact tables whose records earn something in a plan."""
    found = {one.source_of(part) for part in one.components if part.kind == "spiff"}
    for part in one.components:
        if part.kind == "commission" and part.basis in policy.metrics:
            try:
                found |= {leaf.source for leaf in leaves_of(plan(policy, part.basis, schema))}
            except PlanError:
                continue
    return found


def texts(where: Expr | None) -> dict[str, set[str]]:
    """The texts with which a condition compares each field."""
    found: dict[str, set[str]] = defaultdict(set)
    for part in walk(where) if where is not None else ():
        pairs = []
        if isinstance(part, Binary) and part.op in ("==", "!="):
            pairs = [(part.left, part.right), (part.right, part.left)]
        elif isinstance(part, In):
            pairs = [(part.item, option) for option in part.options]
        for left, right in pairs:
            name = dotted(left)
            if name is not None and isinstance(right, Literal) and right.type is Type.TEXT:
                found[name].add(str(right.value))
    return found


def misspelt(field: str, known: set[str], rows: Sequence[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    """Values of a field that are one of the known ones but for capitals and spaces: as written, as known, the rows."""
    folded = {text.strip().casefold(): text for text in known}
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        value = row.get(field)
        if isinstance(value, str) and value not in known and value.strip().casefold() in folded:
            found[value].append(row)
    for value, every in found.items():
        yield value, folded[value.strip().casefold()], every

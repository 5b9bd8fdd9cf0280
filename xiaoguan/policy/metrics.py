"""指标 metrics: a metric becomes a plan, and a plan becomes a number that remembers its records.

A plan is one aggregate over one fact table: what to read, which rows count, over which date. It is plain data, so
that this module can evaluate it row by row, `rulebook/sql.py` can ask a database the same, and a test can expect one
number from both. A metric that is more than one aggregate, such as a win rate, is `Derived`: a formula over plans,
divided once, at the level that is asked for.

    bookings: {type: amount, from: orders, value: "sum(net_amount)", date: signed_on, where: "status == 'signed'"}

    plan(policy, "bookings")   Plan(source="orders", aggregate="sum", value=net_amount, where=.., date="signed_on")
    evaluate(policy, "bookings", rows_of, march)   Line(bookings, 120 000.00, records SO-107)

A row whose currency is not the policy's, or that lacks the value to be counted, is held back: not counted, and shown
in a part of the line named held_back with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Literal as Choice

from xiaoguan.base.explain import Line, Record, value_text
from xiaoguan.base.periods import Period, span
from xiaoguan.base.words import did_you_mean

from .document import Expression, Metric, Policy
from .formula import (
    NUMBERS,
    Binary,
    Call,
    Duration,
    Evaluator,
    Expr,
    FormulaError,
    Literal,
    Name,
    Row,
    Scope,
    Type,
    calls,
    dotted,
    evaluator,
    names,
    resolve,
    rewrite,
    unparse,
    walk,
)

FieldType = Type
Aggregate = Choice["sum", "count", "count_distinct", "count_retained", "cohort_retention", "min", "max", "mean", "nps"]
RowsOf = Callable[[str, Period, str], Sequence[Row]]
"""Rows of a fact table whose date field lies in a period. A row has "id", "label", "currency" and the fields."""

RateOf = Callable[[str, date], Fraction | None]
"""Units of the policy's currency for one unit of another on a day, or None."""

HELD_BACK = "held_back"


@dataclass(frozen=True)
class FactSchema:
    """事实表: the fields of one fact table that a policy may read.

    fields   name (dotted for a relation, such as customer.class) to type. dates are those a metric may count by.
    person   the field that says whose record it is; None for facts of the company.
    """

    name: str
    fields: Mapping[str, FieldType]
    dates: tuple[str, ...]
    person: str | None = "person"


@dataclass(frozen=True, eq=False)
class Schema:
    """The fact tables that are there, by name."""

    facts: Mapping[str, FactSchema]


def fact(
    name: str, *, dates: str, money: str = "", numbers: str = "", texts: str = "", **others: FieldType
) -> FactSchema:
    """A fact schema written short: names separated by spaces, and any other field as a keyword."""
    kinds = ((dates, Type.DATE), (money, Type.MONEY), (numbers, Type.NUMBER), (texts, Type.TEXT))
    fields = {field: type_ for names, type_ in kinds for field in names.split()}
    return FactSchema(name, {**fields, **others}, tuple(dates.split()))


_ORDER_MONEY = "net_amount tax_amount freight_amount total_amount cost"
_PEOPLE = "co_owner referrer presales partner"

FACTS = Schema(
    {
        table.name: table
        for table in (
            fact(
                "orders",
                dates="signed_on ordered_on delivered_on",
                money=_ORDER_MONEY,
                numbers="term_months",
                texts=f"status channel customer customer.class reverses {_PEOPLE}",
                discount=Type.RATIO,
            ),
            fact(
                "order_lines",
                dates="signed_on ordered_on delivered_on",
                money="unit_price list_price net_amount cost",
                numbers="quantity term_months",
                texts="order product product.line product.category category customer customer.class channel status "
                f"reverses {_PEOPLE}",
                discount=Type.RATIO,
            ),
            fact(
                "payments",
                dates="received_on",
                money="amount",
                texts=f"customer order invoice method reverses {_PEOPLE}",
            ),
            fact(
                "invoices",
                dates="invoiced_on",
                money="net_amount tax_amount total_amount cost",
                numbers="quantity term_months",
                texts=f"customer_id customer order status reverses {_PEOPLE}",
                discount=Type.RATIO,
            ),
            fact("receivables", dates="due_on as_of", money="amount open_amount", texts="customer order invoice"),
            fact(
                "returns", dates="returned_on", money="amount", texts="kind order record customer", quantity=Type.NUMBER
            ),
            fact("refunds", dates="refunded_on", money="amount", texts="kind order record customer"),
            fact("bad_debts", dates="written_off_on", money="amount", texts="kind order invoice record customer"),
            fact(
                "opportunities",
                dates="created_on qualified_on closed_on closes_on",
                money="amount",
                texts="result stage source customer lost_reason",
                probability=Type.RATIO,
            ),
            fact("customers", dates="created_on first_order_on", texts="class source industry region"),
            fact(
                "activities",
                dates="done_on",
                numbers="minutes",
                texts="kind customer",
                connected=Type.BOOL,
            ),
            fact("follow_ups", dates="due_on done_on", texts="kind customer"),
            fact("surveys", dates="answered_on", texts="kind customer", score=Type.SCORE),
            fact("tickets", dates="opened_on closed_on", texts="kind customer", upheld=Type.BOOL),
            fact("trainings", dates="passed_on", numbers="mark", texts="course"),
            fact("events", dates="happened_on", texts="kind record"),
        )
    }
)
"""The vocabulary of facts that policies are written in; a caller whose tables differ gives its own schema."""


@dataclass(frozen=True, slots=True)
class Plan:
    """计算计划: one aggregate over the rows of one fact table.

    value     the resolved formula to aggregate; None for count. where   which rows count; None for all.
    date      the field that puts a row into a period. person   the field that says whose row it is.
    over      count_retained: the window after the period in which a value must be seen again; cohort_retention: the
              window that ends with the period, and as long a window before it, whose values are the starters.
    """

    metric: str
    label: str
    source: str
    aggregate: Aggregate
    value: Expr | None
    where: Expr | None
    date: str
    person: str | None
    type: Type
    over: Duration | None = None
    min_sample: int = 0

    @property
    def inputs(self) -> Mapping[str, Plan | Derived]:
        """None: a plan reads rows only."""
        return {}


@dataclass(frozen=True, slots=True)
class Derived:
    """复合指标: a resolved formula over the values of `inputs`, whose keys are its names."""

    metric: str
    label: str
    expression: Expr
    inputs: Mapping[str, Plan | Derived]
    type: Type
    min_sample: int = 0


class PlanError(ValueError):
    """A metric that cannot be calculated, and why. `absent` says that only a fact table is not there (yet)."""

    def __init__(self, metric: Metric, message: str, hint: str = "", key: str = "value", absent: bool = False) -> None:
        super().__init__(f"metric {metric.id}: {message}")
        self.metric, self.message, self.hint, self.key, self.absent = metric, message, hint, key, absent


# Planning


@lru_cache(maxsize=4096)
def plan(policy: Policy, metric_id: str, schema: Schema = FACTS) -> Plan | Derived:
    """The plan of a metric; PlanError if it cannot be calculated, KeyError for an id the policy does not have."""
    return _plan(policy, policy.metrics[metric_id], schema, ())


def _plan(policy: Policy, metric: Metric, schema: Schema, above: tuple[str, ...]) -> Plan | Derived:
    if metric.id in above:
        circle = " → ".join([*above[above.index(metric.id) :], metric.id])
        raise PlanError(metric, f"it needs itself: {circle}", "Take one of them out of the circle.")
    if "forecast_bias" in calls(metric.value.tree):
        raise PlanError(metric, "forecast_bias() counts no records", "Ask it in a warning or an appraisal.")
    inputs: dict[str, Plan | Derived] = {}

    def change(part: Expr) -> Expr | None:
        if isinstance(part, Call) and _is_aggregate(part, metric):
            inputs[unparse(part)] = _leaf(metric, part, schema)
            return Name(unparse(part), part.at)
        name = dotted(part)
        if name is not None and name in policy.metrics:
            inputs[name] = _plan(policy, policy.metrics[name], schema, (*above, metric.id))
        return None

    metric = _over_orders(policy, metric, schema)
    tree = rewrite(_with_empty(metric), change)
    types = {name: source.type for name, source in inputs.items()}
    known = Scope({**{other: m.kind for other, m in policy.metrics.items() if not metric.table}, **types})
    try:
        expression, _ = resolve(tree, known, metric.kind)
    except FormulaError as error:
        raise _unreadable(metric, "value", metric.value, error) from None
    only = inputs.get(dotted(expression) or "")
    if isinstance(only, Plan) and metric.table:
        return replace(only, type=metric.kind, min_sample=metric.min_sample)
    return Derived(metric.id, metric.name, expression, inputs, metric.kind, metric.min_sample)


def _over_orders(policy: Policy, metric: Metric, schema: Schema) -> Metric:
    """cohort_retention(customers, over=12m) without a table: customers are those that ordered, on the day by which the
    first metric on orders counts."""
    tree, orders = metric.value.tree, schema.facts.get("orders")
    if metric.table or orders is None or not (isinstance(tree, Call) and tree.name == "cohort_retention"):
        return metric
    written = replace(metric.value, tree=replace(tree, args=(Name("customer", tree.at),)))
    counted = (one.date for one in policy.metrics.values() if one.table == "orders" and one.date in orders.dates)
    return replace(metric, table="orders", date=metric.date or next(counted, orders.dates[0]), value=written)


def _with_empty(metric: Metric) -> Expr:
    """The formula with the metric's own `empty` written into its ratio."""
    tree = metric.value.tree
    if metric.empty is None or not isinstance(tree, Call) or tree.name != "ratio" or tree.get("empty") is not None:
        return tree
    return replace(tree, named=(*tree.named, ("empty", metric.empty.tree)))


_AGGREGATES: dict[str, tuple[int, ...]] = {
    "sum": (1,),
    "count": (0,),
    "count_if": (1,),
    "count_distinct": (1,),
    "count_retained": (1,),
    "cohort_retention": (1,),
    "min": (1,),
    "max": (1,),
    "mean": (1,),
    "nps": (1,),
}


def _is_aggregate(call: Call, metric: Metric) -> bool:
    if call.name not in _AGGREGATES or (call.name in ("min", "max") and len(call.args) > 1):
        return False
    if not metric.table:
        hint = "Add from: with the fact table, such as from: orders."
        raise PlanError(metric, f"{unparse(call)} reads records, but the metric names no table", hint)
    if len(call.args) not in _AGGREGATES[call.name]:
        wanted = "one value" if _AGGREGATES[call.name][0] else "no value"
        hint = "Put a condition into where, or write count_if(condition)." if len(call.args) > 1 else ""
        raise PlanError(metric, f"{call.name}() takes {wanted}, not {len(call.args)}", hint)
    return True


def _leaf(metric: Metric, call: Call, schema: Schema) -> Plan:
    table = _table(metric, schema)
    scope = Scope({"id": Type.TEXT, "currency": Type.TEXT, **table.fields})
    where = _where(metric, scope)
    value, type_, over = None, Type.COUNT, None
    try:
        if call.name == "count_if":
            condition, _ = resolve(call.args[0], scope, Type.BOOL)
            where = condition if where is None else Binary("and", where, condition)
        elif call.args:
            value, type_ = resolve(call.args[0], scope)
        if call.name in ("count_retained", "cohort_retention"):
            over = _window(metric, call)
    except FormulaError as error:
        raise _unreadable(metric, "value", metric.value, error) from None
    name: Aggregate = "count" if call.name == "count_if" else call.name  # type: ignore[assignment]
    return Plan(
        metric=metric.id,
        label=metric.name,
        source=table.name,
        aggregate=name,
        value=value,
        where=where,
        date=metric.date,
        person=table.person,
        type=_type_of(metric, name, type_, call),
        over=over,
    )


def _table(metric: Metric, schema: Schema) -> FactSchema:
    table = schema.facts.get(metric.table)
    if table is None:
        hint = did_you_mean(metric.table, schema.facts) or f"There are {', '.join(sorted(schema.facts))}."
        raise PlanError(metric, f"there is no fact table {metric.table!r}", hint, "from", absent=True)
    if metric.date not in table.dates:
        hint = did_you_mean(metric.date, table.dates) or f"Dates of {table.name} are {', '.join(table.dates)}."
        what = f"{metric.date!r} is not a date of {table.name}" if metric.date else "the date to count by is missing"
        raise PlanError(metric, what, hint, "date")
    return table


def _where(metric: Metric, scope: Scope) -> Expr | None:
    if metric.where is None:
        return None
    try:
        return resolve(metric.where.tree, scope, Type.BOOL)[0]
    except FormulaError as error:
        raise _unreadable(metric, "where", metric.where, error) from None


def _window(metric: Metric, call: Call) -> Duration:
    over = call.get("over")
    if not isinstance(over, Literal) or not isinstance(over.value, Duration) or over.value.unit not in "dwmy":
        raise PlanError(metric, f"{call.name}() needs the window in which values are seen again", "Write over=1y.")
    return over.value


def _type_of(metric: Metric, aggregate: Aggregate, value: Type, call: Call) -> Type:
    if aggregate.startswith("count"):
        return Type.COUNT
    if aggregate == "cohort_retention":
        return Type.RATIO
    if value is Type.DURATION and aggregate in ("mean", "min", "max"):
        return value
    if value not in NUMBERS:
        raise PlanError(metric, f"{unparse(call)} needs a number, but {unparse(call.args[0])!r} is {value.value}")
    if aggregate == "nps":
        return Type.SCORE
    return Type.NUMBER if aggregate == "mean" and value is Type.COUNT else value


def _unreadable(metric: Metric, key: str, written: Expression, error: FormulaError) -> PlanError:
    return PlanError(metric, f'in "{written.text}" at column {error.at + 1}: {error.message}', error.hint, key)


# Evaluating


def evaluate(policy: Policy, metric_id: str, rows_of: RowsOf, period: Period, schema: Schema = FACTS) -> Line:
    """The value of a metric for a period as a line with its records.

    rows_of   gives the rows of a table in a period by a date field; it decides whose rows they are.
    Returns   a line with unit of the metric; value None with a note where it cannot be calculated.
    """
    metric = policy.metrics[metric_id]
    unit = policy.unit_of(metric_id)
    try:
        planned = plan(policy, metric_id, schema)
    except PlanError as error:
        return Line(
            metric_id, metric.name, None, unit, source=_source(policy, metric), note=f"{error}. {error.hint}".strip()
        )
    line = run(planned, rows_of, period, policy.currency)
    return replace(line, source=_source(policy, metric))


def run(planned: Plan | Derived, rows_of: RowsOf, period: Period, currency: str, rate: RateOf | None = None) -> Line:
    """The value of a plan for a period; `evaluate` without the policy around it. `rate` converts other currencies."""
    if isinstance(planned, Plan):
        return _run_plan(planned, rows_of, period, currency, rate)
    parts = {
        name: replace(run(part, rows_of, period, currency, rate), name=name, adds=False)
        for name, part in planned.inputs.items()
    }
    return combine(planned, parts, currency)


def combine(derived: Derived, parts: Mapping[str, Line], currency: str, cases: Mapping[str, int] | None = None) -> Line:
    """The line of a derived metric from the lines of its inputs, wherever those came from.

    cases   how many records each input rests on, where the lines do not carry them.
    """
    row = {name: part.value for name, part in parts.items()}
    value = evaluator(derived.expression, unknown=None)(row)
    note = _reason(derived, parts) if value is None else ""
    known = cases or {name: _cases(part) for name, part in parts.items()}
    if value is not None and derived.min_sample and (sample := _sample(derived, row, known)) < derived.min_sample:
        value, note = None, f"only {sample} records, fewer than the {derived.min_sample} it takes"
    shown = ", ".join(f"{name} = {part.text}" for name, part in parts.items())
    assert value is None or isinstance(value, int | Fraction)
    return Line(
        derived.metric,
        derived.label,
        value,
        unit_text(derived.type, currency),
        formula=f"{unparse(derived.expression)} with {shown}",
        parts=tuple(parts.values()),
        note=note,
    )


def unit_text(type_: Type, currency: str) -> str:
    """The unit of a line of that type."""
    known = {Type.MONEY: f"money:{currency}", Type.RATIO: "ratio", Type.SCORE: "score", Type.DURATION: "duration"}
    return known.get(type_, "count")


def _reason(derived: Derived, parts: Mapping[str, Line]) -> str:
    lacking = [f"{part.name}: {part.note or 'no value'}" for part in parts.values() if part.missing]
    return "; ".join(lacking) or f"{unparse(derived.expression)} divides by nothing"


def _sample(derived: Derived, row: Mapping[str, object], cases: Mapping[str, int]) -> int:
    """How many cases the metric rests on: what its ratios divide by where that is counted, else the records of it."""
    found = []
    for call in walk(derived.expression):
        if isinstance(call, Call) and call.name == "ratio" and (read := names(call.args[1])):
            below = evaluator(call.args[1])(row)
            counted = all(derived.inputs[name].type is Type.COUNT for name in read)
            found.append(int(below) if counted and isinstance(below, int | Fraction) else sum(cases[n] for n in read))
    return min(found, default=sum(cases.values()))


def _cases(line: Line) -> int:
    """How many records a line rests on."""
    return len(line.records) or sum(_cases(part) for part in line.parts if part.name != HELD_BACK)


def _source(policy: Policy, metric: Metric) -> str:
    return f"{policy.clause}, {metric.source or metric.path}"


@dataclass(frozen=True, slots=True)
class _Counted:
    row: Row
    value: int | Fraction | str


@lru_cache(maxsize=4096)
def _compiled(planned: Plan) -> tuple[Evaluator | None, Evaluator | None]:
    where = evaluator(planned.where) if planned.where is not None else None
    return where, evaluator(planned.value) if planned.value is not None else None


def _run_plan(planned: Plan, rows_of: RowsOf, period: Period, currency: str, rate: RateOf | None = None) -> Line:
    if planned.aggregate == "cohort_retention":
        return _retention(planned, rows_of, period, currency)
    counted, held = _count(planned, rows_of(planned.source, period, planned.date), currency, rate)
    if planned.over is not None:
        window = span(period.end, planned.over.after(period.end))
        again = {one.value for one in _count(planned, rows_of(planned.source, window, planned.date), currency)[0]}
        counted = [one for one in counted if one.value in again]
    value, records = _AGGREGATORS[planned.aggregate](planned, counted)
    note = "" if value is not None else f"no {planned.source} in {period.label}"
    if value is not None and len(counted) < planned.min_sample:
        value, note = None, f"only {len(counted)} records, fewer than the {planned.min_sample} it takes"
    return Line(
        planned.metric,
        planned.label,
        value,
        unit_text(planned.type, currency),
        formula=_formula(planned, len(counted)),
        records=tuple(records),
        parts=(held_line(planned, held),) if held else (),
        note=note,
    )


def _retention(planned: Plan, rows_of: RowsOf, period: Period, currency: str) -> Line:
    """保留率: of the values seen in the window before, the share seen again in the window that ends with the period."""
    assert planned.over is not None
    back = Duration(-planned.over.count, planned.over.unit)
    middle = back.after(period.end)
    before, now = span(back.after(middle), middle), span(middle, period.end)
    seen = [
        {one.value for one in _count(planned, rows_of(planned.source, window, planned.date), currency)[0]}
        for window in (before, now)
    ]
    starters, kept = seen[0], seen[0] & seen[1]
    value, note = (
        (Fraction(len(kept), len(starters)), "") if starters else (None, f"nobody was active in {before.label}")
    )
    if value is not None and len(starters) < planned.min_sample:
        value, note = None, f"only {len(starters)} records, fewer than the {planned.min_sample} it takes"
    inner = unparse(planned.value) if planned.value is not None else ""
    formula = f"{len(kept)} of {len(starters)} {inner} of {before.label} again in {now.label}"
    return Line(planned.metric, planned.label, value, "ratio", formula=formula, note=note)


def count_rows(
    planned: Plan, rows: Sequence[Row], currency: str, rate: RateOf | None = None
) -> tuple[list[tuple[Row, int | Fraction | str]], list[tuple[Row, str]]]:
    """The rows that count with their values, in the order of date and id; and those held back with the reason."""
    counted, held = _count(planned, rows, currency, rate)
    return [(one.row, one.value) for one in counted], held


def run_rows(planned: Plan, rows: Sequence[Row], period: Period, currency: str, rate: RateOf | None = None) -> Line:
    """The value of a plan over given rows."""
    return _run_plan(planned, lambda source, window, by: rows, period, currency, rate)


def _count(
    planned: Plan, rows: Sequence[Row], currency: str, rate: RateOf | None = None
) -> tuple[list[_Counted], list[tuple[Row, str]]]:
    """Rows in another currency are converted where there is a rate, and held back where there is none."""
    where, value_of = _compiled(planned)
    counted: list[_Counted] = []
    held: list[tuple[Row, str]] = []
    is_money = planned.type is Type.MONEY
    for row in sorted(rows, key=lambda row: _place(row, planned.date)):
        if where is not None and not where(row):
            continue
        value = value_of(row) if value_of is not None else 1
        if isinstance(value, Duration):
            value = value.days
        if is_money and (foreign := row.get("currency")) not in (None, "", currency):
            day = rated_on(row, planned.date)
            factor = rate(str(foreign), day) if rate is not None and isinstance(day, date) else None
            if factor is None:
                why = f"no rate of {foreign} on {day}" if rate is not None else f"in {foreign}, not {currency}"
                held.append((row, why))
                continue
            value = None if value is None else value * factor  # type: ignore[operator]
        if value is None:
            held.append((row, f"{unparse(planned.value) if planned.value else 'value'} is missing"))
            continue
        counted.append(_Counted(row, value))  # type: ignore[arg-type]
    return counted, held


def rated_on(row: Row, dated: str) -> object:
    """The day whose rate converts a row: its own, or that of the one it reverses, so that both come to nothing."""
    first = row.get("reversed")
    return (first if isinstance(first, Mapping) else row).get(dated)


def _place(row: Row, dated: str) -> tuple[str, str, str]:
    """Where a row stands among others: by event date, then when it was recorded, then id."""
    return str(row.get(dated)), str(row.get("recorded_at") or ""), str(row.get("id"))


def _formula(planned: Plan, count: int) -> str:
    inner = unparse(planned.value) if planned.value is not None else ""
    over = f", over={planned.over}" if planned.over else ""
    where = f" with {unparse(planned.where)}" if planned.where is not None else ""
    return f"{planned.aggregate}({inner}{over}) of {count} {planned.source}{where}"


def held_line(planned: Plan, held: Sequence[tuple[Row, str]]) -> Line:
    """The records held back, with the reasons."""
    records = tuple(_record(planned, row, None) for row, _ in held)
    reasons = "; ".join(sorted({reason for _, reason in held}))
    return Line(HELD_BACK, "Held back", len(held), "count", records=records, note=reasons, adds=False)


def _record(planned: Plan, row: Row, value: int | Fraction | None) -> Record:
    name = str(row.get("id", ""))
    return Record(planned.source, name, str(row.get("label") or name), value)


_Result = tuple[int | Fraction | None, list[Record]]


def _numbers(counted: Sequence[_Counted]) -> list[int | Fraction]:
    return [one.value for one in counted if not isinstance(one.value, str)]


def _all_records(planned: Plan, counted: Sequence[_Counted]) -> list[Record]:
    return [_record(planned, one.row, one.value) for one in counted if not isinstance(one.value, str)]


def _sum(planned: Plan, counted: Sequence[_Counted]) -> _Result:
    return sum(_numbers(counted)), _all_records(planned, counted)


def _mean(planned: Plan, counted: Sequence[_Counted]) -> _Result:
    numbers = _numbers(counted)
    return (Fraction(sum(numbers)) / len(numbers) if numbers else None), _all_records(planned, counted)


def _nps(planned: Plan, counted: Sequence[_Counted]) -> _Result:
    """100 x (share of 9 and 10 - share of 0 to 6). Source: spec/domain.md section 4."""
    scores = _numbers(counted)
    balance = sum(score >= 9 for score in scores) - sum(score <= 6 for score in scores)
    return (Fraction(100 * balance, len(scores)) if scores else None), _all_records(planned, counted)


def _extreme(planned: Plan, counted: Sequence[_Counted]) -> _Result:
    """The largest or smallest value and the first record that has it."""
    numbers = _numbers(counted)
    if not numbers:
        return None, []
    value = max(numbers) if planned.aggregate == "max" else min(numbers)
    first = next(one for one in counted if one.value == value)
    return value, [_record(planned, first.row, value)]


def _distinct(planned: Plan, counted: Sequence[_Counted]) -> _Result:
    """Different values; the first record of each counts 1, the others 0."""
    seen: set[object] = set()
    records = []
    for one in counted:
        records.append(_record(planned, one.row, int(one.value not in seen)))
        seen.add(one.value)
    return len(seen), records


_AGGREGATORS: dict[str, Callable[[Plan, Sequence[_Counted]], _Result]] = {
    "sum": _sum,
    "count": _sum,
    "count_distinct": _distinct,
    "count_retained": _distinct,
    "min": _extreme,
    "max": _extreme,
    "mean": _mean,
    "nps": _nps,
}

__all__ = [
    "FACTS",
    "Derived",
    "FactSchema",
    "Plan",
    "PlanError",
    "RateOf",
    "RowsOf",
    "Schema",
    "combine",
    "count_rows",
    "evaluate",
    "fact",
    "held_line",
    "plan",
    "rated_on",
    "run",
    "run_rows",
    "unit_text",
    "value_text",
]

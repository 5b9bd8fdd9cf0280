"""A metric plan as one aggregate query of the database; must give the number that policy/metrics.py gives row by row.

Amounts and decimals are whole numbers in the tables, so every formula is whole-number arithmetic with a known
denominator: a product multiplies the denominators, a sum brings both sides to the common one. Sums are taken in two
halves, because SQLite's SUM fails beyond 64 bits. What cannot be said this way raises NotInSql and is reckoned by rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Any

from django.db import connection
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Count,
    DecimalField,
    Exists,
    F,
    Func,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from xiaoguan.base.explain import Line
from xiaoguan.desk.fields import ExactField
from xiaoguan.policy import Binary, Expr, Field, In, Literal, Name, Type, Unary
from xiaoguan.policy.metrics import Derived, Plan, combine, unit_text
from xiaoguan.rulebook.facts import Fact, facts

HALF = 10**9
WHOLE: Any = DecimalField(max_digits=60, decimal_places=0)
COMPARE = {"==": Exact, "<": LessThan, "<=": LessThanOrEqual, ">": GreaterThan, ">=": GreaterThanOrEqual}
ZERO_WHEN_EMPTY = frozenset({"sum", "count", "count_distinct", "count_retained"})


class NotInSql(Exception):
    """This plan cannot be one exact query; evaluate it over rows."""


@dataclass(frozen=True)
class Number:
    """A whole-number expression; the meant value is `sql` / `per`."""

    sql: Any
    per: int

    def at(self, per: int) -> Any:
        return self.sql if per == self.per else _times(self.sql, per // self.per)


@dataclass(frozen=True)
class Answer:
    """One group's value, how many rows it rests on, and how many were held back for another currency."""

    value: Fraction | int | None
    count: int
    held: int = 0


def ask(
    planned: Plan | Derived, start: date, end: date, currency: str, by: str | None = None, only: Q | None = None
) -> dict[Any, Answer]:
    """The plan's value over [start, end) in total (key None), by a dimension of its fact, by team or by day.

    Raises NotInSql for what no query can say, KeyError for an unknown dimension.
    only    a further filter on the fact's rows, such as one person's.
    """
    if isinstance(planned, Derived):
        return _derived(planned, start, end, currency, by, only)
    fact = facts()[planned.source]
    rows = _counted(planned, fact, start, end)
    if only is not None:
        rows = rows.filter(only)
    group = _group(fact, by, planned.date)
    held: dict[Any, int] = {}
    if planned.type is Type.MONEY and fact.currency:
        others = rows.exclude(**{fact.currency: currency})
        counts = _grouped(others, group).annotate(n=Count("pk")).values_list("_key", "n")
        held = {None if by is None else key: n for key, n in counts}
        rows = rows.filter(**{fact.currency: currency})
    number = _number(planned.value, fact) if planned.value is not None and planned.aggregate not in ("count",) else None
    found = _aggregate(planned, rows, group, number, fact)
    for key, count in held.items():
        answer = found.get(key, Answer(0 if planned.aggregate in ZERO_WHEN_EMPTY else None, 0))
        found[key] = Answer(answer.value, answer.count, count)
    if by is None and None not in found:
        found[None] = Answer(0 if planned.aggregate in ZERO_WHEN_EMPTY else None, 0)
    if planned.min_sample:
        found = {k: a if a.count >= planned.min_sample else Answer(None, a.count, a.held) for k, a in found.items()}
    return found


def _counted(planned: Plan, fact: Fact, start: date, end: date) -> QuerySet:
    rows = fact.between(planned.date, start, end)
    if planned.where is not None:
        rows = rows.filter(_condition(planned.where, fact))
    if planned.over is not None:
        column = _column(planned.value, fact)
        window = fact.between(planned.date, end, planned.over.after(end))
        if planned.where is not None:
            window = window.filter(_condition(planned.where, fact))
        rows = rows.filter(Exists(window.filter(**{column: OuterRef(column)})))
    return rows


def _group(fact: Fact, by: str | None, dated: str) -> Any:
    if by is None:
        return Value(0)
    if by == "day":
        return F(fact.paths[dated].orm)
    if by == "team":
        if not fact.person:
            raise KeyError(by)
        from xiaoguan.people.models import Membership

        day = fact.paths[dated].orm
        rows = Membership.objects.filter(person=OuterRef(fact.person), starts_on__lte=OuterRef(day))
        return rows.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=OuterRef(day))).values("team")[:1]
    return F(fact.dimensions[by])


def _grouped(rows: QuerySet, group: Any) -> QuerySet:
    from django.db.models import Subquery

    key = Subquery(group) if isinstance(group, QuerySet) else group
    return rows.order_by().annotate(_key=key).values("_key")


def _aggregate(planned: Plan, rows: QuerySet, group: Any, number: Number | None, fact: Fact) -> dict[Any, Answer]:
    total = isinstance(group, Value)
    grouped = _grouped(rows, group)
    kind = planned.aggregate
    if kind in ("sum", "mean", "min", "max") and number is None:
        raise NotInSql(planned.metric)
    if kind in ("sum", "mean"):
        per, sql = number.per, number.sql
        halves = _halves(sql)
        query = grouped.annotate(
            n=Count(sql),
            hi=halves[0],
            lo=halves[1],
            inexact=Sum(_inexact(sql), output_field=BigIntegerField()),
        ).values_list("_key", "n", "hi", "lo", "inexact")
        found = {}
        for key, n, hi, lo, inexact in query:
            if inexact:
                raise NotInSql(planned.metric)
            value = Fraction(int(hi or 0) * HALF + int(lo or 0), per)
            found[key] = Answer(_plain(value if kind == "sum" else value / n if n else None), n)
    elif kind in ("min", "max"):
        function = Min if kind == "min" else Max
        query = grouped.annotate(
            n=Count(number.sql),
            v=function(number.sql),
            inexact=Sum(_inexact(number.sql), output_field=BigIntegerField()),
        )
        found = {}
        for key, n, extreme, inexact in query.values_list("_key", "n", "v", "inexact"):
            if inexact:
                raise NotInSql(planned.metric)
            found[key] = Answer(None if extreme is None else _plain(Fraction(int(extreme), number.per)), n)
    elif kind == "count":
        found = {k: Answer(n, n) for k, n in grouped.annotate(n=Count("pk")).values_list("_key", "n")}
    elif kind in ("count_distinct", "count_retained"):
        column = _column(planned.value, fact)
        query = grouped.annotate(n=Count("pk"), v=Count(column, distinct=True)).values_list("_key", "n", "v")
        found = {k: Answer(v, n) for k, n, v in query}
    else:
        raise NotInSql(planned.metric)
    return {(None if total else k): a for k, a in found.items()}


def _derived(
    planned: Derived, start: date, end: date, currency: str, by: str | None, only: Q | None
) -> dict[Any, Answer]:
    parts = {name: ask(part, start, end, currency, by, only) for name, part in planned.inputs.items()}
    keys = {key for part in parts.values() for key in part} or {None}
    found = {}
    for key in keys:
        lines = {
            name: Line(name, name, _or_empty(parts[name], key, source), unit_text(source.type, currency))
            for name, source in planned.inputs.items()
        }
        cases = {name: part[key].count if key in part else 0 for name, part in parts.items()}
        line = combine(planned, lines, currency, cases)
        found[key] = Answer(line.value, max((p[key].count for p in parts.values() if key in p), default=0))
    return found


def _or_empty(part: Mapping[Any, Answer], key: Any, source: Plan | Derived) -> Any:
    if key in part:
        return part[key].value
    return 0 if isinstance(source, Plan) and source.aggregate in ZERO_WHEN_EMPTY else None


# Formulas


def _column(tree: Expr | None, fact: Fact) -> str:
    name = _name(tree)
    if name is None or name not in fact.paths:
        raise NotInSql(str(tree))
    return fact.paths[name].orm


def _name(tree: Expr | None) -> str | None:
    if isinstance(tree, Name):
        return tree.name
    if isinstance(tree, Field):
        inner = _name(tree.of)
        return f"{inner}.{tree.name}" if inner else None
    return None


def _number(tree: Expr, fact: Fact) -> Number | None:
    """A numeric formula as a whole-number expression; None for a plain column that is no number."""
    if isinstance(tree, Literal):
        if isinstance(tree.value, bool) or not isinstance(tree.value, int | Fraction):
            raise NotInSql(str(tree))
        value = Fraction(tree.value)
        return Number(_wide(Value(value.numerator, output_field=BigIntegerField())), value.denominator)
    name = _name(tree)
    if name is not None:
        if name not in fact.paths:
            raise NotInSql(name)
        path = fact.paths[name]
        if path.kind not in ("money", "decimal", "percent", "number"):
            return None
        raw = Cast(F(path.orm), BigIntegerField()) if isinstance(path.field, ExactField) else F(path.orm)
        return Number(_wide(raw), path.field.scale if isinstance(path.field, ExactField) else 1)
    if isinstance(tree, Unary) and tree.op == "-":
        inner = _need(tree.operand, fact)
        return Number(_times(inner.sql, -1), inner.per)
    if isinstance(tree, Binary) and tree.op in "+-*":
        left, right = _need(tree.left, fact), _need(tree.right, fact)
        if tree.op == "*":
            return Number(_combine(left.sql, "*", right.sql), left.per * right.per)
        per = lcm(left.per, right.per)
        return Number(_combine(left.at(per), tree.op, right.at(per)), per)
    raise NotInSql(str(tree))


def _need(tree: Expr, fact: Fact) -> Number:
    found = _number(tree, fact)
    if found is None:
        raise NotInSql(str(tree))
    return found


def _condition(tree: Expr, fact: Fact, inside_not: bool = False) -> Any:
    """A condition as a filter. Under `not` an unknown comparison counts as false, as it does row by row."""
    if isinstance(tree, Binary) and tree.op in ("and", "or"):
        left, right = Q(_condition(tree.left, fact, inside_not)), Q(_condition(tree.right, fact, inside_not))
        return left & right if tree.op == "and" else left | right
    if isinstance(tree, Unary) and tree.op == "not":
        inner = _condition(tree.operand, fact, True)
        return Q(Exact(Coalesce(_as_flag(inner), Value(False)), Value(False)))
    if isinstance(tree, In):
        found = Q(pk__in=())
        for option in tree.options:
            found |= Q(_compared("==", tree.item, option, fact))
        return found
    if isinstance(tree, Binary) and tree.op in COMPARE:
        return _compared(tree.op, tree.left, tree.right, fact)
    if isinstance(tree, Binary) and tree.op == "!=":
        return Q(_compared("<", tree.left, tree.right, fact)) | Q(_compared(">", tree.left, tree.right, fact))
    name = _name(tree)
    if name in fact.paths and fact.paths[name].kind == "bool":
        return Q(**{fact.paths[name].orm: True})
    raise NotInSql(str(tree))


def _as_flag(condition: Any) -> Any:
    from django.db.models import Case, When

    return Case(When(Q(condition), then=Value(True)), default=Value(False), output_field=BooleanField())


def _compared(op: str, left: Expr, right: Expr, fact: Fact) -> Any:
    a, b = _side(left, fact), _side(right, fact)
    if isinstance(a, Number) and isinstance(b, Number):
        per = lcm(a.per, b.per)
        return COMPARE[op](a.at(per), b.at(per))
    if isinstance(a, Number) or isinstance(b, Number):
        raise NotInSql(op)
    return COMPARE[op](a, b)


def _side(tree: Expr, fact: Fact) -> Any:
    """A number, or a column or constant of text, date or truth."""
    if isinstance(tree, Literal) and isinstance(tree.value, str | date | bool):
        return Value(tree.value)
    name = _name(tree)
    if name is not None and name in fact.paths:
        number = _number(tree, fact)
        return number if number is not None else F(fact.paths[name].orm)
    return _need(tree, fact)


def _wide(sql: Any) -> Any:
    """PostgreSQL reckons in its exact decimals, which do not end at 64 bits; SQLite has only whole numbers of 64."""
    if connection.vendor == "sqlite":
        return sql
    return Func(sql, template="(%(expressions)s)::numeric", output_field=BigIntegerField())


def _halves(sql: Any) -> tuple[Any, Any]:
    """Two sums, of which the first counts HALF times: SQLite's SUM must not pass 64 bits."""
    if connection.vendor == "sqlite":
        return Sum(_div(sql)), Sum(_mod(sql))
    return Sum(Value(0), output_field=WHOLE), Sum(sql, output_field=WHOLE)


def _combine(left: Any, op: str, right: Any) -> Any:
    return Func(left, right, template="(%(expressions)s)", arg_joiner=f" {op} ", output_field=BigIntegerField())


def _times(sql: Any, factor: int) -> Any:
    return _combine(sql, "*", Value(factor, output_field=BigIntegerField()))


def _div(sql: Any) -> Any:
    return Func(sql, template=f"(%(expressions)s / {HALF})", output_field=BigIntegerField())


def _mod(sql: Any) -> Any:
    return Func(sql, template=f"(%(expressions)s %%%% {HALF})", output_field=BigIntegerField())


def _inexact(sql: Any) -> Any:
    """1 where SQLite turned an overflowing product into a binary float; PostgreSQL refuses such a product by itself."""
    if connection.vendor != "sqlite":
        return Value(0, output_field=BigIntegerField())
    return Func(sql, template="(typeof(%(expressions)s) = 'real')", output_field=BigIntegerField())


def _plain(value: Fraction | None) -> Fraction | int | None:
    return value.numerator if value is not None and value.denominator == 1 else value

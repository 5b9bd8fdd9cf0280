"""Evaluating: a resolved tree as a function of a row. Missing is None."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Protocol

from .tree import COMPARISONS, Binary, Call, Duration, Expr, Field, In, Literal, Name, Row, Unary, Value, dotted, plain


class Named(Protocol):
    """What a formula reads by name: a row, or whatever answers like one. Missing is None."""

    def get(self, name: str, /) -> object: ...


Evaluator = Callable[[Named], Value]


def evaluate(tree: Expr, row: Row) -> Value:
    """The value of a resolved formula for a row."""
    return evaluator(tree)(row)


def evaluator(tree: Expr, unknown: bool | None = False) -> Evaluator:
    """A resolved formula as a function of a row; make it once and call it for every row.

    unknown   what a condition on a missing value is: False, it does not hold, as for the records of a metric; None, it
              is not known, and so is what hangs on it, as where a person's pay does.
    """

    def part(tree: Expr) -> Evaluator:
        return evaluator(tree, unknown)

    match tree:
        case Literal(value=value):
            return lambda row: value
        case Name() | Field():
            name = dotted(tree) or ""
            return lambda row: row.get(name)  # type: ignore[return-value]
        case Unary(op=op, operand=operand):
            inner = part(operand)
            if op == "not":
                return _not(inner, unknown)
            return lambda row: None if (value := inner(row)) is None else -value  # type: ignore[operator]
        case Binary(op="and" | "or" as op, left=left, right=right):
            return _joined(part(left), part(right), op == "or", unknown)
        case Binary(op=op, left=left, right=right):
            return _binary(op, part(left), part(right), unknown)
        case In(item=item, options=options):
            found = part(item)
            values = frozenset(option.value for option in options if isinstance(option, Literal))
            return lambda row: unknown if (value := found(row)) is None else value in values
        case Call(name=name, args=args):
            return _call(name, [part(arg) for arg in args], tree, unknown)


def _not(inner: Evaluator, unknown: bool | None) -> Evaluator:
    def apply(row: Named) -> Value:
        value = inner(row)
        return None if value is None and unknown is None else not value

    return apply


def _joined(left: Evaluator, right: Evaluator, decides: bool, unknown: bool | None) -> Evaluator:
    """and, or: one side that decides is enough, whatever the other is; otherwise a missing one leaves it unknown."""

    def apply(row: Named) -> Value:
        a = left(row)
        if a is not None and bool(a) is decides:
            return decides
        b = right(row)
        if b is not None and bool(b) is decides:
            return decides
        return unknown if a is None or b is None else not decides

    return apply


_OPERATIONS: dict[str, Callable[..., Value]] = {
    "*": operator.mul,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _binary(op: str, left: Evaluator, right: Evaluator, unknown: bool | None) -> Evaluator:
    operation = _OPERATIONS.get(op) or (_added if op == "+" else _subtracted)
    nothing = unknown if op in COMPARISONS else None

    def apply(row: Named) -> Value:
        a, b = left(row), right(row)
        if a is None or b is None:
            return nothing
        if isinstance(a, Duration) or isinstance(b, Duration):
            if isinstance(a, Duration) and isinstance(b, Duration):
                return operation(*_lengths(a, b))
            if not isinstance(a, date):  # a metric in days
                return operation(*(_in_days(one) if isinstance(one, Duration) else one for one in (a, b)))
        return operation(a, b)

    return apply


def _lengths(a: Duration, b: Duration) -> tuple[int, int]:
    """Both in months if both are months or years, otherwise in days, a month as 30 and a year as 365."""
    months = {"m": 1, "y": 12}
    if a.unit in months and b.unit in months:
        return a.count * months[a.unit], b.count * months[b.unit]
    return _in_days(a), _in_days(b)


def _in_days(length: Duration) -> int:
    return length.count * {"d": 1, "w": 7, "m": 30, "y": 365, "wd": 1, "h": 0}[length.unit]


def _added(a: Value, b: Value) -> Value:
    if isinstance(a, date) and isinstance(b, Duration):
        return b.after(a)
    return a + b  # type: ignore[operator]


def _subtracted(a: Value, b: Value) -> Value:
    if isinstance(a, date):
        if isinstance(b, date):
            return Duration((a - b).days, "d")
        assert isinstance(b, Duration)
        return Duration(-b.count, b.unit).after(a)
    return a - b  # type: ignore[operator]


def _call(name: str, args: list[Evaluator], tree: Call, unknown: bool | None) -> Evaluator:
    if name == "if":
        condition, then, otherwise = args
        return _if(condition, then, otherwise, unknown)
    if name == "default":
        first, instead = args
        return lambda row: instead(row) if (value := first(row)) is None else value
    empty = tree.get("empty")
    fallback = evaluator(empty) if empty is not None else lambda row: None
    function = _FUNCTIONS[name]

    def apply(row: Named) -> Value:
        values = [arg(row) for arg in args]
        if any(value is None for value in values):
            return None
        if name in ("ratio", "round") and values[-1] == 0 and len(values) == 2:
            return fallback(row)
        return function(*values)

    return apply


def _if(condition: Evaluator, then: Evaluator, otherwise: Evaluator, unknown: bool | None) -> Evaluator:
    def apply(row: Named) -> Value:
        holds = condition(row)
        if holds is None and unknown is None:
            return None
        return then(row) if holds else otherwise(row)

    return apply


def _ratio(above: Fraction, below: Fraction) -> Value:
    return plain(Fraction(above) / Fraction(below))


def _clamp(value: Fraction, low: Fraction, high: Fraction) -> Value:
    return max(low, min(value, high))


def _round(value: Fraction, to: Fraction | int = 1) -> Value:
    """To a multiple of `to`, half up away from zero."""
    steps = Fraction(value) / to
    whole = (2 * abs(steps.numerator) + steps.denominator) // (2 * steps.denominator)
    return plain(Fraction(to) * (whole if steps >= 0 else -whole))


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "ratio": _ratio,
    "abs": abs,
    "clamp": _clamp,
    "round": _round,
    "min": min,
    "max": max,
}

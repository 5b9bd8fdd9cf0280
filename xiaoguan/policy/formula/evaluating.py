"""Evaluating: a resolved tree as a function of a row. Missing is None."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date
from fractions import Fraction

from .tree import COMPARISONS, Binary, Call, Duration, Expr, Field, In, Literal, Name, Row, Unary, Value, dotted, plain

Evaluator = Callable[[Row], Value]


def evaluate(tree: Expr, row: Row) -> Value:
    """The value of a resolved formula for a row."""
    return evaluator(tree)(row)


def evaluator(tree: Expr) -> Evaluator:
    """A resolved formula as a function of a row; make it once and call it for every row."""
    match tree:
        case Literal(value=value):
            return lambda row: value
        case Name() | Field():
            name = dotted(tree) or ""
            return lambda row: row.get(name)  # type: ignore[return-value]
        case Unary(op=op, operand=operand):
            inner = evaluator(operand)
            if op == "not":
                return lambda row: not inner(row)
            return lambda row: None if (value := inner(row)) is None else -value  # type: ignore[operator]
        case Binary(op="and", left=left, right=right):
            a, b = evaluator(left), evaluator(right)
            return lambda row: bool(a(row) and b(row))
        case Binary(op="or", left=left, right=right):
            a, b = evaluator(left), evaluator(right)
            return lambda row: bool(a(row) or b(row))
        case Binary(op=op, left=left, right=right):
            return _binary(op, evaluator(left), evaluator(right))
        case In(item=item, options=options):
            found = evaluator(item)
            values = frozenset(option.value for option in options if isinstance(option, Literal))
            return lambda row: (value := found(row)) is not None and value in values
        case Call(name=name, args=args):
            return _call(name, [evaluator(arg) for arg in args], tree)


_OPERATIONS: dict[str, Callable[..., Value]] = {
    "*": operator.mul,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _binary(op: str, left: Evaluator, right: Evaluator) -> Evaluator:
    operation = _OPERATIONS.get(op) or (_added if op == "+" else _subtracted)
    nothing = False if op in COMPARISONS else None

    def apply(row: Row) -> Value:
        a, b = left(row), right(row)
        if a is None or b is None:
            return nothing
        if isinstance(a, Duration) and isinstance(b, Duration):
            return operation(*_lengths(a, b))
        return operation(a, b)

    return apply


def _lengths(a: Duration, b: Duration) -> tuple[int, int]:
    """Both in months if both are months or years, otherwise in days, a month as 30 and a year as 365."""
    months = {"m": 1, "y": 12}
    if a.unit in months and b.unit in months:
        return a.count * months[a.unit], b.count * months[b.unit]
    days = {"d": 1, "w": 7, "m": 30, "y": 365, "wd": 1, "h": 0}
    return a.count * days[a.unit], b.count * days[b.unit]


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


def _call(name: str, args: list[Evaluator], tree: Call) -> Evaluator:
    if name == "if":
        condition, then, otherwise = args
        return lambda row: then(row) if condition(row) else otherwise(row)
    empty = tree.get("empty")
    fallback = evaluator(empty) if empty is not None else lambda row: None
    function = _FUNCTIONS[name]

    def apply(row: Row) -> Value:
        values = [arg(row) for arg in args]
        if any(value is None for value in values):
            return None
        if name in ("ratio", "round") and values[-1] == 0 and len(values) == 2:
            return fallback(row)
        return function(*values)

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

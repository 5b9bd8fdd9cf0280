"""The tree of a formula: its types, its seven kinds of node, and walking, rewriting and printing it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from xiaoguan.base.money import SCALE
from xiaoguan.base.words import plain_number


class Type(StrEnum):
    """What kind of value a formula, field or metric has. ANY is known only when it is evaluated."""

    NUMBER = "number"
    MONEY = "amount"
    RATIO = "ratio"
    COUNT = "count"
    SCORE = "score"
    DATE = "date"
    DURATION = "duration"
    TEXT = "text"
    BOOL = "condition"
    MISSING = "missing"
    ANY = "any"


NUMBERS = frozenset({Type.NUMBER, Type.MONEY, Type.RATIO, Type.COUNT, Type.SCORE})
PURE = frozenset({Type.NUMBER, Type.RATIO, Type.COUNT, Type.SCORE})


class FormulaError(ValueError):
    """A formula that cannot be read or does not make sense; `at` is the column, counted from 0."""

    def __init__(self, message: str, at: int, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.at, self.hint = message, at, hint


@dataclass(frozen=True, slots=True)
class Duration:
    """时长: a count of h hours, d days, wd working days, w weeks, m months or y years."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def days(self) -> int:
        """Calendar days; ValueError for a unit that is not a fixed number of them."""
        if self.unit not in ("d", "w"):
            raise ValueError(f"{self} is not a fixed number of days")
        return self.count * (7 if self.unit == "w" else 1)

    def after(self, day: date) -> date:
        """The day that lies this long after `day`; a month later than 31 January is the last of February.

        Beyond the calendar it is the calendar's last (first) day. ValueError for h and wd.
        """
        if self.unit not in ("d", "w", "m", "y"):
            raise ValueError(f"{self} cannot be counted from a date without a calendar")
        try:
            return day + timedelta(days=self.days) if self.unit in ("d", "w") else self._months_after(day)
        except (ValueError, OverflowError):
            return date.max if self.count > 0 else date.min

    def _months_after(self, day: date) -> date:
        months = day.month - 1 + self.count * (12 if self.unit == "y" else 1)
        year, month = day.year + months // 12, months % 12 + 1
        return date(year, month, min(day.day, monthrange(year, month)[1]))


Value = int | Fraction | str | bool | date | Duration | None
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. An amount is in units once `resolve` has seen it."""

    value: Value
    type: Type
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A field of the row, a metric, a goal."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """`of.name`, such as customer.class or person.bonus; looked up under its dotted name."""

    of: Expr
    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x` or `not x`."""

    op: str
    operand: Expr
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """`left op right` with op one of + - * == != < <= > >= and or."""

    op: str
    left: Expr
    right: Expr
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class In:
    """`item in [a, b]`; the options are literals."""

    item: Expr
    options: tuple[Expr, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`name(args, key=value)`."""

    name: str
    args: tuple[Expr, ...]
    named: tuple[tuple[str, Expr], ...] = ()
    at: int = field(default=0, compare=False)

    def get(self, key: str) -> Expr | None:
        """The argument of that name."""
        return dict(self.named).get(key)


Expr = Literal | Name | Field | Unary | Binary | In | Call

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
STRENGTH = {"or": 1, "and": 2, **dict.fromkeys((*COMPARISONS, "in"), 4), "+": 5, "-": 5, "*": 6}
"""How strongly an operator binds; not and the minus sign beside them."""
NOT, MINUS = 3, 7


def plain(value: Fraction) -> int | Fraction:
    """Whole numbers as int: equal, and several times as fast."""
    return value.numerator if value.denominator == 1 else value


def children(tree: Expr) -> tuple[Expr, ...]:
    """The parts of a tree, in the order they are written."""
    match tree:
        case Field(of=of):
            return (of,)
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case In(item=item, options=options):
            return (item, *options)
        case Call(args=args, named=named):
            return (*args, *(value for _, value in named))
    return ()


def walk(tree: Expr) -> Iterator[Expr]:
    """The tree and everything in it, from the top."""
    yield tree
    for child in children(tree):
        yield from walk(child)


def rewrite(tree: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """A tree in which every part for which `change` gives a replacement is replaced, from the top."""
    if (instead := change(tree)) is not None:
        return instead
    match tree:
        case Unary(operand=operand):
            return replace(tree, operand=rewrite(operand, change))
        case Binary(left=left, right=right):
            return replace(tree, left=rewrite(left, change), right=rewrite(right, change))
        case In(item=item):
            return replace(tree, item=rewrite(item, change))
        case Call(args=args, named=named):
            return replace(
                tree,
                args=tuple(rewrite(arg, change) for arg in args),
                named=tuple((key, rewrite(value, change)) for key, value in named),
            )
    return tree


def dotted(tree: Expr) -> str | None:
    """The name a tree stands for: "net_amount", "customer.class"; None for anything else."""
    match tree:
        case Name(name=name):
            return name
        case Field(of=of, name=name):
            return f"{dotted(of)}.{name}"
    return None


def names(tree: Expr) -> set[str]:
    """Every name the formula reads, dotted ones whole."""
    if (name := dotted(tree)) is not None:
        return {name}
    return set().union(*(names(child) for child in children(tree)))


def calls(tree: Expr) -> set[str]:
    """Every function the formula calls."""
    return {part.name for part in walk(tree) if isinstance(part, Call)}


def unparse(tree: Expr, strength: int = 0) -> str:
    """The formula as text; reading it gives the same tree again. Amounts are written in major units."""
    match tree:
        case Literal(value=value, type=type_):
            return _literal_text(value, type_)
        case Unary(op=op, operand=operand):
            bound = NOT if op == "not" else MINUS
            text = ("not " if op == "not" else "-") + unparse(operand, bound)
        case Binary(op=op, left=left, right=right):
            bound = STRENGTH[op]
            text = f"{unparse(left, bound - (op not in COMPARISONS))} {op} {unparse(right, bound)}"
        case In(item=item, options=options):
            bound = STRENGTH["in"]
            text = f"{unparse(item, bound)} in [{', '.join(map(unparse, options))}]"
        case Call(name=name, args=args, named=named):
            return f"{name}({', '.join([*map(unparse, args), *(f'{key}={unparse(value)}' for key, value in named)])})"
        case _:
            return dotted(tree) or ""
    return f"({text})" if bound <= strength else text


def _literal_text(value: Value, type_: Type) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "missing"
    if isinstance(value, int | Fraction):
        if type_ is Type.RATIO:
            return plain_number(value * 100) + "%"
        return plain_number(Fraction(value, SCALE) if type_ is Type.MONEY else value)
    return f"date('{value}')" if isinstance(value, date) else f"'{value}'" if isinstance(value, str) else str(value)

"""公式 formula: the expression language of a policy, parsed, typed and evaluated exactly.

A formula reads a few names and gives one value: `net_amount * (1 - discount)`, `status == 'signed'`,
`attainment(quota) >= 100%`. It has no loops, no assignment and no division except `ratio(n, d, empty=..)`, so it
always ends and never divides by nothing. Numbers are exact: `8%` is 8/100.

Three steps, each usable alone:

    parse("net_amount >= 1000")            text to a tree of seven small classes, or FormulaError with the column
    resolve(tree, {"net_amount": MONEY})   the same tree with units checked; 1000 has become an amount, 10 000 000 units
    evaluator(tree)                        a function from a row to int, Fraction, str, date, bool or None

**Missing** is the value None. Arithmetic with it gives missing; a comparison with it does not hold, whichever
comparison it is; `and`, `or`, `not` treat a missing condition as one that does not hold. `rulebook/sql.py` compiles
the same trees to SQL and must agree.
Source: spec/domain.md 8.1, 8.2 and 9.
"""

from __future__ import annotations

import operator
import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from xiaoguan.base.money import SCALE
from xiaoguan.base.words import did_you_mean, plain_number


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
_PURE = frozenset({Type.NUMBER, Type.RATIO, Type.COUNT, Type.SCORE})


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
_STRENGTH = {"or": 1, "and": 2, **dict.fromkeys((*COMPARISONS, "in"), 4), "+": 5, "-": 5, "*": 6}
_NOT, _MINUS = 3, 7
_DEEPEST, _MOST_WORDS, _LONGEST = 60, 400, 36_525

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d[\d_]*(?:\.\d+)?)(?P<unit>%|(?:wd|[dwmyh])(?![A-Za-z0-9_]))?
    | (?P<text>'[^']*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<op>==|!=|<=|>=|[-+*<>().,=\[\]])
    )""",
    re.VERBOSE,
)
_INSTEAD = {
    "/": "Division is written ratio(a, b, empty=missing).",
    "%": "A percentage is a number with % right behind it: 8%.",
    "&": "Write and.",
    "|": "Write or.",
    "!": "Write not, or != for unequal.",
    '"': "Text stands in single quotes: 'signed'.",
    "'": "The text has no closing quote.",
    "≥": "Write >=.",
    "≤": "Write <=.",
    "×": "Write *.",
}


# Reading


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int
    unit: str = ""


def _tokens(text: str) -> Iterator[_Token]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if not match:
            at = position + len(text[position:]) - len(text[position:].lstrip())
            raise FormulaError(f"{text[at]!r} cannot stand here", at, _INSTEAD.get(text[at], ""))
        kind = match.lastgroup if match.lastgroup != "unit" else "number"
        assert kind is not None
        position = match.end()
        yield _Token(kind, match[kind], match.start(kind), match["unit"] or "")
    yield _Token("end", "the end", len(text))


def parse(text: str) -> Expr:
    """Read a formula; FormulaError says what is wrong at which column and, where known, what would be right."""
    return _Parser(text).whole()


class _Parser:
    """A Pratt parser: every operator has a strength, and an operand reaches as far as stronger operators do."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        if len(self.tokens) > _MOST_WORDS:
            at = self.tokens[_MOST_WORDS].at
            raise FormulaError(f"the formula has more than {_MOST_WORDS} words", at, "Split it into metrics.")
        self.position = 0
        self.depth = 0

    def whole(self) -> Expr:
        if self.next.kind == "end":
            raise FormulaError("the formula is empty", 0)
        tree = self.expression(0)
        if self.next.kind != "end":
            hint = "Equality is written ==." if self.next.text == "=" else ""
            raise FormulaError(f"{self.next.text!r} cannot stand here", self.next.at, hint)
        return tree

    @property
    def next(self) -> _Token:
        return self.tokens[self.position]

    def take(self) -> _Token:
        token = self.next
        self.position += token.kind != "end"
        return token

    def expect(self, text: str) -> None:
        if self.next.kind != "op" or self.next.text != text:
            raise FormulaError(f"{text!r} is expected instead of {self.next.text!r}", self.next.at)
        self.position += 1

    def at(self, text: str) -> bool:
        return self.next.kind == "op" and self.next.text == text

    def expression(self, strength: int) -> Expr:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise FormulaError("the formula is nested too deeply", self.next.at)
        left = self.operand()
        while (bound := self.strength()) > strength:
            left = self.joined(left, bound)
        self.depth -= 1
        return left

    def strength(self) -> int:
        token = self.next
        if token.kind == "name" and token.text == "not":
            return _STRENGTH["in"]
        return _STRENGTH.get(token.text, 0) if token.kind in ("op", "name") else 0

    def joined(self, left: Expr, bound: int) -> Expr:
        token = self.take()
        if token.text == "not":
            if self.next.text != "in":
                raise FormulaError("'not' cannot stand between two values", token.at, "Write not in, or and not.")
            self.take()
            return Unary("not", self.options(left, token.at), token.at)
        if token.text == "in":
            return self.options(left, token.at)
        right = self.expression(bound)
        if bound == _STRENGTH["=="] and self.strength() == bound:
            raise FormulaError("comparisons cannot be chained", self.next.at, "Write a < b and b < c.")
        return Binary(token.text, left, right, token.at)

    def options(self, item: Expr, at: int) -> In:
        self.expect("[")
        return In(item, tuple(self.several("]", lambda: self.expression(0))), at)

    def several(self, closing: str, one: Callable[[], Expr]) -> list[Expr]:
        items: list[Expr] = []
        while not self.at(closing):
            items.append(one())
            if not self.at(closing):
                self.expect(",")
        self.take()
        return items

    def operand(self) -> Expr:
        token = self.take()
        if token.kind == "number":
            return _number(token)
        if token.kind == "text":
            return Literal(token.text[1:-1], Type.TEXT, token.at)
        if token.kind == "name":
            return self.named(token)
        if token.text == "(":
            inner = self.expression(0)
            self.expect(")")
            return inner
        if token.text == "-":
            return Unary("-", self.expression(_MINUS), token.at)
        raise FormulaError(f"a value is expected instead of {token.text!r}", token.at)

    def named(self, token: _Token) -> Expr:
        if token.text == "not":
            return Unary("not", self.expression(_NOT), token.at)
        if token.text in ("true", "false"):
            return Literal(token.text == "true", Type.BOOL, token.at)
        if token.text == "missing":
            return Literal(None, Type.MISSING, token.at)
        if token.text in ("and", "or", "in"):
            raise FormulaError(f"a value is expected instead of {token.text!r}", token.at)
        if self.at("("):
            return self.call(token)
        tree: Expr = Name(token.text, token.at)
        while self.at("."):
            self.take()
            if self.next.kind != "name":
                raise FormulaError(f"a name is expected instead of {self.next.text!r}", self.next.at)
            tree = Field(tree, self.take().text, token.at)
        return tree

    def call(self, token: _Token) -> Expr:
        self.expect("(")
        named: list[tuple[str, Expr]] = []

        def argument() -> Expr:
            first, second = self.tokens[self.position], self.tokens[min(self.position + 1, len(self.tokens) - 1)]
            if first.kind == "name" and second.kind == "op" and second.text == "=":
                self.position += 2
                named.append((first.text, self.expression(0)))
                return named[-1][1]
            if named:
                raise FormulaError("named arguments come last", first.at)
            return self.expression(0)

        items = self.several(")", argument)
        args = tuple(items[: len(items) - len(named)])
        return _date(token, args) if token.text == "date" else Call(token.text, args, tuple(named), token.at)


def _number(token: _Token) -> Literal:
    value = Fraction(Decimal(token.text.replace("_", "")))
    if token.unit == "%":
        return Literal(_plain(value / 100), Type.RATIO, token.at)
    if token.unit:
        if value.denominator != 1:
            raise FormulaError(f"a duration is a whole number of {token.unit}", token.at)
        if value > _LONGEST:
            raise FormulaError(f"{token.text}{token.unit} is too long", token.at)
        return Literal(Duration(int(value), token.unit), Type.DURATION, token.at)
    return Literal(_plain(value), Type.NUMBER, token.at)


def _date(token: _Token, args: tuple[Expr, ...]) -> Literal:
    try:
        (text,) = args
        assert isinstance(text, Literal) and isinstance(text.value, str)
        return Literal(date.fromisoformat(text.value), Type.DATE, token.at)
    except (ValueError, AssertionError):
        raise FormulaError("date() takes one date as text", token.at, "Write date('2026-04-01').") from None


def _plain(value: Fraction) -> int | Fraction:
    """Whole numbers as int: equal, and several times as fast."""
    return value.numerator if value.denominator == 1 else value


# Walking


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
            bound = _NOT if op == "not" else _MINUS
            text = ("not " if op == "not" else "-") + unparse(operand, bound)
        case Binary(op=op, left=left, right=right):
            bound = _STRENGTH[op]
            text = f"{unparse(left, bound - (op not in COMPARISONS))} {op} {unparse(right, bound)}"
        case In(item=item, options=options):
            bound = _STRENGTH["in"]
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


# Units


@dataclass(frozen=True, slots=True)
class Scope:
    """The names a formula may read and their types; names that begin with an `open` prefix are of type ANY."""

    names: Mapping[str, Type]
    open: tuple[str, ...] = ()

    def type_of(self, name: str, at: int) -> Type:
        """FormulaError with a hint for a name that is not there."""
        if name in self.names:
            return self.names[name]
        if name.startswith(self.open):
            return Type.ANY
        known = f" Known are {', '.join(sorted(self.names))}." if 0 < len(self.names) <= 12 else ""
        raise FormulaError(f"{name!r} is not known here", at, (did_you_mean(name, self.names) + known).strip())


def resolve(tree: Expr, scope: Scope, expected: Type | None = None) -> tuple[Expr, Type]:
    """Check the units of a formula and give the tree in which bare numbers beside amounts have become amounts.

    expected   the type the whole must have, if any.
    Returns    (tree, type). FormulaError says in words what does not fit: an amount plus a ratio, an unknown name.
    """
    solved, type_ = _resolve(tree, scope)
    if expected is None or type_ is Type.ANY:
        return solved, type_
    fitted = _fit(solved, type_, expected)
    if fitted is None:
        raise FormulaError(f"{unparse(tree)!r} is {_a(type_)}, but {_a(expected)} is needed", _at(tree))
    return fitted, expected


def _resolve(tree: Expr, scope: Scope) -> tuple[Expr, Type]:
    match tree:
        case Literal(type=type_):
            return tree, type_
        case Name() | Field():
            return tree, scope.type_of(dotted(tree) or "", tree.at)
        case Unary(op=op, operand=operand):
            inner, type_ = _resolve(operand, scope)
            if op == "not":
                _need(inner, type_, Type.BOOL)
                return Unary("not", inner, tree.at), Type.BOOL
            if type_ not in NUMBERS | {Type.ANY}:
                raise FormulaError(f"{unparse(operand)!r} is {_a(type_)} and cannot be negated", tree.at)
            if isinstance(inner, Literal) and isinstance(inner.value, int | Fraction):
                return Literal(-inner.value, type_, tree.at), type_
            return Unary("-", inner, tree.at), type_
        case Binary(op=op):
            return _resolve_binary(tree, op, scope)
        case In(item=item, options=options):
            inner, type_ = _resolve(item, scope)
            fitted = tuple(_option(option, unparse(item), type_, scope) for option in options)
            return In(inner, fitted, tree.at), Type.BOOL
        case Call():
            return _resolve_call(tree, scope)


def _resolve_binary(tree: Binary, op: str, scope: Scope) -> tuple[Expr, Type]:
    (left, a), (right, b) = _resolve(tree.left, scope), _resolve(tree.right, scope)
    if op in ("and", "or"):
        _need(left, a, Type.BOOL)
        _need(right, b, Type.BOOL)
        return Binary(op, left, right, tree.at), Type.BOOL
    if op == "*":
        return Binary(op, left, right, tree.at), _product(tree, a, b)
    if op in ("+", "-") and Type.DATE in (a, b):
        _need_days(right, units="dwmy")
        return Binary(op, left, right, tree.at), _date_sum(tree, op, a, b)
    left, right, type_ = _same(left, a, right, b, tree, op)
    if op in COMPARISONS:
        if type_ is Type.DURATION:
            named = any(isinstance(side, Name | Field) for side in (left, right))
            _need_days(left, right, units="dwmy" if named else "dw")
        if type_ is Type.MISSING:
            raise FormulaError("a comparison with missing never holds", tree.at)
        if type_ in (Type.TEXT, Type.BOOL) and op not in ("==", "!="):
            raise FormulaError(f"{_a(type_)} has no order: only == and != compare it", tree.at)
        return Binary(op, left, right, tree.at), Type.BOOL
    if type_ not in NUMBERS | {Type.ANY}:
        raise FormulaError(f"{_a(type_)} cannot be added or subtracted", tree.at)
    return Binary(op, left, right, tree.at), type_


_JOINED = {"+": "added", "-": "subtracted"}


def _same(left: Expr, a: Type, right: Expr, b: Type, tree: Expr, op: str) -> tuple[Expr, Expr, Type]:
    """Both sides in one type: equal types, or a bare number that takes the type of the other side."""
    if Type.MISSING in (a, b):
        return left, right, Type.MISSING
    if Type.ANY in (a, b):
        return left, right, b if a is Type.ANY else a
    if (fitted := _fit(right, b, a)) is not None:
        return left, fitted, a
    if (fitted := _fit(left, a, b)) is not None:
        return fitted, right, b
    hint = "Write the date as date('2026-04-01')." if {a, b} == {Type.DATE, Type.TEXT} else ""
    verb = _JOINED.get(op, "compared")
    message = f"{unparse(left)!r} is {_a(a)} and {unparse(right)!r} is {_a(b)}: they cannot be {verb}"
    raise FormulaError(message, _at(tree), hint)


def _fit(tree: Expr, type_: Type, wanted: Type) -> Expr | None:
    """The tree as the wanted type, if it may stand for it."""
    if type_ in (wanted, Type.ANY, Type.MISSING) or (type_ is Type.NUMBER and wanted in _PURE):
        return tree
    if isinstance(tree, Literal) and type_ is Type.NUMBER and wanted is Type.MONEY:
        assert isinstance(tree.value, int | Fraction)
        units = Fraction(tree.value) * SCALE
        return Literal(_plain(units), Type.MONEY, tree.at)
    if wanted is Type.NUMBER and type_ in _PURE:
        return tree
    return None


def _product(tree: Binary, a: Type, b: Type) -> Type:
    types = {a, b}
    if Type.ANY in types or Type.MISSING in types:
        return Type.MONEY if Type.MONEY in types else Type.ANY
    if not types <= NUMBERS or a == b == Type.MONEY:
        message = f"{unparse(tree.left)!r} is {_a(a)} and {unparse(tree.right)!r} is {_a(b)}: they cannot be multiplied"
        raise FormulaError(message, tree.at)
    if Type.MONEY in types:
        return Type.MONEY
    return Type.RATIO if types == {Type.RATIO} else Type.NUMBER


def _date_sum(tree: Binary, op: str, a: Type, b: Type) -> Type:
    if (a, b) == (Type.DATE, Type.DURATION):
        return Type.DATE
    if op == "-" and (a, b) == (Type.DATE, Type.DATE):
        return Type.DURATION
    message = f"{unparse(tree.left)!r} is {_a(a)} and {unparse(tree.right)!r} is {_a(b)}: they cannot be {_JOINED[op]}"
    raise FormulaError(message, tree.at, "To a date only a duration can be added, such as 30d.")


def _need_days(*trees: Expr, units: str = "dw") -> None:
    """Only days and weeks can be compared, and only they, months and years added to a date."""
    for tree in trees:
        if isinstance(tree, Literal) and isinstance(tree.value, Duration) and tree.value.unit not in units:
            raise FormulaError(f"{tree.value} cannot be used here", tree.at, f"Write it in {' or '.join(units)}.")


def _option(option: Expr, item: str, type_: Type, scope: Scope) -> Expr:
    inner, other = _resolve(option, scope)
    if not isinstance(inner, Literal):
        raise FormulaError(f"{unparse(option)!r} is not a constant; a list holds constants", _at(option))
    fitted = _fit(inner, other, type_) if type_ is not Type.ANY else inner
    if fitted is None:
        raise FormulaError(f"{item!r} is {_a(type_)} but {unparse(option)!r} is {_a(other)}", _at(option))
    return fitted


def _resolve_call(tree: Call, scope: Scope) -> tuple[Expr, Type]:
    count, keys = _ARGUMENTS.get(tree.name, (None, ()))
    if count is None:
        hint = did_you_mean(tree.name, _ARGUMENTS)
        raise FormulaError(f"{tree.name}() is not a function that can stand here", tree.at, hint)
    if not count[0] <= len(tree.args) <= count[1]:
        wanted = str(count[0]) if count[0] == count[1] else f"{count[0]} to {count[1]}"
        raise FormulaError(f"{tree.name}() takes {wanted} arguments, not {len(tree.args)}", tree.at)
    for key, _ in tree.named:
        if key not in keys:
            raise FormulaError(f"{tree.name}() has no argument {key!r}", tree.at, did_you_mean(key, keys))
    args = [_resolve(arg, scope) for arg in tree.args]
    if tree.name == "ratio":
        return _resolve_ratio(tree, args, scope)
    if tree.name == "if":
        _need(*args.pop(0), Type.BOOL)
    else:
        for (arg, type_), written in zip(args, tree.args, strict=True):
            if type_ not in NUMBERS | {Type.ANY, Type.MISSING}:
                raise FormulaError(f"{unparse(written)!r} is {_a(type_)}; {tree.name}() takes numbers", _at(arg))
    trees, type_ = _all_same(args, tree)
    if tree.name == "if":
        trees = [_resolve(tree.args[0], scope)[0], *trees]
    return Call(tree.name, tuple(trees), (), tree.at), type_


def _resolve_ratio(tree: Call, args: list[tuple[Expr, Type]], scope: Scope) -> tuple[Expr, Type]:
    (above, a), (below, b) = args
    for written, type_ in zip(tree.args, (a, b), strict=True):
        if type_ not in NUMBERS | {Type.ANY, Type.MISSING}:
            raise FormulaError(f"{unparse(written)!r} is {_a(type_)}; ratio() divides numbers", _at(written))
    if b is Type.MONEY and a is not Type.MONEY and a is not Type.ANY:
        raise FormulaError(f"ratio() of {_a(a)} to an amount has no unit", tree.at)
    type_ = Type.MONEY if a is Type.MONEY and b in _PURE else Type.ANY if Type.ANY in (a, b) else Type.RATIO
    if a is Type.COUNT and b is Type.RATIO:
        type_ = Type.NUMBER
    empty = tree.get("empty")
    if empty is None:
        return Call("ratio", (above, below), (), tree.at), type_
    fallback = resolve(empty, scope, None if type_ is Type.ANY else type_)[0]
    return Call("ratio", (above, below), (("empty", fallback),), tree.at), type_


def _all_same(args: list[tuple[Expr, Type]], tree: Call) -> tuple[list[Expr], Type]:
    """All arguments in the type of those that are not bare numbers."""
    first, type_ = args[0]
    for other, b in args[1:]:
        first, _, type_ = _same(first, type_, other, b, tree, "compared")
        if type_ is Type.MISSING:
            type_ = next((t for _, t in args if t is not Type.MISSING), Type.MISSING)
    return [_fit(arg, t, type_) or arg for arg, t in args], type_


def _need(tree: Expr, type_: Type, wanted: Type) -> None:
    if type_ not in (wanted, Type.ANY, Type.MISSING):
        raise FormulaError(f"{unparse(tree)!r} is {_a(type_)}, but {_a(wanted)} is needed", _at(tree))


def _at(tree: Expr) -> int:
    return tree.at


def _a(type_: Type) -> str:
    article = "" if type_ in (Type.TEXT, Type.MISSING) else "an " if type_.value[0] in "a" else "a "
    return article + type_.value


# Evaluating

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
    return _plain(Fraction(above) / Fraction(below))


def _clamp(value: Fraction, low: Fraction, high: Fraction) -> Value:
    return max(low, min(value, high))


def _round(value: Fraction, to: Fraction | int = 1) -> Value:
    """To a multiple of `to`, half up away from zero."""
    steps = Fraction(value) / to
    whole = (2 * abs(steps.numerator) + steps.denominator) // (2 * steps.denominator)
    return _plain(Fraction(to) * (whole if steps >= 0 else -whole))


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "ratio": _ratio,
    "abs": abs,
    "clamp": _clamp,
    "round": _round,
    "min": min,
    "max": max,
}

_ARGUMENTS: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "ratio": ((2, 2), ("empty",)),
    "abs": ((1, 1), ()),
    "clamp": ((3, 3), ()),
    "round": ((1, 2), ()),
    "if": ((3, 3), ()),
    "min": ((2, 20), ()),
    "max": ((2, 20), ()),
}

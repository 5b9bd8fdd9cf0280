"""Reading a formula: text to a tree, or FormulaError with the column and, where known, what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from .tree import (
    MINUS,
    NOT,
    STRENGTH,
    Binary,
    Call,
    Duration,
    Expr,
    Field,
    FormulaError,
    In,
    Literal,
    Name,
    Type,
    Unary,
    plain,
)

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
    "≠": "Write !=.",
    **dict.fromkeys("“”‘’", "Text stands in straight single quotes: 'signed'."),
    **dict.fromkeys(
        "（）【】，。；：％＝＞＜＋－＊", "Write the sign as on an English keyboard: ( ) [ ] , = > < + - * %."
    ),
    "≥": "Write >=.",
    "≤": "Write <=.",
    "×": "Write *.",
}


_WORDS = {
    "=": "Equality is written ==.",
    "AND": "Write and.",
    "OR": "Write or.",
    "is": "Write ==.",
    "between": "Write a <= x and x <= b.",
    "if": "Write if(condition, a, b).",
    "like": "Write ==, or in ['a', 'b'].",
}
"""What people write who know another language."""


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
            raise FormulaError(f"{self.next.text!r} cannot stand here", self.next.at, _WORDS.get(self.next.text, ""))
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
            hint = _WORDS.get(self.next.text, "")
            raise FormulaError(f"{text!r} is expected instead of {self.next.text!r}", self.next.at, hint)
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
            return STRENGTH["in"]
        return STRENGTH.get(token.text, 0) if token.kind in ("op", "name") else 0

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
        if bound == STRENGTH["=="] and self.strength() == bound:
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
            return Unary("-", self.expression(MINUS), token.at)
        raise FormulaError(f"a value is expected instead of {token.text!r}", token.at)

    def named(self, token: _Token) -> Expr:
        if token.text == "not":
            return Unary("not", self.expression(NOT), token.at)
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
        return Literal(plain(value / 100), Type.RATIO, token.at)
    if token.unit:
        if value.denominator != 1:
            raise FormulaError(f"a duration is a whole number of {token.unit}", token.at)
        if value > _LONGEST:
            raise FormulaError(f"{token.text}{token.unit} is too long", token.at)
        return Literal(Duration(int(value), token.unit), Type.DURATION, token.at)
    return Literal(plain(value), Type.NUMBER, token.at)


def _date(token: _Token, args: tuple[Expr, ...]) -> Literal:
    try:
        (text,) = args
        assert isinstance(text, Literal) and isinstance(text.value, str)
        return Literal(date.fromisoformat(text.value), Type.DATE, token.at)
    except (ValueError, AssertionError):
        raise FormulaError("date() takes one date as text", token.at, "Write date('2026-04-01').") from None

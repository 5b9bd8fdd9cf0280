"""Filters as people write them in an address: `where=(stage:in:propose,negotiate;amount:ge:1000)|owner:is:me`.

    expression   term|term|...            any of them
    term         part;part;...            all of them; binds tighter than |
    part         (expression), or path:operator, or path:operator:value,value
    value        text without , ; | ( ) or in "double quotes", in which "" is one quote

One text serves page, API, export and saved view. `parse` reads it and `write` writes it; filters.py makes a query of
it. Every refusal is a BadQuery that says in words what would be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

LONGEST, DEEPEST, MOST = 4_000, 6, 60  # characters, levels of brackets, conditions


class BadQuery(ValueError):
    """A parameter that this list does not understand: says which, its value and what would be right."""


@dataclass(frozen=True)
class Condition:
    """One comparison: `amount:ge:1000`."""

    path: str
    op: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Several parts of which all (`every`) or any must hold."""

    every: bool
    parts: tuple[Condition | Group, ...]


Expression = Condition | Group

# Reading and writing


def parse(text: str) -> Expression | None:
    """The expression that the text means; None for an empty one. Raises BadQuery with the place that is wrong."""
    if not text.strip():
        return None
    if len(text) > LONGEST:
        raise BadQuery(_("This filter is too long: %(n)d characters at most.") % {"n": LONGEST})
    reader = _Reader(text)
    found = reader.expression(0)
    if reader.at < len(text):
        raise reader.wrong(_("';' or '|'"))
    return found


class _Reader:
    """Reads an expression from left to right; `at` is the next character."""

    def __init__(self, text: str):
        self.text, self.at, self.conditions = text, 0, 0

    def wrong(self, wanted: str) -> BadQuery:
        rest = self.text[self.at : self.at + 12] or _("the end")
        return BadQuery(
            _("The filter is not understood at “%(rest)s”: %(wanted)s is expected there.")
            % {"rest": rest, "wanted": wanted}
        )

    def take(self, char: str) -> bool:
        if self.text[self.at : self.at + 1] != char:
            return False
        self.at += 1
        return True

    def expression(self, depth: int) -> Expression:
        if depth > DEEPEST:
            raise BadQuery(_("This filter has too many brackets inside each other."))
        return self._several(False, "|", lambda: self._several(True, ";", lambda: self.part(depth)))

    def _several(self, every: bool, mark: str, read: Callable[[], Expression]) -> Expression:
        parts = [read()]
        while self.take(mark):
            parts.append(read())
        return parts[0] if len(parts) == 1 else Group(every, tuple(parts))

    def part(self, depth: int) -> Expression:
        if self.take("("):
            found = self.expression(depth + 1)
            if not self.take(")"):
                raise self.wrong("')'")
            return found
        return self.condition()

    def condition(self) -> Condition:
        self.conditions += 1
        if self.conditions > MOST:
            raise BadQuery(_("This filter has too many conditions: %(n)d at most.") % {"n": MOST})
        path = self.word(":")
        if not path or not self.take(":"):
            raise self.wrong(_("a condition such as amount:ge:1000"))
        op, values = self.word(":"), []
        if self.take(":"):
            values.append(self.value())
            while self.take(","):
                values.append(self.value())
        return Condition(path, op, tuple(values))

    def word(self, end: str = "") -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in f",;|(){end}":
            self.at += 1
        return self.text[start : self.at].strip()

    def value(self) -> str:
        if not self.take('"'):
            return self.word()
        found = ""
        while True:
            end = self.text.find('"', self.at)
            if end < 0:
                raise self.wrong(_("a closing quote"))
            found += self.text[self.at : end]
            self.at = end + 1
            if not self.take('"'):
                return found
            found += '"'


def write(expression: Expression | None) -> str:
    """The text that `parse` reads back."""
    if expression is None:
        return ""
    if isinstance(expression, Condition):
        values = ",".join(_quoted(v) for v in expression.values)
        return f"{expression.path}:{expression.op}" + (f":{values}" if expression.values else "")
    texts = [
        f"({write(p)})" if isinstance(p, Group) and (expression.every or p.every == expression.every) else write(p)
        for p in expression.parts
    ]
    return (";" if expression.every else "|").join(texts)


def _quoted(value: str) -> str:
    plain = value == value.strip() and not any(c in ',;|()"' for c in value)
    return value if plain else '"{}"'.format(value.replace('"', '""'))


def narrowed(text: str, *conditions: Condition) -> str:
    """The filter `text` with further conditions that must hold too."""
    first = f"({text})" if "|" in text else text
    return ";".join([*([first] if first else []), *(write(c) for c in conditions)])


def conditions_of(expression: Expression | None) -> Iterator[Condition]:
    """Every condition in it, from left to right."""
    if isinstance(expression, Condition):
        yield expression
    elif expression is not None:
        for part in expression.parts:
            yield from conditions_of(part)

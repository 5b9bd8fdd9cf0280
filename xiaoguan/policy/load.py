"""读取 load: YAML text to a `Policy` that remembers its lines, or the issues that stand in the way, all at once.

YAML is read for its structure only: every scalar is text, and the annotation of the key says what the text means, so
`on`, `0.05` and `2026-01-01` stay what they are. Duplicate keys, tabs, tags, anchors, aliases and merge keys are
refused: each would make the document say something else than it shows. Bad input never raises; it becomes issues.
Source: spec/domain.md 8.1.
"""

from __future__ import annotations

import hashlib
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from xiaoguan.base.issues import Issue, has_errors
from xiaoguan.base.money import parse_units
from xiaoguan.base.periods import WEEKDAYS, Calendar, YearEnd
from xiaoguan.base.words import closest, did_you_mean, plain_number

from .document import Bound, CalendarSection, Expression, Point, Policy, Section
from .formula import Duration, FormulaError, parse

_BIGGEST = 2_000_000
_DURATION = re.compile(r"(\d{1,5})(wd|[hdwmy])$")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*$")
_DEEPEST = 50
_KEPT = 100_000  # characters of a text that is kept when it was read

REMEDY = {
    "policy.syntax": "Correct the YAML of this line; docs/reference/policy.md says how a policy is written.",
    "policy.schema": "Write it as docs/reference/policy.md shows.",
    "policy.key": "docs/reference/policy.md lists the keys.",
    "policy.value": "Write the value as docs/reference/policy.md shows.",
    "policy.formula": "docs/reference/formula.md has functions, operators and units.",
    "policy.calendar": "docs/reference/policy.md describes the calendar.",
}
"""What helps where nothing better is known."""


def load(path: str | Path) -> tuple[Policy | None, list[Issue]]:
    """The policy in a file, and the issues found; None if there are errors."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        return None, [Issue("error", f"the file cannot be read: {error.strerror}", file=str(path), code="policy.file")]
    except UnicodeDecodeError as error:
        hint = "Save the file as UTF-8."
        return None, [Issue("error", f"byte {error.start} is not UTF-8", hint, str(path), code="policy.file")]
    return load_text(text, str(path))


def load_text(text: str, file: str = "") -> tuple[Policy | None, list[Issue]]:
    """The policy in a text, and the issues found; None if there are errors. `file` only names it in the issues."""
    tree, issues = read_tree(text, file)
    if tree is None:
        return None, issues
    reader = Reader(file, issues)
    policy: Policy | None = reader.section(Policy, tree, "")
    if policy is None:
        return None, reader.issues
    calendar = _calendar(policy.calendar_section, reader)
    if has_errors(reader.issues):
        return None, reader.issues
    digest = hashlib.sha256(text.encode()).hexdigest()
    policy = replace(policy, calendar=calendar, text=text, file=file, sha256=digest)
    return policy, [*reader.issues, *_not_yet(policy)]


# Structure


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar (text), a list or a map of the document, with its line. A map keeps the line of each key."""

    value: str | list[Node] | dict[str, Node]
    line: int
    lines: Mapping[str, int]
    plain: bool = False

    @property
    def empty(self) -> bool:
        """Whether it says null."""
        return self.plain and self.value in ("", "null", "~")

    def data(self) -> object:
        """As dicts, lists and strings."""
        if isinstance(self.value, dict):
            return {key: node.data() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        return None if self.empty else self.value


def read_tree(text: str, file: str = "") -> tuple[Node | None, list[Issue]]:
    """The structure of a YAML text, and what is wrong with it. The structure is shared: nobody may change it."""
    tree, issues = (_known if len(text) <= _KEPT else _read)(text, file)
    return tree, list(issues)


def _read(text: str, file: str) -> tuple[Node | None, list[Issue]]:
    issues = [
        Issue("error", "a tab stands in the line", "Use spaces.", file, number, code="policy.syntax")
        for number, line in enumerate(text.splitlines(), 1)
        if "\t" in line
    ]
    if len(text) > _BIGGEST:
        issues.append(Issue("error", f"the document has more than {_BIGGEST:,} characters", file=file))
    if issues:
        return None, issues
    builder = _Builder(file)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(str(part) for part in (error.context, error.problem) if part)
        builder.report(message or "the text is not YAML", mark.line + 1 if mark else 0)
    except (YAMLError, ValueError) as error:
        builder.report(f"the text is not YAML: {error}".splitlines()[0], 0)
    if builder.root is None and not builder.issues:
        builder.report("the document is empty", 1, "Start from a file in policies/.")
    return builder.root if not builder.issues else None, builder.issues


_known = lru_cache(maxsize=16)(_read)  # a page of the workshop asks for the same two texts again and again


class _Builder:
    """Puts the events of the YAML parser together."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.issues: list[Issue] = []
        self.root: Node | None = None
        self.open: list[Node] = []
        self.keys: list[str | None] = []
        self.documents = 0

    def report(self, message: str, line: int, hint: str = "") -> None:
        hint = hint or REMEDY["policy.syntax"]
        self.issues.append(Issue("error", message, hint, self.file, line, code="policy.syntax"))

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents == 2:
                self.report("a second document begins", line, "Keep one policy in one file.")
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self.open.pop()
            self.keys.pop()
        elif isinstance(event, NodeEvent):
            self.node(event, line)

    def node(self, event: Any, line: int) -> None:
        if event.anchor:
            kind = "an alias" if isinstance(event, AliasEvent) else "an anchor"
            self.report(f"{kind} ({event.anchor}) is used", line, "Write the value out at each place.")
        if getattr(event, "tag", None):
            self.report(f"a tag ({event.tag}) is used", line, "Leave it out; the key gives the type.")
        if isinstance(event, ScalarEvent):
            self.add(Node(event.value, line, {}, plain=not event.style))
        elif isinstance(event, MappingStartEvent):
            self.enter(Node({}, line, {}))
        elif isinstance(event, SequenceStartEvent):
            self.enter(Node([], line, {}))
        else:
            self.add(Node("", line, {}, plain=True))

    def enter(self, node: Node) -> None:
        self.add(node)
        self.open.append(node)
        self.keys.append(None)
        if len(self.open) > _DEEPEST:
            raise ValueError(f"nested more than {_DEEPEST} deep")

    def add(self, node: Node) -> None:
        if not self.open:
            self.root = self.root or node
            return
        parent = self.open[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif self.keys[-1] is None:
            self.key(node, parent)
        else:
            assert isinstance(parent.value, dict)
            parent.value[self.keys[-1]] = node
            self.keys[-1] = None

    def key(self, node: Node, parent: Node) -> None:
        assert isinstance(parent.value, dict) and isinstance(parent.lines, dict)
        if not isinstance(node.value, str):
            self.report("a list or map stands where a key is expected", node.line)
            self.keys[-1] = f"?{len(parent.value)}"
            return
        if node.value in parent.value:
            first = parent.lines[node.value]
            self.report(f"the key {node.value!r} is there twice, first in line {first}", node.line)
        if node.value == "<<":
            self.report("a merge key (<<) is used", node.line, "Write the keys out.")
        parent.lines[node.value] = node.line
        self.keys[-1] = node.value


# Meaning


def _text(text: str) -> str:
    return text


def _id(text: str) -> str:
    if not _ID.match(text):
        raise ValueError(f"{text!r} is not an id; an id is letters, digits and _, such as annual_bookings")
    return text


def read_number(text: str) -> Fraction:
    """A plain decimal or a percentage."""
    percent = text.endswith("%")
    try:
        value = Decimal(text[:-1] if percent else text)
        if not value.is_finite() or abs(value.adjusted()) > 18:
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number; write 12.5, 250_000 or 8%") from None
    return Fraction(value) / (100 if percent else 1)


def _percent(text: str) -> Fraction:
    """8% and 0.08 are equal; 8 is refused, since it may mean either."""
    value = read_number(text)
    if not text.endswith("%") and abs(value) > 1:
        other = f" or {plain_number(value * 100)}%" if value.denominator > 1 else ""
        raise ValueError(f"{text!r} is not a percentage; write {text}%{other} if that is meant")
    return value


def _whole(text: str) -> int:
    value = read_number(text)
    if value.denominator != 1 or text.endswith("%"):
        raise ValueError(f"{text!r} is not a whole number")
    return int(value)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date; write it as 2026-04-01") from None


def _bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def read_duration(text: str) -> Duration:
    """A duration such as 30d, 5wd, 2w, 3m, 1y, 2h."""
    match = _DURATION.match(text)
    if not match:
        raise ValueError(f"{text!r} is not a duration; write 2h, 30d, 5wd, 2w, 3m or 1y")
    return Duration(int(match[1]), match[2])


def _month_day(text: str) -> tuple[int, int]:
    try:
        day = date.fromisoformat(f"2024-{text}")
    except ValueError:
        raise ValueError(f"{text!r} is not a day of the year; write month and day, such as 04-01") from None
    return day.month, day.day


def _weekday(text: str) -> str:
    found = [name for name in WEEKDAYS if name == text or name[:3] == text]
    if not found:
        raise ValueError(f"{text!r} is not a weekday; write mon to sun")
    return found[0]


def _bound(text: str) -> Bound:
    return Bound(read_number(text), text.endswith("%"))


def _share(text: str) -> Fraction:
    """60 and 60% are sixty percent: the key says that it is a percentage. 0.5 is refused, since it may mean 50%."""
    value = read_number(text)
    if not text.endswith("%") and 0 < abs(value) <= 2:
        raise ValueError(f"{text!r} may mean {text}% or {plain_number(value * 100)}%; write one of them")
    return value / (1 if text.endswith("%") else 100)


def _mark(text: str) -> Fraction:
    """Points of a score; a percentage would be read as a hundredth of what is meant."""
    if text.endswith("%"):
        raise ValueError(f"{text!r} is a percentage, and scores are points; write {text[:-1]} if that is meant")
    return read_number(text)


def _dotted(text: str) -> str:
    for part in text.split("."):
        _id(part)
    return text


READERS: dict[object, Callable[[str], object]] = {
    "text": _text,
    "id": _id,
    "number": read_number,
    "percent": _percent,
    "share": _share,
    "mark": _mark,
    "dotted": _dotted,
    "whole": _whole,
    "units": parse_units,
    "month_day": _month_day,
    "weekday": _weekday,
    date: _date,
    bool: _bool,
    Duration: read_duration,
    Bound: _bound,
}


class Reader:
    """Fills the classes of document.py from nodes; collects issues instead of stopping at the first."""

    def __init__(self, file: str, issues: list[Issue]) -> None:
        self.file = file
        self.issues = issues

    def report(self, message: str, line: int, path: str, hint: str = "", code: str = "policy.schema") -> None:
        hint = hint or REMEDY.get(code, "")
        self.issues.append(Issue("error", message, hint, self.file, line, path, code))

    def section(self, cls: Any, node: Node, path: str) -> Any:
        """An object of a Section class, or None if its keys are not as they should be."""
        if cls.short and isinstance(node.value, str):
            node = Node({cls.short_key(): node}, node.line, {cls.short_key(): node.line})
        if not isinstance(node.value, dict):
            self.report("keys and values are expected here", node.line, path)
            return None
        before = len(self.issues)
        known = _keys(cls)
        values: dict[str, Any] = {}
        for key, child in node.value.items():
            here = f"{path}.{key}" if path else key
            if key not in known:
                comma = "A comma begins the next key: write 1000 or 1_000." if key.isdigit() else ""
                self.report(
                    f"unknown key {key!r}", node.lines[key], here, comma or did_you_mean(key, known), "policy.key"
                )
                continue
            name, hint, optional = known[key]
            if child.empty and optional:
                continue
            if _is_list(hint) and isinstance(child.value, str):
                single = [one for one in known if one not in node.value and not _is_list(known[one][1])]
                if near := closest(key, single):
                    self.report("a list is expected here", child.line, here, f"Did you mean {near!r}?")
                    continue
            value = self.value(hint, child, here)
            if value is not None:
                values[name] = value
        for key in _required(cls) - node.value.keys():
            self.report(f"the key {key!r} is missing", node.line, path, f"Add {key}.", "policy.key")
        if any(issue.level == "error" for issue in self.issues[before:]):
            return None
        return cls(**values, line=node.line, path=path, lines=dict(node.lines))

    def value(self, hint: Any, node: Node, path: str) -> Any:
        """The value of a node as its annotation says, or None after an issue."""
        origin, args = get_origin(hint), get_args(hint)
        if hint is Expression:
            return self.expression(node, path)
        if origin is Annotated:
            return self.annotated(args[0], args[1], node, path)
        if origin is tuple:
            return self.items(args[0], node, path)
        if origin is Mapping or origin is dict:
            return self.mapping(args[1], node, path, args[0])
        if isinstance(hint, type) and issubclass(hint, Section):
            return self.section(hint, node, path)
        text = self.scalar(node, path)
        if text is None:
            return None
        if origin is Literal:
            return self.choice(args, text, node, path)
        return self.read(READERS[hint], text, node, path)

    def annotated(self, base: Any, how: str, node: Node, path: str) -> Any:
        if how == "points":
            return self.points(node, path)
        if how in ("names", "texts", "weekdays"):
            one = {"names": "id", "texts": "text", "weekdays": "weekday"}[how]
            if how == "names" and not isinstance(node.value, list):
                node = Node([node], node.line, {})
            return self.items(Annotated[str, one], node, path)
        if how == "levels":
            if isinstance(node.value, dict):
                return self.mapping(Annotated[Fraction, "number"], node, path)
            value = self.value(Annotated[Fraction, "number"], node, path)
            return None if value is None else {"": value}
        text = self.scalar(node, path)
        return None if text is None else self.read(READERS[how], text, node, path)

    def points(self, node: Node, path: str) -> Any:
        """A curve: a map of x to y, or a list of [x, y]."""
        if isinstance(node.value, dict):
            pairs = [(Node(x, node.lines[x], {}), y) for x, y in node.value.items()]
        elif isinstance(node.value, list) and all(isinstance(n.value, list) and len(n.value) == 2 for n in node.value):
            pairs = [(n.value[0], n.value[1]) for n in node.value if isinstance(n.value, list)]
        else:
            hint = "Write {0%: 0, 100%: 100}, or [[0%, 0], [100%, 100]] where the curve jumps."
            self.report("points are expected here", node.line, path, hint)
            return None
        found = [(self.value(Bound, x, path), self.value(Bound, y, path)) for x, y in pairs]
        return None if any(None in pair for pair in found) else tuple(Point(x, y) for x, y in found)

    def scalar(self, node: Node, path: str) -> str | None:
        if isinstance(node.value, str) and not node.empty:
            return node.value
        self.report("a single value is expected here", node.line, path)
        return None

    def read(self, reader: Callable[[str], object], text: str, node: Node, path: str) -> Any:
        try:
            return reader(text)
        except ValueError as error:
            self.report(str(error), node.line, path, code="policy.value")
            return None

    def choice(self, options: tuple[str, ...], text: str, node: Node, path: str) -> str | None:
        if text in options:
            return text
        shown = [option for option in options if option]
        hint = did_you_mean(text, shown) or f"Write one of: {', '.join(shown)}."
        self.report(f"{text!r} is not possible here", node.line, path, hint, "policy.value")
        return None

    def items(self, hint: Any, node: Node, path: str) -> tuple[Any, ...] | None:
        if not isinstance(node.value, list):
            self.report("a list is expected here", node.line, path)
            return None
        found = [self.value(hint, child, f"{path}[{i}]") for i, child in enumerate(node.value)]
        return tuple(value for value in found if value is not None)

    def mapping(self, hint: Any, node: Node, path: str, keys: Any = str) -> dict[str, Any] | None:
        allowed = get_args(keys) if get_origin(keys) is Literal else ()
        if not isinstance(node.value, dict):
            self.report("keys and values are expected here", node.line, path)
            return None
        found: dict[str, Any] = {}
        for key, child in node.value.items():
            here = f"{path}.{key}"
            if allowed and self.choice(allowed, key, Node(key, node.lines[key], {}), here) is None:
                continue
            if self.read(_id, key, Node(key, node.lines[key], {}), here) is None:
                continue
            value = self.value(hint, child, here)
            if value is not None:
                found[key] = replace(value, id=key) if "id" in getattr(value, "__dataclass_fields__", {}) else value
        return found

    def expression(self, node: Node, path: str) -> Expression | None:
        text = self.scalar(node, path)
        if text is None:
            return None
        try:
            return Expression(text, parse(text), node.line, path)
        except FormulaError as error:
            message = f'in "{text}" at column {error.at + 1}: {error.message}'
            self.report(message, node.line, path, error.hint, "policy.formula")
            return None


def _is_list(hint: Any) -> bool:
    return get_origin(hint) is tuple


@lru_cache
def _keys(cls: Any) -> dict[str, tuple[str, Any, bool]]:
    """Keys of a section class: field name, annotation without None, and whether null is allowed."""
    hints = get_type_hints(cls, include_extras=True)
    known: dict[str, tuple[str, Any, bool]] = {}
    for field in fields(cls):
        key = field.metadata.get("key", field.name)
        if key is None or (field.name in _BASE and field.kw_only) or (cls.__name__ == "Metric" and key == "id"):
            continue
        hint = hints[field.name]
        optional = get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)
        if optional:
            hint = next(arg for arg in get_args(hint) if arg is not type(None))
        known[key] = (field.name, hint, optional)
    return known


_BASE = frozenset(field.name for field in fields(Section))


@lru_cache
def _required(cls: Any) -> frozenset[str]:
    names = {field.name for field in fields(cls) if field.default is MISSING and field.default_factory is MISSING}
    return frozenset(key for key, (name, _, _) in _keys(cls).items() if name in names)


def keys_of(cls: Any) -> list[str]:
    """The keys a section class understands, for the reference and its test."""
    return list(_keys(cls))


# The calendar, and what waits


def _calendar(section: CalendarSection, reader: Reader) -> Calendar:
    ends = section.fiscal_year_ends
    try:
        year_end = None
        if ends is not None:
            anchor = ends.nearest or ends.last
            if anchor is None or (ends.nearest and ends.last):
                raise ValueError("fiscal_year_ends needs either nearest or last with a day of the year")
            year_end = YearEnd(ends.weekday, *anchor, rule="nearest" if ends.nearest else "last")
        return Calendar(
            pattern=section.pattern,
            fiscal_year_starts=section.fiscal_year_starts,
            fiscal_year_ends=year_end,
            leap_week_to=ends.leap_week_to if ends else 12,
            label=ends.label if ends else section.label,
            week_starts=section.week.starts,
            week_belongs_to=section.week.belongs_to,
            weekdays=section.working_days.weekdays,
            holidays="cn" if section.working_days.holidays == "cn" else None,
            shift_days=section.working_days.shift_days,
            custom={kind: (*custom.starts, custom.end) for kind, custom in section.custom.items()},
        )
    except ValueError as error:
        reader.report(str(error), section.line, section.path or "calendar", code="policy.calendar")
        return Calendar()


def _not_yet(policy: Policy) -> list[Issue]:
    """One warning for each thing that is kept and shown but not carried out."""
    found = [(later.key, later.line, later.path) for later in policy.later]
    hint = "Results do not contain it; nothing needs to be changed."
    return [
        Issue(
            "warning",
            f"{what} is kept and shown but not carried out yet",
            hint,
            policy.file,
            line,
            path,
            "policy.later",
        )
        for what, line, path in found
    ]

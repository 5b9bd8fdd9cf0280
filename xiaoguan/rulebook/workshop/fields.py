"""The numbers of a document as a form: rates, bounds, caps, goals, limits, weights, dates; each in its place.

The classes of the document say which keys hold a number: a new key of the language is in the form without a word here.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from xiaoguan.policy.document import Bound, Expression, Policy, Section
from xiaoguan.policy.formula import Duration
from xiaoguan.policy.load import READERS, Node, keys_of, read_number, read_tree
from xiaoguan.rulebook.workshop import places
from xiaoguan.rulebook.workshop.words import chapter, key_word, name_word

SCALARS = ("percent", "share", "mark", "number", "whole", "units")
FIRST = ("policy", "incentive", "goals", "process", "discount", "appraisal")
HELP = {"percent": "3%", "share": "60%", "duration": "30d, 5wd, 3m", "date": "2026-04-01"}


@dataclass(frozen=True)
class Input:
    """One value of the form. kind: percent, share, number, whole, units, bound, duration, date or formula.

    optional    the value may be empty, which the text says as null
    """

    path: str
    key: str
    kind: str
    value: str
    line: int
    label: str
    help: str = ""
    optional: bool = False


@dataclass
class Row:
    """One item of a list as a row of a table."""

    label: str
    cells: dict[str, Input] = field(default_factory=dict)
    path: str = ""


@dataclass
class Group:
    """What stands together in the form: single values, or a table with a column for each key.

    grows    path of the list that rows can be added to; "" where the document has to be edited as text
    """

    title: str
    chapter: str
    line: int
    inputs: list[Input] = field(default_factory=list)
    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    grows: str = ""


def form_of(text: str) -> list[Group]:
    """The groups of the form, what is changed most first; [] for a text that cannot be read."""
    tree, _issues = read_tree(text)
    if tree is None or not isinstance(tree.value, dict):
        return []
    found = [group for group in _Form(tree).section(Policy, tree, "", []) if group.inputs or group.rows]
    order = {chapter(key): n for n, key in enumerate(FIRST)}
    return sorted(found, key=lambda group: order.get(group.chapter, len(order)))


def input_at(text: str, path: str) -> Input | None:
    """The value of the form at this place."""
    for group in form_of(text):
        for one in (*group.inputs, *(cell for row in group.rows for cell in row.cells.values())):
            if one.path == path:
                return one
    return None


def put(text: str, path: str, value: str) -> str:
    """The text with this value of the form changed. Raises ValidationError where that is no such value."""
    one = input_at(text, path)
    if one is None:
        raise ValidationError({"path": [_("The form has no value at “%(path)s”.") % {"path": path}]})
    value = value.strip()
    if one.optional and value in ("", "null"):
        return places.put(text, path, "null")
    try:
        _reader(one.kind)(value)
    except ValueError as error:
        from xiaoguan.rulebook.lines import spoken

        raise ValidationError({"value": [spoken(str(error))]}) from error
    return places.put(text, path, value)


def add_row(text: str, path: str) -> str:
    """The text with one more row in this table, a copy of the last. Raises ValidationError."""
    if not any(group.grows == path for group in form_of(text)):
        raise ValidationError({"path": [_("The form has no table at “%(path)s”.") % {"path": path}]})
    return places.add_item(text, path)


def remove_row(text: str, path: str) -> str:
    """The text without this row, path[2]. Raises ValidationError; the last row stays."""
    table, _bracket, number = path.rstrip("]").rpartition("[")
    if not number.isdigit() or not any(group.grows == table for group in form_of(text)):
        raise ValidationError({"path": [_("The form has no table at “%(path)s”.") % {"path": path}]})
    try:
        return places.remove_item(text, table, int(number))
    except (KeyError, ValueError) as error:
        raise ValidationError({"path": [_("One row has to stay.")]}) from error


def _reader(kind: str) -> Any:
    by_type: dict[str, Any] = {"bound": Bound, "duration": Duration, "date": date}
    return READERS[by_type.get(kind, "number" if kind == "formula" else kind)]


class _Form:
    """Walks the document along its classes."""

    def __init__(self, tree: Node) -> None:
        assert isinstance(tree.value, dict)
        metrics = tree.value.get("metrics")
        found = metrics.value if metrics is not None and isinstance(metrics.value, dict) else {}
        self.metrics = {key: _name(node) or key for key, node in found.items()}

    def name(self, node: Node) -> str:
        """What a section is called; the metric's own name where it is known by its metric."""
        found = _name(node)
        return self.metrics.get(found, found)

    def section(self, cls: Any, node: Node, path: str, trail: list[str]) -> Iterator[Group]:
        """The group of a section's own values, and the groups below it."""
        if not isinstance(node.value, dict):
            return
        named = trail + ([name] if (name := self.name(node)) else [])
        own = Group(" › ".join(named), chapter(path), node.line)
        below: list[Group] = []
        for key, child, hint, optional in _known(cls, node):
            here = f"{path}.{key}" if path else key
            for part in self.known(hint, child, here, key, named, optional):
                if isinstance(part, Input):
                    own.inputs.append(part)
                else:
                    below.append(part)
        if not own.title:
            own.title = chapter(path)
        yield own
        yield from below

    def known(
        self, hint: Any, node: Node, path: str, key: str, trail: list[str], optional: bool
    ) -> Iterator[Input | Group]:
        """The value of a key; one that may be null is empty in the form."""
        for part in self.value(hint, node, path, key, trail):
            if optional and isinstance(part, Input) and part.path == path and (node.empty or part.kind == "date"):
                part = replace(part, optional=True, value="" if node.empty else part.value)
            yield part

    def value(self, hint: Any, node: Node, path: str, key: str, trail: list[str]) -> Iterator[Input | Group]:
        origin, args = get_origin(hint), get_args(hint)
        if origin is Annotated and args[1] == "levels" and isinstance(node.value, dict):
            origin, args = Mapping, (str, Annotated[Any, "number"])
        if origin is Annotated and args[1] == "points" and isinstance(node.value, dict):
            origin, args = Mapping, (str, Bound)
        if origin in (Mapping, dict):
            yield from self.mapping(args[1], node, path, key, trail)
        elif origin is tuple and _is_section(args[0]):
            yield from self.table(args[0], node, path, key, trail)
        elif origin is tuple:
            yield from self.listed(args[0], node, path, key)
        elif _is_section(hint):
            yield from self.nested(hint, node, path, key, trail)
        elif isinstance(node.value, str) and (kind := _kind(hint, node.value)):
            yield Input(path, key, kind, node.value, node.line, key_word(key), HELP.get(kind, ""))

    def nested(self, cls: Any, node: Node, path: str, key: str, trail: list[str]) -> Iterator[Input | Group]:
        """A section inside another: its own values stand with those of the outer one, under their name."""
        if isinstance(node.value, str):
            hint = next((h for k, h, _o in _hints(cls) if cls.short and k == cls.short_key()), None)
            if hint is not None and (kind := _kind(hint, node.value)):
                yield Input(path, key, kind, node.value, node.line, key_word(key), HELP.get(kind, ""))
            return
        for group in self.section(cls, node, path, trail):
            own = group.line == node.line and not group.rows and group.title in (" › ".join(trail), chapter(path))
            if own and "." in path:
                for one in group.inputs:
                    yield replace(one, label=f"{key_word(key)} · {one.label}")
            else:
                yield group

    def listed(self, hint: Any, node: Node, path: str, key: str) -> Iterator[Input]:
        if not isinstance(node.value, list):
            return
        for i, child in enumerate(node.value):
            if isinstance(child.value, str) and (kind := _kind(hint, child.value)):
                label = f"{key_word(key)} {i + 1}"
                yield Input(f"{path}[{i}]", key, kind, child.value, child.line, label, HELP.get(kind, ""))

    def mapping(self, hint: Any, node: Node, path: str, key: str, trail: list[str]) -> Iterator[Input | Group]:
        if not isinstance(node.value, dict):
            return
        if _is_section(hint):
            items = [(self.name(child) or name_word(k), f"{path}.{k}", child) for k, child in node.value.items()]
            yield from self.rows(hint, items, path, key, trail, "", node.line)
            return
        for name, child in node.value.items():
            if isinstance(child.value, str) and (kind := _kind(hint, child.value)):
                label = f"{key_word(key)} · {name_word(name)}"
                yield Input(f"{path}.{name}", key, kind, child.value, child.line, label, HELP.get(kind, ""))

    def table(self, cls: Any, node: Node, path: str, key: str, trail: list[str]) -> Iterator[Input | Group]:
        if not isinstance(node.value, list):
            return
        items = [(self.name(c) or f"{key_word(key)} {i + 1}", f"{path}[{i}]", c) for i, c in enumerate(node.value)]
        yield from self.rows(cls, items, path, key, trail, path if key == "rates" else "", node.line)

    def rows(
        self, cls: Any, items: list[tuple[str, str, Node]], path: str, key: str, trail: list[str], grows: str, line: int
    ) -> Iterator[Group]:
        """A list of sections: a table of their numbers, and what hangs below each."""
        head = [*trail, key_word(key)] if trail else [key_word(key)]
        group = Group(" › ".join(head), chapter(path), line, grows=grows)
        below: list[Group] = []
        for label, here, child in items:
            row = Row(label, path=here)
            if isinstance(child.value, str):
                parts: list[Input | Group] = list(self.nested(cls, child, here, key, trail))
            else:
                parts = [
                    part
                    for name, inner, hint, optional in _known(cls, child)
                    for part in self.known(hint, inner, f"{here}.{name}", name, [*trail, label], optional)
                ]
            for part in parts:
                if isinstance(part, Input):
                    row.cells[_column(part, here)] = part
                else:
                    below.append(part)
            if row.cells:
                group.rows.append(row)
        seen = dict.fromkeys((name, cell.label) for row in group.rows for name, cell in row.cells.items())
        group.columns = list({name: label for name, label in seen}.items())
        if len(group.columns) > 5:
            yield from (
                Group(" › ".join([*trail, r.label]), group.chapter, line, inputs=list(r.cells.values()))
                for r in group.rows
            )
        else:
            yield group
        yield from below


def _column(one: Input, row: str) -> str:
    return one.path.removeprefix(row).lstrip(".") or one.key


def _is_section(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Section)


def _hints(cls: Any) -> Iterator[tuple[str, Any, bool]]:
    """Key, annotation without None, and whether null is possible, of every key of a section class."""
    hints = get_type_hints(cls, include_extras=True)
    known = set(keys_of(cls))
    for name, one in cls.__dataclass_fields__.items():
        key = one.metadata.get("key", name)
        if key in known:
            hint = hints[name]
            optional = get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)
            yield key, next(arg for arg in get_args(hint) if arg is not type(None)) if optional else hint, optional


def _known(cls: Any, node: Node) -> Iterator[tuple[str, Node, Any, bool]]:
    """The keys of a node that its class knows, in the order of the text."""
    assert isinstance(node.value, dict)
    hints = {key: (hint, optional) for key, hint, optional in _hints(cls)}
    return ((key, child, *hints[key]) for key, child in node.value.items() if key in hints)


def _name(node: Node) -> str:
    """What a section of the text is called."""
    if not isinstance(node.value, dict):
        return ""
    for key in ("name", "id", "metric"):
        found = node.value.get(key)
        if found is not None and isinstance(found.value, str) and not found.empty:
            return found.value if key == "name" else name_word(found.value)
    return ""


def _kind(hint: Any, text: str) -> str:
    """The kind of input for a value, or "" where it is no matter of the form."""
    if get_origin(hint) is Annotated:
        how = get_args(hint)[1]
        return how if how in SCALARS else ""
    if hint is Expression:
        try:
            read_number(text)
        except ValueError:
            return ""
        return "formula"
    return {Duration: "duration", Bound: "bound", date: "date"}.get(hint, "")

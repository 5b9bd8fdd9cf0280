"""Where each value of a document stands in its text. A value is written there; comments, order and layout stay.

The paths are those of issues and clauses: incentive[0].components[1].tiers.rates[0].rate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

_PLAIN = re.compile(r"[^\W_][\w.%+-]*(?: [\w.%+-]+)*$|-?\d[\w.%]*$")


@dataclass(frozen=True, slots=True)
class Place:
    """One value: text[start:end] is how it is written, `value` what it says (of a scalar), `line` counts from 1.

    flow    whether a map or list is written in braces or brackets
    """

    path: str
    start: int
    end: int
    line: int
    value: str | None = None
    flow: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class HeaderWords:
    """What the head of a text says; empty where it says nothing that can be read."""

    policy_key: str = ""
    number: str = ""
    effective_from: date | None = None


@lru_cache(maxsize=8)
def places(text: str) -> Mapping[str, Place]:
    """Every value of a YAML text by its path; as far as it could be read, where the text is broken."""
    return MappingProxyType({place.path: place for place in _Walk(text).places()})


@dataclass(slots=True)
class _Open:
    """A map or list under way."""

    path: str
    start: int
    line: int
    list: bool
    flow: bool
    key: str | None = None
    size: int = 0
    end: int = 0

    def next_path(self) -> str:
        if self.list:
            return f"{self.path}[{self.size}]"
        return f"{self.path}.{self.key}" if self.path else str(self.key)


class _Walk:
    def __init__(self, text: str):
        self.text = text
        self.open: list[_Open] = []

    def places(self) -> Iterator[Place]:
        try:
            for event in YAML(typ="safe", pure=True).parse(self.text):
                yield from self._take(event)
        except (YAMLError, ValueError):
            return

    def _take(self, event: Any) -> Iterator[Place]:
        if isinstance(event, ScalarEvent):
            yield from self._scalar(event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            path = self.open[-1].next_path() if self.open else ""
            start = event.start_mark
            many = isinstance(event, SequenceStartEvent)
            self.open.append(_Open(path, start.index, start.line + 1, many, bool(event.flow_style)))
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            done = self.open.pop()
            end = event.end_mark.index if done.flow else done.end
            yield Place(done.path, done.start, end, done.line, None, done.flow, done.size)
            self._counted(end)

    def _scalar(self, event: Any) -> Iterator[Place]:
        here = self.open[-1] if self.open else None
        if here is not None and not here.list and here.key is None:
            here.key = event.value
            return
        path = here.next_path() if here else ""
        yield Place(path, event.start_mark.index, event.end_mark.index, event.start_mark.line + 1, event.value)
        self._counted(event.end_mark.index)

    def _counted(self, end: int) -> None:
        if self.open:
            here = self.open[-1]
            here.size, here.key, here.end = here.size + 1, None, max(here.end, end)


def written(value: str) -> str:
    """A value as it may stand in a list or map of a document; in quotes where it needs them."""
    if _PLAIN.match(value) and value not in ("null", "true", "false", "yes", "no"):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def put(text: str, path: str, value: str) -> str:
    """The text with another value at this place. Raises KeyError where there is no single value."""
    place = places(text)[path]
    if place.value is None:
        raise KeyError(path)
    return text[: place.start] + ("null" if value == "null" else written(value)) + text[place.end :]


def add_item(text: str, path: str) -> str:
    """The text with the last item of this list once more. Raises KeyError where there is no list with an item."""
    found = places(text)
    whole = found[path]
    last = found[f"{path}[{whole.size - 1}]"]
    item = text[last.start : last.end]
    if whole.flow:
        return f"{text[: last.end]}, {item}{text[last.end :]}"
    begin = text.rfind("\n", 0, last.start) + 1
    end = text.find("\n", last.end)
    end = len(text) if end < 0 else end
    block = text[begin:end]
    return f"{text[:end]}\n{block}{text[end:]}"


def remove_item(text: str, path: str, index: int) -> str:
    """The text without this item of a list. Raises KeyError without such an item, ValueError for the only one."""
    found = places(text)
    whole, item = found[path], found[f"{path}[{index}]"]
    if whole.size < 2:
        raise ValueError(path)
    if not whole.flow:
        begin = text.rfind("\n", 0, item.start) + 1
        end = text.find("\n", item.end)
        return text[:begin] + text[(len(text) if end < 0 else end + 1) :]
    if index:
        return text[: found[f"{path}[{index - 1}]"].end] + text[item.end :]
    return text[: item.start] + text[found[f"{path}[1]"].start :]


def header_of(text: str) -> HeaderWords:
    """Id, number and first day of the policy in this text."""
    found = places(text)

    def said(path: str) -> str:
        place = found.get(path)
        return (place.value or "") if place else ""

    try:
        start = date.fromisoformat(said("policy.effective.from"))
    except ValueError:
        start = None
    return HeaderWords(said("policy.id"), said("policy.version"), start)

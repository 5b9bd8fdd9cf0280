"""What every section of the document is made of: how texts are read, formulas, bounds, places.

The annotation of a field says how its text is read; `load.READERS` has a function for each. Where a word of the
document cannot be a Python name (`from`), the field says so in its metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, ClassVar

from ..formula import Expr

Text = Annotated[str, "text"]
Id = Annotated[str, "id"]
Dotted = Annotated[str, "dotted"]
Number = Annotated[Fraction, "number"]
Percent = Annotated[Fraction, "percent"]
Share = Annotated[Fraction, "share"]
Mark = Annotated[Fraction, "mark"]
"""A percentage written with its sign or without it: 60 and 60% are equal."""
Whole = Annotated[int, "whole"]
Units = Annotated[int, "units"]
MonthDay = Annotated[tuple[int, int], "month_day"]
Weekday = Annotated[str, "weekday"]
Names = Annotated[tuple[str, ...], "names"]
Texts = Annotated[tuple[str, ...], "texts"]
Weekdays = Annotated[tuple[str, ...], "weekdays"]
Levels = Annotated[Mapping[str, Fraction], "levels"]

START: dict[str, Any] = {"key": "from"}
END: dict[str, Any] = {"key": "to"}


@dataclass(frozen=True, slots=True)
class Later:
    """A section that is read, checked and said in words, but not carried out by this engine."""

    key: str
    line: int = field(default=0, compare=False)
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula of the document: its text, its tree, and where it stands."""

    text: str
    tree: Expr
    line: int = field(default=0, compare=False)
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Bound:
    """Lower bound of a tier: a percentage (`120%`) or a plain number (`100_000`)."""

    value: Fraction
    percent: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve: x as a percentage or a number, y as a number (60 and 60% are both sixty percent)."""

    x: Bound
    y: Bound


Points = Annotated[tuple[Point, ...], "points"]
"""A broken line: a map {0%: 0, 100%: 100}, or a list of pairs [[90%, 40%], [90%, 60%]] where it jumps."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """What every section has: where it stands. A class with `short` may be written as that one key's value alone."""

    short: ClassVar[str] = ""
    line: int = field(default=0, compare=False)
    path: str = field(default="", compare=False)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def short_key(cls) -> str:
        """The key that the short form stands for, as it is written."""
        return str(cls.__dataclass_fields__[cls.short].metadata.get("key", cls.short))

    def line_of(self, key: str) -> int:
        """Line of one key, or of the section."""
        return self.lines.get(key, self.line)


@dataclass(frozen=True, kw_only=True)
class Dates(Section):
    """A span of days [start, end); end None is open."""

    start: date = field(metadata=START)
    end: date | None = field(metadata=END, default=None)

    def contains(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.start <= day and (self.end is None or day < self.end)

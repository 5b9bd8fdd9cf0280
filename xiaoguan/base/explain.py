"""解释 explanation: a number that knows how it came about, down to the records that made it.

A `Line` is one value with its unit, formula, source clause, records and parts. Parts with `adds` are addends: they
add up to the line. The other parts are what it was computed from: a rate, a metric, a goal. A `Statement` is the lines
of one person and period. Both turn into JSON and back without loss, so a stored result opens as it did on the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .issues import Issue
from .ledger import Entry
from .money import SCALE, Money, minor_digits
from .periods import Period
from .words import plain_number

Value = Fraction | int | str | None


@dataclass(frozen=True, slots=True)
class Record:
    """记录: one row that counted, and the value it contributed in the unit of its line.

    entity    the fact it is a row of, such as orders; id and label name the row for a link and a reader.
    """

    entity: str
    id: str
    label: str
    value: Fraction | int | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain dict; a fraction is "n/d"."""
        return {"entity": self.entity, "id": self.id, "label": self.label, "value": _plain(self.value)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Record:
        """The record that `to_json` wrote."""
        value = _exact(data["value"])
        return cls(data["entity"], data["id"], data["label"], value)


@dataclass(frozen=True, slots=True)
class Line:
    """明细: a value, its unit, and how it came about.

    unit      "money:CNY" (value in units of money, a fraction before rounding), "count", "ratio" (fraction of one),
              "score" or "text".
    value     exact; None is missing, and `note` then says why.
    formula   the rule with its numbers filled in; source names the clause of the policy.
    adds      False for a part that is an input of its parent rather than an addend.
    """

    name: str
    label: str
    value: Value
    unit: str
    formula: str = ""
    source: str = ""
    records: tuple[Record, ...] = ()
    parts: tuple[Line, ...] = ()
    note: str = ""
    adds: bool = True

    @property
    def missing(self) -> bool:
        """Whether there is no value."""
        return self.value is None

    @property
    def number(self) -> Fraction:
        """The value as a fraction; ValueError where there is none."""
        if self.value is None or isinstance(self.value, str):
            raise ValueError(f"line {self.name!r} has no number: {self.note or self.value}")
        return self.value if type(self.value) is Fraction else Fraction(self.value)

    @property
    def text(self) -> str:
        """The value as plain text, the same in every locale: 304,755.6026 for an amount, ≈83.04% for a ratio."""
        if self.value is None or isinstance(self.value, str):
            return self.value or "missing"
        return value_text(self.value, self.unit)

    def check(self) -> list[Issue]:
        """Issues, here and below, where the addends of a money line do not add up to it."""
        issues = [issue for part in self.parts for issue in part.check()]
        addends = [part for part in self.parts if part.adds and part.unit == self.unit and not part.missing]
        if self.unit.startswith("money:") and addends and not self.missing:
            total = sum(part.number for part in addends)
            if total != self.number:
                issues.append(_off(self.name, total, self.number))
        return issues

    def to_json(self) -> dict[str, Any]:
        """A plain dict, parts inside; a fraction is "n/d"."""
        return {
            "name": self.name,
            "label": self.label,
            "value": _plain(self.value),
            "unit": self.unit,
            "formula": self.formula,
            "source": self.source,
            "records": [record.to_json() for record in self.records],
            "parts": [part.to_json() for part in self.parts],
            "note": self.note,
            "adds": self.adds,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Line:
        """The line that `to_json` wrote."""
        value = data["value"] if data["unit"] == "text" else _exact(data["value"])
        records = tuple(Record.from_json(record) for record in data["records"])
        parts = tuple(cls.from_json(part) for part in data["parts"])
        texts = {key: data[key] for key in ("name", "label", "unit", "formula", "source", "note", "adds")}
        return cls(value=value, records=records, parts=parts, **texts)


@dataclass(frozen=True, slots=True)
class Step:
    """计算步骤: one step of the fixed order of calculation, and its sum in units where it moves money."""

    number: int
    name: str
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """提成单: what one person is paid for one period, line by line, and what could not be calculated.

    person    key of the person. total is the sum of the lines that have a value.
    issues    the exception list: lines that are missing and why, records held back.
    steps     the fixed order of calculation with the sum at each step. entries   what goes into the ledger.
    """

    person: str
    period: Period
    lines: tuple[Line, ...]
    total: Money
    issues: tuple[Issue, ...] = ()
    steps: tuple[Step, ...] = ()
    entries: tuple[Entry, ...] = ()

    def check(self) -> list[Issue]:
        """Issues where a line's parts, or the lines, do not add up."""
        issues = [issue for line in self.lines for issue in line.check()]
        total = sum(line.number for line in self.lines if not line.missing)
        return issues if total == self.total.units else [*issues, _off("total", total, Fraction(self.total.units))]

    def to_json(self) -> dict[str, Any]:
        """A plain dict; amounts in units."""
        return {
            "person": self.person,
            "period": self.period.to_json(),
            "lines": [line.to_json() for line in self.lines],
            "total": {"units": self.total.units, "currency": self.total.currency},
            "issues": [issue.to_json() for issue in self.issues],
            "steps": [[step.number, step.name, step.amount] for step in self.steps],
            "entries": [entry.to_json() for entry in self.entries],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Statement:
        """The statement that `to_json` wrote."""
        return cls(
            person=data["person"],
            period=Period.from_json(data["period"]),
            lines=tuple(Line.from_json(line) for line in data["lines"]),
            total=Money.of_units(data["total"]["units"], data["total"]["currency"]),
            issues=tuple(Issue.from_json(issue) for issue in data["issues"]),
            steps=tuple(Step(*step) for step in data.get("steps", ())),
            entries=tuple(Entry.from_json(entry) for entry in data.get("entries", ())),
        )


def value_text(value: Fraction | int, unit: str) -> str:
    """A number of that unit as plain text: amounts in major units without the currency code, ratios as percentages."""
    if unit == "ratio":
        return plain_number(value * 100, 4) + "%"
    if not unit.startswith("money:"):
        return plain_number(value, 4, grouped=True)
    if value.denominator == 1:
        whole_units, rest = divmod(abs(value.numerator), SCALE)
        decimals = f"{rest:04d}".rstrip("0").ljust(minor_digits(unit[6:]), "0")
        return ("-" if value < 0 else "") + f"{whole_units:,}" + (f".{decimals}" if decimals else "")
    text = plain_number(value / Fraction(SCALE), 4, grouped=True)
    whole, _, decimals = text.partition(".")
    decimals = decimals.ljust(minor_digits(unit[6:]), "0")
    return f"{whole}.{decimals}" if decimals else whole


def _plain(value: Value) -> int | str | None:
    return f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else value


def _exact(value: int | str | None) -> Fraction | int | None:
    return Fraction(value) if isinstance(value, str) else value


def _off(name: str, parts: Fraction | int, whole: Fraction) -> Issue:
    message = f"the parts of {name!r} add up to {parts} units instead of {whole}"
    return Issue("error", message, hint="This is a fault of the program; please report it.", code="explain.sum")

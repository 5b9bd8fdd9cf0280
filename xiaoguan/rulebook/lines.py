"""A Line of the engine in the words and links that pages show."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from xiaoguan.base.explain import Line, Record
from xiaoguan.desk.cells import MISSING, money_text, number_text, percent_text
from xiaoguan.desk.desk import desk_of
from xiaoguan.rulebook.facts import facts

SHOWN_RECORDS = 400


def value_words(value: Any, unit: str) -> str:
    """A value with its unit as people read it."""
    if value is None:
        return MISSING
    if isinstance(value, str):
        return value
    if unit.startswith("money:"):
        units = Fraction(value)
        whole = units.numerator // units.denominator if units >= 0 else -(-units.numerator // units.denominator)
        return money_text(whole, unit.removeprefix("money:"))
    exact = Fraction(value)
    shown = Decimal(exact.numerator) / Decimal(exact.denominator)  # for reading only; the exact value stays in the line
    return percent_text(shown) if unit == "ratio" else number_text(shown)


def line_words(line: Line) -> dict[str, Any]:
    """The line for a template: texts, its parts, and its records with links to their pages."""
    return {
        "name": line.name,
        "label": line.label,
        "value": value_words(line.value, line.unit),
        "formula": line.formula,
        "source": line.source,
        "note": line.note,
        "adds": line.adds,
        "records": [_record(r, line.unit) for r in line.records[:SHOWN_RECORDS]],
        "more_records": max(0, len(line.records) - SHOWN_RECORDS),
        "parts": [line_words(part) for part in line.parts],
    }


def _record(record: Record, unit: str) -> dict[str, Any]:
    fact = facts().get(record.entity)
    desk = desk_of(fact.model) if fact else None
    return {
        "label": record.label,
        "url": f"{desk.url()}{record.id}" if desk else None,
        "value": value_words(record.value, unit) if record.value is not None else "",
    }

"""A Line of the engine in the words and links that pages show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from xiaoguan.base.explain import Line, Record
from xiaoguan.desk.cells import MISSING, money_text, number_text, percent_text
from xiaoguan.desk.desk import desk_of
from xiaoguan.policy import LINE_LABELS, Policy
from xiaoguan.rulebook import phrases
from xiaoguan.rulebook.facts import facts
from xiaoguan.rulebook.naming import name_of

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
    return percent_text(shown) if unit == "ratio" else number_text(shown, 2 if unit == "score" else 4)


def spoken(text: str, names: Mapping[str, str] | None = None) -> str:
    """A text of the engine in the language of the page, with the ids in it replaced by what they are called."""
    language = get_language() or "en"
    text = re.sub(r"\bratio\(([\w.]+), ([\w.]+)(?:, empty=\w+)?\)", r"\1 ÷ \2", phrases.term(text, language))
    text = phrases.chinese(text) if language.startswith("zh") else text
    for name, label in sorted((names or {}).items(), key=lambda item: -len(item[0])):
        text = re.sub(rf"(?<![\w.'(]){re.escape(name)}(?![\w.(])", label.replace("\\", r"\\"), text)
    if not language.startswith("zh"):
        return phrases.english(text)
    return re.sub(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", "", text)


def names_in(lines: Iterable[Line]) -> dict[str, str]:
    """What these lines and their parts are called, by the ids that formulas and notes use."""
    found: dict[str, str] = {}
    for line in lines:
        found |= names_in(line.parts)
        if line.label not in LINE_LABELS or "(" in line.name:  # a rate or a step is no id of the policy
            found[line.name] = spoken(line.label)
    return found


def names_of(policy: Policy) -> dict[str, str]:
    """What a policy calls its metrics and goals, by id."""
    return {metric.id: metric.name for metric in policy.metrics.values()} | {
        goal.id: goal.name for goal in policy.goals if goal.name
    }


def line_words(line: Line, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The line for a template: texts, its parts, and its records with links to their pages.

    names    what ids are called beyond those of the line itself.
    """
    return _line_words(line, {**(names or {}), **names_in([line])})


def _line_words(line: Line, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": line.name,
        "label": spoken(line.label),
        "value": value_words(line.value, line.unit),
        "formula": spoken(line.formula, names),
        "source": _clause(line.source),
        "note": spoken(line.note, names),
        "adds": line.adds,
        "records": [_record(r, line.unit) for r in line.records[:SHOWN_RECORDS]],
        "more_records": max(0, len(line.records) - SHOWN_RECORDS),
        "parts": [_line_words(part, names) for part in line.parts],
    }


def version_words(text: str) -> str:
    """ "small-company 1.0.0" by the name of the policy."""
    key, space, number = text.rpartition(" ")
    return f"{name_of('policy', key)}{space}{number}"


def _clause(source: str) -> str:
    """The same with what follows: "small-company 1.0.0, 第三章第1条"."""
    version, comma, clause = source.partition(", ")
    return _("%(policy)s, %(clause)s") % {"policy": version_words(version), "clause": clause} if comma else source


def _record(record: Record, unit: str) -> dict[str, Any]:
    fact = facts().get(record.entity)
    desk = desk_of(fact.model) if fact else None
    return {
        "label": record.label,
        "url": f"{desk.url()}{record.id}" if desk else None,
        "value": value_words(record.value, unit) if record.value is not None else "",
    }

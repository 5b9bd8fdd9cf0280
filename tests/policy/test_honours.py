"""Who is honoured for a period; reckoned by hand."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from xiaoguan.policy import RowsWorld, Who
from xiaoguan.policy.honours import honoured
from xiaoguan.policy.world import Book

from .making import BOOKINGS, order, policy

APPRAISAL = """
appraisal:
  - {id: monthly, period: month, indicators: [{id: x, weight: 100%, raters: {manager: 100%}, scale: [0, 100]}],
     grades: {A: {from: 80}, B: {from: 0}}}
"""
PEOPLE = [Who(key, key, team=team, hired_on=day) for key, team, day in (
    ("a", "north", date(2025, 1, 1)), ("b", "north", date(2024, 1, 1)), ("c", "south", None), ("d", "south", None)
)]  # fmt: skip
SOLD = {"a": 300, "b": 300, "c": 200, "d": 100}


def best(rule: str, graded: Any = None) -> list[tuple[str, int]]:
    of = policy(f"{BOOKINGS}{APPRAISAL}recognition: [{{id: r, {rule}}}]\n")
    january = of.calendar.parse("2026-01")
    grades = [
        {
            "person": key,
            "appraisal": "monthly",
            "period": of.calendar.parse(label),
            "score": Fraction(score),
            "grade": grade,
        }
        for key, (label, score, grade) in (graded or {}).items()
    ]
    rows = [order(amount * 10_000, "2026-01-10", key, person=key) for key, amount in SOLD.items()]
    world = RowsWorld(of, {"orders": rows}, book=Book({who.key: who for who in PEOPLE}, grades=grades))
    return [(one.who.key, one.rank) for one in honoured(of, of.recognition[0], PEOPLE, january, world)]


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("rank_by: bookings, top: 1", [("b", 1), ("a", 1)]),
        ("rank_by: bookings, top: 2", [("b", 1), ("a", 1)]),  # the next one is third
        ("rank_by: bookings, top: 3", [("b", 1), ("a", 1), ("c", 3)]),
        ("rank_by: bookings, top: 1, ties: first", [("b", 1)]),  # who came first
        ("rank_by: bookings, top: 1, among: team", [("b", 1), ("a", 1), ("c", 1)]),
        ('rank_by: bookings, top: 4, require: "bookings < 300"', [("c", 1), ("d", 2)]),
        ("rank_by: appraisal.monthly.score, top: 1", []),
    ],
)
def test_equal_numbers_share_a_rank_and_whoever_has_none_takes_no_part(rule: str, wanted: Any) -> None:
    assert best(rule) == wanted


def test_scores_count_once_they_are_locked_for_the_period_itself() -> None:
    rule = "rank_by: appraisal.monthly.score, top: 2, require: \"grade == 'A'\""
    graded = {
        "a": ("2026-01", 90, "A"),
        "b": ("2025-12", 99, "A"),
        "c": ("2026-01", 95, "B"),
        "d": ("2026-01", 85, "A"),
    }
    assert best(rule, graded) == [("a", 1), ("d", 2)]

"""解释: lossless as JSON, and honest about sums."""

import json
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, Record, Statement
from xiaoguan.base.issues import Issue
from xiaoguan.base.money import Money
from xiaoguan.base.periods import Period

MARCH = Period(date(2026, 3, 1), date(2026, 4, 1), "month", "2026-03")
PAID = Line(
    "commission",
    "销售提成",
    100,
    "money:CNY",
    formula="1/3 x 300",
    source="第三章第1条",
    records=(Record("orders", "SO-1", "Order 1", 300), Record("orders", "SO-2", "Order 2", Fraction(1, 3))),
    parts=(
        Line("a", "A", Fraction(100, 3), "money:CNY"),
        Line("b", "B", Fraction(200, 3), "money:CNY"),
        Line("rate", "Rate", Fraction(1, 3), "ratio", adds=False),
        Line("basis", "Basis", 300, "money:CNY", adds=False),
    ),
)
TEXT = Line("grade", "Grade", "1/2", "text")
LOST = Line("bonus", "Bonus", None, "money:CNY", note="no quota")


def test_json_loses_nothing():
    statement = Statement("p1", MARCH, (PAID, TEXT, LOST), Money.of_units(100, "CNY"), (Issue("warning", "no quota"),))
    assert Statement.from_json(json.loads(json.dumps(statement.to_json()))) == statement


def test_parts_that_add_up_are_silent_and_inputs_are_not_added():
    assert PAID.check() == []
    assert Statement("p1", MARCH, (PAID, LOST), Money.of_units(100, "CNY")).check() == []


def test_parts_that_do_not_add_up_are_named():
    wrong = Line("total", "Total", 99, "money:CNY", parts=(PAID,))
    assert "'total'" in wrong.check()[0].message
    assert Statement("p1", MARCH, (PAID,), Money.of_units(99, "CNY")).check()[0].level == "error"


def test_a_missing_value_is_not_a_number():
    assert LOST.missing and not PAID.missing
    assert PAID.number == Fraction(100)

"""指标: plans, values, records, what is held back."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoguan.base.periods import Calendar
from xiaoguan.policy import FACTS, Derived, Plan, PlanError, Schema, Type, evaluate, fact, plan, unparse

from .making import calc, order, policy

MARCH = Calendar().parse("2026-03")
METRICS = """
metrics:
  bookings:
    {name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on, where: "status == 'signed'"}
  big: {name: Big, type: count, from: orders, value: "count_if(net_amount >= 1000)", date: signed_on}
  orders: {name: Orders, type: count, from: orders, value: "count()", date: signed_on}
  buyers: {name: Buyers, type: count, from: orders, value: "count_distinct(customer)", date: signed_on}
  again: {name: Again, type: count, from: orders, value: "count_retained(customer, over=1m)", date: signed_on}
  largest: {name: Largest, type: amount, from: orders, value: "max(net_amount)", date: signed_on}
  smallest: {name: Smallest, type: amount, from: orders, value: "min(net_amount)", date: signed_on}
  mean: {name: Mean, type: amount, from: orders, value: "mean(net_amount)", date: signed_on}
  average: {name: Average, type: amount, value: "ratio(bookings, orders, empty=missing)"}
  share:
    {name: Share, type: ratio, from: orders, date: signed_on, min_sample: 3,
     value: "ratio(count_if(net_amount >= 1000), count(), empty=missing)"}
  net: {name: Net, type: amount, value: "bookings - 10% * largest"}
  nps: {name: NPS, type: score, from: surveys, value: "nps(score)", date: answered_on, min_sample: 2}
"""
POLICY = policy(METRICS)
ROWS = [
    order(10_000_000, "2026-03-01", 1, customer="a", status="signed"),
    order(20_000_000, "2026-03-05", 2, customer="b", status="signed"),
    order(5_000_000, "2026-03-31", 3, customer="a", status="draft"),
    order(7_000_000, "2026-04-01", 4, customer="a", status="signed"),
]


def rows_of(source, period, by, rows=ROWS):
    return [row for row in rows if source == "orders" and period.contains(row[by])]


def value(name, rows=ROWS):
    return evaluate(POLICY, name, lambda source, period, by: rows_of(source, period, by, rows), MARCH)


@pytest.mark.parametrize(
    ("name", "expected", "unit"),
    [
        ("bookings", 30_000_000, "money:CNY"),
        ("big", 2, "count"),
        ("orders", 3, "count"),
        ("buyers", 2, "count"),
        ("again", 1, "count"),
        ("largest", 20_000_000, "money:CNY"),
        ("smallest", 5_000_000, "money:CNY"),
        ("mean", Fraction(35_000_000, 3), "money:CNY"),
        ("average", 10_000_000, "money:CNY"),
        ("share", Fraction(2, 3), "ratio"),
        ("net", 28_000_000, "money:CNY"),
    ],
)
def test_every_aggregate_has_its_value_and_unit(name, expected, unit):
    line = value(name)
    assert (line.value, line.unit) == (expected, unit)
    assert line.label == POLICY.metrics[name].name
    assert line.source.startswith("test 1.0.0, metrics.")


def test_a_value_remembers_its_records():
    line = value("bookings")
    assert [(record.entity, record.id, record.value) for record in line.records] == [
        ("orders", "1", 10_000_000),
        ("orders", "2", 20_000_000),
    ]
    assert line.formula == "sum(net_amount) of 2 orders with status == 'signed'"
    assert [record.id for record in value("largest").records] == ["2"]
    assert sum(record.value for record in value("buyers").records) == 2


def test_a_derived_metric_shows_its_inputs_and_the_reason_when_it_is_missing():
    line = value("average")
    assert [part.name for part in line.parts] == ["bookings", "orders"]
    assert "bookings = 3,000.00, orders = 3" in line.formula
    nothing = value("average", [])
    assert nothing.missing and "divides by nothing" in nothing.note
    assert value("bookings", []).value == 0
    assert value("largest", []).missing and "no orders in 2026-03" in value("largest", []).note


def test_too_small_a_sample_gives_no_value():
    line = value("share", ROWS[:2])
    assert line.missing and "only 2 records, fewer than the 3" in line.note


def test_a_row_in_another_currency_or_without_value_is_held_back():
    rows = [
        *ROWS,
        order(1, "2026-03-09", 8, currency="EUR", status="signed"),
        order(None, "2026-03-09", 9, status="signed"),
    ]
    line = value("bookings", rows)
    assert line.value == 30_000_000
    (held,) = line.parts
    assert (held.name, held.value, [record.id for record in held.records]) == ("held_back", 2, ["8", "9"])
    assert held.note == "in EUR, not CNY; net_amount is missing"


@given(st.permutations(ROWS))
def test_the_order_of_records_does_not_matter(rows):
    assert value("bookings", rows) == value("bookings")
    assert value("mean", rows) == value("mean")


def test_net_promoter_score():
    answers = [{"id": i, "score": score, "answered_on": date(2026, 3, 1)} for i, score in enumerate([10, 9, 8, 0])]
    line = evaluate(POLICY, "nps", lambda source, period, by: answers, MARCH)
    assert (line.value, line.unit) == (25, "score")


def test_a_plan_is_plain_data():
    found = plan(POLICY, "bookings")
    assert isinstance(found, Plan)
    assert (found.source, found.aggregate, found.date, found.person) == ("orders", "sum", "signed_on", "person")
    assert (unparse(found.value), unparse(found.where)) == ("net_amount", "status == 'signed'")
    big = plan(POLICY, "big")
    assert isinstance(big, Plan)
    assert (big.aggregate, unparse(big.where)) == ("count", "net_amount >= 1000")
    share = plan(POLICY, "share")
    assert isinstance(share, Derived)
    assert list(share.inputs) == ["count_if(net_amount >= 1000)", "count()"]


@pytest.mark.parametrize(
    ("metric", "message", "hint"),
    [
        ('{name: A, type: amount, from: ordrs, value: "sum(x)", date: d}', "no fact table 'ordrs'", "'orders'"),
        ('{name: A, type: amount, from: orders, value: "sum(x)", date: d}', "'d' is not a date of orders", "signed_on"),
        (
            '{name: A, type: amount, from: orders, value: "sum(net_amont)", date: signed_on}',
            "'net_amont'",
            "net_amount",
        ),
        ('{name: A, type: ratio, from: orders, value: "sum(net_amount)", date: signed_on}', "a ratio is needed", ""),
        ('{name: A, type: count, value: "count()"}', "names no table", "from: orders"),
        ('{name: A, type: amount, from: orders, value: "sum(status)", date: signed_on}', "needs a number", ""),
        (
            '{name: A, type: count, from: orders, value: "count_retained(customer)", date: signed_on}',
            "window",
            "over=1y",
        ),
        ('{name: A, type: amount, value: "a + b"}', "it needs itself: a → a", ""),
        ('{name: A, type: amount, value: "b * 2"}', "it needs itself: a → b → a", ""),
    ],
)
def test_a_metric_that_cannot_be_planned_says_why_and_evaluates_to_missing(metric, message, hint):
    found = policy(f'metrics:\n  a: {metric}\n  b: {{name: B, type: amount, value: "a * 1"}}\n')
    with pytest.raises(PlanError) as error:
        plan(found, "a")
    assert message in str(error.value) and hint in error.value.hint
    line = evaluate(found, "a", rows_of, MARCH)
    assert line.missing and message in line.note


def test_the_caller_says_which_facts_there_are():
    narrow = Schema({"orders": replace(FACTS.facts["orders"], person=None)})
    found = plan(POLICY, "bookings", narrow)
    assert isinstance(found, Plan) and found.person is None
    deals = fact("deals", dates="won_on", money="size", numbers="seats", flag=Type.BOOL)
    assert deals.fields == {"won_on": Type.DATE, "size": Type.MONEY, "seats": Type.NUMBER, "flag": Type.BOOL}


def test_a_sample_is_what_the_ratios_divide_by_however_the_formula_is_written():
    ratio = "ratio(bookings, orders, empty=missing)"
    for formula, of_type, enough, least in (
        (f"min({ratio}, 5)", "amount", 3, 4),
        (f"{ratio} - 5", "amount", 3, 4),
        ("1 - ratio(largest, bookings, empty=missing)", "ratio", 2, 3),  # two records behind an amount
        ("bookings + largest", "amount", 3, 4),
    ):
        text = f'{METRICS}  x: {{name: X, type: {of_type}, value: "{formula}", min_sample: '
        found = [evaluate(policy(f"{text}{n}}}\n"), "x", rows_of, MARCH).value for n in (enough, least)]
        assert found[0] is not None and found[1] is None, formula


def test_a_duration_is_a_number_of_days(tmp_path):
    body = """
metrics:
  cycle: {name: C, type: duration, direction: down, from: orders, value: "mean(delivered_on - signed_on)",
    date: delivered_on}
goals: [{id: g, metric: cycle, period: month, target: {method: fixed, value: 30}}]
warnings: [{id: slow, severity: info, notify: [owner], when: "cycle > 4w"}]
"""
    rows = "id,person,signed_on,delivered_on\n1,lin,2025-12-01,2026-01-31\n2,lin,2026-01-01,2026-01-30"
    made = calc(tmp_path, body, people="id,name\nlin,L", orders=rows)
    (goal,) = [one for one in made["goals"] if one["person"]]
    assert (goal["target"], goal["actual"], goal["attainment"]) == ("30", "45", "0.666667")
    assert (goal["gap"], goal["pace"], goal["projection"]) == ("-15", None, None), "it does not come in day by day"
    assert [(one["value"], one["bound"]) for one in made["warnings"]] == [("45", "> 4w")]

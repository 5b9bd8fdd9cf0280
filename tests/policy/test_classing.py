"""Which class a customer is in, and when it leaves it; reckoned by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from xiaoguan.policy.classing import pareto, rated, scored

from .making import BOOKINGS, calc, policy

PARETO = """{id: v, of: customer, method: pareto, metric: bookings, window: 12m, shares: {A: 70%, B: 20%, C: 10%},
  hysteresis: 5%}"""
SCORE = """{id: s, of: customer, method: score, window: 24m, classes: {A: {from: 12}, B: {from: 8}, C: {from: 0}},
  hysteresis: 1,
  points: {recency_days: {0: 5, 31: 4, 366: 1}, orders: {1: 1, 2: 3, 4: 5}, spend: {0: 1, 5000: 3, 20000: 5}}}"""


def rule(text: str) -> Any:
    found = policy(f"{BOOKINGS}classification: [{text}]\n").classing
    assert found is not None
    return found


def classes(values: list[int], **before: str) -> str:
    """The classes of customers a, b, c, ... with these values."""
    found = pareto(rule(PARETO), dict(zip("abcdefgh", values, strict=False)), before)
    return "".join(found[key].name for key in sorted(found))


@pytest.mark.parametrize(
    ("values", "before", "wanted"),
    [
        ([60, 20, 15, 5], {}, "AABC"),  # they begin at 0, 60, 80 and 95 %
        ([5, 15, 20, 60], {}, "CBAA"),
        ([70, 20, 10], {}, "ABC"),  # whoever begins on a bound is below it
        ([40, 30, 15, 15], {}, "AABB"),  # equal values share the better class
        ([100, 0, -20], {}, "ACC"),
        ([0, 0], {}, ""),
        ([68, 20, 12], {"b": "B"}, "ABB"),  # 68 % is above 70 %, but not by five
        ([68, 20, 12], {"b": "A"}, "AAB"),
        ([65, 23, 12], {"b": "B"}, "AAB"),  # by five
        ([74, 16, 10], {"b": "A"}, "AAC"),  # 74 % is below 70 %, but not by five
        ([75, 15, 10], {"b": "A"}, "ABC"),
        ([96, 3, 1], {"b": "A", "c": "A"}, "ACC"),  # past both bounds by enough
        ([91, 5, 4], {"b": "A", "c": "C"}, "ABC"),  # past the first by enough, not past the second
    ],
)
def test_customers_are_put_in_order_of_what_they_bring(values: list[int], before: dict[str, str], wanted: str) -> None:
    assert classes(values, **before) == wanted


@pytest.mark.parametrize(
    ("recency", "orders", "spend", "before", "wanted"),
    [
        (0, 4, 200_000_000, "", ("A", 15)),
        (31, 2, 50_000_000, "", ("B", 10)),
        (None, 0, None, "", ("C", 0)),
        (40, 2, 200_000_000, "B", ("B", 12)),  # 12, and 13 are asked of whoever is in B
        (0, 2, 200_000_000, "B", ("A", 13)),
        (366, 4, 200_000_000, "A", ("B", 11)),
        (40, 2, 199_999_999, "A", ("B", 10)),
        (366, 2, 50_000_000, "B", ("C", 7)),
        (366, 2, 50_000_000, "A", ("C", 7)),
    ],
)
def test_points_are_added_up(recency: Any, orders: int, spend: Any, before: str, wanted: tuple[str, int]) -> None:
    found = scored(rule(SCORE), {"recency_days": recency, "orders": orders, "spend": spend}, before)
    assert (found.name, found.value) == wanted


RATED = """{id: w, of: customer, method: score, inputs: {need: 40%, buying_power: 60%}, scale: [0, 100], hysteresis: 3,
  classes: {A: {from: 75}, B: {from: 45}, C: {from: 0}}}"""


@pytest.mark.parametrize(
    ("need", "power", "before", "wanted"),
    [
        (75, 75, "", ("A", 75)),
        (100, 58, "", ("B", Fraction(374, 5))),
        (100, 58, "A", ("A", Fraction(374, 5))),  # below 75, and not by three
        (0, 74, "C", ("C", Fraction(222, 5))),
        (0, 80, "C", ("B", 48)),
    ],
)
def test_what_people_rated_is_weighed(need: int, power: int, before: str, wanted: tuple[str, Any]) -> None:
    found = rated(rule(RATED), {"need": need, "buying_power": power, "other": 9}, before)
    assert found is not None and (found.name, found.value) == wanted
    assert found.parts["need"] == (need, Fraction(2 * need, 5))


def test_what_is_not_rated_leaves_the_class(tmp_path: Path) -> None:
    assert rated(rule(RATED), {"need": 100}, "B") is None
    customers = "id,person,created_on,need,buying_power\na,lin,2025-01-01,90,80\nb,lin,2025-01-01,90,"
    customers += "\nc,lin,2025-01-01,10,20.5"
    body = f"{BOOKINGS}classification: [{RATED}]\n"
    found = calc(tmp_path, body, customers=customers, people="id,name\nlin,L")["classes"]
    assert [(one["customer"], one["class"], one["value"]) for one in found] == [
        ("a", "A", "84"),
        ("c", "C", "16.3"),
    ]


def test_only_one_rule_puts_customers_into_classes() -> None:
    unknown = "{id: u, of: customer, method: score, points: {age: {0: 1}}, classes: {A: {from: 0}}}"
    of = policy(f"{BOOKINGS}classification: [{unknown}, {RATED}, {PARETO}, {SCORE}]\n")
    assert of.classing is not None and of.classing.id == "w"
    assert [one.key for one in of.later] == ["classification u", "classification v", "classification s"]


def test_calc_gives_the_class_of_every_customer(tmp_path: Path) -> None:
    customers = "id,person,created_on,class\na,lin,2025-01-01,B\nb,,2025-01-01,\nc,lin,2025-01-01,"
    orders = """id,person,customer,net_amount,signed_on
1,lin,a,68,2026-01-10
2,lin,b,20,2025-03-11
3,lin,c,12,2025-03-12
4,lin,c,999,2024-03-12
5,lin,b,999,2026-02-01"""
    body = f"{BOOKINGS}classification: [{PARETO}]\nrecognition: [{{id: best, rank_by: bookings}}]\n"
    found = calc(tmp_path, body, customers=customers, orders=orders, people="id,name\nlin,林静\nzhou,周航")
    told = [(one["customer"], one["class"], one["value"], one["place"], one["held"]) for one in found["classes"]]
    assert told == [("a", "A", "68.00", "0", ""), ("b", "A", "20.00", "0.68", ""), ("c", "B", "12.00", "0.88", "")]
    assert found["honours"] == [{"rule": "best", "person": "lin", "period": "2026-01", "rank": 1, "value": "68.00"}]


def test_without_customers_it_is_said_that_nobody_has_a_class(tmp_path: Path) -> None:
    made = calc(tmp_path, f"{BOOKINGS}classification: [{PARETO}]\n", people="id\nlin")
    assert any("there is no customers.csv: nobody has a class" in one["message"] for one in made["issues"])

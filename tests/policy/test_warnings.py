"""Which warnings hold for whom, by which numbers; reckoned by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from xiaoguan.policy import Policy, RowsWorld, Who
from xiaoguan.policy.warnings import Asking, judged
from xiaoguan.policy.world import Book, Span

from .making import BOOKINGS, LIN, calc, order, policy

ZHOU = Who("zhou", "周航", "sales_rep")


def ruled(when: str, more: str = "") -> Policy:
    return policy(f'{BOOKINGS}warnings:\n  - {{id: w, name: 预警, when: "{when}", source: 第九条{more}}}\n')


def found(of: Policy, label: str = "2026-02", on: str = "", people: Any = (LIN, ZHOU), **goals: int) -> dict[str, Any]:
    """{person: True, False, or why it cannot be told} in a world of three orders."""
    rows = [
        order(3_000_000, "2026-01-10"),
        order(1_000_000, "2026-02-10", customer="a"),
        order(9_000_000, "2026-03-02"),
    ]
    world = RowsWorld(
        of,
        {"orders": [rows[0] | {"customer": "b"}, rows[1], rows[2] | {"person": "zhou", "customer": "a"}]},
        {("quota", person, "2026-Q1"): units for person, units in goals.items()},
        book=Book(people={who.key: who for who in people}),
    )
    period = of.calendar.parse(label)
    answers = judged(of, people, period, world, date.fromisoformat(on) if on else period.end)
    return {one.who.key: one.reason or one.holds for one in answers}


@pytest.mark.parametrize(
    ("when", "on", "wanted"),
    [
        ("attainment(quota, over=quarter) < 50%", "2026-02-11", {"lin": True, "zhou": "no goal"}),
        ("attainment(quota, over=quarter) < 50%", "2026-04-01", {"lin": True, "zhou": "no goal"}),
        ("attainment(quota, over=quarter) < 40%", "2026-02-11", {"lin": False, "zhou": "no goal"}),
        ("attainment(quota, over=quarter) < 40% or bookings == 0", "2026-02-11", {"lin": False, "zhou": True}),
        ("total(bookings, over=10d) == 100", "2026-02-11", {"lin": True, "zhou": False}),
        ("total(bookings, over=10d) == 100", "2026-02-21", {"lin": False, "zhou": False}),
        ("total(bookings, over=quarter, of=company) > 400", "2026-02-28", {"": False}),
        ("top_share(bookings, by=customer, over=1y, of=company) > 70%", "2026-02-28", {"": True}),
        ("change(bookings, over=quarter, of=company) == 400", "2026-02-28", {"": True}),  # as far as it has come
        ("streak(bookings > 0, 2)", "2026-02-20", {"lin": False, "zhou": False}),  # February is not over
        ("streak(bookings > 0, 2)", "2026-03-01", {"lin": True, "zhou": False}),
    ],
)
def test_whom_a_rule_concerns_and_whether_it_holds(when: str, on: str, wanted: dict[str, Any]) -> None:
    """林 has 300 on 10 January and 100 on 10 February, 周 900 in March; 林 is to reach 1 000 in the quarter."""
    got = found(ruled(when), on=on, lin=10_000_000)
    assert {key: "no goal" if isinstance(one, str) else one for key, one in got.items()} == wanted


def test_a_team_is_asked_once_and_only_while_somebody_is_in_it() -> None:
    north = Who("lin", "林静", spans=(Span(date(2026, 1, 1), date(2026, 2, 1), "", "north"),))
    rule = ruled("total(bookings, over=quarter, of=team) > 0")
    assert found(rule, "2026-01", people=(north, ZHOU)) == {"team:north": True}
    assert found(rule, "2026-02", people=(north, ZHOU)) == {}


def test_what_decided_is_told_with_its_bound_and_opens_to_its_numbers() -> None:
    rule = ruled("bookings > 500 or (attainment(quota, over=quarter) < 50% and elapsed(quarter) > 1%)")
    period = rule.calendar.parse("2026-02")
    world = RowsWorld(rule, {"orders": [order(1_000_000, "2026-02-10")]}, {("quota", "lin", "2026-Q1"): 10_000_000})
    (one,) = judged(rule, [LIN], period, world)
    assert [(part.text, part.note) for part in one.line.parts] == [("10%", "< 50%"), ("65.625%", "> 1%")]
    assert one.line.source == "test 1.0.0, 第九条"
    assert [record.id for part in one.line.parts[0].parts for record in part.records] == ["SO-1"]


def test_groups_are_covered_by_their_own_deals_and_what_names_nothing_is_no_largest(tmp_path: Path) -> None:
    body = f"""{BOOKINGS}warnings:
  - {{id: team, severity: info, notify: [owner], when: "coverage(quota, over=quarter, of=team) < 2"}}
  - {{id: all, severity: info, notify: [owner], when: "coverage(quota, over=quarter, of=company) < 2"}}
  - {{id: top, severity: info, notify: [owner], when: "top_share(bookings, by=customer, of=team) < 100%"}}
"""
    made = calc(
        tmp_path,
        body,
        people="id,name,team\nlin,L,east\nzhou,Z,east\nwu,W,west",
        orders="id,person,signed_on,net_amount,customer\n1,lin,2026-01-05,100,c\n2,zhou,2026-01-06,300,",
        goals="goal,team,period,value\nquota,east,2026-Q1,600\nquota,,2026-Q1,1000",
        opportunities="id,person,closes_on,amount,currency\n1,lin,2026-02-01,50,\n2,zhou,2026-02-01,150,\n"
        "3,wu,2026-03-01,70,USD",
    )
    told = {(one["rule"], one["team"]): one["value"] or one["reason"] for one in made["warnings"]}
    assert told["team", "east"] == "1" and told["top", "east"] == "0.25", "200 of 200 left; 100 of 400 name a customer"
    assert "no rate of USD" in told["all", ""]


def test_a_goal_of_every_day_is_each_persons_on_the_days_there(tmp_path: Path) -> None:
    body = BOOKINGS + "  - {id: d, metric: bookings, period: day, target: {method: fixed, value: 10}}\n"
    made = calc(tmp_path, body, people="id,name,team,hired_on\nlin,L,east,2025-01-01\nzhou,Z,east,2026-01-22")
    targets = {one["person"] or one["team"]: one["target"] for one in made["goals"] if one["goal"] == "d"}
    assert targets == {"lin": "310.00", "zhou": "100.00", "east": "410.00", "": "410.00"}


def test_rules_about_customers_and_deals_are_asked_of_what_is_known_of_them() -> None:
    asking = Asking(ruled("days_since_follow_up > 3 * days_owned and customer.class in ['A', 'B']"))
    (rule, level), lin = asking.rules[0], Who("7", "海天")
    assert (level, asking.names) == ("customer", {"days_since_follow_up", "days_owned", "customer.class"})
    known = {"days_since_follow_up": 10, "days_owned": 3, "customer.class": "A"}
    told = asking.judge(rule, known, lin)
    assert told.holds and [(part.text, part.note) for part in told.line.parts] == [("10", "> 9"), ("A", "in 'A', 'B'")]
    assert not asking.judge(rule, known | {"days_owned": 4}, lin).holds
    assert not asking.holds(rule, {"days_owned": 3, "customer.class": "A"}), "what is missing is no reason"
    assert Asking(ruled("stage_days > 2 * stage_limit")).rules[0][1] == "deal"


def test_calc_lists_what_holds_and_what_cannot_be_told(tmp_path: Path) -> None:
    rules = """warnings:
  - {id: low, name: 过低, when: "bookings < 500", severity: critical}
  - {id: behind, when: "attainment(quota, over=quarter) < 50%"}
  - {id: all, when: "total(bookings, of=company) > 1"}
"""
    orders = """id,person,net_amount,signed_on
1,lin,400,2026-01-10
2,zhou,900,2026-01-11"""
    people = """id,name
lin,林静
zhou,周航"""
    found = calc(tmp_path, BOOKINGS + rules, orders=orders, people=people)["warnings"]
    told = [(one["rule"], one["person"], one["holds"], one["value"], one["bound"]) for one in found]
    behind = [("behind", key, None, None, "") for key in ("lin", "zhou")]
    assert told == [("low", "lin", True, "400.00", "< 500"), *behind, ("all", "", True, "1300.00", "> 1")]
    assert "no goal" in found[1]["reason"] and found[0]["decided"][0]["records"][0]["id"] == "1"


def test_a_rule_that_reads_what_is_not_known_is_said_not_to_be_carried_out() -> None:
    later = [one.key for one in ruled("customer.favourite == 'x'").later]
    assert later == ["warning w"] and not ruled("bookings > 0").later
    assert not ruled("abs(forecast_bias(lead=4w)) > 15%").later


STAGES = """process:
  {id: s, stages: [{id: talk, name: T, limit: 5wd}, {id: quote, name: Q}, {id: won, name: W, closes: won}]}
warnings:
  - {id: stuck, name: 停滞, when: "stage_days > 2 * stage_limit and customer.class == 'A'"}
"""


def test_deals_of_a_past_day_are_judged_by_their_stage_of_then(tmp_path: Path) -> None:
    files = {
        "people": "id,name\nlin,林静\nwang,王磊",
        "customers": "id,person,created_on,class\nc,lin,2025-01-01,A\nd,lin,2025-01-01,B\ne,,2025-01-01,A",
        "opportunities": "id,label,person,customer,created_on,closed_on,result\n"
        "1,久停,wang,c,2026-01-01,,\n2,新,wang,c,2026-01-20,,\n3,别的,lin,d,2026-01-01,,\n"
        "4,已结,lin,c,2026-01-01,2026-01-25,lost\n5,公海,lin,e,2026-01-01,,",
        "stages": "opportunity,stage,entered_on,left_on\n1,talk,2026-01-10,2026-02-10\n1,quote,2026-02-10,\n"
        "2,talk,2026-01-20,\n3,talk,2026-01-01,\n4,talk,2026-01-01,\n5,talk,2026-01-01,",
    }
    found = calc(tmp_path, BOOKINGS + STAGES, **files)["warnings"]
    told = [(one["deal"], one["customer"], one["person"], one["value"], one["bound"]) for one in found]
    assert told == [("1", "", "wang", "22", "> 14")], "five working days are a week"
    (tmp_path / "stages.csv").unlink()
    del files["stages"]
    (unknown,) = calc(tmp_path, BOOKINGS + STAGES, **files)["warnings"]
    assert unknown["holds"] is None and unknown["reason"] == "the stages of past days are not kept"

"""Forecasts: kept on the declared day and never rewritten, seen by whom they concern, measured against what came."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest
from django.utils import timezone

from xiaoguan.customers.models import Customer
from xiaoguan.desk.jobs import Job, Running
from xiaoguan.goals.models import GoalTarget
from xiaoguan.insight import forecast_pages
from xiaoguan.insight.forecasts import View, keep_forecasts, ruled
from xiaoguan.insight.models import ForecastSnapshot
from xiaoguan.policy import Who
from xiaoguan.policy.document import Expression
from xiaoguan.policy.formula import parse
from xiaoguan.policy.inputs import Inputs
from xiaoguan.policy.warnings import judge
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import adopt, document_of
from xiaoguan.rulebook.world import DatabaseWorld
from xiaoguan.sales.models import Opportunity, Order

POLICY = """
policy:
  {schema: sales-policy/1, id: shop, name: 销售制度, version: 1.0.0, effective: {from: 2026-01-01}, currency: CNY,
    timezone: Asia/Shanghai, scope: {roles: [sales_rep]}}
metrics:
  bookings: {name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
goals:
  - {id: quota, name: 签约任务, metric: bookings, period: month, target: {method: assigned}}
process:
  id: s
  stages:
    - {id: talk, name: 洽谈, probability: 25%, category: pipeline}
    - {id: sign, name: 签约, probability: 80%, category: commit}
    - {id: won, name: 赢单, probability: 100%, closes: won}
forecast:
  methods: [category, weighted_stage, stage_conversion, time_series]
  snapshot: {every: week, at: monday}
  accuracy: {wape: {max: 20%, lead: 2w}, brier: {max: 0.2}}
"""
WARNING = """
warnings:
  - {id: bias, name: 预测偏差, when: "forecast_bias(lead=2w) > 15%", notify: [manager]}
"""


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(day: str) -> int:
        moment = timezone.make_aware(datetime.fromisoformat(f"{day} 00:40"))
        monkeypatch.setattr(timezone, "now", lambda: moment)
        keep_forecasts(Running(Job.objects.create(kind="x", title="x", batch="b", worker="w", state="running"), "w"))
        return ForecastSnapshot.objects.count()

    return run


def deal(owner: Any, title: str, stage: str, amount: int, closes: str, **more: Any) -> Opportunity:
    customer = Customer.objects.create(name=title, owner=owner)
    one = Opportunity(
        title=title, customer=customer, owner=owner, stage=stage, currency="CNY", closes_on=closes, **more
    )
    one.amount_units, one.opened_on, one.stage_since = amount * 10_000, date(2026, 3, 1), date(2026, 3, 1)
    one.save()
    return one


@pytest.fixture
def deals(cast: Any, night: Any) -> dict[str, Opportunity]:
    """Before the second Monday of March: a goal of 1,000 for 林静, three deals of hers, one of 王磊."""
    night("2026-03-02")
    adopt(POLICY)
    goal = GoalTarget(goal="quota", person=cast.linjing, starts_on=date(2026, 3, 1), ends_on=date(2026, 4, 1))
    goal.value, goal.currency = 1000, "CNY"
    goal.save()
    return {
        "big": deal(cast.linjing, "大单", "sign", 1000, "2026-03-20"),
        "said": deal(cast.linjing, "看好", "talk", 200, "2026-03-25", category="best_case"),
        "late": deal(cast.linjing, "四月", "talk", 400, "2026-04-10"),
        "other": deal(cast.wanglei, "北方", "talk", 300, "2026-03-30"),
    }


def of(whose: str, **more: Any) -> ForecastSnapshot:
    return ForecastSnapshot.objects.get(whose=whose, label="2026-03", **more)


def test_a_forecast_is_kept_once_and_stays(cast: Any, deals: Any, night: Any) -> None:
    """Company, two teams, two people; this month and the next."""
    assert night("2026-03-09") == night("2026-03-09") == night("2026-03-15") == 10
    lin = of(f"person:{cast.linjing.pk}")
    assert (lin.quota_units, lin.actual_units, lin.commit_units) == (1000_0000, 0, 1000_0000)
    assert (lin.best_case_units, lin.weighted_units) == (200_0000, 850_0000)
    assert lin.methods["weighted_stage"][3] == pytest.approx(0.8), "only the large deal reaches the goal"
    assert lin.methods["stage_conversion"][4].startswith("only 0 closed deals")
    assert of("company").weighted_units == 925_0000 and of(f"team:{cast.teams['north'].pk}").weighted_units == 75_0000
    deals["big"].win(date(2026, 3, 12), 900_0000)
    deals["said"].closes_on = date(2026, 4, 2)
    deals["said"].save()
    assert night("2026-03-17") == 20, "the day was missed, so the next night keeps it"
    assert of(f"person:{cast.linjing.pk}", taken_on="2026-03-09").weighted_units == 850_0000
    assert of(f"person:{cast.linjing.pk}", taken_on="2026-03-17").weighted_units == 900_0000


def test_who_sees_a_forecast(cast: Any, deals: Any, night: Any, client_of: Any) -> None:
    cast.teams["east"].leader = cast.chenmin
    cast.teams["east"].save()
    night("2026-03-09")
    night("2026-03-10")
    seen = {
        name: [row["name"] for row in client_of(name).get("/api/forecast").json()["rows"]]
        for name in ("linjing", "chenmin", "wanglei", "sunzong", "zhaoyue")
    }
    assert seen["sunzong"][1:] == ["华东", "林静", "华北", "王磊"]
    assert (seen["linjing"], seen["chenmin"], seen["zhaoyue"]) == (["林静"], ["华东", "林静"], [])
    today = {name: client_of(name).get("/").content.decode() for name in ("linjing", "wanglei")}
    assert ["whose=person" in text for text in today.values()] == [True, False], "only beside a goal of one's own"
    kept = {name: client_of(name).get("/api/kept-forecasts").json() for name in ("linjing", "chenmin", "zhaoyue")}
    assert [len(one["items"]) for one in kept.values()] == [2, 4, 0] and "大单" not in str(kept)
    east = of(f"team:{cast.teams['east'].pk}", taken_on="2026-03-09").pk
    why = {name: client_of(name).get(f"/api/kept-forecasts/{east}/why") for name in ("chenmin", "linjing")}
    assert why["linjing"].status_code == 404
    told = why["chenmin"].json()
    assert (told["deals"][0]["title"], told["deals"][0]["chance"]) == ("大单", "0.800000")
    assert (told["methods"]["weighted_stage"]["value"], told["hidden"]) == ("850.00", 0)
    kept_page = client_of("chenmin").get(f"/kept-forecasts/{east}").content.decode()
    assert "大单" in kept_page and "850" in kept_page
    page = client_of("chenmin").get("/forecast/").content.decode()
    assert "大单" in page and "北方" not in page and "王磊" not in page
    assert client_of("linjing").get(f"/forecast/?whose=person:{cast.wanglei.pk}").status_code == 404
    assert "大单" in client_of("linjing").get("/forecast/?show=commit").content.decode()
    assert "大单" not in client_of("linjing").get("/forecast/?show=best_case").content.decode()


def test_what_moved_adds_up_to_the_change(cast: Any, deals: Any, night: Any, client_of: Any) -> None:
    night("2026-03-09")
    deals["big"].win(date(2026, 3, 11), 900_0000)
    deals["said"].closes_on = date(2026, 4, 2)
    deals["said"].save()
    deals["other"].lose("price")
    deal(cast.linjing, "新单", "talk", 80, "2026-03-31")
    night("2026-03-12")
    found = ruled(date(2026, 3, 12))
    assert found is not None
    view = View(*found, date(2026, 3, 12))
    rows = list(view.rows(view.periods[0]))
    before = of("company")
    moves = forecast_pages.moves(forecast_pages.people_of(before), [r for r in rows if r.person_id], before)
    assert {(m.kind, m.effect) for m in moves} == {
        ("won", 100_0000), ("out", -50_0000), ("lost", -75_0000), ("new", 20_0000)
    }  # fmt: skip
    assert rows[0].weighted_units - before.weighted_units == sum(m.effect for m in moves)


def test_accuracy_is_told_by_what_was_kept(cast: Any, deals: Any, night: Any, client_of: Any) -> None:
    night("2026-03-09")
    deals["big"].win(date(2026, 3, 11), 900_0000)
    night("2026-03-30")
    night("2026-04-06")
    Order.objects.update(net_amount=800_0000)
    told = client_of("linjing").get("/api/forecast").json()["accuracy"]
    assert {one["method"]: one["bias"] for one in told}["category"] == "0.250000", "1,000 was said, 800 came"
    page = client_of("linjing").get("/forecast/").content.decode()
    assert "25%" in page and "0.051" in page, "of two deals, 0.2 and 0.25 off"


def test_the_policy_warns_of_people_who_promise_too_much(cast: Any, deals: Any, night: Any) -> None:
    night("2026-03-16")
    deals["big"].win(date(2026, 3, 18), 800_0000)
    night("2026-04-01")
    policy = document_of(adopt(POLICY.replace("1.0.0", "1.1.0").replace("2026-01-01", "2026-04-01") + WARNING)[0])
    world = DatabaseWorld(policy, paying=False)
    found = {
        key: judge(policy.warnings[0], Inputs(policy, Who(key, ""), policy.calendar.parse("2026-04"), world))
        for key in (str(cast.linjing.pk), str(cast.wanglei.pk))
    }
    lin, wang = found.values()
    assert (lin.holds, lin.line.parts[0].text, wang.holds) == (True, "25%", None), "wang promised nothing, nothing came"


def test_of_very_many_deals_what_was_kept_is_shown(
    cast: Any, deals: Any, night: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    night("2026-03-09")
    deals["big"].lose("price")
    monkeypatch.setattr(forecast_pages, "LIVE", 2)
    rows = {name: client_of(name).get("/api/forecast").json()["rows"][0]["commit"] for name in ("sunzong", "linjing")}
    assert rows == {"sunzong": "1000.00", "linjing": "0.00"}, "she has two left, which are worked out"
    assert "大单" in client_of("sunzong").get("/forecast/").content.decode()


def test_what_covers_a_goal_are_the_deals_that_were_open_then(cast: Any, deals: Any, night: Any) -> None:
    policy = document_of(PolicyVersion.objects.get())
    deals["said"].lose("price")
    march = policy.calendar.parse("2026-03")

    def covered(day: str) -> Any:
        who, world = Who(str(cast.linjing.pk), ""), DatabaseWorld(policy, paying=False)
        inputs = Inputs(policy, who, march, world, date.fromisoformat(day))
        return inputs.find(Expression("coverage(quota)", parse("coverage(quota)")), None).value

    assert (covered("2026-03-02"), covered("2026-03-10")) == (Fraction(6, 5), 1), "lost on the second, open before"

"""Forecasts: each method, the chance of a goal, what past deals teach, and how good it was."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from xiaoguan.base.money import SCALE
from xiaoguan.policy import Policy, RowsWorld, Who, check, load_text
from xiaoguan.policy.document import Expression
from xiaoguan.policy.folder import read_folder
from xiaoguan.policy.forecast import (
    Deal,
    Experience,
    Forecaster,
    Foreseen,
    Kept,
    Owned,
    Stay,
    Sums,
    at_lead,
    kinds_of,
    measured,
    periods_of,
)
from xiaoguan.policy.formula import Duration, parse
from xiaoguan.policy.inputs import Found, Inputs
from xiaoguan.policy.reckon import reckon
from xiaoguan.policy.series import foretell
from xiaoguan.policy.statistics import chance_of
from xiaoguan.policy.world import Book

POLICY = """
policy:
  {schema: sales-policy/1, id: p, name: 制度, version: 1.0.0, effective: {from: 2026-01-01}, currency: CNY,
    timezone: Asia/Shanghai}
calendar: {working_days: {holidays: none}}
metrics:
  visits: {name: 拜访, type: count, from: activities, value: "count()", date: done_on}
  bookings: {name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
goals:
  - {id: visits_month, metric: visits, period: month, target: {method: fixed, value: 20}}
  - {id: year, metric: bookings, period: year, target: {method: fixed, value: 1000},
     allocate: [{by: quarter, method: even}, {by: month, method: even}]}
process:
  id: s
  stages:
    - {id: talk, name: 洽谈, probability: 25%, category: pipeline}
    - {id: quote, name: 报价, probability: 50%, category: best_case}
    - {id: sign, name: 签约, probability: 90%, category: commit}
    - {id: won, name: 赢单, probability: 100%, closes: won}
forecast:
  methods: [category, weighted_stage, stage_conversion, time_series]
  accuracy: {min_deals: 12}
"""
DAY = date(2026, 3, 12)


@pytest.fixture
def policy() -> Policy:
    found, issues = load_text(POLICY)
    assert found is not None, issues
    return found


def deal(amount: int, stage: str, closes: str = "2026-03-20", days: int = 0) -> Deal:
    category = {"talk": "pipeline", "quote": "best_case", "sign": "commit"}[stage]
    return Deal(f"{stage}{amount}", stage, "1", amount * SCALE, stage, category, date.fromisoformat(closes), days)


def forecaster(policy: Policy, label: str = "2026-03", experience: Experience | None = None) -> Forecaster:
    return Forecaster(policy, policy.calendar.parse(label), DAY, experience)


def test_what_people_say_and_what_the_stages_weigh(policy: Policy) -> None:
    assert kinds_of(policy) == ("month", "quarter")
    plain = "allocate: [{by: quarter, method: even}, {by: month, method: even}]"
    daily = load_text(POLICY.replace("bookings, period: year", "bookings, period: day").replace(plain, "source: x"))[0]
    assert daily is not None and kinds_of(daily) == ("month",), "nobody forecasts a day"
    assert [one.label for one in periods_of(policy, DAY)] == ["2026-03", "2026-04", "2026-Q1", "2026-Q2"]
    deals = [deal(100, "sign"), deal(200, "quote", "2026-03-01"), deal(400, "talk", "2026-04-01")]
    owned = Owned(50 * SCALE, 250 * SCALE, deals)
    now, later = forecaster(policy), forecaster(policy, "2026-04")
    assert now.by("category", owned) == Foreseen(150 * SCALE, 50 * SCALE, 350 * SCALE)
    found = now.by("weighted_stage", owned)
    assert found.value == (50 + 90 + 100) * SCALE, (
        "whose day has passed is still expected now, what is due later is not"
    )
    assert found.chance == pytest.approx(0.5), "only with the deal of 200 the goal is reached"
    assert later.by("weighted_stage", Owned(0, None, deals)) == Foreseen(100 * SCALE, 0, 400 * SCALE)
    assert now.by("stage_conversion", owned).note == "only 0 closed deals, fewer than the 12 it takes"


def test_the_chance_is_the_poisson_binomial_of_amounts(policy: Policy) -> None:
    exact = [(7_0000, Fraction(1, 3)), (5_0000, Fraction(1, 2)), (11_0000, Fraction(9, 10)), (5_0000, Fraction(1, 7))]
    sums = Sums.of([(amount, float(chance)) for amount, chance in exact])
    assert sum(sums.mass) == pytest.approx(1)
    for least in (1, 5_0000, 12_0000, 16_0001, 28_0000, 28_0001):
        assert sums.reaching(least) == pytest.approx(float(chance_of(least, exact)))
    many = [(amount * 10_000 + 37, 0.3) for amount in range(1, 401)]
    near, normal = Sums.of(many), Sums.of([*many, *[(1, 0.5)] * 101])
    assert near.reaching(250_000_000) == pytest.approx(normal.reaching(250_000_000), abs=0.01)
    assert 0.2 < near.reaching(250_000_000) < 0.5
    assert abs(near.at(0.9) - normal.at(0.9)) < 2_000_000


def test_past_deals_teach_stage_age_and_time(policy: Policy) -> None:
    """Twelve quotes: four won after 10 days, four after 40, four lost after 20."""
    start = date(2025, 6, 1)
    fates = [(10, True)] * 4 + [(40, True)] * 4 + [(20, False)] * 4
    stays = [
        Stay(str(n), "quote", start, end, end if won else None, end)
        for n, (end, won) in enumerate((start + timedelta(days=days), won) for days, won in fates)
    ]
    known = Experience.of(stays, DAY)
    assert known.deals == 12 and known.chance("talk", 0, 90) is None
    assert known.chance("quote", 0, 15) == Fraction(4, 12) and known.chance("quote", 0, 60) == Fraction(8, 12)
    assert known.chance("quote", 30, 60) == Fraction(8, 12), "only four were there so long: too few, so all of them"
    assert Experience.of(stays * 3, DAY).chance("quote", 15, 30) == Fraction(4, 8), "those won before are no cases"
    young = Experience.of([Stay("x", "quote", DAY - timedelta(days=5), None, None, None)] * 20, DAY)
    assert young.chance("quote", 0, 15) is None, "nobody knows yet what becomes of them"
    won = DAY - timedelta(days=3)
    quick = Experience.of([Stay("x", "quote", DAY - timedelta(days=5), won, won, won)] * 20, DAY)
    assert quick.chance("quote", 0, 15) is None, "those that came quickly say nothing of the others"
    assert quick.chance("quote", 0, 4) == 1
    owned = Owned(0, None, [deal(120, "quote", "2027-01-01")])
    assert forecaster(policy, "2026-03", known).by("stage_conversion", owned).value == 40 * SCALE
    april = forecaster(policy, "2026-04", known).by("stage_conversion", owned)
    assert april.value == 40 * SCALE, "what was won within 50 days less what was within 20"


def test_a_series_is_foretold_by_what_came_nearer() -> None:
    seasonal = foretell([90, 120, 100, 200] * 3, 4)
    assert seasonal is not None and (seasonal.method, seasonal.value, seasonal.error) == ("seasonal_naive", 90, 0)
    trending = foretell([10 * i + (20 if i % 4 == 3 else 0) for i in range(24)], 4)
    assert trending is not None and trending.method == "holt_winters" and trending.value == pytest.approx(240, abs=3)
    assert trending.error is not None and trending.naive is not None and trending.error < trending.naive
    flat = foretell([100, 104, 96, 101], 12)
    assert flat is not None and flat.method == "smoothing" and flat.value == pytest.approx(100, abs=2)
    assert foretell([5, 6], 12) is None


def test_a_series_leaves_what_is_still_to_come(policy: Policy) -> None:
    found = forecaster(policy).by("time_series", Owned(30 * SCALE, None, (), [220 * SCALE] * 14))
    assert found.value == (30 + 220 * 14 // 22) * SCALE, "14 of the 22 working days of March are left"


def test_how_good_it_was_is_told_at_one_lead(policy: Policy) -> None:
    march = policy.calendar.parse("2026-03")
    kept = [Kept(march, date(2026, 3, day), {}) for day in (1, 3, 4, 20)]
    assert at_lead(kept, Duration(4, "w"))[march].taken_on == date(2026, 3, 4)
    assert at_lead(kept, Duration(5, "w")) == {}
    found = measured([(100, Foreseen(90, 80, 110)), (200, Foreseen(210, 220, 230)), (150, Foreseen(140))])
    assert (found.wape, found.bias, found.inside) == (Fraction(30, 450), Fraction(-10, 450), (1, 2))
    assert measured([(0, Foreseen(10))]).wape is None
    against = measured([(100, Foreseen(90)), (200, Foreseen(210)), (150, Foreseen(None))], [80, None, 10])
    assert against.mase == Fraction(10, 20), "only where both are known"


def test_the_bias_of_kept_forecasts_is_told_by_person_team_and_company(policy: Policy) -> None:
    orders = [
        {"id": day, "person": "lin", "signed_on": date.fromisoformat(day), "net_amount": 100 * SCALE, "currency": "CNY"}
        for day in ("2026-01-20", "2026-02-20", "2026-03-02")
    ]
    months = [policy.calendar.parse(f"2026-0{n}") for n in (1, 2, 3)]
    quarter = Kept(policy.calendar.parse("2026-Q1"), date(2026, 1, 1), {"category": Foreseen(9_000 * SCALE)})
    kept = [
        Kept(month, month.start, {"category": Foreseen(130 * SCALE), "time_series": Foreseen(None)}) for month in months
    ]
    world = RowsWorld(policy, {"orders": orders}, book=Book(forecasts={"lin": [*kept, quarter], "": kept[:1]}))
    march = months[2]
    lin = Inputs(policy, Who("lin", "林静"), march, world, DAY)
    found = value_of_(lin, "forecast_bias(lead=3w)")
    assert found.value == Fraction(60, 200), "March is not over, and the quarter is no month"
    assert [part.note for part in found.parts[0].parts] == [f"kept on 2026-0{n}-01, 100.00 came" for n in (1, 2)]
    assert value_of_(lin, "forecast_bias(lead=3w, over=1m)").value == Fraction(3, 10)
    assert value_of_(lin, "forecast_bias(lead=3w, of=company)").value == Fraction(3, 10)
    assert "no forecast by category was kept 5w" in value_of_(lin, "forecast_bias(lead=5w)").reason
    assert "no forecast by time_series" in value_of_(lin, "forecast_bias(lead=3w, method=time_series)").reason


def value_of_(inputs: Inputs, text: str) -> Found:
    return inputs.find(Expression(text, parse(text)), None)


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ('warnings: [{id: w, when: "forecast_bias(lead=4w, method=time_series) > 10%"}]', ""),
        ('warnings: [{id: w, when: "forecast_bias(leed=4w) > 10%"}]', "no argument 'leed'"),
        ('warnings: [{id: w, when: "forecast_bias(method=guess) > 10%"}]', "does not forecast by 'guess'"),
        ('recognition: [{id: r, rank_by: "forecast_bias(lead=4w)"}]', ""),
        ('recognition: [{id: r, rank_by: "forecast_bias(method=time_series)"}]', "judges nobody"),
    ],
)
def test_estimates_warn_and_neither_judge_nor_pay(rules: str, problem: str) -> None:
    found, _issues = load_text(f"{POLICY}  snapshot: {{every: week}}\n{rules}\n")
    assert found is not None
    told = [issue.message for issue in check(found) if "forecast" in issue.message]
    assert len(told) == bool(problem) and problem in "".join(told)
    unkept, _issues = load_text(f"{POLICY}{rules}\n")
    assert unkept is not None and any("nobody keeps" in issue.message for issue in check(unkept))


def test_calc_forecasts_as_of_a_day_and_reads_what_was_kept(tmp_path: Path) -> None:
    files = {
        "people": "id,name,team\nlin,林静,east\nwang,王磊,north",
        "goals": "goal,person,period,value\nyear,lin,2026-03,1000",
        "orders": "id,person,signed_on,net_amount\n1,lin,2026-03-05,300\n2,lin,2026-03-20,50\n3,lin,2026-02-05,100",
        "opportunities": "id,person,stage,amount,created_on,closes_on,closed_on,result,category\n"
        "a,lin,sign,500,2026-03-01,2026-03-25,,,\n"
        "b,lin,talk,400,2026-03-01,2026-03-25,2026-03-15,lost,best_case\n"
        "c,wang,quote,80,2026-03-12,2026-03-30,,open,\n"
        "d,wang,quote,60,2026-03-01,2026-03-02,2026-03-03,won,",
        "forecasts": "person,team,period,taken_on,method,value\nlin,,2026-02,2026-02-01,category,150\n"
        ",,2026-02,2026-02-01,category,80",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text)
    rules = 'warnings: [{id: w, when: "abs(forecast_bias(lead=3w, over=3m)) > 10%"}]'
    found, _issues = load_text(f"{POLICY}  snapshot: {{every: week}}\n{rules}\n")
    assert found is not None
    march = found.calendar.parse("2026-03")
    made = reckon(found, read_folder(found, tmp_path), march, as_of=DAY)
    rows = {one["person"] or one["team"]: one for one in made["forecasts"]}
    assert list(rows) == ["", "east", "north", "lin"], "wang's deal is of the day, and the other one was closed"
    lin = rows["lin"]
    assert (lin["goal"], lin["actual"], lin["commit"], lin["best_case"]) == ("1000.00", "300.00", "500.00", "400.00")
    assert (lin["methods"]["weighted_stage"]["value"], lin["methods"]["weighted_stage"]["chance"]) == (
        "850.00",
        "0.2250",
    )
    assert rows[""]["goal"] == "1000.00" and lin["methods"]["stage_conversion"]["value"] is None
    told = [(one["person"], one["value"]) for one in made["warnings"] if one["holds"]]
    assert told == [("lin", "0.5")]
    assert reckon(found, read_folder(found, tmp_path), march)["forecasts"] == [], "when all has come"

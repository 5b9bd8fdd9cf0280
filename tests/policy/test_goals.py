"""目标: targets, shares, parts that add up, presence, attainment and pace."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoguan.base.explain import Line
from xiaoguan.base.periods import Calendar
from xiaoguan.policy import (
    attainment,
    decompose,
    load,
    pace,
    person_quota,
    proration,
    ramp,
    shares,
    step_shares,
    target,
)
from xiaoguan.policy.document.measures import Proration
from xiaoguan.policy.goals import expected, months_served, months_since, reached, season_index

from .making import ROOT, policy

CALENDAR = Calendar(holidays="cn")
SMALL, _ = load(ROOT / "policies" / "small-company.yaml")
assert SMALL is not None
GOAL = SMALL.goals[0]
QUARTERS = {label: CALENDAR.parse(f"2026-{label}") for label in ("Q1", "Q2", "Q3", "Q4")}


def money(value, name="bookings"):
    return Line(name, name, value, "money:CNY")


def test_a_growth_target_stands_on_its_base_and_is_rounded_to_the_unit():
    line = target(SMALL, GOAL, money(1_234_567_0000))
    assert (line.value, line.unit) == (1_481_000_0000, "money:CNY")  # 1 481 480.40, in thousands
    assert line.formula == "1,234,567.00 × (1 + 20%), to the rounding unit"
    assert "not known" in target(SMALL, GOAL).note
    assert target(SMALL, SMALL.goals[1]).value == 50


def test_an_assigned_target_comes_from_records():
    found = policy()
    assert target(found, found.goals[0]).note == "assigned person by person"


def test_history_gives_a_newcomer_the_median_of_the_peers():
    values = {"history": {"a": 100, "b": 300, "c": 200}}
    assert shares("history", ["a", "b", "c", "new"], values=values) == [
        Fraction(100, 800),
        Fraction(300, 800),
        Fraction(200, 800),
        Fraction(200, 800),
    ]


def test_mixed_methods_mix_shares_and_not_values():
    values = {"history": {"a": 1_000_000, "b": 3_000_000}}
    mixed = shares("weighted", ["a", "b"], values=values, weights={"history": Fraction(3, 5), "even": Fraction(2, 5)})
    assert mixed == [Fraction(7, 20), Fraction(13, 20)]
    assert shares("potential", ["a", "b"], values={"size": {"a": 1, "b": 3}}, weights={"size": 1}) == [
        Fraction(1, 4),
        Fraction(3, 4),
    ]
    with pytest.raises(ValueError, match="not to 100%"):
        shares("weighted", ["a"], values=values, weights={"history": Fraction(1, 2)})


def test_shares_by_the_calendar():
    weeks = shares("weeks", list(QUARTERS), periods=QUARTERS)
    assert weeks == [Fraction(days, 365) for days in (90, 91, 92, 92)]
    days = shares("working_days", list(QUARTERS), periods=QUARTERS, calendar=CALENDAR)
    assert sum(days) == 1
    assert shares("capacity", ["a", "b"], values={"capacity": {"a": 100, "b": 50}}) == [Fraction(2, 3), Fraction(1, 3)]


def test_a_step_falls_back_where_there_is_no_history():
    assert step_shares(GOAL.allocate[0], list(QUARTERS)) == [Fraction(1, 4)] * 4
    with pytest.raises(ValueError, match="nothing to share by"):
        shares("history", ["a"])


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(any),
    st.sampled_from([1, 10_000_000]),
)
def test_a_decomposition_adds_up_and_grows_with_the_weight(thousands, weights, unit):
    keys = [f"p{i}" for i in range(len(weights))]
    parts = decompose(GOAL, thousands * unit, keys, weights, unit)
    assert list(parts) == keys and sum(parts.values()) == thousands * unit
    assert all(part % unit == 0 for part in parts.values())
    ranked = sorted(zip(weights, parts.values(), strict=True))
    assert all(a <= b for (w, a), (v, b) in pairwise(ranked) if w < v)


def test_over_assignment_multiplies_at_its_own_level():
    found = policy(
        "goals: [{id: g, metric: m, period: year, target: {method: assigned}, over_assignment: {team: 1.05}}]\n"
    )
    assert decompose(found.goals[0], 100, ["a", "b"], [1, 1], level="team") == {"a": 53, "b": 52}
    assert decompose(found.goals[0], 100, ["a", "b"], [1, 1], level="quarter") == {"a": 50, "b": 50}


def test_a_new_person_ramps_up_and_carries_the_days_that_are_left():
    assert [ramp(GOAL, month) for month in range(5)] == [0, Fraction(1, 2), 1, 1, 1]
    assert months_since(date(2025, 11, 20), date(2026, 2, 1)) == 3
    assert [months_served(date(2025, 7, day), date(2026, 7, 1)) for day in (1, 2, 31)] == [12, 11, 11]
    march = CALENDAR.parse("2026-03")
    assert proration(GOAL, march, CALENDAR, date(2026, 3, 16)) == Fraction(12, 22)
    assert proration(GOAL, march, CALENDAR, date(2026, 3, 20)) == 0  # fewer than 10 working days
    assert proration(GOAL, march, CALENDAR, date(2025, 3, 1)) == 1
    assert proration(GOAL, march, CALENDAR, date(2026, 5, 1)) == 0
    free, spring = replace(GOAL, proration=Proration(basis="working_days")), CALENDAR.parse("2026-W08")
    assert proration(free, spring, CALENDAR, date(2026, 2, 20)) == Fraction(3, 7), "nobody works in that week"
    assert person_quota(1_000_000, Fraction(1, 2), Fraction(2, 3), 100) == 333_300


def test_attainment_is_exact_and_shows_both_sides():
    line = attainment(money(200_0000), money(300_0000, "quota"))
    assert (line.value, line.unit) == (Fraction(2, 3), "ratio")
    assert line.formula == "bookings 200.00 / quota 300.00"
    assert [part.name for part in line.parts] == ["bookings", "quota"]
    assert attainment(money(300), money(200, "limit"), direction="down").value == Fraction(2, 3)
    assert reached(money(120), money(100), Fraction(6, 5)) and not reached(money(119), money(100), Fraction(6, 5))


@pytest.mark.parametrize(
    ("actual", "goal", "note"),
    [(1, None, "no value"), (1, 0, "quota is 0"), (None, 1, "bookings: no value")],
)
def test_attainment_of_nothing_is_missing_with_the_reason(actual, goal, note):
    line = attainment(money(actual), money(goal, "quota"))
    assert line.missing and (note in line.note or line.note == "there is no quota")
    assert attainment(money(1), None).note == "there is no quota"


def test_pace_before_the_first_day_and_after_the_last():
    early = pace(0, 100, 0, 30)
    assert (early.pace, early.projection, early.required) == (None, None, Fraction(10, 3))
    late = pace(90, 100, 1, 0)
    assert (late.pace, late.projected, late.gap, late.required) == (Fraction(9, 10), Fraction(9, 10), 10, None)


def test_seasons_need_a_history():
    assert season_index({"a": [1, 3], "b": [6]}) == {"a": Fraction(1, 2), "b": Fraction(3, 2)}
    with pytest.raises(ValueError, match="history"):
        season_index({})


def test_what_is_expected_by_now_follows_the_goals_of_the_months():
    calendar = Calendar()  # 22, 20 and 22 working days in January, February and March 2026
    quarter = calendar.parse("2026-Q1")
    months = {"2026-01": 100, "2026-02": 100, "2026-03": 200}
    gone = expected(calendar, quarter, date(2026, 2, 16), lambda part: months.get(part.label))
    assert gone.share == Fraction(100 + 50, 400), "January whole, half of February's 20 days"
    assert gone.remaining == 10 + 22
    assert expected(calendar, quarter, date(2026, 2, 16), lambda _part: None).share == Fraction(22 + 10, 64)
    assert expected(calendar, quarter, date(2026, 4, 9), lambda part: months.get(part.label)).share == 1

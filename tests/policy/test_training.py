"""培训: no incentive until the onboarding courses are passed, and points for a missed training; reckoned by hand."""

from pathlib import Path

import pytest

from .making import BOOKINGS, calc, pays

PLAN = """
training:
  onboarding: {days: 30, courses: [产品知识, 法律与合规], pass: 80, until_passed: {incentive: none}}
  recurring: {per_quarter: 2, missed: {appraisal_deduct: 3}}
incentive:
  - {id: plan, role: sales_rep, components: [
      {id: commission, kind: commission, basis: bookings, period: month, rate: 3%}]}
appraisal:
  - id: q
    period: quarter
    role: sales_rep
    indicators: [{metric: bookings, weight: 100%, score: {curve: points, points: {0: 0, 1_000: 90}}}]
    grades: {A: {from: 90, factor: 1.2}, B: {from: 60, factor: 1}, C: {from: 0, factor: 0.5}}
"""
PEOPLE = """id,name,role,hired_on
lin,林静,sales_rep,2025-06-01
zhou,周航,sales_rep,2026-02-10"""
ORDERS = """id,person,signed_on,net_amount
1,lin,2026-01-05,1000
2,lin,2026-02-05,1000
3,zhou,2026-03-05,1000"""
RESULTS = """person,course,passed_on,mark
lin,产品知识,2026-01-20,92
lin,法律与合规,2026-02-28,80
zhou,产品知识,2026-03-01,79
zhou,法律与合规,2026-03-01,95"""


@pytest.fixture
def made(tmp_path: Path):
    def of(period: str, trainings: str = RESULTS):
        tables = {"people": PEOPLE, "orders": ORDERS, **({"trainings": trainings} if trainings else {})}
        return calc(tmp_path, BOOKINGS + PLAN, period, **tables)

    return of


def test_what_is_earned_before_the_courses_are_passed_is_not_paid(made):
    january, february, march = (made(f"2026-0{month}") for month in (1, 2, 3))
    assert pays(january)["commission"] == "0.00", "one of two courses on the last day of January"
    line = next(one for one in january["statements"][0]["lines"] if one["name"] == "commission")
    assert line["formula"].endswith("Gate: to be passed first: 法律与合规")
    assert [part["value"] for part in line["parts"]] == ["30.00", "-30.00"]
    assert pays(february)["commission"] == "30.00", "passed on the last day of February, with the least mark"
    assert pays(march, "zhou")["commission"] == "0.00", "79 of 80"


def test_each_training_that_is_missing_in_a_whole_quarter_costs_its_points(made):
    found = {one["person"]: one for one in made("2026-Q1")["appraisals"]}
    assert found["lin"]["score"] == "90", "2,000 beyond the last point of the curve; two trainings"
    late = RESULTS.replace("2026-02-28", "2026-04-01")
    missed = {one["person"]: one for one in made("2026-Q1", late)["appraisals"]}
    assert (missed["lin"]["score"], missed["lin"]["grade"]) == ("87", "B")
    assert missed["lin"]["steps"][-1] == "trainings in 2026-Q1: 1 of 2, -3 points"
    assert missed["zhou"]["score"] == "90", "hired within the quarter, so not asked yet"


def test_where_no_result_is_kept_nothing_is_asked(made):
    assert pays(made("2026-01", ""))["commission"] == "30.00"
    assert {one["score"] for one in made("2026-Q1", "")["appraisals"]} == {"90"}

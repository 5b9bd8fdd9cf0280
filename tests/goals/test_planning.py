"""A goal worked out from the company's own records: parts add up, and setting it twice changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from xiaoguan.base.money import Money
from xiaoguan.customers.models import Customer
from xiaoguan.desk.models import Event
from xiaoguan.desk.undo import undo_batch
from xiaoguan.goals.models import GoalTarget
from xiaoguan.goals.tracking import standings
from xiaoguan.people.models import Membership, Role, RoleAssignment
from xiaoguan.policy import load_text
from xiaoguan.rulebook.versions import adopt
from xiaoguan.sales.models import Order

pytestmark = pytest.mark.django_db

POLICY = """
policy:
  schema: sales-policy/1
  id: house
  name: House rules
  version: 1.0.0
  effective: {from: 2026-01-01, to: null}
  scope: {roles: [sales_rep]}
  currency: CNY
metrics:
  bookings: {name: Bookings, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
goals:
  - id: quota
    metric: bookings
    period: quarter
    target: {method: growth, base: prior_period, growth: 20%}
    allocate:
      - {by: month, method: even}
      - {by: team, method: history, history: 3m, fallback: even}
      - {by: person, method: even}
    check: {stretch: [0%, 30%]}
"""


@pytest.fixture
def company(cast: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two teams; the east sold twice what the north did in the quarter before."""
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *_args: date(2026, 4, 10))
    adopt(POLICY)
    role = Role.objects.get(code="sales_rep")
    RoleAssignment.objects.filter(role=role).delete()
    Membership.objects.all().delete()
    for person, team, amount in (
        (cast.linjing, cast.teams["east"], 70_000),
        (cast.zhouhang, cast.teams["east"], 30_001),
        (cast.wanglei, cast.teams["north"], 50_000),
    ):
        RoleAssignment(person=person, role=role, starts_on=date(2026, 1, 1)).save()
        Membership(person=person, team=team, starts_on=date(2026, 1, 1)).save()
        customer = Customer(name=f"海天 {person}", owner=person)
        customer.save()
        order = Order(number=f"SO-{person}", customer=customer, owner=person, ordered_on=date(2026, 2, 3))
        order.net_amount = order.total_amount = Money(amount, "CNY")
        order.save()
    return cast


WHERE = "/api/goal-plan?goal=quota&period=2026-Q2"


def test_parts_add_up_at_every_level_and_the_checks_stand_beside(company: Any, client_of: Any) -> None:
    answer = client_of("wufang").get(WHERE).json()
    rows = {row["name"]: row for row in answer["rows"]}
    assert answer["issues"] == [] and list(rows["华东"]["parts"]) == ["2026-04", "2026-05", "2026-06"]
    cents = {name: [round(float(v) * 100) for v in row["parts"].values()] for name, row in rows.items()}
    whole = next(row for row in answer["rows"] if row["owner"] == "")
    assert whole["whole"] == "180001.20"  # 150,001 and a fifth
    people = [row for row in answer["rows"] if row["owner"].isdigit()]
    assert len(people) == 3 and sum(sum(cents[row["name"]]) for row in people) == 18_000_120
    for month in range(3):
        assert cents["林静"][month] + cents["周航"][month] == cents["华东"][month]
        assert cents["华东"][month] + cents["华北"][month] == cents[whole["name"]][month]
    assert [one["name"] for one in people[0]["checks"]][:2] == ["stretch", "attain_probability"]


def test_a_goal_is_chosen_by_its_name_and_an_old_one_stays(company: Any, client_of: Any) -> None:
    browser = client_of("wufang")
    assert '<option value="quota">' in browser.get("/goal-targets/new").content.decode()
    days = {"starts_on": date(2026, 4, 1), "ends_on": date(2026, 7, 1)}
    old = GoalTarget(goal="gone", person=company.linjing, value=Decimal(70), **days)
    old.save()
    assert '<option value="gone" selected>' in browser.get(f"/goal-targets/{old.pk}/edit").content.decode()


def test_it_is_set_once_and_can_be_taken_back(company: Any, client_of: Any) -> None:
    browser = client_of("wufang")
    before = GoalTarget.objects.count()
    first = browser.post(f"{WHERE}&whole=90000").json()
    again = browser.post(f"{WHERE}&whole=90000").json()
    assert first["new"] == GoalTarget.objects.count() - before > 15 and first["refused"] == []
    assert (again["new"], again["changed"], again["same"]) == (0, 0, first["new"])
    changed = browser.post(f"{WHERE}&whole=180000").json()  # by more than a tenth: that needs a signature
    assert changed["changed"] == 0 and changed["refused"]
    batch = Event.objects.filter(entity="goaltarget", deed="created").latest("id").batch
    undo_batch(batch, company.viewer("wufang"))
    assert GoalTarget.objects.count() == before


@pytest.mark.parametrize(("login", "status"), [("linjing", 403), ("chenmin", 403), ("wufang", 200), ("sunzong", 200)])
def test_goals_are_worked_out_by_those_who_set_them(company: Any, client_of: Any, login: str, status: int) -> None:
    browser = client_of(login)
    assert browser.get("/goals/plan?goal=quota").status_code == status
    assert browser.post(WHERE).status_code == status


@pytest.mark.parametrize(
    "words", ["goal=none", "goal=quota&period=1999", "goal=quota&whole=abc", "whole=-1", "whole=1e999"]
)
def test_odd_words_break_nothing(company: Any, client_of: Any, words: str) -> None:
    assert client_of("wufang").get(f"/goals/plan?{words}").status_code in (200, 404)


def test_a_transfer_cuts_the_goal_and_the_rest_stays_with_the_team(company: Any, client_of: Any) -> None:
    quota = GoalTarget(goal="quota", person=company.linjing, starts_on=date(2026, 4, 1), ends_on=date(2026, 7, 1))
    quota.value, quota.currency = Decimal(65_000), "CNY"  # a thousand for each of the quarter's 65 working days
    quota.save()
    url = f"/api/goal-targets/{quota.pk}/transfer"
    assert client_of("chenmin").post(url, {"on": "2026-05-01"}, content_type="application/json").status_code == 403
    answer = client_of("wufang").post(url, {"on": "2026-05-01"}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    rows = GoalTarget.objects.filter(person=company.linjing).order_by("starts_on")
    assert [(str(r.starts_on), str(r.ends_on), r.value) for r in rows] == [
        ("2026-04-01", "2026-05-01", Decimal(22_000)),
        ("2026-05-01", "2026-07-01", Decimal(0)),
    ]
    assert client_of("wufang").post(url, {"on": "2026-05-01"}, content_type="application/json").status_code == 422


def test_who_submits_a_goal_from_below_enters_their_own_teams_and_no_other(company: Any, client_of: Any) -> None:
    adopt(
        POLICY.replace("id: house", "id: below")
        .replace(
            "target: {method: growth, base: prior_period, growth: 20%}",
            "target: {method: bottom_up, submit_by: sales_manager}",
        )
        .replace("id: quota", "id: pledge")
    )
    east, north = company.teams["east"], company.teams["north"]
    east.leader = company.chenmin
    east.save()
    period = {"starts_on": "2026-04-01", "ends_on": "2026-07-01", "value": "900", "currency": "CNY"}

    def submit(who: str, **values: Any) -> int:
        return (
            client_of(who).post("/api/goal-targets", {**period, **values}, content_type="application/json").status_code
        )

    assert submit("chenmin", goal="pledge", team=east.pk) == 201
    assert submit("chenmin", goal="pledge", team=north.pk) == 403
    assert submit("chenmin", goal="quota", team=east.pk) == 403, "that goal comes from above"
    assert submit("linjing", goal="pledge", person=company.linjing.pk) == 403


def test_an_absence_that_the_policy_relieves_lowers_the_quota(company: Any) -> None:
    from xiaoguan.people.models import Absence
    from xiaoguan.policy import load_text
    from xiaoguan.rulebook.world import DatabaseWorld

    policy, issues = load_text(POLICY.replace("    check:", "    absence: {relieve: [maternity]}\n    check:"))
    assert policy is not None, issues
    quota = GoalTarget(goal="quota", person=company.linjing, starts_on=date(2026, 4, 1), ends_on=date(2026, 7, 1))
    quota.value, quota.currency = Decimal(91_000), "CNY"  # a thousand a day
    quota.save()
    Absence(person=company.linjing, kind="maternity", starts_on=date(2026, 6, 1)).save()
    Absence(person=company.zhouhang, kind="maternity", starts_on=date(2026, 6, 1)).save()
    line = DatabaseWorld(policy).goal_of("quota", policy.calendar.parse("2026-Q2"), person_id=company.linjing.pk)
    assert line is not None and line.value == 61_000 * 10_000


def test_who_came_in_the_middle_of_a_quarter_needs_no_goal_before(company: Any) -> None:
    from xiaoguan.policy import load_text
    from xiaoguan.rulebook.world import DatabaseWorld

    policy, _issues = load_text(POLICY)
    assert policy is not None
    for month in (5, 6):
        quota = GoalTarget(goal="quota", person=company.linjing, value=Decimal(1_000), currency="CNY")
        quota.starts_on, quota.ends_on = date(2026, month, 1), date(2026, month + 1, 1)
        quota.save()
    world, quarter = DatabaseWorld(policy), policy.calendar.parse("2026-Q2")
    who = world.person(str(company.linjing.pk))
    assert who is not None
    assert world.goal("quota", replace(who, hired_on=date(2026, 4, 30)), quarter) is None
    line = world.goal("quota", replace(who, hired_on=date(2026, 5, 1)), quarter)
    assert line is not None and line.value == 2_000 * 10_000


def test_a_company_without_a_policy_is_told_that_it_has_no_goals(cast: Any, client_of: Any) -> None:
    assert client_of("sunzong").get("/goals/").status_code == 200


def test_a_ratio_stands_divided_once_at_every_level_and_has_no_pace(company: Any) -> None:
    ratio = "  big: {name: Big, type: ratio, from: orders, date: signed_on,\n    value: "
    ratio += '"ratio(count_if(net_amount >= 40000), count(), empty=missing)"}\ngoals:\n'
    text = (
        POLICY.replace("goals:\n", ratio)
        .replace("version: 1.0.0", "version: 1.1.0")
        .replace("metric: bookings", "metric: big")
    )
    text = text.replace("{method: growth, base: prior_period, growth: 20%}", "{method: assigned}")
    policy, _issues = load_text(text[: text.index("    allocate")])
    assert policy is not None
    period, goal = policy.calendar.parse("2026-Q1"), policy.goals[0]
    for team, value in (("east", "0.5"), ("north", "0.8")):
        row = GoalTarget(goal="quota", team=company.teams[team], starts_on=period.start, ends_on=period.end)
        row.value = Decimal(value)
        row.save()
    found = {s.label or "company": s for s in standings(policy, goal, period, date(2026, 2, 10))}
    assert {label: s.actual for label, s in found.items() if s.level < 2} == {
        "company": Fraction(2, 3), "华东": Fraction(1, 2), "华北": 1,
    }  # fmt: skip
    assert found["华东"].attainment == 1 and found["华东"].pace is None

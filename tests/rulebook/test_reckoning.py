"""Adopting a policy, reckoning a period, and what happens when facts or rules change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from xiaoguan.base.money import Money
from xiaoguan.customers.models import Customer
from xiaoguan.goals.models import GoalTarget
from xiaoguan.people.models import Person
from xiaoguan.rulebook.asking import CannotAnswer, attainment_rows, explanation_of, metric_rows, statement_of
from xiaoguan.rulebook.models import Result, Run
from xiaoguan.rulebook.reckoning import CannotReckon, reckon
from xiaoguan.rulebook.versions import Refused, adopt, in_force
from xiaoguan.sales.models import Order

POLICY = """
policy:
  schema: sales-policy/1
  id: house
  name: House rules
  version: {version}
  effective: {{from: {start}, to: null}}
  scope: {{roles: [sales_rep]}}
  currency: CNY
metrics:
  bookings: {{name: Bookings, type: amount, from: orders, value: "sum(net_amount)", date: signed_on,
    where: "status == 'signed'"}}
  orders: {{name: Orders, type: count, from: orders, value: "count()", date: signed_on}}
goals:
  - {{id: quota, metric: bookings, period: month, target: {{method: assigned}}}}
incentive:
  - id: plan
    role: sales_rep
    components:
      - {{id: commission, kind: commission, basis: bookings, period: month, rate: {rate}}}
      - {{id: bonus, kind: bonus, period: month, amount: 1000, when: "attainment(quota) >= 100%"}}
"""


def policy(version: str = "1.0.0", start: str = "2026-01-01", rate: str = "3%") -> str:
    return POLICY.format(version=version, start=start, rate=rate)


def order(owner: Person | None, amount: str, day: date, currency: str = "CNY", status: str = "signed") -> Order:
    customer = Customer(name="海天", owner=owner)
    customer.save()
    money = Money(amount, currency)
    made = Order(
        number=f"SO-{Order.objects.count() + 1}",
        customer=customer,
        owner=owner,
        ordered_on=day,
        status=status,
        net_amount=money,
        total_amount=money,
    )
    made.save()
    return made


def goal(value: str, person: Person | None = None) -> None:
    GoalTarget(
        goal="quota",
        person=person,
        starts_on=date(2026, 3, 1),
        ends_on=date(2026, 4, 1),
        value=Decimal(value),
        currency="CNY",
    ).save()


@pytest.fixture
def march(cast: Any) -> Any:
    adopt(policy())
    goal("100000", cast.linjing)
    goal("80000", cast.wanglei)
    order(cast.linjing, "60000.01", date(2026, 3, 1))
    order(cast.linjing, "40000", date(2026, 3, 31))
    order(cast.linjing, "5000", date(2026, 4, 1))
    order(cast.linjing, "7000", date(2026, 3, 9), status="cancelled")
    order(cast.wanglei, "50000", date(2026, 3, 5))
    order(None, "30000", date(2026, 3, 5))
    return cast


def test_a_month_is_reckoned_and_every_amount_opens(march: Any) -> None:
    [outcome] = reckon("2026-03")
    paid = statement_of("林静", "2026-03")
    assert {line["component"]: line["amount"] for line in paid["lines"]} == {
        "commission": "3000.00",
        "bonus": "1000.00",
    }
    assert statement_of("王磊", "2026-03")["total"] == "1500.00"
    assert statement_of("周航", "2026-03")["issues"], "周航 has no goal: said, not paid and not 0"
    rows = {r["name"]: r for r in attainment_rows("quota", "2026-03", "person")["rows"]}
    assert (rows["林静"]["actual"], rows["林静"]["attainment"]) == ("100000.01", "1.000000")
    opened = explanation_of(next(line["result"] for line in paid["lines"] if line["component"] == "commission"))
    assert outcome.new and "60000.01" in str(opened["line"]) and "SO-2" in str(opened["line"])


def test_teams_add_their_people_and_the_company_counts_everything_against_its_own_goal(march: Any) -> None:
    reckon("2026-03")
    teams = {r["name"]: r["actual"] for r in attainment_rows("quota", "2026-03", "team")["rows"]}
    assert teams == {"华东": "100000.01", "华北": "50000.00"}
    [sum_of_people] = attainment_rows("quota", "2026-03", "company")["rows"]
    assert (sum_of_people["actual"], sum_of_people["goal"]) == ("150000.01", "180000.00")
    goal("200000")
    reckon("2026-03")
    [own] = attainment_rows("quota", "2026-03", "company")["rows"]
    assert (own["actual"], own["goal"]) == ("180000.01", "200000.00")


def test_the_same_inputs_are_the_same_run_and_changed_facts_are_a_new_one(march: Any) -> None:
    [first] = reckon("2026-03")
    [again] = reckon("2026-03")
    assert (again.run.pk, again.new) == (first.run.pk, False)
    order(march.linjing, "1", date(2026, 3, 15))
    [changed] = reckon("2026-03")
    assert changed.new and changed.run.digest != first.run.digest
    assert Run.objects.filter(current=True).get() == changed.run
    assert Result.objects.filter(run=first.run).exists(), "what was shown once can still be opened"


def test_an_order_in_another_currency_is_held_back_and_said(march: Any) -> None:
    order(march.linjing, "999", date(2026, 3, 20), currency="USD")
    [outcome] = reckon("2026-03")
    assert statement_of("林静", "2026-03")["total"] == "4000.00"
    assert any("held back" in i.message and "林静" in i.message for i in outcome.issues)
    assert metric_rows("bookings", "2026-03")["held_back"] == 1


def test_the_version_in_force_on_the_first_day_rules_the_period(march: Any) -> None:
    adopt(policy("2.0.0", "2026-04-01", "10%"))
    reckon("2026-03")
    reckon("2026-04")
    assert statement_of("林静", "2026-03")["total"] == "4000.00"
    assert statement_of("林静", "2026-04")["lines"][0]["amount"] == "500.00"
    assert [v.number for v in in_force(date(2026, 3, 31))] == ["1.0.0"]


def test_what_may_not_be_adopted(cast: Any) -> None:
    version, _issues, new = adopt(policy())
    assert new and adopt(policy()) == (version, _issues, False)
    with pytest.raises(Refused, match="another text"):
        adopt(policy(rate="4%"))
    with pytest.raises(Refused, match="overlaps"):
        adopt(policy("0.9.0", "2025-06-01"))
    with pytest.raises(Refused, match="rate"):
        adopt(policy("3.0.0", "2027-01-01", rate="8"))


def test_answers_name_what_is_wrong(march: Any) -> None:
    with pytest.raises(CannotReckon, match="1999"):
        reckon("1999-01")
    with pytest.raises(CannotAnswer, match="not reckoned yet"):
        statement_of("林静", "2026-03")
    with pytest.raises(CannotAnswer, match="Did you mean 'bookings'"):
        metric_rows("booking", "2026-03")
    with pytest.raises(CannotAnswer, match="territory"):
        metric_rows("bookings", "2026-03", "teritory")
    with pytest.raises(CannotAnswer, match="Nobody is called"):
        statement_of("林静静", "2026-03")


def test_pages_show_each_their_own(march: Any, client_of: Any) -> None:
    reckon("2026-03")
    mine = client_of("linjing").get("/statement/").content.decode()
    assert "4,000.00" in mine
    wanglei, linjing = march.wanglei.pk, march.linjing.pk
    assert client_of("linjing").get("/statement/", {"person": wanglei}).status_code == 404
    assert client_of("chenmin").get("/statement/", {"person": linjing}).status_code == 200
    assert client_of("chenmin").get("/statement/", {"person": wanglei}).status_code == 404
    assert client_of("zhaoyue").get("/statement/", {"person": wanglei}).status_code == 200
    total = Result.objects.get(person=march.linjing, kind="total").pk
    assert client_of("linjing").get(f"/explain/{total}").status_code == 200
    assert 'class="big' in client_of("linjing").get(f"/results/{total}").content.decode()
    assert client_of("zhouhang").get(f"/explain/{total}").status_code == 404
    live = "/numbers/house/bookings"
    assert client_of("linjing").get(live, {"person": linjing, "period": "2026-03"}).status_code == 200
    assert client_of("linjing").get(live, {"person": wanglei, "period": "2026-03"}).status_code == 403
    assert client_of("linjing").get(live, {"period": "2026-03"}).status_code == 403
    goals = client_of("linjing").get("/goals/", {"policy": "house", "period": "2026-03"}).content.decode()
    assert "林静" in goals and "王磊" not in goals
    for page in ("/", "/policy/", "/settings/"):
        assert client_of("zhouhang").get(page).status_code == 200

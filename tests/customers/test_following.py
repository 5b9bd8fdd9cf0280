"""When customers are due by the policy: marked at night, taken off by a contact that counts, shown on Today."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from xiaoguan.customers.models import Customer
from xiaoguan.desk.jobs import Job, Running
from xiaoguan.insight.models import Warning
from xiaoguan.insight.warnings import ask_warnings
from xiaoguan.policy.customers import Customers
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import adopt, document_of
from xiaoguan.rulebook.world import DatabaseWorld
from xiaoguan.sales.following import follow_up_customers
from xiaoguan.sales.models import Activity, Order

POLICY = """
policy:
  {schema: sales-policy/1, id: shop, name: 销售制度, version: 1.0.0, effective: {from: 2026-01-01}, currency: CNY,
    timezone: Asia/Shanghai}
follow_up:
  - {id: best, where: "customer.class == 'A'", every: 10d, kind: [call, visit], grace: 2d}
  - {id: rest, where: "customer.class == 'B'", every: 1m}
warnings:
  - {id: late, name: 跟进逾期, when: "follow_up_overdue_days > 3", notify: [owner]}
"""
START = date(2026, 3, 1)


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(number: int, *jobs: Any) -> None:
        on = day(number)
        moment = timezone.make_aware(datetime(on.year, on.month, on.day, 0, 20))
        monkeypatch.setattr(timezone, "now", lambda: moment)
        for job in jobs or (follow_up_customers,):
            job(Running(Job.objects.create(kind="x", title="x", batch="b", worker="w", state="running"), "w"))

    return run


def day(number: int) -> date:
    return START + timedelta(days=number)


def customer(owner: Any, grade: str) -> Customer:
    made = Customer(name=f"海天{grade}", owner=owner, grade=grade, registered_on=START)
    made.created_at = timezone.make_aware(datetime(2026, 3, 1, 9))
    made.save()
    return made


def marks(one: Customer) -> tuple[Any, Any, str]:
    now = Customer.objects.get(pk=one.pk)
    return now.follow_up_on, now.follow_up_late_on, now.follow_up_rule


def did(one: Customer, kind: str, number: int) -> None:
    Activity(subject="x", kind=kind, customer=one, owner=one.owner, due_on=day(number), done_on=day(number)).save()


def test_it_is_marked_at_night_and_a_contact_that_counts_takes_it_off(cast: Any, night: Any, client_of: Any) -> None:
    adopt(POLICY)
    best, rest, none = (customer(cast.linjing, grade) for grade in ("A", "B", ""))
    night(0)
    assert marks(best) == (day(10), day(13), "best") and marks(rest) == (date(2026, 4, 1), date(2026, 4, 2), "rest")
    assert marks(none) == (None, None, "")
    night(10)
    did(best, "message", 10)
    assert marks(best)[0] == day(10), "a message is no call"
    page = client_of("linjing").get("/").content.decode()
    assert "海天A" in page and "海天B" not in page
    found = client_of("linjing").get("/api/customers?where=follow_up_on:le:today").json()["items"]
    assert [one["name"] for one in found] == ["海天A"]
    did(best, "call", 10)
    assert marks(best) == (day(20), day(23), "best")
    Customer.objects.filter(pk=best.pk).update(owner=None)
    night(11)
    assert marks(best) == (None, None, "")


def test_what_is_overdue_warns_until_somebody_calls_and_the_past_is_judged_alike(cast: Any, night: Any) -> None:
    version = adopt(POLICY)[0]
    best = customer(cast.linjing, "A")
    did(best, "call", 5)
    night(20, follow_up_customers, ask_warnings)
    assert Warning.objects.count() == 0, "three days overdue"
    night(21, follow_up_customers, ask_warnings)
    one = Warning.objects.get()
    assert (one.customer, one.owner, one.value, one.bound) == (best, cast.linjing, "4", "> 3")
    policy = document_of(version)
    (then,) = Customers(policy, DatabaseWorld(policy), day(21))
    assert then.get("follow_up_overdue_days") == 4 and then.get("days_since_follow_up") == 16
    did(best, "visit", 21)
    night(22, follow_up_customers, ask_warnings)
    assert Warning.objects.get().cleared_on == day(22)


def test_after_a_delivery_it_is_asked_for_on_each_of_the_days(cast: Any, night: Any) -> None:
    rule = '{id: after, where: "days_since_delivery <= 30", at: [3d, 7d], kind: [call], grace: 1d}'
    adopt(POLICY.replace("follow_up:\n", f"follow_up:\n  - {rule}\n"))
    one = customer(cast.linjing, "")
    money = {"net_amount_units": 1, "total_amount_units": 1, "currency": "CNY"}
    order = Order(number="1", customer=one, owner=cast.linjing, ordered_on=START, **money)
    order.save()
    night(2)
    assert marks(one) == (None, None, ""), "signed, and not delivered"
    order.delivered_on = day(2)
    order.save()
    night(3)
    assert marks(one) == (day(5), day(7), "after")
    policy = document_of(PolicyVersion.objects.get())
    then = {n: next(iter(Customers(policy, DatabaseWorld(policy), day(n)))) for n in (1, 5)}
    assert [one.get("days_since_delivery") for one in then.values()] == [None, 3], "a past day knows no later delivery"
    Activity(subject="x", kind="call", customer=one, owner=cast.linjing, due_on=day(6), done_on=day(6)).save()
    night(7)
    assert marks(one)[0] == day(9), "the next of the days after it"

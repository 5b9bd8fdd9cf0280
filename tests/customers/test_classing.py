"""Reviews of classes: due once a period, written with their reason, opened to the records by whom it concerns."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.utils import timezone

from xiaoguan.customers.models import Classed, Customer
from xiaoguan.desk.jobs import Job, Running
from xiaoguan.desk.models import Event
from xiaoguan.rulebook.versions import adopt
from xiaoguan.sales.classing import review_classes
from xiaoguan.sales.models import Order

POLICY = """
policy:
  {schema: sales-policy/1, id: shop, name: 销售制度, version: 1.0.0, effective: {from: 2026-01-01}, currency: CNY,
    timezone: Asia/Shanghai}
metrics:
  bookings: {name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
classification:
  - RULE
"""
PARETO = """{id: value, name: 价值, of: customer, method: pareto, metric: bookings, window: 12m, review: quarter,
      shares: {A: 70%, B: 20%, C: 10%}, hysteresis: 5%}"""
POINTS = """{id: rfm, name: 评分, of: customer, method: score, window: 3m, classes: {A: {from: 5}, C: {from: 0}},
      points: {recency_days: {0: 2, 31: 1}, orders: {1: 1}, spend: {0: 0, 500: 2}}}"""


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The job of the night to this day; the classes then, by name."""

    def run(day: str) -> str:
        moment = timezone.make_aware(datetime.fromisoformat(f"{day} 00:10"))
        monkeypatch.setattr(timezone, "now", lambda: moment)
        review_classes(Running(Job.objects.create(kind="x", title="x", batch="b", worker="w", state="running"), "w"))
        return "".join(Customer.objects.order_by("name").values_list("grade", flat=True))

    return run


def bought(owner: Any, name: str, amount: int, day: str) -> Customer:
    customer, _new = Customer.objects.get_or_create(name=name, defaults={"owner": owner})
    money = {"currency": "CNY", "net_amount_units": amount * 10_000, "total_amount_units": amount * 10_000}
    Order(number=f"{name}{day}", customer=customer, owner=owner, ordered_on=day, status="signed", **money).save()
    return customer


def test_a_review_is_due_once_a_quarter_and_says_why(cast: Any, night: Any, client_of: Any) -> None:
    adopt(POLICY.replace("RULE", PARETO))
    first = bought(cast.linjing, "a", 600, "2026-02-01")
    bought(cast.linjing, "b", 300, "2026-03-01")
    bought(cast.linjing, "c", 100, "2026-03-01")
    bought(cast.linjing, "old", 9_000, "2025-02-01")
    assert night("2026-03-10") == "AACC"
    event = Event.objects.filter(entity="customer", record_id=first.pk, deed="changed").get()
    assert (event.changes, event.note) == ({"grade": ["", "A"]}, "价值 · 0% · 销售制度 1.0.0")
    bought(cast.linjing, "c", 2_000, "2026-03-11")
    assert night("2026-03-12") == "AACC", "the quarter was reviewed"
    assert night("2026-04-01") == "ABAC" and Classed.objects.count() == 4
    assert [one.basis["held"] for one in Classed.objects.order_by("customer__name")] == ["B", "C", "", ""]
    page = client_of("linjing").get(f"/customers/{first.pk}").content.decode()
    assert "价值" in page and "600" in page
    opened = client_of("linjing").get(f"/customers/{first.pk}/class").content.decode()
    assert "a2026-02-01" in opened and "签约额" in opened
    other = client_of("zhouhang").get(f"/customers/{first.pk}").content.decode()
    assert "价值" in other and f"/customers/{first.pk}/class" not in other, "a teammate sees why, not what it brings"
    assert client_of("zhouhang").get(f"/customers/{first.pk}/class").status_code == 404


def test_points_and_a_class_given_by_hand(cast: Any, night: Any, client_of: Any) -> None:
    adopt(POLICY.replace("RULE", POINTS))
    first = bought(cast.linjing, "a", 600, "2026-03-01")
    bought(cast.linjing, "b", 400, "2026-03-01")
    bought(cast.linjing, "c", 9_000, "2025-03-01")
    assert night("2026-03-10") == "ACC"
    assert "最近购买" in client_of("linjing").get(f"/customers/{first.pk}/class").content.decode()
    first.refresh_from_db()
    first.grade = "B"
    first.save()
    assert night("2026-03-11") == "BCC", "until the next review"
    assert Classed.objects.get(customer=first).grade == "A"
    assert night("2026-04-10") == "CCC", "more than a month ago: four points"
    assert Classed.objects.get(customer=first).on == date(2026, 4, 10)


RATED = """{id: potential, name: 潜力, of: customer, method: score, scale: [0, 10],
      inputs: {need: 40%, buying_power: 60%},
      classes: {A: {from: 7}, B: {from: 4}, C: {from: 0}}, review: month, hysteresis: 1}"""


def test_what_is_rated_puts_a_customer_into_its_class_at_once(cast: Any, night: Any, client_of: Any) -> None:
    adopt(POLICY.replace("RULE", RATED))
    one = Customer.objects.create(name="a", owner=cast.linjing)
    assert night("2026-03-10") == "", "nobody rated anything"
    where = f"/api/customers/{one.pk}/rate"
    lin = client_of("linjing")
    assert lin.post(where, {"need": 11}, content_type="application/json").status_code == 422
    assert client_of("wanglei").post(where, {"need": 5}, content_type="application/json").status_code in (403, 404)
    assert lin.post(where, {"need": 10}, content_type="application/json").status_code == 200
    assert Customer.objects.get().grade == "", "half of what counts is no class"
    assert lin.post(where, {"need": "10", "buying_power": "7.5"}, content_type="application/json").status_code == 200
    assert Customer.objects.get().grade == "A"
    page, why = (lin.get(f"/customers/{one.pk}{more}").content.decode() for more in ("", "/class"))
    assert "潜力" in page and "8.5" in page and "7.5" in why and "4.5" in why
    told = Event.objects.get(entity="customer", deed="rate", changes__buying_power=[None, "7.5"])
    assert told.actor_id == cast.linjing.pk
    adopt(POLICY.replace("RULE", POINTS).replace("1.0.0", "2.0.0").replace("2026-01-01", "2026-03-11"))
    night("2026-03-12")
    assert lin.post(where, {"need": 1}, content_type="application/json").status_code == 422, (
        "this one weighs nothing rated"
    )

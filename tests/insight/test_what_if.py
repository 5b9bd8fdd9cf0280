"""What if my deals close: the same figure as when they have, and nothing is written."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from xiaoguan.base.money import Money
from xiaoguan.customers.models import Customer
from xiaoguan.desk.models import Event
from xiaoguan.people.models import Role, RoleAssignment
from xiaoguan.rulebook.versions import adopt
from xiaoguan.sales.models import Opportunity, Order, Payment

pytestmark = pytest.mark.django_db

POLICY = """
policy:
  schema: sales-policy/1
  id: cash
  name: Paid as the money comes
  version: 1.0.0
  effective: {from: 2026-01-01, to: null}
  scope: {roles: [sales_rep]}
  currency: CNY
metrics:
  bookings: {name: Bookings, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
incentive:
  - id: plan
    role: sales_rep
    components:
      - id: commission
        kind: commission
        basis: bookings
        period: month
        tiers: {by: amount, mode: marginal, rates: [{from: 0, rate: 1%}, {from: 10_000, rate: 5%}]}
    pay: {earned_on: signing, release: {by_collection: 100%}, paid: monthly}
"""


@pytest.fixture
def deal(cast: Any, monkeypatch: pytest.MonkeyPatch) -> Opportunity:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *_args: date(2026, 3, 10))
    adopt(POLICY)
    role = Role.objects.get(code="sales_rep")
    RoleAssignment.objects.filter(person=cast.linjing, role=role).delete()
    RoleAssignment(person=cast.linjing, role=role, starts_on=date(2026, 1, 1)).save()
    customer = Customer(name="海天", owner=cast.linjing)
    customer.save()
    made = Opportunity(title="产线改造", customer=customer, owner=cast.linjing, amount=Money(30_000, "CNY"))
    made.closes_on = date(2026, 3, 20)
    made.save()
    return made


def test_it_is_what_will_be_and_nothing_is_written(deal: Opportunity, client_of: Any) -> None:
    browser, before = client_of("linjing"), (Event.objects.count(), Order.objects.count())
    where = f"/api/what-if?deal={deal.pk}&amount-{deal.pk}=20000&more=4000"
    without = browser.get(where).json()
    assert without["now"]["total"] == "0.00" and without["then"]["total"] == "0.00"  # no money, no commission
    answer = browser.get(f"{where}&cash=1").json()
    assert answer["then"]["total"] == "800.00"  # 1 % of 10,000 and 5 % of 14,000
    assert answer["curve"][0] == {"more": "0.00", "total": "600.00"}
    assert (Event.objects.count(), Order.objects.count()) == before
    money = Money(24_000, "CNY")
    order = Order(number="SO-1", customer=deal.customer, owner=deal.owner, ordered_on=date(2026, 3, 10))
    order.net_amount = order.total_amount = money
    order.save()
    Payment(order=order, amount=money, received_on=date(2026, 3, 10), reference="bank").save()
    assert browser.get("/api/what-if").json()["now"]["total"] == "800.00"


@pytest.mark.parametrize(("login", "status"), [("chenmin", 200), ("sunzong", 200), ("wanglei", 403), ("zhouhang", 403)])
def test_others_are_tried_by_those_above_them_only(deal: Opportunity, client_of: Any, login: str, status: int) -> None:
    assert client_of(login).get(f"/what-if/?person={deal.owner_id}").status_code == status


@pytest.mark.parametrize("words", ["deal=x", "deal=999", "more=-5", "more=1e99", "more=NaN", "period=1999", "person=0"])
def test_odd_words_in_the_address_break_nothing(deal: Opportunity, client_of: Any, words: str) -> None:
    assert client_of("sunzong").get(f"/what-if/?{words}").status_code in (200, 404)

"""What was done can be taken back, and nothing newer is lost by it."""

from __future__ import annotations

from typing import Any

from django.db import connection

from xiaoguan.customers.models import Customer
from xiaoguan.desk import conformance, undo
from xiaoguan.desk.events import acting
from xiaoguan.desk.models import Event
from xiaoguan.desk.records import Record
from xiaoguan.sales.models import Activity, Opportunity, Order, OrderLine, Payment

MODELS: tuple[type[Record], ...] = (Customer, Opportunity, Order, OrderLine, Payment, Activity)
SCRIPT = {"Accept": "application/json"}


def state() -> dict[str, Any]:
    """Every row of what people keep, without the counters that only ever grow; and every search entry."""
    found: dict[str, Any] = {}
    for model in MODELS:
        names = [f.attname for f in model._meta.concrete_fields if f.name not in ("version", "updated_at")]
        found[model.__name__] = list(model.objects.order_by("pk").values_list(*names))
    column = "rowid" if connection.vendor == "sqlite" else "id"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column}, tokens FROM desk_search ORDER BY 1")
        found["search"] = cursor.fetchall()
    return found


def paid_order(cast: Any) -> tuple[Order, Payment]:
    order = conformance.sample(Order, cast.linjing)
    conformance.sample(OrderLine, cast.linjing, order=order)
    return order, conformance.sample(Payment, cast.linjing, order=order, amount=500_0000, currency=order.currency)


def test_creations_changes_and_deletions_of_one_batch_are_taken_back_together(cast: Any) -> None:
    order, payment = paid_order(cast)
    gone = conformance.sample(Activity, cast.linjing)
    before = state()
    with acting(cast.sunzong.pk, "page") as deed:
        made = conformance.sample(Customer, cast.linjing, name="深圳市新来科技有限公司")
        order.net_amount_units += 1
        order.customer = made
        order.save()
        order.due_on = order.ordered_on
        order.save()
        conformance.sample(Activity, cast.linjing, customer=made)
        gone.delete()
        payment.delete()
    assert state() != before
    answer = undo.undo_batch(deed.batch, cast.viewer("sunzong"))
    assert not answer.refused
    assert state() == before
    again = undo.undo_batch(answer.batch, cast.viewer("sunzong"))
    assert not again.refused and state() != before


def test_what_somebody_changed_since_stays(cast: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing)
    with acting(cast.linjing.pk, "page") as deed:
        customer.city = "成都"
        customer.save()
    customer.city = "重庆"
    customer.save()
    answer = undo.undo_batch(deed.batch, cast.viewer("linjing"))
    assert answer.done == 0 and answer.refused[0][:2] == ("customer", customer.pk)
    assert Customer.objects.get(pk=customer.pk).city == "重庆"


def test_a_stranger_takes_nothing_back(cast: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing)
    with acting(cast.linjing.pk, "page") as deed:
        customer.city = "成都"
        customer.save()
    assert undo.undo_batch(deed.batch, cast.viewer("wanglei")).done == 0
    assert undo.undo_batch(deed.batch, cast.viewer("zhouhang")).done == 0
    assert Customer.objects.get(pk=customer.pk).city == "成都"


def test_who_hands_over_by_mistake_takes_it_back(cast: Any, client_of: Any) -> None:
    sale = conformance.sample(Opportunity, cast.linjing)
    browser = client_of("linjing")
    said = browser.post(f"/opportunities/{sale.pk}/hand_over", {"to": cast.zhouhang.pk}, headers=SCRIPT).json()
    assert Opportunity.objects.get(pk=sale.pk).owner_id == cast.zhouhang.pk
    assert browser.post(said["undo_url"], headers=SCRIPT).json()["done"] == 1
    assert Opportunity.objects.get(pk=sale.pk).owner_id == cast.linjing.pk


def test_a_drag_and_a_win_are_taken_back(cast: Any, client_of: Any) -> None:
    sale = conformance.sample(Opportunity, cast.linjing)
    before = state()
    browser = client_of("linjing")
    for deed, values in (("move", {"to": "contact"}), ("win", {"signed_on": "2026-03-02", "amount": "12000"})):
        said = browser.post(f"/opportunities/{sale.pk}/{deed}", values, headers=SCRIPT)
        assert said.status_code == 200, said.content
        assert state() != before
        assert browser.post(said.json()["undo_url"], headers=SCRIPT).status_code == 200
        assert state() == before


def test_a_deleted_order_comes_back_with_its_lines(cast: Any, client_of: Any) -> None:
    order, payment = paid_order(cast)
    before = state()
    assert Order.objects.get(pk=order.pk).received_amount_units == 500_0000
    payment.delete()
    assert Order.objects.get(pk=order.pk).received_amount_units == 0
    browser = client_of("zhaoyue")
    browser.post(f"/orders/{order.pk}/delete")
    assert not Order.objects.filter(pk=order.pk).exists() and not OrderLine.objects.exists()
    page = browser.get("/orders/bin").content.decode()
    event = Event.objects.get(entity="order", deed="deleted")
    assert f"/orders/bin/{event.pk}/restore" in page
    assert order.number not in client_of("wanglei").get("/orders/bin").content.decode()
    assert client_of("wanglei").post(f"/orders/bin/{event.pk}/restore").status_code == 404
    client_of("zhaoyue").post(f"/orders/bin/{event.pk}/restore")
    paid = Event.objects.get(entity="payment", deed="deleted")
    client_of("zhaoyue").post(f"/payments/bin/{paid.pk}/restore")
    assert state() == before


def test_a_record_goes_back_to_an_earlier_version(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing, name="A", city="一")
    first = customer.event_id
    for name, city in (("B", "二"), ("C", "三")):
        customer.name, customer.city = name, city
        customer.save()
    assert client_of("wanglei").post(f"/customers/{customer.pk}/as-of/{first}").status_code == 404
    client_of("linjing").post(f"/customers/{customer.pk}/as-of/{first}")
    stored = Customer.objects.get(pk=customer.pk)
    assert (stored.name, stored.city, stored.version) == ("A", "一", 4)


def test_nothing_comes_to_belong_to_a_record_that_is_gone(cast: Any) -> None:
    customer, other = conformance.sample(Customer, cast.linjing), conformance.sample(Customer, cast.linjing)
    activity = conformance.sample(Activity, cast.linjing, customer=customer)
    with acting(cast.linjing.pk, "page") as deed:
        activity.customer = other
        activity.save()
    customer.delete()
    answer = undo.undo_batch(deed.batch, cast.viewer("linjing"))
    assert answer.done == 0 and answer.refused[0][:2] == ("activity", activity.pk)
    assert Activity.objects.get(pk=activity.pk).customer_id == other.pk

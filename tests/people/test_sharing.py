"""A record is opened to somebody by who may change it, until a day, and closed again; on every surface at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from xiaoguan.customers.models import Contact, Customer
from xiaoguan.desk.conformance import sample
from xiaoguan.desk.models import Notification
from xiaoguan.people.models import Share

JSON = {"content_type": "application/json"}


def test_shared_with_a_person_to_read_then_to_change_then_ended(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing)
    contact = sample(Contact, cast.linjing, customer=customer)
    owner, guest = client_of("linjing"), client_of("wanglei")
    where = f"/customers/{customer.pk}"
    assert guest.get(where).status_code == 404
    said = owner.post(f"{where}/shares", {"person": cast.wanglei.pk, "right": "read"})
    assert said.status_code == 200 and "王磊" in said.json()["message"]
    assert guest.get(where).status_code == 200 and guest.get(f"/contacts/{contact.pk}").status_code == 200
    assert guest.get(f"{where}/edit").status_code == 403
    assert [n.kind for n in Notification.objects.filter(person_id=cast.wanglei.pk)] == ["share"]
    assert guest.post(f"{where}/shares", {"person": cast.helin.pk, "right": "read"}).status_code == 403
    assert guest.get(f"{where}/shares").status_code == 403
    owner.post(f"{where}/shares", {"person": cast.wanglei.pk, "right": "write"})
    share = Share.objects.get()
    assert share.right == "write" and guest.get(f"{where}/edit").status_code == 200
    assert "王磊" in owner.get(f"{where}/shares").content.decode()
    assert owner.post(f"{where}/shares/{share.pk}/end").status_code == 200
    assert guest.get(where).status_code == 404


def test_shared_with_a_team_until_a_day(cast: Any, client_of: Any, monkeypatch: Any) -> None:
    customer = sample(Customer, cast.linjing)
    tomorrow = timezone.localdate() + timedelta(days=1)
    where = f"/api/customers/{customer.pk}/shares"
    owner = client_of("linjing")
    made = owner.post(where, {"team": cast.teams["north"].pk, "ends_on": tomorrow.isoformat()}, **JSON)
    assert made.status_code == 201 and made.json()["right"] == "read"
    assert client_of("liqiang").get(f"/api/customers/{customer.pk}").status_code == 200
    assert {i["team"] for i in owner.get(where).json()["items"]} == {cast.teams["north"].pk}
    monkeypatch.setattr(timezone, "localdate", lambda *a: tomorrow)
    assert client_of("liqiang").get(f"/api/customers/{customer.pk}").status_code == 404
    assert owner.get(where).json()["items"] == []


def test_a_share_needs_one_receiver_a_right_and_a_day_to_come(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing)
    where, owner = f"/api/customers/{customer.pk}/shares", client_of("linjing")
    for body in (
        {},
        {"person": cast.wanglei.pk, "team": cast.teams["north"].pk},
        {"person": 999_999},
        {"person": cast.wanglei.pk, "right": "own"},
        {"person": cast.wanglei.pk, "ends_on": timezone.localdate().isoformat()},
        {"person": cast.linjing.pk},
        {"person": cast.wanglei.pk, "ends_on": [None, None]},
        {"somebody": 1},
    ):
        assert owner.post(where, body, **JSON).status_code == 422, body
    assert not Share.objects.exists()
    made = owner.post(where, {"person": cast.wanglei.pk}, **JSON).json()
    other = sample(Customer, cast.linjing)
    assert owner.delete(f"/api/customers/{other.pk}/shares/{made['id']}").status_code == 404
    assert owner.delete(f"{where}/{made['id']}").status_code == 204

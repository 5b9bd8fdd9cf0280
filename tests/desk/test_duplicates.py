"""What is there already is told while one types, safely; and a new record is written down over any page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection

from xiaoguan.customers.models import Contact, Customer, Lead
from xiaoguan.desk import bulk, duplicates
from xiaoguan.desk.conformance import desk, sample
from xiaoguan.desk.events import acting
from xiaoguan.desk.models import Notification
from xiaoguan.project.doctor import findings

JSON = {"content_type": "application/json"}
SCRIPT = {"Accept": "application/json"}
CODE = "91350100M000100Y43"


def found(viewer: Any, but: int | None = None, **values: str) -> list[tuple[int, tuple[str, ...], bool]]:
    return [(m.pk, tuple(m.fields), m.exact) for m in duplicates.find(desk("customer"), viewer, values, but)]


@pytest.fixture
def known(cast: Any) -> Customer:
    return sample(
        Customer, cast.wanglei, name="无锡启川包装制品有限公司", city="无锡", phone="138-1234 5678",
        email="Info@Qichuan.example", tax_number=CODE, note="secret",
    )  # fmt: skip


def test_each_field_finds_it_in_other_writing(cast: Any, known: Customer) -> None:
    viewer = cast.viewer("linjing")
    for name, value in (
        ("name", "启川包装制品（无锡）股份有限公司"),
        ("phone", "+86 13812345678"),
        ("email", " INFO@qichuan.example "),
        ("tax_number", "9135 0100 M000 100Y 43"),
    ):
        assert found(viewer, **{name: value}) == [(known.pk, (name,), True)], name
    assert found(viewer, name="启川包装") == [(known.pk, ("name",), False)]
    assert found(viewer, name="起川包装制品") == [(known.pk, ("name",), False)]  # it sounds the same
    assert found(viewer, name="海天食品") == found(viewer, phone="123") == found(viewer) == []
    assert found(viewer, known.pk, name="启川包装制品") == []


def test_keys_follow_saves_bulk_writes_and_deletions(cast: Any, known: Customer) -> None:
    viewer = cast.viewer("linjing")
    known.phone = "13900000009"
    known.save()
    assert found(viewer, phone="13812345678") == [] and found(viewer, phone="13900000009")
    target = bulk.Target(Customer, ["name", "phone", "registered_on"])
    with acting(None, "import"):
        pk = target.allocate(1)[0]
        target.insert([(pk, None, ["深圳海天科技", "13700000001", known.registered_on], "")])
        assert found(viewer, phone="13700000001") == [(pk, ("phone",), True)]
        target.update([(pk, 1, {1: ("13700000001", "13700000002")}, None, "")])
    assert found(viewer, phone="13700000001") == [] and found(viewer, phone="13700000002")
    Customer.objects.get(pk=pk).delete()
    assert found(viewer, phone="13700000002") == []
    assert duplicates.rebuild(desk("customer")) == Customer.objects.count() and found(viewer, phone="13900000009")


def test_records_of_before_there_were_keys_get_them(cast: Any, known: Customer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM desk_duplicate")
    assert duplicates.missing(desk("customer")) and not duplicates.missing(desk("person"))
    assert any("duplicates" in issue.message for issue in findings())
    assert found(cast.viewer("linjing"), phone="13812345678") and not duplicates.missing(desk("customer"))


def test_who_may_not_read_it_is_told_only_what_is_safe_and_asks_the_owner(
    cast: Any, client_of: Any, known: Customer
) -> None:
    seller = client_of("linjing")
    page = seller.post("/customers/duplicates", {"name": "启川包装制品"}).content.decode()
    assert "无锡启川包装制品有限公司" in page and "王磊" in page and "· 无锡" in page
    assert "secret" not in page and "138-1234" not in page and f'href="/customers/{known.pk}"' not in page
    asked = re.search(rf'data-do="(/customers/{known.pk}/ask-owner[^"]+)"', page)
    assert asked is not None
    for _n in range(2):
        assert seller.post(asked[1]).status_code == 200
    assert [n.person_id for n in Notification.objects.filter(kind="duplicate")] == [cast.wanglei.pk]
    own = client_of("wanglei").post("/customers/duplicates", {"name": "启川包装制品"}).content.decode()
    assert f'href="/customers/{known.pk}"' in own and "ask-owner" not in own


def test_who_was_not_shown_a_record_cannot_ask_after_its_number(cast: Any, client_of: Any, known: Customer) -> None:
    other = sample(Customer, cast.wanglei, name="从未显示的公司")
    mine = duplicates.mark(cast.viewer("linjing"), desk("customer"), known.pk)
    late = Customer.objects.latest("pk").pk + 1
    for name, pk, shown in (
        ("linjing", other.pk, mine),  # another record than the one that was shown
        ("linjing", late, mine),  # one that is not there: the same answer
        ("linjing", known.pk, ""),
        ("linjing", known.pk, f"x{mine}"),
        ("zhouhang", known.pk, mine),  # what somebody else was shown
    ):
        assert client_of(name).post(f"/customers/{pk}/ask-owner?shown={shown}").status_code == 404
        assert client_of(name).post(f"/api/customers/{pk}/ask-owner", {"shown": shown}, **JSON).status_code == 404
    assert client_of("linjing").post(f"/leads/{known.pk}/ask-owner?shown={mine}").status_code == 404
    assert not Notification.objects.exists()


def test_what_nobody_has_may_be_claimed(cast: Any, client_of: Any) -> None:
    free = sample(Customer, cast.linjing, name="南通棠柏冷链", owner=None)
    page = client_of("wanglei").post("/customers/duplicates", {"name": "棠柏冷链"}).content.decode()
    assert f'data-do="/customers/{free.pk}/claim"' in page


def test_a_tax_number_is_somebodys_alone_unless_permitted(cast: Any, client_of: Any, known: Customer) -> None:
    body = {"name": "另一家公司", "tax_number": CODE}
    refused = client_of("linjing").post("/api/customers", body, **JSON)
    assert refused.status_code == 422 and "王磊" in refused.json()["fields"]["tax_number"][0]
    page = client_of("linjing").post("/customers/new", {**body, "kind": "organisation", "channel": "direct"})
    assert page.status_code == 422 and "无锡启川" in page.content.decode()
    assert client_of("wufang").post("/api/customers", body, **JSON).status_code == 201
    known.city = "苏州"  # one's own number does not stand in the way of another change
    answer = client_of("wanglei").patch(f"/api/customers/{known.pk}", {"city": "苏州", "tax_number": CODE}, **JSON)
    assert answer.status_code == 200


@pytest.mark.parametrize(("number", "status"), [("91350100M000100Y44", 422), ("DE123456789", 201), (CODE, 201)])
def test_a_credit_code_with_a_wrong_character_is_refused(client_of: Any, cast: Any, number: str, status: int) -> None:
    body = {"name": "新公司", "tax_number": number}
    assert client_of("linjing").post("/api/customers", body, **JSON).status_code == status


def test_a_similar_name_only_warns(client_of: Any, cast: Any, known: Customer) -> None:
    assert client_of("linjing").post("/api/customers", {"name": known.name}, **JSON).status_code == 201


def test_programs_ask_for_duplicates_and_cards(cast: Any, client_of: Any, known: Customer) -> None:
    program = client_of("linjing")
    item = program.post("/api/customers/duplicates", {"phone": "13812345678"}, **JSON).json()["items"][0]
    assert (item["id"], item["owner"], item["readable"]) == (known.pk, cast.wanglei.pk, False)
    assert item["safe"] == {"城市": "无锡"} or item["safe"] == {"city": "无锡"}
    assert program.post("/api/customers/duplicates", {"note": "x"}, **JSON).status_code == 422
    card = program.post("/api/leads/card", {"text": "李女士 蓝海物流 13900000001"}, **JSON).json()["fields"]
    assert card == {"name": "李女士", "company": "蓝海物流", "phone": "13900000001"}
    assert program.post("/api/leads/card", {"text": "0" * 4_001}, **JSON).status_code == 422
    where = f"/api/customers/{known.pk}/ask-owner"
    assert program.post(where, {"shown": item["shown"]}, **JSON).json() == {"told": 1}
    assert program.post(where, {}, **JSON).status_code == 422


def test_something_new_from_anywhere_with_the_fewest_fields(cast: Any, client_of: Any) -> None:
    customer, seller = sample(Customer, cast.linjing), client_of("linjing")
    sheet = seller.get(f"/create?of=contacts&from=/customers/{customer.pk}").content.decode()
    assert f'value="{customer.pk}" selected' in sheet and 'name="title"' not in sheet
    data = {"name": "张工", "customer": customer.pk, "phone": "13900000001"}
    answer = seller.post("/contacts/quick", data, headers=SCRIPT)
    assert answer.status_code == 200, answer.content
    made = Contact.objects.get(name="张工")
    assert answer.json()["url"] == f"/contacts/{made.pk}"
    assert seller.post(answer.json()["undo_url"], headers=SCRIPT).json()["done"] == 1
    wrong = seller.post("/contacts/quick", {"name": ""}, headers=SCRIPT)
    assert wrong.status_code == 422 and 'class="errorlist"' in wrong.content.decode()
    assert seller.get("/customers/quick?given=customer=999999").status_code == 200


def test_quick_create_keeps_what_is_filled_in_beforehand(cast: Any, client_of: Any) -> None:
    seller = client_of("linjing")
    sheet = seller.get("/create?of=customers").content.decode()
    assert f'<input type="hidden" name="owner" value="{cast.linjing.pk}"' in sheet
    assert client_of("helin").get("/customers/quick").status_code in (200, 403)
    assert client_of("linjing").post("/roles/quick", {"name": "x"}).status_code == 403


# Across kinds


def told(page: str) -> list[str]:
    """The names in a warning."""
    return re.findall(r"<li><span class=\"grow\"><(?:a|b)[^>]*>([^<]+)<", page)


def test_a_lead_that_is_a_customer_or_a_contact_already_is_told_and_the_other_way_round(
    cast: Any, client_of: Any, known: Customer
) -> None:
    sample(Contact, cast.linjing, name="钱工", customer=known, phone="0510-8888 1234", email="qian@else.example")
    sample(
        Lead, cast.wanglei, name="孙女士", company="苏州棠柏冷链有限公司", phone="13700000003", email="sun@t.example"
    )
    seller = client_of("linjing")
    for kind, values, expected in (
        ("leads", {"company": "启川包装制品(无锡)"}, "无锡启川包装制品有限公司"),
        ("leads", {"name": "x", "phone": "13812345678"}, "无锡启川包装制品有限公司"),
        ("leads", {"email": "INFO@qichuan.example"}, "无锡启川包装制品有限公司"),
        ("leads", {"phone": "051088881234"}, "钱工"),
        ("customers", {"name": "棠柏冷链"}, "孙女士"),
        ("customers", {"email": "qian@else.example"}, "钱工"),
        ("contacts", {"phone": "13700000003"}, "孙女士"),
        ("contacts", {"phone": "138 1234 5678"}, "无锡启川包装制品有限公司"),
    ):
        assert told(seller.post(f"/{kind}/duplicates", values).content.decode()) == [expected], (kind, values)
    assert told(seller.post("/contacts/duplicates", {"name": "启川包装制品"}).content.decode()) == []  # a person's name
    page = seller.post("/leads/duplicates", {"company": "启川包装制品"}).content.decode()
    assert "secret" not in page and "138-1234" not in page and f'href="/customers/{known.pk}"' not in page
    assert client_of("helin").post("/leads/duplicates", {"company": "启川包装制品"}).status_code == 200


def test_of_a_kind_that_is_closed_to_somebody_nothing_is_told(cast: Any, known: Customer, monkeypatch: Any) -> None:
    customers, viewer = desk("customer"), cast.viewer("linjing")
    values = {"company": "启川包装制品"}
    assert [m.pk for m in duplicates.find_everywhere(desk("lead"), viewer, values)] == [known.pk]
    monkeypatch.setattr(type(customers), "may_open", lambda self, viewer: False)
    assert duplicates.find_everywhere(desk("lead"), viewer, values) == []


def test_what_belongs_together_is_no_duplicate(cast: Any, client_of: Any, known: Customer) -> None:
    contact = sample(Contact, cast.linjing, name="钱工", customer=known, phone=known.phone)
    lead = sample(Lead, cast.wanglei, name="李先生", company=known.name, phone="13700000008")
    Lead.objects.filter(pk=lead.pk).update(customer=known)
    seller = client_of("wanglei")
    own = {"name": known.name, "phone": known.phone}
    assert told(seller.post("/customers/duplicates", {**own, "but": known.pk}).content.decode()) == []
    fresh = {"name": "新人", "phone": known.phone, "customer": known.pk}
    assert told(seller.post("/contacts/duplicates", fresh).content.decode()) == ["钱工"]  # not the customer itself
    moved = {"phone": "13700000008", "customer": known.pk, "but": contact.pk}
    assert told(seller.post("/contacts/duplicates", moved).content.decode()) == []
    page = seller.post("/leads/duplicates", {"company": known.name, "but": lead.pk}).content.decode()
    assert told(page) == []
    assert told(seller.post("/customers/duplicates", {"name": known.name}).content.decode()) == [known.name]


def test_programs_are_told_of_other_kinds_too(cast: Any, client_of: Any, known: Customer) -> None:
    body = {"company": "启川包装制品", "phone": ""}
    items = client_of("linjing").post("/api/leads/duplicates", body, **JSON).json()["items"]
    assert [(i["entity"], i["id"], i["fields"]) for i in items] == [("customer", known.pk, ["name"])]
    where, shown = f"/api/customers/{known.pk}/ask-owner", {"shown": items[0]["shown"]}
    assert client_of("linjing").post(where, shown, **JSON).json() == {"told": 1}

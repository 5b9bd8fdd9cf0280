"""What a company sets for its roles, what people share, and who stands in for whom, on every surface alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from xiaoguan.customers.models import Contact, Customer
from xiaoguan.desk import conformance
from xiaoguan.people.models import Deputy, FieldLevel, Grant, Role, RoleAssignment, Share
from xiaoguan.sales.models import Opportunity

TODAY = timezone.localdate()


def sees(cast: Any, client_of: Any, name: str, records: list[Any]) -> dict[str, set[int]]:
    desk = conformance.desk(records[0]._meta.model_name)
    viewer, browser = cast.viewer(name), client_of(name)
    assert not list(conformance.leaks(desk, viewer, browser, records))
    return {
        surface: found
        for surface, found in conformance.seen(desk, viewer, browser, records)
        if surface not in ("export rows", "number")
    }


def grant(role: str, entity: str, deed: str, scope: str) -> None:
    Grant(role=Role.objects.get(code=role), entity=entity, deed=deed, scope=scope).save()


def test_a_company_narrows_and_widens_what_a_role_sees(cast: Any, client_of: Any) -> None:
    mine, mate, far = (conformance.sample(Opportunity, cast.people[n]) for n in ("linjing", "zhouhang", "wanglei"))
    everything = [mine, mate, far]
    for scope, expected in {
        "none": set(),
        "own": {mine.pk},
        "team": {mine.pk, mate.pk},
        "all": {mine.pk, mate.pk, far.pk},
    }.items():
        Grant.objects.all().delete()
        grant("sales_rep", "opportunity", "read", scope)
        found = sees(cast, client_of, "linjing", everything)
        assert {tuple(sorted(ids)) for name, ids in found.items() if name != "edit"} == {tuple(sorted(expected))}, scope


def test_with_two_roles_the_widest_holds(cast: Any, client_of: Any) -> None:
    far = conformance.sample(Opportunity, cast.wanglei)
    grant("sales_rep", "opportunity", "read", "own")
    assert sees(cast, client_of, "linjing", [far])["list"] == set()
    RoleAssignment(person=cast.linjing, role=Role.objects.get_or_create(code="operations")[0], starts_on=TODAY).save()
    assert sees(cast, client_of, "linjing", [far])["list"] == {far.pk}


def test_a_verb_and_an_export_can_be_taken_from_a_role(cast: Any, client_of: Any) -> None:
    sale = conformance.sample(Opportunity, cast.linjing)
    grant("sales_rep", "opportunity", "verb:hand_over", "none")
    grant("sales_rep", "opportunity", "export", "none")
    browser = client_of("linjing")
    assert browser.post(f"/opportunities/{sale.pk}/hand_over", {"to": cast.zhouhang.pk}).status_code == 403
    assert f"/opportunities/{sale.pk}/hand_over" not in browser.get(f"/opportunities/{sale.pk}").content.decode()
    assert browser.get("/opportunities/export.csv").status_code == 403
    assert client_of("sunzong").get("/opportunities/export.csv").status_code == 200


def test_a_shared_record_is_seen_with_what_belongs_to_it_until_its_day(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing)
    contact = conformance.sample(Contact, cast.linjing, customer=customer)
    assert sees(cast, client_of, "wanglei", [customer])["list"] == set()
    share = Share(entity="customer", record_id=customer.pk, person=cast.wanglei, ends_on=TODAY + timedelta(days=3))
    share.save()
    found = sees(cast, client_of, "wanglei", [customer])
    assert found["list"] == found["api read"] == {customer.pk} and found["edit"] == set()
    assert sees(cast, client_of, "wanglei", [contact])["list"] == {contact.pk}
    share.right = Share.Right.WRITE
    share.save()
    assert sees(cast, client_of, "wanglei", [customer])["edit"] == {customer.pk}
    Share.objects.filter(pk=share.pk).update(ends_on=TODAY)
    share.derive([share.pk])
    assert sees(cast, client_of, "wanglei", [customer])["list"] == set()


def test_a_team_that_a_record_is_shared_with_sees_it(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing)
    Share(entity="customer", record_id=customer.pk, team=cast.teams["north"]).save()
    assert sees(cast, client_of, "wanglei", [customer])["list"] == {customer.pk}


def test_a_deputy_does_for_the_absent_what_they_may(cast: Any, client_of: Any) -> None:
    sale = conformance.sample(Opportunity, cast.linjing)
    away = Deputy(person=cast.linjing, deputy=cast.wanglei, starts_on=TODAY, ends_on=TODAY + timedelta(days=7))
    away.save()
    found = sees(cast, client_of, "wanglei", [sale])
    assert found["list"] == found["edit"] == {sale.pk}
    longer = client_of("wanglei").patch(f"/api/deputies/{away.pk}", {"ends_on": None}, content_type="application/json")
    assert longer.status_code == 403
    away.delete()
    assert sees(cast, client_of, "wanglei", [sale])["list"] == set()


def hide(role: str, field: str, level: str) -> None:
    FieldLevel(role=Role.objects.get(code=role), entity="customer", field=field, level=level).save()


def test_a_field_that_is_only_read_masked_or_not_there(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing, phone="021-5550147", tax_number="", note="密约")
    browser, where = client_of("linjing"), f"/api/customers/{customer.pk}"
    hide("sales_rep", "city", "read")
    hide("sales_rep", "phone", "masked")
    hide("sales_rep", "note", "none")
    told = browser.get(where).json()
    assert told["phone"] == "021****47" and "note" not in told and told["city"] == customer.city
    for field in ("city", "phone", "note"):
        answer = browser.patch(where, {field: "x"}, content_type="application/json")
        assert answer.status_code == 422 and field in answer.json()["fields"], field
    for page in (f"/customers/{customer.pk}", f"/customers/{customer.pk}/edit", "/customers/", "/customers/export.csv"):
        answer = client_of("linjing").get(page)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert "5550147" not in body.decode() and "密约" not in body.decode(), page
    stored = Customer.objects.get(pk=customer.pk)
    assert (stored.phone, stored.note) == ("021-5550147", "密约")
    assert client_of("sunzong").get(where).json()["phone"] == "021-5550147"


def test_who_makes_a_record_fills_in_what_is_masked_afterwards(cast: Any, client_of: Any) -> None:
    hide("sales_rep", "phone", "masked")
    browser = client_of("linjing")
    assert 'name="phone"' in browser.get("/customers/new").content.decode()
    answer = browser.post("/api/customers", {"name": "新客", "phone": "13800138000"}, content_type="application/json")
    made = answer.json()
    assert answer.status_code == 201 and made["phone"] != "13800138000"
    assert Customer.objects.get(pk=made["id"]).phone == "13800138000"
    where = f"/api/customers/{made['id']}"
    assert browser.patch(where, {"phone": "1"}, content_type="application/json").status_code == 422
    assert 'name="phone"' not in browser.get(f"/customers/{made['id']}/edit").content.decode()


def test_what_is_masked_is_not_found_out_by_asking(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing, phone="13812345678", website="https://hidden.example")
    hide("sales_rep", "phone", "masked")
    hide("sales_rep", "website", "none")
    browser = client_of("linjing")
    for words in ("5678", "13812345678", "1381"):
        assert browser.get("/customers/pick", {"q": words}).json() == [], words
        assert browser.get("/api/customers", {"q": words}).json()["items"] == []
        assert str(customer.pk) in client_of("sunzong").get("/customers/pick", {"q": words}).content.decode()
    for query in ({"where": "phone:starts:138"}, {"sort": "phone"}, {"where": "website:contains:hidden"}):
        assert browser.get("/api/customers", query).status_code == 400, query

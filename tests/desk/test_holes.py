"""Ways around a right that somebody found by reading: each stays closed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.forms import CharField, Form
from django.http import QueryDict
from django.template import engines
from django.test import override_settings
from django.utils import timezone

from xiaoguan.customers.models import Customer
from xiaoguan.desk import conformance, forms, many, undo
from xiaoguan.desk.events import acting
from xiaoguan.desk.importing import reading
from xiaoguan.desk.importing.draft import begin
from xiaoguan.desk.importing.work import begin_import
from xiaoguan.desk.jobs import Job, drain
from xiaoguan.desk.listing import Listing
from xiaoguan.desk.models import Event
from xiaoguan.people.models import Deputy, FieldLevel, Grant, Role, Share, Token
from xiaoguan.sales.models import Opportunity, Order

TODAY = timezone.localdate()


def read_only(entity: str, name: str) -> None:
    FieldLevel(role=Role.objects.get(code="sales_rep"), entity=entity, field=name, level="read").save()


def test_an_earlier_version_brings_back_no_field_that_one_may_not_change(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing, name="A", city="一")
    customer.name, customer.city = "B", "二"
    customer.save()
    first = Event.objects.filter(entity="customer", record_id=customer.pk).earliest("pk").pk
    read_only("customer", "city")
    client_of("linjing").post(f"/customers/{customer.pk}/as-of/{first}")
    customer.refresh_from_db()
    assert (customer.name, customer.city) == ("A", "二")


def test_what_others_did_to_a_field_that_one_may_not_change_is_not_taken_back(cast: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing, city="一")
    with acting(cast.chenmin.pk, "page") as deed:
        customer.city = "二"
        customer.save()
    read_only("customer", "city")
    assert undo.undo_batch(deed.batch, cast.viewer("linjing")).done == 0
    assert undo.undo_batch(deed.batch, cast.viewer("chenmin")).done == 1


def test_an_earlier_version_is_no_way_around_a_verb(cast: Any, client_of: Any) -> None:
    sale = conformance.sample(Opportunity, cast.linjing, title="A")
    first = Event.objects.filter(entity="opportunity", record_id=sale.pk).earliest("pk").pk
    sale.lose(Opportunity.Reason.values[0])
    rep = Role.objects.get(code="sales_rep")
    for verb in conformance.desk("opportunity").verbs:
        Grant(role=rep, entity="opportunity", deed=f"verb:{verb.name}", scope="none").save()
    client_of("linjing").post(f"/opportunities/{sale.pk}/as-of/{first}")
    sale.refresh_from_db()
    assert sale.result == Opportunity.Result.LOST
    for grant in Grant.objects.all():
        grant.delete()
    client_of("linjing").post(f"/opportunities/{sale.pk}/as-of/{first}")
    sale.refresh_from_db()
    assert sale.result == Opportunity.Result.OPEN


def test_an_export_goes_as_far_as_the_company_lets_it(cast: Any, client_of: Any) -> None:
    mine, mate = (conformance.sample(Customer, cast.people[n], name=f"客户{n}") for n in ("linjing", "zhouhang"))
    browser = client_of("chenmin")

    def taken() -> str:
        return b"".join(browser.get("/customers/export.csv").streaming_content).decode()

    assert mine.name in taken() and mate.name in taken()
    Grant(role=Role.objects.get(code="sales_manager"), entity="customer", deed="export", scope="own").save()
    assert mine.name not in taken() and mate.name not in taken()


def test_a_box_that_looks_up_names_nothing_unseen(cast: Any, client_of: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(forms, "FEW", 0)
    seen, unseen = (conformance.sample(Customer, cast.people[n], name=f"客户{n}") for n in ("linjing", "wanglei"))
    browser = client_of("linjing")
    assert seen.name in browser.get(f"/opportunities/new?customer={seen.pk}").text
    assert unseen.name not in browser.get(f"/opportunities/new?customer={unseen.pk}").text
    assert unseen.name not in browser.post("/opportunities/new", {"customer": unseen.pk}).text


def test_what_was_shared_is_not_shared_on(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing)
    Share(
        entity="customer", record_id=customer.pk, team=cast.teams["north"], right=Share.Right.WRITE,
        ends_on=TODAY + timedelta(days=3),
    ).save()  # fmt: skip
    address = f"/customers/{customer.pk}/shares"
    assert client_of("wanglei").post(address, {"team": cast.teams["north"].pk, "right": "write"}).status_code == 403
    assert Share.objects.get().ends_on == TODAY + timedelta(days=3)
    assert client_of("linjing").post(address, {"person": cast.helin.pk, "right": "read"}).status_code == 200


def test_nobody_becomes_a_deputy_by_a_share(cast: Any, client_of: Any) -> None:
    row = Deputy(person=cast.linjing, deputy=cast.wanglei, starts_on=TODAY)
    row.save()
    address = f"{conformance.desk('deputy').url('detail', pk=row.pk)}/shares"
    answer = client_of("linjing").post(address, {"person": cast.wanglei.pk, "right": "write"})
    assert answer.status_code == 422 and not Share.objects.exists()


def test_the_file_of_refusals_holds_no_formula(tmp_path: Path) -> None:
    running = SimpleNamespace(folder=tmp_path)
    many._tell(running, many.Outcome(0, [(1, "=HYPERLINK(1)", "@no")]))
    assert (tmp_path / "refused.csv").read_text("utf-8-sig").splitlines()[1] == "1,'=HYPERLINK(1),'@no"


def test_a_program_attaches_no_more_than_a_page(cast: Any, client: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing)
    _token, text = Token.issue(cast.linjing.account, "x", "write")
    asked = {"data": {"text": "x" * 2000}, "headers": {"Authorization": f"Bearer {text}"}}
    with override_settings(UPLOAD_MB=0):
        assert client.post(f"/api/customers/{customer.pk}/comments", **asked).status_code == 413
    assert client.post(f"/api/customers/{customer.pk}/comments", **asked).status_code == 201


@pytest.mark.parametrize("address", ["/customers/bin?before=²", "/customers/bin?before=99999999999999999999"])
def test_a_marker_that_is_none_is_no_fault(cast: Any, client_of: Any, address: str) -> None:
    assert client_of("linjing").get(address).status_code == 200


def test_a_marker_of_the_timeline_that_is_too_large_is_no_page(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing)
    answer = client_of("linjing").get(f"/customers/{customer.pk}/timeline?after=steps-99999999999999999999_1")
    assert answer.status_code == 404


def test_an_import_writes_nothing_that_needs_an_approval(cast: Any, tmp_path: Path) -> None:
    order = conformance.sample(Order, cast.linjing, number="SO-1", status="confirmed")
    path = tmp_path / "orders.csv"
    path.write_text("number,status\nSO-1,cancelled\n")
    viewer = cast.viewer("linjing")
    draft = begin(viewer, conformance.desk("order"), path, path.name)
    draft.mapping, draft.match = {"number": "number", "status": "status"}, ["number"]
    draft.save()
    begin_import(draft, viewer)
    drain()
    order.refresh_from_db()
    assert order.status == "confirmed"
    assert "审批" in (Job.objects.get(kind="import").folder / "refused.csv").read_text("utf-8-sig")


def test_a_document_of_ever_other_names_is_no_table(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps([{f"name{n}": 1} for n in range(30)]))
    assert reading.opened(path).count() == 30
    monkeypatch.setattr(reading, "CELLS", 800)
    with pytest.raises(reading.Unreadable):
        reading.opened(path)


def test_the_help_of_a_field_is_text() -> None:
    class Asked(Form):
        name = CharField(help_text="<img src=x>")

    macros = engines["jinja2"].env.get_template("_macros.html").module
    assert "&lt;img src=x&gt;" in str(macros.field_notes(Asked()["name"]))


def test_a_list_is_not_in_the_order_of_a_hidden_field(cast: Any) -> None:
    desk = conformance.desk("opportunity")
    rows = [conformance.sample(Opportunity, cast.linjing, closes_on=TODAY - timedelta(days=n)) for n in (0, 1, 2)]
    ids = [row.pk for row in rows]
    assert Listing.read(desk, cast.viewer("linjing"), QueryDict()).ids(3)[0] == ids
    FieldLevel(
        role=Role.objects.get(code="sales_rep"), entity="opportunity", field="closes_on", level="none"
    ).save()  # fmt: skip
    assert Listing.read(desk, cast.viewer("linjing"), QueryDict()).ids(3)[0] == ids[::-1]


@pytest.mark.parametrize("value", ["9e18", "-922337203685477.5809", "1e400"])
def test_a_number_that_no_column_holds_is_refused(cast: Any, client_of: Any, value: str) -> None:
    told = {"goal": "g", "starts_on": "2026-01-01", "ends_on": "2026-02-01", "value": value}
    answer = client_of("wufang").post("/api/goal-targets", told, content_type="application/json")
    assert answer.status_code == 422 and "value" in answer.json()["fields"], answer.content

"""What programs need of an API: tokens, requests that are done once, versions, many deeds at once, a limit."""

from __future__ import annotations

import os
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.test import Client
from django.utils import timezone

from xiaoguan.customers.models import Customer
from xiaoguan.desk import conformance
from xiaoguan.desk.api import allowance
from xiaoguan.desk.models import Answered, Event
from xiaoguan.people.models import Token

JSON = "application/json"


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_a_token_does_what_its_account_may_within_its_scopes(cast: Any) -> None:
    mine, far = (conformance.sample(Customer, cast.people[n]) for n in ("linjing", "wanglei"))
    token, text = Token.issue(cast.linjing.account, "Excel", "read activity:write")
    assert text not in (token.digest, token.hint)
    program = Client(enforce_csrf_checks=True)
    ids = {i["id"] for i in program.get("/api/customers", headers=bearer(text)).json()["items"]}
    assert mine.pk in ids and far.pk not in ids
    refused = program.patch(f"/api/customers/{mine.pk}", {"city": "x"}, content_type=JSON, headers=bearer(text))
    assert (refused.status_code == 403 and "token" in refused.json()["error"].lower()) or "令牌" in refused.json()[
        "error"
    ]
    made = program.post(
        "/api/activities", {"subject": "call", "customer": mine.pk}, content_type=JSON, headers=bearer(text)
    )
    assert made.status_code == 201, made.content
    event = Event.objects.get(entity="activity", record_id=made.json()["id"])
    assert (event.actor_id, event.via) == (cast.linjing.pk, "api")
    assert Token.objects.get(pk=token.pk).used_on == timezone.localdate()
    assert program.get("/customers/", headers=bearer(text)).status_code == 302, "a token opens no pages"


@pytest.mark.parametrize("why", ["unknown", "ended", "left", "taken back"])
def test_a_token_that_is_not_valid_any_more(cast: Any, why: str) -> None:
    token, text = Token.issue(cast.linjing.account, "x", "read")
    if why == "unknown":
        text += "x"
    elif why == "ended":
        Token.objects.filter(pk=token.pk).update(expires_on=timezone.localdate())
    elif why == "left":
        type(cast.linjing.account).objects.filter(pk=cast.linjing.account.pk).update(is_active=False)
    else:
        token.delete()
    answer = Client().get("/api/customers", headers=bearer(text))
    assert answer.status_code == 401 and answer.json()["error"]


def test_tokens_are_made_and_taken_back_on_a_page(cast: Any, client_of: Any) -> None:
    browser = client_of("linjing")
    assert browser.post("/tokens/", {"name": "x", "scopes": "everything"}).status_code == 422
    page = browser.post("/tokens/", {"name": "Excel", "scopes": "read"}).content.decode()
    text = page.split('<code class="token" tabindex="0">')[1].split("<")[0]
    assert Client().get("/api/customers", headers=bearer(text)).status_code == 200
    token = Token.objects.get()
    assert text not in browser.get("/tokens/").content.decode()
    assert client_of("wanglei").post(f"/tokens/{token.pk}/take-back").status_code == 404
    client_of("linjing").post(f"/tokens/{token.pk}/take-back")
    assert Client().get("/api/customers", headers=bearer(text)).status_code == 401


def test_a_request_with_a_key_is_done_once(cast: Any, client_of: Any) -> None:
    browser, key = client_of("linjing"), {"Idempotency-Key": "order-7"}
    first = browser.post("/api/customers", {"name": "一次"}, content_type=JSON, headers=key)
    again = browser.post("/api/customers", {"name": "一次"}, content_type=JSON, headers=key)
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    assert again["Idempotent-Replay"] == "true" and Customer.objects.filter(name="一次").count() == 1
    other = browser.post("/api/customers", {"name": "两次"}, content_type=JSON, headers=key)
    assert other.status_code == 422 and not Customer.objects.filter(name="两次").exists()
    refused = browser.post("/api/customers", {"name": ""}, content_type=JSON, headers={"Idempotency-Key": "b"})
    assert refused.status_code == 422 and Answered.objects.count() == 1, "what was refused may be tried again"
    mine = client_of("chenmin").post("/api/customers", {"name": "一次"}, content_type=JSON, headers=key)
    assert mine.status_code == 201 and "Idempotent-Replay" not in mine, "keys belong to an account"


def test_versions_and_marks(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing)
    browser, where = client_of("linjing"), f"/api/customers/{customer.pk}"
    read = browser.get(where)
    assert browser.get(where, headers={"If-None-Match": read["ETag"]}).status_code == 304
    changed = browser.patch(where, {"city": "成都"}, content_type=JSON, headers={"If-Match": '"1"'})
    assert changed.status_code == 200 and changed.json()["version"] == 2
    late = browser.patch(where, {"city": "重庆"}, content_type=JSON, headers={"If-Match": '"1"'})
    assert late.status_code == 412 and Customer.objects.get(pk=customer.pk).city == "成都"
    assert browser.get(where, headers={"If-None-Match": read["ETag"]}).status_code == 200


def test_fields_that_are_asked_for_and_no_others(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing)
    browser = client_of("linjing")
    items = browser.get("/api/customers", {"fields": "name,owner_name"}).json()["items"]
    assert items == [{"id": customer.pk, "name": customer.name, "owner_name": "林静"}]
    refused = browser.get("/api/customers", {"fields": "nmae"})
    assert refused.status_code == 400 and "name" in refused.json()["error"]


def test_many_deeds_are_all_done_or_none(cast: Any, client_of: Any) -> None:
    mine, far = (conformance.sample(Customer, cast.people[n]) for n in ("linjing", "wanglei"))
    items = [
        {"do": "create", "values": {"name": "甲"}},
        {"do": "change", "id": mine.pk, "values": {"city": "成都"}},
        {"do": "change", "id": far.pk, "values": {"city": "成都"}},
        {"do": "chnage", "id": mine.pk},
    ]
    browser = client_of("linjing")
    answer = browser.post("/api/customers/bulk", {"items": items}, content_type=JSON)
    assert answer.status_code == 422 and [r["status"] for r in answer.json()["results"]] == [424, 424, 404, 422]
    assert not Customer.objects.filter(name="甲").exists()
    answer = browser.post("/api/customers/bulk", {"items": items, "partial": True}, content_type=JSON)
    assert [r["status"] for r in answer.json()["results"]] == [201, 200, 404, 422]
    assert Customer.objects.get(pk=mine.pk).city == "成都"
    undone = browser.post(f"/undo/{answer.json()['batch']}", headers={"Accept": JSON})
    assert undone.json()["done"] == 2 and not Customer.objects.filter(name="甲").exists()


def test_too_many_requests_are_told_when_to_come_back(cast: Any, client_of: Any, settings: Any, tmp_path: Path) -> None:
    settings.HOME, settings.API_RATE = tmp_path, 2
    browser = client_of("linjing")
    answers = [browser.get("/api/currencies") for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) >= 1 and timedelta(seconds=int(answers[2]["Retry-After"])).seconds <= 60
    assert client_of("zhouhang").get("/api/currencies").status_code == 200


def test_processes_count_requests_together(settings: Any, tmp_path: Path, monkeypatch: Any) -> None:
    settings.HOME, settings.API_RATE = tmp_path, 10_000
    monkeypatch.setattr(allowance, "time", lambda: 1_000_000.0)
    allowance.ask(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads; the child touches none of them
        children = [os.fork() or _asks_and_ends(2_000) for _ in range(3)]
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert allowance.ask(7) == (10_000 - 6_002, 60)
    assert allowance.ask(8)[0] == 9_999
    monkeypatch.setattr(allowance, "time", lambda: 1_000_060.0)
    assert allowance.ask(7)[0] == 9_999


def _asks_and_ends(times: int) -> NoReturn:
    try:
        for _ in range(times):
            allowance.ask(7)
    finally:
        os._exit(0)


def test_no_account_makes_another_lose_its_count_where_there_is_room(settings: Any, tmp_path: Path) -> None:
    settings.HOME, settings.API_RATE = tmp_path, 100
    for account in range(1, 1_001):
        allowance.ask(account)
    assert {allowance.ask(account)[0] for account in range(1, 1_001)} == {98}
    settings.HOME = tmp_path / "gone"  # no such folder: this process counts for itself
    assert [allowance.ask(1)[0] for _ in range(2)] == [99, 98]

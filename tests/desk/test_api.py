"""The API: its document is valid and true, and every refusal has one form."""

from __future__ import annotations

from typing import Any

from openapi_spec_validator import validate

from xiaoguan.desk import conformance
from xiaoguan.desk.api import openapi
from xiaoguan.desk.models import Event

READERS = {"payterms": "helin", "grant": "gaoxiang", "fieldlevel": "gaoxiang", "rating": "linjing"}


def post(browser: Any, url: str, **data: Any) -> Any:
    return browser.post(url, data, content_type="application/json")


def test_the_document_is_valid_and_names_every_desk() -> None:
    document = openapi()
    validate(document)
    for desk in conformance.every_desk():
        assert f"/api/{desk.url_name}" in document["paths"]
    assert "/api/opportunities/{id}/win" in document["paths"]


def test_what_the_document_promises_is_what_comes(cast: Any, client_of: Any) -> None:
    document = openapi()
    for desk in conformance.every_desk():
        record = conformance.sample(desk.model, cast.linjing)
        shown = client_of(READERS.get(desk.key, "sunzong")).get(f"/api/{desk.url_name}/{record.pk}").json()
        promised = document["components"]["schemas"][desk.model.__name__]["properties"]
        assert set(shown) == set(promised), desk.key


def test_create_change_do_and_delete(cast: Any, client_of: Any) -> None:
    browser = client_of("chenmin")
    made = post(browser, "/api/customers", name="海天智能", phone="021-5555")
    assert made.status_code == 201 and made.json()["owner_name"] == "陈敏", made.content
    customer = made.json()["id"]
    sale = post(
        browser, "/api/opportunities", title="采购", customer=customer, amount="12,300.5", closes_on="2026-12-01"
    ).json()
    assert (sale["amount"], sale["currency"], sale["stage"]) == ("12300.50", "CNY", "identify")
    where = f"/api/opportunities/{sale['id']}"
    changed = browser.patch(where, {"amount": "99.0001", "version": 1}, content_type="application/json").json()
    assert (changed["amount"], changed["version"]) == ("99.0001", 2)
    stale = browser.patch(where, {"amount": "1", "version": 1}, content_type="application/json")
    assert stale.status_code == 409 and "error" in stale.json()
    won = post(browser, f"{where}/win", signed_on="2026-11-20", amount="99.0001")
    assert won.status_code == 200 and won.json()["result"] == "won", won.content
    assert Event.objects.filter(entity="opportunity", record_id=sale["id"], deed="win", via="api").exists()
    assert browser.delete(where).status_code == 403
    assert client_of("sunzong").delete(f"/api/customers/{customer}").status_code == 409


def test_refusals_have_one_form(cast: Any, client_of: Any) -> None:
    browser = client_of("linjing")
    answers = {
        400: [
            browser.get("/api/customers", {"gread": "A"}),
            browser.get("/api/customers", {"grade": "Z"}),
            browser.get("/api/customers", {"limit": "many"}),
            browser.get("/api/customers", {"sort": "secret"}),
            browser.post("/api/customers", "{", content_type="application/json"),
            browser.post("/api/customers", "[1]", content_type="application/json"),
            browser.post("/api/customers", {"name": "x"}),
        ],
        403: [post(browser, "/api/roles", name="x", code="x")],
        404: [browser.get("/api/customers/99999999"), post(browser, "/api/customers/99999999/claim")],
        405: [browser.put("/api/customers")],
        422: [
            post(browser, "/api/customers", name=""),
            post(browser, "/api/customers", name="x", nmae="y"),
            post(browser, "/api/customers", name="x" + " " * 500),
            post(browser, "/api/opportunities", title="x", customer=99999999, amount="1", closes_on="2026-13-01"),
            post(browser, "/api/customers", name="x", owner="nobody"),
        ],
    }
    for status, found in answers.items():
        for answer in found:
            assert answer.status_code == status, (status, answer.status_code, answer.content)
            assert isinstance(answer.json()["error"], str) and answer.json()["error"]
    assert "grade" in answers[400][0].json()["error"], "did you mean"


def test_lists_take_filters_sort_and_search(cast: Any, client_of: Any) -> None:
    browser = client_of("linjing")
    for name, grade in (("甲科技", "A"), ("乙贸易", "B"), ("丙科技", "A")):
        post(browser, "/api/customers", name=name, grade=grade)

    def names(**query: str) -> list[str]:
        return [i["name"] for i in browser.get("/api/customers", query).json()["items"]]

    assert set(names(grade="A")) == {"甲科技", "丙科技"}
    assert names(q="科技", grade="A", sort="id") == ["甲科技", "丙科技"]
    assert names(q="maoyi") == ["乙贸易"] and names(q="bkj") == ["丙科技"]
    assert names(owner="me", sort="-id")[0] == "丙科技"
    assert names(owner="none") == []

"""A company arranges pages and forms by role: order, sections, what is left out; never rights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from xiaoguan.customers.models import Customer
from xiaoguan.desk import conformance, layouts
from xiaoguan.desk.custom import define, live
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.forms import form_for
from xiaoguan.people.models import FieldLevel, Role

ADDRESS = {"label_zh": "怎样找到", "label_en": "How to reach", "rows": [["city", "phone"], ["website"]]}


@pytest.fixture(autouse=True)
def as_declared() -> Iterator[None]:
    yield
    live.unload()


def fields(page: str) -> list[str]:
    return re.findall(r'data-field="(\w+)"', page)


def rest(*placed: str) -> dict[str, Any]:
    desk = desk_of("customer")
    return {"rows": [[n] for n in desk.form_fields if n not in placed]}


def test_a_role_has_its_own_form_and_page(cast: Any, client_of: Any) -> None:
    desk, mine = desk_of("customer"), conformance.sample(Customer, cast.linjing, industry="食品")
    plain = fields(client_of("linjing").get("/customers/new").content.decode())
    layouts.keep(desk, "sales_rep", [ADDRESS, rest("city", "phone", "website", "industry")], ["industry"])
    browser, where = client_of("linjing"), f"/customers/{mine.pk}"
    page = browser.get(f"{where}/edit").content.decode()
    assert fields(page)[:3] == ["city", "phone", "website"] and "怎样找到" in page
    assert set(plain) - set(fields(page)) == {"industry"}
    shown = browser.get(where).content.decode()
    assert shown.index("怎样找到") < shown.index("城市") and "行业" not in shown
    assert "行业" not in browser.get(f"{where}/peek").content.decode()
    assert "行业" in client_of("chenmin").get(where).content.decode()
    form = form_for(desk, cast.viewer("linjing"), mine)
    sent = {n: v for n in form.fields if n != "industry" and (v := form[n].value()) not in (None, False)}
    assert browser.post(f"{where}/edit", {**sent, "city": "烟台", "version": mine.version}).status_code == 302
    mine.refresh_from_db()
    assert (mine.city, mine.industry) == ("烟台", "食品")
    assert browser.get(f"/api{where}").json()["industry"] == "食品"
    layouts.drop(desk, "sales_rep")
    assert fields(client_of("linjing").get("/customers/new").content.decode()) == plain


def test_it_gives_no_rights_and_costs_no_question(cast: Any, client_of: Any) -> None:
    desk, mine = desk_of("customer"), conformance.sample(Customer, cast.linjing)
    FieldLevel(role=Role.objects.get(code="sales_rep"), entity="customer", field="phone", level="none").save()
    browser = client_of("linjing")
    browser.get(f"/customers/{mine.pk}")
    before = conformance.queries(browser, f"/customers/{mine.pk}")
    layouts.keep(desk, "", [ADDRESS])
    page = browser.get(f"/customers/{mine.pk}/edit").content.decode()
    shown = browser.get(f"/customers/{mine.pk}").content.decode()
    assert "phone" not in fields(page) and "电话" not in shown and "怎样找到" in shown
    assert conformance.queries(browser, f"/customers/{mine.pk}") == before


def test_what_is_not_possible_is_said(cast: Any) -> None:
    desk = desk_of("customer")
    for sections, left, why in (
        ([], ["name"], "cannot be kept without"),
        ([{"rows": [["nmae"]]}], [], "no field “nmae”"),
        ([{"rows": [["city"], ["city"]]}], [], "twice"),
        ([{"rows": [["city", "phone", "website", "email"]]}], [], "side by side"),
        ("city", [], "Sections look like"),
    ):
        with translation.override("en"), pytest.raises(ValidationError, match=why):
            layouts.keep(desk, "", sections, left)
    with translation.override("en"), pytest.raises(ValidationError, match="no role"):
        layouts.keep(desk, "sailor", [])


def test_a_field_that_came_later_stands_at_the_end(cast: Any, client_of: Any) -> None:
    layouts.keep(desk_of("customer"), "", [ADDRESS])
    assert fields(client_of("linjing").get("/customers/new").content.decode())[:3] == ["city", "phone", "website"]
    define.field("customer", cast.viewer("gaoxiang"), {"kind": "text", "label_en": "Region", "name": "x_region"})
    assert fields(client_of("linjing").get("/customers/new").content.decode())[-1] == "x_region"


def test_an_administrator_arranges_in_the_page_and_by_program(cast: Any, client_of: Any) -> None:
    where = "/settings/fields/customer/layout"
    assert client_of("sunzong").get(where).status_code == client_of("sunzong").get("/api/layouts").status_code == 403
    browser = client_of("gaoxiang")
    page = browser.get(f"{where}?role=sales_rep").content.decode()
    names = [n.removeprefix("+") for n in re.findall(r'name="item" value="([+\w.]+)"', page)]
    assert names == layouts.items(desk_of("customer"))
    kept = [n for n in names if n not in ("city", "phone", "industry")]
    sent = {
        "item": ["#", "city", "+phone", "#", *kept, "-", "industry"],
        "label_zh": ["怎样找到", ""],
        "label_en": ["", ""],
    }
    preview = browser.post(f"{where}?role=sales_rep", {**sent, "do": "preview"}).content.decode()
    assert fields(preview)[:2] == ["city", "phone"] and "怎样找到" in preview
    assert browser.post(f"{where}?role=sales_rep", sent).status_code == 302
    told = browser.get("/api/layouts?entity=customer").json()["items"]
    assert [(t["role"], t["sections"][0]["rows"], t["left"]) for t in told] == [
        ("sales_rep", [["city", "phone"]], ["industry"])
    ]
    assert fields(client_of("linjing").get("/customers/new").content.decode())[:2] == ["city", "phone"]
    refused = browser.post(where, {"item": ["#", *kept[1:], "-", kept[0]], "label_zh": [""], "label_en": [""]})
    assert refused.status_code == 422 and kept[0] == "name"
    assert browser.delete(f"/api/layouts/{told[0]['id']}").status_code == 204
    made = {"entity": "customer", "role": "", "sections": [ADDRESS]}
    assert browser.post("/api/layouts", made, content_type="application/json").json()["sections"][0]["rows"]
    assert browser.post(where, {"do": "reset"}).status_code == 302 and not layouts.own_of(desk_of("customer"))

"""A deed is done on the record as it was seen, and a refusal says what to ask for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from xiaoguan.desk import Verb, conformance
from xiaoguan.desk.fields import MoneyFormField
from xiaoguan.desk.screens.writing import refusal
from xiaoguan.sales.models import Opportunity

SCRIPT = {"Accept": "application/json"}


def test_a_move_of_a_card_that_has_changed_since_is_refused(cast: Any, client_of: Any) -> None:
    sale = conformance.sample(Opportunity, cast.linjing)
    browser, url = client_of("linjing"), f"/opportunities/{sale.pk}/move"
    first = browser.post(url, {"to": "contact", "version": sale.version}, headers=SCRIPT)
    assert first.status_code == 200 and first.json()["card"]["version"] == sale.version + 1
    assert first.json()["message"] == f"已推进阶段：{sale.title}"
    late = browser.post(url, {"to": "propose", "version": sale.version}, headers=SCRIPT)
    assert late.status_code == 409 and late.json()["message"]
    sale.refresh_from_db()
    assert sale.stage == "contact"


def test_the_sheet_of_a_deed_says_what_comes_of_it(cast: Any, client_of: Any) -> None:
    sale = conformance.sample(Opportunity, cast.linjing)
    sheet = client_of("linjing").get(f"/opportunities/{sale.pk}/ask/win").content.decode()
    assert "客户已签约，随即生成订单。" in sheet and sale.title in sheet


def test_a_card_knows_its_version(cast: Any, client_of: Any) -> None:
    sale = conformance.sample(Opportunity, cast.linjing)
    page = client_of("linjing").get("/opportunities/board").content.decode()
    assert f'data-id="{sale.pk}" data-version="{sale.version}"' in page


class Bill(Verb):
    fields = {
        "on": forms.DateField(),
        "sum": MoneyFormField(),
        "days": forms.IntegerField(),
        "to": forms.EmailField(),
        "text": forms.CharField(widget=forms.Textarea),
        "how": forms.ChoiceField(choices=[("a", "A")]),
        "number": forms.CharField(),
    }


def test_a_refusal_asks_with_the_right_control() -> None:
    asked = refusal(Bill(), ValidationError({name: "missing" for name in Bill.fields}), Opportunity())["fields"]
    assert [f["kind"] for f in asked] == ["date", "money", "number", "email", "textarea", "select", "text"]

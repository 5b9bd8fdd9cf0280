"""Two people change one record: nothing is lost, what does not clash goes together, for the rest somebody chooses."""

from __future__ import annotations

import re
from typing import Any

from xiaoguan.customers.models import Customer
from xiaoguan.desk.conformance import sample
from xiaoguan.sales.models import Opportunity

JSON = {"content_type": "application/json"}


def form_of(browser: Any, url: str) -> dict[str, str]:
    """What a page's form would send as it is opened."""
    page = browser.get(url).content.decode().split('<form class="form-grid"')[1]
    data = dict(re.findall(r'<input type="[a-z]+" name="(\w+)" value="([^"]*)"', page))
    for name, body in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', body)
        data[name] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>\n?(.*?)</textarea>', page, re.S):
        data[name] = text
    return {n: v for n, v in data.items() if n != "csrfmiddlewaretoken"}


def test_changes_of_different_fields_go_together(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing, city="青岛", industry="食品")
    seller, boss = client_of("linjing"), client_of("chenmin")
    url = f"/customers/{customer.pk}/edit"
    mine, theirs = form_of(seller, url), form_of(boss, url)
    assert boss.post(url, {**theirs, "city": "济南", "note": "来自经理"}).status_code == 302
    assert seller.post(url, {**mine, "industry": "医药"}).status_code == 302
    customer.refresh_from_db()
    assert (customer.city, customer.note, customer.industry) == ("济南", "来自经理", "医药")


def test_a_clash_shows_three_sides_and_writes_nothing_until_somebody_chose(cast: Any, client_of: Any) -> None:
    sale = sample(
        Opportunity, cast.linjing, title="产线改造", amount=1_000_0000, currency="CNY", closes_on="2026-05-01"
    )
    seller, boss = client_of("linjing"), client_of("chenmin")
    url = f"/opportunities/{sale.pk}/edit"
    mine, theirs = form_of(seller, url), form_of(boss, url)
    boss.post(url, {**theirs, "amount": "2000", "closes_on": "2026-06-01", "note": "新备注"})
    answer = seller.post(url, {**mine, "amount": "3000", "title": "产线改造二期"})
    page = answer.content.decode()
    assert answer.status_code == 409 and "陈敏" in page
    for value, text in (("3000.00", "3,000.00"), ("2000.00", "2,000.00"), ("1000.00", "1,000.00")):
        assert f'data-take="amount" value="{value}" data-text="{text}"' in page, value
    assert 'data-take="closes_on"' not in page and 'data-take="title"' not in page
    sale.refresh_from_db()
    assert (sale.title, sale.amount_units) == ("产线改造", 2_000_0000)
    again = {
        **mine,
        "amount": "3000",
        "title": "产线改造二期",
        "version": "2",
        "closes_on": "2026-06-01",
        "note": "新备注",
    }
    assert 'name="version" value="2"' in page and "产线改造二期" in page and "2026-06-01" in page and "新备注" in page
    assert seller.post(url, again).status_code == 302
    sale.refresh_from_db()
    assert (sale.title, sale.amount_units, sale.note) == ("产线改造二期", 3_000_0000, "新备注")
    assert str(sale.closes_on) == "2026-06-01"


def test_choices_relations_and_empty_values_are_offered_as_their_controls_hold_them(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing, grade="A", owner=cast.linjing, next_contact_on=None)
    seller, boss = client_of("linjing"), client_of("chenmin")
    url = f"/customers/{customer.pk}/edit"
    mine, theirs = form_of(seller, url), form_of(boss, url)
    boss.post(url, {**theirs, "grade": "B", "next_contact_on": "2026-12-01"})
    page = seller.post(url, {**mine, "grade": "C", "next_contact_on": "2026-12-24"}).content.decode()
    for name, values in (("grade", "CBA"), ("next_contact_on", ("2026-12-24", "2026-12-01", ""))):
        for value in values:
            assert f'data-take="{name}" value="{value}"' in page, (name, value)


def test_both_wrote_the_same_is_no_clash(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing, city="青岛")
    url = f"/customers/{customer.pk}/edit"
    seller = client_of("linjing")
    mine = form_of(seller, url)
    for _n in range(2):
        assert seller.post(url, {**mine, "city": "济南"}).status_code == 302
    customer.refresh_from_db()
    assert customer.city == "济南" and customer.version == 2


def test_a_cell_says_both_values_and_saving_again_is_meant(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing, city="青岛")
    url, seller = f"/customers/{customer.pk}/cell/city", client_of("linjing")
    customer.city = "济南"
    customer.save()
    answer = seller.post(url, {"city": "烟台", "version": "1"})
    assert answer.status_code == 409 and "济南" in answer.json()["message"] and "烟台" in answer.json()["message"]
    assert seller.post(url, {"city": "烟台", "version": str(answer.json()["version"])}).status_code == 200
    customer.refresh_from_db()
    assert customer.city == "烟台"
    assert (
        seller.post(f"/customers/{customer.pk}/cell/industry", {"industry": "食品", "version": "1"}).status_code == 200
    )


def test_programs_are_told_both_versions(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing, city="青岛")
    where, program = f"/api/customers/{customer.pk}", client_of("linjing")
    assert program.patch(where, {"city": "济南", "version": 1}, **JSON).status_code == 200
    clash = program.patch(where, {"city": "烟台", "version": 1}, **JSON)
    assert clash.status_code == 409 and clash.json()["error"]
    assert clash.json()["conflict"] == {
        "version": 2, "fields": {"city": {"yours": "烟台", "theirs": "济南", "original": "青岛"}},
    }  # fmt: skip
    assert program.patch(where, {"industry": "食品", "version": 1}, **JSON).json()["city"] == "济南"
    assert program.patch(where, {"city": "烟台", "version": 3}, **JSON).json()["city"] == "烟台"
    assert program.patch(where, {"city": "青岛", "version": 99}, **JSON).status_code == 409

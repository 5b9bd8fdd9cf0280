"""What the palette finds: deeds and pages by any of their words, records with what tells them apart."""

from __future__ import annotations

import re
from typing import Any

import pytest

from xiaoguan.desk import conformance
from xiaoguan.desk.models import Event
from xiaoguan.people.models import Membership
from xiaoguan.sales.models import Opportunity


def lines(client_of: Any, name: str, words: str) -> list[str]:
    page = client_of(name).get("/search", {"q": words}).content.decode()
    found = page.split('id="hits"')[1]
    return re.findall(r'<a href="([^"]+)"', found)


@pytest.mark.parametrize(
    "words, first",
    [
        ("新建商机", "/opportunities/new"),
        ("新建", "/customers/new"),
        ("xinjian", "/customers/new"),
        ("xjkh", "/customers/new"),
        ("new opp", "/opportunities/new"),
        ("联系人", "/contacts/"),
        ("导入", "/import/customer"),
        ("回收站", "/customers/bin"),
        ("请假", "/deputies/new"),
        ("深色", "#"),
    ],
)
def test_deeds_and_pages_are_found_by_their_words(cast: Any, client_of: Any, words: str, first: str) -> None:
    cast.linjing.account.language = "zh-hans"
    cast.linjing.account.save()
    assert lines(client_of, "linjing", words)[0] == first


def test_chinese_words_are_found_in_english_pages(cast: Any, client_of: Any) -> None:
    cast.linjing.account.language = "en"
    cast.linjing.account.save()
    assert lines(client_of, "linjing", "新建商机")[0] == "/opportunities/new"


def test_what_somebody_may_not_do_is_not_offered(cast: Any, client_of: Any) -> None:
    assert "/settings/rights" in lines(client_of, "gaoxiang", "permissions")
    assert "/settings/rights" not in lines(client_of, "linjing", "permissions")
    assert "/currencies/new" not in lines(client_of, "linjing", "new")


def test_an_empty_box_offers_what_is_made_daily(cast: Any, client_of: Any) -> None:
    kinds = [url for url in lines(client_of, "linjing", "") if url.endswith("/new")]
    assert kinds == [f"/{k}/new" for k in ("customers", "contacts", "opportunities", "activities", "leads", "orders")]


def test_records_tell_what_tells_them_apart_and_links_between_records_are_none(cast: Any, client_of: Any) -> None:
    first, second = (conformance.sample(Opportunity, cast.linjing, title="扫码终端采购") for _n in range(2))
    page = client_of("linjing").get("/search", {"q": "扫码"}).content.decode()
    for deal in (first, second):
        assert f"{deal.customer.name} · {deal.owner.name} · " in page
    hits = lines(client_of, "sunzong", "林静")
    assert f"/people/{cast.linjing.pk}" in hits and Membership.objects.filter(person=cast.linjing).exists()
    assert not [url for url in hits if re.match(r"/(memberships|reporting-lines|role-assignments)/\d", url)]
    picked = client_of("linjing").get("/opportunities/pick", {"q": "扫码"}).json()
    assert picked[0]["hint"].startswith(second.customer.name) and Event.objects.exists()

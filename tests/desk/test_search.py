"""What people type finds records: Chinese, pinyin from any character on, initials, words, the ends of numbers."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from xiaoguan.desk import conformance, search

NAMES = "上海海天智能科技有限公司", "Acme Robotics", "重庆金桥物流"
FINDS = {
    "海": 0, "海天": 0, "海天智能": 0, "h": 0, "ha": 0, "htzn": 0, "haitian": 0, "haitianzh": 0, "zhinengkeji": 0,
    "haitianzhineng": 0, "shanghaihaitianzhineng": 0, "acme": 1, "robot": 1, "1382": 1, "chongqing": 2, "cqjq": 2,
    "jinqiaowuliu": 2,
}  # fmt: skip


@pytest.fixture
def customers(cast: Any) -> list[int]:
    desk = conformance.desk("customer")
    made = [conformance.sample(desk.model, cast.linjing, {"name": name}) for name in NAMES]
    made[1].phone = "+86 138-0013 1382"
    for record in made:
        record.save()
    conformance.sample(desk.model, cast.wanglei, {"name": NAMES[0], "phone": "1382"})  # of the other team
    return [record.pk for record in made]


@pytest.mark.parametrize("words", FINDS)
def test_words_find_their_record(cast: Any, customers: list[int], words: str) -> None:
    found = search.everywhere(cast.viewer("chenmin"), words, 5)
    ids = [pk for pk, _title in found.get(conformance.desk("customer"), [])]
    assert ids == [customers[FINDS[words]]]


@pytest.mark.parametrize("words", ["天海", "haitianzhongxin", "htkj", "gongsi", "1380"])
def test_other_words_do_not(cast: Any, customers: list[int], words: str) -> None:
    assert conformance.desk("customer") not in search.everywhere(cast.viewer("chenmin"), words, 5)


def test_a_name_without_letters_or_digits_is_kept(db: Any) -> None:
    from xiaoguan.sales.models import Product

    product = Product(name="——", number="—")
    product.save()
    assert Product.objects.get(pk=product.pk).name == "——"


@pytest.mark.parametrize("words", FINDS)
def test_the_index_finds_what_a_look_at_the_newest_finds(
    cast: Any, customers: list[int], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = conformance.desk("customer")
    by_look = search.everywhere(cast.viewer("sunzong"), words, 5)[desk]
    monkeypatch.setattr(search, "_common", lambda _sought: False)
    assert search.everywhere(cast.viewer("sunzong"), words, 5)[desk] == by_look
    if connection.vendor == "postgresql":
        return  # few letters are left at the newest there
    monkeypatch.setattr(search, "_common", lambda _sought: True)
    monkeypatch.setattr(search, "LOOK", {"sqlite": 1})  # the newest alone: the rest must come from the index
    assert search.everywhere(cast.viewer("sunzong"), words, 5)[desk] == by_look


@pytest.mark.parametrize("who", ["sunzong", "chenmin", "linjing"])
def test_titles_asked_in_one_question_are_those_of_the_one_rule(
    cast: Any, customers: list[int], who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deals = conformance.desk("opportunity").model
    for customer in customers * 3:
        conformance.sample(deals, cast.linjing, {"customer_id": customer, "title": "海天设备"})
    conformance.sample(deals, cast.wanglei, {"customer_id": customers[0], "title": "别处"})
    together = {words: search.everywhere(cast.viewer(who), words, 4) for words in ("海", "acme", "haitian")}
    assert len(together["acme"][conformance.desk("opportunity")]) == 3
    monkeypatch.setattr(search.titles, "is_plain", lambda _desk, _viewer: False)
    assert {words: search.everywhere(cast.viewer(who), words, 4) for words in together} == together


def test_what_belongs_to_nobody_is_found_where_it_may_be(cast: Any, customers: list[int]) -> None:
    deals, customer = conformance.desk("opportunity"), conformance.desk("customer")
    free = conformance.sample(customer.model, cast.linjing, {"name": "海天无主", "owner_id": None})
    deal = conformance.sample(deals.model, cast.linjing, {"title": "海天设备", "customer_id": customers[2]})
    lost = conformance.sample(deals.model, cast.linjing, {"title": "海天旧案", "customer_id": customers[2]})
    search.index_many(deals, [(lost.pk, ["海天旧案"], None)])  # as if nobody had it, which no deal of ours may be
    found = search.everywhere(cast.viewer("linjing"), "海天", 5)
    assert free.pk in [pk for pk, _title in found[customer]]
    assert [pk for pk, _title in found[deals] if pk == deal.pk] == [deal.pk]
    near = search._newest(
        [(d, search._sought(d, "海天", cast.viewer("linjing"))) for d in (customer, deals)], cast.viewer("linjing"), 5
    )
    assert free.pk in near[customer] and near[deals] == [deal.pk]

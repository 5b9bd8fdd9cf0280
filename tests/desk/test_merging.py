"""Records that are the same become one; nothing that belonged to them is lost, and all of it can be taken back."""

from __future__ import annotations

from typing import Any

from xiaoguan.customers.models import Contact, Customer, Lead
from xiaoguan.desk import comments, duplicates, tallies, undo
from xiaoguan.desk.comments import Comment
from xiaoguan.desk.conformance import desk, sample
from xiaoguan.desk.models import Event
from xiaoguan.people.models import Share
from xiaoguan.sales.models import Activity, Opportunity, Order

from .test_undo import state

JSON = {"content_type": "application/json"}


def whole() -> dict[str, Any]:
    """The state of test_undo, and what hangs on records or belongs to contacts and leads."""
    found = state()
    for model in (Contact, Lead):
        names = [f.attname for f in model._meta.concrete_fields if f.name not in ("version", "updated_at")]
        found[model.__name__] = list(model.objects.order_by("pk").values_list(*names))
    for model in (Comment, Share):
        found[model.__name__] = list(model.objects.order_by("pk").values_list("pk", "entity", "record_id"))
    return found


def three(cast: Any) -> list[Customer]:
    """Three customers that are one, each with something of its own."""
    made = [
        sample(Customer, cast.linjing, name="启川包装", city="", phone="13812345678"),
        sample(Customer, cast.zhouhang, name="无锡启川包装制品有限公司", city="无锡", phone=""),
        sample(Customer, cast.linjing, name="啟川包裝", city="无锡", grade="A"),
    ]
    for n, customer in enumerate(made):
        sample(Contact, cast.linjing, customer=customer)
        sale = sample(Opportunity, cast.linjing, customer=customer)
        sample(Activity, cast.zhouhang, customer=customer, opportunity=sale)
        sample(Order, cast.linjing, customer=customer, ordered_on=f"2026-0{n + 1}-01")
        sample(Lead, cast.linjing, customer=customer)
        comments.write(desk("customer"), cast.viewer("linjing"), customer, f"of {n}")
        Share(entity="customer", record_id=customer.pk, person=cast.wanglei).save()
    return Customer.objects.filter(pk__in=[c.pk for c in made]).order_by("pk")


def test_three_become_one_with_all_that_belonged_to_them_and_again_three(cast: Any, client_of: Any) -> None:
    first, second, third = three(cast)
    before = whole()
    browser = client_of("wufang")
    data = {"ids": f"{first.pk},{second.pk},{third.pk}", "keep": second.pk, "f:name": second.pk, "f:phone": first.pk}
    answer = browser.post("/customers/merge", {**data, "f:grade": third.pk, "f:owner": first.pk})
    assert answer.headers["Location"] == f"/customers/{second.pk}"
    one = Customer.objects.get()
    assert (one.name, one.phone, one.city, one.grade) == ("无锡启川包装制品有限公司", "13812345678", "无锡", "A")
    assert one.owner_id == cast.linjing.pk and str(one.first_order_on) == "2026-01-01" and one.stage == "repeat"
    for model in (Contact, Opportunity, Activity, Order, Lead):
        assert list(model.objects.values_list("customer_id", flat=True)) == [one.pk] * 3, model
    assert Comment.objects.filter(record_id=one.pk).count() == Share.objects.filter(record_id=one.pk).count() == 3
    assert tallies.kept(desk("opportunity")) == tallies.recount(desk("opportunity"))
    page = browser.get(f"/customers/{one.pk}/timeline").content.decode()
    assert "of 0" in page and "of 2" in page and "合并" in page
    assert browser.get(f"/customers/{first.pk}").headers["Location"] == f"/customers/{one.pk}"

    batch = Event.objects.filter(deed="merged").get().batch
    undone = browser.post(f"/undo/{batch}", headers={"Accept": "application/json"}).json()
    assert undone["refused"] == []
    assert whole() == before
    assert browser.get(f"/customers/{first.pk}").status_code == 200
    assert [m.pk for m in duplicates.find(desk("customer"), cast.viewer("wufang"), {"phone": first.phone})] == [
        first.pk
    ]


def test_somebody_else_does_not_take_it_back(cast: Any, client_of: Any) -> None:
    first, second, _third = three(cast)
    client_of("wufang").post("/customers/merge", {"ids": f"{first.pk},{second.pk}", "keep": first.pk})
    batch = Event.objects.filter(deed="merged").get().batch
    assert undo.undo_batch(batch, cast.viewer("zhouhang")).refused
    assert not Customer.objects.filter(pk=second.pk).exists()


def test_it_takes_the_right_to_change_all_and_to_delete_the_rest(cast: Any, client_of: Any) -> None:
    first, second, _third = three(cast)
    before = whole()
    data = {"ids": [first.pk, second.pk], "keep": first.pk}
    for name in ("linjing", "chenmin", "wanglei", "zhaoyue"):
        assert client_of(name).post("/api/customers/merge", data, **JSON).status_code in (403, 422), name
        assert client_of(name).get(f"/customers/merge?ids={first.pk},{second.pk}").status_code in (302, 403)
    assert whole() == before


def test_impossible_merges_change_nothing(cast: Any, client_of: Any) -> None:
    first, second, _third = three(cast)
    before = whole()
    for body in (
        {"ids": [first.pk], "keep": first.pk},
        {"ids": [first.pk, first.pk], "keep": first.pk},
        {"ids": [first.pk, 999_999], "keep": first.pk},
        {"ids": [first.pk, second.pk], "keep": 999_999},
        {"ids": [first.pk, second.pk], "keep": first.pk, "fields": {"note": 999_999}},
        {"ids": [first.pk, second.pk], "keep": first.pk, "fields": {"stage": second.pk}},
        {"ids": "x", "keep": first.pk},
        {"ids": [first.pk, second.pk], "keep": first.pk, "more": 1},
    ):
        assert client_of("wufang").post("/api/customers/merge", body, **JSON).status_code == 422, body
    people = {"ids": [cast.linjing.pk, cast.zhouhang.pk], "keep": cast.linjing.pk}  # both have an account
    assert client_of("wufang").post("/api/people/merge", people, **JSON).status_code == 422
    assert whole() == before


def test_programs_merge_and_empty_values_never_win(cast: Any, client_of: Any) -> None:
    first, second, _third = three(cast)
    body = {"ids": [first.pk, second.pk], "keep": first.pk, "fields": {"name": second.pk}}
    item = client_of("wufang").post("/api/customers/merge", body, **JSON).json()
    assert (item["id"], item["name"], item["city"], item["phone"]) == (first.pk, second.name, "无锡", "13812345678")


def test_the_page_shows_what_differs_and_the_list_leads_to_it(cast: Any, client_of: Any) -> None:
    first, _second, third = three(cast)
    page = client_of("wufang").get(f"/customers/merge?ids={first.pk},{third.pk}").content.decode()
    assert f'name="f:city" value="{third.pk}" checked' in page and f'name="keep" value="{first.pk}" checked' in page
    assert 'name="f:owner"' not in page  # both have the same
    assert 'href="/customers/merge"' in client_of("wufang").get("/customers/").content.decode()
    assert 'href="/customers/merge"' not in client_of("linjing").get("/customers/").content.decode()

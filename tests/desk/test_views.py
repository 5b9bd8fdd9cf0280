"""Saved views: whose they are, who has them, what they show, and the same over the API."""

from __future__ import annotations

from typing import Any

import pytest

from xiaoguan.desk import conformance, views
from xiaoguan.desk.custom import live
from xiaoguan.desk.views import SavedView
from xiaoguan.sales.models import Opportunity

WHERE = "where=amount:ge:1000&sort=-amount"


def make(browser: Any, **values: Any) -> Any:
    given = {"entity": "opportunities", "name": "大单", "query": WHERE, **values}
    return browser.post("/api/views", given, content_type="application/json")


def deal(owner: Any, title: str, amount: int) -> Any:
    return conformance.sample(Opportunity, owner, {"title": title, "amount": amount * 10_000, "currency": "CNY"})


def test_a_view_keeps_filters_sort_and_columns(cast: Any, client_of: Any) -> None:
    deal(cast.linjing, "小单", 500)
    deal(cast.linjing, "大单一号", 5_000)
    browser = client_of("linjing")
    made = make(browser, query=f"{WHERE}&columns=title,amount&cursor=x&part=rows")
    assert made.status_code == 201 and made.json()["query"] == "where=amount:ge:1000&sort=-amount&columns=title,amount"
    page = browser.get("/opportunities/", {"view": made.json()["id"]}).content.decode()
    assert "大单一号" in page and "小单" not in page and "预计签约</a>" not in page
    answer = browser.get("/api/opportunities", {"view": made.json()["id"]}).json()
    assert [i["title"] for i in answer["items"]] == ["大单一号"]


@pytest.mark.parametrize(
    ("shared", "has"),
    [("", {"linjing"}), ("team", {"linjing", "zhouhang"}), ("everyone", {"linjing", "zhouhang", "wanglei", "sunzong"})],
)
def test_a_view_is_for_those_it_is_shared_with(cast: Any, client_of: Any, shared: str, has: set[str]) -> None:
    pk = make(client_of("linjing"), shared=shared).json()["id"]
    for name in ("linjing", "zhouhang", "wanglei", "sunzong"):
        browser = client_of(name)
        assert (browser.get(f"/api/views/{pk}").status_code == 200) == (name in has), name
        listed = {v["id"] for v in browser.get("/api/views", {"entity": "opportunities"}).json()["items"]}
        assert (pk in listed) == (name in has)
        assert (browser.get("/api/opportunities", {"view": pk}).status_code == 200) == (name in has)
        if name != "linjing":
            for answer in (
                browser.patch(f"/api/views/{pk}", {"name": "x"}, content_type="application/json"),
                browser.delete(f"/api/views/{pk}"),
                browser.post(f"/opportunities/views/{pk}", {"do": "delete"}),
            ):
                assert answer.status_code == (403 if name in has else 404)
    assert SavedView.objects.get(pk=pk).name == "大单"


def test_a_shared_view_shows_nobody_more_than_they_may_see(cast: Any, client_of: Any) -> None:
    deal(cast.linjing, "华东大单", 9_000)
    deal(cast.wanglei, "华北大单", 9_000)
    pk = make(client_of("sunzong"), shared="everyone", query=f"{WHERE}&columns=title,customer.phone").json()["id"]
    for name, seen in (("linjing", "华东大单"), ("wanglei", "华北大单")):
        browser = client_of(name)
        text = browser.get("/opportunities/", {"view": pk}).content.decode()
        other = {"华东大单", "华北大单"} - {seen}
        assert seen in text and not any(title in text for title in other)
        export = b"".join(browser.get("/opportunities/export.csv", {"view": pk}).streaming_content).decode()
        assert seen in export and not any(title in export for title in other)


def test_one_renames_copies_opens_first_and_deletes(cast: Any, client_of: Any) -> None:
    owner, mate = client_of("linjing"), client_of("zhouhang")
    pk = make(owner, shared="team").json()["id"]
    assert owner.post(f"/opportunities/views/{pk}", {"name": "重点", "shared": "team"}).status_code == 200
    assert mate.post(f"/opportunities/views/{pk}", {"do": "copy"}).status_code == 200
    [copy] = SavedView.objects.filter(owner_id=cast.zhouhang.pk)
    assert copy.name.startswith("重点") and not copy.shared
    deal(cast.zhouhang, "小单", 10)
    assert "小单" in mate.get("/opportunities/").content.decode()
    assert mate.post(f"/opportunities/views/{pk}", {"do": "first"}).status_code == 200
    assert "小单" not in mate.get("/opportunities/").content.decode()
    assert "小单" in mate.get("/opportunities/", {"view": "all"}).content.decode()
    assert owner.post(f"/opportunities/views/{pk}", {"do": "delete"}).status_code == 200
    assert "小单" in mate.get("/opportunities/").content.decode()


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"name": " "}, "名称"),
        ({"query": "where=nothing:is:1"}, "nothing"),
        ({"query": "q=" + "x" * 7_000}, "太多"),
        ({"kind": "map"}, "list"),
        ({"entity": "ghosts"}, "ghosts"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(cast: Any, client_of: Any, values: dict[str, Any], word: str) -> None:
    answer = make(client_of("linjing"), **values)
    assert answer.status_code in (400, 422) and word in answer.content.decode()
    assert not SavedView.objects.exists()


def test_two_views_of_one_name_are_refused(cast: Any, client_of: Any) -> None:
    assert make(client_of("linjing")).status_code == 201
    assert make(client_of("linjing")).status_code == 422
    assert make(client_of("zhouhang")).status_code == 201


def test_columns_and_widths_of_the_plain_list_are_kept_for_one_person(cast: Any, client_of: Any) -> None:
    deal(cast.linjing, "维保", 100)
    browser = client_of("linjing")
    assert browser.post("/opportunities/arrange", {"columns": "title,note,customer.city"}).status_code == 200
    assert browser.post("/opportunities/arrange", {"widths": '{"title": 300, "note": 9}'}).status_code == 200
    page = browser.get("/opportunities/").content.decode()
    assert 'data-path="note"' in page and 'data-path="stage"' not in page and '<col width="60">' in page
    assert 'data-path="stage"' in client_of("zhouhang").get("/opportunities/").content.decode()
    assert browser.post("/opportunities/arrange", {"columns": "ghost"}).status_code == 422
    assert browser.post("/opportunities/arrange", {"widths": "[1"}).status_code == 422
    browser.post("/opportunities/arrange", {"columns": ",".join(conformance.desk("opportunity").columns)})
    assert not views.views_of(conformance.desk("opportunity"), cast.viewer("linjing")).columns


def test_a_view_whose_field_is_gone_does_not_lock_the_list(cast: Any, client_of: Any) -> None:
    """The view opens first, names a field that is no more, and the plain list comes with the reason."""
    broken = SavedView.objects.create(
        entity="opportunity", owner_id=cast.linjing.pk, name="旧", query="where=ghost:is:1"
    )
    views.arrange(conformance.desk("opportunity"), cast.viewer("linjing"), first=broken.pk)
    page = client_of("linjing").get("/opportunities/", follow=True)
    assert page.status_code == 200 and "ghost" in page.content.decode()


# Ready views


def test_ready_views_are_there_for_everybody_and_understood(cast: Any, client_of: Any) -> None:
    browser = client_of("linjing")
    for desk in conformance.every_desk():
        for ready in desk.views:
            page = browser.get(desk.url(), {"view": ready.name})
            assert (
                page.status_code == 200
                and f'href="{desk.url()}?view={ready.name}" aria-current' in page.content.decode()
            )
            assert browser.get(f"/api/{desk.url_name}", {"view": ready.name}).status_code == 200
    assert browser.get("/opportunities/sheet/view", {"id": "mine", "view": "mine"}).status_code == 200


def test_mine_are_mine_and_may_open_first(cast: Any, client_of: Any) -> None:
    deal(cast.linjing, "我的项目", 10)
    deal(cast.zhouhang, "同事的项目", 10)
    browser = client_of("linjing")
    mine = browser.get("/opportunities/", {"view": "mine"}).content.decode()
    assert "我的项目" in mine and "同事的项目" not in mine
    assert "同事的项目" in browser.get("/opportunities/").content.decode()
    assert browser.post("/opportunities/arrange", {"first": "mine"}).status_code == 200
    assert "同事的项目" not in browser.get("/opportunities/").content.decode()


def test_a_role_opens_a_list_with_its_view_unless_somebody_chose_another(cast: Any, client_of: Any) -> None:
    deal(cast.linjing, "我的项目", 10)
    deal(cast.zhouhang, "同事的项目", 10)
    where, chosen = "/opportunities/arrange", {"first_for": "mine", "role": ["sales_rep"]}
    assert client_of("linjing").post(where, chosen).status_code == 403
    operations = client_of("wufang")
    own = operations.post("/opportunities/views", {"name": "大单", "query": "amount.from=1"})
    pk = own.json()["url"].rpartition("=")[2]
    assert operations.post(where, {**chosen, "first_for": pk}).status_code == 422  # not shared with everyone
    assert "role" in operations.get("/opportunities/sheet/view", {"id": "mine"}).content.decode()
    assert operations.post(where, chosen).status_code == 200
    seller, manager = client_of("linjing"), client_of("chenmin")
    assert "同事的项目" not in seller.get("/opportunities/").content.decode()
    assert "同事的项目" in seller.get("/opportunities/", {"view": "all"}).content.decode()
    assert "同事的项目" in manager.get("/opportunities/").content.decode()
    seller.post(where, {"first": ""})
    assert "同事的项目" in seller.get("/opportunities/").content.decode()
    assert operations.post(where, {"first_for": "mine"}).status_code == 200
    program, json = f"/api/views/{pk}", "application/json"
    assert operations.patch(program, {"first_for": ["sales_rep"]}, content_type=json).status_code == 422
    shared = {"shared": "everyone", "first_for": ["sales_rep", ""]}
    assert operations.patch(program, shared, content_type=json).json()["first_for"] == ["", "sales_rep"]
    assert seller.patch(program, {"first_for": []}, content_type=json).status_code == 403
    opened = f'name="of" value="{pk}"'
    assert opened in manager.get("/opportunities/").content.decode()
    assert opened not in seller.get("/opportunities/").content.decode()
    operations.delete(program)
    assert manager.get("/opportunities/").status_code == 200
    live.unload()

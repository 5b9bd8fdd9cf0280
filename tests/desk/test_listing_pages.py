"""The list page: groups and totals that add up, cells edited where they stand, deeds on many records, other shapes."""

from __future__ import annotations

import html
import json
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from xiaoguan.customers.models import Customer
from xiaoguan.desk import conformance, figures, jobs, many
from xiaoguan.desk.cells import Cell
from xiaoguan.desk.listing import Listing
from xiaoguan.desk.models import Event
from xiaoguan.desk.screens import shapes
from xiaoguan.desk.screens.boards import LANE_CARDS
from xiaoguan.desk.screens.rows_html import shares
from xiaoguan.goals.models import GoalTarget
from xiaoguan.sales.models import ExchangeRate, Opportunity, OrderLine


def deal(owner: Any, title: str, amount: int = 100, **values: Any) -> Any:
    given = {"title": title, "amount": amount * 10_000, "currency": "CNY", "lost_reason": "", **values}
    return conformance.sample(Opportunity, owner, given)


def listing(cast: Any, name: str, query: str = "") -> Listing:
    from django.http import QueryDict

    return Listing.read(conformance.desk("opportunity"), cast.viewer(name), QueryDict(query))


# Figures


def test_totals_and_groups_count_what_the_viewer_may_read(cast: Any, client_of: Any) -> None:
    for owner, amount, currency in (
        (cast.linjing, 100, "CNY"),
        (cast.linjing, 50, "USD"),
        (cast.wanglei, 1_000, "CNY"),
    ):
        deal(owner, "项目", amount, currency=currency)
    mine = listing(cast, "linjing")
    assert figures.totals(mine, mine.columns)["amount"] == "¥100.00 + $50.00"
    whole = listing(cast, "sunzong", "group=owner")
    found = {
        bucket.label: figures.figure_text(whole.columns[4], sums)
        for bucket, sums in figures.groups(whole, whole.columns)
    }
    assert found == {"林静": "¥100.00 + $50.00", "王磊": "¥1,000.00"}
    page = client_of("linjing").get("/opportunities/", {"part": "totals"}).content.decode()
    assert "¥100.00 + $50.00" in page and "1,000" not in page


def test_what_a_filter_finds_beyond_the_page_is_counted_after_it(cast: Any, client_of: Any) -> None:
    for number in range(31):
        deal(cast.linjing, f"项目{number}")
    deal(cast.wanglei, "别队的项目")
    browser = client_of("linjing")

    def count(**query: str) -> str:
        page = browser.get("/opportunities/", query).content.decode()
        return re.search(r'id="count"[^>]*>([^<]*)<', page)[1]

    assert count() == "31"  # nothing to filter: the tallies know
    assert count(currency="CNY", q="项目30") == "1"  # the page shows them all
    assert count(result="open") == "30+"
    assert count(result="open", part="count") == "31"


def test_groups_by_month_lead_to_their_rows(cast: Any, client_of: Any) -> None:
    deal(cast.linjing, "三月单", closes_on="2026-03-31")
    deal(cast.linjing, "四月单", closes_on="2026-04-01")
    browser = client_of("linjing")
    page = browser.get("/opportunities/", {"group": "closes_on:month"}).content.decode()
    urls = re.findall(r'hx-get="([^"]+part=rows)"', page)
    rows = [browser.get(url.replace("&amp;", "&")).content.decode() for url in urls]
    assert ["三月单" in r for r in rows] == [True, False] and ["四月单" in r for r in rows] == [False, True]


def test_a_long_list_is_sorted_by_several_keys_page_by_page(cast: Any, client_of: Any) -> None:
    for n in range(14):
        deal(cast.linjing, f"单{n:02d}", n % 3, closed_on="2026-05-01" if n % 4 else None)
    browser, cursor, found = client_of("linjing"), "", []
    while True:
        query = {"sort": "-closed_on,amount,-title", "limit": "3", **({"cursor": cursor} if cursor else {})}
        answer = browser.get("/api/opportunities", query).json()
        found += [(i["closed_on"] is None, i["amount"], i["title"]) for i in answer["items"]]
        cursor = answer["next"]
        if not cursor:
            break
    inside = sorted(found, key=lambda row: row[2], reverse=True)
    assert len(set(found)) == 14 and found == sorted(inside, key=lambda row: row[:2])
    foreign = browser.get("/api/opportunities", {"sort": "-amount", "limit": "3"}).json()["next"]
    assert browser.get("/api/opportunities", {"sort": "-amount,title", "cursor": foreign}).status_code == 400


# Cells


def test_a_cell_is_edited_with_the_rights_and_checks_of_the_form(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing, "维保")
    url = f"/opportunities/{sale.pk}/cell/amount"
    owner = client_of("linjing")
    assert 'name="amount"' in owner.get(url).content.decode()
    wrong = owner.post(url, {"amount": "viel", "version": "1"})
    assert wrong.status_code == 422 and "viel" in wrong.json()["message"]
    done = owner.post(url, {"amount": "1,250", "version": "1", "columns": "title,amount"})
    assert done.status_code == 200 and "¥1,250.00" in done.json()["row"]
    assert owner.post(url, {"amount": "9", "version": "1"}).status_code == 409
    assert client_of("zhouhang").get(url).status_code == 403
    assert client_of("zhouhang").post(url, {"amount": "9"}).status_code == 403
    assert client_of("wanglei").get(url).status_code == 404
    assert owner.get(f"/opportunities/{sale.pk}/cell/result").status_code == 404
    assert owner.post(done.json()["undo_url"], HTTP_ACCEPT="application/json").status_code == 200
    sale.refresh_from_db()
    assert sale.amount_units == 100 * 10_000


def test_a_field_that_one_may_not_see_is_nowhere_in_the_list(
    cast: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xiaoguan.desk import hidden, role
    from xiaoguan.people import chart

    monkeypatch.setattr(chart, "_kept", {})  # what was worked out for the viewers stays in this test
    desk = conformance.desk("opportunity")
    monkeypatch.setattr(type(desk), "limits", {"amount": hidden(role("general_manager"))})
    sale = deal(cast.linjing, "维保", 7_351)
    browser = client_of("linjing")
    for query in ({}, {"group": "stage"}, {"part": "totals"}, {"as": "pivot", "measure": "count"}, {"as": "calendar"}):
        page = browser.get("/opportunities/", query)
        assert page.status_code == 200 and "7,351" not in page.content.decode(), query
    for name in ("filter", "display"):
        assert "amount" not in browser.get(f"/opportunities/sheet/{name}").content.decode()
    assert "edit:amount" not in browser.post("/opportunities/bulk", {"ids": str(sale.pk)}).content.decode()
    for asked in ({"where": "amount:ge:7000"}, {"sort": "amount"}, {"amount.from": "7000"}):
        assert browser.get("/api/opportunities", asked).status_code == 400, asked
    for query in ({"as": "pivot", "measure": "sum:amount"}, {"columns": "title,amount"}, {"group": "amount"}):
        assert "7,351" not in browser.get("/opportunities/", query, follow=True).content.decode()
    assert browser.get(f"/opportunities/{sale.pk}/cell/amount").status_code == 404
    assert "7,351" in client_of("sunzong").get("/opportunities/").content.decode()


# Many


def test_many_records_are_changed_at_once_and_taken_back_at_once(cast: Any, client_of: Any) -> None:
    mine = [deal(cast.linjing, f"我的{n}") for n in range(3)]
    other = deal(cast.zhouhang, "别人的")
    browser = client_of("linjing")
    ids = ",".join(str(r.pk) for r in [*mine, other])
    sheet = browser.post("/opportunities/bulk", {"ids": ids}).content.decode()
    assert 'value="edit:origin"' in sheet and 'value="verb:lose"' in sheet and 'value="delete"' not in sheet
    answer = browser.post("/opportunities/bulk/do", {"ids": ids, "deed": "edit:origin", "origin": "phone"}).json()
    assert [r["title"] for r in answer["refused"]] == ["别人的"] and answer["refused"][0]["why"]
    assert set(Opportunity.objects.values_list("title", "origin")) == {
        *((r.title, "phone") for r in mine), ("别人的", other.origin),
    }  # fmt: skip
    [batch] = set(Event.objects.filter(deed="changed").values_list("batch", flat=True))
    assert browser.post(f"/undo/{batch}", HTTP_ACCEPT="application/json").status_code == 200
    assert not Opportunity.objects.exclude(origin=other.origin).exists()


def test_a_verb_on_many_says_who_was_refused_and_why(cast: Any, client_of: Any) -> None:
    open_, lost = deal(cast.linjing, "进行中"), deal(cast.linjing, "已输", result="lost")
    answer = client_of("linjing").post(
        "/opportunities/bulk/do", {"ids": f"{open_.pk},{lost.pk}", "deed": "verb:lose", "reason": "price"}
    )
    assert [r["title"] for r in answer.json()["refused"]] == ["已输"]
    missing = client_of("linjing").post("/opportunities/bulk/do", {"ids": str(open_.pk), "deed": "verb:lose"})
    assert missing.status_code == 422
    for deed in ("delete", "verb:ghost", "edit:result", ""):
        assert client_of("linjing").post("/opportunities/bulk/do", {"ids": "1", "deed": deed}).status_code == 422


def test_all_that_the_filter_finds_is_a_job_when_it_is_much(
    cast: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "AT_ONCE", 3)
    monkeypatch.setattr(many, "STEP", 2)
    for n in range(5):
        deal(cast.linjing, f"大{n}", 1_000)
    deal(cast.linjing, "小", 1)
    query = "?where=amount:ge:500"
    answer = client_of("linjing").post(
        f"/opportunities/bulk/do{query}", {"all": "1", "deed": "edit:origin", "origin": "phone"}
    )
    assert answer.status_code == 200 and answer.json()["job"]
    jobs.drain()
    job = jobs.Job.objects.get()
    assert job.state == "done", job.error
    assert set(Opportunity.objects.filter(origin="phone").values_list("title", flat=True)) == {
        f"大{n}" for n in range(5)
    }
    assert set(Event.objects.filter(deed="changed").values_list("batch", flat=True)) == {job.batch}


# The board


def test_lanes_load_on_and_know_the_filter(cast: Any, client_of: Any) -> None:
    stage = conformance.desk("opportunity").lanes(cast.viewer("linjing"))[0]["id"]
    titles = {f"牌{n:02d}" for n in range(LANE_CARDS + 5)}
    for title in sorted(titles):
        deal(cast.linjing, title, stage=stage)
    browser = client_of("linjing")
    page = browser.get("/opportunities/board", {"where": "title:has:牌"}).content.decode()
    first = set(re.findall(r"牌\d\d", page))
    [more] = re.findall(r'class="lane-next" hx-get="([^"]+)"', page)
    rest = browser.get(more.replace("&amp;", "&")).content.decode()
    assert len(first) == LANE_CARDS and first | set(re.findall(r"牌\d\d", rest)) == titles
    assert "牌0" not in browser.get("/opportunities/board", {"where": "title:is:无"}).content.decode()
    assert browser.get("/opportunities/board", {"part": "cards", "lane": "ghost"}).status_code == 404


def test_what_the_policy_wants_done_is_asked_before_a_stage_is_left(cast: Any, client_of: Any) -> None:
    from pathlib import Path

    from xiaoguan.rulebook.versions import adopt

    adopt(Path("policies/small-company.yaml").read_text())
    sale = deal(cast.linjing, "产线", stage="identify")
    browser = client_of("linjing", HTTP_ACCEPT="application/json")
    url = f"/opportunities/{sale.pk}/move"
    asked = browser.post(url, {"to": "contact"})
    [ask] = asked.json()["fields"]
    assert asked.status_code == 422 and ask["kind"] == "checks" and "客户来源" in asked.json()["message"]
    assert [o["value"] for o in ask["options"]] == ["客户来源", "联系人"]
    assert browser.post(url, {"to": "contact", "checked": "客户来源"}).status_code == 422
    done = browser.post(url, {"to": "contact", "checked": "客户来源\n联系人"})
    assert done.status_code == 200 and done.json()["undo_url"]
    back = browser.post(url, {"to": "identify"})
    assert [f["name"] for f in back.json()["fields"]] == ["reason"]
    assert "checked" in Event.objects.filter(deed="move").latest("id").changes


# Other shapes


@pytest.mark.parametrize("shape", ["calendar", "timeline", "pivot", "chart"])
def test_every_shape_shows_what_the_viewer_may_read(cast: Any, client_of: Any, shape: str) -> None:
    today = timezone.localdate()
    deal(cast.linjing, "华东项目", 100, closes_on=today, opened_on=today - timedelta(days=9), stage="contact")
    deal(cast.wanglei, "华北项目", 7_777, closes_on=today, opened_on=today - timedelta(days=9), stage="won")
    browser = client_of("linjing")
    query = {"as": shape, "measure": "sum:amount", "rows": "stage"}
    page = browser.get("/opportunities/", query)
    text = page.content.decode()
    assert page.status_code == 200 and "华北项目" not in text and "7,777" not in text
    assert ("华东项目" if shape in ("calendar", "timeline") else "¥100.00") in text
    none = browser.get("/opportunities/", {**query, "where": "amount:gt:5000"}).content.decode()
    assert "华东项目" not in none and "¥100.00" not in none
    for wrong in (
        {"by": "ghost"},
        {"start": "ghost"},
        {"rows": "ghost"},
        {"measure": "sum:title"},
        {"day": "2026-13-01"},
    ):
        assert browser.get("/opportunities/", {**query, **wrong}).status_code in (200, 302)


@pytest.mark.parametrize("shape", ["calendar", "timeline"])
def test_what_is_called_alike_is_told_apart(cast: Any, client_of: Any, shape: str) -> None:
    today = timezone.localdate()
    for title, name in (("续约", "海天"), ("续约", "远山"), ("扩容", "长河")):
        customer = conformance.sample(Customer, cast.linjing, {"name": name})
        deal(cast.linjing, title, customer=customer, closes_on=today, opened_on=today)
    page = client_of("linjing").get("/opportunities/", {"as": shape}).content.decode()
    assert "续约 · 海天" in page and "续约 · 远山" in page and "扩容" in page and "长河" not in page


def drawn(browser: Any, **query: str) -> tuple[dict[str, Any], str]:
    page = browser.get("/opportunities/", {"as": "chart", **query}).content.decode()
    found = re.search(r"data-chart='([^']*)'", page)
    assert found, page
    return json.loads(html.unescape(found.group(1))), page


def test_a_pie_is_the_whole_of_what_there_is(cast: Any, client_of: Any) -> None:
    for origin, stage in (("web", "contact"), ("web", "identify"), ("phone", "identify"), ("phone", "identify")):
        deal(cast.linjing, "一", 10, stage=stage, origin=origin)
    browser = client_of("linjing")
    option, _page = drawn(browser, look="pie", rows="stage", cols="origin")
    assert [slice["value"] for slice in option["series"][0]["data"]] == [3, 1]  # not those of the first origin alone
    deal(cast.linjing, "外", 10, stage="contact", currency="USD")
    for query in ({"measure": "sum:amount"}, {"measure": "avg:amount"}):
        option, page = drawn(browser, look="pie", rows="stage", **query)
        assert option["series"][0]["type"] == "bar" and 'class="note tone-amber"' in page


def test_what_does_not_fit_into_a_chart_stands_together_and_is_said(
    cast: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "MOST_SERIES", 2)
    monkeypatch.setattr(shapes, "MOST_ROWS", 3)
    for origin in ("web", "web", "web", "phone", "phone", "import"):
        deal(cast.linjing, origin, 10, stage="contact", origin=origin)
    option, page = drawn(client_of("linjing"), rows="stage", cols="origin")
    assert [one["data"] for one in option["series"]] == [[3], [3]] and 'class="note tone-amber"' in page
    today = timezone.localdate().replace(day=1)
    for days in (0, 45):
        deal(cast.linjing, "远", 10, opened_on=today - timedelta(days=days))
    option, _page = drawn(client_of("linjing"), rows="opened_on:month")
    assert option["series"][0]["data"] == [1, 0, 7]  # a month without any is a month


def test_a_number_of_the_pivot_leads_to_its_records(cast: Any, client_of: Any) -> None:
    deal(cast.linjing, "甲", 10, stage="contact", origin="web")
    deal(cast.linjing, "乙", 20, stage="contact", origin="phone")
    browser = client_of("linjing")
    page = browser.get("/opportunities/", {"as": "pivot", "rows": "stage", "cols": "origin", "measure": "sum:amount"})
    [url] = re.findall(r'href="([^"]+)">¥20.00', page.content.decode())
    text = browser.get(url.replace("&amp;", "&")).content.decode()
    assert "乙" in text and ">甲<" not in text


# What a row leads to, and what adds up


def test_a_telephone_number_is_called_and_a_website_opened(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing, phone="+86 (21) 5550-1234", website="https://example.com/")
    browser = client_of("linjing")
    calls = 'href="tel:+862155501234"'
    assert calls in browser.get("/customers/").content.decode()
    page = browser.get(f"/customers/{customer.pk}").content.decode()
    assert calls in page and 'href="https://example.com/" target="_blank" rel="noopener noreferrer"' in page


def test_prices_and_positions_do_not_add_up(cast: Any, client_of: Any) -> None:
    conformance.sample(OrderLine, cast.linjing)
    browser = client_of("linjing")
    foot = browser.get("/order-lines/", {"part": "totals"}).content.decode()
    labels = re.findall(r'data-label="([^"]+)"', foot)
    assert labels and not {"unit price", "单价", "line", "行"} & set(labels)
    assert browser.get("/order-lines/", {"as": "pivot", "measure": "sum:unit_price"}).status_code == 302


def test_goals_add_up_where_they_are_of_one_kind(cast: Any, client_of: Any) -> None:
    """Goals of a year and of a month, amounts and counts, a team's and its people's are no parts of one sum."""
    for goal, months, owner in (
        ("sales", 1, {"person": cast.linjing}),
        ("sales", 1, {"person": cast.zhouhang}),
        ("sales", 1, {"team": cast.teams["north"]}),
        ("sales", 3, {"person": cast.linjing}),
        ("calls", 1, {"person": cast.linjing}),
    ):
        GoalTarget(goal=goal, starts_on=date(2026, 1, 1), ends_on=date(2026, 1 + months, 1), value=70, **owner).save()
    browser = client_of("sunzong")

    def total(where: str = "") -> list[str]:
        return re.findall(
            "140|210|70", browser.get("/goal-targets/", {"part": "totals", "where": where}).content.decode()
        )

    month = "goal:is:sales;ends_on:is:2026-02-01"
    assert [total(), total("goal:is:sales"), total(month)] == [[], [], []]
    assert total(f"{month};person:filled") == ["140"]
    whole = {"as": "pivot", "rows": "goal", "measure": "sum:value"}
    assert not re.search(
        "140|210|280|350", browser.get("/goal-targets/", whole).content.decode().partition("<table")[2]
    )


def test_columns_share_the_room_by_what_stands_in_them() -> None:
    name, long, day = (Cell("text", text) for text in ("林静", "上海海天智能科技股份有限公司", "2026-01-01"))
    rows = [{"cells": [name, Cell("link", long.text), Cell("date", day.text)]}] * 10
    first, second, third = shares(rows)
    assert first is not None and second is not None and third is None and second > 2 * first


def test_a_card_on_a_phone_shows_what_the_list_is_sorted_by_and_no_price(cast: Any, client_of: Any) -> None:
    customer = conformance.sample(
        Customer, cast.linjing, grade="A", city="苏州", phone="0512-1", website="https://a.cn"
    )
    Customer.objects.filter(pk=customer.pk).update(recycle_on=date(2026, 12, 3))
    asked = {"columns": "name,grade,city,phone,recycle_on", "sort": "recycle_on"}
    page = client_of("linjing", HTTP_ACCEPT_LANGUAGE="en").get("/customers/", asked).content.decode()
    assert re.findall(r'<td role="cell" class="(\w*)"[^>]*data-fact="([^"]+)"', page) == [("", "back to the pool")]
    assert page.count('class="rest"') == 1  # the telephone gave way
    conformance.sample(OrderLine, cast.linjing, unit_price=20_000, net_amount=70_000)
    lines = client_of("linjing").get("/order-lines/").content.decode()
    assert re.findall(r'class="num heavy">([^<]+)<', lines) == ["¥7.00"]
    GoalTarget(goal="sales", person=cast.linjing, starts_on=date(2026, 1, 1), ends_on=date(2026, 2, 1), value=3).save()
    GoalTarget.objects.update(currency="CNY")
    goals = client_of("linjing").get("/goal-targets/").content.decode()
    assert 'class="num heavy">¥3.00<' in goals and 'class="flow rest">CNY<' in goals
    rate = ExchangeRate(base="USD", quote="CNY", on=date(2026, 1, 1), kind="average", rate=Decimal("7.1"))
    rate.save()
    assert 'class="num heavy">7.1<' in client_of("sunzong").get("/exchange-rates/").content.decode()


def test_a_full_month_shows_the_beginning_of_every_day(
    cast: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "MOST_ENTRIES", 8)
    first = timezone.localdate().replace(day=1)
    for n in range(9):
        deal(cast.linjing, f"第{n}单", closes_on=first + timedelta(days=n % 2 * 14))
    page = client_of("linjing").get("/opportunities/", {"as": "calendar", "by": "closes_on"}).content.decode()
    month = page[page.index('<table class="month">') : page.index("</table>")]
    assert month.count("entry-line") == 8 and month.count("entry-more") == 1 and "alert-triangle" not in page

"""A policy is changed in the browser: by form and as text, tried, approved, published, read and signed."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

TIERS = "incentive[0].components[0].tiers.rates"


def begin(page: Page, title: str) -> None:
    page.get_by_label("草案名称").fill(title)
    page.get_by_role("button", name="开始", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    page.locator("[data-workshop][data-pane]").wait_for()


def put(page: Page, path: str, value: str) -> None:
    """Change a number of the form and wait until it is kept."""
    control = page.locator(f'[data-path="{path}"]')
    with page.expect_response(re.compile("/set$")):
        control.fill(value)
        control.press("Tab")


def test_a_policy_from_the_draft_to_the_signature(visit: Visit, do_jobs: Callable[[], None]) -> None:
    boss = visit("sunzong")
    page = boss.page
    boss.go("/policy/")
    page.get_by_role("link", name="修订").click()
    assert not boss.faults()
    begin(page, "高达成提成加码")
    page.get_by_role("tab", name="参数表单").click()
    count = page.locator("[data-count=cases]")
    expect(count).to_have_text("✓")
    put(page, f"{TIERS}[1].rate", "6%")
    expect(page.locator("[data-reading]")).to_contain_text("100% 至 120%（不含）6%")
    expect(page.locator(".pane-text .cm-content")).to_contain_text("{from: 100%, rate: 6%}")
    expect(count).to_have_text(re.compile("✗"))
    assert not boss.faults()
    put(page, f"{TIERS}[1].rate", "4%")
    expect(count).to_have_text("✓")
    put(page, f"{TIERS}[2].rate", "7%")
    expect(page.locator("[data-reading]")).to_contain_text("120% 及以上 7%")
    page.get_by_role("link", name="变更对照").click()
    expect(page.locator(".change", has_text="销售提成").locator("ins").first).to_have_text("7%")
    assert not boss.faults()

    page.get_by_role("link", name="回测").click()
    page.get_by_label("从", exact=True).select_option("2026-01")
    page.get_by_label("至", exact=True).select_option("2026-03")
    page.get_by_role("button", name="开始回测").click()
    do_jobs()
    expect(page.get_by_role("heading", name="谁增加", exact=False).or_(page.locator(".figures-row"))).to_be_visible()
    page.get_by_role("link", name="林静").click()
    expect(page.locator(".statements .side")).to_have_count(2)
    assert not boss.faults()

    page.get_by_role("button", name="提交审批").click()
    page.get_by_label("给审批人的说明").fill("超额部分加码")
    page.get_by_role("dialog").get_by_role("button", name="提交审批").click()
    expect(page.locator(".page-head")).to_contain_text("审批中")
    money = visit("zhaoyue")
    money.go("/approvals/")
    money.page.locator("a.approval-link", has_text="高达成提成加码").click()
    money.page.get_by_role("button", name="同意").click()
    money.page.locator(".toast").first.wait_for()

    page.reload()
    page.get_by_role("link", name="发布", exact=True).click()
    for tick in page.locator("[name=acknowledged]").all():
        tick.check()
    assert not boss.faults()
    page.locator("form.publish").get_by_role("button", name="发布").click()
    expect(page.locator(".signed-list")).to_contain_text("林静")
    assert not boss.faults()

    seller = visit("linjing", "phone")
    seller.go("/inbox/")
    seller.page.get_by_text("请阅读并签署制度").first.click()
    expect(seller.page.locator("ins", has_text="7%").first).to_be_visible()
    assert not seller.faults()
    seller.page.get_by_role("button", name="我已阅读").tap()
    expect(seller.page.get_by_text("你已于")).to_be_visible()


def test_text_is_checked_while_it_is_typed_and_two_people_do_not_overwrite_each_other(visit: Visit) -> None:
    boss = visit("sunzong")
    boss.may_answer(409)
    page = boss.page
    boss.go("/policy-drafts/new")
    begin(page, "两人同改")
    text = page.locator(".pane-text .cm-content")
    text.press("Control+End")
    page.keyboard.type("bonus: 1")
    fault = page.locator("[data-issues] li", has_text="没有 'bonus' 这个键")
    expect(fault).to_be_visible()
    expect(page.locator("[data-saved]")).to_have_text("已保存")
    fault.get_by_role("link").click()
    expect(page.locator(".pane-text .cm-activeLine")).to_have_text("bonus: 1")
    assert not boss.faults()
    other = visit("sunzong", "phone")
    other.go(page.url.removeprefix(other.server))
    assert not other.faults()
    mine = other.page.locator(".pane-text .cm-content")
    mine.press("Control+End")
    other.page.keyboard.type("23")
    expect(other.page.locator("[data-saved]")).to_have_text("已保存")
    text.press("Control+End")
    page.keyboard.type("45")
    expect(page.get_by_role("alert").filter(has_text="其他人刚刚修改了这份草案")).to_be_visible()
    page.get_by_role("button", name="保留我的").click()
    expect(page.locator("[data-saved]")).to_have_text("已保存")
    page.reload()
    text.press("Control+End")
    expect(text).to_contain_text("bonus: 145")


def test_the_workshop_works_on_a_small_phone_and_in_the_dark(visit: Visit) -> None:
    boss = visit("sunzong", "narrow", "en", "dark")
    page = boss.page
    boss.go("/policy-drafts/new")
    page.get_by_label("What you call the draft").fill("On the way")
    page.get_by_role("button", name="Begin", exact=True).tap()
    for name in ("Check", "By form", "Cases", "Text"):
        page.get_by_role("tab", name=re.compile(f"^{name}")).tap()
        assert not boss.faults()
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    here = page.url
    for path in ("/diff", "/backtests"):
        page.goto(here + path)
        assert not boss.faults()
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0

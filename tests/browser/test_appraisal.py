"""A quarter is appraised: rated on a phone, calculated, calibrated in the grid, locked, and seen by the person."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_closing import faults, press, stands

QUARTER = "2026-Q1"


def test_a_quarter_from_the_ratings_to_the_locked_grade(visit: Visit, do_jobs: Callable[[], None]) -> None:
    office = visit("helin")
    page = office.page
    office.go("/appraisal-cycles/new")
    page.get_by_label("期间").fill(QUARTER)
    page.locator("main form button.btn-primary").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(QUARTER)
    cycle = page.url
    press(page, "发起评分")
    page.get_by_role("dialog").get_by_role("button", name="发起评分").click()
    stands(page, "评分中")
    assert not faults(office)

    lead = visit("chenmin", "phone")
    phone = lead.page
    lead.go("/ratings/mine")
    assert not faults(lead)
    sheet = phone.locator(".rate-open", has_text="林静")
    sheet.locator(".rate-steps label", has_text="5").first.click()
    sheet.get_by_label("评论").fill("带新人很有耐心")
    sheet.get_by_role("button", name="保存").click()
    expect(phone.locator(".rate-done", has_text="林静")).to_contain_text("已评")
    assert not faults(lead)

    page.goto(cycle)
    expect(page.locator(".appraisal-progress")).to_contain_text("1 / ")
    press(page, "核算")
    do_jobs()
    page.goto(cycle)
    stands(page, "已核算")
    page.get_by_role("link", name="团队考核").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("团队考核")
    assert not faults(office)

    lead.go("/appraisals/team")
    assert not faults(lead)
    phone.get_by_role("button", name="校准 林静").click()
    ask = phone.get_by_role("dialog")
    ask.get_by_label("等级").select_option("B")
    assert not faults(lead)
    ask.get_by_label("原因").fill("一笔大单为团队共同完成")
    ask.get_by_role("button", name="校准").click()
    row = phone.locator(".appraisals tbody tr", has_text="林静")
    expect(row).to_contain_text("A →")

    page.goto(cycle)
    press(page, "完成校准")
    stands(page, "已校准")
    money = visit("zhaoyue")
    money.page.goto(cycle)
    press(money.page, "锁定")
    money.page.get_by_role("dialog").get_by_role("button", name="锁定").click()  # it asks first
    stands(money.page, "已锁定")
    assert not faults(money)

    for size, language in (("phone", "zh-hans"), ("narrow", "en"), ("desk", "en")):
        seller = visit("linjing", size, language)
        seller.go("/appraisals/mine")
        expect(seller.page.locator(".grades .here")).to_contain_text("B")
        line = seller.page.locator(".appraisal details.line").first
        line.locator("summary").first.click()
        expect(line).to_contain_text("SO-101")
        expect(seller.page.locator(".said").first).to_contain_text("带新人很有耐心")
        assert not faults(seller)
        wide = seller.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{size} scrolls sideways"

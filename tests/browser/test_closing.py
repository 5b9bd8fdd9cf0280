"""A month is closed: calculated, disputed on a phone, decided, approved, locked, and taken to payroll."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, Visitor

MONTH = "2026-01"


def press(page: Page, name: str) -> None:
    """A deed of the record, from its button or from the menu of the others."""
    button = page.locator(".page-head").get_by_role("button", name=name, exact=True).first
    if not button.is_visible():
        page.locator(".page-head").get_by_role("button", name="更多").click()
        button = page.locator("#record-menu").get_by_role("button", name=name, exact=True)
    button.click()


def faults(visitor: Visitor) -> list[str]:
    """What axe finds once everything that the page fetches by itself is there."""
    visitor.page.wait_for_function("() => !document.querySelector('.htmx-request')")
    return visitor.faults()


def stands(page: Page, words: str) -> None:
    expect(page.locator(".stages .current")).to_have_text(re.compile(words))


def test_a_month_from_calculation_to_payroll(visit: Visit, do_jobs: Callable[[], None], tmp_path: Path) -> None:
    office = visit("wufang")
    page = office.page
    office.go("/pay-periods/new")
    page.get_by_label("期间").fill(MONTH)
    page.locator("main form button.btn-primary").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(MONTH)
    period = page.url
    press(page, "核算")
    do_jobs()
    page.goto(period)
    stands(page, "已核算")
    assert not faults(office)

    seller = visit("linjing", "phone")
    phone = seller.page
    seller.go("/statements/")
    phone.get_by_role("link", name=f"{MONTH} 林静").first.click()
    expect(phone.locator(".statement-head")).to_contain_text("¥5,400.00")
    phone.locator(".lines > details").first.evaluate("(line) => { line.open = true }")
    phone.locator(".line-deed").get_by_role("button", name="我有异议").first.click()
    sheet = phone.get_by_role("dialog")
    sheet.get_by_label("哪里不对？").fill("SO-99 没有计入")
    sheet.get_by_label("应为多少？").fill("6000")
    assert not faults(seller)
    sheet.get_by_role("button", name="我有异议").click()
    expect(phone.locator(".lines .pill")).to_contain_text("待处理")
    assert not faults(seller)

    finance = visit("zhaoyue")
    desk = finance.page
    finance.go("/disputes/")
    desk.locator("tbody").get_by_role("link", name=re.compile("林静")).first.click()
    expect(desk.get_by_text("SO-99 没有计入")).to_be_visible()
    assert not faults(finance)
    press(desk, "接受")
    sheet = desk.get_by_role("dialog")
    expect(sheet.get_by_label("更正额")).to_have_value("600.00")
    sheet.get_by_label("原因").fill("订单属实")
    sheet.get_by_role("button", name="接受").click()
    stands(desk, "已接受")

    page.goto(period)
    press(page, "复核")
    stands(page, "已复核")
    desk.goto(period)
    press(desk, "同意")
    stands(desk, "已批准")
    press(desk, "锁定")
    desk.get_by_role("dialog").get_by_role("button", name="锁定").click()  # it asks first
    stands(desk, "已锁定")
    assert not faults(finance)
    desk.get_by_role("link", name="工资表").first.click()
    row = desk.locator("tbody tr", has_text="林静")
    expect(row).to_contain_text("¥6,000.00")
    assert not faults(finance)
    with desk.expect_download() as taken:
        desk.get_by_role("link", name="CSV").click()
    file = tmp_path / "payroll.csv"
    taken.value.save_as(file)
    assert "6000.00" in file.read_text(encoding="utf-8-sig")
    phone.reload()
    expect(phone.locator(".statement-head")).to_contain_text("¥6,000.00")
    expect(phone.locator(".lines")).to_contain_text("订单属实")

"""A day without a mouse: in by the door, a customer found, a call logged, a deal moved and moved back, pay seen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.company import PASSWORD
from tests.browser.conftest import Visit


def tab_to(page: Page, selector: str, near: str = "", most: int = 150) -> None:
    """Press Tab until the focus stands on something that fits (in a card with the text `near`).

    That it can be reached so is half of the test.
    """
    there = """([fits, near]) => {
        const at = document.activeElement;
        return Boolean(at?.matches(fits) && (!near || at.parentElement.textContent.includes(near)));
    }"""
    for _press in range(most):
        if page.evaluate(there, [selector, near]):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


def test_a_day_by_keyboard_alone(visit: Visit) -> None:
    seller = visit()
    seller.may_answer(422)
    page = seller.page
    seller.go("/")
    page.keyboard.type("linjing")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)

    page.keyboard.press("Control+k")
    page.keyboard.type("haitian")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("海天智能科技有限公司")

    tab_to(page, "[role=tab]")
    for _step in range(8):
        if page.evaluate("document.activeElement?.getAttribute('href')?.endsWith('/activity')"):
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator("#tab a[href^='/activities/new']").wait_for()  # until then the tabs that were passed may still come in
    tab_to(page, "#tab a[href^='/activities/new']")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/activities/new"))
    tab_to(page, "[name=subject]")
    page.keyboard.type("键盘记录的电话")
    page.keyboard.press("Control+Enter")
    seller.toast("已保存：键盘记录的电话")

    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url(re.compile("/opportunities/board"))
    tab_to(page, ".deal a", near="林静")
    title = page.evaluate("document.activeElement.textContent")
    before = page.evaluate("document.activeElement.closest('.lane').dataset.lane")
    page.keyboard.press("m")
    page.locator(".menu:popover-open .menu-item").first.wait_for()
    tab_to(page, ".menu:popover-open .menu-item")
    page.keyboard.press("Enter")
    for _question in range(3):  # what the policy asks: ticks, a reason
        page.locator("dialog[open], .toast .undo").first.wait_for()
        if page.locator(".toast .undo").count():
            break
        tab_to(page, "dialog[open] input, dialog[open] textarea")
        while page.evaluate("Boolean(document.activeElement?.matches('dialog[open] input[type=checkbox]'))"):
            page.keyboard.press("Space")
            page.keyboard.press("Tab")
        if page.evaluate("Boolean(document.activeElement?.matches('dialog[open] textarea, dialog[open] input'))"):
            page.keyboard.type("客户要求")
        page.keyboard.press("Control+Enter")
        page.locator("dialog[open]").wait_for(state="detached")
    card = page.locator(".deal", has_text=title).first
    assert card.evaluate("card => card.closest('.lane').dataset.lane") != before
    tab_to(page, ".toast .undo")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    card = page.locator(".deal", has_text=title).first
    assert card.evaluate("card => card.closest('.lane').dataset.lane") == before

    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url(re.compile("/statement/"))
    tab_to(page, "details.line > summary")
    page.keyboard.press("Enter")
    expect(page.locator("details.line[open]").first).to_be_visible()

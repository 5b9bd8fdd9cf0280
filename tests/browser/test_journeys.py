"""The journeys that people make every day, in a real browser, by keyboard, mouse and thumb."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.company import PASSWORD, QUARTER
from tests.browser.conftest import SIZES, Visit

# The door


def test_signing_in_takes_no_mouse(visit: Visit) -> None:
    somebody = visit()
    somebody.go("/customers/")
    page = somebody.page
    expect(page).to_have_url(re.compile(r"/account/login/\?next=/customers/"))
    assert not somebody.faults()
    page.keyboard.type("linjing")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("客户"))


def test_a_wrong_password_is_told_and_guessing_is_slowed_down(visit: Visit) -> None:
    guesser = visit()
    page = guesser.page
    guesser.go("/account/login/")
    messages = []
    for number in range(6):
        page.fill("[name=login]", "guessed")
        page.fill("[name=password]", f"guess number {number}")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        messages.append(page.get_by_role("alert").inner_text())
    assert all("密码" in text for text in messages[:5]) and "过多" in messages[5]
    expect(page.locator("[name=login]")).to_have_value("guessed")
    assert not guesser.faults()


def test_too_many_tries_have_a_page_of_their_own(visit: Visit) -> None:
    admin = visit("gaoxiang")
    admin.may_answer(429)
    page = admin.page
    heading = page.get_by_role("heading", level=1)
    for _number in range(12):
        admin.go("/account/password/")
        page.get_by_label("当前密码").fill("a guess")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        if heading.text_content() == "尝试次数过多":
            break
    expect(heading).to_have_text("尝试次数过多")
    assert not admin.faults()


# Customers


def test_a_customer_is_found_by_pinyin_from_anywhere(visit: Visit) -> None:
    seller = visit("linjing")
    page = seller.page
    seller.go("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("haitian")
    page.keyboard.press("Enter")  # at once: Enter waits for the answer to what was typed
    expect(page.get_by_role("heading", level=1)).to_have_text("海天智能科技有限公司")
    page.wait_for_load_state()  # a page drawn is not yet one that hears keys
    page.keyboard.press("Control+k")
    page.keyboard.type("htzn")
    page.locator("#palette-hits [data-asked=htzn]").wait_for(state="attached")
    page.wait_for_function("() => !document.querySelector('.htmx-request')")
    expect(page.locator("#palette-hits").get_by_text("海天智能科技有限公司", exact=True).first).to_be_visible()
    assert not seller.faults()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("海天智能科技有限公司")


def test_a_call_is_logged_on_a_phone(visit: Visit) -> None:
    seller = visit("linjing", "phone")
    page = seller.page
    seller.go("/customers/")
    page.get_by_role("link", name="青岛海岳食品股份有限公司").tap()
    page.get_by_role("tab", name="跟进记录").tap()
    page.get_by_role("tabpanel").get_by_role("link", name="新建").tap()
    page.get_by_label("主题").fill("报价后回电")
    page.get_by_label("结果").select_option("interested")
    page.get_by_role("button", name="保存").tap()
    seller.toast("已保存：报价后回电")
    expect(page.locator("dl.facts")).to_contain_text("青岛海岳食品股份有限公司")


# Deals


def lane(page: Page, name: str) -> object:
    return page.locator(".lane", has=page.get_by_role("heading", name=name))


def all_done(page: Page) -> None:
    """Tick the checklist that the policy asks for before a stage is left."""
    sheet = page.get_by_role("dialog")
    sheet.wait_for()
    for tick in sheet.get_by_role("checkbox").all():
        tick.check()
    sheet.locator(".btn-primary").click()


def test_a_deal_from_first_contact_to_the_order(visit: Visit) -> None:
    seller = visit("linjing")
    seller.may_answer(422)
    page = seller.page
    seller.go("/opportunities/board")
    page.keyboard.press("c")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("标题").fill("冷库监测")
    sheet.get_by_label("客户").select_option(label="海天智能科技有限公司")
    sheet.get_by_label("金额").fill("98000")
    assert not seller.faults()
    page.keyboard.press("Control+Enter")
    seller.toast("已保存：冷库监测")

    seller.go("/opportunities/board")
    card = page.locator(".deal", has_text="冷库监测")
    start, end = card.bounding_box(), lane(page, "接触").locator(".lane-cards").bounding_box()
    assert start and end
    page.mouse.move(start["x"] + 60, start["y"] + 40)
    page.mouse.down()
    page.mouse.move(start["x"] + 80, start["y"] + 50, steps=4)
    page.mouse.move(end["x"] + 80, end["y"] + 60, steps=10)
    page.mouse.up()
    expect(page.get_by_role("dialog")).to_contain_text("客户来源")
    assert not seller.faults()
    all_done(page)
    seller.toast("推进阶段：冷库监测")
    expect(lane(page, "接触").locator(".deal", has_text="冷库监测")).to_be_visible()

    def move_by_keyboard(to: str) -> None:
        card.get_by_role("link").focus()
        page.keyboard.press("m")
        page.get_by_role("button", name=to, exact=True).focus()
        page.keyboard.press("Enter")

    move_by_keyboard("需求分析")
    all_done(page)
    seller.toast("推进阶段：冷库监测")
    expect(lane(page, "需求分析").locator(".deal", has_text="冷库监测")).to_be_visible()
    move_by_keyboard("谈判与异议处理")
    seller.toast("不允许从“需求分析”直接到“谈判与异议处理”")
    expect(lane(page, "需求分析").locator(".deal", has_text="冷库监测")).to_be_visible()
    move_by_keyboard("接触")
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("要写明原因")
    assert not seller.faults()
    sheet.get_by_label("原因").fill("客户改变了预算")
    page.keyboard.press("Enter")
    seller.toast("推进阶段：冷库监测")
    page.reload()
    expect(lane(page, "接触").locator(".deal", has_text="冷库监测")).to_be_visible()

    card.get_by_role("link").click()
    page.get_by_role("button", name="赢单").first.click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_label("金额")).to_have_value(re.compile("98000"))
    assert not seller.faults()
    sheet.get_by_role("button", name="赢单").click()
    seller.toast("赢单：冷库监测")
    page.get_by_role("tab", name="订单").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("¥98,000.00")


def test_a_card_that_somebody_else_moved_says_so(visit: Visit) -> None:
    first, second = visit("linjing"), visit("linjing")
    first.may_answer(422)
    second.may_answer(409)
    for visitor in (first, second):
        visitor.go("/opportunities/board")
    for visitor in (first, second):
        card = visitor.page.locator(".deal", has_text="产线改造")
        card.get_by_role("link").focus()
        visitor.page.keyboard.press("m")
        visitor.page.get_by_role("button", name="接触", exact=True).click()
        if visitor is first:
            all_done(visitor.page)
        visitor.toast("推进阶段：产线改造" if visitor is first else "已被别人修改")
    expect(lane(second.page, "潜在客户识别").locator(".deal", has_text="产线改造")).to_be_visible()


# Numbers


def test_a_statement_opens_down_to_the_order(visit: Visit) -> None:
    seller = visit("linjing")
    page = seller.page
    seller.go("/statement/")
    expect(page.locator(".statement-head")).to_contain_text("¥10,100.00")
    for words in ("销售提成", "达成率", "签约额"):
        page.locator("details.line:visible > summary", has_text=words).first.click()
    assert not seller.faults()
    page.locator("table.records:visible").get_by_role("link", name="SO-107").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("SO-107")
    expect(page.locator(".figures")).to_contain_text("¥120,000.00")


def test_the_goal_opens_to_its_people_and_draws_its_pace(visit: Visit) -> None:
    boss = visit("sunzong")
    page = boss.page
    boss.go(f"/goals/?policy=small-company&goal=annual_bookings&period={QUARTER}")
    expect(page.locator(".chart canvas, .chart svg").first).to_be_visible()
    row = page.get_by_role("row", name=re.compile("林静"))
    expect(row).to_contain_text("120%")
    row.get_by_role("link").first.click()
    expect(page.get_by_role("link", name="SO-101")).to_be_visible()


# One's own


def test_language_theme_and_password_are_in_the_persons_menu(visit: Visit) -> None:
    seller = visit("linjing")
    page = seller.page
    seller.go("/customers/")

    def menu() -> object:
        page.locator(".rail .me").click()
        return page.locator("#me")

    menu().get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Customers"))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    menu().get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert not seller.faults()
    page.keyboard.press("Escape")
    menu().get_by_role("link", name="Change the password").click()
    expect(page.get_by_label("Current Password")).to_be_visible()
    menu().get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("修改密码")


# Every page, for everybody

PAGES = (
    "/",
    "/customers/",
    "/customers/?q=zzzz",
    "/customers/1",
    "/opportunities/board",
    "/opportunities/?where=amount:ge:1000&group=stage",
    "/opportunities/?as=calendar",
    "/opportunities/?as=timeline",
    "/opportunities/?as=pivot&cols=result",
    "/opportunities/?as=chart",
    "/opportunities/1",
    "/opportunities/1/edit",
    "/forecast/",
    "/warnings/",
    "/honours/",
    f"/goals/?policy=small-company&goal=annual_bookings&period={QUARTER}",
    "/statement/",
    "/explain/1",
    "/results/1",
    "/order-lines/",
    "/goals/plan",
    "/what-if/",
    "/policy/",
    "/settings/",
    "/search?q=hai",
    "/api/",
    "/account/password/",
    "/nothing-here",
)
# The page of the API repeats one piece of markup three hundred times; axe would read it for seconds.
SAME = "() => document.querySelectorAll('.endpoint:nth-of-type(n + 40)').forEach((more) => more.remove())"
# Each pair of size, language and theme comes up.
LOOKS = (
    ("desk", "zh-hans", "light"),
    ("desk", "en", "dark"),
    ("phone", "zh-hans", "dark"),
    ("phone", "en", "light"),
)


@pytest.mark.parametrize(("size", "language", "theme"), LOOKS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(visit: Visit, size: str, language: str, theme: str) -> None:
    boss = visit("sunzong", size, language, theme)
    boss.may_answer(404)
    faults = []
    for path in PAGES:
        boss.go(path)
        if size == "phone":
            boss.page.set_viewport_size({"width": 320, "height": 640})
        over = boss.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            faults.append(f"{path}: {over} pixels too wide")
        boss.page.set_viewport_size(SIZES[size]["viewport"])
        boss.page.evaluate(SAME)
        # The dark has other colours, and nothing else of its own.
        faults += boss.faults() if theme == "light" else boss.faults(("color-contrast",))
    assert not faults, "\n".join(faults)


def test_a_planted_fault_is_found(visit: Visit) -> None:
    """The tests above can fail: for axe, for an icon, for width and for what the content security policy refuses."""
    visitor = visit("linjing")
    visitor.go("/settings/")
    assert not visitor.faults()
    visitor.page.evaluate(
        """() => document.querySelector("main").insertAdjacentHTML("beforeend",
            `<img src="/static/favicon.svg"><svg><use href="#seeding"></use></svg><p style="color: red">red</p>`)"""
    )
    faults, troubles = " ".join(visitor.faults()), " ".join(visitor.troubles)
    assert "image-alt" in faults and "no icon 'seeding'" in faults and "Content Security Policy" in troubles
    visitor.troubles.clear()

"""What needs a signature: asked for at a desk, given on a phone, refused with a reason, asked for again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, Visitor


@pytest.fixture
def office(visit: Visit) -> Visitor:
    """吴芳 of operations, on the page of 周航's goal of this month."""
    office = visit("wufang")
    office.may_answer(422)
    office.go("/goal-targets/?q=周航")
    office.page.locator(".rows .row-link").first.click()
    office.page.wait_for_url(re.compile(r"/goal-targets/\d+$"))
    return office


def change(page: Page, record: str, value: str, **others: str) -> None:
    """Save the form of the goal with another value."""
    page.goto(f"{record}/edit")
    page.get_by_label("任务额").fill(value)
    for label, text in others.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="保存", exact=True).click()


def ask(page: Page, record: str, value: str, why: str) -> None:
    """The same, and ask for the approval that it needs."""
    change(page, record, value)
    page.get_by_label("修改理由").fill(why)
    page.get_by_role("button", name="提交审批").click()


def value_of(page: Page, record: str, text: str) -> None:
    page.goto(record)
    expect(page.get_by_role("main")).to_contain_text(text)


def test_a_goal_is_raised_by_a_signature_given_on_a_phone(visit: Visit, office: Visitor) -> None:
    page, record = office.page, office.page.url
    ask(page, record, "100000", "旺季加码")
    said = page.locator(".toast", has_text="已送 孙总 审批")
    expect(said.get_by_role("link")).to_have_attribute("href", re.compile(r"^/approvals/\d+$"))
    assert not office.faults()
    change(page, record, "99000")  # it is frozen while it waits
    expect(page.locator("main .note").first).to_contain_text("正在审批")

    boss = visit("sunzong", "phone")
    phone = boss.page
    boss.go("/approvals/")
    expect(phone.locator(".approval")).to_contain_text("旺季加码")
    assert not boss.faults()
    phone.get_by_role("button", name="同意").tap()
    expect(phone.get_by_role("main")).to_contain_text("没有待审批")
    value_of(page, record, "100,000")
    expect(page.locator(".approval-card")).to_contain_text("已通过")


def test_a_refusal_needs_words_and_a_relevant_change_asks_again(visit: Visit, office: Visitor) -> None:
    page, record = office.page, office.page.url
    before = page.get_by_role("main").inner_text()
    ask(page, record, "500000", "试试看")
    boss = visit("sunzong", "phone")
    phone = boss.page
    boss.go("/approvals/")
    phone.get_by_role("button", name="驳回").tap()
    boss.toast("请写明原因")
    phone.get_by_label("评论").fill("超出市场容量")
    phone.get_by_role("button", name="驳回").tap()
    expect(phone.get_by_role("main")).to_contain_text("没有待审批")
    page.goto(record)
    card = page.locator(".approval-card details").first
    card.locator("summary").click()
    expect(card).to_contain_text("超出市场容量")
    assert "500,000" not in before and not office.faults()

    page.goto(f"{record}/edit")
    page.get_by_label("由来").fill("按区域")  # what nobody signs for is saved at once
    page.get_by_role("button", name="保存", exact=True).click()
    office.toast("已保存")
    ask(page, record, "400000", "按市场容量")
    expect(page.locator(".toast", has_text="已送 孙总 审批")).to_be_visible()
    phone.reload()
    phone.get_by_role("link", name=re.compile("目标调整")).first.tap()
    phone.get_by_label("评论").fill("可以")
    phone.get_by_role("button", name="同意").tap()
    expect(phone.get_by_role("main")).to_contain_text("可以")
    value_of(page, record, "400,000")


def test_a_discount_makes_a_draft_that_a_manager_signs_on_a_phone(visit: Visit) -> None:
    seller = visit("linjing")
    page = seller.page
    seller.go("/order-lines/1/edit")
    page.get_by_label("净额").fill("60000")
    page.get_by_role("button", name="保存", exact=True).click()
    page.locator(".toast", has_text="在折扣获批之前为草稿").get_by_role("link").click()
    card = page.locator(".approval-card")
    expect(card).to_contain_text("低于目录价 11.8% · 15% 以内：销售经理")
    card.get_by_label("备注").fill("首单让利")
    card.get_by_role("button", name="提交审批").click()
    expect(page.locator(".toast", has_text="已送 陈敏 审批")).to_be_visible()

    boss = visit("chenmin", "phone")
    boss.go("/approvals/")
    expect(boss.page.locator(".approval")).to_contain_text("首单让利")
    boss.page.get_by_role("button", name="同意").tap()
    expect(boss.page.get_by_role("main")).to_contain_text("没有待审批")
    page.reload()
    expect(card).to_contain_text("已通过")
    assert not seller.faults() and not boss.faults()

"""A record in the browser: its story, a look at it from the list, two people at once, something new, merging."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Visit


def test_a_comment_with_a_mention_and_a_file_reaches_the_other(visit: Visit, tmp_path: Path) -> None:
    seller = visit("linjing")
    page = seller.page
    seller.go("/customers/")
    page.get_by_role("link", name="海天智能科技有限公司").click()
    expect(page.get_by_role("tab", name=re.compile(r"商机\D*\d"))).to_be_visible()
    page.get_by_label("评论", exact=True).click()
    page.keyboard.type("@周")
    page.get_by_role("option", name="周航").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.type("请看报价")
    file = tmp_path / "报价.pdf"
    file.write_bytes(b"%PDF-1.4")
    page.locator("input[type=file]").set_input_files(file)
    page.keyboard.press("Control+Enter")
    said = page.locator(".story-comment", has_text="请看报价")
    expect(said.locator(".mention")).to_have_text("@周航")
    with page.expect_download() as download:
        said.get_by_role("link", name="报价.pdf").click()
    assert download.value.suggested_filename == "报价.pdf"
    page.get_by_role("button", name="附件", exact=True).click()
    expect(page.locator("#story > li")).to_have_count(1)
    assert not seller.faults()
    other = visit("zhouhang")
    other.go("/inbox/")
    expect(other.page.get_by_text("提到了你")).to_be_visible()


def test_a_look_stands_beside_the_list_and_follows_it(visit: Visit) -> None:
    seller = visit("linjing")
    page = seller.page
    seller.go("/opportunities/")
    names = page.locator(".rows .row-link").all_inner_texts()
    page.keyboard.press("j")
    page.keyboard.press("p")
    expect(page.get_by_role("complementary", name=names[0]).locator(".history b").first).to_be_visible()
    assert not seller.faults()
    page.keyboard.press("j")
    look = page.get_by_role("complementary", name=names[1])
    expect(page.get_by_role("link", name=names[1], exact=True)).to_be_focused()
    page.keyboard.press("p")
    expect(look).to_be_focused()
    look.get_by_role("button", name="编辑 金额").click()
    look.get_by_label("金额", exact=True).fill("54321")
    page.keyboard.press("Enter")
    row = page.get_by_role("row", name=names[1])
    expect(row).to_contain_text("¥54,321.00")
    expect(look.get_by_role("button", name="编辑 金额")).to_be_focused()
    page.locator(".toast .undo").click()
    expect(row).not_to_contain_text("¥54,321.00")
    expect(look).to_be_visible()
    page.keyboard.press("Escape")
    expect(look).to_have_count(0)
    expect(page.get_by_role("link", name=names[1], exact=True)).to_be_focused()


def test_a_look_on_a_phone_is_a_sheet(visit: Visit) -> None:
    seller = visit("linjing", "phone")
    page = seller.page
    seller.go("/opportunities/")
    link = page.locator(".rows .row-link").first
    link.focus()
    page.keyboard.press("p")
    expect(page.get_by_role("dialog", name=link.inner_text())).to_be_visible()
    assert not seller.faults()
    page.keyboard.press("Escape")
    expect(link).to_be_focused()


def test_a_page_is_arranged_by_keys_alone(visit: Visit) -> None:
    admin, seller = visit("gaoxiang"), visit("linjing")
    page = admin.page
    admin.go("/settings/fields/customer/layout?role=sales_rep")
    assert not admin.faults()
    city = page.locator("[data-name=city]")
    city.get_by_role("button", name="不显示城市").press("Enter")
    expect(page.locator("[data-left] [data-name=city]")).to_be_visible()
    page.get_by_role("button", name="添加分区").press("Enter")
    page.keyboard.type("联系方式")
    city.get_by_role("button", name="上移城市").press("Enter")
    expect(page.locator("[data-section]").last.locator("[data-name=city]")).to_have_count(1)
    page.get_by_role("button", name="预览").press("Enter")
    expect(page.get_by_role("dialog").get_by_role("heading", name="联系方式").first).to_be_visible()
    assert not admin.faults()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="保存").press("Enter")
    admin.toast("已保存")
    seller.go("/customers/new")
    expect(seller.page.get_by_role("heading", name="联系方式")).to_be_visible()
    page.get_by_role("button", name="恢复默认").press("Enter")
    admin.toast("已恢复原样")


def test_two_people_change_one_record(visit: Visit) -> None:
    first, second = visit("linjing"), visit("sunzong")
    first.may_answer(409)
    for visitor in (first, second):
        visitor.go("/customers/")
        visitor.page.get_by_role("link", name="青岛海岳食品股份有限公司").click()
        visitor.page.get_by_role("link", name="编辑", exact=True).click()
    second.page.get_by_label("城市").fill("济南")
    second.page.get_by_label("行业").fill("食品")
    second.page.get_by_role("button", name="保存", exact=True).click()
    second.toast("已保存")
    page = first.page
    page.get_by_label("城市").fill("烟台")
    page.get_by_label("电话").fill("0535-1234567")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("孙总保存了这条记录")).to_be_visible()
    assert not first.faults()
    sides = page.get_by_role("group", name="城市")
    expect(sides.get_by_role("radio")).to_have_count(3)
    expect(page.locator("input[name=industry]")).to_have_value("食品")
    expect(page.locator("input[name=city]")).to_have_value("烟台")
    sides.get_by_text("济南").click()
    expect(page.locator("input[name=city]")).to_have_value("济南")
    page.get_by_role("button", name="保存", exact=True).click()
    first.toast("已保存")
    facts = page.locator("dl.facts").first
    for text in ("济南", "食品", "0535-1234567"):
        expect(facts).to_contain_text(text)


def test_a_customer_from_a_card_that_is_there_already(visit: Visit) -> None:
    seller = visit("linjing", "phone")
    page = seller.page
    seller.go("/")
    page.get_by_role("button", name="更多").tap()
    page.get_by_role("dialog").get_by_role("button", name="新建").tap()
    sheet = page.locator("dialog[data-create]")
    sheet.get_by_text("粘贴名片").tap()
    sheet.locator("[data-paste]").fill("张伟 采购总监\n北方重工集团有限公司\n手机 138 1234 5678\n")
    expect(sheet.locator("[name=name]")).to_have_value("北方重工集团有限公司")
    expect(sheet.locator("[name=phone]")).to_have_value("13812345678")
    warning = sheet.locator(".duplicates")
    expect(warning).to_contain_text("王磊")
    assert not seller.faults()
    warning.get_by_role("button", name="询问负责人").tap()
    seller.toast("已询问负责人")


def test_a_stage_is_clicked_and_asked_for(visit: Visit) -> None:
    seller = visit("zhouhang")
    page = seller.page
    seller.go("/opportunities/")
    page.get_by_role("link", name="视觉检测二期").click()
    page.get_by_role("button", name="推进到接触").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_label("阶段")).to_have_value("contact")
    for tick in sheet.get_by_role("checkbox").all():
        tick.check()
    assert not seller.faults()
    sheet.locator(".btn-primary").click()
    seller.toast("推进阶段：视觉检测二期")
    expect(page.locator(".stages .current")).to_contain_text("接触")


def test_two_customers_become_one_and_two_again(visit: Visit) -> None:
    boss = visit("sunzong")
    page = boss.page
    boss.go("/customers/")
    for name in ("北方重工集团", "江苏远景精密机械"):
        page.get_by_role("row", name=re.compile(name)).get_by_role("checkbox").check()
    page.get_by_role("link", name="合并").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("合并")
    assert not boss.faults()
    page.get_by_role("button", name="合并").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("江苏远景精密机械")
    page.locator(".toast .undo").click()
    page.wait_for_function(
        "() => performance.getEntriesByType('navigation')[0].type === 'reload' && document.readyState === 'complete'"
    )
    boss.go("/customers/")
    expect(page.get_by_role("row", name=re.compile("北方重工集团"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("江苏远景精密机械"))).to_be_visible()

"""A list from an old system comes in over the page: its bytes, its columns, what would happen, and all of it back."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Visit

ROWS = [
    ["公司名称", "所在城市", "联系电话", "客户等级"],
    ["青岛海岳食品股份有限公司", "烟台", "0535-1234567", "A"],
    ["蓝海物流", "青岛", "0532-7654321", "B"],
    ["南通棠柏冷链", "南通", "", "甲级"],
    ["南通棠柏冷链", "南通", "", "A"],
]


def test_a_list_of_an_old_system_in_and_out_again(visit: Visit, do_jobs: Callable[[], None], tmp_path: Path) -> None:
    file = tmp_path / "老系统.csv"
    with file.open("w", encoding="gb18030", newline="") as out:
        csv.writer(out).writerows(ROWS)
    seller = visit("linjing")
    page = seller.page
    seller.go("/import/customer")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="继续").click()

    for column, field in (("公司名称", "name"), ("所在城市", "city"), ("联系电话", "phone"), ("客户等级", "grade")):
        expect(page.get_by_label(column, exact=True)).to_have_value(field)  # guessed
    tally = page.get_by_role("region", name="导入预览").locator("dd")
    expect(tally).to_have_text(["2", "1", "0", "0", "1"])
    alike = page.locator("section", has=page.get_by_role("heading", name="疑似已存在的新行"))
    expect(alike.get_by_role("row", name=re.compile("蓝海物流"))).to_contain_text("线索 李女士")
    page.get_by_label("甲级").select_option("A")  # a text that is no grade here
    page.get_by_role("button", name="重新预览").click()
    expect(tally).to_have_text(["2", "1", "0", "0", "1"])  # now it is a row that is there twice
    expect(page.locator(".import-reasons")).to_contain_text("重复")
    assert not seller.faults()

    page.get_by_role("button", name=re.compile(r"^导入")).click()
    do_jobs()
    said = page.locator(".job-said")
    expect(said).to_contain_text("2")
    assert not seller.faults()
    with page.expect_download() as refused:
        page.get_by_role("link", name="refused.csv").click()
    assert "南通棠柏冷链" in Path(refused.value.path()).read_text(encoding="utf-8-sig")
    job = page.url
    seller.go("/customers/?q=蓝海物流")
    expect(page.locator(".rows .row-link")).to_have_text(["蓝海物流"])

    page.goto(job)
    page.get_by_role("button", name="全部撤销").click()
    page.get_by_role("dialog").get_by_role("button", name="全部撤销").click()
    do_jobs()
    expect(page.locator(".job-said")).to_be_visible()
    seller.go("/customers/")
    page.get_by_role("link", name="青岛海岳食品股份有限公司").click()
    expect(page.get_by_role("main")).to_contain_text("0532-5550100")
    seller.go("/customers/?q=南通棠柏")
    expect(page.locator(".rows .row-link")).to_have_count(0)

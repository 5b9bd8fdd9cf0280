"""A card goes from lane to lane by finger on a phone, as by mouse and keyboard (test_journeys) at a desk."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.test_journeys import all_done, lane

FIRST, SECOND = "潜在客户识别", "接触"
Finger = Callable[..., None]


@pytest.fixture
def deal(visit: Visit) -> Callable[[Page, str], Locator]:
    """`deal(page, title)` writes a new one down over the open board, and is its card in the first lane."""

    def make(page: Page, title: str) -> Locator:
        answer = page.evaluate(
            """async (title) => {
                const text = await (await fetch("/opportunities/new")).text();
                const page = new DOMParser().parseFromString(text, "text/html");
                const data = new FormData(page.querySelector("form[data-draft]"));
                data.set("title", title);
                data.set("customer", page.querySelector("[name=customer] option:nth-child(2)").value);
                data.set("amount", "5000");
                return (await fetch("/opportunities/new", {method: "POST", body: data})).status;
            }""",
            title,
        )
        assert answer == 200
        page.reload()
        return page.locator(".deal", has_text=title)

    return make


def finger_of(page: Page) -> Finger:
    """`finger("touchStart", x, y)` as the screen reports it; without a place the finger leaves."""
    screen = page.context.new_cdp_session(page)

    def touch(what: str, *at: float) -> None:
        points = [{"x": at[0], "y": at[1]}] if at else []
        screen.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": points})

    return touch


def middle(thing: Any) -> tuple[float, float]:
    box = thing.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def scrolled(page: Page, far: int) -> None:
    """Wait until the board stands so far from its beginning."""
    until = time.monotonic() + 10
    while page.locator(".lanes").evaluate("(board) => board.scrollLeft") < far:
        assert time.monotonic() < until
        time.sleep(0.03)


def test_a_long_press_carries_a_card_and_the_board_follows_and_snaps(visit: Visit, deal: Any) -> None:
    seller = visit("linjing", "phone")
    seller.may_answer(422)
    page = seller.page
    seller.go("/opportunities/board")
    card, finger = deal(page, "手指推进"), finger_of(page)
    x, y = middle(card)
    finger("touchStart", x, y)
    page.locator(".deal-carried").wait_for()  # taken hold of, with nothing but time
    for step in range(1, 9):
        finger("touchMove", x + (386 - x) * step / 8, y)
    scrolled(page, 120)  # near the edge the board comes along
    finger("touchMove", 200, y)
    box = lane(page, SECOND).bounding_box()
    finger("touchMove", min(max(box["x"] + 150, 60), 330), y)
    page.locator(".lane", has_text=SECOND).locator(".deal-place").wait_for()
    assert page.url.endswith("/board")
    finger("touchEnd")
    all_done(page)
    seller.toast("推进阶段：手指推进")
    expect(lane(page, SECOND).locator(".deal", has_text="手指推进")).to_be_visible()
    starts = page.locator(".lane").evaluate_all(
        "(lanes) => lanes.map((one) => Math.round(one.getBoundingClientRect().x))"
    )
    assert any(abs(start - 12) <= 1 for start in starts), starts  # a lane stands at the edge again
    assert not seller.faults() and page.locator(".deal-carried, .deal-place, .deal-away").count() == 0


def test_a_finger_that_scrolls_or_taps_carries_nothing(visit: Visit, deal: Any) -> None:
    seller = visit("linjing", "phone")
    page = seller.page
    seller.go("/opportunities/board")
    card, finger = deal(page, "只是滑动"), finger_of(page)
    x, y = middle(card)
    finger("touchStart", x, y)
    for step in range(1, 7):
        finger("touchMove", x - 40 * step, y)
    time.sleep(0.4)  # longer than a hold
    assert page.locator(".deal-carried").count() == 0
    finger("touchEnd")
    scrolled(page, 100)
    expect(lane(page, FIRST).locator(".deal", has_text="只是滑动")).to_have_count(1)
    card.tap()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("只是滑动"))


def test_escape_and_a_drop_beside_put_the_card_back(visit: Visit, deal: Any) -> None:
    seller = visit("linjing")
    page = seller.page
    seller.go("/opportunities/board")
    card = deal(page, "放回原处")
    for drop in ("Escape", "beside"):
        (x, y), (to, _y) = middle(card), middle(lane(page, SECOND))
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(to, y, steps=6)
        page.locator(".deal-place").wait_for()
        if drop == "Escape":
            page.keyboard.press("Escape")
        else:
            page.mouse.move(to, 8, steps=3)
        expect(page.locator(".deal-place")).to_have_count(0)
        page.mouse.up()
        expect(lane(page, FIRST).locator(".deal", has_text="放回原处")).to_be_visible()
        assert page.url.endswith("/board") and page.locator(".deal-carried").count() == 0

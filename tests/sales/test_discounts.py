"""Who gives more away than they may asks by the policy's levels; until all have signed, the order counts nowhere."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from xiaoguan.base.money import Money
from xiaoguan.customers.models import Customer
from xiaoguan.desk import undo
from xiaoguan.desk.approvals import guards, requests
from xiaoguan.desk.approvals.models import ApprovalRequest
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import acting
from xiaoguan.desk.importing import work
from xiaoguan.desk.importing.draft import begin
from xiaoguan.desk.jobs import drain
from xiaoguan.desk.models import Event
from xiaoguan.people.models import Person
from xiaoguan.rulebook.asking import metric_rows
from xiaoguan.rulebook.versions import adopt
from xiaoguan.sales.models import Order, OrderLine, Product

LEVELS = (
    "[{up_to: 5%, approve: sales_rep}, {up_to: 15%, approve: sales_manager}, {up_to: 30%, approve: general_manager}]"
)
POLICY = f"""
policy:
  {{schema: sales-policy/1, id: shop, name: 销售制度, version: 1.0.0, effective: {{from: 2026-01-01}}, currency: CNY,
    timezone: Asia/Shanghai}}
metrics:
  bookings:
    {{name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on, where: "status == 'signed'"}}
discount:
  base: list_price
  levels: {LEVELS}
  floor: {{margin: 10%, approve: finance}}
"""
DAY = date(2026, 5, 20)


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


@pytest.fixture
def browser_of(client_of: Any) -> Any:
    return lambda name: client_of(name, headers={"accept-language": "en"})


@pytest.fixture
def order(cast: Any) -> Order:
    """An order of 林静 over 100,000, signed, without lines; a product of 1,000 that costs 600."""
    adopt(POLICY)
    Product(name="网关", number="G", list_price=Money("1000", "CNY"), cost=Money("600", "CNY"), currency="CNY").save()
    customer = Customer(name="海天智能", owner=cast.linjing)
    customer.save()
    made = Order(number="SO-1", customer=customer, owner=cast.linjing, ordered_on=DAY, currency="CNY")
    made.net_amount_units = made.total_amount_units = units(100_000)
    made.save()
    return made


def units(amount: Any) -> int:
    return int(Decimal(amount) * 10_000)


def sold(order: Order, net: Any, by: Person | None, number: int = 1) -> OrderLine:
    """A hundred gateways, list 100,000, for `net`; written by this person, as a page does."""
    line = OrderLine(order=order, position=number, product=Product.objects.get(number="G"), currency="CNY")
    line.quantity, line.unit_price_units, line.net_amount_units = Decimal(100), units(1000), units(net)
    with acting(by.pk if by else None, "page"):
        line.clean()
        line.save()
    order.refresh_from_db()
    return line


def asked(order: Order, viewer: Any, **changes: Any) -> ApprovalRequest:
    with acting(viewer.person_id, "page"):
        return requests.request_approval("discount", order, viewer, "大客户", {"status": "signed", **changes})


def signed(request: ApprovalRequest, *viewers: Any) -> ApprovalRequest:
    for viewer in viewers:
        with acting(viewer.person_id, "page"):
            request = requests.sign(request.pk, viewer, "approve")
    return request


def who_signs(request: ApprovalRequest) -> list[str]:
    return [step["by"][0][1][0] for step in request.steps]


@pytest.mark.parametrize(
    ("net", "writer", "roles"),
    [
        (95_000, "linjing", []),
        ("94999.99", "linjing", ["sales_manager"]),
        (85_000, "wufang", ["sales_manager"]),  # what the owner may, an office may write for them
        (84_000, "linjing", ["sales_manager", "general_manager"]),
        (84_000, "chenmin", ["general_manager"]),
        (70_000, "sunzong", []),
        (66_000, "sunzong", "above"),
        (69_999, "sunzong", "above"),
    ],
)
def test_the_levels_above_ones_own_sign_and_above_the_last_nobody(
    cast: Any, order: Order, net: Any, writer: str, roles: Any
) -> None:
    order.net_amount_units = units(net)
    order.save()
    if roles == "above":
        with pytest.raises(ValidationError, match=r"Line 1, 网关: a discount of 3\d% is above .* 30% "):
            sold(order, net, cast.people[writer])
        return
    sold(order, net, cast.people[writer])
    assert (order.status == "draft") == bool(roles)
    if roles:
        assert who_signs(asked(order, cast.viewer(writer))) == roles


def test_an_order_counts_when_the_last_has_signed_and_not_before(cast: Any, browser_of: Any, order: Order) -> None:
    def bookings() -> Any:
        return metric_rows("bookings", "2026-05")["value"]

    browser = browser_of("linjing")
    line = {"order": order.pk, "position": 1, "product": Product.objects.get().pk, "quantity": "100"}
    line |= {"unit_price": "1000", "discount": "20", "net_amount": "80000", "currency": "CNY"}
    page = browser.post("/order-lines/new", line, follow=True).content.decode()
    assert "SO-1 is a draft until its discount is approved" in page and f'data-url="/orders/{order.pk}"' in page
    order.refresh_from_db()
    assert order.status == "draft" and bookings() == "0.00"
    assert browser.patch(f"/api/orders/{order.pk}", {"status": "signed"}, "application/json").status_code == 422
    card = browser.get(f"/approvals/of/order/{order.pk}").content.decode()
    assert "20% below list price" in card and "level up to 30%" in card and "Ask for approval" in card
    browser.post(f"/approvals/of/order/{order.pk}/ask/discount", {"note": "大客户"})
    request = ApprovalRequest.objects.get()
    inbox = browser_of("chenmin").get("/approvals/").content.decode()
    assert "Line 1, 网关" in inbox and "20% below list price" in inbox
    assert requests.waited_for(request) == [cast.chenmin.pk]
    request = signed(request, cast.viewer("chenmin"))
    assert requests.waited_for(request) == [cast.sunzong.pk] and bookings() == "0.00"
    signed(request, cast.viewer("sunzong"))
    order.refresh_from_db()
    assert order.status == "signed" and bookings() == "100000.00"


def test_while_it_waits_the_order_and_its_lines_stay(cast: Any, browser_of: Any, order: Order) -> None:
    line, second = sold(order, 90_000, cast.linjing), sold(order, 99_000, cast.linjing, 2)
    with acting(cast.linjing.pk, "page"):
        second.delete()
    gone = Event.objects.latest("pk").batch
    request = asked(order, cast.viewer("linjing"))
    browser = browser_of("linjing")
    assert browser.patch(f"/api/order-lines/{line.pk}", {"net_amount": "95000"}, "application/json").status_code == 422
    body = {"order": order.pk, "product": line.product_id, "quantity": "1", "unit_price": "1", "net_amount": "1"}
    assert browser.post("/api/order-lines", {**body, "currency": "CNY"}, "application/json").status_code == 422
    assert browser.delete(f"/api/order-lines/{line.pk}").status_code == 422
    assert browser.patch(f"/api/orders/{order.pk}", {"due_on": "2026-07-01"}, "application/json").status_code == 200
    with acting(None, "command"), pytest.raises(guards.Frozen):  # not past what waits, whoever writes
        line.position = 7
        line.save()
    answer = undo.undo_batch(gone, cast.viewer("linjing"))  # nor by taking back what was deleted before
    assert answer.done == 0 and answer.refused and order.lines.count() == 1
    OrderLine.objects.filter(pk=line.pk).update(net_amount=units(1))
    with pytest.raises(requests.Settled):
        signed(request, cast.viewer("chenmin"))


def test_only_what_gives_more_away_asks_again(cast: Any, order: Order) -> None:
    line = sold(order, 90_000, cast.linjing)
    signed(asked(order, cast.viewer("linjing")), cast.viewer("chenmin"))

    def write(**values: Any) -> str:
        for name, value in values.items():
            setattr(line, name, value)
        with acting(cast.linjing.pk, "page"):
            line.save()
        return Order.objects.get(pk=order.pk).status

    assert write(position=3) == "signed"
    assert write(net_amount_units=units(91_000)) == "signed"
    assert write(net_amount_units=units(96_000), quantity=Decimal(101)) == "signed"  # within one's own level
    assert write(net_amount_units=units(89_000)) == "draft"


def test_an_approved_order_that_gets_cheaper_as_a_whole_asks_again(cast: Any, browser_of: Any, order: Order) -> None:
    sold(order, 90_000, cast.linjing)
    signed(asked(order, cast.viewer("linjing")), cast.viewer("chenmin"))
    browser, where = browser_of("linjing"), f"/api/orders/{order.pk}"
    assert browser.patch(where, {"net_amount": "99000"}, "application/json").status_code == 200  # above list less 5 %
    answer = browser.patch(where, {"net_amount": "88000"}, "application/json")
    assert answer.status_code == 422 and "approval" in answer.content.decode()
    assert (
        browser.patch(where, {"net_amount": "60000"}, "application/json")
        .json()["error"]
        .endswith("is CN¥60,000.00, that of its lines CN¥90,000.00.")
    )


def test_a_margin_below_the_floor_asks_one_more(cast: Any, browser_of: Any, order: Order) -> None:
    Product.objects.update(cost=units(880))
    sold(order, 96_000, cast.linjing)
    request = asked(order, cast.viewer("linjing"))
    assert who_signs(request) == ["finance"] and requests.waited_for(request) == [cast.zhaoyue.pk]
    assert "margin 8.3%, below 10%: finance" in browser_of("zhaoyue").get(f"/approvals/{request.pk}").content.decode()


def test_history_files_and_days_without_a_policy_do_not_ask(cast: Any, order: Order) -> None:
    sold(order, 60_000, None)
    assert order.status == "signed"
    with acting(cast.linjing.pk, "page"):  # nor does what is of no matter, later
        order.due_on = DAY
        order.save()
    line = order.lines.get()
    order.ordered_on, line.net_amount_units = date(2025, 12, 31), units(50_000)
    order.save()
    with acting(cast.linjing.pk, "page"):
        line.clean()
        line.save()
    order.refresh_from_db()
    assert order.status == "signed"
    with acting(cast.linjing.pk, "page"), pytest.raises(guards.Refused, match="above the last level"):
        order.ordered_on = DAY
        order.save()


def test_lines_from_a_file_of_a_person_ask_like_typed_ones(cast: Any, order: Order, tmp_path: Any) -> None:
    path = tmp_path / "lines.csv"
    rows = [(1, 80_000), (2, 60_000)]
    text = "".join(f"SO-1,{n},网关,100,1000,{net},CNY\n" for n, net in rows)
    path.write_text(f"order,position,product,quantity,unit_price,net_amount,currency\n{text}")
    job = work.begin_import(
        begin(cast.viewer("linjing"), desk_of("orderline"), path, path.name), cast.viewer("linjing")
    )
    drain()
    job.refresh_from_db()
    order.refresh_from_db()
    assert (job.result["counts"]["created"], job.result["counts"]["refused"], order.status) == (1, 1, "draft")


def test_undoing_the_line_leaves_a_draft_that_may_be_signed_at_once(cast: Any, browser_of: Any, order: Order) -> None:
    sold(order, 90_000, cast.linjing)
    batch = Event.objects.filter(entity="orderline").latest("pk").batch
    answer = undo.undo_batch(batch, cast.viewer("linjing"))
    assert answer.done == 1 and [why for *_which, why in answer.refused] == [
        "This needs an approval first: discount of an order."
    ]
    where = f"/api/orders/{order.pk}"
    assert browser_of("linjing").patch(where, {"status": "signed"}, "application/json").status_code == 200


def test_a_company_may_switch_it_off_but_not_set_signers(cast: Any, browser_of: Any, order: Order) -> None:
    browser, where = browser_of("gaoxiang"), "/api/approval-flows/order.discount"
    step = {"by": [["manager", 1]], "needs": "any"}
    assert browser.post(where, {"steps": [step], "active": True}, "application/json").status_code == 422
    page = browser.get("/settings/approvals/order.discount").content.decode()
    assert "discount levels of the policy" in page and "s0-level" not in page
    assert browser.post("/settings/approvals/order.discount", {}).status_code == 302
    sold(order, 60_000, cast.linjing)
    assert order.status == "signed"

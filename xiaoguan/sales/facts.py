"""Orders, order lines, payments, opportunities and activities as a policy reads them."""

from __future__ import annotations

from xiaoguan.rulebook.facts import Fact, fact
from xiaoguan.sales.models import Activity, Opportunity, Order, OrderLine, Payment, Return

OF_ORDER = {
    "person": "owner",
    "territory": "territory",
    "territory_group": "territory__parent",
    "customer": "customer",
    "channel": "channel",
}


@fact
class Orders(Fact):
    """订单: credited to their owner on the day of signature."""

    name = "orders"
    model = Order
    label = "number"
    fields = {
        "number": "number",
        "net_amount": "net_amount",
        "tax_amount": "tax_amount",
        "freight_amount": "freight_amount",
        "total_amount": "total_amount",
        "received_amount": "received_amount",
        "status": "status",
        "channel": "channel",
        "customer": "customer",
        "signed_on": "ordered_on",
        "ordered_on": "ordered_on",
        "due_on": "due_on",
        "delivered_on": "delivered_on",
    }
    person = "owner"
    currency = "currency"
    dimensions = OF_ORDER


@fact
class OrderLines(Fact):
    """订单行: dated and credited as their order."""

    name = "order_lines"
    model = OrderLine
    label = "order__number"
    fields = {
        "order": "order",
        "quantity": "quantity",
        "unit_price": "unit_price",
        "discount": "discount",
        "net_amount": "net_amount",
        "product": "product",
        "status": "order__status",
        "channel": "order__channel",
        "customer": "order__customer",
        "signed_on": "order__ordered_on",
        "ordered_on": "order__ordered_on",
        "delivered_on": "order__delivered_on",
    }
    person = "order__owner"
    currency = "currency"
    dimensions = {
        **{name: f"order__{path}" for name, path in OF_ORDER.items()},
        "product": "product",
        "subcategory": "product__category",
        "category": "product__category__parent",
    }


@fact
class Payments(Fact):
    """回款: credited to the owner of the order on the day the money came."""

    name = "payments"
    model = Payment
    label = "order__number"
    fields = {
        "order": "order",
        "amount": "amount",
        "received_on": "received_on",
        "method": "method",
        "customer": "order__customer",
        "channel": "order__channel",
    }
    person = "order__owner"
    currency = "currency"
    dimensions = {name: f"order__{path}" for name, path in OF_ORDER.items()}


@fact
class Returns(Fact):
    """退货退款: what undoes an order, on the day it came back."""

    name = "returns"
    model = Return
    label = "order__number"
    fields = {
        "order": "order",
        "kind": "kind",
        "amount": "amount",
        "returned_on": "returned_on",
        "customer": "order__customer",
    }
    person = "order__owner"
    currency = "currency"
    dimensions = {name: f"order__{path}" for name, path in OF_ORDER.items()}


@fact
class Opportunities(Fact):
    """商机: by the day they were opened or closed."""

    name = "opportunities"
    model = Opportunity
    label = "title"
    fields = {
        "amount": "amount",
        "stage": "stage",
        "result": "result",
        "lost_reason": "lost_reason",
        "origin": "origin",
        "customer": "customer",
        "created_on": "opened_on",
        "opened_on": "opened_on",
        "closed_on": "closed_on",
        "closes_on": "closes_on",
    }
    person = "owner"
    currency = "currency"
    dimensions = {"person": "owner", "customer": "customer", "stage": "stage"}


@fact
class Activities(Fact):
    """销售活动: by the day they were done."""

    name = "activities"
    model = Activity
    label = "subject"
    fields = {
        "kind": "kind",
        "minutes": "minutes",
        "outcome": "outcome",
        "customer": "customer",
        "due_on": "due_on",
        "done_on": "done_on",
    }
    person = "owner"
    dimensions = {"person": "owner", "customer": "customer", "kind": "kind"}

"""订单与回款: orders with their lines, and the money that came in."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from xiaoguan.base.money import SCALE, allocate, round_units
from xiaoguan.project import cast
from xiaoguan.project.simulation.clock import DAY
from xiaoguan.project.simulation.history import Account, Part, Seller
from xiaoguan.sales.models import Opportunity, Order, OrderLine, Payment


class Orders(Part):
    """Orders, each with what was paid of it until yesterday."""

    def make(
        self, seller: Seller, account: Account, day: date, amount: int, need: Any, deal: Opportunity | None
    ) -> Order:
        """An order of about `amount` units for what the customer needs, paid as far as it is; deal: the one it ends."""
        rng = self.rng
        order = Order(
            customer=account.customer,
            owner=seller.person,
            opportunity=deal,
            territory=account.customer.territory,
            channel=account.customer.channel,
            ordered_on=day,
            due_on=day + timedelta(days=rng.choice((30, 30, 30, 45, 60))),
            currency="CNY",
            invoice_currency=account.place.currency,
        )
        self.history.made(order, day, seller.person)
        goods, tax = self._lines(order, need, amount)
        order.tax_amount_units = round_units(tax, "CNY")
        order.freight_amount_units = rng.randrange(8, 60) * 10 * SCALE if goods and rng.random() < 0.4 else 0
        order.total_amount_units = order.net_amount_units + order.tax_amount_units + order.freight_amount_units
        account.bought = True
        if deal is None and day > self.history.yesterday - timedelta(days=6) and rng.random() < 0.35:
            order.status = "draft"
        elif deal is None and day >= self.history.go_live and rng.random() < 0.02:
            order.status = "cancelled"
            at = self.history.moment(day + timedelta(days=rng.randrange(2, 9)))
            self.history.changed(order, max(at, order.created_at), seller.person, status=("signed", "cancelled"))
        else:
            self._payments(order)
        return order

    def _lines(self, order: Order, need: Any, amount: int) -> tuple[bool, Fraction]:
        """Products of the need that come near the amount. Returns whether goods are among them, and the exact tax."""
        rng = self.rng
        numbers = [n for n in need[1] if self._list_price(n) <= amount] or [min(need[1], key=self._list_price)]
        numbers = numbers[: rng.choice((1, 2, 2, 3, 4))]
        shares = [rng.gammavariate(3 if n == numbers[0] else 1.5, 1) for n in numbers]
        discount = Decimal(rng.choice((0, 0, 0, 0, 3, 5, 5, 5, 8, 10, 12, 15, 20))) / 100
        goods, tax, whole = False, Fraction(0), 0
        for number, share in [*zip(numbers[1:], shares[1:], strict=True), (numbers[0], 0)]:  # the main one fills up
            price = self._list_price(number)
            part = amount * share / sum(shares) if share else amount - whole
            quantity = max(round(part / (price * float(1 - discount))), 0 if share else 1)
            if not quantity:
                continue
            net = round_units(Fraction(price * quantity) * Fraction(1 - discount), "CNY")
            line = OrderLine(
                order=order, position=len(self._lines_of(order)) + 1, product=self.history.products[number]
            )
            line.quantity, line.discount, line.currency = Decimal(quantity), discount, "CNY"
            line.unit_price_units, line.net_amount_units = price, net
            self.history.made(line, order.ordered_on, order.owner)
            percent = cast.PRODUCTS[number][4]
            goods, tax, whole = goods or percent == 13, tax + Fraction(net * percent, 100), whole + net
        order.net_amount_units = whole
        return goods, tax

    def _lines_of(self, order: Order) -> list[OrderLine]:
        """The lines made so far; those of an order stand together at the end."""
        found: list[OrderLine] = []
        for line in reversed(self.history.rows[OrderLine][0]):
            if line.order is not order:
                break
            found.append(line)
        return found

    def _list_price(self, number: str) -> int:
        return cast.PRODUCTS[number][2] * SCALE

    def _payments(self, order: Order) -> None:
        """At once or in two parts, around the day it is due; a few come late, and some of them are still owed."""
        rng = self.rng
        late = rng.gauss(-4, 8) + (rng.randrange(25, 260) if rng.random() < 0.1 else 0)
        last = max(order.due_on + timedelta(days=int(late)), order.ordered_on + DAY)
        parts, days = [10], [last]
        if (kind := rng.random()) < 0.4:
            parts = [3, 7] if kind < 0.3 else [5, 5]
            days = [order.ordered_on + timedelta(days=rng.randrange(1, 6)), last]
        for units, day in zip(allocate(order.total_amount_units, parts, 100), days, strict=True):
            received = self.days.since(day)
            if received <= self.history.yesterday:
                method = self.rng.one(transfer=16, bill=3, card=1)
                payment = Payment(order=order, currency="CNY", received_on=received, method=method)
                payment.amount_units = units
                self.history.made(payment, received, rng.choice(("zhaoyue", "qinyue", "qinyue")))

    def number(self) -> None:
        """Orders and payments get their numbers in the order of their days."""
        for rows, day, prefix, name in (
            (self.history.rows[Order][0], "ordered_on", "SO", "number"),
            (self.history.rows[Payment][0], "received_on", "RC", "reference"),
        ):
            counts: dict[str, int] = defaultdict(int)
            for record in sorted(rows, key=lambda r: getattr(r, day)):
                month = f"{getattr(record, day):%Y%m}"
                counts[month] += 1
                setattr(record, name, f"{prefix}-{month}-{counts[month]:03d}")

"""One metric, two ways: a query of the database and the engine row by row give one number, whatever the formula."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from xiaoguan.base.money import Money
from xiaoguan.customers.models import Customer
from xiaoguan.policy import evaluate, load_text, plan
from xiaoguan.rulebook import sql
from xiaoguan.rulebook.facts import facts, schema
from xiaoguan.sales.models import Order, OrderLine, Product

VALUES = (
    "sum(net_amount)",
    "sum(unit_price * quantity * (1 - discount))",
    "sum(net_amount * 8% + unit_price * 2)",
    "sum(-(unit_price - net_amount))",
    "sum(net_amount) - sum(unit_price)",
    "max(unit_price * quantity)",
    "min(net_amount)",
    "mean(net_amount)",
    "ratio(sum(net_amount), count(), empty=missing)",
)
COUNTS = ("count()", "count_if(discount > 10%)", "count_distinct(customer)", "count_distinct(product)")
WHERES = (
    "",
    "status == 'signed'",
    "status != 'signed'",
    "not (channel == 'online')",
    "channel in ['online', 'reseller'] and discount >= 12.5%",
    "quantity * unit_price > 500 or discount == 0%",
    "not (quantity < 3 and status == 'signed')",
    "ordered_on >= date('2026-02-01') and not (discount > 5%)",
)


@pytest.fixture
def lines(cast: Any) -> None:
    chance = Random(7)
    product = [Product(name=n, currency="CNY") for n in "甲乙丙"]
    customers = [Customer(name=n, owner=cast.linjing) for n in ("客一", "客二", "客三")]
    for record in (*product, *customers):
        record.save()
    for number in range(40):
        day = date(2026, 1, 1) + timedelta(days=chance.randrange(90))
        order = Order(
            number=f"SO-{number}",
            customer=chance.choice(customers),
            owner=chance.choice([cast.linjing, cast.wanglei, None]),
            ordered_on=day,
            status=chance.choice(["signed", "signed", "cancelled"]),
            channel=chance.choice(["online", "direct", "reseller"]),
            net_amount=Money("1", "CNY"),
            total_amount=Money("1", "CNY"),
        )
        order.save()
        for position in range(chance.randrange(1, 4)):
            price = Money(Decimal(chance.randrange(1, 9_999_999)) / 10_000, chance.choice(["CNY"] * 9 + ["USD"]))
            OrderLine(
                order=order,
                position=position,
                product=chance.choice(product),
                quantity=Decimal(chance.randrange(1, 90_000)) / 10_000,
                unit_price=price,
                discount=Decimal(chance.choice(["0", "0.05", "0.125", "0.333333"])),
                net_amount=price,
            ).save()


def metric(value: str, where: str, kind: str) -> Any:
    condition = f', where: "{where}"' if where else ""
    text = (
        "policy: {schema: sales-policy/1, id: t, name: t, version: 1.0.0, effective: {from: 2026-01-01, to: null},"
        " currency: CNY}\n"
        f'metrics:\n  m: {{name: m, type: {kind}, from: order_lines, value: "{value}", date: ordered_on{condition}}}\n'
    )
    policy, issues = load_text(text)
    assert policy is not None, issues
    return policy


@pytest.mark.parametrize("kind", ["amount", "count"])
def test_a_query_gives_what_the_rows_give(lines: None, kind: str) -> None:
    start, end = date(2026, 1, 10), date(2026, 3, 20)
    fact = facts()["order_lines"]
    compared = 0
    for value in VALUES if kind == "amount" else COUNTS:
        for where in WHERES:
            policy = metric(value, where, kind)
            period = policy.calendar.parse(f"{start}..{end}")

            def rows_of(source: str, window: Any, dated: str) -> Any:
                return list(fact.rows(dated, window.start, window.end, fact.fields))

            by_rows = evaluate(policy, "m", rows_of, period, schema()).value
            by_query = sql.ask(plan(policy, "m", schema()), start, end, "CNY")[None].value
            assert by_rows == by_query, (value, where)
            compared += 1
    assert compared >= 32


def test_parts_add_up_to_the_whole(lines: None) -> None:
    policy = metric("sum(unit_price * quantity * (1 - discount))", "", "amount")
    planned = plan(policy, "m", schema())
    start, end = date(2026, 1, 1), date(2026, 5, 1)
    whole = sql.ask(planned, start, end, "CNY")[None].value
    for by in (*facts()["order_lines"].dimensions, "team", "day"):
        assert sum(a.value for a in sql.ask(planned, start, end, "CNY", by).values()) == whole, by
    halves = [
        sql.ask(planned, a, b, "CNY")[None].value for a, b in ((start, date(2026, 2, 9)), (date(2026, 2, 9), end))
    ]
    assert sum(halves) == whole


def test_amounts_beyond_64_bits_are_summed_exactly(cast: Any) -> None:
    """Two lines whose sum does not fit 64 bits, and a product that does not: by query in halves, or by rows."""
    product, customer = Product(name="甲", currency="CNY"), Customer(name="客", owner=cast.linjing)
    product.save()
    customer.save()
    one = Money("1", "CNY")
    order = Order(
        number="1", customer=customer, owner=cast.linjing, ordered_on=date(2026, 2, 1), net_amount=one, total_amount=one
    )
    order.save()
    big = Money("900000000000000.0001", "CNY")
    for position in (1, 2):
        OrderLine(
            order=order, position=position, product=product, quantity=Decimal("1"), unit_price=big, net_amount=big
        ).save()
    start, end = date(2026, 1, 1), date(2026, 3, 1)
    found = sql.ask(plan(metric("sum(net_amount)", "", "amount"), "m", schema()), start, end, "CNY")[None]
    assert found.value == 2 * big.units

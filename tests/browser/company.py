"""The small company of the browser tests: the cast of tests/conftest.py with accounts, customers, deals, orders and
goals, a policy in force and a reckoned quarter.

Run in a process of its own with an empty XIAOGUAN_HOME: python -m tests.browser.company
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from xiaoguan.project.cli import main

PASSWORD = "a long enough secret 42"
SIGNS_IN = "linjing", "zhouhang", "chenmin", "sunzong", "gaoxiang", "zhaoyue", "wufang", "helin"
QUARTER = "2026-Q1"


def build() -> None:
    from django.contrib.auth.hashers import make_password
    from django.utils import timezone

    from tests.conftest import make_cast
    from xiaoguan.base.money import Money
    from xiaoguan.customers.models import Contact, Customer, Lead
    from xiaoguan.goals.models import GoalTarget
    from xiaoguan.people.models import Account, Role
    from xiaoguan.sales.models import (
        Activity,
        Currency,
        Opportunity,
        Order,
        OrderLine,
        Payment,
        Product,
        ProductCategory,
    )

    Role.objects.all().delete()  # `init` made them; the cast makes its own
    cast = make_cast()
    Account.objects.filter(username__in=SIGNS_IN).update(password=make_password(PASSWORD))
    today = timezone.localdate()

    Currency(code="CNY", name="人民币").save()
    category = ProductCategory(name="智能传感器")
    category.save()
    product = Product(name="温湿度传感器 T200", number="T200", category=category, list_price=Money("680", "CNY"))
    product.currency = "CNY"
    product.save()

    customers = {}
    for name, owner in {
        "海天智能科技有限公司": cast.linjing,
        "青岛海岳食品股份有限公司": cast.linjing,
        "江苏远景精密机械股份有限公司苏州工业园区分公司": cast.zhouhang,
        "北方重工集团": cast.wanglei,
    }.items():
        customers[name] = Customer(name=name, owner=owner, city="青岛", phone="0532-5550100", grade="A")
        customers[name].save()
    first, second = list(customers.values())[:2]
    Contact(customer=first, name="张工", title="采购经理", phone="13900000001", primary=True).save()
    Lead(name="李女士", company="蓝海物流", owner=cast.linjing).save()
    Activity(subject="确认二期预算", customer=first, owner=cast.linjing, due_on=today).save()
    Activity(subject="回访", customer=second, owner=cast.linjing, due_on=today - timedelta(days=3)).save()

    for title, owner, stage, amount, days in (
        ("产线改造", cast.linjing, "identify", "120000", 5),
        ("仓储扩容", cast.linjing, "contact", "86000", -2),
        ("年度维保", cast.linjing, "needs", "45000.50", 40),
        ("视觉检测二期", cast.zhouhang, "identify", "230000", 60),
    ):
        Opportunity(
            title=title,
            customer=first,
            owner=owner,
            stage=stage,
            currency="CNY",
            amount=Money(amount, "CNY"),
            closes_on=today + timedelta(days=days),
        ).save()

    for number, day, amount in (("SO-101", date(2026, 1, 20), "180000"), ("SO-107", date(2026, 3, 2), "120000")):
        order = Order(number=number, customer=first, owner=cast.linjing, ordered_on=day, currency="CNY")
        order.net_amount = order.total_amount = Money(amount, "CNY")
        order.save()
        line = OrderLine(order=order, product=product, quantity=Decimal(100), unit_price=Money("680", "CNY"))
        line.currency, line.net_amount = "CNY", Money("68000", "CNY")
        line.save()
        Payment(order=order, amount=Money("50000", "CNY"), received_on=day, reference=f"R-{number}").save()

    month = today.replace(day=1)
    following = (month + timedelta(days=32)).replace(day=1)
    for starts, ends, value in ((date(2026, 1, 1), date(2026, 4, 1), 250_000), (month, following, 80_000)):
        for person in (cast.linjing, cast.zhouhang):
            GoalTarget(
                goal="annual_bookings",
                person=person,
                starts_on=starts,
                ends_on=ends,
                value=Decimal(value),
                currency="CNY",
            ).save()


if __name__ == "__main__":
    main(["init"], standalone_mode=False)
    build()
    main(["policy", "adopt", "policies/small-company.yaml"], standalone_mode=False)
    for period in ("2026-03", QUARTER):
        main(["run", period], standalone_mode=False)

"""The whole engine over the database: shared credit, pay by cash, claw-backs, other currencies; and its snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from xiaoguan.base.money import Money
from xiaoguan.customers.models import Customer
from xiaoguan.people.models import PayTerms, Person, RoleAssignment, TrainingResult
from xiaoguan.rulebook import snapshot
from xiaoguan.rulebook.models import PolicyVersion, Result, Run
from xiaoguan.rulebook.reckoning import reckon
from xiaoguan.rulebook.versions import adopt
from xiaoguan.sales.models import ExchangeRate, Order, Payment, Return, Split

pytestmark = pytest.mark.django_db

POLICY = """
policy:
  schema: sales-policy/1
  id: cash
  name: Paid as the money comes
  version: 1.0.0
  effective: {from: 2026-01-01, to: null}
  scope: {roles: [sales_rep]}
  currency: CNY
  fx: {attainment: event_date, earning: event_date, payout: event_date, missing: hold}
metrics:
  bookings: {name: Bookings, type: amount, from: orders, value: "sum(net_amount)", date: signed_on,
    where: "status == 'signed'"}
incentive:
  - id: plan
    role: sales_rep
    components:
      - {id: commission, kind: commission, basis: bookings, period: month, rate: 10%}
    pay: {earned_on: signing, release: {by_collection: 100%}, paid: monthly}
    clawback: {events: [return], window: 180d, share: full}
"""


@pytest.fixture
def sellers(cast: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Person, Person]:
    adopt(POLICY)
    RoleAssignment.objects.all().delete()
    from xiaoguan.people.models import Role

    role = Role.objects.get(code="sales_rep")
    for person in (cast.linjing, cast.zhouhang):
        RoleAssignment(person=person, role=role, starts_on=date(2026, 1, 1)).save()
    return cast.linjing, cast.zhouhang


def order(owner: Person, amount: int, day: date, currency: str = "CNY") -> Order:
    customer = Customer(name="海天", owner=owner)
    customer.save()
    money = Money(amount, currency)
    number = f"SO-{Order.objects.count() + 1}"
    made = Order(number=number, customer=customer, owner=owner, ordered_on=day, status="signed", net_amount=money)
    made.total_amount = money
    made.save()
    return made


def pay(of: Order, amount: int, day: date) -> None:
    Payment(order=of, amount=Money(amount, of.currency), received_on=day, reference="bank").save()


def totals(period: str) -> dict[str, Decimal]:
    [outcome] = reckon(period)
    rows = Result.objects.filter(run=outcome.run, kind=Result.Kind.TOTAL)
    return {r.person.name: Decimal(r.value) / 10_000 for r in rows}


def test_shared_credit_is_paid_as_the_money_comes_and_taken_back_with_the_goods(sellers: Any) -> None:
    mine, other = sellers
    made = order(mine, 1_000, date(2026, 3, 5))
    Split(order=made, person=other, share=Decimal("0.3"), reason="co-sold").save()
    pay(made, 500, date(2026, 3, 20))
    pay(made, 500, date(2026, 4, 10))
    assert totals("2026-03") == {mine.name: Decimal(35), other.name: Decimal(15)}  # 10 % of what is theirs, half paid
    assert totals("2026-04") == {mine.name: Decimal(35), other.name: Decimal(15)}
    Return(order=made, amount=Money(200, "CNY"), returned_on=date(2026, 5, 4), reason="scratched").save()
    assert totals("2026-05") == {mine.name: Decimal(-14), other.name: Decimal(-6)}  # a fifth of 70 and of 30


def test_other_currencies_count_at_the_rate_of_the_day_or_not_at_all(sellers: Any) -> None:
    mine, _other = sellers
    made = order(mine, 100, date(2026, 3, 5), "USD")
    pay(made, 100, date(2026, 3, 6))
    assert totals("2026-03").get(mine.name, Decimal(0)) == 0
    assert any("USD" in issue["message"] for issue in Run.objects.get(current=True).issues)
    ExchangeRate(base="CNY", quote="USD", kind="close", on=date(2026, 3, 4), rate=Decimal("0.125")).save()
    assert totals("2026-03")[mine.name] == 80  # 10 % of 800


def test_nothing_is_earned_before_the_courses_are_passed(sellers: Any) -> None:
    linjing, _zhouhang = sellers
    courses = "training: {onboarding: {days: 30, courses: [产品知识], pass: 80, until_passed: {incentive: none}}}"
    plain = re.sub("  fx:.*\n|    pay:.*\n|    clawback:.*\n", "", POLICY).replace("id: cash", "id: learnt")
    PolicyVersion.objects.all().delete()
    adopt(f"{plain}{courses}\n")
    for person in sellers:
        order(person, 1_000, date(2026, 3, 2))
    assert totals("2026-03") == {"林静": 100, "周航": 100}, "no result is kept of anybody"
    TrainingResult(person=linjing, course="产品知识", mark=95, passed_on=date(2026, 3, 31)).save()
    assert totals("2026-03") == {"林静": 100, "周航": 0}


def test_shares_of_an_order_do_not_exceed_it(sellers: Any) -> None:
    mine, other = sellers
    made = order(mine, 1_000, date(2026, 3, 5))
    Split(order=made, person=other, share=Decimal("0.7")).save()
    with pytest.raises(ValidationError, match="30"):
        Split(order=made, person=mine, share=Decimal("0.4")).full_clean()
    Split(order=made, person=mine, share=Decimal("0.4"), kind="overlay").full_clean()


def test_a_new_agreement_changes_no_earlier_month(sellers: Any) -> None:
    """Each month is settled with the terms that held in it."""
    mine, _other = sellers
    text = POLICY.replace("rate: 10%", 'rate: "person.commission_percent"').replace("id: cash", "id: own")
    adopt(text)
    for day, percent in ((date(2026, 1, 1), "0.1"), (date(2026, 4, 1), "0.2")):
        PayTerms.objects.filter(person=mine, ends_on=None).update(ends_on=day)
        PayTerms(person=mine, starts_on=day, commission_percent=Decimal(percent), currency="CNY").save()
    made = order(mine, 1_000, date(2026, 3, 5))
    pay(made, 400, date(2026, 3, 6))
    pay(made, 600, date(2026, 4, 6))
    march, april = (next(o for o in reckon(p, "own")).run for p in ("2026-03", "2026-04"))
    found = [Result.objects.get(run=run, person=mine, kind="total").value for run in (march, april)]
    assert [Decimal(value) / 10_000 for value in found] == [40, 60]


@pytest.fixture
def home(settings: Any, tmp_path: Any) -> Iterator[Any]:
    settings.HOME = tmp_path
    yield tmp_path


def test_a_snapshot_gives_every_line_again_when_the_facts_have_moved_on(sellers: Any, home: Any) -> None:
    mine, other = sellers
    made = order(mine, 1_000, date(2026, 3, 5))
    Split(order=made, person=other, share=Decimal("0.3"), reason="co-sold").save()
    pay(made, 500, date(2026, 3, 20))
    [outcome] = reckon("2026-03")
    path, digest = snapshot.keep(outcome.run)
    assert snapshot.keep(outcome.run) == (path, digest)  # the same bytes
    Payment.objects.all().delete()
    Split.objects.all().delete()
    RoleAssignment.objects.all().delete()
    made.net_amount = Money(7, "CNY")
    made.save()
    found, head = snapshot.reproduce(path, digest)
    compared, different = snapshot.differences(outcome.run, found)
    assert (compared, different) == (Result.objects.filter(run=outcome.run, person__isnull=False).count(), [])
    assert compared >= 6 and head["run"] == outcome.run.pk
    with pytest.raises(snapshot.Stale):
        snapshot.keep(outcome.run)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(snapshot.Unreadable):
        snapshot.reproduce(path, digest)

"""Customers go back to the pool by the policy's rules: marked, warned, taken back once, put off where they allow it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from xiaoguan.customers.models import Customer
from xiaoguan.desk.approvals.models import ApprovalFlow, ApprovalRequest
from xiaoguan.desk.jobs import Job, Running
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import Notification
from xiaoguan.rulebook.versions import adopt
from xiaoguan.sales.models import Activity, Contract, Opportunity
from xiaoguan.sales.recycling import recycle_customers

POLICY = """
policy:
  {schema: sales-policy/1, id: shop, name: 销售制度, version: 1.0.0, effective: {from: 2026-01-01}, currency: CNY,
    timezone: Asia/Shanghai}
metrics:
  deals_won:
    {name: 成单数, type: count, from: opportunities, value: "count()", date: closed_on, where: "result == 'won'"}
process:
  {id: p, stages: [{id: a, name: 甲, probability: 10%, limit: 10d}, {id: w, name: 赢, probability: 100%, closes: won}]}
pool:
  recycle: RULES
  exclude: "customer.class == 'A' or open_contract"
"""
IDLE = '[{id: idle, name: 未跟进回收, when: "days_since_follow_up > 30", warn: 5d}]'
NO_DEAL = """
    - {id: no_deal, when: "days_owned > 180 and deals_won == 0", extend: {by: sales_manager, days: 30, times: 1}}
"""
START = date(2026, 3, 1)


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The job of the night to this day; what it did, as "gone warned"."""

    def run(day: date) -> str:
        moment = timezone.make_aware(datetime(day.year, day.month, day.day, 0, 30))
        monkeypatch.setattr(timezone, "now", lambda: moment)
        job = Job.objects.create(kind="recycle_customers", title="x", batch="b", worker="w", state="running")
        recycle_customers(Running(job, "w"))
        job.refresh_from_db()
        return f"{job.checkpoint.get('gone', 0)} {job.checkpoint.get('warned', 0)}"

    return run


def customer(cast: Any, **values: Any) -> Customer:
    """One of 林静 since the first of March."""
    made = Customer(name="海天智能", owner=cast.linjing, **values)
    made.created_at = timezone.make_aware(datetime(2026, 3, 1, 9))
    made.save()
    return made


def now(one: Customer) -> Customer:
    return Customer.objects.get(pk=one.pk)


def day(number: int) -> date:
    """So many days after the first of March."""
    return START + timedelta(days=number)


def called(one: Customer, on: date) -> None:
    Activity(subject="电话", customer=one, owner=one.owner, due_on=on, done_on=on).save()


def test_it_is_marked_warned_and_goes_back_once(cast: Any, night: Any) -> None:
    adopt(POLICY.replace("RULES", IDLE))
    one = customer(cast)
    assert night(day(0)) == "0 0" and now(one).recycle_on is None, "31 days are more than is looked ahead"
    assert night(day(1)) == "0 0" and now(one).recycle_on == day(31)
    assert night(day(25)) == "0 0" and night(day(26)) == "0 1" and night(day(26)) == "0 0"
    told = Notification.objects.get(kind="pool")
    assert str(told.values["day"]) == day(31).isoformat() and f"{day(31).year}年{day(31).month}月" in told.sentence
    assert night(day(30)) == "0 0" and night(day(31)) == "1 0" and night(day(31)) == "0 0"
    last = Event.objects.filter(entity="customer", record_id=one.pk).order_by("-pk").first()
    assert last is not None and last.changes == {"owner_id": [cast.linjing.pk, None]}
    assert last.note.startswith("未跟进回收 · 31") and last.note.endswith("销售制度 1.0.0")
    assert (now(one).owner, now(one).recycle_on) == (None, None)
    assert list(Notification.objects.filter(kind="pool").values_list("person_id", flat=True)) == [cast.linjing.pk] * 2


def test_a_contact_a_new_owner_and_a_first_night_begin_the_count_anew(cast: Any, night: Any) -> None:
    adopt(POLICY.replace("RULES", IDLE))
    one = customer(cast)
    assert night(day(100)) == "0 1" and now(one).recycle_on == day(105), "nobody goes without having been warned"
    called(one, day(101))
    assert now(one).recycle_on is None
    assert night(day(127)) == "0 1" and now(one).recycle_on == day(132), "and is warned again"
    given = now(one)
    given.owner = cast.zhouhang
    given.save()
    assert night(day(140)) == "0 0" and now(one).owner == cast.zhouhang


def test_what_the_policy_excludes_and_what_waits_for_a_signature_stays(cast: Any, client_of: Any, night: Any) -> None:
    adopt(POLICY.replace("RULES", IDLE.replace(", warn: 5d", "")))
    best, bound, waits, goes = customer(cast, grade="A"), customer(cast), customer(cast), customer(cast, grade="B")
    Contract(number="H", customer=bound, owner=cast.linjing, status="active", currency="CNY", amount_units=1).save()
    ApprovalFlow.objects.create(kind="customer.release", number=1, steps=[{"by": [["manager", 1]], "needs": "any"}])
    where = f"/api/customers/{waits.pk}/release"
    assert client_of("linjing").post(where, {"reason": "x"}, content_type="application/json").status_code == 200
    assert ApprovalRequest.objects.count() == 1
    assert night(day(40)) == "1 0"
    assert [now(one).owner_id is None for one in (best, bound, waits, goes)] == [False, False, False, True]


def test_a_metric_counts_since_it_is_in_these_hands_and_the_return_may_be_put_off(
    cast: Any, client_of: Any, night: Any
) -> None:
    adopt(POLICY.replace("RULES", NO_DEAL))
    one, won = customer(cast), customer(cast)
    deal = {"title": "单", "customer": won, "owner": cast.linjing, "stage": "w", "result": "won", "currency": "CNY"}
    Opportunity(**deal, closes_on=day(9), closed_on=day(9), amount_units=1).save()
    assert night(day(170)) == "0 0" and (now(one).recycle_on, now(won).recycle_on) == (day(181), None)
    page = {pk: client_of("linjing").get(f"/customers/{pk}").content.decode() for pk in (one.pk, won.pk)}
    assert ("回收日期" in page[one.pk], "回收日期" in page[won.pk]) == (True, False)
    where, sent = f"/api/customers/{one.pk}/put_off", {"reason": "正在招标"}
    assert client_of("linjing").post(where, sent, content_type="application/json").status_code == 422
    assert client_of("chenmin").post(where, sent, content_type="application/json").status_code == 200
    assert client_of("chenmin").post(where, sent, content_type="application/json").status_code == 422
    assert night(day(181)) == "0 0" and now(one).recycle_on == day(211)
    assert night(day(211)) == "1 0" and now(won).owner == cast.linjing


def test_a_rule_about_deals_holds_when_all_open_ones_stand_still(cast: Any, night: Any) -> None:
    adopt(POLICY.replace("RULES", '[{id: stalled, when: "stage_days > 2 * stage_limit"}]'))
    one, moving = customer(cast), customer(cast)
    for who, since in ((one, 0), (moving, 0), (moving, 15)):
        deal = Opportunity(title="单", customer=who, owner=cast.linjing, stage="a", currency="CNY", amount_units=1)
        deal.closes_on, deal.stage_since = day(90), day(since)
        deal.save()
    customer(cast)
    assert night(day(21)) == "1 0" and (now(one).owner, now(moving).recycle_on) == (None, day(36))

"""Whoever leaves hands over what is in hand, as one job that can be taken back; what they earned stays theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from xiaoguan.customers.models import Customer, Lead
from xiaoguan.desk import jobs, tallies
from xiaoguan.desk.approvals.models import ApprovalFlow, ApprovalRequest
from xiaoguan.desk.conformance import desk, sample
from xiaoguan.desk.jobs import Job
from xiaoguan.people.leaving import lock_leavers
from xiaoguan.people.models import Account, Membership, ReportingLine, RoleAssignment, Team
from xiaoguan.sales.models import Activity, Opportunity, Order

SCRIPT = {"Accept": "application/json"}


def in_hand(cast: Any) -> list[Customer]:
    customers = [sample(Customer, cast.linjing) for _n in range(4)]
    for customer in customers:
        sample(Opportunity, cast.linjing, customer=customer)
        sample(Activity, cast.linjing, customer=customer)
    sample(Opportunity, cast.linjing, customer=customers[0], result="won")
    sample(Order, cast.linjing, customer=customers[0])
    sample(Activity, cast.linjing, customer=customers[0], done_on=timezone.localdate())
    return customers


def owners(model: Any) -> list[int]:
    return list(model.objects.order_by("pk").values_list("owner_id", flat=True))


def leave(cast: Any, browser: Any, **values: Any) -> Any:
    day = timezone.localdate().isoformat()
    values = {"left_on": day, "to": cast.zhouhang.pk, "lock": "on", **values}
    return browser.post(f"/people/{cast.linjing.pk}/hand_over_all", values, headers=SCRIPT)


def test_all_that_is_open_goes_evenly_to_two_and_what_belongs_to_a_customer_with_it(cast: Any, client_of: Any) -> None:
    customers = in_hand(cast)
    assert leave(cast, client_of("wufang"), and_to=cast.chenmin.pk).status_code == 200
    jobs.drain()
    job = Job.objects.get(kind="hand_over_all")
    assert job.state == "done" and "12" in job.result["summary"], job.error
    now = owners(Customer)
    assert sorted(now) == sorted([cast.zhouhang.pk, cast.chenmin.pk] * 2)
    by_customer = dict(zip([c.pk for c in customers], now, strict=True))
    for model in (Opportunity, Activity):
        for record in model.objects.all():
            closed = getattr(record, "result", "open") != "open" or getattr(record, "done_on", None) is not None
            assert record.owner_id == (cast.linjing.pk if closed else by_customer[record.customer_id])
    assert owners(Order) == [cast.linjing.pk]  # what was credited stays
    assert tallies.kept(desk("opportunity")) == tallies.recount(desk("opportunity"))


def test_what_the_leaver_asked_for_does_not_hold_a_customer_back(cast: Any, client_of: Any) -> None:
    ApprovalFlow.objects.create(kind="customer.release", number=1, steps=[{"by": [["manager", 1]], "needs": "any"}])
    customer = in_hand(cast)[0]
    client_of("linjing").post(f"/customers/{customer.pk}/release", {"reason": "离职"})
    assert ApprovalRequest.objects.get().state == "open"
    leave(cast, client_of("wufang"))
    jobs.drain()
    assert owners(Customer) == [cast.zhouhang.pk] * 4 and ApprovalRequest.objects.get().state == "withdrawn"


def test_one_kind_may_go_to_somebody_else(cast: Any, client_of: Any) -> None:
    in_hand(cast)
    sample(Lead, cast.linjing)
    leave(cast, client_of("wufang"), lead_to=cast.chenmin.pk, opportunity_to=cast.chenmin.pk)
    jobs.drain()
    assert set(owners(Customer)) == {cast.zhouhang.pk} and set(owners(Lead)) == {cast.chenmin.pk}
    assert set(Opportunity.objects.filter(result="open").values_list("owner_id", flat=True)) == {cast.chenmin.pk}


def test_their_places_end_their_people_report_on_and_the_account_is_locked(cast: Any, client_of: Any) -> None:
    team = cast.teams["east"]
    team.leader = cast.chenmin
    team.save()
    day = timezone.localdate()
    said = client_of("wufang").post(
        f"/people/{cast.chenmin.pk}/hand_over_all",
        {"left_on": day.isoformat(), "to": cast.linjing.pk, "lock": "on"},
        headers=SCRIPT,
    )
    assert said.status_code == 200
    jobs.drain()
    for model in (Membership, RoleAssignment, ReportingLine):
        assert not model.on(day).filter(person=cast.chenmin).exists(), model
    above = dict(ReportingLine.on(day).values_list("person_id", "manager_id"))
    assert above[cast.linjing.pk] == above[cast.zhouhang.pk] == cast.sunzong.pk
    assert Team.objects.get(pk=team.pk).leader_id == cast.sunzong.pk
    assert not Account.objects.get(username="chenmin").is_active


def test_who_asked_takes_it_back_though_the_records_are_not_theirs_to_change(cast: Any, client_of: Any) -> None:
    in_hand(cast)
    before = {model: owners(model) for model in (Customer, Opportunity, Activity)}
    leave(cast, client_of("helin"))  # HR may not change customers
    jobs.drain()
    job = Job.objects.get(kind="hand_over_all")
    assert owners(Customer) != before[Customer]
    refused = client_of("zhouhang").post(f"/undo/{job.batch}", headers=SCRIPT).json()
    assert refused["refused"]
    client_of("helin").post(f"/jobs/{job.pk}/revert")
    jobs.drain()
    assert {model: owners(model) for model in before} == before
    cast.linjing.refresh_from_db()
    assert cast.linjing.left_on is None
    assert Membership.on(timezone.localdate()).filter(person=cast.linjing).exists()


def test_a_day_to_come_locks_when_it_has_come(cast: Any, client_of: Any, monkeypatch: Any) -> None:
    day = timezone.localdate() + timedelta(days=3)
    leave(cast, client_of("wufang"), left_on=day.isoformat())
    jobs.drain()
    running = type("R", (), {"step": lambda self: __import__("contextlib").nullcontext()})()
    lock_leavers(running)
    assert Account.objects.get(username="linjing").is_active
    monkeypatch.setattr(timezone, "localdate", lambda *a: day)
    lock_leavers(running)
    assert not Account.objects.get(username="linjing").is_active


def test_it_is_refused_to_strangers_and_for_wrong_receivers(cast: Any, client_of: Any) -> None:
    assert leave(cast, client_of("zhouhang")).status_code == 403
    assert leave(cast, client_of("wufang"), to=cast.linjing.pk).status_code == 422
    assert leave(cast, client_of("wufang"), customer_to=cast.linjing.pk).status_code == 422
    assert not Job.objects.filter(kind="hand_over_all").exists()

"""Closing a month: who does which step, what is posted, what a locked period refuses, what late facts bring."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from tests.rulebook.test_reckoning import goal, order, policy
from xiaoguan.base.ledger import KINDS, balance
from xiaoguan.base.money import Money
from xiaoguan.desk import jobs
from xiaoguan.desk.approvals.models import ApprovalRequest
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import acting
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import Notification
from xiaoguan.desk.undo import undo_batch
from xiaoguan.rulebook import closing
from xiaoguan.rulebook.models import LedgerEntry, Locked, PayrollPeriod, PayStatement, Result, Run
from xiaoguan.rulebook.reckoning import CannotReckon, reckon
from xiaoguan.rulebook.versions import adopt
from xiaoguan.sales.models import Order

State = PayrollPeriod.State


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    return tmp_path


@pytest.fixture
def march(cast: Any, home: Path) -> Any:
    """林静 sold 100,000 of 100,000 and 王磊 50,000 of 80,000: 3 % and, from 100 % on, 1,000."""
    adopt(policy())
    goal("100000", cast.linjing)
    goal("80000", cast.wanglei)
    order(cast.linjing, "60000", date(2026, 3, 1))
    order(cast.linjing, "40000", date(2026, 3, 31))
    order(cast.wanglei, "50000", date(2026, 3, 5))
    return cast


def did(cast: Any, name: str, period: PayrollPeriod, verb: str, **data: Any) -> PayrollPeriod:
    """The deed as the page and the API do it."""
    desk = desk_of(PayrollPeriod)
    assert desk is not None
    period.refresh_from_db()
    with acting(cast.people[name].pk, "page"):
        desk.verb(verb).run(period, cast.viewer(name), data, desk.write)
    jobs.drain()
    period.refresh_from_db()
    return period


def told_of(kind: str) -> list[int]:
    return list(Notification.objects.filter(kind=kind).values_list("person_id", flat=True))


def closed(cast: Any, text: str, state: str = State.LOCKED) -> PayrollPeriod:
    period = closing.pay_period(text)
    closing.bring_to(period, state, date(2026, 5, 1))
    return period


def paid_of(period: PayrollPeriod, person: Any) -> int:
    return PayStatement.objects.get(period=period, person=person).payable_units


def test_a_month_goes_from_open_to_paid_and_everybody_does_their_own_step(march: Any) -> None:
    period = closing.opened("house", "2026-03")
    with pytest.raises(PermissionDenied):
        did(march, "zhaoyue", period, "calculate")
    did(march, "wufang", period, "calculate")
    assert (period.state, period.total, period.people) == (State.CALCULATED, Money("5500", "CNY"), 3)
    assert period.exceptions == PayStatement.objects.get(person=march.zhouhang).exceptions == 1, "周航 has no goal"
    with pytest.raises(PermissionDenied):
        did(march, "linjing", period, "review")
    did(march, "wufang", period, "review")
    with pytest.raises(PermissionDenied):
        did(march, "wufang", period, "approve")
    assert set(told_of("pay")) == {march.linjing.pk, march.wanglei.pk, march.zhouhang.pk}
    did(march, "zhaoyue", period, "approve")
    assert ApprovalRequest.objects.get().state == "approved", "the page signs the one approval that waits"
    did(march, "zhaoyue", period, "lock")
    did(march, "zhaoyue", period, "pay", paid_on="2026-04-10")
    who = [period.calculated_by, period.reviewed_by, period.approved_by, period.locked_by, period.paid_by]
    assert [p.name for p in who] == ["吴芳", "吴芳", "赵越", "赵越", "赵越"]
    told = Event.objects.filter(entity="payrollperiod", record_id=period.pk).order_by("pk")
    deeds = [e.deed for e in told if not e.deed.startswith("approval")]
    assert deeds == ["created", "calculate", "calculated", "review", "approve", "lock", "pay"]


def test_the_entries_are_posted_once_and_add_up_to_nothing_left_to_pay(march: Any) -> None:
    period = closed(march, "2026-03")
    rows = list(LedgerEntry.objects.filter(person=march.linjing))
    assert sorted((r.kind, r.name, r.amount) for r in rows) == [
        ("earning", "bonus", Money("1000", "CNY")),
        ("earning", "commission", Money("3000", "CNY")),
        ("payout", "plan", Money("-4000", "CNY")),
    ]
    assert balance(r.entry() for r in LedgerEntry.objects.all()) == 0
    with pytest.raises(ValidationError, match="not possible now"):
        closing.lock(period)
    with pytest.raises(IntegrityError), transaction.atomic():
        closing._post(period, period.created_at)


def test_every_kind_of_the_engine_has_its_word() -> None:
    assert tuple(LedgerEntry.Kind.values) == KINDS


def test_an_entry_is_never_changed(march: Any) -> None:
    closed(march, "2026-03")
    entry = LedgerEntry.objects.first()
    assert entry is not None
    entry.amount = Money("1", "CNY")
    rows = LedgerEntry.objects.all()
    for deed in (entry.save, entry.delete, rows.delete, lambda: rows.update(amount=1)):
        with pytest.raises(ValidationError, match="never changed"):
            deed()


def test_a_locked_run_stands(march: Any) -> None:
    period = closed(march, "2026-03")
    run = period.run
    assert run is not None
    result = Result.objects.filter(run=run).first()
    assert result is not None
    deeds = (run.save, run.delete, result.delete, Run.objects.all().delete, Result.objects.filter(run=run).delete)
    for deed in (*deeds, lambda: Result.objects.filter(run=run).update(value=1)):
        with pytest.raises(Locked):
            deed()
    with pytest.raises(CannotReckon, match="2026-03 of house is locked; what changed since becomes an adjustment"):
        reckon("2026-03")
    with pytest.raises(ValidationError):
        closing.calculate(period)
    with pytest.raises(ValidationError):
        period.delete()


def test_after_the_lock_there_is_no_way_back_and_before_it_one_with_a_reason(march: Any) -> None:
    period = closing.opened("house", "2026-03")
    for name, verb in (("wufang", "calculate"), ("wufang", "review")):
        did(march, name, period, verb)
    did(march, "zhaoyue", period, "send_back", reason="王磊 is missing an order")
    assert (period.state, period.reason, period.reviewed_by) == (State.CALCULATED, "王磊 is missing an order", None)
    assert ApprovalRequest.objects.get().state == "returned"
    order(march.wanglei, "30000", date(2026, 3, 7))
    did(march, "wufang", period, "calculate")
    assert period.total == Money("7400", "CNY")
    did(march, "wufang", period, "review")
    did(march, "zhaoyue", period, "approve")
    did(march, "zhaoyue", period, "lock")
    with pytest.raises(ValidationError):
        did(march, "zhaoyue", period, "send_back", reason="too late")


def test_a_locked_step_cannot_be_undone(march: Any) -> None:
    period = closed(march, "2026-03", State.APPROVED)
    did(march, "zhaoyue", period, "lock")
    for batch in set(Event.objects.filter(entity="payrollperiod").values_list("batch", flat=True)):
        undo_batch(batch, march.viewer("wufang"))
    period.refresh_from_db()
    assert period.state == State.LOCKED and LedgerEntry.objects.exists()


def test_only_a_period_in_which_nothing_is_calculated_can_be_taken_away(march: Any, client_of: Any) -> None:
    with acting(march.wufang.pk, "page") as actor:
        period = closing.opened("house", "2026-03")
        spare = closing.opened("house", "2026-05")
    browser = client_of("wufang")
    assert browser.post(f"/pay-periods/{spare.pk}/delete").status_code == 302
    did(march, "wufang", period, "calculate")
    undo_batch(actor.batch, march.viewer("wufang"))
    assert browser.post(f"/pay-periods/{period.pk}/delete").status_code == 403
    assert list(PayrollPeriod.objects.values_list("label", flat=True)) == ["2026-03"]


def test_who_calculated_does_not_approve_where_somebody_else_can(march: Any) -> None:
    from xiaoguan.people.models import Role, RoleAssignment

    for person in (march.wufang, march.helin):
        RoleAssignment(person=person, role=Role.objects.get(code="finance"), starts_on=date(2024, 1, 1)).save()
    RoleAssignment(person=march.helin, role=Role.objects.get(code="operations"), starts_on=date(2024, 1, 1)).save()
    period = closing.opened("house", "2026-03")
    did(march, "wufang", period, "calculate")
    did(march, "helin", period, "review")
    with pytest.raises(PermissionDenied, match="yourself"):
        did(march, "wufang", period, "approve")
    did(march, "zhaoyue", period, "approve")
    assert period.state == State.APPROVED


def test_a_late_order_is_one_adjustment_in_the_open_period(march: Any) -> None:
    locked = closed(march, "2026-03")
    late = Order.objects.get(owner=march.linjing, ordered_on=date(2026, 3, 31))
    late.net_amount = Money("90000", "CNY")
    late.save()
    april = closed(march, "2026-04", State.CALCULATED)
    lines = Result.objects.filter(run=april.run, person=march.linjing, kind="earning")
    [adjustment] = [r for r in lines if r.name == "adjustment"]
    assert [p["name"] for p in adjustment.trace["parts"]] == ["2026-03"]
    assert adjustment.value == 1_500_0000
    assert paid_of(april, march.linjing) == 1_500_0000 and paid_of(locked, march.linjing) == 4_000_0000
    closing.bring_to(april, State.LOCKED)
    entries = LedgerEntry.objects.filter(person=march.linjing, about="2026-03").exclude(kind="payout")
    about = [entry.amount_units for entry in entries]
    assert sum(about) == 5_500_0000, "posted and adjusted, March is what it would be today"
    may = closed(march, "2026-05", State.CALCULATED)
    assert not Result.objects.filter(run=may.run, name="adjustment").exists(), "what was adjusted is not adjusted again"


def test_a_new_version_inside_the_month_pays_its_own_days_and_the_month_reproduces(march: Any, home: Path) -> None:
    adopt(policy("1.1.0", "2026-03-16", "5%"))
    period = closed(march, "2026-03")
    # 60 000 of 1 March at 3 % and 40 000 of 31 March at 5 %; the bonus follows the version of the month
    assert paid_of(period, march.linjing) == (1_800 + 2_000 + 1_000) * 10_000
    line = Result.objects.get(run=period.run, person=march.linjing, name="commission")
    assert [part["source"].split(",")[0] for part in line.trace["parts"]] == ["house 1.0.0", "house 1.1.0"]
    Order.objects.update(net_amount=1)
    assert closing.reproduce(period).different == ()


def test_a_late_order_is_adjusted_by_the_version_of_its_month_also_for_who_had_none(march: Any) -> None:
    closed(march, "2026-03")
    adopt(policy("1.1.0", "2026-04-01", "5%"))
    order(march.linjing, "10000", date(2026, 3, 20))
    order(march.zhouhang, "1000", date(2026, 3, 20))
    april = closed(march, "2026-04", State.CALCULATED)
    assert paid_of(april, march.linjing) == 300 * 10_000 and paid_of(april, march.zhouhang) == 30 * 10_000


def test_a_locked_period_reproduces_bit_for_bit_after_the_facts_changed(march: Any, home: Path) -> None:
    period = closed(march, "2026-03")
    Order.objects.update(net_amount=1)
    order(march.linjing, "777", date(2026, 3, 15))
    goal("5", march.wanglei)
    again = closing.reproduce(period)
    assert again.results == Result.objects.filter(run=period.run, person__isnull=False).count() > 10
    assert str(again) == f"{again.results} results, all equal"
    file = closing.snapshot_of(period)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ValidationError, match=r"cannot be read|not the file"):
        closing.reproduce(period)


def test_a_result_that_does_not_come_out_again_is_named(march: Any) -> None:
    period = closed(march, "2026-03")
    assert period.run is not None
    as_text = "trace" if connection.vendor == "sqlite" else "trace::text"
    back = "" if connection.vendor == "sqlite" else "::jsonb"
    with connection.cursor() as cursor:  # past every guard, as somebody with the database in hand would
        changed = f"REPLACE({as_text}, %s, %s){back}"
        cursor.execute(
            f"UPDATE rulebook_result SET trace = {changed} WHERE kind = 'metric' AND person_id = %s",
            ["Bookings", "Billings", march.linjing.pk],
        )
    again = closing.reproduce(period)
    assert [d.name for d in again.different] == ["bookings"] and str(again).endswith("1 different")
    assert again.engine == period.run.engine and "by engine 0.0-1, this is" in str(replace(again, engine="0.0-1"))


def test_a_later_month_is_not_locked_before_an_earlier_one(march: Any) -> None:
    closed(march, "2026-03", State.CALCULATED)
    april = closed(march, "2026-04", State.APPROVED)
    with pytest.raises(ValidationError, match="Lock 2026-03 first"):
        closing.lock(april)


def test_periods_do_not_overlap_and_are_what_their_label_says(march: Any) -> None:
    closing.opened("house", "2026-03")
    with pytest.raises(ValidationError, match="shares days with 2026-03"):
        closing.opened("house", "2026-Q1")
    assert closing.open_now(date(2026, 4, 7))[0].label == "2026-04"
    assert closing.open_now(date(2026, 4, 8)) == []


def test_programs_open_and_close_a_period(march: Any, client_of: Any) -> None:
    api, finance = client_of("wufang"), client_of("zhaoyue")
    made = api.post("/api/pay-periods", {"label": "2026-03"}, content_type="application/json")
    assert made.status_code == 201 and made.json()["policy_key"] == "house"
    where = f"/api/pay-periods/{made.json()['id']}"
    assert finance.post("/api/pay-periods", {"label": "2026-04"}, content_type="application/json").status_code == 403
    assert api.post(f"{where}/calculate", {}, content_type="application/json").status_code == 200
    jobs.drain()
    assert api.get(where).json()["total"] == "5500.00"
    assert api.patch(where, {"label": "2026-04"}, content_type="application/json").status_code == 422
    api.post(f"{where}/review", {}, content_type="application/json")
    assert api.post(f"{where}/approve", {}, content_type="application/json").status_code == 403
    for verb in ("approve", "lock"):
        assert finance.post(f"{where}/{verb}", {}, content_type="application/json").json()["id"]
    assert finance.get(where).json()["state"] == "locked"
    assert client_of("linjing").get(where).status_code == 404
    [own] = client_of("linjing").get("/api/statements").json()["items"]
    assert own["payable"] == "4000.00"


def test_the_command_line_closes_a_month_and_proves_it(march: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from xiaoguan.project.cli import main as command

    command(["close", "2026-03", "--to", "locked", "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["total"], told["people"]) == ("locked", "5500.00", 3)
    command(["reproduce", "2026-03"], standalone_mode=False)
    assert capsys.readouterr().out.strip().endswith("results, all equal")
    with pytest.raises(SystemExit):
        command(["close", "2026-03"], standalone_mode=False)
    assert "locked already" in capsys.readouterr().err

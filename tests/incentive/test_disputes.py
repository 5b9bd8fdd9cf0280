"""Disputes: filed in time, evidence frozen, decided with a reason, paid in the open period."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone, translation

from tests.rulebook.test_closing import closed, did, english, home, march  # noqa: F401  fixtures
from tests.rulebook.test_reckoning import order, policy
from xiaoguan.base.ledger import balance
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import acting
from xiaoguan.desk.notify import Notification
from xiaoguan.incentive import disputes
from xiaoguan.incentive.models import Dispute
from xiaoguan.policy import load_text
from xiaoguan.policy.formula import Duration
from xiaoguan.rulebook import closing
from xiaoguan.rulebook.models import LedgerEntry, PayrollPeriod, PayStatement, Result
from xiaoguan.rulebook.versions import adopt

State = PayrollPeriod.State


def statement_of(period: PayrollPeriod, person: Any) -> PayStatement:
    return PayStatement.objects.get(period=period, person=person)


def do(cast: Any, name: str, record: Any, verb: str, **data: Any) -> None:
    desk = desk_of(type(record))
    assert desk is not None
    record.refresh_from_db()
    with acting(cast.people[name].pk, "page"):
        desk.verb(verb).run(record, cast.viewer(name), data, desk.write)  # type: ignore[union-attr]
    record.refresh_from_db()


def filed(cast: Any, period: PayrollPeriod, **data: Any) -> Dispute:
    statement = statement_of(period, cast.linjing)
    do(cast, "linjing", statement, "dispute", **{"text": "SO-9 is missing", **data})
    return Dispute.objects.get(statement=statement)


def test_what_is_disputed_is_frozen_and_those_who_decide_are_told(march: Any) -> None:  # noqa: F811
    period = closed(march, "2026-03", State.CALCULATED)
    line = Result.objects.get(run=period.run, person=march.linjing, name="commission")
    dispute = filed(march, period, line=str(line.pk), expected="3600")
    assert dispute.frozen["trace"] == line.trace and dispute.disputed_units == 3000_0000
    assert statement_of(period, march.linjing).state == "disputed"
    told = Notification.objects.filter(kind="dispute").values_list("person_id", flat=True)
    assert set(told) == {march.zhaoyue.pk, march.wufang.pk}
    order(march.linjing, "20000", date(2026, 3, 9))
    closing.bring_to(period, State.CALCULATED)
    closing.calculate(period)
    dispute.refresh_from_db()
    assert dispute.frozen["trace"]["value"] == 3000_0000, "the evidence stays when the month is calculated again"


def test_only_the_person_disputes_and_nobody_decides_their_own(march: Any) -> None:  # noqa: F811
    period = closed(march, "2026-03", State.CALCULATED)
    with pytest.raises(PermissionDenied):
        do(march, "chenmin", statement_of(period, march.linjing), "dispute", text="for her")
    dispute = filed(march, period)
    for name in ("linjing", "chenmin", "helin"):
        with pytest.raises(PermissionDenied):
            do(march, name, dispute, "accept", reason="of course")
    with pytest.raises(ValidationError, match="a dispute about this already"):
        do(march, "linjing", statement_of(period, march.linjing), "dispute", text="again")
    other = Result.objects.filter(run=period.run, person=march.wanglei, kind="earning").first()
    assert other is not None
    with pytest.raises(ValidationError, match="no line of the statement"):
        do(march, "linjing", statement_of(period, march.linjing), "dispute", text="x", line=str(other.pk))


def test_a_role_that_the_plan_names_decides_too(cast: Any, home: Path) -> None:  # noqa: F811
    adopt(policy().replace("role: sales_rep", "role: sales_rep\n    dispute: {window: 5d, decide: sales_manager}"))
    order(cast.linjing, "60000", date(2026, 3, 1))
    dispute = filed(cast, closed(cast, "2026-03", State.CALCULATED))
    assert Notification.objects.filter(kind="dispute", person_id=cast.liqiang.pk).exists()
    with pytest.raises(PermissionDenied):
        do(cast, "wanglei", dispute, "accept", reason="no")
    do(cast, "liqiang", dispute, "accept", reason="He leads the other team, and the plan names his role")
    assert dispute.state == "accepted"


def test_an_accepted_dispute_is_a_line_of_its_own_and_is_paid_with_the_month(march: Any) -> None:  # noqa: F811
    period = closing.opened("house", "2026-03")
    did(march, "wufang", period, "calculate")
    did(march, "wufang", period, "review")
    dispute = filed(march, period)
    do(march, "zhaoyue", dispute, "answer", text="We look into it")
    do(march, "zhaoyue", dispute, "accept", amount="600", reason="The order was hers")
    period.refresh_from_db()
    assert (period.state, period.total_units) == (State.CALCULATED, 6100_0000), "what is approved is what was seen"
    own = statement_of(period, march.linjing)
    amounts = own.total_units, own.corrections_units, own.payable_units
    assert (amounts, own.state) == ((4000_0000, 600_0000, 4600_0000), "open")
    did(march, "wufang", period, "calculate")
    did(march, "wufang", period, "review")
    did(march, "zhaoyue", period, "approve")
    did(march, "zhaoyue", period, "lock")
    entries = LedgerEntry.objects.filter(person=march.linjing)
    paid = -sum(e.amount_units for e in entries if e.kind == "payout")
    assert paid == 4600_0000 and balance(e.entry() for e in entries) == 0
    april = closed(march, "2026-04", State.CALCULATED)
    assert not Result.objects.filter(run=april.run, name="adjustment").exists(), "the engine leaves decisions alone"


def test_after_the_approval_the_correction_goes_into_the_next_period(march: Any) -> None:  # noqa: F811
    period = closed(march, "2026-03", State.CALCULATED)
    dispute = filed(march, period)
    closing.bring_to(period, State.LOCKED)
    do(march, "zhaoyue", dispute, "accept", amount="-50", reason="Counted twice")
    entry = dispute.entry
    assert entry is not None
    assert (entry.about, entry.posted, entry.amount_units) == ("2026-03", "2026-04", -50_0000)
    april = PayrollPeriod.objects.get(label="2026-04")
    assert april.state == State.OPEN and statement_of(april, march.linjing).payable_units == -50_0000
    closing.bring_to(april, State.LOCKED)
    assert balance(e.entry() for e in LedgerEntry.objects.filter(person=march.linjing)) == 0


def test_a_dispute_after_the_deadline_is_refused_with_its_date(march: Any) -> None:  # noqa: F811
    period = closed(march, "2026-03", State.REVIEWED)
    today = timezone.localdate()
    assert disputes.deadline(statement_of(period, march.linjing)) == today + timedelta(days=7)
    PayrollPeriod.objects.filter(pk=period.pk).update(reviewed_at=timezone.now() - timedelta(days=8))
    with translation.override("en"), pytest.raises(ValidationError, match="ended on"):
        filed(march, period)


def test_the_window_is_the_plans_and_working_days_are_counted_by_the_calendar() -> None:
    plan = policy().replace("role: sales_rep", "role: sales_rep\n    dispute: {window: 5wd, decide: finance}")
    found, issues = load_text(
        plan + "calendar: {working_days: {weekdays: [mon, tue, wed, thu, fri], holidays: cn}}", ""
    )
    assert found is not None, issues
    assert disputes.window_of(found, "sales_rep") == Duration(5, "wd")
    assert disputes.window_of(found, "somebody") == Duration(5, "wd")
    assert disputes.last_day(found, Duration(5, "wd"), date(2026, 4, 1)) == date(2026, 4, 9), "6 April is a holiday"
    assert disputes.last_day(found, Duration(2, "w"), date(2026, 4, 1)) == date(2026, 4, 15)


def test_rejected_or_withdrawn_the_statement_waits_for_its_confirmation_again(march: Any) -> None:  # noqa: F811
    period = closed(march, "2026-03", State.CALCULATED)
    dispute = filed(march, period)
    with pytest.raises(ValidationError):
        do(march, "linjing", statement_of(period, march.linjing), "confirm")
    do(march, "zhaoyue", dispute, "reject", reason="It was signed in April")
    assert dispute.state == "rejected" and not LedgerEntry.objects.exists()
    own = statement_of(period, march.linjing)
    do(march, "linjing", own, "confirm")
    assert own.state == "confirmed" and own.confirmed_at
    order(march.linjing, "20000", date(2026, 3, 9))
    closing.calculate(period)
    assert statement_of(period, march.linjing).state == "open", "another amount wants another word"


def test_pages_of_statement_dispute_period_and_payroll(march: Any, client_of: Any, home: Path) -> None:  # noqa: F811
    period = closed(march, "2026-03", State.CALCULATED)
    dispute = filed(march, period, expected="5000")
    own = statement_of(period, march.linjing)
    for name, status in (("linjing", 200), ("chenmin", 200), ("zhaoyue", 200), ("wanglei", 404), ("liqiang", 404)):
        browser = client_of(name)
        assert browser.get(f"/statements/{own.pk}").status_code == status
        assert browser.get(f"/disputes/{dispute.pk}").status_code == status
        assert browser.get(f"/statements/{own.pk}/statement.pdf").status_code == status
    page = client_of("linjing").get(f"/disputes/{dispute.pk}").content.decode()
    assert "SO-9 is missing" in page and "60000" in page.replace(",", ""), "the frozen line opens to its records"
    assert client_of("zhaoyue").get(f"/pay-periods/{period.pk}").status_code == 200
    assert client_of("linjing").get(f"/pay-periods/{period.pk}").status_code == 404

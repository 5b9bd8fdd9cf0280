"""A cycle of an appraisal: who is asked, what is calculated, what people change, what the lock does to pay."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from tests.appraisal.conftest import POLICY
from tests.rulebook.test_reckoning import order
from xiaoguan.appraisal import cycles, deciding
from xiaoguan.appraisal.models import AppraisalCycle, AppraisalRecord, Rating
from xiaoguan.desk import jobs
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import acting
from xiaoguan.desk.notify import Notification
from xiaoguan.goals.models import GoalTarget
from xiaoguan.rulebook import closing
from xiaoguan.rulebook.models import PayrollPeriod, PayStatement
from xiaoguan.rulebook.versions import adopt

State = AppraisalCycle.State


def did(cast: Any, name: str, record: Any, verb: str, **data: Any) -> Any:
    """The deed as the page and the API do it."""
    desk = desk_of(type(record))
    assert desk is not None
    record.refresh_from_db()
    with acting(cast.people[name].pk, "page"):
        desk.verb(verb).run(record, cast.viewer(name), data, desk.write)
    jobs.drain()
    record.refresh_from_db()
    return record


def of(cycle: AppraisalCycle, person: Any) -> AppraisalRecord:
    return AppraisalRecord.objects.get(cycle=cycle, person=person)


def rate(cycle: AppraisalCycle, person: Any, rater: Any, score: str) -> None:
    cycles.give(Rating.objects.get(cycle=cycle, person=person, rater=rater), Decimal(score))


def through(label: str, state: str = State.LOCKED) -> AppraisalCycle:
    cycle = cycles.cycle_for(label)
    cycles.bring_to(cycle, state)
    return cycle


def paid(person: Any, month: str) -> int:
    period = closing.pay_period(month)
    closing.calculate(period)
    return PayStatement.objects.get(period=period, person=person).payable_units // 10_000


def test_a_cycle_goes_from_open_to_locked_and_everybody_does_their_own_step(company: Any) -> None:
    cycle = cycles.opened("2026-Q1")
    with pytest.raises(PermissionDenied):
        did(company, "chenmin", cycle, "ask", until="2026-04-10")
    did(company, "helin", cycle, "ask", until="2026-04-10")
    assert (cycle.state, cycle.due_on) == (State.RATING, date(2026, 4, 10))
    asked = {(r.person.name, r.rater.name, r.group) for r in cycle.ratings.all()}
    assert asked == {
        ("林静", "陈敏", "manager"), ("林静", "周航", "peer"), ("周航", "陈敏", "manager"), ("周航", "林静", "peer"),
        ("王磊", "李强", "manager"),
    }  # fmt: skip
    told = set(Notification.objects.filter(kind="appraisal").values_list("person_id", flat=True))
    assert told == {company.people[name].pk for name in ("chenmin", "linjing", "zhouhang", "liqiang")}
    rate(cycle, company.linjing, company.chenmin, "9")
    did(company, "helin", cycle, "calculate")
    lin = of(cycle, company.linjing)
    assert (lin.score, lin.grade, lin.factor) == (Decimal("96.00"), "A", Decimal("1.2")), "60 x 100 % + 40 x 90 %"
    assert of(cycle, company.wanglei).missing == ["Teamwork"] and of(cycle, company.wanglei).grade == "C"
    assert (of(cycle, company.zhouhang).score, of(cycle, company.zhouhang).open_points) == (None, 2)
    assert (cycle.people, cycle.exceptions) == (3, 2) and cycle.digest == cycle.policy.digest
    with pytest.raises(PermissionDenied):
        did(company, "linjing", cycle, "finish")
    did(company, "helin", cycle, "finish")
    with pytest.raises(PermissionDenied):
        did(company, "helin", cycle, "lock")
    did(company, "zhaoyue", cycle, "lock")
    who = [cycle.asked_by, cycle.calculated_by, cycle.calibrated_by, cycle.locked_by]
    assert [p.name for p in who] == ["何琳", "何琳", "何琳", "赵越"]


def test_a_factor_changes_pay_only_once_its_grade_is_locked(company: Any) -> None:
    """林静 earns 10 % of 100,000 in March. Nothing is locked: no factor, no pay. A is locked: 10,000 x 1.2."""
    through("2026-Q1", State.CALIBRATED)
    assert of(cycles.cycle_for("2026-Q1"), company.linjing).grade == "A"
    assert paid(company.linjing, "2026-03") == 0
    cycles.lock(cycles.cycle_for("2026-Q1"))
    assert paid(company.linjing, "2026-03") == 12_000
    assert paid(company.wanglei, "2026-03") == 2_500, "5,000 x 0.5"


def test_a_month_that_closes_before_the_lock_uses_the_last_locked_grade_and_keeps_it(company: Any) -> None:
    order(company.linjing, "60000", date(2025, 12, 1))
    GoalTarget(
        goal="quota", currency="CNY", person=company.linjing, value=Decimal(100_000),
        starts_on=date(2025, 10, 1), ends_on=date(2026, 1, 1),
    ).save()  # fmt: skip
    through("2025-Q4")
    assert of(cycles.cycle_for("2025-Q4"), company.linjing).grade == "B"
    assert paid(company.linjing, "2026-03") == 10_000, "the B of the quarter before, x 1"
    march = closing.known_period("2026-03")
    closing.bring_to(march, PayrollPeriod.State.LOCKED)
    through("2026-Q1")
    assert str(closing.reproduce(march)).endswith("all equal"), "the grade stands in the snapshot"
    april = closing.pay_period("2026-04")
    closing.bring_to(april, PayrollPeriod.State.CALCULATED)
    assert PayStatement.objects.get(period=april, person=company.linjing).payable_units == 0, "March is not paid anew"
    order(company.linjing, "10000", date(2026, 4, 1))
    assert paid(company.linjing, "2026-04") == 1_200, "from April on it is the A"


def test_the_worked_example_of_the_guide(company: Any) -> None:
    """王磊 earns 10 % of 50,000 in March: what the lock of which quarter, and when, makes of it."""
    quota = {"goal": "quota", "currency": "CNY", "person": company.wanglei, "value": Decimal(100_000)}
    GoalTarget(starts_on=date(2025, 10, 1), ends_on=date(2026, 1, 1), **quota).save()
    order(company.wanglei, "60000", date(2025, 12, 1))
    assert paid(company.wanglei, "2026-03") == 0, "nothing is locked"
    through("2025-Q4")
    assert paid(company.wanglei, "2026-03") == 5_000, "a B"
    march = closing.known_period("2026-03")
    first = through("2026-Q1")
    assert paid(company.wanglei, "2026-03") == 2_500, "a C, locked before March is calculated"
    AppraisalCycle.objects.filter(pk=first.pk).update(state=State.CALIBRATED)
    assert paid(company.wanglei, "2026-03") == 5_000
    closing.bring_to(march, PayrollPeriod.State.LOCKED)
    cycles.lock(first)
    assert paid(company.wanglei, "2026-04") == 0, "March stays"
    did(company, "wanglei", of(first, company.wanglei), "appeal", text="SO-9 is missing")
    did(company, "helin", of(first, company.wanglei), "accept", grade="A", reason="It is")
    assert paid(company.wanglei, "2026-04") == 0, "the grade that an appeal changed was not the one that March used"


# What people decide


@pytest.fixture
def calculated(company: Any) -> AppraisalCycle:
    """林静 has an A, 王磊 a C, 周航 nothing."""
    return through("2026-Q1", State.CALCULATED)


def test_a_grade_is_calibrated_with_a_reason_and_what_was_calculated_stays(
    calculated: AppraisalCycle, company: Any
) -> None:
    lin = of(calculated, company.linjing)
    assert (lin.score, lin.grade) == (Decimal("100.00"), "A"), "nobody rated her: bookings have the whole weight"
    for name in ("helin", "sunzong", "linjing"):
        with pytest.raises(PermissionDenied):
            did(company, name, lin, "calibrate", grade="B", reason="One windfall")
    with pytest.raises(ValidationError, match="needs a reason"):
        did(company, "chenmin", lin, "calibrate", grade="B")
    with pytest.raises(ValidationError, match="From A to C is more than one grade"):
        did(company, "chenmin", lin, "calibrate", grade="C", reason="One windfall")
    did(company, "chenmin", lin, "calibrate", grade="B", reason="One windfall")
    assert (lin.given_grade, lin.grade, lin.score, lin.factor) == ("A", "B", Decimal("100.00"), Decimal("1"))
    assert lin.reason == "One windfall" and lin.calibrated_by == company.chenmin
    cycles.calculate(calculated)
    lin.refresh_from_db()
    assert lin.grade == "B", "calculated again with the same outcome it stays"
    order(company.linjing, "50000", date(2026, 3, 9))
    cycles.calculate(calculated)
    lin.refresh_from_db()
    assert (lin.score, lin.grade, lin.reason) == (Decimal("120.00"), "A", ""), "another score is to be looked at"
    with pytest.raises(ValidationError):
        deciding.calibrate(of(calculated, company.zhouhang), company.viewer("chenmin"), "A", "No score at all")


def test_nobody_calibrates_their_own_grade(company: Any) -> None:
    from xiaoguan.people.models import Role, RoleAssignment

    manager = Role.objects.get(code="sales_manager")
    RoleAssignment(person=company.linjing, role=manager, starts_on=date(2026, 4, 2)).save()
    calculated = through("2026-Q1", State.CALCULATED)
    with pytest.raises(PermissionDenied, match="their own"):
        deciding.calibrate(of(calculated, company.linjing), company.viewer("linjing"), "B", "Modesty")


def test_forced_grades_go_by_rank_and_a_small_group_is_only_guided(company: Any) -> None:
    text = POLICY.replace("mode: guide", "mode: forced").replace("version: 1.0.0", "version: 1.1.0")
    adopt(text.replace("from: 2025-01-01", "from: 2026-01-01"))
    order(company.wanglei, "49000", date(2026, 3, 9))
    calculated = through("2026-Q1", State.CALCULATED)
    lei = of(calculated, company.wanglei)
    assert (lei.first_grade, lei.given_grade, lei.factor) == ("A", "B", Decimal("1")), "two people: one A, one B"
    assert calculated.policy.number == "1.1.0"


def test_the_interview_is_kept_and_agreed(calculated: AppraisalCycle, company: Any) -> None:
    lin = of(calculated, company.linjing)
    with pytest.raises(ValidationError):
        did(company, "chenmin", lin, "interview", on="2026-04-20", text="Well done")
    cycles.finish(calculated)
    with pytest.raises(PermissionDenied):
        did(company, "liqiang", lin, "interview", on="2026-04-20", text="Not his person")
    did(company, "chenmin", lin, "interview", on="2026-04-20", text="Well done")
    did(company, "linjing", lin, "agree")
    assert lin.interview_by == company.chenmin and lin.agreed_at is not None
    did(company, "chenmin", lin, "interview", on="2026-04-21", text="Well done, and more calls")
    assert lin.agreed_at is None, "another text is to be agreed anew"


def test_an_appeal_has_a_deadline_and_ends_in_a_decision(calculated: AppraisalCycle, company: Any) -> None:
    lei = of(calculated, company.wanglei)
    with pytest.raises(ValidationError):
        did(company, "wanglei", lei, "appeal", text="SO-9 is missing")
    cycles.finish(calculated)
    did(company, "wanglei", lei, "appeal", text="SO-9 is missing")
    with pytest.raises(ValidationError, match="Decide the appeal of 王磊 first"):
        cycles.lock(calculated)
    with pytest.raises(PermissionDenied):
        did(company, "liqiang", lei, "accept", grade="B", reason="It is")
    did(company, "helin", lei, "reject", reason="SO-9 is of April")
    assert (lei.appeal, lei.grade, lei.decision, lei.decided_by) == ("rejected", "C", "SO-9 is of April", company.helin)
    cycles.lock(calculated)
    lin = of(calculated, company.linjing)
    AppraisalCycle.objects.filter(pk=calculated.pk).update(calibrated_at=timezone.now() - timedelta(days=8))
    with pytest.raises(ValidationError):
        did(company, "linjing", lin, "appeal", text="Too late")
    with pytest.raises(ValidationError, match="The time to appeal ended on"):
        deciding.file(of(calculated, company.linjing), company.viewer("linjing"), "Too late")


def test_what_an_appeal_changes_after_the_lock_is_a_line_in_the_open_month(company: Any) -> None:
    """March was paid with the C of 王磊: 5,000 x 0.5. A B by appeal: April brings what lacks."""
    cycle = through("2026-Q1")
    lei = of(cycle, company.wanglei)
    assert paid(company.wanglei, "2026-03") == 2_500
    march = closing.known_period("2026-03")
    closing.bring_to(march, PayrollPeriod.State.LOCKED)
    did(company, "wanglei", lei, "appeal", text="SO-9 is missing")
    did(company, "sunzong", lei, "accept", grade="B", reason="It is")
    assert (lei.given_grade, lei.grade, lei.factor) == ("C", "B", Decimal("1"))
    assert PayStatement.objects.get(period=march, person=company.wanglei).payable_units == 25_000_000
    assert paid(company.wanglei, "2026-04") == 2_500
    assert str(closing.reproduce(march)).endswith("all equal")


# What stands


def test_the_steps_keep_their_order_and_a_locked_cycle_stands(calculated: AppraisalCycle, company: Any) -> None:
    with pytest.raises(ValidationError, match="not possible now"):
        cycles.lock(calculated)
    cycles.finish(calculated)
    did(company, "helin", calculated, "send_back", reason="One more look")
    assert (calculated.state, calculated.reason) == (State.CALCULATED, "One more look")
    later = cycles.cycle_for("2026-Q2")
    cycles.bring_to(later, State.CALIBRATED)
    with pytest.raises(ValidationError, match="Lock 2026-Q1 first"):
        cycles.lock(later)
    cycles.finish(calculated)
    cycles.lock(calculated)
    for step in (cycles.ask, cycles.calculate, cycles.finish, cycles.lock):
        with pytest.raises(ValidationError, match="not possible now"):
            step(calculated)
    with pytest.raises(ValidationError):
        cycles.send_back(calculated, "Too late")
    with pytest.raises(ValidationError):
        calculated.delete()
    with pytest.raises(ValidationError):
        of(calculated, company.linjing).delete()


def test_a_period_that_lasts_is_not_locked(company: Any) -> None:
    label = f"{timezone.localdate().year + 1}-Q1"
    cycle = cycles.cycle_for(label)
    cycles.bring_to(cycle, State.CALIBRATED)
    with pytest.raises(ValidationError, match="has not ended yet"):
        cycles.lock(cycle)


def test_a_large_group_rates_in_a_circle() -> None:
    from xiaoguan.appraisal.raters import Raters

    group = list(range(1, 13))
    asked = {one: Raters(date(2026, 1, 1))._some(one, [p for p in group if p != one], 5) for one in group}
    given = [rater for raters in asked.values() for rater in raters]
    assert {given.count(one) for one in group} == {5}, "everybody gives as many as they get"
    assert asked[11] == [12, 1, 2, 3, 4]


def test_the_cycles_of_today_open_by_themselves_once(company: Any) -> None:
    today = timezone.localdate()
    [made] = cycles.open_now(today)
    assert made.starts_on <= today < made.ends_on and made.state == State.OPEN
    assert cycles.open_now(today) == []
    with pytest.raises(ValidationError, match="already"):
        cycles.opened(made.label)
    with pytest.raises(ValidationError, match="appraises anybody"):
        cycles.opened("2026-03")


def test_the_command_line_appraises_a_quarter(company: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from xiaoguan.project.cli import main as command

    command(["appraise", "2026-Q1", "--to", "locked", "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["asked"], told["given"], len(told["people"])) == ("locked", 5, 0, 3)
    assert {one["name"]: one["grade"] for one in told["people"]} == {"林静": "A", "周航": "", "王磊": "C"}
    with pytest.raises(SystemExit):
        command(["appraise", "2026-Q1"], standalone_mode=False)
    assert "locked already" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command(["appraise", "2026-03"], standalone_mode=False)
    assert "appraises anybody" in capsys.readouterr().err


def test_a_year_is_made_of_its_locked_quarters_and_a_weak_one_leads_to_a_plan(company: Any) -> None:
    more = """
    improvement_plan: {when: "streak(grade == 'C', 2)", length: 3m, review: 15d, outcome: [close, extend, exit]}
  - {id: yearly, name: Year, period: year, combine: {quarterly: mean}, grades: {A: {from: 90}, C: {from: 0}},
     career: [{to: sales_manager, when: "score >= 90 and tenure >= 12m"}]}
"""
    text = POLICY.replace("    interview: {due: 10wd, record: required}\n", more.lstrip("\n"))
    text = text.replace("version: 1.0.0", "version: 1.1.0").replace("from: 2025-01-01", "from: 2025-06-01")
    adopt(text.replace("roles: [sales_rep]", "roles: [sales_rep, sales_manager]"))
    quota = {"goal": "quota", "currency": "CNY", "value": Decimal(100_000)}
    for person in (company.linjing, company.wanglei):
        GoalTarget(person=person, starts_on=date(2025, 10, 1), ends_on=date(2026, 1, 1), **quota).save()
    order(company.wanglei, "40000", date(2025, 12, 1))
    order(company.linjing, "120000", date(2025, 12, 1))
    for label in ("2025-Q3", "2025-Q4", "2026-Q1"):
        through(label)
    lei = of(cycles.cycle_for("2026-Q1"), company.wanglei)
    assert (lei.score, lei.outcomes) == (Decimal("50.00"), ["improvement_plan"]), "a C for the second time"
    assert of(cycles.cycle_for("2025-Q4"), company.wanglei).outcomes == []
    year = through("2026", State.CALCULATED)
    lin = of(year, company.linjing)
    assert (lin.score, lin.grade, lin.outcomes) == (Decimal("100.00"), "A", ["career:sales_manager"])
    closing.bring_to(closing.pay_period("2026-03"), PayrollPeriod.State.LOCKED)
    cycles.calculate(year)
    assert of(year, company.linjing).score == Decimal("100.00"), "what a month was paid with is no question here"

"""What 示范公司 has closed: the months before the last are paid, the last is calculated, the present one is open; and
somebody does not agree."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import Period
from xiaoguan.desk.jobs import Job
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import Notification
from xiaoguan.incentive import disputes
from xiaoguan.incentive.models import Dispute
from xiaoguan.people.chart import viewer_of_person
from xiaoguan.project.simulation import Deed, Simulation
from xiaoguan.rulebook import closing
from xiaoguan.rulebook.models import PayrollPeriod, PayStatement, Run

State = PayrollPeriod.State
MISSING = 1_860 * SCALE
COMPLAINT = "月底与海外团队一起签下的续约单没有计入我的业绩，客户是我跟进的，请核对分成。"


def close(company: Simulation, policy_key: str, period: Period, last: bool) -> None:
    """Calculate a month on the fifth working day after it, as operations does; finance pays all but the last."""
    made = closing.opened(policy_key, period.label)
    steps = _steps(company, period.end)
    run = closing.calculate(made).run
    Run.objects.filter(pk=run.pk).update(at=steps[0][1])
    if last:
        steps = steps[:1]
    else:
        closing.bring_to(made, State.APPROVED)
        closing.lock(made, at=steps[3][1])
        closing.bring_to(made, State.PAID, steps[4][1].date())
    values: dict[str, Any] = {"created_at": company.moment(period.start, 8), "updated_at": steps[-1][1], "version": 1}
    for deed, at, who in steps:
        name = {"calculate": "calculated", "review": "reviewed", "approve": "approved", "lock": "locked"}.get(deed)
        values |= {f"{name}_at": at, f"{name}_by": who} if name else {"paid_on": at.date(), "paid_by": who}
    PayrollPeriod.objects.filter(pk=made.pk).update(**values)
    at = steps[0][1] + timedelta(hours=7)
    confirmed = {} if last else {"state": PayStatement.State.CONFIRMED, "confirmed_at": at}
    made.statements.update(created_at=steps[0][1], updated_at=steps[-1][1], version=1, **confirmed)
    if not last:
        people = made.statements.select_related("person")
        company.deeds += [Deed(at, one, "confirm", one.person, "page") for one in people]
    _remember(company, made, period, steps)


def _steps(company: Simulation, end: date) -> list[tuple[str, datetime, Any]]:
    """What was done when and by whom: from the fifth working day after the period on."""
    wufang, zhaoyue = company.people["wufang"], company.people["zhaoyue"]
    day = company.days.since(end)
    for _ in range(4):
        day = company.days.since(day + timedelta(days=1))
    after = company.days.since(day + timedelta(days=1))
    paid = company.days.since(after + timedelta(days=1))
    return [
        ("calculate", company.moment(day, 10), wufang),
        ("review", company.moment(day, 15), wufang),
        ("approve", company.moment(after, 10), zhaoyue),
        ("lock", company.moment(after, 11), zhaoyue),
        ("pay", company.moment(paid, 14), zhaoyue),
    ]


def _remember(company: Simulation, made: PayrollPeriod, period: Period, steps: list[tuple[str, datetime, Any]]) -> None:
    """The deeds behind it, in place of those that were written just now."""
    company.deeds.append(Deed(company.moment(period.start, 8), made, "created", steps[0][2], "page"))
    company.deeds += [Deed(steps[0][1], one, "created", steps[0][2], "page") for one in made.statements.all()]
    company.deeds += [Deed(at, made, deed, who, "page") for deed, at, who in steps]
    _forget()


def _forget() -> None:
    Event.objects.filter(entity__in=("payrollperiod", "paystatement", "dispute")).delete()
    Notification.objects.filter(kind__in=("pay", "dispute")).delete()
    Job.objects.filter(kind="tell_statements").delete()


def open_and_disputed(company: Simulation, policy_key: str, present: Period, last: Period) -> None:
    """The present month is open, and yesterday 林静 said that she does not agree with the last one."""
    made = closing.opened(policy_key, present.label)
    at = company.moment(present.start, 8)
    PayrollPeriod.objects.filter(pk=made.pk).update(created_at=at, updated_at=at)
    company.deeds.append(Deed(at, made, "created", company.people["wufang"], "page"))
    _forget()
    linjing = company.people["linjing"]
    statement = PayStatement.objects.filter(period__starts_on=last.start, person=linjing).first()
    line = next(iter(disputes.earnings_of(statement)), None) if statement else None
    if statement is None or line is None:
        return
    expected = (line.value or 0) + MISSING
    dispute = disputes.file(statement, viewer_of_person(linjing, company.today), COMPLAINT, line, expected)
    day = company.days.before(company.today)
    at = company.moment(day, 16)
    Dispute.objects.filter(pk=dispute.pk).update(filed_on=day, created_at=at, updated_at=at)
    PayStatement.objects.filter(pk=statement.pk).update(version=1, updated_at=at)
    company.deeds += [Deed(at, dispute, "created", linjing, "page"), Deed(at, statement, "dispute", linjing, "page")]
    Event.objects.filter(entity__in=("paystatement", "dispute")).delete()
    Notification.objects.filter(kind="dispute").update(created_at=at, actor_id=linjing.pk, values=_said(dispute))


def _said(dispute: Dispute) -> dict[str, str]:
    return {"title": dispute.subject, "actor": dispute.person.name}

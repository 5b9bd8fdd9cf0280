"""What 示范公司 has appraised: the quarters that are over are locked, the present one is being rated."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse

from xiaoguan.appraisal import cycles, deciding
from xiaoguan.appraisal.models import AppraisalCycle, AppraisalRecord, Rating
from xiaoguan.base.periods import Period
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import Notification
from xiaoguan.people.chart import viewer_of_person
from xiaoguan.policy import Policy
from xiaoguan.project.simulation import Deed, Simulation
from xiaoguan.project.simulation.chance import Chance

State = AppraisalCycle.State
LOCKED = 2
"""So many quarters that are over were appraised, at most."""
SAID = (
    "主动分享客户信息，配合交付很及时。",
    "遇到跨区客户愿意一起谈，值得学习。",
    "报表偶尔晚交，希望更及时。",
    "帮助新同事熟悉产品，很有耐心。",
    "内部沟通可以再主动一些。",
    "交接清楚，客户资料完整。",
    "有问题随时能找到人，回复很快。",
    "方案评审时提的意见很实在。",
)
WHY = "本季度有一笔大单为团队共同完成，调整为与同级一致。"
TALK = "肯定本季度签约与回款；下季度重点补足新客户，每周至少两次有效拜访，月中复盘一次。"
APPEAL = "季末一笔订单因盖章延迟记入下季度，请复核业绩得分。"
ANSWER = "订单签订日期在下季度，按制度计入下季度，本季度得分不变。"


def appraise(company: Simulation, policy: Policy) -> None:
    """Every quarter since the system came that is over by enough days, up to LOCKED of them, and the one after."""
    for appraisal in policy.appraisal:
        period = policy.calendar.period(appraisal.period, company.today)
        over = _over(company, policy, period)
        for one in over:
            _locked(company, policy, appraisal.id, one)
        last = over[-1] if over else None
        if last is not None:
            _decided(company, policy, appraisal.id, last)
            period = policy.calendar.period(appraisal.period, last.end)
        _being_rated(company, policy, appraisal.id, period)
        Event.objects.filter(entity__in=("appraisalcycle", "appraisalrecord", "rating")).delete()


def _over(company: Simulation, policy: Policy, present: Period) -> list[Period]:
    """The quarters that were locked before today, the earlier first."""
    found, one = [], policy.calendar.previous(present)
    while one.start >= company.go_live and len(found) < LOCKED:
        if _days(company, one.end)[-1] < company.today:
            found.append(one)
        one = policy.calendar.previous(one)
    return found[::-1]


def _days(company: Simulation, end: date) -> tuple[date, ...]:
    """When ratings were asked for, when it was calculated, calibrated and locked: working days after the quarter."""
    return tuple(company.days.since(end + timedelta(days=after)) for after in (2, 13, 16, 23))


def _opened(company: Simulation, policy: Policy, appraisal: str, period: Period) -> AppraisalCycle:
    cycle = cycles.opened(period.label, policy.id, appraisal)
    company.deeds.append(Deed(company.moment(period.start, 8), cycle, "created", company.people["helin"], "page"))
    return cycle


def _locked(company: Simulation, policy: Policy, appraisal: str, period: Period) -> None:
    helin, zhaoyue = company.people["helin"], company.people["zhaoyue"]
    cycle = _opened(company, policy, appraisal, period)
    asked, calculated, calibrated, locked = _days(company, period.end)
    cycles.ask(cycle, calculated - timedelta(days=1), tell=False)
    _rate(company, cycle, share=0.94, end=calculated)
    cycles.calculate(cycle)
    if period.end >= company.today - timedelta(days=150):
        _calibrated(company, cycle, company.moment(calibrated, 9))
    cycles.finish(cycle, tell=False)
    cycles.lock(cycle, at=company.moment(locked, 11))
    steps = [
        ("ask", company.moment(asked, 9), helin),
        ("calculate", company.moment(calculated, 10), helin),
        ("finish", company.moment(calibrated, 15), helin),
        ("lock", company.moment(locked, 11), zhaoyue),
    ]
    names = {"ask": "asked", "calculate": "calculated", "finish": "calibrated", "lock": "locked"}
    values: dict[str, Any] = {"created_at": company.moment(period.start, 8), "updated_at": steps[-1][1], "version": 1}
    for deed, at, who in steps:
        values |= {f"{names[deed]}_at": at, f"{names[deed]}_by": who}
    AppraisalCycle.objects.filter(pk=cycle.pk).update(**values)
    cycle.records.update(created_at=steps[1][1], updated_at=steps[1][1], version=1)
    company.deeds += [Deed(at, cycle, deed, who, "page") for deed, at, who in steps]
    _asked(company, cycle, steps[0][1])
    company.deeds += [Deed(steps[1][1], one, "created", helin, "page") for one in cycle.records.all()]


def _asked(company: Simulation, cycle: AppraisalCycle, at: datetime) -> None:
    """The ratings came about when they were asked for."""
    cycle.ratings.update(created_at=at, version=1)
    company.deeds += [Deed(at, one, "created", company.people["helin"], "page") for one in cycle.ratings.all()]


def _rate(company: Simulation, cycle: AppraisalCycle, share: float, end: date) -> None:
    """That share of what was asked is given, the better sellers a little better; the same ratings on every day."""
    strength = {seller.person.pk: seller.player.strength for seller in company.sellers}
    rows, at = list(cycle.ratings.order_by("id")), company.moment(end - timedelta(days=3), 16)
    for one in rows:
        draw = Chance(f"{cycle.label} {one.person_id} {one.rater_id} {one.item}")
        if draw.random() >= share:
            continue
        low = 3 if draw.random() * strength.get(one.person_id, 1.0) < 0.18 else 4
        one.score = Decimal(min(low + (draw.random() * strength.get(one.person_id, 1.0) > 0.42), 5))
        one.comment = SAID[one.rater_id % len(SAID)] if draw.random() < 0.3 else ""
        one.state, one.updated_at = Rating.State.GIVEN, at
    Rating.objects.bulk_update(rows, ("score", "comment", "state", "updated_at"), batch_size=500)


def _being_rated(company: Simulation, policy: Policy, appraisal: str, period: Period) -> None:
    """Raters were asked ten days ago at the most, and about half of what was asked is given; 林静 has not begun."""
    cycle = _opened(company, policy, appraisal, period)
    day = company.days.before(max(period.start + timedelta(days=1), company.today - timedelta(days=8)))
    at, helin = company.moment(day, 9), company.people["helin"]
    cycles.ask(cycle, max(company.today + timedelta(days=6), day + timedelta(days=cycles.DAYS)), tell=False)
    _rate(company, cycle, share=0.5, end=company.today)
    fresh = {"state": Rating.State.ASKED, "score": None, "comment": ""}
    cycle.ratings.filter(rater__in=(company.people["linjing"], company.people["chenmin"])).update(**fresh)
    opened = {"created_at": company.moment(period.start, 8), "updated_at": at, "version": 1}
    AppraisalCycle.objects.filter(pk=cycle.pk).update(asked_at=at, asked_by=helin, **opened)
    company.deeds.append(Deed(at, cycle, "ask", helin, "page"))
    _asked(company, cycle, at)
    people = cycle.ratings.filter(state=Rating.State.ASKED).order_by().values_list("rater_id", flat=True).distinct()
    text = "Your ratings are asked for: %(title)s"
    Notification.objects.bulk_create(
        Notification(
            person_id=pk, kind="appraisal", text=text, values={"title": str(cycle)}, url=reverse("ratings_to_give"),
            actor_id=helin.pk, created_at=at,
        )
        for pk in sorted(people)
    )  # fmt: skip


def _calibrated(company: Simulation, cycle: AppraisalCycle, at: datetime) -> None:
    """孙总 raised the best of those with a C."""
    grades = {"B": "A", "C": "B"}
    rows = cycle.records.filter(given_grade__in=grades).order_by("-score", "person_id")
    record = next((one for one in rows if one.given_grade == "C"), rows.first())
    if record is None:
        return
    sunzong = company.people["sunzong"]
    deciding.calibrate(record, viewer_of_person(sunzong, company.today), grades[record.given_grade], WHY)
    AppraisalRecord.objects.filter(pk=record.pk).update(calibrated_at=at)
    company.deeds.append(Deed(at, record, "calibrate", sunzong, "page"))


def _decided(company: Simulation, policy: Policy, appraisal: str, period: Period) -> None:
    """In the last quarter 陈敏 talked with her people, and one appeal was rejected."""
    chenmin, helin = company.people["chenmin"], company.people["helin"]
    records = AppraisalRecord.objects.filter(cycle__appraisal=appraisal, cycle__starts_on=period.start)
    day = company.days.since(_days(company, period.end)[2] + timedelta(days=1))
    at = company.moment(day, 15)
    for one in records.filter(manager=chenmin).order_by("person_id"):
        values = {"interview_on": day, "interview_by": chenmin, "interview": TALK, "agreed_at": at, "updated_at": at}
        AppraisalRecord.objects.filter(pk=one.pk).update(**values)
        company.deeds.append(Deed(at, one, "interview", chenmin, "page"))
    low = records.exclude(manager=chenmin).exclude(score=None).order_by("score", "person_id").first()
    if low is None:
        return
    decided = company.moment(company.days.since(day + timedelta(days=1)), 10)
    values = {"appeal": AppraisalRecord.Appeal.REJECTED, "appeal_text": APPEAL, "appealed_at": at, "decision": ANSWER}
    values |= {"decided_at": decided, "decided_by": helin, "updated_at": decided}
    AppraisalRecord.objects.filter(pk=low.pk).update(**values)
    company.deeds += [Deed(at, low, "appeal", low.person, "page"), Deed(decided, low, "reject", helin, "page")]

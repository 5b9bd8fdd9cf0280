"""The policy's warnings: raised once, told to whom they name, escalated, settled; seen by whom they concern."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import pytest
from django.utils import timezone
from python_calamine import CalamineWorkbook

from xiaoguan.customers.models import Customer
from xiaoguan.desk.jobs import Job, Running
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import Notification
from xiaoguan.insight.models import Warning
from xiaoguan.insight.warnings import ask_warnings
from xiaoguan.people.models import Person
from xiaoguan.policy import load_text
from xiaoguan.rulebook.versions import adopt, document_of
from xiaoguan.rulebook.workshop import trying
from xiaoguan.rulebook.workshop.models import PolicyBacktest
from xiaoguan.sales.models import Opportunity, Order, StageSpell

POLICY = """
policy:
  {schema: sales-policy/1, id: shop, name: 销售制度, version: 1.0.0, effective: {from: 2026-01-01}, currency: CNY,
    timezone: Asia/Shanghai, scope: {roles: [sales_rep]}}
metrics:
  bookings: {name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
warnings:
"""
POOR = (
    '  - {id: poor, name: 业绩不足, when: "bookings < 100", notify: [owner, manager], mute: 20d, escalate: ESCALATE}\n'
)
POOR = POOR.replace("ESCALATE", "{after: 3d, to: general_manager}")
IDLE = '  - {id: idle, name: 久未联系, when: "days_since_follow_up > 10", severity: info, notify: [owner]}\n'
ALL = '  - {id: all, name: 公司过低, when: "total(bookings, of=company) < 1", severity: critical, notify: [finance]}\n'


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The job of the night to this day; the open warnings then, as "rule subject"."""

    def run(day: str) -> list[str]:
        on = date.fromisoformat(day)
        moment = timezone.make_aware(datetime(on.year, on.month, on.day, 1, 10))
        monkeypatch.setattr(timezone, "now", lambda: moment)
        ask_warnings(
            Running(Job.objects.create(kind="ask_warnings", title="x", batch="b", worker="w", state="running"), "w")
        )
        return sorted(f"{one.rule} {one.about}" for one in Warning.objects.filter(cleared_on=None))

    return run


def order(owner: Any, day: str, amount: int) -> None:
    customer = Customer.objects.create(name=f"{owner}{day}", owner=owner)
    money = {"currency": "CNY", "net_amount_units": amount * 10_000, "total_amount_units": amount * 10_000}
    Order(number=f"{owner}{day}", customer=customer, owner=owner, ordered_on=day, status="signed", **money).save()


def told(kind: str = "warning") -> list[int]:
    return list(Notification.objects.filter(kind=kind).order_by("id").values_list("person_id", flat=True))


def test_a_warning_is_raised_told_escalated_and_settled_once_each(cast: Any, night: Any) -> None:
    adopt(POLICY + POOR)
    order(cast.zhouhang, "2026-03-02", 500)
    order(cast.wanglei, "2026-03-02", 500)
    assert night("2026-03-10") == night("2026-03-10") == ["poor 林静"]
    one = Warning.objects.get()
    assert (one.owner, one.value, one.bound, one.severity) == (cast.linjing, "¥0.00", "< 100", "warn")
    assert told() == [cast.linjing.pk, cast.chenmin.pk]
    assert night("2026-03-13") == night("2026-03-14") == ["poor 林静"]
    assert told()[2:] == [cast.sunzong.pk] and Warning.objects.get().escalated_on == date(2026, 3, 13)
    order(cast.linjing, "2026-03-14", 200)
    assert night("2026-03-15") == [] and Warning.objects.get().cleared_on == date(2026, 3, 15)
    last = Event.objects.filter(entity="warning").order_by("-id").first()
    assert last is not None and last.changes == {"cleared_on": [None, "2026-03-15"]}
    Order.objects.filter(owner=cast.linjing).delete()
    assert night("2026-03-20") == ["poor 林静"] and len(told()) == 3, "told lately: it is muted"
    adopt(POLICY.replace("1.0.0", "2.0.0").replace("2026-01-01", "2026-03-22") + IDLE)
    assert night("2026-03-23") == [], "a rule that is gone warns no more"


def test_who_sees_a_warning(cast: Any, night: Any, client_of: Any) -> None:
    adopt(POLICY + POOR + ALL)
    order(cast.linjing, "2026-02-01", 1)
    assert night("2026-03-10") == ["all Company", "poor 周航", "poor 林静", "poor 王磊"]
    seen = {
        name: sorted(one["about"] for one in client_of(name).get("/api/warnings").json()["items"])
        for name in ("linjing", "chenmin", "sunzong", "zhaoyue", "helin")
    }
    assert seen["linjing"] == ["林静"] and seen["chenmin"] == ["周航", "林静"] and len(seen["sunzong"]) == 4
    assert seen["zhaoyue"] == ["Company"], "finance is told by the policy" and seen["helin"] == []
    mine = Warning.objects.get(about="林静")
    page = client_of("linjing").get(f"/warnings/{mine.pk}").content.decode()
    assert "签约额" in page and "&lt; 100" in page and "陈敏" in page
    assert client_of("wanglei").get(f"/warnings/{mine.pk}").status_code == 404
    why = client_of("linjing").get(f"/api/warnings/{mine.pk}/why").json()
    assert (why["decided"][0]["value"], why["decided"][0]["note"], len(why["told"])) == ("0.00", "< 100", 2)
    assert client_of("wanglei").get(f"/api/warnings/{mine.pk}/why").status_code == 404
    assert "业绩不足" in client_of("linjing").get("/").content.decode()


def test_many_customers_of_one_owner_are_one_notice(cast: Any, night: Any) -> None:
    adopt(POLICY + IDLE)
    for number in range(3):
        made = Customer(name=f"客户{number}", owner=cast.linjing)
        made.created_at = timezone.make_aware(datetime(2026, 3, 1, 9))
        made.save()
    assert night("2026-03-11") == [] and len(night("2026-03-12")) == 3
    note = Notification.objects.get(kind="warning")
    assert note.person_id == cast.linjing.pk and note.values["n"] == 3 and "name:is:" in note.url
    assert Warning.objects.filter(customer__isnull=False, owner=cast.linjing, value="11", bound="> 10").count() == 3


def test_a_draft_is_tried_with_the_warnings_it_would_have_given(cast: Any) -> None:
    before = adopt(POLICY + POOR)[0]
    after = load_text((POLICY + POOR).replace("< 100", "< 600"))[0]
    assert after is not None
    order(cast.linjing, "2026-01-05", 500)
    periods = trying.between(after, "2026-01", "2026-02")
    row = PolicyBacktest(text=after.text, result=trying.plain(trying.tried(document_of(before), after, periods)))
    (poor,) = trying.Shown(row.result).warnings()
    assert poor.times == (5, 6)
    assert ["林静", "2026-01", "", "500.00 < 600", "林静"] in poor.rows() and ("林静", 1, 2) in poor.by_person()
    hidden = trying.Shown(row.result | {"warnings": {"x": _found(row)}}, cast.viewer("linjing")).warnings()[0].rows()
    assert [one[0] for one in hidden] == ["林静2026-01-05", "•••"], "a customer of somebody else has no name"
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(trying.workbook(row)))
    assert ["业绩不足", "林静", "2026-01", "", "500.00 < 600", "林静"] in sheets.get_sheet_by_index(3).to_python()


def _found(row: PolicyBacktest) -> dict[str, Any]:
    """A rule about two customers, the second one of the other team."""
    mine = Customer.objects.get(name__startswith="林静")
    other = Customer.objects.create(name="别人的客户", owner=Person.objects.get(name="王磊"))
    found = [
        ["after", f"customer:{one.pk}", one.name, "2026-01", "1", "> 0", str(one.owner_id)] for one in (mine, other)
    ]
    return {"name": "x", "severity": "info", "before": None, "after": 2, "unknown": "", "found": found}


STUCK = """process:
  {id: s, stages: [{id: talk, name: 洽谈, limit: 10d}, {id: quote, name: 报价}, {id: won, name: 赢单, closes: won}]}
"""


def test_a_draft_is_tried_on_the_stages_of_past_days(cast: Any) -> None:
    rule = '  - {id: stuck, name: 停滞, when: "stage_days > LIMIT"}\n'
    text = POLICY.replace("warnings:", STUCK + "warnings:")
    before = adopt(text + rule.replace("LIMIT", "20"))[0]
    after = load_text(text + rule.replace("LIMIT", "stage_limit"))[0]
    assert after is not None
    money = {"currency": "CNY", "amount_units": 1, "closes_on": "2026-12-01", "opened_on": "2026-01-05"}
    for owner, left in ((cast.linjing, "2026-02-10"), (cast.wanglei, None)):
        customer = Customer.objects.create(name=f"{owner}客", owner=owner, registered_on="2026-01-01")
        deal = Opportunity(title=f"{owner}单", customer=customer, owner=owner, stage="talk", **money)
        deal.save()
        StageSpell.objects.filter(opportunity=deal).update(entered_at=_at("2026-01-15"), left_at=left and _at(left))
    periods = trying.between(after, "2026-01", "2026-02")
    row = PolicyBacktest(text=after.text, result=trying.plain(trying.tried(document_of(before), after, periods)))
    (stuck,) = trying.Shown(row.result, cast.viewer("linjing")).warnings()
    assert stuck.times == (1, 3), "at the end of January both are there for 17 days, at that of February one for 45"
    assert [one[0] for one in stuck.rows()] == ["林静单", "•••", "•••"], "a deal of somebody else has no name"


def _at(day: str) -> datetime:
    return timezone.make_aware(datetime.fromisoformat(f"{day} 09:00"))

"""Honours: given once after the period, told to whoever is honoured; the number behind one is not for everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from xiaoguan.customers.models import Customer
from xiaoguan.desk.jobs import Job, Running
from xiaoguan.desk.notify import Notification
from xiaoguan.insight.honours import honour
from xiaoguan.insight.models import Honour
from xiaoguan.rulebook.versions import adopt
from xiaoguan.sales.models import Order

POLICY = """
policy:
  {schema: sales-policy/1, id: shop, name: 销售制度, version: 1.0.0, effective: {from: 2026-01-01}, currency: CNY,
    timezone: Asia/Shanghai, scope: {roles: [sales_rep]}}
metrics:
  bookings: {name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
recognition:
  - {id: best, name: 月度之星, rank_by: bookings, period: month, top: 2, require: "bookings > 0"}
"""


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(day: str) -> list[tuple[str, int, str]]:
        moment = timezone.make_aware(datetime.fromisoformat(f"{day} 01:30"))
        monkeypatch.setattr(timezone, "now", lambda: moment)
        honour(Running(Job.objects.create(kind="x", title="x", batch="b", worker="w", state="running"), "w"))
        return list(Honour.objects.order_by("id").values_list("person__name", "rank", "label"))

    return run


def test_the_best_of_a_month_are_honoured_once(cast: Any, night: Any, client_of: Any) -> None:
    adopt(POLICY)
    for owner, amount in ((cast.linjing, 300), (cast.wanglei, 777), (cast.zhouhang, 100)):
        money = {"currency": "CNY", "net_amount_units": amount * 10_000, "total_amount_units": amount * 10_000}
        customer = Customer.objects.create(name=str(owner), owner=owner)
        Order(
            number=str(owner), customer=customer, owner=owner, ordered_on="2026-02-10", status="signed", **money
        ).save()
    assert night("2026-02-20") == [], "nobody sold anything in January"
    assert night("2026-03-01") == night("2026-03-02") == [("王磊", 1, "2026-02"), ("林静", 2, "2026-02")]
    told = Notification.objects.filter(kind="honour").order_by("id").values_list("person_id", flat=True)
    assert list(told) == [cast.wanglei.pk, cast.linjing.pk]
    page = f"/honours/{Honour.objects.get(rank=1).pk}"
    seen = {name: client_of(name).get(page).content.decode() for name in ("wanglei", "linjing", "zhaoyue")}
    assert all("月度之星" in text for text in seen.values())
    assert ["777" in seen[name] for name in ("wanglei", "zhaoyue", "linjing")] == [True, True, False]
    assert "月度之星" in client_of("zhouhang").get("/").content.decode()
    assert "777.00" not in client_of("linjing").get("/api/honours").content.decode()
    answers = {name: client_of(name).get(f"/api{page}/why") for name in ("wanglei", "linjing")}
    assert answers["wanglei"].json()["decided"][0]["value"] == "777.00" and answers["linjing"].status_code == 404

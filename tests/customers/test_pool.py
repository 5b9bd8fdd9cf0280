"""The public pool: claims within the policy's limits, and approvals of leaving it where the company wants them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from xiaoguan.customers.models import Customer, Lead
from xiaoguan.customers.pool import until
from xiaoguan.desk.approvals import requests
from xiaoguan.desk.approvals.models import ApprovalFlow, ApprovalRequest
from xiaoguan.desk.models import Event
from xiaoguan.people.models import TrainingResult
from xiaoguan.policy.formula import Duration
from xiaoguan.rulebook.versions import adopt

POLICY = """
policy:
  {schema: sales-policy/1, id: shop, name: 销售制度, version: 1.0.0, effective: {from: 2026-01-01}, currency: CNY,
    timezone: Asia/Shanghai}
pool: {claim: {per_day: 3, holding_limit: 4, cool_down: 30d}}
"""


def free(name: str) -> Customer:
    made = Customer(name=name)
    made.save()
    return made


@pytest.fixture
def claim(cast: Any, client_of: Any) -> Any:
    """Claims in English, as 王磊 unless said: what is said against it, "" if nothing is."""
    adopt(POLICY)

    def ask(customer: Customer, verb: str = "claim", who: str = "wanglei", **data: Any) -> str:
        browser = client_of(who, headers={"accept-language": "en"})
        answer = browser.post(f"/api/customers/{customer.pk}/{verb}", data, content_type="application/json")
        return "" if answer.status_code == 200 else answer.json()["error"]

    return ask


def test_claims_are_counted_by_the_day_and_by_what_is_held(cast: Any, claim: Any) -> None:
    some = [free(f"客户{n}") for n in range(6)]
    assert [claim(one) for one in some[:3]] == ["", "", ""]
    assert claim(some[0], "release", reason="换人") == ""  # what went back the same day counts
    assert "You have claimed 3 customers today; 销售制度 1.0.0 allows 3 a day" in claim(some[3])
    assert claim(some[3], who="linjing") == ""
    cast.wanglei.claims.update(on=timezone.localdate() - timedelta(days=1))
    assert [claim(one) for one in some[4:]] == ["", ""]
    assert "You look after 4 customers; 销售制度 1.0.0 allows 4" in claim(free("再来一个"))


def test_the_former_owner_waits_and_others_need_not(cast: Any, claim: Any) -> None:
    customer = free("海天智能")
    assert claim(customer) == "" and claim(customer, "release", reason="没时间") == ""
    assert "This customer was yours until" in claim(customer)
    assert claim(customer, who="linjing") == "" and claim(customer, "release", who="linjing", reason="让出") == ""
    Event.objects.filter(record_id=customer.pk).update(at=timezone.now() - timedelta(days=30))
    assert claim(customer) == ""


def test_leads_are_for_whoever_has_passed_the_courses(cast: Any, client_of: Any) -> None:
    adopt(POLICY + "training: {onboarding: {days: 30, courses: [产品知识], pass: 80, until_passed: {leads: none}}}\n")
    leads = [Lead(name=f"张三{n}") for n in range(3)]
    for lead in leads:
        lead.save()

    def claimed(who: str, lead: Lead) -> int:
        return client_of(who).post(f"/api/leads/{lead.pk}/claim", {}, content_type="application/json").status_code

    assert claimed("wanglei", leads[0]) == 200, "no result is kept of anybody"
    TrainingResult(person=cast.linjing, course="产品知识", mark=80).save()
    TrainingResult(person=cast.wanglei, course="产品知识", mark=79).save()
    assert (claimed("wanglei", leads[1]), claimed("linjing", leads[2])) == (422, 200)


def test_a_wait_may_be_of_hours_and_of_working_days() -> None:
    friday = timezone.make_aware(timezone.datetime(2026, 11, 27, 18))
    assert until(friday, Duration(7, "h")).day == 28 and until(friday, Duration(1, "m")).month == 12


def test_leaving_the_pool_waits_where_the_company_says_so(cast: Any, claim: Any) -> None:
    ApprovalFlow.objects.create(kind="customer.claim", number=1, steps=[{"by": [["manager", 1]], "needs": "any"}])
    customer = free("海天智能")
    assert claim(customer) == "" and Customer.objects.get(pk=customer.pk).owner is None
    assert "under way already" in claim(customer, who="linjing")
    request = ApprovalRequest.objects.get()
    assert (request.by_id, requests.waited_for(request)) == (cast.wanglei.pk, [cast.liqiang.pk])
    requests.sign(request.pk, cast.viewer("liqiang"), "approve")
    assert Customer.objects.get(pk=customer.pk).owner == cast.wanglei
    assert claim(customer, "release", reason="让出") == ""  # coming back is another approval, which nobody asked for
    assert Customer.objects.get(pk=customer.pk).owner is None


def test_going_back_waits_with_its_reason_where_the_company_says_so(cast: Any, claim: Any) -> None:
    ApprovalFlow.objects.create(kind="customer.release", number=1, steps=[{"by": [["manager", 1]], "needs": "any"}])
    customer = free("海天智能")
    assert claim(customer) == "" and claim(customer, "release", reason="预算取消") == ""
    request = ApprovalRequest.objects.get()
    assert (request.note, Customer.objects.get(pk=customer.pk).owner) == ("预算取消", cast.wanglei)
    requests.sign(request.pk, cast.viewer("liqiang"), "approve")
    assert Customer.objects.get(pk=customer.pk).owner is None

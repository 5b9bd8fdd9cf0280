"""A contract binds when its terms are approved; who changes them afterwards asks again, who changes a note does not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from xiaoguan.base.money import Money
from xiaoguan.customers.models import Customer
from xiaoguan.desk import merging
from xiaoguan.desk.approvals import requests
from xiaoguan.desk.approvals.models import ApprovalRequest
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import acting
from xiaoguan.desk.jobs import Job, Running
from xiaoguan.sales.contracts import end_contracts
from xiaoguan.sales.models import Contract


@pytest.fixture
def contract(cast: Any) -> Contract:
    """林静's draft over 200,000 for a year."""
    customer = Customer(name="海天智能", owner=cast.linjing)
    customer.save()
    made = Contract(number="HT-1", title="年度采购合同", customer=customer, owner=cast.linjing, currency="CNY")
    made.amount, made.starts_on, made.ends_on = Money("200000", "CNY"), date(2026, 1, 1), date(2026, 12, 31)
    made.save()
    return made


def now(contract: Contract) -> Contract:
    return Contract.objects.get(pk=contract.pk)


def signed(cast: Any) -> None:
    """Everybody who is waited for signs."""
    request = ApprovalRequest.objects.get(state="open")
    while request.is_open:
        who = requests.waited_for(request)[0]
        request = requests.sign(
            request.pk, cast.viewer(next(n for n, p in cast.people.items() if p.pk == who)), "approve"
        )


def test_a_contract_waits_for_its_terms_and_asks_again_for_other_ones_only(
    cast: Any, client_of: Any, contract: Contract
) -> None:
    browser, where = client_of("linjing"), f"/api/contracts/{contract.pk}"

    def write(**values: Any) -> int:
        return browser.patch(
            where, {**values, "version": now(contract).version}, content_type="application/json"
        ).status_code

    def do(verb: str, **values: Any) -> int:
        return browser.post(f"{where}/{verb}", values, content_type="application/json").status_code

    assert write(status="active") == 422 and do("activate") == 422
    assert do("send_out", note="已谈妥") == 200 and now(contract).status == "draft"
    assert do("send_out") == 422, "it waits already"
    assert write(amount="1.00") == 422 and write(note="等签字") == 200, "its terms wait with it"
    signed(cast)
    assert now(contract).status == "signing" and do("activate", signed_on="2026-01-02") == 200
    assert (now(contract).status, now(contract).signed_on) == ("active", date(2026, 1, 2))
    assert write(title="年度框架合同") == 200 and write(ends_on="2027-06-30") == 422
    approval = {"kind": "contract.terms", "id": contract.pk, "changes": {"ends_on": "2027-06-30"}}
    assert browser.post("/api/approvals", approval, content_type="application/json").status_code == 201
    signed(cast)
    assert now(contract).ends_on == date(2027, 6, 30)
    assert do("terminate", reason="客户停产") == 200 and do("terminate", reason="再次") == 422


def test_a_day_that_is_not_sent_may_be_the_one_that_does_not_fit(client_of: Any, contract: Contract) -> None:
    where, sent = f"/api/contracts/{contract.pk}", {"starts_on": "2027-01-01", "version": contract.version}
    refused = client_of("linjing").patch(where, sent, content_type="application/json")
    assert refused.status_code == 422 and refused.json()["error"].startswith("结束日期：")


def test_what_was_approved_needs_no_second_signature(cast: Any, client_of: Any, contract: Contract) -> None:
    def do(verb: str) -> None:
        where = f"/api/contracts/{contract.pk}/{verb}"
        assert client_of("linjing").post(where, {}, content_type="application/json").status_code == 200

    do("send_out")
    signed(cast)
    do("take_back")
    do("send_out")
    assert now(contract).status == "signing"
    do("take_back")
    changed = now(contract)
    changed.amount = Money("200000.01", "CNY")
    changed.save()
    do("send_out")
    assert now(contract).status == "draft" and ApprovalRequest.objects.filter(state="open").count() == 1


def test_a_new_one_of_a_person_is_a_draft_and_what_a_plan_brings_is_history(cast: Any, client_of: Any) -> None:
    customer = Customer(name="海天智能", owner=cast.linjing)
    customer.save()
    sent = {
        "number": "HT-2",
        "title": "合同",
        "customer": customer.pk,
        "owner": cast.linjing.pk,
        "starts_on": "2026-01-01",
    }
    sent |= {"amount": "100.00", "currency": "CNY", "status": "active"}
    answer = client_of("linjing").post("/api/contracts", sent, content_type="application/json")
    assert answer.status_code == 422 and "status" in answer.json()["fields"]
    with acting(None, "import"):
        brought = Contract(number="HT-0", customer=customer, owner=cast.linjing, status="active", currency="CNY")
        brought.clean()


def test_merged_customers_keep_their_contracts_and_the_last_day_ends_one(cast: Any, contract: Contract) -> None:
    other = Customer(name="海天智能有限公司", owner=cast.linjing)
    other.save()
    merging.merge(desk_of(Customer), cast.viewer("sunzong"), [other.pk, contract.customer_id], other.pk)
    assert now(contract).customer == other
    mine = now(contract)
    mine.status, mine.ends_on = "active", timezone.localdate() - timedelta(days=1)
    mine.save()
    job = Job.objects.create(kind="end_contracts", title="x", batch="b", worker="w", state="running")
    end_contracts(Running(job, "w"))
    assert now(contract).status == "ended"

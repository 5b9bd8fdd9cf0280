"""What 示范公司 waits for: draft orders that give more away than their sellers may, and the terms of contracts."""

from __future__ import annotations

from xiaoguan.desk.approvals import guards
from xiaoguan.desk.approvals.models import ApprovalRequest
from xiaoguan.desk.approvals.requests import request_approval
from xiaoguan.desk.events import acting
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import Notification
from xiaoguan.people.chart import viewer_of_person
from xiaoguan.project.simulation import Simulation
from xiaoguan.sales import discounts
from xiaoguan.sales.models import Contract, Order

NOTE = "老客户追加采购，对方要求按去年框架价执行。"
TERMS, CONTRACTS = "条款已与客户谈妥，请审批后寄出签署。", 3


def ask(company: Simulation) -> None:
    """Each on the last evening, so that it is the newest of what happened."""
    last = Event.objects.order_by("-pk").first()
    drafts = Order.objects.filter(status=Order.Status.DRAFT, owner__account__is_active=True)
    for order in drafts.select_related("owner").order_by("ordered_on", "pk"):
        with acting(order.owner_id, "page"):
            try:
                changes = discounts.offers(order)
            except guards.Refused:
                continue
            if changes:
                viewer = viewer_of_person(order.owner, company.today)
                request_approval("discount", order, viewer, NOTE, changes)
    contracts = Contract.objects.filter(status=Contract.Status.DRAFT, owner__account__is_active=True)
    for contract in contracts.select_related("owner").order_by("pk")[:CONTRACTS]:
        with acting(contract.owner_id, "page"):
            viewer, changes = viewer_of_person(contract.owner, company.today), {"status": Contract.Status.SIGNING.value}
            request_approval("terms", contract, viewer, TERMS, changes)
    at = last.at if last is not None else company.moment(company.today)
    ApprovalRequest.objects.update(asked_at=at)
    Notification.objects.filter(kind="approval").update(created_at=at)
    Event.objects.filter(deed="approval_asked").update(at=at)

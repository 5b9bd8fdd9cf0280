"""What people see of statements and disputes: each their own, managers their people's, the offices all."""

from __future__ import annotations

from typing import Any

from django.utils.translation import pgettext

from xiaoguan.desk import Desk, manager, owner, register
from xiaoguan.incentive.deciding import NamedByPlan
from xiaoguan.incentive.models import Dispute
from xiaoguan.incentive.verbs import Accept, Answer, Confirm, FileDispute, Reject, Withdraw
from xiaoguan.rulebook.desks import pay_office
from xiaoguan.rulebook.models import PayStatement


@register
class PayStatementDesk(Desk):
    """Statements are made by the calculation; a person confirms or disputes their own."""

    model = PayStatement
    slug = "statements"
    icon = "report-money"
    place = "performance"
    columns = "label", "person", "period", "state", "total", "corrections", "payable", "exceptions", "confirmed_at"
    filters = "period", "person", "state"
    search = ("label",)
    order = "-id"
    figures = "payable", "total", "corrections", "exceptions"
    related = ("disputes",)
    read = owner("person") | manager("person") | pay_office
    verbs = Confirm, FileDispute


@register
class DisputeDesk(Desk):
    """A dispute is filed from the statement; finance and operations decide it."""

    model = Dispute
    slug = "disputes"
    icon = "scale"
    place = "performance"
    columns = "subject", "person", "state", "disputed", "expected", "granted", "filed_on", "decided_by", "decided_at"
    filters = "state", "person", "statement", "filed_on"
    search = "subject", "text"
    order = "-filed_on"
    figures = "disputed", "expected", "granted", "due_on"
    read = owner("person") | manager("person") | pay_office | NamedByPlan()
    verbs = Answer, Accept, Reject, Withdraw

    def stages(self, record: Dispute) -> list[dict[str, Any]]:
        end = pgettext("dispute", "decided") if record.is_pending else record.get_state_display()
        labels = [Dispute.State.OPEN.label, Dispute.State.ANSWERED.label, end]
        at = Dispute.PENDING.index(Dispute.State(record.state)) if record.is_pending else 2
        return [
            {"id": str(i), "label": label, "state": "current" if i == at else "done" if i < at else "todo"}
            for i, label in enumerate(labels)
        ]

"""What people see of results, of pay periods and of the ledger: each their own, managers their people's."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import Desk, manager, owner, register, role
from xiaoguan.desk.access import Rule, Viewer
from xiaoguan.desk.approvals import Approval, Step, holders
from xiaoguan.rulebook import closing
from xiaoguan.rulebook.models import LedgerEntry, PayrollPeriod, Result
from xiaoguan.rulebook.verbs import Approve, Calculate, Lock, Pay, Review, SendBack

pay_office = role("general_manager", "finance", "hr", "operations")


@register
class ResultDesk(Desk):
    model = Result
    icon = "calculator"
    place = "performance"
    columns = "label", "person", "team", "kind", "run.label"
    filters = "person", "kind", "run"
    order = "-id"
    read = owner("person") | manager("person") | pay_office


class WhileOpen(Rule):
    """As long as nothing was calculated."""

    def q(self, viewer: Viewer) -> Q:
        return Q(state=PayrollPeriod.State.OPEN)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return record.state == PayrollPeriod.State.OPEN

    def words(self) -> str:
        return str(_("while nothing is calculated"))


@register
class PayrollPeriodDesk(Desk):
    """Operations calculates and reviews, finance approves, locks and pays; nobody edits what was calculated."""

    model = PayrollPeriod
    slug = "pay-periods"
    icon = "calendar-dollar"
    place = "performance"
    columns = "label", "policy_key", "state", "total", "people", "exceptions", "calculated_by", "approved_by", "paid_on"
    form = ("label policy_key",)
    filters = "state", "policy_key", "starts_on"
    search = ("label",)
    order = "-starts_on"
    figures = "total", "people", "exceptions", "paid_on"
    related = "statements", "entries"
    match_on = "label", "policy_key"
    read = pay_office | role("administrator")
    write = role("operations", "administrator")
    delete = role("operations", "administrator") & WhileOpen()
    verbs = Review, Approve, Lock, Pay, Calculate, SendBack
    approvals = (
        Approval(
            "payout",
            _("payout of a period"),
            (Step(holders("finance")),),
            freezes=("run", "total"),
            when=lambda record, limit: record.state == PayrollPeriod.State.REVIEWED,
            after=closing.signed,
            ended=closing.ended,
        ),
    )

    def stages(self, record: PayrollPeriod) -> list[dict[str, Any]]:
        at = closing.ORDER.index(record.state)
        return [
            {"id": state, "label": state.label, "state": "current" if i == at else "done" if i < at else "todo"}
            for i, state in enumerate(closing.ORDER)
        ]


@register
class LedgerEntryDesk(Desk):
    """Entries are posted by the lock of a period and by decisions; nobody writes them here."""

    model = LedgerEntry
    slug = "ledger"
    icon = "book"
    place = "performance"
    columns = "name", "person", "kind", "amount", "about", "posted", "cause", "at"
    filters = "person", "kind", "period", "posted"
    order = "-id"
    read = owner("person") | manager("person") | pay_office

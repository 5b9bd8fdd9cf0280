"""合同: how a contract is approved, sent out, put into force and ended.

A contract is a draft until its terms are approved. What is approved are its customer, its amount and its days; a change
of one of these afterwards waits for an approval, everything else may be written at any time.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import Verb
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals import Approval, Step, guards, holders, line_manager
from xiaoguan.desk.approvals.requests import last_approved, request_approval
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import current_actor, plain
from xiaoguan.desk.jobs import Running, every
from xiaoguan.sales.models import Contract

TERMS = ("customer", "amount", "currency", "starts_on", "ends_on")
"""What is agreed in a contract."""


def _terms(record: Contract) -> dict[str, Any]:
    names = [Contract._meta.get_field(name).attname for name in TERMS]
    return {name: plain(getattr(record, name)) for name in names}


def _needed(record: Contract, limit: Any) -> bool:
    """Whether it comes to bind with terms, or binds already and comes to other terms, that nobody has approved."""
    if not record.binds:
        return False
    before = record.stored("status")
    bound = before in (Contract.Status.SIGNING, Contract.Status.ACTIVE)
    if bound and _terms(record).keys().isdisjoint(record.changes()):
        return False
    desk = desk_of(Contract)
    request = last_approved(desk, APPROVAL.name, record.pk) if desk is not None and record.pk else None
    if request is None:
        return True
    approved = {**request.snapshot, **{name: new for name, (_old, new) in request.changes.items()}}
    return any(approved.get(name) != value for name, value in _terms(record).items())


APPROVAL = Approval(
    "terms",
    gettext_lazy("terms of a contract"),
    (Step(line_manager(1)), Step(holders("finance"))),
    freezes=("status", *TERMS),
    when=_needed,
    waits=True,
)


def refuse_new(record: Contract) -> None:
    """Raise ValidationError for a new one of a person that binds already, where the company wants to approve it.

    Files that a plan brings are history and may be in any state.
    """
    if not record._state.adding or not record.binds or current_actor().person_id is None:
        return
    if guards.flow_of("contract", APPROVAL).active:
        raise ValidationError({"status": gettext("A new contract is a draft; its terms are approved on its page.")})


class SendOut(Verb):
    """提交签署: the terms are settled and it goes out to be signed; before that whoever must approves them."""

    label, icon, tone = _("Send for signature"), "signature", "primary"
    told = pgettext_lazy("history", "sent it for signature")
    means = _("The terms are settled and it goes out to be signed; whoever must approve is asked first.")
    fields = {"note": forms.CharField(label=_("Note for the approver"), required=False, max_length=400)}

    def allowed(self, record: Contract) -> bool:
        draft = record.status == Contract.Status.DRAFT
        return draft and (record.pk is None or guards.standing(record, APPROVAL.name) != "open")

    def do(self, record: Contract, by: Viewer, note: str = "", **values: Any) -> None:
        desk = desk_of(Contract)
        assert desk is not None
        record.status = Contract.Status.SIGNING
        if by.person_id is not None and guards.needs(desk, APPROVAL, record):
            record.status = Contract.Status.DRAFT
            changes = {"status": Contract.Status.SIGNING.value}
            request_approval(APPROVAL.name, record, by, note, changes, entitled=True)
        else:
            record.save()


class Activate(Verb):
    """生效: both sides have signed."""

    label, icon, tone = _("Put into force"), "file-check", "success"
    told = pgettext_lazy("history", "put it into force")
    means = _("Both sides have signed; it holds from that day.")
    fields = {"signed_on": forms.DateField(label=_("Signed"), initial=timezone.localdate)}

    def allowed(self, record: Contract) -> bool:
        return record.status == Contract.Status.SIGNING

    def initial(self, record: Contract) -> dict[str, Any]:
        return {"signed_on": timezone.localdate()}

    def do(self, record: Contract, by: Viewer, signed_on: date | None = None, **values: Any) -> None:
        record.status, record.signed_on = Contract.Status.ACTIVE, signed_on
        record.save()


class TakeBack(Verb):
    """退回草稿: it was not signed as it is; its terms may be written again."""

    label, icon = _("Back to draft"), "arrow-back-up"
    told = pgettext_lazy("history", "took it back to draft")
    means = _("It was not signed as it is; its terms may be written again.")

    def allowed(self, record: Contract) -> bool:
        return record.status == Contract.Status.SIGNING

    def do(self, record: Contract, by: Viewer, **values: Any) -> None:
        record.status = Contract.Status.DRAFT
        record.save()


class Terminate(Verb):
    """终止: it ends before its time, and why."""

    label, icon, tone = _("Terminate"), "circle-x", "danger"
    told = pgettext_lazy("history", "terminated it")
    means = _("It ends before its time.")
    fields = {"reason": forms.CharField(label=_("Reason"), max_length=200)}

    def allowed(self, record: Contract) -> bool:
        return record.status == Contract.Status.ACTIVE

    def do(self, record: Contract, by: Viewer, reason: str = "", **values: Any) -> None:
        record.status = Contract.Status.TERMINATED
        record.save()


@every("day", at="00:15", title=gettext_lazy("End contracts whose last day has passed"))
def end_contracts(running: Running) -> dict[str, Any]:
    """One that waits for an approval of other terms is left until that is decided."""
    over = Contract.objects.filter(status=Contract.Status.ACTIVE, ends_on__lt=timezone.localdate()).order_by("pk")
    ended = 0
    for record in over:
        with suppress(guards.Frozen), running.step():
            record.status = Contract.Status.ENDED
            record.save()
            ended += 1
    return {"summary": lambda: gettext("%(n)d contracts ended.") % {"n": ended}}

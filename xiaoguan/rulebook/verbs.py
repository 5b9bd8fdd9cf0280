"""What people do with a pay period."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import Verb, jobs, role
from xiaoguan.desk.access import Viewer
from xiaoguan.rulebook import closing
from xiaoguan.rulebook.models import PayrollPeriod

State = PayrollPeriod.State
office, finance = role("operations", "administrator"), role("finance")


class Calculate(Verb):
    """核算: reckon the period and set up everybody's statement, as a job."""

    label, icon, tone, final = _("Calculate"), "calculator", "primary", True
    told = pgettext_lazy("history", "calculated it")
    means = _("Figures and statements of everybody are worked out in the background.")
    who = office

    def allowed(self, record: PayrollPeriod) -> bool:
        return record.state in (State.OPEN, State.CALCULATED)

    def do(self, record: PayrollPeriod, by: Viewer, **values: Any) -> None:
        jobs.start(
            "calculate_pay",
            by,
            lambda: gettext("Calculation of %(period)s") % {"period": record.label},
            unit=lambda: gettext("people"),
            period=record.pk,
        )


class Review(Verb):
    """复核: the figures were looked through; finance is asked to approve them."""

    label, icon, tone, final = _("Review"), "eye-check", "primary", True
    told = pgettext_lazy("history", "reviewed it")
    means = _("The figures were looked through; finance is asked to approve them.")
    who = office

    def allowed(self, record: PayrollPeriod) -> bool:
        return record.state == State.CALCULATED

    def do(self, record: PayrollPeriod, by: Viewer, **values: Any) -> None:
        closing.review(record, by)


class SendBack(Verb):
    """退回: to be mended and calculated again."""

    label, icon, final = _("Send back"), "arrow-back-up", True
    told = pgettext_lazy("history", "sent it back")
    means = _("Goes back to be mended and calculated again.")
    who = office | finance
    fields = {"reason": forms.CharField(label=_("Reason"), max_length=400)}

    def allowed(self, record: PayrollPeriod) -> bool:
        return record.state in (State.REVIEWED, State.APPROVED)

    def do(self, record: PayrollPeriod, by: Viewer, reason: str, **values: Any) -> None:
        closing.send_back(record, reason, by)


class Approve(Verb):
    """批准: finance stands for the figures."""

    label, icon, tone, final = _("Approve"), "signature", "primary", True
    told = pgettext_lazy("history", "approved it")
    means = _("Finance stands for the figures.")
    who = finance

    def allowed(self, record: PayrollPeriod) -> bool:
        return record.state == State.REVIEWED

    def do(self, record: PayrollPeriod, by: Viewer, **values: Any) -> None:
        closing.approve(record, by)


class Lock(Verb):
    """锁定: the entries are posted; from now on the period stands."""

    label, icon, tone, final = _("Lock"), "lock", "primary", True
    told = pgettext_lazy("history", "locked it")
    means = _("The entries are posted; from now on the period stands.")
    sure = True
    who = finance

    def allowed(self, record: PayrollPeriod) -> bool:
        return record.state == State.APPROVED

    def do(self, record: PayrollPeriod, by: Viewer, **values: Any) -> None:
        closing.lock(record, by)


class Pay(Verb):
    """发放: it was handed to payroll."""

    label, icon, tone, final = _("Mark as paid"), "cash", "primary", True
    told = pgettext_lazy("history", "marked it as paid")
    means = _("It was handed to payroll.")
    who = finance
    fields = {"paid_on": forms.DateField(label=_("Paid on"), initial=timezone.localdate)}

    def allowed(self, record: PayrollPeriod) -> bool:
        return record.state == State.LOCKED

    def do(self, record: PayrollPeriod, by: Viewer, paid_on: date, **values: Any) -> None:
        closing.pay(record, paid_on, by)

"""What people do with their statements and with disputes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import Verb
from xiaoguan.desk.access import Viewer, in_person
from xiaoguan.desk.cells import money_text
from xiaoguan.desk.fields import MoneyFormField
from xiaoguan.incentive import disputes
from xiaoguan.incentive.deciding import deciders
from xiaoguan.incentive.models import Dispute
from xiaoguan.rulebook.lines import spoken
from xiaoguan.rulebook.models import PayrollPeriod, PayStatement

payee = in_person("person")


class Confirm(Verb):
    """确认: the person agrees with the statement."""

    label, icon, tone, final = _("Confirm"), "circle-check", "primary", True
    told = pgettext_lazy("history", "confirmed it")
    means = _("You agree with this statement.")
    who = payee

    def allowed(self, record: PayStatement) -> bool:
        return record.state == PayStatement.State.OPEN and record.period.state != PayrollPeriod.State.OPEN

    def do(self, record: PayStatement, by: Viewer, **values: Any) -> None:
        record.step(state=PayStatement.State.CONFIRMED, confirmed_at=timezone.now())


class FileDispute(Verb):
    """申诉: the person does not agree with a line, or with the whole."""

    name = "dispute"
    label, icon, final = _("I do not agree"), "scale", True
    told = pgettext_lazy("history", "did not agree")
    means = _("Whoever decides is told; the line stays as it is until then.")
    who = payee
    fields = {
        "line": forms.CharField(label=_("Line"), required=False, widget=forms.Select),
        "text": forms.CharField(label=_("What is not right?"), max_length=4000, widget=forms.Textarea),
        "expected": MoneyFormField(
            label=_("What should it be?"), required=False, help_text=_("The amount that you expect, if you know it.")
        ),
    }

    def allowed(self, record: PayStatement) -> bool:
        return record.run_id is not None and record.period.state != PayrollPeriod.State.OPEN

    def form(self, data: Any = None, record: Any = None, viewer: Viewer | None = None) -> forms.Form:
        form = super().form(data, record, viewer)
        if isinstance(record, PayStatement):
            form.fields["line"].widget.choices = [("", gettext("The whole statement")), *_lines(record)]
        return form

    def do(self, record: PayStatement, by: Viewer, line: str = "", text: str = "", **values: Any) -> None:
        result = next((r for r in disputes.earnings_of(record) if str(r.pk) == line), None)
        if line and result is None:
            raise ValidationError({"line": [gettext("This is no line of the statement.")]})
        disputes.file(record, by, text, result, values.get("expected"))


def _lines(statement: PayStatement) -> list[tuple[str, str]]:
    return [
        (str(r.pk), f"{spoken(r.label)} · {money_text(r.value, statement.currency)}")
        for r in disputes.earnings_of(statement)
    ]


class Answer(Verb):
    """答复: say how the line came about."""

    label, icon, final = _("Answer"), "message-reply", True
    told = pgettext_lazy("history", "answered")
    means = _("Say how the line came about.")
    who = deciders
    fields = {"text": forms.CharField(label=_("Answer"), max_length=4000, widget=forms.Textarea)}

    def allowed(self, record: Dispute) -> bool:
        return record.is_pending

    def do(self, record: Dispute, by: Viewer, text: str, **values: Any) -> None:
        disputes.answer(record, by, text)


class Accept(Verb):
    """接受: the person is right; what is owed goes into the open period."""

    label, icon, tone, final = _("Accept"), "check", "primary", True
    told = pgettext_lazy("history", "accepted it")
    means = _("The person is right: what is owed goes into the open period.")
    who = deciders
    fields = {
        "amount": MoneyFormField(
            label=_("Correction"),
            required=False,
            help_text=_("Added to the pay of the open period; below zero it is taken. Empty: no money follows."),
        ),
        "reason": forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea),
    }

    def allowed(self, record: Dispute) -> bool:
        return record.is_pending

    def initial(self, record: Any) -> dict[str, Any]:
        if not isinstance(record, Dispute) or record.expected_units is None:
            return {}
        return {"amount": record.expected_units - record.disputed_units}

    def do(self, record: Dispute, by: Viewer, reason: str, amount: int | None = None, **values: Any) -> None:
        disputes.accept(record, by, reason, amount)


class Reject(Verb):
    """驳回: the statement is right, and why."""

    label, icon, tone, final = _("Reject"), "x", "danger", True
    told = pgettext_lazy("history", "rejected it")
    means = _("The statement is right, and the person reads why.")
    who = deciders
    fields = {"reason": forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea)}

    def allowed(self, record: Dispute) -> bool:
        return record.is_pending

    def do(self, record: Dispute, by: Viewer, reason: str, **values: Any) -> None:
        disputes.reject(record, by, reason)


class Withdraw(Verb):
    """撤回: the person takes the dispute back."""

    label, icon, final = _("Withdraw"), "arrow-back-up", True
    told = pgettext_lazy("history", "withdrew it")
    who = payee

    def allowed(self, record: Dispute) -> bool:
        return record.is_pending

    def do(self, record: Dispute, by: Viewer, **values: Any) -> None:
        disputes.withdraw(record, by)

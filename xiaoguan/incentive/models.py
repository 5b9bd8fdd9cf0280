"""申诉: somebody does not agree with their statement."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.desk.fields import MoneyField
from xiaoguan.people.models import Person
from xiaoguan.rulebook.models import LedgerEntry, PayStatement, Result, Stepped


class Dispute(Stepped):
    """申诉: one line of a statement, or the whole of it, with which the person does not agree.

    result, frozen    the line and its whole explanation as they were when the dispute was filed; no result: the total
    expected          what the person thinks it should be
    due_on            the last day on which it could be filed; None before the period was reviewed
    granted, entry    what was added to (or taken from) the pay, and the entry of the ledger that says so
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("dispute", "open")
        ANSWERED = "answered", pgettext_lazy("dispute", "answered")
        ACCEPTED = "accepted", pgettext_lazy("dispute", "accepted")
        REJECTED = "rejected", pgettext_lazy("dispute", "rejected")
        WITHDRAWN = "withdrawn", pgettext_lazy("dispute", "withdrawn")

    PENDING = (State.OPEN, State.ANSWERED)

    subject = models.CharField(_("subject"), max_length=240, editable=False)
    statement = models.ForeignKey(
        PayStatement, models.PROTECT, related_name="disputes", editable=False, verbose_name=_("statement")
    )
    person = models.ForeignKey(
        Person, models.PROTECT, related_name="disputes", editable=False, verbose_name=_("person")
    )
    result = models.ForeignKey(Result, models.PROTECT, null=True, editable=False, verbose_name=_("result"))
    frozen = models.JSONField(default=dict, editable=False)
    text = models.TextField(_("what is not right"), editable=False)
    disputed = MoneyField(_("disputed amount"), editable=False)
    expected = MoneyField(_("expected amount"), null=True, editable=False)
    currency = models.CharField(_("currency"), max_length=3, editable=False)
    filed_on = models.DateField(_("filed"), editable=False)
    due_on = models.DateField(_("deadline"), null=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN, editable=False)
    answer = models.TextField(_("answer"), blank=True, editable=False)
    reason = models.TextField(_("reason"), blank=True, editable=False)
    decided_by = models.ForeignKey(
        Person, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, editable=False)
    granted = MoneyField(_("granted"), null=True, editable=False)
    entry = models.ForeignKey(LedgerEntry, models.PROTECT, null=True, editable=False, verbose_name=_("ledger entry"))

    TITLE = "subject"

    class Meta(Stepped.Meta):
        abstract = False
        verbose_name, verbose_name_plural = _("dispute"), _("disputes")
        indexes: ClassVar = [models.Index(fields=["-filed_on", "-id"], name="dispute_list")]

    def __str__(self) -> str:
        return self.subject

    @property
    def is_pending(self) -> bool:
        """Whether nobody has decided yet."""
        return self.state in self.PENDING

"""制度 in force: which policy held when, which runs reckoned what, and every result with its inputs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from xiaoguan.base.ledger import KINDS, Entry
from xiaoguan.desk.fields import MoneyField
from xiaoguan.desk.records import Record
from xiaoguan.people.models import Person, Team


class PolicyVersion(models.Model):
    """制度版本: one policy document as it was adopted; its text never changes afterwards."""

    policy_id = models.CharField(_("policy"), max_length=80)
    name = models.CharField(_("name"), max_length=160)
    number = models.CharField(_("version"), max_length=40)
    text = models.TextField(_("document"))
    digest = models.CharField(_("digest"), max_length=64)
    effective_from = models.DateField(_("in force from"))
    effective_to = models.DateField(_("in force until"), null=True, blank=True)
    adopted_at = models.DateTimeField(_("adopted"), default=timezone.now)
    adopted_by = models.ForeignKey(Person, models.PROTECT, null=True, verbose_name=_("adopted by"))

    class Meta:
        verbose_name, verbose_name_plural = _("policy version"), _("policy versions")
        constraints = [models.UniqueConstraint(fields=["policy_id", "number"], name="policy_number")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class Run(models.Model):
    """核算: one reckoning of one period under one policy version. Complete or absent, never half.

    digest    of the policy, the period and every fact and goal read; the same inputs are the same run.
    """

    policy = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="runs", verbose_name=_("policy"))
    kind = models.CharField(_("kind of period"), max_length=20)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"))
    label = models.CharField(_("period"), max_length=40)
    digest = models.CharField(_("digest"), max_length=64)
    engine = models.CharField(_("engine"), max_length=20)
    current = models.BooleanField(_("current"), default=True)
    at = models.DateTimeField(_("reckoned"), default=timezone.now)
    issues = models.JSONField(default=list)

    class Meta:
        verbose_name, verbose_name_plural = _("run"), _("runs")
        constraints = [
            models.UniqueConstraint(fields=["policy", "starts_on", "ends_on", "digest"], name="run_inputs"),
        ]
        indexes = [models.Index(fields=["starts_on", "ends_on", "current"], name="run_of_period")]

    def __str__(self) -> str:
        return f"{self.policy} · {self.label}"


class Result(models.Model):
    """结果: one number of one run with its whole explanation.

    kind      metric, goal, attainment or earning
    subject   the person or the team it is about; neither is the company
    value     money in ten-thousandths; other numbers as numerator and denominator
    trace     base.explain.Line as JSON, down to the records
    entries   of a total: what goes into the ledger when the period is locked, base.ledger.Entry as JSON
    """

    class Kind(models.TextChoices):
        METRIC = "metric", _("metric")
        ATTAINMENT = "attainment", _("attainment")
        EARNING = "earning", _("earning")
        TOTAL = "total", _("total")

    run = models.ForeignKey(Run, models.CASCADE, related_name="results", verbose_name=_("run"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    name = models.CharField(_("name"), max_length=60)
    label = models.CharField(_("label"), max_length=120)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="results", verbose_name=_("person")
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, verbose_name=_("team"))
    unit = models.CharField(_("unit"), max_length=20)
    value = models.BigIntegerField(_("value"), null=True)
    denominator = models.BigIntegerField(_("denominator"), null=True)
    trace = models.JSONField(default=dict)
    entries = models.JSONField(default=list)

    class Meta:
        verbose_name, verbose_name_plural = _("result"), _("results")
        indexes = [
            models.Index(fields=["run", "person", "kind"], name="result_of_person"),
            models.Index(fields=["person", "id"], name="results_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.label} · {self.run.label}"


class PayPeriod(Record):
    """结算期: one period of one policy on its way from open to paid.

    policy_key     id of the policy; which version of it holds is decided when the period is calculated
    run            what it was calculated as; nothing changes it once the period is locked
    total          of everybody's statements in that run; people and exceptions are counted over it
    snapshot       folder of everything the run read, below the installation's home; digest over its files
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        CALCULATED = "calculated", _("calculated")
        REVIEWED = "reviewed", _("reviewed")
        APPROVED = "approved", _("approved")
        LOCKED = "locked", _("locked")
        PAID = "paid", _("paid")

    label = models.CharField(_("period"), max_length=40, help_text=_("Such as 2026-03."))
    policy_key = models.CharField(
        _("policy"), max_length=80, blank=True, help_text=_("Its id; needed where several policies pay.")
    )
    kind = models.CharField(_("kind of period"), max_length=20, editable=False)
    starts_on = models.DateField(_("from"), editable=False)
    ends_on = models.DateField(_("until"), editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN, editable=False)
    run = models.ForeignKey(Run, models.PROTECT, null=True, editable=False, verbose_name=_("run"))
    total = MoneyField(_("total"), null=True, editable=False)
    currency = models.CharField(_("currency"), max_length=3, blank=True, editable=False)
    people = models.PositiveIntegerField(_("people"), null=True, editable=False)
    exceptions = models.PositiveIntegerField(_("exceptions"), null=True, editable=False)
    calculated_at = models.DateTimeField(_("calculated"), null=True, editable=False)
    calculated_by = models.ForeignKey(
        Person, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("calculated by")
    )
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, editable=False)
    reviewed_by = models.ForeignKey(
        Person, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("reviewed by")
    )
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)
    approved_by = models.ForeignKey(
        Person, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("approved by")
    )
    locked_at = models.DateTimeField(_("locked"), null=True, editable=False)
    locked_by = models.ForeignKey(
        Person, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("locked by")
    )
    paid_on = models.DateField(_("paid on"), null=True, editable=False)
    paid_by = models.ForeignKey(
        Person, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("paid by")
    )
    payroll = models.CharField(_("payroll file"), max_length=200, blank=True, editable=False)
    snapshot = models.CharField(_("snapshot"), max_length=200, blank=True, editable=False)
    snapshot_digest = models.CharField(_("digest of the snapshot"), max_length=64, blank=True, editable=False)

    TITLE = "label"

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("pay period"), _("pay periods")
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["policy_key", "starts_on", "ends_on"], name="pay_period_of_policy"),
        ]
        indexes: ClassVar = [models.Index(fields=["-starts_on", "-id"], name="pay_period_list")]

    def __str__(self) -> str:
        return f"{self.label} {self.policy_key}"

    @property
    def is_locked(self) -> bool:
        """Whether its results and entries stand for good."""
        return self.state in (self.State.LOCKED, self.State.PAID)


class Appended(models.QuerySet):
    """Rows that are added and never changed."""

    def update(self, **values: Any) -> int:
        raise LedgerIsAppendOnly

    def delete(self) -> Any:
        raise LedgerIsAppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise LedgerIsAppendOnly

    def reckoned(self) -> Appended:
        """What the engine set against its own recomputation: all but the corrections that people decided."""
        return self.filter(decided=False)


class LedgerIsAppendOnly(ValidationError):
    """Somebody tried to change or delete an entry."""

    def __init__(self) -> None:
        super().__init__(_("An entry of the ledger is never changed; correct it by another entry."))


class LedgerEntry(models.Model):
    """分录: one movement on a person's account, base.ledger.Entry as it is stored. Its id is its serial number.

    period     the pay period it was posted in; number counts within it, so that nothing is posted twice
    about      label of the period it is about; posted, of the period it is posted in
    amount     from the person's side
    decided    people decided it (an accepted dispute); the engine does not set it against what it recomputes
    """

    period = models.ForeignKey(PayPeriod, models.PROTECT, related_name="entries", verbose_name=_("pay period"))
    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=10, choices=[(kind, kind) for kind in KINDS])
    person = models.ForeignKey(Person, models.PROTECT, related_name="ledger", verbose_name=_("person"))
    about = models.CharField(_("about"), max_length=40)
    posted = models.CharField(_("posted in"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    record = models.CharField(_("record"), max_length=120, blank=True)
    cause = models.TextField(_("cause"), blank=True)
    decided = models.BooleanField(_("decided by people"), default=False)
    at = models.DateTimeField(_("posted"), default=timezone.now)

    objects = Appended.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("ledger entry"), _("ledger entries")
        constraints: ClassVar = [models.UniqueConstraint(fields=["period", "number"], name="ledger_posted_once")]
        indexes: ClassVar = [models.Index(fields=["person", "id"], name="ledger_of_person")]

    def __str__(self) -> str:
        return f"{self.pk} {self.kind} {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise LedgerIsAppendOnly
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise LedgerIsAppendOnly

    def entry(self, key: str = "") -> Entry:
        """The entry as the engine reads it; `key` is what the engine calls the person, the id unless given."""
        return Entry(
            self.kind,
            key or str(self.person_id),
            self.about,
            self.posted,
            self.name,
            self.amount_units,
            self.record,
            self.cause,
        )

"""制度 in force: which policy held when, which runs reckoned what, and every result with its inputs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.base.ledger import Entry
from xiaoguan.desk.fields import MoneyField
from xiaoguan.desk.records import Conflict, Record
from xiaoguan.people.models import OrganisationStamp, Person, Team
from xiaoguan.rulebook.naming import DigestField, LabelField, NamedField


class Locked(ValidationError):
    """Somebody tried to change what a locked period stands on."""

    def __init__(self) -> None:
        super().__init__(_("The period is locked: its results stand as they are. Correct them in the open period."))


class OfRuns(models.QuerySet):
    """Runs, or what belongs to them: of a locked period nothing is changed or deleted."""

    LOCKED = "locked"

    def update(self, **values: Any) -> int:
        self._refuse_locked()
        return super().update(**values)

    def delete(self) -> Any:
        self._refuse_locked()
        return super().delete()

    def _refuse_locked(self) -> None:
        if self.filter(**{self.LOCKED: True}).exists():
            raise Locked


class OfResults(OfRuns):
    LOCKED = "run__locked"


class PolicyVersion(models.Model):
    """制度版本: one policy document as it was adopted; its text never changes afterwards."""

    policy_id = NamedField(_("policy"), max_length=80)
    name = models.CharField(_("name"), max_length=160)
    number = models.CharField(_("version"), max_length=40)
    text = models.TextField(_("document"))
    digest = DigestField(_("digest"), max_length=64)
    effective_from = models.DateField(_("in force from"))
    effective_to = models.DateField(_("in force until"), null=True, blank=True)
    adopted_at = models.DateTimeField(_("adopted"), default=timezone.now)
    adopted_by = models.ForeignKey(Person, models.PROTECT, null=True, verbose_name=_("adopted by"))

    class Meta:
        verbose_name, verbose_name_plural = _("policy version"), _("policy versions")
        constraints = [models.UniqueConstraint(fields=["policy_id", "number"], name="policy_number")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        OrganisationStamp.turn()  # what was worked out under the versions before is asked anew


class Run(models.Model):
    """核算: one reckoning of one period under one policy version. Complete or absent, never half.

    digest    of the policy, the period and every fact and goal read; the same inputs are the same run.
    locked    the pay period stands on it for good: neither it nor its results change any more
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
    locked = models.BooleanField(_("locked"), default=False)

    objects = OfRuns.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("run"), _("runs")
        constraints = [
            models.UniqueConstraint(fields=["policy", "starts_on", "ends_on", "digest"], name="run_inputs"),
        ]
        indexes = [models.Index(fields=["starts_on", "ends_on", "current"], name="run_of_period")]

    def __str__(self) -> str:
        return f"{self.policy} · {self.label}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and Run.objects.filter(pk=self.pk, locked=True).exists():
            raise Locked
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        if Run.objects.filter(pk=self.pk, locked=True).exists():
            raise Locked
        return super().delete(*args, **kwargs)


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
    label = LabelField(_("label"), max_length=120)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="results", verbose_name=_("person")
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, verbose_name=_("team"))
    unit = models.CharField(_("unit"), max_length=20)
    value = models.BigIntegerField(_("value"), null=True)
    denominator = models.BigIntegerField(_("denominator"), null=True)
    trace = models.JSONField(default=dict)
    entries = models.JSONField(default=list)

    objects = OfResults.as_manager()

    TITLE = "label"

    class Meta:
        verbose_name, verbose_name_plural = _("result"), _("results")
        indexes = [
            models.Index(fields=["run", "person", "kind"], name="result_of_person"),
            models.Index(fields=["person", "id"], name="results_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.label} · {self.run.label}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.run.locked:
            raise Locked
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        if self.run.locked:
            raise Locked
        return super().delete(*args, **kwargs)


class Stepped(Record):
    """A record that goes from state to state by deeds. A step is told by the event of its deed, and what it has brought
    about is not undone: the way back is another deed, if there is one."""

    IMPORTED = False

    class Meta(Record.Meta):
        abstract = True

    def step(self, **values: Any) -> None:
        """Write these columns. Raises Conflict where somebody else wrote the record since it was read."""
        moved = {**values, "version": self.version + 1, "updated_at": timezone.now()}
        if not type(self)._default_manager.filter(pk=self.pk, version=self.version).update(**moved):
            raise Conflict(self)
        for name, value in moved.items():
            setattr(self, name, value)
            self._loaded[name] = value


class PayrollPeriod(Stepped):
    """结算期: one period of one policy on its way from open to paid.

    policy_key     id of the policy; which version of it holds is decided when the period is calculated
    run            what it was calculated as; nothing changes it once the period is locked
    total          of everybody's statements in that run; people and exceptions are counted over it
    snapshot       folder of everything the run read, below the installation's home; digest over its files
    reason         why it was sent back the last time
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("period", "open")
        CALCULATED = "calculated", pgettext_lazy("period", "calculated")
        REVIEWED = "reviewed", pgettext_lazy("period", "reviewed")
        APPROVED = "approved", pgettext_lazy("period", "approved")
        LOCKED = "locked", pgettext_lazy("period", "locked")
        PAID = "paid", pgettext_lazy("period", "paid")

    label = models.CharField(_("period"), max_length=40, help_text=_("Such as 2026-03."))
    policy_key = NamedField(
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
    reason = models.CharField(_("sent back because"), max_length=400, blank=True, editable=False)
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

    def clean(self) -> None:
        """Find the policy and the days of the period that the label names; it must not overlap another one."""
        super().clean()
        if not self._state.adding and not {"label", "policy_key"} & set(self.changes()):
            return
        if self.state != self.State.OPEN:
            raise ValidationError(_("It has been calculated: it stays the period that it is."))
        from xiaoguan.rulebook.closing import place

        place(self)

    def delete(self, **kwargs: Any) -> Any:
        if self.state != self.State.OPEN:
            raise ValidationError(_("A period that was calculated stays; send it back and calculate again."))
        return super().delete(**kwargs)


class PayStatement(Stepped):
    """提成单: what one person is paid in one pay period, and whether they agree.

    total          of the run's lines; corrections, what people decided in this period (accepted disputes); payable both
    exceptions     lines that could not be calculated and records held back
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("statement", "not confirmed")
        CONFIRMED = "confirmed", pgettext_lazy("statement", "confirmed")
        DISPUTED = "disputed", pgettext_lazy("statement", "disputed")

    label = models.CharField(_("statement"), max_length=130, editable=False)
    period = models.ForeignKey(
        PayrollPeriod, models.PROTECT, related_name="statements", editable=False, verbose_name=_("pay period")
    )
    person = models.ForeignKey(
        Person, models.PROTECT, related_name="statements", editable=False, verbose_name=_("person")
    )
    run = models.ForeignKey(Run, models.PROTECT, null=True, editable=False, verbose_name=_("run"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN, editable=False)
    total = MoneyField(_("calculated amount"), editable=False)
    corrections = MoneyField(_("corrections"), default=0, editable=False)
    payable = MoneyField(_("payable"), editable=False)
    currency = models.CharField(_("currency"), max_length=3, editable=False)
    exceptions = models.PositiveIntegerField(_("exceptions"), default=0, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, editable=False)

    TITLE = "label"

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("statement"), _("statements")
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["period", "person"], name="statement_of_person"),
        ]

    def __str__(self) -> str:
        return self.label


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

    class Kind(models.TextChoices):
        CREDIT = "credit", pgettext_lazy("ledger", "credit")
        EARNING = "earning", pgettext_lazy("ledger", "earning")
        HOLD = "hold", pgettext_lazy("ledger", "hold")
        RELEASE = "release", pgettext_lazy("ledger", "release")
        DRAW = "draw", pgettext_lazy("ledger", "draw")
        RECOVERY = "recovery", pgettext_lazy("ledger", "recovery")
        CLAWBACK = "clawback", pgettext_lazy("ledger", "clawback")
        ADJUSTMENT = "adjustment", pgettext_lazy("ledger", "adjustment")
        PAYOUT = "payout", pgettext_lazy("ledger", "payout")

    period = models.ForeignKey(PayrollPeriod, models.PROTECT, related_name="entries", verbose_name=_("pay period"))
    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    person = models.ForeignKey(Person, models.PROTECT, related_name="ledger", verbose_name=_("person"))
    about = models.CharField(_("about"), max_length=40)
    posted = models.CharField(_("posted in"), max_length=40)
    name = NamedField(_("name"), of="pay", max_length=120)
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

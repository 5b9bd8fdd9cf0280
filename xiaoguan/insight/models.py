"""预警: which rules of the policy hold for whom, since when, and who was told."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F
from django.db.models.lookups import IsNull
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.customers.models import Customer
from xiaoguan.desk.cells import day_text
from xiaoguan.desk.fields import MoneyField, single
from xiaoguan.desk.records import Record
from xiaoguan.people.models import Person, Team
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.naming import LabelField, NamedField
from xiaoguan.sales.models import Opportunity


class Warning(Record):
    """预警: one rule holds for one subject. There is one open at a time for each rule and subject.

    rule           its id in the policy of the id policy_key; policy is the version it was found under last
    subject        "person:12", "team:3", "customer:88", "deal:5", or "company"; owner is who can do something about it
    value, bound   the first number that decided, and what it is compared with; trace is the whole condition
    """

    class Severity(models.TextChoices):
        INFO = "info", pgettext_lazy("severity", "note")
        WARN = "warn", pgettext_lazy("severity", "warning")
        CRITICAL = "critical", pgettext_lazy("severity", "alarm")

    TONES: ClassVar = {"severity": {"info": "blue", "warn": "amber", "critical": "red"}}
    IMPORTED = False
    TITLE = "name"
    PASSING = ("escalated_on", "cleared_on")

    name = models.CharField(pgettext_lazy("policy", "warning"), max_length=160, editable=False)
    rule = models.CharField(_("rule"), max_length=60, editable=False)
    policy_key = NamedField(_("policy"), max_length=80, blank=True, editable=False)
    policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("policy version")
    )
    severity = models.CharField(_("severity"), max_length=8, choices=Severity, default=Severity.WARN, editable=False)
    subject = models.CharField(_("key of the subject"), max_length=40, editable=False)
    about = LabelField(pgettext_lazy("warning", "about"), max_length=160, blank=True, editable=False)
    owner = models.ForeignKey(
        Person, models.PROTECT, null=True, editable=False, related_name="warnings", verbose_name=_("owner")
    )
    team = models.ForeignKey(Team, models.CASCADE, null=True, editable=False, related_name="+", verbose_name=_("team"))
    customer = models.ForeignKey(
        Customer, models.CASCADE, null=True, editable=False, related_name="warnings", verbose_name=_("customer")
    )
    deal = models.ForeignKey(
        Opportunity, models.CASCADE, null=True, editable=False, related_name="warnings", verbose_name=_("opportunity")
    )
    value = models.CharField(_("value"), max_length=60, blank=True, editable=False)
    bound = models.CharField(_("limit"), max_length=60, blank=True, editable=False)
    trace = models.JSONField(default=dict, editable=False)
    raised_on = models.DateField(pgettext_lazy("warning", "since"), editable=False)
    cleared_on = models.DateField(pgettext_lazy("warning", "settled"), null=True, editable=False)
    escalated_on = models.DateField(pgettext_lazy("warning", "escalated"), null=True, editable=False)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = pgettext_lazy("policy", "warning"), pgettext_lazy("policy", "warnings")
        indexes: ClassVar = [
            models.Index(fields=["-raised_on", "-id"], name="warning_list"),
            models.Index(fields=["owner", "-id"], name="warning_open", condition=models.Q(cleared_on__isnull=True)),
        ]
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(
                fields=["policy_key", "rule", "subject"],
                name="one_open_warning",
                condition=models.Q(cleared_on__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} · {self.about}" if self.about else self.name

    @property
    def is_open(self) -> bool:
        return self.cleared_on is None


class WarningTold(models.Model):
    """Who was told of a warning, and when; they may read it."""

    warning = models.ForeignKey(Warning, models.CASCADE, related_name="told")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    on = models.DateField()

    class Meta:
        verbose_name, verbose_name_plural = _("told"), _("told")
        constraints: ClassVar = [models.UniqueConstraint(fields=["warning", "person"], name="told_once")]

    def __str__(self) -> Any:
        return f"{self.warning} → {self.person}"


class Honour(Record):
    """表彰: somebody came first, or among the first, by a rule of the policy in a period. Everybody may see it."""

    IMPORTED = False
    TITLE = "name"

    name = models.CharField(_("honour"), max_length=160, editable=False)
    rule = models.CharField(_("rule"), max_length=60, editable=False)
    policy_key = NamedField(_("policy"), max_length=80, blank=True, editable=False)
    person = models.ForeignKey(Person, models.PROTECT, editable=False, related_name="honours", verbose_name=_("person"))
    team = models.ForeignKey(Team, models.SET_NULL, null=True, editable=False, related_name="+", verbose_name=_("team"))
    rank = single(models.PositiveSmallIntegerField(_("rank"), default=1, editable=False))
    label = models.CharField(_("period"), max_length=40, editable=False)
    starts_on = models.DateField(_("from"), editable=False)
    given_on = models.DateField(_("honoured on"), editable=False)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("honour"), _("honours")
        indexes: ClassVar = [models.Index(fields=["-given_on", "-id"], name="honour_list")]
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["policy_key", "rule", "starts_on", "person"], name="one_honour_a_period"),
        ]

    def __str__(self) -> str:
        return f"{self.name} · {self.person} · {self.label}"


class HonourBasis(models.Model):
    """The number behind an honour, for the person, those above and the offices: base.explain.Line as JSON."""

    honour = models.OneToOneField(Honour, models.CASCADE, primary_key=True, related_name="basis")
    policy = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    trace = models.JSONField(default=dict)


class ForecastSnapshot(Record):
    """预测快照: what was forecast on a day for a person, a team or the company; it is never written again.

    whose        "person:12", "team:3" or "company"; of a person, team is the one of that day
    quota        the goal of the period; actual: what had come by then; the others are what open deals add
    methods      {method: [value, low, high, chance, note]}, in units; see policy/forecast.py
    deals        of a person: [id, title, units, stage, category, closes on, chance by stage, chance by experience]
    """

    IMPORTED = False
    TITLE = "label"
    _ALIKE = (F("starts_on"), F("ends_on"), F("taken_on"), IsNull(F("person"), True), IsNull(F("team"), True))
    ADDS_UP: ClassVar = dict.fromkeys(("quota", "actual", "commit", "best_case", "pipeline", "weighted"), _ALIKE)

    policy_key = NamedField(_("policy"), max_length=80, editable=False)
    policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("policy version")
    )
    goal = NamedField(_("goal"), of="goal", max_length=60, blank=True, editable=False)
    label = models.CharField(_("period"), max_length=40, editable=False)
    starts_on = models.DateField(_("from"), editable=False)
    ends_on = models.DateField(_("until"), editable=False)
    taken_on = models.DateField(pgettext_lazy("forecast", "kept on"), editable=False)
    whose = models.CharField(_("key of the owner"), max_length=40, editable=False)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, editable=False, related_name="forecasts", verbose_name=_("person")
    )
    team = models.ForeignKey(Team, models.SET_NULL, null=True, editable=False, related_name="+", verbose_name=_("team"))
    currency = models.CharField(_("currency"), max_length=3, editable=False)
    quota = MoneyField(_("goal"), null=True, editable=False)
    actual = MoneyField(pgettext_lazy("forecast", "so far"), editable=False)
    commit = MoneyField(pgettext_lazy("forecast", "committed"), editable=False)
    best_case = MoneyField(pgettext_lazy("forecast", "best case"), editable=False)
    pipeline = MoneyField(pgettext_lazy("forecast", "possible"), editable=False)
    weighted = MoneyField(pgettext_lazy("forecast", "weighted"), editable=False)
    methods = models.JSONField(default=dict, editable=False)
    deals = models.JSONField(default=list, editable=False)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("kept forecast"), _("kept forecasts")
        indexes: ClassVar = [
            models.Index(fields=["-taken_on", "-id"], name="forecast_list"),
            models.Index(fields=["whose", "ends_on", "taken_on"], name="forecast_of_owner"),
        ]
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(
                fields=["policy_key", "whose", "starts_on", "ends_on", "taken_on"], name="one_forecast_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} · {self.person or self.team or _('Company')} · {day_text(self.taken_on)}"

"""制度 in force: which policy held when, which runs reckoned what, and every result with its inputs."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

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

    class Meta:
        verbose_name, verbose_name_plural = _("result"), _("results")
        indexes = [
            models.Index(fields=["run", "person", "kind"], name="result_of_person"),
            models.Index(fields=["person", "id"], name="results_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.label} · {self.run.label}"

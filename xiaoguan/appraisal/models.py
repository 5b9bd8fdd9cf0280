"""绩效考核: a cycle of an appraisal, what each rater gave in it, and what it found about each person."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.base.explain import Line
from xiaoguan.desk.fields import ExactField
from xiaoguan.desk.records import Record
from xiaoguan.people.models import Person, Team
from xiaoguan.rulebook.models import PolicyVersion, Stepped
from xiaoguan.rulebook.naming import NamedField, ShownField


def who(label: Any) -> models.ForeignKey:
    """Who did a step."""
    return models.ForeignKey(Person, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=label)


def when(label: Any) -> models.DateTimeField:
    return models.DateTimeField(label, null=True, editable=False)


class PointsField(ExactField):
    """A score or a factor: its sum over people says nothing."""

    adds = False


class AppraisalCycle(Stepped):
    """考核周期: one appraisal of a policy for one period, on its way from open to locked.

    appraisal        id of the appraisal in the policy
    policy, digest   the version that it is rated and calculated by, and the hash of its text
    people           who was appraised; exceptions: those of whom something is missing
    reason           why it was sent back the last time
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("appraisal", "open")
        RATING = "rating", pgettext_lazy("appraisal", "being rated")
        CALCULATED = "calculated", pgettext_lazy("appraisal", "calculated")
        CALIBRATED = "calibrated", pgettext_lazy("appraisal", "calibrated")
        LOCKED = "locked", pgettext_lazy("appraisal", "locked")

    label = models.CharField(_("period"), max_length=40, help_text=_("Such as 2026-Q1."))
    policy_key = NamedField(
        _("policy"), max_length=80, blank=True, help_text=_("Its id; needed where several policies appraise.")
    )
    appraisal = NamedField(
        _("appraisal"),
        of="appraisal",
        max_length=80,
        blank=True,
        help_text=_("Its id; needed where the policy has several."),
    )
    name = models.CharField(_("name"), max_length=160, blank=True, editable=False)
    kind = models.CharField(_("kind of period"), max_length=20, editable=False)
    starts_on = models.DateField(_("from"), editable=False)
    ends_on = models.DateField(_("until"), editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN, editable=False)
    policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("policy version")
    )
    digest = models.CharField(_("digest"), max_length=64, blank=True, editable=False)
    people = models.PositiveIntegerField(_("people"), null=True, editable=False)
    exceptions = models.PositiveIntegerField(_("exceptions"), null=True, editable=False)
    due_on = models.DateField(_("ratings until"), null=True, editable=False)
    asked_at, asked_by = when(_("ratings asked for")), who(_("ratings asked for by"))
    calculated_at, calculated_by = when(_("calculated")), who(_("calculated by"))
    calibrated_at, calibrated_by = when(_("calibrated")), who(_("calibrated by"))
    locked_at, locked_by = when(_("locked")), who(_("locked by"))
    reason = models.CharField(_("sent back because"), max_length=400, blank=True, editable=False)

    TITLE = "label"

    class Meta(Stepped.Meta):
        abstract = False
        verbose_name, verbose_name_plural = _("appraisal cycle"), _("appraisal cycles")
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["policy_key", "appraisal", "starts_on", "ends_on"], name="cycle_of_period"),
        ]
        indexes: ClassVar = [models.Index(fields=["-starts_on", "-id"], name="appraisal_cycle_list")]

    def __str__(self) -> str:
        return f"{self.name or self.appraisal} {self.label}".strip()

    @property
    def is_out(self) -> bool:
        """Whether those who are appraised see their result."""
        return self.state in OUT

    def clean(self) -> None:
        """Find the policy, the appraisal and the days that the label names."""
        super().clean()
        if not self._state.adding and not {"label", "policy_key", "appraisal"} & set(self.changes()):
            return
        if self.state != self.State.OPEN:
            raise ValidationError(_("Ratings were asked for: it stays the cycle that it is."))
        from xiaoguan.appraisal.cycles import place

        place(self)

    def delete(self, **kwargs: Any) -> Any:
        if self.state != self.State.OPEN:
            raise ValidationError(_("A cycle in which ratings were asked for stays."))
        return super().delete(**kwargs)


OUT = (AppraisalCycle.State.CALCULATED, AppraisalCycle.State.CALIBRATED, AppraisalCycle.State.LOCKED)


class GroupField(ShownField):
    """What a rater is to the person, in words."""

    def spoken(self) -> Callable[[Any], str]:
        from xiaoguan.appraisal.raters import group_words

        return group_words


class Rating(Stepped):
    """评分: what one rater gave one person in one item. Nobody but the rater reads it.

    group    what the rater is to the person: self, manager, peer, report, or a role that the policy names
    """

    class State(models.TextChoices):
        ASKED = "asked", pgettext_lazy("rating", "asked")
        GIVEN = "given", pgettext_lazy("rating", "given")
        DECLINED = "declined", pgettext_lazy("rating", "declined")

    label = models.CharField(_("rating"), max_length=200, editable=False)
    cycle = models.ForeignKey(
        AppraisalCycle, models.CASCADE, related_name="ratings", editable=False, verbose_name=_("appraisal cycle")
    )
    rater = models.ForeignKey(
        Person, models.PROTECT, related_name="ratings_given", editable=False, verbose_name=_("rater")
    )
    person = models.ForeignKey(
        Person, models.PROTECT, related_name="ratings_received", editable=False, verbose_name=_("person")
    )
    group = GroupField(_("group"), max_length=60, editable=False)
    item = models.CharField(_("item"), max_length=80, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED, editable=False)
    score = PointsField(pgettext_lazy("appraisal", "score"), places=2, null=True, editable=False)
    comment = models.TextField(_("comment"), blank=True, editable=False)

    TITLE = "label"

    class Meta(Stepped.Meta):
        abstract = False
        verbose_name, verbose_name_plural = _("rating"), _("ratings")
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["cycle", "person", "rater", "group", "item"], name="rating_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["rater", "state", "cycle"], name="ratings_of_rater")]

    def __str__(self) -> str:
        return self.label


class AppraisalRecord(Stepped):
    """考核记录: what the cycle found about one person.

    manager        to whom the person reported on the last day of the period; team: where the person was on that day
    score          rounded to 0.01; exact has it and the factor as fractions, by which grades are found
    first_grade    by the score alone; given_grade: after gates and the distribution; grade: after the calibration
    lines          one for each indicator: base.explain.Line as JSON with `weight` as a fraction
    points         {indicator: its score as a fraction, None where it is missing}: what tables of many people read
    missing        indicators without a score; gates: those that applied; steps: how the score came about
    outcomes       what follows: improvement_plan, career:ROLE
    """

    class Appeal(models.TextChoices):
        OPEN = "open", pgettext_lazy("appeal", "open")
        ACCEPTED = "accepted", pgettext_lazy("appeal", "accepted")
        REJECTED = "rejected", pgettext_lazy("appeal", "rejected")
        WITHDRAWN = "withdrawn", pgettext_lazy("appeal", "withdrawn")

    label = models.CharField(_("appraisal"), max_length=200, editable=False)
    cycle = models.ForeignKey(
        AppraisalCycle, models.PROTECT, related_name="records", editable=False, verbose_name=_("appraisal cycle")
    )
    person = models.ForeignKey(
        Person, models.PROTECT, related_name="appraisals", editable=False, verbose_name=_("person")
    )
    manager = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("manager")
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("team"))
    score = PointsField(pgettext_lazy("appraisal", "score"), places=2, null=True, editable=False)
    first_grade = models.CharField(_("grade by score"), max_length=40, blank=True, editable=False)
    given_grade = models.CharField(_("calculated grade"), max_length=40, blank=True, editable=False)
    grade = models.CharField(_("grade"), max_length=40, blank=True, editable=False)
    factor = PointsField(_("factor"), null=True, editable=False)
    reason = models.TextField(_("reason of the calibration"), blank=True, editable=False)
    calibrated_at, calibrated_by = when(_("calibrated")), who(_("calibrated by"))
    exact = models.JSONField(default=dict, editable=False)
    lines = models.JSONField(default=list, editable=False)
    points = models.JSONField(default=dict, editable=False)
    missing = models.JSONField(default=list, editable=False)
    gates = models.JSONField(default=list, editable=False)
    steps = models.JSONField(default=list, editable=False)
    outcomes = models.JSONField(default=list, editable=False)
    open_points = models.PositiveIntegerField(_("open points"), default=0, editable=False)
    interview_on = models.DateField(_("interview"), null=True, editable=False)
    interview_by = who(_("interview by"))
    interview = models.TextField(_("interview record"), blank=True, editable=False)
    agreed_at = when(_("agreed"))
    appeal = models.CharField(_("appeal"), max_length=10, choices=Appeal, blank=True, default="", editable=False)
    appeal_text = models.TextField(_("what is not right"), blank=True, editable=False)
    appealed_at = when(_("appealed"))
    decision = models.TextField(_("decision"), blank=True, editable=False)
    decided_at, decided_by = when(_("decided")), who(_("decided by"))

    TITLE = "label"

    class Meta(Stepped.Meta):
        abstract = False
        verbose_name, verbose_name_plural = _("appraisal"), _("appraisals")
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["cycle", "person"], name="appraisal_of_person"),
        ]

    def __str__(self) -> str:
        return self.label

    def delete(self, **kwargs: Any) -> Any:
        if self.cycle.state == AppraisalCycle.State.LOCKED:
            raise ValidationError(_("The cycle is locked: its results stand as they are."))
        return super().delete(**kwargs)

    @property
    def exact_score(self) -> Fraction | None:
        return None if self.exact.get("score") is None else Fraction(self.exact["score"])

    @property
    def exact_factor(self) -> Fraction | None:
        return None if self.exact.get("factor") is None else Fraction(self.exact["factor"])

    @property
    def explained(self) -> list[tuple[Line, Fraction]]:
        """The indicators with their weights."""
        return [(Line.from_json(one), Fraction(one["weight"])) for one in self.lines]

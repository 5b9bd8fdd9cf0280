"""What approvals keep: the flows a company set, the requests, and a line for every signature that is asked for."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.desk.fields import ExactField


class ApprovalFlow(models.Model):
    """审批流: one version of who signs what; the newest of a kind is in force.

    steps    [{"by": [["manager", 1], ["role", "finance"], ["person", 7]], "needs": "any" | "all"}]
    limit    the fraction beyond which the approval is needed; active False: it is not needed at all
    """

    kind = models.CharField(max_length=80)
    number = models.PositiveIntegerField()
    steps = models.JSONField()
    limit = ExactField(places=4, null=True)
    active = models.BooleanField(default=True)
    made_by = models.BigIntegerField(null=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "number"], name="one_flow_a_number")]


class ApprovalRequest(models.Model):
    """审批单: somebody asks for an approval of one record.

    snapshot     {column: value} of the frozen fields of `version` of the record, in plain values
    changes      {column: [old, new]} that are written by the last signature; empty where the record itself is approved
    steps, flow  the flow it began with; step counts from 0
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("approval", "waiting")
        APPROVED = "approved", pgettext_lazy("approval", "approved")
        REJECTED = "rejected", pgettext_lazy("approval", "rejected")
        RETURNED = "returned", pgettext_lazy("approval", "returned")
        WITHDRAWN = "withdrawn", pgettext_lazy("approval", "withdrawn")

    kind = models.CharField(max_length=80)
    entity = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    by_id = models.BigIntegerField()
    note = models.CharField(max_length=400, blank=True)
    version = models.PositiveIntegerField()
    snapshot = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)
    flow = models.PositiveIntegerField()
    steps = models.JSONField()
    step = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("approval"), _("approvals")
        constraints = [
            models.UniqueConstraint(fields=["kind", "record_id"], name="one_open_approval", condition=Q(state="open"))
        ]
        indexes = [
            models.Index(fields=["entity", "record_id", "-id"], name="approval_of_record"),
            models.Index(fields=["by_id", "-id"], name="approval_of_asker"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    def record(self) -> Any:
        """What it is about; None if it is gone."""
        from xiaoguan.desk.desk import desk_of

        desk = desk_of(self.entity)
        return desk.model._default_manager.filter(pk=self.record_id).first() if desk else None


class Signature(models.Model):
    """签字: one line of a request: who is to sign in a step, and what they decided.

    person_id    who is asked; signed_by who did it: the same, or who stands in for them
    added_by     who asked for this signature on top of the flow; such a one is always needed
    """

    class Decision(models.TextChoices):
        WAITING = "", pgettext_lazy("signature", "waiting")
        APPROVED = "approve", pgettext_lazy("signature", "approved")
        REJECTED = "reject", pgettext_lazy("signature", "rejected")
        RETURNED = "return", pgettext_lazy("signature", "returned")
        SPARED = "spared", pgettext_lazy("signature", "not needed any more")

    request = models.ForeignKey(ApprovalRequest, models.CASCADE, related_name="lines")
    step = models.PositiveSmallIntegerField()
    person_id = models.BigIntegerField()
    added_by = models.BigIntegerField(null=True)
    decision = models.CharField(max_length=8, choices=Decision, default=Decision.WAITING, blank=True)
    signed_by = models.BigIntegerField(null=True)
    signed_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "step", "person_id"], name="one_line_a_signer")]
        indexes = [
            models.Index(fields=["person_id", "-request"], name="signature_waiting", condition=Q(decision="")),
            models.Index(fields=["signed_by", "-request"], name="signature_of_person"),
        ]

"""What the desk itself keeps: events and the search table's plain half."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """变更: one deed on one record; never edited."""

    entity = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    deed = models.CharField(max_length=40)
    changes = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True)
    via = models.CharField(max_length=12)
    note = models.CharField(max_length=200, blank=True)
    batch = models.CharField(max_length=16, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = _("event"), _("events")
        indexes = [
            models.Index(fields=["entity", "record_id", "id"], name="event_of_record"),
            models.Index(fields=["batch"], name="event_of_batch", condition=~models.Q(batch="")),
            models.Index(fields=["entity", "-id"], name="event_deleted", condition=models.Q(deed="deleted")),
            models.Index(fields=["-id"], name="event_exported", condition=models.Q(deed="exported")),
        ]


class Answered(models.Model):
    """The answer to a request that named an Idempotency-Key; the same request again gets it."""

    account_id = models.BigIntegerField()
    key = models.CharField(max_length=80)
    asked = models.CharField(max_length=32)
    status = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account_id", "key"], name="one_answer_a_key")]
        indexes = [models.Index(fields=["at"], name="answered_at")]


class Tally(models.Model):
    """How many records of one owner stand in one lane, and how much they are; see desk/tallies.py.

    kind         the second field that the board is kept by, such as whether a deal is open or won
    person_id    the owner, 0 where there is none; units    ten-thousandths of the currency's major unit
    """

    entity = models.CharField(max_length=40)
    lane = models.CharField(max_length=40)
    kind = models.CharField(max_length=40)
    currency = models.CharField(max_length=3)
    person_id = models.BigIntegerField()
    number = models.BigIntegerField()
    units = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entity", "person_id", "lane", "kind", "currency"], name="one_tally")
        ]


# Models live beside their work; Django finds them here.
from xiaoguan.desk.approvals.models import ApprovalFlow, ApprovalRequest, Signature
from xiaoguan.desk.comments import Attachment, Comment
from xiaoguan.desk.custom.models import CustomEntity, CustomField, DefinitionStamp
from xiaoguan.desk.importing.draft import ImportDraft
from xiaoguan.desk.jobs import Job
from xiaoguan.desk.layouts import Layout
from xiaoguan.desk.notify import Notification, NotificationSettings
from xiaoguan.desk.views import FirstView, SavedView

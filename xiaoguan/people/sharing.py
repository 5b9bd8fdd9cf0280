"""Sharing (共享): whoever may change a record opens it to a person or a team who would not see it, until a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.notify import notice, notify
from xiaoguan.people.chart import members_of
from xiaoguan.people.models import Person, Share, Team

SHARED = notice("share", gettext_lazy("Records shared with me"), "share")


def shares_of(desk: Desk, record: Any) -> QuerySet[Share]:
    """The shares of the record that hold today."""
    rows = Share.objects.filter(entity=desk.key, record_id=record.pk).exclude(ends_on__lte=timezone.localdate())
    return rows.select_related("person", "team").order_by("pk")


@transaction.atomic
def share(
    viewer: Viewer,
    desk: Desk,
    record: Any,
    person: Person | None = None,
    team: Team | None = None,
    right: str = Share.Right.READ,
    ends_on: date | None = None,
) -> Share:
    """Open the record to a person or a team; a share that they have already is changed. They are told.

    Raises PermissionDenied for who may not change the record, ValidationError for a wrong receiver, right or day.
    """
    _may(viewer, desk, record)
    if right == Share.Right.WRITE and desk.model._meta.app_label == "people":
        # Who writes one's deputy could make it another's deputy: rights are not passed on by sharing.
        raise ValidationError({"right": [_("You may not do this.")]})
    if person is not None and person.pk == viewer.person_id:
        raise ValidationError({"person": [_("It is yours to see already.")]})
    found = shares_of(desk, record).filter(Q(person=person) if person else Q(team=team)).first()
    made = found or Share(entity=desk.key, record_id=record.pk, person=person, team=team)
    made.right, made.ends_on = right, ends_on
    made.full_clean(exclude=["source", "external_id"])
    made.save()
    people = [person.pk] if person else members_of([team.pk], timezone.localdate()) if team else []
    notify(people, SHARED, gettext_noop("%(actor)s shares %(title)s with you."), record=record)
    return made


@transaction.atomic
def end(viewer: Viewer, desk: Desk, record: Any, pk: int) -> None:
    """Take a share away. Raises Share.DoesNotExist, PermissionDenied."""
    _may(viewer, desk, record)
    Share.objects.get(pk=pk, entity=desk.key, record_id=record.pk).delete()


def _may(viewer: Viewer, desk: Desk, record: Any) -> None:
    # Whoever has it by a share alone neither passes it on nor makes the share last longer.
    if not desk.may_write(replace(viewer, shares={}, extra={}), record):
        raise PermissionDenied(_("Only who may change a record may share it: %(who)s.") % {"who": desk.write.words()})

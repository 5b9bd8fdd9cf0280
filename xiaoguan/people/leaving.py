"""Leaving (离职交接): everything that somebody has in hand goes to others, their places end, their account is locked.

It is a job with one batch, so it goes on after a kill and can be taken back as one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import cycle
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from xiaoguan.desk import jobs, undo
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals.requests import overtake
from xiaoguan.desk.bulk import Target
from xiaoguan.desk.desk import Desk, desk_of, desks
from xiaoguan.desk.jobs import JobError, Running, every, job_kind
from xiaoguan.desk.verbs import Verb
from xiaoguan.people.chart import managers_of
from xiaoguan.people.models import (
    Account,
    Deputy,
    Membership,
    Person,
    ReportingLine,
    RoleAssignment,
    Team,
    TerritoryAssignment,
)

STEP = 1_000
PLACES = Membership, RoleAssignment, TerritoryAssignment, Deputy, ReportingLine
RECEIVERS = "to", "and_to", "also_to"

Given = dict[str, dict[int, int]]  # {entity: {record: the new owner}} as far as the job has come


def handed_over() -> list[Desk]:
    """The desks whose records somebody has in hand, those that others follow first."""
    return [desk for desk in desks() if desk.open is not None and desk.owner_field]


class HandOverAll(Verb):
    """离职交接: all that the person has in hand goes to one or several others, evenly or by kind."""

    label, icon, tone = gettext_lazy("Leaving: hand over everything"), "door-exit", "danger"
    told = pgettext_lazy("history", "handed everything over on leaving")
    means = gettext_lazy(
        "Everything that this person has in hand goes to others, evenly or by kind; their places end with the day."
    )
    fields = {
        "left_on": forms.DateField(
            label=gettext_lazy("left"),
            initial=timezone.localdate,
            help_text=gettext_lazy("The first day they are gone."),
        ),
        "to": forms.ModelChoiceField(Person.objects.filter(left_on__isnull=True), label=gettext_lazy("To")),
        "and_to": forms.ModelChoiceField(
            Person.objects.filter(left_on__isnull=True),
            label=gettext_lazy("and to"),
            required=False,
            help_text=gettext_lazy("Several people get evenly many; what belongs to a customer goes with it."),
        ),
        "also_to": forms.ModelChoiceField(
            Person.objects.filter(left_on__isnull=True), label=gettext_lazy("and to"), required=False
        ),
        "lock": forms.BooleanField(label=gettext_lazy("Lock the account"), required=False, initial=True),
    }

    @classmethod
    def offer(cls) -> None:
        """One more field for each kind of record, once all are declared: its receiver, where it is another."""
        for desk in handed_over():
            cls.fields.setdefault(
                f"{desk.key}_to",
                forms.ModelChoiceField(
                    Person.objects.filter(left_on__isnull=True),
                    label=_Receiver(desk),
                    required=False,
                ),
            )

    def allowed(self, record: Person) -> bool:
        return record.left_on is None or record.left_on > timezone.localdate()

    def do(self, record: Person, by: Viewer, **values: Any) -> None:
        receivers = [person.pk for name in RECEIVERS if (person := values.get(name))]
        kinds = {desk.key: person.pk for desk in handed_over() if (person := values.get(f"{desk.key}_to"))}
        if record.pk in {*receivers, *kinds.values()}:
            raise ValidationError({"to": _("Choose somebody who stays.")})
        if record.pk == by.person_id:
            raise ValidationError(_("Somebody else must do this for you."))
        jobs.start(
            "hand_over_all",
            by,
            lambda: _("Hand over from %(name)s") % {"name": record.name},
            unit=lambda: _("records"),
            person=record.pk,
            left_on=values["left_on"].isoformat(),
            receivers=list(dict.fromkeys(receivers)),
            kinds=kinds,
            lock=bool(values.get("lock")),
        )


class _Receiver:
    """The label of the field of one kind of record, in the language of the moment."""

    def __init__(self, desk: Desk):
        self.desk = desk

    def __str__(self) -> str:
        return str(_("%(things)s to") % {"things": self.desk.label_plural})


undo.entitled.add("hand_over_all")


@job_kind("hand_over_all")
def hand_over_all(running: Running) -> dict[str, Any]:
    """Records first, step by step, then the person's places and account in one step."""
    given = running.parameters
    person = Person.objects.filter(pk=given["person"]).first()
    if person is None:
        raise JobError(_("The person is not there any more."))
    if "total" not in running.checkpoint:
        total = sum(_in_hand(desk, person).count() for desk in handed_over())
        with running.step(done=0, total=total, told={}, given={}) as mark:
            mark["total"] = total
    for desk in handed_over():
        while ids := list(_in_hand(desk, person).order_by("pk").values_list("pk", flat=True)[:STEP]):
            done = running.job.done + len(ids)
            with running.step(done=done, total=running.checkpoint["total"]) as mark:
                _hand_over(desk, ids, given, mark)
    with running.step():
        _end_places(person, date.fromisoformat(given["left_on"]), bool(given["lock"]))
    told = running.checkpoint["told"]
    lines = [[name, str(number)] for name, number in told.items()]
    return {
        "summary": lambda: _("%(n)d records handed over.") % {"n": sum(told.values())},
        "lines": lines,
        "url": f"/people/{person.pk}",
        "revertible": True,
    }


def _in_hand(desk: Desk, person: Person) -> Any:
    return desk.model._default_manager.filter(desk.open or Q(), **{desk.owner_field: person.pk})


def _hand_over(desk: Desk, ids: Sequence[int], given: dict[str, Any], mark: dict[str, Any]) -> None:
    """Give these records new owners and keep in `mark` who got which, for those that follow."""
    owner = next(f for f in desk.model._meta.concrete_fields if f.attname == desk.owner_field)
    receivers = _receivers(desk, ids, given, mark["given"])
    target = Target(desk.model, [owner.name], via="job")
    overtake(desk, owner.attname, ids)
    stored = target.stored(ids)
    target.update([(pk, stored[pk][0], {0: (stored[pk][1][0], receivers[pk])}, None, "") for pk in ids if pk in stored])
    desk.model.derive(desk.model.fed(ids))
    names = dict(Person.objects.filter(pk__in=set(receivers.values())).values_list("pk", "name"))
    told = defaultdict(int, mark["told"])
    for pk in ids:
        told[f"{desk.label_plural} → {names[receivers[pk]]}"] += 1
    mark["told"] = dict(told)
    if any(desk.model in _followed(other) for other in handed_over()):
        known = mark["given"].get(desk.key, {})
        mark["given"] = {**mark["given"], desk.key: known | {str(pk): receivers[pk] for pk in ids}}


def _receivers(desk: Desk, ids: Sequence[int], given: dict[str, Any], before: dict[str, Any]) -> dict[int, int]:
    """{record: new owner}: the one chosen for the kind, else whoever got what it belongs to, else in turn."""
    chosen = given["kinds"].get(desk.key)
    if chosen:
        return dict.fromkeys(ids, chosen)
    found: dict[int, int] = {}
    for name, entity in _relations(desk):
        known = before.get(entity, {})
        for pk, other in desk.model._default_manager.filter(pk__in=ids).values_list("pk", name):
            if str(other) in known:
                found.setdefault(pk, known[str(other)])
    turn: Iterator[int] = cycle(given["receivers"])
    return {pk: found[pk] if pk in found else next(turn) for pk in ids}


def _relations(desk: Desk) -> list[tuple[str, str]]:
    """The relations of the desk to what is handed over too, as (column, entity)."""
    fields = (f for f in desk.model._meta.concrete_fields if f.is_relation)
    return [
        (f.attname, str(f.related_model._meta.model_name))
        for f in fields
        if (other := desk_of(f.related_model)) is not None and other.open is not None
    ]


def _followed(desk: Desk) -> set[Any]:
    return {f.related_model for f in desk.model._meta.concrete_fields if f.is_relation}


def _end_places(person: Person, day: date, lock: bool) -> None:
    """End the person's places on that day; who reported to them reports to their manager."""
    above = next(iter(managers_of(person.pk, timezone.localdate())), None)
    for model in PLACES:
        for place in model.objects.filter(person=person).exclude(ends_on__lte=day):
            _end(place, day)
    for line in ReportingLine.objects.filter(manager=person).exclude(ends_on__lte=day):
        follows = ReportingLine(person_id=line.person_id, manager_id=above, starts_on=max(day, line.starts_on))
        follows.ends_on = line.ends_on
        _end(line, day)
        if above is not None and above != line.person_id:
            follows.save()
    for team in Team.objects.filter(leader=person):
        team.leader_id = above
        team.save()
    person.left_on = day
    person.save()
    if lock and day <= timezone.localdate():
        _lock(Account.objects.filter(person=person, is_active=True))


def _end(place: Any, day: date) -> None:
    if place.starts_on >= day:
        place.delete()
        return
    place.ends_on = day
    place.save()


def _lock(accounts: Any) -> int:
    number = 0
    for account in accounts:
        account.is_active = False
        account.save(update_fields=["is_active"])
        number += 1
    return number


@every("day", at="00:05", title=gettext_lazy("Lock the accounts of people who have left"))
def lock_leavers(running: Running) -> dict[str, Any]:
    """Whoever is gone from today on cannot sign in any more."""
    with running.step():
        number = _lock(Account.objects.filter(person__left_on__lte=timezone.localdate(), is_active=True))
    return {"summary": lambda: _("%(n)d accounts locked.") % {"n": number}}

"""Taking back: what a batch of events did is set right again, as far as nobody has built on it since.

Created records go, changed ones get their old values, deleted ones come back under their ids. Nothing newer is ever
overwritten: a record that somebody else has changed since stays as it is and is named. Taking back is itself a batch of
events, so it can be taken back too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.db.models import Max, ProtectedError
from django.utils.translation import gettext as _

from xiaoguan.desk import events, search, tallies
from xiaoguan.desk.access import Rule, Viewer, everyone
from xiaoguan.desk.approvals import guards
from xiaoguan.desk.bulk import CHUNK, Changed, Target, write_events
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.events import acting, current_actor, plain
from xiaoguan.desk.fields import ExactField
from xiaoguan.desk.jobs import Job
from xiaoguan.desk.models import Event

CREATED, CHANGED, DELETED = "created", "changed", "deleted"


@dataclass
class Undone:
    """What came of it: how many records were set right, and which were not, as (entity, id, why)."""

    done: int = 0
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    batch: str = ""
    entitled: bool = False


@dataclass
class Net:
    """What a batch did to one record, all in all. changes: {attribute: [before, after]} in plain values."""

    entity: str
    pk: int
    last: int
    actors: set[int | None] = field(default_factory=set)
    created: bool = False
    deleted: bool = False
    changes: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        self.last = event.pk
        self.actors.add(event.actor_id)
        if event.deed == CREATED:
            self.created = True
        elif event.deed == DELETED:
            self.deleted = True
            self.changes = {n: [self.changes.get(n, pair)[0], None] for n, pair in event.changes.items()}
        else:
            for name, (old, new) in event.changes.items():
                self.changes.setdefault(name, [old, new])[1] = new

    @property
    def kind(self) -> str:
        """What is to be taken back; "" if nothing is left of it."""
        if self.created:
            return "" if self.deleted else CREATED
        return DELETED if self.deleted else CHANGED if self.changes else ""


def undo_batch(batch: str, viewer: Viewer, progress: Callable[[int, int], None] | None = None) -> Undone:
    """Take back everything that this batch did, in one transaction. The rights of `viewer` hold for every record.

    progress    called with (records looked at, all).
    """
    deeds = Event.objects.filter(batch=batch, deed__in=(CREATED, CHANGED, DELETED)).order_by("id")
    with transaction.atomic():
        answer = _undo(net_of(deeds.iterator(CHUNK)), viewer, progress, _entitled(batch, viewer))
        for event in Event.objects.filter(batch=batch, deed__in=list(_also)) if answer.done else ():
            _also[event.deed](event)
    return answer


_also: dict[str, Callable[[Event], None]] = {}


def also(deed: str) -> Callable[[Callable[[Event], None]], Callable[[Event], None]]:
    """Decorator: called with each event of this deed after its batch was taken back, for what no record tells."""

    def add(take_back: Callable[[Event], None]) -> Callable[[Event], None]:
        _also[deed] = take_back
        return take_back

    return add


entitled: set[str] = set()
"""Kinds of jobs that need no right on each record, nor does taking them back by who asked for them. So is a merge."""


def _entitled(batch: str, viewer: Viewer) -> bool:
    if viewer.person_id is None:
        return False
    merged = Event.objects.filter(batch=batch, deed="merged", actor_id=viewer.person_id)
    return merged.exists() or Job.objects.filter(batch=batch, kind__in=entitled, person_id=viewer.person_id).exists()


def undo_events(ids: Collection[int], viewer: Viewer) -> Undone:
    """Take back these events alone."""
    deeds = Event.objects.filter(pk__in=ids, deed__in=(CREATED, CHANGED, DELETED)).order_by("id")
    return _undo(net_of(deeds), viewer, None)


def net_of(deeds: Any) -> list[Net]:
    """The events, oldest first, gathered by record; in the order of each record's last event."""
    found: dict[tuple[str, int], Net] = {}
    for event in deeds:
        key = event.entity, event.record_id
        net = found.pop(key, None) or Net(*key, last=event.pk)
        net.add(event)
        found[key] = net
    return [net for net in found.values() if net.kind]


def _undo(
    nets: list[Net], viewer: Viewer, progress: Callable[[int, int], None] | None, entitled: bool = False
) -> Undone:
    answer, seen = Undone(entitled=entitled), 0
    with transaction.atomic(), acting(viewer.person_id, "undo") as actor:
        answer.batch = actor.batch
        for (entity, kind), several in groupby(reversed(nets), key=lambda net: (net.entity, net.kind)):
            desk = desk_of(entity)
            for chunk in _chunks(list(several)):
                if desk is None:
                    answer.refused += [
                        (entity, net.pk, _("This kind of record is not known any more.")) for net in chunk
                    ]
                else:
                    _back(kind, desk, _unbuilt(desk, chunk, answer), viewer, answer)
                seen += len(chunk)
                if progress:
                    progress(seen, len(nets))
    return answer


def _back(kind: str, desk: Desk, nets: list[Net], viewer: Viewer, answer: Undone) -> None:
    """All of these or, where one of them belongs to what waits for an approval, none."""
    try:
        with transaction.atomic():
            _WAYS[kind](desk, nets, viewer, answer)
    except Changed:
        answer.refused += [(desk.key, n.pk, _("It belongs to what waits for an approval.")) for n in nets]


def _chunks(nets: list[Net]) -> Iterator[list[Net]]:
    for start in range(0, len(nets), CHUNK):
        yield nets[start : start + CHUNK]


def _unbuilt(desk: Desk, nets: list[Net], answer: Undone) -> list[Net]:
    """Those on which nothing has been built since; the others are refused."""
    newest = dict(
        Event.objects.filter(entity=desk.key, record_id__in=[n.pk for n in nets], deed__in=(CREATED, CHANGED, DELETED))
        .values_list("record_id")
        .annotate(Max("pk"))
    )
    for net in nets:
        if newest.get(net.pk, net.last) > net.last and net.kind != CHANGED:
            answer.refused.append((desk.key, net.pk, _("It was changed since.")))
    return [net for net in nets if net.kind == CHANGED or newest.get(net.pk, net.last) <= net.last]


def _allowed(desk: Desk, rule: Rule, nets: list[Net], viewer: Viewer) -> set[int]:
    """The ids of those that are there and that the rule gives the viewer."""
    rows = desk.model._default_manager.filter(rule.q(viewer), pk__in=[n.pk for n in nets])
    return set(rows.values_list("pk", flat=True))


def _own(nets: list[Net], viewer: Viewer) -> list[Net]:
    """Those that the viewer did alone; one may take one's own deed back with less than it takes to do it to others."""
    return [n for n in nets if n.actors == {viewer.person_id}]


def _keep(desk: Desk, nets: list[Net], ids: set[int], answer: Undone) -> list[Net]:
    answer.refused += [(desk.key, n.pk, _("It is gone, or you may not change it.")) for n in nets if n.pk not in ids]
    return [n for n in nets if n.pk in ids]


def _take_away(desk: Desk, nets: list[Net], viewer: Viewer, answer: Undone) -> None:
    """Created records are deleted; who made them may take them back where only others may delete."""
    ids = _allowed(desk, everyone if answer.entitled else desk.delete or desk.write, nets, viewer)
    nets = _keep(desk, nets, ids | _allowed(desk, desk.write, _own(nets, viewer), viewer), answer)
    if not nets:
        return
    if guards.is_part(desk.model) and guards.part_frozen(desk.model, desk.model.fed([n.pk for n in nets])):
        raise Changed()
    rows = desk.model._default_manager.filter(pk__in=[n.pk for n in nets])
    feeds = {pk for pk in desk.model.fed([n.pk for n in nets])} if desk.model.FEEDS != "id" else set()
    try:
        with transaction.atomic():
            gone = [
                (r.pk, DELETED, {f.attname: [plain(getattr(r, f.attname)), None] for f in r._meta.concrete_fields}, "")
                for r in rows.order_by("pk").iterator(CHUNK)
            ]
            if tallies.names_of(desk):
                tallies.move(desk, tallies.standing(desk, [n.pk for n in nets]), [])
            rows.delete()
            write_events(desk.key, current_actor().via, gone)
            search.forget_many(desk.model, [n.pk for n in nets])
            desk.model.derive(feeds)
    except ProtectedError:
        if len(nets) == 1:
            answer.refused.append((desk.key, nets[0].pk, _("Other records have come to belong to it.")))
            return
        middle = len(nets) // 2
        _take_away(desk, nets[:middle], viewer, answer)
        _take_away(desk, nets[middle:], viewer, answer)
    else:
        answer.done += len(nets)


def _set_back(desk: Desk, nets: list[Net], viewer: Viewer, answer: Undone) -> None:
    """Changed records get their old values where the new ones still stand."""
    ids = _allowed(desk, everyone if answer.entitled else desk.write, nets, viewer)
    if not answer.entitled:  # what others did to fields that one may not change stays
        limited = desk.restricted(viewer)
        kept = {f.attname for f in desk.model._meta.concrete_fields if f.name in limited}
        ids -= {n.pk for n in nets if n.actors != {viewer.person_id} and not kept.isdisjoint(n.changes)}
    ids |= {n.pk for n in _own([n for n in nets if n.pk not in ids], viewer) if _was_mine(desk, n, viewer)}
    nets = _anchored(desk, _keep(desk, nets, ids, answer), answer)
    by_attname = {f.attname: f for f in desk.model._meta.concrete_fields}
    names = sorted({n for net in nets for n in net.changes if n in by_attname})
    if not names:
        return
    target = Target(desk.model, [by_attname[n].name for n in names], via=current_actor().via)
    stored = target.stored([n.pk for n in nets])
    rows, left, approvals = [], set(), guards.watching(desk)
    for net in nets:
        version, values = stored[net.pk]
        changes: dict[int, tuple[Any, Any]] = {}
        for name, (old, new) in net.changes.items():
            place = names.index(name) if name in by_attname else -1
            if place < 0:
                continue
            kept = by_attname[name]
            if values[place] != _stored(kept, new):
                answer.refused.append(
                    (desk.key, net.pk, _("%(field)s was changed since.") % {"field": kept.verbose_name})
                )
                break
            changes[place] = (values[place], _stored(kept, old))
        else:
            if approvals and changes and (why := _in_the_way(target, net.pk, changes)):
                answer.refused.append((desk.key, net.pk, why))
            elif changes:
                rows.append((net.pk, version, changes, None, ""))
                left |= {values[p] for p in changes if by_attname[names[p]].name == desk.model.FEEDS} - {None}
    target.update(rows)
    desk.model.derive(desk.model.fed([row[0] for row in rows]) | left)
    answer.done += len(rows)


def _anchored(desk: Desk, nets: list[Net], answer: Undone) -> list[Net]:
    """Those whose old relations lead to records that are there; the others are refused."""
    lost: set[int] = set()
    for way in (f for f in desk.model._meta.concrete_fields if f.is_relation):
        wanted = {net.pk: net.changes[way.attname][0] for net in nets if way.attname in net.changes}
        there = way.related_model._default_manager.filter(pk__in={pk for pk in wanted.values() if pk is not None})
        known = {None, *there.values_list("pk", flat=True)} if wanted else set()
        lost |= {pk for pk, other in wanted.items() if other not in known}
    answer.refused += [(desk.key, pk, _("Something that it belongs to is gone.")) for pk in sorted(lost)]
    return [net for net in nets if net.pk not in lost]


def _in_the_way(target: Target, pk: int, changes: dict[int, Any]) -> str:
    """The approval that keeps these changes from being taken back, in words; "" if none does."""
    try:
        guards.guard(target.changed(pk, changes), {target.fields[place].attname for place in changes})
    except guards.Refused as refused:
        return str(refused)
    return ""


def _was_mine(desk: Desk, net: Net, viewer: Viewer) -> bool:
    """Whether the viewer might write the record as it was before, having handed it over just now."""
    record = desk.model._default_manager.filter(pk=net.pk).first()
    if record is None:
        return False
    for name, (old, _new) in net.changes.items():
        setattr(record, name, old)
    return desk.may_write(viewer, record)


def _stored(kept: models.Field[Any, Any], value: Any) -> Any:
    """An event's plain value as the bulk writer has it: whole numbers for exact decimals."""
    value = kept.to_python(value)
    return kept.to_units(value) if isinstance(kept, ExactField) and value is not None else value


def _bring_back(desk: Desk, nets: list[Net], viewer: Viewer, answer: Undone) -> None:
    """Deleted records are made again under the same ids, one version later."""
    for net in nets:
        record = remade(desk, net.changes)
        if not (answer.entitled or desk.may_delete(viewer, record)):
            answer.refused.append((desk.key, net.pk, _("You may not bring it back.")))
            continue
        record.version += 1
        try:
            with transaction.atomic():
                guards.guard_part(record)
                models.Model.save(record, force_insert=True)
                record.event_id = events.write(record, "restored")
                record._after_write({}, None)
        except guards.Refused as refused:
            answer.refused.append((desk.key, net.pk, str(refused)))
        except IntegrityError:
            answer.refused.append(
                (desk.key, net.pk, _("Something that it belongs to is gone, or another took its place."))
            )
        else:
            answer.done += 1


def remade(desk: Desk, changes: dict[str, list[Any]]) -> Any:
    """The record that a deletion's event describes; not saved."""
    fields = {f.attname: f for f in desk.model._meta.concrete_fields}
    return desk.model(**{n: fields[n].to_python(old) for n, (old, _new) in changes.items() if n in fields})


_WAYS: dict[str, Callable[[Desk, list[Net], Viewer, Undone], None]] = {
    CREATED: _take_away,
    CHANGED: _set_back,
    DELETED: _bring_back,
}


def values_at(record: Any, event_id: int) -> dict[str, Any]:
    """{attribute: plain value} of the record right after this event, by walking back from now."""
    later = Event.objects.filter(entity=record._meta.model_name, record_id=record.pk, pk__gt=event_id)
    values = {f.attname: plain(getattr(record, f.attname)) for f in record._meta.concrete_fields}
    for changes in later.filter(deed=CHANGED).order_by("-pk").values_list("changes", flat=True):
        values.update({name: old for name, (old, _new) in changes.items()})
    return values


def merged_into(desk: Desk, pk: int) -> int | None:
    """The record that this one was merged into, if that is why it is gone."""
    last = Event.objects.filter(entity=desk.key, record_id=pk).order_by("-pk")[:2]
    told = next((e.changes for e in last if e.deed == "joined"), {})
    return told.get("into", [None, None])[1]


def parts_of(desk: Desk, deed: Event) -> list[int]:
    """The deletions of what belonged to this deleted record and went with it."""
    found: list[int] = []
    for relation in desk.model._meta.related_objects:
        other = desk_of(relation.related_model)
        if relation.on_delete is models.CASCADE and other is not None:
            name = relation.field.attname
            for event in Event.objects.filter(batch=deed.batch, entity=other.key, deed=DELETED, pk__lt=deed.pk):
                if event.changes.get(name, [None])[0] == deed.record_id:
                    found += [event.pk, *parts_of(other, event)]
    return found


def restore_version(desk: Desk, record: Any, viewer: Viewer, event_id: int) -> Any:
    """Set the record's own values to what they were right after this event, and save; fields that the viewer may not
    change stay as they are.

    Raises PermissionDenied where the viewer may not leave it like that, Conflict where it changed meanwhile.
    """
    kept = {*record.BOOKKEEPING, *desk.restricted(viewer)}
    fields = {f.attname: f for f in desk.model._meta.concrete_fields if f.name not in kept}
    rules = [verb().rule(desk.write) for verb in desk.verbs]
    barred = next((rule for rule in rules if not rule.allows(viewer, record)), None)
    for name, value in values_at(record, event_id).items():
        if name in fields:
            setattr(record, name, fields[name].to_python(value))
    changed = [fields[name].name for name in record.changes()]
    if barred is not None and not set(changed) <= set(desk.form_fields):  # such fields are changed by verbs alone
        raise PermissionDenied(_("You may not do this: %(who)s may.") % {"who": barred.words()})
    if not desk.may_keep(viewer, record, changed):
        raise PermissionDenied(_("You may only keep this for yourself or for people you are responsible for."))
    record.save()
    return record


def deleted(
    desk: Desk, viewer: Viewer, before: int | None = None, size: int = 50
) -> tuple[list[tuple[Event, Any]], int | None]:
    """The recycle bin: newest deletions of this desk that the viewer may see, each with the record that it was.

    Also the marker of the next page (None on the last), which is given as `before`.
    """
    found: list[tuple[Event, Any]] = []
    known: set[int] = set()
    while len(found) < size:
        rows = Event.objects.filter(entity=desk.key, deed=DELETED).order_by("-pk")
        page: Sequence[Event] = list((rows.filter(pk__lt=before) if before else rows)[:200])
        if not page:
            return found, None
        alive = set(desk.model._default_manager.filter(pk__in=[e.record_id for e in page]).values_list("pk", flat=True))
        for event in page:
            before = event.pk
            if event.record_id in alive or event.record_id in known:
                continue
            known.add(event.record_id)
            record = remade(desk, event.changes)
            if desk.may_read(viewer, record):
                found.append((event, record))
                if len(found) == size:
                    return found, before
    return found, before

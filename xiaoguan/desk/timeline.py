"""The timeline (动态) of a record: what was changed, done, said and attached, newest first, some at a time.

Three sources, each in its own order by its own index, are merged by their moments. The marker of the next page keeps
how far each source has been told, so a page costs the same however long the story is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from heapq import merge
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from xiaoguan.desk import comments
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.expressions import BadQuery
from xiaoguan.desk.models import Event

SIZE, PLANNED = 20, 8
SAID = "commented", "joined"
"""Deeds that the timeline tells in another way."""


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `position` is where its source goes on; thing: Events of one deed, a Comment, or a
    record of what was done."""

    source: str
    at: datetime
    position: str
    thing: Any


@dataclass
class Story:
    """One page. entries: newest first; after: the marker of the next page, "" on the last."""

    entries: list[Entry] = field(default_factory=list)
    after: str = ""


Source = Callable[[str, int], list[Entry]]


def told(desk: Desk, record: Any, viewer: Viewer, only: str = "", after: str = "", size: int = SIZE) -> Story:
    """A page of the record's timeline. The caller has asked `may_read`.

    only    "changes", "comments", "files" or "steps"; everything where empty. Raises BadQuery for a wrong marker.
    """
    sources = _sources(desk, record, viewer)
    names = {"": list(sources), "files": ["comments"]}.get(only, [only])
    if only == "files":
        sources["comments"] = lambda before, n: _comments(desk, record, before, n, Q(files__isnull=False))
    places = _read(after)
    parts = [sources[name](places.get(name, ""), size + 1) for name in names if name in sources]
    whole = _gathered(list(merge(*parts, key=lambda e: e.at, reverse=True)))
    story = Story(whole[:size])
    if len(whole) > size:
        places |= {entry.source: entry.position for entry in story.entries}
        story.after = ".".join(f"{name}-{place}" for name, place in places.items())
    return story


def _read(marker: str) -> dict[str, str]:
    places = dict(part.split("-", 1) for part in marker.split(".") if "-" in part)
    if any(not place.replace("_", "").isdecimal() for place in places.values()) or len(marker) > 120:
        raise BadQuery(_("There is no such page of the timeline."))
    return places


def _sources(desk: Desk, record: Any, viewer: Viewer) -> dict[str, Source]:
    found: dict[str, Source] = {
        "changes": lambda before, n: _changes(desk, record, before, n),
        "comments": lambda before, n: _comments(desk, record, before, n),
    }
    if (rows := steps_of(desk, record, viewer)) is not None:
        found["steps"] = lambda before, n: _done(desk, rows, before, n)
    return found


def _changes(desk: Desk, record: Any, before: str, size: int) -> list[Entry]:
    rows = Event.objects.filter(entity=desk.key, record_id__in=ids_of(desk, record))
    rows = rows.exclude(deed__in=(*SAID, *(verb.name for verb in desk.verbs if verb.step)))
    rows = rows.exclude(~Q(record_id=record.pk), deed="deleted")  # that another one went into this one is told by it
    rows = rows.filter(pk__lt=int(before)) if before else rows
    return [Entry("changes", event.at, str(event.pk), [event]) for event in rows.order_by("-pk")[:size]]


def ids_of(desk: Desk, record: Any) -> list[int]:
    """The record and those that were merged into it: their story is its story."""
    merged = Event.objects.filter(entity=desk.key, record_id=record.pk, deed="merged").values_list("changes", flat=True)
    return [record.pk, *(pk for changes in merged for pk in changes.get("with", [None, []])[1])]


def _comments(desk: Desk, record: Any, before: str, size: int, more: Q | None = None) -> list[Entry]:
    rows = comments.of(desk, record).filter(more or Q())
    rows = rows.filter(pk__lt=int(before)) if before else rows
    rows = rows.distinct().order_by("-pk").prefetch_related("files")[:size]
    return [Entry("comments", comment.created_at, str(comment.pk), comment) for comment in rows]


def steps_of(desk: Desk, record: Any, viewer: Viewer) -> QuerySet | None:
    """What is planned and done about the record, as far as the viewer may read it; None where nothing is declared."""
    other = steps_desk(desk)
    if other is None or not other.may_open(viewer):
        return None
    return other.visible(viewer).filter(**{_back(desk): record.pk})


def steps_desk(desk: Desk) -> Desk | None:
    relation = _relation(desk)
    return desk_of(relation.related_model) if relation else None


def _relation(desk: Desk) -> Any:
    name = desk.steps.relation if desk.steps else ""
    return next((r for r in desk.model._meta.related_objects if r.get_accessor_name() == name), None)


def _back(desk: Desk) -> str:
    return str(_relation(desk).field.name)


def _done(desk: Desk, rows: QuerySet, before: str, size: int) -> list[Entry]:
    assert desk.steps is not None
    name = desk.steps.done
    rows = rows.filter(**{f"{name}__isnull": False})
    if before:
        ordinal, pk = before.split("_")
        day = date.fromordinal(int(ordinal))
        rows = rows.filter(Q(**{f"{name}__lte": day}) & (Q(**{f"{name}__lt": day}) | Q(pk__lt=int(pk))))
    found = []
    for step in rows.order_by(f"-{name}", "-pk")[:size]:
        day = getattr(step, name)
        found.append(Entry("steps", _evening(day), f"{day.toordinal()}_{step.pk}", step))
    return found


def _evening(day: date) -> datetime:
    """What was done on a day stands above what else happened on it."""
    return timezone.make_aware(datetime.combine(day, time.max))


def planned(desk: Desk, record: Any, viewer: Viewer, most: int = PLANNED) -> list[Any]:
    """What is to be done next, the earliest first."""
    rows = steps_of(desk, record, viewer)
    if rows is None or desk.steps is None:
        return []
    return list(rows.filter(**{f"{desk.steps.done}__isnull": True}).order_by(desk.steps.due, "pk")[:most])


def _gathered(entries: Sequence[Entry]) -> list[Entry]:
    """Events that one request wrote about the record are one deed: a win and the fields that it changed."""
    found: list[Entry] = []
    for entry in entries:
        last = found[-1] if found else None
        if last and entry.source == last.source == "changes" and _alike(last.thing[-1], entry.thing[0]):
            found[-1] = Entry("changes", last.at, entry.position, [*last.thing, *entry.thing])
        else:
            found.append(entry)
    return found


def _alike(one: Event, other: Event) -> bool:
    near = abs(one.at - other.at) < timedelta(minutes=1)
    return bool(one.batch) and one.batch == other.batch and one.record_id == other.record_id and near

"""Two people change one record: what does not clash goes together by itself, for the rest somebody chooses.

What a form was opened with is told by the events since then. A field that only one of the two has changed gets that
value; one that both have changed to different things is a clash, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from xiaoguan.desk.access import mask
from xiaoguan.desk.cells import formatter, money_text
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.events import plain
from xiaoguan.desk.models import Event
from xiaoguan.desk.paths import resolve
from xiaoguan.desk.records import Conflict, Record


@dataclass(frozen=True)
class Side:
    """One field as it was, as somebody else made it, and as it is now to become; plain values of its column."""

    name: str
    original: Any
    theirs: Any
    yours: Any


class Clash(Conflict):
    """Somebody else has set the same fields to something else. `by` is who saved last, None for the program."""

    def __init__(self, record: Record, sides: Sequence[Side], by: int | None):
        super().__init__(record)
        self.sides, self.by, self.version = tuple(sides), by, record.version


def original(record: Record, version: int) -> dict[str, Any] | None:
    """{attribute: plain value} of the record when it was at this version; None if the events do not tell."""
    values = {name: plain(value) for name, value in record._loaded.items()}
    rows = Event.objects.filter(entity=record._meta.model_name, record_id=record.pk, deed__in=("changed", "restored"))
    steps = list(rows.order_by("-pk").values_list("changes", flat=True)[: max(record.version - version, 0)])
    if version < 1 or version > record.version or len(steps) < record.version - version:
        return None
    for changes in steps:
        values.update({name: old for name, (old, _new) in changes.items()})
    return values


def reconcile(record: Record, version: int, names: Sequence[str]) -> None:
    """Bring a record that was filled in from a form opened at `version` together with what is stored now.

    names    the fields of the form. Raises Clash where both have changed one, Conflict where it cannot be told.
    """
    before = original(record, version)
    if before is None:
        raise Conflict(record)
    clashes = []
    for name in names:
        attname = record._meta.get_field(name).attname
        side = Side(name, before[attname], plain(record._loaded[attname]), plain(getattr(record, attname)))
        if side.yours == side.original:
            setattr(record, attname, record._loaded[attname])
        elif side.theirs not in (side.original, side.yours):
            clashes.append(side)
    if clashes:
        raise Clash(record, clashes, _last(record))


def _last(record: Record) -> int | None:
    rows = Event.objects.filter(entity=record._meta.model_name, record_id=record.pk, deed__in=("changed", "restored"))
    return rows.order_by("-pk").values_list("actor_id", flat=True).first()


# In words


def text_of(desk: Desk, name: str, value: Any, masked: bool = False) -> str:
    """A plain value of a field as people read it."""
    field = desk.model._meta.get_field(name)
    path = resolve(desk.model, name)
    if value in (None, ""):
        return "–"
    if path.relation:
        found = field.related_model._default_manager.filter(pk=value).first()
        text = str(found) if found else "–"
    elif path.kind == "money":
        text = money_text(value)
    else:
        text = formatter(path)(field.to_python(value))
    return mask(text) if masked else text


SIDES = "yours", "theirs", "original"


def told(clash: Clash) -> list[dict[str, Any]]:
    """The clash for a page: name and label of each field, three texts, and their plain values."""
    desk = desk_of(type(clash.record))
    assert desk is not None
    return [
        {
            "name": side.name,
            "label": str(desk.model._meta.get_field(side.name).verbose_name),
            "values": {which: getattr(side, which) for which in SIDES},
            **{which: text_of(desk, side.name, getattr(side, which)) for which in SIDES},
        }
        for side in clash.sides
    ]


def sentence(clash: Clash) -> str:
    """The clash in one line, for where there is no room for a page."""
    parts = [
        _("%(field)s is now %(theirs)s, you have %(yours)s") % {**side, "field": side["label"]} for side in told(clash)
    ]
    words = {"name": who(clash), "what": _("; ").join(parts)}
    return _("%(name)s saved meanwhile: %(what)s. Save again to keep yours.") % words


def who(clash: Clash) -> str:
    """The name of who saved meanwhile."""
    people = desk_of("person")
    rows = people.model._default_manager.filter(pk=clash.by) if people else None
    return (rows.values_list("name", flat=True).first() if rows is not None else None) or _("the system")

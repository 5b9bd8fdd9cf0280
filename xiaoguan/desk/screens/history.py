"""What happened to a record, in words: its events with old and new values as people read them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from xiaoguan.desk.access import Viewer, mask
from xiaoguan.desk.cells import formatter, money_text
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.models import Event
from xiaoguan.desk.paths import resolve
from xiaoguan.desk.records import Record
from xiaoguan.desk.screens.common import names_of

HISTORY = 50


def history_of(desk: Desk, record: Record, viewer: Viewer) -> list[dict[str, Any]]:
    """The newest deeds on the record in words, with old and new values as people read them."""
    events = list(Event.objects.filter(entity=desk.key, record_id=record.pk).order_by("-id")[:HISTORY])
    names = names_of({e.actor_id for e in events if e.actor_id})
    verbs = {v.name: str(v.label) for v in desk.verbs}
    sentences = {
        "created": _("created"),
        "changed": _("changed"),
        "deleted": _("deleted"),
        "restored": _("brought back"),
    }
    return [
        {
            "id": e.pk,
            "at": e.at,
            "actor": names.get(e.actor_id, _("the system")),
            "sentence": sentences.get(e.deed) or verbs.get(e.deed, e.deed),
            "via": e.via,
            "note": e.note,
            "changes": _changes(desk, viewer, e.changes) if e.deed == "changed" else [],
        }
        for e in events
    ]


def _changes(desk: Desk, viewer: Viewer, changes: dict[str, list[Any]]) -> list[dict[str, str]]:
    found = []
    for attname, (old, new) in changes.items():
        field = next((f for f in desk.model._meta.concrete_fields if f.attname == attname), None)
        level = desk.level(viewer, field.name) if field is not None else "none"
        if field is None or level == "none":
            continue
        shown = resolve(desk.model, field.name)
        if shown.relation:
            titles = {
                r.pk: str(r)
                for r in shown.field.related_model._default_manager.filter(pk__in=[x for x in (old, new) if x])
            }
            texts = [titles.get(x, "–") for x in (old, new)]
        elif shown.kind == "money":
            texts = [money_text(x) for x in (old, new)]
        else:
            show = formatter(shown)
            texts = [show(_typed(field, x)) for x in (old, new)]
        if level == "masked":
            texts = [mask(text) for text in texts]
        found.append({"label": str(field.verbose_name), "old": texts[0], "new": texts[1]})
    return found


def _typed(field: Any, value: Any) -> Any:
    return None if value is None else field.to_python(value)

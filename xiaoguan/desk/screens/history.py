"""What happened to a record, in words: its events with old and new values as people read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from xiaoguan.desk.access import Viewer, mask
from xiaoguan.desk.cells import amount_text, formatter, money_text
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.fields import counted_in
from xiaoguan.desk.models import Event
from xiaoguan.desk.paths import resolve

Titles = dict[type, dict[Any, str]]


def sentence(desk: Desk, events: Sequence[Event]) -> str:
    """What these events of one deed are called: a verb as it is told, else what became of the record."""
    verbs = {v.name: str(v.told or v.label) for v in desk.verbs}
    sentences = {
        "created": _("created"),
        "changed": _("changed"),
        "deleted": _("deleted"),
        "restored": _("brought back"),
        "merged": _("merged"),
        "approval_asked": _("asked for approval"),
        "approval_signed": pgettext("deed", "approved"),
        "approval_returned": pgettext("deed", "sent back for a change"),
        "approval_rejected": pgettext("deed", "rejected"),
        "approval_withdrawn": pgettext("deed", "withdrew the approval"),
        "approval_signer_added": pgettext("deed", "asked one more to sign"),
    }
    deeds = [e.deed for e in events]
    named = next((verbs[d] for d in deeds if d in verbs), "")
    return named or next((sentences[d] for d in deeds if d != "changed" and d in sentences), "") or _("changed")


def changes_of(
    desk: Desk, viewer: Viewer, record: Any, events: Sequence[Event], titles: Titles
) -> list[dict[str, str]]:
    """The fields that these events of one deed of the record changed, from their first to their last values."""
    net: dict[str, list[Any]] = {}
    for event in sorted((e for e in events if e.deed == "changed"), key=lambda e: e.pk):
        for name, (old, new) in event.changes.items():
            net.setdefault(name, [old, new])[1] = new
    return [change for name, pair in net.items() if (change := _change(desk, viewer, record, name, pair, titles))]


def titles_of(desk: Desk, events: Sequence[Event]) -> Titles:
    """The titles of all related records that the events speak of: one query for each kind."""
    fields = {f.attname: f for f in desk.model._meta.concrete_fields if f.is_relation}
    wanted: dict[type, set[Any]] = defaultdict(set)
    for event in events:
        if event.deed == "changed":
            for name, pair in event.changes.items():
                if name in fields:
                    wanted[fields[name].related_model] |= {pk for pk in pair if pk}
    return {m: {r.pk: str(r) for r in m._default_manager.filter(pk__in=ids)} for m, ids in wanted.items()}


def _change(
    desk: Desk, viewer: Viewer, record: Any, attname: str, pair: list[Any], titles: Titles
) -> dict[str, str] | None:
    field = next((f for f in desk.model._meta.concrete_fields if f.attname == attname), None)
    level = desk.level(viewer, field.name) if field is not None else "none"
    if field is None or level == "none":
        return None
    name = counted_in(field)
    texts = texts_of(field, pair, titles, getattr(record, name) if name else "")
    if level == "masked":
        texts = [mask(text) for text in texts]
    return {"label": str(field.verbose_name), "old": texts[0], "new": texts[1]}


def texts_of(field: Any, values: Sequence[Any], titles: Titles, currency: str = "") -> list[str]:
    """Plain values of an event as people read them; amounts in that currency."""
    shown = resolve(field.model, field.name)
    if shown.relation:
        known = titles.get(field.related_model, {})
        return [known.get(x, "–") for x in values]
    if shown.kind == "money":
        return [money_text(x, currency) for x in values]
    if currency:
        return [amount_text(_typed(field, x), currency) for x in values]
    show = formatter(shown)
    return [show(_typed(field, x)) for x in values]


def _typed(field: Any, value: Any) -> Any:
    return None if value is None else field.to_python(value)

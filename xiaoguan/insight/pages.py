"""The page of a warning: which numbers decided, down to the records behind them, and who was told."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.urls import path

from xiaoguan.base.explain import Line
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.screens.details import detail_page
from xiaoguan.insight.models import Warning
from xiaoguan.rulebook.lines import line_words, names_of
from xiaoguan.rulebook.versions import document_of


def _warning(request: HttpRequest, viewer: Viewer, record: Warning) -> dict[str, Any]:
    line = Line.from_json(record.trace) if record.trace else None
    names = names_of(document_of(record.policy)) if record.policy else {}
    told = record.told.select_related("person").order_by("on", "id")
    return {
        "decided": [line_words(part, names) for part in line.parts] if line else [],
        "condition": line_words(line, names) if line else None,
        "policy": record.policy,
        "told": [{"name": one.person.name, "on": one.on} for one in told],
        "subject": _subject(viewer, record),
    }


def _subject(viewer: Viewer, record: Warning) -> dict[str, str] | None:
    """The customer or deal, with a link for whoever may read it."""
    thing = record.deal or record.customer
    desk = desk_of(type(thing)) if thing is not None else None
    if desk is None or not desk.may_read(viewer, thing):
        return None
    return {"label": str(thing), "url": desk.url("detail", pk=thing.pk)}


def urls() -> list[Any]:
    """Before the pages of every desk."""
    page = partial(detail_page, desk=desk_of(Warning), template="insight/warning.html", more=_warning)
    return [path("warnings/<int:pk>", page, name="warning_page")]

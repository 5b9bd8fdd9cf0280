"""The pages of a warning and of an honour: which numbers decided, down to the records behind them."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.urls import path

from xiaoguan.base.explain import Line
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.screens.details import detail_page
from xiaoguan.insight.models import Honour, HonourBasis, Warning
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


def _honour(request: HttpRequest, viewer: Viewer, record: Honour) -> dict[str, Any]:
    """The number behind it, for the person, whoever is above and the offices."""
    office = viewer.has("general_manager", "operations", "finance", "hr")
    if not office and record.person_id not in viewer.own | viewer.reports:
        return {"line": None}
    basis = HonourBasis.objects.filter(honour=record.pk).select_related("policy").first()
    names = names_of(document_of(basis.policy)) if basis is not None else {}
    return {"line": line_words(Line.from_json(basis.trace), names) if basis is not None else None}


def urls() -> list[Any]:
    """Before the pages of every desk."""
    page = partial(detail_page, desk=desk_of(Warning), template="insight/warning.html", more=_warning)
    honour = partial(detail_page, desk=desk_of(Honour), template="insight/honour.html", more=_honour)
    return [
        path("warnings/<int:pk>", page, name="warning_page"),
        path("honours/<int:pk>", honour, name="honour_page"),
    ]

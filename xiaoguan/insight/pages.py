"""The pages of a warning and of an honour: which numbers decided, down to the records behind them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from xiaoguan.base.explain import Line
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api import answer, guarded
from xiaoguan.desk.api.openapi import documents
from xiaoguan.desk.api.views import is_id
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.records import Record
from xiaoguan.desk.screens.details import detail_page
from xiaoguan.insight.models import Honour, HonourBasis, Warning
from xiaoguan.rulebook.asking import line_json
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


def _basis(viewer: Viewer, record: Honour) -> HonourBasis | None:
    """The number behind it, for the person, whoever is above and the offices."""
    office = viewer.has("general_manager", "operations", "finance", "hr")
    if not office and record.person_id not in viewer.own | viewer.reports:
        return None
    return HonourBasis.objects.filter(honour=record.pk).select_related("policy").first()


def _honour(request: HttpRequest, viewer: Viewer, record: Honour) -> dict[str, Any]:
    basis = _basis(viewer, record)
    names = names_of(document_of(basis.policy)) if basis is not None else {}
    return {"line": line_words(Line.from_json(basis.trace), names) if basis is not None else None}


# For programs


def _read(request: HttpRequest, model: type[Record], pk: int) -> tuple[Viewer, Any]:
    viewer, desk = viewer_of(request), desk_of(model)
    record = desk.visible(viewer).filter(pk=pk).first() if desk is not None and is_id(pk) else None
    if record is None:
        raise Http404
    return viewer, record


def warning_why(request: HttpRequest, pk: int) -> HttpResponse:
    """What decided, with values as programs read them, down to the records; and who was told when."""
    _viewer, record = _read(request, Warning, pk)
    line = Line.from_json(record.trace) if record.trace else None
    told = record.told.order_by("on", "id").values_list("person", "person__name", "on")
    return answer(
        {
            "id": record.pk,
            "condition": line.formula if line else "",
            "decided": [line_json(part) for part in line.parts] if line else [],
            "told": [{"person": person, "name": name, "on": on} for person, name, on in told],
        }
    )


def honour_why(request: HttpRequest, pk: int) -> HttpResponse:
    viewer, record = _read(request, Honour, pk)
    basis = _basis(viewer, record)
    if basis is None:
        raise Http404
    return answer({"id": record.pk, "decided": [line_json(Line.from_json(basis.trace))]})


@documents
def documented(said: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    key = [{"name": "pk", "in": "path", "required": True, "schema": {"type": "integer"}}]
    answered = {"type": "object", "required": ["id", "decided"], "additionalProperties": True}
    return {
        f"/api/{things}/{{pk}}/why": {
            "get": {"operationId": f"{name}_why", "tags": [name], "parameters": key, "responses": said(answered)}
        }
        for things, name in (("warnings", "warning"), ("honours", "honour"))
    }


def urls() -> list[Any]:
    """Before the pages of every desk."""
    page = partial(detail_page, desk=desk_of(Warning), template="insight/warning.html", more=_warning)
    honour = partial(detail_page, desk=desk_of(Honour), template="insight/honour.html", more=_honour)
    return [
        path("warnings/<int:pk>", page, name="warning_page"),
        path("honours/<int:pk>", honour, name="honour_page"),
        path("api/warnings/<int:pk>/why", guarded(warning_why, "warning", ("GET",))),
        path("api/honours/<int:pk>/why", guarded(honour_why, "honour", ("GET",))),
    ]

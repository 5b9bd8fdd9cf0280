"""Who took which data: every export with its filter, for administrators."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.desk import exporting, jobs
from xiaoguan.desk.access import viewer_of
from xiaoguan.desk.api import answer, guarded, not_here
from xiaoguan.desk.desk import desk_of


def _rows(request: HttpRequest) -> list[dict[str, Any]]:
    if not viewer_of(request).has(*jobs.ADMINISTRATORS):
        raise PermissionDenied(_("Administrators see who exported what."))
    found = list(exporting.written_down())
    people = desk_of("person")
    assert people is not None
    names = people.model._default_manager.in_bulk({event.actor_id for event in found if event.actor_id})
    return [
        {
            "at": event.at,
            "who": str(names.get(event.actor_id) or _("the system")),
            "entity": event.entity,
            "label": desk.label_plural,
            "rows": event.changes.get("rows", 0),
            "kind": event.changes.get("kind", ""),
            "query": event.changes.get("query", ""),
            "url": f"{desk.url()}?{event.changes.get('query', '')}",
            "via": event.via,
        }
        for event in found
        if (desk := desk_of(event.entity))
    ]


@require_GET
def exports_page(request: HttpRequest) -> HttpResponse:
    return render(request, "jobs/exports.html", {"rows": _rows(request)})


@guarded
def api_exports(request: HttpRequest) -> HttpResponse:
    if request.method != "GET":
        return not_here("GET")
    return answer({"items": [{k: v for k, v in row.items() if k != "label"} for row in _rows(request)]})


def urls() -> list[Any]:
    return [path("exports/", exports_page, name="exports"), path("api/exports", api_exports)]

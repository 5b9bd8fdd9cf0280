"""Saved views for programs: read those one has, make, change and delete one's own."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from xiaoguan.desk import views
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api.refusals import answer, not_here
from xiaoguan.desk.api.views import body_of
from xiaoguan.desk.desk import Desk, desk_of, desks
from xiaoguan.desk.views import KINDS, SavedView

FIELDS: dict[str, dict[str, Any]] = {
    "name": {"type": "string", "maxLength": 60},
    "shared": {"type": "string", "enum": ["", "team", "everyone"]},
    "kind": {"type": "string", "enum": list(KINDS)},
    "query": {"type": "string", "description": "parameters as in the address of the list"},
    "position": {"type": "integer", "minimum": 0, "maximum": 999},
    "pinned": {"type": "boolean"},
    "first_for": {
        "type": "array",
        "items": {"type": "string"},
        "description": 'roles for which the list opens with this view, "" for everybody; administrators and sales '
        "operations set it",
    },
}
_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list}


def views_list(request: HttpRequest) -> HttpResponse:
    """GET: the views that one has, of one list with `entity=opportunities`. POST: a new one."""
    viewer = viewer_of(request)
    if request.method == "GET":
        asked = request.GET.get("entity", "")
        lists = [_desk(asked, viewer)] if asked else [d for d in desks() if d.may_open(viewer)]
        return answer({"items": [_item(d, v) for d in lists for v in views.views_of(d, viewer).all]})
    if request.method != "POST":
        return not_here("GET", "POST")
    data = body_of(request)
    desk = _desk(str(data.pop("entity", "")), viewer)
    return answer(_kept(desk, viewer, _checked(data)), 201)


def views_one(request: HttpRequest, pk: int) -> HttpResponse:
    """GET, PATCH and DELETE of one view; what belongs to others can only be read."""
    viewer = viewer_of(request)
    row = SavedView.objects.filter(~Q(name=""), pk=pk).values_list("entity", flat=True).first()
    desk = desk_of(row) if row else None
    if desk is None or not desk.may_open(viewer) or views.views_of(desk, viewer).get(pk) is None:
        raise Http404
    if request.method == "GET":
        return answer(_found(desk, viewer, pk))
    if request.method == "PATCH":
        return answer(_kept(desk, viewer, _checked(body_of(request)), pk))
    if request.method == "DELETE":
        views.drop(viewer, pk)
        return HttpResponse(status=204)
    return not_here("GET", "PATCH", "DELETE")


def _desk(name: str, viewer: Viewer) -> Desk:
    found = next((d for d in desks() if name in (d.url_name, d.key)), None)
    if found is None or not found.may_open(viewer):
        raise ValidationError({"entity": [_("There is no list '%(name)s'.") % {"name": name}]})
    return found


def _checked(data: dict[str, Any]) -> dict[str, Any]:
    """The fields sent, of the right types. Raises ValidationError."""
    for name, value in data.items():
        if name not in FIELDS:
            known = ", ".join(FIELDS)
            raise ValidationError({name: [_("This is no field of a view; those are %(known)s.") % {"known": known}]})
        wanted = _TYPES[FIELDS[name]["type"]]
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise ValidationError({name: [_("A value of another type is needed here.")]})
        parts = value if isinstance(value, list) else [value]
        if isinstance(value, list) and not all(isinstance(part, str) for part in value):
            raise ValidationError({name: [_("A value of another type is needed here.")]})
        if any("\x00" in str(part) for part in parts):
            raise ValidationError({name: [_("A plain value is needed here.")]})
    return data


@transaction.atomic
def _kept(desk: Desk, viewer: Viewer, data: dict[str, Any], pk: int | None = None) -> dict[str, Any]:
    """Keep a view; what it opens first for may be said of a view that belongs to somebody else."""
    roles = data.pop("first_for", None)
    if data or roles is None or pk is None:
        pk = views.keep(desk, viewer, data, pk).pk
    if roles is not None:
        view = views.views_of(desk, viewer).get(pk)
        assert view is not None, pk
        views.set_first(desk, viewer, view, roles)
    return _found(desk, viewer, pk)


def _found(desk: Desk, viewer: Viewer, pk: int) -> dict[str, Any]:
    view = views.views_of(desk, viewer).get(pk)
    assert view is not None, pk
    return _item(desk, view)


def _item(desk: Desk, view: views.View) -> dict[str, Any]:
    own = {name: getattr(view, name) for name in FIELDS if name != "first_for"}
    first_for = sorted(views.first_for(desk, view))
    return {"id": view.id, "entity": desk.url_name, **own, "first_for": first_for, "mine": view.mine}


def documented(said: Any) -> dict[str, Any]:
    """The part of the OpenAPI document; `said(schema, status)` makes the answers."""
    item = {"type": "object", "properties": {"id": {"type": "integer"}, "entity": {"type": "string"}, **FIELDS}}
    item["properties"]["mine"] = {"type": "boolean"}
    body = {"type": "object", "properties": FIELDS, "additionalProperties": False}
    new = {**body, "properties": {"entity": {"type": "string"}, **FIELDS}, "required": ["entity", "name"]}
    pk = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}

    def sent(schema: dict[str, Any]) -> dict[str, Any]:
        return {"required": True, "content": {"application/json": {"schema": schema}}}

    page = {"type": "object", "properties": {"items": {"type": "array", "items": item}}}
    entity = {"name": "entity", "in": "query", "required": False, "schema": {"type": "string"}}
    gone = {**said(item), "204": {"description": "deleted"}}
    gone.pop("200")
    return {
        "/api/views": {
            "get": {"operationId": "list_views", "tags": ["views"], "parameters": [entity], "responses": said(page)},
            "post": {
                "operationId": "create_view", "tags": ["views"], "requestBody": sent(new),
                "responses": said(item, "201"),
            },
        },
        "/api/views/{id}": {
            "get": {"operationId": "read_view", "tags": ["views"], "parameters": [pk], "responses": said(item)},
            "patch": {
                "operationId": "change_view", "tags": ["views"], "parameters": [pk], "requestBody": sent(body),
                "responses": said(item),
            },
            "delete": {"operationId": "delete_view", "tags": ["views"], "parameters": [pk], "responses": gone},
        },
    }  # fmt: skip

"""Comments and files of a record for programs."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from xiaoguan.desk import comments
from xiaoguan.desk.api.openapi import documents
from xiaoguan.desk.api.refusals import answer, guarded, not_here
from xiaoguan.desk.api.views import body_of, found
from xiaoguan.desk.comments import Attachment, Comment
from xiaoguan.desk.desk import Desk, desks
from xiaoguan.desk.screens.imports import limited
from xiaoguan.desk.screens.stories import handed_out

MOST = 200


def comments_of(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """GET: the newest first, `before` an id. POST: {"text"}, or a multipart form with `text` and `files`."""
    viewer, record = found(request, desk, pk)
    if request.method == "GET":
        rows = comments.of(desk, record).order_by("-pk").prefetch_related("files")
        if (before := request.GET.get("before")) is not None:
            if not before.isdecimal() or len(before) > 18:
                raise ValidationError({"before": [_("An id is needed here.")]})
            rows = rows.filter(pk__lt=int(before))
        return answer({"items": [_item(desk, c) for c in rows[:MOST]]})
    if request.method != "POST":
        return not_here("GET", "POST")
    if request.content_type == "multipart/form-data":
        if not (set(request.POST) <= {"text"} and set(request.FILES) <= {"files"}):
            raise ValidationError({"text": [_("Send the text of the comment and its files, and nothing else.")]})
        text, files = request.POST.get("text", ""), request.FILES.getlist("files")
    else:
        text, files = _text(body_of(request)), []
    return answer(_item(desk, comments.write(desk, viewer, record, text, files)), 201)


def comment(request: HttpRequest, desk: Desk, pk: int, comment: int) -> HttpResponse:
    """PATCH {"text"} and DELETE of one's own comment."""
    viewer, record = found(request, desk, pk)
    row = comments.of(desk, record).filter(pk=comment).first()
    if row is None:
        raise Http404
    if request.method == "PATCH":
        comments.change(desk, viewer, record, row, _text(body_of(request)))
        return answer(_item(desk, row))
    if request.method == "DELETE":
        comments.remove(viewer, row)
        return HttpResponse(status=204)
    return not_here("PATCH", "DELETE")


def file(request: HttpRequest, desk: Desk, pk: int, file: int) -> HttpResponse | FileResponse:
    """The content of a file of the record."""
    _viewer, record = found(request, desk, pk)
    if request.method != "GET":
        return not_here("GET")
    row = Attachment.objects.filter(pk=file, comment__entity=desk.key, comment__record_id=record.pk).first()
    if row is None or not row.path.is_file():
        raise Http404
    return handed_out(row)


def _text(data: dict[str, Any]) -> str:
    text = data.get("text")
    if not isinstance(text, str) or set(data) != {"text"}:
        raise ValidationError({"text": [_("Send the text of the comment, and nothing else.")]})
    return text


def _item(desk: Desk, row: Comment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "text": row.text,
        "author": row.author_id,
        "created_at": row.created_at,
        "edited_at": row.edited_at,
        "files": [
            {"id": f.pk, "name": f.name, "size": f.size, "url": f"/api/{desk.url_name}/{row.record_id}/files/{f.pk}"}
            for f in row.files.all()
        ],
    }


def urls() -> list[Any]:
    found_: list[Any] = []
    for desk in desks():
        where = f"api/{desk.url_name}/<int:pk>"
        for route, view in (
            ("comments", comments_of),
            ("comments/<int:comment>", comment),
            ("files/<int:file>", file),
        ):
            found_.append(path(f"{where}/{route}", limited(guarded(partial(view, desk=desk), desk.key))))
    return found_


@documents
def documented(said: Any) -> dict[str, Any]:
    """The part of the OpenAPI document; `said(schema, status)` makes the answers."""
    return {route: told for desk in desks() for route, told in _paths(said, desk).items()}


def _paths(said: Any, desk: Desk) -> dict[str, Any]:
    whole = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
    pk = {"name": "id", "in": "path", "required": True, "schema": whole}
    one = {"name": "comment", "in": "path", "required": True, "schema": whole}
    text = {
        "type": "object", "required": ["text"], "additionalProperties": False,
        "properties": {"text": {"type": "string", "minLength": 1, "maxLength": comments.LONGEST}},
    }  # fmt: skip
    files = {  # in a form everything is text
        "type": "object", "additionalProperties": False,
        "properties": {"text": {}, "files": {"type": "array", "items": {}}},
    }  # fmt: skip
    item = {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "text": {"type": "string"},
            "author": {"type": ["integer", "null"]},
            "created_at": {"type": "string", "format": "date-time"},
            "edited_at": {"type": ["string", "null"], "format": "date-time"},
            "files": {"type": "array", "items": {"type": "object"}},
        },
    }
    page = {"type": "object", "properties": {"items": {"type": "array", "items": item}}}
    both = {"application/json": {"schema": text}, "multipart/form-data": {"schema": files}}
    sent = {"required": True, "content": {"application/json": {"schema": text}}}
    before = {"name": "before", "in": "query", "required": False, "schema": {"type": "integer"}}
    common = {"tags": [desk.key], "parameters": [pk, one]}
    where = f"/api/{desk.url_name}/{{id}}/comments"
    gone = {k: v for k, v in said(item).items() if k != "200"} | {"204": {"description": "deleted"}}
    return {
        where: {
            "get": {
                "operationId": f"comments_{desk.key}", "tags": [desk.key], "parameters": [pk, before],
                "responses": said(page),
            },
            "post": {
                "operationId": f"comment_{desk.key}", "tags": [desk.key], "parameters": [pk],
                "requestBody": {"required": True, "content": both}, "responses": said(item, "201"),
            },
        },
        f"{where}/{{comment}}": {
            "patch": {
                "operationId": f"change_comment_{desk.key}", **common, "requestBody": sent, "responses": said(item),
            },
            "delete": {"operationId": f"delete_comment_{desk.key}", **common, "responses": gone},
        },
    }  # fmt: skip

"""For programs: what may be the same record already, making one of two, and what a card or signature says."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from xiaoguan.desk import cards, duplicates, merging
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api.openapi import documents
from xiaoguan.desk.api.refusals import answer, guarded
from xiaoguan.desk.api.shape import item
from xiaoguan.desk.api.views import body_of, is_id
from xiaoguan.desk.desk import Desk, desks


def _may(request: HttpRequest, desk: Desk) -> Viewer:
    viewer = viewer_of(request)
    if not desk.may_create(viewer):
        rule = desk.create or desk.write
        raise PermissionDenied(_("You may not create this: %(who)s may.") % {"who": rule.words()})
    return viewer


def duplicates_of(request: HttpRequest, desk: Desk) -> HttpResponse:
    """POST {field: value, ...}: what may be the same as such a record, of this kind or another, the surest first."""
    viewer, data = _may(request, desk), body_of(request)
    for name, value in data.items():
        if name not in desk.duplicates:
            known = ", ".join(desk.duplicates)
            raise ValidationError({name: [_("Duplicates are found by %(known)s.") % {"known": known}]})
        if not isinstance(value, str | None):
            raise ValidationError({name: [_("A plain value is needed here.")]})
    found = duplicates.find_everywhere(desk, viewer, data)
    return answer({"items": [_item(viewer, match) for match in found]})


def _item(viewer: Viewer, match: duplicates.Match) -> dict[str, Any]:
    return {
        "entity": match.desk.key,
        "id": match.pk,
        "title": match.title,
        "owner": match.owner_id,
        "fields": match.fields,
        "exact": match.exact,
        "score": round(match.score, 2),
        "safe": match.safe,
        "readable": match.readable,
        "shown": duplicates.mark(viewer, match.desk, match.pk),
    }


def ask_owner(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """POST {"shown"}: tell the owner of a record that one was about to write it down too.

    `shown` came with the duplicate: who was not shown it cannot find out by its number whether it is there.
    """
    viewer, shown = viewer_of(request), body_of(request).get("shown")
    if not isinstance(shown, str):
        raise ValidationError({"shown": [_("Send what came with the duplicate as “shown”.")]})
    known = duplicates.was_shown(viewer, desk, pk, shown)
    record = desk.model._default_manager.filter(pk=pk).first() if known else None
    if record is None:
        raise Http404
    return answer({"told": duplicates.ask_owner(desk, record)})


def card(request: HttpRequest, desk: Desk) -> HttpResponse:
    """POST {"text"}: the fields of a new record that a pasted card or signature gives."""
    viewer, data = _may(request, desk), body_of(request)
    text = data.get("text")
    if not isinstance(text, str) or set(data) != {"text"}:
        raise ValidationError({"text": [_("Send the text of the card, and nothing else.")]})
    if len(text) > cards.LONGEST:
        raise ValidationError({"text": [_("At most %(n)s characters.") % {"n": cards.LONGEST}]})
    return answer({"fields": duplicates.of_card(desk, viewer, text)[0]})


def merge(request: HttpRequest, desk: Desk) -> HttpResponse:
    """POST {"ids": [7, 9], "keep": 7, "fields": {"phone": 9}}: make one record of these; answers with it."""
    viewer, data = viewer_of(request), body_of(request)
    ids, keep, fields = data.get("ids"), data.get("keep"), data.get("fields", {})
    if not isinstance(ids, list) or not all(is_id(pk) for pk in ids) or not is_id(keep):
        raise ValidationError({"ids": [_("Send ids, a list of records, and keep, one of them.")]})
    if not isinstance(fields, dict) or not all(is_id(pk) for pk in fields.values()) or set(data) - _MERGE:
        raise ValidationError({"fields": [_("Send for each field the id of the record whose value is taken.")]})
    merged = merging.merge(desk, viewer, ids, keep, fields)
    return answer(item(desk, viewer, merged.pk))


_MERGE = {"ids", "keep", "fields"}


def urls() -> list[Any]:
    from xiaoguan.desk.custom.addresses import api_path

    found: list[Any] = [api_path("/merge", merge, guarded, ("POST",))]
    found += [
        path(f"api/{desk.url_name}/merge", guarded(partial(merge, desk=desk), desk.key, ("POST",)))
        for desk in desks()
        if desk.form
    ]
    for desk in duplicates.recognised():
        where = f"api/{desk.url_name}"
        for route, view in (
            ("duplicates", duplicates_of),
            ("card", card),
            ("<int:pk>/ask-owner", ask_owner),
        ):
            found.append(path(f"{where}/{route}", guarded(partial(view, desk=desk), desk.key, ("POST",))))
    return found


@documents
def documented(said: Any) -> dict[str, Any]:
    """The part of the OpenAPI document; `said(schema, status)` makes the answers."""
    whole = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
    pk = {"name": "id", "in": "path", "required": True, "schema": whole}
    match = {
        "type": "object",
        "properties": {
            "entity": {"type": "string"},
            "id": {"type": "integer"},
            "title": {"type": "string"},
            "owner": {"type": ["integer", "null"]},
            "fields": {"type": "array", "items": {"type": "string"}},
            "exact": {"type": "boolean"},
            "score": {"type": "number"},
            "safe": {"type": "object"},
            "readable": {"type": "boolean"},
            "shown": {"type": "string"},
        },
    }
    page = {"type": "object", "properties": {"items": {"type": "array", "items": match}}}
    text = {
        "type": "object", "required": ["text"], "additionalProperties": False,
        "properties": {"text": {"type": "string", "maxLength": cards.LONGEST}},
    }  # fmt: skip
    fields = {"type": "object", "properties": {"fields": {"type": "object"}}}
    shown = {
        "type": "object", "required": ["shown"], "additionalProperties": False,
        "properties": {"shown": {"type": "string"}},
    }  # fmt: skip
    told = {"type": "object", "properties": {"told": {"type": "integer"}}}
    ids = {"type": "array", "minItems": 2, "maxItems": merging.MOST, "items": whole}
    merged = {
        "type": "object", "required": ["ids", "keep"], "additionalProperties": False,
        "properties": {"ids": ids, "keep": whole, "fields": {"type": "object", "additionalProperties": whole}},
    }  # fmt: skip
    paths: dict[str, Any] = {}
    for desk in desks():
        if desk.form:
            ref = {"$ref": f"#/components/schemas/{desk.model.__name__}"}
            post = _post(f"merge_{desk.key}", desk, merged, said(ref))
            paths[f"/api/{desk.url_name}/merge"] = {"post": post}
    for desk in duplicates.recognised():
        where = f"/api/{desk.url_name}"
        names = {name: {"type": ["string", "null"]} for name in desk.duplicates}
        values = {"type": "object", "properties": names, "additionalProperties": False}
        paths |= {
            f"{where}/duplicates": {"post": _post(f"duplicates_{desk.key}", desk, values, said(page))},
            f"{where}/card": {"post": _post(f"card_{desk.key}", desk, text, said(fields))},
            f"{where}/{{id}}/ask-owner": {
                "post": _post(f"ask_owner_{desk.key}", desk, shown, said(told)) | {"parameters": [pk]},
            },
        }  # fmt: skip
    return paths


def _post(name: str, desk: Desk, schema: dict[str, Any], responses: dict[str, Any]) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"operationId": name, "tags": [desk.key], "parameters": [], "requestBody": body, "responses": responses}

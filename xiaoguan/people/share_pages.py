"""The sheet of a record's shares, and the same for programs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from xiaoguan.desk.access import Viewer
from xiaoguan.desk.api import answer, guarded
from xiaoguan.desk.api.openapi import documents
from xiaoguan.desk.api.refusals import not_here
from xiaoguan.desk.api.views import _flat, body_of, found
from xiaoguan.desk.desk import Desk, desks
from xiaoguan.desk.forms import dress, relation_field
from xiaoguan.desk.screens.common import record_of
from xiaoguan.people import sharing
from xiaoguan.people.models import Person, Share, Team


class ShareForm(forms.Form):
    """With whom, how far and until when."""

    person = forms.ModelChoiceField(
        Person.objects.filter(left_on__isnull=True), label=gettext_lazy("Person"), required=False
    )
    team = forms.ModelChoiceField(Team.objects.all(), label=gettext_lazy("or team"), required=False)
    right = forms.ChoiceField(label=gettext_lazy("Right"), choices=Share.Right.choices)
    ends_on = forms.DateField(
        label=gettext_lazy("until"), required=False, help_text=gettext_lazy("The first day it no longer holds.")
    )

    def __init__(self, data: Any, viewer: Viewer):
        super().__init__(data, auto_id="share-%s")
        for name in ("person", "team"):
            self.fields[name] = relation_field(self.fields[name], viewer)
        dress(self)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors and (given.get("person") is None) == (given.get("team") is None):
            raise ValidationError(_("Share with a person or with a team."))
        return given


def _desk(slug: str) -> Desk:
    desk = next((d for d in desks() if d.url_name == slug), None)
    if desk is None:
        raise Http404
    return desk


@require_http_methods(["GET", "POST"])
def shares(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """GET: the sheet. POST: share with one more; answers {message}."""
    desk = _desk(slug)
    viewer, record = record_of(request, desk, pk)
    if request.method == "GET":
        if not desk.may_write(viewer, record):
            raise PermissionDenied(_("You may not change this: %(who)s may.") % {"who": desk.write.words()})
        return render(request, "people/_shares.html", _sheet(desk, viewer, record))
    form = ShareForm(request.POST, viewer)
    if not form.is_valid():
        return _wrong(" ".join(text for texts in form.errors.values() for text in texts))
    try:
        made = sharing.share(viewer, desk, record, **form.cleaned_data)
    except ValidationError as error:
        return _wrong(" ".join(error.messages))
    return JsonResponse({"message": _("Shared with %(name)s") % {"name": made.person or made.team}})


def _wrong(text: str, status: int = 422) -> JsonResponse:
    return JsonResponse({"message": text}, status=status)


def _sheet(desk: Desk, viewer: Viewer, record: Any) -> dict[str, Any]:
    base = f"{desk.url('detail', pk=record.pk)}/shares"
    return {
        "title": desk.title(record),
        "url": base,
        "fields": list(ShareForm(None, viewer)),
        "shares": [
            {
                "name": str(s.person or s.team),
                "team": s.team_id is not None,
                "color": (s.person_id or 0) % 8,
                "right": s.get_right_display(),
                "ends_on": s.ends_on,
                "end_url": f"{base}/{s.pk}/end",
            }
            for s in sharing.shares_of(desk, record)
        ],
    }


@require_POST
def share_end(request: HttpRequest, slug: str, pk: int, share: int) -> HttpResponse:
    desk = _desk(slug)
    viewer, record = record_of(request, desk, pk)
    try:
        sharing.end(viewer, desk, record, share)
    except Share.DoesNotExist as error:
        raise Http404 from error
    return JsonResponse({"message": _("It is not shared with them any more.")})


# For programs


def api_shares(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """GET the shares; POST {"person" or "team", "right", "ends_on"}."""
    desk = _desk(slug)
    viewer, record = found(request, desk, pk)
    if request.method == "GET":
        return answer({"items": [_item(s) for s in sharing.shares_of(desk, record)]})
    if request.method != "POST":
        return not_here("GET", "POST")
    data = body_of(request)
    if unknown := set(data) - {"person", "team", "right", "ends_on"}:
        raise ValidationError({min(unknown): [_("A share has person or team, right and ends_on.")]})
    form = ShareForm({"right": "read"} | _flat(data), viewer)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    return answer(_item(sharing.share(viewer, desk, record, **form.cleaned_data)), 201)


def api_share(request: HttpRequest, slug: str, pk: int, share: int) -> HttpResponse:
    desk = _desk(slug)
    viewer, record = found(request, desk, pk)
    if request.method != "DELETE":
        return not_here("DELETE")
    try:
        sharing.end(viewer, desk, record, share)
    except Share.DoesNotExist as error:
        raise Http404 from error
    return HttpResponse(status=204)


def _item(share: Share) -> dict[str, Any]:
    return {
        "id": share.pk,
        "person": share.person_id,
        "team": share.team_id,
        "right": share.right,
        "ends_on": share.ends_on,
    }


@documents
def documented(said: Any) -> dict[str, Any]:
    whole = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
    fields = {
        "person": {"type": ["integer", "null"], "minimum": 1, "maximum": 2**63 - 1},
        "team": {"type": ["integer", "null"], "minimum": 1, "maximum": 2**63 - 1},
        "right": {"type": "string", "enum": list(Share.Right.values)},
        "ends_on": {"type": ["string", "null"], "format": "date"},
    }
    item = {"type": "object", "properties": {"id": {"type": "integer"}, **fields}}
    page = {"type": "object", "properties": {"items": {"type": "array", "items": item}}}
    body = {"type": "object", "properties": fields, "additionalProperties": False}
    sent = {"required": True, "content": {"application/json": {"schema": body}}}
    gone = {k: v for k, v in said(item).items() if k != "200"} | {"204": {"description": "ended"}}
    paths: dict[str, Any] = {}
    for desk in desks():
        pk = {"name": "id", "in": "path", "required": True, "schema": whole}
        one = {"name": "share", "in": "path", "required": True, "schema": whole}
        where, tags = f"/api/{desk.url_name}/{{id}}/shares", [desk.key]
        get = {"operationId": f"shares_{desk.key}", "tags": tags, "parameters": [pk], "responses": said(page)}
        post = {
            "operationId": f"share_{desk.key}", "tags": tags, "parameters": [pk], "requestBody": sent,
            "responses": said(item, "201"),
        }  # fmt: skip
        end = {"operationId": f"end_share_{desk.key}", "tags": tags, "parameters": [pk, one], "responses": gone}
        paths |= {where: {"get": get, "post": post}, f"{where}/{{share}}": {"delete": end}}
    return paths


def urls() -> list[Any]:
    """Before those of the desks, which take every other word behind a record for a verb."""
    return [
        path("api/<deskword:slug>/<int:pk>/shares", guarded_of(api_shares)),
        path("api/<deskword:slug>/<int:pk>/shares/<int:share>", guarded_of(api_share)),
        path("<deskword:slug>/<int:pk>/shares", shares, name="shares"),
        path("<deskword:slug>/<int:pk>/shares/<int:share>/end", share_end, name="share_end"),
    ]


def guarded_of(view: Any) -> Any:
    """`guarded` with the entity of the address, which the scopes of a token name."""

    def view_of(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
        entity = next((d.key for d in desks() if d.url_name == slug), "")
        return guarded(view, entity)(request, slug=slug, **kwargs)

    return view_of

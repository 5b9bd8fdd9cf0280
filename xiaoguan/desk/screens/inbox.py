"""The inbox: what a person was told, what they want to be told, and the same over the API."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from zoneinfo import available_timezones

import orjson
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xiaoguan.desk import notify
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api import answer, guarded, not_here
from xiaoguan.desk.listing import BadQuery
from xiaoguan.desk.notify import Notification, NotificationSettings, Way
from xiaoguan.desk.screens.common import is_local, is_number

PAGE = 40


def _page(viewer: Viewer, kind: str, state: str, before: str) -> tuple[list[Notification], int | None]:
    """One page of what the viewer may still read, and the marker of the next."""
    rows = notify.of(viewer)
    rows = rows.filter(kind=kind) if kind in notify.notices else rows
    rows = rows.filter(read_at__isnull=True) if state == "unread" else rows
    rows = rows.filter(pk__lt=int(before)) if is_number(before) else rows
    found = list(rows[: PAGE + 1])
    return notify.readable(found[:PAGE], viewer), found[PAGE - 1].pk if len(found) > PAGE else None


@require_GET
def inbox_page(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of(request)
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "")
    found, after = _page(viewer, kind, state, request.GET.get("before", ""))
    today = timezone.localdate()
    days = [
        {
            "label": _("Today") if day == today else None,
            "day": day,
            "entries": _gathered([_words(item) for item in items]),
        }
        for day, items in groupby(found, lambda item: timezone.localtime(item.created_at).date())
    ]
    context = {
        "days": days,
        "next": after,
        "kind": kind,
        "state": state,
        "unread": notify.unread(viewer),
        "kinds": [{"key": k.key, "label": k.label} for k in notify.notices.values()],
    }
    return render(request, "inbox/list.html", context)


FEW = 3
"""So many of one kind on a day stand one by one; more are one line that opens."""


def _gathered(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries of a day, newest first; many of one kind stand where the newest of them is."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        kinds.setdefault(entry["kind"], []).append(entry)
    found = []
    for entry in entries:
        alike = kinds[entry["kind"]]
        if len(alike) <= FEW:
            found.append(entry)
        elif entry is alike[0]:
            unread = sum(one["unread"] for one in alike)
            found.append({**entry, "entries": alike, "number": len(alike), "unread": unread > 0})
    return found


def _words(item: Notification) -> dict[str, Any]:
    kind = notify.notices.get(item.kind)
    return {
        "id": item.pk,
        "text": item.sentence,
        "icon": kind.icon if kind else "bell",
        "kind": kind.label if kind else item.kind,
        "unread": item.read_at is None,
        "at": timezone.localtime(item.created_at),
        "url": reverse("inbox_open", args=[item.pk]),
    }


@require_GET
def open_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Go to what it is about; it counts as read from now on."""
    viewer = viewer_of(request)
    item = notify.of(viewer).filter(pk=pk).first()
    if item is None:
        raise Http404
    notify.mark_read(viewer, [pk])
    return HttpResponseRedirect(item.url if is_local(item.url) else reverse("inbox"))


@require_POST
def mark(request: HttpRequest) -> HttpResponse:
    """Mark one (`id`), or all, as read; `unread` instead."""
    given = request.POST.get("id", "")
    notify.mark_read(viewer_of(request), [int(given)] if is_number(given) else None, "unread" not in request.POST)
    back = request.POST.get("next")
    return HttpResponseRedirect(back if is_local(back) else reverse("inbox"))


class SettingsForm(forms.ModelForm):
    """The ways of each kind, and the times."""

    zone = forms.ChoiceField(label=gettext_lazy("time zone"), required=False)

    class Meta:
        model = NotificationSettings
        fields = ("remind_at", "quiet_from", "quiet_to", "zone", "digest")
        widgets = {
            name: forms.TimeInput(attrs={"type": "time", "class": "form-control"}, format="%H:%M")
            for name in ("remind_at", "quiet_from", "quiet_to")
        }

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        own = timezone.get_default_timezone_name()
        zones = [("", _("the company's (%(zone)s)") % {"zone": own})]
        self.fields["zone"].choices = zones + [(z, z) for z in sorted(available_timezones())]
        self.fields["zone"].widget.attrs["class"] = "form-select"
        self.fields["digest"].widget.attrs["class"] = "form-check-input"
        for kind in notify.notices.values():
            self.fields[f"way_{kind.key}"] = forms.ChoiceField(
                label=kind.label,
                choices=Way.choices,
                initial=self.instance.way(kind.key),
                widget=forms.Select(attrs={"class": "form-select"}),
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if (data.get("quiet_from") is None) != (data.get("quiet_to") is None):
            raise forms.ValidationError(_("The hours of quiet need a beginning and an end."))
        return data

    def save(self, commit: bool = True) -> Any:
        self.instance.ways = {key: self.cleaned_data[f"way_{key}"] for key in notify.notices}
        return super().save(commit)


@require_http_methods(["GET", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of(request)
    if viewer.person_id is None:
        raise Http404
    mine = notify.settings_of([viewer.person_id])[viewer.person_id]
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=mine)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("inbox_settings"))
    ways = [form[f"way_{key}"] for key in notify.notices]
    context = {"form": form, "ways": ways}
    return render(request, "inbox/settings.html", context, status=422 if form.is_bound else 200)


# The API


def _plain(item: Notification) -> dict[str, Any]:
    names = ("kind", "entity", "record_id", "url", "created_at", "read_at")
    return {"id": item.pk, "text": item.sentence, **{name: getattr(item, name) for name in names}}


@guarded
def api_list(request: HttpRequest) -> HttpResponse:
    """GET lists them; POST {"read": true, "ids": [1, 2]} marks these, or all without ids."""
    viewer = viewer_of(request)
    if request.method == "GET":
        query = request.GET
        found, after = _page(viewer, query.get("kind", ""), query.get("state", ""), query.get("cursor", ""))
        return answer({"items": [_plain(item) for item in found], "next": str(after) if after else None})
    if request.method != "POST":
        return not_here("GET", "POST")
    try:
        data = orjson.loads(request.body or b"{}")
        ids, read = data.get("ids"), data.get("read", True)
        numbers = isinstance(ids, list) and all(type(pk) is int and abs(pk) < 2**63 for pk in ids)
        if not (ids is None or numbers) or not isinstance(read, bool):
            raise ValueError
    except (ValueError, TypeError, AttributeError) as error:
        raise BadQuery('Send a JSON object: {"ids": [1, 2], "read": true}.') from error
    return answer({"changed": notify.mark_read(viewer, ids, read), "unread": notify.unread(viewer)})


def urls() -> list[Any]:
    return [
        path("inbox/", inbox_page, name="inbox"),
        path("inbox/mark", mark, name="inbox_mark"),
        path("inbox/settings", settings_page, name="inbox_settings"),
        path("inbox/<int:pk>", open_one, name="inbox_open"),
        path("api/notifications", api_list),
    ]

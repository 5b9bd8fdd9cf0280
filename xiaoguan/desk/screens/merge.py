"""The page where records become one: side by side, field by field."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xiaoguan.desk import merging
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.cells import Columns
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.paths import resolve
from xiaoguan.desk.screens.common import desk_words, is_number, opened
from xiaoguan.desk.screens.takeback import undo_url


@require_http_methods(["GET", "POST"])
def merge_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    """`ids` are the records, with commas; `keep` the one that stays. POST: `f:<field>` names whose value is taken."""
    viewer = opened(request, desk)
    if not merging.may_merge(desk, viewer):
        raise PermissionDenied(
            _("You may not delete this: %(who)s may.") % {"who": (desk.delete or desk.write).words()}
        )
    given = request.POST if request.method == "POST" else request.GET
    ids = [int(part) for part in given.get("ids", "").split(",") if is_number(part)]
    try:
        records = merging.read(desk, viewer, ids)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return HttpResponseRedirect(desk.url())
    keep = given.get("keep", "")
    kept = int(keep) if is_number(keep) and int(keep) in ids else min(ids)
    if request.method == "GET":
        return render(request, "desk/merge.html", _sides(desk, viewer, records, kept))
    choice = {n[2:]: int(v) for n, v in request.POST.items() if n.startswith("f:") and is_number(v)}
    try:
        merging.merge(desk, viewer, ids, kept, choice)
    except (ValidationError, PermissionDenied) as error:
        text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        return render(request, "desk/merge.html", _sides(desk, viewer, records, kept, text), status=422)
    messages.success(request, _("Merged into one."), extra_tags=f"undo:{undo_url()}")
    return HttpResponseRedirect(desk.url("detail", pk=kept))


def _sides(desk: Desk, viewer: Viewer, records: list[Any], kept: int, error: str = "") -> dict[str, Any]:
    """The records side by side: what differs to be chosen, what is the same below it."""
    names = merging.fields_of(desk, viewer)
    columns = Columns.seen(desk, viewer, [resolve(desk.model, name) for name in names])
    rows = {
        r[0]: r for r in desk.model._default_manager.filter(pk__in=[r.pk for r in records]).values_list(*columns.names)
    }
    cells = columns.cells([rows[r.pk] for r in records])
    choice = merging.picked(desk, viewer, records, kept)
    differing, same = [], []
    for place, path in enumerate(columns.paths):
        field = desk.model._meta.get_field(path.text)
        values = [getattr(r, field.attname) for r in records]
        line = {"name": path.text, "label": path.label, "chosen": choice[path.text], "cells": [c[place] for c in cells]}
        if len({v if v != "" else None for v in values}) > 1:
            differing.append(line)
        elif values[0] not in (None, ""):
            same.append(line)
    ids = [r.pk for r in records]
    return {
        "desk": desk_words(desk, viewer),
        "error": error,
        "ids": ",".join(map(str, ids)),
        "keeps": kept,
        "records": [{"id": r.pk, "title": desk.title(r), "url": desk.url("detail", pk=r.pk)} for r in records],
        "differing": differing,
        "same": same,
    }

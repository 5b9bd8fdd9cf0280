"""What is done with the chosen records of a list: the sheet that asks what, and the deed itself."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from xiaoguan.desk import many
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.events import current_actor
from xiaoguan.desk.expressions import BadQuery
from xiaoguan.desk.screens.arranged import Arranged, arranged
from xiaoguan.desk.screens.common import opened
from xiaoguan.desk.screens.lists import EXPORTS, chosen

PARTS = frozenset({"ids", "all", "deed", "csrfmiddlewaretoken"})


@require_POST
def bulk_sheet(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The sheet of deeds for the chosen records (`ids`), or for everything the list finds (`all`)."""
    viewer = opened(request, desk)
    try:
        page = arranged(request, desk, viewer)
    except BadQuery as error:
        return HttpResponse(str(error), status=422, content_type="text/plain; charset=utf-8")
    every = request.POST.get("all") == "1"
    ids = "" if every else request.POST.get("ids", "")
    number = page.listing.count() if every else f"{len(ids.split(',')):,}"
    return render(
        request,
        "desk/_bulk_sheet.html",
        {
            "number": number,
            "ids": ids,
            "every": every,
            "url": f"{desk.url('bulk_do')}?{page.kept.urlencode(safe=',:;|()')}",
            "deeds": [_deed(page, deed) for deed in many.deeds(desk, viewer)],
            "exports": [
                {"label": label, "url": f"{desk.url('export', kind=kind)}?{_export_query(page, ids)}"}
                for kind, label in EXPORTS.items()
                if desk.may_export(viewer)
            ],
        },
    )


def _export_query(page: Arranged, ids: str) -> str:
    query = page.kept.copy()
    if ids:
        query["ids"] = ids
    return query.urlencode(safe=",:;|()")


def _deed(page: Arranged, deed: many.Deed) -> dict[str, Any]:
    form = many.asked(page.desk, page.viewer, deed.text)
    form.auto_id = f"bulk-{deed.text.replace(':', '-')}-%s"
    return {"text": deed.text, "label": deed.label, "tone": deed.tone, "fields": list(form)}


@require_POST
def bulk_do(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Do it. Answers {message, refused}; the message is also kept for the next page, with what takes it back."""
    viewer = opened(request, desk)
    deed = next((d for d in many.deeds(desk, viewer) if d.text == request.POST.get("deed")), None)
    if deed is None:
        return _wrong(_("Choose what to do."))
    data = {name: request.POST[name] for name in request.POST if name not in PARTS}
    try:
        form = many.asked(desk, viewer, deed.text, data)
        if deed.text.startswith("edit:") and (wrong := form.errors.get(deed.text.partition(":")[2])):
            return _wrong(" ".join(wrong))
        if deed.text.startswith("verb:") and not form.is_valid():
            told = {form[n].label: " ".join(t) for n, t in form.errors.items() if n in form.fields}
            return _wrong(" ".join(f"{label}: {text}" for label, text in told.items()))
        page = arranged(request, desk, viewer)
        listing = page.listing if request.POST.get("all") == "1" else chosen(page.listing, request.POST.get("ids", "-"))
        if listing is page.listing and request.POST.get("all") != "1":
            return _wrong(_("Choose records first."))
        ids = list(listing.rows.order_by().values_list("pk", flat=True)[: many.AT_ONCE + 1])
    except (BadQuery, ValidationError) as error:
        return _wrong(str(error))
    if len(ids) > many.AT_ONCE:
        if request.POST.get("all") == "1":
            return _as_job(request, page, deed, data)
        most = {"n": many.AT_ONCE}
        return _wrong(_("Choose at most %(n)d records one by one, or all that the filter finds.") % most)
    outcome = many.carry_out(desk, viewer, ids, deed.text, data)
    text = f"{deed.label}: {outcome.words}"
    if outcome.done:
        undo = reverse("undo", kwargs={"batch": current_actor().batch})
        messages.success(request, text, extra_tags=f"undo:{undo}")
    refused = [{"title": title, "why": why, "url": f"{desk.url()}{pk}"} for pk, title, why in outcome.refused]
    return JsonResponse({"message": text, "refused": refused})


def _as_job(request: HttpRequest, page: Arranged, deed: many.Deed, data: dict[str, str]) -> HttpResponse:
    job = many.start(page.desk, page.viewer, page.kept.urlencode(), deed, data)
    text = _("%(deed)s: begun for many records. The jobs show how far it is.") % {"deed": deed.label}
    messages.info(request, text)
    return JsonResponse({"message": text, "refused": [], "job": job.pk})


def _wrong(message: str) -> JsonResponse:
    return JsonResponse({"message": message}, status=422)

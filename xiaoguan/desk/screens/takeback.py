"""Undo of what was just done, the recycle bin of every desk, and going back to an earlier version of a record."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from xiaoguan.desk import undo
from xiaoguan.desk.access import viewer_of
from xiaoguan.desk.approvals import guards
from xiaoguan.desk.cells import moment_text
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.events import current_actor
from xiaoguan.desk.models import Event
from xiaoguan.desk.records import Conflict
from xiaoguan.desk.screens.common import desk_words, is_number, names_of, opened, record_of, way_back

REFUSALS = 20


def undo_url() -> str:
    """Where what this request has done can be taken back."""
    return reverse("undo", kwargs={"batch": current_actor().batch})


@require_POST
def undo_page(request: HttpRequest, batch: str) -> HttpResponse:
    """Take a batch back: JSON for a script, a message and the page of before for a form."""
    viewer = viewer_of(request)
    answer = undo.undo_batch(batch, viewer)
    text = ngettext("Taken back: %(n)d record.", "Taken back: %(n)d records.", answer.done) % {"n": answer.done}
    if answer.refused:
        kept = ngettext("%(n)d stays as it is", "%(n)d stay as they are", len(answer.refused)) % {
            "n": len(answer.refused)
        }
        text = f"{text} {kept}: {answer.refused[0][2]}"
    if "application/json" in request.headers.get("Accept", ""):
        refused = [{"entity": e, "id": pk, "reason": why} for e, pk, why in answer.refused[:REFUSALS]]
        body = {
            "message": text,
            "done": answer.done,
            "refused": refused,
            "undo_url": reverse("undo", args=[answer.batch]),
        }
        return JsonResponse(body, status=200 if answer.done or not answer.refused else 409)
    (messages.success if answer.done else messages.warning)(request, text)
    return HttpResponseRedirect(way_back(request))


@require_GET
def bin_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What was deleted and can come back."""
    viewer = opened(request, desk)
    before = request.GET.get("before", "")
    found, after = undo.deleted(desk, viewer, int(before) if is_number(before) else None)
    names = names_of({event.actor_id for event, _record in found if event.actor_id})
    return render(
        request,
        "desk/bin.html",
        {
            "desk": desk_words(desk, viewer),
            "rows": [
                {
                    "title": desk.title(record),
                    "at": moment_text(event.at),
                    "by": names.get(event.actor_id, _("the system")),
                    "restore_url": desk.url("restore", event=event.pk) if desk.may_delete(viewer, record) else None,
                }
                for event, record in found
            ],
            "next_url": f"{desk.url('bin')}?before={after}" if after else None,
        },
    )


@require_POST
def restore(request: HttpRequest, desk: Desk, event: int) -> HttpResponse:
    """Bring a deleted record back, with the parts that went with it."""
    viewer = viewer_of(request)
    deed = Event.objects.filter(pk=event, entity=desk.key, deed=undo.DELETED).first()
    if deed is None or not desk.may_read(viewer, undo.remade(desk, deed.changes)):
        raise Http404
    answer = undo.undo_events([deed.pk, *undo.parts_of(desk, deed)], viewer)
    if not answer.done:
        messages.error(request, answer.refused[0][2] if answer.refused else _("It is there already."))
        return HttpResponseRedirect(desk.url("bin"))
    messages.success(request, _("It is back."))
    return HttpResponseRedirect(desk.url("detail", pk=deed.record_id))


@require_POST
def restore_version(request: HttpRequest, desk: Desk, pk: int, event: int) -> HttpResponse:
    """Set the record back to what it was right after an event of its history."""
    viewer, record = record_of(request, desk, pk)
    if not desk.may_write(viewer, record):
        raise PermissionDenied(_("You may not change this: %(who)s may.") % {"who": desk.write.words()})
    deed = Event.objects.filter(pk=event, entity=desk.key, record_id=pk).first()
    if deed is None:
        raise Http404
    try:
        undo.restore_version(desk, record, viewer, event)
    except (Conflict, PermissionDenied, guards.Refused) as error:
        messages.error(request, str(error))
    else:
        told: dict[str, Any] = {"when": moment_text(deed.at)}
        messages.success(request, _("As it was at %(when)s.") % told, extra_tags=f"undo:{undo_url()}")
    return HttpResponseRedirect(desk.url("detail", pk=pk))

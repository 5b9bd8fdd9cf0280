"""One cell of a list edited where it stands: the control of the declared form, its checks, and the new row."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xiaoguan.desk.access import Viewer
from xiaoguan.desk.cells import Columns
from xiaoguan.desk.conflicts import Clash, sentence
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.events import current_actor
from xiaoguan.desk.expressions import BadQuery
from xiaoguan.desk.forms import RecordForm, form_for
from xiaoguan.desk.listing import chosen_columns, rows_in_order, veiled
from xiaoguan.desk.records import Conflict, Record
from xiaoguan.desk.screens.common import record_of, table
from xiaoguan.desk.screens.details import ask
from xiaoguan.desk.verbs import Verb


@require_http_methods(["GET", "POST"])
def cell(request: HttpRequest, desk: Desk, pk: int, name: str) -> HttpResponse:
    """GET: the control of one field, with the version it was read at. POST: save it; the answer holds the new row."""
    viewer, record = record_of(request, desk, pk)
    if name not in desk.form_fields:
        raise Http404
    if not desk.may_write(viewer, record):
        text = _("You may not change this: %(who)s may.") % {"who": desk.write.words()}
        if request.method == "GET":
            return HttpResponse(text, status=403, content_type="text/plain; charset=utf-8")
        raise PermissionDenied(text)
    if mover := desk.mover(name):
        return _moving(request, desk, viewer, record, mover, name)
    form = form_for(desk, viewer, record, request.POST if request.method == "POST" else None, only=(name,))
    if name not in form.fields:
        raise Http404
    if request.method == "GET":
        return render(request, "desk/_cell_form.html", {"field": form[name], "version": record.version})
    return _save(request, desk, viewer, record, form, name)


def _moving(request: HttpRequest, desk: Desk, viewer: Viewer, record: Record, mover: Verb, name: str) -> HttpResponse:
    """Such a field is not written: the cell opens the sheet of the verb that changes it."""
    if request.method == "POST":
        return _wrong(desk.moved_by(name))
    if not mover.may(viewer, record, desk.write):
        text = _("%(verb)s is not possible in the present state.") % {"verb": mover.label}
        return HttpResponse(text, status=403, content_type="text/plain; charset=utf-8")
    return ask(request, desk, record.pk, mover.name)


def _save(
    request: HttpRequest, desk: Desk, viewer: Viewer, record: Record, form: RecordForm, name: str
) -> HttpResponse:
    seen = request.POST.get("version", "")
    if not form.is_valid():
        return _wrong(" ".join(text for texts in form.errors.values() for text in texts))
    if not desk.may_keep(viewer, form.instance, form.changed_data):
        return _wrong(_("You may only keep this for yourself or for people you are responsible for."))
    try:
        form.save_record(int(seen) if seen.isdecimal() else None)
    except Clash as clash:
        return JsonResponse({"message": sentence(clash), "version": clash.version}, status=409)
    except Conflict as error:
        return _wrong(str(error), 409)
    answer = {"row": _row(request, desk, viewer, record.pk)}
    if form.has_changed():
        label = form[name].label
        answer["message"] = _("%(field)s changed: %(thing)s") % {"field": label, "thing": desk.title(form.instance)}
        answer["undo_url"] = reverse("undo", kwargs={"batch": current_actor().batch})
    return JsonResponse(answer)


def _wrong(message: str, status: int = 422) -> JsonResponse:
    return JsonResponse({"message": message}, status=status)


def _row(request: HttpRequest, desk: Desk, viewer: Viewer, pk: int) -> str:
    """The row as the list shows it; "" if the viewer may not read the record any more."""
    try:
        columns = Columns.seen(desk, viewer, chosen_columns(desk, viewer, request.POST.get("columns", "")))
    except BadQuery:
        columns = Columns.seen(desk, viewer, desk.column_paths)
    if not desk.visible(viewer).filter(pk=pk).exists():
        return ""
    rows = veiled(desk, viewer, columns, rows_in_order(desk, [pk], columns.names))
    return render_to_string("desk/_row.html", {"rows": table(desk, rows, columns)}, request)

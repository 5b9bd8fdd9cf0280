"""Create, edit, delete, and the verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from xiaoguan.desk import layouts
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.conflicts import Clash, told, who
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.fields import MoneyFormField
from xiaoguan.desk.forms import RecordForm, form_for
from xiaoguan.desk.listing import Listing
from xiaoguan.desk.records import Conflict, Record
from xiaoguan.desk.screens.approvals import announced
from xiaoguan.desk.screens.boards import card_of, lane_totals, total_text
from xiaoguan.desk.screens.common import desk_words, is_local, record_of
from xiaoguan.desk.screens.creating import started
from xiaoguan.desk.screens.takeback import undo_url
from xiaoguan.desk.verbs import Verb


@require_http_methods(["GET", "POST"])
def new_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    viewer = viewer_of(request)
    if not desk.may_create(viewer):
        raise PermissionDenied(
            _("You may not create this: %(who)s may.") % {"who": (desk.create or desk.write).words()}
        )
    record = started(request, desk, viewer)
    return _form_page(request, desk, viewer, record, _("New %(thing)s") % {"thing": desk.label}, desk.url())


@require_http_methods(["GET", "POST"])
def edit_page(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    viewer, record = record_of(request, desk, pk)
    if not desk.may_write(viewer, record):
        raise PermissionDenied(_("You may not change this: %(who)s may.") % {"who": desk.write.words()})
    return _form_page(request, desk, viewer, record, desk.title(record), desk.url("detail", pk=pk))


def _form_page(
    request: HttpRequest, desk: Desk, viewer: Viewer, record: Record, title: str, cancel: str
) -> HttpResponse:
    posted = request.method == "POST"
    stored = {f.attname: getattr(record, f.attname) for f in record._meta.concrete_fields}
    layout = layouts.of(desk, viewer)
    only = (request.GET["only"],) if "only" in request.GET else tuple(n for one in layout for n in one.names)
    form = form_for(desk, viewer, record, request.POST if posted else None, only=only, drawn=not posted)
    form.initial |= {name: request.GET[name] for name in form.fields if name in request.GET}
    conflict, status = None, 200
    if posted:
        status = 422
        given = request.POST.get("version", "")
        if form.is_valid() and _still_writable(desk, viewer, form):
            try:
                saved = form.save_record(int(given) if given.isdigit() else None)
            except Clash as clash:
                # over what both have changed apart from each other
                form = form_for(desk, viewer, clash.record, only=only)
                conflict, status = _sides(desk, clash, form), 409
            except Conflict as error:
                form.add_error(None, str(error))
                status = 409
            else:
                asked = announced(desk)
                if saved.event_id or not asked:
                    text = _("Saved: %(thing)s") % {"thing": desk.title(saved)}
                    messages.success(request, text, extra_tags=f"undo:{undo_url()}" if saved.event_id else "")
                for text, url in asked:
                    messages.success(request, text, extra_tags=f"url:{url}")
                return HttpResponseRedirect(desk.url("detail", pk=saved.pk))
        if conflict is None:
            form.draw()  # what was refused is shown again
    return render(
        request,
        "desk/form.html",
        {
            "desk": desk_words(desk, viewer),
            "title": title,
            "action": request.get_full_path(),
            "form": form,
            "sections": list(layouts.form_sections(layout if "only" not in request.GET else layouts.plain(only), form)),
            "cancel_url": cancel,
            "version": stored.get("version") if record.pk else "",
            "conflict": conflict,
            "duplicates_url": desk.url("duplicates") if desk.duplicates else None,
            "paste_url": desk.url("paste") if desk.duplicates and not record.pk else None,
            "but": record.pk or "",
        },
        status=status,
    )


def _sides(desk: Desk, clash: Clash, form: RecordForm) -> dict[str, Any]:
    """Who saved meanwhile, and each clash with what its control would hold for each side."""
    sides = told(clash)
    for side in sides:
        field = desk.model._meta.get_field(side["name"])
        control = form.fields[side["name"]]
        side["typed"] = {which: _as_typed(field, control, value) for which, value in side["values"].items()}
    return {"by": who(clash), "sides": sides}


def _as_typed(field: Any, control: forms.Field, value: Any) -> str:
    """A plain value of an event as the control of the field holds it."""
    if isinstance(control, forms.BooleanField):
        return "on" if value else ""
    shown = control.widget.format_value(control.prepare_value(None if value is None else field.to_python(value)))
    return str((shown[0] if isinstance(shown, list) and shown else shown) or "")


def _still_writable(desk: Desk, viewer: Viewer, form: Any) -> bool:
    """What comes out must again be something its writer may write: nobody creates in another's name, or hangs a record
    onto another's, without the right to. Handing one's own record over by its owner field is allowed."""
    if desk.may_keep(viewer, form.instance, form.changed_data):
        return True
    form.add_error(None, _("You may only keep this for yourself or for people you are responsible for."))
    return False


@require_POST
def delete(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    viewer, record = record_of(request, desk, pk)
    if not desk.may_delete(viewer, record):
        raise PermissionDenied(
            _("You may not delete this: %(who)s may.") % {"who": (desk.delete or desk.write).words()}
        )
    try:
        record.delete()
    except ProtectedError as error:
        kinds = {str(o._meta.verbose_name_plural) for o in error.protected_objects}
        messages.error(
            request, _("It cannot be deleted: %(kinds)s still belong to it.") % {"kinds": _(", ").join(sorted(kinds))}
        )
        return HttpResponseRedirect(desk.url("detail", pk=pk))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return HttpResponseRedirect(desk.url("detail", pk=pk))
    messages.success(request, _("Deleted: %(thing)s") % {"thing": desk.title(record)}, extra_tags=f"undo:{undo_url()}")
    return HttpResponseRedirect(desk.url())


@require_POST
def do(request: HttpRequest, desk: Desk, pk: int, name: str) -> HttpResponse:
    """Run a verb from a button (answer: back to the record) or from a script (answer: JSON).

    With `version` the deed is for the record as it was seen; if it has changed since, the answer is 409.
    """
    viewer, record = record_of(request, desk, pk)
    verb = desk.verb(name)
    if verb is None:
        raise Http404
    scripted = "application/json" in request.headers.get("Accept", "")
    seen = request.POST.get("version", "")
    try:
        if seen.isdigit() and int(seen) != record.version:
            raise Conflict(record)
        verb.run(record, viewer, request.POST, desk.write)
    except (ValidationError, Conflict) as error:
        if scripted:
            return JsonResponse(
                refusal(verb, error, record, request.POST.dict()), status=409 if isinstance(error, Conflict) else 422
            )
        messages.error(request, refusal(verb, error, record)["message"])
        return HttpResponseRedirect(desk.url("detail", pk=pk))
    text = verb.thanks(desk.title(record))
    asked = announced(desk)
    if not scripted:
        messages.success(request, text, extra_tags="" if verb.final else f"undo:{undo_url()}")
        for said, url in asked:
            messages.success(request, said, extra_tags=f"url:{url}")
        return HttpResponseRedirect(
            request.POST.get("next") if is_local(request.POST.get("next")) else desk.url("detail", pk=pk)
        )
    answer: dict[str, Any] = {"message": text, "undo_url": "" if verb.final else undo_url()}
    if asked:
        answer["asked"] = [{"text": said, "url": url} for said, url in asked]
    if desk.board:
        listing = Listing.read(desk, viewer, request.GET)
        answer["lanes"] = {
            lane: {"count": f"{e['count']:,}", "total": total_text(e["totals"])}
            for lane, e in lane_totals(desk, listing).items()
        }
        answer["card"] = card_of(desk, viewer, record.pk)
    return JsonResponse(answer)


def refusal(
    verb: Verb, error: ValidationError | Conflict, record: Record, given: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What was wrong in words, and the fields to ask for if some are missing, with what they begin with.

    given    what was sent, by which the verb may ask for more or less.
    """
    if isinstance(error, Conflict):
        return {"message": str(error), "fields": []}
    missing = list(error.message_dict) if hasattr(error, "error_dict") else []
    asked = getattr(error, "params", None) or {}
    names = [n for n in missing if n in verb.asked()] or list(asked.get("ask", ()))
    verb.given = given or {}
    form = verb.form(None, record)
    fields = [
        {
            "name": n,
            "label": str(form[n].label),
            "kind": _asked_as(form.fields[n]),
            "value": str(form[n].value() or ""),
            "options": [{"value": str(v), "label": str(label)} for v, label in getattr(form.fields[n], "choices", ())],
        }
        for n in names
        if n in form.fields
    ]
    return {"message": " ".join(error.messages), "fields": fields}


KINDS = (
    (MoneyFormField, "money"),
    (forms.DateField, "date"),
    (forms.DateTimeField, "datetime"),
    (forms.EmailField, "email"),
    ((forms.IntegerField, forms.DecimalField), "number"),
    (forms.ChoiceField, "select"),
)


def _asked_as(field: forms.Field) -> str:
    """The kind of control that the page asks with."""
    if isinstance(field.widget, forms.Textarea):
        return "textarea"
    if isinstance(field.widget, forms.CheckboxSelectMultiple):
        return "checks"
    return next((kind for types, kind in KINDS if isinstance(field, types)), "text")

"""Something new, quickly: a sheet over any page, a warning of what is there already, a card that fills the form."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xiaoguan.desk import duplicates, merging
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.desk import Desk, desk_of, desks
from xiaoguan.desk.duplicates import Match
from xiaoguan.desk.forms import RecordForm, form_for
from xiaoguan.desk.records import Conflict, Record
from xiaoguan.desk.screens.common import desk_words, is_number, names_of
from xiaoguan.desk.screens.takeback import undo_url


def started(request: HttpRequest, desk: Desk, viewer: Viewer) -> Record:
    """A new record as its form shows it first, with what the address gives: `?customer=7&title=...`."""
    record = desk.model()
    desk.prepare(record, viewer)
    for name in desk.fillable(viewer):
        field, given = desk.model._meta.get_field(name), request.GET.get(name, "")
        if field.is_relation and is_number(given):
            target = desk_of(field.related_model)
            if target and target.visible(viewer).filter(pk=int(given)).exists():
                setattr(record, field.attname, int(given))
    return record


def _may(request: HttpRequest, desk: Desk) -> Viewer:
    viewer = viewer_of(request)
    if not desk.may_create(viewer):
        rule = desk.create or desk.write
        raise PermissionDenied(_("You may not create this: %(who)s may.") % {"who": rule.words()})
    return viewer


# Quick create


@require_GET
def create(request: HttpRequest) -> HttpResponse:
    """The sheet with the choice of what to create: `of` is a word of an address; `from` a page such as customers/7."""
    viewer = viewer_of(request)
    kinds = sorted((d for d in desks() if d.may_create(viewer) and d.place != "settings"), key=lambda desk: desk.rank)
    if not kinds:
        raise PermissionDenied(_("There is nothing that you may create."))
    chosen = next((d for d in kinds if d.url_name == request.GET.get("of")), kinds[0])
    given = _given(request.GET.get("from", ""), viewer)
    context = {
        "kinds": [{"label": d.label, "slug": d.url_name, "url": d.url("quick"), "chosen": d is chosen} for d in kinds],
        "from": given,
        **_quick(request, chosen, viewer, _form(request, chosen, viewer, given)),
    }
    return render(request, "desk/_create.html", context)


def _given(where: str, viewer: Viewer) -> str:
    """ "customer=7" for the page customers/7, if the viewer may read that."""
    slug, _slash, pk = where.strip("/").rpartition("/")
    desk = next((d for d in desks() if d.url_name == slug), None)
    known = desk is not None and is_number(pk) and desk.visible(viewer).filter(pk=int(pk)).exists()
    return f"{desk.key}={pk}" if desk is not None and known else ""


def _form(request: HttpRequest, desk: Desk, viewer: Viewer, given: str, data: Any = None) -> RecordForm:
    record = started(request, desk, viewer)
    entity, _is, pk = given.partition("=")
    for name in desk.fillable(viewer):
        field = desk.model._meta.get_field(name)
        if (
            field.is_relation
            and field.related_model._meta.model_name == entity
            and getattr(record, field.attname) is None
        ):
            setattr(record, field.attname, int(pk))
    return form_for(desk, viewer, record, data)


def _quick(request: HttpRequest, desk: Desk, viewer: Viewer, form: RecordForm) -> dict[str, Any]:
    """The fields without which it cannot be kept, those by which it is recognised, and those that the page gave."""
    form.auto_id = "quick-%s"
    usual = {*desk.duplicates, *desk.quick}
    wanted = [n for n in form.fields if n in usual or form[n].errors or _is_asked(form, n)]
    wanted += [n for n in form.fields if n not in wanted and _is_given(form, n)]
    shown = [n for n in form.fields if n in wanted]
    return {
        "desk": desk_words(desk, viewer),
        "quick_url": desk.url("quick"),
        "form": form,
        "shown": [form[n] for n in shown],
        "kept": [form[n] for n in form.fields if n not in shown and form[n].value() not in (None, "", False)],
        "duplicates_url": desk.url("duplicates") if desk.duplicates else None,
        "paste_url": desk.url("paste") if desk.duplicates else None,
    }


def _is_asked(form: RecordForm, name: str) -> bool:
    """Whether the field is needed and nothing stands in it beforehand."""
    return form.fields[name].required and (form.is_bound or form[name].value() in (None, ""))


def _is_given(form: RecordForm, name: str) -> bool:
    field = form.instance._meta.get_field(name)
    return field.is_relation and name != "owner" and getattr(form.instance, field.attname) is not None


@require_http_methods(["GET", "POST"])
def quick(request: HttpRequest, desk: Desk) -> HttpResponse:
    """GET: the fields of one kind for the sheet. POST: keep it; answers {message, url, undo_url} or the fields."""
    viewer = _may(request, desk)
    given = request.GET.get("given", "")
    entity, _is, pk = given.partition("=")
    given = given if is_number(pk) and (d := desk_of(entity)) and d.visible(viewer).filter(pk=int(pk)).exists() else ""
    form = _form(request, desk, viewer, given, request.POST if request.method == "POST" else None)
    if request.method == "GET":
        return render(request, "desk/_create_fields.html", _quick(request, desk, viewer, form))
    if form.is_valid() and desk.may_keep(viewer, form.instance, form.changed_data):
        try:
            saved = form.save_record()
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            text = _("Saved: %(thing)s") % {"thing": desk.title(saved)}
            return JsonResponse({"message": text, "url": desk.url("detail", pk=saved.pk), "undo_url": undo_url()})
    elif form.is_valid():
        form.add_error(None, _("You may only keep this for yourself or for people you are responsible for."))
    return render(request, "desk/_create_fields.html", _quick(request, desk, viewer, form), status=422)


# Duplicates


@require_POST
def duplicates_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What may be the same as what is being typed; `but` is the record itself while it is changed."""
    viewer = _may(request, desk)
    but = request.POST.get("but", "")
    this = int(but) if is_number(but) else None
    found = duplicates.find_everywhere(desk, viewer, request.POST, this)
    return render(request, "desk/_duplicates.html", {"matches": matches(desk, viewer, found, this)})


def matches(desk: Desk, viewer: Viewer, found: list[Match], this: int | None = None) -> list[dict[str, Any]]:
    """The matches in words, with what can be done about each; `this` is the record that is being changed."""
    names = names_of({m.owner_id for m in found if m.owner_id})
    merge_url = desk.url("merge") if this is not None and merging.may_merge(desk, viewer) else ""
    free = _claimable(viewer, found)
    told = []
    for m in found:
        where, own = f"{m.desk.url()}{m.pk}", m.desk is desk
        told.append(
            {
                "id": m.pk,
                "title": m.title,
                "kind": "" if own else m.desk.label,
                "safe": list(m.safe.values()),
                "owner": names.get(m.owner_id or 0, ""),
                "why": _(", ").join(_why(m, name) for name in m.fields),
                "exact": m.exact,
                "url": where if m.readable else None,
                "merge_url": f"{merge_url}?ids={this},{m.pk}" if merge_url and own and m.readable else None,
                "claim_url": f"{where}/claim" if (m.desk.key, m.pk) in free and m.readable else None,
                "ask_url": f"{where}/ask-owner?shown={duplicates.mark(viewer, m.desk, m.pk)}"
                if m.owner_id not in (None, viewer.person_id)
                else None,
            }
        )
    return told


def _claimable(viewer: Viewer, found: list[Match]) -> set[tuple[str, int]]:
    """Those that the viewer may claim."""
    free: set[tuple[str, int]] = set()
    for desk in {m.desk.key: m.desk for m in found}.values():
        if (claim := desk.verb("claim")) is not None:
            rows = desk.model._default_manager.filter(pk__in=[m.pk for m in found if m.desk is desk])
            free |= {(desk.key, row.pk) for row in rows if claim.may(viewer, row, desk.write)}
    return free


def _why(match: Match, name: str) -> str:
    label = str(match.desk.model._meta.get_field(name).verbose_name)
    return (_("same %(field)s") if match.exact else _("similar %(field)s")) % {"field": label}


@require_POST
def ask_owner(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """Tell the owner of a record that one was about to write it down too.

    One need not be able to read it, but must have been shown it: `shown` is what came with the warning.
    """
    known = duplicates.was_shown(viewer_of(request), desk, pk, request.GET.get("shown", ""))
    record = desk.model._default_manager.filter(pk=pk).first() if known else None
    if record is None:
        raise Http404
    duplicates.ask_owner(desk, record)
    return JsonResponse({"message": _("The owner has been asked.")})


@require_POST
def paste(request: HttpRequest, desk: Desk) -> JsonResponse:
    """What a pasted card or signature gives the form: {"fields": {name: value}, "labels": {relation: its name}}."""
    viewer = _may(request, desk)
    found, labels = duplicates.of_card(desk, viewer, request.POST.get("text", ""))
    said = "" if found else _("There was nothing to be found in it.")
    return JsonResponse({"fields": found, "labels": labels, "message": said})


def urls() -> list[Any]:
    return [path("create", create, name="create")]

"""List, board, detail and form pages of every desk, from its declaration."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, ProtectedError, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import include, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xiaoguan.desk import paging, search
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.cells import Columns, formatter, money_text
from xiaoguan.desk.desk import Desk, desk_of, desks
from xiaoguan.desk.fields import MoneyFormField
from xiaoguan.desk.forms import form_for, rows_of
from xiaoguan.desk.listing import BadQuery, Listing, filter_bar, rows_in_order, with_query
from xiaoguan.desk.models import Event
from xiaoguan.desk.paths import Path, UnknownPath, resolve
from xiaoguan.desk.records import Conflict, Record
from xiaoguan.desk.verbs import Verb

LANE_CARDS = 20
HISTORY = 50
EXPORTS = {"csv": "CSV", "xlsx": "Excel"}


def _desk_words(desk: Desk, viewer: Viewer) -> dict[str, Any]:
    return {
        "key": desk.key,
        "slug": desk.url_name,
        "label": desk.label,
        "label_plural": desk.label_plural,
        "icon": desk.icon,
        "hint": str(desk.hint),
        "url": desk.url(),
        "new_url": desk.url("new") if desk.may_create(viewer) else None,
        "board_url": desk.url("board") if desk.board else None,
    }


def _open(request: HttpRequest, desk: Desk) -> Viewer:
    viewer = viewer_of(request)
    if not desk.may_open(viewer):
        raise PermissionDenied(_("You may not see this list: %(who)s may.") % {"who": desk.read.words()})
    return viewer


def _record(request: HttpRequest, desk: Desk, pk: int) -> tuple[Viewer, Record]:
    """The record if the viewer may read it; a record that may not be read does not exist for them."""
    viewer = viewer_of(request)
    record = desk.model._default_manager.select_related(*_relations(desk)).filter(pk=pk).first()
    if record is None or not desk.may_read(viewer, record):
        raise Http404
    return viewer, record


def _relations(desk: Desk) -> list[str]:
    paths = [*desk.column_paths, *desk.figure_paths, *(resolve(desk.model, f) for f in desk.form_fields)]
    return sorted({"__".join(h.name for h in p.hops) or p.orm for p in paths if p.hops or p.relation})


# List


@require_GET
def list_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    viewer = _open(request, desk)
    try:
        listing = Listing.read(desk, viewer, request.GET)
        columns = Columns(desk.column_paths)
        rows, after = listing.page(columns)
    except BadQuery as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(desk.url())
    here = with_query(desk.url(), request.GET, cursor=None)
    return render(
        request,
        "desk/list.html",
        {
            "desk": _desk_words(desk, viewer),
            "columns": _headings(desk, listing, request),
            "rows": _table(desk, rows, columns),
            "filters": filter_bar(listing),
            "q": listing.words,
            "filtered": listing.filtered,
            "count": {"text": listing.count()},
            "next_url": with_query(here, request.GET, cursor=after) if after else None,
            "exports": [
                {"label": label, "url": with_query(desk.url("export", kind=kind), request.GET, cursor=None)}
                for kind, label in EXPORTS.items()
            ],
        },
    )


def _headings(desk: Desk, listing: Listing, request: HttpRequest) -> list[dict[str, Any]]:
    found = []
    now = listing.sort or desk.order
    for column in desk.column_paths:
        sorted_now = ("desc" if now.startswith("-") else "asc") if now.lstrip("-") == column.text else ""
        turn = column.text if sorted_now == "desc" else f"-{column.text}" if sorted_now else column.text
        found.append(
            {
                "path": column.text,
                "label": column.label,
                "kind": column.kind,
                "align": "end" if column.kind in ("money", "number", "decimal", "percent") else "",
                "sorted": sorted_now,
                "sort_url": with_query(desk.url(), request.GET, sort=turn, cursor=None),
            }
        )
    return found


def _table(desk: Desk, rows: list[tuple], columns: Columns) -> list[dict[str, Any]]:
    base = desk.url()
    return [
        {"id": row[0], "url": f"{base}{row[0]}", "cells": cells}
        for row, cells in zip(rows, columns.cells(rows), strict=True)
    ]


@require_GET
def export(request: HttpRequest, desk: Desk, kind: str) -> HttpResponse:
    from xiaoguan.desk.transfer import export_rows

    if kind not in EXPORTS:
        raise Http404
    viewer = _open(request, desk)
    try:
        listing = Listing.read(desk, viewer, request.GET)
    except BadQuery as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    body = export_rows(desk, listing.rows.order_by(*listing.order.by()), desk.column_paths, kind)
    content = {
        "csv": "text/csv; charset=utf-8",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
    name = f"{desk.url_name}-{timezone.localdate().isoformat()}.{kind}"
    return StreamingHttpResponse(
        body, content_type=content[kind], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@require_GET
def pick(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Up to 12 records whose search entry fits what was typed, for the boxes that choose a relation."""
    viewer = viewer_of(request)
    rows = desk.visible(viewer)
    words = request.GET.get("q", "").strip()[:80]
    rows = rows.filter(search.hits(desk, words)) if words else rows
    found = rows.order_by("-updated_at" if hasattr(desk.model, "updated_at") else "-pk").values_list(
        "pk", desk.title_field
    )[:12]
    return JsonResponse([{"id": pk, "label": str(title), "hint": ""} for pk, title in found], safe=False)


# Board


@require_GET
def board_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    if desk.board is None:
        raise Http404
    viewer = _open(request, desk)
    try:
        listing = Listing.read(desk, viewer, request.GET)
    except BadQuery as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(desk.url("board"))
    return render(
        request,
        "desk/board.html",
        {
            "desk": _desk_words(desk, viewer),
            "lanes": lanes_of(desk, listing),
            "filters": filter_bar(listing),
            "q": listing.words,
            "move_url": f"{desk.url()}{{id}}/{desk.board.move.name}",
        },
    )


def lane_totals(desk: Desk, listing: Listing) -> dict[str, dict[str, Any]]:
    """Count and totals of each lane: {lane: {"count": n, "totals": {currency: units}}}; an indexed query a lane."""
    board = desk.board
    currency = resolve(desk.model, board.total).currency
    found: dict[str, dict[str, Any]] = {}
    for lane in desk.lanes(listing.viewer):
        rows = listing.rows.filter(desk.in_lane(lane["id"])).order_by()
        grouped = list(rows.values_list(currency).annotate(Count("pk"), Sum(board.total)))
        found[lane["id"]] = {
            "count": sum(number for _code, number, _units in grouped),
            "totals": {code: units or 0 for code, _number, units in grouped},
        }
    return found


def _total_text(totals: dict[str, int]) -> str:
    return " + ".join(money_text(units // 10_000 * 10_000, code).removesuffix(".00") for code, units in totals.items())


def lanes_of(desk: Desk, listing: Listing) -> list[dict[str, Any]]:
    """The lanes with their first cards. The cards of all lanes are one query of ids a lane and one of values."""
    board = desk.board
    columns = Columns(tuple(resolve(desk.model, text) for text in (*board.card, board.total, *board_extra(desk))))
    order = (
        desk.sorting("")
        if board.order == desk.order
        else paging.Order(board.order.lstrip("-"), board.order.startswith("-"), False)
    )
    totals = lane_totals(desk, listing)
    lanes, wanted = [], {}
    for lane in desk.lanes(listing.viewer):
        ids, after = paging.page_ids(listing.rows.filter(desk.in_lane(lane["id"])), order, LANE_CARDS)
        wanted[lane["id"]] = ids
        entry = totals.get(lane["id"], {"count": 0, "totals": {}})
        more = with_query(desk.url(), {board.lanes: lane["id"], **listing.chosen}) if after else None
        lanes.append(
            {
                **lane,
                "count": f"{entry['count']:,}",
                "total": _total_text(entry["totals"]),
                "more_url": more,
                "cards": [],
            }
        )
    rows = rows_in_order(desk, [pk for ids in wanted.values() for pk in ids], columns.names)
    cards = {row[0]: _card(desk, row, cells, columns) for row, cells in zip(rows, columns.cells(rows), strict=True)}
    for lane in lanes:
        lane["cards"] = [cards[pk] for pk in wanted[lane["id"]] if pk in cards]
    return lanes


def board_extra(desk: Desk) -> tuple[str, ...]:
    """What a card needs beyond what it shows: what its badge tells, and the version that a move must still find."""
    return (*desk.badge_paths, "version")


def _card(desk: Desk, row: tuple, cells: list[Any], columns: Columns) -> dict[str, Any]:
    values = dict(zip(columns.names, row, strict=True))
    badge = desk.badge(values)
    shown = len(desk.board.card)
    return {
        "id": row[0],
        "url": f"{desk.url()}{row[0]}",
        "title": cells[0].text,
        "lines": [c.text for c in cells[1:shown] if c.text],
        "amount": cells[shown].text,
        "badge": {"text": badge[0], "tone": badge[1]} if badge else None,
        "version": values["version"],
    }


def card_of(desk: Desk, pk: int) -> dict[str, Any]:
    columns = Columns(
        tuple(resolve(desk.model, text) for text in (*desk.board.card, desk.board.total, *board_extra(desk)))
    )
    rows = rows_in_order(desk, [pk], columns.names)
    return _card(desk, rows[0], columns.cells(rows)[0], columns)


# Detail


@require_GET
def detail_page(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    viewer, record = _record(request, desk, pk)
    tabs = []
    for name in desk.related:
        other, _path = _related(desk, name)
        if other and other.may_open(viewer):
            tabs.append(
                {"key": other.key, "label": other.label_plural, "url": desk.url("related", pk=pk, name=other.key)}
            )
    return render(
        request,
        "desk/detail.html",
        {
            "desk": _desk_words(desk, viewer),
            "record": {
                "id": pk,
                "title": desk.title(record),
                "url": desk.url("detail", pk=pk),
                "version": record.version,
            },
            "figures": _fields(record, desk.figure_paths),
            "sections": [{"label": "", "fields": _fields(record, _detail_paths(desk))}],
            "stages": desk.stages(record),
            "verbs": [
                _verb_words(desk, verb(), record, viewer)
                for verb in desk.verbs
                if verb().may(viewer, record, desk.write)
            ],
            "edit_url": desk.url("edit", pk=pk) if desk.may_write(viewer, record) else None,
            "delete_url": desk.url("delete", pk=pk) if desk.may_delete(viewer, record) else None,
            "tabs": tabs,
            "history": history_of(desk, record),
            "why": _why(desk, viewer, record),
            "notice": "",
        },
    )


def _detail_paths(desk: Desk) -> list[Path]:
    """What the detail page lists below its figures: the form's fields, then columns that are not among them."""
    texts = list(desk.form_fields)
    texts += [c for c in desk.columns if c not in texts and c.split(".")[0] not in texts]
    return [resolve(desk.model, t) for t in texts if t != desk.title_field and t not in desk.figures]


def _fields(record: Record, paths: Any) -> list[dict[str, Any]]:
    """Label and cell of each path, read from the record in hand (its relations are loaded with it)."""
    columns = Columns(tuple(paths))
    row = tuple(_get(record, name) for name in columns.names)
    cells = columns.cells([row])[0]
    return [{"label": p.label, "cell": c, "name": p.text} for p, c in zip(columns.paths, cells, strict=True)]


def _get(record: Any, name: str) -> Any:
    *steps, last = name.split("__")
    for step in steps:
        record = getattr(record, step)
        if record is None:
            return None
    field = None if last == "pk" else record._meta.get_field(last)
    return record.pk if field is None else getattr(record, field.attname)


def _why(desk: Desk, viewer: Viewer, record: Record) -> str:
    return _("Seen by %(who)s. You see it as one of: %(you)s.") % {
        "who": desk.read.words(),
        "you": _("; ").join(desk.read.reasons(viewer, record)),
    }


def _verb_words(desk: Desk, verb: Verb, record: Record, viewer: Viewer) -> dict[str, Any]:
    return {
        "name": verb.name,
        "label": str(verb.label),
        "icon": verb.icon,
        "tone": verb.tone,
        "url": desk.url("verb", pk=record.pk, name=verb.name),
        "fields": list(verb.form(None, record, viewer)),
    }


def history_of(desk: Desk, record: Record) -> list[dict[str, Any]]:
    """The newest deeds on the record in words, with old and new values as people read them."""
    events = list(Event.objects.filter(entity=desk.key, record_id=record.pk).order_by("-id")[:HISTORY])
    names = _names_of({e.actor_id for e in events if e.actor_id})
    verbs = {v.name: str(v.label) for v in desk.verbs}
    sentences = {"created": _("created"), "changed": _("changed"), "deleted": _("deleted")}
    return [
        {
            "at": e.at,
            "actor": names.get(e.actor_id, _("the system")),
            "sentence": sentences.get(e.deed) or verbs.get(e.deed, e.deed),
            "via": e.via,
            "note": e.note,
            "changes": _changes(desk, e.changes) if e.deed == "changed" else [],
        }
        for e in events
    ]


def _names_of(ids: set[int]) -> dict[int, str]:
    people = desk_of("person")
    return dict(people.model.objects.filter(pk__in=ids).values_list("pk", "name")) if people and ids else {}


def _changes(desk: Desk, changes: dict[str, list[Any]]) -> list[dict[str, str]]:
    found = []
    for attname, (old, new) in changes.items():
        field = next((f for f in desk.model._meta.concrete_fields if f.attname == attname), None)
        if field is None:
            continue
        shown = resolve(desk.model, field.name)
        if shown.relation:
            titles = {
                r.pk: str(r)
                for r in shown.field.related_model._default_manager.filter(pk__in=[x for x in (old, new) if x])
            }
            texts = [titles.get(x, "–") for x in (old, new)]
        elif shown.kind == "money":
            texts = [money_text(x) for x in (old, new)]
        else:
            show = formatter(shown)
            texts = [show(_typed(field, x)) for x in (old, new)]
        found.append({"label": str(field.verbose_name), "old": texts[0], "new": texts[1]})
    return found


def _typed(field: Any, value: Any) -> Any:
    return None if value is None else field.to_python(value)


def _related(desk: Desk, name: str) -> tuple[Desk | None, str]:
    """The desk and field behind a declared reverse relation, such as "orders"."""
    relation = next((r for r in desk.model._meta.related_objects if r.get_accessor_name() == name), None)
    if relation is None:
        raise UnknownPath(f"{type(desk).__name__}.related names '{name}', which {desk.model.__name__} does not have")
    return desk_of(relation.related_model), relation.field.name


@require_GET
def related_tab(request: HttpRequest, desk: Desk, pk: int, name: str) -> HttpResponse:
    """One tab of the detail page: the related records that the viewer may read."""
    viewer, record = _record(request, desk, pk)
    found = next(((o, f) for o, f in (_related(desk, n) for n in desk.related) if o and o.key == name), None)
    if found is None:
        raise Http404
    other, field = found
    columns = Columns(tuple(p for p in other.column_paths if p.text.split(".")[0] != field))
    rows = other.visible(viewer).filter(**{field: record.pk})
    ids, after = paging.page_ids(rows, other.sorting(""), 20)
    values = rows_in_order(other, ids, columns.names)
    filterable = field in other.filters
    return render(
        request,
        "desk/related.html",
        {
            "desk": _desk_words(other, viewer),
            "columns": [
                {
                    "label": p.label,
                    "kind": p.kind,
                    "align": "end" if p.kind in ("money", "number", "decimal", "percent") else "",
                }
                for p in columns.paths
            ],
            "rows": _table(other, values, columns),
            "new_url": with_query(other.url("new"), {field: str(pk)}) if other.may_create(viewer) else None,
            "next_url": with_query(other.url(), {field: str(pk)}) if after and filterable else None,
            "empty": _("Nothing here yet."),
        },
    )


# Create, edit, delete, do


@require_http_methods(["GET", "POST"])
def new_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    viewer = viewer_of(request)
    if not desk.may_create(viewer):
        raise PermissionDenied(
            _("You may not create this: %(who)s may.") % {"who": (desk.create or desk.write).words()}
        )
    record = desk.model()
    desk.prepare(record, viewer)
    _take_relations(desk, record, request)
    return _form_page(request, desk, viewer, record, _("New %(thing)s") % {"thing": desk.label}, desk.url())


def _take_relations(desk: Desk, record: Record, request: HttpRequest) -> None:
    """`?customer=7` fills the form's relation in, as the tabs' "new" links ask."""
    for name in desk.form_fields:
        field = desk.model._meta.get_field(name)
        given = request.GET.get(name, "")
        if field.is_relation and given.isdigit():
            target = desk_of(field.related_model)
            if target and target.visible(viewer_of(request)).filter(pk=int(given)).exists():
                setattr(record, field.attname, int(given))


@require_http_methods(["GET", "POST"])
def edit_page(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    viewer, record = _record(request, desk, pk)
    if not desk.may_write(viewer, record):
        raise PermissionDenied(_("You may not change this: %(who)s may.") % {"who": desk.write.words()})
    return _form_page(request, desk, viewer, record, desk.title(record), desk.url("detail", pk=pk))


def _form_page(
    request: HttpRequest, desk: Desk, viewer: Viewer, record: Record, title: str, cancel: str
) -> HttpResponse:
    posted = request.method == "POST"
    stored = {f.attname: getattr(record, f.attname) for f in record._meta.concrete_fields}
    form = form_for(desk, viewer, record, request.POST if posted else None)
    conflict, status = None, 200
    if posted:
        status = 422
        given = request.POST.get("version", "")
        if form.is_valid() and _still_writable(desk, viewer, form):
            try:
                saved = form.save_record(int(given) if given.isdigit() else None)
            except Conflict as error:
                form.add_error(None, str(error))
                conflict = [
                    {
                        "label": form[n].label,
                        "yours": form[n].value(),
                        "theirs": stored.get(desk.model._meta.get_field(n).attname),
                    }
                    for n in form.changed_data
                ]
                status = 409
            else:
                messages.success(request, _("Saved: %(thing)s") % {"thing": desk.title(saved)})
                return HttpResponseRedirect(desk.url("detail", pk=saved.pk))
    return render(
        request,
        "desk/form.html",
        {
            "desk": _desk_words(desk, viewer),
            "title": title,
            "action": request.get_full_path(),
            "form": form,
            "rows": rows_of(desk, form),
            "cancel_url": cancel,
            "version": stored.get("version") if record.pk else "",
            "conflict": conflict,
        },
        status=status,
    )


def _still_writable(desk: Desk, viewer: Viewer, form: Any) -> bool:
    """What comes out must again be something its writer may write: nobody creates in another's name, or hangs a record
    onto another's, without the right to. Handing one's own record over by its owner field is allowed."""
    if desk.may_keep(viewer, form.instance, form.changed_data):
        return True
    form.add_error(None, _("You may only keep this for yourself or for people you are responsible for."))
    return False


@require_POST
def delete(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    viewer, record = _record(request, desk, pk)
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
    messages.success(request, _("Deleted: %(thing)s") % {"thing": desk.title(record)})
    return HttpResponseRedirect(desk.url())


@require_POST
def do(request: HttpRequest, desk: Desk, pk: int, name: str) -> HttpResponse:
    """Run a verb from a button (answer: back to the record) or from a script (answer: JSON).

    With `version` the deed is for the record as it was seen; if it has changed since, the answer is 409.
    """
    viewer, record = _record(request, desk, pk)
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
            return JsonResponse(refusal(verb, error), status=409 if isinstance(error, Conflict) else 422)
        messages.error(request, refusal(verb, error)["message"])
        return HttpResponseRedirect(desk.url("detail", pk=pk))
    text = _("%(verb)s: %(thing)s") % {"verb": verb.label, "thing": desk.title(record)}
    if not scripted:
        messages.success(request, text)
        return HttpResponseRedirect(
            request.POST.get("next") if _local(request.POST.get("next")) else desk.url("detail", pk=pk)
        )
    answer: dict[str, Any] = {"message": text}
    if desk.board:
        listing = Listing.read(desk, viewer, request.GET)
        answer["lanes"] = {
            lane: {"count": f"{e['count']:,}", "total": _total_text(e["totals"])}
            for lane, e in lane_totals(desk, listing).items()
        }
        answer["card"] = card_of(desk, record.pk)
    return JsonResponse(answer)


def _local(url: str | None) -> bool:
    return bool(url) and url.startswith("/") and not url.startswith("//") and "\\" not in url


def refusal(verb: Verb, error: ValidationError | Conflict) -> dict[str, Any]:
    """What was wrong in words, and the fields to ask for if some are missing."""
    if isinstance(error, Conflict):
        return {"message": str(error), "fields": []}
    missing = list(error.message_dict) if hasattr(error, "error_dict") else []
    asked = getattr(error, "params", None) or {}
    names = [n for n in missing if n in verb.fields] or list(asked.get("ask", ()))
    form = verb.form()
    fields = [
        {
            "name": n,
            "label": str(form[n].label),
            "kind": _asked_as(form.fields[n]),
            "options": [{"value": v, "label": str(label)} for v, label in getattr(form.fields[n], "choices", ())],
        }
        for n in names
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
    return next((kind for types, kind in KINDS if isinstance(field, types)), "text")


PAGES: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
    ("", list_page, "list"),
    ("new", new_page, "new"),
    ("pick", pick, "pick"),
    ("board", board_page, "board"),
    ("export.<str:kind>", export, "export"),
    ("<int:pk>", detail_page, "detail"),
    ("<int:pk>/edit", edit_page, "edit"),
    ("<int:pk>/delete", delete, "delete"),
    ("<int:pk>/tab/<str:name>", related_tab, "related"),
    ("<int:pk>/<str:name>", do, "verb"),
)


def urls() -> list[Any]:
    """The pages of every registered desk."""
    return [
        path(
            f"{desk.url_name}/",
            include(([path(route, partial(view, desk=desk), name=name) for route, view, name in PAGES], desk.key)),
        )
        for desk in desks()
    ]

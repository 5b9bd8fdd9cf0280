"""The detail page of every desk, its tabs, and the short look at a record from a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.desk import figures, layouts, paging, timeline, undo
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.cells import MISSING, Cell, Columns
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.listing import Listing, rows_in_order, with_query
from xiaoguan.desk.paths import resolve
from xiaoguan.desk.records import Record
from xiaoguan.desk.screens.common import columns_words, desk_words, record_of, related_desk, table
from xiaoguan.desk.screens.rows_html import shares
from xiaoguan.desk.screens.stories import step_words
from xiaoguan.desk.verbs import Verb

COUNTED = 1_000
"""A tab's count stops here and says 1,000+."""


More = Callable[[HttpRequest, Viewer, Any], dict[str, Any]]
"""What a page of its own shows of a record beyond what every page does."""


@require_GET
def detail_page(
    request: HttpRequest, desk: Desk, pk: int, template: str = "desk/detail.html", more: More | None = None
) -> HttpResponse:
    """What the record is and what can be done; its story, its tabs and the sheets are fetched by the page.

    template    one that extends desk/detail.html and fills its block "more" with what `more` gives.
    """
    try:
        viewer, record = record_of(request, desk, pk)
    except Http404:
        if (kept := undo.merged_into(desk, pk)) is None:
            raise
        return HttpResponseRedirect(desk.url("detail", pk=kept))
    return render(
        request,
        template,
        {
            **_summary(desk, viewer, record),
            "sections": facts(desk, viewer, record, layouts.of(desk, viewer)),
            "title_field": desk.title_field if _title_is_written(desk, viewer, record) else "",
            "delete_url": desk.url("delete", pk=pk) if desk.may_delete(viewer, record) else None,
            "tabs": _tabs(desk, viewer, pk),
            "why": _why(desk, viewer, record),
            "steps": desk.steps is not None,
            **(more(request, viewer, record) if more else {}),
        },
    )


@require_GET
def peek(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """The record beside the list: key figures, what comes next, its facts, the newest of its story."""
    viewer, record = record_of(request, desk, pk)
    sections = facts(desk, viewer, record, layouts.of(desk, viewer))
    found = [f for section in sections for f in section["fields"]]
    context = {
        **_summary(desk, viewer, record),
        "fields": [f for f in found if f["cell"].text not in ("", None, MISSING) or f.get("edit")],
        "title_field": desk.title_field if _title_is_written(desk, viewer, record) else "",
    }
    return render(request, "desk/_peek.html", context)


def _summary(desk: Desk, viewer: Viewer, record: Record) -> dict[str, Any]:
    """What the page and the short look share: the name, the key figures, the stage, the deeds."""
    pk, base = record.pk, desk.url("detail", pk=record.pk)
    verbs = [verb() for verb in desk.verbs if verb().may(viewer, record, desk.write)]
    move = next((v for v in verbs if desk.board and type(v) is desk.board.move), None)
    return {
        "desk": desk_words(desk, viewer),
        "record": {"id": pk, "title": desk.title(record), "url": base, "version": getattr(record, "version", 0)},
        "figures": [*_sums(desk, viewer, pk), *_editable(desk, viewer, record, _figures(desk, record))],
        "next": _next(desk, viewer, record),
        "stages": desk.stages(record),
        "move_url": f"{base}/ask/{move.name}" if move else None,
        "verbs": [_verb_words(desk, verb, record) for verb in verbs],
        "edit_url": desk.url("edit", pk=pk) if desk.may_write(viewer, record) else None,
        "timeline_url": desk.url("timeline", pk=pk),
    }


def _sums(desk: Desk, viewer: Viewer, pk: int) -> list[dict[str, Any]]:
    """The declared totals of what belongs to the record: an aggregate each, and a link to what was added up."""
    found = []
    for one in desk.sums:
        other, field = related_desk(desk, one.relation)
        if other is None or not other.may_open(viewer) or not other.usable(viewer, one.amount):
            continue
        query = QueryDict(f"{field}={pk}&{one.query}")
        paths = [resolve(other.model, name) for name in (one.amount, one.less) if name]
        added = figures.cut(Listing.read(other, viewer, query), (), paths).get((), figures.Sums())
        text = figures.figure_text(paths[0], figures.less(added, *paths))
        cell = Cell("money", text, with_query(other.url(), query) if text != MISSING else None)
        found.append({"label": str(one.label), "cell": cell, "name": ""})
    return found


def _next(desk: Desk, viewer: Viewer, record: Record) -> dict[str, Any] | None:
    """What is planned first with the record."""
    step = next(iter(timeline.planned(desk, record, viewer, 1)), None)
    return step_words(desk, viewer, step) if step is not None else None


@require_GET
def ask(request: HttpRequest, desk: Desk, pk: int, name: str) -> HttpResponse:
    """The sheet of a verb. Parameters fill its fields: a click on a stage asks for the move to it."""
    viewer, record = record_of(request, desk, pk)
    verb = desk.verb(name)
    if verb is None:
        raise Http404
    if not verb.may(viewer, record, desk.write):
        raise PermissionDenied(_("You may not do this: %(who)s may.") % {"who": verb.rule(desk.write).words()})
    verb.given = request.GET.dict()
    form = verb.form(None, record, viewer)
    form.auto_id = f"ask-{verb.name}-%s"
    context = {
        "verb": _verb_words(desk, verb, record),
        "fields": list(form),
        "version": record.version,
        "title": desk.title(record),
    }
    return render(request, "desk/_verb_sheet.html", context)


def _tabs(desk: Desk, viewer: Viewer, pk: int) -> list[dict[str, str]]:
    others = [other for other, _field in (related_desk(desk, name) for name in desk.related) if other]
    return [
        {"key": other.key, "label": other.label_plural, "url": desk.url("related", pk=pk, name=other.key)}
        for other in others
        if other.may_open(viewer)
    ]


@require_GET
def counts(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """How much each tab holds of what the viewer may read, counted up to COUNTED."""
    viewer, record = record_of(request, desk, pk)
    found = {}
    for other, field in (related_desk(desk, name) for name in desk.related):
        if other and other.may_open(viewer):
            rows = other.visible(viewer).filter(**{field: record.pk}).order_by()
            number = rows[: COUNTED + 1].count()
            found[other.key] = f"{number:,}" if number <= COUNTED else f"{COUNTED:,}+"
    return render(request, "desk/_counts.html", {"counts": found})


def facts(desk: Desk, viewer: Viewer, record: Record, sections: layouts.Sections) -> list[dict[str, Any]]:
    """What the page lists below its figures: the fields of each section, without the title and the figures."""
    above = {desk.title_field, *desk.figures}
    found = []
    for section in sections:
        paths = [resolve(desk.model, name) for name in section.names if name not in above]
        if fields := _editable(desk, viewer, record, paths):
            found.append({"label": section.label, "fields": fields})
    return found


def _figures(desk: Desk, record: Record) -> list[Any]:
    """The fields that its page shows as key figures now."""
    return [p for p in desk.figure_paths if p.text not in record.PASSING or _get(record, p.text) not in (None, "")]


def _fields(desk: Desk, viewer: Viewer, record: Record, paths: Any) -> list[dict[str, Any]]:
    """Label and cell of each path, read from the record in hand (its relations are loaded with it)."""
    columns = Columns.seen(desk, viewer, paths)
    row = tuple(_get(record, name) for name in columns.names)
    cells = columns.cells([row])[0]
    return [{"label": p.label, "cell": c, "name": p.text} for p, c in zip(columns.paths, cells, strict=True)]


def _editable(desk: Desk, viewer: Viewer, record: Record, paths: Any) -> list[dict[str, Any]]:
    """The same with how each can be changed where it stands: `edit` for its control, `ask_url` for the sheet of the
    verb that changes it."""
    found = _fields(desk, viewer, record, paths)
    names = desk.editable(viewer) if desk.may_write(viewer, record) else frozenset()
    for field in found:
        mover = desk.mover(field["name"])
        if mover is None:
            field["edit"] = field["name"] in names
        elif field["name"] in names and mover.may(viewer, record, desk.write):
            field["ask_url"] = f"{desk.url('detail', pk=record.pk)}/ask/{mover.name}"
    return found


def _title_is_written(desk: Desk, viewer: Viewer, record: Record) -> bool:
    return desk.title_field in desk.writable(viewer) and desk.may_write(viewer, record)


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


def _verb_words(desk: Desk, verb: Verb, record: Record) -> dict[str, Any]:
    url = desk.url("detail", pk=record.pk)
    return {
        "name": verb.name,
        "label": str(verb.label),
        "means": str(verb.means),
        "icon": verb.icon,
        "tone": verb.tone,
        "sure": verb.sure,
        "url": f"{url}/{verb.name}",
        "ask_url": f"{url}/ask/{verb.name}" if verb.asked() else None,
    }


@require_GET
def related_tab(request: HttpRequest, desk: Desk, pk: int, name: str) -> HttpResponse:
    """One tab of the detail page: the related records that the viewer may read."""
    viewer, record = record_of(request, desk, pk)
    found = next(((o, f) for o, f in (related_desk(desk, n) for n in desk.related) if o and o.key == name), None)
    if found is None:
        raise Http404
    other, field = found
    columns = Columns.seen(other, viewer, [p for p in other.column_paths if p.text.split(".")[0] != field])
    found_rows = other.visible(viewer).filter(**{field: record.pk})
    ids, after = paging.page_ids(found_rows, other.sorting(other.within), 20)
    rows = table(other, rows_in_order(other, ids, columns.names), columns)
    filterable = field in other.filters
    return render(
        request,
        "desk/related.html",
        {
            "desk": desk_words(other, viewer),
            "columns": columns_words(columns),
            "rows": rows,
            "shares": shares(rows),
            "new_url": with_query(other.url("new"), {field: str(pk)}) if other.may_create(viewer) else None,
            "next_url": with_query(other.url(), {field: str(pk)}) if after and filterable else None,
            "empty": _("Nothing here yet."),
        },
    )

"""The detail page of every desk and its tabs."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.desk import paging
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.cells import Columns
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.listing import rows_in_order, with_query
from xiaoguan.desk.paths import Path, resolve
from xiaoguan.desk.records import Record
from xiaoguan.desk.screens.common import desk_words, record_of, related_desk, table
from xiaoguan.desk.screens.history import history_of
from xiaoguan.desk.verbs import Verb


@require_GET
def detail_page(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    viewer, record = record_of(request, desk, pk)
    tabs = []
    for name in desk.related:
        other, _path = related_desk(desk, name)
        if other and other.may_open(viewer):
            tabs.append(
                {"key": other.key, "label": other.label_plural, "url": desk.url("related", pk=pk, name=other.key)}
            )
    return render(
        request,
        "desk/detail.html",
        {
            "desk": desk_words(desk, viewer),
            "record": {
                "id": pk,
                "title": desk.title(record),
                "url": desk.url("detail", pk=pk),
                "version": record.version,
            },
            "figures": _fields(desk, viewer, record, desk.figure_paths),
            "sections": [{"label": "", "fields": _fields(desk, viewer, record, _detail_paths(desk))}],
            "stages": desk.stages(record),
            "verbs": [
                _verb_words(desk, verb(), record, viewer)
                for verb in desk.verbs
                if verb().may(viewer, record, desk.write)
            ],
            "edit_url": desk.url("edit", pk=pk) if desk.may_write(viewer, record) else None,
            "delete_url": desk.url("delete", pk=pk) if desk.may_delete(viewer, record) else None,
            "tabs": tabs,
            "history": history_of(desk, record, viewer),
            "why": _why(desk, viewer, record),
            "notice": "",
        },
    )


def _detail_paths(desk: Desk) -> list[Path]:
    """What the detail page lists below its figures: the form's fields, then columns that are not among them."""
    texts = list(desk.form_fields)
    texts += [c for c in desk.columns if c not in texts and c.split(".")[0] not in texts]
    return [resolve(desk.model, t) for t in texts if t != desk.title_field and t not in desk.figures]


def _fields(desk: Desk, viewer: Viewer, record: Record, paths: Any) -> list[dict[str, Any]]:
    """Label and cell of each path, read from the record in hand (its relations are loaded with it)."""
    columns = Columns.seen(desk, viewer, paths)
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


@require_GET
def related_tab(request: HttpRequest, desk: Desk, pk: int, name: str) -> HttpResponse:
    """One tab of the detail page: the related records that the viewer may read."""
    viewer, record = record_of(request, desk, pk)
    found = next(((o, f) for o, f in (related_desk(desk, n) for n in desk.related) if o and o.key == name), None)
    if found is None:
        raise Http404
    other, field = found
    columns = Columns.seen(other, viewer, [p for p in other.column_paths if p.text.split(".")[0] != field])
    rows = other.visible(viewer).filter(**{field: record.pk})
    ids, after = paging.page_ids(rows, other.sorting(""), 20)
    values = rows_in_order(other, ids, columns.names)
    filterable = field in other.filters
    return render(
        request,
        "desk/related.html",
        {
            "desk": desk_words(other, viewer),
            "columns": [
                {
                    "label": p.label,
                    "kind": p.kind,
                    "align": "end" if p.kind in ("money", "number", "decimal", "percent") else "",
                }
                for p in columns.paths
            ],
            "rows": table(other, values, columns),
            "new_url": with_query(other.url("new"), {field: str(pk)}) if other.may_create(viewer) else None,
            "next_url": with_query(other.url(), {field: str(pk)}) if after and filterable else None,
            "empty": _("Nothing here yet."),
        },
    )

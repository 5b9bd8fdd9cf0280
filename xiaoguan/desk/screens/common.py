"""What the pages of every desk share: the words about a desk, opening a list, finding a record, the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from xiaoguan.desk import merging
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.cells import ALIGN_RIGHT, MISSING, Columns
from xiaoguan.desk.desk import Desk, desk_of, remembered
from xiaoguan.desk.listing import rows_in_order
from xiaoguan.desk.paths import UnknownPath, resolve
from xiaoguan.desk.records import Record


def desk_words(desk: Desk, viewer: Viewer) -> dict[str, Any]:
    return {
        "key": desk.key,
        "slug": desk.url_name,
        "label": desk.label,
        "label_plural": desk.label_plural,
        "icon": desk.icon,
        "hint": str(desk.hint),
        "url": desk.url(),
        "new_url": desk.url("new") if desk.may_create(viewer) and desk.model.IMPORTED else None,
        "import_url": reverse("import", args=[desk.key]) if desk.may_create(viewer) else None,
        "merge_url": desk.url("merge") if merging.may_merge(desk, viewer) else None,
        "bin_url": desk.url("bin"),
        "board_url": desk.url("board") if desk.board else None,
        "approvals": bool(desk.approvals),
    }


def opened(request: HttpRequest, desk: Desk) -> Viewer:
    viewer = viewer_of(request)
    if not desk.may_open(viewer):
        raise PermissionDenied(_("You may not see this list: %(who)s may.") % {"who": desk.read.words()})
    return viewer


def record_of(request: HttpRequest, desk: Desk, pk: int) -> tuple[Viewer, Record]:
    """The record if the viewer may read it; a record that may not be read does not exist for them."""
    viewer = viewer_of(request)
    record = desk.model._default_manager.select_related(*_relations(desk)).filter(pk=pk).first()
    if record is None or not desk.may_read(viewer, record):
        raise Http404
    return viewer, record


@remembered
def _relations(desk: Desk) -> list[str]:
    paths = [*desk.column_paths, *desk.figure_paths, *(resolve(desk.model, f) for f in desk.form_fields)]
    return sorted({"__".join(h.name for h in p.hops) or p.orm for p in paths if p.hops or p.relation})


def related_desk(desk: Desk, name: str) -> tuple[Desk | None, str]:
    """The desk and field behind a declared reverse relation, such as "orders"."""
    relation = next((r for r in desk.model._meta.related_objects if r.get_accessor_name() == name), None)
    if relation is None:
        raise UnknownPath(f"{type(desk).__name__}.related names '{name}', which {desk.model.__name__} does not have")
    return desk_of(relation.related_model), relation.field.name


def table(desk: Desk, rows: list[tuple], columns: Columns) -> list[dict[str, Any]]:
    base = desk.url()
    return [
        {"id": row[0], "url": f"{base}{row[0]}", "cells": cells}
        for row, cells in zip(rows, columns.cells(rows), strict=True)
    ]


def columns_words(columns: Columns) -> list[dict[str, str]]:
    """The heads of a table that cannot be sorted."""
    return [{"label": p.label, "kind": p.kind, "align": "end" if p.kind in ALIGN_RIGHT else ""} for p in columns.paths]


def besides(desk: Desk, viewer: Viewer, ids: Sequence[int]) -> dict[int, str]:
    """{id: what stands beside the title} where a record is one of several: customer, owner, amount."""
    if not desk.beside or not ids:
        return {}
    columns = Columns.seen(desk, viewer, [resolve(desk.model, text) for text in desk.beside])
    rows = rows_in_order(desk, ids, columns.names)
    shown = zip(rows, columns.cells(rows), strict=True)
    return {row[0]: " · ".join(c.text for c in cells if c.text not in (None, "", MISSING)) for row, cells in shown}


def names_of(ids: set[int]) -> dict[int, str]:
    """{id: name} of these people."""
    people = desk_of("person")
    return dict(people.model.objects.filter(pk__in=ids).values_list("pk", "name")) if people and ids else {}


def is_local(url: str | None) -> bool:
    return bool(url) and url.startswith("/") and not url.startswith("//") and "\\" not in url


def way_back(request: HttpRequest) -> str:
    """Where a form wants to go on: its `next`, or the page it was on."""
    given = request.POST.get("next") or request.META.get("HTTP_REFERER", "")
    host = f"{request.scheme}://{request.get_host()}"
    given = given.removeprefix(host)
    return given if is_local(given) else "/"


def is_number(text: str) -> bool:
    """Whether the text is a whole number that a database can hold."""
    return text.isdecimal() and text.isascii() and len(text) < 19

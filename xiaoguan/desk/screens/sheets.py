"""The sheets of a list, fetched when they are opened: the filter builder, what is shown and how, and saved views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xiaoguan.desk import figures, filters, layouts, views
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.expressions import BadQuery, Condition, Expression, Group
from xiaoguan.desk.filters import CHOICES, DATES, NUMBERS
from xiaoguan.desk.listing import with_query
from xiaoguan.desk.paths import Path
from xiaoguan.desk.screens.arranged import Arranged, arranged
from xiaoguan.desk.screens.common import opened
from xiaoguan.desk.views import SavedView, View


@require_GET
def sheet(request: HttpRequest, desk: Desk, name: str) -> HttpResponse:
    """One sheet, for the list as the address has it: `filter`, `display` or `view`."""
    viewer = opened(request, desk)
    if name not in _SHEETS:
        raise Http404
    base = desk.url("board") if request.GET.get("on") == "board" and desk.board else ""
    try:
        page = arranged(request, desk, viewer, base)
    except BadQuery as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    template, context = _SHEETS[name](request, page)
    return render(request, template, context)


# The filter builder


def _filter_sheet(request: HttpRequest, page: Arranged) -> tuple[str, dict[str, Any]]:
    tree = _two_levels(page.listing.where)
    told = {
        "fields": [_field(page, path) for path in filters.usable_paths(page.desk, page.viewer)],
        "periods": filters.relative_periods(),
        "tree": tree,
        "labels": _labels(page, page.listing.where),
        "operators": {
            kind: {op: filters.operator_label(op, kind) for op in ops} for kind, ops in _operators_by_kind().items()
        },
    }
    return "desk/_filter_sheet.html", {
        "told": told,
        "text": page.query.get("where", "") if tree is None else "",
        "address": page.address(where=None),
    }


def _operators_by_kind() -> dict[str, tuple[str, ...]]:
    kinds = ("text", "choice", "stage", "relation", "bool", "date", "datetime", "money", "number", "decimal", "percent")
    return {kind: filters.operators_of_kind(kind) for kind in kinds}


def _field(page: Arranged, path: Path) -> dict[str, Any]:
    """What the builder needs to know of a path: words, kind, operators, the control for its value."""
    kind = path.kind if path.kind in {*CHOICES, *DATES, *NUMBERS, "relation", "bool"} else "text"
    found: dict[str, Any] = {
        "path": path.text,
        "label": filters.path_label(path),
        "kind": kind,
        "ops": filters.operators(path),
    }
    if kind in CHOICES:
        found["options"] = filters.choices_of(path)
    if kind == "relation":
        target = desk_of(path.field.related_model)
        found["lookup"] = target.url("pick") if target else ""
        if path.field.related_model._meta.model_name == "person":
            found["people"] = [("me", _("me")), ("team", _("my team")), ("reports", _("my reports"))]
    return found


def _two_levels(where: Expression | None) -> dict[str, Any] | None:
    """The expression as the builder draws it, groups of conditions; None if it is deeper than that."""
    if where is None:
        return {"every": True, "groups": []}
    if isinstance(where, Condition):
        return {"every": True, "groups": [{"every": True, "conditions": [_plain(where)]}]}
    if all(isinstance(p, Condition) for p in where.parts):
        return {"every": True, "groups": [{"every": where.every, "conditions": [_plain(p) for p in where.parts]}]}
    groups = []
    for part in where.parts:
        inner = part.parts if isinstance(part, Group) else (part,)
        if not all(isinstance(p, Condition) for p in inner):
            return None
        groups.append({"every": isinstance(part, Condition) or part.every, "conditions": [_plain(p) for p in inner]})
    return {"every": where.every, "groups": groups}


def _plain(condition: Condition) -> dict[str, Any]:
    return {
        "path": condition.path,
        "op": filters.ALIASES.get(condition.op, condition.op),
        "values": list(condition.values),
    }


def _labels(page: Arranged, where: Expression | None) -> dict[str, str]:
    """The names of the related records that the filter speaks of: {"owner=7": "林静"}."""
    from xiaoguan.desk.expressions import conditions_of

    found = {}
    for condition in conditions_of(where):
        path = filters.usable(page.desk, page.viewer, condition.path)
        if path.relation:
            for value in condition.values:
                found[f"{condition.path}={value}"] = filters.value_label(path, value, page.viewer)
    return found


# What is shown and how


def _display_sheet(request: HttpRequest, page: Arranged) -> tuple[str, dict[str, Any]]:
    listing = page.listing
    shown = [p.text for p in listing.columns]
    usable = filters.usable_paths(page.desk, page.viewer)
    own = [p for p in usable if not p.hops]
    related: dict[str, list[Path]] = {}
    for path in usable:
        if path.hops:
            related.setdefault(str(path.hops[-1].verbose_name), []).append(path)
    return "desk/_display_sheet.html", {
        "desk_url": page.desk.url(),
        "address": page.address(columns=None, group=None, sort=None, cursor=None),
        "shown": [_column(p) for p in listing.columns],
        "others": [_column(p) for p in own if p.text not in shown],
        "related": [
            {"label": label, "paths": [_column(p) for p in paths if p.text not in shown]}
            for label, paths in related.items()
        ],
        "sortable": [
            _column(p)
            for p in usable
            if not p.hops or p.text in page.desk.columns or not filters.seen_through(page.desk, page.viewer, p)
        ],
        "sorts": _sorts(page),
        "groupable": _groupable(page, usable),
        "group": listing.group,
        "plain": page.view is None,
        "declared": ",".join(p.text for p in page.desk.readable(page.viewer, page.desk.column_paths)),
        "density": request.COOKIES.get("density", "compact"),
    }


def _column(path: Path) -> dict[str, str]:
    return {"path": path.text, "label": filters.path_label(path)}


def _sorts(page: Arranged) -> list[tuple[str, bool]]:
    """The sort in use as (path, descending), with room for further keys."""
    now = [(t.lstrip("-"), t.startswith("-")) for t in (page.listing.sort or page.desk.order).split(",")]
    return [*now, *[("", False)] * (3 - len(now))][:3]


def _groupable(page: Arranged, usable: list[Path]) -> list[tuple[str, str]]:
    """(text, words) of what the list can be grouped by; a date in steps."""
    found = []
    for path in usable:
        if path.kind not in figures.GROUPED or filters.seen_through(page.desk, page.viewer, path):
            continue
        if path.kind == "text" and path.text not in page.desk.columns:
            continue
        steps = figures.steps() if path.kind in DATES else [("", "")]
        for step, words in steps:
            label = filters.path_label(path)
            found.append((f"{path.text}:{step}" if step else path.text, f"{label} · {words}" if words else label))
    return found


@require_POST
def arrange(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Keep how somebody has the plain list: `columns`, `widths` (JSON), `first` (a view's id, or empty).

    With `first_for`, a view's id, and the codes in `role`: what the list opens with for these roles.
    """
    viewer = opened(request, desk)
    if "first_for" in request.POST:
        return _set_first(request, desk, viewer)
    changes: dict[str, Any] = {}
    try:
        if "columns" in request.POST:
            names = [t for t in request.POST["columns"].split(",") if t]
            changes["columns"] = [filters.usable(desk, viewer, t, shown=True).text for t in names]
            if changes["columns"] == [p.text for p in desk.readable(viewer, desk.column_paths)]:
                changes["columns"] = []
        if "widths" in request.POST:
            changes["widths"] = _widths(desk, viewer, request.POST["widths"])
        if "first" in request.POST:
            first = request.POST["first"]
            changes["first"] = first if views.views_of(desk, viewer).get(first) else None
    except BadQuery as error:
        return JsonResponse({"message": str(error)}, status=422)
    views.arrange(desk, viewer, **changes)
    return JsonResponse({"message": _("Kept.")})


def _set_first(request: HttpRequest, desk: Desk, viewer: Viewer) -> HttpResponse:
    view = views.views_of(desk, viewer).get(request.POST["first_for"])
    if view is None:
        raise Http404
    try:
        views.set_first(desk, viewer, view, request.POST.getlist("role"))
    except (PermissionDenied, ValidationError) as error:
        refused = isinstance(error, PermissionDenied)
        text = str(error) if refused else " ".join(error.messages)
        return JsonResponse({"message": text}, status=403 if refused else 422)
    return JsonResponse({"message": _("Kept.")})


NARROWEST, WIDEST = 60, 900


def _widths(desk: Desk, viewer: Viewer, text: str) -> dict[str, int]:
    """{path: pixels} of paths that exist. Raises BadQuery."""
    try:
        given = orjson.loads(text)
        return {
            filters.usable(desk, viewer, str(path)).text: min(max(int(width), NARROWEST), WIDEST)
            for path, width in list(given.items())[:60]
        }
    except (ValueError, TypeError, AttributeError) as error:
        if isinstance(error, BadQuery):
            raise
        raise BadQuery(_("Widths are numbers of pixels by column.")) from error


# Saved views


def _view_sheet(request: HttpRequest, page: Arranged) -> tuple[str, dict[str, Any]]:
    """The sheet that names a new view, or shows what can be done with one that there is."""
    view = page.views.get(request.GET.get("id", ""))
    query = page.kept.copy()
    query.pop("of", None)
    for name in ("id", "on"):
        query.pop(name, None)
    return "desk/_view_sheet.html", {
        "view": view,
        "url": page.desk.url("views") if view is None or view.ready else page.desk.url("view", pk=view.id),
        "query": query.urlencode(safe=",:;|()"),
        "kind": page.shape,
        "shared": [(value, str(label)) for value, label in SavedView.Shared.choices],
        "first": view is not None and page.views.first is not None and page.views.first.id == view.id,
        "arrange_url": page.desk.url("arrange"),
        "first_for": _first_for(page, view),
    }


def _first_for(page: Arranged, view: View | None) -> list[dict[str, Any]]:
    """Each role with whether the list opens with this view for it; empty where that cannot be chosen."""
    if view is None or not views.may_set_first(page.viewer) or not (view.ready or view.shared == "everyone"):
        return []
    having = views.first_for(page.desk, view)
    choices = [("", _("everybody")), *layouts.roles().items()]
    return [{"code": code, "label": label, "on": code in having} for code, label in choices]


_SHEETS: dict[str, Callable[[HttpRequest, Arranged], tuple[str, dict[str, Any]]]] = {
    "filter": _filter_sheet,
    "display": _display_sheet,
    "view": _view_sheet,
}


@require_POST
def view_new(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Keep the list as it is under a name. Answers with the address of the new view."""
    viewer = opened(request, desk)
    given = {n: request.POST[n] for n in ("name", "shared", "kind", "query") if n in request.POST}
    given["pinned"] = "unpinned" not in request.POST
    return _answered(desk, viewer, lambda: views.keep(desk, viewer, given))


@require_POST
def view_one(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """Do something with a view: `do` is `change`, `copy`, `delete`, `first` or `not_first`."""
    viewer = opened(request, desk)
    deed = request.POST.get("do", "change")
    if deed == "change":
        given: dict[str, Any] = {n: request.POST[n] for n in ("name", "shared", "query") if n in request.POST}
        if "name" in given:
            given["pinned"] = "unpinned" not in request.POST
        return _answered(desk, viewer, lambda: views.keep(desk, viewer, given, pk))
    if deed == "copy":
        return _answered(desk, viewer, lambda: views.copy(desk, viewer, pk))
    if deed == "delete":
        return _answered(desk, viewer, lambda: views.drop(viewer, pk))
    if deed in ("first", "not_first"):
        if views.views_of(desk, viewer).get(pk) is None:
            raise Http404
        views.arrange(desk, viewer, first=pk if deed == "first" else None)
        return JsonResponse({"message": _("Kept."), "url": f"{desk.url()}?view={pk}"})
    raise Http404


def _answered(desk: Desk, viewer: Viewer, do: Callable[[], SavedView | None]) -> HttpResponse:
    try:
        view = do()
    except SavedView.DoesNotExist as error:
        raise Http404 from error
    except PermissionDenied as error:
        return JsonResponse({"message": str(error)}, status=403)
    except (ValidationError, BadQuery) as error:
        text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        return JsonResponse({"message": text}, status=422)
    base = desk.url("board") if view is not None and view.kind == "board" and desk.board else desk.url()
    url = with_query(base, QueryDict(), view=str(view.pk)) if view is not None else f"{desk.url()}?view=all"
    return JsonResponse({"message": _("Kept."), "url": url})

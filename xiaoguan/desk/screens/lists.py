"""The list page of every desk, its groups and totals, its export, and the look-up of boxes that choose a relation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.desk import figures, filters, search
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.bounds import TooMuch
from xiaoguan.desk.cells import Columns
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.expressions import BadQuery, narrowed
from xiaoguan.desk.listing import Listing, with_query
from xiaoguan.desk.paths import Path
from xiaoguan.desk.screens.arranged import Arranged, arranged
from xiaoguan.desk.screens.common import besides, opened, table
from xiaoguan.desk.screens.rows_html import shares
from xiaoguan.desk.screens.shapes import SHAPES, shape_page

EXPORTS = {"csv": "CSV", "xlsx": "Excel"}


@require_GET
def list_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    viewer = opened(request, desk)
    try:
        page = arranged(request, desk, viewer)
        if (shape := page.query.get("as", "")) in SHAPES and not request.GET.get("part"):
            return shape_page(request, page, shape)
        return _PARTS.get(request.GET.get("part", ""), _whole)(request, page)
    except BadQuery as error:
        return refused(request, desk, error)


def refused(request: HttpRequest, desk: Desk, error: BadQuery) -> HttpResponse:
    """A page says what was wrong and shows the plain list; a part of a page has no room for more than the words."""
    if request.GET.get("part"):
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    messages.warning(request, str(error))
    return HttpResponseRedirect(f"{desk.url()}?view=all")


def _whole(request: HttpRequest, page: Arranged) -> HttpResponse:
    listing, desk = page.listing, page.desk
    columns = Columns.seen(listing.desk, listing.viewer, listing.columns)
    context: dict[str, Any] = {"rows": [], "next_url": None, "groups": None, "trouble": ""}
    count = None
    try:
        if listing.group:
            context["groups"] = _groups(page)
        else:
            rows, after = listing.page(columns)
            context["rows"] = table(desk, rows, columns)
            context["next_url"] = page.address(cursor=after) if after else None
            count = _known_count(page, len(rows), bool(after))
    except TooMuch as error:
        context["trouble"] = str(error)
    totals = bool(figures.summable(listing.columns)) and (context["rows"] or context["groups"])
    return render(
        request,
        "desk/list.html",
        {
            **page.context(count),
            **context,
            "columns": headings(page),
            "widths": _widths(page),
            "shares": shares(context["rows"]),
            "totals_url": page.address(part="totals") if totals else None,
            "exports": [
                {"label": label, "url": with_query(desk.url("export", kind=kind), page.kept)}
                for kind, label in EXPORTS.items()
                if desk.may_export(page.viewer)
            ],
        },
    )


def _known_count(page: Arranged, shown: int, more: bool) -> dict[str, str] | None:
    """How many records, as far as the page itself tells; None where counting costs nothing. What a filter finds beyond
    the first page is counted by a request of its own: reading ten thousand rows must not keep thirty waiting."""
    if page.listing.cursor or not page.listing.filtered:
        return None
    return {"text": f"{shown}+", "url": page.address(part="count")} if more else {"text": str(shown)}


def headings(page: Arranged) -> list[dict[str, Any]]:
    """The columns as the head of the table shows them: words, side, sort now, where a click leads."""
    listing = page.listing
    now = {t.lstrip("-"): (n, t) for n, t in enumerate((listing.sort or page.desk.order).split(","), 1)}
    editable = page.desk.editable(page.viewer)
    found = []
    for column in listing.columns:
        text = column.text
        place, sort = now.get(text, (0, ""))
        turn = text if sort.startswith("-") else f"-{text}"
        found.append(
            {
                "path": text,
                "label": filters.path_label(column) if column.hops else column.label,
                "kind": column.kind,
                "align": "end" if column.kind in filters.NUMBERS else "",
                "sorted": "" if not sort else "desc" if sort.startswith("-") else "asc",
                "place": place if len(now) > 1 else 0,
                "key": place == 1 and bool(listing.sort),
                "sort_url": page.address(sort=turn if sort else text),
                "editable": text in editable,
            }
        )
    return found


DEFAULT_WIDTH, LEAD_WIDTH = 140, 260


def _widths(page: Arranged) -> list[int]:
    """Pixels of each column where the viewer has set any of them; nothing where the page finds them itself."""
    own = page.views.own.widths if page.views.own else {}
    if not any(p.text in own for p in page.listing.columns):
        return []
    usual = [LEAD_WIDTH, *[DEFAULT_WIDTH] * len(page.listing.columns)]
    return [int(own.get(p.text, usual[n])) for n, p in enumerate(page.listing.columns)]


def _groups(page: Arranged) -> list[dict[str, Any]]:
    """The groups with their subtotals, and where the rows of each are."""
    listing = page.listing
    sums = {p.text: p for p in figures.summable(listing.columns)}
    found = []
    for n, (bucket, total) in enumerate(figures.groups(listing, listing.columns)):
        where = narrowed(str(page.query.get("where", "")), bucket.drill)
        found.append(
            {
                "id": f"group-{n}",
                "label": bucket.label,
                "tone": bucket.tone,
                "count": f"{total.count:,}",
                "sums": [figures.figure_text(p, total) if p.text in sums else "" for p in listing.columns],
                "rows_url": page.address(where=where, group=None, part="rows"),
            }
        )
    return found


def _rows_part(request: HttpRequest, page: Arranged) -> HttpResponse:
    """The rows of one group, a page at a time."""
    columns = Columns.seen(page.desk, page.viewer, page.listing.columns)
    rows, after = page.listing.page(columns)
    return render(
        request,
        "desk/_group_rows.html",
        {
            "rows": table(page.desk, rows, columns),
            "columns": headings(page),
            "next_url": page.address(cursor=after, part="rows") if after else None,
        },
    )


def _totals_part(request: HttpRequest, page: Arranged) -> HttpResponse:
    """The row of totals, asked for after the page: it may take longer than the page."""
    try:
        sums, trouble = figures.totals(page.listing, page.listing.columns), ""
    except TooMuch as error:
        sums, trouble = {}, str(error)
    texts = [sums.get(p.text, "") for p in page.listing.columns]
    return render(request, "desk/_totals.html", {"texts": texts, "columns": headings(page), "trouble": trouble})


def _count_part(request: HttpRequest, page: Arranged) -> HttpResponse:
    return render(request, "desk/_count.html", {"count": {"text": page.listing.count()}})


_PARTS = {"totals": _totals_part, "rows": _rows_part, "count": _count_part}


@require_GET
def export(request: HttpRequest, desk: Desk, kind: str) -> HttpResponse:
    """What the list shows as a file: its columns, filters and sort; with `ids=1,2` only these records."""
    from xiaoguan.desk import exporting
    from xiaoguan.desk.transfer import export_rows

    if kind not in EXPORTS:
        raise Http404
    viewer = opened(request, desk)
    try:
        rows, columns = prepared(request, desk, viewer)
    except BadQuery as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    query, size = request.GET.urlencode(), rows.count()
    if size > exporting.AT_ONCE:
        with transaction.atomic():
            return HttpResponseRedirect(reverse("job", args=[exporting.begin(desk, viewer, kind, query, size).pk]))
    exporting.write_down(desk, kind, query, size)
    body = export_rows(desk, rows, columns, kind, desk.masked(viewer, columns))
    content = {
        "csv": "text/csv; charset=utf-8",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
    name = exporting.file_name(desk, kind)
    return StreamingHttpResponse(
        body, content_type=content[kind], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def prepared(request: HttpRequest, desk: Desk, viewer: Viewer) -> tuple[QuerySet, list[Path]]:
    """The rows and columns of an export, as the list was asked for. Raises BadQuery and PermissionDenied."""
    if not desk.may_export(viewer):
        raise PermissionDenied(_("You may not export this list: %(who)s may.") % {"who": desk.export.words()})
    listing = arranged(request, desk, viewer).listing
    rows = chosen(listing, request.GET.get("ids", "")).rows.order_by(*listing.order.by())
    if (desk.key, "export") in viewer.grants:  # a company may let people take less than they see
        rows = rows.filter(desk.export.q(viewer))
    return rows, [p for p in listing.columns if not filters.seen_through(desk, viewer, p)]


def chosen(listing: Listing, ids: str) -> Listing:
    """The listing, or only those of its records that `ids` names."""
    from django.db.models import Q

    numbers = [int(i) for i in ids.split(",") if i.isdecimal() and len(i) < 19]
    return listing.narrowed(Q(pk__in=numbers)) if numbers else listing


@require_GET
def pick(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Up to 12 records whose search entry fits what was typed, for the boxes that choose a relation."""
    viewer = viewer_of(request)
    rows = desk.visible(viewer)
    words = request.GET.get("q", "").strip()[:80]
    rows = rows.filter(search.hits(desk, words, viewer=viewer)) if words else rows
    newest = "-updated_at" if hasattr(desk.model, "updated_at") else "-pk"
    found = list(rows.order_by(newest).values_list("pk", desk.title_field)[:12])
    hints = besides(desk, viewer, [pk for pk, _title in found])
    return JsonResponse([{"id": pk, "label": str(title), "hint": hints.get(pk, "")} for pk, title in found], safe=False)

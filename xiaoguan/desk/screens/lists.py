"""The list page of every desk, its export, and the look-up behind boxes that choose a relation."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from xiaoguan.desk import search
from xiaoguan.desk.access import viewer_of
from xiaoguan.desk.cells import Columns
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.listing import BadQuery, Listing, filter_bar, with_query
from xiaoguan.desk.screens.common import desk_words, headings, opened, table

EXPORTS = {"csv": "CSV", "xlsx": "Excel"}


@require_GET
def list_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    viewer = opened(request, desk)
    try:
        listing = Listing.read(desk, viewer, request.GET)
        columns = Columns(listing.columns)
        rows, after = listing.page(columns)
    except BadQuery as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(desk.url())
    here = with_query(desk.url(), request.GET, cursor=None)
    return render(
        request,
        "desk/list.html",
        {
            "desk": desk_words(desk, viewer),
            "columns": headings(desk, listing, request),
            "rows": table(desk, rows, columns),
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


@require_GET
def export(request: HttpRequest, desk: Desk, kind: str) -> HttpResponse:
    from xiaoguan.desk.transfer import export_rows

    if kind not in EXPORTS:
        raise Http404
    viewer = opened(request, desk)
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

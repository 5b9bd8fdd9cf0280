"""The board of every desk that declares one: lanes with counts and totals, and their cards."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET

from xiaoguan.desk import paging
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.cells import Columns, money_text
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.listing import BadQuery, Listing, filter_bar, rows_in_order, with_query
from xiaoguan.desk.paths import resolve
from xiaoguan.desk.screens.common import desk_words, opened

LANE_CARDS = 20


@require_GET
def board_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    if desk.board is None:
        raise Http404
    viewer = opened(request, desk)
    try:
        listing = Listing.read(desk, viewer, request.GET)
    except BadQuery as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(desk.url("board"))
    return render(
        request,
        "desk/board.html",
        {
            "desk": desk_words(desk, viewer),
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
    adds = desk.usable(listing.viewer, board.total)
    for lane in desk.lanes(listing.viewer):
        rows = listing.rows.filter(desk.in_lane(lane["id"])).order_by()
        grouped = list(rows.values_list(currency).annotate(Count("pk"), Sum(board.total)))
        found[lane["id"]] = {
            "count": sum(number for _code, number, _units in grouped),
            "totals": {code: units or 0 for code, _number, units in grouped} if adds else {},
        }
    return found


def total_text(totals: dict[str, int]) -> str:
    return " + ".join(money_text(units // 10_000 * 10_000, code).removesuffix(".00") for code, units in totals.items())


def lanes_of(desk: Desk, listing: Listing) -> list[dict[str, Any]]:
    """The lanes with their first cards. The cards of all lanes are one query of ids a lane and one of values."""
    board = desk.board
    columns = _card_columns(desk, listing.viewer)
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
                "total": total_text(entry["totals"]),
                "more_url": more,
                "cards": [],
            }
        )
    rows = rows_in_order(desk, [pk for ids in wanted.values() for pk in ids], columns.names)
    cards = {row[0]: _card(desk, row, cells, columns) for row, cells in zip(rows, columns.cells(rows), strict=True)}
    for lane in lanes:
        lane["cards"] = [cards[pk] for pk in wanted[lane["id"]] if pk in cards]
    return lanes


def _card_columns(desk: Desk, viewer: Viewer) -> Columns:
    """What a card needs; a card has its places, so what the viewer may not see is masked there."""
    paths = [resolve(desk.model, text) for text in (*desk.board.card, desk.board.total, *board_extra(desk))]
    return Columns(paths, frozenset(p.text for p in paths if not desk.usable(viewer, p)))


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


def card_of(desk: Desk, viewer: Viewer, pk: int) -> dict[str, Any]:
    columns = _card_columns(desk, viewer)
    rows = rows_in_order(desk, [pk], columns.names)
    return _card(desk, rows[0], columns.cells(rows)[0], columns)

"""The board of every desk that declares one: lanes with counts and totals, and their cards."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django.contrib import messages
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.desk import paging, tallies
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.bounds import TooMuch, within
from xiaoguan.desk.cells import Columns, money_text
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.expressions import BadQuery
from xiaoguan.desk.listing import SECONDS, Listing, rows_in_order, with_query
from xiaoguan.desk.paths import resolve
from xiaoguan.desk.screens.arranged import Arranged, arranged
from xiaoguan.desk.screens.common import opened

LANE_CARDS = 12


@require_GET
def board_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The board; with `part=cards&lane=x&cursor=…` the next cards of one lane."""
    if desk.board is None:
        raise Http404
    viewer = opened(request, desk)
    try:
        page = arranged(request, desk, viewer, desk.url("board"))
        part = request.GET.get("part") == "cards"
        return _more_cards(request, page) if part else _whole(request, page)
    except BadQuery as error:
        if request.GET.get("part"):
            return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
        messages.warning(request, str(error))
        return HttpResponseRedirect(f"{desk.url('board')}?view=all")


def _whole(request: HttpRequest, page: Arranged) -> HttpResponse:
    desk = page.desk
    context: dict[str, Any] = {"lanes": [], "trouble": "", "nothing": ""}
    try:
        context["lanes"] = lanes_of(page)
        if not page.listing.filtered and not any(lane["cards"] for lane in context["lanes"]):
            context["nothing"] = _("Seen by %(who)s.") % {"who": desk.read.words()}
    except TooMuch as error:
        context["trouble"] = str(error)
    move_url = with_query(f"{desk.url()}{{id}}/{desk.board.move.name}", page.kept, of=None)
    return render(request, "desk/board.html", {**page.context(), **context, "move_url": move_url})


def _more_cards(request: HttpRequest, page: Arranged) -> HttpResponse:
    lane = request.GET.get("lane", "")
    if lane not in {entry["id"] for entry in page.desk.lanes(page.viewer)}:
        raise Http404
    with _hurry(page.listing):
        ids, after = _ids(page.listing, lane, request.GET.get("cursor", ""))
    cards = _cards(page.desk, page.viewer, ids)
    context = {"cards": [cards[pk] for pk in ids if pk in cards], "more_url": _more(page, lane, after), "movable": True}
    return render(request, "desk/_cards.html", context)


def _hurry(listing: Listing) -> Any:
    """A board without filters is answered by indexes; a filter is given the time of any list."""
    return within(SECONDS) if listing.filtered else nullcontext()


def _ids(listing: Listing, lane: str, cursor: str = "") -> tuple[list[int], str]:
    """The ids of a lane's cards in order, and the marker of the next ones. Raises BadQuery."""
    board = listing.desk.board
    order = (
        listing.desk.sorting("")
        if board.order == listing.desk.order
        else paging.Order(board.order.lstrip("-"), board.order.startswith("-"), False)
    )
    try:
        return paging.page_ids(listing.rows.filter(listing.desk.in_lane(lane)), order, LANE_CARDS, cursor)
    except BadQuery:
        raise
    except ValueError as error:
        raise BadQuery(str(error)) from error


def _more(page: Arranged, lane: str, after: str) -> str | None:
    return page.address(part="cards", lane=lane, cursor=after) if after else None


def lane_totals(desk: Desk, listing: Listing) -> dict[str, dict[str, Any]]:
    """Count and totals of each lane: {lane: {"count": n, "totals": {currency: units}}}.

    Of an unfiltered board the kept tallies tell; otherwise it is an indexed query a lane.
    """
    board = desk.board
    currency = resolve(desk.model, board.total).currency
    found: dict[str, dict[str, Any]] = {}
    adds = desk.usable(listing.viewer, board.total)
    known = None if listing.filtered else tallies.totals(desk, listing.viewer)
    for lane in desk.lanes(listing.viewer):
        kind = desk.kept_as(lane["id"])
        if known is not None and kind is not None:
            sums = known.get((lane["id"], kind), {})
            found[lane["id"]] = {
                "count": sum(number for number, _units in sums.values()),
                "totals": {code: units for code, (_number, units) in sums.items()},
            }
            continue
        rows = listing.rows.filter(desk.in_lane(lane["id"])).order_by()
        grouped = list(rows.values_list(currency).annotate(Count("pk"), Sum(board.total)))
        found[lane["id"]] = {
            "count": sum(number for _code, number, _units in grouped),
            "totals": {code: units or 0 for code, _number, units in grouped} if adds else {},
        }
    return found


def total_text(totals: dict[str, int]) -> str:
    return " + ".join(money_text(units // 10_000 * 10_000, code).removesuffix(".00") for code, units in totals.items())


def lanes_of(page: Arranged) -> list[dict[str, Any]]:
    """The lanes with their first cards: one query of ids a lane, and one of the values of all cards."""
    listing, desk = page.listing, page.desk
    lanes, wanted = [], {}
    with _hurry(listing):
        totals = lane_totals(desk, listing)
        for lane in desk.lanes(listing.viewer):
            ids, after = _ids(listing, lane["id"])
            wanted[lane["id"]] = ids
            entry = totals.get(lane["id"], {"count": 0, "totals": {}})
            counted = {"count": f"{entry['count']:,}", "total": total_text(entry["totals"])}
            lanes.append({**lane, **counted, "more_url": _more(page, lane["id"], after), "cards": []})
    cards = _cards(desk, listing.viewer, [pk for ids in wanted.values() for pk in ids])
    for lane in lanes:
        lane["cards"] = [cards[pk] for pk in wanted[lane["id"]] if pk in cards]
    return lanes


def _cards(desk: Desk, viewer: Viewer, ids: list[int]) -> dict[int, dict[str, Any]]:
    columns = _card_columns(desk, viewer)
    rows = rows_in_order(desk, ids, columns.names)
    return {row[0]: _card(desk, row, cells, columns) for row, cells in zip(rows, columns.cells(rows), strict=True)}


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

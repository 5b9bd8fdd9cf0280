"""The shapes that a list may take at the same address (`as=calendar`): calendar, timeline, pivot and chart.

Each shows the records of the listing, under the same filters and rights, within a bounded question to the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from xiaoguan.base.periods import Calendar
from xiaoguan.base.words import format_date
from xiaoguan.desk import figures, filters
from xiaoguan.desk.bounds import TooMuch, within
from xiaoguan.desk.cells import MISSING, Columns, short_day
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.expressions import BadQuery, Condition, narrowed
from xiaoguan.desk.figures import Bucket, Dimension, Measure, Sums
from xiaoguan.desk.filters import DATES
from xiaoguan.desk.listing import SECONDS, rows_in_order
from xiaoguan.desk.paths import Path, resolve
from xiaoguan.desk.screens.arranged import Arranged

MOST_ENTRIES, DAY_ENTRIES, MOST_BARS = 600, 4, 200
MOST_ROWS, MOST_COLS = 80, 26
DAY = timedelta(days=1)

Context = dict[str, Any]


def fitting(desk: Desk) -> list[tuple[str, str, str]]:
    """(key, words, icon) of the shapes that this desk's records can take."""
    dates = [f for f in desk.model._meta.concrete_fields if resolve(desk.model, f.name).kind == "date"]
    found = [("list", _("List"), "list")]
    if desk.board:
        found.append(("board", _("Board"), "layout-kanban"))
    if dates:
        found.append(("calendar", _("Calendar"), "calendar"))
    if len(dates) > 1:
        found.append(("timeline", _("Timeline"), "timeline"))
    return [*found, ("pivot", _("Pivot table"), "table"), ("chart", _("Chart"), "chart-bar")]


def shape_page(request: HttpRequest, page: Arranged, shape: str) -> HttpResponse:
    """The list in another shape. Raises BadQuery."""
    context: Context = {"trouble": ""}
    try:
        context |= SHAPES[shape](page)
    except TooMuch as error:
        context["trouble"] = str(error)
    return render(request, "desk/shape.html", {**page.context(), **context, "body": f"desk/_{shape}.html"})


# What the shapes share


def _own_dates(page: Arranged) -> list[Path]:
    """The record's own dates, those of the list's columns first."""
    paths = [p for p in filters.usable_paths(page.desk, page.viewer) if not p.hops and p.kind in DATES]
    if not paths:
        raise BadQuery(_("These records have no dates to be shown by."))
    return paths


def _chosen(page: Arranged, name: str, paths: list[Path], default: Path) -> Path:
    """The path that a parameter names, if it is one of these. Raises BadQuery."""
    text = page.query.get(name, "")
    found = next((p for p in paths if p.text == text), None) if text else default
    if found is None:
        known = ", ".join(p.text for p in paths)
        raise BadQuery(
            _("'%(value)s' is not possible for %(name)s; %(known)s are.")
            % {"value": text, "name": name, "known": known}
        )
    return found


def _day(page: Arranged) -> date:
    text = page.query.get("day", "")
    return filters.day_of("day", text, timezone.localdate()) if text else timezone.localdate()


def _choices(paths: list[Path], chosen: str) -> list[dict[str, Any]]:
    return [{"value": p.text, "label": filters.path_label(p), "selected": p.text == chosen} for p in paths]


def _hidden(page: Arranged, *own: str) -> list[tuple[str, str]]:
    """What the form of a shape sends along: every other parameter."""
    return [(name, v) for name, values in page.kept.lists() for v in values if name not in own]


def _local(path: Path, value: Any) -> date:
    return timezone.localtime(value).date() if path.kind == "datetime" else value


# Calendar


def _calendar(page: Arranged) -> Context:
    """A month or a week of records by one of their dates."""
    dates = _own_dates(page)
    path = _chosen(page, "by", dates, dates[0])
    span = "week" if page.query.get("span") == "week" else "month"
    shown = Calendar().period(span, _day(page))
    first = shown.start - shown.start.weekday() * DAY
    last = shown.end + (-shown.end.weekday() % 7) * DAY
    rows = page.listing.rows.filter(filters.in_days(path, first, last)).order_by(path.orm, "pk")
    with within(SECONDS):
        found = list(rows.values_list("pk", path.orm)[: MOST_ENTRIES + 1])
    room = 40 if span == "week" else DAY_ENTRIES
    counts: dict[date, int] = {}
    if stopped := len(found) > MOST_ENTRIES:
        with suppress(TooMuch), within(SECONDS):
            found, counts = _day_by_day(rows, path, first, last, room)
            stopped = False
    entries = _entries(page, path, found[:MOST_ENTRIES])
    where = str(page.query.get("where", ""))

    def day(one: date) -> dict[str, Any]:
        drill = Condition(path.text, "is", (one.isoformat(),))
        own = entries.get(one, [])
        return {
            "day": one,
            "outside": not shown.contains(one),
            "today": one == timezone.localdate(),
            "past": one < timezone.localdate() < shown.end,
            "label": format_date(one, get_language() or "en"),
            "entries": own[:room],
            "more": max(0, counts.get(one, len(own)) - room),
            "all_url": page.address(**{"as": None}, where=narrowed(where, drill), day=None, span=None, by=None),
        }

    days = [day(first + n * DAY) for n in range((last - first).days)]
    return {
        "weeks": [days[n : n + 7] for n in range(0, len(days), 7)],
        "days": [d for d in days if d["entries"]],
        "weekdays": [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")],
        "title": _month_label(shown.start) if span == "month" else shown.label,
        "earlier_url": page.address(day=(shown.start - DAY).isoformat()),
        "later_url": page.address(day=shown.end.isoformat()),
        "today_url": page.address(day=None),
        "spans": [
            (s, label, page.address(span=s), s == span) for s, label in (("month", _("Month")), ("week", _("Week")))
        ],
        "choices": _choices(dates, path.text),
        "hidden": _hidden(page, "by"),
        "stopped": stopped,
    }


def _day_by_day(
    rows: QuerySet[Any], path: Path, first: date, last: date, room: int
) -> tuple[list[Any], dict[date, int]]:
    """The first records of every day and how many it has, where a month has more than are read at once."""
    found, counts = [], {}
    for n in range((last - first).days):
        own = rows.filter(filters.in_days(path, first + n * DAY, first + (n + 1) * DAY))
        found += own.values_list("pk", path.orm)[:room]
        counts[first + n * DAY] = own.order_by().count()
    return found, counts


def _month_label(day: date) -> str:
    return f"{day.year}年{day.month}月" if (get_language() or "").startswith("zh") else f"{day:%B %Y}"


def _entries(page: Arranged, path: Path, found: list[tuple[int, Any]]) -> dict[date, list[dict[str, Any]]]:
    """The records of each day: title, address, and the tone of their first choice field."""
    desk = page.desk
    tones = [p for p in desk.column_paths if p.kind == "choice" and not p.hops][:1]
    title = resolve(desk.model, desk.title_field) if desk.title_field != "pk" else desk.column_paths[0]
    columns = Columns.seen(desk, page.viewer, [title, *tones])
    rows = rows_in_order(desk, [pk for pk, _value in found], columns.names)
    cells = {row[0]: made for row, made in zip(rows, columns.cells(rows), strict=True)}
    names = _told_apart(page, {pk: made[0].text for pk, made in cells.items()})
    days: dict[date, list[dict[str, Any]]] = {}
    for pk, value in found:
        if pk in cells:
            made = cells[pk]
            entry = {"url": f"{desk.url()}{pk}", "title": names[pk], "tone": made[1].tone if len(made) > 1 else ""}
            days.setdefault(_local(path, value), []).append(entry)
    return days


def _told_apart(page: Arranged, titles: dict[int, str]) -> dict[int, str]:
    """The titles; those that several have are followed by whom or what each is about."""
    often = Counter(titles.values())
    alike = [pk for pk, title in titles.items() if often[title] > 1]
    paths = [p for p in (resolve(page.desk.model, text) for text in page.desk.beside) if p.relation]
    if not alike or not paths:
        return titles
    columns = Columns.seen(page.desk, page.viewer, paths)
    rows = rows_in_order(page.desk, alike, columns.names)
    about = {
        row[0]: next((c.text for c in cells if c.text != MISSING), "")
        for row, cells in zip(rows, columns.cells(rows), strict=True)
    }
    return {pk: f"{title} · {about[pk]}" if about.get(pk) else title for pk, title in titles.items()}


# Timeline


def _timeline(page: Arranged) -> Context:
    """Bars from one date to another, week by week, in lanes by owner or by a choice."""
    dates = _own_dates(page)
    if len(dates) < 2:
        raise BadQuery(_("A timeline needs two dates."))
    start = _chosen(
        page, "start", dates, _usual(dates, ("opened", "starts", "ordered", "hired", "created")) or dates[0]
    )
    end = _chosen(page, "end", dates, _usual([d for d in dates if d != start], ("closes", "ends", "due")) or dates[1])
    lanes = [
        p
        for p in filters.usable_paths(page.desk, page.viewer)
        if not p.hops and p.kind in ("relation", "choice", "stage")
    ]
    owner = next((p for p in lanes if p.text == "owner"), lanes[0] if lanes else None)
    lane = _chosen(page, "lane", lanes, owner) if owner is not None else None
    day = _day(page)
    first = day - day.weekday() * DAY - 28 * DAY
    last = first + 16 * 7 * DAY
    inside = filters.in_days(start, None, last) & (
        filters.in_days(end, first, None) | Q(**{f"{end.orm}__isnull": True})
    )
    sort = [lane.title or lane.orm, start.orm, "pk"] if lane else [start.orm, "pk"]
    rows = page.listing.rows.filter(inside).order_by(*sort)
    shown = [resolve(page.desk.model, page.desk.title_field), *([lane] if lane else [])]
    columns = Columns.seen(page.desk, page.viewer, shown)
    with within(SECONDS):
        found = list(rows.values_list("pk", start.orm, end.orm)[: MOST_BARS + 1])
    values = rows_in_order(page.desk, [row[0] for row in found], columns.names)
    cells = {row[0]: made for row, made in zip(values, columns.cells(values), strict=True)}
    names = _told_apart(page, {pk: made[0].text for pk, made in cells.items()})
    bars: dict[str, list[dict[str, Any]]] = {}
    for pk, begins, ends in found[:MOST_BARS]:
        if pk in cells and begins is not None:
            bar = _bar(first, 16, _local(start, begins), _local(end, ends) if ends else None)
            name = cells[pk][1].text if len(cells[pk]) > 1 else ""
            name = _("none") if name == MISSING else name
            bars.setdefault(name, []).append({**bar, "title": names[pk], "url": f"{page.desk.url()}{pk}"})
    weeks = [first + n * 7 * DAY for n in range(16)]
    return {
        "lanes": list(bars.items()),
        "weeks": [{"label": _week_label(w), "now": w <= timezone.localdate() < w + 7 * DAY} for w in weeks],
        "title": f"{format_date(first, get_language() or 'en')} – {format_date(last - DAY, get_language() or 'en')}",
        "earlier_url": page.address(day=(day - 56 * DAY).isoformat()),
        "later_url": page.address(day=(day + 56 * DAY).isoformat()),
        "today_url": page.address(day=None),
        "starts": _choices(dates, start.text),
        "ends": _choices(dates, end.text),
        "lane_choices": _choices(lanes, lane.text if lane else ""),
        "hidden": _hidden(page, "start", "end", "lane"),
        "stopped": len(found) > MOST_BARS,
    }


def _usual(paths: list[Path], beginnings: tuple[str, ...]) -> Path | None:
    return next((p for word in beginnings for p in paths if p.text.startswith(word)), None)


def _week_label(day: date) -> str:
    """A day over a narrow column: 11/30, Nov 30."""
    return f"{day.month}/{day.day}" if (get_language() or "").startswith("zh") else short_day(day)


def _bar(first: date, weeks: int, begins: date, ends: date | None) -> dict[str, Any]:
    """Where the bar stands among the weeks: cells before it, of it and after it. An end before the beginning is taken
    as the same day; none at all goes on."""
    at = min(max((begins - first).days // 7, 0), weeks - 1)
    until = min(max((ends - first).days // 7, at), weeks - 1) if ends else weeks - 1
    language = get_language() or "en"
    said = f"{format_date(begins, language)} – {format_date(ends, language) if ends else '…'}"
    return {"before": at, "width": until - at + 1, "after": weeks - 1 - until, "dates": said, "open": ends is None}


# Pivot and chart


def _dimensions(page: Arranged) -> list[tuple[str, str]]:
    """(text, words) of everything that can be cut by."""
    found = []
    for path in filters.usable_paths(page.desk, page.viewer):
        if path.kind not in figures.GROUPED or filters.seen_through(page.desk, page.viewer, path):
            continue
        if path.kind == "text" and path.text not in page.desk.filters:
            continue
        label = filters.path_label(path)
        if path.kind in DATES:
            found += [(f"{path.text}:{step}", f"{label} · {words}") for step, words in figures.steps() if step != "day"]
        else:
            found.append((path.text, label))
    return found


def _measures(page: Arranged) -> list[tuple[str, str]]:
    own = figures.summable(filters.usable_paths(page.desk, page.viewer))
    found = [("count", Measure("count").label)]
    for path in own:
        found += [(text, Measure.read(page.listing, text).label) for text in (f"sum:{path.text}", f"avg:{path.text}")]
    return found


def _usual_dimension(page: Arranged) -> str:
    """What people cut by first: a stage or choice of the list's columns, else the owner, else whatever there is."""
    paths = [p for p in page.desk.column_paths if page.desk.usable(page.viewer, p)]
    for kinds in (("stage", "choice"), ("relation",)):
        if found := next((p.text for p in paths if p.kind in kinds and not p.hops), None):
            return found
    return next((text for text, _words in _dimensions(page)), "")


def _cut(page: Arranged, cols_default: str = "") -> tuple[list[Dimension], Measure, dict[tuple[Bucket, ...], Sums]]:
    rows = page.query.get("rows", "") or _usual_dimension(page)
    cols = page.query.get("cols", "-" if "cols" in page.query else cols_default)
    dimensions = [Dimension(page.listing, text) for text in (rows, cols) if text and text != "-"]
    if not dimensions:
        raise BadQuery(_("These records have nothing to be grouped by."))
    measure = Measure.read(page.listing, page.query.get("measure", ""))
    return dimensions, measure, figures.cut(page.listing, dimensions, measure.sums)


def _selects(page: Arranged, dimensions: list[Dimension], measure: Measure) -> Context:
    chosen = [d.text for d in dimensions]
    options = _dimensions(page)
    return {
        "row_choices": [(v, words, v == chosen[0]) for v, words in options],
        "col_choices": [(v, words, v == (chosen[1] if len(chosen) > 1 else "")) for v, words in options],
        "measures": [(v, words, v == measure.text) for v, words in _measures(page)],
        "hidden": _hidden(page, "rows", "cols", "measure", "look"),
    }


def _drill(page: Arranged, *buckets: Bucket) -> str:
    where = narrowed(str(page.query.get("where", "")), *(b.drill for b in buckets))
    return page.address(**{"as": None}, where=where, rows=None, cols=None, measure=None, look=None)


def _pivot(page: Arranged) -> Context:
    """Rows by columns by a measure; each number leads to its records."""
    dimensions, measure, found = _cut(page)
    rows = sorted({key[0] for key in found})
    cols = sorted({key[1] for key in found}) if len(dimensions) > 1 else []
    across, down, whole = {b: Sums() for b in rows}, {b: Sums() for b in cols}, Sums()
    for key, sums in found.items():
        across[key[0]].add(sums)
        whole.add(sums)
        if cols:
            down[key[1]].add(sums)
    lines = []
    for bucket in rows[:MOST_ROWS]:
        cells = []
        for col in cols[:MOST_COLS]:
            sums = found.get((bucket, col))
            cells.append({"text": measure.show(sums), "url": _drill(page, bucket, col)} if sums else None)
        total = {"text": measure.show(across[bucket]), "url": _drill(page, bucket)}
        lines.append({"label": bucket.label, "tone": bucket.tone, "cells": cells, "total": total})
    return {
        **_selects(page, dimensions, measure),
        "head": [b.label for b in cols[:MOST_COLS]],
        "corner": dimensions[0].label,
        "lines": lines,
        "foot": [measure.show(down[b]) for b in cols[:MOST_COLS]],
        "whole": measure.show(whole),
        "measure_label": measure.label,
        "stopped": len(rows) > MOST_ROWS or len(cols) > MOST_COLS,
    }


LOOKS = ("bar", "line", "pie")
MOST_SERIES, MOST_SLICES = 7, 12
Cut = dict[tuple[Bucket, ...], Sums]


def _chart(page: Arranged) -> Context:
    """The same figures drawn; each currency is a series of its own, since unlike money cannot be added. What does not
    fit stands together or is left out, and that is said."""
    cut_by, measure, found = _cut(page)
    dimensions = cut_by
    said: list[str] = []
    look = _look(page.query.get("look", ""), dimensions[0], measure, found, said)
    if look == "pie":  # slices of one whole: the series are added up
        dimensions, found = dimensions[:1], _together(found, lambda key: key[:1])
    found = _largest(found, 0, dimensions[0], MOST_SLICES if look == "pie" else MOST_ROWS, measure, said)
    if len(dimensions) > 1:
        found = _largest(found, 1, dimensions[1], MOST_SERIES, measure, said)
    rows = dimensions[0].without_gaps(sorted({key[0] for key in found}), MOST_ROWS)
    cols: list[Bucket | None] = [*sorted({key[1] for key in found})] if len(dimensions) > 1 else [None]
    series = [(col, code) for col in cols for code in _codes(measure, found) or [""]]
    table, points = [], {one: [] for one in series}
    for bucket in rows:
        texts = [bucket.label]
        for col, code in series:
            sums = found.get((bucket, col) if col else (bucket,), Sums())
            value = measure.units(sums).get(code)
            points[col, code].append(0 if value is None else measure.major(value))
            texts.append(measure.show(_only(measure, sums, code)))
        table.append(texts)
    names = [" ".join(t for t in ((col.label if col else ""), code) if t) or measure.label for col, code in series]
    title = _("%(measure)s by %(name)s") % {"measure": measure.label, "name": dimensions[0].label}
    return {
        **_selects(page, cut_by, measure),
        "option": _option(look, [b.label for b in rows], list(zip(names, points.values(), strict=True))),
        "title": title[:1].upper() + title[1:],
        "columns": [dimensions[0].label, *names],
        "table": table if found else [],
        "said": said,
        "looks": [(k, w, k == look) for k, w in (("bar", _("Bars")), ("line", _("Lines")), ("pie", _("Pie")))],
    }


def _codes(measure: Measure, found: Cut) -> list[str]:
    """The currencies in which there is something."""
    return sorted({code for sums in found.values() for code in measure.units(sums)})


def _look(asked: str, axis: Dimension, measure: Measure, found: Cut, said: list[str]) -> str:
    """The look that was asked for, where it can tell the truth: slices are parts of one whole."""
    usual = "line" if axis.step else "bar"
    if asked != "pie":
        return asked if asked in LOOKS else usual
    why = (
        _("Averages are no parts of a whole; they are drawn as bars.")
        if measure.mean
        else _("Amounts in several currencies are no parts of one whole; they are drawn as bars.")
        if len(_codes(measure, found)) > 1
        else _("What is below zero is no part of a whole; it is drawn as bars.")
        if any(units < 0 for sums in found.values() for units in measure.units(sums).values())
        else ""
    )
    said += [why] if why else []
    return "bar" if why else "pie"


def _together(found: Cut, key_of: Callable[[tuple[Bucket, ...]], tuple[Bucket, ...]]) -> Cut:
    answer: Cut = {}
    for key, sums in found.items():
        answer.setdefault(key_of(key), Sums()).add(sums)
    return answer


def _largest(found: Cut, at: int, dimension: Dimension, room: int, measure: Measure, said: list[str]) -> Cut:
    """As much of a dimension as there is room for: the last periods; of anything else the largest, the rest as one."""
    whole = _together(found, lambda key: (key[at],))
    if len(whole) <= room:
        return found
    told = {"n": room, "all": len(whole), "name": dimension.label}
    if dimension.step:
        kept = {bucket for (bucket,) in sorted(whole)[-room:]}
        said.append(_("%(name)s: only the last %(n)d of %(all)d are drawn.") % told)
        return {key: sums for key, sums in found.items() if key[at] in kept}

    def size(bucket: Bucket) -> Any:
        sums = whole[bucket,]
        return sums.count if measure.mean else sum(abs(units) for units in measure.units(sums).values())

    kept = set(sorted((bucket for (bucket,) in whole), key=size, reverse=True)[: room - 1])
    said.append(_("%(name)s: the largest of %(all)d are drawn, the others stand together.") % told)
    others = Bucket((2, ""), _("others"), Condition(dimension.path.text, "filled"))
    return _together(found, lambda key: tuple(others if n == at and b not in kept else b for n, b in enumerate(key)))


def _only(measure: Measure, sums: Sums, code: str) -> Sums:
    """The sums of one currency."""
    if measure.path is None:
        return sums
    one = Sums(sums.count)
    if code in (units := sums.of(measure.path)):
        one.units[measure.path.text][code] = units[code]
    return one


def _option(look: str, names: list[str], series: list[tuple[str, list[float]]]) -> Context:
    if look == "pie":
        data = [{"name": name, "value": value} for name, value in zip(names, series[0][1], strict=True)]
        return {"tooltip": {"trigger": "item"}, "series": [{"type": "pie", "radius": ["45%", "72%"], "data": data}]}
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"show": len(series) > 1},
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "value"},
        "series": [{"type": look, "name": name, "data": data} for name, data in series],
    }


SHAPES: dict[str, Callable[[Arranged], Context]] = {
    "calendar": _calendar,
    "timeline": _timeline,
    "pivot": _pivot,
    "chart": _chart,
}

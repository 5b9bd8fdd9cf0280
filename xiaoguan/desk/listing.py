"""What was asked of a list: words, filters, sort, columns and page. Pages, API and export read it from here alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from xiaoguan.base.words import closest
from xiaoguan.desk import expressions, filters, paging, search, tallies
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.bounds import TooMuch, within
from xiaoguan.desk.cells import Columns
from xiaoguan.desk.desk import Desk, remembered
from xiaoguan.desk.expressions import BadQuery, Expression
from xiaoguan.desk.filters import DATES, NUMBERS
from xiaoguan.desk.paths import Path
from xiaoguan.desk.statements import Shown
from xiaoguan.desk.views import Views, expanded

__all__ = ["PAGE", "RESERVED", "BadQuery", "Listing", "filter_bar", "parameters", "rows_in_order", "with_query"]

PAGE = 30
MOST_COLUMNS, MOST_SORTS = 24, 4
SECONDS = 2.0  # that a filter without an index may take
RESERVED = frozenset({"q", "sort", "cursor", "limit", "fields", "view", "where", "columns", "group"})
PAGE_ONLY = frozenset(
    {"as", "of", "part", "day", "span", "by", "rows", "cols", "measure", "start", "end", "lane", "shape"}
)


@dataclass
class Listing:
    """A readable list of one desk for one viewer.

    rows      every record that matches and may be read, unsorted; matching the same before the question of rights
    order     the sort in use; cursor marks where the page begins
    chosen    {parameter: values} of the filters in use; where the filter expression beside them
    columns   the paths to show
    group     path to group by, with the step of a date behind a colon: "closes_on:month"
    query     the parameters after a saved view was put in
    """

    desk: Desk
    viewer: Viewer
    rows: QuerySet
    matching: QuerySet
    order: paging.Order
    sort: str
    cursor: str = ""
    words: str = ""
    chosen: dict[str, list[str]] = field(default_factory=dict)
    where: Expression | None = None
    columns: tuple[Path, ...] = ()
    group: str = ""
    query: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(
        cls, desk: Desk, viewer: Viewer, query: QueryDict, strict: bool = False, views: Views | None = None
    ) -> Listing:
        """From URL parameters. With `strict` (the API) an unknown parameter is BadQuery; a page ignores it."""
        if query.get("view"):
            query = expanded(desk, viewer, query, views)
        matching = desk.model._default_manager.all()
        chosen, narrow = _simple_filters(desk, viewer, query, strict)
        if where := expressions.parse(query.get("where", "")) if query else None:
            narrow.append(filters.condition(desk, viewer, where))
        words = query.get("q", "").strip()[:80]
        if words:
            narrow.append(search.hits(desk, words, viewer=viewer))
        if narrow:
            matching = matching.filter(*narrow)
        sort, order = _sorting(desk, viewer, query.get("sort", ""), strict)
        columns = chosen_columns(desk, viewer, query.get("columns", "") or (views.columns if views else ""))
        rows = desk.visible(viewer, matching)
        cursor = query.get("cursor", "")
        return cls(
            desk,
            viewer,
            rows,
            matching,
            order,
            sort,
            cursor,
            words,
            chosen,
            where,
            columns,
            query.get("group", ""),
            query,
        )

    def ids(self, size: int) -> tuple[list[int], str]:
        """The ids of the page in order and the marker of the next. Raises BadQuery for a marker that is none, TooMuch
        for a filter that finds nothing in time."""
        rows, branches, plain = self._plainly()
        if self.order.nullable or self.order.then:
            rows, branches, plain = (self.rows, None, False) if branches else (rows, None, plain)
        elif self.filtered and self._walks():
            branches = self.desk.read.branches(self.viewer)
            rows = self.matching if branches else rows
        try:
            with nullcontext() if plain else within(SECONDS):
                return paging.page_ids(rows, self.order, size, self.cursor, branches, plain)
        except BadQuery:
            raise
        except ValueError as error:
            raise BadQuery(str(error)) from error

    def page(self, columns: Columns, size: int = PAGE) -> tuple[list[tuple], str]:
        """Values of one page in order and the marker of the next. Two queries: the ids, then what is shown of them."""
        ids, after = self.ids(size)
        return self.values(ids, columns), after

    def values(self, ids: Sequence[int], columns: Columns) -> list[tuple]:
        """What is shown of these records, in this order; what belongs to a related record that the viewer may not read
        is left empty."""
        return veiled(self.desk, self.viewer, columns, rows_in_order(self.desk, ids, columns.names))

    def _plainly(self) -> tuple[QuerySet, paging.Branches | None, bool]:
        """The rows without the question of rights where that is answered at once or person by person, those people,
        and whether an index gives the rows."""
        everything = self.desk.read.always(self.viewer)
        branches = None if self.filtered or everything else self.desk.read.branches(self.viewer)
        rows = self.matching if branches or everything else self.rows
        return rows, branches, not self.filtered and (everything or branches is not None)

    def _walks(self) -> bool:
        """Whether the filters read nothing but the record: then PostgreSQL, which would sort all that fits, finds the
        first ones of each person faster. SQLite takes one index for all of them."""
        own = self.matching.query.alias_map.keys() <= {self.desk.model._meta.db_table}
        return connection.vendor == "postgresql" and own and not self.words

    def count(self) -> str:
        """How many records: what the tallies tell, else "10,000+" above that, "…" where it takes too long."""
        rows, branches, plain = self._plainly()
        if branches and (kept := tallies.number(self.desk, branches)) is not None:
            return f"{kept:,}"
        try:
            with within(SECONDS) if self.filtered else nullcontext():
                number, more = paging.count(rows, branches, plain)
        except TooMuch:
            return "…"
        return f"{number:,}+" if more else f"{number:,}"

    def narrowed(self, extra: Q) -> Listing:
        """The same list with one more condition."""
        return replace(self, rows=self.rows.filter(extra), matching=self.matching.filter(extra))

    @property
    def filtered(self) -> bool:
        return bool(self.words or self.chosen or self.where)


def _simple_filters(desk: Desk, viewer: Viewer, query: QueryDict, strict: bool) -> tuple[dict[str, list[str]], list[Q]]:
    """The declared filters among the parameters: what was chosen, and as conditions."""
    chosen: dict[str, list[str]] = {}
    found: list[Q] = []
    known = parameters(desk) if query else {}
    for name in query:
        values = [v for v in query.getlist(name) if v != ""]
        if name in RESERVED or not values:
            continue
        if name not in known:
            if strict:
                near = closest(name, [*known, *RESERVED])
                hint = _(" Did you mean '%(near)s'?") % {"near": near} if near else ""
                raise BadQuery(_("This list has no filter '%(name)s'.") % {"name": name} + hint)
            continue
        if not desk.usable(viewer, known[name]):
            raise BadQuery(_("You may not filter by '%(name)s'.") % {"name": name})
        found.append(condition(known[name], name, values, viewer))
        chosen[name] = values
    return chosen, found


def _sorting(desk: Desk, viewer: Viewer, text: str, strict: bool) -> tuple[str, paging.Order]:
    """The sort as asked for, and as keys; several are separated by commas, the first counts first."""
    names = [t.strip() for t in text.split(",") if t.strip()][:MOST_SORTS]
    # The usual order and the marker of the next page would tell of a field that is hidden from the viewer.
    usual = desk.sorting("" if desk.usable(viewer, desk.order.lstrip("-")) else "-id")
    try:
        orders = [_order(desk, viewer, name) for name in names]
    except BadQuery:
        if strict:
            raise
        return "", usual
    if not orders:
        return "", usual
    return ",".join(names), replace(orders[0], then=tuple(orders[1:])) if orders[1:] else orders[0]


def _order(desk: Desk, viewer: Viewer, text: str) -> paging.Order:
    """One sort key. A field of a related record that is no column of the list sorts only where its order tells the
    viewer nothing that they may not know."""
    name = text.lstrip("-")
    if name in ("id", desk.order.lstrip("-"), *desk.columns) and desk.usable(viewer, name):
        return desk.sorting(text)
    path = filters.usable(desk, viewer, name)
    if filters.seen_through(desk, viewer, path):
        raise BadQuery(
            _("You may not sort this list by '%(path)s', because you may not read all that it belongs to.")
            % {"path": name}
        )
    return paging.Order(path.title or path.orm, text.startswith("-"), path.nullable)


def chosen_columns(desk: Desk, viewer: Viewer, text: str) -> tuple[Path, ...]:
    """The paths of `columns=title,amount`; the declared ones for "". Raises BadQuery."""
    if not text:
        return desk.readable(viewer, desk.column_paths)
    names = list(dict.fromkeys(t.strip() for t in text.split(",") if t.strip()))[:MOST_COLUMNS]
    return tuple(filters.usable(desk, viewer, name, shown=True) for name in names)


def rows_in_order(desk: Desk, ids: Sequence[int], names: Sequence[str]) -> list[tuple]:
    """The values of these records in this order; `names` begin with "pk"."""
    return _shown(desk, tuple(names[1:]), connection.vendor).rows(ids)


@remembered
def _shown(desk: Desk, names: tuple[str, ...], vendor: str) -> Shown:
    return Shown(desk.model, names)


def veiled(desk: Desk, viewer: Viewer, columns: Columns, rows: list[tuple]) -> list[tuple]:
    """The rows without the chosen fields of related records that the viewer may not read; one query a relation."""
    guards = [(at, guard) for path, at in columns.places() if (guard := filters.seen_through(desk, viewer, path))]
    if not guards or not rows:
        return rows
    ids = [row[0] for row in rows]
    asked: dict[str, set[int]] = {}
    hidden: dict[int, set[int]] = {}
    for at, guard in guards:
        key = str(guard.children[0][0])
        if key not in asked:
            asked[key] = set(desk.model._default_manager.filter(guard, pk__in=ids).values_list("pk", flat=True))
        for place in at:
            hidden[place] = asked[key]
    return [tuple(None if i in hidden and row[0] not in hidden[i] else v for i, v in enumerate(row)) for row in rows]


def parameters(desk: Desk) -> dict[str, Path]:
    """The filter parameters of this desk: dates and numbers also with `.from` (at least) and `.to` (less than)."""
    found: dict[str, Path] = {}
    for text, path in desk.filter_paths.items():
        found[text] = path
        if path.kind in DATES | (NUMBERS - {"percent"}):
            found[f"{text}.from"] = found[f"{text}.to"] = path
    return found


def condition(path: Path, name: str, values: list[str], viewer: Viewer) -> Q:
    """One parameter as a filter. Raises BadQuery naming the parameter and the value."""
    end = name.rsplit(".", 1)[-1] if name != path.text else ""
    read = [None if v == "none" else filters.value_of(path, name, v, viewer) for v in values]
    empty = Q(**{f"{path.orm}__isnull": True}) if None in read else None
    read = [v for v in read if v is not None]
    if not read:
        return empty or Q(pk__in=())
    if end:
        lookup = "gte" if end == "from" else "lt"
        day = filters.start_of(path, read[-1]) if path.kind in DATES else read[-1]
        return Q(**{f"{path.orm}__{lookup}": day})
    if path.kind == "datetime":
        found = filters.in_days(path, read[0], filters.following(read[0]))
    else:
        found = Q(**{path.orm: read[0]}) if len(read) == 1 else Q(**{f"{path.orm}__in": read})
    return found | empty if empty else found


def filter_bar(listing: Listing) -> list[dict[str, Any]]:
    """The filters as the page draws them: label, kind, options, what is chosen."""
    from xiaoguan.desk.desk import desk_of

    bar = []
    for text, path in listing.desk.filter_paths.items():
        if not listing.desk.usable(listing.viewer, path):
            continue
        chosen = listing.chosen.get(text, [])
        item: dict[str, Any] = {
            "name": text,
            "label": path.label,
            "kind": path.kind,
            "value": chosen[0] if chosen else "",
            "value_label": "",
            "options": [],
            "lookup_url": "",
        }
        if path.kind in ("choice", "stage"):
            item["kind"] = "choice"
            item["options"] = [
                {"value": v, "label": label, "selected": v in chosen} for v, label in filters.choices_of(path)
            ]
        elif path.relation:
            target = desk_of(path.field.related_model)
            item["lookup_url"] = target.url("pick") if target else ""
            item["value_label"] = _chosen_label(path, chosen[0], listing.viewer) if chosen else ""
        elif path.kind in DATES | (NUMBERS - {"percent"}):
            item["from"] = (listing.chosen.get(f"{text}.from") or [""])[0]
            item["to"] = (listing.chosen.get(f"{text}.to") or [""])[0]
        elif path.kind == "bool":
            item["options"] = [
                {"value": v, "label": label, "selected": v in chosen} for v, label in (("1", _("yes")), ("0", _("no")))
            ]
        bar.append(item)
    return bar


def _chosen_label(path: Path, value: str, viewer: Viewer) -> str:
    return _("none") if value == "none" else filters.value_label(path, value, viewer)


def with_query(url: str, query: Mapping[str, Any], **changes: str | None) -> str:
    """The address with some parameters changed; None removes one."""
    if not query:
        given = {name: value for name, value in changes.items() if value is not None}
        return f"{url}?{urlencode(given, safe=SAFE)}" if given else url
    merged = QueryDict(mutable=True)
    for name, values in query.lists() if isinstance(query, QueryDict) else query.items():
        merged.setlist(name, values if isinstance(values, list) else [values])
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return f"{url}?{merged.urlencode(safe=SAFE)}" if merged else url


SAFE = ",:;|()"  # what a filter is written with stays readable in an address

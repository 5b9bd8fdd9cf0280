"""What was asked of a list: words, filters, sort and page. Pages, API and export read it from here alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from xiaoguan.base.words import closest
from xiaoguan.desk import paging, search
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.cells import Columns
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.paths import Path

PAGE = 30
RESERVED = frozenset({"q", "sort", "cursor", "limit", "fields", "view"})


class BadQuery(ValueError):
    """A parameter that this list does not understand: says which, its value and what would be right."""


@dataclass
class Listing:
    """A readable list of one desk for one viewer.

    rows      every record that matches and may be read, unsorted; matching the same before the question of rights
    order     the sort in use; cursor marks where the page begins
    chosen    {parameter: values} of the filters in use
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

    @classmethod
    def read(cls, desk: Desk, viewer: Viewer, query: QueryDict, strict: bool = False) -> Listing:
        """From URL parameters. With `strict` (the API) an unknown parameter is BadQuery; a page ignores it."""
        matching = desk.model._default_manager.all()
        known = parameters(desk)
        chosen: dict[str, list[str]] = {}
        for name in query:
            values = [v for v in query.getlist(name) if v != ""]
            if name in RESERVED or not values:
                continue
            if name not in known:
                if strict:
                    near = closest(name, [*known, *RESERVED])
                    hint = f" Did you mean '{near}'?" if near else ""
                    raise BadQuery(f"This list has no filter '{name}'.{hint}")
                continue
            matching = matching.filter(condition(known[name], name, values, viewer))
            chosen[name] = values
        words = query.get("q", "").strip()[:80]
        if words:
            matching = matching.filter(search.hits(desk, words))
        sort = query.get("sort", "")
        names = [desk.order.lstrip("-"), "id", *desk.columns]
        if sort and sort.lstrip("-") not in names:
            if strict:
                raise BadQuery(f"This list cannot be sorted by '{sort}'; it can by {', '.join(names)}.")
            sort = ""
        rows = desk.visible(viewer, matching)
        return cls(desk, viewer, rows, matching, desk.sorting(sort), sort, query.get("cursor", ""), words, chosen)

    def ids(self, size: int) -> tuple[list[int], str]:
        """The ids of the page in order and the marker of the next. Raises BadQuery for a marker that is none."""
        branches = None if self.order.nullable or self.filtered else self.desk.read.branches(self.viewer)
        everything = self.desk.read.always(self.viewer)
        rows = self.matching if branches or everything else self.rows
        plain = not self.filtered and (everything or branches is not None)
        try:
            return paging.page_ids(rows, self.order, size, self.cursor, branches, plain)
        except ValueError as error:
            raise BadQuery(str(error)) from error

    def page(self, columns: Columns, size: int = PAGE) -> tuple[list[tuple], str]:
        """Values of one page in order and the marker of the next. Two queries: the ids, then what is shown of them."""
        ids, after = self.ids(size)
        return rows_in_order(self.desk, ids, columns.names), after

    def count(self) -> str:
        number, more = paging.count(self.rows)
        return f"{number:,}+" if more else f"{number:,}"

    @property
    def filtered(self) -> bool:
        return bool(self.words or self.chosen)


def rows_in_order(desk: Desk, ids: Sequence[int], names: Sequence[str]) -> list[tuple]:
    """The values of these records in this order; `names` begin with "pk"."""
    found = {row[0]: row for row in desk.model._default_manager.filter(pk__in=ids).values_list(*names)}
    return [found[pk] for pk in ids if pk in found]


def parameters(desk: Desk) -> dict[str, Path]:
    """The filter parameters of this desk: dates and numbers also with `.from` (at least) and `.to` (less than)."""
    found: dict[str, Path] = {}
    for text, path in desk.filter_paths.items():
        found[text] = path
        if path.kind in ("date", "datetime", "money", "number", "decimal"):
            found[f"{text}.from"] = found[f"{text}.to"] = path
    return found


def condition(path: Path, name: str, values: list[str], viewer: Viewer) -> Q:
    """One parameter as a filter. Raises BadQuery naming the parameter and the value."""
    end = name.rsplit(".", 1)[-1] if name != path.text else ""
    lookup = {"from": f"{path.orm}__gte", "to": f"{path.orm}__lt"}.get(end, path.orm)
    read = [_value(path, name, v, viewer) for v in values]
    empty = Q(**{f"{path.orm}__isnull": True}) if None in read else Q(pk__in=())
    read = [v for v in read if v is not None]
    if end:
        return Q(**{lookup: read[-1]}) if read else empty
    if not read:
        return empty
    return Q(**{lookup: read[0]}) if len(read) == 1 and empty == Q(pk__in=()) else Q(**{f"{lookup}__in": read}) | empty


def _value(path: Path, name: str, text: str, viewer: Viewer) -> Any:
    try:
        if text == "none":
            return None
        if path.relation:
            return viewer.person_id or 0 if text == "me" else int(text)
        if path.kind in ("date", "datetime"):
            return date.fromisoformat(text)
        if path.kind == "bool":
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
        if path.kind == "choice":
            if text not in {str(v) for v, _label in path.field.flatchoices}:
                raise ValueError(text)
            return text
        if path.kind in ("money", "number", "decimal", "percent"):
            return path.field.formfield().clean(text)
        return text
    except (ValueError, KeyError, ArithmeticError) as error:
        raise BadQuery(_("'%(value)s' is not possible for %(name)s.") % {"value": text, "name": name}) from error
    except Exception as error:  # a form field says what is wrong by ValidationError
        raise BadQuery(f"'{text}' is not possible for {name}: {error}") from error


def filter_bar(listing: Listing) -> list[dict[str, Any]]:
    """The filters as the page draws them: label, kind, options, what is chosen."""
    from xiaoguan.desk.desk import desk_of

    bar = []
    for text, path in listing.desk.filter_paths.items():
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
            choices: Sequence[tuple] = path.field.stage_choices() if path.kind == "stage" else path.field.flatchoices
            item["kind"] = "choice"
            item["options"] = [
                {"value": str(v), "label": str(label), "selected": str(v) in chosen} for v, label in choices if v != ""
            ]
        elif path.relation:
            target = desk_of(path.field.related_model)
            item["lookup_url"] = target.url("pick") if target else ""
            item["value_label"] = _("me") if chosen == ["me"] else _title(path, chosen[0]) if chosen else ""
        elif path.kind in ("date", "money", "number", "decimal", "datetime"):
            item["from"] = (listing.chosen.get(f"{text}.from") or [""])[0]
            item["to"] = (listing.chosen.get(f"{text}.to") or [""])[0]
        elif path.kind == "bool":
            item["options"] = [
                {"value": v, "label": label, "selected": v in chosen} for v, label in (("1", _("yes")), ("0", _("no")))
            ]
        bar.append(item)
    return bar


def _title(path: Path, value: str) -> str:
    if not value.isdigit():
        return _("none") if value == "none" else ""
    found = path.field.related_model._default_manager.filter(pk=int(value)).first()
    return str(found) if found else ""


def with_query(url: str, query: Mapping[str, Any], **changes: str | None) -> str:
    """The address with some parameters changed; None removes one."""
    if not query:
        given = {name: value for name, value in changes.items() if value is not None}
        return f"{url}?{urlencode(given)}" if given else url
    merged = QueryDict(mutable=True)
    for name, values in query.lists() if isinstance(query, QueryDict) else query.items():
        merged.setlist(name, values if isinstance(values, list) else [values])
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return f"{url}?{merged.urlencode()}" if merged else url

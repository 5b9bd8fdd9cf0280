"""The JSON form of a desk's records, as far as the viewer may see their fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import orjson
from django.db import connection
from django.utils.translation import gettext as _

from xiaoguan.base.money import SCALE
from xiaoguan.base.words import closest
from xiaoguan.desk.access import Viewer, mask
from xiaoguan.desk.desk import Desk, remembered
from xiaoguan.desk.fields import decimal_text
from xiaoguan.desk.listing import BadQuery, Listing
from xiaoguan.desk.paths import kind_of, title_field
from xiaoguan.desk.statements import Shown

LIMIT, DEFAULT_LIMIT = 200, 50
HIDDEN = frozenset({"source"})
UTC = orjson.OPT_NAIVE_UTC  # moments come from SQLite without their zone, which is UTC


class Shape:
    """Names and the function that makes each value plain. Made once for a desk, what may be seen and what is asked for.

    levels    {field: "none" or "masked"}; only    the names to give, all where empty.
    """

    def __init__(self, desk: Desk, levels: dict[str, str], only: frozenset[str] = frozenset()):
        self.desk = desk
        self.names: list[str] = []
        self.sources: list[str] = []
        self.converters: list[tuple[int, Callable[[Any], Any]]] = []
        for field in desk.model._meta.concrete_fields:
            level = levels.get(field.name, "edit")
            if field.name in HIDDEN or field.name in desk.untold or level == "none":
                continue
            kind = kind_of(field)
            if not only or field.name in only or field.name == "id":
                self._add(
                    field.name, field.attname if kind == "relation" else field.name, _converter(field, kind), level
                )
            if kind == "relation" and (title := titled(field)) and (not only or f"{field.name}_{title}" in only):
                self._add(f"{field.name}_{title}", f"{field.name}__{title}", None, level)

    def _add(self, name: str, source: str, convert: Callable[[Any], Any] | None, level: str) -> None:
        if level == "masked":
            convert = _masked
        if convert:
            self.converters.append((len(self.names), convert))
        self.names.append(name)
        self.sources.append(source)

    @cached_property
    def _shown(self) -> Shown:
        return Shown(self.desk.model, self.sources)

    def items(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """These records in this order as JSON's plain values. The driver's own values are converted here, which costs a
        third of the way through the ORM."""
        rows = self._shown.stored(ids)
        names, converters, found = self.names, self.converters, []
        for pk in ids:
            if pk not in rows:
                continue
            values = list(rows[pk][1:])
            for at, convert in converters:
                if values[at] is not None:
                    values[at] = convert(values[at])
            found.append(dict(zip(names, values, strict=True)))
        return found


def titled(field: Any) -> str:
    """The field by which the related record is known; "" if it has none."""
    name = title_field(field.related_model)
    return "" if name == "pk" else name


def _masked(value: Any) -> str:
    return mask(str(value))


def _converter(field: Any, kind: str) -> Callable[[Any], Any] | None:
    """From what the driver gives to what JSON shows; None where they are the same."""
    if kind == "money":
        return lambda v: decimal_text(v, SCALE, 2)
    if kind in ("decimal", "percent"):
        scale = field.scale
        return lambda v: decimal_text(v, scale, 0)
    if field.get_internal_type() == "JSONField":
        return orjson.loads
    return None


@remembered
def _shape(desk: Desk, vendor: str, levels: tuple[tuple[str, str], ...], only: frozenset[str]) -> Shape:
    return Shape(desk, dict(levels), only)


def shape_for(desk: Desk, viewer: Viewer, only: str = "") -> Shape:
    """The shape for this viewer; `only` are names separated by commas. Raises BadQuery for an unknown one."""
    levels = tuple(sorted((n, level) for n, level in desk.restricted(viewer).items() if level in ("none", "masked")))
    whole = _shape(desk, connection.vendor, levels, frozenset())
    if not only:
        return whole
    names = frozenset(name.strip() for name in only.split(",") if name.strip())
    for name in names:
        if name not in whole.names:
            near = closest(name, whole.names)
            hint = _(" Did you mean '%(near)s'?") % {"near": near} if near else ""
            raise BadQuery(_("There is no field '%(name)s'.") % {"name": name} + hint)
    return _shape(desk, connection.vendor, levels, names)


def item(desk: Desk, viewer: Viewer, pk: int, only: str = "") -> dict[str, Any]:
    return shape_for(desk, viewer, only).items([pk])[0]


def list_body(desk: Desk, viewer: Viewer, query: Any) -> bytes:
    """The JSON text of one page of a list. Raises BadQuery."""
    listing = Listing.read(desk, viewer, query, strict=True)
    try:
        limit = min(max(int(query.get("limit") or DEFAULT_LIMIT), 1), LIMIT)
    except ValueError as error:
        told = {"value": query.get("limit"), "most": LIMIT}
        raise BadQuery(_("'%(value)s' is not possible for limit: a number from 1 to %(most)d.") % told) from error
    shape = shape_for(desk, viewer, query.get("fields", ""))
    ids, after = listing.ids(limit)
    return orjson.dumps({"items": shape.items(ids), "next": after or None}, option=UTC)

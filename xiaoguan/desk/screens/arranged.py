"""A list as somebody has arranged it: the open view, its parameters, and what every shape of a list shows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from xiaoguan.desk import filters
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.expressions import Expression, Group, write
from xiaoguan.desk.listing import Listing, filter_bar, with_query
from xiaoguan.desk.screens.common import desk_words
from xiaoguan.desk.views import View, Views, expanded, views_of

SHAPING = ("as", "day", "span", "by", "start", "end", "lane", "rows", "cols", "measure", "look")
"""Parameters that belong to one shape of a list."""
CARRIED = ("where", "sort", "columns", "group", "of", *SHAPING)
"""Parameters that the filter form sends along with its own fields."""


@dataclass
class Arranged:
    """A list page as asked for.

    query    all parameters in force, those of the open view among them
    view     the view that is open, or that the parameters began from (`of`) and were changed since (`edited`)
    kept     the parameters that links of the page carry: without page marker, and `of` instead of `view`
    base     the address without parameters
    """

    desk: Desk
    viewer: Viewer
    views: Views
    listing: Listing
    query: QueryDict
    view: View | None
    edited: bool
    kept: QueryDict
    base: str

    def address(self, **changes: str | None) -> str:
        return with_query(self.base, self.kept, **changes)

    @property
    def shape(self) -> str:
        return "board" if self.base != self.desk.url() else self.query.get("as", "") or "list"

    def context(self, count: dict[str, str] | None = None) -> dict[str, Any]:
        """What the head of every shape shows: words, tabs, shapes, filters; how many there are, unless it is known."""
        listing = self.listing
        return {
            "desk": desk_words(self.desk, self.viewer),
            "base": self.base,
            "filters": filter_bar(listing),
            "q": listing.words,
            "filtered": listing.filtered,
            "count": count or {"text": listing.count()},
            "tabs": self.tabs(),
            "view": self.view,
            "edited": self.edited,
            "shapes": self.shapes(),
            "shape": self.shape,
            "conditions": self.conditions(),
            "carried": [(n, v) for n in CARRIED if (v := self.kept.get(n, ""))],
            "clear_url": with_query(self.base, {}, view="all" if self.views.first else None),
        }

    def tabs(self) -> list[dict[str, Any]]:
        """The views of this list; those that are not pinned stand in the menu behind the tabs."""
        if not (self.views.all or self.views.ready):
            return []
        everything = f"{self.desk.url()}?view=all" if self.views.first else self.desk.url()
        found = [{"id": 0, "label": _("All"), "url": everything, "current": self.view is None, "pinned": True}]
        for view in (*self.views.ready, *self.views.all):
            base = self.desk.url("board") if view.kind == "board" and self.desk.board else self.desk.url()
            base = self.base if view.ready else base
            current = self.view is not None and view.id == self.view.id
            found.append(
                {
                    "id": view.id,
                    "label": view.name,
                    "url": f"{base}?view={view.id}",
                    "current": current,
                    "pinned": view.pinned or current,
                    "shared": bool(view.shared),
                }
            )
        return found

    def shapes(self) -> list[dict[str, Any]]:
        """The ways to look at the same records. The filters stay, what belongs to one shape goes."""
        from xiaoguan.desk.screens.shapes import fitting

        kept = self.kept.copy()
        for name in SHAPING:
            kept.pop(name, None)
        found = []
        for key, label, icon in fitting(self.desk):
            base = self.desk.url("board") if key == "board" else self.desk.url()
            extra = {} if key in ("board", "list") else {"as": key}
            if not kept and not extra and self.views.first:
                extra["view"] = "all"
            current = key == self.shape
            found.append({"key": key, "label": label, "icon": icon, "current": current})
            found[-1]["url"] = with_query(base, kept, **extra)
        return found

    def conditions(self) -> list[dict[str, str]]:
        """The conditions of the filter expression as chips; each can be taken away."""
        where = self.listing.where
        if where is None:
            return []
        parts: tuple[Expression, ...] = where.parts if isinstance(where, Group) and where.every else (where,)
        found = []
        for part in parts:
            rest = tuple(p for p in parts if p is not part)
            left = write(rest[0] if len(rest) == 1 else Group(True, rest)) if rest else None
            words = filters.words_of(self.desk, self.viewer, part)
            found.append({"label": words, "url": self.address(where=left)})
        return found


def arranged(request: HttpRequest, desk: Desk, viewer: Viewer, base: str = "") -> Arranged:
    """Read the address, the views of the viewer among it. Raises BadQuery."""
    asked = request.GET
    views = views_of(desk, viewer)
    base = base or desk.url()
    named = asked.get("view", "") or asked.get("of", "")
    if not asked and views.first and base == desk.url() and views.first.kind != "board":
        asked = QueryDict(f"view={views.first.id}")
        named = str(views.first.id)
    view = views.get(named) if named not in ("", "all") else None
    query = expanded(desk, viewer, asked, views) if asked else asked
    kept = _kept(query, view)
    listing = Listing.read(desk, viewer, query, views=views)
    edited = "of" in request.GET and view is not None
    return Arranged(desk, viewer, views, listing, query, view, edited, kept, base)


def _kept(query: QueryDict, view: View | None) -> QueryDict:
    if not query:
        return query
    kept = query.copy()
    for name in ("view", "cursor", "part", "ids"):
        kept.pop(name, None)
    if view is not None:
        kept["of"] = str(view.id)
    return kept

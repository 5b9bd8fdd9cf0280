"""List, board, detail and form pages of every desk, from its declaration."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.urls import include, path

from xiaoguan.desk.api import recognising, remarks
from xiaoguan.desk.custom import addresses  # noqa: F401  registers the converters of paths
from xiaoguan.desk.desk import Desk, desks
from xiaoguan.desk.screens import approvals, creating, custom, exports, imports, inbox, jobs, layouts
from xiaoguan.desk.screens.boards import board_page
from xiaoguan.desk.screens.creating import ask_owner, duplicates_page, paste, quick
from xiaoguan.desk.screens.details import ask, counts, detail_page, peek, related_tab
from xiaoguan.desk.screens.editing import cell
from xiaoguan.desk.screens.lists import export, list_page, pick
from xiaoguan.desk.screens.merge import merge_page
from xiaoguan.desk.screens.selection import bulk_do, bulk_sheet
from xiaoguan.desk.screens.sheets import arrange, sheet, view_new, view_one
from xiaoguan.desk.screens.stories import comment_new, comment_one, file, timeline_page
from xiaoguan.desk.screens.takeback import bin_page, restore, restore_version, undo_page
from xiaoguan.desk.screens.who import who
from xiaoguan.desk.screens.writing import delete, do, edit_page, new_page

PAGES: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
    ("", list_page, "list"),
    ("new", new_page, "new"),
    ("pick", pick, "pick"),
    ("quick", quick, "quick"),
    ("duplicates", duplicates_page, "duplicates"),
    ("merge", merge_page, "merge"),
    ("paste", paste, "paste"),
    ("<int:pk>/ask-owner", ask_owner, "ask_owner"),
    ("board", board_page, "board"),
    ("export.<str:kind>", export, "export"),
    ("sheet/<str:name>", sheet, "sheet"),
    ("arrange", arrange, "arrange"),
    ("bulk", bulk_sheet, "bulk"),
    ("bulk/do", bulk_do, "bulk_do"),
    ("views", view_new, "views"),
    ("views/<int:pk>", view_one, "view"),
    ("bin", bin_page, "bin"),
    ("bin/<int:event>/restore", restore, "restore"),
    ("<int:pk>", detail_page, "detail"),
    ("<int:pk>/edit", edit_page, "edit"),
    ("<int:pk>/delete", delete, "delete"),
    ("<int:pk>/as-of/<int:event>", restore_version, "restore_version"),
    ("<int:pk>/cell/<str:name>", cell, "cell"),
    ("<int:pk>/tab/<str:name>", related_tab, "related"),
    ("<int:pk>/who", who, "who"),
    ("<int:pk>/peek", peek, "peek"),
    ("<int:pk>/ask/<str:name>", ask, "ask"),
    ("<int:pk>/counts", counts, "counts"),
    ("<int:pk>/timeline", timeline_page, "timeline"),
    ("<int:pk>/comments", comment_new, "comments"),
    ("<int:pk>/comments/<int:comment>", comment_one, "comment"),
    ("<int:pk>/files/<int:file>", file, "file"),
    ("<int:pk>/<str:name>", do, "verb"),
)


def urls() -> list[Any]:
    """The pages of every registered desk."""
    return [
        path("undo/<slug:batch>", undo_page, name="undo"),
        *exports.urls(),
        *imports.urls(),
        *jobs.urls(),
        *inbox.urls(),
        *remarks.urls(),
        *creating.urls(),
        *recognising.urls(),
        *approvals.urls(),
        *layouts.urls(),
        *custom.urls(),
        *_of_desks(),
    ]


def _bound(view: Callable[..., HttpResponse], desk: Desk) -> Callable[..., HttpResponse]:
    """The view of one desk. A view that reads an upload itself, and checks its token then, stays marked as such."""
    bound = partial(view, desk=desk)
    bound.csrf_exempt = getattr(view, "csrf_exempt", False)
    return bound


def _of_desks() -> list[Any]:
    return [
        path(
            f"{desk.url_name}/",
            include(([path(route, _bound(view, desk), name=name) for route, view, name in PAGES], desk.key)),
        )
        for desk in desks()
    ] + [path("<custom:desk>/", include(([path(route, view, name=name) for route, view, name in PAGES], "custom")))]

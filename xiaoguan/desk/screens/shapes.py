"""The shapes that a list may take at the same address: which there are, and which fit a desk."""

from __future__ import annotations

from django.utils.translation import gettext as _

from xiaoguan.desk.desk import Desk


def fitting(desk: Desk) -> list[tuple[str, str, str]]:
    """(key, words, icon) of the shapes that this desk's records can take."""
    found = [("list", _("List"), "list")]
    if desk.board:
        found.append(("board", _("Board"), "layout-kanban"))
    return found

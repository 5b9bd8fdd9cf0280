"""Who sees a record and why: the rule in force asked for everybody who can sign in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.desk.access import Viewer, follow, owner_path
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.notify import viewers_of
from xiaoguan.desk.records import Record
from xiaoguan.desk.screens.common import names_of, record_of

MOST = 400
"""So many people are asked for; a company with more is told that these are the first by name."""


def who_sees(desk: Desk, record: Record) -> tuple[list[dict[str, Any]], bool]:
    """Who may read the record, each with the reasons and whether they may change it; and whether all were asked."""
    accounts = get_user_model().objects.filter(is_active=True, person__isnull=False).order_by("person__name", "pk")
    people = list(accounts.values_list("person_id", flat=True)[: MOST + 1])
    viewers = viewers_of(people[:MOST])
    owner = _owner(desk, record)
    names = names_of({owner} - {None}) if owner else {}
    found = [
        {
            "person": viewer.name,
            "person_id": pk,
            "write": desk.may_write(viewer, record),
            "why": _reasons(desk, viewer, record, owner, names),
        }
        for pk in people[:MOST]
        if (viewer := viewers.get(pk)) is not None and desk.may_read(viewer, record)
    ]
    return sorted(found, key=lambda f: not f["write"]), len(people) <= MOST


def _owner(desk: Desk, record: Record) -> int | None:
    path = owner_path(getattr(desk.read, "declared", desk.read))
    return follow(record, path) if path else None


def _reasons(desk: Desk, viewer: Viewer, record: Record, owner: int | None, names: dict[int, str]) -> list[str]:
    """The sentences of the rule, each once; a deputy is told from the owner."""
    reasons = list(dict.fromkeys(desk.read.reasons(viewer, record)))
    if owner is not None and owner in viewer.deputy_of and owner != viewer.person_id:
        reasons = [_("stands in for %(name)s") % {"name": names.get(owner, "")}, *reasons[1:]]
    return reasons


@require_GET
def who(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """The sheet "who sees this"."""
    _viewer, record = record_of(request, desk, pk)
    found, whole = who_sees(desk, record)
    context = {"title": desk.title(record), "people": found, "whole": whole, "rule": str(desk.read.words())}
    return render(request, "desk/_who.html", context)

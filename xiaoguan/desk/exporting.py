"""Leaving with data: every export is written down, and what would take long is made by a job."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from xiaoguan.base.words import format_number
from xiaoguan.desk import events, jobs
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.expressions import BadQuery
from xiaoguan.desk.jobs import Job, JobError, Running, job_kind
from xiaoguan.desk.models import Event

AT_ONCE = 50_000
"""More rows than this are written by a job, so that no page waits and no worker is held for minutes."""
EXPORTED = "exported"


def file_name(desk: Desk, kind: str) -> str:
    return f"{desk.url_name.replace('/', '-')}-{timezone.localdate().isoformat()}.{kind}"


def write_down(desk: Desk, kind: str, query: str, rows: int) -> Event:
    """Keep that somebody took so many rows of this list, and by which filter. Administrators see it."""
    actor = events.current_actor()
    return Event.objects.create(
        entity=desk.key,
        record_id=0,
        deed=EXPORTED,
        changes={"kind": kind, "query": query, "rows": rows},
        actor_id=actor.person_id,
        via=actor.via,
        batch=actor.batch,
    )


def written_down(size: int = 200) -> QuerySet[Event]:
    """The newest exports; for those who may see everybody's."""
    return Event.objects.filter(deed=EXPORTED).order_by("-id")[:size]


def begin(desk: Desk, viewer: Viewer, kind: str, query: str, rows: int) -> Job:
    return jobs.start(
        "export",
        viewer,
        lambda: _("Export of %(entity)s") % {"entity": desk.label_plural},
        unit=lambda: _("rows"),
        entity=desk.key,
        kind=kind,
        query=query,
        rows=rows,
    )


@job_kind("export")
def export(running: Running) -> dict[str, Any]:
    """Write the file. It is begun anew after a kill; that it was made is written down with its being there."""
    from xiaoguan.desk.screens.lists import prepared
    from xiaoguan.desk.transfer import export_rows

    asked = running.parameters
    desk = desk_of(asked["entity"])
    assert desk is not None
    try:
        rows, columns = prepared(_request(desk, running, asked["query"]), desk, running.viewer)
    except (PermissionDenied, BadQuery) as error:
        raise JobError(str(error)) from error
    name, written = file_name(desk, asked["kind"]), 0

    def count(number: int) -> None:
        nonlocal written
        written = number
        running.progress(number, max(number, asked["rows"]))

    masked = desk.masked(running.viewer, columns)
    with (running.folder / name).open("wb") as file:
        for piece in export_rows(desk, rows, columns, asked["kind"], masked, count):
            file.write(piece)
    with running.step(done=written, total=written):
        write_down(desk, asked["kind"], asked["query"], written)
        running.add_file(name)
    return {"summary": lambda: _("%(n)s rows written.") % {"n": format_number(written, get_language() or "en")}}


def _request(desk: Desk, running: Running, query: str) -> HttpRequest:
    """The list as its page would be asked for, by whom the job is for."""
    request = HttpRequest()
    request.method, request.path, request.GET = "GET", desk.url(), QueryDict(query)
    request.user = get_user_model().objects.get(pk=running.job.account_id)
    request._viewer = running.viewer
    return request

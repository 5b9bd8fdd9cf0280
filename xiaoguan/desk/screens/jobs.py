"""Jobs in the page: the tray of the frame, the drawer, the list, one job, its files; and the same over the API."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xiaoguan.base.words import format_number
from xiaoguan.desk import jobs, notify
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api import answer, guarded, not_here
from xiaoguan.desk.approvals.requests import to_sign
from xiaoguan.desk.expressions import BadQuery
from xiaoguan.desk.jobs import Job
from xiaoguan.desk.screens.common import is_number

DRAWER, PAGE = 8, 30
TONES = {"queued": "gray", "running": "blue", "done": "green", "failed": "red", "cancelled": "amber"}
WORKING, RESTING = 2, 60
"""Seconds between two looks of the page: while a job of the viewer runs, and otherwise."""


def words(job: Job) -> dict[str, Any]:
    """A job as the page shows it."""
    open_, left = job.is_open, job.seconds_left
    return {
        "id": job.pk,
        "title": job.said("title"),
        "state": job.state,
        "label": job.get_state_display(),
        "tone": TONES[job.state],
        "done": job.done,
        "total": job.total,
        "count": _counted(job),
        "share": job.share,
        "rate": _("%(n)s a second") % {"n": _number(round(job.rate))} if job.rate >= 1 and open_ else "",
        "left": _("%(time)s left") % {"time": _clock(left)} if open_ and left is not None else "",
        "at": job.finished_at or job.started_at or job.asked_at,
        "summary": job.said("summary"),
        "open_url": job.result.get("url", ""),
        "error": job.error,
        "files": [{"name": name, "url": reverse("job_file", args=[job.pk, name])} for name in job.files],
        "url": reverse("job", args=[job.pk]),
        "cancel_url": reverse("job_cancel", args=[job.pk]) if open_ and not job.stop_asked else "",
        "stopping": open_ and job.stop_asked,
        "again_url": reverse("job_again", args=[job.pk]) if job.state in ("failed", "cancelled") else "",
        "revert_url": reverse("job_revert", args=[job.pk]) if job.result.get("revertible") and not open_ else "",
        "lines": job.result.get("lines", []),
    }


def _number(value: int) -> str:
    return format_number(value, get_language() or "en")


def _counted(job: Job) -> str:
    if not job.done and not job.total:
        return ""
    count = f"{_number(job.done)} / {_number(job.total)}" if job.total else _number(job.done)
    return f"{count} {job.said('unit')}".strip()


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _job(request: HttpRequest, pk: int) -> Job:
    job = jobs.visible(viewer_of(request)).filter(pk=pk).first()
    if job is None:
        raise Http404
    return job


def _open_jobs(viewer: Viewer) -> int:
    return Job.objects.filter(account_id=viewer.account_id, state__in=Job.OPEN).count()


@require_GET
def tray(request: HttpRequest) -> HttpResponse:
    """The bell, approvals and jobs with their counts: three counts by index, and 304 while they stay the same."""
    viewer = viewer_of(request)
    running, unread = _open_jobs(viewer), notify.unread(viewer) if viewer.person_id else 0
    waiting = to_sign(viewer).count() if viewer.person_id else 0
    tag = f'"{running}-{unread}-{waiting}-{get_language()}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    context = {"running": running, "unread": unread, "waiting": waiting, "every": 5 if running else RESTING}
    response = render(request, "jobs/tray.html", context)
    response["ETag"], response["Cache-Control"] = tag, "private, no-cache"
    return response


@require_GET
def drawer(request: HttpRequest) -> HttpResponse:
    """The viewer's newest jobs; the fragment asks again every two seconds while one of them runs."""
    viewer = viewer_of(request)
    found = [words(job) for job in Job.objects.filter(account_id=viewer.account_id).order_by("-id")[:DRAWER]]
    return render(request, "jobs/drawer.html", {"jobs": found, "every": _pause(found)})


def _pause(found: list[dict[str, Any]]) -> int:
    return WORKING if any(job["state"] in Job.OPEN for job in found) else 0


@require_GET
def jobs_page(request: HttpRequest) -> HttpResponse:
    """The viewer's jobs, the newest first. Administrators see everybody's (`of=all`), and those by the clock apart
    (`of=clock`): they come every few minutes, and stand among the others only when they failed."""
    viewer = viewer_of(request)
    whose = request.GET.get("of", "") if viewer.has(*jobs.ADMINISTRATORS) else ""
    rows = Job.objects.filter(account_id=viewer.account_id)
    if whose == "all":
        rows = jobs.visible(viewer).filter(Q(key__isnull=True) | Q(state=Job.State.FAILED))
    elif whose == "clock":
        rows = jobs.visible(viewer).filter(key__isnull=False)
    before = request.GET.get("before", "")
    rows = rows.filter(pk__lt=int(before)) if is_number(before) else rows
    page = list(rows.order_by("-id")[: PAGE + 1])
    found = [words(job) for job in page[:PAGE]]
    context = {
        "jobs": found,
        "every": _pause(found),
        "whose": whose if whose in ("all", "clock") else "",
        "may_all": viewer.has(*jobs.ADMINISTRATORS),
        "next": page[PAGE - 1].pk if len(page) > PAGE else None,
    }
    return render(request, "jobs/list.html", context)


@require_GET
def job_page(request: HttpRequest, pk: int) -> HttpResponse:
    job = words(_job(request, pk))
    return render(request, "jobs/show.html", {"job": job, "every": _pause([job])})


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    jobs.cancel(_job(request, pk))
    return _back(request, pk)


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    jobs.again(_job(request, pk))
    return _back(request, pk)


@require_POST
def revert(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back everything that a job wrote, as a job of its own."""
    return _back(request, begin_revert(viewer_of(request), _job(request, pk)).pk)


def begin_revert(viewer: Viewer, job: Job) -> Job:
    """Raises PermissionDenied for a job that cannot be taken back, or is being taken back."""
    ready = Job.objects.filter(pk=job.pk, result__revertible=True)
    if job.is_open or not ready.update(result={**job.result, "revertible": False}):  # of two who ask at once, one
        raise PermissionDenied(_("This cannot be taken back."))
    return jobs.start(
        "revert",
        viewer,
        lambda: _("Take back: %(job)s") % {"job": job.said("title")},
        unit=lambda: _("records"),
        batch=job.batch,
        job=job.pk,
    )


def _back(request: HttpRequest, pk: int) -> HttpResponse:
    return (
        drawer_again(request) if request.headers.get("HX-Request") else HttpResponseRedirect(reverse("job", args=[pk]))
    )


def drawer_again(request: HttpRequest) -> HttpResponse:
    request.method = "GET"
    return drawer(request)


@require_GET
def file(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """A file that the job made, always as a download."""
    job = _job(request, pk)
    if name not in job.files or not (job.folder / name).is_file():
        raise Http404
    return FileResponse((job.folder / name).open("rb"), as_attachment=True, filename=name)


# The API


def plain(job: Job) -> dict[str, Any]:
    plain = {name: getattr(job, name) for name in ("kind", "state", "done", "total", "error")}
    plain |= {name: job.said(name) for name in ("title", "unit")}
    times = {name: getattr(job, name) for name in ("asked_at", "started_at", "finished_at")}
    files = [reverse("job_file", args=[job.pk, name]) for name in job.files]
    return {
        "id": job.pk,
        **plain,
        **times,
        "result": {**job.result, **({"summary": job.said("summary")} if job.result else {})},
        "files": files,
    }


@guarded
def api_list(request: HttpRequest) -> HttpResponse:
    if request.method != "GET":
        return not_here("GET")
    rows = jobs.visible(viewer_of(request)).order_by("-id")
    if (state := request.GET.get("state")) in Job.State.values:
        rows = rows.filter(state=state)
    elif state:
        raise BadQuery(_("'%(value)s' is not possible for %(name)s.") % {"value": state, "name": "state"})
    before = request.GET.get("cursor", "")
    page = list((rows.filter(pk__lt=int(before)) if is_number(before) else rows)[: PAGE + 1])
    after = str(page[PAGE - 1].pk) if len(page) > PAGE else None
    return answer({"items": [plain(job) for job in page[:PAGE]], "next": after})


@guarded
def api_one(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method != "GET":
        return not_here("GET")
    return answer(plain(_job(request, pk)))


@guarded
def api_do(request: HttpRequest, pk: int, deed: str) -> HttpResponse:
    """cancel, again or revert."""
    if request.method != "POST":
        return not_here("POST")
    job = _job(request, pk)
    if deed == "revert":
        return answer(plain(begin_revert(viewer_of(request), job)), 202)
    jobs.cancel(job) if deed == "cancel" else jobs.again(job)
    return answer(plain(job))


def urls() -> list[Any]:
    return [
        path("tray", tray, name="tray"),
        path("jobs/", jobs_page, name="jobs"),
        path("jobs/drawer", drawer, name="jobs_drawer"),
        path("jobs/<int:pk>", job_page, name="job"),
        path("jobs/<int:pk>/cancel", cancel, name="job_cancel"),
        path("jobs/<int:pk>/again", again, name="job_again"),
        path("jobs/<int:pk>/revert", revert, name="job_revert"),
        path("jobs/<int:pk>/files/<str:name>", file, name="job_file"),
        path("api/jobs", api_list),
        path("api/jobs/<int:pk>", api_one),
        *(path(f"api/jobs/<int:pk>/{deed}", api_do, {"deed": deed}) for deed in ("cancel", "again", "revert")),
    ]

"""Jobs (任务): work that outlives a request. It survives a kill, shows how far it is, and can be stopped.

A job is a row, written in the transaction of whoever asks for it, so it exists exactly if that transaction does. A
worker (`xiaoguan work`) claims the row and calls the function of its kind as the person who asked. The function works
in steps: what a step writes and the mark of how far it came stand or fall together, so a job that was killed goes on
behind its last step and repeats nothing.

    @job_kind("greet")
    def greet(running: Running) -> dict[str, Any]:
        for at in range(running.checkpoint.get("at", 0), 10):
            with running.step(done=at + 1, total=10, at=at + 1):
                ...                                   # writes of this step
        return {"summary": lambda: _("Greeted %(n)d people.") % {"n": 10}}

    jobs.start("greet", viewer, lambda: _("Greeting"), words="hello")

What it says is said in the language of whoever asked; a title and a summary that are functions are kept in every
language, for whoever reads them.

A worker holds a job by its name on the row. One that lost it (it hung, and another took over) cannot finish a step.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, close_old_connections, connection, models, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from xiaoguan.desk.access import NOBODY, Viewer, viewer_of
from xiaoguan.desk.events import acting

log = logging.getLogger(__name__)

ATTEMPTS = 5
"""So often a job is taken up again after its worker died or the database did not answer."""
LOST = timedelta(seconds=30)
"""A worker that gave no sign for so long has lost its job to the next one."""
BEAT = 5.0
SCHEDULE = 20.0
PAUSE = 5.0
KEPT = timedelta(days=30)
ADMINISTRATORS = ("administrator",)


class JobError(Exception):
    """The job cannot go on, and says why to the person who asked for it."""


class Stopped(Exception):
    """The person who asked for the job, or an administrator, stopped it."""


class Released(Exception):
    """The worker is to end; the job goes back into the queue as it stands."""


class Superseded(Exception):
    """Another worker has taken the job over; what this one was about to write is not written."""


class Job(models.Model):
    """任务: one piece of work in the background.

    parameters    what was asked for; checkpoint what the last step left behind
    done, total   in `unit`; total 0 is not known yet
    result        what came out: "summary" is a sentence, "url" where to look, the rest belongs to the kind
    files         names of files in `folder` that the asker may fetch
    language      of the person when they asked: what the job says is said in it
    words         title, unit and summary in every language, for whoever reads them: {"title": {"en": ...}}
    batch         of all events that the job writes
    key           of scheduled jobs: kind and moment, so that each is run once
    """

    class State(models.TextChoices):
        QUEUED = "queued", gettext_lazy("waiting")
        RUNNING = "running", gettext_lazy("running")
        DONE = "done", gettext_lazy("done")
        FAILED = "failed", gettext_lazy("failed")
        CANCELLED = "cancelled", gettext_lazy("stopped")

    OPEN = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    account_id = models.BigIntegerField(null=True)
    person_id = models.BigIntegerField(null=True)
    parameters = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    unit = models.CharField(max_length=40, blank=True)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    language = models.CharField(max_length=10, blank=True)
    words = models.JSONField(default=dict)
    files = models.JSONField(default=list)
    checkpoint = models.JSONField(default=dict)
    batch = models.CharField(max_length=16)
    key = models.CharField(max_length=80, null=True, unique=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    stop_asked = models.BooleanField(default=False)
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = gettext_lazy("job"), gettext_lazy("jobs")
        indexes = [
            models.Index(fields=["state", "due_at", "id"], name="job_queue"),
            models.Index(fields=["account_id", "-id"], name="job_of_account"),
        ]

    def __str__(self) -> str:
        return self.title

    def said(self, name: str) -> str:
        """Its title, unit or summary in the language of the moment, as far as it was told in every language."""
        kept = self.result.get("summary", "") if name == "summary" else getattr(self, name)
        return str(self.words.get(name, {}).get(get_language(), kept))

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def folder(self) -> Path:
        """Where its files are; outside of everything that the server gives out by itself."""
        return Path(settings.HOME) / "jobs" / str(self.pk)

    @property
    def share(self) -> float | None:
        """How far it is, 0 to 1; None while nobody knows."""
        return min(1.0, self.done / self.total) if self.total else None

    @property
    def rate(self) -> float:
        """Units a second since it began."""
        if not self.started_at or not self.done:
            return 0.0
        end = self.finished_at or timezone.now()
        return self.done / max((end - self.started_at).total_seconds(), 0.001)

    @property
    def seconds_left(self) -> int | None:
        return int((self.total - self.done) / self.rate) if self.total and self.rate else None


# Asking for work


Work = Callable[["Running"], "dict[str, Any] | None"]
_kinds: dict[str, Work] = {}


def job_kind(name: str) -> Callable[[Work], Work]:
    """Decorator: the function that does jobs of this kind."""

    def add(work: Work) -> Work:
        _kinds[name] = work
        return work

    return add


def start(kind: str, viewer: Viewer, title: Any, /, unit: Any = "", **parameters: Any) -> Job:
    """Ask for a job in the name of `viewer`. The row is part of the caller's transaction.

    title, unit   a text, or a function that makes it: then it is kept in every language.
    parameters    plain JSON values. An unknown kind is a KeyError.
    """
    _kinds[kind]
    return Job.objects.create(
        kind=kind,
        title=_said(title)[:200],
        unit=_said(unit),
        language=get_language() or "",
        words={"title": in_every_language(title), "unit": in_every_language(unit)},
        account_id=viewer.account_id,
        person_id=viewer.person_id,
        parameters=parameters,
        batch=secrets.token_hex(8),
    )


def _said(words: Any) -> str:
    return str(words() if callable(words) else words)


def in_every_language(words: Any) -> dict[str, str]:
    """{language: text} of a lazy text or of a function that makes a text."""
    said = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            said[language] = _said(words)
    return said


def visible(viewer: Viewer) -> QuerySet[Job]:
    """The jobs that this viewer may see: their own, and all of them for an administrator."""
    if viewer.has(*ADMINISTRATORS):
        return Job.objects.all()
    return Job.objects.filter(account_id=viewer.account_id) if viewer.account_id else Job.objects.none()


def cancel(job: Job) -> None:
    """Stop a job: one that waits never begins, one that runs ends behind its present step."""
    ended = {"state": Job.State.CANCELLED, "finished_at": timezone.now(), "stop_asked": True}
    if not Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(**ended):
        Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(stop_asked=True)
    job.refresh_from_db()


def again(job: Job) -> None:
    """Take a failed or stopped job up again where it ended."""
    fresh = {"state": Job.State.QUEUED, "stop_asked": False, "error": "", "attempts": 0, "finished_at": None}
    Job.objects.filter(pk=job.pk, state__in=(Job.State.FAILED, Job.State.CANCELLED)).update(
        due_at=timezone.now(), **fresh
    )
    job.refresh_from_db()


# Schedules


@dataclass(frozen=True)
class Schedule:
    """A job that comes by itself. minutes between two; `at` minutes after midnight, in the company's time zone."""

    kind: str
    title: Any
    minutes: int
    at: int

    def latest(self, now: datetime) -> datetime:
        """The last moment at or before `now` at which it was due."""
        local = timezone.localtime(now, timezone.get_default_timezone())
        first = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + timedelta(minutes=self.at)
        while first > local:
            first -= timedelta(minutes=self.minutes)
        return first + timedelta(minutes=(local - first) // timedelta(minutes=self.minutes) * self.minutes)


_schedules: dict[str, Schedule] = {}
_PERIODS = {"day": 24 * 60, "hour": 60}


def every(period: str, at: str = "00:00", title: Any = "") -> Callable[[Work], Work]:
    """Decorator: a job that comes every "day" or "hour" at this time, or every "15 minutes"; its kind is the
    function's name. After a standstill only the latest one that was missed is made up for."""
    minutes = _PERIODS.get(period) or int(period.split()[0])
    hour, minute = map(int, at.split(":"))

    def add(work: Work) -> Work:
        _kinds[work.__name__] = work
        _schedules[work.__name__] = Schedule(work.__name__, title or work.__name__, minutes, hour * 60 + minute)
        return work

    return add


def enqueue_due(now: datetime | None = None) -> int:
    """Write the rows of scheduled jobs that are due; several workers may try, one row comes of it."""
    made = 0
    for schedule in _schedules.values():
        moment = schedule.latest(now or timezone.now())
        key = f"{schedule.kind}@{moment:%Y-%m-%dT%H:%M}"
        if Job.objects.filter(key=key).exists():
            continue
        try:
            with transaction.atomic():
                title, words = str(schedule.title), {"title": in_every_language(schedule.title)}
                Job.objects.create(kind=schedule.kind, title=title, words=words, key=key, batch=secrets.token_hex(8))
            made += 1
        except IntegrityError:
            continue
    return made


# Doing it


class Running:
    """What the function of a kind has in hand.

    viewer        the person who asked, with the rights of today; NOBODY for a scheduled job
    checkpoint    what the last finished step left behind
    """

    def __init__(self, job: Job, worker: str, ending: threading.Event | None = None):
        self.job, self.worker, self._ending = job, worker, ending
        self.parameters: dict[str, Any] = job.parameters
        self.checkpoint: dict[str, Any] = dict(job.checkpoint)
        self._told = time.monotonic()
        self.viewer = _viewer_of(job)

    @property
    def folder(self) -> Path:
        """For its files; made when first asked for."""
        self.job.folder.mkdir(parents=True, exist_ok=True)
        return self.job.folder

    def stop_asked(self) -> bool:
        return Job.objects.filter(pk=self.job.pk, stop_asked=True).exists()

    @contextmanager
    def step(self, done: int | None = None, total: int | None = None, **checkpoint: Any) -> Iterator[dict[str, Any]]:
        """One transaction: what is written inside and the checkpoint are kept together or not at all.

        Yields the checkpoint, to which more may be added inside. Raises Stopped or Released instead of beginning,
        Superseded instead of keeping.
        """
        self._may_go_on()
        mark = {**self.checkpoint, **checkpoint}
        with transaction.atomic():
            yield mark
            self._keep(checkpoint=mark, **_counts(done, total))
        self.checkpoint = mark
        self._remember(done, total)

    def progress(self, done: int, total: int | None = None, least: float = 0.5) -> None:
        """Tell how far it is, at most every `least` seconds; outside of a step. Raises Stopped or Released."""
        self._remember(done, total)
        if time.monotonic() - self._told < least:
            return
        self._told = time.monotonic()
        self._may_go_on()
        self._keep(**_counts(done, total))

    def add_file(self, name: str) -> None:
        """A file of `folder` that the asker may fetch."""
        if name not in self.job.files:
            self.job.files.append(name)
            self._keep(files=self.job.files)

    def _may_go_on(self) -> None:
        if self._ending is not None and self._ending.is_set():
            raise Released
        if self.stop_asked():
            raise Stopped

    def _keep(self, **values: Any) -> None:
        mine = Job.objects.filter(pk=self.job.pk, worker=self.worker, state=Job.State.RUNNING)
        if not mine.update(heartbeat_at=timezone.now(), **values):
            raise Superseded

    def _remember(self, done: int | None, total: int | None) -> None:
        self.job.done = self.job.done if done is None else done
        self.job.total = self.job.total if total is None else total


def _counts(done: int | None, total: int | None) -> dict[str, int]:
    return {name: value for name, value in (("done", done), ("total", total)) if value is not None}


def _viewer_of(job: Job) -> Viewer:
    if job.account_id is None:
        return NOBODY
    account = get_user_model().objects.filter(pk=job.account_id, is_active=True).first()
    return viewer_of(SimpleNamespace(user=account)) if account else NOBODY


def claim(worker: str) -> Job | None:
    """Take the next job: one that waits, or one whose worker is gone. None when there is nothing to do."""
    if not _waiting(worker).exists():  # a plain look needs no lock
        return None
    with transaction.atomic():
        rows = _waiting(worker)
        if connection.vendor == "postgresql":
            rows = rows.select_for_update(skip_locked=True)
        job = rows.first()
        if job is None:
            return None
        now = timezone.now()
        job.state, job.worker, job.heartbeat_at = Job.State.RUNNING, worker, now
        job.started_at = job.started_at or now
        job.attempts += 1
        job.save(update_fields=["state", "worker", "heartbeat_at", "started_at", "attempts"])
    return job


def _waiting(worker: str) -> QuerySet[Job]:
    now = timezone.now()
    abandoned = Q(heartbeat_at__lt=now - LOST) | Q(worker__in=_dead_neighbours(worker))
    fits = Q(state=Job.State.QUEUED, due_at__lte=now) | Q(state=Job.State.RUNNING) & abandoned
    return Job.objects.filter(fits).order_by("due_at", "id")


def _dead_neighbours(worker: str) -> list[str]:
    """Workers of this machine that hold a job and are gone: their jobs need not wait until they count as lost."""
    host = worker.split(":")[0]
    names = Job.objects.filter(state=Job.State.RUNNING, worker__startswith=f"{host}:").exclude(worker=worker)
    return [name for name in names.values_list("worker", flat=True) if not _alive(int(name.split(":")[1]))]


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return False  # this number belonged to another process before
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def worker_name() -> str:
    return f"{socket.gethostname()[:60].replace(':', '-')}:{os.getpid()}:{secrets.token_hex(4)}"


def carry_out(job: Job, ending: threading.Event | None = None) -> None:
    """Do a claimed job and keep how it ended. Never raises."""
    running = Running(job, job.worker, ending)
    end = _Ending(running)
    locale = job.language or running.viewer.locale or settings.LANGUAGE_CODE
    try:
        with translation.override(locale), acting(job.person_id, "job", batch=job.batch):
            if job.attempts > ATTEMPTS:
                raise JobError(_("It was begun %(n)d times and never came to an end.") % {"n": ATTEMPTS})
            if job.account_id is not None and running.viewer is NOBODY:
                raise JobError(_("The account that asked for it is locked."))
            end.done(_kinds[job.kind](running) or {})
    except Superseded:
        log.warning("job %s was taken over by another worker", job.pk)
    except Released:
        end.back(attempts=F("attempts") - 1)
    except Stopped:
        end.over(Job.State.CANCELLED)
    except JobError as error:
        end.over(Job.State.FAILED, error=str(error))
    except OperationalError as error:
        log.warning("job %s: the database did not answer: %s", job.pk, error)
        end.back(due_at=timezone.now() + timedelta(seconds=2**job.attempts))
    except Exception:
        log.exception("job %s (%s) failed", job.pk, job.kind)
        with translation.override(locale):
            words = _("Something went wrong inside; the server's log tells what, at job %(id)d.") % {"id": job.pk}
        end.over(Job.State.FAILED, error=words)


class _Ending:
    """How a job ends; only as long as the worker still holds it."""

    def __init__(self, running: Running):
        self.running = running

    def done(self, result: dict[str, Any]) -> None:
        """A summary that is a function is kept in every language."""
        job, words = self.running.job, {}
        if callable(summary := result.get("summary")):
            words = {"words": {**job.words, "summary": in_every_language(summary)}}
            result = {**result, "summary": summary()}
        self._keep(state=Job.State.DONE, result=result, finished_at=timezone.now(), total=job.total, **words)

    def over(self, state: str, error: str = "") -> None:
        self._keep(state=state, error=error, finished_at=timezone.now())

    def back(self, **values: Any) -> None:
        self._keep(state=Job.State.QUEUED, worker="", **values)

    def _keep(self, **values: Any) -> None:
        job = self.running.job
        mine = Job.objects.filter(pk=job.pk, worker=self.running.worker, state=Job.State.RUNNING)
        with transaction.atomic():
            if mine.update(**values) and values["state"] in _heard:
                _tell(job.pk)


_heard = {Job.State.DONE, Job.State.FAILED}
_listeners: list[Callable[[Job], None]] = []


def on_end(listener: Callable[[Job], None]) -> Callable[[Job], None]:
    """Decorator: called with every job that is done or failed, in the transaction that keeps this."""
    _listeners.append(listener)
    return listener


def _tell(pk: int) -> None:
    job = Job.objects.get(pk=pk)
    for listener in _listeners:
        listener(job)


# The worker


class Worker:
    """Does jobs until it is told to end. `poll` is the seconds between two looks at an empty queue."""

    def __init__(self, poll: float = 0.5, goes_on: Callable[[], bool] = lambda: True):
        self.name, self.poll, self.goes_on = worker_name(), poll, goes_on
        self.ending = threading.Event()
        self._scheduled = 0.0

    def stop(self, *_signal: Any) -> None:
        self.ending.set()

    def run(self) -> None:
        beat = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        beat.start()
        while not self.ending.is_set() and self.goes_on():
            try:
                self._schedule()
                busy = self.once()
            except OperationalError as error:
                log.warning("the database did not answer: %s", error)
                busy = self.ending.wait(PAUSE)
            if not busy:
                close_old_connections()
                self.ending.wait(self.poll)
        self.ending.set()
        beat.join(BEAT)

    def once(self) -> bool:
        """One job, if there is one."""
        job = claim(self.name)
        if job is None:
            return False
        carry_out(job, self.ending)
        return True

    def _schedule(self) -> None:
        if time.monotonic() - self._scheduled >= SCHEDULE or not self._scheduled:
            self._scheduled = time.monotonic()
            enqueue_due()

    def _beat(self) -> None:
        """From a thread of its own, so that a long computation is not taken for a dead worker."""
        while not self.ending.wait(BEAT):
            try:
                Job.objects.filter(worker=self.name, state=Job.State.RUNNING).update(heartbeat_at=timezone.now())
            except OperationalError:
                continue
        connection.close()


def drain(limit: int = 1_000) -> int:
    """Do everything that waits, in this process; how many jobs that were. For tests and `xiaoguan work --once`."""
    worker, done = Worker(), 0
    while done < limit and worker.once():
        done += 1
    return done


@every("day", at="03:10", title=gettext_lazy("Clear out old jobs and their files"))
def clear_jobs(running: Running) -> dict[str, Any]:
    """Jobs that ended a month ago go with their files; scheduled ones after two days."""
    now = timezone.now()
    old = Job.objects.exclude(state__in=Job.OPEN).filter(
        Q(finished_at__lt=now - KEPT) | Q(key__isnull=False, finished_at__lt=now - timedelta(days=2))
    )
    ids = list(old.values_list("pk", flat=True))
    for job in old:
        shutil.rmtree(job.folder, ignore_errors=True)
    Job.objects.filter(pk__in=ids).delete()
    return {"summary": lambda: _("%(n)d old jobs cleared out.") % {"n": len(ids)}}

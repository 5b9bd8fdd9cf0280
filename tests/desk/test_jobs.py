"""Jobs: queued with their transaction, done once, taken up where they ended, stopped, seen by whom they concern."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xiaoguan.customers.models import Customer
from xiaoguan.desk import jobs
from xiaoguan.desk.jobs import Job, JobError, Running, Schedule, Superseded, Worker, carry_out, claim, drain, start
from xiaoguan.desk.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def kinds(monkeypatch):
    """Kinds of the test alone."""
    monkeypatch.setattr(jobs, "_kinds", dict(jobs._kinds))
    monkeypatch.setattr(jobs, "_schedules", {})
    return jobs.job_kind


def make_customers(running: Running, crash_at: int | None = None):
    """Five customers, one a step."""
    for at in range(running.checkpoint.get("at", 0), 5):
        with running.step(done=at + 1, total=5, at=at + 1):
            Customer(name=f"客户{at}", owner_id=running.viewer.person_id).save()
            if crash_at == at:
                raise OperationalError("the plug was pulled")
    return {"summary": "five"}


def test_a_job_runs_as_its_asker_in_one_batch(cast, kinds):
    kinds("make")(make_customers)
    start("make", cast.viewer("linjing"), "Make customers")
    assert drain() == 1
    job = Job.objects.get()
    assert (job.state, job.done, job.total, job.result) == ("done", 5, 5, {"summary": "five"})
    made = Event.objects.filter(entity="customer", via="job")
    assert {(e.actor_id, e.batch) for e in made} == {(cast.linjing.pk, job.batch)} and made.count() == 5


def test_a_job_speaks_the_language_it_was_asked_in_and_is_read_in_the_reader_s(cast, kinds):
    def count(running: Running):
        running.add_file(_("rows"))
        return {"summary": lambda: _("%(n)d mails sent.") % {"n": 3}}

    def fail(running: Running):
        raise JobError(_("This cannot be taken back."))

    kinds("count")(count), kinds("fail")(fail)
    with translation.override("en"):  # the browser's; the account never chose one
        done = start("count", cast.viewer("linjing"), lambda: _("Mails"), unit=gettext_lazy("rows"))
        failed = start("fail", cast.viewer("linjing"), lambda: _("Mails"))
    with translation.override("zh-hans"):  # the worker's
        drain()
    done.refresh_from_db(), failed.refresh_from_db()
    assert (done.files, failed.error) == (["rows"], "This cannot be taken back.")
    assert done.result["summary"] == "3 mails sent."
    for language, said in (("en", ["rows", "3 mails sent."]), ("zh-hans", ["行", "已发送 3 封邮件。"])):
        with translation.override(language):
            assert [done.said(name) for name in ("unit", "summary")] == said


def test_what_is_asked_for_in_a_transaction_that_fails_is_never_done(cast, kinds):
    kinds("make")(make_customers)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        start("make", cast.viewer("linjing"), "Make customers")
        _ = 1 / 0
    assert drain() == 0 and not Job.objects.exists()


def test_a_job_that_broke_off_goes_on_behind_its_last_step(cast, kinds):
    crashes = [3, None]
    kinds("make")(lambda running: make_customers(running, crashes.pop(0)))
    job = start("make", cast.viewer("linjing"), "Make customers")
    drain()
    job.refresh_from_db()
    assert (job.state, job.checkpoint, Customer.objects.count()) == ("queued", {"at": 3}, 3)
    assert job.due_at > timezone.now()  # it waits before it tries again
    Job.objects.update(due_at=timezone.now())
    drain()
    assert sorted(Customer.objects.values_list("name", flat=True)) == [f"客户{i}" for i in range(5)]


def test_a_worker_that_lost_its_job_cannot_write(cast, kinds):
    kinds("make")(make_customers)
    start("make", cast.viewer("linjing"), "Make customers")
    first = Running(claim("here:1:a"), "here:1:a")
    Job.objects.update(heartbeat_at=timezone.now() - jobs.LOST * 2)
    assert claim("there:2:b").attempts == 2
    with pytest.raises(Superseded):
        make_customers(first)
    assert not Customer.objects.exists()


def test_a_job_of_a_dead_process_is_taken_up_at_once(cast, kinds):
    kinds("make")(make_customers)
    start("make", cast.viewer("linjing"), "Make customers")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = jobs.worker_name().split(":")[0]
    claim(f"{host}:{gone.pid}:a")
    assert claim(f"{host}:{os.getppid()}:b") is not None
    assert claim(f"{host}:1:c") is None  # that one is alive, and held it a moment ago


def test_a_job_is_stopped_before_it_begins_and_behind_a_step(cast, kinds):
    def stopped_half_way(running: Running):
        for at in range(5):
            with running.step(at=at):
                Customer(name=f"客户{at}").save()
            if at == 2:
                jobs.cancel(running.job)

    kinds("make")(stopped_half_way)
    waiting = start("make", cast.viewer("linjing"), "Make customers")
    jobs.cancel(waiting)
    assert waiting.state == "cancelled" and drain() == 0
    job = start("make", cast.viewer("linjing"), "Make customers")
    drain()
    job.refresh_from_db()
    assert job.state == "cancelled" and Customer.objects.count() == 3


def test_a_worker_that_is_to_end_gives_its_job_back(cast, kinds):
    worker = Worker()

    def told_half_way(running: Running):
        for at in range(running.checkpoint.get("at", 0), 4):
            with running.step(at=at + 1):
                Customer(name=f"客户{at}").save()
            if at == 1:
                worker.stop()

    kinds("make")(told_half_way)
    job = start("make", cast.viewer("linjing"), "Make customers")
    worker.once()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.worker, Customer.objects.count()) == ("queued", 0, "", 2)
    drain()
    assert Customer.objects.count() == 4


def test_an_error_is_told_in_words_and_a_locked_account_does_nothing(cast, kinds):
    kinds("broken")(lambda running: {}["nothing"])
    kinds("make")(make_customers)
    broken = start("broken", cast.viewer("linjing"), "Break")
    locked = start("make", cast.viewer("zhouhang"), "Make customers")
    cast.zhouhang.account.is_active = False
    cast.zhouhang.account.save()
    drain()
    broken.refresh_from_db()
    locked.refresh_from_db()
    assert broken.state == locked.state == "failed"
    assert str(broken.pk) in broken.error and "nothing" not in broken.error
    assert locked.error and not Customer.objects.exists()


def test_a_job_that_kills_every_worker_is_given_up(cast, kinds):
    kinds("make")(make_customers)
    job = start("make", cast.viewer("linjing"), "Make customers")
    Job.objects.update(attempts=jobs.ATTEMPTS)
    drain()
    job.refresh_from_db()
    assert job.state == "failed" and not Customer.objects.exists()


def test_only_the_asker_and_administrators_see_a_job(cast, kinds):
    kinds("make")(make_customers)
    start("make", cast.viewer("linjing"), "Make customers")
    seen = [name for name in ("linjing", "chenmin", "sunzong", "gaoxiang") if jobs.visible(cast.viewer(name)).exists()]
    assert seen == ["linjing", "gaoxiang"]


@pytest.mark.parametrize(
    "schedule, now, latest",
    [
        (Schedule("daily", "", 1440, 390), (2026, 3, 2, 6, 29), (2026, 3, 1, 6, 30)),
        (Schedule("daily", "", 1440, 390), (2026, 3, 2, 6, 30), (2026, 3, 2, 6, 30)),
        (Schedule("often", "", 15, 0), (2026, 3, 2, 14, 44), (2026, 3, 2, 14, 30)),
        (Schedule("hourly", "", 60, 20), (2026, 3, 2, 0, 10), (2026, 3, 1, 23, 20)),
    ],
)
def test_a_schedule_knows_its_last_moment_in_the_company_s_time(schedule, now, latest):
    zone = timezone.get_default_timezone()
    assert schedule.latest(datetime(*now, tzinfo=zone).astimezone(UTC)) == datetime(*latest, tzinfo=zone)


def test_a_scheduled_job_comes_once_however_many_workers_look(db, kinds):
    came = []
    jobs.every("day", at="06:30", title="Daily")(lambda running: came.append(running.viewer.person_id))
    at = timezone.now()
    for moment in (at, at, at + timedelta(days=3)):
        jobs.enqueue_due(moment)
        drain()
    assert came == [None, None]  # today's, and after a standstill only the latest


def test_carry_out_never_raises(cast, kinds):
    def superseded(running: Running):
        raise Superseded

    kinds("lost")(superseded)
    start("lost", cast.viewer("linjing"), "Lose")
    carry_out(claim("x:1:a"))
    assert Job.objects.get().state == "running"  # it belongs to another worker now

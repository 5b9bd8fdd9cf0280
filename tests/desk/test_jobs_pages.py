"""Jobs in the page and over the API: the tray, the drawer, stopping, files, and who may see what."""

from __future__ import annotations

import pytest
from django.utils import timezone

from xiaoguan.customers.models import Customer
from xiaoguan.desk import jobs
from xiaoguan.desk.jobs import Job, Running, drain, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(cast, monkeypatch):
    """A job of 林静 that makes a customer and a file."""
    monkeypatch.setattr(jobs, "_kinds", dict(jobs._kinds))

    @jobs.job_kind("make")
    def make(running: Running):
        with running.step(done=1, total=1):
            Customer(name="华夏科技", owner_id=running.viewer.person_id).save()
        (running.folder / "list.csv").write_text("name\n华夏科技\n")
        running.add_file("list.csv")
        return {"summary": "One customer made.", "revertible": True}

    return start("make", cast.viewer("linjing"), "Make a customer", unit="customers")


def test_the_tray_counts_and_answers_304_while_nothing_changes(job, client_of):
    browser = client_of("linjing")
    first = browser.get("/tray")
    assert b'hx-trigger="every 5s' in first.content and first.content.count(b"tally-busy") == 1
    assert browser.get("/tray", headers={"If-None-Match": first["ETag"]}).status_code == 304
    drain()
    later = browser.get("/tray", headers={"If-None-Match": first["ETag"]})
    assert later.status_code == 200 and b"tally-busy" not in later.content and b'"every 60s' in later.content


def test_the_drawer_asks_again_only_while_something_runs(job, client_of):
    browser = client_of("linjing")
    assert b'hx-trigger="every 2s"' in browser.get("/jobs/drawer").content
    drain()
    ended = browser.get("/jobs/drawer").content
    assert b"every" not in ended and "One customer made." in ended.decode() and b"list.csv" in ended


def test_a_job_and_its_file_belong_to_the_asker_and_administrators(job, client_of):
    drain()
    for name, status in (("linjing", 200), ("gaoxiang", 200), ("chenmin", 404), ("sunzong", 404)):
        browser = client_of(name)
        pages = f"/jobs/{job.pk}", f"/jobs/{job.pk}/files/list.csv", f"/api/jobs/{job.pk}"
        answers = [browser.get(page) for page in pages]
        assert {answer.status_code for answer in answers} == {status}, name
        for answer in answers:
            for close in answer._resource_closers:  # closing the answer itself would end the test's connection
                close()
        assert browser.post(f"/jobs/{job.pk}/cancel").status_code in ((200, 302) if status == 200 else (404,))
    answer = client_of("linjing").get(f"/jobs/{job.pk}/files/list.csv")
    assert answer["Content-Disposition"].startswith("attachment")
    assert b"".join(answer.streaming_content).decode() == "name\n华夏科技\n"
    for close in answer._resource_closers:
        close()
    for name in ("other.csv", "..", "../../secret_key"):
        assert client_of("linjing").get(f"/jobs/{job.pk}/files/{name}").status_code == 404


def test_a_job_is_stopped_and_taken_up_over_the_api(job, client_of):
    browser = client_of("linjing")
    assert browser.get("/api/jobs?state=queued").json()["items"][0]["id"] == job.pk
    assert browser.post(f"/api/jobs/{job.pk}/cancel").json()["state"] == "cancelled"
    assert drain() == 0
    assert browser.post(f"/api/jobs/{job.pk}/again").json()["state"] == "queued"
    drain()
    body = browser.get(f"/api/jobs/{job.pk}").json()
    assert (body["state"], body["done"], body["files"]) == ("done", 1, [f"/jobs/{job.pk}/files/list.csv"])


def test_what_a_job_did_is_taken_back_once(job, client_of):
    drain()
    browser = client_of("linjing")
    assert browser.post(f"/jobs/{job.pk}/revert").status_code == 302
    assert browser.post(f"/jobs/{job.pk}/revert").status_code == 403
    drain()
    undone = Job.objects.get(kind="revert")
    assert undone.state == "done", undone.error
    assert not Customer.objects.exists()


def test_the_list_of_all_jobs_is_for_administrators(job, client_of):
    for name, state in (("mails", "done"), ("backup", "failed")):
        Job.objects.create(kind=name, title=name, key=name, state=state, batch="b", finished_at=timezone.now())
    page, clock = (client_of("gaoxiang").get(f"/jobs/?of={of}").content for of in ("all", "clock"))
    assert b"Make a customer" in page and b"backup" in page and b">mails<" not in page
    assert b"Make a customer" not in clock and b"backup" in clock and b">mails<" in clock
    assert b"Make a customer" not in client_of("gaoxiang").get("/jobs/").content
    assert b"Make a customer" not in client_of("sunzong").get("/jobs/?of=all").content

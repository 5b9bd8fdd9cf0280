"""Whoever leaves with data is written down, and what takes long is made by a job with the rights of the person."""

from __future__ import annotations

import pytest

from xiaoguan.customers.models import Customer
from xiaoguan.desk import exporting
from xiaoguan.desk.jobs import Job, drain
from xiaoguan.desk.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def customers(cast):
    for name, owner in (("甲", cast.linjing), ("乙", cast.linjing), ("丙", cast.wanglei)):
        Customer(name=name, owner=owner, grade="A").save()


def test_an_export_is_written_down_with_its_filter_and_rows(cast, customers, client_of):
    body = b"".join(client_of("linjing").get("/customers/export.csv?grade=A").streaming_content).decode()
    assert body.count("\n") == 3 and "丙" not in body
    event = Event.objects.get(deed="exported")
    assert event.actor_id == cast.linjing.pk and event.changes == {"kind": "csv", "query": "grade=A", "rows": 2}
    assert "grade=A" in client_of("gaoxiang").get("/exports/").content.decode()
    assert client_of("gaoxiang").get("/api/exports").json()["items"][0]["rows"] == 2
    assert client_of("gaoxiang").post("/api/exports")["Allow"] == "GET"
    for name in ("linjing", "sunzong"):
        assert client_of(name).get("/exports/").status_code == client_of(name).get("/api/exports").status_code == 403


def test_a_large_export_is_a_job_that_sees_what_its_asker_sees(cast, customers, client_of, monkeypatch):
    monkeypatch.setattr(exporting, "AT_ONCE", 1)
    browser = client_of("linjing")
    answer = browser.get("/customers/export.csv?grade=A")
    assert answer.status_code == 302 and not Event.objects.filter(deed="exported").exists()
    drain()
    job = Job.objects.get(kind="export")
    assert answer["Location"] == f"/jobs/{job.pk}" and (job.state, job.done) == ("done", 2), job.error
    text = (job.folder / job.files[0]).read_text(encoding="utf-8-sig")
    assert "甲" in text and "丙" not in text
    assert Event.objects.get(deed="exported").changes["rows"] == 2


def test_whoever_loses_the_right_meanwhile_gets_nothing(cast, customers, client_of, monkeypatch):
    monkeypatch.setattr(exporting, "AT_ONCE", 1)
    client_of("linjing").get("/customers/export.csv")
    monkeypatch.setattr("xiaoguan.desk.desk.Desk.may_export", lambda self, viewer: False)
    drain()
    job = Job.objects.get(kind="export")
    assert job.state == "failed" and job.error and not job.files

"""Notifications: who is told of what, how often, by which way, and what is never shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core import mail
from django.utils import timezone, translation

from xiaoguan.customers.models import Customer, Lead
from xiaoguan.desk import conformance, jobs, notify
from xiaoguan.desk.bulk import Target
from xiaoguan.desk.events import acting
from xiaoguan.desk.jobs import Job, drain, start
from xiaoguan.desk.notify import DUE, MENTION, Notification, NotificationSettings, Way, mentions_in
from xiaoguan.sales.models import Activity, Opportunity

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(cast):
    found = Customer(name="华夏科技", owner=cast.linjing)
    found.save()
    return found


def told(name: str, cast) -> list[str]:
    with translation.override("en"):
        return [n.sentence for n in notify.of(cast.viewer(name))]


def test_only_those_who_may_read_the_record_are_told_and_not_the_actor(cast, customer):
    people = [cast.linjing.pk, cast.chenmin.pk, cast.wanglei.pk, None]
    with acting(cast.linjing.pk, "page"):
        assert notify.notify(people, MENTION, "%(actor)s mentioned you at %(title)s.", record=customer) == 1
    assert told("chenmin", cast) == ["林静 mentioned you at 华夏科技."]
    assert told("linjing", cast) == told("wanglei", cast) == []


def test_what_may_not_be_read_any_more_is_not_shown_and_not_counted(cast, customer, client_of):
    notify.notify([cast.zhouhang.pk], MENTION, "Look at %(title)s.", record=customer)
    assert "华夏科技" in client_of("zhouhang").get("/inbox/").content.decode()
    Notification.objects.update(read_at=None)
    customer.owner = cast.wanglei
    customer.save()
    assert "华夏科技" not in client_of("zhouhang").get("/inbox/").content.decode()
    assert client_of("zhouhang").get("/api/notifications").json()["items"] == []
    assert notify.unread(cast.viewer("zhouhang")) == 0


def test_once_means_not_again_before_it_was_read(cast, customer):
    for expected in (1, 0):
        assert notify.notify([cast.linjing.pk], DUE, "%(title)s", record=customer, once=True) == expected
    notify.mark_read(cast.viewer("linjing"))
    assert notify.notify([cast.linjing.pk], DUE, "%(title)s", record=customer, once=True) == 1


def test_nobody_is_told_of_what_they_chose_not_to_be(cast, customer):
    NotificationSettings.objects.create(person_id=cast.linjing.pk, ways={"due": Way.NEVER})
    assert notify.notify([cast.linjing.pk], DUE, "%(title)s", record=customer) == 0
    assert notify.notify([cast.linjing.pk], MENTION, "%(title)s", record=customer) == 1


def test_mentions_find_the_longest_name_of_those_who_may_read(cast, customer):
    text = "@林静请看,@王磊 没有权限;abc@陈敏, @nobody @"
    assert mentions_in(text) == [cast.linjing.pk, cast.wanglei.pk, cast.chenmin.pk]
    assert mentions_in(text, customer) == [cast.linjing.pk, cast.chenmin.pk]
    assert mentions_in("no sign at all") == mentions_in("@") == []


def test_an_activity_reminds_its_owner_once_on_its_day_at_the_chosen_time(cast, customer, monkeypatch):
    Activity(subject="打电话", customer=customer, owner=cast.linjing, due_on=date(2026, 3, 2)).save()
    Activity(subject="已完成", owner=cast.linjing, due_on=date(2026, 3, 2), done_on=date(2026, 3, 1)).save()
    Activity(subject="明天", owner=cast.linjing, due_on=date(2026, 3, 3)).save()
    NotificationSettings.objects.create(person_id=cast.linjing.pk, remind_at=time(9, 0), zone="Europe/Berlin")

    def at(hour: int, minute: int) -> int:
        monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 3, 2, hour, minute, tzinfo=UTC))
        Job.objects.all().delete()
        jobs._kinds["remind"](jobs.Running(*_claimed()))
        return Notification.objects.count()

    assert at(7, 59) == 0  # 8:59 in Berlin
    assert at(8, 1) == 1
    notify.mark_read(cast.viewer("linjing"))
    assert at(8, 16) == 1
    with translation.override("zh-hans"):
        assert "打电话" in Notification.objects.get().sentence and "Due" not in Notification.objects.get().sentence


def _claimed():
    job = Job.objects.create(kind="remind", title="x", batch="b", state="running", worker="w")
    return job, "w"


def test_mails_go_out_once_in_the_reader_s_language_and_not_in_quiet_hours(cast, customer, monkeypatch):
    cast.linjing.account.language = "zh-hans"
    cast.linjing.account.save()
    chosen = NotificationSettings.objects.create(
        person_id=cast.linjing.pk, ways={"due": "mail"}, quiet_from=time(21), quiet_to=time(7)
    )
    notify.notify([cast.linjing.pk], DUE, "Due today: %(title)s", record=customer)
    run = jobs._kinds["send_mails"]
    monkeypatch.setattr(NotificationSettings, "local", lambda self, now: datetime(2026, 3, 2, 6, 59, tzinfo=UTC))
    assert chosen.quiet(timezone.now())
    run(jobs.Running(*_claimed()))
    assert mail.outbox == []
    monkeypatch.setattr(NotificationSettings, "local", lambda self, now: datetime(2026, 3, 2, 7, 0, tzinfo=UTC))
    for _again in range(2):
        run(jobs.Running(*_claimed()))
    (sent,) = mail.outbox
    assert sent.to == ["linjing@example.com"] and "华夏科技" in sent.subject and "Due" not in sent.subject
    assert f"/customers/{customer.pk}" in sent.body


def test_the_digest_comes_once_a_day_with_what_is_unread(cast, customer):
    NotificationSettings.objects.create(person_id=cast.linjing.pk, digest=True, remind_at=time(0, 0))
    NotificationSettings.objects.create(person_id=cast.chenmin.pk, digest=True, remind_at=time(0, 0))
    for title in ("a", "b"):
        notify.notify([cast.linjing.pk], DUE, "%(title)s", record=customer, values={"title": title})
    for _again in range(2):
        jobs._kinds["send_digests"](jobs.Running(*_claimed()))
    (sent,) = mail.outbox
    assert "· a" in sent.body and "· b" in sent.body


def test_a_job_that_failed_is_told_to_its_asker(cast, monkeypatch):
    monkeypatch.setitem(jobs._kinds, "broken", lambda running: 1 / 0)
    monkeypatch.setitem(jobs._kinds, "quick", lambda running: {})
    start("broken", cast.viewer("linjing"), "Import of customers")
    start("quick", cast.viewer("linjing"), "Small thing")
    drain()
    assert told("linjing", cast) == ["Failed: Import of customers"]


def test_reading_is_one_s_own_affair(cast, customer, client_of):
    notify.notify([cast.linjing.pk, cast.chenmin.pk], MENTION, "Look at %(title)s.", record=customer)
    mine = notify.of(cast.viewer("linjing")).get()
    assert client_of("chenmin").get(f"/inbox/{mine.pk}").status_code == 404
    client_of("chenmin").post("/inbox/mark", {"id": mine.pk})
    assert notify.unread(cast.viewer("linjing")) == 1
    answer = client_of("linjing").get(f"/inbox/{mine.pk}")
    assert answer.status_code == 302 and answer["Location"] == f"/customers/{customer.pk}"
    assert notify.unread(cast.viewer("linjing")) == 0 and notify.unread(cast.viewer("chenmin")) == 1
    body = client_of("linjing").post("/api/notifications", {"read": False}, content_type="application/json").json()
    assert body == {"changed": 1, "unread": 1}
    for wrong in ({"ids": [False]}, {"read": 1}, {"ids": [2**64]}):
        refused = client_of("linjing").post("/api/notifications", wrong, content_type="application/json")
        assert refused.status_code == 400, wrong


def test_preferences_are_kept_and_half_a_quiet_night_is_refused(cast, client_of):
    browser = client_of("linjing")
    ways = {f"way_{key}": "never" for key in notify.notices}
    answer = browser.post("/inbox/settings", {**ways, "remind_at": "07:45", "quiet_from": "22:00"})
    assert answer.status_code == 422
    answer = browser.post("/inbox/settings", {**ways, "remind_at": "07:45", "quiet_from": "22:00", "quiet_to": "07:00"})
    assert answer.status_code == 302
    kept = NotificationSettings.objects.get(person_id=cast.linjing.pk)
    assert kept.remind_at == time(7, 45) and set(kept.ways.values()) == {"never"}


def test_old_notifications_are_cleared_out(cast, customer):
    notify.notify([cast.linjing.pk], DUE, "%(title)s", record=customer)
    Notification.objects.update(created_at=timezone.now() - timedelta(days=91))
    jobs._kinds["clear_notifications"](jobs.Running(*_claimed()))
    assert not Notification.objects.exists()


# What somebody is given


def handed(who) -> list[str]:
    return [item.sentence for item in notify.Notification.objects.filter(person_id=who.pk, kind="given").order_by("pk")]


def test_whoever_is_given_a_record_is_told_whatever_way_it_came(cast, client_of):
    sale = conformance.sample(Opportunity, cast.linjing)
    leads = [conformance.sample(Lead, cast.linjing) for _n in range(3)]
    assert not handed(cast.zhouhang)
    manager = client_of("chenmin")
    with translation.override("en"):
        where = f"/api/opportunities/{sale.pk}"
        assert manager.patch(where, {"owner": cast.zhouhang.pk}, content_type="application/json").status_code == 200
        assert handed(cast.zhouhang) == [f"陈敏 gave you {sale.title}"]
        ids = ",".join(str(lead.pk) for lead in leads)
        answer = manager.post("/leads/bulk/do", {"ids": ids, "deed": "edit:owner", "owner": cast.zhouhang.pk})
        assert answer.status_code == 200, answer.content
        assert handed(cast.zhouhang)[1:] == ["陈敏 gave you 3 leads"]
        back = client_of("zhouhang").post(f"/opportunities/{sale.pk}/hand_over", {"to": cast.linjing.pk})
        assert back.status_code == 302 and handed(cast.linjing) == [f"周航 gave you {sale.title}"]
        assert len(handed(cast.zhouhang)) == 2  # one's own deed is no news


def test_many_that_come_at_once_are_one_notice(cast):
    sales = [conformance.sample(Opportunity, cast.linjing) for _n in range(4)]
    target = Target(Opportunity, ["owner"], via="job")
    rows = [(s.pk, s.version, {0: (cast.linjing.pk, cast.zhouhang.pk)}, None, "") for s in sales]
    with translation.override("en"):
        for via, expected in (("undo", []), ("job", ["陈敏 gave you 4 opportunities"])):
            with acting(cast.chenmin.pk, via):
                for some in (rows[:3], rows[3:]):
                    target.update(some)
            assert handed(cast.zhouhang) == expected
            rows = [(pk, version + 1, changes, None, "") for pk, version, changes, _k, _n in rows]


def test_many_of_a_day_are_one_line_and_a_call_says_with_whom(cast, customer, client_of):
    for n in range(4):
        Activity(subject=f"电话{n}", owner=cast.linjing, customer=customer, due_on=timezone.localdate()).save()
    NotificationSettings(person_id=cast.linjing.pk, remind_at=time(0, 0)).save()
    jobs._kinds["remind"](jobs.Running(*_claimed()))
    page = client_of("linjing").get("/inbox/").content.decode()
    assert "电话0 · 华夏科技" in page and page.count('class="inbox-many') == 1

"""Notifications (通知): what somebody should know, in the page and by mail.

`notify` writes rows in the caller's transaction, so there is a notification exactly if there is what it tells of.
Nobody is told of a record that they may not read: this is asked when the row is written and again when it is shown.

    DUE = notice("due", _("Due activities"))
    notify([owner_id], DUE, gettext_noop("%(title)s is due today."), record=activity, once=True)

The text is kept as the English sentence and its values, and translated for whoever reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import get_language, gettext_lazy, gettext_noop, ngettext
from django.utils.translation import gettext as _

from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.attached import attaches
from xiaoguan.desk.cells import day_text
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.events import current_actor
from xiaoguan.desk.jobs import Job, Running, every, in_every_language, on_end

KEPT = timedelta(days=90)
LATE = timedelta(days=3)
"""A mail that could not go out for so long is not sent any more; the page still has the notification."""
LONG_JOB = timedelta(seconds=10)


class Way(models.TextChoices):
    """How somebody wants to be told of one kind of thing."""

    PAGE = "page", gettext_lazy("in the page")
    MAIL = "mail", gettext_lazy("in the page and by mail")
    NEVER = "never", gettext_lazy("not at all")


@dataclass(frozen=True)
class Notice:
    """A kind of notification, as the preferences list it."""

    key: str
    label: Any
    icon: str = "bell"
    way: str = Way.PAGE


notices: dict[str, Notice] = {}


def notice(key: str, label: Any, icon: str = "bell", way: str = Way.PAGE) -> Notice:
    """Register a kind; `way` is what holds until somebody chooses."""
    notices[key] = Notice(key, label, icon, way)
    return notices[key]


JOB = notice("job", gettext_lazy("Jobs that ended"), "progress-check")
MENTION = notice("mention", gettext_lazy("Mentions of me"), "at")
DUE = notice("due", gettext_lazy("What is due today"), "calendar-due")
GIVEN = notice("given", gettext_lazy("What somebody gave me"), "switch-horizontal")


@attaches
class Notification(models.Model):
    """通知: one thing that one person should know.

    text is an English sentence, `values` what stands in it; a value that is said in words is kept in every language,
    a day as 2026-12-15.
    """

    person_id = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    text = models.CharField(max_length=200)
    values = models.JSONField(default=dict)
    url = models.CharField(max_length=200, blank=True)
    entity = models.CharField(max_length=40, blank=True)
    record_id = models.BigIntegerField(null=True)
    actor_id = models.BigIntegerField(null=True)
    by_mail = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = gettext_lazy("notification"), gettext_lazy("notifications")
        indexes = [
            models.Index(fields=["person_id", "-id"], name="notification_of_person"),
            models.Index(fields=["person_id"], name="notification_unread", condition=Q(read_at__isnull=True)),
            models.Index(fields=["id"], name="notification_to_mail", condition=Q(by_mail=True, mailed_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """The text in the language of the moment."""
        desk = desk_of(self.entity) if self.entity else None
        said = {name: _in_words(value) for name, value in self.values.items()}
        return _(self.text) % {"things": desk.label_plural if desk else "", **said}


def _in_words(value: Any) -> Any:
    """A value in the language of the moment."""
    if isinstance(value, dict):
        return value.get(get_language(), "")
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        with suppress(ValueError):  # somebody's title
            return day_text(date.fromisoformat(value))
    return value


class NotificationSettings(models.Model):
    """How one person wants to be told: {kind: Way}, the hours of quiet, the time of day of reminders and the digest."""

    person_id = models.BigIntegerField(unique=True)
    ways = models.JSONField(default=dict)
    quiet_from = models.TimeField(gettext_lazy("quiet from"), null=True, blank=True)
    quiet_to = models.TimeField(gettext_lazy("quiet until"), null=True, blank=True)
    remind_at = models.TimeField(gettext_lazy("reminders at"), default=time(8, 30))
    digest = models.BooleanField(gettext_lazy("a mail every morning with what I have not read"), default=False)
    digested_on = models.DateField(null=True, editable=False)
    zone = models.CharField(gettext_lazy("time zone"), max_length=40, blank=True)

    def way(self, kind: str) -> str:
        return self.ways.get(kind) or notices[kind].way

    def local(self, now: datetime) -> datetime:
        zone = ZoneInfo(self.zone) if self.zone in available_timezones() else timezone.get_default_timezone()
        return now.astimezone(zone)

    def its_time(self, now: datetime) -> bool:
        """Whether the time of day for reminders has come on the person's own day."""
        return self.local(now).time() >= self.remind_at

    def quiet(self, now: datetime) -> bool:
        """Whether this moment lies in the hours of quiet, which may go over midnight."""
        if self.quiet_from is None or self.quiet_to is None:
            return False
        at = self.local(now).time()
        if self.quiet_from <= self.quiet_to:
            return self.quiet_from <= at < self.quiet_to
        return at >= self.quiet_from or at < self.quiet_to


def settings_of(people: Iterable[int]) -> dict[int, NotificationSettings]:
    """{person id: settings}, the usual ones for those who never chose."""
    wanted = set(people)
    found = {s.person_id: s for s in NotificationSettings.objects.filter(person_id__in=wanted)}
    return {pk: found.get(pk) or NotificationSettings(person_id=pk) for pk in wanted}


# Telling


def notify(
    people: Iterable[int | None],
    kind: Notice,
    text: str,
    *,
    record: Any = None,
    values: Mapping[str, Any] | None = None,
    url: str = "",
    once: bool = False,
    myself: bool = False,
) -> int:
    """Tell these people, in the caller's transaction. Returns how many were told.

    text      an English sentence marked by gettext_noop; `title` of the record and `actor` stand in `values` by
              themselves.
    record    what it is about; whoever may not read it is not told.
    once      not again while the person has not read the last one of this kind about this record.
    myself    tell also the one whose deed it is.
    """
    actor = current_actor().person_id
    wanted = {pk for pk in people if pk is not None and (myself or pk != actor)}
    ways = {pk: s.way(kind.key) for pk, s in settings_of(wanted).items()}
    viewers = viewers_of([pk for pk in wanted if ways[pk] != Way.NEVER])
    desk = desk_of(type(record)) if record is not None else None
    if desk is not None:
        viewers = {pk: viewer for pk, viewer in viewers.items() if desk.may_read(viewer, record)}
    about = {"entity": desk.key, "record_id": record.pk} if desk else {"entity": "", "record_id": None}
    told = set(viewers) - (_told(kind, viewers, about) if once and desk else set())
    said = {"title": desk.title(record)} if desk else {}
    said |= {"actor": _name_of(actor)} if "%(actor)" in text else {}
    Notification.objects.bulk_create(
        Notification(
            person_id=pk,
            kind=kind.key,
            text=text,
            values={**said, **(values or {})},
            url=url or (desk.url("detail", pk=record.pk) if desk else ""),
            actor_id=actor,
            by_mail=ways[pk] == Way.MAIL,
            **about,
        )
        for pk in sorted(told)
    )
    return len(told)


ONE_GIVEN = gettext_noop("%(actor)s gave you %(title)s")
MANY_GIVEN = gettext_noop("%(actor)s gave you %(n)d %(things)s")


def given(desk: Desk, owner_id: int | None, ids: Sequence[int]) -> None:
    """Tell somebody that records which are in hand are theirs now, unless it was their own deed or is taken back.

    Whatever way they came, what one deed gives is one notice: the second record of a batch joins the first.
    """
    actor = current_actor()
    if desk.open is None or not ids or owner_id in (None, actor.person_id) or actor.via == "undo" or not actor.batch:
        return
    if actor.person_id is None:  # nobody's deed: a clean-up, the demo company
        return
    last = Notification.objects.filter(person_id=owner_id, kind=GIVEN.key, entity=desk.key).order_by("-pk").first()
    joins = last is not None and last.read_at is None and last.values.get("batch") == actor.batch
    number = len(ids) + (last.values["n"] if joins else 0)
    text = ONE_GIVEN if number == 1 else MANY_GIVEN
    url = "" if number == 1 else f"{desk.url()}?owner=me&sort=-updated_at"
    values = {"n": number, "batch": actor.batch}
    if joins:
        Notification.objects.filter(pk=last.pk).update(text=text, url=url, values={**last.values, **values})
    elif record := desk.model._default_manager.filter(pk=ids[0]).first():
        notify([owner_id], GIVEN, text, record=record, values=values, url=url)


def viewers_of(people: Sequence[int]) -> dict[int, Viewer]:
    """{person id: Viewer} of those with an account that is open."""
    accounts = get_user_model().objects.filter(person_id__in=list(people), is_active=True).select_related("person")
    return {account.person_id: viewer_of(SimpleNamespace(user=account)) for account in accounts}


def _told(kind: Notice, people: Iterable[int], about: dict[str, Any]) -> set[int]:
    unread = Notification.objects.filter(kind=kind.key, person_id__in=list(people), read_at__isnull=True, **about)
    return set(unread.values_list("person_id", flat=True))


def _name_of(person_id: int | None) -> str | dict[str, str]:
    people = desk_of("person")
    person = people.model._default_manager.filter(pk=person_id).first() if people and person_id else None
    return str(person) if person else in_every_language(gettext_lazy("the system"))


def named_in(text: str) -> dict[int, str]:
    """{person id: name} of the people whom `text` names as @name, in the order of the text.

    A name ends where the longest known one does, so 林静 is found in "@林静请看" and Ann Lee before Ann.
    """
    if "@" not in text and "\uff20" not in text:
        return {}
    people = desk_of("person")
    assert people is not None
    after = [text[hit.end() :] for hit in re.finditer("[@\uff20]", text)]
    starts = Q(pk__in=())
    for words in after:
        if words[:1].strip():
            starts |= Q(name__istartswith=words[0])
    names = sorted(people.model._default_manager.filter(starts).values_list("name", "pk"), key=lambda n: -len(n[0]))
    found: dict[int, str] = {}
    for words in after:
        hit = next(((pk, name) for name, pk in names if words.casefold().startswith(name.casefold())), None)
        if hit is not None:
            found[hit[0]] = hit[1]
    return found


def mentions_in(text: str, record: Any = None) -> list[int]:
    """The people whom `text` names as @name, in the order of the text; with a `record`, those who may read it."""
    found = named_in(text)
    viewers = viewers_of(list(found))
    desk = desk_of(type(record)) if record is not None else None
    return [pk for pk in found if pk in viewers and (desk is None or desk.may_read(viewers[pk], record))]


# Reading


def unread(viewer: Viewer) -> int:
    """How many notifications wait: one count of a partial index."""
    return Notification.objects.filter(person_id=viewer.person_id, read_at__isnull=True).count()


def of(viewer: Viewer) -> QuerySet[Notification]:
    return Notification.objects.filter(person_id=viewer.person_id).order_by("-id")


def readable(found: Sequence[Notification], viewer: Viewer) -> list[Notification]:
    """Those whose record the viewer may still read. The others are marked as read, so that the count is right."""
    by_entity: dict[str, set[int]] = {}
    for item in found:
        if item.entity:
            by_entity.setdefault(item.entity, set()).add(item.record_id or 0)
    seen = {(entity, pk) for entity, ids in by_entity.items() for pk in _visible_ids(desk_of(entity), viewer, ids)}
    kept = [item for item in found if not item.entity or (item.entity, item.record_id) in seen]
    gone = [item.pk for item in found if item not in kept and item.read_at is None]
    if gone:
        Notification.objects.filter(pk__in=gone).update(read_at=timezone.now())
    return kept


def _visible_ids(desk: Desk | None, viewer: Viewer, ids: set[int]) -> Iterable[int]:
    return desk.visible(viewer).filter(pk__in=ids).values_list("pk", flat=True) if desk else ()


def mark_read(viewer: Viewer, ids: Iterable[int] | None = None, read: bool = True) -> int:
    """Mark these, or all, as read or as unread; how many changed."""
    rows = of(viewer).filter(read_at__isnull=read)
    rows = rows if ids is None else rows.filter(pk__in=list(ids))
    return rows.update(read_at=timezone.now() if read else None)


# By the clock


@dataclass(frozen=True)
class Reminder:
    """Records of an entity whose `date` has come remind the person at `who`, as long as `open` holds.

    about    a relation whose name stands beside the title: with whom the call is.
    ahead    so many days before.
    """

    entity: str
    date: str
    who: str
    open: Q
    text: str
    about: str = ""
    ahead: int = 0

    def title(self, record: Any) -> dict[str, str]:
        """The title with what it is about, where there is something."""
        other = getattr(record, self.about) if self.about else None
        return {} if other is None else {"title": f"{record} · {other}"}


_reminders: list[Reminder] = []


def remind_of(
    entity: str, date: str, who: str, text: str, open: Q | None = None, about: str = "", ahead: int = 0
) -> None:
    """Declare a reminder; see Reminder. `text` is marked by gettext_noop."""
    _reminders.append(Reminder(entity, date, who, open or Q(), text, about, ahead))


@every("15 minutes", title=gettext_lazy("Remind people of what is due"))
def remind(running: Running) -> dict[str, Any]:
    """Whose time of day for reminders came in the last quarter of an hour is told of what is due on their day."""
    now, told = timezone.now(), 0
    chosen = {s.person_id: s for s in NotificationSettings.objects.all()}
    usual = NotificationSettings()
    for reminder in _reminders:
        for record in _due(reminder):
            mine = chosen.get(getattr(record, f"{reminder.who}_id"), usual)
            day = mine.local(now).date() + timedelta(days=reminder.ahead)
            if getattr(record, reminder.date) == day and mine.its_time(now):
                with running.step():
                    who, said = getattr(record, f"{reminder.who}_id"), reminder.title(record)
                    told += notify([who], DUE, reminder.text, record=record, values=said)
    return {"summary": lambda: _("%(n)d reminders written.") % {"n": told}}


def _due(reminder: Reminder) -> list[Any]:
    """Records that are due today somewhere in the world and have reminded nobody in the last day."""
    desk = desk_of(reminder.entity)
    assert desk is not None
    today, since = timezone.localdate(), timezone.now() - timedelta(hours=24)
    days = [today + timedelta(days=reminder.ahead + step) for step in (-1, 0, 1)]
    due = desk.model._default_manager.filter(reminder.open, **{f"{reminder.date}__in": days})
    due = due.select_related(reminder.about) if reminder.about else due
    done = Notification.objects.filter(kind=DUE.key, entity=desk.key, created_at__gte=since)
    return list(due.exclude(**{reminder.who: None}).exclude(pk__in=done.values("record_id")))


@every("5 minutes", title=gettext_lazy("Send notifications by mail"))
def send_mails(running: Running) -> dict[str, Any]:
    """What is to go by mail and waits, one mail a person; nobody gets one in their hours of quiet."""
    now = timezone.now()
    waiting = Notification.objects.filter(by_mail=True, mailed_at__isnull=True)
    waiting.filter(Q(read_at__isnull=False) | Q(created_at__lt=now - LATE)).update(by_mail=False)
    people = list(waiting.values_list("person_id", flat=True).distinct())
    sent = 0
    for person_id, chosen in settings_of(people).items():
        if not chosen.quiet(now):
            with running.step():
                sent += _mail(person_id, waiting, plain_subject)
    return {"summary": lambda: _("%(n)d mails sent.") % {"n": sent}}


@every("15 minutes", title=gettext_lazy("Send the morning's mails"))
def send_digests(running: Running) -> dict[str, Any]:
    """Who wants a digest gets what they have not read, once a day at the time of their reminders."""
    now, sent = timezone.now(), 0
    for chosen in NotificationSettings.objects.filter(digest=True):
        today = chosen.local(now).date()
        if chosen.its_time(now) and chosen.digested_on != today:
            fresh = Notification.objects.filter(read_at__isnull=True, mailed_at__isnull=True)
            with running.step():
                sent += _mail(chosen.person_id, fresh, digest_subject)
                NotificationSettings.objects.filter(pk=chosen.pk).update(digested_on=today)
    return {"summary": lambda: _("%(n)d mails sent.") % {"n": sent}}


def plain_subject(items: Sequence[Notification]) -> str:
    if len(items) == 1:
        return items[0].sentence
    return ngettext("%(n)d notification", "%(n)d notifications", len(items)) % {"n": len(items)}


def digest_subject(items: Sequence[Notification]) -> str:
    return ngettext("%(n)d thing you have not read", "%(n)d things you have not read", len(items)) % {"n": len(items)}


def _mail(person_id: int, rows: QuerySet[Notification], subject: Callable[[list[Notification]], str]) -> int:
    """One mail with these rows of one person. It is sent last, so that a failure leaves them unsent."""
    viewer = viewers_of([person_id]).get(person_id)
    found = list(rows.filter(person_id=person_id).order_by("id")[:100])
    items = readable(found, viewer) if viewer else []
    address = get_user_model().objects.filter(person_id=person_id).values_list("person__email", flat=True).first()
    Notification.objects.filter(pk__in=[n.pk for n in found]).update(mailed_at=timezone.now())
    if viewer is None or not items or not address:
        return 0
    with translation.override(viewer.locale or settings.LANGUAGE_CODE):
        EmailMessage(subject(items)[:150], _letter(items), to=[address]).send()
    return 1


def _letter(items: Sequence[Notification]) -> str:
    base = settings.BASE_URL.rstrip("/")
    lines = [f"· {n.sentence}\n  {base}{n.url}" if n.url else f"· {n.sentence}" for n in items]
    foot = _("Choose what you are told of: %(url)s") % {"url": f"{base}/inbox/settings"}
    return "\n".join([*lines, "", foot, ""])


@every("day", at="03:20", title=gettext_lazy("Clear out old notifications"))
def clear_notifications(running: Running) -> dict[str, Any]:
    gone, _kinds = Notification.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return {"summary": lambda: _("%(n)d old notifications cleared out.") % {"n": gone}}


@on_end
def tell_of_job(job: Job) -> None:
    """Whoever asked for a job that took its time, or failed, is told how it ended."""
    assert job.started_at is not None and job.finished_at is not None
    if job.person_id is None or (job.state == Job.State.DONE and job.finished_at - job.started_at < LONG_JOB):
        return
    text = gettext_noop("Done: %(job)s") if job.state == Job.State.DONE else gettext_noop("Failed: %(job)s")
    notify(
        [job.person_id],
        JOB,
        text,
        values={"job": job.words.get("title") or job.title},
        url=f"/jobs/{job.pk}",
        myself=True,
    )

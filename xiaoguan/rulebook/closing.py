"""结算 closing: a pay period on its way from open to paid, and what is posted in the ledger when it is locked.

    open -> calculated -> reviewed -> approved -> locked -> paid

Back it goes from reviewed and approved, with a reason; after the lock never. A locked period stands: its run and its
entries are not changed, and what changes about it later is a line in the open period. What the engine finds itself it
sets against the ledger; what people decided, such as an accepted dispute, is `decided` and left alone by it.
Source: spec/domain.md 5.6 and 5.7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from xiaoguan.base.ledger import Entry
from xiaoguan.base.periods import Period
from xiaoguan.desk import events, jobs
from xiaoguan.desk.access import NOBODY, Viewer
from xiaoguan.desk.approvals import guards, requests
from xiaoguan.desk.approvals.flows import chart, flow_of, signers_of
from xiaoguan.desk.approvals.models import ApprovalRequest
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.jobs import JobError, Running, every, job_kind
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import notice, notify
from xiaoguan.people.models import Person
from xiaoguan.policy import Policy
from xiaoguan.policy.settle import PAID
from xiaoguan.rulebook import snapshot
from xiaoguan.rulebook.models import LedgerEntry, PayrollPeriod, PayStatement, PolicyVersion, Result, Run
from xiaoguan.rulebook.reckoning import (
    VERSION,
    CannotReckon,
    Outcome,
    Progress,
    issues_of,
    quiet,
    reckon_one,
    version_for,
)
from xiaoguan.rulebook.versions import document_of, in_force

State = PayrollPeriod.State
PAY = notice("pay", gettext_lazy("My statements"), "report-money")
DECIDED, HANDED_OUT = 1_000_000_000, 2_000_000_000
"""Numbers of entries within a period: those of the run from 1, what people decided and its payouts from here."""


class CannotClose(ValidationError):
    """The step is not possible; says why and what to do."""

    def __str__(self) -> str:
        return " ".join(self.messages)


# Which period


def paying(text: str, policy_key: str = "") -> tuple[PolicyVersion, Policy, Period]:
    """The one policy that pays in the period named in words. Raises CannotClose."""
    try:
        found = [one for one in version_for(text, policy_key or None) if one[1].incentive]
    except CannotReckon as error:
        raise CannotClose(_("No policy in force knows the period “%(period)s”.") % {"period": text}) from error
    if not found:
        raise CannotClose(_("No policy in force in %(period)s pays anything.") % {"period": text})
    if len(found) > 1:
        known = ", ".join(version.policy_id for version, *_rest in found)
        raise CannotClose(
            _("Several policies pay in %(period)s: %(known)s. Name one.") % {"period": text, "known": known}
        )
    return found[0]


def place(period: PayrollPeriod) -> None:
    """Give a new period the policy and the days that its label names. Raises CannotClose, also for an overlap."""
    version, _policy, found = paying(period.label, period.policy_key)
    period.policy_key, period.label, period.kind = version.policy_id, found.label, found.kind
    period.starts_on, period.ends_on = found.start, found.end
    others = PayrollPeriod.objects.filter(
        policy_key=version.policy_id, starts_on__lt=found.end, ends_on__gt=found.start
    )
    other = others.exclude(pk=period.pk).first()
    if other is not None:
        told = {"period": found.label, "other": other.label}
        raise CannotClose(_("%(period)s shares days with %(other)s, which is there already.") % told)


def known_period(text: str, policy_key: str = "") -> PayrollPeriod:
    """The pay period named in words. Raises CannotClose where there is none."""
    version, _policy, found = paying(text, policy_key)
    same = PayrollPeriod.objects.filter(policy_key=version.policy_id, starts_on=found.start, ends_on=found.end).first()
    if same is None:
        raise CannotClose(_("There is no pay period %(period)s yet.") % {"period": found.label})
    return same


def pay_period(text: str, policy_key: str = "") -> PayrollPeriod:
    """The same, opened where it was not there yet."""
    version, _policy, found = paying(text, policy_key)
    same = PayrollPeriod.objects.filter(policy_key=version.policy_id, starts_on=found.start, ends_on=found.end).first()
    return same or opened(version.policy_id, found.label)


def opened(policy_key: str, label: str) -> PayrollPeriod:
    period = PayrollPeriod(label=label, policy_key=policy_key)
    place(period)
    period.save()
    return period


def pay_kind(policy: Policy) -> str:
    """How often the policy pays at the most: the kind of its pay periods."""
    order = ("month", "quarter", "half_year", "year")
    kinds = [PAID[plan.pay.paid] if plan.pay else "month" for plan in policy.incentive]
    return min(kinds, key=order.index, default="month")


def open_now(today: date) -> list[PayrollPeriod]:
    """Open the period that holds this day for every policy in force that pays, where nothing covers the day yet."""
    made = []
    for version in in_force(today):
        policy = document_of(version)
        there = PayrollPeriod.objects.filter(policy_key=version.policy_id, starts_on__lte=today, ends_on__gt=today)
        if policy.incentive and not there.exists():
            try:
                made.append(opened(version.policy_id, policy.calendar.period(pay_kind(policy), today).label))
            except (ValueError, CannotClose):  # the calendar does not know the day, or another version rules it
                continue
    return made


@every("day", at="00:10", title=gettext_lazy("Open pay periods"))
def open_pay_periods(running: Running) -> dict[str, Any]:
    """The period of today, for every policy that pays."""
    made = open_now(timezone.localdate())
    return {"summary": lambda: _("%(n)d pay periods opened.") % {"n": len(made)}}


def standing(period: PayrollPeriod, *states: str) -> PayrollPeriod:
    """The period as it is stored, held until the transaction ends. Raises CannotClose unless it is in one of these."""
    rows = PayrollPeriod.objects.filter(pk=period.pk)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update(of=("self",))
    found = rows.get()
    if found.state not in states:
        told = {"period": found.label, "state": found.get_state_display()}
        raise CannotClose(_("%(period)s is %(state)s: this step is not possible now.") % told)
    return found


def _hand_over(period: PayrollPeriod, fresh: PayrollPeriod) -> None:
    """The record in the caller's hand becomes what was stored."""
    period.__dict__.update({k: v for k, v in fresh.__dict__.items() if k != "_state"})


# Calculate


def calculate(period: PayrollPeriod, by: Viewer = NOBODY, progress: Progress = quiet) -> Outcome:
    """Reckon the period and set up everybody's statement; may be repeated until it is reviewed. Raises CannotClose."""
    if period.state not in (State.OPEN, State.CALCULATED):
        standing(period, State.OPEN, State.CALCULATED)
    version, policy, found = paying(period.label, period.policy_key)
    try:
        outcome = reckon_one(version, policy, found, progress)
        file, digest = snapshot.keep(outcome.run)
    except CannotReckon as error:
        raise CannotClose(str(error)) from error
    except snapshot.Stale as error:
        raise CannotClose(_("Records changed while it was calculated: calculate again.")) from error
    with transaction.atomic():
        fresh = standing(period, State.OPEN, State.CALCULATED)
        _set_up(fresh, outcome.run)
        fresh.step(
            state=State.CALCULATED,
            run_id=outcome.run.pk,
            calculated_at=timezone.now(),
            calculated_by_id=by.person_id,
            snapshot=str(file.relative_to(settings.HOME)),
            snapshot_digest=digest,
        )
        totalled(fresh)
        events.write(fresh, "calculated", {"run": [None, outcome.run.pk]})
    _hand_over(period, fresh)
    return outcome


def _set_up(period: PayrollPeriod, run: Run) -> None:
    """Everybody's statement of this run; one whose amount changed must be confirmed anew."""
    totals = {r.person_id: r for r in Result.objects.filter(run=run, kind=Result.Kind.TOTAL, person__isnull=False)}
    there = {one.person_id: one for one in period.statements.all()}
    names = dict(Person.objects.filter(pk__in=totals).values_list("pk", "name"))
    wrong = {pk: len(issues_of(run, pk)) for pk in totals}
    new = [
        PayStatement(
            label=f"{period.label} {names[pk]}",
            period=period,
            person_id=pk,
            run=run,
            total=total.value or 0,
            payable=total.value or 0,
            currency=total.unit.removeprefix("money:"),
            exceptions=wrong[pk],
        )
        for pk, total in totals.items()
        if pk not in there
    ]
    PayStatement.objects.bulk_create(new, batch_size=500)
    _tell_created(new)
    for pk, one in there.items():
        units = totals[pk].value or 0 if pk in totals else 0
        _renew(one, run, units, wrong.get(pk, 0))


def _renew(one: PayStatement, run: Run, units: int, exceptions: int) -> None:
    values: dict[str, Any] = {"run_id": run.pk, "total_units": units, "exceptions": exceptions}
    values["payable_units"] = units + one.corrections_units
    if units != one.total_units and one.state == PayStatement.State.CONFIRMED:
        values |= {"state": PayStatement.State.OPEN, "confirmed_at": None}
    if any(getattr(one, name) != value for name, value in values.items()):
        one.step(**values)


def _tell_created(rows: Iterable[PayStatement]) -> None:
    actor = events.current_actor()
    told = {"deed": "created", "actor_id": actor.person_id, "via": actor.via, "note": actor.note, "batch": actor.batch}
    Event.objects.bulk_create(
        (Event(entity="paystatement", record_id=row.pk, changes={}, **told) for row in rows), batch_size=500
    )


def totalled(period: PayrollPeriod) -> None:
    """Bring the sums of a period up to its statements."""
    rows = period.statements.all()
    sums = rows.aggregate(Sum("payable"), Sum("exceptions"))
    currency = rows.values_list("currency", flat=True).first() or period.currency
    period.step(
        total_units=sums["payable__sum"] or 0,
        exceptions=sums["exceptions__sum"] or 0,
        people=rows.count(),
        currency=currency,
    )


@job_kind("calculate_pay")
def calculate_pay(running: Running) -> dict[str, Any]:
    """The same as a job: what a kill interrupts is begun anew, and nothing of it is left."""
    period = PayrollPeriod.objects.get(pk=running.parameters["period"])
    try:
        calculate(period, running.viewer, lambda done, total: running.progress(done, total))
    except CannotClose as error:
        raise JobError(str(error)) from error
    desk = desk_of(PayrollPeriod)
    told = {"period": period.label, "n": period.people or 0}
    url = desk.url("detail", pk=period.pk) if desk else ""
    return {"summary": lambda: _("%(period)s is calculated: %(n)d statements.") % told, "url": url}


# Review and approve


def review(period: PayrollPeriod, by: Viewer = NOBODY) -> None:
    """The figures were looked through; those who are paid can check them, and the approval is asked for."""
    with transaction.atomic():
        fresh = standing(period, State.CALCULATED)
        fresh.step(state=State.REVIEWED, reviewed_at=timezone.now(), reviewed_by_id=by.person_id, reason="")
        if by.person_id is not None and _can_be_signed(by.person_id):
            requests.request_approval("payout", fresh, by)
        _tell(fresh, by, gettext_noop("Please check your statement of %(title)s"))
    _hand_over(period, fresh)


TOLD_AT_ONCE = 100


def _tell(period: PayrollPeriod, by: Viewer, text: str) -> None:
    """Everybody who has a statement in the period, as a job: what each may read is worked out one by one."""
    jobs.start(
        "tell_statements",
        by,
        lambda: _("Notifications about %(period)s") % {"period": period.label},
        unit=lambda: _("people"),
        period=period.pk,
        text=text,
    )


@job_kind("tell_statements")
def tell_statements(running: Running) -> dict[str, Any]:
    """Behind a kill it goes on with those who were not told yet."""
    period, text = PayrollPeriod.objects.get(pk=running.parameters["period"]), running.parameters["text"]
    people = list(period.statements.order_by("person_id").values_list("person_id", flat=True))
    for at in range(running.checkpoint.get("at", 0), len(people), TOLD_AT_ONCE):
        some = people[at : at + TOLD_AT_ONCE]
        with running.step(done=at + len(some), total=len(people), at=at + len(some)):
            notify(some, PAY, text, values={"title": period.label}, url=reverse("statement"))
    return {"summary": lambda: _("%(n)d people told.") % {"n": len(people)}}


def _can_be_signed(asker: int) -> bool:
    """Whether the approval is wanted, and somebody else is there to give it."""
    desk = desk_of(PayrollPeriod)
    assert desk is not None
    flow = flow_of(desk.key, guards.approval_of(desk, "payout"))
    return flow.active and all(signers_of(step, asker) for step in flow.steps)


def request_of(period: PayrollPeriod) -> ApprovalRequest | None:
    """The approval that is waited for, if one is."""
    rows = ApprovalRequest.objects.filter(entity="payrollperiod", record_id=period.pk)
    return rows.filter(state=ApprovalRequest.State.OPEN).first()


def approve(period: PayrollPeriod, by: Viewer = NOBODY) -> None:
    """Sign the approval that waits, or approve where nobody else is there to sign."""
    with transaction.atomic():
        fresh = standing(period, State.REVIEWED)
        waiting = request_of(fresh) if by.person_id is not None else None
        if waiting is not None:
            requests.sign(waiting.pk, by, "approve")
            fresh.refresh_from_db()
        else:
            requests.forget(fresh)
            approved(standing(period, State.REVIEWED, State.CALCULATED), by.person_id)
            fresh = standing(period, State.APPROVED)
    _hand_over(period, fresh)


def approved(period: PayrollPeriod, person: int | None) -> None:
    """The last signature is given. Raises PermissionDenied for who calculated it, where somebody else could sign."""
    others = chart().here(set(chart().holders("finance")) - {person})
    if person is not None and period.calculated_by_id == person and others:
        raise PermissionDenied(_("You calculated it yourself: let somebody else approve it."))
    period.step(state=State.APPROVED, approved_at=timezone.now(), approved_by_id=person)


def signed(period: PayrollPeriod, request: ApprovalRequest) -> None:
    """The approval was given: by who signed last."""
    last = request.lines.filter(signed_by__isnull=False).order_by("-signed_at", "-pk").first()
    approved(period, last.signed_by if last else None)


def ended(period: PayrollPeriod, request: ApprovalRequest) -> None:
    """The approval was refused, sent back or withdrawn: the figures are to be mended and looked through again."""
    if period.state == State.REVIEWED:
        last = request.lines.exclude(note="").order_by("-signed_at").first()
        _back(period, last.note if last else "")


def _back(period: PayrollPeriod, reason: str) -> None:
    nobody = dict.fromkeys(("reviewed_at", "reviewed_by_id", "approved_at", "approved_by_id"))
    period.step(state=State.CALCULATED, reason=reason[:400], **nobody)


def send_back(period: PayrollPeriod, reason: str, by: Viewer = NOBODY) -> None:
    """Back to calculated, with a reason. Raises CannotClose after the lock."""
    with transaction.atomic():
        fresh = standing(period, State.REVIEWED, State.APPROVED)
        waiting = request_of(fresh)
        if waiting is not None and requests.open_lines(waiting, by):
            requests.sign(waiting.pk, by, "return", reason)
        else:
            requests.forget(fresh)
        fresh.refresh_from_db()
        _back(fresh, reason)
    _hand_over(period, fresh)


# Lock and pay


def lock(period: PayrollPeriod, by: Viewer = NOBODY, at: datetime | None = None) -> None:
    """Post the entries once and let the run stand. Raises CannotClose while an earlier period is not locked."""
    with transaction.atomic():
        fresh = standing(period, State.APPROVED)
        earlier = PayrollPeriod.objects.filter(policy_key=fresh.policy_key, starts_on__lt=fresh.starts_on)
        before = earlier.exclude(state__in=(State.LOCKED, State.PAID)).exclude(state=State.OPEN).first()
        if before is not None:
            raise CannotClose(_("Lock %(period)s first: it comes before this one.") % {"period": before.label})
        _unchanged(fresh)
        assert fresh.run_id is not None
        Run.objects.filter(pk=fresh.run_id).update(locked=True)
        at = at or timezone.now()
        _post(fresh, at)
        fresh.step(state=State.LOCKED, locked_at=at, locked_by_id=by.person_id)
        _tell(fresh, by, gettext_noop("Your statement of %(title)s is final"))
    _hand_over(period, fresh)


def snapshot_of(period: PayrollPeriod) -> Path:
    """The file of everything that the run has read."""
    return Path(settings.HOME) / period.snapshot


def _unchanged(period: PayrollPeriod) -> None:
    """Raises CannotClose unless the snapshot is what was kept when it was calculated."""
    file = snapshot_of(period)
    if not file.is_file() or sha256(file.read_bytes()).hexdigest() != period.snapshot_digest:
        told = {"file": period.snapshot}
        raise CannotClose(_("The snapshot %(file)s is not what was kept: send back and calculate again.") % told)


def _post(period: PayrollPeriod, at: datetime) -> None:
    """The run's entries, numbered as they stand in it, and payouts of what people decided in this period."""
    rows, number = [], 0
    for total in Result.objects.filter(run_id=period.run_id, kind=Result.Kind.TOTAL).order_by("id"):
        for plain in total.entries:
            number += 1
            entry = Entry.from_json(plain)
            rows.append(_row(period, number, total.person_id, entry, total.unit.removeprefix("money:")))
    for index, one in enumerate(period.statements.exclude(corrections=0).order_by("person_id")):
        entry = Entry("payout", "", period.label, period.label, "corrections", -one.corrections_units)
        rows.append(_row(period, HANDED_OUT + index, one.person_id, entry, one.currency, decided=True))
    for row in rows:
        row.at = at
    LedgerEntry.objects.bulk_create(rows, batch_size=500)


def _row(
    period: PayrollPeriod, number: int, person: int | None, entry: Entry, currency: str, decided: bool = False
) -> LedgerEntry:
    return LedgerEntry(
        period=period,
        number=number,
        kind=entry.kind,
        person_id=person,
        about=entry.about,
        posted=period.label,
        name=entry.name[:120],
        amount=entry.amount,
        currency=currency,
        record=entry.record[:120],
        cause=entry.cause,
        decided=decided,
    )


def pay(period: PayrollPeriod, on: date, by: Viewer = NOBODY) -> None:
    """It was handed to payroll on this day."""
    with transaction.atomic():
        fresh = standing(period, State.LOCKED)
        if on < fresh.starts_on:
            raise CannotClose({"paid_on": [_("A period is not paid before it begins.")]})
        fresh.step(state=State.PAID, paid_on=on, paid_by_id=by.person_id)
    _hand_over(period, fresh)


# What people decide


def open_after(about: PayrollPeriod) -> PayrollPeriod:
    """Where a correction of this period goes: itself until it is approved, else the next one that is not."""
    done = (State.APPROVED, State.LOCKED, State.PAID)
    if about.state not in done:
        return about
    later = PayrollPeriod.objects.filter(policy_key=about.policy_key, starts_on__gte=about.ends_on).order_by(
        "starts_on"
    )
    at = about
    for one in later:
        if one.state not in done:
            return one
        at = one
    assert at.run is not None
    try:
        following = document_of(at.run.policy).calendar.period(at.kind, at.ends_on)
        return opened(about.policy_key, following.label)
    except ValueError as error:
        raise CannotClose(_("There is no open period that it could go into.")) from error


def correct(person: Person, about: PayrollPeriod, units: int, currency: str, cause: str, key: int) -> LedgerEntry:
    """Post what people decided about a period for a person: a line of its own in the open period.

    units    added to (or, below zero, taken from) what is paid. key numbers the decision: the same twice is refused.
    A period that was reviewed goes back: what is approved is what was seen.
    """
    with transaction.atomic():
        target = open_after(about)
        if target.state == State.REVIEWED:
            requests.forget(target)
            target = standing(target, State.REVIEWED, State.CALCULATED)
            _back(target, cause)
        else:
            target = standing(target, State.OPEN, State.CALCULATED)
        entry = Entry("adjustment", "", about.label, target.label, "dispute", units, cause=cause)
        row = _row(target, DECIDED + key, person.pk, entry, currency, decided=True)
        row.save()
        statement = target.statements.filter(person=person).first()
        if statement is None:
            statement = _empty(target, person, currency)
        statement.step(
            corrections_units=statement.corrections_units + units, payable_units=statement.payable_units + units
        )
        totalled(target)
    return row


def _empty(period: PayrollPeriod, person: Person, currency: str) -> PayStatement:
    made = PayStatement(
        label=f"{period.label} {person.name}", period=period, person=person, total=0, payable=0, currency=currency
    )
    made.save()
    return made


def corrections_of(statement: PayStatement) -> list[LedgerEntry]:
    """The lines of a statement that people decided."""
    rows = LedgerEntry.objects.filter(period_id=statement.period_id, person_id=statement.person_id, decided=True)
    return list(rows.filter(kind="adjustment").order_by("id"))


# All at once, and again


ORDER = (State.OPEN, State.CALCULATED, State.REVIEWED, State.APPROVED, State.LOCKED, State.PAID)


def bring_to(period: PayrollPeriod, state: str, on: date | None = None) -> None:
    """Take the steps that are left up to this state, as the one who runs the installation. Raises CannotClose."""
    steps: dict[Any, Any] = {
        State.OPEN: lambda: calculate(period),
        State.CALCULATED: lambda: review(period),
        State.REVIEWED: lambda: approve(period),
        State.APPROVED: lambda: lock(period),
        State.LOCKED: lambda: pay(period, on or timezone.localdate()),
    }
    if ORDER.index(period.state) > ORDER.index(state):
        told = {"period": period.label, "state": period.get_state_display()}
        raise CannotClose(_("%(period)s is %(state)s already; the way back is a deed in the page.") % told)
    while period.state != state:
        steps[State(period.state)]()


@dataclass(frozen=True)
class Reproduction:
    """What came of calculating a locked period again from its snapshot alone: how many results, which are not equal,
    and the engine that had calculated it."""

    results: int
    different: tuple[snapshot.Difference, ...]
    engine: str = VERSION

    def __str__(self) -> str:
        if not self.different:
            return f"{self.results} results, all equal"
        other = "" if self.engine == VERSION else f"; calculated by engine {self.engine}, this is {VERSION}"
        return f"{self.results} results, {len(self.different)} different{other}"


def reproduce(period: PayrollPeriod) -> Reproduction:
    """Calculate a locked period again from its policy's text and its snapshot, without looking at the database's facts,
    and compare every line. Raises CannotClose where it is not locked or the snapshot cannot be read."""
    if not period.is_locked or period.run is None:
        raise CannotClose(_("%(period)s is not locked: there is nothing to reproduce.") % {"period": period.label})
    try:
        again, _head = snapshot.reproduce(snapshot_of(period), period.snapshot_digest)
    except snapshot.Unreadable as error:
        raise CannotClose(str(error)) from error
    results, different = snapshot.differences(period.run, again)
    return Reproduction(results, tuple(different), period.run.engine)

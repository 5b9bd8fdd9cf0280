"""From a finished draft to a version in force that everyone concerned has read: submit, approve, publish, sign."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from xiaoguan.base.issues import Issue
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals import guards
from xiaoguan.desk.approvals.flows import flow_of
from xiaoguan.desk.approvals.models import ApprovalRequest
from xiaoguan.desk.approvals.requests import request_approval, withdraw
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.jobs import Running, every
from xiaoguan.desk.notify import notice, notify
from xiaoguan.people.chart import people_with_roles
from xiaoguan.people.models import Person
from xiaoguan.policy import Policy
from xiaoguan.rulebook.lines import spoken
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import Refused, adopt, document_of
from xiaoguan.rulebook.workshop.drafts import findings, run_cases_of
from xiaoguan.rulebook.workshop.models import PolicyDraft, PolicyPublication, PolicySignature

APPROVAL = "version"
READ = notice("policy", gettext_lazy("Policies to read and sign"), "book-2")
PATIENCE = timedelta(days=3)
"""Who has not signed after so long is reminded, and again after as long."""
QUIET = timedelta(minutes=30)
OFFICE = ("operations", "general_manager")
State = PolicyDraft.State


def _desk() -> Desk:
    found = desk_of(PolicyDraft)
    assert found is not None
    return found


# Submitting


def submit(draft: PolicyDraft, viewer: Viewer, note: str = "") -> None:
    """Ask for the approval of the draft as it stands. Raises ValidationError while it has errors."""
    if findings(draft.text).faulty:
        raise ValidationError(_("The document has errors; mend them before you submit it."))
    if not draft.number or draft.effective_from is None:
        raise ValidationError(_("The document needs a version and a first day in force."))
    desk = _desk()
    if flow_of(desk.key, guards.approval_of(desk, APPROVAL)).active:
        request_approval(APPROVAL, draft, viewer, note)
        _to(draft, State.SUBMITTED)
    else:
        _to(draft, State.APPROVED)


def approved(draft: PolicyDraft, request: ApprovalRequest) -> None:
    """The last signature is there."""
    _to(draft, State.APPROVED)


def ended(draft: PolicyDraft, request: ApprovalRequest) -> None:
    """It was sent back, rejected or withdrawn: its author goes on with it."""
    _to(draft, State.DRAFT)


def take_back(draft: PolicyDraft, viewer: Viewer) -> None:
    """A submitted or approved draft is open again; what was signed does not hold any more."""
    waiting = ApprovalRequest.objects.filter(
        entity=_desk().key, record_id=draft.pk, state=ApprovalRequest.State.OPEN
    ).first()
    if waiting is not None:
        withdraw(waiting.pk, viewer)
        draft.refresh_from_db()
    if draft.state != State.DRAFT:
        _to(draft, State.DRAFT)


def give_up(draft: PolicyDraft, viewer: Viewer) -> None:
    """The draft is kept and not gone on with."""
    if draft.state == State.SUBMITTED:
        take_back(draft, viewer)
    _to(draft, State.WITHDRAWN)


def _to(draft: PolicyDraft, state: str, published_as: PolicyVersion | None = None) -> None:
    fresh = PolicyDraft.objects.get(pk=draft.pk)
    fresh.state, fresh.published_as = state, published_as
    fresh.save()
    draft.refresh_from_db()
    draft._loaded = dict(fresh._loaded)


# Publishing


def mark(issue: Issue) -> str:
    """What names a warning for who acknowledges it: the same while its words and its place are."""
    return sha256(f"{issue.path}|{issue.message}".encode()).hexdigest()[:12]


def to_acknowledge(draft: PolicyDraft) -> list[dict[str, Any]]:
    """Everything that whoever publishes must have seen: warnings of the check, failed cases, a day that is past."""
    found = [
        {"id": mark(i), "line": i.line, "path": i.path, "message": spoken(i.message), "hint": spoken(i.hint)}
        for i in findings(draft.text).warnings
    ]
    failed = [case.name for case in run_cases_of(draft) if not case.passed]
    found += [
        {"id": sha256(name.encode()).hexdigest()[:12], "line": 0, "path": "", "hint": "",
         "message": _("This case does not give what it expects: %(name)s") % {"name": name}}
        for name in failed
    ]  # fmt: skip
    if draft.effective_from and draft.effective_from < timezone.localdate():
        told = {"day": draft.effective_from}
        found.append(
            {"id": "past", "line": 0, "path": "policy.effective.from",
             "message": _("It comes into force on %(day)s, which is past.") % told,
             "hint": _("What was reckoned stays as it was; what is reckoned from now on follows the new version.")}
        )  # fmt: skip
    return found


@transaction.atomic
def publish(draft: PolicyDraft, viewer: Viewer, effective_from: date, acknowledged: Collection[str]) -> PolicyVersion:
    """Bring the approved draft into force from the day that it names, and ask everyone concerned to read and sign.

    effective_from   the day as whoever publishes understands it; another one than the document's is refused
    acknowledged     the ids of all that `to_acknowledge` lists
    Raises ValidationError.
    """
    if draft.state != State.APPROVED or guards.standing(draft, APPROVAL) not in ("approved", "free"):
        raise ValidationError(_("It has to be approved as it stands before it is published."))
    if effective_from != draft.effective_from:
        told = {"asked": effective_from, "said": draft.effective_from}
        raise ValidationError(
            {
                "effective_from": [
                    _(
                        "The document itself says %(said)s, not %(asked)s. The day stands in the text and was approved "
                        "with it: take the draft back and change policy.effective.from."
                    )
                    % told
                ]
            }
        )
    seen = to_acknowledge(draft)
    if open_ := [one for one in seen if one["id"] not in acknowledged]:
        raise ValidationError(
            {"acknowledged": [_("Acknowledge this first: %(what)s") % {"what": one["message"]} for one in open_]}
        )
    previous = _previous(draft)
    try:
        version, _issues, _new = adopt(draft.text, by=viewer.person_id)
    except Refused as error:
        raise ValidationError([spoken(f"{i.message}. {i.hint}") for i in error.issues if i.level == "error"]) from error
    stamp = {"by": viewer.name, "at": timezone.now().isoformat()}
    PolicyPublication.objects.update_or_create(
        version=version,
        defaults={
            "previous": previous,
            "by_id": viewer.person_id,
            "approved": _signed(draft),
            "warnings": [{**one, **stamp} for one in seen],
            "cases": draft.cases,
        },
    )
    _to(draft, State.PUBLISHED, version)
    ask_to_read(version)
    return version


def _previous(draft: PolicyDraft) -> PolicyVersion | None:
    """The version that was in force before this one begins."""
    rows = PolicyVersion.objects.filter(policy_id=draft.policy_key, effective_from__lt=draft.effective_from)
    return rows.order_by("-effective_from", "-id").first()


def _signed(draft: PolicyDraft) -> list[dict[str, str]]:
    """Who approved the draft as it stands, and when."""
    request = (
        ApprovalRequest.objects.filter(entity=_desk().key, record_id=draft.pk, state=ApprovalRequest.State.APPROVED)
        .order_by("-pk")
        .first()
    )
    lines = list(request.lines.filter(decision="approve").order_by("signed_at")) if request else []
    names = dict(Person.objects.filter(pk__in=[one.signed_by for one in lines]).values_list("pk", "name"))
    return [{"name": names.get(one.signed_by, ""), "at": one.signed_at.isoformat()} for one in lines]


# Reading and signing


def roles_concerned(policy: Policy) -> set[str]:
    """The roles that a document is about; empty is everybody."""
    if not policy.header.scope.roles:
        return set()
    return set(policy.header.scope.roles) | {role for plan in policy.incentive for role in plan.role}


def concerned(version: PolicyVersion, day: date | None = None) -> set[int]:
    """Who is to read a version: whoever holds one of its roles today, or on its first day if that is to come."""
    day = max(day or timezone.localdate(), version.effective_from)
    roles = roles_concerned(document_of(version))
    if roles:
        return set(people_with_roles(roles, day, day + timedelta(days=1)))
    return set(Person.objects.filter(account__is_active=True).values_list("pk", flat=True))


def ask_to_read(version: PolicyVersion) -> list[int]:
    """A line for everyone concerned who has none yet; they are told. Returns them."""
    known = set(PolicySignature.objects.filter(version=version).values_list("person_id", flat=True))
    fresh = sorted(concerned(version) - known)
    PolicySignature.objects.bulk_create(PolicySignature(version=version, person_id=pk) for pk in fresh)
    _tell(fresh, version, gettext_noop("A policy to read and sign: %(title)s"))
    return fresh


def _tell(people: Iterable[int], version: PolicyVersion, text: str) -> None:
    url = reverse("policy_sign", args=[version.pk])
    notify(people, READ, text, values={"title": str(version)}, url=url, myself=True)


def sign(version: PolicyVersion, viewer: Viewer) -> PolicySignature:
    """The viewer has read the version. Signed once, it stays. Raises PermissionDenied where they are not asked to."""
    row = PolicySignature.objects.filter(version=version, person_id=viewer.person_id).first()
    if row is None:
        raise PermissionDenied(_("You are not asked to sign this."))
    if row.signed_at is None:
        row.signed_at = timezone.now()
        row.save(update_fields=["signed_at"])
    return row


def waiting_for(viewer: Viewer) -> list[PolicySignature]:
    """What the viewer has still to read and sign."""
    if viewer.person_id is None:
        return []
    rows = PolicySignature.objects.filter(person_id=viewer.person_id, signed_at=None)
    return list(rows.select_related("version").order_by("version__effective_from"))


def remind(version: PolicyVersion, viewer: Viewer) -> int:
    """Tell those again who have not signed: all of them for the office, their own reports for a manager.

    Nobody is reminded twice within half an hour. Returns how many were told.
    """
    rows = PolicySignature.objects.filter(version=version, signed_at=None)
    if not viewer.has(*OFFICE):
        rows = rows.filter(person_id__in=viewer.reports)
    due = rows.exclude(reminded_at__gt=timezone.now() - QUIET)
    return _remind(version, list(due.values_list("person_id", flat=True)))


def _remind(version: PolicyVersion, people: list[int]) -> int:
    PolicySignature.objects.filter(version=version, person_id__in=people).update(reminded_at=timezone.now())
    _tell(people, version, gettext_noop("Not signed yet: %(title)s"))
    return len(people)


@every("day", at="08:40", title=gettext_lazy("Remind those who have a policy to read and sign"))
def remind_policy_readers(running: Running) -> dict[str, Any]:
    """New people are asked, and who has not signed for days is reminded."""
    today, told = timezone.localdate(), 0
    published = PolicyVersion.objects.filter(publication__isnull=False).exclude(effective_to__lte=today)
    for version in published:
        told += len(ask_to_read(version))
        long_ago = timezone.now() - PATIENCE
        rows = PolicySignature.objects.filter(version=version, signed_at=None, asked_at__lt=long_ago)
        due = rows.exclude(reminded_at__gt=long_ago).values_list("person_id", flat=True)
        told += _remind(version, list(due))
    return {"summary": lambda: _("%(n)d reminders.") % {"n": told}}

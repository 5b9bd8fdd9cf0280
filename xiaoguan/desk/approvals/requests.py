"""Ask, sign, send back, withdraw: every deed is one transaction with its signature, its event and what it writes.

The same deed again (a double click, a repeated request) does nothing; of two signers at once one is told what the other
decided. Who asks never signs; who stands in for a signer may, and it is written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from xiaoguan.desk import events
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals import guards
from xiaoguan.desk.approvals.flows import ADMINISTRATOR, Approval, Flow, Step, chart, flow_of, kind_of, signers_of
from xiaoguan.desk.approvals.models import ApprovalRequest, Signature
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.events import acting, current_actor
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import notice, notify
from xiaoguan.desk.records import Conflict

State, Decision = ApprovalRequest.State, Signature.Decision
APPROVAL = notice("approval", gettext_lazy("Approvals"), "signature")
ENDS = {"reject": State.REJECTED, "return": State.RETURNED}
DECISIONS = ("approve", "return", "reject")
QUIET_MINUTES = 30
"""A reminder is not repeated sooner."""


class Settled(Conflict):
    """Somebody else decided meanwhile."""

    def __init__(self, message: str):
        Exception.__init__(self, message)


def declared(kind: str) -> tuple[Desk, Approval]:
    """The declaration behind "goaltarget.target". Raises ValidationError."""
    entity, _dot, name = kind.partition(".")
    desk = desk_of(entity)
    if desk is None:
        raise ValidationError(_("There is no approval “%(name)s”.") % {"name": kind})
    return desk, guards.approval_of(desk, name)


# Asking


@transaction.atomic
def request_approval(
    kind: str,
    subject: Any,
    by: Viewer,
    note: str = "",
    changes: Mapping[str, Any] | None = None,
    entitled: bool = False,
) -> ApprovalRequest:
    """Ask for an approval of this record; `kind` is the name that its desk declares.

    changes    {column: new value} that wait for the last signature, for an approval that `waits`
    entitled   the caller has asked whether `by` may, as a verb has that is not for whoever may write the record
    The same request again gives the open one. Raises ValidationError where it is not possible, PermissionDenied where
    `by` may not write the record.
    """
    desk = desk_of(type(subject))
    assert desk is not None, type(subject)
    approval = guards.approval_of(desk, kind.removeprefix(f"{desk.key}."))
    if by.person_id is None or not (entitled or desk.may_write(by, subject)):
        raise PermissionDenied(_("You may not change this: %(who)s may.") % {"who": desk.write.words()})
    record = _locked(desk, subject.pk)
    flow = flow_of(desk.key, approval)
    written, told, steps = _proposed(desk, approval, record, changes or {}, flow)
    request = ApprovalRequest(
        kind=kind_of(desk.key, approval),
        entity=desk.key,
        record_id=record.pk,
        title=_title(desk, record),
        by_id=by.person_id,
        note=note[:400],
        version=record.version,
        snapshot={**guards.present(record, approval), **({guards.TOLD: told} if told else {})},
        changes=written,
        flow=flow.number,
        steps=[step.plain() for step in steps],
    )
    open_one = ApprovalRequest.objects.filter(kind=request.kind, record_id=record.pk, state=State.OPEN).first()
    if open_one is not None:
        return _same(open_one, request)
    if not flow.active:
        raise ValidationError(_("The company asks for no such approval: %(what)s.") % {"what": approval.label})
    try:
        with transaction.atomic():
            request.save()
    except IntegrityError:
        return _same(ApprovalRequest.objects.get(kind=request.kind, record_id=record.pk, state=State.OPEN), request)
    _write(request, "asked", by, note)
    _begin(request, 0)
    return request


def _title(desk: Desk, record: Any) -> str:
    """What the record is called, and whose it is: the first relations of its list."""
    near = [getattr(record, path.text) for path in desk.column_paths if path.relation and not path.hops]
    return " · ".join([str(record), *[str(other) for other in near if other is not None][:2]])[:200]


def _same(there: ApprovalRequest, asked: ApprovalRequest) -> ApprovalRequest:
    if (there.by_id, there.changes, there.snapshot) == (asked.by_id, asked.changes, asked.snapshot):
        return there
    raise Settled(_("An approval of this is under way already; withdraw it first, or wait."))


def _locked(desk: Desk, pk: int) -> Any:
    """The record as it is stored, and nobody writes it until this transaction ends."""
    rows = desk.model._default_manager.filter(pk=pk)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update(of=("self",))
    record = rows.first()
    if record is None:
        raise ValidationError(_("It is gone."))
    return record


def _proposed(
    desk: Desk, approval: Approval, record: Any, changes: Mapping[str, Any], flow: Flow
) -> tuple[dict[str, list[Any]], dict[str, Any], tuple[Step, ...]]:
    """{column: [old, new]} of what is to be written, why it needs an approval, and who signs.

    Raises ValidationError for what the approval does not speak of.
    """
    own = approval.attnames(desk.model)
    if strange := sorted(set(changes) - own):
        raise ValidationError(
            _("“%(field)s” is none of what this approval is about: %(fields)s.")
            % {"field": strange[0], "fields": ", ".join(sorted(own))}
        )
    if not approval.waits:
        if changes:
            raise ValidationError(_("This approval is of the record as it is; change it before you ask."))
        return {}, _why(approval, record), approval.steps_of(record, flow)
    for name, value in changes.items():
        setattr(record, name, value)
    written = {name: pair for name, pair in record.changes().items() if name in own}
    if not written:
        raise ValidationError(_("Nothing would change."))
    if not guards.needs(desk, approval, record, flow):
        raise ValidationError(_("This change needs no approval; write it."))
    told, steps = _why(approval, record), approval.steps_of(record, flow)
    for name in written:
        setattr(record, name, record._loaded[name])
    return written, told, steps


def _why(approval: Approval, record: Any) -> dict[str, Any]:
    return approval.told(record) if approval.told is not None else {}


def ask_for_form(record: Any, approvals: Sequence[Approval], by: Viewer, note: str) -> list[ApprovalRequest]:
    """What a form changed: the watched fields wait for their approvals, the rest is saved."""
    desk = desk_of(type(record))
    assert desk is not None
    wanted: list[tuple[Approval, dict[str, Any]]] = []
    for approval in approvals:
        names = approval.attnames(desk.model) & set(record.changes())
        wanted.append((approval, {name: getattr(record, name) for name in names}))
    for name in {name for _approval, names in wanted for name in names}:
        setattr(record, name, record._loaded[name])
    with transaction.atomic():
        record.save()
        return [request_approval(approval.name, record, by, note, changes) for approval, changes in wanted]


# Steps


def _begin(request: ApprovalRequest, number: int) -> None:
    """Ask the signers of a step; after the last one the request is approved."""
    if number == len(request.steps):
        _end(request, State.APPROVED)
        return
    people = signers_of(Step.of(request.steps[number]), request.by_id)
    if not people:
        raise ValidationError(_("Nobody is there who could approve this. Make somebody an administrator first."))
    request.step = number
    request.save(update_fields=["step"])
    known = set(request.lines.filter(step=number).values_list("person_id", flat=True))
    Signature.objects.bulk_create(
        Signature(request=request, step=number, person_id=pk) for pk in people if pk not in known
    )
    _tell(request, people)


def _tell(request: ApprovalRequest, people: Iterable[int], text: str = "") -> None:
    """Signers and who stands in for them. They need not be able to read the record to sign for it."""
    text = text or gettext_noop("%(actor)s asks for your approval: %(title)s")
    everybody = {*people, *chart().deputies(people)} - {request.by_id}
    notify(everybody, APPROVAL, text, values={"title": request.title}, url=f"/approvals/{request.pk}")


def _end(request: ApprovalRequest, state: str, by: Viewer | None = None, note: str = "") -> None:
    request.state, request.ended_at = state, timezone.now()
    request.save(update_fields=["state", "ended_at"])
    request.lines.filter(decision=Decision.WAITING).update(decision=Decision.SPARED)
    if state == State.APPROVED:
        _apply(request)
    elif (record := request.record()) is not None and (told := declared(request.kind)[1].ended) is not None:
        told(record, request)
    texts = {
        State.APPROVED: gettext_noop("Approved: %(title)s"),
        State.REJECTED: gettext_noop("%(actor)s rejected: %(title)s"),
        State.RETURNED: gettext_noop("%(actor)s sent back for a change: %(title)s"),
    }
    if state in texts:
        title = {"title": request.title}
        notify([request.by_id], APPROVAL, texts[state], values=title, url=f"/approvals/{request.pk}")


def _apply(request: ApprovalRequest) -> None:
    """Write what waited, and do what the declaration wants done."""
    desk, approval = declared(request.kind)
    record, actor = _locked(desk, request.record_id), current_actor()
    if not guards.as_approved(record, approval, request.snapshot):
        raise Settled(_("The record is not as it was when the approval was asked for; send it back."))
    with acting(actor.person_id, guards.VIA, _("approval %(n)d") % {"n": request.pk}, actor.batch):
        for name, (_old, new) in request.changes.items():
            field = next(f for f in record._meta.concrete_fields if f.attname == name)
            setattr(record, name, field.to_python(new))
        if request.changes:
            record.clean()
            record.save()
        if approval.after is not None:
            approval.after(record, request)


def _write(request: ApprovalRequest, deed: str, by: Viewer, note: str) -> None:
    """The deed in the record's own story."""
    record = request.record()
    if record is not None:
        with acting(by.person_id, current_actor().via, note[:200], current_actor().batch):
            events.write(record, f"approval_{deed}", {"request": [None, request.pk]})


# Deciding


def _open_request(pk: int) -> ApprovalRequest:
    rows = ApprovalRequest.objects.filter(pk=pk)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update()
    request = rows.first()
    if request is None:
        raise PermissionDenied(_("There is no such approval, or you may not see it."))
    return request


def open_lines(request: ApprovalRequest, viewer: Viewer) -> list[Signature]:
    """The lines of the present step that wait for this viewer, or for somebody they stand in for."""
    if not request.is_open or request.by_id == viewer.person_id:
        return []
    waiting = request.lines.filter(step=request.step, decision=Decision.WAITING, person_id__in=viewer.own)
    return list(waiting.order_by("pk"))


@transaction.atomic
def sign(pk: int, viewer: Viewer, decision: str, note: str = "", step: int | None = None) -> ApprovalRequest:
    """Decide: "approve", "reject", or "return" for a change.

    step    the step that was seen; a deed for an earlier one is a repetition and does nothing
    Raises PermissionDenied for whoever is not asked, Settled where it is decided already, ValidationError for a
    refusal without a reason.
    """
    if decision not in DECISIONS:
        raise ValidationError(_("Decide by one of %(known)s.") % {"known": ", ".join(DECISIONS)})
    request, note = _open_request(pk), note.strip()[:400]
    lines = [] if step not in (None, request.step) else open_lines(request, viewer)
    if not lines:
        return _repeated(request, viewer, decision, step)
    if decision != "approve" and not note:
        raise ValidationError({"note": [_("Say why, so that the other can mend it.")]})
    for line in lines:
        line.decision, line.note = decision, note
        line.signed_by, line.signed_at = viewer.person_id, timezone.now()
        line.save()
    _write(request, {"approve": "signed", "reject": "rejected", "return": "returned"}[decision], viewer, note)
    if decision != "approve":
        _end(request, ENDS[decision])
    elif _complete(request):
        request.lines.filter(step=request.step, decision=Decision.WAITING).update(decision=Decision.SPARED)
        _begin(request, request.step + 1)
    return request


def _repeated(request: ApprovalRequest, viewer: Viewer, decision: str, step: int | None) -> ApprovalRequest:
    """The deed was done before: fine if it was the same one by the same person."""
    mine = request.lines.filter(signed_by=viewer.person_id, decision=decision)
    mine = mine.filter(step=step) if step is not None else mine
    if mine.exists():
        return request
    if not request.lines.filter(Q(person_id__in=viewer.own) | Q(signed_by=viewer.person_id)).exists():
        raise PermissionDenied(_("You are not asked to sign this."))
    if request.by_id == viewer.person_id:
        raise PermissionDenied(_("Nobody approves what they asked for themselves."))
    told = {"state": request.get_state_display()}
    raise Settled(_("Somebody else has decided this already; it is now: %(state)s.") % told)


def _complete(request: ApprovalRequest) -> bool:
    lines = list(request.lines.filter(step=request.step))
    done = [line.decision == Decision.APPROVED for line in lines if line.added_by is None]
    added = [line.decision == Decision.APPROVED for line in lines if line.added_by is not None]
    needs_all = request.steps[request.step]["needs"] == "all"
    return all(added) and (all(done) if needs_all else any(done))


@transaction.atomic
def withdraw(pk: int, viewer: Viewer, note: str = "") -> ApprovalRequest:
    """Who asked takes it back. Raises PermissionDenied for others, Settled after the end."""
    request = _open_request(pk)
    if request.by_id != viewer.person_id:
        raise PermissionDenied(_("Only who asked for it may withdraw it."))
    if request.state == State.WITHDRAWN:
        return request
    if not request.is_open:
        raise Settled(_("It is decided already: %(state)s.") % {"state": request.get_state_display()})
    _write(request, "withdrawn", viewer, note)
    _end(request, State.WITHDRAWN)
    return request


@transaction.atomic
def add_signer(pk: int, viewer: Viewer, person_id: int, note: str = "") -> Signature:
    """Another person is to sign in the present step too. A signer of it, or an administrator, may ask for that."""
    request = _open_request(pk)
    if not (open_lines(request, viewer) or (request.is_open and viewer.has(ADMINISTRATOR))):
        raise PermissionDenied(_("You are not asked to sign this."))
    if person_id == request.by_id:
        raise ValidationError(_("Nobody approves what they asked for themselves."))
    if not chart().here([person_id]):
        raise ValidationError(_("This person cannot sign in."))
    line, new = Signature.objects.get_or_create(
        request=request, step=request.step, person_id=person_id, defaults={"added_by": viewer.person_id}
    )
    if new:
        _write(request, "signer_added", viewer, note)
        _tell(request, [person_id])
    return line


@transaction.atomic
def remind(pk: int, viewer: Viewer) -> int:
    """Tell the signers who are waited for again; how many were told, none if it was done a moment ago."""
    request = _open_request(pk)
    if request.by_id != viewer.person_id:
        raise PermissionDenied(_("Only who asked for it may remind."))
    now = timezone.now()
    if not request.is_open or (
        request.reminded_at and (now - request.reminded_at).total_seconds() < QUIET_MINUTES * 60
    ):
        return 0
    request.reminded_at = now
    request.save(update_fields=["reminded_at"])
    waiting = waited_for(request)
    _tell(request, waiting, gettext_noop("%(actor)s reminds you: %(title)s waits for your approval"))
    return len(waiting)


def forget(record: Any) -> None:
    """The record is being deleted: what waits about it is over."""
    desk = desk_of(type(record))
    if desk is None or not desk.approvals:
        return
    for request in ApprovalRequest.objects.filter(entity=desk.key, record_id=record.pk, state=State.OPEN):
        _end(request, State.WITHDRAWN)


def overtake(desk: Desk, column: str, ids: Iterable[int]) -> None:
    """What waits to write this column of these records is over: somebody entitled to writes it otherwise."""
    kinds = [kind_of(desk.key, a) for a in desk.approvals if column in a.attnames(desk.model)]
    if kinds:
        for request in ApprovalRequest.objects.filter(kind__in=kinds, record_id__in=ids, state=State.OPEN):
            _end(request, State.WITHDRAWN)


# Reading


def to_sign(viewer: Viewer) -> QuerySet[ApprovalRequest]:
    """What waits for the viewer, or for somebody they stand in for."""
    lines = Signature.objects.filter(decision=Decision.WAITING, person_id__in=viewer.own, request__state=State.OPEN)
    return ApprovalRequest.objects.filter(pk__in=lines.values("request")).exclude(by_id=viewer.person_id)


def asked_by(viewer: Viewer) -> QuerySet[ApprovalRequest]:
    return (
        ApprovalRequest.objects.filter(by_id=viewer.person_id) if viewer.person_id else ApprovalRequest.objects.none()
    )


def signed_by(viewer: Viewer) -> QuerySet[ApprovalRequest]:
    lines = Signature.objects.filter(signed_by=viewer.person_id) if viewer.person_id else Signature.objects.none()
    return ApprovalRequest.objects.filter(pk__in=lines.values("request"))


LISTS = {"to_sign": to_sign, "mine": asked_by, "done": signed_by}


def found(pk: int, viewer: Viewer) -> ApprovalRequest | None:
    """The request, for who asked, who is or was asked, and who may read the record."""
    request = ApprovalRequest.objects.filter(pk=pk).first()
    return request if request is not None and may_read(request, viewer) else None


def may_read(request: ApprovalRequest, viewer: Viewer) -> bool:
    if viewer.person_id is not None and request.by_id == viewer.person_id:
        return True
    if request.lines.filter(
        Q(person_id__in=viewer.own) | Q(signed_by=viewer.person_id, signed_by__isnull=False)
    ).exists():
        return True
    desk, record = desk_of(request.entity), request.record()
    return desk is not None and record is not None and desk.may_read(viewer, record)


def asked_in(batch: str) -> list[ApprovalRequest]:
    """The requests that the deeds of this batch have begun."""
    deeds = Event.objects.filter(batch=batch, deed="approval_asked").values_list("changes", flat=True)
    return list(ApprovalRequest.objects.filter(pk__in=[changes["request"][1] for changes in deeds]).order_by("pk"))


def waited_for(request: ApprovalRequest) -> list[int]:
    """The people whose signature is waited for now."""
    lines = request.lines.filter(step=request.step, decision=Decision.WAITING)
    return list(lines.order_by("pk").values_list("person_id", flat=True))


def last_approved(desk: Desk, name: str, pk: int) -> ApprovalRequest | None:
    """The newest request of this name about the record that was approved."""
    kind = kind_of(desk.key, guards.approval_of(desk, name))
    rows = ApprovalRequest.objects.filter(entity=desk.key, record_id=pk, kind=kind, state=State.APPROVED)
    return rows.order_by("-pk").first()


def of_record(desk: Desk, record: Any) -> list[ApprovalRequest]:
    """The requests about this record, the newest first."""
    rows = ApprovalRequest.objects.filter(entity=desk.key, record_id=record.pk)
    return list(rows.order_by("-pk").prefetch_related("lines")[:10])

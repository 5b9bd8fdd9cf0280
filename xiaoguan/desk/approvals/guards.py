"""What waits for a signature, or needs one first, is not written past it: form, cell, API, import, bulk, undo ask here.

A desk without approvals pays one look at a tuple.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from xiaoguan.desk.approvals.flows import Approval, Flow, flow_of, kind_of
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.events import current_actor, plain

VIA = "approval"
"""What the last signature writes comes this way."""
TOLD = "told"
"""Where a snapshot keeps why the approval is needed, beside the values."""


SAID = "said by approvals"


def say(text: Any, url: str) -> None:
    """Have the page that is being answered say this, with a way there; once for each address."""
    memo = current_actor().memo
    if memo is not None:
        memo.setdefault(SAID, {})[url] = text


class Refused(ValidationError):
    """A change that an approval stands in the way of."""

    def __str__(self) -> str:
        return " ".join(self.messages)


class Frozen(Refused):
    """The field waits for a signature."""


class NeedsApproval(Refused):
    """The change must be asked for; `approvals` say which."""

    def __init__(self, message: str, approvals: tuple[Approval, ...]):
        super().__init__(message, code="approval")
        self.approvals = approvals


def guard(record: Any, changed: Collection[str]) -> None:
    """Raise Frozen or NeedsApproval if `changed` (columns) of the stored record may not be written like this."""
    desk = desk_of(type(record))
    if desk is None or not desk.approvals or current_actor().via == VIA:
        return
    touched = [a for a in desk.approvals if not a.attnames(desk.model).isdisjoint(changed)]
    if not touched:
        return
    _frozen(desk, touched, record.pk)
    needed = tuple(a for a in touched if a.waits and current_actor().person_id and needs(desk, a, record))
    if needed:
        labels = _(", ").join(str(a.label) for a in needed)
        raise NeedsApproval(_("This needs an approval first: %(what)s.") % {"what": labels}, needed)


def guard_part(record: Any) -> None:
    """Raise Frozen if the record belongs to another one that waits for an approval together with it."""
    model = type(record)
    desk, approvals = _whole(model)
    if desk is None or current_actor().via == VIA:
        return
    name = model._meta.get_field(model.FEEDS).attname
    for pk in {getattr(record, name), record.stored(name)} - {None}:
        _frozen(desk, approvals, pk)


def watching(desk: Desk | None) -> list[Approval]:
    """The approvals that are needed at all, or for which something waits: what many rows must be asked about."""
    from xiaoguan.desk.approvals.models import ApprovalRequest

    if desk is None or not desk.approvals:
        return []
    kinds = {kind_of(desk.key, a): a for a in desk.approvals}
    rows = ApprovalRequest.objects.filter(kind__in=list(kinds), state=ApprovalRequest.State.OPEN)
    waiting = set(rows.values_list("kind", flat=True).distinct())
    return [a for kind, a in kinds.items() if kind in waiting or flow_of(desk.key, a).active]


def is_part(model: Any) -> bool:
    """Whether such records are frozen together with what they belong to."""
    return bool(_whole(model)[1])


def part_frozen(model: Any, wholes: Collection[int]) -> bool:
    """Whether one of the records with these ids waits together with what belongs to it, such as rows of `model`."""
    from xiaoguan.desk.approvals.models import ApprovalRequest

    desk, approvals = _whole(model)
    if desk is None or current_actor().via == VIA:
        return False
    kinds = [kind_of(desk.key, a) for a in approvals]
    rows = ApprovalRequest.objects.filter(kind__in=kinds, record_id__in=wholes, state=ApprovalRequest.State.OPEN)
    return rows.exists()


def _whole(model: Any) -> tuple[Desk | None, list[Approval]]:
    """The desk of what such records are part of, and its approvals that freeze them too."""
    if model.FEEDS == "id":
        return None, []
    relation = model._meta.get_field(model.FEEDS)
    desk, name = desk_of(relation.related_model), relation.remote_field.get_accessor_name()
    found = [a for a in desk.approvals if name in a.parts] if desk is not None else []
    return (desk, found) if found else (None, [])


def _frozen(desk: Desk, touched: Collection[Approval], pk: int) -> None:
    from xiaoguan.desk.approvals.models import ApprovalRequest

    kinds = {kind_of(desk.key, a): a for a in touched}
    rows = ApprovalRequest.objects.filter(kind__in=list(kinds), record_id=pk, state=ApprovalRequest.State.OPEN)
    kind = rows.values_list("kind", flat=True).first()
    if kind is not None:
        names = frozen_words(desk, kinds[kind])
        told = {"what": kinds[kind].label, "fields": _(", ").join(names)}
        raise Frozen(_("It waits for an approval (%(what)s); until then %(fields)s stay as they are.") % told)


def frozen_words(desk: Desk, approval: Approval) -> list[str]:
    """What stays as it is while this approval waits."""
    meta = desk.model._meta
    parts = [str(meta.get_field(name).related_model._meta.verbose_name_plural) for name in approval.parts]
    return [*(str(meta.get_field(name).verbose_name) for name in approval.freezes), *parts]


def any_frozen(desk: Desk, touched: Collection[str], ids: Collection[int]) -> bool:
    """Whether one of these records waits for an approval of one of the columns that are touched."""
    from xiaoguan.desk.approvals.models import ApprovalRequest

    if current_actor().via == VIA:
        return False
    kinds = [kind_of(desk.key, a) for a in desk.approvals if not a.attnames(desk.model).isdisjoint(touched)]
    rows = ApprovalRequest.objects.filter(kind__in=kinds, record_id__in=ids, state=ApprovalRequest.State.OPEN)
    return bool(kinds) and rows.exists()


def needs(desk: Desk, approval: Approval, record: Any, flow: Flow | None = None) -> bool:
    """Whether the record, as it is filled in now, needs this approval."""
    flow = flow or flow_of(desk.key, approval)
    return flow.active and approval.when(record, flow.limit)


def changed_by_more(record: Any, name: str, limit: Decimal | None) -> bool:
    """Whether the number in this field is another one by more than `limit`, a fraction of what is stored."""
    old, new = record.stored(name), getattr(record, name)
    if old is None or new is None or old == new:
        return False
    return limit is None or abs(new - old) > abs(old) * limit


def present(record: Any, approval: Approval) -> dict[str, Any]:
    """The frozen fields as they are now, in plain values, and under its name a list of these for what belongs to it."""
    found = _plain(record, sorted(approval.attnames(type(record))))
    for part in approval.parts:
        rows = getattr(record, part).order_by("pk")
        names = [f.attname for f in rows.model._meta.concrete_fields if f.attname not in rows.model.BOOKKEEPING]
        found[part] = [_plain(row, ["pk", *names]) for row in rows]
    return found


def _plain(record: Any, names: Collection[str]) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in names}
    return {n: plain(v.normalize()) if isinstance(v, Decimal) else plain(v) for n, v in values.items()}


def as_approved(record: Any, approval: Approval, snapshot: Mapping[str, Any]) -> bool:
    """Whether the record is as it was when the approval was asked for."""
    return {name: value for name, value in snapshot.items() if name != TOLD} == present(record, approval)


def standing(record: Any, name: str) -> str:
    """ "free" (not needed), "needed", "open", "approved", or "lapsed": approved once and changed since."""
    from xiaoguan.desk.approvals.models import ApprovalRequest

    desk = desk_of(type(record))
    assert desk is not None, type(record)
    approval = approval_of(desk, name)
    last = ApprovalRequest.objects.filter(
        kind=kind_of(desk.key, approval), entity=desk.key, record_id=record.pk, state__in=("open", "approved")
    ).order_by("-pk").first()  # fmt: skip
    if last is not None and last.is_open:
        return "open"
    if last is not None and not approval.waits and as_approved(record, approval, last.snapshot):
        return "approved"
    if approval.waits or not needs(desk, approval, record):
        return "free"
    return "lapsed" if last is not None else "needed"


def approval_of(desk: Desk, name: str) -> Approval:
    """Raises ValidationError for a name that the desk does not declare."""
    found = next((a for a in desk.approvals if a.name == name), None)
    if found is None:
        known = ", ".join(a.name for a in desk.approvals) or _("none")
        told = {"name": name, "thing": desk.label, "known": known}
        raise ValidationError(_("There is no approval “%(name)s” for %(thing)s; there are %(known)s.") % told)
    return found


def require(record: Any, name: str) -> None:
    """For verbs: raise NeedsApproval unless the record is approved as it stands, or needs no approval."""
    state = standing(record, name)
    if state not in ("free", "approved"):
        desk = desk_of(type(record))
        assert desk is not None
        approval = approval_of(desk, name)
        told = {"what": approval.label}
        text = (
            _("It waits for an approval: %(what)s.") if state == "open" else _("Ask for an approval first: %(what)s.")
        )
        raise NeedsApproval(text % told, (approval,))

"""Approvals in the page and over the API: the inbox of signatures, one request, the card on a record's page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from xiaoguan.desk.access import Viewer, role_label, viewer_of
from xiaoguan.desk.api import answer, guarded, not_here
from xiaoguan.desk.api.views import _flat, body_of, is_id
from xiaoguan.desk.approvals import requests
from xiaoguan.desk.approvals.flows import ABOVE, ADMINISTRATOR, MANAGER, ROLE, Approval, flow_of
from xiaoguan.desk.approvals.guards import SAID, TOLD, Refused, approval_of, standing
from xiaoguan.desk.approvals.models import ApprovalRequest, Signature
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.events import current_actor
from xiaoguan.desk.fields import counted_in
from xiaoguan.desk.forms import form_for, relation_field
from xiaoguan.desk.listing import BadQuery
from xiaoguan.desk.records import Conflict
from xiaoguan.desk.screens.common import is_local, is_number, names_of, record_of
from xiaoguan.desk.screens.history import Titles, texts_of

PAGE = 30
TONES = {"open": "amber", "approved": "green", "rejected": "red", "returned": "amber", "withdrawn": "gray"}
LINE_TONES = {"": "amber", "approve": "green", "reject": "red", "return": "amber", "spared": "gray"}


# Words


def _rows(request: ApprovalRequest, desk: Desk, viewer: Viewer) -> list[dict[str, str]]:
    """What is to be approved and why, as far as the viewer may see it: label, old and new, or only the value."""
    fields = {f.attname: f for f in desk.model._meta.concrete_fields}
    pairs = request.changes or {name: [None, value] for name, value in request.snapshot.items()}
    found = []
    for name, pair in pairs.items():
        field = fields.get(name)
        if field is None or desk.level(viewer, field.name) in ("none", "masked"):
            continue
        unit = counted_in(field)
        currency = request.changes.get(unit, ["", ""])[1] or request.snapshot.get(unit) or ""
        old, new = texts_of(field, pair, _titles(field, pair), currency)
        found.append({"label": str(field.verbose_name), "old": old if request.changes else "", "new": new})
    return found + _why(_approval(desk, request), request.snapshot, viewer)


def _approval(desk: Desk, request: ApprovalRequest) -> Approval | None:
    """The declaration, unless it is gone."""
    return next((a for a in desk.approvals if a.name == request.kind.partition(".")[2]), None)


def _why(approval: Approval | None, snapshot: dict[str, Any], viewer: Viewer) -> list[dict[str, str]]:
    """Why it is needed, in rows of words."""
    told = snapshot.get(TOLD)
    rows = approval.words(told, viewer) if approval is not None and approval.words and told else []
    return [{"label": label, "old": "", "new": new} for label, new in rows]


def _titles(field: Any, pair: Iterable[Any]) -> Titles:
    if not field.is_relation:
        return {}
    model = field.related_model
    return {model: {r.pk: str(r) for r in model._default_manager.filter(pk__in=[pk for pk in pair if pk])}}


def signer_words(part: Any) -> str:
    """ "the manager", "2 levels up", "finance", a name."""
    kind, value = part
    if kind == ABOVE:
        return str(role_label(value[0]))
    if kind == MANAGER:
        return _("the manager") if value == 1 else _("%(n)d levels up") % {"n": value}
    return str(role_label(value)) if kind == ROLE else names_of({value}).get(value, f"#{value}")


def _steps(request: ApprovalRequest, names: dict[int, str]) -> list[dict[str, Any]]:
    """The path of signers: what was decided in each step, who is waited for, who comes later."""
    lines: dict[int, list[Signature]] = {}
    for line in sorted(request.lines.all(), key=lambda one: one.pk):
        lines.setdefault(line.step, []).append(line)
    found = []
    for number, step in enumerate(request.steps):
        mine = lines.get(number, [])
        now = request.is_open and number == request.step
        found.append(
            {
                "number": number + 1,
                "needs": _("all of them") if step["needs"] == "all" and len(mine or step["by"]) > 1 else "",
                "state": "current" if now else "done" if mine else "todo",
                "later": "" if mine else _(" or ").join(signer_words(part) for part in step["by"]),
                "lines": [_line(line, names) for line in mine if line.decision != "spared" or line.added_by],
            }
        )
    return found


def _line(line: Signature, names: dict[int, str]) -> dict[str, Any]:
    other = line.signed_by is not None and line.signed_by != line.person_id
    return {
        "name": names.get(line.person_id, ""),
        "decision": line.get_decision_display(),
        "tone": LINE_TONES[line.decision],
        "note": line.note,
        "at": line.signed_at,
        "stand_in": _("signed by %(name)s in their stead") % {"name": names.get(line.signed_by or 0, "")}
        if other
        else "",
        "added": _("added by %(name)s") % {"name": names.get(line.added_by, "")} if line.added_by else "",
    }


def words(request: ApprovalRequest, viewer: Viewer) -> dict[str, Any]:
    """Everything that a page shows of a request."""
    desk = desk_of(request.entity)
    assert desk is not None, request.entity
    people = {request.by_id}
    for line in request.lines.all():
        people |= {pk for pk in (line.person_id, line.signed_by, line.added_by) if pk}
    names = names_of(people)
    record = request.record()
    mine = request.by_id == viewer.person_id
    return {
        "id": request.pk,
        "step": request.step,
        "label": _label(desk, request),
        "title": request.title,
        "thing": desk.label,
        "icon": desk.icon,
        "url": reverse("approval", args=[request.pk]),
        "record_url": desk.url("detail", pk=record.pk) if record and desk.may_read(viewer, record) else None,
        "gone": record is None,
        "by": names.get(request.by_id, ""),
        "asked_at": request.asked_at,
        "state": request.state,
        "state_label": request.get_state_display(),
        "tone": TONES[request.state],
        "note": request.note,
        "rows": _rows(request, desk, viewer),
        "steps": _steps(request, names),
        "may_sign": bool(requests.open_lines(request, viewer)),
        "may_withdraw": mine and request.is_open,
        "may_add": request.is_open and bool(requests.open_lines(request, viewer) or viewer.has(ADMINISTRATOR)),
        "version": request.version,
    }


NAMED = 3


def announced(desk: Desk) -> list[tuple[str, str]]:
    """(words, address) of every approval that this request to the server has asked for: of whom, and of what; and what
    a record that needs one now has become."""
    asked = requests.asked_in(current_actor().batch) if desk.approvals else []
    said = (current_actor().memo or {}).get(SAID, {})
    return [
        *((str(text), url) for url, text in said.items()),
        *((_asked_of(one), reverse("approval", args=[one.pk])) for one in asked),
    ]


def _asked_of(request: ApprovalRequest) -> str:
    desk, people = desk_of(request.entity), requests.waited_for(request)
    assert desk is not None, request.entity
    known = names_of(set(people))
    names = [known[pk] for pk in people if pk in known]
    joint = _(", ") if request.steps[request.step]["needs"] == "all" else _(" or ")
    told = {"names": joint.join(names[:NAMED]), "what": _label(desk, request), "more": len(names) - NAMED}
    if told["more"] > 0:
        return _("Sent to %(names)s and %(more)d more for approval: %(what)s") % told
    return _("Sent to %(names)s for approval: %(what)s") % told


def _label(desk: Desk, request: ApprovalRequest) -> str:
    name = request.kind.partition(".")[2]
    return next((str(a.label) for a in desk.approvals if a.name == name), name)


# Pages


@require_GET
def inbox_page(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of(request)
    show = request.GET.get("show", "to_sign")
    show = show if show in requests.LISTS else "to_sign"
    rows, after = _page(viewer, show, request.GET.get("before", ""))
    context = {
        "show": show,
        "waiting": requests.to_sign(viewer).count(),
        "entries": [words(row, viewer) for row in rows],
        "next": after,
    }
    return render(request, "approvals/list.html", context)


def _page(viewer: Viewer, show: str, before: str, state: str = "") -> tuple[list[ApprovalRequest], int | None]:
    rows = requests.LISTS[show](viewer).order_by("-pk").prefetch_related("lines")
    rows = rows.filter(state=state) if state else rows
    found = list((rows.filter(pk__lt=int(before)) if is_number(before) else rows)[: PAGE + 1])
    known = [row for row in found[:PAGE] if desk_of(row.entity)]
    return known, found[PAGE - 1].pk if len(found) > PAGE else None


def _found(pk: int, viewer: Viewer) -> ApprovalRequest:
    found = requests.found(pk, viewer) if is_id(pk) else None
    if found is None or desk_of(found.entity) is None:
        raise Http404
    return found


class SignerForm(forms.Form):
    person = forms.ModelChoiceField(queryset=None)

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any):
        super().__init__(*args, **kwargs)
        people = desk_of("person")
        assert people is not None
        rows = people.model._default_manager.filter(account__is_active=True)
        field = forms.ModelChoiceField(rows, label=_("Who else is to sign"))
        self.fields["person"] = relation_field(field, viewer)
        self.fields["person"].widget.attrs["class"] = "form-select"


@require_GET
def one_page(request: HttpRequest, pk: int) -> HttpResponse:
    viewer = viewer_of(request)
    told = words(_found(pk, viewer), viewer)
    context = {"approval": told, "signer_form": SignerForm(viewer=viewer) if told["may_add"] else None}
    return render(request, "approvals/one.html", context)


@require_POST
def sign(request: HttpRequest) -> HttpResponse:
    """Decide on one or several: `item` is the number of a request and the step that was seen, "7:0"."""
    viewer, decision, note = viewer_of(request), request.POST.get("decision", ""), request.POST.get("note", "")
    done, refused = 0, []
    for item in request.POST.getlist("item"):
        number, _colon, step = item.partition(":")
        if is_number(number) and is_number(step):
            try:
                requests.sign(int(number), viewer, decision, note, int(step))
                done += 1
            except (ValidationError, PermissionDenied, Conflict) as error:
                refused.append(_reason(error))
    if done:
        messages.success(request, ngettext("%(n)d decided.", "%(n)d decided.", done) % {"n": done})
    for reason in dict.fromkeys(refused):
        messages.error(request, reason)
    if not done and not refused:
        messages.error(request, _("Choose what you decide on."))
    return _back(request)


def _reason(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)


def _back(request: HttpRequest) -> HttpResponse:
    back = request.POST.get("next")
    return HttpResponseRedirect(back if is_local(back) else reverse("approvals"))


@require_POST
def deed(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """withdraw, remind or add_signer."""
    viewer = viewer_of(request)
    _found(pk, viewer)
    try:
        text = DEEDS[name](pk, viewer, request.POST)
    except (ValidationError, PermissionDenied, Conflict) as error:
        messages.error(request, _reason(error))
    else:
        messages.success(request, text)
    return _back(request)


def _withdraw(pk: int, viewer: Viewer, data: Any) -> str:
    requests.withdraw(pk, viewer, str(data.get("note", "")))
    return _("Withdrawn.")


def _remind(pk: int, viewer: Viewer, data: Any) -> str:
    told = requests.remind(pk, viewer)
    return _("They were reminded.") if told else _("They were reminded a moment ago.")


def _add_signer(pk: int, viewer: Viewer, data: Any) -> str:
    form = SignerForm({"person": data.get("person")}, viewer=viewer)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    requests.add_signer(pk, viewer, form.cleaned_data["person"].pk, str(data.get("note", "")))
    return _("Asked to sign too.")


DEEDS: dict[str, Callable[[int, Viewer, Any], str]] = {
    "withdraw": _withdraw,
    "remind": _remind,
    "add_signer": _add_signer,
}


# On the record's page


def _desk(entity: str) -> Desk:
    desk = desk_of(entity)
    if desk is None or not desk.approvals:
        raise Http404
    return desk


@require_GET
def card(request: HttpRequest, entity: str, pk: int) -> HttpResponse:
    """What of a record waits, was decided, or must be asked for."""
    desk = _desk(entity)
    viewer, record = record_of(request, desk, pk)
    needed = []
    if desk.may_write(viewer, record) and viewer.person_id:
        for approval in desk.approvals:
            if approval.offers is not None and (one := _offered(desk, approval, record, viewer)):
                needed.append(one)
            if not approval.waits and (state := standing(record, approval.name)) in ("needed", "lapsed"):
                needed.append({"name": approval.name, "label": approval.label, "lapsed": state == "lapsed"})
    found = requests.of_record(desk, record)
    context = {
        "entity": entity,
        "record_id": pk,
        "back": desk.url("detail", pk=pk),
        "needed": needed,
        "entries": [words(row, viewer) for row in found[:3]],
    }
    return render(request, "approvals/_card.html", context)


def _offered(desk: Desk, approval: Approval, record: Any, viewer: Viewer) -> dict[str, Any]:
    """What the card offers to ask for, or says that nobody may approve; empty where nothing is to be asked for."""
    assert approval.offers is not None
    one: dict[str, Any] = {"name": approval.name, "label": approval.label}
    if standing(record, approval.name) == "open" or not flow_of(desk.key, approval).active:
        return {}
    try:
        changes = approval.offers(record)
    except Refused as refused:
        return {**one, "refused": str(refused)}
    told = approval.told(record) if changes and approval.told is not None else {}
    return {**one, "rows": _why(approval, {TOLD: told}, viewer)} if changes else {}


@require_POST
def ask(request: HttpRequest, entity: str, pk: int, name: str) -> HttpResponse:
    """Ask for the approval of a record as it stands, or of what its page offers to ask for."""
    desk = _desk(entity)
    viewer, record = record_of(request, desk, pk)
    try:
        approval = approval_of(desk, name)
        changes = approval.offers(record) if approval.offers is not None else {}
        asked = requests.request_approval(name, record, viewer, request.POST.get("note", ""), changes)
    except (ValidationError, PermissionDenied, Conflict) as error:
        messages.error(request, _reason(error))
    else:
        messages.success(request, _asked_of(asked), extra_tags=f"url:{reverse('approval', args=[asked.pk])}")
    return HttpResponseRedirect(desk.url("detail", pk=pk))


# The API


def item(row: ApprovalRequest) -> dict[str, Any]:
    """A request as programs read it, without the values that are a question of rights."""
    names = ("kind", "entity", "record_id", "title", "state", "note", "version", "flow", "step", "asked_at", "ended_at")
    lines = [
        {n: getattr(line, n) for n in ("step", "person_id", "decision", "signed_by", "signed_at", "note", "added_by")}
        for line in sorted(row.lines.all(), key=lambda one: one.pk)
    ]
    return {"id": row.pk, "by": row.by_id, **{n: getattr(row, n) for n in names}, "steps": row.steps, "lines": lines}


def whole(row: ApprovalRequest, viewer: Viewer) -> dict[str, Any]:
    """The same with what is to be approved, as far as the viewer may see it."""
    desk = desk_of(row.entity)
    assert desk is not None
    fields = {f.attname: f.name for f in desk.model._meta.concrete_fields}
    seen = {n for n, name in fields.items() if desk.level(viewer, name) not in ("none", "masked")}
    parts = {"changes": row.changes, "snapshot": row.snapshot}
    why = [{"label": one["label"], "value": one["new"]} for one in _why(_approval(desk, row), row.snapshot, viewer)]
    return {**item(row), "why": why, **{k: {n: v for n, v in part.items() if n in seen} for k, part in parts.items()}}


@guarded
def api_list(request: HttpRequest) -> HttpResponse:
    """GET ?show=to_sign|mine|done&state=&cursor=; POST asks for an approval."""
    viewer = viewer_of(request)
    if request.method == "POST":
        return _api_ask(viewer, body_of(request))
    if request.method != "GET":
        return not_here("GET", "POST")
    show, state = request.GET.get("show", "to_sign"), request.GET.get("state", "")
    for value, known, name in ((show, requests.LISTS, "show"), (state, ["", *ApprovalRequest.State.values], "state")):
        if value not in known:
            raise BadQuery(_("'%(value)s' is not possible for %(name)s.") % {"value": value, "name": name})
    rows, after = _page(viewer, show, request.GET.get("cursor", ""), state)
    return answer({"items": [item(row) for row in rows], "next": str(after) if after else None})


def _api_ask(viewer: Viewer, data: dict[str, Any]) -> HttpResponse:
    """{"kind": "goaltarget.target", "id": 7, "changes": {"value": "300"}, "note": ""}; changes as a form takes them."""
    kind, pk, changes, note = (data.get(n) for n in ("kind", "id", "changes", "note"))
    changes, note = {} if changes is None else changes, "" if note is None else note
    if not isinstance(kind, str) or not isinstance(changes, dict) or not isinstance(note, str) or "\x00" in kind + note:
        raise ValidationError(_("Send {kind, id, changes, note}."))
    desk, approval = requests.declared(kind)
    record = desk.model._default_manager.filter(pk=pk).first() if is_id(pk) else None
    if record is None or not desk.may_read(viewer, record):
        raise Http404
    if not approval.waits or not changes:
        return answer(whole(requests.request_approval(approval.name, record, viewer, note, changes), viewer), 201)
    return answer(whole(_asked_with(desk, approval, viewer, record, changes, note), viewer), 201)


def _asked_with(
    desk: Desk, approval: Approval, viewer: Viewer, record: Any, changes: dict[str, Any], note: str
) -> ApprovalRequest:
    """Through the declared form, whose checks hold for what waits too."""
    if not desk.may_write(viewer, record):
        raise PermissionDenied(_("You may not change this: %(who)s may.") % {"who": desk.write.words()})
    if strange := sorted(set(changes) - (set(approval.freezes) & set(desk.writable(viewer)))):
        raise ValidationError({strange[0]: [_("This approval is not about it, or you may not change it.")]})
    sent = {**_flat(changes), "ask_approval": "1", "approval_note": note}
    form = form_for(desk, viewer, record, sent, only=tuple(changes), drawn=False)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    if approval not in form.approvals:
        raise ValidationError(_("This change needs no approval; write it."))
    form.save_record()
    return requests.of_record(desk, record)[0]


@guarded
def api_one(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method != "GET":
        return not_here("GET")
    viewer = viewer_of(request)
    return answer(whole(_found(pk, viewer), viewer))


@guarded
def api_do(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """approve, reject, return, withdraw, remind, add_signer; a body {"note": "", "step": 0, "person": 7}."""
    if request.method != "POST":
        return not_here("POST")
    viewer, data = viewer_of(request), body_of(request)
    _found(pk, viewer)
    note, step, person = data.get("note", ""), data.get("step"), data.get("person")
    numbers = (step is None or type(step) is int) and ("person" not in data or type(person) is int)
    if not isinstance(note, str) or "\x00" in note or not numbers:
        raise ValidationError(_("Send {note, step, person}: a text and two whole numbers."))
    if name in requests.DECISIONS:
        requests.sign(pk, viewer, name, note, step)
    else:
        DEEDS[name](pk, viewer, {"note": note, "person": person})
    return answer(whole(_found(pk, viewer), viewer))


def urls() -> list[Any]:
    from xiaoguan.desk.screens import flows

    return [
        path("approvals/", inbox_page, name="approvals"),
        path("approvals/sign", sign, name="approvals_sign"),
        path("approvals/<int:pk>", one_page, name="approval"),
        *(path(f"approvals/<int:pk>/{name}", deed, {"name": name}, name=f"approval_{name}") for name in DEEDS),
        path("approvals/of/<str:entity>/<int:pk>", card, name="approvals_of"),
        path("approvals/of/<str:entity>/<int:pk>/ask/<str:name>", ask, name="approval_ask"),
        path("api/approvals", api_list),
        path("api/approvals/<int:pk>", api_one),
        *(path(f"api/approvals/<int:pk>/{name}", api_do, {"name": name}) for name in (*requests.DECISIONS, *DEEDS)),
        *flows.urls(),
    ]

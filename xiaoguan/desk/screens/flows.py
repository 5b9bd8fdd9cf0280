"""Who signs what: the company's own flows, for administrators, in the page and over the API."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from xiaoguan.base.words import format_percent
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api import answer, guarded, not_here
from xiaoguan.desk.api.views import body_of
from xiaoguan.desk.approvals.flows import ADMINISTRATOR, MANAGER, PERSON, ROLE, Approval, Flow, flow_of, kind_of
from xiaoguan.desk.approvals.guards import frozen_words
from xiaoguan.desk.approvals.models import ApprovalFlow
from xiaoguan.desk.approvals.requests import declared
from xiaoguan.desk.desk import Desk, desk_of, desks
from xiaoguan.desk.fields import PercentFormField
from xiaoguan.desk.forms import dress, relation_field
from xiaoguan.desk.records import Conflict
from xiaoguan.desk.screens.approvals import signer_words
from xiaoguan.desk.screens.common import names_of

STEPS = 5
LEVELS = (
    ("", "–"),
    ("1", gettext_lazy("the manager")),
    ("2", gettext_lazy("2 levels up")),
    ("3", gettext_lazy("3 levels up")),
)
NEEDS = (("any", gettext_lazy("one of them")), ("all", gettext_lazy("all of them")))


def _opened(request: HttpRequest) -> Viewer:
    viewer = viewer_of(request)
    if not viewer.has(ADMINISTRATOR):
        raise PermissionDenied(_("Only administrators say who signs."))
    return viewer


def kinds() -> Iterator[tuple[Desk, Approval]]:
    """Everything that may need an approval."""
    for desk in desks():
        for approval in desk.approvals:
            yield desk, approval


def keep(kind: str, steps: Any, limit: Any, active: Any, by: Viewer) -> ApprovalFlow:
    """A new version of a flow. Raises ValidationError for signers that do not exist."""
    own = callable(declared(kind)[1].steps)
    if own and steps:
        raise ValidationError(
            {"steps": [_("Who signs this follows from the record; it can only be switched off and on.")]}
        )
    row = ApprovalFlow(
        kind=kind, steps=[] if own else _checked(steps), limit=_limit(limit), active=active, made_by=by.person_id
    )
    if not isinstance(active, bool):
        raise ValidationError({"active": [_("true or false")]})
    last = ApprovalFlow.objects.filter(kind=kind).aggregate(Max("number"))["number__max"] or 0
    row.number = last + 1
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise _Taken from error
    return row


class _Taken(Conflict):
    def __init__(self) -> None:
        Exception.__init__(self, _("Somebody else has just changed it; look at it again."))


def _limit(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        number = Decimal(str(value))
        if not number.is_finite() or not 0 <= number <= 100 or number.as_tuple().exponent < -4:
            raise InvalidOperation
    except InvalidOperation:
        raise ValidationError({"limit": [_("A fraction of one, with at most four decimals.")]}) from None
    return number


def _checked(steps: Any) -> list[dict[str, Any]]:
    if not isinstance(steps, list) or not 1 <= len(steps) <= STEPS:
        raise ValidationError({"steps": [_("A list of 1 to %(n)d steps.") % {"n": STEPS}]})
    return [_step(step) for step in steps]


def _step(step: Any) -> dict[str, Any]:
    roles, people = desk_of("role"), desk_of("person")
    assert roles is not None and people is not None
    by = step.get("by") if isinstance(step, dict) else None
    if not isinstance(by, list) or not by or step.get("needs", "any") not in [key for key, _label in NEEDS]:
        raise ValidationError({"steps": [_("Each step has `by`, a list of signers, and `needs`: any or all.")]})
    for part in by:
        kind, value = part if isinstance(part, list) and len(part) == 2 else ("", None)
        whole = isinstance(value, int) and not isinstance(value, bool)
        known = (
            (kind == MANAGER and whole and 1 <= value <= 9)
            or (
                kind == ROLE
                and isinstance(value, str)
                and "\x00" not in value
                and roles.model._default_manager.filter(code=value).exists()
            )
            or (
                kind == PERSON
                and whole
                and 0 < value < 2**63
                and people.model._default_manager.filter(pk=value).exists()
            )
        )
        if not known:
            raise ValidationError({"steps": [_("%(part)s is no signer.") % {"part": part}]})
    return {"by": by, "needs": step.get("needs", "any")}


# Pages


class StepForm(forms.Form):
    """One step: whom of, and whether one is enough."""

    level = forms.ChoiceField(label=gettext_lazy("level above"), choices=LEVELS, required=False)
    role = forms.ChoiceField(label=gettext_lazy("role"), required=False)
    person = forms.ModelChoiceField(None, label=gettext_lazy("person"), required=False)
    needs = forms.ChoiceField(label=gettext_lazy("who must sign"), choices=NEEDS, required=False)

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any):
        super().__init__(*args, **kwargs)
        roles, people = desk_of("role"), desk_of("person")
        assert roles is not None and people is not None
        self.fields["role"].choices = [
            ("", "–"),
            *roles.model._default_manager.order_by("name").values_list("code", "name"),
        ]
        field = forms.ModelChoiceField(people.model._default_manager.all(), label=_("person"), required=False)
        self.fields["person"] = relation_field(field, viewer)
        dress(self)

    def plain(self) -> dict[str, Any] | None:
        data = self.cleaned_data
        by: list[list[Any]] = [[MANAGER, int(data["level"])]] if data["level"] else []
        by += [[ROLE, data["role"]]] if data["role"] else []
        by += [[PERSON, data["person"].pk]] if data["person"] else []
        return {"by": by, "needs": data["needs"] or "any"} if by else None


class FlowForm(forms.Form):
    active = forms.BooleanField(label=gettext_lazy("is needed"), required=False)
    limit = PercentFormField(
        label=gettext_lazy("from a change of … percent"), required=False, decimal_places=4, min_value=0
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        dress(self)


@require_GET
def flows_page(request: HttpRequest) -> HttpResponse:
    _opened(request)
    rows = [
        {
            "url": reverse("approval_flow", args=[kind_of(desk.key, approval)]),
            "label": approval.label,
            "thing": desk.label_plural,
            "icon": desk.icon,
            **_flow_words(approval, flow_of(desk.key, approval)),
        }
        for desk, approval in kinds()
    ]
    return render(request, "approvals/flows.html", {"rows": rows})


def _flow_words(approval: Approval, flow: Flow) -> dict[str, Any]:
    return {
        "number": flow.number,
        "active": flow.active,
        "limit": format_percent(flow.limit, "en") if flow.limit is not None else "",
        "steps": [{"by": approval.signers, "all": False}]
        if callable(approval.steps)
        else [
            {"by": _(" or ").join(signer_words(part) for part in step.by.parts), "all": step.needs == "all"}
            for step in flow.steps
        ],
    }


@require_http_methods(["GET", "POST"])
def flow_page(request: HttpRequest, kind: str) -> HttpResponse:
    viewer = _opened(request)
    try:
        desk, approval = declared(kind)
    except ValidationError as error:
        raise Http404 from error
    flow = flow_of(desk.key, approval)
    posted = request.POST if request.method == "POST" else None
    form = FlowForm(posted, initial={"active": flow.active, "limit": flow.limit})
    if approval.limit is None:
        del form.fields["limit"]
    places = 0 if callable(approval.steps) else STEPS
    steps = [StepForm(posted, viewer=viewer, prefix=f"s{n}", initial=_initial(flow, n)) for n in range(places)]
    if posted is not None and form.is_valid() and all(step.is_valid() for step in steps):
        plain = [p for step in steps if (p := step.plain())]
        try:
            keep(kind, plain, form.cleaned_data.get("limit"), form.cleaned_data["active"], viewer)
        except (ValidationError, Conflict) as error:
            form.add_error(None, " ".join(error.messages) if isinstance(error, ValidationError) else str(error))
        else:
            messages.success(request, _("Saved. What is under way goes on as it began."))
            return HttpResponseRedirect(reverse("approval_flows"))
    made = list(ApprovalFlow.objects.filter(kind=kind).order_by("-number")[:20])
    names = names_of({row.made_by for row in made if row.made_by})
    context = {
        "label": approval.label,
        "thing": desk.label,
        "form": form,
        "steps": steps,
        "fields": frozen_words(desk, approval),
        "signers": approval.signers,
        "made": [{"number": r.number, "at": r.made_at, "by": names.get(r.made_by or 0, _("the system"))} for r in made],
    }
    return render(request, "approvals/flow.html", context, status=422 if posted is not None else 200)


def _initial(flow: Flow, number: int) -> dict[str, Any]:
    if number >= len(flow.steps):
        return {"needs": "any"}
    step = flow.steps[number]
    found: dict[str, Any] = {"needs": step.needs}
    for kind, value in step.by.parts:
        found[{MANAGER: "level", ROLE: "role", PERSON: "person"}[kind]] = str(value) if kind == MANAGER else value
    return found


# The API


def plain(desk: Desk, approval: Approval) -> dict[str, Any]:
    flow = flow_of(desk.key, approval)
    return {
        "kind": kind_of(desk.key, approval),
        "label": str(approval.label),
        "freezes": list(approval.freezes),
        "waits": approval.waits,
        "number": flow.number,
        "active": flow.active,
        "limit": None if flow.limit is None else format(flow.limit, "f"),
        "steps": [step.plain() for step in flow.steps],
    }


@guarded
def api_flows(request: HttpRequest) -> HttpResponse:
    """GET: every approval with the flow in force. Everyone may know who signs."""
    if request.method != "GET":
        return not_here("GET")
    return answer({"items": [plain(desk, approval) for desk, approval in kinds()]})


@guarded
def api_flow(request: HttpRequest, kind: str) -> HttpResponse:
    """GET one; POST {"steps", "limit", "active"} makes the next version of it."""
    try:
        desk, approval = declared(kind)
    except ValidationError as error:
        raise Http404 from error
    if request.method == "POST":
        viewer, data = _opened(request), body_of(request)
        keep(kind, data.get("steps"), data.get("limit"), data.get("active", True), viewer)
    elif request.method != "GET":
        return not_here("GET", "POST")
    return answer(plain(desk, approval))


def urls() -> list[Any]:
    return [
        path("settings/approvals", flows_page, name="approval_flows"),
        path("settings/approvals/<str:kind>", flow_page, name="approval_flow"),
        path("api/approval-flows", api_flows),
        path("api/approval-flows/<str:kind>", api_flow),
    ]

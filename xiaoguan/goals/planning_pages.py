"""The page on which a goal is worked out and set, and the same for programs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import Period
from xiaoguan.base.words import format_percent
from xiaoguan.desk.access import viewer_of
from xiaoguan.desk.api import answer, guarded
from xiaoguan.desk.api.openapi import documents
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.listing import with_query
from xiaoguan.desk.screens.takeback import undo_url
from xiaoguan.goals.models import GoalTarget
from xiaoguan.goals.pages import value_text
from xiaoguan.goals.planning import Set, Worked, checks, set_goal, work_out_goal
from xiaoguan.policy import Goal, Policy
from xiaoguan.policy.reasonable import Checked
from xiaoguan.rulebook.asking import number_text
from xiaoguan.rulebook.lines import spoken
from xiaoguan.rulebook.versions import document_of, in_force, versions

CHECKS = {
    "stretch": gettext_lazy("Stretch against like periods"),
    "attain_probability": gettext_lazy("Chance of reaching it"),
    "share_at_quota": gettext_lazy("How often it was reached before"),
    "equity": gettext_lazy("Fair between territories"),
    "correlation": gettext_lazy("Linked to the territory"),
    "capacity": gettext_lazy("Work needed against time"),
}
VERDICTS = {
    "inside": gettext_lazy("as it should be"),
    "below": gettext_lazy("below the band"),
    "above": gettext_lazy("above the band"),
    "not known": gettext_lazy("not known"),
}
TONES = {"inside": "green", "below": "amber", "above": "amber", "not known": "gray"}


def choices() -> list[tuple[Policy, Goal]]:
    """The goals of the policies in force that can be worked out; of the newest versions where none is in force."""
    rows = in_force(timezone.localdate()) or list(versions())[:1]
    policies = [document_of(row) for row in rows]
    return [(p, g) for p in policies for g in p.goals if g.period != "day" and g.metric in p.metrics]


def chosen(values: Any) -> tuple[Policy, Goal, Period, int | None] | None:
    """Policy, goal, period and the whole that was typed (units or a count); None where there is no goal at all."""
    found = choices()
    wanted = values.get("goal", "")
    pair = next(((p, g) for p, g in found if g.id == wanted), None) if wanted else found[0] if found else None
    if pair is None:
        if wanted:
            raise Http404
        return None
    policy, goal = pair
    periods = periods_of(policy, goal)
    if not periods:
        return None
    period = next((p for p in periods if p.label == values.get("period", "")), periods[-1])
    return policy, goal, period, _whole(policy, goal, str(values.get("whole", "") or ""))


def periods_of(policy: Policy, goal: Goal) -> list[Period]:
    """The present period of the goal's own kind and the one after it."""
    try:
        now = policy.calendar.period(goal.period, timezone.localdate())
        return [now, policy.calendar.period(goal.period, now.end)]
    except ValueError:
        return []


def _whole(policy: Policy, goal: Goal, text: str) -> int | None:
    """What was typed as the whole, to the goal's rounding unit."""
    try:
        value = Decimal(text.replace(",", "").replace(" ", ""))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 < value < 10**12:
        return None
    unit, scale = policy.quota_unit(goal), SCALE if policy.unit_of(goal.metric).startswith("money:") else 1
    return max(int(value * scale) // unit, 1) * unit


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The table a goal comes to, why, and whether it is reasonable; a POST sets it."""
    viewer, desk = viewer_of(request), desk_of(GoalTarget)
    if desk is None or not desk.may_create(viewer):
        raise PermissionDenied(_("Goals are worked out and set by sales operations and the general manager."))
    asked = chosen(request.POST if request.method == "POST" else request.GET)
    if asked is None:
        return render(request, "goals/plan.html", {"goal": None})
    worked = work_out_goal(*asked)
    here = with_query(reverse("goal_plan"), {"goal": worked.goal.id, "period": worked.period.label})
    if request.method == "POST":
        _say(request, set_goal(worked))
        return HttpResponseRedirect(here)
    return render(request, "goals/plan.html", _shown(worked, request.GET.get("whole", "")))


def _say(request: HttpRequest, done: Set) -> None:
    told = {"new": done.new, "changed": done.changed, "same": done.same}
    text = _("%(new)d goals set, %(changed)d changed, %(same)d as they were.") % told
    written = done.new or done.changed
    messages.success(request, text, extra_tags=f"undo:{undo_url()}" if written else "")
    for name, why in (done.refused or [])[:5]:
        messages.warning(request, f"{name}: {why}")


def _shown(worked: Worked, typed: str) -> dict[str, Any]:
    policy, goal = worked.policy, worked.goal
    unit = policy.unit_of(goal.metric)
    judged = checks(worked)
    root = worked.targets.root
    return {
        "goal": {"id": goal.id, "label": goal.name or goal.id},
        "goals": [
            {"label": g.name or g.id, "url": with_query("", {"goal": g.id}), "active": g is goal and p is policy}
            for p, g in choices()
        ],
        "period": worked.period,
        "choices": [
            {
                "label": p.label,
                "url": with_query("", {"goal": goal.id, "period": p.label}),
                "active": p == worked.period,
            }
            for p in periods_of(policy, goal)
        ],
        "whole": value_text(root.value, unit) if root else None,
        "typed": typed,
        "method": goal.target.method,
        "carried": value_text(worked.carried, unit) if worked.carried else None,
        "steps": [{"by": _kind(step.by), "method": _method(step.method)} for step in goal.allocate],
        "periods": [p.label for p in worked.periods],
        "rows": [
            {
                "name": row.name,
                "level": row.level,
                "whole": value_text(row.whole, unit),
                "parts": [value_text(row.parts[p.label], unit) if p.label in row.parts else "" for p in worked.periods],
                "checks": [_check(one) for one in judged.get(row.owner, ())],
                "tone": _tone(judged.get(row.owner, ())),
            }
            for row in worked.rows
        ],
        "issues": [{"message": spoken(i.message), "hint": spoken(i.hint)} for i in worked.targets.issues],
    }


def _kind(name: str) -> str:
    names = {
        "year": _("year"), "half_year": _("half-year"), "quarter": _("quarter"), "month": _("month"),
        "week": _("week"), "team": _("team"), "person": _("person"),
    }  # fmt: skip
    return names.get(name, name)


def _method(name: str) -> str:
    names = {
        "even": _("evenly"), "history": _("by history"), "seasonality": _("by season"), "weeks": _("by weeks"),
        "working_days": _("by working days"), "capacity": _("by capacity"), "potential": _("by potential"),
        "weighted": _("by a mix of shares"),
    }  # fmt: skip
    return names.get(name, name)


def _check(one: Checked) -> dict[str, Any]:
    language = translation.get_language() or "en"
    return {
        "label": str(CHECKS[one.name]),
        "value": "–" if one.value is None else format_percent(one.value, language),
        "band": f"{format_percent(one.low, language, 0)} – {format_percent(one.high, language, 0)}",
        "verdict": str(VERDICTS[one.verdict]),
        "tone": TONES[one.verdict],
        "how": spoken(one.how),
    }


def _tone(found: Any) -> str:
    """Amber when any check lies outside its band, gray when none is known."""
    verdicts = {one.verdict for one in found}
    return "amber" if verdicts & {"below", "above"} else "green" if "inside" in verdicts else "gray" if verdicts else ""


# For programs


def api(request: HttpRequest) -> HttpResponse:
    """What the page shows, as JSON; POST sets it. {"goal", "period", "whole"} in the address."""
    viewer, desk = viewer_of(request), desk_of(GoalTarget)
    if desk is None or not desk.may_create(viewer):
        raise PermissionDenied(_("Goals are worked out and set by sales operations and the general manager."))
    asked = chosen(request.GET)
    if asked is None:
        raise Http404
    worked = work_out_goal(*asked)
    if request.method == "POST":
        done = set_goal(worked)
        refused = [{"what": what, "why": why} for what, why in done.refused or ()]
        return answer({"new": done.new, "changed": done.changed, "same": done.same, "refused": refused})
    unit, judged = worked.policy.unit_of(worked.goal.metric), checks(worked)
    return answer(
        {
            "goal": worked.goal.id,
            "period": worked.period.label,
            "unit": unit,
            "issues": [i.to_json() for i in worked.targets.issues],
            "rows": [
                {
                    "owner": row.owner,
                    "name": row.name,
                    "whole": number_text(Fraction(row.whole), unit),
                    "parts": {label: number_text(Fraction(v), unit) for label, v in row.parts.items()},
                    "checks": [one.to_json() for one in judged.get(row.owner, ())],
                }
                for row in worked.rows
            ],
        }
    )


@documents
def documented(said: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    words = [{"name": n, "in": "query", "schema": {"type": "string"}} for n in ("goal", "period", "whole")]
    schema = {"type": "object", "additionalProperties": True}

    def told(name: str) -> dict[str, Any]:
        return {"operationId": name, "tags": ["goaltarget"], "parameters": words, "responses": said(schema)}

    return {"/api/goal-plan": {"get": told("work_out_goal"), "post": told("set_goal")}}


def urls() -> list[Any]:
    """The page, and the same for programs."""
    return [
        path("goals/plan", page, name="goal_plan"),
        path("api/goal-plan", guarded(api, "goaltarget", ("GET", "POST"))),
    ]

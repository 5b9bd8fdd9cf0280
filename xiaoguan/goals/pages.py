"""目标: the company's, the teams' and everybody's goals with their pace."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import Period
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.cells import day_text, money_text, number_text, short_day
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.listing import with_query
from xiaoguan.goals.models import GoalTarget
from xiaoguan.goals.tracking import Standing, by_day, may_see, standings
from xiaoguan.policy import Goal, Policy
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import document_of, in_force, versions

PERIODS = 8


@require_GET
def tree(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of(request)
    today = timezone.localdate()
    chosen = _choose(request, today)
    if chosen is None:
        return render(request, "goals/tree.html", {"goal": None, "rows": [], "periods": [], "chart": None, "goals": []})
    version, policy, goal, period = chosen
    found = [s for s in standings(policy, goal, period, today) if may_see(viewer, s)]
    unit = policy.unit_of(goal.metric)
    here = {"policy": version.policy_id, "goal": goal.id}
    chart, table = _chart(policy, goal, period, found[0] if found else None, today)
    return render(
        request,
        "goals/tree.html",
        {
            "policy": {"name": str(version), "url": reverse("policy")},
            "goal": {"id": goal.id, "label": goal.name or goal.id},
            "goals": [
                {
                    "id": g.id,
                    "label": g.name or g.id,
                    "url": with_query("", {**here, "goal": g.id}),
                    "active": g is goal,
                }
                for g in policy.goals
            ],
            "period": period,
            "periods": [
                {"label": p.label, "url": with_query("", {**here, "period": p.label}), "active": p == period}
                for p in _periods(policy, goal, period, today)
            ],
            "rows": [_row(s, version, goal, period, unit) for s in found],
            "plan_url": _plan_url(viewer, goal),
            "chart": chart,
            "table": table,
        },
    )


def _plan_url(viewer: Viewer, goal: Goal) -> str:
    """Where the goal is worked out, for those who may set it."""
    desk = desk_of(GoalTarget)
    return with_query(reverse("goal_plan"), {"goal": goal.id}) if desk and desk.may_create(viewer) else ""


def _choose(request: HttpRequest, today: date) -> tuple[PolicyVersion, Policy, Goal, Period] | None:
    """Policy, goal and period from the address; the newest policy with goals and its present month if it names none."""
    wanted = request.GET.get("policy")
    candidates = list(versions(wanted)) if wanted else [*in_force(today), *versions()]
    for version in candidates:
        policy = document_of(version)
        if not policy.goals:
            continue
        goal = policy.goal(request.GET.get("goal", "")) or policy.goals[0]
        period = None
        if text := request.GET.get("period"):
            try:
                period = policy.calendar.parse(text)
            except ValueError:
                period = None
        try:
            return version, policy, goal, period or _present(policy, goal, today)
        except ValueError:
            continue
    return None


def _present(policy: Policy, goal: Goal, today: date) -> Period:
    """The month of today for goals that are broken down to months, else the goal's own kind of period."""
    kinds = [step.by for step in goal.allocate if step.by in ("quarter", "month")]
    return policy.calendar.period(kinds[-1] if kinds else goal.period, today)


def _periods(policy: Policy, goal: Goal, period: Period, today: date) -> list[Period]:
    """The periods to choose from: the last ones of this kind, and the longer ones around them."""
    found = [period]
    while len(found) < PERIODS // 2:
        try:
            found.append(policy.calendar.previous(found[-1]))
        except ValueError:
            break
    try:
        following = policy.calendar.period(period.kind, period.end)
        if following.start <= today:
            found.insert(0, following)
    except ValueError:
        pass
    if period.kind in ("month", "quarter"):
        for kind in ("quarter", "year"):
            if kind != period.kind:
                found.append(policy.calendar.period(kind, period.start))
    elif period.kind == "year":
        found.append(policy.calendar.period("month", min(today, period.end - timedelta(days=1))))
    return found


def value_text(value: Fraction | int | None, unit: str) -> str:
    """A goal's number as people read it: whole money, a count."""
    if value is None:
        return "–"
    if unit.startswith("money:"):
        units = round(Fraction(value) / SCALE) * SCALE
        return money_text(units, unit.removeprefix("money:")).removesuffix(".00")
    return number_text(value if isinstance(value, int) else float(value), 2 if abs(value) < 1 else 1)


def _row(s: Standing, version: PolicyVersion, goal: Goal, period: Period, unit: str) -> dict[str, Any]:
    way = s.pace
    owner = {0: {}, 1: {"team": str(s.key)}, 2: {"person": str(s.key)}}[s.level]
    return {
        "level": s.level,
        "label": s.label or _("Company"),
        "url": with_query(
            reverse("metric", kwargs={"policy": version.policy_id, "name": goal.metric}),
            {"period": period.label, **owner},
        ),
        "actual": value_text(s.actual, unit),
        "goal": value_text(s.goal, unit),
        "attainment": s.attainment,
        "pace": way.pace if way else None,
        "expected": s.gone.share,
        "tone": s.tone,
        "gap": value_text(way.gap, unit) if way and way.gap > 0 else None,
        "per_day": value_text(way.required, unit) if way and way.required is not None and way.gap > 0 else None,
    }


def _chart(
    policy: Policy, goal: Goal, period: Period, whole: Standing | None, today: date
) -> tuple[dict[str, Any] | None, list[dict[str, str]]]:
    """Cumulated actual beside the expected line, and the same as a table by week."""
    if whole is None or not whole.goal or period.days > 400 or period.days < 2:
        return None, []
    unit = policy.unit_of(goal.metric)
    scale = SCALE if unit.startswith("money:") else 1
    came = by_day(policy, goal, period)
    days = [period.start + timedelta(days=i) for i in range(period.days)]
    actual, expected, running = [], [], Fraction(0)
    for day in days:
        running += came.get(day, 0)
        actual.append(round(float(running) / scale, 2) if day <= today else None)
        share = whole.expecting(day + timedelta(days=1)).share
        expected.append(round(float(whole.goal * share) / scale, 2))
    option = {
        "tooltip": {"trigger": "axis"},
        "legend": {"data": [_("actual"), _("expected")]},
        "xAxis": {"type": "category", "data": [short_day(d) for d in days], "boundaryGap": False},
        "yAxis": {"type": "value"},
        "series": [
            {"name": _("actual"), "type": "line", "data": actual, "showSymbol": False, "areaStyle": {"opacity": 0.08}},
            {
                "name": _("expected"),
                "type": "line",
                "data": expected,
                "showSymbol": False,
                "lineStyle": {"type": "dashed"},
            },
        ],
    }
    shown = [i for i, d in enumerate(days) if d.weekday() == 6 or i == len(days) - 1 or d == today]
    table = [
        {
            "day": day_text(days[i]),
            "actual": value_text(None if actual[i] is None else Fraction(str(actual[i])) * scale, unit),
            "expected": value_text(Fraction(str(expected[i])) * scale, unit),
        }
        for i in shown
    ]
    return option, table

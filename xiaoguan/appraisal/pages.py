"""考核 in the page: one's own result down to the records, the team's grid with its distribution, a cycle's progress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.appraisal import deciding, giving
from xiaoguan.appraisal.cycles import Plan, known_plan, results_in
from xiaoguan.appraisal.models import AppraisalCycle, AppraisalRecord, Rating
from xiaoguan.appraisal.raters import group_label
from xiaoguan.base.explain import Line
from xiaoguan.base.words import plain_number
from xiaoguan.desk.access import Viewer, role_label, viewer_of
from xiaoguan.desk.api import answer, guarded, not_here
from xiaoguan.desk.api.openapi import documents
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.listing import with_query
from xiaoguan.desk.screens.details import detail_page
from xiaoguan.policy.appraisal import Distributed, distribute
from xiaoguan.rulebook.lines import line_words, names_of, spoken, value_words

SHOWN = 500


def _desk(model: Any) -> Desk:
    found = desk_of(model)
    assert found is not None
    return found


# One's own


@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """The viewer's newest result; for whoever has none, what there is to rate or the team."""
    viewer = viewer_of(request)
    visible = _desk(AppraisalRecord).visible(viewer)
    own = visible.filter(person_id=viewer.person_id).order_by("-cycle__ends_on", "-id").first()
    if own is not None:
        return HttpResponseRedirect(_desk(AppraisalRecord).url("detail", pk=own.pk))
    if visible.exists():
        return HttpResponseRedirect(reverse("appraisal_team"))
    return render(request, "appraisal/none.html", {"left": giving.to_give(viewer)})


def _record(request: HttpRequest, viewer: Viewer, record: AppraisalRecord) -> dict[str, Any]:
    """What the page of a result shows beyond what every record's page does."""
    plan, desk = known_plan(record.cycle), _desk(AppraisalRecord)
    before = desk.visible(viewer).filter(person_id=record.person_id, cycle__appraisal=record.cycle.appraisal)
    before = before.select_related("cycle").order_by("-cycle__starts_on")[:9]
    return {
        "cycle": record.cycle,
        "lines": lines_of(record, plan),
        "grades": _band(record, plan) if plan else [],
        "record_reason": record.reason,
        "talk": _talk(record),
        "talk_until": deciding.interview_until(record.cycle) if record.interview_on is None else None,
        "appeal": _appeal(record),
        "steps_told": [spoken(step, _names(plan)) for step in record.steps],
        "gates_told": [spoken(step, _names(plan)) for step in record.gates],
        "outcomes": [_outcome(one) for one in record.outcomes],
        "said": comments_of(record, plan),
        "until": deciding.deadline(record),
        "may_appeal": record.person_id == viewer.person_id and deciding.may_appeal(record),
        "team_url": _team_url(record.cycle, viewer),
        "ratings_left": giving.to_give(viewer) if record.person_id == viewer.person_id else 0,
        "before": [
            {
                "label": one.cycle.label,
                "url": desk.url("detail", pk=one.pk),
                "score": giving.number(one.score),
                "grade": one.grade,
                "here": one.pk == record.pk,
            }
            for one in before
        ],
    }


def _talk(record: AppraisalRecord) -> dict[str, Any] | None:
    if record.interview_on is None:
        return None
    by = str(record.interview_by or "")
    return {"on": record.interview_on, "text": record.interview, "by": by, "agreed": record.agreed_at}


def _appeal(record: AppraisalRecord) -> dict[str, Any] | None:
    if not record.appeal:
        return None
    return {
        "state": record.get_appeal_display(),
        "text": record.appeal_text,
        "decision": record.decision,
        "by": str(record.decided_by or ""),
        "at": record.decided_at,
    }


def _whole(record: AppraisalRecord) -> str:
    return giving.number(record.score) or "–"


def lines_of(record: AppraisalRecord, plan: Plan | None) -> list[dict[str, Any]]:
    """The indicators in words, each with its weight, down to the records."""
    found = []
    for line, weight in record.explained:
        words = line_words(line, _names(plan))
        words["source"] = _("weight %(share)s") % {"share": value_words(weight, "ratio")}
        words["formula"] = _groups(words["formula"], plan, line)
        found.append(words)
    return found


def _groups(text: str, plan: Plan | None, line: Line) -> str:
    """The groups of raters by their names."""
    items = plan.appraisal.indicators if plan else ()
    item = next((one for one in items if one.key == line.name), None)
    for group in item.raters if item is not None else ():
        text = text.replace(f"{group} ", f"{group_label(group)} ")
    return text


def _names(plan: Plan | None) -> dict[str, str]:
    if plan is None:
        return {}
    items = {one.key: one.name for one in plan.appraisal.indicators if one.name}
    return names_of(plan.policy) | items


def _band(record: AppraisalRecord, plan: Plan) -> list[dict[str, Any]]:
    """The grades from the worst to the best with the score that each begins at."""
    grades = sorted(plan.appraisal.grades.items(), key=lambda item: item[1].start)
    return [
        {
            "id": name,
            "label": grade.name,
            "from": plain_number(grade.start),
            "here": name == record.grade,
            "before": name == record.given_grade and record.given_grade != record.grade,
        }
        for name, grade in grades
    ]


def _outcome(text: str) -> str:
    if text.startswith("career:"):
        return _("Ready to become: %(role)s") % {"role": role_label(text.removeprefix("career:"))}
    return _("An improvement plan begins") if text == "improvement_plan" else text


def comments_of(record: AppraisalRecord, plan: Plan | None) -> list[dict[str, str]]:
    """What raters wrote, by group, in an order that tells nothing; of unnamed groups only where enough were heard."""
    rows = Rating.objects.filter(cycle_id=record.cycle_id, person_id=record.person_id, state=Rating.State.GIVEN)
    items = plan.appraisal.indicators if plan else ()
    least = {g: one.min_raters for one in items for g in one.raters}
    heard: dict[str, set[int]] = {}
    said: dict[str, list[str]] = {}
    for group, rater, comment in rows.values_list("group", "rater_id", "comment"):
        heard.setdefault(group, set()).add(rater)
        if comment:
            said.setdefault(group, []).append(comment)
    known = [g for g in said if g in giving.NAMED or len(heard[g]) >= max(least.get(g, 1), 2)]
    return [{"group": group_label(g), "text": text} for g in sorted(known) for text in sorted(said[g])]


def _team_url(cycle: AppraisalCycle, viewer: Viewer) -> str | None:
    seen = _desk(AppraisalRecord).visible(viewer).filter(cycle=cycle).exclude(person_id=viewer.person_id)
    return with_query(reverse("appraisal_team"), {"cycle": str(cycle.pk)}) if seen.exists() else None


# The team


def _cycle_of(request: HttpRequest, viewer: Viewer) -> tuple[AppraisalCycle | None, list[AppraisalCycle]]:
    """The cycle asked for, else the newest with a result that the viewer may read; and those to choose from."""
    records = _desk(AppraisalRecord).visible(viewer)
    found = AppraisalCycle.objects.filter(pk__in=records.values("cycle")).select_related("policy")
    rows = list(found.order_by("-starts_on", "-id")[:24])
    wanted = request.GET.get("cycle", "")
    chosen = next((one for one in rows if wanted in (str(one.pk), one.label)), None)
    if wanted and chosen is None:
        raise Http404
    return chosen or next(iter(rows), None), rows


def rows_of(cycle: AppraisalCycle, viewer: Viewer, whole: bool = False) -> list[AppraisalRecord]:
    """The results of a cycle that the viewer may read, by team, the best first; `whole` with their explanations."""
    rows = _desk(AppraisalRecord).visible(viewer).filter(cycle=cycle).select_related("person", "team", "cycle__policy")
    rows = rows if whole else rows.defer("lines", "steps", "interview", "appeal_text", "decision")
    return sorted(rows, key=lambda r: (r.team.name if r.team else "", -(r.score or 0), r.person_id))


@require_GET
def team(request: HttpRequest) -> HttpResponse:
    """Scores and grades of everybody whom the viewer may read, beside the distribution that the policy wants."""
    viewer = viewer_of(request)
    cycle, cycles = _cycle_of(request, viewer)
    if cycle is None:
        return render(request, "appraisal/team.html", {"cycle": None, "cycles": [], "rows": []})
    plan, records = known_plan(cycle), rows_of(cycle, viewer)
    calibrating = _desk(AppraisalRecord).verb("calibrate")
    desk, cycle_desk = _desk(AppraisalRecord), _desk(AppraisalCycle)
    items = plan.appraisal.indicators if plan else ()
    columns = [(one.key, one.name or _names(plan).get(one.metric, one.metric)) for one in items]
    return render(
        request,
        "appraisal/team.html",
        {
            "cycle": cycle,
            "cycle_url": cycle_desk.url("detail", pk=cycle.pk) if cycle_desk.may_read(viewer, cycle) else None,
            "cycles": [{"label": str(c), "url": f"?cycle={c.pk}", "active": c.pk == cycle.pk} for c in cycles],
            "columns": [label for _key, label in columns],
            "rows": [_row(desk, viewer, one, [key for key, _label in columns], calibrating) for one in records[:SHOWN]],
            "more": max(0, len(records) - SHOWN),
            "teams": len({one.team_id for one in records}) > 1,
            **(_distributed(plan, records) if plan else {}),
        },
    )


def _row(desk: Desk, viewer: Viewer, one: AppraisalRecord, keys: Sequence[str], calibrating: Any) -> dict[str, Any]:
    may = calibrating.may(viewer, one, desk.write) and one.person_id != viewer.person_id
    url = desk.url("detail", pk=one.pk)
    return {
        "id": one.pk,
        "name": one.person.name,
        "team": one.team.name if one.team else "",
        "url": url,
        "parts": [_points(one.points.get(key)) for key in keys],
        "score": _whole(one),
        "grade": one.grade or "–",
        "before": one.given_grade if one.given_grade != one.grade else "",
        "reason": one.reason,
        "missing": len(one.missing),
        "appeal": one.appeal == AppraisalRecord.Appeal.OPEN,
        "interview": one.interview_on is not None,
        "ask_url": f"{url}/ask/calibrate" if may else None,
    }


def _points(score: str | None) -> str:
    """The score of an indicator to 0.01, half up."""
    if score is None:
        return "–"
    exact = Fraction(score)
    return giving.number((Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _distributed(plan: Plan, records: Sequence[AppraisalRecord]) -> dict[str, Any]:
    """How many have each grade beside how many the policy wants, as bars and as a table."""
    made = distribute(plan.appraisal, results_in(records, plan))
    grades = list(made.found)
    wanted = [made.wanted.get(name) for name in grades] if made.wanted else []
    series = [{"type": "bar", "name": _("has it"), "data": [made.found[name] for name in grades]}]
    if wanted:
        series.append({"type": "bar", "name": _("by the policy"), "data": wanted})
    option = {
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0, "show": bool(wanted)},
        "grid": {"left": 8, "right": 8, "top": 28 if wanted else 8, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "category", "data": grades},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": series,
    }
    table = [(name, str(made.found[name]), *([str(made.wanted[name])] if wanted else [])) for name in grades]
    return {"chart": option, "table": table, "wanted": bool(wanted), "forced": made.mode == "forced"}


# A cycle


def _cycle(request: HttpRequest, viewer: Viewer, cycle: AppraisalCycle) -> dict[str, Any]:
    """Who did which step, how far the ratings are by group, and what is still open. Never who rated whom."""
    told = Counter(cycle.ratings.values_list("group", "state"))
    groups = list(dict.fromkeys(group for group, _state in sorted(told)))
    done = [
        (_("Ratings asked for"), cycle.asked_at, cycle.asked_by),
        (_("Calculated"), cycle.calculated_at, cycle.calculated_by),
        (_("Calibrated"), cycle.calibrated_at, cycle.calibrated_by),
        (_("Locked"), cycle.locked_at, cycle.locked_by),
    ]
    appeals = cycle.records.filter(appeal=AppraisalRecord.Appeal.OPEN).count()
    plan = known_plan(cycle)
    return {
        "cycle": cycle,
        "done": [{"label": label, "at": at, "who": str(by or "")} for label, at, by in done if at],
        "groups": [
            {
                "label": group_label(group),
                "given": sum(told[group, state] for state in (Rating.State.GIVEN, Rating.State.DECLINED)),
                "asked": sum(n for (g, _state), n in told.items() if g == group),
            }
            for group in groups
        ],
        "appeals": appeals,
        "interview_until": deciding.interview_until(cycle),
        "interviews": cycle.records.filter(interview_on__isnull=False).count(),
        "wants_interview": plan is not None and plan.appraisal.interview is not None,
        "team_url": with_query(reverse("appraisal_team"), {"cycle": str(cycle.pk)}) if cycle.is_out else None,
        "policy": plan.version if plan else None,
        "left": giving.to_give(viewer),
    }


# API


@guarded
def cycle_api(request: HttpRequest, pk: int) -> HttpResponse:
    """The grid for programs: scores by indicator, grades, the distribution; only what the viewer may read."""
    if request.method != "GET":
        return not_here("GET")
    viewer = viewer_of(request)
    cycle = AppraisalCycle.objects.filter(pk=pk).select_related("policy").first()
    records = rows_of(cycle, viewer, whole=True) if cycle else []
    if cycle is None or not records:
        raise Http404
    plan = known_plan(cycle)
    made = distribute(plan.appraisal, results_in(records, plan)) if plan else Distributed("off", {}, {})
    return answer(
        {
            "cycle": {"id": cycle.pk, "label": cycle.label, "appraisal": cycle.appraisal, "policy": cycle.policy_key,
                      "state": cycle.state, "digest": cycle.digest},
            "items": [_item(one) for one in records],
            "distribution": {"mode": made.mode, "wanted": dict(made.wanted), "found": dict(made.found)},
        }
    )  # fmt: skip


def _item(one: AppraisalRecord) -> dict[str, Any]:
    return {
        "appraisal": one.pk,
        "person": one.person_id,
        "name": one.person.name,
        "score": None if one.score is None else format(one.score, "f"),
        "first_grade": one.first_grade,
        "given_grade": one.given_grade,
        "grade": one.grade,
        "factor": None if one.factor is None else format(one.factor.normalize(), "f"),
        "reason": one.reason,
        "indicators": [
            {"id": line.name, "label": line.label, "weight": str(weight), "score": value_text(line), "note": line.note,
             "formula": line.formula}
            for line, weight in one.explained
        ],
        "missing": one.missing,
        "gates": one.gates,
        "outcomes": one.outcomes,
    }  # fmt: skip


def value_text(line: Line) -> str | None:
    """The score of an indicator to six places."""
    return None if line.missing else plain_number(line.number, 6)


def urls() -> list[Any]:
    """The pages of appraisals; they take the place of the plain pages of these records."""
    return [
        path("appraisals/mine", mine, name="appraisal"),
        path("ratings/mine", giving.page, name="ratings_to_give"),
        path("appraisals/team", team, name="appraisal_team"),
        path(
            "appraisals/<int:pk>",
            partial(detail_page, desk=_desk(AppraisalRecord), template="appraisal/record.html", more=_record),
        ),
        path(
            "appraisal-cycles/<int:pk>",
            partial(detail_page, desk=_desk(AppraisalCycle), template="appraisal/cycle.html", more=_cycle),
        ),
        path("api/appraisal-cycles/<int:pk>/results", cycle_api),
    ]


@documents
def _documented(said: Any) -> dict[str, Any]:
    """What the OpenAPI document says of it."""
    text, number, maybe = {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}
    many = {"type": "array", "items": text}
    counts = {"type": "object", "additionalProperties": number}
    indicator = {"id": text, "label": text, "weight": text, "score": maybe, "note": text, "formula": text}
    item = {"appraisal": number, "person": number, "name": text, "score": maybe, "first_grade": text}
    item |= {"given_grade": text, "grade": text, "factor": maybe, "reason": text, "missing": many, "gates": many}
    item |= {"outcomes": many, "indicators": {"type": "array", "items": {"type": "object", "properties": indicator}}}
    head = {"id": number, "label": text, "appraisal": text, "policy": text, "state": text, "digest": text}
    shared = {"mode": text, "wanted": counts, "found": counts}
    body = {
        "type": "object",
        "properties": {
            "cycle": {"type": "object", "properties": head},
            "items": {"type": "array", "items": {"type": "object", "properties": item}},
            "distribution": {"type": "object", "properties": shared},
        },
    }
    pk = {"name": "id", "in": "path", "required": True, "schema": number, "description": "of the cycle"}
    reading = {"operationId": "read_appraisal_results", "tags": ["appraisalcycle"], "parameters": [pk]}
    return {"/api/appraisal-cycles/{id}/results": {"get": {**reading, "responses": said(body)}}}

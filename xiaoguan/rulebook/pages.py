"""制度 and the explanation of numbers: the policy as a document, a metric opened to its records, a stored result."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.base.explain import Line
from xiaoguan.desk.access import viewer_of
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.listing import with_query
from xiaoguan.people.models import Membership, Person, Team
from xiaoguan.policy import evaluate
from xiaoguan.rulebook.facts import facts, schema
from xiaoguan.rulebook.lines import line_words, names_of, spoken, value_words
from xiaoguan.rulebook.models import PolicyVersion, Result
from xiaoguan.rulebook.reckoning import CannotReckon, version_for
from xiaoguan.rulebook.versions import document_of, examine, in_force, versions


@require_GET
def policy_page(request: HttpRequest) -> HttpResponse:
    """The policy in force as a document to read, its text, and the other versions."""
    today = timezone.localdate()
    rows = list(versions())
    chosen = next((v for v in rows if str(v.pk) == request.GET.get("version", "")), None)
    version = chosen or next(iter(in_force(today)), rows[0] if rows else None)
    if version is None:
        return render(request, "policy/show.html", {"policy": None, "clauses": [], "contents": [], "versions": []})
    policy = document_of(version)
    from xiaoguan.policy.prose import explain_text

    clauses = explain_text(policy, "zh" if (translation.get_language() or "").startswith("zh") else "en")
    shown: list[dict[str, Any]] = []
    contents: list[dict[str, str]] = []
    section = ""
    for number, clause in enumerate(clauses, 1):
        top = clause.path.split(".")[0].split("[")[0]
        item = {
            "id": f"c{number}",
            "path": clause.path,
            "line": clause.line,
            "title": clause.title,
            "text": clause.text,
        }
        if top != section:
            section = top
            contents.append({"id": item["id"], "label": _section(top)})
            item["heading"] = _section(top)
        shown.append(item)
    _policy, issues = examine(version.text)
    return render(
        request,
        "policy/show.html",
        {
            "policy": {
                "name": version.name,
                "version": version.number,
                "status": _status(version, today),
                "effective": {"start": version.effective_from, "end": version.effective_to},
                "owner": policy.header.owner,
                "note": policy.header.change_note,
                "hash": version.digest[:12],
            },
            "contents": contents,
            "clauses": shown,
            "source": version.text.splitlines(),
            "issues": [
                {"level": i.level, "message": spoken(i.message), "hint": spoken(i.hint), "line": i.line} for i in issues
            ],
            "versions": [
                {
                    "label": str(v),
                    "url": with_query(reverse("policy"), {"version": str(v.pk)}),
                    "effective": {"start": v.effective_from, "end": v.effective_to},
                    "status": _status(v, today),
                    "active": v == version,
                }
                for v in rows
            ],
        },
    )


def _section(key: str) -> str:
    names = {
        "policy": _("About this policy"),
        "calendar": _("Calendar"),
        "metrics": _("Metrics"),
        "goals": _("Goals"),
        "process": _("Sales process"),
        "incentive": _("Incentive pay"),
        "classification": _("Customer classes"),
        "follow_up": _("Follow-up"),
        "pool": _("Public pool"),
        "discount": _("Discount approval"),
        "appraisal": _("Appraisal"),
        "warnings": _("Warnings"),
        "forecast": _("Forecast"),
        "training": _("Training"),
        "recognition": _("Recognition"),
    }
    return names.get(key, key)


def _status(version: PolicyVersion, today: Any) -> str:
    if version.effective_from > today:
        return _("comes into force")
    if version.effective_to and version.effective_to <= today:
        return _("no longer in force")
    return _("in force")


@require_GET
def metric_page(request: HttpRequest, policy: str, name: str) -> HttpResponse:
    """A live number opened to its records: of a person, a team, or the company."""
    viewer = viewer_of(request)
    asked = request.GET.get("period") or timezone.localdate().strftime("%Y-%m")
    try:
        [(version, document, period)] = version_for(asked, policy)
    except CannotReckon as error:
        raise Http404 from error
    if name not in document.metrics:
        raise Http404
    people, label = _whose(request, period)
    office = viewer.has("general_manager", "operations", "finance", "hr")
    known = viewer.reports | {viewer.person_id}
    if not office and (people is None or not set(people) <= known):
        raise PermissionDenied(_("You may open your own numbers and those of people who report to you."))

    def rows_of(source: str, window: Any, dated: str) -> list[dict[str, Any]]:
        fact = facts()[source]
        return list(fact.rows(dated, window.start, window.end, fact.fields, people))

    line = evaluate(document, name, rows_of, period, schema())
    return render(
        request,
        "rulebook/result.html",
        {
            "title": f"{line.label} · {label or _('Company')} · {period.label}",
            "value": value_words(line.value, line.unit),
            "result": line_words(line),
            "policy": {"name": version.name, "version": version.number, "url": reverse("policy")},
            "run": None,
        },
    )


def _whose(request: HttpRequest, period: Any) -> tuple[list[int] | None, str]:
    """The people asked about and what to call them; None for the company."""
    person, team = request.GET.get("person", ""), request.GET.get("team", "")
    if person.isdigit():
        found = Person.objects.filter(pk=int(person)).first()
        if found is None:
            raise Http404
        return [found.pk], found.name
    if team.isdigit():
        group = Team.objects.filter(pk=int(team)).first()
        if group is None:
            raise Http404
        day = min(timezone.localdate(), period.end)
        return list(Membership.on(day).filter(team=group).values_list("person_id", flat=True)), group.name
    return None, ""


@require_GET
def result_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A stored result with its whole explanation."""
    result = (
        desk_of(Result)
        .visible(viewer_of(request))
        .filter(pk=pk)
        .select_related("run__policy", "person", "team")
        .first()
    )
    if result is None:
        raise Http404
    line = Line.from_json(result.trace)
    about = result.person or result.team or _("Company")
    return render(
        request,
        "rulebook/result.html",
        {
            "title": f"{spoken(result.label)} · {about} · {result.run.label}",
            "value": value_words(line.value, line.unit),
            "result": line_words(line, names_of(document_of(result.run.policy))),
            "policy": {"name": result.run.policy.name, "version": result.run.policy.number, "url": reverse("policy")},
            "run": {"at": result.run.at, "id": result.run_id},
        },
    )

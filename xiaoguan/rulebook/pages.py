"""The explanation of numbers: a metric opened to its records, a stored result."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.base.explain import Line
from xiaoguan.desk.access import viewer_of
from xiaoguan.desk.desk import desk_of
from xiaoguan.people.models import Membership, Person, Team
from xiaoguan.policy import evaluate
from xiaoguan.rulebook.facts import facts, schema
from xiaoguan.rulebook.lines import line_words, names_of, spoken, value_words
from xiaoguan.rulebook.models import Result
from xiaoguan.rulebook.reckoning import CannotReckon, version_for
from xiaoguan.rulebook.versions import document_of


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

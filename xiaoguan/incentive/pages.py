"""提成单: what one earned, every line of it opening to formula, clause and records."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from xiaoguan.base.explain import Line
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.cells import money_text
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.listing import with_query
from xiaoguan.people.models import Person
from xiaoguan.rulebook.lines import line_words, names_in, names_of, spoken
from xiaoguan.rulebook.models import Result
from xiaoguan.rulebook.reckoning import results_of
from xiaoguan.rulebook.versions import document_of

PERIODS = 12


@require_GET
def statement(request: HttpRequest) -> HttpResponse:
    """The statement of a person and a reckoned period; one's own newest unless the address names others."""
    viewer = viewer_of(request)
    visible = desk_of(Result).visible(viewer).filter(kind=Result.Kind.TOTAL, run__current=True)
    person = _person(request, viewer, visible)
    totals = list(
        visible.filter(person=person).select_related("run__policy").order_by("-run__starts_on", "-id")[:PERIODS]
    )
    wanted = request.GET.get("run", "")
    total = next((t for t in totals if str(t.run_id) == wanted), totals[0] if totals else None)
    context: dict[str, Any] = {
        "person": {"id": person.pk, "name": person.name} if person else None,
        "people": _people(visible, person),
        "periods": [
            {
                "label": t.run.label,
                "url": with_query(reverse("statement"), {"person": str(t.person_id), "run": str(t.run_id)}),
                "active": t is total,
            }
            for t in totals
        ],
        "lines": [],
        "exceptions": [],
        "total": None,
    }
    if total:
        run, money = total.run, total.unit.removeprefix("money:")
        found = [(r, Line.from_json(r.trace)) for r in results_of([run], Result.Kind.EARNING, person=person.pk)]
        names = names_of(document_of(run.policy)) | names_in(line for _result, line in found)
        context |= {
            "total": {"text": money_text(total.value, money), "id": total.pk},
            "period": {"label": run.label, "start": run.starts_on, "end": run.ends_on},
            "lines": [{**line_words(line, names), "id": r.pk} for r, line in found],
            "policy": {"name": run.policy.name, "version": run.policy.number, "url": reverse("policy")},
            "run": {"at": run.at, "id": run.pk},
            "exceptions": [
                spoken(i["message"], names) for i in run.issues if i.get("message", "").startswith(f"{person.name}:")
            ],
        }
    return render(request, "incentive/statement.html", context)


def _person(request: HttpRequest, viewer: Viewer, visible: Any) -> Person | None:
    """Whose statement: the one asked for if the viewer may see any of theirs, else the viewer's own, else the first."""
    wanted = request.GET.get("person", "")
    if wanted.isdigit():
        if int(wanted) != viewer.person_id and not visible.filter(person_id=int(wanted)).exists():
            raise Http404
        return Person.objects.filter(pk=int(wanted)).first()
    if viewer.person_id and visible.filter(person_id=viewer.person_id).exists():
        return Person.objects.get(pk=viewer.person_id)
    newest = (
        visible.filter(run__starts_on__lte=timezone.localdate()).order_by("-run__starts_on", "person__name").first()
    )
    return newest.person if newest else Person.objects.filter(pk=viewer.person_id).first()


def _people(visible: Any, chosen: Person | None) -> list[dict[str, Any]]:
    """The people whose statements the viewer may open, where there is more than one."""
    rows = visible.order_by().values_list("person_id", "person__name").distinct()[:500]
    people = sorted({(name, pk) for pk, name in rows})
    if len(people) < 2:
        return []
    return [
        {
            "name": name,
            "url": with_query(reverse("statement"), {"person": str(pk)}),
            "active": chosen is not None and pk == chosen.pk,
        }
        for name, pk in people
    ]

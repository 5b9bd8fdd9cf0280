"""我的评分: the ratings that are asked of somebody, person by person, as a form for the phone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods

from xiaoguan.appraisal.cycles import plan_of, scale_of
from xiaoguan.appraisal.models import AppraisalCycle, Rating
from xiaoguan.appraisal.raters import MANAGER, NAMED, PEER, REPORT, SELF
from xiaoguan.desk.access import Viewer, role_label, viewer_of
from xiaoguan.desk.desk import Desk, desk_of

STEPS = 10
"""Up to so many whole steps are offered as buttons; a longer scale is typed."""
AS = {
    SELF: gettext_lazy("About yourself"),
    MANAGER: gettext_lazy("As the manager"),
    PEER: pgettext_lazy("rating", "As a colleague; your name is not shown"),
    REPORT: pgettext_lazy("rating", "About your manager; your name is not shown"),
}


def as_label(group: str) -> str:
    return str(AS.get(group) or _("As %(role)s; your name is not shown") % {"role": role_label(group)})


@dataclass
class Sheet:
    """What one rater is asked about one person in one cycle."""

    cycle: AppraisalCycle
    ratings: list[Rating]
    typed: dict[str, str]
    errors: dict[int, str]

    @property
    def key(self) -> str:
        first = self.ratings[0]
        return f"{first.cycle_id}-{first.person_id}"

    @property
    def done(self) -> bool:
        return all(one.state != Rating.State.ASKED for one in self.ratings)

    def to_page(self) -> dict[str, Any]:
        first, plan = self.ratings[0], plan_of(self.cycle)
        names = {one.key: one.name or one.key for one in plan.appraisal.indicators}
        return {
            "key": self.key,
            "person": first.person.name,
            "as": as_label(first.group),
            "own": first.group == SELF,
            "open": self.cycle.state == AppraisalCycle.State.RATING,
            "done": self.done,
            "declined": all(one.state == Rating.State.DECLINED for one in self.ratings),
            "items": [self._item(one, names.get(one.item, one.item), scale_of(plan, one.item)) for one in self.ratings],
            "comment": self.typed.get("comment", next((one.comment for one in self.ratings if one.comment), "")),
            "unnamed": first.group not in NAMED,
        }

    def _item(self, one: Rating, name: str, scale: tuple[Decimal, Decimal]) -> dict[str, Any]:
        low, high = scale
        whole = low == int(low) and high == int(high) and high - low <= STEPS
        kept = "" if one.score is None else format(one.score.normalize(), "f")
        return {
            "id": one.pk,
            "name": name,
            "value": self.typed.get(f"score-{one.pk}", kept),
            "low": format(low.normalize(), "f"),
            "high": format(high.normalize(), "f"),
            "steps": [str(step) for step in range(int(low), int(high) + 1)] if whole else [],
            "error": self.errors.get(one.pk, ""),
        }


def _desk() -> Desk:
    found = desk_of(Rating)
    assert found is not None
    return found


def sheets_of(viewer: Viewer, typed: Any = None, errors: dict[int, str] | None = None) -> list[Sheet]:
    """What is asked of the viewer in the cycles being rated, and what was given in them; unanswered ones first."""
    rows = _desk().visible(viewer).filter(cycle__state=AppraisalCycle.State.RATING)
    found: dict[tuple[int, int], list[Rating]] = defaultdict(list)
    for one in rows.select_related("cycle__policy", "person").order_by("cycle_id", "id"):
        found[one.cycle_id, one.person_id].append(one)
    sheets = [Sheet(rows[0].cycle, rows, {}, errors or {}) for rows in found.values()]
    for sheet in sheets:
        if typed is not None and typed.get("sheet") == sheet.key:
            sheet.typed = {name: value for name, value in typed.items() if isinstance(value, str)}
    return sorted(sheets, key=lambda s: (s.done, s.cycle.due_on or s.cycle.starts_on, s.ratings[0].group != SELF))


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Everybody whom the viewer is to rate; a POST keeps one of the sheets, or says that nothing can be said."""
    viewer = viewer_of(request)
    errors: dict[int, str] = {}
    if request.method == "POST":
        sheet = next((s for s in sheets_of(viewer) if s.key == request.POST.get("sheet")), None)
        if sheet is None:
            messages.warning(request, _("These ratings are closed."))
            return HttpResponseRedirect(reverse("ratings_to_give"))
        errors = _keep(viewer, sheet, request.POST)
        if not errors:
            messages.success(request, _("Kept: %(person)s") % {"person": sheet.ratings[0].person.name})
            return HttpResponseRedirect(reverse("ratings_to_give"))
    return _shown(request, viewer, errors)


def _keep(viewer: Viewer, sheet: Sheet, data: Any) -> dict[int, str]:
    """Every score of the sheet through the deed of its own. Returns what is wrong, by rating."""
    desk, errors = _desk(), {}
    for number, one in enumerate(sheet.ratings):
        comment = data.get("comment", "") if number == 0 else ""
        try:
            if "decline" in data:
                desk.verb("decline").run(one, viewer, {}, desk.write)  # type: ignore[union-attr]
            else:
                given = {"score": data.get(f"score-{one.pk}", ""), "comment": comment}
                desk.verb("give").run(one, viewer, given, desk.write)  # type: ignore[union-attr]
        except ValidationError as error:
            errors[one.pk] = " ".join(error.messages)
    return errors


def _shown(request: HttpRequest, viewer: Viewer, errors: dict[int, str]) -> HttpResponse:
    sheets = sheets_of(viewer, request.POST if errors else None, errors)
    cycles: dict[int, dict[str, Any]] = {}
    for sheet in sheets:
        about = cycles.setdefault(sheet.cycle.pk, {"cycle": sheet.cycle, "sheets": [], "left": 0})
        about["sheets"].append(sheet.to_page())
        about["left"] += not sheet.done
    context = {"cycles": list(cycles.values()), "left": sum(one["left"] for one in cycles.values())}
    context["all"] = len(sheets)
    return render(request, "appraisal/ratings.html", context, status=422 if errors else 200)


def to_give(viewer: Viewer) -> int:
    """How many people the viewer has not rated yet."""
    rows = _desk().visible(viewer).filter(cycle__state=AppraisalCycle.State.RATING, state=Rating.State.ASKED)
    return rows.order_by().values("cycle_id", "person_id").distinct().count()


def number(value: Decimal | None) -> str:
    """A score to 0.01."""
    return "" if value is None else f"{value:,.2f}"

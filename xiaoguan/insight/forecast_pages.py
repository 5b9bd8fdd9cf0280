"""预测: what the period will bring beside its goal, what moved since it was kept last, and how good forecasts were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy
from django.views.decorators.http import require_GET

from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import Period
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api import answer, guarded
from xiaoguan.desk.api.openapi import documents
from xiaoguan.desk.api.views import is_id
from xiaoguan.desk.cells import day_text, short_day
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.listing import with_query
from xiaoguan.desk.screens.details import detail_page
from xiaoguan.goals.pages import value_text
from xiaoguan.insight.forecasts import COMPANY, SOME, View, cases, foreseen, ruled
from xiaoguan.insight.models import ForecastSnapshot
from xiaoguan.people.models import Membership, Person, Team
from xiaoguan.policy.forecast import Foreseen, Kept, Measured, at_lead, calibrated, earlier, lead_of, measured
from xiaoguan.policy.formula import Duration
from xiaoguan.rulebook.asking import number_text
from xiaoguan.rulebook.lines import spoken
from xiaoguan.rulebook.process import process_in_force
from xiaoguan.sales.models import Opportunity

SHOWN, MOVED, LOOKED_BACK = 50, 20, 12
"""Deals of an owner, deals that moved, periods that are over, at most."""
LIVE = 5_000
"""Of more open deals the last kept forecast is shown, where there is one."""
METHODS = {
    "category": pgettext_lazy("forecast", "Committed"),
    "weighted_stage": pgettext_lazy("forecast", "Weighted"),
    "stage_conversion": pgettext_lazy("forecast", "By experience"),
    "time_series": pgettext_lazy("forecast", "By season"),
}
MEANS = {
    "category": gettext_lazy(
        "What came so far, and deals that people commit to. The best case adds those that may come."
    ),
    "weighted_stage": gettext_lazy("Each open deal that is due counts with the probability of its stage."),
    "stage_conversion": gettext_lazy(
        "Each open deal counts with the share of past deals that, so long in its stage, were won in the days left."
    ),
    "time_series": gettext_lazy("What the rest of the period brings by the periods before, without looking at deals."),
}
SERIES = {
    "seasonal_naive": pgettext_lazy("forecast", "as a year ago"),
    "smoothing": pgettext_lazy("forecast", "smoothed"),
    "holt_winters": pgettext_lazy("forecast", "level, trend and season"),
}
MOVES = {
    "won": pgettext_lazy("forecast", "Won"),
    "new": pgettext_lazy("forecast", "New"),
    "in": pgettext_lazy("forecast", "Pulled in"),
    "late": pgettext_lazy("forecast", "Carried over"),
    "amount": pgettext_lazy("forecast", "Other amount"),
    "stage": pgettext_lazy("forecast", "Other stage"),
    "out": pgettext_lazy("forecast", "Pushed out"),
    "lost": pgettext_lazy("forecast", "Lost"),
    "gone": pgettext_lazy("forecast", "No longer in it"),
}
TONES = {"won": "green", "new": "blue", "in": "green", "late": "amber", "out": "amber", "lost": "red"}


@dataclass
class Asked:
    """A period, everybody's forecast that the viewer may see, and whose is looked at."""

    viewer: Viewer
    view: View
    period: Period
    rows: Sequence[ForecastSnapshot]
    one: ForecastSnapshot | None

    @cached_property
    def own(self) -> Sequence[ForecastSnapshot]:
        """Of whoever is looked at, the forecasts of people that it is made of."""
        assert self.one is not None
        people = [row for row in self.every if row.person_id is not None]
        if self.one.whose == COMPANY:
            return people
        return [row for row in people if self.one.whose in (row.whose, f"team:{row.team_id}")]

    every: Sequence[ForecastSnapshot] = ()


def ask(request: HttpRequest) -> Asked | None:
    """What the address asks; None where no policy in force forecasts. Raises Http404 for what may not be seen."""
    viewer, desk, today = viewer_of(request), desk_of(ForecastSnapshot), timezone.localdate()
    found = ruled(today)
    if found is None or desk is None:
        return None
    view = View(*found, today, concerned(viewer, today))
    periods = view.periods
    if not periods:
        return None
    label, whose = request.GET.get("period", ""), request.GET.get("whose", "")
    period = next((one for one in periods if one.label == label), None if label else periods[0])
    if period is None:
        raise Http404
    every = _kept(view, period) or list(view.rows(period))
    rows = [row for row in every if desk.may_read(viewer, row)]
    one = next((row for row in rows if row.whose == whose), None) if whose else next(iter(rows), None)
    if whose and one is None:
        raise Http404
    return Asked(viewer, view, period, rows, one, every)


def _kept(view: View, period: Period) -> list[ForecastSnapshot]:
    """The last kept forecasts of a period, where there are too many open deals to work it out while somebody waits."""
    deals = Opportunity.objects.filter(result=Opportunity.Result.OPEN)
    if view.only is not None:
        deals = deals.filter(owner__in=view.only)
    if deals[: LIVE + 1].count() <= LIVE:
        return []
    rows = ForecastSnapshot.objects.filter(policy_key=view.policy.id, starts_on=period.start, ends_on=period.end)
    last = rows.order_by("-taken_on").values_list("taken_on", flat=True).first()
    return list(rows.filter(taken_on=last).select_related("person", "team").order_by("pk"))


def concerned(viewer: Viewer, day: date) -> frozenset[int] | None:
    """The people whose forecasts the viewer may see, alone or as a team's; None for those who may see the company's."""
    desk = desk_of(ForecastSnapshot)
    assert desk is not None
    if desk.may_read(viewer, ForecastSnapshot(whose=COMPANY)):
        return None
    people = [pk for pk in Person.objects.values_list("pk", flat=True) if desk.may_read(viewer, _of(person_id=pk))]
    led = [team.pk for team in Team.objects.all() if desk.may_read(viewer, _of(team=team))]
    members = Membership.on(day).filter(team__in=led).values_list("person_id", flat=True)
    return frozenset(people) | frozenset(members)


def _of(**whose: Any) -> ForecastSnapshot:
    return ForecastSnapshot(**whose)


# What moved


@dataclass(frozen=True)
class Move:
    """What became of a deal since the forecast was kept, and what that did to the weighted forecast, in units."""

    deal: int
    kind: str
    effect: int


def kept_last(asked: Asked, one: ForecastSnapshot) -> ForecastSnapshot | None:
    """The last kept forecast of the same owner and period before today."""
    rows = ForecastSnapshot.objects.filter(policy_key=one.policy_key, whose=one.whose, taken_on__lt=one.taken_on)
    return rows.filter(starts_on=one.starts_on, ends_on=one.ends_on).order_by("-taken_on", "-pk").first()


def people_of(last: ForecastSnapshot) -> list[ForecastSnapshot]:
    """The kept forecasts of people that a kept one of a team or the company is made of; a person's own."""
    return list(_people_of(last).order_by("pk"))


def _people_of(last: ForecastSnapshot) -> QuerySet[ForecastSnapshot]:
    same = ForecastSnapshot.objects.filter(
        policy_key=last.policy_key, starts_on=last.starts_on, ends_on=last.ends_on, taken_on=last.taken_on
    ).filter(person__isnull=False)
    if last.whose == COMPANY:
        return same
    return same.filter(person=last.person_id) if last.person_id else same.filter(team=last.team_id)


def moves(before: Sequence[ForecastSnapshot], now: Sequence[ForecastSnapshot], last: ForecastSnapshot) -> list[Move]:
    """Every deal whose part in the weighted forecast is another one, the largest effect first."""
    then = {deal[0]: deal for row in before for deal in row.deals}
    here = {deal[0]: deal for row in now for deal in row.deals}
    closed = Opportunity.objects.filter(pk__in=[*(then.keys() - here.keys()), *_won_since(last)])
    names = ("pk", "result", "closed_on", "amount", "closes_on")
    fates = {pk: fate for pk, *fate in closed.values_list(*names)}
    found = []
    for pk in {*then, *here, *fates}:
        old, new = then.get(pk), here.get(pk)
        fate = fates.get(pk) if new is None else None
        was, now_ = (_part(one) if one else 0 for one in (old, new))
        if fate is not None and fate[0] == Opportunity.Result.WON and last.starts_on <= fate[1] < last.ends_on:
            found.append(Move(pk, "won", fate[2] - was))
        elif now_ != was:
            found.append(Move(pk, _kind(old, new, fate, last), now_ - was))
    return sorted(found, key=lambda one: (-abs(one.effect), one.deal))


def _won_since(last: ForecastSnapshot) -> list[int]:
    """Deals of the owner that were won in the period since it was kept."""
    rows = Opportunity.objects.filter(result=Opportunity.Result.WON, closed_on__gte=max(last.taken_on, last.starts_on))
    rows = rows.filter(closed_on__lt=last.ends_on, currency=last.currency)
    if last.whose != COMPANY:
        people = [row.person_id for row in people_of(last)]
        rows = rows.filter(owner__in=people)
    return list(rows.values_list("pk", flat=True))


def _part(deal: Sequence[Any]) -> int:
    return round(deal[2] * Fraction(deal[6]))


def _kind(old: Any, new: Any, fate: Any, last: ForecastSnapshot) -> str:
    """fate: result, when it was closed, amount and expected day of a deal that adds nothing any more."""
    if new is None:
        lost = fate is not None and fate[0] == Opportunity.Result.LOST
        pushed = fate is not None and fate[0] == Opportunity.Result.OPEN and fate[3] >= last.ends_on
        return "lost" if lost else "out" if pushed else "gone"
    if old is None or bool(old[4]) != bool(new[4]):
        late = new[5] < last.starts_on.isoformat()  # due before the period, and still open in it
        return "out" if not new[4] else "late" if late else "new" if old is None else "in"
    return "stage" if old[3] != new[3] else "amount"


# How good it was


@dataclass(frozen=True)
class Past:
    """A period that is over: what came, in it and a year before, and what had been kept of it at the lead."""

    period: Period
    actual: int
    year_before: int | None
    kept: ForecastSnapshot


def looked_back(view: View, one: ForecastSnapshot, kind: str) -> list[Past]:
    """The periods of a kind that are over, with the owner's forecast kept at the lead, the earliest first."""
    lead = lead_of(view.rule)
    rows = ForecastSnapshot.objects.filter(policy_key=one.policy_key, whose=one.whose, ends_on__lte=view.day)
    by_period: dict[Period, list[ForecastSnapshot]] = defaultdict(list)
    for row in rows.filter(taken_on__gte=earlier(view.day, Duration(3, "y"))).order_by("taken_on", "pk").defer("deals"):
        try:
            period = view.policy.calendar.period(kind, row.starts_on)
        except ValueError:  # kept under a calendar that is another one by now
            continue
        if (period.start, period.end) == (row.starts_on, row.ends_on):
            by_period[period].append(row)
    best: dict[Period, ForecastSnapshot] = {}
    for period in sorted(by_period, key=lambda period: period.start)[-LOOKED_BACK:]:
        kept = {row.taken_on: row for row in by_period[period]}
        one_ = at_lead((Kept(period, on, {}) for on in kept), lead).get(period)
        if one_ is not None:
            best[period] = kept[one_.taken_on]
    people = {period: frozenset(_people_of(row).values_list("person", flat=True)) for period, row in best.items()}
    then = view.of(frozenset().union(*people.values()))  # some are in another team by now

    def came(of: Period, whose: frozenset[int]) -> int:
        found = then.came(of)
        return found[None] if one.whose == COMPANY else sum(found.get(pk, 0) for pk in whose)

    calendar = view.policy.calendar
    return [
        Past(period, came(period, whose), came(calendar.same_last_year(period), whose) or None, best[period])
        for period, whose in people.items()
    ]


def measures(view: View, past: Sequence[Past]) -> dict[str, Measured]:
    """Of each method of the policy."""
    found = {}
    for method in view.rule.methods:
        rows = [(one, known) for one in past if (known := foreseen(one.kept, method)) is not None]
        if rows:
            pairs = [(one.actual, known) for one, known in rows]
            found[method] = measured(pairs, [one.year_before for one, _known in rows])
    return found


# Showing


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The table, the charts, the deals behind one row, what moved, how good it was."""
    asked = ask(request)
    if asked is None:
        return render(request, "insight/forecast.html", {"one": None})
    one, view, period = asked.one, asked.view, asked.period
    if one is None:
        return render(request, "insight/forecast.html", {"one": None, "nobody": True})
    here = {"period": period.label}
    show = request.GET.get("show", "")
    goal = view.policy.goal(one.goal)
    last = kept_last(asked, one)
    past = looked_back(view, one, period.kind)
    context = {
        "one": _row(asked, one),
        "policy": {"name": str(view.version), "url": reverse("policy")},
        "goal": (goal.name or goal.id) if goal is not None else "",
        "substituted": view.substituted,
        "kept_on": one.taken_on if one.pk else None,
        "period": period,
        "periods": [
            {"label": p.label, "url": with_query("", {"period": p.label, "whose": one.whose}), "active": p == period}
            for p in view.periods
        ],
        "methods": [{"id": m, "label": METHODS[m], "means": MEANS[m]} for m in view.rule.methods],
        "rows": [_row(asked, row) for row in asked.rows],
        "deals": _deals(asked, show),
        "show": show,
        "shows": [
            {
                "label": label,
                "url": with_query("", {**here, "whose": one.whose, "show": key}) + "#deals",
                "active": key == show,
            }
            for key, label in (("", _("All")), *((key, label) for key, label in Opportunity.Category.choices[:3]))
        ],
        "moved": _moved(asked, last) if last is not None else None,
        "bars": _bars(asked),
        "trend": _trend(asked),
        "past": _past(view, past),
        "lead": _lead(lead_of(view.rule)),
        "kept_url": desk_of(ForecastSnapshot).url(),
    }
    return render(request, "insight/forecast.html", context)


def _lead(lead: Duration) -> str:
    if lead.unit == "w":
        return ngettext("%(n)d week", "%(n)d weeks", lead.count) % {"n": lead.count}
    return ngettext("%(n)d day", "%(n)d days", lead.count) % {"n": lead.count} if lead.unit == "d" else str(lead)


def _name(row: ForecastSnapshot) -> str:
    return row.person.name if row.person_id else row.team.name if row.team_id else _("Company")


def _text(asked: Asked, units: int | None) -> str:
    return value_text(units, f"money:{asked.view.policy.currency}")


def _row(asked: Asked, row: ForecastSnapshot) -> dict[str, Any]:
    known = {method: foreseen(row, method) for method in asked.view.rule.methods}
    chance = next((one.chance for one in known.values() if one is not None and one.chance is not None), None)
    weighted, goal = row.weighted_units, row.quota_units
    reached = Fraction(weighted, goal) if goal else None
    here = {"period": row.label, "whose": row.whose}
    return {
        "whose": row.whose,
        "label": _name(row),
        "level": 2 if row.person_id else 1 if row.team_id else 0,
        "active": asked.one is not None and row.whose == asked.one.whose,
        "url": with_query("", here),
        "goal": _text(asked, goal),
        "actual": _text(asked, row.actual_units),
        "said": [
            {"text": _text(asked, units), "url": with_query("", {**here, "show": key}) + "#deals" if units else ""}
            for key, units in (
                ("commit", row.commit_units),
                ("best_case", row.best_case_units),
                ("pipeline", row.pipeline_units),
            )
        ],
        "methods": [
            {
                "id": m,
                "label": METHODS[m],
                "text": _text(asked, one.value) if one else "–",
                "range": _range(asked, m, one),
            }
            for m, one in known.items()
        ],
        "weighted": _text(asked, weighted),
        "reached": reached,
        "gap": _text(asked, goal - weighted) if goal and goal > weighted else "",
        "chance": chance,
        "tone": ""
        if reached is None
        else "green"
        if reached >= 1
        else "amber"
        if reached >= Fraction(9, 10)
        else "red",
    }


def _range(asked: Asked, method: str, one: Foreseen | None) -> str:
    """What stands below the number: why there is none, the best case, or the range and how a series was continued."""
    if one is None:
        return ""
    if one.value is None:
        return spoken(one.note)
    if method == "category":
        return _("best case %(amount)s") % {"amount": _text(asked, one.high)}
    known = one.low is not None and one.high is not None
    told = [f"{_text(asked, one.low)} – {_text(asked, one.high)}"] if known else []
    return " · ".join([*told, *([str(SERIES[one.note])] if one.note in SERIES else [])])


def _deals(asked: Asked, show: str) -> dict[str, Any]:
    """The deals behind the row, as far as the viewer may see them, those that add most first."""
    desk = desk_of(Opportunity)
    assert desk is not None
    found = [
        deal for row in asked.own for deal in row.deals if (deal[4] == show if show else deal[4] or deal[7] != "0")
    ]
    found.sort(key=lambda deal: (-max(_part(deal), deal[2] * Fraction(deal[7])), deal[0]))
    ids = [deal[0] for deal in found]
    seen = {
        row.pk: row
        for row in desk.visible(asked.viewer).filter(pk__in=ids[: 4 * SHOWN]).select_related("customer", "owner")
    }
    names, labels = process_in_force(), dict(Opportunity.Category.choices)
    by_experience = "stage_conversion" in asked.view.rule.methods
    shown = [
        {
            "title": deal[1],
            "url": desk.url("detail", pk=deal[0]),
            "customer": seen[deal[0]].customer.name,
            "owner": seen[deal[0]].owner.name,
            "amount": _text(asked, deal[2]),
            "stage": names.stage(deal[3]).name,
            "category": labels.get(deal[4], "–"),
            "tone": Opportunity.TONES["category"].get(deal[4], ""),
            "on": seen[deal[0]].closes_on,
            "late": seen[deal[0]].closes_on < asked.view.day,
            "chance": Fraction(deal[6]),
            "learnt": Fraction(deal[7]) if by_experience else None,
            "part": _text(asked, _part(deal)),
        }
        for deal in found
        if deal[0] in seen
    ][:SHOWN]
    query = {"result": "open", "where": [f"closes_on:lt:{asked.period.end.isoformat()}"], "sort": "-amount"}
    if asked.one is not None and asked.one.person_id:
        query["owner"] = str(asked.one.person_id)
    return {"rows": shown, "n": len(found), "more": len(found) - len(shown), "all": with_query(desk.url(), query),
            "learnt": by_experience}  # fmt: skip


def _moved(asked: Asked, last: ForecastSnapshot) -> dict[str, Any]:
    """Since the last kept forecast: sums by what became of deals, and the largest ones."""
    one, desk = asked.one, desk_of(Opportunity)
    assert one is not None and desk is not None
    found = moves(people_of(last), asked.own, last)
    sums: dict[str, int] = defaultdict(int)
    counts: dict[str, int] = defaultdict(int)
    for move in found:
        sums[move.kind] += move.effect
        counts[move.kind] += 1
    change = one.weighted_units - last.weighted_units
    rest = change - sum(sums.values())
    seen = desk.visible(asked.viewer).filter(pk__in=[move.deal for move in found[: 4 * MOVED]]).select_related("owner")
    deals = {deal.pk: deal for deal in seen}
    rows = [
        {"kind": MOVES[m.kind], "tone": TONES.get(m.kind, ""), "title": deals[m.deal].title,
         "owner": deals[m.deal].owner.name, "url": desk.url("detail", pk=m.deal), "effect": _signed(asked, m.effect)}
        for m in found if m.deal in deals
    ]  # fmt: skip
    return {
        "on": last.taken_on,
        "then": _text(asked, last.weighted_units),
        "now": _text(asked, one.weighted_units),
        "change": _signed(asked, change),
        "sums": [
            {"label": label, "n": counts[kind], "effect": _signed(asked, sums[kind]), "tone": TONES.get(kind, "")}
            for kind, label in MOVES.items()
            if counts[kind]
        ],
        "rest": _signed(asked, rest) if abs(rest) > SCALE else "",
        "rows": rows[:MOVED],
    }


def _signed(asked: Asked, units: int) -> str:
    return f"{'+' if units > 0 else ''}{_text(asked, units)}"


def _bars(asked: Asked) -> dict[str, Any]:
    """Of everybody below whoever is looked at: what came, what is committed, what may come; the goal as a mark."""
    one = asked.one
    assert one is not None
    rows = [row for row in asked.rows if row.whose != COMPANY and (row.team_id is None or row.person_id is None)]
    if one.whose != COMPANY:
        rows = [row for row in asked.rows if row.person_id and row.whose in {own.whose for own in asked.own}]
    elif len(rows) < 2:
        rows = [row for row in asked.rows if row.person_id]
    rows = rows[::-1]
    parts = (
        (pgettext("forecast", "so far"), "@chart-1", "actual_units"),
        (pgettext("forecast", "committed"), "@chart-3", "commit_units"),
        (pgettext("forecast", "best case"), "@chart-6", "best_case_units"),
    )
    series: list[dict[str, Any]] = [
        {
            "type": "bar",
            "stack": "s",
            "name": name,
            "itemStyle": {"color": colour},
            "data": [getattr(r, at) / SCALE for r in rows],
        }
        for name, colour, at in parts
    ]
    goals = [None if r.quota_units is None else r.quota_units / SCALE for r in rows]
    series.append(
        {
            "type": "scatter",
            "name": _("Goal"),
            "symbol": "rect",
            "symbolSize": [3, 26],
            "itemStyle": {"color": "@ink"},
            "data": goals,
        }
    )
    option = {
        "legend": {"type": "scroll"},
        "grid": {"left": 8, "right": 24, "top": 36, "bottom": 8, "outerBoundsMode": "same"},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "value"},
        "yAxis": {"type": "category", "data": [_name(row) for row in rows]},
        "series": series,
    }
    table = [
        [_name(r), *(_text(asked, getattr(r, at)) for _n, _c, at in parts), _text(asked, r.quota_units)]
        for r in rows[::-1]
    ]
    return {
        "option": option,
        "table": table,
        "rows": len(rows),
        "columns": [_("Who"), *(n for n, _c, _a in parts), _("Goal")],
    }


def _trend(asked: Asked) -> dict[str, Any] | None:
    """How the forecast of this period moved from one kept forecast to the next, and today."""
    one = asked.one
    assert one is not None
    rows = ForecastSnapshot.objects.filter(
        policy_key=one.policy_key, whose=one.whose, starts_on=one.starts_on, ends_on=one.ends_on
    )
    kept = [*rows.filter(taken_on__lt=one.taken_on).order_by("taken_on"), one]
    if len(kept) < 2:
        return None
    lines: list[tuple[str, str, list[int | None]]] = [
        (pgettext("forecast", "so far"), "@chart-1", [r.actual_units for r in kept])
    ]
    for colour, method in zip(("@chart-3", "@chart-2", "@chart-5", "@chart-4"), asked.view.rule.methods, strict=False):
        values = [found.value if (found := foreseen(r, method)) is not None else None for r in kept]
        lines.append((str(METHODS[method]), colour, values))
    series: list[dict[str, Any]] = [
        {"type": "line", "name": name, "itemStyle": {"color": colour}, "lineStyle": {"color": colour},
         "data": [None if v is None else v / SCALE for v in values]}
        for name, colour, values in lines
    ]  # fmt: skip
    if one.quota_units:
        goal = {"yAxis": one.quota_units / SCALE, "name": _("Goal")}
        series[0]["markLine"] = {
            "symbol": "none",
            "silent": True,
            "data": [goal],
            "label": {"formatter": "{b}", "position": "insideEndTop"},
        }
    days = [short_day(row.taken_on) for row in kept]
    top = max([one.quota_units or 0, *(v or 0 for _n, _c, values in lines for v in values)]) / SCALE
    option = {
        "legend": {"type": "scroll"},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": days, "boundaryGap": False},
        "yAxis": {"type": "value", "max": _round_up(top)},
        "series": series,
    }
    table = [[day_text(r.taken_on), *(_text(asked, v[at]) for _n, _c, v in lines)] for at, r in enumerate(kept)]
    return {"option": option, "table": table, "columns": [_("Day"), *(name for name, _c, _v in lines)]}


def _round_up(value: float) -> float:
    """The next number of two digits and noughts."""
    step = 10 ** max(len(str(int(value))) - 2, 0)
    return (int(value * 1.02) // step + 1) * step


def _past(view: View, past: Sequence[Past]) -> dict[str, Any] | None:
    """Each period that is over with its error, sums by method beside what the policy accepts, the bands of chances."""
    if not past:
        return None
    unit, methods = f"money:{view.policy.currency}", view.rule.methods
    accepted = view.rule.accuracy
    found = measures(view, past)
    rows = [
        {
            "label": one.period.label,
            "on": one.kept.taken_on,
            "actual": value_text(one.actual, unit),
            "methods": [_off(one, method, unit) for method in methods],
        }
        for one in past
    ]
    sums = [
        {
            "label": METHODS[method],
            "wape": got.wape,
            "wape_tone": _tone(got.wape, accepted.wape.max if accepted and accepted.wape else None),
            "bias": got.bias,
            "bias_tone": _tone(got.bias, accepted.bias.max if accepted and accepted.bias else None),
            "mase": got.mase,
            "mase_tone": _tone(got.mase, 1),
            "inside": got.inside if got.inside[1] and method != "category" else None,
            "periods": got.periods,
        }
        for method, got in found.items()
    ]
    people = [row for one in past for row in people_of(one.kept)]
    judged = []
    for at, method in ((6, "weighted_stage"), (7, "stage_conversion")):
        if method in methods and (known := cases(people, at)):
            got = calibrated(known)
            limit = accepted.brier.max if accepted and accepted.brier else None
            judged.append(
                {
                    "label": METHODS[method],
                    "brier": f"{float(got.brier or 0):.3f}",
                    "tone": _tone(got.brier, limit),
                    "n": got.deals,
                    "bands": got.bands,
                }
            )
    bounds = {
        name: getattr(accepted, name).max if accepted and getattr(accepted, name) else None
        for name in ("wape", "bias", "brier")
    }
    return {"rows": rows, "sums": sums, "judged": judged, "accepted": bounds, "chart": _reliability(judged)}


def _off(one: Past, method: str, unit: str) -> dict[str, Any]:
    known = foreseen(one.kept, method)
    if known is None or known.value is None:
        return {"text": "–", "off": None}
    off = Fraction(known.value - one.actual, one.actual) if one.actual else None
    return {"text": value_text(known.value, unit), "off": off}


def _tone(value: Fraction | None, limit: Fraction | int | None) -> str:
    return "" if value is None or limit is None else "green" if abs(value) <= limit else "red"


def _reliability(judged: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What share was won of the deals that were given a chance: on the diagonal chances are right."""
    if not judged:
        return None
    series: list[dict[str, Any]] = [
        {"type": "line", "name": pgettext("forecast", "as promised"), "data": [[0, 0], [1, 1]], "showSymbol": False,
         "lineStyle": {"type": "dashed", "color": "@ink-3"}, "itemStyle": {"color": "@ink-3"}}
    ]  # fmt: skip
    for one in judged:
        data = [[float(mean), float(won)] for mean, won, _n in one["bands"]]
        series.append({"type": "line", "name": str(one["label"]), "data": data, "symbolSize": 7})
    axis = {"type": "value", "min": 0, "max": 1, "axisLabel": {"formatter": "@percent"}}
    option = {
        "legend": {"type": "scroll"},
        "tooltip": {"trigger": "item"},
        "xAxis": {**axis, "name": _("chance given"), "nameLocation": "middle", "nameGap": 28},
        "yAxis": {**axis, "name": _("share won")},
        "series": series,
    }
    table = [
        [str(one["label"]), f"{float(mean):.0%}", f"{float(won):.0%}", str(n)]
        for one in judged
        for mean, won, n in one["bands"]
    ]
    return {"option": option, "table": table, "columns": [_("Method"), _("chance given"), _("share won"), _("Deals")]}


# For programs


def api(request: HttpRequest) -> HttpResponse:
    """Everybody's forecast that the viewer may see, and how good forecasts of one owner were."""
    asked = ask(request)
    if asked is None or asked.one is None:
        return answer({"period": None, "rows": []})
    view, unit = asked.view, f"money:{asked.view.policy.currency}"

    def told(row: ForecastSnapshot) -> dict[str, Any]:
        return {
            "whose": row.whose,
            "name": _name(row),
            "goal": number_text(row.quota_units, unit),
            "actual": number_text(row.actual_units, unit),
            "commit": number_text(row.commit_units, unit),
            "best_case": number_text(row.best_case_units, unit),
            "pipeline": number_text(row.pipeline_units, unit),
            "methods": {m: _told(foreseen(row, m), unit) for m in view.rule.methods},
        }

    past = looked_back(view, asked.one, asked.period.kind)
    accuracy = [
        {
            "method": method,
            "wape": number_text(got.wape, "ratio"),
            "bias": number_text(got.bias, "ratio"),
            "mase": number_text(got.mase, "ratio"),
            "periods": got.periods,
        }
        for method, got in measures(view, past).items()
    ]
    head = {"period": asked.period.label, "currency": view.policy.currency, "whose": asked.one.whose}
    return answer(
        {**head, "rows": [told(row) for row in asked.rows], "lead": str(lead_of(view.rule)), "accuracy": accuracy}
    )


def _told(one: Foreseen | None, unit: str) -> dict[str, Any] | None:
    if one is None:
        return None
    chance = None if one.chance is None else f"{one.chance:.4f}"
    values = {name: number_text(getattr(one, name), unit) for name in ("value", "low", "high")}
    return {**values, "chance": chance, "note": one.note}


def kept_why(request: HttpRequest, pk: int) -> HttpResponse:
    """A kept forecast by every method, and the deals behind it that the viewer may see, with their chances of then."""
    viewer, desk = viewer_of(request), desk_of(ForecastSnapshot)
    row = desk.visible(viewer).filter(pk=pk).first() if desk is not None and is_id(pk) else None
    if row is None:
        raise Http404
    unit, (shown, hidden) = f"money:{row.currency}", _behind(viewer, row)
    return answer(
        {
            "id": row.pk,
            "methods": {method: _told(foreseen(row, method), unit) for method in row.methods},
            "deals": [
                {"id": pk_, "title": title, "amount": number_text(units, unit), "stage": stage, "category": category,
                 "closes_on": closes_on, "chance": number_text(Fraction(staged), "ratio"),
                 "learnt": number_text(Fraction(learnt), "ratio")}
                for pk_, title, units, stage, category, closes_on, staged, learnt in shown
            ],
            "hidden": hidden,
        }
    )  # fmt: skip


def _behind(viewer: Viewer, row: ForecastSnapshot) -> tuple[list[list[Any]], int]:
    """The deals behind a kept forecast that the viewer may see, those that add most first; and how many others."""
    desk = desk_of(Opportunity)
    assert desk is not None
    deals = [deal for one in people_of(row) for deal in one.deals]
    ids, seen = [deal[0] for deal in deals], set[int]()
    for at in range(0, len(ids), SOME):
        seen |= set(desk.visible(viewer).filter(pk__in=ids[at : at + SOME]).values_list("pk", flat=True))
    shown = [deal for deal in deals if deal[0] in seen]
    return sorted(shown, key=lambda deal: (-_part(deal), deal[0])), len(deals) - len(shown)


def _kept_page(request: HttpRequest, viewer: Viewer, record: ForecastSnapshot) -> dict[str, Any]:
    """What was said by each method, and the deals behind it."""
    shown, hidden = _behind(viewer, record)
    desk, process, unit = desk_of(Opportunity), process_in_force(), f"money:{record.currency}"
    labels = dict(Opportunity.Category.choices)
    assert desk is not None
    said = {method: Foreseen(*found) for method, found in record.methods.items()}
    return {
        "methods": [
            {
                "label": METHODS.get(method, method),
                "value": value_text(one.value, unit),
                "range": f"{value_text(one.low, unit)} – {value_text(one.high, unit)}" if one.low is not None else "",
                "chance": one.chance,
                "note": spoken(one.note) if one.value is None else "",
            }
            for method, one in said.items()
        ],
        "deals": [
            {
                "title": deal[1],
                "url": desk.url("detail", pk=deal[0]),
                "amount": value_text(deal[2], unit),
                "stage": process.stage(deal[3]).name,
                "category": labels.get(deal[4], "–"),
                "tone": Opportunity.TONES["category"].get(deal[4], ""),
                "on": date.fromisoformat(deal[5]),
                "chance": Fraction(deal[6]),
                "learnt": Fraction(deal[7]),
            }
            for deal in shown[: 2 * SHOWN]
        ],
        "more": len(shown[2 * SHOWN :]) + hidden,
    }


@documents
def documented(said: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    words = [{"name": n, "in": "query", "schema": {"type": "string"}} for n in ("period", "whose")]
    answered = {"type": "object", "required": ["period", "rows"], "additionalProperties": True}
    told = {"operationId": "forecast", "tags": ["forecast"], "parameters": words, "responses": said(answered)}
    key = [{"name": "pk", "in": "path", "required": True, "schema": {"type": "integer"}}]
    behind = {"type": "object", "required": ["id", "methods", "deals"], "additionalProperties": True}
    why = {"operationId": "forecast_why", "tags": ["forecast"], "parameters": key, "responses": said(behind)}
    return {"/api/forecast": {"get": told}, "/api/kept-forecasts/{pk}/why": {"get": why}}


def urls() -> list[Any]:
    """The page, and the same for programs."""
    kept = partial(detail_page, desk=desk_of(ForecastSnapshot), template="insight/kept.html", more=_kept_page)
    return [
        path("forecast/", page, name="forecast"),
        path("kept-forecasts/<int:pk>", kept, name="kept_forecast"),
        path("api/forecast", guarded(api, "forecastsnapshot", ("GET",))),
        path("api/kept-forecasts/<int:pk>/why", guarded(kept_why, "forecastsnapshot", ("GET",))),
    ]

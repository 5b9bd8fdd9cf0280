"""如果成交 what if: the statement as it would be if these deals closed, from the engine that pays. Nothing is saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.base.explain import Line, Statement
from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import Period
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api import answer, guarded
from xiaoguan.desk.api.openapi import documents
from xiaoguan.desk.cells import money_text
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.listing import with_query
from xiaoguan.people.models import Person
from xiaoguan.policy import Policy, Who
from xiaoguan.policy.formula import Row
from xiaoguan.rulebook.asking import number_text
from xiaoguan.rulebook.facts import facts
from xiaoguan.rulebook.lines import line_words, names_in, names_of, spoken
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.reckoning import attainment_of, paid
from xiaoguan.rulebook.versions import document_of, in_force, known_versions
from xiaoguan.rulebook.world import DatabaseWorld, Participants
from xiaoguan.sales.models import Opportunity

DEALS, AHEAD, STEPS = 30, 3, 10


def pay_kind(policy: Policy) -> str:
    """The kind of period in which a policy's pay is looked at: the month if anything is paid monthly; "" if nothing."""
    kinds = {c.period for _plan, c in policy.components() if c.carried_out}
    return "month" if "month" in kinds else next(iter(sorted(kinds)), "")


@dataclass(frozen=True)
class Asked:
    """What is supposed: deals with their amounts in units, more sales in units, and whether the money comes too."""

    person: Person
    version: PolicyVersion
    policy: Policy
    who: Who
    period: Period
    deals: Sequence[tuple[Opportunity, int]]
    more: int
    cash: bool


@dataclass(frozen=True)
class Shown:
    """Both statements, attainment of each goal in both, and the total along the slider in units."""

    asked: Asked
    now: Statement
    then: Statement
    goals: Sequence[tuple[str, Line | None, Line | None]]
    curve: Sequence[tuple[int, int]]


def supposed(asked: Asked, more: int) -> dict[str, list[Row]]:
    """The rows that there would be: each deal won, ordered, and paid if the money comes too."""
    day = min(max(timezone.localdate(), asked.period.start), asked.period.end - timedelta(days=1))
    won = [(f"deal-{deal.pk}", deal.title, deal.customer_id, amount) for deal, amount in asked.deals]
    found: dict[str, list[Row]] = {"orders": [], "payments": [], "opportunities": []}
    for key, label, customer, amount in [*won, ("more", _("more sales"), None, more)] if more else won:
        same = {"person": asked.who.key, "label": label, "customer": customer, "currency": asked.policy.currency}
        order = {"number": label, "status": "signed", "signed_on": day, "ordered_on": day, "delivered_on": day}
        amounts = dict.fromkeys(("net_amount", "total_amount"), amount)
        found["orders"].append(_row("orders", key, {**same, **order, **amounts, "received_amount": 0}))
        if asked.cash:
            payment = {"order": key, "amount": amount, "received_on": day}
            found["payments"].append(_row("payments", f"paid-{key}", {**same, **payment}))
        closed = {"amount": amount, "result": "won", "closed_on": day, "closes_on": day, "opened_on": day}
        found["opportunities"].append(_row("opportunities", key, {**same, **closed, "created_on": day}))
    return found


def _row(table: str, key: str, values: dict[str, Any]) -> Row:
    return {**dict.fromkeys(facts()[table].fields), **values, "id": key}


def work_out(asked: Asked) -> Shown:
    """Both statements and what lies between."""
    world = DatabaseWorld(asked.policy, [asked.person.pk], versions=known_versions(asked.policy))
    now = paid(asked.who, asked.period, world)

    def at(more: int) -> tuple[DatabaseWorld, Statement]:
        other = world.supposing(supposed(asked, more))
        return other, paid(asked.who, asked.period, other)

    other, then = at(asked.more)
    goals = []
    for goal in asked.policy.goals:
        pair = [attainment_of(asked.policy, goal, asked.who, asked.period, one) for one in (world, other)]
        if any(pair):
            goals.append((goal.name or goal.id, pair[0], pair[1]))
    top = slider_top(asked)
    curve = [(step, at(step)[1].total.units) for step in (top * n // STEPS for n in range(STEPS + 1))]
    return Shown(asked, now, then, goals, curve)


def slider_top(asked: Asked) -> int:
    """Units at the right end of the slider: twice the sum of what is open, a round figure, 100,000 at least."""
    sums = sum(deal.amount_units for deal in _open_deals(asked.person, asked.period))
    top, step = max(2 * sums, asked.more, 100_000 * SCALE), 100_000 * SCALE
    return -(-top // step) * step


def _open_deals(person: Person, period: Period) -> Sequence[Opportunity]:
    rows = Opportunity.objects.filter(Q(result=Opportunity.Result.OPEN), owner=person, amount__isnull=False)
    return rows.select_related("customer").order_by("closes_on", "-amount", "id")[:DEALS]


# Asking


def ask(request: HttpRequest) -> Asked | None:
    """What the address asks; None where no policy in force pays the person. Raises Http404, PermissionDenied."""
    viewer, get = viewer_of(request), request.GET
    person = _person(viewer, get.get("person", ""))
    if person is None:
        return None
    for version in in_force(timezone.localdate()):
        policy = document_of(version)
        period = _period(policy, get.get("period", ""))
        who = Participants(policy, period, known_versions(policy)).people.get(str(person.pk)) if period else None
        if period is None or who is None:
            continue
        deals = [
            (deal, _units(get.get(f"amount-{deal.pk}", ""), deal.amount_units))
            for deal in _open_deals(person, period)
            if str(deal.pk) in get.getlist("deal")
        ]
        more = _units(get.get("more", ""), 0)
        return Asked(person, version, policy, who, period, deals, more, get.get("cash") in ("on", "1", "true"))
    return None


def _person(viewer: Viewer, text: str) -> Person | None:
    wanted = int(text) if text.isdigit() and len(text) < 19 else viewer.person_id
    if wanted != viewer.person_id and wanted not in viewer.reports and not viewer.has("general_manager", "finance"):
        raise PermissionDenied(_("You may try this for yourself and for people who report to you."))
    found = Person.objects.filter(pk=wanted).first()
    if found is None and text:
        raise Http404
    return found


def _periods(policy: Policy) -> list[Period]:
    """This period and those after it."""
    kind = pay_kind(policy)
    if not kind:
        return []
    try:
        found = [policy.calendar.period(kind, timezone.localdate())]
        while len(found) < AHEAD:
            found.append(policy.calendar.period(kind, found[-1].end))
    except ValueError:
        return []
    return found


def _period(policy: Policy, text: str) -> Period | None:
    periods = _periods(policy)
    return next((one for one in periods if one.label == text), periods[0] if periods else None)


def _units(text: str, otherwise: int) -> int:
    """An amount as typed, in units; what is no amount leaves it as it was."""
    try:
        value = Decimal(text.replace(",", "").replace(" ", ""))
    except InvalidOperation:
        return otherwise
    return int(value * SCALE) if value.is_finite() and 0 <= value < 10**12 else otherwise


# Showing


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The open deals to tick, a slider, and the statement beside what it would be."""
    asked = ask(request)
    if asked is None:
        return render(request, "insight/what_if.html", {"asked": None})
    shown = work_out(asked)
    money = asked.policy.currency
    ticked = {deal.pk: amount for deal, amount in asked.deals}
    here = {"person": str(asked.person.pk)}
    return render(
        request,
        "insight/what_if.html",
        {
            "asked": asked,
            "policy": {"name": str(asked.version), "url": reverse("policy")},
            "periods": [
                {"label": p.label, "url": with_query("", {**here, "period": p.label}), "active": p == asked.period}
                for p in _periods(asked.policy)
            ],
            "deals": [
                {
                    "id": deal.pk,
                    "title": deal.title,
                    "customer": deal.customer.name if deal.customer_id else "",
                    "closes_on": deal.closes_on,
                    "url": f"{desk_of(Opportunity).url()}{deal.pk}",
                    "amount": ticked.get(deal.pk, deal.amount_units) // SCALE,
                    "ticked": deal.pk in ticked,
                }
                for deal in _open_deals(asked.person, asked.period)
            ],
            "more": asked.more // SCALE,
            "top": slider_top(asked) // SCALE,
            "now": money_text(shown.now.total.units, money),
            "then": money_text(shown.then.total.units, money),
            "gain": _signed(shown.then.total.units - shown.now.total.units, money),
            "rows": _rows(shown),
            "goals": [{"label": label, "now": _number(a), "then": _number(b)} for label, a, b in shown.goals],
            "lines": _words(shown.then, asked.policy),
            "chart": _chart(shown),
            "table": [(money_text(x, money), money_text(y, money)) for x, y in shown.curve],
        },
    )


def _signed(units: int, money: str) -> str:
    return f"{'+' if units > 0 else ''}{money_text(units, money)}"


def _number(line: Line | None) -> Any:
    return None if line is None or line.missing else line.number


def _rows(shown: Shown) -> list[dict[str, Any]]:
    """Each line of either statement with both values; those that change say by how much."""
    money, names = shown.asked.policy.currency, names_of(shown.asked.policy)
    before, after = ({line.name: line for line in one.lines} for one in (shown.now, shown.then))
    found = []
    for name in dict.fromkeys([*before, *after]):
        pair = [before.get(name), after.get(name)]
        values = [0 if line is None or line.missing else int(line.number) for line in pair]
        label = next(line.label for line in reversed(pair) if line is not None)
        change = values[1] - values[0]
        texts = [money_text(value, money) for value in values]
        note = next((spoken(line.note, names) for line in reversed(pair) if line is not None and line.missing), "")
        found.append({"label": spoken(label), "now": texts[0], "then": texts[1], "note": note,
                      "change": _signed(change, money) if change else ""})  # fmt: skip
    return found


def _words(one: Statement, policy: Policy) -> list[dict[str, Any]]:
    names = names_of(policy) | names_in(one.lines)
    return [line_words(line, names) for line in one.lines]


def _chart(shown: Shown) -> dict[str, Any]:
    here = [shown.asked.more / SCALE, shown.then.total.units / SCALE]
    series = {
        "name": _("Total"),
        "type": "line",
        "data": [[x / SCALE, y / SCALE] for x, y in shown.curve],
        "showSymbol": False,
        "areaStyle": {"opacity": 0.08},
        "markPoint": {"symbolSize": 14, "symbol": "circle", "data": [{"coord": here}]},
    }
    return {
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            "type": "value",
            "name": _("more sales"),
            "nameLocation": "middle",
            "nameGap": 28,
            "max": shown.curve[-1][0] / SCALE,
        },
        "yAxis": {"type": "value", "scale": True},
        "series": [series],
    }


# For programs


def api(request: HttpRequest) -> HttpResponse:
    """Both totals and lines; the same words in the address as the page."""
    asked = ask(request)
    if asked is None:
        return answer({"person": None, "now": None, "then": None})
    shown = work_out(asked)
    unit = f"money:{asked.policy.currency}"

    def told(one: Statement) -> dict[str, Any]:
        lines = [
            {"component": line.name, "amount": number_text(line.value, unit), "note": line.note} for line in one.lines
        ]
        return {"total": number_text(one.total.units, unit), "lines": lines}

    curve = [{"more": number_text(x, unit), "total": number_text(y, unit)} for x, y in shown.curve]
    head = {"person": asked.person.pk, "period": asked.period.label, "currency": asked.policy.currency}
    return answer({**head, "now": told(shown.now), "then": told(shown.then), "curve": curve})


@documents
def documented(said: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    words = [{"name": n, "in": "query", "schema": {"type": "string"}} for n in ("person", "period", "more", "cash")]
    words.append({"name": "deal", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}})
    answered = {"type": "object", "required": ["person", "now", "then"], "additionalProperties": True}
    told = {"operationId": "what_if", "tags": ["what if"], "parameters": words, "responses": said(answered)}
    return {"/api/what-if": {"get": told}}


def urls() -> list[Any]:
    """The page, and the same for programs."""
    return [path("what-if/", page, name="what_if"), path("api/what-if", guarded(api, "what_if", ("GET",)))]

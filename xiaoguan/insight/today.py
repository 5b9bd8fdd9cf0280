"""今日: what to do now, where one stands, and what one has earned."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_GET

from xiaoguan.base.periods import Period
from xiaoguan.customers.models import Customer
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.approvals import requests
from xiaoguan.desk.cells import day_text, money_text
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.listing import with_query
from xiaoguan.goals.pages import value_text
from xiaoguan.goals.tracking import Standing, standing_of, standings
from xiaoguan.insight.forecasts import COMPANY
from xiaoguan.insight.models import ForecastSnapshot, Honour, Warning, WarningTold
from xiaoguan.insight.whatif import pay_kind
from xiaoguan.people.models import Person, Team
from xiaoguan.policy import Goal, Policy
from xiaoguan.policy.document import FollowUp
from xiaoguan.rulebook.daily import ruling
from xiaoguan.rulebook.lines import names_in, names_of, spoken
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.reckoning import paid
from xiaoguan.rulebook.versions import document_of, in_force, known_versions
from xiaoguan.rulebook.world import DatabaseWorld, Participants
from xiaoguan.sales.models import Activity, Opportunity

DUE, CLOSING, WARNED, FEW, FOLLOWED = 12, 6, 200, 4, 6
GRAVEST = ("critical", "warn", "info")


@require_GET
def today(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of(request)
    person = Person.objects.filter(pk=viewer.person_id).first()
    due = _due(viewer) if person else []
    deals = _closing(viewer) if person else []
    return render(
        request,
        "today.html",
        {
            "greeting": _greeting(viewer),
            "date": timezone.localdate(),
            "goals": _goals(viewer, person) if person else [],
            "warnings": _warnings(viewer) if person else [],
            "follow_ups": _follow_ups(viewer) if person else None,
            "due": due,
            "next": [*(_to_sign(viewer) + _leaving(viewer) if person else []), *due, *deals][:3],
            "deals": deals,
            "honours": _honours() if person else [],
            "earned": _earned(person) if person else None,
            "checklist": _checklist(viewer),
        },
    )


def _greeting(viewer: Viewer) -> str:
    hour = timezone.localtime().hour
    if hour < 12:
        return _("Good morning, %(name)s") % {"name": viewer.name}
    if hour < 18:
        return _("Good afternoon, %(name)s") % {"name": viewer.name}
    return _("Good evening, %(name)s") % {"name": viewer.name}


def _goals(viewer: Viewer, person: Person) -> list[dict[str, Any]]:
    """The goals of the present month, quarter and year: the person's own, those of the teams they lead, the company's
    for whoever runs it."""
    now = timezone.localdate()
    led = set(Team.objects.filter(leader=person).values_list("pk", flat=True))
    whole = viewer.has("general_manager", "operations")
    found, kept = [], _forecasts(now, {f"person:{person.pk}", *(f"team:{pk}" for pk in led), *([COMPANY] * whole)})
    for version in in_force(now):
        policy = document_of(version)
        for goal in policy.goals:
            for kind in dict.fromkeys(("month", "quarter", "year", goal.period)):
                try:
                    period = policy.calendar.period(kind, now)
                except ValueError:
                    continue
                own = standing_of(policy, goal, period, person, now)
                shown = [own] if own else []
                if led or whole:
                    shown += [
                        s
                        for s in standings(policy, goal, period, now)
                        if s.goal is not None and ((s.level == 0 and whole) or (s.level == 1 and s.key in led))
                    ]
                found += [_goal_card(version, policy, goal, period, s, kept) for s in shown]
    return found


Kept = Mapping[tuple[str, str, str, date, date], int]


def _forecasts(now: date, whose: Collection[str]) -> Kept:
    """The last kept weighted forecasts of these owners for the periods under way, in units."""
    rows = ForecastSnapshot.objects.filter(whose__in=whose, starts_on__lte=now, ends_on__gt=now).order_by("taken_on")
    names = ("policy_key", "goal", "whose", "starts_on", "ends_on", "weighted")
    return {tuple(key): units for *key, units in rows.values_list(*names)}


def _goal_card(
    version: PolicyVersion, policy: Policy, goal: Goal, period: Period, standing: Standing, kept: Kept
) -> dict[str, Any]:
    unit, way = policy.unit_of(goal.metric), standing.pace
    owner = {0: _("Company"), 1: standing.label, 2: ""}[standing.level]
    about = {1: {"team": str(standing.key)}, 2: {"person": str(standing.key)}}.get(standing.level, {})
    whose = {1: f"team:{standing.key}", 2: f"person:{standing.key}"}.get(standing.level, COMPANY)
    foreseen = kept.get((policy.id, goal.id, whose, period.start, period.end))
    return {
        "label": " · ".join(filter(None, (owner, goal.name or goal.id, period.label))),
        "actual": value_text(standing.actual, unit),
        "goal": value_text(standing.goal, unit),
        "attainment": standing.attainment,
        "pace": way.pace if way else None,
        "expected": standing.gone.share,
        "gap": value_text(way.gap, unit) if way and way.gap > 0 else "",
        "per_day": value_text(way.required, unit) if way and way.required is not None and way.gap > 0 else "",
        "days_left": standing.gone.remaining,
        "url": with_query(
            reverse("metric", kwargs={"policy": version.policy_id, "name": goal.metric}),
            {"period": period.label, **about},
        ),
        "tone": standing.tone,
        "forecast": None
        if foreseen is None
        else {
            "text": value_text(foreseen, unit),
            "url": with_query(reverse("forecast"), {"period": period.label, "whose": whose}),
        },
    }


def _due(viewer: Viewer) -> list[dict[str, Any]]:
    """Open activities that are due by today, the oldest first."""
    now, desk = timezone.localdate(), desk_of(Activity)
    rows = (
        Activity.objects.filter(owner_id=viewer.person_id, done_on__isnull=True, due_on__lte=now)
        .select_related("customer")
        .order_by("due_on", "id")[:DUE]
    )
    return [
        {
            "title": a.subject,
            "kind": a.get_kind_display(),
            "customer": a.customer.name if a.customer else "",
            "url": desk.url("detail", pk=a.pk),
            "when": _("today") if a.due_on == now else _late((now - a.due_on).days),
            "tone": "" if a.due_on == now else "red",
            "done_url": desk.url("verb", pk=a.pk, name="done"),
        }
        for a in rows
    ]


def _warnings(viewer: Viewer) -> list[dict[str, Any]]:
    """Open warnings about the viewer or of which they were told, the gravest first; many of a rule are cut short."""
    desk = desk_of(Warning)
    assert desk is not None
    own = Q(owner=viewer.person_id) | Q(pk__in=WarningTold.objects.filter(person=viewer.person_id).values("warning"))
    rows = Warning.objects.filter(own, cleared_on=None).defer("trace").order_by("-raised_on", "-id")[:WARNED]
    groups: dict[str, list[Warning]] = {}
    for one in sorted(rows, key=lambda one: GRAVEST.index(one.severity)):
        groups.setdefault(one.name, []).append(one)
    return [_warned(desk, name, found) for name, found in groups.items()]


def _warned(desk: Desk, name: str, found: list[Warning]) -> dict[str, Any]:
    first, many = found[0], len(found) > FEW
    listed = with_query(desk.url(), {"where": ["cleared_on:empty", f"name:is:{name}"]})
    return {
        "title": name,
        "tone": Warning.TONES["severity"][first.severity],
        "severity": first.get_severity_display(),
        "all": {"url": listed, "n": len(found)} if many else None,
        "rows": [
            {"about": spoken(one.about), "value": one.value, "bound": one.bound, "on": one.raised_on}
            | {"url": desk.url("detail", pk=one.pk)}
            for one in found[:FEW]
        ],
    }


def _to_sign(viewer: Viewer) -> list[dict[str, Any]]:
    """What waits for the viewer's signature, the longest first."""
    rows = requests.to_sign(viewer).order_by("asked_at", "pk")[:3]
    return [
        {
            "title": row.title,
            "url": reverse("approval", args=[row.pk]),
            "when": pgettext("signature", "waiting"),
            "tone": "amber",
        }
        for row in rows
    ]


def _leaving(viewer: Viewer) -> list[dict[str, Any]]:
    """The viewer's customers that go back to the public pool within a week, as one line."""
    last = timezone.localdate() + timedelta(days=7)
    days = Customer.objects.filter(owner=viewer.person_id, recycle_on__lte=last).order_by("recycle_on")
    found = list(days.values_list("recycle_on", flat=True)[:100])
    if not found:
        return []
    title = ngettext("%(n)d customer goes back to the pool", "%(n)d customers go back to the pool", len(found))
    desk = desk_of(Customer)
    assert desk is not None
    query = {"owner": "me", "where": f"recycle_on:le:{last.isoformat()}", "sort": "recycle_on"}
    until = _("from %(day)s on") % {"day": day_text(found[0])}
    return [{"title": title % {"n": len(found)}, "url": with_query(desk.url(), query), "when": until, "tone": "amber"}]


def _honours() -> list[dict[str, Any]]:
    """Who was honoured in the last fortnight, the latest first."""
    desk = desk_of(Honour)
    assert desk is not None
    rows = Honour.objects.filter(given_on__gt=timezone.localdate() - timedelta(days=14)).select_related("person")
    return [
        {"name": one.name, "person": one.person.name, "label": one.label, "rank": one.rank}
        | {"url": desk.url("detail", pk=one.pk)}
        for one in rows.order_by("-given_on", "rule", "rank", "id")[:FOLLOWED]
    ]


def _follow_ups(viewer: Viewer) -> dict[str, Any] | None:
    """The viewer's customers that are due by the policy, the longest first."""
    now, desk = timezone.localdate(), desk_of(Customer)
    assert desk is not None
    rows = Customer.objects.filter(owner=viewer.person_id, follow_up_on__lte=now).order_by("follow_up_on", "id")
    found = list(rows.only("name", "follow_up_on", "follow_up_late_on", "follow_up_rule")[: FOLLOWED + 1])
    if not found:
        return None
    ruled = ruling("follow_up")
    rules = {rule.id: _rule_words(rule) for rule in ruled.section} if ruled is not None else {}
    listed = {"owner": "me", "where": "follow_up_on:le:today", "sort": "follow_up_on"}
    return {
        "rows": [
            {
                "title": one.name,
                "hint": rules.get(one.follow_up_rule, one.follow_up_rule),
                "url": desk.url("detail", pk=one.pk),
                "when": _late((now - one.follow_up_on).days) if one.follow_up_on < now else _("today"),
                "tone": "red" if one.follow_up_late_on <= now else "",
            }
            for one in found[:FOLLOWED]
        ],
        "all": with_query(desk.url(), listed) if len(found) > FOLLOWED else "",
        "n": rows.count() if len(found) > FOLLOWED else len(found),
    }


def _rule_words(rule: FollowUp) -> str:
    """By which rule, and which contacts count."""
    kinds = dict(Activity.Kind.choices)
    counted = _(", ").join(str(kinds.get(kind, kind)) for kind in rule.kind)
    return _(": ").join(filter(None, (rule.name, counted)))


def _late(days: int) -> str:
    return ngettext("%(days)d day late", "%(days)d days late", days) % {"days": days}


def _closing(viewer: Viewer) -> list[dict[str, Any]]:
    """Open deals expected within two weeks or already past their day: the viewer's own, the oldest first; for a manager
    those of everybody below too, the largest first."""
    now, desk = timezone.localdate(), desk_of(Opportunity)
    rows = (
        Opportunity.objects.filter(owner__in={viewer.person_id, *viewer.reports}, result=Opportunity.Result.OPEN)
        .filter(closes_on__lte=now + timedelta(days=14))
        .select_related("customer", "owner")
        .order_by("-amount" if viewer.reports else "closes_on", "id")[:CLOSING]
    )
    return [
        {
            "title": o.title,
            "customer": f"{o.customer.name} · {o.owner.name}" if viewer.reports else o.customer.name,
            "url": desk.url("detail", pk=o.pk),
            "amount": money_text(o.amount_units, o.currency),
            "on": o.closes_on,
            "when": _late((now - o.closes_on).days) if o.closes_on < now else "",
            "tone": "red" if o.closes_on < now else "",
        }
        for o in rows
    ]


def _earned(person: Person) -> dict[str, Any] | None:
    """What the rules in force would pay for the present month as of now: live, not yet reckoned."""
    now = timezone.localdate()
    for version in in_force(now):
        found = _live_statement(version, person, now)
        if found:
            return found
    return None


def _live_statement(version: PolicyVersion, person: Person, now: Any) -> dict[str, Any] | None:
    policy = document_of(version)
    kind = pay_kind(policy)
    if not kind:
        return None
    try:
        period = policy.calendar.period(kind, now)
    except ValueError:
        return None
    every = known_versions(policy)
    who = Participants(policy, period, every).people.get(str(person.pk))
    if who is None:
        return None
    earned = paid(who, period, DatabaseWorld(policy, [person.pk], versions=every))
    if not earned.lines:
        return None
    return {
        "label": period.label,
        "total": money_text(earned.total.units, earned.total.currency),
        "lines": [
            {
                "label": spoken(line.label),
                "text": money_text(int(line.number), policy.currency) if not line.missing else "–",
                "note": spoken(line.note, names_of(policy) | names_in([line])),
                "url": reverse("statement"),
            }
            for line in earned.lines
        ],
        "url": reverse("statement"),
    }


def _checklist(viewer: Viewer) -> list[dict[str, Any]]:
    """What an administrator still has to set up; empty for everybody else and when all is done."""
    if not viewer.has("administrator"):
        return []
    steps = [
        (_("Add the people who sell"), Person.objects.exists(), desk_of(Person).url()),
        (_("Adopt a policy"), bool(in_force()), reverse("policy")),
        (_("Enter or import customers"), desk_of("customer").model.objects.exists(), desk_of("customer").url()),
        (_("Set the first goal"), desk_of("goaltarget").model.objects.exists(), desk_of("goaltarget").url()),
    ]
    found = [{"label": label, "done": done, "url": url} for label, done, url in steps]
    return [] if all(step["done"] for step in found) else found

"""预警: every night the rules of the policy in force are asked of everybody and everything that they are about.

A rule that has come to hold opens a warning and tells whom the policy names; one that holds no longer closes it; one
that cannot be told leaves it as it is. Whatever stays open for longer than the rule says is told up the line, once.
Running it twice on a day changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from xiaoguan.base.explain import Line
from xiaoguan.base.periods import Period
from xiaoguan.customers.models import Customer
from xiaoguan.customers.pool import until
from xiaoguan.desk.approvals.flows import chart
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import current_actor
from xiaoguan.desk.jobs import Running, every
from xiaoguan.desk.listing import with_query
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import notice, notify
from xiaoguan.insight.models import Warning, WarningTold
from xiaoguan.people.models import Team
from xiaoguan.policy import Policy, Who
from xiaoguan.policy.document import Level, WarningRule
from xiaoguan.policy.formula import Duration
from xiaoguan.policy.inputs import Inputs
from xiaoguan.policy.warnings import Asking, Judged, judge, subjects
from xiaoguan.rulebook.lines import value_words
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import document_of, in_force
from xiaoguan.rulebook.world import DatabaseWorld, Participants
from xiaoguan.sales.knowing import Portfolio, Questions

OF_THINGS = (Level.CUSTOMER, Level.DEAL)
SOME = 500
"""So many customers are looked at in one step."""
NAMED = 5
WARNING = notice("warning", gettext_lazy("Warnings of the policy"), "alert-triangle")
ONE = gettext_noop("%(rule)s, %(value)s")
MANY = gettext_noop("%(rule)s: %(n)d times, %(names)s …")
UP = gettext_noop("Open since %(day)s, %(rule)s, %(value)s")
UP_MANY = gettext_noop("%(rule)s: %(n)d times open for long, %(names)s …")


@dataclass
class Found:
    """What one rule says of one subject: who it is, who can do something, and where it leads."""

    one: Judged
    subject: str
    about: str
    links: dict[str, int] = field(default_factory=dict)


@every("day", at="01:10", title=gettext_lazy("Ask the warnings of the policy"))
def ask_warnings(running: Running) -> dict[str, Any]:
    """Rules about people in one step each; those about customers and deals for some customers in a step."""
    day = timezone.localdate()
    counts = {"raised": 0, "cleared": 0, "escalated": 0, "unknown": 0}
    carried_out: set[tuple[str, str]] = set()
    for version in in_force(day):
        policy = document_of(version)
        nights = {
            rule.id: Night(version, policy, rule, day, counts)
            for rule in policy.warnings
            if policy.level_of(rule.when) is not None
        }
        carried_out |= {(policy.id, rule) for rule in nights}
        _ask_people(running, nights, policy, day)
        _ask_things(running, nights, policy, day)
        for night in nights.values():
            with running.step():
                night.tell_all()
    _settle(running, [one for one in _open_rules() if one not in carried_out], day, counts)
    text = _(
        "%(raised)d new warnings, %(cleared)d settled, %(escalated)d told up the line, %(unknown)d cannot be told."
    )
    return {"summary": text % counts}


def _open_rules() -> list[tuple[str, str]]:
    rows = Warning.objects.filter(cleared_on=None).order_by()
    return list(rows.values_list("policy_key", "rule").distinct())


def _settle(running: Running, rules: Sequence[tuple[str, str]], day: date, counts: dict[str, int]) -> None:
    """Close the warnings of rules that are not carried out any more, and of customers that nobody has."""
    lost = Q(customer__isnull=False, customer__owner__isnull=True)
    for policy, rule in rules:
        lost |= Q(policy_key=policy, rule=rule)
    while some := list(Warning.objects.filter(lost, cleared_on=None).defer("trace")[:SOME]):
        with running.step():
            counts["cleared"] += _clear(some, day)


def _ask_people(running: Running, nights: Mapping[str, Night], policy: Policy, day: date) -> None:
    found: dict[str, list[Found]] = defaultdict(list)
    for one in _of_people(policy, day):
        found[one.one.rule.id].append(one)
    for rule, night in nights.items():
        if policy.level_of(night.rule.when) not in OF_THINGS:
            with running.step():
                night.carry_out(found[rule], night.open)


def _ask_things(running: Running, nights: Mapping[str, Night], policy: Policy, day: date) -> None:
    asking = Asking(policy)
    asked, after = Questions(policy, asking.names, day), 0
    mine = Customer.objects.filter(owner__isnull=False).order_by("pk")
    while asking.rules and (some := list(mine.filter(pk__gt=after)[:SOME])):
        after, found = some[-1].pk, defaultdict(list)
        for one in _of_things(asking, Portfolio(asked, some)):
            found[one.one.rule.id].append(one)
        with running.step():
            for rule, _level in asking.rules:
                night = nights[rule.id]
                night.carry_out(found[rule.id], night.open.filter(customer__in=[one.pk for one in some]))


# Of whom


def _of_people(policy: Policy, day: date) -> Iterator[Found]:
    """Of people, teams and the company, up to the end of yesterday."""
    period = _month(policy, day)
    levels = {policy.level_of(rule.when) for rule in policy.warnings}
    if period is None or levels.isdisjoint({Level.PERSON, Level.TEAM, Level.COMPANY}):
        return
    people = Participants(policy, period).people
    here = [who for who in people.values() if who.left_on is None or who.left_on > day]
    teams = {str(pk): (name, leader) for pk, name, leader in Team.objects.values_list("pk", "name", "leader")}
    world = DatabaseWorld(policy, paying=False)
    for one in (
        judge(rule, Inputs(policy, who, period, world, day))
        for rule in policy.warnings
        for who in subjects(policy, rule, here, period, day)
    ):
        key = one.who.key
        if key.startswith("team:"):
            name, leader = teams[key[5:]]
            links = {"team_id": int(key[5:])} | ({"owner_id": leader} if leader else {})
            yield Found(one, key, name, links)
        elif key:
            yield Found(one, f"person:{key}", one.who.name, {"owner_id": int(key)})
        else:
            yield Found(one, "company", "Company")


def _month(policy: Policy, day: date) -> Period | None:
    """The month that yesterday lies in; a plain metric is that of the month so far."""
    try:
        return policy.calendar.period("month", day - timedelta(days=1))
    except ValueError:
        return None


def _of_things(asking: Asking, among: Portfolio) -> Iterator[Found]:
    """Of these customers and of their open deals: those of which a rule holds."""
    for customer in among.customers:
        known = among.known(customer)
        for rule, level in asking.rules:
            if level is Level.CUSTOMER:
                if asking.holds(rule, known):
                    one = asking.judge(rule, known, Who(str(customer.pk), customer.name))
                    links = {"customer_id": customer.pk, "owner_id": customer.owner_id or 0}
                    yield Found(one, f"customer:{customer.pk}", customer.name, links)
                continue
            for row in known.deals:
                facts, deal = known.of(row), row[""]
                if asking.holds(rule, facts):
                    one = asking.judge(rule, facts, Who(str(deal.pk), deal.title))
                    links = {"customer_id": customer.pk, "deal_id": deal.pk, "owner_id": deal.owner_id}
                    yield Found(one, f"deal:{deal.pk}", deal.title, links)


# Carrying out


@dataclass
class Night:
    """One rule in one night."""

    version: PolicyVersion
    policy: Policy
    rule: WarningRule
    day: date
    counts: dict[str, int]

    def carry_out(self, found: Sequence[Found], among: QuerySet[Warning]) -> None:
        """Open, refresh and close. among: the open ones of all subjects that were asked."""
        open_ = {one.subject: one for one in among.defer("trace")}
        holding = {one.subject: one for one in found if one.one.holds}
        unknown = {one.subject for one in found if one.one.holds is None}
        self.raise_([one for subject, one in holding.items() if subject not in open_])
        self.refresh([(warning, holding[s]) for s, warning in open_.items() if s in holding])
        gone = [one for subject, one in open_.items() if subject not in {*holding, *unknown}]
        self.counts["cleared"] += _clear(gone, self.day)
        self.counts["unknown"] += len(unknown - open_.keys())

    @property
    def own(self) -> QuerySet[Warning]:
        return Warning.objects.filter(policy_key=self.policy.id, rule=self.rule.id)

    @property
    def open(self) -> QuerySet[Warning]:
        return self.own.filter(cleared_on=None)

    def raise_(self, found: Sequence[Found]) -> None:
        new = []
        for one in found:
            warning = Warning(policy_key=self.policy.id, rule=self.rule.id, subject=one.subject, raised_on=self.day)
            for name, value in one.links.items():
                setattr(warning, name, value)
            self.fill(warning, one)
            new.append(warning)
        Warning.objects.bulk_create(new, batch_size=SOME)
        _tell_events((one, "created", {}) for one in new)
        self.counts["raised"] += len(new)

    def fill(self, warning: Warning, found: Found) -> None:
        line = found.one.line
        warning.name, warning.about = (self.rule.name or self.rule.id)[:160], found.about[:160]
        warning.severity, warning.policy, warning.trace = self.rule.severity, self.version, line.to_json()
        warning.owner_id = found.links.get("owner_id")
        first = found.one.value
        warning.value, warning.bound = (shown(first)[:60], first.note[:60]) if first else ("", "")

    def refresh(self, pairs: Iterable[tuple[Warning, Found]]) -> None:
        """What it is by now; no change of the record, as what is derived is none."""
        names = ["name", "about", "severity", "policy", "trace", "owner", "value", "bound"]
        changed = []
        for warning, found in pairs:
            before = (warning.value, warning.bound, warning.owner_id, warning.name, warning.policy_id)
            self.fill(warning, found)
            if before != (warning.value, warning.bound, warning.owner_id, warning.name, warning.policy_id):
                changed.append(warning)
        Warning.objects.bulk_update(changed, names, batch_size=SOME)

    def tell_all(self) -> None:
        """Those that were opened tonight, then those that have been open for long, each once."""
        fresh = self.open.filter(raised_on=self.day, told=None)
        if self.rule.mute is not None:
            before = self.own.filter(raised_on__lt=self.day, subject=OuterRef("subject")).order_by("-raised_on")
            last = fresh.annotate(last=Subquery(before.values("raised_on")[:1])).values_list("pk", "last")
            muted = {pk for pk, on in last if on is not None and self.day < _after(on, self.rule.mute)}
            fresh = fresh.exclude(pk__in=muted)
        self.tell(fresh, self.rule.notify, ONE, MANY)
        rule, waiting = self.rule.escalate, self.open.filter(escalated_on=None)
        if rule is None:
            return
        days = waiting.order_by().values_list("raised_on", flat=True).distinct()
        due = waiting.filter(raised_on__in=[day for day in days if _after(day, rule.after) <= self.day])
        self.tell(due, rule.to, UP, UP_MANY)
        self.counts["escalated"] += due.update(escalated_on=self.day)

    def tell(self, warnings: QuerySet[Warning], names: Iterable[str], one: str, many: str) -> None:
        """Whoever the rule names, each once however many there are."""
        by_person: dict[int, list[int]] = defaultdict(list)
        people: dict[int | None, list[int]] = {}
        for pk, owner in warnings.order_by("pk").values_list("pk", "owner"):
            if owner not in people:
                people[owner] = told_by(names, owner)
            for person in people[owner]:
                by_person[person].append(pk)
        for person, mine in by_person.items():
            rows = (WarningTold(warning_id=pk, person_id=person, on=self.day) for pk in mine)
            WarningTold.objects.bulk_create(rows, batch_size=SOME, ignore_conflicts=True)
            self._notify(person, mine, one, many)

    def _notify(self, person: int, mine: Sequence[int], one: str, many: str) -> None:
        rule, desk = self.rule.name or self.rule.id, desk_of(Warning)
        assert desk is not None
        shown = list(Warning.objects.filter(pk__in=mine[:NAMED]).order_by("pk"))
        if len(mine) == 1:
            first = shown[0]
            about = rule if first.subject == "company" else f"{rule} · {first.about}"
            value = f"{first.value} {first.bound}".strip()
            said = {"rule": about, "value": value, "day": first.raised_on.isoformat()}
            notify([person], WARNING, one, record=first, values=said)
            return
        listed = with_query(desk.url(), {"where": ["cleared_on:empty", f"name:is:{rule}"]})
        several = {"rule": rule, "n": len(mine), "names": " · ".join(w.about for w in shown)}
        notify([person], WARNING, many, values=several, url=listed)


def _clear(warnings: Sequence[Warning], day: date) -> int:
    """Close them, each with its event."""
    for warning in warnings:
        warning.cleared_on, warning.updated_at, warning.version = day, timezone.now(), warning.version + 1
    Warning.objects.bulk_update(warnings, ["cleared_on", "updated_at", "version"], batch_size=SOME)
    _tell_events((one, "changed", {"cleared_on": [None, day.isoformat()]}) for one in warnings)
    return len(warnings)


def _tell_events(rows: Iterable[tuple[Warning, str, dict[str, Any]]]) -> None:
    actor = current_actor()
    who = {"actor_id": actor.person_id, "via": actor.via, "note": actor.note, "batch": actor.batch}
    Event.objects.bulk_create(
        (Event(entity="warning", record_id=one.pk, deed=deed, changes=changes, **who) for one, deed, changes in rows),
        batch_size=SOME,
    )


def _after(day: date, length: Duration) -> date:
    return until(timezone.make_aware(datetime(day.year, day.month, day.day, 12)), length)


def told_by(names: Iterable[str], owner: int | None) -> list[int]:
    """Whom a rule names: the owner, the manager above, or whoever of a role stands nearest above, else all of it."""
    people: dict[int, None] = {}
    line = list(chart().managers(owner)) if owner else []
    for name in names:
        if name == "owner":
            people |= dict.fromkeys([owner] if owner else [])
        elif name == "manager":
            people |= dict.fromkeys(line[:1])
        else:
            holders = set(chart().holders(name))
            nearest = [pk for pk in line if pk in holders]
            people |= dict.fromkeys(nearest[:1] or sorted(holders))
    return list(people)


def shown(line: Line) -> str:
    """The number as it is kept in a list: 55.3%, 1,200.00."""
    return "" if line.missing else value_words(line.value, line.unit)

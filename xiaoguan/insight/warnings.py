"""预警: every night the rules of the policy in force are asked of everybody and everything that they are about.

A rule that has come to hold opens a warning and tells whom the policy names; one that holds no longer closes it; one
that cannot be told leaves it as it is. Whatever stays open for longer than the rule says is told up the line, once.
Running it twice on a day changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
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

SOME = 500
"""So many customers are looked at in one step."""
NAMED = 5
WARNING = notice("warning", gettext_lazy("Warnings of the policy"), "alert-triangle")
ONE = gettext_noop("%(rule)s: %(title)s, %(value)s")
MANY = gettext_noop("%(rule)s: %(n)d times, %(names)s …")
UP = gettext_noop("Open since %(day)s, %(rule)s: %(title)s")
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
    day = timezone.localdate()
    counts = {"raised": 0, "cleared": 0, "escalated": 0, "unknown": 0}
    carried_out: set[tuple[str, str]] = set()
    for version in in_force(day):
        policy = document_of(version)
        for rule, found in _by_rule(policy, day):
            carried_out.add((policy.id, rule.id))
            with running.step():
                for key, number in Night(version, policy, rule, day).carry_out(found).items():
                    counts[key] += number
    rest = [one for one in Warning.objects.filter(cleared_on=None) if (one.policy_key, one.rule) not in carried_out]
    with running.step():
        counts["cleared"] += _clear(rest, day)
    text = _(
        "%(raised)d new warnings, %(cleared)d settled, %(escalated)d told up the line, %(unknown)d cannot be told."
    )
    return {"summary": text % counts}


def _by_rule(policy: Policy, day: date) -> Iterator[tuple[WarningRule, list[Found]]]:
    """Each rule with what it says of each subject."""
    of_people: dict[str, list[Found]] = defaultdict(list)
    for one in _of_people(policy, day):
        of_people[one.one.rule.id].append(one)
    asking = Asking(policy)
    of_things: dict[str, list[Found]] = defaultdict(list)
    if asking.rules:
        for one in _of_things(asking, policy, day):
            of_things[one.one.rule.id].append(one)
    for rule in policy.warnings:
        if policy.level_of(rule.when) is not None:
            yield rule, of_people[rule.id] or of_things[rule.id]


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


def _of_things(asking: Asking, policy: Policy, day: date) -> Iterator[Found]:
    """Of the customers that somebody has, and of their open deals: those of which a rule holds."""
    asked = Questions(policy, asking.names, day)
    after = 0
    while some := list(Customer.objects.filter(pk__gt=after, owner__isnull=False).order_by("pk")[:SOME]):
        after, among = some[-1].pk, Portfolio(asked, some)
        for customer in some:
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

    def carry_out(self, found: Sequence[Found]) -> dict[str, int]:
        """Open, close, refresh and tell; how many of each."""
        open_ = {one.subject: one for one in self.own.filter(cleared_on=None)}
        holding = {one.subject: one for one in found if one.one.holds}
        unknown = {one.subject for one in found if one.one.holds is None}
        raised = self.raise_([one for subject, one in holding.items() if subject not in open_])
        self.tell([w for w in raised if not self.muted(w)], self.rule.notify, ONE, MANY)
        self.refresh([(warning, holding[s]) for s, warning in open_.items() if s in holding])
        cleared = _clear([one for subject, one in open_.items() if subject not in {*holding, *unknown}], self.day)
        still = [warning for subject, warning in open_.items() if subject in holding]
        counts = {"raised": len(raised), "cleared": cleared, "escalated": self.escalate(still)}
        return {**counts, "unknown": len(unknown - open_.keys())}

    @property
    def own(self) -> QuerySet[Warning]:
        return Warning.objects.filter(policy_key=self.policy.id, rule=self.rule.id)

    def raise_(self, found: Iterable[Found]) -> list[Warning]:
        new = []
        for one in found:
            warning = Warning(policy_key=self.policy.id, rule=self.rule.id, subject=one.subject, raised_on=self.day)
            for name, value in one.links.items():
                setattr(warning, name, value)
            self.fill(warning, one)
            new.append(warning)
        Warning.objects.bulk_create(new, batch_size=SOME)
        _tell_events((one, "created", {}) for one in new)
        return new

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

    def muted(self, warning: Warning) -> bool:
        """Whether the last one of this rule and subject was told so shortly before that this one is not."""
        if self.rule.mute is None:
            return False
        last = self.own.filter(subject=warning.subject).exclude(pk=warning.pk)
        day = last.order_by("-raised_on").values_list("raised_on", flat=True).first()
        return day is not None and self.day < _after(day, self.rule.mute)

    def escalate(self, still: Sequence[Warning]) -> int:
        rule = self.rule.escalate
        if rule is None:
            return 0
        due = [w for w in still if w.escalated_on is None and _after(w.raised_on, rule.after) <= self.day]
        for warning in due:
            warning.escalated_on = self.day
        Warning.objects.bulk_update(due, ["escalated_on"], batch_size=SOME)
        self.tell(due, rule.to, UP, UP_MANY)
        return len(due)

    def tell(self, warnings: Sequence[Warning], names: Iterable[str], one: str, many: str) -> None:
        """Whoever the rule names, each once however many there are."""
        by_person: dict[int, list[Warning]] = defaultdict(list)
        people: dict[int | None, list[int]] = {}
        for warning in warnings:
            if warning.owner_id not in people:
                people[warning.owner_id] = told_by(names, warning.owner_id)
            for pk in people[warning.owner_id]:
                by_person[pk].append(warning)
        rows = [WarningTold(warning=w, person_id=pk, on=self.day) for pk, every in by_person.items() for w in every]
        WarningTold.objects.bulk_create(rows, batch_size=SOME, ignore_conflicts=True)
        desk = desk_of(Warning)
        assert desk is not None
        for pk, mine in by_person.items():
            rule, first = self.rule.name or self.rule.id, mine[0]
            if len(mine) == 1:
                said = {"rule": rule, "title": first.about, "value": f"{first.value} {first.bound}".strip()}
                notify([pk], WARNING, one, record=first, values={**said, "day": first.raised_on.isoformat()})
                continue
            listed = with_query(desk.url(), {"where": ["cleared_on:empty", f"name:is:{rule}"]})
            said = {"rule": rule, "n": len(mine), "names": " · ".join(w.about for w in mine[:NAMED])}
            notify([pk], WARNING, many, values=said, url=listed)


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

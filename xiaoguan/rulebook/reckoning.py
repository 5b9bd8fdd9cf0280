"""核算: one run reckons metrics, attainment and earnings of everybody for one period and keeps them with their inputs.

A run is complete or absent: everything is reckoned first and written in one transaction. What was read goes into its
digest; the same inputs are the same run, so repeating it changes nothing and a killed one leaves nothing behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from hashlib import sha256
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Q

from xiaoguan import __version__
from xiaoguan.base.explain import Line, Statement
from xiaoguan.base.issues import Issue
from xiaoguan.base.ledger import Entry
from xiaoguan.base.periods import Period
from xiaoguan.people.models import Membership, Team
from xiaoguan.policy import ENGINE, Goal, Policy, Who, World, statement_of_versions
from xiaoguan.policy.credit import group_metric
from xiaoguan.policy.goals import attainment
from xiaoguan.rulebook.models import PayrollPeriod, PolicyVersion, Result, Run
from xiaoguan.rulebook.versions import document_of, known_versions, versions
from xiaoguan.rulebook.world import DatabaseWorld, Participants

BATCH = 500
VERSION = f"{__version__}-{ENGINE}"
"""What reckons: a run by another one is another run."""
Progress = Callable[[int, int], None]
"""Called with how many people are done, and how many there are."""


class CannotReckon(Exception):
    """Nothing can be reckoned for what was asked; says why and what to do."""


class Versioned(World, Protocol):
    """A world that every version of a policy can be read in."""

    @property
    def versions(self) -> Sequence[Policy]: ...

    def under(self, policy: Policy) -> World: ...


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


@dataclass
class Found:
    """One number before it is stored: what it is about and how it came about. entries of a total go into the ledger."""

    kind: str
    line: Line
    person: int | None = None
    team: int | None = None
    entries: tuple[Entry, ...] = ()


Said = tuple[Issue, int | None]
"""An issue, and the person that it is about."""


@dataclass
class Outcome:
    """What a run brought: the stored Run, whether it is new, and the exception list."""

    run: Run
    new: bool
    results: int
    issues: list[Issue] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "run": self.run.pk,
            "policy": self.run.policy.policy_id,
            "version": self.run.policy.number,
            "period": {
                "kind": self.run.kind,
                "label": self.run.label,
                "start": self.run.starts_on.isoformat(),
                "end_exclusive": self.run.ends_on.isoformat(),
            },
            "new": self.new,
            "results": self.results,
            "digest": self.run.digest,
            "issues": [i.to_json() for i in self.issues],
        }

    def __str__(self) -> str:
        state = "reckoned" if self.new else "unchanged"
        return f"{self.run.policy}  {self.run.label}  {state}: run {self.run.pk}, {self.results} results"


def version_for(period_text: str, policy_id: str | None = None) -> list[tuple[PolicyVersion, Policy, Period]]:
    """The versions in force for a period named in words, each with the period of its own calendar.

    Per policy the version in force on the period's first day, else the first one that begins inside it. Versions whose
    calendar does not know the period are left out. Raises CannotReckon when none is left.
    """
    rows = versions(policy_id)
    if policy_id and not rows.exists():
        raise CannotReckon(f"There is no policy '{policy_id}'. See: xiaoguan policy show")
    found: dict[str, tuple[PolicyVersion, Policy, Period]] = {}
    problems: list[str] = []
    for version in rows.order_by("effective_from", "id"):
        policy = document_of(version)
        try:
            period = policy.calendar.parse(period_text)
        except ValueError as error:
            problems.append(f"{version}: {error}")
            continue
        begins_before_end = version.effective_from < period.end
        ends_after_start = version.effective_to is None or version.effective_to > period.start
        if not (begins_before_end and ends_after_start):
            problems.append(f"{version} is in force from {version.effective_from}, not in {period.label}")
            continue
        earlier = found.get(version.policy_id)
        if earlier is None or version.effective_from <= period.start:
            found[version.policy_id] = (version, policy, period)
    if not found:
        why = "; ".join(dict.fromkeys(problems)) or "no policy is adopted yet: xiaoguan policy adopt FILE"
        raise CannotReckon(f"No policy in force knows the period '{period_text}': {why}")
    return list(found.values())


def reckon(period_text: str, policy_id: str | None = None, progress: Progress = quiet) -> list[Outcome]:
    """Run every policy in force for this period. Raises CannotReckon, also where the period is locked."""
    candidates = version_for(period_text, policy_id)
    if len(candidates) > 1:
        candidates = [c for c in candidates if _concerns(c[1], c[2])] or candidates
    return [reckon_one(version, policy, period, progress) for version, policy, period in candidates]


def _concerns(policy: Policy, period: Period) -> bool:
    """Whether the policy has a goal or a pay rule that this kind of period takes part in; asked where several policies
    are in force at once."""
    if period.kind in policy.calendar_section.custom:
        return True
    own = set(policy.calendar_section.custom)
    kinds = [g.period for g in policy.goals] + [c.period for _plan, c in policy.components()]
    return period.kind != "day" and any(k not in own for k in kinds)


def refuse_locked(version: PolicyVersion, period: Period) -> None:
    """Raise CannotReckon where the pay period is locked: its results stand."""
    found = PayrollPeriod.objects.filter(policy_key=version.policy_id, starts_on=period.start, ends_on=period.end)
    if any(one.is_locked for one in found):
        why = "what changed since becomes an adjustment in the open period"
        raise CannotReckon(f"{period.label} of {version.policy_id} is locked; {why}. See: xiaoguan reproduce")


def reckon_one(version: PolicyVersion, policy: Policy, period: Period, progress: Progress = quiet) -> Outcome:
    """Reckon one policy for one period and keep the results, or find the run that the same inputs made."""
    refuse_locked(version, period)
    world, everybody = asked_for(policy, period)
    found, issues = reckon_all(policy, period, world, everybody, progress)
    return _keep(version, period, digest_of(version, period, world, everybody), found, issues)


def asked_for(policy: Policy, period: Period) -> tuple[DatabaseWorld, Participants]:
    """The records and the people of a period, for every version of the policy."""
    every = known_versions(policy)
    return DatabaseWorld(policy, versions=every), Participants(policy, period, every)


def paid(who: Who, period: Period, world: Versioned) -> Statement:
    """What somebody is paid: the version of each day pays for it, with one account through all versions."""
    return statement_of_versions(world.versions, who, period, world.under)


def digest_of(version: PolicyVersion, period: Period, world: DatabaseWorld, everybody: Participants) -> str:
    """Of the policy, the period, the engine, and everything that was read."""
    digest = sha256(world.digest.digest())
    digest.update(f"{version.digest}|{period.start}|{period.end}|{VERSION}".encode())
    digest.update("".join(one.sha256 for one in world.versions if one.version != world.policy.version).encode())
    people = [
        (w.key, w.role, w.hired_on, w.left_on, w.spans, sorted(w.terms.items())) for w in everybody.people.values()
    ]
    digest.update(repr(people).encode())
    return digest.hexdigest()


def reckon_all(
    policy: Policy, period: Period, world: DatabaseWorld, everybody: Participants, progress: Progress = quiet
) -> tuple[list[Found], list[Said]]:
    """Everybody's numbers, then those of the teams and the company."""
    found, issues = reckon_people(policy, period, world, list(everybody.people.values()), progress)
    for goal in policy.goals:
        lines = ((f.person, f.line) for f in found if f.kind == Result.Kind.ATTAINMENT and f.line.name == goal.id)
        attained = {person: line for person, line in lines if person is not None}
        found.extend(_groups(policy, goal, period, world, attained))
    return found, issues


def reckon_people(
    policy: Policy, period: Period, world: Versioned, people: Sequence[Who], progress: Progress = quiet
) -> tuple[list[Found], list[Said]]:
    """Metrics, attainment and earnings of people, in any world: the database's or a snapshot's."""
    found: list[Found] = []
    issues: list[Said] = []
    for number, who in enumerate(people):
        progress(number, len(people))
        person = int(who.key)
        for metric_id in policy.metrics:
            found.append(Found(Result.Kind.METRIC, world.metric(metric_id, who, period), person))
        for goal in policy.goals:
            line = attainment_of(policy, goal, who, period, world)
            if line is not None:
                found.append(Found(Result.Kind.ATTAINMENT, line, person))
        earned = paid(who, period, world)
        issues.extend((issue, person) for issue in earned.issues)
        found.extend(Found(Result.Kind.EARNING, line, person) for line in earned.lines)
        if earned.lines:
            found.append(Found(Result.Kind.TOTAL, _total(earned), person, entries=earned.entries))
    return found, list(dict.fromkeys(issues))


def attainment_of(policy: Policy, goal: Goal, who: Who, period: Period, world: World) -> Line | None:
    """A person's attainment of a goal in a period; None when they have no goal there."""
    target = world.goal(goal.id, who, period)
    if target is None:
        return None
    metric = policy.metrics[goal.metric]
    line = attainment(world.metric(goal.metric, who, period), target, metric.direction)
    return replace(line, name=goal.id, label=goal.name or goal.id)


def _total(earned: Statement) -> Line:
    return Line("total", "Total", earned.total.units, f"money:{earned.total.currency}", parts=earned.lines)


def _groups(
    policy: Policy, goal: Goal, period: Period, world: DatabaseWorld, by_person: dict[int, Line]
) -> list[Found]:
    """The teams' and the company's attainment: their own number against their own goal, else the sum of the members'
    actuals against that of the members' goals.

    Whose goal it is to add up is the team a person is in on the last day of the period.
    """
    if not by_person:
        return []
    last_day = date.fromordinal(period.end.toordinal() - 1)
    teams: dict[int, list[int]] = defaultdict(list)
    members = Membership.on(last_day).filter(person_id__in=by_person).order_by("team_id", "person_id")
    for team, person in members.values_list("team_id", "person_id"):
        teams[team].append(person)
    found = []
    for team, people in teams.items():
        own = world.goal_of(goal.id, period, None, team)
        whole = _whole(policy, goal, world, str(team), period) if own else None
        line = group_line(policy, goal, period, [by_person[p] for p in people], own, whole)
        found.append(Found(Result.Kind.ATTAINMENT, line, team=team))
    own = world.goal_of(goal.id, period)
    everything = _whole(policy, goal, world, None, period) if own else None
    company = group_line(policy, goal, period, list(by_person.values()), own, everything)
    return [*found, Found(Result.Kind.ATTAINMENT, company)]


def _whole(policy: Policy, goal: Goal, world: DatabaseWorld, team: str | None, period: Period) -> Line:
    """The goal's metric of a team or the company, without the list of its records."""
    return replace(group_metric(policy, world, goal.metric, team, period), records=(), parts=())


def group_line(
    policy: Policy,
    goal: Goal,
    period: Period,
    members: Sequence[Line],
    own: Line | None,
    everything: Line | None = None,
) -> Line:
    """Attainment of a group: amounts and counts are added up, then divided once. Ratios cannot be added.

    own          the group's own goal; without one it is the sum of the members' goals.
    everything   what is set against the own goal instead of the members' sum: a team's goal is met by what its members
                 brought while they were in it, the company's by every record, also by what nobody is credited with.
    """
    metric = policy.metrics[goal.metric]
    unit = policy.unit_of(goal.metric)
    actuals, targets = [m.parts[0] for m in members], [m.parts[1] for m in members if len(m.parts) > 1]
    if not metric.adds_up and everything is None:
        missing = Line(
            goal.id, goal.name or goal.id, None, "ratio", note="a ratio is not the sum of the members' ratios"
        )
        return missing
    actual = everything or _sum(goal.metric, metric.name, unit, actuals)
    target = own or _sum(goal.id, goal.name or goal.id, unit, targets)
    line = attainment(actual, target, metric.direction)
    return replace(line, name=goal.id, label=goal.name or goal.id)


def _sum(name: str, label: str, unit: str, lines: Sequence[Line]) -> Line:
    known = [line for line in lines if not line.missing]
    total = sum((line.number for line in known), Fraction(0))
    value = total.numerator if total.denominator == 1 else total
    return Line(name, label, value, unit, formula=f"the sum of {len(known)} people")


@transaction.atomic
def _keep(version: PolicyVersion, period: Period, digest: str, found: list[Found], issues: list[Said]) -> Outcome:
    same = Run.objects.filter(policy=version, starts_on=period.start, ends_on=period.end, digest=digest).first()
    this_period = Run.objects.filter(policy__policy_id=version.policy_id, starts_on=period.start, ends_on=period.end)
    if same:
        if not same.current:
            this_period.update(current=False)
            Run.objects.filter(pk=same.pk).update(current=True)
        return Outcome(same, False, same.results.count(), issues_of(same))
    this_period.update(current=False)
    run = Run.objects.create(
        policy=version,
        kind=period.kind,
        starts_on=period.start,
        ends_on=period.end,
        label=period.label,
        digest=digest,
        engine=VERSION,
        issues=[{**issue.to_json(), "person": person} for issue, person in issues],
    )
    Result.objects.bulk_create((_stored(run, f) for f in found), batch_size=BATCH)
    return Outcome(run, True, len(found), issues_of(run))


def issues_of(run: Run, person: int | None = None) -> list[Issue]:
    """The exception list of a run; of one person, where one is asked for."""
    kept = [dict(one) for one in run.issues]
    about = [one.pop("person", None) for one in kept]
    return [Issue.from_json(one) for one, pk in zip(kept, about, strict=True) if person in (None, pk)]


def _stored(run: Run, found: Found) -> Result:
    """Money in ten-thousandths; other numbers as numerator and denominator."""
    line = found.line
    value = None if line.missing else Fraction(line.value)
    money = line.unit.startswith("money:")
    return Result(
        run=run,
        kind=found.kind,
        name=line.name[:60],
        label=line.label[:120],
        person_id=found.person,
        team_id=found.team,
        unit=line.unit,
        value=None if value is None else round(value) if money and value.denominator != 1 else value.numerator,
        denominator=None if value is None else 1 if money else value.denominator,
        trace=line.to_json(),
        entries=[entry.to_json() for entry in found.entries],
    )


def team_names(ids: set[int]) -> dict[int, str]:
    return dict(Team.objects.filter(pk__in=ids).values_list("pk", "name"))


def results_of(runs: Sequence[Run], *kinds: str, person: int | None = None) -> list[Result]:
    """The stored results of these runs of these kinds, in the order in which they were reckoned."""
    rows = Result.objects.filter(Q(run__in=runs), kind__in=kinds).select_related("run__policy", "person", "team")
    return list(rows.filter(person_id=person).order_by("id") if person is not None else rows.order_by("id"))


def current_run(version: PolicyVersion, period: Period) -> Run | None:
    """The run that stands for this policy and period now."""
    rows = Run.objects.filter(
        policy__policy_id=version.policy_id, starts_on=period.start, ends_on=period.end, current=True
    )
    return rows.select_related("policy").first()

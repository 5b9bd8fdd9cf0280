"""目标跟踪: where everybody stands against their goals now, live from the records.

What is expected by now follows the owner's goals of the months where there are any, and working days within them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

from django.db.models import Q

from xiaoguan.base.periods import Period
from xiaoguan.desk.access import Viewer
from xiaoguan.people.models import Membership, Person, Team
from xiaoguan.policy import Goal, Policy, Who
from xiaoguan.policy.document.measures import Metric
from xiaoguan.policy.goals import Elapsed, Pace, expected, pace
from xiaoguan.policy.metrics import PlanError, plan
from xiaoguan.rulebook import sql
from xiaoguan.rulebook.facts import schema
from xiaoguan.rulebook.world import DatabaseWorld, Participants

Number = Fraction | int


Owner = tuple[int | None, int | None]
"""(person, team); neither is the company."""


@dataclass(frozen=True)
class Standing:
    """Where one owner stands on a day. level 0 company, 1 team, 2 person; values in units of money or counts.

    expecting    how much of the goal should have come before a day.
    timed        whether it comes in day by day: amounts and counts do, ratios and scores have no pace.
    down         whether lower is better.
    """

    level: int
    key: int | None
    label: str
    actual: Number
    goal: Number | None
    today: date
    expecting: Callable[[date], Elapsed]
    timed: bool = True
    down: bool = False

    @cached_property
    def gone(self) -> Elapsed:
        return self.expecting(self.today)

    @cached_property
    def pace(self) -> Pace | None:
        timed = self.goal and self.timed
        return pace(self.actual, self.goal or 0, self.gone.share, self.gone.remaining) if timed else None

    @property
    def attainment(self) -> Fraction | None:
        above, below = (self.goal, self.actual) if self.down else (self.actual, self.goal)
        return Fraction(above) / below if above is not None and below else None

    @property
    def tone(self) -> str:
        """Ahead, to be watched, or behind: 100 % and 90 % of what is expected by now."""
        share = self.pace.pace if self.pace else None
        if share is None:
            return ""
        return "green" if share >= 1 else "amber" if share >= Fraction(9, 10) else "red"


def expecting(world: DatabaseWorld, goal: Goal, period: Period, owners: Sequence[Owner]) -> Callable[[date], Elapsed]:
    """How much of what these owners should bring together should have come before a day: by their goals of the months
    where there are any, and by working days."""

    @cache
    def part(one: Period) -> Number | None:
        found = [_value(world.goal_of(goal.id, one, person_id=person, team_id=team)) for person, team in owners]
        return _sum(found) if all(value is not None for value in found) else None

    return lambda on: expected(world.policy.calendar, period, on, part)


def standings(policy: Policy, goal: Goal, period: Period, today: date) -> list[Standing]:
    """In reading order: the company, then each team with its people, then the people without a team."""
    try:
        planned = plan(policy, goal.metric, schema())
        actuals = sql.ask(planned, period.start, period.end, policy.currency, "person")
        total = sql.ask(planned, period.start, period.end, policy.currency)[None]
        metric = policy.metrics[goal.metric]
        divided = {} if metric.adds_up else sql.ask(planned, period.start, period.end, policy.currency, "team")
    except (PlanError, sql.NotInSql, KeyError):
        return []
    world = DatabaseWorld(policy)
    whos = {int(w.key): w for w in Participants(policy, period).people.values()}
    people = {pk: who.name for pk, who in whos.items()}
    targets = {pk: _value(world.goal_of(goal.id, period, person_id=pk, who=who)) for pk, who in whos.items()}
    mine = {pk: actuals[pk].value or 0 if pk in actuals else 0 for pk in people}

    def stand(level: int, key: int | None, label: str, own: Number | None, carrying: Iterable[int] = ()) -> Standing:
        """Against the owner's own goal, else against what these people carry."""
        carrying = list(carrying)
        owners: list[Owner] = [(key, None) if level == 2 else (None, key)]
        if own is None:
            owners = [(p, None) for p in carrying if targets[p] is not None]
            own = _together(metric, [targets[p] for p in carrying])
        if level == 1 and not metric.adds_up:  # divided once, at this level
            actual: Number = (divided[key].value or 0) if key in divided else 0
        else:
            actual = mine[key] if level == 2 and key else sum((mine[p] for p in carrying), 0)
        asked = expecting(world, goal, period, owners)
        return Standing(level, key, label, actual, own, today, asked, metric.adds_up, metric.direction == "down")

    shown = [pk for pk in people if targets[pk] is not None or mine[pk]]
    teams, of_team = _teams(shown, min(today, period.end - timedelta(days=1)))
    own = _value(world.goal_of(goal.id, period))
    company = stand(0, None, "", own, people)
    met = own is not None or not metric.adds_up
    found = [replace(company, actual=total.value or 0) if met else company]  # met by every record
    for team, label in teams.items():
        members = sorted(of_team[team], key=lambda p: -mine[p])
        found.append(stand(1, team, label, _value(world.goal_of(goal.id, period, team_id=team)), members))
        found += [stand(2, p, people[p], targets[p]) for p in members]
    placed = {p for members in of_team.values() for p in members}
    found += [stand(2, p, people[p], targets[p]) for p in shown if p not in placed]
    return found


def standing_of(policy: Policy, goal: Goal, period: Period, person: Person, today: date) -> Standing | None:
    """One person's standing; None when they have no goal in this period."""
    world = DatabaseWorld(policy)
    who = Who(str(person.pk), person.name, hired_on=person.hired_on, left_on=person.left_on)
    target = _value(world.goal_of(goal.id, period, person_id=person.pk, who=who))
    if target is None:
        return None
    try:
        planned = plan(policy, goal.metric, schema())
        answer = sql.ask(planned, period.start, period.end, policy.currency, "person", _theirs(planned, [person.pk]))
    except (PlanError, sql.NotInSql, KeyError):
        return None
    actual = answer[person.pk].value or 0 if person.pk in answer else 0
    metric, asked = policy.metrics[goal.metric], expecting(world, goal, period, [(person.pk, None)])
    return Standing(2, person.pk, person.name, actual, target, today, asked, metric.adds_up, metric.direction == "down")


def _theirs(planned: Any, people: list[int]) -> Q | None:
    from xiaoguan.rulebook.facts import facts

    source = getattr(planned, "source", None)
    return Q(**{f"{facts()[source].person}__in": people}) if source and facts()[source].person else None


def may_see(viewer: Viewer, standing: Standing) -> bool:
    """A person's standing is theirs and their managers'; those of teams and the company are everyone's."""
    if standing.level < 2 or standing.key == viewer.person_id:
        return True
    return standing.key in viewer.reports or viewer.has("general_manager", "operations", "hr", "finance")


def by_day(policy: Policy, goal: Goal, period: Period) -> Mapping[date, Number]:
    """What came in each day: everything against a goal of the company's own, else what the participants brought."""
    planned = plan(policy, goal.metric, schema())
    only = None
    if DatabaseWorld(policy).goal_of(goal.id, period) is None:
        only = _theirs(planned, [int(key) for key in Participants(policy, period).people])
    answers = sql.ask(planned, period.start, period.end, policy.currency, "day", only)
    return {day: answer.value or 0 for day, answer in answers.items()}


def _teams(people: list[int], day: date) -> tuple[dict[int, str], dict[int, list[int]]]:
    of_team: dict[int, list[int]] = defaultdict(list)
    for team, person in Membership.on(day).filter(person_id__in=people).values_list("team_id", "person_id"):
        of_team[team].append(person)
    names = Team.objects.filter(pk__in=of_team).order_by("id").values_list("pk", "name")
    return dict(names), of_team


def _value(line: Any) -> Number | None:
    return None if line is None or line.missing else line.value


def _together(metric: Metric, values: Sequence[Number | None]) -> Number | None:
    """The goals of several as one: their sum, of a ratio the value that they share."""
    known = [value for value in values if value is not None]
    if metric.adds_up:
        return _sum(known)
    return known[0] if len(set(known)) == 1 else None


def _sum(values: Any) -> Number | None:
    known = [v for v in values if v is not None]
    return sum(known) if known else None

"""目标分解 targets: a goal worked out from the company's whole down to a person's period, with every step shown.

    whole (fixed, growth over a base, submitted)  ->  the steps of `allocate`, one after the other, each by largest
    remainder in the rounding unit  ->  a person's part x presence x ramp

History comes from the records before the period, declared inputs from whoever asks. Parts add up: the parts of every
step are whole x over_assignment at its level exactly; what ramp and proration take off is the last step and shown.
Two-way tables are cut one dimension first, then each part over the other; both margins are shown.
Source: spec/domain.md 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction

from xiaoguan.base.explain import Line, value_text
from xiaoguan.base.issues import Issue
from xiaoguan.base.money import allocate, round_to
from xiaoguan.base.periods import CalendarGap, Period, span

from .document import Goal, Least, Policy, Step, Target
from .formula import Duration
from .goals import Number, decompose, months_in_role, person_quota, prorated, ramp, step_shares, target
from .inputs import Inputs, in_scope, present
from .world import Facts, Span, Who

Declared = Mapping[str, Mapping[str, Fraction]]
"""Inputs that somebody declares: name (market_size, history, capacity) to key (team, person) to value."""


@dataclass(frozen=True)
class Part:
    """一份: what a goal is for one owner and period, in units or counts, and the parts it was cut into.

    owner   "" company, "team:east", or a person's key. full is before presence and ramp; `how` says the step.
    team    of a person's part: the team whose goal it was cut from.
    """

    owner: str
    period: Period
    value: Number
    full: Number
    how: str
    parts: tuple[Part, ...] = ()
    team: str = ""

    def leaves(self) -> list[Part]:
        """The parts that are not cut further."""
        return [leaf for part in self.parts for leaf in part.leaves()] if self.parts else [self]


@dataclass
class Targets:
    """A goal worked out: its tree, and what stood in the way."""

    goal: Goal
    root: Part | None
    issues: list[Issue] = field(default_factory=list)
    vacant: frozenset[str] = frozenset()
    """Labels of periods in which nobody was there to share them."""
    unit: int = 1
    """The rounding unit of its parts."""

    def values(self) -> dict[tuple[str, str, str], Number]:
        """(goal, owner, period label) to value, for every part of the tree; of whoever changed the team the sum."""
        parts: dict[tuple[str, str, str], dict[str, Number]] = {}

        def visit(part: Part) -> None:
            key = (self.goal.id, part.owner, part.period.label)
            parts.setdefault(key, {}).setdefault(part.team, part.value)
            for one in part.parts:
                visit(one)

        if self.root is None:
            return {}
        visit(self.root)
        found = {key: sum(by_team.values()) for key, by_team in parts.items()}
        self.absent(found)
        self.company(found)
        return found

    def company(self, found: dict[tuple[str, str, str], Number]) -> None:
        """The company's own goal in the periods that only its owners' parts were cut into: what they carry together
        without what is assigned above the whole."""
        assert self.root is not None
        owners = {part.owner: part for part in self.root.parts if part.owner}
        carried = sum(part.full for part in owners.values())
        if not carried:
            return
        by_label: dict[str, dict[str, Number]] = {}

        def visit(part: Part, owner: str) -> None:
            if part.owner == owner:
                by_label.setdefault(part.period.label, {}).setdefault(owner, part.full)
                for one in part.parts:
                    visit(one, owner)

        for owner, part in owners.items():
            visit(part, owner)
        for label, each in by_label.items():
            if each.keys() == owners.keys():
                whole = Fraction(sum(each.values())) * self.root.full / carried
                found.setdefault((self.goal.id, "", label), round_to(whole, self.unit))

    def absent(self, found: dict[tuple[str, str, str], Number]) -> None:
        """Somebody who is not there in one of the periods carries nothing in it, so that longer ones add up."""
        leaves = self.root.leaves() if self.root else []
        people = {leaf.owner for leaf in leaves if leaf.owner and not leaf.owner.startswith("team:")}
        labels = self.vacant | {leaf.period.label for leaf in leaves if leaf.owner in people}
        for owner in people:
            for label in labels:
                found.setdefault((self.goal.id, owner, label), 0)

    def margins(self) -> tuple[dict[str, Number], dict[str, Number]]:
        """Sums of the leaves by owner and by period: both margins of the table."""
        owners: dict[str, Number] = {}
        periods: dict[str, Number] = {}
        for leaf in self.root.leaves() if self.root else []:
            owners[leaf.owner] = owners.get(leaf.owner, 0) + leaf.value
            periods[leaf.period.label] = periods.get(leaf.period.label, 0) + leaf.value
        return owners, periods


def work_out(
    policy: Policy,
    goal: Goal,
    period: Period,
    facts: Facts,
    declared: Declared | None = None,
    whole: Number | None = None,
) -> Targets:
    """The goal for a period of its own kind, from the company down. `whole` overrides the target of the policy."""
    return _Working(policy, goal, facts, declared or {}).run(period, whole)


class _Working:
    def __init__(self, policy: Policy, goal: Goal, facts: Facts, declared: Declared) -> None:
        self.policy, self.goal, self.facts, self.declared = policy, goal, facts, declared
        self.calendar, self.unit = policy.calendar, policy.quota_unit(goal)
        self.issues: list[Issue] = []
        self.vacant: set[str] = set()

    def run(self, period: Period, whole: Number | None) -> Targets:
        self.start = period.start
        try:
            return self.worked_out(period, whole)
        except CalendarGap as gap:
            self.report(str(gap))
            return self.targets(None)

    def worked_out(self, period: Period, whole: Number | None) -> Targets:
        if whole is not None and self.adds_up and whole % self.unit:
            shown = [value_text(Fraction(one), self.policy.unit_of(self.goal.metric)) for one in (whole, self.unit)]
            self.report(f"{shown[0]} of {period.label} is not a multiple of the rounding unit {shown[1]}", "Round it.")
            return self.targets(None)
        if self.goal.target.method == "bottom_up":
            return self.from_below(period, None if whole is None else int(whole))
        total = whole if whole is not None else self.whole(period)
        if total is None:
            return self.targets(None)
        root = Part("", period, total, total, f"target {self.goal.target.method}")
        if not self.adds_up:
            return self.targets(self.shared(root))
        return self.targets(self.cut(root, list(self.goal.allocate)))

    @property
    def adds_up(self) -> bool:
        return self.policy.metrics[self.goal.metric].adds_up

    def shared(self, root: Part) -> Part:
        """比率目标: what does not add up is the same for every team and person."""
        owners = [*(f"team:{team}" for team in self.teams(root.period)), *self.people(root)]
        return replace(root, parts=tuple(replace(root, owner=one, how="the same for everybody") for one in owners))

    def targets(self, root: Part | None) -> Targets:
        return Targets(self.goal, root, self.issues, frozenset(self.vacant), self.unit)

    def report(self, message: str, hint: str = "") -> None:
        found = Issue("warning", f"goal {self.goal.id}: {message}", hint, path=self.goal.path, code="goal.target")
        if found not in self.issues:
            self.issues.append(found)

    def from_below(self, period: Period, wanted: int | None) -> Targets:
        """自下而上: what was submitted is the goal. Whoever is silent and what lies below the floor is named; a wanted
        whole closes the gap to it, in the proportion of the submissions."""
        asked = self.submitters(period)
        given = {owner: self.facts.goal(self.goal.id, who, period) for owner, who in asked.items()}
        submitted = {owner: int(line.number) for owner, line in given.items() if line is not None and not line.missing}
        floor = least(self.policy, self.goal, self.base(period, self.goal.target.floor))
        found = gather(submitted, list(asked), wanted if wanted is not None else floor)
        if found.missing:
            self.report(f"not submitted yet for {period.label}: {', '.join(found.missing)}")
        if not submitted:
            return self.targets(None)
        how, total = "submitted", found.total
        if wanted is not None and found.gap:
            submitted, how, total = close_gap(submitted, found.gap, self.unit), "submitted, the gap closed", wanted
        elif found.gap and found.gap > 0:
            unit = self.policy.unit_of(self.goal.metric)
            shown = [value_text(Fraction(value), unit) for value in (total, found.gap)]
            self.report(
                f"what was submitted is {shown[0]}, {shown[1]} below the floor", "Give the whole: it closes the gap."
            )
        steps = list(self.goal.allocate)
        steps = steps[1:] if steps and steps[0].by == "team" else steps
        made = (self.carried(Part(owner, period, value, value, how)) for owner, value in submitted.items())
        return self.targets(Part("", period, total, total, how, tuple(self.cut(part, steps) for part in made)))

    def submitters(self, period: Period) -> dict[str, Who]:
        """Whose goals are asked for: the teams (or the own goals) of those who submit, else of everybody in scope."""
        last, roles = period.end - timedelta(days=1), self.goal.target.submit_by
        if not roles:
            return {key: who for key, who in self.people(Part("", period, 0, 0, "")).items() if who}
        found: dict[str, Who] = {}
        for who in self.facts.people():
            at = who.on(last)
            if (at.role or who.role) in roles:
                team = at.team or who.team
                one = Who(f"team:{team}", team, team=team) if team else who
                found[one.key] = one
        return found

    def whole(self, period: Period) -> Number | None:
        """The company's target in units, a multiple of the rounding unit; a ratio as it is."""
        how = self.goal.target
        base = self.base(period, how if how.method == "growth" else None)
        line = target(self.policy, self.goal, base)
        if line.missing:
            self.report(f"the whole is not known: {line.note}")
            return None
        return round_to(line.number, self.unit) if self.adds_up else line.number

    def base(self, period: Period, growth: Target | Least | None) -> Line | None:
        """The company's metric in the period that a growth starts from."""
        if growth is None:
            return None
        prior = growth.base == "prior_period"
        before = self.calendar.previous(period) if prior else self.calendar.same_last_year(period)
        return self.facts.metric(self.goal.metric, Who("", "company"), before)

    # Cutting

    def cut(self, part: Part, steps: Sequence[Step]) -> Part:
        if not steps:
            return part
        step, rest = steps[0], steps[1:]
        if step.by in self.calendar.kinds:
            made = self.by_period(part, step)
        elif step.by in ("team", "person"):
            made = self.by_owner(part, step)
        else:
            self.report(f"the step by {step.by} needs records of it and is left out")
            made = [part]
        if made is None:
            return part
        return replace(part, parts=tuple(self.cut(one, rest) for one in made))

    def by_period(self, part: Part, step: Step) -> list[Part] | None:
        try:
            periods = {one.label: one for one in self.calendar.children(part.period, step.by)}
        except ValueError as error:
            self.report(f"the step by {step.by} cannot be cut: {error}", "Cut longer periods before shorter ones.")
            return None
        past = self.seasons(part, step, periods) if _reads(step, "history", "seasonality") else {}
        values = {"history": past, "seasonality": past}
        shares = self.shares(step, list(periods), values, periods)
        if shares is None:
            return None
        cut = decompose(self.goal, int(part.full), list(periods), shares, self.unit, level=step.by)
        return [self.carried(replace(part, period=periods[k], full=v, how=_how(step))) for k, v in cut.items()]

    def by_owner(self, part: Part, step: Step) -> list[Part] | None:
        owners = self.teams(part.period) if step.by == "team" else self.people(part)
        if step.by == "person" and step.method == "capacity" and step.weights:  # a role that is not named has no part
            owners = {key: who for key, who in owners.items() if who and self.role_in(who, part) in step.weights}
        if not owners:
            self.vacant.add(part.period.label)
            whose = f"{part.period.label} of team {_team(part)}" if _team(part) else part.period.label
            self.report(f"there is nobody to share {whose} between by {step.by}")
            return None
        values = {name: {k: Fraction(v) for k, v in keys.items()} for name, keys in self.declared.items()}
        if _reads(step, "history"):
            values["history"] = values.get("history", {}) | self.history(step, owners)
        if _reads(step, "pipeline"):
            values.setdefault("pipeline", self.pipeline(owners, part.period))
        if step.by == "person" and _reads(step, "capacity"):
            values.setdefault("capacity", self.capacity(step, owners, part))
        shares = self.shares(step, list(owners), values, {})
        if shares is None:
            return None
        cut = decompose(self.goal, int(part.full), list(owners), shares, self.unit, level=step.by)
        ids = {key: key if step.by == "person" else f"team:{key}" for key in owners}
        part = replace(part, team=_team(part))
        return [self.carried(replace(part, owner=ids[k], full=v, how=_how(step))) for k, v in cut.items()]

    def carried(self, part: Part) -> Part:
        """A person's part after presence and ramp; other parts are carried whole."""
        who = self.facts.person(part.owner)
        if who is None or _uses_capacity(self.goal):
            return replace(part, value=part.full)
        share = self.presence(who, part.period, part.team) * self.ramped(who, part.period)
        return replace(part, value=part.full if share == 1 else person_quota(int(part.full), 1, share, self.unit))

    def shares(
        self, step: Step, keys: list[str], values: Mapping[str, Mapping[str, Fraction]], periods: Mapping[str, Period]
    ) -> list[Fraction] | None:
        known = {name: {k: v for k, v in found.items() if k in keys} for name, found in values.items()}
        if step.method == "capacity":
            step = replace(step, weights={})
        try:
            return step_shares(step, keys, values=known, periods=periods, calendar=self.calendar)
        except ValueError as error:
            self.report(f"the step by {step.by} cannot be shared: {error}", "Declare the inputs, or add a fallback.")
            return None

    # What methods read

    def back(self, step: Step) -> Period:
        """The window of a step's history: it ends where the goal begins, for each of its parts, so that what happens
        meanwhile moves no quota."""
        length = step.history or Duration(1, "y")
        inputs = Inputs(self.policy, Who("", ""), self.calendar.period("day", self.start), self.facts)
        return inputs.back(length, self.start)

    def actual(self, owner: str, period: Period) -> Fraction | None:
        inputs = Inputs(self.policy, Who("", ""), period, self.facts)
        try:
            whose = Who(owner, owner, team=owner[5:]) if owner.startswith("team:") else self.facts.person(owner)
            line: Line = inputs.whole(self.goal.metric, whose or Who("", ""), period)
        except ValueError:
            return None
        return None if line.missing else line.number

    def seasons(self, part: Part, step: Step, periods: Mapping[str, Period]) -> dict[str, Fraction]:
        """The mean of each season over the years of history; empty where there is none. A season that brought nothing
        counts 0 once there were records before it."""
        years = max(
            (step.history or Duration(1, "y")).count if (step.history or Duration(1, "y")).unit == "y" else 1, 1
        )
        owner = part.owner if part.owner.startswith("team:") else ""
        found: dict[str, list[Fraction]] = {label: [] for label in periods}
        for label, one in periods.items():
            for _ in range(years):
                one = self.calendar.same_last_year(one)
                value = self.actual(owner, one)
                if value is not None and (value > 0 or (value == 0 and self.began(owner, one))):
                    found[label].append(value)
        if not all(found.values()):
            return {}
        return {label: sum(values, Fraction(0)) / len(values) for label, values in found.items()}

    def began(self, owner: str, period: Period) -> bool:
        """Whether anything was brought in the two years before a period."""
        return bool(self.actual(owner, span(Duration(-2, "y").after(period.start), period.start)))

    def history(self, step: Step, owners: Mapping[str, object]) -> dict[str, Fraction]:
        """What each brought in the window. Who was there and brought nothing has 0; of who is new nothing is known."""
        window = self.back(step)
        ids = {key: key if step.by == "person" else f"team:{key}" for key in owners}
        found = {key: self.actual(owner, window) for key, owner in ids.items()}
        return {
            key: value
            for key, value in found.items()
            if value is not None and (value or self.was_there(ids[key], window.start))
        }

    def was_there(self, owner: str, day: date) -> bool:
        """Whether a person, or somebody in a team, was there on a day or before."""
        team = owner[5:] if owner.startswith("team:") else None
        who = None if team is not None else self.facts.person(owner)
        people = self.facts.people() if team is not None else [who] if who is not None else []
        begun = (
            max(one.hired_on or date.min, span.start)
            for one in people
            for span in one.spans or (Span(date.min, team=one.team),)
            if team is None or span.team == team
        )
        return min(begun, default=date.max) <= day

    def pipeline(self, owners: Mapping[str, object], period: Period) -> dict[str, Fraction]:
        """Open opportunities that are due in the period, by person or team."""
        found: dict[str, Fraction] = {}
        if "opportunities" not in self.facts.schema.facts:
            return found
        for row in self.facts.rows("opportunities", period, "closes_on"):
            if row.get("result"):
                continue
            person = self.facts.person(str(row.get("person")))
            team = person.on(period.start).team or person.team if person else ""
            for key in (str(row.get("person")), team):
                if key in owners:
                    found[key] = found.get(key, Fraction(0)) + Fraction(str(row.get("amount") or 0))
        return found

    def capacity(self, step: Step, owners: Mapping[str, Who | None], part: Part) -> dict[str, Fraction]:
        """Full quota of the role x ramp x presence."""
        found = {}
        for key, who in owners.items():
            if who is None:
                continue
            full = Fraction(step.weights.get(self.role_in(who, part), 1) if step.method == "capacity" else 1)
            found[key] = full * self.ramped(who, part.period) * self.presence(who, part.period, _team(part))
        return found

    def role_in(self, who: Who, part: Part) -> str:
        """The last role somebody has in a part's period and team."""
        return self.served(who, part.period, _team(part))[-1].role

    def teams(self, period: Period) -> dict[str, Who | None]:
        """The teams in which somebody is within a period; where people get parts, somebody of the policy."""
        found = set()
        for who in self.facts.people():
            if any(step.by == "person" for step in self.goal.allocate):
                found |= {one.team for one in in_scope(self.policy, who, period)}
            elif present(who, period):
                found |= {
                    one.team for one in who.spans if one.start < period.end and (one.end or date.max) > period.start
                }
        return dict.fromkeys(sorted(found - {""}))

    def people(self, part: Part) -> dict[str, Who | None]:
        """The people in the policy's scope who are there in the period, of the part's team if it is a team's."""
        return {who.key: who for who in self.facts.people() if self.served(who, part.period, _team(part))}

    def served(self, who: Who, period: Period, team: str = "") -> list[Span]:
        """在岗: when in a period somebody is in a role of the policy, in a team if one is named.

        Whoever changes the team within the period has a part in each where parts are prorated, unless the goal moves
        along with the person; where they are not, only in the last.
        """
        found = in_scope(self.policy, who, period)
        if not team or not found:
            return found
        if self.goal.transfer == "moves" or self.goal.proration is None:
            decides = found[0] if self.goal.transfer == "moves" else found[-1]
            return found if decides.team == team else []
        return [one for one in found if one.team == team]

    def presence(self, who: Who, period: Period, team: str = "") -> Fraction:
        there, whole = ([(one.start, one.end) for one in self.served(who, period, name)] for name in (team, ""))
        return prorated(self.goal, period, self.calendar, there, whole)

    def ramped(self, who: Who, period: Period) -> Fraction:
        """The mean ramp of the months of a period in which the person is there."""
        if not self.goal.ramp or who.hired_on is None:
            return Fraction(1)
        kind = "month" if period.kind in ("month", "quarter", "half_year", "year") else period.kind
        months = self.calendar.children(period, kind)
        since = [months_in_role(self.calendar, who.hired_on, month.start) for month in months]
        shares = [ramp(self.goal, count) for count in since if count >= 0]
        return sum(shares, Fraction(0)) / len(shares) if shares else Fraction(0)


def _reads(step: Step, *names: str) -> bool:
    """Whether the shares of a step may hang on one of these."""
    return not {step.method, step.fallback, *step.weights}.isdisjoint(names)


def _team(part: Part) -> str:
    """The team that a part is of, if it is a team's or was cut from one."""
    return part.owner[5:] if part.owner.startswith("team:") else part.team


def _how(step: Step) -> str:
    return f"by {step.by}, {step.method}"


def _uses_capacity(goal: Goal) -> bool:
    return any(
        step.by == "person" and (step.method == "capacity" or "capacity" in step.weights) for step in goal.allocate
    )


# 自下而上, 调动


@dataclass(frozen=True, slots=True)
class Gathered:
    """自下而上: the sum of approved submissions, the top-down number or floor beside it, and the gap between them."""

    total: int
    wanted: int | None
    gap: int | None
    missing: tuple[str, ...]


def gather(submitted: Mapping[str, int], expected: Sequence[str], wanted: int | None = None) -> Gathered:
    """Submissions of those who are asked, against what is wanted from above; nothing is closed silently."""
    total = sum(submitted.values())
    silent = tuple(key for key in expected if key not in submitted)
    return Gathered(total, wanted, None if wanted is None else wanted - total, silent)


def close_gap(submitted: Mapping[str, int], gap: int, unit: int = 1) -> dict[str, int]:
    """The explicit step that spreads a gap over the submissions in their proportion; parts add up exactly."""
    parts = allocate(gap, [max(value, 0) for value in submitted.values()], unit)
    return {key: value + part for (key, value), part in zip(submitted.items(), parts, strict=True)}


def least(policy: Policy, goal: Goal, base: Line | None) -> int | None:
    """The least a submitted target must be: growth over the base, to the rounding unit; None without a floor."""
    floor = goal.target.floor
    if floor is None or base is None or base.missing:
        return None
    return round_to(base.number * (1 + floor.growth), policy.quota_unit(goal))


def transfer(goal: Goal, quota: int, served: Fraction, unit: int = 1) -> tuple[int, int, str]:
    """调动: what of a quota somebody who moves keeps for the time served, what is left, and whose that is.

    Returns   (kept, rest, "team" or "person"): unused quota stays with the team or moves, as the goal declares.
    """
    kept = round_to(quota * served, unit)
    return kept, quota - kept, "person" if goal.transfer == "moves" else "team"

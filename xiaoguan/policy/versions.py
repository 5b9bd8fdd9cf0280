"""版本 versions: which version of a policy rules a component in which period, and what it earns over all of them.

A version holds from its first day on. Where that day begins a period of the component (and the window over which its
tiers accumulate), the new version simply follows. Inside one, what is paid record by record (a flat rate, a spiff, a
look-up of each record) is reckoned by each version over its own days; the rest follows the new version's `transition`:

    new_period_only        the old version keeps the period and the window, the new one begins with the next
    prorate                each version reckons its own days, with its sums and bounds in proportion to them
    new_for_whole_period   the new version rules it from its beginning; the period in which the change falls also pays
                           what the new version would have earned before, less what the old one did

Before the first version and after the last one nobody rules: such a period is a line without value and a reason.

    a bonus of 1 000, of 2 000 from 16 March on, prorate: 1 000 x 15/31 + 2 000 x 16/31 = 483.87 + 1 032.26

A `Chain` is one plan through all versions; `settle` passes one state along it.
Source: spec/domain.md 5.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import TypeVar

from xiaoguan.base.explain import Line, value_text
from xiaoguan.base.periods import Period

from .document import Bound, Component, Dates, Expression, IncentivePlan, Policy, Tiers
from .document.header import Change
from .earning import Earned, Earning, by_event
from .formula import Binary, Literal, Type
from .world import Who, World

Written = TypeVar("Written", IncentivePlan, Component)


@dataclass(frozen=True, slots=True)
class Terms:
    """A plan as one version has it on its days [start, end), None where it has none, and the world it reads."""

    policy: Policy
    plan: IncentivePlan | None
    world: World
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Rule:
    """A version rules a component in the periods of [start, end).

    days     the days to which it is cut, if records of a period are shared between versions.
    waits    the period, begun before, that the version leaves out.
    since    from this day on it restates what the version before earned, in the period of its own first day.
    """

    terms: Terms
    component: Component | None
    start: date
    end: date
    days: Dates | None = None
    waits: Period | None = None
    since: date | None = None

    def covers(self, due: Period) -> bool:
        """Whether it may reckon the period: as a whole, or cut to its days."""
        days = self.days
        return (self.start <= due.start or bool(days and days.start == self.start)) and (
            self.end >= due.end or bool(days and days.end == self.end)
        )


Part = tuple[Terms, Earned]
"""What a component earned in a period under one version."""


class Chain:
    """One plan through the versions of a policy, oldest first."""

    def __init__(self, terms: Sequence[Terms]) -> None:
        self.terms = tuple(terms)
        plans = [one.plan.components if one.plan else () for one in terms]
        self.components = [of for of in lineages(plans) if next(iter(of.values())).carried_out]
        self.rules = [list(self._rules(of)) for of in self.components]
        self.known: dict[object, list[Part]] = {}

    # What is earned

    def earned_in(self, period: Period, who: Who) -> list[list[tuple[Period, list[Part]]]]:
        """For every component its periods that end in this one, each with its parts by version."""
        return [list(self._earned_in(n, period, who)) for n in range(len(self.components))]

    def _earned_in(self, n: int, period: Period, who: Who) -> Iterator[tuple[Period, list[Part]]]:
        try:
            due = self.due(n, period)
        except ValueError as error:
            i = max(self.components[n])
            missing = _without(self.terms[i], self.components[n][i], who, period, str(error))
            yield period, [(self.terms[i], missing)]
            return
        for one in due:
            if parts := self.parts(n, who, one):
                yield one, parts

    def due(self, n: int, period: Period) -> list[Period]:
        """The periods of a component that end in a period, in order. Raises ValueError without such periods."""
        kinds = {c.period: self.terms[i].policy.calendar for i, c in self.components[n].items()}
        found = {due: None for kind, calendar in kinds.items() for due in calendar.ending_in(period, kind)}
        return sorted(found, key=lambda due: (due.end, due.start))

    def of(self, version: int, component: str) -> int | None:
        """The number of a component, by its id in a version."""
        fitting = (n for n, of in enumerate(self.components) if version in of and of[version].id == component)
        return next(fitting, None)

    def parts(self, n: int, who: Who, due: Period) -> list[Part]:
        """What a component earned in one of its periods, by version; [] where it is not for the person."""
        key = (n, who.key, tuple(sorted(who.terms.items(), key=lambda term: term[0])), due)
        if key not in self.known:
            self.known[key] = list(self._parts(n, who, due))
        return self.known[key]

    def _parts(self, n: int, who: Who, due: Period) -> Iterator[Part]:
        rules = [rule for rule in self.rules[n] if rule.start < due.end and rule.end > due.start]
        if not rules:
            yield self._nobody(n, who, due)
        beside: list[Earned] = []
        for rule in rules:
            component = rule.component
            if component is None or component.period != due.kind:
                continue
            if not rule.covers(due):
                yield rule.terms, _without(rule.terms, component, who, due, _outside(rule.terms, due))
                continue
            cap = component.cap
            if cap is not None and rule is not rules[-1]:  # what is carried is paid once, by the last version
                component = replace(component, cap=replace(cap, excess="lose"))
            own = _earned(rule, component, who, due, beside)
            for earned in (own, self._restated(n, rule, component, who, due)):
                if earned is not None:
                    beside.append(earned)
                    yield rule.terms, earned

    def _nobody(self, n: int, who: Who, due: Period) -> Part:
        """The line of a period that no version rules."""
        every = sorted(self.components[n])
        i = next((i for i in every if self.terms[i].end > due.start), every[-1])
        component, terms = self.components[n][i], self.terms[i]
        rule = next((rule for rule in self.rules[n] if rule.terms is terms and rule.waits), None)
        waits = rule.waits if rule and rule.waits and due.start < rule.start and due.end > terms.start else due
        return terms, _without(terms, component, who, due, _outside(terms, waits))

    def _restated(self, n: int, rule: Rule, component: Component, who: Who, due: Period) -> Earned | None:
        """What the version would have earned in the earlier periods that it rules too, less what they did earn."""
        if rule.since is None or not due.contains(rule.terms.start):
            return None
        calendar, pairs = rule.terms.policy.calendar, []
        at = calendar.period(component.period, rule.since)
        while at.end <= due.start:
            own = _earned(replace(rule, days=None), component, who, at, ())
            if own is not None and own.line.missing:
                return own
            pairs.append((own, together(self.parts(n, who, at))))
            at = calendar.period(component.period, at.end)
        own_lots = [lot for own, _ in pairs if own for lot in own.lots]
        old_lots = [replace(lot, amount=-lot.amount) for _, old in pairs if old for lot in old.lots]
        now, before = (sum(one.value for pair in pairs if (one := pair[side])) for side in (0, 1))
        if now == before:
            return None
        unit = f"money:{rule.terms.policy.currency}"
        formula = f"{value_text(now, unit)} under {rule.terms.policy.clause} - {value_text(before, unit)} earned before"
        line = Line(component.id, "Restated", now - before, unit, formula, rule.terms.policy.clause)
        raw, capped = (
            sum(getattr(own, name) if own else 0 for own, _ in pairs)
            - sum(getattr(old, name) if old else 0 for _, old in pairs)
            for name in ("raw", "capped")
        )
        return Earned(line, raw, capped, (*own_lots, *old_lots))

    # Which version rules when

    def _rules(self, of: Mapping[int, Component]) -> Iterator[Rule]:
        changes = [self._change(of, i) for i in range(len(self.terms))]
        for i, terms in enumerate(self.terms):
            start, end, component = changes[i], terms.end, of.get(i)
            cut = component is not None and _by_days(terms.policy, component)
            if self._followed(i):
                following = min(changes[i + 1 :], key=lambda rule: rule.start)
                end, cut = following.start, following.days is not None
            days = Dates(start=start.start if start.days else date.min, end=end if cut and end < date.max else None)
            yield replace(start, end=end, days=days if start.days or days.end else None)

    def _change(self, of: Mapping[int, Component], i: int) -> Rule:
        """From when on a version rules a component."""
        terms, new, old = self.terms[i], of.get(i), of.get(i - 1) if i and self._followed(i - 1) else None
        day, plain = terms.start, Rule(terms, new, terms.start, terms.end)
        both = [one for one in (old, new) if one is not None]
        begun = [span for one in both if (span := _window(terms.policy, one, day)) is not None and span.start < day]
        if not begun:
            return plain
        ruling = both[-1]
        how = _how(terms.policy, ruling)
        if how == "prorate" or all(by_event(one) for one in both):
            return replace(plain, days=Dates(start=day))
        if how == "new_for_whole_period":
            first = terms.policy.calendar.period(ruling.period, day).start
            return replace(plain, start=first, since=min(span.start for span in begun) if old and new else None)
        kept = max(begun, key=lambda span: span.end)
        return replace(plain, start=kept.end, waits=kept)

    def _followed(self, i: int) -> bool:
        """Whether another version begins where this one ends."""
        return i + 1 < len(self.terms) and self.terms[i].end == self.terms[i + 1].start


def chains(versions: Sequence[tuple[Policy, World]]) -> list[Chain]:
    """Every plan of a policy through its versions, given oldest first."""
    starts = [policy.header.effective.start for policy, _ in versions]
    ends = [policy.header.effective.end or date.max for policy, _ in versions]
    ends = [min(end, start) for end, start in zip(ends, [*starts[1:], date.max], strict=True)]
    return [
        Chain([Terms(policy, of.get(i), world, starts[i], ends[i]) for i, (policy, world) in enumerate(versions)])
        for of in lineages([policy.incentive for policy, _ in versions])
    ]


def lineages(versions: Sequence[Sequence[Written]]) -> list[dict[int, Written]]:
    """What is the same thing through the versions, by its id or what it was called before: version number to it."""
    found: list[dict[int, Written]] = []
    for i, every in enumerate(versions):
        for one in every:
            same = (of for of in found if i not in of and of[max(of)].id in (one.id, one.formerly))
            of = next(same, None)
            if of is None:
                found.append(of := {})
            of[i] = one
    return found


def together(parts: Sequence[Part]) -> Earned | None:
    """The parts of one period as one earning; its line has a part for each version."""
    every = [earned for _, earned in parts]
    if len(every) < 2:
        return every[0] if every else None
    known = [one.value for one in every if not one.line.missing]
    first = every[0].line
    line = Line(
        first.name,
        first.label,
        sum(known) if known else None,
        first.unit,
        f"{len(every)} versions",
        "; ".join(dict.fromkeys(one.line.source for one in every)),
        parts=tuple(one.line for one in every),
    )
    lots = tuple(lot for one in every for lot in one.lots)
    return Earned(line, sum(one.raw for one in every), sum(one.capped for one in every), lots)


def _earned(rule: Rule, component: Component, who: Who, due: Period, beside: Sequence[Earned]) -> Earned | None:
    plan, terms = rule.terms.plan, rule.terms
    assert plan is not None
    prorated = rule.days is not None and not by_event(component)
    if rule.days is not None and prorated:
        component = _prorated(terms.policy, component, rule.days, due)
    made = Earning(terms.policy, plan, component, who, due, terms.world, rule.days)
    made.before_rounding = sum((one.exact for one in beside), Fraction(0))
    if component.cap is not None and (component.cap.per or not prorated):
        made.beside = [one for one in beside if not one.line.missing]
    return made.reckoned()


def _without(terms: Terms, component: Component, who: Who, due: Period, reason: str) -> Earned:
    assert terms.plan is not None
    made = Earning(terms.policy, terms.plan, component, who, due, terms.world)
    return Earned(made.missing(reason).line)


def _outside(terms: Terms, period: Period) -> str:
    return f"{terms.policy.clause} is not in force for the whole of {period.label}"


def _how(policy: Policy, component: Component) -> Change:
    change = policy.header.transition
    return change.components.get(component.id, change.default) if change else "new_period_only"


def _by_days(policy: Policy, component: Component) -> bool:
    return by_event(component) or _how(policy, component) == "prorate"


def _accumulates(component: Component) -> str:
    """The kind of period over which a component's pay depends on the rest."""
    tiers = component.tiers
    return component.period if by_event(component) or not tiers or tiers.accumulate == "period" else tiers.accumulate


def _window(policy: Policy, component: Component, day: date) -> Period | None:
    """The longest period of a component that holds a day; None where the calendar has none."""
    try:
        found = [policy.calendar.period(kind, day) for kind in (component.period, _accumulates(component))]
    except ValueError:
        return None
    return max(found, key=lambda one: one.days)


# A part of a period


def _prorated(policy: Policy, component: Component, days: Dates, due: Period) -> Component:
    """The component over some days of its period: sums by the share of the period's days, bounds by the window's."""
    share, tiers = _share(days, due), component.tiers
    if component.kind in ("bonus", "matrix", "pool"):
        component = _sums(component, share)
    window = _window(policy, component, due.start) or due
    if component.kind == "commission" and tiers is not None and _own(policy, component, tiers):
        component = replace(component, tiers=_bounds(tiers, _share(days, window)))
    if component.cap is not None and not component.cap.per:
        component = replace(component, cap=replace(component.cap, amount=component.cap.amount * share))
    return component


def _share(days: Dates, of: Period) -> Fraction:
    start, end = max(days.start, of.start), min(days.end or of.end, of.end)
    return Fraction(max((end - start).days, 0), of.days)


def _sums(component: Component, share: Fraction) -> Component:
    tiers = component.tiers
    if tiers is not None and tiers.mode == "amount":
        rates = tuple(replace(tier, amount=(tier.amount or Fraction(0)) * share) for tier in tiers.rates)
        return replace(component, tiers=replace(tiers, rates=rates))
    if component.fund is not None:
        return replace(component, fund=_times(component.fund, share))
    if component.amount is not None:
        component = replace(component, target=component.amount, amount=None, tiers=None, weight=None)
    return replace(component, weight=(Fraction(1) if component.weight is None else component.weight) * share)


def _times(written: Expression, share: Fraction) -> Expression:
    return replace(
        written, text=f"{written.text} × {share}", tree=Binary("*", Literal(share, Type.NUMBER), written.tree)
    )


def _own(policy: Policy, component: Component, tiers: Tiers) -> bool:
    """Whether the table is looked up by the component's own credit, and not by what the whole period reaches."""
    if tiers.by != "attainment":
        return not tiers.of
    goal = policy.goal(tiers.of)
    return tiers.mode == "marginal" and goal is not None and goal.metric == component.basis


def _bounds(tiers: Tiers, share: Fraction) -> Tiers:
    def scaled(bound: Bound) -> Bound:
        return replace(bound, value=bound.value * share)

    rates = tuple(
        replace(tier, start=scaled(tier.start), amount=None if tier.amount is None else tier.amount * share)
        for tier in tiers.rates
    )
    return replace(tiers, rates=rates, points=tuple(replace(point, x=scaled(point.x)) for point in tiers.points))


# The world in which the versions are reckoned


class Asked:
    """A world that is asked for each metric and goal once, and in which a component knows what it earned before."""

    def __init__(self, world: World, version: int = 0) -> None:
        self.world, self.version = world, version
        self.metrics: dict[tuple[str, str, Period], Line] = {}
        self.goals: dict[tuple[str, str, Period], Line | None] = {}
        self.chains: list[Chain] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.world, name)

    def metric(self, metric_id: str, who: Who, period: Period) -> Line:
        key = (metric_id, who.key, period)
        if key not in self.metrics:
            self.metrics[key] = self.world.metric(metric_id, who, period)
        return self.metrics[key]

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        key = (goal_id, who.key, period)
        if key not in self.goals:
            self.goals[key] = self.world.goal(goal_id, who, period)
        return self.goals[key]

    def earned(self, plan: str, component: str, who: Who, due: Period) -> Earned | None:
        """What a component earned in a period, under the versions that ruled it."""
        chain, n = self.of(plan, component)
        return together(chain.parts(n, who, due))

    def carries_since(self, plan: str, component: str) -> date:
        """The first day from which on every version up to this one carries the excess of a component's cap."""
        chain, n = self.of(plan, component)
        i = self.version
        while (cap := (before := chain.components[n].get(i - 1)) and before.cap) and cap.excess == "carry":
            i -= 1
        return chain.terms[i].start

    def of(self, plan: str, component: str) -> tuple[Chain, int]:
        """The chain of a plan and the number of a component in it."""
        owns = (chain for chain in self.chains if (own := chain.terms[self.version].plan) and own.id == plan)
        chain = next(owns)
        n = chain.of(self.version, component)
        assert n is not None
        return chain, n

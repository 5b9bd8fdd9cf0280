"""业绩归属 crediting: which share of an event counts for whom, and why.

An event is credited by the rule of the plan that its owner is under on the day of the event: direct shares that add up
to the event, overlays beside them, roll-ups to the managers above. Recorded splits of the event come before the rule.
Purposes are separate: a credit may count for attainment, for pay, or for both.

    order 1 000.00, owner 80 %, co_owner 20 % else owner, overlay presales 30 % for attainment
    pay          owner 800.00, co_owner 200.00
    attainment   owner 800.00, co_owner 200.00, presales 300.00, and the owner's and co_owner's leaders what these got

A share is cut in the currency's minor unit by largest remainder, so that direct shares add up to the event; an amount
with finer decimals is cut in ten-thousandths. An event that reverses another is shared as the original was, on
the reporting lines of the original's day. Company
totals are taken from the events, never from credits.
Source: spec/domain.md 5.2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, Record, value_text
from xiaoguan.base.money import allocate, minor_unit, round_to
from xiaoguan.base.periods import Period

from .document import Credit, IncentivePlan, Policy
from .formula import FormulaError, Row, Scope, Type, evaluator, resolve
from .metrics import Derived, Plan, PlanError, RateOf, combine, count_rows, held_line, plan, run, run_rows, unit_text
from .world import Facts, Who, World, facts_of


@dataclass(frozen=True, slots=True)
class Credited:
    """A credit: the share of one event that counts for one person, with its reason."""

    person: str
    record: str
    label: str
    day: date
    amount: int | Fraction
    whole: int | Fraction
    share: Fraction
    reason: str
    row: Row
    shown: Record
    direct: bool = True


@dataclass(frozen=True, slots=True)
class Share:
    """Who gets which share of an event, for which purposes, and why."""

    person: str
    share: Fraction
    counts: tuple[str, ...]
    reason: str
    direct: bool


BOTH = ("attainment", "pay")


def is_shared(policy: Policy, world: World) -> bool:
    """Whether credit can differ from ownership: shares, overlays, roll-ups, splits, rates, a discount's effect."""
    if (facts := facts_of(world)) is None:
        return any(_rules(plan.credit) for plan in policy.incentive)
    effect = policy.discount is not None and policy.discount.effect is not None
    return (
        facts.has_splits
        or effect
        or policy.header.fx is not None
        or any(_rules(plan.credit) for plan in policy.incentive)
    )


def _rules(credit: Credit | None) -> bool:
    if credit is None:
        return False
    return any(payee.person != "owner" for payee in credit.payees) or bool(credit.overlay or credit.rollup)


def metric_of(policy: Policy, world: World, metric_id: str, who: Who, period: Period, purpose: str) -> Line:
    """The metric as credited to a person for a purpose; the person's own records where nothing is shared."""
    if not who.key or not is_shared(policy, world):
        return world.metric(metric_id, who, period)
    facts = facts_of(world)
    if facts is None:
        metric = policy.metrics[metric_id]
        note = "records are shared between people, and this source does not know between whom"
        return Line(metric_id, metric.name, None, policy.unit_of(metric_id), note=note)
    try:
        planned = plan(policy, metric_id, facts.schema)
    except PlanError:
        return world.metric(metric_id, who, period)
    line = _derived(planned, policy.currency, lambda leaf: _line(policy, facts, leaf, who, period, purpose))
    metric = policy.metrics[metric_id]
    return replace(line, source=f"{policy.clause}, {metric.source or metric.path}")


def group_metric(policy: Policy, world: World, metric_id: str, team: str | None, period: Period) -> Line:
    """The metric of a team (None: of the company), for attainment. ValueError where the world knows no rows.

    A team's records are those directly credited to people who were in it on the day of the record, each once and
    with what was credited; the company's are all, from the events. Ratios are divided once, at this level.
    """
    if team is None and policy.header.fx is None:
        return world.metric(metric_id, Who("", "company"), period)
    facts = facts_of(world)
    if facts is None:
        raise ValueError("this source only knows metrics and goals")
    metric = policy.metrics[metric_id]
    try:
        planned = plan(policy, metric_id, facts.schema)
    except PlanError:
        return world.metric(metric_id, Who("", "company"), period)
    line = _derived(planned, policy.currency, lambda leaf: _of_group(policy, facts, leaf, team, period))
    return replace(line, source=f"{policy.clause}, {metric.source or metric.path}")


def _derived(planned: Plan | Derived, currency: str, leaf_of: Callable[[Plan], Line]) -> Line:
    """The line of a plan, or of a formula over plans, each by `leaf_of`."""
    if isinstance(planned, Plan):
        return leaf_of(planned)
    parts = {
        name: replace(_derived(part, currency, leaf_of), name=name, adds=False) for name, part in planned.inputs.items()
    }
    return combine(planned, parts, currency)


def _of_group(policy: Policy, facts: Facts, planned: Plan, team: str | None, period: Period) -> Line:
    rate = rates(policy, facts, "attainment")
    if team is None:
        return run(planned, facts.rows, period, policy.currency, rate)

    def inside(person: object, day: object) -> bool:
        one = facts.person(str(person or ""))
        return one is not None and isinstance(day, date) and one.on(day).team == team

    if planned.over is not None or not is_shared(policy, facts):

        def rows_of(table: str, window: Period, by: str) -> list[Row]:
            return [row for row in facts.rows(table, window, by) if inside(row.get(planned.person or ""), row.get(by))]

        return run(planned, rows_of, period, policy.currency, rate)
    credited, held = credits_of(policy, facts, planned, period, "attainment")
    ours = [one for every in credited.values() for one in every if one.direct and inside(one.person, one.day)]
    lost = [(row, why) for row, why in held if inside(row.get(planned.person or ""), row.get(planned.date))]
    return _added(policy, planned, sorted(ours, key=_place), lost, period, rate, "attainment")


def _line(policy: Policy, facts: Facts, planned: Plan, who: Who, period: Period, purpose: str) -> Line:
    if planned.over is not None:
        return facts.metric(planned.metric, who, period)
    credited, held = credits_of(policy, facts, planned, period, purpose)
    lost = [(row, why) for row, why in held if row.get(planned.person or "") == who.key]
    rate = rates(policy, facts, purpose)
    return _added(policy, planned, credited.get(who.key, []), lost, period, rate, purpose)


def _added(
    policy: Policy,
    planned: Plan,
    mine: Sequence[Credited],
    held: Sequence[tuple[Row, str]],
    period: Period,
    rate: RateOf | None,
    purpose: str,
) -> Line:
    """The line of a plan from credits: amounts and counts as credited, anything else over the records, each once."""
    if planned.aggregate not in ("sum", "count"):
        return run_rows(planned, list({id(one.row): one.row for one in mine}.values()), period, policy.currency, rate)
    value = sum((one.amount for one in mine), 0)
    records = tuple(one.shown for one in mine)
    return Line(
        planned.metric,
        planned.label,
        value,
        unit_text(planned.type, policy.currency),
        formula=f"{len(mine)} credits of {planned.source} for {purpose}",
        records=records,
        parts=(held_line(planned, held),) if held else (),
    )


def rates(policy: Policy, facts: Facts, purpose: str) -> RateOf | None:
    """What converts other currencies for a purpose; None where the policy converts nothing."""
    fx = policy.header.fx
    if fx is None:
        return None
    kind = fx.attainment if purpose == "attainment" else fx.earning
    return lambda currency, day: facts.rate(currency, day, kind)


def _place(one: Credited) -> tuple[date, str, str]:
    return one.day, str(one.row.get("recorded_at") or ""), one.record


def credits_of(
    policy: Policy, facts: Facts, planned: Plan, period: Period, purpose: str
) -> tuple[dict[str, list[Credited]], list[tuple[Row, str]]]:
    """Everybody's credits from the events of a plan in a period, in the order of day and id; and the rows held back."""
    key = ("credits", planned, period.start, period.end, purpose)
    if key not in facts.cache:
        facts.cache[key] = _credit(policy, facts, planned, period, purpose)
    return facts.cache[key]  # type: ignore[return-value]


def _credit(
    policy: Policy, facts: Facts, planned: Plan, period: Period, purpose: str
) -> tuple[dict[str, list[Credited]], list[tuple[Row, str]]]:
    rows = facts.rows(planned.source, period, planned.date)
    counted, held = count_rows(planned, rows, policy.currency, rates(policy, facts, purpose))
    rule = Crediting(policy, facts)
    known: dict[int, list[Credited]] = facts.cache.setdefault(("events", planned, purpose), {})  # type: ignore[assignment]
    found: dict[str, list[Credited]] = defaultdict(list)
    for row, value in counted:
        if id(row) not in known:
            day = row[planned.date]
            assert isinstance(day, date)
            if isinstance(value, str) or planned.aggregate not in ("sum", "count"):
                value = 1  # what is credited is the record
            value *= rule.factor(planned, rule.original(planned, row))
            known[id(row)] = list(rule.split(planned, row, value, day, purpose))
        for one in known[id(row)]:
            found[one.person].append(one)
    return found, held


class Crediting:
    """The rules by which events are shared."""

    def __init__(self, policy: Policy, facts: Facts) -> None:
        self.policy, self.facts = policy, facts
        self.unit = minor_unit(policy.currency)

    def split(self, planned: Plan, row: Row, value: int | Fraction, day: date, purpose: str) -> Iterator[Credited]:
        """The credits of one event for one purpose: direct and overlay, then roll-ups of the direct ones."""
        shared_on = self.shared_on(planned, row, day)
        shares = [one for one in self.shares(planned, row, shared_on) if purpose in one.counts]
        amounts = self.cut(planned, value, shares)
        made = [
            self.credited(planned, row, value, day, one, amount) for one, amount in zip(shares, amounts, strict=True)
        ]
        yield from made
        for credit, share in zip(made, shares, strict=True):
            if share.direct:
                yield from self.rolled(planned, row, credit, shared_on, purpose)

    def credited(
        self, planned: Plan, row: Row, value: int | Fraction, day: date, one: Share, amount: int | Fraction
    ) -> Credited:
        record = str(row.get("id", ""))
        label = str(row.get("label") or record)
        if one.share != 1:
            label += f" ({one.reason} {value_text(one.share, 'ratio')})"
        shown = Record(planned.source, record, label, amount)
        return Credited(one.person, record, label, day, amount, value, one.share, one.reason, row, shown, one.direct)

    def shares(self, planned: Plan, row: Row, day: date) -> list[Share]:
        """Direct shares and overlays of an event: as recorded, else by the rule of the owner's plan."""
        original = self.original(planned, row)
        recorded = self.facts.splits(planned.source, str(original.get("id", "")))
        owner = str(original.get(planned.person or "person") or "")
        known = [_recorded(one) for one in recorded]
        split = {purpose for one in known if one.direct for purpose in one.counts}
        credit = self.rule(owner, day)
        if credit is None or not credit.payees:
            direct = [Share(owner, Fraction(1), BOTH, "owner", True)]
        else:
            direct = [
                Share(self.named(payee.person, original, owner) or self.named(payee.otherwise, original, owner),
                      payee.share, payee.counts, payee.person, True)
                for payee in credit.payees
            ]  # fmt: skip
        overlay = credit.overlay if credit and all(one.direct for one in known) else ()
        extra = [Share(self.named(o.person, original, owner), o.share, o.counts, o.person, False) for o in overlay]
        if known:  # a purpose that nobody split stays with whom the rule names
            direct = [replace(one, counts=tuple(p for p in one.counts if p not in split)) for one in direct]
        return _merged([one for one in (*direct, *extra, *known) if one.person and one.counts])

    def original(self, planned: Plan, row: Row) -> Row:
        """The event that this one reverses, or itself."""
        reversed_id = row.get("reverses")
        return (self.facts.row(planned.source, str(reversed_id)) or row) if reversed_id else row

    def shared_on(self, planned: Plan, row: Row, day: date) -> date:
        """The day whose roles and reporting lines share an event: its own, or that of the event it reverses."""
        first = self.original(planned, row).get(planned.date)
        return first if isinstance(first, date) else day

    def rule(self, owner: str, day: date) -> Credit | None:
        """The credit rule of the first plan with one that is for the owner's role on the day."""
        person = self.facts.person(owner)
        role = person.on(day).role if person else None
        for plan_ in self.policy.incentive:
            if plan_.credit is not None and (role is None or _for(self.policy, plan_, role)):
                return plan_.credit
        return None

    def named(self, field: str, row: Row, owner: str) -> str:
        if not field:
            return ""
        return owner if field in ("owner", "person") else str(row.get(field) or "")

    def cut(self, planned: Plan, value: int | Fraction, shares: Sequence[Share]) -> list[int | Fraction]:
        """The amounts of the shares: direct ones add up to their part of the event exactly."""
        if planned.type is not Type.MONEY or Fraction(value).denominator != 1:
            return [_plain(Fraction(value) * one.share) for one in shares]
        unit = self.unit if value % self.unit == 0 else 1
        direct = [one.share for one in shares if one.direct]
        whole = sum(direct, Fraction(0))
        parts = iter(())  # type: Iterator[int]
        if direct and whole > 0:
            parts = iter(self.parts(int(value), direct, whole, unit))
        return [next(parts, 0) if one.direct else self.near(Fraction(value) * one.share, unit) for one in shares]

    def parts(self, value: int, shares: Sequence[Fraction], whole: Fraction, unit: int) -> list[int]:
        """Cut by largest remainder; what the shares leave of the event belongs to nobody."""
        if whole < 1:
            return allocate(value, [*shares, 1 - whole], unit)[:-1]
        if whole == 1:
            return allocate(value, shares, unit)
        return [self.near(Fraction(value) * share, unit) for share in shares]

    def near(self, value: Fraction, unit: int) -> int:
        return round_to(value, unit)

    def rolled(self, planned: Plan, row: Row, credit: Credited, day: date, purpose: str) -> Iterator[Credited]:
        """Copies of a direct credit for the managers above, on the reporting line of the day."""
        owner = str(self.original(planned, row).get(planned.person or "person") or "")
        rule = self.rule(owner, day)
        if rule is None or not rule.rollup:
            return
        above = list(self.managers(credit.person, day))
        for to in rule.rollup:
            if purpose not in to.counts:
                continue
            for manager in self.chosen(to.to, above, day):
                copied = Share(manager.key, credit.share * to.share, to.counts, f"roll-up from {credit.person}", False)
                amount = _plain(Fraction(credit.amount * to.share))
                yield self.credited(planned, row, credit.whole, credit.day, copied, amount)

    def managers(self, person: str, day: date) -> Iterator[Who]:
        """The reporting line above a person on a day, nearest first; a circle ends it."""
        seen = {person}
        at = self.facts.person(person)
        while at is not None:
            key = at.on(day).manager
            if not key or key in seen:
                return
            seen.add(key)
            at = self.facts.person(key)
            if at is not None:
                yield at

    def chosen(self, to: str, above: Sequence[Who], day: date) -> Iterable[Who]:
        """`manager` is the nearest, `managers` are all above, any other word is a role."""
        if to == "manager":
            return above[:1]
        return above if to == "managers" else [one for one in above if one.on(day).role == to]

    def factor(self, planned: Plan, row: Row) -> Fraction | int:
        """低价单折算: what the discount of the record leaves of its credit."""
        effect = self.policy.discount.effect if self.policy.discount else None
        table = self.facts.schema.facts.get(planned.source)
        if effect is None or table is None or planned.type is not Type.MONEY:
            return 1
        try:
            tree, _ = resolve(effect.when.tree, Scope(table.fields), Type.BOOL)
        except FormulaError:
            return 1
        return effect.credit_factor if evaluator(tree)(row) else 1


def _for(policy: Policy, plan_: IncentivePlan, role: str) -> bool:
    roles = plan_.role or policy.header.scope.roles
    return not roles or role in roles


def _recorded(row: Row) -> Share:
    counts = row.get("counts") or BOTH
    share = row.get("share")
    assert isinstance(share, Fraction) and isinstance(counts, tuple)
    return Share(str(row.get("person")), share, counts, str(row.get("reason") or "split"), row.get("kind") != "overlay")


def _merged(shares: Sequence[Share]) -> list[Share]:
    """Shares of one person under one purpose and kind become one, such as the owner's and an absent referrer's."""
    merged: dict[tuple[str, tuple[str, ...], bool], Share] = {}
    for one in shares:
        key = (one.person, one.counts, one.direct)
        known = merged.get(key)
        merged[key] = replace(known, share=known.share + one.share) if known else one
    return list(merged.values())


def _plain(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value

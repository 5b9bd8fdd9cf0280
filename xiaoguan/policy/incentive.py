"""激励 incentive: what a person is paid for a period, with a line for every component and every step after it.

The order is fixed and printed on every statement:

    1 eligible events  2 classify  3 credit  4 accumulate and attainment  5 rate lookup  6 component earning
    7 component cap  8 multiplier and gate  9 plan cap and floor  10 true-up  11 release and holdback
    12 draw or guarantee  13 claw-back and other adjustments  14 statement

`credit` does 3, `earning` 4 to 8, `settle` 9 to 13. A plan may leave steps out; it may not reorder them. A locked
period is never reckoned again in place: what later facts change is one adjustment line in the open period, recomputed
less posted, naming the period it is about.
Source: spec/domain.md 5.1, 5.6 and 5.7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from xiaoguan.base.explain import Line, Statement, Step, value_text
from xiaoguan.base.issues import Issue
from xiaoguan.base.ledger import Entry
from xiaoguan.base.money import Money
from xiaoguan.base.periods import Period

from .document import IncentivePlan, Policy
from .earning import Earned
from .metrics import HELD_BACK
from .settle import Settled, Settling, needs_records, settles
from .versions import Asked, Chain, chains, together
from .world import Who, World, facts_of

ENGINE = 4
"""Raised whenever the same policy and facts come to other amounts: a stored run names the engine that made it."""

STEPS = (
    "Eligible events",
    "Classification",
    "Credit",
    "Accumulation and attainment",
    "Rate lookup",
    "Component earning",
    "Component cap",
    "Multiplier and gate",
    "Plan cap and floor",
    "True-up",
    "Release and holdback",
    "Draw or guarantee",
    "Claw-back and adjustments",
    "Statement",
)
"""The order of calculation. Source: spec/domain.md 5.1."""


def statement(policy: Policy, who: Who, period: Period, world: World) -> Statement:
    """提成单: everything the person is paid for a period under the plans for the person's role.

    A component counts in the period in which its own period ends: a monthly commission in each month, a quarterly
    bonus in the last month of the quarter, both in the quarter. The steps after the components follow the pay period.
    """
    return statement_of_versions([policy], who, period, lambda _: world)


def statement_of_versions(
    versions: Sequence[Policy], who: Who, period: Period, world_of: Callable[[Policy], World]
) -> Statement:
    """The same over the versions of a policy, all that are known: each rules the days on which it is in force.

    world_of   gives the world for a version, since metrics are the version's own.
    """
    ordered = sorted(versions, key=lambda one: one.header.effective.start)
    asked = [Asked(world_of(one), i) for i, one in enumerate(ordered)]
    made = chains(list(zip(ordered, asked, strict=True)))
    for one in asked:
        one.chains = made
    now = max((i for i, one in enumerate(ordered) if one.header.effective.start < period.end), default=0)
    paying = _Paying(ordered[now], asked[now], made)
    return _adjusted(paying, who, period, paying.statement(who, period))


@dataclass
class _Paying:
    """All plans of a policy through its versions; what was settled for a person is settled once."""

    policy: Policy
    world: Asked
    chains: Sequence[Chain]
    settled: dict[int, Settling] = field(default_factory=dict)

    @property
    def start(self) -> date:
        """The first day of the first version."""
        return min((chain.terms[0].start for chain in self.chains), default=date.min)

    def statement(self, who: Who, period: Period) -> Statement:
        lines: list[Line] = []
        entries: list[Entry] = []
        amounts: dict[int, int] = defaultdict(int)
        for chain in self.chains:
            if not any(_is_for(one.policy, one.plan, who) for one in chain.terms if one.plan):
                continue
            settled = self.steps(chain, who, period)
            components = [[each for each in of if each[1]] for of in chain.earned_in(period, who)]
            every = [one for of in components for _, parts in of for _, one in parts]
            lines.extend(_line([one for _, parts in of if (one := together(parts))]) for of in components if of)
            for number, value in _sums(every).items():
                amounts[number] += value
            if settled is None:
                entries.extend(_entries(who, period, chain, every))
                continue
            lines.extend(_deferred(chain, settled, every, amounts))
            lines.extend(_steps(settled))
            entries.extend(_posted(entry, period) for one in settled for entry in one.entries)
            for number, value in _later_sums(settled).items():
                amounts[number] += value
        issues = [issue for line in lines for issue in _exceptions(who, line)]
        total = sum(int(line.number) for line in lines if not line.missing)
        amounts[14] = total
        money = Money.of_units(total, self.policy.currency)
        steps = tuple(Step(n, name, amounts.get(n)) for n, name in enumerate(STEPS, 1))
        return Statement(who.key, period, tuple(lines), money, tuple(issues), steps, tuple(entries))

    def steps(self, chain: Chain, who: Who, period: Period) -> list[Settled] | None:
        """The pay periods of a plan that end in the period, settled; None for a plan that pays at once."""
        plans = [one.plan for one in chain.terms if one.plan]
        if not any(settles(plan) for plan in plans):
            return None
        if facts_of(self.world) is None and any(needs_records(plan) for plan in plans):
            note = "this source does not know what was collected, delivered or returned"
            unknown = Line(f"{plans[-1].id}.release", "Release", None, f"money:{self.policy.currency}", note=note)
            return [Settled(period, steps=[unknown])]
        settling = self.settled.setdefault(id(chain), Settling(chain, who))
        return [one for one in settling.through(period) if period.start < one.period.end]


def _line(earned: Sequence[Earned]) -> Line:
    return earned[0].line if len(earned) == 1 else _together([one.line for one in earned])


def _deferred(
    chain: Chain, settled: Sequence[Settled], every: Sequence[Earned], amounts: dict[int, int]
) -> Iterator[Line]:
    """What is earned in the period and paid later, or earned earlier and paid in it."""
    due = [one for pay in settled for one in pay.earned]
    gap = sum(one.value for one in due) - sum(one.value for one in every)
    terms = next(one for one in reversed(chain.terms) if one.plan)
    if gap and terms.plan is not None and not any(line.missing for pay in settled for line in pay.steps):
        amounts[11] += gap
        label = "Paid later" if gap < 0 else "Earned earlier, paid now"
        formula = f"paid {terms.plan.pay.paid if terms.plan.pay else 'monthly'}"
        yield Line(f"{terms.plan.id}.paid", label, gap, f"money:{terms.policy.currency}", formula, terms.policy.clause)


def _sums(earned: Sequence[Earned]) -> dict[int, int]:
    """The sums at the steps 6 to 8, in units."""
    value = sum(one.value for one in earned)
    raw, capped = sum(one.raw for one in earned), sum(one.capped for one in earned)
    return {6: raw, 7: capped - raw, 8: value - capped} if earned else {}


_NUMBER = {"cap": 9, "floor": 9, "true_up": 10, "release": 11, "holdback": 11, "holdback_released": 11, "forfeited": 11}
_NUMBER |= {"leaving": 9, "draw": 12, "recovery": 12, "guarantee": 12, "clawback": 13}
_LINES = _NUMBER | {"paid": 11, "adjustment": 13, "dispute": 13}
_LIMITS = {"before": 6, "cap": 7, "gate": 8, "multiplier": 8}


def by_step(lines: Iterable[Line]) -> dict[int, int]:
    """What each step of the order adds, in units, read from the lines of a statement; together what is paid."""
    found: dict[int, int] = defaultdict(int)
    for line in lines:
        if line.missing:
            continue
        plan, _, rest = line.name.partition(".")
        limited = bool(line.parts) and line.parts[0].name == "before"
        for part in line.parts if limited else (line,):
            name = _LIMITS[part.name] if limited else _LINES.get(rest.split(".")[0] or plan, 6)
            found[name] += int(part.number)
    return found


def _later_sums(settled: Sequence[Settled]) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    for one in settled:
        for name, value in one.amounts.items():
            if name in _NUMBER:
                found[_NUMBER[name]] += value
    return found


def _posted(entry: Entry, period: Period) -> Entry:
    """An entry of a pay period as it is posted with the statement in which that ends; a cap or floor is about it."""
    about = period.label if entry.kind == "adjustment" else entry.about
    return replace(entry, about=about, posted=period.label)


def _steps(settled: Sequence[Settled]) -> list[Line]:
    """The lines of the steps; several pay periods in one statement become one line a step."""
    by_name: dict[str, list[Line]] = {}
    for one in settled:
        for line in one.steps:
            by_name.setdefault(line.name, []).append(line)
    return [lines[0] if len(lines) == 1 else _together(lines) for lines in by_name.values()]


def _entries(who: Who, period: Period, chain: Chain, earned: Sequence[Earned]) -> Iterator[Entry]:
    """Ledger entries of a plan that pays what it earns at once."""
    total = 0
    for one in earned:
        if one.value:
            total += one.value
            yield Entry("earning", who.key, period.label, period.label, one.line.name, one.value)
    if total:
        name = next(one.plan.id for one in reversed(chain.terms) if one.plan)
        yield Entry("payout", who.key, period.label, period.label, name, -total)


# Corrections of locked periods


def _adjusted(paying: _Paying, who: Who, period: Period, result: Statement) -> Statement:
    """The statement with an adjustment for every locked period whose recomputation differs from what was posted."""
    facts = facts_of(paying.world)
    posted = list(facts.posted(who)) if facts else []
    labels = [*(facts.locked if facts else ()), *(entry.stands_in for entry in posted)]
    parts = [line for label in dict.fromkeys(labels) if (line := _adjustment(paying, who, period, label, posted))]
    if not parts:
        return result
    policy = paying.policy
    entries = [
        Entry("adjustment", who.key, one.name, period.label, "adjustment", int(one.number), cause=one.formula)
        for one in parts
    ]
    total = sum(int(part.number) for part in parts)
    formula = f"corrections of {', '.join(part.name for part in parts)}"
    line = Line(
        "adjustment", "Adjustment", total, f"money:{policy.currency}", formula, policy.clause, parts=tuple(parts)
    )
    payout = Entry("payout", who.key, period.label, period.label, "adjustment", -total)
    steps = tuple(
        replace(step, amount=(step.amount or 0) + total) if step.number in (13, 14) else step for step in result.steps
    )
    return replace(
        result,
        lines=(*result.lines, line),
        total=Money.of_units(result.total.units + total, policy.currency),
        steps=steps,
        entries=(*result.entries, *entries, *([payout] if total else [])),
    )


def _adjustment(paying: _Paying, who: Who, period: Period, label: str, posted: Sequence[Entry]) -> Line | None:
    try:
        locked = paying.policy.calendar.parse(label)
    except ValueError:
        return None
    if locked.end > period.start or locked.end <= paying.start:
        return None
    known = facts_of(paying.world)
    again = paying.statement(known.at(who, locked) if known else who, locked)
    before = [entry for entry in posted if entry.stands_in == label and entry.kind not in ("credit", "payout")]
    already = sum(entry.amount for entry in before)
    if again.total.units == already:
        return None
    unit = f"money:{paying.policy.currency}"
    named: Mapping[str, int] = _by_name(before)
    details = tuple(
        Line(line.name, line.label, int(line.number) - named.get(line.name, 0), unit, line.formula, adds=False)
        for line in again.lines
        if not line.missing and int(line.number) != named.get(line.name, 0)
    )
    formula = f"recomputed {value_text(again.total.units, unit)} - posted {value_text(already, unit)} for {label}"
    return Line(label, label, again.total.units - already, unit, formula, parts=details)


def _by_name(entries: Sequence[Entry]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        sums[entry.name] += entry.amount
    return sums


def _is_for(policy: Policy, plan: IncentivePlan, who: Who) -> bool:
    roles = plan.role or policy.header.scope.roles
    return not roles or who.role in roles or any(span.role in roles for span in who.spans)


def _together(lines: Sequence[Line]) -> Line:
    """One line for the periods of a component or step that end in a longer period."""
    known = [int(line.number) for line in lines if not line.missing]
    first = lines[0]
    return Line(
        first.name,
        first.label,
        sum(known) if known else None,
        first.unit,
        formula=f"the sum of {len(lines)} periods",
        source=first.source,
        parts=tuple(lines),
    )


def _exceptions(who: Who, line: Line) -> Iterator[Issue]:
    """Issues for lines without value and for records held back, here and below."""
    if any(part.name == line.name for part in line.parts):
        for part in line.parts:
            yield from _exceptions(who, part)
        return
    if line.missing:
        hint = "Complete what is missing and calculate again."
        yield Issue(
            "warning", f"{who.name}: {line.name} is not calculated: {line.note}", hint, code="incentive.missing"
        )
    for found in _held(line):
        message = f"{who.name}: records held back for {line.name}: {found.text} ({found.note})"
        yield Issue("warning", message, "Correct the records and calculate again.", code="incentive.held_back")


def _held(line: Line) -> Iterator[Line]:
    for part in line.parts:
        if part.name == HELD_BACK:
            yield part
        yield from _held(part)

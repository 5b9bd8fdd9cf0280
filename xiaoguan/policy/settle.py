"""结算 settling: from what a plan's components earned to what is paid, one pay period after the other.

    9 plan cap and floor -> 10 true-up -> 11 release and holdback -> 12 draw or guarantee -> 13 claw-back

Caps that carry, debts, what is held or not yet released and what is still to be taken back pass from one pay period to
the next and from one version of the policy to the next, so a period is settled after those before it, from the first in
which the plan is in force for the person. What a version earned is released, held and taken back by its terms; cap,
floor, true-up, draw and guarantee are those of the version in force at the end of the pay period.
Every step is one line; the lines of a statement add up to what is paid.
Source: spec/domain.md 5.1, 5.4, 5.7 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, value_text
from xiaoguan.base.ledger import Entry
from xiaoguan.base.money import SCALE, minor_unit, round_units, share_rounding
from xiaoguan.base.periods import Period, span

from .document import Clawback, Component, Draw, Guarantee, Holdback, IncentivePlan, Policy
from .earning import Earned, Earning, Lot
from .formula import Duration
from .goals import months_in_role
from .metrics import HELD_BACK
from .release import AT_ONCE, Records
from .versions import Chain, Part, Terms
from .world import Who, World, facts_of

Dated = tuple[date, int]
"""Units and the last day of the period that earned them."""
PAID = {"monthly": "month", "quarterly": "quarter", "half_yearly": "half_year", "yearly": "year"}


@dataclass
class _Kept:
    """A lot on its way: what of it is released, held, and taken back so far. `about` is the period that earned it,
    `terms` are those under which.

    undone   the share that events have undone: of what was paid it is taken back, of what is paid later it is left out.
    seen     units paid up to the period before.
    """

    lot: Lot
    about: Period
    terms: Terms
    released: int = 0
    held: int = 0
    lost: int = 0
    taken: int = 0
    seen: int = 0
    undone: Fraction = Fraction(0)
    events: set[tuple[str, str]] = field(default_factory=set)

    @property
    def paid(self) -> int:
        """Units paid out on it, before what was taken back."""
        return self.released - self.held - self.lost

    def take(self, amount: Fraction, currency: str) -> int:
        """Note an amount as taken back, at most what was paid and not taken yet. Returns what is left of it."""
        more = max(min(round_units(amount, currency), self.paid - self.taken), 0)
        self.taken += more
        return more


@dataclass
class State:
    """What passes from one pay period to the next, in units."""

    carry: int = 0
    debt: int = 0
    owed: int = 0
    negative: int = 0
    kept: list[_Kept] = field(default_factory=list)
    capped: dict[tuple[str, Period], int] = field(default_factory=dict)
    trued: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass
class Settled:
    """One pay period of a plan: its component lines, the steps after them, its ledger entries."""

    period: Period
    earned: list[Earned] = field(default_factory=list)
    steps: list[Line] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    amounts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """What is paid in the period, in units."""
        steps = sum(int(line.number) for line in self.steps if not line.missing)
        return sum(one.value for one in self.earned) + steps


def settles(plan: IncentivePlan) -> bool:
    """Whether a plan does more than add up its components at once."""
    pay = plan.pay
    waits = pay is not None and (pay.holdback or pay.paid != "monthly" or any(k not in AT_ONCE for k in pay.release))
    leaves = plan.leaving is not None and plan.leaving.earned == "lost"
    steps = plan.cap or plan.floor or plan.true_up or plan.draw or plan.guarantee or plan.clawback
    return bool(steps or waits or leaves)


def needs_records(plan: IncentivePlan) -> bool:
    """Whether a plan asks what happened to the records that earned: cash, deliveries, returns."""
    ways = set(plan.pay.release) - set(AT_ONCE) if plan.pay else set()
    unless = plan.pay is not None and plan.pay.holdback is not None and bool(plan.pay.holdback.release.unless)
    return bool(ways or unless or plan.clawback)


class Settling:
    """A plan for one person, settled from its first pay period on."""

    def __init__(self, chain: Chain, who: Who) -> None:
        self.chain, self.who, self.state = chain, who, State()
        self.having = [one for one in chain.terms if one.plan is not None]
        self.records = {one.start: Records(one.policy, facts_of(one.world)) for one in chain.terms}
        self.found: list[Settled] = []
        self.under(self.having[0].start)

    def under(self, day: date) -> Terms:
        """Take the terms that are in force on a day: those of the last version with the plan."""
        self.terms = next((one for one in reversed(self.having) if one.start <= day), self.having[0])
        plan = self.terms.plan
        assert plan is not None
        self.policy, self.plan = self.terms.policy, plan
        self.unit, self.minor = f"money:{self.policy.currency}", minor_unit(self.policy.currency)
        self.source = f"{self.policy.clause}, {plan.source or plan.path}"
        return self.terms

    def through(self, period: Period) -> list[Settled]:
        """The pay periods that end in or before a period, settled in order; the last ones end in it."""
        while (following := self.following()) is not None and following.end <= period.end:
            self.found.append(self.settle(following))
        return [one for one in self.found if one.period.end <= period.end]

    def following(self) -> Period | None:
        """The pay period after those that are settled; the rest of one where the rhythm of pay changes inside it."""
        first = max(self.having[0].start, self.who.hired_on or date.min, self.first_span())
        start = self.found[-1].period.end if self.found else first
        self.under(start)
        try:
            at = self.policy.calendar.period(PAID[self.plan.pay.paid] if self.plan.pay else "month", start)
        except ValueError:
            return None
        return replace(at, start=start, kind="range") if self.found and at.start < start else at

    def first_span(self) -> date:
        roles = self.roles
        starts = [one.start for one in self.who.spans if not roles or one.role in roles]
        return min(starts, default=date.min)

    @property
    def roles(self) -> Sequence[str]:
        return self.plan.role or self.policy.header.scope.roles

    def settle(self, period: Period) -> Settled:
        self.now, self.done = period, Settled(period)
        self.under(last_day(period))
        for records in self.records.values():
            records.held.clear()
        if (facts := facts_of(self.terms.world)) is not None:
            self.who = facts.at(self.who, period)
        dated = [pair for component in self.chain.earned_in(period, self.who) for pair in component]
        parts = [part for _, each in dated for part in each]
        self.done.earned = [earned for _, earned in parts]
        for one in self.done.earned:
            self.entry("earning", period.label, one.line.name, one.value)
        earned = sum(one.value for one in self.done.earned)
        sums = [(last_day(at), sum(one.value for _, one in each)) for at, each in dated]
        due = sum(value for _, value in self.floored(self.capped(self.kept_after_leaving(sums))))
        fresh = self.spread([_Kept(lot, period, terms) for terms, one in parts for lot in one.lots], earned, due)
        due = self.trued_up(due, parts, fresh)
        self.state.kept.extend(fresh)
        payable = self.released(due)
        payable = self.drawn(payable)
        self.clawed(payable)
        self.held_back()
        total = self.done.total
        self.done.amounts["payout"] = total
        self.entry("payout", period.label, self.plan.id, -total)
        return self.done

    # Lines and entries

    def step(self, name: str, label: str, value: int, formula: str, parts: Sequence[Line] = (), kind: str = "") -> None:
        if not value and not parts:
            return
        line = Line(f"{self.plan.id}.{name}", label, value, self.unit, formula, self.source, parts=tuple(parts))
        self.done.steps.append(line)
        self.done.amounts[name] = self.done.amounts.get(name, 0) + value
        if kind != "release_line":
            self.entry(kind or "adjustment", self.now.label, line.name, value, cause=formula)

    def entry(self, kind: str, about: str, name: str, amount: int, record: str = "", cause: str = "") -> None:
        if amount:
            self.done.entries.append(Entry(kind, self.who.key, about, self.now.label, name, amount, record, cause))

    def units(self, amount: Fraction) -> int:
        """An amount of the document, rounded to the minor unit."""
        return round_units(amount * SCALE, self.policy.currency)

    def shown(self, value: int) -> str:
        return value_text(value, self.unit)

    # Who is under the plan, and leaving

    def under_plan(self, at: Period) -> bool:
        """Whether the person is under the plan on a day of a period: only then a floor, a draw or a guarantee is paid
        up to."""
        start = max(at.start, self.who.hired_on or date.min, self.having[0].start)
        end = min(at.end, self.who.left_on or date.max, self.terms.end)
        roles = self.roles
        spans = [one for one in self.who.spans if one.role in roles] if roles else []
        held = [one for one in spans if one.start < end and (one.end or date.max) > start]
        return start < end and bool(held or not roles or not self.who.spans)

    @property
    def gone(self) -> bool:
        """Whether the person has left before the end of the pay period."""
        return self.plan.leaving is not None and self.who.left_on is not None and self.who.left_on < self.now.end

    def kept_after_leaving(self, sums: list[Dated]) -> list[Dated]:
        if not self.gone or self.plan.leaving is None:
            return sums
        if self.plan.leaving.debt == "forgiven":
            self.state.debt = 0
        if self.plan.leaving.earned == "paid":
            return sums
        self.step("leaving", "Lost on leaving", -sum(value for _, value in sums), f"left on {self.who.left_on}")
        return []

    # 9 Plan cap and floor

    def capped(self, sums: list[Dated]) -> list[Dated]:
        """What is left of the sums: over a span of several pay periods less what those before had, of several spans
        in one pay period each for itself. A negative sum first takes what was lost above the cap."""
        cap = self.plan.cap
        if cap is None:
            return sums
        limit, found, texts = self.units(cap.total), [], [f"at most {self.shown(self.units(cap.total))}"]
        for at in self.spans(cap.per):
            earned = _inside(sums, at)
            due = earned + (self.state.carry if cap.excess == "carry" else 0)
            after = min(due, max(limit - self.used("cap", at), 0))
            if cap.excess == "carry":
                if self.state.carry:
                    texts.append(f"{self.shown(self.state.carry)} carried from before")
                self.state.carry = due - after
                if self.state.carry:
                    texts.append(f"{self.shown(self.state.carry)} carried on")
            elif earned < 0:
                after = min(earned + self.used("lost", at), 0)
            self.use("lost", at, earned - after)
            self.use("cap", at, after)
            found.append((min(last_day(at), last_day(self.now)), after))
        self.step("cap", "Plan cap", sum(v for _, v in found) - sum(v for _, v in sums), ", ".join(texts))
        return found

    def floored(self, sums: list[Dated]) -> list[Dated]:
        """At least the floor in each of its spans that ends in the pay period."""
        floor = self.plan.floor
        if floor is None:
            return sums
        least, added = self.units(floor.total), 0
        for at in self.spans(floor.per):
            self.use("floor", at, _inside(sums, at))
            gap = least - self.used("floor", at)
            if gap > 0 and at.end <= self.now.end and self.under_plan(at):
                self.use("floor", at, gap)
                added += gap
        self.step("floor", "Plan floor", added, f"at least {self.shown(least)}")
        return [*sums, (last_day(self.now), added)]

    def spans(self, per: str) -> Iterator[Period]:
        """The spans of a cap or floor that the pay period has days of: itself without `per`."""
        if not per:
            yield self.now
            return
        at = self.policy.calendar.period(per, self.now.start)
        while at.start < self.now.end:
            yield at
            at = self.policy.calendar.period(per, at.end)

    def used(self, what: str, at: Period) -> int:
        return self.state.capped.get((what, at), 0)

    def use(self, what: str, at: Period, value: int) -> None:
        self.state.capped[what, at] = self.used(what, at) + value

    def spread(self, fresh: list[_Kept], earned: int, due: int) -> list[_Kept]:
        """What the period earned after cap and floor: its lots share the change."""
        if due == earned:
            return fresh
        if not fresh or earned == 0 or due > earned:
            return [*fresh, self.without_record(due - earned if fresh else due)]
        exact = [Fraction(kept.lot.amount) * due / earned for kept in fresh]
        parts = share_rounding(exact, due, self.minor)
        return [replace(kept, lot=replace(kept.lot, amount=part)) for kept, part in zip(fresh, parts, strict=True)]

    def without_record(self, amount: int) -> _Kept:
        """A lot that no record earned."""
        return _Kept(Lot("", "", "", None, amount), self.now, self.terms)

    # 10 True-up

    def trued_up(self, due: int, parts: Sequence[Part], fresh: list[_Kept]) -> int:
        """What the year so far entitles to, less what it has earned, before caps, gates and multipliers; the difference
        passes through those of the period in which it is found."""
        rule = self.plan.true_up
        if rule is None:
            return due
        year = self.policy.calendar.period("year", self.now.start)
        for terms, one in parts:
            key = (one.line.name, f"{terms.policy.version} {year.label}")
            self.state.trued[key] = self.state.trued.get(key, 0) + one.raw
        if self.policy.calendar.period(rule.period, self.now.start).end != self.now.end:
            return due
        lines = [line for one in self.plan.components if (line := self.gap(one, year)) is not None]
        total = self.state.negative + sum(int(line.number) for line in lines if not line.missing)
        self.state.negative = total if total < 0 and rule.negative == "carry" else 0
        total -= self.state.negative
        for line in lines:
            if line.missing:
                self.done.steps.append(replace(line, name=f"{self.plan.id}.true_up.{line.name}", label="True-up"))
        if total:
            shown = [line for line in lines if not line.missing]
            adds = sum(int(line.number) for line in shown) == total
            text = f"year to date on cumulative attainment, by {self.now.label}"
            self.step("true_up", "True-up", total, text, shown if adds else [])
            fresh.append(self.without_record(total))
        return due + total

    def gap(self, component: Component, year: Period) -> Line | None:
        """What the year so far adds to a component: without value and with a reason if a quota is missing."""
        rule, tiers = self.plan.true_up, component.tiers
        if component.kind != "commission" or (rule and rule.components and component.id not in rule.components):
            return None
        if tiers is not None and (tiers.accumulate == "year" or tiers.counts_in == "sale"):
            return None  # it pays what the year, or the sale's period, has earned so far in every period
        due = [one for one in self.policy.calendar.ending_in(self.now, component.period) if one.end == self.now.end]
        known = any(one.line.name == component.id and not one.line.missing for one in self.done.earned)
        start = self.begun(component, year)
        if not due or not known or start >= self.now.end:
            return None
        entitled = self.entitled(component, span(start, self.now.end))
        if entitled is None or entitled.line.missing:
            return entitled.line if entitled else None
        key = (component.id, f"{self.policy.version} {year.label}")
        before = self.state.trued.get(key, 0)
        self.state.trued[key] = entitled.raw
        value = self.passed(component, due[-1], entitled.raw - before) if entitled.raw != before else 0
        formula = f"entitled {self.shown(entitled.raw)} for the year so far - {self.shown(before)} earned"
        shown = (replace(entitled.line, adds=False),)
        return (
            Line(component.id, component.name or component.id, value, self.unit, formula, parts=shown)
            if value
            else None
        )

    def begun(self, component: Component, year: Period) -> date:
        """The first day of the component's first period in the year that the person and this version had."""
        first = max(year.start, self.who.hired_on or date.min, self.first_span())
        at = self.policy.calendar.period(component.period, first)
        n = self.chain.of(self.chain.terms.index(self.terms), component.id)
        ruled = [rule for rule in self.chain.rules[n] if rule.terms is self.terms] if n is not None else []
        return max(year.start, at.start, *((rule.since or rule.start) for rule in ruled))

    def entitled(self, component: Component, window: Period) -> Earned | None:
        """What a component would have earned if its tiers had run over the whole window."""
        if component.tiers is not None:
            component = replace(component, tiers=replace(component.tiers, accumulate="period"))
        return Earning(
            self.policy, self.plan, component, self.who, window, _Widened(self.terms.world, self.policy)
        ).reckoned()

    def passed(self, component: Component, due: Period, gap: int) -> int:
        """What a difference changes in a period's earning, behind cap, gates and multipliers."""
        one = Earning(self.policy, self.plan, component, self.who, due, self.terms.world)
        raw = one.when()
        if raw.line.missing:
            return gap
        value = int(raw.line.number)
        more = replace(raw, line=replace(raw.line, value=value + gap), exact=Fraction(value + gap))
        return one.limited(more).value - one.limited(raw).value

    # 11 Release and holdback

    def released(self, due: int) -> int:
        moved = [pair for kept in self.state.kept if (pair := (kept, self.move(kept)))[1]]
        fresh = sum(change for _, change in moved)
        if fresh != due or any(kept.about != self.now for kept, _ in moved):
            cause = "not released before its condition"
            self.entry("hold", self.now.label, f"{self.plan.id}.release", -due, cause=cause)
            for kept, change in moved:
                self.entry("release", kept.about.label, f"{self.plan.id}.release", change, kept.lot.record)
        label = "Not yet released" if fresh < due else "Released from earlier"
        text = f"released {self.shown(fresh)} of this and earlier periods, earned {self.shown(due)}"
        self.step("release", label, fresh - due, text, kind="release_line")
        return fresh - self.hold(moved) + self.freed() - self.forfeited()

    def move(self, kept: _Kept) -> int:
        """What of a lot is released in this period, by the terms that earned it."""
        records, pay, before = self.records[kept.terms.start], _plan(kept).pay, kept.released
        kept.released = records.released(kept.lot, pay, self.now.end)
        change, left = kept.released - before, self.who.left_on
        if self.gone and left is not None and self.plan.leaving and self.plan.leaving.released == "lost":
            paid = (
                records.released(kept.lot, pay, left) - before if left > self.now.start or kept.about == self.now else 0
            )
            kept.lost += change - paid
            return paid
        return change

    def hold(self, moved: Sequence[tuple[_Kept, int]]) -> int:
        """What is held back of what is released, by the terms that earned it, rounded once; its parts share that."""
        own = [(kept, change, rule.share) for kept, change in moved if kept.lot.record and (rule := _holdback(kept))]
        exact = [change * share for _, change, share in own]
        held = round_units(sum(exact, Fraction(0)), self.policy.currency)
        for (kept, _, _), part in zip(own, share_rounding(exact, held, self.minor), strict=True):
            kept.held += part
        shares = dict.fromkeys(share for _, _, share in own)
        text = f"{', '.join(value_text(share, 'ratio') for share in shares)} of what is released"
        self.step("holdback", "Holdback", -held, text, kind="hold")
        return held

    def freed(self) -> int:
        """What is held back no longer; a return in time keeps it for good."""
        total = 0
        for kept in self.state.kept:
            pay, records = _plan(kept).pay, self.records[kept.terms.start]
            if not kept.held or pay is None or pay.holdback is None:
                continue
            rule = pay.holdback.release
            limit = records.held_until(kept.lot, rule, kept.about.end)
            if limit >= self.now.end:
                continue
            lost = self.gone and self.plan.leaving is not None and self.plan.leaving.held == "lost"
            if lost or (rule.unless and any(event.day <= limit for event in records.undone(kept.lot, rule.unless))):
                kept.lost += kept.held
            else:
                total += kept.held
            kept.held = 0
        text = "the time of holding back is over"
        self.step("holdback_released", "Holdback released", total, text, kind="release")
        return total

    def forfeited(self) -> int:
        """The part of what is released now that earlier events have undone: it is not paid at all."""
        parts, total = [], 0
        for kept in self.state.kept:
            more, kept.seen = kept.paid - kept.seen, kept.paid
            part = kept.take(more * kept.undone, self.policy.currency) if more and kept.undone else 0
            total += part
            if part:
                label, share = kept.lot.label or kept.lot.record, value_text(kept.undone, "ratio")
                parts.append(Line(kept.lot.record, label, -part, self.unit, f"{share} undone"))
        text = "released now, undone before"
        self.step("forfeited", "Undone before it was paid", -total, text, parts, kind="clawback")
        return total

    # 12 Draw and guarantee

    def drawn(self, payable: int) -> int:
        payable = self.guaranteed(payable)
        draw = self.plan.draw or self.last_draw()
        if draw is None:
            return payable
        month = self.month(draw, "draw")
        inside = self.plan.draw is not None and self.inside(draw, month)
        amount = self.units(draw.amount) if inside else 0
        if self.state.debt and draw.forgive_after is not None and self.over(draw.forgive_after):
            self.state.debt = 0
        if inside and payable < amount:
            gap = amount - payable
            self.step("draw", "Draw", gap, f"paid up to {self.shown(amount)}", kind="draw")
            if draw.kind == "recoverable":
                self.state.debt += gap
            return amount
        if self.state.debt and (month is None or month + 1 >= draw.recover_from):
            wanted = round_units((payable - amount) * draw.recover, self.policy.currency)
            repaid = min(self.state.debt, max(wanted, 0))
            self.state.debt -= repaid
            text = f"repaid from what is above {self.shown(amount)}; {self.shown(self.state.debt)} still due"
            self.step("recovery", "Draw repaid", -repaid, text, kind="recovery")
            payable -= repaid
        return payable

    def last_draw(self) -> Draw | None:
        """The draw of an earlier version: what is owed from it is repaid by its terms."""
        earlier = [one.plan for one in self.having if one.start <= self.terms.start and one.plan]
        return next((plan.draw for plan in reversed(earlier) if plan.draw), None)

    def guaranteed(self, payable: int) -> int:
        rule = self.plan.guarantee
        if rule is None or not self.inside(rule, self.month(rule, "guarantee")):
            return payable
        amount = self.units(rule.amount)
        if payable >= amount:
            return payable
        self.step("guarantee", "Guarantee", amount - payable, f"at least {self.shown(amount)}", kind="draw")
        return amount

    def inside(self, rule: Draw | Guarantee, month: int | None) -> bool:
        """Whether a draw or guarantee holds in the pay period."""
        return self.under_plan(self.now) and month is not None and (rule.months is None or month < rule.months)

    def month(self, rule: Draw | Guarantee, what: str) -> int | None:
        """Months since hire (new_hire) or since the plan has it, counted from 0; None where the day is not known."""
        start = self.who.hired_on
        if rule.whom != "new_hire":
            start = max(self.since(what), start or date.min)
        return None if start is None else max(months_in_role(self.policy.calendar, start, self.now.start), 0)

    def since(self, what: str) -> date:
        """The first day from which on every version up to now has a draw, or a guarantee."""
        start = self.terms.start
        for one in reversed([one for one in self.having if one.start <= self.terms.start]):
            if getattr(one.plan, what) is None:
                break
            start = one.start
        return start

    def over(self, length: Duration) -> bool:
        start = self.who.hired_on or self.since("draw")
        return self.now.end > length.after(start)

    # 13 Claw-back

    def clawed(self, payable: int) -> None:
        rules = {kept.terms.start: rule for kept in self.state.kept if (rule := _plan(kept).clawback) is not None}
        parts = [
            one
            for kept in self.state.kept
            if kept.terms.start in rules
            for one in self.undone(rules[kept.terms.start], kept)
        ]
        if not self.state.owed:
            return
        limit = self.state.owed
        rule = self.plan.clawback or rules[max(rules)]
        if rule.offset_limit is not None:
            limit = max(round_units(payable * rule.offset_limit, self.policy.currency), 0)
        now = min(self.state.owed, limit)
        self.state.owed -= now
        text = "; ".join(part.formula for part in parts) or "taken back from before"
        if self.state.owed:
            text += f"; {self.shown(self.state.owed)} still to be taken back"
        self.step("clawback", "Claw-back", -now, text, parts, kind="clawback")

    def undone(self, rule: Clawback, kept: _Kept) -> Iterator[Line]:
        """The events that undo a lot from now on, and what each takes back of what was paid on it."""
        records = self.records[kept.terms.start]
        for event in records.undone(kept.lot, rule.events):
            key = event.table, event.id
            if key in kept.events or event.day >= self.now.end:
                continue
            kept.events.add(key)
            share = records.taken_back(rule, kept.lot, event)
            kept.undone = min(kept.undone + share, Fraction(1))
            back = kept.take(kept.paid * share, self.policy.currency)
            if back:
                self.state.owed += back
                part = f"{value_text(share, 'ratio')} of {self.shown(kept.paid)} paid"
                formula = f"{event.kind} {event.id} on {event.day}: {part}"
                label = kept.lot.label or kept.lot.record
                yield Line(kept.lot.record, label, -back, self.unit, formula, adds=False)

    def held_back(self) -> None:
        """Payments, invoices and returns that are not counted for want of an exchange rate, for the exception list."""
        held = {key: why for records in self.records.values() for key, why in records.held.items()}
        if held:
            text, reasons = ", ".join(held), "; ".join(dict.fromkeys(held.values()))
            line = Line(HELD_BACK, "Held back", len(held), "count", text, note=reasons, adds=False)
            self.step("held_back", "Held back", 0, text, [line])


def last_day(period: Period) -> date:
    """The last day of a period."""
    return date.fromordinal(period.end.toordinal() - 1)


def _inside(sums: Sequence[Dated], at: Period) -> int:
    return sum(value for day, value in sums if at.contains(day))


def _plan(kept: _Kept) -> IncentivePlan:
    assert kept.terms.plan is not None
    return kept.terms.plan


def _holdback(kept: _Kept) -> Holdback | None:
    pay = _plan(kept).pay
    return pay.holdback if pay else None


class _Widened:
    """A world in which a goal for a window that is no period is the sum of the periods that fill it."""

    def __init__(self, world: World, policy: Policy) -> None:
        self._world, self._policy = world, policy

    def __getattr__(self, name: str) -> object:
        if name == "earned":
            raise AttributeError(name)
        return getattr(self._world, name)

    def metric(self, metric_id: str, who: Who, period: Period) -> Line:
        return self._world.metric(metric_id, who, period)

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        found = self._world.goal(goal_id, who, period)
        if found is not None or period.kind != "range":
            return found
        for kind in ("quarter", "month"):
            try:
                parts = [self._world.goal(goal_id, who, one) for one in self._policy.calendar.children(period, kind)]
            except ValueError:
                continue
            if parts and all(part is not None for part in parts):
                known = [part for part in parts if part is not None]
                total = sum((part.number for part in known), Fraction(0))
                return replace(known[0], value=int(total) if total.denominator == 1 else total)
        return None

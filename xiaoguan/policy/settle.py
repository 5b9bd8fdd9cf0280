"""结算 settling: from what a plan's components earned to what is paid, one pay period after the other.

    9 plan cap and floor -> 10 true-up -> 11 release and holdback -> 12 draw or guarantee -> 13 claw-back

Caps that carry, debts, what is held or not yet released and what is still to be taken back pass from one pay period to
the next, so a period is settled after those before it, from the first in which the plan is in force for the person.
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

from .document import Clawback, IncentivePlan, Policy
from .earning import Earned, Earning, Lot
from .formula import Duration
from .goals import months_in_role
from .metrics import HELD_BACK
from .release import AT_ONCE, Records
from .world import Who, World, facts_of

PAID = {"monthly": "month", "quarterly": "quarter", "half_yearly": "half_year", "yearly": "year"}


@dataclass
class _Kept:
    """A lot on its way: what of it is released, held, and taken back so far. `about` is the period that earned it.

    undone   the share that events have undone: of what was paid it is taken back, of what is paid later it is left out.
    seen     units paid up to the period before.
    """

    lot: Lot
    about: Period
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
    capped: dict[str, int] = field(default_factory=dict)
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
        return sum(one.value for one in self.earned) + sum(int(line.number) for line in self.steps)


def settles(plan: IncentivePlan) -> bool:
    """Whether a plan does more than add up its components."""
    releasing = plan.pay is not None and (
        plan.pay.holdback is not None or any(k not in AT_ONCE for k in plan.pay.release)
    )
    return bool(plan.cap or plan.floor or plan.true_up or releasing or plan.draw or plan.guarantee or plan.clawback)


def needs_records(plan: IncentivePlan) -> bool:
    """Whether a plan asks what happened to the records that earned: cash, deliveries, returns."""
    ways = set(plan.pay.release) - set(AT_ONCE) if plan.pay else set()
    unless = plan.pay is not None and plan.pay.holdback is not None and bool(plan.pay.holdback.release.unless)
    return bool(ways or unless or plan.clawback)


class Settling:
    """A plan for one person, settled from its first pay period on."""

    def __init__(self, policy: Policy, plan: IncentivePlan, who: Who, world: World) -> None:
        self.policy, self.plan, self.who, self.world = policy, plan, who, world
        self.unit = f"money:{policy.currency}"
        self.minor = minor_unit(policy.currency)
        self.records = Records(policy, facts_of(world))
        self.kind = PAID[plan.pay.paid] if plan.pay else "month"
        self.source = f"{policy.clause}, {plan.source or plan.path}"

    def through(self, period: Period) -> list[Settled]:
        """The pay periods that end in or before a period, settled in order; the last ones end in it."""
        state, found = State(), []
        for one in self.pay_periods(period.end):
            found.append(self.settle(one, state))
        return found

    def pay_periods(self, end: date) -> Iterator[Period]:
        first = max(self.policy.header.effective.start, self.who.hired_on or date.min, self.first_span())
        try:
            at = self.policy.calendar.period(self.kind, first)
        except ValueError:
            return
        if at.start < self.policy.header.effective.start:
            at = self.policy.calendar.period(self.kind, at.end)
        while at.end <= end:
            yield at
            at = self.policy.calendar.period(self.kind, at.end)

    def first_span(self) -> date:
        roles = self.plan.role or self.policy.header.scope.roles
        starts = [one.start for one in self.who.spans if not roles or one.role in roles]
        return min(starts, default=date.min)

    def settle(self, period: Period, state: State) -> Settled:
        self.now, self.state, self.done = period, state, Settled(period)
        self.records.held.clear()
        if (facts := facts_of(self.world)) is not None:
            self.who = facts.at(self.who, period)
        self.done.earned = list(self.earnings(period))
        for one in self.done.earned:
            self.entry("earning", period.label, one.line.name, one.value)
        earned = sum(one.value for one in self.done.earned)
        due = self.floored(self.capped(self.kept_after_leaving(earned)))
        lots = self.spread([lot for one in self.done.earned for lot in one.lots], earned, due)
        due = self.trued_up(due, lots)
        state.kept.extend(_Kept(lot, period) for lot in lots)
        payable = self.released(due)
        payable = self.drawn(payable)
        self.clawed(payable)
        total = self.done.total
        self.done.amounts["payout"] = total
        self.entry("payout", period.label, self.plan.id, -total)
        return self.done

    def earnings(self, period: Period) -> Iterator[Earned]:
        for component in self.plan.components:
            if component.carried_out:
                for due in self.policy.calendar.ending_in(period, component.period):
                    one = Earning(self.policy, self.plan, component, self.who, due, self.world).earned()
                    if one is not None:
                        yield one

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

    def shown(self, value: int) -> str:
        return value_text(value, self.unit)

    # Who is under the plan, and leaving

    @property
    def under_plan(self) -> bool:
        """Whether the person is under the plan on a day of the pay period: only then a floor, a draw or a guarantee
        is paid up to."""
        start = max(self.now.start, self.who.hired_on or date.min)
        end = min(self.now.end, self.who.left_on or date.max)
        roles = self.plan.role or self.policy.header.scope.roles
        spans = [one for one in self.who.spans if one.role in roles] if roles else []
        held = [one for one in spans if one.start < end and (one.end or date.max) > start]
        return start < end and bool(held or not roles or not self.who.spans)

    @property
    def gone(self) -> bool:
        """Whether the person has left before the end of the pay period."""
        return self.plan.leaving is not None and self.who.left_on is not None and self.who.left_on < self.now.end

    def kept_after_leaving(self, earned: int) -> int:
        if not self.gone or self.plan.leaving is None:
            return earned
        if self.plan.leaving.debt == "forgiven":
            self.state.debt = 0
        if self.plan.leaving.earned == "paid":
            return earned
        self.step("leaving", "Lost on leaving", -earned, f"left on {self.who.left_on}")
        return 0

    # 9 Plan cap and floor

    def capped(self, earned: int) -> int:
        cap = self.plan.cap
        if cap is None:
            return earned
        used = self.used("cap", cap.per)
        most = max(int(cap.total * SCALE) - used, 0)
        due = earned + (self.state.carry if cap.excess == "carry" else 0)
        after = min(due, most)
        text = f"at most {self.shown(int(cap.total * SCALE))}"
        if cap.excess == "carry":
            if self.state.carry:
                text += f", {self.shown(self.state.carry)} carried from before"
            self.state.carry = due - after
            if self.state.carry:
                text += f", {self.shown(self.state.carry)} carried on"
        self.step("cap", "Plan cap", after - earned, text)
        self.use("cap", cap.per, after)
        return after

    def floored(self, due: int) -> int:
        floor = self.plan.floor
        if floor is None:
            return due
        ends = not floor.per or self.policy.calendar.period(floor.per, self.now.start).end == self.now.end
        least = int(floor.total * SCALE)
        before = self.used("floor", floor.per)
        self.use("floor", floor.per, due)
        if not ends or before + due >= least or not self.under_plan:
            return due
        self.step("floor", "Plan floor", least - before - due, f"at least {self.shown(least)}")
        self.use("floor", floor.per, least - before - due)
        return least - before

    def used(self, what: str, per: str) -> int:
        return self.state.capped.get(self.span_key(what, per), 0) if per else 0

    def use(self, what: str, per: str, value: int) -> None:
        if per:
            key = self.span_key(what, per)
            self.state.capped[key] = self.state.capped.get(key, 0) + value

    def span_key(self, what: str, per: str) -> str:
        return f"{what} {self.policy.calendar.period(per, self.now.start).label}"

    def spread(self, lots: list[Lot], earned: int, due: int) -> list[Lot]:
        """The lots of the period after cap and floor: they share the change."""
        if due == earned or not lots:
            return lots if due == earned else [Lot("", "", "", None, due)]
        if earned == 0 or due > earned:
            return [*lots, Lot("", "", "", None, due - earned)]
        exact = [Fraction(lot.amount) * due / earned for lot in lots]
        parts = share_rounding(exact, due, self.minor)
        return [replace(lot, amount=part) for lot, part in zip(lots, parts, strict=True)]

    # 10 True-up

    def trued_up(self, due: int, lots: list[Lot]) -> int:
        rule = self.plan.true_up
        if rule is None:
            return due
        year = self.policy.calendar.period("year", self.now.start)
        for one in self.done.earned:
            key = (one.line.name, year.label)
            self.state.trued[key] = self.state.trued.get(key, 0) + one.value
        if self.policy.calendar.period(rule.period, self.now.start).end != self.now.end:
            return due
        total, parts = self.state.negative, []
        for component in self.plan.components:
            if component.kind != "commission" or (rule.components and component.id not in rule.components):
                continue
            if component.tiers is not None and component.tiers.accumulate == "year":
                continue  # it pays what the year has earned so far in every period
            entitled = self.entitled(component.id, span(year.start, self.now.end))
            before = self.state.trued.get((component.id, year.label), 0)
            if entitled is None or entitled.missing or int(entitled.number) == before:
                continue
            gap = int(entitled.number) - before
            self.state.trued[component.id, year.label] = before + gap
            formula = f"entitled {entitled.text} for the year so far - {self.shown(before)} earned"
            parts.append(
                Line(
                    component.id,
                    component.name or component.id,
                    gap,
                    self.unit,
                    formula,
                    parts=(replace(entitled, adds=False),),
                )
            )
            total += gap
        if total < 0 and rule.negative == "carry":
            self.state.negative, total = total, 0
        else:
            self.state.negative = 0
        if total:
            shown = parts if sum(int(part.number) for part in parts) == total else []
            self.step("true_up", "True-up", total, f"year to date on cumulative attainment, by {self.now.label}", shown)
            lots.append(Lot("", "", "", None, total))
        return due + total

    def entitled(self, component_id: str, window: Period) -> Line | None:
        """What a component would have earned if its tiers had run over the whole window."""
        component = next(one for one in self.plan.components if one.id == component_id)
        if component.tiers is not None:
            component = replace(component, tiers=replace(component.tiers, accumulate="period"))
        one = Earning(self.policy, self.plan, component, self.who, window, _Widened(self.world, self.policy, self.who))
        found = one.reckoned()
        return found.line if found else None

    # 11 Release and holdback

    def released(self, due: int) -> int:
        pay, until = self.plan.pay, self.now.end
        if pay is None:
            for kept in self.state.kept:
                kept.released = kept.lot.amount
            return due
        fresh = held = freed = 0
        moved: list[tuple[_Kept, int]] = []
        for kept in self.state.kept:
            now = self.records.released(kept.lot, pay, until)
            change, kept.released = now - kept.released, now
            fresh += change
            if self.gone and kept.about != self.now and self.plan.leaving and self.plan.leaving.released == "lost":
                kept.lost += change
                fresh -= change
                continue
            if change:
                moved.append((kept, change))
        if pay.holdback is not None:
            held = self.hold([pair for pair in moved if pair[0].lot.record], pay.holdback.share)
        if fresh != due or any(kept.about != self.now for kept, _ in moved):
            self.entry(
                "hold", self.now.label, f"{self.plan.id}.release", -due, cause="not released before its condition"
            )
            for kept, change in moved:
                self.entry("release", kept.about.label, f"{self.plan.id}.release", change, kept.lot.record)
        label = "Not yet released" if fresh < due else "Released from earlier"
        held_back = self.held_back()
        self.step("release", label, fresh - due, self.release_text(fresh, due), held_back, kind="release_line")
        if pay.holdback is not None:
            self.step(
                "holdback",
                "Holdback",
                -held,
                f"{value_text(pay.holdback.share, 'ratio')} of what is released",
                kind="hold",
            )
            freed = self.freed()
            self.step(
                "holdback_released", "Holdback released", freed, "the time of holding back is over", kind="release"
            )
        return fresh - held + freed - self.forfeited()

    def held_back(self) -> list[Line]:
        """Payments in a currency without a rate, for the exception list."""
        if not self.records.held:
            return []
        ids, reasons = ", ".join(self.records.held), "; ".join(dict.fromkeys(self.records.held.values()))
        return [Line(HELD_BACK, "Held back", len(self.records.held), "count", ids, note=reasons, adds=False)]

    def forfeited(self) -> int:
        """The part of what is released now that earlier events have undone: it is not paid at all."""
        parts, total = [], 0
        for kept in self.state.kept:
            part = kept.take((kept.paid - kept.seen) * kept.undone, self.policy.currency)
            kept.seen, total = kept.paid, total + part
            if part:
                label, share = kept.lot.label or kept.lot.record, value_text(kept.undone, "ratio")
                parts.append(Line(kept.lot.record, label, -part, self.unit, f"{share} undone"))
        text = "released now, undone before"
        self.step("forfeited", "Undone before it was paid", -total, text, parts, kind="clawback")
        return total

    def hold(self, moved: Sequence[tuple[_Kept, int]], share: Fraction) -> int:
        """What is held back of what is released, rounded once; its parts by record share the rounding."""
        exact = [change * share for _, change in moved]
        total = round_units(sum(exact, Fraction(0)), self.policy.currency)
        for (kept, _), part in zip(moved, share_rounding(exact, total, self.minor), strict=True):
            kept.held += part
        return total

    def release_text(self, fresh: int, due: int) -> str:
        return f"released {self.shown(fresh)} of this and earlier periods, earned {self.shown(due)}"

    def freed(self) -> int:
        """What is held back no longer; a return in time keeps it for good."""
        pay = self.plan.pay
        assert pay is not None and pay.holdback is not None
        rule, total = pay.holdback.release, 0
        for kept in self.state.kept:
            if not kept.held:
                continue
            limit = self.records.held_until(kept.lot, rule, kept.about.end)
            if limit >= self.now.end:
                continue
            if self.gone and self.plan.leaving and self.plan.leaving.held == "lost":
                kept.lost, kept.held = kept.lost + kept.held, 0
                continue
            if rule.unless and any(event.day <= limit for event in self.records.undone(kept.lot, rule.unless)):
                kept.lost, kept.held = kept.lost + kept.held, 0
                continue
            total += kept.held
            kept.held = 0
        return total

    # 12 Draw and guarantee

    def drawn(self, payable: int) -> int:
        payable = self.guaranteed(payable)
        draw = self.plan.draw
        if draw is None:
            return payable
        month = self.month(draw.whom)
        inside = self.under_plan and month is not None and (draw.months is None or month < draw.months)
        amount = int(draw.amount * SCALE) if inside else 0
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

    def guaranteed(self, payable: int) -> int:
        rule = self.plan.guarantee
        if rule is None or not self.under_plan:
            return payable
        month, amount = self.month(rule.whom), int(rule.amount * SCALE)
        if month is None or (rule.months is not None and month >= rule.months) or payable >= amount:
            return payable
        self.step("guarantee", "Guarantee", amount - payable, f"at least {self.shown(amount)}", kind="draw")
        return amount

    def month(self, whom: str) -> int | None:
        """Months since hire (new_hire) or since the plan holds, counted from 0; None where the day is not known."""
        start = (
            self.who.hired_on
            if whom == "new_hire"
            else max(self.policy.header.effective.start, self.who.hired_on or date.min)
        )
        return None if start is None else max(months_in_role(self.policy.calendar, start, self.now.start), 0)

    def over(self, length: Duration) -> bool:
        start = self.who.hired_on or self.policy.header.effective.start
        return self.now.end > length.after(start)

    # 13 Claw-back

    def clawed(self, payable: int) -> None:
        rule = self.plan.clawback
        if rule is None:
            return
        parts = [one for kept in self.state.kept for one in self.undone(rule, kept)]
        if not self.state.owed:
            return
        limit = self.state.owed
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
        for event in self.records.undone(kept.lot, rule.events):
            key = event.table, event.id
            if key in kept.events or event.day >= self.now.end:
                continue
            kept.events.add(key)
            share = self.records.taken_back(rule, kept.lot, event)
            kept.undone = min(kept.undone + share, Fraction(1))
            back = kept.take(kept.paid * share, self.policy.currency)
            if back:
                self.state.owed += back
                part = f"{value_text(share, 'ratio')} of {self.shown(kept.paid)} paid"
                formula = f"{event.kind} {event.id} on {event.day}: {part}"
                label = kept.lot.label or kept.lot.record
                yield Line(kept.lot.record, label, -back, self.unit, formula, adds=False)


class _Widened:
    """A world in which a goal for a window that is no period is the sum of the periods that fill it."""

    def __init__(self, world: World, policy: Policy, who: Who) -> None:
        self._world, self._policy, self._who = world, policy, who

    def __getattr__(self, name: str) -> object:
        if name == "earned":
            return {}
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

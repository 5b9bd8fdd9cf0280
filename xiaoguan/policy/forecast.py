"""销售预测 forecast: what a period will bring by each method of the policy, beside its goal, and how good that was.

What came so far is certain; each open deal adds by the method:

    category           what people say: committed deals; the best case adds those that may come        承诺 / 最好情况
    weighted_stage     amount x the probability of the stage, of deals due in the period               加权管道
    stage_conversion   amount x the share of past deals that, so long in that stage, were won in the days that are left
    time_series        what the rest of the period brings by the periods before, without looking at deals

The chance of reaching the goal is the Poisson-binomial distribution of the deals' amounts. Floating point stays in
here; nothing of it feeds pay. Source: spec/domain.md sections 3 and 13.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import erf, gcd, inf, sqrt

from xiaoguan.base.money import round_units
from xiaoguan.base.periods import Calendar, Period

from .document import Forecast, Goal, Policy
from .formula import Binary, Duration, Literal, Name, Type
from .metrics import Plan
from .series import foretell
from .statistics import bias, brier, reliability, wape

CATEGORIES = ("commit", "best_case", "pipeline")
COMMITTED, MAYBE = Fraction(3, 4), Fraction(2, 5)
"""From which probability of its stage on a deal is committed, or in the best case, where the stage does not say."""
STEPS = 1_000
"""So finely the sum of deals is told apart at most."""
MANY = 500
"""Of so many deals the sum is as good as normally distributed."""
LEAST = 10
"""So many like cases make a share that is believed."""
KINDS = ("month", "quarter", "half_year", "year")


@dataclass(frozen=True, slots=True)
class Deal:
    """An open deal on the day: amount in units, stage and category by the policy or the person, days in the stage."""

    key: str
    label: str
    person: str
    amount: int
    stage: str
    category: str
    closes_on: date
    days: int

    def due(self, period: Period, day: date) -> bool:
        """Whether it is expected in the period; one whose day has passed is expected in the present one."""
        return self.closes_on < period.end and (self.closes_on >= period.start or period.contains(day))


@dataclass(frozen=True, slots=True)
class Foreseen:
    """预测值: of one method in units, with a lower and an upper end where there are any, and the chance of the goal.

    category    value is what is committed, high adds the best case
    weighted_stage, stage_conversion    four fifths of what may come lie between low and high
    """

    value: int | None
    low: int | None = None
    high: int | None = None
    chance: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Owned:
    """What is known of a person, a team or the company: units that came so far, the goal, deals, the past."""

    actual: int
    goal: int | None
    deals: Sequence[Deal]
    past: Sequence[Fraction | int] = ()


# What is forecast


def goal_of(policy: Policy) -> Goal | None:
    """The goal that the forecast is about: the one it names, else the first of an amount."""
    named = policy.forecast.goal if policy.forecast else ""
    amounts = (g for g in policy.goals if g.metric in policy.metrics and policy.metrics[g.metric].type == "amount")
    return policy.goal(named) if named else next((g for g in amounts if policy.metrics[g.metric].adds_up), None)


def kinds_of(policy: Policy) -> tuple[str, ...]:
    """The kinds of period that are forecast, the shortest first: those that the goal is cut down to, else its own."""
    goal = goal_of(policy)
    if goal is None:
        return ("month",)
    cut = {step.by for step in goal.allocate}
    return tuple(kind for kind in KINDS[:3] if kind in cut) or ((goal.period,) if goal.period in KINDS else KINDS[:1])


def periods_of(policy: Policy, day: date) -> list[Period]:
    """The periods under way on a day and those after them."""
    found = []
    for kind in kinds_of(policy):
        try:
            found.append(policy.calendar.period(kind, day))
            found.append(policy.calendar.period(kind, found[-1].end))
        except ValueError:  # beyond what the calendar knows
            continue
    return found


def category_of(policy: Policy, stage: str) -> str:
    """What a deal in a stage counts as: what the stage says, else by its probability."""
    found = next((one for one in policy.process.stages if one.id == stage), None) if policy.process else None
    if found is None or found.category:
        return found.category if found is not None else CATEGORIES[-1]
    chance = found.probability or Fraction(0)
    return CATEGORIES[0 if chance >= COMMITTED else 1 if chance >= MAYBE else 2]


def won_deals() -> Plan:
    """What won deals brought, by the day they were closed: what is forecast where the goal's metric is not kept."""
    won, amount = Binary("==", Name("result"), Literal("won", Type.TEXT)), Name("amount")
    return Plan("won_deals", "Won deals", "opportunities", "sum", amount, won, "closed_on", "person", Type.MONEY)


USUAL = Duration(4, "w")


def lead_of(rule: Forecast) -> Duration:
    """How long before the end of a period its forecast is measured: what the policy says, else four weeks."""
    said = rule.accuracy
    given = (one.lead for one in (said.wape, said.bias, said.brier) if one is not None) if said else ()
    return next((lead for lead in given if lead is not None), USUAL)


# By each method


@dataclass(frozen=True, slots=True)
class Stay:
    """A past stay of a deal in a stage: from when, until when (None: to this day); when the deal was won, or closed."""

    deal: str
    stage: str
    entered: date
    left: date | None
    won: date | None
    closed: date | None


@dataclass
class Experience:
    """What became of past deals, as known before a day.

    stays    by stage, in days from entering it: until it was left, until the deal was won, and how long it was watched
    """

    until: date
    stays: Mapping[str, Sequence[tuple[float, float, int]]]
    deals: int
    _known: dict[tuple[str, int, int], Fraction | None] = field(default_factory=dict)

    @classmethod
    def of(cls, stays: Iterable[Stay], until: date) -> Experience:
        """From the stays of all deals, open and closed; what came on the day or after it is left out."""
        found: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
        closed: set[str] = set()

        def after(one: Stay, day: date | None) -> float:
            return (day - one.entered).days if day is not None and day < until else inf

        for one in stays:
            if one.entered >= until:
                continue
            gone, won = after(one, one.left or one.closed), after(one, one.won)
            found[one.stage].append((gone, won, (until - one.entered).days))
            if one.closed is not None and one.closed < until:
                closed.add(one.deal)
        return cls(until, found, len(closed))

    def chance(self, stage: str, days: int, ahead: int) -> Fraction | None:
        """Of past deals that were so long in the stage, the share won within so many days; None for too few of them."""
        key = (stage, days, ahead)
        if key not in self._known:
            share = self._share(stage, days, ahead)
            self._known[key] = self._share(stage, 0, ahead) if share is None else share
        return self._known[key]

    def _share(self, stage: str, days: int, ahead: int) -> Fraction | None:
        """Only of those that were watched so long: the quick ones among the others would count double."""
        end = days + ahead
        found = [won < end for gone, won, watched in self.stays.get(stage, ()) if gone >= days and watched >= end]
        return Fraction(sum(found), len(found)) if len(found) >= LEAST else None


def recalibrated(calendar: Calendar, every: str, day: date) -> date:
    """Up to which day past deals are looked at: the first of the period of calibration that the day lies in."""
    try:
        return calendar.period(every, day).start
    except ValueError:
        return day


@dataclass(frozen=True)
class Forecaster:
    """The rule of a policy on a day for a period."""

    policy: Policy
    period: Period
    day: date
    experience: Experience | None = None
    _known: dict[str, tuple[Fraction, Fraction]] = field(default_factory=dict, compare=False, repr=False)

    def chances(self, deal: Deal) -> tuple[Fraction, Fraction]:
        """That it is won in the period: by its stage, and by what became of deals like it."""
        if deal.key not in self._known:
            self._known[deal.key] = self._chances(deal)
        return self._known[deal.key]

    def _chances(self, deal: Deal) -> tuple[Fraction, Fraction]:
        stages = self.policy.process.stages if self.policy.process else ()
        plain = next((stage.probability for stage in stages if stage.id == deal.stage), None) or Fraction(0)
        staged = plain if deal.due(self.period, self.day) else Fraction(0)
        known = None
        if self.experience is not None:
            end, start = (self.period.end - self.day).days, (self.period.start - self.day).days
            known = self.experience.chance(deal.stage, deal.days, end)
            if known is not None and start > 0:  # what is won before a period that is ahead is not its
                known -= self.experience.chance(deal.stage, deal.days, start) or 0
        return staged, staged if known is None else max(known, Fraction(0))

    def by(self, method: str, owned: Owned) -> Foreseen:
        """What the method says of an owner."""
        if method == "category":
            return self._category(owned)
        if method == "time_series":
            return self._series(owned)
        if method == "stage_conversion" and (lacking := self._unlearnt()):
            return Foreseen(None, note=lacking)
        at = method == "stage_conversion"
        return self._deals(owned, [(deal.amount, self.chances(deal)[at]) for deal in owned.deals])

    def said(self, owned: Owned) -> dict[str, int]:
        """Units of deals due in the period by what people say of them."""
        found = dict.fromkeys(CATEGORIES, 0)
        for deal in owned.deals:
            if deal.due(self.period, self.day) and deal.category in found:
                found[deal.category] += deal.amount
        return found

    def _category(self, owned: Owned) -> Foreseen:
        said = self.said(owned)
        committed = owned.actual + said["commit"]
        return Foreseen(committed, owned.actual, committed + said["best_case"])

    def _unlearnt(self) -> str:
        """Why nothing can be said from past deals; "" if there are enough."""
        accuracy = self.policy.forecast.accuracy if self.policy.forecast else None
        least, known = (
            max(accuracy.min_deals if accuracy else 0, LEAST),
            self.experience.deals if self.experience else 0,
        )
        return f"only {known} closed deals, fewer than the {least} it takes" if known < least else ""

    def _deals(self, owned: Owned, deals: Sequence[tuple[int, Fraction]]) -> Foreseen:
        sums = Sums.of([(amount, float(chance)) for amount, chance in deals if chance and amount > 0])
        mean = sum((amount * chance for amount, chance in deals), Fraction(0))
        low, high = sums.at(0.1), sums.at(0.9)
        chance = sums.reaching(owned.goal - owned.actual) if owned.goal else None
        value = self._rounded(owned.actual + mean)
        return Foreseen(value, owned.actual + low, owned.actual + high, chance)

    def _series(self, owned: Owned) -> Foreseen:
        season = seasons_in(self.policy.calendar, self.period)
        found = foretell([float(value) for value in owned.past], season)
        if found is None:
            return Foreseen(None, note="too few periods are known")
        left = float(1 - gone(self.policy.calendar, self.period, self.day))

        def whole(rest: float | None) -> int | None:
            return None if rest is None else self._rounded(owned.actual + Fraction(max(rest, 0.0) * left))

        return Foreseen(whole(found.value), whole(found.low), whole(found.high), note=found.method)

    def _rounded(self, value: Fraction | int) -> int:
        return round_units(value, self.policy.currency)


def gone(calendar: Calendar, period: Period, day: date) -> Fraction:
    """The share of the period's working days before a day; of its days where the calendar does not know them."""
    until = min(max(day, period.start), period.end)
    try:
        days = [calendar.working_days(period.start, one) for one in (until, period.end)]
        return Fraction(days[0], days[1] or 1)
    except ValueError:
        return Fraction((until - period.start).days, period.days)


def seasons_in(calendar: Calendar, period: Period) -> int:
    """How many such periods a year has."""
    return {"month": 12, "quarter": 4, "half_year": 2}.get(period.kind, 1)


def before(calendar: Calendar, period: Period, most: int) -> list[Period]:
    """The periods of the same kind before one, the earliest first."""
    found = [period]
    while len(found) <= most:
        try:
            found.append(calendar.previous(found[-1]))
        except ValueError:
            break
    return found[:0:-1]


@dataclass(frozen=True)
class Sums:
    """What independent deals may add up to, each won wholly or not: chances of 0, unit, 2 x unit, ...

    Exact as far as amounts are whole units; above STEPS units amounts are rounded to a larger one, and of more than
    MANY deals the normal distribution of the same mean and variance is taken.
    """

    unit: int
    mass: Sequence[float]

    @classmethod
    def of(cls, deals: Sequence[tuple[int, float]]) -> Sums:
        """f'(s) = (1 - p) f(s) + p f(s - a), from {0: 1}."""
        unit = gcd(*(amount for amount, _ in deals)) or 1
        whole = sum(amount for amount, _ in deals)
        if whole > unit * STEPS:
            unit = -(-whole // STEPS)
        if len(deals) > MANY:
            return cls(unit, _normal(deals, unit, whole))
        mass = [1.0]
        for amount, chance in deals:
            steps = (2 * amount + unit) // (2 * unit)
            lost, won = [*mass, *([0.0] * steps)], [*([0.0] * steps), *mass]
            mass = [(1 - chance) * a + chance * b for a, b in zip(lost, won, strict=True)]
        return cls(unit, mass)

    def reaching(self, least: int) -> float:
        """The chance of at least so many units; 1 where none are needed."""
        return min(1.0, sum(self.mass[max(0, -(-least // self.unit)) :])) if least > 0 else 1.0

    def at(self, share: float) -> int:
        """The units that are not reached with this chance."""
        below = 0.0
        for steps, mass in enumerate(self.mass):
            below += mass
            if below >= share:
                return steps * self.unit
        return (len(self.mass) - 1) * self.unit


def _normal(deals: Sequence[tuple[int, float]], unit: int, whole: int) -> Sequence[float]:
    mean = sum(amount * chance for amount, chance in deals) / unit
    wide = sqrt(2 * sum(chance * (1 - chance) * amount**2 for amount, chance in deals)) / unit or 1e-9
    upto = [0.5 + 0.5 * erf((at + 0.5 - mean) / wide) for at in range(-(-whole // unit) + 1)]
    return [upto[0], *(above - below for below, above in pairwise(upto))]


# How good it was


@dataclass(frozen=True)
class Kept:
    """快照: what was forecast on a day for a period of an owner; values of each method in units."""

    period: Period
    taken_on: date
    values: Mapping[str, Foreseen]


def at_lead(kept: Iterable[Kept], lead: Duration) -> dict[Period, Kept]:
    """Of each period the last that was taken so long before its end or earlier."""
    found: dict[Period, Kept] = {}
    for one in kept:
        best = found.get(one.period)
        if one.taken_on <= earlier(one.period.end, lead) and (best is None or one.taken_on > best.taken_on):
            found[one.period] = one
    return found


def earlier(day: date, lead: Duration) -> date:
    """The day so long before another; working days as days of a five-day week."""
    if lead.unit in ("wd", "h"):
        return day - timedelta(days=lead.count // 24 if lead.unit == "h" else lead.count + 2 * (lead.count // 5))
    return Duration(-lead.count, lead.unit).after(day)


@dataclass(frozen=True)
class Measured:
    """准确度: of one method over periods that are over.

    inside    how many ended between low and high, of how many
    mase      its errors as a share of those of seasonal naive, the value of a year before: below 1 it is the better one
    """

    wape: Fraction | None
    bias: Fraction | None
    inside: tuple[int, int]
    periods: int
    mase: Fraction | None = None


def measured(pairs: Sequence[tuple[int, Foreseen]], year_before: Sequence[int | None] = ()) -> Measured:
    """From (what came, what was foreseen), and what came a year before; None where nothing is known of that."""
    known = [(actual, one) for actual, one in pairs if one.value is not None]
    both = [(actual, one.value or 0) for actual, one in known]
    ranged = [(a, one.low, one.high) for a, one in known if one.low is not None and one.high is not None]
    inside = sum(low <= actual <= high for actual, low, high in ranged)
    naive = [
        (abs(actual - one.value), abs(actual - then))
        for (actual, one), then in zip(pairs, year_before, strict=False)
        if one.value is not None and then is not None
    ]
    below = sum(error for _error, error in naive)
    mase = Fraction(sum(error for error, _naive in naive), below) if below else None
    return Measured(wape(both), bias(both), (inside, len(ranged)), len(known), mase)


@dataclass(frozen=True)
class Calibrated:
    """概率准确度: Brier score and, for each band of chances, the mean chance, the share won and how many."""

    brier: Fraction | None
    bands: Sequence[tuple[Fraction, Fraction, int]]
    deals: int


def calibrated(cases: Sequence[tuple[int, Fraction]]) -> Calibrated:
    """From (won 1 or 0, the chance that was given)."""
    return Calibrated(brier(cases), reliability(cases), len(cases))

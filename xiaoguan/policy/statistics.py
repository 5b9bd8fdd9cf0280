"""统计 statistics: forecasts, customer value, probabilities. They steer and warn; they never feed pay.

Exact where the answer is exact (fractions in, fractions out), floating point and seeded where it is not. Every function
names its source; what is undefined is None, never 0.
Source: spec/domain.md sections 2.4, 3 and 4.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache

Number = Fraction | int
Deal = tuple[int, Fraction]
"""A deal: its amount in units, and the probability that it is won."""

# 预测 Forecast


def weighted_pipeline(deals: Iterable[Deal]) -> Fraction:
    """加权管道: the sum of amount x probability."""
    return sum((amount * chance for amount, chance in deals), Fraction(0))


def wape(rows: Iterable[tuple[Number, Number]]) -> Fraction | None:
    """sum |actual - forecast| / sum |actual|, over (actual, forecast); None where the actuals are all 0."""
    pairs = list(rows)
    below = sum(abs(Fraction(actual)) for actual, _ in pairs)
    return sum((abs(Fraction(a) - Fraction(f)) for a, f in pairs), Fraction(0)) / below if below else None


def bias(rows: Iterable[tuple[Number, Number]]) -> Fraction | None:
    """sum (forecast - actual) / sum actual; None where the actuals add up to 0."""
    pairs = list(rows)
    below = sum(Fraction(actual) for actual, _ in pairs)
    return sum((Fraction(f) - Fraction(a) for a, f in pairs), Fraction(0)) / below if below else None


def brier(cases: Iterable[tuple[int, Fraction]]) -> Fraction | None:
    """The mean of (probability - outcome)², over (outcome 0 or 1, probability)."""
    squares = [(chance - outcome) ** 2 for outcome, chance in cases]
    return sum(squares, Fraction(0)) / len(squares) if squares else None


def reliability(cases: Sequence[tuple[int, Fraction]], bins: int = 10) -> list[tuple[Fraction, Fraction, int]]:
    """可靠性表: for each bin of predicted chances that has cases, mean prediction, share won, count."""
    groups: dict[int, list[tuple[int, Fraction]]] = defaultdict(list)
    for outcome, chance in cases:
        groups[min(int(chance * bins), bins - 1)].append((outcome, chance))
    table = []
    for _, group in sorted(groups.items()):
        size = len(group)
        mean = sum((chance for _, chance in group), Fraction(0)) / size
        table.append((mean, Fraction(sum(outcome for outcome, _ in group), size), size))
    return table


def velocity(opportunities: Number, deal: Number, win_rate: Fraction, cycle_days: Number) -> Fraction | None:
    """销售速度: opportunities x average deal x win rate / cycle, an amount for each day; None for a cycle of 0."""
    return Fraction(opportunities) * deal * win_rate / cycle_days if cycle_days else None


@dataclass(frozen=True, slots=True)
class Coverage:
    """管道覆盖: open pipeline / remaining goal, what the win rate requires, and what it should bring."""

    coverage: Fraction | None
    required: Fraction | None
    expected: Fraction
    share: Fraction | None


def coverage(pipeline: Number, remaining: Number, win_rate: Fraction) -> Coverage:
    """Coverage of a remaining goal by an open pipeline."""
    expected = Fraction(pipeline) * win_rate
    return Coverage(
        Fraction(pipeline) / remaining if remaining else None,
        1 / win_rate if win_rate else None,
        expected,
        expected / remaining if remaining else None,
    )


# 达成概率 Probability of attainment


def distribution(deals: Iterable[Deal]) -> dict[int, Fraction]:
    """The exact distribution of the sum of independent deals, each won wholly or not: {sum: probability}.

    f'(s) = (1 - p) f(s) + p f(s - a), from {0: 1}. Source: spec/domain.md 13, Poisson-binomial on amounts.
    """
    found: dict[int, Fraction] = {0: Fraction(1)}
    for amount, chance in deals:
        after: dict[int, Fraction] = defaultdict(Fraction)
        for total, mass in found.items():
            after[total] += (1 - chance) * mass
            after[total + amount] += chance * mass
        found = {total: mass for total, mass in after.items() if mass}
    return dict(sorted(found.items()))


def chance_of(remaining: int, deals: Sequence[Deal]) -> Fraction:
    """P(sum of won deals >= remaining), exactly; meant for up to some twenty deals of different size."""
    return sum((mass for total, mass in distribution(deals).items() if total >= remaining), Fraction(0))


def moments(deals: Iterable[Deal]) -> tuple[Fraction, Fraction]:
    """Mean and variance of the sum of independent deals."""
    pairs = list(deals)
    return weighted_pipeline(pairs), sum((p * (1 - p) * amount**2 for amount, p in pairs), Fraction(0))


@dataclass(frozen=True, slots=True)
class Simulated:
    """A probability by chance: with its seed, runs and standard error it can be repeated."""

    probability: float
    standard_error: float
    runs: int
    seed: int
    method: str


def simulate(remaining: int, deals: Sequence[Deal], runs: int = 10_000, seed: int = 1) -> Simulated:
    """P(sum >= remaining) by Monte-Carlo."""
    chance = random.Random(seed)
    odds = [(amount, float(p)) for amount, p in deals]
    hits = sum(sum(amount for amount, p in odds if chance.random() < p) >= remaining for _ in range(runs))
    return _simulated(hits, runs, seed, "pipeline")


def bootstrap(past: Sequence[Number], needed: Number, runs: int = 10_000, seed: int = 1) -> Simulated | None:
    """P(ratio >= needed) in a period like those before: past ratios drawn with return; None without any."""
    if not past:
        return None
    return _simulated(_drawn(tuple(map(float, past)), float(needed), runs, seed), runs, seed, "bootstrap")


@lru_cache(maxsize=2_000)
def _drawn(values: tuple[float, ...], needed: float, runs: int, seed: int) -> int:
    """How often a draw reaches `needed`. What was drawn once is not drawn again: the past of a person stays while
    somebody tries one goal after the other."""
    chosen = random.Random(seed).choices(values, k=runs)
    return sum(value >= needed for value in chosen)


def _simulated(hits: int, runs: int, seed: int, method: str) -> Simulated:
    share = hits / runs
    return Simulated(share, math.sqrt(share * (1 - share) / runs), runs, seed, method)


# 客户 Customers


def net_promoter(promoters: Fraction, detractors: Fraction) -> Fraction:
    """净推荐值 from shares: 100 x (promoters - detractors), from -100 to 100."""
    return 100 * (promoters - detractors)


def retention(start: int, end: int, new: int) -> Fraction | None:
    """(end - new) / start; right only if nobody who left came back, a cohort count is the definition to prefer."""
    return Fraction(end - new, start) if start else None


def revenue_retention(
    start: Number, churn: Number, contraction: Number, expansion: Number
) -> tuple[Fraction, Fraction] | None:
    """净 / 毛收入留存 (NRR, GRR) of the customers of the start; None where they brought nothing."""
    if not start:
        return None
    gross = (Fraction(start) - churn - contraction) / start
    return gross + Fraction(expansion) / start, gross


def clv(margin: Fraction, retained: Fraction, discount: Fraction, first: bool = False) -> Fraction | None:
    """客户终身价值: m x r / (1 + d - r), margin at period end; with `first` the first margin counts too (+ m)."""
    below = 1 + discount - retained
    if below <= 0:
        return None
    return margin * retained / below + (margin if first else 0)


@dataclass(frozen=True, slots=True)
class Rfm:
    """Model form (BTYD): repeat days, days from first to last, days from first to now, mean of the repeat purchases.

    Not the marketing form, where recency is days since the last purchase and frequency counts all of them.
    """

    frequency: int
    recency: int
    age: int
    monetary: Fraction


def rfm(purchases: Iterable[tuple[object, date, Number]], as_of: date) -> dict[object, Rfm]:
    """Recency, frequency, age and mean repeat value of each customer, in days."""
    days: dict[object, dict[date, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for customer, day, value in purchases:
        if day <= as_of:
            days[customer][day] += Fraction(value)
    found = {}
    for customer, bought in days.items():
        first, last = min(bought), max(bought)
        repeats = [value for day, value in bought.items() if day != first]
        mean = sum(repeats, Fraction(0)) / len(repeats) if repeats else Fraction(0)
        found[customer] = Rfm(len(repeats), (last - first).days, (as_of - first).days, mean)
    return found


def bgnbd_expected(r: float, alpha: float, a: float, b: float, x: int, t_x: float, age: float, horizon: float) -> float:
    """BG/NBD: expected purchases in the next `horizon`, given x repeats, the last at t_x, and the customer's age.

    Source: Fader, Hardie and Lee (2005), equation 10.
    """
    z = horizon / (alpha + age + horizon)
    first = (a + b + x - 1) / (a - 1)
    shrink = ((alpha + age) / (alpha + age + horizon)) ** (r + x)
    above = first * (1 - shrink * _hypergeometric(r + x, b + x, a + b + x - 1, z))
    below = 1 + (a / (b + x - 1)) * ((alpha + age) / (alpha + t_x)) ** (r + x) if x > 0 else 1.0
    return float(above / below)


def _hypergeometric(a: float, b: float, c: float, z: float) -> float:
    """Gauss's 2F1 by its series, for 0 <= z < 1."""
    term = total = 1.0
    for n in range(1, 100_000):
        term *= (a + n - 1) * (b + n - 1) / ((c + n - 1) * n) * z
        total += term
        if abs(term) < 1e-15 * abs(total):
            break
    return total


# Distributions and relations


def quartiles(values: Sequence[Number]) -> tuple[Fraction, Fraction, Fraction] | None:
    """Lower quartile, median and upper quartile, between neighbours on a straight line; None without values."""
    ordered = sorted(Fraction(value) for value in values)
    if not ordered:
        return None

    def at(share: Fraction) -> Fraction:
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    return at(Fraction(1, 4)), at(Fraction(1, 2)), at(Fraction(3, 4))


def two_humps(values: Sequence[Number], width: Fraction = Fraction(1, 5)) -> bool:
    """Whether a histogram of attainments has two peaks with a valley of less than half the lower one between them."""
    counts: dict[int, int] = defaultdict(int)
    for value in values:
        counts[math.floor(Fraction(value) / width)] += 1
    if len(values) < 8:
        return False
    bins = [counts.get(i, 0) for i in range(min(counts), max(counts) + 1)]
    peaks = [
        i
        for i, n in enumerate(bins)
        if n > 1 and (i == 0 or n > bins[i - 1]) and (i == len(bins) - 1 or n >= bins[i + 1])
    ]
    return any(2 * min(bins[a + 1 : b]) < min(bins[a], bins[b]) for a in peaks for b in peaks if b > a + 1)


def correlation(xs: Sequence[Number], ys: Sequence[Number]) -> float | None:
    """Pearson's correlation; None for fewer than three pairs or no spread."""
    n = len(xs)
    if n < 3 or n != len(ys):
        return None
    mean_x, mean_y = sum(xs, Fraction(0)) / n, sum(ys, Fraction(0)) / n
    above = sum(((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)), Fraction(0))
    spread = [sum(((v - m) ** 2 for v in vs), Fraction(0)) for vs, m in ((xs, mean_x), (ys, mean_y))]
    return float(above) / math.sqrt(float(spread[0]) * float(spread[1])) if all(spread) else None


def median(values: Sequence[Number]) -> Fraction | None:
    """The middle value."""
    found = quartiles(values)
    return found[1] if found else None


def kaplan_meier(spells: Sequence[tuple[int, bool]]) -> int | None:
    """停留中位数: the day by which half have left, over (days, left or still there); None if fewer than half did.

    Spells that are still open are censored: they count as long as they have been watched.
    """
    survival = Fraction(1)
    for day in sorted({days for days, left in spells if left}):
        at_risk = sum(days >= day for days, _ in spells)
        gone = sum(days == day and left for days, left in spells)
        survival *= Fraction(at_risk - gone, at_risk)
        if survival <= Fraction(1, 2):
            return day
    return None

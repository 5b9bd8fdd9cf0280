"""时间序列 time series: what the next period of a series should bring, with the baseline that any method must beat.

    foretell([90, 120, 100, 130, 95, 125, 105, 140], season=4)   Foretold(method="seasonal_naive", value=95.., ..)

Seasonal naive repeats the value of a season ago; exponential smoothing and Holt-Winters (additive) are taken only where
they came nearer in the periods that were held out. Floating point, without chance. Source: spec/domain.md section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

SPREAD = 1.2816
"""Standard deviations on either side of four fifths of a normal distribution."""
LEVELS, TRENDS, SEASONS = (0.1, 0.3, 0.5, 0.8), (0.0, 0.1, 0.3), (0.1, 0.3, 0.6)
_Method = Callable[[Sequence[float]], float | None]


@dataclass(frozen=True, slots=True)
class Foretold:
    """The next value, four fifths of what may come (None where too little is known), and by which method.

    error, naive   mean absolute error of that method and of the baseline where held out; None if nothing was
    """

    value: float
    low: float | None
    high: float | None
    method: str
    error: float | None = None
    naive: float | None = None


def foretell(past: Sequence[float], season: int) -> Foretold | None:
    """The value after `past`; None where less than a season is known and nothing to smooth."""
    methods: dict[str, _Method] = {"seasonal_naive": lambda known: known[-season] if len(known) >= season else None}
    held = min(season, len(past) // 3)
    taught = past[: len(past) - held]
    methods["smoothing"] = _smoothing(taught)
    if len(taught) >= 2 * season > 2:
        methods["holt_winters"] = _holt_winters(taught, season)
    errors = {name: _errors(method, past, held) for name, method in methods.items()}
    means = {name: sum(map(abs, found)) / held for name, found in errors.items() if held and len(found) == held}
    chosen = min(means, key=lambda name: means[name]) if means else next(iter(methods))
    value = methods[chosen](past)
    if value is None:
        chosen, value = "smoothing", methods["smoothing"](past)
    if value is None:
        return None
    found = errors[chosen]
    wide = SPREAD * math.sqrt(sum(e * e for e in found) / len(found)) if len(found) >= 3 else None
    low, high = (None, None) if wide is None else (value - wide, value + wide)
    return Foretold(value, low, high, chosen, means.get(chosen), means.get("seasonal_naive"))


def _errors(method: _Method, past: Sequence[float], held: int) -> list[float]:
    """Of each value held out, how far off the method was that knew those before it."""
    pairs = [(method(past[:at]), past[at]) for at in range(len(past) - held, len(past))]
    return [guess - value for guess, value in pairs if guess is not None]


def _smoothing(taught: Sequence[float]) -> _Method:
    """指数平滑: the level that fitted best one step ahead; None for fewer than three values."""

    def level(known: Sequence[float], alpha: float) -> tuple[float, float]:
        now, off = known[0], 0.0
        for value in known[1:]:
            off += (value - now) ** 2
            now += alpha * (value - now)
        return now, off

    best = min(LEVELS, key=lambda alpha: level(taught, alpha)[1]) if len(taught) > 1 else LEVELS[0]
    return lambda known: level(known, best)[0] if len(known) >= 3 else None


def _holt_winters(taught: Sequence[float], season: int) -> _Method:
    """霍尔特-温特斯: level, trend and additive season, by the weights that fitted best one step ahead."""

    def run(known: Sequence[float], weights: tuple[float, float, float]) -> tuple[float, float]:
        alpha, beta, gamma = weights
        now = sum(known[:season]) / season
        step = (sum(known[season : 2 * season]) - sum(known[:season])) / season**2
        index, off = [value - now for value in known[:season]], 0.0
        for at in range(season, len(known)):
            guess = now + step + index[at % season]
            off += (known[at] - guess) ** 2
            before = now
            now = alpha * (known[at] - index[at % season]) + (1 - alpha) * (now + step)
            step = beta * (now - before) + (1 - beta) * step
            index[at % season] = gamma * (known[at] - now) + (1 - gamma) * index[at % season]
        return now + step + index[len(known) % season], off

    best = min(product(LEVELS, TRENDS, SEASONS), key=lambda weights: run(taught, weights)[1])
    return lambda known: run(known, best)[0] if len(known) >= 2 * season else None

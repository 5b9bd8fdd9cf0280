"""目标合理性评估 reasonableness of a goal: never one verdict, a table of checks with values beside their bands.

    stretch              goal / median of like periods - 1
    attain_probability   P(actual >= goal) by bootstrap of past ratios, or exactly from open deals
    share_at_quota       share of past attainments at or above 100 %; median, quartiles, two humps
    equity               quota share / potential share, the furthest from 1
    correlation          of attainment with potential or tenure: should be weak
    capacity             activities needed / what working days allow
Source: spec/domain.md 2.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from xiaoguan.base.words import plain_number

from . import statistics
from .document import Goal, Simulation
from .statistics import Deal, Number

Verdict = Literal["inside", "below", "above", "not known"]

USUAL: Mapping[str, tuple[Fraction, Fraction]] = {
    "stretch": (Fraction(0), Fraction(35, 100)),
    "attain_probability": (Fraction(40, 100), Fraction(75, 100)),
    "share_at_quota": (Fraction(50, 100), Fraction(70, 100)),
    "equity": (Fraction(80, 100), Fraction(125, 100)),
    "correlation": (Fraction(-3, 10), Fraction(3, 10)),
    "capacity": (Fraction(0), Fraction(1)),
}
"""Bands where the policy gives none. Source: spec/domain.md 2.4, rules of thumb."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One check: its value (a fraction of one), the band, where the value lies, and how it came about."""

    name: str
    value: Fraction | None
    low: Fraction
    high: Fraction
    verdict: Verdict
    how: str
    flags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A plain dict; numbers as decimal text."""
        value = None if self.value is None else plain_number(self.value, 6).lstrip("≈")
        return {"name": self.name, "value": value, "band": [plain_number(self.low), plain_number(self.high)],
                "verdict": self.verdict, "how": self.how, "flags": list(self.flags)}  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What is known about a goal. Leave out what is not: its check says so.

    history      actuals of like periods, latest last. past: (goal, actual) of earlier periods, of this owner or of all.
    deals        open deals that may close in time: amount and probability. won: what is reached already.
    quotas       quota and potential by territory. attained: attainment and potential (or tenure) by person.
    capacity     average deal, win rate, activities for a deal, working days, contacts a day.
    """

    goal: Number
    history: Sequence[Number] = ()
    past: Sequence[tuple[Number, Number]] = ()
    deals: Sequence[Deal] = ()
    won: Number = 0
    quotas: Mapping[str, tuple[Number, Number]] | None = None
    attained: Sequence[tuple[Fraction, Number]] = ()
    capacity: tuple[Number, Fraction, Number, int, Number] | None = None


def assess(goal: Goal, evidence: Evidence) -> list[Checked]:
    """Every check of a goal, in a fixed order."""
    simulate = goal.check.simulate if goal.check and goal.check.simulate else Simulation()
    found = [
        _stretch(evidence),
        _probability(evidence, simulate),
        _distribution(evidence),
        _equity(evidence),
        _correlation(evidence),
        _capacity(evidence),
    ]
    return [_judged(goal, name, value, how, flags) for name, value, how, flags in found]


_Found = tuple[str, Fraction | None, str, tuple[str, ...]]


def _judged(goal: Goal, name: str, value: Fraction | None, how: str, flags: tuple[str, ...]) -> Checked:
    band: tuple[Fraction, ...] = getattr(goal.check, name, ()) if goal.check else ()
    low, high = band if len(band) == 2 else USUAL[name]
    verdict: Verdict = "inside"
    if value is None:
        verdict = "not known"
    elif value < low:
        verdict = "below"
    elif value > high:
        verdict = "above"
    return Checked(name, value, low, high, verdict, how, flags)


def _stretch(e: Evidence) -> _Found:
    middle = statistics.median(e.history)
    flags = ("history shorter than 4 periods",) if len(e.history) < 4 else ()
    if not middle:
        return "stretch", None, "there is no history", flags
    return "stretch", Fraction(e.goal) / middle - 1, f"goal / median of {len(e.history)} like periods - 1", flags


def _probability(e: Evidence, simulate: Simulation) -> _Found:
    remaining = Fraction(e.goal) - e.won
    if e.deals:
        if len(e.deals) <= 20:
            chance = statistics.chance_of(_ceiling(remaining), list(e.deals))
            return "attain_probability", chance, f"exact, {len(e.deals)} independent deals", ()
        found = statistics.simulate(_ceiling(remaining), list(e.deals), simulate.runs, simulate.seed)
    else:
        ratios = [Fraction(actual) / goal for goal, actual in e.past if goal]
        made = statistics.bootstrap(ratios, 1, simulate.runs, simulate.seed) if ratios else None
        if made is None:
            return "attain_probability", None, "there are neither open deals nor past attainments", ()
        found = made
    how = f"{found.method}, {found.runs} runs, seed {found.seed}, standard error {found.standard_error:.4f}"
    return "attain_probability", Fraction(round(found.probability * found.runs), found.runs), how, ()


def _ceiling(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def _distribution(e: Evidence) -> _Found:
    ratios = [Fraction(actual) / goal for goal, actual in e.past if goal]
    if not ratios:
        return "share_at_quota", None, "there are no past attainments", ()
    share = Fraction(sum(ratio >= 1 for ratio in ratios), len(ratios))
    quartiles = statistics.quartiles(ratios)
    assert quartiles is not None
    low, middle, high = (plain_number(one * 100, 1) for one in quartiles)
    flags = ("two humps: territories may be unequal",) if statistics.two_humps(ratios) else ()
    return "share_at_quota", share, f"{len(ratios)} attainments, median {middle}%, quartiles {low}% and {high}%", flags


def _equity(e: Evidence) -> _Found:
    pairs = {key: pair for key, pair in (e.quotas or {}).items() if pair[1]}
    quota, potential = (sum((Fraction(pair[i]) for pair in pairs.values()), Fraction(0)) for i in (0, 1))
    if len(pairs) < 2 or not quota:
        return "equity", None, "quota and potential of at least two territories are needed", ()
    ratios = {key: (Fraction(q) / quota) / (Fraction(p) / potential) for key, (q, p) in pairs.items()}
    key = max(ratios, key=lambda one: (abs(ratios[one] - 1), one))
    return "equity", ratios[key], f"{key} is furthest from its share of the potential", ()


def _correlation(e: Evidence) -> _Found:
    found = statistics.correlation([a for a, _ in e.attained], [p for _, p in e.attained])
    if found is None:
        return "correlation", None, "at least three people are needed", ()
    return "correlation", Fraction(round(found * 10**6), 10**6), f"attainment of {len(e.attained)} people", ()


def _capacity(e: Evidence) -> _Found:
    if e.capacity is None or not e.capacity[0] or not e.capacity[1]:
        return "capacity", None, "average deal, win rate and contacts are needed", ()
    deal, win_rate, activities, days, contacts = e.capacity
    needed = (Fraction(e.goal) - e.won) / deal / win_rate * activities
    possible = Fraction(days) * contacts
    if not possible:
        return "capacity", None, "there are no working days left", ()
    return (
        "capacity",
        needed / possible,
        f"{plain_number(needed, 1)} activities, {plain_number(possible, 1)} possible",
        (),
    )

"""培训 training: what must be passed before pay, and what a missed training costs in an appraisal.

The results are facts of the table `trainings`: person, course, passed_on, mark. Where no result at all is kept, nothing
is known and nothing is asked. Source: spec/domain.md 8.4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from xiaoguan.base.periods import Period, span

from .document import Policy
from .formula import Row
from .world import Facts, Who, facts_of

TABLE, PASSED_ON = "trainings", "passed_on"
BEGINNING = date(1970, 1, 1)


@dataclass(frozen=True)
class Shortfall:
    """A quarter in which fewer were passed than the policy wants, and the points that costs."""

    quarter: Period
    passed: int
    wanted: int
    points: Fraction


def _results(world: object, end: date) -> Mapping[object, Sequence[Row]] | None:
    """Everybody's results before a day, by person; None where nobody has any."""
    facts: Facts | None = facts_of(world)
    if facts is None or TABLE not in facts.schema.facts:
        return None
    key = (TABLE, end)
    kept = facts.cache.get(key)
    if isinstance(kept, dict):
        return kept or None
    found: dict[object, list[Row]] = defaultdict(list)
    for row in facts.rows(TABLE, span(BEGINNING, end), PASSED_ON):
        found[row.get("person")].append(row)
    facts.cache[key] = found
    return found or None


def unpassed(policy: Policy, who: Who, end: date, world: object) -> tuple[str, ...]:
    """The onboarding courses that the person has not passed before a day, where that means no incentive."""
    rule = policy.training.onboarding if policy.training else None
    if rule is None or rule.until_passed is None or rule.until_passed.incentive != "none":
        return ()
    results = _results(world, end)
    if results is None:
        return ()
    passed = {row.get("course") for row in results.get(who.key, ()) if _enough(row.get("mark"), rule.mark)}
    return tuple(course for course in rule.courses if course not in passed)


def _enough(mark: object, least: Fraction | None) -> bool:
    return least is None or (isinstance(mark, int | Fraction) and mark >= least)


def shortfalls(policy: Policy, who: Who, period: Period, world: object) -> Iterator[Shortfall]:
    """The quarters that end in the period, from the first day of which the person was there, with too few trainings."""
    rule = policy.training.recurring if policy.training else None
    results = _results(world, period.end) if rule is not None and rule.missed is not None else None
    if rule is None or rule.missed is None or results is None or "quarter" not in policy.calendar.kinds:
        return
    own = [row.get(PASSED_ON) for row in results.get(who.key, ())]
    for quarter in policy.calendar.ending_in(period, "quarter"):
        if who.hired_on is not None and who.hired_on > quarter.start:
            continue
        passed = sum(isinstance(day, date) and quarter.contains(day) for day in own)
        if passed < rule.per_quarter:
            points = rule.missed.appraisal_deduct * (rule.per_quarter - passed)
            yield Shortfall(quarter, passed, rule.per_quarter, points)

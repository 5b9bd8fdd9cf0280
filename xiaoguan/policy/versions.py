"""版本 versions: a statement for a period in which the policy changes.

The version in force is chosen by the day of each event. A component whose pay does not depend on the rest of its
period (a flat rate, a spiff, a look-up of each record) is reckoned by each version over its own days. One that does
(tiers, a bonus, a matrix, a pool) follows the new version's `transition`: the old version keeps the period
(new_period_only), each pays its days (prorate), or the new one rules it whole (new_for_whole_period). The steps after
the components are those of the version in force at the end, over its own components.
Source: spec/domain.md 5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from xiaoguan.base.explain import Line, Statement
from xiaoguan.base.money import Money
from xiaoguan.base.periods import Period

from .document import Component, Dates, IncentivePlan, Policy
from .earning import by_event
from .incentive import statement
from .world import Who, World


def statement_of_versions(
    versions: Sequence[Policy], who: Who, period: Period, world_of: Callable[[Policy], World]
) -> Statement:
    """The statement over all versions in force in a period, oldest first; a component's versions are its parts.

    world_of   gives the world for a version, since metrics are the version's own.
    """
    inside = [one for one in versions if _overlaps(one, period)]
    if len(inside) <= 1:
        chosen = inside[0] if inside else versions[-1]
        return statement(chosen, who, period, world_of(chosen))
    results = []
    for i, one in enumerate(inside):
        newer = inside[i + 1] if i + 1 < len(inside) else None
        trimmed = _trimmed(one, period, newer, first=i == 0)
        results.append(statement(trimmed, who, period, world_of(trimmed)))
    return _merged(results, who, period, versions[-1].currency)


def _overlaps(one: Policy, period: Period) -> bool:
    effective = one.header.effective
    return effective.start < period.end and (effective.end is None or effective.end > period.start)


def _trimmed(policy: Policy, period: Period, newer: Policy | None, first: bool) -> Policy:
    """The version as it takes part in the period: its components limited to their days, or left out."""
    effective = policy.header.effective
    plans = []
    for plan in policy.incentive:
        components = tuple(
            made for component in plan.components for made in _part(policy, plan, component, period, newer, first)
        )
        settled = plan if newer is None else replace(plan, **_UNSETTLED)
        plans.append(replace(settled, components=components))
    start, end = min(effective.start, period.start), max(effective.end or period.end, period.end)
    header = replace(policy.header, effective=replace(effective, start=start, end=end))
    return replace(policy, header=header, incentive=tuple(plans))


_UNSETTLED: dict[str, Any] = dict.fromkeys(
    ("cap", "floor", "true_up", "draw", "guarantee", "clawback", "pay", "leaving"), None
)


def _part(
    policy: Policy, plan: IncentivePlan, component: Component, period: Period, newer: Policy | None, first: bool
) -> Iterator[Component]:
    ruling = newer or policy
    change = ruling.header.transition
    how = change.components.get(component.id, change.default) if change else "new_period_only"
    if by_event(component) or how == "prorate":
        yield replace(component, valid=_days(policy, component))
    elif newer is None if how == "new_for_whole_period" else first:
        yield component


def _days(policy: Policy, component: Component) -> Dates:
    effective, valid = policy.header.effective, component.valid
    start = max(effective.start, valid.start) if valid else effective.start
    ends = [end for end in (effective.end, valid.end if valid else None) if end is not None]
    end: date | None = min(ends) if ends else None
    return Dates(start=start, end=max(end, start) if end else None)


def _merged(results: Sequence[Statement], who: Who, period: Period, currency: str) -> Statement:
    names = dict.fromkeys(line.name for result in results for line in result.lines)
    lines = []
    for name in names:
        parts = [line for result in results for line in result.lines if line.name == name]
        lines.append(parts[0] if len(parts) == 1 else _together(parts))
    total = sum(int(line.number) for line in lines if not line.missing)
    return Statement(
        who.key,
        period,
        tuple(lines),
        Money.of_units(total, currency),
        tuple(dict.fromkeys(issue for result in results for issue in result.issues)),
        tuple(
            replace(step, amount=None if step.amount is None else sum(r.steps[i].amount or 0 for r in results))
            for i, step in enumerate(results[0].steps)
        ),
        tuple(entry for result in results for entry in result.entries),
    )


def _together(parts: Sequence[Line]) -> Line:
    known = [int(part.number) for part in parts if not part.missing]
    first = parts[0]
    source = "; ".join(part.source for part in parts)
    value = sum(known) if known else None
    return Line(first.name, first.label, value, first.unit, f"{len(parts)} versions", source, parts=tuple(parts))

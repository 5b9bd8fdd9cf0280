"""What can be compiled: everything else is named, and reckoned by `incentive`."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ..document import Component, IncentivePlan, Policy
from ..release import AT_ONCE

MILLION = 10**6
MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
_PAID = {"monthly": "month", "quarterly": "quarter", "half_yearly": "half_year", "yearly": "year"}


class NotBulk(ValueError):
    """This component cannot be compiled; says what stands in the way."""


def refuse(policy: Policy, plan: IncentivePlan, component: Component, window: str) -> None:
    """NotBulk if the component, its plan or its calendar asks for what SQL of whole numbers does not say here.

    window   the kind of period over which the tiers accumulate.
    """
    reasons = (*_of_component(policy, component, window), *_of_pay(plan, component), *_of_plan(policy, plan))
    for reason, holds in reasons:
        if holds:
            raise NotBulk(f"{component.id} has {reason}")


def _of_component(policy: Policy, one: Component, window: str) -> Iterator[tuple[str, object]]:
    yield "a condition, gate, multiplier or validity", one.when or one.gates or one.multiply or one.valid
    yield "a cap over more than its period", one.cap and (one.cap.per or one.cap.excess == "carry")
    yield f"periods of kind {one.period} or {window}", {one.period, window} - set(MONTHS)
    replaced = any(other.kind == "override_rate" and other.of == one.id for _, other in policy.components())
    yield "a table that another one replaces", replaced


def _of_pay(plan: IncentivePlan, one: Component) -> Iterator[tuple[str, object]]:
    pay, back = plan.pay, plan.clawback
    held = pay.holdback if pay else None
    yield "a pay period other than that of the component", pay and _PAID[pay.paid] != one.period
    yield "release that waits", pay and set(pay.release) - set(AT_ONCE)
    yield "a holdback by record", held and (not held.release.at or held.release.unless)
    yield "an offset limit", back and back.offset_limit is not None
    yield "more than one component before holdback or claw-back", len(plan.components) > 1 and (back or held)


def _of_plan(policy: Policy, plan: IncentivePlan) -> Iterator[tuple[str, object]]:
    section = policy.calendar_section
    yield "a plan cap, floor, true-up or answers on leaving", plan.cap or plan.floor or plan.true_up or plan.leaving
    yield "a draw, a guarantee or multipliers", plan.draw or plan.guarantee or plan.multiply
    yield "another calendar", section.pattern != "gregorian" or section.fiscal_year_starts != (1, 1)
    yield "overlays or roll-ups", plan.credit and (plan.credit.overlay or plan.credit.rollup)
    yield "exchange rates", policy.header.fx
    until = policy.training.onboarding.until_passed if policy.training and policy.training.onboarding else None
    yield "courses to be passed first", until and until.incentive == "none"


def millionths(value: Fraction, what: str) -> int:
    """A rate, share or bound times a million; NotBulk if it has more decimals."""
    scaled = value * MILLION
    if scaled.denominator != 1:
        raise NotBulk(f"{what} of {value} has more than six decimals")
    return int(scaled)

"""批量核算 bulk: a commission compiled to SQL over integers, for millions of lines; the same cents as `earning`.

The compiler keeps to integer + - *, one truncating division, comparisons, CASE, sums and windows, so that one text
serves DuckDB and, with a switch of dialect, Spark. Money is in units (ten-thousandths) of 64 bits, rates, shares and
bounds are integers of millionths; a product has 128 bits or 38 digits where 64 bits might not hold it, and both
engines refuse what does not fit. The sign is put on after rounding, since engines divide negative numbers differently.

People are whole numbers, as the database keeps them; records may have any name.

    facts    id, person, day, value (units), and a column for every other payee      one row for each event
    quotas   person, window_start, quota (units)                                      tiers by attainment
    undone   id, record, day, amount (units or null)                                  events of the claw-back

    totals   person, period, credited, earned, held, freed, clawed, paid              one row for each person and month
    lines    person, period, record, payee, credited, before, tier, weight            the stored reason of each record:
             which payee of the plan (from 0), what was credited, what stood in the window before it, which tier that
             reaches (from 1; 0 is below the first), and the weight by which it shares the month's earning: its exact
             pay in 1/scale units, in slab tables its credit. Words and rates are the policy's. A month that lies
             within one tier of a marginal table has no order: `before` is what stood there before the month.
    lots     person, period, record, earned       the earning by record, in minor units by largest remainder of weights

A DuckDB connection is told SETTINGS first, for speed.

What cannot be said this way (release by cash, draws, offset limits, overlays, other calendars) raises NotBulk, which
names it; those plans are reckoned by `incentive`. Tests generate policies and facts and compare both to the last unit.
Source: spec/domain.md 5.2, 5.3, 8.2, 8.3 and 13.
"""

from __future__ import annotations

from ..document import Policy
from .compiler import Compiled, Compiler
from .dialect import SETTINGS, Dialect, Sql
from .scope import NotBulk

__all__ = ["SETTINGS", "Compiled", "Dialect", "NotBulk", "compile_component"]


def compile_component(policy: Policy, component_id: str, dialect: Dialect = "duckdb") -> Compiled:
    """The SQL of one commission; NotBulk names what stands in the way."""
    plan = policy.plan_of(component_id)
    if plan is None:
        raise NotBulk(f"there is no component {component_id!r}")
    component = next(one for one in plan.components if one.id == component_id)
    return Compiler(policy, plan, component, Sql(dialect)).compiled()

"""校验 check: what would not work in a policy, found before it is in force.

A list of small functions; each looks at one thing and yields issues that say what, where, why and one way to mend it.
Errors stop the adoption of a version, warnings want somebody to acknowledge them. The layers:

    1 syntax   2 keys and values                    load has dealt with them
    3 references: metrics, goals, roles, grades     4 circles of metrics and appraisals
    5 totals: weights, shares, release              6 tables: rising, whole, reachable
    7 meaning: units, jumps, pay at target, draws   8 calendar and data: periods, holidays, fact fields
Source: spec/domain.md 8.5.
"""

from __future__ import annotations

from xiaoguan.base.issues import Issue

from ..document import Policy
from ..metrics import FACTS, Schema
from . import appraisal, header, incentive, measures, process
from .common import LEVELS, Check

CHECKS: tuple[Check, ...] = (
    header.header,
    header.rounding,
    header.unique_ids,
    header.roles,
    header.periods,
    header.transition,
    header.changes,
    header.holidays,
    measures.metrics,
    measures.goal_metrics,
    measures.goal_targets,
    measures.goal_steps,
    measures.goal_bands,
    process.stages,
    process.classes,
    process.forecasts,
    process.daily,
    process.discounts,
    process.honours,
    process.spelt,
    appraisal.indicators,
    appraisal.grades,
    appraisal.followed,
    appraisal.circles,
    incentive.components,
    incentive.overrides,
    incentive.tiers,
    incentive.tier_quotas,
    incentive.target_pay,
    incentive.crediting,
    incentive.limits,
    incentive.paying,
    incentive.formulas,
)


def check(policy: Policy, schema: Schema = FACTS) -> list[Issue]:
    """Every issue of a loaded policy, in the order of its lines. `schema` says which facts there are."""
    found = {issue: None for one in CHECKS for issue in one(policy, schema)}
    return sorted(found, key=lambda issue: (issue.line, issue.path))


__all__ = ["CHECKS", "LEVELS", "Check", "check"]

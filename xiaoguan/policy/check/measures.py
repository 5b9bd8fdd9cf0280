"""Checks of 指标 and 目标: what is measured can be calculated, and what should be reached can be cut into parts."""

from __future__ import annotations

from collections.abc import Iterator

from xiaoguan.base.explain import value_text
from xiaoguan.base.issues import Issue, Level
from xiaoguan.base.money import SCALE
from xiaoguan.base.words import did_you_mean

from ..document import Policy
from ..formula import Call, Expr, Type, walk
from ..metrics import Plan, PlanError, Schema, plan
from .common import LEVELS, issue


def metrics(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Every metric can be calculated: its table, fields, units and the metrics it reads."""
    for metric in policy.metrics.values():
        try:
            planned = plan(policy, metric.id, schema)
        except PlanError as error:
            level: Level = "warning" if error.absent else "error"
            message = f"metric {error.metric.id}: {error.message}"
            yield issue(policy, error.metric, message, error.hint, error.key, level, "metric")
            continue
        if isinstance(planned, Plan) and planned.aggregate == "sum" and planned.type in (Type.RATIO, Type.SCORE):
            message = f"metric {metric.id} adds up {planned.type.value}s, which has no meaning"
            yield issue(policy, metric, message, "Divide sums: ratio(a, b), or take mean().", "value", code="metric")
        tree = metric.value.tree
        divides = isinstance(tree, Call) and tree.name == "ratio"
        if metric.empty is not None and not (isinstance(tree, Call) and divides and tree.get("empty") is None):
            message = f"empty of metric {metric.id} has no effect: its formula is not one ratio without it"
            hint = "Write it into the ratio: ratio(a, b, empty=0)."
            yield issue(policy, metric, message, hint, "empty", code="metric")
        if metric.min_sample < 0:
            yield issue(policy, metric, f"metric {metric.id} has a sample below 0", "", "min_sample", code="metric")
        if _lacks_empty(tree) and metric.empty is None:
            message = f"metric {metric.id} does not say what it is when the denominator is 0"
            yield issue(policy, metric, message, "Write ratio(a, b, empty=missing).", "value", "warning", "metric")


def _lacks_empty(tree: Expr) -> bool:
    return any(isinstance(part, Call) and part.name == "ratio" and part.get("empty") is None for part in walk(tree))


def goal_metrics(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A goal names a metric; only amounts and counts can be cut into parts."""
    for goal in policy.goals:
        metric = policy.metrics.get(goal.metric)
        if metric is None:
            hint = did_you_mean(goal.metric, policy.metrics)
            yield issue(policy, goal, f"goal {goal.id} names no metric: {goal.metric!r}", hint, "metric")
        elif goal.allocate and not metric.adds_up:
            message = f"goal {goal.id} cuts a {metric.type} into parts, but ratios and scores do not add up"
            yield issue(policy, goal, message, "Leave allocate out.", "allocate", code="goal")


def goal_targets(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A target has what its method needs, and is a multiple of the rounding unit."""
    for goal in policy.goals:
        how = goal.target
        needs = {"fixed": ("value",), "growth": ("base", "growth")}.get(how.method, ())
        for key in needs:
            if getattr(how, key) is None:
                message = f"the target of goal {goal.id} is {how.method} but has no {key}"
                yield issue(policy, how, message, f"Add {key}.", code="goal")
        if how.method == "fixed" and how.value is not None and goal.allocate and goal.metric in policy.metrics:
            amount = policy.metrics[goal.metric].type == "amount"
            unit = policy.quota_unit(goal)
            if (how.value * (SCALE if amount else 1)) % unit:
                shown = value_text(unit, policy.unit_of(goal.metric))
                message = f"the target of goal {goal.id} is not a multiple of its rounding unit {shown}"
                yield issue(policy, how, message, "Round it, or change policy.rounding.quota.", "value", code="goal")


def goal_steps(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Steps cut by something that exists; mixed weights add up to 100 %; shares carried are not below 1."""
    by = (*policy.calendar.kinds, *LEVELS)
    for goal in policy.goals:
        for step in goal.allocate:
            if step.by not in by:
                hint = did_you_mean(step.by, by) or f"It can be {', '.join(by)}."
                yield issue(policy, step, f"a goal cannot be cut by {step.by!r}", hint, "by", code="goal")
            whole = sum(step.weights.values())
            if step.method in ("weighted", "potential") and whole != 1:
                message = f"the weights of the step by {step.by} add up to {value_text(whole, 'ratio')}, not to 100%"
                yield issue(policy, step, message, "Change them so that they do.", "weights", code="totals")
        for level, factor in goal.over_assignment.items():
            if factor < 1:
                message = f"over-assignment {level} of goal {goal.id} is below 1: the parts would not carry the whole"
                yield issue(policy, goal, message, "", "over_assignment", "warning", "goal")
        if goal.proration and goal.proration.minimum and goal.proration.minimum.unit not in ("d", "w", "wd"):
            message = f"the minimum of goal {goal.id} is {goal.proration.minimum}, not a number of days"
            yield issue(policy, goal.proration, message, "Write 10wd or 14d.", "minimum", code="goal")


def goal_bands(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Bands of the reasonableness check are [low, high]; what only fits daily goals stands only there."""
    for goal in policy.goals:
        for key in ("stretch", "attain_probability", "share_at_quota", "equity", "correlation", "capacity"):
            band = getattr(goal.check, key) if goal.check else ()
            if band and (len(band) != 2 or band[0] > band[1]):
                message = f"the band {key} of goal {goal.id} is not [low, high]"
                assert goal.check is not None
                yield issue(policy, goal.check, message, "Write it like [0%, 35%].", key, code="goal")
        if goal.applies == "working_days" and goal.period != "day":
            message = f"goal {goal.id} is for a {goal.period}; only a daily goal applies to working days"
            yield issue(policy, goal, message, "Leave applies out, or use period: day.", "applies", code="goal")
        if goal.ramp and any(not 0 <= share <= 1 for share in goal.ramp):
            message = f"the ramp of goal {goal.id} leaves 0% to 100%"
            yield issue(policy, goal, message, "A ramp is the share of a full quota.", "ramp", code="goal")

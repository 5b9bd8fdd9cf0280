"""Checks of 指标 and 目标: what is measured can be calculated, and what should be reached can be cut into parts."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from xiaoguan.base.explain import value_text
from xiaoguan.base.issues import Issue, Level
from xiaoguan.base.money import SCALE
from xiaoguan.base.words import did_you_mean

from ..document import Goal, Policy, Step
from ..formula import Call, Expr, Scope, Type, walk
from ..metrics import Plan, PlanError, Schema, plan
from .common import LEVELS, bare, issue


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
        if metric.where is not None and metric.table in schema.facts:
            for message, hint, level in bare(metric.where.tree, Scope(schema.facts[metric.table].fields)):
                yield issue(policy, metric, f"metric {metric.id}: {message}", hint, "where", level, "metric")
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
        metric = policy.metrics.get(goal.metric)
        if how.method == "assigned" and (how.value is not None or goal.allocate):
            message = f"the target of goal {goal.id} is assigned person by person: "
            message += "its value is not used" if how.value is not None else "allocate is not carried out"
            hint = "Use method fixed, growth or bottom_up, or leave it out."
            yield issue(policy, goal, message, hint, "target", "warning", "goal")
        for role in how.submit_by:
            known = policy.header.scope.roles
            if known and role not in known:
                hint = did_you_mean(role, known) or f"Add {role} to policy.scope.roles."
                message = f"role {role!r}, which submits goal {goal.id}, is not in the scope of the policy"
                yield issue(policy, how, message, hint, "submit_by", "warning")
        if how.method != "fixed" or how.value is None or metric is None:
            continue
        if metric.type == "ratio" and abs(how.value) > 2:
            shown, meant = value_text(how.value, "ratio"), value_text(how.value / 100, "ratio")
            message = f"the target of goal {goal.id} is {shown}"
            yield issue(policy, how, message, f"Write {meant} if that is meant.", "value", "warning", "goal")
        amount, unit = metric.type == "amount", policy.quota_unit(goal)
        if metric.adds_up and goal.period != "day" and (how.value * (SCALE if amount else 1)) % unit:
            shown = value_text(unit, policy.unit_of(goal.metric))
            message = f"the target of goal {goal.id} is not a multiple of its rounding unit {shown}"
            yield issue(policy, how, message, "Round it, or change policy.rounding.quota.", "value", code="goal")


_FOR_PERIODS = ("even", "history", "seasonality", "weeks", "working_days")
_FOR_OWNERS = ("even", "history", "capacity", "potential", "pipeline")
_WEIGHED = ("weighted", "potential")


def goal_steps(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Steps go from the longer period to the shorter, from the team to the person; each has a method and weights that
    fit what it cuts; shares carried are not below 1."""
    for goal in policy.goals:
        at, by = goal.period, ""
        for step in goal.allocate:
            yield from _step(policy, goal, step)
            before = at if step.by in policy.calendar.kinds else by
            if not _inside(policy, step.by, before):
                message = f"the step by {step.by} of goal {goal.id} comes after one by {before}"
                hint = "Cut longer periods before shorter ones, and teams before people."
                yield issue(policy, step, message, hint, "by", code="goal")
            if step.by in policy.calendar.kinds:
                at = step.by
            else:
                by = step.by
        for level, factor in goal.over_assignment.items():
            yield from _carried(policy, goal, level, factor)
        if goal.proration and goal.proration.minimum and goal.proration.minimum.unit not in ("d", "w", "wd"):
            message = f"the minimum of goal {goal.id} is {goal.proration.minimum}, not a number of days"
            yield issue(policy, goal.proration, message, "Write 10wd or 14d.", "minimum", code="goal")


def _inside(policy: Policy, by: str, before: str) -> bool:
    """Whether parts of one kind lie inside those of another."""
    for order in (("year", "half_year", "quarter", "month", "week", "day"), ("team", "person")):
        if by in order and before in order:
            return order.index(by) > order.index(before)
    return by != before


def _step(policy: Policy, goal: Goal, step: Step) -> Iterator[Issue]:
    by = (*policy.calendar.kinds, *LEVELS)
    if step.by not in by:
        hint = did_you_mean(step.by, by) or f"It can be {', '.join(by)}."
        yield issue(policy, step, f"a goal cannot be cut by {step.by!r}", hint, "by", code="goal")
        return
    fits = _FOR_PERIODS if step.by in policy.calendar.kinds else _FOR_OWNERS
    for key, method in (("method", step.method), ("fallback", step.fallback)):
        if method is not None and method != "weighted" and method not in fits:
            message = f"the step by {step.by} of goal {goal.id} cannot be shared by {method}"
            hint = f"It can be {', '.join(one for one in fits if one != 'pipeline')} or weighted."
            yield issue(policy, step, message, hint, key, code="goal")
    whole = sum(step.weights.values())
    if step.method in _WEIGHED and whole != 1:
        message = f"the weights of the step by {step.by} add up to {value_text(whole, 'ratio')}, not to 100%"
        yield issue(policy, step, message, "Change them so that they do.", "weights", code="totals")
    roles = policy.header.scope.roles
    for name in step.weights:
        if step.method == "weighted" and name not in fits and (near := did_you_mean(name, fits)):
            message = f"{name!r} is no method by which the step by {step.by} can be shared"
            yield issue(policy, step, message, near, "weights", code="goal")
        if step.method == "capacity" and roles and name not in roles:
            hint = did_you_mean(name, roles) or f"Roles are {', '.join(roles)}."
            yield issue(policy, step, f"role {name!r} is not in the scope of the policy", hint, "weights")
    if step.weights and step.method not in (*_WEIGHED, "capacity"):
        message = f"the weights of the step by {step.by} are not used by the method {step.method}"
        yield issue(policy, step, message, "Use weighted, potential or capacity, or leave them out.", "weights")


def _carried(policy: Policy, goal: Goal, level: str, factor: Fraction) -> Iterator[Issue]:
    shown = f"over-assignment {level} of goal {goal.id}" if level else f"over-assignment of goal {goal.id}"
    steps = [step.by for step in goal.allocate]
    if level and goal.allocate and level not in steps:
        hint = did_you_mean(level, steps) or f"The steps are by {', '.join(steps)}."
        yield issue(policy, goal, f"{shown}: there is no step by {level}", hint, "over_assignment", code="goal")
    if factor < 1:
        message = f"{shown} is below 1: the parts would not carry the whole"
        yield issue(policy, goal, message, "Write 1.05 for 5% more.", "over_assignment", "warning", "goal")
    if factor > 2:
        message = f"{shown} is {value_text(factor, 'ratio')} of the whole"
        hint = f"Write {value_text(factor / 100, 'ratio')} if that is meant."
        yield issue(policy, goal, message, hint, "over_assignment", "warning", "goal")


def goal_bands(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Bands of the reasonableness check are [low, high]; what only fits daily goals stands only there."""
    for goal in policy.goals:
        for key in ("stretch", "attain_probability", "share_at_quota", "equity", "correlation", "capacity"):
            band = getattr(goal.check, key) if goal.check else ()
            if band and (len(band) != 2 or band[0] > band[1]):
                message = f"the band {key} of goal {goal.id} is not [low, high]"
                assert goal.check is not None
                yield issue(policy, goal.check, message, "Write it like [0%, 35%].", key, code="goal")
        if goal.check and goal.check.simulate and goal.check.simulate.runs < 1:
            message = f"the simulation of goal {goal.id} has no runs"
            yield issue(policy, goal.check, message, "Write runs: 10000.", "simulate", code="goal")
        if goal.applies == "working_days" and goal.period != "day":
            message = f"goal {goal.id} is for a {goal.period}; only a daily goal applies to working days"
            yield issue(policy, goal, message, "Leave applies out, or use period: day.", "applies", code="goal")
        if goal.ramp and any(not 0 <= share <= 1 for share in goal.ramp):
            message = f"the ramp of goal {goal.id} leaves 0% to 100%"
            yield issue(policy, goal, message, "A ramp is the share of a full quota.", "ramp", code="goal")

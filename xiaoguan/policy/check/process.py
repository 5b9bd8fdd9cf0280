"""Checks of 销售流程 and the rules of every day: stages, classes, follow-up, pool, discounts, honours, warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from xiaoguan.base.explain import value_text
from xiaoguan.base.issues import Issue
from xiaoguan.base.words import closest, did_you_mean

from ..document import Policy, Stage
from ..document.asked import BELONGING, OF_CUSTOMER
from ..formula import Type, names
from ..metrics import Schema
from .common import APPRAISAL, CUSTOMER, QUOTE, WARNING, Context, compared_with, formula, issue, named, whole


def stages(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A process ends in a won stage; what comes after it says so; chances rise."""
    if policy.process is None:
        return
    before: dict[str, Stage] = {}
    chance = Fraction(0)
    for stage in policy.process.stages:
        if stage.probability is not None and not 0 <= stage.probability <= 1:
            message = f"stage {stage.id} has a probability of {value_text(stage.probability, 'ratio')}"
            yield issue(policy, stage, message, "Write 0% to 100%.", "probability", code="process")
        if stage.after and (stage.after not in before or not before[stage.after].closes):
            message = f"stage {stage.id} comes after {stage.after!r}, which is no closing stage above it"
            hint = did_you_mean(stage.after, [one.id for one in before.values() if one.closes])
            yield issue(policy, stage, message, hint, "after", code="process")
        if stage.probability is not None and not stage.closes and not stage.after:
            if stage.probability < chance:
                message = f"stage {stage.id} has a lower probability than the stage before it"
                yield issue(policy, stage, message, "", "probability", "warning", "process")
            chance = max(chance, stage.probability)
        if twice := [text for text, count in Counter(stage.checklist).items() if count > 1]:
            message = f"stage {stage.id} lists {twice[0]!r} twice"
            yield issue(policy, stage, message, "Leave one out.", "checklist", "warning", "process")
        before[stage.id] = stage
    if not any(stage.closes == "won" for stage in before.values()):
        message = f"process {policy.process.id} has no stage that closes: won"
        yield issue(
            policy, policy.process, message, "Add closes: won to the stage in which a deal is won.", code="process"
        )


def classes(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A classification has what its method needs: a metric and shares, or inputs or points, and classes."""
    for rule in policy.classification:
        if rule.method == "pareto":
            yield from named(policy, rule, "metric", rule.metric, policy.metrics, "metric")
            yield from whole(policy, rule, f"the shares of {rule.id}", rule.shares.values(), "shares")
            continue
        if not rule.inputs and not rule.points:
            message = f"classification {rule.id} has neither inputs nor points to score by"
            yield issue(policy, rule, message, "Add inputs: {need: 40%, ...}.", code="classification")
        if rule.inputs:
            yield from whole(policy, rule, f"the inputs of {rule.id}", rule.inputs.values(), "inputs")
        if rule.inputs and rule.scale and not (len(rule.scale) == 2 and rule.scale[0] < rule.scale[1]):
            message = f"the scale of {rule.id} is not a lower and a higher number"
            yield issue(policy, rule, message, "Write scale: [0, 100].", "scale", code="classification")
        if not rule.classes:
            message = f"classification {rule.id} has no classes"
            yield issue(policy, rule, message, "Add classes: {A: {from: 75}, B: {from: 0}}.", code="classification")
        for (upper, above), (lower, below) in pairwise(rule.classes.items()):
            if below.start >= above.start:
                message = f"class {lower} of {rule.id} begins at {below.start}, not below class {upper}"
                yield issue(policy, below, message, "Put the best class first.", "from", code="tables")


def forecasts(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A forecast names a goal of an amount."""
    rule = policy.forecast
    if rule is None or not rule.goal:
        return
    yield from named(policy, rule, "goal", rule.goal, [goal.id for goal in policy.goals], "goal")
    goal = policy.goal(rule.goal)
    metric = policy.metrics.get(goal.metric) if goal is not None else None
    if metric is not None and metric.type != "amount":
        message = f"goal {rule.goal} is no amount: deals add to an amount"
        yield issue(policy, rule, message, "Name a goal whose metric is an amount.", "goal", code="forecast")


def daily(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Follow-up, pool and training: times that can be counted, conditions that can be asked."""
    for rule in policy.follow_up:
        if rule.every is None and not rule.at:
            message = f"follow-up rule {rule.id} says neither every nor at"
            yield issue(policy, rule, message, "Add every: 30d, or at: [3d, 7d].", code="follow_up")
        if rule.where is not None:
            yield from formula(policy, rule.where, Type.BOOL, CUSTOMER)
    for recycle in policy.pool.recycle if policy.pool else ():
        yield from formula(policy, recycle.when, Type.BOOL, CUSTOMER)
    if policy.pool is not None and policy.pool.exclude is not None:
        yield from formula(policy, policy.pool.exclude, Type.BOOL, CUSTOMER)
    if policy.training and policy.training.onboarding and policy.training.onboarding.mark is not None:
        onboarding = policy.training.onboarding
        if not 0 <= (onboarding.mark or 0) <= 100:
            message = f"the pass mark {onboarding.mark} is not between 0 and 100"
            yield issue(policy, onboarding, message, "Write a mark of 100.", "pass", code="training")


def discounts(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Discount levels rise; the effect on credit is a share of one."""
    rule = policy.discount
    if rule is None:
        return
    for lower, upper in pairwise(rule.levels):
        if upper.up_to <= lower.up_to:
            shown = value_text(upper.up_to, "ratio")
            message = f"the level up to {shown} stands after the one up to {value_text(lower.up_to, 'ratio')}"
            yield issue(policy, upper, message, "Put the levels in rising order.", "up_to", code="tables")
    if rule.effect is not None:
        yield from formula(policy, rule.effect.when, Type.BOOL, QUOTE)
        if not 0 <= rule.effect.credit_factor <= 1:
            message = (
                f"a credit factor of {value_text(rule.effect.credit_factor, 'ratio')} is not a share of the credit"
            )
            yield issue(policy, rule.effect, message, "Write 0% to 100%.", "credit_factor", code="discount")


def honours(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Recognition ranks by a number that is there; warnings ask what can be answered."""
    own = {f"appraisal.{one.id}.score": Type.SCORE for one in policy.appraisal}
    context = Context({**APPRAISAL.names, **own}, forecasts=APPRAISAL.forecasts)
    for rule in policy.recognition:
        yield from formula(policy, rule.rank_by, None, context)
        if rule.require is not None:
            yield from formula(policy, rule.require, Type.BOOL, context)
    for warning in policy.warnings:
        yield from formula(policy, warning.when, Type.BOOL, WARNING)


def spelt(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Rules of every day name fields of a customer, stages, grades and groups as they are written elsewhere."""
    rules = [rule.where for rule in policy.follow_up if rule.where is not None]
    if policy.pool is not None:
        rules += [one.when for one in policy.pool.recycle] + ([policy.pool.exclude] if policy.pool.exclude else [])
    stages = [stage.id for stage in policy.process.stages] if policy.process else []
    for written in (*rules, *(warning.when for warning in policy.warnings)):
        for name in sorted(names(written.tree) - OF_CUSTOMER):
            near = closest(name, OF_CUSTOMER) if name.startswith(BELONGING) else None
            if near:
                message = f"{name!r} is not known of a customer"
                yield issue(policy, written, message, f"Did you mean '{near}'?", level="warning")
        for said in compared_with(written.tree, "stage") if stages else ():
            if said not in stages:
                hint = did_you_mean(said, stages) or f"There are {', '.join(stages)}."
                yield issue(policy, written, f"there is no stage {said!r}", hint)
    grades = {grade: None for one in policy.appraisal for grade in one.grades}
    for rule in policy.recognition:
        if rule.top < 1:
            message = f"recognition {rule.id} honours nobody"
            yield issue(policy, rule, message, "Write top: 1, or more.", "top", code="recognition")
        if rule.among != "company" and closest(rule.among, ("company",)):
            message = f"recognition {rule.id} is among each team, not among {rule.among!r}"
            yield issue(policy, rule, message, "Did you mean 'company'?", "among", code="recognition")
        for said in compared_with(rule.require.tree, "grade") if rule.require else ():
            if said not in grades:
                hint = did_you_mean(said, grades) or f"There are {', '.join(grades) or 'none'}."
                yield issue(policy, rule.require or rule.rank_by, f"there is no grade {said!r}", hint)

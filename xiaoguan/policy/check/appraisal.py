"""Checks of 绩效考核: weights, curves, grades that can be reached, conditions that can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from xiaoguan.base.explain import value_text
from xiaoguan.base.issues import Issue, Level
from xiaoguan.base.words import did_you_mean, plain_number

from ..document import Appraisal, Expression, Indicator, Point, Policy, Score, Section
from ..formula import Type
from ..metrics import Schema
from .common import APPRAISAL, compared_with, formula, issue, named, whole


def indicators(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Indicators name a metric with a curve or raters; their weights add up to 100 %."""
    for one in policy.appraisal:
        if not one.indicators and not one.combine:
            message = f"appraisal {one.id} has neither indicators nor combine"
            yield issue(policy, one, message, "Add indicators.", code="appraisal")
        if one.indicators:
            weights = [indicator.weight for indicator in one.indicators]
            yield from whole(policy, one, f"the weights of appraisal {one.id}", weights, "indicators")
        seen: set[str] = set()
        for indicator in one.indicators:
            yield from _indicator(policy, one, indicator)
            if indicator.key and indicator.key in seen:
                message = f"appraisal {one.id} has two indicators {indicator.key}"
                yield issue(policy, indicator, message, "Give one of them another id.", code="appraisal")
            seen.add(indicator.key)
        for other in one.combine:
            yield from named(policy, one, "appraisal", other, [a.id for a in policy.appraisal], "combine")
            if (shorter := policy.appraisal_of(other)) and not _shorter(shorter.period, one.period):
                message = f"appraisal {one.id} combines {other}, which is not of a shorter period"
                yield issue(policy, one, message, "Combine monthly ones to a quarter's.", "combine", code="appraisal")
        for role in one.role:
            yield from _role(policy, one, role, "role")


def _indicator(policy: Policy, one: Appraisal, indicator: Indicator) -> Iterator[Issue]:
    if bool(indicator.metric) == bool(indicator.raters):
        message = f"an indicator of appraisal {one.id} needs either a metric or raters"
        yield issue(policy, indicator, message, "Add metric: with its score, or raters: with id.", code="appraisal")
        return
    if indicator.raters:
        yield from whole(policy, indicator, f"the raters of {indicator.key}", indicator.raters.values(), "raters")
        if indicator.scale and (len(indicator.scale) != 2 or indicator.scale[0] >= indicator.scale[1]):
            message = f"the scale of {indicator.key} is not [low, high]"
            yield issue(policy, indicator, message, "Write scale: [0, 100].", "scale", code="appraisal")
        if not indicator.id:
            yield issue(policy, indicator, "a rated indicator has no id", "Add id.", "id", code="appraisal")
        return
    yield from named(policy, indicator, "metric", indicator.metric, policy.metrics, "metric")
    if indicator.score is None:
        message = f"indicator {indicator.key} has no score curve"
        yield issue(policy, indicator, message, "Add score: {curve: linear, of: attainment}.", code="appraisal")
        return
    yield from _curve(policy, indicator, indicator.score)


def _point(policy: Policy, indicator: Indicator, score: Score, point: Point) -> Iterator[Issue]:
    """A point of a curve: how much of what, and how many points."""
    metric = policy.metrics.get(indicator.metric)
    if point.y.percent:
        shown = plain_number(point.y.value * 100)
        message = f"a point of the score of {indicator.key} gives {shown}%, and scores are points"
        yield issue(policy, score, message, f"Write {shown} if that is meant.", "points", code="appraisal")
    share = score.of == "attainment" or score.curve == "relative" or (metric is not None and metric.type == "ratio")
    if share and not point.x.percent and abs(point.x.value) > 2:
        shown = plain_number(point.x.value)
        message = (
            f"a point of the score of {indicator.key} is at {shown}, which is {value_text(point.x.value, 'ratio')}"
        )
        yield issue(policy, score, message, f"Write {shown}% if that is meant.", "points", "warning", "appraisal")
    if not share and metric is not None and point.x.percent and point.x.value:
        message = f"a point of the score of {indicator.key} is a percentage, but {metric.id} is {_A[metric.type]}"
        hint = "Write the value itself, or score its attainment (of: attainment)."
        yield issue(policy, score, message, hint, "points", code="appraisal")


_LENGTHS = ("day", "week", "month", "quarter", "half_year", "year")


def _shorter(one: str, other: str) -> bool:
    if one not in _LENGTHS or other not in _LENGTHS:
        return one != other
    return _LENGTHS.index(one) < _LENGTHS.index(other)


_A = {"amount": "an amount", "count": "a count", "score": "a score", "duration": "a number of days"}


def _curve(policy: Policy, indicator: Indicator, score: Score) -> Iterator[Issue]:
    if score.curve != "linear" and not score.points:
        message = f"the curve {score.curve} of {indicator.key} has no points"
        yield issue(policy, score, message, "Add points: {0%: 0, 100%: 100}.", "points", code="appraisal")
    for left, right in pairwise(score.points):
        if right.x.value < left.x.value or (right.x.value == left.x.value and score.curve == "steps"):
            message = f"the points of {indicator.key} do not rise"
            yield issue(policy, score, message, "Put them in rising order.", "points", code="tables")
    for point in score.points:
        yield from _point(policy, indicator, score, point)
    if score.floor is not None and score.cap is not None and score.floor > score.cap:
        message = f"the floor of {indicator.key} is above its cap"
        yield issue(policy, score, message, "Exchange them.", "floor", code="tables")
    metric = policy.metrics.get(indicator.metric)
    if score.curve == "linear" and score.of == "value" and metric is not None and metric.type != "ratio":
        message = f"the linear score of {indicator.key} is 100 times its value, which is {_A[metric.type]}"
        hint = "Score its attainment (of: attainment), or use points: {0: 0, 50: 100}."
        yield issue(policy, score, message, hint, "curve", "warning", "appraisal")
    falls = metric is not None and metric.direction == "down" and score.of == "attainment"
    if falls and score.curve == "linear" and score.cap is None:
        message = f"the score of {indicator.key} has no end where {indicator.metric} is 0"
        yield issue(policy, score, message, "Add cap: 120.", "cap", "warning", "tables")
    if score.curve == "relative" and not score.to:
        message = f"the relative curve of {indicator.key} does not say to whom"
        yield issue(policy, score, message, "Add to: team_median.", "to", code="appraisal")
    goals = [goal.id for goal in policy.goals if goal.metric == indicator.metric]
    if score.goal:
        yield from named(policy, score, "goal", score.goal, [goal.id for goal in policy.goals], "goal")
        if (goal := policy.goal(score.goal)) and goal.metric != indicator.metric:
            message = f"goal {goal.id} of the score of {indicator.key} is on {goal.metric}, not on {indicator.metric}"
            hint = f"Goals on it are {', '.join(goals)}." if goals else f"Add a goal on {indicator.metric}."
            yield issue(policy, score, message, hint, "goal", code="reference")
    elif score.of == "attainment" and not goals:
        message = f"indicator {indicator.key} scores the attainment of {indicator.metric}, which has no goal"
        yield issue(
            policy, score, message, f"Add a goal on {indicator.metric}, or score its value.", "of", code="reference"
        )


def grades(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Grades are bands from 0 up that can all be reached; what names a grade names one that is there."""
    for one in policy.appraisal:
        if one.indicators and not one.grades:
            message = f"appraisal {one.id} has no grades"
            yield issue(policy, one, message, "Add grades: {A: {from: 90}, B: {from: 0}}.", code="appraisal")
        bounds = sorted(one.grades.items(), key=lambda pair: pair[1].start)
        if bounds and bounds[0][1].start > 0:
            message = f"a score below {plain_number(bounds[0][1].start)} has no grade in appraisal {one.id}"
            yield issue(policy, bounds[0][1], message, "Begin the lowest grade at 0.", "from", code="tables")
        for (first, lower), (second, upper) in pairwise(bounds):
            if lower.start == upper.start:
                message = f"grades {first} and {second} of appraisal {one.id} begin at the same score"
                yield issue(policy, upper, message, "Give each grade its own bound.", "from", code="tables")
        best = highest(one)
        for name, grade in one.grades.items():
            if best is not None and grade.start > best:
                message = (
                    f"grade {name} begins at {plain_number(grade.start)}, but the highest score is {plain_number(best)}"
                )
                yield issue(policy, grade, message, "Lower the bound, or raise a cap.", "from", code="tables")
        for name, grade in one.grades.items():
            if grade.factor is not None and not 0 <= grade.factor <= 5:
                shown = value_text(grade.factor, "ratio")
                message = f"grade {name} of appraisal {one.id} has the factor {shown}"
                hint = f"Write {value_text(grade.factor / 100, 'ratio')} if that is meant."
                level: Level = "warning" if grade.factor > 0 else "error"
                hint = hint if grade.factor > 0 else "A factor is 0 or more."
                yield issue(policy, grade, message, hint, "factor", level, "appraisal")
        for gate in one.gates:
            for key in ("deduct", "add"):
                if (points := getattr(gate.effect, key)) is not None and points < 0:
                    message = f"a gate of appraisal {one.id} would {key} {plain_number(points)} points"
                    hint = "Use add for more points, deduct for fewer, each without a sign."
                    yield issue(policy, gate.effect, message, hint, key, code="appraisal")
            yield from formula(policy, gate.when, Type.BOOL, APPRAISAL)
            if gate.effect.max_grade:
                yield from named(policy, gate.effect, "grade", gate.effect.max_grade, one.grades, "max_grade")
            elif gate.effect.deduct is None and gate.effect.add is None:
                message = f"a gate of appraisal {one.id} has no effect"
                yield issue(policy, gate.effect, message, "Add max_grade, deduct or add.", code="appraisal")
        if one.distribution is not None and one.distribution.mode != "off":
            rule = one.distribution
            yield from whole(policy, rule, f"the distribution of {one.id}", rule.shares.values(), "shares")
            for name in rule.shares:
                yield from named(policy, rule, "grade", name, one.grades, "shares")


def highest(one: Appraisal) -> Fraction | None:
    """The highest score an appraisal can give; None where a curve has no cap."""
    total = Fraction(0)
    for indicator in one.indicators:
        best = Fraction(100)
        if score := indicator.score:
            if score.curve == "linear":
                if score.cap is None:
                    return None
                best = score.cap
            elif score.points:
                best = max(point.y.value for point in score.points)
                best = best if score.cap is None else min(best, score.cap)
        total += indicator.weight * best
    extra = [gate.effect.add for gate in one.gates if gate.effect.add is not None]
    return total + sum(extra, Fraction(0)) if one.indicators else None


def followed(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Improvement plans and careers ask what can be answered."""
    for one in policy.appraisal:
        if one.improvement_plan is not None:
            yield from formula(policy, one.improvement_plan.when, Type.BOOL, APPRAISAL)
            yield from _named_grades(policy, one, one.improvement_plan.when)
        for step in one.career:
            yield from formula(policy, step.when, Type.BOOL, APPRAISAL)
            yield from _named_grades(policy, one, step.when)
            yield from _role(policy, step, step.to, "to")


def _named_grades(policy: Policy, one: Appraisal, written: Expression) -> Iterator[Issue]:
    """Grades that a condition compares with are grades of the appraisal."""
    for said in compared_with(written.tree, "grade"):
        if said not in one.grades:
            hint = did_you_mean(said, one.grades) or f"There are {', '.join(one.grades)}."
            yield issue(policy, written, f"there is no grade {said!r}", hint)


def _role(policy: Policy, place: Section, role: str, key: str) -> Iterator[Issue]:
    known = policy.header.scope.roles
    if known and role not in known:
        hint = did_you_mean(role, known) or f"Add {role} to policy.scope.roles."
        yield issue(policy, place, f"role {role!r} is not in the scope of the policy", hint, key)


def circles(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """An appraisal that needs its own result in the same period is a circle."""
    needs: dict[str, set[str]] = {one.id: set(one.combine) for one in policy.appraisal}
    from ..formula import Call, dotted, walk

    for one in policy.appraisal:
        for gate in one.gates:
            for part in walk(gate.when.tree):
                if isinstance(part, Call) and part.name in ("score", "grade_factor") and part.args:
                    needs[one.id].add(dotted(part.args[0]) or "")
    for one in policy.appraisal:
        path = _circle(one.id, needs, [])
        if path and path[0] == one.id == min(path):
            message = f"appraisal {one.id} needs itself: {' → '.join([*path, one.id])}"
            yield issue(policy, one, message, "Read the score of a shorter period that closes before.", code="circle")


def _circle(at: str, needs: dict[str, set[str]], path: list[str]) -> list[str]:
    if at in path:
        return path[path.index(at) :]
    for other in sorted(needs.get(at, ())):
        if found := _circle(other, needs, [*path, at]):
            return found
    return []


__all__ = ["circles", "followed", "grades", "highest", "indicators"]

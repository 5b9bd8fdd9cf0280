"""绩效考核 appraisal: indicator values become scores, scores a composite, the composite a grade.

    revenue     attainment 96 %   linear                        96.0 x 40 %
    csat        0.88              points 80 %: 80, 95 %: 100    90.66.. x 20 %
    composite   sum of weight x score, exact; shown to 0.01, graded by the exact value

A missing indicator gives its weight to the others, counts zero, or holds the result, as declared, and is always shown.
A gate limits the grade; only its points change the score. A gate whose condition is missing does not apply and says so.
A grade may be calibrated with a reason; the score and the first grade stay.
Source: spec/domain.md section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from xiaoguan.base.explain import Line, value_text
from xiaoguan.base.issues import Issue
from xiaoguan.base.money import SCALE, allocate
from xiaoguan.base.periods import Period
from xiaoguan.base.words import plain_number

from .document import Appraisal, Indicator, Policy, Score
from .formula import Duration, Type
from .goals import attainment, months_served
from .inputs import Inputs, members, present
from .tiers import curve, steps
from .training import shortfalls
from .world import Who, World, facts_of


@dataclass(frozen=True, slots=True)
class Rating:
    """评分: what one rater of a group gave in an item, on the item's scale. The rater is not shown."""

    group: str
    score: Fraction


@dataclass(frozen=True)
class Appraised:
    """考核结果: score (exact, None if held), grade, the grade before gates and calibration, what happened on the way.

    lines     one for each indicator, its score as value; missing ones say why. steps: weights used, deductions, gates.
    """

    appraisal: str
    person: str
    period: Period
    score: Fraction | None
    grade: str
    first_grade: str
    factor: Fraction | None
    lines: tuple[Line, ...]
    steps: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    reason: str = ""

    @property
    def shown(self) -> str:
        """The score to 0.01, half up; "" where there is none."""
        if self.score is None:
            return ""
        scaled = self.score * 100
        whole = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
        return plain_number(Fraction(whole if scaled >= 0 else -whole, 100), 2)

    def to_json(self) -> dict[str, Any]:
        """A plain dict; numbers as decimal text."""
        return {
            "appraisal": self.appraisal,
            "person": self.person,
            "period": self.period.label,
            "score": self.shown or None,
            "grade": self.grade,
            "first_grade": self.first_grade,
            "factor": None if self.factor is None else plain_number(self.factor).lstrip("≈"),
            "indicators": [
                {"id": line.name, "score": None if line.missing else plain_number(line.number, 6).lstrip("≈"),
                 "note": line.note, "formula": line.formula}
                for line in self.lines
            ],
            "steps": list(self.steps),
            "reason": self.reason,
        }  # fmt: skip


def appraise(
    policy: Policy,
    appraisal: Appraisal,
    who: Who,
    period: Period,
    world: World,
    ratings: Mapping[str, Sequence[Rating]] | None = None,
) -> Appraised:
    """One person's appraisal for a period. ratings: indicator id to what its raters gave."""
    return _Appraising(policy, appraisal, who, period, world, ratings or {}).result()


def is_for(policy: Policy, appraisal: Appraisal, who: Who, period: Period) -> bool:
    """Whether the appraisal is for the person's role at the end of the period."""
    roles = appraisal.role or policy.header.scope.roles
    last = period.end.fromordinal(period.end.toordinal() - 1)
    role = who.on(last).role if who.spans else who.role
    return not roles or role in roles


class _Appraising(Inputs):
    def __init__(
        self,
        policy: Policy,
        appraisal: Appraisal,
        who: Who,
        period: Period,
        world: World,
        ratings: Mapping[str, Sequence[Rating]],
    ) -> None:
        super().__init__(policy, who, period, world)
        self.appraisal, self.ratings = appraisal, ratings
        self.issues: list[Issue] = []
        self.steps: list[str] = []

    def result(self) -> Appraised:
        if self.appraisal.combine:
            return self.combined()
        lines = [self.indicator(one) for one in self.appraisal.indicators]
        score = self.composite(lines)
        return self.graded(score, lines)

    # Scores

    def indicator(self, one: Indicator) -> Line:
        if one.raters:
            return self.rated(one)
        value = self.metric(one.metric, self.period)
        name = one.name or value.label or one.key
        if one.score is None:
            return Line(one.key, name, None, "score", note="it has no curve", parts=(value,))
        if one.score.of == "attainment":
            value = self.attained(one.metric, one.score)
        if value.missing:
            return Line(one.key, name, None, "score", note=value.note or "no value", parts=(value,))
        return self.curved(one, one.score, name, value)

    def attained(self, metric_id: str, score: Score) -> Line:
        goals = [goal for goal in self.policy.goals if score.goal in ("", goal.id) and goal.metric == metric_id]
        if not goals:
            return Line(metric_id, metric_id, None, "ratio", note=f"{metric_id} has no goal")
        goals.sort(key=lambda goal: goal.period != self.period.kind)  # the one of such a period before any other
        quotas = (self.quota(goal.id, self.who, self.period) for goal in goals)
        quota = next((one for one in quotas if one is not None), None)
        actual, direction = self.metric(metric_id, self.period), self.policy.metrics[metric_id].direction
        line = attainment(actual, quota, direction, best_of(score))
        if quota is not None:
            return line
        return replace(line, note=f"there is no goal {' or '.join(goal.id for goal in goals)} for {self.period.label}")

    def curved(self, one: Indicator, score: Score, name: str, value: Line) -> Line:
        x = value.number / SCALE if value.unit.startswith("money:") else value.number
        if score.curve == "relative":
            related = self.related(one.metric, score, x)
            if related is None:
                return Line(
                    one.key, name, None, "score", note="the median of the peers is not known or 0", parts=(value,)
                )
            x = related
        points = score.points
        if score.curve == "linear":
            found: Fraction | None = 100 * x
        elif score.curve == "steps":
            found = steps(x, points)
        else:
            found = curve(x, points) if points else None
        if found is None:
            found = Fraction(0)
        if score.floor is not None:
            found = max(found, score.floor)
        if score.cap is not None:
            found = min(found, score.cap)
        shown = value_text(x, "ratio") if score.curve == "relative" else value.text
        formula = f"{score.curve} curve at {shown} = {plain_number(found, 4)}"
        return Line(one.key, name, found, "score", formula, parts=(replace(value, adds=False),))

    def related(self, metric_id: str, score: Score, value: Fraction) -> Fraction | None:
        """Value / median of the peers; median / value where lower is better, the last point where nothing is better."""
        median = self.median(metric_id, score)
        if median is None:
            return None
        if self.policy.metrics[metric_id].direction == "down":
            return median / value if value else best_of(score)
        return value / median if median else None

    def median(self, metric_id: str, score: Score) -> Fraction | None:
        """The median of the metric among the peers, the person included; those without a value are left out."""
        facts = facts_of(self.world)
        if facts is None:
            return None
        last = self.period.end.fromordinal(self.period.end.toordinal() - 1)
        team = (self.who.on(last).team or self.who.team) if score.to == "team_median" else ""
        mine = self.who.on(last).role if self.who.spans else self.who.role
        key = ("median", self.policy.sha256, metric_id, score.to, team, mine, self.period.start, self.period.end)
        if key not in facts.cache:  # the same for all of them
            everybody = [one for one in facts.people() if present(one, self.period)]
            people = members(facts, team, self.period) if score.to == "team_median" else everybody
            facts.cache[key] = self.middle(
                metric_id, [one for one in people if (one.on(last).role if one.spans else one.role) == mine]
            )
        return facts.cache[key]  # type: ignore[return-value]

    def middle(self, metric_id: str, people: Sequence[Who]) -> Fraction | None:
        values = []
        for one in people:
            line = Inputs(self.policy, one, self.period, self.world).metric(metric_id, self.period)
            if not line.missing:
                values.append(line.number / SCALE if line.unit.startswith("money:") else line.number)
        values.sort()
        return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2 if values else None

    def rated(self, one: Indicator) -> Line:
        """360: the mean of each group on 0 to 100, mixed by weight; a group too small gives its weight away."""
        low, high = one.low, one.high
        groups: dict[str, list[Fraction]] = {group: [] for group in one.raters}
        for rating in self.ratings.get(one.key, ()):
            if rating.group in groups and low <= rating.score <= high:
                groups[rating.group].append((rating.score - low) * 100 / (high - low))
        least = {group: 1 if group in ("manager", "self") else one.min_raters for group in groups}
        heard = {group: given for group, given in groups.items() if len(given) >= max(least[group], 1)}
        name = one.name or one.key
        if not heard:
            return Line(one.key, name, None, "score", note="too few ratings")
        weight = sum((one.raters[group] for group in heard), Fraction(0))
        total = sum((one.raters[g] * sum(given, Fraction(0)) / len(given) for g, given in heard.items()), Fraction(0))
        value = total / weight
        shown = ", ".join(
            f"{group} {plain_number(sum(given, Fraction(0)) / len(given), 2)}" for group, given in heard.items()
        )
        silent = [group for group in groups if group not in heard]
        note = f"too few ratings of {', '.join(silent)}: their weight goes to the others" if silent else ""
        return Line(one.key, name, value, "score", f"ratings: {shown}", note=note)

    def lacking(self, name: str, labels: Sequence[str]) -> str:
        """What is said where some of the scores that are combined are not there."""
        what = {"redistribute": "the others count", "zero": "it counts 0", "hold": "the score is held"}
        note = f"no locked score of {name} in {', '.join(labels)}; {what[self.appraisal.missing]}"
        text = f"{self.who.name}: {self.appraisal.id}: {note}"
        self.issues.append(Issue("warning", text, "Lock what is missing.", code="appraisal.missing"))
        self.steps.append(note)
        return note

    def composite(self, lines: Sequence[Line]) -> Fraction | None:
        weights = {one.key: one.weight for one in self.appraisal.indicators}
        missing = [line for line in lines if line.missing]
        for line in missing:
            what = {"redistribute": "its weight goes to the others", "zero": "it counts 0", "hold": "the score is held"}
            text = f"{self.who.name}: {line.name} has no score ({line.note}); {what[self.appraisal.missing]}"
            self.issues.append(Issue("warning", text, "Complete what is missing.", code="appraisal.missing"))
            self.steps.append(f"{line.name} is missing: {what[self.appraisal.missing]}")
        if missing and self.appraisal.missing == "hold":
            return None
        known = [line for line in lines if not line.missing]
        whole = sum((weights[line.name] for line in known), Fraction(0))
        if not known or not whole:
            return None
        if self.appraisal.missing == "zero" or not missing:
            whole = Fraction(1)
        total = sum((weights[line.name] * line.number for line in known), Fraction(0)) / whole
        terms = [
            f"{plain_number(line.number, 4)} × {value_text(weights[line.name] / whole, 'ratio')}" for line in known
        ]
        self.steps.append(f"composite {' + '.join(terms)} = {plain_number(total, 4)}")
        return total

    # Grades

    def graded(self, score: Fraction | None, lines: Sequence[Line]) -> Appraised:
        if score is None:
            return self.made(None, "", "", lines)
        caps = []
        for gate in self.appraisal.gates:
            found = self.find(gate.when, Type.BOOL)
            if found.reason:
                self.steps.append(f"gate {gate.when.text} cannot be answered: {found.reason}")
                continue
            if not found.value:
                continue
            effect = gate.effect
            if effect.deduct is not None or effect.add is not None:
                change = (effect.add or 0) - (effect.deduct or 0)
                score += change
                self.steps.append(f"gate {gate.when.text}: {plain_number(change)} points")
            if effect.max_grade:
                caps.append(effect.max_grade)
                self.steps.append(f"gate {gate.when.text}: grade at most {effect.max_grade}")
        for one in shortfalls(self.policy, self.who, self.period, self.world) if self.appraisal.indicators else ():
            score -= one.points
            told = f"trainings in {one.quarter.label}: {one.passed} of {one.wanted}"
            self.steps.append(f"{told}, {plain_number(-one.points)} points")
        first = grade_of(self.appraisal, score)
        grade = first
        for cap in caps:
            if cap in self.appraisal.grades and grade and self.worse(cap, grade):
                grade = cap
        return self.made(score, grade, first, lines)

    def worse(self, one: str, other: str) -> bool:
        return self.appraisal.grades[one].start < self.appraisal.grades[other].start

    def made(self, score: Fraction | None, grade: str, first: str, lines: Sequence[Line]) -> Appraised:
        factor = self.appraisal.grades[grade].factor if grade in self.appraisal.grades else None
        return Appraised(
            self.appraisal.id, self.who.key, self.period, score, grade, first, factor,
            tuple(lines), tuple(self.steps), tuple(self.issues),
        )  # fmt: skip

    def combined(self) -> Appraised:
        """The score of a longer period from the locked scores of shorter ones."""
        facts, lines = facts_of(self.world), []
        for name, how in self.appraisal.combine.items():
            shorter = self.policy.appraisal_of(name)
            if shorter is None or facts is None:
                lines.append(Line(name, name, None, "score", note=f"there is no appraisal {name!r}"))
                continue
            found, lacking = [], []
            for one in self.policy.calendar.ending_in(self.period, shorter.period):
                row = facts.grade(name, self.who, one)
                if (
                    row is not None
                    and row.get("period") == one
                    and isinstance(value := row.get("score"), int | Fraction)
                ):
                    found.append(Fraction(value))
                elif present(self.who, one):
                    lacking.append(one.label)
            note = "" if found else f"no locked score of {name} in {self.period.label}"
            if found and lacking:
                note = self.lacking(name, lacking)
                found += [Fraction(0)] * len(lacking) if self.appraisal.missing == "zero" else []
            held = bool(lacking) and self.appraisal.missing == "hold"
            value = _COMBINED[how](found) if found and not held else None
            lines.append(Line(name, name, value, "score", f"{how} of {len(found)} scores", note=note))
        known = [line.number for line in lines if not line.missing]
        return self.graded(sum(known, Fraction(0)) / len(known) if known else None, lines)


_COMBINED: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "mean": lambda values: sum(values, Fraction(0)) / len(values),
    "last": lambda values: values[-1],
    "min": min,
    "max": max,
}


def grade_of(appraisal: Appraisal, score: Fraction) -> str:
    """The grade whose half-open band holds the exact score; the lowest holds all below it too, "" if there is none."""
    bounds = [(grade.start, name) for name, grade in appraisal.grades.items()]
    reached = [one for one in bounds if one[0] <= score]
    return max(reached)[1] if reached else min(bounds)[1] if bounds else ""


def best_of(score: Score) -> Fraction | None:
    """The value at which a curve gives all it can; None for a line without cap."""
    if score.curve == "linear":
        return None if score.cap is None else score.cap / 100
    return max((point.x.value for point in score.points), default=None)


@dataclass(frozen=True)
class Distributed:
    """等级分布: how many people each grade should have by the declared shares, beside how many have it."""

    mode: str
    wanted: Mapping[str, int]
    found: Mapping[str, int]
    grades: Mapping[str, str] = field(default_factory=dict)


def distribute(appraisal: Appraisal, results: Sequence[Appraised]) -> Distributed:
    """The distribution over a group; with mode forced, and a group large enough, the grades it gives by rank.

    Counts by largest remainder in the order of the grades from the best; equal scores are never separated by it: the
    people of a tie share the better grade. A person whose grade a gate capped keeps the worse one.
    """
    rule = appraisal.distribution
    ordered = sorted(appraisal.grades, key=lambda name: -appraisal.grades[name].start)
    found = {name: sum(one.grade == name for one in results) for name in ordered}
    scored = sorted((one for one in results if one.score is not None), key=lambda one: -(one.score or 0))
    if rule is None or rule.mode == "off" or not scored:
        return Distributed("off", {}, found)
    counts = allocate(len(scored), [rule.shares.get(name, Fraction(0)) for name in ordered])
    wanted = dict(zip(ordered, counts, strict=True))
    small = len(scored) < rule.min_group
    if rule.mode != "forced" or small:
        return Distributed("guide", wanted, found)
    given: dict[str, str] = {}
    ranked = [name for name in ordered for _ in range(wanted[name])]
    by_score: dict[Fraction, str] = {}
    for one, name in zip(scored, ranked, strict=True):
        assert one.score is not None
        name = by_score.setdefault(one.score, name)
        capped = one.grade != one.first_grade and appraisal.grades[one.grade].start < appraisal.grades[name].start
        given[one.person] = one.grade if capped else name
    return Distributed("forced", wanted, found, given)


def enforced(appraisal: Appraisal, results: Sequence[Appraised]) -> list[Appraised]:
    """强制分布: everybody's result with the grade a forced distribution gives; score and first grade stay visible."""
    given, found = distribute(appraisal, results).grades, []
    for one in results:
        grade = given.get(one.person, one.grade)
        if grade != one.grade:
            steps = (*one.steps, f"forced distribution: grade {grade} instead of {one.grade}")
            one = replace(one, grade=grade, factor=appraisal.grades[grade].factor, steps=steps)
        found.append(one)
    return found


def calibrate(appraisal: Appraisal, result: Appraised, grade: str, by: str, reason: str) -> Appraised:
    """校准: another grade with a reason; score and first grade stay visible. ValueError where it is not allowed."""
    rule = appraisal.calibration
    ordered = sorted(appraisal.grades, key=lambda name: appraisal.grades[name].start)
    if rule is None or by not in rule.by:
        raise ValueError(f"{by} may not calibrate {appraisal.id}")
    if grade not in ordered or result.grade not in ordered:
        raise ValueError(f"{grade!r} is not a grade of {appraisal.id}")
    if rule.reason == "required" and not reason.strip():
        raise ValueError("a calibrated grade needs a reason")
    if rule.change == "one_grade" and abs(ordered.index(grade) - ordered.index(result.grade)) > 1:
        raise ValueError(f"from {result.grade} to {grade} is more than one grade")
    return replace(result, grade=grade, factor=appraisal.grades[grade].factor, reason=reason)


def follows(policy: Policy, appraisal: Appraisal, result: Appraised, who: Who, world: World) -> list[str]:
    """What a result leads to: an improvement plan, and the roles the person may be promoted to."""
    tenure = months_served(who.hired_on, result.period.end) if who.hired_on else None
    extra = {
        "grade": Line("grade", "Grade", result.grade or None, "text"),
        "score": Line("score", "Score", result.score, "score"),
        "appraisal": Line("appraisal", "", appraisal.id, "text"),
        "tenure": Line("tenure", "Tenure", None if tenure is None else str(Duration(tenure, "m")), "duration",
                       note="the day of hire is not known"),
    }  # fmt: skip
    inputs = Inputs(policy, who, result.period, world, extra=extra)
    found = []
    plan = appraisal.improvement_plan
    if plan is not None and inputs.find(plan.when, Type.BOOL).value:
        found.append("improvement_plan")
    found += [f"career:{step.to}" for step in appraisal.career if inputs.find(step.when, Type.BOOL).value]
    return found

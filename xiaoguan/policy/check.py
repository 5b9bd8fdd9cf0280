"""校验 check: what would not work in a policy, found before it is in force.

A list of small functions; each looks at one thing and yields issues that say what, where, why and one way to mend it.
Errors stop the adoption of a version, warnings want somebody to acknowledge them. `load` has already dealt with
syntax, keys and values; these are the layers above: references, circles, totals, tables, meaning, calendar and data.
Source: spec/domain.md 8.5.
"""

from __future__ import annotations

import re
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import pairwise

from xiaoguan.base.explain import value_text
from xiaoguan.base.issues import Issue, Level
from xiaoguan.base.money import SCALE, minor_digits
from xiaoguan.base.periods import CalendarGap
from xiaoguan.base.words import did_you_mean

from .document import Component, Expression, Goal, Policy, Section, Stage, Tier, Tiers
from .formula import Call, Expr, FormulaError, Literal, Name, Scope, Type, calls, dotted, resolve, rewrite, unparse
from .load import NOT_YET
from .metrics import FACTS, Plan, PlanError, Schema, plan

Check = Callable[[Policy, Schema], Iterable[Issue]]

LEVELS = ("company", "team", "person", "territory", "region", "product")
"""What a goal can be cut by, beside the periods of the calendar."""


def check(policy: Policy, schema: Schema = FACTS) -> list[Issue]:
    """Every issue of a loaded policy, in the order of its lines. `schema` says which facts there are."""
    found = {issue: None for one in CHECKS for issue in one(policy, schema)}
    return sorted(found, key=lambda issue: (issue.line, issue.path))


def _issue(
    policy: Policy,
    place: Section | Expression,
    message: str,
    hint: str = "",
    key: str = "",
    level: Level = "error",
    code: str = "",
) -> Issue:
    line = place.line_of(key) if isinstance(place, Section) and key else place.line
    path = f"{place.path}.{key}" if key and place.path else place.path or key
    return Issue(level, message, hint, policy.file, line, path, f"policy.{code or 'reference'}")


# 制度头 and ids


def header(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Id, version, currency, time zone and dates of the header."""
    head = policy.header
    for key, pattern, example in (
        ("id", r"[a-z][a-z0-9-]*", "small-company"),
        ("version", r"\d+\.\d+\.\d+", "1.0.0"),
        ("currency", r"[A-Z]{3}", "CNY"),
    ):
        text = getattr(head, key)
        if not re.fullmatch(pattern, text):
            yield _issue(
                policy, head, f"{key} {text!r} is not written as it should be", f"Write it like {example}.", key
            )
    try:
        zoneinfo.ZoneInfo(head.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        yield _issue(
            policy, head, f"there is no time zone {head.timezone!r}", "Write it like Asia/Shanghai.", "timezone"
        )
    effective = head.effective
    if effective.end is not None and effective.end <= effective.start:
        message = f"the policy ends on {effective.end}, not after it begins on {effective.start}"
        yield _issue(policy, effective, message, "`to` is the first day on which it no longer holds.", code="dates")


def rounding(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """The rounding that is written is the rounding that is done."""
    written = policy.header.rounding
    unit = _minor(policy.currency)
    if written.money and written.money != f"{unit} half_up":
        hint = f"Write {unit} half_up: {policy.currency} is rounded to its minor unit, half up."
        yield _issue(policy, written, f"money is not rounded as {written.money!r}", hint, "money", code="rounding")
    if written.quota and not re.fullmatch(r"\d+(\.\d+)? largest_remainder", written.quota):
        message = f"quota rounding {written.quota!r} is not understood"
        yield _issue(policy, written, message, "Write it like 1000 largest_remainder.", "quota", code="rounding")


def _minor(currency: str) -> str:
    digits = minor_digits(currency)
    return "0." + "0" * (digits - 1) + "1" if digits else "1"


def unique_ids(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """An id names one thing: goals, stages, plans, and components across all plans."""
    stages: tuple[Stage, ...] = policy.process.stages if policy.process else ()
    components = [component for _, component in policy.components()]
    groups: tuple[tuple[str, Iterable[Goal | Stage | Component | Section]], ...] = (
        ("goal", policy.goals),
        ("stage", stages),
        ("plan", policy.incentive),
        ("component", components),
    )
    for what, sections in groups:
        seen: dict[str, int] = {}
        for section in sections:
            name = section.id  # type: ignore[union-attr]
            if name in seen:
                message = f"{what} {name!r} is there twice, first in line {seen[name]}"
                yield _issue(policy, section, message, "Give one of them another id.", "id", code="id")
            seen.setdefault(name, section.line)


def roles(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Plans are for roles that the policy is for."""
    known = policy.header.scope.roles
    for one in policy.incentive:
        for role in one.role:
            if known and role not in known:
                hint = did_you_mean(role, known) or f"Add {role} to policy.scope.roles."
                yield _issue(policy, one, f"role {role!r} is not in the scope of the policy", hint, "role")


def periods(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Every period that is named exists in the calendar."""
    kinds = policy.calendar.kinds
    named: list[tuple[Section, str, str]] = [(goal, "period", goal.period) for goal in policy.goals]
    for _, component in policy.components():
        if component.carried_out:
            named.append((component, "period", component.period))
            if component.tiers is not None and component.tiers.accumulate != "period":
                named.append((component.tiers, "accumulate", component.tiers.accumulate))
    if policy.calendar_section.close is not None:
        named.append((policy.calendar_section.close, "period", policy.calendar_section.close.period))
    for section, key, kind in named:
        if kind not in kinds:
            hint = did_you_mean(kind, kinds) or f"There are {', '.join(kinds)}."
            yield _issue(policy, section, f"{kind!r} is not a period of the calendar", hint, key)


# 指标


def metrics(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Every metric can be calculated: its table, fields, units and the metrics it reads."""
    for metric in policy.metrics.values():
        if NOT_YET & calls(metric.value.tree):
            continue
        try:
            planned = plan(policy, metric.id, schema)
        except PlanError as error:
            level: Level = "warning" if error.absent else "error"
            message = f"metric {error.metric.id}: {error.message}"
            yield _issue(policy, error.metric, message, error.hint, error.key, level, "metric")
            continue
        if isinstance(planned, Plan) and planned.aggregate == "sum" and planned.type in (Type.RATIO, Type.SCORE):
            message = f"metric {metric.id} adds up {planned.type.value}s, which has no meaning"
            yield _issue(policy, metric, message, "Divide sums: ratio(a, b), or take mean().", "value", code="metric")
        if _lacks_empty(metric.value.tree) and metric.empty is None:
            message = f"metric {metric.id} does not say what it is when the denominator is 0"
            yield _issue(policy, metric, message, "Write ratio(a, b, empty=missing).", "value", "warning", "metric")


def _lacks_empty(tree: Expr) -> bool:
    return isinstance(tree, Call) and tree.name == "ratio" and tree.get("empty") is None


# 目标


def goal_metrics(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A goal names a metric; only amounts and counts can be cut into parts."""
    for goal in policy.goals:
        metric = policy.metrics.get(goal.metric)
        if metric is None:
            hint = did_you_mean(goal.metric, policy.metrics)
            yield _issue(policy, goal, f"goal {goal.id} names no metric: {goal.metric!r}", hint, "metric")
        elif goal.allocate and metric.type not in ("amount", "count"):
            message = f"goal {goal.id} cuts a {metric.type} into parts, but ratios and scores do not add up"
            yield _issue(policy, goal, message, "Leave allocate out.", "allocate", code="goal")


def goal_targets(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A target has what its method needs, and is a multiple of the rounding unit."""
    for goal in policy.goals:
        how = goal.target
        needs = {"fixed": ("value",), "growth": ("base", "growth")}.get(how.method, ())
        for key in needs:
            if getattr(how, key) is None:
                message = f"the target of goal {goal.id} is {how.method} but has no {key}"
                yield _issue(policy, how, message, f"Add {key}.", code="goal")
        if how.method == "fixed" and how.value is not None and goal.allocate and goal.metric in policy.metrics:
            amount = policy.metrics[goal.metric].type == "amount"
            unit = policy.quota_unit(goal)
            if (how.value * (SCALE if amount else 1)) % unit:
                shown = value_text(unit, policy.unit_of(goal.metric))
                message = f"the target of goal {goal.id} is not a multiple of its rounding unit {shown}"
                yield _issue(policy, how, message, "Round it, or change policy.rounding.quota.", "value", code="goal")


def goal_steps(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Steps cut by something that exists; mixed weights add up to 100 %; shares carried are not below 1."""
    by = (*policy.calendar.kinds, *LEVELS)
    for goal in policy.goals:
        for step in goal.allocate:
            if step.by not in by:
                hint = did_you_mean(step.by, by) or f"It can be {', '.join(by)}."
                yield _issue(policy, step, f"a goal cannot be cut by {step.by!r}", hint, "by", code="goal")
            whole = sum(step.weights.values())
            if step.method in ("weighted", "potential") and whole != 1:
                message = f"the weights of the step by {step.by} add up to {value_text(whole, 'ratio')}, not to 100%"
                yield _issue(policy, step, message, "Change them so that they do.", "weights", code="totals")
        for level, factor in goal.over_assignment.items():
            if factor < 1:
                message = f"over-assignment {level} of goal {goal.id} is below 1: the parts would not carry the whole"
                yield _issue(policy, goal, message, "", "over_assignment", "warning", "goal")
        if goal.proration and goal.proration.minimum and goal.proration.minimum.unit not in ("d", "w", "wd"):
            message = f"the minimum of goal {goal.id} is {goal.proration.minimum}, not a number of days"
            yield _issue(policy, goal.proration, message, "Write 10wd or 14d.", "minimum", code="goal")


# 销售流程


def stages(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A process ends in a won stage; what comes after it says so; chances rise."""
    if policy.process is None:
        return
    before: dict[str, Stage] = {}
    chance = Fraction(0)
    for stage in policy.process.stages:
        if stage.probability is not None and not 0 <= stage.probability <= 1:
            message = f"stage {stage.id} has a probability of {value_text(stage.probability, 'ratio')}"
            yield _issue(policy, stage, message, "Write 0% to 100%.", "probability", code="process")
        if stage.after and (stage.after not in before or not before[stage.after].closes):
            message = f"stage {stage.id} comes after {stage.after!r}, which is no closing stage above it"
            hint = did_you_mean(stage.after, [one.id for one in before.values() if one.closes])
            yield _issue(policy, stage, message, hint, "after", code="process")
        if stage.probability is not None and not stage.closes and not stage.after:
            if stage.probability < chance:
                message = f"stage {stage.id} has a lower probability than the stage before it"
                yield _issue(policy, stage, message, "", "probability", "warning", "process")
            chance = max(chance, stage.probability)
        if twice := [text for text, count in Counter(stage.checklist).items() if count > 1]:
            message = f"stage {stage.id} lists {twice[0]!r} twice"
            yield _issue(policy, stage, message, "Leave one out.", "checklist", "warning", "process")
        before[stage.id] = stage
    if not any(stage.closes == "won" for stage in before.values()):
        message = f"process {policy.process.id} has no stage that closes: won"
        yield _issue(
            policy, policy.process, message, "Add closes: won to the stage in which a deal is won.", code="process"
        )


# 激励


def _carried_out(policy: Policy) -> list[Component]:
    return [component for _, component in policy.components() if component.carried_out]


def components(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A commission has a basis in money and one way to pay it; a bonus has an amount."""
    for component in _carried_out(policy):
        extra = ("basis", "rate", "tiers") if component.kind == "bonus" else ("amount",)
        for key in extra:
            if getattr(component, key):
                message = f"component {component.id} is a {component.kind}; {key} has no meaning there"
                yield _issue(policy, component, message, f"Leave {key} out.", key, code="incentive")
        if component.kind == "bonus":
            if component.amount is None:
                yield _issue(policy, component, f"bonus {component.id} has no amount", "Add amount.", code="incentive")
            continue
        metric = policy.metrics.get(component.basis)
        if metric is None:
            what = f"names no metric: {component.basis!r}" if component.basis else "has no basis"
            hint = did_you_mean(component.basis, policy.metrics) or "Add basis with the metric it is paid on."
            yield _issue(policy, component, f"commission {component.id} {what}", hint, "basis")
        elif metric.type != "amount":
            message = f"commission {component.id} is paid on {metric.id}, which is a {metric.type} and not an amount"
            yield _issue(policy, component, message, "Take a metric of type amount.", "basis", code="incentive")
        if (component.rate is None) == (component.tiers is None):
            message = f"commission {component.id} needs either rate or tiers"
            yield _issue(policy, component, message, "Write rate: 3%, or tiers.", code="incentive")


def tiers(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Rate tables: bounds of one kind, rising from 0, with rates; slabs jump, and the jump is said in money."""
    for component in _carried_out(policy):
        table = component.tiers
        if table is None:
            continue
        if not table.rates:
            yield _issue(policy, table, "the table has no tiers", "Add {from: 0%, rate: 3%}.", "rates", code="tiers")
            continue
        yield from _bounds(policy, table)
        goal = policy.goal(table.of)
        yield from _rates(policy, table, own=goal is not None and goal.metric == component.basis)


def _bounds(policy: Policy, table: Tiers) -> Iterator[Issue]:
    percent = table.by == "attainment"
    for tier in table.rates:
        if tier.start.value and tier.start.percent != percent:
            example = "100%" if percent else "100_000"
            message = f"tiers by {table.by} are bounded by {'percentages' if percent else 'amounts'}"
            yield _issue(policy, tier, message, f"Write it like {example}.", "from", code="tiers")
    if table.rates[0].start.value != 0:
        message = f"what is below {_bound(table, table.rates[0])} has no rate"
        yield _issue(policy, table.rates[0], message, "Begin with from: 0 and rate: 0%.", "from", code="tiers")
    for lower, upper in pairwise(table.rates):
        if upper.start.value <= lower.start.value:
            message = f"the tier from {_bound(table, upper)} stands after the one from {_bound(table, lower)}"
            yield _issue(policy, upper, message, "Put the tiers in rising order.", "from", code="tiers")


def _rates(policy: Policy, table: Tiers, own: bool) -> Iterator[Issue]:
    for tier in table.rates:
        if tier.rate is None:
            message = f"the tier from {_bound(table, tier)} has no rate"
            yield _issue(policy, tier, message, "Add rate: 3%.", code="tiers")
    for lower, upper in pairwise(table.rates):
        if table.mode == "slab" and lower.rate is not None and upper.rate is not None and upper.rate != lower.rate:
            rates = f"{value_text(lower.rate, 'ratio')} to {value_text(upper.rate, 'ratio')}"
            message = f"at {_bound(table, upper)} the rate on everything goes from {rates}"
            if table.by == "amount" or own:
                jump = abs(upper.start.value * (upper.rate - lower.rate))
                size = _money(jump) if table.by == "amount" else value_text(jump, "ratio") + " of the quota"
                message += f": the pay jumps by {size}"
            hint = "That is how slab works; marginal has no jumps."
            yield _issue(policy, upper, message, hint, "rate", "warning", "tiers")


def _bound(table: Tiers, tier: Tier) -> str:
    return value_text(tier.start.value, "ratio") if table.by == "attainment" else _money(tier.start.value)


def _money(value: Fraction) -> str:
    return value_text(value * SCALE, "money:")


def tier_quotas(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Tiers by attainment name a goal; marginal ones a goal on the metric they pay."""
    for component in _carried_out(policy):
        table = component.tiers
        if table is None or table.by != "attainment":
            continue
        goal = policy.goal(table.of)
        if goal is None:
            known = [one.id for one in policy.goals]
            what = f"there is no goal {table.of!r}" if table.of else "tiers by attainment need the goal"
            hint = did_you_mean(table.of, known) or f"Write of: with one of {', '.join(known) or 'the goals'}."
            yield _issue(policy, table, what, hint, "of")
        elif table.mode == "marginal" and goal.metric != component.basis:
            message = (
                f"commission {component.id} pays on {component.basis} but its tiers are cut by the attainment of "
                f"{goal.metric}: the part inside a tier is not defined"
            )
            yield _issue(policy, table, message, "Use mode: slab, or a goal on the same metric.", "mode", code="tiers")


def formulas(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Formulas of components have the right unit and read what exists."""
    for component in _carried_out(policy):
        for written, expected in (
            (component.rate, Type.RATIO),
            (component.amount, Type.MONEY),
            (component.when, Type.BOOL),
        ):
            if written is not None:
                yield from _formula(policy, component, written, expected)


def _formula(policy: Policy, component: Component, written: Expression, expected: Type) -> Iterator[Issue]:
    if waiting := NOT_YET & calls(written.tree):
        message = f"{sorted(waiting)[0]}() is not carried out yet in component {component.id}"
        yield _issue(policy, written, message, "", level="warning", code="later")
        return
    types: dict[str, Type] = {name: metric.kind for name, metric in policy.metrics.items()}
    problems: list[tuple[str, str]] = []

    def change(part: Expr) -> Expr | None:
        if not isinstance(part, Call) or part.name != "attainment":
            return None
        problems.extend(_attainment_problems(policy, part))
        types[unparse(part)] = Type.RATIO
        return Name(unparse(part), part.at)

    tree = rewrite(written.tree, change)
    try:
        resolve(tree, Scope(types, open=("person.",)), expected)
    except FormulaError as error:
        problems.append((f"at column {error.at + 1}: {error.message}", error.hint))
    if expected is Type.RATIO and isinstance(tree, Literal) and tree.type is Type.NUMBER:
        value = tree.value
        if isinstance(value, int | Fraction) and not -1 <= value <= 1:
            problems.append(
                (f"a rate of {written.text} would pay {written.text} times the basis", f"Write {written.text}%.")
            )
    for message, hint in problems:
        yield _issue(policy, written, f'in "{written.text}" {message}', hint, code="formula")


def _attainment_problems(policy: Policy, call: Call) -> Iterator[tuple[str, str]]:
    known = [goal.id for goal in policy.goals]
    name = dotted(call.args[0]) if len(call.args) == 1 else None
    if name is None or name not in known:
        yield f"{unparse(call)} names no goal", did_you_mean(name or "", known) or f"Goals are {', '.join(known)}."
    for key, value in call.named:
        if key != "over":
            yield f"attainment() has no argument {key!r} that is carried out", ""
        elif dotted(value) not in policy.calendar.kinds:
            yield f"{unparse(value)} is not a period of the calendar", f"There are {', '.join(policy.calendar.kinds)}."


def transition(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A policy that begins inside a period or an accumulation window leaves that one out."""
    start = policy.header.effective.start
    for component in _carried_out(policy):
        window = component.tiers.accumulate if component.tiers else "period"
        kind = component.period if window == "period" else window
        try:
            found = policy.calendar.period(kind, start)
        except ValueError:
            continue
        if found.start != start:
            message = f"the policy begins inside the {kind} {found.label}; {component.id} is not calculated for it"
            hint = f"Begin it on {found.start} or {found.end}, or keep the earlier version for this {kind}."
            yield _issue(policy, policy.header.effective, message, hint, "from", "warning", "dates")


# 期间日历


def holidays(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """The holiday table has the years in which the policy begins and ends."""
    effective = policy.header.effective
    for day in (effective.start, effective.end):
        try:
            if day is not None:
                policy.calendar.is_working_day(day)
        except CalendarGap as gap:
            yield _issue(policy, policy.calendar_section.working_days, str(gap), "", "holidays", "warning", "calendar")


CHECKS: tuple[Check, ...] = (
    header,
    rounding,
    unique_ids,
    roles,
    periods,
    metrics,
    goal_metrics,
    goal_targets,
    goal_steps,
    stages,
    components,
    tiers,
    tier_quotas,
    formulas,
    transition,
    holidays,
)

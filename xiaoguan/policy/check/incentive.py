"""Checks of 激励方案: components that can be calculated, whole tables, shares that add up, limits that make sense."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, pairwise

from xiaoguan.base.explain import value_text
from xiaoguan.base.issues import Issue, Level
from xiaoguan.base.words import did_you_mean

from ..document import Bound, Component, Goal, IncentivePlan, Policy, Section, Tier, Tiers
from ..formula import FormulaError, Scope, Type, resolve
from ..load import read_number
from ..metrics import Schema
from ..release import DEFAULT_KIND
from ..settle import PAID, settles
from .common import formula, issue, money, named, whole

_KEYS = {
    "commission": ("basis", "rate", "tiers", "weight"),
    "bonus": ("amount", "target", "tiers", "weight", "proration"),
    "matrix": ("target", "weight", "proration", "rows", "columns", "percent"),
    "spiff": ("table", "date", "where", "pay_each", "each"),
    "pool": ("fund", "divide", "basis"),
    "override_rate": ("of", "rates", "role"),
}
_OWN = {key for keys in _KEYS.values() for key in keys} - {"role", "table", "date", "each"}
_DIVIDE = ("even", "appraisal_score", "credit", "presence")


def components(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Every kind has the keys it needs and none that have no meaning there."""
    for plan, component in policy.components():
        for key in sorted(_OWN - set(_KEYS[component.kind])):
            if getattr(component, key):
                message = f"component {component.id} is a {component.kind}; {key} has no meaning there"
                yield issue(policy, component, message, f"Leave {key} out.", key, code="incentive")
        yield from _NEEDS[component.kind](policy, plan, component, schema)
        if component.valid and component.valid.end and component.valid.end <= component.valid.start:
            message = f"component {component.id} ends before it begins"
            yield issue(
                policy,
                component.valid,
                message,
                "`to` is the first day on which it no longer holds.",
                "to",
                code="dates",
            )
        for gate in component.gates:
            effect = gate.effect
            if not effect.block and effect.max is None and effect.cap is None and effect.factor is None:
                message = f"a gate of {component.id} changes nothing when it holds"
                yield issue(policy, gate, message, "Write effect: {block: true}.", "effect", code="incentive")
            yield from _share(policy, effect, "factor", effect.factor, f"a gate of {component.id}", most=None)
        yield from _share(policy, component, "weight", component.weight, component.id)
        for key, share in component.divide.items():
            yield from _share(policy, component, "divide", share, f"{key} of {component.id}")
        for gate in component.gates if component.kind not in ("bonus", "matrix") else ():
            if gate.effect.max is not None:
                message = f"a gate limits {component.id} to a share of its target, but a {component.kind} has none"
                yield issue(policy, gate.effect, message, "Write cap: 5000, or factor: 50%.", "max", code="incentive")
        yield from _spans(policy, plan, component)
        if component.cap is not None and component.cap.amount < 0:
            yield issue(
                policy,
                component.cap,
                f"the cap of {component.id} is below 0",
                "Write the most it pays.",
                code="incentive",
            )


def _share(
    policy: Policy, place: Section, key: str, share: Fraction | None, what: str, most: int | None = 1
) -> Iterator[Issue]:
    """An issue for a share below 0, or above the whole where it is a part of one."""
    if share is not None and (share < 0 or (most is not None and share > most)):
        message = f"{what} has a share of {value_text(share, 'ratio')}"
        hint = "Write 0% to 100%." if most is not None else "Write 0% or more."
        yield issue(policy, place, message, hint, key, code="incentive")


_LENGTHS = ("day", "week", "month", "quarter", "half_year", "year")


def _spans(policy: Policy, plan: IncentivePlan, component: Component) -> Iterator[Issue]:
    """A cap and a table run over the component's period or a longer one; its roles are among the plan's."""
    cap, tiers, own = component.cap, component.tiers, component.period
    spans = [(cap, "per", cap.per if cap else ""), (tiers, "accumulate", tiers.accumulate if tiers else "")]
    for place, key, span in spans:
        if place is not None and {span, own} <= {*_LENGTHS} and _LENGTHS.index(span) < _LENGTHS.index(own):
            message = f"{component.id} earns by the {own}, which does not lie in one {span}"
            yield issue(policy, place, message, f"Write {own}, or make its period {span}.", key, code="incentive")
    roles = plan.role or policy.header.scope.roles
    for role in component.role if roles and component.kind != "override_rate" else ():
        if role not in roles:
            message = f"{component.id} is for the role {role!r}, which plan {plan.id} is not for"
            hint = did_you_mean(role, roles) or f"The plan is for {', '.join(roles)}."
            yield issue(policy, component, message, hint, "role")


def _commission(policy: Policy, plan: IncentivePlan, component: Component, schema: Schema) -> Iterator[Issue]:
    metric = policy.metrics.get(component.basis)
    if metric is None:
        what = f"names no metric: {component.basis!r}" if component.basis else "has no basis"
        hint = did_you_mean(component.basis, policy.metrics) or "Add basis with the metric it is paid on."
        yield issue(policy, component, f"commission {component.id} {what}", hint, "basis")
    elif metric.type != "amount":
        message = f"commission {component.id} is paid on {metric.id}, which is a {metric.type} and not an amount"
        yield issue(policy, component, message, "Take a metric of type amount.", "basis", code="incentive")
    if (component.rate is None) == (component.tiers is None):
        message = f"commission {component.id} needs either rate or tiers"
        yield issue(policy, component, message, "Write rate: 3%, or tiers.", code="incentive")


def _bonus(policy: Policy, plan: IncentivePlan, component: Component, schema: Schema) -> Iterator[Issue]:
    pays_sums = component.tiers is not None and component.tiers.mode == "amount"
    if component.amount is None and component.target is None and plan.target_incentive is None and not pays_sums:
        message = f"bonus {component.id} has no amount"
        yield issue(policy, component, message, "Add amount, or target.", code="incentive")
    if component.amount is not None and (component.target is not None or component.tiers is not None):
        message = f"bonus {component.id} has both an amount and a target"
        yield issue(
            policy, component, message, "A curve pays a share of target; leave amount out.", "amount", code="incentive"
        )


def _matrix(policy: Policy, plan: IncentivePlan, component: Component, schema: Schema) -> Iterator[Issue]:
    if component.target is None and plan.target_incentive is None:
        message = f"matrix {component.id} has no target"
        yield issue(policy, component, message, "Add target, or target_incentive to the plan.", code="incentive")
    for key in ("rows", "columns"):
        axis = getattr(component, key)
        if axis is None:
            yield issue(policy, component, f"matrix {component.id} has no {key}", f"Add {key}.", code="incentive")
            continue
        yield from named(policy, axis, "metric", axis.metric, policy.metrics, "metric")
        if axis.goal:
            yield from named(policy, axis, "goal", axis.goal, [goal.id for goal in policy.goals], "goal")
        elif axis.of == "attainment" and not any(goal.metric == axis.metric for goal in policy.goals):
            message = f"the {key} of {component.id} are cut by the attainment of {axis.metric}, which has no goal"
            yield issue(policy, axis, message, f"Add a goal on {axis.metric}.", "of")
        metric = policy.metrics.get(axis.metric)
        ratio = axis.of == "attainment" or (metric is not None and metric.type == "ratio")
        for bound in axis.bounds:
            if _misfit(bound, ratio):
                message = f"the {key} of {component.id} are cut by {'percentages' if ratio else 'numbers'}"
                hint = f"Write it like {'80%' if ratio else '100'}."
                yield issue(policy, axis, message, hint, "from", code="tables")
        for lower, upper in pairwise(axis.bounds):
            if upper.value <= lower.value:
                message = f"the bounds of the {key} of {component.id} do not rise"
                yield issue(policy, axis, message, "Put them in rising order.", "from", code="tables")
    if component.rows is not None and component.columns is not None:
        wide = [len(row) for row in component.percent]
        if len(wide) != len(component.rows.bounds) or any(one != len(component.columns.bounds) for one in wide):
            size = f"{len(component.rows.bounds)} rows of {len(component.columns.bounds)}"
            message = f"the cells of matrix {component.id} are not {size}"
            yield issue(policy, component, message, "Give every row and column its cell.", "percent", code="tables")


def _spiff(policy: Policy, plan: IncentivePlan, component: Component, schema: Schema) -> Iterator[Issue]:
    if component.pay_each is None:
        yield issue(policy, component, f"spiff {component.id} has no pay_each", "Add pay_each: 200.", code="incentive")
    table, day = plan.source_of(component), plan.day_of(component)
    known = schema.facts.get(table)
    if known is None:
        hint = did_you_mean(table, schema.facts) or f"There are {', '.join(sorted(schema.facts))}."
        level: Level = "error" if component.table and did_you_mean(table, schema.facts) else "warning"
        yield issue(policy, component, f"spiff {component.id}: there is no fact table {table!r}", hint, "from", level)
        return
    if day not in known.dates:
        hint = did_you_mean(day, known.dates) or f"Dates of {table} are {', '.join(known.dates)}."
        message = f"spiff {component.id}: {day!r} is not a date of {table}"
        yield issue(policy, component, message, hint, "date" if component.date else "from")
    if component.where is not None:
        try:
            resolve(component.where.tree, Scope({"id": Type.TEXT, **known.fields}), Type.BOOL)
        except FormulaError as error:
            message = f'in "{component.where.text}" at column {error.at + 1}: {error.message}'
            yield issue(policy, component.where, message, error.hint, code="formula")


def _pool(policy: Policy, plan: IncentivePlan, component: Component, schema: Schema) -> Iterator[Issue]:
    if component.fund is None:
        yield issue(
            policy,
            component,
            f"pool {component.id} has no fund",
            'Add fund: "1% * total(sales, of=team)".',
            code="incentive",
        )
    if component.divide:
        yield from whole(
            policy, component, f"the keys by which {component.id} is divided", component.divide.values(), "divide"
        )
    for key in component.divide:
        yield from named(policy, component, "key to divide by", key, (*_DIVIDE, *policy.metrics), "divide")
    if component.basis:
        yield from named(policy, component, "metric", component.basis, policy.metrics, "basis")
    elif "credit" in component.divide:
        message = f"pool {component.id} is divided by credit but does not say of which metric"
        yield issue(policy, component, message, "Add basis with the metric.", "divide", code="incentive")


def _override(policy: Policy, plan: IncentivePlan, component: Component, schema: Schema) -> Iterator[Issue]:
    tables = {one.id: one for _, one in policy.components() if one.tiers is not None and one.kind != "override_rate"}
    yield from named(policy, component, "rate table", component.of, tables, "of")
    if component.of in tables and (tiers := tables[component.of].tiers) is not None:
        yield from _bounds(policy, tiers, component.rates, component)
    if not component.rates:
        yield issue(policy, component, f"{component.id} has no rates", "Add rates.", "rates", code="tiers")


_NEEDS = {
    "commission": _commission,
    "bonus": _bonus,
    "matrix": _matrix,
    "spiff": _spiff,
    "pool": _pool,
    "override_rate": _override,
}


def overrides(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Two exceptions to one table that may hold at once must be ranked by the policy's owner."""
    found = [one for _, one in policy.components() if one.kind == "override_rate"]
    for first, second in combinations(found, 2):
        apart = first.role and second.role and not set(first.role) & set(second.role)
        if (
            first.of == second.of
            and not apart
            and first.when is None
            and second.when is None
            and not _never(first, second)
        ):
            message = f"{first.id} (line {first.line}) and {second.id} both replace the rates of {first.of}"
            yield issue(policy, second, message, "Give them different roles, dates or conditions.", code="tables")


def _never(first: Component, second: Component) -> bool:
    """Whether two components are never valid on the same day."""
    a, b = first.valid, second.valid
    return bool(a and b and ((a.end and a.end <= b.start) or (b.end and b.end <= a.start)))


# 费率表


def tiers(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Rate tables: bounds of one kind, rising from 0, with what their mode pays; slabs say their jumps in money."""
    for _, component in policy.components():
        table = component.tiers
        if table is None:
            continue
        yield from _by_sale(policy, component, table, schema)
        if table.mode == "interpolated":
            yield from _points(policy, table)
            continue
        if component.kind == "bonus" and table.mode == "per_transaction":
            message = f"bonus {component.id} has no records to look up one by one"
            yield issue(policy, table, message, "Use mode: slab, or make it a commission.", "mode", code="tiers")
        if not table.rates:
            yield issue(policy, table, "the table has no tiers", "Add {from: 0%, rate: 3%}.", "rates", code="tiers")
            continue
        if component.kind == "bonus" and table.accumulate != "period" and table.accumulate != component.period:
            message = f"bonus {component.id} cannot accumulate over the {table.accumulate}"
            yield issue(policy, table, message, f"Make its period {table.accumulate}.", "accumulate", code="tiers")
        yield from _bounds(policy, table, table.rates, table)
        goal = policy.goal(table.of)
        yield from _rates(policy, component, table, own=goal is not None and goal.metric == component.basis)


def _points(policy: Policy, table: Tiers) -> Iterator[Issue]:
    if len(table.points) < 2:
        message = "an interpolated table needs at least two points"
        yield issue(policy, table, message, "Write points: {0%: 0%, 100%: 100%}.", "points", code="tiers")
    for left, right in pairwise(table.points):
        if right.x.value < left.x.value:
            yield issue(policy, table, "the points do not rise", "Put them in rising order.", "points", code="tables")
    ratio = _by_ratio(policy, table)
    for point in table.points:
        if _misfit(point.x, ratio):
            what = "percentages" if ratio else "amounts" if table.by == "amount" else "counts"
            message = f"the points of a curve by {table.by} are {what}"
            yield issue(policy, table, message, f"Write it like {'80%' if ratio else '100'}.", "points", code="tiers")
        if point.y.value and not point.y.percent and abs(point.y.value) > 1:
            message = f"the point at {value_text(point.x.value, 'ratio')} pays {point.y.value} times"
            yield issue(policy, table, message, f"Write {point.y.value}%.", "points", code="tiers")


def _bounds(policy: Policy, table: Tiers, rates: tuple[Tier, ...], place: Tiers | Component) -> Iterator[Issue]:
    ratio = _by_ratio(policy, table)
    for tier in rates:
        if _misfit(tier.start, ratio):
            what = {"attainment": "percentages", "amount": "amounts", "count": "counts"}[table.by]
            example = {"attainment": "100%", "amount": "100_000", "count": "10"}[table.by]
            message = f"tiers by {table.by} are bounded by {'percentages' if ratio else what}"
            yield issue(policy, tier, message, f"Write it like {'100%' if ratio else example}.", "from", code="tiers")
    if rates and rates[0].start.value != 0:
        message = f"what is below {_bound(table, rates[0])} has no rate"
        yield issue(policy, rates[0], message, "Begin with from: 0 and rate: 0%.", "from", code="tiers")
    for lower, upper in pairwise(rates):
        if upper.start.value <= lower.start.value:
            message = f"the tier from {_bound(table, upper)} stands after the one from {_bound(table, lower)}"
            yield issue(policy, upper, message, "Put the tiers in rising order.", "from", code="tiers")


def _by_ratio(policy: Policy, table: Tiers) -> bool:
    """Whether a table is looked up by a ratio: an attainment, or a metric that is one."""
    looked_up = policy.metrics.get(table.of) if table.by == "count" else None
    return table.by == "attainment" or (looked_up is not None and looked_up.type == "ratio")


def _misfit(bound: Bound, ratio: bool) -> bool:
    """Whether a bound is a percentage where it should be none, or a bare number that may mean one: 80, not 0.8."""
    return abs(bound.value) > 3 and not bound.percent if ratio else bool(bound.value) and bound.percent


def _rates(policy: Policy, component: Component, table: Tiers, own: bool) -> Iterator[Issue]:
    wanted = "amount" if table.mode == "amount" else "rate"
    for tier in table.rates:
        given = [key for key in ("rate", "factor", "amount") if getattr(tier, key) is not None]
        if len(given) > 1:
            message = f"the tier from {_bound(table, tier)} has both {given[0]} and {given[1]}"
            yield issue(policy, tier, message, "Keep one of them.", given[1], code="tiers")
        elif not given or (given == ["amount"]) != (table.mode == "amount"):
            message = f"the tier from {_bound(table, tier)} has no {wanted}"
            example = "amount: 500" if wanted == "amount" else "rate: 3%"
            yield issue(policy, tier, message, f"Add {example}.", code="tiers")
    for lower, upper in pairwise(table.rates):
        if table.mode == "slab" and lower.rate is not None and upper.rate is not None and upper.rate != lower.rate:
            rates = f"{value_text(lower.rate, 'ratio')} to {value_text(upper.rate, 'ratio')}"
            message = f"at {_bound(table, upper)} the rate on everything goes from {rates}"
            jump = abs(upper.rate - lower.rate)
            if component.kind == "bonus":
                message += f": the pay jumps by {value_text(jump, 'ratio')} of the target"
            elif table.by == "amount" and table.of in ("", component.basis):
                message += f": the pay jumps by {money(jump * upper.start.value)}"
            elif own:
                message += f": the pay jumps by {value_text(jump * upper.start.value, 'ratio')} of the quota"
            hint = "That is how slab works; marginal has no jumps."
            yield issue(policy, upper, message, hint, "rate", "warning", "tiers")


def _bound(table: Tiers, tier: Tier) -> str:
    if table.by == "attainment":
        return value_text(tier.start.value, "ratio")
    return money(tier.start.value) if table.by == "amount" else value_text(tier.start.value, "count")


def tier_quotas(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Tiers by attainment name a goal, marginal ones a goal on the metric they pay; by count, a metric that counts."""
    for _, component in policy.components():
        table = component.tiers
        if table is None:
            continue
        if table.by != "attainment":
            if table.of:
                yield from named(policy, table, "metric", table.of, policy.metrics, "of")
            yield from _looked_up(policy, component, table)
            yield from _by_another(policy, component, table)
            continue
        goal = policy.goal(table.of)
        if goal is None:
            known = [one.id for one in policy.goals]
            what = f"there is no goal {table.of!r}" if table.of else "tiers by attainment need the goal"
            hint = did_you_mean(table.of, known) or f"Write of: with one of {', '.join(known) or 'the goals'}."
            yield issue(policy, table, what, hint, "of")
        elif table.mode == "marginal" and component.kind == "commission" and goal.metric != component.basis:
            message = (
                f"commission {component.id} pays on {component.basis} but its tiers are cut by the attainment of "
                f"{goal.metric}: the part inside a tier is not defined"
            )
            yield issue(policy, table, message, "Use mode: slab, or a goal on the same metric.", "mode", code="tiers")
        elif component.kind == "commission" and table.mode in ("marginal", "per_transaction") and _falls(policy, goal):
            message = f"the tiers of {component.id} cut {goal.metric} into parts, but the lower it is the better"
            yield issue(policy, table, message, "Use mode: slab, or interpolated.", "mode", code="tiers")


def _by_sale(policy: Policy, component: Component, table: Tiers, schema: Schema) -> Iterator[Issue]:
    """What counts in the period of its sale is a commission on records that name their order."""
    if table.counts_in == "event":
        return
    metric = policy.metrics.get(component.basis)
    known = schema.facts.get(metric.table) if metric else None
    goal = policy.goal(table.of)
    why = ""
    if component.kind != "commission" or table.mode == "per_transaction" or table.by == "count":
        why = "only a commission on a sum by amount or attainment counts in the period of its sale"
    elif goal is not None and _falls(policy, goal):
        why = f"the lower {goal.metric} is the better: it cannot be counted in the period of its sale"
    elif metric is not None and known is not None and not {"order", "invoice"} & set(known.fields):
        why = f"{metric.table} name no order, so the period of their sale is not known"
    if why:
        yield issue(policy, table, why, "Leave counts_in out.", "counts_in", code="tiers")


def _looked_up(policy: Policy, component: Component, table: Tiers) -> Iterator[Issue]:
    """A bonus says by which metric it is looked up; bounds are money or numbers as the metric is."""
    metric = policy.metrics.get(table.of or component.basis)
    if component.kind == "bonus" and not table.of:
        message = f"bonus {component.id} looks up a tier by {table.by} but does not say of which metric"
        yield issue(policy, table, message, "Add of: with the metric.", "of", code="tiers")
    elif metric is not None and table.of and (metric.type == "amount") != (table.by == "amount"):
        article = "an" if metric.type == "amount" else "a"
        message = f"tiers by {table.by} are looked up by {table.of}, which is {article} {metric.type}"
        hint = f"Write by: {'amount' if metric.type == 'amount' else 'count'}, or name another metric."
        yield issue(policy, table, message, hint, "by", code="tiers")


def _by_another(policy: Policy, component: Component, table: Tiers) -> Iterator[Issue]:
    """Money is cut by money, a record looked up by its own amount; any other number only looks up a tier of all."""
    other = table.by == "count" or table.of not in ("", component.basis)
    if component.kind == "commission" and table.mode in ("marginal", "per_transaction") and other:
        what = table.of or "the number of records"
        message = f"commission {component.id} pays on {component.basis} but its tiers are cut by {what}"
        hint = "Use mode: slab, interpolated or amount, or leave of out and cut by: amount."
        yield issue(policy, table, message, hint, "by", code="tiers")


def _falls(policy: Policy, goal: Goal) -> bool:
    return goal.metric in policy.metrics and policy.metrics[goal.metric].direction == "down"


def target_pay(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Factors need a target incentive; at 100 % attainment they should pay just that."""
    for plan in policy.incentive:
        weights = [one.weight for one in plan.components if one.weight is not None]
        if weights and plan.target_incentive is not None:
            yield from whole(policy, plan, f"the weights of plan {plan.id}", weights, "components")
        for component in plan.components:
            table = component.tiers
            if table is None or not any(tier.factor is not None for tier in table.rates):
                continue
            if plan.target_incentive is None:
                message = (
                    f"the factors of {component.id} multiply a base rate, but plan {plan.id} has no target_incentive"
                )
                yield issue(policy, table, message, "Add target_incentive to the plan.", "rates", code="incentive")
            elif table.by != "attainment":
                message = f"the factors of {component.id} need tiers by attainment"
                yield issue(
                    policy, table, message, "Write by: attainment and of: with the goal.", "by", code="incentive"
                )
            elif table.mode == "marginal" and (at_target := _factor_at_100(table)) != 1:
                shown = value_text(at_target, "ratio")
                message = f"{component.id} pays {shown} of its target at 100% attainment"
                yield issue(
                    policy, table, message, "Change the factors if 100% is meant.", "rates", "warning", "incentive"
                )


def _factor_at_100(table: Tiers) -> Fraction:
    total = Fraction(0)
    for tier, upper in zip(table.rates, [*table.rates[1:], None], strict=True):
        end = min(upper.start.value, Fraction(1)) if upper else Fraction(1)
        total += (tier.factor or 0) * max(Fraction(0), end - tier.start.value)
    return total


# 归属, 封顶, 发放, 追回


def crediting(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Direct shares add up to the event; roll-ups go to somebody."""
    for plan in policy.incentive:
        credit = plan.credit
        if credit is None:
            continue
        for purpose in ("attainment", "pay"):
            shares = [payee.share for payee in credit.payees if purpose in payee.counts]
            if shares:
                yield from whole(policy, credit, f"the shares for {purpose} of plan {plan.id}", shares, "payees")
        for payee in credit.payees:
            yield from _share(policy, payee, "share", payee.share, payee.person)
        for extra in credit.overlay:
            yield from _share(policy, extra, "share", extra.share, f"overlay {extra.person}", most=None)
        for roll in credit.rollup:
            yield from _share(policy, roll, "share", roll.share, f"the roll-up to {roll.to}", most=None)
        for payee in credit.payees:
            if payee.person not in ("owner", "person") and not payee.otherwise:
                message = (
                    f"where a record has no {payee.person}, its share of {value_text(payee.share, 'ratio')} is nobody's"
                )
                yield issue(policy, payee, message, "Add else: owner.", "else", "warning", "credit")
        known = policy.header.scope.roles
        for roll in credit.rollup:
            if known and roll.to not in (*known, "manager", "managers"):
                hint = did_you_mean(roll.to, (*known, "manager", "managers")) or "Write a role, manager or managers."
                yield issue(policy, roll, f"role {roll.to!r} is not in the scope of the policy", hint, "to")


def limits(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Caps, floors, multipliers and true-ups of a plan."""
    for plan in policy.incentive:
        for limit, key, value in (
            (plan.cap, "total", plan.cap.total if plan.cap else 0),
            (plan.floor, "total", plan.floor.total if plan.floor else 0),
            (plan.draw, "amount", plan.draw.amount if plan.draw else 0),
            (plan.guarantee, "amount", plan.guarantee.amount if plan.guarantee else 0),
        ):
            if limit is not None and value < 0:
                message = f"a limit of plan {plan.id} is below 0"
                yield issue(policy, limit, message, "Write an amount of at least 0.", key, code="incentive")
        if plan.cap is not None and plan.floor is not None and plan.floor.total > plan.cap.total:
            message = f"the floor of plan {plan.id} is above its cap"
            yield issue(policy, plan.floor, message, "Lower it.", "total", code="incentive")
        ids = [component.id for component in plan.components]
        for factor in plan.multiply:
            yield from formula(policy, factor.by, Type.NUMBER)
            for name in factor.applies_to:
                yield from named(policy, factor, "component", name, ids, "applies_to")
        for name in plan.true_up.components if plan.true_up else ():
            assert plan.true_up is not None
            yield from named(policy, plan.true_up, "component", name, ids, "components")
        if plan.target_incentive is not None:
            yield from formula(policy, plan.target_incentive, Type.MONEY)


def paying(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Release adds up, holdback ends, draws are repaid, claw-back says how much."""
    for plan in policy.incentive:
        pay = plan.pay
        if pay is not None and pay.release:
            yield from whole(policy, pay, f"the release of plan {plan.id}", pay.release.values(), "release")
            for way, share in pay.release.items():
                yield from _share(policy, pay, "release", share, way)
        if pay is not None and pay.holdback is not None:
            held = pay.holdback
            if not (held.release.at or held.release.after or held.release.day):
                message = f"what plan {plan.id} holds back is never released"
                yield issue(
                    policy, held, message, "Write release: year_end, or {after: 90d}.", "release", code="incentive"
                )
            if not 0 <= held.share <= 1:
                message = f"plan {plan.id} holds back {value_text(held.share, 'ratio')}"
                yield issue(policy, held, message, "Write 0% to 100%.", "share", code="incentive")
        kind = PAID[pay.paid] if pay else "month"
        if settles(plan) and kind not in policy.calendar.kinds:
            message = f"plan {plan.id} is paid by the {kind}, which the calendar does not have"
            yield issue(policy, pay or plan, message, "Write paid: quarterly under pay.", "paid", code="incentive")
        draw = plan.draw
        if draw is not None and draw.kind == "recoverable" and draw.recover <= 0:
            message = f"the draw of plan {plan.id} is recoverable but never recovered"
            yield issue(
                policy, draw, message, "Write recover: 100%, or kind: non_recoverable.", "recover", code="incentive"
            )
        if draw is not None:
            yield from _share(policy, draw, "recover", draw.recover, f"the draw of plan {plan.id}")
        for rule in (plan.draw, plan.guarantee):
            if rule is not None and rule.months is not None and rule.months < 1:
                message = f"a draw or guarantee of plan {plan.id} is for {rule.months} months"
                yield issue(policy, rule, message, "Write 1 or more, or leave months out.", "months", code="incentive")
        unless = pay.holdback.release.unless if pay is not None and pay.holdback is not None else ()
        for event in (*unless, *(plan.clawback.events if plan.clawback else ())):
            if event in DEFAULT_KIND:
                message = f"{event!r} is a fact table; its events are of the kind {DEFAULT_KIND[event]!r}"
                place = plan.clawback or pay or plan
                yield issue(policy, place, message, f"Write {DEFAULT_KIND[event]}.", code="incentive")
        for rule in (plan.draw, plan.guarantee):
            if rule is not None and rule.whom == "new_hire" and rule.months is None:
                message = f"plan {plan.id} does not say for how many months a new hire is guaranteed"
                yield issue(policy, rule, message, "Add months: 3.", code="incentive", level="warning")
        yield from _clawback(policy, plan)


def _clawback(policy: Policy, plan: IncentivePlan) -> Iterator[Issue]:
    rule = plan.clawback
    if rule is None:
        return
    if rule.window.unit not in ("d", "w", "m", "y"):
        message = f"the claw-back window {rule.window} of plan {plan.id} cannot be counted from a date"
        yield issue(policy, rule, message, "Write 90d or 6m.", "window", code="incentive")
    yield from _share(policy, rule, "offset_limit", rule.offset_limit, f"the claw-back of plan {plan.id}")
    for step in rule.steps:
        yield from _share(policy, step, "share", step.share, f"a claw-back step of plan {plan.id}")
    if rule.share == "stepped" and not rule.steps:
        message = f"the claw-back of plan {plan.id} is stepped but has no steps"
        yield issue(policy, rule, message, "Add steps: [{within: 30d, share: 100%}].", "steps", code="incentive")
    elif rule.share not in ("full", "proportional", "stepped"):
        try:
            fits = rule.share.endswith("%") and 0 <= read_number(rule.share) <= 1
        except ValueError:
            fits = False
        if not fits:
            hint = (
                did_you_mean(rule.share, ("full", "proportional", "stepped"))
                or "Write full, proportional, stepped or 50%."
            )
            yield issue(policy, rule, f"a claw-back cannot take {rule.share!r}", hint, "share", code="incentive")
    for early, late in pairwise(rule.steps):
        if late.share > early.share:
            message = "a later claw-back step takes more than an earlier one"
            yield issue(
                policy, late, message, "Put the steps in the order of time, falling.", "share", "warning", "tables"
            )
    if plan.leaving is None:
        message = f"plan {plan.id} takes pay back but does not say what holds after leaving"
        yield issue(
            policy, rule, message, "Add leaving: {earned, released, held, debt}.", level="warning", code="incentive"
        )


def formulas(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Formulas of components have the right unit and read what exists."""
    for _, component in policy.components():
        written = [
            (component.rate, Type.RATIO),
            (component.amount, Type.MONEY),
            (component.target, Type.MONEY),
            (component.fund, Type.MONEY),
            (component.multiply, Type.NUMBER),
            (component.when, Type.BOOL),
            *((gate.when, Type.BOOL) for gate in component.gates),
        ]
        for one, expected in written:
            if one is not None:
                yield from formula(policy, one, expected)

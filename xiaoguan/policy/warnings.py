"""预警 warnings: which rules of a policy hold for whom, and by which numbers.

A rule is a condition. What it reads says whom it is about: numbers of a person, a team or the company, a customer, a
deal. A condition that cannot be told, since a value is missing, does not hold, and says why.

    {id: behind, when: "pace(quota, over=quarter) < 80% and elapsed(quarter) > 40%"}

    judge(rule, Inputs(policy, lin, november, world, as_of))   holds; Pace 55% < 80%, Elapsed 66% > 40%

Source: spec/domain.md section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Protocol

from xiaoguan.base.explain import Line
from xiaoguan.base.periods import Period

from .check.common import CUSTOMER
from .customers import Customer, Customers
from .document import Expression, Level, Policy, WarningRule
from .formula import (
    COMPARISONS,
    Binary,
    Duration,
    Expr,
    In,
    Literal,
    Name,
    Named,
    Row,
    Scope,
    Type,
    Value,
    dotted,
    evaluator,
    names,
    resolve,
    unparse,
)
from .inputs import Inputs, present
from .metrics import unit_text
from .prose.words import WORDS
from .world import Who, World, facts_of

MOST = 100_000
"""Of so many customers the past is worked out at most."""


@dataclass(frozen=True)
class Judged:
    """What a rule says of one subject. holds: None where it cannot be told, and `reason` says why.

    line    the condition; its parts are what decided it, each with its bound in `note`: Pace 55 %, "< 80%"
    owner   of a customer or deal: the key of the person who has it
    """

    rule: WarningRule
    who: Who
    holds: bool | None
    line: Line
    reason: str = ""
    owner: str = ""

    @property
    def value(self) -> Line | None:
        """The first number that decided."""
        return self.line.parts[0] if self.line.parts else None


# About people, teams and the company


def judged(
    policy: Policy, people: Sequence[Who], period: Period, world: World, as_of: date | None = None
) -> Iterator[Judged]:
    """Every rule, of everybody and everything that it may concern; of deals only that it cannot be told, where the
    stages of a past day are not among the facts.

    as_of   the day after the last one that counts; the end of the period if not given. A plain metric is then that of
            the period so far.
    """
    for rule in policy.warnings:
        for who in subjects(policy, rule, people, period, as_of):
            yield judge(rule, Inputs(policy, who, period, world, as_of))
    yield from _of_things(policy, world, min(as_of or period.end, period.end))


def _of_things(policy: Policy, world: World, end: date) -> Iterator[Judged]:
    asking, facts = Asking(policy), facts_of(world)
    customers = None if facts is None or "customers" not in facts.schema.facts else list(Customers(policy, facts, end))
    many = customers is not None and len(customers) > MOST
    lacking = "there are too many customers" if many else "there are no customers"
    asks = facts is not None and customers is not None and any(level is Level.DEAL for _rule, level in asking.rules)
    stays = facts.stays(end) if facts is not None and asks and not many else None
    by_key = {one.key: one for one in customers or ()} if stays is not None else {}
    for rule, level in asking.rules:
        unknown = level is Level.DEAL and stays is None and not many
        if unknown or customers is None or many:
            reason = "the stages of past days are not kept" if unknown else lacking
            yield Judged(rule, Who("", ""), None, replace(_line(policy, rule), value=None, note=reason), reason)
            continue
        if level is Level.DEAL:
            if not stays:
                yield Judged(rule, Who("", ""), False, replace(_line(policy, rule), value="false"))
            for row in stays or ():
                if (held := by_key.get(str(row.get("customer")))) is not None:
                    who = Who(f"deal:{row.get('id')}", str(row.get("label") or row.get("id")))
                    found = asking.judge(rule, OpenDeal(held, row, policy, end), who)
                    yield replace(found, owner=str(row.get("person") or held.owner))
            continue
        for one in customers:
            who = Who(f"customer:{one.key}", one.label)
            yield replace(asking.judge(rule, one, who), owner=one.owner)


def subjects(
    policy: Policy, rule: WarningRule, people: Sequence[Who], period: Period, as_of: date | None = None
) -> list[Who]:
    """Of whom a rule is asked; nobody for a rule about customers. The key of a team is "team:" and its own."""
    level, last = policy.level_of(rule.when), min(as_of or period.end, period.end) - timedelta(days=1)
    here = [who for who in people if present(who, period)]
    if level is Level.PERSON:
        return here
    if level is Level.TEAM:
        teams = sorted({team for who in here if (team := who.on(last).team or ("" if who.spans else who.team))})
        return [Who(f"team:{team}", team, team=team) for team in teams]
    return [Who("", "company")] if level is Level.COMPANY else []


def concerned(policy: Policy, people: Sequence[Who], period: Period) -> list[Who]:
    """Those in a role that the policy names in its scope or a plan; everybody where it names none."""
    roles = {*policy.header.scope.roles, *(role for plan in policy.incentive for role in plan.role)}
    last = period.end - timedelta(days=1)
    return [who for who in people if not roles or (who.on(last).role or who.role) in roles]


def judge(rule: WarningRule, inputs: Inputs) -> Judged:
    """What the rule says of whom the inputs are about."""
    found = inputs.find(rule.when, Type.BOOL)
    line = _line(inputs.policy, rule)
    if found.value is None:
        return Judged(rule, inputs.who, None, replace(line, value=None, note=found.reason), found.reason)
    if not found.value:
        return Judged(rule, inputs.who, False, replace(line, value="false"))

    def holds(part: Expr) -> bool:
        return bool(inputs.find(_written(part), Type.BOOL).value)

    parts = tuple(_crossed(part, lambda side: _side(inputs, side)) for part in _deciding(rule.when.tree, holds))
    return Judged(rule, inputs.who, True, replace(line, parts=parts))


def _side(inputs: Inputs, tree: Expr) -> Line:
    """One side of a comparison as a line; a number that is read as it stands keeps how it came about."""
    found = inputs.find(_written(tree), None)
    text = unparse(tree)
    if len(found.parts) == 1 and found.parts[0].name == text:
        return found.parts[0]
    return _valued(text, found.value, found.type, inputs.policy.currency, found.parts)


# About customers and deals


@dataclass(frozen=True)
class OpenDeal:
    """What is known of a deal when a day began: its stage, and all that is known of its customer."""

    customer: Customer
    row: Row
    policy: Policy
    today: date

    def get(self, name: str, /) -> Value:
        stage = str(self.row.get("stage") or "")
        if name == "stage":
            return stage
        if name == "stage_days":
            entered = self.row.get("entered_on")
            return (self.today - entered).days if isinstance(entered, date) else None
        if name == "stage_limit":
            stages = self.policy.process.stages if self.policy.process else ()
            return next((limit_days(one.limit) for one in stages if one.id == stage), None)
        return self.customer.get(name)


def limit_days(limit: Duration | None) -> int | None:
    """A limit in calendar days; five working days are a week, an hour is part of a day."""
    if limit is None:
        return None
    if limit.unit == "wd":
        return limit.count + 2 * (limit.count // 5)
    return limit.days if limit.unit in ("d", "w") else 1 if limit.unit == "h" else limit.count * 30


class Rows(Protocol):
    """What is known of one customer or deal on the day; missing is None."""

    def get(self, name: str, /) -> Value: ...


class Asking:
    """The rules about customers and deals, read once and asked of many; missing values leave them untold."""

    def __init__(self, policy: Policy):
        self.policy = policy
        types = {**CUSTOMER.names, **{name: metric.kind for name, metric in policy.metrics.items()}}
        self._scope = Scope(types, open=CUSTOMER.open)
        levels = [(rule, policy.level_of(rule.when)) for rule in policy.warnings]
        self.rules = [(rule, level) for rule, level in levels if level in (Level.CUSTOMER, Level.DEAL)]
        self._asked = {rule.id: self._asks(rule.when.tree, Type.BOOL) for rule, _level in self.rules}

    @property
    def names(self) -> frozenset[str]:
        """Everything that these rules read."""
        return frozenset[str]().union(*(names(rule.when.tree) for rule, _level in self.rules))

    def holds(self, rule: WarningRule, facts: Named) -> bool:
        """Whether the rule holds; what cannot be told does not."""
        return bool(self._asked[rule.id](facts))

    def judge(self, rule: WarningRule, facts: Named, who: Who) -> Judged:
        """The same with its reasons."""
        if not self.holds(rule, facts):
            return Judged(rule, who, False, replace(_line(self.policy, rule), value="false"))

        def holds(part: Expr) -> bool:
            return bool(self._asks(part, Type.BOOL)(facts))

        parts = tuple(_crossed(part, lambda side: self._side(side, facts)) for part in _deciding(rule.when.tree, holds))
        return Judged(rule, who, True, replace(_line(self.policy, rule), parts=parts))

    def _asks(self, tree: Expr, wanted: Type | None) -> Callable[[Named], Value]:
        return evaluator(resolve(tree, self._scope, wanted)[0], unknown=None)

    def _side(self, tree: Expr, facts: Named) -> Line:
        solved, type_ = resolve(tree, self._scope)
        value, money = evaluator(solved, unknown=None)(facts), self.policy.currency
        name = dotted(tree)
        if name is not None:
            return _valued(name, value, type_, money)
        parts = [self._side(Name(one), facts) for one in sorted(names(tree))]
        return _valued(unparse(tree), value, type_, money, parts)


# What decided


def _line(policy: Policy, rule: WarningRule) -> Line:
    source = f"{policy.clause}, {rule.source or rule.name or rule.id}"
    return Line(rule.id, rule.name or rule.id, "true", "text", rule.when.text, source, adds=False)


def _written(tree: Expr) -> Expression:
    return Expression(unparse(tree), tree)


def _deciding(tree: Expr, holds: Callable[[Expr], bool]) -> Iterator[Expr]:
    """The parts of a condition that holds by which it does: both sides of `and`, of `or` those that hold."""
    if isinstance(tree, Binary) and tree.op in ("and", "or"):
        for side in (tree.left, tree.right):
            if tree.op == "and" or holds(side):
                yield from _deciding(side, holds)
    else:
        yield tree


def _crossed(tree: Expr, side: Callable[[Expr], Line]) -> Line:
    """The number on the left of a comparison, with operator and bound as its note; of anything else its own line."""
    if isinstance(tree, In):
        return replace(side(tree.item), note=f"in {', '.join(map(unparse, tree.options))}", adds=False)
    if not isinstance(tree, Binary) or tree.op not in COMPARISONS:
        return replace(side(tree), note="", adds=False)
    left, right = side(tree.left), tree.right
    if isinstance(right, Literal):
        return replace(left, note=f"{tree.op} {unparse(right)}", adds=False)
    bound = side(right)
    return replace(left, note=f"{tree.op} {bound.text}", parts=(*left.parts, replace(bound, adds=False)), adds=False)


def _valued(name: str, value: Value, type_: Type, currency: str, parts: Sequence[Line] = ()) -> Line:
    unit = unit_text(type_, currency) if type_ not in (Type.ANY, Type.TEXT, Type.BOOL) else "text"
    shown: Any = value
    if isinstance(value, bool):
        shown = str(value).lower()
    elif value is not None and (unit == "text" or not hasattr(value, "denominator")):
        shown, unit = str(value), "text"
    return Line(name, WORDS.get(name, (name,))[0], shown, unit, parts=tuple(parts), adds=False)

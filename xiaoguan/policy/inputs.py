"""公式的输入 inputs: what a formula of a plan may read about a person: metrics, attainment(goal), person.x.

Each becomes a line, so that the earning can show what it was computed from. A line without value makes the whole
formula missing, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from xiaoguan.base.explain import Line
from xiaoguan.base.money import Money
from xiaoguan.base.periods import Period, span

from .document import Expression, Policy
from .formula import (
    Call,
    Expr,
    FormulaError,
    Name,
    Scope,
    Type,
    Value,
    dotted,
    evaluator,
    parse,
    resolve,
    rewrite,
    unparse,
)
from .goals import attainment
from .metrics import unit_text
from .world import Who, World


@dataclass(frozen=True)
class Found:
    """The value of an expression, the lines it came from, and the reason if it is missing."""

    value: Value
    parts: tuple[Line, ...]
    reason: str = ""
    type: Type = Type.ANY


class Inputs:
    """Metrics, attainment and terms of one person in one period, as lines."""

    def __init__(self, policy: Policy, who: Who, period: Period, world: World) -> None:
        self.policy, self.who, self.period, self.world = policy, who, period, world
        self.unit = f"money:{policy.currency}"

    def metric(self, metric_id: str, period: Period) -> Line:
        if metric_id not in self.policy.metrics:
            return Line(metric_id, metric_id, None, self.unit, note=f"there is no metric {metric_id!r}", adds=False)
        return replace(self.world.metric(metric_id, self.who, period), adds=False)

    def find(self, written: Expression, expected: Type | None) -> Found:
        """The value of an expression over metrics, attainment and the person's terms."""
        lines: dict[str, Line] = {}
        types: dict[str, Type] = {}
        values: dict[str, Value] = {}

        def change(part: Expr) -> Expr | None:
            line = self.input(part)
            if line is None:
                return None
            name = unparse(part)
            lines[name], values[name], types[name] = line, line.value, _type_of(line)
            return Name(name, part.at)

        try:
            tree, type_ = resolve(rewrite(written.tree, change), Scope(types), expected)
        except FormulaError as error:
            return Found(None, tuple(lines.values()), f'in "{written.text}": {error.message}')
        parts = tuple(lines.values())
        if lacking := [f"{line.name}: {line.note or 'no value'}" for line in parts if line.missing]:
            return Found(None, parts, "; ".join(lacking))
        return Found(evaluator(tree)(values), parts, type=type_)

    def input(self, part: Expr) -> Line | None:
        """The line a part of an expression stands for: attainment(goal), a metric, or person.x."""
        if isinstance(part, Call):
            return self.attainment_of(part) if part.name == "attainment" else None
        name = dotted(part)
        if name is None:
            return None
        if name.startswith("person."):
            return self.term(name)
        return self.metric(name, self.period) if name in self.policy.metrics else None

    def attainment_of(self, call: Call) -> Line:
        goal = self.policy.goal(dotted(call.args[0]) or "") if len(call.args) == 1 else None
        text = unparse(call)
        if goal is None:
            return Line(text, text, None, "ratio", note=f"{text} names no goal", adds=False)
        over = call.get("over")
        try:
            window = self.policy.calendar.period(dotted(over) or "", self.period.start) if over else self.period
        except ValueError as error:
            return Line(text, text, None, "ratio", note=str(error), adds=False)
        actual = self.metric(goal.metric, self.upto(window))
        quota = self.world.goal(goal.id, self.who, window)
        metric = self.policy.metrics.get(goal.metric)
        line = attainment(actual, quota, metric.direction if metric else "up")
        if quota is None:
            line = replace(line, note=f"there is no goal {goal.id} for {window.label}")
        return replace(line, name=text, adds=False)

    def term(self, name: str) -> Line:
        value = self.who.terms.get(name.removeprefix("person."))
        if isinstance(value, Money):
            if value.currency != self.policy.currency:
                note = f"{name} is in {value.currency}, not {self.policy.currency}"
                return Line(name, name, None, self.unit, note=note, adds=False)
            value = value.units
        if value is None:
            note = f"{name} is not known for {self.who.name}"
            return Line(name, name, None, "ratio", note=note, adds=False)
        unit = "text" if isinstance(value, str) else "ratio" if isinstance(value, Fraction) else self.unit
        return Line(name, name, value, unit, formula="from the contract", adds=False)

    def upto(self, window: Period) -> Period:
        """The window as far as this period."""
        if window.start == self.period.start:
            return self.period
        return window if window.end == self.period.end else span(window.start, self.period.end)


def value_of(policy: Policy, formula: str, who: Who, period: Period, world: World) -> Line:
    """The value of any formula over metrics, attainment(goal) and person.x for a person and period, as a line."""
    try:
        tree = parse(formula)
    except FormulaError as error:
        return Line(formula, formula, None, "text", note=f"column {error.at + 1}: {error.message}")
    found = Inputs(policy, who, period, world).find(Expression(formula, tree), None)
    if found.reason or not isinstance(found.value, int | Fraction | str):
        return Line(formula, formula, None, "text", note=found.reason or "no value", parts=found.parts)
    unit = "text" if isinstance(found.value, str) else unit_text(found.type, policy.currency)
    value = str(found.value).lower() if isinstance(found.value, bool) else found.value
    return Line(formula, formula, value, "text" if isinstance(value, str) else unit, parts=found.parts)


def _type_of(line: Line) -> Type:
    """The type of a line in a formula. A person's term that is a fraction may be any pure number."""
    if line.missing:
        return Type.ANY
    if line.unit.startswith("money:"):
        return Type.MONEY
    if line.name.startswith("person.") and line.unit == "ratio":
        return Type.NUMBER
    return {"ratio": Type.RATIO, "count": Type.COUNT, "score": Type.SCORE, "text": Type.TEXT}[line.unit]

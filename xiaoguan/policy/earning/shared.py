"""专项激励 and 团队奖金池: a sum for each qualifying record, and a share of a team's fund."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, Record, value_text
from xiaoguan.base.money import SCALE, allocate, minor_unit, round_units

from ..credit import Crediting, metric_of
from ..formula import FormulaError, Scope, Type, evaluator, resolve
from ..inputs import last_there, members
from ..metrics import FACTS, Plan
from ..world import Span, Who
from .base import Base, Raw


class Shared(Base):
    """Kinds spiff and pool."""

    def spiff(self, parts: tuple[Line, ...]) -> Raw:
        """专项激励: a sum for each qualifying record, or for each unit of its quantity, by credit share."""
        component = self.component
        each, active = component.pay_each, self.active(self.period)
        if each is None or not active:
            return self.missing("the policy gives no pay_each", parts)
        table, by_day = self.plan.source_of(component), self.plan.day_of(component)
        try:
            facts = self.facts()
            tree = None
            fields = (facts.schema.facts.get(table) or FACTS.facts[table]).fields
            if component.where is not None:
                tree, _ = resolve(component.where.tree, Scope({"id": Type.TEXT, **fields}), Type.BOOL)
        except (ValueError, KeyError, FormulaError) as error:
            return self.missing(f"the records of {table} cannot be read: {error}", parts)
        person = facts.schema.facts[table].person or "person" if table in facts.schema.facts else "person"
        planned = Plan(component.id, component.name, table, "count", None, tree, by_day, person, Type.MONEY)
        holds = evaluator(tree) if tree is not None else (lambda row: True)
        crediting, weights, records = Crediting(self.policy, facts), [], []
        rows = [row for one in active for row in facts.rows(table, one, by_day)]
        for row in sorted(rows, key=lambda r: (str(r.get(by_day)), str(r.get("id")))):
            if not holds(row):
                continue
            count = Fraction(str(row.get("quantity") or 0)) if component.each == "unit" else Fraction(1)
            if row.get("reverses"):
                count = -abs(count)  # takes away what the other record paid
            day = row[by_day]
            assert isinstance(day, date)
            for one in crediting.split(planned, row, each * SCALE * count, day, "pay"):
                if one.person == self.who.key:
                    record = Record(table, one.record, one.label, one.amount)
                    records.append(record)
                    weights.append((record, day, Fraction(one.amount)))
        exact = sum((weight for _, _, weight in weights), Fraction(0))
        what = "record" if component.each == "record" else "unit"
        formula = f"{len(records)} records of {table} × {value_text(each * SCALE, self.unit)} for each {what}"
        raw = self.sum(exact, formula, parts)
        return replace(raw, line=replace(raw.line, records=tuple(records)), weights=tuple(weights))

    def pool(self, parts: tuple[Line, ...]) -> Raw:
        """团队奖金池: the fund, rounded, cut between the team's members by mixed keys; the parts add up exactly."""
        written = self.component.fund
        if written is None:
            return self.missing("the policy gives no fund", parts)
        fund = self.find(written, Type.MONEY)
        if not isinstance(fund.value, int | Fraction):
            return self.missing(fund.reason or f"{written.text} is not an amount", (*fund.parts, *parts))
        try:
            facts = self.facts()
        except ValueError as error:
            return self.missing(str(error), parts)
        last = last_there(self.who, self.period)
        team = self.who.on(last).team or self.who.team
        people = [one for one in members(facts, team, self.period) if self.holds(one.on(last_there(one, self.period)))]
        if self.who.key not in [one.key for one in people]:
            return self.sum(Fraction(0), f"not in a team of the plan on {last}", parts)
        total = round_units(Fraction(fund.value), self.policy.currency)
        if not total:
            return self.sum(Fraction(0), f"nothing in the fund {written.text}", (*fund.parts, *parts))
        shares = self.divided(people, team)
        if isinstance(shares, str):
            return self.missing(shares, (*fund.parts, *parts))
        cut = allocate(total, shares, minor_unit(self.policy.currency))
        at = [one.key for one in people].index(self.who.key)
        line = Line("fund", "Fund", total, self.unit, written.text, parts=fund.parts, adds=False)
        formula = f"{value_text(shares[at], 'ratio')} of the fund {line.text}, between {len(people)} people"
        return self.sum(Fraction(cut[at]), formula, (line, *parts))

    def holds(self, at: Span) -> bool:
        """Whether a role is one of the plan's."""
        roles = self.plan.role or self.policy.header.scope.roles
        return not roles or at.role in roles

    def divided(self, people: Sequence[Who], team: str) -> list[Fraction] | str:
        """Everybody's share of the fund: each key's shares, mixed by the weights."""
        mix = [Fraction(0)] * len(people)
        for key, weight in (self.component.divide or {"even": Fraction(1)}).items():
            values = [self.key_value(key, one, team) for one in people]
            if any(value is None for value in values):
                lacking = people[values.index(None)]
                return f"{key} of {lacking.name} is not known"
            known = [max(value, Fraction(0)) for value in values if value is not None]
            whole = sum(known, Fraction(0))
            if not whole:
                return f"{key} is 0 for everybody in the team"
            mix = [so_far + weight * value / whole for so_far, value in zip(mix, known, strict=True)]
        return mix

    def days_in(self, one: Who, team: str) -> int:
        """Days of the period on which somebody was in the team under the plan."""
        start, end = self.period.start, self.period.end
        start, end = max(start, one.hired_on or start), min(end, one.left_on or end)
        days = map(date.fromordinal, range(start.toordinal(), end.toordinal()))
        return sum(self.holds(at) and at.team == team for at in map(one.on, days))

    def key_value(self, key: str, one: Who, team: str) -> Fraction | None:
        if key == "even":
            return Fraction(1)
        if key == "presence":
            return Fraction(self.days_in(one, team))
        if key == "appraisal_score":
            for appraisal in self.policy.appraisal:
                row = self.facts().grade(appraisal.id, one, self.period)
                if row is not None and isinstance(score := row.get("score"), int | Fraction):
                    return Fraction(score)
            return None
        metric = self.component.basis if key == "credit" else key
        if metric in self.policy.metrics:
            line = metric_of(self.policy, self.world, metric, one, self.period, "pay")
            return None if line.missing else line.number
        return None

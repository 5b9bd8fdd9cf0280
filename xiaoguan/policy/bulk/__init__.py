"""批量核算 bulk: a commission compiled to SQL over integers, for millions of lines; the same cents as `earning`.

The compiler keeps to integer + - *, one truncating division, comparisons, CASE, sums and windows, so that one text
serves DuckDB and, with a switch of dialect, Spark. Money is in units (ten-thousandths), rates, shares and bounds are
integers of millionths, products have 128 bits or 38 digits; the sign is put on after rounding, since engines divide
negative numbers differently.

    facts    id, person, day, value (units), and a column for every other payee      one row for each event
    quotas   person, window_start, quota (units)                                      tiers by attainment
    undone   id, record, day, amount (units or null)                                  events of the claw-back

    totals   person, period, credited, earned, held, freed, clawed, paid              one row for each person and month
    lines    person, period, record, day, credited, before, earned                    what each record earned, and where
                                                                                      in the table it stood

What cannot be said this way (release by cash, draws, offset limits, overlays, other calendars) raises NotBulk, which
names it; those plans are reckoned by `incentive`. Tests generate policies and facts and compare both to the last unit.
Source: spec/domain.md 5.2, 5.3, 8.2, 8.3 and 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Literal

from xiaoguan.base.money import SCALE, minor_unit

from ..document import Clawback, Component, IncentivePlan, Policy, Tier, Tiers
from ..formula import Duration
from ..formula import Literal as Constant
from ..release import AT_ONCE

MILLION = 10**6
Dialect = Literal["duckdb", "spark"]
_MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


class NotBulk(ValueError):
    """This component cannot be compiled; says what stands in the way."""


@dataclass(frozen=True)
class Compiled:
    """The SQL of a component: `totals` and `lines` are queries over the relations that the module names."""

    component: str
    totals: str
    lines: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class _Sql:
    """The few words in which dialects differ."""

    dialect: Dialect

    def big(self, text: str) -> str:
        return f"CAST({text} AS {'HUGEINT' if self.dialect == 'duckdb' else 'DECIMAL(38,0)'})"

    def div(self, above: str, below: str) -> str:
        """Truncating division of whole numbers that are not negative."""
        return f"(({above}) // ({below}))" if self.dialect == "duckdb" else f"(({above}) div ({below}))"

    def day(self, text: str) -> str:
        return f"CAST({text} AS DATE)"

    def after(self, day: str, length: Duration) -> str:
        unit = {"d": "DAY", "w": "DAY", "m": "MONTH", "y": "MONTH"}[length.unit]
        count = length.count * {"d": 1, "w": 7, "m": 1, "y": 12}[length.unit]
        return self.day(f"({day} + INTERVAL '{count}' {unit})")

    def days(self, start: str, end: str) -> str:
        return f"date_diff('day', {start}, {end})" if self.dialect == "duckdb" else f"datediff({end}, {start})"

    def start(self, kind: str, day: str) -> str:
        """First day of the calendar period of a kind that holds the day."""
        if kind != "half_year":
            return self.day(f"date_trunc('{kind}', {day})")
        year = f"date_trunc('year', {day})"
        later = f"CASE WHEN month({day}) > 6 THEN {year} + INTERVAL '6' MONTH ELSE {year} END"
        return self.day(later)

    def rounded(self, number: str, scale: int, unit: int) -> str:
        """A whole number of 1/scale units to the minor unit, half up away from zero."""
        step = scale * unit
        whole = self.div(f"2 * abs({number}) + {self.big(str(step))}", self.big(str(2 * step)))
        return f"(CASE WHEN {number} < 0 THEN -1 ELSE 1 END * {whole} * {unit})"

    def floored(self, above: str, below: str) -> str:
        """Division of whole numbers rounded down, `below` above zero."""
        whole = self.div(f"abs({above})", below)
        up = f"CASE WHEN abs({above}) % ({below}) = 0 THEN {whole} ELSE {whole} + 1 END"
        return f"CASE WHEN ({above}) >= 0 THEN {whole} ELSE -({up}) END"


def compile_component(policy: Policy, component_id: str, dialect: Dialect = "duckdb") -> Compiled:
    """The SQL of one commission; NotBulk names what stands in the way."""
    plan = policy.plan_of(component_id)
    if plan is None:
        raise NotBulk(f"there is no component {component_id!r}")
    component = next(one for one in plan.components if one.id == component_id)
    return _Compiler(policy, plan, component, _Sql(dialect)).compiled()


class _Compiler:
    def __init__(self, policy: Policy, plan: IncentivePlan, component: Component, sql: _Sql) -> None:
        self.policy, self.plan, self.component, self.sql = policy, plan, component, sql
        self.unit, self.whole = minor_unit(policy.currency), MILLION
        self.tiers, self.rates = self.table()
        self.bound_scale, self.rate_scale = self.scales()
        self.period = component.period
        accumulate = self.tiers.accumulate if self.tiers else "period"
        self.window = self.period if accumulate == "period" else accumulate
        self.refuse()

    def refuse(self) -> None:
        plan, one, section = self.plan, self.component, self.policy.calendar_section
        pay, back = plan.pay, plan.clawback
        reasons = {
            "a plan cap, floor, true-up, draw, guarantee or answers on leaving": plan.cap or plan.floor or plan.true_up
            or plan.draw or plan.guarantee or plan.leaving,
            "a condition, gate, multiplier or validity": one.when or one.gates or one.multiply or one.valid
            or plan.multiply,
            "a cap over more than its period": one.cap and (one.cap.per or one.cap.excess == "carry"),
            "another calendar": section.pattern != "gregorian" or section.fiscal_year_starts != (1, 1),
            f"periods of kind {self.period} or {self.window}": {self.period, self.window} - set(_MONTHS),
            "a pay period other than that of the component": pay
            and {"monthly": "month", "quarterly": "quarter", "half_yearly": "half_year", "yearly": "year"}[pay.paid]
            != self.period,
            "release that waits": pay and set(pay.release) - set(AT_ONCE),
            "a holdback by record": pay
            and pay.holdback
            and (not pay.holdback.release.at or pay.holdback.release.unless),
            "overlays or roll-ups": plan.credit and (plan.credit.overlay or plan.credit.rollup),
            "an offset limit": back and back.offset_limit is not None,
            "more than one component before holdback or claw-back": len(plan.components) > 1
            and (back or (pay and pay.holdback)),
            "exchange rates": self.policy.header.fx,
            "a table that another one replaces": any(
                other.kind == "override_rate" and other.of == one.id for _, other in self.policy.components()
            ),
        }  # fmt: skip
        for reason, holds in reasons.items():
            if holds:
                raise NotBulk(f"{one.id} has {reason}")

    def table(self) -> tuple[Tiers | None, Sequence[Tier]]:
        one = self.component
        if one.kind != "commission":
            raise NotBulk(f"{one.id} is a {one.kind}")
        if one.tiers is None:
            tree = one.rate.tree if one.rate else None
            if not isinstance(tree, Constant) or not isinstance(tree.value, int | Fraction):
                raise NotBulk(f"{one.id} has a rate that is a formula")
            return None, ()
        tiers = one.tiers
        if tiers.mode not in ("marginal", "slab", "per_transaction") or any(t.rate is None for t in tiers.rates):
            raise NotBulk(f"{one.id} has tiers of mode {tiers.mode}, or without rates")
        if tiers.by == "count" or (tiers.of and tiers.by == "amount"):
            raise NotBulk(f"{one.id} looks its tiers up by another number")
        if tiers.by == "attainment":
            goal = self.policy.goal(tiers.of)
            if goal is None or goal.metric != one.basis:
                raise NotBulk(f"{one.id} looks its tiers up by the attainment of another metric")
        return tiers, tiers.rates

    def compiled(self) -> Compiled:
        needs = ["facts", *(["quotas"] if self.by_quota else []), *(["undone"] if self.plan.clawback else [])]
        totals = f"WITH {self.credits()},\n{self.monthly()}"
        if self.plan.clawback:
            totals += f",\n{self.touched()},\n{self.lots('touched', held=True)},\n{self.clawed(self.plan.clawback)}"
        totals += f"\n{self.summed()}"
        lines = f"WITH {self.credits()},\n{self.monthly()},\n{self.lots('')}\n"
        lines += (
            "SELECT person, period, record, day, credit AS credited, line_before AS before, lot AS earned FROM lots"
        )
        return Compiled(self.component.id, totals, lines, tuple(needs))

    @property
    def by_quota(self) -> bool:
        return self.tiers is not None and self.tiers.by == "attainment"

    # 3 Credit

    def credits(self) -> str:
        """credits(record, day, person, credit, value): direct shares by largest remainder, split people merged."""
        payees = self.plan.credit.payees if self.plan.credit else ()
        if not payees or (len(payees) == 1 and payees[0].person in ("owner", "person")):
            return "credits AS (SELECT id AS record, day, person, value AS credit, value FROM facts)"
        names = [self.named(payee.person, payee.otherwise) for payee in payees]
        weights = [_millionths(payee.share, "a share") for payee in payees]
        step = gcd(MILLION, *weights)
        weights, self.whole = [weight // step for weight in weights], MILLION // step
        n, nobody = range(len(payees)), len(payees)
        people = ", ".join(f"{name} AS p{k}" for k, name in enumerate(names))
        merged = ", ".join(f"{self.merged(k, weights)} AS m{k}" for k in n)
        alone = " OR ".join(f"m{k} = {self.whole}" for k in n)
        only = " ".join(f"WHEN m{k} = {self.whole} THEN p{k}" for k in n)
        left = " + ".join(f"m{k}" for k in n)
        cuts = ", ".join(self.cut(k) for k in (*n, nobody))
        missing = f"pieces - ({' + '.join(f'q{k}' for k in (*n, nobody))})"
        parts = ", ".join(f"{self.part(k, nobody + 1)} AS c{k}" for k in n)
        unit = f"CASE WHEN value % {self.unit} = 0 THEN {self.unit} ELSE 1 END"
        pieces = self.sql.div("abs(value)", unit)
        pieces = pieces if self.whole <= 1000 else self.sql.big(pieces)  # 10^3 x 9 x 10^15 fits 64 bits, 10^6 does not
        ks = " UNION ALL ".join(f"SELECT {k} AS k" for k in n)
        chosen = ", ".join(f"CASE k {' '.join(f'WHEN {k} THEN {c}{k}' for k in n)} END AS {c}" for c in ("p", "c", "m"))
        return (
            f"cut0 AS (SELECT id, day, value, {people} FROM facts),\n"
            f"cut1 AS (SELECT *, {merged} FROM cut0),\n"
            f"cut2 AS (SELECT *, {self.whole} - ({left}) AS m{nobody}, {unit} AS unit, {pieces} AS pieces "
            f"FROM cut1 WHERE NOT ({alone})),\n"
            f"cut3 AS (SELECT *, {cuts} FROM cut2),\n"
            f"cut4 AS (SELECT *, {missing} AS missing FROM cut3),\n"
            f"cut5 AS (SELECT id, day, value, {', '.join(f'p{k}, m{k}' for k in n)}, {parts} FROM cut4),\n"
            f"cut6 AS (SELECT id, day, value, {chosen} FROM cut5 CROSS JOIN ({ks}) AS ks),\n"
            f"credits AS (SELECT id AS record, day, CASE {only} END AS person, value AS credit, value FROM cut1 "
            f"WHERE {alone}\n  UNION ALL "
            "SELECT id AS record, day, p AS person, c AS credit, value FROM cut6 WHERE m > 0)"
        )

    def cut(self, k: int) -> str:
        whole = self.sql.div(f"pieces * m{k}", str(self.whole))
        return f"{whole} AS q{k}, pieces * m{k} % {self.whole} AS r{k}"

    def named(self, field: str, otherwise: str) -> str:
        columns = ["person" if name in ("owner", "person") else name for name in (field, otherwise) if name]
        return f"coalesce({', '.join(columns)})" if len(columns) > 1 else columns[0]

    def merged(self, k: int, weights: Sequence[int]) -> str:
        """The weight of payee k with those of later payees who are the same person; 0 if an earlier one is."""
        before = [f"p{k} = p{j}" for j in range(k)]
        after = [f"CASE WHEN p{j} = p{k} THEN {weights[j]} ELSE 0 END" for j in range(k + 1, len(weights))]
        gone = " OR ".join([f"p{k} IS NULL", *before])
        return f"CASE WHEN {gone} THEN 0 ELSE {' + '.join([str(weights[k]), *after])} END"

    def part(self, k: int, count: int) -> str:
        ahead = [
            f"CASE WHEN r{j} > r{k}{f' OR r{j} = r{k}' if j < k else ''} THEN 1 ELSE 0 END"
            for j in range(count)
            if j != k
        ]
        extra = f"CASE WHEN {' + '.join(ahead)} < missing THEN 1 ELSE 0 END"
        return f"CASE WHEN value < 0 THEN -1 ELSE 1 END * (q{k} + {extra}) * unit"

    # 4 to 7 Accumulation, rate, earning, cap

    def monthly(self) -> str:
        """monthly(person, period, window_start, credited, cumulated, exact, before, earned, weight, quota)."""
        sql = self.sql
        period, window = sql.start(self.period, "day"), sql.start(self.window, "period")
        summed = f"{sql.big('sum(credit)')} AS credited"
        if self.tiers is not None and self.tiers.mode == "per_transaction":
            summed += f", sum({self.transaction()}) AS exact_sum"
        quota = "LEFT JOIN quotas USING (person, window_start)" if self.by_quota else ""
        over = "PARTITION BY person, window_start ORDER BY period"
        chosen = "quota" if self.by_quota else "CAST(NULL AS BIGINT)"
        return (
            f"sums AS (SELECT person, {period} AS period, {summed} FROM credits GROUP BY 1, 2),\n"
            f"windows AS (SELECT *, {window} AS window_start FROM sums),\n"
            f"running AS (SELECT w.*, {chosen} AS reach, {sql.big(f'sum(credited) OVER ({over})')} AS cumulated "
            f"FROM windows AS w {quota}),\n"
            f"exact AS (SELECT *, {self.exact()} AS exact FROM running),\n"
            f"to_date AS (SELECT *, {sql.rounded('exact', self.scale, self.unit)} AS so_far, "
            f"coalesce(lag(exact) OVER ({over}), 0) AS exact_before FROM exact),\n"
            f"raw AS (SELECT *, so_far - coalesce(lag(so_far) OVER ({over}), 0) AS earned_raw FROM to_date),\n"
            f"monthly AS (SELECT person, period, window_start, reach, credited, cumulated, "
            "cumulated - credited AS before, "
            f"{self.weight()} AS weight, {self.capped()} AS earned FROM raw)"
        )

    def scales(self) -> tuple[int, int]:
        """The smallest whole numbers that make the bounds and the rates whole."""
        rates = [tier.rate or Fraction(0) for tier in self.rates] or [self.flat]
        by_quota = self.tiers is not None and self.tiers.by == "attainment"
        bounds = [tier.start.value for tier in self.rates] if by_quota else []
        for value in (*rates, *bounds):
            _millionths(value, "a rate or bound")
        return lcm(*(value.denominator for value in bounds)), lcm(*(value.denominator for value in rates))

    @property
    def flat(self) -> Fraction:
        """The one rate of a component without tiers."""
        tree = self.component.rate.tree if self.component.rate else None
        assert isinstance(tree, Constant) and isinstance(tree.value, int | Fraction)
        return Fraction(tree.value)

    @property
    def scale(self) -> int:
        """How many parts of a unit the exact earning counts."""
        return self.bound_scale * self.rate_scale

    def number(self, text: str) -> str:
        """A number that will be multiplied by the scale: 64 bits hold amounts up to 9 x 10^14 units times 10^4."""
        return f"CAST({text} AS BIGINT)" if self.scale <= 10_000 else self.sql.big(text)

    def exact(self) -> str:
        if self.tiers is not None and self.tiers.mode == "per_transaction":
            return "exact_sum"
        valid = "CASE WHEN reach > 0 THEN {} END" if self.by_quota else "{}"
        return valid.format(self.pays(f"{self.sql.big('cumulated')} * {self.bound_scale}", "reach"))

    def pays(self, value: str, quota: str) -> str:
        """P(value) in millionths of millionths of a unit; `value` is in millionths of a unit."""
        if self.tiers is None:
            return f"({value}) * {int(self.flat * self.rate_scale)}"
        mode = self.tiers.each if self.tiers.mode == "per_transaction" else self.tiers.mode
        rates = [int((tier.rate or Fraction(0)) * self.rate_scale) for tier in self.rates]
        bounds = [self.bound(tier, quota) for tier in self.rates]
        if mode == "slab":
            steps = [f"WHEN ({value}) >= {b} THEN {r}" for b, r in reversed(list(zip(bounds, rates, strict=True)))]
            return f"({value}) * CASE {' '.join(steps)} ELSE 0 END"
        parts = []
        for i, (bound, rate) in enumerate(zip(bounds, rates, strict=True)):
            upper = f"least({value}, {bounds[i + 1]})" if i + 1 < len(bounds) else f"({value})"
            if rate:
                parts.append(f"{rate} * greatest(0, {upper} - {bound})")
        return f"({' + '.join(parts) or '0'})"

    def bound(self, tier: Tier, quota: str) -> str:
        assert self.tiers is not None
        if self.tiers.by == "attainment":
            return f"{self.number(quota)} * {int(tier.start.value * self.bound_scale)}"
        units = tier.start.value * SCALE
        if units.denominator != 1:
            raise NotBulk(f"a bound of {self.component.id} has more than four decimals")
        return str(int(units) * self.bound_scale)

    def transaction(self) -> str:
        value = f"{self.number('abs(credit)')} * {self.bound_scale}"
        if self.by_quota:
            raise NotBulk(f"{self.component.id} looks up single records by attainment")
        return f"CASE WHEN credit < 0 THEN -1 ELSE 1 END * {self.pays(value, '')}"

    def weight(self) -> str:
        """The sum of the weights by which records share the earning."""
        if self.tiers is not None and self.tiers.mode == "slab":
            return "credited"
        return "exact - exact_before" if self.window != self.period else "exact"

    def capped(self) -> str:
        cap = self.component.cap
        if cap is None:
            return "earned_raw"
        most = int(cap.amount * SCALE)
        return f"CASE WHEN earned_raw > {most} THEN {most} ELSE earned_raw END"

    # What each record earned

    def touched(self) -> str:
        """The person and period pairs in which something was undone, so that only their records are opened."""
        period = self.sql.start(self.period, "c.day")
        return (
            f"touched AS (SELECT DISTINCT c.person, {period} AS period FROM credits AS c "
            "WHERE c.record IN (SELECT record FROM undone))"
        )

    def lots(self, only: str, held: bool = False) -> str:
        """lots(person, period, record, day, credit, value, line_before, lot, held_lot): they add up to the earning."""
        sql = self.sql
        period = sql.start(self.period, "day")
        join = f"JOIN {only} USING (person, period)" if only else ""
        order = "PARTITION BY person, period ORDER BY day, record"
        before = f"before + sum(credit) OVER ({order}) - credit"
        weight = "weight"
        floors = sql.floored("share", "whole")
        held_floor = sql.floored("held_share", str(MILLION * self.unit))
        rank = "PARTITION BY person, period ORDER BY remainder DESC, day, record"
        held_rank = "PARTITION BY person, period ORDER BY held_rest DESC, day, record"
        found = (
            f"dated AS (SELECT *, {period} AS period FROM credits),\n"
            f"opened AS (SELECT d.*, m.reach, m.earned, m.weight AS all_weight, {before} AS line_before "
            f"FROM dated AS d {join} JOIN monthly AS m USING (person, period)),\n"
            f"weighed AS (SELECT *, {self.line_weight()} AS {weight} FROM opened),\n"
            f"shared AS (SELECT *, CASE WHEN all_weight < 0 THEN -1 ELSE 1 END * {sql.big(weight)} * earned AS share, "
            f"greatest(abs(all_weight), 1) * {self.unit} AS whole FROM weighed),\n"
            f"floors AS (SELECT *, {floors} AS pieces FROM shared),\n"
            f"rests AS (SELECT *, share - pieces * whole AS remainder, "
            f"{sql.div('abs(earned)', str(self.unit))} * CASE WHEN earned < 0 THEN -1 ELSE 1 END "
            "- sum(pieces) OVER (PARTITION BY person, period) AS missing FROM floors),\n"
            f"ranked AS (SELECT *, row_number() OVER ({rank}) AS place FROM rests),\n"
            f"placed AS (SELECT *, (pieces + CASE WHEN place <= missing THEN 1 ELSE 0 END) * {self.unit} AS lot "
            "FROM ranked),\n"
        )
        if not held or not self.held_rate:
            return f"{found}lots AS (SELECT *, 0 AS held_lot FROM placed)"
        return found + (
            f"hold0 AS (SELECT *, lot * {self.held_rate} AS held_share FROM placed),\n"
            f"hold1 AS (SELECT *, {held_floor} AS held_pieces FROM hold0),\n"
            f"hold2 AS (SELECT *, held_share - held_pieces * {MILLION * self.unit} AS held_rest, "
            f"{self.signed_pieces(self.held('earned'))} - sum(held_pieces) OVER (PARTITION BY person, period) "
            "AS held_missing "
            "FROM hold1),\n"
            f"hold3 AS (SELECT *, row_number() OVER ({held_rank}) AS held_place FROM hold2),\n"
            f"lots AS (SELECT *, (held_pieces + CASE WHEN held_place <= held_missing THEN 1 ELSE 0 END) * {self.unit} "
            "AS held_lot FROM hold3)"
        )

    def signed_pieces(self, value: str) -> str:
        return f"{self.sql.div(f'abs({value})', str(self.unit))} * CASE WHEN {value} < 0 THEN -1 ELSE 1 END"

    def line_weight(self) -> str:
        if self.tiers is not None and self.tiers.mode == "slab":
            return "credit"
        if self.tiers is not None and self.tiers.mode == "per_transaction":
            return self.transaction()
        line, scale = self.number("line_before"), self.bound_scale
        return f"{self.pays(f'({line} + credit) * {scale}', 'reach')} - {self.pays(f'{line} * {scale}', 'reach')}"

    # 11 Holdback, 13 claw-back

    @property
    def held_rate(self) -> int:
        pay = self.plan.pay
        return _millionths(pay.holdback.share, "a holdback") if pay and pay.holdback else 0

    def held(self, earned: str) -> str:
        return self.sql.rounded(f"({self.sql.big(earned)} * {self.held_rate})", MILLION, self.unit)

    @property
    def frees(self) -> str:
        pay = self.plan.pay
        at = pay.holdback.release.at if pay and pay.holdback else ""
        return "quarter" if at == "quarter_end" else "year"

    def freed_period(self, day: str) -> str:
        """First day of the period in which what is held back of a day's record is paid."""
        end = f"({self.sql.start(self.frees, day)} + INTERVAL '{_MONTHS[self.frees] - _MONTHS[self.period]}' MONTH)"
        return self.sql.day(end)

    def clawed(self, rule: Clawback) -> str:
        """clawed(person, period, clawed): min(round(paid x share), paid - taken), event by event."""
        sql = self.sql
        event = sql.start(self.period, "u.day")
        still = f"CASE WHEN {event} < {self.freed_period('l.day')} THEN l.held_lot ELSE 0 END"
        above, below = self.unserved(rule)
        part = "CASE WHEN u.amount IS NULL OR l.value = 0 THEN 1 ELSE least(abs(u.amount), abs(l.value)) END"
        whole = "CASE WHEN u.amount IS NULL OR l.value = 0 THEN 1 ELSE abs(l.value) END"
        order = "PARTITION BY person, record ORDER BY event_day, event_id"
        step = f"{self.unit} * (below * whole)"
        half = sql.div(f"2 * {sql.big('paid')} * part * above + {step}", f"2 * {step}")
        taken = f"cumulated + least(0, min(paid - cumulated) OVER ({order}))"
        return (
            f"events AS (SELECT l.person, l.record, {event} AS period, u.day AS event_day, u.id AS event_id, "
            f"{sql.big(f'l.lot - {still}')} AS paid, {sql.big(part)} AS part, {sql.big(whole)} AS whole, "
            f"{above} AS above, "
            f"{below} AS below FROM lots AS l JOIN undone AS u ON u.record = l.record "
            f"WHERE u.day >= l.day AND u.day <= {sql.after('l.day', rule.window)}),\n"
            f"backs AS (SELECT *, CASE WHEN paid > 0 THEN {half} * {self.unit} ELSE 0 END AS back FROM events),\n"
            f"cumulated AS (SELECT *, sum(back) OVER ({order}) AS cumulated FROM backs WHERE paid > 0),\n"
            f"taken AS (SELECT *, {taken} AS taken FROM cumulated),\n"
            f"steps AS (SELECT person, period, taken - coalesce(lag(taken) OVER ({order}), 0) AS back FROM taken),\n"
            "clawed AS (SELECT person, period, sum(greatest(back, 0)) AS clawed FROM steps GROUP BY 1, 2)"
        )

    def unserved(self, rule: Clawback) -> tuple[str, str]:
        """The share of what was paid that goes back, as a fraction of two whole numbers."""
        sql = self.sql
        if rule.share == "full":
            return "1", "1"
        if rule.share == "proportional":
            term = sql.days("l.day", sql.after("l.day", rule.window))
            return f"greatest(0, {term} - {sql.days('l.day', 'u.day')})", f"greatest(1, {term})"
        if rule.share == "stepped":
            whens = [
                f"WHEN u.day <= {sql.after('l.day', step.within)} THEN {_millionths(step.share, 'a step')}"
                for step in rule.steps
            ]
            return f"CASE {' '.join(whens)} ELSE 0 END", str(MILLION)
        from ..load import read_number

        return str(_millionths(read_number(rule.share), "a claw-back")), str(MILLION)

    def summed(self) -> str:
        """One row for each person and period in which something is earned, freed or taken back."""
        held = f"CASE WHEN weight = 0 THEN 0 ELSE {self.held('earned')} END" if self.held_rate else "0"
        parts = [
            f"SELECT person, period, credited, earned, {held} AS held, 0 AS freed, 0 AS clawed FROM monthly",
        ]
        if self.held_rate:
            parts.append(
                f"SELECT person, {self.freed_period('period')}, 0, 0, 0, {held}, 0 FROM monthly",
            )
        if self.plan.clawback:
            parts.append("SELECT person, period, 0, 0, 0, 0, clawed FROM clawed")
        columns = ("credited", "earned", "held", "freed", "clawed")
        if len(parts) == 1:
            return f"SELECT *, earned - held AS paid FROM ({parts[0]}) AS every_line"
        sums = ", ".join(f"sum({name}) AS {name}" for name in columns)
        every = "\n UNION ALL ".join(parts)
        return (
            f"SELECT person, period, {sums}, "
            "sum(coalesce(earned, 0)) - sum(coalesce(held, 0)) + sum(coalesce(freed, 0)) "
            f"- sum(clawed) AS paid FROM (\n {every}) AS every_line GROUP BY 1, 2"
        )


def _millionths(value: Fraction, what: str) -> int:
    scaled = value * MILLION
    if scaled.denominator != 1:
        raise NotBulk(f"{what} of {value} has more than six decimals")
    return int(scaled)

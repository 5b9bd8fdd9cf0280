"""The steps of the calculation as common tables, in their order."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from xiaoguan.base.money import SCALE, minor_unit, round_units

from ..document import Clawback, Component, IncentivePlan, Policy
from ..load import read_number
from .credits import Shares
from .dialect import ROOM, Sql
from .rates import Rates
from .records import Records
from .scope import MILLION, MONTHS, millionths, refuse


@dataclass(frozen=True)
class Compiled:
    """The SQL of a component: `totals`, `lines` and `lots` are queries over the relations that the package names.

    scale   how many parts of a unit the weights of lines count. needs   the relations that are read.
    """

    component: str
    totals: str
    lines: str
    lots: str
    scale: int
    needs: tuple[str, ...]


class Compiler:
    """One component of a plan as SQL; NotBulk from the start if something stands in the way."""

    def __init__(self, policy: Policy, plan: IncentivePlan, component: Component, sql: Sql) -> None:
        self.plan, self.component, self.sql = plan, component, sql
        self.currency, self.unit = policy.currency, minor_unit(policy.currency)
        self.rates = Rates(policy, component, sql)
        self.period = component.period
        accumulate = self.rates.tiers.accumulate if self.rates.tiers else "period"
        self.window = self.period if accumulate == "period" or self.by_record else accumulate
        refuse(policy, plan, component, self.window)
        self.shares = Shares(plan.credit, self.unit, sql)
        self.records = Records(self.rates, self.shares, sql, self.period, self.unit)

    def compiled(self) -> Compiled:
        by_quota, back = self.rates.by_quota, self.plan.clawback
        needs = ["facts", *(["quotas"] if by_quota else []), *(["undone"] if back else [])]
        months, records, lots = self.months(), self.records.all(), self.records.lots("monthly", "person, period")
        credits = f"credits AS (\n  {self.records.credits()})"
        apart = [*self.records.of_touched(), *self.records.lots("months", "month"), *self.clawed(back)] if back else []
        totals = [*(self.records.touched() if back else [credits]), *months, *apart]
        weight = "weight" if self.rates.narrow else f"{self.sql.digits('weight')} AS weight"
        begins = f"{self.sql.begins('period')} AS period"
        reason = f"person, {begins}, record, payee, credit AS credited, line_before AS before, tier, {weight}"
        earned = f"lot * {self.unit} AS earned"
        return Compiled(
            self.component.id,
            f"WITH {_joined(totals)}\n{self.summed()}",
            f"WITH {_joined([credits, *months, *records])}\nSELECT {reason} FROM weighed",
            f"WITH {_joined([credits, *months, *records, *lots])}\nSELECT person, {begins}, record, {earned} FROM lots",
            self.rates.scale,
            tuple(needs),
        )

    # 4 to 7 Accumulation, rate, earning, cap

    def months(self) -> list[str]:
        """monthly(person, period, reach, credited, before, earned, held, weight, below, signed, pieces, room),
        and where the place of a line may matter also (down, rate, level)."""
        sql = self.sql
        each = f", {self.rates.exactly(f'sum({self.rates.transaction()})')} AS each_pay" if self.by_record else ""
        quota = "LEFT JOIN quotas USING (person, window_start)" if self.rates.by_quota else ""
        reach = sql.money("CASE WHEN quota > 0 THEN quota END" if self.rates.by_quota else "NULL")
        # What only some lines have to be added to costs nothing for the others: a file knows where none is below 0.
        negative = self.records.credits("(SELECT * FROM facts WHERE value < 0) AS negative")
        downs = (
            f"downs AS (SELECT person, period, {sql.money('sum(credit)')} AS down FROM (\n  {negative}) AS credits "
            "GROUP BY 1, 2)"
        )
        down = ", coalesce(down, 0) AS down" if self.rates.by_place else ""
        fallen = "LEFT JOIN downs USING (person, period)" if self.rates.by_place else ""
        to_date = "sum(credited) OVER (PARTITION BY person, span ORDER BY period)"
        window = sql.within("period", self.window)
        return [
            *([downs] if down else []),
            f"sums AS (SELECT person, period, {sql.money('sum(credit)')} AS credited{each} FROM credits GROUP BY 1, 2)",
            f"windows AS (SELECT sums.*{down}, {window} AS span, {sql.begins(window)} AS window_start "
            f"FROM sums {fallen})",
            f"running AS (SELECT w.*, {reach} AS reach, {sql.money(to_date)} - credited AS before "
            f"FROM windows AS w {quota})",
            f"exact AS (SELECT *, {self.exact()} AS exact, {self.exact_before()} AS exact_before FROM running)",
            f"capped AS (SELECT person, period, reach, credited, before{', down' if down else ''}, "
            f"{self.weight()} AS weight, {self.capped()} AS earned "
            f"FROM (SELECT *, {self.earned()} AS earned_raw FROM exact) AS uncapped)",
            f"cut AS (SELECT *, greatest(abs(weight), 1) AS below, {self.pieces('earned')} AS pieces, "
            f"{self.held()} AS held FROM capped)",
            f"{sql.kept('monthly')} (SELECT *, CASE WHEN weight < 0 THEN -pieces ELSE pieces END AS signed, "
            f"CASE WHEN below > {ROOM} THEN -1 ELSE {sql.div(str(ROOM), 'greatest(1, abs(pieces))')} END AS room"
            f"{self.even() if down else ''} FROM cut)",
        ]

    def even(self) -> str:
        """Which tier holds the whole month, from the lowest that its lines can reach to the highest, and its rate."""
        rate = self.rates.straight("(before + down)", "(before + credited - down)", "reach")
        return f", {rate} AS rate, {self.rates.tier('before', 'reach')} AS level"

    @property
    def by_record(self) -> bool:
        return self.rates.mode == "per_transaction"

    @property
    def accumulates(self) -> bool:
        """Whether a period earns what its window has earned so far less what it had earned before."""
        return self.window != self.period

    def exact(self) -> str:
        return "each_pay" if self.by_record else self.valid(self.rates.pays("(before + credited)", "reach"))

    def exact_before(self) -> str:
        return self.valid(self.rates.pays("before", "reach")) if self.accumulates else "0"

    def valid(self, pays: str) -> str:
        """Nothing is earned, not even 0, where there is no quota."""
        exactly = self.rates.exactly(pays)
        return f"CASE WHEN reach > 0 THEN {exactly} END" if self.rates.by_quota else exactly

    def earned(self) -> str:
        """Rounded to date, less what was rounded before."""
        rounded = self.sql.rounded("exact", self.rates.scale, self.unit)
        if not self.accumulates:
            return rounded
        return f"{rounded} - {self.sql.rounded('exact_before', self.rates.scale, self.unit)}"

    def weight(self) -> str:
        """The sum of the weights by which records share the earning."""
        return "credited" if self.rates.mode == "slab" else "exact - exact_before"

    def capped(self) -> str:
        cap = self.component.cap
        if cap is None:
            return "earned_raw"
        most = round_units(cap.amount * SCALE, self.currency)
        return f"CASE WHEN earned_raw > {most} THEN {most} ELSE earned_raw END"

    def pieces(self, value: str) -> str:
        """A multiple of the minor unit as how many of them."""
        return f"{self.sql.div(f'abs({value})', str(self.unit))} * CASE WHEN {value} < 0 THEN -1 ELSE 1 END"

    # 11 Holdback, 13 claw-back

    @property
    def held_rate(self) -> Fraction:
        pay = self.plan.pay
        return pay.holdback.share if pay and pay.holdback else Fraction(0)

    def held(self) -> str:
        """What is held back of a month's earning; nothing where no record earned it."""
        if not self.held_rate:
            return "0"
        millionths(self.held_rate, "a holdback")
        times = f"{self.sql.big('earned')} * {self.held_rate.numerator}"
        rounded = self.sql.rounded(f"({times})", self.held_rate.denominator, self.unit)
        return f"CASE WHEN weight = 0 THEN 0 ELSE {rounded} END"

    def freed_period(self, period: str) -> str:
        """The period in which what is held back in another is paid: the last of its quarter or year."""
        pay = self.plan.pay
        frees = "quarter" if pay and pay.holdback and pay.holdback.release.at == "quarter_end" else "year"
        return f"({self.sql.within(period, frees)} + {MONTHS[frees] - MONTHS[self.period]})"

    def kept(self) -> list[str]:
        """kept(month, day, record, lot, held_lot, value): of each record that was undone what it earned and what of
        that is held back, which shares the rounding of the month's."""
        sql, rate, undone = self.sql, self.held_rate, "JOIN hit ON id = record"
        if not rate:
            return [f"kept AS (SELECT l.*, 0 AS held_lot, value FROM lots AS l {undone})"]
        held = f"lot * {rate.numerator}"
        floor = sql.floored(held, str(rate.denominator))
        resting = [
            f"held_months AS (SELECT month, {self.pieces('held')} AS pieces FROM months)",
            f"{sql.kept('resting')} (SELECT month, day, record, lot, floor, {held} - floor * {rate.denominator} "
            f"AS rest FROM (SELECT *, {floor} AS floor FROM lots) AS hold)",
        ]
        if not sql.keeps:
            shared = self.records.shared("held_lots", "held_lot", "resting", "held_months", "month", ", lot")
            return [*resting, *shared, f"kept AS (SELECT l.*, value FROM held_lots AS l {undone})"]
        # Few months hold more than one such record: to count what is before it costs less than to divide the month.
        left = sql.money("pieces - floors")
        place = "row_number() OVER (PARTITION BY month, rest ORDER BY day, record)"
        return [
            *resting,
            f"struck AS MATERIALIZED (SELECT l.*, value FROM resting AS l {undone})",
            "ahead AS (SELECT month, s.rest, sum(floor) AS floors, count(*) FILTER (WHERE r.rest > s.rest) AS more, "
            "count(*) FILTER (WHERE r.rest = s.rest) AS same FROM resting AS r "
            "JOIN (SELECT DISTINCT month, rest FROM struck) AS s USING (month) GROUP BY 1, 2)",
            f"ranked AS MATERIALIZED (SELECT month, rest, same, {left} - more AS wanted FROM ahead "
            "JOIN held_months USING (month))",
            f"ties AS (SELECT month, record, {place} AS place FROM resting "
            "JOIN (SELECT * FROM ranked WHERE wanted BETWEEN 1 AND same - 1) AS split USING (month, rest))",
            "kept AS (SELECT s.*, floor + CASE WHEN wanted >= same OR wanted >= place THEN 1 ELSE 0 END AS held_lot "
            "FROM struck AS s JOIN ranked USING (month, rest) LEFT JOIN ties USING (month, record))",
        ]

    def clawed(self, rule: Clawback) -> list[str]:
        """clawed(person, period, clawed): min(round(paid x share), paid - taken), event by event; of what is freed
        later the share undone by then."""
        sql = self.sql
        event, freed = sql.number(self.period, "u.day"), self.freed_period(sql.number(self.period, "l.day"))
        still = f"CASE WHEN {event} < {freed} THEN l.held_lot ELSE 0 END"
        above, below = self.unserved(rule)
        whole = "greatest(1, abs(l.value))"
        part = f"CASE WHEN u.amount IS NULL OR l.value = 0 THEN {whole} ELSE least(abs(u.amount), abs(l.value)) END"
        order = "PARTITION BY person, record ORDER BY event_day, event_id"
        taken = f"cumulated + least(0, min(paid - cumulated) OVER ({order}))"
        back, lost = self.share("paid", "part * above"), self.share("held_lot", "least(parts, below * whole)")
        later = f"SELECT person, record, freed AS period, {sql.begins('freed')} AS event_day, '' AS event_id, paid"
        return [
            *self.kept(),
            f"{sql.kept('happened')} (SELECT m.person, l.record, {event} AS period, u.day AS event_day, "
            f"CAST(u.id AS STRING) AS event_id, {sql.big(f'(l.lot - {still}) * {self.unit}')} AS paid, "
            f"{sql.big(part)} AS part, {sql.big(whole)} AS whole, {above} AS above, {below} AS below, "
            f"l.lot * {self.unit} AS lot, l.held_lot * {self.unit} AS held_lot, {freed} AS freed "
            "FROM kept AS l JOIN undone AS u ON u.record = l.record JOIN months AS m ON m.month = l.month "
            f"WHERE u.day >= l.day AND u.day <= {sql.after('l.day', rule.window)})",
            "waited AS (SELECT person, record, freed, held_lot, whole, below, lot AS paid, sum(part * above) AS parts "
            "FROM happened WHERE period < freed AND held_lot > 0 GROUP BY 1, 2, 3, 4, 5, 6, 7)",
            f"backs AS (SELECT person, record, period, event_day, event_id, paid, {back} AS back FROM happened "
            f"WHERE paid > 0 UNION ALL {later}, {lost} AS back FROM waited)",
            f"cumulated AS (SELECT *, sum(back) OVER ({order}) AS cumulated FROM backs)",
            f"taken AS (SELECT *, {taken} AS taken FROM cumulated)",
            f"steps AS (SELECT person, period, taken - coalesce(lag(taken) OVER ({order}), 0) AS back FROM taken)",
            "clawed AS (SELECT person, period, sum(greatest(back, 0)) AS clawed FROM steps GROUP BY 1, 2)",
        ]

    def share(self, of: str, parts: str) -> str:
        """So many of whole x below parts of an amount above 0, rounded half up to the unit."""
        step = f"{self.unit} * (below * whole)"
        return f"{self.sql.div(f'2 * {self.sql.big(of)} * {parts} + {step}', f'2 * {step}')} * {self.unit}"

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
                f"WHEN u.day <= {sql.after('l.day', step.within)} THEN {millionths(step.share, 'a step')}"
                for step in rule.steps
            ]
            return f"CASE {' '.join(whens)} ELSE 0 END", str(MILLION)
        return str(millionths(read_number(rule.share), "a claw-back")), str(MILLION)

    def summed(self) -> str:
        """One row for each person and period in which something is earned, freed or taken back."""
        sql = self.sql
        begins = f"{sql.begins('period')} AS period"
        parts = ["SELECT person, period, credited, earned, held, 0 AS freed, 0 AS clawed FROM monthly"]
        if self.held_rate:
            parts.append(f"SELECT person, {self.freed_period('period')}, 0, 0, 0, held, 0 FROM monthly")
        if self.plan.clawback:
            parts.append("SELECT person, period, 0, 0, 0, 0, clawed FROM clawed")
        columns = ("credited", "earned", "held", "freed", "clawed")
        sums = ", ".join(f"{sql.money(f'sum({name})')} AS {name}" for name in columns)
        paid = "coalesce(sum(earned), 0) - coalesce(sum(held), 0) + coalesce(sum(freed), 0) - sum(clawed)"
        every = "\n UNION ALL ".join(parts)
        of_month = f"SELECT person, period, {sums}, {sql.money(paid)} AS paid FROM (\n {every}) AS lines GROUP BY 1, 2"
        return f"SELECT person, {begins}, {', '.join(columns)}, paid FROM (\n{of_month}) AS months_paid"


def _joined(tables: list[str]) -> str:
    return ",\n".join(tables)

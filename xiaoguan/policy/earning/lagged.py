"""回款计入销售期: money that comes later counts against the table and the quota of the period of its sale.

    sold in January, quota 100, 100 % of what is above it; collected 150 in January and 30 in May:
    January earns 150 - 100 = 50, May earns (180 - 100) - (150 - 100) = 30, whatever else was sold or collected in May

What came before the sale counts in the period in which it came.
Source: spec/domain.md 5.4, release.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import Line, Record, value_text
from xiaoguan.base.money import round_units
from xiaoguan.base.periods import Period, span

from ..document import Tiers
from ..formula import Row
from ..metrics import HELD_BACK
from ..tiers import Band, bands
from .base import Raw
from .commission import Commission


@dataclass(frozen=True, slots=True)
class _Table:
    """The rate table of a sale's period: its quota, and what the tier is looked up by if not by the credit itself."""

    bands: list[Band]
    quota: Fraction | None
    reach: Fraction | None


class Lagged(Commission):
    """Tiers with `counts_in: sale`."""

    def tiered(self, tiers: Tiers, parts: tuple[Line, ...]) -> Raw:
        if tiers.counts_in == "event":
            return super().tiered(tiers, parts)
        now = self.basis(self.period)
        if now.missing:
            return self.missing(f"{now.name}: {now.note}", (now, *parts))
        try:
            sales = self.by_sale(tiers, now.records)
        except ValueError as error:
            return self.missing(str(error), (now, *parts))
        unknown = sales.pop(None, [])
        first = min((sale.start for sale in sales if sale), default=self.period.start)
        earlier: Mapping[Period | None, list[Record]] = {}
        if first < self.period.start:
            earlier = self.by_sale(tiers, self.basis(span(first, self.period.start)).records)
        lines: list[Line] = []
        weights: list[tuple[Record, date | None, Fraction]] = []
        for sale in sorted((one for one in sales if one), key=lambda one: one.start):
            table = self.table_of(tiers, sale)
            if isinstance(table, str):
                return self.missing(table, (now, *parts))
            so_far = sum((Fraction(record.value or 0) for record in earlier.get(sale, ())), Fraction(0))
            at = so_far
            for record in sales[sale]:
                after = at + Fraction(record.value or 0)
                weights.append((record, None, self.pays(tiers, table, after) - self.pays(tiers, table, at)))
                at = after
            lines.append(self.sale_line(tiers, table, sale, so_far, at))
        value = sum(int(line.number) for line in lines)
        formula = " + ".join(f"{line.label}: {line.text}" for line in lines) or "nothing came of any sale"
        held = [Line(HELD_BACK, "Held back", len(unknown), "count", "", "", tuple(unknown),
                     note="the order of it is not known", adds=False)] if unknown else []  # fmt: skip
        line = self.base(value, formula, (*lines, *held, now, *parts), "")
        return Raw(line, Fraction(value), tuple(weights) if self.by_lots else ())

    def by_sale(self, tiers: Tiers, records: Iterable[Record]) -> dict[Period | None, list[Record]]:
        """Records by the period of their sale; under None those whose order is not known."""
        found: dict[Period | None, list[Record]] = defaultdict(list)
        kind = self.period.kind if tiers.accumulate == "period" else tiers.accumulate
        for record in records:
            day = self.sold_on(record)
            found[self.policy.calendar.period(kind, day) if day else None].append(record)
        return found

    def sold_on(self, record: Record) -> date | None:
        """The day of the order that a record belongs to, or its own day if it came before."""
        facts = self.facts()
        row: Row = facts.row(record.entity, record.id) or {}
        metric, tables = self.policy.metrics[self.component.basis], facts.schema.facts
        own = row.get(metric.date or next(iter(tables[record.entity].dates), ""))
        bill: Row = facts.row("invoices", str(row["invoice"])) or {} if row.get("invoice") else {}
        order = facts.row("orders", str(row.get("order") or bill.get("order")))
        days = (order.get(name) for name in tables["orders"].dates) if order else ()
        sold = next((day for day in days if isinstance(day, date)), None)
        return min(sold, own) if sold and isinstance(own, date) else sold

    def table_of(self, tiers: Tiers, sale: Period) -> _Table | str:
        """The table with the quota of a sale's period, or why there is none."""
        own = Lagged(self.policy, self.plan, self.component, self.who, sale, self.world)
        ruled = own.ruled(tiers, sale.start)
        if isinstance(ruled, str):
            return ruled
        quota, other = None, tiers.of
        if tiers.by == "attainment":
            goal = self.policy.goal(tiers.of)
            line = self.world.goal(tiers.of, self.who, sale)
            if goal is None or line is None or line.missing or line.number <= 0:
                return f"there is no quota {tiers.of} for {sale.label}"
            quota, other = line.number, goal.metric
        base_rate = own.base_rate(tiers, ruled[0])
        if isinstance(base_rate, str):
            return base_rate
        reach = None
        if other not in ("", self.component.basis):
            found = own.metric(other, sale, "attainment" if quota else "pay")
            if found.missing:
                return f"{found.name}: {found.note}"
            reach = found.number
        return _Table(bands(tiers, quota, base_rate, ruled[0]), quota, reach)

    def pays(self, tiers: Tiers, table: _Table, credit: Fraction) -> Fraction:
        """What so much of a sale's period earns in all."""
        return self.table_pays(tiers, table.bands, credit, credit if table.reach is None else table.reach, table.quota)

    def sale_line(self, tiers: Tiers, table: _Table, sale: Period, before: Fraction, after: Fraction) -> Line:
        """What the period adds to a sale's period, as one line; each sum so far is rounded once."""
        now, earned = (round_units(self.pays(tiers, table, one), self.policy.currency) for one in (after, before))
        name = self.component.basis
        formula = f"{name} {value_text(after, self.unit)} earns {value_text(now, self.unit)}"
        if before:
            formula += f" - {value_text(before, self.unit)} earned {value_text(earned, self.unit)} before"
        return Line("sale", sale.label, now - earned, self.unit, formula)

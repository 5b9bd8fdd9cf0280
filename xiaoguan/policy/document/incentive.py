"""激励方案: who earns what, how it is credited, limited, released, and taken back."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar, Literal

from ..formula import Duration
from .base import (
    END,
    START,
    Bound,
    Dates,
    Expression,
    Id,
    Names,
    Number,
    Percent,
    Points,
    Section,
    Share,
    Text,
    Whole,
)

Purpose = Literal["attainment", "pay"]
Way = Literal["on_signing", "on_booking", "on_delivery", "on_invoice", "by_collection", "on_close"]


@dataclass(frozen=True, kw_only=True)
class Payee(Section):
    """受款人: the person a field of the record names, and the share; `otherwise` (else) gets it if there is none."""

    person: Id = field(metadata={"key": "as"})
    share: Percent
    otherwise: Id = field(default="", metadata={"key": "else"})
    counts: tuple[Purpose, ...] = ("attainment", "pay")


@dataclass(frozen=True, kw_only=True)
class RollUp(Section):
    """上卷: the whole credit, sign included, copied up the reporting line in force on the day of the event."""

    to: Id = field(metadata=END)
    share: Percent = Fraction(1)
    counts: tuple[Purpose, ...] = ("attainment", "pay")


@dataclass(frozen=True, kw_only=True)
class Credit(Section):
    """业绩归属: shares that add up to the event, overlays beside them, roll-ups above them."""

    event: Literal["order", "order_line", "invoice", "invoice_line", "payment", "opportunity"] = "order"
    payees: tuple[Payee, ...] = ()
    overlay: tuple[Payee, ...] = ()
    rollup: tuple[RollUp, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tier(Section):
    """费率档: from this bound on a rate, a factor of the base rate, or a sum."""

    start: Bound = field(metadata=START)
    rate: Percent | None = None
    factor: Number | None = None
    amount: Number | None = None


@dataclass(frozen=True, kw_only=True)
class Tiers(Section):
    """费率表: what a credit pays, by amount, by count or by attainment.

    marginal pays each part at its tier's rate, slab all at the rate of the tier reached, per_transaction looks every
    record up on its own, interpolated takes the value of a broken line, amount pays a sum for the tier reached.
    """

    mode: Literal["marginal", "slab", "per_transaction", "interpolated", "amount"]
    by: Literal["amount", "attainment", "count"]
    of: Id = ""
    accumulate: Text = "period"
    counts_in: Literal["event", "sale"] = "event"
    each: Literal["marginal", "slab"] = "marginal"
    rates: tuple[Tier, ...] = ()
    points: Points = ()
    outside: Literal["hold", "zero", "extend"] = "hold"


@dataclass(frozen=True, kw_only=True)
class Cap(Section):
    """封顶: the most that is paid in a span; the excess is lost or carried into the next."""

    short: ClassVar[str] = "amount"
    amount: Number
    per: Text = ""
    excess: Literal["lose", "carry"] = "lose"


@dataclass(frozen=True, kw_only=True)
class PlanCap(Section):
    """方案封顶: the most a plan pays in a period."""

    short: ClassVar[str] = "total"
    total: Number
    per: Text = ""
    excess: Literal["lose", "carry"] = "lose"


@dataclass(frozen=True, kw_only=True)
class Floor(Section):
    """保底: the least a plan earns in a period."""

    short: ClassVar[str] = "total"
    total: Number
    per: Text = ""


@dataclass(frozen=True, kw_only=True)
class Effect(Section):
    """前提效果: nothing is paid, at most this share of the target, at most this sum, or this share of what is due."""

    block: bool = False
    max: Percent | None = None
    cap: Number | None = None
    factor: Percent | None = None


@dataclass(frozen=True, kw_only=True)
class Gate(Section):
    """前提条件: when it holds, its effect applies to the component."""

    when: Expression
    effect: Effect


@dataclass(frozen=True, kw_only=True)
class Axis(Section):
    """矩阵轴: a metric, or the attainment of its goal, cut by rising lower bounds."""

    metric: Id
    of: Literal["value", "attainment"] = "value"
    goal: Id = ""
    bounds: tuple[Bound, ...] = field(metadata=START)


@dataclass(frozen=True, kw_only=True)
class Component(Section):
    """方案组成: one line of the statement."""

    id: Id
    name: Text = ""
    kind: Literal["commission", "bonus", "matrix", "spiff", "pool", "override_rate"]
    period: Text = "month"
    basis: Id = ""
    rate: Expression | None = None
    tiers: Tiers | None = None
    amount: Expression | None = None
    target: Expression | None = None
    weight: Percent | None = None
    proration: Literal["", "calendar_days", "working_days"] = ""
    multiply: Expression | None = None
    gates: tuple[Gate, ...] = ()
    cap: Cap | None = None
    when: Expression | None = None
    valid: Dates | None = None
    table: Id = field(default="", metadata=START)
    date: Id = ""
    where: Expression | None = None
    pay_each: Number | None = None
    each: Literal["record", "unit"] = "record"
    role: Names = ()
    of: Id = ""
    rates: tuple[Tier, ...] = ()
    rows: Axis | None = None
    columns: Axis | None = None
    percent: tuple[tuple[Share, ...], ...] = ()
    fund: Expression | None = None
    divide: Mapping[str, Percent] = field(default_factory=dict)
    source: Text = ""
    formerly: Id = ""

    @property
    def carried_out(self) -> bool:
        """Whether it makes a line of its own; an override_rate speaks through the component it changes."""
        return self.kind != "override_rate"


@dataclass(frozen=True, kw_only=True)
class Multiply(Section):
    """系数: a factor for named components, after their caps."""

    by: Expression
    applies_to: Names = ()


@dataclass(frozen=True, kw_only=True)
class Draw(Section):
    """预支: pays up to the amount; the shortfall is a debt (recoverable) or not."""

    kind: Literal["recoverable", "non_recoverable"]
    amount: Number
    whom: Literal["everybody", "new_hire"] = field(default="everybody", metadata={"key": "for"})
    months: Whole | None = None
    recover: Percent = Fraction(1)
    recover_from: Whole = 1
    forgive_after: Duration | None = None


@dataclass(frozen=True, kw_only=True)
class Guarantee(Section):
    """保底补足: pays at least the amount, without debt."""

    amount: Number
    whom: Literal["everybody", "new_hire"] = field(default="everybody", metadata={"key": "for"})
    months: Whole | None = None


@dataclass(frozen=True, kw_only=True)
class TrueUp(Section):
    """补差: at the end of each period, what the year so far entitles to less what it has earned."""

    period: Text = "quarter"
    method: Literal["year_to_date"] = "year_to_date"
    components: Names = ()
    negative: Literal["recover", "carry"] = "recover"


@dataclass(frozen=True, kw_only=True)
class HeldUntil(Section):
    """留存释放: so long after the event, unless something happened to its record by then."""

    short: ClassVar[str] = "at"
    at: Literal["", "year_end", "quarter_end"] = ""
    after: Duration | None = None
    day: datetime.date | None = field(default=None, metadata={"key": "date"})
    unless: Names = ()


@dataclass(frozen=True, kw_only=True)
class Holdback(Section):
    """留存: the share of what is released that is kept back, and until when."""

    share: Percent
    release: HeldUntil


@dataclass(frozen=True, kw_only=True)
class Pay(Section):
    """发放: which event earns, what releases it, how often it is paid, and what is held back."""

    earned_on: Literal["signing", "booking", "delivery", "invoice", "collection", "close"] = "signing"
    release: Mapping[Way, Percent] = field(default_factory=dict)
    paid: Literal["monthly", "quarterly", "half_yearly", "yearly"] = "monthly"
    holdback: Holdback | None = None


@dataclass(frozen=True, kw_only=True)
class ClawbackStep(Section):
    """追回档: within this time after the event, this share."""

    within: Duration
    share: Percent


@dataclass(frozen=True, kw_only=True)
class Clawback(Section):
    """追回: which later events take pay back, how much of it, how long after, and how fast."""

    events: Names
    window: Duration
    share: Text = "full"
    steps: tuple[ClawbackStep, ...] = ()
    offset_limit: Percent | None = None


@dataclass(frozen=True, kw_only=True)
class Dispute(Section):
    """申诉: within which time, and who decides."""

    window: Duration
    decide: Names


@dataclass(frozen=True, kw_only=True)
class Leaving(Section):
    """离职: whether what is earned, what is released later, and what is held back is still paid after leaving."""

    earned: Literal["paid", "lost"] = "paid"
    released: Literal["paid", "lost"] = "paid"
    held: Literal["paid", "lost"] = "lost"
    debt: Literal["kept", "forgiven"] = "kept"


@dataclass(frozen=True, kw_only=True)
class IncentivePlan(Section):
    """激励方案: the components that people in these roles can earn; no role means everybody in scope."""

    id: Id
    name: Text = ""
    role: Names = ()
    credit: Credit | None = None
    target_incentive: Expression | None = None
    components: tuple[Component, ...]
    multiply: tuple[Multiply, ...] = ()
    cap: PlanCap | None = None
    floor: Floor | None = None
    true_up: TrueUp | None = None
    pay: Pay | None = None
    draw: Draw | None = None
    guarantee: Guarantee | None = None
    clawback: Clawback | None = None
    leaving: Leaving | None = None
    dispute: Dispute | None = None
    source: Text = ""
    formerly: Id = ""

    def source_of(self, spiff: Component) -> str:
        """The fact table whose records a spiff pays: its own, or that of what the plan credits."""
        event = self.credit.event if self.credit else "order"
        return spiff.table or ("opportunities" if event == "opportunity" else f"{event}s")

    def day_of(self, spiff: Component) -> str:
        """The date by which a spiff's records count: its own, or the day on which the plan earns."""
        return spiff.date or _DAY_OF.get(self.pay.earned_on if self.pay else "signing", "closed_on")


_DAY_OF = {
    "signing": "signed_on",
    "booking": "signed_on",
    "delivery": "delivered_on",
    "invoice": "invoiced_on",
    "collection": "received_on",
}

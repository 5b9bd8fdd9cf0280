"""指标 and 目标: what is measured, and what should be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..formula import Duration, Type
from .base import START, Expression, Id, Levels, Names, Number, Percent, Section, Text, Whole


@dataclass(frozen=True, kw_only=True)
class Metric(Section):
    """指标: a number with a definition. With `table` (from) it reads a fact table, without it other metrics."""

    id: Id = ""
    name: Text
    type: Literal["amount", "count", "ratio", "score", "duration"]
    table: Id = field(default="", metadata=START)
    value: Expression
    date: Id = ""
    where: Expression | None = None
    empty: Expression | None = None
    min_sample: Whole = 0
    direction: Literal["up", "down"] = "up"
    cohort: Id = ""
    source: Text = ""
    formerly: Id = ""

    @property
    def kind(self) -> Type:
        """Its type as formulas know it."""
        return Type(self.type)

    @property
    def adds_up(self) -> bool:
        """Whether the parts of a period or group add up to it: amounts and counts do, ratios and scores do not."""
        return self.type in ("amount", "count")


@dataclass(frozen=True, kw_only=True)
class Least(Section):
    """下限: what a submitted target must at least be: growth over a base."""

    base: Literal["prior_year", "prior_period"]
    growth: Percent


@dataclass(frozen=True, kw_only=True)
class Target(Section):
    """目标值: fixed value, growth over a base, assigned person by person, or bottom-up."""

    method: Literal["fixed", "growth", "assigned", "bottom_up"]
    value: Number | None = None
    base: Literal["prior_year", "prior_period"] | None = None
    growth: Percent | None = None
    submit_by: Names = ()
    floor: Least | None = None


Method = Literal["even", "history", "seasonality", "weeks", "working_days", "capacity", "potential", "weighted"]


@dataclass(frozen=True, kw_only=True)
class Step(Section):
    """分解: one step of the chain from the company's year to a person's month."""

    by: Text
    method: Method
    history: Duration | None = None
    fallback: Method | None = None
    weights: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Proration(Section):
    """折算: how a goal shrinks to the days a person was there; below `minimum` the person starts next period."""

    basis: Literal["calendar_days", "working_days", "months"] = "calendar_days"
    minimum: Duration | None = None


@dataclass(frozen=True, kw_only=True)
class Absence(Section):
    """减免: which recorded absences reduce a quota."""

    relieve: Names


@dataclass(frozen=True, kw_only=True)
class Simulation(Section):
    """模拟: how many runs of the Monte-Carlo, from which seed."""

    runs: Whole = 10_000
    seed: Whole = 1


@dataclass(frozen=True, kw_only=True)
class Reasonable(Section):
    """目标合理性评估: the band of each check, [low, high]."""

    stretch: tuple[Percent, ...] = ()
    attain_probability: tuple[Percent, ...] = ()
    share_at_quota: tuple[Percent, ...] = ()
    equity: tuple[Number, ...] = ()
    correlation: tuple[Number, ...] = ()
    capacity: tuple[Percent, ...] = ()
    simulate: Simulation | None = None


@dataclass(frozen=True, kw_only=True)
class Goal(Section):
    """目标: what a metric should reach in a period, and how the whole becomes parts."""

    id: Id
    name: Text = ""
    metric: Id
    period: Text
    target: Target
    allocate: tuple[Step, ...] = ()
    over_assignment: Levels = field(default_factory=dict)
    ramp: tuple[Percent, ...] = ()
    proration: Proration | None = None
    transfer: Literal["stays", "moves"] = "stays"
    absence: Absence | None = None
    applies: Literal["", "working_days"] = ""
    check: Reasonable | None = None
    source: Text = ""
    formerly: Id = ""

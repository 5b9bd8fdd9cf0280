"""销售流程, 预测, 客户分类, 跟进, 公海, 培训, 折扣, 表彰, 预警: how people sell from day to day.

The process is followed by the boards; the other sections are read, checked and said in words, and carried out by the
modules that keep customers, training, approvals and alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar, Literal

from ..formula import Duration
from .base import END, START, Expression, Id, Mark, Names, Number, Percent, Points, Section, Text, Texts, Weekday, Whole

Permission = Literal["allowed", "with_reason", "forbidden"]


@dataclass(frozen=True, kw_only=True)
class Stage(Section):
    """阶段: with the share of deals that are won from here, the time limit and what must be filled in to leave it."""

    id: Id
    name: Text
    probability: Percent | None = None
    limit: Duration | None = None
    checklist: Texts = ()
    category: Literal["", "pipeline", "best_case", "commit"] = ""
    closes: Literal["", "won", "lost"] = ""
    after: Id = ""
    first_response: Duration | None = None
    formerly: Id = ""


@dataclass(frozen=True, kw_only=True)
class Moves(Section):
    """阶段移动: what happens on a skip, on a move back, and when the limit is over."""

    skip: Permission = "allowed"
    back: Permission = "allowed"
    overdue: Literal["nothing", "warn", "escalate"] = "nothing"


@dataclass(frozen=True, kw_only=True)
class Process(Section):
    """销售流程: the stages of a sale, in order."""

    id: Id
    name: Text = ""
    stages: tuple[Stage, ...]
    moves: Moves = field(default_factory=Moves)
    source: Text = ""


@dataclass(frozen=True, kw_only=True)
class Snapshot(Section):
    """快照: how often the forecast is kept, and on which day."""

    every: Literal["day", "week", "month"] = "week"
    at: Weekday = "monday"


@dataclass(frozen=True, kw_only=True)
class Accepted(Section):
    """允许误差: the largest error of a measure, and how long before the end it is measured."""

    short: ClassVar[str] = "max"
    max: Number
    lead: Duration | None = None


@dataclass(frozen=True, kw_only=True)
class Accuracy(Section):
    """预测准确度: accepted errors, when probabilities are calibrated again, and from how many deals on."""

    wape: Accepted | None = None
    brier: Accepted | None = None
    bias: Accepted | None = None
    recalibrate: Literal["month", "quarter", "half_year", "year"] = "quarter"
    min_deals: Whole = 0


@dataclass(frozen=True, kw_only=True)
class Forecast(Section):
    """销售预测: of which goal (the first of an amount), methods, snapshots and accuracy."""

    goal: Id = ""
    methods: tuple[Literal["category", "weighted_stage", "stage_conversion", "time_series"], ...] = ()
    snapshot: Snapshot | None = None
    accuracy: Accuracy | None = None


@dataclass(frozen=True, kw_only=True)
class ClassBound(Section):
    """等级: from this score on."""

    short: ClassVar[str] = "start"
    start: Number = field(metadata=START)


@dataclass(frozen=True, kw_only=True)
class Classification(Section):
    """客户分类: by a score, or by the share of a metric that customers bring (pareto)."""

    id: Id
    name: Text = ""
    of: Id
    method: Literal["score", "pareto"]
    metric: Id = ""
    window: Duration | None = None
    shares: Mapping[str, Percent] = field(default_factory=dict)
    inputs: Mapping[str, Percent] = field(default_factory=dict)
    scale: tuple[Number, ...] = ()
    points: Mapping[str, Points] = field(default_factory=dict)
    classes: Mapping[str, ClassBound] = field(default_factory=dict)
    review: Text = "month"
    hysteresis: Number | None = None
    source: Text = ""


@dataclass(frozen=True, kw_only=True)
class FollowUp(Section):
    """跟进规则: every so often since the last qualifying contact, or so long after an event."""

    id: Id
    name: Text = ""
    where: Expression | None = None
    every: Duration | None = None
    at: tuple[Duration, ...] = ()
    kind: Names = ()
    min_minutes: Whole = 0
    grace: Duration | None = None
    source: Text = ""


@dataclass(frozen=True, kw_only=True)
class Extend(Section):
    """延期: who may put a recycling off, for how many days, how often."""

    by: Names
    days: Whole
    times: Whole = 1


@dataclass(frozen=True, kw_only=True)
class Recycle(Section):
    """回收: when a customer goes back to the pool, and how long before its owner is warned."""

    id: Id
    name: Text = ""
    when: Expression
    warn: Duration | None = None
    extend: Extend | None = None


@dataclass(frozen=True, kw_only=True)
class Claim(Section):
    """领取: claims a day, customers held at most, and how long the former owner waits."""

    per_day: Whole | None = None
    holding_limit: Whole | None = None
    cool_down: Duration | None = None


@dataclass(frozen=True, kw_only=True)
class Pool(Section):
    """公海: how customers come in and how they are claimed."""

    recycle: tuple[Recycle, ...] = ()
    exclude: Expression | None = None
    claim: Claim | None = None
    source: Text = ""


@dataclass(frozen=True, kw_only=True)
class UntilPassed(Section):
    """通过之前: what a person who has not passed does without."""

    incentive: Literal["none", "all"] = "all"
    leads: Literal["none", "all"] = "all"


@dataclass(frozen=True, kw_only=True)
class Onboarding(Section):
    """入职培训: within how many days, which courses, which mark passes."""

    days: Whole
    courses: Texts = ()
    mark: Mark | None = field(default=None, metadata={"key": "pass"})
    until_passed: UntilPassed | None = None


@dataclass(frozen=True, kw_only=True)
class Missed(Section):
    """缺训: what a missed training costs in the appraisal, in points."""

    appraisal_deduct: Number = field(default=Fraction(0))


@dataclass(frozen=True, kw_only=True)
class Recurring(Section):
    """持续培训: how many a quarter."""

    per_quarter: Whole
    missed: Missed | None = None


@dataclass(frozen=True, kw_only=True)
class Training(Section):
    """培训要求: what must be learnt."""

    onboarding: Onboarding | None = None
    recurring: Recurring | None = None
    source: Text = ""


@dataclass(frozen=True, kw_only=True)
class DiscountLevel(Section):
    """折扣档: up to this discount, who approves."""

    up_to: Percent
    approve: Names


@dataclass(frozen=True, kw_only=True)
class MarginFloor(Section):
    """毛利底线: below this margin, who approves."""

    margin: Percent
    approve: Names


@dataclass(frozen=True, kw_only=True)
class DiscountEffect(Section):
    """低价单折算: when the condition on the record holds, only this share of its credit counts."""

    when: Expression
    credit_factor: Percent


@dataclass(frozen=True, kw_only=True)
class Discount(Section):
    """折扣审批: rising levels, a margin floor, and what a discount does to credit."""

    base: Literal["list_price", "cost"] = "list_price"
    levels: tuple[DiscountLevel, ...] = ()
    floor: MarginFloor | None = None
    effect: DiscountEffect | None = None
    source: Text = ""


@dataclass(frozen=True, kw_only=True)
class Recognition(Section):
    """表彰: ranked by a number among a group; ties share the rank."""

    id: Id
    name: Text = ""
    rank_by: Expression
    among: Text = "company"
    period: Text = "month"
    top: Whole = 1
    require: Expression | None = None
    ties: Literal["share", "first"] = "share"
    source: Text = ""


@dataclass(frozen=True, kw_only=True)
class Escalate(Section):
    """升级: after how long, to whom."""

    after: Duration
    to: Names = field(metadata=END)


@dataclass(frozen=True, kw_only=True)
class WarningRule(Section):
    """预警: a condition, how serious it is, and who hears of it."""

    id: Id
    name: Text = ""
    when: Expression
    severity: Literal["info", "warn", "critical"] = "warn"
    notify: Names = ()
    escalate: Escalate | None = None
    mute: Duration | None = None
    source: Text = ""

"""绩效考核: indicators with curves, raters, gates, grades, distribution, calibration and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar, Literal

from ..formula import Duration
from .base import END, START, Expression, Id, Mark, Names, Number, Percent, Points, Section, Text, Whole


@dataclass(frozen=True, kw_only=True)
class Score(Section):
    """评分曲线: how a metric or its attainment becomes a score.

    linear 100 x the value, between floor and cap; steps the highest point reached; points a broken line; relative a
    broken line over value / median of the peers.
    """

    curve: Literal["linear", "steps", "points", "relative"]
    of: Literal["value", "attainment"] = "value"
    goal: Id = ""
    points: Points = ()
    floor: Mark | None = None
    cap: Mark | None = None
    to: Literal["", "team_median", "company_median"] = field(default="", metadata=END)


@dataclass(frozen=True, kw_only=True)
class Indicator(Section):
    """考核指标: a metric with a curve, or an item rated by groups of people."""

    id: Id = ""
    name: Text = ""
    metric: Id = ""
    weight: Percent
    score: Score | None = None
    raters: Mapping[str, Percent] = field(default_factory=dict)
    min_raters: Whole = 1
    scale: tuple[Mark, ...] = ()

    @property
    def key(self) -> str:
        """Its id, or the metric it scores."""
        return self.id or self.metric

    @property
    def low(self) -> Fraction:
        """The lowest score a rater may give."""
        return self.scale[0] if len(self.scale) == 2 else Fraction(0)

    @property
    def high(self) -> Fraction:
        """The highest score a rater may give."""
        return self.scale[1] if len(self.scale) == 2 else Fraction(100)


@dataclass(frozen=True, kw_only=True)
class GateEffect(Section):
    """一票否决: the best grade that is left, points taken or given."""

    max_grade: Id = ""
    deduct: Mark | None = None
    add: Mark | None = None


@dataclass(frozen=True, kw_only=True)
class AppraisalGate(Section):
    """前提条件: when it holds, its effect applies."""

    when: Expression
    effect: GateEffect
    name: Text = ""


@dataclass(frozen=True, kw_only=True)
class Grade(Section):
    """等级: from this score on, and the factor it gives."""

    short: ClassVar[str] = "start"
    start: Mark = field(metadata=START)
    factor: Number | None = None
    name: Text = ""


@dataclass(frozen=True, kw_only=True)
class Distribution(Section):
    """等级分布: off, a guide, or forced; below min_group people it is only a guide."""

    mode: Literal["off", "guide", "forced"] = "off"
    shares: Mapping[str, Percent] = field(default_factory=dict)
    min_group: Whole = 0


@dataclass(frozen=True, kw_only=True)
class Calibration(Section):
    """校准: who may change a grade, how far, and whether a reason is needed."""

    by: Names
    change: Literal["one_grade", "any"] = "one_grade"
    reason: Literal["required", "optional"] = "required"


@dataclass(frozen=True, kw_only=True)
class Interview(Section):
    """绩效面谈: until when, whether it is recorded and agreed."""

    due: Duration
    record: Literal["required", "optional"] = "optional"
    agree: Literal["", "both", "employee"] = ""


@dataclass(frozen=True, kw_only=True)
class ImprovementPlan(Section):
    """绩效改进计划: when it begins, how long it takes, how often it is reviewed, how it may end."""

    when: Expression
    length: Duration
    review: Duration
    outcome: Names = ()


@dataclass(frozen=True, kw_only=True)
class Career(Section):
    """晋升: to which role, under which condition."""

    to: Id = field(metadata=END)
    when: Expression


@dataclass(frozen=True, kw_only=True)
class Appraisal(Section):
    """考核方案: for a period, either indicators or a combination of shorter appraisals."""

    id: Id
    name: Text = ""
    period: Text
    role: Names = ()
    indicators: tuple[Indicator, ...] = ()
    combine: Mapping[str, Literal["mean", "last", "min", "max"]] = field(default_factory=dict)
    missing: Literal["redistribute", "zero", "hold"] = "redistribute"
    gates: tuple[AppraisalGate, ...] = ()
    grades: Mapping[str, Grade] = field(default_factory=dict)
    distribution: Distribution | None = None
    calibration: Calibration | None = None
    interview: Interview | None = None
    improvement_plan: ImprovementPlan | None = None
    career: tuple[Career, ...] = ()
    source: Text = ""
    formerly: Id = ""

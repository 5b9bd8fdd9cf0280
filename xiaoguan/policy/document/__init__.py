"""制度 the policy document: one frozen dataclass for each section, and what each key means.

`load` fills these classes from the text: the annotation of a field says how its text is read, so these files are the
vocabulary of the policy. docs/reference/policy.md describes every key; a test compares the two.

    base          places, formulas, bounds, curves          header      制度头, 期间日历
    measures      指标, 目标                                  process     销售流程 and the rules of every day
    appraisal     绩效考核                                    incentive   激励方案
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xiaoguan.base.money import minor_unit, parse_units
from xiaoguan.base.periods import Calendar

from ..formula import calls, names
from .appraisal import Appraisal, AppraisalGate, Career, Grade, Indicator, Score
from .asked import CLASSES, EVENTS, OF_CUSTOMER, OF_DEAL, PLAIN, SCORED_BY, Level, level_of
from .base import Bound, Dates, Expression, Later, Point, Section
from .header import CalendarSection, CustomPeriods, Effective, Fx, Header, Transition
from .incentive import (
    Axis,
    Cap,
    Clawback,
    Component,
    Credit,
    Draw,
    Gate,
    Guarantee,
    HeldUntil,
    Holdback,
    IncentivePlan,
    Multiply,
    Pay,
    Payee,
    PlanCap,
    RollUp,
    Tier,
    Tiers,
    TrueUp,
)
from .measures import Goal, Least, Method, Metric, Proration, Reasonable, Simulation, Step, Target
from .process import (
    Classification,
    Discount,
    FollowUp,
    Forecast,
    Pool,
    Process,
    Recognition,
    Stage,
    Training,
    WarningRule,
)

LATER = ("pool",)
"""Sections that are read, checked and said, but not yet carried out as a whole."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Policy(Section):
    """销售管理制度: the whole document. Two policies are the same only if they are the same object."""

    header: Header = field(metadata={"key": "policy"})
    calendar_section: CalendarSection = field(metadata={"key": "calendar"}, default_factory=CalendarSection)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    process: Process | None = None
    incentive: tuple[IncentivePlan, ...] = ()
    forecast: Forecast | None = None
    classification: tuple[Classification, ...] = ()
    follow_up: tuple[FollowUp, ...] = ()
    pool: Pool | None = None
    training: Training | None = None
    discount: Discount | None = None
    appraisal: tuple[Appraisal, ...] = ()
    recognition: tuple[Recognition, ...] = ()
    warnings: tuple[WarningRule, ...] = ()

    # Not keys: what load adds.
    calendar: Calendar = field(default_factory=Calendar, metadata={"key": None})
    text: str = field(default="", repr=False, metadata={"key": None})
    file: str = field(default="", metadata={"key": None})
    sha256: str = field(default="", metadata={"key": None})

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def id(self) -> str:
        """Id of the policy, the same in all its versions."""
        return self.header.id

    @property
    def version(self) -> str:
        """Version of the document, such as 1.0.0."""
        return self.header.version

    @property
    def currency(self) -> str:
        """ISO code of the currency of all amounts."""
        return self.header.currency

    @property
    def clause(self) -> str:
        """ "small-company 1.0.0": how results name the policy that made them."""
        return f"{self.id} {self.version}"

    def goal(self, goal_id: str) -> Goal | None:
        """The goal of that id."""
        return next((goal for goal in self.goals if goal.id == goal_id), None)

    def appraisal_of(self, appraisal_id: str) -> Appraisal | None:
        """The appraisal of that id."""
        return next((one for one in self.appraisal if one.id == appraisal_id), None)

    def plan_of(self, component_id: str) -> IncentivePlan | None:
        """The plan that a component belongs to."""
        return next((plan for plan, component in self.components() if component.id == component_id), None)

    @property
    def later(self) -> tuple[Later, ...]:
        """Sections, and rules of classes, follow-up and warnings, that are read and checked, but not carried out."""
        pool = self.pool
        asked = [*(rule.when for rule in pool.recycle), *([pool.exclude] if pool.exclude else [])] if pool else []
        done = {"pool"} if all(map(self.can_ask, asked)) else set()
        sections = [Later(key, self.line_of(key), key) for key in LATER if getattr(self, key) and key not in done]
        unknown = [rule for rule in self.warnings if self.level_of(rule.when) is None]
        classes = [rule for rule in self.classification if rule is not self.classing]
        lost = [rule for rule in self.follow_up if not self.can_follow(rule)]
        return (
            *sections,
            *(Later(f"classification {rule.id}", rule.line, rule.path) for rule in classes),
            *(Later(f"follow-up rule {rule.id}", rule.line, rule.path) for rule in lost),
            *(Later(f"warning {rule.id}", rule.line, rule.path) for rule in unknown),
        )

    @property
    def classing(self) -> Classification | None:
        """The rule that puts customers into the classes A, B and C: the first one whose inputs are known."""
        return next(filter(self._can_class, self.classification), None)

    def _can_class(self, rule: Classification) -> bool:
        if rule.method == "pareto":
            known = rule.metric in self.metrics and self.metrics[rule.metric].adds_up and bool(rule.shares)
        else:
            known = bool(rule.inputs) or (bool(rule.points) and rule.points.keys() <= SCORED_BY)
            known = known and bool(rule.classes)
        return known and rule.of == "customer" and {*rule.shares, *rule.classes} <= CLASSES

    def can_follow(self, rule: FollowUp) -> bool:
        """Whether all that a rule of follow-up reads is known, and the event that its days count from."""
        if rule.where is None:
            return rule.every is not None
        known = names(rule.where.tree)
        return self.can_ask(rule.where) and not known & OF_DEAL and (rule.every is not None or len(known & EVENTS) == 1)

    def can_ask(self, written: Expression) -> bool:
        """Whether all that a condition on a customer reads is known when its recycling is decided."""
        known = names(written.tree) <= OF_CUSTOMER | OF_DEAL | self.metrics.keys()
        return known and calls(written.tree) <= PLAIN

    def level_of(self, written: Expression) -> Level | None:
        """Whom a condition is about; None for one that reads what is not known."""
        return level_of(written.tree, self.metrics)

    def components(self) -> Iterator[tuple[IncentivePlan, Component]]:
        """Every component with its plan, in order."""
        return ((plan, component) for plan in self.incentive for component in plan.components)

    def unit_of(self, metric_id: str) -> str:
        """Unit of a metric's lines: money:CNY, count, ratio, score, duration (days); count if there is no such one."""
        units = {"amount": f"money:{self.currency}", "ratio": "ratio", "score": "score", "duration": "duration"}
        return units.get(self.metrics[metric_id].type, "count") if metric_id in self.metrics else "count"

    def quota_unit(self, goal: Goal) -> int:
        """Rounding unit of the goal's targets: for amounts `policy.rounding.quota` in units, for counts 1."""
        if goal.metric in self.metrics and self.metrics[goal.metric].type != "amount":
            return 1
        try:
            unit = parse_units(self.header.rounding.quota.split(" ")[0])
        except ValueError:
            unit = 0  # not written, or not an amount: the check says so
        return unit if unit > 0 else minor_unit(self.currency)


__all__ = [
    "LATER",
    "Appraisal",
    "AppraisalGate",
    "Axis",
    "Bound",
    "CalendarSection",
    "Cap",
    "Career",
    "Classification",
    "Clawback",
    "Component",
    "Credit",
    "CustomPeriods",
    "Dates",
    "Discount",
    "Draw",
    "Effective",
    "Expression",
    "FollowUp",
    "Forecast",
    "Fx",
    "Gate",
    "Goal",
    "Grade",
    "Guarantee",
    "Header",
    "HeldUntil",
    "Holdback",
    "IncentivePlan",
    "Indicator",
    "Later",
    "Least",
    "Level",
    "Method",
    "Metric",
    "Multiply",
    "Pay",
    "Payee",
    "PlanCap",
    "Point",
    "Policy",
    "Pool",
    "Process",
    "Proration",
    "Reasonable",
    "Recognition",
    "RollUp",
    "Score",
    "Section",
    "Simulation",
    "Stage",
    "Step",
    "Target",
    "Tier",
    "Tiers",
    "Training",
    "Transition",
    "TrueUp",
    "WarningRule",
]

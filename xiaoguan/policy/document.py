"""制度 the policy document: one frozen dataclass for each section, and what each key means.

`load.read` fills these classes from the text: the annotation of a field says how its text is read, so this file is
the vocabulary of the policy. A key that this version keeps and shows but does not carry out is of type `Later`; it
ends up in `later` of its section. docs/reference/policy.md describes every key; a test compares the two.

Where a word of the document cannot be a Python name (`from`), the field says so in its metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal

from xiaoguan.base.money import SCALE, minor_digits
from xiaoguan.base.periods import Calendar

from .formula import Duration, Expr, Type

# How the text of a key is read; load.READERS has a function for each.
Text = Annotated[str, "text"]
Id = Annotated[str, "id"]
Number = Annotated[Fraction, "number"]
Percent = Annotated[Fraction, "percent"]
Whole = Annotated[int, "whole"]
Units = Annotated[int, "units"]
MonthDay = Annotated[tuple[int, int], "month_day"]
Weekday = Annotated[str, "weekday"]
Names = Annotated[tuple[str, ...], "names"]

START: dict[str, Any] = {"key": "from"}


@dataclass(frozen=True, slots=True)
class Later:
    """A key that is kept and shown but not carried out yet. `value` holds its text as dicts, lists and strings."""

    key: str
    value: object
    line: int = field(default=0, compare=False)
    path: str = field(default="", compare=False)


AnyMap = Annotated[Later, "map"]
AnyList = Annotated[Later, "list"]
Anything = Annotated[Later, "any"]


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula of the document: its text, its tree, and where it stands."""

    text: str
    tree: Expr
    line: int = field(default=0, compare=False)
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Bound:
    """Lower bound of a tier: a percentage (`120%`) or a plain number (`100_000`)."""

    value: Fraction
    percent: bool


@dataclass(frozen=True, kw_only=True)
class Section:
    """What every section has: where it stands, and the keys that wait for a later version."""

    line: int = field(default=0, compare=False)
    path: str = field(default="", compare=False)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    later: tuple[Later, ...] = ()

    def line_of(self, key: str) -> int:
        """Line of one key, or of the section."""
        return self.lines.get(key, self.line)


# 制度头


@dataclass(frozen=True, kw_only=True)
class Effective(Section):
    """生效期 [start, end); end None is open."""

    start: date = field(metadata=START)
    end: date | None = field(metadata={"key": "to"}, default=None)


@dataclass(frozen=True, kw_only=True)
class PolicyScope(Section):
    """Whom the policy is for; no roles means everybody."""

    roles: Names = ()


@dataclass(frozen=True, kw_only=True)
class Rounding(Section):
    """Named rounding: money and score only state the rule of the engine, quota gives the unit of targets."""

    money: Text = ""
    score: Text = ""
    quota: Text = ""


@dataclass(frozen=True, kw_only=True)
class Header(Section):
    """制度头: what the document is, whom it is for, and since when."""

    schema: Literal["sales-policy/1"] = "sales-policy/1"
    id: Text
    name: Text
    version: Text
    effective: Effective
    supersedes: Text = ""
    scope: PolicyScope = field(default_factory=PolicyScope)
    currency: Text
    timezone: Text = "UTC"
    rounding: Rounding = field(default_factory=Rounding)
    owner: Text = ""
    change_note: Text = ""
    fx: AnyMap | None = None
    transition: AnyMap | None = None


# 期间日历


@dataclass(frozen=True, kw_only=True)
class YearEnds(Section):
    """财年末: the weekday on which week-based years end, and the date it is nearest to, or the last before."""

    weekday: Weekday
    nearest: MonthDay | None = None
    last: MonthDay | None = None
    label: Literal["first_day", "last_day", "anchor_year"] = "anchor_year"
    leap_week_to: Whole = 12


@dataclass(frozen=True, kw_only=True)
class Week(Section):
    """周: its first day, and to which month a week at the month's end belongs."""

    starts: Weekday = "monday"
    belongs_to: Literal["day", "thursday", "first_day", "last_day"] = "day"


@dataclass(frozen=True, kw_only=True)
class WorkingDays(Section):
    """工作日: weekdays worked, the holiday table, and whether make-up days (调休) count."""

    weekdays: Annotated[tuple[str, ...], "weekdays"] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    holidays: Literal["cn", "none"] = "none"
    shift_days: bool = True


@dataclass(frozen=True, kw_only=True)
class Close(Section):
    """结账: which period is closed, and how long after its end."""

    period: Text = "month"
    due: Duration | None = None


@dataclass(frozen=True, kw_only=True)
class CustomPeriods(Section):
    """自定义期间: first days of consecutive periods, and the exclusive end of the last."""

    starts: tuple[date, ...]
    end: date


@dataclass(frozen=True, kw_only=True)
class CalendarSection(Section):
    """期间日历: how days become periods."""

    pattern: Literal["gregorian", "445", "454", "544"] = "gregorian"
    fiscal_year_starts: MonthDay = (1, 1)
    fiscal_year_ends: YearEnds | None = None
    label: Literal["first_day", "last_day"] | None = None
    week: Week = field(default_factory=Week)
    working_days: WorkingDays = field(default_factory=WorkingDays)
    close: Close | None = None
    custom: Mapping[str, CustomPeriods] = field(default_factory=dict)


# 指标


@dataclass(frozen=True, kw_only=True)
class Metric(Section):
    """指标: a number with a definition. With `start` (from) it reads a fact table, without it other metrics."""

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

    @property
    def kind(self) -> Type:
        """Its type as formulas know it."""
        return Type(self.type)


# 目标


@dataclass(frozen=True, kw_only=True)
class Target(Section):
    """目标值: fixed value, growth over a base, assigned person by person, or bottom-up."""

    method: Literal["fixed", "growth", "assigned", "bottom_up"]
    value: Number | None = None
    base: Literal["prior_year", "prior_period"] | None = None
    growth: Percent | None = None
    submit_by: Anything | None = None
    floor: AnyMap | None = None


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
class Goal(Section):
    """目标: what a metric should reach in a period, and how the whole becomes parts."""

    id: Id
    name: Text = ""
    metric: Id
    period: Text
    target: Target
    allocate: tuple[Step, ...] = ()
    over_assignment: Annotated[Mapping[str, Fraction], "levels"] = field(default_factory=dict)
    ramp: tuple[Percent, ...] = ()
    proration: Proration | None = None
    source: Text = ""
    applies: Anything | None = None
    absence: AnyMap | None = None
    check: AnyMap | None = None


# 销售流程


@dataclass(frozen=True, kw_only=True)
class Stage(Section):
    """阶段: with the share of deals that are won from here, the time limit and what must be filled in to leave it."""

    id: Id
    name: Text
    probability: Percent | None = None
    limit: Duration | None = None
    checklist: Annotated[tuple[str, ...], "texts"] = ()
    category: Literal["", "pipeline", "best_case", "commit"] = ""
    closes: Literal["", "won", "lost"] = ""
    after: Id = ""
    first_response: Duration | None = None


@dataclass(frozen=True, kw_only=True)
class Moves(Section):
    """阶段移动: what happens on a skip, on a move back, and when the limit is over."""

    skip: Literal["allowed", "with_reason", "forbidden"] = "allowed"
    back: Literal["allowed", "with_reason", "forbidden"] = "allowed"
    overdue: Literal["nothing", "warn", "escalate"] = "nothing"


@dataclass(frozen=True, kw_only=True)
class Process(Section):
    """销售流程: the stages of a sale, in order."""

    id: Id
    name: Text = ""
    stages: tuple[Stage, ...]
    moves: Moves = field(default_factory=Moves)
    source: Text = ""


# 激励


@dataclass(frozen=True, kw_only=True)
class Tier(Section):
    """费率档: from this bound on. `factor` (of the base rate) and `amount` (a sum) wait for a later version."""

    start: Bound = field(metadata=START)
    rate: Percent | None = None
    factor: Anything | None = None
    amount: Anything | None = None


@dataclass(frozen=True, kw_only=True)
class Tiers(Section):
    """费率表: marginal pays each part at its tier's rate, slab pays all at the rate of the tier reached."""

    mode: Literal["marginal", "slab"]
    by: Literal["amount", "attainment"]
    of: Id = ""
    accumulate: Text = "period"
    rates: tuple[Tier, ...]


@dataclass(frozen=True, kw_only=True)
class Component(Section):
    """方案组成: one line of the statement. Kinds other than commission and bonus wait for a later version."""

    id: Id
    name: Text = ""
    kind: Literal["commission", "bonus", "matrix", "spiff", "pool", "override_rate"]
    period: Text = "month"
    basis: Id = ""
    rate: Expression | None = None
    tiers: Tiers | None = None
    amount: Expression | None = None
    when: Expression | None = None
    source: Text = ""
    weight: Anything | None = None
    target: Anything | None = None
    multiply: Anything | None = None
    cap: Anything | None = None
    valid: Anything | None = None
    where: Anything | None = None
    role: Anything | None = None
    of: Anything | None = None
    rates: Anything | None = None
    rows: Anything | None = None
    columns: Anything | None = None
    percent: Anything | None = None
    pay_each: Anything | None = None
    fund: Anything | None = None
    divide: Anything | None = None

    @property
    def carried_out(self) -> bool:
        """Whether this version calculates it: it has no key that waits."""
        tiers_wait = self.tiers is not None and any(tier.later for tier in self.tiers.rates)
        return self.kind in ("commission", "bonus") and not self.later and not tiers_wait


@dataclass(frozen=True, kw_only=True)
class IncentivePlan(Section):
    """激励方案: the components that people in these roles can earn; no role means everybody in scope."""

    id: Id
    name: Text = ""
    role: Names = ()
    components: tuple[Component, ...]
    source: Text = ""
    credit: AnyMap | None = None
    target_incentive: Anything | None = None
    multiply: AnyList | None = None
    draw: AnyMap | None = None
    guarantee: AnyMap | None = None
    true_up: AnyMap | None = None
    cap: AnyMap | None = None
    pay: AnyMap | None = None
    clawback: AnyMap | None = None
    dispute: AnyMap | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Policy(Section):
    """销售管理制度: the whole document. Two policies are the same only if they are the same object."""

    header: Header = field(metadata={"key": "policy"})
    calendar_section: CalendarSection = field(metadata={"key": "calendar"}, default_factory=CalendarSection)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    process: Process | None = None
    incentive: tuple[IncentivePlan, ...] = ()
    forecast: AnyMap | None = None
    classification: AnyList | None = None
    follow_up: AnyList | None = None
    pool: AnyMap | None = None
    training: AnyMap | None = None
    discount: AnyMap | None = None
    appraisal: AnyList | None = None
    recognition: AnyList | None = None
    warnings: AnyList | None = None

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

    def components(self) -> Iterator[tuple[IncentivePlan, Component]]:
        """Every component with its plan, in order."""
        return ((plan, component) for plan in self.incentive for component in plan.components)

    def unit_of(self, metric_id: str) -> str:
        """Unit of a metric's lines: money:CNY, count, ratio or score; count for a metric that is not there."""
        units = {"amount": f"money:{self.currency}", "ratio": "ratio", "score": "score"}
        return units.get(self.metrics[metric_id].type, "count") if metric_id in self.metrics else "count"

    def quota_unit(self, goal: Goal) -> int:
        """Rounding unit of the goal's targets: for amounts `policy.rounding.quota` in units, for counts 1."""
        if goal.metric in self.metrics and self.metrics[goal.metric].type != "amount":
            return 1
        text = self.header.rounding.quota.split(" ")[0]
        return int(Fraction(text) * SCALE) if text else int(10 ** (4 - minor_digits(self.currency)))

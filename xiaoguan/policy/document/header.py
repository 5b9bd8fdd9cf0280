"""制度头 and 期间日历: what the document is, whom it is for, since when, and how days become periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Literal

from xiaoguan.base.periods import Pattern

from ..formula import Duration
from .base import Dates, MonthDay, Names, Section, Text, Weekday, Weekdays, Whole

Change = Literal["new_period_only", "prorate", "new_for_whole_period"]


@dataclass(frozen=True, kw_only=True)
class Effective(Dates):
    """生效期 [start, end); end None is open."""


@dataclass(frozen=True, kw_only=True)
class PolicyScope(Section):
    """适用范围: whom the policy is for; no roles means everybody."""

    roles: Names = ()


@dataclass(frozen=True, kw_only=True)
class Rounding(Section):
    """取整: money and score state the rule of the engine, quota gives the unit of targets."""

    money: Text = ""
    score: Text = ""
    quota: Text = ""


@dataclass(frozen=True, kw_only=True)
class Fx(Section):
    """汇率口径: which rate counts for attainment, for earning and for payout; a missing rate holds the record."""

    attainment: Literal["plan_rate", "event_date", "month_average"] = "plan_rate"
    earning: Literal["plan_rate", "event_date", "month_average"] = "event_date"
    payout: Literal["earned", "month_average", "event_date"] = "earned"
    missing: Literal["hold"] = "hold"


@dataclass(frozen=True, kw_only=True)
class Transition(Section):
    """期中变更: what a change inside a period or an accumulation window does, by default and by component."""

    default: Change = "new_period_only"
    components: Mapping[str, Change] = field(default_factory=dict)


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
    fx: Fx | None = None
    transition: Transition | None = None
    waiver: Text = ""


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

    weekdays: Weekdays = ("monday", "tuesday", "wednesday", "thursday", "friday")
    holidays: Literal["cn", "none"] = "none"
    shift_days: bool = True


@dataclass(frozen=True, kw_only=True)
class Close(Section):
    """结账: which period is closed, and how long after its end."""

    short: ClassVar[str] = "period"
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

    pattern: Pattern = "gregorian"
    fiscal_year_starts: MonthDay = (1, 1)
    fiscal_year_ends: YearEnds | None = None
    label: Literal["first_day", "last_day"] | None = None
    week: Week = field(default_factory=Week)
    working_days: WorkingDays = field(default_factory=WorkingDays)
    close: Close | None = None
    custom: Mapping[str, CustomPeriods] = field(default_factory=dict)

"""期间 period and 期间日历 calendar: day to year, half years, 4-4-5, fiscal years, custom periods, working days.

Every period is half-open [start, end) of civil dates, and has a label that `Calendar.parse` reads back:

    2026    2026-H1    2026-Q1    2026-03    2026-W07    2026-03-02    2026-01-01..2026-02-01 (end exclusive)

`2026-03` is the calendar month wherever months are calendar months. Where they are not (week patterns, a fiscal year
that starts inside a month) months are numbered from the start of the fiscal year and labelled 2026-M03; both
spellings are read. Years, halves and quarters always count from the start of the fiscal year.
Source: spec/domain.md 2.1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
KINDS = ("day", "week", "month", "quarter", "half_year", "year")

PATTERNS = ("gregorian", "445", "454", "544", "weeks")
Pattern = Literal["gregorian", "445", "454", "544", "weeks"]
YearLabel = Literal["first_day", "last_day", "anchor_year"]
WeekBelongsTo = Literal["day", "thursday", "first_day", "last_day"]

_MONTHS_IN = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
_LABEL = re.compile(r"(\d{4})(?:-(?:H([12])|Q([1-4])|M(\d\d)|W(\d\d)|(\d\d)(?:-(\d\d))?))?$")
_DAY = timedelta(days=1)


class CalendarGap(ValueError):
    """A working day was asked for in a year whose holiday table is not there."""


@dataclass(frozen=True, slots=True)
class Period:
    """期间: the civil dates [start, end), with its kind and the label people write."""

    start: date
    end: date
    kind: str
    label: str

    @property
    def days(self) -> int:
        """Calendar days in it."""
        return (self.end - self.start).days

    def contains(self, day: date) -> bool:
        """Whether the day lies in [start, end)."""
        return self.start <= day < self.end

    def __str__(self) -> str:
        return self.label

    def to_json(self) -> dict[str, str]:
        """A plain dict with ISO dates."""
        return {"start": str(self.start), "end": str(self.end), "kind": self.kind, "label": self.label}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Period:
        """The period that `to_json` wrote."""
        start, end = date.fromisoformat(data["start"]), date.fromisoformat(data["end"])
        return cls(start, end, data["kind"], data["label"])


@dataclass(frozen=True, slots=True)
class YearEnd:
    """Last day of a week-based year: the `weekday` nearest to, or last on or before, month/day."""

    weekday: str
    month: int
    day: int
    rule: Literal["nearest", "last"] = "nearest"


@dataclass(frozen=True)
class Calendar:
    """期间日历: turns days into periods.

    pattern             gregorian months, months of whole weeks (445, 454, 544), or plain weeks: quarters of 13 of
                        them and no months.
    fiscal_year_starts  (month, day) for gregorian; the day at most 28.
    fiscal_year_ends    YearEnd, required for the week patterns; plain weeks without it are those of ISO 8601.
                        leap_week_to is the month that takes a 53rd week; in plain weeks it is the last quarter.
    label               a year is named for its first_day, last_day or anchor_year (week patterns: the year of the
                        anchor date); default last_day, for week patterns anchor_year.
    week_starts         a weekday name; a week of a gregorian calendar belongs to the year of its fourth day (ISO 8601).
    week_belongs_to     how `children` and `ending_in` cut weeks out of a longer gregorian period: day splits them at
                        its ends; thursday, first_day and last_day take whole weeks by that day.
    weekdays            the working weekdays. holidays: None or "cn" (public holidays of China from the
                        chinesecalendar package); shift_days: make-up working days (调休) count.
    custom              {kind: [first day, ..., exclusive end]}: consecutive periods of any length.
    """

    pattern: Pattern = "gregorian"
    fiscal_year_starts: tuple[int, int] = (1, 1)
    fiscal_year_ends: YearEnd | None = None
    leap_week_to: int = 12
    label: YearLabel | None = None
    week_starts: str = "monday"
    week_belongs_to: WeekBelongsTo = "day"
    weekdays: tuple[str, ...] = WEEKDAYS[:5]
    holidays: Literal["cn"] | None = None
    shift_days: bool = True
    custom: Mapping[str, Sequence[date]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.pattern not in PATTERNS:
            raise ValueError(f"calendar pattern {self.pattern!r} is not one of {', '.join(PATTERNS)}")
        if self.pattern not in ("gregorian", "weeks") and self.fiscal_year_ends is None:
            raise ValueError(f"a {self.pattern} calendar needs fiscal_year_ends: the weekday and the date it is near")
        if not 1 <= self.fiscal_year_starts[1] <= 28:
            raise ValueError("fiscal_year_starts must be a day from 1 to 28, which every month has")
        if not 1 <= self.leap_week_to <= 12:
            raise ValueError("leap_week_to is the number of a month, 1 to 12")
        if not self.weekdays:
            raise ValueError("a calendar needs at least one working weekday")
        names = {self.week_starts, *self.weekdays} | ({e.weekday} if (e := self.fiscal_year_ends) else set())
        if unknown := names - set(WEEKDAYS):
            raise ValueError(f"{sorted(unknown)} are not weekdays; write monday to sunday")
        for kind, days in self.custom.items():
            if kind in (*KINDS, "range"):
                raise ValueError(f"custom period {kind!r} has the name of a built-in kind")
            if len(days) < 2 or any(a >= b for a, b in pairwise(days)):
                raise ValueError(f"custom period {kind!r} needs rising dates: every first day, then the exclusive end")

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of period this calendar knows."""
        built_in = tuple(kind for kind in KINDS if kind != "month") if self.pattern == "weeks" else KINDS
        return (*built_in, *self.custom)

    def period(self, kind: str, on: date) -> Period:
        """The period of that kind that holds the day; ValueError for an unknown kind or a day outside custom ones."""
        if kind == "day":
            return _day(on)
        if kind == "week":
            return self._week(on)
        if kind in self.custom:
            return self._custom(kind, on)
        if kind not in _MONTHS_IN or kind not in self.kinds:
            raise ValueError(f"period {kind!r} is not one of {', '.join(self.kinds)}")
        year, starts = self._year_of(on)
        month = bisect_right(starts, on, 0, 12) - 1
        size = _MONTHS_IN[kind]
        return self._months(kind, year, month // size)

    def months_between(self, since: date, on: date) -> int:
        """How many of its months after that of `since` the month of `on` comes; ValueError without months.

        >>> Calendar().months_between(date(2025, 12, 31), date(2026, 2, 1))
        2
        """
        if "month" not in self.kinds:
            raise ValueError(f"period 'month' is not one of {', '.join(self.kinds)}")
        (first, starts), (last, ends) = self._year_of(since), self._year_of(on)
        return (last - first) * 12 + bisect_right(ends, on, 0, 12) - bisect_right(starts, since, 0, 12)

    def parse(self, text: str) -> Period:
        """The period a label names; ValueError says what would be right.

        A full date is the custom period that starts that day, if there is one, otherwise the day.
        """
        first, dots, last = text.strip().partition("..")
        try:
            if dots:
                return span(date.fromisoformat(first), date.fromisoformat(last))
            return self._parse_label(first)
        except (ValueError, OverflowError) as error:
            examples = "2026, 2026-H1, 2026-Q1, 2026-03, 2026-W07, 2026-03-02 or 2026-01-01..2026-02-01"
            raise ValueError(f"{text!r} is not a period ({error}); write {examples}") from None

    def children(self, period: Period, kind: str) -> list[Period]:
        """The periods of a shorter kind that tile it, in order (see week_belongs_to for weeks)."""
        found, day = [], period.start
        while day < period.end:
            child = self.period(kind, day)
            found.append(child)
            day = child.end
        inside = [child for child in found if period.start <= child.start and child.end <= period.end]
        if kind != "week" or self.pattern != "gregorian":
            if len(inside) < len(found):
                raise ValueError(f"{kind} periods do not tile {period.label}")
            return found
        if self.splits_weeks:
            return [Period(max(c.start, period.start), min(c.end, period.end), c.kind, c.label) for c in found]
        thursday = (3 - WEEKDAYS.index(self.week_starts)) % 7
        offset = {"thursday": thursday, "first_day": 0, "last_day": 6}[self.week_belongs_to]
        return [child for child in found if period.contains(child.start + offset * _DAY)]

    @property
    def splits_weeks(self) -> bool:
        """Whether a week may lie in two months, each with a part of it."""
        return self.pattern == "gregorian" and self.week_belongs_to == "day"

    def ending_in(self, period: Period, kind: str) -> list[Period]:
        """The periods of a kind that are due when `period` closes, in order: those whose last day lies in it; weeks as
        `week_belongs_to` says."""
        if kind == period.kind:
            return [period]
        if kind == "week" and self.pattern == "gregorian":
            return self.children(period, kind)
        if kind in self.custom:
            found = [Period(a, b, kind, a.isoformat()) for a, b in pairwise(self.custom[kind])]
            return [one for one in found if period.start < one.end <= period.end]
        found, one = [], self.period(kind, period.start)
        while one.end <= period.end:
            found.append(one)
            one = self.period(kind, one.end)
        return found

    def previous(self, period: Period) -> Period:
        """The period of the same kind just before; for a range, as many days just before."""
        if period.kind == "range":
            return span(period.start - period.days * _DAY, period.start)
        return self.period(period.kind, period.start - _DAY)

    def same_last_year(self, period: Period) -> Period:
        """The like period one year earlier.

        Months and longer: the same number of the year before. Weeks align as weeks: 52 weeks earlier. Days: the same
        date, in week patterns the same weekday 52 weeks earlier. Custom periods: the one that holds the same middle.
        """
        if period.kind in _MONTHS_IN:
            year, starts = self._year_of(period.start)
            month = max(i for i in range(12) if starts[i] <= period.start)
            return self._months(period.kind, year - 1, month // _MONTHS_IN[period.kind])
        if period.kind == "week" or self.pattern != "gregorian":
            return self._shifted(period, lambda day: day - 364 * _DAY)
        return self._shifted(period, _year_before)

    def is_working_day(self, day: date) -> bool:
        """Whether the day is worked: a working weekday that is no holiday, or a make-up day."""
        if self.holidays == "cn":
            off, made_up, years = _china()
            if day.year not in years:
                raise CalendarGap(
                    f"the holiday table of China has no year {day.year} (it has {min(years)} to {max(years)}); "
                    "update the package chinesecalendar, or set calendar.working_days.holidays to none"
                )
            if day in made_up and self.shift_days:
                return True
            if day in off:
                return False
        return WEEKDAYS[day.weekday()] in self.weekdays

    def working_days(self, start: date, end: date) -> int:
        """Working days in [start, end); CalendarGap for a year whose holidays are not known."""
        return sum(self.is_working_day(start + i * _DAY) for i in range((end - start).days))

    # Years and their twelve months. Inside, a fiscal year is known by the calendar year of its start (gregorian) or of
    # its anchor date (week patterns): the name people give it depends on `label` and is not always unique.

    def _year_of(self, day: date) -> tuple[int, list[date]]:
        """The fiscal year that holds the day, and the first days of its months with the end of the year."""
        year = day.year + 1
        while (starts := _month_starts(self, year))[0] > day:
            year -= 1
        return year, starts

    def _months(self, kind: str, year: int, index: int) -> Period:
        """The `index`th month, quarter, half or whole of a fiscal year."""
        starts, size = _month_starts(self, year), _MONTHS_IN[kind]
        start, end = starts[index * size], starts[(index + 1) * size]
        if kind == "month" and self._calendar_months:
            return Period(start, end, kind, f"{start:%Y-%m}")
        number = {"month": f"-M{index + 1:02d}", "quarter": f"-Q{index + 1}", "half_year": f"-H{index + 1}", "year": ""}
        return Period(start, end, kind, f"{self._name(year):04d}{number[kind]}")

    @property
    def _calendar_months(self) -> bool:
        return self.pattern == "gregorian" and self.fiscal_year_starts[1] == 1

    def _name(self, year: int) -> int:
        """The year people call a fiscal year."""
        label = self.label or ("last_day" if self.pattern == "gregorian" else "anchor_year")
        starts = _month_starts(self, year)
        return {"first_day": starts[0].year, "last_day": (starts[-1] - _DAY).year, "anchor_year": year}[label]

    def _named(self, name: int) -> int:
        """The fiscal year that people call by that name."""
        for year in (name, name - 1, name + 1):
            if self._name(year) == name:
                return year
        raise ValueError(f"no fiscal year is named {name}")

    # Weeks, custom periods, labels.

    def _week(self, day: date) -> Period:
        if self.pattern != "gregorian":
            year, starts = self._year_of(day)
            name, number = self._name(year), (day - starts[0]).days // 7
            start = starts[0] + 7 * number * _DAY
        else:
            start = day - (day.weekday() - WEEKDAYS.index(self.week_starts)) % 7 * _DAY
            middle = start + 3 * _DAY
            name, number = middle.year, (middle.timetuple().tm_yday - 1) // 7
        return Period(start, start + 7 * _DAY, "week", f"{name:04d}-W{number + 1:02d}")

    def _custom(self, kind: str, day: date) -> Period:
        days = self.custom[kind]
        for start, end in pairwise(days):
            if start <= day < end:
                return Period(start, end, kind, start.isoformat())
        raise ValueError(f"{day} is in no {kind}: they run from {days[0]} to {days[-1] - _DAY}")

    def _parse_label(self, text: str) -> Period:
        match = _LABEL.match(text)
        if not match:
            raise ValueError("its form is unknown")
        name = int(match[1])
        _, half, quarter, number, week, month, day = match.groups()
        if day:
            return self._parse_day(date.fromisoformat(text))
        if week:
            return self._parse_week(name, text)
        if month and self._calendar_months:
            return self.period("month", date(name, int(month), 1))
        year = self._named(name)
        if half or quarter:
            return self._months("half_year" if half else "quarter", year, int(half or quarter) - 1)
        if (number or month) and "month" not in self.kinds:
            raise ValueError("a calendar of plain weeks has no months")
        if number or month:
            if not 1 <= int(number or month) <= 12:
                raise ValueError("a year has 12 months")
            return self._months("month", year, int(number or month) - 1)
        return self._months("year", year, 0)

    def _parse_week(self, name: int, label: str) -> Period:
        near = date(name, 1, 4) if self.pattern == "gregorian" else _month_starts(self, self._named(name))[0]
        found = self._week(near + 7 * (int(label[-2:]) - 1) * _DAY)
        if found.label != label:
            raise ValueError(f"{name} has no week {label[-2:]}")
        return found

    def _parse_day(self, day: date) -> Period:
        for kind, days in self.custom.items():
            if day in days[:-1]:
                return self._custom(kind, day)
        return _day(day)

    def _shifted(self, period: Period, move: Callable[[date], date]) -> Period:
        if period.kind == "range":
            return span(move(period.start), move(period.end))
        middle = period.start + period.days // 2 * _DAY
        return self.period(period.kind, move(middle))


def span(start: date, end: date) -> Period:
    """Any stretch of days [start, end) as a period of kind "range"."""
    if end <= start:
        raise ValueError(f"a period ends after it starts: {start}..{end}")
    return Period(start, end, "range", f"{start}..{end}")


def _day(day: date) -> Period:
    return Period(day, day + _DAY, "day", day.isoformat())


def _year_before(day: date) -> date:
    """The same date a year earlier; 29 February becomes 28 February."""
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)


@lru_cache(maxsize=256)
def _month_starts(calendar: Calendar, year: int) -> list[date]:
    """First days of the twelve months of a fiscal year, then its exclusive end."""
    if calendar.pattern == "gregorian":
        month, day = calendar.fiscal_year_starts
        return [date(year + (month - 1 + i) // 12, (month - 1 + i) % 12 + 1, day) for i in range(13)]
    ends = calendar.fiscal_year_ends or YearEnd(WEEKDAYS[WEEKDAYS.index(calendar.week_starts) - 1], 12, 31)
    start, end = (_year_end(ends, y) + _DAY for y in (year - 1, year))
    weeks = [int(digit) for digit in ("445" if calendar.pattern == "weeks" else calendar.pattern)] * 4
    if (end - start).days // 7 == 53:
        weeks[calendar.leap_week_to - 1] += 1
    return [start + 7 * sum(weeks[:i]) * _DAY for i in range(13)]


def _year_end(rule: YearEnd, year: int) -> date:
    """Last day of the week-based year whose anchor date lies in `year`."""
    anchor = date(year, rule.month, rule.day)
    back = (anchor.weekday() - WEEKDAYS.index(rule.weekday)) % 7
    return anchor - back * _DAY if rule.rule == "last" or back <= 3 else anchor + (7 - back) * _DAY


@lru_cache(maxsize=1)
def _china() -> tuple[frozenset[date], frozenset[date], frozenset[int]]:
    """Holidays and make-up working days of China, and the years the table covers."""
    from chinese_calendar.constants import holidays, workdays

    return frozenset(holidays), frozenset(workdays), frozenset(day.year for day in holidays)

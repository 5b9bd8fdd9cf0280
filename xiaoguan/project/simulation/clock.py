"""Months and working days to draw from."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, timedelta

from xiaoguan.base.periods import Calendar, CalendarGap
from xiaoguan.project.simulation.chance import Chance

DAY = timedelta(days=1)


def month_start(day: date, back: int = 0) -> date:
    """The first day of the month, `back` months before that of `day` (negative: after)."""
    number = day.year * 12 + day.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def is_working_day(calendar: Calendar, day: date) -> bool:
    """As the calendar says; Monday to Friday in a year whose holidays it does not know yet."""
    try:
        return calendar.is_working_day(day)
    except CalendarGap:
        return day.weekday() < 5


class Days:
    """The working days of a stretch, to draw from."""

    def __init__(self, calendar: Calendar, start: date, end: date):
        every = (start + i * DAY for i in range((end - start).days))
        self.all = [day for day in every if is_working_day(calendar, day)]

    def since(self, day: date) -> date:
        """The day itself or the next one that is worked."""
        return self.all[min(bisect_left(self.all, day), len(self.all) - 1)]

    def before(self, day: date) -> date:
        """The last worked day before it."""
        return self.all[max(bisect_left(self.all, day) - 1, 0)]

    def draw(self, rng: Chance, start: date, end: date, slice_: tuple[int, int] = (0, 1)) -> date | None:
        """One of [start, end), or of the i-th of n equal slices of it; None if there is none."""
        low, high = bisect_left(self.all, start), bisect_left(self.all, end)
        if low >= high:
            return None
        return self.all[low + int((slice_[0] + rng.random()) / slice_[1] * (high - low))]

"""Until when: the last day of a time that a policy gives."""

from __future__ import annotations

from datetime import date

from xiaoguan.base.periods import CalendarGap
from xiaoguan.policy import Policy
from xiaoguan.policy.formula import Duration


def last_day(policy: Policy, window: Duration, start: date) -> date:
    """The last day of the window that begins on `start`; working days by the policy's calendar."""
    if window.unit != "wd":
        return window.after(start)
    day, left = start, window.count
    while left:
        following = date.fromordinal(day.toordinal() + 1)
        after = date.fromordinal(day.toordinal() + 2)
        try:
            left -= policy.calendar.working_days(following, after)
        except CalendarGap:
            left -= following.weekday() < 5
        day = following
    return day

"""跟进 follow-up: when a customer has to be heard of next by the policy, and from when on that is overdue.

A rule counts from the last contact that qualifies (`every`), or asks for contacts so long after an event (`at`): the
event is what its condition counts from, the last deal or the day the customer came to its owner. Of several rules the
one that is due first counts. Source: spec/domain.md section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from xiaoguan.base.periods import CalendarGap

from .check.common import CUSTOMER
from .document import FollowUp, Policy
from .document.asked import EVENTS
from .formula import Duration, Evaluator, Named, Scope, Type, evaluator, names, resolve

DAY = timedelta(days=1)


class Contacts(Named, Protocol):
    """A customer on a day: what conditions read of it, and when somebody was in touch with it."""

    @property
    def since(self) -> date:
        """The day it came to its present owner."""
        ...

    def contacted(self, kinds: Sequence[str], minutes: int) -> date | None:
        """The last contact of one of these kinds, of any kind if there are none, and at least so long."""
        ...


@dataclass(frozen=True)
class Due:
    """跟进到期: by which rule, on which day, and the first day on which it is overdue."""

    rule: FollowUp
    on: date
    late_on: date

    def overdue(self, day: date) -> int:
        """Days overdue on a day; 0 while it is not."""
        return max(0, (day - self.late_on).days + 1)


class Following:
    """The rules of a policy, read once and asked of many customers; only those that can be asked."""

    def __init__(self, policy: Policy):
        self.policy = policy
        types = {**CUSTOMER.names, **{name: metric.kind for name, metric in policy.metrics.items()}}
        scope = Scope(types, open=CUSTOMER.open)

        def read(rule: FollowUp) -> Evaluator | None:
            return evaluator(resolve(rule.where.tree, scope, Type.BOOL)[0]) if rule.where is not None else None

        self.rules = [(rule, read(rule)) for rule in policy.follow_up if policy.can_follow(rule)]

    @property
    def names(self) -> frozenset[str]:
        """Everything that the rules read."""
        conditions = (rule.where.tree for rule, _holds in self.rules if rule.where is not None)
        return frozenset[str]().union(*map(names, conditions))

    @property
    def qualified(self) -> bool:
        """Whether a rule asks for contacts of some kind or length."""
        return any(rule.kind or rule.min_minutes for rule, _holds in self.rules)

    def next(self, facts: Contacts, day: date) -> Due | None:
        """What is due next for a customer, be it long ago; of two on a day the rule written first."""
        found: Due | None = None
        for rule, holds in self.rules:
            if holds is not None and not holds(facts):
                continue
            on = self._every(rule, facts) if rule.every is not None else self._at(rule, facts, day)
            if on is not None and (found is None or on < found.on):
                late = on if rule.grace is None else after(self.policy, on, rule.grace)
                found = Due(rule, on, late + DAY)
        return found

    def _every(self, rule: FollowUp, facts: Contacts) -> date:
        assert rule.every is not None
        last = facts.contacted(rule.kind, rule.min_minutes)
        return after(self.policy, max(last or facts.since, facts.since), rule.every)

    def _at(self, rule: FollowUp, facts: Contacts, day: date) -> date | None:
        """The first of the days after the event on which there was no contact since."""
        assert rule.where is not None
        days = facts.get(next(iter(names(rule.where.tree) & EVENTS)))
        if not isinstance(days, int):
            return None
        event = day - timedelta(days=days)
        last = facts.contacted(rule.kind, rule.min_minutes)
        points = sorted(after(self.policy, event, one) for one in rule.at)
        return next((point for point in points if last is None or point > last), None)


def after(policy: Policy, day: date, length: Duration) -> date:
    """The day so long after another; working days by the calendar, as far as it knows them."""
    if length.unit == "h":
        return day + timedelta(days=length.count // 24)
    if length.unit != "wd":
        return length.after(day)
    left = length.count
    while left > 0:
        day += DAY
        try:
            left -= policy.calendar.is_working_day(day)
        except CalendarGap:
            left -= day.weekday() < 5
    return day


def by_customer(rows: Sequence[Mapping[str, object]]) -> dict[str, list[Mapping[str, object]]]:
    """Rows of a table by the customer that they name."""
    found: dict[str, list[Mapping[str, object]]] = {}
    for row in rows:
        if row.get("customer") not in (None, ""):
            found.setdefault(str(row["customer"]), []).append(row)
    return found

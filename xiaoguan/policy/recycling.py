"""公海回收: which rule of the pool takes a customer back, and in how many days.

A rule is a condition on a customer. What is counted in days grows by one a day while nothing happens, so the same
condition, asked of the days to come, says when it will hold. Source: spec/domain.md section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .check.common import CUSTOMER
from .document import Expression, Policy
from .document.asked import OF_DEAL
from .document.process import Recycle
from .formula import Evaluator, Scope, Type, Value, evaluator, names, resolve

AGES = frozenset({"days_since_follow_up", "days_since_deal", "days_owned", "stage_days", "recency_days"})
"""What grows by one a day. A rule about OF_DEAL holds when it holds for every open deal, and never without one."""


class Facts(Protocol):
    """What is known of one customer on the day; missing is None."""

    def get(self, name: str, /) -> Any: ...

    @property
    def deals(self) -> Sequence[Mapping[str, Value]]:
        """Its open deals with the names of OF_DEAL."""
        ...


@dataclass(frozen=True)
class Due:
    """The rule that takes the customer back first, in so many days, and what it counts: {"days_owned": 181} then."""

    rule: Recycle
    days: int
    counted: Mapping[str, int]


@dataclass(frozen=True)
class _Asked:
    holds: Evaluator
    names: frozenset[str]


class _Later:
    """A row some days on."""

    def __init__(self, facts: Facts, deal: Mapping[str, Value], days: int):
        self.facts, self.deal, self.days = facts, deal, days

    def get(self, name: str, /) -> Value:
        value: Value = self.deal[name] if name in self.deal else self.facts.get(name)
        return value + self.days if name in AGES and isinstance(value, int) else value


class Recycling:
    """The rules of a policy's pool, those that can be asked; `unasked` are the others."""

    def __init__(self, policy: Policy):
        rules = policy.pool.recycle if policy.pool else ()
        known = {**CUSTOMER.names, **{name: metric.kind for name, metric in policy.metrics.items()}}
        scope = Scope(known, open=CUSTOMER.open)

        def read(written: Expression) -> _Asked | None:
            if not policy.can_ask(written):
                return None
            tree = resolve(written.tree, scope, Type.BOOL)[0]
            return _Asked(evaluator(tree), frozenset(names(tree)))

        exclude = policy.pool.exclude if policy.pool else None
        self._exclude = read(exclude) if exclude is not None else None
        # Where it is not known whom the policy excludes, nobody is taken back.
        found = [(rule, read(rule.when) if exclude is None or self._exclude else None) for rule in rules]
        self.rules = [(rule, one) for rule, one in found if one is not None]
        self.unasked = [rule for rule, one in found if one is None]

    @property
    def names(self) -> frozenset[str]:
        """Everything that the rules read."""
        every = [one for _rule, one in self.rules] + ([self._exclude] if self._exclude else [])
        return frozenset().union(*(one.names for one in every))

    def first(self, facts: Facts, within: int, put_off: Mapping[str, int] | None = None) -> Due | None:
        """The rule that takes this customer back first within so many days from today; of two the one written first.

        put_off    {rule: days} by which somebody has put it off
        """
        if self._exclude is not None and _asked(self._exclude, facts, 0):
            return None
        found: Due | None = None
        for rule, one in self.rules:
            shift = (put_off or {}).get(rule.id, 0)
            days = _when(one, facts, (found.days - 1) if found else within, shift)
            if days is not None:
                read = {name: facts.get(name) for name in sorted(one.names & AGES - OF_DEAL)}
                counted = {name: value + days for name, value in read.items() if value is not None}
                found = Due(rule, days, counted)
        return found


def _when(one: _Asked, facts: Facts, within: int, shift: int) -> int | None:
    """In how many days it holds, at most `within`; asked first for the last of these days, which most do not reach."""
    if within < 0:
        return None
    if _asked(one, facts, -shift):
        return 0
    if not _asked(one, facts, within - shift):
        return None
    return next(days for days in range(1, within + 1) if _asked(one, facts, days - shift))


def _asked(one: _Asked, facts: Facts, days: int) -> bool:
    if one.names & OF_DEAL:
        return bool(facts.deals) and all(one.holds(_Later(facts, deal, days)) for deal in facts.deals)
    return bool(one.holds(_Later(facts, {}, days)))


__all__ = ["AGES", "Due", "Facts", "Recycling"]

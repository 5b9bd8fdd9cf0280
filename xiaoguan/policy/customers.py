"""客户 customers: what rules may ask of each customer at the end of a past day, from the fact tables.

The night's work reads the same from what the records keep; here it is worked out again as of any day, for a back-test
and for files. Owner and class are those of now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property

from xiaoguan.base.periods import Period, span

from .classing import Placed, pareto, rated, scored
from .document import Policy
from .document.asked import OVERDUE
from .following import Following, by_customer
from .formula import Duration, Row, Value
from .metrics import PlanError, plan, run
from .training import BEGINNING
from .world import Facts

Contact = tuple[date, object, int]
"""The day, the kind, the minutes."""


@dataclass
class Customers:
    """Every customer that somebody has, before the day `end`."""

    policy: Policy
    facts: Facts
    end: date
    _kept: dict[str, Mapping[str, Sequence[Row]]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Customer]:
        return (one for one in self.everybody() if one.row.get("person"))

    def everybody(self) -> Iterator[Customer]:
        """Those that nobody has too."""
        return (Customer(row, self) for row in self.of("customers", "created_on", BEGINNING))

    def classes(self) -> dict[str, Placed]:
        """The class of each customer by the policy's rule, were it reviewed on the day; before, the one it has."""
        rule, every = self.policy.classing, list(self.everybody())
        if rule is None or not every:
            return {}
        length = rule.window or Duration(1, "y")
        window = span(Duration(-length.count, length.unit).after(self.end), self.end)
        before = {one.key: str(one.get("customer.class") or "") for one in every}
        if rule.method == "pareto":
            brought = {one.key: Fraction(str(one.metric(rule.metric, window) or 0)) for one in every}
            return pareto(rule, brought, before)
        if rule.inputs:
            found = {one.key: rated(rule, one.rated(list(rule.inputs)), before[one.key]) for one in every}
            return {key: placed for key, placed in found.items() if placed is not None}
        return {one.key: scored(rule, one.counted(window), before[one.key]) for one in every}

    def of(self, table: str, by: str, start: date) -> Sequence[Row]:
        """The rows of a table from a day on; none of a table that is not kept."""
        return self.facts.rows(table, span(start, self.end), by) if table in self.facts.schema.facts else ()

    @cached_property
    def following(self) -> Following:
        return Following(self.policy)

    @cached_property
    def contacts(self) -> Mapping[str, Sequence[Contact]]:
        """By customer, the last one first, of this year and the two before: longer ago is as good as never. Read once
        for all days of a year, so that later ones are among them."""
        start, key = date(self.end.year - 2, 1, 1), ("contacts", self.end.year)
        kept = self.facts.cache.get(key)
        if isinstance(kept, dict):
            return kept
        known = "activities" in self.facts.schema.facts
        rows = self.facts.rows("activities", span(start, date(self.end.year + 1, 1, 1)), "done_on") if known else ()
        found = {name: sorted(map(_contact, own), reverse=True, key=_day) for name, own in by_customer(rows).items()}
        self.facts.cache[key] = found
        return found

    @cached_property
    def orders(self) -> Mapping[str, Sequence[Row]]:
        signed = (row for row in self.of("orders", "signed_on", BEGINNING) if row.get("status") in _SIGNED)
        return by_customer(list(signed))

    def rows(self, table: str, by: str, customer: str) -> Sequence[Row]:
        """The rows of one customer in a table, by a date."""
        key = f"{table}.{by}"
        if key not in self._kept:
            self._kept[key] = by_customer(self.of(table, by, BEGINNING))
        return self._kept[key].get(customer, ())


_SIGNED = (None, "", "signed")


@dataclass
class Customer:
    """One of them."""

    row: Row
    among: Customers

    @property
    def key(self) -> str:
        return str(self.row.get("id"))

    @property
    def label(self) -> str:
        return str(self.row.get("label") or self.key)

    @property
    def owner(self) -> str:
        return str(self.row["person"])

    @property
    def today(self) -> date:
        """The day on which is asked: the one after the last that counts."""
        return self.among.end

    @property
    def since(self) -> date:
        found = self.row.get("created_on")
        return found if isinstance(found, date) else BEGINNING

    def contacted(self, kinds: Sequence[str], minutes: int) -> date | None:
        before, found = self.among.end, self.among.contacts.get(self.key, ())
        fits = (on for on, kind, long in found if on < before and long >= minutes and (not kinds or kind in kinds))
        return next(fits, None)

    def get(self, name: str, /) -> Value:
        if name == OVERDUE:
            due = self.among.following.next(self, self.today)
            return due.overdue(self.today) if due is not None else None
        if name == "days_owned":
            return (self.today - self.since).days
        if name == "days_since_follow_up":
            return (self.today - max(self.contacted((), 0) or self.since, self.since)).days
        if name in ("days_since_deal", "recency_days"):
            last = _last(self.among.orders.get(self.key, ()), "signed_on")
            return (self.today - last).days if last is not None else None
        if name == "days_since_delivery":
            rows = self.among.orders.get(self.key, ())
            done = (day for row in rows if isinstance(day := row.get("delivered_on"), date) and day <= self.today)
            return (self.today - last).days if (last := max(done, default=None)) is not None else None
        if name == "orders":
            return len(self.among.orders.get(self.key, ()))
        if name == "spend":
            return sum(int(str(row.get("net_amount") or 0)) for row in self.among.orders.get(self.key, ()))
        if name in self.among.policy.metrics:
            return self.metric(name)
        plain = name.removeprefix("customer.")
        value = self.row.get(plain) or (self.row.get("grade") if plain == "class" else None)
        return value if isinstance(value, str) else None

    def counted(self, window: Period) -> dict[str, Fraction | int | None]:
        """What points are given for: days since the last order, orders and what they brought in a window."""
        days = self.get("days_since_deal")
        rows = [row for row in self.among.orders.get(self.key, ()) if _in(row.get("signed_on"), window)]
        spend = sum(int(str(row.get("net_amount") or 0)) for row in rows)
        return {"recency_days": days if isinstance(days, int) else None, "orders": len(rows), "spend": spend}

    def rated(self, names: Sequence[str]) -> dict[str, Fraction | int]:
        """What people rated of these, as far as they did."""
        given = {name: self.row.get(name) for name in names}
        return {name: value for name, value in given.items() if isinstance(value, int | Fraction)}

    def metric(self, name: str, window: Period | None = None) -> Value:
        """A metric over the customer's own records in a window, or since it came to its owner."""
        policy = self.among.policy
        try:
            planned = plan(policy, name, self.among.facts.schema)
        except PlanError:
            return None

        def rows_of(source: str, window: Period, dated: str) -> list[Row]:
            rows = self.among.rows(source, dated, self.key)
            return [row for row in rows if _in(row.get(dated), window)]

        period = window or span(min(self.since, self.today), self.today)
        value = run(planned, rows_of, period, policy.currency).value
        return value if isinstance(value, int) else None if value is None or isinstance(value, str) else value


def _in(day: object, window: Period) -> bool:
    return isinstance(day, date) and window.contains(day)


def _contact(row: Row) -> Contact:
    on, minutes = row.get("done_on"), row.get("minutes")
    return (on if isinstance(on, date) else date.min, row.get("kind"), minutes if isinstance(minutes, int) else 0)


def _day(contact: Contact) -> date:
    return contact[0]


def _last(rows: Sequence[Row], by: str) -> date | None:
    return max((day for row in rows if isinstance(day := row.get(by), date)), default=None)

"""发放 release: which part of what a record earned may be paid by a day, and what is held back or taken back.

    R(t) = floor_unit(earned x progress(t)), paid is R(t) - R(t-1); at full progress R = earned

Progress of a record is the sum over the ways of release: on signing at once, on delivery and on invoice when it is
delivered or invoiced, by collection as collected / to collect, at most 1. What no record earned (a bonus, a pool) is
released when it is earned. Of what is released a share may be held back for a time; a return in that time keeps it.
Source: spec/domain.md 5.4 and 13.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from xiaoguan.base.money import minor_unit

from .document import Clawback, HeldUntil, Pay, Policy
from .earning import Lot
from .formula import Row
from .metrics import Schema
from .world import Facts

AT_ONCE = ("on_signing", "on_booking", "on_close")
"""Ways of release that do not wait."""
UNDOING = {"returns": "returned_on", "refunds": "refunded_on", "bad_debts": "written_off_on", "events": "happened_on"}
"""Fact tables of events that undo a sale, and the date of each; the field kind names the event."""
DEFAULT_KIND = {"returns": "return", "refunds": "refund", "bad_debts": "bad_debt"}
"""What an event of these tables is where it does not say."""
_ORDER_OF_LINE = {"order_lines": ("order", "orders"), "invoice_lines": ("invoice", "invoices")}


@dataclass(frozen=True, slots=True)
class Undone:
    """An event that undoes a record, wholly or in part: share of it, kind, day, and its table and id."""

    table: str
    id: str
    kind: str
    day: date
    share: Fraction


class Records:
    """What happened to the records that earned something."""

    def __init__(self, policy: Policy, facts: Facts | None) -> None:
        self.policy, self.facts = policy, facts
        self.unit = minor_unit(policy.currency)
        self.schema: Schema | None = facts.schema if facts else None
        self.held: dict[str, str] = {}
        """Payments, invoices and returns that are not counted, by id, and why."""

    def row(self, lot: Lot) -> Row | None:
        return self.facts.row(lot.entity, lot.record) if self.facts and lot.record else None

    def released(self, lot: Lot, pay: Pay | None, until: date) -> int:
        """Units of a lot that may be paid before a day."""
        if pay is None or not pay.release or not lot.record:
            return lot.amount
        share = sum((part * self.progress(lot, way, until) for way, part in pay.release.items()), Fraction(0))
        if share >= 1:
            return lot.amount
        size = abs(lot.amount) * share
        whole = int(size // self.unit) * self.unit
        return whole if lot.amount >= 0 else -whole

    def progress(self, lot: Lot, way: str, until: date) -> Fraction:
        """How far a record has come on one way of release: 0 to 1. One that reverses another is as far as that one, so
        that both are released to nothing."""
        row = self.row(lot)
        if row is None or self.facts is None or way in AT_ONCE:
            return Fraction(1)
        first = self.facts.row(lot.entity, str(row["reverses"])) if row.get("reverses") else None
        if first is not None and not first.get("reverses"):
            return self.progress(replace(lot, record=str(first.get("id"))), way, until)
        if way == "on_delivery":
            return Fraction(_before(row.get("delivered_on"), until))
        if way == "on_invoice":
            return self.invoiced(lot, row, until)
        return self.collected(lot, row, until)

    def invoiced(self, lot: Lot, row: Row, until: date) -> Fraction:
        if lot.entity.startswith("invoice"):
            return Fraction(1)
        head = self.head(lot, row)
        whole, billed = self.whole(head), Fraction(0)
        rows = [one for one in self.about("invoices", lot, row) if _before(one.get("invoiced_on"), until)]
        if not rows:
            return Fraction(0)
        for one in rows:
            billed += _units(one, "total_amount", "net_amount") * (self.rate(one, head, self.day(lot)) or 0)
        return Fraction(1) if not whole else min(Fraction(1), max(Fraction(0), billed / whole))

    def collected(self, lot: Lot, row: Row, until: date) -> Fraction:
        """Collected / to collect: payments of the record, of the order that its line belongs to, and of the order's
        invoices. Money in another currency counts at the rate of the day of the record, as the record itself does."""
        if lot.entity == "payments":
            return Fraction(1)
        head = self.head(lot, row)
        whole, paid = self.whole(head), Fraction(0)
        for one, share in self.payments(lot, row, head):
            if _before(one.get("received_on"), until):
                rate = self.rate(one, head, self.day(lot))
                paid += _units(one, "amount") * (rate or 0) * share
        return Fraction(1) if not whole else min(Fraction(1), max(Fraction(0), paid / whole))

    def payments(self, lot: Lot, row: Row, head: Row) -> list[tuple[Row, Fraction]]:
        """The payments of a record, each with the share that is its: those that name an invoice alone are of the order
        of that invoice; those that name an order alone are of its invoices in proportion."""
        assert self.facts is not None
        found = [(one, Fraction(1)) for one in self.about("payments", lot, row)]
        if lot.entity in ("orders", "order_lines"):
            order = lot.record if lot.entity == "orders" else str(row.get("order"))
            for bill in self.facts.about("invoices", order, "orders"):
                rows = self.facts.about("payments", str(bill.get("id")), "invoices")
                found += [(one, Fraction(1)) for one in rows if not one.get("order")]
        elif lot.entity.startswith("invoice") and head.get("order"):
            order = str(head["order"])
            bills = sum((self.whole(bill) for bill in self.facts.about("invoices", order, "orders")), Fraction(0))
            rows = [one for one in self.facts.about("payments", order, "orders") if not one.get("invoice")]
            found += [(one, self.whole(head) / bills) for one in rows if bills]
        return found

    def rate(self, one: Row, head: Row, on: date | None) -> Fraction | None:
        """What one unit of a payment or return is in the currency of its order; None, and held back, without a rate."""
        own, other = (str(row.get("currency") or self.policy.currency) for row in (head, one))
        if own == other:
            return Fraction(1)
        rates = [self.in_policy(currency, on) for currency in (other, own)]
        if rates[0] is None or not rates[1]:
            lacking = other if rates[0] is None else own
            self.held[str(one.get("id"))] = f"no rate of {lacking} on {on}"
            return None
        return rates[0] / rates[1]

    def in_policy(self, currency: str, on: date | None) -> Fraction | None:
        """Units of the policy's currency for one unit, by the rule for what is earned."""
        if currency == self.policy.currency:
            return Fraction(1)
        fx = self.policy.header.fx
        return self.facts.rate(currency, on, fx.earning) if fx and on and self.facts else None

    def head(self, lot: Lot, row: Row) -> Row:
        """The order of an order line, the invoice of an invoice line; the record itself otherwise. An order that is not
        there is what its lines add up to."""
        key, table = _ORDER_OF_LINE.get(lot.entity, ("", ""))
        if not key or not row.get(key) or self.facts is None:
            return row
        if (found := self.facts.row(table, str(row[key]))) is not None:
            return found
        lines = [self.whole(one) for one in self.facts.about(lot.entity, str(row[key]), table)]
        return {**row, "total_amount": sum(lines, Fraction(0))} if lines else row

    def about(self, table: str, lot: Lot, row: Row) -> list[Row]:
        assert self.facts is not None
        key, head = _ORDER_OF_LINE.get(lot.entity, ("", ""))
        found = list(self.facts.about(table, lot.record, lot.entity))
        if key and row.get(key):
            found += self.facts.about(table, str(row.get(key)), head)
        return found if len(found) < 2 else list({str(one.get("id")): one for one in found}.values())

    def whole(self, row: Row) -> Fraction:
        return _units(row, "total_amount", "net_amount", "amount")

    # Held back

    def held_until(self, lot: Lot, rule: HeldUntil, earned_in_end: date) -> date:
        """The first day on which what is held back of a lot may be paid."""
        if rule.day is not None:
            return rule.day
        day = self.day(lot) or date.fromordinal(earned_in_end.toordinal() - 1)
        if rule.after is not None:
            if rule.after.unit == "wd":
                left, at = rule.after.count, day
                while left > 0:
                    at = date.fromordinal(at.toordinal() + 1)
                    left -= self.policy.calendar.is_working_day(at)
                return at
            return rule.after.after(day)
        kind = "quarter" if rule.at == "quarter_end" else "year"
        last = self.policy.calendar.period(kind, day)
        return date.fromordinal(last.end.toordinal() - 1)

    def day(self, lot: Lot) -> date | None:
        """The day of the event that earned a lot."""
        if lot.day is not None:
            return lot.day
        row = self.row(lot)
        if row is None or self.schema is None or lot.entity not in self.schema.facts:
            return None
        days = (row.get(name) for name in self.schema.facts[lot.entity].dates)
        return next((day for day in days if isinstance(day, date)), None)

    # Taken back

    def undone(self, lot: Lot, kinds: tuple[str, ...]) -> list[Undone]:
        """The events of these kinds that point at a lot's record, by day and id."""
        row = self.row(lot)
        if row is None or self.facts is None:
            return []
        rows = [(table, dated, one) for table, dated in UNDOING.items() for one in self.about(table, lot, row)]
        found: dict[tuple[date, str, str], Undone] = {}
        head = self.head(lot, row) if rows else row
        whole = self.whole(head) if rows else Fraction(0)
        for table, dated, one in rows:
            kind, day = str(one.get("kind") or DEFAULT_KIND.get(table, "")), one.get(dated)
            if kind in kinds and isinstance(day, date):
                share = Fraction(1)
                of = self.whole(row) if str(one.get("record") or "") == lot.record else whole
                if one.get("amount") is not None and of:
                    rate = self.rate(one, head, self.day(lot))
                    if rate is None:
                        continue
                    share = abs(_units(one, "amount") * rate / of)
                named = str(one.get("id", ""))
                found[day, named, table] = Undone(table, named, kind, day, min(Fraction(1), share))
        return [found[key] for key in sorted(found)]

    def taken_back(self, rule: Clawback, lot: Lot, event: Undone) -> Fraction:
        """The share of what was paid on a lot that an event takes back; 0 outside the window."""
        sold = self.day(lot)
        if sold is None or event.day < sold or event.day > rule.window.after(sold):
            return Fraction(0)
        return event.share * self.unserved(rule, lot, sold, event.day)

    def unserved(self, rule: Clawback, lot: Lot, sold: date, on: date) -> Fraction:
        if rule.share == "full":
            return Fraction(1)
        if rule.share == "stepped":
            fitting = [step.share for step in rule.steps if on <= step.within.after(sold)]
            return fitting[0] if fitting else Fraction(0)
        if rule.share == "proportional":
            row = self.row(lot) or {}
            months = row.get("term_months")
            if isinstance(months, int | Fraction) and months > 0:
                served = (on.year - sold.year) * 12 + on.month - sold.month - (on.day < sold.day)
                return max(Fraction(0), 1 - Fraction(served) / Fraction(months))
            term = (rule.window.after(sold) - sold).days
            return max(Fraction(0), Fraction(term - (on - sold).days, term)) if term else Fraction(0)
        from .load import read_number

        return read_number(rule.share)


def _before(day: object, until: date) -> bool:
    return isinstance(day, date) and day < until


def _units(row: Row, *fields: str) -> Fraction:
    """The first of these amounts that the row has, in units."""
    for field in fields:
        value = row.get(field)
        if isinstance(value, int | Fraction):
            return Fraction(value)
    return Fraction(0)

"""What each record weighs in its month, and earns of it: the second look at the lines."""

from __future__ import annotations

from .credits import Shares
from .dialect import Sql
from .rates import Rates


class Records:
    """The rows of one record and person in a period of `kind`, over the table `monthly` of Compiler.

    since is how many days after the period's start: with the record it says which line comes first.
    """

    def __init__(self, rates: Rates, shares: Shares, sql: Sql, kind: str, unit: int) -> None:
        self.rates, self.shares, self.sql, self.unit = rates, shares, sql, unit
        self.period = sql.start(kind, "day")

    # All of them, for the stored reasons

    def all(self) -> list[str]:
        """weighed(person, period, record, since, payee, credit, line_before, tier, weight, and monthly): where each
        record stands in the table."""
        credits = self.shares.select("facts", self.period)
        found = f"SELECT person, period, {self.since()}, record, payee, credit FROM (\n  {credits}) AS credits"
        key = "person, period"
        opened = self.opened(found, "monthly", key)
        if not self.rates.by_place:
            tier = self.rates.tier("abs(credit)" if self.rates.mode == "per_transaction" else _REACHED, "reach")
            weighed = f"SELECT *, {tier} AS tier, {self.rates.weight('line_before')} AS weight FROM lined"
            return [opened, *self.in_order(key), f"weighed AS ({weighed})"]
        return [opened, *self.by_place(key, "payee, ")]

    @property
    def known(self) -> str:
        """What the lines ask of their month."""
        return f"reach, before, below, signed, pieces, room{', rate, level' if self.rates.by_place else ''}"

    def opened(self, found: str, months: str, key: str) -> str:
        """Lines with what is known of their month; read twice where the place matters."""
        head = self.sql.kept("opened") if self.rates.by_place else "opened AS"
        return f"{head} (SELECT found.*, {self.known} FROM ({found}) AS found JOIN {months} USING ({key}))"

    def since(self) -> str:
        return f"CAST({self.sql.days('period', 'day')} AS SMALLINT) AS since"

    def in_order(self, month: str, where: str = "") -> list[str]:
        """lined: opened, with what stood in the window before each record."""
        line = f"PARTITION BY {month} ORDER BY since, record ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        upto = self.sql.money(f"sum(credit) OVER ({line})")
        return [
            f"placed AS (SELECT *, {upto} AS upto FROM opened {where})",
            "lined AS (SELECT *, before + upto - credit AS line_before FROM placed)",
        ]

    def by_place(self, month: str, more: str = "") -> list[str]:
        """weighed of opened. Most months lie within one tier of the table, where the place of a record does not
        matter: only the lines of the others are put in order."""
        columns = f"{month}, since, record, {more}credit, below, signed, pieces, room"
        tier, weight = self.rates.tier(_REACHED, "reach"), self.rates.weight("line_before")
        even = f"before AS line_before, level AS tier, {self.rates.number('credit')} * rate AS weight"
        return [
            *self.in_order(month, "WHERE rate IS NULL"),
            f"weighed AS (SELECT {columns}, {even} FROM opened WHERE rate IS NOT NULL "
            f"UNION ALL SELECT {columns}, line_before, {tier} AS tier, {weight} AS weight FROM lined)",
        ]

    # Those of the months in which something was undone

    def touched(self) -> list[str]:
        """months(month, and monthly) and weighed(month, record, since, credit, weight, below, signed, pieces, room), of
        the months in which something was undone; they are numbered, since rows are grouped and sorted by them."""
        hit, facts = (self.shares.select(name, self.period, only) for name, only in (("hit", ""), ("facts", "touched")))
        found = f"SELECT month, {self.since()}, record, credit FROM (\n  {facts}) AS credits"
        itself = f"weighed AS (SELECT *, {self.rates.weight('')} AS weight FROM opened)"
        return [
            f"{self.sql.kept('hit')} (SELECT * FROM facts WHERE id IN (SELECT record FROM undone))",
            f"{self.sql.kept('touched')} (SELECT person, period, CAST(row_number() OVER (ORDER BY person, period) "
            f"AS INTEGER) AS month FROM (SELECT DISTINCT person, period FROM (\n  {hit}) AS undone_credits) AS found)",
            f"{self.sql.kept('months')} (SELECT month, {self.known}, held FROM touched JOIN monthly "
            "USING (person, period))",
            self.opened(found, "months", "month"),
            *(self.by_place("month") if self.rates.by_place else [itself]),
        ]

    # What they earn

    def lots(self, month: str) -> list[str]:
        """lots(month, since, record, lot): what each record earned; they add up to the earning.

        The floor of a share is taken in 64 bits where the month's `room` says that the product fits. The rows are
        sorted once more, so they are narrow.
        """
        sql = self.sql
        wide = sql.floored(f"{sql.big('weight')} * signed", "below")
        rest = f"{sql.big('weight')} * signed - {sql.big('floor')} * below"
        fits = "CASE WHEN product IS NOT NULL THEN"
        return [
            "products AS (SELECT *, CASE WHEN abs(weight) <= room THEN weight * signed END AS product FROM weighed)",
            f"floors AS (SELECT *, {fits} {sql.floored('product', 'below')} ELSE {sql.money(wide)} END AS floor "
            "FROM products)",
            f"rests AS (SELECT {month}, since, record, pieces, floor, "
            f"{fits} product - floor * below ELSE {self.rates.exactly(rest)} END AS rest FROM floors)",
            f"lots AS (SELECT {month}, since, record, {self.shared('pieces', month)} AS lot FROM rests)",
        ]

    def shared(self, pieces: str, month: str) -> str:
        """The floor of a share, and one more for the largest remainders of the month, as units."""
        rank = f"row_number() OVER (PARTITION BY {month} ORDER BY rest DESC, since, record)"
        more = f"{rank} <= {pieces} - sum(floor) OVER (PARTITION BY {month})"
        return f"(floor + CASE WHEN {more} THEN 1 ELSE 0 END) * {self.unit}"


_REACHED = "(line_before + credit)"

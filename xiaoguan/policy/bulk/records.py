"""What each record weighs in its month, and earns of it: the second look at the lines."""

from __future__ import annotations

from .credits import Shares
from .dialect import Sql
from .rates import Rates


class Records:
    """The rows of one record and person in a period of `kind`, over the tables `credits` and `monthly` of Compiler.

    Lines come in the order of their day and record.
    """

    def __init__(self, rates: Rates, shares: Shares, sql: Sql, kind: str, unit: int) -> None:
        self.rates, self.shares, self.sql, self.unit = rates, shares, sql, unit
        self.period = sql.number(kind, "day")

    def credits(self, source: str = "facts") -> str:
        """What was credited of the events of a relation, as a query."""
        return self.shares.select(source, self.period)

    # All of them, for the stored reasons

    def all(self) -> list[str]:
        """weighed(person, period, record, day, payee, credit, line_before, tier, weight, and monthly): where each
        record stands in the table."""
        key = "person, period"
        if self.rates.by_place:
            return self.by_place("credits", "monthly", key, "payee, ")
        tier = self.rates.tier("abs(credit)" if self.rates.mode == "per_transaction" else _REACHED, "reach")
        weighed = f"SELECT *, {tier} AS tier, {self.rates.weight('line_before')} AS weight FROM lined"
        return [*self.in_order("credits", "monthly", key), f"weighed AS ({weighed})"]

    @property
    def known(self) -> str:
        """What the lines ask of their month."""
        return f"reach, before, below, signed, room{', rate, level' if self.rates.by_place else ''}"

    def opened(self, found: str, months: str, key: str) -> str:
        """Lines with what is known of their month, as a query."""
        return f"SELECT found.*, {self.known} FROM {found} AS found JOIN {months} USING ({key})"

    def in_order(self, found: str, months: str, key: str, where: str = "") -> list[str]:
        """lined: lines with what is known of their month and what stood in the window before each."""
        line = f"PARTITION BY {key} ORDER BY day, record ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        upto = self.sql.money(f"sum(credit) OVER ({line})")
        some = f"SELECT {key} FROM {months} {where}"
        return [
            f"placed AS (SELECT found.*, {upto} AS upto FROM {found} AS found JOIN ({some}) AS uneven USING ({key}))",
            "lined AS (SELECT *, before + upto - credit AS line_before "
            f"FROM ({self.opened('placed', months, key)}) AS opened)",
        ]

    def by_place(self, found: str, months: str, key: str, more: str = "") -> list[str]:
        """weighed. Most months lie within one tier of the table, where the place of a record does not matter: only the
        lines of the others are put in order."""
        columns = f"{key}, day, record, {more}credit, below, signed, room"
        tier, weight = self.rates.tier(_REACHED, "reach"), self.rates.weight("line_before")
        even = f"before AS line_before, level AS tier, {self.rates.number('credit')} * rate AS weight"
        return [
            *self.in_order(found, months, key, "WHERE rate IS NULL"),
            f"weighed AS (SELECT {columns}, {even} FROM ({self.opened(found, months, key)}) AS opened "
            f"WHERE rate IS NOT NULL UNION ALL SELECT {columns}, line_before, {tier} AS tier, {weight} AS weight "
            "FROM lined)",
        ]

    # Those of the months in which something was undone

    def touched(self) -> list[str]:
        """hit, the events that were undone; touched(person, period), the months of their credits; credits, all of them;
        found(month, day, record, credit), those of touched months.

        The credits go to the sums of the months and to `found` in one reading, and are not stored: for that an engine
        must put them straight into sums or into the looked-up side of a join, so `found` is the second table of one.
        First most are dropped by a number for person and month that is looked up by its place.
        """
        near = "credits"
        if self.sql.keeps:
            slots = f"(SELECT DISTINCT {self.slot} AS slot FROM touched) AS slots ON slot = {self.slot}"
            near = f"(SELECT person, period, day, record, credit FROM credits JOIN {slots})"
        return [
            f"{self.sql.kept('hit')} (SELECT * FROM facts WHERE id IN (SELECT record FROM undone))",
            f"{self.sql.kept('touched')} (SELECT DISTINCT person, period FROM (\n  {self.credits('hit')}) AS credits)",
            f"credits AS (\n  {self.credits()})",
            f"{self.sql.kept('found')} (SELECT {self.month} AS month, day, record, credit FROM touched "
            f"JOIN {near} AS near USING (person, period))",
        ]

    slot = "(person * 24 + period % 24)"
    """Person and month as a small number, one for months two years apart."""
    month = "(CAST(person AS BIGINT) * 131072 + period)"
    """Person and month as one number; the greatest period is that of the year 9999."""

    def of_touched(self) -> list[str]:
        """months(month, person, and monthly) and weighed(month, day, record, credit, weight, below, signed, room)."""
        months = (
            f"{self.sql.kept('months')} (SELECT {self.month} AS month, person, {self.known}, pieces, held FROM monthly "
            "JOIN touched USING (person, period))"
        )
        if self.rates.by_place:
            return [months, *self.by_place("found", "months", "month")]
        opened = self.opened("found", "months", "month")
        return [months, f"weighed AS (SELECT *, {self.rates.weight('')} AS weight FROM ({opened}) AS opened)"]

    # What they earn

    def lots(self, months: str, key: str) -> list[str]:
        """lots(key, day, record, lot): what each record earned, in minor units; they add up to the earning.

        The floor of a share is taken in 64 bits where the month's `room` says that the product fits.
        """
        sql = self.sql
        wide = sql.floored(f"{sql.big('weight')} * signed", "below")
        rest = f"{sql.big('weight')} * signed - {sql.big('floor')} * below"
        fits = "CASE WHEN product IS NOT NULL THEN"
        return [
            "products AS (SELECT *, CASE WHEN abs(weight) <= room THEN weight * signed END AS product FROM weighed)",
            f"floors AS (SELECT *, {fits} {sql.floored('product', 'below')} ELSE {sql.money(wide)} END AS floor "
            "FROM products)",
            f"{sql.kept('rests')} (SELECT {key}, day, record, floor, "
            f"{fits} product - floor * below ELSE {self.rates.exactly(rest)} END AS rest FROM floors)",
            *self.shared("lots", "lot", "rests", months, key),
        ]

    def shared(self, name: str, lot: str, rests: str, months: str, key: str, more: str = "") -> list[str]:
        """The table `name`(key, day, record, lot) of `rests`(key, day, record, floor, rest): the floor of a share, and
        one more for the largest remainders of the month, in their order, so that they make the month's `pieces`.

        The least remainder that gets one more divides a month, which is cheaper than to put it in order; only records
        with that very remainder are, where not all of them get one: `sure` is the least remainder that surely does. It
        reads `rests` four times; an engine that would make them four times sorts.

        months   relation (key, pieces). more   other columns of `rests` to keep, each with a comma before it.
        """
        columns = f"{key}, day, record{more}"
        if not self.sql.keeps:
            rank = f"row_number() OVER (PARTITION BY {key} ORDER BY rest DESC, day, record)"
            one = f"CASE WHEN {rank} <= pieces - sum(floor) OVER (PARTITION BY {key}) THEN 1 ELSE 0 END"
            return [f"{name} AS (SELECT {columns}, floor + {one} AS {lot} FROM {rests} JOIN {months} USING ({key}))"]
        left = self.sql.money("pieces - coalesce(floors, 0)")
        edge = "list_extract(top, greatest(1, missing))"
        got = "CASE WHEN missing > 0 THEN missing + 1 - list_position(top, edge) ELSE 0 END"
        sure = "edge + CASE WHEN got = 0 OR beyond = edge THEN 1 ELSE 0 END"
        place = f"row_number() OVER (PARTITION BY {key} ORDER BY day, record)"
        upto = "day < last_day OR day = last_day AND record <= last_record"
        return [
            f"{name}_floors AS (SELECT {key}, sum(floor) AS floors FROM {rests} GROUP BY {key})",
            f"{name}_missing AS (SELECT {key}, {left} AS missing FROM {name}_floors JOIN {months} USING ({key}))",
            f"{name}_top AS (SELECT {key}, missing, max(rest, missing + 1) AS top FROM {rests} "
            f"JOIN {name}_missing USING ({key}) GROUP BY {key}, missing)",
            f"{self.sql.kept(f'{name}_edge')} (SELECT {key}, edge, got, {sure} AS sure FROM "
            f"(SELECT {key}, edge, {got} AS got, list_extract(top, missing + 1) AS beyond FROM "
            f"(SELECT *, {edge} AS edge FROM {name}_top) AS tops) AS edges)",
            f"{name}_same AS (SELECT {key}, day, record, got, {place} AS place FROM {rests} "
            f"JOIN (SELECT {key}, edge AS rest, got FROM {name}_edge WHERE got > 0 AND sure > edge) AS split "
            f"USING ({key}, rest))",
            f"{name}_last AS (SELECT {key}, day AS last_day, record AS last_record FROM {name}_same WHERE place = got)",
            # Grouped, not joined: an engine guesses a join to be larger than the lines, and looks up the wrong one.
            f"{name}_from AS (SELECT {key}, max(sure) AS sure, max(last_day) AS last_day, "
            f"max(last_record) AS last_record FROM (SELECT {key}, sure, NULL AS last_day, NULL AS last_record "
            f"FROM {name}_edge UNION ALL SELECT {key}, NULL, last_day, last_record FROM {name}_last) AS found "
            f"GROUP BY {key})",
            f"{name} AS (SELECT {columns}, floor + CASE WHEN rest >= sure THEN 1 WHEN rest = sure - 1 AND ({upto}) "
            f"THEN 1 ELSE 0 END AS {lot} FROM {rests} JOIN {name}_from USING ({key}))",
        ]


_REACHED = "(line_before + credit)"

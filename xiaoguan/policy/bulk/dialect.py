"""The few words in which DuckDB and Spark differ, and the two roundings written out in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..formula import Duration
from .scope import MONTHS

Dialect = Literal["duckdb", "spark"]
SETTINGS = (
    "perfect_ht_threshold = 22",
    "operator_memory_limit = '200MB'",
    "disabled_optimizers = 'join_order,build_side_probe_side'",
)
"""What a DuckDB connection is `SET` to before it runs a compiled query; without it everything is right and slower. Sums
by person and month go by place. A table of more than 100 MB that two parts read is handed to both as it comes, not
stored. A join looks up the table that the text names second: a guess of sizes after so many steps is worth nothing."""
ROOM = 4 * 10**18
"""Below half of what 64 bits hold, so that a product and what is added to it fit."""


@dataclass(frozen=True)
class Sql:
    """Writes whole-number SQL for one engine."""

    dialect: Dialect

    def big(self, text: str) -> str:
        """As a number of 128 bits, or 38 digits: for products."""
        return f"CAST({text} AS {'HUGEINT' if self.dialect == 'duckdb' else 'DECIMAL(38,0)'})"

    def digits(self, text: str) -> str:
        """As a decimal of 38 digits, which Parquet can hold; HUGEINT would be written as floating point."""
        return f"CAST({text} AS DECIMAL(38,0))"

    def money(self, text: str) -> str:
        """As units of money, which have 64 bits everywhere; both engines refuse what does not fit."""
        return f"CAST({text} AS BIGINT)"

    def div(self, above: str, below: str) -> str:
        """Truncating division of whole numbers that are not negative."""
        return f"(({above}) // ({below}))" if self.dialect == "duckdb" else f"(({above}) div ({below}))"

    @property
    def keeps(self) -> bool:
        """Whether a common table is made once however often it is read; Spark makes it anew each time."""
        return self.dialect == "duckdb"

    def kept(self, name: str) -> str:
        """The head of a common table that several parts read."""
        return f"{name} AS MATERIALIZED" if self.keeps else f"{name} AS"

    def day(self, text: str) -> str:
        return f"CAST({text} AS DATE)"

    def after(self, day: str, length: Duration) -> str:
        """The day so long after another."""
        unit = {"d": "DAY", "w": "DAY", "m": "MONTH", "y": "MONTH"}[length.unit]
        count = length.count * {"d": 1, "w": 7, "m": 1, "y": 12}[length.unit]
        return self.day(f"({day} + INTERVAL '{count}' {unit})")

    def days(self, start: str, end: str) -> str:
        return f"date_diff('day', {start}, {end})" if self.dialect == "duckdb" else f"datediff({end}, {start})"

    def number(self, kind: str, day: str) -> str:
        """The calendar period of a kind that holds the day, as the number of its first month since the year 0."""
        month = f"CAST(year({day}) * 12 + month({day}) - 1 AS INTEGER)"
        return month if kind == "month" else self.within(month, kind)

    @staticmethod
    def within(number: str, kind: str) -> str:
        """The longer period of a kind that holds the one of a number."""
        return f"({number} - {number} % {MONTHS[kind]})"

    def begins(self, number: str) -> str:
        """The first day of the period of a number."""
        years = self.div(number, "12")
        return f"make_date(CAST({years} AS INTEGER), CAST({number} % 12 + 1 AS INTEGER), 1)"

    def rounded(self, number: str, scale: int, unit: int) -> str:
        """A whole number of 1/scale units to the minor unit, half up away from zero; in 64 bits where they hold twice
        the number, since an engine divides 128 of them bit by bit."""
        step = scale * unit
        whole = self.div(f"2 * abs({self.big(number)}) + {step}", self.big(str(2 * step)))
        short = self.div(f"2 * abs({self.money(number)}) + {step}", str(2 * step))
        most = ROOM - step
        whole = f"CASE WHEN {number} BETWEEN -{most} AND {most} THEN {short} ELSE {whole} END"
        return self.money(f"CASE WHEN {number} < 0 THEN -1 ELSE 1 END * {whole} * {unit}")

    def floored(self, above: str, below: str) -> str:
        """Division of whole numbers rounded down, `below` above zero."""
        up = self.div(f"-({above}) - 1", below)
        return f"CASE WHEN ({above}) >= 0 THEN {self.div(above, below)} ELSE -1 - {up} END"

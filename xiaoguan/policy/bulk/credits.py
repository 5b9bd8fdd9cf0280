"""Credits: the events of a table, shared by largest remainder, as rows of one person each."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from ..document import Credit, Payee
from .dialect import Sql
from .scope import MILLION, millionths


class Shares:
    """The direct shares of a plan: payee k has column pk, weight wk of `whole`; the last place is nobody's."""

    def __init__(self, credit: Credit | None, unit: int, sql: Sql) -> None:
        payees: Sequence[Payee] = credit.payees if credit else ()
        self.alone = not payees or (len(payees) == 1 and payees[0].person in ("owner", "person"))
        self.payees, self.unit, self.sql = payees, unit, sql
        weights = [millionths(payee.share, "a share") for payee in payees]
        step = gcd(MILLION, *weights)
        self.weights, self.whole = [weight // step for weight in weights], MILLION // step

    def select(self, source: str, period: str) -> str:
        """Rows (record, payee, day, period, person, credit) of a relation of events; one for each person of an event.

        period   of an event, as SQL.
        """
        names = ["person"] if self.alone else map(self.named, self.payees)
        named = ", ".join(f"{name} AS p{i}" for i, name in enumerate(names))
        events = f"(SELECT *, {period} AS period, {named} FROM {source}) AS events"
        if self.between_two:
            return self.of_two(events)
        of_payee = self.whole_of if self.alone else self.of_many
        return "\n  UNION ALL ".join(
            f"SELECT id AS record, CAST({k} AS TINYINT) AS payee, day, period, {of_payee(k, events)}"
            for k in range(1 if self.alone else len(self.payees))
        )

    def whole_of(self, k: int, events: str) -> str:
        return f"p{k} AS person, value AS credit FROM {events} WHERE p{k} IS NOT NULL"

    @property
    def between_two(self) -> bool:
        """Whether events are shared between two payees who are never nobody."""
        return len(self.payees) == 2 and sum(self.weights) == self.whole and all(map(self.always, self.payees))

    def always(self, payee: Payee) -> bool:
        return bool({"owner", "person"} & {payee.person, payee.otherwise})

    def of_two(self, events: str) -> str:
        """The second payee's share is the nearest to the exact one, a half less; the first has the rest: that is what
        the largest remainder comes to. One reading serves both, and an engine that knows the least and the greatest
        person of a file keeps knowing them."""
        whole, weight, unit = self.whole, self.weights[1], self.unit
        # 64 bits hold 4 x 10^16 units times 2 x 10^2: whole percents of 4 x 10^12.
        size = "abs(value)" if whole <= 100 else self.sql.big("abs(value)")
        minor, fine = (
            self.sql.div(f"{size} * {2 * weight} + {(whole - 1) * step}", str(2 * whole * step)) for step in (unit, 1)
        )
        cut = f"CASE WHEN value % {unit} = 0 THEN {minor} * {unit} ELSE {fine} END"
        cut = self.sql.money(f"CASE WHEN value < 0 THEN -1 ELSE 1 END * {cut}")
        first, second = map(self.columns, self.payees)
        # Someone else in the place of the first: the file's own column says so, and is known better than a choice.
        other = second[0] if second[1:] == first else "p1"
        cuts = f"SELECT id, day, period, p0, {other} AS other, value, CASE WHEN {other} <> p0 THEN {cut} END AS cut"
        return (
            "SELECT id AS record, payee, day, period, CASE WHEN payee = 0 THEN p0 ELSE other END AS person, "
            "CASE WHEN payee = 1 THEN cut WHEN cut IS NULL THEN value ELSE value - cut END AS credit\n"
            f"  FROM ({cuts} FROM {events}) AS cuts\n"
            "  CROSS JOIN (SELECT CAST(0 AS TINYINT) AS payee UNION ALL SELECT CAST(1 AS TINYINT)) AS payees "
            "WHERE payee = 0 OR cut IS NOT NULL"
        )

    def of_many(self, k: int, events: str) -> str:
        """Every share floored, and one unit more for the largest remainders; what is nobody's is a share too."""
        n, nobody = range(len(self.payees)), len(self.payees)
        merged = ", ".join(f"{self.merged(i)} AS m{i}" for i in n)
        left = " + ".join(f"m{i}" for i in n)
        cuts = ", ".join(self.cut(i) for i in (*n, nobody))
        missing = f"pieces - ({' + '.join(f'q{i}' for i in (*n, nobody))})"
        # What one person has whole is not cut: without pieces there is nothing to multiply and divide.
        pieces = f"CASE WHEN m{k} < {self.whole} THEN {self.pieces()} END"
        return (
            f"p{k} AS person, CASE WHEN m{k} = {self.whole} THEN value ELSE {self.part(k)} END AS credit FROM (\n"
            f"    SELECT *, {missing} AS missing FROM (SELECT *, {cuts} FROM (\n"
            f"      SELECT *, {self.whole} - ({left}) AS m{nobody}, {self.minor()} AS unit, {pieces} AS pieces FROM (\n"
            f"        SELECT *, {merged} FROM {events}\n"
            f"      ) AS named WHERE m{k} > 0) AS shared) AS cut) AS missed"
        )

    def named(self, payee: Payee) -> str:
        """Who a payee is, or the person in its place."""
        columns = self.columns(payee)
        return f"coalesce({', '.join(columns)})" if len(columns) > 1 else columns[0]

    def columns(self, payee: Payee) -> list[str]:
        """The columns that name a payee: the first that is somebody."""
        wanted = (payee.person, payee.otherwise)
        return ["person" if name in ("owner", "person") else name for name in wanted if name]

    def merged(self, k: int) -> str:
        """The weight of payee k with those of later payees who are the same person; 0 if an earlier one is."""
        gone = " OR ".join([f"p{k} IS NULL", *(f"p{k} = p{j}" for j in range(k))])
        after = [f"CASE WHEN p{j} = p{k} THEN {self.weights[j]} ELSE 0 END" for j in range(k + 1, len(self.weights))]
        return f"CASE WHEN {gone} THEN 0 ELSE {' + '.join([str(self.weights[k]), *after])} END"

    def minor(self) -> str:
        """An amount is cut in the minor unit; one with finer decimals in units."""
        return f"CASE WHEN value % {self.unit} = 0 THEN {self.unit} ELSE 1 END"

    def pieces(self) -> str:
        """How many minor units are cut."""
        return self.wide(self.sql.div("abs(value)", self.minor()))

    def wide(self, pieces: str) -> str:
        """As wide as a product with a weight: 64 bits hold 4 x 10^15 pieces times 2 x 10^3, not times 10^6."""
        return pieces if self.whole <= 1000 else self.sql.big(pieces)

    def cut(self, k: int) -> str:
        whole = self.sql.div(f"pieces * m{k}", str(self.whole))
        return f"{whole} AS q{k}, pieces * m{k} % {self.whole} AS r{k}"

    def part(self, k: int) -> str:
        """The floor, and one more where fewer remainders are ahead than units are missing."""
        ahead = [
            f"CASE WHEN r{j} > r{k}{f' OR r{j} = r{k}' if j < k else ''} THEN 1 ELSE 0 END"
            for j in range(len(self.payees) + 1)
            if j != k
        ]
        extra = f"CASE WHEN {' + '.join(ahead)} < missing THEN 1 ELSE 0 END"
        return self.sql.money(f"CASE WHEN value < 0 THEN -1 ELSE 1 END * (q{k} + {extra}) * unit")

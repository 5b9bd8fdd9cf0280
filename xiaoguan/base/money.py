"""金额 money: an integer of ten-thousandths of the major unit beside an ISO 4217 currency code.

The scale has room for unit prices and imported amounts with four decimals, and is exact in SQLite, PostgreSQL, DuckDB
and Spark alike. What is quoted, invoiced or paid is rounded to the currency's minor unit by `round_units`, the one
place that rounds; `split` and `allocate` cut a whole so that the parts add up to it.

    Money("1234.56", "CNY")          12 345 600 units
    Money("33.33", "CNY") * 3        99.99 CNY
    Money("10", "CNY").times(Fraction(1, 3))     100000/3 units: exact, to be rounded later at a named place
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

SCALE = 10_000
"""Units in one major unit: money is stored in ten-thousandths."""

_DECIMALS = 4
_LIMIT = 2**63

# ISO 4217: currencies whose minor unit is not the hundredth.
_MINOR_DIGITS = {
    **dict.fromkeys(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"], 0),
    **dict.fromkeys(["RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}


def minor_digits(currency: str) -> int:
    """Decimals of the currency's minor unit (最小货币单位): 2 unless ISO 4217 says otherwise (JPY 0, KWD 3)."""
    return _MINOR_DIGITS.get(currency, 2)


def minor_unit(currency: str) -> int:
    """The minor unit (分) in units: 100 for CNY, 10 000 for JPY."""
    return int(10 ** (_DECIMALS - minor_digits(currency)))


def parse_units(text: str | Decimal | int) -> int:
    """Read a plain decimal of major units as units, exactly: "12.5" is 125 000.

    ValueError for anything that is not a plain decimal, has more than four decimals, or does not fit 64 bits.
    Underscores between digits are allowed ("250_000"); thousands commas are not, since they mean different things
    in different countries.
    """
    try:
        value = Decimal(text.strip()) if isinstance(text, str) else Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount; write a plain decimal such as 1234.56") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not an amount; write a plain decimal such as 1234.56")
    if value.adjusted() > 18:
        raise ValueError(f"{text!r} is too large for an amount of money")
    units = Fraction(value) * SCALE
    if units.denominator != 1:
        raise ValueError(f"{text!r} has more than four decimals; round it before it becomes money")
    return _fit(units.numerator)


def round_units(value: Fraction | int, currency: str) -> int:
    """Round exact units to the currency's minor unit, half up away from zero (四舍五入). The one place that rounds.

    >>> round_units(Fraction(12_345_650), "CNY"), round_units(Fraction(-12_345_650), "CNY")
    (12345700, -12345700)
    """
    return _fit(round_to(value, minor_unit(currency)))


def round_to(value: Fraction | int, unit: int) -> int:
    """The multiple of `unit` nearest to an exact value, half up away from zero: for targets in thousands."""
    exact = abs(Fraction(value)) / unit
    whole = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator) * unit
    return whole if value >= 0 else -whole


@dataclass(frozen=True, slots=True, init=False)
class Money:
    """金额: an exact amount in one currency; `units` are ten-thousandths of the major unit.

    amount    str, Decimal or int of major units with at most four decimals; a float raises TypeError.
    Adding, subtracting and ordering need the same currency, otherwise ValueError names both; amounts in different
    currencies are simply not equal.
    """

    units: int
    currency: str

    def __init__(self, amount: str | Decimal | int, currency: str) -> None:
        if isinstance(amount, bool) or not isinstance(amount, str | Decimal | int):
            raise TypeError(f"Money needs str, Decimal or int, not {type(amount).__name__} {amount!r}")
        object.__setattr__(self, "units", parse_units(amount))
        object.__setattr__(self, "currency", currency)

    @classmethod
    def of_units(cls, units: int, currency: str) -> Money:
        """Money from stored units."""
        if isinstance(units, bool) or not isinstance(units, int):
            raise TypeError(f"units are whole: {units!r}; round with round_units first")
        money = object.__new__(cls)
        object.__setattr__(money, "units", _fit(units))
        object.__setattr__(money, "currency", currency)
        return money

    @property
    def decimal(self) -> Decimal:
        """The amount in major units."""
        return Decimal(self.units).scaleb(-_DECIMALS)

    def rounded(self) -> Money:
        """To the currency's minor unit, half up away from zero."""
        return Money.of_units(round_units(self.units, self.currency), self.currency)

    def times(self, factor: Fraction | Decimal | int) -> Fraction:
        """Units times an exact factor, not rounded."""
        return self.units * Fraction(factor)

    def __add__(self, other: Money) -> Money:
        return Money.of_units(self.units + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money.of_units(self.units - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money.of_units(-self.units, self.currency)

    def __abs__(self) -> Money:
        return Money.of_units(abs(self.units), self.currency)

    def __mul__(self, factor: Fraction | Decimal | int) -> Money:
        if isinstance(factor, bool) or not isinstance(factor, Fraction | Decimal | int):
            return NotImplemented
        exact = self.times(factor)
        if exact.denominator != 1:
            raise ValueError(f"{self!r} times {factor} is not a whole number of units; use times() and round_units()")
        return Money.of_units(exact.numerator, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.units < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.units <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.units > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.units >= self._same(other)

    def __bool__(self) -> bool:
        return self.units != 0

    def __str__(self) -> str:
        return format_units(self.units, self.currency)

    def __repr__(self) -> str:
        return f"Money('{self}', '{self.currency}')"

    def _same(self, other: Money) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"Money meets {type(other).__name__} {other!r}")
        if self.currency != other.currency:
            raise ValueError(f"{self} {self.currency} and {other} {other.currency} are in different currencies")
        return other.units


def format_units(units: int, currency: str) -> str:
    """Plain decimal of major units: at least the currency's minor digits, no superfluous zeros beyond them.

    >>> format_units(12_345_600, "CNY"), format_units(225_846_955, "USD"), format_units(1_000_000, "JPY")
    ('1234.56', '22584.6955', '100')
    """
    whole, rest = divmod(abs(units), SCALE)
    decimals = f"{rest:04d}".rstrip("0").ljust(minor_digits(currency), "0")
    return ("-" if units < 0 else "") + (f"{whole}.{decimals}" if decimals else str(whole))


def split(total: Money, weights: Sequence[Fraction | Decimal | int]) -> list[Money]:
    """Split `total` by `weights` so that the parts add up to it exactly (最大余额法, largest remainder).

    weights   one per part, any scale, at least one above zero; a negative weight raises ValueError.
    Returns   Money in the total's currency, same order, whole minor units. Equal remainders: the earlier part gets
              the unit. A total that is not a whole number of minor units is refused: round it first.
    Source    spec/domain.md, "Parts add up exactly".
    >>> split(Money("100.00", "CNY"), [1, 1, 1])
    [Money('33.34', 'CNY'), Money('33.33', 'CNY'), Money('33.33', 'CNY')]
    """
    parts = allocate(total.units, weights, unit=minor_unit(total.currency))
    return [Money.of_units(part, total.currency) for part in parts]


def allocate(total: int, weights: Sequence[Fraction | Decimal | int], unit: int = 1) -> list[int]:
    """Cut a whole number into parts by weight, each a multiple of `unit`, that add up to it (最大余额法).

    Every exact share is floored to the unit, then the missing units go to the largest fractional remainders, ties by
    order. A negative total mirrors the positive one: allocate(-x) == -allocate(x), so that a reversal cancels.
    ValueError for a total that is not a multiple of the unit, a negative weight, or no weight above zero.
    Source    spec/domain.md 2.2 and 13.
    >>> allocate(101, [3, 7]), allocate(-5, [7, 3]), allocate(10_000, [1, 1, 1], unit=1000)
    ([30, 71], [-4, -1], [4000, 3000, 3000])
    """
    if unit < 1 or total % unit:
        raise ValueError(f"{total} is not a multiple of the rounding unit {unit}")
    shares = [Fraction(weight) for weight in weights]
    whole = sum(shares)
    if any(share < 0 for share in shares) or whole <= 0:
        raise ValueError(f"weights must not be negative and one must be above zero: {[str(w) for w in weights]}")
    pieces = abs(total) // unit
    exact = [share * pieces / whole for share in shares]
    counts = [int(part) for part in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
    for i in by_remainder[: pieces - sum(counts)]:
        counts[i] += 1
    sign = -1 if total < 0 else 1
    return [sign * count * unit for count in counts]


def share_rounding(parts: Sequence[Fraction | int], total: int, unit: int) -> list[int]:
    """Round exact parts to multiples of `unit` so that they add up to `total`, their own rounded sum.

    Every part moves by less than one unit; the largest remainders round up, ties by order. ValueError if the total is
    not what the parts can round to.
    >>> share_rounding([Fraction(100, 3)] * 3, 100, 1)
    [34, 33, 33]
    """
    floors = [Fraction(part) // unit for part in parts]
    missing = total // unit - sum(floors)
    if total % unit or not 0 <= missing <= len(parts):
        raise ValueError(f"{total} is not a rounding of the parts {[str(part) for part in parts]}")
    by_remainder = sorted(range(len(parts)), key=lambda i: (floors[i] - Fraction(parts[i]) / unit, i))
    for i in by_remainder[:missing]:
        floors[i] += 1
    return [floor * unit for floor in floors]


class TooLarge(ValueError):
    """An amount beyond 64 bits."""


def _fit(units: int) -> int:
    if not -_LIMIT <= units < _LIMIT:
        raise TooLarge(f"{units} units do not fit a 64-bit integer")
    return units

"""文字 words: "did you mean", pinyin for sorting and searching, numbers and dates as locals write them.

Locales are "zh_Hans" and "en"; Django's spelling ("zh-hans", "zh-cn") is understood too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import babel.dates
import babel.numbers
from babel import Locale

from .money import Money, minor_digits
from .pinyin import Style, lazy_pinyin

_WORD = re.compile(r"[^\W_]+")

SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "HKD": "HK$", "JPY": "JP¥", "TWD": "NT$"}
"""The signs of currencies on every page, whatever its language; any other is written by its code."""


def closest(word: str, options: Iterable[str]) -> str | None:
    """The option that looks most like `word`, or None if none is near."""
    by_folded = {option.casefold(): option for option in options}
    found = difflib.get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """A hint such as "Did you mean 'customer.name'?", or "" if nothing is near."""
    option = closest(word, options)
    return f"Did you mean '{option}'?" if option else ""


def pinyin(text: str) -> str:
    """拼音 without tones or spaces: "林静" is "linjing", "ABC 公司" is "abcgongsi"."""
    return "".join(_WORD.findall("".join(lazy_pinyin(text)).casefold()))


def initials(text: str) -> str:
    """拼音首字母: the first letter of every Chinese character and of every other word: "张伟明" is "zwm"."""
    pieces = lazy_pinyin(text, errors=lambda other: "".join(word[0] for word in _WORD.findall(other)) + " ")
    return "".join(piece.strip() if piece.endswith(" ") else piece[0] for piece in pieces).casefold()


def pinyin_key(text: str) -> str:
    """Sort key: pinyin syllable by syllable with tones, so that 李 comes before 林 and 妈 before 马."""
    syllables = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)
    return " ".join(syllable.strip().casefold() for syllable in syllables)


def plain_number(value: Fraction | int, digits: int = 6, grouped: bool = False) -> str:
    """The same in every locale: a decimal without superfluous zeros, "≈" before it where it is rounded.

    >>> plain_number(Fraction(1, 8)), plain_number(Fraction(2, 3), digits=4)
    ('0.125', '≈0.6667')
    """
    scaled, below = abs(value.numerator) * 10**digits, value.denominator
    rounded = (2 * scaled + below) // (2 * below)
    whole, rest = divmod(rounded, 10**digits)
    text = f"{whole:,}" if grouped else f"{whole}"
    text += f".{rest:0{digits}d}".rstrip("0") if rest else ""
    sign = "-" if value < 0 and rounded else ""
    return f"{'' if rounded * below == scaled else '≈'}{sign}{text}"


def format_number(value: Fraction | Decimal | int | None, locale: str, digits: int = 2) -> str:
    """A number with the locale's separators and at most `digits` decimals; "–" if missing."""
    if value is None:
        return "–"
    return babel.numbers.format_decimal(_round(value, digits), format=_pattern(digits), locale=_locale(locale))


def format_money(units: int | None, currency: str, locale: str) -> str:
    """An amount in the currency's minor unit with its sign as locals write it: ¥1,234.50; "–" if missing."""
    if units is None:
        return "–"
    amount = _round(Money.of_units(units, currency).decimal, minor_digits(currency))
    return babel.numbers.format_currency(amount, currency, locale=_locale(locale), currency_digits=True)


def with_symbol(number: str, currency: str) -> str:
    """A number that is written already, with the currency's sign: ¥0.0125, -CHF 5.00."""
    sign = SYMBOLS.get(currency, f"{currency}\u00a0")
    return f"-{sign}{number[1:]}" if number.startswith("-") else sign + number


def currency_name(currency: str, locale: str) -> str:
    """人民币, Chinese Yuan; the code where the locale has no name for it."""
    return babel.numbers.get_currency_name(currency, locale=_locale(locale))


def zone_name(zone: str, locale: str) -> str:
    """The place whose time a zone is: 中国（上海）时间, China (Shanghai) Time."""
    return babel.dates.get_timezone_location(zone, locale=_locale(locale))


def format_percent(value: Fraction | Decimal | int | None, locale: str, digits: int = 1) -> str:
    """A fraction of one as a percentage with at most `digits` decimals; "–" if missing."""
    if value is None:
        return "–"
    rounded = _round(value, digits + 2)
    return babel.numbers.format_percent(rounded, format=_pattern(digits) + "%", locale=_locale(locale))


@lru_cache(maxsize=16_384)
def format_date(day: date | None, locale: str) -> str:
    """A date as locals write it in a table: 2026年3月2日, Mar 2, 2026; "–" if missing."""
    return "–" if day is None else babel.dates.format_date(day, format="medium", locale=_locale(locale))


def country_name(code: str, locale: str) -> str:
    """The country of an ISO code: 中国, China; the code where it is none."""
    return str(_locale(locale).territories.get(code.upper(), code))


@lru_cache(maxsize=1_024)
def short_date(day: date, locale: str) -> str:
    """A date where the year is known: 3月2日, Mar 2."""
    return babel.dates.format_skeleton("MMMd", day, locale=_locale(locale))


@lru_cache
def _locale(name: str) -> Locale:
    return Locale.parse("zh_Hans_CN" if name.lower().startswith("zh") else "en")


def _pattern(digits: int) -> str:
    return "#,##0." + "#" * digits if digits else "#,##0"


def _round(value: Fraction | Decimal | int, digits: int) -> Decimal:
    """Half up away from zero for display; Babel alone would round half to even."""
    scaled = abs(Fraction(value)) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if value >= 0 else -whole).scaleb(-digits)

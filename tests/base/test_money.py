"""金额: exact, rounded at one place, split so that the parts add up."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoguan.base.money import Money, allocate, minor_digits, parse_units, round_units, split

TOTALS = st.integers(-(10**15), 10**15)
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


def test_an_amount_is_ten_thousandths_of_the_major_unit():
    money = Money("22584.6955", "USD")
    assert (money.units, str(money), money.decimal) == (225_846_955, "22584.6955", Decimal("22584.6955"))
    assert repr(Money(100, "CNY")) == "Money('100.00', 'CNY')"
    assert str(Money("-0.5", "CNY")) == "-0.50"
    assert str(Money("100", "JPY")) == "100"
    assert str(Money("1.5", "KWD")) == "1.500"


@pytest.mark.parametrize("text", ["0.00001", "1,000", "abc", "NaN", "1e30", ""])
def test_what_is_not_an_exact_amount_is_refused(text):
    with pytest.raises(ValueError, match=r"amount|decimals"):
        parse_units(text)


def test_floats_are_refused():
    with pytest.raises(TypeError, match="float"):
        Money(0.1, "CNY")


def test_currencies_do_not_mix_and_the_error_names_both():
    with pytest.raises(ValueError, match=r"CNY.*USD"):
        Money("1", "CNY") + Money("1", "USD")
    with pytest.raises(ValueError, match=r"CNY.*USD"):
        assert Money("1", "CNY") < Money("1", "USD")
    assert Money("1", "CNY") != Money("1", "USD")


def test_arithmetic_is_exact_or_refused():
    ten = Money("10", "CNY")
    assert ten + ten - Money("5", "CNY") == 15 * Money(1, "CNY")
    assert ten * Fraction(1, 4) == Money("2.50", "CNY")
    assert ten.times(Fraction(1, 3)) == Fraction(100_000, 3)
    assert (-ten, abs(-ten), max(ten, -ten)) == (Money(-10, "CNY"), ten, ten)
    with pytest.raises(ValueError, match="times"):
        ten * Fraction(1, 3)


@pytest.mark.parametrize(
    ("units", "currency", "rounded"),
    [
        (12_345_650, "CNY", 12_345_700),
        (-12_345_650, "CNY", -12_345_700),
        (Fraction(12_345_649), "CNY", 12_345_600),
        (Fraction(1_005_000), "JPY", 1_010_000),
        (Fraction(5), "KWD", 10),
        (Fraction(-1, 3), "CNY", 0),
    ],
)
def test_rounding_is_half_up_away_from_zero_in_the_minor_unit(units, currency, rounded):
    assert round_units(units, currency) == rounded


def test_minor_units_follow_iso_4217():
    assert [minor_digits(code) for code in ("CNY", "USD", "JPY", "KWD", "VND")] == [2, 2, 0, 3, 0]


def test_split_hands_the_missing_cent_to_the_largest_remainder():
    parts = split(Money("100.00", "CNY"), [1, 1, 1])
    assert [str(part) for part in parts] == ["33.34", "33.33", "33.33"]
    assert [str(part) for part in split(Money(100, "JPY"), [1, 1, 1])] == ["34", "33", "33"]
    with pytest.raises(ValueError, match="multiple"):
        split(Money("0.0001", "CNY"), [1])


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_weights_that_give_no_shares_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        allocate(100, weights)


@given(TOTALS, WEIGHTS)
def test_parts_add_up_to_the_whole_and_a_reversal_cancels(total, weights):
    parts = allocate(total, weights)
    assert sum(parts) == total
    assert allocate(-total, weights) == [-part for part in parts]
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


@given(st.integers(0, 10**9), WEIGHTS)
def test_a_larger_weight_never_gets_less(total, weights):
    parts = allocate(total, weights)
    ranked = sorted(zip(weights, parts, strict=True))
    assert all(part >= other for weight, part in ranked for lighter, other in ranked if lighter < weight)

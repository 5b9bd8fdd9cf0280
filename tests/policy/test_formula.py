"""公式: reading, units, evaluation."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoguan.policy import Duration, FormulaError, Literal, Scope, Type, evaluator, names, parse, resolve, unparse

FIELDS = Scope(
    {
        "net_amount": Type.MONEY,
        "unit_price": Type.MONEY,
        "quantity": Type.NUMBER,
        "discount": Type.RATIO,
        "orders": Type.COUNT,
        "score": Type.SCORE,
        "status": Type.TEXT,
        "connected": Type.BOOL,
        "done_on": Type.DATE,
        "due_on": Type.DATE,
        "customer.class": Type.TEXT,
    },
    open=("person.",),
)
ROW = {
    "net_amount": 12_345_600,
    "unit_price": 100_000,
    "quantity": 3,
    "discount": Fraction(1, 10),
    "orders": 4,
    "score": 9,
    "status": "signed",
    "connected": True,
    "done_on": date(2026, 3, 2),
    "due_on": date(2026, 3, 1),
    "customer.class": "A",
}
NOTHING = dict.fromkeys(ROW)


def value(text: str, row: dict[str, object] = ROW) -> object:
    return evaluator(resolve(parse(text), FIELDS)[0])(row)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unit_price * quantity * (1 - discount)", 270_000),
        ("net_amount >= 1234.56", True),
        ("net_amount > 1_234.56", False),
        ("net_amount - 0.06", 12_345_000),
        ("8% * net_amount", Fraction(987_648)),
        ("quantity * 2 - 1", 5),
        ("-quantity + 10", 7),
        ("1 - 2 - 3", -4),
        ("2 + 3 * 4", 14),
        ("status == 'signed' and connected", True),
        ("status in ['draft', 'signed']", True),
        ("status not in ['draft']", True),
        ("not connected or score >= 9", True),
        ("customer.class == 'A'", True),
        ("done_on <= due_on", False),
        ("done_on == date('2026-03-02')", True),
        ("done_on - due_on <= 1d", True),
        ("due_on + 1m == date('2026-04-01')", True),
        ("if(discount > 5%, 1, 2)", 1),
        ("ratio(net_amount, orders)", Fraction(12_345_600, 4)),
        ("ratio(orders, 0, empty=100%)", 1),
        ("min(quantity, 2)", 2),
        ("max(net_amount, 0)", 12_345_600),
        ("clamp(discount, 0, 5%)", Fraction(1, 20)),
        ("abs(quantity - 5)", 2),
        ("round(net_amount, 1)", 12_350_000),
        ("round(-2.5)", -3),
    ],
)
def test_values_are_exact(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    "text", ["unit_price * quantity", "net_amount + 1", "ratio(net_amount, orders)", "abs(quantity)"]
)
def test_arithmetic_with_missing_is_missing(text):
    assert value(text, NOTHING) is None


@pytest.mark.parametrize(
    "text",
    ["net_amount > 0", "net_amount != 1", "status in ['a']", "status == 'a'", "connected", "connected and connected"],
)
def test_a_comparison_with_missing_does_not_hold(text):
    assert not value(text, NOTHING)
    assert value(f"not ({text})", NOTHING) is True


def test_division_by_nothing_is_missing_unless_said_otherwise():
    assert value("ratio(orders, 0)") is None
    assert value("ratio(orders, 0, empty=missing)") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("net_amount + 8%", "'net_amount' is an amount and '8%' is a ratio: they cannot be added"),
        ("net_amount * unit_price", "cannot be multiplied"),
        ("net_amount > discount", "cannot be compared"),
        ("orders > 50%", "'orders' is a count and '50%' is a ratio"),
        ("status > 'a'", "text has no order"),
        ("status == 3", "cannot be compared"),
        ("due_on > '2026-01-01'", "cannot be compared"),
        ("done_on + 5wd", "5wd cannot be used here"),
        ("score == missing", "never holds"),
        ("not quantity", "a condition is needed"),
        ("net_amont", "'net_amont' is not known here"),
        ("frobnicate(1)", "is not a function"),
        ("abs(1, 2)", "takes 1 arguments"),
        ("ratio(1, 2, emty=0)", "no argument 'emty'"),
        ("sum(status)", "not a function that can stand here"),
    ],
)
def test_what_has_no_meaning_is_said_in_words(text, message):
    with pytest.raises(FormulaError) as error:
        resolve(parse(text), FIELDS)
    assert message in error.value.message


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        ("a / b", 2, "ratio(a, b"),
        ("a = b", 2, "=="),
        ("a && b", 2, "and"),
        ('status == "x"', 10, "single quotes"),
        ("'open", 0, "closing quote"),
        ("1 < 2 < 3", 6, "a < b and b < c"),
        ("a % 2", 2, "8%"),
        ("(a", 2, ""),
        ("a b", 2, ""),
        ("", 0, ""),
        ("1.5d", 0, ""),
        ("date('x')", 0, "2026-04-01"),
        ("ratio(empty=1, 2)", 15, ""),
        ("(" * 200, 60, ""),
        ("a + " * 300 + "a", 800, "metrics"),
        ("999999999d", 0, ""),
        ("a == 'x' AND b", 9, "Write and."),
        ("a between 1 and 5", 2, "a <= x"),
        ("status == “x”", 10, "straight single quotes"),
        ("a，b", 1, "English keyboard"),
    ],
)
def test_what_cannot_be_read_is_shown_by_its_column(text, at, hint):
    with pytest.raises(FormulaError) as error:
        parse(text)
    assert error.value.at == at
    assert hint in error.value.hint


def test_the_unit_that_is_needed_is_demanded():
    with pytest.raises(FormulaError, match="an amount, but a ratio is needed"):
        resolve(parse("net_amount"), FIELDS, Type.RATIO)
    tree, type_ = resolve(parse("5000"), FIELDS, Type.MONEY)
    assert isinstance(tree, Literal)
    assert (tree.value, type_) == (50_000_000, Type.MONEY)


@pytest.mark.parametrize(
    ("text", "hint"), [("status == signed", "quotes: 'signed'"), ("avg(net_amount) > 1", "mean(x)")]
)
def test_what_other_languages_write_is_named_here(text, hint):
    with pytest.raises(FormulaError) as error:
        resolve(parse(text), FIELDS)
    assert hint in error.value.hint


def test_names_are_found_whole():
    assert names(parse("ratio(a.b, c, empty=d) > 3 and e in ['x']")) == {"a.b", "c", "d", "e"}


def test_durations_count_from_a_date():
    assert Duration(1, "m").after(date(2026, 1, 31)) == date(2026, 2, 28)
    assert Duration(1, "y").after(date(2024, 2, 29)) == date(2025, 2, 28)
    assert Duration(2, "w").after(date(2026, 1, 1)) == date(2026, 1, 15)


_ATOMS = st.sampled_from(["a", "b.c", "12.5", "8%", "'x'", "true", "missing", "30d", "date('2026-01-01')"])


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "and", "or"])
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.tuples(inner, st.sampled_from(["==", "<", ">="]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda t: f"not ({t})"),
        inner.map(lambda t: f"-({t})"),
        st.tuples(inner, inner).map(lambda t: f"ratio({t[0]}, {t[1]}, empty=missing)"),
        inner.map(lambda t: f"({t}) in ['x', 2]"),
    )


@given(st.recursive(_ATOMS, _grow, max_leaves=8))
def test_a_printed_formula_reads_as_the_same_tree(text):
    tree = parse(text)
    assert parse(unparse(tree)) == tree


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        parse(text)
    except FormulaError as error:
        assert 0 <= error.at <= len(text)


@pytest.mark.parametrize(
    ("text", "records", "people"),
    [
        ("nothing >= 5", False, None),
        ("nothing != 5", False, None),
        ("nothing in [5]", False, None),
        ("not (nothing >= 5)", True, None),
        ("nothing >= 5 or one == 1", True, True),
        ("one == 1 or nothing >= 5", True, True),
        ("nothing >= 5 or one == 2", False, None),
        ("nothing >= 5 and one == 2", False, False),
        ("one == 2 and nothing >= 5", False, False),
        ("nothing >= 5 and one == 1", False, None),
        ("not (nothing >= 5 and one == 2)", True, True),
        ("if(nothing >= 5, 1, 2)", 2, None),
        ("if(one == 1, 3, nothing)", 3, 3),
        ("default(nothing, 7)", 7, 7),
        ("default(one, 7)", 1, 1),
        ("default(nothing, 7) >= 5", True, True),
        ("default(nothing, nothing)", None, None),
    ],
)
def test_what_is_missing_decides_only_where_nothing_else_does(text, records, people):
    tree, _ = resolve(parse(text), Scope({"nothing": Type.NUMBER, "one": Type.NUMBER}))
    row = {"nothing": None, "one": 1}
    assert (evaluator(tree)(row), evaluator(tree, unknown=None)(row)) == (records, people)

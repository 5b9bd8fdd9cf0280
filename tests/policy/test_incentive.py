"""激励: what is paid, how it opens, and what is never guessed. Invariants of spec/domain.md section 10."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaoguan.base.explain import Line, Statement
from xiaoguan.base.money import Money
from xiaoguan.base.periods import Calendar
from xiaoguan.policy import Policy, Who, statement, value_of
from xiaoguan.policy.tiers import Band, bands, pay

from .making import BOOKINGS, LIN, order, paying, world

CALENDAR = Calendar()
FLAT = "{id: commission, kind: commission, basis: bookings, period: month, rate: 3%}"
RATES = "rates: [{from: 0%, rate: 3%}, {from: 100%, rate: 4%}, {from: 120%, rate: 5%}]"
QUARTER = (
    "{id: commission, kind: commission, basis: bookings, period: month, "
    f"tiers: {{mode: marginal, by: attainment, of: quota, accumulate: quarter, {RATES}}}}}"
)
AMOUNT = (
    "{id: commission, kind: commission, basis: bookings, period: month, tiers: {mode: %s, by: amount, "
    "rates: [{from: 0, rate: 1%%}, {from: 10_000, rate: 2%%}, {from: 50_000, rate: 3.5%%}]}}"
)
BONUS = '{id: bonus, kind: bonus, period: quarter, amount: %s, when: "attainment(quota) >= 100%%"}'


def paid(found: Policy, *orders, period="2026-03", quota=None, who=LIN) -> Statement:
    result = statement(found, who, CALENDAR.parse(period), world(found, *orders, quota=quota))
    assert result.check() == []
    assert Statement.from_json(json.loads(json.dumps(result.to_json()))) == result
    return result


def line(result: Statement, name="commission") -> Line:
    return next(one for one in result.lines if one.name == name)


def test_a_flat_rate_is_rounded_once_and_opens_to_its_records():
    found = paying(FLAT)
    result = paid(found, order(333_333, "2026-03-01", 1), order(333_333, "2026-03-02", 2))
    one = line(result)
    assert (one.value, result.total) == (20_000, Money("2.00", "CNY"))  # 66.6666 × 3 % = 1.999998
    assert one.formula == "bookings 66.6666 × 3% = ≈2.00, rounded to 2.00"
    assert one.source == "test 1.0.0, incentive[0].components[0]"
    assert [part.name for part in one.parts] == ["rate", "bookings"]
    assert [record.id for record in one.parts[1].records] == ["1", "2"]


def test_every_amount_of_the_accelerator_opens():
    found = paying(QUARTER)
    orders = [order(1_800_000_000, "2026-01-20", 101), order(1_200_000_000, "2026-03-02", 107)]
    one = line(paid(found, *orders, quota={"2026-Q1": 2_500_000_000}))
    assert one.value == 41_000_000
    to_date, earlier, attained = one.parts
    assert [(part.label, part.value) for part in to_date.parts] == [
        ("0% to 100%", 75_000_000),
        ("100% to 120%", 20_000_000),
    ]
    assert (to_date.value, earlier.value) == (95_000_000, -54_000_000)
    assert (attained.value, attained.adds) == (Fraction(6, 5), False)
    assert attained.formula == "bookings 300,000.00 / quota 250,000.00"


def test_the_next_boundary_is_said():
    one = line(
        paid(paying(QUARTER), order(1_000_000_000, "2026-01-20"), period="2026-01", quota={"2026-Q1": 2_500_000_000})
    )
    assert one.note == "150,000.00 more bookings reaches the tier 100% to 120%, which pays 4% on what is above it"


@pytest.mark.parametrize(
    ("bonus", "achieved", "value"), [("5000", 100, 50_000_000), ("5000", 99, 0), ('"person.bonus * 2"', 100, 2_000_000)]
)
def test_a_bonus_is_paid_when_its_condition_holds(bonus, achieved, value):
    found = paying(BONUS % bonus)
    who = Who("lin", "林静", "sales_rep", {"bonus": Money("100", "CNY")})
    result = paid(found, order(achieved * 10_000), quota={"2026-Q1": 1_000_000}, who=who)
    assert line(result, "bonus").value == value


def test_a_quarterly_bonus_falls_due_in_the_last_month_and_in_the_quarter():
    found = paying(BONUS % "5000")
    quota = {"2026-Q1": 1_000_000, "2026-Q2": 1_000_000}
    assert paid(found, order(1_000_000), period="2026-02", quota=quota).lines == ()
    assert line(paid(found, order(1_000_000), period="2026-Q1", quota=quota), "bonus").value == 50_000_000
    half = line(paid(found, order(1_000_000), period="2026-H1", quota=quota), "bonus")
    assert (half.value, [part.value for part in half.parts]) == (50_000_000, [50_000_000, 0])


@pytest.mark.parametrize(
    ("component", "terms", "quota", "reason"),
    [
        (QUARTER, {}, None, "there is no quota quota for 2026-Q1"),
        (QUARTER, {}, {"2026-Q1": 0}, "quota is 0"),
        (FLAT.replace("3%", '"person.rate"'), {}, None, "person.rate is not known for 林静"),
        (FLAT.replace("3%", '"person.rate"'), {"rate": Money("3", "CNY")}, None, "a ratio is needed"),
        (FLAT.replace("3%", '"person.rate"'), {"rate": "three"}, None, "a ratio is needed"),
        ("{id: commission, kind: bonus, amount: person.sum}", {"sum": Money("3", "EUR")}, None, "in EUR, not CNY"),
        ("{id: commission, kind: bonus, amount: person.sum}", {"sum": Fraction(1, 3)}, None, "an amount is needed"),
        ("{id: commission, kind: commission, basis: nothing, rate: 3%}", {}, None, "there is no metric 'nothing'"),
        (
            "{id: commission, kind: bonus, amount: 5, when: 'attainment(none) > 1'}",
            {},
            None,
            "attainment(none) names no goal",
        ),
        ("{id: commission, kind: bonus, amount: 5, period: fortnight}", {}, None, "'fortnight' is not one of"),
    ],
)
def test_what_is_missing_goes_to_the_exception_list_and_is_never_0(component, terms, quota, reason):
    found = paying(component)
    who = Who("lin", "林静", "sales_rep", terms)
    result = paid(found, order(1_000_000, "2026-03-01"), quota=quota, who=who)
    one = line(result)
    assert one.value is None and reason in one.note
    (issue,) = result.issues
    assert (issue.code, issue.level) == ("incentive.missing", "warning")
    assert "林静: commission is not calculated: " in issue.message and reason in issue.message
    assert result.total == Money(0, "CNY")


def test_records_held_back_are_on_the_exception_list():
    found = paying(FLAT)
    result = paid(found, order(1_000_000, "2026-03-01", 1), order(9, "2026-03-01", 2, currency="USD"))
    assert line(result).value == 30_000
    assert "records held back for commission: 1 (in USD, not CNY)" in result.issues[0].message


def test_a_plan_is_for_its_roles_and_its_time():
    found = paying(FLAT)
    assert paid(found, who=Who("lin", "林静", "finance")).lines == ()
    assert "not in force" in line(paid(found, order(1, "2025-12-30"), period="2025-12")).note


def test_a_slab_pays_everything_at_the_rate_reached():
    found = paying(AMOUNT % "slab")
    below = line(paid(found, order(99_999_900, "2026-03-01")))
    at = line(paid(found, order(100_000_000, "2026-03-01")))
    assert (below.value, at.value) == (1_000_000, 2_000_000)
    assert at.note == "40,000.00 more bookings reaches the tier from 50,000.00, which pays 3.5% on everything: 1,750.00"


def test_a_slab_may_look_at_another_metric_than_it_pays_on():
    more = BOOKINGS.replace(
        "goals:",
        '  orders: {name: Orders, type: count, from: orders, value: "count()", date: signed_on}\ngoals:\n'
        "  - {id: number, metric: orders, period: month, target: {method: assigned}}",
    )
    found = paying(
        "{id: commission, kind: commission, basis: bookings, tiers: {mode: slab, by: attainment, of: number, "
        "rates: [{from: 0%, rate: 1%}, {from: 100%, rate: 2%}]}}",
        more=more,
    )
    here = world(found, order(1_000_000, "2026-03-01", 1), order(1_000_000, "2026-03-02", 2))
    here.goals = {("number", "lin", "2026-03"): 2}
    result = statement(found, LIN, CALENDAR.parse("2026-03"), here)
    assert line(result).value == 40_000 and result.check() == []


def test_a_condition_may_look_at_the_window_and_gates_a_commission_too():
    gated = FLAT.replace("rate: 3%", 'rate: 3%, when: "attainment(quota, over=quarter) >= 50% and bookings > 10"')
    found = paying(gated)
    quota = {"2026-Q1": 2_000_000}
    assert line(paid(found, order(1_000_000, "2026-03-01"), quota=quota)).value == 30_000
    assert line(paid(found, order(1_000_000, "2026-01-01"), quota=quota)).value == 0
    value = value_of(
        found, "attainment(quota, over=quarter)", LIN, CALENDAR.parse("2026-01"), world(found, quota=quota)
    )
    assert (value.value, value.unit) == (0, "ratio")


# Invariants

FEW = settings(max_examples=40, deadline=None)
AMOUNTS = st.lists(st.integers(1, 4_000_000_000), min_size=1, max_size=6)
MODES = st.sampled_from(["marginal", "slab"])


def table(mode: str) -> list[Band]:
    tiers = paying(AMOUNT % mode).incentive[0].components[0].tiers
    assert tiers is not None
    return bands(tiers)


MARGINAL, SLAB = table("marginal"), table("slab")


@given(MODES, st.integers(0, 2_000_000_000), st.integers(0, 1_000_000_000))
def test_more_credit_never_pays_less(mode, credit, more):
    rates = {"marginal": MARGINAL, "slab": SLAB}[mode]
    assert pay(mode, credit, rates) <= pay(mode, credit + more, rates)


@given(st.sampled_from([100_000_000, 500_000_000]), st.integers(1, 1000))
def test_marginal_pay_has_no_jumps(bound, step):
    difference = pay("marginal", bound + step, MARGINAL) - pay("marginal", bound - step, MARGINAL)
    assert 0 <= difference <= 2 * step * Fraction(35, 1000)


@FEW
@given(AMOUNTS, st.randoms())
def test_neither_the_order_of_lines_nor_their_cutting_changes_the_pay(amounts, random):
    found = paying(AMOUNT % "marginal")
    orders = [order(amount, f"2026-03-{i + 1:02d}", i) for i, amount in enumerate(amounts)]
    halves = [
        order(part, "2026-03-05", (i, j)) for i, a in enumerate(amounts) for j, part in enumerate((a // 2, a - a // 2))
    ]
    random.shuffle(halves)
    assert paid(found, *orders).total == paid(found, *reversed(orders)).total == paid(found, *halves).total


@FEW
@given(AMOUNTS, st.integers(1, 5_000_000_000))
def test_the_months_of_a_quarter_pay_what_the_quarter_has_earned(amounts, quota):
    found = paying(QUARTER)
    orders = [order(amount, f"2026-{i % 3 + 1:02d}-15", i) for i, amount in enumerate(amounts)]
    quotas = {"2026-Q1": quota}
    months = [paid(found, *orders, period=f"2026-{month:02d}", quota=quotas).total for month in (1, 2, 3)]
    assert sum(month.units for month in months) == paid(found, *orders, period="2026-Q1", quota=quotas).total.units


@given(MODES, st.integers(0, 4_000_000_000), st.integers(2, 50))
def test_scaling_money_and_bounds_scales_the_pay(mode, credit, factor):
    rates = {"marginal": MARGINAL, "slab": SLAB}[mode]
    scaled = [replace(band, start=band.start * factor, end=band.end and band.end * factor) for band in rates]
    assert pay(mode, credit * factor, scaled) == factor * pay(mode, credit, rates)


@FEW
@given(AMOUNTS, st.sampled_from(["CNY", "JPY", "KWD"]))
def test_the_shown_parts_add_up_in_every_currency(amounts, currency):
    found = paying(AMOUNT % "marginal", currency)
    result = paid(found, *(order(amount, "2026-03-01", i) for i, amount in enumerate(amounts)))
    assert result.check() == []
    one = line(result)
    assert sum(part.number for part in one.parts if part.adds) == one.value

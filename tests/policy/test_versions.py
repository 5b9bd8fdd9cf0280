"""生效期与版本: which version pays what, and one state through all of them. Every number is worked out by hand."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xiaoguan.base.ledger import Entry, balance
from xiaoguan.policy import RowsWorld, Who, load_text, statement_of_versions
from xiaoguan.policy.world import Book

from .making import BOOKINGS, LIN, order
from .test_settle import FLAT, ROW, cash, plan, yuan

MARGINAL = (
    "{id: commission, kind: commission, basis: bookings, period: month, tiers: {mode: marginal, by: amount, "
    "accumulate: quarter, rates: [{from: 0, rate: 1%%}, {from: 10_000, rate: %s}]}}"
)
BY_QUOTA = (
    "{id: commission, kind: commission, basis: bookings, period: month, tiers: {mode: marginal, by: attainment, "
    "of: quota, rates: [{from: 0%, rate: 3%}, {from: 100%, rate: 5%}]}}"
)
CASH = "pay: {release: {by_collection: 100%}}"


def version(number, start, end, components=FLAT, rest="", how=""):
    """A version of one policy; `how` is its transition."""
    text = plan(components, rest, BOOKINGS.replace("period: quarter", "period: month")).text
    change = f", transition: {{default: {how}}}" if how else ""
    text = text.replace("version: 1.0.0, effective: {from: 2026-01-01, to: null}",
                        f"version: {number}.0.0, effective: {{from: {start}, to: {end}}}{change}")  # fmt: skip
    found, issues = load_text(text)
    assert found is not None, issues
    return found


def two(day, first=FLAT, second=FLAT, rests=("", ""), how=""):
    """Two versions, the second from a day on."""
    return [
        version(1, "2026-01-01", day, first, rests[0]),
        version(2, day, "null", second, rests[1], how),
    ]


def paid(versions, *orders, period="2026-01", who=LIN, quota=None, ledger=(), **tables):
    goals = {("quota", "lin", label): units for label, units in (quota or {}).items()}
    worlds = {
        one.version: RowsWorld(one, {"orders": orders, **tables}, goals, book=Book(ledger=ledger)) for one in versions
    }
    result = statement_of_versions(versions, who, versions[-1].calendar.parse(period), lambda one: worlds[one.version])
    assert result.check() == [] and balance(result.entries) == 0
    return result


def totals(versions, *orders, periods, **more):
    return [paid(versions, *orders, period=period, **more).total.units / ROW for period in periods]


MONTHS = ("2026-01", "2026-02", "2026-03")


# One state


def test_what_an_earlier_version_earned_is_released_by_its_terms():
    orders, money = [yuan(10_000, "2026-03-20"), yuan(1_000, "2026-04-05", "SO-2")], [cash(10_000, "2026-04-10")]
    for later in (CASH, ""):
        changed = two("2026-04-01", rests=(CASH, later))
        released = paid(changed, *orders, payments=money, period="2026-04")
        assert released.total.units == (1_000 + (0 if later else 100)) * ROW
    assert totals(two("2026-04-01", rests=(CASH, CASH)), *orders, payments=money, periods=["2026-03"]) == [0]


def test_a_change_inside_a_month_holds_back_both_parts():
    changed = two("2026-03-16", second=FLAT.replace("10%", "20%"), rests=(CASH, CASH))
    orders = [yuan(10_000, "2026-03-15"), yuan(10_000, "2026-03-16", "SO-2")]
    money = [cash(10_000, "2026-04-10"), cash(5_000, "2026-04-11", "SO-2")]
    assert totals(changed, *orders, payments=money, periods=["2026-03", "2026-04"]) == [0, 1_000 + 1_000]


def test_a_policy_that_begins_inside_a_month_settles_its_first_days():
    found = [version(1, "2026-03-16", "null", rest=CASH)]
    orders = [yuan(5_000, "2026-03-10"), yuan(10_000, "2026-03-20", "SO-2")]
    money = [cash(10_000, "2026-04-10", "SO-2")]
    assert totals(found, *orders, payments=money, periods=["2026-03", "2026-04"]) == [0, 1_000]


@pytest.mark.parametrize(("later", "left"), [("draw: {kind: recoverable, amount: 2_000}", 2_000), ("", 1_000)])
def test_a_debt_outlives_the_version_that_made_it(later, left):
    # January and February drew 2 000 each; of 5 000 all that is above the draw, or all, repays 4 000
    changed = two("2026-03-01", rests=("draw: {kind: recoverable, amount: 2_000}", later))
    march = paid(changed, yuan(50_000, "2026-03-15"), period="2026-03")
    assert march.total.units == left * ROW


def test_a_claw_back_follows_the_terms_of_the_sale():
    changed = two("2026-02-01", rests=("clawback: {events: [return], window: 60d, share: 50%}", ""))
    back = {"id": "R", "order": "SO-1", "returned_on": date(2026, 2, 5), "kind": "return"}
    orders = [yuan(1_000, "2026-01-10"), yuan(1_000, "2026-02-10", "SO-2")]
    assert totals(changed, *orders, returns=[back], periods=["2026-02"]) == [100 - 50]


def test_pay_by_the_quarter_waits_for_its_end():
    found = [version(1, "2026-01-01", "null", rest="pay: {paid: quarterly}")]
    orders = [yuan(100, "2026-01-15"), yuan(1_000, "2026-02-15", "SO-2"), yuan(10_000, "2026-03-15", "SO-3")]
    assert totals(found, *orders, periods=(*MONTHS, "2026-Q1")) == [0, 0, 1_110, 1_110]
    january, march = (paid(found, *orders, period=period) for period in ("2026-01", "2026-03"))
    assert [int(line.number) // ROW for line in january.lines] == [10, -10] and not january.entries
    assert [int(line.number) // ROW for line in march.lines] == [1_000, 110]
    assert march.steps[10].amount == 110 * ROW


RESTS = (
    "pay: {release: {on_signing: 40%, by_collection: 60%}, holdback: {share: 20%, release: {after: 40d}}}\n"
    "clawback: {events: [return], window: 90d, share: full, offset_limit: 50%}",
    "cap: {total: 500, per: quarter, excess: carry}\nfloor: {total: 50}\npay: {paid: quarterly}",
    "draw: {kind: recoverable, amount: 300, months: 3, recover: 50%}\ncap: {total: 900}",
    "guarantee: {amount: 200, months: 4}\npay: {holdback: {share: 10%, release: quarter_end}}",
)
COMPONENTS = (
    FLAT,
    FLAT.replace("rate: 10%", "cap: {amount: 400, per: quarter}, rate: 10%"),
    FLAT.replace("rate: 10%", "cap: {amount: 200, excess: carry}, rate: 10%"),
    MARGINAL % "9%",
    "{id: commission, kind: commission, basis: bookings, period: month, tiers: {mode: per_transaction, by: amount, "
    "each: slab, rates: [{from: 0, rate: 5%}, {from: 3_000, rate: 8%}]}}",
)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(RESTS),
    st.sampled_from(COMPONENTS),
    st.sampled_from(["2026-02-01", "2026-02-17", "2026-04-01"]),
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 28), st.integers(100, 9_000)), max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 6), st.integers(50, 9_000)), max_size=4),
)
def test_a_version_that_changes_nothing_changes_no_pay(rest, component, day, sales, later):
    assume("cap" not in component or day.endswith("01"))  # inside a month the first version's records come first
    orders = [yuan(amount, f"2026-{month:02d}-{on:02d}", f"SO-{i}") for i, (month, on, amount) in enumerate(sales)]
    money = [cash(amount, f"2026-{month:02d}-25", f"SO-{i}", f"P-{n}") for n, (i, month, amount) in enumerate(later)]
    back = [
        {
            "id": f"R-{n}",
            "order": f"SO-{i}",
            "returned_on": date(2026, month, 26),
            "amount": amount * ROW,
            "kind": "return",
        }
        for n, (i, month, amount) in enumerate(later[:2])
    ]
    one, both = [version(1, "2026-01-01", "null", component, rest)], two(day, component, component, (rest, rest))
    months = [f"2026-{month:02d}" for month in range(1, 8)]
    found, wanted = (totals(of, *orders, periods=months, payments=money, returns=back) for of in (both, one))
    assert found == wanted


def test_a_cap_is_one_over_both_versions_of_a_month_and_its_excess_goes_on():
    capped = FLAT.replace("rate: 10%", "cap: {amount: 200, excess: carry}, rate: 10%")
    orders = [yuan(1_500, "2026-02-10"), yuan(2_000, "2026-02-20", "SO-2"), yuan(500, "2026-03-05", "SO-3")]
    # 150 + 200 = 350: 200, then 50 + 150 carried
    assert totals(two("2026-02-17", capped, capped), *orders, periods=MONTHS) == [0, 200, 200]
    lost = FLAT.replace("rate: 10%", "cap: 200, rate: 10%")
    assert totals(two("2026-02-17", lost, lost), *orders, periods=MONTHS) == [0, 200, 50]


def test_the_sum_of_both_versions_of_a_month_is_rounded_once():
    orders = [order(500, "2026-02-10"), order(500, "2026-02-20", "SO-2")]  # 0.05 each, 0.005 of both
    assert paid(two("2026-02-17"), *orders, period="2026-02").total.units == 100
    hold = "pay: {holdback: {share: 15%, release: year_end}}"
    orders = [yuan(1, "2026-02-10"), yuan(1, "2026-02-20", "SO-2")]  # 0.03 of 0.20
    assert paid(two("2026-02-17", rests=(hold, hold)), *orders, period="2026-02").total.units == 1_700


def test_a_prorated_cap_is_a_whole_number_of_minor_units_and_is_released_with_the_cash():
    tiers = "tiers: {mode: marginal, by: amount, rates: [{from: 0, rate: 10%}]}"
    capped = FLAT.replace("rate: 10%", f"cap: 1_000, {tiers}")
    orders = [yuan(20_000, "2026-03-10"), yuan(20_000, "2026-03-20", "SO-2")]
    money = [cash(20_000, "2026-03-11"), cash(20_000, "2026-03-25", "SO-2")]
    changed = two("2026-03-16", capped, capped, (CASH, CASH), "prorate")  # 483.87 and 516.13
    assert paid(changed, *orders, period="2026-03", payments=money).total.units == 1_000 * ROW


# Windows and transitions


@pytest.mark.parametrize(
    ("how", "months"),
    [
        ("new_period_only", [80, 140, 160]),  # 24 000 at 1 % and 2 %
        # 31 of 90 days, 3 444.44 at 1 % and 4 555.56 at 2 %; 59 of 90 days, 6 555.56 at 1 % and the rest at 10 %
        ("prorate", [125.56, 210, 800]),
        ("new_for_whole_period", [80, 620, 800]),  # 24 000 at 1 % and 10 %
    ],
)
def test_a_change_on_the_first_of_a_month_inside_a_quarter(how, months):
    changed = two("2026-02-01", MARGINAL % "2%", MARGINAL % "10%", how=how)
    orders = [yuan(8_000, f"2026-0{i}-15", f"SO-{i}") for i in (1, 2, 3)]
    assert totals(changed, *orders, periods=MONTHS) == months
    assert totals(changed, *orders, periods=["2026-Q1"]) == [round(sum(months), 2)]


def test_a_new_version_for_the_whole_quarter_restates_the_months_before():
    changed = two("2026-02-01", MARGINAL % "2%", MARGINAL % "10%", how="new_for_whole_period")
    orders = [yuan(20_000, "2026-01-15"), yuan(8_000, "2026-02-15", "SO-2")]
    # January 100 + 200 = 300; the quarter 100 + 1 800 = 1 900; January under the new one 1 100
    assert totals(changed, *orders, periods=("2026-01", "2026-02", "2026-Q1")) == [300, 1_600, 1_900]
    line = paid(changed, *orders, period="2026-02").lines[0]
    assert [int(part.number) // ROW for part in line.parts] == [800, 800]
    assert line.parts[1].formula == "1,100.00 under test 2.0.0 - 300.00 earned before"


def test_a_policy_that_begins_inside_a_quarter_leaves_it_out():
    found = [version(1, "2026-02-01", "null", MARGINAL % "10%")]
    february = paid(found, yuan(8_000, "2026-01-15"), yuan(8_000, "2026-02-15", "SO-2"), period="2026-02")
    assert february.lines[0].missing and "not in force for the whole of 2026-Q1" in february.lines[0].note
    assert totals(found, yuan(8_000, "2026-04-15"), periods=["2026-04"]) == [80]


def test_sums_are_prorated_by_days():
    bonus = "{id: bonus, kind: bonus, period: month, %s}"
    for key in ("target: 1_000", 'amount: "1_000"'):
        changed = two("2026-03-16", bonus % key, bonus % key.replace("1_000", "2_000"), how="prorate")
        assert totals(changed, periods=["2026-03"]) == [1_516.13]  # 1 000 × 15/31 + 2 000 × 16/31


def test_two_equal_versions_prorated_pay_what_one_pays():
    changed = two("2026-03-16", BY_QUOTA, BY_QUOTA, how="prorate")
    orders = [yuan(100_000, "2026-03-10"), yuan(100_000, "2026-03-20", "SO-2")]
    quota = {"2026-03": 100_000 * ROW}
    # quotas of 48 387.10 and 51 612.90: 1 451.61 + 2 580.65 and 1 548.39 + 2 419.35
    assert totals(changed, *orders, periods=["2026-03"], quota=quota) == [8_000]


def test_a_component_that_is_dropped_pays_no_longer_and_a_renamed_one_goes_on():
    other = FLAT.replace("id: commission", "id: other")
    dropped = two("2026-03-16", FLAT, other)
    orders = [yuan(100, "2026-03-10"), yuan(1_000, "2026-03-20", "SO-2")]
    march = paid(dropped, *orders, period="2026-03")
    assert {line.name: int(line.number) // ROW for line in march.lines} == {"commission": 10, "other": 100}
    named = two("2026-03-16", FLAT, other.replace("kind:", "formerly: commission, kind:"))
    assert len(paid(named, *orders, period="2026-03").lines) == 1


# Corrections


def test_a_correction_is_reckoned_under_the_version_of_its_period():
    changed = two("2026-03-01", FLAT, FLAT.replace("10%", "20%"))
    ledger = [Entry("earning", "lin", "2026-01", "2026-01", "commission", 400 * ROW)]
    march = paid(changed, yuan(3_000, "2026-01-15"), period="2026-03", ledger=ledger)
    assert march.total.units == -100 * ROW  # 10 % of 3 000 less 400


@pytest.mark.parametrize("posted", ["2026-01", "2026-03"])
def test_a_month_in_which_nothing_was_paid_is_closed_too(posted):
    """What was posted in March, be it about January alone, closes February and March."""
    found = [version(1, "2026-01-01", "null")]
    orders = [yuan(1_000), yuan(2_000, "2026-02-10", "SO-2"), yuan(3_000, "2026-03-10", "SO-3")]
    ledger = [Entry("earning", "lin", "2026-01", "2026-01", "commission", 90 * ROW)]
    ledger.append(Entry("adjustment", "lin", "2026-01", posted, "adjustment", 10 * ROW))
    late = 200 + 300 if posted == "2026-03" else 0
    assert totals(found, *orders, periods=["2026-04"], ledger=ledger) == [late]


def test_a_late_record_of_somebody_without_a_posting_is_an_adjustment():
    found = [version(1, "2026-01-01", "null")]
    zhou = Who("zhou", "周航", "sales_rep")
    ledger = [Entry("earning", "lin", "2026-01", "2026-01", "commission", 0)]
    late = order(3_000 * ROW, "2026-01-20", "SO-9", person="zhou")
    february = paid(found, late, period="2026-02", who=zhou, ledger=ledger)
    assert february.lines[-1].name == "adjustment" and february.total.units == 300 * ROW


@pytest.mark.parametrize("rest", RESTS)
@pytest.mark.parametrize("how", ["new_period_only", "prorate", "new_for_whole_period"])
def test_what_was_posted_needs_no_correction(rest, how):
    changed = two("2026-02-17", COMPONENTS[0], MARGINAL % "9%", (CASH, rest), how)
    orders = [yuan(4_000, f"2026-0{i}-20", f"SO-{i}") for i in (1, 2, 3)]
    more = {"payments": [cash(1_000, "2026-02-25")], "ledger": []}
    for month in (*MONTHS, "2026-04", "2026-05"):
        result = paid(changed, *orders, period=month, **more)
        assert "adjustment" not in [line.name for line in result.lines]
        more["ledger"] = [*more["ledger"], *result.entries]


# True-up

SLAB = (
    "{id: commission, kind: commission, basis: bookings, period: month, %stiers: {mode: slab, by: attainment, "
    "of: quota, rates: [{from: 0%%, rate: 1%%}, {from: 100%%, rate: 2%%}]}}"
)
TRUE_UP = "true_up: {period: quarter, method: year_to_date}"


def test_a_true_up_compares_before_the_cap_of_a_month():
    found = [version(1, "2026-01-01", "null", SLAB % "cap: 1_500, ", TRUE_UP)]
    orders = [yuan(100_000, f"2026-0{i}-15", f"SO-{i}") for i in (1, 2, 3)]
    quota = {label: 100_000 * ROW for label in MONTHS}
    assert totals(found, *orders, periods=["2026-03"], quota=quota) == [1_500]
    # 50 000, 50 000, 200 000 of 300 000: 2 % of 300 000 less 500 + 500 + 4 000 is 1 000, but March is capped already
    orders = [yuan(a, f"2026-0{i}-15", f"SO-{i}") for i, a in ((1, 50_000), (2, 50_000), (3, 200_000))]
    assert totals(found, *orders, periods=["2026-03"], quota=quota) == [1_500]


def test_a_true_up_compares_before_multipliers():
    found = version(1, "2026-01-01", "null", SLAB % 'multiply: "person.factor", ', TRUE_UP)
    orders = [yuan(a, f"2026-0{i}-15", f"SO-{i}") for i, a in ((1, 500), (2, 500), (3, 3_000))]
    quota = {label: 1_000 * ROW for label in MONTHS}

    class Changing(RowsWorld):
        def at(self, who, period):
            return replace(who, terms={"factor": Fraction(1 if period.label == "2026-03" else 2)})

    goals = {("quota", "lin", label): units for label, units in quota.items()}
    world = Changing(found, {"orders": orders}, goals)
    who = replace(LIN, terms={"factor": Fraction(1)})
    march = statement_of_versions([found], who, found.calendar.parse("2026-03"), lambda _: world)
    # 2 % of 4 000 less 5 + 5 + 60: 10, times the factor 1 of March; what the factor 2 doubled before stays
    assert {line.name: int(line.number) // ROW for line in march.lines} == {"commission": 60, "plan.true_up": 10}


def test_a_true_up_of_who_came_later_begins_with_the_first_month_and_a_missing_quota_is_told():
    found = [version(1, "2026-01-01", "null", SLAB % "", TRUE_UP)]
    orders = [yuan(50_000, "2026-02-06"), yuan(150_000, "2026-03-06", "SO-2")]
    new = replace(LIN, hired_on=date(2026, 2, 1))
    quota = {label: 100_000 * ROW for label in MONTHS[1:]}
    # 2 % of 200 000 less 500 + 3 000
    assert totals(found, *orders, periods=["2026-03"], who=new, quota=quota) == [3_500]
    told = paid(found, *orders, period="2026-03", quota=quota)
    assert told.total.units == 3_000 * ROW and "plan.true_up.commission is not calculated" in told.issues[0].message

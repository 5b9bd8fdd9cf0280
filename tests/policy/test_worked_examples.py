"""Published examples, word for word from the specification (spec/worked-examples.json), where the topic is built."""

import json
import os
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from xiaoguan.base.explain import Line
from xiaoguan.base.money import Money, allocate, round_to, split
from xiaoguan.base.periods import Calendar, YearEnd
from xiaoguan.policy import attainment, pace, person_quota, proration, ramp, shares
from xiaoguan.policy.goals import season_index
from xiaoguan.policy.tiers import Band, marginal, pay, slab

from .making import ROOT, policy

FILE = Path(os.environ.get("XIAOGUAN_SHARED", ROOT.parent / "shared")) / "spec" / "worked-examples.json"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"no worked examples at {FILE}; set XIAOGUAN_SHARED")
EXAMPLES = {one["id"]: one for one in json.loads(FILE.read_text())["examples"]} if FILE.exists() else {}


def example(name):
    return EXAMPLES[name]["inputs"], EXAMPLES[name]["expected"]


def units(text):
    return Money(text, "CNY").units


def table(tiers):
    return [
        Band(
            Fraction(tier["lower"]) * 10_000,
            tier["upper"] and Fraction(tier["upper"]) * 10_000,
            Fraction(tier["rate"]),
            "",
        )
        for tier in tiers
    ]


def test_tier_step_per_transaction():
    given, expected = example("tier-step-per-transaction")
    rates = table(given["tiers"])
    paid = {one["id"]: pay("marginal", units(one["amount"]), rates) for one in given["transactions"]}
    assert paid == {key: units(value) for key, value in expected["commission"].items()}
    assert sum(paid.values()) == units(expected["total"])


def test_tier_boundary_belongs_to_upper():
    given, expected = example("tier-boundary-belongs-to-upper")
    for amount, rate in expected["rate"].items():
        band = slab(units(amount), table(given["tiers"]))
        assert band is not None and band.rate == Fraction(rate)


def test_tier_slab_versus_marginal_same_table():
    given, expected = example("tier-slab-versus-marginal-same-table")
    for row in expected["rows"]:
        credit = units(row["amount"])
        assert pay("slab", credit, table(given["tiers"])) == units(row["slab_commission"])
        assert pay("marginal", credit, table(given["tiers"])) == units(row["marginal_commission"])


def test_tier_explain_blended_rate():
    given, expected = example("tier-explain-blended-rate")
    credit = units(given["amount"])
    parts = marginal(credit, table(given["tiers"]))
    assert [part for _, part in parts] == [units(part["amount"]) for part in expected["parts"]]
    assert [part * band.rate / credit for band, part in parts] == [
        Fraction(part["share_of_blended_rate"]) for part in expected["parts"]
    ]
    assert pay("marginal", credit, table(given["tiers"])) / credit == Fraction(expected["blended_rate"])


def test_tier_marginal_running_total():
    given, expected = example("tier-marginal-running-total")
    rates, before = table(given["tiers"]), units(given["credited_before"])
    paid = pay("marginal", before + units(given["deal_amount"]), rates) - pay("marginal", before, rates)
    assert paid == units(expected["commission"])


def test_tier_zero_rate_threshold():
    given, expected = example("tier-zero-rate-threshold")
    total = paid = 0
    for row, transaction in zip(expected["rows"], given["transactions"], strict=True):
        total += units(transaction["amount"])
        earned = pay("marginal", total, table(given["tiers"]))
        assert earned - paid == units(row["commission"])
        paid = earned


def test_tier_retroactive_jump():
    given, expected = example("tier-retroactive-jump")
    rates, credit = table(given["tiers"]), units(given["credited"])
    assert pay("slab", credit, rates) == units(expected["slab"])
    assert pay("marginal", credit, rates) == units(expected["marginal"])
    bound = rates[1].start
    assert bound * (rates[1].rate - rates[0].rate) == units(expected["jump_at_boundary"])


def test_tier_marginal_on_gross_profit():
    given, expected = example("tier-marginal-on-gross-profit")
    rates, credit = table(given["tiers"]), units(given["gross_profit"])
    assert [part * band.rate for band, part in marginal(credit, rates)] == [units(one) for one in expected["by_tier"]]
    assert (pay("marginal", credit, rates), pay("slab", credit, rates)) == (
        units(expected["marginal"]),
        units(expected["slab"]),
    )


def test_attainment_by_interval():
    given, expected = example("attainment-by-interval")
    goal = Line("quota", "", allocate(units(given["annual_target"]), [1] * 12)[0], "money:CNY")
    assert goal.value == units(expected["interval_target"])
    for interval, fraction in (("I1", "1"), ("I2", "2/3")):
        credited = sum(units(one["amount"]) for one in given["credits"] if one["interval"] == interval)
        assert credited == units(expected[interval]["credited"])
        assert attainment(Line("credited", "", credited, "money:CNY"), goal).value == Fraction(fraction)


def test_quota_even_spread():
    given, expected = example("quota-even-spread")
    parts = split(Money(given["quarter_quota"], "USD"), shares("even", ["1", "2", "3"]))
    assert [str(part) for part in parts] == expected["parts"]


def test_quota_proration_uneven_quarters():
    given, expected = example("quota-proration-uneven-quarters")
    found = policy(
        "goals: [{id: g, metric: m, period: year, target: {method: assigned}, proration: {basis: months}}]\n"
    )
    calendar, goal = Calendar(), found.goals[0]
    quarters = allocate(units(given["annual_quota"]), [Fraction(weight) for weight in given["quarter_weights"]], 100)
    start = date.fromisoformat(given["start"])
    carried = [
        person_quota(full, 1, proration(goal, calendar.parse(f"2019-Q{i}"), calendar, start), 100)
        for i, full in enumerate(quarters, 1)
    ]
    assert [str(Money.of_units(one, "USD")) for one in carried] == expected["quarters"]
    assert sum(carried) == units(expected["total"])
    assert round_to(sum(carried), 10_000) == units(expected["total_whole_unit"])


def test_quota_ramp_new_hire():
    given, expected = example("quota-ramp-new-hire")
    steps = ", ".join(given["ramp"])
    found = policy(f"goals: [{{id: g, metric: m, period: year, target: {{method: assigned}}, ramp: [{steps}]}}]\n")
    full = units(given["full_month_quota"])
    months = [person_quota(full, ramp(found.goals[0], month), 1) for month in range(3)]
    assert months == [units(one) for one in expected["months"]]
    assert sum(months) == units(expected["quarter"])
    assert Fraction(sum(months), 3 * full) == Fraction(expected["share_of_full_quarter"])


def test_allocate_largest_remainder():
    given, expected = example("allocate-largest-remainder")
    for case, parts in zip(given["cases"], expected["cases"], strict=True):
        assert allocate(case["total_minor"], case["weights"]) == parts


def test_allocate_seasonal_whole_units():
    given, expected = example("allocate-seasonal-whole-units")
    index = season_index(given["history"])
    assert index == {key: Fraction(value) for key, value in expected["index"].items()}
    seasons = list(given["history"])
    weights = shares("seasonality", seasons, values={"seasonality": index})
    assert [given["next_year_total"] * weight for weight in weights] == [Fraction(one) for one in expected["exact"]]
    assert allocate(given["next_year_total"], weights) == expected["allocated"]


def test_forced_distribution_small_team():
    given, expected = example("forced-distribution-small-team")
    weights = [Fraction(share) for share in given["shares"]]
    assert {str(size): allocate(size, weights) for size in given["groups"]} == expected["counts"]


def test_credit_split_equal():
    given, expected = example("credit-split-equal")
    parts = split(Money(given["order_amount"], "USD"), [Fraction(one["share"]) for one in given["splits"]])
    assert [str(part) for part in parts] == list(expected["credits"].values())


def test_calendar_fiscal_october():
    given, expected = example("calendar-fiscal-october")
    calendar = Calendar(fiscal_year_starts=(10, 1), label="last_day")
    year = calendar.parse(str(given["fiscal_year"]))
    day = timedelta(days=1)

    def shown(period):
        return [str(period.start), str(period.end - day)]

    assert shown(year) == [expected["start"], expected["end"]]
    assert shown(calendar.parse("2017-Q3")) == expected["q3"]
    assert shown(calendar.parse("2017-M09")) == expected["month9"]
    assert str(year.start + 249 * day) == expected["day250"]


def test_calendar_454_retail():
    _, expected = example("calendar-454-retail")
    calendar = Calendar(
        pattern="454", fiscal_year_ends=YearEnd("saturday", 1, 31), label="first_day", week_starts="sunday"
    )
    year, day = calendar.parse("2018"), timedelta(days=1)
    want = expected["year_2018"]
    assert [str(year.start), str(year.end - day), year.days // 7] == [want["start"], want["end"], want["weeks"]]
    months = calendar.children(year, "month")
    assert [[str(month.start), str(month.end - day)] for month in months] == want["months"]
    long = [y for y in range(2010, 2024) if calendar.parse(str(y)).days == 53 * 7]
    assert long == expected["years_with_53_weeks_2010_2023"]


def test_pacing_run_rate():
    given, expected = example("pacing-run-rate")
    actual, goal = units(given["to_date"]), units(given["goal"])
    elapsed, total = given["days_elapsed"], given["days_total"]
    found = pace(actual, goal, Fraction(elapsed, total), total - elapsed)
    assert Fraction(actual, elapsed) == units(expected["run_rate"])
    assert found.projection == units(expected["projection"])
    assert found.projected is not None and found.required is not None
    assert round_to(found.projected * 1000, 1) == Fraction(expected["projected_attainment_percent_1dp"]) * 10
    assert round_to(found.required, 100) == units(expected["required_per_remaining_day"])

"""AdventureWorks: every figure of the oracle for people and quota periods, from the 31,465 real orders."""

import csv
import gzip
import json
import os
import time
from collections import defaultdict
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from xiaoguan.base.money import Money, parse_units, round_to
from xiaoguan.policy import RowsWorld, Who, load, statement
from xiaoguan.policy.compare import backtest

from .making import ROOT

DATA = Path(os.environ.get("XIAOGUAN_SHARED", ROOT.parent / "shared")) / "data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"no AdventureWorks data at {DATA}; set XIAOGUAN_SHARED")
POLICY, _ = load(ROOT / "examples" / "adventureworks" / "policy.yaml")
assert POLICY is not None
COMPANY = Who("", "AdventureWorks")


def table(name):
    data = (DATA / "adventureworks" / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    return list(csv.DictReader(text.splitlines()))


def order(row):
    return {
        "id": row["SalesOrderID"],
        "person": row["SalesPersonID"],
        "ordered_on": date.fromisoformat(row["OrderDate"]),
        "customer": row["CustomerID"],
        "channel": "online" if row["OnlineOrderFlag"] == "1" else "reseller",
        "net_amount": parse_units(row["SubTotal"]),
        "tax_amount": parse_units(row["TaxAmt"]),
        "freight_amount": parse_units(row["Freight"]),
        "total_amount": parse_units(row["TotalDue"]),
    }


@pytest.fixture(scope="module")
def oracle():
    return json.loads((DATA / "oracle-adventureworks.json").read_text())


@pytest.fixture(scope="module")
def world():
    orders = [order(row) for row in table("SalesOrderHeader.csv.gz")]
    first: dict[str, date] = {}
    for row in orders:
        first[row["customer"]] = min(first.get(row["customer"], date.max), row["ordered_on"])
    quotas = {
        ("quota", row["BusinessEntityID"], row["QuotaDate"]): parse_units(row["SalesQuota"])
        for row in table("SalesPersonQuotaHistory.csv")
    }
    facts = {"orders": orders, "customers": [{"id": key, "first_order_on": day} for key, day in first.items()]}
    return RowsWorld(POLICY, facts, quotas)


@pytest.fixture(scope="module")
def people():
    return {
        row["BusinessEntityID"]: Who(
            row["BusinessEntityID"],
            row["BusinessEntityID"],
            "sales_person",
            {"commission_percent": Fraction(row["CommissionPct"]), "bonus": Money(row["Bonus"], "USD")},
        )
        for row in table("SalesPerson.csv")
    }


def test_commission_and_bonus_of_every_person_and_quota_period(oracle, world, people):
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in oracle["attainment"]:
        who, period = people[str(row["salesperson_id"])], POLICY.calendar.parse(row["period_start"])
        assert str(period.end) == row["period_end_exclusive"]
        paid = statement(POLICY, who, period, world)
        commission, bonus = paid.lines
        assert paid.issues == () and paid.check() == []
        assert commission.value == parse_units(row["commission"])
        assert bonus.value == parse_units(row["bonus_if_met"])
        revenue = commission.parts[1]
        assert (revenue.value, len(revenue.records)) == (parse_units(row["revenue"]), row["orders"])
        attained = bonus.parts[0] if bonus.parts[0].name == "attainment(quota)" else bonus.parts[1]
        assert round_to(attained.number * 10**6, 1) == Fraction(row["attainment"]) * 10**6
        totals[row["period_start"]][1] += int(bonus.number)
    for row in oracle["period_totals"]:
        assert totals[row["period_start"]][1] == parse_units(row["bonus"])


def test_metrics_of_the_calendar_years(oracle, world):
    names = {"orders": "orders", "subtotal": "revenue", "tax": "tax", "freight": "freight", "total_due": "total_due"}
    names |= {"reseller_orders": "reseller_orders", "reseller_subtotal": "reseller_revenue"}
    names |= {"online_orders": "online_orders", "online_subtotal": "online_revenue"}
    for row in oracle["calendar_years"]:
        _compare(row, names, world, str(row["year"]))


def test_customers_of_the_calendar_years(oracle, world):
    names = ["active_customers", "new_customers", "reseller_customers"]
    names += ["bought_again_next_year", "reseller_bought_again_next_year"]
    for row in oracle["customers"]:
        _compare(row, {name: name for name in names}, world, str(row["year"]))


def test_activity_of_every_person(oracle, world, people):
    for row in oracle["activity"]:
        who, period = people[str(row["salesperson_id"])], POLICY.calendar.parse(row["period_start"])
        for name in ("orders", "active_customers"):
            assert world.metric(name, who, period).value == row[name]
        for name in ("average_order_value", "largest_order"):
            assert round_to(world.metric(name, who, period).number, 1) == parse_units(row[name])


def _compare(row, names, world, label):
    for key, metric in names.items():
        value = world.metric(metric, COMPANY, POLICY.calendar.parse(label)).value
        assert value == (row[key] if isinstance(row[key], int) else parse_units(row[key])), (label, metric)


# Other plans on the same orders; docs/explanation/adventureworks-variants.md works three people out by hand.

VARIANTS = {
    file.stem: load(file)[0] for file in sorted((ROOT / "examples" / "adventureworks" / "variants").glob("*.yaml"))
}
PAGE = (ROOT / "docs" / "explanation" / "adventureworks-variants.md").read_text()


def by_hand(name, revenue, quota, orders):
    """What a variant pays, written once more in plain arithmetic (units)."""
    m = Fraction(1, 100)
    if name == "accelerated":
        paid = min(revenue, quota) * 2 * m + max(revenue - quota, 0) * 3 * m
    elif name == "capped":
        paid = min(revenue * 2 * m, Fraction(15_000_0000))
    elif name == "three-tiers":
        paid = revenue * m + max(revenue - 250_000_0000, 0) * m + max(revenue - 750_000_0000, 0) * m
    else:
        paid = sum(one * m + max(one - 10_000_0000, 0) * m for one in orders)
    return round_to(paid, 100)


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_other_plans_pay_what_arithmetic_says(name, world, people):
    found = VARIANTS[name]
    assert found is not None
    other = RowsWorld(found, world.tables, world.goals)
    compared = 0
    for key, who in people.items():
        orders = [row for row in world.tables["orders"] if row["person"] == key]
        for label in found.calendar.custom["quota_period"][:-1]:
            period = found.calendar.parse(label.isoformat())
            quota = world.goals.get(("quota", key, period.label))
            inside = [row["net_amount"] for row in orders if period.contains(row["ordered_on"])]
            line = statement(found, who, period, other).lines[0]
            if quota is None and name == "accelerated":
                assert line.missing
                continue
            compared += 1
            assert line.value == by_hand(name, sum(inside), quota, inside), (key, label)
            told = f"| {key} | {period.label} | {name} | {Money.of_units(int(line.number), 'USD')} |"
            assert (told in PAGE) == (key in ("276", "280", "283") and period.label == "2012-05-30")
    assert compared >= 150


def test_a_back_test_of_all_variants_over_all_periods_takes_seconds(world, people):
    periods = [POLICY.calendar.parse(day.isoformat()) for day in POLICY.calendar.custom["quota_period"][:-1]]
    began = time.perf_counter()
    for found in VARIANTS.values():
        made = backtest(
            POLICY, found, list(people.values()), periods, lambda one: RowsWorld(one, world.tables, world.goals)
        )
        assert len(made.rows) == len(people) * len(periods)
        assert made.winners() and f"{made.totals[1] / 10_000:,.2f}".replace(",", " ") in PAGE
    assert time.perf_counter() - began < 40, "5 s on a quiet machine"

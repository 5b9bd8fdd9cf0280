"""AdventureWorks: every figure of the oracle for people and quota periods, from the 31,465 real orders."""

import csv
import gzip
import json
import os
from collections import defaultdict
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from xiaoguan.base.money import Money, parse_units, round_to
from xiaoguan.policy import RowsWorld, Who, load, statement

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

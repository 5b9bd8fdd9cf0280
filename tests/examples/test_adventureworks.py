"""A real company's years through the command line, compared with figures computed independently."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import connection, transaction

from xiaoguan.customers.models import Contact, Customer
from xiaoguan.people.chart import managers_of
from xiaoguan.people.models import PayTerms, Person
from xiaoguan.project.cli import main

pytestmark = pytest.mark.django_db
EXAMPLE = Path(__file__).parents[2] / "examples" / "adventureworks"


def cli(*words: str) -> Any:
    """What a command answers with --json."""
    result = CliRunner().invoke(main, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def oracle(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "data" / "oracle-adventureworks.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", autouse=True)
def company(shared: Path, oracle: Any, django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The company imported, its policy adopted and every period of the oracle reckoned; gone after the module."""
    with django_db_blocker.unblock(), transaction.atomic():
        report = cli("import", str(EXAMPLE / "plan.yaml"), "--data", str(shared / "data" / "adventureworks"))
        assert report["ok"], report
        cli("policy", "adopt", str(EXAMPLE / "policy.yaml"))
        for period in oracle["period_totals"]:
            cli("run", period["period_start"])
        connection.check_constraints()  # once, not again after every test
        yield
        transaction.set_rollback(True)


def by(name: str, period: str, dimension: str) -> dict[str, Decimal]:
    """A metric broken down: {name of the row: value}."""
    return {r["name"]: Decimal(r["value"]) for r in cli("metric", name, "--period", period, "--by", dimension)["rows"]}


def value(name: str, period: str) -> Decimal:
    return Decimal(cli("metric", name, "--period", period)["value"])


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_attainment_commission_and_bonus_of_every_person_and_period(oracle: Any) -> None:
    rows: dict[tuple[str, str], Any] = {}
    for period in {r["period_start"] for r in oracle["attainment"]}:
        answer = cli("attainment", "--goal", "quota", "--period", period, "--by", "person")
        assert answer["period"]["start"] == period
        rows |= {(r["key"], period): r for r in answer["rows"]}
    assert len(rows) == len(oracle["attainment"])
    for expected in oracle["attainment"]:
        key, period = str(expected["salesperson_id"]), expected["period_start"]
        row = rows[key, period]
        assert row["name"] == expected["name"]
        assert Decimal(row["actual"]) == Decimal(expected["revenue"])
        assert Decimal(row["goal"]) == Decimal(expected["quota"])
        assert row["attainment"] == expected["attainment"]
        paid = cli("statement", key, "--period", period)
        amounts = {line["component"]: line["amount"] for line in paid["lines"]}
        assert amounts == {"commission": expected["commission"], "bonus": expected["bonus_if_met"]}, (key, period)
        assert Decimal(paid["total"]) == sum(map(Decimal, amounts.values()))


def test_the_organisation_moves_in_with_its_history(oracle: Any) -> None:
    known = Person.objects.filter(source="adventureworks")
    for row in oracle["attainment"]:
        person = known.get(external_id=str(row["salesperson_id"]))
        assert person.goals.get(starts_on=row["period_start"]).value == Decimal(row["quota"])
        assert PayTerms.objects.get(person=person).commission_percent == Decimal(row["commission_pct"])
    customers = Customer.objects.filter(source="adventureworks")
    assert customers.count() == 19_820 and Contact.objects.filter(source="adventureworks").count() == 635
    blythe = known.get(external_id="275")
    above = [Person.objects.get(pk=pk).external_id for pk in managers_of(blythe.pk, date(2014, 1, 1))]
    assert above == ["274", "273", "1"]  # from the path /6/1/1/
    assert [t.territory.name for t in blythe.territoryassignments.order_by("starts_on")] == ["Northeast", "Central"]
    assert blythe.territoryassignments.get(ends_on="2012-11-30").territory.parent.name == "North America"


def test_totals_of_the_periods(oracle: Any) -> None:
    for expected in oracle["period_totals"]:
        period = expected["period_start"]
        [whole] = cli("attainment", "--goal", "quota", "--period", period, "--by", "company")["rows"]
        assert Decimal(whole["actual"]) == Decimal(expected["revenue"])
        assert Decimal(whole["goal"]) == Decimal(expected["quota"])
        assert whole["attainment"] == expected["attainment"]
        people = {
            r["key"]: r for r in cli("attainment", "--goal", "quota", "--period", period, "--by", "person")["rows"]
        }
        assert len(people) == expected["people_with_quota"]
        met = [r for r in people.values() if Decimal(r["actual"]) >= Decimal(r["goal"])]
        assert len(met) == expected["people_meeting_quota"]
        for metric, name in (("orders", "orders"), ("total_due", "total_due")):
            answer = cli("metric", metric, "--period", period, "--by", "person")
            assert sum(Decimal(r["value"]) for r in answer["rows"] if r["key"] in people) == Decimal(expected[name])
        bonus = sum(
            Decimal(line["amount"])
            for key in people
            for line in cli("statement", key, "--period", period)["lines"]
            if line["component"] == "bonus"
        )
        assert bonus == Decimal(expected["bonus"])


MONEY = {
    "orders": "orders",
    "subtotal": "revenue",
    "total_due": "total_due",
    "reseller_orders": "reseller_orders",
    "reseller_subtotal": "reseller_revenue",
}


@pytest.mark.parametrize(
    ("table", "dimension"), [("territory_by_year", "territory"), ("group_by_year", "territory_group")]
)
def test_territories_and_groups(oracle: Any, table: str, dimension: str) -> None:
    for year in ("2011", "2012"):
        expected = {r["territory"]: r for r in oracle[table] if str(r["year"]) == year}
        for key, metric in MONEY.items():
            found = by(metric, year, dimension)
            for name, row in expected.items():
                assert found.get(name, Decimal(0)) == Decimal(row[key]), (year, name, metric)
            assert sum(found.values()) == sum(Decimal(r[key]) for r in expected.values())


def test_categories_to_the_cent(oracle: Any) -> None:
    for year in ("2011", "2012"):
        revenue, quantity = by("line_revenue", year, "category"), by("quantity", year, "category")
        for row in (r for r in oracle["category_by_year"] if str(r["year"]) == year):
            assert cents(revenue[row["category"]]) == cents(Decimal(row["revenue"]))
            assert quantity[row["category"]] == row["quantity"]


def test_customers(oracle: Any) -> None:
    for row in oracle["customers"]:
        for name in set(row) - {"year"}:
            assert value(name, str(row["year"])) == row[name], name


def test_months_and_years(oracle: Any) -> None:
    for row in oracle["monthly"]:
        for key, metric in (("reseller_subtotal", "reseller_revenue"), ("online_subtotal", "online_revenue")):
            assert value(metric, row["month"]) == Decimal(row[key]), (row["month"], metric)
        for key in ("reseller_orders", "online_orders"):
            assert value(key, row["month"]) == row[key]
    for row in oracle["calendar_years"]:
        year = str(row["year"])
        for key, metric in (
            ("subtotal", "revenue"),
            ("tax", "tax"),
            ("freight", "freight"),
            ("total_due", "total_due"),
        ):
            assert value(metric, year) == Decimal(row[key])


def test_activity_of_people(oracle: Any) -> None:
    for period in {r["period_start"] for r in oracle["activity"]}:
        expected = {str(r["salesperson_id"]): r for r in oracle["activity"] if r["period_start"] == period}
        for name in ("orders", "active_customers", "largest_order", "average_order_value"):
            rows = cli("metric", name, "--period", period, "--by", "person")["rows"]
            found = {r["key"]: Decimal(r["value"]) for r in rows if r["key"] in expected}
            for key, row in expected.items():
                shown = (
                    found[key].quantize(Decimal("0.0001"), ROUND_HALF_UP)
                    if name == "average_order_value"
                    else found[key]
                )
                assert shown == Decimal(row[name]), (period, key, name)


def test_an_explanation_ends_in_orders_that_add_up() -> None:
    paid = cli("statement", "275", "--period", "2012-02-29")
    commission = next(line for line in paid["lines"] if line["component"] == "commission")
    opened = cli("explain", str(commission["result"]))

    def records(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from line["records"]
        for part in line["parts"]:
            yield from records(part)

    orders = list(records(opened["line"]))
    assert {r["entity"] for r in orders} == {"orders"} and len(orders) == 27
    assert all(r["label"].startswith("SO") for r in orders), "order numbers, as people know them"
    revenue = sum(Decimal(r["value"]) for r in orders)
    assert revenue == Decimal("442816.4873")
    assert cents(revenue * Decimal("0.012")) == Decimal(commission["amount"])


def test_a_second_run_is_the_same_run() -> None:
    [first] = cli("run", "2012-02-29")["runs"]
    [second] = cli("run", "2012-02-29")["runs"]
    assert (second["run"], second["digest"], second["new"]) == (first["run"], first["digest"], False)


def test_rows_and_the_database_give_one_number() -> None:
    """Every metric of the policy by two ways: one query, and row by row."""
    from xiaoguan.policy import evaluate, plan
    from xiaoguan.rulebook import sql
    from xiaoguan.rulebook.facts import facts, schema
    from xiaoguan.rulebook.versions import document_of, versions

    policy = document_of(versions("adventureworks").first())
    period = policy.calendar.parse("2012-05-30")

    def rows_of(source: str, window: Any, dated: str) -> Any:
        return list(facts()[source].rows(dated, window.start, window.end, facts()[source].fields))

    for name in policy.metrics:
        by_rows = evaluate(policy, name, rows_of, period, schema()).value
        by_query = sql.ask(plan(policy, name, schema()), period.start, period.end, "USD")[None].value
        assert by_rows == by_query, name

"""Importing foreign tables: what becomes of rows that are right, wrong, changed, repeated and mended."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from xiaoguan.customers.models import Customer
from xiaoguan.desk.models import Event
from xiaoguan.desk.plan import Report, run_plan
from xiaoguan.people.models import Membership, Person, Role, Team
from xiaoguan.sales.models import Order, Product

pytestmark = pytest.mark.django_db

CUSTOMERS = "No,Company,Rep,Since\nC1,华夏科技,mm,2024-02-03\nC2,Dupont SA,jd,2024-05-11\n"
ORDERS = "No,Customer,Date,Net\nO1,C1,2024-03-05,2500.00\nO2,C2,2024-06-01,10.5\n"
PLAN = """
import: oldcrm
currency: EUR
tables:
  - into: person
    rows: [{id: mm, name: Maria Meier}, {id: jd, name: Jean Durand}]
    key: id
    fields: {name: name}
  - into: customer
    from: customers.csv
    key: "No"
    fields: {name: Company, owner: Rep, registered_on: Since}
  - into: order
    from: orders.csv
    key: "No"
    fields: {number: "SO-{No}", customer: Customer, ordered_on: Date, net_amount: Net, total_amount: Net}
"""

Load = Callable[..., Report]


@pytest.fixture
def load(tmp_path: Path, settings: Any) -> Load:
    """`load(plan, {file: text}, ...)` writes the plan and its files, and carries the plan out."""
    settings.HOME = tmp_path / "home"

    def carry_out(plan: str = PLAN, files: dict[str, str] | None = None, **options: Any) -> Report:
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        for name, text in ({"customers.csv": CUSTOMERS, "orders.csv": ORDERS} | (files or {})).items():
            (folder / name).write_text(text, encoding="utf-8")
        (tmp_path / "plan.yaml").write_text(plan, encoding="utf-8")
        return run_plan(tmp_path / "plan.yaml", folder, **options)

    return carry_out


def counts(report: Report, entity: str) -> tuple[int, int, int, int]:
    (table,) = (t for t in report.tables if t.entity == entity)
    return table.created, table.changed, table.unchanged, table.refused


def told(report: Report) -> list[str]:
    return [str(issue) for issue in report.issues]


def test_rows_become_records_with_their_relations_money_and_days(load):
    assert load().ok
    order = Order.objects.get(source="oldcrm", external_id="O2")
    assert (order.number, order.customer.name, order.customer.owner.name) == ("SO-O2", "Dupont SA", "Jean Durand")
    assert (order.net_amount_units, order.currency, order.ordered_on) == (105_000, "EUR", date(2024, 6, 1))


def test_an_imported_record_leaves_an_event_is_found_and_derives_as_a_saved_one(load):
    load()
    customer = Customer.objects.get(name="华夏科技")
    event = Event.objects.get(entity="customer", record_id=customer.pk)
    assert (event.deed, event.via, event.note) == ("created", "import", "oldcrm customers.csv:2")
    assert (customer.first_order_on, customer.stage) == (date(2024, 3, 5), Customer.Stage.FIRST)
    from xiaoguan.desk.desk import desk_of
    from xiaoguan.desk.search import hits

    assert list(Customer.objects.filter(hits(desk_of(Customer), "科技"))) == [customer]


def test_a_repeated_import_changes_nothing(load):
    load()
    before = Event.objects.count()
    report = load()
    assert [(t.created, t.changed, t.refused) for t in report.tables] == [(0, 0, 0)] * 3
    assert Event.objects.count() == before


def test_a_changed_row_writes_what_differs_and_tells_it(load):
    load()
    report = load(files={"orders.csv": ORDERS.replace("2500.00", "2600.00")})
    assert counts(report, "order") == (0, 1, 1, 0)
    order = Order.objects.get(external_id="O1")
    event = Event.objects.get(entity="order", record_id=order.pk, deed="changed")
    assert event.changes == {
        "net_amount_units": [25_000_000, 26_000_000],
        "total_amount_units": [25_000_000, 26_000_000],
    }
    assert order.version == 2


def test_an_imported_change_is_told_in_the_words_of_a_saved_one(load):
    plan = """
import: oldcrm
tables:
  - into: person
    rows: [{id: mm, name: Maria Meier}]
    key: id
    fields: {name: name}
  - into: payterms
    from: terms.csv
    key: id
    fields: {person: id, starts_on: {const: 2024-01-01}, commission_percent: rate, currency: {const: EUR}}
"""
    load(plan, {"terms.csv": "id,rate\nmm,1.2%\n"})
    load(plan, {"terms.csv": "id,rate\nmm,0.02\n"})
    person = Person.objects.get(external_id="mm")
    terms = person.paytermss.get()
    terms.commission_percent = Decimal("0.03")
    terms.save()
    imported, saved = Event.objects.filter(entity="payterms", deed="changed").order_by("id")
    assert imported.changes == {"commission_percent": ["0.012000", "0.020000"]}
    assert [type(v) for v in saved.changes["commission_percent"]] == [str, str]


def test_a_dry_run_says_the_same_and_writes_nothing(load):
    report = load(dry_run=True)
    assert report.ok and counts(report, "order") == (2, 0, 0, 0)
    assert not Customer.objects.filter(source="oldcrm").exists() and not any(t.written for t in report.tables)


WRONG = {
    ("2024-06-01", "2024-06-31"): "'2024-06-31' is not a day in the form 2026-03-02 (order.ordered_on).",
    ("O2,C2", "O1,C2"): "'O1' is there twice, first in line 2 (order.key).",
    ("O2,C2", "O2,C9"): "'C9' is no known customer (order.customer).",
    (
        "10.5",
        "10.12345",
    ): "'10.12345' has more than 4 decimals; state round: 4 if it may be rounded (order.net_amount).",
    ("10.5", "ten"): "'ten' is not a number (order.net_amount).",
    ("10.5", ""): "the value is missing (order.net_amount).",
    ("10.5", "1" + "0" * 16): f"'1{'0' * 16}' is too large (order.net_amount).",
    ("O2,C2", ",C2"): "the key is missing (order.key).",
    ("O2,C2", f"{'O' * 81},C2"): f"'{'O' * 81}' has 81 characters; 80 fit (order.key).",
    ("O2,C2", f"{'O' * 38},C2"): f"'SO-{'O' * 38}' has 41 characters; 40 fit (order.number).",
    ("10.5", "10.5,x"): "5 fields are in the row; the first line has 4 (order).",
}


@pytest.mark.parametrize("change", WRONG)
def test_a_wrong_row_is_told_with_file_line_field_value_and_reason_and_nothing_is_loaded(load, change):
    report = load(files={"orders.csv": ORDERS.replace(*change)})
    assert f"orders.csv:3: error: {WRONG[change]}" in told(report)
    assert not report.ok and not Person.objects.filter(source="oldcrm").exists()


def test_a_missing_file_and_a_renamed_column_are_named(load, tmp_path):
    report = load(
        PLAN.replace("from: orders.csv", "from: order.csv"), {"customers.csv": CUSTOMERS.replace("Since", "From")}
    )
    assert told(report) == [
        "customers.csv:1: error: there is no column 'Since' (tables[1].fields.registered_on)."
        " There are No, Company, Rep, From. Line 12 of the plan asks for it.",
        "order.csv: error: there is no such file. Did you mean 'orders.csv'?",
    ]


def test_rows_that_name_rows_of_an_unreadable_table_are_not_blamed_for_it_but_unknown_ones_are(load):
    plan = PLAN.replace(
        "    from: customers.csv\n", "    from: customers.csv\n    join: {file: gone.csv, on: Rep, as: gone}\n"
    )
    report = load(plan, {"orders.csv": ORDERS.replace("O2,C2", "O2,C9")})
    assert told(report) == [
        "gone.csv: error: there is no such file.",
        "orders.csv:3: error: 'C9' is no known customer (order.customer).",
    ]


def test_rows_that_name_a_refused_row_say_which(load):
    report = load(files={"customers.csv": CUSTOMERS.replace("2024-05-11", "May")})
    assert (
        "orders.csv:3: error: 'C2' names a row that was refused itself (customers.csv line 3) (order.customer)."
        in told(report)
    )


def test_a_partial_import_leaves_refused_rows_out_and_mended_ones_come_in(load):
    broken = {"orders.csv": ORDERS.replace("2024-06-01", "1st of June").replace("O2,C2", "=O2,C2")}
    report = load(files=broken, partial=True)
    assert counts(report, "order") == (1, 0, 0, 1)
    path = Path(next(t.refused_file for t in report.tables if t.entity == "order"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (
        row["No"] == "'=O2" and row["_line"] == "3" and row["_field"] == "ordered_on" and row["_value"] == "1st of June"
    )
    row["Date"] = "2024-06-01"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    again = load(files=broken, mended=path)
    assert again.ok and counts(again, "order") == (1, 0, 1, 0)
    assert Order.objects.get(external_id="=O2").ordered_on == date(2024, 6, 1)


def test_a_table_may_go_on_without_its_refused_rows(load):
    plan = PLAN.replace("  - into: order\n", "  - into: order\n    on_error: skip\n")
    report = load(plan, {"orders.csv": ORDERS.replace("2024-06-01", "?")})
    assert counts(report, "order") == (1, 0, 0, 1) and not report.ok
    assert Order.objects.filter(source="oldcrm").count() == 1


def test_a_row_is_recognised_by_what_it_says_where_it_has_no_key(load, cast):
    plan = """
import: roles
tables:
  - into: role
    rows: [{code: finance, name: Money people}, {code: driver, name: Driver}]
    match: code
    fields: {code: code, name: name}
"""
    report = load(plan)
    assert counts(report, "role") == (1, 1, 0, 0)
    assert Role.objects.get(code="finance").name == "Money people"


def test_a_record_found_by_what_it_says_is_known_by_its_key_from_then_on(load, cast):
    plan = """
import: hr
tables:
  - into: person
    rows: [{id: "7", mail: linjing@example.com, phone: 555}]
    key: id
    match: email
    fields: {email: mail, phone: phone, name: {const: 林静}}
  - into: team
    rows: [{id: a, boss: "7"}]
    key: id
    fields: {name: id, leader: boss}
"""
    assert load(plan).ok
    assert Person.objects.get(source="hr", external_id="7") == cast.linjing
    assert Team.objects.get(source="hr").leader == cast.linjing
    assert counts(load(plan), "person") == (0, 0, 1, 0)


def test_what_must_be_unique_is_refused_before_the_database_would(load, cast):
    plan = """
import: roles
tables:
  - into: role
    rows: [{code: finance, name: F}]
    key: code
    fields: {code: code, name: name}
"""
    (issue,) = load(plan).issues
    assert issue.message == "'finance' is taken by another record; state match: [code] if it is this"


TREE = """
import: org
tables:
  - into: team
    from: teams.csv
    key: id
    fields: {name: id, parent: under}
"""


def test_rows_of_one_table_may_name_each_other_in_any_order(load):
    assert load(TREE, {"teams.csv": "id,under\nleaf,branch\nbranch,root\nroot,\n"}).ok
    assert Team.objects.get(external_id="leaf").parent.parent.name == "root"


def test_a_row_that_names_a_row_that_never_comes_is_refused_with_those_below_it(load):
    report = load(TREE, {"teams.csv": "id,under\nleaf,branch\nbranch,gone\nroot,\n"}, partial=True)
    assert [(i.line, i.message) for i in report.issues] == [
        (3, "'gone' is no known team"),
        (2, "'branch' is no known team"),
    ]
    assert list(Team.objects.filter(source="org").values_list("name", flat=True)) == ["root"]


def test_rows_that_contradict_each_other_are_told_and_their_table_is_not_written(load):
    plan = """
import: hr
tables:
  - into: person
    rows: [{id: a}]
    key: id
    fields: {name: id}
  - into: team
    rows: [{id: x}, {id: y}]
    key: id
    fields: {name: id}
  - into: membership
    from: m.csv
    key: "{team}"
    fields: {person: person, team: team, starts_on: start, ends_on: {column: last, add: 1d}}
"""
    file = "person,team,start,last\na,x,2024-01-01,2024-06-30\na,y,2024-06-30,\n"
    report = load(plan, {"m.csv": file})
    assert not report.ok and "already holds from 2024" in report.issues[0].message and report.issues[0].file == "m.csv"
    assert not Membership.objects.filter(source="hr").exists() and Team.objects.filter(source="hr").count() == 2
    assert load(plan, {"m.csv": file.replace("2024-06-30,\n", "2024-07-01,\n")}).ok


def test_somebody_who_changes_a_record_between_check_and_writing_is_not_overwritten(load):
    load()

    def meddle(table: str, done: int, total: int) -> None:
        if table == "order · check":
            order = Order.objects.get(external_id="O1")
            order.status = Order.Status.CANCELLED
            order.save()

    report = load(files={"orders.csv": ORDERS.replace("2500.00", "2600.00")}, progress=meddle)
    assert [i.message for i in report.issues] == ["somebody changed these records meanwhile"]
    assert Order.objects.get(external_id="O1").net_amount_units == 25_000_000


VALUES = """
import: v
currency: USD
numbers: 1.234,56
date_format: ["%d.%m.%Y", "%Y%m%d"]
nulls: ["NULL"]
tables:
  - into: product
    from: p.csv
    header: 2
    where: "Kind in ['A', 'B'] and Price > 1"
    let:
      name: {column: Name, replace: {"\\\\s+": " ", "[^\\\\w ]": ""}}
    key: Id
    fields:
      name: {first: [name, "no. {Id}"]}
      number: {column: Kind, map: {A: "1", "*": other}}
      list_price: {formula: "Price * (1 - 10%)", round: 2}
      cost: {column: Cost, default: "0"}
      active: Active
"""


def test_values_are_written_as_the_source_writes_them(load):
    head = "A list of products,,,,,\nId,Name,Kind,Price,Cost,Active\n"
    rows = '1,"  Big\t pump! ",A,"1.234,55",NULL,是\n2,NULL,B,"2,00","1,5",no\n3,x,C,"9,00",,1\n4,y,A,"0,50",,1\n'
    report = load(VALUES, {"p.csv": head + rows})
    assert told(report) == [] and report.tables[0].left_out == 2
    rows = Product.objects.filter(source="v").order_by("external_id")
    assert [(p.name, p.number, str(p.list_price), p.cost_units, p.active) for p in rows] == [
        ("Big pump", "1", "1111.10", 0, True),
        ("no. 2", "other", "1.80", 15_000, False),
    ]


JOINED = """
import: j
currency: USD
tables:
  - into: customer
    rows: [{id: c}]
    key: id
    fields: {name: id}
  - into: order
    from: orders.csv
    join: {file: lines.csv, on: {No: order}, as: lines, required: true, total: {net: "price * qty"}}
    key: "No"
    fields:
      {number: "No", customer: {const: c}, ordered_on: Date, net_amount: lines.net,
       total_amount: {formula: "lines.net + 1"}}
"""


def test_a_join_sums_the_lines_of_a_header_and_a_bad_line_refuses_it(load):
    lines = "order,price,qty\nO1,0.1,3\nO1,2.5,2\nO2,1,1\n"
    assert load(JOINED, {"lines.csv": lines}).ok
    assert Order.objects.get(external_id="O1").net_amount_units == 53_000
    (issue,) = load(JOINED, {"lines.csv": lines.replace("2.5,2", "2.5,two")}).issues
    assert (issue.file, issue.line, issue.path) == ("orders.csv", 2, "order.No")
    assert issue.message == "'O1' has a row in lines.csv, line 3, that does not fit: qty = 'two' is not a number"


def test_a_joined_file_with_two_rows_for_one_asks_which(load):
    plan = JOINED.replace(', total: {net: "price * qty"}', "").replace('{formula: "lines.net + 1"}', "lines.price")
    plan = plan.replace("lines.net", "lines.price")
    lines = {"lines.csv": "order,price\nO1,1\nO1,2\nO2,3\n"}
    assert "is twice in lines.csv (lines 2 and 3); state pick:" in load(plan, lines).issues[0].message
    assert load(plan.replace("required: true", "required: true, pick: last"), lines).ok
    assert Order.objects.get(external_id="O1").net_amount_units == 20_000


FAULTY = {
    ("into: customer", "into: custmer"): "no entity 'custmer' (tables[1].into). Did you mean 'customer'?",
    ("owner: Rep", "ownr: Rep"): "Customer has no field 'ownr' (tables[1].fields.ownr). Did you mean 'owner'?",
    ('number: "SO-{No}", ', ""): "Order needs 'number' (tables[2].fields). Say where it comes from, or state const:.",
    ("owner: Rep", "owner: {column: Rep, by: nam}"): "owner cannot be found by 'nam'",
    ("owner: Rep", "owner: {colum: Rep}"): "'colum' is not a key that can stand here (tables[1].fields.owner).",
    ("from: orders.csv", "from: ../../secrets.csv"): "'../../secrets.csv' leaves the data folder (tables[2].from).",
    ("net_amount: Net", 'net_amount: {formula: "Net / 2"}'): "'/' cannot stand here (column 5 of the formula)",
    ("import: oldcrm", "import: old crm"): "'old crm' cannot name a source (import). It may have up to 40 letters",
    ("currency: EUR", "currency: Euro"): "'Euro' is not an ISO 4217 code (currency).",
    ("registered_on: Since", "registered_on: {column: Since, add: 3wd}"): "3wd cannot be added to a day",
    ('    key: "No"\n    fields: {number', "    fields: {nummer"): "Order has no field 'nummer'",
}


@pytest.mark.parametrize("change", FAULTY)
def test_a_plan_that_cannot_be_meant_is_told_with_its_line(load, change):
    assert change[0] in PLAN
    report = load(PLAN.replace(*change))
    assert any(FAULTY[change] in text and "plan.yaml:" in text for text in told(report)), told(report)
    assert not report.tables


def test_a_plan_that_is_not_yaml_or_not_there_is_told(load, tmp_path):
    assert not load("tables: [").ok
    assert "cannot be read" in run_plan(tmp_path / "none.yaml", tmp_path).issues[0].message


def test_the_report_is_one_json_document(load):
    import orjson

    report = orjson.loads(orjson.dumps(load(files={"orders.csv": ORDERS.replace("10.5", "x")}).to_json()))
    assert report["ok"] is False and report["tables"][2]["refused"] == 1
    assert report["issues"][0] | {"hint": ""} == {
        "level": "error", "message": "'x' is not a number", "hint": "", "file": "orders.csv", "line": 3,
        "path": "order.net_amount", "code": "import.row",
    }  # fmt: skip

"""What a company adds is a field like any other: on every surface, through undo and migrations, gone when hidden."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.utils import translation

from xiaoguan.customers.models import Customer
from xiaoguan.desk import conformance, undo
from xiaoguan.desk.custom import columns, define, live, migrating
from xiaoguan.desk.custom.models import CustomField
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import acting
from xiaoguan.desk.fields import ExactField
from xiaoguan.people.models import FieldLevel, Role
from xiaoguan.sales.models import Order

CHOICES = [["a", "Alpha", "甲"], ["b", "Beta", "乙"], ["ab", "Alphabet", "甲乙"]]
KINDS: dict[str, dict[str, Any]] = {
    "text": {"filtered": True, "searched": True, "listed": True},
    "long": {},
    "number": {"filtered": True},
    "money": {"currency": "CNY", "listed": True},
    "percent": {"listed": True},
    "date": {"filtered": True},
    "bool": {"filtered": True},
    "choice": {"choices": CHOICES, "filtered": True, "listed": True},
    "choices": {"choices": CHOICES, "listed": True},
    "person": {"filtered": True, "listed": True},
    "relation": {"target": "product"},
}


@pytest.fixture(autouse=True)
def as_declared() -> Iterator[None]:
    """What a test added to the models goes with its rows."""
    yield
    live.unload()


@pytest.fixture
def admin(cast: Any) -> Any:
    return cast.viewer("gaoxiang")


def add(admin: Any, entity: str, kind: str, **more: Any) -> CustomField:
    given = {"kind": kind, "label_en": f"Own {kind}", "label_zh": f"自定{kind}", "name": f"x_{kind}", **more}
    return define.field(entity, admin, given)


def test_a_field_of_every_kind_is_written_read_and_exported(cast: Any, client_of: Any, admin: Any) -> None:
    for kind, more in KINDS.items():
        add(admin, "customer", kind, **more)
    product = conformance.sample(apps.get_model("sales", "Product"), cast.linjing)
    customer = conformance.sample(Customer, cast.linjing)
    values = {
        "x_text": "海天", "x_long": "一\n二", "x_number": "12.5", "x_money": "300.5", "x_money_currency": "USD",
        "x_percent": "0.125", "x_date": "2026-03-01", "x_bool": True, "x_choice": "b", "x_choices": "a;ab",
        "x_person": cast.zhouhang.pk, "x_relation": product.pk,
    }  # fmt: skip
    browser, where = client_of("linjing"), f"/api/customers/{customer.pk}"
    answer = browser.patch(where, values, content_type="application/json")
    assert answer.status_code == 200, answer.content.decode()
    told = answer.json()
    assert {n: told[n] for n in values} == {**values, "x_money": "300.50"}
    assert told["x_person_name"] == "周航" and told["x_relation_name"] == product.name
    record = Customer.objects.get(pk=customer.pk)
    assert (record.x_number, record.x_date, record.x_money_units) == (Decimal("12.5"), date(2026, 3, 1), 3_005_000)
    page = browser.get(f"/customers/{customer.pk}").content.decode()
    assert "自定text" in page and "甲、甲乙" in page and "12.5%" in page
    rows = list(
        csv.reader(io.StringIO(b"".join(browser.get("/customers/export.csv").streaming_content).decode("utf-8-sig")))
    )
    shown = dict(zip(rows[0], next(r for r in rows if customer.name in r), strict=True))
    assert (shown["自定choice"], shown["自定choices"], shown["自定percent"]) == ("乙", "甲、甲乙", "0.125000")


def test_the_conformance_of_an_entity_holds_with_its_own_fields(cast: Any, client_of: Any, admin: Any) -> None:
    for kind, more in KINDS.items():
        add(admin, "customer", kind, **more)
    desk = conformance.desk("customer")
    mine, far = (conformance.sample(Customer, cast.people[n], x_text=n, x_choice="a") for n in ("linjing", "wanglei"))
    for name in ("linjing", "chenmin", "wanglei", "sunzong", "helin"):
        found = list(conformance.leaks(desk, cast.viewer(name), client_of(name), [mine, far]))
        assert not found, found
    browser = client_of("linjing")
    assert not list(conformance.round_trip(desk, browser, mine))
    assert not list(conformance.untranslated(desk))
    assert not list(
        conformance.growing(desk, browser, lambda: [conformance.sample(Customer, cast.linjing) for _n in range(9)])
    )


def test_lists_filter_sort_group_and_search_by_it(cast: Any, client_of: Any, admin: Any) -> None:
    for kind in ("text", "number", "choice", "choices"):
        add(admin, "customer", kind, **KINDS[kind])
    one = conformance.sample(
        Customer, cast.linjing, x_text="蓝鲸计划", x_number=Decimal(3), x_choice="a", x_choices="ab"
    )
    two = conformance.sample(Customer, cast.linjing, x_text="白鹭", x_number=Decimal(7), x_choice="b", x_choices="a;b")
    browser = client_of("linjing")

    def ids(**query: str) -> list[int]:
        answer = browser.get("/api/customers", query)
        assert answer.status_code == 200, answer.content.decode()
        return [i["id"] for i in answer.json()["items"] if i["id"] in (one.pk, two.pk)]

    assert ids(x_choice="b") == [two.pk]
    assert ids(where="x_number:gt:5") == [two.pk]
    assert ids(where="x_choices:has:a") == [two.pk] and ids(where="x_choices:has:甲乙") == [one.pk]
    assert set(ids(where="x_choices:hasnt:b")) == {one.pk}
    assert ids(q="鲸计") == [one.pk]
    assert ids(sort="-x_number") == [two.pk, one.pk]
    assert browser.get("/customers/", {"group": "x_choice"}).status_code == 200
    page = browser.get("/customers/", {"columns": "name,x_choices,x_number"}).content.decode()
    assert ">甲乙<" in page and ">甲、乙<" in page
    part = browser.get("/customers/", {"columns": "name,x_number", "part": "totals"})
    assert part.status_code == 200 and "10" in part.content.decode()


def test_required_unique_default_and_choices_are_kept(cast: Any, client_of: Any, admin: Any) -> None:
    add(admin, "customer", "text", required=True, unique=True)
    add(admin, "customer", "choice", choices=CHOICES, default="b")
    browser = client_of("linjing")
    base = {"name": "上海测试有限公司", "owner": cast.linjing.pk}

    def post(**more: Any) -> Any:
        return browser.post("/api/customers", {**base, **more}, content_type="application/json")

    assert "x_text" in post().json()["fields"]
    made = post(x_text="K1")
    assert made.status_code == 201 and made.json()["x_choice"] == "b"
    assert "x_text" in post(name="北京另一家有限公司", x_text="K1").json()["fields"]
    assert "x_choice" in post(name="北京另一家有限公司", x_text="K2", x_choice="z").json()["fields"]
    with pytest.raises(ValidationError):
        define.change(CustomField.objects.get(name="x_choice"), admin, {"choices": CHOICES[:1]})


def test_history_undo_and_the_bin_know_it(cast: Any, client_of: Any, admin: Any) -> None:
    add(admin, "customer", "number")
    customer = conformance.sample(Customer, cast.linjing, x_number=Decimal(1))
    with acting(cast.linjing.pk, "page") as deed:
        customer.x_number = Decimal(2)
        customer.save()
    story = client_of("linjing").get(f"/customers/{customer.pk}/timeline").content.decode()
    assert "自定number" in story
    assert undo.undo_batch(deed.batch, cast.viewer("linjing")).done == 1
    assert Customer.objects.get(pk=customer.pk).x_number == 1
    with acting(cast.sunzong.pk, "page") as deed:
        Customer.objects.get(pk=customer.pk).delete()
    undo.undo_batch(deed.batch, cast.viewer("sunzong"))
    assert Customer.objects.get(pk=customer.pk).x_number == 1


def test_an_import_fills_it_and_formulas_follow(cast: Any, admin: Any, tmp_path: Any, settings: Any) -> None:
    from xiaoguan.desk.plan import run_plan

    settings.HOME = tmp_path / "home"
    add(admin, "product", "number")
    add(admin, "product", "choices", choices=CHOICES)
    add(admin, "product", "formula", result="number", formula="x_number * 2")
    (tmp_path / "p.csv").write_text("No,Name,N,C\n1,A,1.5,甲、乙\n2,B,,c\n")
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "import: shop\ntables:\n  - into: product\n    from: p.csv\n    key: 'No'\n    on_error: skip\n"
        "    fields: {name: Name, x_number: N, x_choices: C, currency: {const: CNY}}\n"
    )
    report = run_plan(plan, tmp_path)
    assert report.tables[0].created == 1 and report.tables[0].refused == 1, report.issues
    product = apps.get_model("sales", "Product").objects.get(name="A")
    assert (product.x_number, product.x_choices, product.x_formula) == (Decimal("1.5"), "a;b", Decimal(3))


def test_formulas_are_exact_and_follow_every_change(cast: Any, admin: Any) -> None:
    order = conformance.sample(Order, cast.linjing, net_amount=1_000_0000, total_amount=1_130_0000)
    tax = add(admin, "order", "formula", result="money", formula="total_amount - net_amount", listed=True)
    share = add(
        admin, "order", "formula", name="x_share", result="percent",
        formula="ratio(total_amount - net_amount, net_amount, empty=0)",
    )  # fmt: skip
    order = Order.objects.get(pk=order.pk)
    assert (order.x_formula_units, order.x_share) == (130_0000, Decimal("0.13"))
    order.total_amount_units = 1_200_0000
    order.save()
    assert Order.objects.get(pk=order.pk).x_formula_units == 200_0000
    define.change(tax, admin, {"formula": "net_amount"})
    assert Order.objects.get(pk=order.pk).x_formula_units == 1_000_0000
    for wrong in ("net_amount + ordered_on", "nothing", "x_share * 2", "net_amount *"):
        with pytest.raises(ValidationError):
            define.change(share, admin, {"formula": wrong})


def test_a_level_of_a_role_hides_it(cast: Any, client_of: Any, admin: Any) -> None:
    add(admin, "customer", "number", listed=True)
    level = FieldLevel(role=Role.objects.get(code="sales_rep"), entity="customer", field="x_number", level="none")
    level.full_clean()
    level.save()
    customer = conformance.sample(Customer, cast.linjing, x_number=Decimal(77))
    browser = client_of("linjing")
    assert "x_number" not in browser.get(f"/api/customers/{customer.pk}").json()
    assert browser.get("/api/customers", {"where": "x_number:gt:5"}).status_code == 400


def test_a_hidden_field_keeps_what_it_holds_and_a_purged_one_does_not(cast: Any, client_of: Any, admin: Any) -> None:
    field = add(admin, "customer", "person")
    customer = conformance.sample(Customer, cast.linjing, x_person=cast.zhouhang)
    with pytest.raises(ValidationError):
        define.purge(field, admin)
    define.retire(field, admin)
    assert "x_person" not in client_of("linjing").get(f"/api/customers/{customer.pk}").json()
    define.revive(field, admin)
    assert Customer.objects.get(pk=customer.pk).x_person_id == cast.zhouhang.pk
    define.retire(field, admin)
    define.purge(field, admin)
    assert "x_person_id" not in columns.columns_of("customers_customer")
    assert Customer.objects.get(pk=customer.pk).name == customer.name


def test_another_process_notices_before_its_next_request(cast: Any, client_of: Any, admin: Any) -> None:
    customer = conformance.sample(Customer, cast.linjing)
    browser = client_of("linjing")
    browser.get("/")
    add(admin, "customer", "text")
    live.unload()  # as it is in a process that has not seen it
    live._seen = 1
    from xiaoguan.people import chart

    chart._seen = None
    assert "x_text" in browser.get(f"/api/customers/{customer.pk}").json()


def test_migrations_do_not_see_what_a_company_added(cast: Any, admin: Any) -> None:
    define.entity(admin, {"slug": "machine", "name_en": "machine", "name_zh": "设备"})
    add(admin, "customer", "text")

    def changes() -> Any:
        loader = MigrationLoader(connection)
        with translation.override(None):  # as the command does
            found = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(loader.graph)
        return {app: [op.describe() for m in some for op in m.operations] for app, some in found.items()}

    with live.without():
        assert not {"desk", "customers"} & changes().keys()
    assert {"desk", "customers"} <= changes().keys()
    assert desk_of("x_machine") is not None and hasattr(Customer, "x_text")


def test_what_it_holds_outlives_a_migration_that_remakes_the_table(cast: Any, admin: Any) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite remakes tables")
    add(admin, "product", "text", filtered=True)
    add(admin, "product", "bool")
    add(admin, "product", "relation", target="customer")
    customer = conformance.sample(Customer, cast.linjing)
    model = apps.get_model("sales", "Product")
    product = conformance.sample(model, cast.linjing, x_text="留着", x_bool=True, x_relation=customer)
    migrating.before(plan=[("something", False)])
    with connection.cursor() as cursor:  # what SQLite's remaking comes to
        for column in ("x_text", "x_bool", "x_relation_id"):
            cursor.execute(f"DROP INDEX IF EXISTS sales_product_{column}")
            cursor.execute(f"ALTER TABLE sales_product DROP COLUMN {column}")
    migrating.after()
    product = model.objects.get(pk=product.pk)
    assert (product.x_text, product.x_bool, product.x_relation_id) == ("留着", True, customer.pk)
    assert "x_kept_sales_product" not in columns.tables()
    with connection.cursor() as cursor:
        assert "sales_product_x_text" in connection.introspection.get_constraints(cursor, "sales_product")


# Entities


def machine(admin: Any) -> Any:
    define.entity(admin, {"slug": "machine", "name_en": "machine", "plural_en": "machines", "name_zh": "设备"})
    shown = {"filtered": True, "listed": True, "label_en": "customer", "label_zh": "客户"}
    add(admin, "x_machine", "relation", name="x_customer", target="customer", **shown)
    for kind in ("number", "choice", "money"):
        add(admin, "x_machine", kind, **KINDS[kind])
    desk = desk_of("x_machine")
    assert desk is not None
    return desk


def test_an_entity_of_the_company_passes_what_every_entity_does(cast: Any, client_of: Any, admin: Any) -> None:
    desk = machine(admin)
    mine, far = (conformance.sample(desk.model, cast.people[n]) for n in ("linjing", "wanglei"))
    for name in ("linjing", "zhouhang", "chenmin", "wanglei", "sunzong", "helin", "gaoxiang"):
        found = list(conformance.leaks(desk, cast.viewer(name), client_of(name), [mine, far]))
        assert not found, found
    browser = client_of("linjing")
    assert not list(conformance.round_trip(desk, browser, mine))
    assert not list(conformance.untranslated(desk)) and not list(conformance.unindexed(desk))
    assert not list(
        conformance.growing(desk, browser, lambda: [conformance.sample(desk.model, cast.linjing) for _n in range(9)])
    )
    assert conformance.search_entry(desk, mine)


def test_its_pages_api_tabs_and_menu_are_there_until_it_is_hidden(cast: Any, client_of: Any, admin: Any) -> None:
    desk = machine(admin)
    customer = conformance.sample(Customer, cast.linjing)
    browser = client_of("linjing")
    sent = {"name": "冲压机 7", "owner": cast.linjing.pk, "x_customer": customer.pk, "x_number": "7"}
    made = browser.post("/api/x/machine", sent, content_type="application/json")
    assert made.status_code == 201, made.content.decode()
    pk = made.json()["id"]
    for page in ("", "new", "pick?q=冲", "bin", f"{pk}", f"{pk}/edit", f"{pk}/timeline", f"{pk}/shares", "export.csv"):
        assert browser.get(f"/x/machine/{page}").status_code == 200, page
    assert "冲压机 7" in browser.get(f"/customers/{customer.pk}/tab/x_machine").content.decode()
    assert 'href="/x/machine/"' in browser.get("/customers/").content.decode()
    assert "冲压机" in browser.get("/search", {"q": "冲压"}).content.decode()
    assert "/api/x/machine" in browser.get("/api/openapi.json").json()["paths"]
    assert browser.delete(f"/api/customers/{customer.pk}").status_code in (403, 409)
    define.retire_entity(desk.entity, admin)
    assert browser.get("/x/machine/").status_code == 404 and browser.get("/api/x/machine").status_code == 404
    assert browser.get(f"/customers/{customer.pk}").status_code == 200
    define.revive_entity(desk.entity, admin)
    assert browser.get(f"/api/x/machine/{pk}").json()["x_number"] == "7"
    define.retire_entity(desk.entity, admin)
    define.purge_entity(desk.entity, admin)
    assert "x_machine" not in columns.tables()


def test_exact_numbers_stay_exact_in_the_column(cast: Any, admin: Any) -> None:
    add(admin, "customer", "number")
    assert isinstance(Customer._meta.get_field("x_number"), ExactField)
    customer = conformance.sample(Customer, cast.linjing, x_number=Decimal("0.1"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT x_number FROM customers_customer WHERE id = %s", [customer.pk])
        assert cursor.fetchone() == (1_000,)


# Settings and API


def test_an_administrator_adds_fields_and_entities_in_the_page(cast: Any, client_of: Any) -> None:
    assert client_of("sunzong").get("/settings/fields").status_code == 403
    browser = client_of("gaoxiang")
    assert "/settings/fields/customer" in browser.get("/settings/fields").content.decode()
    for kind in CustomField.Kind.values:
        assert browser.get(f"/settings/fields/customer/new?kind={kind}").status_code == 200, kind
    where = "/settings/fields/customer/new?kind=choice"
    sent = {"label_zh": "客户来源渠道", "choices": "a | Alpha | 甲\nb", "row": 1, "place": 1, "filtered": "on"}
    assert browser.post(where, {**sent, "choices": ""}).status_code == 422
    assert browser.post(where, sent).status_code == 302
    field = CustomField.objects.get()
    assert (field.name, field.choices) == ("x_ke_hu_lai_yuan_qu_dao", [["a", "Alpha", "甲"], ["b", "b", "b"]])
    page = f"/settings/fields/customer/{field.pk}"
    assert browser.post(page, {**sent, "label_zh": "从何得知"}).status_code == 302
    assert "从何得知" in client_of("linjing").get("/customers/new").content.decode()
    assert browser.post(f"{page}/retire").status_code == 302
    assert "从何得知" not in client_of("linjing").get("/customers/new").content.decode()
    made = browser.post(
        "/settings/entities/new", {"name_zh": "设备", "icon": "tool", "place": "customers", "owned": "on"}
    )
    assert made.status_code == 302 and made["Location"] == "/settings/fields/x_she_bei"
    assert client_of("linjing").get("/x/she_bei/").status_code == 200


def test_programs_define_too(cast: Any, client_of: Any) -> None:
    body = {"entity": "customer", "kind": "number", "label_en": "Seats", "name": "x_seats"}

    def send(name: str, path: str, data: dict[str, Any], method: str = "post") -> Any:
        return getattr(client_of(name), method)(f"/api/custom-{path}", data, content_type="application/json")

    assert send("linjing", "fields", body).status_code == 403
    made = send("gaoxiang", "fields", body)
    assert made.status_code == 201, made.content.decode()
    pk = made.json()["id"]
    assert send("gaoxiang", "fields", body).status_code == 422
    assert send("gaoxiang", "fields", {**body, "name": "x_other", "kind": "relation"}).status_code == 422
    assert send("gaoxiang", "fields", {**body, "name": "owner"}).status_code == 422
    assert send("gaoxiang", f"fields/{pk}", {"label_zh": "席位"}, "patch").json()["label_zh"] == "席位"
    assert [f["name"] for f in client_of("linjing").get("/api/custom-fields").json()["items"]] == ["x_seats"]
    assert send("gaoxiang", f"fields/{pk}/purge", {}).status_code == 422
    assert send("gaoxiang", f"fields/{pk}/retire", {}).json()["hidden"] is True
    assert send("gaoxiang", "entities", {"slug": "asset", "name_en": "asset"}).json()["key"] == "x_asset"
    assert send("gaoxiang", "entities", {"slug": "asset", "name_en": "asset"}).status_code == 422

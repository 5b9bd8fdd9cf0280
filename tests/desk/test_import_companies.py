"""Whole companies move in: the plans of the examples, and the one that the guide writes, against figures of others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Count, Sum

from xiaoguan.desk.plan import run_plan
from xiaoguan.sales.models import Order, OrderLine

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def units(text: str) -> int:
    return int(Decimal(text) * 10_000)


def to_cents(value: int) -> Decimal:
    """Units as figures rounded to cents, half up."""
    return Decimal((value + 50) // 100) / 100


def test_northwind_moves_in_with_every_figure_and_a_second_time_nothing_changes(shared):
    plan, folder = EXAMPLES / "northwind" / "plan.yaml", shared / "data" / "northwind"
    assert run_plan(plan, folder).issues == []
    oracle = json.loads((shared / "data" / "oracle-others.json").read_text())["northwind"]
    orders = Order.objects.filter(source="northwind")
    (totals,) = oracle["totals"]
    assert (
        orders.count() == totals["orders"] and OrderLine.objects.filter(source="northwind").count() == totals["lines"]
    )
    assert orders.aggregate(v=Sum("net_amount"))["v"] == units(totals["net"])
    by_person = orders.values_list("owner__external_id").annotate(n=Count("pk"), v=Sum("net_amount"))
    assert {key: (n, to_cents(v)) for key, n, v in by_person} == {
        str(row["employee_id"]): (row["orders"], Decimal(row["net"])) for row in oracle["by_employee"]
    }
    by_category = OrderLine.objects.filter(source="northwind").values_list("product__category__name")
    assert {name: to_cents(v) for name, v in by_category.annotate(v=Sum("net_amount"))} == {
        row["category"]: Decimal(row["net"]) for row in oracle["by_category"]
    }
    again = run_plan(plan, folder)
    assert again.ok and sum(t.created + t.changed for t in again.tables) == 0


def blocks(page: str, heading: str) -> Iterator[list[str]]:
    """The indented blocks under one heading, without their indent."""
    block: list[str] = []
    for line in page.split(f"\n### {heading}")[1].split("\n##")[0].splitlines():
        if line.startswith("    "):
            block.append(line[4:])
        elif block and line:
            yield block
            block = []
    if block:
        yield block


def test_the_guide_writes_a_plan_that_imports_the_files_it_shows(tmp_path):
    page = (ROOT / "docs" / "how-to" / "import.md").read_text()
    ((names, *lines),) = blocks(page, "1.")
    at = names.index("sales.csv")
    (tmp_path / "customers.csv").write_text("\n".join(line[:at].rstrip() for line in lines if line[:at].strip()))
    (tmp_path / "sales.csv").write_text("\n".join(line[at:] for line in lines if line[at:]))
    parts = [block for number in ("2.", "3.", "4.") for block in blocks(page, number)]
    (tmp_path / "plan.yaml").write_text("\n".join(line for block in parts for line in block))
    report = run_plan(tmp_path / "plan.yaml", tmp_path)
    assert report.issues == []
    order = Order.objects.get(source="oldcrm")
    assert (order.customer.name, str(order.net_amount), order.lines.count()) == ("Müller AG", "2625.00", 2)


def test_the_reference_names_every_key_of_a_plan():
    import inspect
    import re

    from xiaoguan.desk import mapping

    page = (ROOT / "docs" / "reference" / "import-plan.md").read_text()
    source = inspect.getsource(mapping._Reader)
    groups = re.findall(r"own = \(([^)]*)\)", source)
    assert len(groups) == 3
    keys = {key for group in groups for key in re.findall(r'"(\w+)"', group)}
    keys |= {*mapping.READING, *mapping.WAYS, *mapping.ORIGINS} - {"column"}
    missing = [key for key in sorted(keys) if not re.search(rf"`[{{]?{key}\b", page)]
    assert missing == []
    for entity in mapping.entities():
        assert f"`{entity}`" in page, entity

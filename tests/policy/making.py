"""Small policies and rows for the tests of the engine."""

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from xiaoguan.base.issues import Issue
from xiaoguan.policy import Policy, RowsWorld, Who, load_text
from xiaoguan.policy.folder import read_folder
from xiaoguan.policy.reckon import reckon

ROOT = Path(__file__).parents[2]
LIN = Who("lin", "林静", "sales_rep")

HEADER = """
policy: {{id: {id}, name: Test, version: 1.0.0, effective: {{from: 2026-01-01, to: null}}, currency: {currency}}}
"""
BOOKINGS = """
metrics:
  bookings: {name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
goals:
  - {id: quota, metric: bookings, period: quarter, target: {method: assigned}}
"""


def issues_of(body: str, currency: str = "CNY") -> list[Issue]:
    """What load says about a policy with this body."""
    return load_text(HEADER.format(id="test", currency=currency) + body, "test.yaml")[1]


def policy(body: str = BOOKINGS, currency: str = "CNY") -> Policy:
    """A policy that must load."""
    found, issues = load_text(HEADER.format(id="test", currency=currency) + body, "test.yaml")
    assert found is not None, "\n".join(map(str, issues))
    return found


@lru_cache
def paying(component: str, currency: str = "CNY", more: str = BOOKINGS) -> Policy:
    """A policy with one component."""
    return policy(more + f"incentive:\n  - {{id: plan, role: sales_rep, components: [{component}]}}\n", currency)


def order(amount: int, day: str = "2026-01-10", number: object = "SO-1", **fields: object) -> dict[str, object]:
    """An order of 林静; the amount in units."""
    return {"id": number, "net_amount": amount, "signed_on": date.fromisoformat(day), "person": "lin", **fields}


def world(of: Policy, *orders: dict[str, object], quota: dict[str, int] | None = None) -> RowsWorld:
    """A world of orders and quotas (period label to units) of 林静."""
    goals = {("quota", "lin", label): units for label, units in (quota or {}).items()}
    return RowsWorld(of, {"orders": orders}, goals)


def calc(folder: Path, body: str, period: str = "2026-01", header: str = "", **tables: str) -> dict[str, Any]:
    """What `xiaoguan calc` gives for a policy with this body and CSV tables, a row on a line.

    header   another key of the policy's header, such as `fx: {...}`.
    """
    head = HEADER.format(id="test", currency="CNY")
    head = f"{head.rstrip()[:-1]}, {header}}}\n" if header else head
    found, issues = load_text(head + body, "test.yaml")
    assert found is not None, "\n".join(map(str, issues))
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")
    return reckon(found, read_folder(found, folder), found.calendar.parse(period))


def pays(made: dict[str, Any], person: str = "lin") -> dict[str, str | None]:
    """The lines of a person's statement, by name."""
    lines = [line for one in made["statements"] if one["person"] == person for line in one["lines"]]
    return {line["name"]: line["value"] for line in lines}

"""Customers as a policy reads them."""

from __future__ import annotations

from xiaoguan.customers.models import Customer
from xiaoguan.rulebook.facts import Fact, fact


@fact
class Customers(Fact):
    """客户: by the day they were registered or first ordered."""

    name = "customers"
    model = Customer
    label = "name"
    fields = {
        "channel": "channel",
        "kind": "kind",
        "grade": "grade",
        "stage": "stage",
        "origin": "origin",
        "created_on": "registered_on",
        "first_order_on": "first_order_on",
        "last_order_on": "last_order_on",
    }
    person = "owner"
    dimensions = {
        "person": "owner",
        "territory": "territory",
        "territory_group": "territory__parent",
        "channel": "channel",
    }

"""Customers, and what people have learnt, as a policy reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Any

from xiaoguan.customers.models import Customer
from xiaoguan.people.models import TrainingResult
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


@fact
class Trainings(Fact):
    """培训成绩: by the day they were passed."""

    name = "trainings"
    model = TrainingResult
    label = "course"
    fields = {"course": "course", "mark": "mark", "passed_on": "passed_on"}
    person = "person"
    dimensions = {"person": "person"}

    def rows(
        self, dated: str, start: date, end: date, names: Iterable[str], people: Collection[int] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Everybody's, whoever is asked for: whether any result is kept decides whether anybody is asked for one."""
        return super().rows(dated, start, end, names)

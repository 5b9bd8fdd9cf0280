"""What the rules of every day may ask of a customer: read for some hundred at once, a query for each thing asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Sum
from django.utils import timezone

from xiaoguan.base.periods import Period
from xiaoguan.customers.models import Customer
from xiaoguan.desk.models import Event
from xiaoguan.policy import Policy
from xiaoguan.policy.document.asked import OF_DEAL, OVERDUE
from xiaoguan.policy.metrics import PlanError, plan, run
from xiaoguan.rulebook.facts import facts, schema
from xiaoguan.rulebook.process import process_in_force
from xiaoguan.sales.models import Contract, Opportunity, Order

OWN = {"class": "grade", "grade": "grade", "source": "origin"}
"""What policies call fields of a customer otherwise than we do."""


@dataclass
class Questions:
    """The names that rules of a policy read, on a day."""

    policy: Policy
    names: frozenset[str]
    day: date

    @cached_property
    def plans(self) -> Mapping[str, Any]:
        """The metrics that are read, as they are counted; those that cannot be are missing."""
        found = {}
        for name in self.names & self.policy.metrics.keys():
            with suppress(PlanError):
                found[name] = plan(self.policy, name, schema())
        return found


@dataclass
class Known:
    """What is known of one customer, or of one of its open deals, on the day."""

    customer: Customer
    among: Portfolio
    since: date
    deal: Mapping[str, Any] = field(default_factory=dict)

    @property
    def deals(self) -> Sequence[Mapping[str, Any]]:
        return self.among.deals.get(self.customer.pk, ())

    def of(self, deal: Mapping[str, Any]) -> Known:
        """The same with what is known of one of its deals."""
        return replace(self, deal=deal)

    def get(self, name: str, _default: Any = None) -> Any:
        own, today = self.customer, self.among.asked.day
        if name in self.deal:
            return self.deal[name]
        if name == OVERDUE:
            late = own.follow_up_late_on
            return None if late is None else max(0, (today - late).days + 1)
        if name == "days_owned":
            return (today - self.since).days
        if name == "days_since_follow_up":
            return (today - max(own.last_contact_on or self.since, self.since)).days
        if name in ("days_since_deal", "recency_days"):
            return (today - own.last_order_on).days if own.last_order_on else None
        if name == "days_since_delivery":
            last = self.among.delivered.get(own.pk)
            return (today - last).days if last is not None else None
        if name in ("orders", "spend"):
            return self.among.bought.get(own.pk, (0, 0))[name == "spend"]
        if name == "open_contract":
            return own.pk in self.among.bound
        if name in self.among.asked.plans:
            return self.among.metric(name, own.pk, self.since)
        plain = name.removeprefix("customer.")
        if plain == name and name not in OWN:
            return None
        return getattr(own, OWN.get(plain, plain)) or None


@dataclass
class Portfolio:
    """Some customers, and what of orders, deals and contracts is asked of them."""

    asked: Questions
    customers: Sequence[Customer]
    _rows: dict[str, Mapping[str, list[Any]]] = field(default_factory=dict)

    @cached_property
    def ids(self) -> list[int]:
        return [customer.pk for customer in self.customers]

    @cached_property
    def since(self) -> Mapping[int, datetime]:
        """Since when each has its present owner: the last change of it, or the day it came into the books."""
        found = {customer.pk: customer.created_at for customer in self.customers}
        changed = Event.objects.filter(entity="customer", record_id__in=self.ids, changes__has_key="owner_id")
        for pk, at, deed in changed.order_by("id").values_list("record_id", "at", "deed"):
            if deed != "deleted":
                found[pk] = at
        return found

    @cached_property
    def deals(self) -> Mapping[int, list[Mapping[str, Any]]]:
        """The open deals of each customer as rules read them, each with the deal itself under the name ""."""
        found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        if self.asked.names & OF_DEAL:
            process = process_in_force(self.asked.day)
            rows = Opportunity.objects.filter(customer__in=self.ids, result=Opportunity.Result.OPEN).order_by("pk")
            for deal in rows.select_related("owner"):
                days = (self.asked.day - deal.stage_since).days
                limit = process.stage(deal.stage).limit_days
                row = {"stage": deal.stage, "stage_days": days, "stage_limit": limit, "": deal}
                found[deal.customer_id].append(row)
        return found

    @cached_property
    def bought(self) -> Mapping[int, tuple[int, int]]:
        """{customer: (signed orders, their net amount in the policy's currency)}, from the first day on."""
        rows = Order.objects.filter(customer__in=self.ids, status=Order.Status.SIGNED).order_by()
        counts = dict(rows.values_list("customer").annotate(Count("pk")))
        spent = rows.filter(currency=self.asked.policy.currency).values_list("customer").annotate(Sum("net_amount"))
        sums = dict(spent)
        return {pk: (count, sums.get(pk, 0)) for pk, count in counts.items()}

    @cached_property
    def delivered(self) -> Mapping[int, date]:
        """{customer: the day of the last delivery of a signed order}, up to the day."""
        rows = Order.objects.filter(customer__in=self.ids, status=Order.Status.SIGNED, delivered_on__lte=self.asked.day)
        return dict(rows.order_by().values_list("customer").annotate(Max("delivered_on")))

    @cached_property
    def bound(self) -> set[int]:
        """Customers with a contract in force."""
        rows = Contract.objects.filter(customer__in=self.ids, status=Contract.Status.ACTIVE)
        return set(rows.values_list("customer_id", flat=True))

    def metric(self, name: str, pk: int, since: date) -> Any:
        """A metric over the customer's own records since it has its present owner."""
        period = Period(since, self.asked.day + timedelta(days=1), "day", "")

        def rows_of(source: str, window: Period, dated: str) -> list[Any]:
            rows = self._of(source).get(str(pk), [])
            return [row for row in rows if row[dated] is not None and window.contains(row[dated])]

        return run(self.asked.plans[name], rows_of, period, self.asked.policy.currency).value

    def _of(self, source: str) -> Mapping[str, list[Any]]:
        """All records of these customers in a fact table, by customer; none where it does not know customers."""
        if source not in self._rows:
            grouped: dict[str, list[Any]] = defaultdict(list)
            fact = facts()[source]
            key = "id" if fact.model is Customer else "customer"
            if key == "id" or key in fact.fields:
                for row in fact.of(key, [str(pk) for pk in self.ids]):
                    grouped[str(row[key])].append(row)
            self._rows[source] = grouped
        return self._rows[source]

    def known(self, customer: Customer) -> Known:
        return Known(customer, self, timezone.localdate(self.since[customer.pk]))


def keep_marks(customers: Sequence[Customer], names: Sequence[str]) -> None:
    """Write these columns of customers, and nothing else: what is derived is no change of the record."""
    fields = [Customer._meta.get_field(name) for name in names]
    table, columns = connection.ops.quote_name(Customer._meta.db_table), [field.column for field in fields]
    sets = ", ".join(f"{connection.ops.quote_name(column)} = %s" for column in columns)
    rows = [
        (*(field.get_db_prep_save(getattr(one, field.attname), connection) for field in fields), one.pk)
        for one in customers
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(f"UPDATE {table} SET {sets} WHERE id = %s", rows)

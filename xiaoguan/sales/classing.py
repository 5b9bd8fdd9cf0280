"""客户分类: at each review the rule of the policy in force puts every customer into its class, and keeps why.

A review is due on the first night of its period, and on the first night of a version. A class that changes is a change
of the record that names the rule and what was counted; why a class stays is kept beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xiaoguan.base.explain import Line, value_text
from xiaoguan.base.periods import Period, span
from xiaoguan.customers.models import Classed, Customer, Rated
from xiaoguan.desk.events import acting
from xiaoguan.desk.jobs import Running, every
from xiaoguan.policy import Policy
from xiaoguan.policy.classing import Placed, pareto, rated, scored
from xiaoguan.policy.document import Classification
from xiaoguan.policy.formula import Duration
from xiaoguan.policy.metrics import PlanError, plan, run
from xiaoguan.policy.prose import WORDS
from xiaoguan.rulebook import sql
from xiaoguan.rulebook.daily import ruling
from xiaoguan.rulebook.facts import facts, schema
from xiaoguan.rulebook.versions import document_of
from xiaoguan.sales.models import Order

SOME = 200
"""So many customers are written in one step."""
USUAL = Duration(1, "y")
"""The window of a rule that names none."""


@dataclass
class Review:
    """The rule in force on a day, and everybody's class by it."""

    policy: Policy
    rule: Classification
    version: int
    named: str
    day: date
    given: Mapping[int, Mapping[str, Fraction]] = field(default_factory=dict)

    @classmethod
    def on(cls, day: date) -> Review | None:
        """None where no policy in force has such a rule."""
        found = ruling("classing", day)
        return cls(document_of(found.version), found.section, found.version, found.policy, day) if found else None

    @property
    def window(self) -> Period:
        length = self.rule.window or USUAL
        return span(Duration(-length.count, length.unit).after(self.day), self.day)

    @property
    def due(self) -> bool:
        """Whether nobody was reviewed yet in this period by this version."""
        try:
            start = self.policy.calendar.period(self.rule.review, self.day).start
        except ValueError:
            start = self.day.replace(day=1)
        return not Classed.objects.filter(version=self.version, rule=self.rule.id, on__gte=start).exists()

    @cached_property
    def place(self) -> Callable[[Customer], Placed | None]:
        """The class of a customer. Raises PlanError and NotInSql for a metric that cannot be asked by customer."""
        if self.rule.inputs:
            return lambda customer: rated(self.rule, self.given.get(customer.pk, {}), customer.grade)
        return self._by_points() if self.rule.method == "score" else self._by_share()

    def read(self, customers: Sequence[Customer]) -> None:
        """What people rated of these."""
        found: dict[int, dict[str, Fraction]] = defaultdict(dict)
        rows = Rated.objects.filter(customer__in=customers, item__in=list(self.rule.inputs))
        for pk, item, value in rows.values_list("customer", "item", "value"):
            found[pk][item] = Fraction(value)
        self.given = found

    def _by_share(self) -> Callable[[Customer], Placed | None]:
        planned, window = plan(self.policy, self.rule.metric, schema()), self.window
        answers = sql.ask(planned, window.start, window.end, self.policy.currency, "customer")
        before = dict(Customer.objects.order_by().values_list("pk", "grade"))
        brought = {key: answers[key].value or 0 if key in answers else 0 for key in before}
        found = pareto(self.rule, brought, before)
        return lambda customer: found.get(customer.pk)

    def _by_points(self) -> Callable[[Customer], Placed | None]:
        window, own = self.window, Q(currency=self.policy.currency)
        signed = Order.objects.filter(status=Order.Status.SIGNED).order_by()
        rows = signed.filter(ordered_on__gte=window.start, ordered_on__lt=window.end)
        orders = dict(rows.values_list("customer").annotate(Count("pk")))
        spent = dict(rows.filter(own).values_list("customer").annotate(Sum("net_amount")))

        def place(customer: Customer) -> Placed:
            last = customer.last_order_on
            days = (self.day - last).days if last is not None else None
            counted = {"recency_days": days, "orders": orders.get(customer.pk, 0), "spend": spent.get(customer.pk, 0)}
            return scored(self.rule, counted, customer.grade)

        return place

    def write(self, customers: Sequence[Customer]) -> int:
        """Keep the classes of these customers and why; how many are other ones."""
        changed, rows = 0, []
        if self.rule.inputs:
            self.read(customers)
        for customer in customers:
            placed = self.place(customer)
            if placed is None:
                continue
            rows.append(
                Classed(customer=customer, version=self.version, rule=self.rule.id, grade=placed.name,
                        since=self.window.start, on=self.day, basis=_plain(placed))
            )  # fmt: skip
            if customer.grade != placed.name:
                changed += 1
                customer.grade = placed.name
                with acting(None, "system", self._note(placed)):
                    customer.save()
        names = ["version", "rule", "grade", "since", "on", "basis"]
        Classed.objects.bulk_create(rows, update_conflicts=True, unique_fields=["customer"], update_fields=names)
        return changed

    def _note(self, placed: Placed) -> str:
        by = (
            value_text(placed.place, "ratio").lstrip("≈")
            if placed.place is not None
            else value_text(placed.value, "score")
        )
        return " · ".join(filter(None, (self.rule.name or self.rule.id, by, self.named)))[:200]


def _plain(placed: Placed) -> dict[str, Any]:
    parts = {name: [_exact(value), _exact(points)] for name, (value, points) in placed.parts.items()}
    exact = {"value": _exact(placed.value), "place": _exact(placed.place), "bound": _exact(placed.bound)}
    return {**exact, "parts": parts, "held": placed.held}


def _shown(points: str) -> str:
    """A kept number as people read it."""
    return value_text(Fraction(points), "score").removesuffix(".00")


def _exact(value: Fraction | int | None) -> str | None:
    return None if value is None else str(value)


@every("day", at="00:10", title=gettext_lazy("Review the classes of customers"))
def review_classes(running: Running) -> dict[str, Any]:
    """Where a review is due, every customer, some in a step; after a kill it goes on where it was."""
    review = Review.on(timezone.localdate())
    told = {"seen": 0, "changed": 0, "after": 0, **running.checkpoint}
    if review is None or not (told["after"] or review.due):
        return {"summary": lambda: _("No review of classes is due.")}
    try:
        review.place  # noqa: B018 - reckoned once, and kept: what cannot be asked ends here, before anything is written
    except (PlanError, sql.NotInSql, KeyError) as error:
        why = {"name": review.rule.id, "why": str(error)}
        return {"summary": lambda: _("The rule %(name)s cannot be asked: %(why)s") % why}
    while some := list(Customer.objects.filter(pk__gt=told["after"]).order_by("pk")[:SOME]):
        told["after"] = some[-1].pk
        with running.step() as mark:
            told["changed"] += review.write(some)
            told["seen"] += len(some)
            mark |= told
    return {"summary": lambda: _("%(seen)d customers reviewed, %(changed)d in another class.") % told}


# Why


@dataclass
class Why:
    """Why a customer is in its class: the policy, the rule, and what was found."""

    classed: Classed
    policy: Policy
    rule: Classification

    @classmethod
    def of(cls, customer: Customer) -> Why | None:
        """None where no review found the class that it has."""
        classed = Classed.objects.filter(customer=customer.pk).first()
        if classed is None or classed.grade != customer.grade:
            return None
        policy = document_of(classed.version)
        rule = next((one for one in policy.classification if one.id == classed.rule), None)
        return cls(classed, policy, rule) if rule is not None else None

    def number(self, name: str) -> Fraction | None:
        found: Mapping[str, str | None] = self.classed.basis
        return Fraction(found[name] or 0) if found.get(name) is not None else None

    @property
    def unit(self) -> str:
        return self.policy.unit_of(self.rule.metric) if self.rule.method == "pareto" else "score"

    def line(self) -> Line:
        """What it brings, down to its records; of points what each was given for."""
        if self.rule.method == "pareto":
            return self._metric()
        units = {"spend": f"money:{self.policy.currency}"} | dict.fromkeys(self.rule.inputs, "score")
        parts = tuple(
            Line(name, WORDS.get(name, (name,))[0], Fraction(value) if value is not None else None,
                 units.get(name, "count"), formula=_("%(points)s points") % {"points": _shown(points)}, adds=False)
            for name, (value, points) in self.classed.basis["parts"].items()
        )  # fmt: skip
        return Line(self.rule.id, self.rule.name or self.rule.id, self.number("value"), "score", parts=parts)

    def _metric(self) -> Line:
        planned = plan(self.policy, self.rule.metric, schema())

        def rows_of(source: str, window: Period, dated: str) -> list[Any]:
            rows = facts()[source].of("customer", [str(self.classed.customer_id)])
            return [row for row in rows if row[dated] is not None and window.contains(row[dated])]

        return run(planned, rows_of, span(self.classed.since, self.classed.on), self.policy.currency)

"""What people see from the product list to the money received."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xiaoguan.base.words import format_percent
from xiaoguan.customers.models import Contact, Customer
from xiaoguan.desk import Board, Desk, Ready, Steps, everyone, manager, owner, register, role, team
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals import Approval, Step, holders, line_manager
from xiaoguan.desk.desk import add_verbs
from xiaoguan.rulebook.process import process_in_force
from xiaoguan.sales import contracts, discounts
from xiaoguan.sales.contracts import Activate, SendOut, TakeBack, Terminate
from xiaoguan.sales.models import (
    Activity,
    Contract,
    Currency,
    ExchangeRate,
    Opportunity,
    Order,
    OrderLine,
    Payment,
    Product,
    ProductCategory,
    Return,
    Split,
    default_currency,
)
from xiaoguan.sales.rating import Rate
from xiaoguan.sales.recycling import PutOffReturn
from xiaoguan.sales.verbs import LOST, Done, HandOver, Log, Lose, Move, Reopen, Win, closing

head_office = role("general_manager", "operations")
back_office = role("general_manager", "operations", "finance")


@register
class OpportunityDesk(Desk):
    model = Opportunity
    slug = "opportunities"
    icon = "target-arrow"
    place = "pipeline"
    rank = 3
    beside = "customer", "owner", "amount"
    columns = "title", "customer", "owner", "stage", "amount", "closes_on", "result", "stage_since"
    quick = ("amount",)
    form = "title customer", "owner stage", "amount currency", "closes_on category", "opened_on origin", "note"
    filters = "stage", "result", "owner", "customer", "closes_on", "category", "opened_on", "amount", "origin"
    views = (
        Ready("mine", gettext_lazy("Mine"), "owner=me&result=open"),
        Ready("overdue", gettext_lazy("Overdue"), "result=open&where=closes_on:lt:today&sort=closes_on"),
        Ready("week", gettext_lazy("Due this week"), "result=open&where=closes_on:in:this_week&sort=closes_on"),
    )
    search = "title", "customer"
    order = "-closes_on"
    board = Board(lanes="stage", card=("title", "customer", "owner"), total="amount", move=Move, kept="result")
    figures = "amount", "stage", "closes_on", "result"
    related = "activities", "contracts", "orders"
    steps = Steps("activities")
    match_on = "title", "customer"
    open = Q(result=Opportunity.Result.OPEN)
    read = owner("owner") | manager("owner") | team("owner") | head_office
    write = owner("owner") | manager("owner") | head_office
    delete = head_office
    verbs = Log, Win, Lose, Move, Reopen, HandOver
    badge_paths = "stage", "stage_since", "closes_on", "result", "lost_reason"

    def prepare(self, record: Any, viewer: Viewer) -> None:
        process = process_in_force()
        record.owner_id, record.currency = viewer.person_id, process.currency
        record.stage, record.closes_on = process.stages[0].id, timezone.localdate() + timedelta(days=30)

    def lanes(self, viewer: Viewer) -> list[dict[str, Any]]:
        """The stages, and what was lost, where that is no stage of its own."""
        stages = process_in_force().stages
        found = [
            {
                "id": s.id,
                "label": s.name,
                "probability": format_percent(s.probability, viewer.locale or "en"),
                "tone": {"won": "green", "lost": "red"}.get(s.closes, ""),
            }
            for s in stages
        ]
        if not any(s.closes == LOST for s in stages):
            found.append({"id": LOST, "label": _("Lost"), "probability": "", "tone": "red"})
        return found

    def in_lane(self, lane: str) -> Q:
        """Open deals; in a closing lane those closed in the last month."""
        closes = closing(lane)
        if not closes:
            return Q(stage=lane, result=Opportunity.Result.OPEN)
        # Of what was lost the stages are named, so that the index goes on to the day of closing.
        stages = [stage.id for stage in process_in_force().stages]
        here = Q(stage__in=stages) if closes == LOST and lane not in stages else Q(stage=lane)
        return here & Q(result=closes, closed_on__gte=timezone.localdate() - timedelta(days=30))

    def kept_as(self, lane: str) -> str | None:
        return None if closing(lane) else Opportunity.Result.OPEN

    def badge(self, row: dict[str, Any]) -> tuple[str, str] | None:
        """How long it stands in its stage beside what the policy allows; that its day has passed; why it was lost."""
        if row["result"] != Opportunity.Result.OPEN:
            why = row["lost_reason"]
            return (str(Opportunity.Reason(why).label), "gray") if why else None
        limit = process_in_force().stage(row["stage"]).limit_days
        days = (timezone.localdate() - row["stage_since"]).days
        told = {"days": days, "limit": limit}
        if limit is not None and days > limit:
            return _("%(days)d days here, limit %(limit)d") % told, "red"
        if row["closes_on"] < timezone.localdate():
            return _("expected date passed"), "amber"
        if limit is None:
            return None
        return _("%(days)d of %(limit)d days") % told, "amber" if 5 * days >= 4 * limit else "gray"

    def stages(self, record: Any) -> list[dict[str, Any]]:
        process = process_in_force()
        at = process.position(record.stage)
        return [
            {"id": s.id, "label": s.name, "state": "current" if i == at else "done" if i < at else "todo"}
            for i, s in enumerate(process.stages)
        ]


@register
class ContractDesk(Desk):
    model = Contract
    icon = "signature"
    place = "orders"
    beside = "customer", "owner", "amount"
    columns = "number", "title", "customer", "owner", "status", "amount", "signed_on", "starts_on", "ends_on"
    form = (
        "number title",
        "customer opportunity",
        "owner status",
        "amount currency",
        "starts_on ends_on signed_on",
        "note",
    )
    filters = "status", "owner", "customer", "opportunity", "starts_on", "ends_on", "signed_on", "amount"
    views = (
        Ready("mine", gettext_lazy("Mine"), "owner=me"),
        Ready("ending", gettext_lazy("Ends within 60 days"), "status=active&where=ends_on:next:60&sort=ends_on"),
    )
    search = "number", "title", "customer"
    order = "-starts_on"
    figures = "amount", "starts_on", "ends_on", "signed_on"
    related = ("orders",)
    match_on = ("number",)
    read = owner("owner") | manager("owner") | team("owner") | back_office
    write = owner("owner") | manager("owner") | back_office
    delete = back_office
    verbs = SendOut, Activate, TakeBack, Terminate
    approvals = (contracts.APPROVAL,)

    def prepare(self, record: Any, viewer: Viewer) -> None:
        record.owner_id, record.currency = viewer.person_id, default_currency()
        record.number = f"HT-{timezone.now():%y%m%d%H%M%S}"


def _cancels(record: Any, limit: Decimal | None) -> bool:
    return record.status == Order.Status.CANCELLED and record.stored("status") != record.status


@register
class OrderDesk(Desk):
    model = Order
    icon = "file-invoice"
    place = "orders"
    rank = 6
    beside = "customer", "owner", "total_amount"
    columns = (
        "number", "customer", "owner", "status", "ordered_on", "net_amount", "total_amount",
        "received_amount", "due_on",
    )  # fmt: skip
    form = (
        "number customer",
        "owner opportunity",
        "status channel",
        "contract territory",
        "ordered_on due_on delivered_on",
        "net_amount tax_amount freight_amount",
        "total_amount currency invoice_currency",
    )
    filters = (
        *("status", "channel", "owner", "customer", "contract", "territory"),
        *("ordered_on", "due_on", "delivered_on", "total_amount"),
    )
    views = (
        Ready("mine", gettext_lazy("Mine"), "owner=me"),
        Ready("week", gettext_lazy("Payment due this week"), "where=due_on:in:this_week&sort=due_on"),
        Ready("deliver", gettext_lazy("To be delivered"), "status=signed&where=delivered_on:empty&sort=ordered_on"),
    )
    search = "number", "customer"
    order = "-ordered_on"
    figures = "net_amount", "total_amount", "received_amount", "ordered_on"
    related = "lines", "payments", "splits", "returns"
    match_on = ("number",)
    read = owner("owner") | manager("owner") | team("owner") | back_office
    write = owner("owner") | manager("owner") | back_office
    delete = back_office
    approvals = (
        Approval(
            "cancellation",
            gettext_lazy("cancellation of an order"),
            (Step(line_manager(1)), Step(holders("finance"))),
            freezes=("status", "net_amount", "total_amount", "currency"),
            when=_cancels,
            waits=True,
        ),
        discounts.APPROVAL,
    )

    def prepare(self, record: Any, viewer: Viewer) -> None:
        record.owner_id, record.currency = viewer.person_id, default_currency()
        record.number = f"SO-{timezone.now():%y%m%d%H%M%S}"


class OfOrderDesk(Desk):
    """What belongs to an order is seen and changed by those who see and change the order."""

    place = "orders"
    read = owner("order.owner") | manager("order.owner") | team("order.owner") | back_office
    write = owner("order.owner") | manager("order.owner") | back_office


@register
class OrderLineDesk(OfOrderDesk):
    model = OrderLine
    slug = "order-lines"
    icon = "list-details"
    columns = "product", "order", "quantity", "unit_price", "discount", "net_amount", "position"
    form = "order position", "product quantity", "unit_price discount", "net_amount currency"
    filters = "order", "product"
    order = "-id"
    within = "position"
    match_on = "order", "position"


@register
class PaymentDesk(OfOrderDesk):
    model = Payment
    icon = "coin"
    beside = "order", "amount", "received_on"
    columns = "reference", "order", "amount", "received_on", "method"
    form = "order", "amount currency", "received_on method", "reference"
    filters = "order", "received_on", "method"
    search = "reference", "order"
    order = "-received_on"
    match_on = "order", "reference"
    write = back_office

    def prepare(self, record: Any, viewer: Viewer) -> None:
        record.currency = default_currency()


@register
class SplitDesk(OfOrderDesk):
    """Whoever has a share sees it; sellers do not change who gets what."""

    model = Split
    icon = "users"
    columns = "order", "person", "share", "kind", "counts", "reason"
    form = "order person", "share kind", "counts reason"
    filters = "order", "person", "kind"
    order = "-id"
    match_on = "order", "person", "kind"
    read = owner("person") | OfOrderDesk.read
    write = manager("order.owner") | back_office


@register
class ReturnDesk(OfOrderDesk):
    model = Return
    icon = "arrow-back-up"
    beside = "order", "amount", "returned_on"
    columns = "order", "kind", "amount", "returned_on", "reason"
    form = "order kind", "amount currency", "returned_on reason"
    filters = "order", "kind", "returned_on"
    search = "order", "reason"
    order = "-returned_on"
    match_on = "order", "kind", "returned_on"
    write = back_office

    def prepare(self, record: Any, viewer: Viewer) -> None:
        record.currency = default_currency()


@register
class ActivityDesk(Desk):
    model = Activity
    slug = "activities"
    icon = "phone-call"
    place = "customers"
    rank = 4
    beside = "customer", "owner", "due_on"
    columns = "subject", "kind", "customer", "opportunity", "owner", "due_on", "done_on", "outcome"
    quick = "kind", "customer", "due_on", "note"
    form = "subject kind", "customer contact opportunity", "owner due_on", "done_on minutes outcome", "note"
    filters = "owner", "kind", "customer", "opportunity", "due_on", "done_on", "outcome"
    views = (
        Ready("mine", gettext_lazy("Mine"), "owner=me&where=done_on:empty&sort=due_on"),
        Ready("overdue", gettext_lazy("Overdue"), "where=done_on:empty;due_on:lt:today&sort=due_on"),
        Ready("week", gettext_lazy("Due this week"), "where=done_on:empty;due_on:in:this_week&sort=due_on"),
    )
    search = "subject", "customer"
    order = "-due_on"
    match_on = "subject", "customer", "due_on"
    open = Q(done_on__isnull=True)
    read = owner("owner") | manager("owner") | team("owner") | head_office
    write = owner("owner") | manager("owner") | head_office
    verbs = (Done,)

    def prepare(self, record: Any, viewer: Viewer) -> None:
        record.owner_id = viewer.person_id


add_verbs(Customer, Log, PutOffReturn, Rate)
add_verbs(Contact, Log)


class CatalogueDesk(Desk):
    place = "orders"
    read = everyone
    write = role("operations", "general_manager", "administrator")


@register
class ProductDesk(CatalogueDesk):
    model = Product
    icon = "package"
    beside = "number", "list_price"
    columns = "name", "number", "category", "list_price", "active"
    form = "name number", "category active", "list_price cost currency"
    filters = "category", "active"
    search = "name", "number"
    order = "name"
    match_on = ("number",)

    def prepare(self, record: Any, viewer: Viewer) -> None:
        record.currency = default_currency()


@register
class ProductCategoryDesk(CatalogueDesk):
    model = ProductCategory
    slug = "product-categories"
    icon = "category"
    columns = "name", "parent"
    form = ("name parent",)
    filters = ("parent",)
    search = ("name",)
    order = "name"
    related = ("products",)
    match_on = ("name",)


@register
class CurrencyDesk(CatalogueDesk):
    model = Currency
    slug = "currencies"
    icon = "currency-yuan"
    place = "settings"
    columns = "code", "name"
    form = ("code name",)
    search = "code", "name"
    order = "code"
    match_on = ("code",)


@register
class ExchangeRateDesk(CatalogueDesk):
    model = ExchangeRate
    slug = "exchange-rates"
    icon = "arrows-exchange"
    place = "settings"
    columns = "base", "quote", "kind", "on", "rate"
    form = "base quote", "kind on rate"
    filters = "base", "quote", "kind", "on"
    order = "-on"
    match_on = "base", "quote", "kind", "on"

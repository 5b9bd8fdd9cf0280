"""What people see of customers, contacts and leads."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from xiaoguan.customers import pool
from xiaoguan.customers.models import Contact, Customer, Lead
from xiaoguan.customers.verbs import Claim, Disqualify, Qualify, Release
from xiaoguan.desk import Desk, Ready, Steps, Total, everyone, manager, owner, register, role, team
from xiaoguan.desk.access import Viewer, unassigned

head_office = role("general_manager", "operations")
FOLLOWED = "name,grade,owner,phone,last_contact_on,follow_up_on,follow_up_late_on"


@register
class CustomerDesk(Desk):
    model = Customer
    icon = "building"
    place = "customers"
    rank = 1
    beside = "city", "owner"
    columns = "name", "grade", "stage", "owner", "city", "phone", "last_contact_on", "next_contact_on", "last_order_on"
    form = (
        "name kind",
        "grade channel origin",
        "owner territory",
        "phone email website",
        "industry city country",
        "tax_number registered_on next_contact_on",
        "note",
    )
    filters = (
        *("owner", "grade", "stage", "channel", "origin", "territory"),
        *("last_contact_on", "next_contact_on", "follow_up_on", "recycle_on"),
    )
    views = (
        Ready("mine", _("Mine"), "owner=me"),
        Ready("overdue", _("Contact overdue"), "where=next_contact_on:lt:today&sort=next_contact_on"),
        Ready("week", _("Contact this week"), "where=next_contact_on:in:this_week&sort=next_contact_on"),
        Ready("due", _("Follow-up due"), f"where=follow_up_on:le:today&sort=follow_up_on&columns={FOLLOWED}"),
        Ready("late", _("Follow-up overdue"), f"where=follow_up_late_on:le:today&sort=follow_up_on&columns={FOLLOWED}"),
        Ready("pool", _("Public pool"), "owner=none"),
        Ready(
            "leaving",
            _("Going back to the pool"),
            "where=recycle_on:next:14&sort=recycle_on&columns=name,grade,owner,last_contact_on,last_order_on,recycle_on",
        ),
    )
    search = "name", "phone", "email", "city", "tax_number"
    order = "-updated_at"
    sums = (
        Total(_("Revenue this year"), "orders", "net_amount", "status=signed&where=ordered_on:in:this_year"),
        Total(_("Open pipeline"), "opportunities", "amount", "result=open"),
        Total(_("Receivables"), "orders", "total_amount", "status=signed", less="received_amount"),
    )
    figures = "first_order_on", "last_order_on", "follow_up_on", "recycle_on"
    related = "contacts", "opportunities", "contracts", "orders", "activities"
    steps = Steps("activities")
    duplicates = "name", "phone", "email", "tax_number"
    safe = ("city",)
    repeats = head_office
    match_on = ("name",)
    open = Q()
    read = owner("owner") | manager("owner") | team("owner") | unassigned("owner") | head_office
    write = owner("owner") | manager("owner") | head_office
    create = owner("owner") | manager("owner") | unassigned("owner") | head_office
    delete = head_office
    verbs = Claim, Release
    approvals = pool.APPROVALS

    def prepare(self, record: Any, viewer: Viewer) -> None:
        record.owner_id = viewer.person_id


@register
class ContactDesk(Desk):
    """A contact is seen and changed by those who see and change the customer."""

    model = Contact
    icon = "address-book"
    place = "customers"
    rank = 2
    beside = "customer", "title"
    columns = "name", "title", "customer", "phone", "email", "primary"
    form = "name title", "customer primary", "phone email"
    filters = "customer", "primary"
    search = "name", "phone", "email", "customer"
    order = "-updated_at"
    steps = Steps("activities")
    match_on = "customer", "name"
    duplicates = "phone", "email"
    safe = ("customer",)
    read = (
        owner("customer.owner")
        | manager("customer.owner")
        | team("customer.owner")
        | unassigned("customer.owner")
        | head_office
    )
    write = owner("customer.owner") | manager("customer.owner") | head_office


@register
class LeadDesk(Desk):
    model = Lead
    icon = "seedling"
    place = "customers"
    rank = 5
    beside = "company", "owner"
    columns = "name", "company", "status", "origin", "owner", "phone", "received_on"
    form = "name company", "phone email", "origin owner", "received_on", "note"
    filters = "status", "origin", "owner", "received_on"
    views = (
        Ready("mine", _("Mine"), "owner=me&where=status:in:new,working"),
        Ready("pool", _("Public pool"), "owner=none&where=status:in:new,working"),
    )
    search = "name", "company", "phone", "email"
    order = "-received_on"
    match_on = "name", "company", "phone"
    duplicates = "company", "phone", "email"
    safe = ("company",)
    open = Q(status__in=(Lead.Status.NEW, Lead.Status.WORKING))
    read = owner("owner") | manager("owner") | team("owner") | unassigned("owner") | head_office
    write = owner("owner") | manager("owner") | head_office
    create = everyone
    delete = head_office
    verbs = Claim, Qualify, Disqualify, Release
    approvals = pool.APPROVALS

    def prepare(self, record: Any, viewer: Viewer) -> None:
        record.owner_id = viewer.person_id

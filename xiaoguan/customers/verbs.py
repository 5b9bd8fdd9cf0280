"""What people do with customers and leads."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.customers import pool
from xiaoguan.customers.models import Claimed, Contact, Customer, Lead
from xiaoguan.desk import Verb, everyone
from xiaoguan.desk.access import Viewer


class Claim(Verb):
    """领取: take a customer or lead that nobody has; a customer as far as the policy's pool lets one."""

    label, icon, tone = _("Claim"), "hand-grab", "primary"
    told = pgettext_lazy("history", "claimed it")
    means = _("It is yours from now on.")
    who = everyone

    def allowed(self, record: Customer | Lead) -> bool:
        return record.owner_id is None

    def do(self, record: Customer | Lead, by: Viewer, **values: Any) -> None:
        if isinstance(record, Customer):
            pool.check(record, by)
        else:
            pool.check_trained(by)
        pool.give(record, by.person_id, "claim", by)
        if isinstance(record, Customer) and by.person_id is not None:
            Claimed.objects.create(customer=record, person_id=by.person_id)


class Release(Verb):
    """退回公海: nobody looks after it any more, and why; whoever wants to may claim it."""

    label, icon = _("Release to the pool"), "arrow-back-up"
    told = pgettext_lazy("history", "released it to the pool")
    means = _("Nobody looks after it any more; whoever wants to may claim it.")
    fields = {"reason": forms.CharField(label=_("Reason"), max_length=200)}

    def allowed(self, record: Customer | Lead) -> bool:
        return record.owner_id is not None

    def do(self, record: Customer | Lead, by: Viewer, reason: str = "", **values: Any) -> None:
        pool.give(record, None, "release", by, reason)


class Qualify(Verb):
    """转为客户: the lead is worth selling to; it becomes a customer with a contact."""

    label, icon, tone = _("Qualify"), "user-plus", "primary"
    told = pgettext_lazy("history", "qualified it")
    means = _("It is worth selling to: it becomes a customer with a contact.")

    def allowed(self, record: Lead) -> bool:
        return record.is_open

    def do(self, record: Lead, by: Viewer, **values: Any) -> None:
        customer = Customer(
            name=record.company or record.name,
            owner_id=record.owner_id or by.person_id,
            phone=record.phone,
            email=record.email,
            origin=record.origin,
            note=record.note,
        )
        customer.save()
        Contact(customer=customer, name=record.name, phone=record.phone, email=record.email, primary=True).save()
        record.status, record.customer = Lead.Status.QUALIFIED, customer
        record.save()


class Disqualify(Verb):
    """放弃: the lead leads nowhere, and why."""

    label, icon = _("Disqualify"), "x"
    told = pgettext_lazy("history", "disqualified it")
    means = _("It leads nowhere and leaves the list of open leads.")
    fields = {"reason": forms.CharField(label=_("Reason"), max_length=200)}

    def allowed(self, record: Lead) -> bool:
        return record.is_open

    def do(self, record: Lead, by: Viewer, reason: str = "", **values: Any) -> None:
        record.status = Lead.Status.DISQUALIFIED
        record.note = f"{record.note}\n{reason}".strip()
        record.save()

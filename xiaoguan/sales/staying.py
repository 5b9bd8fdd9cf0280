"""阶段停留: which deals were open when a day began, and the stage that each was in then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from xiaoguan.sales.models import StageSpell


def stays_on(day: date) -> Iterator[dict[str, Any]]:
    """A row for each: its stage and since when are those of then, its amount, owner and expected day those of now."""
    night, zone = timezone.make_aware(datetime(day.year, day.month, day.day)), timezone.get_current_timezone()
    rows = StageSpell.objects.filter(entered_at__lt=night).exclude(left_at__lt=night)
    rows = rows.filter(Q(opportunity__closed_on__isnull=True) | Q(opportunity__closed_on__gte=day))
    names = ("id", "title", "owner", "customer", "amount", "currency", "closes_on")
    paths = (f"opportunity__{name}" for name in names)
    for stage, entered, pk, label, owner, customer, units, currency, closes_on in rows.order_by(
        "opportunity", "entered_at"
    ).values_list("stage", "entered_at", *paths):
        yield {
            "id": str(pk),
            "label": label,
            "person": str(owner),
            "customer": str(customer),
            "stage": stage,
            "entered_on": entered.astimezone(zone).date(),
            "amount": units,
            "currency": currency,
            "closes_on": closes_on,
        }

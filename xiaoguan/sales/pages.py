"""A customer's page says why it is in its class; whoever may change the customer sees that down to the records."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.customers.models import Customer
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.cells import day_text
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.screens.details import detail_page
from xiaoguan.rulebook.lines import line_words, names_of, value_words
from xiaoguan.sales.classing import Why


def _customer(request: HttpRequest, viewer: Viewer, record: Customer) -> dict[str, Any]:
    why = Why.of(record) if record.grade else None
    return {"why_class": _words(why, record, viewer) if why is not None else None}


def _words(why: Why, record: Customer, viewer: Viewer) -> dict[str, Any]:
    opens = _opens(viewer, record)
    place, bound, held = why.number("place"), why.number("bound"), why.classed.basis["held"]
    told = {"grade": record.grade, "bound": value_words(bound, "ratio" if place is not None else "score")}
    if place is None:
        reached = _("%(score)s points, from %(bound)s on")
        text = reached % {**told, "score": value_words(why.number("value"), "score")}
    else:
        above = _("the customers before it bring %(place)s of the whole; class %(grade)s ends at %(bound)s")
        last = _("the customers before it bring %(place)s of the whole")
        text = (above if bound is not None and bound <= 1 else last) % {**told, "place": value_words(place, "ratio")}
    if held:
        text += _("; by the bounds it would be %(other)s, but not by enough") % {"other": held}
    return {
        "grade": record.grade,
        "rule": why.rule.name or why.rule.id,
        "text": text,
        "value": value_words(why.number("value"), why.unit) if opens and place is not None else "",
        "on": why.classed.on,
        "url": reverse("customer_class", args=[record.pk]) if opens else "",
    }


def _opens(viewer: Viewer, record: Customer) -> bool:
    """Whether they may see what the customer brings."""
    desk = desk_of(Customer)
    return desk is not None and desk.may_write(viewer, record)


@require_GET
def class_page(request: HttpRequest, pk: int) -> HttpResponse:
    """What the class was found by, down to the records."""
    viewer, desk = viewer_of(request), desk_of(Customer)
    record = desk.visible(viewer).filter(pk=pk).first() if desk is not None else None
    why = Why.of(record) if record is not None and _opens(viewer, record) else None
    if record is None or why is None:
        raise Http404
    line = why.line()
    days = _("%(from)s to %(to)s") % {"from": day_text(why.classed.since), "to": day_text(why.classed.on)}
    context = {
        "title": " · ".join((record.name, _("class %(grade)s") % {"grade": record.grade}, days)),
        "value": value_words(line.value, line.unit),
        "result": line_words(line, names_of(why.policy)),
        "policy": {"name": why.policy.header.name, "version": why.policy.version, "url": reverse("policy")},
        "run": None,
    }
    return render(request, "rulebook/result.html", context)


def urls() -> list[Any]:
    """Before the pages of every desk."""
    page = partial(detail_page, desk=desk_of(Customer), template="sales/customer.html", more=_customer)
    return [
        path("customers/<int:pk>", page, name="customer_page"),
        path("customers/<int:pk>/class", class_page, name="customer_class"),
    ]

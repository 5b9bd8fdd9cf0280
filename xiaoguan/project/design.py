"""The design system as a page: every piece that pages are made of, drawn by its own macro, light beside dark."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from xiaoguan.desk.access import viewer_of
from xiaoguan.desk.cells import Cell
from xiaoguan.desk.fields import MoneyFormField
from xiaoguan.desk.forms import SoonInput, dress
from xiaoguan.desk.jobs import Job
from xiaoguan.desk.screens.rows_html import shares
from xiaoguan.sales.verbs import HandOver, Move

TONES = ("green", "amber", "red", "blue", "gray")
GROUNDS = ("paper", "rail", "sunken", "raised", "accent-soft", *(f"{tone}-soft" for tone in TONES))
FILLS = ("accent-fill", "green-fill", "amber-fill", "red-fill", *(f"chart-{n}" for n in range(1, 8)))


class Sample(forms.Form):
    """One control of each kind, some of them wrong."""

    name = forms.CharField(label=gettext_lazy("Name"), help_text=gettext_lazy("As it is written on the invoice."))
    amount = MoneyFormField(label=gettext_lazy("Amount"), initial=12_300_000)
    stage = forms.ChoiceField(label=gettext_lazy("Stage"), choices=[("a", "A"), ("b", "B")])
    kind = forms.ChoiceField(
        label=gettext_lazy("How"), choices=[("a", "A"), ("b", "B"), ("c", "C")], initial="a", widget=forms.RadioSelect
    )
    checks = forms.MultipleChoiceField(
        label=gettext_lazy("Several"), choices=[("a", "A"), ("b", "B")], widget=forms.CheckboxSelectMultiple
    )
    next_on = forms.DateField(label=gettext_lazy("Next contact"), required=False, widget=SoonInput)
    active = forms.BooleanField(label=gettext_lazy("on sale"), required=False)
    note = forms.CharField(label=gettext_lazy("Note"), required=False, widget=forms.Textarea)


def _form(theme: str) -> Sample:
    form = Sample({"name": "", "kind": "a", "amount": "12,300.00", "stage": "a"}, auto_id=f"{theme}-%s")
    form.is_valid()
    dress(form)
    return form


def _rows() -> list[dict[str, Any]]:
    """A list of two rows with a cell of each kind."""
    cells = [
        Cell("text", "海天智能科技有限公司"), Cell("link", "林静", "#"), Cell("choice", _("won"), None, "green"),
        Cell("money", "¥12,300.00", "#"), Cell("percent", "12.5%"), Cell("date", "2026-03-02", None, "red"),
        Cell("phone", "021-5550-1234"), Cell("email", "info@example.com"), Cell("url", "https://example.com"),
    ]  # fmt: skip
    return [{"id": n, "url": "#", "cells": cells} for n in (1, 2)]


def _pieces() -> dict[str, Any]:
    """What the larger pieces show: a card, a number's story, a deed, a job, a message."""
    card = {"id": 1, "version": 1, "url": "#", "title": "冷库温湿度监测", "lines": ["海天智能科技有限公司", "林静"]}
    badge = {"text": _("%(days)d days here, limit %(limit)d") % {"days": 21, "limit": 15}, "tone": "red"}
    part = {"label": "SO-202611-012", "value": "¥12,300.00"}
    change = {"label": _("stage"), "old": "A", "new": "B"}
    deed = {"kind": "deed", "actor": "林静", "sentence": Move.told, "changes": [change], "at": timezone.now()}
    return {
        "cards": [{**card, "amount": "¥12,300.00", "badge": badge}],
        "explained": {"label": _("Amount"), "value": "¥369.00", "formula": "12,300.00 × 3 %", "parts": [part]},
        "story": [deed],
        "job": {
            "title": _("Export of %(entity)s") % {"entity": _("customers")},
            "state": "running",
            "label": Job.State.RUNNING.label,
            "tone": "blue",
            "share": 0.62,
            "count": "62 / 100",
            "url": "#",
        },
        "toast": HandOver().thanks("冷库温湿度监测"),
        "means": HandOver.means,
    }


@require_GET
def design(request: HttpRequest) -> HttpResponse:
    """For administrators, who look here before they ask for another colour."""
    if not viewer_of(request).has("administrator"):
        raise PermissionDenied(_("Only administrators see this."))
    stages = [{"id": n, "label": n, "state": state} for n, state in (("A", "done"), ("B", "current"), ("C", "todo"))]
    chart = {
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": ["Q1", "Q2", "Q3"]},
        "yAxis": {"type": "value"},
        "series": [{"type": "bar", "name": "A", "data": [3, 5, 4]}, {"type": "bar", "name": "B", "data": [2, 4, 6]}],
    }
    rows = _rows()
    kinds = [{"label": cell.kind, "kind": cell.kind} for cell in rows[0]["cells"]]
    figures = [{"label": cell.kind, "cell": cell, "name": ""} for cell in rows[0]["cells"][2:6]]
    step = {"title": _("Follow up: %(what)s") % {"what": "A"}, "url": "#", "due": "2026-03-02", "late": True}
    context = {
        "themes": [(theme, _form(theme)) for theme in ("light", "dark")],
        "tones": TONES,
        "grounds": GROUNDS,
        "fills": FILLS,
        "rows": rows,
        "shares": shares(rows),
        "kinds": kinds,
        "figures": figures,
        "stages": stages,
        "step": step,
        "chart_option": chart,
        **_pieces(),
    }
    return render(request, "design.html", context)

"""工资表 payroll: everybody's statement of a period in one table, components as columns; to look at, to hand over."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.base.money import SCALE
from xiaoguan.desk import exporting
from xiaoguan.desk.access import Viewer, mask, viewer_of
from xiaoguan.desk.api import answer, guarded
from xiaoguan.desk.api.openapi import documents
from xiaoguan.desk.cells import money_text
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.fields import decimal_text
from xiaoguan.desk.transfer import defused
from xiaoguan.incentive.documents import XLSX
from xiaoguan.incentive.models import Dispute
from xiaoguan.rulebook.lines import spoken
from xiaoguan.rulebook.lookup import key_of
from xiaoguan.rulebook.models import PayrollPeriod, PayStatement, Result

SHOWN = 500
"""Rows of the page; the file has all of them."""
HIDDEN = ("none", "masked")


@dataclass(frozen=True)
class Row:
    """What one person is paid: units by component, the corrections, both together."""

    statement: PayStatement
    parts: dict[str, int | None]
    disputes: int

    @property
    def rank(self) -> tuple[Any, ...]:
        """What needs an eye comes first, then the largest amounts."""
        one = self.statement
        return -min(self.disputes, 1), -one.exceptions, -one.payable_units, one.person.name


@dataclass(frozen=True)
class Payroll:
    """The table of a period, as far as the viewer may see it. columns: {component: label}."""

    period: PayrollPeriod
    columns: dict[str, str]
    rows: tuple[Row, ...]
    level: str

    def sum_of(self, component: str) -> int:
        return sum(row.parts.get(component) or 0 for row in self.rows)

    @property
    def corrections(self) -> int:
        return sum(row.statement.corrections_units for row in self.rows)

    @property
    def total(self) -> int:
        return sum(row.statement.payable_units for row in self.rows)

    @property
    def hidden(self) -> bool:
        """Whether amounts are not for this viewer."""
        return self.level in HIDDEN


def payroll_of(period: PayrollPeriod, viewer: Viewer) -> Payroll:
    """Everybody's statement of a period that this viewer may read, what needs an eye first."""
    desk = _desk(PayStatement)
    rows = list(desk.visible(viewer).filter(period=period).select_related("person"))
    columns: dict[str, str] = {}
    parts: dict[int, dict[str, int | None]] = {}
    lines = Result.objects.filter(run_id=period.run_id, kind=Result.Kind.EARNING) if period.run_id else ()
    wanted = {row.person_id for row in rows}
    if lines:
        for person, name, label, value in lines.order_by("id").values_list("person_id", "name", "label", "value"):
            if person in wanted:
                columns.setdefault(name, spoken(label))
                own = parts.setdefault(person, {})
                own[name] = value if own.get(name) is None else own[name] + (value or 0)
    open_ones: dict[int, int] = {}
    pending = Dispute.objects.filter(statement__period=period, state__in=Dispute.PENDING)
    for pk in pending.values_list("statement_id", flat=True):
        open_ones[pk] = open_ones.get(pk, 0) + 1
    found = [Row(row, parts.get(row.person_id, {}), open_ones.get(row.pk, 0)) for row in rows]
    level = min((desk.level(viewer, name) for name in ("payable", "total", "corrections")), key=_RANK.index)
    return Payroll(period, columns, tuple(sorted(found, key=lambda row: row.rank)), level)


_RANK = ("none", "masked", "read", "edit")


def _desk(model: Any) -> Desk:
    found = desk_of(model)
    assert found is not None
    return found


# As a file


def table_of(payroll: Payroll) -> tuple[list[str], list[list[Any]]]:
    """Head and rows of the file: key and name of the person, components, corrections, total, currency, state."""
    head = [_("Person key"), _("Name"), *payroll.columns.values(), _("Corrections"), _("Payable"), _("Currency")]
    head.append(_("State"))

    def amount(units: int | None) -> Any:
        if units is None:
            return None
        text = decimal_text(units, SCALE, 2)
        return mask(text) if payroll.level == "masked" else None if payroll.hidden else Decimal(text)

    lines = []
    for row in sorted(payroll.rows, key=lambda row: (row.statement.person.name, row.statement.person_id)):
        one = row.statement
        line = [key_of(one.person), one.person.name, *(amount(row.parts.get(name)) for name in payroll.columns)]
        line += [amount(one.corrections_units), amount(one.payable_units), one.currency, one.get_state_display()]
        lines.append(line)
    return head, lines


def as_csv(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """UTF-8 with its mark, for Excel."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([defused(text) for text in head])
    for row in rows:
        writer.writerow(
            ["" if v is None else format(v, "f") if isinstance(v, Decimal) else defused(str(v)) for v in row]
        )
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def as_xlsx(head: Sequence[str], rows: Sequence[Sequence[Any]], title: str) -> bytes:
    """One sheet; amounts are numbers, with a row of sums."""
    from xlsxwriter import Workbook
    from xlsxwriter.utility import xl_col_to_name

    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00##"})
        strong = book.add_format({"num_format": "#,##0.00##", "bold": True, "top": 1})
        sheet = book.add_worksheet(title[:31])
        sheet.freeze_panes(1, 2)
        sheet.set_column(0, 1, 14)
        sheet.set_column(2, len(head) - 1, 16)
        sheet.write_row(0, 0, head, bold)
        for number, row in enumerate(rows, 1):
            for place, value in enumerate(row):
                if isinstance(value, Decimal):
                    sheet.write_number(number, place, value, money)
                elif value is not None:
                    sheet.write_string(number, place, str(value))
        sheet.write_string(len(rows) + 1, 0, _("Total"), bold)
        for place in range(2, len(head) - 2):
            letter, values = xl_col_to_name(place), [row[place] for row in rows]
            total = sum((v for v in values if isinstance(v, Decimal)), Decimal(0))
            sheet.write_formula(len(rows) + 1, place, f"=SUM({letter}2:{letter}{len(rows) + 1})", strong, total)
    return buffer.getvalue()


def download(body: bytes, name: str, content_type: str) -> HttpResponse:
    """A file to keep; its name may have any script."""
    found = HttpResponse(body, content_type=content_type)
    found["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    found["X-Content-Type-Options"] = "nosniff"
    return found


# Pages and API


def _period(request: HttpRequest, viewer: Viewer) -> tuple[PayrollPeriod | None, list[PayrollPeriod]]:
    """The period asked for, else the newest with a statement that the viewer may read; and those to choose from."""
    statements = _desk(PayStatement).visible(viewer)
    rows = list(PayrollPeriod.objects.filter(pk__in=statements.values("period")).order_by("-starts_on", "-id")[:24])
    wanted = request.GET.get("period", "")
    chosen = next((p for p in rows if wanted in (str(p.pk), p.label)), None)
    if wanted and chosen is None:
        raise Http404
    return chosen or next(iter(rows), None), rows


@require_GET
def payroll_page(request: HttpRequest) -> HttpResponse:
    """Everybody's totals of a period."""
    viewer = viewer_of(request)
    period, periods = _period(request, viewer)
    if period is None:
        return render(request, "incentive/payroll.html", {"period": None, "periods": [], "rows": []})
    payroll = payroll_of(period, viewer)
    desk, periods_desk = _desk(PayStatement), _desk(PayrollPeriod)

    def shown(units: int | None) -> str:
        return "***" if payroll.hidden else money_text(units, period.currency)

    return render(
        request,
        "incentive/payroll.html",
        {
            "period": period,
            "period_url": periods_desk.url("detail", pk=period.pk) if periods_desk.may_read(viewer, period) else None,
            "periods": [{"label": p.label, "url": f"?period={p.pk}", "active": p.pk == period.pk} for p in periods],
            "columns": list(payroll.columns.values()),
            "rows": [
                {
                    "name": row.statement.person.name,
                    "url": desk.url("detail", pk=row.statement.pk),
                    "parts": [shown(row.parts.get(name)) for name in payroll.columns],
                    "corrections": shown(row.statement.corrections_units) if row.statement.corrections_units else "",
                    "payable": shown(row.statement.payable_units),
                    "state": row.statement.get_state_display(),
                    "tone": {"confirmed": "green", "disputed": "amber"}.get(row.statement.state, ""),
                    "exceptions": row.statement.exceptions,
                    "disputes": row.disputes,
                }
                for row in payroll.rows[:SHOWN]
            ],
            "sums": [shown(payroll.sum_of(name)) for name in payroll.columns],
            "corrections": shown(payroll.corrections) if payroll.corrections else "",
            "total": shown(payroll.total),
            "count": len(payroll.rows),
            "more": max(0, len(payroll.rows) - SHOWN),
            "confirmed": sum(r.statement.state == PayStatement.State.CONFIRMED for r in payroll.rows),
            "exceptions": sum(bool(r.statement.exceptions) for r in payroll.rows),
            "disputes": sum(r.disputes for r in payroll.rows),
            "files": _files(viewer, period),
        },
    )


def _files(viewer: Viewer, period: PayrollPeriod) -> dict[str, str]:
    if not _desk(PayStatement).may_export(viewer):
        return {}
    return {kind: reverse("payroll_file", kwargs={"pk": period.pk, "kind": kind}) for kind in ("xlsx", "csv")}


@require_GET
def payroll_file(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The table as a file, of what the viewer may read; it is written down, and kept with a locked period."""
    viewer, desk = viewer_of(request), _desk(PayStatement)
    period = PayrollPeriod.objects.filter(pk=pk).first()
    if period is None or kind not in ("csv", "xlsx"):
        raise Http404
    payroll = payroll_of(period, viewer)
    if not payroll.rows:
        raise Http404
    if not desk.may_export(viewer):
        raise PermissionDenied(_("You may not export this."))
    head, rows = table_of(payroll)
    name = f"{_('payroll')}-{period.label}.{kind}"
    exporting.write_down(desk, kind, f"period={period.pk}", len(rows))
    if period.is_locked and viewer.has("finance") and period.payroll != name:
        period.step(payroll=name)
    body = as_csv(head, rows) if kind == "csv" else as_xlsx(head, rows, period.label)
    return download(body, name, "text/csv; charset=utf-8" if kind == "csv" else XLSX)


@guarded
def payroll_api(request: HttpRequest, pk: int) -> HttpResponse:
    """The same for programs: amounts as decimal text."""
    viewer = viewer_of(request)
    period = PayrollPeriod.objects.filter(pk=pk).first()
    payroll = payroll_of(period, viewer) if period else None
    if period is None or payroll is None or not payroll.rows:
        raise Http404

    def amount(units: int | None) -> str | None:
        return None if units is None or payroll.hidden else decimal_text(units, SCALE, 2)

    return answer(
        {
            "period": {"id": period.pk, "label": period.label, "policy": period.policy_key, "state": period.state},
            "columns": [{"name": name, "label": label} for name, label in payroll.columns.items()],
            "items": [
                {
                    "statement": row.statement.pk,
                    "person": row.statement.person_id,
                    "key": key_of(row.statement.person),
                    "name": row.statement.person.name,
                    "parts": {name: amount(row.parts.get(name)) for name in payroll.columns},
                    "corrections": amount(row.statement.corrections_units),
                    "payable": amount(row.statement.payable_units),
                    "currency": row.statement.currency,
                    "state": row.statement.state,
                    "exceptions": row.statement.exceptions,
                    "disputes": row.disputes,
                }
                for row in payroll.rows
            ],
            "total": amount(payroll.total),
        }
    )


def urls() -> list[Any]:
    return [
        path("statements/payroll", payroll_page, name="payroll"),
        path("statements/payroll/<int:pk>.<str:kind>", payroll_file, name="payroll_file"),
        path("api/payroll/<int:pk>", payroll_api),
    ]


@documents
def _documented(said: Any) -> dict[str, Any]:
    """What the OpenAPI document says of it."""
    text, number, maybe = {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}
    parts = {"type": "object", "additionalProperties": maybe}
    item = {"statement": number, "person": number, "key": text, "name": text, "parts": parts, "corrections": maybe}
    item |= {"payable": maybe, "currency": text, "state": text, "exceptions": number, "disputes": number}
    head = {"id": number, "label": text, "policy": text, "state": text}
    column = {"type": "object", "properties": {"name": text, "label": text}}
    body = {
        "type": "object",
        "properties": {
            "period": {"type": "object", "properties": head},
            "columns": {"type": "array", "items": column},
            "items": {"type": "array", "items": {"type": "object", "properties": item}},
            "total": maybe,
        },
    }
    pk = {"name": "id", "in": "path", "required": True, "schema": number, "description": "of the pay period"}
    reading = {"operationId": "read_payroll", "tags": ["payrollperiod"], "parameters": [pk], "responses": said(body)}
    return {"/api/payroll/{id}": {"get": reading}}

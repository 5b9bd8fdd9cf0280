"""提成单 as a file: PDF set by typst with its own Chinese font, and XLSX with every line and every record."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from xiaoguan.base.explain import Line
from xiaoguan.base.money import SCALE
from xiaoguan.desk.cells import moment_text, money_text
from xiaoguan.desk.fields import decimal_text
from xiaoguan.incentive.statements import Sheet, walked
from xiaoguan.rulebook.lines import line_words, spoken

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PRINTED_RECORDS = 60
"""So many records of a line are printed; the spreadsheet has all."""
TEMPLATE = Path(__file__).with_name("statement.typ")


def pdf(sheet: Sheet) -> bytes:
    """The statement on A4 pages. The font is embedded; none of the machine's own is used."""
    import pylopdf_fonts_zh_cn
    import typst

    data = orjson.dumps(_printed(sheet)).decode()
    fonts = [str(pylopdf_fonts_zh_cn.sans_path().parent)]
    made = typst.compile(
        str(TEMPLATE), format="pdf", font_paths=fonts, ignore_system_fonts=True, sys_inputs={"data": data}
    )
    assert isinstance(made, bytes)
    return made


def _printed(sheet: Sheet) -> dict[str, Any]:
    chinese = (translation.get_language() or "").startswith("zh")
    facts = [(_("Currency"), sheet.currency)]
    if sheet.run:
        facts += [(_("Policy"), str(sheet.run.policy)), (_("Reckoned"), moment_text(sheet.run.at))]
    if sheet.pay:
        facts += [(_("State"), f"{sheet.pay.period.get_state_display()} · {sheet.pay.get_state_display()}")]
    made = _("Printed %(at)s") % {"at": moment_text(timezone.now())}
    return {
        "lang": "zh" if chinese else "en",
        "title": f"{_('Statement')} {sheet.person.name} {sheet.label}",
        "heading": _("Statement"),
        "person": sheet.person.name,
        "period": sheet.label,
        "total": money_text(sheet.units, sheet.currency),
        "facts": facts,
        "lines": [_line(depth, line) for depth, line in walked(sheet.lines())],
        "exceptions": sheet.exceptions,
        "order": [f"{n} {name}{_amount(a, sheet.currency)}" for n, name, a in sheet.order],
        "words": {
            "payable": _("Payable"),
            "exceptions": _("Not calculated, and why"),
            "order": _("Order of calculation") + _(": "),
        },
        "footer": f"{made} · #{sheet.run.pk}" if sheet.run else made,
    }


def _amount(units: int | None, currency: str) -> str:
    return "" if units is None else f" ({money_text(units, currency)})"


def _line(depth: int, line: dict[str, Any]) -> dict[str, Any]:
    records, more = line["records"][:PRINTED_RECORDS], line["more_records"]
    more += max(0, len(line["records"]) - PRINTED_RECORDS)
    shown = [{"label": r["label"], "value": r["value"]} for r in records]
    if more:
        shown.append({"label": _("and %(n)d more") % {"n": more}, "value": ""})
    formula = " · ".join(text for text in (line["formula"], line["note"]) if text)
    return {
        "depth": depth,
        "label": line["label"],
        "source": line["source"],
        "value": line["value"],
        "formula": formula,
        "records": shown,
    }


def xlsx(sheet: Sheet) -> bytes:
    """Three sheets: the lines with their parts, every record behind them, and the order of calculation."""
    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        _Lines(book, sheet).write()
    return buffer.getvalue()


class _Lines:
    """The workbook of one statement."""

    def __init__(self, book: Any, sheet: Sheet):
        self.sheet = sheet
        self.bold = book.add_format({"bold": True})
        self.money, self.ratio = (
            book.add_format({"num_format": "#,##0.00##"}),
            book.add_format({"num_format": "0.00##%"}),
        )
        self.total = book.add_format({"num_format": "#,##0.00##", "bold": True})
        self.lines, self.records = book.add_worksheet(_("Statement")), book.add_worksheet(_("Records"))
        self.order = book.add_worksheet(_("Order of calculation"))
        self.at, self.row = 0, 0

    def write(self) -> None:
        head = [_("Line"), _("Amount"), _("Unit"), _("Formula"), _("Clause"), _("Note")]
        self.lines.write_row(0, 0, [_("Statement"), self.sheet.person.name, self.sheet.label], self.bold)
        self.lines.write_row(1, 0, head, self.bold)
        self.lines.set_column(0, 0, 36)
        self.lines.set_column(1, 5, 18)
        self.records.write_row(0, 0, [_("Line"), _("Record"), _("Amount")], self.bold)
        self.records.set_column(0, 2, 30)
        self.at, self.row = 2, 1
        for line in [*(line for _r, line in self.sheet.earnings), *(line for _d, line in self.sheet.corrections)]:
            self.line(line, 0)
        self.lines.write_string(self.at, 0, _("Payable"), self.bold)
        self.lines.write_number(self.at, 1, _major(self.sheet.units), self.total)
        self.lines.write_string(self.at, 2, self.sheet.currency)
        self.order.set_column(1, 2, 28)
        for row, (number, name, added) in enumerate(self.sheet.order):
            self.order.write_number(row, 0, number)
            self.order.write_string(row, 1, name)
            self.value(self.order, row, 2, added, "money:")

    def line(self, line: Line, depth: int) -> None:
        words = line_words(line, self.sheet.names)
        self.lines.write_string(self.at, 0, "    " * depth + words["label"])
        self.value(self.lines, self.at, 1, line.value, line.unit)
        self.lines.write_string(self.at, 2, line.unit.removeprefix("money:"))
        for place, name in enumerate(("formula", "source", "note"), 3):
            self.lines.write_string(self.at, place, words[name])
        self.at += 1
        for record in line.records:
            self.records.write_string(self.row, 0, spoken(line.label))
            self.records.write_string(self.row, 1, record.label)
            self.value(self.records, self.row, 2, record.value, line.unit)
            self.row += 1
        for part in line.parts:
            self.line(part, depth + 1)

    def value(self, sheet: Any, row: int, place: int, value: Any, unit: str) -> None:
        if value is None:
            return
        if isinstance(value, str):
            sheet.write_string(row, place, value)
        elif unit.startswith("money:"):
            whole = value if isinstance(value, int) else round(value)
            sheet.write_number(row, place, _major(whole), self.money)
        else:
            sheet.write_number(row, place, float(value), self.ratio if unit == "ratio" else None)


def _major(units: int) -> Decimal:
    return Decimal(decimal_text(units, SCALE, 2))

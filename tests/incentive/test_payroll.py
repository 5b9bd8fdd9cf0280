"""Payroll: everybody's totals add up, what needs an eye comes first, files say the same, and rights hold."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from python_calamine import CalamineWorkbook

from tests.incentive.test_disputes import filed, statement_of
from tests.rulebook.test_closing import closed, did, english, home, march  # noqa: F401  fixtures
from xiaoguan.desk.models import Event
from xiaoguan.incentive import disputes, documents
from xiaoguan.incentive.payroll import as_csv, as_xlsx, payroll_of, table_of
from xiaoguan.incentive.statements import history, paid_this_year, sheet_of
from xiaoguan.people.models import FieldLevel, Role
from xiaoguan.rulebook import closing
from xiaoguan.rulebook.models import PayrollPeriod, PayStatement

State = PayrollPeriod.State


@pytest.fixture
def period(march: Any) -> PayrollPeriod:  # noqa: F811
    return closed(march, "2026-03", State.CALCULATED)


def test_sums_add_up_and_what_needs_an_eye_comes_first(cast: Any, period: PayrollPeriod) -> None:
    found = payroll_of(period, cast.viewer("zhaoyue"))
    assert [row.statement.person.name for row in found.rows] == ["周航", "林静", "王磊"], "周航 is not complete"
    filed(cast, period)
    found = payroll_of(period, cast.viewer("zhaoyue"))
    assert found.rows[0].statement.person.name == "林静", "a dispute waits for finance"
    assert list(found.columns) == ["commission", "bonus"]
    assert found.total == sum(found.sum_of(name) for name in found.columns) == period.total_units == 5500_0000


def test_files_say_the_same_and_are_written_down(cast: Any, period: PayrollPeriod, client_of: Any) -> None:
    head, rows = table_of(payroll_of(period, cast.viewer("zhaoyue")))
    told = list(csv.reader(io.StringIO(as_csv(head, rows).decode("utf-8-sig"))))
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(as_xlsx(head, rows, "2026-03"))).get_sheet_by_index(0).to_python()
    assert told[0] == sheet[0] == head
    payable = head.index("Payable")
    assert sum(Decimal(row[payable]) for row in told[1:]) == Decimal("5500")
    assert [row[payable] for row in sheet[1:4]] == [float(row[payable]) for row in told[1:]]
    answer = client_of("zhaoyue").get(f"/statements/payroll/{period.pk}.csv")
    assert answer.status_code == 200 and "4000.00" in answer.content.decode()
    event = Event.objects.get(deed="exported")
    assert (event.entity, event.changes["rows"]) == ("paystatement", 3)


def test_a_manager_has_the_team_and_a_seller_the_own_row(cast: Any, period: PayrollPeriod, client_of: Any) -> None:
    seen = {
        name: {row.statement.person.name for row in payroll_of(period, cast.viewer(name)).rows}
        for name in ("linjing", "chenmin", "liqiang", "wufang", "helin")
    }
    everybody = {"林静", "周航", "王磊"}
    assert seen.pop("wufang") == seen.pop("helin") == everybody
    assert seen == {"linjing": {"林静"}, "chenmin": {"林静", "周航"}, "liqiang": {"王磊"}}
    answer = client_of("chenmin").get(f"/api/payroll/{period.pk}").json()
    assert answer["total"] == "4000.00" and {item["name"] for item in answer["items"]} == {"林静", "周航"}
    page = client_of("liqiang").get("/statements/payroll").content.decode()
    assert "王磊" in page and "林静" not in page


def test_who_may_not_see_amounts_gets_none_anywhere(cast: Any, period: PayrollPeriod, client_of: Any) -> None:
    hr = Role.objects.get(code="hr")
    FieldLevel.objects.create(role=hr, entity="paystatement", field="payable", level="masked")
    page = client_of("helin").get("/statements/payroll").content.decode()
    file = client_of("helin").get(f"/statements/payroll/{period.pk}.csv").content.decode()
    answer = client_of("helin").get(f"/api/payroll/{period.pk}").json()
    assert "4,000" not in page and "4000" not in file and answer["total"] is None
    assert "4,000" in client_of("zhaoyue").get("/statements/payroll").content.decode()


def test_a_locked_period_keeps_the_name_of_the_file_that_finance_took(
    cast: Any, period: PayrollPeriod, client_of: Any
) -> None:
    client_of("zhaoyue").get(f"/statements/payroll/{period.pk}.xlsx")
    period.refresh_from_db()
    assert period.payroll == "", "what is not locked is no payroll yet"
    closing.bring_to(period, State.LOCKED)
    client_of("zhaoyue").get(f"/statements/payroll/{period.pk}.xlsx")
    period.refresh_from_db()
    assert period.payroll.endswith("2026-03.xlsx")


def test_a_statement_as_spreadsheet_and_as_pdf_has_its_own_font(cast: Any, period: PayrollPeriod) -> None:
    sheet = sheet_of(statement_of(period, cast.linjing))
    book = CalamineWorkbook.from_filelike(io.BytesIO(documents.xlsx(sheet)))
    lines, records, order = (book.get_sheet_by_index(i).to_python() for i in (0, 1, 2))
    assert lines[-1][:2] == ["Payable", 4000.0] and ["SO-2", 40000.0] in [row[1:] for row in records]
    assert len(order) == 14 and [6, "Component earning", 4000.0] in order and order[-1] == [14, "Statement", 4000.0]
    with translation.override("zh-hans"):
        file = documents.pdf(sheet)
    assert file.startswith(b"%PDF-") and b"NotoSansSC" in file


def test_what_was_decided_stands_on_every_form_of_the_statement(
    cast: Any, period: PayrollPeriod, client_of: Any
) -> None:
    dispute = filed(cast, period)
    disputes.accept(dispute, cast.viewer("zhaoyue"), "The order was hers", 600_0000)
    own = PayStatement.objects.get(pk=dispute.statement_id)
    assert sheet_of(own).units == 4600_0000
    page = client_of("linjing").get(f"/statements/{own.pk}").content.decode()
    assert "4,600.00" in page and "The order was hers" in page and f"/disputes/{dispute.pk}" in page
    found = payroll_of(PayrollPeriod.objects.get(pk=period.pk), cast.viewer("zhaoyue"))
    assert found.total == found.corrections + sum(found.sum_of(name) for name in found.columns) == 6100_0000


def test_paid_so_far_this_year_counts_what_was_paid(march: Any) -> None:  # noqa: F811
    closed(march, "2026-03", State.PAID)
    april = closed(march, "2026-04", State.CALCULATED)
    sheet = sheet_of(statement_of(april, march.linjing)) if april.statements.filter(person=march.linjing) else None
    assert sheet is not None and paid_this_year(sheet) == 4000_0000
    assert [one.label for one in history(march.viewer("linjing"), march.linjing)] == ["2026-04", "2026-03"]
    assert date(2026, 3, 1) == history(march.viewer("linjing"), march.linjing)[1].starts_on

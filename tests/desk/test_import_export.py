"""Lists go out as files that a spreadsheet opens and cannot be tricked by."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from python_calamine import CalamineWorkbook

from xiaoguan.customers.models import Customer
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.paths import resolve
from xiaoguan.desk.transfer import armed, defused, export_rows
from xiaoguan.sales.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(cast):
    customer = Customer(name="=HYPERLINK(1)", owner=cast.linjing)
    customer.save()
    order = Order(
        number="SO-1", customer=customer, owner=cast.linjing, ordered_on=date(2026, 3, 2), currency="CNY",
        net_amount_units=123_456_789_012_345_678, total_amount_units=-1_234_500,
    )  # fmt: skip
    order.save()
    return order


PATHS = ("number", "customer", "channel", "ordered_on", "net_amount", "total_amount", "due_on")


def exported(kind: str) -> bytes:
    columns = [resolve(Order, path) for path in PATHS]
    return b"".join(export_rows(desk_of(Order), Order.objects.all(), columns, kind))


def test_a_csv_holds_exact_amounts_with_their_currency_and_no_formulas(order, settings):
    body = exported("csv")
    assert body.startswith(b"\xef\xbb\xbf")
    head, row = csv.reader(io.StringIO(body.decode("utf-8-sig")))
    assert len(head) == len(row) == 8
    assert row == ["SO-1", "'=HYPERLINK(1)", row[2], "2026-03-02", "12345678901234.5678", "CNY", "-123.45", ""]
    assert row[2] == str(Customer.Channel.DIRECT.label)


def test_a_workbook_holds_days_and_numbers_and_keeps_digits_that_a_spreadsheet_would_lose(order):
    book = CalamineWorkbook.from_filelike(io.BytesIO(exported("xlsx")))
    _head, row = book.get_sheet_by_index(0).to_python()
    assert row[0] == "SO-1" and row[1] == "=HYPERLINK(1)" and row[3] == date(2026, 3, 2)
    assert row[4] == "12345678901234.5678" and row[6] == -123.45


def test_a_list_leaves_by_its_address_as_filtered(order, client_of):
    answer = client_of("linjing").get("/orders/export.csv", {"q": "SO-1"})
    assert answer.status_code == 200 and b"SO-1" in b"".join(answer.streaming_content)
    answer = client_of("linjing").get("/orders/export.csv", {"q": "SO-2"})
    assert b"SO-1" not in b"".join(answer.streaming_content)


def test_more_rows_than_a_sheet_holds_go_on_the_next(order, monkeypatch):
    monkeypatch.setattr("xiaoguan.desk.transfer.SHEET_ROWS", 1)
    Order(number="SO-2", customer=order.customer, currency="CNY", net_amount_units=0, total_amount_units=0).save()
    assert len(CalamineWorkbook.from_filelike(io.BytesIO(exported("xlsx"))).sheet_names) == 2


@pytest.mark.parametrize("text", ["=1+1", "+49 30 1234", "@a", "-x", "'quoted", "\tx", "plain", "", "-12.50", "+5%"])
def test_what_is_defused_can_be_had_back(text):
    assert armed(defused(text)) == text
    assert defused(text)[:1] not in ("=", "@", "\t")

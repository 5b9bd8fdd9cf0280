"""A mail that is attached becomes what was said with a customer."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from xiaoguan.customers.models import Contact, Customer
from xiaoguan.desk import conformance, mails
from xiaoguan.sales.models import Activity, Opportunity

MAIL = """From: =?utf-8?b?5byg5Lyf?= <Zhang@haitian.example>
To: linjing@example.com
Subject: =?utf-8?b?5oql5Lu3?=
Date: Mon, 02 Mar 2026 20:30:00 +0000
Message-ID: <a1@haitian.example>
MIME-Version: 1.0
Content-Type: {kind}; charset="utf-8"
Content-Transfer-Encoding: 8bit

{text}
"""


def sent(text: str = "请再优惠 5%", kind: str = "text/plain", name: str = "报价.eml") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, MAIL.format(text=text, kind=kind).encode())


def attach(browser: Any, where: str, file: SimpleUploadedFile) -> int:
    return browser.post(f"{where}/comments", {"text": "", "files": file}).status_code


@pytest.fixture
def home(tmp_path: Any) -> Any:
    with override_settings(HOME=tmp_path):
        yield tmp_path


def test_it_stands_on_its_own_day_at_the_contact_whose_address_it_names(cast: Any, client_of: Any, home: Any) -> None:
    sale = conformance.sample(Opportunity, cast.linjing)
    person = conformance.sample(Contact, cast.linjing, customer=sale.customer, email="zhang@haitian.example")
    browser, where = client_of("linjing"), f"/opportunities/{sale.pk}"
    assert attach(browser, where, sent()) == 200
    done = Activity.objects.get()
    assert (done.subject, done.kind, done.done_on) == ("报价", "email", date(2026, 3, 3))  # here it was morning already
    assert (done.opportunity, done.customer, done.contact) == (sale, sale.customer, person)
    assert "请再优惠 5%" in done.note and "Zhang@haitian.example" in done.note
    assert "请再优惠 5%" in browser.get(f"{where}/timeline").content.decode()
    assert attach(browser, f"/customers/{sale.customer_id}", sent()) == 200 and Activity.objects.count() == 1


def test_of_html_the_words_are_kept_and_what_is_no_mail_is_a_file(cast: Any, client_of: Any, home: Any) -> None:
    buyer = conformance.sample(Customer, cast.linjing)
    browser, where = client_of("linjing"), f"/customers/{buyer.pk}"
    page = "<style>p {}</style><p>第一行</p><script>alert(1)</script><p>第二行</p>"
    assert attach(browser, where, sent(page, "text/html")) == 200
    note = Activity.objects.get().note
    assert "第一行\n第二行" in note and "alert" not in note and "<p>" not in note
    for content in (b"", b"\x00\xff", b"PK\x03\x04"):
        assert mails.read(content) is None


def test_elsewhere_a_mail_is_a_file(cast: Any, client_of: Any, home: Any) -> None:
    assert attach(client_of("helin"), f"/people/{cast.linjing.pk}", sent()) == 200
    assert not Activity.objects.exists()

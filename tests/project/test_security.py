"""The door, the headers, and what strangers get."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.urls.exceptions import Resolver404
from django.urls.resolvers import RegexPattern

from xiaoguan.people.models import Account
from xiaoguan.project import urls

PASSWORD = "a long enough secret 42"


@pytest.fixture
def account(cast: Any) -> Account:
    cache.clear()
    account = cast.linjing.account
    account.set_password(PASSWORD)
    account.save()
    return account


def sign_in(browser: Client, password: str, login: str = "linjing") -> Any:
    return browser.post("/account/login/", {"login": login, "password": password})


def test_signing_in_and_out(account: Account) -> None:
    browser = Client()
    assert sign_in(browser, "wrong").status_code == 200
    assert sign_in(browser, PASSWORD).status_code == 302
    assert browser.get("/").status_code == 200
    assert browser.get("/account/logout/").status_code == 200, "a link must not sign anybody out"
    browser.post("/account/logout/")
    assert browser.get("/").status_code == 302


def test_guessing_is_slowed_down(account: Account) -> None:
    browser = Client()
    answers = [sign_in(browser, f"guess {i}") for i in range(8)]
    assert ["过多" in a.content.decode() for a in answers] == [False] * 5 + [True] * 3
    assert sign_in(browser, PASSWORD).status_code != 302, "even the right password has to wait"


def test_an_unknown_name_and_a_wrong_password_look_the_same(account: Account) -> None:
    unknown, wrong = sign_in(Client(), "x", "nobody"), sign_in(Client(), "x")
    assert (unknown.status_code, wrong.status_code) == (200, 200)
    assert unknown.content.count(b"invalid-feedback") == wrong.content.count(b"invalid-feedback")


def test_nobody_signs_up_by_themselves() -> None:
    assert Client().get("/account/signup/").status_code == 404


def _addresses() -> list[str]:
    """One address of every page, numbers filled in."""
    found = []

    def walk(patterns: Any, prefix: str) -> None:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, route)
            else:
                for name, value in (
                    ("<int:pk>", "1"),
                    ("<str:kind>", "csv"),
                    ("<str:name>", "x"),
                    ("<str:policy>", "x"),
                ):
                    route = route.replace(name, value)
                found.append(f"/{route}")

    walk(get_resolver().url_patterns, "")
    return found


def test_every_address_but_the_door_wants_a_sign_in(db: Any) -> None:
    open_ones = []
    stranger = Client()
    addresses = _addresses()
    for address in addresses:
        for method in ("get", "post", "patch", "delete"):
            stranger.cookies.clear()
            status = getattr(stranger, method)(address).status_code
            if status not in (302, 401) and not address.startswith(("/account/", "/language", "/health")):
                open_ones.append((method, address, status))
    assert not open_ones and len(addresses) > 100


def test_a_form_of_another_site_changes_nothing(cast: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.linjing.account)
    assert browser.post("/customers/new", {"name": "偷渡"}).status_code == 403
    answer = browser.post("/api/customers", {"name": "偷渡"}, content_type="application/json")
    assert answer.status_code == 403


def test_headers_of_every_page(cast: Any, client_of: Any) -> None:
    answer = client_of("linjing").get("/customers/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer.headers["Cache-Control"]
    assert b" style=" not in answer.content and b"<script>" not in answer.content


def test_what_people_type_is_shown_as_text(cast: Any, client_of: Any) -> None:
    from xiaoguan.customers.models import Customer

    made = Customer(name="<script>alert(1)</script>", owner=cast.linjing)
    made.save()
    browser = client_of("linjing")
    for address in ("/customers/", f"/customers/{made.pk}", "/search?q=script"):
        page = browser.get(address).content
        assert b"<script>alert" not in page and b"&lt;script&gt;alert" in page


def test_a_spreadsheet_runs_no_formula_from_a_name(cast: Any, client_of: Any) -> None:
    from xiaoguan.customers.models import Customer

    Customer(name='=HYPERLINK("http://evil")', owner=cast.linjing).save()
    body = b"".join(client_of("linjing").get("/customers/export.csv").streaming_content).decode("utf-8-sig")
    assert "'=HYPERLINK" in body


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(back: str, db: Any) -> None:
    answer = Client().post("/language", {"language": "en", "next": back})
    assert answer.headers["Location"] == "/"


def test_the_language_stays_with_the_browser_and_the_account(cast: Any, client_of: Any) -> None:
    browser = client_of("linjing")
    assert browser.post("/language", {"language": "en", "next": "/customers/"}).headers["Location"] == "/customers/"
    assert b'lang="en"' in browser.get("/customers/").content
    assert b'lang="en"' in client_of("linjing").get("/customers/").content, "another browser of the same person"


def test_weak_passwords_are_refused(account: Account) -> None:
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    for weak in ("short1", "linjing@example.com", "password1234", "111111111111"):
        with pytest.raises(ValidationError):
            validate_password(weak, account)
    validate_password(PASSWORD, account)


def test_a_record_cannot_be_moved_under_somebody_elses_customer(cast: Any, client_of: Any) -> None:
    """Who may write a contact of her own customer may not hang it onto a colleague's."""
    from xiaoguan.customers.models import Contact, Customer

    mine, theirs = Customer(name="甲", owner=cast.linjing), Customer(name="乙", owner=cast.zhouhang)
    mine.save()
    theirs.save()
    contact = Contact(customer=mine, name="王工")
    contact.save()
    browser = client_of("linjing")
    page = browser.post(f"/contacts/{contact.pk}/edit", {"name": "王工", "customer": theirs.pk, "version": "1"})
    api = browser.patch(f"/api/contacts/{contact.pk}", {"customer": theirs.pk}, content_type="application/json")
    assert (page.status_code, api.status_code) == (422, 403)
    contact.refresh_from_db()
    assert contact.customer == mine


def test_an_address_leads_where_django_would_lead_it() -> None:
    """Found by its first words or one after the other, it is the same page."""
    plain = URLResolver(RegexPattern(r"^/"), list(urls.urlpatterns[0].url_patterns))
    known = ["", "goals/plan", "customers/", "customers/7", "customers/7/edit", "customers/new", "api/", "api/orders/7"]
    for address in [*known, "api/openapi.json", "policy/1", "static/x", "zzz/7", "customers/7/zzz", "customers/x/y/z"]:
        answers = []
        for resolver in (get_resolver(), plain):
            try:
                found = resolver.resolve(f"/{address}")
                answers.append((found.view_name, found.route, found.args, found.kwargs))
            except Resolver404:
                answers.append(None)
        assert answers[0] == answers[1] and (answers[0] or address not in known), address

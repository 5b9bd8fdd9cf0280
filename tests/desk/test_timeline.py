"""What a record's page tells: its story in pages, what is next, who sees it, comments and files through its rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from xiaoguan.customers.models import Customer
from xiaoguan.desk import comments, timeline
from xiaoguan.desk.comments import Attachment, Comment
from xiaoguan.desk.conformance import desk, sample
from xiaoguan.desk.events import acting
from xiaoguan.desk.models import Event, Notification
from xiaoguan.desk.screens.who import who_sees
from xiaoguan.sales.models import Activity, Opportunity

SCRIPT = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def _home(tmp_path: Any, settings: Any) -> None:
    settings.HOME = tmp_path


def whole(record: Any, viewer: Any, size: int, only: str = "") -> list[timeline.Entry]:
    """Every entry of the timeline, fetched in pages of `size`."""
    found: list[timeline.Entry] = []
    after = ""
    while True:
        story = timeline.told(desk("customer"), record, viewer, only, after, size)
        found += story.entries
        after = story.after
        if not after:
            return found


def test_the_story_is_the_same_in_pages_of_any_size_and_newest_first(cast: Any) -> None:
    customer = sample(Customer, cast.linjing)
    today = timezone.localdate()
    for n in range(7):
        sample(Activity, cast.linjing, customer=customer, done_on=today - timedelta(days=n // 2), due_on=today)
        comments.write(desk("customer"), cast.viewer("linjing"), customer, f"said {n}")
        customer.city = f"city {n}"
        customer.save()
    sample(Activity, cast.linjing, customer=customer, due_on=today)
    viewer = cast.viewer("linjing")
    pages = whole(customer, viewer, 100)
    assert [e.at for e in pages] == sorted((e.at for e in pages), reverse=True)
    assert len(pages) == 7 + 7 + 8  # the eighth event is the creation
    told = [(e.source, e.position) for e in pages]
    for size in (1, 3, 10):
        assert [(e.source, e.position) for e in whole(customer, viewer, size)] == told
    assert len(whole(customer, viewer, 2, "comments")) == 7 and len(whole(customer, viewer, 2, "steps")) == 7


def test_a_page_of_the_timeline_takes_as_many_queries_for_a_long_story(cast: Any, client_of: Any) -> None:
    customer, viewer = sample(Customer, cast.linjing), cast.viewer("linjing")
    browser, queries = client_of("linjing"), []
    for number in (3, 40):
        for n in range(number):
            with acting(cast.linjing.pk, "page"):
                customer.owner = cast.zhouhang if n % 2 else cast.linjing
                customer.save()
                comments.write(desk("customer"), viewer, customer, f"@陈敏 {n}")
        browser.get(f"/customers/{customer.pk}/timeline")
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(f"/customers/{customer.pk}/timeline").status_code == 200
        queries.append(len(captured))
    assert queries[0] == queries[1] <= 16


def test_a_win_is_told_as_one_deed_with_what_it_changed(cast: Any, client_of: Any) -> None:
    sale = sample(Opportunity, cast.linjing)
    browser = client_of("linjing")
    browser.post(f"/opportunities/{sale.pk}/win", {"signed_on": "2026-03-02", "amount": "12000"}, headers=SCRIPT)
    page = browser.get(f"/opportunities/{sale.pk}/timeline").content.decode()
    assert page.count('class="story-deed"') == 2 and "赢单" in page and "12,000.00" in page


def test_what_is_planned_stands_first_with_what_is_late(cast: Any, client_of: Any) -> None:
    customer, today = sample(Customer, cast.linjing), timezone.localdate()
    sample(Activity, cast.linjing, customer=customer, subject="回访", due_on=today + timedelta(days=2))
    sample(Activity, cast.linjing, customer=customer, subject="催款", due_on=today - timedelta(days=2))
    hidden = sample(Activity, cast.wanglei, customer=customer, subject="别组的事", due_on=today)
    page = client_of("linjing").get(f"/customers/{customer.pk}/timeline").content.decode()
    assert page.index("催款") < page.index("回访") and page.count("tone-red") == 1
    assert hidden.subject not in page


def test_a_stranger_has_no_timeline_no_peek_no_comments_no_files(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing)
    said = comments.write(
        desk("customer"), cast.viewer("linjing"), customer, "", [SimpleUploadedFile("报价.pdf", b"%PDF")]
    )
    file = said.files.get()
    stranger, teammate = client_of("wanglei"), client_of("zhouhang")
    for page in ("timeline", "peek", "who", "counts", f"files/{file.pk}", "ask/claim"):
        assert stranger.get(f"/customers/{customer.pk}/{page}").status_code == 404, page
    for page in ("comments", f"files/{file.pk}"):
        assert stranger.get(f"/api/customers/{customer.pk}/{page}").status_code == 404, page
    assert stranger.post(f"/customers/{customer.pk}/comments", {"text": "hi"}).status_code == 404
    answer = teammate.get(f"/customers/{customer.pk}/files/{file.pk}")
    assert b"".join(answer.streaming_content) == b"%PDF"
    assert answer["Content-Disposition"].startswith("attachment") and answer["X-Content-Type-Options"] == "nosniff"
    other = sample(Customer, cast.wanglei)  # a file is not had through another record that one may read
    assert stranger.get(f"/customers/{other.pk}/files/{file.pk}").status_code == 404


def test_a_program_sends_a_text_and_files_and_nothing_else(cast: Any, client_of: Any) -> None:
    where, browser = f"/api/customers/{sample(Customer, cast.linjing).pk}/comments", client_of("linjing")
    file = SimpleUploadedFile("报价.pdf", b"%PDF")
    assert browser.post(where, {"text": "请看", "files": file}).status_code == 201
    for wrong in (
        {"text": "请看", "files": "{}"},
        {"text": SimpleUploadedFile("a.txt", b"a")},
        {"text": "a", "to": "b"},
    ):
        assert browser.post(where, wrong).status_code == 422, wrong


def test_people_who_are_named_are_told_and_only_once(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing)
    browser = client_of("zhouhang")
    where = f"/customers/{customer.pk}/comments"
    assert browser.post(where, {"text": "@陈敏 @王磊 请看"}, headers=SCRIPT).status_code == 200
    told = {(n.person_id, n.kind) for n in Notification.objects.all()}
    assert told == {(cast.chenmin.pk, "mention"), (cast.linjing.pk, "comment")}  # 王磊 may not read the customer
    comment = Comment.objects.get()
    browser.post(f"{where}/{comment.pk}", {"text": "@陈敏 @林静 请看"})
    assert Notification.objects.filter(kind="mention").count() == 2
    assert '<b class="mention">@陈敏</b>' in browser.get(f"/customers/{customer.pk}/timeline").content.decode()


def test_only_the_writer_changes_and_deletes_a_comment(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing)
    client_of("linjing").post(f"/customers/{customer.pk}/comments", {"text": "<script>x</script>"})
    comment = Comment.objects.get()
    where = f"/customers/{customer.pk}/comments/{comment.pk}"
    page = client_of("chenmin").get(f"/customers/{customer.pk}/timeline").content.decode()
    assert "&lt;script&gt;" in page and "<script>" not in page and where not in page
    assert client_of("chenmin").post(where, {"do": "delete"}).status_code == 403
    assert client_of("chenmin").delete(f"/api{where}").status_code == 403
    assert client_of("linjing").post(where, {"text": "改了"}).status_code == 200
    assert Comment.objects.get().text == "改了"
    assert client_of("linjing").delete(f"/api{where}").status_code == 204
    assert not Comment.objects.exists() and Event.objects.filter(deed="commented").count() == 1


def test_files_lie_under_names_by_chance_and_go_with_their_comment(
    cast: Any, client_of: Any, tmp_path: Any, django_capture_on_commit_callbacks: Any
) -> None:
    customer = sample(Customer, cast.linjing)
    browser, where = client_of("linjing"), f"/customers/{customer.pk}/comments"
    files = [SimpleUploadedFile("../../邀请 函.pdf", b"one"), SimpleUploadedFile("b.xlsx", b"two")]
    assert browser.post(where, {"text": "附件", "files": files}).status_code == 200
    first = Attachment.objects.first()
    assert first is not None and first.name == "邀请 函.pdf" and first.path.read_bytes() == b"one"
    assert first.path.is_relative_to(tmp_path / "files") and "邀请" not in str(first.path)
    for name in ("run.exe", "page.html", "picture.svg", "x.pdf.sh", "nothing"):
        answer = browser.post(where, {"files": SimpleUploadedFile(name, b"x")})
        assert answer.status_code == 422 and name in answer.json()["message"]
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(f"{where}/{first.comment_id}", {"do": "delete"})
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


def test_a_file_that_is_too_large_is_refused(cast: Any, client_of: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(comments, "FILE_MB", 1)
    customer = sample(Customer, cast.linjing)
    large = SimpleUploadedFile("a.pdf", b"x" * (1 << 20) + b"x")
    answer = client_of("linjing").post(f"/customers/{customer.pk}/comments", {"files": large})
    assert answer.status_code == 422 and not Comment.objects.exists()


def test_programs_read_write_and_attach(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing)
    browser, where = client_of("linjing"), f"/api/customers/{customer.pk}/comments"
    made = browser.post(where, {"text": "一"}, content_type="application/json")
    assert made.status_code == 201
    browser.post(where, {"text": "二", "files": SimpleUploadedFile("a.csv", b"a,b")})
    items = browser.get(where).json()["items"]
    assert [i["text"] for i in items] == ["二", "一"] and items[0]["files"][0]["name"] == "a.csv"
    assert b"".join(browser.get(items[0]["files"][0]["url"]).streaming_content) == b"a,b"
    assert [i["text"] for i in browser.get(where, {"before": items[0]["id"]}).json()["items"]] == ["一"]
    assert browser.post(where, {"words": "x"}, content_type="application/json").status_code == 422


def test_who_sees_a_record_is_what_the_rule_says_person_by_person(cast: Any) -> None:
    customer = sample(Customer, cast.linjing)
    found, whole_ = who_sees(desk("customer"), customer)
    assert whole_
    assert {f["person"]: f["write"] for f in found} == {
        "林静": True, "周航": False, "陈敏": True, "孙总": True, "吴芳": True,
    }  # fmt: skip
    for name, viewer in ((f["person"], f["person_id"]) for f in found):
        assert desk("customer").may_read(
            cast.viewer(next(k for k, p in cast.people.items() if p.pk == viewer)), customer
        ), name
    assert all(f["why"] for f in found)


def test_a_click_on_a_stage_asks_for_the_move_to_it(cast: Any, client_of: Any) -> None:
    sale = sample(Opportunity, cast.linjing)
    page = client_of("linjing").get(f"/opportunities/{sale.pk}").content.decode()
    assert f'data-ask="/opportunities/{sale.pk}/ask/move?to=contact"' in page
    sheet = client_of("linjing").get(f"/opportunities/{sale.pk}/ask/move?to=contact").content.decode()
    assert '<option value="contact" selected>' in sheet and f'action="/opportunities/{sale.pk}/move"' in sheet
    teammate = client_of("zhouhang")
    assert "ask/move" not in teammate.get(f"/opportunities/{sale.pk}").content.decode()
    assert teammate.get(f"/opportunities/{sale.pk}/ask/move").status_code == 403


def test_tabs_are_counted_as_far_as_one_may_read(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing)
    sample(Opportunity, cast.linjing, customer=customer)
    sample(Opportunity, cast.wanglei, customer=customer)
    page = client_of("linjing").get(f"/customers/{customer.pk}/counts").content.decode()
    assert '<span id="count-opportunity" class="count" hx-swap-oob="true">1</span>' in page


def test_a_comment_needs_the_token_of_the_page(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing)
    browser = client_of("linjing", enforce_csrf_checks=True)
    page = browser.get(f"/customers/{customer.pk}").content.decode()
    token = page.split('data-csrf="')[1].split('"')[0]
    data = {"text": "附件", "files": SimpleUploadedFile("a.pdf", b"%PDF")}
    assert browser.post(f"/customers/{customer.pk}/comments", data).status_code == 403
    data["files"].seek(0)
    sent = browser.post(f"/customers/{customer.pk}/comments", data, headers={"X-CSRFToken": token})
    assert sent.status_code == 200 and Comment.objects.get().files.count() == 1

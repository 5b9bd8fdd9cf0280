"""A sale from first contact to the order, and who may touch it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from xiaoguan.base.money import Money
from xiaoguan.customers.models import Customer
from xiaoguan.desk.models import Event
from xiaoguan.desk.records import Conflict
from xiaoguan.sales.models import Activity, Opportunity, Order, Payment, StageSpell

TODAY = date(2026, 11, 22)


def customer(owner: Any, name: str = "海天智能科技有限公司") -> Customer:
    made = Customer(name=name, owner=owner)
    made.save()
    return made


def deal(owner: Any, **values: Any) -> Opportunity:
    made = Opportunity(
        title="设备采购",
        customer=values.pop("customer", None) or customer(owner),
        owner=owner,
        stage=values.pop("stage", "identify"),
        amount=Money("120000", "CNY"),
        closes_on=timezone.localdate() + timedelta(days=30),
        **values,
    )
    made.save()
    return made


def test_the_owner_wins_and_the_order_follows(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing)
    answer = client_of("linjing").post(
        f"/opportunities/{sale.pk}/win", {"signed_on": "2026-11-20", "amount": "118,500.50"}
    )
    assert answer.status_code == 302
    sale.refresh_from_db()
    order = Order.objects.get(opportunity=sale)
    assert (sale.result, order.net_amount, order.owner) == ("won", Money("118500.50", "CNY"), cast.linjing)
    sale.customer.refresh_from_db()
    assert sale.customer.first_order_on == date(2026, 11, 20) and sale.customer.stage == Customer.Stage.FIRST


def test_a_stranger_finds_nothing_and_does_nothing(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing)
    stranger = client_of("wanglei")
    assert stranger.get(f"/opportunities/{sale.pk}").status_code == 404
    assert stranger.post(f"/opportunities/{sale.pk}/win", {"signed_on": "2026-11-20", "amount": "1"}).status_code == 404
    assert stranger.get(f"/api/opportunities/{sale.pk}").status_code == 404
    sale.refresh_from_db()
    assert sale.is_open


def test_a_teammate_reads_but_does_not_write(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing)
    mate = client_of("zhouhang")
    assert mate.get(f"/opportunities/{sale.pk}").status_code == 200
    assert mate.get(f"/opportunities/{sale.pk}/edit").status_code == 403
    assert mate.post(f"/opportunities/{sale.pk}/lose", {"reason": "price"}).status_code == 403
    assert client_of("chenmin").post(f"/opportunities/{sale.pk}/lose", {"reason": "price"}).status_code == 302


def test_stages_keep_their_stays_and_the_reason_of_a_loss(cast: Any) -> None:
    sale = deal(cast.linjing)
    sale.enter("contact")
    sale.lose("price", "太贵")
    stays = list(StageSpell.objects.filter(opportunity=sale).order_by("id").values_list("stage", "left_at"))
    assert [s for s, _left in stays] == ["identify", "contact"]
    assert stays[0][1] is not None and stays[1][1] is None
    assert (sale.result, sale.lost_reason) == ("lost", "price")


def test_every_save_is_one_event_and_an_unchanged_save_is_none(cast: Any) -> None:
    sale = deal(cast.linjing)
    sale.save()
    sale.title = "设备二期采购"
    sale.save()
    deeds = list(
        Event.objects.filter(entity="opportunity", record_id=sale.pk).order_by("id").values_list("deed", "changes")
    )
    assert deeds == [("created", {}), ("changed", {"title": ["设备采购", "设备二期采购"]})]
    assert sale.version == 2


def test_two_people_edit_and_the_second_is_told(cast: Any) -> None:
    sale = deal(cast.linjing)
    mine, theirs = Opportunity.objects.get(pk=sale.pk), Opportunity.objects.get(pk=sale.pk)
    theirs.title = "先到"
    theirs.save()
    mine.title = "后到"
    with pytest.raises(Conflict):
        mine.save()
    sale.refresh_from_db()
    assert sale.title == "先到"


def test_payments_and_contacts_keep_what_the_order_and_the_customer_show(cast: Any) -> None:
    buyer = customer(cast.linjing)
    order = Order(
        number="SO-1",
        customer=buyer,
        owner=cast.linjing,
        ordered_on=TODAY,
        net_amount=Money("100", "CNY"),
        total_amount=Money("113", "CNY"),
    )
    order.save()
    for amount in ("50", "13.5"):
        Payment(order=order, amount=Money(amount, "CNY"), received_on=TODAY).save()
    Activity(subject="电话", customer=buyer, owner=cast.linjing, due_on=TODAY, done_on=TODAY).save()
    order.refresh_from_db()
    buyer.refresh_from_db()
    assert order.received_amount == Money("63.5", "CNY")
    assert buyer.last_contact_on == TODAY


def test_the_board_moves_a_card_and_answers_with_the_lanes(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing)
    answer = client_of("linjing").post(
        f"/opportunities/{sale.pk}/move", {"to": "contact"}, headers={"accept": "application/json"}
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["lanes"]["contact"] == {"count": "1", "total": "¥120,000"}


JSON = {"content_type": "application/json"}


def test_only_the_move_changes_the_stage_of_a_deal_that_is_there(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing)
    browser, where = client_of("linjing"), f"/api/opportunities/{sale.pk}"
    refused = browser.patch(where, {"stage": "won", "note": "签了"}, **JSON)
    assert refused.status_code == 422
    assert f"POST {where}/move" in refused.json()["fields"]["stage"][0]
    assert browser.patch(where, {"stage": "identify", "note": "同样"}, **JSON).status_code == 200  # as it was read
    answer = browser.post(
        "/api/opportunities/bulk", {"items": [{"do": "change", "id": sale.pk, "values": {"stage": "won"}}]}, **JSON
    )
    assert answer.status_code == 422
    assert browser.post(f"/opportunities/{sale.pk}/cell/stage", {"stage": "won"}).status_code == 422
    edit = browser.get(f"/opportunities/{sale.pk}/edit").content.decode()
    assert 'name="title"' in edit and 'name="stage"' not in edit
    assert 'name="stage"' in browser.get("/opportunities/new").content.decode()
    sale.refresh_from_db()
    assert (sale.stage, sale.note) == ("identify", "同样")


def test_a_cell_of_the_stage_asks_what_the_move_asks(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing)
    browser = client_of("linjing")
    assert re.search(r'data-path="stage"[^>]*data-editable', browser.get("/opportunities/").content.decode())
    sheet = browser.get(f"/opportunities/{sale.pk}/cell/stage").content.decode()
    assert f'action="/opportunities/{sale.pk}/move"' in sheet and 'name="to"' in sheet
    sale.lose("price")
    assert browser.get(f"/opportunities/{sale.pk}/cell/stage").status_code == 403


def test_a_new_deal_is_not_closed_by_its_stage(cast: Any, client_of: Any) -> None:
    buyer = customer(cast.linjing)
    data = {"title": "一步到位", "customer": buyer.pk, "stage": "won", "amount": "1", "closes_on": "2026-12-01"}
    answer = client_of("linjing").post("/api/opportunities", data, **JSON)
    assert answer.status_code == 422 and "stage" in answer.json()["fields"]


def test_a_card_dropped_on_the_last_lane_is_won_with_its_order(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing, stage="negotiate")
    browser, where = client_of("linjing"), f"/opportunities/{sale.pk}/move"
    asked = browser.post(where, {"to": "won"}, headers={"accept": "application/json"})
    assert asked.status_code == 422
    fields = {field["name"]: field["value"] for field in asked.json()["fields"]}
    assert fields == {"signed_on": f"{timezone.localdate()}", "amount": "120000.00"}
    assert not Order.objects.filter(opportunity=sale).exists()
    given = {"to": "won", "signed_on": "2026-11-20", "amount": "118000"}
    assert browser.post(where, given, headers={"accept": "application/json"}).status_code == 200
    sale.refresh_from_db()
    order = Order.objects.get(opportunity=sale)
    assert (sale.stage, sale.result, sale.closed_on) == ("won", "won", date(2026, 11, 20))
    assert (order.net_amount, sale.amount) == (Money("118000", "CNY"), Money("118000", "CNY"))


def test_a_card_dropped_on_lost_says_why_and_comes_back_where_it_was(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing, stage="propose")
    browser, where = client_of("linjing"), f"/api/opportunities/{sale.pk}"
    assert browser.post(f"{where}/move", {"to": "lost"}, **JSON).status_code == 422
    assert browser.post(f"{where}/move", {"to": "lost", "lost_reason": "price"}, **JSON).json()["result"] == "lost"
    board = browser.get("/opportunities/board").content.decode()
    assert sale.title in board.split('data-lane="lost"')[-1]
    item = browser.post(f"{where}/reopen", {}, **JSON).json()
    assert (item["stage"], item["result"], item["closed_on"], item["lost_reason"]) == ("propose", "open", None, "")


def test_a_call_is_logged_as_done_with_the_next_one_planned(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing)
    browser, today = client_of("linjing"), timezone.localdate()
    for where in (f"/customers/{sale.customer_id}", f"/opportunities/{sale.pk}"):
        assert f'data-ask="{where}/ask/log"' in browser.get(where).content.decode()
    sheet = browser.get(f"/opportunities/{sale.pk}/ask/log").content.decode()
    assert 'type="radio" name="kind" value="call"' in sheet and f'data-set-value="{today + timedelta(days=7)}"' in sheet
    data = {
        "kind": "call",
        "outcome": "interested",
        "note": "要样品\n下周寄",
        "next_on": f"{today + timedelta(days=7)}",
    }
    answer = browser.post(f"/opportunities/{sale.pk}/log", data, headers={"accept": "application/json"})
    assert answer.status_code == 200
    done, planned = Activity.objects.order_by("pk")
    assert (done.subject, done.done_on, done.outcome, done.customer) == ("要样品", today, "interested", sale.customer)
    assert (planned.done_on, planned.due_on, planned.opportunity) == (None, today + timedelta(days=7), sale)
    buyer = Customer.objects.get(pk=sale.customer_id)
    assert (buyer.last_contact_on, buyer.next_contact_on) == (today, today + timedelta(days=7))
    story = browser.get(f"/opportunities/{sale.pk}/timeline").content.decode()
    assert story.count("下周寄") == 1  # told as what was done, not once more as a deed
    assert browser.post(answer.json()["undo_url"]).status_code in (200, 302) and not Activity.objects.exists()
    stranger = client_of("zhouhang").post(f"/customers/{buyer.pk}/log", data, headers={"accept": "application/json"})
    assert stranger.status_code == 403


def test_what_is_logged_closes_the_plan_that_it_was(cast: Any, client_of: Any) -> None:
    sale = deal(cast.linjing)
    browser, today = client_of("linjing"), timezone.localdate()
    plans = [
        Activity(subject=name, kind="task", owner=owner, due_on=today + timedelta(days=n), customer=sale.customer)
        for n, (name, owner) in enumerate(
            (("报价后回电", cast.linjing), ("寄样品", cast.linjing), ("拜访", cast.zhouhang))
        )
    ]
    for plan in plans:
        plan.save()
    url = f"/customers/{sale.customer_id}"
    sheet = browser.get(f"{url}/ask/log").content.decode()
    assert (
        f'<option value="{plans[0].pk}" selected>报价后回电' in sheet and "寄样品" in sheet and "拜访 · " not in sheet
    )
    said = {"headers": {"accept": "application/json"}}
    call = {"kind": "call", "note": "要降价", "planned": plans[0].pk, "next_on": f"{today}"}
    assert browser.post(f"{url}/log", call, **said).status_code == 200
    done, _sample, _visit, following = Activity.objects.order_by("pk")
    assert (done.done_on, done.kind, done.note, following.subject) == (today, "call", "要降价", "要降价")
    assert browser.post(f"{url}/log", {**call, "planned": plans[2].pk}, **said).status_code == 422  # another's plan


def test_a_customer_shows_what_it_brought_what_is_open_and_what_it_owes(cast: Any, client_of: Any) -> None:
    buyer, today = customer(cast.linjing), timezone.localdate()
    deal(cast.linjing, customer=buyer)
    deal(cast.wanglei, customer=buyer)  # of another team: not hers to see
    for number, day, status in (
        ("1", today, "signed"),
        ("2", today.replace(year=today.year - 1), "signed"),
        ("3", today, "draft"),
    ):
        amount = Money("1000", "CNY")
        Order(
            number=number, customer=buyer, owner=cast.linjing, ordered_on=day, status=status, net_amount=amount,
            total_amount=amount,
        ).save()  # fmt: skip
    Payment(order=Order.objects.get(number="1"), amount=Money("400", "CNY")).save()
    Activity(subject="回访", customer=buyer, owner=cast.linjing, due_on=today).save()
    page = client_of("linjing").get(f"/customers/{buyer.pk}").content.decode()
    shown = re.findall(r'<a class="opens" href="([^"]+)">([^<]+)</a>', page.split('class="figures"')[1])
    assert [text for _url, text in shown[:3]] == ["¥1,000.00", "¥120,000.00", "¥1,600.00"]
    listed = client_of("linjing").get(shown[1][0].replace("&amp;", "&")).content.decode()
    assert 'id="count">1<' in listed
    assert "回访" in page.split('class="next-step"')[1][:300]


def test_an_empty_board_says_who_sees_it(cast: Any, client_of: Any) -> None:
    deal(cast.linjing)
    board = client_of("zhaoyue").get("/opportunities/board").content.decode()
    assert 'class="empty"' in board and 'class="lane' not in board.split('id="board"')[1].split(">", 1)[1]
    assert 'class="empty"' not in client_of("linjing").get("/opportunities/board").content.decode()


def test_a_customer_is_released_with_a_reason_and_claimed_by_another(cast: Any, client_of: Any) -> None:
    buyer = customer(cast.linjing)
    where = f"/api/customers/{buyer.pk}"
    assert client_of("zhouhang").post(f"{where}/release", {"reason": "x"}, **JSON).status_code == 403
    assert client_of("linjing").post(f"{where}/release", {}, **JSON).status_code == 422
    assert client_of("linjing").post(f"{where}/release", {"reason": "换行业"}, **JSON).status_code == 200
    assert buyer.name in client_of("wanglei").get("/customers/", {"view": "pool"}).content.decode()
    assert client_of("wanglei").post(f"{where}/claim", {}, **JSON).json()["owner"] == cast.wanglei.pk

"""What needs a signature waits for it, on every way of writing; who asks never signs; nothing is signed twice."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from xiaoguan.desk import conformance, undo
from xiaoguan.desk.approvals import Approval, Step, flows, guards, holders, line_manager, requests, this_person
from xiaoguan.desk.approvals.models import ApprovalFlow, ApprovalRequest
from xiaoguan.desk.bulk import Changed, Target
from xiaoguan.desk.events import acting
from xiaoguan.desk.models import Event, Notification
from xiaoguan.goals.models import GoalTarget
from xiaoguan.people.models import Account, Deputy
from xiaoguan.sales.models import Order

TODAY = timezone.localdate()
PLAN = """
import: hr
tables:
  - into: goaltarget
    from: goals.csv
    key: id
    fields: {goal: {const: "%s"}, starts_on: {const: "%s"}, ends_on: {const: "%s"}, value: value}
"""


@pytest.fixture
def goal(cast: Any) -> GoalTarget:
    """A goal of 林静, 100,000; operations write goals, and the manager of operations is 孙总."""
    return conformance.sample(GoalTarget, cast.linjing, value=Decimal(100_000), currency="CNY")


def asked(cast: Any, goal: GoalTarget, value: int = 200_000, by: str = "wufang") -> ApprovalRequest:
    with acting(cast.people[by].pk, "page"):
        return requests.request_approval("target", goal, cast.viewer(by), "旺季", {"value": Decimal(value)})


def value(goal: GoalTarget) -> int:
    return int(GoalTarget.objects.get(pk=goal.pk).value)


def form_of(goal: GoalTarget, **changed: Any) -> dict[str, Any]:
    plain = {"goal": goal.goal, "person": goal.person_id, "starts_on": goal.starts_on, "ends_on": goal.ends_on}
    return {**plain, "value": goal.value, "currency": goal.currency, "version": goal.version, **changed}


# Writing past it


def test_a_large_change_is_not_written_by_any_way_before_it_is_signed(cast: Any, client_of: Any, goal: Any) -> None:
    browser, where = client_of("wufang"), f"/goal-targets/{goal.pk}"
    page = browser.post(f"{where}/edit", form_of(goal, value="200000"))
    assert page.status_code == 422 and 'name="ask_approval"' in page.content.decode()
    assert browser.post(f"{where}/cell/value", {"value": "200000"}).status_code == 422
    api = f"/api/goal-targets/{goal.pk}"
    assert browser.patch(api, {"value": "200000"}, content_type="application/json").status_code == 422
    many = {"ids": goal.pk, "deed": "edit:value", "value": "200000"}
    browser.post("/goal-targets/bulk/do", many)
    with acting(cast.wufang.pk, "page"), pytest.raises(guards.NeedsApproval):
        goal.value = Decimal(200_000)
        goal.save()
    assert value(goal) == 100_000
    assert browser.patch(api, {"value": "109999"}, content_type="application/json").status_code == 200


def test_an_import_of_a_person_is_refused_the_row_and_told_why(
    cast: Any, goal: Any, tmp_path: Any, settings: Any
) -> None:
    from xiaoguan.desk.plan import run_plan

    settings.HOME = tmp_path / "home"
    GoalTarget.objects.filter(pk=goal.pk).update(source="hr", external_id="1")
    (tmp_path / "goals.csv").write_text("id,value\n1,200000\n")
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN % (goal.goal, goal.starts_on, goal.ends_on))
    with acting(cast.wufang.pk, "import"):
        report = run_plan(plan, tmp_path)
    assert report.tables[0].refused == 1 and value(goal) == 100_000
    assert any("approval" in issue.message for issue in report.issues)


def test_while_it_waits_the_field_stays_and_others_may_change(cast: Any, client_of: Any, goal: Any) -> None:
    asked(cast, goal)
    browser, api = client_of("wufang"), f"/api/goal-targets/{goal.pk}"
    assert browser.patch(api, {"value": "100001"}, content_type="application/json").status_code == 422
    assert browser.patch(api, {"method": "按客户"}, content_type="application/json").status_code == 200
    fresh = GoalTarget.objects.get(pk=goal.pk)
    target = Target(GoalTarget, ["value"])
    with pytest.raises(Changed):
        target.update([(goal.pk, fresh.version, {0: (1_000_000_000, 1_000_010_000)}, None, "")])
    fresh.value = Decimal(1)
    with pytest.raises(guards.Frozen):
        fresh.save()
    assert value(goal) == 100_000


def test_the_form_asks_and_saves_what_needs_no_signature(cast: Any, client_of: Any, goal: Any) -> None:
    sent = form_of(goal, value="200000", method="按区域", ask_approval="1", approval_note="新区域")
    assert client_of("wufang").post(f"/goal-targets/{goal.pk}/edit", sent).status_code == 302
    assert value(goal) == 100_000 and GoalTarget.objects.get(pk=goal.pk).method == "按区域"
    request = ApprovalRequest.objects.get()
    assert (request.note, request.by_id, request.title) == ("新区域", cast.wufang.pk, f"{goal} · 林静")
    card = client_of("linjing").get(f"/approvals/of/goaltarget/{goal.pk}").content.decode()
    assert "100,000" in card and "200,000" in card and "孙总" in card


def test_what_only_asks_says_of_whom_and_leads_there(cast: Any, client_of: Any, goal: Any) -> None:
    browser, where = client_of("wufang"), f"/goal-targets/{goal.pk}"
    sent = form_of(goal, value="200000", ask_approval="1")
    page = browser.post(f"{where}/edit", sent, follow=True).content.decode()
    request = ApprovalRequest.objects.get()
    assert f'data-url="/approvals/{request.pk}" hidden>' in page and "孙总" in page.split("data-toast=")[1]
    assert page.count("data-toast=") == 1  # nothing was saved, and nothing says so
    requests.withdraw(request.pk, cast.viewer("wufang"))
    goal.refresh_from_db()
    page = browser.post(f"{where}/edit", {**sent, "method": "按区域"}, follow=True).content.decode()
    assert page.count("data-toast=") == 2 and "data-undo=" in page  # the one was saved, the other waits


# Signing


def test_the_last_signature_writes_the_change_once(cast: Any, goal: Any) -> None:
    request = asked(cast, goal)
    for _again in range(2):
        done = requests.sign(request.pk, cast.viewer("sunzong"), "approve", step=0)
    assert done.state == "approved" and value(goal) == 200_000
    deeds = list(Event.objects.filter(entity="goaltarget", record_id=goal.pk).values_list("deed", flat=True))
    assert deeds.count("changed") == 1 and deeds.count("approval_signed") == 1 and deeds.count("approval_asked") == 1
    told = Notification.objects.filter(kind="approval").values_list("person_id", flat=True)
    assert sorted(told) == sorted([cast.sunzong.pk, cast.wufang.pk])


def test_what_was_approved_is_not_taken_back_without_a_signature(cast: Any, goal: Any) -> None:
    request = asked(cast, goal)
    with acting(cast.sunzong.pk, "page") as deed:
        requests.sign(request.pk, cast.viewer("sunzong"), "approve")
    answer = undo.undo_batch(deed.batch, cast.viewer("wufang"))
    assert answer.done == 0 and answer.refused and value(goal) == 200_000


def test_who_asks_and_who_is_not_asked_do_not_sign(cast: Any, goal: Any) -> None:
    request = asked(cast, goal)
    for name in ("wufang", "linjing", "gaoxiang"):
        with pytest.raises(PermissionDenied):
            requests.sign(request.pk, cast.viewer(name), "approve")
    assert value(goal) == 100_000


def test_a_refusal_needs_words_and_leaves_everything_as_it_was(cast: Any, goal: Any) -> None:
    request = asked(cast, goal)
    with pytest.raises(ValidationError):
        requests.sign(request.pk, cast.viewer("sunzong"), "reject")
    assert requests.sign(request.pk, cast.viewer("sunzong"), "return", "太高").state == "returned"
    assert value(goal) == 100_000
    again = asked(cast, goal, 150_000)
    assert again.pk != request.pk and again.is_open
    with pytest.raises(requests.Settled):
        requests.sign(request.pk, cast.viewer("sunzong"), "approve")


def test_asking_twice_is_one_request_and_another_value_is_refused(cast: Any, goal: Any) -> None:
    assert asked(cast, goal).pk == asked(cast, goal).pk
    with pytest.raises(requests.Settled):
        asked(cast, goal, 300_000)
    requests.withdraw(ApprovalRequest.objects.get().pk, cast.viewer("wufang"))
    assert asked(cast, goal, 300_000).changes["value"] == ["100000.0000", "300000"]


def test_a_deputy_signs_and_it_is_written_down(cast: Any, goal: Any) -> None:
    Deputy(person=cast.sunzong, deputy=cast.zhaoyue, starts_on=TODAY).save()
    request = asked(cast, goal)
    assert Notification.objects.filter(kind="approval", person_id=cast.zhaoyue.pk).exists()
    assert list(requests.to_sign(cast.viewer("zhaoyue"))) == [request]
    requests.sign(request.pk, cast.viewer("zhaoyue"), "approve")
    line = request.lines.get()
    assert (line.person_id, line.signed_by) == (cast.sunzong.pk, cast.zhaoyue.pk) and value(goal) == 200_000


def test_the_asker_does_not_sign_as_a_deputy_either(cast: Any, goal: Any) -> None:
    Deputy(person=cast.sunzong, deputy=cast.wufang, starts_on=TODAY).save()
    request = asked(cast, goal)
    assert not requests.to_sign(cast.viewer("wufang")).exists()
    with pytest.raises(PermissionDenied):
        requests.sign(request.pk, cast.viewer("wufang"), "approve")


def test_an_added_signer_is_waited_for(cast: Any, goal: Any) -> None:
    request = asked(cast, goal)
    requests.add_signer(request.pk, cast.viewer("sunzong"), cast.zhaoyue.pk)
    assert requests.sign(request.pk, cast.viewer("sunzong"), "approve").is_open
    with pytest.raises(ValidationError):
        requests.add_signer(request.pk, cast.viewer("gaoxiang"), cast.wufang.pk)
    assert requests.sign(request.pk, cast.viewer("zhaoyue"), "approve").state == "approved"
    assert value(goal) == 200_000


def test_all_of_a_step_sign_and_one_refusal_ends_it(cast: Any, goal: Any) -> None:
    steps = [{"by": [["role", "sales_manager"]], "needs": "all"}, {"by": [["role", "finance"]], "needs": "any"}]
    ApprovalFlow.objects.create(kind="goaltarget.target", number=1, steps=steps)
    request = asked(cast, goal)
    assert requests.sign(request.pk, cast.viewer("chenmin"), "approve").step == 0
    with pytest.raises(PermissionDenied):
        requests.sign(request.pk, cast.viewer("zhaoyue"), "approve")
    assert requests.sign(request.pk, cast.viewer("liqiang"), "approve").step == 1
    ApprovalFlow.objects.create(kind="goaltarget.target", number=2, steps=steps[:1])  # what runs goes on as it began
    assert requests.sign(request.pk, cast.viewer("zhaoyue"), "reject", "预算不够").state == "rejected"
    assert value(goal) == 100_000


def test_a_double_click_does_not_sign_the_next_step_too(cast: Any, goal: Any) -> None:
    steps = [{"by": [["person", cast.sunzong.pk]], "needs": "any"}] * 2
    ApprovalFlow.objects.create(kind="goaltarget.target", number=1, steps=steps)
    request = asked(cast, goal)
    for _click in range(2):
        request = requests.sign(request.pk, cast.viewer("sunzong"), "approve", step=0)
    assert request.is_open and request.step == 1
    assert requests.sign(request.pk, cast.viewer("sunzong"), "approve", step=1).state == "approved"


# Finding the signers


def test_signers_are_found_upwards_and_at_last_administrators(cast: Any) -> None:
    people = cast.people
    manager, two_up = Step(line_manager(1)), Step(line_manager(2))
    assert flows.signers_of(manager, people["linjing"].pk) == [people["chenmin"].pk]
    assert flows.signers_of(two_up, people["linjing"].pk) == [people["sunzong"].pk]
    assert flows.signers_of(two_up, people["chenmin"].pk) == [people["gaoxiang"].pk]  # nobody is above 孙总
    Account.objects.filter(username="chenmin").update(is_active=False)
    assert flows.signers_of(manager, people["linjing"].pk) == [people["sunzong"].pk]
    either = Step(holders("finance") | this_person(people["helin"].pk))
    assert flows.signers_of(either, people["linjing"].pk) == sorted([people["zhaoyue"].pk, people["helin"].pk])
    assert flows.signers_of(Step(holders("administrator")), people["gaoxiang"].pk) == [people["sunzong"].pk]


def test_without_anybody_who_could_sign_nothing_begins(cast: Any, goal: Any) -> None:
    Account.objects.exclude(username="wufang").update(is_active=False)
    with pytest.raises(ValidationError):
        asked(cast, goal)
    assert not ApprovalRequest.objects.exists()


# Of a record as it stands


def test_a_record_is_approved_as_it_stands_until_a_watched_field_changes(cast: Any, monkeypatch: Any) -> None:
    done: list[Any] = []
    stands = Approval(
        "credit", "credit", (Step(holders("finance")),), ("total_amount",), after=lambda r, q: done.append(r.pk)
    )
    desk = conformance.desk("order")
    monkeypatch.setattr(type(desk), "approvals", (stands,))
    order = conformance.sample(Order, cast.linjing)
    assert guards.standing(order, "credit") == "needed"
    with pytest.raises(guards.NeedsApproval):
        guards.require(order, "credit")
    request = requests.request_approval("credit", order, cast.viewer("linjing"))
    assert guards.standing(order, "credit") == "open"
    requests.sign(request.pk, cast.viewer("zhaoyue"), "approve")
    assert guards.standing(order, "credit") == "approved" and done == [order.pk]
    order.due_on = TODAY + timedelta(days=9)
    order.save()
    guards.require(order, "credit")
    order.total_amount_units += 1
    order.save()
    assert guards.standing(order, "credit") == "lapsed"


def test_a_deleted_record_takes_its_requests_along(cast: Any, goal: Any, client_of: Any) -> None:
    request = asked(cast, goal)
    goal.delete()
    assert ApprovalRequest.objects.get(pk=request.pk).state == "withdrawn"
    assert not requests.to_sign(cast.viewer("sunzong")).exists()
    assert client_of("wufang").get("/approvals/?show=mine").status_code == 200


# Pages and API


def test_several_are_signed_at_once_in_the_inbox(cast: Any, client_of: Any, goal: Any) -> None:
    other = conformance.sample(GoalTarget, cast.zhouhang, value=Decimal(1), currency="CNY")
    first, second = asked(cast, goal), asked(cast, other, 2)
    browser = client_of("sunzong")
    page = browser.get("/approvals/").content.decode()
    assert f'value="{first.pk}:0"' in page and f'value="{second.pk}:0"' in page
    browser.post("/approvals/sign", {"item": [f"{first.pk}:0", f"{second.pk}:0"], "decision": "approve", "note": ""})
    assert value(goal) == 200_000 and value(other) == 2
    assert f"/approvals/{first.pk}" in browser.get("/approvals/?show=done").content.decode()


def test_who_may_neither_read_the_record_nor_sign_does_not_see_the_request(
    cast: Any, client_of: Any, goal: Any
) -> None:
    request = asked(cast, goal)
    for name, expected in {"linjing": 200, "chenmin": 200, "sunzong": 200, "wanglei": 404, "gaoxiang": 404}.items():
        assert client_of(name).get(f"/approvals/{request.pk}").status_code == expected, name
        assert client_of(name).get(f"/api/approvals/{request.pk}").status_code == expected, name
    ApprovalFlow.objects.create(
        kind="goaltarget.target", number=1, steps=[{"by": [["role", "administrator"]], "needs": "any"}]
    )
    requests.withdraw(request.pk, cast.viewer("wufang"))
    again = asked(cast, goal)
    page = client_of("gaoxiang").get(f"/approvals/{again.pk}").content.decode()
    assert "200,000" in page and f'href="/goal-targets/{goal.pk}"' not in page


def test_programs_ask_sign_and_withdraw(cast: Any, client_of: Any, goal: Any) -> None:
    def post(name: str, path: str, data: dict[str, Any]) -> Any:
        return client_of(name).post(f"/api/approvals{path}", data, content_type="application/json")

    body = {"kind": "goaltarget.target", "id": goal.pk, "changes": {"value": "200000"}, "note": "x"}
    assert post("linjing", "", body).status_code == 403
    made = post("wufang", "", body)
    assert made.status_code == 201 and made.json()["changes"] == {"value": ["100000.0000", "200000"]}
    pk = made.json()["id"]
    assert [i["id"] for i in client_of("sunzong").get("/api/approvals").json()["items"]] == [pk]
    assert post("wufang", f"/{pk}/approve", {}).status_code == 403
    assert post("sunzong", f"/{pk}/reject", {}).status_code == 422
    assert post("sunzong", f"/{pk}/approve", {"step": True}).status_code == 422
    assert post("sunzong", f"/{pk}/approve", {"step": 0, "person": {}}).status_code == 422
    assert post("sunzong", f"/{pk}/approve", {"step": 0}).json()["state"] == "approved"
    assert value(goal) == 200_000
    assert post("wufang", f"/{pk}/withdraw", {}).status_code == 409
    assert post("wufang", "", {**body, "changes": {"value": "200001"}}).status_code == 422  # too small to need it
    assert post("wufang", "", {**body, "changes": {"goal": "x"}}).status_code == 422
    assert post("wufang", "", {**body, "kind": "goaltarget.nothing"}).status_code == 422


def test_administrators_set_who_signs_and_from_when_on(cast: Any, client_of: Any, goal: Any) -> None:
    page = "/settings/approvals/goaltarget.target"
    assert client_of("wufang").get(page).status_code == 403
    browser = client_of("gaoxiang")
    assert browser.get("/settings/approvals").status_code == 200 and browser.get(page).status_code == 200
    sent = {"active": "on", "limit": "50", "s0-role": "finance", "s0-needs": "all"}
    assert browser.post(page, sent).status_code == 302
    flow = ApprovalFlow.objects.get()
    assert (flow.number, flow.limit, flow.steps) == (1, Decimal("0.5"), [{"by": [["role", "finance"]], "needs": "all"}])
    with acting(cast.wufang.pk, "page"):
        goal.value = Decimal(149_000)
        goal.save()
    assert browser.post(page, {"active": "on", "limit": "50"}).status_code == 422
    api = client_of("gaoxiang").post(
        "/api/approval-flows/goaltarget.target", {"steps": flow.steps, "active": False}, content_type="application/json"
    )
    assert api.status_code == 200 and api.json()["number"] == 2
    for wrong in ({"by": [["role", "finance"]], "needs": {}}, {"by": [["role", "\x00"]]}, {"by": [[{}, 1]]}, None):
        body = {"steps": [wrong]}
        refused = browser.post("/api/approval-flows/goaltarget.target", body, content_type="application/json")
        assert refused.status_code == 422, wrong
    goal.value = Decimal(900_000)
    with acting(cast.wufang.pk, "page"):
        goal.save()
    assert value(goal) == 900_000

"""The administrator's pages of rights: what is set there holds at once, and what is told there is what is."""

from __future__ import annotations

from typing import Any

from xiaoguan.customers.models import Customer
from xiaoguan.desk import conformance
from xiaoguan.desk.access import scope_of
from xiaoguan.desk.conformance import sample
from xiaoguan.people.models import FieldLevel, Grant, Role
from xiaoguan.people.sharing import share


def test_what_is_set_in_the_matrix_holds_and_is_taken_back(cast: Any, client_of: Any) -> None:
    customer = sample(Customer, cast.linjing, phone="13812345678")
    seller, admin = Role.objects.get(code="sales_rep"), client_of("gaoxiang")
    stranger = client_of("wanglei")
    assert stranger.get(f"/customers/{customer.pk}").status_code == 404
    sent = {f"g:{seller.pk}:read": "all", f"g:{seller.pk}:delete": "", f"f:{seller.pk}:phone": "masked"}
    answer = admin.post("/settings/rights?entity=customer", sent, follow=True)
    page = stranger.get(f"/customers/{customer.pk}")
    assert page.status_code == 200 and "13812345678" not in page.content.decode()
    assert '<option value="masked" selected>' in answer.content.decode()
    assert (Grant.objects.count(), FieldLevel.objects.count()) == (1, 1)
    undo = next(str(m.extra_tags) for m in answer.context["messages"]) if answer.context else ""
    assert not undo or undo.startswith("undo:")
    admin.post("/settings/rights?entity=customer", {f"g:{seller.pk}:read": "", f"f:{seller.pk}:phone": ""})
    assert stranger.get(f"/customers/{customer.pk}").status_code == 404
    assert not Grant.objects.exists() and not FieldLevel.objects.exists()


def test_impossible_choices_are_not_kept(cast: Any, client_of: Any) -> None:
    seller, admin = Role.objects.get(code="sales_rep"), client_of("gaoxiang")
    admin.post("/settings/rights?entity=customer", {f"g:{seller.pk}:read": "half", f"g:{seller.pk}:fly": "all"})
    assert not Grant.objects.exists()


def test_what_would_somebody_see_is_told_in_words_and_numbers(cast: Any, client_of: Any) -> None:
    for owner in (cast.linjing, cast.zhouhang, cast.wanglei):
        sample(Customer, owner)
    page = client_of("gaoxiang").get(f"/settings/sees?person={cast.linjing.pk}").content.decode()
    assert ">2</" in page[page.index("客户</th>") :].split("</tr>")[0]
    boss = client_of("gaoxiang").get(f"/settings/sees?person={cast.sunzong.pk}").content.decode()
    assert ">3</" in boss[boss.index("客户</th>") :].split("</tr>")[0]


def test_its_numbers_lead_to_what_both_may_see_and_count_the_rest(cast: Any, client_of: Any) -> None:
    theirs = [sample(Customer, owner) for owner in (cast.linjing, cast.zhouhang)]
    far = sample(Customer, cast.wanglei)
    Grant(role=Role.objects.get(code="administrator"), entity="customer", deed="read", scope="own").save()
    mine = sample(Customer, cast.gaoxiang)
    share(cast.viewer("linjing"), conformance.desk("customer"), theirs[0], person=cast.gaoxiang)
    admin = client_of("gaoxiang")
    where = f"/settings/sees/records?person={cast.linjing.pk}&of=customer"
    assert where.replace("&", "&amp;") in admin.get(f"/settings/sees?person={cast.linjing.pk}").content.decode()
    page = admin.get(where).content.decode()
    assert theirs[0].name in page
    assert not any(hidden.name in page for hidden in (theirs[1], far, mine))
    assert "林静能看到 2 条" in page and "1 条" in page
    assert client_of("sunzong").get(where).status_code == 403
    assert admin.get("/settings/sees/records?person=0&of=customer").status_code == 404


def test_only_administrators_see_these_pages(cast: Any, client_of: Any) -> None:
    for name in ("sunzong", "linjing"):
        for page in ("/settings/sees", "/settings/rights"):
            assert client_of(name).get(page).status_code == 403
    assert client_of("sunzong").post("/settings/rights?entity=customer", {}).status_code == 403


def test_the_matrix_says_what_results_where_nothing_is_set(cast: Any, client_of: Any) -> None:
    desk = conformance.desk("customer")
    assert [scope_of(desk.read, code) for code in ("sales_rep", "general_manager")] == ["team", "all"]
    assert [scope_of(desk.delete, code) for code in ("sales_rep", "general_manager")] == ["none", "all"]
    page = client_of("gaoxiang").get("/settings/rights").content.decode()
    assert '<option value="?entity=customer" selected>' in page  # what people work with every day comes first
    assert page.count("全部（默认）") > 2 and "无（默认）" in page

"""The demo company: believable, adding up, the same on the same day; and its door."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import F, Sum
from django.test import Client
from django.utils import timezone

from xiaoguan.customers.models import Customer
from xiaoguan.desk import search
from xiaoguan.desk.approvals.models import ApprovalRequest
from xiaoguan.desk.desk import desk_of, desks
from xiaoguan.desk.models import Event
from xiaoguan.desk.records import Record
from xiaoguan.goals.models import GoalTarget
from xiaoguan.people.models import Account, Membership, Person, ReportingLine, Role, RoleAssignment, Team
from xiaoguan.policy import load_text
from xiaoguan.project import demo
from xiaoguan.project.cast import LOGINS, PASSWORD
from xiaoguan.project.simulation import Simulation
from xiaoguan.rulebook.models import Result, Run
from xiaoguan.rulebook.versions import in_force
from xiaoguan.sales.models import Activity, Opportunity, Order, OrderLine, Payment, StageSpell

TODAY = date(2026, 11, 22)
STAGES = ("identify", "contact", "needs", "solution", "negotiate", "won")


@pytest.fixture(scope="module")
def company(django_db_setup: Any, django_db_blocker: Any) -> Iterator[None]:
    """Four months of the company in place of the cast of the other stories, gone again after this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        for model in (Account, RoleAssignment, Membership, ReportingLine, Team, Person, Event):
            model.objects.all().delete()
        demo.load(4, TODAY)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the evening of the day up to which the company was made."""
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 22, 10, 0, tzinfo=UTC))


def simulated(today: date, months: int) -> Simulation:
    policy, _issues = load_text(demo.policy_file().read_text(encoding="utf-8"), "")
    assert policy is not None
    roles = {code: Role(code=code) for code in {player.role for player in demo.cast.PLAYERS}}
    return Simulation(today, months, policy.calendar, STAGES, roles).run()


def told(company: Simulation) -> list[Any]:
    orders = [(o.number, o.customer.name, o.net_amount_units) for o in company.rows[Order][0]]
    return [*orders, *((d.at, d.deed, str(d.record)) for d in company.deeds)]


def words_of(answer: Any) -> str:
    """What a page says, without its markup."""
    page = re.sub(r"<(script|style)\b.*?</\1>", "", answer.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_same_day_makes_the_same_company() -> None:
    assert told(simulated(TODAY, 2)) == told(simulated(TODAY, 2))


@pytest.mark.parametrize(("day", "months"), [("2027-01-01", 1), ("2028-02-29", 13), ("2026-07-01", 6)])
def test_any_day_will_do_also_in_a_year_whose_holidays_are_not_known(day: str, months: int) -> None:
    company = simulated(date.fromisoformat(day), months)
    assert company.rows[Opportunity][0] and company.rows[Order][0]
    assert max(d.at for d in company.deeds).date() < company.today


def test_nothing_happens_from_today_on(company: None) -> None:
    assert not Opportunity.objects.filter(opened_on__gte=TODAY).exists()
    assert not Opportunity.objects.filter(closed_on__gte=TODAY).exists()
    assert not Order.objects.filter(ordered_on__gte=TODAY).exists()
    assert not Payment.objects.filter(received_on__gte=TODAY).exists()
    assert not Activity.objects.filter(done_on__gte=TODAY).exists()
    evening = timezone.make_aware(datetime(2026, 11, 21, 23, 59))
    assert not Event.objects.filter(at__gt=evening).exclude(entity="role").exists()


def test_sales_are_believable(company: None) -> None:
    results = Counter(Opportunity.objects.values_list("result", flat=True))
    assert 0.15 < results["won"] / (results["won"] + results["lost"]) < 0.35
    assert results["open"] > 100
    cycles = [(o.closed_on - o.opened_on).days for o in Opportunity.objects.filter(result="won")]
    assert min(cycles) >= 20 and max(cycles) <= 90
    assert not Opportunity.objects.filter(result="lost", lost_reason="").exists()
    assert Order.objects.filter(due_on__lt=TODAY, received_amount__lt=F("total_amount"), status="signed").exists()
    assert not Order.objects.filter(received_amount__gt=F("total_amount")).exists()
    assert Customer.objects.filter(owner=None).exists(), "the public pool"
    wins = Opportunity.objects.filter(result="won")
    assert not wins.exclude(orders__net_amount=F("amount")).exists(), "what was won is what was ordered"


def test_orders_are_the_sum_of_their_lines_and_keep_what_came_in(company: None) -> None:
    lines = dict(OrderLine.objects.values_list("order").annotate(Sum("net_amount")))
    paid = dict(Payment.objects.values_list("order").annotate(Sum("amount")))
    for order in Order.objects.all():
        assert order.net_amount_units == lines[order.pk]
        parts = order.net_amount_units + order.tax_amount_units + order.freight_amount_units
        assert order.total_amount_units == parts
        assert order.received_amount_units == paid.get(order.pk, 0)


def test_every_stay_in_a_stage_follows_the_one_before(company: None) -> None:
    stays: dict[int, list[StageSpell]] = defaultdict(list)
    for spell in StageSpell.objects.order_by("opportunity", "entered_at"):
        stays[spell.opportunity_id].append(spell)
    for deal in Opportunity.objects.all():
        own = stays[deal.pk]
        assert [s.left_at for s in own[:-1]] == [s.entered_at for s in own[1:]] and own[-1].left_at is None
        assert own[-1].stage == deal.stage
        assert [s.stage for s in own] == list(STAGES[: len(own)]), "no stage is skipped, as the policy says"


def test_every_record_has_its_events_and_its_search_entry(company: None) -> None:
    for model in apps.get_models():
        if not issubclass(model, Record) or model is Role:
            continue
        events = Event.objects.filter(entity=model._meta.model_name)
        created = events.filter(deed="created")
        assert set(created.values_list("record_id", flat=True)) == set(model.objects.values_list("pk", flat=True))
        changed = Counter(events.filter(deed="changed").values_list("record_id", flat=True))
        for pk, version in model.objects.values_list("pk", "version"):
            assert version == 1 + changed[pk], f"{model.__name__} {pk}"
    ids = list(Event.objects.order_by("id").values_list("at", flat=True))
    assert ids == sorted(ids)
    someone = Customer.objects.order_by("pk").first()
    found = Customer.objects.filter(search.hits(desk_of(Customer), someone.name))
    assert someone in found


def test_goals_add_up_exactly_from_people_to_the_company_and_from_months_to_the_year(company: None) -> None:
    whole: dict[Any, Any] = {}
    people: dict[Any, Any] = defaultdict(int)
    teams: dict[Any, Any] = defaultdict(int)
    months: dict[Any, Any] = defaultdict(int)
    for row in GoalTarget.objects.all():
        key = row.goal, row.starts_on, row.ends_on
        if row.person_id:
            people[key] += row.value
        elif row.team_id:
            teams[key] += row.value
        else:
            whole[key] = row.value
        if row.goal == "annual_bookings" and row.ends_on - row.starts_on < timedelta(days=32):
            months[row.person_id, row.team_id, row.starts_on.year] += row.value
        assert row.method
    assert whole == people == teams
    years = GoalTarget.objects.filter(goal="annual_bookings", starts_on=date(2026, 1, 1), ends_on=date(2027, 1, 1))
    assert years.count() > 30
    for row in years:
        assert row.value == months[row.person_id, row.team_id, 2026]


def test_the_policy_is_in_force_and_the_closed_months_are_reckoned(company: None) -> None:
    assert [v.policy_id for v in in_force(TODAY)] == ["small-company"]
    assert list(Run.objects.order_by("starts_on").values_list("label", flat=True)) == [
        "2026-07",
        "2026-08",
        "2026-09",
        "2026-10",
    ]
    linjing = Person.objects.get(name="林静")
    assert Result.objects.filter(kind="total", person=linjing).count() == 4
    reached = Result.objects.filter(
        kind="attainment", name="annual_bookings", person__isnull=False, run__label="2026-10"
    )
    shares = [r.value / r.denominator for r in reached if r.value is not None]
    assert min(shares) < 0.8 < 1 < max(shares), "some hit the goal and some miss it"


def test_a_discount_waits_for_whom_the_policy_asks_for(company: None) -> None:
    request = ApprovalRequest.objects.filter(kind="order.discount", state="open").first()
    assert request is not None and request.record().status == "draft" and request.lines.filter(decision="").exists()


def test_the_door_shows_the_cast_and_lets_them_in(company: None, evening: None) -> None:
    shown = {login["username"]: login for login in demo.logins()}
    assert tuple(shown) == LOGINS and shown["linjing"]["name"] == "林静"
    page = Client().get("/account/login/").content.decode()
    assert re.findall(r'data-demo-login="(\w+)"', page) == list(LOGINS)
    browser = Client()
    signs = {"login": "linjing", "password": shown["linjing"]["password"]}
    entered = browser.post("/account/login/", signs, headers={"Accept-Language": "en"})
    assert entered.status_code == 302
    assert Account.objects.get(username="linjing").language == "en"  # mails come as the pages looked
    Account.objects.update(language="")  # the company stays for the tests that follow


def test_an_account_with_a_password_of_its_own_leaves_the_list(company: None) -> None:
    with transaction.atomic():
        account = Account.objects.get(username="wanglei")
        account.set_password("a long enough secret 42")
        account.save()
        assert "wanglei" not in {login["username"] for login in demo.logins()}
        transaction.set_rollback(True)


def test_the_day_of_linjing(company: None, evening: None, client_of: Any) -> None:
    day = words_of(client_of("linjing").get("/"))
    assert all(f"年度签约任务 · {period}" in day for period in ("2026-11", "2026-Q4", "2026"))
    assert "半年新客户目标 · 2026-H2" in day and "销售提成" in day
    assert re.search(r"今日待办 \d", day)
    statement = words_of(client_of("linjing").get("/statement/"))
    assert "2026-10 2026-09 2026-08 2026-07" in statement
    assert "销售提成 小企业销售管理制度 1.0.0，第三章第1条" in statement
    tree = words_of(client_of("chenmin").get("/goals/"))
    assert all(name in tree for name in ("公司", "华东", "华北", "林静", "周航")) and "王磊" not in tree


def test_what_is_only_ever_added_to_has_pages_too(company: None, evening: None, client_of: Any) -> None:
    kept = [d for d in desks() if not hasattr(d.model, "version") and d.model.objects.exists()]
    assert {"result", "ledgerentry"} <= {d.key for d in kept}
    boss = client_of("sunzong")
    for desk in kept:
        newest = desk.model.objects.order_by("-pk").values_list("pk", flat=True)[0]
        for name in ("detail", "peek"):
            assert boss.get(desk.url(name, pk=newest)).status_code == 200, f"{desk.key} {name}"


def test_everybody_of_the_cast_has_something_to_do(company: None, evening: None, client_of: Any) -> None:
    for key in LOGINS:
        assert re.search(r"今日待办 \d", words_of(client_of(key).get("/"))), key


def test_a_real_company_shows_nobody_at_the_door(cast: Any) -> None:
    assert demo.logins() == []
    assert "data-demo-login" not in Client().get("/account/login/").content.decode()


def test_the_password_of_the_demo_is_one_that_would_be_accepted(db: Any) -> None:
    from django.contrib.auth.password_validation import validate_password

    validate_password(PASSWORD, Account(username="linjing", email="linjing@shifan.example"))


def test_history_has_a_length(db: Any) -> None:
    for months in (0, 61):
        with pytest.raises(ValueError, match="1 to 60 months"):
            demo.load(months)

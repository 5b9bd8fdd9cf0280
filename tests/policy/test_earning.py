"""提成, 奖金, 专项, 奖金池: what components earn where records are reversed, teams move and less is better."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaoguan.policy import RowsWorld, Who
from xiaoguan.policy.check import check
from xiaoguan.policy.credit import group_metric
from xiaoguan.policy.prose import explain_text
from xiaoguan.policy.world import Book, Span

from .making import BOOKINGS, calc, issues_of, pays, policy

PEOPLE = """id,name,role,team,manager,hired_on,left_on
    lin,林静,rep,east,chen,2024-01-01,
    zhou,周航,rep,east,chen,2024-01-01,
    chen,陈敏,leader,east,,2020-01-01,"""


def plan(component: str, more: str = BOOKINGS, rest: str = "") -> str:
    return f"{more}incentive:\n  - {{id: plan, role: rep, components: [{component}]{rest}}}\n"


# 奖金池 pools


def test_a_pool_by_credit_says_of_which_metric():
    pool = '{id: p, kind: pool, fund: "1% * total(bookings, of=team)", divide: {credit: 100%}}'
    [issue] = check(policy(plan(pool)))
    assert (issue.level, issue.message) == ("error", "pool p is divided by credit but does not say of which metric")


def test_a_pool_by_credit_is_cut_by_what_each_brought(tmp_path):
    pool = '{id: p, kind: pool, basis: bookings, fund: "1% * total(bookings, of=team)", divide: {credit: 100%}}'
    orders = """id,person,signed_on,net_amount
        a,lin,2026-01-15,10000
        b,zhou,2026-01-16,20000"""
    made = calc(tmp_path, plan(pool), people=PEOPLE, orders=orders)
    assert (pays(made, "lin"), pays(made, "zhou")) == ({"p": "100.00"}, {"p": "200.00"})


def test_an_empty_fund_pays_nothing_whatever_it_is_divided_by(tmp_path):
    pool = '{id: p, kind: pool, basis: bookings, fund: "1% * total(bookings, of=team)", divide: {credit: 100%}}'
    made = calc(tmp_path, plan(pool), people=PEOPLE, orders="id,person,signed_on,net_amount")
    assert pays(made) == {"p": "0.00"}


def test_who_was_not_there_has_no_part_of_a_pool(tmp_path):
    pool = '{id: p, kind: pool, period: quarter, fund: "1% * total(bookings, of=team)"}'
    people = f"""{PEOPLE}
        old,Old,rep,east,chen,2020-01-01,2025-06-01
        new,New,rep,east,chen,2026-07-01,"""
    orders = "id,person,signed_on,net_amount\na,lin,2026-01-15,30000"
    made = calc(tmp_path, plan(pool), "2026-Q1", people=people, orders=orders)
    assert {one["person"]: one["total"] for one in made["statements"]} == {"lin": "150.00", "zhou": "150.00"}


def test_presence_in_a_pool_is_the_days_in_the_team_under_the_plan(tmp_path):
    pool = '{id: p, kind: pool, period: month, fund: "570", divide: {presence: 100%}}'
    assigned = """person,from,to,role,team
        zhou,2020-01-01,2026-01-16,rep,west
        zhou,2026-01-16,,rep,east
        left,2020-01-01,2026-01-11,rep,east"""
    people = f"{PEOPLE}\n        left,Left,rep,east,chen,2020-01-01,2026-01-11"
    made = calc(tmp_path, plan(pool), people=people, assignments=assigned, orders="id,person,signed_on,net_amount")
    # 31, 16 and 10 days
    assert {one["person"]: one["total"] for one in made["statements"]} == {
        "lin": "310.00", "zhou": "160.00", "left": "100.00"
    }  # fmt: skip


# 专项激励 spiffs


SHARED = ", credit: {payees: [{as: owner, share: 70%}, {as: co_owner, share: 30%, else: owner}]}"


def test_the_reversal_of_a_record_takes_its_spiff_away_again(tmp_path):
    spiff = "{id: sp, kind: spiff, from: orders, date: signed_on, pay_each: 250.01}"
    orders = """id,person,co_owner,signed_on,net_amount,reverses
        a,lin,zhou,2026-01-10,100,
        b,lin,,2026-02-28,50,
        c,lin,zhou,2026-02-10,-100,a"""
    made = [calc(tmp_path, plan(spiff, rest=SHARED), p, people=PEOPLE, orders=orders) for p in ("2026-01", "2026-02")]
    assert [pays(one, "lin")["sp"] for one in made] == ["175.01", "75.00"]
    assert [pays(one, "zhou")["sp"] for one in made] == ["75.00", "-75.00"]


@pytest.mark.parametrize("quantity", [4, -4])
def test_the_reversal_of_units_takes_theirs_away_however_it_is_signed(tmp_path, quantity):
    spiff = "{id: sp, kind: spiff, from: order_lines, date: signed_on, each: unit, pay_each: 3}"
    lines = f"id,person,signed_on,quantity,reverses\na,lin,2026-01-10,10,\nb,lin,2026-01-12,{quantity},a"
    assert pays(calc(tmp_path, plan(spiff), people=PEOPLE, order_lines=lines)) == {"sp": "18.00"}


def test_a_reversed_record_does_not_count_in_a_table_by_count(tmp_path):
    tiers = "{mode: amount, by: count, accumulate: quarter, rates: [{from: 0, amount: 0}, {from: 2, amount: 50}]}"
    orders = """id,person,signed_on,net_amount,reverses
        a,lin,2026-01-05,1000,
        b,lin,2026-02-05,1500,
        c,lin,2026-02-06,-1000,a"""
    body = plan(f"{{id: n, kind: commission, basis: bookings, tiers: {tiers}}}")
    assert pays(calc(tmp_path, body, "2026-02", people=PEOPLE, orders=orders)) == {"n": "0.00"}
    assert pays(calc(tmp_path, body, "2026-02", people=PEOPLE, orders=orders[: orders.index("c,lin")]))["n"] == "50.00"


# 越低越好 lower is better


RETURNS = """
metrics:
  bookings: {name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
  returned: {name: 退货数, type: count, from: returns, value: "count()", date: returned_on, direction: down}
goals:
  - {id: few, metric: returned, period: month, target: {method: assigned}}
"""


def few(tmp_path, component, *, returned, quota=4):
    rows = "\n".join(f"r{i},lin,2026-01-10" for i in range(returned))
    facts = {
        "orders": "id,person,signed_on,net_amount\na,lin,2026-01-05,10000",
        "returns": f"id,person,returned_on\n{rows}",
        "goals": f"goal,person,period,value\nfew,lin,2026-01,{quota}",
    }
    return pays(calc(tmp_path, plan(component, RETURNS), people=PEOPLE, **facts))["c"]


@pytest.mark.parametrize(
    ("returned", "slab", "curve", "bonus", "matrix"),
    [
        (8, "100.00", "250.00", "0.00", "50.00"),
        (5, "100.00", "400.00", "0.00", "50.00"),
        (4, "500.00", "500.00", "100.00", "100.00"),
        (2, "500.00", "500.00", "100.00", "100.00"),
        (0, "500.00", "500.00", "100.00", "100.00"),
    ],
)
def test_tables_rise_with_the_attainment_also_where_less_is_better(tmp_path, returned, slab, curve, bonus, matrix):
    table = "by: attainment, of: few, rates: [{from: 0%, rate: 1%}, {from: 100%, rate: 5%}]"
    component = "{id: c, kind: commission, basis: bookings, tiers: {mode: %s}}"
    assert few(tmp_path, component % f"slab, {table}", returned=returned) == slab
    points = "interpolated, by: attainment, of: few, points: {0%: 0%, 100%: 5%}"
    assert few(tmp_path, component % points, returned=returned) == curve
    steps = "{mode: slab, by: attainment, of: few, rates: [{from: 0%, rate: 0%}, {from: 100%, rate: 100%}]}"
    assert few(tmp_path, f"{{id: c, kind: bonus, target: 100, tiers: {steps}}}", returned=returned) == bonus
    axes = "rows: {metric: returned, of: attainment, from: [0%, 100%]}, columns: {metric: bookings, from: [0]}"
    cells = f"{{id: c, kind: matrix, target: 100, {axes}, percent: [[50%], [100%]]}}"
    assert few(tmp_path, cells, returned=returned) == matrix


def test_a_table_that_cuts_what_should_be_low_is_refused():
    tiers = "{mode: marginal, by: attainment, of: low, rates: [{from: 0%, rate: 1%}]}"
    body = RETURNS.replace("goals:", "  cost: {name: 成本, type: amount, from: orders, value: 'sum(cost)', "
                           "date: signed_on, direction: down}\ngoals:\n  - {id: low, metric: cost, period: month, "
                           "target: {method: assigned}}")  # fmt: skip
    found = check(policy(plan(f"{{id: c, kind: commission, basis: cost, tiers: {tiers}}}", body)))
    assert "the tiers of c cut cost into parts, but the lower it is the better" in [one.message for one in found]
    assert issues_of(body) == []


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ("mode: marginal, by: count", "the number of records"),
        ("mode: marginal, by: amount, of: paid", "paid"),
        ("mode: per_transaction, by: count", "the number of records"),
    ],
)
def test_money_is_not_cut_by_another_number(table, what):
    body = BOOKINGS.replace("goals:", "  paid: {name: 回款, type: amount, from: payments, value: 'sum(amount)', "
                            "date: received_on}\ngoals:")  # fmt: skip
    component = f"{{id: c, kind: commission, basis: bookings, tiers: {{{table}, rates: [{{from: 0, rate: 1%}}]}}}}"
    messages = [one.message for one in check(policy(plan(component, body)))]
    assert messages == [f"commission c pays on bookings but its tiers are cut by {what}"]


# 归属 crediting


FLAT = "{id: c, kind: commission, basis: bookings, rate: 10%}"
LEADERS = "  - {id: leaders, role: leader, components: [{id: ov, kind: commission, basis: bookings, rate: 1%}]}\n"


def test_the_reversal_of_an_order_goes_up_the_reporting_line_of_the_order(tmp_path):
    people = """id,name,role
        lin,林静,rep
        chen,陈敏,leader
        wu,吴越,leader"""
    assignments = """person,from,to,role,manager
        lin,2020-01-01,2026-01-15,rep,chen
        lin,2026-01-15,,rep,wu
        chen,2020-01-01,,leader,
        wu,2020-01-01,,leader,"""
    orders = """id,person,signed_on,net_amount,reverses
        a,lin,2026-01-10,1000,
        b,lin,2026-01-20,-1000,a
        c,lin,2026-01-20,500,"""
    body = plan(FLAT, rest=", credit: {rollup: [{to: manager}]}") + LEADERS
    made = calc(tmp_path, body, people=people, assignments=assignments, orders=orders)
    assert (pays(made, "lin"), pays(made, "chen"), pays(made, "wu")) == ({"c": "50.00"}, {"ov": "0.00"}, {"ov": "5.00"})


def test_what_a_discount_takes_off_an_order_its_reversal_gives_back(tmp_path):
    body = plan(FLAT) + 'discount: {base: list_price, effect: {when: "discount > 20%", credit_factor: 70%}}\n'
    orders = """id,person,signed_on,net_amount,discount,reverses
        a,lin,2026-01-10,1000,30%,
        b,lin,2026-01-20,-1000,,a"""
    assert pays(calc(tmp_path, body, people=PEOPLE, orders=orders)) == {"c": "0.00"}


def test_an_overlay_is_not_rolled_up(tmp_path):
    credit = (
        ", credit: {payees: [{as: owner, share: 100%}], overlay: [{as: presales, share: 30%}], rollup: [{to: manager}]}"
    )
    orders = "id,person,presales,signed_on,net_amount\na,lin,zhou,2026-01-10,10000"
    made = calc(tmp_path, plan(FLAT, rest=credit) + LEADERS, people=PEOPLE, orders=orders)
    assert (pays(made, "lin")["c"], pays(made, "zhou")["c"], pays(made, "chen")["ov"]) == (
        "1000.00",
        "300.00",
        "100.00",
    )


@pytest.mark.parametrize(("component", "value"), [(FLAT, "1010.00"), ("SPIFF", "40.00")])
def test_a_role_left_and_taken_again_does_not_count_the_time_between(tmp_path, component, value):
    spiff = "{id: c, kind: spiff, from: orders, date: signed_on, pay_each: 20}"
    assignments = """person,from,to,role
        lin,2024-01-01,2026-01-10,rep
        lin,2026-01-10,2026-01-20,leader
        lin,2026-01-20,2026-01-22,rep
        lin,2026-01-22,,rep"""
    orders = """id,person,signed_on,net_amount
        a,lin,2026-01-05,100
        b,lin,2026-01-15,1000
        c,lin,2026-01-25,10000"""
    body = plan(component.replace("SPIFF", spiff))
    made = calc(tmp_path, body, people=PEOPLE, assignments=assignments, orders=orders)
    assert pays(made) == {"c": value}


# 团队与公司口径 teams and the company


TEAM = """
metrics:
  bookings: {name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
  buyers: {name: 客户数, type: count, from: orders, value: "count_distinct(customer)", date: signed_on}
  largest: {name: 最大单, type: amount, from: orders, value: "max(net_amount)", date: signed_on}
  won: {name: 赢单, type: count, from: opportunities, value: "count()", date: closed_on, where: "result == 'won'"}
  closed: {name: 关单, type: count, from: opportunities, value: "count()", date: closed_on}
  win_rate: {name: 赢单率, type: ratio, value: "ratio(won, closed, empty=missing)"}
goals:
  - {id: quota, metric: bookings, period: quarter, target: {method: assigned}}
"""


def bonus(when, pays="500"):
    return plan(f'{{id: b, kind: bonus, period: quarter, amount: {pays}, when: "{when}"}}', TEAM)


MOVED = """person,from,to,role,team
    lin,2024-01-01,2026-02-01,rep,east
    lin,2026-02-01,,rep,west
    zhou,2024-01-01,,rep,east
    wang,2024-01-01,,rep,west"""
THREE = "id,name,role\nlin,林静,rep\nzhou,周航,rep\nwang,王磊,rep"


@pytest.mark.parametrize(
    ("when", "zhou", "wang"),
    [
        ("total(bookings, of=team) == 30000", "500.00", "0.00"),
        ("total(bookings, of=team) == 1000", "0.00", "500.00"),
        ("attainment(quota, of=team) == 100%", "500.00", "500.00"),
        ("total(bookings, of=company) == 31000", "500.00", "500.00"),
        ("total(buyers, of=team) == 1", "500.00", "500.00"),
        ("total(buyers, of=company) == 1", "500.00", "500.00"),
        ("total(largest, of=team) == 20000", "500.00", "0.00"),
        ("total(win_rate, of=team) == 75%", "500.00", "0.00"),
        ("total(win_rate, of=team) == 0%", "0.00", "500.00"),
    ],
)
def test_a_team_has_the_records_of_those_who_were_in_it_on_their_day(tmp_path, when, zhou, wang):
    facts = {
        "orders": """id,person,signed_on,net_amount,customer
            a,lin,2026-01-15,20000,X
            b,zhou,2026-02-15,10000,X
            c,lin,2026-02-15,1000,X""",
        "opportunities": """id,person,closed_on,result
            1,lin,2026-01-15,won
            2,zhou,2026-01-15,won
            3,zhou,2026-03-15,won
            4,zhou,2026-03-16,lost
            5,lin,2026-03-16,lost""",
        "goals": "goal,team,period,value\nquota,east,2026-Q1,30000\nquota,west,2026-Q1,1000",
    }
    made = calc(tmp_path, bonus(when), "2026-Q1", people=THREE, assignments=MOVED, **facts)
    assert (pays(made, "zhou")["b"], pays(made, "wang")["b"]) == (zhou, wang)


def test_a_split_order_counts_in_each_team_with_its_share_and_an_overlay_in_none(tmp_path):
    facts = {
        "orders": "id,person,signed_on,net_amount\na,lin,2026-03-15,20000",
        "splits": """record,person,share,kind
            a,lin,70%,
            a,zhou,30%,
            a,wang,50%,overlay""",
    }
    for when, zhou, wang in (("== 6000", "500.00", "0.00"), ("== 14000", "0.00", "500.00")):
        body = bonus(f"total(bookings, of=team) {when}")
        made = calc(tmp_path, body, "2026-Q1", people=THREE, assignments=MOVED, **facts)
        assert (pays(made, "zhou")["b"], pays(made, "wang")["b"]) == (zhou, wang)


def test_the_rates_of_the_policy_hold_for_teams_and_the_company_too(tmp_path):
    fx = "fx: {attainment: plan_rate, earning: event_date, payout: earned, missing: hold}"
    pool = '{id: p, kind: pool, fund: "1% * total(bookings, of=team)"}'
    largest = '{id: m, kind: bonus, amount: 5, when: "total(largest, of=company) == 70000 and largest <= 70000"}'
    body = plan(f"{pool}, {largest}", TEAM)
    facts = {
        "orders": "id,person,signed_on,net_amount,currency\na,lin,2026-01-10,10000,USD\nb,zhou,2026-01-10,10000,CNY",
        "rates": "currency,on,rate,kind\nUSD,2026-01-01,7,plan\nUSD,2026-01-10,7.2,spot",
        "goals": "goal,person,team,period,value\nquota,,east,2026-01,80000\nquota,,,2026-01,80000",
    }
    made = calc(tmp_path, body, people=PEOPLE, header=fx, **facts)
    assert (pays(made, "lin"), pays(made, "zhou")) == ({"p": "400.00", "m": "5.00"}, {"p": "400.00", "m": "5.00"})
    assert [(one["team"], one["actual"], one["attainment"]) for one in made["goals"]] == [
        ("east", "80000.00", "1"),
        ("", "80000.00", "1"),
    ]


def test_different_customers_of_shared_orders_are_counted(tmp_path):
    credit = ", credit: {payees: [{as: owner, share: 70%}, {as: co_owner, share: 30%, else: owner}]}"
    body = plan('{id: b, kind: bonus, amount: 5, when: "buyers == 2"}', TEAM, credit)
    orders = """id,person,co_owner,signed_on,net_amount,customer
        a,lin,zhou,2026-01-10,100,X
        b,lin,,2026-01-11,100,Y"""
    made = calc(tmp_path, body, people=PEOPLE, orders=orders)
    assert (pays(made, "lin")["b"], pays(made, "zhou")["b"]) == ("5.00", "0.00")


# What could never be paid as it is written


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (
            '{id: c, kind: commission, basis: bookings, rate: 1%, gates: [{when: "buyers < 5", effect: {max: 90%}}]}',
            "a gate limits c to a share of its target, but a commission has none",
        ),
        (
            "{id: c, kind: bonus, target: 100, tiers: {mode: slab, by: amount, rates: [{from: 0, rate: 1%}]}}",
            "bonus c looks up a tier by amount but does not say of which metric",
        ),
        (
            "{id: c, kind: bonus, target: 9, tiers: {mode: slab, by: amount, of: win_rate, "
            "rates: [{from: 0, rate: 1%}]}}",
            "tiers by amount are looked up by win_rate, which is a ratio",
        ),
        (
            "{id: c, kind: bonus, target: 9, tiers: {mode: slab, by: count, of: bookings, "
            "rates: [{from: 0, rate: 1%}]}}",
            "tiers by count are looked up by bookings, which is an amount",
        ),
        (
            "{id: c, kind: bonus, target: 100, tiers: {mode: slab, by: count, of: buyers, rates: [{from: 0, rate: 0%}, "
            "{from: 10, rate: 60%}]}}",
            "at 10 the rate on everything goes from 0% to 60%: the pay jumps by 60% of the target",
        ),
        (
            "{id: c, kind: spiff, from: opportunities, pay_each: 5}",
            "spiff c: 'signed_on' is not a date of opportunities",
        ),
        (
            "{id: c, kind: bonus, target: 9, tiers: {mode: per_transaction, by: amount, of: bookings, "
            "rates: [{from: 0, rate: 1%}]}}",
            "bonus c has no records to look up one by one",
        ),
        (
            "{id: c, kind: commission, basis: bookings, rate: 1%, role: other}",
            "c is for the role 'other', which plan plan is not for",
        ),
        (
            "{id: c, kind: commission, basis: bookings, period: quarter, rate: 1%, cap: {amount: 9, per: month}}",
            "c earns by the quarter, which does not lie in one month",
        ),
        (
            "{id: c, kind: matrix, target: 9, rows: {metric: win_rate, from: [0, 80]}, "
            "columns: {metric: buyers, from: [0]}, percent: [[10], [20]]}",
            "the rows of c are cut by percentages",
        ),
        (
            "{id: c, kind: matrix, target: 9, rows: {metric: bookings, from: [0%, 80%]}, "
            "columns: {metric: buyers, from: [0]}, percent: [[10], [20]]}",
            "the rows of c are cut by numbers",
        ),
        (
            "{id: c, kind: bonus, target: 9, tiers: {mode: interpolated, by: amount, of: bookings, "
            "points: {0: 0%, 80%: 50%}}}",
            "the points of a curve by amount are amounts",
        ),
    ],
)
def test_check_says_what_would_pay_nothing(component, message):
    assert [one.message for one in check(policy(plan(component, TEAM)))] == [message]


BARE = "{id: c, kind: commission, basis: bookings, rate: 1%%%s}"
BEYOND = ", credit: {payees: [{as: owner, share: 150%}, {as: co_owner, share: -50%, else: owner}]}"


@pytest.mark.parametrize(
    ("keys", "rest", "message"),
    [
        ("", BEYOND, "owner has a share of 150%"),
        ("", ", pay: {release: {by_collection: 150%, on_signing: -50%}}", "on_signing has a share of -50%"),
        (
            "",
            ", clawback: {events: [return], window: 9d, offset_limit: -20%}",
            "the claw-back of plan plan has a share of",
        ),
        (
            "",
            ", clawback: {events: [returns], window: 9d}",
            "'returns' is a fact table; its events are of the kind 'ret",
        ),
        ("", ", draw: {kind: recoverable, amount: 9, recover: 150%}", "the draw of plan plan has a share of 150%"),
        ("", ", guarantee: {amount: 9, months: 0}", "a draw or guarantee of plan plan is for 0 months"),
        (', gates: [{when: "bookings > 0", effect: {}}]', "", "a gate of c changes nothing when it holds"),
        (', gates: [{when: "bookings > 0", effect: {factor: -50%}}]', "", "a gate of c has a share of -50%"),
    ],
)
def test_shares_that_are_none_are_refused(keys, rest, message):
    found = check(policy(plan(BARE % keys, rest=rest)))
    assert [one for one in found if one.level == "error" and one.message.startswith(message)], found


def test_a_plan_is_paid_by_periods_that_the_calendar_has():
    component = "{id: c, kind: commission, basis: bookings, period: week, rate: 1%}"
    text = plan(component, rest=", cap: 50") + "calendar: {pattern: weeks}\n"
    assert "plan plan is paid by the month, which the calendar does not have" in [
        o.message for o in check(policy(text))
    ]
    quarterly = text.replace("cap: 50", "cap: 50, pay: {paid: quarterly}")
    assert not [one for one in check(policy(quarterly)) if one.level == "error"]


def test_a_table_of_sums_needs_no_target_and_a_ratio_is_cut_by_percentages(tmp_path):
    sums = "{id: b, kind: bonus, tiers: {mode: amount, by: amount, of: bookings, "
    sums += "rates: [{from: 0, amount: 0}, {from: 100, amount: 70}]}}"
    shares = "{id: c, kind: commission, basis: bookings, tiers: {mode: slab, by: count, of: win_rate, "
    shares += "rates: [{from: 0, rate: 1%}, {from: 50%, rate: 2%}]}}"
    text = plan(f"{sums}, {shares}", TEAM)
    assert {one.level for one in check(policy(text))} <= {"warning"}
    orders, deals = (
        "id,person,signed_on,net_amount\na,lin,2026-01-15,100",
        "id,person,closed_on,result\na,lin,2026-01-15,won",
    )
    made = calc(tmp_path, text, people=PEOPLE, orders=orders, opportunities=deals)
    assert pays(made) == {"b": "70.00", "c": "2.00"}


@pytest.mark.parametrize(("bound", "fits"), [("1.2", True), ("120%", True), ("120", False)])
def test_120_percent_of_a_quota_may_be_a_decimal(bound, fits):
    rates = f"[{{from: 0, rate: 1%}}, {{from: {bound}, rate: 2%}}]"
    tiers = f"tiers: {{mode: marginal, by: attainment, of: quota, rates: {rates}}}"
    found = check(policy(plan(f"{{id: c, kind: commission, basis: bookings, {tiers}}}")))
    assert ("tiers by attainment are bounded by percentages" not in [one.message for one in found]) == fits


@pytest.mark.parametrize("cell", ["0.5", "1", "2", "-1.2"])
def test_a_bare_cell_that_may_mean_two_things_is_refused(cell):
    axes = "rows: {metric: bookings, from: [0]}, columns: {metric: buyers, from: [0]}"
    [one] = issues_of(plan(f"{{id: c, kind: matrix, target: 100, {axes}, percent: [[{cell}]]}}", TEAM))
    assert one.message == f"'{cell}' may mean {cell}% or {100 * float(cell):g}%; write one of them"


# 缺失值 what is missing


FED = (
    TEAM
    + """
appraisal:
  - {id: q, period: quarter,
     indicators: [{metric: bookings, weight: 100%, score: {curve: linear, of: attainment, cap: 120}}],
     grades: {A: {from: 0, factor: 1.2}}}
"""
)


@pytest.mark.parametrize(
    ("component", "value"),
    [
        ('{id: c, kind: bonus, amount: 5, when: "win_rate >= 50% or bookings > 100"}', "5.00"),
        ('{id: c, kind: bonus, amount: 5, when: "win_rate >= 50% or bookings > 9999"}', None),
        ('{id: c, kind: bonus, amount: 5, when: "win_rate >= 50% and bookings > 9999"}', "0.00"),
        ('{id: c, kind: bonus, amount: 5, when: "not (win_rate >= 50%)"}', None),
        ('{id: c, kind: bonus, amount: 5, when: "default(win_rate, 60%) >= 50%"}', "5.00"),
        ('{id: c, kind: bonus, amount: 5, when: "ratio(bookings, buyers - buyers) >= 50"}', None),
        ('{id: c, kind: commission, basis: bookings, rate: 10%, multiply: "grade_factor(q)"}', None),
        ('{id: c, kind: commission, basis: bookings, rate: 10%, multiply: "default(grade_factor(q), 0.8)"}', "80.00"),
    ],
)
def test_a_missing_value_blocks_a_component_only_where_it_decides(tmp_path, component, value):
    orders = "id,person,signed_on,net_amount\na,lin,2026-01-15,1000"
    made = calc(
        tmp_path, plan(component, FED), people=PEOPLE, orders=orders, opportunities="id,person,closed_on,result"
    )
    assert pays(made) == {"c": value}
    assert any("林静: c is not calculated" in one["message"] for one in made["issues"]) is (value is None)
    assert [one for one in check(policy(plan(component, FED))) if one.level == "error"] == []


# 费率替换 other rates


@pytest.mark.parametrize(("each", "value"), [("per_transaction", "20.00"), ("slab", "10.00")])
def test_other_rates_hold_from_their_day_on_where_each_record_is_looked_up(tmp_path, each, value):
    table = "by: amount, rates: [{from: 0, rate: 1%}]"
    other = "{id: o, kind: override_rate, of: c, rates: [{from: 0, rate: 3%}], valid: {from: 2026-01-16, to: null}}"
    body = plan(f"{{id: c, kind: commission, basis: bookings, tiers: {{mode: {each}, {table}}}}}, {other}")
    orders = """id,person,signed_on,net_amount
        a,lin,2026-01-15,500
        b,lin,2026-01-16,500"""
    made = calc(tmp_path, body, people=PEOPLE, orders=orders)
    assert pays(made)["c"] == value


def test_a_role_that_changes_in_the_month_has_its_rates_from_that_day_on(tmp_path):
    other = "{id: o, kind: override_rate, of: c, rates: [{from: 0, rate: 3%}], role: senior}"
    tiers = "{mode: per_transaction, by: amount, rates: [{from: 0, rate: 1%}]}"
    component = f"{{id: c, kind: commission, basis: bookings, tiers: {tiers}}}, {other}"
    body = plan(component).replace("role: rep,", "role: [rep, senior],")
    assignments = "person,from,to,role\nlin,2024-01-01,2026-01-16,rep\nlin,2026-01-16,,senior"
    orders = "id,person,signed_on,net_amount\na,lin,2026-01-15,500\nb,lin,2026-01-16,500"
    made = calc(tmp_path, body, people=PEOPLE, assignments=assignments, orders=orders)
    assert pays(made)["c"] == "20.00"


# 折算 in proportion to the days


@pytest.mark.parametrize(
    ("component", "value"),
    [
        ("{id: b, kind: bonus, amount: 310}", "310.00"),
        ("{id: b, kind: bonus, amount: 310, proration: calendar_days}", "140.00"),
        ("{id: b, kind: bonus, amount: 220, proration: working_days}", "100.00"),
        ("{id: b, kind: bonus, target: 310, proration: calendar_days}", "140.00"),
        ("{id: b, kind: bonus, target: 9, proration: calendar_days, tiers: {mode: amount, by: amount, of: bookings, "
         "rates: [{from: 0, amount: 310}]}}", "140.00"),
        ("{id: b, kind: matrix, target: 310, proration: calendar_days, rows: {metric: bookings, from: [0]}, "
         "columns: {metric: buyers, from: [0]}, percent: [[50%]]}", "70.00"),
    ],
)  # fmt: skip
def test_a_bonus_may_be_in_proportion_to_the_days_under_the_plan(tmp_path, component, value):
    people = "id,name,role,left_on\nlin,林静,rep,2026-01-15"
    assert pays(calc(tmp_path, plan(component, TEAM), people=people)) == {"b": value}


def test_a_role_left_and_taken_again_has_the_days_of_both(tmp_path):
    assignments = "person,from,to,role\nlin,2024-01-01,2026-01-08,rep\nlin,2026-01-25,,rep"
    body = plan("{id: b, kind: bonus, amount: 310, proration: calendar_days}")
    made = calc(tmp_path, body, people="id,name,role\nlin,林静,rep", assignments=assignments)
    assert pays(made) == {"b": "140.00"}


def test_proration_is_for_a_sum_of_the_period():
    [one] = check(policy(plan("{id: c, kind: commission, basis: bookings, rate: 1%, proration: calendar_days}")))
    assert one.message == "component c is a commission; proration has no meaning there"


# What is said


def test_the_explanation_has_the_bounds_of_a_matrix_and_the_table_of_a_spiff():
    goals = TEAM.replace("period: quarter", "period: month")
    rows = "rows: {metric: bookings, of: attainment, goal: quota, from: [0%, 80%]}"
    axes = f"{rows}, columns: {{metric: buyers, from: [0, 10]}}"
    matrix = f"{{id: m, kind: matrix, target: 100, {axes}, percent: [[0, 50], [80, 120]]}}"
    spiff = "{id: s, kind: spiff, pay_each: 5}, {id: b, kind: bonus, amount: 5, proration: working_days}"
    found = policy(plan(f"{matrix}, {spiff}", goals, ", credit: {event: opportunity}, pay: {earned_on: close}"))
    english = {one.title: one.text for one in explain_text(found)}
    assert (
        "the cell that the attainment of quota (from 0%, 80%) and 客户数 (from 0, 10) reach: 0% / 50%; 80% / 120%"
        in (english["m"])
    )
    assert english["s"].startswith("¥5.00 for each record of opportunities.")
    assert "In proportion to the working days under the plan." in english["b"]
    chinese = {one.title: one.text for one in explain_text(found, "zh")}
    assert "签约额达成率（0%、80% 起）与客户数（0、10 起）所达单元格" in chinese["m"]
    assert "按在方案内的工作日折算" in chinese["b"]


def test_a_value_where_a_list_is_expected_names_the_key_that_takes_a_value():
    [one] = issues_of(plan("{id: c, kind: commission, basis: bookings, rates: 8%}"))
    assert (one.message, one.hint) == ("a list is expected here", "Did you mean 'rate'?")


@pytest.mark.parametrize(
    ("component", "value"),
    [
        ('{id: c, kind: bonus, amount: 5, when: "attainment(few) >= 100%"}', "5.00"),
        ('{id: c, kind: bonus, amount: 5, gates: [{when: "attainment(few) < 100%", effect: {block: true}}]}', "5.00"),
        ('{id: c, kind: bonus, amount: 100, multiply: "min(attainment(few), 150%)"}', "150.00"),
        ('{id: c, kind: bonus, amount: 100, multiply: "clamp(attainment(few), 50%, 120%)"}', "120.00"),
        ('{id: c, kind: bonus, amount: 100, multiply: "attainment(few)"}', None),
        ('{id: c, kind: bonus, amount: 100, multiply: "ratio(1, attainment(few), empty=1)"}', None),
        ('{id: c, kind: bonus, amount: 100, multiply: "round(attainment(few), 10%)"}', None),
    ],
)
def test_where_nothing_is_better_every_bound_is_reached_and_no_sum_is_made_up(tmp_path, component, value):
    assert few(tmp_path, component, returned=0) == value


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["lin", "zhou"]), st.integers(1, 90), st.integers(1, 10**9)), max_size=12),
    st.integers(1, 90),
    st.sampled_from([33, 50, 100]),
)
def test_the_teams_add_up_to_the_company_whoever_moves_and_however_orders_are_shared(orders, moved, share):
    first, moved_on = date(2026, 1, 1), date(2026, 1, 1) + timedelta(moved)
    co = f"{{as: co_owner, share: {100 - share}%, else: owner}}"
    found = policy(
        plan(FLAT, TEAM, f", credit: {{payees: [{{as: owner, share: {share}%}}, {co}], rollup: [{{to: manager}}]}}")
    )
    spans = (Span(first, moved_on, "rep", "east", "zhou"), Span(moved_on, None, "rep", "west", "zhou"))
    people = {
        "lin": Who("lin", "林静", "rep", spans=spans),
        "zhou": Who("zhou", "周航", "rep", spans=(Span(first, None, "rep", "east"),)),
    }
    rows = [
        {
            "id": f"SO-{i}",
            "person": who,
            "co_owner": "zhou",
            "signed_on": first + timedelta(day - 1),
            "net_amount": amount,
        }
        for i, (who, day, amount) in enumerate(orders)
    ]
    world, period = RowsWorld(found, {"orders": rows}, book=Book(people)), found.calendar.parse("2026-Q1")
    totals = [group_metric(found, world, "bookings", team, period).number for team in ("east", "west", None)]
    assert totals[0] + totals[1] == totals[2] == sum(row["net_amount"] for row in rows)

"""不计入的记录: what no number contains is said, with record, field and remedy, and never by the hundred."""

import pytest

from .making import BOOKINGS, calc, pays

CREDIT = "credit: {payees: [{as: owner, share: 70%}, {as: co_owner, share: 30%, else: owner}]}"
FLAT = "{id: c, kind: commission, basis: bookings, rate: 10%}"
PEOPLE = "id,name,role\nlin,林静,rep\nzhou,周航,rep"
ORDERS = "id,person,co_owner,signed_on,net_amount\na,lin,zhou,2026-01-05,1000"


def body(metrics=BOOKINGS, component=FLAT):
    return f"{metrics}incentive:\n  - {{id: plan, role: rep, components: [{component}], {CREDIT}}}\n"


def said(made):
    return [(one["level"], one["message"], one["path"]) for one in made["issues"]]


@pytest.mark.parametrize(
    ("orders", "message", "path"),
    [
        ("b,lin,,,1", "records without signed_on, by which metric bookings counts them, are in no "
         "period: b", "signed_on"),
        ("b,,,2026-01-06,1", "records without person are credited to nobody: b", "person"),
        ("b,lin,ghost,2026-01-06,1", "records with 'ghost' as co_owner, who is not in people.csv, leave that share to "
         "nobody: b", "co_owner"),
    ],
)  # fmt: skip
def test_a_record_that_does_not_count_is_said(tmp_path, orders, message, path):
    made = calc(tmp_path, body(), people=PEOPLE, orders=f"{ORDERS}\n{orders}")
    assert said(made) == [("warning", f"orders.csv: {message}", path)]


def test_what_no_statement_says_either_is_said_of_the_metric(tmp_path):
    rows = "id,person,signed_on,net_amount,currency\na,lin,2026-01-05,,\nb,lin,2026-01-05,1,USD\nc,lin,2026-01-05,1,CNY"
    told = said(calc(tmp_path, BOOKINGS, people=PEOPLE, orders=rows))
    assert told == [
        ("warning", "orders.csv: records without net_amount are not counted by bookings: a", "net_amount"),
        ("warning", "orders.csv: records in USD without a rate are not counted by bookings: b", "currency"),
    ]


def test_equal_reasons_are_one_line(tmp_path):
    rows = "\n".join(f"x{i},lin,,,1" for i in range(200))
    [(_, message, _)] = said(calc(tmp_path, body(), people=PEOPLE, orders=f"{ORDERS}\n{rows}"))
    assert message.endswith("are in no period: x0, x1, x2 and 197 more")


DEALS = """
metrics:
  bookings: {name: 签约额, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
  closed: {name: 关单, type: count, from: opportunities, value: "count()", date: closed_on}
  won: {name: 赢单, type: count, from: opportunities, value: "count()", date: closed_on, where: "result == 'won'"}
"""


def test_an_open_deal_is_no_mistake_and_a_won_one_without_its_day_is_told(tmp_path):
    deals = """id,person,created_on,closed_on,result
        1,lin,2026-01-02,,
        2,lin,2026-01-02,,won"""
    made = calc(tmp_path, body(DEALS), people=PEOPLE, orders=ORDERS, opportunities=deals)
    message = "records without closed_on, by which metric won counts them, are in no period: 2"
    assert said(made) == [("info", f"opportunities.csv: {message}", "closed_on")]


def test_metrics_that_miss_the_same_day_of_the_same_records_are_one_line(tmp_path):
    two = (
        DEALS.rstrip()
        + '\n  twice: {name: T, type: count, from: opportunities, value: "count()", date: closed_on, where: '
    )
    deals = "id,person,created_on,closed_on,result\n2,lin,2026-01-02,,won"
    made = calc(tmp_path, two + "\"result == 'won'\"}\n", people=PEOPLE, orders=ORDERS, opportunities=deals)
    message = "records without closed_on, by which metric won, metric twice count them, are in no period: 2"
    assert said(made) == [("info", f"opportunities.csv: {message}", "closed_on")]


def test_links_and_splits_of_what_is_not_there_are_said(tmp_path):
    facts = {
        "payments": "id,order,received_on,amount\np,zz,2026-01-06,100\nq,a,2026-01-06,100",
        "splits": "record,person,share\nyy,lin,60%\nyy,zhou,40%",
    }
    made = calc(tmp_path, body(), people=PEOPLE, orders=ORDERS, **facts)
    assert said(made) == [
        ("warning", "payments.csv: records whose order is not in orders.csv are connected with nothing: p", "order"),
        ("warning", "splits.csv: splits of records that are not there share nothing: yy", "record"),
    ]


def test_the_shares_of_each_purpose_add_up(tmp_path):
    splits = "record,person,share,counts\na,lin,60%,attainment\na,lin,100%,pay"
    made = calc(tmp_path, body(), people=PEOPLE, orders=ORDERS, splits=splits)
    assert said(made) == [("error", "splits.csv: the shares of a for attainment add up to 60%, not to 100%", "")]


CASH = """
metrics:
  bookings: {name: 回款额, type: amount, from: payments, value: "sum(amount)", date: received_on}
"""


@pytest.mark.parametrize(
    ("payments", "lin", "zhou"),
    [
        ("id,order,received_on,amount\np,a,2026-01-20,500", "35.00", "15.00"),
        ("id,person,order,received_on,amount\np,lin,a,2026-01-20,500", "35.00", "15.00"),
        ("id,person,order,received_on,amount\np,zhou,a,2026-01-20,500", "0.00", "50.00"),
        ("id,invoice,received_on,amount\np,i,2026-01-20,500", "35.00", "15.00"),
    ],
)
def test_a_payment_belongs_to_the_people_of_its_order(tmp_path, payments, lin, zhou):
    invoices = "id,order,invoiced_on,net_amount\ni,a,2026-01-10,1000"
    made = calc(tmp_path, body(CASH), people=PEOPLE, orders=ORDERS, invoices=invoices, payments=payments)
    assert (pays(made, "lin")["c"], pays(made, "zhou")["c"], said(made)) == (lin, zhou, [])


def test_a_payment_is_split_as_its_order_was(tmp_path):
    facts = {
        "payments": "id,order,received_on,amount\np,a,2026-01-20,500",
        "splits": "record,table,person,share\na,orders,lin,20%\na,orders,zhou,80%",
    }
    made = calc(tmp_path, body(CASH), people=PEOPLE, orders=ORDERS, **facts)
    assert (pays(made, "lin")["c"], pays(made, "zhou")["c"]) == ("10.00", "40.00")


def test_a_rating_that_does_not_count_is_said(tmp_path):
    appraisal = """appraisal:
  - {id: m, period: month, grades: {A: {from: 0}},
     indicators: [{id: conduct, weight: 100%, raters: {manager: 100%}, scale: [0, 100]}]}
"""
    ratings = """person,indicator,group,score
        lin,conduct,manager,80
        lin,conduct,manager,800
        lin,conduct,client,90
        lin,manners,manager,90"""
    made = calc(tmp_path, body() + appraisal, people=PEOPLE, orders=ORDERS, ratings=ratings)
    assert [message for _, message, _ in said(made) if "ratings.csv" in message] == [
        "ratings.csv row 3, score: 800 is not on the scale 0 to 100 of conduct",
        "ratings.csv row 4, group: 'client' does not rate conduct",
        "ratings.csv row 5, indicator: no appraisal rates 'manners'",
    ]
    assert [one["score"] for one in made["appraisals"] if one["person"] == "lin"] == ["80"]

"""Files as people write them: what is read all the same, and what is said instead of being counted wrong."""

import pytest

from .making import BOOKINGS, calc, pays

SALES = BOOKINGS.replace("date: signed_on", "date: signed_on, where: \"status == 'signed'\"")
PEOPLE = "id,name,role,team,manager\nlin,Lin,rep,east,chen\nzhou,Zhou,rep,east,chen\nchen,Chen,leader,east,"
ORDERS = "id,person,signed_on,net_amount,status,reverses\na,lin,2026-01-05,1000,signed,"
GRADED = """
appraisal:
  - {id: monthly, period: month, indicators: [{metric: bookings, weight: 100%, score: {curve: linear, of: attainment}}],
     grades: {A: {from: 90, factor: 1.2}, B: {from: 0, factor: 1}}}
"""


def plan(rest="", keys=""):
    component = f"{{id: c, kind: commission, basis: bookings, period: month, rate: 10%{keys}}}"
    over = "{id: o, kind: commission, basis: bookings, period: month, rate: 1%}"
    return (
        f"{SALES}{GRADED}incentive:\n  - {{id: p, role: rep, components: [{component}], "
        f"credit: {{payees: [{{as: owner, share: 100%}}], rollup: [{{to: leader}}]}}{rest}}}\n"
        f"  - {{id: l, role: leader, components: [{over}]}}\n"
    )


def said(made, level="warning"):
    return [issue["message"] for issue in made["issues"] if issue["level"] == level]


def test_a_reversal_counts_for_the_people_of_what_it_reverses(tmp_path):
    orders = f"{ORDERS}\nb,zhou,2026-02-05,-1000,signed,a"
    made = calc(tmp_path, plan().replace(", rollup: [{to: leader}]", ""), "2026-02", people=PEOPLE, orders=orders)
    assert (pays(made, "lin"), pays(made, "zhou")) == ({"c": "-100.00"}, {"c": "0.00"})


def test_a_reversal_in_another_currency_takes_back_what_the_record_came_to(tmp_path):
    orders = (
        f"{ORDERS.splitlines()[0]},currency\na,lin,2026-01-05,1000,signed,,USD\nb,lin,2026-02-05,-1000,signed,a,USD"
    )
    rates = "currency,on,rate\nUSD,2026-01-05,7.2\nUSD,2026-02-05,7"
    made = calc(tmp_path, plan(), "2026-02", "fx: {attainment: event_date}", people=PEOPLE, orders=orders, rates=rates)
    assert pays(made) == {"c": "-720.00"}


def test_what_the_assignments_have_no_column_for_holds_as_the_people_say(tmp_path):
    assigned = "person,from,to,role\nlin,2020-01-01,,rep"
    made = calc(tmp_path, plan(), people=PEOPLE, assignments=assigned, orders=ORDERS)
    assert pays(made, "chen") == {"o": "10.00"}


def test_headers_in_capitals_and_spaces_after_commas_are_read(tmp_path):
    grades = 'Person, Appraisal, Period, Grade, Locked\nlin, monthly, 2025-12, "A", no'
    made = calc(tmp_path, plan(keys=", multiply: \"default(grade_factor(monthly), 1)\""), people=PEOPLE, orders=ORDERS,
                grades=grades)  # fmt: skip
    assert pays(made) == {"c": "100.00"}, "the grade is not locked"


@pytest.mark.parametrize(
    ("metric", "level"),
    [
        ("type: amount, from: orders, value: sum(cost), date: signed_on", "warning"),
        ("type: count, from: orders, value: count(), date: signed_on, where: \"channel == 'web'\"", "error"),
    ],
)
def test_a_column_that_only_a_number_beside_pay_counts_does_not_stop_the_rest(tmp_path, metric, level):
    text = plan().replace("goals:", f"  other: {{name: O, {metric}}}\ngoals:")
    made = calc(tmp_path, text, people=PEOPLE, orders=ORDERS)
    assert [one for one in said(made, level) if "which metric other reads" in one]
    assert pays(made)["c"] == "100.00"


def test_records_of_a_day_are_in_the_order_of_their_moments_however_they_are_written(tmp_path):
    tiers = "tiers: {mode: marginal, by: amount, rates: [{from: 0, rate: 1%}, {from: 1000, rate: 2%}]}"
    text = plan(BACK).replace("rate: 10%", tiers)
    orders = f"""{ORDERS.splitlines()[0]},recorded_at
        a,lin,2026-01-05,1000,signed,,2026-01-10T08:00:00Z
        b,lin,2026-01-05,1000,signed,,2026/1/9 23:30"""
    returns = "id,order,returned_on\nr,b,2026-02-01"
    made = calc(tmp_path, text, "2026-02", people=PEOPLE, orders=orders, returns=returns)
    assert pays(made)["p.clawback"] == "-10.00", "b was entered first"


def test_an_amount_beyond_64_bits_is_an_exception_of_its_line(tmp_path):
    made = calc(
        tmp_path,
        plan().replace("10%", "100%"),
        people=PEOPLE,
        orders="\n".join([ORDERS.splitlines()[0], *(f"{n},lin,2026-01-05,900000000000000,signed," for n in "ab")]),
    )
    assert pays(made) == {"c": None}


CASH, BACK = ", pay: {release: {by_collection: 100%}}", ", clawback: {events: [return], window: 90d}"
RATES = "currency,on,rate\nUSD,2026-01-05,7\n"


@pytest.mark.parametrize(
    ("rest", "files", "message"),
    [
        (CASH, {}, "the release of plan p reads payments, and there is no payments.csv: nothing counts as collected"),
        (CASH, {"payments": "id,order,on,amount\nx,a,2026-01-06,9"}, "payments.csv has no column 'received_on', "),
        (CASH, {"payments": "id,received_on,amount\nx,2026-01-06,9"}, "payments.csv does not say what its "),
        (CASH, {"payments": "id,order,received_on,amount\nx,a,2026-01-06,"}, "payments.csv: records without amount "),
        (BACK, {"returns": "id,order,returned_on\nx,a,"}, "returns.csv: records without returned_on, by "),
        (BACK, {"returns": "id,order,returned_on,kind\nx,a,2026-01-06,Return"}, "returns.csv: records with kind 'Ret"),
        ("", {"orders": ORDERS.replace("signed,", "Signed,")}, "orders.csv: records with status 'Signed' are "),
        ("", {"orders": ORDERS.removesuffix(",signed,")}, "orders.csv: rows have fewer cells than the header: 1"),
        ("", {"people": PEOPLE.replace("manager", "manger")}, "people.csv: 'manger' is a term of the "),
        ("", {"grades": "person,appraisal,period,grade,lock\nlin,monthly,2025-12,A,no"}, "grades.csv: the col"),
        ("", {"grades": "person,appraisal,period,grade\nlin,monthly,2025-12,A\nlin,monthly,2025-12,B"}, "grades.csv"),
        ("", {"grades": "person,appraisal,period,grade\nlin,monthly,2025-Q4,A"}, "grades.csv row 2, period: 2025"),
        ("", {"splits": "record,person,share\na,lin,150%\na,zhou,-50%"}, "splits.csv row 2, share: 150% is no share"),
        ("", {"splits": "record,person,share,kind\na,lin,100%,drect"}, "splits.csv row 2, kind: 'drect' is no kind"),
        ("", {"splits": "record,person,share,table\na,lin,100%,order"}, "splits.csv row 2, table: there is no "),
        ("", {"splits": "record,person,share\na,,100%"}, "splits.csv row 2, person: nobody is named"),
        ("", {"orders": f"{ORDERS.splitlines()[0]},recorded_at\na,lin,2026-01-05,9,signed,,soon"}, "orders.csv row 2"),
        (", guarantee: {amount: 9, months: 2, for: new_hire}", {}, "people.csv: without hired_on nobody gets the"),
        ("", {"people": "id,role,left_on\nlin,rep,2026-01-05"}, "orders.csv: records of a day after their person"),
        ("", {"people": "id,role,hired_on\nlin,rep,2026-01-06"}, "orders.csv: records of a day before their "),
        ("", {"assignments": "person,from,role,team\nlin,2026-01-01,,west"}, "assignments.csv row 2: lin has no role"),
        ("", {"rates": RATES + "usd,2026-01-05,8"}, "rates.csv row 3: USD has two spot rates on 2026-01-05"),
    ],
)  # fmt: skip
def test_what_would_count_wrong_is_said(tmp_path, rest, files, message):
    made = calc(tmp_path, plan(rest), **{"people": PEOPLE, "orders": ORDERS, **files})
    assert [one for one in [*said(made), *said(made, "error"), *said(made, "info")] if one.startswith(message)]

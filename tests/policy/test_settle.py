"""归属, 封顶, 补差, 发放, 留存, 预支, 追回: what happens to pay after it is earned.

Invariants of spec/domain.md section 10.
"""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaoguan.base.ledger import balance
from xiaoguan.policy import Policy, RowsWorld, Who, statement
from xiaoguan.policy.incentive import by_step
from xiaoguan.policy.world import Book, Span

from .making import BOOKINGS, order, policy

FLAT = "{id: commission, kind: commission, basis: bookings, period: month, rate: 10%}"
ROW = 10_000


def plan(components: str = FLAT, rest: str = "", more: str = BOOKINGS) -> Policy:
    body = "".join(f"    {line}\n" for line in rest.strip().splitlines())
    return policy(f"{more}incentive:\n  - id: plan\n    role: sales_rep\n    components: [{components}]\n{body}")


def paid(found, *orders, period="2026-01", who=None, quota=None, book=None, **tables):
    who = who or Who("lin", "林静", "sales_rep")
    goals = {("quota", "lin", label): units for label, units in (quota or {}).items()}
    world = RowsWorld(found, {"orders": orders, **tables}, goals, book=book)
    result = statement(found, who, found.calendar.parse(period), world)
    assert result.check() == [] and balance(result.entries) == 0
    told = {step.number: step.amount for step in result.steps if 6 <= step.number < 14 and step.amount}
    assert {n: units for n, units in by_step(result.lines).items() if units} == told
    return result


def values(result):
    return {line.name: None if line.missing else int(line.number) // ROW for line in result.lines}


def yuan(amount, day="2026-01-10", number="SO-1", **fields):
    return order(amount * ROW, day, number, **fields)


def cash(amount, day, target="SO-1", number=None):
    return {"id": number or day, "order": target, "received_on": date.fromisoformat(day), "amount": amount * ROW}


def back(day, amount=None, target="SO-1", kind="return"):
    row = {"id": f"R-{day}", "order": target, "returned_on": date.fromisoformat(day), "kind": kind}
    return row if amount is None else {**row, "amount": amount * ROW}


# Caps, floors, gates, multipliers


def test_a_plan_cap_loses_or_carries_its_excess():
    orders = [yuan(10_000), yuan(2_000, "2026-02-10", "SO-2")]
    lost = plan(rest="cap: {total: 600}")
    assert values(paid(lost, *orders)) == {"commission": 1000, "plan.cap": -400}
    assert values(paid(lost, *orders, period="2026-02")) == {"commission": 200}
    carried = plan(rest="cap: {total: 600, excess: carry}")
    assert values(paid(carried, *orders, period="2026-02")) == {"commission": 200, "plan.cap": 400}
    assert values(paid(carried, *orders, period="2026-Q1")) == {"commission": 1200, "plan.cap": 0}


def test_a_cap_over_a_longer_span_knows_what_was_paid_before():
    orders = [yuan(10_000), yuan(2_000, "2026-02-10", "SO-2")]
    found = plan(rest="cap: {total: 1_100, per: quarter}")
    assert values(paid(found, *orders, period="2026-02")) == {"commission": 200, "plan.cap": -100}
    component = plan(FLAT.replace("rate", "cap: {amount: 1_100, per: quarter}, rate"))
    assert values(paid(component, *orders, period="2026-02")) == {"commission": 100}


@pytest.mark.parametrize("where", ["component", "plan"])
def test_a_return_first_takes_what_was_lost_above_a_cap(where):
    found = plan(rest="cap: {total: 100, per: quarter}")
    if where == "component":
        found = plan(FLAT.replace("rate", "cap: {amount: 100, per: quarter}, rate"))
    orders = [yuan(1_200), yuan(-100, "2026-02-10", "SO-2"), yuan(-200, "2026-03-10", "SO-3")]
    # 120, 110 and 90 so far, of which 100, 100 and 90 are within the cap
    assert [paid(found, *orders, period=f"2026-0{i}").total.units // ROW for i in (1, 2, 3)] == [100, 0, -10]
    assert paid(found, *orders, period="2026-Q1").total.units // ROW == 90


def test_a_cap_and_a_floor_of_a_month_hold_for_each_month_of_a_quarter_that_is_paid_at_once():
    orders = [yuan(1_200), yuan(500, "2026-02-10", "SO-2")]
    for limit, value in (("cap: {total: 100, per: month}", 150), ("floor: {total: 70, per: month}", 120 + 70 + 70)):
        found = plan(rest=f"pay: {{paid: quarterly}}\n{limit}")
        assert paid(found, *orders, period="2026-03").total.units // ROW == value
    both = plan(rest="cap: {total: 110, per: quarter}\nfloor: {total: 50, per: month}")
    months = [paid(both, yuan(-100), *orders[1:], period=f"2026-0{i}").total.units // ROW for i in (1, 2)]
    assert months == [50, 50], "a floor of 50 fills up what a cap over the quarter left of the month, -10"


def test_a_component_cap_carries():
    found = plan(FLAT.replace("rate", "cap: {amount: 600, excess: carry}, rate"))
    orders = [yuan(10_000), yuan(1_000, "2026-02-10", "SO-2")]
    months = [values(paid(found, *orders, period=f"2026-0{i}"))["commission"] for i in (1, 2, 3)]
    assert months == [600, 500, 0]


def test_gates_block_cap_and_scale():
    for effect, value in (("block: true", 0), ("factor: 50%", 500), ("cap: 300", 300)):
        gate = f'gates: [{{when: "bookings >= 10_000", effect: {{{effect}}}}}], rate'
        assert values(paid(plan(FLAT.replace("rate", gate)), yuan(10_000))) == {"commission": value}
        assert values(paid(plan(FLAT.replace("rate", gate)), yuan(9_000))) == {"commission": 900}


GRADED = """
appraisal: [{id: q, period: quarter,
  indicators: [{metric: bookings, weight: 100%, score: {curve: linear, of: attainment}}],
  grades: {A: {from: 90, factor: 1.2}, B: {from: 0, factor: 0.5}}}]
"""


def graded(locked=True, label="2025-Q4", grade="A", factor=Fraction(6, 5)):
    from xiaoguan.base.periods import Calendar

    row = {"person": "lin", "appraisal": "q", "period": Calendar().parse(label), "grade": grade, "factor": factor}
    return Book(grades=[{**row, "locked": locked}])


def test_a_grade_feeds_pay_only_once_it_is_locked_and_the_last_locked_one_counts():
    found = plan(rest='multiply: [{by: "grade_factor(q)", applies_to: [commission]}]', more=BOOKINGS + GRADED)
    assert values(paid(found, yuan(10_000), book=graded())) == {"commission": 1200}
    missing = paid(found, yuan(10_000), book=graded(locked=False)).lines[0]
    assert missing.missing and "no locked grade of q" in missing.note
    later = graded(label="2026-Q1")
    assert paid(found, yuan(10_000), book=later).lines[0].missing, (
        "a grade of a period that ends later is not there yet"
    )


def test_a_floor_is_paid_up_to():
    assert values(paid(plan(rest="floor: 700"), yuan(1_000))) == {"commission": 100, "plan.floor": 600}


# Draws and guarantees


def test_a_guarantee_for_new_hires_ends_after_its_months():
    found = plan(rest="guarantee: {amount: 500, months: 2, for: new_hire}")
    new = Who("lin", "林静", "sales_rep", hired_on=date(2026, 1, 15))
    assert values(paid(found, who=new, period="2026-02")) == {"commission": 0, "plan.guarantee": 500}
    assert values(paid(found, who=new, period="2026-03")) == {"commission": 0}
    unknown = Who("lin", "林静", "sales_rep")
    assert values(paid(found, who=unknown)) == {"commission": 0}, "without a day of hire nobody is new"


def test_a_debt_is_forgiven_in_time_and_a_plain_draw_makes_none():
    draw = "draw: {kind: %s, amount: 500, months: 1, forgive_after: 2m}"
    orders = [yuan(10_000, "2026-03-10")]
    recoverable = plan(rest=draw % "recoverable")
    assert values(paid(recoverable, *orders, period="2026-03")) == {"commission": 1000}
    soon = [yuan(10_000, "2026-02-10")]
    assert values(paid(recoverable, *soon, period="2026-02")) == {"commission": 1000, "plan.recovery": -500}
    free = plan(rest=draw % "non_recoverable")
    assert values(paid(free, *soon, period="2026-02")) == {"commission": 1000}


REST = {
    "guarantee: {amount: 500}": "plan.guarantee",
    "draw: {kind: non_recoverable, amount: 500}": "plan.draw",
    "floor: 500": "plan.floor",
}


@pytest.mark.parametrize("rest", REST)
def test_nothing_is_paid_up_to_for_who_left_or_has_another_role(rest):
    found = plan(rest=rest)
    leaver = Who("lin", "林静", "sales_rep", left_on=date(2026, 2, 15))
    months = [values(paid(found, yuan(1_000), who=leaver, period=f"2026-0{i}")) for i in (1, 2, 3)]
    assert months == [{"commission": 100, REST[rest]: 400}, {"commission": 0, REST[rest]: 500}, {}]
    promoted = Who("lin", "林静", "leader", spans=(
        Span(date(2025, 1, 1), date(2026, 2, 1), "sales_rep"), Span(date(2026, 2, 1), None, "leader")))  # fmt: skip
    assert values(paid(found, who=promoted)) == {"commission": 0, REST[rest]: 500}
    assert values(paid(found, who=promoted, period="2026-02")) == {}


@pytest.mark.parametrize("kind", ["recoverable", "non_recoverable"])
def test_after_its_months_a_draw_pays_no_negative_pay_up_to_zero(kind):
    found = plan(rest=f"draw: {{kind: {kind}, amount: 500, months: 1}}")
    orders = [yuan(10_000), yuan(-1_000, "2026-02-10", "SO-2", reverses="SO-1")]
    assert values(paid(found, *orders, period="2026-02")) == {"commission": -100}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 20_000), min_size=3, max_size=5), st.sampled_from(["100%", "50%"]))
def test_paid_is_earned_and_the_change_of_the_debt(amounts, share):
    found = plan(rest=f"draw: {{kind: recoverable, amount: 700, months: 3, recover: {share}}}")
    orders = [yuan(a, f"2026-0{i}-10", f"SO-{i}") for i, a in enumerate(amounts, 1)]
    debt = 0
    for i in range(1, len(amounts) + 1):
        result = paid(found, *orders, period=f"2026-0{i}")
        steps = {line.name: int(line.number) for line in result.lines}
        debt += steps.get("plan.draw", 0) + steps.get("plan.recovery", 0)
        assert debt >= 0
        assert result.total.units == steps["commission"] + steps.get("plan.draw", 0) + steps.get("plan.recovery", 0)


# Release and holdback


def test_cash_releases_in_proportion_and_the_last_payment_the_rest():
    found = plan(rest="pay: {release: {by_collection: 100%}}")
    orders, money = [yuan(1_000)], [cash(333, "2026-02-01"), cash(667, "2026-03-01")]
    months = [paid(found, *orders, payments=money, period=f"2026-0{i}") for i in (1, 2, 3)]
    assert [one.total.units for one in months] == [0, 33_30 * 100, 66_70 * 100]
    kinds = [entry.kind for entry in months[1].entries]
    assert kinds == ["release", "payout"]


def test_a_reversal_is_released_as_far_as_what_it_reverses():
    found = plan(rest="pay: {release: {by_collection: 100%}}")
    orders = [yuan(1_000), yuan(-1_000, "2026-02-10", "SO-2", reverses="SO-1")]
    for money, months in (
        ([], [0, 0]),
        ([cash(400, "2026-01-20")], [40, -40]),
        ([cash(1_000, "2026-01-20")], [100, -100]),
    ):
        got = [paid(found, *orders, payments=money, period=f"2026-0{i}").total.units // ROW for i in (1, 2)]
        assert got == months, "what was paid is taken back, and no more"


BILLED = "metrics:\n  bookings: {name: B, type: amount, from: %s, value: sum(net_amount), date: %s}\n"


def test_money_that_names_the_order_is_of_its_invoices_in_proportion():
    found = plan(rest="pay: {release: {by_collection: 100%}}", more=BILLED % ("invoices", "invoiced_on"))
    row = {"order": "SO-1", "person": "lin", "invoiced_on": date(2026, 1, 10)}
    bills = [{**row, "id": "I-1", "net_amount": 600 * ROW}, {**row, "id": "I-2", "net_amount": 400 * ROW}]
    named = {"id": "p", "invoice": "I-2", "received_on": date(2026, 1, 21), "amount": 200 * ROW}
    result = paid(found, invoices=bills, payments=[cash(500, "2026-01-20"), named])
    assert result.total.units == 70 * ROW  # 30, and 20 of 40 with another 20


def test_the_lines_of_an_order_that_is_not_there_are_what_is_collected_and_a_return_names_its_line():
    rest = "pay: {release: {by_collection: 100%}}\nclawback: {events: [return], window: 1y}"
    found = plan(rest=rest, more=BILLED % ("order_lines", "signed_on"))
    lines = [yuan(600, number="1-1", order="SO-1"), yuan(400, number="1-2", order="SO-1")]
    got = paid(found, order_lines=lines, payments=[cash(500, "2026-01-20")])
    assert got.total.units == 50 * ROW
    money = [cash(1_000, "2026-01-20")]
    returned = {"id": "R", "record": "1-1", "returned_on": date(2026, 2, 1), "amount": 600 * ROW}
    got = paid(found, order_lines=lines, payments=money, returns=[returned], period="2026-02")
    assert got.total.units == -60 * ROW


def test_tax_is_collected_too():
    found = plan(rest="pay: {release: {by_collection: 100%}}")
    sale = yuan(1_000, total_amount=1_130 * ROW)
    assert values(paid(found, sale, payments=[cash(565, "2026-01-20")])) == {"commission": 100, "plan.release": -50}


def test_delivery_and_invoice_release():
    found = plan(rest="pay: {release: {on_delivery: 40%, on_invoice: 60%}}")
    sale = yuan(1_000, delivered_on=date(2026, 2, 3))
    bill = {"id": "I-1", "order": "SO-1", "invoiced_on": date(2026, 3, 3), "net_amount": 1_000 * ROW}
    totals = [paid(found, sale, invoices=[bill], period=f"2026-0{i}").total.units // ROW for i in (1, 2, 3)]
    assert totals == [0, 40, 60]


def test_what_is_held_back_comes_when_its_time_is_over_unless_it_was_returned():
    found = plan(rest="pay: {holdback: {share: 20%, release: {after: 30d, unless: return}}}")
    assert values(paid(found, yuan(1_000))) == {"commission": 100, "plan.holdback": -20}
    assert values(paid(found, yuan(1_000), period="2026-02")) == {"commission": 0, "plan.holdback_released": 20}
    assert values(paid(found, yuan(1_000), period="2026-03")) == {"commission": 0}
    returned = [back("2026-02-01")]
    assert values(paid(found, yuan(1_000), period="2026-02", returns=returned)) == {"commission": 0}
    late = [back("2026-02-10")]
    assert values(paid(found, yuan(1_000), period="2026-02", returns=late))["plan.holdback_released"] == 20


def test_what_is_held_to_the_end_of_the_year_comes_in_its_last_month():
    found = plan(rest="pay: {holdback: {share: 10%, release: year_end}}")
    assert paid(found, yuan(1_000), period="2026-11").total.units == 0
    assert values(paid(found, yuan(1_000), period="2026-12")) == {"commission": 0, "plan.holdback_released": 10}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 99_999), st.integers(1, 3)), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(1, 60_000), st.integers(1, 5)), max_size=4),
    st.integers(0, 50),
)
def test_released_and_held_never_exceed_what_is_earned(sales, payments, held):
    rest = f"pay: {{release: {{on_signing: 30%, by_collection: 70%}}, holdback: {{share: {held}%, release: year_end}}}}"
    found = plan(rest=rest)
    orders = [yuan(a, f"2026-0{m}-10", f"SO-{i}") for i, (a, m) in enumerate(sales)]
    money = [cash(a, f"2026-0{m}-20", "SO-0", f"P-{i}") for i, (a, m) in enumerate(payments)]
    earned = so_far = 0
    for month in range(1, 13):
        result = paid(found, *orders, payments=money, period=f"2026-{month:02d}")
        earned += next(int(line.number) for line in result.lines if line.name == "commission")
        so_far += result.total.units
        assert 0 <= so_far <= earned


CASHED = BOOKINGS.replace(
    "goals:",
    """  cashed: {name: 回款, type: amount, from: payments, value: "sum(amount)", date: received_on}
goals:
  - {id: cash_quota, metric: cashed, period: month, target: {method: assigned}}""",
)
BY_SALE = "{id: commission, kind: commission, basis: cashed, period: month, tiers: {%s, counts_in: sale}}"


def cashed(tiers, *money, goal="quota", quota=None, rest=""):
    """What each month of late cash pays: 220 were sold in January and 220 in February."""
    found = plan(BY_SALE % tiers, rest, CASHED.replace("period: quarter", "period: month"))
    orders = [yuan(220), yuan(220, "2026-02-05", "SO-2")]
    payments = [{**cash(*one), "person": "lin"} for one in money]
    goals = {(goal, "lin", label): units * ROW for label, units in (quota or {}).items()}
    world = RowsWorld(found, {"orders": orders, "payments": payments}, goals)
    made = [
        statement(found, Who("lin", "林静", "sales_rep"), found.calendar.parse(f"2026-0{i}"), world) for i in (1, 2, 5)
    ]
    assert all(one.check() == [] for one in made)
    return [one.total.units / ROW for one in made]


LATE = (150, "2026-01-20"), (150, "2026-02-20", "SO-2"), (30, "2026-05-20")


def test_late_cash_counts_against_the_table_of_the_month_of_its_sale():
    above = "mode: marginal, by: amount, rates: [{from: 0, rate: 0%}, {from: 100, rate: 100%}]"
    assert cashed(above, *LATE) == [50, 50, 30]
    both = (*LATE, (20, "2026-05-21", "SO-2", "P-9"))
    assert cashed(above, *both) == [50, 50, 50]
    early = ((40, "2026-01-15", "SO-2", "P-8"), *LATE)
    assert cashed(above, *early) == [90, 50, 30], "what came before the sale counts in its own month: 190 in January"


def test_late_cash_counts_against_the_quota_of_the_month_of_its_sale():
    own = "mode: marginal, by: attainment, of: cash_quota, rates: [{from: 0%, rate: 10%}, {from: 100%, rate: 20%}]"
    # January 150 of 160: 15, then 30 more: 1 + 20 × 20 %; February 150 of 100: 10 + 10
    assert cashed(own, *LATE, goal="cash_quota", quota={"2026-01": 160, "2026-02": 100}) == [15, 20, 5]
    sold = "mode: slab, by: attainment, of: quota, rates: [{from: 0%, rate: 10%}, {from: 100%, rate: 20%}]"
    # sold 220 of 200 in January: 20 % of all its cash whenever it comes; 220 of 300 in February: 10 %
    assert cashed(sold, *LATE, quota={"2026-01": 200, "2026-02": 300}) == [30, 15, 6]
    assert cashed(sold, *LATE, quota={"2026-02": 300}) == [0, 15, 0], "without a quota of its month nothing is known"


def test_late_cash_of_a_year_counts_in_the_year_of_its_sale():
    year = "mode: marginal, by: amount, accumulate: year, rates: [{from: 0, rate: 0%}, {from: 100, rate: 100%}]"
    assert cashed(year, *LATE) == [50, 150, 30]


# Claw-back


def test_a_return_takes_back_its_part_of_what_was_paid():
    found = plan(rest="clawback: {events: [return], window: 60d, share: full}")
    assert values(paid(found, yuan(1_000), period="2026-02", returns=[back("2026-02-05", 250)])) == {
        "commission": 0,
        "plan.clawback": -25,
    }
    assert values(paid(found, yuan(1_000), period="2026-04", returns=[back("2026-04-05")])) == {"commission": 0}
    assert values(paid(found, yuan(1_000), period="2026-02", returns=[back("2026-02-05", kind="swap")])) == {
        "commission": 0
    }


def test_never_more_is_taken_back_than_was_paid():
    found = plan(rest="pay: {release: {by_collection: 100%}}\nclawback: {events: [return], window: 6m, share: full}")
    twice = [back("2026-02-05"), back("2026-02-06")]
    result = paid(found, yuan(1_000), period="2026-02", payments=[cash(400, "2026-01-20")], returns=twice)
    assert values(result) == {"commission": 0, "plan.clawback": -40}


def test_a_claw_back_is_offset_up_to_its_limit_and_the_rest_follows():
    found = plan(rest="clawback: {events: [return], window: 6m, share: full, offset_limit: 20%}")
    orders = [yuan(1_000), *(yuan(2_000, f"2026-0{i}-10", f"SO-{i}") for i in (2, 3, 4, 5))]
    gone = [back("2026-02-05")]
    taken = [values(paid(found, *orders, period=f"2026-0{i}", returns=gone)).get("plan.clawback") for i in (2, 3, 4, 5)]
    assert taken == [-40, -40, -20, None]


def test_steps_fall_with_time():
    steps = "[{within: 30d, share: 100%}, {within: 90d, share: 50%}]"
    rule = f"clawback: {{events: [return], window: 90d, share: stepped, steps: {steps}}}"
    found = plan(rest=rule)
    for day, taken in (("2026-02-09", -100), ("2026-02-10", -50), ("2026-04-10", -50), ("2026-04-11", None)):
        result = paid(found, yuan(1_000), period=day[:7], returns=[back(day)])
        assert values(result).get("plan.clawback") == taken


def test_what_is_undone_before_it_is_paid_is_not_paid():
    rule = "clawback: {events: [return], window: 90d, share: full}"
    held = plan(rest=f"pay: {{holdback: {{share: 20%, release: {{after: 60d}}}}}}\n{rule}")
    months = [values(paid(held, yuan(10_000), returns=[back("2026-02-05")], period=f"2026-0{i}")) for i in (1, 2, 3)]
    assert months == [
        {"commission": 1000, "plan.holdback": -200},
        {"commission": 0, "plan.clawback": -800},
        {"commission": 0, "plan.holdback_released": 200, "plan.forfeited": -200},
    ]
    waiting = plan(rest=f"pay: {{release: {{by_collection: 100%}}}}\n{rule}")
    money, quarter = [cash(10_000, "2026-03-05")], [back("2026-02-05", 2_500)]
    march = values(paid(waiting, yuan(10_000), payments=money, returns=quarter, period="2026-03"))
    assert march == {"commission": 0, "plan.release": 1000, "plan.forfeited": -250}


def test_events_of_two_tables_may_share_a_number():
    found = plan(rest="clawback: {events: [return, refund], window: 90d, share: full}")
    refund = {"id": 1, "order": "SO-1", "refunded_on": date(2026, 2, 4), "amount": 300 * ROW}
    given = {"id": 1, "order": "SO-1", "returned_on": date(2026, 2, 1), "amount": 300 * ROW}
    result = paid(found, yuan(1_000), returns=[given], refunds=[refund], period="2026-02")
    assert values(result)["plan.clawback"] == -60  # 30 % of 100, twice


def test_an_order_and_an_invoice_may_share_a_number():
    found = plan(rest="pay: {release: {by_collection: 100%}}")
    orders = [yuan(1_000, number="1"), yuan(1_000, number="2")]
    bill = {"id": "1", "order": "2", "invoiced_on": date(2026, 1, 16), "net_amount": 1_000 * ROW}
    money = [{**cash(1_000, "2026-01-20", "2"), "invoice": "1"}]
    assert paid(found, *orders, invoices=[bill], payments=money).total.units == 100 * ROW


def test_a_payment_that_names_the_invoice_releases_the_order_of_the_invoice():
    found = plan(rest="pay: {release: {by_collection: 100%}}")
    bill = {"id": "I-1", "order": "SO-1", "invoiced_on": date(2026, 1, 12), "net_amount": 400 * ROW}
    money = {"id": "P-1", "invoice": "I-1", "received_on": date(2026, 1, 20), "amount": 400 * ROW}
    assert paid(found, yuan(1_000), invoices=[bill], payments=[money]).total.units == 40 * ROW
    both = [money, {**cash(100, "2026-01-21"), "invoice": "I-1"}]
    assert paid(found, yuan(1_000), invoices=[bill], payments=both).total.units == 50 * ROW, "each counts once"


def test_cash_in_another_currency_counts_at_the_rate_of_the_sale_and_without_a_rate_is_held_back():
    from xiaoguan.policy import load_text

    text = plan(rest="pay: {release: {by_collection: 100%}}").text
    found, _ = load_text(text.replace("currency: CNY", "currency: CNY, fx: {earning: event_date}"))
    rates = [{"currency": "USD", "on": date(2026, 1, 10), "rate": Fraction(36, 5), "kind": "spot"}]
    orders = [yuan(10_000, "2026-01-12"), yuan(10_000, "2026-01-12", "SO-2", currency="USD")]
    money = [{**cash(1_000, "2026-02-20"), "currency": "USD"}, {**cash(36_000, "2026-02-21", "SO-2")}]
    book = Book(rates=rates)
    # 1 000 USD = 7 200 of 10 000 CNY: 72 % of 1 000; 36 000 CNY = 5 000 of 10 000 USD: half of 7 200
    assert paid(found, *orders, payments=money, period="2026-02", book=book).total.units == (720 + 3_600) * ROW
    euro = [{**cash(1_000, "2026-02-20"), "currency": "EUR"}]
    held = paid(found, orders[0], payments=euro, period="2026-02", book=book)
    assert held.total.units == 0 and "no rate of EUR on 2026-01-12" in held.issues[0].message
    clawed, _ = load_text(found.text + "    clawback: {events: [return], window: 60d}\n")
    refund = [{**back("2026-02-22", 100), "currency": "EUR"}]
    told = paid(clawed, orders[0], returns=refund, payments=[], period="2026-02", book=book)
    assert "R-2026-02-22" in told.lines[-1].formula and "no rate of EUR" in told.issues[0].message


# Credit


def person(key, role="sales_rep", manager="", team="east"):
    return Who(key, key, role, team=team, spans=(Span(date(2026, 1, 1), None, role, team, manager),))


TEAM = {
    one.key: one
    for one in (
        person("lin", manager="chen"),
        person("zhou", manager="chen"),
        person("chen", "leader", "sun"),
        person("sun", "director"),
    )
}
RULE = (
    "credit: {payees: [{as: owner, share: 70%}, {as: co_owner, share: 30%, else: owner}], "
    "overlay: [{as: presales, share: 50%, counts: [attainment]}], rollup: [{to: leader, counts: [pay]}]}"
)


@settings(max_examples=60, deadline=None)
@given(st.integers(-10_000_000, 10_000_000), st.integers(0, 2))
def test_credits_of_a_split_add_up_and_a_reversal_mirrors_them(cents, shape):
    found = plan(FLAT.replace("10%", "100%"), RULE)
    fields = [{}, {"co_owner": "zhou"}, {"co_owner": "zhou", "presales": "sun"}][shape]
    sale = order(cents * 100, "2026-01-10", "SO-1", **fields)
    undone = order(-cents * 100, "2026-01-20", "SO-2", reverses="SO-1")
    book = Book(TEAM)

    def credit(key, *orders):
        return paid(found, *orders, who=TEAM[key], book=book).total.units

    assert credit("lin", sale) + credit("zhou", sale) == cents * 100
    for key in ("lin", "zhou"):
        assert credit(key, sale, undone) == 0


def test_recorded_splits_come_before_the_rule_and_the_manager_gets_the_whole():
    found = plan(FLAT, RULE.replace("{to: leader, counts: [pay]}", "{to: managers}"))
    splits = [
        {
            "table": None,
            "record": "SO-1",
            "person": "lin",
            "share": Fraction(1, 4),
            "counts": ("attainment", "pay"),
            "kind": "direct",
        },
        {
            "table": None,
            "record": "SO-1",
            "person": "zhou",
            "share": Fraction(3, 4),
            "counts": ("attainment", "pay"),
            "kind": "direct",
        },
    ]
    book = Book(TEAM, splits=splits)
    got = {key: paid(found, yuan(1_000), who=TEAM[key], book=book).total.units // ROW for key in ("lin", "zhou")}
    assert got == {"lin": 25, "zhou": 75}
    from xiaoguan.policy.credit import metric_of

    world = RowsWorld(found, {"orders": [yuan(1_000)]}, {}, book=book)
    january = found.calendar.parse("2026-01")
    above = {key: metric_of(found, world, "bookings", TEAM[key], january, "pay").value for key in ("chen", "sun")}
    assert above == {"chen": 1_000 * ROW, "sun": 1_000 * ROW}
    company = metric_of(found, world, "bookings", Who("", ""), january, "pay")
    assert company.value == 1_000 * ROW, "roll-ups are not counted in company totals"


@pytest.mark.parametrize(
    ("kind", "counts", "pay", "attainment"),
    [
        ("overlay", "attainment pay", (80, 50), (800, 500)),  # beside the 80 % and 20 % of the rule
        ("direct", "pay", (0, 100), (800, 200)),  # pay as recorded, attainment by the rule
        ("direct", "attainment pay", (0, 100), (0, 1_000)),
    ],
)
def test_what_recorded_splits_say_nothing_of_is_shared_by_the_rule(kind, counts, pay, attainment):
    rule = "credit: {payees: [{as: owner, share: 80%}, {as: co_owner, share: 20%, else: owner}], "
    rule += "overlay: [{as: presales, share: 50%, counts: [attainment]}]}"
    found, sale = plan(FLAT, rule), yuan(1_000, co_owner="wang" if kind == "overlay" else "zhou", presales="sun")
    split = {"table": None, "record": "SO-1", "person": "zhou", "kind": kind, "counts": tuple(counts.split())}
    split["share"] = Fraction(1, 2) if kind == "overlay" else Fraction(1)
    book = Book(TEAM, splits=[split])
    got = [paid(found, sale, who=TEAM[key], book=book).total.units // ROW for key in ("lin", "zhou")]
    assert tuple(got) == pay
    from xiaoguan.policy.credit import metric_of

    world, january = RowsWorld(found, {"orders": [sale]}, {}, book=book), found.calendar.parse("2026-01")
    of = [metric_of(found, world, "bookings", TEAM[key], january, "attainment").value for key in ("lin", "zhou", "sun")]
    # the plan's overlay holds unless an overlay is recorded
    assert [one // ROW for one in of] == [*attainment, 0 if kind == "overlay" else 500]


def test_purposes_are_separate():
    found = plan(FLAT, RULE)
    world = RowsWorld(found, {"orders": [yuan(1_000, presales="sun", co_owner="zhou")]}, {}, book=Book(TEAM))
    from xiaoguan.policy.credit import metric_of

    january = found.calendar.parse("2026-01")
    got = {(key, purpose): metric_of(found, world, "bookings", TEAM[key], january, purpose).value
           for key in TEAM for purpose in ("attainment", "pay")}  # fmt: skip
    thousand = {k: v // ROW for k, v in got.items()}
    assert thousand == {
        ("lin", "attainment"): 700, ("lin", "pay"): 700, ("zhou", "attainment"): 300, ("zhou", "pay"): 300,
        ("chen", "attainment"): 0, ("chen", "pay"): 1_000, ("sun", "attainment"): 500, ("sun", "pay"): 0,
    }  # fmt: skip


def test_the_reporting_line_of_the_day_decides():
    moved = Who("lin", "lin", "sales_rep", spans=(
        Span(date(2026, 1, 1), date(2026, 1, 15), "sales_rep", "east", "chen"),
        Span(date(2026, 1, 15), None, "sales_rep", "west", "sun"),
    ))  # fmt: skip
    found = plan(FLAT, "credit: {payees: [{as: owner, share: 100%}], rollup: [{to: manager}]}")
    book = Book({**TEAM, "lin": moved})
    orders = [yuan(100, "2026-01-14"), yuan(10, "2026-01-15", "SO-2")]
    from xiaoguan.policy.credit import metric_of

    world = RowsWorld(found, {"orders": orders}, {}, book=book)
    got = [
        metric_of(found, world, "bookings", TEAM[k], found.calendar.parse("2026-01"), "pay").value
        for k in ("chen", "sun")
    ]
    assert got == [100 * ROW, 10 * ROW]


def test_a_missing_exchange_rate_holds_the_record():
    head = "policy: {id: t, name: T, version: 1.0.0, effective: {from: 2026-01-01, to: null}, currency: CNY, "
    head += "fx: {earning: event_date}}\n"
    from xiaoguan.policy import load_text

    found, _ = load_text(f"{head}{BOOKINGS}incentive:\n  - {{id: plan, components: [{FLAT}]}}\n")
    sale = yuan(1_000, currency="EUR")
    rate = {"currency": "EUR", "on": date(2026, 1, 9), "rate": Fraction(8), "kind": "spot"}
    assert values(paid(found, sale, book=Book(rates=[rate]))) == {"commission": 800}
    held = paid(found, sale)
    assert held.total.units == 0 and "no rate of EUR on 2026-01-10" in held.issues[0].message


# True-up, matrix, spiff, pool, override


def test_true_up_pays_what_the_year_so_far_entitles_to():
    tiers = "tiers: {mode: slab, by: attainment, of: quota, rates: [{from: 0%, rate: 1%}, {from: 100%, rate: 2%}]}"
    found = plan(FLAT.replace("rate: 10%", tiers), "true_up: {period: quarter, method: year_to_date}",
                 BOOKINGS.replace("period: quarter", "period: month"))  # fmt: skip
    quota = {f"2026-0{i}": 1_000 * ROW for i in (1, 2, 3)}
    orders = [yuan(500), yuan(500, "2026-02-10", "SO-2"), yuan(3_000, "2026-03-10", "SO-3")]
    assert values(paid(found, *orders, quota=quota)) == {"commission": 5}
    march = values(paid(found, *orders, quota=quota, period="2026-03"))
    assert march == {"commission": 60, "plan.true_up": 10}  # 4 000 × 2 % = 80, less 5 + 5 + 60


def test_a_matrix_pays_the_cell_and_a_bound_takes_the_upper():
    cells = "rows: {metric: bookings, of: attainment, from: [0%, 100%]}, columns: {metric: orders, from: [0, 2]}, "
    cells += "percent: [[10, 50%], [60, 150]]"
    more = BOOKINGS.replace("period: quarter", "period: month").replace(
        "goals:", '  orders: {name: O, type: count, from: orders, value: "count()", date: signed_on}\ngoals:'
    )
    found = plan(f"{{id: m, kind: matrix, period: month, target: 1000, {cells}}}", more=more)
    quota = {"2026-01": 1_000 * ROW}
    assert values(paid(found, yuan(999), quota=quota)) == {"m": 100}
    assert values(paid(found, yuan(500), yuan(500, number="SO-2"), quota=quota)) == {"m": 1500}
    assert paid(found, yuan(500)).lines[0].missing


def test_a_pool_is_cut_so_that_its_parts_add_up():
    pool = '{id: pool, kind: pool, period: month, fund: "1% * total(bookings, of=team)", '
    pool += "divide: {even: 50%, credit: 50%}, basis: bookings}"
    found = plan(pool)
    orders = [yuan(1_000), yuan(333, number="SO-2", person="zhou")]
    got = [paid(found, *orders, who=TEAM[key], book=Book(TEAM)).total.units for key in ("lin", "zhou")]
    assert sum(got) == 133_300 and got[0] > got[1] > 0


def test_an_override_replaces_the_rates_for_its_role_and_two_are_refused():
    tiers = "tiers: {mode: marginal, by: amount, rates: [{from: 0, rate: 10%}]}"
    other = "{id: more, kind: override_rate, of: commission, role: sales_rep, rates: [{from: 0, rate: 20%}]}"
    found = plan(f"{FLAT.replace('rate: 10%', tiers)}, {other}")
    line = paid(found, yuan(1_000)).lines[0]
    assert line.value == 200 * ROW and "rates of more" in line.note and "instead of commission" in line.note
    both = plan(f"{FLAT.replace('rate: 10%', tiers)}, {other}, {other.replace('id: more', 'id: again')}")
    assert "more and again both replace" in paid(both, yuan(1_000)).lines[0].note


def test_an_override_replaces_the_table_of_a_bonus():
    table = "tiers: {mode: slab, by: amount, of: bookings, rates: [{from: 0, rate: 0%}, {from: 1_000, rate: 100%}]}"
    other = "{id: o, kind: override_rate, of: b, rates: [{from: 0, rate: 0%}, {from: 800, rate: 150%}]}"
    line = paid(plan(f"{{id: b, kind: bonus, target: 100, {table}}}, {other}"), yuan(900)).lines[0]
    assert line.value == 150 * ROW and "rates of o" in line.note


def test_factors_pay_the_target_incentive_at_100_percent():
    tiers = "tiers: {mode: marginal, by: attainment, of: quota, accumulate: year, "
    tiers += "rates: [{from: 0%, factor: 0.6}, {from: 50%, factor: 1.4}, {from: 100%, factor: 2}]}"
    found = plan(FLAT.replace("rate: 10%", f"weight: 70%, {tiers}"), "target_incentive: 120_000",
                 BOOKINGS.replace("period: quarter", "period: year"))  # fmt: skip
    quota = {"2026": 1_000_000 * ROW}
    assert values(paid(found, yuan(1_000_000), quota=quota)) == {"commission": 84_000}
    assert values(paid(found, yuan(500_000), quota=quota)) == {"commission": 25_200}


@pytest.mark.parametrize(("mode", "sales", "value"), [("slab", 3, 300), ("amount", 3, 80), ("amount", 2, 50)])
def test_tiers_by_count_and_of_sums(mode, sales, value):
    key = {"slab": ("rate: 5%", "rate: 10%"), "amount": ("amount: 50", "amount: 80")}[mode]
    tiers = f"tiers: {{mode: {mode}, by: count, rates: [{{from: 0, {key[0]}}}, {{from: 3, {key[1]}}}]}}"
    orders = [yuan(1_000, number=f"SO-{i}") for i in range(sales)]
    assert values(paid(plan(FLAT.replace("rate: 10%", tiers)), *orders)) == {"commission": value}


def test_a_change_of_role_limits_the_records_to_its_days():
    who = Who(
        "lin",
        "林静",
        "leader",
        spans=(Span(date(2026, 1, 1), date(2026, 1, 16), "sales_rep"), Span(date(2026, 1, 16), None, "leader")),
    )
    result = paid(plan(), yuan(100, "2026-01-15"), yuan(100, "2026-01-16", "SO-2"), who=who)
    assert values(result) == {"commission": 10}


def test_after_leaving_the_declared_answers_hold():
    rest = "pay: {release: {by_collection: 100%}, holdback: {share: 10%, release: {after: 30d}}}\nleaving: {"
    who = Who("lin", "林静", "sales_rep", left_on=date(2026, 2, 20))
    money = [cash(500, "2026-01-20"), cash(500, "2026-02-25")]
    for answer, value in (("held: paid", 55), ("held: lost", 45), ("released: lost, held: lost", 0)):
        found = plan(rest=f"{rest}{answer}}}")
        assert paid(found, yuan(1_000), payments=money, period="2026-02", who=who).total.units // ROW == value
    lost = plan(rest="cap: {total: 1_000}\nleaving: {earned: lost}")
    sale = yuan(1_000, "2026-02-10")
    assert values(paid(lost, sale, period="2026-02", who=who)) == {"commission": 100, "plan.leaving": -100}
    alone = plan(rest="leaving: {earned: lost}")
    assert values(paid(alone, sale, period="2026-02", who=who)) == {"commission": 100, "plan.leaving": -100}
    # what came before the last day, 20 of 100, was released in time
    late = plan(rest="pay: {release: {by_collection: 100%}}\nleaving: {released: lost}")
    money = [cash(200, "2026-02-19"), cash(800, "2026-02-20")]
    assert paid(late, yuan(1_000), payments=money, period="2026-02", who=who).total.units // ROW == 20


def test_a_source_that_does_not_know_the_cash_pays_nothing_silently():
    class OnlyMetrics:
        def __init__(self, world):
            self.metric, self.goal = world.metric, world.goal

    found = plan(rest="pay: {release: {by_collection: 100%}}")
    world = OnlyMetrics(RowsWorld(found, {"orders": [yuan(1_000)]}, {}))
    result = statement(found, Who("lin", "林静", "sales_rep"), found.calendar.parse("2026-01"), world)
    assert values(result)["plan.release"] is None
    assert "does not know what was collected" in result.issues[0].message


def test_a_version_that_begins_inside_a_period_pays_the_records_of_its_days():
    text = plan().text.replace("from: 2026-01-01", "from: 2026-01-16")
    from xiaoguan.policy import load_text

    found, _ = load_text(text)
    orders = [yuan(100, "2026-01-15"), yuan(100, "2026-01-16", "SO-2")]
    assert values(paid(found, *orders)) == {"commission": 10}
    tiers = "tiers: {mode: marginal, by: amount, rates: [{from: 0, rate: 10%}]}"
    found, _ = load_text(text.replace("rate: 10%", tiers))
    assert "not in force for the whole" in paid(found, *orders).lines[0].note


def test_records_of_one_day_count_in_the_order_in_which_they_were_recorded():
    tiers = "tiers: {mode: marginal, by: amount, rates: [{from: 0, rate: 0%}, {from: 100, rate: 10%}]}"
    found = plan(FLAT.replace("rate: 10%", tiers), "pay: {release: {by_collection: 100%}}")
    first = yuan(100, number="SO-9", recorded_at="2026-01-10T08:00")
    second = yuan(100, number="SO-1", recorded_at="2026-01-10T09:00")
    assert paid(found, first, second, payments=[cash(100, "2026-01-11", "SO-1")]).total.units // ROW == 10
    assert paid(found, first, second, payments=[cash(100, "2026-01-11", "SO-9")]).total.units == 0


def test_a_holdback_may_wait_for_a_date():
    found = plan(rest="pay: {holdback: {share: 20%, release: {date: 2026-03-31}}}")
    assert values(paid(found, yuan(1_000), period="2026-03")) == {"commission": 0, "plan.holdback_released": 20}


def test_what_accumulates_over_the_year_needs_no_true_up():
    tiers = "tiers: {mode: marginal, by: attainment, of: quota, accumulate: year, "
    tiers += "rates: [{from: 0%, rate: 1%}, {from: 50%, rate: 2%}]}"
    rule = "true_up: {period: quarter, method: year_to_date}"
    found = plan(FLAT.replace("rate: 10%", tiers), rule, BOOKINGS.replace("period: quarter", "period: year"))
    quota = {"2026": 1_000 * ROW, "2026-Q1": 100 * ROW}
    assert values(paid(found, yuan(400), period="2026-03", quota=quota)) == {"commission": 0}


def test_months_of_a_new_hire_are_those_of_the_calendar():
    weeks = "calendar: {pattern: 445, fiscal_year_ends: {weekday: sunday, nearest: 12-31}}"
    head = BOOKINGS.replace("metrics:", f"{weeks}\nmetrics:")
    found = plan(rest="guarantee: {amount: 500, months: 2, for: new_hire}", more=head)
    who = Who(
        "lin", "林静", "sales_rep", hired_on=date(2026, 2, 10)
    )  # in the second month of weeks, from 26 January on
    labels = ["2026-M02", "2026-M03", "2026-M04"]
    assert [paid(found, who=who, period=label).total.units // ROW for label in labels] == [500, 500, 0]


def test_a_ledger_that_says_what_the_facts_say_needs_no_adjustment():
    found = plan(rest="pay: {release: {by_collection: 100%}, holdback: {share: 10%, release: {after: 30d}}}")
    sale, money = yuan(1_000), [cash(400, "2026-01-20"), cash(600, "2026-02-20")]
    ledger = [e for label in ("2026-01", "2026-02") for e in paid(found, sale, payments=money, period=label).entries]
    march = paid(found, sale, payments=money, period="2026-03", book=Book(ledger=ledger))
    assert "adjustment" not in values(march)
    late = [*money, cash(-300, "2026-01-25")]
    again = paid(found, sale, payments=late, period="2026-03", book=Book(ledger=ledger))
    assert values(again)["adjustment"] < 0

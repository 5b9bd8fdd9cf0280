"""对比与回测: a diff says all that changed and nothing else; a back-test pays what both policies would have paid."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaoguan.policy import RowsWorld, Who, load_text, statement
from xiaoguan.policy.compare import apply, backtest, diff, flat, goals_met

from .making import BOOKINGS, LIN, ROOT, order, paying, policy

NAMES = ("small-company", "sales-consultant", "team-performance")


def read(name, *edits):
    text = (ROOT / "policies" / f"{name}.yaml").read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    found, issues = load_text(text)
    assert found is not None, issues
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_does_not_differ_from_itself_whatever_the_comments_and_the_order(name):
    found = read(name)
    text = "\n".join(line.split("   #")[0] for line in found.text.split("\n"))
    head, rest = text.split("\nmetrics:")
    middle, last = rest.split("\nincentive:")
    again, _ = load_text(f"{head}\nincentive:{last}\nmetrics:{middle}")
    assert again is not None and diff(found, again) == []


def test_spaces_and_brackets_of_a_formula_are_no_change():
    edit = ('"attainment(daily_visits, over=5wd) < 60%"', '"(attainment( daily_visits, over=5wd )<60%)"')
    assert diff(read("sales-consultant"), read("sales-consultant", edit)) == []


SIGNED = "where: \"status == 'signed'\", source: 第一章第1条}\n  orders"
COMMISSION = "incentive[rep_commission].components[commission]"
EDITS = [
    (("rate: 4%", "rate: 4.5%"), f"{COMMISSION}.tiers.rates[100%].rate", "parameter", "pay"),
    (("name: 销售提成,", "name: 提成,"), f"{COMMISSION}.name", "wording", "pay"),
    (("growth: 20%}", "growth: 25%}"), "goals[annual_bookings].target.growth", "parameter", "goal"),
    (("skip: forbidden", "skip: allowed"), "process.moves.skip", "parameter", "process"),
    (("A: {from: 95,", "A: {from: 90,"), "appraisal[quarterly].grades.A.from", "parameter", "people"),
    ((SIGNED, "source: 第一章第1条}\n  orders"), "metrics.bookings.where", "parameter", "pay"),
    (("  - {id: visit_c,", "  - {id: visit_d,"), "follow_up[visit_c]", "structure", "process"),
]


@pytest.mark.parametrize(("edit", "path", "kind", "touches"), EDITS)
def test_a_change_is_found_by_id_with_its_kind_and_what_it_touches(edit, path, kind, touches):
    before, after = read("small-company"), read("small-company", edit)
    changes = diff(before, after)
    first = changes[0]
    assert (first.path, first.kind, first.touches) == (path, kind, touches)
    assert len(changes) == (2 if kind == "structure" else 1)
    assert apply(flat(before), changes, flat(after)) == flat(after)
    assert [c.path for c in diff(after, before)] == [c.path for c in changes]


@settings(max_examples=25, deadline=None)
@given(st.sets(st.sampled_from(range(len(EDITS)))), st.sets(st.sampled_from(range(len(EDITS)))))
def test_applying_the_difference_gives_the_other_policy(some, others):
    before = read("small-company", *(EDITS[i][0] for i in sorted(some)))
    after = read("small-company", *(EDITS[i][0] for i in sorted(others)))
    assert apply(flat(before), diff(before, after), flat(after)) == flat(after)


def test_a_renamed_id_is_no_removal():
    before = read("small-company")
    edit = ("id: quarterly_bonus,", "id: target_bonus, formerly: quarterly_bonus,")
    changes = diff(before, read("small-company", edit))
    assert {change.kind for change in changes} <= {"wording", "parameter"}
    assert not any(change.before is None and change.kind == "structure" for change in changes)


FLAT = "{id: commission, kind: commission, basis: bookings, rate: %s}"
SLAB = (FLAT % "0%").replace(
    "rate: 0%", "tiers: {mode: slab, by: amount, rates: [{from: 0, rate: 1%}, {from: 10_000, rate: 3%}]}"
)


def test_a_back_test_pays_both_and_names_winners_losers_and_jumps():
    before, after = paying(FLAT % "2%"), paying(SLAB)
    people = [Who(key, key, "sales_rep") for key in ("lin", "zhou")]
    orders = [order(20_000_0000, "2026-01-05", 1), order(5_000_0000, "2026-02-05", 2, person="zhou")]
    periods = [before.calendar.parse(label) for label in ("2026-01", "2026-02")]
    made = backtest(before, after, people, periods, lambda found: RowsWorld(found, {"orders": orders}))
    assert made.totals == (500_0000, 650_0000)
    assert made.winners() == [("lin", 200_0000)] and made.losers() == [("zhou", -50_0000)]
    assert [(jump.bound, jump.pays) for jump in made.jumps] == [("10,000", 200_0000)]
    assert made.to_json("CNY")["cost_of_sales"] == {"before": "0.02", "after": "0.026"}
    for row in made.rows:
        world = RowsWorld(after, {"orders": orders})
        who = next(one for one in people if one.key == row.person)
        assert statement(after, who, after.calendar.parse(row.period), world).total.units == row.after


def test_a_back_test_says_which_warnings_would_have_been_given_when():
    rule = """warnings:
  - {id: low, name: 过低, when: "bookings < %s"}
  - {id: x, when: "customer.shoe == 'x'"}
  - {id: share, when: "ratio(bookings, 3 * total(bookings, over=quarter)) < 30%%"}
"""
    before, after = (policy(BOOKINGS + rule % amount) for amount in (200, 600))
    rows = [order(3_000_000, "2026-01-10"), order(5_000_000, "2026-02-10")]
    world = RowsWorld(before, {"orders": rows})
    periods = [before.calendar.parse(label) for label in ("2026-01", "2026-02", "2026-03")]
    fired = backtest(before, after, [LIN], periods, lambda one: world).warnings
    assert (fired["low"].before, fired["low"].after) == (1, 3)
    assert fired["low"].found[1:] == [
        ("after", "lin", "林静", "2026-02", "500.00", "< 600", ""),
        ("before", "lin", "林静", "2026-03", "0.00", "< 200", ""),
        ("after", "lin", "林静", "2026-03", "0.00", "< 600", ""),
    ]
    assert fired["x"].before is None and fired["x"].unknown
    assert fired["share"].found[0][4:6] == ("20.83%", "< 30%")


def test_a_goal_is_met_or_not_in_the_periods_that_it_is_cut_down_to():
    """Reached in January, missed in February; nobody gave one for March."""
    found = policy(
        BOOKINGS.replace(
            "target: {method: assigned}", "target: {method: fixed, value: 1}, allocate: [{by: month, method: even}]"
        )
    )
    goals = {("quota", "lin", "2026-01"): 1000, ("quota", "lin", "2026-02"): 1000}
    known = RowsWorld(found, {"orders": [order(1000), order(999, "2026-02-10", 2)]}, goals)
    assert goals_met(found, [LIN], [found.calendar.parse("2026-Q1")], known) == {"quota": [1, 2]}

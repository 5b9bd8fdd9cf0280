"""目标分解 and 合理性: parts add up, people carry what they can, and a goal is never judged by one number."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from xiaoguan.policy import RowsWorld, Who, plan
from xiaoguan.policy.goals import Absence
from xiaoguan.policy.inputs import Inputs
from xiaoguan.policy.reasonable import Evidence, assess
from xiaoguan.policy.targets import transfer, work_out
from xiaoguan.policy.world import Book, Span

from .making import BOOKINGS, calc, order, policy

ROW = 10_000


def goal(rest: str):
    head = BOOKINGS.split("goals:")[0]
    return policy(f"{head}goals:\n  - {{id: g, metric: bookings, period: year, {rest}}}\n")


def people(*keys, **hired):
    made = {}
    for key in keys:
        name, _, team = key.partition("@")
        made[name] = Who(
            name, name, "rep", hired_on=hired.get(name), spans=(Span(date(2020, 1, 1), None, "rep", team),)
        )
    return made


def tree(found, *orders, who=None, declared=None, whole=None):
    world = RowsWorld(found, {"orders": orders}, {}, book=Book(who or people("a@x", "b@x", "c@y")))
    return work_out(found, found.goals[0], found.calendar.parse("2026"), world, declared, whole)


def values(made):
    return {(owner, label): value // ROW for (_, owner, label), value in made.values().items()}


FIXED = "target: {method: fixed, value: 1_200}, "


def test_the_chain_goes_from_the_company_to_a_person_and_a_month():
    found = goal(
        FIXED + "allocate: [{by: quarter, method: even}, {by: team, method: even}, {by: person, method: even}]"
    )
    made = values(tree(found))
    assert (made["", "2026"], made["", "2026-Q1"], made["team:x", "2026-Q1"], made["a", "2026-Q1"]) == (
        1200,
        300,
        150,
        75,
    )
    assert made["c", "2026-Q4"] == 150


def test_growth_seasons_and_shares_come_from_the_records_before():
    found = goal(
        "target: {method: growth, base: prior_year, growth: 20%}, allocate: "
        "[{by: quarter, method: seasonality, history: 1y}, {by: person, method: weighted, "
        "weights: {history: 50%, even: 50%}}]"
    )
    orders = [order(300 * ROW, "2025-02-01", 1, person="a"), order(100 * ROW, "2025-05-01", 2, person="b")]
    orders += [order(300 * ROW, "2025-08-01", 3, person="a"), order(300 * ROW, "2025-11-01", 4, person="b")]
    made = values(tree(found, *orders, who=people("a@x", "b@x")))
    assert (made["", "2026"], made["", "2026-Q1"], made["", "2026-Q2"]) == (1200, 360, 120)
    assert made["a", "2026-Q1"] == 198, "a brought 60 % and has half of even"
    assert made["a", "2026-Q1"] + made["b", "2026-Q1"] == 360


def test_history_ends_where_the_goal_begins_and_who_brought_nothing_has_nothing():
    found = goal(
        FIXED + "allocate: [{by: quarter, method: even}, {by: person, method: history, history: 1y}], proration: "
        "{basis: months}"
    )
    orders = [order(800 * ROW, "2025-08-01", 1, person="a"), order(500 * ROW, "2026-02-01", 2, person="b")]
    made = values(tree(found, *orders, who=people("a@x", "b@x", "n@x", n=date(2026, 4, 1))))
    assert [made[who, "2026-Q2"] for who in "abn"] == [200, 0, 100], "b is not new; n has the median of 800 and 0"
    assert made["a", "2026-Q4"] == 200, "the order of February moves no quota of the same year"
    found = goal(FIXED + "allocate: [{by: team, method: history, history: 1y}]")
    made = values(tree(found, orders[0], who=people("a@x", "n@y", n=date(2026, 4, 1))))
    assert made["team:y", "2026"] == 600, "a team of new people has the median of the others"


def test_a_month_in_which_nobody_is_there_is_a_month_of_nothing():
    found = goal(FIXED + "allocate: [{by: quarter, method: even}, {by: person, method: even}]")
    made = values(tree(found, who=people("a@x", a=date(2026, 4, 1))))
    assert [made["a", f"2026-Q{n}"] for n in (1, 2)] == [0, 300]


def test_potential_is_declared_and_normalised_before_it_is_mixed():
    found = goal(FIXED + "allocate: [{by: team, method: potential, weights: {market_size: 75%, buildings: 25%}}]")
    declared = {
        "market_size": {"x": Fraction(30), "y": Fraction(10)},
        "buildings": {"x": Fraction(1), "y": Fraction(1)},
    }
    made = values(tree(found, declared=declared))
    assert (made["team:x", "2026"], made["team:y", "2026"]) == (825, 375)
    issues = tree(found).issues
    assert "cannot be shared" in issues[0].message


def test_ramp_and_presence_reduce_what_a_new_person_carries_but_not_the_others():
    rest = "allocate: [{by: quarter, method: even}, {by: person, method: even}], "
    rest += "ramp: [0%, 50%], proration: {basis: months}"
    made = values(tree(goal(FIXED + rest), who=people("a@x", "b@x", b=date(2026, 2, 1))))
    assert made["a", "2026-Q1"] == 150
    assert made["b", "2026-Q1"] == 25, "150 × two of three months × the mean of 0 % in February and 50 % in March"
    assert made["b", "2026-Q2"] == 150


def test_one_factor_of_over_assignment_counts_once():
    steps = "allocate: [{by: quarter, method: even}, {by: team, method: even}, {by: person, method: even}]"
    made = tree(goal(FIXED + "over_assignment: 1.10, " + steps))
    found = values(made)
    assert (found["", "2026-Q1"], found["team:x", "2026-Q1"], found["c", "2026-Q1"]) == (300, 150, 165)
    assert sum(leaf.value for leaf in made.root.leaves()) == 1_320 * ROW
    found = values(
        tree(goal(FIXED + "over_assignment: 1.10, allocate: [{by: team, method: even}, {by: quarter, method: even}]"))
    )
    assert (found["team:x", "2026-Q1"], found["", "2026-Q1"]) == (165, 300), (
        "the company's quarter is not assigned above"
    )


def test_who_changes_role_or_team_carries_the_days_in_it():
    rest = "allocate: [{by: team, method: even}, {by: person, method: even}], proration: {basis: calendar_days}"
    half = date(2026, 7, 2)  # 182 of 365 days have passed
    who = people("a@x", "d@y")
    who["b"] = Who("b", "b", "rep", spans=(Span(date(2020, 1, 1), half, "rep", "x"), Span(half, None, "rep", "y")))
    who["c"] = Who("c", "c", "it", spans=(Span(date(2020, 1, 1), half, "it", "y"), Span(half, None, "rep", "y")))
    for transfer_, b in (("stays", 600 * Fraction(182, 730) + 600 * Fraction(183, 1095)), ("moves", 300)):
        found = goal(FIXED + rest + f", transfer: {transfer_}")
        found = replace(found, header=replace(found.header, scope=replace(found.header.scope, roles=("rep",))))
        made = work_out(found, found.goals[0], found.calendar.parse("2026"), RowsWorld(found, {}, book=Book(who)))
        carried = made.values()
        assert abs(carried["g", "b", "2026"] - b * ROW) <= 100, "half of team x for 182 days, a third of y for 183"
        share = 3 if transfer_ == "stays" else 2
        assert abs(carried["g", "c", "2026"] - Fraction(600 * ROW * 183, 365 * share)) <= 100, "not before the role"


def test_a_ratio_is_wanted_of_everybody_and_nothing_grows_from_nothing():
    text = BOOKINGS.split("goals:")[0] + '  paid: {name: P, type: ratio, value: "ratio(bookings, bookings, empty=0)"}\n'
    found = policy(text + "goals:\n  - {id: g, metric: paid, period: year, target: {method: fixed, value: 40%}}\n")
    carried = tree(found).values()
    assert {carried["g", owner, "2026"] for owner in ("", "team:x", "a")} == {Fraction(2, 5)}
    halves = {("g", "a", f"2026-H{half}"): Fraction(half, 5) for half in (1, 2)}
    line = RowsWorld(found, {}, halves).goal("g", Who("a", "a"), found.calendar.parse("2026"))
    assert line.missing and "differ" in line.note
    year, lin = found.calendar.parse("2026"), Who("a", "a", "rep")
    asked = Inputs(found, lin, year, RowsWorld(found, {}))
    assert asked.quota("g", lin, year).value == Fraction(2, 5), "also where nobody has worked it out"
    assert asked.quota("g", lin, found.calendar.parse("2026-03")) is None
    made = tree(goal("target: {method: growth, base: prior_year, growth: 20%}"))
    assert made.root is None and "is 0" in made.issues[0].message


def test_a_team_that_nobody_is_in_any_more_has_no_part():
    found = goal(FIXED + "allocate: [{by: team, method: even}]")
    who = people("a@x", "b@y", "gone@old")
    who["gone"] = replace(who["gone"], left_on=date(2025, 7, 1))
    assert values(tree(found, who=who)) == {("", "2026"): 1_200, ("team:x", "2026"): 600, ("team:y", "2026"): 600}


def test_a_role_without_capacity_has_no_part():
    found = goal(FIXED + "allocate: [{by: person, method: capacity, weights: {rep: 1, senior: 2}}]")
    who = people("a@x", "s@x", "m@x")
    who |= {
        key: replace(who[key], spans=(replace(who[key].spans[0], role=role),))
        for key, role in (("s", "senior"), ("m", "lead"))
    }
    assert values(tree(found, who=who)) == {("", "2026"): 1_200, ("a", "2026"): 400, ("s", "2026"): 800}


def test_retention_counts_by_the_day_by_which_orders_count():
    text = BOOKINGS.replace("signed_on", "delivered_on").split("goals:")[0]
    found = policy(f'{text}  kept: {{name: K, type: ratio, value: "cohort_retention(customers, over=12m)"}}\n')
    assert plan(found, "kept").date == "delivered_on"


def test_a_season_that_brought_nothing_counts_once_there_were_records():
    found = goal(FIXED + "allocate: [{by: quarter, method: seasonality, history: 2y, fallback: even}]")
    months = [f"{year}-{month}-01" for year in (2024, 2025) for month in ("02", "05", "08", "11")]
    orders = [order(100 * ROW, day, i) for i, day in enumerate(months) if day != "2025-08-01"]
    made = values(tree(found, *orders))
    assert [made["", f"2026-Q{n}"] for n in (1, 2, 3, 4)] == [342, 342, 171, 342]
    begun = values(tree(found, *orders[2:]))  # the records begin in the third quarter of 2024
    assert begun["", "2026-Q1"] == 342


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 10**6),
    st.sampled_from(["", "over_assignment: 1.07, ", "over_assignment: {person: 1.10}, "]),
    st.data(),
)
def test_the_parts_of_every_step_add_up(thousands, over, data):
    found = goal(
        FIXED + over + "allocate: [{by: team, method: history, fallback: even}, "
        "{by: month, method: weeks}, {by: person, method: even}]"
    )
    orders = [order(data.draw(st.integers(0, 10**9)), "2025-06-01", i, person=key) for i, key in enumerate("abc")]
    made = tree(found, *orders, whole=thousands * ROW)
    factors = found.goals[0].over_assignment

    def check(part, steps):
        if not part.parts:
            return
        by = steps[0].by
        factor = factors.get(by, factors.get("" if by == "person" else by, Fraction(1)))
        carried = sum(one.full for one in part.parts)
        assert (
            carried == part.full
            if factor == 1
            else abs(carried - part.full * factor) <= found.quota_unit(found.goals[0])
        )
        for one in part.parts:
            check(one, steps[1:])

    check(made.root, found.goals[0].allocate)
    owners, periods = made.margins()
    assert sum(owners.values()) == sum(periods.values()) == sum(leaf.value for leaf in made.root.leaves())


def test_bottom_up_is_what_was_submitted_and_a_wanted_whole_closes_the_gap():
    found = goal(
        "target: {method: bottom_up, submit_by: lead, floor: {base: prior_year, growth: 10%}}, "
        "allocate: [{by: team, method: even}, {by: person, method: even}]"
    )
    who = people("a@x", "b@x", "c@y", "d@z")
    for key, team in (("lx", "x"), ("ly", "y"), ("lz", "z")):
        who[key] = Who(key, key, "lead", spans=(Span(date(2020, 1, 1), None, "lead", team),))
    goals = {("g", "team:x", "2026"): 600 * ROW, ("g", "team:y", "2026"): 200 * ROW}
    last_year = order(1_000 * ROW, "2025-06-01", 1, person="a")
    world = RowsWorld(found, {"orders": [last_year]}, goals, book=Book(who))

    def made(whole=None):
        return work_out(found, found.goals[0], found.calendar.parse("2026"), world, None, whole)

    submitted = made()
    assert values(submitted)["", "2026"] == 800 and values(submitted)["c", "2026"] == 100
    assert [issue.message for issue in submitted.issues] == [
        "goal g: not submitted yet for 2026: team:z",
        "goal g: what was submitted is 800.00, 300.00 below the floor",
    ]
    closed = values(made(1_000 * ROW))
    assert (closed["", "2026"], closed["team:x", "2026"], closed["team:y", "2026"]) == (1_000, 750, 250)


def test_relief_takes_the_absent_share_off_and_shows_it():
    found = goal("target: {method: assigned}, absence: {relieve: [maternity]}")
    away = [
        Absence("maternity", date(2026, 2, 1), date(2026, 3, 1)),
        Absence("maternity", date(2026, 2, 20), date(2026, 3, 3)),  # the days are counted once
        Absence("sick", date(2026, 1, 1), date(2026, 1, 31)),  # not relieved by this goal
    ]
    goals = {("g", "a", f"2026-0{month}"): value * ROW for month, value in ((1, 310), (2, 280), (3, 310))}
    world = RowsWorld(found, {}, goals, book=Book(people("a@x"), absences={"a": away}))
    months = [world.goal("g", Who("a", "a"), found.calendar.parse(f"2026-0{month}")).value for month in (1, 2, 3)]
    assert months == [310 * ROW, 0, 290 * ROW], "28 of 28 days of February, 2 of 31 of March"
    line = world.goal("g", Who("a", "a"), found.calendar.parse("2026-Q1"))
    assert line.value == sum(months) and [part.value for part in line.parts] == [900 * ROW, -300 * ROW]


def test_what_a_transfer_leaves_stays_with_the_team_or_moves():
    stays, moves = (goal(f"target: {{method: assigned}}, transfer: {how}").goals[0] for how in ("stays", "moves"))
    assert transfer(stays, 900, Fraction(1, 3)) == (300, 600, "team")
    assert transfer(moves, 900, Fraction(1, 3)) == (300, 600, "person")


def test_every_check_has_its_value_band_and_verdict():
    found = goal("target: {method: assigned}, check: {stretch: [0%, 25%], attain_probability: [35%, 75%]}").goals[0]
    evidence = Evidence(
        goal=130,
        history=[100, 100, 110, 90],
        past=[(100, 95), (100, 120), (100, 101), (100, 60)],
        deals=[(100, Fraction(1, 2)), (80, Fraction(1, 2))],
        won=50,
        quotas={"n": (60, 50), "s": (40, 50)},
        attained=[(Fraction(1), 10), (Fraction(2), 20), (Fraction(3), 30)],
        capacity=(10, Fraction(1, 4), 5, 20, 4),
    )
    got = {one.name: (one.value, one.verdict) for one in assess(found, evidence)}
    assert got == {
        "stretch": (Fraction(3, 10), "above"),
        "attain_probability": (Fraction(3, 4), "inside"),
        "share_at_quota": (Fraction(1, 2), "inside"),
        "equity": (Fraction(4, 5), "inside"),
        "correlation": (Fraction(1), "above"),
        "capacity": (Fraction(2), "above"),
    }
    drawn = {one.name: one.value for one in assess(found, Evidence(goal=130, past=[(100, 80), (100, 80), (100, 100)]))}
    assert abs(drawn["attain_probability"] - Fraction(1, 3)) < Fraction(2, 100), "one period of three reached its goal"
    unknown = assess(found, Evidence(goal=130))
    assert {one.verdict for one in unknown} == {"not known"} and all(one.how for one in unknown)


def test_equity_and_correlation_are_asked_of_all_territories_and_people(tmp_path):
    body = BOOKINGS.replace("period: quarter", "period: month, check: {equity: [0.8, 1.25]}")
    people = "id,name,team,hired_on\na,A,east,2025-01-01\nb,B,east,2024-01-01\nc,C,west,2023-01-01"
    rows = "\n".join(f"{key},{key},2025-12-10,{amount}" for key, amount in (("a", 90), ("b", 110), ("c", 150)))
    goals = "\n".join(f"quota,{key},{period},100" for key in "abc" for period in ("2025-12", "2026-01"))
    made = calc(
        tmp_path,
        body,
        people=people,
        orders=f"id,person,signed_on,net_amount\n{rows}",
        goals=f"goal,person,period,value\n{goals}",
        potential="key,input,value\neast,market_size,1\nwest,market_size,1",
    )
    got = {one["name"]: one["value"] for one in made["reasonableness"][0]["checks"]}
    assert got["equity"] == "0.666667", "west has a third of the quota and half of the potential"
    assert got["correlation"] == "0.981981", "0.9, 1.1 and 1.5 in 12, 24 and 36 months"

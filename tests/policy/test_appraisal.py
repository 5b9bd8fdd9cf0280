"""绩效考核: curves, missing values, gates, grades, distribution, calibration, and what follows."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoguan.policy import RowsWorld, Who
from xiaoguan.policy.appraisal import Rating, appraise, calibrate, distribute, follows
from xiaoguan.policy.check import check
from xiaoguan.policy.world import Book, Span

from .making import BOOKINGS, calc, issues_of, order, policy

ROW = 10_000
GRADES = "grades: {A: {from: 90, factor: 1.2}, B: {from: 60, factor: 1}, C: {from: 0, factor: 0.5}}"
LIN = Who("lin", "林静", "rep", hired_on=date(2024, 1, 1), spans=(Span(date(2020, 1, 1), None, "rep", "east"),))


def one(indicators, rest=""):
    return policy(f"{BOOKINGS}appraisal:\n  - {{id: q, period: quarter, indicators: [{indicators}], {GRADES}{rest}}}\n")


def done(found, amount=0, quota=100, ratings=None, who=LIN, period="2026-Q1", **tables):
    book = tables.pop("book", None)
    world = RowsWorld(
        found, {"orders": [order(amount * ROW)], **tables}, {("quota", "lin", period): quota * ROW}, book=book
    )
    return appraise(found, found.appraisal[0], who, found.calendar.parse(period), world, ratings)


def curve(score):
    return f"{{metric: bookings, weight: 100%, score: {{{score}}}}}"


@pytest.mark.parametrize(
    ("score", "amount", "points"),
    [
        ("curve: linear, of: attainment", 96, 96),
        ("curve: linear, of: attainment, cap: 120", 150, 120),
        ("curve: linear, of: attainment, floor: 40", 10, 40),
        ("curve: points, of: attainment, points: {60%: 0, 100%: 100, 130%: 120}", 80, 50),
        ("curve: points, of: attainment, points: {60%: 0, 100%: 100, 130%: 120}", 50, 0),
        ("curve: points, of: attainment, points: {60%: 0, 100%: 100, 130%: 120}", 200, 120),
        ("curve: points, of: attainment, points: [[0%, 0], [90%, 40], [90%, 60], [100%, 100]]", 90, 60),
        ("curve: steps, of: attainment, points: {0%: 40, 80%: 70, 100%: 100}", 80, 70),
        ("curve: steps, of: attainment, points: {50%: 40, 80%: 70}", 20, 0),
        ("curve: points, points: {0: 0, 100: 50}", 50, 25),
    ],
)
def test_curves(score, amount, points):
    assert done(one(curve(score)), amount).score == points


def test_the_exact_score_is_graded_and_the_shown_one_is_rounded_once():
    found = one(curve("curve: linear, of: attainment"))
    made = done(found, 8999_97, 10000_00)
    assert (made.score, made.shown, made.grade) == (Fraction(899997, 10000), "90", "B")
    assert done(found, 90).grade == "A", "a score on the bound has the better grade"


def test_lower_is_better_by_direction():
    found = policy(
        'metrics: {late: {name: L, type: count, from: tickets, value: "count()", date: opened_on, direction: down}}\n'
        "goals: [{id: g, metric: late, period: quarter, target: {method: assigned}}]\n"
        "appraisal: [{id: q, period: quarter, indicators: [{metric: late, weight: 100%, "
        f"score: {{curve: linear, of: attainment}}}}], {GRADES}}}]\n"
    )
    rows = [{"id": str(i), "person": "lin", "opened_on": date(2026, 1, 5)} for i in range(4)]
    world = RowsWorld(found, {"tickets": rows}, {("g", "lin", "2026-Q1"): 3})
    assert appraise(found, found.appraisal[0], LIN, found.calendar.parse("2026-Q1"), world).score == 75


HALVES = (
    "{metric: bookings, weight: 60%, score: {curve: linear, of: attainment}}, "
    "{id: work, weight: 40%, raters: {manager: 60%, peer: 40%}, min_raters: 2, scale: [1, 5]}"
)


@pytest.mark.parametrize(("missing", "score"), [("redistribute", Fraction(80)), ("zero", Fraction(48)), ("hold", None)])
def test_a_missing_indicator_is_dealt_with_as_declared_and_never_silent(missing, score):
    made = done(one(HALVES, f", missing: {missing}"), 80)
    assert made.score == score and (made.grade == "") == (score is None)
    assert "work is missing" in made.steps[0] and "work has no score (too few ratings)" in made.issues[0].message


def test_raters_are_mixed_by_group_and_a_group_too_small_gives_its_weight_away():
    given_ = {"work": [Rating("manager", Fraction(4)), Rating("peer", Fraction(5)), Rating("peer", Fraction(3))]}
    assert done(one(HALVES), 80, ratings=given_).lines[1].value == 75
    few = {"work": [Rating("manager", Fraction(4)), Rating("peer", Fraction(5))]}
    line = done(one(HALVES), 80, ratings=few).lines[1]
    assert line.value == 75 and "too few ratings of peer" in line.note
    more = {"work": [Rating("manager", Fraction(5)), Rating("peer", Fraction(3)), Rating("peer", Fraction(3))]}
    assert done(one(HALVES), 80, ratings=more).lines[1].value == 80


def test_a_gate_limits_the_grade_and_only_points_change_the_score():
    gates = (
        ', gates: [{when: "event(\'lied\')", effect: {max_grade: C}}, {when: "bookings >= 100", effect: {deduct: 4}}]'
    )
    found = one(curve("curve: linear, of: attainment"), gates)
    lied = [{"id": "1", "person": "lin", "kind": "lied", "happened_on": date(2026, 2, 1)}]
    made = done(found, 100, events=lied)
    assert (made.score, made.first_grade, made.grade, made.factor) == (96, "A", "C", Fraction(1, 2))
    assert done(found, 100, events=[]).grade == "A"


def test_relative_to_the_median_of_the_team():
    found = one(curve("curve: relative, to: team_median, points: {50%: 0, 100%: 80, 150%: 120}"))
    team = {key: Who(key, key, "rep", spans=LIN.spans) for key in ("lin", "a", "b")}
    orders = [order(v * ROW, number=k, person=k) for k, v in (("lin", 120), ("a", 100), ("b", 60))]
    world = RowsWorld(found, {"orders": orders}, {}, book=Book(team))
    made = appraise(found, found.appraisal[0], team["lin"], found.calendar.parse("2026-Q1"), world)
    assert made.score == 96


def results(found, *scores):
    from dataclasses import replace

    base = done(found, 50)
    grade = {True: "A", False: "B"}
    return [
        replace(base, person=str(i), score=Fraction(s), grade=grade[s >= 90], first_grade=grade[s >= 90])
        for i, s in enumerate(scores)
    ]


def test_a_forced_distribution_never_separates_equal_scores_and_small_groups_are_only_guided():
    rest = ", distribution: {mode: forced, shares: {A: 20%, B: 60%, C: 20%}, min_group: 5}"
    found = one(curve("curve: linear, of: attainment"), rest)
    made = distribute(found.appraisal[0], results(found, 99, 95, 95, 80, 70))
    assert made.mode == "forced" and dict(made.wanted) == {"A": 1, "B": 3, "C": 1}
    assert list(made.grades.values()) == ["A", "B", "B", "B", "C"]
    tied = distribute(found.appraisal[0], results(found, 99, 99, 80, 70, 70))
    assert list(tied.grades.values()) == ["A", "A", "B", "B", "B"]
    assert distribute(found.appraisal[0], results(found, 99, 95)).mode == "guide"


def test_calibration_needs_a_right_a_reason_and_a_small_step():
    rest = ", calibration: {by: director, change: one_grade, reason: required}"
    found = one(curve("curve: linear, of: attainment"), rest)
    made = done(found, 95)
    changed = calibrate(found.appraisal[0], made, "B", "director", "one big windfall")
    assert (changed.grade, changed.first_grade, changed.score, changed.factor) == ("B", "A", 95, 1)
    for grade, by, reason, why in (
        ("C", "director", "x", "more than one"),
        ("B", "leader", "x", "may not"),
        ("B", "director", " ", "a reason"),
    ):
        with pytest.raises(ValueError, match=why):
            calibrate(found.appraisal[0], made, grade, by, reason)


def test_what_follows_reads_grade_score_tenure_and_the_quarters_before():
    rest = (
        ", improvement_plan: {when: \"grade == 'C' or streak(grade == 'B', 2)\", length: 3m, review: 15d}, "
        'career: [{to: senior, when: "score >= 85 and tenure >= 24m"}]'
    )
    found = one(curve("curve: linear, of: attainment"), rest)
    at = found.calendar.parse("2026-Q1")

    def after(amount, before):
        row = {
            "person": "lin",
            "appraisal": "q",
            "period": found.calendar.parse("2025-Q4"),
            "grade": before,
            "locked": True,
        }
        world = RowsWorld(
            found, {"orders": [order(amount * ROW)]}, {("quota", "lin", "2026-Q1"): 100 * ROW}, book=Book(grades=[row])
        )
        made = appraise(found, found.appraisal[0], LIN, at, world)
        return follows(found, found.appraisal[0], made, LIN, world)

    assert after(70, "B") == ["improvement_plan"]
    assert after(70, "A") == []
    assert after(95, "B") == ["career:senior"]
    assert after(10, "A") == ["improvement_plan"]


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 150)), min_size=1, max_size=6))
def test_the_composite_lies_between_the_lowest_and_the_highest_score(parts):
    whole = sum(weight for weight, _ in parts)
    items = [
        f"{{id: i{n}, weight: {Fraction(w, whole).numerator}%, raters: {{manager: 100%}}, scale: [0, 150]}}"
        for n, (w, _) in enumerate(parts)
    ]
    found = one(", ".join(items), ", missing: redistribute")
    ratings = {f"i{n}": [Rating("manager", Fraction(score))] for n, (_, score) in enumerate(parts)}
    made = done(found, ratings=ratings)
    scores = [score * Fraction(100, 150) for _, score in parts]
    weights = [Fraction(w, whole).numerator for w, _ in parts]
    if sum(weights) == 100:
        assert min(scores) <= made.score <= max(scores)


# 越低越好, 归属期间, 强制分布


DOWN = """
metrics:
  complaints: {name: 投诉数, type: count, from: tickets, value: "count()", date: opened_on, direction: down}
goals:
  - {id: few, metric: complaints, period: month, target: {method: assigned}}
"""
PEOPLE = """id,name,role,team,hired_on,left_on
    p1,P1,rep,east,2024-01-01,
    p2,P2,rep,east,2024-01-01,
    p3,P3,rep,east,2024-01-01,
    old,Old,rep,east,2020-01-01,2025-06-01
    new,New,rep,east,2026-07-01,"""


def scores(folder, indicator, *, body=DOWN, rest="", **tables):
    text = f"{body}appraisal:\n  - {{id: m, period: month, indicators: [{indicator}], {GRADES}{rest}}}\n"
    made = calc(folder, text, people=PEOPLE, **tables)
    return {one["person"]: (one["score"], one["grade"], one["factor"]) for one in made["appraisals"]}, made


def tickets(**count):
    rows = [f"{who}{i},{who},2026-01-06" for who, many in count.items() for i in range(many)]
    return "\n".join(["id,person,opened_on", *rows])


GOALS = "goal,person,period,value\n" + "\n".join(f"few,p{i},2026-01,2" for i in (1, 2, 3))


def test_nothing_is_better_than_no_complaint_at_all(tmp_path):
    linear = "{metric: complaints, weight: 100%, score: {curve: linear, of: attainment, cap: 120}}"
    found, _ = scores(tmp_path, linear, goals=GOALS, tickets=tickets(p1=2, p2=4))
    assert {person: one[0] for person, one in found.items()} == {"p1": "100", "p2": "50", "p3": "120"}
    points = linear.replace("curve: linear", "curve: points, points: {50%: 0, 100%: 80, 150%: 110}")
    found, _ = scores(tmp_path, points, goals=GOALS, tickets=tickets(p1=2, p2=4))
    assert {person: one[0] for person, one in found.items()} == {"p1": "80", "p2": "0", "p3": "110"}


def test_a_line_without_end_is_warned_about():
    text = "{metric: complaints, weight: 100%, score: {curve: linear, of: attainment}}"
    found = policy(f"{DOWN}appraisal:\n  - {{id: m, period: month, indicators: [{text}], {GRADES}}}\n")
    assert [one.message for one in check(found)] == ["the score of complaints has no end where complaints is 0"]


def test_the_median_is_that_of_those_who_were_there_and_the_best_is_the_lowest(tmp_path):
    score = "score: {curve: relative, to: %s, points: {50%%: 0, 100%%: 80, 150%%: 120}}"
    relative = f"{{metric: complaints, weight: 100%%, {score}}}"
    for peers in ("team_median", "company_median"):
        found, _ = scores(tmp_path, relative % peers, tickets=tickets(p1=1, p2=2, p3=4))
        assert {person: one[0] for person, one in found.items()} == {"p1": "120", "p2": "80", "p3": "0"}
    found, _ = scores(tmp_path, relative % "team_median", tickets=tickets(p2=2, p3=4))
    assert found["p1"][0] == "120"


def test_points_that_are_taken_never_take_the_grade(tmp_path):
    linear = "{metric: complaints, weight: 100%, score: {curve: linear, of: attainment, cap: 120}}"
    gate = ', gates: [{when: "complaints >= 4", effect: {deduct: 200}}]'
    found, _ = scores(tmp_path, linear, rest=gate, goals=GOALS, tickets=tickets(p1=2, p2=4))
    assert found["p2"] == ("-150", "C", "0.5")


def test_a_forced_distribution_gives_the_grade_and_its_factor(tmp_path):
    linear = "{metric: complaints, weight: 100%, score: {curve: linear, of: attainment, cap: 120}}"
    forced = ", distribution: {mode: forced, shares: {A: 34%, B: 33%, C: 33%}}"
    found, made = scores(tmp_path, linear, rest=forced, goals=GOALS, tickets=tickets(p1=2, p2=2, p3=1))
    assert found == {"p1": ("100", "B", "1"), "p2": ("100", "B", "1"), "p3": ("120", "A", "1.2")}
    assert made["appraisals"][0]["first_grade"] == "A"
    assert made["appraisals"][0]["steps"][-1] == "forced distribution: grade B instead of A"
    assert made["distribution"] == [
        {
            "appraisal": "m",
            "period": "2026-01",
            "mode": "forced",
            "wanted": {"A": 1, "B": 1, "C": 1},
            "found": {"A": 3, "B": 0, "C": 0},
            "grades": {"p3": "A", "p1": "B", "p2": "B"},
        }
    ]


RATIO = """
metrics:
  happy: {name: 满意度, type: ratio, from: surveys, value: "ratio(count_if(score >= 4), count(), empty=missing)",
          date: answered_on}
goals:
  - {id: csat, metric: happy, period: month, target: {method: assigned}}
"""


@pytest.mark.parametrize(("march", "score"), [("80%", "100"), ("90%", None)])
def test_a_ratio_goal_of_three_months_is_not_their_sum(tmp_path, march, score):
    given = "\n".join(f"csat,p1,2026-{month},{value}" for month, value in (("01", "80%"), ("02", "80%"), ("03", march)))
    rows = "\n".join(f"s{i},p1,2026-0{i % 3 + 1}-05,{1 if i == 0 else 5}" for i in range(5))
    linear = "{metric: happy, weight: 100%, score: {curve: linear, of: attainment, cap: 120}}"
    body = f"{RATIO}appraisal:\n  - {{id: q, period: quarter, indicators: [{linear}], {GRADES}}}\n"
    facts = {"goals": f"goal,person,period,value\n{given}", "surveys": f"id,person,answered_on,score\n{rows}"}
    made = calc(tmp_path, body, "2026-Q1", people=PEOPLE, **facts)
    assert [one["score"] for one in made["appraisals"] if one["person"] == "p1"] == [score]


@pytest.mark.parametrize(("missing", "score"), [("redistribute", "85"), ("zero", "56.67"), ("hold", None)])
def test_a_longer_appraisal_combines_locked_scores_and_says_which_are_missing(tmp_path, missing, score):
    scored = curve("curve: linear, cap: 100")
    body = (
        f"{BOOKINGS}appraisal:\n  - {{id: m, period: month, indicators: [{scored}], {GRADES}}}\n"
        f"  - {{id: h, period: quarter, combine: {{m: mean}}, missing: {missing}, {GRADES}}}\n"
    )
    grades = "person,appraisal,period,score\nlin,m,2026-01,80\nlin,m,2026-02,90\nwu,m,2026-03,70"
    people = "id,name,hired_on\nlin,林静,2020-01-01\nwu,吴,2026-03-01"
    made = calc(tmp_path, body, "2026-Q1", people=people, grades=grades)
    scores = {one["person"]: one["score"] for one in made["appraisals"] if one["appraisal"] == "h"}
    assert scores == {"lin": score, "wu": "70"}, "wu was not there before"
    assert sum("no locked score of m in 2026-03" in one["message"] for one in made["issues"]) == 1


SCORED = "score: {curve: linear, of: attainment, cap: 120}"


@pytest.mark.parametrize(
    ("indicator", "rest", "message"),
    [
        (f"weight: 50%, {SCORED}}}, {{metric: bookings, weight: 50%, {SCORED}", "", "has two indicators bookings"),
        (
            "weight: 100%, score: {curve: points, of: attainment, points: {0: 0, 90: 100}}",
            "",
            "is at 90, which is 9000%",
        ),
        (
            "weight: 100%, score: {curve: points, of: attainment, points: {0%: 0%, 90%: 100%}}",
            "",
            "gives 100%, and scores",
        ),
        ("weight: 100%, score: {curve: points, points: {0%: 0, 90%: 100}}", "", "bookings is an amount"),
        ("weight: 100%, score: {curve: linear}", "", "which is an amount"),
        (f"weight: 100%, {SCORED}", ", gates: [{when: bookings > 1, effect: {deduct: -5}}]", "would deduct -5 points"),
        (
            f"weight: 100%, {SCORED}",
            ", improvement_plan: {when: grade == 'E', length: 3m, review: 15d}",
            "no grade 'E'",
        ),
        (
            f"weight: 100%, {SCORED}",
            ", improvement_plan: {when: \"grade in ['C', 'E']\", length: 3m, review: 15d}",
            "'E'",
        ),
    ],
)
def test_a_score_that_would_not_be_what_it_says_is_found(indicator, rest, message):
    assert message in " ".join(said.message for said in check(one(f"{{metric: bookings, {indicator}}}", rest)))


@pytest.mark.parametrize("written", ["A: {from: 90%}", "A: {from: 90, factor: 120}"])
def test_points_are_no_percentages_and_factors_no_points(written):
    body = f"{BOOKINGS}appraisal:\n  - {{id: q, period: month, indicators: [{curve('curve: linear, of: attainment')}], "
    text = f"{body}grades: {{{written}, B: {{from: 0}}}}}}\n"
    said = issues_of(text) or check(policy(text))
    assert any("scores are points; write 90" in one.message or "has the factor 12000%" in one.message for one in said)


def test_the_goal_of_the_period_is_scored_where_a_metric_has_several():
    head, goals = BOOKINGS.split("goals:\n")
    head += '  n: {name: N, type: count, from: orders, value: "count()", date: signed_on}\n'
    yearly = "goals:\n  - {id: y, metric: bookings, period: year, target: {method: assigned}}\n"

    def scored(indicator):
        return policy(
            f"{head}{yearly}{goals}appraisal: [{{id: q, period: quarter, indicators: [{indicator}], {GRADES}}}]\n"
        )

    found = scored(curve("curve: linear, of: attainment"))
    assert done(found, 50).score == 50
    mixed = scored("{metric: n, weight: 100%, score: {curve: linear, of: attainment, goal: quota}}")
    assert any("is on bookings, not on n" in said.message for said in check(mixed))

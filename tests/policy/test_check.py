"""校验: what would not work is found, with place and remedy."""

import pytest

from xiaoguan.policy import check, load

from .making import BOOKINGS, ROOT, paying, policy

PROCESS = "process: {id: p, stages: [%s]}\n"
WON = "{id: won, name: Won, closes: won}"
GOAL = BOOKINGS + "  - {id: g, metric: bookings, period: year, %s}\n"
TIERS = "{id: c, kind: commission, basis: bookings, tiers: {%s}}"


@pytest.mark.parametrize("file", ["policies/small-company.yaml", "examples/adventureworks/policy.yaml"])
def test_our_own_policies_are_clean(file):
    found, issues = load(ROOT / file)
    assert found is not None and not [issue for issue in issues if issue.level == "error"]
    assert check(found) == []


@pytest.mark.parametrize(
    ("body", "level", "message", "path"),
    [
        (GOAL % "target: {method: fixed}", "error", "is fixed but has no value", "goals[1].target"),
        (GOAL % "target: {method: growth, growth: 5%}", "error", "has no base", "goals[1].target"),
        (
            GOAL % "target: {method: assigned}, over_assignment: 0.9",
            "warning",
            "is below 1",
            "goals[1].over_assignment",
        ),
        (
            GOAL % "target: {method: assigned}, allocate: [{by: quater, method: even}]",
            "error",
            "cannot be cut by 'quater'",
            "goals[1].allocate[0].by",
        ),
        (
            GOAL % "target: {method: assigned}, allocate: [{by: team, method: weighted, weights: {even: 60%}}]",
            "error",
            "add up to 60%, not to 100%",
            "goals[1].allocate[0].weights",
        ),
        (
            GOAL % "target: {method: fixed, value: 1.005}, allocate: [{by: team, method: even}]",
            "error",
            "not a multiple of its rounding unit 0.01",
            "goals[1].target.value",
        ),
        (
            GOAL % "target: {method: assigned}, proration: {minimum: 1m}",
            "error",
            "not a number of days",
            "goals[1].proration.minimum",
        ),
        *(
            (GOAL % f"target: {{method: fixed, value: 12}}, {rest}", level, message, f"goals[1].{at}")
            for rest, level, message, at in (
                (
                    "allocate: [{by: month, method: even}, {by: quarter, method: even}]",
                    "error",
                    "the step by quarter of goal g comes after one by month",
                    "allocate[1].by",
                ),
                (
                    "allocate: [{by: person, method: even}, {by: team, method: even}]",
                    "error",
                    "comes after one by person",
                    "allocate[1].by",
                ),
                ("allocate: [{by: person, method: weeks}]", "error", "cannot be shared by weeks", "allocate[0].method"),
                (
                    "allocate: [{by: person, method: weighted, weights: {histry: 50%, even: 50%}}]",
                    "error",
                    "'histry' is no method",
                    "allocate[0].weights",
                ),
                (
                    "allocate: [{by: person, method: even, weights: {rep: 2}}]",
                    "error",
                    "are not used",
                    "allocate[0].weights",
                ),
                (
                    "allocate: [{by: person, method: even}], over_assignment: {team: 1.1}",
                    "error",
                    "there is no step by team",
                    "over_assignment",
                ),
                ("over_assignment: 105", "warning", "is 10500% of the whole", "over_assignment"),
                ("check: {simulate: {runs: 0}}", "error", "has no runs", "check.simulate"),
            )
        ),
        (
            GOAL % "target: {method: assigned}, allocate: [{by: team, method: even}]",
            "warning",
            "allocate is not carried out",
            "goals[1].target",
        ),
        (
            BOOKINGS + 'warnings: [{id: w, severity: info, notify: [owner], when: "attainment(quota) >= 100"}]\n',
            "warning",
            "100 beside a ratio is 10000%",
            "warnings[0].when",
        ),
        (
            BOOKINGS + 'warnings: [{id: w, severity: info, notify: [owner], when: "coverage(quota) < 3"}]\n',
            None,
            "",
            "",
        ),
        (
            GOAL.replace("year", "yaer") % "target: {method: assigned}",
            "error",
            "'yaer' is not a period",
            "goals[1].period",
        ),
        (GOAL.replace("id: g", "id: quota") % "target: {method: assigned}", "error", "is there twice", "goals[1].id"),
        (
            "goals: [{id: g, metric: m, period: year, target: {method: assigned}}]\n",
            "error",
            "names no metric: 'm'",
            "",
        ),
        (
            'metrics: {a: {name: A, type: ratio, from: order_lines, value: "sum(discount)", date: ordered_on}}\n',
            "error",
            "adds up ratios",
            "metrics.a.value",
        ),
        (
            'metrics: {a: {name: A, type: ratio, from: orders, value: "ratio(count(), count())", date: signed_on}}\n',
            "warning",
            "when the denominator is 0",
            "metrics.a.value",
        ),
        (
            'metrics: {a: {name: A, type: count, from: meetings, value: "count()", date: x}}\n',
            "warning",
            "no fact table 'meetings'",
            "metrics.a.from",
        ),
        (
            'metrics: {a: {name: A, type: count, from: orders, value: "count()", date: x}}\n',
            "error",
            "'x' is not a date of orders",
            "metrics.a.date",
        ),
        (
            'metrics: {a: {name: A, type: count, value: "b"}, b: {name: B, type: count, value: "a"}}\n',
            "error",
            "it needs itself: a → b → a",
            "metrics.a.value",
        ),
        (PROCESS % "{id: a, name: A}", "error", "no stage that closes: won", "process"),
        (
            PROCESS % f"{WON}, {{id: s, name: S, after: wan}}",
            "error",
            "no closing stage above it",
            "process.stages[1].after",
        ),
        (PROCESS % f"{WON}, {WON}", "error", "stage 'won' is there twice", "process.stages[1].id"),
        (
            PROCESS % f"{{id: a, name: A, probability: 50%}}, {{id: b, name: B, probability: 20%}}, {WON}",
            "warning",
            "lower probability",
            "process.stages[1].probability",
        ),
        (PROCESS % f"{{id: a, name: A, checklist: [x, x]}}, {WON}", "warning", "lists 'x' twice", ""),
        ("calendar: {working_days: {holidays: cn}}\n", None, "", ""),
    ],
)
def test_goals_metrics_and_stages(body, level, message, path):
    _expect(check(policy(body)), level, message, path)


@pytest.mark.parametrize(
    ("component", "level", "message", "path"),
    [
        ("{id: c, kind: commission, basis: bookings}", "error", "needs either rate or tiers", "components[0]"),
        ("{id: c, kind: commission, rate: 3%}", "error", "has no basis", "components[0].basis"),
        (
            TIERS % "mode: slab, by: amount, counts_in: sale, rates: [{from: 0, rate: 3%}]",
            "error",
            "orders name no order, so the period of their sale is not known",
            "tiers.counts_in",
        ),
        (
            TIERS % "mode: slab, by: count, counts_in: sale, rates: [{from: 0, rate: 3%}]",
            "error",
            "only a commission on a sum by amount or attainment counts in the period of its sale",
            "tiers.counts_in",
        ),
        ("{id: c, kind: commission, basis: bokings, rate: 3%}", "error", "names no metric: 'bokings'", ""),
        ("{id: c, kind: commission, basis: bookings, rate: 3}", "error", "would pay 3 times the basis", "rate"),
        ("{id: c, kind: commission, basis: bookings, rate: bookings}", "error", "a ratio is needed", "rate"),
        ("{id: c, kind: bonus}", "error", "has no amount", "components[0]"),
        ("{id: c, kind: bonus, amount: 8%}", "error", "an amount is needed", "amount"),
        ("{id: c, kind: bonus, amount: 5, rate: 3%}", "error", "rate has no meaning there", "rate"),
        ("{id: c, kind: bonus, amount: 5, when: 'attainment(qouta) > 1'}", "error", "names no goal", "when"),
        (
            "{id: c, kind: bonus, amount: 5, when: 'attainment(quota, over=weak) > 1'}",
            "error",
            "weak is not a period",
            "",
        ),
        ("{id: c, kind: bonus, amount: 5, when: 'bookings'}", "error", "a condition is needed", "when"),
        ("{id: c, kind: bonus, amount: 5, when: 'forecast_bias() > 1'}", "error", "never pay", "when"),
        ("{id: c, kind: bonus, amount: 5, period: quota_period}", "error", "is not a period of the calendar", "period"),
        (TIERS % "mode: marginal, by: amount, rates: []", "error", "has no tiers", "rates"),
        (TIERS % "mode: marginal, by: amount, rates: [{from: 5, rate: 1%}]", "error", "below 5.00 has no rate", "from"),
        (TIERS % "mode: marginal, by: amount, rates: [{from: 0}]", "error", "has no rate", "rates[0]"),
        (
            TIERS % "mode: marginal, by: amount, rates: [{from: 0, rate: 1%}, {from: 5%, rate: 2%}]",
            "error",
            "bounded by amounts",
            "rates[1].from",
        ),
        (
            TIERS % "mode: slab, by: amount, rates: [{from: 0, rate: 50%}, {from: 100_000, rate: 60%}]",
            "warning",
            "at 100,000.00 the rate on everything goes from 50% to 60%: the pay jumps by 10,000.00",
            "rates[1].rate",
        ),
        (
            TIERS
            % "mode: marginal, by: amount, rates: [{from: 0, rate: 1%}, {from: 9, rate: 2%}, {from: 5, rate: 3%}]",
            "error",
            "the tier from 5.00 stands after the one from 9.00",
            "rates[2].from",
        ),
        (TIERS % "mode: slab, by: attainment, rates: [{from: 0%, rate: 1%}]", "error", "need the goal", "tiers.of"),
        (
            TIERS % "mode: slab, by: attainment, of: x, rates: [{from: 0%, rate: 1%}]",
            "error",
            "no goal 'x'",
            "tiers.of",
        ),
    ],
)
def test_components(component, level, message, path):
    _expect(check(paying(component)), level, message, path)


def test_marginal_tiers_by_the_attainment_of_another_metric_are_refused():
    more = BOOKINGS.replace(
        "goals:",
        '  cash: {name: Cash, type: amount, from: payments, value: "sum(amount)", date: received_on}\ngoals:',
    )
    component = TIERS % "mode: marginal, by: attainment, of: quota, rates: [{from: 0%, rate: 1%}]"
    found = paying(component.replace("basis: bookings", "basis: cash"), more=more)
    _expect(check(found), "error", "the part inside a tier is not defined", "tiers.mode")


def test_a_header_that_cannot_be_is_refused():
    text = policy().text.replace("CNY", "cny").replace("id: test", "id: Te_st").replace("to: null", "to: 2025-01-01")
    from xiaoguan.policy import load_text

    found, _ = load_text(
        text.replace("version: 1.0.0", "version: one, timezone: Asia/Beijing, rounding: {score: 1 half_up}"), "x.yaml"
    )
    assert found is not None
    messages = " ".join(issue.message for issue in check(found))
    for part in (
        "currency 'cny'",
        "id 'Te_st'",
        "version 'one'",
        "'Asia/Beijing'",
        "not after it begins",
        "scores are not",
    ):
        assert part in messages


def test_a_version_that_begins_inside_a_quarter_is_warned_about():
    component = TIERS % ("mode: marginal, by: attainment, of: quota, accumulate: year, rates: [{from: 0%, rate: 1%}]")
    found = paying(component)
    from xiaoguan.policy import load_text

    later, _ = load_text(found.text.replace("from: 2026-01-01", "from: 2026-02-01"))
    assert later is not None
    message = "begins inside the year 2026; {} is not calculated for it"
    _expect(check(later), "warning", message.format(later.incentive[0].components[0].id), "policy.effective.from")
    follows = later.text.replace("currency: CNY", "currency: CNY, supersedes: 0.9.0")
    newer, _ = load_text(follows)
    assert newer is not None
    _expect(check(newer), "warning", "follows the version before it until 2027-01-01", "policy.effective.from")


def test_what_is_paid_record_by_record_is_paid_from_the_first_day_on():
    from xiaoguan.policy import load_text

    found = paying("{id: pay, kind: commission, basis: bookings, rate: 1%}")
    later, _ = load_text(found.text.replace("from: 2026-01-01", "from: 2026-02-14"))
    assert later is not None and check(later) == []


def _expect(issues, level, message, path):
    if level is None:
        assert issues == []
        return
    found = [issue for issue in issues if message in issue.message]
    assert found, "\n".join(map(str, issues)) or "no issue"
    assert found[0].level == level and path in found[0].path
    assert (found[0].line > 0 and found[0].file == "test.yaml") or not found[0].file


STAGES = "process: {id: p, stages: [{id: quote, name: Q, probability: 0.5}, {id: won, name: W, closes: won}]}\n"
WARNS = BOOKINGS + STAGES + 'warnings: [{id: w, severity: info, notify: [owner], when: "%s"}]\n'
RANKED = BOOKINGS + "recognition: [{id: r, rank_by: bookings, %s}]\n"


@pytest.mark.parametrize(
    ("body", "level", "message", "path"),
    [
        (WARNS % "stage == 'quot'", "error", "there is no stage 'quot'", "warnings[0].when"),
        (WARNS % "stage in ['quote']", None, "", ""),
        (WARNS % "customer.clas == 'A'", "warning", "'customer.clas' is not known", "warnings[0].when"),
        (RANKED % "among: companie", "error", "is among each team", "recognition[0].among"),
        (RANKED % "top: 0", "error", "honours nobody", "recognition[0].top"),
        (RANKED % "require: \"grade == 'S'\"", "error", "there is no grade 'S'", "recognition[0].require"),
    ],
)
def test_rules_of_every_day_name_what_is_there(body, level, message, path):
    _expect(check(policy(body)), level, message, path)

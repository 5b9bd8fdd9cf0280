"""读取: types by schema, lines, and every issue at once."""

import os
import re
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaoguan.policy import Duration, Later, load, load_text
from xiaoguan.policy.document import Dates, Section
from xiaoguan.policy.load import keys_of
from xiaoguan.policy.prose import explain_text

from .making import BOOKINGS, HEADER, ROOT, issues_of, paying, policy

SAMPLES = Path(os.environ.get("XIAOGUAN_SHARED", ROOT.parent / "shared")) / "spec" / "policy-samples"


@pytest.mark.parametrize("name", ["small-company", "sales-consultant", "team-performance"])
def test_the_three_sample_policies_load_without_errors(name):
    if not SAMPLES.exists():
        pytest.skip(f"no samples in {SAMPLES}; set XIAOGUAN_SHARED")
    found, issues = load(SAMPLES / f"{name}.yaml")
    assert found is not None and issues == [], "all of it is carried out"
    own, issues = load(ROOT / "policies" / f"{name}.yaml")
    assert own is not None and issues == []


def test_the_schema_gives_the_type_not_the_look_of_the_text():
    found, _ = load(ROOT / "policies" / "small-company.yaml")
    assert found is not None
    goal = found.goals[0]
    assert (found.version, found.header.effective.start, found.header.effective.end) == (
        "1.0.0",
        date(2025, 1, 1),
        None,
    )
    assert goal.target.growth == Fraction(1, 5)
    assert goal.ramp == (0, Fraction(1, 2), 1)
    assert goal.proration is not None and goal.proration.minimum == Duration(10, "wd")
    assert goal.allocate[2].weights == {"history": Fraction(3, 5), "even": Fraction(2, 5)}
    assert found.quota_unit(goal) == 10_000_000 and found.quota_unit(found.goals[1]) == 1
    assert found.process is not None and found.process.stages[0].limit == Duration(10, "d")
    assert found.calendar.holidays == "cn"
    assert found.metrics["bookings"].line == 21
    assert found.goals[0].line_of("metric") == 35


def test_rules_of_every_day_are_read_and_named_as_not_carried_out_here():
    found = policy("pool: {claim: {per_day: 5}, exclude: null}\n")
    assert found.pool.claim.per_day == 5 and found.pool.exclude is None and found.later == ()
    assert policy('pool: {recycle: [{id: idle, when: "days_owned > 180"}]}\n').later == ()
    assert policy('pool: {recycle: [{id: idle, when: "order.age > 9"}]}\n').later == (Later("pool"),)


def test_a_discount_that_changes_credit_is_carried_out():
    levels = "discount: {base: list_price, levels: [{up_to: 10%, approve: leader}]"
    effect = ', effect: {when: "discount > 20%", credit_factor: 70%}'
    assert issues_of(f"{BOOKINGS}{levels}}}\n") == []
    assert issues_of(f"{BOOKINGS}{levels}{effect}}}\n") == []
    assert "70% of the credit counts" in "".join(
        one.text for one in explain_text(policy(f"{BOOKINGS}{levels}{effect}}}\n"))
    )


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        ("metrics:\n  a: {name: A, typ: count, value: 'count()'}\n", "unknown key 'typ'", "'type'"),
        ("metrics: {}\nmetrics: {}\n", "the key 'metrics' is there twice, first in line 3", ""),
        ("metrics:\n\ta: 1\n", "a tab stands in the line", "spaces"),
        ("metrics: &x {}\n", "an anchor (x) is used", "Write the value out"),
        ("metrics: *x\n", "an alias (x) is used", "Write the value out"),
        ("metrics: {<<: {}}\n", "a merge key", "Write the keys out"),
        ("metrics: !!map {}\n", "a tag", "Leave it out"),
        ("---\na: 1\n---\nb: 1\n", "a second document begins", "one file"),
        ("metrics: [1\n", "while parsing", ""),
        ("goals: {}\n", "a list is expected here", ""),
        ("goals: [{id: g}]\n", "the key 'metric' is missing", ""),
        ("goals: [{id: g-1, metric: m, period: year, target: {method: fixed}}]\n", "'g-1' is not an id", ""),
        (
            "goals: [{id: g, metric: m, period: year, target: {method: growht}}]\n",
            "'growht' is not possible",
            "'growth'",
        ),
        ("goals: [{id: g, metric: m, period: year, target: {method: growth, growth: 8}}]\n", "write 8%", ""),
        ("goals: [{id: g, metric: m, period: year, target: {method: fixed, value: 1e3x}}]\n", "not a number", ""),
        ("calendar: {week: {starts: moonday}}\n", "'moonday' is not a weekday", ""),
        ("calendar: {fiscal_year_starts: 13-01}\n", "not a day of the year", ""),
        ("calendar: {pattern: 445}\n", "needs fiscal_year_ends", ""),
        ("calendar: {custom: {q: {starts: [2026-02-01], end: 2026-01-01}}}\n", "needs rising dates", ""),
        ("calendar: {close: {due: 5 days}}\n", "is not a duration", ""),
        ("process: {id: p, stages: [{id: a, name: A, limit: }]}\n", None, None),
        ("pool: 3\n", "keys and values are expected", ""),
        ("metrics: {a: {name: A, type: count, value: 'count( '}}\n", "at column", ""),
    ],
)
def test_a_mistake_is_named_with_line_and_remedy(body, message, hint):
    issues = issues_of(body)
    if message is None:
        assert issues == []
        return
    found = [issue for issue in issues if message in issue.message]
    assert found, "\n".join(map(str, issues))
    assert hint in found[0].hint
    assert found[0].line >= 3 and found[0].file == "test.yaml" and found[0].level == "error"


def test_all_issues_come_at_once():
    text = HEADER.format(id="x", currency="CNY") + "metrics: {a: {nam: A}}\ngoals: [{id: g}]\nfoo: 1\n"
    found, issues = load_text(text)
    assert found is None
    assert len(issues) >= 7


def test_a_file_that_is_not_there_or_not_text_is_an_issue(tmp_path):
    assert "cannot be read" in load(tmp_path / "none.yaml")[1][0].message
    (tmp_path / "gbk.yaml").write_bytes("名称".encode("gbk"))
    assert "UTF-8" in load(tmp_path / "gbk.yaml")[1][0].message
    assert "empty" in load_text("")[1][0].message


def test_percent_means_percent():
    table = "{mode: marginal, by: amount, rates: [{from: 0, rate: %s}]}"
    component = "{id: c, kind: commission, basis: bookings, tiers: " + table + "}"
    for text in ("3%", "0.03"):
        found = paying(component % text)
        tiers = found.incentive[0].components[0].tiers
        assert tiers is not None and tiers.rates[0].rate == Fraction(3, 100)


_LINES = (HEADER.format(id="x", currency="CNY") + BOOKINGS + (ROOT / "policies/small-company.yaml").read_text()).split(
    "\n"
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(_LINES), st.text(max_size=20)), max_size=12), st.integers(0, 3))
def test_bad_input_never_raises(lines, indent):
    found, issues = load_text("\n".join(" " * indent + line for line in lines))
    assert found is not None or issues


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_damaged_policy_never_raises(data):
    lines = list(_LINES[5:])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:cut] + data.draw(st.sampled_from(["", ":", "{", "]", "x", " - ", "%", "null", "1e9"]))
    found, issues = load_text("\n".join(lines))
    assert found is not None or issues


def every_section(cls=Section):
    """All classes of the document."""
    return {cls} - {Section, Dates} | {one for child in cls.__subclasses__() for one in every_section(child)}


def test_every_key_has_its_place_in_the_reference():
    reference = (ROOT / "docs" / "reference" / "policy.md").read_text()
    sections = sorted(every_section(), key=lambda cls: cls.__name__)
    missing = {
        f"{cls.__name__}.{key}"
        for cls in sections
        for key in keys_of(cls)
        if not re.search(rf"(?<!\\w){key}(?!\\w)", reference)
    }
    assert not missing

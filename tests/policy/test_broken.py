"""校验: broken copies of whole policies, one named edit each; every fault is found with its line and a remedy."""

from functools import cache
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from ruamel.yaml import YAML

from xiaoguan.policy import check, load_text

from .making import ROOT

TEXTS = {
    file.stem: file.read_text() for file in sorted((ROOT / "policies").glob("*.yaml")) if ".cases" not in file.name
}
S, C, T = "small-company", "sales-consultant", "team-performance"

# policy, what is broken, old text, new text, words of the message
BROKEN = [
    (S, "a tab", "calendar:  ", "calendar:\t", "a tab stands"),
    (S, "a bracket too few", "{starts: monday, belongs_to: day}", "{starts: monday, belongs_to: day", "expected"),
    (S, "a key twice", "  currency: CNY\n", "  currency: CNY\n  currency: USD\n", "is there twice"),
    (S, "an anchor", "pattern: gregorian", "pattern: &p gregorian", "an anchor"),
    (S, "a tag", "pattern: gregorian", "pattern: !!str gregorian", "a tag"),
    (S, "an unknown key", "accumulate: quarter", "acumulate: quarter", "unknown key 'acumulate'"),
    (S, "a missing key", "  version: 1.0.0\n", "", "the key 'version' is missing"),
    (S, "a rate of 3", "{from: 0%, rate: 3%}", "{from: 0%, rate: 3}", "is not a percentage"),
    (S, "a date that is none", "from: 2025-01-01", "from: 2025-02-30", "is not a date"),
    (S, "an ended policy", "to: null}   # 生效期", "to: 2024-01-01}   # 生效期", "ends on 2024-01-01"),
    (S, "a period that is none", "period: half_year", "period: halfyear", "is not a period"),
    (S, "a metric that is none", "basis: bookings", "basis: boookings", "names no metric: 'boookings'"),
    (S, "a goal that is none", "of: annual_bookings", "of: annual_booking", "there is no goal"),
    (S, "a role out of scope", "role: sales_manager", "role: sales_manger", "is not in the scope"),
    (S, "a field that is none", "sum(net_amount)", "sum(net_amont)", "'net_amont' is not known"),
    (S, "units that do not fit", '"sum(amount)"', '"sum(amount) + 8%"', "cannot be added"),
    (S, "a function that is none", '"count()", date: created_on', '"cout()", date: created_on', "cout()"),
    (
        S,
        "division by a slash",
        "ratio(deals_won, deals_closed, empty=missing)",
        "deals_won / deals_closed",
        "cannot stand here",
    ),
    (
        S,
        "a circle of metrics",
        'value: "ratio(bookings, orders_signed',
        'value: "ratio(average_order, orders_signed',
        "needs itself",
    ),
    (S, "tiers out of order", "{from: 120%, rate: 5%}", "{from: 90%, rate: 5%}", "stands after"),
    (S, "tiers that do not begin at 0", "{from: 0%, rate: 3%}", "{from: 10%, rate: 3%}", "has no rate"),
    (S, "money bounds by attainment", "{from: 100%, rate: 4%}", "{from: 250_000, rate: 4%}", "bounded by percentages"),
    (S, "weights of indicators", "metric: win_rate, weight: 20%", "metric: win_rate, weight: 30%", "add up to 110%"),
    (S, "a grade out of reach", "A: {from: 95, factor: 1.2}", "A: {from: 130, factor: 1.2}", "the highest score is"),
    (
        S,
        "a curve that falls",
        "{0%: 40, 15%: 60, 25%: 80, 35%: 100}",
        "{0%: 40, 25%: 60, 15%: 80, 35%: 100}",
        "do not rise",
    ),
    (S, "a stage chance", "probability: 25%", "probability: 125%", "probability of 125%"),
    (S, "stages that end nowhere", "closes: won, ", "", "no stage that closes: won"),
    (
        S,
        "discount levels",
        "{up_to: 15%, approve: sales_manager}",
        "{up_to: 3%, approve: sales_manager}",
        "stands after",
    ),
    (S, "pareto shares", "{A: 70%, B: 20%, C: 10%}", "{A: 70%, B: 20%, C: 20%}", "add up to 110%"),
    (S, "a target off its unit", "{method: fixed, value: 50}", "{method: fixed, value: 50.5}", "not a multiple"),
    (S, "mixed weights", "{history: 60%, even: 40%}", "{history: 60%, even: 30%}", "add up to 90%"),
    (S, "money rounded otherwise", "money: 0.01 half_up", "money: 0.01 half_even", "money is not rounded"),
    (
        S,
        "a quota unit of nothing",
        "quota: 1000 largest",
        "quota: 0 largest",
        "'0 largest_remainder' is not understood",
    ),
    (S, "a quota unit in words", "quota: 1000 largest", "quota: some largest", "is not understood"),
    (S, "a time zone", "Asia/Shanghai", "Asia/Shangai", "no time zone"),
    (S, "an id twice", "id: half_year_new_customers", "id: annual_bookings", "is there twice"),
    (S, "a warning about nothing", "pace(annual_bookings", "pace(annual_booking", "names no goal"),
    (C, "shares of credit", "{as: referrer, share: 30%", "{as: referrer, share: 20%", "add up to 90%"),
    (C, "an override of nothing", "of: profit_commission", "of: profit_comission", "there is no rate table"),
    (C, "a spiff of nothing", "product.line == 'new'", "product.lines == 'new'", "'product.lines' is not known"),
    (C, "a spiff that has ended", "to: 2026-07-01", "to: 2026-03-01", "ends before it begins"),
    (C, "a grade of no appraisal", "grade_factor(monthly)", "grade_factor(montly)", "names no appraisal"),
    (C, "a multiplier of nothing", "applies_to: [profit_commission]", "applies_to: [profit]", "there is no component"),
    (C, "a draw never repaid", "recover: 100%", "recover: 0%", "never recovered"),
    (C, "an unknown gate grade", "effect: {max_grade: D}", "effect: {max_grade: E}", "there is no grade 'E'"),
    (C, "raters", "{manager: 60%, peer: 40%}", "{manager: 60%, peer: 50%}", "add up to 110%"),
    (C, "a follow-up without a time", "every: 30d, ", "", "neither every nor at"),
    (C, "a claw-back share", "share: full", "share: fully", "cannot take 'fully'"),
    (
        C,
        "a holdback for ever",
        "release: {after: 90d, unless: [return]}",
        "release: {unless: [return]}",
        "never released",
    ),
    (T, "release", "{on_invoice: 50%, by_collection: 50%}", "{on_invoice: 50%, by_collection: 40%}", "add up to 90%"),
    (T, "weights of components", "weight: 30%, period: quarter", "weight: 20%, period: quarter", "add up to 90%"),
    (T, "cells of a matrix", "[80, 130, 160]]", "[80, 130]]", "are not 4 rows of 3"),
    (T, "bounds of a matrix", "from: [0%, 85%, 95%]", "from: [0%, 95%, 85%]", "do not rise"),
    (
        T,
        "keys of a pool",
        "{appraisal_score: 50%, even: 50%}",
        "{appraisal_score: 50%, evenly: 50%}",
        "key to divide by",
    ),
    (T, "a distribution", "D: 5%}, min_group", "D: 15%}, min_group", "add up to 110%"),
    (T, "factors without a target", "    target_incentive: 120000\n", "", "has no target_incentive"),
    (T, "a roll-up to nobody", "{to: team_leader,", "{to: team_lead,", "is not in the scope"),
    (T, "a fund that is no money", "1% * total(revenue, of=team)", "1% * conversion", "an amount is needed"),
    (T, "a streak of nothing", "streak(grade == 'C', 2)", "streak(grade == 'C')", "takes a condition and how many"),
]


@cache  # another test asks for the same copies
def issues_of(text):
    policy, issues = load_text(text, "broken.yaml")
    return [*issues, *(check(policy) if policy else [])]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_our_policies_have_no_errors(name):
    assert [str(issue) for issue in issues_of(TEXTS[name]) if issue.level == "error"] == []


@pytest.mark.parametrize(("name", "what", "old", "new", "message"), BROKEN, ids=[f"{n}: {w}" for n, w, *_ in BROKEN])
def test_a_broken_copy_is_found_with_line_and_remedy(name, what, old, new, message):
    text = TEXTS[name]
    assert text.count(old) >= 1, f"the edit no longer fits: {old}"
    at = text[: text.index(old)].count("\n") + 1
    errors = [issue for issue in issues_of(text.replace(old, new, 1)) if issue.level == "error"]
    found = [issue for issue in errors if message in issue.message]
    assert found, [str(issue) for issue in errors]
    near = min(found, key=lambda issue: abs(issue.line - at))
    assert near.line and (abs(near.line - at) <= 12 or new == "")
    assert near.hint


def test_there_are_at_least_forty_and_the_same_edit_is_not_counted_twice():
    assert len({(name, old, new) for name, _, old, new, _ in BROKEN}) == len(BROKEN) >= 40


@pytest.mark.parametrize("seed", range(3))
def test_mutated_documents_give_issues_and_never_an_exception(seed):
    assert script("fuzz_policy").fuzz(20, seed) == []


def test_the_published_schema_is_that_of_the_classes_and_our_policies_keep_to_it():
    made = script("policy_schema")
    assert made.PAGE.read_text() == made.text(), "run: python scripts/policy_schema.py"
    for text in TEXTS.values():
        fits(YAML(typ="safe").load(text), made.json_schema(), made.json_schema(), "")


def fits(value, schema, root, path):
    """A small reader of JSON Schema: keys that are there, keys that are needed, choices."""
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, path)
    if "anyOf" in schema:
        errors = []
        for one in schema["anyOf"]:
            try:
                return fits(value, one, root, path)
            except AssertionError as error:
                errors.append(str(error))
        raise AssertionError(f"{path}: {errors}")
    if "enum" in schema:
        assert value in schema["enum"], f"{path}: {value}"
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    kinds = {"object": dict, "array": list, "null": type(None), "boolean": bool, "integer": int}
    if types and types[0] in ("object", "array", "null", "boolean"):
        assert isinstance(value, tuple(kinds[one] for one in types if one in kinds)), f"{path}: {value}"
    if isinstance(value, dict):
        known = schema.get("properties", {})
        assert set(schema.get("required", ())) <= set(value), path
        for key, one in value.items():
            below = known.get(key, schema.get("additionalProperties", {}))
            assert below is not False, f"{path}.{key} is not in the schema"
            fits(one, below, root, f"{path}.{key}") if below else None
    if isinstance(value, list):
        for i, one in enumerate(value):
            fits(one, schema.get("items", {}), root, f"{path}[{i}]")


def script(name):
    spec = spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

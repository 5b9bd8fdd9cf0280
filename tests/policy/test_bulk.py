"""批量核算: the compiled SQL pays the same cents as the explained rows, or says that it cannot."""

import random
import sys
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from xiaoguan.policy import load_text
from xiaoguan.policy.bulk import NotBulk, compile_component

from .making import ROOT, paying

spec = spec_from_file_location("agree", ROOT / "scripts" / "agree.py")
assert spec is not None and spec.loader is not None
agree = sys.modules["agree"] = module_from_spec(spec)
spec.loader.exec_module(agree)


@pytest.mark.parametrize("seed", range(8))
def test_generated_policies_and_facts_give_one_number(seed):
    count, bad = agree.differences(seed, people=5, lines=120)
    assert (count, bad) == (60, [])


def test_the_comparison_would_see_a_unit():
    """The check itself is checked: one unit more in one order is seen."""
    chance = random.Random(3)
    policy, _ = load_text(agree.policy_text(chance))
    keys = ["p0", "p1"]
    orders, returns = agree.facts(chance, keys, 40)
    goals = agree.quotas(chance, policy, keys)
    rows = agree.by_rows(policy, orders, returns, goals, keys)
    orders[0]["net_amount"] += 1
    sql = agree.by_sql(policy, compile_component(policy, "pay"), orders, returns, goals)
    assert list(agree.unequal(rows, sql))


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        ("{id: pay, kind: bonus, amount: 5}", "is a bonus"),
        ('{id: pay, kind: commission, basis: bookings, rate: "person.rate"}', "a rate that is a formula"),
        ('{id: pay, kind: commission, basis: bookings, rate: 3%, when: "bookings > 5"}', "a condition"),
        ("{id: pay, kind: commission, basis: bookings, rate: 3%, cap: {amount: 5, excess: carry}}", "a cap over more"),
        ("{id: pay, kind: commission, basis: bookings, rate: 0.0000001}", "more than six decimals"),
    ],
)
def test_what_cannot_be_compiled_is_named(component, reason):
    with pytest.raises(NotBulk, match=reason):
        compile_component(paying(component), "pay")


def test_the_dialect_of_spark_has_no_words_of_duckdb():
    chance = random.Random(1)
    for _ in range(10):
        policy, _ = load_text(agree.policy_text(chance))
        made = compile_component(policy, "pay", "spark")
        for text in (made.totals, made.lines):
            assert "HUGEINT" not in text and "//" not in text and "date_diff" not in text
            assert "DECIMAL(38,0)" in text

"""批量核算: the compiled SQL pays the same cents as the explained rows, or says that it cannot."""

import random
import sys
from datetime import date, timedelta
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from xiaoguan.policy import load_text
from xiaoguan.policy.bulk import NotBulk, compile_component

from .making import ROOT, paying

spec = spec_from_file_location("agree", ROOT / "scripts" / "agree.py")
assert spec is not None and spec.loader is not None
agree = sys.modules["agree"] = module_from_spec(spec)
spec.loader.exec_module(agree)

LIN, ZHOU = 1, 2


@pytest.mark.parametrize("seed", range(8))
def test_generated_policies_and_facts_give_one_number(seed):
    count, bad = agree.differences(seed, people=5, lines=120)
    assert (count, bad) == (60, [])


def test_the_comparison_would_see_a_unit():
    """The check itself is checked: one unit more in one order is seen."""
    chance = random.Random(3)
    policy, _ = load_text(agree.policy_text(chance))
    keys = ["0", "1"]
    orders, returns = agree.facts(chance, keys, 40)
    goals = agree.quotas(chance, policy, keys)
    rows = agree.by_rows(policy, orders, returns, goals, keys)
    orders[0]["net_amount"] += 1
    sql = agree.by_sql(policy, compile_component(policy, "pay"), orders, returns, goals)
    assert list(agree.unequal(rows, sql))


def test_a_line_says_which_share_stood_where_in_the_table():
    """70 % of 1 000 reach the second tier from nothing; the next order begins there and ends in the third."""
    text = agree.HEAD + (
        "    credit: {payees: [{as: owner, share: 70%}, {as: co_owner, share: 30%, else: owner}]}\n"
        "    components: [{id: pay, kind: commission, basis: sales, period: month, tiers: {mode: marginal, by: amount, "
        "accumulate: year, rates: [{from: 0, rate: 1%}, {from: 500, rate: 2%}, {from: 1000, rate: 3%}]}}]\n"
    )
    policy, issues = load_text(text)
    assert policy is not None, issues
    sold = [("A", ZHOU, date(2026, 1, 5)), ("B", None, date(2026, 2, 5))]
    orders = [
        {"id": key, "person": LIN, "co_owner": with_, "presales": None, "signed_on": day, "net_amount": 10**7}
        for key, with_, day in sold
    ]
    made = compile_component(policy, "pay")
    for name, table in agree.relations(policy, orders, [], {}).items():
        agree.connection().register(name, table)
    columns = "record, person, payee, credited, before, tier, weight"
    rows = agree.connection().execute(f"SELECT {columns} FROM ({made.lines}) AS l ORDER BY ALL").fetchall()
    money = 10**4
    assert made.scale == 100
    assert rows == [
        ("A", LIN, 0, 700 * money, 0, 2, 900 * money),  # 500 x 1 % + 200 x 2 %
        ("A", ZHOU, 1, 300 * money, 0, 1, 300 * money),
        ("B", LIN, 0, 1000 * money, 700 * money, 3, 2700 * money),  # 300 x 2 % + 700 x 3 %
    ]


def test_lines_of_a_month_within_one_tier_are_not_put_in_order():
    """The orders of February stay in the first tier, a return included; those of March cross into the second."""
    text = agree.HEAD + (
        "    components: [{id: pay, kind: commission, basis: sales, period: month, tiers: {mode: marginal, by: amount, "
        "accumulate: year, rates: [{from: 0, rate: 1%}, {from: 500, rate: 2%}]}}]\n"
    )
    policy, _ = load_text(text)
    sold = [(1, 100), (32, 200), (40, -50), (50, 100), (61, 100), (62, 100)]
    orders = [
        {"id": f"{i}", "person": LIN, "co_owner": None, "presales": None, "net_amount": value * 10**4}
        | {"signed_on": date(2025, 12, 31) + timedelta(days=day)}
        for i, (day, value) in enumerate(sold)
    ]
    made = compile_component(policy, "pay")
    for name, table in agree.relations(policy, orders, [], {}).items():
        agree.connection().register(name, table)
    query = f"SELECT before // 10000, tier, weight // 10000 FROM ({made.lines}) AS l ORDER BY record"
    assert agree.connection().execute(query).fetchall() == [
        (0, 1, 100),
        (100, 1, 200),
        (100, 1, -50),
        (100, 1, 100),
        (350, 1, 100),
        (450, 2, 50 + 2 * 50),
    ]


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        ("{id: pay, kind: bonus, amount: 5}", "is a bonus"),
        ('{id: pay, kind: commission, basis: bookings, rate: "person.rate"}', "a rate that is a formula"),
        ('{id: pay, kind: commission, basis: bookings, rate: 3%, when: "bookings > 5"}', "a condition"),
        ("{id: pay, kind: commission, basis: bookings, rate: 3%, cap: {amount: 5, excess: carry}}", "a cap over more"),
        (
            "{id: pay, kind: commission, basis: bookings, tiers: {mode: slab, by: amount, counts_in: sale, "
            "rates: [{from: 0, rate: 3%}]}}",
            "counts late cash in the period of its sale",
        ),
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

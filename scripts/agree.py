"""Two evaluators, one number: `python scripts/agree.py [COMPARISONS] [SEED]` compares generated policies and facts.

The Python evaluator settles every person's year; the compiled SQL does the same on DuckDB. Every person and month is
one comparison of what was credited, earned, held back, freed, taken back and paid, to the last unit.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow

from xiaoguan.policy import Policy, RowsWorld, Who, load_text
from xiaoguan.policy.bulk import Compiled, compile_component
from xiaoguan.policy.credit import metric_of
from xiaoguan.policy.incentive import _Asked
from xiaoguan.policy.settle import Settling

HEAD = """policy: {id: t, name: T, version: 1.0.0, effective: {from: 2026-01-01, to: null}, currency: CNY}
metrics:
  sales: {name: S, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
goals:
  - {id: quota, metric: sales, period: month, target: {method: assigned}}
incentive:
  - id: plan
"""
YEAR = date(2026, 1, 1)
Row = dict[str, Any]


def policy_text(chance: random.Random) -> str:
    """A random plan within what the compiler carries out."""
    mode = chance.choice(["marginal", "marginal", "slab", "per_transaction", "flat"])
    by = "amount" if mode == "per_transaction" else chance.choice(["amount", "attainment"])
    accumulate = chance.choice(["period", "quarter", "year"]) if mode in ("marginal", "slab") else "period"
    steps = sorted(chance.sample(range(1, 60), chance.randint(0, 3)))
    bounds = [0, *([10 * one for one in steps] if by == "attainment" else [1000 * one for one in steps])]
    sign = "%" if by == "attainment" else ""
    rates = ", ".join(f"{{from: {b}{sign}, rate: {chance.randint(0, 1500) / 100}%}}" for b in bounds)
    of = "of: quota, " if by == "attainment" else ""
    table = f"tiers: {{mode: {mode}, by: {by}, {of}accumulate: {accumulate}, rates: [{rates}]}}"
    if mode == "flat":
        table = f"rate: {chance.randint(1, 900) / 100}%"
    cap = chance.choice(["", "", f"cap: {chance.randint(100, 3000)}, "])
    lines = [f"    components: [{{id: pay, kind: commission, basis: sales, period: month, {cap}{table}}}]"]
    credit = chance.choice(
        [
            "",
            "payees: [{as: owner, share: 70%}, {as: co_owner, share: 30%, else: owner}]",
            "payees: [{as: owner, share: 33.3333%}, {as: co_owner, share: 33.3333%, else: owner}, "
            "{as: presales, share: 33.3334%, else: owner}]",
            "payees: [{as: owner, share: 60%}, {as: presales, share: 40%}]",
        ]
    )
    if credit:
        lines.append(f"    credit: {{{credit}}}")
    if chance.random() < 0.5:
        end = chance.choice(["year_end", "quarter_end"])
        lines.append(f"    pay: {{holdback: {{share: {chance.randint(1, 40)}%, release: {end}}}}}")
    if chance.random() < 0.5:
        share = chance.choice(
            ["full", "proportional", "37.5%", "stepped, steps: [{within: 20d, share: 100%}, {within: 2m, share: 45%}]"]
        )
        window = chance.choice(["45d", "3m", "10w"])
        lines.append(f"    clawback: {{events: [return], window: {window}, share: {share}}}")
    return HEAD + "\n".join(lines) + "\n"


def facts(chance: random.Random, people: Sequence[str], count: int) -> tuple[list[Row], list[Row]]:
    """Random orders and returns of some of them."""
    orders, returns = [], []
    for i in range(count):
        day = YEAR + timedelta(days=chance.randrange(365))
        value = chance.choice([chance.randint(1, 30_000) * 10_000, chance.randint(1, 10**8), -chance.randint(1, 10**7)])
        row: Row = {"id": f"{i:06d}", "person": chance.choice(people), "signed_on": day, "net_amount": value}
        for field, odds in (("co_owner", 0.4), ("presales", 0.3)):
            row[field] = chance.choice(people) if chance.random() < odds else None
        orders.append(row)
        for _ in range(chance.choice([0, 0, 0, 0, 1, 2])):
            amount = chance.choice([None, chance.randint(1, max(abs(value), 1))])
            back = {"id": f"R{len(returns):06d}", "order": row["id"], "amount": amount, "kind": "return"}
            returns.append({**back, "returned_on": day + timedelta(days=chance.randint(0, 120))})
    return orders, returns


def quotas(chance: random.Random, policy: Policy, people: Sequence[str]) -> dict[tuple[str, str, str], int]:
    """Quotas for the windows of the table; now and then there is none."""
    tiers = policy.incentive[0].components[0].tiers
    kind = tiers.accumulate if tiers and tiers.accumulate != "period" else "month"
    windows = (
        policy.calendar.children(policy.calendar.parse("2026"), kind)
        if kind != "year"
        else [policy.calendar.parse("2026")]
    )
    return {
        ("quota", key, window.label): chance.randint(1, 40) * 10_000_000
        for key in people
        for window in windows
        if chance.random() < 0.95
    }


Found = dict[tuple[str, date], tuple[int | None, ...]]


def by_rows(
    policy: Policy,
    orders: Sequence[Row],
    returns: Sequence[Row],
    goals: Mapping[tuple[str, str, str], int],
    people: Sequence[str],
) -> Found:
    """credited, earned, held, freed, clawed, paid of every person and month, by the Python evaluator."""
    world = RowsWorld(policy, {"orders": orders, "returns": returns}, dict(goals))
    found: Found = {}
    for key in people:
        who = Who(key, key)
        asked = _Asked(world)
        for one in Settling(policy, policy.incentive[0], who, asked).through(policy.calendar.parse("2026-12")):
            line = one.earned[0].line
            steps = one.amounts
            credited = metric_of(policy, world, "sales", who, one.period, "pay").value
            assert isinstance(credited, int)
            values = (steps.get("holdback", 0), steps.get("holdback_released", 0), steps.get("clawback", 0))
            earned = None if line.missing else int(line.number)
            found[key, one.period.start] = (credited, earned, -values[0], values[1], -values[2], one.total)
    return found


def by_sql(
    policy: Policy,
    compiled: Compiled,
    orders: Sequence[Row],
    returns: Sequence[Row],
    goals: Mapping[tuple[str, str, str], int],
) -> Found:
    """The same by DuckDB."""
    connection = duckdb.connect()
    columns: dict[str, list[Any]] = {
        "id": [row["id"] for row in orders],
        "person": [row["person"] for row in orders],
        "day": [row["signed_on"] for row in orders],
        "value": [row["net_amount"] for row in orders],
        "co_owner": pyarrow.array([row["co_owner"] for row in orders], pyarrow.string()),
        "presales": pyarrow.array([row["presales"] for row in orders], pyarrow.string()),
    }
    given = [(key, policy.calendar.parse(label).start, value) for (_, key, label), value in goals.items()]
    tables = {
        "facts": pyarrow.table(columns),
        "quotas": pyarrow.table(
            {
                "person": pyarrow.array([one[0] for one in given], pyarrow.string()),
                "window_start": pyarrow.array([one[1] for one in given], pyarrow.date32()),
                "quota": pyarrow.array([one[2] for one in given], pyarrow.int64()),
            }
        ),
        "undone": pyarrow.table(
            {
                "id": pyarrow.array([row["id"] for row in returns], pyarrow.string()),
                "record": pyarrow.array([row["order"] for row in returns], pyarrow.string()),
                "day": pyarrow.array([row["returned_on"] for row in returns], pyarrow.date32()),
                "amount": pyarrow.array([row["amount"] for row in returns], pyarrow.int64()),
            }
        ),
    }
    for name in compiled.needs:
        connection.register(name, tables[name])
    found: Found = {}
    for person, period, *values in connection.execute(compiled.totals).fetchall():
        found[person, period] = tuple(None if value is None else int(value) for value in values)
    check_lines(connection, compiled, found)
    return found


def check_lines(connection: Any, compiled: Compiled, found: Found) -> None:
    """What the records of a person and month earned adds up to what the person earned."""
    lines = f"SELECT person, period, sum(earned), sum(credited) FROM ({compiled.lines}) AS l GROUP BY 1, 2"
    for person, period, earned, credited in connection.execute(lines).fetchall():
        assert int(earned or 0) == (found[person, period][1] or 0), (person, period, earned, found[person, period])
        assert int(credited) == found[person, period][0]


def differences(chance: random.Random, people: int, lines: int) -> tuple[int, list[str]]:
    """How many comparisons one generated policy makes, and where the two evaluators differ."""
    text = policy_text(chance)
    policy, issues = load_text(text)
    assert policy is not None, issues
    keys = [f"p{i}" for i in range(people)]
    orders, returns = facts(chance, keys, lines)
    goals = quotas(chance, policy, keys)
    compiled = compile_component(policy, "pay")
    rows = by_rows(policy, orders, returns, goals, keys)
    sql = by_sql(policy, compiled, orders, returns, goals)
    return len(rows), [f"{text}\n{key}: rows {a} sql {b}" for key, a, b in _unequal(rows, sql)]


def _unequal(rows: Found, sql: Found) -> Iterator[tuple[tuple[str, date], Any, Any]]:
    nothing = (0, 0, 0, 0, 0, 0)
    for key, expected in rows.items():
        obtained = tuple(value or 0 for value in sql.get(key, nothing))
        if tuple(value or 0 for value in expected) != obtained:
            yield key, expected, sql.get(key)


def main() -> int:
    """Compare until there are enough."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    began, made, policies, bad = time.perf_counter(), 0, 0, []
    while made < wanted and not bad:
        count, bad = differences(chance, people=40, lines=600)
        made, policies = made + count, policies + 1
    for one in bad[:3]:
        print(one)
    seconds = time.perf_counter() - began
    print(f"{made} comparisons of {policies} policies, {len(bad)} differences, {seconds:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

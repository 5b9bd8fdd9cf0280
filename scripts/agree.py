"""Two evaluators, one number: `python scripts/agree.py [COMPARISONS] [SEED]` compares generated policies and facts.

The Python evaluator settles every person's year; the compiled SQL does the same on DuckDB. Every person and month is
one comparison of what was credited, earned, held back, freed, taken back and paid, and of what each record earned, to
the last unit. A policy's seed makes the same policy and facts again; two processes share the policies.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

import duckdb
import pyarrow

from xiaoguan.policy import Policy, RowsWorld, Who, load_text
from xiaoguan.policy.bulk import SETTINGS, Compiled, compile_component
from xiaoguan.policy.credit import metric_of
from xiaoguan.policy.settle import Settling
from xiaoguan.policy.versions import Asked, chains

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
    accumulate = chance.choice(["period", "quarter", "year"]) if mode != "flat" else "period"
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
            "payees: [{as: co_owner, share: 66.6667%, else: owner}, {as: presales, share: 33.3333%, else: owner}]",
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
    """Random orders and returns of some of them; now and then amounts whose products do not fit 64 bits, or the few
    prices of a list: where remainders are equal, the order of records decides."""
    orders, returns = [], []
    times = chance.choice([1, 1, 1, 1, 10_007, 1_000_003])
    prices = [chance.randint(1, 2_000) * 5_000 for _ in range(chance.choice([0, 0, 1, 2]))]
    for i in range(count):
        day = YEAR + timedelta(days=chance.randrange(365))
        value = chance.choice([chance.randint(1, 30_000) * 10_000, chance.randint(1, 10**8), -chance.randint(1, 10**7)])
        value = chance.choice(prices) if prices else value * times
        row: Row = {"id": f"{i:06d}", "person": chance.choice(people), "signed_on": day, "net_amount": value}
        for payee, odds in (("co_owner", 0.4), ("presales", 0.3)):
            row[payee] = chance.choice(people) if chance.random() < odds else None
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


Key = tuple[str, date]


@dataclass
class Found:
    """What one evaluator says: (credited, earned, held, freed, clawed, paid) of a person and month, and what each of
    the person's records earned in it. `whole` is False where the plan has no use for what records earned."""

    totals: dict[Key, tuple[int, ...]] = field(default_factory=dict)
    lots: dict[Key, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    whole: bool = True


def by_rows(
    policy: Policy,
    orders: Sequence[Row],
    returns: Sequence[Row],
    goals: Mapping[tuple[str, str, str], int],
    people: Sequence[str],
) -> Found:
    """The Python evaluator; what is missing is 0."""
    world = RowsWorld(policy, {"orders": orders, "returns": returns}, dict(goals))
    plan = policy.incentive[0]
    found = Found(whole=plan.clawback is not None or plan.pay is not None)
    for key in people:
        who = Who(key, key)
        for one in Settling(chains([(policy, Asked(world))])[0], who).through(policy.calendar.parse("2026-12")):
            steps, at = one.amounts, (key, one.period.start)
            credited = metric_of(policy, world, "sales", who, one.period, "pay").value
            assert isinstance(credited, int)
            held, freed = steps.get("holdback", 0), steps.get("holdback_released", 0)
            clawed = steps.get("clawback", 0) + steps.get("forfeited", 0)
            found.totals[at] = (credited, one.earned[0].value, -held, freed, -clawed, one.total)
            found.lots[at] = {lot.record: lot.amount for lot in one.earned[0].lots if lot.amount}
    return found


@cache
def connection() -> Any:
    """One database for each process, of one thread."""
    made = duckdb.connect()
    for setting in ("threads = 1", *SETTINGS):
        made.execute(f"SET {setting}")
    return made


def by_sql(
    policy: Policy,
    compiled: Compiled,
    orders: Sequence[Row],
    returns: Sequence[Row],
    goals: Mapping[tuple[str, str, str], int],
) -> Found:
    """The compiled SQL on DuckDB; what is missing is 0."""
    for name, table in relations(policy, orders, returns, goals).items():
        connection().register(name, table)
    found = Found()
    for person, period, *values in connection().execute(compiled.totals).fetchall():
        found.totals[str(person), period] = tuple(value or 0 for value in values)
    for person, period, record, earned in connection().execute(compiled.lots).fetchall():
        if earned:
            found.lots[str(person), period][record] = earned
    return found


def filled(values: Sequence[Any], kind: pyarrow.DataType) -> pyarrow.Array:
    """A column; people's keys are digits."""
    return pyarrow.array([int(one) if one and kind == pyarrow.int32() else one for one in values], kind)


def relations(
    policy: Policy, orders: Sequence[Row], returns: Sequence[Row], goals: Mapping[tuple[str, str, str], int]
) -> dict[str, Any]:
    """The tables that compiled SQL reads; people are numbers there."""
    text, day, units, who = pyarrow.string(), pyarrow.date32(), pyarrow.int64(), pyarrow.int32()
    given = [(key, policy.calendar.parse(label).start, value) for (_, key, label), value in goals.items()]
    columns = {
        "facts": (
            orders,
            {"id": text, "person": who, "co_owner": who, "presales": who, "signed_on": day, "net_amount": units},
        ),
        "undone": (returns, {"id": text, "order": text, "returned_on": day, "amount": units}),
    }
    names = {"signed_on": "day", "net_amount": "value", "order": "record", "returned_on": "day"}
    made = {
        table: pyarrow.table(
            {names.get(one, one): filled([row[one] for row in rows], kind) for one, kind in of.items()}
        )
        for table, (rows, of) in columns.items()
    }
    kinds = {"person": who, "window_start": day, "quota": units}
    made["quotas"] = pyarrow.table(
        {name: filled([one[i] for one in given], kind) for i, (name, kind) in enumerate(kinds.items())}
    )
    return made


def differences(seed: object, people: int, lines: int) -> tuple[int, list[str]]:
    """How many comparisons the policy of a seed makes, and where the two evaluators differ."""
    chance = random.Random(str(seed))
    text = policy_text(chance)
    policy, issues = load_text(text)
    assert policy is not None, issues
    keys = [str(i) for i in range(people)]
    orders, returns = facts(chance, keys, lines)
    goals = quotas(chance, policy, keys)
    rows = by_rows(policy, orders, returns, goals, keys)
    sql = by_sql(policy, compile_component(policy, "pay"), orders, returns, goals)
    return len(rows.totals), [f"{text}\nseed {seed}, {one}" for one in unequal(rows, sql)]


def unequal(rows: Found, sql: Found) -> Iterator[str]:
    """Each person and month in which the two differ, with both answers."""
    for key, expected in rows.totals.items():
        obtained = sql.totals.get(key, (0,) * 6)
        if expected != obtained:
            yield f"{key}: rows {expected} sql {obtained}"
        elif rows.whole and rows.lots[key] != sql.lots[key]:
            yield f"{key}: rows {rows.lots[key]} sql {sql.lots[key]}"
        elif sum(sql.lots[key].values()) != expected[1]:
            yield f"{key}: the records of the sql do not add up to {expected[1]}"


PEOPLE, LINES = 100, 1_000
"""Of one policy: 1,200 comparisons."""


def compared(seed: str) -> tuple[int, list[str]]:
    return differences(seed, PEOPLE, LINES)


def main() -> int:
    """Compare until there are enough."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    start = sys.argv[2] if len(sys.argv) > 2 else "1"
    policies = -(-wanted // (PEOPLE * 12))
    began, made, bad = time.perf_counter(), 0, []
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for number, found in pool.map(compared, (f"{start}-{i}" for i in range(policies))):
            made, bad = made + number, bad + found
    for one in bad[:3]:
        print(one)
    seconds = time.perf_counter() - began
    print(f"{made} comparisons of {policies} policies, {len(bad)} differences, {seconds:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

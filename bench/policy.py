"""Speed of the policy engine: `python bench/policy.py [MILLIONS]` writes var/bench/policy.json.

10 million events of 10,000 people in 12 months, marginal three-tier commission with splits, holdback and claw-back,
from Parquet to totals, to a stored reason for every credited line (share, credit before it, tier, exact pay), and to
the minor units of every line, beside a bare query that only scans and sums the same file and fetches one row, as the
others do; then explained statements by the Python evaluator. Every measure runs in its own process, in turn, the
best of three counts, and memory is its peak.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OUT = ROOT / "var" / "bench" / "policy.json"
POLICY = """policy: {id: bench, name: Bench, version: 1.0.0, effective: {from: 2026-01-01, to: null}, currency: CNY}
metrics:
  sales: {name: Sales, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
goals:
  - {id: quota, metric: sales, period: year, target: {method: assigned}}
incentive:
  - id: plan
    credit: {payees: [{as: owner, share: 70%}, {as: co_owner, share: 30%, else: owner}]}
    components:
      - {id: pay, kind: commission, basis: sales, period: month, tiers: {mode: marginal, by: attainment, of: quota,
         accumulate: year, rates: [{from: 0%, rate: 3%}, {from: 50%, rate: 4.5%}, {from: 100%, rate: 6%}]}}
    pay: {holdback: {share: 10%, release: year_end}}
    clawback: {events: [return], window: 6m, share: proportional}
"""
PEOPLE = 10_000
MINOR = 100
"""Units in a fen."""


def make(folder: Path, lines: int) -> None:
    """Facts as Parquet: every third line is shared, one in a thousand is returned."""
    import duckdb

    db = duckdb.connect()
    db.execute("SET threads = 2")
    facts = folder / f"facts-{lines}.parquet"
    db.execute(
        f"""COPY (SELECT i AS id, CAST(hash(i) % {PEOPLE} AS INTEGER) AS person,
        CASE WHEN i % 3 = 0 THEN CAST(hash(i + 7) % {PEOPLE} AS INTEGER) END AS co_owner,
        DATE '2026-01-01' + CAST(hash(i * 31) % 365 AS INTEGER) AS day,
        CAST((hash(i * 17) % 5000000 + 100) * 100 AS BIGINT) AS value
        FROM range({lines}) AS t(i)) TO '{facts}' (FORMAT parquet, PARQUET_VERSION V2)"""
    )
    db.execute(
        f"""COPY (SELECT id AS record, id, CAST(day + CAST(hash(id) % 100 AS INTEGER) AS DATE) AS day,
        CASE WHEN id % 2 = 0 THEN value // 2 END AS amount FROM '{facts}' WHERE id % 1000 = 1)
        TO '{folder}/undone-{lines}.parquet' (FORMAT parquet)"""
    )
    quota = lines * 2_500_000_000 // (10 * PEOPLE)
    db.execute(
        f"""COPY (SELECT CAST(p AS INTEGER) AS person, DATE '2026-01-01' AS window_start,
        CAST({quota} * (5 + p % 10) // 10 AS BIGINT) AS quota FROM range({PEOPLE}) AS t(p))
        TO '{folder}/quotas-{lines}.parquet' (FORMAT parquet)"""
    )


def connect(folder: Path, lines: int) -> Any:
    import duckdb

    from xiaoguan.policy.bulk import SETTINGS

    db = duckdb.connect()
    own = ("threads = 2", "memory_limit = '1800MB'", "preserve_insertion_order = false")
    for setting in (*own, *SETTINGS, f"temp_directory = '{folder}/spill'"):
        db.execute(f"SET {setting}")
    for name in ("facts", "quotas", "undone"):
        db.execute(f"CREATE VIEW {name} AS SELECT * FROM '{folder}/{name}-{lines}.parquet'")
    return db


def plan_of(dialect: Any = "duckdb") -> Any:
    """The compiled commission."""
    from xiaoguan.policy import load_text
    from xiaoguan.policy.bulk import compile_component

    policy, issues = load_text(POLICY)
    assert policy is not None, issues
    return compile_component(policy, "pay", dialect)


def scan(folder: Path, lines: int) -> dict[str, Any]:
    """The bare query: read every line, sum by person and month."""
    db = connect(folder, lines)
    sums = "SELECT person, date_trunc('month', day) AS month, sum(value) AS total FROM facts GROUP BY 1, 2"
    return timed(lambda: {"rows": db.execute(f"SELECT count(*), sum(total) FROM ({sums}) AS t").fetchone()[0]})


def totals(folder: Path, lines: int) -> dict[str, Any]:
    """Everything down to what is paid to each person in each month."""
    db, made = connect(folder, lines), plan_of()
    query = f"SELECT count(*), sum(earned), sum(held), sum(freed), sum(clawed), sum(paid) FROM ({made.totals}) AS t"

    def run() -> dict[str, Any]:
        count, *sums = db.execute(query).fetchone()
        return dict(zip(("rows", "earned", "held", "freed", "clawed", "paid"), [count, *map(int, sums)], strict=True))

    return timed(run)


def reasons(folder: Path, lines: int) -> dict[str, Any]:
    """Where every line stood in the table and its exact pay, written to Parquet; they add up to the totals."""
    db, made = connect(folder, lines), plan_of()
    found = timed(lambda: written(db, made.lines, folder / "reasons.parquet"))
    step = made.scale * MINOR
    # The exact pay of a person's year, rounded half up: the year is the window of the tiers.
    rounded = f"(2 * sum(weight) + {step}) // {2 * step} * {MINOR}"
    years = f"SELECT {rounded} AS earned FROM '{folder}/reasons.parquet' GROUP BY person"
    return {**found, "earned": int(db.execute(f"SELECT sum(earned) FROM ({years}) AS t").fetchone()[0])}


def cents(folder: Path, lines: int) -> dict[str, Any]:
    """What every line earned in minor units, by largest remainder, written to Parquet."""
    db, made = connect(folder, lines), plan_of()
    found = timed(lambda: written(db, made.lots, folder / "lots.parquet"))
    return {**found, "earned": int(db.execute(f"SELECT sum(earned) FROM '{folder}/lots.parquet'").fetchone()[0])}


def written(db: Any, query: str, file: Path) -> dict[str, Any]:
    """Rows of a query into Parquet: delta encodings, and no dictionaries for columns that do not repeat."""
    how = "FORMAT parquet, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1000"
    count = db.execute(f"COPY ({query}) TO '{file}' ({how})").fetchone()[0]
    return {"rows": count, "file_mb": file.stat().st_size >> 20}


def statements(folder: Path, lines: int) -> dict[str, Any]:
    """Explained statements by the Python evaluator: `lines` statements of people with ten orders each."""
    from xiaoguan.policy import RowsWorld, Who, load_text, statement

    plain = POLICY.split("    credit:")[0] + "    components:" + POLICY.split("    components:")[1].split("    pay:")[0]
    policy, issues = load_text(plain)
    assert policy is not None, issues
    start, people = date(2026, 1, 1), max(lines // 12, 1)
    orders = [
        {
            "id": str(i),
            "person": f"p{i % people}",
            "signed_on": start + timedelta(days=i * 37 % 365),
            "net_amount": i % 977 * 10_000,
        }
        for i in range(people * 10)
    ]
    goals = {("quota", f"p{i}", "2026"): 50_000_000 for i in range(people)}
    months = policy.calendar.children(policy.calendar.parse("2026"), "month")
    world = RowsWorld(policy, {"orders": orders}, goals)

    def run() -> dict[str, Any]:
        made = [statement(policy, Who(f"p{i}", f"p{i}"), month, world) for i in range(people) for month in months]
        return {"rows": len(made), "paid": sum(one.total.units for one in made)}

    return timed(run)


def timed(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a measure found, with its seconds on the clock and of the processors, and the peak of memory."""
    began, used = time.perf_counter(), time.process_time()
    found = run()
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": round(seconds, 2), "cpu": round(cpu, 2), "peak_mb": peak, **found}


def measured(name: str, folder: Path, lines: int) -> dict[str, Any]:
    """A measure in a process of its own."""
    command = [sys.executable, __file__, "--one", name, str(folder), str(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    print(
        f"{name:<12} {lines:>12,}  {found['seconds']:>8} s  {found['cpu']:>8} cpu s  {found['peak_mb']:>6} MB",
        flush=True,
    )
    return found


def best(every: list[dict[str, Any]]) -> dict[str, Any]:
    """The least of each figure: what others do on the machine only ever adds."""
    return {**every[0], **{key: min(one[key] for one in every) for key in ("seconds", "cpu")}}


def main() -> None:
    """Run every measure, three times in turn, and write the figures."""
    whole = int((float(sys.argv[1]) if len(sys.argv) > 1 else 10) * 1_000_000)
    result: dict[str, Any] = {"lines": whole, "people": PEOPLE}
    names = ("scan", "totals", "reasons", "cents")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for lines in (whole // 2, whole):
            make(folder, lines)
        turns = [
            [measured("totals", folder, whole // 2), *(measured(one, folder, whole) for one in names)] for _ in range(3)
        ]
        result |= dict(zip(("half", *names), (best(list(every)) for every in zip(*turns, strict=True)), strict=True))
        result["statements"] = measured("statements", folder, 100_000)
    for kind in ("seconds", "cpu"):
        of = {one: result[one][kind] for one in ("half", *names)}
        result[f"{kind}_to_scan"] = {one: round(of[one] / of["scan"], 2) for one in names[1:]}
        result[f"{kind}_doubling"] = round(of["totals"] / of["half"], 2)
        result[f"statements_per_{kind}"] = round(result["statements"]["rows"] / result["statements"][kind])
    earned = {result[one]["earned"] for one in names[1:]}
    assert len(earned) == 1, f"the lines do not add up to the totals: {earned}"
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k not in (*names, "half", "statements")}))


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--one":
        print(json.dumps(globals()[sys.argv[2]](Path(sys.argv[3]), int(sys.argv[4]))))
    else:
        main()

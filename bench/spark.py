"""The bulk evaluator on a Spark cluster here: `python bench/spark.py [MILLIONS]` writes var/bench/spark.json.

One master and two workers (see cluster.py), the Parquet files of policy.py and the compiler's other dialect. Every
total of every person and month, and every line, must equal DuckDB's to the last unit.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cluster import cluster, session  # the scripts beside this one
from policy import connect, make, plan_of

ROOT = Path(__file__).parents[1]
OUT = ROOT / "var" / "bench" / "spark.json"


def main() -> None:
    """Run both engines, compare, write the figures."""
    lines = int((float(sys.argv[1]) if len(sys.argv) > 1 else 1) * 1_000_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, lines)
        result: dict[str, Any] = {"lines": lines, "duckdb": by_duckdb(folder, lines)}
        began = time.perf_counter()
        with cluster(folder) as master, session(master) as spark:
            result["start_seconds"] = round(time.perf_counter() - began, 1)
            result["spark"] = by_spark(spark, folder, lines)
        result["differences"] = {query: differences(folder, query) for query in ("totals", "lines")}
    print(json.dumps(result))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(1 if any(found["differ"] for found in result["differences"].values()) else 0)


def by_duckdb(folder: Path, lines: int) -> dict[str, float]:
    """Seconds of each query on DuckDB, written as Parquet."""
    database, made, seconds = connect(folder, lines), plan_of("duckdb"), {}
    for query in ("totals", "lines"):
        began = time.perf_counter()
        database.execute(f"COPY ({getattr(made, query)}) TO '{folder}/duckdb-{query}.parquet' (FORMAT parquet)")
        seconds[query] = round(time.perf_counter() - began, 2)
    return seconds


def by_spark(spark: Any, folder: Path, lines: int) -> dict[str, float]:
    """Seconds of each query on the cluster, written as Parquet; the second run of the scan, when the JVMs are warm."""
    made, seconds = plan_of("spark"), {}
    for name in made.needs:
        spark.read.parquet(f"{folder}/{name}-{lines}.parquet").createOrReplaceTempView(name)
    scan = "SELECT person, date_trunc('month', day) AS month, sum(value) FROM facts GROUP BY 1, 2"
    for query, text in (("cold_scan", scan), ("scan", scan), ("totals", made.totals), ("lines", made.lines)):
        began = time.perf_counter()
        spark.sql(text).write.mode("overwrite").parquet(f"{folder}/spark-{query}")
        seconds[query] = round(time.perf_counter() - began, 2)
        print(f"{query:<12} {lines:>12,} lines  {seconds[query]:>8} s", flush=True)
    return seconds


def differences(folder: Path, query: str) -> dict[str, int]:
    """How many rows each engine gave, and how many are not the same in both."""
    import duckdb

    def asked(text: str) -> int:
        return int(duckdb.execute(f"SELECT count(*) FROM ({text}) AS t").fetchone()[0])

    sides = [f"'{folder}/duckdb-{query}.parquet'", f"'{folder}/spark-{query}/*.parquet'"]
    columns = ", ".join(row[0] for row in duckdb.execute(f"DESCRIBE SELECT * FROM {sides[0]}").fetchall())
    one, other = (f"SELECT {columns} FROM {side}" for side in sides)
    differ = asked(f"{one} EXCEPT ALL {other}") + asked(f"{other} EXCEPT ALL {one}")
    return {"duckdb": asked(one), "spark": asked(other), "differ": differ}


if __name__ == "__main__":
    main()

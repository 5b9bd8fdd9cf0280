"""Kill -9 in the middle of an import or a run: repeated, they end in the same state as undisturbed ones."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "northwind"
CHANCE = {"created_at", "updated_at", "at", "adopted_at", "batch"}
LEFT_OUT = ("sqlite_", "desk_search_", "django_", "cache", "auth_", "account_")


def cli(home: Path, *words: str, killed_after: float | None = None) -> int:
    """Run a command in a process of its own; kill it without warning after so many seconds. Returns its exit code."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE")}
    environment |= {"XIAOGUAN_HOME": str(home)} | ({"DATABASE_URL": url_of(home.name)} if ON_SERVER else {})
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "xiaoguan.project.cli", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if killed_after is not None:
        time.sleep(killed_after)
        process.send_signal(signal.SIGKILL)
    _out, err = process.communicate(timeout=120)
    if killed_after is None:
        assert process.returncode == 0, err.decode()
    return process.returncode


ON_SERVER = os.environ.get("XIAOGUAN_TEST_DATABASE") == "postgres"


def url_of(name: str, like: str = "template1") -> str:
    """A database of its own on the server of the tests, made when it is not there as a copy of another."""
    from django.conf import settings

    of = settings.DATABASES["default"]
    parts = {"host": of["HOST"], "port": of["PORT"] or None, "user": of["USER"], "password": of["PASSWORD"] or None}
    with psycopg.connect(dbname="postgres", autocommit=True, **parts) as link:
        if not link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            link.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    who = of["USER"] + (f":{of['PASSWORD']}" if of["PASSWORD"] else "")
    host, query = ("", f"?host={of['HOST']}") if of["HOST"].startswith("/") else (of["HOST"], "")
    return f"postgresql://{who}@{host}{':' + str(of['PORT']) if of['PORT'] and host else ''}/{name}{query}"


def double(home: Path, other: Path) -> None:
    """The same company a second time."""
    shutil.copytree(home, other)
    if ON_SERVER:
        url_of(other.name, like=home.name)


def counted(home: Path) -> dict[str, list[tuple]]:
    """On a server ids are never given twice, so what a killed process took is missing: the rows without any ids."""
    with psycopg.connect(url_of(home.name)) as link:
        rows = link.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
        ).fetchall()
        found: dict[str, list[tuple]] = {}
        for table in sorted({t for t, _c in rows}):
            if table.startswith(LEFT_OUT) or table in ("people_organisationstamp", "desk_search", "desk_tally"):
                continue
            ids = CHANCE | {"id", "record_id", "trace", "inputs", "records", "digest"}  # of facts with their ids
            ids |= {"number"} if table == "desk_duplicate" else set()
            names = [f'"{c}"' for t, c in rows if t == table and c not in ids and not c.endswith("_id")]
            found[table] = sorted(link.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall(), key=repr)
        return found


def state(home: Path) -> dict[str, list[tuple]]:
    """Every row of every table but its times and what is drawn by chance."""
    with closing(sqlite3.connect(home / "xiaoguan.sqlite3")) as connection:
        tables = [r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        found = {}
        for table in tables:
            if table.startswith(LEFT_OUT) or table == "people_organisationstamp":
                continue
            names = [f'"{r[1]}"' for r in connection.execute(f"PRAGMA table_info({table})") if r[1] not in CHANCE]
            found[table] = sorted(connection.execute(f"SELECT {', '.join(names)} FROM {table}"), key=repr)
        return found


@pytest.mark.django_db
def test_an_import_and_a_run_killed_half_way_end_as_undisturbed_ones(shared: Path, tmp_path: Path) -> None:
    importing = "import", str(EXAMPLE / "plan.yaml"), "--data", str(shared / "data" / "northwind")
    reckoning = "run", "1997-Q3"
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    calm.mkdir()
    cli(calm, "init")
    cli(calm, "policy", "adopt", str(EXAMPLE / "policy.yaml"))
    double(calm, stormy)
    start = time.monotonic()
    cli(calm, *importing)
    taken = time.monotonic() - start
    cli(calm, *reckoning)
    killed = 0
    for share in (0.5, 0.7, 0.9):
        killed += cli(stormy, *importing, killed_after=taken * share) == -signal.SIGKILL
    cli(stormy, *importing)
    for seconds in (0.8, 1.2):
        killed += cli(stormy, *reckoning, killed_after=seconds) == -signal.SIGKILL
    cli(stormy, *reckoning)
    assert killed >= 2, "the machine was too fast for the killer; nothing was tested"
    look = counted if ON_SERVER else state
    expected, found = look(calm), look(stormy)
    for table, rows in expected.items():
        assert found[table] == rows, table
    assert expected["rulebook_result"] and expected["sales_order"]

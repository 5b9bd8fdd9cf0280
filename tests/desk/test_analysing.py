"""SQLite is told how its tables are filled: once, again when they have grown, and after a migration made one anew."""

from typing import Any

import pytest
from django.db import connection

from xiaoguan.desk import analysing
from xiaoguan.people.models import Person


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL does it by itself")
def test_what_has_grown_is_counted_once(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysing, "LEAST", 0)
    table = Person._meta.db_table
    assert table in analysing.analyse() and table not in analysing.analyse()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sqlite_stat1 WHERE tbl = %s", [table])
    assert analysing.analyse() == [table]

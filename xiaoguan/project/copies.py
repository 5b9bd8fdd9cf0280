"""Backup and restore of the one file that a small company's data are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.db import connection


class Unsupported(Exception):
    """Not possible here; says what to do instead."""


def _file() -> Path:
    if connection.vendor != "sqlite":
        raise Unsupported("The data are in PostgreSQL: use pg_dump and pg_restore.")
    return Path(settings.DATABASES["default"]["NAME"])


def backup(target: Path) -> None:
    """A consistent copy of the database while it is in use. Raises Unsupported if the file exists."""
    source = _file()
    if target.exists():
        raise Unsupported(f"{target} exists already; name a new file.")
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)


def restore(file: Path, force: bool) -> None:
    """Put a backup in place. What was there is kept beside it as *.before-restore."""
    target = _file()
    connection.close()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as copy:
        try:
            verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
            known = copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'desk_event'").fetchone()
        except sqlite3.DatabaseError as error:
            raise Unsupported(f"{file} is no backup: {error}") from error
        if verdict != "ok" or not known:
            raise Unsupported(f"{file} is no sound backup of this system: {verdict}")
        if target.exists():
            if not force:
                raise Unsupported(f"{target} holds data; --force replaces them and keeps them beside it.")
            with closing(sqlite3.connect(target)) as old:
                old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            for suffix in ("-wal", "-shm"):
                target.with_name(target.name + suffix).unlink(missing_ok=True)
            target.replace(target.with_name(target.name + ".before-restore"))
        target.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(target)) as fresh:
            copy.backup(fresh)

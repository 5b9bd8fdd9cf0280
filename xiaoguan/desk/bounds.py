"""A question to the database that may cost too much is given a time; what takes longer is stopped and says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from xiaoguan.desk.expressions import BadQuery

STEPS = 20_000  # of SQLite's machine between two looks at the clock, a fraction of a millisecond


class TooMuch(BadQuery):
    """The question would have read more than there is time for."""

    def __init__(self) -> None:
        super().__init__(
            _("This would read too many records. Add a condition on the owner, a date or another narrow field.")
        )


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Queries inside the block may run this long together (SQLite) or each (PostgreSQL); then TooMuch is raised."""
    bound = _sqlite if connection.vendor == "sqlite" else _postgresql
    with bound(seconds):
        yield


@contextmanager
def _sqlite(seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    until = monotonic() + seconds
    connection.connection.set_progress_handler(lambda: monotonic() > until, STEPS)
    try:
        yield
    except OperationalError as error:
        if "interrupted" not in str(error):
            raise
        raise TooMuch from error
    finally:
        connection.connection.set_progress_handler(None, 0)


@contextmanager
def _postgresql(seconds: float) -> Iterator[None]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [int(seconds * 1000)])
            yield
            cursor.execute("SET LOCAL statement_timeout = 0")  # the transaction around this one goes on
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "57014":
            raise
        raise TooMuch from error

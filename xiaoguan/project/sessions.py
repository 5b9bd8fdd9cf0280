"""Sessions in the database, read with plain SQL: every request reads one."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.db import connection
from django.utils import timezone

from xiaoguan.desk.statements import kept_cursor


class SessionStore(db.SessionStore):
    """Django's, but for the statement that reads."""

    def load(self) -> dict[str, Any]:
        with kept_cursor() as cursor:
            cursor.execute(
                "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s",
                [self.session_key, connection.ops.adapt_datetimefield_value(timezone.now())],
            )
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row[0])

"""Django's own command, which must not see what a company added."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import makemigrations

from xiaoguan.desk.custom import live


class Command(makemigrations.Command):
    def handle(self, *args: Any, **options: Any) -> Any:
        with live.without():
            return super().handle(*args, **options)

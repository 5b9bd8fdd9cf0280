"""What is wrong with this installation, and how to mend it."""

from __future__ import annotations

import shutil

from django.conf import settings
from django.core import checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from xiaoguan.base.issues import Issue
from xiaoguan.desk import duplicates, tallies
from xiaoguan.desk.desk import desks
from xiaoguan.people.models import Account
from xiaoguan.rulebook.versions import in_force


def findings() -> list[Issue]:
    """Every finding, errors first."""
    found: list[Issue] = []
    for message in checks.run_checks():
        found.append(
            Issue(
                "error" if message.is_serious() else "warning",
                message.msg,
                hint=message.hint or "",
                code=message.id or "",
            )
        )
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        found.append(Issue("error", "the database is of an older version", hint="Run: xiaoguan init"))
        return found
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            verdict = cursor.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            found.append(
                Issue(
                    "error", f"the database file is damaged: {verdict}", hint="Restore a backup: xiaoguan restore FILE"
                )
            )
    for desk in desks():
        if tallies.names_of(desk) and tallies.kept(desk) != tallies.recount(desk):
            wrong = tallies.rebuild(desk)
            text = f"{wrong} kept totals of {desk.url_name} were not what a recount finds; they are mended"
            found.append(Issue("warning", text, hint="Tell us how the records were changed: not by this program?"))
        if duplicates.missing(desk) and (number := duplicates.rebuild(desk)):
            found.append(Issue("warning", f"{number} {desk.url_name} had no keys to find duplicates by; they have now"))
    if not (settings.STATIC_ROOT / "staticfiles.json").exists():
        found.append(Issue("error", "the page files are not collected", hint="Run: make install, then xiaoguan init"))
    free = shutil.disk_usage(settings.HOME).free
    if free < 1_000_000_000:
        found.append(
            Issue("warning", f"only {free // 1_000_000} MB of disk are free", hint="Make room for backups and imports.")
        )
    if not Account.objects.filter(is_active=True).exists():
        found.append(Issue("warning", "nobody can sign in", hint="Run: xiaoguan user add NAME --person PERSON"))
    if not in_force():
        found.append(Issue("warning", "no policy is in force", hint="Run: xiaoguan policy adopt FILE"))
    return found

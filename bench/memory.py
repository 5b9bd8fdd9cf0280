"""The memory of one worker process over many requests of every kind: it must stay where it is.

    python bench/memory.py [requests]      100,000 unless given

A process of its own serves the demo company through the WSGI application, as granian's workers do, without a network in
between: pages of lists, boards, records and statements, searches, the JSON API, and one request in twenty that writes.
Prints the resident memory as it goes; exits 1 above 200 MB, or if it grew by more than a tenth after the first tenth.
"""

from __future__ import annotations

import io
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[1]
LIMIT_MB = 200
GROWTH = 1.10
MARKS = (0.01, 0.1, 0.5, 1.0)
PEOPLE = {"linjing": 4, "zhouhang": 4, "chenmin": 2, "sunzong": 1}
"""Who comes, and how often: two who sell, who leads them, and who sees everything."""
LISTS = ("customers", "contacts", "leads", "opportunities", "orders", "activities", "goal-targets", "products")
TERMS = ("海", "科技", "gongsi", "hlkj", "上海", "不存在的", "138", "a")


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Visitor:
    """Somebody who is signed in, straight at the WSGI application."""

    def __init__(self, application: Any, name: str):
        from django.test import Client

        from xiaoguan.people.models import Account, Token

        self.application, account = application, Account.objects.get(username=name)
        client = Client()
        client.force_login(account)
        self.cookie = "; ".join(f"{k}={morsel.value}" for k, morsel in client.cookies.items())
        self.token = Token.issue(account, "memory", "write")[1]
        page, heads = self.ask("GET", "/customers/")
        found = re.search(rb'data-csrf="([^"]+)"', page)
        assert found is not None
        self.csrf = found[1].decode()
        sent = next(v for k, v in heads if k.lower() == "set-cookie" and v.strip().startswith("csrftoken="))
        self.cookie += "; " + sent.split(";")[0].strip()
        self.statuses: Counter[int] = Counter()

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "", **more: str) -> tuple[bytes, Any]:
        where, _mark, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": where.encode().decode("latin-1"), "QUERY_STRING": query,
            "SCRIPT_NAME": "", "SERVER_NAME": "localhost", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": kind, "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0), "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False,
            **({} if "HTTP_AUTHORIZATION" in more else {"HTTP_COOKIE": self.cookie}), **more,
        }  # fmt: skip
        told: list[Any] = []
        answer = self.application(environ, lambda status, heads, error=None: told.extend((status, heads)))
        try:
            content = b"".join(answer)
        finally:
            answer.close()
        self.status = int(told[0].split()[0])
        return content, told[1]

    def api(self, method: str, path: str, data: Any = None) -> Any:
        body = orjson.dumps(data) if data is not None else b""
        content, _heads = self.ask(
            method, f"/api/{path}", body, "application/json", HTTP_AUTHORIZATION=f"Bearer {self.token}"
        )
        return orjson.loads(content) if content[:1] == b"{" else None


def deeds(visitor: Visitor, chance: random.Random) -> list[tuple[int, Callable[[], Any]]]:
    """What a day is made of: (how often in a hundred, what)."""
    ids = {name: [row["id"] for row in visitor.api("GET", f"{name}?limit=100")["items"]] for name in LISTS}

    def one(name: str) -> str:
        return f"{name}/{chance.choice(ids[name])}"

    def a_list() -> Any:
        name = chance.choice(LISTS)
        query = chance.choice(("", "?sort=-id", f"?q={chance.choice(('hai', 'a', '138'))}", "?columns=id"))
        return visitor.ask("GET", f"/{name}/{query}")

    def form(path: str, data: str) -> Any:
        kind = "application/x-www-form-urlencoded"
        return visitor.ask(
            "POST", path, data.encode(), kind, HTTP_X_CSRFTOKEN=visitor.csrf, HTTP_ACCEPT="application/json"
        )

    return [
        (22, a_list),
        (16, lambda: visitor.ask("GET", "/" + one(chance.choice(("customers", "opportunities", "orders"))))),
        (6, lambda: visitor.ask("GET", f"/{one('customers')}/timeline")),
        (4, lambda: visitor.ask("GET", "/opportunities/board")),
        (4, lambda: visitor.ask("GET", f"/{one('opportunities')}/peek")),
        (4, lambda: visitor.ask("GET", f"/{one('customers')}/edit")),
        (4, lambda: form("/customers/duplicates", f"name={chance.choice(TERMS)}&phone={chance.randrange(10**8)}")),
        (8, lambda: visitor.ask("GET", "/tray")),
        (1, lambda: visitor.ask("GET", "/")),
        (12, lambda: visitor.api("GET", f"{chance.choice(LISTS)}?limit=50")),
        (8, lambda: visitor.api("GET", one("customers"))),
        (4, lambda: visitor.ask("GET", "/search?q=" + chance.choice(("hai", "ke", "zhong")))),
        (2, lambda: visitor.api("PATCH", one("customers"), {"city": f"城{chance.randrange(10**6)}"})),
        (2, lambda: visitor.api("POST", "customers", {"name": f"新客户 {chance.randrange(10**9)}"})),
        (1, lambda: form(f"/{one('customers')}/cell/city", f"city=C{chance.randrange(10**6)}")),
    ]  # fmt: skip


def main(requests: int) -> int:
    with tempfile.TemporaryDirectory(prefix="xiaoguan-memory-") as home:
        os.environ |= {"XIAOGUAN_HOME": home, "XIAOGUAN_API_RATE": "100000000", "PYTHONWARNINGS": "ignore"}
        for words in (["init"], ["demo"]):
            command = [sys.executable, "-m", "xiaoguan.project.cli", *words]
            subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        os.environ["DJANGO_SETTINGS_MODULE"] = "xiaoguan.project.settings"
        sys.path.insert(0, str(ROOT))
        from xiaoguan.project.wsgi import application

        logging.disable(logging.WARNING)  # what somebody may not do is answered, and no news here

        return drive({Visitor(application, name): share for name, share in PEOPLE.items()}, requests, random.Random(1))


def drive(visitors: dict[Visitor, int], requests: int, chance: random.Random) -> int:
    things = [(share * n, visitor, deed) for visitor, share in visitors.items() for n, deed in deeds(visitor, chance)]
    weights = [weight for weight, _visitor, _deed in things]
    marks = {max(1, round(requests * share)): 0.0 for share in MARKS}
    began, statuses = time.monotonic(), Counter[int]()
    for number in range(1, requests + 1):
        _weight, visitor, deed = chance.choices(things, weights)[0]
        deed()
        statuses[visitor.status] += 1
        if number in marks:
            marks[number] = resident_mb()
            print(f"{number:>9,} requests   {marks[number]:6.1f} MB   {time.monotonic() - began:6.0f} s", flush=True)
    values = list(marks.values())
    print("answers: " + ", ".join(f"{n:,} × {status}" for status, n in sorted(statuses.items())))
    fine = values[-1] <= LIMIT_MB and values[-1] <= GROWTH * values[1] and not any(s >= 500 for s in statuses)
    print(f"from {values[1]:.1f} MB to {values[-1]:.1f} MB: {'flat' if fine else 'NOT as it should be'}")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 100_000))

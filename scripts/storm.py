"""A storm: the server and its worker are killed without warning while people write and import, again and again.

    python scripts/storm.py [--rounds 20] [--port 8190] [--home FOLDER]

Each round starts `xiaoguan serve`, creates and changes records over the API, begins imports, and kills the server, the
worker or both at a random moment. In the end one calm server lets the queue drain, and everything is counted: what was
answered with success is there, nothing is there twice, every record has its one event of creation and its search entry,
every job has ended. Exits 1 and says what is wrong otherwise.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

ROWS = 400
CALM = 120


class Storm:
    """What was asked for and answered, against what is there."""

    def __init__(self, home: Path, port: int, chance: random.Random):
        self.home, self.port, self.chance = home, port, chance
        self.environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE")}
        self.environment |= {"XIAOGUAN_HOME": str(home), "PYTHONWARNINGS": "ignore"}
        self.created: dict[int, str] = {}
        self.changed: dict[int, str] = {}
        self.asked: set[str] = set()
        self.imports: list[tuple[int, str]] = []
        self.kills: Counter[str] = Counter()
        self.server: subprocess.Popen[bytes] | None = None
        self.number = 0
        self.token = ""

    # Processes

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "xiaoguan.project.cli", *words]

    def prepare(self) -> None:
        subprocess.run(self.command("init"), env=self.environment, check=True)
        made = subprocess.run([sys.executable, "-c", _PEOPLE], env=self.environment, check=True, capture_output=True)
        self.token = made.stdout.decode().strip().splitlines()[-1]

    def start(self) -> None:
        words = self.command("serve", "--port", str(self.port))
        self.server = subprocess.Popen(
            words, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
        )
        for _try in range(600):
            try:
                if self.ask("GET", "/health")[0] == 200:
                    return
            except (OSError, HTTPException):
                time.sleep(0.1)
        raise SystemExit("the server does not start")

    def workers(self) -> list[int]:
        """The job workers whose parent is our server."""
        assert self.server is not None
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rsplit(")", 1)[1].split()
                words = (entry.parent / "cmdline").read_bytes()
            except (OSError, IndexError):
                continue
            if int(fields[1]) == self.server.pid and b"\0work\0" in words:
                found.append(int(entry.parent.name))
        return found

    def kill(self) -> None:
        """The worker alone, or the server with everything that it started."""
        assert self.server is not None
        what = self.chance.choice(("worker", "server"))
        self.kills[what] += 1
        workers = self.workers()
        if what == "server":
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()
        for pid in workers:
            if what == "worker" or self.chance.random() < 0.5:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    def stop(self) -> None:
        assert self.server is not None
        self.server.send_signal(signal.SIGINT)
        self.server.wait(30)

    # What people do

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, Any]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind} if self.token else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, orjson.loads(data) if data[:1] in (b"{", b"[") else data

    def deed(self) -> None:
        self.number += 1
        kind = self.chance.random()
        if kind < 0.55 or not self.created:
            name = f"storm-{self.number}"
            self.asked.add(name)
            status, made = self.ask("POST", "/api/customers", orjson.dumps({"name": name}))
            if status == 201:
                self.created[made["id"]] = name
        elif kind < 0.9:
            pk = self.chance.choice(list(self.created))
            city = f"city-{self.number}"
            status, _made = self.ask("PATCH", f"/api/customers/{pk}", orjson.dumps({"city": city}))
            if status == 200:
                self.changed[pk] = city
        else:
            self.begin_import()

    def begin_import(self) -> None:
        prefix = f"load-{self.number}"
        rows = "".join(f"{prefix}-{i},x\n" for i in range(ROWS))
        parts = {"entity": "customer", "rule": "create"}
        mark = "storm-part"
        lines = [f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in parts.items()]
        lines.append(
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{prefix}.csv"\r\n'
            f"Content-Type: text/csv\r\n\r\nname,city\n{rows}\r\n--{mark}--\r\n"
        )
        self.asked.add(prefix)
        body = "".join(lines).encode()
        status, job = self.ask("POST", "/api/imports", body, f"multipart/form-data; boundary={mark}")
        if status == 202:
            self.imports.append((job["id"], prefix))

    def round(self) -> None:
        self.start()
        until = time.monotonic() + self.chance.uniform(0.5, 3.0)
        try:
            while time.monotonic() < until:
                self.deed()
            self.kill()
            for _more in range(3):
                self.deed()
        except (OSError, HTTPException):
            pass  # the server is gone: what was not answered may be there or not
        finally:
            assert self.server is not None
            if self.server.poll() is None:
                os.killpg(self.server.pid, signal.SIGKILL)
                self.server.wait()

    # What is there

    def drained(self) -> None:
        self.start()
        end = time.monotonic() + CALM
        while time.monotonic() < end and self.rows("SELECT 1 FROM desk_job WHERE state IN ('queued', 'running')"):
            time.sleep(0.3)
        self.stop()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "xiaoguan.sqlite3", timeout=30)) as database:
            return database.execute(statement).fetchall()

    def findings(self) -> list[str]:
        wrong: list[str] = []
        there = {pk: (name, city) for pk, name, city in self.rows("SELECT id, name, city FROM customers_customer")}
        names = Counter(name for name, _city in there.values())
        wrong += [f"answered but lost: {name}" for pk, name in self.created.items() if pk not in there]
        wrong += [f"there {n} times: {name}" for name, n in names.items() if n > 1]
        for pk, city in self.changed.items():
            if pk in there and _number(there[pk][1]) < _number(city):
                wrong.append(f"an answered change of {pk} is lost: {city}, there is {there[pk][1]}")
        loaded = Counter(name.rsplit("-", 1)[0] for name in names if name.startswith("load-"))
        for job, prefix in self.imports:
            if loaded[prefix] != ROWS:
                wrong.append(f"import {job} brought {loaded[prefix]} of {ROWS} rows")
        wrong += [f"part of an import: {p}" for p, n in loaded.items() if n != ROWS]
        wrong += [f"job {pk} ended {state}: {error}" for pk, state, error in self.rows(
            "SELECT id, state, error FROM desk_job WHERE state != 'done'"
        )]  # fmt: skip
        events = Counter(
            pk for (pk,) in self.rows("SELECT record_id FROM desk_event WHERE entity='customer' AND deed='created'")
        )
        wrong += [f"customer {pk} has {events[pk]} events of its creation" for pk in there if events[pk] != 1]
        wrong += [f"an event of customer {pk}, which is not there" for pk in events if pk not in there]
        slot, room = crc32(b"customer") % 1024, 2**40  # as desk/search.py numbers its entries
        found = len(self.rows(f"SELECT rowid FROM desk_search WHERE rowid / {room} = {slot}"))
        wrong += [f"{found} search entries for {len(there)} customers"] if found != len(there) else []
        verdict = self.rows("PRAGMA integrity_check")[0][0]
        return wrong + ([f"the database is damaged: {verdict}"] if verdict != "ok" else [])


def _number(text: str) -> int:
    return int(text.rsplit("-", 1)[-1]) if text[:5] == "city-" else 0


_PEOPLE = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "xiaoguan.project.settings"
import django
django.setup()
from django.utils import timezone
from xiaoguan.people.models import Account, Person, Role, RoleAssignment, Token
person = Person(name="Storm")
person.save()
RoleAssignment(person=person, role=Role.objects.get(code="operations"), starts_on=timezone.localdate()).save()
account = Account.objects.create(username="storm", person=person, password="!")
print(Token.issue(account, "storm", "write")[1])
"""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--port", type=int, default=8190)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--home", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="xiaoguan-storm-") as folder:
        storm = Storm(given.home or Path(folder), given.port, random.Random(given.seed))
        storm.prepare()
        for number in range(given.rounds):
            storm.round()
            print(
                f"\rround {number + 1}, {len(storm.created)} created, {len(storm.imports)} imports", end="", flush=True
            )
        storm.drained()
        wrong = storm.findings()
        print(f"\n{dict(storm.kills)} killed; {len(storm.created)} records, {len(storm.changed)} changes, "
              f"{len(storm.imports)} imports of {ROWS} rows")  # fmt: skip
    for line in wrong:
        print(line, file=sys.stderr)
    print("nothing lost, nothing doubled, the queue is empty" if not wrong else f"{len(wrong)} findings")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

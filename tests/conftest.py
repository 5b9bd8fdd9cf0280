"""One cast for every story.

林静 sells; 周航 is new; 陈敏 leads them; 王磊 sells in the other team, which 李强 leads; 赵越 is finance; 孙总 owns;
吴芳 runs operations; 何琳 is HR; 高翔 administers.
"""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("XIAOGUAN_SHARED", Path(__file__).parents[2] / "shared"))
ROOT = Path(__file__).parents[1]
DAY_ONE = date(2024, 1, 1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data; tests that need it are skipped loudly without it."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"LOUD: no shared data at {SHARED}; set XIAOGUAN_SHARED to the folder that holds data/")
    return SHARED


@dataclass
class Cast:
    """The people by first name, their accounts by the same names, the two teams."""

    people: dict[str, Any]
    teams: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.people[name]

    def viewer(self, name: str) -> Any:
        from xiaoguan.people.chart import viewer_of_account

        return viewer_of_account(self.people[name].account)


PLAYERS = {
    "linjing": ("林静", "sales_rep", "east", "chenmin"),
    "zhouhang": ("周航", "sales_rep", "east", "chenmin"),
    "chenmin": ("陈敏", "sales_manager", "east", "sunzong"),
    "wanglei": ("王磊", "sales_rep", "north", "liqiang"),
    "liqiang": ("李强", "sales_manager", "north", "sunzong"),
    "zhaoyue": ("赵越", "finance", None, "sunzong"),
    "sunzong": ("孙总", "general_manager", None, None),
    "wufang": ("吴芳", "operations", None, "sunzong"),
    "helin": ("何琳", "hr", None, "sunzong"),
    "gaoxiang": ("高翔", "administrator", None, "sunzong"),
}


def make_cast() -> Cast:
    from xiaoguan.people.models import Account, Membership, Person, ReportingLine, Role, RoleAssignment, Team

    roles = {}
    for code in dict.fromkeys(role for _n, role, _t, _m in PLAYERS.values()):
        roles[code] = Role(code=code, name=code)
        roles[code].save()
    teams = {"east": Team(name="华东"), "north": Team(name="华北")}
    for team in teams.values():
        team.save()
    people: dict[str, Any] = {}
    for key, (name, _role, _team, _manager) in PLAYERS.items():
        people[key] = Person(name=name, email=f"{key}@example.com", hired_on=DAY_ONE)
        people[key].save()
    for key, (_name, role, team, manager) in PLAYERS.items():
        RoleAssignment(person=people[key], role=roles[role], starts_on=DAY_ONE).save()
        if team:
            Membership(person=people[key], team=teams[team], starts_on=DAY_ONE).save()
        if manager:
            ReportingLine(person=people[key], manager=people[manager], starts_on=DAY_ONE).save()
        Account.objects.create(username=key, person=people[key], password="!")
    return Cast(people, teams)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: Any, django_db_blocker: Any) -> None:
    """The cast is made once for the whole suite; every test begins from it. Passwords are hashed as ever, with less."""
    from django.contrib.auth.hashers import Argon2PasswordHasher as Hasher
    from django.core.management import call_command

    Hasher.time_cost, Hasher.memory_cost, Hasher.parallelism = 1, 1024, 1
    with django_db_blocker.unblock():
        call_command("createcachetable", verbosity=0)
        make_cast()


@pytest.fixture
def cast(db: Any) -> Cast:
    from xiaoguan.people.models import Account, Team

    people = {a.username: a.person for a in Account.objects.select_related("person")}
    east, north = Team.objects.get(name="华东"), Team.objects.get(name="华北")
    return Cast(people, {"east": east, "north": north})


@pytest.fixture
def client_of(client: Any) -> Any:
    """`client_of("linjing")` is a browser in which 林静 is signed in."""
    from django.test import Client

    from xiaoguan.people.models import Account

    def sign_in(name: str, **headers: Any) -> Any:
        browser = Client(**headers)
        browser.force_login(Account.objects.get(username=name))
        return browser

    return sign_in


ASKING = {"db", "transactional_db", "django_db_setup"}


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """What asks no database says the same on PostgreSQL as on SQLite, so it is run once."""
    if os.environ.get("XIAOGUAN_TEST_DATABASE") != "postgres":
        return
    asking = [i for i in items if i.get_closest_marker("django_db") or ASKING & set(getattr(i, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[i for i in items if i not in set(asking)])
    items[:] = asking


def pytest_collection_finish(session: Any) -> None:
    """What is there by now stays to the end: the collector passes it by, and comes less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_sessionfinish(session: Any) -> None:
    gc.unfreeze()  # what is never collected looks like a leak to some libraries
    from xiaoguan.desk import conformance

    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["checks"] = conformance.tally["checks"]


def pytest_testnodedown(node: Any, error: Any) -> None:
    from xiaoguan.desk import conformance

    conformance.tally["checks"] += getattr(node, "workeroutput", {}).get("checks", 0)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    from xiaoguan.desk import conformance

    if number := conformance.tally["checks"]:
        terminalreporter.write_line(f"conformance: {number:,} checks of entity x role x surface")

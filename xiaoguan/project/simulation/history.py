"""The history that everything is written into: records that are not saved yet, and the deeds behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from xiaoguan.base.periods import Calendar
from xiaoguan.customers.models import Contact, Customer
from xiaoguan.desk.records import Record
from xiaoguan.people.models import Person, Territory
from xiaoguan.project import cast
from xiaoguan.project.simulation.chance import Chance, Names
from xiaoguan.project.simulation.clock import DAY, Days, month_start
from xiaoguan.sales.models import Product

AHEAD = timedelta(days=95)
"""How far beyond today months are drawn: deals that end there are the open ones."""


@dataclass(slots=True)
class Deed:
    """What becomes an Event. changes: {attribute: (old, new)}, records stand for their ids."""

    at: datetime
    record: Record
    deed: str
    by: Person | None
    via: str
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """A customer in somebody's hands since a day."""

    customer: Customer
    contacts: list[Contact]
    place: cast.Place
    since: date
    bought: bool = False


@dataclass(slots=True)
class Seller:
    """Somebody who sells, as the simulation sees them."""

    player: cast.Player
    person: Person
    team: str
    places: tuple[str, ...]
    starts: date
    ends: date | None
    accounts: list[Account] = field(default_factory=list)
    to_lose: float | None = None

    @property
    def win_rate(self) -> float:
        return 0.1 + 0.14 * self.player.strength

    def sells_in(self, first: date, end: date) -> bool:
        return self.starts < end and (self.ends is None or first < self.ends)


class History:
    """What happened so far, and what everything that makes it shares: the clock, the chance, the records and the deeds.

    today     nothing happens on it or after it, only what is due or expected; months: how much history before it
    stages    ids of the stages of the process, in order, the closing one last
    rows      {model: {level: records}}: a record names only records of models before it in `ORDER` or of lower levels
    deeds     creations and changes, in no order
    """

    def __init__(self, today: date, months: int, calendar: Calendar, stages: Sequence[str]):
        self.today, self.stages = today, list(stages)
        self.yesterday = today - DAY
        self.go_live = month_start(today, months)
        # A ledger of less than a season knows too few of those who had bought before.
        self.first = date(self.go_live.year - (self.go_live.month < 4), 1, 1)
        turn = date(today.year, 1, 1)
        self.turn = turn if self.go_live < turn < today else None
        self.rng = Chance(f"{cast.COMPANY} {self.first}")
        self.names = Names(self.rng)
        self.days = Days(calendar, self.first - timedelta(days=3_650), today + AHEAD + timedelta(days=60))
        self.rows: dict[type, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
        self.deeds: list[Deed] = []
        self.people: dict[str, Person] = {}
        self.territories: dict[str, Territory] = {}
        self.products: dict[str, Product] = {}
        self.sellers: list[Seller] = []

    def months(self) -> Iterator[date]:
        """First days of the months of the ledger, of the history and of what lies ahead."""
        first = self.first
        while first <= self.today + AHEAD:
            yield first
            first = month_start(first, -1)

    def moment(self, day: date, hour: int | None = None) -> datetime:
        """Some minute of the office hours of a day; not before go-live and not later than yesterday evening."""
        minutes = 60 * hour if hour is not None else self.rng.randrange(9 * 60, 18 * 60 + 20)
        day = min(max(day, self.go_live), self.yesterday)
        at = datetime.combine(day, time(minutes // 60, minutes % 60))
        return at.replace(tzinfo=timezone.get_default_timezone())

    def made(self, record: Any, day: date, by: str | Person, level: int = 0) -> Any:
        """Keep a new record with its creation. What is older than go-live came by an import of the operations."""
        at, via = self.moment(day), "page"
        if day < self.go_live:
            at, by, via = self.moment(self.go_live, 9), "wufang", "import"
        record.created_at = record.updated_at = at
        self.rows[type(record)][level].append(record)
        person = self.people.get(by) if isinstance(by, str) else by
        self.deeds.append(Deed(at, record, "created", person, via))
        return record

    def changed(self, record: Record, at: datetime, by: Person, **changes: tuple[Any, Any]) -> None:
        """Keep a change of a record that somebody made on a page. changes: {attribute: (old, new)}."""
        record.version += 1
        record.updated_at = max(record.updated_at, at)
        self.deeds.append(Deed(at, record, "changed", by, "page", changes))


class Part:
    """One side of the company: writes into the history that all share, draws from its chance."""

    def __init__(self, history: History):
        self.history = history
        self.rng, self.names, self.days = history.rng, history.names, history.days

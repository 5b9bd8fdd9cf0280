"""What happened at 示范公司: who joined and left, whom they met, what they sold and what came in, drawn with a seed.

Nothing is read or written here. `Simulation` makes records that are not saved yet and the deeds behind them; `demo.py`
keeps both. Months are drawn from the first of the ledger to some months beyond today, and what lies ahead is cut off:
deals whose end is still to come are the open ones.

    go-live           the first day of a month, `months` before today: from then on everything is there
    ledger            orders and payments alone, back to the 1 January before, so that a growth goal has a base
    a month of sales  strength x season x growth x the luck of the year and of the month, cut into orders; about half of
                      them end a deal, the others are repeat orders. For every deal won some are lost, by win rate
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils import timezone

from xiaoguan.base.money import SCALE, allocate, round_to, round_units
from xiaoguan.base.periods import Calendar, CalendarGap
from xiaoguan.customers.models import Contact, Customer, Lead
from xiaoguan.desk.records import Record
from xiaoguan.people.models import (
    Membership,
    PayTerms,
    Person,
    Position,
    ReportingLine,
    Role,
    RoleAssignment,
    Team,
    Territory,
    TerritoryAssignment,
)
from xiaoguan.project import cast
from xiaoguan.sales.models import (
    Activity,
    Currency,
    ExchangeRate,
    Opportunity,
    Order,
    OrderLine,
    Payment,
    Product,
    ProductCategory,
    StageSpell,
)

SEASON = (0.94, 0.62, 1.08, 0.95, 0.99, 1.1, 0.92, 0.93, 1.05, 1.06, 1.11, 1.25)
"""A month beside an average one: weak around 春节, strong before the year ends."""
GROWTH = 1.13
"""Sales of one person a year later."""
MONTH = 118_000 * SCALE
"""What an average person sells in an average month, in units."""
RAMP = (0.0, 0.35, 0.7, 0.9)
"""What a new person reaches in the first months."""
YEAR_LUCK, MONTH_LUCK = 0.1, 0.26
OLD_CUSTOMERS, POOL, DEAL_SHARE = 240, 36, 0.46
NEW_WHEN_WON, NEW_WHEN_LOST = 0.11, 0.12
AHEAD = timedelta(days=95)
_DAY = timedelta(days=1)


def month_start(day: date, back: int = 0) -> date:
    """The first day of the month, `back` months before that of `day` (negative: after)."""
    number = day.year * 12 + day.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def is_working_day(calendar: Calendar, day: date) -> bool:
    """As the calendar says; Monday to Friday in a year whose holidays it does not know yet."""
    try:
        return calendar.is_working_day(day)
    except CalendarGap:
        return day.weekday() < 5


class Days:
    """The working days of a stretch, to draw from."""

    def __init__(self, calendar: Calendar, start: date, end: date):
        every = (start + i * _DAY for i in range((end - start).days))
        self.all = [day for day in every if is_working_day(calendar, day)]

    def since(self, day: date) -> date:
        """The day itself or the next one that is worked."""
        return self.all[min(bisect_left(self.all, day), len(self.all) - 1)]

    def before(self, day: date) -> date:
        """The last worked day before it."""
        return self.all[max(bisect_left(self.all, day) - 1, 0)]

    def draw(self, rng: random.Random, start: date, end: date, slice_: tuple[int, int] = (0, 1)) -> date | None:
        """One of [start, end), or of the i-th of n equal slices of it; None if there is none."""
        low, high = bisect_left(self.all, start), bisect_left(self.all, end)
        if low >= high:
            return None
        return self.all[low + int((slice_[0] + rng.random()) / slice_[1] * (high - low))]


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


class Simulation:
    """Everything of the company, made by `run`.

    today     nothing happens on it or after it, only what is due or expected; months: how much history before it
    stages    ids of the stages of the process, in order, the closing one last
    rows      {model: {level: records}}: a record names only records of models before it in `ORDER` or of lower levels
    deeds     creations and changes, in no order
    """

    ORDER = (
        *(Position, Person, Team, Membership, ReportingLine, RoleAssignment, Territory, TerritoryAssignment, PayTerms),
        *(Currency, ExchangeRate, ProductCategory, Product, Customer, Contact, Lead, Opportunity, StageSpell),
        *(Order, OrderLine, Payment, Activity),
    )

    def __init__(self, today: date, months: int, calendar: Calendar, stages: Sequence[str], roles: dict[str, Role]):
        self.today, self.stages, self.roles = today, list(stages), roles
        self.yesterday = today - _DAY
        self.go_live = month_start(today, months)
        # A ledger of less than a season knows too few of those who had bought before.
        self.first = date(self.go_live.year - (self.go_live.month < 4), 1, 1)
        turn = date(today.year, 1, 1)
        self.turn = turn if self.go_live < turn < today else None
        self.rng = random.Random(f"{cast.COMPANY} {self.first}")
        self.days = Days(calendar, self.first - timedelta(days=3_650), today + AHEAD + timedelta(days=60))
        self.rows: dict[type, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
        self.deeds: list[Deed] = []
        self.people: dict[str, Person] = {}
        self.teams: dict[str, Team] = {}
        self.territories: dict[str, Territory] = {}
        self.products: dict[str, Product] = {}
        self.sellers: list[Seller] = []
        self.memberships: list[Membership] = []
        self._names = self._each_once(cast.FIRST, cast.SECOND, cast.THIRD)
        self._abroad = self._each_once(cast.ABROAD_FIRST, cast.ABROAD_TRADES, cast.ABROAD_THIRD)

    def run(self, progress: Callable[[str], None] = lambda _what: None) -> Simulation:
        progress("people")
        self._organisation()
        self._catalogue()
        progress("customers")
        self._portfolios()
        self._pool()
        for first in self._months():
            progress(f"{first:%Y-%m}")
            self._staff_changes(first)
            for seller in self.sellers:
                if seller.sells_in(first, month_start(first, -1)):
                    self._month(seller, first, month_start(first, -1))
        self._leads()
        self._diaries()
        self._grades()
        self._number()
        return self

    def _months(self) -> Iterator[date]:
        first = self.first
        while first <= self.today + AHEAD:
            yield first
            first = month_start(first, -1)

    # Records and deeds

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

    def _changed(self, record: Record, at: datetime, by: Person, **changes: tuple[Any, Any]) -> None:
        record.version += 1
        record.updated_at = max(record.updated_at, at)
        self.deeds.append(Deed(at, record, "changed", by, "page", changes))

    # 组织

    def _organisation(self) -> None:
        positions = {
            key: self.made(Position(name=name, level=level), self.first, "helin")
            for key, (name, level) in cast.POSITIONS.items()
        }
        for player in cast.PLAYERS:
            self.people[player.key] = self._person(player, positions[player.position])
        owner = self.people["sunzong"]
        root = self.made(Team(name=cast.COMPANY, leader=owner), self.first, "helin")
        for key, (name, leader) in cast.TEAMS.items():
            team = Team(name=name, parent=root, leader=self.people[leader])
            self.teams[key] = self.made(team, self.first, "helin", 1)
        self._territories()
        for player in cast.PLAYERS:
            self._placing(player)

    def _person(self, player: cast.Player, position: Position) -> Person:
        if player.hired is None:
            hired = self.days.since(self.first - timedelta(days=self.rng.randrange(120, 3_200)))
        else:
            hired = self.days.since(month_start(self.today, player.hired))
        person = Person(
            name=player.name,
            email=f"{player.key}@{cast.MAIL}",
            phone=self._phone(),
            position=position,
            hired_on=hired,
            left_on=None if player.left is None else month_start(self.today, player.left),
        )
        return self.made(person, hired, "helin")

    def _phone(self) -> str:
        """A number that nobody has: no Chinese mobile number begins with 12."""
        return f"12{self.rng.randrange(10**9):09d}"

    def _territories(self) -> None:
        roots = {
            abroad: self.made(Territory(name=name, code=code), self.first, "wufang")
            for abroad, name, code in ((False, "中国大陆", "CN"), (True, "境外", "INT"))
        }
        groups: dict[str, Territory] = {}
        for key, place in cast.PLACES.items():
            if place.group not in groups:
                group = Territory(name=place.group, parent=roots[place.country != "CN"])
                groups[place.group] = self.made(group, self.first, "wufang", 1)
            territory = Territory(name=place.name, code=place.code, parent=groups[place.group], country=place.country)
            self.territories[key] = self.made(territory, self.first, "wufang", 2)

    def _placing(self, player: cast.Player) -> None:
        """Team, manager, role, territories, pay terms and the seller of one person, from when until when."""
        person = self.people[player.key]
        starts, ends = person.hired_on, person.left_on
        role = RoleAssignment(person=person, role=self.roles[player.role], starts_on=starts, ends_on=ends)
        self.made(role, starts, "gaoxiang")
        stays = [(player.team, player.places, starts, ends)]
        if player.moves_to and self.turn:
            stays = [
                (player.team, player.places, starts, self.turn),
                (player.moves_to, ("netherlands",), self.turn, ends),
            ]
        for team, places, since, until in stays:
            self._stay(person, team, places, since, until)
        if not player.strength:
            return
        percent, bonus = ("0.03", 6_000 * SCALE) if player.role == "sales_rep" else ("0.005", None)
        terms = PayTerms(
            person=person, commission_percent=Decimal(percent), currency="CNY", starts_on=starts, ends_on=ends
        )
        terms.bonus_units = bonus
        self.made(terms, starts, "helin")
        team, places, _since, _until = stays[0]
        self.sellers.append(Seller(player, person, team, places, starts, ends))

    def _stay(self, person: Person, team: str, places: Sequence[str], since: date, until: date | None) -> None:
        dates = {"person": person, "starts_on": since, "ends_on": until}
        membership = self.made(Membership(team=self.teams[team], **dates), since, "helin")
        self.memberships.append(membership)
        leader = self.people[cast.TEAMS[team][1]]
        boss = self.people["sunzong"] if leader is person else leader
        if boss is not person:
            self.made(ReportingLine(manager=boss, **dates), since, "helin")
        for place in places:
            self.made(TerritoryAssignment(territory=self.territories[place], **dates), since, "wufang")

    # 产品与币种

    def _catalogue(self) -> None:
        for code, name in cast.CURRENCIES.items():
            self.made(Currency(code=code, name=name), self.first, "wufang")
        for code, about in cast.RATES.items():
            rate = about
            for first in self._months():
                if first > self.today:
                    break
                rate = 0.9 * rate * math.exp(self.rng.gauss(0, 0.008)) + 0.1 * about
                exact = Decimal(round(rate * 10_000)) / 10_000
                self.made(ExchangeRate(base=code, quote="CNY", on=first, rate=exact), first, "zhaoyue")
        categories = {}
        for name, children in cast.CATEGORIES.items():
            parent = self.made(ProductCategory(name=name), self.first, "wufang")
            for child in children:
                categories[child] = self.made(ProductCategory(name=child, parent=parent), self.first, "wufang", 1)
        for number, (name, category, price, cost, _tax) in cast.PRODUCTS.items():
            product = Product(name=name, number=number, category=categories[category], currency="CNY")
            product.list_price_units, product.cost_units = price * SCALE, cost * SCALE
            self.products[number] = self.made(product, self.first, "wufang")

    # 客户

    def _portfolios(self) -> None:
        """Those who were customers before, in the hands of those who were there."""
        old = [s for s in self.sellers if s.player.hired is None]
        strengths = [s.player.strength for s in old]
        for seller in [*old * 4, *self.rng.choices(old, strengths, k=OLD_CUSTOMERS - 4 * len(old))]:
            registered = self.days.since(self.first - timedelta(days=self.rng.randrange(30, 2_400)))
            self._customer(seller, registered)

    def _customer(self, seller: Seller | None, registered: date, places: Sequence[str] = ()) -> Account:
        key = self.rng.choice(places or seller.places if seller else places)
        place = cast.PLACES[key]
        name, industry, domain = self._company(place)
        customer = Customer(
            name=name,
            channel=self._one(direct=15, reseller=3, agent=1, online=1),
            origin=self._one(web=5, exhibition=4, referral=5, phone=3, other=1),
            industry=industry,
            city=self.rng.choice(place.cities),
            country=place.country,
            phone=self._phone(),
            email=f"info@{domain}",
            website=f"https://{domain}",
            owner=seller.person if seller else None,
            territory=self.territories[key],
            registered_on=registered,
        )
        if place.country == "CN":
            customer.name = f"{customer.city}{customer.name}"
        self.made(customer, registered, seller.person if seller else "wufang")
        account = Account(customer, self._contacts(customer, domain, registered), place, registered)
        if seller:
            seller.accounts.append(account)
        return account

    def _company(self, place: cast.Place) -> tuple[str, str, str]:
        """A name that is not taken yet, the industry, the web address."""
        if place.country != "CN":
            first, (trade, industry), third = next(self._abroad)
            words = [first, trade, *filter(None, [third])]
            return " ".join([*words, cast.ABROAD_FORMS[place.country]]), industry, f"{'-'.join(words)}.example".lower()
        (one, first), (two, second), (three, third) = next(self._names)
        trade, industry = self.rng.choice(cast.TRADES)
        form = "股份有限公司" if self.rng.random() < 0.12 else "有限公司"
        return f"{one}{two}{three}{trade}{form}", industry, f"{first}{second}{third}.example"

    def _each_once(self, first: Sequence[Any], second: Sequence[Any], third: Sequence[Any]) -> Iterator[Any]:
        """Every pair in a drawn order, then every pair again with something added."""
        for more in third:
            pairs = [(a, b) for a in first for b in second]
            self.rng.shuffle(pairs)
            yield from ((a, b, more) for a, b in pairs)

    def _contacts(self, customer: Customer, domain: str, day: date) -> list[Contact]:
        titles = self.rng.sample(cast.TITLES, self.rng.choice((1, 1, 2, 2, 3)))
        found = []
        for number, title in enumerate(titles):
            contact = Contact(
                customer=customer,
                name=self._somebody(customer.country),
                title=title,
                phone=self._phone(),
                email=f"contact{number + 1}@{domain}",
                primary=number == 0,
            )
            found.append(self.made(contact, day, customer.owner or "wufang"))
        return found

    def _somebody(self, country: str = "CN") -> str:
        if country != "CN":
            return self.rng.choice(cast.ABROAD_PEOPLE)
        return self.rng.choice(cast.SURNAMES) + self.rng.choice(cast.GIVEN)

    def _one(self, **weights: int) -> str:
        return self.rng.choices(list(weights), list(weights.values()))[0]

    def _pool(self) -> None:
        """公海: customers that nobody has."""
        inland = [key for key, place in cast.PLACES.items() if place.country == "CN"]
        for _ in range(POOL):
            day = self.days.draw(self.rng, self.go_live, self.today)
            if day:
                self._customer(None, day, [self.rng.choice(inland)])

    def _staff_changes(self, first: date) -> None:
        """What the turn of a month brings: somebody leaves, changes the team, joins."""
        for seller in self.sellers:
            if seller.ends == first:
                self._hand_over(seller, seller.accounts, first)
            if self.turn == first and seller.player.moves_to:
                self._hand_over(seller, seller.accounts, first)
                seller.team, seller.places = seller.player.moves_to, ("netherlands",)
                self._receive(seller, first)
            if month_start(seller.starts) == first and seller.player.hired is not None:
                self._receive(seller, seller.starts)

    def _mates(self, seller: Seller, day: date) -> list[Seller]:
        return [s for s in self.sellers if s is not seller and s.team == seller.team and s.sells_in(day, day + _DAY)]

    def _hand_over(self, seller: Seller, accounts: list[Account], day: date) -> None:
        """To those in the team who have the fewest."""
        for account in list(accounts):
            self._give(seller, min(self._mates(seller, day), key=lambda s: len(s.accounts)), account, day)

    def _receive(self, seller: Seller, day: date) -> None:
        """A newcomer gets a few customers of those who have the most."""
        for _ in range(5):
            giver = max(self._mates(seller, day), key=lambda s: len(s.accounts))
            if len(giver.accounts) > 3:
                self._give(giver, seller, self.rng.choice(giver.accounts), day)

    def _give(self, giver: Seller, taker: Seller, account: Account, day: date) -> None:
        giver.accounts.remove(account)
        taker.accounts.append(account)
        account.since = day
        customer, leader = account.customer, self.people[cast.TEAMS[taker.team][1]]
        if day >= self.go_live:
            self._changed(customer, self.moment(day), leader, owner_id=(customer.owner, taker.person))
        customer.owner = taker.person

    # 销售

    def _month(self, seller: Seller, first: date, end: date) -> None:
        """One month of one person: what is won, what is ordered again, what is lost, who is called in between."""
        rng, start, won = self.rng, max(first, seller.starts), 0
        ledger = first < self.go_live
        sales = self._sales(seller, first)
        for number, amount in enumerate(sales):
            day = self.days.draw(rng, start, end, (number, len(sales)))  # spread over the month
            if day is None:
                continue
            if ledger or rng.random() >= DEAL_SHARE:
                self._again(seller, day, amount, ledger)
            else:
                won += self._deal(seller, day, amount, True)
        if ledger:
            return
        self._lost(seller, won, start, end)
        self._care(seller, start, min(end, self.today))

    def _lost(self, seller: Seller, won: int, start: date, end: date) -> None:
        """Deals that end without an order: as many as the win rate says of those won and of an average month."""
        each = (1 - seller.win_rate) / seller.win_rate
        if seller.to_lose is None:
            seller.to_lose = 2 * each
        seller.to_lose += (0.5 * won + 0.5 * 2 * DEAL_SHARE) * each
        for _ in range(int(seller.to_lose / 2 + self.rng.random())):
            day = self.days.draw(self.rng, start, end)
            if day and self._deal(seller, day, self._price(seller), False):
                seller.to_lose -= 1

    def _sales(self, seller: Seller, first: date) -> list[int]:
        """The orders of a month in units, biggest season and luck included."""
        total = self._expected(seller, first) * self._luck(seller, first.year)
        total *= math.exp(self.rng.gauss(-(MONTH_LUCK**2) / 2, MONTH_LUCK))
        steady = seller.player.strength > 1.1  # the strong ones sell something every month
        count = 1 + steady + self._poisson((0.95 - 0.5 * steady) * SEASON[first.month - 1] ** 0.5)
        weights = [self.rng.gammavariate(2.2, 1) for _ in range(count)]
        idle = not steady and self.rng.random() < 0.03
        return [] if idle or total < MONTH // 10 else [int(total * w / sum(weights)) for w in weights]

    def _expected(self, seller: Seller, first: date) -> float:
        """What the person sells in that month without luck, in units."""
        since = (first.year - seller.starts.year) * 12 + first.month - seller.starts.month
        ramp = RAMP[since] if since < len(RAMP) else 1.0
        years = (first - self.first).days / 365
        return MONTH * seller.player.strength * SEASON[first.month - 1] * GROWTH**years * ramp

    def expected_year(self, year: int) -> int:
        """What everybody sells in a year without luck, in units: what the books of that year would have told."""
        months = [date(year, month, 1) for month in range(1, 13)]
        return int(sum(self._expected(s, m) for m in months for s in self.sellers if s.sells_in(m, month_start(m, -1))))

    def _luck(self, seller: Seller, year: int) -> float:
        own = random.Random(f"{seller.player.key} {year}")
        return math.exp(own.gauss(-(YEAR_LUCK**2) / 2, YEAR_LUCK))

    def _price(self, seller: Seller) -> int:
        return int(MONTH * 0.58 * seller.player.strength**0.5 * self.rng.gammavariate(2.2, 1 / 2.2))

    def _poisson(self, mean: float) -> int:
        """Knuth's way: how many events, `mean` on average."""
        limit, product, count = math.exp(-mean), self.rng.random(), 0
        while product > limit:
            product *= self.rng.random()
            count += 1
        return count

    def _again(self, seller: Seller, day: date, amount: int, ledger: bool) -> None:
        """A repeat order. In the ledger those come first who have none yet; without old customers it is a deal."""
        if day > self.yesterday:
            return
        known = [a for a in seller.accounts if a.since <= day and (a.bought or ledger)]
        if not known:
            if not ledger:
                self._deal(seller, day, amount, True)
            return
        fresh = [a for a in known if not a.bought]
        self._order(seller, self.rng.choice(fresh or known), day, amount, self.rng.choice(cast.AGAIN), None)

    def _deal(self, seller: Seller, day: date, amount: int, won: bool) -> bool:
        """One deal that ends on `day`, told backwards; open if that day is still to come.

        False where none can be: the person is too new for it, or it would begin only after today.
        """
        rng = self.rng
        cycle = min(max(rng.gauss(50, 15) if won else rng.gauss(46, 20), 21 if won else 12), 89)
        opened = self.days.since(max(day - timedelta(days=int(cycle)), seller.starts + timedelta(days=4)))
        if opened > self.yesterday or (day - opened).days < 12:
            return False
        account = self._buyer(seller, opened, NEW_WHEN_WON if won else NEW_WHEN_LOST)
        need = rng.choice(cast.NEEDS)
        # Some that are lost have not been given up yet.
        asleep = not won and day > self.yesterday - timedelta(days=35) and rng.random() < 0.3
        closed = day <= self.yesterday and not asleep
        entered = self._path(opened, day, won)
        deal = Opportunity(
            title=f"{self._short(account)}{need[0]}",
            customer=account.customer,
            owner=seller.person,
            stage=entered[0][0],
            currency="CNY",
            opened_on=opened,
            closes_on=self.days.since(day + timedelta(days=rng.randrange(-18, 26))),
            stage_since=entered[0][1],
            origin=account.customer.origin,
        )
        deal.amount_units = round_to(int(amount * rng.uniform(0.9, 1.25)), 1_000 * SCALE) or 1_000 * SCALE
        self.made(deal, opened, seller.person)
        at = self._walk(deal, entered)
        if closed and won:
            at = self._win(deal, seller, account, need, day, amount, at)
        elif closed:
            self._lose(deal, seller, day, at)
        self._visits(seller, account, deal, entered, day)
        return True

    def _short(self, account: Account) -> str:
        name = account.customer.name
        if account.place.country != "CN":
            return f"{name.split()[0]} "
        return name.removeprefix(account.customer.city)[:4]

    def _buyer(self, seller: Seller, day: date, new: float) -> Account:
        known = [a for a in seller.accounts if a.since <= day]
        if known and self.rng.random() > new:
            return self.rng.choices(known, [2 if a.bought else 1 for a in known])[0]
        registered = self.days.before(day - timedelta(days=self.rng.randrange(0, 10)))
        account = self._customer(seller, max(registered, seller.starts))
        if registered > self.go_live and self.rng.random() < 0.6:
            self._qualified(account, registered)
        return account

    def _path(self, opened: date, end: date, won: bool) -> list[tuple[str, date]]:
        """The open stages it went through and the day it came into each."""
        depth = len(self.stages) - 1
        if not won:
            depth = min(self.rng.choices(range(1, 6), (16, 20, 26, 23, 15))[0], depth)
        weights = [self.rng.gammavariate(3, 1) for _ in range(depth)]
        found, passed, day = [], 0.0, opened
        for stage, weight in zip(self.stages, weights, strict=False):
            day = max(day + _DAY if found else opened, opened + (end - opened) * passed)
            if day >= end or day > self.yesterday:
                break
            found.append((stage, min(self.days.since(day), self.yesterday) if found else opened))
            passed += weight / sum(weights)
        return found

    def _walk(self, deal: Opportunity, entered: list[tuple[str, date]]) -> datetime:
        """The spells and moves of a deal up to its last open stage; returns when it came there."""
        at = self._moment_of(deal.opened_on)
        self._spell(deal, deal.stage, at)
        for stage, day in entered[1:]:
            at = self._next(at, day)
            self._enter(deal, stage, day, at)
        return at

    def _moment_of(self, day: date) -> datetime:
        """Office hours of that very day, also of one before go-live."""
        minutes = self.rng.randrange(9 * 60, 18 * 60)
        return datetime.combine(day, time(minutes // 60, minutes % 60), timezone.get_default_timezone())

    def _next(self, at: datetime, day: date) -> datetime:
        return max(self._moment_of(day), at + timedelta(minutes=7))

    def _enter(self, deal: Opportunity, stage: str, day: date, at: datetime, **more: tuple[Any, Any]) -> None:
        changes = {"stage": (deal.stage, stage), "stage_since": (deal.stage_since, day), **more}
        deal.stage, deal.stage_since = stage, day
        if day >= self.go_live:
            self._changed(deal, max(at, deal.created_at), deal.owner, **changes)
        self._spell(deal, stage, at)

    def _spell(self, deal: Opportunity, stage: str, at: datetime) -> None:
        spells = self.rows[StageSpell][0]
        if spells and spells[-1].opportunity is deal:
            spells[-1].left_at = at
        spells.append(StageSpell(opportunity=deal, stage=stage, entered_at=at))

    def _win(
        self, deal: Opportunity, seller: Seller, account: Account, need: Any, day: date, amount: int, at: datetime
    ) -> datetime:
        order = self._order(seller, account, day, amount, need, deal)
        deal.amount_units, deal.result, deal.closed_on = order.net_amount_units, "won", day
        at = self._next(at, day)
        self._enter(deal, self.stages[-1], day, at, result=("open", "won"), closed_on=(None, day))
        return at

    def _lose(self, deal: Opportunity, seller: Seller, day: date, at: datetime) -> None:
        reason = self._one(price=26, competitor=24, no_budget=17, no_decision=20, fit=9, other=4)
        deal.result, deal.closed_on, deal.lost_reason = "lost", day, reason
        changes = {"result": ("open", "lost"), "closed_on": (None, day), "lost_reason": ("", reason)}
        self._changed(deal, max(self._next(at, day), deal.created_at), seller.person, **changes)

    # 订单与回款

    def _order(
        self, seller: Seller, account: Account, day: date, amount: int, need: Any, deal: Opportunity | None
    ) -> Order:
        rng = self.rng
        order = Order(
            customer=account.customer,
            owner=seller.person,
            opportunity=deal,
            territory=account.customer.territory,
            channel=account.customer.channel,
            ordered_on=day,
            due_on=day + timedelta(days=rng.choice((30, 30, 30, 45, 60))),
            currency="CNY",
            invoice_currency=account.place.currency,
        )
        self.made(order, day, seller.person)
        goods, tax = self._lines(order, need, amount)
        order.tax_amount_units = round_units(tax, "CNY")
        order.freight_amount_units = rng.randrange(8, 60) * 10 * SCALE if goods and rng.random() < 0.4 else 0
        order.total_amount_units = order.net_amount_units + order.tax_amount_units + order.freight_amount_units
        account.bought = True
        if deal is None and day > self.yesterday - timedelta(days=6) and rng.random() < 0.35:
            order.status = "draft"
        elif deal is None and day >= self.go_live and rng.random() < 0.02:
            order.status = "cancelled"
            at = self.moment(day + timedelta(days=rng.randrange(2, 9)))
            self._changed(order, max(at, order.created_at), seller.person, status=("signed", "cancelled"))
        else:
            self._payments(order)
        return order

    def _lines(self, order: Order, need: Any, amount: int) -> tuple[bool, Fraction]:
        """Products of the need that come near the amount. Returns whether goods are among them, and the exact tax."""
        rng = self.rng
        numbers = [n for n in need[1] if self._list_price(n) <= amount] or [min(need[1], key=self._list_price)]
        numbers = numbers[: rng.choice((1, 2, 2, 3, 4))]
        shares = [rng.gammavariate(3 if n == numbers[0] else 1.5, 1) for n in numbers]
        discount = Decimal(rng.choice((0, 0, 0, 0, 3, 5, 5, 5, 8, 10, 12, 15, 20))) / 100
        goods, tax, whole = False, Fraction(0), 0
        for number, share in [*zip(numbers[1:], shares[1:], strict=True), (numbers[0], 0)]:  # the main one fills up
            price = self._list_price(number)
            part = amount * share / sum(shares) if share else amount - whole
            quantity = max(round(part / (price * float(1 - discount))), 0 if share else 1)
            if not quantity:
                continue
            net = round_units(Fraction(price * quantity) * Fraction(1 - discount), "CNY")
            line = OrderLine(order=order, position=len(self._lines_of(order)) + 1, product=self.products[number])
            line.quantity, line.discount, line.currency = Decimal(quantity), discount, "CNY"
            line.unit_price_units, line.net_amount_units = price, net
            self.made(line, order.ordered_on, order.owner)
            percent = cast.PRODUCTS[number][4]
            goods, tax, whole = goods or percent == 13, tax + Fraction(net * percent, 100), whole + net
        order.net_amount_units = whole
        return goods, tax

    def _lines_of(self, order: Order) -> list[OrderLine]:
        """The lines made so far; those of an order stand together at the end."""
        found: list[OrderLine] = []
        for line in reversed(self.rows[OrderLine][0]):
            if line.order is not order:
                break
            found.append(line)
        return found

    def _list_price(self, number: str) -> int:
        return cast.PRODUCTS[number][2] * SCALE

    def _payments(self, order: Order) -> None:
        """At once or in two parts, around the day it is due; a few come late, and some of them are still owed."""
        rng = self.rng
        late = rng.gauss(-4, 8) + (rng.randrange(25, 260) if rng.random() < 0.1 else 0)
        last = max(order.due_on + timedelta(days=int(late)), order.ordered_on + _DAY)
        parts, days = [10], [last]
        if (kind := rng.random()) < 0.4:
            parts = [3, 7] if kind < 0.3 else [5, 5]
            days = [order.ordered_on + timedelta(days=rng.randrange(1, 6)), last]
        for units, day in zip(allocate(order.total_amount_units, parts, 100), days, strict=True):
            received = self.days.since(day)
            if received <= self.yesterday:
                method = self._one(transfer=16, bill=3, card=1)
                payment = Payment(order=order, currency="CNY", received_on=received, method=method)
                payment.amount_units = units
                self.made(payment, received, rng.choice(("zhaoyue", "qinyue", "qinyue")))

    # 销售活动

    def _visits(
        self, seller: Seller, account: Account, deal: Opportunity, entered: list[tuple[str, date]], end: date
    ) -> None:
        """Calls and visits in every stage of a deal."""
        kinds = ("early", "early", "needs", "offer", "close")
        ends = [day for _stage, day in entered[1:]] + [end]
        for place, ((_stage, start), stop) in enumerate(zip(entered, ends, strict=True)):
            count = self._poisson(1.15 * seller.player.effort) + (place == 0)
            for _ in range(count):
                day = self.days.draw(self.rng, max(start, self.go_live), min(stop + _DAY, self.today))
                if day:
                    self._done(seller, account, day, kinds[min(place, 4)], deal)

    def _care(self, seller: Seller, start: date, end: date) -> None:
        """Customers who are called without a deal."""
        known = [a for a in seller.accounts if a.since < end]
        if not known:
            return
        for _ in range(self._poisson(8.5 * seller.player.effort)):
            account = self.rng.choice(known)
            day = self.days.draw(self.rng, max(start, account.since), end)
            if day:
                self._done(seller, account, day, "care", None)

    def _activity(self, seller: Seller, account: Account, kind: str, deal: Opportunity | None) -> Activity:
        subject = self.rng.choice(cast.SUBJECTS[kind])
        visit = any(word in subject for word in ("拜访", "上门", "参观"))
        meeting = any(word in subject for word in ("会议", "演示", "谈判", "访谈"))
        message = any(word in subject for word in ("发送", "微信", "问候", "邀请"))
        found = "visit" if visit else "meeting" if meeting else "message" if message else "call"
        if found == "call" and self.rng.random() < 0.3:
            found = self._one(visit=5, email=3, message=2)
        contact = self.rng.choice(account.contacts)
        return Activity(
            subject=subject,
            kind=found,
            customer=account.customer,
            contact=contact,
            opportunity=deal,
            owner=seller.person,
        )

    def _done(self, seller: Seller, account: Account, day: date, kind: str, deal: Opportunity | None) -> None:
        rng = self.rng
        activity = self._activity(seller, account, kind, deal)
        activity.due_on = activity.done_on = day
        spans = {"visit": (15, 120), "meeting": (30, 90), "call": (2, 25)}
        if activity.kind in spans:
            activity.minutes = rng.randrange(*spans[activity.kind])
        activity.outcome = self._one(reached=14, not_reached=4, interested=3, refused=1)
        if rng.random() < 0.12:
            activity.note = rng.choice(cast.NOTES)
        self.made(activity, day, seller.person)

    def _diaries(self) -> None:
        """What everybody has before them: a little that is late, today's, and the next two weeks."""
        deals: dict[int, list[Opportunity]] = defaultdict(list)
        for deal in self.rows[Opportunity][0]:
            if deal.result == "open":
                deals[id(deal.customer)].append(deal)
        ahead = [day for day in self.days.all if self.today < day <= self.today + timedelta(days=16)]
        behind = [day for day in self.days.all if self.today - timedelta(days=9) <= day < self.today]
        for seller in self.sellers:
            if not seller.accounts or not seller.sells_in(self.today, self.today + _DAY):
                continue
            rng = self.rng
            late = [rng.choice(behind) for _ in range(rng.choice((1, 1, 2, 2, 3)))]
            coming = [rng.choice(ahead) for _ in range(rng.randrange(6, 12))]
            for due in [*late, *[self.today] * rng.randrange(3, 8), *coming]:
                self._plan(seller, rng.choice(seller.accounts), due, deals)

        self._office_tasks()

    def _office_tasks(self) -> None:
        """What those who do not sell have to do: some of it done, some due."""
        for player in cast.PLAYERS:
            for number, (subject, days) in enumerate(cast.TASKS.get(player.role, ())):
                person = self.people[player.key]
                task = Activity(subject=subject, kind=Activity.Kind.TASK, owner=person, due_on=self.today)
                task.due_on += timedelta(days=days - number % 2)
                planned = self.days.before(min(task.due_on, self.today) - timedelta(days=4))
                if days < -7:
                    task.done_on = planned = self.days.before(task.due_on)
                self.made(task, planned, person)

    def _plan(self, seller: Seller, account: Account, due: date, deals: dict[int, list[Opportunity]]) -> None:
        own = [d for d in deals[id(account.customer)] if d.owner is seller.person]
        deal = self.rng.choice(own) if own else None
        place = self.stages.index(deal.stage) if deal else 0
        kind = ("early", "early", "needs", "offer", "close")[min(place, 4)] if deal else "care"
        activity = self._activity(seller, account, kind, deal)
        activity.due_on = due
        made = min(due, self.today) - timedelta(days=self.rng.randrange(1, 8))
        self.made(activity, max(self.days.before(made), seller.starts), seller.person)
        customer = account.customer
        if customer.next_contact_on is None or due < customer.next_contact_on:
            self._changed(
                customer,
                max(activity.created_at, customer.created_at),
                seller.person,
                next_contact_on=(customer.next_contact_on, due),
            )
            customer.next_contact_on = due

    # 线索

    def _qualified(self, account: Account, registered: date) -> None:
        """The lead that a customer came from."""
        customer, contact = account.customer, account.contacts[0]
        received = max(self.days.before(registered - timedelta(days=self.rng.randrange(0, 6))), self.go_live)
        lead = Lead(
            name=contact.name,
            company=customer.name,
            phone=contact.phone,
            email=contact.email,
            origin=customer.origin,
            owner=customer.owner,
            status=Lead.Status.QUALIFIED,
            customer=customer,
            received_on=received,
        )
        self.made(lead, received, customer.owner or "wufang")
        at = max(lead.created_at + timedelta(minutes=9), self.moment(registered))
        self._changed(lead, at, customer.owner, status=("new", "qualified"), customer_id=(None, customer))

    def _leads(self) -> None:
        """Those that led nowhere, and the latest that are still to be looked into; some of these nobody has yet."""
        now = [s for s in self.sellers if s.sells_in(self.yesterday, self.today)]
        recent = self.today - timedelta(days=21)
        for number in range(190):
            day = self.days.draw(self.rng, *((recent, self.today) if number < 45 else (self.go_live, recent)))
            if day is None:
                continue
            seller = self.rng.choice([s for s in now if s.starts <= day])
            place = cast.PLACES[self.rng.choice([p for p in seller.places])]
            if place.country != "CN":
                continue
            name, _industry, domain = self._company(place)
            lead = Lead(
                name=self._somebody(),
                company=f"{self.rng.choice(place.cities)}{name}",
                phone=self._phone(),
                email=f"contact1@{domain}",
                origin=self._one(web=6, exhibition=4, phone=2),
                owner=None if number < 14 else seller.person,
                received_on=day,
            )
            self.made(lead, day, lead.owner or "wufang")
            self._look_into(lead, number, day)

    def _look_into(self, lead: Lead, number: int, day: date) -> None:
        if number < 26:
            return
        lead.status = Lead.Status.WORKING if number < 45 else Lead.Status.DISQUALIFIED
        at = max(self.moment(self.days.since(day + 2 * _DAY)), lead.created_at + timedelta(minutes=5))
        changes: dict[str, tuple[Any, Any]] = {"status": ("new", str(lead.status))}
        if number >= 45:
            lead.note = self.rng.choice(cast.DISQUALIFIED)
            changes["note"] = ("", lead.note)
        self._changed(lead, at, lead.owner, **changes)

    # What can be told only at the end

    def _grades(self) -> None:
        """客户分类 by what came in during twelve months: A makes the first 70 %, B the next 20 %, C the rest."""
        since = month_start(self.today, 12)
        paid: dict[int, int] = defaultdict(int)
        for payment in self.rows[Payment][0]:
            if payment.received_on >= since:
                paid[id(payment.order.customer)] += payment.amount_units
        whole, passed = sum(paid.values()), 0
        for customer in sorted(self.rows[Customer][0], key=lambda c: -paid[id(c)]):
            customer.grade = "A" if passed < whole * 0.7 else "B" if passed < whole * 0.9 else "C"
            passed += paid[id(customer)]

    def _number(self) -> None:
        """Orders and payments get their numbers in the order of their days."""
        for rows, day, prefix, name in (
            (self.rows[Order][0], "ordered_on", "SO", "number"),
            (self.rows[Payment][0], "received_on", "RC", "reference"),
        ):
            counts: dict[str, int] = defaultdict(int)
            for record in sorted(rows, key=lambda r: getattr(r, day)):
                month = f"{getattr(record, day):%Y%m}"
                counts[month] += 1
                setattr(record, name, f"{prefix}-{month}-{counts[month]:03d}")

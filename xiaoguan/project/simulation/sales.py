"""销售: how much everybody sells in a month, and whether it comes by deals or by repeat orders."""

from __future__ import annotations

import math
import random
from datetime import date

from xiaoguan.base.money import SCALE
from xiaoguan.project import cast
from xiaoguan.project.simulation.activities import Activities
from xiaoguan.project.simulation.clock import month_start
from xiaoguan.project.simulation.deals import Deals
from xiaoguan.project.simulation.history import History, Part, Seller
from xiaoguan.project.simulation.orders import Orders

SEASON = (0.94, 0.62, 1.08, 0.95, 0.99, 1.1, 0.92, 0.93, 1.05, 1.06, 1.11, 1.25)
"""A month beside an average one: weak around 春节, strong before the year ends."""
GROWTH = 1.13
"""Sales of one person a year later."""
MONTH = 118_000 * SCALE
"""What an average person sells in an average month, in units."""
RAMP = (0.0, 0.35, 0.7, 0.9)
"""What a new person reaches in the first months."""
YEAR_LUCK, MONTH_LUCK = 0.1, 0.26
DEAL_SHARE = 0.46
"""How many of the orders end a deal."""


class Sales(Part):
    """Months of sellers."""

    def __init__(self, history: History, deals: Deals, orders: Orders, activities: Activities):
        super().__init__(history)
        self.deals, self.orders, self.activities = deals, orders, activities

    def month(self, seller: Seller, first: date, end: date) -> None:
        """One month of one person: what is won, what is ordered again, what is lost, who is called in between."""
        rng, start, won = self.rng, max(first, seller.starts), 0
        ledger = first < self.history.go_live
        sales = self._sales(seller, first)
        for number, amount in enumerate(sales):
            day = self.days.draw(rng, start, end, (number, len(sales)))  # spread over the month
            if day is None:
                continue
            if ledger or rng.random() >= DEAL_SHARE:
                self._again(seller, day, amount, ledger)
            else:
                won += self.deals.make(seller, day, amount, True)
        if ledger:
            return
        self._lost(seller, won, start, end)
        self.activities.care(seller, start, min(end, self.history.today))

    def _lost(self, seller: Seller, won: int, start: date, end: date) -> None:
        """Deals that end without an order: as many as the win rate says of those won and of an average month."""
        each = (1 - seller.win_rate) / seller.win_rate
        if seller.to_lose is None:
            seller.to_lose = 2 * each
        seller.to_lose += (0.5 * won + 0.5 * 2 * DEAL_SHARE) * each
        for _ in range(int(seller.to_lose / 2 + self.rng.random())):
            day = self.days.draw(self.rng, start, end)
            if day and self.deals.make(seller, day, self._price(seller), False):
                seller.to_lose -= 1

    def _again(self, seller: Seller, day: date, amount: int, ledger: bool) -> None:
        """A repeat order. In the ledger those come first who have none yet; without old customers it is a deal."""
        if day > self.history.yesterday:
            return
        known = [a for a in seller.accounts if a.since <= day and (a.bought or ledger)]
        if not known:
            if not ledger:
                self.deals.make(seller, day, amount, True)
            return
        fresh = [a for a in known if not a.bought]
        self.orders.make(seller, self.rng.choice(fresh or known), day, amount, self.rng.choice(cast.AGAIN), None)

    def _sales(self, seller: Seller, first: date) -> list[int]:
        """The orders of a month in units, biggest season and luck included."""
        total = self._expected(seller, first) * self._luck(seller, first.year)
        total *= math.exp(self.rng.gauss(-(MONTH_LUCK**2) / 2, MONTH_LUCK))
        steady = seller.player.strength > 1.1  # the strong ones sell something every month
        count = 1 + steady + self.rng.poisson((0.95 - 0.5 * steady) * SEASON[first.month - 1] ** 0.5)
        weights = [self.rng.gammavariate(2.2, 1) for _ in range(count)]
        idle = not steady and self.rng.random() < 0.03
        return [] if idle or total < MONTH // 10 else [int(total * w / sum(weights)) for w in weights]

    def _expected(self, seller: Seller, first: date) -> float:
        """What the person sells in that month without luck, in units."""
        since = (first.year - seller.starts.year) * 12 + first.month - seller.starts.month
        ramp = RAMP[since] if since < len(RAMP) else 1.0
        years = (first - self.history.first).days / 365
        return MONTH * seller.player.strength * SEASON[first.month - 1] * GROWTH**years * ramp

    def expected_year(self, year: int) -> int:
        """What everybody sells in a year without luck, in units: what the books of that year would have told."""
        months = [date(year, month, 1) for month in range(1, 13)]
        return int(
            sum(self._expected(s, m) for m in months for s in self.history.sellers if s.sells_in(m, month_start(m, -1)))
        )

    def _luck(self, seller: Seller, year: int) -> float:
        own = random.Random(f"{seller.player.key} {year}")
        return math.exp(own.gauss(-(YEAR_LUCK**2) / 2, YEAR_LUCK))

    def _price(self, seller: Seller) -> int:
        return int(MONTH * 0.58 * seller.player.strength**0.5 * self.rng.gammavariate(2.2, 1 / 2.2))

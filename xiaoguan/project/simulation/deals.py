"""商机: deals with the stages they went through, won, lost or still open."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from xiaoguan.base.money import SCALE, round_to
from xiaoguan.project import cast
from xiaoguan.project.simulation.activities import Activities
from xiaoguan.project.simulation.clock import DAY
from xiaoguan.project.simulation.customers import Customers
from xiaoguan.project.simulation.history import Account, History, Part, Seller
from xiaoguan.project.simulation.leads import Leads
from xiaoguan.project.simulation.orders import Orders
from xiaoguan.sales.models import Opportunity, StageSpell

NEW_WHEN_WON, NEW_WHEN_LOST = 0.11, 0.12
"""How many deals are with a customer who is new."""


class Deals(Part):
    """Deals, each with its customer, its order if it is won, and the visits in between."""

    def __init__(self, history: History, customers: Customers, leads: Leads, orders: Orders, activities: Activities):
        super().__init__(history)
        self.customers, self.leads, self.orders, self.activities = customers, leads, orders, activities

    def make(self, seller: Seller, day: date, amount: int, won: bool) -> bool:
        """One deal that ends on `day`, told backwards; open if that day is still to come.

        False where none can be: the person is too new for it, or it would begin only after today.
        """
        rng = self.rng
        cycle = min(max(rng.gauss(50, 15) if won else rng.gauss(46, 20), 21 if won else 12), 89)
        opened = self.days.since(max(day - timedelta(days=int(cycle)), seller.starts + timedelta(days=4)))
        if opened > self.history.yesterday or (day - opened).days < 12:
            return False
        account = self._buyer(seller, opened, NEW_WHEN_WON if won else NEW_WHEN_LOST)
        need = rng.choice(cast.NEEDS)
        # Some that are lost have not been given up yet.
        asleep = not won and day > self.history.yesterday - timedelta(days=35) and rng.random() < 0.3
        closed = day <= self.history.yesterday and not asleep
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
        self.history.made(deal, opened, seller.person)
        at = self._walk(deal, entered)
        if closed and won:
            at = self._win(deal, seller, account, need, day, amount, at)
        elif closed:
            self._lose(deal, seller, day, at)
        self.activities.visits(seller, account, deal, entered, day)
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
        account = self.customers.register(seller, max(registered, seller.starts))
        if registered > self.history.go_live and self.rng.random() < 0.6:
            self.leads.qualified(account, registered)
        return account

    def _path(self, opened: date, end: date, won: bool) -> list[tuple[str, date]]:
        """The open stages it went through and the day it came into each."""
        depth = len(self.history.stages) - 1
        if not won:
            depth = min(self.rng.choices(range(1, 6), (16, 20, 26, 23, 15))[0], depth)
        weights = [self.rng.gammavariate(3, 1) for _ in range(depth)]
        found, passed, day = [], 0.0, opened
        for stage, weight in zip(self.history.stages, weights, strict=False):
            day = max(day + DAY if found else opened, opened + (end - opened) * passed)
            if day >= end or day > self.history.yesterday:
                break
            found.append((stage, min(self.days.since(day), self.history.yesterday) if found else opened))
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
        if day >= self.history.go_live:
            self.history.changed(deal, max(at, deal.created_at), deal.owner, **changes)
        self._spell(deal, stage, at)

    def _spell(self, deal: Opportunity, stage: str, at: datetime) -> None:
        spells = self.history.rows[StageSpell][0]
        if spells and spells[-1].opportunity is deal:
            spells[-1].left_at = at
        spells.append(StageSpell(opportunity=deal, stage=stage, entered_at=at))

    def _win(
        self, deal: Opportunity, seller: Seller, account: Account, need: Any, day: date, amount: int, at: datetime
    ) -> datetime:
        order = self.orders.make(seller, account, day, amount, need, deal)
        deal.amount_units, deal.result, deal.closed_on = order.net_amount_units, "won", day
        at = self._next(at, day)
        self._enter(deal, self.history.stages[-1], day, at, result=("open", "won"), closed_on=(None, day))
        return at

    def _lose(self, deal: Opportunity, seller: Seller, day: date, at: datetime) -> None:
        reason = self.rng.one(price=26, competitor=24, no_budget=17, no_decision=20, fit=9, other=4)
        deal.result, deal.closed_on, deal.lost_reason = "lost", day, reason
        changes = {"result": ("open", "lost"), "closed_on": (None, day), "lost_reason": ("", reason)}
        self.history.changed(deal, max(self._next(at, day), deal.created_at), seller.person, **changes)

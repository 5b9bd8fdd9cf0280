"""客户: companies and their contacts, in whose hands they are, and how they go from hand to hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from xiaoguan.customers.models import Contact, Customer
from xiaoguan.project import cast
from xiaoguan.project.simulation.clock import DAY, month_start
from xiaoguan.project.simulation.history import Account, Part, Seller
from xiaoguan.sales.models import Payment

OLD_CUSTOMERS, POOL = 240, 36
"""Customers from before the ledger, and those that nobody has."""


class Customers(Part):
    """Customers of the sellers and of nobody."""

    def portfolios(self) -> None:
        """Those who were customers before, in the hands of those who were there."""
        old = [s for s in self.history.sellers if s.player.hired is None]
        strengths = [s.player.strength for s in old]
        for seller in [*old * 4, *self.rng.choices(old, strengths, k=OLD_CUSTOMERS - 4 * len(old))]:
            registered = self.days.since(self.history.first - timedelta(days=self.rng.randrange(30, 2_400)))
            self.register(seller, registered)

    def pool(self) -> None:
        """公海: customers that nobody has."""
        inland = [key for key, place in cast.PLACES.items() if place.country == "CN"]
        for _ in range(POOL):
            day = self.days.draw(self.rng, self.history.go_live, self.history.today)
            if day:
                self.register(None, day, [self.rng.choice(inland)])

    def register(self, seller: Seller | None, registered: date, places: Sequence[str] = ()) -> Account:
        """A new customer with its contacts, of the seller or of nobody, in one of the places (of the seller's)."""
        key = self.rng.choice(places or seller.places if seller else places)
        place = cast.PLACES[key]
        name, industry, domain = self.names.company(place)
        customer = Customer(
            name=name,
            channel=self.rng.one(direct=15, reseller=3, agent=1, online=1),
            origin=self.rng.one(web=5, exhibition=4, referral=5, phone=3, other=1),
            industry=industry,
            city=self.rng.choice(place.cities),
            country=place.country,
            phone=self.names.phone(),
            email=f"info@{domain}",
            website=f"https://{domain}",
            owner=seller.person if seller else None,
            territory=self.history.territories[key],
            registered_on=registered,
        )
        if place.country == "CN":
            customer.name = f"{customer.city}{customer.name}"
        self.history.made(customer, registered, seller.person if seller else "wufang")
        account = Account(customer, self._contacts(customer, domain, registered), place, registered)
        if seller:
            seller.accounts.append(account)
        return account

    def _contacts(self, customer: Customer, domain: str, day: date) -> list[Contact]:
        titles = self.rng.sample(cast.TITLES, self.rng.choice((1, 1, 2, 2, 3)))
        found = []
        for number, title in enumerate(titles):
            contact = Contact(
                customer=customer,
                name=self.names.somebody(customer.country),
                title=title,
                phone=self.names.phone(),
                email=f"contact{number + 1}@{domain}",
                primary=number == 0,
            )
            found.append(self.history.made(contact, day, customer.owner or "wufang"))
        return found

    def staff_changes(self, first: date) -> None:
        """What the turn of a month brings: somebody leaves, changes the team, joins."""
        for seller in self.history.sellers:
            if seller.ends == first:
                self._hand_over(seller, seller.accounts, first)
            if self.history.turn == first and seller.player.moves_to:
                self._hand_over(seller, seller.accounts, first)
                seller.team, seller.places = seller.player.moves_to, ("netherlands",)
                self._receive(seller, first)
            if month_start(seller.starts) == first and seller.player.hired is not None:
                self._receive(seller, seller.starts)

    def _mates(self, seller: Seller, day: date) -> list[Seller]:
        return [
            s for s in self.history.sellers if s is not seller and s.team == seller.team and s.sells_in(day, day + DAY)
        ]

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
        customer, leader = account.customer, self.history.people[cast.TEAMS[taker.team][1]]
        if day >= self.history.go_live:
            self.history.changed(customer, self.history.moment(day), leader, owner_id=(customer.owner, taker.person))
        customer.owner = taker.person

    def grades(self) -> None:
        """客户分类 by what came in during twelve months: A makes the first 70 %, B the next 20 %, C the rest."""
        since = month_start(self.history.today, 12)
        paid: dict[int, int] = defaultdict(int)
        for payment in self.history.rows[Payment][0]:
            if payment.received_on >= since:
                paid[id(payment.order.customer)] += payment.amount_units
        whole, passed = sum(paid.values()), 0
        for customer in sorted(self.history.rows[Customer][0], key=lambda c: -paid[id(c)]):
            customer.grade = "A" if passed < whole * 0.7 else "B" if passed < whole * 0.9 else "C"
            passed += paid[id(customer)]

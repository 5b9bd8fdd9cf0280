"""线索: those that became customers, those that led nowhere, those still to be looked into."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from xiaoguan.customers.models import Lead
from xiaoguan.project import cast
from xiaoguan.project.simulation.clock import DAY
from xiaoguan.project.simulation.history import Account, Part


class Leads(Part):
    """Leads, each with what came of it."""

    def qualified(self, account: Account, registered: date) -> None:
        """The lead that a customer came from."""
        customer, contact = account.customer, account.contacts[0]
        received = max(self.days.before(registered - timedelta(days=self.rng.randrange(0, 6))), self.history.go_live)
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
        self.history.made(lead, received, customer.owner or "wufang")
        at = max(lead.created_at + timedelta(minutes=9), self.history.moment(registered))
        self.history.changed(lead, at, customer.owner, status=("new", "qualified"), customer_id=(None, customer))

    def unqualified(self) -> None:
        """Those that led nowhere, and the latest that are still to be looked into; some of these nobody has yet."""
        now = [s for s in self.history.sellers if s.sells_in(self.history.yesterday, self.history.today)]
        recent = self.history.today - timedelta(days=21)
        for number in range(190):
            day = self.days.draw(
                self.rng, *((recent, self.history.today) if number < 45 else (self.history.go_live, recent))
            )
            if day is None:
                continue
            seller = self.rng.choice([s for s in now if s.starts <= day])
            place = cast.PLACES[self.rng.choice([p for p in seller.places])]
            if place.country != "CN":
                continue
            name, _industry, domain = self.names.company(place)
            lead = Lead(
                name=self.names.somebody(),
                company=f"{self.rng.choice(place.cities)}{name}",
                phone=self.names.phone(),
                email=f"contact1@{domain}",
                origin=self.rng.one(web=6, exhibition=4, phone=2),
                owner=None if number < 14 else seller.person,
                received_on=day,
            )
            self.history.made(lead, day, lead.owner or "wufang")
            self._look_into(lead, number, day)

    def _look_into(self, lead: Lead, number: int, day: date) -> None:
        if number < 26:
            return
        lead.status = Lead.Status.WORKING if number < 45 else Lead.Status.DISQUALIFIED
        at = max(self.history.moment(self.days.since(day + 2 * DAY)), lead.created_at + timedelta(minutes=5))
        changes: dict[str, tuple[Any, Any]] = {"status": ("new", str(lead.status))}
        if number >= 45:
            lead.note = self.rng.choice(cast.DISQUALIFIED)
            changes["note"] = ("", lead.note)
        self.history.changed(lead, at, lead.owner, **changes)

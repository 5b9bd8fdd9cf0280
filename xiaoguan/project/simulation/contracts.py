"""合同: what was signed for the larger deals, and what is about to be."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from xiaoguan.base.money import SCALE
from xiaoguan.project.simulation.clock import DAY
from xiaoguan.project.simulation.history import Part
from xiaoguan.sales.models import Contract, Opportunity, Order

WORTH = 100_000 * SCALE
"""Deals from this amount on have a contract."""
TERM = timedelta(days=365)


class Contracts(Part):
    """A contract of a year for each larger deal that was won; for those that are negotiated a draft, or one that is out
    to be signed. Chance goes on afterwards as if there were none, so that they change nothing else."""

    def make(self) -> None:
        state = self.rng.getstate()
        for order in self.history.rows[Order][0]:
            deal = order.opportunity
            if deal is not None and order.status == Order.Status.SIGNED and order.net_amount_units >= WORTH:
                order.contract = self._contract(deal, order.ordered_on, order.net_amount_units, Contract.Status.ACTIVE)
        last, yesterday = self.history.stages[-2], self.history.yesterday
        near = [d for d in self.history.rows[Opportunity][0] if d.result == Opportunity.Result.OPEN and d.stage == last]
        for place, deal in enumerate(deal for deal in near if deal.amount_units >= WORTH):
            status = Contract.Status.SIGNING if place % 3 else Contract.Status.DRAFT
            self._contract(deal, min(self.days.since(deal.stage_since), yesterday), deal.amount_units, status)
        self._number()
        self.rng.setstate(state)

    def _contract(self, deal: Opportunity, day: date, amount: int, status: str) -> Contract:
        contract = Contract(
            title=f"{deal.title}合同",
            customer=deal.customer,
            opportunity=deal,
            owner=deal.owner,
            status=status,
            currency=deal.currency,
            starts_on=day,
            ends_on=day + TERM - DAY,
        )
        contract.amount_units = amount
        if status == Contract.Status.ACTIVE:
            contract.signed_on = day
            if contract.ends_on < self.history.today:
                contract.status = Contract.Status.ENDED
        else:
            contract.starts_on = self.days.since(max(deal.closes_on, self.history.today))
            contract.ends_on = contract.starts_on + TERM - DAY
        return self.history.made(contract, day, deal.owner)

    def _number(self) -> None:
        """By the month in which they were written, in the order of these days."""
        counts: dict[str, int] = defaultdict(int)
        for contract in sorted(self.history.rows[Contract][0], key=lambda one: one.signed_on or one.created_at.date()):
            month = f"{_day(contract):%Y%m}"
            counts[month] += 1
            contract.number = f"HT-{month}-{counts[month]:03d}"


def _day(contract: Contract) -> date:
    return contract.signed_on or contract.created_at.date()

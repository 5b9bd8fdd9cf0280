"""Everything of the company, put together in the order in which chance draws it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from xiaoguan.base.periods import Calendar
from xiaoguan.customers.models import Contact, Customer, Lead
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
from xiaoguan.project.simulation.activities import Activities
from xiaoguan.project.simulation.catalogue import Catalogue
from xiaoguan.project.simulation.clock import month_start
from xiaoguan.project.simulation.contracts import Contracts
from xiaoguan.project.simulation.customers import Customers
from xiaoguan.project.simulation.deals import Deals
from xiaoguan.project.simulation.history import History
from xiaoguan.project.simulation.leads import Leads
from xiaoguan.project.simulation.orders import Orders
from xiaoguan.project.simulation.organisation import Organisation
from xiaoguan.project.simulation.sales import Sales
from xiaoguan.sales.models import (
    Activity,
    Contract,
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


class Simulation(History):
    """The history of the company, made by `run`. roles: those that there are, by code."""

    ORDER = (
        *(Position, Person, Team, Membership, ReportingLine, RoleAssignment, Territory, TerritoryAssignment, PayTerms),
        *(Currency, ExchangeRate, ProductCategory, Product, Customer, Contact, Lead, Opportunity, StageSpell),
        *(Contract, Order, OrderLine, Payment, Activity),
    )

    def __init__(self, today: date, months: int, calendar: Calendar, stages: Sequence[str], roles: dict[str, Role]):
        super().__init__(today, months, calendar, stages)
        self._organisation, self._catalogue = Organisation(self, roles), Catalogue(self)
        self._customers, self._leads = Customers(self), Leads(self)
        self._orders, self._activities = Orders(self), Activities(self)
        self._deals = Deals(self, self._customers, self._leads, self._orders, self._activities)
        self._contracts = Contracts(self)
        self._sales = Sales(self, self._deals, self._orders, self._activities)

    def run(self, progress: Callable[[str], None] = lambda _what: None) -> Simulation:
        """Make everything, once. progress: is told what comes next."""
        progress("people")
        self._organisation.make()
        self._catalogue.make()
        progress("customers")
        self._customers.portfolios()
        self._customers.pool()
        for first in self.months():
            progress(f"{first:%Y-%m}")
            self._customers.staff_changes(first)
            for seller in self.sellers:
                if seller.sells_in(first, month_start(first, -1)):
                    self._sales.month(seller, first, month_start(first, -1))
        self._leads.unqualified()
        self._activities.diaries()
        self._customers.grades()
        self._orders.number()
        self._contracts.make()
        self._activities.greetings()
        return self

    def expected_year(self, year: int) -> int:
        """What everybody sells in a year without luck, in units: what the books of that year would have told."""
        return self._sales.expected_year(year)

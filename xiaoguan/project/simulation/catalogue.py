"""产品与币种: what is sold, at which list price, and what other currencies were worth."""

from __future__ import annotations

import math
from decimal import Decimal

from xiaoguan.base.money import SCALE
from xiaoguan.project import cast
from xiaoguan.project.simulation.history import Part
from xiaoguan.sales.models import Currency, ExchangeRate, Product, ProductCategory


class Catalogue(Part):
    """Products in their categories; currencies with a rate a month."""

    def make(self) -> None:
        """Keep the products in `history.products`, by number; rates drift around the one that the cast names."""
        for code, name in cast.CURRENCIES.items():
            self.history.made(Currency(code=code, name=name), self.history.first, "wufang")
        for code, about in cast.RATES.items():
            rate = about
            for first in self.history.months():
                if first > self.history.today:
                    break
                rate = 0.9 * rate * math.exp(self.rng.gauss(0, 0.008)) + 0.1 * about
                exact = Decimal(round(rate * 10_000)) / 10_000
                self.history.made(ExchangeRate(base=code, quote="CNY", on=first, rate=exact), first, "zhaoyue")
        categories = {}
        for name, children in cast.CATEGORIES.items():
            parent = self.history.made(ProductCategory(name=name), self.history.first, "wufang")
            for child in children:
                categories[child] = self.history.made(
                    ProductCategory(name=child, parent=parent), self.history.first, "wufang", 1
                )
        for number, (name, category, price, cost, _tax) in cast.PRODUCTS.items():
            product = Product(name=name, number=number, category=categories[category], currency="CNY")
            product.list_price_units, product.cost_units = price * SCALE, cost * SCALE
            self.history.products[number] = self.history.made(product, self.history.first, "wufang")

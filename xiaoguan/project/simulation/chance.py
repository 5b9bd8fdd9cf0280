"""The one source of chance, and the names and numbers made up with it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

from xiaoguan.project import cast


class Chance(random.Random):
    """Draws from a seed; everything of one simulation draws from the same."""

    def one(self, **weights: int) -> str:
        """One of the words, by its weight."""
        return self.choices(list(weights), list(weights.values()))[0]

    def poisson(self, mean: float) -> int:
        """Knuth's way: how many events, `mean` on average."""
        limit, product, count = math.exp(-mean), self.random(), 0
        while product > limit:
            product *= self.random()
            count += 1
        return count


class Names:
    """Names of companies and people, telephone numbers: nobody real has them."""

    def __init__(self, rng: Chance):
        self.rng = rng
        self._inland = self._each_once(cast.FIRST, cast.SECOND, cast.THIRD)
        self._abroad = self._each_once(cast.ABROAD_FIRST, cast.ABROAD_TRADES, cast.ABROAD_THIRD)

    def company(self, place: cast.Place) -> tuple[str, str, str]:
        """A name that is not taken yet, the industry, the web address."""
        if place.country != "CN":
            first, (trade, industry), third = next(self._abroad)
            words = [first, trade, *filter(None, [third])]
            return " ".join([*words, cast.ABROAD_FORMS[place.country]]), industry, f"{'-'.join(words)}.example".lower()
        (one, first), (two, second), (three, third) = next(self._inland)
        trade, industry = self.rng.choice(cast.TRADES)
        form = "股份有限公司" if self.rng.random() < 0.12 else "有限公司"
        return f"{one}{two}{three}{trade}{form}", industry, f"{first}{second}{third}.example"

    def somebody(self, country: str = "CN") -> str:
        """A person's name as they are in that country."""
        if country != "CN":
            return self.rng.choice(cast.ABROAD_PEOPLE)
        return self.rng.choice(cast.SURNAMES) + self.rng.choice(cast.GIVEN)

    def phone(self) -> str:
        """A number that nobody has: no Chinese mobile number begins with 12."""
        return f"12{self.rng.randrange(10**9):09d}"

    def _each_once(self, first: Sequence[Any], second: Sequence[Any], third: Sequence[Any]) -> Iterator[Any]:
        """Every pair in a drawn order, then every pair again with something added."""
        for more in third:
            pairs = [(a, b) for a in first for b in second]
            self.rng.shuffle(pairs)
            yield from ((a, b, more) for a, b in pairs)

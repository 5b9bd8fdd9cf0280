"""方案组成 components: what one component earns for one person in one period, before the plan's limits and release.

A commission takes a share of a metric: one rate, or tiers cut by amount, count or attainment. With `accumulate` the
tiers run over a longer window: the period earns what the window has earned to its end, less what it had earned before.
A bonus pays a sum, or a target times a curve of attainment; a matrix a target times the cell of two metrics; a spiff a
sum for each qualifying record or unit; a pool a share of a team's fund.

    bookings of the quarter to date 300 000, quota 250 000, tiers 3 % / from 100 % 4 %, earned for January 5 400:
    250 000 x 3 % + 50 000 x 4 % = 9 500; March earns 9 500 - 5 400 = 4 100

Bands are money: a bound of 120 % is quota x 120 %, so nothing is divided and the parts add up. Money is rounded once,
per component and period, half up to the minor unit; the shown parts share that rounding. Then come the component's cap,
gates and multipliers. What cannot be calculated because a rate, a quota or a record is missing is a line without value
and a reason, never 0.
Source: spec/domain.md 5.1 steps 4 to 8, 5.3, 8.3 and 13.

    base   lines and dates    commission   bonus and matrix: target    spiff and pool: shared    limits   caps and gates
    lagged   a commission that counts in the period of the sale
"""

from __future__ import annotations

from xiaoguan.base.explain import Line

from .base import Earned, Lot, Raw, by_event
from .lagged import Lagged
from .limits import Limits
from .shared import Shared
from .target import YEAR_SHARE, Targets


class Earning(Limits, Lagged, Targets, Shared):
    """One component for one person and one of its periods."""

    def kind(self, parts: tuple[Line, ...]) -> Raw:
        kinds = {"commission": self.commission, "bonus": self.bonus, "matrix": self.matrix, "spiff": self.spiff}
        return (kinds | {"pool": self.pool})[self.component.kind](parts)


__all__ = ["YEAR_SHARE", "Earned", "Earning", "Lot", "by_event"]

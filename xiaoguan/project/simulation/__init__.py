"""What happened at 示范公司: who joined and left, whom they met, what they sold and what came in, drawn with a seed.

Nothing is read or written here. `Simulation` makes records that are not saved yet and the deeds behind them; `demo.py`
keeps both. Months are drawn from the first of the ledger to some months beyond today, and what lies ahead is cut off:
deals whose end is still to come are the open ones.

    go-live           the first day of a month, `months` before today: from then on everything is there
    ledger            orders and payments alone, back to the 1 January before, so that a growth goal has a base
    a month of sales  strength x season x growth x the luck of the year and of the month, cut into orders; about half of
                      them end a deal, the others are repeat orders. For every deal won some are lost, by win rate

`company.py` puts the parts together. Who there is, and whom they know: `organisation.py`, `customers.py`, `leads.py`.
What comes of it: `catalogue.py`, `sales.py`, `deals.py`, `orders.py`, `activities.py`. All of them write into the one
`history.py`, on the days of `clock.py` and by the draws of `chance.py`.
"""

from xiaoguan.project.simulation.clock import month_start
from xiaoguan.project.simulation.company import Simulation
from xiaoguan.project.simulation.history import Deed, Seller
from xiaoguan.project.simulation.sales import SEASON

__all__ = ["SEASON", "Deed", "Seller", "Simulation", "month_start"]

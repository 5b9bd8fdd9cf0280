"""The desk turns one declaration into every screen, the API, import, export and the permission behind them.

Other floors need only these words; everything else in this folder serves them.
"""

from xiaoguan.desk.access import everyone, hidden, manager, masked, nobody, owner, read_only, role, team, tree
from xiaoguan.desk.desk import Board, Desk, Ready, Steps, Total, register
from xiaoguan.desk.verbs import Verb

__all__ = [
    "Board",
    "Desk",
    "Ready",
    "Steps",
    "Total",
    "Verb",
    "everyone",
    "hidden",
    "manager",
    "masked",
    "nobody",
    "owner",
    "read_only",
    "register",
    "role",
    "team",
    "tree",
]

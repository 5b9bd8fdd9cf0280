"""What conditions of every day may read, and whom one is about: a person, a team, the company, a customer, a deal."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import StrEnum

from ..formula import Call, Expr, Literal, Type, calls, dotted, names, rewrite

OF_DEAL = frozenset({"stage", "stage_days", "stage_limit"})
"""What is asked of each open deal."""
OF_CUSTOMER = frozenset(
    {"days_since_follow_up", "days_since_deal", "days_since_delivery", "days_owned", "orders", "spend", "recency_days"}
    | {"open_contract", "source"}
    | {f"customer.{name}" for name in ("class", "grade", "stage", "kind", "channel", "origin", "industry")}
    | {f"customer.{name}" for name in ("city", "country")}
)
"""What is known of a customer on a day, beside the metrics over its records."""
EVENTS = frozenset({"days_since_deal", "days_since_delivery", "days_owned"})
"""What a rule of follow-up may count its days from: the last deal or delivery, the day it was given."""
OVERDUE = "follow_up_overdue_days"
"""Since when its follow-up is overdue: what the rules of follow-up give."""
BELONGING = ("customer.", "opportunity.", "order.")
"""What begins like this is asked of a customer too, and not known unless it stands above."""

CLASSES = frozenset("ABC")
"""The classes that customers are kept with."""
SCORED_BY = frozenset({"recency_days", "orders", "spend"})
"""What points can be given for: days since the last order, signed orders and their net amount in the window."""

OF_PEOPLE = frozenset(
    {"attainment", "pace", "projection", "total", "top_share", "change", "coverage", "grade_factor", "score", "event"}
    | {"elapsed", "streak", "forecast_bias"}
)
WITH_LEVEL = OF_PEOPLE - {"grade_factor", "score", "event", "elapsed", "streak"}
"""Functions that take `of`: whose number it is."""
PLAIN = frozenset({"if", "default", "ratio", "abs", "clamp", "round", "min", "max"})


class Level(StrEnum):
    """Whom a condition is about."""

    PERSON = "person"
    TEAM = "team"
    COMPANY = "company"
    CUSTOMER = "customer"
    DEAL = "deal"


def level_of(tree: Expr, metrics: Collection[str]) -> Level | None:
    """Whom a condition is about; None for one that reads what is not known."""
    read, called = names(tree), calls(tree)
    if any(name in OF_CUSTOMER | OF_DEAL or name == OVERDUE or name.startswith(BELONGING) for name in read):
        if not (read <= OF_CUSTOMER | OF_DEAL | {OVERDUE} | set(metrics) and called <= PLAIN):
            return None
        return Level.DEAL if read & OF_DEAL else Level.CUSTOMER
    if not called <= OF_PEOPLE | PLAIN or any(name.startswith("team.") for name in read):
        return None
    groups = set(_groups(tree, metrics))
    if groups <= {"company"}:
        return Level.COMPANY
    return Level.TEAM if groups <= {"team", "company"} else Level.PERSON


def _groups(tree: Expr, metrics: Collection[str]) -> Iterator[str]:
    """Whose numbers it reads: person, team, company; what has elapsed is everybody's."""
    found: list[str] = []

    def change(part: Expr) -> Expr | None:
        if not isinstance(part, Call) or part.name not in OF_PEOPLE - {"streak"}:
            return None
        if part.name != "elapsed":
            of = part.get("of") if part.name in WITH_LEVEL else None
            found.append((dotted(of) if of is not None else None) or "person")
        return Literal(0, Type.NUMBER, part.at)

    rest = names(rewrite(tree, change))
    yield from found
    if any(name in metrics or name.startswith("person.") for name in rest):
        yield "person"

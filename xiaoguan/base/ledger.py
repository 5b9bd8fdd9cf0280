"""提成台账 ledger: what was earned, held, released, taken back and paid, one entry after the other.

Append-only: no entry is edited; a correction is another entry. The balance of a person is the sum of the entries that
move money (everything but credit, which counts business and not pay).
Source: spec/domain.md 5.7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

KINDS = (
    "credit",
    "earning",
    "hold",
    "release",
    "draw",
    "recovery",
    "clawback",
    "adjustment",
    "payout",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """分录: one movement.

    kind     one of KINDS. amount in units, from the person's side: a hold, a recovery, a claw-back are negative, a
             payout is negative too: it takes out of the balance what is handed over.
    about    label of the period it is about; posted, of the period it is posted in.
    name     the component or the step (rep_plan.release); record, the record that caused it, if one did.
    """

    kind: str
    person: str
    about: str
    posted: str
    name: str
    amount: int
    record: str = ""
    cause: str = ""

    @property
    def stands_in(self) -> str:
        """The period whose statement it belongs to: where it was posted, or what an adjustment is about."""
        return self.about if self.kind == "adjustment" else self.posted

    def to_json(self) -> dict[str, Any]:
        """A plain dict; the amount in units."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """The entry that `to_json` wrote."""
        return cls(**data)


def balance(entries: Iterable[Entry]) -> int:
    """What the person still has to get, in units; 0 when everything payable was paid."""
    return sum(entry.amount for entry in entries if entry.kind != "credit")

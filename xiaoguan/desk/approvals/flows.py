"""What needs an approval and who signs: the declaration, and the words for signers.

Step(line_manager(1))                         the manager of whoever asks
Step(holders("finance") | this_person(7))     one of these; `needs="all"` asks each of them
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

MANAGER, ROLE, PERSON, ABOVE = "manager", "role", "person", "above"
HIGHEST = 9
"""So many levels up are tried where nobody is found."""
ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Signers:
    """Who may sign a step, joined by `|`.

    parts    ("manager", levels), ("role", code), ("person", id) or ("above", (code, id))
    """

    parts: tuple[tuple[str, Any], ...]

    def __or__(self, other: Signers) -> Signers:
        return Signers((*self.parts, *other.parts))


def line_manager(levels: int = 1) -> Signers:
    """Who is so many levels above whoever asks, on today's reporting line."""
    return Signers(((MANAGER, levels),))


def holders(code: str) -> Signers:
    """Whoever holds the role today."""
    return Signers(((ROLE, code),))


def this_person(pk: int) -> Signers:
    return Signers(((PERSON, pk),))


def role_above(code: str, person: int | None) -> Signers:
    """Whoever of the role stands nearest above this person today; where nobody does, whoever holds it."""
    return Signers(((ABOVE, (code, person)),))


@dataclass(frozen=True)
class Step:
    """One round of signatures. needs: "any" of the signers, or "all"."""

    by: Signers
    needs: str = "any"

    def plain(self) -> dict[str, Any]:
        return {"by": [list(part) for part in self.by.parts], "needs": self.needs}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Step:
        return cls(Signers(tuple((kind, value) for kind, value in plain["by"])), plain["needs"])


def _always(record: Any, limit: Decimal | None) -> bool:
    return True


@dataclass(frozen=True)
class Approval:
    """Something about a record that needs signatures.

    name       its word in addresses, the API and `request_approval`
    steps      who signs, one step after the other; or a function of the record as it is to be, which says so. Then a
               company can switch the approval off, but not set other signers
    signers    words for who signs, where `steps` is a function
    freezes    fields that nobody writes while it waits; a change of one after the approval needs a new one
    when       (record as it is to be, limit) -> whether it is needed; what is stored stands in `record.stored(name)`
    waits      True: a change for which `when` holds is not written but waits and is written by the last signature.
               False: the record stands as it is; `standing` says whether its present state is approved
    limit      a fraction of one beyond which it is needed; the company may set another
    active     whether it is needed where the company has not said
    parts      relations to what belongs to the record and is frozen with it, such as the lines of an order
    told       record as it is to be -> plain values that the request keeps and `words` tells: why it is needed
    words      (what was told, viewer) -> [(label, value)], as far as the viewer may see it
    offers     record -> the changes that its page offers to ask for, {} for none. Raises Refused for a record that
               nobody may approve
    after      (record, request) -> None: done with the last signature, in the same transaction
    ended      the same, done when it is rejected, sent back or withdrawn
    """

    name: str
    label: Any
    steps: tuple[Step, ...] | Callable[[Any], tuple[Step, ...]]
    freezes: tuple[str, ...]
    signers: Any = ""
    when: Callable[[Any, Decimal | None], bool] = _always
    waits: bool = False
    limit: Decimal | None = None
    active: bool = True
    parts: tuple[str, ...] = ()
    told: Callable[[Any], dict[str, Any]] | None = None
    words: Callable[[dict[str, Any], Any], list[tuple[str, str]]] | None = None
    offers: Callable[[Any], dict[str, Any]] | None = None
    after: Callable[[Any, Any], None] | None = None
    ended: Callable[[Any, Any], None] | None = None

    def attnames(self, model: Any) -> frozenset[str]:
        """The columns behind the frozen fields."""
        return frozenset(model._meta.get_field(name).attname for name in self.freezes)

    def steps_of(self, record: Any, flow: Flow) -> tuple[Step, ...]:
        """Who signs for the record as it is to be."""
        return self.steps(record) if callable(self.steps) else flow.steps


@dataclass(frozen=True)
class Flow:
    """What is in force for one approval: number 0 is the declaration, later ones were set by the company."""

    number: int
    steps: tuple[Step, ...]
    limit: Decimal | None = None
    active: bool = True


def kind_of(entity: str, approval: Approval) -> str:
    return f"{entity}.{approval.name}"


def flow_of(entity: str, approval: Approval) -> Flow:
    """The flow in force now; a request that runs keeps the one it began with."""
    from xiaoguan.desk.approvals.models import ApprovalFlow

    row = ApprovalFlow.objects.filter(kind=kind_of(entity, approval)).order_by("-number").first()
    if row is None:
        steps = () if callable(approval.steps) else approval.steps
        return Flow(0, steps, approval.limit, approval.active)
    return Flow(row.number, tuple(Step.of(plain) for plain in row.steps), row.limit, row.active)


# Who is who: the floor of people says it.


class Chart(Protocol):
    def managers(self, person_id: int) -> Sequence[int]:
        """The line upwards of today, nearest first."""
        ...

    def holders(self, code: str) -> Iterable[int]:
        """Who holds the role today."""
        ...

    def deputies(self, people: Iterable[int]) -> Iterable[int]:
        """Who stands in for one of them today."""
        ...

    def here(self, people: Iterable[int]) -> set[int]:
        """Those of them who can sign in."""
        ...


@dataclass
class _Nobody:
    empty: tuple[int, ...] = field(default=())

    def managers(self, person_id: int) -> Sequence[int]:
        return self.empty

    def holders(self, code: str) -> Iterable[int]:
        return self.empty

    def deputies(self, people: Iterable[int]) -> Iterable[int]:
        return self.empty

    def here(self, people: Iterable[int]) -> set[int]:
        return set()


_chart: Chart = _Nobody()


def use_chart_from(chart: Chart) -> None:
    """The floor that knows people says here who is above whom and who holds what."""
    global _chart
    _chart = chart


def chart() -> Chart:
    return _chart


def signers_of(step: Step, asker: int) -> list[int]:
    """The people who are to sign, without the one who asks.

    Where nobody is found, the next level above signs, and where there is none the administrators. Empty where even
    they are nobody but the asker.
    """
    line = list(_chart.managers(asker))
    found = _usable({pk for part in step.by.parts for pk in _people(part, line)}, asker)
    if found:
        return found
    begin = min((value for kind, value in step.by.parts if kind == MANAGER), default=1)
    for above in line[begin - 1 : HIGHEST]:
        if one := _usable({above}, asker):
            return one
    return _usable(set(_chart.holders(ADMINISTRATOR)), asker)


def _people(part: tuple[str, Any], line: Sequence[int]) -> Iterable[int]:
    kind, value = part
    if kind == MANAGER:
        return line[value - 1 : value]
    if kind == ABOVE:
        code, person = value
        all_holders = set(_chart.holders(code))
        nearest = (pk for pk in _chart.managers(person) if pk in _chart.here(all_holders)) if person else iter(())
        return next(((pk,) for pk in nearest), all_holders)
    return _chart.holders(value) if kind == ROLE else (value,)


def _usable(people: set[int], asker: int) -> list[int]:
    return sorted(_chart.here(people - {asker}))

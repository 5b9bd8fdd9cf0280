"""One Event row for every change, written in the same transaction: history, undo and webhooks read it.

A creation keeps no values (the record and the old values of later changes tell them); a change keeps old and new; a
deletion keeps all that was there. So the state on any past day can be told by walking back.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Actor:
    """Who is doing something, and by which way: `page`, `api`, `import`, `run`, `command`, `undo` or `system`.

    batch    the same for everything that one request, job or import does, so that it can be undone together.
    memo     what need not be asked twice while it lasts; None outside of any block.
    """

    person_id: int | None = None
    via: str = "system"
    note: str = ""
    batch: str = ""
    memo: dict[Any, Any] | None = field(default=None, compare=False, repr=False)


SYSTEM = Actor()
_current: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def current_actor() -> Actor:
    return _current.get()


@contextmanager
def acting(person_id: int | None, via: str, note: str = "", batch: str = "") -> Iterator[Actor]:
    """Everything saved inside the block is written down as done by this person, this way, in one batch."""
    actor = Actor(person_id, via, note, batch or secrets.token_hex(8), {})
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)


def plain(value: Any) -> Any:
    """A value as JSON keeps it: dates in ISO form, decimals as text, the rest as it is."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value


def write(record: Any, deed: str, changes: dict[str, Any] | None = None) -> int:
    """Keep what happened to `record`; `changes` maps a field to [old, new]. Returns the id of the event."""
    from xiaoguan.desk.models import Event

    actor = current_actor()
    return Event.objects.create(
        entity=record._meta.model_name,
        record_id=record.pk,
        deed=deed,
        changes=changes or {},
        actor_id=actor.person_id,
        via=actor.via,
        note=actor.note,
        batch=actor.batch,
    ).pk

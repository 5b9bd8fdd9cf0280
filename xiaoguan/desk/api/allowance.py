"""How often an account may still ask: counted for all server processes of a machine together.

The counts stand in a small file of fixed slots in the data folder, which every process has in its memory: a request
costs a lock and a few bytes, and no question to the database. An account has a slot among the SPREAD behind its place;
where all of these are taken by others that ask in this minute, the one that began first makes room and is counted anew.
Where the file cannot be had, a process counts for itself, as before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from mmap import mmap
from pathlib import Path
from struct import Struct
from threading import Lock
from time import time
from typing import Any

from django.conf import settings

try:
    import fcntl
except ImportError:  # no POSIX: a process counts for itself
    fcntl = None  # type: ignore[assignment]

MINUTE = 60.0
SLOT = Struct("<qdq")  # account, 0 for a free slot; when its minute began, seconds since 1970; requests since then
SLOTS, SPREAD = 4096, 16
SIZE = SLOT.size * (SLOTS + SPREAD)

_alone = Lock()  # locks of files hold between processes, not between threads
_opened: tuple[Any, int | None, Any] = None, None, bytearray()
"""Whose it is (data folder and process), the open file or None, the slots."""


def ask(account: int | None) -> tuple[int, int]:
    """Count a request. How many more this account has in its minute, below zero for one too many, and the seconds until
    the next minute."""
    key, now = account or -1, time()
    first = key * 2_654_435_761 % SLOTS * SLOT.size
    with _alone, _locked(first) as slots:
        at, began, number = _slot(slots, key, first, now)
        SLOT.pack_into(slots, at, key, began, number + 1)
    return settings.API_RATE - number - 1, max(1, round(MINUTE - (now - began)))


def _slot(slots: Any, key: int, first: int, now: float) -> tuple[int, float, int]:
    """The place of the account, when its minute began and how often it has asked since."""
    spare, oldest = first, now + MINUTE
    for at in range(first, first + SPREAD * SLOT.size, SLOT.size):
        owner, began, number = SLOT.unpack_from(slots, at)
        over = not 0 <= now - began < MINUTE
        if owner == key:
            return (at, now, 0) if over else (at, began, number)
        since = 0.0 if over or not owner else began
        if since < oldest:
            spare, oldest = at, since
    return spare, now, 0


@contextmanager
def _locked(first: int) -> Iterator[Any]:
    """The slots, those behind `first` for this process alone."""
    file, slots = _open()
    if file is None:
        yield slots
        return
    length = SPREAD * SLOT.size
    fcntl.lockf(file, fcntl.LOCK_EX, length, first)
    try:
        yield slots
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN, length, first)


def _open() -> tuple[int | None, Any]:
    """The file of this process; a fork opens its own, since closing a file anywhere gives up the locks on it."""
    global _opened
    whose = settings.HOME, os.getpid()
    if _opened[0] != whose:
        _opened = (whose, None, bytearray(SIZE))
        with suppress(OSError, ValueError, AttributeError):
            file = os.open(Path(settings.HOME) / "api-requests", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if os.fstat(file).st_size < SIZE:
                os.ftruncate(file, SIZE)
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, SIZE)  # a file system without locks is found out here
            _opened = (whose, file, mmap(file, SIZE))
    return _opened[1], _opened[2]

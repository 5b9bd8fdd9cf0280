"""拼音 pinyin: the readings of pypinyin, whose dictionary takes a third of its memory here.

It comes as a list of a list of a text for every character of 47,000 phrases: 140,000 lists of which 1,249 differ. Each
is kept once, before anything else is loaded that can use the room.
"""

from __future__ import annotations

import os

os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "1")  # nothing is added to it

from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT

__all__ = ["PHRASES_DICT", "Style", "lazy_pinyin"]


def _keep_each_once() -> None:
    """Nothing of the old dictionary stays, so that its room is free as a whole."""
    known: dict[tuple[str, ...], list[str]] = {}
    fresh = {}
    for phrase, readings in PHRASES_DICT.items():
        fresh[phrase] = [known.get(tuple(one)) or _add(known, one) for one in readings]
    PHRASES_DICT.clear()
    PHRASES_DICT.update(fresh)


def _add(known: dict[tuple[str, ...], list[str]], texts: list[str]) -> list[str]:
    copy = [text.encode().decode() for text in texts]
    known[tuple(copy)] = copy
    return copy


_keep_each_once()

"""The search table: what people type finds records, in Chinese, pinyin, initials, Latin words and phone endings.

No database's own tokenizer finds Chinese, so the tokens are made here and are plain ASCII, which every database takes
the same way: one token for each Han character (`h79d1`), words in lower case without accents, pinyin and initials from
each character of a run on, and the last four to eight digits of a number. SQLite keeps them in FTS5, PostgreSQL in a
tsvector.
The row's number is `record id * 1024 + slot of the entity`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zlib import crc32

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL
from pypinyin import lazy_pinyin
from pypinyin.constants import RE_HANS
from pypinyin.seg import mmseg, simpleseg

if TYPE_CHECKING:
    from xiaoguan.desk.access import Viewer
    from xiaoguan.desk.desk import Desk

SLOTS = 1024
RUN = re.compile(r"[\u3400-\u9fff]+|[a-z0-9]+")
ACCENT = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
LONGEST_PINYIN_RUN = 16
APART = "0p"
"""Begins the tokens of every field but the title, so that who may not see one of them finds nothing by it."""


def slot(entity: str) -> int:
    return crc32(entity.encode()) % SLOTS


def _runs(text: str) -> list[str]:
    lower = text.lower()
    return RUN.findall(lower if lower.isascii() else ACCENT.sub("", unicodedata.normalize("NFKD", lower)))


@lru_cache(maxsize=65_536)
def _syllables(word: str) -> tuple[str, ...]:
    return tuple(lazy_pinyin(word))


def _sounds(run: str) -> str:
    """Pinyin and initials of a run of characters, from each character on.

    A run is read word by word as pypinyin does, but a word only once: there are few words and many runs.
    """
    words = mmseg.seg.cut(run) if RE_HANS.match(run) else simpleseg.seg(run)
    syllables = [syllable for word in words for syllable in _syllables(word)]
    first = "".join(s[0] for s in syllables)
    return " ".join(f"{''.join(syllables[i:])} {first[i:]}" for i in range(len(syllables)))


def tokens_of(*texts: Any) -> str:
    """The tokens to keep for these texts."""
    found: list[str] = []
    for text in texts:
        if not text:
            continue
        for run in _runs(str(text)):
            if run[0] < "\u3400":
                found.append(run)
                if len(run) >= 7 and run.isdigit():
                    found.extend(run[-n:] for n in range(4, min(9, len(run))))
                continue
            found.extend(f"h{ord(c):x}" for c in run)
            if len(run) <= LONGEST_PINYIN_RUN:
                found.append(_sounds(run))
        if str(text)[0].isalpha():
            continue
        digits = re.sub(r"[\s()+-]", "", str(text))
        if digits.isdigit() and len(digits) >= 7 and digits not in found:
            found.extend([digits, *(digits[-n:] for n in range(4, min(9, len(digits))))])
    return " ".join(found)


def _tokens(desk: Desk, texts: Iterable[Any]) -> str:
    """The tokens of one record from the values of its search fields; those of the title plain, the others apart."""
    found = [f"x{desk.key}x"]
    for name, text in zip(desk.search_fields, texts, strict=True):
        tokens = tokens_of(text)
        if name != desk.title_field and tokens:
            tokens = APART + tokens.replace(" ", f" {APART}")
        found.append(tokens)
    return " ".join(found)


def _match(desk: Desk, words: str, viewer: Viewer | None) -> str | None:
    """The words as a match expression of the database in use; None when there is nothing to look for."""
    runs = _runs(words)
    if not runs or any(run.startswith(APART) for run in runs):
        return None
    whole = len(desk.search_fields) > 1
    if whole and viewer is not None:
        whole = all(desk.usable(viewer, name) for name in desk.search_fields)
    starts = ("", APART) if whole else ("",)
    han = {run: [f"h{ord(c):x}" for c in run] for run in runs if run[0] >= "\u3400"}
    sqlite = connection.vendor == "sqlite"

    def term(run: str, start: str) -> str:  # a Han run must stand in this order; a word may go on
        if run in han:
            each = [start + h for h in han[run]]
            return f'"{" ".join(each)}"' if sqlite else f"({' <-> '.join(each)})"
        return f'"{start}{run}"*' if sqlite else f"{start}{run}:*"

    either, both = (" OR ", " AND ") if sqlite else (" | ", " & ")
    terms = [f"({either.join(term(run, start) for start in starts)})" for run in runs]
    return both.join([f'"x{desk.key}x"' if sqlite else f"x{desk.key}x", *terms])


def hits(desk: Desk, words: str, newest: int | None = None, viewer: Viewer | None = None) -> Q:
    """A filter for the records of this desk that the words find in their own fields or in the relations named.

    newest    look only at this many of the newest hits, which costs the same however common the words are.
    viewer    who asks: fields that they may not see find nothing. Without one every field counts.
    """
    from xiaoguan.desk.desk import desk_of

    match = _match(desk, words, viewer)
    if match is None:
        return Q(pk__in=())
    found = Q(pk__in=_subquery(match, newest))
    for name, entity in desk.search_relations.items():
        other = desk_of(entity)
        theirs = _match(other, words, viewer) if other else None
        if theirs:
            found |= Q(**{f"{name}__in": _subquery(theirs, newest)})
    return found


def _subquery(match: str, newest: int | None) -> RawSQL:
    if connection.vendor == "sqlite":
        end = f" ORDER BY rowid DESC LIMIT {int(newest)}" if newest else ""
        return RawSQL(f"SELECT rowid / 1024 FROM desk_search WHERE desk_search MATCH %s{end}", [match])
    end = f" ORDER BY id DESC LIMIT {int(newest)}" if newest else ""
    return RawSQL(f"SELECT id / 1024 FROM desk_search WHERE tokens @@ to_tsquery('simple', %s){end}", [match])


def index(record: Any) -> None:
    """Keep the search entry of one record in step with its fields."""
    from xiaoguan.desk.desk import desk_of

    desk = desk_of(type(record))
    if desk is None or not desk.search_fields:
        return
    index_many(desk, [(record.pk, [getattr(record, name) for name in desk.search_fields])])


def index_many(desk: Desk, rows: Iterable[tuple[int, Iterable[Any]]]) -> None:
    """Keep many entries at once: rows of (id, texts)."""
    number = slot(desk.key)
    values = [(pk * SLOTS + number, _tokens(desk, texts)) for pk, texts in rows]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany("INSERT OR REPLACE INTO desk_search(rowid, tokens) VALUES (%s, %s)", values)
        else:
            cursor.executemany(
                "INSERT INTO desk_search(id, tokens) VALUES (%s, to_tsvector('simple', %s))"
                " ON CONFLICT (id) DO UPDATE SET tokens = excluded.tokens",
                values,
            )


def forget(record: Any) -> None:
    forget_many(type(record), [record.pk])


def forget_many(model: Any, ids: Sequence[int]) -> None:
    """Take the entries of these records of one model away."""
    column = "rowid" if connection.vendor == "sqlite" else "id"
    number = slot(model._meta.model_name)
    with connection.cursor() as cursor:
        cursor.executemany(f"DELETE FROM desk_search WHERE {column} = %s", [(pk * SLOTS + number,) for pk in ids])


CREATE = {
    "sqlite": ["CREATE VIRTUAL TABLE desk_search USING fts5(tokens, columnsize=0, detail=full)"],
    "postgresql": [
        "CREATE TABLE desk_search (id bigint PRIMARY KEY, tokens tsvector NOT NULL)",
        "CREATE INDEX desk_search_tokens ON desk_search USING gin (tokens)",
    ],
}


def create_table(apps: Any, schema_editor: Any) -> None:
    """For the migration: the table in the form of the database in use."""
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_table(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DROP TABLE desk_search")

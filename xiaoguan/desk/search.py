"""The search table: what people type finds records, in Chinese, pinyin, initials, Latin words and phone endings.

No database's own tokenizer finds Chinese, so the tokens are made here and are plain ASCII, which every database takes
the same way. A record's tokens are a set:

    0h6d77          each Han character, and 0h6d775929 each pair; a longer run is found by all of its pairs
    haitianzhineng  pinyin from each character on, and its initials; words in lower case without accents
    0ah 0aha 0ahai  the first one to three letters of those, so that a few letters are one look-up and not a range
    0o35            the owner, so that who sees only some people's records is answered from these alone

The title's tokens are plain. Those of the other fields begin with 0p: who may not see one of these fields finds nothing
by any of them; they are found whole or from four letters on, numbers by their last four to eight digits too.
SQLite keeps the sets in FTS5, PostgreSQL in a tsvector. A row's number is `slot of the entity * 2^40 + record id`, so
that the rows of an entity are a range, the newest last.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from zlib import crc32

from django.db import DatabaseError, connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from xiaoguan.base.pinyin import PHRASES_DICT, lazy_pinyin
from xiaoguan.desk import titles
from xiaoguan.desk.statements import Behind, kept_cursor, listed

if TYPE_CHECKING:
    from xiaoguan.desk.access import Viewer
    from xiaoguan.desk.desk import Desk

SLOTS, ROOM = 1024, 2**40
RUN = re.compile(r"[\u3400-\u9fff]+|[a-z0-9]+")
ACCENT = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
COMPANY = re.compile(r"(?:股份|集团)?(?:有限|责任)*公司")
GAPS = re.compile(r"[\s()+-]")
LONGEST_RUN, LONGEST_TOKEN, FEW = 16, 20, 3
LONGEST_SOUND = 12  # letters of pinyin: three or four characters. Longer ones would be as many as there are names
HAN, FIRST, OWNER, APART, ESCAPED = "0h", "0a", "0o", "0p", "0z"
NEWEST = 20  # hits of each entity that the palette looks at where all may be read
LOOK = {"sqlite": 600, "postgresql": 2_000}  # so many of the newest rows are tried one by one before the index


def slot(entity: str) -> int:
    return crc32(entity.encode()) % SLOTS


def _runs(text: str) -> list[str]:
    lower = text.lower()
    runs = RUN.findall(lower if lower.isascii() else ACCENT.sub("", unicodedata.normalize("NFKD", lower)))
    return [ESCAPED + run if run[0] == "0" and run[1:2].isalpha() else run for run in runs]


# Tokens of a record. Written for speed: an import makes them for ten thousand rows a second.


class _Hex(dict[str, str]):
    def __missing__(self, character: str) -> str:
        found = self[character] = f"{ord(character):x}"
        return found


class _First(dict[str, tuple[str, ...]]):
    """What a few letters begin with: so many letters of each are tokens."""

    def __init__(self, *lengths: int):
        self.lengths = lengths

    def __missing__(self, letters: str) -> tuple[str, ...]:
        found = self[letters] = tuple([FIRST + letters[:n] for n in self.lengths])
        return found


_hex, _three, _two = _Hex(), _First(1, 2, 3), _First(2, 3)


@lru_cache(maxsize=65_536)
def _syllables(word: str) -> tuple[str, ...]:
    return tuple(lazy_pinyin(word))


def _read(run: str) -> list[str]:
    """The syllables of a run of characters. The longest known phrase goes first: 重庆 is chong qing, 重 is zhong."""
    found: list[str] = []
    at, end = 0, len(run)
    while at < end:
        word = run[at]
        for size in (4, 3, 2):
            phrase = run[at : at + size]
            if len(phrase) == size and phrase in PHRASES_DICT:
                word = phrase
                break
        found += _syllables(word)
        at += len(word)
    return found


def _of_han(run: str) -> list[str]:
    """Each character, each pair."""
    han = [_hex[c] for c in run]
    found = [HAN + c for c in han]
    return found + [a + b for a, b in zip(found, han[1:], strict=False)]


def _sounds(run: str) -> list[str]:
    """Pinyin and initials of a run from each character on, and their first letters."""
    syllables = _read(run[:LONGEST_RUN])
    letters, first = "".join(syllables), "".join([s[0] for s in syllables])
    found, at = [], 0
    for n, syllable in enumerate(syllables):
        found += (letters[at : at + LONGEST_SOUND], first[n : n + LONGEST_SOUND])
        found += _three[letters[at : at + FEW]]
        found += _two[first[n : n + FEW]]
        at += len(syllable)
    return found


def _of_word(run: str) -> list[str]:
    """A word or number in Latin letters; a number by its last digits too."""
    if len(run) > 8 and run.isdigit():
        return [run[:LONGEST_TOKEN], run[-4:], run[-5:], run[-6:], run[-7:], run[-8:]]
    if len(run) > 4 and run.isdigit():
        return [run[:LONGEST_TOKEN], *[run[-n:] for n in range(4, min(9, len(run)))]]
    return [run[:LONGEST_TOKEN]]


def title_tokens(text: str) -> list[str]:
    """The tokens of a title, repeated ones among them."""
    found: list[str] = []
    for run in _runs(text):
        if run[0] < "\u3400":
            found += _of_word(run)
            found += (FIRST + run[:1], FIRST + run[:2], FIRST + run[:3])
            continue
        found += _of_title(run)
    return found


@lru_cache(maxsize=2_048)  # names of people, customers and kinds of business come again in titles
def _of_title(run: str) -> Sequence[str]:
    found = _of_han(run)
    for part in COMPANY.split(run) if "公司" in run else (run,):  # 有限公司 is in every name: it need not sound
        found += _sounds(part)
    return found


def other_tokens(text: str) -> Sequence[str]:
    """The tokens of any other field: characters and words. A town or a trade is there again and again, a number not."""
    return _other_tokens(text) if text[0].isdigit() else _known_tokens(text)


def _other_tokens(text: str) -> list[str]:
    found: list[str] = []
    for run in _runs(text):
        found += _of_word(run) if run[0] < "\u3400" else _of_han(run)
    if not text[0].isalpha():  # a number written with gaps: +86 138-1234 5678
        digits = GAPS.sub("", text)
        if digits.isdigit() and len(digits) >= 7:
            found += _of_word(digits)
    return [APART + token for token in found]


@lru_cache(maxsize=8_192)
def _known_tokens(text: str) -> Sequence[str]:
    return _other_tokens(text)


def _tokens(desk: Desk, texts: Iterable[Any], owner: int | None) -> str:
    found = [f"{OWNER}{owner or 0}"] if desk.owner_field else []
    for name, text in zip(desk.search_fields, texts, strict=True):
        if text:
            found += title_tokens(str(text)) if name == desk.title_field else other_tokens(str(text))
    return " ".join(dict.fromkeys(found))


def index(record: Any) -> None:
    """Keep the search entry of one record in step with its fields."""
    from xiaoguan.desk.desk import desk_of

    desk = desk_of(type(record))
    if desk is None or not desk.search_fields:
        return
    owner = getattr(record, desk.owner_field) if desk.owner_field else None
    index_many(desk, [(record.pk, [getattr(record, name) for name in desk.search_fields], owner)])


def index_many(desk: Desk, rows: Iterable[tuple[int, Iterable[Any], int | None]]) -> None:
    """Keep many entries at once: rows of (id, values of the search fields, id of the owner)."""
    write(entries(desk, rows))


def entries(desk: Desk, rows: Iterable[tuple[int, Iterable[Any], int | None]]) -> list[tuple[int, str]]:
    """(number, tokens) of the entries of these rows."""
    base = slot(desk.key) * ROOM
    return [(base + pk, _tokens(desk, texts, owner)) for pk, texts, owner in rows]


_KEEP = """INSERT INTO desk_search(id, tokens)
SELECT id, array_to_tsvector(string_to_array(coalesce(tokens, ''), ' '))
FROM unnest(string_to_array(%s, ',')::bigint[], string_to_array(%s, ',')) AS made(id, tokens)
ON CONFLICT (id) DO UPDATE SET tokens = excluded.tokens"""


def write(values: Sequence[tuple[int, str]], behind: Behind | None = None) -> None:
    """Keep these entries; `behind` while Python goes on."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.executemany("INSERT OR REPLACE INTO desk_search(rowid, tokens) VALUES (%s, %s)", values)
        return
    if kept := dict(values):
        told = [",".join(map(str, kept)), ",".join(kept.values())]  # a long list would be slow to send
        if behind:
            behind.run(_KEEP, told)
        else:
            with kept_cursor() as cursor:
                cursor.execute(_KEEP, told)


LONGEST_LIST = "16MB"
"""Of entries that wait for their place in PostgreSQL's index: above it whoever writes one more sorts them in."""


@contextmanager
def sorted_in_beside(many: bool) -> Iterator[None]:
    """A block that writes many entries: on PostgreSQL they wait on a list that every question reads, and a connection
    of its own sorts them in meanwhile, on another processor than the one that writes."""
    if not many or connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL gin_pending_list_limit = '{LONGEST_LIST}'")
    done = Event()
    Thread(target=_sort_in, args=(done,), daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _sort_in(done: Event, seconds: float = 0.1) -> None:
    """In a thread, which has a connection of its own."""
    over = False
    try:
        with connection.cursor() as cursor:
            while not over:
                over = done.wait(seconds)
                cursor.execute("SELECT gin_clean_pending_list('desk_search_tokens')")
    except DatabaseError:  # the index is somebody else's, or the server has no connection left: it is done as it fills
        pass
    finally:
        connection.close()


def index_again(desk: Desk, ids: Sequence[int]) -> None:
    """Make the entries of these records anew from what is stored."""
    owner = [desk.owner_field] if desk.owner_field else []
    rows = desk.model._default_manager.filter(pk__in=ids).values_list("pk", *desk.search_fields, *owner)
    end = 1 + len(desk.search_fields)
    index_many(desk, ((row[0], row[1:end], row[end] if owner else None) for row in rows))


def rebuild(desk: Desk, chunk: int = 5_000) -> int:
    """Make every entry of an entity anew; returns how many."""
    done, last = 0, 0
    while ids := list(
        desk.model._default_manager.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:chunk]
    ):
        index_again(desk, ids)
        done, last = done + len(ids), ids[-1]
    return done


def forget(record: Any) -> None:
    forget_many(type(record), [record.pk])


def forget_many(model: Any, ids: Sequence[int]) -> None:
    """Take the entries of these records of one model away."""
    column, base = _number(), slot(model._meta.model_name) * ROOM
    with connection.cursor() as cursor:
        cursor.executemany(f"DELETE FROM desk_search WHERE {column} = %s", [(base + pk,) for pk in ids])


# Questions


@dataclass(frozen=True)
class Token:
    """A token that must be there; `goes_on`: one that begins so."""

    text: str
    goes_on: bool = False


@dataclass(frozen=True)
class Every:
    parts: tuple[Sought, ...]


@dataclass(frozen=True)
class Either:
    parts: tuple[Sought, ...]


Sought = Token | Every | Either
Owned = Sequence[tuple[Sought, "list[Desk]"]]
"""What is sought, or whose records, with the desks for which."""


def _sought(desk: Desk, words: str, viewer: Viewer | None) -> Sought | None:
    """What the words ask of the tokens of a record of this desk; None when there is nothing to look for."""
    runs = _runs(words)
    if not runs:
        return None
    apart = viewer is None or all(desk.usable(viewer, name) for name in desk.search_fields)
    terms: list[Sought] = [_any([_term(run, ""), *([_term(run, APART)] if apart else [])]) for run in runs]
    if viewer is not None and desk.owner_field and not desk.read.always(viewer):
        branches = desk.read.branches(viewer)
        if branches is not None:
            people = [*branches.people, *([0] if branches.nobody_too else [])]
            terms.append(_any([Token(f"{OWNER}{person}") for person in people]))
    return _all(terms)


def _term(run: str, start: str) -> Sought:
    """One run of what was typed."""
    if run[0] >= "\u3400":
        han = [f"{ord(c):x}" for c in run]
        pairs = [f"{start}{HAN}{a}{b}" for a, b in pairwise(han)] or [f"{start}{HAN}{han[0]}"]
        return _all([Token(pair) for pair in pairs])
    if len(run) <= FEW:
        return Token(start + run if start else FIRST + run)
    word = Token(start + run[:LONGEST_TOKEN], True)
    return word if start or len(run) <= LONGEST_SOUND else _any([Token(run[:LONGEST_SOUND]), word])


def _all(parts: Sequence[Sought]) -> Sought:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _any(parts: Sequence[Sought]) -> Sought:
    return parts[0] if len(parts) == 1 else Either(tuple(parts))


def _tokens_in(sought: Sought) -> Iterator[Token]:
    if isinstance(sought, Token):
        yield sought
    else:
        for part in sought.parts:
            yield from _tokens_in(part)


def _match(sought: Sought) -> str:
    """As a match expression of the database in use."""
    sqlite = connection.vendor == "sqlite"
    if isinstance(sought, Token):
        if sqlite:
            return f'"{sought.text}"*' if sought.goes_on else f'"{sought.text}"'
        return f"{sought.text}:*" if sought.goes_on else sought.text
    word = (" AND ", " OR ") if sqlite else (" & ", " | ")
    return f"({word[isinstance(sought, Either)].join(map(_match, sought.parts))})"


def _standing(sought: Sought) -> tuple[str, list[str]]:
    """As a condition on SQLite's text of tokens `t`, with its values: what needs no index."""
    if isinstance(sought, Token):
        return "instr(t, %s) > 0", [f" {sought.text}" if sought.goes_on else f" {sought.text} "]
    found = [_standing(part) for part in sought.parts]
    word = " OR " if isinstance(sought, Either) else " AND "
    return f"({word.join(sql for sql, _values in found)})", [v for _sql, values in found for v in values]


def hits(desk: Desk, words: str, newest: int | None = None, viewer: Viewer | None = None) -> Q:
    """A filter for the records of this desk that the words find in their own fields or in the relations named.

    newest    look only at this many of the newest hits, which costs the same however common the words are.
    viewer    who asks: fields that they may not see find nothing. Without one every field counts.
    """
    from xiaoguan.desk.desk import desk_of

    sought = _sought(desk, words, viewer)
    if sought is None:
        return Q(pk__in=())
    found = Q(pk__in=_subquery(desk, sought, newest))
    for name, entity in desk.search_relations.items():
        other = desk_of(entity)
        theirs = _sought(other, words, viewer) if other else None
        if other and theirs:
            found |= Q(**{f"{name}__in": _subquery(other, theirs, newest)})
    return found


def sharing(desk: Desk, word: str, newest: int) -> Q:
    """A filter for records of this desk whose title shares three neighbouring characters with a Chinese word.

    Two with a short one. Looks at this many of the newest.
    """
    han = [f"{ord(c):x}" for c in word if c >= "\u3400"][:LONGEST_RUN]
    pairs: list[Sought] = [Token(f"{HAN}{a}{b}") for a, b in pairwise(han)]
    terms = [_all(two) for two in pairwise(pairs)] if len(pairs) > 2 else pairs
    return Q(pk__in=_subquery(desk, _any(terms), newest)) if terms else Q(pk__in=())


def _number() -> str:
    return "rowid" if connection.vendor == "sqlite" else "id"


def _range(desk: Desk) -> tuple[int, str]:
    base = slot(desk.key) * ROOM
    return base, f"{_number()} > {base} AND {_number()} < {base + ROOM}"


def _fits(sought: Sought) -> tuple[str, list[str]]:
    """The condition that a row has what is sought, and its values. PostgreSQL is given one for each part: of one that
    joins them it would ask every part again for every row that has the rarest, words and thirty owners alike."""
    if connection.vendor == "sqlite":
        return "desk_search MATCH %s", [_match(sought)]
    parts = sought.parts if isinstance(sought, Every) else (sought,)
    return " AND ".join(["tokens @@ %s::tsquery"] * len(parts)), [_match(part) for part in parts]


def _subquery(desk: Desk, sought: Sought, newest: int | None) -> RawSQL:
    base, rows = _range(desk)
    end = f" ORDER BY {_number()} DESC LIMIT {int(newest)}" if newest else ""
    fits, values = _fits(sought)
    return RawSQL(f"SELECT {_number()} - {base} FROM desk_search WHERE {fits} AND {rows}{end}", values)


def everywhere(viewer: Viewer, words: str, each: int) -> dict[Desk, list[tuple[int, str]]]:
    """The newest records of every desk that the words find and the viewer may read: (id, title), `each` at most.

    First the search table is asked for all desks; then each desk that has hits, and each that is found by those.
    A kind of record without words of its own, such as who is in which team, is no answer to words.
    """
    from xiaoguan.desk.desk import desks

    asked = [(d, s) for d in desks() if d.search_fields and d.may_open(viewer) and (s := _sought(d, words, viewer))]
    near = {desk.key: ids for desk, ids in _newest(asked, viewer, each).items()}
    plain = [desk for desk, _sought in asked if titles.is_plain(desk, viewer)]
    found = titles.newest(viewer, plain, near, each)
    for desk, sought in asked:
        if desk not in plain and (mine := _readable(desk, sought, viewer, near, each)):
            found[desk] = [(pk, desk.titled(title)) for pk, title in mine]
    return found


def _readable(
    desk: Desk, sought: Sought, viewer: Viewer, near: Mapping[str, list[int]], each: int
) -> list[tuple[int, Any]]:
    """The newest records of a desk among its hits that the viewer may read, then those that the hits of others find."""
    ids = near.get(desk.key, [])
    if not ids and not any(entity in near for entity in desk.search_relations.values()):
        return []
    rows = desk.visible(viewer).order_by("-pk").values_list("pk", desk.title_field)
    mine = list(rows.filter(pk__in=ids)[:each]) if ids else []
    whole = desk.read.always(viewer) or (desk.owner_field and desk.read.branches(viewer) is not None)
    if len(mine) < each and len(ids) >= NEWEST and not whole:
        mine = list(rows.filter(pk__in=_subquery(desk, sought, None))[:each])
    for name, entity in desk.search_relations.items():
        others = near.get(entity)
        if len(mine) < each and others:
            known = [pk for pk, _title in mine]
            mine += rows.filter(**{f"{name}__in": others}).exclude(pk__in=known)[: each - len(mine)]
    return mine


def _newest(asked: list[tuple[Desk, Sought]], viewer: Viewer, each: int) -> dict[Desk, list[int]]:
    """The ids of the newest hits of each desk, before the question of rights.

    Desks of which the same is sought are asked together: a question costs the same whether one entity or ten have
    nothing to it, so those without hits are passed over unasked.
    """
    together: dict[tuple[Sought, bool], list[Desk]] = {}
    for desk, sought in asked:
        together.setdefault((sought, desk.read.always(viewer)), []).append(desk)
    found: dict[Desk, list[int]] = {}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for pool in _pools([(s, together.pop((s, all_))) for s, all_ in list(together) if _is_theirs(s)]):
                found |= _at_once(cursor, *pool)
        for (sought, everything), several in together.items():
            left = list(several)
            if everything and _common(sought):
                for desk, ids, enough in _at_hand(cursor, sought, several, each):
                    if ids:
                        found.setdefault(desk, ids)
                    if enough:
                        left.remove(desk)
            if left:
                # Of some people's records all that fit are few enough to be found at once; so few letters fit half of
                # them, and FTS5 gives the newest first.
                few = any(token.text.startswith(FIRST) for token in _tokens_in(sought))
                way = _at_once if _is_theirs(sought) and not few else _down
                found |= way(cursor, sought, left)
    return found


def _is_theirs(sought: Sought) -> bool:
    """Whether only some people's records are sought."""
    return any(token.text.startswith(OWNER) for token in _tokens_in(sought))


def _pools(groups: Owned) -> Iterator[tuple[Sought, list[Desk], Owned]]:
    """Groups of desks that differ in whose records are sought, as one question: those of anybody of them, all the
    desks, and whose each group may have. What PostgreSQL has to do for it is much the same for one group as for all."""
    pools: dict[tuple[Sought, ...], list[tuple[Sought, list[Desk]]]] = {}
    for sought, several in groups:
        assert isinstance(sought, Every)
        pools.setdefault(sought.parts[:-1], []).append((sought.parts[-1], several))
    for terms, owned in pools.items():
        anybody = list(dict.fromkeys(token for owners, _desks in owned for token in _tokens_in(owners)))
        yield Every((*terms, _any(anybody))), [d for _owners, several in owned for d in several], owned


def _common(sought: Sought) -> bool:
    """Whether so much may fit that the newest rows are worth a look before the index: FTS5 gathers all that begins so,
    PostgreSQL all that has these few letters."""
    tokens = _tokens_in(sought)
    if connection.vendor == "sqlite":
        return any(token.goes_on for token in tokens)
    return any(token.text.startswith(FIRST) for token in tokens)


def _at_hand(cursor: Any, sought: Sought, several: list[Desk], each: int) -> Iterator[tuple[Desk, list[int], bool]]:
    """The hits among the newest rows of each of these desks, in one question; whether that is all one needs: they are
    enough, or there are no more rows, or the index would take too long for what it adds."""
    by_base = {slot(desk.key) * ROOM: desk for desk in several}
    if connection.vendor == "postgresql":
        yield from _at_hand_there(by_base, sought)
        return
    look = LOOK["sqlite"]
    fits, values = _standing(sought)
    one = (
        f"SELECT %s, count(*), json_group_array(id) FILTER (WHERE {fits}) FROM (SELECT id, ' ' || c0 || ' ' AS t"
        f" FROM desk_search_content WHERE id > %s AND id < %s ORDER BY id DESC LIMIT {look})"
    )
    params: list[Any] = [v for base in by_base for v in (base, *values, base, base + ROOM)]
    cursor.execute(" UNION ALL ".join([one] * len(by_base)), params)
    for base, seen, ids in cursor.fetchall():
        hits = sorted(json.loads(ids), reverse=True)[:NEWEST]
        yield by_base[base], [n - base for n in hits], len(hits) >= each or seen < look


def _at_hand_there(by_base: dict[int, Desk], sought: Sought) -> Iterator[tuple[Desk, list[int], bool]]:
    """The same for PostgreSQL, which stops at so many hits, and need not be asked again."""
    look = f"SELECT id, tokens FROM desk_search WHERE id > base AND id < base + {ROOM} ORDER BY id DESC LIMIT"
    fits, values = _fits(sought)
    hits = f"SELECT id FROM ({look} {LOOK['postgresql']}) AS d WHERE {fits} LIMIT {NEWEST}"
    with kept_cursor() as cursor:
        cursor.execute(
            f"SELECT base, id FROM unnest(%s::bigint[]) AS b(base) CROSS JOIN LATERAL ({hits}) AS a"
            " ORDER BY base, id DESC",
            [listed(by_base), *values],
        )
        rows = cursor.fetchall()
    found: dict[int, list[int]] = {base: [] for base in by_base}
    for base, number in rows:
        found[base].append(number - base)
    return ((by_base[base], ids, True) for base, ids in found.items())


def _at_once(cursor: Any, sought: Sought, several: list[Desk], owned: Owned = ()) -> dict[Desk, list[int]]:
    """The newest hits of each of these desks that has any, in one question that finds all; `owned`: as in `_pools`."""
    by_slot = {slot(desk.key): desk for desk in several}
    number, low, top = _number(), min(by_slot) * ROOM, (max(by_slot) + 1) * ROOM
    fits, values = _fits(sought)
    found = f"SELECT {number} AS n FROM desk_search WHERE {fits} AND {number} < {top} AND {number} > {low}"
    for owners, theirs in owned if len(owned) > 1 else ():
        slots = ", ".join(str(slot(desk.key)) for desk in theirs)
        found += f" AND ({number} / {ROOM} NOT IN ({slots}) OR tokens @@ %s::tsquery)"
        values = [*values, _match(owners)]
    placed = f"SELECT n, row_number() OVER (PARTITION BY n / {ROOM} ORDER BY n DESC) AS place FROM ({found}) AS f"
    cursor.execute(f"SELECT n FROM ({placed}) AS p WHERE place <= {NEWEST} ORDER BY n DESC", values)
    places = groupby((row[0] for row in cursor.fetchall()), lambda n: n // ROOM)
    return {by_slot[place]: [row % ROOM for row in rows] for place, rows in places if place in by_slot}


def _down(cursor: Any, sought: Sought, several: list[Desk]) -> dict[Desk, list[int]]:
    """The newest hits of each of these desks that has any; one question for each of those, and one more."""
    found: dict[Desk, list[int]] = {}
    by_slot = {slot(desk.key): desk for desk in several}
    number, low, top = _number(), min(by_slot) * ROOM, (max(by_slot) + 1) * ROOM
    # PostgreSQL cannot tell how few words go on like this; it is kept from walking all rows from the newest down.
    fence = " OFFSET 0" if ":*" in _match(sought) else ""
    fits, values = _fits(sought)
    while top > low:
        inner = f"SELECT {number} AS n FROM desk_search WHERE {fits} AND {number} < {top} AND {number} > {low}{fence}"
        cursor.execute(f"SELECT n FROM ({inner}) AS d ORDER BY n DESC LIMIT {NEWEST}", values)
        rows = [row[0] for row in cursor.fetchall()]
        last = rows[-1] // ROOM if len(rows) == NEWEST else -1
        for place in sorted({row // ROOM for row in rows}, reverse=True):
            # The last place may have been cut short by the limit; it is asked again unless it filled the page alone.
            if place in by_slot and (place != last or rows[0] // ROOM == place):
                found[by_slot[place]] = [row % ROOM for row in rows if row // ROOM == place]
        if last < 0:
            break
        top = last * ROOM if rows[0] // ROOM == last else (last + 1) * ROOM
    return found


CREATE = {
    "sqlite": ["CREATE VIRTUAL TABLE desk_search USING fts5(tokens, columnsize=0, detail=none)"],
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

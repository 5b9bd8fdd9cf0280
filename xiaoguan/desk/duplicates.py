"""Duplicates (查重): is somebody about to write down what is there already?

Each record has keys, made from the fields that its desk names: the core of the company's name and how it sounds, the
digits of the phone, the address in lower case, the tax number. They are numbers in a table of two columns, written with
the record; a key that has become wrong does no harm, since what it finds is compared with the record as it is now.
Names that only share parts are found by the pairs of characters that the search table has anyhow.

Kinds of records that have such fields are looked through for each other: a lead may be a customer already. What hangs
on another hit and says no more than it, as a lead on the customer that it became, is left out.

Only safe columns are told of what somebody may not read: the name, the owner, and what the desk names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from django.core import signing
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from xiaoguan.base import companies
from xiaoguan.desk import cards, search
from xiaoguan.desk.access import Ruled, Viewer
from xiaoguan.desk.bounds import TooMuch, within
from xiaoguan.desk.desk import Desk, desk_of, desks
from xiaoguan.desk.notify import notice, notify
from xiaoguan.desk.paths import resolve

MOST, LOOKED = 8, 200
ALIKE = 0.6
SECONDS = 0.4
LONGEST = 300

NAME, PHONE, EMAIL, TAX = "name", "phone", "email", "tax"
KINDS = {"phone": PHONE, "mobile": PHONE, "email": EMAIL, "tax_number": TAX}
"""What kind of key a field gives; every other is a name."""


def kind_of(name: str) -> str:
    return KINDS.get(name, NAME)


_PLAIN: dict[str, Callable[[str], str]] = {
    NAME: companies.core,
    PHONE: companies.phone_digits,
    EMAIL: lambda text: text.strip().lower(),
    TAX: companies.tax_number,
}


def plain(name: str, value: Any) -> str:
    """The value of a field as it is compared; "" where there is nothing to compare."""
    return _PLAIN[kind_of(name)](str(value)[:LONGEST]) if value not in (None, "") else ""


# Keys


def keys_of(desk: Desk, values: Mapping[str, Any]) -> set[int]:
    """The keys of a record with these values of the desk's fields."""
    return _keys(desk.key, _kinds(desk.duplicates), [values.get(name) for name in desk.duplicates])


def _kinds(names: Iterable[str]) -> list[tuple[str, Callable[[str], str]]]:
    return [(kind, _PLAIN[kind]) for kind in map(kind_of, names)]


def _keys(entity: str, kinds: list[tuple[str, Callable[[str], str]]], values: Sequence[Any]) -> set[int]:
    found: set[int] = set()
    for (kind, bare), value in zip(kinds, values, strict=True):
        if value is not None and value != "" and (text := bare(str(value)[:LONGEST])):
            found.add(_key(f"{entity}:{kind}:{text}"))
            if kind == NAME:
                found.add(_key(f"{entity}:sound:{companies.sound(text)}"))
    return found


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)


def index(record: Any) -> None:
    """Write the keys of one record."""
    desk = desk_of(type(record))
    if desk is not None and desk.duplicates:
        index_many(desk, [(record.pk, [getattr(record, name) for name in desk.duplicates])])


def index_many(desk: Desk, rows: Iterable[tuple[int, Sequence[Any]]]) -> None:
    """Write the keys of many: rows of (id, values of the desk's fields)."""
    write(entries(desk, rows))


def entries(desk: Desk, rows: Iterable[tuple[int, Sequence[Any]]]) -> list[tuple[int, int]]:
    """(key, number) of all the keys of these rows, sorted, so that neighbours go into one page of the table."""
    base = search.slot(desk.key) * search.ROOM
    kinds = _kinds(desk.duplicates)
    return sorted([(key, base + pk) for pk, row in rows for key in _keys(desk.key, kinds, row)])


def write(values: Sequence[tuple[int, int]], fresh: bool = False) -> None:
    """Keep these keys; fresh: of records that had none."""
    if not values:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(
                "INSERT INTO desk_duplicate (key, number) VALUES (%s, %s) ON CONFLICT DO NOTHING", values
            )
        elif fresh:
            with cursor.copy("COPY desk_duplicate (key, number) FROM STDIN") as copy:
                copy.write("".join([f"{key}\t{number}\n" for key, number in values]))
        else:
            cursor.execute(
                "INSERT INTO desk_duplicate (key, number) SELECT key::bigint, number::bigint FROM"
                " unnest(string_to_array(%s, ','), string_to_array(%s, ',')) AS t(key, number) ON CONFLICT DO NOTHING",
                [",".join([str(n) for n in column]) for column in zip(*values, strict=True)],
            )


def index_again(desk: Desk, ids: Sequence[int]) -> None:
    """Write the keys of these records from what is stored."""
    rows = desk.model._default_manager.filter(pk__in=ids).values_list("pk", *desk.duplicates)
    index_many(desk, ((row[0], row[1:]) for row in rows))


def rebuild(desk: Desk, chunk: int = 5_000) -> int:
    """Make every key of an entity anew; returns how many records."""
    base, done, last = search.slot(desk.key) * search.ROOM, 0, 0
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM desk_duplicate WHERE number > %s AND number < %s", [base, base + search.ROOM])
    rows = desk.model._default_manager.order_by("pk").values_list("pk", flat=True)
    while ids := list(rows.filter(pk__gt=last)[:chunk]):
        index_again(desk, ids)
        done, last = done + len(ids), ids[-1]
    return done


def missing(desk: Desk) -> bool:
    """Whether there are records and not one key: an installation of before there were keys."""
    if not desk.duplicates or not desk.model._default_manager.exists():
        return False
    base = search.slot(desk.key) * search.ROOM
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM desk_duplicate WHERE number > %s AND number < %s LIMIT 1", [base, base + search.ROOM]
        )
        return cursor.fetchone() is None


_TABLE = "CREATE TABLE desk_duplicate (key bigint NOT NULL, number bigint NOT NULL, PRIMARY KEY (key, number))"
CREATE = {"sqlite": f"{_TABLE} WITHOUT ROWID", "postgresql": _TABLE}


def create_table(apps: Any, schema_editor: Any) -> None:
    """For the migration."""
    schema_editor.execute(CREATE[schema_editor.connection.vendor])


def drop_table(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DROP TABLE desk_duplicate")


# Finding

Named = tuple[str, int]
"""An entity and an id."""


@dataclass
class Match:
    """A record that may be the same. fields: those that say so, at least nearly; score: 0 to 1; safe: {label: text}."""

    desk: Desk
    pk: int
    title: str
    owner_id: int | None
    fields: list[str] = field(default_factory=list)
    score: float = 0.0
    safe: dict[str, str] = field(default_factory=dict)
    readable: bool = False
    hangs_on: set[Named] = field(default_factory=set)

    @property
    def exact(self) -> bool:
        return self.score >= 1

    @property
    def kinds(self) -> set[str]:
        return {kind_of(name) for name in self.fields}


def recognised() -> list[Desk]:
    """The desks whose records have keys."""
    return [desk for desk in desks() if desk.duplicates]


def find(desk: Desk, viewer: Viewer, values: Mapping[str, Any], but: int | None = None) -> list[Match]:
    """Records of the desk that may be the same as one with these values, the surest first.

    but    the record itself, when one is being changed.
    """
    asked = {name: plain(name, values.get(name)) for name in desk.duplicates}
    if not any(asked.values()):
        return []
    ids = _by_key(desk, values) | _by_parts(desk, asked)
    ids.discard(but or 0)
    found = sorted(_compared(desk, ids, asked), key=lambda m: (-m.score, m.pk))[:MOST]
    _seen(viewer, found)
    return found


def find_everywhere(desk: Desk, viewer: Viewer, values: Mapping[str, Any], but: int | None = None) -> list[Match]:
    """The same, and records of the other kinds that the viewer may open at all; the desk's own first."""
    own = find(desk, viewer, values, but)
    others = [m for other in _others(desk, viewer) for m in find(other, viewer, _as_of(other, desk, values))]
    here = _of_itself(desk, values, but)
    kept = [m for m in others if not _belongs(m, here) and not _told(m, [*own, *others])]
    return [*own, *sorted(kept, key=lambda m: (-m.score, m.pk))][:MOST]


def _others(desk: Desk, viewer: Viewer) -> list[Desk]:
    return [other for other in recognised() if other is not desk and other.may_open(viewer)]


def _as_of(other: Desk, desk: Desk, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of one desk's fields under the names of another's: the company of a lead is the name of a customer."""
    by_kind: dict[str, Any] = {}
    for name in desk.duplicates:
        if values.get(name) not in (None, ""):
            by_kind.setdefault(kind_of(name), values[name])
    return {name: by_kind.get(kind_of(name)) for name in other.duplicates}


def _of_itself(desk: Desk, values: Mapping[str, Any], but: int | None) -> set[Named]:
    """The record that is being written, and those that it belongs to."""
    found = {(desk.key, but)} if but else set()
    stored = desk.model._default_manager.filter(pk=but).values().first() if but else None
    for name, attname, entity in _ties(desk):
        pk = values.get(name) or (stored or {}).get(attname)
        if str(pk or "").isdecimal():
            found.add((entity, int(pk)))
    return found


def _belongs(match: Match, here: set[Named]) -> bool:
    """Whether it is one of these records, or hangs on one."""
    return not ({(match.desk.key, match.pk)} | match.hangs_on).isdisjoint(here)


def _told(match: Match, matches: Sequence[Match]) -> bool:
    """Whether it hangs on another match that says as much."""
    return any(match.kinds <= m.kinds for m in matches if (m.desk.key, m.pk) in match.hangs_on)


def _ties(desk: Desk) -> list[tuple[str, str, str]]:
    """(field, column, entity) of its relations to records that have keys."""
    models = {other.model: other.key for other in recognised()}
    relations = [f for f in desk.model._meta.concrete_fields if f.is_relation and f.related_model in models]
    return [(f.name, f.attname, models[f.related_model]) for f in relations]


def _seen(viewer: Viewer, found: Sequence[Match]) -> None:
    """Mark those that the viewer may read."""
    by_desk: dict[str, list[Match]] = {}
    for match in found:
        by_desk.setdefault(match.desk.key, []).append(match)
    for matches in by_desk.values():
        rows = matches[0].desk.visible(viewer).filter(pk__in=[m.pk for m in matches])
        seen = set(rows.values_list("pk", flat=True))
        for match in matches:
            match.readable = match.pk in seen


def _by_key(desk: Desk, values: Mapping[str, Any]) -> set[int]:
    keys = sorted(keys_of(desk, values))
    if not keys:
        return set()
    base = search.slot(desk.key) * search.ROOM
    holes = ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT number FROM desk_duplicate WHERE key IN ({holes}) LIMIT {LOOKED}", keys)
        return {row[0] - base for row in cursor.fetchall()}


def _by_parts(desk: Desk, asked: Mapping[str, str]) -> set[int]:
    """Ids of names that share neighbouring pairs of characters, from the search table."""
    words = [text for name, text in asked.items() if kind_of(name) == NAME and name in desk.search_fields]
    found: set[int] = set()
    for word in words:
        if len(word) < 2 or word[0] < "\u3400":
            continue
        try:
            with within(SECONDS):
                rows = desk.model._default_manager.filter(search.sharing(desk, word, LOOKED))
                found |= set(rows.order_by().values_list("pk", flat=True)[:LOOKED])
        except TooMuch:
            continue
    return found


def _compared(desk: Desk, ids: Iterable[int], asked: Mapping[str, str]) -> list[Match]:
    """The records with these ids that are the same in a field, or nearly."""
    found = []
    for match, stored in _loaded(desk, ids):
        for name, text in stored.items():
            _weigh(match, name, asked[name], text)
        if match.fields:
            found.append(match)
    return found


def _loaded(desk: Desk, ids: Iterable[int]) -> Iterator[tuple[Match, dict[str, str]]]:
    """The records with these ids, each with its fields as they are compared."""
    paths = [resolve(desk.model, text) for text in desk.safe]
    columns: dict[str, list[str]] = {
        "head": ["pk", desk.title_field],
        "fields": list(desk.duplicates),
        "safe": [p.title or p.orm for p in paths],
        "ties": [attname for _name, attname, _entity in _ties(desk)],
        "owner": [_owner_of(desk)] if _owner_of(desk) else [],
    }
    rows = desk.model._default_manager.filter(pk__in=list(ids))
    for row in rows.values_list(*(name for names in columns.values() for name in names)):
        cells = iter(row)
        part = {key: [next(cells) for _name in names] for key, names in columns.items()}
        match = Match(desk, part["head"][0], str(part["head"][1]), part["owner"][0] if part["owner"] else None)
        told = zip(paths, part["safe"], strict=True)
        match.safe = {p.label: str(text) for p, text in told if text not in (None, "")}
        ties = zip(_ties(desk), part["ties"], strict=True)
        match.hangs_on = {(entity, pk) for (_name, _column, entity), pk in ties if pk}
        yield match, {n: plain(n, value) for n, value in zip(desk.duplicates, part["fields"], strict=True)}


def _owner_of(desk: Desk) -> str:
    """The way to the owner's id: a contact's is the owner of its customer; "" where there is none."""
    path = desk.read.path if isinstance(desk.read, Ruled) else ""
    return desk.owner_field or (path.replace(".", "__") if "." in path else "")


def _weigh(match: Match, name: str, asked: str, stored: str) -> None:
    if not asked or not stored:
        return
    near = companies.alike(asked, stored) if kind_of(name) == NAME else float(asked == stored)
    if near >= ALIKE:
        match.fields.append(name)
        match.score = max(match.score, near)


# Finding for many rows


def find_exact(desk: Desk, viewer: Viewer, rows: Sequence[Mapping[str, Any]]) -> dict[int, Match]:
    """{place of the row: a record of any kind that is the same in a field}, for rows that would be new."""
    found: dict[int, Match] = {}
    here = [_of_itself(desk, row, None) for row in rows]
    for other in [desk, *_others(desk, viewer)]:
        asked = {n: _plain_of(other, _as_of(other, desk, row)) for n, row in enumerate(rows) if n not in found}
        places: dict[int, list[int]] = {}
        for n, texts in asked.items():
            for key in _exact_keys(other, texts):
                places.setdefault(key, []).append(n)
        hits = _numbers(places)
        base = search.slot(other.key) * search.ROOM
        loaded = dict.fromkeys(number - base for _key, number in hits)
        known = {m.pk: (m, stored) for m, stored in _loaded(other, loaded)}
        for key, number in hits:
            if number - base in known:
                match, stored = known[number - base]
                for n in places[key]:
                    if n not in found and not _belongs(match, here[n]) and (same := _same(asked[n], stored)):
                        found[n] = replace(match, fields=same, score=1.0)
    _seen(viewer, list(found.values()))
    return found


def _plain_of(desk: Desk, values: Mapping[str, Any]) -> dict[str, str]:
    return {name: plain(name, values.get(name)) for name in desk.duplicates}


def _exact_keys(desk: Desk, texts: Mapping[str, str]) -> list[int]:
    return [_key(f"{desk.key}:{kind_of(name)}:{text}") for name, text in texts.items() if text]


def _same(asked: Mapping[str, str], stored: Mapping[str, str]) -> list[str]:
    return [name for name, text in asked.items() if text and stored[name] == text]


def _numbers(keys: Iterable[int], chunk: int = 900) -> list[tuple[int, int]]:
    """(key, number) of the entries with these keys."""
    found: list[tuple[int, int]] = []
    with connection.cursor() as cursor:
        wanted = list(keys)
        for start in range(0, len(wanted), chunk):
            part = wanted[start : start + chunk]
            holes = ", ".join(["%s"] * len(part))
            cursor.execute(f"SELECT key, number FROM desk_duplicate WHERE key IN ({holes})", part)
            found += cursor.fetchall()
    return found


# What follows from it


def of_card(desk: Desk, viewer: Viewer, text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What a pasted card or signature gives a new record: {field: value}, and the names of the records it leads to.

    The company on the card is the record that a relation leads to, where there is one of that name.
    """
    told = cards.read(text)
    names = list(desk.fillable(viewer))
    fields: dict[str, Any] = dict(cards.as_fields(told, names))
    labels: dict[str, str] = {}
    for name in names:
        field = desk.model._meta.get_field(name)
        other = desk_of(field.related_model) if field.is_relation else None
        if other is None or other.title_field not in other.duplicates or not told.get("company"):
            continue
        match = next(
            (m for m in find(other, viewer, {other.title_field: told["company"]}) if m.exact and m.readable), None
        )
        if match is not None:
            fields[name], labels[name] = match.pk, match.title
    return fields, labels


def impossible(name: str, text: str) -> str:
    """Why this can be no tax number, "" where it can or is none; `text` as `plain` makes it."""
    if (
        kind_of(name) != TAX
        or len(text) != 18
        or text[:1] not in companies.CREDIT_CODE
        or companies.is_credit_code(text)
    ):
        return ""
    return _("This is no possible credit code; look at each of the 18 characters again.")


def refused(desk: Desk, viewer: Viewer, values: Mapping[str, Any], but: int | None) -> dict[str, str]:
    """{field: why} of what may not be kept: an impossible credit code, and the tax number of another record."""
    found: dict[str, str] = {}
    for name in desk.duplicates:
        text = plain(name, values.get(name))
        if kind_of(name) != TAX or not text:
            continue
        if why := impossible(name, text):
            found[name] = why
        elif not desk.repeats.always(viewer) and (other := _with(desk, viewer, name, values, but)):
            told = {"name": other.title, "owner": _owner(other) or _("nobody")}
            found[name] = _("%(name)s has this tax number already (owner: %(owner)s).") % told
    return found


def _with(desk: Desk, viewer: Viewer, name: str, values: Mapping[str, Any], but: int | None) -> Match | None:
    return next((m for m in find(desk, viewer, {name: values.get(name)}, but) if m.exact), None)


def _owner(match: Match) -> str:
    people = desk_of("person")
    if people is None or match.owner_id is None:
        return ""
    return str(people.model._default_manager.filter(pk=match.owner_id).values_list("name", flat=True).first() or "")


SHOWN_HOURS = 12


def mark(viewer: Viewer, desk: Desk, pk: int) -> str:
    """A proof that this viewer was shown this record as a possible duplicate, for SHOWN_HOURS."""
    return signing.dumps([viewer.person_id, desk.key, pk], salt="duplicate")


def was_shown(viewer: Viewer, desk: Desk, pk: int, given: str) -> bool:
    """Whether `given` is the mark of this record for this viewer: numbers cannot be tried out."""
    try:
        shown = signing.loads(given, salt="duplicate", max_age=SHOWN_HOURS * 3600)
    except signing.BadSignature:
        return False
    return viewer.person_id is not None and shown == [viewer.person_id, desk.key, pk]


ASKED = notice("duplicate", gettext_lazy("Questions about my records"), "copy")


def ask_owner(desk: Desk, record: Any) -> int:
    """Tell the owner that somebody was about to write the same record down; returns how many were told."""
    way = _owner_of(desk)
    owner = desk.model._default_manager.filter(pk=record.pk).values_list(way, flat=True).first() if way else None
    text = gettext_noop("%(actor)s asks about %(title)s: they were about to write it down too.")
    return notify([owner], ASKED, text, record=record, once=True)

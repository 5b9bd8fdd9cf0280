"""快照 snapshot: everything a run read, so that a locked period can be reckoned again when the facts have moved on.

A snapshot is one file: the policy's text, the people with their roles and terms, the rows, and the answers about goals,
splits, rates and the ledger. `reproduce` reckons from it alone and compares every line with what was stored.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from xiaoguan.base.explain import Line
from xiaoguan.base.ledger import Entry
from xiaoguan.base.money import Money
from xiaoguan.base.periods import Period
from xiaoguan.policy import Policy, RowsWorld, Span, Type, Who, load_text
from xiaoguan.policy.formula import Row
from xiaoguan.rulebook.facts import facts, schema
from xiaoguan.rulebook.models import Result, Run
from xiaoguan.rulebook.reckoning import Found, asked_for, digest_of, reckon_all, reckon_people
from xiaoguan.rulebook.versions import document_of
from xiaoguan.rulebook.world import DatabaseWorld, Participants

FORM = 1


class Stale(Exception):
    """The facts are not those of the run any more: reckon the period again before it is locked."""


class Unreadable(Exception):
    """The file is not the snapshot that was written."""


@dataclass(frozen=True)
class Difference:
    """A stored result that the snapshot does not give: None where one of them is not there."""

    kind: str
    name: str
    person: int | None
    stored: str | None
    again: str | None


def keep(run: Run) -> tuple[Path, str]:
    """Write what a run read below the installation's home. Returns the file and the digest of its bytes.

    The run is reckoned once more; raises Stale when its inputs have changed since. The same run gives the same bytes.
    """
    policy = document_of(run.policy)
    period = _period(policy, run.kind, run.starts_on)
    world, everybody = asked_for(policy, period)
    reckon_all(policy, period, world, everybody)
    if digest_of(run.policy, period, world, everybody) != run.digest:
        raise Stale(f"{run.label}: records changed since it was calculated; calculate it again.")
    data = orjson.dumps(_content(run, world, everybody), default=_plain, option=orjson.OPT_SORT_KEYS)
    packed = gzip.compress(data, 6, mtime=0)
    path = Path(settings.HOME) / "snapshots" / f"{run.policy.policy_id}-{run.starts_on}-{run.ends_on}-{run.pk}.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(packed)
    part.replace(path)
    return path, sha256(packed).hexdigest()


def reproduce(path: Path, digest: str = "") -> tuple[list[Found], dict[str, Any]]:
    """What the snapshot gives, from its own content alone, and the head of it. Raises Unreadable."""
    try:
        packed = path.read_bytes()
        content = orjson.loads(gzip.decompress(packed))
    except (OSError, EOFError, ValueError, gzip.BadGzipFile) as error:
        raise Unreadable(f"{path} cannot be read: {error}") from error
    if digest and sha256(packed).hexdigest() != digest:
        raise Unreadable(f"{path} is not the file that was written when the period was locked")
    policy, _issues = load_text(content["policy"], "")
    if policy is None or content.get("form") != FORM:
        raise Unreadable(f"{path} was written by another version of the software")
    others = [one for text in content.get("versions", ()) if (one := load_text(text, "")[0]) is not None]
    world = KeptWorld(policy, content, others)
    head = {key: content[key] for key in ("run", "period", "engine")}
    period = _period(policy, content["period"]["kind"], date.fromisoformat(content["period"]["start"]))
    return reckon_people(policy, period, world, world.participants)[0], head


def differences(run: Run, again: Sequence[Found]) -> tuple[int, list[Difference]]:
    """How many results of people were compared, and those that are not equal in every byte of their explanation."""
    stored = Result.objects.filter(run=run, person__isnull=False).order_by("id")
    old = [(r.kind, r.name, r.person_id, _bytes(r.trace)) for r in stored]
    new = [(f.kind, f.line.name[:60], f.person, _bytes(f.line.to_json())) for f in again if f.person is not None]
    found = []
    for i in range(max(len(old), len(new))):
        a, b = old[i] if i < len(old) else None, new[i] if i < len(new) else None
        if a != b:
            kind, name, person, _trace = a or b or ("", "", None, b"")
            found.append(Difference(str(kind), name, person, a and a[3].decode(), b and b[3].decode()))
    return max(len(old), len(new)), found


def _bytes(trace: Mapping[str, Any]) -> bytes:
    return orjson.dumps(trace, option=orjson.OPT_SORT_KEYS)


class KeptWorld(RowsWorld):
    """The answers of a snapshot."""

    def __init__(self, policy: Policy, content: Mapping[str, Any], versions: Sequence[Policy] = ()):
        self.content, self.versions = content, versions or [policy]
        self._others: dict[str, KeptWorld] = {policy.version: self}
        known = schema()
        rows = {table: [_row(known.facts[table].fields, r) for r in every] for table, every in content["rows"].items()}
        super().__init__(policy, rows, schema=known)
        self._terms = {
            key: [(_day(a), _day(b), _terms(terms)) for a, b, terms in every] for key, every in content["terms"].items()
        }
        self._whos = {one["key"]: _who(one) for one in content["people"]}
        self.participants = [_who(one) for one in content["participants"]]
        self._asked = {(goal, key, label): _number(value) for goal, key, label, value in content["goals"]}
        self._shared = {record: [_split(one) for one in every] for record, every in content["splits"].items()}
        self._rated = {(c, date.fromisoformat(on), k): rate for c, on, k, rate in content["rates"]}
        self._entries = {key: [Entry.from_json(one) for one in every] for key, every in content["posted"].items()}
        self._has_splits = content["has_splits"]
        self._graded = {(a, key, label): self._grade(row) for a, key, label, row in content.get("grades", ())}

    def under(self, policy: Policy) -> KeptWorld:
        """The same answers for another version of the policy."""
        if policy.version not in self._others:
            self._others[policy.version] = KeptWorld(policy, self.content, self.versions)
        return self._others[policy.version]

    @property
    def has_splits(self) -> bool:
        return bool(self._has_splits)

    @property
    def locked(self) -> Sequence[str]:
        return self.content.get("locked", ())

    def goal(self, goal_id: str, who: Who, period: Period) -> Line | None:
        value = self._asked.get((goal_id, who.key, period.label))
        goal = self.policy.goal(goal_id)
        if value is None or goal is None:
            return None
        source = f"{self.policy.clause}, {goal.source or goal.path}"
        unit = self.policy.unit_of(goal.metric)
        return Line(goal_id, goal.name or goal_id, value, unit, source=source, note=f"for {period.label}")

    def about(self, table: str, record: str, of: str) -> Sequence[Row]:
        if self._pointing is None:
            self._pointing = {}
        for name in facts()[table].pointers(of) if table in facts() else ():
            key = (f"{table}.{name}", "")
            if key not in self._pointing:
                self._pointing[key] = []
                for row in sorted(self.tables.get(table, ()), key=lambda row: int(str(row["id"]))):
                    self._pointing.setdefault((f"{table}.{name}", str(row[name])), []).append(row)
            return self._pointing.get((f"{table}.{name}", record), ())
        return ()

    def splits(self, table: str, record: str) -> Sequence[Row]:
        if table != "orders":
            head = (self.row(table, record) or {}).get("order")
            return self.splits("orders", str(head)) if head is not None else ()
        return self._shared.get(record, ())

    def person(self, key: str) -> Who | None:
        return self._whos.get(key)

    def people(self) -> Sequence[Who]:
        return list(self._whos.values())

    def at(self, who: Who, period: Period) -> Who:
        last = period.end - timedelta(days=1)
        every = self._terms.get(who.key, ())
        terms = next((t for a, b, t in every if a is not None and a <= last and (b is None or last < b)), {})
        return replace(who, terms=terms) if who.key in self._terms else who

    def grade(self, appraisal_id: str, who: Who, period: Period) -> Row | None:
        return self._graded.get((appraisal_id, who.key, period.label))

    def _grade(self, row: Mapping[str, Any] | None) -> Row | None:
        if row is None:
            return None
        own = _period(self.policy, row["kind"], date.fromisoformat(row["start"]))
        return {"grade": row["grade"], "score": _number(row["score"]), "factor": _number(row["factor"]), "period": own}

    def rate(self, currency: str, on: date, kind: str) -> Fraction | None:
        found = self._rated.get((currency, on, kind))
        return None if found is None else Fraction(found)

    def posted(self, who: Who) -> Sequence[Entry]:
        return self._entries.get(who.key, ())


# Writing


def _content(run: Run, world: DatabaseWorld, everybody: Participants) -> dict[str, Any]:
    taken = world.taken
    staff = {str(pk): world.staff for pk in world.staff.persons} if "_staff" in vars(world) else {}
    whos = [world.person(key) for key in staff]
    return {
        "form": FORM,
        "run": run.pk,
        "engine": run.engine,
        "policy": run.policy.text,
        "versions": [one.text for one in world.versions] if len(world.versions) > 1 else [],
        "period": {"kind": run.kind, "label": run.label, "start": run.starts_on, "end_exclusive": run.ends_on},
        "participants": [_person(who) for who in everybody.people.values()],
        "people": [_person(who) for who in whos if who is not None],
        "terms": {key: world.staff.terms.get(int(key), []) for key in staff},
        "rows": {table: [rows[key] for key in sorted(rows, key=_place)] for table, rows in taken.rows.items()},
        "goals": sorted([*key, value] for key, value in taken.goals.items()),
        "splits": taken.splits,
        "has_splits": world.has_splits,
        "rates": [[*key, None if rate is None else str(rate)] for key, rate in taken.rates.items()],
        "locked": taken.locked or [],
        "posted": {key: [entry.to_json() for entry in entries] for key, entries in taken.posted.items()},
        "grades": [[*key, _graded(row)] for key, row in taken.grades.items()],
    }


def _graded(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    own = row["period"]
    assert isinstance(own, Period)
    return {**{name: row[name] for name in ("grade", "score", "factor")}, "kind": own.kind, "start": own.start}


def _place(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdigit() else (-1, key)


def _person(who: Who) -> dict[str, Any]:
    return {
        "key": who.key,
        "name": who.name,
        "role": who.role,
        "team": who.team,
        "terms": dict(who.terms),
        "hired_on": who.hired_on,
        "left_on": who.left_on,
        "spans": [asdict(span) for span in who.spans],
    }


def _plain(value: object) -> object:
    """What JSON has no word for: a fraction as "n/d", an amount with its currency."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Money):
        return {"units": value.units, "currency": value.currency}
    raise TypeError(f"{value!r} has no place in a snapshot")


# Reading


def _period(policy: Policy, kind: str, start: date) -> Period:
    return policy.calendar.period(kind, start)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _number(value: Any) -> Any:
    found = Fraction(value) if isinstance(value, str) else value
    return found.numerator if isinstance(found, Fraction) and found.denominator == 1 else found


_NUMBERS = (Type.MONEY, Type.NUMBER, Type.RATIO, Type.COUNT, Type.SCORE)


def _row(fields: Mapping[str, Type], row: Mapping[str, Any]) -> Row:
    read = dict(row)
    for name, type_ in fields.items():
        value = read.get(name)
        if isinstance(value, str) and type_ is Type.DATE:
            read[name] = date.fromisoformat(value)
        elif isinstance(value, str) and type_ in _NUMBERS:
            read[name] = _number(value)
    return read


def _terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: Money.of_units(value["units"], value["currency"]) if isinstance(value, dict) else Fraction(value)
        for name, value in terms.items()
    }


def _who(one: Mapping[str, Any]) -> Who:
    spans = tuple(Span(**{**span, "start": _day(span["start"]), "end": _day(span["end"])}) for span in one["spans"])
    days = _day(one["hired_on"]), _day(one["left_on"])
    return Who(one["key"], one["name"], one["role"], _terms(one["terms"]), one["team"], *days, spans)


def _split(one: Mapping[str, Any]) -> Row:
    return {**one, "share": Fraction(one["share"]), "counts": tuple(one["counts"])}

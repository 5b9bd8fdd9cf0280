"""One visibility rule, three answers: a query filter, a yes or no, and a sentence.

A rule is written with the words below and combined with `|` and `&`. It is resolved once a request against a Viewer, so
lists, search, counts, exports, API and files cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Viewer:
    """Who looks, resolved for today.

    reports     who reports to them, all levels; teammates: who shares a team; tree: those and who is in teams below
    deputy_of   people they stand in for today: whose records, reports and teams count as theirs
    grants      what the company has set for their roles: {(entity, deed): {role: scope}}
    levels      the same for fields: {(entity, field): {role: level}}
    shares      records given to them one by one: {(entity, "read" or "write"): ids}
    """

    person_id: int | None = None
    name: str = ""
    account_id: int | None = None
    roles: frozenset[str] = frozenset()
    reports: frozenset[int] = frozenset()
    teammates: frozenset[int] = frozenset()
    tree: frozenset[int] = frozenset()
    deputy_of: frozenset[int] = frozenset()
    locale: str = "en"
    grants: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict, compare=False, hash=False)
    levels: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict, compare=False, hash=False)
    shares: Mapping[tuple[str, str], frozenset[int]] = field(default_factory=dict, compare=False, hash=False)
    extra: dict[str, Any] = field(default_factory=dict, compare=False, hash=False)

    def has(self, *codes: str) -> bool:
        return not self.roles.isdisjoint(codes)

    @property
    def own(self) -> frozenset[int]:
        """Themselves and those they stand in for."""
        return self.deputy_of | {self.person_id} - {None}


NOBODY = Viewer()
_source: Callable[[Any], Viewer] | None = None


def use_viewers_from(source: Callable[[Any], Viewer]) -> None:
    """The floor that knows people says here how an account becomes a Viewer."""
    global _source
    _source = source


def viewer_of(request: Any) -> Viewer:
    """The Viewer of a request, resolved once and kept on it."""
    found = getattr(request, "_viewer", None)
    if found is None:
        user = getattr(request, "user", None)
        found = _source(user) if _source and user is not None and user.is_authenticated else NOBODY
        request._viewer = found
    return found


ALL, NONE = Q(), Q(pk__in=())
BRANCHES = 64


@dataclass(frozen=True)
class Branches:
    """The records whose `field` is one of `people`, and those without any if `nobody_too`."""

    field: str
    people: tuple[int, ...]
    nobody_too: bool


class Rule:
    """What may be seen or done. Subclasses answer for one word."""

    def q(self, viewer: Viewer) -> Q:
        raise NotImplementedError

    def allows(self, viewer: Viewer, record: Any) -> bool:
        raise NotImplementedError

    def words(self) -> str:
        raise NotImplementedError

    def always(self, viewer: Viewer) -> bool:
        """True if the answer is yes for every record, without looking at one."""
        return False

    def never(self, viewer: Viewer) -> bool:
        """True if the answer is no for every record, without looking at one."""
        return False

    def branches(self, viewer: Viewer) -> Branches | None:
        """The filter as disjoint parts, one for each person, if it is nothing else; None otherwise.

        A database finds the first rows of each part by an index and merges them, where for one `IN` it sorts all.
        """
        return None

    def reasons(self, viewer: Viewer, record: Any) -> list[str]:
        """The sentences that hold for this viewer and record; empty when there is no access."""
        return [str(self.words())] if self.allows(viewer, record) else []

    def __or__(self, other: Rule) -> Rule:
        return AnyOf((*_parts(self, AnyOf), *_parts(other, AnyOf)))

    def __and__(self, other: Rule) -> Rule:
        return AllOf((*_parts(self, AllOf), *_parts(other, AllOf)))


def _parts(rule: Rule, kind: type) -> tuple[Rule, ...]:
    return rule.rules if isinstance(rule, kind) else (rule,)


def follow(record: Any, path: str) -> Any:
    """The id at the end of `owner` or `order.owner`; None as soon as a step is empty."""
    *steps, last = path.split(".")
    for step in steps:
        record = getattr(record, step)
        if record is None:
            return None
    return getattr(record, f"{last}_id") if last != "pk" else record.pk


@dataclass(frozen=True)
class Among(Rule):
    """The person at `path` is one of those that `people` picks for the viewer."""

    path: str
    people: Callable[[Viewer], frozenset[int]]
    sentence: Any

    def q(self, viewer: Viewer) -> Q:
        ids = self.people(viewer)
        if not ids:
            return NONE
        name = self.path.replace(".", "__")
        return Q(**{name: next(iter(ids))}) if len(ids) == 1 else Q(**{f"{name}__in": sorted(ids)})

    def never(self, viewer: Viewer) -> bool:
        return not self.people(viewer)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return follow(record, self.path) in self.people(viewer)

    def words(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class HasRole(Rule):
    codes: tuple[str, ...]

    def q(self, viewer: Viewer) -> Q:
        return ALL if viewer.has(*self.codes) else NONE

    def always(self, viewer: Viewer) -> bool:
        return viewer.has(*self.codes)

    def never(self, viewer: Viewer) -> bool:
        return not viewer.has(*self.codes)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return viewer.has(*self.codes)

    def words(self) -> str:
        return _("people with the role %(roles)s") % {"roles": _(", ").join(str(role_label(c)) for c in self.codes)}


@dataclass(frozen=True)
class Everyone(Rule):
    def q(self, viewer: Viewer) -> Q:
        return ALL if viewer.account_id or viewer.person_id else NONE

    def always(self, viewer: Viewer) -> bool:
        return bool(viewer.account_id or viewer.person_id)

    def never(self, viewer: Viewer) -> bool:
        return not self.always(viewer)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return self.always(viewer)

    def words(self) -> str:
        return _("everyone who is signed in")


@dataclass(frozen=True)
class Nobody(Rule):
    def q(self, viewer: Viewer) -> Q:
        return NONE

    def never(self, viewer: Viewer) -> bool:
        return True

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return False

    def words(self) -> str:
        return _("nobody")


@dataclass(frozen=True)
class Unassigned(Rule):
    """Nobody stands at `path`: everyone signed in may."""

    path: str

    def q(self, viewer: Viewer) -> Q:
        return Q(**{f"{self.path.replace('.', '__')}__isnull": True}) if viewer.person_id else NONE

    def never(self, viewer: Viewer) -> bool:
        return viewer.person_id is None

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return viewer.person_id is not None and follow(record, self.path) is None

    def words(self) -> str:
        return _("everyone, while it has no owner")


@dataclass(frozen=True)
class AnyOf(Rule):
    rules: tuple[Rule, ...]

    def q(self, viewer: Viewer) -> Q:
        if self.always(viewer):
            return ALL
        found = NONE
        for rule in _merged(self.rules, viewer):
            found = rule.q(viewer) if found is NONE else found | rule.q(viewer)
        return found

    def branches(self, viewer: Viewer) -> Branches | None:
        live = [r for r in self.rules if not r.never(viewer)]
        paths = {r.path for r in live if isinstance(r, Among | Unassigned)}
        if self.always(viewer) or len(paths) != 1 or not all(isinstance(r, Among | Unassigned) for r in live):
            return None
        name = paths.pop().replace(".", "__")
        people = frozenset().union(*(r.people(viewer) for r in live if isinstance(r, Among)))
        nobody_too = any(isinstance(r, Unassigned) for r in live)
        fits = "__" not in name and 1 < len(people) + nobody_too <= BRANCHES
        return Branches(name, tuple(sorted(people)), nobody_too) if fits else None

    def always(self, viewer: Viewer) -> bool:
        return any(r.always(viewer) for r in self.rules)

    def never(self, viewer: Viewer) -> bool:
        return all(r.never(viewer) for r in self.rules)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return any(r.allows(viewer, record) for r in self.rules)

    def words(self) -> str:
        return _("; ").join(str(r.words()) for r in self.rules)

    def reasons(self, viewer: Viewer, record: Any) -> list[str]:
        return [reason for r in self.rules for reason in r.reasons(viewer, record)]


def _merged(rules: tuple[Rule, ...], viewer: Viewer) -> list[Rule]:
    """Those that say anything; owner | manager | team of one path are one `IN`, for which databases use an index."""
    people: dict[str, frozenset[int]] = {}
    others: list[Rule] = []
    for rule in rules:
        if rule.never(viewer):
            continue
        if isinstance(rule, Among):
            people[rule.path] = people.get(rule.path, frozenset()) | rule.people(viewer)
        else:
            others.append(rule)
    return [*(Among(path, lambda _v, ids=ids: ids, "") for path, ids in people.items()), *others]


@dataclass(frozen=True)
class AllOf(Rule):
    rules: tuple[Rule, ...]

    def q(self, viewer: Viewer) -> Q:
        found = Q()
        for rule in self.rules:
            found &= rule.q(viewer)
        return found

    def always(self, viewer: Viewer) -> bool:
        return all(r.always(viewer) for r in self.rules)

    def never(self, viewer: Viewer) -> bool:
        return any(r.never(viewer) for r in self.rules)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return all(r.allows(viewer, record) for r in self.rules)

    def words(self) -> str:
        return _(" and ").join(str(r.words()) for r in self.rules)


def owner(path: str) -> Rule:
    """The person at `path`."""
    return Among(path, lambda v: v.own, _("the owner"))


def in_person(path: str) -> Rule:
    """The person at `path`, and nobody in their stead."""
    return Among(path, lambda v: frozenset({v.person_id} - {None}), _("the person"))


def manager(path: str) -> Rule:
    """Everyone above the person at `path` on today's reporting line."""
    return Among(path, lambda v: v.reports, _("the managers above the owner"))


def team(path: str) -> Rule:
    """Everyone who is in a team with the person at `path` today."""
    return Among(path, lambda v: v.teammates, _("the owner's team"))


def tree(path: str) -> Rule:
    """Everyone who is in a team of the person at `path`, or in a team above it."""
    return Among(path, lambda v: v.tree, _("the owner's team and the teams above it"))


def role(*codes: str) -> Rule:
    """Whoever holds one of these roles today."""
    return HasRole(codes)


def unassigned(path: str) -> Rule:
    return Unassigned(path)


everyone, nobody = Everyone(), Nobody()

# What a company sets for its roles instead of what the declaration says, and what people share one by one.

DEEDS = "read", "write", "create", "delete", "export"
SCOPES = {
    "none": _("nothing"),
    "own": _("their own"),
    "reports": _("their own and those of their reports"),
    "team": _("those of their team too"),
    "tree": _("those of their team and the teams below"),
    "all": _("everything"),
}


def within(scope: str, path: str) -> Rule:
    """The rule behind one of SCOPES; `path` leads to the owner, "" where records have none."""
    if scope == "all":
        return everyone
    if scope == "none" or not path:
        return nobody
    wider = {"own": (), "reports": (manager,), "team": (manager, team), "tree": (manager, team, tree)}[scope]
    rule = owner(path)
    for word in wider:
        rule = rule | word(path)
    return rule


def scope_of(rule: Rule, code: str) -> str:
    """How far a declared rule lets people with this one role go, as one of SCOPES; "" where none of them says it."""
    while isinstance(rule, Ruled):
        rule = rule.declared
    someone = Viewer(1, roles=frozenset({code}), reports=frozenset({2}), teammates=frozenset({3}), tree=frozenset({4}))
    parts = _parts(rule, AnyOf)
    if rule.always(someone):
        return "all"
    if any(isinstance(part, AllOf) for part in parts):
        return ""
    reached = {pk for part in parts if isinstance(part, Among) for pk in part.people(someone)}
    return next(
        (scope for scope, pk in (("tree", 4), ("team", 3), ("reports", 2), ("own", 1)) if pk in reached), "none"
    )


@dataclass(frozen=True)
class Shared(Rule):
    """Given to the viewer by somebody who may write it: the record itself, or the one that it belongs to."""

    entity: str
    deed: str
    via: str = "pk"

    def _ids(self, viewer: Viewer) -> frozenset[int]:
        return viewer.shares.get((self.entity, self.deed), frozenset())

    def q(self, viewer: Viewer) -> Q:
        ids = self._ids(viewer)
        return Q(**{f"{self.via}__in": sorted(ids)}) if ids else NONE

    def never(self, viewer: Viewer) -> bool:
        return not self._ids(viewer)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return (record.pk if self.via == "pk" else getattr(record, f"{self.via}_id")) in self._ids(viewer)

    def words(self) -> str:
        return _("people it is shared with")


@dataclass(frozen=True)
class Holding(Rule):
    """A rule as it is for somebody with only these of their roles."""

    rule: Rule
    roles: frozenset[str]

    def _as(self, viewer: Viewer) -> Viewer:
        return replace(viewer, roles=viewer.roles & self.roles)

    def q(self, viewer: Viewer) -> Q:
        return self.rule.q(self._as(viewer))

    def always(self, viewer: Viewer) -> bool:
        return self.rule.always(self._as(viewer))

    def never(self, viewer: Viewer) -> bool:
        return self.rule.never(self._as(viewer))

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return self.rule.allows(self._as(viewer), record)

    def words(self) -> str:
        return self.rule.words()


@dataclass(frozen=True)
class Ruled(Rule):
    """The rule in force for one deed on one entity: what the company set for the viewer's roles, else the declared one,
    and what was shared with the viewer.

    A grant takes the place of the declaration for people with its role; with several roles the widest holds.
    path, via    where the owner of a record stands, and the relation that leads there ("" when it is its own).
    """

    entity: str
    deed: str
    declared: Rule
    path: str = ""
    via: tuple[str, str] = ("", "")

    def now(self, viewer: Viewer) -> Rule:
        """The rule for this viewer; kept with the viewer, who is made anew when the organisation changes."""
        key = "rule", self.entity, self.deed, id(self.declared)
        found = viewer.extra.get(key)
        if found is None:
            found = viewer.extra[key] = self._made(viewer)
        return found

    def _made(self, viewer: Viewer) -> Rule:
        given = viewer.grants.get((self.entity, self.deed))
        rule = self.declared
        if given:
            parts = [within(scope, self.path) for scope in sorted(set(given.values()))]
            rest = viewer.roles - given.keys()
            rule = AnyOf(tuple(p for part in parts for p in _parts(part, AnyOf)))
            rule = rule | Holding(self.declared, rest) if rest else rule
        if self.deed in ("read", "write"):
            shared = [Shared(self.entity, self.deed)]
            shared += [Shared(self.via[1], self.deed, self.via[0])] if self.via[0] else []
            for each in shared:
                rule = rule if each.never(viewer) else rule | each
        return rule

    def q(self, viewer: Viewer) -> Q:
        return self.now(viewer).q(viewer)

    def always(self, viewer: Viewer) -> bool:
        return self.now(viewer).always(viewer)

    def never(self, viewer: Viewer) -> bool:
        return self.now(viewer).never(viewer)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return self.now(viewer).allows(viewer, record)

    def branches(self, viewer: Viewer) -> Branches | None:
        return self.now(viewer).branches(viewer)

    def words(self) -> str:
        return self.declared.words()

    def reasons(self, viewer: Viewer, record: Any) -> list[str]:
        return self.now(viewer).reasons(viewer, record)


def owner_path(rule: Rule) -> str:
    """The path to the owner that a declared rule speaks of; "" if it speaks of none."""
    for part in _parts(rule, AnyOf):
        if isinstance(part, Among | Unassigned):
            return part.path
    return ""


# Fields

LEVELS = {"none": _("not at all"), "masked": _("masked"), "read": _("reading"), "edit": _("reading and changing")}
_RANK = {name: rank for rank, name in enumerate(LEVELS)}


@dataclass(frozen=True)
class Limit:
    """What people may do with a field who are not among `unless`: one of LEVELS."""

    level: str
    unless: Rule


def hidden(unless: Rule) -> Limit:
    return Limit("none", unless)


def masked(unless: Rule) -> Limit:
    """Others see that there is something, not what."""
    return Limit("masked", unless)


def read_only(unless: Rule) -> Limit:
    return Limit("read", unless)


def level_of(viewer: Viewer, entity: str, name: str, declared: Limit | None) -> str:
    """The level of one field for this viewer: what the company set for their roles, else what is declared."""
    ordinary = "edit" if declared is None or declared.unless.always(viewer) else declared.level
    given = viewer.levels.get((entity, name))
    if not given:
        return ordinary
    levels = [*given.values(), *([ordinary] if viewer.roles - given.keys() else [])]
    return max(levels, key=_RANK.__getitem__)


def least(levels: Any) -> str:
    return min(levels, key=_RANK.__getitem__, default="edit")


def mask(text: str) -> str:
    """A hint of the text: enough to tell two apart, too little to use."""
    return f"{text[:3]}****{text[-2:]}" if len(text) >= 8 else "***" if text else ""


_role_labels: dict[str, Any] = {}


def name_roles(labels: dict[str, Any]) -> None:
    """Readable names for role codes, used in "who can see this"."""
    _role_labels.update(labels)


def role_label(code: str) -> Any:
    """What people call a role; its code if nobody named it."""
    return _role_labels.get(code, code)

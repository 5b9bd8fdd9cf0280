"""One visibility rule, three answers: a query filter, a yes or no, and a sentence.

A rule is written with the words below and combined with `|` and `&`. It is resolved once a request against a Viewer, so
lists, search, counts, exports, API and files cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Viewer:
    """Who looks, resolved for today: their roles, who reports to them (all levels) and who shares a team with them."""

    person_id: int | None = None
    name: str = ""
    account_id: int | None = None
    roles: frozenset[str] = frozenset()
    reports: frozenset[int] = frozenset()
    teammates: frozenset[int] = frozenset()
    locale: str = "en"
    extra: dict[str, Any] = field(default_factory=dict, compare=False, hash=False)

    def has(self, *codes: str) -> bool:
        return not self.roles.isdisjoint(codes)


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
        for rule in self.rules:
            if not rule.never(viewer):
                found = rule.q(viewer) if found is NONE else found | rule.q(viewer)
        return _merge_people(self.rules, viewer) or found

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


def _merge_people(rules: tuple[Rule, ...], viewer: Viewer) -> Q | None:
    """owner | manager | team of one path is one `IN`: databases use an index for it, not for an OR of three."""
    live = [r for r in rules if not r.never(viewer)]
    if len(live) < 2 or not all(isinstance(r, Among) and r.path == live[0].path for r in live):
        return None
    merged = frozenset().union(*(r.people(viewer) for r in live))
    return Among(live[0].path, lambda _viewer: merged, "").q(viewer)


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
    return Among(path, lambda v: frozenset({v.person_id} - {None}), _("the owner"))


def manager(path: str) -> Rule:
    """Everyone above the person at `path` on today's reporting line."""
    return Among(path, lambda v: v.reports, _("the managers above the owner"))


def team(path: str) -> Rule:
    """Everyone who is in a team with the person at `path` today."""
    return Among(path, lambda v: v.teammates, _("the owner's team"))


def role(*codes: str) -> Rule:
    """Whoever holds one of these roles today."""
    return HasRole(codes)


def unassigned(path: str) -> Rule:
    return Unassigned(path)


everyone, nobody = Everyone(), Nobody()
_role_labels: dict[str, Any] = {}


def name_roles(labels: dict[str, Any]) -> None:
    """Readable names for role codes, used in "who can see this"."""
    _role_labels.update(labels)


def role_label(code: str) -> Any:
    """What people call a role; its code if nobody named it."""
    return _role_labels.get(code, code)

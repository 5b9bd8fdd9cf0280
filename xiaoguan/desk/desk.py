"""Desk, register() and the registry: the declaration of an entity, read by every screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, TypeVar

from django.db import models
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from xiaoguan.desk.access import Limit, Rule, Ruled, Viewer, everyone, least, level_of, nobody, owner_path
from xiaoguan.desk.approvals.flows import Approval
from xiaoguan.desk.paging import Order
from xiaoguan.desk.paths import Path, resolve, title_field
from xiaoguan.desk.verbs import Verb

T = TypeVar("T")


@dataclass(frozen=True)
class Board:
    """Lanes of cards. lanes: the field; card: up to three paths (the first is the title); total: a money field.

    move    the verb that a drop runs, with `to` = the lane; once a record is there, nothing else changes the field.
    kept    a second field: counts and totals are kept for each lane and value of it, not counted (desk/tallies.py).
    """

    lanes: str
    card: tuple[str, ...]
    total: str
    move: type[Verb]
    order: str = "-updated_at"
    kept: str = ""


@dataclass(frozen=True)
class Steps:
    """What is planned and done about a record: the reverse relation, the day it is due, the day it was done."""

    relation: str = "activities"
    due: str = "due_on"
    done: str = "done_on"


@dataclass(frozen=True)
class Ready:
    """A view that everybody finds beside the list: its word in addresses, its label, and the parameters of the list."""

    name: str
    label: Any
    query: str


@dataclass(frozen=True)
class Total:
    """A key figure added up from what belongs to the record, as far as its reader may see that: a link to the list.

    relation    the reverse relation: "orders"; amount: the money field that is added up, less the field `less`.
    query       the parameters of that list: "status=signed&where=ordered_on:in:this_year".
    """

    label: Any
    relation: str
    amount: str
    query: str = ""
    less: str = ""


class Desk:
    """The declaration. Options:

    model      the Record
    slug       the plural in URLs; the model's name with an s unless set
    icon       name in the icon sprite; place: the menu place it belongs to
    rank       how near at hand it is, 1 first: the order of kinds in the search and among what can be made
    also       further words by which the palette finds it
    beside     paths beside the title where a record is one of several: the search, the boxes that choose one
    columns    dotted paths of the list and its export, the first is the link to the record
    form       rows of the form; each string names the fields of one row
    quick      fields that the sheet for making one asks too, beside those without which it cannot be kept
    filters    paths of the filter bar and the API's parameters
    views      Ready ones, as tabs before those that people keep
    search     fields that the search table holds; a relation ("customer") is searched through its own entry
    order      default sort, "-field" descending
    within     the sort among what belongs to one record, where it is another: the lines of an order by their position
    figures    paths of the key figures on the detail page
    sums       Total key figures, before the others
    related    reverse relations shown as tabs, by their accessor: "orders"
    steps      what is planned and done about a record, shown in its timeline
    open       which records of an owner are in hand, and go to others when the owner leaves; None: none
    duplicates fields by which a record is recognised as one that there is already: a name, phone, email, tax_number
    safe       paths that the warning of a duplicate shows even to who may not read the record, beside name and owner
    repeats    who may keep a second record with the same tax number
    board      Board or None
    match_on   paths by which an import recognises a row that it has seen, where it has no id of the source
    read, write, create, delete, export   access rules; create and delete follow write unless set, export follows read
    limits     fields that not everybody may read or change: {"cost": hidden(unless=role("finance"))}
    untold     fields that programs do not get, since they stand in a form of our own
    verbs      Verb classes
    approvals  what needs signatures: Approval, see desk/approvals
    badge_paths    what badge() needs to know of a card, beyond what it shows
    """

    model: ClassVar[type[models.Model]]
    slug: ClassVar[str] = ""
    icon: ClassVar[str] = "file"
    place: ClassVar[str] = ""
    hint: ClassVar[Any] = ""
    rank: ClassVar[int] = 50
    also: ClassVar[Any] = ""
    beside: ClassVar[tuple[str, ...]] = ()
    columns: ClassVar[tuple[str, ...]] = ()
    form: ClassVar[tuple[str, ...]] = ()
    quick: ClassVar[tuple[str, ...]] = ()
    filters: ClassVar[tuple[str, ...]] = ()
    views: ClassVar[tuple[Ready, ...]] = ()
    search: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[str] = "-id"
    within: ClassVar[str] = ""
    figures: ClassVar[tuple[str, ...]] = ()
    sums: ClassVar[tuple[Total, ...]] = ()
    related: ClassVar[tuple[str, ...]] = ()
    steps: ClassVar[Steps | None] = None
    open: ClassVar[Q | None] = None
    duplicates: ClassVar[tuple[str, ...]] = ()
    safe: ClassVar[tuple[str, ...]] = ()
    repeats: ClassVar[Rule] = nobody
    board: ClassVar[Board | None] = None
    match_on: ClassVar[tuple[str, ...]] = ()
    read: ClassVar[Rule] = everyone
    write: ClassVar[Rule] = nobody
    create: ClassVar[Rule | None] = None
    delete: ClassVar[Rule | None] = None
    export: ClassVar[Rule | None] = None
    limits: ClassVar[dict[str, Limit]] = {}
    untold: ClassVar[tuple[str, ...]] = ()
    verbs: ClassVar[tuple[type[Verb], ...]] = ()
    approvals: ClassVar[tuple[Approval, ...]] = ()
    badge_paths: ClassVar[tuple[str, ...]] = ()

    owner_field = ""
    """The attribute that holds the owner's id, where the owner stands on the record itself; set by `register`."""

    @property
    def key(self) -> str:
        return self.model._meta.model_name

    @property
    def label(self) -> str:
        return str(self.model._meta.verbose_name)

    @property
    def label_plural(self) -> str:
        return str(self.model._meta.verbose_name_plural)

    @cached_property
    def url_name(self) -> str:
        return self.slug or f"{self.key}s"

    def url(self, page: str = "list", **kwargs: Any) -> str:
        """The address of one of its pages; one without arguments is worked out once."""
        if kwargs:
            return reverse(f"{self.key}:{page}", kwargs=kwargs)
        if page not in self._urls:
            self._urls[page] = reverse(f"{self.key}:{page}")
        return self._urls[page]

    @cached_property
    def _urls(self) -> dict[str, str]:
        return {}

    @cached_property
    def title_field(self) -> str:
        return title_field(self.model)

    def title(self, record: Any) -> str:
        """What people know the record by; one that has no name by what it joins, never by its id."""
        return str(record) if self.title_field == "pk" else self.titled(getattr(record, self.title_field))

    def titled(self, value: Any) -> str:
        """A value of the title's field as people read it."""
        field = self.model._meta.pk if self.title_field == "pk" else self.model._meta.get_field(self.title_field)
        return field.spoken()(value) if hasattr(field, "spoken") else str(value)

    # Declared paths, resolved once.

    @cached_property
    def column_paths(self) -> tuple[Path, ...]:
        return tuple(resolve(self.model, text) for text in self.columns)

    @cached_property
    def filter_paths(self) -> dict[str, Path]:
        return {text: resolve(self.model, text) for text in self.filters}

    @cached_property
    def figure_paths(self) -> tuple[Path, ...]:
        return tuple(resolve(self.model, text) for text in self.figures)

    @cached_property
    def form_fields(self) -> tuple[str, ...]:
        return tuple(name for row in self.form for name in row.split())

    @cached_property
    def search_fields(self) -> tuple[str, ...]:
        return tuple(n for n in self.search if not self.model._meta.get_field(n).is_relation)

    @cached_property
    def search_relations(self) -> dict[str, str]:
        """Relations whose own search entry also finds this record: {field: entity}."""
        fields = [self.model._meta.get_field(n) for n in self.search]
        return {f.name: f.related_model._meta.model_name for f in fields if f.is_relation}

    def sorting(self, text: str = "") -> Order:
        """The sort that the text names; the default for "" and for a path that is no column. Raises nothing."""
        for candidate in (text, self.order):
            name = candidate.lstrip("-")
            if name in ("id", *self.columns, self.order.lstrip("-")):
                path = resolve(self.model, name)
                return Order(path.title or path.orm, candidate.startswith("-"), path.nullable)
        raise AssertionError(f"{type(self).__name__}.order is not usable")

    # Permission, always through these.

    def visible(self, viewer: Viewer, among: QuerySet | None = None) -> QuerySet:
        """The records (of `among`) that this viewer may read; every list, number, search and export comes here."""
        rows = self.model._default_manager.all() if among is None else among
        return rows.filter(self.read.q(viewer))

    def may_read(self, viewer: Viewer, record: Any) -> bool:
        return self.read.allows(viewer, record)

    def may_write(self, viewer: Viewer, record: Any) -> bool:
        return bool(self.form) and self.write.allows(viewer, record)

    def may_create(self, viewer: Viewer) -> bool:
        return bool(self.form) and not (self.create or self.write).never(viewer)

    def may_keep(self, viewer: Viewer, record: Any, changed: Sequence[str]) -> bool:
        """Whether the viewer may leave the record as it is now filled in, before it is saved."""
        if record.pk and "owner" in changed:
            return True
        rule = self.write if record.pk else (self.create or self.write)
        return rule.allows(viewer, record)

    def may_export(self, viewer: Viewer) -> bool:
        return self.may_open(viewer) and (self.export is None or not self.export.never(viewer))

    def may_delete(self, viewer: Viewer, record: Any) -> bool:
        return (self.delete or self.write).allows(viewer, record)

    def may_open(self, viewer: Viewer) -> bool:
        """Whether the list is worth a menu entry for this viewer."""
        return not self.read.never(viewer)

    # Fields that not everybody may see or change.

    def restricted(self, viewer: Viewer) -> dict[str, str]:
        """{field: "none", "masked" or "read"} of those that the viewer may not do everything with; usually empty."""
        key = "levels", self.key
        found = viewer.extra.get(key)
        if found is None:
            names = {*self.limits, *(name for entity, name in viewer.levels if entity == self.key)}
            levels = {n: level_of(viewer, self.key, n, self.limits.get(n)) for n in names}
            found = viewer.extra[key] = {n: level for n, level in levels.items() if level != "edit"}
        return found

    def level(self, viewer: Viewer, path: Path | str) -> str:
        """What the viewer may do with what stands at this path, seen from this desk: one of LEVELS.

        "customer.phone" is seen as far as the customer of the record and the phone of a customer are.
        """
        text = path if isinstance(path, str) else path.text
        first, _dot, rest = text.partition(".")
        own = self.restricted(viewer).get(first, "edit")
        if not rest:
            return own
        other = desk_of(self.model._meta.get_field(first).related_model)
        return least([own, other.level(viewer, rest)]) if other else own

    def readable(self, viewer: Viewer, paths: Sequence[Path]) -> tuple[Path, ...]:
        """Those of the paths that the viewer may see, masked or not."""
        return tuple(p for p in paths if self.level(viewer, p) != "none")

    def masked(self, viewer: Viewer, paths: Sequence[Path]) -> frozenset[str]:
        """The texts of those that are to be shown masked."""
        return frozenset(p.text for p in paths if self.level(viewer, p) == "masked")

    def usable(self, viewer: Viewer, path: Path | str) -> bool:
        """Whether the viewer may filter, sort, group and add up by it: what is masked cannot be found out by asking."""
        return self.level(viewer, path) in ("read", "edit")

    def fillable(self, viewer: Viewer) -> tuple[str, ...]:
        """The fields of the form that the viewer may fill in on a new record: who types what is masked knows it."""
        levels = self.restricted(viewer)
        return tuple(n for n in self.form_fields if levels.get(n, "edit") in ("edit", "masked"))

    def writable(self, viewer: Viewer) -> tuple[str, ...]:
        """The fields of the form that the viewer may change on a record that is there."""
        levels = self.restricted(viewer)
        return tuple(n for n in self.form_fields if levels.get(n, "edit") == "edit" and not self.mover(n))

    def editable(self, viewer: Viewer) -> frozenset[str]:
        """The fields that can be changed where they stand: written, or by the sheet of their verb."""
        levels = self.restricted(viewer)
        return frozenset(n for n in self.form_fields if levels.get(n, "edit") == "edit")

    def verb(self, name: str) -> Verb | None:
        return next((v() for v in self.verbs if v.name == name), None)

    def mover(self, name: str) -> Verb | None:
        """The verb that alone changes this field of a record that is there: a card goes from lane to lane by the
        board's `move`, whatever surface it is asked on, so that what the move asks for cannot be walked around."""
        return self.board.move() if self.board and name == self.board.lanes else None

    def moved_by(self, name: str) -> str:
        """The sentence that says so, for who tried to write such a field."""
        told = {"field": self.model._meta.get_field(name).verbose_name, "verb": self.board.move.label}
        return _("“%(field)s” is changed by “%(verb)s” alone, which asks for what belongs to it.") % told

    # Hooks that a declaration may override.

    def prepare(self, record: Any, viewer: Viewer) -> None:
        """Fill in what a new record has before anybody types: owner, day, currency."""

    def badge(self, row: dict[str, Any]) -> tuple[str, str] | None:
        """Text and tone of a card's badge, from its values."""
        return None

    def stages(self, record: Any) -> list[dict[str, Any]] | None:
        """The stage path shown on the detail page."""
        return None

    def in_lane(self, lane: str) -> Q:
        """Which records stand in this lane of the board."""
        return Q(**{self.board.lanes: lane})

    def kept_as(self, lane: str) -> str | None:
        """The value of the board's `kept` field that all records of this lane have, if that is what the lane shows."""
        return None

    def lanes(self, viewer: Viewer) -> list[dict[str, Any]]:
        """The lanes of the board: id, label, probability, tone."""
        field = self.model._meta.get_field(self.board.lanes)
        return [{"id": value, "label": str(label), "probability": "", "tone": ""} for value, label in field.choices]


_desks: dict[str, Desk] = {}


def register(desk_class: type[Desk]) -> type[Desk]:
    """Class decorator: the declaration becomes screens, API and the rest.

    Its rules become those in force: a company may have set other ones for some of its roles.
    """
    path, entity = owner_path(desk_class.read), desk_class.model._meta.model_name
    via = _way_to(desk_class.model, path)
    rules = {"read": desk_class.read, "write": desk_class.write}
    rules |= {"create": desk_class.create or desk_class.write, "delete": desk_class.delete or desk_class.write}
    rules |= {"export": desk_class.export or desk_class.read}
    for deed, rule in rules.items():
        setattr(desk_class, deed, Ruled(entity, deed, rule, path, via))
    desk = desk_class()
    if path and "." not in path and path != "pk":
        desk.owner_field = desk.model._meta.get_field(path).attname
    _desks[desk.key] = desk
    return desk_class


def add_verbs(model: type[models.Model], *verbs: type[Verb]) -> None:
    """Deeds on a kind of record that make something of a module above its own: they come before the declared ones."""
    declaration = type(_desks[str(model._meta.model_name)])
    declaration.verbs = (*verbs, *declaration.verbs)


def _way_to(model: type[models.Model], path: str) -> tuple[str, str]:
    """For a path such as "order.owner": the relation and the entity that the record belongs to."""
    if "." not in path:
        return "", ""
    name = path.split(".")[0]
    return name, str(model._meta.get_field(name).related_model._meta.model_name)


_remembering: list[Any] = []


def remembered(function: Callable[..., T]) -> Callable[..., T]:
    """A function of a desk or a model, asked once for the same arguments, until the company changes its fields."""
    kept = lru_cache(maxsize=1_024)(function)
    _remembering.append(kept)
    return kept


def remembering() -> list[Any]:
    """The functions that keep what they worked out of desks."""
    return _remembering


def forget(key: str) -> None:
    """Take a declaration away again; for the entities that a company adds and hides."""
    _desks.pop(key, None)


def desks() -> Iterator[Desk]:
    """Every registered desk, in the order of registration."""
    return iter([*_desks.values()])


def desk_of(model_or_key: type[models.Model] | str) -> Desk | None:
    key = model_or_key if isinstance(model_or_key, str) else model_or_key._meta.model_name
    return _desks.get(key)

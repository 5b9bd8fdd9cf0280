"""Saved views: a list as somebody has arranged it, under a name, kept for themselves, their team or everyone.

A view keeps an address, not records: what it shows is asked anew for whoever opens it, under their own rights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.expressions import BadQuery
from xiaoguan.desk.statements import kept_cursor

KINDS = ("list", "board", "calendar", "timeline", "pivot", "chart")
LONGEST_QUERY = 6_000
PASSING = frozenset({"cursor", "view", "of", "part", "limit", "lane"})  # belong to one request, not to a view


class SavedView(models.Model):
    """视图: one arrangement of one list.

    query     the parameters as in the address: filters, columns, sort, group.
    widths    {column: pixels}. pinned: shown as a tab for all who have the view; position orders the tabs.
    A row without a name is how its owner has arranged the plain list: its columns and widths, and in `query` as
    `view=7` the view that opens first.
    """

    class Shared(models.TextChoices):
        NOBODY = "", gettext_lazy("only me")
        TEAM = "team", gettext_lazy("my team")
        EVERYONE = "everyone", gettext_lazy("everyone")

    entity = models.CharField(max_length=40)
    owner_id = models.BigIntegerField()
    name = models.CharField(gettext_lazy("name"), max_length=60, blank=True, default="")
    shared = models.CharField(gettext_lazy("shared with"), max_length=8, choices=Shared, blank=True, default="")
    kind = models.CharField(max_length=8, default="list")
    query = models.TextField(blank=True, default="")
    widths = models.JSONField(default=dict)
    position = models.PositiveSmallIntegerField(default=0)
    pinned = models.BooleanField(gettext_lazy("as a tab"), default=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = gettext_lazy("saved view"), gettext_lazy("saved views")
        indexes: ClassVar = [models.Index(fields=["entity", "owner_id"], name="view_of_owner")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entity", "owner_id", "name"], name="one_view_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class FirstView(models.Model):
    """The view that opens a list first for a role, "" for everybody, unless somebody has chosen for themselves.

    view    the id of a view that everyone has, or the word of a ready one
    """

    entity = models.CharField(max_length=40)
    role = models.CharField(max_length=40, blank=True, default="")
    view = models.CharField(max_length=20)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["entity", "role"], name="one_first_view_of_a_role")]


_firsts: dict[str, dict[str, str]] = {}
"""{entity: {role: view}}, read with the definitions (custom/live.py), so that no list asks for it."""


@dataclass(frozen=True)
class View:
    """A view as a page knows it. `mine` says that this viewer may change it; a ready one has a word for a number."""

    id: int | str
    name: str
    mine: bool
    shared: str
    kind: str
    query: str
    widths: dict[str, int]
    position: int
    pinned: bool

    @property
    def ready(self) -> bool:
        """Whether it was declared beside the list and not kept by somebody."""
        return isinstance(self.id, str)


@dataclass(frozen=True)
class Views:
    """What a viewer has of one list: the ready views, those kept by people in the order of the tabs, and how they
    arranged the plain list. `usual` is the view that opens first for their role."""

    all: tuple[View, ...] = ()
    own: View | None = None
    ready: tuple[View, ...] = ()
    usual: str = ""

    def get(self, pk: str | int) -> View | None:
        return next((v for v in (*self.ready, *self.all) if str(v.id) == str(pk)), None) if pk else None

    @property
    def first(self) -> View | None:
        """The view that opens first: one's own choice, which may be none ("all"), else that of the role."""
        return self.get((QueryDict(self.own.query).get("view", "") if self.own else "") or self.usual)

    @property
    def columns(self) -> str:
        """The columns of the plain list, "" for the declared ones."""
        return QueryDict(self.own.query).get("columns", "") if self.own else ""


_FOUND = (
    "SELECT id, name, owner_id, shared, kind, query, widths, position, pinned FROM desk_savedview"
    " WHERE entity = %s AND (owner_id = %s OR shared <> '') ORDER BY position, name, id"
)


def views_of(desk: Desk, viewer: Viewer) -> Views:
    """The views of this list that the viewer has: their own, their team's and everyone's. One small query of plain
    SQL, because every list asks it."""
    with kept_cursor() as cursor:
        cursor.execute(_FOUND, [desk.key, viewer.person_id or 0])
        rows = cursor.fetchall()
    own, found = None, []
    ready = tuple(View(v.name, str(v.label), False, "", "list", v.query, {}, 0, True) for v in desk.views)
    for pk, name, owner, shared, kind, query, widths, position, pinned in rows:
        mine = owner == viewer.person_id
        if not (mine or shared == "everyone" or owner in viewer.teammates):
            continue
        kept = orjson.loads(widths) if isinstance(widths, str | bytes) else widths
        view = View(pk, name, mine, shared, kind, query, kept, position, bool(pinned))
        if name:
            found.append(view)
        elif mine:
            own = view
    return Views(tuple(found), own, ready, _usual(desk, viewer))


def load() -> None:
    """Read into this process which views open first for whom."""
    _firsts.clear()
    for entity, role, view in FirstView.objects.values_list("entity", "role", "view"):
        _firsts.setdefault(entity, {})[role] = view


def _usual(desk: Desk, viewer: Viewer) -> str:
    """Of several roles the first by its code that has one."""
    given = _firsts.get(desk.key, {})
    return next((given[code] for code in sorted(viewer.roles) if code in given), given.get("", "")) if given else ""


def may_set_first(viewer: Viewer) -> bool:
    return viewer.has("administrator", "operations")


def first_for(desk: Desk, view: View) -> set[str]:
    """The roles, "" for everybody, for which this view opens the list."""
    return {role for role, name in _firsts.get(desk.key, {}).items() if name == str(view.id)}


@transaction.atomic
def set_first(desk: Desk, viewer: Viewer, view: View, roles: Sequence[str]) -> None:
    """Let the list open with a view for these roles, and for no others that had it. Raises PermissionDenied,
    ValidationError."""
    from xiaoguan.desk.custom import live
    from xiaoguan.desk.layouts import roles as known

    if not may_set_first(viewer):
        raise PermissionDenied(_("Only administrators and sales operations choose what a list opens with for others."))
    if not (view.ready or view.shared == "everyone"):
        raise ValidationError(_("Share the view with everyone first."))
    if wrong := set(roles) - {"", *known()}:
        raise ValidationError(_("There is no role “%(code)s”.") % {"code": ", ".join(sorted(wrong))})
    FirstView.objects.filter(entity=desk.key, view=str(view.id)).exclude(role__in=roles).delete()
    for role in roles:
        FirstView.objects.update_or_create(entity=desk.key, role=role, defaults={"view": str(view.id)})
    live.changed()


def expanded(desk: Desk, viewer: Viewer, query: QueryDict, views: Views | None = None) -> QueryDict:
    """The parameters with those of the view that `view=7` names; what the address says itself goes first. Raises
    BadQuery for a view that this viewer does not have."""
    named = query.get("view", "")
    if named in ("", "all"):
        return query
    view = (views or views_of(desk, viewer)).get(named)
    if view is None:
        raise BadQuery(_("There is no view %(id)s of this list, or it is not shared with you.") % {"id": named})
    merged = QueryDict(view.query, mutable=True)
    for name, values in query.lists():
        merged.setlist(name, values)
    return merged


# What people do with views


def _own(viewer: Viewer, pk: int) -> SavedView:
    """The view if it is the viewer's. Raises PermissionDenied; one that they do not have does not exist for them."""
    found = SavedView.objects.filter(pk=pk).exclude(name="").first()
    if found is None or (found.owner_id != viewer.person_id and not _has(viewer, found)):
        raise SavedView.DoesNotExist
    if found.owner_id != viewer.person_id:
        raise PermissionDenied(_("Only its owner may change this view; copy it to have one of your own."))
    return found


def _has(viewer: Viewer, view: SavedView) -> bool:
    return view.shared == "everyone" or (view.shared == "team" and view.owner_id in viewer.teammates)


def may_share(viewer: Viewer) -> bool:
    """Whoever is somebody may share; a view shows nobody more than they may see."""
    return viewer.person_id is not None


def cleaned(desk: Desk, viewer: Viewer, query: str) -> str:
    """The parameters of an address as a view keeps them. Raises BadQuery for one that the list does not understand."""
    from xiaoguan.desk.listing import Listing

    given = QueryDict(query[: LONGEST_QUERY + 1], mutable=True)
    if len(query) > LONGEST_QUERY:
        raise BadQuery(_("This view has too many conditions."))
    for name in PASSING:
        given.pop(name, None)
    Listing.read(desk, viewer, given)
    return given.urlencode(safe=",:;|()")


@transaction.atomic
def keep(desk: Desk, viewer: Viewer, values: dict[str, Any], pk: int | None = None) -> SavedView:
    """Make a view, or change one's own: `name`, `shared`, `kind`, `query`, `position`, `pinned`, those that are given.

    Raises ValidationError, BadQuery, PermissionDenied, SavedView.DoesNotExist.
    """
    if viewer.person_id is None:
        raise PermissionDenied(_("This account belongs to no person and keeps no views."))
    view = SavedView(entity=desk.key, owner_id=viewer.person_id) if pk is None else _own(viewer, pk)
    for name in ("name", "shared", "kind", "position", "pinned", "query"):
        if name in values:
            setattr(view, name, values[name])
    view.name = str(view.name).strip()
    if not view.name:
        raise ValidationError({"name": _("A view needs a name.")})
    if view.kind not in KINDS:
        raise ValidationError({"kind": _("A view is one of %(kinds)s.") % {"kinds": ", ".join(KINDS)}})
    if "query" in values:
        view.query = cleaned(desk, viewer, str(values["query"]))
    if pk is None and "position" not in values:
        view.position = min(SavedView.objects.filter(entity=desk.key, owner_id=viewer.person_id).count(), 999)
    same = SavedView.objects.filter(entity=desk.key, owner_id=viewer.person_id, name=view.name).exclude(pk=view.pk)
    if same.exists():
        raise ValidationError({"name": _("You have a view “%(name)s” already.") % {"name": view.name}})
    view.updated_at = timezone.now()
    view.full_clean(exclude=["widths"], validate_unique=False, validate_constraints=False)
    view.save()
    return view


def copy(desk: Desk, viewer: Viewer, pk: int) -> SavedView:
    """One's own copy of a view that one has, shared with nobody."""
    found = views_of(desk, viewer).get(pk)
    if found is None:
        raise SavedView.DoesNotExist
    names = {v.name for v in views_of(desk, viewer).all if v.mine}
    name = next(
        n for i in range(1, 1000) if (n := _("%(name)s (copy %(n)d)") % {"name": found.name, "n": i}) not in names
    )
    return keep(desk, viewer, {"name": name[-60:], "kind": found.kind, "query": found.query})


def drop(viewer: Viewer, pk: int) -> None:
    """Delete one's own view. Whoever opened with it gets the plain list again."""
    view = _own(viewer, pk)
    FirstView.objects.filter(entity=view.entity, view=str(pk)).delete()
    view.delete()


def arrange(desk: Desk, viewer: Viewer, **changes: Any) -> None:
    """How the viewer has the plain list: `columns` (texts), `first` (id of the view that opens first, None for none),
    `widths` (those given; none at all to forget them)."""
    if viewer.person_id is None:
        return
    if "first" in changes and not changes["first"] and _usual(desk, viewer):
        changes["first"] = "all"  # the plain list is their choice, too
    row, _made = SavedView.objects.get_or_create(entity=desk.key, owner_id=viewer.person_id, name="")
    query = QueryDict(row.query, mutable=True)
    for name, value in (("columns", ",".join(changes.get("columns") or ())), ("view", changes.get("first"))):
        if ("columns" if name == "columns" else "first") in changes:
            query.pop(name, None)
            if value:
                query[name] = str(value)
    row.query = query.urlencode(safe=",")
    if "widths" in changes:
        row.widths = {**row.widths, **changes["widths"]} if changes["widths"] else {}
    row.save()


def reorder(desk: Desk, viewer: Viewer, ids: Sequence[int]) -> None:
    """Put one's own views in this order."""
    for position, pk in enumerate(ids):
        SavedView.objects.filter(pk=pk, entity=desk.key, owner_id=viewer.person_id).update(position=position)

"""Record: what every entity extends. A save is one transaction: the row, its Event, its search entry."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import events


class Conflict(Exception):
    """Somebody else saved the record after it was read; nothing was written."""

    def __init__(self, record: Record):
        self.record = record
        super().__init__(
            _("%(record)s was changed by somebody else meanwhile. Look at the new state and try again.")
            % {"record": record}
        )


class Record(models.Model):
    """The common part of every entity.

    source, external_id    where the record came from and its id there; unique together. Empty for records made here.
    version                grows by one with every save; a save of an older version raises Conflict.
    """

    source = models.CharField(_("source system"), max_length=40, blank=True, default="", editable=False)
    external_id = models.CharField(_("id in the source system"), max_length=80, null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    BOOKKEEPING: ClassVar = frozenset({"id", "source", "external_id", "version", "created_at", "updated_at"})

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["external_id", "source"], name="%(class)s_source_id"),
        ]

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any]) -> Self:
        record = super().from_db(db, field_names, values)
        record._loaded = dict(zip(field_names, values, strict=False))
        return record

    FORMULAS: ClassVar[tuple[Any, ...]] = ()
    """Fields that the company works out from others; see desk/custom/computing.py."""

    IMPORTED: ClassVar[bool] = True
    """Whether files may bring such records; those that only steps of our own make, such as a pay period, say False."""

    PASSING: ClassVar[tuple[str, ...]] = ()
    """Key figures of its page that are shown only while there is something to show."""

    FEEDS: ClassVar[str] = "id"
    """The relation to the records that keep something of these (an order what was paid on it); "id": themselves."""

    chosen: Collection[str] = ()
    """Relations that a form has just found among its own choices; they are not looked for once more."""

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        super().clean_fields({*(exclude or ()), *self.chosen})

    @classmethod
    def derive(cls, ids: Collection[int]) -> None:
        """Bring up to date what the records with these ids, those that FEEDS names, keep of the records of this class.

        Called with the relation of before and of now after every save, deletion and import.
        """

    @classmethod
    def fed(cls, ids: Collection[int]) -> set[int]:
        """The ids that `derive` is to be called with, because the records with `ids` are as they are."""
        if cls.FEEDS == "id":
            return set(ids)
        return set(cls._default_manager.filter(pk__in=ids).values_list(cls.FEEDS, flat=True)) - {None}

    @transaction.atomic
    def save(self, *, force_insert: bool = False, **kwargs: Any) -> None:
        """Insert, or update what changed.

        Raises Conflict when the stored version is not the one that was read, guards.Refused where an approval stands in
        the way.
        """
        from xiaoguan.desk.approvals import guards

        for formula in self.FORMULAS:
            formula.fill(self)
        if self._state.adding:
            guards.guard_part(self)
            super().save(force_insert=True, **kwargs)
            self.event_id = events.write(self, "created")
            changes, before = {}, None
        else:
            changes = self.changes()
            if not changes:
                return
            read = self.version
            self.version, self.updated_at = read + 1, timezone.now()
            names = {*changes, "version", "updated_at"}
            values = {name: getattr(self, name) for name in names}
            if not type(self).objects.filter(pk=self.pk, version=read).update(**values):
                self.version = read
                raise Conflict(self)
            guards.guard_part(self)
            guards.guard(self, changes)  # after the row is locked, so that nobody asks for its approval in between
            self.event_id = events.write(self, "changed", changes)
            before = self._loaded
        self._after_write(changes, before)

    def _after_write(self, changes: dict[str, list[Any]], before: dict[str, Any] | None) -> None:
        from xiaoguan.desk import duplicates, notify, search, tallies
        from xiaoguan.desk.desk import desk_of

        if desk := desk_of(type(self)):
            tallies.moved_by(desk, before, self, changes)
            if desk.open is not None and (before is None or desk.owner_field in changes):
                notify.given(desk, getattr(self, desk.owner_field), [self.pk])
        self._loaded = {f.attname: getattr(self, f.attname) for f in self._meta.concrete_fields}
        search.index(self)
        if desk and desk.duplicates and (before is None or any(name in changes for name in desk.duplicates)):
            duplicates.index(self)
        feeds = self._meta.get_field(self.FEEDS).attname
        self.derive({getattr(self, feeds), *changes.get(feeds, ())} - {None})

    event_id: int | None = None
    """The event of the last save, by which it can be undone."""

    @transaction.atomic
    def delete(self, **kwargs: Any) -> Any:
        """Delete with an Event that keeps every value; what belongs to the record goes first, the same way.

        Raises guards.Frozen for a part of what waits for an approval.
        """
        from xiaoguan.desk import search, tallies
        from xiaoguan.desk.approvals import guards
        from xiaoguan.desk.approvals.requests import forget
        from xiaoguan.desk.desk import desk_of

        guards.guard_part(self)
        forget(self)
        for relation in self._meta.related_objects:
            if relation.on_delete is models.CASCADE and issubclass(relation.related_model, Record):
                for part in relation.related_model._default_manager.filter(**{relation.field.name: self.pk}):
                    part.delete()
        values = {f.attname: [events.plain(getattr(self, f.attname)), None] for f in self._meta.concrete_fields}
        feeds = getattr(self, self._meta.get_field(self.FEEDS).attname)
        self.event_id = events.write(self, "deleted", values)
        search.forget(self)
        answer = super().delete(**kwargs)
        if (desk := desk_of(type(self))) and (names := tallies.names_of(desk)):
            tallies.move(desk, [[self._loaded.get(name, getattr(self, name)) for name in names]], [])
        if self.FEEDS != "id" and feeds is not None:
            self.derive({feeds})
        return answer

    def stored(self, name: str) -> Any:
        """The value of a column as it was read; None for a new record."""
        return getattr(self, "_loaded", {}).get(name)

    def changes(self) -> dict[str, list[Any]]:
        """What differs from the loaded row, as {attribute: [old, new]} in JSON's plain values."""
        loaded, found = getattr(self, "_loaded", {}), {}
        for field in self._meta.concrete_fields:
            name = field.attname
            if name in self.BOOKKEEPING or name not in self.__dict__:
                continue
            old, new = loaded.get(name), self.__dict__[name]
            if old != new:
                found[name] = [events.plain(old), events.plain(new)]
        return found


class Dated(Record):
    """Something that holds from one day until another: [starts_on, ends_on), an empty end is open."""

    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True, help_text=_("The first day it no longer holds."))

    class Meta(Record.Meta):
        abstract = True

    @classmethod
    def on(cls, day: Any) -> models.QuerySet[Self]:
        """Those that hold on `day`."""
        return cls._default_manager.filter(
            models.Q(ends_on__isnull=True) | models.Q(ends_on__gt=day), starts_on__lte=day
        )

    def clean(self) -> None:
        from django.core.exceptions import ValidationError

        super().clean()
        if self.ends_on and self.starts_on and self.ends_on <= self.starts_on:
            raise ValidationError({"ends_on": _("The end must be later than the beginning.")})

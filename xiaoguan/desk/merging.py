"""Merging (合并): two to five records that are the same become one.

Field by field one of them gives its value; whatever belonged to the others belongs to the one that is kept, what hangs
on them (comments, shares) too; the others are deleted. It is one batch: taken back, everything is as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from xiaoguan.desk import events, undo
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.attached import attached
from xiaoguan.desk.bulk import Changed, Target
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.fields import MoneyField
from xiaoguan.desk.models import Event
from xiaoguan.desk.records import Record

MOST = 5
MERGED, JOINED = "merged", "joined"

Moved = dict[str, dict[str, list[Any]]]  # {"app.model.column": {id: [before, after]}}


def may_merge(desk: Desk, viewer: Viewer) -> bool:
    """Whether the viewer could merge any records of this desk at all."""
    return bool(desk.form) and not desk.write.never(viewer) and not (desk.delete or desk.write).never(viewer)


def fields_of(desk: Desk, viewer: Viewer) -> list[str]:
    """The fields that are chosen one by one; what is kept up by the program itself follows."""
    return list(desk.writable(viewer))


def picked(desk: Desk, viewer: Viewer, records: Sequence[Any], kept: int) -> dict[str, int]:
    """The choice that is offered: what the kept record says, else the first that says something."""
    first = sorted(records, key=lambda r: r.pk != kept)
    return {name: next((r.pk for r in first if _filled(r, name)), kept) for name in fields_of(desk, viewer)}


def _filled(record: Any, name: str) -> bool:
    return getattr(record, record._meta.get_field(name).attname) not in (None, "")


def read(desk: Desk, viewer: Viewer, ids: Sequence[int]) -> list[Any]:
    """The records with these ids, in this order. Raises ValidationError for a wrong number or one that is not there."""
    wanted = list(dict.fromkeys(ids))
    if not 2 <= len(wanted) <= MOST:
        raise ValidationError(_("Choose two to %(n)d records.") % {"n": MOST})
    found = {r.pk: r for r in desk.visible(viewer).filter(pk__in=wanted)}
    if len(found) != len(wanted):
        raise ValidationError(_("There is no such record, or you may not see it."))
    return [found[pk] for pk in wanted]


def merge(desk: Desk, viewer: Viewer, ids: Sequence[int], kept: int, choice: Mapping[str, int] | None = None) -> Any:
    """Make one record of these and return it.

    kept      which of them stays; choice: {field: the record whose value is taken}, `picked` where a field is missing.
    Raises ValidationError for an impossible choice, PermissionDenied without the right to each.
    """
    records = read(desk, viewer, ids)
    winner = next((r for r in records if r.pk == kept), None)
    if winner is None:
        raise ValidationError(_("Choose which of the records stays."))
    losers = [r for r in records if r is not winner]
    _may(desk, viewer, records, losers)
    chosen = {**picked(desk, viewer, records, kept), **(choice or {})}
    try:
        with transaction.atomic():
            _merge(desk, viewer, winner, losers, {r.pk: r for r in records}, chosen)
    except (IntegrityError, ProtectedError, Changed) as error:
        raise ValidationError(
            _("They cannot be merged: something that belongs to both cannot belong to one.")
        ) from error
    return winner


def _may(desk: Desk, viewer: Viewer, records: Sequence[Any], losers: Sequence[Any]) -> None:
    for record in records:
        if not desk.may_write(viewer, record):
            told = {"name": desk.title(record), "who": desk.write.words()}
            raise PermissionDenied(_("You may not change %(name)s: %(who)s may.") % told)
    for record in losers:
        if not desk.may_delete(viewer, record):
            told = {"name": desk.title(record), "who": (desk.delete or desk.write).words()}
            raise PermissionDenied(_("You may not delete %(name)s: %(who)s may.") % told)


def _merge(
    desk: Desk, viewer: Viewer, winner: Any, losers: Sequence[Any], by_id: Mapping[int, Any], chosen: Mapping[str, int]
) -> None:
    gone = [r.pk for r in losers]
    if (memo := events.current_actor().memo) is not None:
        memo[MERGED] = True  # for `derive`: that relations change now changes nothing of what was agreed
    for model, field in _relations(desk.model):
        _redirect(model, field, gone, winner.pk)
    moved = _hung_over(desk, gone, winner.pk)
    events.write(winner, MERGED, {"with": [None, gone], "moved": moved})
    for loser in losers:
        events.write(loser, JOINED, {"into": [None, winner.pk]})
        loser.delete()
    _take(desk, viewer, winner, by_id, chosen)
    winner.save()
    desk.model.derive(desk.model.fed([winner.pk]))


def _take(desk: Desk, viewer: Viewer, winner: Any, by_id: Mapping[int, Any], chosen: Mapping[str, int]) -> None:
    """The chosen values, amounts with their currencies."""
    names = fields_of(desk, viewer)
    stored = {pk: {f.attname: getattr(r, f.attname) for f in r._meta.concrete_fields} for pk, r in by_id.items()}
    for name, pk in chosen.items():
        if name not in names or pk not in stored:
            raise ValidationError({name: [_("Choose the value of one of the records.")]})
        field = winner._meta.get_field(name)
        setattr(winner, field.attname, stored[pk][field.attname])
        if isinstance(field, MoneyField) and chosen.get(field.currency) is None:
            setattr(winner, field.currency, stored[pk][field.currency])
    if not desk.may_keep(viewer, winner, [n for n in names if n == "owner"]):
        raise PermissionDenied(_("You may only keep this for yourself or for people you are responsible for."))


# What belonged to the others


def _relations(target: type[models.Model]) -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Every relation that leads to this model, of every model of the program."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if field.is_relation and field.related_model is target:
                yield model, field


def _redirect(model: type[models.Model], field: models.Field[Any, Any], gone: Sequence[int], kept: int) -> None:
    """Records that led to one of the others lead to the one that stays, with their events, search and totals."""
    if desk_of(model) is None or not issubclass(model, Record):
        return
    rows = model._default_manager.filter(**{f"{field.name}__in": gone}).order_by("pk")
    ids = list(rows.values_list("pk", flat=True))
    if not ids:
        return
    target = Target(model, [field.name], via=events.current_actor().via)
    stored = target.stored(ids)
    target.update([(pk, stored[pk][0], {0: (stored[pk][1][0], kept)}, None, "") for pk in ids])
    model.derive(model.fed(ids) | (set(gone) if field.name == model.FEEDS else set()))


def _hung_over(desk: Desk, gone: Sequence[int], kept: int) -> Moved:
    """Move what hangs on the others by kind and id, and rows of models without a desk; what was moved is told."""
    found: Moved = {}
    for model in attached().values():
        rows = model._default_manager.filter(entity=desk.key, record_id__in=gone)
        _move(found, model, "record_id", rows, kept)
    for model, field in _relations(desk.model):
        if desk_of(model) is None and (issubclass(model, Record) or _on_delete(field) is not models.CASCADE):
            _move(found, model, field.attname, model._default_manager.filter(**{f"{field.name}__in": gone}), kept)
    return found


def _on_delete(field: models.Field[Any, Any]) -> Any:
    return field.remote_field.on_delete if field.remote_field else None


def _move(found: Moved, model: type[models.Model], column: str, rows: Any, kept: int) -> None:
    was = dict(rows.values_list("pk", column))
    if was:
        model._default_manager.filter(pk__in=list(was)).update(**{column: kept})
        found[f"{model._meta.label_lower}.{column}"] = {str(pk): [old, kept] for pk, old in was.items()}
        _changed(model)


def _changed(model: type[models.Model]) -> None:
    if issubclass(model, Record):
        model.derive([])


@undo.also(MERGED)
def _move_back(event: Event) -> None:
    """After a merge was taken back: what hung on the others hangs on them again, where it is still where it was put."""
    for place, rows in event.changes.get("moved", {}).items():
        label, _dot, column = place.rpartition(".")
        model = apps.get_model(label)
        for pk, (old, new) in rows.items():
            model._default_manager.filter(**{"pk": int(pk), column: new}).update(**{column: old})
        _changed(model)

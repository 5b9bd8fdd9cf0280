"""Make, change, hide, bring back and purge what a company adds. A definition and its column are one transaction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from xiaoguan.base.pinyin import lazy_pinyin
from xiaoguan.desk import events, jobs, search
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.custom import columns, computing, live
from xiaoguan.desk.custom.fields import fields_of, with_default
from xiaoguan.desk.custom.models import CustomEntity, CustomField
from xiaoguan.desk.desk import Desk, desk_of, desks
from xiaoguan.desk.records import Record

NAME = re.compile(r"x_[a-z][a-z0-9_]{0,27}")
SLUG = re.compile(r"[a-z][a-z0-9_]{0,20}")
MOST = 100
"""Fields of one entity that a company may add."""
AT_ONCE = 5_000
"""Records whose formulas are worked out while somebody waits; more are a job."""
Kind = CustomField.Kind
FIXED = ("entity", "name", "kind", "result", "target")
FIELD_NAMES = (
    "name", "kind", "label_en", "label_zh", "help_en", "help_zh", "required", "unique", "filtered", "listed",
    "searched", "default", "choices", "target", "formula", "result", "currency", "row", "place",
)  # fmt: skip
ENTITY_NAMES = (
    "slug", "name_en", "name_zh", "plural_en", "title_en", "title_zh", "icon", "place", "owned",
)  # fmt: skip


def extendable() -> list[Desk]:
    """The desks that fields can be added to: records that people write."""
    return [d for d in desks() if d.form and issubclass(d.model, Record)]


def word_of(text: str) -> str:
    """A name made of the label: 合同编号 is he_tong_bian_hao."""
    parts = re.findall(r"[a-z0-9]+", "_".join(lazy_pinyin(text)).lower())
    return "_".join(parts)[:24].strip("_")


# Fields


def field(entity: str, by: Viewer, given: Mapping[str, Any]) -> CustomField:
    """A new field. Raises ValidationError naming what is not possible."""
    desk = _desk(entity)
    label = given.get("label_en") or given.get("label_zh") or ""
    definition = CustomField(entity=entity, made_by=by.person_id)
    _take(definition, {**given, "name": given.get("name") or f"x_{word_of(label)}"}, FIELD_NAMES)
    if CustomField.objects.filter(entity=entity).count() >= MOST:
        raise ValidationError(_("More than %(n)d fields of one kind of record are not possible.") % {"n": MOST})
    if not NAME.fullmatch(definition.name) or _taken(desk, definition.name):
        raise ValidationError(
            {"name": [_("A word is needed that nothing else has: x_ and letters, such as x_region.")]}
        )
    _check(desk, definition)
    with transaction.atomic():
        definition.save()
        for one in _bound(desk, definition):
            columns.add(desk.model._meta.db_table, one)
            columns.index(desk.model._meta.db_table, one, definition.filtered)
        events.write(definition, "created", {n: [None, v] for n, v in definition.words().items()})
    live.changed()
    _recompute(desk, by)
    return definition


def change(definition: CustomField, by: Viewer, given: Mapping[str, Any]) -> CustomField:
    """What may change later: words, choices, default, place, required, unique, filtered, listed, searched, formula."""
    desk = _desk(definition.entity)
    before = definition.words()
    _take(definition, {n: v for n, v in given.items() if n not in FIXED}, FIELD_NAMES)
    _check(desk, definition)
    _keep_used_choices(desk, definition, before["choices"])
    after = definition.words()
    told = {n: [before[n], after[n]] for n in after if before[n] != after[n]}
    with transaction.atomic():
        if "unique" in told and definition.unique:
            _no_doubles(desk, definition)
        definition.save()
        if not definition.retired_at and ({"unique", "filtered"} & told.keys()):
            for one in _bound(desk, definition):
                columns.index(desk.model._meta.db_table, one, definition.filtered)
        if told:
            events.write(definition, "changed", told)
    live.changed()
    if "formula" in told:
        _recompute(desk, by)
    if "searched" in told:
        _search_again(desk, by)
    return definition


def retire(definition: CustomField, by: Viewer) -> None:
    """Hide it: nobody sees or writes it, what it holds is kept. Raises ValidationError where a formula reads it."""
    desk = _desk(definition.entity)
    readers = [f.name for f in getattr(desk.model, "FORMULAS", ()) if definition.name in f.names]
    if readers:
        told = {"fields": ", ".join(readers)}
        raise ValidationError(_("Formulas read it: %(fields)s. Change these first.") % told)
    definition.retired_at = timezone.now()
    _kept(definition, "retired", by)


def revive(definition: CustomField, by: Viewer) -> None:
    """Bring it back with what it holds."""
    definition.retired_at = None
    _kept(definition, "revived", by)
    desk = _desk(definition.entity)
    _recompute(desk, by)
    if definition.searched:
        _search_again(desk, by)


def purge(definition: CustomField, by: Viewer) -> None:
    """Take a hidden field away for good, with everything that it holds."""
    if definition.retired_at is None:
        raise ValidationError(_("Hide it first; what is hidden can be taken away for good."))
    desk = _desk(definition.entity)
    with transaction.atomic():
        for one in _bound(desk, definition):
            columns.drop(desk.model._meta.db_table, one.column)
        events.write(definition, "deleted", {n: [v, None] for n, v in definition.words().items()})
        definition.delete()
    live.changed()


def _kept(definition: CustomField | CustomEntity, deed: str, by: Viewer) -> None:
    with transaction.atomic():
        definition.save()
        events.write(definition, deed)
    live.changed()


def _desk(entity: str) -> Desk:
    found = desk_of(entity)
    if found is None or found not in extendable():
        raise ValidationError(_("Fields cannot be added to “%(name)s”.") % {"name": entity})
    return found


def _taken(desk: Desk, name: str) -> bool:
    names = {f.name for f in desk.model._meta.get_fields()}
    return name in names or CustomField.objects.filter(entity=desk.key, name=name).exists()


def _take(definition: Any, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Set what was sent, of the right types. Raises ValidationError."""
    for name, value in given.items():
        if name not in known:
            told = {"known": ", ".join(known)}
            raise ValidationError({name: [_("This is no part of a definition; those are %(known)s.") % told]})
        kept = definition._meta.get_field(name)
        if isinstance(kept, models.JSONField):
            value = _choices(value)
        elif isinstance(kept, models.BooleanField) != isinstance(value, bool) or "\x00" in str(value):
            raise ValidationError({name: [_("A value of another type is needed here.")]})
        setattr(definition, name, value)
    try:
        rest = {f.name for f in definition._meta.fields} - set(known)
        definition.clean_fields(exclude={*rest, "choices"})
    except ValidationError as error:
        raise ValidationError(error.message_dict) from None


def _choices(value: Any) -> list[list[str]]:
    """[[value, English, Chinese]]; a plain text is its own label."""
    if not isinstance(value, list) or len(value) > 200:
        raise ValidationError({"choices": [_("A list of at most %(n)d choices.") % {"n": 200}]})
    found: list[list[str]] = []
    for one in value:
        parts = [one] if isinstance(one, str) else one
        if not isinstance(parts, list) or not 1 <= len(parts) <= 3 or not all(isinstance(p, str) for p in parts):
            raise ValidationError({"choices": [_("Each choice is [value, English, Chinese].")]})
        code, english, chinese = [p.strip() for p in [*parts, "", ""][:3]]
        if not code or len(code) > 40 or ";" in code or "," in code or any(code == c for c, _e, _c in found):
            raise ValidationError(
                {"choices": [_("“%(value)s” cannot be a choice, or is there twice.") % {"value": code}]}
            )
        found.append([code, english or chinese or code, chinese or english or code])
    return found


def _check(desk: Desk, definition: CustomField) -> None:
    """What fits together. Raises ValidationError."""
    kind = definition.kind
    if not (definition.label_en or definition.label_zh):
        raise ValidationError({"label_zh": [_("A name is needed.")]})
    if (kind in (Kind.CHOICE, Kind.CHOICES)) != bool(definition.choices):
        raise ValidationError({"choices": [_("Choices are needed for these kinds, and for no other.")]})
    if (kind == Kind.RELATION) != bool(definition.target) or (definition.target and desk_of(definition.target) is None):
        raise ValidationError({"target": [_("A related record needs to know of which kind it is.")]})
    if kind == Kind.FORMULA:
        if definition.result not in CustomField.RESULTS or not definition.formula:
            raise ValidationError({"formula": [_("A formula needs its text and what it gives.")]})
        if definition.required or definition.unique or definition.default:
            raise ValidationError({"formula": [_("A formula is neither typed nor unique.")]})
        computing.made(desk.model, definition.name, definition.formula, definition.result, None)
    elif definition.formula or definition.result:
        raise ValidationError({"formula": [_("Only the kind “formula” has one.")]})
    if (
        definition.stored_kind == "money"
        and not _has_currency(desk)
        and not re.fullmatch("[A-Z]{3}", definition.currency)
    ):
        raise ValidationError({"currency": [_("Money needs a currency, such as CNY.")]})
    if definition.unique and kind in (Kind.LONG, Kind.BOOL, Kind.CHOICES, Kind.MONEY):
        raise ValidationError({"unique": [_("This kind of field cannot be unique.")]})
    _check_default(definition)


def _has_currency(desk: Desk) -> bool:
    return any(f.name == "currency" for f in desk.model._meta.concrete_fields)


def _check_default(definition: CustomField) -> None:
    if not definition.default:
        return
    one = fields_of(definition).get(definition.name)
    try:
        if one is None:
            raise ValidationError("")
        if one.is_relation:
            if not one.related_model._default_manager.filter(pk=int(definition.default)).exists():
                raise ValidationError(_("There is no such record, or you may not see it."))
            return
        with_default(one, definition.default)
    except (ValidationError, ValueError) as error:
        why = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        raise ValidationError({"default": [why]}) from None


def _bound(desk: Desk, definition: CustomField) -> list[models.Field[Any, Any]]:
    """The fields with their column names, without touching the live model."""
    found = []
    for name, one in fields_of(definition).items():
        one.set_attributes_from_name(name)
        found.append(one)
    return found


def _no_doubles(desk: Desk, definition: CustomField) -> None:
    rows = desk.model._default_manager.exclude(**{f"{definition.name}__isnull": True}).order_by()
    if rows.values(definition.name).annotate(n=Count("pk")).filter(n__gt=1).exists():
        raise ValidationError({"unique": [_("Some records have the same value already.")]})


def _keep_used_choices(desk: Desk, definition: CustomField, before: list[list[str]]) -> None:
    """A choice that records have stays; it may get another label."""
    gone = [c for c, *_labels in before if c not in {c for c, *_labels in definition.choices}]
    if not gone or definition.retired_at:
        return
    one = desk.model._meta.get_field(definition.name)
    for value in gone:
        held = one.holding(definition.name, value) if hasattr(one, "holding") else models.Q(**{definition.name: value})
        if desk.model._default_manager.filter(held).exists():
            raise ValidationError({"choices": [_("Records have “%(value)s”; it must stay.") % {"value": value}]})


def _recompute(desk: Desk, by: Viewer) -> None:
    if not getattr(desk.model, "FORMULAS", ()):
        return
    if desk.model._default_manager.order_by()[: AT_ONCE + 1].count() <= AT_ONCE:
        computing.refill(desk.model)
    else:
        jobs.start("formulas", by, lambda: _("Formulas of %(things)s") % {"things": desk.label_plural}, entity=desk.key)


@jobs.job_kind("formulas")
def formulas(running: jobs.Running) -> dict[str, Any]:
    """Every record again, a step a chunk; what is right already is not written, so a repeated step does no harm."""
    desk = desk_of(running.parameters["entity"])
    assert desk is not None
    rows = desk.model._default_manager.order_by("pk")
    total, done = rows.count(), running.checkpoint.get("done", 0)
    while ids := list(
        rows.filter(pk__gt=running.checkpoint.get("last", 0)).values_list("pk", flat=True)[: computing.CHUNK]
    ):
        done += len(ids)
        with running.step(done=done, total=total) as mark:
            computing.refill(desk.model, ids)
            mark |= {"last": ids[-1], "done": done}
    return {"summary": lambda: _("%(n)d done.") % {"n": done}}


def _search_again(desk: Desk, by: Viewer) -> None:
    if desk.model._default_manager.order_by()[: AT_ONCE + 1].count() <= AT_ONCE:
        search.rebuild(desk)
    else:
        jobs.start(
            "search_again", by, lambda: _("Search of %(things)s") % {"things": desk.label_plural}, entity=desk.key
        )


@jobs.job_kind("search_again")
def search_again(running: jobs.Running) -> dict[str, Any]:
    desk = desk_of(running.parameters["entity"])
    assert desk is not None
    rows = desk.model._default_manager.order_by("pk")
    done = running.checkpoint.get("done", 0)
    while ids := list(
        rows.filter(pk__gt=running.checkpoint.get("last", 0)).values_list("pk", flat=True)[: computing.CHUNK]
    ):
        done += len(ids)
        with running.step(done=done) as mark:
            search.index_again(desk, ids)
            mark |= {"last": ids[-1], "done": done}
    return {"summary": lambda: _("%(n)d done.") % {"n": done}}


# Entities


def entity(by: Viewer, given: Mapping[str, Any]) -> CustomEntity:
    """A new kind of record. Raises ValidationError."""
    label = given.get("name_en") or given.get("name_zh") or ""
    made = CustomEntity(made_by=by.person_id)
    _take(made, {**given, "slug": given.get("slug") or word_of(label)[:21].strip("_")}, ENTITY_NAMES)
    _check_entity(made)
    slots = {search.slot(d.key) for d in desks()}
    if (
        not SLUG.fullmatch(made.slug)
        or CustomEntity.objects.filter(slug=made.slug).exists()
        or search.slot(made.key) in slots
    ):
        raise ValidationError({"slug": [_("Choose another word: small letters, and no other has it.")]})
    with transaction.atomic():
        made.save()
        model = live.model_of(made)
        columns.create(model)
        events.write(made, "created")
    live.forget_model(made)
    live.changed()
    return made


def change_entity(made: CustomEntity, by: Viewer, given: Mapping[str, Any]) -> CustomEntity:
    """Its words, icon and place; whether records have an owner stays as it is."""
    _take(made, {n: v for n, v in given.items() if n not in ("slug", "owned")}, ENTITY_NAMES)
    _check_entity(made)
    _kept(made, "changed", by)
    return made


def retire_entity(made: CustomEntity, by: Viewer) -> None:
    """Hide it with its records. Raises ValidationError where fields lead to it."""
    leading = CustomField.objects.filter(target=made.key, retired_at=None).exclude(entity=made.key)
    if leading.exists():
        told = {"fields": _(", ").join(f"{f.entity}.{f.name}" for f in leading)}
        raise ValidationError(_("Fields lead to it: %(fields)s. Hide these first.") % told)
    made.retired_at = timezone.now()
    _kept(made, "retired", by)


def revive_entity(made: CustomEntity, by: Viewer) -> None:
    made.retired_at = None
    _kept(made, "revived", by)


def purge_entity(made: CustomEntity, by: Viewer) -> None:
    """Take a hidden kind of record away for good, with all of its records."""
    if made.retired_at is None:
        raise ValidationError(_("Hide it first; what is hidden can be taken away for good."))
    with transaction.atomic():
        for definition in CustomField.objects.filter(target=made.key):
            owner = desk_of(definition.entity)
            if owner is not None:
                columns.drop(owner.model._meta.db_table, f"{definition.name}_id")
            definition.delete()
        CustomField.objects.filter(entity=made.key).delete()
        columns.drop_table(made.table)
        events.write(made, "deleted", {n: [getattr(made, n), None] for n in ENTITY_NAMES})
        made.delete()
    live.changed()


def _check_entity(made: CustomEntity) -> None:
    if not (made.name_en or made.name_zh):
        raise ValidationError({"name_zh": [_("A name is needed.")]})
    if not re.fullmatch(r"[a-z0-9-]{2,40}", made.icon):
        raise ValidationError({"icon": [_("The name of an icon, such as building.")]})

"""The fields and entities of the company on the models and desks of this process.

`refresh` costs one small query, asked only when the organisation's stamp was seen to change; a change of a definition
turns that stamp too, so every process has the new fields before its next request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import filters, layouts, views
from xiaoguan.desk.access import everyone, manager, owner, role, team
from xiaoguan.desk.custom.computing import Formula, made
from xiaoguan.desk.custom.fields import both, fields_of, with_default
from xiaoguan.desk.custom.models import CustomEntity, CustomField, DefinitionStamp
from xiaoguan.desk.desk import Desk, desk_of, desks, forget, register, remembering
from xiaoguan.desk.records import Record


def _nothing() -> None:
    """Nobody is to be told."""


_turn: Callable[[], None] = _nothing
_seen: int | None = None
_fields: list[tuple[type[models.Model], str, models.Field[Any, Any]]] = []
_models: dict[str, type[Record]] = {}
_OVERRIDES = ("columns", "form", "filters", "search", "related")
office = role("general_manager", "operations")


def tell_others_by(turn: Callable[[], None]) -> None:
    """The floor whose stamp every request reads says here how it is turned."""
    global _turn
    _turn = turn


def changed() -> None:
    """A definition was written: this process and, before their next request, all others read them again."""
    DefinitionStamp.turn()
    _turn()
    refresh()


def refresh() -> None:
    """Read the definitions again if they changed since this process read them."""
    number = DefinitionStamp.now()
    if number != (_seen or 0):
        load(number)


def load(number: int) -> None:
    global _seen
    unload()
    import_module(settings.ROOT_URLCONF)  # its addresses are those of the code; ours have one pattern for all
    for entity in CustomEntity.objects.filter(retired_at=None).order_by("pk"):
        _add_entity(entity)
    by_desk: dict[str, list[CustomField]] = {}
    for definition in CustomField.objects.filter(retired_at=None).order_by("row", "place", "pk"):
        if desk_of(definition.entity) is not None:
            by_desk.setdefault(definition.entity, []).append(definition)
    live: dict[str, list[CustomField]] = {}
    for key, definitions in by_desk.items():
        live[key] = [d for d in definitions if _add_field(d)]
    apps.clear_cache()
    for key, definitions in live.items():
        _formulas(key, definitions)
    for key, definitions in live.items():
        _show(key, definitions)
    layouts.load()
    views.load()
    _forget_what_was_worked_out()
    _seen = number


def unload() -> None:
    """Take everything off the models again: what the code declares is left."""
    global _seen
    for model, name, field in reversed(_fields):
        _take_off(model, name, field)
    _fields.clear()
    for key, model in _models.items():
        forget(key)
        apps.all_models["desk"].pop(model._meta.model_name, None)
        for field in model._meta.local_fields:
            if field.is_relation:
                _remove(field.related_model, field.remote_field.get_accessor_name())
    _models.clear()
    for desk in desks():
        for name in _OVERRIDES:
            desk.__dict__.pop(name, None)
        if "FORMULAS" in vars(desk.model):
            del desk.model.FORMULAS
    layouts.forget()
    views._firsts.clear()
    apps.clear_cache()
    _forget_what_was_worked_out()
    _seen = None


@contextmanager
def without() -> Iterator[None]:
    """For migrations: inside, the models are as the code declares them."""
    global _seen
    before = _seen
    if before is not None:
        unload()
    try:
        yield
    finally:
        if before is not None:
            refresh()


def _forget_what_was_worked_out() -> None:
    for kept in remembering():
        kept.cache_clear()
    filters._paths.clear()
    for desk in desks():
        for cls in type(desk).__mro__:
            for name, value in vars(cls).items():
                if isinstance(value, cached_property):
                    desk.__dict__.pop(name, None)


# Fields


def _add_field(definition: CustomField) -> bool:
    desk = desk_of(definition.entity)
    assert desk is not None
    made_fields = fields_of(definition)
    for name, field in made_fields.items():
        if name == definition.name and definition.kind != CustomField.Kind.FORMULA:
            with suppress(ValidationError, ValueError):  # a choice that was taken away since
                with_default(field, definition.default)
        field.demanded = definition.required and name == definition.name
        field.contribute_to_class(desk.model, name)
        _fields.append((desk.model, name, field))
    return bool(made_fields)


def _take_off(model: type[models.Model], name: str, field: models.Field[Any, Any]) -> None:
    if field.is_relation:
        _remove(field.related_model, field.remote_field.get_accessor_name())
    model._meta.local_fields.remove(field)
    for attribute in (name, field.attname, f"get_{name}_display", f"get_next_by_{name}", f"get_previous_by_{name}"):
        _remove(model, attribute)


def _remove(cls: type, name: str) -> None:
    if name in vars(cls):
        delattr(cls, name)


def _formulas(key: str, definitions: list[CustomField]) -> None:
    desk = desk_of(key)
    assert desk is not None
    wanted = [d for d in definitions if d.kind == CustomField.Kind.FORMULA]
    found: list[Formula] = []
    for definition in wanted:
        field = desk.model._meta.get_field(definition.name)
        try:
            found.append(made(desk.model, definition.name, definition.formula, definition.result, field))
        except ValidationError:
            continue  # it names a field that is not there any more; the value stays as it was
    names = {d.name for d in wanted}
    desk.model.FORMULAS = tuple(f for f in found if not names & set(f.names))


def _show(key: str, definitions: list[CustomField]) -> None:
    """Among the columns, filters and rows of the form, after what is declared."""
    desk = desk_of(key)
    assert desk is not None
    own = type(desk)
    typed = [d for d in definitions if d.kind != CustomField.Kind.FORMULA]
    rows: dict[int, list[str]] = {}
    for definition in typed:
        rows.setdefault(definition.row, []).extend(reversed([n for n in fields_of(definition)]))
    desk.form = (*own.form, *(" ".join(names) for names in rows.values())) if own.form else own.form
    desk.columns = (*own.columns, *(d.name for d in definitions if d.listed))
    desk.filters = (*own.filters, *(d.name for d in definitions if d.filtered))
    desk.search = (*own.search, *(d.name for d in definitions if d.searched and d.kind in ("text", "long")))
    for definition in definitions:
        target = desk_of("person" if definition.kind == "person" else definition.target)
        if definition.kind == "relation" and not definition.unique and target is not None:
            target.related = (*target.related, f"{key}_{definition.name}")


# Entities


def forget_model(entity: CustomEntity) -> None:
    """Take a model that was made only for its table off the registry."""
    model = apps.all_models["desk"].pop(entity.key, None)
    for field in model._meta.local_fields if model else ():
        if field.is_relation:
            _remove(field.related_model, field.remote_field.get_accessor_name())
    apps.clear_cache()


class CustomDesk(Desk):
    """What all entities of a company share; which of them it is, is in the address."""

    entity: CustomEntity
    order = "name"
    match_on = ("name",)
    search = ("name",)

    @cached_property
    def url_name(self) -> str:
        return f"x/{self.entity.slug}"

    def url(self, page: str = "list", **kwargs: Any) -> str:
        return reverse(f"custom:{page}", kwargs={"desk": self, **kwargs})

    def prepare(self, record: Any, viewer: Any) -> None:
        if self.entity.owned:
            record.owner_id = viewer.person_id


def _add_entity(entity: CustomEntity) -> None:
    model = _models[entity.key] = model_of(entity)
    owned = entity.owned
    attributes = {
        "model": model,
        "entity": entity,
        "icon": entity.icon,
        "place": entity.place,
        "columns": ("name", "owner") if owned else ("name",),
        "form": ("name owner",) if owned else ("name",),
        "filters": ("owner",) if owned else (),
        "read": owner("owner") | manager("owner") | team("owner") | office if owned else everyone,
        "write": owner("owner") | manager("owner") | office if owned else office | role("administrator"),
    }
    register(type(f"{model.__name__}Desk", (CustomDesk,), attributes))


def model_of(entity: CustomEntity) -> type[Record]:
    """The model of an entity; made anew each time, under the same name."""
    people = desk_of("person")
    assert people is not None
    apps.all_models["desk"].pop(entity.key, None)
    meta = type(
        "Meta",
        (Record.Meta,),
        {
            "app_label": "desk",
            "db_table": entity.table,
            "verbose_name": both(entity.name_en or entity.slug, entity.name_zh),
            "verbose_name_plural": both(entity.plural_en or entity.name_en or entity.slug, entity.name_zh),
            "indexes": [models.Index(fields=["name", "id"], name=f"{entity.table}_list"[:30])],
        },
    )
    title = both(entity.title_en or "name", entity.title_zh or "名称")
    attributes: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": f"{entity.name_zh or entity.name_en}: added by the company.",
        "Meta": meta,
        "EXAMPLE": {},
        "name": models.CharField(title, max_length=120),
        "__str__": lambda self: self.name,
    }
    if entity.owned:
        attributes["owner"] = models.ForeignKey(
            people.model,
            models.PROTECT,
            null=True,
            blank=True,
            related_name=f"{entity.key}_owned",
            verbose_name=_("owner"),
        )
    return type(entity.key.title(), (Record,), attributes)

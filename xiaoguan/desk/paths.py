"""From "customer.name" to the field, its label, its joins and the way it is shown."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from xiaoguan.base.words import closest
from xiaoguan.desk.fields import ExactField, MoneyField


class UnknownPath(ValueError):
    """A declaration names something that the model does not have."""


@dataclass(frozen=True)
class Path:
    """A resolved dotted path.

    text      as written; orm the same with double underscores; field the last field.
    relation  True when the last step is itself a relation (then the shown text is the related title).
    currency  orm path of the currency beside a money value, or "".
    """

    text: str
    orm: str
    field: models.Field
    hops: tuple[models.Field, ...]
    kind: str
    currency: str = ""
    title: str = ""

    @property
    def label(self) -> str:
        """The words a person reads; "customer.name" reads as the customer, "customer.city" as the city."""
        if self.hops and self.field.name == title_field(self.field.model):
            return str(self.hops[-1].verbose_name)
        return str(self.field.verbose_name)

    @property
    def relation(self) -> bool:
        return self.kind == "relation"

    @property
    def nullable(self) -> bool:
        return self.field.null or any(hop.null for hop in self.hops)


def title_field(model: type[models.Model]) -> str:
    """The field by which people know a record of this model: `title`, `name` or `number`."""
    names = {f.name for f in model._meta.concrete_fields}
    for name in (getattr(model, "TITLE", ""), "title", "name", "number", "subject", "code"):
        if name in names:
            return name
    return "pk"


def resolve(model: type[models.Model], text: str) -> Path:
    """Follow a dotted path from `model`. Raises UnknownPath with the nearest name when a step does not exist."""
    here, hops, field = model, [], None
    steps = text.split(".")
    for index, step in enumerate(steps):
        try:
            field = here._meta.get_field(step)
        except FieldDoesNotExist:
            field = None
        if field is None or (field.auto_created and not field.concrete):
            names = [f.name for f in here._meta.concrete_fields]
            near = closest(step, names)
            hint = f"; did you mean '{'.'.join([*steps[:index], near])}'?" if near else ""
            raise UnknownPath(f"names '{text}', but {here.__name__} has no '{step}'{hint}")
        if index < len(steps) - 1:
            if not field.is_relation:
                raise UnknownPath(f"names '{text}', but {here.__name__}.{step} leads nowhere")
            hops.append(field)
            here = field.related_model
    orm = "__".join(steps)
    prefix = orm[: -len(steps[-1])]
    kind = kind_of(field)
    return Path(
        text=text,
        orm=orm,
        field=field,
        hops=tuple(hops),
        kind=kind,
        currency=prefix + field.currency if isinstance(field, MoneyField) else "",
        title=f"{orm}__{title_field(field.related_model)}" if kind == "relation" else "",
    )


def kind_of(field: models.Field) -> str:
    """How a value of this field is shown and filtered."""
    if field.is_relation:
        return "relation"
    if field.choices:
        return "choice"
    for types, kind in (
        (MoneyField, "money"),
        (ExactField, "percent" if getattr(field, "percent", False) else "decimal"),
        (models.BooleanField, "bool"),
        (models.DateTimeField, "datetime"),
        (models.DateField, "date"),
        (models.EmailField, "email"),
        (models.URLField, "url"),
        (models.IntegerField, "number"),
    ):
        if isinstance(field, types):
            return kind
    return getattr(field, "kind", "text")

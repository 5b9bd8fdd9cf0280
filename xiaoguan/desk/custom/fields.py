"""From a definition to the Django fields behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import Q
from django.utils import translation
from django.utils.functional import lazy
from django.utils.translation import gettext as _

from xiaoguan.desk.custom.models import CustomField, said
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.fields import ExactField, MoneyField

both = lazy(said, str)
SEPARATOR = ";"
_CUT = re.compile(r"[;,、,;\n]+")


class ChoicesField(models.CharField):
    """Any of several values, kept as text in the order of the options: "a;c".

    options    [(value, label)]
    """

    kind = "choices"

    def __init__(self, *args: Any, options: Any = (), **kwargs: Any):
        self.options = [(value, label) for value, label in options]
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "options": self.options}

    def read(self, text: str) -> str:
        """Values or labels, separated by semicolons or commas, in the stored form. ValueError names what is none."""
        known = self._words()
        wanted = set()
        for part in filter(None, (p.strip() for p in _CUT.split(text))):
            if part.casefold() not in known:
                raise ValueError(_("“%(value)s” is none of the choices.") % {"value": part})
            wanted.add(known[part.casefold()])
        return SEPARATOR.join(value for value, _label in self.options if value in wanted)

    def _words(self) -> dict[str, str]:
        """{label in any language, or value: value}."""
        found: dict[str, str] = {}
        for language in ("en", "zh-hans"):
            with translation.override(language):
                found |= {str(label).casefold(): value for value, label in self.options}
        return found | {value.casefold(): value for value, _label in self.options}

    def shown(self, value: Any) -> str:
        labels = {v: str(label) for v, label in self.options}
        return _(", ").join(labels.get(v, v) for v in value.split(SEPARATOR)) if value else "–"

    def holding(self, orm: str, text: str) -> Q:
        """The records that hold this value, given by itself or by its label."""
        try:
            value = self.read(text)
        except ValueError:
            return Q(pk__in=())
        middle, inner = f"{SEPARATOR}{value}{SEPARATOR}", SEPARATOR
        return (
            Q(**{orm: value})
            | Q(**{f"{orm}__startswith": value + inner})
            | Q(**{f"{orm}__endswith": inner + value})
            | Q(**{f"{orm}__contains": middle})
        )

    def formfield(self, **kwargs: Any) -> Any:
        return models.Field.formfield(self, form_class=ChoicesFormField, field=self, **kwargs)


class LongField(models.TextField):
    """Long text; empty is null, as in every field of a company."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"empty_value": None, **kwargs})


class ChoicesFormField(forms.Field):
    """Boxes to tick; a program sends "a;c"."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, *args: Any, field: ChoicesField, **kwargs: Any):
        kwargs.pop("max_length", None)
        super().__init__(*args, **kwargs)
        self.field = field
        self.choices = self.widget.choices = field.options

    def prepare_value(self, value: Any) -> Any:
        return value.split(SEPARATOR) if isinstance(value, str) and value else value or []

    def to_python(self, value: Any) -> str | None:
        given = value if isinstance(value, str) else SEPARATOR.join(value or ())
        try:
            return self.field.read(given) or None
        except ValueError as error:
            raise ValidationError(str(error), "invalid") from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return (initial or None) != self.to_python(data)
        except ValidationError:
            return True


def fields_of(definition: CustomField) -> dict[str, models.Field[Any, Any]]:
    """{name: field} of a definition: one, or two for money with a currency of its own. {} where the entity that a
    relation leads to is not there."""
    common = _common(definition)
    if definition.stored_kind == "money":
        return _money(definition, common)
    make = _KINDS[definition.stored_kind]
    field = make(definition, common)
    return {definition.name: field} if field is not None else {}


def _common(definition: CustomField) -> dict[str, Any]:
    formula = definition.kind == CustomField.Kind.FORMULA
    found: dict[str, Any] = {
        "verbose_name": both(definition.label_en or definition.name, definition.label_zh),
        "help_text": both(definition.help_en, definition.help_zh),
        "null": True,
        "blank": formula or not definition.required,
        "editable": not formula,
    }
    return {**found, "unique": True} if definition.unique and not formula else found


def _money(definition: CustomField, common: dict[str, Any]) -> dict[str, models.Field[Any, Any]]:
    desk = desk_of(definition.entity)
    assert desk is not None
    own = {f.name for f in desk.model._meta.concrete_fields}
    if "currency" in own:
        return {definition.name: MoneyField(**common)}
    code = f"{definition.name}_currency"
    label = both(f"{definition.label_en or definition.name}: currency", f"{definition.label_zh or definition.name}币种")
    currency = models.CharField(label, max_length=3, null=True, blank=True, default=definition.currency)
    currency.editable = common["editable"]
    return {code: currency, definition.name: MoneyField(currency=code, **common)}


def _choices(definition: CustomField) -> list[tuple[str, Any]]:
    return [(value, both(english, chinese)) for value, english, chinese in definition.choices]


def _relation(target: str, definition: CustomField, common: dict[str, Any]) -> models.Field[Any, Any] | None:
    other = desk_of(target)
    if other is None:
        return None
    own = {k: v for k, v in common.items() if k != "unique"}
    related = f"{definition.entity}_{definition.name}"
    if definition.unique:
        return models.OneToOneField(other.model, models.PROTECT, related_name=related, **own)
    return models.ForeignKey(other.model, models.PROTECT, related_name=related, **own)


Make = Callable[[CustomField, dict[str, Any]], "models.Field[Any, Any] | None"]
_KINDS: dict[str, Make] = {
    "text": lambda d, c: models.CharField(max_length=200, **c),
    "long": lambda d, c: LongField(**{k: v for k, v in c.items() if k != "unique"}),
    "number": lambda d, c: ExactField(places=4, **c),
    "percent": lambda d, c: ExactField(places=6, percent=True, **c),
    "date": lambda d, c: models.DateField(**c),
    "bool": lambda d, c: models.BooleanField(**{**c, "null": False, "blank": True, "unique": False, "default": False}),
    "choice": lambda d, c: models.CharField(max_length=40, choices=_choices(d), **c),
    "choices": lambda d, c: ChoicesField(max_length=1_000, options=_choices(d), **c),
    "person": lambda d, c: _relation("person", d, c),
    "relation": lambda d, c: _relation(d.target, d, c),
}


def with_default(field: models.Field[Any, Any], text: str) -> None:
    """Fill new records in beforehand. Raises ValidationError where the text is no value of the field."""
    if not text:
        return
    if field.is_relation:
        field.default = int(text)
        return
    if text == "today" and isinstance(field, models.DateField):
        from django.utils import timezone

        field.default = timezone.localdate
        return
    form = field.formfield()
    assert form is not None
    field.default = form.clean("on" if text == "true" else "" if text == "false" else text)


def column_type(field: models.Field[Any, Any]) -> str:
    return str(field.db_type(connection))

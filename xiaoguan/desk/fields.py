"""Column types that stay exact in every database: money and decimals kept as whole numbers.

SQLite turns Django's DecimalField into a binary float, so nothing here uses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from xiaoguan.base.money import SCALE, Money, parse_units
from xiaoguan.base.words import country_name


class MoneyValue(property):
    """The Money behind a MoneyField: built from `<name>_units` and the record's currency when it is read."""

    def __init__(self, field: MoneyField):
        self.field = field
        super().__init__(self._read, self._write)

    def _read(self, record: Any) -> Money | None:
        units = getattr(record, self.field.attname)
        return None if units is None else Money.of_units(units, getattr(record, self.field.currency))

    def _write(self, record: Any, value: Money | int | None) -> None:
        if isinstance(value, Money):
            setattr(record, self.field.currency, value.currency)
            value = value.units
        setattr(record, self.field.attname, value)


class MoneyField(models.BigIntegerField):
    """Money: `record.amount` is Money, `record.amount_units` the stored whole number of ten-thousandths.

    currency    name of the field of the same record that holds the ISO code.
    Queries use either name and speak of units.
    """

    def __init__(self, *args: Any, currency: str = "currency", **kwargs: Any):
        self.currency = currency
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        if self.currency != "currency":
            kwargs["currency"] = self.currency
        return name, path, args, kwargs

    def get_attname(self) -> str:
        return f"{self.name}_units"

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        if not cls._meta.abstract:
            setattr(cls, name, MoneyValue(self))

    def get_prep_value(self, value: Any) -> int | None:
        return value.units if isinstance(value, Money) else super().get_prep_value(value)

    def to_python(self, value: Any) -> int | None:
        return value.units if isinstance(value, Money) else super().to_python(value)

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))

    def formfield(self, **kwargs: Any):
        return models.Field.formfield(self, form_class=MoneyFormField, **kwargs)


class MoneyFormField(forms.Field):
    """Text such as `12,300.50` to units; at most four decimals, never a float."""

    widget = forms.TextInput
    default_error_messages = {
        "invalid": _("Enter an amount such as 12300.50 with at most four decimals, not %(value)s.")
    }

    def widget_attrs(self, widget):
        return {"inputmode": "decimal", "autocomplete": "off"}

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            return decimal_text(value, SCALE, 2)
        return value

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        try:
            units = parse_units(str(value).replace(",", "").replace("，", "").strip())
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], "invalid", {"value": value}) from error
        if abs(units) >= 2**63:
            raise ValidationError(self.error_messages["invalid"], "invalid", {"value": value})
        return units

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(initial if not isinstance(initial, int) else decimal_text(initial, SCALE, 2)) != (
                self.to_python(data)
            )
        except ValidationError:
            return True


class InternationalEmail(EmailValidator):
    """Addresses as they are written all over the world: letters of any script before the @ (RFC 6531)."""

    user_regex = re.compile(r"^[\w!#$%&'*+/=?^`{}|~-]+(\.[\w!#$%&'*+/=?^`{}|~-]+)*\Z", re.IGNORECASE)


class EmailFormField(forms.EmailField):
    default_validators: ClassVar = [InternationalEmail()]


class EmailField(models.EmailField):
    default_validators: ClassVar = [InternationalEmail()]

    def formfield(self, **kwargs: Any):
        return super().formfield(**{"form_class": EmailFormField, **kwargs})


class PhoneField(models.CharField):
    """A telephone number: a text that can be called. In migrations it is the text that it is in the database."""

    kind = "phone"

    def deconstruct(self):
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def formfield(self, **kwargs: Any):
        return super().formfield(**{"widget": forms.TextInput(attrs={"type": "tel", "inputmode": "tel"}), **kwargs})


Numeric = TypeVar("Numeric", bound=models.Field)


def single(field: Numeric) -> Numeric:
    """A number of which a sum says nothing: a price, a position."""
    field.adds = False
    return field


class CountryField(models.CharField):
    """A country by its ISO code, kept and typed so; pages name it. The database knows no difference."""

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def spoken(self) -> Callable[[Any], str]:
        locale = get_language() or "en"
        return lambda code: country_name(code, locale) if code else "–"


def counted_in(field: models.Field) -> str:
    """The field of the same record that holds the currency of this one, or "". A number that may be an amount or a
    count (a goal) names it in its model's COUNTED_IN: {"value": "currency"}."""
    known = getattr(field.model, "COUNTED_IN", {}).get(field.name, "")
    return field.currency if isinstance(field, MoneyField) else known


class ExactField(models.BigIntegerField):
    """A decimal kept as a whole number of 10^-places; in Python it is a Decimal.

    percent    the value is a fraction of one that people read and type as a percentage.
    """

    def __init__(self, *args: Any, places: int = 6, percent: bool = False, **kwargs: Any):
        self.places, self.percent = places, percent
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        kwargs["places"] = self.places
        if self.percent:
            kwargs["percent"] = True
        return name, path, args, kwargs

    @property
    def scale(self) -> int:
        return 10**self.places

    def from_db_value(self, value: int | None, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-self.places)

    def to_python(self, value: Any) -> Decimal | None:
        return None if value is None else Decimal(str(value))

    def get_prep_value(self, value: Any) -> int | None:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return self.to_units(Decimal(str(value)))

    def to_units(self, value: Decimal) -> int:
        """The stored whole number; ValueError if the value has more decimals than the column keeps."""
        scaled = value.scaleb(self.places)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than {self.places} decimals")
        return int(scaled)

    def formfield(self, **kwargs: Any):
        form_class = PercentFormField if self.percent else ExactFormField
        most = Decimal(2**63 - 1).scaleb(-self.places)  # what the column holds
        told = {"decimal_places": self.places - (2 if self.percent else 0), "max_value": most, "min_value": -most}
        return models.Field.formfield(self, form_class=form_class, **told, **kwargs)


class ExactFormField(forms.DecimalField):
    widget = forms.TextInput

    def prepare_value(self, value: Any) -> Any:
        return format(value.normalize(), "f") if isinstance(value, Decimal) else value


class PercentFormField(ExactFormField):
    """People type 12.5 (or 12.5%) and mean the fraction 0.125; the control says which it is."""

    def prepare_value(self, value: Any) -> Any:
        return f"{super().prepare_value(value * 100)}%" if isinstance(value, Decimal) else value

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "placeholder": "%"}

    def to_python(self, value: Any) -> Decimal | None:
        number = super().to_python(str(value).rstrip("%").strip() if value not in self.empty_values else value)
        return None if number is None else number / 100


def decimal_text(units: int, scale: int, at_least: int) -> str:
    """`units` of 1/scale as plain decimal text without superfluous zeros beyond `at_least` places."""
    sign, whole = ("-", -units) if units < 0 else ("", units)
    digits = len(str(scale)) - 1
    fraction = str(whole % scale).zfill(digits).rstrip("0").ljust(at_least, "0")
    return f"{sign}{whole // scale}" + (f".{fraction}" if fraction else "")

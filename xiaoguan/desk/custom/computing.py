"""Formulas over a record's own fields: worked out with every save, stored, and worked out anew when they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils.translation import gettext as _

from xiaoguan.desk.fields import ExactField, MoneyField
from xiaoguan.policy import formula
from xiaoguan.policy.formula import FormulaError, Scope, Type

CHUNK = 2_000
_RESULTS = {
    "number": Type.NUMBER, "money": Type.MONEY, "percent": Type.RATIO, "text": Type.TEXT, "date": Type.DATE,
    "bool": Type.BOOL,
}  # fmt: skip


def type_of(field: models.Field[Any, Any]) -> Type | None:
    """What a field is in a formula; None for what formulas cannot read."""
    if isinstance(field, MoneyField):
        return Type.MONEY
    if isinstance(field, ExactField):
        return Type.RATIO if field.percent else Type.NUMBER
    if isinstance(field, models.DateTimeField) or field.is_relation or field.primary_key:
        return None
    for kinds, found in (
        (models.BooleanField, Type.BOOL),
        (models.DateField, Type.DATE),
        (models.IntegerField, Type.NUMBER),
        ((models.CharField, models.TextField), Type.TEXT),
    ):
        if isinstance(field, kinds):
            return found
    return None


def readable(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    """The fields that a formula of this model may name; other formulas are not among them."""
    own = {f.name for f in getattr(model, "FORMULAS", ())}
    return {
        f.name: f
        for f in model._meta.concrete_fields
        if type_of(f) is not None and f.name not in own and f.name not in ("version", "source", "external_id")
    }


@dataclass(frozen=True)
class Formula:
    """One formula of a live model. `attnames` are the columns that it reads, in the order of `names`."""

    name: str
    field: models.Field[Any, Any]
    names: tuple[str, ...]
    sources: tuple[models.Field[Any, Any], ...]
    value: Any

    @property
    def attnames(self) -> tuple[str, ...]:
        return tuple(f.attname for f in self.sources)

    def fill(self, record: Any) -> None:
        """Set the record's field to what the formula gives now."""
        setattr(record, self.field.attname, self.of([getattr(record, name) for name in self.attnames]))

    def of(self, values: Sequence[Any]) -> Any:
        """The value of the field from the values of the columns, as Django has them."""
        row = {n: _plain(v) for n, v in zip(self.names, values, strict=True)}
        return self._kept(self.value(row))

    def _kept(self, value: Any) -> Any:
        field = self.field
        if value is None:
            return False if isinstance(field, models.BooleanField) else None
        if isinstance(field, MoneyField):
            return _rounded(Fraction(value))
        if isinstance(field, ExactField):
            return Decimal(_rounded(Fraction(value) * field.scale)).scaleb(-field.places)
        return value[: field.max_length] if isinstance(value, str) and field.max_length else value


def _rounded(value: Fraction) -> int | None:
    """Half up, away from zero; None beyond what a column holds."""
    whole = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return None if whole >= 2**63 else whole if value >= 0 else -whole


def _plain(value: Any) -> Any:
    return Fraction(value) if isinstance(value, Decimal) else value


def made(model: type[models.Model], name: str, text: str, result: str, field: Any) -> Formula:
    """Raises ValidationError that says where the formula is wrong."""
    sources = readable(model)
    types = {n: t for n, f in sources.items() if (t := type_of(f)) is not None}
    try:
        tree, _type = formula.resolve(formula.parse(text), Scope(types), _RESULTS[result])
    except FormulaError as error:
        told = {"why": error.message, "at": error.at + 1, "hint": error.hint}
        raise ValidationError({"formula": [_("%(why)s (at %(at)d). %(hint)s") % told]}) from error
    names = tuple(sorted(formula.names(tree)))
    return Formula(name, field, names, tuple(sources[n] for n in names), formula.evaluator(tree))


def refill(model: Any, ids: Sequence[int] | None = None) -> int:
    """Work the formulas of these records, or of all, out anew; returns how many changed."""
    formulas: tuple[Formula, ...] = getattr(model, "FORMULAS", ())
    if not formulas:
        return 0
    names = list(dict.fromkeys(n for f in formulas for n in (*f.attnames, f.field.attname)))
    rows = model._default_manager.order_by("pk")
    changed, last = 0, 0
    while True:
        chunk = rows.filter(pk__in=ids) if ids is not None else rows.filter(pk__gt=last)
        orm = [_orm(model, n) for n in names]
        some = list((chunk if ids is not None else chunk[:CHUNK]).values_list("pk", *orm))
        changed += _write(model, formulas, names, some)
        if ids is not None or not some:
            return changed
        last = some[-1][0]


def _orm(model: Any, attname: str) -> str:
    return next(
        f.name if isinstance(f, MoneyField) else f.attname for f in model._meta.concrete_fields if f.attname == attname
    )


def _write(model: Any, formulas: Sequence[Formula], names: list[str], rows: list[tuple[Any, ...]]) -> int:
    changed = 0
    quote = connection.ops.quote_name
    for one in formulas:
        places = [1 + names.index(n) for n in one.attnames]
        own = 1 + names.index(one.field.attname)
        new = [(one.of([row[p] for p in places]), row) for row in rows]
        wrong = [(one.field.get_db_prep_save(value, connection), row[0]) for value, row in new if value != row[own]]
        if wrong:
            sql = f"UPDATE {quote(model._meta.db_table)} SET {quote(one.field.column)} = %s WHERE id = %s"
            with connection.cursor() as cursor:
                cursor.executemany(sql, wrong)
        changed += len(wrong)
    return changed

"""Facts: which rows of which entity a policy may read, and under which names. Declared next to the entities."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q, QuerySet

from xiaoguan.desk.fields import ExactField
from xiaoguan.desk.paths import Path, resolve
from xiaoguan.policy import FactSchema, Schema, Type

TYPES = {
    "money": Type.MONEY,
    "percent": Type.RATIO,
    "decimal": Type.NUMBER,
    "number": Type.NUMBER,
    "date": Type.DATE,
    "bool": Type.BOOL,
    "relation": Type.ANY,
}


class Fact:
    """One fact table.

    name        as policies write it after `from:`
    fields      {name in policies: path in the model}; money, decimals, dates, text and relations (their id)
    label       path of what people call a row in explanations
    person      path of whom a row is credited to; the owner on the record decides
    currency    path of the currency of the money fields, "" if there are none
    dimensions  {name: path} by which a metric may be broken down
    """

    name: ClassVar[str]
    model: ClassVar[type[models.Model]]
    fields: ClassVar[Mapping[str, str]]
    label: ClassVar[str]
    person: ClassVar[str] = ""
    currency: ClassVar[str] = ""
    dimensions: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        self.paths: dict[str, Path] = {n: resolve(self.model, p.replace("__", ".")) for n, p in self.fields.items()}

    @property
    def schema(self) -> FactSchema:
        types = {name: TYPES.get(path.kind, Type.TEXT) for name, path in self.paths.items()}
        return FactSchema(
            self.name,
            types,
            dates=tuple(n for n, t in types.items() if t is Type.DATE),
            person="person" if self.person else None,
        )

    def between(self, dated: str, start: date, end: date) -> QuerySet:
        """The rows whose date lies in [start, end)."""
        column = self.paths[dated].orm
        return self.model._default_manager.filter(Q(**{f"{column}__gte": start, f"{column}__lt": end}))

    def pointers(self, other: str) -> tuple[str, ...]:
        """The fields by which rows name rows of another fact table, such as the order of a payment."""
        of = _facts[other].model if other in _facts else None
        own = ((name, path.field) for name, path in self.paths.items() if "." not in path.text)
        return tuple(name for name, field in own if of is not None and field.related_model is of)

    def rows(
        self, dated: str, start: date, end: date, names: Iterable[str], people: Collection[int] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Rows of [start, end) with `names` of the fields, in a fixed order: date, then id.

        Each has id, label, person (an id as text, or None) and, with money, currency. Money is in units, decimals are
        Fraction.
        people    only theirs; None for everybody's.
        """
        found = self.between(dated, start, end)
        if people is not None and self.person:
            found = found.filter(**{f"{self.person}__in": people})
        yield from self._read(found.order_by(self.paths[dated].orm, "pk"), {*names, dated})

    def of(self, name: str, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Whole rows that have one of these ids in a field, or as their own (name "id"), in the order of ids."""
        column = "pk" if name == "id" else self.paths[name].orm
        for at in range(0, len(keys), SOME):
            found = self.model._default_manager.filter(**{f"{column}__in": keys[at : at + SOME]})
            yield from self._read(found.order_by("pk"), self.fields)

    def _read(self, query: QuerySet, names: Collection[str]) -> Iterator[dict[str, Any]]:
        wanted = [n for n in self.fields if n in names]
        columns = ["pk", self.label, self.person or "pk", self.currency or "pk"]
        columns += [self.paths[n].orm for n in wanted]
        exact = [i for i, n in enumerate(wanted) if isinstance(self.paths[n].field, ExactField)]
        for pk, label, person, currency, *values in query.values_list(*columns).iterator(chunk_size=5_000):
            for i in exact:
                values[i] = _fraction(values[i])
            row = dict(zip(wanted, values, strict=True))
            row.update(id=str(pk), label=str(label), person=str(person) if self.person and person is not None else None)
            if self.currency:
                row["currency"] = currency
            yield row


SOME = 500
"""So many ids are asked for at once."""


def _fraction(value: Decimal | None) -> Fraction | int | None:
    if value is None:
        return None
    exact = Fraction(value)
    return exact.numerator if exact.denominator == 1 else exact


_facts: dict[str, Fact] = {}


def fact(fact_class: type[Fact]) -> type[Fact]:
    """Class decorator: the declared fact table may be named in policies."""
    _facts[fact_class.name] = fact_class()
    return fact_class


def facts() -> Mapping[str, Fact]:
    return _facts


@lru_cache(maxsize=1)
def schema() -> Schema:
    """Every fact table as the engine's checks and plans know it."""
    return Schema({name: f.schema for name, f in _facts.items()})

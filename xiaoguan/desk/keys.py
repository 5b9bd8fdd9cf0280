"""Which record a row of an import means, and which records it refers to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import models

from xiaoguan.base.words import closest
from xiaoguan.desk.fields import ExactField
from xiaoguan.desk.records import Record

_FEW = 500


class Refused(Exception):
    """A row that cannot be taken: [(field, value, reason)]."""

    def __init__(self, problems: list[tuple[str, Any, str]]):
        self.problems = problems
        super().__init__()


class LeftOut(Exception):
    """A row for which the table's condition does not hold."""


class Keys:
    """Where the records of one entity are: by their key in the source (`by` is ""), or by the value of a field.

    ids       {text: id}; None for a text that fits several records
    planned   texts under which rows that were checked but not yet written will stand
    refused   {text: where} of rows that were refused
    open      rows are missing because a file could not be read, so that an unknown key is not the row's fault
    """

    def __init__(self, model: type[Record], by: str, source: str, open_: bool = False):
        self.model, self.by, self.open = model, by, open_
        rows = model._default_manager.all()
        rows = rows.exclude(**{f"{by}__isnull": True}) if by else rows.filter(source=source, external_id__isnull=False)
        self.ids: dict[str, int | None] = {}
        for text, pk in rows.values_list(by or "external_id", "pk"):
            self.ids[str(text)] = None if str(text) in self.ids else pk
        self.planned: set[str] = set()
        self.refused: dict[str, str] = {}

    def find(self, text: str) -> int | str:
        """The id, or the text itself for a row still to be written. ValueError for one that is nowhere."""
        if (pk := self.ids.get(text, 0)) != 0:
            if pk is None:
                raise ValueError(f"fits several records of {self.model._meta.model_name}")
            return pk
        if text in self.planned or self.open:
            return text
        if text in self.refused:
            raise ValueError(f"names a row that was refused itself ({self.refused[text]})")
        known = [*self.ids, *self.planned]
        near = closest(text, known) if len(known) < _FEW else None
        raise ValueError(f"is no known {self.model._meta.model_name}" + (f"; did you mean {near!r}?" if near else ""))


class Marks:
    """A few fields of an entity, by whose values records are told apart.

    stored    {values: id} of what the database holds; None where several records have the same
    """

    def __init__(self, model: type[Record], filled: Sequence[str], names: tuple[str, ...]):
        self.names = names
        self.places = [filled.index(name) for name in names]
        self.stored: dict[tuple[Any, ...], int | None] = {}
        self.planned: dict[tuple[Any, ...], int] = {}
        fields = [model._meta.get_field(name) for name in names]
        for pk, *values in model._default_manager.values_list("pk", *(f.attname for f in fields)).iterator():
            pairs = zip(fields, values, strict=True)
            mark = tuple(f.get_prep_value(v) if isinstance(f, ExactField) else v for f, v in pairs)
            self.stored[mark] = None if mark in self.stored else pk

    def of(self, values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(values[place] for place in self.places)

    def find(self, values: Sequence[Any]) -> int | None:
        """The id of the record that says the same. Raises Refused when there are several."""
        pk = self.stored.get(mark := self.of(values))
        if pk is None and mark in self.stored:
            raise self._refused(mark, "fits several records")
        return pk

    def claim(self, values: Sequence[Any], pk: int | None, line: int) -> None:
        """Raises Refused when another record, or another row, has these values already."""
        mark = self.of(values)
        if None in mark:
            return
        if mark in self.stored and self.stored[mark] != pk:
            raise self._refused(
                mark, f"is taken by another record; state match: [{', '.join(self.names)}] if it is this"
            )
        if (first := self.planned.setdefault(mark, line)) != line:
            raise self._refused(mark, f"is there twice, first in line {first}")

    def _refused(self, mark: tuple[Any, ...], reason: str) -> Refused:
        return Refused([(", ".join(self.names), ", ".join(map(str, mark)), reason)])


def unique_sets(model: type[Record], filled: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The sets of fields that no two records may share and that are all filled."""
    for f in model._meta.concrete_fields:
        if f.unique and not f.primary_key and f.name in filled:
            yield (f.name,)
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and not constraint.condition:
            names = tuple(constraint.fields)
            if names and all(name in filled for name in names):
                yield names

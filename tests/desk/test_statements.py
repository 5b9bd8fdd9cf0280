"""A statement that is kept gives what the ORM gives, on PostgreSQL by its binary values and a kept plan too."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models

from xiaoguan.desk import conformance
from xiaoguan.desk.api.shape import Shape
from xiaoguan.desk.statements import PREPARED_AFTER, Shown


@pytest.mark.parametrize("entity", ["opportunity", "customer", "appraisalrecord", "result"])
def test_a_kept_statement_gives_what_the_orm_gives(entity: str, cast: Any) -> None:
    desk = conformance.desk(entity)
    ids = [conformance.sample(desk.model, cast.linjing).pk for _ in range(3)]
    fields = desk.model._meta.concrete_fields
    names = [f.attname for f in fields] + [f"{f.name}__id" for f in fields if f.is_relation]
    shown = Shown(desk.model, names)
    asked = [ids[2], ids[0], 2**40, ids[1]]
    stored = {row[0]: row for row in desk.model._default_manager.filter(pk__in=ids).values_list("pk", *names)}
    for _turn in range(PREPARED_AFTER + 2):
        assert shown.rows(asked) == [stored[pk] for pk in asked if pk in stored]
    [item] = Shape(desk, {}).items(ids[:1])
    written = desk.model._default_manager.get(pk=ids[0])
    for field in fields:
        if isinstance(field, models.JSONField):
            assert item[field.name] == getattr(written, field.attname), field.name

"""A statement that is kept gives what the ORM gives, on PostgreSQL by its binary values and a kept plan too."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, models, transaction

from xiaoguan.customers.models import Customer
from xiaoguan.desk import bulk, conformance, search
from xiaoguan.desk.api.shape import Shape
from xiaoguan.desk.models import Event
from xiaoguan.desk.statements import PREPARED_AFTER, Behind, Shown


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


def test_rows_are_made_while_those_before_are_indexed(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    target = bulk.Target(Customer, ["name", "owner", "phone"])
    ids = target.allocate(5)
    target.insert(
        [(pk, None, [f"甲乙{n}号公司", cast.linjing.pk, f"138112{n}2{n}3{n}"], "") for n, pk in enumerate(ids)]
    )
    for n, pk in enumerate(ids):
        assert [r.pk for r in Customer.objects.filter(search.hits(conformance.desk("customer"), f"2{n}3{n}"))] == [pk]
    assert Event.objects.filter(record_id__in=ids, entity="customer").count() == len(ids)


def test_what_goes_wrong_behind_is_raised_at_the_end(db: None) -> None:
    with pytest.raises(DatabaseError, match="nowhere"), transaction.atomic(), Behind() as behind:
        behind.run("SELECT * FROM nowhere", [])

"""Migrations know only what the code declares: the company's columns step aside and come back."""

from __future__ import annotations

from typing import Any

from django.db import connection

from xiaoguan.desk.custom import columns, live
from xiaoguan.desk.custom.fields import fields_of
from xiaoguan.desk.custom.models import CustomEntity, CustomField


def before(plan: Any = None, **kwargs: Any) -> None:
    """pre_migrate: off the models; on SQLite, copies of the columns that a migration might lose."""
    if CustomField._meta.db_table not in columns.tables():
        return
    if plan and connection.vendor == "sqlite":
        columns.keep({table: [f.column for f in found] for table, found in _columns().items()})
    live.unload()


def after(**kwargs: Any) -> None:
    """post_migrate: what is missing is made again and filled."""
    if CustomField._meta.db_table not in columns.tables():
        return
    live.refresh()
    there = columns.tables()
    if not any(name.startswith(columns.KEPT) for name in there):
        return
    filtered = {(d.entity, d.name): d.filtered for d in CustomField.objects.all()}
    for table, found in _columns().items():
        if columns.KEPT + table in there:
            columns.put_back(table, found)
            for field in found:
                columns.index(table, field, filtered.get((field.x_entity, field.x_name), False))


def _columns() -> dict[str, list[Any]]:
    """{table: fields} of everything that the company added to tables of the code, hidden or not."""
    from xiaoguan.desk.desk import desk_of

    own = {e.key for e in CustomEntity.objects.all()}
    found: dict[str, list[Any]] = {}
    for definition in CustomField.objects.exclude(entity__in=own):
        desk = desk_of(definition.entity)
        if desk is None:
            continue
        for name, field in fields_of(definition).items():
            field.set_attributes_from_name(name)
            field.x_entity, field.x_name = definition.entity, definition.name
            found.setdefault(desk.model._meta.db_table, []).append(field)
    return found

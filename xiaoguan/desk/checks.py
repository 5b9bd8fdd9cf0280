"""Start-up checks: a mistake in a declaration shows before the first page, with class, option, item and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core import checks
from django.core.exceptions import FieldDoesNotExist

from xiaoguan.desk.desk import Desk, desks
from xiaoguan.desk.paths import UnknownPath, resolve
from xiaoguan.desk.search import slot


def register_all() -> None:
    checks.register(check_desks, "desk")


def check_desks(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    slots: dict[int, str] = {}
    for desk in desks():
        found.extend(_paths(desk))
        found.extend(_form(desk))
        found.extend(_related(desk))
        other = slots.setdefault(slot(desk.key), desk.key)
        if other != desk.key:
            found.append(
                checks.Error(f"{desk.key} and {other} share a slot of the search table; rename one", id="desk.E005")
            )
    return found


def _error(desk: Desk, text: str, number: str) -> checks.Error:
    return checks.Error(f"{type(desk).__name__}.{text}", id=f"desk.{number}")


def _paths(desk: Desk) -> Iterator[checks.Error]:
    board = [desk.board.lanes, desk.board.total, *desk.board.card] if desk.board else []
    for option, texts in {
        "columns": desk.columns,
        "filters": desk.filters,
        "figures": desk.figures,
        "beside": desk.beside,
        "quick": desk.quick,
        "match_on": desk.match_on,
        "search": desk.search,
        "order": (desk.order.lstrip("-"),),
        "within": (desk.within.lstrip("-"),) if desk.within else (),
        "board": board,
    }.items():
        for text in texts:
            try:
                resolve(desk.model, text)
            except UnknownPath as error:
                yield _error(desk, f"{option} {error}", "E001")
    if not desk.columns:
        yield _error(desk, "columns is empty: a list needs at least the title", "E002")


def _form(desk: Desk) -> Iterator[checks.Error]:
    for name in desk.form_fields:
        try:
            field = desk.model._meta.get_field(name)
        except FieldDoesNotExist:
            yield _error(desk, f"form names '{name}', which {desk.model.__name__} does not have", "E003")
            continue
        if not field.editable:
            yield _error(desk, f"form names '{name}', which is kept by the system and not typed", "E003")


def _related(desk: Desk) -> Iterator[checks.Error]:
    known = {r.get_accessor_name() for r in desk.model._meta.related_objects}
    for option, name in [("related", n) for n in desk.related] + [("sums", s.relation) for s in desk.sums]:
        if name not in known:
            yield _error(
                desk,
                f"{option} names '{name}'; {desk.model.__name__} has {', '.join(sorted(filter(None, known)))}",
                "E004",
            )

"""Addresses of the entities that a company added: /x/<word>/ is one of them, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, register_converter

from xiaoguan.desk.custom.live import CustomDesk
from xiaoguan.desk.desk import Desk, desk_of


class CustomPath:
    """`x/equipment` in an address is the desk of that entity; one that is not there, or hidden, is no address."""

    regex = r"x/[a-z][a-z0-9_]*"

    def to_python(self, value: str) -> Desk:
        found = desk_of(f"x_{value.removeprefix('x/')}")
        if not isinstance(found, CustomDesk):
            raise ValueError(value)
        return found

    def to_url(self, desk: Desk) -> str:
        return desk.url_name


class DeskPath:
    """The word of any desk: `customers`, `x/equipment`."""

    regex = r"(?:x/)?[-a-zA-Z0-9_]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(CustomPath, "custom")
register_converter(DeskPath, "deskword")

Guard = Callable[..., Callable[..., HttpResponse]]


def api_path(route: str, view: Callable[..., HttpResponse], guarded: Guard, methods: tuple[str, ...] = ()) -> Any:
    """An endpoint of all custom entities; whether a token may use it is asked for the entity in the address."""

    def found(request: HttpRequest, desk: Desk, **kwargs: Any) -> HttpResponse:
        return guarded(partial(view, desk=desk), desk.key, methods)(request, **kwargs)

    return path(f"api/<custom:desk>{route}", found)

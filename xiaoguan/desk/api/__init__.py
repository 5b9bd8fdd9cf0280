"""The JSON API and its OpenAPI document, derived from the same declarations as the pages.

Lists answer straight from the database's values: a validated model a row costs five times the query. Amounts and
decimals are text, so that no client's float can touch them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from xiaoguan.desk.api.openapi import openapi
from xiaoguan.desk.api.refusals import answer, guarded, not_here, problem
from xiaoguan.desk.api.saved import views_list, views_one
from xiaoguan.desk.api.shape import item, list_body
from xiaoguan.desk.api.views import bulk, collection, one, verb
from xiaoguan.desk.desk import Desk, desks
from xiaoguan.desk.routes import by_word

__all__ = ["answer", "guarded", "item", "list_body", "not_here", "openapi", "problem", "urls"]


def document(request: HttpRequest) -> HttpResponse:
    return answer(openapi())


def reference(request: HttpRequest) -> HttpResponse:
    """The API as a page to read: every entity, its fields, filters and verbs."""
    return render(request, "desk/api.html", {"document": openapi()})


def urls() -> list[Any]:
    found: list[Any] = [path("", reference, name="api"), path("openapi.json", document, name="openapi")]
    found += [
        path("views", guarded(views_list, methods=("GET", "POST"))),
        path("views/<int:pk>", guarded(views_one, methods=("GET", "PATCH", "DELETE"))),
    ]
    found += [path(desk.url_name, include(_of_desk(desk))) for desk in desks()]
    return [path("api/", include(by_word(found))), *_of_company()]


def _of_desk(desk: Desk) -> list[Any]:
    many, single = (("GET", "POST"), ("GET", "PATCH", "DELETE")) if desk.form else (("GET",), ("GET",))
    found = [
        path("", guarded(partial(collection, desk=desk), desk.key, many)),
        path("/<int:pk>", guarded(partial(one, desk=desk), desk.key, single)),
        path("/<int:pk>/<str:name>", guarded(partial(verb, desk=desk), desk.key, ("POST",))),
    ]
    if desk.form:
        found.append(path("/bulk", guarded(partial(bulk, desk=desk), desk.key, ("POST",))))
    return found


def _of_company() -> list[Any]:
    """The same for the entities that a company added; which one it is, is in the address."""
    from xiaoguan.desk.api import remarks
    from xiaoguan.desk.custom.addresses import api_path

    return [
        api_path("", collection, guarded, ("GET", "POST")),
        api_path("/bulk", bulk, guarded, ("POST",)),
        api_path("/<int:pk>", one, guarded, ("GET", "PATCH", "DELETE")),
        api_path("/<int:pk>/comments", remarks.comments_of, guarded),
        api_path("/<int:pk>/comments/<int:comment>", remarks.comment, guarded),
        api_path("/<int:pk>/files/<int:file>", remarks.file, guarded),
    ]

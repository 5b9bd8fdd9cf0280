"""The JSON API and its OpenAPI document, derived from the same declarations as the pages.

Lists answer straight from the database's values: a validated model a row costs five times the query. Amounts and
decimals are text, so that no client's float can touch them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from xiaoguan.desk.api.openapi import openapi
from xiaoguan.desk.api.refusals import answer, guarded, not_here, problem
from xiaoguan.desk.api.saved import views_list, views_one
from xiaoguan.desk.api.shape import item, list_body
from xiaoguan.desk.api.views import bulk, collection, one, verb
from xiaoguan.desk.desk import desks

__all__ = ["answer", "guarded", "item", "list_body", "not_here", "openapi", "problem", "urls"]


def document(request: HttpRequest) -> HttpResponse:
    return answer(openapi())


def reference(request: HttpRequest) -> HttpResponse:
    """The API as a page to read: every entity, its fields, filters and verbs."""
    return render(request, "desk/api.html", {"document": openapi()})


def urls() -> list[Any]:
    found: list[Any] = [path("api/", reference, name="api"), path("api/openapi.json", document, name="openapi")]
    found += [
        path("api/views", guarded(views_list, methods=("GET", "POST"))),
        path("api/views/<int:pk>", guarded(views_one, methods=("GET", "PATCH", "DELETE"))),
    ]
    for desk in desks():
        where = f"api/{desk.url_name}"
        many, single = (("GET", "POST"), ("GET", "PATCH", "DELETE")) if desk.form else (("GET",), ("GET",))
        found += [
            path(where, guarded(partial(collection, desk=desk), desk.key, many)),
            path(f"{where}/<int:pk>", guarded(partial(one, desk=desk), desk.key, single)),
            path(f"{where}/<int:pk>/<str:name>", guarded(partial(verb, desk=desk), desk.key, ("POST",))),
        ]
        if desk.form:
            found.append(path(f"{where}/bulk", guarded(partial(bulk, desk=desk), desk.key, ("POST",))))
    return [*found, *_of_company()]


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

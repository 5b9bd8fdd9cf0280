"""Every answer that is no record: one form for all refusals, who may ask how often, and what is not done twice."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from xiaoguan.desk.api import allowance
from xiaoguan.desk.api.once import done_once
from xiaoguan.desk.conflicts import SIDES, Clash, told
from xiaoguan.desk.listing import BadQuery
from xiaoguan.desk.records import Conflict

UTC = orjson.OPT_NAIVE_UTC  # moments come from SQLite without their zone, which is UTC


def answer(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data, option=UTC), status=status, content_type="application/json")


def problem(status: int, message: str, fields: dict[str, list[str]] | None = None) -> HttpResponse:
    """Every refusal has this form: {"error": sentence, "fields": {name: [sentences]}}."""
    return answer({"error": message, **({"fields": fields} if fields else {})}, status)


def not_here(*methods: str) -> HttpResponse:
    response = problem(405, _("Use %(methods)s here.") % {"methods": ", ".join(methods)})
    response["Allow"] = ", ".join(methods)
    return response


class Stale(Exception):
    """`If-Match` names another version than the stored one."""


def refusal_of(error: Exception) -> tuple[int, str, dict[str, list[str]] | None] | None:
    """Status, sentence and fields of a refusal that is known; None for a mistake of ours."""
    if isinstance(error, BadQuery):
        return 400, str(error), None
    if isinstance(error, PermissionDenied):
        return 403, str(error) or _("You may not do this."), None
    if isinstance(error, Http404):
        return 404, _("There is no such record, or you may not see it."), None
    if isinstance(error, Conflict):
        return 409, str(error), None
    if isinstance(error, Stale):
        return 412, _("The record has another version by now; read it again."), None
    if isinstance(error, ValidationError):
        return 422, " ".join(error.messages), error.message_dict if hasattr(error, "error_dict") else None
    return None


def clashed(clash: Clash) -> HttpResponse:
    """409 with what both have changed: {"conflict": {"version": now, "fields": {name: {yours, theirs, original}}}}.

    The values are as they are shown to people; sent again with the present version, yours hold.
    """
    fields = {side["name"]: {which: side[which] for which in SIDES} for side in told(clash)}
    return answer({"error": str(clash), "conflict": {"version": clash.version, "fields": fields}}, 409)


def guarded(
    view: Callable[..., HttpResponse], entity: str = "", methods: tuple[str, ...] = ()
) -> Callable[..., HttpResponse]:
    """Around every endpoint: how often, what the token allows, what was done already; known refusals in one form.

    methods    those that the endpoint knows; empty where the view itself says.
    """

    def answered(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return done_once(request, view, **kwargs)
        except Exception as error:
            known = refusal_of(error)
            if known is None:
                raise
            return clashed(error) if isinstance(error, Clash) else problem(*known)

    def guard(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if methods and request.method not in methods:
            return not_here(*methods)
        left, seconds = allowance.ask(request.user.pk)
        if left < 0:
            response = problem(429, _("Too many requests; try again in %(s)d seconds.") % {"s": seconds})
            response["Retry-After"] = str(seconds)
            return response
        token = getattr(request, "token", None)
        needed = "read" if request.method in ("GET", "HEAD") else "write"
        if token is not None and not token.allows(needed, entity):
            return problem(403, _("This token may not %(deed)s here.") % {"deed": needed})
        response = tagged(request, answered(request, **kwargs))
        response["X-RateLimit-Remaining"] = str(left)
        return response

    return guard


def tagged(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """An answer to a reading carries a mark of its content; who has it already gets 304 without the content."""
    if request.method != "GET" or response.status_code != 200 or response.streaming:
        return response
    mark = f'"{blake2b(response.content, digest_size=12).hexdigest()}"'
    if mark in request.headers.get("If-None-Match", ""):
        response = HttpResponse(status=304)
    response["ETag"] = mark
    return response

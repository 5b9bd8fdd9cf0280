"""What was worked out and holds until the organisation, its rights or its policy change."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import connection

from xiaoguan.people.models import Account, OrganisationStamp

Given, Answer = ParamSpec("Given"), TypeVar("Answer")
KEPT = 2_000
"""So many answers of one function are kept in a process."""


def until_changed(work: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """The function, which keeps each answer in this process until the stamp of the organisation turns."""
    kept: tuple[Any, dict[Any, Any]] = None, {}

    @wraps(work)
    def ask(*given: Given.args, **named: Given.kwargs) -> Answer:
        nonlocal kept
        mark = OrganisationStamp.now(), connection.settings_dict["NAME"]
        if kept[0] != mark or len(kept[1]) >= KEPT:
            kept = mark, {}
        answers, key = kept[1], (given, *named.items())
        if key not in answers:
            answers[key] = work(*given, **named)
        return answers[key]

    return ask


@until_changed
def account_of(pk: int) -> Account:
    """The account, which must be there, with its person."""
    return Account.objects.select_related("person").get(pk=pk)

"""Signing in: accounts are made by an administrator, nobody signs up by themselves."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.views import LoginView
from django.db import connection
from django.http import HttpRequest

from xiaoguan.people.models import OrganisationStamp
from xiaoguan.project import demo

_kept: dict[Any, tuple[tuple[int, Any], Any]] = {}
KEPT = 2_000


class Backend(AuthenticationBackend):
    """allauth's, which keeps the account of a session until anything about accounts or the organisation changes."""

    def get_user(self, user_id: Any) -> Any:
        mark = OrganisationStamp.now(), connection.settings_dict["NAME"]
        kept = _kept.get(user_id)
        if kept is None or kept[0] != mark:
            if len(_kept) > KEPT:
                _kept.clear()
            kept = _kept[user_id] = mark, super().get_user(user_id)
        return kept[1]


class Adapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class Login(LoginView):
    """The door; where the demo company is loaded it shows the accounts to look around with."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "demo_logins": demo.logins()}

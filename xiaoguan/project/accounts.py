"""Signing in: accounts are made by an administrator, nobody signs up by themselves."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.views import LoginView
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from xiaoguan.people.keeping import until_changed
from xiaoguan.project import demo


class Backend(AuthenticationBackend):
    """allauth's, which keeps the account of a session until anything about accounts or the organisation changes."""

    def get_user(self, user_id: Any) -> Any:
        return _account(user_id)


@until_changed
def _account(user_id: Any) -> Any:
    return AuthenticationBackend().get_user(user_id)


class Adapter(DefaultAccountAdapter):
    """What the library says with a polite "you" in Chinese is said again, so that our translation of it counts."""

    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("The email address and/or password you specified are not correct."),
        "username_password_mismatch": _("The username and/or password you specified are not correct."),
        "enter_current_password": _("Please type your current password."),
        "rate_limited": _("Be patient, you are sending too many requests."),
    }

    def login(self, request: HttpRequest, user: Any) -> None:
        """Who never chose a language is written to in the one they signed in with."""
        if not user.language:
            user.language = get_language() or ""
            user.save(update_fields=["language"])
        super().login(request, user)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class Login(LoginView):
    """The door; where the demo company is loaded it shows the accounts to look around with."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "demo_logins": demo.logins()}

"""What happens to every request: the language is chosen, the door is kept, and what is saved knows by whom."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.translation import gettext as _

from xiaoguan.desk.access import viewer_of
from xiaoguan.desk.events import acting
from xiaoguan.people.models import Token, asked_once

Handler = Callable[[HttpRequest], HttpResponse]
OPEN_PATHS = ("/account/", "/static/", "/language", "/health")


class LanguageMiddleware:
    """Language: the cookie of this browser, then the one kept with the account, then the browser's, then Chinese."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        known = dict(settings.LANGUAGES)
        language = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        if language not in known and settings.SESSION_COOKIE_NAME in request.COOKIES:
            language = getattr(request.user, "language", "")
        if language not in known:
            language = translation.get_language_from_request(request)
        with translation.override(language if language in known else settings.LANGUAGE_CODE):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
            if hasattr(response, "render") and not response.is_rendered:
                response.render()
        response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
        return response


class AskedOnceMiddleware:
    """Whether the organisation changed is asked of the database once a request."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with asked_once():
            return self.get_response(request)


class TokenMiddleware:
    """A program signs in to the API with `Authorization: Bearer xg_...`; without a cookie there is nothing to forge."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        kind, _space, text = request.headers.get("Authorization", "").partition(" ")
        if not kind or not request.path.startswith("/api/"):
            return self.get_response(request)
        token = Token.find(text.strip()) if kind.lower() == "bearer" else None
        if token is None:
            response = JsonResponse({"error": str(_("This token is not valid (any more)."))}, status=401)
            response["WWW-Authenticate"] = "Bearer"
            return response
        request.user, request.token, request._dont_enforce_csrf_checks = token.account, token, True
        return self.get_response(request)


class SignedInMiddleware:
    """Nobody sees anything before signing in; what is saved during the request is written down as theirs."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(OPEN_PATHS):
            return self.get_response(request)
        if not request.user.is_authenticated:
            if request.path.startswith("/api/"):
                response = JsonResponse({"error": str(_("Sign in first, or send a token."))}, status=401)
                response["WWW-Authenticate"] = "Bearer"
                return response
            return redirect_to_login(request.get_full_path())
        via = "api" if request.path.startswith("/api/") else "page"
        with acting(viewer_of(request).person_id, via):
            response = self.get_response(request)
            if hasattr(response, "render") and not response.is_rendered:
                response.render()
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

"""Pages that belong to no single module: search, settings, language, health and the error pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, HttpResponseServerError, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xiaoguan.desk import search as search_table
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.screens.common import besides
from xiaoguan.project.palette import actions_of, house_pages

HITS = 5


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Ctrl-K: records of every desk that the viewer may read, and what can be done from anywhere."""
    viewer = viewer_of(request)
    words = request.GET.get("q", "").strip()[:80]
    found = search_table.everywhere(viewer, words, HITS) if words else {}
    groups = [_hits(viewer, desk, found[desk]) for desk in sorted(found, key=lambda desk: desk.rank)]
    actions, called = actions_of(viewer, words)
    context = {"q": words, "groups": groups, "actions": actions, "actions_first": called}
    return render(request, "desk/search.html", context)


def _hits(viewer: Viewer, desk: Desk, hits: list[tuple[int, str]]) -> dict[str, Any]:
    hints = besides(desk, viewer, [pk for pk, _title in hits])
    return {
        "label": desk.label_plural,
        "icon": desk.icon,
        "hits": [{"url": f"{desk.url()}{pk}", "title": title, "hint": hints.get(pk, "")} for pk, title in hits],
    }


@require_GET
def settings_page(request: HttpRequest) -> HttpResponse:
    """The company's own lists, and what each holds."""
    viewer = viewer_of(request)
    keys = {
        _("Organisation"): (
            "person",
            "team",
            "membership",
            "reportingline",
            "position",
            "territory",
            "territoryassignment",
        ),
        _("Permissions"): ("role", "roleassignment"),
        _("Sales"): ("product", "productcategory", "currency", "exchangerate"),
        _("Pay"): ("payterms", "goaltarget"),
    }
    groups, house = [], house_pages(viewer)
    for label, names in keys.items():
        items = []
        for desk in (desk_of(name) for name in names):
            if desk and desk.may_open(viewer):
                items.append(
                    {
                        "label": desk.label_plural,
                        "icon": desk.icon,
                        "url": desk.url(),
                        "hint": str(desk.hint),
                        "count": desk.visible(viewer).count(),
                    }
                )
        if label == _("Permissions"):
            items += house.get("permissions", [])
        if items:
            groups.append({"label": label, "entries": items})
    if "house" in house:
        groups.append({"label": _("Rules of the house"), "entries": house["house"]})
    return render(request, "settings/index.html", {"groups": groups})


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language in a cookie and go back to where one was."""
    chosen = request.POST.get("language", "")
    back = request.POST.get("next", "/")
    target = back if back.startswith("/") and not back.startswith("//") and "\\" not in back else "/"
    response = HttpResponseRedirect(target)
    if chosen in dict(settings.LANGUAGES):
        if request.user.is_authenticated:
            request.user.language = chosen
            request.user.save(update_fields=["language"])
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=31_536_000,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """For load balancers: the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


def _error(request: HttpRequest, code: int, message: str = "") -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"error": message or str(code)}, status=code)
    return render(request, f"{code}.html", {"message": message}, status=code)


def error_400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 400)


def error_403(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 403, str(exception or ""))


def error_404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(
        request, 404, _("There is no such record, or you may not see it.") if request.path.startswith("/api/") else ""
    )


def error_500(request: HttpRequest) -> HttpResponse:
    """Rendered without the context of the other pages, which may be what broke."""
    if request.path.startswith("/api/"):
        return _error(request, 500, "internal error")
    return HttpResponseServerError(render_to_string("500.html"))

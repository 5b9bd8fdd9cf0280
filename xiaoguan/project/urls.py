"""Every address of the application."""

from __future__ import annotations

from django.urls import include, path

from xiaoguan.desk import api, screens
from xiaoguan.project import pages

urlpatterns = [
    path("", pages.today, name="today"),
    path("search", pages.search, name="search"),
    path("settings/", pages.settings_page, name="settings"),
    path("language", pages.language, name="language"),
    path("health", pages.health, name="health"),
    path("account/", include("xiaoguan.project.account_urls")),
    *screens.urls(),
    *api.urls(),
]
handler400, handler403, handler404, handler500 = (
    f"xiaoguan.project.pages.error_{code}" for code in (400, 403, 404, 500)
)

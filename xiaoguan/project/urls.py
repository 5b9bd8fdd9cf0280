"""Every address of the application."""

from __future__ import annotations

from django.urls import include, path

from xiaoguan.appraisal import pages as appraisal
from xiaoguan.desk import api, screens
from xiaoguan.desk.routes import by_word
from xiaoguan.goals import planning_pages
from xiaoguan.goals.pages import tree
from xiaoguan.incentive import pages as pay
from xiaoguan.insight import forecast_pages, whatif
from xiaoguan.insight import pages as insight
from xiaoguan.insight.today import today
from xiaoguan.people import rights_pages, share_pages
from xiaoguan.project import pages, tokens
from xiaoguan.project.design import design
from xiaoguan.rulebook import workshop
from xiaoguan.rulebook.pages import metric_page, result_page
from xiaoguan.sales import pages as sales

urlpatterns = by_word(
    [
        path("", today, name="today"),
        path("goals/", tree, name="goals"),
        *planning_pages.urls(),
        *pay.urls(),
        *appraisal.urls(),
        *whatif.urls(),
        *insight.urls(),
        *forecast_pages.urls(),
        *sales.urls(),
        path("numbers/<str:policy>/<str:name>", metric_page, name="metric"),
        path("explain/<int:pk>", result_page, name="explain"),
        path("results/<int:pk>", result_page),  # in place of the plain page of the record, which has no number
        path("search", pages.search, name="search"),
        path("settings/", pages.settings_page, name="settings"),
        path("design", design, name="design"),
        path("language", pages.language, name="language"),
        path("health", pages.health, name="health"),
        path("tokens/", tokens.tokens_page, name="tokens"),
        path("tokens/<int:pk>/take-back", tokens.take_back, name="token_take_back"),
        path("account/", include("xiaoguan.project.account_urls")),
        *workshop.urls(),
        *rights_pages.urls(),
        *share_pages.urls(),
        *screens.urls(),
        *api.urls(),
    ]
)
handler400, handler403, handler404, handler500 = (
    f"xiaoguan.project.pages.error_{code}" for code in (400, 403, 404, 500)
)

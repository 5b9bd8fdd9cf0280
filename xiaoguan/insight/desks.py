"""What people see of warnings: their own, those of their people, and what they were told of; honours are for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.desk import Desk, Ready, everyone, manager, owner, register, role
from xiaoguan.desk.access import NONE, Rule, Viewer
from xiaoguan.insight.models import ForecastSnapshot, Honour, Warning, WarningTold


class Told(Rule):
    """Whoever the policy had told."""

    def q(self, viewer: Viewer) -> Q:
        told = WarningTold.objects.filter(person__in=viewer.own)
        return Q(pk__in=told.values("warning")) if viewer.own else NONE

    def never(self, viewer: Viewer) -> bool:
        return not viewer.own

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return WarningTold.objects.filter(warning=record.pk, person__in=viewer.own).exists()

    def words(self) -> str:
        return str(_("whoever was told by the policy"))


@dataclass(frozen=True)
class Leads(Rule):
    """Whoever leads the team that a record without a person is about, and those above."""

    def q(self, viewer: Viewer) -> Q:
        return Q(person__isnull=True, team__leader__in=viewer.own | viewer.reports)

    def never(self, viewer: Viewer) -> bool:
        return not viewer.own

    def allows(self, viewer: Viewer, record: Any) -> bool:
        team = record.team if record.person_id is None else None
        return team is not None and team.leader_id in viewer.own | viewer.reports

    def words(self) -> str:
        return str(_("the team's leader and those above"))


@register
class WarningDesk(Desk):
    """Warnings come and go by the rules of the policy, once a night; nobody writes them."""

    model = Warning
    icon = "alert-triangle"
    place = "today"
    columns = "name", "about", "severity", "value", "bound", "owner", "raised_on", "escalated_on", "cleared_on"
    filters = "severity", "name", "owner", "team", "raised_on", "cleared_on", "customer"
    views = (
        Ready("open", pgettext_lazy("warning", "Open"), "where=cleared_on:empty"),
        Ready("mine", _("Mine"), "owner=me&where=cleared_on:empty"),
        Ready("settled", pgettext_lazy("warning", "Settled"), "where=cleared_on:filled&sort=-cleared_on"),
    )
    order = "-raised_on"
    figures = "value", "bound", "raised_on", "escalated_on", "cleared_on"
    untold = ("trace",)  # programs ask for /why
    read = owner("owner") | manager("owner") | role("general_manager", "operations") | Told()


@register
class HonourDesk(Desk):
    """Honours are given by the rules of the policy; the number behind one is not for everybody."""

    model = Honour
    icon = "award"
    place = "performance"
    columns = "name", "person", "rank", "label", "team", "given_on"
    filters = "name", "person", "team", "given_on"
    views = (Ready("mine", _("Mine"), "person=me"),)
    order = "-given_on"
    figures = "person", "rank", "label", "given_on"
    read = everyone


@register
class ForecastSnapshotDesk(Desk):
    """Forecasts are kept on the days that the policy declares; nobody writes them."""

    model = ForecastSnapshot
    slug = "kept-forecasts"
    icon = "history"
    place = "pipeline"
    columns = (
        *("label", "person", "team", "taken_on", "quota", "actual"),
        *("commit", "best_case", "pipeline", "weighted"),
    )
    filters = "label", "person", "team", "taken_on", "ends_on"
    views = (Ready("mine", _("Mine"), "person=me"),)
    order = "-taken_on"
    figures = "quota", "actual", "commit", "best_case", "weighted"
    untold = "methods", "deals"  # programs ask for /why
    read = owner("person") | manager("person") | Leads() | role("general_manager", "operations")

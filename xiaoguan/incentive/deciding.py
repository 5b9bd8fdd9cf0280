"""Who decides disputes: finance, operations, and the roles that the plan names."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from xiaoguan.desk import role
from xiaoguan.desk.access import NONE, Rule, Viewer
from xiaoguan.people.keeping import until_changed
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import document_of

OFFICES = ("finance", "operations")


class NamedByPlan(Rule):
    """Whoever holds a role that a plan of the dispute's policy names for deciding."""

    def _versions(self, viewer: Viewer) -> list[int]:
        return [pk for pk, digest in _adopted() if viewer.has(*roles_named(digest))]

    def q(self, viewer: Viewer) -> Q:
        versions = self._versions(viewer)
        return Q(statement__run__policy__in=versions) if versions else NONE

    def never(self, viewer: Viewer) -> bool:
        return not self._versions(viewer)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        run = record.statement.run
        return run is not None and run.policy_id in self._versions(viewer)

    def words(self) -> str:
        return _("people whose role the plan names")


@until_changed
def _adopted() -> list[tuple[int, str]]:
    return list(PolicyVersion.objects.values_list("pk", "digest"))


@lru_cache(maxsize=64)
def roles_named(digest: str) -> frozenset[str]:
    """The roles that the plans of a policy name for deciding disputes, by the digest of its text."""
    version = PolicyVersion.objects.filter(digest=digest).first()
    plans = document_of(version).incentive if version else ()
    return frozenset(code for plan in plans if plan.dispute is not None for code in plan.dispute.decide)


deciders = role(*OFFICES) | NamedByPlan()

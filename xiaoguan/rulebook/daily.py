"""Sections of the policy in force that are carried out in daily work: discount levels, pool, follow-up, classes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.utils import timezone

from xiaoguan.people.keeping import until_changed
from xiaoguan.rulebook.models import PolicyVersion


@dataclass(frozen=True)
class Ruling:
    """A section, the name of the policy that it stands in, "小企业销售管理制度 1.0.0", and the id of its version."""

    section: Any
    policy: str
    version: int


def ruling(key: str, day: date | None = None) -> Ruling | None:
    """The section `key` of the newest adopted policy with one that is in force on `day` (today); None before any."""
    return _in_force(key, day or timezone.localdate())


@until_changed
def _in_force(key: str, day: date) -> Ruling | None:
    rows = PolicyVersion.objects.filter(effective_from__lte=day).exclude(effective_to__lte=day)
    for pk, digest in rows.order_by("-effective_from", "-id").values_list("pk", "digest"):
        if found := _of(key, pk, digest):
            return found
    return None


@lru_cache(maxsize=128)
def _of(key: str, version_id: int, digest: str) -> Ruling | None:
    """The section of one version; a version with this digest never changes, so it is read once."""
    from xiaoguan.rulebook.versions import document_of

    policy = document_of(version_id)
    section = getattr(policy, key)
    return Ruling(section, f"{policy.header.name} {policy.version}", version_id) if section else None

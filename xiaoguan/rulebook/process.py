"""The sales process of the policy in force: its stages in order, with their probability and limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from xiaoguan.base.periods import Calendar
from xiaoguan.desk.events import current_actor
from xiaoguan.people.keeping import until_changed
from xiaoguan.policy.warnings import limit_days
from xiaoguan.rulebook.models import PolicyVersion


@dataclass(frozen=True)
class Stage:
    """One stage; probability a fraction of one, limit in calendar days (None: no limit), closes "won", "lost" or ""."""

    id: str
    name: str
    probability: Fraction
    limit_days: int | None
    closes: str
    checklist: tuple[str, ...] = ()


@dataclass(frozen=True)
class Process:
    stages: tuple[Stage, ...]
    skip: str
    back: str
    currency: str
    policy: str

    def stage(self, stage_id: str) -> Stage:
        """The stage with this id; one unknown to the policy in force stands as itself with no probability."""
        found = next((s for s in self.stages if s.id == stage_id), None)
        return found or Stage(stage_id, stage_id, Fraction(0), None, "")

    def position(self, stage_id: str) -> int:
        return next((i for i, s in enumerate(self.stages) if s.id == stage_id), -1)

    def move(self, now: str, to: str) -> str:
        """What the policy says of this move: "ok", "reason" (a reason is needed) or "forbidden"."""
        here, there = self.position(now), self.position(to)
        if there < 0:
            return "forbidden"
        rule = self.back if there < here else self.skip if there > here + 1 else "allowed"
        return {"forbidden": "forbidden", "with_reason": "reason"}.get(rule, "ok")


PLAIN = Process(
    stages=tuple(
        Stage(i, n, Fraction(p, 100), None, c)
        for i, n, p, c in (
            ("identify", _("Identified"), 10, ""),
            ("contact", _("Contacted"), 25, ""),
            ("propose", _("Proposed"), 50, ""),
            ("negotiate", _("Negotiating"), 75, ""),
            ("won", _("Won"), 100, "won"),
        )
    ),
    skip="allowed",
    back="allowed",
    currency="CNY",
    policy="",
)


def process_in_force(day: date | None = None) -> Process:
    """The process of the newest adopted policy with one that is in force on `day` (today); a plain one before any.

    Asked once a request or job; kept in this process until a version is written, which turns the organisation's stamp.
    """
    day, memo = day or timezone.localdate(), current_actor().memo
    if memo is None:
        return _in_force(day)
    if ("process", day) not in memo:
        memo["process", day] = _in_force(day)
    return memo["process", day]


@until_changed
def _in_force(day: date) -> Process:
    rows = PolicyVersion.objects.filter(effective_from__lte=day).exclude(effective_to__lte=day)
    for pk, digest in rows.order_by("-effective_from", "-id").values_list("pk", "digest"):
        if found := _process_of(pk, digest):
            return found
    return PLAIN


def calendar_in_force() -> Calendar:
    """The calendar of the newest adopted policy that is in force today; the plain one before any."""
    today = timezone.localdate()
    rows = PolicyVersion.objects.filter(effective_from__lte=today).exclude(effective_to__lte=today)
    newest = rows.order_by("-effective_from", "-id").values_list("pk", flat=True).first()
    if newest is None:
        return Calendar()
    from xiaoguan.rulebook.versions import document_of

    return document_of(newest).calendar


@lru_cache(maxsize=64)
def _process_of(version_id: int, digest: str) -> Process | None:
    """The process of one version; a version with this digest never changes, so it is read once."""
    from xiaoguan.rulebook.versions import document_of

    policy = document_of(version_id)
    if policy.process is None:
        return None
    return Process(
        stages=tuple(
            Stage(
                id=s.id,
                name=s.name,
                probability=s.probability or Fraction(0),
                limit_days=limit_days(s.limit),
                closes=s.closes or "",
                checklist=tuple(s.checklist),
            )
            for s in policy.process.stages
            if not s.after
        ),
        skip=policy.process.moves.skip,
        back=policy.process.moves.back,
        currency=policy.currency,
        policy=f"{policy.header.name} {policy.version}",
    )


class StageField(models.CharField):
    """The id of a stage; which ids there are, the policy in force says."""

    kind = "stage"

    def __init__(self, *args: Any, **kwargs: Any):
        kwargs.setdefault("max_length", 40)
        super().__init__(*args, **kwargs)

    def stage_choices(self) -> list[tuple[str, str]]:
        return [(s.id, s.name) for s in process_in_force().stages]

    def formfield(self, **kwargs: Any) -> Any:
        from django import forms

        return forms.ChoiceField(
            choices=self.stage_choices, label=kwargs.pop("label", self.verbose_name), required=not self.blank
        )

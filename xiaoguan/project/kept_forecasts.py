"""The demo company's forecasts of the last half year, each as if it had been kept on its day: from the stages in which
deals were then. Their amounts and expected days are those of now, since nobody in the demo changes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.utils import timezone

from xiaoguan.insight.forecasts import View, declared, written
from xiaoguan.insight.models import ForecastSnapshot
from xiaoguan.policy import Policy
from xiaoguan.policy.forecast import Deal, Experience, category_of
from xiaoguan.project.simulation import Deed, Simulation
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.sales.staying import stays_on

WEEKS = 26


@dataclass
class _Then(View):
    """A view of a past day; what does not change from week to week is worked out once."""

    known: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def deals(self) -> Mapping[int, Sequence[Deal]]:
        found: dict[int, list[Deal]] = defaultdict(list)
        for row in stays_on(self.day):
            days, category = (self.day - row["entered_on"]).days, category_of(self.policy, row["stage"])
            one = Deal(
                row["id"], row["label"], row["person"], row["amount"], row["stage"], category, row["closes_on"], days
            )
            found[int(row["person"])].append(one)
        return found

    @cached_property
    def experience(self) -> Experience | None:
        key = self.policy.calendar.period("quarter", self.day)
        if key not in self.known:
            self.known[key] = super().experience
        return self.known[key]  # type: ignore[no-any-return]


def keep_past(company: Simulation, version: PolicyVersion, policy: Policy) -> None:
    """Those of the last weeks in which the policy was in force, each in the night before its day."""
    if policy.forecast is None:
        return
    known: dict[Any, Any] = {}
    came: dict[Any, Any] = {}
    first = max(policy.header.effective.start, company.go_live)
    days = {declared(policy.forecast, company.today - timedelta(weeks=back)) for back in range(WEEKS)}
    for day in sorted(day for day in days if day is not None and first <= day < company.today):
        view, at = _Then(version, policy, day, None, dict(came), known=known), _night(day)
        rows = written(view)
        ForecastSnapshot.objects.filter(taken_on=day).update(created_at=at, updated_at=at)
        company.deeds += [Deed(at, row, "created", None, "system") for row in rows]
        came = {period: sums for period, sums in view._came.items() if period.end <= day}


def _night(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day, 0, 40))

"""A company whose policy appraises by quarter, and what the stories of it are told with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.rulebook.test_reckoning import order
from xiaoguan.goals.models import GoalTarget
from xiaoguan.rulebook.versions import adopt

POLICY = """
policy:
  schema: sales-policy/1
  id: house
  name: House rules
  version: 1.0.0
  effective: {from: 2025-01-01, to: null}
  scope: {roles: [sales_rep]}
  currency: CNY
metrics:
  bookings: {name: Bookings, type: amount, from: orders, value: "sum(net_amount)", date: signed_on,
    where: "status == 'signed'"}
goals:
  - {id: quota, metric: bookings, period: quarter, target: {method: assigned}}
appraisal:
  - id: quarterly
    name: Quarterly appraisal
    period: quarter
    indicators:
      - {metric: bookings, weight: 60%, score: {curve: linear, of: attainment, cap: 120}}
      - {id: teamwork, name: Teamwork, weight: 40%, raters: {manager: 50%, peer: 50%}, min_raters: 2, scale: [0, 10]}
    grades: {A: {from: 90, factor: 1.2}, B: {from: 60, factor: 1}, C: {from: 0, factor: 0.5}}
    distribution: {mode: guide, shares: {A: 30%, B: 60%, C: 10%}, min_group: 2}
    calibration: {by: sales_manager, change: one_grade, reason: required}
    interview: {due: 10wd, record: required}
incentive:
  - id: plan
    role: sales_rep
    components: [{id: commission, kind: commission, basis: bookings, period: month, rate: 10%}]
    multiply: [{by: "grade_factor(quarterly)", applies_to: [commission]}]
"""


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def company(cast: Any, tmp_path: Path, settings: Any) -> Any:
    """林静 sold 100,000 of 100,000 in the first quarter; 周航 has no goal; 王磊 sold half of his."""
    settings.HOME = tmp_path
    adopt(POLICY)
    quarter = {"goal": "quota", "currency": "CNY", "starts_on": date(2026, 1, 1), "ends_on": date(2026, 4, 1)}
    GoalTarget(person=cast.linjing, value=Decimal(100_000), **quarter).save()
    GoalTarget(person=cast.wanglei, value=Decimal(100_000), **quarter).save()
    order(cast.linjing, "100000", date(2026, 3, 1))
    order(cast.wanglei, "50000", date(2026, 3, 5))
    return cast

"""When a customer is due by the policy, and what a rule of the past finds of it; reckoned by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from xiaoguan.policy import RowsWorld
from xiaoguan.policy.customers import Customers
from xiaoguan.policy.following import Following
from xiaoguan.policy.warnings import judged

from .making import BOOKINGS, policy

START = date(2026, 3, 1)


def day(number: int) -> date:
    return START + timedelta(days=number)


class Known(dict[str, Any]):
    """A customer since the first of March, with contacts {kind: day}."""

    since = START

    def contacted(self, kinds: Sequence[str], minutes: int) -> date | None:
        found = [on for kind, on in self.get("contacts", {}).items() if not kinds or kind in kinds]
        return max(found, default=None)


def due(rules: str, today: int = 0, **known: Any) -> Any:
    found = Following(policy(f"follow_up: [{rules}]\n")).next(Known(known), day(today))
    return found and (found.rule.id, (found.on - START).days, (found.late_on - START).days)


EVERY = "{id: every, where: \"customer.class == 'A'\", every: 10d, kind: [call, visit], grace: 3d}"
AT = '{id: at, where: "days_since_deal <= 30", at: [3d, 7d, 30d], grace: 1d}'
A = {"customer.class": "A"}


@pytest.mark.parametrize(
    ("rules", "known", "wanted"),
    [
        (EVERY, A, ("every", 10, 14)),
        (EVERY, {}, None),
        (EVERY, {**A, "contacts": {"call": day(5), "message": day(9)}}, ("every", 15, 19)),
        (EVERY, {**A, "contacts": {"visit": day(-5)}}, ("every", 10, 14)),  # before it came to its owner
        ("{id: all, every: 5wd}", {}, ("all", 5, 6)),  # Monday to Friday, from Sunday on; no grace
        (f"{EVERY}, {{id: soon, every: 8d}}", A, ("soon", 8, 9)),
        (f"{EVERY}, {{id: same, every: 10d}}", A, ("every", 10, 14)),
        (AT, {"days_since_deal": 2}, ("at", 3 - 2, 3)),
        (AT, {"days_since_deal": 10}, ("at", -7, -5)),  # nobody called since the deal
        (AT, {"days_since_deal": 10, "contacts": {"call": day(-4)}}, ("at", -3, -1)),
        (AT, {"days_since_deal": 10, "contacts": {"call": day(-1)}}, ("at", 20, 22)),
        (AT, {"days_since_deal": 31}, None),
        (AT, {}, None),
    ],
)
def test_what_is_due_first_counts(rules: str, known: dict[str, Any], wanted: Any) -> None:
    assert due(rules, **known) == wanted


def test_a_rule_whose_event_is_not_known_is_not_carried_out() -> None:
    rules = 'follow_up: [{id: d, where: "days_since_visit <= 9", at: [3d]}, {id: e, at: [3d]}, {id: f, every: 3d}]\n'
    assert [one.key for one in policy(rules).later] == ["follow-up rule d", "follow-up rule e"]


def test_a_past_day_is_judged_by_what_had_happened_by_then() -> None:
    rules = "follow_up: [{id: x, every: 10d, kind: [call], grace: 2d}]\n"
    rules += 'warnings: [{id: late, when: "follow_up_overdue_days > 3"}, '
    rules += '{id: new, when: "orders == 0 and days_owned > 9"}]\n'
    of = policy(BOOKINGS + rules)
    tables = {
        "customers": [{"id": "c", "label": "海天", "person": "lin", "created_on": date(2026, 1, 1)},
                      {"id": "pool", "created_on": date(2026, 1, 1)}],
        "activities": [{"id": "1", "customer": "c", "kind": "call", "done_on": date(2026, 1, 10)},
                       {"id": "2", "customer": "c", "kind": "message", "done_on": date(2026, 1, 20)},
                       {"id": "3", "customer": "c", "kind": "call", "done_on": date(2026, 2, 20)}],
        "orders": [{"id": "o", "customer": "c", "person": "lin", "net_amount": 1, "signed_on": date(2026, 2, 5)}],
    }  # fmt: skip
    world = RowsWorld(of, tables)
    found = {
        (label, one.rule.id): (one.who.name, one.owner, one.value.text if one.value else "")
        for label in ("2026-01", "2026-02", "2026-03")
        for one in judged(of, [], of.calendar.parse(label), world)
        if one.holds
    }
    assert found == {
        ("2026-01", "late"): ("海天", "lin", "10"),  # due on 20 January, overdue from 23 January on
        ("2026-01", "new"): ("海天", "lin", "0"),
        ("2026-03", "late"): ("海天", "lin", "28"),
    }
    (one,) = Customers(of, world, date(2026, 2, 1))
    known = [
        one.get(name) for name in ("days_owned", "days_since_follow_up", "days_since_deal", "spend", "customer.class")
    ]
    assert known == [31, 12, None, 0, None]

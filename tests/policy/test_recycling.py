"""Which rule of the pool holds first, and in how many days; reckoned by hand."""

from __future__ import annotations

from typing import Any

from xiaoguan.policy.recycling import Recycling

from .making import policy

IDLE = '{id: idle, when: "days_since_follow_up > 30", warn: 5d}'
POOR = '{id: poor, when: "days_owned > 90 and orders == 0 or spend < 1_000 and days_owned > 100"}'


class Known(dict[str, Any]):
    deals = ()


def first(rules: str, within: int = 30, put_off: Any = None, exclude: str = "false", **facts: Any) -> Any:
    found = Recycling(policy(f'pool: {{recycle: [{rules}], exclude: "{exclude}"}}\n'))
    due = found.first(Known(facts), within, put_off)
    return due and (due.rule.id, due.days, dict(due.counted))


def test_the_rule_that_holds_first_is_told_with_what_it_counts_then() -> None:
    both = f"{IDLE}, {POOR}"
    assert first(both, days_since_follow_up=10, days_owned=40, orders=0) == ("idle", 21, {"days_since_follow_up": 31})
    assert first(both, days_since_follow_up=10, days_owned=80, orders=0) == ("poor", 11, {"days_owned": 91})
    assert first(both, days_since_follow_up=35, days_owned=95, orders=0) == ("idle", 0, {"days_since_follow_up": 35})
    assert first(both, days_since_follow_up=0, days_owned=60, orders=0) is None, "31 days on"
    assert first(both, within=31, days_since_follow_up=0, days_owned=60, orders=0)[1] == 31
    assert first(POOR, days_owned=99, orders=3, spend=9_990_000) == ("poor", 2, {"days_owned": 101}), "999 yuan"
    assert first(POOR, days_owned=99, orders=3, spend=10_000_000) is None


def test_what_is_put_off_excluded_or_missing_does_not_hold() -> None:
    assert first(IDLE, put_off={"idle": 20}, days_since_follow_up=31)[1] == 20
    assert first(IDLE, days_since_follow_up=31, exclude="customer.class == 'A'", **{"customer.class": "A"}) is None
    assert first(IDLE, days_since_follow_up=31, exclude="customer.class == 'A'") is not None
    assert first('{id: x, when: "days_since_deal > 3"}') is None
    assert Recycling(policy('pool: {recycle: [{id: x, when: "person.level > 3"}]}\n')).rules == []

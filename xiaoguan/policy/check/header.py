"""Checks of 制度头 and 期间日历: ids, dates, currency, roles, periods, holidays, changes inside a period."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Iterator
from datetime import date

from xiaoguan.base.issues import Issue
from xiaoguan.base.money import minor_digits, parse_units
from xiaoguan.base.periods import CalendarGap
from xiaoguan.base.words import did_you_mean

from ..document import Policy, Section
from ..earning import by_event
from ..metrics import Schema
from .common import issue


def header(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Id, version, currency, time zone and dates of the header."""
    head = policy.header
    for key, pattern, example in (
        ("id", r"[a-z][a-z0-9-]*", "small-company"),
        ("version", r"\d+\.\d+\.\d+", "1.0.0"),
        ("currency", r"[A-Z]{3}", "CNY"),
    ):
        text = getattr(head, key)
        if not re.fullmatch(pattern, text):
            yield issue(
                policy, head, f"{key} {text!r} is not written as it should be", f"Write it like {example}.", key
            )
    try:
        zoneinfo.ZoneInfo(head.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        yield issue(
            policy, head, f"there is no time zone {head.timezone!r}", "Write it like Asia/Shanghai.", "timezone"
        )
    effective = head.effective
    if effective.end is not None and effective.end <= effective.start:
        message = f"the policy ends on {effective.end}, not after it begins on {effective.start}"
        yield issue(policy, effective, message, "`to` is the first day on which it no longer holds.", code="dates")


def rounding(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """The rounding that is written is the rounding that is done."""
    written = policy.header.rounding
    unit = _minor(policy.currency)
    if written.money and written.money != f"{unit} half_up":
        hint = f"Write {unit} half_up: {policy.currency} is rounded to its minor unit, half up."
        yield issue(policy, written, f"money is not rounded as {written.money!r}", hint, "money", code="rounding")
    if written.score and written.score.split() != ["0.01", "half_up"]:
        hint = "Write 0.01 half_up: scores are shown to 0.01, and grades compare the exact one."
        yield issue(policy, written, f"scores are not rounded as {written.score!r}", hint, "score", code="rounding")
    if written.quota and not _is_quota_rounding(written.quota):
        message = f"quota rounding {written.quota!r} is not understood"
        yield issue(policy, written, message, "Write it like 1000 largest_remainder.", "quota", code="rounding")


def _is_quota_rounding(text: str) -> bool:
    """An amount above zero, in whole units, and the one way that parts of a quota are rounded."""
    amount, _, how = text.partition(" ")
    try:
        return how == "largest_remainder" and parse_units(amount) > 0
    except ValueError:
        return False


def _minor(currency: str) -> str:
    digits = minor_digits(currency)
    return "0." + "0" * (digits - 1) + "1" if digits else "1"


def unique_ids(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """An id names one thing: goals, stages, plans, components across all plans, appraisals and every other rule."""
    groups: tuple[tuple[str, Iterable[Section]], ...] = (
        ("goal", policy.goals),
        ("stage", policy.process.stages if policy.process else ()),
        ("plan", policy.incentive),
        ("component", [component for _, component in policy.components()]),
        ("appraisal", policy.appraisal),
        ("classification", policy.classification),
        ("follow-up rule", policy.follow_up),
        ("recycling rule", policy.pool.recycle if policy.pool else ()),
        ("recognition", policy.recognition),
        ("warning", policy.warnings),
    )
    for what, sections in groups:
        seen: dict[str, int] = {}
        for section in sections:
            name = section.id  # type: ignore[attr-defined]
            if name in seen:
                message = f"{what} {name!r} is there twice, first in line {seen[name]}"
                yield issue(policy, section, message, "Give one of them another id.", "id", code="id")
            seen.setdefault(name, section.line)


def roles(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Plans are for roles that the policy is for."""
    known = policy.header.scope.roles
    for one in policy.incentive:
        for role in one.role:
            if known and role not in known:
                hint = did_you_mean(role, known) or f"Add {role} to policy.scope.roles."
                yield issue(policy, one, f"role {role!r} is not in the scope of the policy", hint, "role")


def periods(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """Every period that is named exists in the calendar."""
    kinds = policy.calendar.kinds
    for section, key, kind in _named_periods(policy):
        if kind and kind not in kinds:
            hint = did_you_mean(kind, kinds) or f"There are {', '.join(kinds)}."
            yield issue(policy, section, f"{kind!r} is not a period of the calendar", hint, key)


def _named_periods(policy: Policy) -> Iterator[tuple[Section, str, str]]:
    for section in (*policy.goals, *policy.appraisal, *policy.recognition):
        yield section, "period", section.period  # type: ignore[attr-defined]
    for rule in policy.classification:
        yield rule, "review", rule.review
    for _, component in policy.components():
        if component.kind != "override_rate":
            yield component, "period", component.period
        if component.tiers is not None and component.tiers.accumulate != "period":
            yield component.tiers, "accumulate", component.tiers.accumulate
        if component.cap is not None and component.cap.per != "valid":
            yield component.cap, "per", component.cap.per
    for plan in policy.incentive:
        for limit in (plan.cap, plan.floor):
            if limit is not None:
                yield limit, "per", limit.per
        if plan.true_up is not None:
            yield plan.true_up, "period", plan.true_up.period
    if policy.calendar_section.close is not None:
        yield policy.calendar_section.close, "period", policy.calendar_section.close.period


def transition(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A policy that begins inside a period or an accumulation window leaves that one to the version before it, except
    for what is paid record by record."""
    start = policy.header.effective.start
    for _, component in policy.components():
        if component.kind == "override_rate" or by_event(component):
            continue
        window = component.tiers.accumulate if component.tiers else "period"
        kind = component.period if window == "period" else window
        try:
            found = policy.calendar.period(kind, start)
        except ValueError:
            continue
        if found.start != start:
            changes = policy.header.transition
            if changes is not None and changes.components.get(component.id, changes.default) != "new_period_only":
                continue
            message = f"the policy begins inside the {kind} {found.label}; "
            if policy.header.supersedes:
                message += f"{component.id} follows the version before it until {found.end}"
            else:
                message += f"{component.id} is not calculated for it"
            hint = f"Begin it on {found.start} or {found.end}, or keep the earlier version for this {kind}."
            yield issue(policy, policy.header.effective, message, hint, "from", "warning", "dates")


def holidays(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """The holiday table has the years in which the policy begins and ends."""
    effective = policy.header.effective
    last = date.fromordinal(effective.end.toordinal() - 1) if effective.end else None
    for day in (effective.start, last):
        try:
            if day is not None:
                policy.calendar.is_working_day(day)
        except CalendarGap as gap:
            yield issue(policy, policy.calendar_section.working_days, str(gap), "", "holidays", "warning", "calendar")


def changes(policy: Policy, schema: Schema) -> Iterator[Issue]:
    """A transition names components; the new version may pay less only with a waiver that says so."""
    rule = policy.header.transition
    known = [component.id for _, component in policy.components()]
    for name in rule.components if rule else ():
        if name not in known:
            assert rule is not None
            hint = did_you_mean(name, known) or "Name a component of the incentive."
            yield issue(policy, rule, f"there is no component {name!r}", hint, "components")
    if (
        rule is not None
        and "new_for_whole_period" in (rule.default, *rule.components.values())
        and not policy.header.waiver
    ):
        message = "new_for_whole_period may lower pay that was already earned, and the policy has no waiver"
        hint = "Say in policy.waiver who agreed to it, or use new_period_only."
        yield issue(policy, rule, message, hint, level="warning", code="dates")

"""示范公司, the demo company: a history up to today in an empty database, and the accounts to look around with.

`simulation/` makes up what happened, `cast.py` holds the literal lists. Here it is written as saving one record after
the other would have: rows, one Event a deed in the order of time, search entries, what `derive` keeps. Then the policy
is adopted, its goals are set as it says (growth, seasons, shares, ramp and proration by `policy.goals`), and the last
closed months are reckoned.
"""

from __future__ import annotations

import gc
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.db import DatabaseError, transaction
from django.utils import timezone

import xiaoguan
from xiaoguan.base.explain import Line
from xiaoguan.base.money import SCALE, round_to
from xiaoguan.base.periods import CalendarGap, Period
from xiaoguan.desk import duplicates, search, tallies
from xiaoguan.desk.access import role_label
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import acting, plain
from xiaoguan.desk.models import Event
from xiaoguan.desk.records import Record
from xiaoguan.goals.models import GoalTarget
from xiaoguan.people.models import Account, Membership, Person, Role, Team
from xiaoguan.people.roles import ensure_roles
from xiaoguan.policy import Goal, Policy
from xiaoguan.policy.document import Step
from xiaoguan.policy.goals import decompose, months_since, proration, ramp, step_shares, target
from xiaoguan.project import asked_discounts, cast
from xiaoguan.project.appraised_quarters import appraise
from xiaoguan.project.closed_months import close, open_and_disputed
from xiaoguan.project.kept_forecasts import keep_past
from xiaoguan.project.simulation import SEASON, Deed, Seller, Simulation, month_start
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.process import process_in_force
from xiaoguan.rulebook.versions import adopt_file, document_of
from xiaoguan.sales.models import Activity, Order, Payment

LONGEST, RECKONED = 60, 6
"""Months of history at most, and how many of the closed ones are reckoned."""
BATCH = 500
POLICY = "small-company.yaml"
WEIGHTS = {"history": "历史占比", "even": "平均"}


def logins() -> list[dict[str, str]]:
    """Accounts to look around with: username, password, name, role; none where the demo company is not.

    An account is listed while it has the demo password; whoever changes it takes the account off the list.
    """
    try:
        rows = Account.objects.filter(username__in=cast.LOGINS, is_active=True, person__isnull=False)
        found = {account.username: account for account in rows.select_related("person")}
    except DatabaseError:  # before `xiaoguan init`
        return []
    roles = {player.key: player.role for player in cast.PLAYERS}
    return [
        {
            "username": key,
            "password": cast.PASSWORD,
            "name": found[key].person.name,
            "role": str(role_label(roles[key])),
        }
        for key in cast.LOGINS
        if key in found and _has_demo_password(found[key].password)
    ]


@lru_cache(maxsize=64)
def _has_demo_password(encoded: str) -> bool:
    return check_password(cast.PASSWORD, encoded)


def policy_file() -> Path:
    """The policy of a small company: beside the package in a checkout, inside it where it is installed."""
    package = Path(xiaoguan.__file__).parent
    inside = package / "policies" / POLICY
    return inside if inside.exists() else package.parent / "policies" / POLICY


def load(months: int = 18, today: date | None = None) -> None:
    """Fill an empty database with the company and `months` of its history before `today`; all of it or nothing.

    The same day and months give the same company. ValueError for less than a month and for more than five years.
    """
    if not 1 <= months <= LONGEST:
        raise ValueError(f"the demo company has 1 to {LONGEST} months of history, not {months}")
    progress = _progress()
    gc.disable()  # 80,000 records stay until the end; to look through them again and again took a third of the time
    try:
        with transaction.atomic(), acting(None, "command"):
            _load(months, today or timezone.localdate(), progress)
    finally:
        gc.enable()
    progress("")


def _load(months: int, today: date, progress: Callable[[str], None]) -> None:
    ensure_roles()
    version = adopt_file(policy_file())[0]
    policy = document_of(version)
    stages = [stage.id for stage in process_in_force(max(today, version.effective_from)).stages]
    roles = {role.code: role for role in Role.objects.all()}
    company = Simulation(today, months, policy.calendar, stages, roles).run(progress)
    progress("writing")
    for model in company.ORDER:
        for _level, rows in sorted(company.rows[model].items()):
            _write(model, rows)
    for model in (Order, Payment, Activity):
        _derive(model, company.rows[model][0])
    progress("goals")
    _write(GoalTarget, Goals(policy, company).all())
    _accounts(company)
    _adopted(version, company)
    _reckon(version, policy, company, progress)
    progress("appraising")
    appraise(company, policy)
    progress("forecasting")
    keep_past(company, version, policy)
    _events(company.deeds)
    asked_discounts.ask(company)


def _progress() -> Callable[[str], None]:
    """One line on stderr that follows the work when a person watches, nothing otherwise."""
    if not sys.stderr.isatty():
        return lambda _what: None

    def show(what: str) -> None:
        text = f"{cast.COMPANY}: {what}" if what else ""
        sys.stderr.write(f"\r{text:<50}" + ("" if what else "\r"))
        sys.stderr.flush()

    return show


# Writing


def _write(model: type, rows: Sequence[Any]) -> None:
    """Insert unsaved records and keep their search entries and tallies."""
    model._default_manager.bulk_create(rows, batch_size=BATCH)
    desk = desk_of(model)
    if desk and desk.search_fields:
        search.index_again(desk, [row.pk for row in rows])
        if desk.duplicates:
            duplicates.index_again(desk, [row.pk for row in rows])
    if desk and (names := tallies.names_of(desk)):
        tallies.move(desk, [], ([getattr(row, name) for name in names] for row in rows))


def _derive(model: type[Record], rows: Sequence[Record]) -> None:
    for start in range(0, len(rows), BATCH):
        model.derive(model.fed([row.pk for row in rows[start : start + BATCH]]))


def _events(deeds: Iterable[Deed]) -> None:
    events = (
        Event(
            entity=deed.record._meta.model_name,
            record_id=deed.record.pk,
            deed=deed.deed,
            changes={name: [_told(old), _told(new)] for name, (old, new) in deed.changes.items()},
            actor_id=deed.by.pk if deed.by else None,
            via=deed.via,
            at=deed.at,
        )
        for deed in sorted(deeds, key=lambda deed: deed.at)
    )
    Event.objects.bulk_create(events, batch_size=BATCH)


def _told(value: Any) -> Any:
    return value.pk if isinstance(value, Record) else plain(value)


def _accounts(company: Simulation) -> None:
    """Everybody who is there can sign in; they share one password, and so its one slow hash."""
    password = make_password(cast.PASSWORD)
    Account.objects.bulk_create(
        Account(username=key, person=person, email=person.email, password=password)
        for key, person in company.people.items()
        if person.left_on is None
    )


def _adopted(version: PolicyVersion, company: Simulation) -> None:
    at = company.moment(company.go_live, 9)
    PolicyVersion.objects.filter(pk=version.pk).update(adopted_at=at, adopted_by=company.people["sunzong"])


def _reckon(version: PolicyVersion, policy: Policy, company: Simulation, progress: Callable[[str], None]) -> None:
    """The last closed months, each as if on the fifth working day after it; all but the last are paid."""
    period = None
    for back in range(RECKONED, 0, -1):
        period = policy.calendar.period("month", month_start(company.today, back))
        if period.start < max(company.go_live, version.effective_from):
            continue
        progress(f"closing {period.label}")
        close(company, version.policy_id, period, last=back == 1)
    if period is not None:
        open_and_disputed(company, version.policy_id, policy.calendar.period("month", company.today), period)


# Goals


def _step(goal: Goal, by: str) -> Step:
    return next(step for step in goal.allocate if step.by == by)


class Goals:
    """The goals of the policy, cut down as it says: company by quarter and month, each month by person; teams are sums.

    The first year grows over what the books of the year before would have told; a later one over its recorded orders.
    """

    def __init__(self, policy: Policy, company: Simulation):
        self.policy, self.company = policy, company
        self.calendar = policy.calendar
        self.sold: dict[tuple[int, date], int] = defaultdict(int)
        for order in company.rows[Order][0]:
            if order.status == Order.Status.SIGNED:
                self.sold[order.owner.pk, month_start(order.ordered_on)] += order.net_amount_units
        self.found: list[GoalTarget] = []

    def all(self) -> list[GoalTarget]:
        for goal in self.policy.goals:
            if goal.target.method == "growth" and goal.period == "year":
                for year in range(self.company.first.year, self.company.today.year + 1):
                    self._year(goal, self.calendar.period("year", date(year, 1, 1)))
            elif goal.target.method == "fixed":
                self._fixed(goal)
        return self.found

    # A year of an amount, down to a person's month

    def _year(self, goal: Goal, year: Period) -> None:
        base, words = self._base(goal, year)
        total = int(target(self.policy, goal, base).number)
        quarters, months = self.calendar.children(year, "quarter"), self.calendar.children(year, "month")
        by_quarter = self._cut(goal, "quarter", total, quarters, {"seasonality": self._seasons(quarters, year)})
        by_month: dict[Period, int] = {}
        for quarter in quarters:
            inside = self.calendar.children(quarter, "month")
            by_month |= self._cut(goal, "month", by_quarter[quarter], inside, {})
        self._keep(goal, year, total, words)
        for quarter in quarters:
            self._keep(goal, quarter, by_quarter[quarter], "年度目标按季节占比分解，最大余额法取整")
        for month in months:
            self._keep(goal, month, by_month[month], "季度目标平均到月，最大余额法取整")
        self._people(goal, year, quarters, by_month)

    def _base(self, goal: Goal, year: Period) -> tuple[Line, str]:
        """What the year grows over, and how that is told."""
        metric, before = self.policy.metrics[goal.metric], year.start.year - 1
        if year.start == self.company.first:
            unit = self.policy.quota_unit(goal)
            units = round_to(Fraction(self.company.expected_year(before + 1)) / (1 + goal.target.growth), unit)
            told = f"{before} 年{metric.name}（上线前台账）"
        else:
            units = sum(v for (_p, month), v in self.sold.items() if month.year == before)
            told = f"{before} 年{metric.name}"
        line = Line(goal.metric, metric.name, units, self.policy.unit_of(goal.metric))
        percent = goal.target.growth * 100
        return line, f"{told} {line.text} 增长 {percent}%，取整到千元"

    def _cut(
        self, goal: Goal, by: str, total: int, parts: Sequence[Period], values: dict[str, dict[str, int]]
    ) -> dict[Period, int]:
        keys = [part.label for part in parts]
        weights = step_shares(_step(goal, by), keys, values=values)
        cut = decompose(goal, total, keys, weights, self.policy.quota_unit(goal), by)
        return {part: cut[part.label] for part in parts}

    def _seasons(self, quarters: Sequence[Period], year: Period) -> dict[str, int]:
        """What each quarter brought a year ago; in the first year what the seasons of the books would have told."""
        if year.start == self.company.first:
            return {q.label: int(1_000 * sum(SEASON[q.start.month - 1 : q.start.month + 2])) for q in quarters}
        ago = {quarter.label: self.calendar.same_last_year(quarter) for quarter in quarters}
        return {
            label: sum(v for (_p, month), v in self.sold.items() if before.contains(month))
            for label, before in ago.items()
        }

    def _people(self, goal: Goal, year: Period, quarters: Sequence[Period], by_month: dict[Period, int]) -> None:
        """Every month of the company to those who sell in it, by share x ramp x presence; quarters and years add up."""
        sellers = {str(s.person.pk): s for s in self.company.sellers}
        shares = self._shares(goal, year, sellers)
        owners: dict[tuple[str, Any], dict[Period, int]] = defaultdict(dict)
        for month, total in by_month.items():
            weights = {key: shares[key] * self._presence(goal, month, s) for key, s in sellers.items()}
            there = [key for key, weight in weights.items() if weight]
            parts = decompose(
                goal, total, there, [weights[key] for key in there], self.policy.quota_unit(goal), "person"
            )
            for key, value in parts.items():
                person = sellers[key].person
                owners["person", person][month] = value
                team = self._team(person, month)
                owners["team", team][month] = owners["team", team].get(month, 0) + value
        mix = "、".join(f"{100 * w}% {WEIGHTS.get(name, name)}" for name, w in _step(goal, "person").weights.items())
        for (kind, owner), values in owners.items():
            words = f"公司当月目标按{mix}分到个人，乘爬坡与在岗比例" if kind == "person" else "成员当月目标之和"
            for period in (*by_month, *quarters, year):
                inside = [value for month, value in values.items() if period.contains(month.start)]
                if sum(inside):
                    self._keep(goal, period, sum(inside), words if period in by_month else "各月之和", **{kind: owner})

    def _shares(self, goal: Goal, year: Period, sellers: dict[str, Seller]) -> dict[str, Fraction]:
        """Each person's share of a full month by the policy's step; history is the year before, per month there."""
        history: dict[str, Fraction] = {}
        for key, seller in sellers.items():
            if year.start == self.company.first:
                history[key] = Fraction(str(seller.player.strength))
                continue
            months = [m for (p, m) in self.sold if p == seller.person.pk and m.year == year.start.year - 1]
            if len(months) >= 3:
                history[key] = Fraction(sum(self.sold[seller.person.pk, m] for m in months), len(months))
        keys = list(sellers)
        return dict(zip(keys, step_shares(_step(goal, "person"), keys, values={"history": history}), strict=True))

    def _presence(self, goal: Goal, month: Period, seller: Seller) -> Fraction:
        try:
            there = proration(goal, month, self.calendar, seller.starts, seller.ends)
        except CalendarGap:  # half a month in a year whose holidays are not known yet
            there = Fraction((month.end - max(seller.starts, month.start)).days, month.days)
        return there * ramp(goal, months_since(seller.starts, month.start)) if there else Fraction(0)

    def _team(self, person: Person, month: Period) -> Team:
        """Where the person is on the last day of the month."""
        last = month.end - timedelta(days=1)
        stays = [m for m in self.company.rows[Membership][0] if m.person is person and m.starts_on <= last]
        return max(stays, key=lambda m: m.starts_on).team

    # A fixed count for a period

    def _fixed(self, goal: Goal) -> None:
        """For every such period that began with the system in use: evenly to those who were there when it began."""
        company, period = self.company, self.calendar.period(goal.period, self.company.go_live)
        if period.start < company.go_live:
            period = self.calendar.period(goal.period, period.end)
        while period.start <= company.today:
            total = int(target(self.policy, goal).number)
            there = {
                str(s.person.pk): s for s in company.sellers if s.sells_in(period.start, period.start + timedelta(1))
            }
            keys = list(there)
            parts = decompose(goal, total, keys, step_shares(_step(goal, "person"), keys), self.policy.quota_unit(goal))
            self._keep(goal, period, total, f"制度{goal.source}的固定值")
            teams: dict[Team, int] = defaultdict(int)
            for key, value in parts.items():
                person = there[key].person
                self._keep(goal, period, value, "公司目标平均到个人，最大余额法取整", person=person)
                teams[self._team(person, period)] += value
            for team, value in teams.items():
                self._keep(goal, period, value, "成员目标之和", team=team)
            period = self.calendar.period(goal.period, period.end)

    def _keep(self, goal: Goal, period: Period, value: int, words: str, **owner: Any) -> None:
        money = self.policy.unit_of(goal.metric).startswith("money:")
        row = GoalTarget(
            goal=goal.id,
            starts_on=period.start,
            ends_on=period.end,
            value=Decimal(value) / (SCALE if money else 1),
            currency=self.policy.currency if money else "",
            method=words,
            **owner,
        )
        planned = min(period.start, date(period.start.year, 1, 1)) - timedelta(days=12)
        self.found.append(self.company.made(row, planned, "wufang"))

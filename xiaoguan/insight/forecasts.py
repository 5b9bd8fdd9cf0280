"""销售预测: what the policy in force forecasts for everybody, and what was kept of it on the days that it declares.

A kept forecast is never written again: how good it was is told by the one that stands, never by today's deals. What is
shown live and what is kept are worked out in the same way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xiaoguan.base.periods import WEEKDAYS, Period
from xiaoguan.desk.events import current_actor
from xiaoguan.desk.jobs import Running, every
from xiaoguan.desk.models import Event
from xiaoguan.insight.models import ForecastSnapshot
from xiaoguan.people.models import Membership, Person
from xiaoguan.policy import Policy
from xiaoguan.policy.document import Forecast
from xiaoguan.policy.forecast import (
    Deal,
    Experience,
    Forecaster,
    Foreseen,
    Kept,
    Owned,
    Stay,
    before,
    category_of,
    goal_of,
    periods_of,
    recalibrated,
    seasons_in,
    won_deals,
)
from xiaoguan.policy.metrics import Derived, Plan, PlanError, plan
from xiaoguan.rulebook import sql
from xiaoguan.rulebook.facts import facts, schema
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import document_of, in_force
from xiaoguan.rulebook.world import DatabaseWorld
from xiaoguan.sales.models import Opportunity, StageSpell

SOME, STAYS, YEARS = 500, 10_000, 3
"""Rows written in one step; past stays that are learnt from, at most twice that; years of the past that are looked at.
"""
COMPANY = "company"
_HOURS = 12 * 3600
Sums = Mapping[int | None, int]
"""Units by person; None: of the whole company."""


def ruled(day: date) -> tuple[PolicyVersion, Policy] | None:
    """The newest policy in force on a day that says how to forecast."""
    found = ((version, document_of(version)) for version in in_force(day))
    return next(((version, policy) for version, policy in found if policy.forecast is not None), None)


@dataclass
class View:
    """Everything that is forecast by a policy on a day, read once.

    only    of these people; None: of everybody
    """

    version: PolicyVersion
    policy: Policy
    day: date
    only: frozenset[int] | None = None
    _came: dict[Period, Sums] = field(default_factory=dict)

    def of(self, people: frozenset[int]) -> View:
        """The same of these people too."""
        if self.only is None or people <= self.only:
            return self
        return View(self.version, self.policy, self.day, self.only | people)

    @property
    def rule(self) -> Forecast:
        assert self.policy.forecast is not None
        return self.policy.forecast

    @cached_property
    def plan(self) -> Plan | Derived:
        """What is counted: the goal's metric, or what won deals brought where that metric is not kept here."""
        goal = goal_of(self.policy)
        try:
            planned = plan(self.policy, goal.metric, schema()) if goal is not None else won_deals()
            sql.ask(planned, self.day, self.day, self.policy.currency, "person")
        except (PlanError, sql.NotInSql, KeyError):
            return won_deals()
        return planned

    @property
    def substituted(self) -> bool:
        """Whether won deals stand for the goal's metric."""
        return self.plan.metric == won_deals().metric and goal_of(self.policy) is not None

    def came(self, period: Period) -> Sums:
        """What has come of it in a period up to now."""
        if period not in self._came:
            asked = self.plan, period.start, min(period.end, max(self.day + timedelta(days=1), period.start))
            people = sql.ask(*asked, self.policy.currency, "person", self._theirs)
            found = {key: int(one.value or 0) for key, one in people.items() if key is not None}
            every_ = sql.ask(*asked, self.policy.currency)[None].value if self.only is None else sum(found.values())
            self._came[period] = {**found, None: int(every_ or 0)}
        return self._came[period]

    @property
    def _theirs(self) -> Q | None:
        if self.only is None or not isinstance(self.plan, Plan):
            return None
        return Q(**{f"{facts()[self.plan.source].person}__in": self.only})

    @cached_property
    def deals(self) -> Mapping[int, Sequence[Deal]]:
        """The open deals of each owner, in the policy's currency."""
        found: dict[int, list[Deal]] = defaultdict(list)
        said = {stage.id: category_of(self.policy, stage.id) for stage in self._stages}
        rows = Opportunity.objects.filter(result=Opportunity.Result.OPEN, currency=self.policy.currency).order_by("pk")
        if self.only is not None:
            rows = rows.filter(owner__in=self.only)
        names = ("pk", "title", "owner", "amount", "stage", "category", "closes_on", "stage_since")
        for pk, title, owner, units, stage, category, closes_on, since in rows.values_list(*names).iterator():
            category = category or said.get(stage, "pipeline")
            days = max(0, (self.day - since).days)
            found[owner].append(Deal(str(pk), title, str(owner), units, stage, category, closes_on, days))
        return found

    @property
    def _stages(self) -> Sequence[Any]:
        return self.policy.process.stages if self.policy.process else ()

    @cached_property
    def experience(self) -> Experience | None:
        """What became of past deals, as known when chances were calibrated last; of very many a sample."""
        if "stage_conversion" not in self.rule.methods:
            return None
        every_ = self.rule.accuracy.recalibrate if self.rule.accuracy else "quarter"
        until = recalibrated(self.policy.calendar, every_, self.day)
        first = until.replace(year=until.year - YEARS, day=1)
        rows = StageSpell.objects.filter(entered_at__lt=_midnight(until), entered_at__gte=_midnight(first)).order_by()
        if (step := rows.count() // STAYS) > 1:
            rows = rows.annotate(left_over=F("opportunity_id") % step).filter(left_over=0)
        names = ("opportunity", "stage", "entered_at", "left_at", "opportunity__result", "opportunity__closed_on")
        stays, zone = [], timezone.get_current_timezone()
        for pk, stage, entered, left, result, closed in rows.values_list(*names):
            won = closed if result == Opportunity.Result.WON else None
            gone = left.astimezone(zone).date() if left else None
            stays.append(Stay(str(pk), stage, entered.astimezone(zone).date(), gone, won, closed))
        return Experience.of(stays, until)

    def past(self, period: Period) -> Mapping[int | None, Sequence[int]]:
        """What came in each period of the kind before it, the earliest first; worked out once a day."""
        if "time_series" not in self.rule.methods:
            return {}
        whose = "" if self.only is None else sha256(repr(sorted(self.only)).encode()).hexdigest()[:16]
        key = f"forecast:{self.version.pk}:{self.version.digest[:16]}:{period.label}:{self.day}:{whose}"
        found: dict[int | None, list[int]] | None = cache.get(key)
        if found is None:
            every_ = before(self.policy.calendar, period, YEARS * seasons_in(self.policy.calendar, period))
            came = [self.came(one) for one in every_ if one.end <= self.day]
            people = {person for sums in came for person in sums}
            found = {person: _begun([sums.get(person, 0) for sums in came]) for person in people}
            cache.set(key, found, _HOURS)
        return found

    @cached_property
    def teams(self) -> Mapping[int, int]:
        """{person: team} on the day."""
        return dict(Membership.on(self.day).order_by("-starts_on", "pk").values_list("person_id", "team_id"))

    @cached_property
    def world(self) -> DatabaseWorld:
        return DatabaseWorld(self.policy, paying=False)

    def goal(self, period: Period, person: int | None = None, team: int | None = None) -> int | None:
        goal = goal_of(self.policy)
        line = self.world.goal_of(goal.id, period, person, team) if goal is not None else None
        return int(line.number) if line is not None and not line.missing else None

    @property
    def periods(self) -> list[Period]:
        return periods_of(self.policy, self.day)

    def rows(self, period: Period) -> Iterator[ForecastSnapshot]:
        """Unsaved forecasts: the company's, each team's with its people's, then those of people without a team."""
        came, past = self.came(period), self.past(period)
        names = list(Person.objects.order_by("name", "pk").values_list("pk", flat=True))
        names = [pk for pk in names if self.only is None or pk in self.only]
        goals = {pk: self.goal(period, person=pk) for pk in names}
        people = [pk for pk in names if goals[pk] is not None or self.deals.get(pk) or came.get(pk)]
        caster = Forecaster(self.policy, period, self.day, self.experience)

        def made(key: str, own: int | None, members: Sequence[int], **links: Any) -> ForecastSnapshot:
            goal = own if own is not None else _sum(goals[pk] for pk in members)
            actual = came[None] if key == COMPANY else sum(came.get(pk, 0) for pk in members)
            series = [past[None]] if key == COMPANY and None in past else [past.get(pk, []) for pk in members]
            deals = [deal for pk in members for deal in self.deals.get(pk, ())]
            return self._row(caster, key, Owned(actual, goal, deals, _added(series)), **links)

        if self.only is None:
            yield made(COMPANY, self.goal(period), people)
        teams = sorted({self.teams[pk] for pk in people if pk in self.teams})
        for team in teams:
            members = [pk for pk in people if self.teams.get(pk) == team]
            yield made(f"team:{team}", self.goal(period, team=team), members, team_id=team)
            yield from (made(f"person:{pk}", goals[pk], [pk], person_id=pk, team_id=team) for pk in members)
        alone = [pk for pk in people if pk not in self.teams]
        yield from (made(f"person:{pk}", goals[pk], [pk], person_id=pk) for pk in alone)

    def _row(self, caster: Forecaster, key: str, owned: Owned, **links: Any) -> ForecastSnapshot:
        found = {method: caster.by(method, owned) for method in self.rule.methods}
        weighted = found.get("weighted_stage") or caster.by("weighted_stage", owned)
        goal, period, said = goal_of(self.policy), caster.period, caster.said(owned)
        row = ForecastSnapshot(
            policy_key=self.policy.id,
            policy=self.version,
            goal=goal.id if goal is not None else "",
            label=period.label,
            starts_on=period.start,
            ends_on=period.end,
            taken_on=self.day,
            whose=key,
            currency=self.policy.currency,
            methods={name: [one.value, one.low, one.high, one.chance, one.note] for name, one in found.items()},
            deals=[_plain(deal, caster) for deal in owned.deals] if "person_id" in links else [],
            **links,
        )
        row.deals = [one for one in row.deals if one[6] != "0" or one[7] != "0" or one[5] < period.end.isoformat()]
        row.quota_units, row.actual_units, row.weighted_units = owned.goal, owned.actual, weighted.value
        row.commit_units, row.best_case_units, row.pipeline_units = said.values()
        return row


def _plain(deal: Deal, caster: Forecaster) -> list[Any]:
    chances = (str(chance) for chance in caster.chances(deal))
    category = deal.category if deal.due(caster.period, caster.day) else ""
    return [int(deal.key), deal.label, deal.amount, deal.stage, category, deal.closes_on.isoformat(), *chances]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))


def _begun(values: Sequence[int]) -> list[int]:
    """Without the periods before anything came."""
    first = next((at for at, value in enumerate(values) if value), len(values))
    return list(values[first:])


def _added(series: Sequence[Sequence[int]]) -> list[int]:
    """The sum of series that end together."""
    longest = max(map(len, series), default=0)
    return [sum(one[len(one) - back] for one in series if len(one) >= back) for back in range(longest, 0, -1)]


def _sum(values: Any) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


# Keeping


def declared(rule: Forecast, day: date) -> date | None:
    """The last day up to `day` on which a forecast was to be kept; None where none is."""
    if rule.snapshot is None:
        return None
    if rule.snapshot.every == "day":
        return day
    back = (day.weekday() - WEEKDAYS.index(rule.snapshot.at)) % 7
    last = day - timedelta(days=back)
    if rule.snapshot.every == "week":
        return last
    first = last - timedelta(days=(last.day - 1) // 7 * 7)  # the first such weekday of its month
    return first


@every("day", at="00:40", title=gettext_lazy("Keep the forecast of the policy"))
def keep_forecasts(running: Running) -> dict[str, Any]:
    """On the declared day, or the first night after it; once a day, whatever happens."""
    day, kept = timezone.localdate(), 0
    for version in in_force(day):
        policy = document_of(version)
        due = declared(policy.forecast, day) if policy.forecast is not None else None
        if due is None or due < policy.header.effective.start:
            continue
        if ForecastSnapshot.objects.filter(policy_key=policy.id, taken_on__gte=due).exists():
            continue
        with running.step():
            kept += keep(View(version, policy, day))
    return {"summary": lambda: _("%(n)d forecasts kept.") % {"n": kept}}


def keep(view: View) -> int:
    """Write what is forecast on the day of the view, with its events; how many."""
    rows, actor = written(view), current_actor()
    who = {"actor_id": actor.person_id, "via": actor.via, "note": actor.note, "batch": actor.batch}
    Event.objects.bulk_create(
        (Event(entity="forecastsnapshot", record_id=row.pk, deed="created", changes={}, **who) for row in rows),
        batch_size=SOME,
    )
    return len(rows)


def written(view: View) -> list[ForecastSnapshot]:
    """The rows of every period, as they were written."""
    rows = [row for period in view.periods for row in view.rows(period)]
    ForecastSnapshot.objects.bulk_create(rows, batch_size=SOME)
    return rows


# What was kept


def foreseen(row: ForecastSnapshot, method: str) -> Foreseen | None:
    """What a kept forecast says by a method; None for one that the policy did not have then."""
    found = row.methods.get(method)
    return Foreseen(*found) if found is not None else None


def kept_of(policy_key: str, whose: str) -> Iterator[Kept]:
    """Every kept forecast of an owner, for the rules that read them."""
    rows = ForecastSnapshot.objects.filter(policy_key=policy_key, whose=whose).order_by("taken_on", "pk")
    for label, start, end, taken_on, methods in rows.values_list(
        "label", "starts_on", "ends_on", "taken_on", "methods"
    ):
        yield Kept(Period(start, end, "range", label), taken_on, {m: Foreseen(*v) for m, v in methods.items()})


def cases(rows: Sequence[ForecastSnapshot], at: int) -> list[tuple[int, Fraction]]:
    """(won in the period, chance) of every deal in kept forecasts of people. at: 6 by stage, 7 by experience."""
    ids = {deal[0] for row in rows for deal in row.deals}
    won = dict(Opportunity.objects.filter(Q(pk__in=ids), result=Opportunity.Result.WON).values_list("pk", "closed_on"))
    found = []
    for row in rows:
        for deal in row.deals:
            chance, on = Fraction(deal[at]), won.get(deal[0])
            if deal[4]:
                found.append((int(on is not None and row.taken_on <= on < row.ends_on), chance))
    return found

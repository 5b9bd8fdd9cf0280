"""参与人 staff: everybody as the engine sees them, with roles, teams, managers and pay terms over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from xiaoguan.base.money import Money
from xiaoguan.base.periods import Period
from xiaoguan.people.chart import people_with_roles
from xiaoguan.people.models import Membership, PayTerms, Person, ReportingLine, RoleAssignment
from xiaoguan.policy import Policy, Span, Who

Dated = tuple[date, date | None, str]


def roles_of(policy: Policy) -> set[str]:
    """The roles whose holders the policy pays or sets goals for."""
    return set(policy.header.scope.roles) | {role for plan in policy.incentive for role in plan.role}


class Participants:
    """参与人: who is in the policy's scope in a period, with the role and the pay terms that held at its end.

    versions   other versions of the policy: who has a role in one that has begun takes part too.
    """

    def __init__(self, policy: Policy, period: Period, versions: Sequence[Policy] = ()):
        begun = [one for one in versions if one.header.effective.start < period.end]
        roles = set().union(*(roles_of(one) for one in (policy, *begun)))
        held = people_with_roles(roles, period.start, period.end) if roles else {}
        staff = Staff(policy, held)
        last = date.fromordinal(period.end.toordinal() - 1)
        self.people: dict[str, Who] = {}
        for pk in sorted(held):
            role = held[pk][-1][0]  # the last one held in the period
            self.people[str(pk)] = staff.at(str(pk), last, role)


class Staff:
    """People with what holds for them over time; read once.

    people    only these; None for everybody. Ids of people and teams are the text of their keys.
    """

    def __init__(self, policy: Policy, people: Collection[int] | None = None):
        self.policy, self.only = policy, people

    def at(self, key: str, day: date, role: str | None = None) -> Who:
        """A person with the pay terms of a day. Raises KeyError for nobody."""
        name, hired, left = self.persons[int(key)]
        spans = self.spans.get(int(key), ())
        now = next((span for span in spans if span.contains(day)), Span(day))
        terms = next((terms for start, end, terms in self.terms.get(int(key), ()) if _holds(start, end, day)), {})
        return Who(key, name, now.role if role is None else role, terms, now.team, hired, left, spans)

    @cached_property
    def persons(self) -> dict[int, tuple[str, date | None, date | None]]:
        rows = Person.objects.all() if self.only is None else Person.objects.filter(pk__in=self.only)
        rows = rows.order_by("pk").values_list("pk", "name", "hired_on", "left_on")
        return {pk: (name, hired, left) for pk, name, hired, left in rows}

    @cached_property
    def spans(self) -> dict[int, tuple[Span, ...]]:
        """任职: who was in which role, team and under which manager; a new span wherever one of them changes.

        Of several roles at once the policy's own count, and among those the one that began last.
        """
        roles, own = self._of(RoleAssignment, "role__code"), self._addressed()
        teams, managers = self._of(Membership, "team_id"), self._of(ReportingLine, "manager_id")
        found = {}
        for pk in sorted({*roles, *teams, *managers}):
            of = sorted(roles.get(pk, ()), key=lambda row: (row[2] in own, row[0]))
            found[pk] = tuple(_spans(of, teams.get(pk, ()), managers.get(pk, ())))
        return found

    @cached_property
    def terms(self) -> Mapping[int, list[tuple[date, date | None, Mapping[str, Any]]]]:
        """Pay terms of each person, the newest first."""
        found: dict[int, list[tuple[date, date | None, Mapping[str, Any]]]] = defaultdict(list)
        for row in self._rows(PayTerms).order_by("person_id", "-starts_on", "-id"):
            terms: dict[str, Any] = {}
            if row.commission_percent is not None:
                terms["commission_percent"] = Fraction(row.commission_percent)
            if row.bonus_units is not None:
                terms["bonus"] = Money.of_units(row.bonus_units, row.currency)
            found[row.person_id].append((row.starts_on, row.ends_on, terms))
        return found

    def _addressed(self) -> set[str]:
        """The roles that the policy names anywhere: its scope, its plans, its roll-ups."""
        to = {up.to for plan in self.policy.incentive if plan.credit for up in plan.credit.rollup}
        return roles_of(self.policy) | to

    def _of(self, model: Any, path: str) -> dict[int, list[Dated]]:
        found: dict[int, list[Dated]] = defaultdict(list)
        rows = self._rows(model).order_by("person_id", "starts_on", "id")
        for pk, start, end, value in rows.values_list("person_id", "starts_on", "ends_on", path):
            found[pk].append((start, end, str(value)))
        return found

    def _rows(self, model: Any) -> QuerySet:
        return model.objects.all() if self.only is None else model.objects.filter(person_id__in=self.only)


def _spans(*kinds: Collection[Dated]) -> Iterator[Span]:
    """Spans in which role, team and manager are constant, without those in which there is none of them."""
    bounds = sorted({bound for rows in kinds for start, end, _v in rows for bound in (start, end) if bound is not None})
    for i, start in enumerate(bounds):
        values = [next((v for a, b, v in reversed(list(rows)) if _holds(a, b, start)), "") for rows in kinds]
        if any(values):
            yield Span(start, bounds[i + 1] if i + 1 < len(bounds) else None, *values)


def _holds(start: date, end: date | None, day: date) -> bool:
    return start <= day and (end is None or day < end)

"""Who reports to whom, who is in which team and who holds which role on a given day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from xiaoguan.desk.access import Viewer
from xiaoguan.desk.custom import live as custom
from xiaoguan.people.models import (
    Account,
    Deputy,
    FieldLevel,
    Grant,
    Membership,
    OrganisationStamp,
    ReportingLine,
    RoleAssignment,
    Share,
    Team,
    TerritoryAssignment,
)


def reports_of(person_id: int, day: date) -> frozenset[int]:
    """Everybody below this person on the reporting line of that day, all levels, without themselves."""
    below: dict[int, list[int]] = defaultdict(list)
    for person, boss in ReportingLine.on(day).values_list("person_id", "manager_id"):
        below[boss].append(person)
    return _closure(below, [person_id]) - {person_id}


def managers_of(person_id: int, day: date) -> list[int]:
    """The line upwards: manager, manager's manager and so on; a circle is walked once."""
    above = dict(ReportingLine.on(day).values_list("person_id", "manager_id"))
    found: list[int] = []
    while (person_id := above.get(person_id)) is not None and person_id not in found:
        found.append(person_id)
    return found


def team_tree(team_ids: Iterable[int]) -> frozenset[int]:
    """These teams and all below them."""
    below: dict[int, list[int]] = defaultdict(list)
    for team, parent in Team.objects.filter(parent__isnull=False).values_list("id", "parent_id"):
        below[parent].append(team)
    return _closure(below, team_ids)


def members_of(team_ids: Iterable[int], day: date) -> frozenset[int]:
    return frozenset(Membership.on(day).filter(team_id__in=list(team_ids)).values_list("person_id", flat=True))


def roles_of(person_id: int, day: date) -> frozenset[str]:
    return frozenset(RoleAssignment.on(day).filter(person_id=person_id).values_list("role__code", flat=True))


def people_with_roles(codes: Iterable[str], start: date, end: date) -> dict[int, list[tuple[str, date, date | None]]]:
    """Who held one of these roles at some time in [start, end): {person id: [(role code, from, until)]}."""
    rows = (
        RoleAssignment.objects.filter(role__code__in=list(codes), starts_on__lt=end)
        .exclude(ends_on__lte=start)
        .order_by("person_id", "starts_on", "id")
        .values_list("person_id", "role__code", "starts_on", "ends_on")
    )
    found: dict[int, list[tuple[str, date, date | None]]] = defaultdict(list)
    for person_id, code, starts_on, ends_on in rows:
        found[person_id].append((code, starts_on, ends_on))
    return dict(found)


def territories_of(person_id: int, day: date) -> list[int]:
    return list(TerritoryAssignment.on(day).filter(person_id=person_id).values_list("territory_id", flat=True))


class Signing:
    """Who is above whom and who holds what, as approvals ask for it: today."""

    def managers(self, person_id: int) -> list[int]:
        return managers_of(person_id, timezone.localdate())

    def holders(self, code: str) -> set[int]:
        rows = RoleAssignment.on(timezone.localdate()).filter(role__code=code)
        return set(rows.values_list("person_id", flat=True))

    def deputies(self, people: Iterable[int]) -> set[int]:
        rows = Deputy.on(timezone.localdate()).filter(person_id__in=list(people))
        return set(rows.values_list("deputy_id", flat=True))

    def here(self, people: Iterable[int]) -> set[int]:
        rows = Account.objects.filter(person_id__in=list(people), is_active=True)
        return set(rows.values_list("person_id", flat=True))


VIEWERS = 2_000
"""So many are kept in a process, with the frames drawn for them."""
_kept: dict[int, tuple[tuple[int, date, str], Viewer]] = {}


def viewer_of_account(account: Any) -> Viewer:
    """The Viewer behind an account, as of today. Worked out again when the organisation changed or the day did."""
    today = timezone.localdate()
    mark = (OrganisationStamp.now(), today, connection.settings_dict["NAME"])
    _keep_up(mark)
    kept = _kept.get(account.pk)
    if kept is None or kept[0] != mark:
        if len(_kept) > VIEWERS:
            _kept.clear()
        kept = _kept[account.pk] = (mark, _viewer(account, today))
    return kept[1]


_seen: Any = None


def _keep_up(mark: Any) -> None:
    """The company's own fields on the models of this process, whenever the stamp has turned."""
    global _seen
    if mark != _seen:
        custom.refresh()
        _seen = mark


def viewer_of_person(person: Any, today: date) -> Viewer:
    """What somebody may do, whether they have an account or not."""
    return _made(person, today, account_id=None, locale="")


def _viewer(account: Any, today: date) -> Viewer:
    if account.person_id is None:
        return Viewer(account_id=account.pk, name=account.username, roles=frozenset(), locale=account.language or "")
    return _made(account.person, today, account.pk, account.language or "")


def _made(person: Any, today: date, account_id: int | None, locale: str) -> Viewer:
    deputy_of = frozenset(Deputy.on(today).filter(deputy=person).values_list("person_id", flat=True))
    own = deputy_of | {person.pk}
    teams = frozenset(Membership.on(today).filter(person_id__in=own).values_list("team_id", flat=True))
    led = frozenset(Team.objects.filter(leader_id__in=own).values_list("id", flat=True))
    roles = roles_of(person.pk, today)
    reports = frozenset().union(*(reports_of(pk, today) for pk in own))
    return Viewer(
        person_id=person.pk,
        account_id=account_id,
        name=person.name,
        roles=roles,
        reports=(reports | (members_of(team_tree(led), today) if led else frozenset())) - own,
        teammates=members_of(teams, today) - own if teams else frozenset(),
        tree=members_of(team_tree(teams), today) - own if teams else frozenset(),
        deputy_of=deputy_of,
        locale=locale,
        grants=_by_role(Grant.objects.filter(role__code__in=roles), "deed", "scope"),
        levels=_by_role(FieldLevel.objects.filter(role__code__in=roles), "field", "level"),
        shares=_shares(person.pk, teams, today),
    )


def _by_role(rows: Any, what: str, value: str) -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for entity, name, role, given in rows.values_list("entity", what, "role__code", value):
        found[entity, name][role] = given
    return dict(found)


def _shares(person_id: int, teams: frozenset[int], today: date) -> dict[tuple[str, str], frozenset[int]]:
    """What was shared with them or one of their teams; who may change may read."""
    rows = Share.objects.filter(Q(person_id=person_id) | Q(team_id__in=teams))
    rows = rows.exclude(ends_on__lte=today).values_list("entity", "right", "record_id")
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for entity, right, record_id in rows:
        found[entity, "read"].add(record_id)
        if right == Share.Right.WRITE:
            found[entity, "write"].add(record_id)
    return {key: frozenset(ids) for key, ids in found.items()}


def _closure(below: dict[int, list[int]], start: Iterable[int]) -> frozenset[int]:
    found, todo = set(start), list(start)
    while todo:
        for item in below.get(todo.pop(), ()):
            if item not in found:
                found.add(item)
                todo.append(item)
    return frozenset(found)

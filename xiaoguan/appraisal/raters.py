"""评分人: who rates whom, by the groups that the policy names for an item and the reporting lines of a day.

    self       the person                       peer     people with the same manager
    manager    the person's manager             report   people whose manager the person is
    anything else is a role: those of its holders who are in the person's team, or all of them where none is

Of a large group each is asked by a few: everybody rates the next ones in the circle of the group, so that all give as
many ratings as they get.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from functools import cached_property

from django.utils.translation import gettext_lazy

from xiaoguan.desk.access import role_label
from xiaoguan.people.models import Account, Membership, ReportingLine, RoleAssignment
from xiaoguan.policy.document import Appraisal, Indicator

SELF, MANAGER, PEER, REPORT = "self", "manager", "peer", "report"
NAMED = (SELF, MANAGER)
"""Groups of one, of whom everybody knows who they are; the raters of all others stay unnamed."""
GROUPS = {
    SELF: gettext_lazy("self"),
    MANAGER: gettext_lazy("manager"),
    PEER: gettext_lazy("colleagues"),
    REPORT: gettext_lazy("reports"),
}
ASKED, SPARE = 5, 2
"""So many are asked of a group at least where it has them; and so many more than the policy needs to hear."""


def group_words(group: str) -> str:
    """manager, colleagues; a role by its name."""
    return str(GROUPS.get(group) or role_label(group))


class Raters:
    """The reporting lines, teams and roles of a day; read once."""

    def __init__(self, day: date):
        self.day = day

    def of(self, person: int, item: Indicator) -> Iterable[tuple[str, int]]:
        """The groups of an item and who is asked in each; a person is asked once, in the first group that has them."""
        asked: set[int] = set()
        for group in item.raters:
            wanted = max(ASKED, item.min_raters + SPARE)
            for rater in self._some(person, self.group(person, group), wanted):
                if rater not in asked:
                    asked.add(rater)
                    yield group, rater

    def group(self, person: int, group: str) -> list[int]:
        """Everybody who could be asked, in the order of their ids."""
        if group == SELF:
            return [person]
        manager = self.manager.get(person)
        if group == MANAGER:
            return [manager] if manager is not None else []
        if group == PEER:
            found: Collection[int] = self._below.get(manager, ()) if manager is not None else ()
        elif group == REPORT:
            found = self._below.get(person, ())
        else:
            holders = self._holders.get(group, set())
            found = holders & self._teammates(person) or holders
        return sorted(one for one in found if one not in (person, manager) and one in self._here)

    def _some(self, person: int, group: list[int], wanted: int) -> list[int]:
        """The next ones after the person in the circle of the group."""
        after = [one for one in group if one > person] + [one for one in group if one <= person]
        return after[:wanted]

    @cached_property
    def manager(self) -> dict[int, int]:
        return dict(ReportingLine.on(self.day).order_by("starts_on").values_list("person_id", "manager_id"))

    @cached_property
    def team(self) -> dict[int, int]:
        """The team of each person; the one joined last, where there are several."""
        return dict(Membership.on(self.day).order_by("starts_on", "id").values_list("person_id", "team_id"))

    @cached_property
    def _below(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for person, manager in self.manager.items():
            found[manager].append(person)
        return found

    @cached_property
    def _holders(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = defaultdict(set)
        for person, code in RoleAssignment.on(self.day).values_list("person_id", "role__code"):
            found[code].add(person)
        return found

    @cached_property
    def _here(self) -> set[int]:
        """Who can sign in: nobody else can give a rating."""
        rows = Account.objects.filter(is_active=True, person__isnull=False)
        return set(rows.values_list("person_id", flat=True))

    def _teammates(self, person: int) -> set[int]:
        team = self.team.get(person)
        return {one for one, at in self.team.items() if at == team} if team is not None else set()


def items_of(appraisal: Appraisal) -> list[Indicator]:
    """The indicators that people rate."""
    return [one for one in appraisal.indicators if one.raters]


def group_label(group: str) -> str:
    """What people call a group of raters."""
    return str(GROUPS.get(group) or role_label(group))

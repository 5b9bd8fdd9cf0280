"""What people see of the organisation."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy

from xiaoguan.desk import Desk, everyone, manager, owner, register, role
from xiaoguan.desk.access import Viewer, in_person
from xiaoguan.people.leaving import HandOverAll
from xiaoguan.people.models import (
    Absence,
    Deputy,
    FieldLevel,
    Grant,
    Membership,
    PayTerms,
    Person,
    Position,
    ReportingLine,
    Role,
    RoleAssignment,
    Team,
    Territory,
    TerritoryAssignment,
    TrainingResult,
)

organisers = role("administrator", "hr", "operations")


class OrganisationDesk(Desk):
    """Everyone may see the organisation; those who run it may change it."""

    place = "team"
    read = everyone
    write = organisers


@register
class PersonDesk(OrganisationDesk):
    model = Person
    slug = "people"
    icon = "user"
    beside = ("position",)
    columns = "name", "position", "email", "phone", "hired_on", "left_on"
    form = "name position", "email phone", "hired_on left_on"
    filters = "position", "hired_on"
    search = "name", "email", "phone"
    order = "name"
    related = (
        "memberships",
        "reportinglines",
        "roleassignments",
        "territoryassignments",
        "paytermss",
        "trainings",
        "goals",
    )
    match_on = ("email",)
    verbs = (HandOverAll,)


@register
class TeamDesk(OrganisationDesk):
    model = Team
    icon = "users-group"
    columns = "name", "parent", "leader"
    form = "name", "parent leader"
    filters = ("parent",)
    search = ("name",)
    order = "name"
    related = "memberships", "children", "goals"
    match_on = ("name",)


@register
class MembershipDesk(OrganisationDesk):
    model = Membership
    icon = "user-check"
    columns = "person", "team", "starts_on", "ends_on"
    form = "person team", "starts_on ends_on"
    filters = "team", "person"
    search = "person", "team"
    order = "-starts_on"
    match_on = "person", "team", "starts_on"


@register
class ReportingLineDesk(OrganisationDesk):
    model = ReportingLine
    slug = "reporting-lines"
    icon = "hierarchy"
    columns = "person", "manager", "starts_on", "ends_on"
    form = "person manager", "starts_on ends_on"
    filters = "person", "manager"
    search = "person", "manager"
    order = "-starts_on"
    match_on = "person", "manager", "starts_on"


@register
class PositionDesk(OrganisationDesk):
    model = Position
    icon = "briefcase"
    columns = "name", "level"
    form = ("name level",)
    search = ("name",)
    order = "name"
    match_on = ("name",)


@register
class RoleDesk(OrganisationDesk):
    model = Role
    icon = "shield-check"
    columns = "name", "code", "description"
    form = "name code", "description"
    search = "name", "code"
    order = "name"
    write = role("administrator")
    related = ("assignments",)
    match_on = ("code",)


@register
class RoleAssignmentDesk(OrganisationDesk):
    """Who gives roles gives rights, so only an administrator does."""

    model = RoleAssignment
    slug = "role-assignments"
    icon = "key"
    columns = "person", "role", "starts_on", "ends_on"
    form = "person role", "starts_on ends_on"
    filters = "role", "person"
    search = "person", "role"
    order = "-starts_on"
    write = role("administrator")
    match_on = "person", "role", "starts_on"


@register
class TerritoryDesk(OrganisationDesk):
    model = Territory
    slug = "territories"
    icon = "map-2"
    columns = "name", "code", "parent", "country"
    form = "name code", "parent country"
    filters = ("parent",)
    search = "name", "code"
    order = "name"
    related = "assignments", "children"
    match_on = ("name",)


@register
class TerritoryAssignmentDesk(OrganisationDesk):
    model = TerritoryAssignment
    slug = "territory-assignments"
    icon = "map-pin"
    columns = "person", "territory", "starts_on", "ends_on"
    form = "person territory", "starts_on ends_on"
    filters = "territory", "person"
    search = "person", "territory"
    order = "-starts_on"
    match_on = "person", "territory", "starts_on"


@register
class PayTermsDesk(Desk):
    """Pay is seen by the person, the managers above and those who handle it."""

    model = PayTerms
    slug = "pay-terms"
    icon = "cash"
    place = "performance"
    columns = "person", "commission_percent", "bonus", "starts_on", "ends_on"
    form = "person", "commission_percent", "bonus currency", "starts_on ends_on"
    filters = ("person",)
    search = ("person",)
    order = "-starts_on"
    read = owner("person") | manager("person") | role("hr", "finance", "general_manager")
    write = role("hr", "general_manager")
    match_on = "person", "starts_on"


@register
class TrainingResultDesk(Desk):
    """Results are seen by the person, the managers above and those who run trainings."""

    model = TrainingResult
    slug = "trainings"
    icon = "school"
    place = "team"
    columns = "person", "course", "passed_on", "mark"
    form = "person course", "passed_on mark"
    filters = "person", "course", "passed_on", "mark"
    search = "course", "person"
    order = "-passed_on"
    read = owner("person") | manager("person") | role("hr", "operations", "general_manager")
    write = role("hr", "operations", "general_manager")
    match_on = "person", "course", "passed_on"


@register
class DeputyDesk(Desk):
    """Everyone may name who stands in for them, and their managers may."""

    model = Deputy
    slug = "deputies"
    icon = "user-share"
    place = "team"
    also = gettext_lazy("leave, holiday, absence, stand-in")
    columns = "person", "deputy", "starts_on", "ends_on", "reason"
    form = "person deputy", "starts_on ends_on", "reason"
    filters = "person", "deputy"
    search = "person", "deputy"
    order = "-starts_on"
    match_on = "person", "deputy", "starts_on"
    read = everyone
    write = in_person("person") | manager("person") | organisers

    def prepare(self, record: Any, viewer: Viewer) -> None:
        record.person_id, record.starts_on = viewer.person_id, timezone.localdate()


@register
class AbsenceDesk(Desk):
    """Why somebody was away is known to them, their managers and those who keep it; it may lower their goals."""

    model = Absence
    slug = "absences"
    icon = "calendar-off"
    place = "team"
    columns = "person", "kind", "starts_on", "ends_on", "note"
    form = "person kind", "starts_on ends_on", "note"
    filters = "person", "kind"
    search = "person", "kind"
    order = "-starts_on"
    match_on = "person", "kind", "starts_on"
    read = in_person("person") | manager("person") | role("hr", "operations", "general_manager")
    write = role("hr", "operations")


class RightsDesk(Desk):
    place = "settings"
    read = role("administrator")
    write = role("administrator")


@register
class GrantDesk(RightsDesk):
    model = Grant
    icon = "lock"
    columns = "entity", "deed", "role", "scope"
    form = "role entity", "deed scope"
    filters = "role", "entity"
    order = "entity"
    match_on = "role", "entity", "deed"


@register
class FieldLevelDesk(RightsDesk):
    model = FieldLevel
    slug = "field-levels"
    icon = "eye-off"
    columns = "entity", "field", "role", "level"
    form = "role entity", "field level"
    filters = "role", "entity"
    order = "entity"
    match_on = "role", "entity", "field"

"""What people see of appraisals: each their own once it is calculated, managers their people's, HR and finance all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from xiaoguan.appraisal import cycles
from xiaoguan.appraisal.models import OUT, AppraisalCycle, AppraisalRecord, Rating
from xiaoguan.appraisal.verbs import (
    AcceptAppeal,
    Agree,
    Ask,
    AskAgain,
    AskRater,
    CalculateScores,
    Calibrate,
    Decline,
    FileAppeal,
    Finish,
    Give,
    KeepInterview,
    LockCycle,
    RejectAppeal,
    Remind,
    SendBackCycle,
    WithdrawAppeal,
)
from xiaoguan.desk import Desk, manager, register, role
from xiaoguan.desk.access import ALL, NONE, Among, Rule, Ruled, Viewer, in_person

manager_then = Among("manager", lambda viewer: viewer.own, _("the manager of that period"))
appraisal_office = role("general_manager", "finance", "hr")


class Leads(Rule):
    """Whoever somebody reports to."""

    def q(self, viewer: Viewer) -> Q:
        return ALL if viewer.reports else NONE

    def always(self, viewer: Viewer) -> bool:
        return bool(viewer.reports)

    def never(self, viewer: Viewer) -> bool:
        return not viewer.reports

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return bool(viewer.reports)

    def words(self) -> str:
        return str(_("whoever leads people"))


class NobodyAsked(Rule):
    """As long as no ratings were asked for."""

    def q(self, viewer: Viewer) -> Q:
        return Q(state=AppraisalCycle.State.OPEN)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return record.state == AppraisalCycle.State.OPEN

    def words(self) -> str:
        return str(_("while no ratings were asked for"))


class Out(Rule):
    """Once the cycle is calculated: before that there is nothing but drafts."""

    def q(self, viewer: Viewer) -> Q:
        return Q(cycle__state__in=OUT)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        return record.cycle.state in OUT

    def words(self) -> str:
        return str(_("once it is calculated"))


@dataclass(frozen=True)
class WithoutDraft(Rule):
    """A rule, but for one's own record before it is out."""

    rule: Rule

    def q(self, viewer: Viewer) -> Q:
        return self.rule.q(viewer) & (Q(cycle__state__in=OUT) | ~Q(person=viewer.person_id))

    def allows(self, viewer: Viewer, record: Any) -> bool:
        out = record.person_id != viewer.person_id or record.cycle.state in OUT
        return out and self.rule.allows(viewer, record)

    def never(self, viewer: Viewer) -> bool:
        return self.rule.never(viewer)

    def words(self) -> str:
        return self.rule.words()

    def reasons(self, viewer: Viewer, record: Any) -> list[str]:
        return self.rule.reasons(viewer, record) if self.allows(viewer, record) else []


@dataclass(frozen=True)
class Released(Ruled):
    """The rule in force, and never one's own draft, whatever a company sets."""

    def _made(self, viewer: Viewer) -> Rule:
        return WithoutDraft(super()._made(viewer))


@dataclass(frozen=True)
class Sealed(Ruled):
    """The declared rule, which nothing that a company sets and nothing that is shared opens further."""

    def _made(self, viewer: Viewer) -> Rule:
        return self.declared


@register
class AppraisalCycleDesk(Desk):
    """HR opens, asks, calculates and finishes; finance or the general manager locks."""

    model = AppraisalCycle
    slug = "appraisal-cycles"
    icon = "refresh-dot"
    place = "performance"
    columns = "label", "name", "policy_key", "state", "people", "exceptions", "due_on", "locked_by", "locked_at"
    form = ("label", "policy_key appraisal")
    filters = "state", "policy_key", "appraisal", "starts_on"
    search = ("label", "name")
    order = "-starts_on"
    figures = "name", "people", "exceptions", "due_on"
    related = ("records",)
    match_on = "label", "policy_key", "appraisal"
    read = role("general_manager", "finance", "hr", "administrator") | Leads()
    write = role("hr", "administrator") & NobodyAsked()
    create = role("hr", "administrator")
    verbs = Ask, CalculateScores, Finish, LockCycle, Remind, AskRater, AskAgain, SendBackCycle

    def stages(self, record: AppraisalCycle) -> list[dict[str, Any]]:
        at = cycles.ORDER.index(AppraisalCycle.State(record.state))
        return [
            {"id": state, "label": state.label, "state": "current" if i == at else "done" if i < at else "todo"}
            for i, state in enumerate(cycles.ORDER)
        ]


readers = manager("person") | manager_then | appraisal_office | (in_person("person") & Out())


@register
class AppraisalRecordDesk(Desk):
    """Records are made by the calculation; what people decide about them are deeds."""

    model = AppraisalRecord
    slug = "appraisals"
    icon = "award"
    place = "performance"
    columns = "label", "person", "team", "cycle", "score", "given_grade", "grade", "factor", "open_points", "appeal"
    filters = "cycle", "person", "team", "grade", "appeal"
    order = "-id"
    figures = "score", "grade", "factor", "given_grade"
    read = readers
    verbs = Calibrate, KeepInterview, Agree, FileAppeal, AcceptAppeal, RejectAppeal, WithdrawAppeal


AppraisalRecordDesk.read = Released("appraisalrecord", "read", readers, "person")
AppraisalRecordDesk.export = Released("appraisalrecord", "export", readers, "person")


@register
class RatingDesk(Desk):
    """A rating is read by whoever gave it, and by nobody else: not by HR, and whatever a company sets or shares."""

    model = Rating
    slug = "ratings"
    icon = "star"
    place = "performance"
    columns = "label", "person", "cycle", "group", "state", "score"
    filters = "cycle", "state", "person"
    order = "-id"
    figures = "score", "state"
    read = in_person("rater")
    verbs = Give, Decline


RatingDesk.read = RatingDesk.export = Sealed("rating", "read", in_person("rater"))

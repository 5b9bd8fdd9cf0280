"""What people decide about a record: the calibration, the interview, the appeal.

A calibrated grade and one that an appeal changed keep the score and the calculated grade beside them. A grade that an
appeal changes after the lock is a late fact: what was paid stands, and the difference is a line in the open period.
Source: spec/domain.md 6.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from xiaoguan.appraisal.cycles import APPRAISAL, CannotAppraise, graded, known_plan, plan_of, results_in, standing
from xiaoguan.appraisal.models import AppraisalCycle, AppraisalRecord
from xiaoguan.desk.access import NONE, Rule, Viewer
from xiaoguan.desk.approvals.flows import chart
from xiaoguan.desk.cells import day_text
from xiaoguan.desk.notify import notify
from xiaoguan.policy.appraisal import calibrate as calibrated
from xiaoguan.policy.document import Appraisal
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import document_of
from xiaoguan.rulebook.windows import last_day

State, Appeal = AppraisalCycle.State, AppraisalRecord.Appeal
WINDOW = 7
"""Days to appeal, counted from the day on which the grades were calibrated."""
DECIDING = ("hr", "general_manager")


class NamedForCalibration(Rule):
    """Whoever holds a role that the appraisal of the record's policy names for calibrating."""

    def _named(self, viewer: Viewer) -> list[tuple[int, str]]:
        rows = PolicyVersion.objects.values_list("pk", "digest")
        return [(pk, one) for pk, digest in rows for one, roles in calibrating(digest) if viewer.has(*roles)]

    def q(self, viewer: Viewer) -> Q:
        found = NONE
        for version, appraisal in self._named(viewer):
            found = found | Q(cycle__policy=version, cycle__appraisal=appraisal)
        return found

    def never(self, viewer: Viewer) -> bool:
        return not self._named(viewer)

    def allows(self, viewer: Viewer, record: Any) -> bool:
        version, appraisal = record.cycle.policy, record.cycle.appraisal
        known = calibrating(version.digest) if version is not None else ()
        return any(one == appraisal and viewer.has(*roles) for one, roles in known)

    def words(self) -> str:
        return _("people whose role the appraisal names")


@lru_cache(maxsize=64)
def calibrating(digest: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The appraisals of a policy with the roles that may calibrate them, by the digest of its text."""
    version = PolicyVersion.objects.filter(digest=digest).first()
    found = document_of(version).appraisal if version else ()
    return tuple((one.id, tuple(one.calibration.by)) for one in found if one.calibration is not None)


def appraisal_of(record: AppraisalRecord) -> Appraisal:
    return plan_of(record.cycle).appraisal


def grades_of(record: AppraisalRecord) -> list[tuple[str, str]]:
    """The grades to choose from, the best first, with what they are called."""
    grades = appraisal_of(record).grades
    ordered = sorted(grades, key=lambda name: -grades[name].start)
    return [(name, f"{name} {grades[name].name}".strip()) for name in ordered]


@transaction.atomic
def calibrate(record: AppraisalRecord, by: Viewer, grade: str, reason: str) -> None:
    """Another grade, with a reason. Raises CannotAppraise where the policy does not allow it."""
    _not_ones_own(record, by)
    standing(record.cycle, State.CALCULATED)
    plan = plan_of(record.cycle)
    rule = plan.appraisal.calibration
    role = next((code for code in (rule.by if rule else ()) if by.has(code)), "")
    [now] = results_in([record], plan)
    try:
        done = calibrated(plan.appraisal, replace(now, grade=record.given_grade), grade, role, reason)
    except ValueError as error:
        raise CannotAppraise(_why(plan.appraisal, record, grade, reason, error)) from error
    values = graded(plan.appraisal, done.grade, record.exact_score)
    record.step(**values, reason=reason, calibrated_at=timezone.now(), calibrated_by_id=by.person_id)


def _why(appraisal: Appraisal, record: AppraisalRecord, grade: str, reason: str, error: ValueError) -> Any:
    """The refusal of the engine in the words of the page."""
    rule = appraisal.calibration
    if rule is None or not record.given_grade:
        return _("The policy does not let this grade be calibrated.")
    if rule.reason == "required" and not reason.strip():
        return {"reason": [_("A calibrated grade needs a reason.")]}
    if rule.change == "one_grade" and grade in appraisal.grades:
        told = {"old": record.given_grade, "new": grade}
        return {"grade": [_("From %(old)s to %(new)s is more than one grade.") % told]}
    return str(error)


def _not_ones_own(record: AppraisalRecord, by: Viewer) -> None:
    if record.person_id == by.person_id:
        raise PermissionDenied(_("Nobody decides about their own appraisal."))


# Interview


@transaction.atomic
def interview(record: AppraisalRecord, by: Viewer, on: date, text: str) -> None:
    """What was said when manager and person talked about the result."""
    _not_ones_own(record, by)
    if record.cycle.state not in (State.CALIBRATED, State.LOCKED):
        raise CannotAppraise(_("The interview is about the calibrated result: calibrate first."))
    record.step(interview_on=on, interview=text, interview_by_id=by.person_id, agreed_at=None)
    _tell([record.person_id], gettext_noop("%(actor)s kept the interview: %(title)s"), record)


def interview_until(cycle: AppraisalCycle) -> date | None:
    """The last day for the interviews, where the policy gives a time; None before the grades were calibrated."""
    plan = known_plan(cycle)
    rule = plan.appraisal.interview if plan else None
    if plan is None or rule is None or cycle.calibrated_at is None:
        return None
    return last_day(plan.policy, rule.due, timezone.localdate(cycle.calibrated_at))


@transaction.atomic
def agree(record: AppraisalRecord) -> None:
    """The person agrees with what was kept."""
    record.step(agreed_at=timezone.now())
    _tell([record.interview_by_id], gettext_noop("%(actor)s agrees with the interview: %(title)s"), record)


# Appeal


def deadline(record: AppraisalRecord) -> date | None:
    """The last day to appeal; None before the grades were calibrated."""
    at = record.cycle.calibrated_at
    return None if at is None else timezone.localdate(at) + timedelta(days=WINDOW)


def may_appeal(record: AppraisalRecord) -> bool:
    until = deadline(record)
    out = record.cycle.state in (State.CALIBRATED, State.LOCKED)
    return out and not record.appeal and until is not None and timezone.localdate() <= until


@transaction.atomic
def file(record: AppraisalRecord, by: Viewer, text: str) -> None:
    """Appeal, once. Raises ValidationError after the deadline."""
    until = deadline(record)
    if until is not None and timezone.localdate() > until:
        raise ValidationError(_("The time to appeal ended on %(day)s.") % {"day": day_text(until)})
    record.step(appeal=Appeal.OPEN, appeal_text=text, appealed_at=timezone.now())
    people = {*deciders(), record.manager_id}
    _tell(people, gettext_noop("%(actor)s appeals: %(title)s"), record)


def deciders() -> set[int]:
    return chart().here({pk for code in DECIDING for pk in chart().holders(code)})


@transaction.atomic
def accept(record: AppraisalRecord, by: Viewer, grade: str, reason: str) -> None:
    """The person is right: another grade. After the lock the difference in pay goes into the open period."""
    _not_ones_own(record, by)
    appraisal = appraisal_of(record)
    if grade not in appraisal.grades:
        raise CannotAppraise({"grade": [_("Choose one of the grades.")]})
    _decided(record, by, Appeal.ACCEPTED, reason, **graded(appraisal, grade, record.exact_score))
    _tell([record.person_id], gettext_noop("Your appeal was accepted: %(title)s"), record)


@transaction.atomic
def reject(record: AppraisalRecord, by: Viewer, reason: str) -> None:
    """The grade stands, and why."""
    _not_ones_own(record, by)
    _decided(record, by, Appeal.REJECTED, reason)
    _tell([record.person_id], gettext_noop("Your appeal was rejected: %(title)s"), record)


@transaction.atomic
def withdraw(record: AppraisalRecord) -> None:
    """The person takes it back."""
    record.step(appeal=Appeal.WITHDRAWN)
    _tell(deciders(), gettext_noop("%(actor)s withdrew the appeal: %(title)s"), record)


def _decided(record: AppraisalRecord, by: Viewer, appeal: str, reason: str, **values: Any) -> None:
    record.step(appeal=appeal, decision=reason, decided_at=timezone.now(), decided_by_id=by.person_id, **values)


def _tell(people: Any, text: str, record: AppraisalRecord) -> None:
    notify([pk for pk in people if pk is not None], APPRAISAL, text, record=record)

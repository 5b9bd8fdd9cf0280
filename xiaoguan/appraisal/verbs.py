"""What people do with a cycle, with their ratings and with the result."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.appraisal import cycles, deciding
from xiaoguan.appraisal.models import AppraisalCycle, AppraisalRecord, Rating
from xiaoguan.appraisal.raters import group_label, items_of
from xiaoguan.desk import Verb, manager, owner, role
from xiaoguan.desk.access import Viewer, in_person
from xiaoguan.desk.fields import ExactFormField
from xiaoguan.people.models import Person

State = AppraisalCycle.State
office, lockers = role("hr", "administrator"), role("finance", "general_manager")
appraised_person, rater = in_person("person"), in_person("rater")
leads = manager("person") | owner("manager") | role("hr")
deciders = role(*deciding.DECIDING)


class Ask(Verb):
    """发起评分: everybody's raters are asked."""

    label, icon, tone, final = _("Ask for ratings"), "message-question", "primary", True
    told = pgettext_lazy("history", "asked for ratings")
    means = _("The raters of everybody are asked and told until when.")
    who = office
    fields = {"until": forms.DateField(label=_("Ratings until"))}

    def allowed(self, record: AppraisalCycle) -> bool:
        return record.state == State.OPEN

    def initial(self, record: Any) -> dict[str, Any]:
        return {"until": timezone.localdate() + timedelta(days=cycles.DAYS)}

    def do(self, record: AppraisalCycle, by: Viewer, until: date, **values: Any) -> None:
        cycles.ask(record, until, by)


class Remind(Verb):
    """提醒: those who have not given all their ratings are told again."""

    label, icon, final = _("Remind the raters"), "bell", True
    told = pgettext_lazy("history", "reminded the raters")
    means = _("Those who have not given all their ratings are told again.")
    who = office

    def allowed(self, record: AppraisalCycle) -> bool:
        return record.state == State.RATING

    def do(self, record: AppraisalCycle, by: Viewer, **values: Any) -> None:
        cycles.remind(record, by)


class AskAgain(Ask):
    """再次发起: whoever joined since is rated too; the last day may be another one."""

    label, icon, tone, final = _("Ask again"), "user-plus", "", True
    told = pgettext_lazy("history", "asked again")
    means = _("Whoever joined since is rated too; the last day may be another one.")

    def allowed(self, record: AppraisalCycle) -> bool:
        return record.state == State.RATING

    def initial(self, record: Any) -> dict[str, Any]:
        return {"until": record.due_on} if isinstance(record, AppraisalCycle) else {}


class AskRater(Verb):
    """增加评分人: one more rater about somebody, such as a manager of before."""

    label, icon, final = _("Ask another rater"), "user-plus", True
    told = pgettext_lazy("history", "asked another rater")
    means = _("One more rater about somebody, such as a manager of before.")
    unsaid = "person", "rater", "group"
    who = office
    fields = {
        "person": forms.ModelChoiceField(Person.objects.all(), label=_("About")),
        "rater": forms.ModelChoiceField(Person.objects.all(), label=_("Rater")),
        "group": forms.CharField(label=_("As"), max_length=60, widget=forms.Select),
    }

    def allowed(self, record: AppraisalCycle) -> bool:
        return record.state == State.RATING

    def form(self, data: Any = None, record: Any = None, viewer: Viewer | None = None) -> forms.Form:
        form = super().form(data, record, viewer)
        if isinstance(record, AppraisalCycle) and (plan := cycles.known_plan(record)) is not None:
            groups = dict.fromkeys(group for item in items_of(plan.appraisal) for group in item.raters)
            form.fields["group"].widget.choices = [(group, group_label(group)) for group in groups]
        return form

    def do(self, record: AppraisalCycle, by: Viewer, person: Any, rater: Any, group: str, **values: Any) -> None:
        cycles.ask_one(record, person.pk, rater.pk, group, by)


class CalculateScores(Verb):
    """核算: scores and grades of everybody, as a job."""

    name = "calculate"
    label, icon, tone, final = _("Calculate"), "calculator", "primary", True
    told = pgettext_lazy("history", "calculated it")
    means = _("Scores and grades of everybody are worked out in the background.")
    who = office

    def allowed(self, record: AppraisalCycle) -> bool:
        return record.state in (State.OPEN, State.RATING, State.CALCULATED)

    def do(self, record: AppraisalCycle, by: Viewer, **values: Any) -> None:
        cycles.start(record, by)


class Finish(Verb):
    """完成校准: the grades are as they should be; everybody is told and may appeal."""

    label, icon, tone, final = _("Finish the calibration"), "eye-check", "primary", True
    told = pgettext_lazy("history", "finished the calibration")
    means = _("The grades are as they should be; everybody is told and may appeal.")
    who = office

    def allowed(self, record: AppraisalCycle) -> bool:
        return record.state == State.CALCULATED

    def do(self, record: AppraisalCycle, by: Viewer, **values: Any) -> None:
        cycles.finish(record, by)


class SendBackCycle(Verb):
    """退回: one state back, with a reason."""

    name = "send_back"
    label, icon, final = _("Send back"), "arrow-back-up", True
    told = pgettext_lazy("history", "sent it back")
    means = _("One state back, with the reason.")
    who = office | lockers
    fields = {"reason": forms.CharField(label=_("Reason"), max_length=400)}

    def allowed(self, record: AppraisalCycle) -> bool:
        return record.state in (State.CALCULATED, State.CALIBRATED)

    def do(self, record: AppraisalCycle, by: Viewer, reason: str, **values: Any) -> None:
        cycles.send_back(record, reason, by)


class LockCycle(Verb):
    """锁定: the grades stand, and pay reads them."""

    name = "lock"
    label, icon, tone, final = _("Lock"), "lock", "primary", True
    told = pgettext_lazy("history", "locked it")
    means = _("The grades stand, and pay reads them.")
    sure = True
    who = lockers

    def allowed(self, record: AppraisalCycle) -> bool:
        return record.state == State.CALIBRATED

    def do(self, record: AppraisalCycle, by: Viewer, **values: Any) -> None:
        cycles.lock(record, by)


# Ratings


class Give(Verb):
    """评分: a score in the scale of the item. It may be changed until the cycle is calculated."""

    label, icon, tone = _("Give a rating"), "star", "primary"
    told = pgettext_lazy("history", "gave a rating")
    means = _("It may be changed until the cycle is calculated.")
    unsaid = "score", "comment"
    who = rater
    fields = {
        "score": ExactFormField(label=_("Score"), decimal_places=2, max_digits=9),
        "comment": forms.CharField(
            label=_("Comment"),
            required=False,
            max_length=2000,
            widget=forms.Textarea,
            help_text=_("Without your name."),
        ),
    }

    def allowed(self, record: Rating) -> bool:
        return record.cycle.state == State.RATING

    def do(self, record: Rating, by: Viewer, score: Decimal, comment: str = "", **values: Any) -> None:
        cycles.give(record, score, comment)


class Decline(Verb):
    """不评: the rater has seen too little of the person to say anything."""

    label, icon = _("I cannot say"), "star-off"
    told = pgettext_lazy("history", "could not say")
    means = _("You have seen too little of this person to say anything.")
    who = rater

    def allowed(self, record: Rating) -> bool:
        return record.cycle.state == State.RATING

    def do(self, record: Rating, by: Viewer, **values: Any) -> None:
        cycles.give(record, None)


# The result


class _WithGrade(Verb):
    """A verb that asks for a grade of the appraisal."""

    def form(self, data: Any = None, record: Any = None, viewer: Viewer | None = None) -> forms.Form:
        form = super().form(data, record, viewer)
        if isinstance(record, AppraisalRecord):
            form.fields["grade"].widget.choices = deciding.grades_of(record)
        return form

    def initial(self, record: Any) -> dict[str, Any]:
        return {"grade": record.grade} if isinstance(record, AppraisalRecord) else {}


def _grade() -> forms.Field:
    return forms.CharField(label=_("Grade"), max_length=40, widget=forms.Select)


class Calibrate(_WithGrade):
    """校准: another grade with a reason; score and calculated grade stay beside it."""

    label, icon, final = _("Calibrate"), "adjustments", True
    told = pgettext_lazy("history", "calibrated it")
    means = _("Another grade with a reason; score and calculated grade stay beside it.")
    who = deciding.NamedForCalibration()
    fields = {"grade": _grade(), "reason": forms.CharField(label=_("Reason"), required=False, max_length=2000)}

    def allowed(self, record: AppraisalRecord) -> bool:
        return record.cycle.state == State.CALCULATED and bool(record.given_grade)

    def do(self, record: AppraisalRecord, by: Viewer, grade: str, reason: str = "", **values: Any) -> None:
        deciding.calibrate(record, by, grade, reason)


class KeepInterview(Verb):
    """绩效面谈: what manager and person said about the result."""

    name = "interview"
    label, icon, final = _("Keep the interview"), "messages", True
    told = pgettext_lazy("history", "kept the interview")
    means = _("What manager and person said about the result; the person is asked to agree.")
    who = leads
    fields = {
        "on": forms.DateField(label=_("Day"), initial=timezone.localdate),
        "text": forms.CharField(label=_("Interview record"), max_length=8000, widget=forms.Textarea),
    }

    def allowed(self, record: AppraisalRecord) -> bool:
        return record.cycle.state in (State.CALIBRATED, State.LOCKED)

    def initial(self, record: Any) -> dict[str, Any]:
        if not isinstance(record, AppraisalRecord) or record.interview_on is None:
            return {}
        return {"on": record.interview_on, "text": record.interview}

    def do(self, record: AppraisalRecord, by: Viewer, on: date, text: str, **values: Any) -> None:
        deciding.interview(record, by, on, text)


class Agree(Verb):
    """确认面谈: the person agrees with what was kept."""

    label, icon, tone, final = _("Agree with the interview"), "circle-check", "primary", True
    told = pgettext_lazy("history", "agreed with the interview")
    who = appraised_person

    def allowed(self, record: AppraisalRecord) -> bool:
        return record.interview_on is not None and record.agreed_at is None

    def do(self, record: AppraisalRecord, by: Viewer, **values: Any) -> None:
        deciding.agree(record)


class FileAppeal(Verb):
    """申诉: the person does not agree with the result."""

    name = "appeal"
    label, icon, final = pgettext_lazy("appraisal", "Appeal"), "scale", True
    told = pgettext_lazy("history", "appealed")
    means = _("Your result is looked at again; nothing changes until then.")
    who = appraised_person
    fields = {"text": forms.CharField(label=_("What is not right?"), max_length=4000, widget=forms.Textarea)}

    def allowed(self, record: AppraisalRecord) -> bool:
        return deciding.may_appeal(record)

    def do(self, record: AppraisalRecord, by: Viewer, text: str, **values: Any) -> None:
        deciding.file(record, by, text)


class AcceptAppeal(_WithGrade):
    """接受申诉: the person is right; another grade, and why."""

    name = "accept"
    label, icon, tone, final = _("Accept the appeal"), "check", "primary", True
    told = pgettext_lazy("history", "accepted the appeal")
    means = _("The person is right: another grade, and why.")
    who = deciders
    fields = {"grade": _grade(), "reason": forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea)}

    def allowed(self, record: AppraisalRecord) -> bool:
        return record.appeal == AppraisalRecord.Appeal.OPEN

    def do(self, record: AppraisalRecord, by: Viewer, grade: str, reason: str, **values: Any) -> None:
        deciding.accept(record, by, grade, reason)


class RejectAppeal(Verb):
    """驳回申诉: the grade stands, and why."""

    name = "reject"
    label, icon, tone, final = _("Reject the appeal"), "x", "danger", True
    told = pgettext_lazy("history", "rejected the appeal")
    means = _("The grade stands, and the person reads why.")
    who = deciders
    fields = {"reason": forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea)}

    def allowed(self, record: AppraisalRecord) -> bool:
        return record.appeal == AppraisalRecord.Appeal.OPEN

    def do(self, record: AppraisalRecord, by: Viewer, reason: str, **values: Any) -> None:
        deciding.reject(record, by, reason)


class WithdrawAppeal(Verb):
    """撤回申诉: the person takes it back."""

    name = "withdraw"
    label, icon, final = _("Withdraw the appeal"), "arrow-back-up", True
    told = pgettext_lazy("history", "withdrew the appeal")
    who = appraised_person

    def allowed(self, record: AppraisalRecord) -> bool:
        return record.appeal == AppraisalRecord.Appeal.OPEN

    def do(self, record: AppraisalRecord, by: Viewer, **values: Any) -> None:
        deciding.withdraw(record)

"""What people do with opportunities and activities."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from xiaoguan.customers.models import Contact, Customer
from xiaoguan.desk import Verb
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.cells import day_text
from xiaoguan.desk.fields import MoneyFormField
from xiaoguan.desk.forms import SoonInput, dress
from xiaoguan.people.models import Person
from xiaoguan.rulebook.process import process_in_force
from xiaoguan.sales.models import Activity, Opportunity


class Ticks(forms.MultipleChoiceField):
    """What of a checklist is done. A program sends it as text, one item a line."""

    widget = forms.CheckboxSelectMultiple

    def to_python(self, value: Any) -> list[str]:
        given = [value] if isinstance(value, str) else value or []
        return [line.strip() for text in given for line in str(text).splitlines() if line.strip()]


LOST = str(Opportunity.Result.LOST)
"""Where a move leads to that loses the deal, if no stage of the process does."""


def _targets() -> list[tuple[str, str]]:
    """The stages, and being lost where that is no stage of its own."""
    stages = process_in_force().stages
    found = [(s.id, s.name) for s in stages]
    return found if any(s.closes == LOST for s in stages) else [*found, (LOST, gettext("Lost"))]


def closing(stage: str) -> str:
    """What coming to this stage, or lane of the board, makes of a deal: "won", "lost" or ""."""
    found = process_in_force()
    return LOST if stage == LOST and found.position(LOST) < 0 else found.stage(stage).closes


class Move(Verb):
    """推进: to another stage, as far as the policy allows it, with what it asks for: a reason, a checklist done.

    Coming to a stage that closes a deal is winning or losing it, and asks for what that needs.
    """

    label, icon = _("Move to stage"), "arrow-right"
    told = pgettext_lazy("history", "moved it to another stage")
    means = _("To another stage, with what the policy asks for there.")
    fields = {
        "to": forms.ChoiceField(label=_("Stage"), choices=_targets),
        "reason": forms.CharField(label=_("Reason"), required=False, max_length=200),
        "checked": Ticks(label=_("Done in this stage"), required=False),
        "signed_on": forms.DateField(label=_("Signed"), required=False),
        "amount": MoneyFormField(label=_("Amount"), required=False),
        "lost_reason": forms.ChoiceField(
            label=_("Why lost"), choices=[("", "–"), *Opportunity.Reason.choices], required=False
        ),
    }
    CLOSING: ClassVar[dict[str, tuple[str, ...]]] = {"won": ("signed_on", "amount"), "lost": ("lost_reason",)}

    def form(self, data: Any = None, record: Any = None, viewer: Viewer | None = None) -> forms.Form:
        """With the checklist of the stage that is left, if it has one, and what closing needs, if it closes."""
        form = super().form(data, record, viewer)
        items = process_in_force().stage(record.stage).checklist if record is not None else ()
        form.fields["checked"].choices = [(item, item) for item in items]
        result = closing(str((form.data if form.is_bound else form.initial).get("to") or ""))
        idle = [name for kind, names in self.CLOSING.items() if kind != result for name in names]
        idle += [] if items else ["checked"]
        for name in idle:
            del form.fields[name]
        return form

    def allowed(self, record: Opportunity) -> bool:
        return record.is_open

    def initial(self, record: Opportunity) -> dict[str, Any]:
        process = process_in_force()
        at = process.position(record.stage)
        following = process.stages[at + 1 : at + 2]
        return {
            "to": following[0].id if following else record.stage,
            "signed_on": timezone.localdate(),
            "amount": record.amount_units,
        }

    def do(
        self,
        record: Opportunity,
        by: Viewer,
        to: str = "",
        reason: str = "",
        checked: Sequence[str] = (),
        **values: Any,
    ) -> None:
        if to == record.stage:
            return
        result = closing(to)
        asked = {} if result == LOST else _asked_by_policy(record, to, reason, checked)
        missing = [name for name in self.CLOSING.get(result, ()) if values.get(name) in (None, "")]
        if missing:
            asked |= dict.fromkeys(missing, _NEEDED[result])
        if asked:
            said = list(dict.fromkeys(asked.values()))
            raise ValidationError(" ".join(map(str, said)), params={"ask": list(asked)})
        if result == LOST:
            record.lose(values["lost_reason"], reason)
        elif result:
            record.win(values["signed_on"], values["amount"])
        else:
            record.enter(to)


_NEEDED = {
    "won": _("Winning it writes the order: when was it signed, and for how much?"),
    LOST: _("A lost deal says why."),
}


def _asked_by_policy(record: Opportunity, to: str, reason: str, checked: Sequence[str]) -> dict[str, Any]:
    """{field: the sentence that asks for it} of what the policy wants of this move. Raises ValidationError for a move
    that it forbids."""
    process = process_in_force()
    verdict, left = process.move(record.stage, to), process.stage(record.stage)
    names = {"from": left.name, "to": process.stage(to).name, "policy": process.policy}
    if verdict == "forbidden":
        raise ValidationError(
            _("%(policy)s does not allow a move from %(from)s to %(to)s; go stage by stage."), params=names
        )
    asked = {}
    if verdict == "reason" and not reason:
        asked["reason"] = gettext("%(policy)s asks for the reason of a move from %(from)s to %(to)s.") % names
    onward = process.position(to) > process.position(record.stage)
    if onward and (missing := [item for item in left.checklist if item not in checked]):
        todo = {**names, "items": gettext(", ").join(missing)}
        asked["checked"] = gettext("%(policy)s asks for this before %(from)s is left: %(items)s.") % todo
    return asked


class Win(Verb):
    """赢单: the customer signed. Writes the order."""

    label, icon, tone = _("Win"), "trophy", "success"
    told = pgettext_lazy("history", "won it")
    means = _("The customer signed; an order is written from it.")
    fields = {
        "signed_on": forms.DateField(label=_("Signed"), initial=timezone.localdate),
        "amount": MoneyFormField(label=_("Amount")),
    }

    def allowed(self, record: Opportunity) -> bool:
        return record.is_open

    def initial(self, record: Opportunity) -> dict[str, Any]:
        return {"signed_on": timezone.localdate(), "amount": record.amount_units}

    def do(self, record: Opportunity, by: Viewer, signed_on: date, amount: int, **values: Any) -> None:
        record.win(signed_on, amount)


class Lose(Verb):
    """输单: it will not come to an order, and why."""

    label, icon, tone = _("Lose"), "mood-sad", "danger"
    told = pgettext_lazy("history", "lost it")
    means = _("It will not come to an order. The reason goes into the analysis of losses.")
    fields = {
        "reason": forms.ChoiceField(label=_("Why"), choices=Opportunity.Reason.choices),
        "note": forms.CharField(label=_("Note"), required=False, max_length=400, widget=forms.Textarea),
    }

    def allowed(self, record: Opportunity) -> bool:
        return record.is_open

    def do(self, record: Opportunity, by: Viewer, reason: str = "", note: str = "", **values: Any) -> None:
        record.lose(reason, note)


class Reopen(Verb):
    """重新打开: a lost opportunity is alive again; its stage starts anew."""

    label, icon = _("Reopen"), "rotate"
    told = pgettext_lazy("history", "reopened it")
    means = _("The deal is alive again; its stage starts anew.")

    def allowed(self, record: Opportunity) -> bool:
        return record.result == Opportunity.Result.LOST

    def do(self, record: Opportunity, by: Viewer, **values: Any) -> None:
        record.reopen()


class HandOver(Verb):
    """转交: somebody else takes it from here; what was credited stays where it is."""

    label, icon = _("Hand over"), "switch-horizontal"
    told = pgettext_lazy("history", "handed it over")
    means = _("Somebody else takes it from here; what was credited stays where it is.")
    fields = {"to": forms.ModelChoiceField(Person.objects.filter(left_on__isnull=True), label=_("To"))}

    def allowed(self, record: Opportunity) -> bool:
        return record.is_open

    def do(self, record: Opportunity, by: Viewer, to: Person | None = None, **values: Any) -> None:
        record.owner = to
        record.save()


class PlanField(forms.ModelChoiceField):
    """One of the steps that somebody has planned with a customer."""

    def label_from_instance(self, plan: Activity) -> str:
        return f"{plan.subject} · {day_text(plan.due_on)}"


class Log(Verb):
    """记跟进: what was just said or done with a customer, and when it goes on; a plan that it was is done with it."""

    label, icon, tone, step = _("Log a contact"), "phone-call", "primary", True
    told = pgettext_lazy("history", "logged a contact")
    means = _("What was just said or done, and when it goes on.")
    fields = {
        "kind": forms.ChoiceField(
            label=_("How"), choices=Activity.Kind.choices, initial=Activity.Kind.CALL, widget=forms.RadioSelect
        ),
        "outcome": forms.ChoiceField(
            label=_("Outcome"), choices=Activity.Outcome.choices, required=False, widget=forms.RadioSelect
        ),
        "note": forms.CharField(label=_("Note"), required=False, max_length=2000, widget=forms.Textarea),
        "planned": PlanField(Activity.objects.none(), label=_("It was planned as"), required=False),
        "next_on": forms.DateField(label=_("Next contact"), required=False, widget=SoonInput),
    }
    unsaid = ("planned",)

    def form(self, data: Any = None, record: Any = None, viewer: Viewer | None = None) -> forms.Form:
        form = super().form(data, record, viewer)
        plans = _plans(record, viewer) if record is not None and viewer is not None else Activity.objects.none()
        if not plans:
            del form.fields["planned"]
            return form
        due = next((plan for plan in plans if plan.due_on <= timezone.localdate()), None)
        told = {"label": self.fields["planned"].label, "empty_label": _("none of these"), "initial": due}
        form.fields["planned"] = PlanField(plans, required=False, **told)
        dress(form)
        return form

    def do(
        self,
        record: Customer | Contact | Opportunity,
        by: Viewer,
        kind: str,
        outcome: str = "",
        note: str = "",
        planned: Activity | None = None,
        next_on: date | None = None,
        **values: Any,
    ) -> None:
        today, first = timezone.localdate(), note.strip().splitlines()[:1]
        if planned is not None:
            planned.kind, planned.outcome, planned.done_on = kind, outcome, today
            planned.note = f"{planned.note}\n{note}".strip()
            planned.save()
            planned.plan_next(next_on, first[0] if first else "")
            return
        made = Activity(
            subject=(first[0] if first else str(Activity.Kind(kind).label))[:160],
            kind=kind,
            owner_id=by.person_id,
            due_on=today,
            done_on=today,
            outcome=outcome,
            note=note,
            **about(record),
        )
        made.save()
        made.plan_next(next_on, gettext("Follow up: %(what)s") % {"what": made.subject})


def _plans(record: Any, viewer: Viewer) -> QuerySet[Activity]:
    """What the viewer has planned with this customer, contact or deal and not done, the earliest first."""
    whose = "customer" if isinstance(record, Customer) else "contact" if isinstance(record, Contact) else "opportunity"
    return Activity.objects.filter(done_on=None, owner_id=viewer.person_id, **{whose: record}).order_by("due_on", "pk")


def logs(record: Any) -> bool:
    """Whether what is said with people is written down about such a record."""
    return isinstance(record, Customer | Contact | Opportunity)


def about(record: Customer | Contact | Opportunity) -> dict[str, Any]:
    """What an activity about this record belongs to."""
    if isinstance(record, Customer):
        return {"customer": record}
    return {"customer": record.customer, "contact" if isinstance(record, Contact) else "opportunity": record}


class Done(Verb):
    """完成: the activity took place, with its outcome and the next date."""

    label, icon, tone = _("Done"), "check", "primary"
    told = pgettext_lazy("history", "finished it")
    means = _("It took place: with its outcome, and the next date.")
    fields = {
        "outcome": forms.ChoiceField(
            label=_("Outcome"), choices=[("", "–"), *Activity.Outcome.choices], required=False
        ),
        "minutes": forms.IntegerField(label=_("Minutes"), required=False, min_value=0, max_value=1440),
        "next_on": forms.DateField(label=_("Next contact"), required=False, widget=SoonInput),
        "note": forms.CharField(label=_("Note"), required=False, max_length=2000, widget=forms.Textarea),
    }

    def allowed(self, record: Activity) -> bool:
        return record.done_on is None

    def do(self, record: Activity, by: Viewer, next_on: date | None = None, note: str = "", **values: Any) -> None:
        record.done_on = timezone.localdate()
        record.outcome, record.minutes = values.get("outcome") or "", values.get("minutes")
        if note:
            record.note = f"{record.note}\n{note}".strip()
        record.save()
        record.plan_next(next_on)

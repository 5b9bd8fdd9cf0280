"""What people do with opportunities and activities."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import Verb
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.fields import MoneyFormField
from xiaoguan.people.models import Person
from xiaoguan.rulebook.process import process_in_force
from xiaoguan.sales.models import Activity, Opportunity, Order


def _stages() -> list[tuple[str, str]]:
    return [(s.id, s.name) for s in process_in_force().stages]


class Ticks(forms.MultipleChoiceField):
    """What of a checklist is done. A program sends it as text, one item a line."""

    widget = forms.CheckboxSelectMultiple

    def to_python(self, value: Any) -> list[str]:
        given = [value] if isinstance(value, str) else value or []
        return [line.strip() for text in given for line in str(text).splitlines() if line.strip()]


class Move(Verb):
    """推进: to another stage, as far as the policy allows it, with what it asks for: a reason, a checklist done."""

    label, icon = _("Move to stage"), "arrow-right"
    fields = {
        "to": forms.ChoiceField(label=_("Stage"), choices=_stages),
        "reason": forms.CharField(label=_("Reason"), required=False, max_length=200),
        "checked": Ticks(label=_("Done in this stage"), required=False),
    }

    def form(self, data: Any = None, record: Any = None, viewer: Viewer | None = None) -> forms.Form:
        """With the checklist of the stage that is left; without one where it has none."""
        form = super().form(data, record, viewer)
        items = process_in_force().stage(record.stage).checklist if record is not None else ()
        form.fields["checked"].choices = [(item, item) for item in items]
        if record is not None and not items:
            del form.fields["checked"]
        return form

    def allowed(self, record: Opportunity) -> bool:
        return record.is_open

    def initial(self, record: Opportunity) -> dict[str, Any]:
        process = process_in_force()
        at = process.position(record.stage)
        following = process.stages[at + 1 : at + 2]
        return {"to": following[0].id if following else record.stage}

    def do(
        self,
        record: Opportunity,
        by: Viewer,
        to: str = "",
        reason: str = "",
        checked: Sequence[str] = (),
        **values: Any,
    ) -> None:
        process = process_in_force()
        if to == record.stage:
            return
        verdict = process.move(record.stage, to)
        left = process.stage(record.stage)
        names = {"from": left.name, "to": process.stage(to).name, "policy": process.policy}
        if verdict == "forbidden":
            raise ValidationError(
                _("%(policy)s does not allow a move from %(from)s to %(to)s; go stage by stage."), params=names
            )
        onward = process.position(to) > process.position(record.stage)
        missing = [item for item in left.checklist if item not in checked] if onward else []
        asked = (["reason"] if verdict == "reason" and not reason else []) + (["checked"] if missing else [])
        if not asked:
            record.enter(to)
            return
        said = (
            [_("%(policy)s asks for the reason of a move from %(from)s to %(to)s.") % names]
            if "reason" in asked
            else []
        )
        if missing:
            todo = {**names, "items": gettext(", ").join(missing)}
            said.append(_("%(policy)s asks for this before %(from)s is left: %(items)s.") % todo)
        raise ValidationError(" ".join(said), params={"ask": asked})


class Win(Verb):
    """赢单: the customer signed. Writes the order."""

    label, icon, tone = _("Win"), "trophy", "success"
    fields = {
        "signed_on": forms.DateField(label=_("Signed"), initial=timezone.localdate),
        "amount": MoneyFormField(label=_("Amount")),
    }

    def allowed(self, record: Opportunity) -> bool:
        return record.is_open

    def initial(self, record: Opportunity) -> dict[str, Any]:
        return {"signed_on": timezone.localdate(), "amount": record.amount_units}

    def do(
        self, record: Opportunity, by: Viewer, signed_on: date | None = None, amount: int = 0, **values: Any
    ) -> None:
        won = next((s for s in process_in_force().stages if s.closes == "won"), None)
        record.amount_units, record.lost_reason = amount, ""
        record.result, record.closed_on = Opportunity.Result.WON, signed_on
        if won:
            record.stage, record.stage_since = won.id, timezone.localdate()
        record.save()
        Order(
            number=f"SO-{record.pk:06d}",
            customer=record.customer,
            owner=record.owner,
            opportunity=record,
            channel=record.customer.channel,
            ordered_on=signed_on,
            net_amount=record.amount_units,
            total_amount=record.amount_units,
            currency=record.currency,
        ).save()


class Lose(Verb):
    """输单: it will not come to an order, and why."""

    label, icon, tone = _("Lose"), "mood-sad", "danger"
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

    def allowed(self, record: Opportunity) -> bool:
        return record.result == Opportunity.Result.LOST

    def do(self, record: Opportunity, by: Viewer, **values: Any) -> None:
        record.result, record.closed_on, record.lost_reason = Opportunity.Result.OPEN, None, ""
        record.stage_since = timezone.localdate()
        record.save()


class HandOver(Verb):
    """转交: somebody else takes it from here; what was credited stays where it is."""

    label, icon = _("Hand over"), "switch-horizontal"
    fields = {"to": forms.ModelChoiceField(Person.objects.filter(left_on__isnull=True), label=_("To"))}

    def allowed(self, record: Opportunity) -> bool:
        return record.is_open

    def do(self, record: Opportunity, by: Viewer, to: Person | None = None, **values: Any) -> None:
        record.owner = to
        record.save()


class Done(Verb):
    """完成: the activity took place, with its outcome and the next date."""

    label, icon, tone = _("Done"), "check", "primary"
    fields = {
        "outcome": forms.ChoiceField(
            label=_("Outcome"), choices=[("", "–"), *Activity.Outcome.choices], required=False
        ),
        "minutes": forms.IntegerField(label=_("Minutes"), required=False, min_value=0, max_value=1440),
        "next_on": forms.DateField(label=_("Next contact"), required=False),
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
        if next_on:
            Activity(
                subject=record.subject,
                kind=record.kind,
                customer_id=record.customer_id,
                contact_id=record.contact_id,
                opportunity_id=record.opportunity_id,
                owner_id=record.owner_id,
                due_on=next_on,
            ).save()
            if record.customer:
                record.customer.next_contact_on = next_on
                record.customer.save()

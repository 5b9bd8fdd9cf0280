"""What people see of the workshop: drafts for those who write and approve them, versions for all, who has signed."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.desk import Desk, Verb, everyone, manager, owner, register, role
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals import Approval, Step, holders
from xiaoguan.people.models import Person
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.workshop import publishing, trying
from xiaoguan.rulebook.workshop.models import PolicyDraft, PolicySignature

State = PolicyDraft.State
JOBS = (trying.work, publishing.remind_policy_readers)  # loaded with the desks, so that workers know their kinds
writers = role("operations", "general_manager")
readers = role("operations", "general_manager", "finance")


class Submit(Verb):
    """提交: the draft as it stands is to be approved."""

    final = True
    label, icon = _("Submit for approval"), "send"
    told = pgettext_lazy("history", "submitted it for approval")
    means = _("The draft as it stands goes to whoever must approve it.")
    fields = {"note": forms.CharField(label=_("note"), required=False, max_length=400)}

    def allowed(self, record: Any) -> bool:
        return record.state == State.DRAFT

    def do(self, record: Any, by: Viewer, note: str = "") -> Any:
        publishing.submit(record, by, note)


class TakeBack(Verb):
    """收回: a submitted or approved draft is open for changes again."""

    final = True
    label, icon = _("Take back to change it"), "arrow-back-up"
    told = pgettext_lazy("history", "took it back to change it")
    means = _("The draft is open for changes again; what was decided about it is void.")

    def allowed(self, record: Any) -> bool:
        return record.state in (State.SUBMITTED, State.APPROVED, State.WITHDRAWN)

    def do(self, record: Any, by: Viewer) -> Any:
        publishing.take_back(record, by)


class GiveUp(Verb):
    """作废: the draft is kept and not gone on with."""

    final = True
    label, icon, tone = _("Give the draft up"), "archive", "red"
    told = pgettext_lazy("history", "gave the draft up")
    means = _("The draft is kept and not gone on with.")

    def allowed(self, record: Any) -> bool:
        return record.state in (State.DRAFT, State.SUBMITTED, State.APPROVED)

    def do(self, record: Any, by: Viewer) -> Any:
        publishing.give_up(record, by)


class Publish(Verb):
    """发布: the approved draft becomes a version, in force from the day it names."""

    final = True
    label, icon = _("Publish"), "book-upload"
    told = pgettext_lazy("history", "published it")
    means = _("The draft becomes a version, in force from the day it names.")
    fields = {
        "effective_from": forms.DateField(label=_("in force from")),
        "acknowledged": forms.CharField(
            label=_("warnings acknowledged"), required=False, help_text=_("Their ids, with commas.")
        ),
    }

    def allowed(self, record: Any) -> bool:
        return record.state == State.APPROVED

    def initial(self, record: Any) -> dict[str, Any]:
        return {"effective_from": record.effective_from}

    def do(self, record: Any, by: Viewer, effective_from: date, acknowledged: str = "") -> Any:
        ids = {one.strip() for one in acknowledged.split(",")}
        return publishing.publish(record, by, effective_from, ids)


@register
class PolicyDraftDesk(Desk):
    """Who writes policies sees and changes drafts; finance reads them; all others see what is published."""

    model = PolicyDraft
    slug = "policy-drafts"
    icon = "writing"
    place = "policy"
    hint = _("Begin with a preset, with the version in force, or with an empty document.")
    columns = "title", "state", "number", "effective_from", "base", "owner", "updated_at"
    form = "title", "text", "cases"
    filters = "state", "owner"
    order = "-id"
    read = readers
    write = writers
    verbs = Submit, TakeBack, Publish, GiveUp
    approvals = (
        Approval(
            publishing.APPROVAL,
            _("version of a policy"),
            (Step(holders("general_manager") | holders("finance")),),
            freezes=("number", "effective_from", "digest"),
            after=publishing.approved,
            ended=publishing.ended,
        ),
    )

    def prepare(self, record: Any, viewer: Viewer) -> None:
        if viewer.person_id is not None:
            record.owner = Person.objects.get(pk=viewer.person_id)


@register
class PolicyVersionDesk(Desk):
    model = PolicyVersion
    slug = "policy-versions"
    icon = "versions"
    place = "policy"
    columns = "name", "number", "effective_from", "effective_to", "adopted_at", "adopted_by"
    filters = ("effective_from",)
    order = "-id"
    read = everyone


@register
class PolicySignatureDesk(Desk):
    model = PolicySignature
    slug = "policy-signatures"
    icon = "signature"
    place = "policy"
    columns = "person", "version", "asked_at", "reminded_at", "signed_at"
    filters = "version", "person", "signed_at"
    order = "-id"
    read = owner("person") | manager("person") | role("operations", "general_manager", "hr")

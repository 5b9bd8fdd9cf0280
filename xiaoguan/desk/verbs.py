"""A verb: who may, when, what it does. The button, the API, bulk work, jobs and imports all call `run`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import events
from xiaoguan.desk.access import Rule, Ruled, Viewer


class Verb:
    """One deed people do on a record. Subclass: set label, icon and fields, say when, and do it.

    name      the word in URLs and events; the class name in snake case unless set.
    told      what the history says that whoever did it did: “won it”; the label unless set.
    means     what comes of it, a sentence for whoever is about to do it.
    fields    form fields to ask for, by name; they become arguments of `do`.
    further   whether `asked` has more of them, as the policy in force says.
    who       rule for who may; the desk's `write` when None.
    step      whether what it did is one of the record's steps, by which the timeline tells it already.
    final     whether it cannot be taken back, so that nobody offers to.
    sure      whether the page asks first, as it does before every red one: what cannot be taken back in any way.
    unsaid    fields whose values the history does not tell, such as who was asked to rate somebody.
    """

    label: Any = ""
    told: Any = ""
    means: Any = ""
    icon = "player-play"
    tone = ""
    final = False
    sure = False
    step = False
    fields: ClassVar[dict[str, forms.Field]] = {}
    further: ClassVar[bool] = False
    unsaid: ClassVar[tuple[str, ...]] = ()
    who: Rule | None = None
    given: Mapping[str, Any] = MappingProxyType({})
    """What its fields hold beforehand, besides what `initial` says: a click on a stage gives the stage."""

    def __init_subclass__(cls) -> None:
        if "name" not in cls.__dict__:
            cls.name = "".join(f"_{c.lower()}" if c.isupper() else c for c in cls.__name__).lstrip("_")

    name: ClassVar[str] = ""

    def allowed(self, record: Any) -> bool:
        """Whether the record is in a state in which this makes sense."""
        return True

    def do(self, record: Any, by: Viewer, **values: Any) -> Any:
        raise NotImplementedError

    def asked(self) -> dict[str, forms.Field]:
        """The fields of its form."""
        return self.fields

    def initial(self, record: Any) -> dict[str, Any]:
        """What the form shows before anything is typed."""
        return {}

    def rule(self, write: Rule) -> Rule:
        """Who may, where this is the rule of writing: what the company set for the verb, else what is declared."""
        declared = self.who or write
        if not isinstance(write, Ruled):
            return declared
        return Ruled(write.entity, f"verb:{self.name}", declared, write.path, write.via)

    def may(self, viewer: Viewer, record: Any, write: Rule) -> bool:
        return self.rule(write).allows(viewer, record) and self.allowed(record)

    def form(self, data: Any = None, record: Any = None, viewer: Viewer | None = None) -> forms.Form:
        """The form that asks for the fields; relations offer what the viewer may read."""
        from xiaoguan.desk.forms import dress, relation_field

        form_class = type(f"{type(self).__name__}Form", (forms.Form,), dict(self.asked()))
        form = form_class(data, initial={**(self.initial(record) if record is not None else {}), **self.given})
        for name, field in form.fields.items():
            if viewer is not None and isinstance(field, forms.ModelChoiceField):
                form.fields[name] = relation_field(field, viewer)
        dress(form)
        return form

    def thanks(self, thing: str) -> str:
        """What whoever did it reads right after: that it is done, and with what."""
        if not self.told:
            return _("%(verb)s: %(thing)s") % {"verb": self.label, "thing": thing}
        return _("You %(did)s: %(thing)s") % {"did": self.told, "thing": thing}

    @transaction.atomic
    def run(self, record: Any, viewer: Viewer, data: Any, write: Rule) -> Any:
        """Check the right and the state, read the form, do it and write the event.

        Raises PermissionDenied without the right, ValidationError for a wrong state or wrong input.
        """
        rule = self.rule(write)
        if not rule.allows(viewer, record):
            raise PermissionDenied(_("You may not do this: %(who)s may.") % {"who": rule.words()})
        if not self.allowed(record):
            raise ValidationError(_("%(verb)s is not possible in the present state.") % {"verb": self.label})
        form = self.form(data, record, viewer)
        if not form.is_valid():
            raise ValidationError(form.errors)
        answer = self.do(record, viewer, **form.cleaned_data)
        told = {name: value for name, value in form.cleaned_data.items() if name not in self.unsaid}
        kept = {name: [None, events.plain(getattr(value, "pk", value))] for name, value in told.items()}
        events.write(record, self.name, kept)
        return answer

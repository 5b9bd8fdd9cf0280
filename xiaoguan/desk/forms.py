"""The form of a declaration: for the page, for the API and for quick edits alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.db.models import QuerySet
from django.forms import modelform_factory
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk import conflicts, duplicates
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals import guards
from xiaoguan.desk.desk import Desk, desk_of, remembered
from xiaoguan.desk.records import Record

NONE = "–"
FEW = 60  # a relation with no more records than this is a plain select


class PickWidget(forms.TextInput):
    """A text box that looks records up while one types; the hidden half carries the id."""

    template_name = "desk/pick.html"

    def __init__(self, target: Desk, choosable: QuerySet, **kwargs: Any):
        super().__init__(**kwargs)
        self.target, self.choosable = target, choosable

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["pick_url"] = self.target.url("pick")
        context["pick_label"] = ""
        if value not in (None, "") and str(value).isdigit():
            record = self.choosable.filter(pk=value).first()  # a number in an address tells nobody's name
            context["pick_label"] = str(record) if record else ""
        return context


class SoonInput(forms.DateInput):
    """A day, with chips for those that are chosen most: tomorrow, next week."""

    def soon(self) -> list[tuple[str, str]]:
        """(words, day) of each chip."""
        today = timezone.localdate()
        ways = (
            (1, _("tomorrow")),
            (3, _("in 3 days")),
            (7, _("in a week")),
            (14, _("in two weeks")),
            (30, _("in a month")),
        )
        return [(str(words), (today + timedelta(days=days)).isoformat()) for days, words in ways]


class RelationField(forms.ModelChoiceField):
    """A relation to a record that the viewer may read; others are refused as if they did not exist."""

    default_error_messages = {"invalid_choice": _("Choose a record from the list; this one is unknown.")}


class RecordForm(forms.ModelForm):
    """Knows the version it was opened with; saving an older one is a Conflict that keeps what was typed."""

    viewer: Viewer

    def __init__(self, *args: Any, viewer: Viewer, drawn: bool = True, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        self.approvals: tuple[Any, ...] = ()
        if drawn:
            self.draw()
            return
        for name, field in self.fields.items():
            _narrow(field, viewer, getattr(self.instance, f"{name}_id", None))

    def draw(self) -> None:
        """Give the fields the widgets of a page, which ask what there is to choose from."""
        self._bound_fields_cache.clear()
        for name, field in self.fields.items():
            if isinstance(field, forms.ModelChoiceField):
                self.fields[name] = relation_field(field, self.viewer, getattr(self.instance, f"{name}_id", None))
            elif isinstance(field, forms.ChoiceField):
                field.choices = [(value, NONE if value in ("", None) else label) for value, label in field.choices]
        dress(self)

    def clean(self) -> dict[str, Any]:
        """What is another record's alone, and a number that cannot be, is refused."""
        given = super().clean() or self.cleaned_data
        desk = desk_of(type(self.instance))
        if desk is not None and desk.duplicates:
            changed = {name: given.get(name) for name in desk.duplicates if name in self.changed_data}
            for name, why in duplicates.refused(desk, self.viewer, changed, self.instance.pk).items():
                self.add_error(name, why)
        return given

    def add_error(self, field: str | None, error: Any) -> None:
        """What the record says of a field that is not asked for here is said of the whole, with the field's name."""
        if field is None and isinstance(error, ValidationError) and hasattr(error, "error_dict"):
            told: dict[str, list[Any]] = {}
            for name, every in error.error_dict.items():
                if name in self.fields or name == NON_FIELD_ERRORS:
                    told.setdefault(name, []).extend(every)
                else:
                    label = capfirst(self.instance._meta.get_field(name).verbose_name)
                    texts = (text for one in every for text in one.messages)
                    said = (_("%(field)s: %(problem)s") % {"field": label, "problem": text} for text in texts)
                    told.setdefault(NON_FIELD_ERRORS, []).extend(said)
            error = ValidationError(told)
        super().add_error(field, error)

    def _post_clean(self) -> None:
        chosen = (name for name, field in self.fields.items() if isinstance(field, forms.ModelChoiceField))
        self.instance.chosen = {name for name in chosen if self.cleaned_data.get(name) is not None}
        super()._post_clean()
        self.instance.chosen = ()
        if self.errors:
            return
        try:
            guards.guard_part(self.instance)
            if self.instance.pk is None:
                return
            guards.guard(self.instance, self.instance.changes())
        except guards.NeedsApproval as needed:
            self.approvals = needed.approvals
            if not self.data.get("ask_approval"):
                self.add_error(None, needed)
        except guards.Refused as refused:
            self.add_error(None, refused)

    def save_record(self, version: int | None = None) -> Record:
        """Write what was typed; what needs an approval first is asked for. What others saved since `version`
        goes together with it; raises Clash where both have changed one field."""
        record = self.instance
        if version is not None and record.pk and record.version != version:
            conflicts.reconcile(record, version, list(self.fields))
        if self.approvals:
            from xiaoguan.desk.approvals.requests import ask_for_form

            ask_for_form(record, self.approvals, self.viewer, str(self.data.get("approval_note", "")).strip())
        else:
            record.save()
        return record


def _choosable(field: forms.ModelChoiceField, viewer: Viewer, current: int | None) -> QuerySet | None:
    """What may be chosen; None where no rule says anything about it."""
    target = desk_of(field.queryset.model)
    if target is None:
        return None
    visible = target.visible(viewer, field.queryset)
    if current is not None:  # what stands there already may stay, seen or not
        visible = visible | target.model._default_manager.filter(pk=current)
    return visible


def _narrow(field: forms.Field, viewer: Viewer, current: int | None) -> None:
    """The same without a widget, for programs that send ids: nothing is asked that only a page would show."""
    if isinstance(field, forms.ModelChoiceField):
        visible = _choosable(field, viewer, current)
        if visible is not None:
            field.queryset = visible
            field.error_messages["invalid_choice"] = RelationField.default_error_messages["invalid_choice"]


def relation_field(field: forms.ModelChoiceField, viewer: Viewer, current: int | None = None) -> forms.Field:
    """The same choice among what the viewer may read: a select where there are few, a box that looks up where many."""
    visible, target = _choosable(field, viewer, current), desk_of(field.queryset.model)
    if visible is None or target is None:
        return field
    made = RelationField(
        visible,
        label=field.label,
        required=field.required,
        help_text=field.help_text,
        to_field_name="pk",
        empty_label=NONE,
    )
    few = visible.order_by()[: FEW + 1].count() <= FEW
    made.widget = forms.Select() if few else PickWidget(target, visible)
    if few:
        made.widget.choices = made.choices
    return made


def dress(form: forms.BaseForm) -> None:
    """Give every widget of a form the classes that the design system styles."""
    for field in form.fields.values():
        _dress(field.widget)


def _dress(widget: forms.Widget) -> None:
    """The classes that the design system styles, and the right keyboards."""
    if isinstance(widget, forms.CheckboxInput | forms.CheckboxSelectMultiple | forms.RadioSelect):
        kind = "form-check-input"
    elif isinstance(widget, forms.Select):
        kind = "form-select"
    else:
        kind = "form-control"
    widget.attrs.setdefault("class", kind)
    if isinstance(widget, forms.DateInput):
        widget.input_type = "date"
        widget.format = "%Y-%m-%d"
    if isinstance(widget, forms.Textarea):
        widget.attrs.setdefault("rows", 3)


def form_for(
    desk: Desk,
    viewer: Viewer,
    record: Record,
    data: Any = None,
    only: tuple[str, ...] | None = None,
    drawn: bool = True,
) -> RecordForm:
    """The declared form of a record, bound if `data` is given; `only` narrows it to some fields (a partial change).

    drawn    whether a page shows it; a program's form has no widgets to fill with choices.
    """
    names = desk.writable(viewer) if record.pk else desk.fillable(viewer)
    fields = tuple(name for name in names if only is None or name in only)
    return _form_class(desk.model, fields)(data, instance=record, viewer=viewer, drawn=drawn)


@remembered
def _form_class(model: type[models.Model], fields: tuple[str, ...]) -> type[RecordForm]:
    return modelform_factory(model, form=RecordForm, fields=list(fields), formfield_callback=_formfield)


def _formfield(field: models.Field, **kwargs: Any) -> forms.Field | None:
    if isinstance(field, models.URLField):
        kwargs["assume_scheme"] = "https"
    return field.formfield(**kwargs)

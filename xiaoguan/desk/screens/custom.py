"""Fields and kinds of records that the company adds: for administrators, in the page and over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api import answer, guarded, not_here
from xiaoguan.desk.api.views import body_of
from xiaoguan.desk.approvals.flows import ADMINISTRATOR
from xiaoguan.desk.custom import define
from xiaoguan.desk.custom.live import CustomDesk
from xiaoguan.desk.custom.models import CustomEntity, CustomField
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.forms import dress

Kind = CustomField.Kind
ICONS = {
    "text": "writing", "long": "file-text", "number": "calculator", "money": "coin", "percent": "discount",
    "date": "calendar", "bool": "circle-check", "choice": "list", "choices": "list-check", "person": "user",
    "relation": "link", "formula": "bolt",
}  # fmt: skip
PLACES = (
    ("customers", gettext_lazy("Customers")),
    ("pipeline", gettext_lazy("Pipeline")),
    ("orders", gettext_lazy("Orders & cash")),
    ("goals", gettext_lazy("Goals")),
    ("team", gettext_lazy("Team")),
    ("settings", gettext_lazy("Settings")),
)


def _opened(request: HttpRequest) -> Viewer:
    viewer = viewer_of(request)
    if not viewer.has(ADMINISTRATOR):
        raise PermissionDenied(_("Only administrators add fields."))
    return viewer


# Forms


class ChoiceLines(forms.CharField):
    """One choice a line: `value | English | 中文`; what is left out is the value itself."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(" | ".join(parts) for parts in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[list[str]]:
        lines = [line for line in str(value or "").splitlines() if line.strip()]
        return [[part.strip() for part in line.split("|")] for line in lines]


def shown_for(kind: str, own_currency: bool, new: bool) -> list[str]:
    """What is asked for a field of this kind."""
    rows = ["label_zh", "label_en", "help_zh", "help_en"] + (["name"] if new else [])
    rows += ["choices"] if kind in (Kind.CHOICE, Kind.CHOICES) else []
    rows += ["target"] if kind == Kind.RELATION and new else []
    rows += ["formula"] + (["result"] if new else []) if kind == Kind.FORMULA else []
    rows += ["currency"] if kind in (Kind.MONEY, Kind.FORMULA) and not own_currency and new else []
    rows += ["default"] if kind not in (Kind.FORMULA, Kind.PERSON, Kind.RELATION) else []
    rows += ["required"] if kind not in (Kind.FORMULA, Kind.BOOL) else []
    rows += ["unique"] if kind in (Kind.TEXT, Kind.NUMBER, Kind.DATE, Kind.PERSON, Kind.RELATION) else []
    rows += ["filtered"] if kind not in (Kind.LONG, Kind.CHOICES) else []
    rows += ["searched"] if kind in (Kind.TEXT, Kind.LONG) else []
    return [*rows, "listed", *(["row", "place"] if kind != Kind.FORMULA else [])]


class FieldForm(forms.ModelForm):
    choices = ChoiceLines(label=gettext_lazy("choices"), help_text=gettext_lazy("One a line: value | English | 中文"))

    class Meta:
        model = CustomField
        fields = define.FIELD_NAMES

    def __init__(self, *args: Any, kind: str, desk: Desk, **kwargs: Any):
        super().__init__(*args, **kwargs)
        own = any(f.name == "currency" for f in desk.model._meta.concrete_fields)
        wanted = shown_for(kind, own, self.instance.pk is None)
        self.fields = {name: self.fields[name] for name in wanted}
        if "name" in self.fields:
            self.fields["name"].required = False
            self.fields["name"].help_text = _("x_ and small letters; made of the name if left empty.")
        if "target" in self.fields:
            targets = [("", "–"), *((d.key, d.label) for d in define.extendable())]
            self.fields["target"] = forms.ChoiceField(label=_("leads to"), choices=targets)
        if "result" in self.fields:
            results = [(value, dict(Kind.choices)[value]) for value in CustomField.RESULTS]
            self.fields["result"] = forms.ChoiceField(label=_("gives"), choices=results)
        if "formula" in self.fields:
            fields = [desk.model._meta.get_field(name) for name in define.computing.readable(desk.model)]
            names = _(", ").join(f"{f.name} {f.verbose_name}" for f in fields)
            self.fields["formula"].help_text = _("It may name: %(names)s.") % {"names": names}
        dress(self)

    def _post_clean(self) -> None:
        """What is possible is said by `define`, for the page and for programs alike."""


class EntityForm(forms.ModelForm):
    place = forms.ChoiceField(label=gettext_lazy("place in the menu"), choices=PLACES)

    class Meta:
        model = CustomEntity
        fields = define.ENTITY_NAMES

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["slug"], self.fields["owned"]
        else:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = _("Small letters; made of the name if left empty.")
        dress(self)

    def _post_clean(self) -> None:
        """As in FieldForm."""


def _refused(form: forms.BaseForm, error: ValidationError) -> None:
    told = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for name, texts in told.items():
        form.add_error(name if name in form.fields else None, texts)


# Pages


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    _opened(request)
    counts: dict[str, int] = {}
    for key in CustomField.objects.filter(retired_at=None).values_list("entity", flat=True):
        counts[key] = counts.get(key, 0) + 1
    rows = [
        {
            "label": desk.label_plural,
            "icon": desk.icon,
            "count": counts.get(desk.key, 0),
            "url": reverse("fields_of", args=[desk.key]),
            "own": isinstance(desk, CustomDesk),
        }
        for desk in define.extendable()
    ]
    hidden = CustomEntity.objects.exclude(retired_at=None).order_by("pk")
    context = {"own": [r for r in rows if r["own"]], "rows": [r for r in rows if not r["own"]], "hidden": hidden}
    return render(request, "settings/fields.html", context)


def _desk(key: str) -> Desk:
    desk = desk_of(key)
    if desk is None or desk not in define.extendable():
        raise Http404
    return desk


@require_GET
def fields_page(request: HttpRequest, key: str) -> HttpResponse:
    _opened(request)
    desk = _desk(key)
    found = list(CustomField.objects.filter(entity=key).order_by("row", "place", "pk"))
    context = {
        "desk": {"label": desk.label_plural, "key": key, "url": desk.url()},
        "entity": desk.entity if isinstance(desk, CustomDesk) else None,
        "live": [_words(one) for one in found if one.retired_at is None],
        "hidden": [_words(one) for one in found if one.retired_at is not None],
        "kinds": [{"kind": value, "label": label, "icon": ICONS[value]} for value, label in Kind.choices],
    }
    return render(request, "settings/fields_of.html", context)


def _words(one: CustomField) -> dict[str, Any]:
    marks = [(one.required, _("must be filled in")), (one.unique, _("no two records may have the same"))]
    marks += [(one.filtered, _("among the filters")), (one.listed, _("a column of the list"))]
    return {
        "id": one.pk,
        "label": str(one),
        "name": one.name,
        "icon": ICONS[one.kind],
        "kind": one.get_kind_display(),
        "marks": [text for holds, text in marks if holds],
        "formula": one.formula,
        "url": reverse("field", args=[one.entity, one.pk]),
    }


@require_http_methods(["GET", "POST"])
def field_page(request: HttpRequest, key: str, pk: int | None = None) -> HttpResponse:
    """A new field of the kind in `kind`, or one that there is."""
    viewer, desk = _opened(request), _desk(key)
    one = _found(CustomField, pk, entity=key) if pk else CustomField(entity=key, row=_next_row(key))
    kind = one.kind or request.GET.get("kind", "")
    if kind not in Kind.values:
        return HttpResponseRedirect(reverse("fields_of", args=[key]))
    posted = request.POST if request.method == "POST" else None
    form = FieldForm(posted, instance=one, kind=kind, desk=desk)
    if posted is not None and form.is_valid():
        given = {n: v for n, v in form.cleaned_data.items() if not (n == "name" and not v)}
        try:
            if pk:
                define.change(_found(CustomField, pk, entity=key), viewer, given)
            else:
                one = define.field(key, viewer, {**given, "kind": kind})
        except ValidationError as error:
            _refused(form, error)
        else:
            messages.success(request, _("Saved: %(thing)s") % {"thing": one})
            return HttpResponseRedirect(reverse("fields_of", args=[key]))
    context = {
        "title": str(one) if pk else _("New field: %(kind)s") % {"kind": dict(Kind.choices)[kind]},
        "back": reverse("fields_of", args=[key]),
        "back_label": desk.label_plural,
        "form": form,
        "rows": _rows(form),
        "hide": reverse("field_do", args=[key, pk, "retire"]) if pk and one.retired_at is None else "",
    }
    return render(request, "settings/field.html", context, status=422 if posted is not None else 200)


def _next_row(key: str) -> int:
    last = CustomField.objects.filter(entity=key).order_by("-row").values_list("row", flat=True).first()
    return min((last or 0) + 1, 999)


def _rows(form: forms.BaseForm) -> list[list[Any]]:
    """Fields two and two; what is long has a row of its own, what is ticked stands together."""
    found: list[list[Any]] = []
    ticks = []
    alone = ("choices", "formula")
    for one in form:
        if isinstance(one.field, forms.BooleanField):
            ticks.append(one)
        elif one.name in alone or not found or len(found[-1]) == 2 or found[-1][0].name in alone:
            found.append([one])
        else:
            found[-1].append(one)
    return [*found, *([ticks] if ticks else [])]


def _found(model: Any, pk: int | None, **more: Any) -> Any:
    one = model.objects.filter(pk=pk, **more).first()
    if one is None:
        raise Http404
    return one


FIELD_DEEDS: dict[str, Callable[[CustomField, Viewer], None]] = {
    "retire": define.retire,
    "revive": define.revive,
    "purge": define.purge,
}
ENTITY_DEEDS: dict[str, Callable[[CustomEntity, Viewer], None]] = {
    "retire": define.retire_entity,
    "revive": define.revive_entity,
    "purge": define.purge_entity,
}


def _done() -> dict[str, str]:
    return {
        "retire": _("Hidden: %(thing)s. What it holds is kept."),
        "revive": _("It is back: %(thing)s."),
        "purge": _("Gone for good: %(thing)s."),
    }


def _do(request: HttpRequest, one: Any, deeds: dict[str, Any], name: str, viewer: Viewer) -> None:
    try:
        deeds[name](one, viewer)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _done()[name] % {"thing": one})


@require_POST
def field_do(request: HttpRequest, key: str, pk: int, name: str) -> HttpResponse:
    """retire, revive or purge a field."""
    viewer = _opened(request)
    if name not in FIELD_DEEDS:
        raise Http404
    _do(request, _found(CustomField, pk, entity=key), FIELD_DEEDS, name, viewer)
    return HttpResponseRedirect(reverse("fields_of", args=[key]))


@require_http_methods(["GET", "POST"])
def entity_page(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new kind of record, or one that there is."""
    viewer = _opened(request)
    one = _found(CustomEntity, pk) if pk else CustomEntity()
    posted = request.POST if request.method == "POST" else None
    form = EntityForm(posted, instance=one)
    if posted is not None and form.is_valid():
        given = {n: v for n, v in form.cleaned_data.items() if not (n == "slug" and not v)}
        try:
            kept = define.change_entity(_found(CustomEntity, pk), viewer, given) if pk else define.entity(viewer, given)
        except ValidationError as error:
            _refused(form, error)
        else:
            messages.success(request, _("Saved: %(thing)s") % {"thing": kept})
            return HttpResponseRedirect(reverse("fields_of", args=[kept.key]))
    context = {
        "title": str(one) if pk else _("New kind of record"),
        "back": reverse("fields"),
        "back_label": _("Fields"),
        "form": form,
        "rows": _rows(form),
        "hide": reverse("entity_do", args=[pk, "retire"]) if pk and one.retired_at is None else "",
    }
    return render(request, "settings/field.html", context, status=422 if posted is not None else 200)


@require_POST
def entity_do(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    viewer = _opened(request)
    if name not in ENTITY_DEEDS:
        raise Http404
    _do(request, _found(CustomEntity, pk), ENTITY_DEEDS, name, viewer)
    return HttpResponseRedirect(reverse("fields"))


# The API


def plain(one: CustomField | CustomEntity) -> dict[str, Any]:
    names = ("entity", *define.FIELD_NAMES) if isinstance(one, CustomField) else ("key", *define.ENTITY_NAMES)
    return {"id": one.pk, **{n: getattr(one, n) for n in names}, "hidden": one.retired_at is not None}


def _api_list(model: Any, make: Callable[[Viewer, dict[str, Any]], Any]) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return answer(plain(make(_opened(request), body_of(request))), 201)
        if request.method != "GET":
            return not_here("GET", "POST")
        rows = model.objects.order_by("pk")
        if model is CustomField and (entity := request.GET.get("entity")):
            rows = rows.filter(entity=entity)
        return answer({"items": [plain(one) for one in rows]})

    return guarded(view)


def _make_field(viewer: Viewer, data: dict[str, Any]) -> CustomField:
    entity = data.pop("entity", "")
    return define.field(entity if isinstance(entity, str) else "", viewer, data)


def _api_one(model: Any, change: Callable[[Any, Viewer, dict[str, Any]], Any]) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        one = _found(model, pk)
        if request.method == "PATCH":
            return answer(plain(change(one, _opened(request), body_of(request))))
        return answer(plain(one)) if request.method == "GET" else not_here("GET", "PATCH")

    return guarded(view)


def _api_do(model: Any, deeds: dict[str, Any]) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, pk: int, name: str) -> HttpResponse:
        if request.method != "POST":
            return not_here("POST")
        viewer, one = _opened(request), _found(model, pk)
        if name not in deeds:
            raise Http404
        told = plain(one)
        deeds[name](one, viewer)
        return answer(told | {"hidden": one.retired_at is not None})

    return guarded(view)


def urls() -> list[Any]:
    return [
        path("settings/fields", overview, name="fields"),
        path("settings/fields/<slug:key>", fields_page, name="fields_of"),
        path("settings/fields/<slug:key>/new", field_page, name="field_new"),
        path("settings/fields/<slug:key>/<int:pk>", field_page, name="field"),
        path("settings/fields/<slug:key>/<int:pk>/<slug:name>", field_do, name="field_do"),
        path("settings/entities/new", entity_page, name="entity_new"),
        path("settings/entities/<int:pk>", entity_page, name="entity"),
        path("settings/entities/<int:pk>/<slug:name>", entity_do, name="entity_do"),
        path("api/custom-fields", _api_list(CustomField, _make_field)),
        path("api/custom-fields/<int:pk>", _api_one(CustomField, define.change)),
        path("api/custom-fields/<int:pk>/<slug:name>", _api_do(CustomField, FIELD_DEEDS)),
        path("api/custom-entities", _api_list(CustomEntity, define.entity)),
        path("api/custom-entities/<int:pk>", _api_one(CustomEntity, define.change_entity)),
        path("api/custom-entities/<int:pk>/<slug:name>", _api_do(CustomEntity, ENTITY_DEEDS)),
    ]

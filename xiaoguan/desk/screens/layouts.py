"""Layouts of pages and forms by role: for administrators, in the page and over the API."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xiaoguan.desk import layouts
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api import answer, guarded, not_here
from xiaoguan.desk.api.views import body_of
from xiaoguan.desk.approvals.flows import ADMINISTRATOR
from xiaoguan.desk.custom import define
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.forms import form_for
from xiaoguan.desk.layouts import Layout, Section, Sections
from xiaoguan.desk.listing import with_query
from xiaoguan.desk.screens.details import facts


def _opened(request: HttpRequest) -> Viewer:
    viewer = viewer_of(request)
    if not viewer.has(ADMINISTRATOR):
        raise PermissionDenied(_("Only administrators arrange pages and forms."))
    return viewer


def _desk(key: Any) -> Desk:
    desk = desk_of(key) if isinstance(key, str) else None
    if desk is None or desk not in define.extendable():
        raise Http404
    return desk


@require_http_methods(["GET", "POST"])
def layout_page(request: HttpRequest, key: str) -> HttpResponse:
    """How page and form of one kind of record look for a role. POST: `do` is save, preview or reset."""
    viewer, desk = _opened(request), _desk(key)
    named, role = layouts.roles(), request.GET.get("role", "")
    if role and role not in named:
        raise Http404
    sections, trouble, deed = layouts.for_role(desk, role), "", request.POST.get("do", "save")
    if request.method == "POST":
        here = with_query(reverse("layout", args=[key]), QueryDict(), role=role or None)
        given, left = _given(request.POST)
        try:
            if deed == "reset":
                layouts.drop(desk, role)
                messages.success(request, _("It looks as before."))
                return HttpResponseRedirect(here)
            if deed == "preview":
                sections = layouts.sections_of(layouts.checked(desk, role, given))
                return render(request, "settings/_layout_preview.html", _preview(desk, viewer, sections))
            layouts.keep(desk, role, given, left)
        except ValidationError as error:
            trouble = " ".join(error.messages)
            if deed == "preview":
                return HttpResponse(trouble, status=422, content_type="text/plain; charset=utf-8")
            sections = layouts.sections_of(given)
        else:
            messages.success(request, _("Kept: pages and forms look like this from now on."))
            return HttpResponseRedirect(here)
    context = _context(desk, role, named, sections) | {"trouble": trouble}
    return render(request, "settings/layout.html", context, status=422 if trouble else 200)


def _given(sent: QueryDict) -> tuple[list[dict[str, Any]], list[str]]:
    """What the page sends in its order: "#" begins a section, "+name" stands beside the one before, after "-" comes
    what is left out."""
    labels = list(zip(sent.getlist("label_en"), sent.getlist("label_zh"), strict=False))
    sections: list[dict[str, Any]] = []
    left: list[str] = []
    for item in sent.getlist("item"):
        name = item.removeprefix("+")
        if item == "#":
            english, chinese = labels[len(sections)] if len(sections) < len(labels) else ("", "")
            sections.append({"label_en": english, "label_zh": chinese, "rows": []})
        elif item == "-" or left:
            left.append(name)
        elif sections and item != name and sections[-1]["rows"]:
            sections[-1]["rows"][-1].append(name)
        elif sections:
            sections[-1]["rows"].append([name])
    return sections, left[1:]


def _context(desk: Desk, role: str, named: dict[str, str], sections: Sections) -> dict[str, Any]:
    own, must = layouts.own_of(desk), set(layouts.needed(desk))
    placed = {name for one in sections for name in one.names}

    def words(name: str, beside: bool = False) -> dict[str, Any]:
        return {
            "name": name,
            "label": layouts.label_of(desk, name),
            "beside": beside,
            "must": name in must,
            "asked": name in desk.form_fields,
        }

    here = reverse("layout", args=[desk.key])
    choices = [("", _("everybody")), *named.items()]
    return {
        "desk": {"key": desk.key, "label": desk.label},
        "role": role,
        "role_label": dict(choices)[role],
        "roles": [
            {"label": label, "url": f"{here}?role={code}" if code else here,
             "active": code == role, "own": code in own}
            for code, label in choices
        ],
        "own": role in own,
        "sections": [
            {"label_en": s.label_en, "label_zh": s.label_zh,
             "items": [words(name, n > 0) for row in s.rows for n, name in enumerate(row)]}
            for s in (sections or (Section("", "", ()),))
        ],
        "left": [words(name) for name in layouts.items(desk) if name not in placed],
    }  # fmt: skip


def _preview(desk: Desk, viewer: Viewer, sections: Sections) -> dict[str, Any]:
    """The form, and the page of the newest record that who arranges may read, if there is one."""
    form = form_for(desk, viewer, desk.model())
    form.auto_id = "preview-%s"
    record = desk.visible(viewer).order_by("-pk").first()
    return {
        "label": desk.label,
        "form": list(layouts.form_sections(sections, form)),
        "page": facts(desk, viewer, record, sections) if record is not None else [],
        "record": desk.title(record) if record is not None else "",
    }


# The API


def plain(one: Layout) -> dict[str, Any]:
    return {"id": one.pk, **{n: getattr(one, n) for n in ("entity", "role", "sections", "left")}}


def api_layouts(request: HttpRequest) -> HttpResponse:
    """GET: all, or those of `entity`. POST: set the one of `entity` and `role`."""
    _opened(request)
    if request.method == "POST":
        data = body_of(request)
        left = data.get("left", [])
        one = layouts.keep(
            _desk(data.get("entity")), str(data.get("role") or ""), data.get("sections"),
            left if isinstance(left, list) else [],
        )  # fmt: skip
        return answer(plain(one))
    if request.method != "GET":
        return not_here("GET", "POST")
    rows = Layout.objects.order_by("entity", "role")
    if entity := request.GET.get("entity"):
        rows = rows.filter(entity=entity)
    return answer({"items": [plain(one) for one in rows]})


def api_layout(request: HttpRequest, pk: int) -> HttpResponse:
    """GET one; DELETE: as it was without it."""
    _opened(request)
    one = Layout.objects.filter(pk=pk).first()
    if one is None:
        raise Http404
    if request.method == "DELETE":
        layouts.drop(_desk(one.entity), one.role)
        return HttpResponse(status=204)
    return answer(plain(one)) if request.method == "GET" else not_here("GET", "DELETE")


def urls() -> list[Any]:
    return [
        path("settings/fields/<slug:key>/layout", layout_page, name="layout"),
        path("api/layouts", guarded(api_layouts)),
        path("api/layouts/<int:pk>", guarded(api_layout)),
    ]

"""For administrators: what somebody would see, and who may do what with each kind of record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from xiaoguan.desk import paging
from xiaoguan.desk.access import DEEDS, LEVELS, SCOPES, Rule, Viewer, level_of, role_label, scope_of, viewer_of
from xiaoguan.desk.bounds import TooMuch, within
from xiaoguan.desk.cells import MISSING, Columns
from xiaoguan.desk.desk import Desk, desk_of, desks
from xiaoguan.desk.listing import PAGE, rows_in_order, veiled, with_query
from xiaoguan.desk.screens.common import columns_words, desk_words, is_number, table
from xiaoguan.desk.screens.rows_html import shares
from xiaoguan.desk.screens.takeback import undo_url
from xiaoguan.people.chart import viewer_of_person
from xiaoguan.people.models import FieldLevel, Grant, Person, Role

COUNTED, SECONDS = 10_000, 0.5


def _administrator(request: HttpRequest) -> Viewer:
    viewer, grants = viewer_of(request), desk_of(Grant)
    if grants is None or grants.write.never(viewer):
        raise PermissionDenied(_("Only administrators see this."))
    return viewer


# What would somebody see


@require_GET
def sees(request: HttpRequest) -> HttpResponse:
    """Per kind of record: how far somebody sees and may go, how many records that is, which fields are limited."""
    asking = _administrator(request)
    people = Person.objects.filter(left_on__isnull=True).order_by("name", "pk")
    person = _asked_person(request)
    viewer = viewer_of_person(person, timezone.localdate()) if person else None
    context = {
        "people": [{"id": p.pk, "name": p.name, "url": f"?person={p.pk}"} for p in people[:1_000]],
        "person": person,
        "roles": [str(role_label(code)) for code in sorted(viewer.roles)] if viewer else [],
        "deputy_of": list(Person.objects.filter(pk__in=viewer.deputy_of).values_list("name", flat=True))
        if viewer
        else [],
        "rows": [_seen(d, viewer, asking) for d in sorted(desks(), key=lambda desk: desk.rank)] if viewer else [],
    }
    return render(request, "people/sees.html", context)


def _asked_person(request: HttpRequest) -> Person | None:
    asked = request.GET.get("person", "")
    return Person.objects.filter(left_on__isnull=True, pk=int(asked)).first() if is_number(asked) else None


@require_GET
def seen_records(request: HttpRequest) -> HttpResponse:
    """The records of one kind that somebody sees and who asks sees as well; how many more there are is a number."""
    asking, person, desk = _administrator(request), _asked_person(request), desk_of(request.GET.get("of", ""))
    if person is None or desk is None or not desk.may_open(asking):
        raise Http404
    theirs = viewer_of_person(person, timezone.localdate())
    both = desk.visible(asking, desk.visible(theirs))
    columns = Columns.seen(desk, asking, desk.column_paths)
    try:
        with within(SECONDS):
            ids, after = paging.page_ids(both, desk.sorting(), PAGE, request.GET.get("cursor", ""))
    except ValueError as error:
        raise Http404 from error
    rows = table(desk, veiled(desk, asking, columns, rows_in_order(desk, ids, columns.names)), columns)
    all_of, shared = _count(desk.visible(theirs)), _count(both)
    known = all_of is not None and shared is not None and all_of <= COUNTED
    context = {
        "person": person,
        "desk": desk_words(desk, asking),
        "columns": columns_words(columns),
        "rows": rows,
        "shares": shares(rows),
        "number": _told(all_of),
        "shown": _told(shared),
        "beyond": all_of - shared if known and all_of is not None and shared is not None else None,
        "next_url": with_query(request.path, request.GET, cursor=after) if after else None,
    }
    return render(request, "people/sees_records.html", context)


def _seen(desk: Desk, viewer: Viewer, asking: Viewer) -> dict[str, Any]:
    limits = {
        str(desk.model._meta.get_field(n).verbose_name): str(LEVELS[lv]) for n, lv in desk.restricted(viewer).items()
    }
    return {
        "label": desk.label_plural,
        "icon": desk.icon,
        "read": _reach(desk.read, viewer),
        "number": (number := _number(desk, viewer)),
        "url": f"{reverse('sees_records')}?person={viewer.person_id}&of={desk.key}"
        if number != "0" and desk.may_open(asking)
        else "",
        "deeds": [
            {"label": label, "reach": _reach(rule, viewer)}
            for label, rule in (
                (_("change"), desk.write),
                (_("create"), desk.create or desk.write),
                (_("delete"), desk.delete or desk.write),
                (_("export"), desk.export or desk.read),
            )
            if (desk.form or rule is desk.export) and not rule.never(viewer)
        ],
        "limits": limits,
    }


def _reach(rule: Rule, viewer: Viewer) -> str:
    """How far a rule goes for somebody, in words."""
    if rule.always(viewer):
        return str(SCOPES["all"])
    if rule.never(viewer):
        return str(SCOPES["none"])
    live = [part for part in _parts(rule, viewer) if not part.never(viewer)]
    return str(_("; ").join(dict.fromkeys(str(part.words()) for part in live)))


def _parts(rule: Rule, viewer: Viewer) -> tuple[Rule, ...]:
    now = rule.now(viewer) if hasattr(rule, "now") else rule
    return getattr(now, "rules", (now,))


def _number(desk: Desk, viewer: Viewer) -> str:
    return "0" if desk.read.never(viewer) else _told(_count(desk.visible(viewer)))


def _count(rows: QuerySet) -> int | None:
    """How many, up to one more than COUNTED; None where that cannot be said in time."""
    try:
        with within(SECONDS):
            return rows.order_by()[: COUNTED + 1].count()
    except TooMuch:
        return None


def _told(number: int | None) -> str:
    return MISSING if number is None else f"{number:,}" if number <= COUNTED else f"{COUNTED:,}+"


# Who may do what


@require_http_methods(["GET", "POST"])
def rights(request: HttpRequest) -> HttpResponse:
    """The matrix of one kind of record: role by deed, and role by field. What is not set is as declared."""
    _administrator(request)
    kinds = sorted((d for d in desks() if d.model not in (Grant, FieldLevel)), key=lambda desk: desk.rank)
    chosen = next((d for d in kinds if d.key == request.GET.get("entity", kinds[0].key)), None)
    if chosen is None:
        raise Http404
    roles = list(Role.objects.order_by("pk"))
    if request.method == "POST":
        number = _save(chosen, roles, request.POST)
        text = ngettext("%(n)d permission changed.", "%(n)d permissions changed.", number) % {"n": number}
        messages.success(request, text, extra_tags=f"undo:{undo_url()}" if number else "")
        return HttpResponseRedirect(f"{reverse('rights')}?entity={chosen.key}")
    return render(request, "people/rights.html", _matrix(chosen, roles, kinds))


def _deeds(desk: Desk) -> dict[str, tuple[str, Rule]]:
    """{deed: (words, the declared rule)}."""
    words = {
        "read": _("read"),
        "write": _("change"),
        "create": _("create"),
        "delete": _("delete"),
        "export": _("export"),
    }
    found = {deed: (words[deed], getattr(desk, deed)) for deed in DEEDS if desk.form or deed in ("read", "export")}
    for verb in (v() for v in desk.verbs):
        found[f"verb:{verb.name}"] = (str(verb.label), verb.rule(desk.write))
    return found


def _fields(desk: Desk) -> dict[str, str]:
    """{field: words} of what may be limited."""
    names = [f.name for f in desk.model._meta.concrete_fields if f.name not in desk.model.BOOKKEEPING]
    return {name: str(desk.model._meta.get_field(name).verbose_name) for name in names}


def _matrix(desk: Desk, roles: list[Role], kinds: list[Desk]) -> dict[str, Any]:
    granted = {(g.role_id, g.deed): g.scope for g in Grant.objects.filter(entity=desk.key)}
    levels = {(f.role_id, f.field): f.level for f in FieldLevel.objects.filter(entity=desk.key)}
    usual = _("as declared")

    def deed_cell(role: Role, deed: str, rule: Rule) -> dict[str, str]:
        scope = scope_of(rule, role.code)
        return {**_cell("g", role, deed, granted), "usual": _usual(SCOPES.get(scope, usual))}

    def field_cell(role: Role, name: str) -> dict[str, str]:
        level = level_of(Viewer(roles=frozenset({role.code})), desk.key, name, desk.limits.get(name))
        return {**_cell("f", role, name, levels), "usual": _usual(LEVELS[level])}

    return {
        "kinds": [{"label": d.label_plural, "url": f"?entity={d.key}", "active": d is desk} for d in kinds],
        "desk": desk,
        "roles": [{"id": r.pk, "name": str(role_label(r.code))} for r in roles],
        "scopes": [("", usual), *((k, str(v)) for k, v in SCOPES.items())],
        "levels": [("", usual), *((k, str(v)) for k, v in LEVELS.items())],
        "deeds": [
            {"label": label, "rule": str(rule.words()), "cells": [deed_cell(r, deed, rule) for r in roles]}
            for deed, (label, rule) in _deeds(desk).items()
        ],
        "fields": [
            {
                "label": label,
                "title": name == desk.title_field,
                "cells": [field_cell(r, name) for r in roles],
            }
            for name, label in _fields(desk).items()
        ],
    }


def _usual(words: Any) -> str:
    """What results where nothing is set."""
    return _("%(scope)s (usual)") % {"scope": words}


def _cell(kind: str, role: Role, what: str, given: dict[tuple[int, str], str]) -> dict[str, str]:
    return {"name": f"{kind}:{role.pk}:{what}", "value": given.get((role.pk, what), "")}


def _save(desk: Desk, roles: list[Role], data: Any) -> int:
    """Keep what differs from what is set; how much that was."""
    number = 0
    for model, what, given in _sent(desk, roles, data):
        stored = model.objects.filter(**what).first()
        name = "scope" if model is Grant else "level"
        if given == "" and stored:
            stored.delete()
        elif given and stored and getattr(stored, name) != given:
            setattr(stored, name, given)
            stored.full_clean()
            stored.save()
        elif given and not stored:
            made = model(**what, **{name: given})
            made.full_clean()
            made.save()
        else:
            continue
        number += 1
    return number


def _sent(desk: Desk, roles: list[Role], data: Any) -> Iterator[tuple[Any, dict[str, Any], str]]:
    """(model, what it speaks of, the value) of every choice that was sent and is possible."""
    for role in roles:
        for model, kind, name, known, choices in (
            (Grant, "g", "deed", _deeds(desk), SCOPES),
            (FieldLevel, "f", "field", _fields(desk), LEVELS),
        ):
            for each in known:
                given = data.get(f"{kind}:{role.pk}:{each}")
                if given is not None and (given == "" or given in choices):
                    yield model, {"role": role, "entity": desk.key, name: each}, given


def urls() -> list[Any]:
    return [
        path("settings/sees", sees, name="sees"),
        path("settings/sees/records", seen_records, name="sees_records"),
        path("settings/rights", rights, name="rights"),
    ]

"""Published policies: the document to read, its history, what changed for whom, and who has signed."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.cells import day_text
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.listing import with_query
from xiaoguan.people.chart import roles_of
from xiaoguan.policy import explain_text
from xiaoguan.rulebook.lines import spoken
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import document_of, examine, in_force, versions
from xiaoguan.rulebook.workshop import publishing
from xiaoguan.rulebook.workshop.differing import KINDS, TOUCHES, ClauseChange, clause_changes
from xiaoguan.rulebook.workshop.models import PolicyDraft, PolicySignature
from xiaoguan.rulebook.workshop.pages import compared
from xiaoguan.rulebook.workshop.words import chapter, prose_language


@require_GET
def policy_page(request: HttpRequest) -> HttpResponse:
    """The policy in force as a document to read."""
    rows = list(versions())
    chosen = next((v for v in rows if str(v.pk) == request.GET.get("version", "")), None)
    version = chosen or next(iter(in_force()), rows[0] if rows else None)
    if version is None:
        desk = desk_of(PolicyDraft)
        assert desk is not None
        new_url = reverse("policy_start") if desk.may_create(viewer_of(request)) else ""
        return render(request, "policy/show.html", {"policy": None, "new_url": new_url})
    return _document(request, version, rows)


@require_GET
def version_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One version as a document, with how it came into force."""
    return _document(request, _version(pk), list(versions()))


def _version(pk: int) -> PolicyVersion:
    found = PolicyVersion.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _document(request: HttpRequest, version: PolicyVersion, rows: list[PolicyVersion]) -> HttpResponse:
    viewer, policy = viewer_of(request), document_of(version)
    _policy, issues = examine(version.text)
    mine = PolicySignature.objects.filter(version=version, person_id=viewer.person_id).first()
    drafts_ = desk_of(PolicyDraft)
    assert drafts_ is not None
    context = {
        "policy": {
            "id": version.pk,
            "name": version.name,
            "version": version.number,
            "status": _status(version),
            "tone": _tone(version),
            "effective": {"start": version.effective_from, "end": version.effective_to},
            "owner": policy.header.owner,
            "note": policy.header.change_note,
            "hash": version.digest[:12],
        },
        **clauses_of(version),
        "source": version.text.splitlines(),
        "issues": [
            {"level": i.level, "message": spoken(i.message), "hint": spoken(i.hint), "line": i.line} for i in issues
        ],
        "versions": [_row(v, version) for v in rows],
        "history": _history(version, rows),
        "publication": getattr(version, "publication", None),
        "signature": mine,
        "sign_url": reverse("policy_sign", args=[version.pk]),
        "signatures": signatures_of(version, viewer),
        "change_url": reverse("policy_start") if drafts_.may_create(viewer) else "",
        "to_sign": [
            {"title": str(r.version), "url": reverse("policy_sign", args=[r.version_id])}
            for r in publishing.waiting_for(viewer)
        ],
    }
    return render(request, "policy/show.html", context)


def clauses_of(version: PolicyVersion) -> dict[str, Any]:
    """The document in plain language, chapter by chapter, with its contents."""
    shown: list[dict[str, Any]] = []
    contents: list[dict[str, str]] = []
    said = [clause for clause in explain_text(document_of(version), prose_language()) if clause.text]
    for number, clause in enumerate(said, 1):
        item = {
            "id": f"c{number}",
            "path": clause.path,
            "line": clause.line,
            "title": clause.title,
            "text": clause.text,
        }
        label = chapter(clause.path)
        if not contents or contents[-1]["label"] != label:
            contents.append({"id": item["id"], "label": label})
            item["heading"] = label
        shown.append(item)
    return {"clauses": shown, "contents": contents}


def _row(version: PolicyVersion, chosen: PolicyVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "label": str(version),
        "number": version.number,
        "url": reverse("policy_version", args=[version.pk]),
        "effective": {"start": version.effective_from, "end": version.effective_to},
        "status": _status(version),
        "active": version == chosen,
    }


def _history(version: PolicyVersion, rows: list[PolicyVersion]) -> list[dict[str, Any]]:
    """The versions of the same policy, each with a link to what it changed."""
    found = []
    same = [v for v in rows if v.policy_id == version.policy_id]
    for one, before in zip(same, [*same[1:], None], strict=True):
        query = {"before": str(before.pk), "after": str(one.pk)} if before else {}
        url = with_query(reverse("policy_compare"), query) if before else ""
        found.append({**_row(one, version), "changes_url": url, "by": str(one.adopted_by or ""), "at": one.adopted_at})
    return found


def _status(version: PolicyVersion, today: date | None = None) -> str:
    today = today or timezone.localdate()
    if version.effective_from > today:
        return _("comes into force")
    if version.effective_to and version.effective_to <= today:
        return _("no longer in force")
    return _("in force")


def _tone(version: PolicyVersion) -> str:
    today = timezone.localdate()
    if version.effective_from > today:
        return "blue"
    return "gray" if version.effective_to and version.effective_to <= today else "green"


# What changed between two versions


@require_GET
def compare_page(request: HttpRequest) -> HttpResponse:
    """What changes between any two versions."""
    rows = list(versions())
    by_id = {str(v.pk): v for v in rows}
    after = by_id.get(request.GET.get("after", "")) or next(iter(in_force()), rows[0] if rows else None)
    if after is None:
        raise Http404
    older = [v for v in rows if v.policy_id == after.policy_id and v.effective_from < after.effective_from]
    before = by_id.get(request.GET.get("before", "")) or (older[0] if older else None)
    context = {
        "choices": [{"value": v.pk, "label": f"{v} · {day_text(v.effective_from)}"} for v in rows],
        "chosen": {"before": before.pk if before else None, "after": after.pk},
        "here": reverse("policy_compare"),
        "after": str(after),
        **compared(before, document_of(after), after.text),
    }
    return render(request, "policy/compare.html", context)


# Reading and signing


@require_http_methods(["GET", "POST"])
def sign_page(request: HttpRequest, pk: int) -> HttpResponse:
    """What changed for the reader, and the signature."""
    viewer, version = viewer_of(request), _version(pk)
    if request.method == "POST":
        publishing.sign(version, viewer)
        messages.success(request, _("Signed: %(thing)s") % {"thing": version})
        return HttpResponseRedirect(reverse("policy_sign", args=[pk]))
    row = PolicySignature.objects.filter(version=version, person_id=viewer.person_id).first()
    publication = getattr(version, "publication", None)
    previous = publication.previous if publication else None
    mine, others = changes_for(viewer, version, previous)
    context = {
        "policy": {"name": str(version), "effective": {"start": version.effective_from, "end": version.effective_to},
                   "url": reverse("policy_version", args=[pk]), "note": document_of(version).header.change_note},
        "previous": str(previous) if previous else "",
        "mine": mine,
        "others": others,
        "kinds": KINDS,
        "touches": TOUCHES,
        "signature": row,
        "document": clauses_of(version) if previous is None else None,
    }  # fmt: skip
    return render(request, "policy/sign.html", context)


def changes_for(
    viewer: Viewer, version: PolicyVersion, previous: PolicyVersion | None
) -> tuple[list[ClauseChange], list[ClauseChange]]:
    """What changes for this person, by the roles they hold when it comes into force, and what changes for others."""
    if previous is None:
        return [], []
    day = max(version.effective_from, timezone.localdate())
    roles = roles_of(viewer.person_id, day) if viewer.person_id else frozenset()
    found = clause_changes(document_of(previous), document_of(version))
    mine = [one for one in found if not one.roles or one.roles & roles]
    return mine, [one for one in found if one not in mine]


def signatures_of(version: PolicyVersion, viewer: Viewer) -> dict[str, Any] | None:
    """Who has signed, as far as the viewer may see it; None where that is nobody but themselves."""
    desk = desk_of(PolicySignature)
    assert desk is not None
    rows = list(desk.visible(viewer).filter(version=version).select_related("person").order_by("person__name"))
    if not any(row.person_id != viewer.person_id for row in rows):
        return None
    done = [row for row in rows if row.signed_at]
    return {
        "signed": [{"name": row.person.name, "at": row.signed_at} for row in done],
        "waiting": [{"name": row.person.name, "at": row.asked_at} for row in rows if not row.signed_at],
        "remind_url": reverse("policy_remind", args=[version.pk]) if len(done) < len(rows) else "",
        "list_url": with_query(desk.url(), {"version": str(version.pk)}),
    }


@require_POST
def remind(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell those again who have not signed yet."""
    viewer, version = viewer_of(request), _version(pk)
    if not viewer.reports and not viewer.has(*publishing.OFFICE):
        raise PermissionDenied(_("Managers and the office remind."))
    told = publishing.remind(version, viewer)
    messages.success(request, ngettext("%(n)d person was reminded.", "%(n)d people were reminded.", told) % {"n": told})
    return HttpResponseRedirect(reverse("policy_version", args=[pk]))


def urls() -> list[Any]:
    return [
        path("policy/", policy_page, name="policy"),
        path("policy/compare", compare_page, name="policy_compare"),
        path("policy/sign/<int:pk>", sign_page, name="policy_sign"),
        path("policy-versions/<int:pk>", version_page, name="policy_version"),
        path("policy-versions/<int:pk>/remind", remind, name="policy_remind"),
    ]

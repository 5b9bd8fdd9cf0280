"""The workshop in the page: begin a draft, edit it, see what changes, try it on the past, publish it."""

from __future__ import annotations

from typing import Any

import orjson
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.approvals.models import ApprovalRequest
from xiaoguan.desk.cells import change_text, day_text, money_text
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.jobs import Job
from xiaoguan.desk.listing import with_query
from xiaoguan.desk.screens.jobs import words as job_words
from xiaoguan.policy import load_text
from xiaoguan.rulebook.lines import line_words, names_of, spoken, version_words
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import document_of, in_force
from xiaoguan.rulebook.workshop import charts, drafts, fields, publishing, trying
from xiaoguan.rulebook.workshop.api import found, version_of
from xiaoguan.rulebook.workshop.differing import KINDS, TOUCHES, clause_changes, line_changes
from xiaoguan.rulebook.workshop.models import PolicyBacktest, PolicyDraft
from xiaoguan.rulebook.workshop.words import name_word

State = PolicyDraft.State


def _desk() -> Desk:
    desk = desk_of(PolicyDraft)
    assert desk is not None
    return desk


def _address(draft: PolicyDraft, page: str = "policy_draft", **more: Any) -> str:
    return reverse(page, kwargs={"pk": draft.pk, **more})


# Beginning


@require_http_methods(["GET", "POST"])
def start_page(request: HttpRequest) -> HttpResponse:
    """Choose what a draft begins from."""
    viewer, desk = viewer_of(request), _desk()
    if not desk.may_create(viewer):
        raise PermissionDenied(_("You may not create this: %(who)s may.") % {"who": desk.write.words()})
    refused = ""
    if request.method == "POST":
        try:
            draft = drafts.begin(viewer, request.POST.get("source", ""), request.POST.get("title", ""))
            return HttpResponseRedirect(_address(draft))
        except ValidationError as error:
            refused = " ".join(error.messages)
    context = {
        "refused": refused,
        "crumb": desk.url(),
        "versions": [{"value": f"version:{v.pk}", "name": str(v), "from": v.effective_from} for v in in_force()],
        "presets": [{"value": f"preset:{p.key}", "name": p.name, "key": p.key} for p in drafts.presets()],
    }
    return render(request, "policy/start.html", context, status=422 if refused else 200)


# The editor


@require_GET
def editor_page(request: HttpRequest, pk: int) -> HttpResponse:
    viewer, draft = found(request, pk)
    desk = _desk()
    may_write = desk.may_write(viewer, draft)
    state = drafts.checked(draft)
    context = {
        **_head(draft, viewer),
        "may_edit": may_write and draft.is_open,
        "state": state,
        "state_json": orjson.dumps(state).decode(),
        "text": draft.text,
        "cases": draft.cases,
        "groups": fields.form_of(draft.text),
        "keep_url": _address(draft, "policy_draft_keep"),
        "form_url": _address(draft, "policy_draft_form"),
        "set_url": _address(draft, "policy_draft_set"),
        "cases_url": _address(draft, "policy_draft_cases"),
        "warnings": sum(one["level"] == "warning" for one in state["issues"]),
        "errors": sum(one["level"] == "error" for one in state["issues"]),
    }
    return render(request, "policy/editor.html", context)


def _head(draft: PolicyDraft, viewer: Viewer) -> dict[str, Any]:
    """What stands above every page of a draft: its title, its state and what can be done with it."""
    desk = _desk()
    request = (
        ApprovalRequest.objects.filter(entity=desk.key, record_id=draft.pk).order_by("-pk").first()
        if draft.state in (State.SUBMITTED, State.APPROVED)
        else None
    )
    deeds = [_deed(draft, v) for v in (cls() for cls in desk.verbs) if v.may(viewer, draft, desk.write)]
    tests = PolicyBacktest.objects.filter(draft=draft).count()
    return {
        "draft": {
            "id": draft.pk,
            "title": draft.title,
            "state": draft.state,
            "state_label": draft.get_state_display(),
            "tone": PolicyDraft.TONES["state"].get(draft.state, ""),
            "version": draft.version,
            "number": draft.number,
            "effective_from": draft.effective_from,
            "owner": draft.owner.name,
            "base": str(draft.base) if draft.base else "",
            "published_url": reverse("policy_version", args=[draft.published_as_id]) if draft.published_as_id else "",
            "rename_url": desk.url("edit", pk=draft.pk) if desk.may_write(viewer, draft) else "",
        },
        "deeds": deeds,
        "approval_url": reverse("approval", args=[request.pk]) if request else "",
        "crumb": desk.url(),
        "tabs": [
            {"label": _("Edit"), "url": _address(draft), "key": "edit"},
            {"label": _("What changes"), "url": _address(draft, "policy_draft_diff"), "key": "diff"},
            {"label": _("Back-test"), "url": _address(draft, "policy_backtests"), "key": "test", "count": tests or ""},
        ],
    }


def _deed(draft: PolicyDraft, verb: Any) -> dict[str, Any]:
    own_page = verb.name == "publish"
    url = _address(draft, "policy_draft_publish") if own_page else _desk().url("verb", pk=draft.pk, name=verb.name)
    return {"name": verb.name, "label": verb.label, "icon": verb.icon, "tone": verb.tone, "url": url}


@require_POST
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what was typed. A script gets the findings as JSON, a plain form goes back to the page."""
    viewer, draft = found(request, pk)
    scripted = "application/json" in request.headers.get("Accept", "")
    version = request.POST.get("version", "")
    try:
        kept = drafts.keep(
            draft.pk,
            viewer,
            int(version) if version.isdecimal() else None,
            request.POST.get("text"),
            request.POST.get("cases"),
        )
    except (ValidationError, PermissionDenied, drafts.Changed) as error:
        return _refused(request, draft, error, scripted)
    if scripted:
        return _json(drafts.checked(kept))
    messages.success(request, _("Saved: %(thing)s") % {"thing": kept})
    return HttpResponseRedirect(_address(draft))


def _refused(request: HttpRequest, draft: PolicyDraft, error: Exception, scripted: bool = True) -> HttpResponse:
    text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    if not scripted:
        messages.error(request, text)
        return HttpResponseRedirect(_address(draft))
    if isinstance(error, drafts.Changed):
        now = error.record
        told = {"version": now.version, "text": now.text, "cases": now.cases}
        return _json({"error": text, "theirs": told}, 409)
    return _json({"error": text}, 403 if isinstance(error, PermissionDenied) else 422)


def _json(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), status=status, content_type="application/json")


@require_GET
def form_part(request: HttpRequest, pk: int) -> HttpResponse:
    """The numbers of the document as a form, for the pane beside the text."""
    viewer, draft = found(request, pk)
    may_edit = _desk().may_write(viewer, draft) and draft.is_open
    context = {"groups": fields.form_of(draft.text), "may_edit": may_edit, "draft": {"id": draft.pk}}
    return render(request, "policy/_form.html", context)


@require_POST
def set_value(request: HttpRequest, pk: int) -> HttpResponse:
    """Write one value of the form, or add or remove a row of a table; the answer has the whole text."""
    viewer, draft = found(request, pk)
    where, deed = request.POST.get("path", ""), request.POST.get("deed", "set")
    version = request.POST.get("version", "")
    try:
        drafts.may_edit(draft, viewer)
        if deed == "add":
            text = fields.add_row(draft.text, where)
        elif deed == "remove":
            text = fields.remove_row(draft.text, where)
        else:
            text = fields.put(draft.text, where, request.POST.get("value", ""))
        kept = drafts.keep(draft.pk, viewer, int(version) if version.isdecimal() else None, text)
    except (ValidationError, PermissionDenied, drafts.Changed) as error:
        return _refused(request, draft, error)
    one = fields.input_at(kept.text, where)
    return _json({**drafts.checked(kept), "text": kept.text, "line": one.line if one else 0})


@require_GET
def cases_part(request: HttpRequest, pk: int) -> HttpResponse:
    """The cases, run now: green or red."""
    _viewer, draft = found(request, pk)
    results = [drafts.case_words(one) for one in drafts.run_cases_of(draft)]
    context = {"results": results, "failed": sum(not one["passed"] for one in results)}
    response = render(request, "policy/_cases.html", context)
    response["X-Failed"], response["X-Cases"] = str(context["failed"]), str(len(results))
    return response


# What changes


@require_GET
def diff_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft beside a version: clause by clause, then line by line."""
    viewer, draft = found(request, pk)
    before = version_of(request.GET.get("before", ""), draft)
    after, _issues = load_text(draft.text)
    context = {
        **_head(draft, viewer),
        "tab": "diff",
        "here": _address(draft, "policy_draft_diff"),
        "choices": _choices(before),
        **compared(before, after, draft.text),
    }
    return render(request, "policy/diff.html", context)


def compared(before: PolicyVersion | None, after: Any, text: str) -> dict[str, Any]:
    """The two documents for the page; `after` None cannot be read yet."""
    old = document_of(before) if before else None
    clauses = clause_changes(old, after) if after is not None else []
    changes = [change for clause in clauses for change in clause.changes]
    return {
        "before": str(before) if before else "",
        "readable": after is not None,
        "clauses": clauses,
        "kinds": KINDS,
        "touches": TOUCHES,
        "touched": [(TOUCHES[name], sum(c["touches"] == name for c in changes)) for name in TOUCHES],
        "lines": line_changes(before.text, text) if before else [],
    }


def _choices(chosen: PolicyVersion | None) -> list[dict[str, Any]]:
    rows = PolicyVersion.objects.order_by("-effective_from", "-id")[:100]
    return [{"value": v.pk, "label": f"{v} · {day_text(v.effective_from)}", "active": v == chosen} for v in rows]


# The back-test


@require_http_methods(["GET", "POST"])
def backtests_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The back-tests of a draft, and the form for the next one."""
    viewer, draft = found(request, pk)
    if request.method == "POST":
        try:
            before = version_of(request.POST.get("before", ""), draft)
            row = trying.ask(draft, viewer, before, request.POST.get("first", ""), request.POST.get("last", ""))
            return HttpResponseRedirect(_address(draft, "policy_backtest", test=row.pk))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return HttpResponseRedirect(_address(draft, "policy_backtests"))
    policy, _issues = load_text(draft.text)
    kinds = trying.periods_back(policy) if policy is not None else {}
    rows = PolicyBacktest.objects.filter(draft=draft).select_related("before", "draft").order_by("-pk")[:20]
    context = {
        **_head(draft, viewer),
        "tab": "test",
        "readable": policy is not None,
        "kinds": [{"label": name_word(kind), "periods": [p.label for p in found_]} for kind, found_ in kinds.items()],
        "first": _first(kinds),
        "last": kinds["month"][1].label if len(kinds.get("month", ())) > 1 else "",
        "choices": _choices(draft.base or PolicyVersion.objects.filter(policy_id=draft.policy_key).first()),
        "rows": [_test_row(row) for row in rows],
    }
    return render(request, "policy/backtests.html", context)


def _first(kinds: dict[str, Any]) -> str:
    months = kinds.get("month", ())
    return months[min(6, len(months) - 1)].label if months else ""


def _test_row(row: PolicyBacktest) -> dict[str, Any]:
    job = Job.objects.filter(pk=row.job_id).first()
    shown = trying.Shown(row.result) if row.result else None
    return {
        "url": reverse("policy_backtest", args=[row.draft_id, row.pk]),
        "label": f"{row.first} – {row.last}",
        "before": str(row.before),
        "at": row.asked_at,
        "stale": row.stale,
        "job": job_words(job) if job and not row.result else None,
        "total": [money_text(v, shown.currency) for v in shown.totals] if shown else None,
        "change": change_text(shown.totals[1] - shown.totals[0], shown.currency) if shown else "",
    }


def _test(request: HttpRequest, pk: int, test: int) -> tuple[Viewer, PolicyDraft, PolicyBacktest]:
    viewer, draft = found(request, pk)
    row = PolicyBacktest.objects.filter(draft=draft, pk=test).select_related("before", "draft").first()
    if row is None:
        raise Http404
    return viewer, draft, row


@require_GET
def backtest_page(request: HttpRequest, pk: int, test: int) -> HttpResponse:
    """One back-test: what it comes to, who gains and loses, where pay jumps, what is missing. Its job while it runs."""
    viewer, draft, row = _test(request, pk, test)
    context: dict[str, Any] = {**_head(draft, viewer), "tab": "test", "test": _test_row(row)}
    if row.result:
        context |= _result(row, viewer)
    return render(request, "policy/backtest.html", context)


def _result(row: PolicyBacktest, viewer: Viewer) -> dict[str, Any]:
    shown = trying.Shown(row.result, viewer)

    def money(value: int) -> str:
        return money_text(value, shown.currency)

    before, after = shown.totals
    policy, _issues = load_text(row.text)
    names = names_of(policy) | {c.id: c.name or c.id for _p, c in policy.components()} if policy else {}
    people = [
        {
            "name": name,
            "url": reverse("policy_backtest_person", args=[row.draft_id, row.pk, key]),
            "before": money(b),
            "after": money(a),
            "change": change_text(a - b, shown.currency),
            "tone": "green" if a > b else "red" if a < b else "",
        }
        for key, name, b, a in shown.people()
    ]
    gains = sum(1 for *_x, b, a in shown.people() if a > b)
    losses = sum(1 for *_x, b, a in shown.people() if a < b)
    return {
        "shown": {side: version_words(row.result[side]) for side in ("before", "after")},
        "totals": {
            "before": money(before),
            "after": money(after),
            "change": change_text(after - before, shown.currency),
            "up": after > before,
        },
        "share": (after - before) / before if before else None,
        "cost": shown.cost_of_sales,
        "gains": gains,
        "losses": losses,
        "same": len(people) - gains - losses,
        "people": people,
        "person_chart": charts.by_person(shown),
        "period_chart": charts.by_period(shown),
        "jumps": [{"component": names.get(c, c), "bound": b, "pays": money(p)} for c, b, p in row.result["jumps"]],
        "missing": [{"name": names.get(name, name), "times": times} for name, times in shown.missing()],
        "goals": [(names.get(goal, goal), before, after) for goal, before, after in shown.goals()],
        "fired": [
            {**one.data, "unknown": spoken(one.data["unknown"], names), "people": one.by_person(), "rows": one.rows()}
            for one in shown.warnings()
        ],
        "file_url": reverse("policy_backtest_file", args=[row.draft_id, row.pk]),
    }


@require_GET
def backtest_file(request: HttpRequest, pk: int, test: int) -> HttpResponse:
    """The back-test as a spreadsheet."""
    viewer, _draft, row = _test(request, pk, test)
    if not row.result:
        raise Http404
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = HttpResponse(trying.workbook(row, viewer), content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="back-test-{row.first}-{row.last}.xlsx"'
    return response


@require_GET
def person_page(request: HttpRequest, pk: int, test: int, key: str) -> HttpResponse:
    """Both statements of one person side by side, period by period."""
    viewer, draft, row = _test(request, pk, test)
    shown = trying.Shown(row.result) if row.result else None
    rows = shown.of_person(key) if shown else []
    if shown is None or not rows:
        raise Http404
    changed = max(rows, key=lambda one: abs(one[2] - one[1]))
    label = request.GET.get("period") or changed[0]
    sides = trying.statements(row, key, label)
    if sides is None:
        raise Http404
    here = reverse("policy_backtest_person", args=[pk, test, key])
    policies = [document_of(row.before), load_text(row.text)[0]]
    context = {
        **_head(draft, viewer),
        "tab": "test",
        "test": _test_row(row),
        "person": shown.name(key),
        "label": label,
        "periods": [
            {
                "label": one,
                "url": with_query(here, {"period": one}),
                "before": money_text(b, shown.currency),
                "after": money_text(a, shown.currency),
                "change": change_text(a - b, shown.currency),
                "tone": "green" if a > b else "red" if a < b else "",
                "active": one == label,
            }
            for one, b, a in rows
        ],
        "sides": [
            {
                "title": version_words(policy.clause),
                "word": word,
                "total": money_text(made.total.units, made.total.currency),
                "lines": [line_words(line, names_of(policy)) for line in made.lines],
                "issues": [spoken(issue.message, names_of(policy)) for issue in made.issues],
            }
            for policy, made, word in zip(
                policies, sides[1:], (pgettext("policy", "Before"), pgettext("policy", "After")), strict=True
            )
            if policy is not None
        ],
    }
    return render(request, "policy/person.html", context)


# Publishing


@require_http_methods(["GET", "POST"])
def publish_page(request: HttpRequest, pk: int) -> HttpResponse:
    """What is published, from when, and what must be acknowledged before."""
    viewer, draft = found(request, pk)
    desk = _desk()
    verb = desk.verb("publish")
    assert verb is not None
    if not verb.may(viewer, draft, desk.write):
        raise PermissionDenied(_("Only an approved draft can be published, by %(who)s.") % {"who": desk.write.words()})
    refused: list[str] = []
    if request.method == "POST":
        ids = ",".join(request.POST.getlist("acknowledged"))
        data = {"effective_from": request.POST.get("effective_from", ""), "acknowledged": ids}
        try:
            version = verb.run(draft, viewer, data, desk.write)
        except ValidationError as error:
            refused = error.messages
        else:
            messages.success(request, _("Published: %(thing)s") % {"thing": version})
            return HttpResponseRedirect(reverse("policy_version", args=[version.pk]))
    after, _issues = load_text(draft.text)
    clauses = clause_changes(document_of(draft.base) if draft.base else None, after) if after else []
    context = {
        **_head(draft, viewer),
        "tab": "",
        "refused": refused,
        "seen": publishing.to_acknowledge(draft),
        "ticked": request.POST.getlist("acknowledged"),
        "clauses": clauses,
        "touches": TOUCHES,
        "kinds": KINDS,
    }
    return render(request, "policy/publish.html", context, status=422 if refused else 200)


def urls() -> list[Any]:
    """Before the pages of every desk: these are the workshop's own for the same addresses."""
    where = "policy-drafts/<int:pk>"
    return [
        path("policy-drafts/new", start_page, name="policy_start"),
        path(where, editor_page, name="policy_draft"),
        path(f"{where}/keep", keep, name="policy_draft_keep"),
        path(f"{where}/form", form_part, name="policy_draft_form"),
        path(f"{where}/set", set_value, name="policy_draft_set"),
        path(f"{where}/cases", cases_part, name="policy_draft_cases"),
        path(f"{where}/diff", diff_page, name="policy_draft_diff"),
        path(f"{where}/publish", publish_page, name="policy_draft_publish"),
        path(f"{where}/backtests", backtests_page, name="policy_backtests"),
        path(f"{where}/backtests/<int:test>", backtest_page, name="policy_backtest"),
        path(f"{where}/backtests/<int:test>.xlsx", backtest_file, name="policy_backtest_file"),
        path(f"{where}/backtests/<int:test>/<str:key>", person_page, name="policy_backtest_person"),
    ]

"""What programs do with drafts beyond reading and writing them: check, cases, difference, back-test.

Listing, creating, saving the text, submitting and publishing are the endpoints of every entity: /api/policy-drafts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from xiaoguan.base.explain import value_text
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api import answer, guarded
from xiaoguan.desk.api.openapi import documents
from xiaoguan.desk.api.views import body_of, is_id
from xiaoguan.desk.desk import desk_of
from xiaoguan.policy import diff, load_text
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import document_of
from xiaoguan.rulebook.workshop import drafts, publishing, trying
from xiaoguan.rulebook.workshop.models import PolicyBacktest, PolicyDraft

WHERE = "api/policy-drafts"


def found(request: HttpRequest, pk: int) -> tuple[Viewer, PolicyDraft]:
    """The draft if the viewer may read it; what may not be read is not there."""
    viewer, desk = viewer_of(request), desk_of(PolicyDraft)
    assert desk is not None
    draft = PolicyDraft.objects.select_related("base", "owner").filter(pk=pk).first() if is_id(pk) else None
    if draft is None or not desk.may_read(viewer, draft):
        raise Http404
    return viewer, draft


def version_of(text: str, draft: PolicyDraft) -> PolicyVersion | None:
    """The version that is compared with: the one asked for, else the one the draft began from. Raises Http404."""
    if not text:
        return draft.base
    row = PolicyVersion.objects.filter(pk=text).first() if text.isdecimal() and len(text) < 19 else None
    if row is None:
        raise Http404
    return row


def start(request: HttpRequest) -> HttpResponse:
    """{"source": "preset:small-company" | "version:3" | "draft:7" | "", "title"}: a new draft."""
    data = body_of(request)
    source, title = data.get("source", ""), data.get("title", "")
    if not isinstance(source, str) or not isinstance(title, str):
        raise ValidationError({"source": [_("a text")]})
    draft = drafts.begin(viewer_of(request), source, title)
    return answer({"id": draft.pk, "title": draft.title, **drafts.checked(draft)}, 201)


def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Every issue with line and remedy, and each clause in plain language."""
    _viewer, draft = found(request, pk)
    return answer(drafts.checked(draft))


def text(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what was typed, {"version", "text", "cases"}; the answer is that of `check`."""
    viewer, draft = found(request, pk)
    data = body_of(request)
    given: dict[str, Any] = {name: data.get(name) for name in ("text", "cases")}
    for name, value in given.items():
        if value is not None and not isinstance(value, str):
            raise ValidationError({name: [_("a text")]})
    version = data.get("version")
    if version is not None and not is_id(version):
        raise ValidationError({"version": [_("A version is a whole number.")]})
    return answer(drafts.checked(drafts.keep(draft.pk, viewer, version, **given)))


def cases(request: HttpRequest, pk: int) -> HttpResponse:
    """Run the cases: each with what it expected and what came out."""
    _viewer, draft = found(request, pk)
    results = drafts.run_cases_of(draft)
    failed = sum(not one.passed for one in results)
    told = {"passed": len(results) - failed, "failed": failed}
    return answer({**told, "cases": [drafts.case_words(one) for one in results]})


def difference(request: HttpRequest, pk: int) -> HttpResponse:
    """Every change in meaning from a version (?before=3) to the draft."""
    _viewer, draft = found(request, pk)
    before, (after, issues) = version_of(request.GET.get("before", ""), draft), load_text(draft.text)
    if after is None:
        raise ValidationError([f"{one.line}: {one.message}" for one in issues if one.level == "error"])
    if before is None:
        raise ValidationError({"before": [_("Choose the version to compare with.")]})
    items = [change.to_json() for change in diff(document_of(before), after)]
    return answer({"before": str(before), "after": after.clause, "items": items})


def backtests(request: HttpRequest, pk: int) -> HttpResponse:
    """The back-tests of a draft; POST {"first": "2026-01", "last": "2026-06", "before": 3} starts one."""
    viewer, draft = found(request, pk)
    if request.method == "GET":
        rows = PolicyBacktest.objects.filter(draft=draft).select_related("draft").order_by("-pk")[:50]
        return answer({"items": [backtest_words(row) for row in rows]})
    desk = desk_of(PolicyDraft)
    assert desk is not None
    if not desk.may_read(viewer, draft):
        raise PermissionDenied
    data = body_of(request)
    first, last = data.get("first"), data.get("last")
    if not isinstance(first, str) or not isinstance(last, str):
        raise ValidationError({"first": [_("Choose a first and a last period of one kind, the earlier first.")]})
    row = trying.ask(draft, viewer, version_of(str(data.get("before") or ""), draft), first, last)
    return answer(backtest_words(row), 202)


def backtest(request: HttpRequest, pk: int, test: int) -> HttpResponse:
    """One back-test with its result: per person and period, in total, what changes for whom."""
    viewer, draft = found(request, pk)
    row = PolicyBacktest.objects.filter(draft=draft, pk=test).select_related("draft").first() if is_id(test) else None
    if row is None:
        raise Http404
    return answer({**backtest_words(row), "result": _result(row, viewer) if row.result else None})


def backtest_words(row: PolicyBacktest) -> dict[str, Any]:
    names = ("before_id", "first", "last", "job_id", "asked_at", "done_at", "digest")
    return {"id": row.pk, **{name: getattr(row, name) for name in names}, "stale": row.stale}


def _result(row: PolicyBacktest, viewer: Viewer) -> dict[str, Any]:
    shown = trying.Shown(row.result, viewer)
    unit = f"money:{shown.currency}"

    def money(value: int) -> str:
        return value_text(value, unit).replace(",", "")

    def pair(before: int, after: int) -> dict[str, str]:
        return {"before": money(before), "after": money(after), "change": money(after - before)}

    def met(met: int, of: int) -> dict[str, int]:
        return {"met": met, "of": of}

    cost = [None if c is None else f"{float(c):.6f}" for c in shown.cost_of_sales]
    return {
        "assumes": "behaviour unchanged",
        "currency": shown.currency,
        "total": pair(*shown.totals),
        "cost_of_sales": {"before": cost[0], "after": cost[1]},
        "people": [{"person": key, "name": name, **pair(b, a)} for key, name, b, a in shown.people()],
        "periods": [{"period": label, **pair(b, a)} for label, b, a in shown.periods()],
        "jumps": [{"component": c, "bound": b, "pays": money(p)} for c, b, p in row.result["jumps"]],
        "missing": [{"line": name, "times": times} for name, times in shown.missing()],
        "warnings": {one.rule: one.data for one in shown.warnings()},
        "goals": {goal: {"before": met(*b), "after": met(*a)} for goal, b, a in shown.goals()},
        "rows": [
            {"person": key, "period": label, **pair(b, a), "missing": missing}
            for key, label, b, a, missing in row.result["rows"]
        ],
    }


def to_sign(request: HttpRequest) -> HttpResponse:
    """What the viewer has still to read and sign."""
    rows = publishing.waiting_for(viewer_of(request))
    return answer({"items": [{"version": r.version_id, "title": str(r.version), "asked_at": r.asked_at} for r in rows]})


def signed(request: HttpRequest, pk: int) -> HttpResponse:
    """The viewer has read and signs a version."""
    version = PolicyVersion.objects.filter(pk=pk).first() if is_id(pk) else None
    if version is None:
        raise Http404
    row = publishing.sign(version, viewer_of(request))
    return answer({"version": version.pk, "signed_at": row.signed_at})


def urls() -> list[Any]:
    def at(route: str, view: Callable[..., HttpResponse], *methods: str) -> Any:
        return path(f"{WHERE}{route}", guarded(view, "policydraft", methods))

    return [
        at("/start", start, "POST"),
        at("/<int:pk>/check", check, "GET"),
        at("/<int:pk>/text", text, "PUT"),
        at("/<int:pk>/cases", cases, "GET"),
        at("/<int:pk>/diff", difference, "GET"),
        at("/<int:pk>/backtests", backtests, "GET", "POST"),
        at("/<int:pk>/backtests/<int:test>", backtest, "GET"),
        path("api/policy-versions/to-sign", guarded(to_sign, "policyversion", ("GET",))),
        path("api/policy-versions/<int:pk>/sign", guarded(signed, "policyversion", ("POST",))),
    ]


_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
_ANY = {"type": "object", "additionalProperties": True}


@documents
def documented(said: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    pk = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
    test = {**pk, "name": "test"}
    before = {"name": "before", "in": "query", "required": False, "schema": _TEXT}

    def operation(name: str, status: str = "200", body: Any = None, parameters: Any = ()) -> dict[str, Any]:
        told = {"operationId": name, "tags": ["policydraft"], "parameters": list(parameters)}
        told["responses"] = said(_ANY, status)
        if body is not None:
            schema = {"type": "object", "properties": body}
            told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        return told

    kept = {"version": {"type": ["integer", "null"]}, "text": {"type": ["string", "null"]}}
    kept["cases"] = kept["text"]
    asked = {"first": _TEXT, "last": _TEXT, "before": {"type": ["integer", "null"]}}
    where = f"/{WHERE}"
    return {
        f"{where}/start": {"post": operation("start_policydraft", "201", {"source": _TEXT, "title": _TEXT})},
        f"{where}/{{id}}/check": {"get": operation("check_policydraft", parameters=[pk])},
        f"{where}/{{id}}/text": {"put": operation("keep_policydraft", "200", kept, [pk])},
        f"{where}/{{id}}/cases": {"get": operation("cases_policydraft", parameters=[pk])},
        f"{where}/{{id}}/diff": {"get": operation("diff_policydraft", parameters=[pk, before])},
        f"{where}/{{id}}/backtests": {
            "get": operation("list_policy_backtests", parameters=[pk]),
            "post": operation("start_policy_backtest", "202", asked, [pk]),
        },
        f"{where}/{{id}}/backtests/{{test}}": {"get": operation("read_policy_backtest", parameters=[pk, test])},
        "/api/policy-versions/to-sign": {"get": operation("policies_to_sign")},
        "/api/policy-versions/{id}/sign": {"post": operation("sign_policyversion", parameters=[pk])},
    }

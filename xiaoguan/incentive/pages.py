"""提成单 in the page: what one earned, every line of it opening to formula, clause and records; and as a file."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xiaoguan.base.explain import Line
from xiaoguan.base.money import SCALE
from xiaoguan.desk import exporting
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.cells import money_text
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.listing import with_query
from xiaoguan.desk.screens.details import detail_page
from xiaoguan.incentive import documents, payroll
from xiaoguan.incentive.models import Dispute
from xiaoguan.incentive.statements import Before, Sheet, history, paid_this_year, sheet_of, sheet_of_total
from xiaoguan.people.models import Person
from xiaoguan.rulebook.closing import ORDER
from xiaoguan.rulebook.lines import line_words, names_of, spoken
from xiaoguan.rulebook.models import PayrollPeriod, PayStatement, Result
from xiaoguan.rulebook.reckoning import issues_of
from xiaoguan.rulebook.versions import document_of

FILES = {"pdf": (documents.pdf, "application/pdf"), "xlsx": (documents.xlsx, documents.XLSX)}


TONES = {"accepted": "green", "rejected": "red"}


def _desk(model: Any) -> Desk:
    found = desk_of(model)
    assert found is not None
    return found


@require_GET
def statement(request: HttpRequest) -> HttpResponse:
    """The statement of a person and a reckoned period; one's own newest unless the address names others."""
    viewer = viewer_of(request)
    visible = _desk(Result).visible(viewer).filter(kind=Result.Kind.TOTAL, run__current=True)
    person = _person(request, viewer, visible)
    if not request.GET and _looks_after_others(viewer, person):
        return HttpResponseRedirect(reverse("payroll"))
    theirs = visible.filter(person=person).select_related("run__policy", "person")
    wanted = request.GET.get("run", "")
    total = theirs.filter(run_id=int(wanted)).first() if wanted.isdigit() else None
    sheet = sheet_of_total(total) if total else _newest(viewer, person, theirs)
    if sheet is None:
        context = {"sheet": None, "person": person, "people": _people(visible, person), "payroll_url": _payroll(None)}
        return render(request, "incentive/statement.html", context)
    return _shown(request, viewer, sheet, visible)


def _looks_after_others(viewer: Viewer, person: Person | None) -> bool:
    """Whether somebody without a statement of their own is here for those of others."""
    own = person is not None and person.pk == viewer.person_id
    return not own and _desk(PayStatement).visible(viewer).exists()


def _newest(viewer: Viewer, person: Person | None, totals: Any) -> Sheet | None:
    first = next(iter(history(viewer, person)), None) if person else None
    if first is None:
        return None
    kind, pk = first.url_of
    if kind == "statement":
        return sheet_of(_found(viewer, pk))
    return sheet_of_total(totals.get(run_id=pk))


@require_GET
def statement_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The statement of a pay period."""
    viewer = viewer_of(request)
    visible = _desk(Result).visible(viewer).filter(kind=Result.Kind.TOTAL, run__current=True)
    return _shown(request, viewer, sheet_of(_found(viewer, pk)), visible)


def _found(viewer: Viewer, pk: int) -> PayStatement:
    rows = _desk(PayStatement).visible(viewer).select_related("period", "person", "run__policy")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _shown(request: HttpRequest, viewer: Viewer, sheet: Sheet, visible: Any) -> HttpResponse:
    before = history(viewer, sheet.person)
    return render(
        request,
        "incentive/statement.html",
        {
            "sheet": sheet,
            "person": sheet.person,
            "people": _people(visible, sheet.person),
            "periods": [{"label": b.label, "url": _url_of(b, sheet.person), "active": _is(b, sheet)} for b in before],
            "before": [
                {"label": b.label, "text": b.text, "state": b.state, "url": _url_of(b, sheet.person)} for b in before
            ],
            "total": {"text": money_text(sheet.units, sheet.currency), "id": sheet.total.pk if sheet.total else None},
            "paid": _paid(sheet),
            "lines": _with_deeds(viewer, sheet),
            "order": [(n, name, None if a is None else money_text(a, sheet.currency)) for n, name, a in sheet.order],
            "state": _state(viewer, sheet),
            "payroll_url": _payroll(sheet.pay),
            **_charted(before),
        },
    )


def _payroll(statement: PayStatement | None) -> str:
    """Everybody's statements of the same period."""
    found = reverse("payroll")
    return with_query(found, {"period": str(statement.period_id)}) if statement else found


def _url_of(one: Before, person: Person) -> str:
    kind, pk = one.url_of
    if kind == "statement":
        return reverse("statement_of", kwargs={"pk": pk})
    return with_query(reverse("statement"), {"person": str(person.pk), "run": str(pk)})


def _is(one: Before, sheet: Sheet) -> bool:
    return one.url_of in (
        ("statement", sheet.pay.pk if sheet.pay else None),
        ("run", sheet.run.pk if sheet.run and not sheet.pay else None),
    )


def _paid(sheet: Sheet) -> str | None:
    units = paid_this_year(sheet)
    return None if units is None else money_text(units, sheet.currency)


def _with_deeds(viewer: Viewer, sheet: Sheet) -> list[dict[str, Any]]:
    """The lines; those that the viewer may dispute say where."""
    desk, disputes = _desk(PayStatement), _desk(Dispute)
    verb = desk.verb("dispute")
    may = bool(sheet.pay and verb and verb.may(viewer, sheet.pay, desk.write) and _in_time(sheet))
    base = desk.url("detail", pk=sheet.pay.pk) if sheet.pay else ""
    found = []
    for line in sheet.lines():
        about = line.pop("dispute")
        if about is not None:
            line["claim"] = {
                "url": disputes.url("detail", pk=about.pk),
                "label": about.get_state_display(),
                "tone": "amber" if about.is_pending else TONES.get(about.state, "gray"),
            }
        if may and "id" in line and (about is None or not about.is_pending):
            line["ask_url"] = with_query(f"{base}/ask/dispute", {"line": str(line["id"])})
        found.append(line)
    return found


def _in_time(sheet: Sheet) -> bool:
    return sheet.deadline is None or timezone.localdate() <= sheet.deadline


def _state(viewer: Viewer, sheet: Sheet) -> dict[str, Any] | None:
    """Where the period and the person's own word stand, with what the viewer may do."""
    if sheet.pay is None:
        return None
    desk, period = _desk(PayStatement), sheet.pay.period
    at = ORDER.index(PayrollPeriod.State(period.state))
    base = desk.url("detail", pk=sheet.pay.pk)
    verbs = {v.name: v for v in (one() for one in desk.verbs) if v.may(viewer, sheet.pay, desk.write)}
    return {
        "url": base,
        "id": sheet.pay.pk,
        "version": sheet.pay.version,
        "period": period,
        "stages": [
            {"id": s, "label": s.label, "state": "current" if i == at else "done" if i < at else "todo"}
            for i, s in enumerate(ORDER)
        ],
        "word": sheet.pay.get_state_display(),
        "tone": {"confirmed": "green", "disputed": "amber"}.get(sheet.pay.state, ""),
        "deadline": sheet.deadline,
        "late": not _in_time(sheet),
        "confirm_url": f"{base}/confirm" if "confirm" in verbs else None,
        "ask_url": f"{base}/ask/dispute" if "dispute" in verbs and _in_time(sheet) else None,
        "files": {kind: reverse("statement_file", kwargs={"pk": sheet.pay.pk, "kind": kind}) for kind in FILES},
        "timeline_url": desk.url("timeline", pk=sheet.pay.pk),
        "disputes": [
            {"url": _desk(Dispute).url("detail", pk=d.pk), "title": d.subject, "state": d.get_state_display()}
            for d in sheet.disputes
        ],
    }  # fmt: skip


def _charted(before: list[Before]) -> dict[str, Any]:
    """What was paid in the periods before, as bars and as a table; nothing for less than two."""
    if len(before) < 2:
        return {"chart": None, "table": []}
    rows = before[::-1]
    option = {
        "tooltip": {"trigger": "axis"},
        "grid": {"left": 8, "right": 8, "top": 16, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "category", "data": [b.label for b in rows]},
        "yAxis": {"type": "value"},
        "series": [{"type": "bar", "data": [round(b.units / SCALE, 2) for b in rows]}],
    }
    return {"chart": option, "table": [(b.label, b.text) for b in rows]}


def _person(request: HttpRequest, viewer: Viewer, visible: Any) -> Person | None:
    """Whose statement: the one asked for if the viewer may see any of theirs, else the viewer's own, else the first."""
    wanted = request.GET.get("person", "")
    if wanted.isdigit():
        if int(wanted) != viewer.person_id and not visible.filter(person_id=int(wanted)).exists():
            raise Http404
        return Person.objects.filter(pk=int(wanted)).first()
    if viewer.person_id and visible.filter(person_id=viewer.person_id).exists():
        return Person.objects.get(pk=viewer.person_id)
    newest = (
        visible.filter(run__starts_on__lte=timezone.localdate()).order_by("-run__starts_on", "person__name").first()
    )
    return newest.person if newest else Person.objects.filter(pk=viewer.person_id).first()


def _people(visible: Any, chosen: Person | None) -> list[dict[str, Any]]:
    """The people whose statements the viewer may open, where there is more than one."""
    rows = visible.order_by().values_list("person_id", "person__name").distinct()[:500]
    people = sorted({(name, pk) for pk, name in rows})
    if len(people) < 2:
        return []
    return [
        {
            "name": name,
            "url": with_query(reverse("statement"), {"person": str(pk)}),
            "active": chosen is not None and pk == chosen.pk,
        }
        for name, pk in people
    ]


@require_GET
def statement_file(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The statement as PDF or XLSX; that somebody took it is written down."""
    viewer = viewer_of(request)
    sheet = sheet_of(_found(viewer, pk))
    if kind not in FILES:
        raise Http404
    make, content = FILES[kind]
    exporting.write_down(_desk(PayStatement), kind, f"id={pk}", 1)
    return payroll.download(make(sheet), f"{_('statement')}-{sheet.label}-{sheet.person.name}.{kind}", content)


def _dispute(request: HttpRequest, viewer: Viewer, dispute: Dispute) -> dict[str, Any]:
    """What was said and decided, and the line as it stood when it was disputed."""
    trace = dispute.frozen.get("trace")
    names = names_of(document_of(dispute.result.run.policy)) if dispute.result else {}
    return {
        "dispute": dispute,
        "line": line_words(Line.from_json(trace), names) if trace else None,
        "statement_url": reverse("statement_of", kwargs={"pk": dispute.statement_id}),
        "expected_text": money_text(dispute.expected_units, dispute.currency),
        "granted_text": money_text(dispute.granted_units, dispute.currency),
    }


def _period(request: HttpRequest, viewer: Viewer, period: PayrollPeriod) -> dict[str, Any]:
    """Who did which step, and what is still open."""
    disputes = Dispute.objects.filter(statement__period=period, state__in=Dispute.PENDING)
    done = [
        (_("Calculated"), period.calculated_at, period.calculated_by),
        (_("Reviewed"), period.reviewed_at, period.reviewed_by),
        (_("Approved"), period.approved_at, period.approved_by),
        (_("Locked"), period.locked_at, period.locked_by),
    ]
    return {
        "period": period,
        "done": [{"label": label, "at": at, "who": str(who or "")} for label, at, who in done if at],
        "payroll_url": with_query(reverse("payroll"), {"period": str(period.pk)}) if period.run_id else None,
        "pending": disputes.count(),
        "confirmed": period.statements.filter(state=PayStatement.State.CONFIRMED).count(),
        "issues": [spoken(i.message) for i in issues_of(period.run)[:ISSUES]] if period.run else [],
    }


ISSUES = 50
"""So many points of the exception list stand on the page; the statements have them all."""


def urls() -> list[Any]:
    """The pages of pay; `statements/7` takes the place of the plain page of the record."""
    return [
        path("statement/", statement, name="statement"),
        path("statements/<int:pk>", statement_page, name="statement_of"),
        path(
            "disputes/<int:pk>",
            partial(detail_page, desk=_desk(Dispute), template="incentive/dispute.html", more=_dispute),
        ),
        path(
            "pay-periods/<int:pk>",
            partial(detail_page, desk=_desk(PayrollPeriod), template="incentive/period.html", more=_period),
        ),
        path("statements/<int:pk>/statement.<str:kind>", statement_file, name="statement_file"),
        *payroll.urls(),
    ]

"""The import in the page: upload or paste, columns and their fields, a look at what would become of the rows, go.

And the same in one request over the API: POST /api/imports.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api import answer, guarded, not_here, problem
from xiaoguan.desk.desk import Desk, desk_of, desks
from xiaoguan.desk.importing import headers, reading
from xiaoguan.desk.importing.draft import ImportDraft, Rule, begin
from xiaoguan.desk.importing.intake import Intake, preview
from xiaoguan.desk.importing.reading import Listed, Unreadable
from xiaoguan.desk.importing.work import begin_check, begin_import
from xiaoguan.desk.jobs import Job
from xiaoguan.desk.screens import jobs as job_screens
from xiaoguan.desk.screens.common import names_of

INLINE = 3_000
"""So many rows are looked through while the page waits; more are a job."""
EXAMPLES = 3
PASTED = 5_000_000
SEPARATORS = {"": "", "comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
ENCODINGS = ("", "utf-8", "gb18030", "big5", "utf-16", "windows-1252", "shift-jis")


def limited(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuse what is too large before a byte of it is read; files go to disk, never to memory."""

    @csrf_exempt
    @wraps(view)
    def guarded_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        limit = settings.UPLOAD_MB << 20
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            words = _("The file is larger than %(n)d MB. Split it, or use the command line.") % {"n": limit >> 20}
            if request.path.startswith("/api/"):
                return problem(413, words)
            return render(request, "importing/too_large.html", {"message": words}, status=413)
        request.upload_handlers = [TemporaryFileUploadHandler(request)]
        return csrf_protect(view)(request, *args, **kwargs)

    return guarded_view


def _desk(viewer: Viewer, key: str) -> Desk:
    desk = desk_of(key) or next((d for d in desks() if d.url_name == key), None)
    if desk is None or not desk.model.IMPORTED:
        raise Http404
    if not desk.may_create(viewer):
        raise PermissionDenied(
            _("You may not create this: %(who)s may.") % {"who": (desk.create or desk.write).words()}
        )
    return desk


def _draft(request: HttpRequest, pk: int) -> ImportDraft:
    draft = ImportDraft.objects.filter(pk=pk, account_id=viewer_of(request).account_id).first()
    if draft is None:
        raise Http404
    return draft


# First step: the file


@limited
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, key: str) -> HttpResponse:
    viewer = viewer_of(request)
    desk = _desk(viewer, key)
    if request.method == "POST":
        try:
            return HttpResponseRedirect(reverse("import_map", args=[_received(request, viewer, desk).pk]))
        except Unreadable as error:
            messages.error(request, str(error))
            return _upload_page(request, desk, str(error))
    return _upload_page(request, desk)


def _upload_page(request: HttpRequest, desk: Desk, error: str = "") -> HttpResponse:
    context = {"desk": desk, "error": error, "limit": settings.UPLOAD_MB, "pasted": request.POST.get("pasted", "")}
    return render(request, "importing/upload.html", context, status=422 if error else 200)


def _received(request: HttpRequest, viewer: Viewer, desk: Desk) -> ImportDraft:
    """The draft of what was sent: a file, or what was pasted. Raises Unreadable."""
    file = request.FILES.get("file")
    if file is not None:
        return begin(viewer, desk, Path(file.temporary_file_path()), file.name or "-")
    pasted = request.POST.get("pasted", "")[:PASTED]
    if not pasted.strip():
        raise Unreadable(_("Choose a file, or paste rows."))
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".txt") as kept:
        kept.write(pasted)
        kept.flush()
        return begin(viewer, desk, Path(kept.name), _("pasted rows"))


# Second step: what the columns mean, and what would become of the rows


@require_http_methods(["GET", "POST"])
def map_page(request: HttpRequest, pk: int) -> HttpResponse:
    viewer, draft = viewer_of(request), _draft(request, pk)
    if draft.job_id:
        return HttpResponseRedirect(reverse("job", args=[draft.job_id]))
    error = ""
    if request.method == "POST":
        deed = request.POST.get("deed", "check")
        try:
            _chosen(draft, viewer, request.POST)
            if deed == "import":
                Intake(draft, viewer)
                with transaction.atomic():
                    job = begin_import(draft, viewer)
                return HttpResponseRedirect(reverse("job", args=[job.pk]))
            if (job := _look(draft, viewer)) is not None:
                return HttpResponseRedirect(reverse("job", args=[job.pk]))
        except Unreadable as problem_:
            error = str(problem_)
    elif not draft.tally and draft.mapping:
        try:
            if _rows(draft) <= INLINE:
                _look(draft, viewer)
        except Unreadable as problem_:
            error = str(problem_)
    return _map_page(request, draft, viewer, error)


def _rows(draft: ImportDraft) -> int:
    return draft.table().count()


def _look(draft: ImportDraft, viewer: Viewer) -> Job | None:
    """The preview, at once where there are few rows, else as a job."""
    if _rows(draft) > INLINE:
        with transaction.atomic():
            return begin_check(draft, viewer)
    draft.tally = preview(draft, viewer).to_json()
    draft.save()
    return None


def _chosen(draft: ImportDraft, viewer: Viewer, data: Any) -> None:
    """Keep what was chosen on the page; a new way of reading the file guesses the columns anew."""
    way = data.get("part", draft.part), data.get("header", ""), data.get("encoding", ""), data.get("separator", "")
    given = (way[0], int(way[1]) if is_line(way[1]) else 0, way[2], SEPARATORS.get(way[3], ""))
    if "encoding" in data and given != (draft.part, draft.header, draft.encoding, draft.delimiter):
        draft.part, draft.header, draft.encoding, draft.delimiter = given
        draft.mapping, draft.fixed, draft.values, draft.match, draft.decisions = {}, {}, {}, [], {}
        draft.understand(viewer)
        draft.save()
        return
    targets = draft.targets(viewer)
    columns = draft.table().columns
    chosen = {c: data.get(f"column-{i}", "") for i, c in enumerate(columns)}
    draft.mapping = {c: t for c, t in chosen.items() if t in targets}
    fixed = {name: data.get(f"fixed-{name}", "").strip() for name in targets}
    draft.fixed = {n: text for n, text in fixed.items() if text}
    draft.values = _said_values(draft, data)
    rule = data.get("rule", draft.rule)
    draft.rule = rule if rule in Rule.values else draft.rule
    draft.clears = bool(data.get("clears"))
    draft.dates = data.get("dates", "") if data.get("dates") in ("dmy", "mdy") else ""
    draft.numbers = data.get("numbers", "") if data.get("numbers") in ("1,234.56", "1.234,56") else ""
    draft.source = (data.get("source") or draft.source or "file")[:40]
    match = [name for name in data.getlist("match") if name in targets]
    draft.match = match if data.get("match-said") else draft.usual_match()
    lines = {k.removeprefix("line-"): v for k, v in data.items() if k.startswith("line-")}
    draft.decisions = {line: what for line, what in lines.items() if line.isdigit() and what in Rule.values}
    draft.save()


def is_line(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 8


def _said_values(draft: ImportDraft, data: Any) -> dict[str, dict[str, str]]:
    """{field: {text: instead}}: what was known before and what was chosen now for texts that are no value."""
    found = {name: dict(said) for name, said in draft.values.items()}
    for number, (name, text, _count) in enumerate(_unknown(draft)):
        instead = data.get(f"value-{number}", "?")
        if instead != "?":
            found.setdefault(name, {})[text] = instead
    return found


def _unknown(draft: ImportDraft) -> list[tuple[str, str, int]]:
    return [(n, t, c) for n, texts in draft.tally.get("unknown", {}).items() for t, c in texts]


def _map_page(request: HttpRequest, draft: ImportDraft, viewer: Viewer, error: str) -> HttpResponse:
    desk = draft.desk
    try:
        table = draft.table()
        columns, rows = table.columns, [row for _n, (_line, row) in zip(range(EXAMPLES), table.rows(), strict=False)]
        header = getattr(table, "header", 0)
    except Exception as problem_:  # the reader says what is wrong with the file; the page lets choose another way
        if not isinstance(problem_, Unreadable | reading.TableError):
            raise
        error, table, columns, rows, header = error or str(problem_), Listed((), []), (), [], draft.header
    targets = draft.targets(viewer)
    needed = [n for n in _needed(desk) if n not in draft.mapping.values() and n in targets]
    needed = [n for n in needed if not (n == "name" and {headers.FIRST_NAME} & set(draft.mapping.values()))]
    context = {
        "draft": draft,
        "desk": desk,
        "error": error,
        "columns": [
            {
                "number": i,
                "name": name,
                "examples": [row[i] for row in rows if i < len(row) and row[i].strip()][:EXAMPLES],
                "target": draft.mapping.get(name, ""),
            }
            for i, name in enumerate(columns)
        ],
        "targets": targets,
        "fixed": [
            {"name": n, "label": targets[n], "value": draft.fixed.get(n, ""), "options": _options(desk, n)}
            for n in dict.fromkeys([*needed, *draft.fixed])
            if n in targets
        ],
        "unknown": [
            {
                "number": i,
                "label": targets.get(name, name),
                "text": text,
                "count": count,
                "options": _options(desk, name) or _records(desk, name, viewer),
                "value": draft.values.get(name, {}).get(text, "?"),
            }
            for i, (name, text, count) in enumerate(_unknown(draft))
        ],
        "matches": [{"name": n, "label": targets[n], "on": n in draft.match} for n in _matchable(draft, targets)],
        "rules": Rule.choices,
        "tally": draft.tally,
        "doubles": [
            {**d, "url": desk.url("detail", pk=d["pk"]), "rule": draft.decisions.get(str(d["line"]), "")}
            for d in draft.tally.get("doubles", [])
        ],
        "alike": _alike(draft),
        "parts": [p.name for p in _parts(draft)],
        "text_file": draft.file.endswith(".csv"),
        "header": header or 1,
        "separators": [(key, _separator_label(key)) for key in SEPARATORS],
        "separator": next((key for key, sign in SEPARATORS.items() if sign == draft.delimiter), ""),
        "encodings": ENCODINGS,
        "key": headers.KEY,
    }
    return render(request, "importing/map.html", context, status=422 if error else 200)


def _alike(draft: ImportDraft) -> list[dict[str, Any]]:
    """The new rows that may be there already, in words."""
    found = [(d, desk) for d in draft.tally.get("alike", []) if (desk := desk_of(d["entity"])) is not None]
    names = names_of({d["owner"] for d, _desk in found if d["owner"]})
    return [
        {
            **d,
            "kind": desk.label,
            "why": _(", ").join(str(desk.model._meta.get_field(name).verbose_name) for name in d["fields"]),
            "owner": names.get(d["owner"], ""),
            "url": desk.url("detail", pk=d["pk"]) if d["pk"] else None,
            "rule": draft.decisions.get(str(d["line"]), ""),
        }
        for d, desk in found
    ]


def _parts(draft: ImportDraft) -> list[reading.Part]:
    try:
        return reading.parts(draft.path)
    except Unreadable:
        return []


def _separator_label(key: str) -> str:
    return {
        "": _("as found out"), "comma": _("comma"), "semicolon": _("semicolon"), "tab": _("tab"), "bar": _("bar |"),
    }[key]  # fmt: skip


def _needed(desk: Desk) -> list[str]:
    """The fields that a new record cannot do without."""
    fields = [desk.model._meta.get_field(name) for name in desk.form_fields]
    return [f.name for f in fields if not (f.null or f.blank or f.has_default())]


def _matchable(draft: ImportDraft, targets: dict[str, str]) -> list[str]:
    filled = {*draft.mapping.values(), *draft.fixed}
    filled |= {"name"} if filled & {headers.FIRST_NAME, headers.LAST_NAME} else set()
    return [name for name in targets if name in filled and ":" not in name and name != headers.KEY]


def _options(desk: Desk, name: str) -> list[tuple[str, str]]:
    """The values of a field of choices; nothing for another, which is typed."""
    f = desk.model._meta.get_field(name)
    stages = getattr(f, "stage_choices", None)
    return [(str(v), str(label)) for v, label in (stages() if stages else f.flatchoices or ()) if v not in ("", None)]


MOST_NAMED = 300


def _records(desk: Desk, name: str, viewer: Viewer) -> list[tuple[str, str]]:
    """The records that a relation may lead to by their names, where they are few enough to choose from: people."""
    target = desk_of(desk.model._meta.get_field(name).related_model) if name in desk.form_fields else None
    if target is None:
        return []
    rows = target.visible(viewer).order_by(target.title_field)
    titles = list(rows.values_list(target.title_field, flat=True)[: MOST_NAMED + 1])
    return [] if len(titles) > MOST_NAMED else [(str(t), str(t)) for t in dict.fromkeys(titles)]


# The API


@limited
@guarded
def api_imports(request: HttpRequest) -> HttpResponse:
    """POST multipart: file, entity; optional mapping, fixed, values, match (JSON), rule, source, dates, numbers, part,
    header, dry_run. Answers the tally of a dry run of few rows, else the job."""
    if request.method != "POST":
        return not_here("POST")
    viewer = viewer_of(request)
    desk = _desk(viewer, request.POST.get("entity", ""))
    try:
        draft = _received(request, viewer, desk)
        _stated(draft, viewer, request.POST)
        if request.POST.get("dry_run", "").lower() in ("1", "true", "yes"):
            job = _look(draft, viewer)
            return answer({"dry_run": True, "mapping": draft.mapping, **draft.tally} if job is None else _as_job(job))
        Intake(draft, viewer)
        with transaction.atomic():
            return answer(_as_job(begin_import(draft, viewer)), 202)
    except Unreadable as error:
        raise ValidationError(str(error)) from error


def _as_job(job: Job) -> dict[str, Any]:
    return job_screens.plain(job)


def _stated(draft: ImportDraft, viewer: Viewer, data: Any) -> None:
    """What the request says instead of the guesses. Raises ValidationError naming the parameter."""
    for name in ("part", "dates", "numbers", "source", "rule"):
        if data.get(name):
            setattr(draft, name, data[name][:200])
    if data.get("rule") and data["rule"] not in Rule.values:
        raise ValidationError({"rule": [_("This can be %(values)s.") % {"values": ", ".join(Rule.values)}]})
    if data.get("part") or is_line(data.get("header", "")):
        draft.header = int(data["header"]) if is_line(data.get("header", "")) else 0
        draft.understand(viewer)
    for name, fits in _STATED.items():
        if data.get(name):
            setattr(draft, name, _json(name, data[name], fits))
    if data.get("mapping") and not data.get("match"):
        draft.match = draft.usual_match()
    targets = draft.targets(viewer)
    wrong = [t for t in (*draft.mapping.values(), *draft.fixed, *draft.match) if t not in targets]
    if wrong:
        known = ", ".join(targets)
        raise ValidationError({"mapping": [_("'%(name)s' is none of %(known)s.") % {"name": wrong[0], "known": known}]})
    draft.save()


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _all_text(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


_STATED: dict[str, Callable[[Any], bool]] = {
    "mapping": _all_text,
    "fixed": _all_text,
    "values": lambda value: isinstance(value, dict) and all(map(_all_text, value.values())),
    "match": lambda value: isinstance(value, list) and all(map(_is_text, value)),
}
"""What each parameter in JSON must look like."""


def _json(name: str, text: str, fits: Callable[[Any], bool]) -> Any:
    try:
        value = json.loads(text)
        if not fits(value):
            raise TypeError
    except (ValueError, TypeError) as error:
        raise ValidationError({name: [_("This is no JSON of the right kind.")]}) from error
    return value


def urls() -> list[Any]:
    return [
        path("import/<int:pk>", map_page, name="import_map"),
        path("import/<slug:key>", upload, name="import"),
        path("api/imports", api_imports),
    ]

"""The timeline of a record in the page, its comments, and its files."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xiaoguan.desk import comments, timeline
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.cells import day_text, formatter
from xiaoguan.desk.comments import Attachment, Comment
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.expressions import BadQuery
from xiaoguan.desk.notify import named_in
from xiaoguan.desk.paths import resolve
from xiaoguan.desk.records import Record
from xiaoguan.desk.screens.common import names_of, record_of
from xiaoguan.desk.screens.history import changes_of, sentence, titles_of
from xiaoguan.desk.screens.imports import limited

KINDS = ("", "steps", "comments", "files", "changes")


@require_GET
def timeline_page(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """A page of the timeline as a fragment: `only` one kind, `after` a marker, `few` for the short look."""
    viewer, record = record_of(request, desk, pk)
    only, after = request.GET.get("only", ""), request.GET.get("after", "")
    if only not in KINDS:
        raise Http404
    size = 6 if "few" in request.GET else timeline.SIZE
    try:
        story = timeline.told(desk, record, viewer, only, after, size)
    except (BadQuery, ValueError, OverflowError) as error:
        raise Http404 from error
    coming = timeline.planned(desk, record, viewer) if not after and only in ("", "steps") else []
    base = desk.url("timeline", pk=pk)
    return render(
        request,
        "desk/_story.html",
        {
            "entries": _entries(desk, viewer, record, story.entries),
            "planned": [step_words(desk, viewer, step) for step in coming],
            "next_url": f"{base}?only={only}&after={story.after}" if story.after and "few" not in request.GET else None,
            "first": not after,
            "empty": not story.entries and not coming,
        },
    )


def _entries(desk: Desk, viewer: Viewer, record: Record, entries: list[timeline.Entry]) -> list[dict[str, Any]]:
    events = [e for entry in entries if entry.source == "changes" for e in entry.thing]
    titles = titles_of(desk, events)
    people = {e.actor_id for e in events} | {e.thing.author_id for e in entries if e.source == "comments"}
    people |= {_owner(desk, e.thing) for e in entries if e.source == "steps"}
    names = names_of({pk for pk in people if pk})
    known = set(named_in("\n".join(e.thing.text for e in entries if e.source == "comments")).values())
    may_write = desk.may_write(viewer, record)
    found = []
    for entry in entries:
        if entry.source == "changes":
            found.append(_deed(desk, viewer, record, entry, names, titles, may_write))
        elif entry.source == "comments":
            found.append(_comment(desk, viewer, record, entry.thing, names, known))
        else:
            done = step_words(desk, viewer, entry.thing)
            owner = _owner(desk, entry.thing)
            found.append({**done, "kind": "step", "at": entry.at.date(), "actor": names.get(owner or 0, "")})
    return found


def _deed(desk: Desk, viewer: Viewer, record: Record, entry: timeline.Entry, names: Any, titles: Any, may: bool) -> Any:
    events = entry.thing
    newest = max(events, key=lambda e: e.pk)
    # Going back to it is offered where something came after, by whoever may write the record.
    older = may and newest.record_id == record.pk and newest.deed != "deleted"
    return {
        "kind": "deed",
        "at": entry.at,
        "actor": names.get(newest.actor_id, _("the system")),
        "sentence": sentence(desk, events),
        "note": next((e.note for e in events if e.note), ""),
        "changes": changes_of(desk, viewer, record, events, titles),
        "restore_url": desk.url("restore_version", pk=record.pk, event=newest.pk) if older else None,
    }


def _comment(
    desk: Desk, viewer: Viewer, record: Record, comment: Comment, names: dict[int, str], known: set[str]
) -> dict[str, Any]:
    base = desk.url("detail", pk=record.pk)
    return {
        "kind": "comment",
        "id": comment.pk,
        "at": comment.created_at,
        "actor": names.get(comment.author_id or 0, _("the system")),
        "color": (comment.author_id or 0) % 8,
        "text": comment.text,
        "html": marked(comment.text, known),
        "edited": comment.edited_at is not None,
        "url": f"{base}/comments/{comment.pk}" if comment.is_by(viewer) else None,
        "files": [
            {"name": f.name, "size": size_text(f.size), "url": f"{base}/files/{f.pk}"} for f in comment.files.all()
        ],
    }


def marked(text: str, known: Collection[str]) -> SafeString:
    """The text as HTML in which the people whom it names stand out."""
    safe = str(escape(text))
    if known:
        named = "|".join(re.escape(str(escape(n))) for n in sorted(known, key=len, reverse=True))
        safe = re.sub(f"[@\uff20](?:{named})", r'<b class="mention">\g<0></b>', safe, flags=re.IGNORECASE)
    return mark_safe(safe)


def size_text(size: int) -> str:
    return f"{size / 1_048_576:.1f} MB" if size >= 1_048_576 else f"{max(1, round(size / 1024))} KB"


def _owner(desk: Desk, step: Any) -> int | None:
    other = timeline.steps_desk(desk)
    return getattr(step, other.owner_field) if other and other.owner_field else None


def step_words(desk: Desk, viewer: Viewer, step: Any) -> dict[str, Any]:
    """Something planned or done, in words; with the sheet that says it is done."""
    other = timeline.steps_desk(desk)
    assert other is not None and desk.steps is not None
    due = getattr(step, desk.steps.due)
    done = other.verb("done")
    url = other.url("detail", pk=step.pk)
    told = []
    for name in ("kind", "outcome"):
        if any(f.name == name for f in other.model._meta.concrete_fields) and getattr(step, name):
            told.append(formatter(resolve(other.model, name))(getattr(step, name)))
    return {
        "title": other.title(step),
        "url": url,
        "due": day_text(due),
        "late": due is not None and due < timezone.localdate(),
        "told": told,
        "note": getattr(step, "note", "") if other.level(viewer, "note") not in ("none", "masked") else "",
        "done_url": f"{url}/ask/{done.name}" if done and done.may(viewer, step, other.write) else None,
    }


# Comments


@limited
@require_POST
def comment_new(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """A new comment: `text`, and `files`. Answers {message}, which is empty, or what is wrong."""
    viewer, record = record_of(request, desk, pk)
    files = request.FILES.getlist("files")
    return _answered(lambda: comments.write(desk, viewer, record, request.POST.get("text", ""), files))


@require_POST
def comment_one(request: HttpRequest, desk: Desk, pk: int, comment: int) -> HttpResponse:
    """One's own comment: `do` is `change` or `delete`."""
    viewer, record = record_of(request, desk, pk)
    found = comments.of(desk, record).filter(pk=comment).first()
    if found is None:
        raise Http404
    if request.POST.get("do") == "delete":
        return _answered(lambda: comments.remove(viewer, found))
    return _answered(lambda: comments.change(desk, viewer, record, found, request.POST.get("text", "")))


def _answered(deed: Any) -> JsonResponse:
    try:
        deed()
    except ValidationError as error:
        return JsonResponse({"message": " ".join(error.messages)}, status=422)
    except PermissionDenied as error:
        return JsonResponse({"message": str(error)}, status=403)
    return JsonResponse({"message": ""})


@require_GET
def file(request: HttpRequest, desk: Desk, pk: int, file: int) -> FileResponse:
    """A file of the record, to be kept and never to be run: whoever may read the record may have it."""
    _viewer, record = record_of(request, desk, pk)
    row = Attachment.objects.filter(pk=file, comment__entity=desk.key, comment__record_id=record.pk).first()
    if row is None or not row.path.is_file():
        raise Http404
    return handed_out(row)


def handed_out(row: Attachment) -> FileResponse:
    answer = FileResponse(row.path.open("rb"), as_attachment=True, filename=row.name, content_type=row.kind)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer

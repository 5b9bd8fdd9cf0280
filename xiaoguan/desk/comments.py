"""Comments (评论) on any record, with the people they name and files. Who may read a record reads and writes them.

A file is kept outside of everything that the server gives out by itself, under a name by chance; it is handed out
through the rule of the record that it hangs on.
"""

from __future__ import annotations

import mimetypes
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from xiaoguan.desk import events
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.attached import attaches
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.notify import MENTION, mentions_in, notice, notify

COMMENT = notice("comment", gettext_lazy("Comments on my records"), "message")
LONGEST, FILES, FILE_MB = 5_000, 10, 25
KINDS = frozenset({
    "png", "jpg", "jpeg", "gif", "webp", "heic", "bmp", "tif", "tiff", "pdf", "doc", "docx", "xls", "xlsx", "ppt",
    "pptx", "odt", "ods", "odp", "rtf", "txt", "md", "csv", "tsv", "json", "xml", "log", "wps", "et", "dps", "ofd",
    "zip", "7z", "rar", "gz", "eml", "msg", "vcf", "ics", "mp3", "m4a", "wav", "amr", "ogg", "mp4", "mov", "webm",
    "dwg", "dxf", "psd", "ai", "step", "stp",
})  # fmt: skip
"""Endings of files that may be attached: documents, pictures, sound, archives; nothing that a click would run."""


@attaches
class Comment(models.Model):
    """评论: what somebody wrote beside a record; `text` may be empty where files stand for it."""

    entity = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    text = models.TextField(blank=True)
    author_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = gettext_lazy("comment"), gettext_lazy("comments")
        indexes = [models.Index(fields=["entity", "record_id", "-id"], name="comment_of_record")]

    def __str__(self) -> str:
        return self.text[:60]

    def is_by(self, viewer: Viewer) -> bool:
        return viewer.person_id is not None and self.author_id == viewer.person_id


class Attachment(models.Model):
    """附件: a file that belongs to a comment. `stored` is its name on the disk, `name` what people call it."""

    comment = models.ForeignKey(Comment, models.CASCADE, related_name="files")
    name = models.CharField(max_length=160)
    size = models.BigIntegerField()
    stored = models.CharField(max_length=40, unique=True)

    class Meta:
        verbose_name, verbose_name_plural = gettext_lazy("file"), gettext_lazy("files")

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return Path(settings.HOME) / "files" / self.stored[:2] / self.stored

    @property
    def kind(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


Reader = Callable[[Any, Viewer, bytes], None]
_readers: dict[str, Reader] = {}


def read_by(ending: str) -> Callable[[Reader], Reader]:
    """Decorator: called with the record, who attached it and the content of each attached file with this ending, in the
    same transaction. The file is kept whatever becomes of it."""

    def add(reader: Reader) -> Reader:
        _readers[ending] = reader
        return reader

    return add


def _read(record: Any, viewer: Viewer, file: Any) -> None:
    reader = _readers.get(Path(clean_name(file.name or "")).suffix[1:].lower())
    if reader is not None:
        file.seek(0)
        reader(record, viewer, file.read())


def of(desk: Desk, record: Any) -> models.QuerySet[Comment]:
    return Comment.objects.filter(entity=desk.key, record_id=record.pk)


def write(desk: Desk, viewer: Viewer, record: Any, text: str, files: Sequence[Any] = ()) -> Comment:
    """Add a comment and tell those whom it names, the owner, and who wrote before. The caller has asked `may_read`.

    files    uploaded files. Raises ValidationError for an empty comment, a long one, or files that are not taken.
    """
    text = _checked(text)
    if not text and not files:
        raise ValidationError({"text": [_("Write something, or attach a file.")]})
    for file in files:
        _fits(file, len(files))
    before = set(of(desk, record).order_by("-id").values_list("author_id", flat=True)[:50])
    with transaction.atomic():
        comment = Comment.objects.create(entity=desk.key, record_id=record.pk, text=text, author_id=viewer.person_id)
        for file in files:
            _keep(comment, file)
            _read(record, viewer, file)
        events.write(record, "commented", {"comment": [None, comment.pk]})
        _tell(desk, record, comment, before)
    return comment


def change(desk: Desk, viewer: Viewer, record: Any, comment: Comment, text: str) -> None:
    """Write one's own comment anew; people whom it names for the first time are told."""
    _own(viewer, comment)
    text = _checked(text)
    if not text and not comment.files.exists():
        raise ValidationError({"text": [_("Write something, or attach a file.")]})
    known = set(mentions_in(comment.text, record))
    comment.text, comment.edited_at = text, timezone.now()
    comment.save()
    _mention(record, set(mentions_in(text, record)) - known)


def remove(viewer: Viewer, comment: Comment) -> None:
    """Take one's own comment away, with its files."""
    _own(viewer, comment)
    paths = [file.path for file in comment.files.all()]
    comment.delete()
    transaction.on_commit(lambda: _unlink(paths))


def _own(viewer: Viewer, comment: Comment) -> None:
    if not comment.is_by(viewer):
        raise PermissionDenied(_("Only who wrote a comment may change it."))


def _checked(text: str) -> str:
    text = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if len(text) > LONGEST:
        raise ValidationError({"text": [_("A comment has at most %(n)d characters.") % {"n": LONGEST}]})
    return text


def _fits(file: Any, number: int) -> None:
    """Raises ValidationError for what is not taken."""
    name = clean_name(file.name or "")
    if number > FILES:
        raise ValidationError({"files": [_("At most %(n)d files at once.") % {"n": FILES}]})
    if file.size > FILE_MB << 20:
        raise ValidationError(
            {"files": [_("%(file)s is larger than %(n)d MB.") % {"file": name, "n": FILE_MB}]},
        )
    if Path(name).suffix[1:].lower() not in KINDS:
        raise ValidationError({"files": [_("Files such as %(file)s are not taken.") % {"file": name}]})


def clean_name(name: str) -> str:
    """The file's own name without folders and characters that steer a terminal or turn the reading direction."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(c for c in unicodedata.normalize("NFC", base) if unicodedata.category(c)[0] != "C")
    stem, dot, ending = kept.strip(" .").rpartition(".")
    return f"{stem[:140]}.{ending[:16]}" if dot else ending[:140] or "-"


def _keep(comment: Comment, file: Any) -> None:
    row = Attachment(comment=comment, name=clean_name(file.name), size=file.size, stored=secrets.token_hex(16))
    row.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with row.path.open("xb") as kept:
        for chunk in file.chunks():
            kept.write(chunk)
    row.save()


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _tell(desk: Desk, record: Any, comment: Comment, before: set[int | None]) -> None:
    named = set(mentions_in(comment.text, record))
    _mention(record, named)
    owner = getattr(record, desk.owner_field) if desk.owner_field else None
    others = ({owner} | before) - named - {None}
    notify(others, COMMENT, gettext_noop("%(actor)s wrote about %(title)s."), record=record)


def _mention(record: Any, people: set[int]) -> None:
    notify(people, MENTION, gettext_noop("%(actor)s mentions you at %(title)s."), record=record)

"""A draft of an import: the uploaded file, what its columns mean, and how rows that are there already are treated."""

from __future__ import annotations

import secrets
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.importing import headers, reading
from xiaoguan.desk.importing.headers import FIRST_NAME, KEY, LAST_NAME
from xiaoguan.desk.importing.reading import Listed, Named, Unreadable
from xiaoguan.desk.jobs import Running, every

KEPT = timedelta(days=7)


def new_folder() -> str:
    return secrets.token_hex(16)


class Rule(models.TextChoices):
    """What becomes of a row whose record is there already."""

    UPDATE = "update", gettext_lazy("change the record that is there")
    SKIP = "skip", gettext_lazy("leave the record as it is")
    CREATE = "create", gettext_lazy("create another one")


class ImportDraft(models.Model):
    """导入: one file of one person on its way into one entity.

    mapping     {column: field}, a column that is left out stands for nothing
    fixed       {field: text} for fields that no column fills
    values      {field: {text of the file: text to read instead, "" for nothing}}; "*" stands for every other
    match       fields by which a row is recognised, where it has no id of the other system
    decisions   {line: Rule} for rows that were decided one by one
    signature   of the headers, by which the mapping is remembered
    """

    account_id = models.BigIntegerField()
    entity = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    folder_name = models.CharField(max_length=40, default=new_folder, editable=False)
    file = models.CharField(max_length=40)
    part = models.CharField(max_length=200, blank=True)
    header = models.PositiveIntegerField(default=0)
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    source = models.CharField(max_length=40, blank=True)
    mapping = models.JSONField(default=dict)
    fixed = models.JSONField(default=dict)
    values = models.JSONField(default=dict)
    match = models.JSONField(default=list)
    rule = models.CharField(max_length=6, choices=Rule, default=Rule.UPDATE)
    clears = models.BooleanField(default=False)
    dates = models.CharField(max_length=3, blank=True)
    numbers = models.CharField(max_length=10, blank=True)
    decisions = models.JSONField(default=dict)
    signature = models.CharField(max_length=32, blank=True)
    tally = models.JSONField(default=dict)
    job_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = gettext_lazy("import"), gettext_lazy("imports")
        indexes = [models.Index(fields=["account_id", "entity", "signature", "-id"], name="import_remembered")]

    REMEMBERED = ("mapping", "fixed", "values", "match", "rule", "clears", "dates", "numbers", "source")

    @property
    def desk(self) -> Desk:
        found = desk_of(self.entity)
        assert found is not None
        return found

    @property
    def folder(self) -> Path:
        """Where the file is; outside of everything that the server gives out by itself."""
        return Path(settings.HOME) / "imports" / "uploads" / self.folder_name

    @property
    def path(self) -> Path:
        return self.folder / self.file

    def table(self) -> Named | Listed:
        """Raises Unreadable."""
        if not self.path.is_file():
            raise Unreadable(_("The uploaded file has been cleared away. Upload it again."))
        return reading.opened(self.path, self.part, self.header, self.encoding, self.delimiter)

    def targets(self, viewer: Viewer) -> dict[str, str]:
        """{field: label} of everything that a column may fill."""
        model = self.desk.model
        found = {name: str(model._meta.get_field(name).verbose_name) for name in self.desk.fillable(viewer)}
        if self.entity in ("contact", "lead", "person") and "name" in found:
            found |= {LAST_NAME: _("last name"), FIRST_NAME: _("first name")}
        return {**found, KEY: _("id in the other system")}

    def understand(self, viewer: Viewer) -> None:
        """Guess what the columns mean; what this person chose for the same headers before comes first."""
        columns = self.table().columns
        allowed = [name for name in self.targets(viewer) if name != KEY]
        self.signature = headers.signature(columns)
        before = (
            ImportDraft.objects.filter(
                account_id=self.account_id, entity=self.entity, signature=self.signature, job_id__isnull=False
            )
            .exclude(pk=self.pk)
            .order_by("-id")
            .first()
        )
        if before is not None:
            for name in self.REMEMBERED:
                setattr(self, name, getattr(before, name))
            self.mapping = {c: f for c, f in self.mapping.items() if f in (*allowed, KEY)}
            return
        self.source = headers.system_of(columns) or "file"
        self.mapping = headers.guess(self.desk, columns, allowed)
        self.match = self.usual_match()

    def usual_match(self) -> list[str]:
        """The declared fields by which rows are recognised, if the file fills them all."""
        filled = {*self.mapping.values(), *self.fixed}
        filled |= {"name"} if filled & {FIRST_NAME, LAST_NAME} else set()
        names = [path.split(".")[0] for path in self.desk.match_on]
        return names if names and all(name in filled for name in names) else []


def begin(viewer: Viewer, desk: Desk, upload: Path, name: str) -> ImportDraft:
    """A draft for an uploaded file. Raises Unreadable; then nothing is kept."""
    assert viewer.account_id is not None
    draft = ImportDraft(account_id=viewer.account_id, entity=desk.key, name=Path(name).name[:200] or "-")
    try:
        draft.file = reading.store(upload, draft.folder).name
        found = reading.parts(draft.path)
        draft.part = best_part(desk, [part.name for part in found])
        draft.understand(viewer)
    except Exception:
        shutil.rmtree(draft.folder, ignore_errors=True)
        raise
    draft.save()
    return draft


def best_part(desk: Desk, names: list[str]) -> str:
    """The sheet or list that is called like the entity, else the first."""
    wanted = {desk.key, desk.url_name, desk.label.lower(), desk.label_plural.lower(), *_ALSO.get(desk.key, ())}
    return next((name for name in names if name.lower() in wanted), names[0] if names else "")


_ALSO = {
    "customer": ("companies", "accounts", "organizations"),
    "opportunity": ("deals",),
    "activity": ("tasks", "notes"),
    "person": ("users", "sales", "employees"),
}


@every("day", at="03:30", title=gettext_lazy("Clear out uploaded files"))
def clear_uploads(running: Running) -> dict[str, Any]:
    """Files go after a week; what was chosen for their headers is remembered."""
    old = ImportDraft.objects.filter(created_at__lt=timezone.now() - KEPT)
    gone = 0
    for draft in old.iterator():
        if draft.folder.is_dir():
            shutil.rmtree(draft.folder, ignore_errors=True)
            gone += 1
    old.filter(job_id__isnull=True).delete()
    return {"summary": lambda: _("%(n)d uploaded files cleared out.") % {"n": gone}}

"""The jobs of an import: looking at a large file, and writing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from xiaoguan.base.words import format_number
from xiaoguan.desk import jobs
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.bulk import Changed
from xiaoguan.desk.importing.draft import ImportDraft
from xiaoguan.desk.importing.intake import KINDS, Intake, RefusedFile, Row, preview
from xiaoguan.desk.importing.reading import Unreadable
from xiaoguan.desk.jobs import Job, JobError, Running, job_kind

REFUSED = "refused.csv"
TRIES = 3


def begin_check(draft: ImportDraft, viewer: Viewer) -> Job:
    return jobs.start(
        "import_check",
        viewer,
        lambda: _("Look through %(file)s") % {"file": draft.name},
        unit=lambda: _("rows"),
        draft=draft.pk,
    )


def begin_import(draft: ImportDraft, viewer: Viewer) -> Job:
    """Ask for the import of a draft. Raises PermissionDenied for one that was imported already."""
    if not ImportDraft.objects.filter(pk=draft.pk, job_id__isnull=True).update(job_id=0):
        raise PermissionDenied(_("This file has been imported already."))
    job = jobs.start(
        "import",
        viewer,
        lambda: _("Import of %(entity)s from %(file)s") % {"entity": draft.desk.label_plural, "file": draft.name},
        unit=lambda: _("rows"),
        draft=draft.pk,
    )
    ImportDraft.objects.filter(pk=draft.pk).update(job_id=job.pk)
    return job


def _draft_of(running: Running) -> ImportDraft:
    draft = ImportDraft.objects.filter(pk=running.parameters["draft"], account_id=running.job.account_id).first()
    if draft is None:
        raise JobError(_("The uploaded file has been cleared away. Upload it again."))
    return draft


@job_kind("import_check")
def check(running: Running) -> dict[str, Any]:
    """What would become of every row, kept with the draft."""
    draft = _draft_of(running)
    try:
        tally = preview(draft, running.viewer, running.progress)
    except (Unreadable, PermissionDenied) as error:
        raise JobError(str(error)) from error
    with running.step():
        ImportDraft.objects.filter(pk=draft.pk).update(tally=tally.to_json())
    return {"summary": lambda: said(tally.counts), "url": f"/import/{draft.pk}"}


@job_kind("import")
def load(running: Running) -> dict[str, Any]:
    """Write every row that is right; the others stand in a file with their reasons."""
    draft = _draft_of(running)
    try:
        intake = Intake(draft, running.viewer)
        _Loading(running, intake).go()
    except (Unreadable, PermissionDenied) as error:
        raise JobError(str(error)) from error
    counts = Counter(running.checkpoint.get("counts", {}))
    return {
        "summary": lambda: said(counts),
        "counts": {kind: counts[kind] for kind in KINDS},
        "url": draft.desk.url(),
        "revertible": bool(counts["created"] or counts["changed"]),
    }


class _Loading:
    """The steps of one import: each a batch of rows, with the line and the size of the refused file behind it."""

    def __init__(self, running: Running, intake: Intake):
        self.running, self.intake = running, intake
        self.refused: RefusedFile | None = None
        self.total = intake.table.count()

    def go(self) -> None:
        try:
            for batch in self.intake.batches(self.intake.size()):
                for row in batch:
                    self.intake.repeats(row)
                fresh = [row for row in batch if row.line > self.running.checkpoint.get("line", -1)]
                if fresh:
                    self._step(fresh)
        finally:
            if self.refused is not None:
                self.refused.close()

    def _step(self, rows: Sequence[Row]) -> None:
        """A batch; again from the start when somebody changed one of its records at the same moment."""
        for attempt in range(TRIES):
            batch = list(rows) if not attempt else [self.intake.read(row.line, row.cells) for row in rows]
            try:
                self._write(batch)
            except Changed:
                if attempt == TRIES - 1:
                    raise
            else:
                self.intake.remember(batch)
                return

    def _write(self, batch: list[Row]) -> None:
        done = self.running.checkpoint.get("done", 0) + len(batch)
        with self.running.step(done=done, total=max(done, self.total)) as mark:
            self.intake.decide(batch)
            self.intake.write(batch)
            counts = Counter(mark.get("counts", {}))
            counts.update(row.what for row in batch)
            mark |= {"counts": dict(counts), "line": batch[-1].line, "done": done}
            self._keep_refused([row for row in batch if row.what == "refused"], mark)

    def _keep_refused(self, rows: list[Row], mark: dict[str, Any]) -> None:
        if not rows:
            return
        if self.refused is None:
            path = self.running.folder / REFUSED
            self.refused = RefusedFile(path, self.intake.table.columns, mark.get("refused", 0) if path.exists() else 0)
            self.running.add_file(REFUSED)
        mark["refused"] = self.refused.add(rows, self.intake)


def said(counts: Counter[str]) -> str:
    """The counts as a sentence."""
    shown = {kind: format_number(counts[kind], get_language() or "en") for kind in KINDS}
    return (
        _("%(created)s new, %(changed)s changed, %(unchanged)s the same, %(skipped)s left alone, %(refused)s refused.")
        % shown
    )

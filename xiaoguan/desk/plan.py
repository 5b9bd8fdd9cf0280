"""Carrying out an import plan (导入): first everything is read and checked, then each table is written whole.

The first pass converts every row of every table, looks up what it refers to (in the database and among the rows that
earlier tables will create) and compares it with what is stored. Only when nothing is refused, or the refused rows are
to be left out, the second pass writes, one transaction for each table. What was converted waits in a temporary file, so
memory holds keys and not rows. Repeating a plan finds every row by its key and writes only what differs; a run that
was killed is repeated the same way.

The document is read in `mapping`, files in `tables`, values in `convert`, rows in `rows`; `loading` does one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone, translation

from xiaoguan.base.issues import Issue, has_errors
from xiaoguan.desk.keys import Keys
from xiaoguan.desk.loading import Loading, TableReport
from xiaoguan.desk.mapping import Plan, importable, load_plan
from xiaoguan.desk.records import Record
from xiaoguan.desk.rows import Files
from xiaoguan.desk.tables import TableError

Progress = Callable[[str, int, int], None]


@dataclass
class Report:
    """What became of a plan. ok: every row was right, and written unless it was a dry run."""

    plan: str
    dry_run: bool
    tables: list[TableReport] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not has_errors(self.issues)

    def to_json(self) -> dict[str, Any]:
        tables = [{**asdict(t), "seconds": f"{t.seconds:.2f}"} for t in self.tables]
        issues = [issue.to_json() for issue in self.issues]
        return {"plan": self.plan, "ok": self.ok, "dry_run": self.dry_run, "tables": tables, "issues": issues}

    def lines(self) -> Iterator[str]:
        """The report as people read it on a terminal."""
        yield f"{'':<20} {'created':>9} {'changed':>9} {'unchanged':>9} {'refused':>9} {'seconds':>8}"
        for t in self.tables:
            note = "" if t.written or self.dry_run else "   (not written)"
            yield (
                f"{t.entity:<20} {t.created:>9,} {t.changed:>9,} {t.unchanged:>9,} {t.refused:>9,}"
                f" {t.seconds:>8.1f}  {t.file}{note}"
            )
            if t.refused_file:
                yield f"{'':<20} refused rows: {t.refused_file}"
        if self.dry_run:
            yield "A dry run: nothing was written."


def run_plan(
    plan_path: str | Path,
    data_dir: str | Path,
    dry_run: bool = False,
    partial: bool = False,
    mended: str | Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Import the tables in a folder as a plan maps them.

    partial   write what is right and leave refused rows out; without it one refused row stops everything.
    mended    a file of refused rows, mended: each stands in for the line that it names.
    progress  called with (table, rows done, rows in all).
    Never raises for faulty plans or data: everything found is in the report's issues.
    """
    plan, issues = load_plan(plan_path)
    report = Report(Path(plan_path).name, dry_run, issues=issues)
    if plan is None:
        return report
    run = Run(plan, Path(data_dir), report, partial, progress or (lambda table, done, total: None))
    with translation.override("en"):  # the entities' own messages in the language of the others
        run.carry_out(Path(mended) if mended is not None else None)
    return report


class Run:
    """One carrying out of one plan: what its tables share."""

    def __init__(self, plan: Plan, folder: Path, report: Report, partial: bool, progress: Progress):
        self.plan, self.report, self.partial, self.progress = plan, report, partial, progress
        self.files = Files(folder)
        self.keys: dict[tuple[type[Record], str], Keys] = {}
        self.lacking: set[type[Record]] = set()
        moment = timezone.localtime().strftime("%Y%m%d-%H%M%S-%f")
        self.refused_folder = Path(settings.HOME) / "imports" / f"{plan.source}-{moment}"

    def carry_out(self, mended: Path | None) -> None:
        if mended is not None and not self._mend(mended):
            return
        tables = [Loading(self, table) for table in self.plan.tables]
        self.report.tables.extend(table.report for table in tables)
        try:
            for table in tables:
                table.check()
            for file, line in sorted(self.files.unused):
                self.issue(f"no table reads line {line} of {file}, which a mended row names", str(mended))
            if not self.report.dry_run and not any(table.stops for table in tables):
                for table in tables:
                    if not table.write():
                        break
        finally:
            for table in tables:
                table.close()

    def _mend(self, path: Path) -> bool:
        try:
            self.files.mend(path)
        except TableError as error:
            self.issue(error.message, str(path), error.line, hint=error.hint)
            return False
        return True

    def issue(self, message: str, file: str, line: int = 0, path: str = "", hint: str = "", code: str = "file") -> None:
        self.report.issues.append(Issue("error", message, hint, file, line, path, f"import.{code}"))

    def keys_of(self, model: type[Record], by: str = "") -> Keys:
        if (model, by) not in self.keys:
            self.keys[model, by] = Keys(model, by, self.plan.source, open_=model in self.lacking)
        return self.keys[model, by]

    def incomplete(self, model: type[Record]) -> None:
        """Not even the keys of a table of this entity are known. Rows that name its records are not refused for it."""
        self.lacking.add(model)
        for (other, _by), keys in self.keys.items():
            keys.open = keys.open or other is model

    def asked_by(self, model: type[Record]) -> list[str]:
        """The fields by which some table of the plan names records of this entity."""
        found: dict[str, None] = {}
        for table in self.plan.tables:
            for name, spec in table.fields.items():
                if spec.by and importable(table.model)[name].related_model is model:
                    found[spec.by] = None
        return list(found)

"""The locked grades, as pay reads them."""

from __future__ import annotations

from collections.abc import Iterator

from xiaoguan.appraisal.models import AppraisalCycle, AppraisalRecord
from xiaoguan.rulebook.world import LockedGrade


def locked_grades(policy_key: str) -> Iterator[LockedGrade]:
    """Every grade of a policy's locked cycles, the earlier periods first; people without a grade have none here."""
    rows = AppraisalRecord.objects.filter(cycle__policy_key=policy_key, cycle__state=AppraisalCycle.State.LOCKED)
    rows = rows.exclude(grade="").select_related("cycle").defer("lines", "steps", "interview", "appeal_text")
    for row in rows.order_by("cycle__ends_on", "cycle__starts_on", "person_id"):
        yield LockedGrade(
            appraisal=row.cycle.appraisal,
            person_id=row.person_id,
            kind=row.cycle.kind,
            start=row.cycle.starts_on,
            end=row.cycle.ends_on,
            grade=row.grade,
            score=row.exact_score,
            factor=row.exact_factor,
            locked_at=row.cycle.locked_at,
        )

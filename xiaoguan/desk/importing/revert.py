"""Taking back what a job wrote, however much it was, as a job."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from xiaoguan.desk.jobs import Running, job_kind

TOLD = 200


@job_kind("revert")
def revert(running: Running) -> dict[str, Any]:
    """Set back everything that a batch did, in one step: what it did goes as a whole, and once."""
    from xiaoguan.desk.undo import undo_batch

    if "done" not in running.checkpoint:
        with running.step() as mark:
            undone = undo_batch(running.parameters["batch"], running.viewer)
            mark["done"] = {
                "counts": [undone.done, len(undone.refused)],
                "lines": [[f"{entity} {pk}", why] for entity, pk, why in undone.refused[:TOLD]],
                "batch": undone.batch,
            }
        running.progress(undone.done, undone.done, least=0)
    found = dict(running.checkpoint["done"])
    done, left = found.pop("counts")
    return {"summary": lambda: _said(done, left), **found}


def _said(done: int, left: int) -> str:
    text = _("%(n)d records set back.") % {"n": done}
    return text + (" " + _("%(n)d were left as they are.") % {"n": left} if left else "")

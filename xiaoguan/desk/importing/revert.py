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

    if "done" in running.checkpoint:
        return dict(running.checkpoint["done"])
    with running.step() as mark:
        undone = undo_batch(running.parameters["batch"], running.viewer)
        summary = _("%(n)d records set back.") % {"n": undone.done}
        if undone.refused:
            summary += " " + _("%(n)d were left as they are.") % {"n": len(undone.refused)}
        mark["done"] = {
            "summary": summary,
            "lines": [[f"{entity} {pk}", why] for entity, pk, why in undone.refused[:TOLD]],
            "batch": undone.batch,
        }
    running.progress(undone.done, undone.done, least=0)
    return dict(running.checkpoint["done"])

"""Approvals (审批): what needs somebody's signature before it counts.

A desk declares which fields are watched and who signs; a company may set other signers (`flows`). `requests` asks,
signs, withdraws; `guards` keeps what waits or was approved from being written past it.

    approvals = (
        Approval("target", _("change of a target"), (Step(line_manager(1)), Step(holders("general_manager"))),
                 freezes=("value", "currency"), when=changed_by_more, limit=Decimal("0.1"), waits=True),
    )
"""

from xiaoguan.desk.approvals.flows import Approval, Step, holders, line_manager, role_above, this_person

__all__ = ["Approval", "Step", "holders", "line_manager", "role_above", "this_person"]

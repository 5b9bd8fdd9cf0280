"""申诉 disputes: filed by the payee within the time that the plan gives, decided by finance or operations.

What is disputed is frozen: the line with its whole explanation is copied when the dispute is filed. It ends in a
decision with a reason; with an amount, that is an entry of its own in the open period.
Source: spec/domain.md 5.7.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals.flows import chart
from xiaoguan.desk.cells import day_text
from xiaoguan.desk.notify import notice, notify
from xiaoguan.incentive.deciding import OFFICES, roles_named
from xiaoguan.incentive.models import Dispute
from xiaoguan.policy import Policy
from xiaoguan.policy.formula import Duration
from xiaoguan.rulebook import closing
from xiaoguan.rulebook.lines import spoken
from xiaoguan.rulebook.models import PayStatement, Result
from xiaoguan.rulebook.versions import document_of
from xiaoguan.rulebook.windows import last_day

DISPUTE = notice("dispute", gettext_lazy("Disputes"), "scale")
WINDOW = Duration(7, "d")
"""Where the plan says nothing."""
State = Dispute.State


# When


def window_of(policy: Policy, role: str) -> Duration:
    """The time that the plan of a role gives; the longest where several plans pay it."""
    plans = [plan for plan in policy.incentive if not plan.role or role in plan.role] or list(policy.incentive)
    given = [plan.dispute.window for plan in plans if plan.dispute is not None]
    return max(given, key=lambda one: one.count * _DAYS.get(one.unit, 1), default=WINDOW)


_DAYS = {"d": 1, "wd": 1.4, "w": 7, "m": 30, "y": 365}


def deadline(statement: PayStatement) -> date | None:
    """The last day to dispute it; None as long as the period was not reviewed."""
    at = statement.period.reviewed_at
    if at is None or statement.run is None:
        return None
    policy = document_of(statement.run.policy)
    role = next((who for who in _roles(statement)), "")
    return last_day(policy, window_of(policy, role), timezone.localdate(at))


def _roles(statement: PayStatement) -> list[str]:
    from xiaoguan.people.chart import people_with_roles

    policy = document_of(statement.run.policy)  # type: ignore[union-attr]
    roles = {role for plan in policy.incentive for role in plan.role}
    held = people_with_roles(roles, statement.period.starts_on, statement.period.ends_on)
    return [code for code, _start, _end in reversed(held.get(statement.person_id, []))]


# Filing


def earnings_of(statement: PayStatement) -> list[Result]:
    """The lines of a statement, in its order."""
    rows = Result.objects.filter(run_id=statement.run_id, person_id=statement.person_id, kind=Result.Kind.EARNING)
    return list(rows.order_by("id")) if statement.run_id else []


@transaction.atomic
def file(
    statement: PayStatement, by: Viewer, text: str, result: Result | None = None, expected: int | None = None
) -> Dispute:
    """Dispute a line (an earning of this statement), or the total. Raises ValidationError after the deadline."""
    until = deadline(statement)
    today = timezone.localdate()
    if until is not None and today > until:
        raise ValidationError(_("The time to dispute it ended on %(day)s.") % {"day": day_text(until)})
    if result is None:
        result = Result.objects.filter(
            run_id=statement.run_id, person_id=statement.person_id, kind=Result.Kind.TOTAL
        ).first()
        label, units = _("the whole statement"), statement.payable_units
    else:
        label, units = spoken(result.label), result.value or 0
    if Dispute.objects.filter(statement=statement, result=result, state__in=Dispute.PENDING).exists():
        raise ValidationError(_("There is a dispute about this already: wait for its decision, or withdraw it."))
    dispute = Dispute(
        subject=f"{statement.label} · {label}"[:240],
        statement=statement,
        person_id=statement.person_id,
        result=result,
        frozen={"trace": result.trace if result else {}, "total": statement.payable_units, "run": statement.run_id},
        text=text,
        disputed=units,
        expected=expected,
        currency=statement.currency,
        filed_on=today,
        due_on=until,
    )
    dispute.save()
    statement.step(state=PayStatement.State.DISPUTED)
    notify(_deciders(statement), DISPUTE, gettext_noop("%(actor)s disputes: %(title)s"), record=dispute)
    return dispute


def _deciders(statement: PayStatement) -> set[int]:
    """Who decides: finance and operations, and the roles that the plan names."""
    roles = {*OFFICES, *(roles_named(statement.run.policy.digest) if statement.run else ())}
    return {pk for code in roles for pk in chart().holders(code)} - {statement.person_id}


# Deciding


def _not_ones_own(dispute: Dispute, by: Viewer) -> None:
    if by.person_id is not None and by.person_id == dispute.person_id:
        raise PermissionDenied(_("Nobody decides their own dispute."))


@transaction.atomic
def answer(dispute: Dispute, by: Viewer, text: str) -> None:
    """Say how it came about, before it is decided."""
    _not_ones_own(dispute, by)
    dispute.step(state=State.ANSWERED, answer=text)
    _tell(dispute, gettext_noop("%(actor)s answered your dispute: %(title)s"))


@transaction.atomic
def accept(dispute: Dispute, by: Viewer, reason: str, units: int | None = None) -> None:
    """The person is right. With an amount it is posted as an adjustment in the open period; below zero it takes."""
    _not_ones_own(dispute, by)
    statement = dispute.statement
    values: dict[str, Any] = {}
    if units:
        cause = f"{dispute.subject}: {reason}"
        entry = closing.correct(dispute.person, statement.period, units, dispute.currency, cause, dispute.pk)
        values = {"granted_units": units, "entry_id": entry.pk}
    _decided(dispute, by, State.ACCEPTED, reason, **values)
    _tell(dispute, gettext_noop("Your dispute was accepted: %(title)s"))


@transaction.atomic
def reject(dispute: Dispute, by: Viewer, reason: str) -> None:
    """The statement is right."""
    _not_ones_own(dispute, by)
    _decided(dispute, by, State.REJECTED, reason)
    _tell(dispute, gettext_noop("Your dispute was rejected: %(title)s"))


@transaction.atomic
def withdraw(dispute: Dispute, by: Viewer) -> None:
    """The person takes it back."""
    dispute.step(state=State.WITHDRAWN)
    _settled(dispute)
    notify(_deciders(dispute.statement), DISPUTE, gettext_noop("%(actor)s withdrew: %(title)s"), record=dispute)


def _decided(dispute: Dispute, by: Viewer, state: str, reason: str, **values: Any) -> None:
    dispute.step(state=state, reason=reason, decided_by_id=by.person_id, decided_at=timezone.now(), **values)
    _settled(dispute)


def _settled(dispute: Dispute) -> None:
    """With the last pending dispute gone, the statement waits for its confirmation again."""
    statement = PayStatement.objects.get(pk=dispute.statement_id)
    pending = statement.disputes.filter(state__in=Dispute.PENDING).exists()
    if statement.state == PayStatement.State.DISPUTED and not pending:
        statement.step(state=PayStatement.State.OPEN)


def _tell(dispute: Dispute, text: str) -> None:
    notify([dispute.person_id], DISPUTE, text, record=dispute)

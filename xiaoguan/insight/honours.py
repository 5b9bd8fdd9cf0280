"""表彰: after a period has ended, the best by the rules of the policy in force are honoured, once they are known.

A rule by an appraisal waits until that is locked, at most until the next period has ended. What was given stays.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from xiaoguan.base.periods import Period
from xiaoguan.desk.jobs import Running, every
from xiaoguan.desk.notify import notice, notify
from xiaoguan.insight.models import Honour, HonourBasis
from xiaoguan.policy import Policy
from xiaoguan.policy.document import Recognition
from xiaoguan.policy.honours import Honoured, honoured
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import document_of, in_force
from xiaoguan.rulebook.world import DatabaseWorld, Participants

HONOUR = notice("honour", gettext_lazy("Honours"), "award")
TOLD = gettext_noop("You are number %(rank)d: %(rule)s, %(period)s")


@every("day", at="01:30", title=gettext_lazy("Honour the best of the last period"))
def honour(running: Running) -> dict[str, Any]:
    """Each rule of each policy in force, for the last period that has ended."""
    day, given = timezone.localdate(), 0
    for version in in_force(day):
        policy = document_of(version)
        for rule in policy.recognition:
            period = _ended(policy, rule, day)
            if period is None or period.start < policy.header.effective.start or _given(policy, rule, period):
                continue
            people = list(Participants(policy, period).people.values())
            here = [who for who in people if who.left_on is None or who.left_on > day]
            found = honoured(policy, rule, here, period, DatabaseWorld(policy, paying=False))
            with running.step():
                for one in found:
                    _give(version, policy, rule, period, one, day)
                given += len(found)
    return {"summary": _("%(n)d honours given.") % {"n": given}}


def _ended(policy: Policy, rule: Recognition, day: date) -> Period | None:
    """The last period of the rule that is over; None where the calendar does not know it."""
    try:
        return policy.calendar.period(rule.period, policy.calendar.period(rule.period, day).start - timedelta(days=1))
    except ValueError:
        return None


def _given(policy: Policy, rule: Recognition, period: Period) -> bool:
    return Honour.objects.filter(policy_key=policy.id, rule=rule.id, starts_on=period.start).exists()


def _give(version: PolicyVersion, policy: Policy, rule: Recognition, period: Period, one: Honoured, day: date) -> None:
    row = Honour(
        name=(rule.name or rule.id)[:160],
        rule=rule.id,
        policy_key=policy.id,
        person_id=int(one.who.key),
        team_id=int(one.group) if one.group.isdigit() else None,
        rank=one.rank,
        label=period.label,
        starts_on=period.start,
        given_on=day,
    )
    row.save()
    HonourBasis.objects.create(honour=row, policy=version, trace=one.line.to_json())
    said = {"rank": one.rank, "rule": row.name, "period": period.label}
    notify([row.person_id], HONOUR, TOLD, record=row, values=said)

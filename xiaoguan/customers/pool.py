"""公海: who may claim a customer by the policy in force, and the approvals of leaving the pool and of coming back."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from xiaoguan.base.periods import CalendarGap
from xiaoguan.base.words import format_date
from xiaoguan.customers.models import Claimed, Customer, Lead
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals import Approval, Step, guards, line_manager
from xiaoguan.desk.approvals.requests import request_approval
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.models import Event
from xiaoguan.people.models import Person, TrainingResult
from xiaoguan.policy.document.process import Claim
from xiaoguan.policy.formula import Duration
from xiaoguan.rulebook.daily import ruling
from xiaoguan.rulebook.process import calendar_in_force

DAY = timedelta(days=1)


Look = Callable[[Collection[int]], None]
_looks: dict[str, tuple[Callable[[], Q], Look]] = {}


def look_again_with(name: str, marked: Callable[[], Q], work: Look) -> None:
    """A floor above, that knows orders and activities, marks customers and says here how those marked are reckoned."""
    _looks[name] = marked, work


def look_again(ids: Collection[int]) -> None:
    """Those of these customers that are marked as due, or to go back to the pool soon, are reckoned anew.

    Two thousand ids in a question cost an import more than what lies between them: its ids are neighbours, or all of
    them come in order.
    """
    if not ids:
        return
    every = reduce(or_, (marked() for marked, _work in _looks.values()), Q(pk__in=()))
    near = Customer.objects.filter(every, pk__range=(min(ids), max(ids))).values_list("pk", flat=True)
    wanted = set(ids)
    if not (found := [pk for pk in near if pk in wanted]):
        return
    for marked, work in _looks.values():
        if own := list(Customer.objects.filter(marked(), pk__in=found).values_list("pk", flat=True)):
            work(own)


def _leaves(record: Any, limit: Any) -> bool:
    return record.stored("owner_id") is None and record.owner_id is not None


def _returns(record: Any, limit: Any) -> bool:
    return record.stored("owner_id") is not None and record.owner_id is None


def _approval(name: str, label: Any, when: Any) -> Approval:
    """Not needed unless the company says so."""
    return Approval(name, label, (Step(line_manager(1)),), freezes=("owner",), when=when, waits=True, active=False)


APPROVALS = (
    _approval("claim", gettext_lazy("leaving the pool"), _leaves),
    _approval("release", gettext_lazy("return to the pool"), _returns),
)


def give(record: Customer | Lead, owner: int | None, name: str, by: Viewer, note: str = "") -> None:
    """Write the owner, or ask for the approval of that name first where the company wants one."""
    desk = desk_of(type(record))
    assert desk is not None
    record.owner_id = owner
    if by.person_id is not None and guards.needs(desk, guards.approval_of(desk, name), record):
        record.owner_id = record.stored("owner_id")
        request_approval(name, record, by, note, {"owner_id": owner}, entitled=True)
    else:
        record.save()


def check(customer: Customer, by: Viewer) -> None:
    """Raise ValidationError where the policy in force does not let this person claim this customer today."""
    found = ruling("pool")
    rule: Claim | None = found.section.claim if found is not None else None
    if rule is None or found is None or by.person_id is None:
        return
    Person.objects.select_for_update().filter(pk=by.person_id).first()  # two claims at once count one after the other
    told: dict[str, Any] = {"policy": found.policy}
    if rule.per_day is not None:
        today = Claimed.objects.filter(person=by.person_id, on=timezone.localdate()).count()
        if today >= rule.per_day:
            text = _("You have claimed %(n)d customers today; %(policy)s allows %(limit)d a day. Go on tomorrow.")
            raise ValidationError(text % {**told, "n": today, "limit": rule.per_day})
    if rule.holding_limit is not None:
        held = Customer.objects.filter(owner=by.person_id).count()
        if held >= rule.holding_limit:
            text = _("You look after %(n)d customers; %(policy)s allows %(limit)d. Release one first.")
            raise ValidationError(text % {**told, "n": held, "limit": rule.holding_limit})
    left = _given_up(customer, by.person_id) if rule.cool_down is not None else None
    if left is not None and rule.cool_down is not None:
        again = until(left, rule.cool_down)
        if timezone.localdate() < again:
            days = {"day": _day(timezone.localdate(left)), "from": _day(again)}
            text = _("This customer was yours until %(day)s; by %(policy)s you may claim it again from %(from)s.")
            raise ValidationError(text % {**told, **days})


def check_trained(by: Viewer) -> None:
    """Raise ValidationError where the policy in force gives leads only to whoever has passed its onboarding courses.

    Where no result of any training is kept, nothing is known and nothing is asked.
    """
    found = ruling("training")
    first = found.section.onboarding if found is not None else None
    if first is None or first.until_passed is None or first.until_passed.leads != "none" or by.person_id is None:
        return
    if not TrainingResult.objects.exists():
        return
    own = TrainingResult.objects.filter(person=by.person_id).values_list("course", "mark")
    passed = {course for course, mark in own if first.mark is None or (mark is not None and mark >= first.mark)}
    if left := [course for course in first.courses if course not in passed]:
        text = _("By %(policy)s you get leads when you have passed: %(courses)s.")
        raise ValidationError(text % {"policy": found.policy if found else "", "courses": _(", ").join(left)})


def _day(day: date) -> str:
    return format_date(day, get_language() or "en")


def _given_up(customer: Customer, person: int) -> datetime | None:
    """When this person lost the customer last, by whatever way; None if it never was theirs."""
    events = Event.objects.filter(entity="customer", record_id=customer.pk, deed="changed").order_by("-id")
    for changes, at in events.values_list("changes", "at").iterator(100):
        if changes.get("owner_id", [None])[0] == person:
            return at
    return None


def until(moment: datetime, wait: Duration) -> date:
    """The first day after this long a time; working days by the calendar of the policy, as far as it knows them."""
    if wait.unit == "h":
        return timezone.localdate(moment + timedelta(hours=wait.count))
    day = timezone.localdate(moment)
    if wait.unit != "wd":
        return wait.after(day)
    calendar, left = calendar_in_force(), wait.count
    while left > 0:
        day += DAY
        try:
            left -= calendar.is_working_day(day)
        except CalendarGap:
            left -= day.weekday() < 5
    return day

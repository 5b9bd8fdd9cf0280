"""公海回收: every night the pool's rules of the policy in force are asked of every customer that somebody has.

A rule that will hold within HORIZON days marks the customer, so that lists show what is to go back and when. So many
days before as the rule says its owner is warned; a customer goes back on its day, and never sooner after the warning
than that. What waits for an approval of its owner, and whoever the policy excludes, stays. Running it twice on a day
changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, pgettext_lazy

from xiaoguan.customers.models import Customer, PutOff
from xiaoguan.customers.pool import look_again_with, until
from xiaoguan.desk import Verb
from xiaoguan.desk.access import Rule, Viewer, role_label
from xiaoguan.desk.approvals import guards
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import acting
from xiaoguan.desk.jobs import Running, every
from xiaoguan.desk.notify import notice, notify
from xiaoguan.policy.document.process import Recycle
from xiaoguan.policy.recycling import Due, Recycling
from xiaoguan.rulebook.daily import ruling
from xiaoguan.rulebook.versions import document_of
from xiaoguan.sales.knowing import Portfolio, Questions, keep_marks

HORIZON, SOME = 30, 500
"""So many days ahead customers are marked; so many are looked at in one step."""
POOL = notice("pool", gettext_lazy("Customers that go back to the pool"), "arrow-back-up")
WARNED = gettext_noop("%(title)s goes back to the pool on %(day)s: %(rule)s")
GONE = gettext_noop("%(title)s went back to the pool: %(rule)s")
WARNED_MANY = gettext_noop("%(n)d customers go back to the pool, the first on %(day)s: %(names)s …")
GONE_MANY = gettext_noop("%(n)d customers went back to the pool: %(names)s …")
MARKS = ("recycle_on", "recycle_rule", "recycle_warned_on")
NOTHING = dict(zip(MARKS, (None, "", None), strict=True))


class Rules:
    """The rules in force on a day, and the policy that they stand in."""

    def __init__(self, day: date):
        self.day = day
        found = ruling("pool", day)
        self.policy = document_of(found.version) if found is not None else None
        self.named = found.policy if found is not None else ""
        self.recycling = Recycling(self.policy) if self.policy is not None else None

    @property
    def asked(self) -> bool:
        return self.recycling is not None and bool(self.recycling.rules)

    def rule(self, rule_id: str) -> Recycle | None:
        """The rule that is carried out by this id."""
        rules = self.recycling.rules if self.recycling is not None else []
        return next((rule for rule, _asked in rules if rule.id == rule_id), None)

    @cached_property
    def questions(self) -> Questions:
        assert self.policy is not None and self.recycling is not None
        return Questions(self.policy, self.recycling.names, self.day)


class _Chunk(Portfolio):
    """Some customers, and by how much their return was put off."""

    def __init__(self, rules: Rules, customers: Sequence[Customer]):
        super().__init__(rules.questions, customers)
        self.rules = rules

    @cached_property
    def put_off(self) -> Mapping[int, Mapping[str, list[int]]]:
        """{customer: {rule: [days]}} since they have their present owner."""
        found: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for pk, rule, days, at in PutOff.objects.filter(customer__in=self.ids).values_list(
            "customer_id", "rule", "days", "at"
        ):
            if at >= self.since[pk]:
                found[pk][rule].append(days)
        return found

    def due(self, customer: Customer) -> Due | None:
        assert self.rules.recycling is not None
        shifts = {rule: sum(days) for rule, days in self.put_off.get(customer.pk, {}).items()}
        return self.rules.recycling.first(self.known(customer), HORIZON, shifts)


def _mark(chunk: _Chunk, customer: Customer) -> tuple[Due | None, bool]:
    """Write onto the customer, unsaved, when it goes back and by which rule; whether its owner is to be warned now."""
    due = chunk.due(customer) if customer.owner_id is not None else None
    if due is None:
        customer.recycle_on, customer.recycle_rule, customer.recycle_warned_on = None, "", None
        return None, False
    day, then, warned = chunk.rules.day, chunk.rules.day + timedelta(days=due.days), customer.recycle_warned_on
    had, before = timezone.localdate(chunk.since[customer.pk]), customer.recycle_on
    if warned and (customer.recycle_rule != due.rule.id or warned <= had or (before and before < then)):
        warned = None  # it was another rule, another owner, or was put off by a contact or by somebody
    earliest = until(_noon(warned or day), due.rule.warn) if due.rule.warn is not None else day
    customer.recycle_on = max(then, earliest)
    customer.recycle_rule, customer.recycle_warned_on = due.rule.id, warned
    return due, due.rule.warn is not None and warned is None and then <= earliest


def _noon(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day, 12))


# Looking and carrying out


def look(ids: Collection[int]) -> None:
    """Mark these customers as they are now, unless nothing speaks for it any more."""
    rules = Rules(timezone.localdate())
    if not rules.asked:
        Customer.objects.filter(pk__in=ids).update(**NOTHING)
        return
    customers = list(Customer.objects.filter(pk__in=ids).order_by("pk"))
    before = _marks(customers)
    chunk = _Chunk(rules, customers)
    for customer in customers:
        _mark(chunk, customer)
    _keep(customers, before)


def _marks(customers: Iterable[Customer]) -> dict[int, list[Any]]:
    return {customer.pk: [getattr(customer, name) for name in MARKS] for customer in customers}


def _keep(customers: Sequence[Customer], before: Mapping[int, list[Any]]) -> None:
    """Write the marks that are other ones; they are no change of the record, as what is derived is none."""
    after = _marks(customers)
    changed = [customer for customer in customers if after[customer.pk] != before[customer.pk]]
    keep_marks(changed, MARKS)


@every("day", at="00:30", title=gettext_lazy("Take customers back into the public pool"))
def recycle_customers(running: Running) -> dict[str, Any]:
    """Mark, warn and take back, some customers of one owner in a step, so that an owner is told once."""
    rules = Rules(timezone.localdate())
    told = {"warned": 0, "gone": 0, "owner": 0, "after": 0, **running.checkpoint}
    if not rules.asked:
        Customer.objects.filter(recycle_on__isnull=False).update(**NOTHING)
    while rules.asked and (customers := _some(told["owner"], told["after"])):
        told["owner"], told["after"] = customers[-1].owner_id, customers[-1].pk
        with running.step() as mark:
            warned, gone = _carry_out(_Chunk(rules, customers))
            told["warned"] += warned
            told["gone"] += gone
            mark |= told
    numbers = {"gone": told["gone"], "warned": told["warned"]}
    return {
        "summary": lambda: (
            _("%(gone)d customers went back to the pool, the owners of %(warned)d were warned.") % numbers
        )
    }


def _some(owner: int, after: int) -> list[Customer]:
    """The next customers of this owner; of the next one where there are none."""
    mine = Customer.objects.filter(owner=owner, pk__gt=after).order_by("pk")
    if found := list(mine[:SOME]):
        return found
    following = Customer.objects.filter(owner__gt=owner).order_by("owner").values_list("owner", flat=True).first()
    return _some(following, 0) if following is not None else []


def _carry_out(chunk: _Chunk) -> tuple[int, int]:
    """How many were warned and how many went back."""
    before, owner = _marks(chunk.customers), chunk.customers[0].owner_id
    warned: list[tuple[Customer, Due]] = []
    leaving: list[tuple[Customer, Due]] = []
    gone: list[tuple[Customer, Due]] = []
    for customer in chunk.customers:
        due, warn = _mark(chunk, customer)
        if due is not None and warn:
            customer.recycle_warned_on = chunk.rules.day
            warned.append((customer, due))
        elif due is not None and customer.recycle_on is not None and customer.recycle_on <= chunk.rules.day:
            leaving.append((customer, due))
    _keep(chunk.customers, before)
    for customer, due in leaving:
        with suppress(guards.Frozen):  # somebody has asked for another owner: it stays until that is decided
            _take_back(customer.pk, due, chunk.rules.named)
            gone.append((customer, due))
    _tell(owner, warned, WARNED, WARNED_MANY, "owner=me&where=recycle_on:next:14&sort=recycle_on")
    _tell(owner, gone, GONE, GONE_MANY, "owner=none")
    return len(warned), len(gone)


def _tell(owner: int | None, found: Sequence[tuple[Customer, Due]], one: str, many: str, query: str) -> None:
    """One notification, however many they are; query: the list that shows them."""
    if not found:
        return
    customer, due = min(found, key=lambda pair: (pair[0].recycle_on, pair[0].pk))
    values = {"day": str(customer.recycle_on), "rule": due.rule.name or due.rule.id}
    if len(found) == 1:
        notify([owner], POOL, one, record=customer, values=values)
        return
    desk = desk_of(Customer)
    assert desk is not None
    values |= {"n": len(found), "names": ", ".join(str(other) for other, _due in found[:3])}
    notify([owner], POOL, many, values=values, url=f"{desk.url()}?{query}")


@transaction.atomic
def _take_back(pk: int, due: Due, policy: str) -> None:
    """The change of its owner says by which rule and what was counted."""
    customer, rule = Customer.objects.get(pk=pk), due.rule.name or due.rule.id
    counted = _(", ").join(_("%(n)d days") % {"n": days} for days in due.counted.values())
    customer.owner_id = None
    with acting(None, "system", " · ".join(filter(None, (rule, counted, policy)))[:200]):
        customer.save()


look_again_with("recycling", lambda: Q(recycle_on__isnull=False), look)


# Putting it off


class PutOffReturn(Verb):
    """延期: the customer stays for some days more, as often as the rule allows it."""

    name = "put_off"
    label, icon = gettext_lazy("Put off its return"), "hourglass"
    told = pgettext_lazy("history", "put off its return")
    means = gettext_lazy("The customer stays some days longer, as often as the rule allows it.")
    fields = {"reason": forms.CharField(label=gettext_lazy("Reason"), max_length=200)}

    def allowed(self, record: Customer) -> bool:
        return _extendable(record) is not None

    def may(self, viewer: Viewer, record: Any, write: Rule) -> bool:
        rule = _extendable(record)
        may = rule is not None and rule.extend is not None and viewer.has(*rule.extend.by)
        return may and super().may(viewer, record, write)

    def do(self, record: Customer, by: Viewer, reason: str = "", **values: Any) -> None:
        rule = _extendable(record)
        assert rule is not None and rule.extend is not None
        if not by.has(*rule.extend.by) or by.person_id is None:
            who = _(" or ").join(str(role_label(code)) for code in rule.extend.by)
            raise ValidationError(_("By the policy %(who)s may put this off.") % {"who": who})
        PutOff.objects.create(customer=record, person_id=by.person_id, rule=rule.id, days=rule.extend.days)
        look([record.pk])


def _extendable(record: Customer) -> Recycle | None:
    """The rule by which it is to go back, if that may still be put off."""
    if record.recycle_on is None or record.owner_id is None:
        return None
    rules = Rules(timezone.localdate())
    rule = rules.rule(record.recycle_rule)
    if rule is None or rule.extend is None:
        return None
    used = _Chunk(rules, [record]).put_off.get(record.pk, {}).get(rule.id, [])
    return rule if len(used) < rule.extend.times else None

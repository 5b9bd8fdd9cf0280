"""折扣审批: what an order gives away, and who must sign for it by the discount levels of the policy.

The policy in force on the day of the order says it. A discount is 1 - net / list, of each line and of the whole order;
the stricter one decides. Levels are cumulative: those above what the order's owner or its writer may approve sign,
lowest first, up to the level that covers the discount; a margin below the floor asks for one more. An order for which
nobody has signed yet is a draft, which counts nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from xiaoguan.base.money import minor_unit
from xiaoguan.base.words import format_money, format_percent
from xiaoguan.desk.access import Viewer, role_label
from xiaoguan.desk.approvals import Approval, Step, guards, role_above
from xiaoguan.desk.approvals.flows import chart
from xiaoguan.desk.approvals.requests import last_approved
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.events import acting, current_actor
from xiaoguan.desk.merging import MERGED
from xiaoguan.desk.models import Event
from xiaoguan.policy.document import Discount
from xiaoguan.rulebook.daily import Ruling, ruling
from xiaoguan.sales.models import Order, OrderLine, Product

WORTH = frozenset({"order_id", "product_id", "quantity", "net_amount_units", "currency"})
"""The columns of a line by which its discount may change."""
SHOWN = 3
"""So many reasons are told, those that give most away."""


@dataclass(frozen=True)
class Given:
    """What one line (None: the whole order) is sold for, beside its base and cost; all in units of money.

    sold     what its lines are sold for; another than `net` where an order is not the sum of them
    slack    how far it may be off by rounding: half of the minor unit for each amount in it
    """

    line: OrderLine | None
    currency: str
    net: Fraction
    sold: Fraction
    base: Fraction | None
    cost: Fraction | None
    slack: Fraction

    @property
    def discount(self) -> Fraction | None:
        return None if not self.base else 1 - self.net / self.base

    @property
    def margin(self) -> Fraction | None:
        return None if self.cost is None or self.net <= 0 else 1 - self.cost / self.net

    def above(self, limit: Fraction) -> bool:
        """Whether more is given away than this share of the base, by more than rounding."""
        return self.base is not None and self.base * (1 - limit) - self.net > self.slack

    def below(self, floor: Fraction) -> bool:
        """Whether less than this share of the price is left over the cost, by more than rounding."""
        return self.cost is not None and self.cost - self.net * (1 - floor) > self.slack


@dataclass(frozen=True)
class Need:
    """One reason for a signature. levels: places of the levels that sign, lowest first; floor: the margin asks too."""

    given: Given
    levels: tuple[int, ...]
    floor: bool
    too_high: bool


@dataclass(frozen=True)
class Verdict:
    order: Order
    ruling: Ruling
    needs: tuple[Need, ...]

    @property
    def rule(self) -> Discount:
        return self.ruling.section

    def steps(self) -> tuple[Step, ...]:
        """Who signs: each level once, then whoever answers for a margin below the floor."""
        levels = sorted({level for need in self.needs for level in need.levels})
        roles = [self.rule.levels[level].approve for level in levels]
        if self.rule.floor is not None and any(need.floor for need in self.needs):
            roles += [self.rule.floor.approve] if self.rule.floor.approve not in roles else []
        owner = self.order.owner_id
        return tuple(Step(reduce(or_, (role_above(code, owner) for code in codes))) for codes in roles)

    def refusal(self) -> str:
        """Why nobody may approve it; "" if somebody may."""
        found = next((need for need in self.needs if need.too_high), None)
        return _refusal(self.ruling, found.given) if found is not None else ""

    def told(self) -> dict[str, Any]:
        """The reasons in plain values, as a request keeps them."""
        lines = [need for need in self.needs if need.given.line is not None]
        needs = lines + [need for need in self.needs if need.given.line is None and not _said(need, lines)]
        return {"policy": self.ruling.policy, "base": self.rule.base, "found": [self._one(need) for need in needs]}

    def _one(self, need: Need) -> dict[str, Any]:
        line, rule = need.given.line, self.rule
        found: dict[str, Any] = {"line": line.position if line else None, "product": str(line.product) if line else ""}
        if line is None:
            found |= {"net": int(need.given.net), "lines": int(need.given.sold), "currency": self.order.currency}
        if need.levels:
            found |= {
                "discount": _text(need.given.discount),
                "up_to": _text(rule.levels[need.levels[-1]].up_to),
                "who": [list(rule.levels[level].approve) for level in need.levels],
            }
        if need.floor and rule.floor is not None:
            found |= {
                "margin": _text(need.given.margin),
                "floor": _text(rule.floor.margin),
                "floor_who": list(rule.floor.approve),
            }
        return found


def _said(whole: Need, lines: Sequence[Need]) -> bool:
    """Whether the lines say already all that the whole order asks for."""
    levels = {level for need in lines for level in need.levels}
    return levels.issuperset(whole.levels) and (not whole.floor or any(need.floor for need in lines))


def _text(value: Fraction | None) -> str | None:
    return None if value is None else f"{float(value):.6f}"


def _refusal(found: Ruling, given: Given) -> str:
    last = found.section.levels[-1]
    told = {
        "what": _what(given.line.position, str(given.line.product)) if given.line else _what(None, ""),
        "discount": _percent(given.discount),
        "limit": _percent(last.up_to),
        "who": _any_of(last.approve),
        "policy": found.policy,
    }
    text = _("%(what)s: a discount of %(discount)s is above the last level of %(policy)s, %(limit)s (%(who)s).")
    return text % told + (_unequal(given.net, given.sold, given.currency) if given.line is None else "")


def _unequal(net: Any, lines: Any, currency: str) -> str:
    """What may be the reason of the discount of a whole order: that it was not kept equal to its lines."""
    if net == lines:
        return ""
    shown = [format_money(int(units), currency, get_language() or "en") for units in (net, lines)]
    return _(" Its net amount is %(net)s, that of its lines %(lines)s.") % {"net": shown[0], "lines": shown[1]}


def _percent(value: Any) -> str:
    return format_percent(Fraction(value), get_language() or "en") if value is not None else "–"


def _any_of(codes: Iterable[str]) -> str:
    return _(" or ").join(str(role_label(code)) for code in codes)


def _what(line: int | None, product: str) -> str:
    return _("Whole order") if line is None else _("Line %(n)d, %(product)s") % {"n": line, "product": product}


# What is given away


def _line(line: OrderLine, rule: Discount) -> Given:
    """A price that is kept in another currency is not known; without a list price the unit price stands for it."""
    product, quantity = line.product, Fraction(line.quantity)
    same = product.currency == line.currency
    cost = product.cost_units * quantity if same and product.cost_units is not None else None
    listed = product.list_price_units if same and product.list_price_units is not None else line.unit_price_units
    base = listed * quantity if rule.base == "list_price" else cost
    slack = Fraction(minor_unit(line.currency), 2)
    net = Fraction(line.net_amount_units)
    return Given(line, line.currency, net, net, base if base and base > 0 else None, cost, slack)


def _all(order: Order, lines: Sequence[OrderLine], rule: Discount) -> list[Given]:
    """Each line, and the whole where its lines are all in its currency and their base is known."""
    found = [_line(line, rule) for line in lines]
    bases = [given.base for given in found if given.base is not None]
    costs = [given.cost for given in found if given.cost is not None]
    if len(bases) == len(found) and all(line.currency == order.currency for line in lines):
        net, slack = Fraction(order.net_amount_units), sum((given.slack for given in found), Fraction(0))
        cost = sum(costs, Fraction(0)) if len(costs) == len(found) else None
        sold = sum((given.net for given in found), Fraction(0))
        found.append(Given(None, order.currency, net, sold, sum(bases, Fraction(0)), cost, slack))
    return found


# Who must sign


def judge(order: Order, touched: Collection[int] | None = None) -> Verdict | None:
    """What of the order needs a signature that nobody has given; None if nothing does.

    touched    only these lines, and the whole, count
    """
    found = ruling("discount", order.ordered_on)
    lines = sorted(order.lines.all(), key=lambda line: (line.position, line.pk))
    if found is None or not lines or not (found.section.levels or found.section.floor):
        return None
    rule: Discount = found.section
    own = _Own(order.owner_id)
    needs = []
    for given in _all(order, lines, rule):
        if touched is None or given.line is None or given.line.pk in touched:
            need = _need(given, rule, own)
            if need.levels or need.floor or need.too_high:
                needs.append(need)
    if not needs:
        return None
    covered = _signed_for(order, lines)
    left = tuple(need for need in needs if not covered(need.given))
    return Verdict(order, found, left) if left else None


class _Own:
    """What the order's owner or whoever writes it may approve; asked of the organisation only where it matters."""

    def __init__(self, owner: int | None):
        self.people = {owner, current_actor().person_id} - {None}
        self._known: dict[str, bool] = {}

    def may(self, codes: Iterable[str]) -> bool:
        return any(self._holds(code) for code in codes)

    def _holds(self, code: str) -> bool:
        if code not in self._known:
            self._known[code] = not self.people.isdisjoint(chart().holders(code))
        return self._known[code]


def _need(given: Given, rule: Discount, own: _Own) -> Need:
    beyond = [place for place, level in enumerate(rule.levels) if given.above(level.up_to)]
    covering = len(beyond)
    too_high = bool(rule.levels) and covering == len(rule.levels)
    levels: tuple[int, ...] = ()
    if rule.levels and not too_high and given.above(Fraction(0)):
        free = max((place for place, level in enumerate(rule.levels) if own.may(level.approve)), default=-1)
        levels = tuple(range(free + 1, covering + 1))
    floor = rule.floor is not None and given.below(rule.floor.margin) and not own.may(rule.floor.approve)
    return Need(given, levels, floor, too_high)


def _signed_for(order: Order, lines: Sequence[OrderLine]) -> Any:
    """A question: whether what was approved last covers this. It does while product and quantity are the same and the
    price is no lower; of the whole order while that holds for all its lines."""
    desk = desk_of(Order)
    request = last_approved(desk, "discount", order.pk) if desk is not None and order.pk else None
    if request is None:
        return lambda given: False
    before = {row["pk"]: row for row in request.snapshot.get("lines", ())}
    changed = request.changes.get("net_amount_units")
    net = changed[1] if changed else request.snapshot.get("net_amount_units", 0)

    def same(line: OrderLine) -> bool:
        row = before.get(line.pk)
        if row is None or (row["product_id"], row["currency"]) != (line.product_id, line.currency):
            return False
        return Fraction(row["quantity"]) == Fraction(line.quantity) and line.net_amount_units >= row["net_amount_units"]

    def covered(given: Given) -> bool:
        if given.line is not None:
            return same(given.line)
        return order.net_amount_units >= net and all(map(same, lines))

    return covered


# What stands in the way


def _asks(record: Order) -> bool:
    """Whether it is being signed, or as a signed one gets worth less, or comes under another rule."""
    if record.stored("status") != Order.Status.SIGNED:
        return True
    if record.stored("currency") != record.currency or record.net_amount_units < record.stored("net_amount_units"):
        return True
    day = record.stored("ordered_on")
    return day != record.ordered_on and ruling("discount", day) != ruling("discount", record.ordered_on)


def needed(record: Order, limit: Any) -> bool:
    """Whether this order may not be signed without a signature. Raises Refused where nobody may give it."""
    if record.status != Order.Status.SIGNED or not _asks(record):
        return False
    verdict = judge(record)
    if verdict is not None and (why := verdict.refusal()):
        raise guards.Refused(why)
    return verdict is not None


def steps(record: Order) -> tuple[Step, ...]:
    verdict = judge(record)
    return verdict.steps() if verdict is not None else ()


def told(record: Order) -> dict[str, Any]:
    verdict = judge(record)
    return verdict.told() if verdict is not None else {}


def offers(record: Order) -> dict[str, Any]:
    """A draft whose discount needs a signature may be asked to be signed. Raises Refused where nobody may."""
    if record.status != Order.Status.DRAFT:
        return {}
    verdict = judge(record)
    if verdict is not None and (why := verdict.refusal()):
        raise guards.Refused(why)
    return {"status": Order.Status.SIGNED.value} if verdict is not None else {}


def words(told: Mapping[str, Any], viewer: Viewer) -> list[tuple[str, str]]:
    """The reasons of a request, as far as the viewer may see discounts and costs."""
    lines, products = desk_of(OrderLine), desk_of(Product)
    seen = lines is not None and lines.level(viewer, "discount") not in ("none", "masked")
    costs = products is not None and products.level(viewer, "cost") not in ("none", "masked")
    found = []
    rows = sorted(told["found"], key=lambda one: (-float(one.get("discount") or 0), one["line"] or 0))
    for one in rows[:SHOWN]:
        what = _what(one["line"], one["product"])
        if "who" in one and seen:
            text = _("%(discount)s below list price") if told["base"] == "list_price" else _("%(discount)s below cost")
            who = " → ".join(_any_of(codes) for codes in one["who"])
            limit = {"limit": _percent(one["up_to"]), "who": who}
            more = "" if one["line"] else _unequal(one["net"], one["lines"], one["currency"])
            level = _("level up to %(limit)s: %(who)s") % limit
            found.append((what, f"{text % {'discount': _percent(one['discount'])}} · {level}{more}"))
        if "floor_who" in one and costs:
            values = {"margin": _percent(one["margin"]), "floor": _percent(one["floor"])}
            text = _("margin %(margin)s, below %(floor)s: %(who)s") % {**values, "who": _any_of(one["floor_who"])}
            found.append((what, text))
    if found and len(rows) > SHOWN:
        found.append((_("More of these"), str(len(rows) - SHOWN)))
    return [*found, (_("Policy"), told["policy"])] if found else []


APPROVAL = Approval(
    "discount",
    gettext_lazy("discount of an order"),
    steps,
    signers=gettext_lazy("the roles of the discount levels of the policy, up the owner's reporting line first"),
    freezes=("status", "net_amount", "currency", "ordered_on"),
    parts=("lines",),
    when=needed,
    waits=True,
    told=told,
    words=words,
    offers=offers,
)


# Lines


def refuse_line(line: OrderLine) -> None:
    """Raise ValidationError for a line of a person that gives away more than anybody may approve."""
    if current_actor().person_id is None or None in (line.order_id, line.product_id, line.quantity):
        return
    found = ruling("discount", line.order.ordered_on)
    if found is None or not found.section.levels or None in (line.net_amount_units, line.unit_price_units):
        return
    given = _line(line, found.section)
    if given.above(found.section.levels[-1].up_to) and _active():
        raise ValidationError({"net_amount": _refusal(found, given)})


def _active() -> bool:
    desk = desk_of(Order)
    return desk is not None and guards.flow_of(desk.key, APPROVAL).active


def hold(ids: Collection[int]) -> None:
    """Signed orders, of whose lines somebody now has given away more than was signed for, are drafts again.

    Only what a person does counts: files that a plan brings are history.
    """
    actor = current_actor()
    merging = (actor.memo or {}).get(MERGED)
    if actor.person_id is None or actor.via == guards.VIA or merging or not _active():
        return
    orders = Order.objects.filter(pk__in=ids, status=Order.Status.SIGNED).order_by("pk")
    found = {order.pk: order for order in orders.prefetch_related("lines__product")}
    touched = _touched([line.pk for order in found.values() for line in order.lines.all()], actor.batch)
    for order in found.values():
        mine = touched & {line.pk for line in order.lines.all()}
        if not mine or judge(order, mine) is None:
            continue
        order.status = Order.Status.DRAFT
        with acting(actor.person_id, actor.via, _("its discount needs an approval"), actor.batch):
            order.save()
        desk = desk_of(Order)
        if desk is not None:
            text = _("%(order)s is a draft until its discount is approved; ask for that on its page.")
            guards.say(text % {"order": order.number}, desk.url("detail", pk=order.pk))


def _touched(lines: Sequence[int], batch: str) -> set[int]:
    """Those of the lines that this deed has made or changed in what they are worth."""
    deeds: dict[int, set[str]] = defaultdict(set)
    rows = Event.objects.filter(batch=batch, entity="orderline", record_id__in=lines)
    for pk, deed, changes in rows.values_list("record_id", "deed", "changes"):
        deeds[pk] |= WORTH if deed in ("created", "restored") else set(changes)
    return {pk for pk, names in deeds.items() if not WORTH.isdisjoint(names)}

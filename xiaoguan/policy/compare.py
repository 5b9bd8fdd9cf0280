"""对比与回测: what changes between two policies, in meaning and in money.

`diff` compares the parsed documents by id, not their text: reordering and comments are no change. Each change is
wording, a parameter, or structure, and touches pay, goals, the process, or people. `apply` makes the changed document
of the old one, so a diff says everything.

`backtest` reckons both policies on the same facts over past periods: per person and in total, winners and losers, the
jumps, where one yuan more of credit pays thousands, the warnings that would have been given; `goals_met` counts goals.
Behaviour is assumed unchanged, and the report says so.
Source: spec/domain.md 8.6.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

from xiaoguan.base.explain import Line, value_text
from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import Period
from xiaoguan.base.words import plain_number

from .document import Bound, Expression, Point, Policy, Section
from .formula import Duration, unparse
from .incentive import statement
from .inputs import value_of
from .warnings import concerned, judged
from .world import Who, World

Kind = Literal["wording", "parameter", "structure"]
Touches = Literal["pay", "goal", "process", "people"]

_WORDING = {"name", "source", "change_note", "owner", "formerly", "waiver", "supersedes", "version"}
_TOUCHES: Mapping[str, Touches] = {
    "metrics": "pay",
    "incentive": "pay",
    "goals": "goal",
    "process": "process",
    "forecast": "process",
    "classification": "process",
    "follow_up": "process",
    "pool": "process",
    "discount": "pay",
    "appraisal": "people",
    "training": "people",
    "recognition": "people",
    "warnings": "process",
    "calendar": "goal",
    "policy": "people",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where (by id), what kind, what it touches, and the values before and after as text.

    before or after None is a thing that is not there.
    """

    path: str
    kind: Kind
    touches: Touches
    before: str | None
    after: str | None

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {
            "path": self.path,
            "kind": self.kind,
            "touches": self.touches,
            "before": self.before,
            "after": self.after,
        }

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.path}: {self.after}  ({self.touches}, {self.kind})"
        if self.after is None:
            return f"- {self.path}: {self.before}  ({self.touches}, {self.kind})"
        return f"~ {self.path}: {self.before} → {self.after}  ({self.touches}, {self.kind})"


Flat = dict[str, str]


def flat(policy: Policy) -> Flat:
    """A policy as path to value: items of lists are named by their id or what marks them, so order says nothing.

    Order matters, and is kept as a position, for stages and for the steps of an allocation.
    """
    found: Flat = {}
    for one in fields(policy):
        if one.metadata.get("key", one.name) is None or one.name in _PLACE:
            continue
        key = str(one.metadata.get("key", one.name))
        _walk(key, getattr(policy, one.name), found)
    return found


_PLACE = {"line", "path", "lines"}


def _walk(path: str, value: Any, found: Flat) -> None:
    if value is None or value == () or value == {}:
        return
    if isinstance(value, Expression | Bound | Point | Duration) or not (
        is_dataclass(value) or isinstance(value, tuple | Mapping)
    ):
        found[path] = _text(value)
    elif isinstance(value, Section):
        _section(path, value, found)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            _walk(f"{path}.{key}", one, found)
    elif isinstance(value, tuple) and value and isinstance(value[0], Section):
        for i, one in enumerate(value):
            _walk(f"{path}[{item_mark(one, i)}]", one, found)
            if path.rsplit(".", 1)[-1] in ("stages", "allocate"):
                found[f"{path}[{item_mark(one, i)}].position"] = str(i + 1)
    elif isinstance(value, tuple):
        found[path] = ", ".join(_text(one) for one in value)


def _section(path: str, value: Section, found: Flat) -> None:
    found[path] = "there"
    for one in fields(value):
        if one.name not in _PLACE:
            _walk(f"{path}.{one.metadata.get('key', one.name)}", getattr(value, one.name), found)


def item_mark(one: Any, index: int) -> str:
    """What names an item of a list: its id, or what it is about."""
    for name in ("id", "key", "by", "person", "to", "start", "up_to", "when", "within"):
        mark = getattr(one, name, "")
        if mark:
            return _text(mark)
    return str(index + 1)


def _text(value: Any) -> str:
    if isinstance(value, Expression):  # as it is read: spaces and brackets that change nothing are no change
        read = unparse(value.tree)
        return value.text if "≈" in read else read
    if isinstance(value, Bound):
        return value_text(value.value, "ratio") if value.percent else plain_number(value.value)
    if isinstance(value, Point):
        return f"{_text(value.x)}: {_text(value.y)}"
    if isinstance(value, Fraction):
        return plain_number(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_text(one) for one in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def diff(before: Policy, after: Policy) -> list[Change]:
    """Every change from one policy to another, by path; empty for two documents that mean the same."""
    old, new = _renamed(flat(before), after), flat(after)
    paths = sorted(old.keys() | new.keys())
    found = []
    for path in paths:
        a, b = old.get(path), new.get(path)
        if a != b and not _inside_new(path, old, new):
            found.append(_change(path, a, b))
    return found


def _inside_new(path: str, old: Flat, new: Flat) -> bool:
    """Whether a section above this path is itself new or gone: it is said once."""
    above = path
    while "." in above or "[" in above:
        cut = max(above.rfind("."), above.rfind("["))
        above = above[:cut]
        if (above in old) != (above in new) and "there" in (old.get(above), new.get(above)):
            return True
    return False


def _change(path: str, before: str | None, after: str | None) -> Change:
    last = path.rsplit(".", 1)[-1]
    kind: Kind = "parameter"
    if last in _WORDING:
        kind = "wording"
    elif "there" in (before, after) or last == "position":
        kind = "structure"
    top = path.split(".")[0].split("[")[0]
    touches = _TOUCHES.get(top, "people")
    if path.startswith("policy.rounding") or path in ("policy.currency", "policy.fx"):
        touches = "pay"
    return Change(path, kind, touches, before, after)


def _renamed(old: Flat, after: Policy) -> Flat:
    """The old paths with ids that the new document says were renamed (`formerly`)."""
    names: dict[str, str] = {}
    for goal in after.goals:
        if goal.formerly:
            names[f"goals[{goal.formerly}]"] = f"goals[{goal.id}]"
    for metric in after.metrics.values():
        if metric.formerly:
            names[f"metrics.{metric.formerly}"] = f"metrics.{metric.id}"
    for plan in after.incentive:
        if plan.formerly:
            names[f"incentive[{plan.formerly}]"] = f"incentive[{plan.id}]"
        for component in plan.components:
            if component.formerly:
                head = f"incentive[{plan.id}].components"
                names[f"{head}[{component.formerly}]"] = f"{head}[{component.id}]"
    for appraisal in after.appraisal:
        if appraisal.formerly:
            names[f"appraisal[{appraisal.formerly}]"] = f"appraisal[{appraisal.id}]"
    made: Flat = {}
    for path, value in old.items():
        for was, now in names.items():
            if path == was or path.startswith((f"{was}.", f"{was}[")):
                path = now + path[len(was) :]
        made[path] = value
    return made


def apply(before: Flat, changes: Sequence[Change], after: Flat) -> Flat:
    """The old document with the changes: equal to the new one. What is inside a new section comes from it."""
    made = dict(before)
    for change in changes:
        for path in [p for p in made if p == change.path or p.startswith((f"{change.path}.", f"{change.path}["))]:
            if change.after is None or "there" in (change.before, change.after):
                del made[path]
        if change.after is not None:
            made[change.path] = change.after
            if change.after == "there":
                inside = (f"{change.path}.", f"{change.path}[")
                made |= {path: value for path, value in after.items() if path.startswith(inside)}
    return made


# 回测 Back-test


@dataclass(frozen=True, slots=True)
class Compared:
    """One person in one period under both policies, in units; None where something is missing."""

    person: str
    name: str
    period: str
    before: int
    after: int
    missing: tuple[str, ...] = ()

    @property
    def change(self) -> int:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Jump:
    """跳点: at this bound one minor unit more of credit pays so much more, in units."""

    component: str
    bound: str
    pays: int


NAMED = 10_000
"""So many hits of a rule are kept one by one in a period; the counts are whole."""


@dataclass(slots=True)
class RuleFired:
    """预警回测: how often one rule would have held at the end of a period, under each policy, and of whom.

    before, after   None where the policy has no such rule, or it could never be told; then `unknown` says why.
    found           (side, key of the subject, its name, period, value, bound, key of the owner of a customer)
    """

    name: str
    severity: str
    before: int | None = None
    after: int | None = None
    unknown: str = ""
    found: list[tuple[str, ...]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {**asdict(self), "found": [list(one) for one in self.found]}


@dataclass(frozen=True)
class Backtest:
    """回测: every person and period, and what it comes to. Behaviour is assumed unchanged.

    warnings   by the id of their rule, those that would have been given.
    goals      by side and id of the goal: how many were met, of how many.
    """

    before: str
    after: str
    rows: tuple[Compared, ...]
    basis: int
    jumps: tuple[Jump, ...]
    warnings: Mapping[str, RuleFired] = field(default_factory=dict)
    goals: Mapping[str, Mapping[str, list[int]]] = field(default_factory=dict)

    @property
    def totals(self) -> tuple[int, int]:
        """What both policies pay in all, in units."""
        return sum(row.before for row in self.rows), sum(row.after for row in self.rows)

    def people(self) -> dict[str, tuple[int, int]]:
        """What each person gets under both over all periods."""
        found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for row in self.rows:
            found[row.person][0] += row.before
            found[row.person][1] += row.after
        return {key: (pair[0], pair[1]) for key, pair in found.items()}

    def winners(self) -> list[tuple[str, int]]:
        """Who gets more, the most first."""
        gains = [(key, after - before) for key, (before, after) in self.people().items() if after > before]
        return sorted(gains, key=lambda pair: (-pair[1], pair[0]))

    def losers(self) -> list[tuple[str, int]]:
        """Who gets less, the most first."""
        losses = [(key, after - before) for key, (before, after) in self.people().items() if after < before]
        return sorted(losses, key=lambda pair: (pair[1], pair[0]))

    def cost_of_sales(self) -> tuple[Fraction | None, Fraction | None]:
        """费用率: what is paid / what was credited, under both."""
        if not self.basis:
            return None, None
        before, after = self.totals
        return Fraction(before, self.basis), Fraction(after, self.basis)

    def to_json(self, currency: str) -> dict[str, Any]:
        """A plain dict; amounts as decimal text in major units."""
        unit = f"money:{currency}"

        def money(value: int) -> str:
            return value_text(value, unit).replace(",", "")

        cost = [None if one is None else plain_number(one, 6).lstrip("≈") for one in self.cost_of_sales()]
        return {
            "before": self.before,
            "after": self.after,
            "assumes": "behaviour unchanged",
            "total": {"before": money(self.totals[0]), "after": money(self.totals[1])},
            "cost_of_sales": {"before": cost[0], "after": cost[1]},
            "winners": [{"person": key, "change": money(value)} for key, value in self.winners()],
            "losers": [{"person": key, "change": money(value)} for key, value in self.losers()],
            "jumps": [{"component": j.component, "bound": j.bound, "pays": money(j.pays)} for j in self.jumps],
            "warnings": {rule: one.to_json() for rule, one in self.warnings.items()},
            "goals": {
                goal: {side: {"met": of[goal][0], "of": of[goal][1]} for side, of in self.goals.items() if goal in of}
                for goal in dict.fromkeys(goal for of in self.goals.values() for goal in of)
            },
            "rows": [
                {"person": r.person, "name": r.name, "period": r.period, "before": money(r.before),
                 "after": money(r.after), "change": money(r.change), "missing": list(r.missing)}
                for r in self.rows
            ],
        }  # fmt: skip


WorldOf = Callable[[Policy], World]


def in_force_over(policy: Policy, periods: Sequence[Period]) -> Policy:
    """The document as if it had been in force in the whole years of these periods: what it would have meant then.

    Whole years, since what accumulates over a quarter or a year must not find its first months without a policy.
    """
    calendar, effective = policy.calendar, policy.header.effective
    start = calendar.period("year", periods[0].start).start
    end = calendar.period("year", periods[-1].end - timedelta(days=1)).end
    until = None if effective.end is None else max(effective.end, end)
    widened = replace(effective, start=min(effective.start, start), end=until)
    return replace(policy, header=replace(policy.header, effective=widened))


def goals_met(policy: Policy, people: Sequence[Who], periods: Sequence[Period], world: World) -> dict[str, list[int]]:
    """Of the goals of people that end in the periods: by id how many were met, of how many that can be told. One that
    is cut down to shorter periods is looked at in these."""
    found: dict[str, list[int]] = {}
    for goal in policy.goals:
        kinds = [kind for kind in (goal.period, *(step.by for step in goal.allocate)) if kind in policy.calendar.kinds]
        if goal.period == "day" or not kinds:
            continue
        dues = [due for period in periods for due in policy.calendar.ending_in(period, kinds[-1])]
        lines = (value_of(policy, f"attainment({goal.id}) >= 100%", who, due, world) for due in dues for who in people)
        told = [line.value == "true" for line in lines if not line.missing]
        found[goal.id] = [sum(told), len(told)]
    return found


def backtest(
    before: Policy,
    after: Policy,
    people: Sequence[Who],
    periods: Sequence[Period],
    world_of: WorldOf,
    world_at: Callable[[Policy, Period], World] | None = None,
) -> Backtest:
    """Both policies over the same facts and periods. world_of gives the world for a policy's metrics.

    world_at   gives it as it was known at the close of a period, where that differs: a period then also pays what
               became known of the earlier ones since.
    """
    worlds = [world_of(policy) for policy in (before, after)]
    rows = []
    for who in people:
        paid = [0, 0]
        for n, period in enumerate(periods):
            known = worlds if world_at is None else [world_at(policy, period) for policy in (before, after)]
            old, new = statement(before, who, period, known[0]), statement(after, who, period, known[1])
            if old.lines or new.lines:
                lacking = {line.name for one in (old, new) for line in one.lines if line.missing}
                totals = [old.total.units, new.total.units]
                for i, policy in enumerate((before, after) if world_at is not None else ()):
                    earlier = (statement(policy, who, one, known[i]).total.units for one in periods[:n])
                    totals[i] += sum(earlier) - paid[i]
                    paid[i] += totals[i]
                rows.append(Compared(who.key, who.name, period.label, totals[0], totals[1], tuple(sorted(lacking))))
    basis = _basis(before, people, periods, worlds[0])
    fired: dict[str, RuleFired] = {}
    for period in periods:
        for side, policy, world in (("before", before, worlds[0]), ("after", after, worlds[1])):
            _fire(fired, side, policy, people, period, world)
    return Backtest(before.clause, after.clause, tuple(rows), basis, tuple(jumps(after)), fired)


def _fire(
    fired: dict[str, RuleFired], side: str, policy: Policy, people: Sequence[Who], period: Period, world: World
) -> None:
    """Add what each warning of the policy would have said at the end of the period."""
    for rule in policy.warnings:
        entry = fired.setdefault(rule.id, RuleFired(rule.name or rule.id, rule.severity))
        if policy.level_of(rule.when) is None:
            entry.unknown = entry.unknown or "it reads what is not known"
    for one in judged(policy, concerned(policy, people, period), period, world, period.end):
        entry = fired[one.rule.id]
        if one.holds is None:
            entry.unknown = entry.unknown or one.reason
            continue
        setattr(entry, side, (getattr(entry, side) or 0) + one.holds)
        if one.holds and len(entry.found) < NAMED:
            first = one.value
            value = ("", "") if first is None else (_short(first), first.note)
            entry.found.append((side, one.who.key, one.who.name, period.label, *value, one.owner))


def _short(line: Line) -> str:
    """The number as it is kept: a percentage to two places."""
    if line.unit != "ratio" or line.missing:
        return line.text.lstrip("≈")
    return plain_number(round(line.number * 100, 2)) + "%"


def together(parts: Iterable[Mapping[str, RuleFired]]) -> dict[str, RuleFired]:
    """What was found period by period as one."""
    found: dict[str, RuleFired] = {}
    for part in parts:
        for rule, one in part.items():
            whole = found.setdefault(rule, RuleFired(one.name, one.severity))
            for side in ("before", "after"):
                counts = [n for n in (getattr(whole, side), getattr(one, side)) if n is not None]
                setattr(whole, side, sum(counts) if counts else None)
            whole.unknown = whole.unknown or one.unknown
            whole.found += one.found
    return found


def _basis(policy: Policy, people: Sequence[Who], periods: Sequence[Period], world: World) -> int:
    """What the first commission of the policy is paid on, over everybody and all periods."""
    basis = next((one.basis for _, one in policy.components() if one.kind == "commission" and one.basis), "")
    if basis not in policy.metrics:
        return 0
    lines = [world.metric(basis, who, period) for who in people for period in periods]
    return sum(int(line.number) for line in lines if not line.missing)


def jumps(policy: Policy, least: int = SCALE) -> Iterator[Jump]:
    """Bounds of tables by amount at which one more minor unit pays at least `least` units more."""
    for _, component in policy.components():
        table = component.tiers
        if table is None or table.by != "amount" or table.mode not in ("slab", "amount"):
            continue
        for lower, upper in pairwise(table.rates):
            if table.mode == "slab":
                pays = upper.start.value * SCALE * Fraction((upper.rate or 0) - (lower.rate or 0))
            else:
                pays = Fraction((upper.amount or 0) - (lower.amount or 0)) * SCALE
            if abs(pays) >= least:
                yield Jump(component.id, plain_number(upper.start.value, grouped=True), int(pays))

"""What all checks share: how an issue is made, and how a formula of the document is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from xiaoguan.base.explain import value_text
from xiaoguan.base.issues import Issue, Level
from xiaoguan.base.money import SCALE
from xiaoguan.base.words import did_you_mean

from ..document import Expression, Policy, Section
from ..formula import (
    COMPARISONS,
    Binary,
    Call,
    Duration,
    Expr,
    FormulaError,
    In,
    Literal,
    Name,
    Scope,
    Type,
    dotted,
    resolve,
    rewrite,
    unparse,
    walk,
)
from ..load import REMEDY
from ..metrics import Schema

Check = Callable[[Policy, Schema], Iterable[Issue]]

LEVELS = ("company", "team", "person", "territory", "region", "product")
"""What a goal can be cut by, beside the periods of the calendar."""


def issue(
    policy: Policy,
    place: Section | Expression,
    message: str,
    hint: str = "",
    key: str = "",
    level: Level = "error",
    code: str = "",
) -> Issue:
    """An issue at a section, at one of its keys, or at a formula."""
    line = place.line_of(key) if isinstance(place, Section) and key else place.line
    path = f"{place.path}.{key}" if key and place.path else place.path or key
    if level == "error":
        hint = hint or REMEDY.get(f"policy.{code}") or REMEDY["policy.schema"]
    return Issue(level, message, hint, policy.file, line, path, f"policy.{code or 'reference'}")


def named(
    policy: Policy, place: Section, what: str, name: str, known: Iterable[str], key: str, code: str = ""
) -> Iterator[Issue]:
    """An issue if a name is not among those that are known."""
    options = list(known)
    if name not in options:
        hint = did_you_mean(name, options) or (f"There are {', '.join(options)}." if options else "There is none yet.")
        yield issue(policy, place, f"there is no {what} {name!r}", hint, key, code=code)


def whole(policy: Policy, place: Section, what: str, shares: Iterable[Fraction], key: str) -> Iterator[Issue]:
    """An issue if shares do not add up to 100 %."""
    total = sum(shares, Fraction(0))
    if total != 1:
        message = f"{what} add up to {value_text(total, 'ratio')}, not to 100%"
        yield issue(policy, place, message, "Change them so that they do.", key, code="totals")


def money(value: Fraction) -> str:
    """An amount of the document, in major units, as text."""
    return value_text(value * SCALE, "money:")


@dataclass(frozen=True)
class Context:
    """What a formula may read beside metrics: names with their types, and prefixes of any name."""

    names: Mapping[str, Type] = field(default_factory=dict)
    open: tuple[str, ...] = ("person.",)
    metrics: bool = True
    forecasts: tuple[str, ...] = ()
    """The methods whose kept forecasts may be read: what is estimated in floating point steers, and judges nobody."""


PAY = Context()
APPRAISAL = Context(
    {"grade": Type.TEXT, "score": Type.SCORE, "tenure": Type.DURATION}, forecasts=("category", "weighted_stage")
)
_COUNTS: tuple[str, ...] = (
    "days_since_follow_up",
    "days_since_deal",
    "days_since_delivery",
    "days_owned",
    "follow_up_overdue_days",
)
_COUNTS += ("stage_days", "stage_limit", "orders", "recency_days")
CUSTOMER = Context(
    {
        **dict.fromkeys(_COUNTS, Type.COUNT),
        "open_contract": Type.BOOL,
        "spend": Type.MONEY,
        "stage": Type.TEXT,
        "source": Type.TEXT,
    },
    ("person.", "customer.", "opportunity.", "order."),
)
"""What the rules of every day may ask about a customer or a deal: days counted, its class, stage and fields."""
QUOTE = Context(
    {"discount": Type.RATIO, "margin": Type.RATIO, "net_amount": Type.MONEY, "quantity": Type.NUMBER},
    ("person.", "customer.", "product."),
)
WARNING = Context(
    CUSTOMER.names,
    (*CUSTOMER.open, "team."),
    forecasts=("category", "weighted_stage", "stage_conversion", "time_series"),
)


def formula(policy: Policy, written: Expression, expected: Type | None, context: Context = PAY) -> Iterator[Issue]:
    """Issues of a formula: names and functions that are not there, units that do not fit."""
    types: dict[str, Type] = {name: metric.kind for name, metric in policy.metrics.items()} if context.metrics else {}
    types |= context.names
    problems: list[tuple[str, str, Level]] = []

    def change(part: Expr) -> Expr | None:
        if not isinstance(part, Call) or part.name not in FUNCTIONS:
            return None
        if part.name == "streak" and len(part.args) == 2:
            rewrite(part.args[0], change)
        type_, found = FUNCTIONS[part.name](policy, part)
        problems.extend((message, hint, "error") for message, hint in found)
        if part.name == "forecast_bias":
            problems.extend(_forecasts(policy, part, context.forecasts))
        types[unparse(part)] = type_
        return Name(unparse(part), part.at)

    tree = rewrite(written.tree, change)
    try:
        resolve(tree, Scope(types, open=context.open), expected)
    except FormulaError as error:
        problems.append((f"at column {error.at + 1}: {error.message}", error.hint, "error"))
    if expected is Type.RATIO and isinstance(tree, Literal) and tree.type is Type.NUMBER:
        value = tree.value
        if isinstance(value, int | Fraction) and not -1 <= value <= 1:
            message = f"a rate of {written.text} would pay {written.text} times the basis"
            problems.append((message, f"Write {written.text}%.", "error"))
    problems.extend(_bare(written.tree, lambda side: _type_in(policy, side, context)))
    for message, hint, level in problems:
        text = message if level == "warning" else f'in "{written.text}" {message}'
        code = "later" if level == "warning" and "not carried out" in message else "formula"
        yield issue(policy, written, text, hint, level=level, code=code)


def _bare(tree: Expr, type_of: Callable[[Expr], Type | None]) -> Iterator[tuple[str, str, Level]]:
    """Ratios beside a number that somebody may have meant as a percentage: attainment(q) >= 100."""
    for part in walk(tree):
        if not isinstance(part, Binary) or part.op not in COMPARISONS:
            continue
        for side, other in ((part.left, part.right), (part.right, part.left)):
            if not isinstance(other, Literal) or other.type is not Type.NUMBER:
                continue
            number, often = other.value, isinstance(side, Call) and side.name == "coverage"
            assert isinstance(number, int | Fraction)
            if not -2 <= number <= 2 and not often and type_of(side) is Type.RATIO:
                shown, text = value_text(number, "ratio"), unparse(other)
                yield (
                    f"{unparse(part)}: {text} beside a ratio is {shown}",
                    f"Write {text}% if that is meant.",
                    "warning",
                )


def compared_with(tree: Expr, name: str) -> Iterator[str]:
    """The texts that a name is compared with in a condition."""
    for part in walk(tree):
        if isinstance(part, Binary) and part.op in COMPARISONS:
            sides: tuple[Expr, ...] = (part.left, part.right)
        else:
            sides = (part.item, *part.options) if isinstance(part, In) else ()
        if any(dotted(side) == name for side in sides):
            yield from (side.value for side in sides if isinstance(side, Literal) and isinstance(side.value, str))


def bare(tree: Expr, scope: Scope) -> Iterator[tuple[str, str, Level]]:
    """The same in a condition over records."""

    def type_of(side: Expr) -> Type | None:
        try:
            return resolve(side, scope)[1]
        except FormulaError:
            return None

    return _bare(tree, type_of)


def _type_in(policy: Policy, tree: Expr, context: Context) -> Type | None:
    """The type of a part of a formula about a person; None where it does not fit."""
    types: dict[str, Type] = {name: metric.kind for name, metric in policy.metrics.items()} | dict(context.names)

    def change(part: Expr) -> Expr | None:
        if not isinstance(part, Call) or part.name not in FUNCTIONS:
            return None
        types[unparse(part)] = FUNCTIONS[part.name](policy, part)[0]
        return Name(unparse(part), part.at)

    try:
        return resolve(rewrite(tree, change), Scope(types, open=context.open))[1]
    except FormulaError:
        return None


# Functions about a person: what they give, and what is wrong with a call.

_Problems = list[tuple[str, str]]
_Function = Callable[[Policy, Call], tuple[Type, _Problems]]


def _arguments(policy: Policy, call: Call, *allowed: str) -> _Problems:
    found: _Problems = []
    for key, value in call.named:
        if key not in allowed:
            found.append((f"{call.name}() has no argument {key!r}", did_you_mean(key, allowed)))
        elif key == "over" and not (isinstance(value, Literal) and isinstance(value.value, Duration)):
            if dotted(value) not in policy.calendar.kinds:
                kinds = ", ".join(policy.calendar.kinds)
                found.append((f"{unparse(value)} is not a period of the calendar", f"There are {kinds}, or 12m."))
        elif key == "of" and dotted(value) not in ("person", "team", "company"):
            found.append((f"of={unparse(value)} is not possible", "Write of=person, of=team or of=company."))
    return found


def _one(call: Call, known: Iterable[str], what: str) -> tuple[str, _Problems]:
    options = list(known)
    name = dotted(call.args[0]) if len(call.args) == 1 else None
    if name is None or name not in options:
        hint = did_you_mean(name or "", options) or f"{what.capitalize()}s are {', '.join(options) or 'not there yet'}."
        return "", [(f"{unparse(call)} names no {what}", hint)]
    return name, []


def _goal(policy: Policy, call: Call) -> tuple[Type, _Problems]:
    _, found = _one(call, [goal.id for goal in policy.goals], "goal")
    return Type.RATIO, [*found, *_arguments(policy, call, "over", "of")]


def _projection(policy: Policy, call: Call) -> tuple[Type, _Problems]:
    name, found = _one(call, [goal.id for goal in policy.goals], "goal")
    goal = policy.goal(name)
    metric = policy.metrics.get(goal.metric) if goal else None
    return metric.kind if metric else Type.ANY, [*found, *_arguments(policy, call, "over", "of")]


def _metric(policy: Policy, call: Call) -> tuple[Type, _Problems]:
    name, found = _one(call, policy.metrics, "metric")
    return policy.metrics[name].kind if name else Type.ANY, [*found, *_arguments(policy, call, "over", "of")]


def _top_share(policy: Policy, call: Call) -> tuple[Type, _Problems]:
    name, found = _one(call, policy.metrics, "metric")
    if name and not (policy.metrics[name].adds_up and policy.metrics[name].table):
        hint = "Name a metric of type amount or count with from."
        found = [*found, (f"top_share() needs a metric that adds up over records, not {name}", hint)]
    return Type.RATIO, [*found, *_arguments(policy, call, "over", "by", "of")]


def _elapsed(policy: Policy, call: Call) -> tuple[Type, _Problems]:
    return Type.RATIO, _one(call, policy.calendar.kinds, "period")[1] if call.args else []


def _graded(policy: Policy, call: Call) -> tuple[Type, _Problems]:
    type_ = Type.NUMBER if call.name == "grade_factor" else Type.SCORE
    return type_, _one(call, [one.id for one in policy.appraisal], "appraisal")[1]


def _event(policy: Policy, call: Call) -> tuple[Type, _Problems]:
    first = call.args[0] if len(call.args) == 1 else None
    ok = isinstance(first, Literal) and first.type is Type.TEXT
    return Type.BOOL, [] if ok else [("event() takes the name of an event as text", "Write event('false_promise').")]


def _streak(policy: Policy, call: Call) -> tuple[Type, _Problems]:
    count = call.args[1] if len(call.args) == 2 else None
    ok = isinstance(count, Literal) and isinstance(count.value, int) and 1 <= count.value <= 60
    hint = "Write streak(grade == 'C', 2)."
    return Type.BOOL, [] if ok else [("streak() takes a condition and how many periods, 1 to 60", hint)]


def _bias(policy: Policy, call: Call) -> tuple[Type, _Problems]:
    found = _arguments(policy, call, "over", "of", "lead", "method")
    lead = call.get("lead")
    if lead is not None and not (isinstance(lead, Literal) and isinstance(lead.value, Duration)):
        found.append((f"lead={unparse(lead)} is not a length", "Write lead=4w."))
    return Type.RATIO, found


def _forecasts(policy: Policy, call: Call, allowed: Sequence[str]) -> Iterator[tuple[str, str, Level]]:
    """What is wrong with the forecasts that forecast_bias() reads there."""
    if not allowed:
        yield (
            "forecast_bias() cannot stand here: forecasts steer and warn, and never pay",
            "Ask it in a warning.",
            "error",
        )
        return
    rule, method = policy.forecast, call.get("method")
    if rule is None or rule.snapshot is None:
        yield "forecast_bias() reads forecasts that nobody keeps", "Add forecast: {snapshot: {every: week}}.", "error"
        return
    name = dotted(method) or "" if method is not None else next(iter(rule.methods), "category")
    if name not in (rule.methods or ("category",)):
        yield f"the policy does not forecast by {name!r}", did_you_mean(name, rule.methods), "error"
    elif name not in allowed:
        hint = f"Write method={' or method='.join(allowed)}."
        yield f"forecast_bias() by {name} is an estimate, which judges nobody", hint, "error"


FUNCTIONS: dict[str, _Function] = {
    "attainment": _goal,
    "pace": _goal,
    "coverage": _goal,
    "projection": _projection,
    "total": _metric,
    "change": _metric,
    "top_share": _top_share,
    "elapsed": _elapsed,
    "grade_factor": _graded,
    "score": _graded,
    "event": _event,
    "streak": _streak,
    "forecast_bias": _bias,
}

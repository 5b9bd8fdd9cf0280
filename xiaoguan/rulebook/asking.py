"""Answers for programs and the command line: metrics as they are now, attainment and statements as they were reckoned.

Amounts are decimal text in major units, exact; ratios decimal text with six decimals, half up.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from django.db.models import Q

from xiaoguan.base.explain import Line
from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import Period
from xiaoguan.base.words import did_you_mean
from xiaoguan.people.models import Team
from xiaoguan.policy import Policy
from xiaoguan.policy.metrics import Derived, Plan, PlanError, plan, run
from xiaoguan.rulebook import sql
from xiaoguan.rulebook.facts import Fact, facts, schema
from xiaoguan.rulebook.lookup import find_person, key_of
from xiaoguan.rulebook.models import PayStatement, PolicyVersion, Result
from xiaoguan.rulebook.reckoning import CannotReckon, current_run, results_of, version_for


class CannotAnswer(Exception):
    """The question has no answer; says why and what to do."""


def decimal(value: Fraction | int | None, at_least: int = 0) -> str | None:
    """Exact decimal text; a number without an end is cut, half up, after ten decimals."""
    if value is None:
        return None
    exact = Fraction(value)
    sign, size = ("-", -exact) if exact < 0 else ("", exact)
    places = _places(size.denominator)
    scaled = size * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    text = str(whole).zfill(places + 1)
    major, fraction = (text[:-places], text[-places:].rstrip("0")) if places else (text, "")
    fraction = fraction.ljust(at_least, "0")
    return f"{sign}{major}" + (f".{fraction}" if fraction else "")


def _places(denominator: int) -> int:
    """How many decimals a fraction with this denominator needs; 10 if it never ends."""
    for places in range(11):
        if 10**places % denominator == 0:
            return places
    return 10


def ratio_text(value: Fraction | int | None) -> str | None:
    """Six decimals, half up away from zero."""
    if value is None:
        return None
    scaled = abs(Fraction(value)) * 10**6
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return f"{'-' if value < 0 and whole else ''}{whole // 10**6}.{whole % 10**6:06d}"


def number_text(value: Any, unit: str) -> str | None:
    """A line's value as programs read it."""
    if value is None or isinstance(value, str):
        return value
    if unit.startswith("money:"):
        return decimal(Fraction(value) / SCALE, 2)
    return ratio_text(value) if unit == "ratio" else decimal(value)


def period_json(period: Period) -> dict[str, str]:
    return {
        "kind": period.kind,
        "label": period.label,
        "start": period.start.isoformat(),
        "end_exclusive": period.end.isoformat(),
    }


def _choose(
    period: str, policy_id: str | None, has: Any, what: str, names: Any
) -> tuple[PolicyVersion, Policy, Period]:
    """The one version that knows what was asked for. Raises CannotAnswer naming what there is."""
    try:
        candidates = version_for(period, policy_id)
    except CannotReckon as error:
        raise CannotAnswer(str(error)) from error
    fitting = [c for c in candidates if has(c[1])]
    if len(fitting) > 1:
        ids = ", ".join(v.policy_id for v, _p, _period in fitting)
        raise CannotAnswer(f"Several policies know {what}: {ids}. Name one with --policy.")
    if not fitting:
        known = sorted({name for _v, policy, _period in candidates for name in names(policy)})
        hint = did_you_mean(what.split("'")[1], known) or f"There are: {', '.join(known) or 'none'}."
        raise CannotAnswer(f"No policy in force in {period} knows {what}. {hint}")
    return fitting[0]


# Metrics


def metric_rows(name: str, period_text: str, by: str | None = None, policy_id: str | None = None) -> dict[str, Any]:
    """A metric over a period as it is now, in total or by a dimension; rows are sorted by their names."""
    _version, policy, period = _choose(
        period_text, policy_id, lambda p: name in p.metrics, f"the metric '{name}'", lambda p: p.metrics
    )
    try:
        planned = plan(policy, name, schema())
    except PlanError as error:
        raise CannotAnswer(f"{error} {error.hint}".strip()) from error
    unit = policy.unit_of(name)
    head = {"metric": name, "name": policy.metrics[name].name, "unit": unit, "period": period_json(period)}
    if by is None:
        answer = _ask(planned, period, policy.currency, None)[None]
        return {**head, "value": number_text(answer.value, unit), "count": answer.count, "held_back": answer.held}
    used = [facts()[p.source] for p in _plans(planned)]
    possible = set.intersection(*(set(f.dimensions) | ({"team"} if f.person else set()) for f in used))
    if by not in possible:
        hint = did_you_mean(by, possible) or f"There are: {', '.join(sorted(possible))}."
        raise CannotAnswer(f"{name} cannot be broken down by '{by}'. {hint}")
    answers = _ask(planned, period, policy.currency, by)
    names = _names(used[0], by, answers)
    rows = [
        {**names[key], "value": number_text(a.value, unit), "count": a.count, "held_back": a.held}
        for key, a in answers.items()
    ]
    return {**head, "by": by, "rows": sorted(rows, key=lambda r: (r["name"] or "", r["key"] or ""))}


def _plans(planned: Plan | Derived) -> list[Plan]:
    if isinstance(planned, Plan):
        return [planned]
    return [p for part in planned.inputs.values() for p in _plans(part)]


def _ask(planned: Plan | Derived, period: Period, currency: str, by: str | None) -> dict[Any, sql.Answer]:
    """One query; by rows for the few plans that no query can say exactly."""
    try:
        return sql.ask(planned, period.start, period.end, currency, by)
    except sql.NotInSql:
        if by is not None:
            raise CannotAnswer("This metric can only be given as a whole, not broken down.") from None

    def rows_of(source: str, window: Period, dated: str) -> list[dict[str, Any]]:
        return list(facts()[source].rows(dated, window.start, window.end, facts()[source].fields))

    line = run(planned, rows_of, period, currency)
    value = None if line.missing or isinstance(line.value, str) else line.value
    return {None: sql.Answer(value, len(line.records))}


def _names(fact: Fact, by: str, keys: Iterable[Any]) -> dict[Any, dict[str, Any]]:
    """For each key its id in the source system and its name."""
    known = [k for k in keys if k is not None]
    names: dict[Any, dict[str, Any]] = {None: {"key": None, "name": None}}
    if by == "team":
        model: Any = Team
    else:
        from xiaoguan.desk.paths import resolve

        path = resolve(fact.model, fact.dimensions[by].replace("__", "."))
        if not path.relation:
            return names | {k: {"key": str(k), "name": str(k)} for k in known}
        model = path.field.related_model
    for start in range(0, len(known), 5_000):
        for record in model._default_manager.filter(pk__in=known[start : start + 5_000]):
            names[record.pk] = {"key": record.external_id or f"#{record.pk}", "name": str(record)}
    return names


# What was reckoned


def attainment_rows(goal: str, period_text: str, by: str, policy_id: str | None = None) -> dict[str, Any]:
    """Actual, goal and attainment as the current run reckoned them."""
    version, policy, period = _choose(
        period_text,
        policy_id,
        lambda p: p.goal(goal) is not None,
        f"the goal '{goal}'",
        lambda p: [g.id for g in p.goals],
    )
    stored = current_run(version, period)
    if stored is None:
        raise CannotAnswer(f"{period.label} is not reckoned yet. Run: xiaoguan run {period_text}")
    rows = []
    for result in results_of([stored], Result.Kind.ATTAINMENT):
        owner = "person" if result.person_id else "team" if result.team_id else "company"
        if result.name == goal and owner == by:
            rows.append(_attainment(result))
    unit = policy.unit_of(policy.goal(goal).metric)
    return {
        "goal": goal,
        "unit": unit,
        "period": period_json(period),
        "policy": str(stored.policy),
        "run": stored.pk,
        "rows": sorted(rows, key=lambda r: (len(r["key"]), r["key"])),
    }


def _attainment(result: Result) -> dict[str, Any]:
    line = Line.from_json(result.trace)
    actual = line.parts[0] if line.parts else None
    target = line.parts[1] if len(line.parts) > 1 else None
    about = result.person or result.team
    return {
        "key": (about.external_id or f"#{about.pk}") if about else "company",
        "name": str(about) if about else "company",
        "actual": number_text(actual.value, actual.unit) if actual else None,
        "goal": number_text(target.value, target.unit) if target else None,
        "attainment": ratio_text(line.value) if not line.missing else None,
        "note": line.note,
        "result": result.pk,
    }


def statement_of(person_text: str, period_text: str, policy_id: str | None = None) -> dict[str, Any]:
    """A person's earnings as the current run reckoned them, line by line."""
    try:
        person = find_person(person_text)
    except LookupError as error:
        raise CannotAnswer(str(error)) from error
    try:
        candidates = version_for(period_text, policy_id)
    except CannotReckon as error:
        raise CannotAnswer(str(error)) from error
    runs = [(v, policy, p, r) for v, policy, p in candidates if (r := current_run(v, p))]
    if not runs:
        raise CannotAnswer(f"{period_text} is not reckoned yet. Run: xiaoguan run {period_text}")
    found = Result.objects.filter(run__in=[r for *_rest, r in runs], person=person)
    totals = {r.run_id: r for r in found.filter(kind=Result.Kind.TOTAL)}
    paid = [entry for entry in runs if entry[3].pk in totals] or runs[:1]
    if len(paid) > 1:
        ids = ", ".join(v.policy_id for v, *_rest in paid)
        raise CannotAnswer(f"{person} is paid by several policies in {period_text}: {ids}. Name one with --policy.")
    version, policy, period, stored = paid[0]
    lines = results_of([stored], Result.Kind.EARNING, person=person.pk)
    total = totals.get(stored.pk)
    paid_as = PayStatement.objects.filter(run=stored, person=person).select_related("period").first()
    return {
        "person": key_of(person),
        "name": person.name,
        "period": period_json(period),
        "policy": str(version),
        "currency": policy.currency,
        "run": stored.pk,
        "total": decimal(Fraction(total.value if total else 0, SCALE), 2),
        "lines": [
            {
                "component": r.name,
                "label": r.label,
                "amount": None if r.value is None else decimal(Fraction(r.value, SCALE), 2),
                "note": r.trace.get("note", ""),
                "result": r.pk,
            }
            for r in lines
        ],
        "state": paid_as.period.state if paid_as else None,
        "corrections": decimal(Fraction(paid_as.corrections_units, SCALE), 2) if paid_as else "0.00",
        "payable": decimal(Fraction(paid_as.payable_units if paid_as else total.value if total else 0, SCALE), 2),
        "issues": [i for i in stored.issues if str(i.get("message", "")).startswith(f"{person.name}:")],
    }


def explanation_of(result_id: int, visible: Q | None = None) -> dict[str, Any]:
    """A stored result with its whole explanation down to the records."""
    result = Result.objects.filter(visible or Q(), pk=result_id).select_related("run__policy", "person", "team").first()
    if result is None:
        raise CannotAnswer(f"There is no result {result_id}.")
    return {
        "result": result.pk,
        "kind": result.kind,
        "about": str(result.person or result.team or "company"),
        "key": key_of(result.person) if result.person else None,
        "period": {
            "label": result.run.label,
            "start": result.run.starts_on.isoformat(),
            "end_exclusive": result.run.ends_on.isoformat(),
        },
        "policy": str(result.run.policy),
        "run": result.run_id,
        "at": result.run.at.isoformat(),
        "line": line_json(Line.from_json(result.trace)),
    }


def line_json(line: Line) -> dict[str, Any]:
    """A line with readable values; records with the value each contributed."""
    return {
        "name": line.name,
        "label": line.label,
        "value": number_text(line.value, line.unit),
        "unit": line.unit,
        "text": line.text,
        "formula": line.formula,
        "source": line.source,
        "note": line.note,
        "adds": line.adds,
        "records": [
            {
                "entity": r.entity,
                "id": r.id,
                "label": r.label,
                "value": number_text(r.value, line.unit),
                "text": number_text(r.value, line.unit),
            }
            for r in line.records
        ],
        "parts": [line_json(part) for part in line.parts],
    }

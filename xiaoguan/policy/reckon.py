"""核算 reckoning without a database: everybody's statement, goals and appraisal for a period, as one document.

    reckon(policy, read_folder(policy, "facts"), policy.calendar.parse("2026-03"))

Amounts are decimal strings in major units, ratios decimal strings of a fraction of one; `exact` beside a ratio that
does not end is the fraction itself. docs/reference/calc.md describes the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from xiaoguan.base.explain import Line, Record, Statement
from xiaoguan.base.issues import Issue
from xiaoguan.base.money import SCALE, format_units
from xiaoguan.base.periods import Period

from .appraisal import Appraised, Rating, appraise, distribute, enforced, follows, is_for
from .credit import metric_of
from .customers import Customers
from .document import Appraisal, Goal, Policy
from .folder import Folder
from .goals import attainment, months_served, pace, shares
from .honours import honoured
from .incentive import statement_of_versions
from .inputs import Inputs, present
from .metrics import PlanError, plan
from .outlook import Looking
from .reasonable import Evidence, assess
from .targets import Part, Targets, work_out
from .warnings import concerned, judged
from .world import Facts, Who


def reckon(
    policy: Policy,
    folder: Folder,
    period: Period,
    person: str = "",
    as_of: date | None = None,
    versions: Sequence[tuple[Policy, Folder]] = (),
) -> dict[str, Any]:
    """Statements, goals, appraisals, warnings, metrics of a period. `person` limits them to one; `as_of` is for pace.

    versions   the other versions of the policy with their facts: pay follows the version of each day.
    """
    worked = work_out_goals(policy, folder, period)
    people = [who for key, who in sorted(folder.people.items()) if not person or key == person]
    pays = _paying(policy, folder, versions, period)
    statements = [(who, pays(who)) for who in people]
    paid = [(who, one) for who, one in statements if one.lines]
    groups = appraisals(policy, folder, period)
    graded = [(folder.people[one.person], one) for group in groups for one in enforced(*group)]
    appraised = [(who, one) for who, one in graded if who in people]
    issues = [issue for one in worked for issue in one.issues]
    issues += [issue for _, one in statements for issue in one.issues]
    issues += [issue for _, one in appraised for issue in one.issues]
    older = [issue for _, one in versions for issue in one.issues]
    total = sum(one.total.units for _, one in paid)
    return {
        "policy": {"id": policy.id, "version": policy.version, "sha256": policy.sha256},
        "period": {"label": period.label, "kind": period.kind, "start": str(period.start), "end": str(period.end)},
        "currency": policy.currency,
        "total": format_units(total, policy.currency),
        "statements": [statement_json(policy, who, one) for who, one in paid],
        "allocations": [part for one in worked if not person for part in allocation(policy, one)],
        "goals": goals(policy, folder, period, people, as_of, everybody=not person),
        "reasonableness": reasonableness(policy, folder, period, people),
        "appraisals": [appraised_json(policy, folder, who, one) for who, one in appraised],
        "distribution": [] if person else _distribution(groups),
        "warnings": warnings(policy, folder, period, people, as_of, everybody=not person),
        "classes": [] if person else classes(policy, folder, period),
        "honours": honours(policy, folder, period, people),
        "forecasts": forecasts(policy, folder, period, people, as_of, everybody=not person),
        "metrics": [one for who in people for one in metrics(policy, folder, period, who)],
        "issues": [issue.to_json() for issue in dict.fromkeys([*folder.issues, *older, *issues])],
    }


# Statements


def _paying(
    policy: Policy, folder: Folder, versions: Sequence[tuple[Policy, Folder]], period: Period
) -> Callable[[Who], Statement]:
    """What makes a statement: all versions of the policy, each with the goals that it works out."""
    every = [*versions, (policy, folder)]
    for _, facts in every:
        facts.world.tells_records = True
    for one, facts in versions:
        work_out_goals(one, facts, period)
    worlds = {one.version: facts.world for one, facts in every}
    found = [one for one, _ in every]
    return lambda who: statement_of_versions(found, who, period, lambda one: worlds[one.version])


def statement_json(policy: Policy, who: Who, one: Statement) -> dict[str, Any]:
    """A statement with its lines, the fixed steps and the ledger entries."""
    money = policy.currency
    return {
        "person": who.key,
        "name": who.name,
        "role": who.role,
        "period": one.period.label,
        "total": format_units(one.total.units, money),
        "lines": [line_json(line) for line in one.lines],
        "steps": [
            {"step": step.number, "name": step.name, "amount": value_json(step.amount, f"money:{money}")}
            for step in one.steps
        ],
        "ledger": [
            {"kind": e.kind, "person": e.person, "period": e.about, "posted": e.posted, "component": e.name,
             "amount": format_units(e.amount, money), "record": e.record, "cause": e.cause}
            for e in one.entries
        ],
        "issues": [issue.to_json() for issue in one.issues],
    }  # fmt: skip


def line_json(line: Line) -> dict[str, Any]:
    """A line with its parts; the value by its unit."""
    return {
        "name": line.name,
        "label": line.label,
        "value": value_json(line.value, line.unit),
        "unit": line.unit,
        **_exact(line),
        "formula": line.formula,
        "source": line.source,
        "note": line.note,
        "adds": line.adds,
        "records": [record_json(record, line.unit) for record in line.records],
        "parts": [line_json(part) for part in line.parts],
    }


def record_json(record: Record, unit: str) -> dict[str, Any]:
    """A record that counted and what it contributed."""
    return {"table": record.entity, "id": record.id, "label": record.label, "value": value_json(record.value, unit)}


def value_json(value: Fraction | int | str | None, unit: str) -> str | None:
    """A value as decimal text: money in major units, a ratio as a fraction of one, six decimals at most."""
    if value is None or isinstance(value, str):
        return value
    if unit.startswith("money:"):
        units = Fraction(value)
        if units.denominator == 1:
            return format_units(units.numerator, unit[6:])
        return decimal(units / SCALE, 6)
    return decimal(Fraction(value), 6)


def decimal(value: Fraction, digits: int) -> str:
    """Half up away from zero, without superfluous zeros."""
    scaled = abs(value) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    text = f"{whole // 10**digits}.{whole % 10**digits:0{digits}d}".rstrip("0").rstrip(".")
    return ("-" if value < 0 and whole else "") + text


def _exact(line: Line) -> dict[str, str]:
    value = line.value
    if isinstance(value, Fraction) and Fraction(decimal(value, 6)) != value and not line.unit.startswith("money:"):
        return {"exact": str(value)}
    return {}


# Goals


def work_out_goals(policy: Policy, folder: Folder, period: Period) -> list[Targets]:
    """Goals that the policy says how to work out and that are not given; their parts become the goals of the world.

    Those of the period are worked out now, those of others when somebody asks for them: the quarter so far, a month
    whose earnings are released later. What is given for the company alone is the whole that is cut.
    """
    world, done = folder.world, dict[tuple[str, str], Targets | None]()
    given = {goal for goal, key, _ in world.goals if key}
    wholes = {(goal, label): value for (goal, key, label), value in world.goals.items() if not key}
    said = [key for key in world.goals if key[1]]
    able = {goal.id for goal in policy.goals if _is_worked_out(policy, goal, goal.id in given)}

    def asked(goal: Goal, about: Period) -> None:
        for one in _periods_in(policy, goal, about) if goal.id in able else ():
            if (goal.id, one.label) not in done:
                done[goal.id, one.label] = None  # under way
                whole = wholes.get((goal.id, one.label))
                made = done[goal.id, one.label] = work_out(policy, goal, one, world, folder.potential, whole)
                made.issues.extend(
                    _not_asked(goal, one, made, [key for of, key, label in said if (of, label) == (goal.id, one.label)])
                )
                values = made.values()
                world.goals = {**world.goals, **values}
                world.worked |= {(goal.id, label) for _, _, label in values}

    world.asked = asked
    for goal in policy.goals:
        asked(goal, period)
    return [one for one in done.values() if one is not None]


def _not_asked(goal: Goal, period: Period, made: Targets, given: Sequence[str]) -> Iterator[Issue]:
    """What is given from below for those who are not asked."""
    counted = {part.owner for part in made.root.parts} if made.root is not None else set()
    lost = [key.removeprefix("team:") for key in given if key not in counted]
    if goal.target.method == "bottom_up" and lost:
        message = f"goal {goal.id}: {', '.join(lost)} is not asked for {period.label}, and what is given is not counted"
        hint = (
            f"Those who submit are {', '.join(goal.target.submit_by) or 'the people of the policy'}, for their teams."
        )
        yield Issue("warning", message, hint, path=goal.path, code="goal.target")


def _is_worked_out(policy: Policy, goal: Goal, given: bool) -> bool:
    """Whether a goal comes from the policy; of one from below what is given is what was submitted."""
    if goal.target.method == "assigned" or given != (goal.target.method == "bottom_up"):
        return False
    return goal.period != "day" and goal.period in policy.calendar.kinds and goal.metric in policy.metrics


def _periods_in(policy: Policy, goal: Goal, about: Period) -> list[Period]:
    """The goal's own periods that a period is in or holds, while the policy is in force."""
    effective, found = policy.header.effective, []
    try:
        one = policy.calendar.period(goal.period, about.start)
        while one.start < about.end:
            if one.end > effective.start and (effective.end is None or one.start < effective.end):
                found.append(one)
            one = policy.calendar.period(goal.period, one.end)
    except ValueError:  # outside the custom periods
        pass
    return found


def allocation(policy: Policy, one: Targets) -> list[dict[str, Any]]:
    """Every part of a goal that was worked out, from the whole down, with the step that made it."""
    unit, found = policy.unit_of(one.goal.metric), []

    def visit(part: Part) -> None:
        team = part.owner[5:] if part.owner.startswith("team:") else ""
        row = {"goal": one.goal.id, "person": "" if team else part.owner, "team": team, "period": part.period.label}
        values = {"value": value_json(part.value, unit), "full": value_json(part.full, unit)}
        found.append({**row, **values, "how": part.how})
        for below in part.parts:
            visit(below)

    if one.root is not None:
        visit(one.root)
    return found


def goals(
    policy: Policy, folder: Folder, period: Period, people: Sequence[Who], as_of: date | None, everybody: bool
) -> list[dict[str, Any]]:
    """Target, actual, attainment and pace of each goal that somebody, a team or the company has.

    A goal that is only given for a longer period, such as the quarter, is shown for that one, as far as it has come.
    """
    found = []
    teams = sorted({span.team for who in folder.people.values() for span in who.spans if span.team})
    groups = [Who(f"team:{team}", team, team=team) for team in teams] if everybody else []
    groups += [Who("", "company")] if everybody else []
    for goal in policy.goals:
        if goal.metric not in policy.metrics:
            continue
        for who in (*people, *groups):
            one = goal_line(policy, folder, goal, who, period, as_of)
            if one is not None:
                found.append(one)
    return found


def goal_line(
    policy: Policy, folder: Folder, goal: Goal, who: Who, period: Period, as_of: date | None
) -> dict[str, Any] | None:
    inputs = Inputs(policy, who, period, folder.world, as_of)
    window, target = period, inputs.quota(goal.id, who, period)
    if target is None and (longer := _holding(policy, goal, period)) is not None:
        window = longer
        target = inputs.quota(goal.id, who, window) if window.end >= period.end else None
    if target is None:
        return None
    try:
        actual = inputs.whole(goal.metric, who, inputs.so_far(window))
    except ValueError as error:
        actual = Line(goal.metric, goal.metric, None, policy.unit_of(goal.metric), note=str(error))
    line = attainment(actual, target, policy.metrics[goal.metric].direction)
    gone = inputs.expected(goal.id, who, window)
    told = not actual.missing and not target.missing
    timed = told and gone.working and policy.metrics[goal.metric].adds_up  # a ratio does not come in day by day
    speed = pace(actual.number, target.number, gone.share, gone.remaining) if timed else None
    unit = target.unit
    return {
        "goal": goal.id,
        "person": "" if who.key.startswith("team:") else who.key,
        "team": who.team if who.key.startswith("team:") else "",
        "period": window.label,
        "target": value_json(target.value, unit),
        "actual": value_json(actual.value, unit),
        "attainment": value_json(line.value, "ratio"),
        **_exact(line),
        "elapsed": decimal(gone.share, 6) if gone.working else None,
        "pace": None if speed is None or speed.pace is None else decimal(speed.pace, 6),
        "projection": None if speed is None else value_json(speed.projection, unit),
        "gap": value_json(target.number - actual.number, unit) if told else None,
        "required_per_day": None if speed is None else value_json(speed.required, unit),
        "remaining_days": gone.remaining if gone.working else None,
        "note": "; ".join(dict.fromkeys(note for note in (line.note, gone.gap) if note)),
    }


def _holding(policy: Policy, goal: Goal, period: Period) -> Period | None:
    """The period of the goal's own kind that holds the first day of a period."""
    try:
        return policy.calendar.period(goal.period, period.start)
    except ValueError:
        return None


def reasonableness(policy: Policy, folder: Folder, period: Period, people: Sequence[Who]) -> list[dict[str, Any]]:
    """The checks of people's goals that have bands in the policy, from the facts that are there. Whether territories
    are equal is asked of all of them together."""
    found = []
    for goal in policy.goals:
        if not goal.check or goal.metric not in policy.metrics:
            continue
        window = _holding(policy, goal, period) or period
        known: dict[str, Evidence] = {}
        for key, who in sorted(folder.people.items()):
            target = Inputs(policy, who, period, folder.world).quota(goal.id, who, window)
            if target is not None and not target.missing and target.number:
                known[key] = evidence(policy, folder.world, goal, who, window, target.number)
        quotas, attained = _territories(policy, folder, goal, window), _tenures(folder, known, window)
        for who in people:
            if who.key in known:
                checks = assess(goal, replace(known[who.key], quotas=quotas, attained=attained))
                row = {"goal": goal.id, "person": who.key, "period": window.label}
                found.append({**row, "checks": [one.to_json() for one in checks]})
    return found


def _territories(policy: Policy, folder: Folder, goal: Goal, window: Period) -> dict[str, tuple[Fraction, Fraction]]:
    """Quota and share of the declared potential of each team or person that has both."""
    weights = next((step.weights for step in goal.allocate if step.method == "potential"), None)
    counted = [name for name in weights or folder.potential if name in folder.potential and name not in _NO_POTENTIAL]
    mixed = {name: Fraction(weights[name]) if weights else Fraction(1) for name in counted}
    keys = (
        [key for key in folder.potential[counted[0]] if all(key in folder.potential[n] for n in counted)]
        if counted
        else []
    )
    found: dict[str, Fraction] = {}
    inputs = Inputs(policy, Who("", "company"), window, folder.world)
    for key in keys:
        whose = folder.people.get(key) or Who(f"team:{key}", key, team=key)
        line = inputs.quota(goal.id, whose, window)
        if line is not None and not line.missing:
            found[key] = line.number
    total = sum(mixed.values(), Fraction(0))
    if len(found) < 2 or total <= 0:
        return {}
    mixed = {name: weight / total for name, weight in mixed.items()}
    try:
        parts = shares("potential", list(found), values=folder.potential, weights=mixed)
    except ValueError:  # nothing to share by
        return {}
    return {key: (quota, part) for (key, quota), part in zip(found.items(), parts, strict=True)}


_NO_POTENTIAL = ("history", "capacity", "pipeline")
"""Inputs that say what was or can be done, not what a territory has."""


def _tenures(folder: Folder, known: Mapping[str, Evidence], window: Period) -> list[tuple[Fraction, int]]:
    """What share of their goals people reached, and for how many months they are there."""
    found = []
    for key, one in known.items():
        wanted, hired = sum(Fraction(goal) for goal, _actual in one.past), folder.people[key].hired_on
        if wanted and hired is not None:
            found.append(
                (sum(Fraction(actual) for _goal, actual in one.past) / wanted, months_served(hired, window.start))
            )
    return found


def evidence(policy: Policy, world: Facts, goal: Goal, who: Who, window: Period, target: Fraction) -> Evidence:
    """Up to eight like periods before with what was reached and wanted, and the open deals that close in this one."""
    history, past, at = [], [], window
    for _ in range(8):
        try:
            at = policy.calendar.previous(at)
        except ValueError:
            break
        actual = metric_of(policy, world, goal.metric, who, at, "attainment")
        wanted = world.goal(goal.id, who, at)
        if actual.missing or (not actual.number and wanted is None):
            break
        history.append(actual.number)
        if wanted is not None and wanted.number:
            past.append((wanted.number, actual.number))
    won = metric_of(policy, world, goal.metric, who, window, "attainment")
    money, own = policy.unit_of(goal.metric).startswith("money:"), (None, "", policy.currency)
    rows = world.rows("opportunities", window, "closes_on") if policy.metrics[goal.metric].adds_up else ()
    deals = [
        (int(Fraction(str(row["amount"]))) if money else 1, Fraction(str(row["probability"])))
        for row in rows
        if row.get("person") == who.key and not row.get("result") and row.get("probability")
        if not money or (row.get("amount") and row.get("currency") in own)
    ]
    return Evidence(target, history[::-1], past, deals, 0 if won.missing else won.number)


# Appraisals


def appraisals(policy: Policy, folder: Folder, period: Period) -> list[tuple[Appraisal, list[Appraised]]]:
    """Each appraisal whose own period ends in this one, with everybody's results before a forced distribution."""
    people = [who for _, who in sorted(folder.people.items())]
    found: list[tuple[Appraisal, list[Appraised]]] = []
    for appraisal in policy.appraisal:
        try:
            due = policy.calendar.ending_in(period, appraisal.period)
        except ValueError:
            continue
        for one in due:
            group: list[Appraised] = []
            for who in people:
                if not is_for(policy, appraisal, who, one) or not present(who, one):
                    continue
                ratings: dict[str, list[Rating]] = {}
                for key in ((a, who.key, p) for a in (appraisal.id, "") for p in (one.label, "")):
                    for item, given in folder.ratings.get(key, {}).items():
                        ratings.setdefault(item, []).extend(given)
                group.append(appraise(policy, appraisal, who, one, folder.world, ratings))
            found.append((appraisal, group))
    return found


def appraised_json(policy: Policy, folder: Folder, who: Who, one: Appraised) -> dict[str, Any]:
    """An appraisal with what it leads to."""
    appraisal = policy.appraisal_of(one.appraisal)
    after = follows(policy, appraisal, one, who, folder.world) if appraisal else []
    return {**one.to_json(), "name": who.name, "follows": after}


def _distribution(groups: Sequence[tuple[Appraisal, Sequence[Appraised]]]) -> list[dict[str, Any]]:
    found = []
    for appraisal, group in groups:
        if group and appraisal.distribution is not None:
            made = distribute(appraisal, group)
            found.append({"appraisal": appraisal.id, "period": group[0].period.label, "mode": made.mode,
                          "wanted": dict(made.wanted), "found": dict(made.found),
                          "grades": dict(made.grades)})  # fmt: skip
    return found


# Metrics


def metrics(policy: Policy, folder: Folder, period: Period, who: Who) -> list[dict[str, Any]]:
    """Every metric of a person, as credited for attainment."""
    found = []
    for metric_id in policy.metrics:
        try:
            plan(policy, metric_id, folder.world.schema)
        except PlanError:
            continue
        line = metric_of(policy, folder.world, metric_id, who, period, "attainment")
        value = value_json(line.value, line.unit)
        one = {"person": who.key, "metric": metric_id, "value": value, "unit": line.unit, "note": line.note}
        found.append({**one, **_exact(line)})
    return found


# Warnings


def warnings(
    policy: Policy, folder: Folder, period: Period, people: Sequence[Who], as_of: date | None, everybody: bool
) -> list[dict[str, Any]]:
    """The warnings that hold at the end of the period, or on a day in it, and those that cannot be told."""
    found = []
    for one in judged(policy, concerned(policy, people, period), period, folder.world, as_of or period.end):
        if one.holds is False or not (everybody or (one.owner or one.who.key) in {who.key for who in people}):
            continue
        first = one.value if one.holds else None
        found.append({
            "rule": one.rule.id,
            "name": one.rule.name,
            "severity": one.rule.severity,
            "person": one.owner or ("" if ":" in one.who.key else one.who.key),
            "team": one.who.team,
            "customer": one.who.key[9:] if one.who.key.startswith("customer:") else "",
            "deal": one.who.key[5:] if one.who.key.startswith("deal:") else "",
            "holds": one.holds,
            "value": value_json(first.value, first.unit) if first else None,
            "bound": first.note if first else "",
            "reason": one.reason,
            "decided": [line_json(part) for part in one.line.parts],
        })  # fmt: skip
    return found


# Classes and honours


def classes(policy: Policy, folder: Folder, period: Period) -> list[dict[str, Any]]:
    """The class of every customer at the end of the period, and by what."""
    rule = policy.classing
    if rule is None or "customers" not in folder.world.schema.facts:
        return []
    unit = policy.unit_of(rule.metric) if rule.method == "pareto" else "score"
    return [
        {
            "rule": rule.id,
            "customer": key,
            "class": one.name,
            "value": value_json(one.value, unit),
            "place": value_json(one.place, "ratio"),
            "held": one.held,
        }
        for key, one in sorted(Customers(policy, folder.world, period.end).classes().items())
    ]


def forecasts(
    policy: Policy, folder: Folder, period: Period, people: Sequence[Who], as_of: date | None, everybody: bool
) -> list[dict[str, Any]]:
    """What everybody will have reached at the end of the period, as of a day in it or before it."""
    if policy.forecast is None or as_of is None or as_of >= period.end:
        return []
    unit, keys = f"money:{policy.currency}", {who.key for who in people}
    return [
        {
            "person": "" if one.key.startswith("team:") else one.key,
            "team": one.key.removeprefix("team:") if one.key.startswith("team:") else "",
            "period": period.label,
            "goal": value_json(one.goal, unit),
            "actual": value_json(one.actual, unit),
            **{name: value_json(units, unit) for name, units in one.said.items()},
            "methods": {
                method: {
                    **{name: value_json(getattr(seen, name), unit) for name in ("value", "low", "high")},
                    "chance": None if seen.chance is None else f"{seen.chance:.4f}",
                    "note": seen.note,
                }
                for method, seen in one.methods.items()
            },
        }
        for one in Looking(policy, folder.world, period, as_of)
        if everybody or one.key in keys
    ]


def honours(policy: Policy, folder: Folder, period: Period, people: Sequence[Who]) -> list[dict[str, Any]]:
    """Who is honoured by the rules whose own period ends in this one."""
    found = []
    every = [who for _, who in sorted(folder.people.items())]
    for rule in policy.recognition:
        try:
            due = policy.calendar.ending_in(period, rule.period)
        except ValueError:
            continue
        for one in due:
            for best in honoured(policy, rule, every, one, folder.world):
                value = value_json(best.line.value, best.line.unit)
                row = {"rule": rule.id, "person": best.who.key, "period": one.label, "rank": best.rank, "value": value}
                found += [row] if best.who in people else []
    return found

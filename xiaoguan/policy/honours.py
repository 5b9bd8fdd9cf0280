"""表彰 honours: who is honoured by a rule of recognition for a period, and by which number.

People are ranked by a number among the company or their team; equal numbers share the rank, or the one who came first
takes it. Whoever has no number, or does not meet `require`, takes no part. Source: spec/domain.md 8.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from xiaoguan.base.explain import Line
from xiaoguan.base.periods import Period

from .document import Policy, Recognition
from .formula import Type, names, unparse
from .inputs import Inputs, present
from .metrics import unit_text
from .world import Who, World, facts_of


@dataclass(frozen=True)
class Honoured:
    """Somebody with a rank, and the number behind it."""

    who: Who
    rank: int
    group: str
    line: Line


def honoured(policy: Policy, rule: Recognition, people: Sequence[Who], period: Period, world: World) -> list[Honoured]:
    """The first `top` of each group, the best first; nobody while no number is known."""
    groups: dict[str, list[tuple[Fraction, Who, Line]]] = {}
    for who in people:
        line = _ranked(policy, rule, who, period, world) if present(who, period) else None
        if line is not None:
            team = who.on(period.end - timedelta(days=1)).team or ("" if who.spans else who.team)
            groups.setdefault("" if rule.among == "company" else team, []).append((line.number, who, line))
    found: list[Honoured] = []
    for group, rows in sorted(groups.items()):
        rows.sort(key=lambda row: (-row[0], row[1].hired_on or date.max, row[1].key))
        for place, (number, who, line) in enumerate(rows, 1):
            equal = next(i for i, row in enumerate(rows, 1) if row[0] == number)
            rank = equal if rule.ties == "share" else place
            if rank <= rule.top:
                found.append(Honoured(who, rank, group, line))
    return found


def _ranked(policy: Policy, rule: Recognition, who: Who, period: Period, world: World) -> Line | None:
    """The number of somebody who takes part."""
    inputs = Inputs(policy, who, period, world, extra=_grades(policy, rule, who, period, world))
    if rule.require is not None and not inputs.find(rule.require, Type.BOOL).value:
        return None
    found = inputs.find(rule.rank_by, None)
    if isinstance(found.value, bool) or not isinstance(found.value, int | Fraction):
        return None
    text = unparse(rule.rank_by.tree)
    line = found.parts[0] if len(found.parts) == 1 and found.parts[0].name == text else None
    own = Line(text, rule.name or rule.id, found.value, unit_text(found.type, policy.currency), parts=found.parts)
    return replace(line or own, source=f"{policy.clause}, {rule.source or rule.name or rule.id}")


def _grades(policy: Policy, rule: Recognition, who: Who, period: Period, world: World) -> Mapping[str, Line]:
    """Scores and grades that were locked for a period inside this one; `grade` and `score` are of the appraisal that
    the rule ranks by, else of the first."""
    facts, found = facts_of(world), {}
    read = names(rule.rank_by.tree)
    named = next((one.id for one in policy.appraisal if f"appraisal.{one.id}.score" in read), "")
    for appraisal in policy.appraisal:
        row = facts.grade(appraisal.id, who, period) if facts is not None else None
        of = row.get("period") if row else None
        known = row if row is not None and isinstance(of, Period) and of.start >= period.start else {}
        score, grade = known.get("score"), known.get("grade")
        note = "" if known else f"no locked grade of {appraisal.id} for {period.label}"
        number = score if isinstance(score, int | Fraction) else None
        lines = {
            "score": Line("score", "Score", number, "score", note=note, adds=False),
            "grade": Line("grade", "Grade", None if grade is None else str(grade), "text", note=note, adds=False),
        }
        found[f"appraisal.{appraisal.id}.score"] = replace(lines["score"], name=f"appraisal.{appraisal.id}.score")
        if appraisal.id == (named or policy.appraisal[0].id):
            found |= lines
    return found

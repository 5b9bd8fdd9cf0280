"""提成单: what stands on a statement: its lines, what people decided, the state of the period, the periods before.

A statement is of a pay period where there is one; any other run that was reckoned can be looked at the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from xiaoguan.base.explain import Line
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import desk_of
from xiaoguan.incentive.disputes import deadline
from xiaoguan.incentive.models import Dispute
from xiaoguan.people.models import Person
from xiaoguan.policy.incentive import STEPS, by_step
from xiaoguan.rulebook.closing import corrections_of
from xiaoguan.rulebook.lines import line_words, names_in, names_of, spoken, value_words
from xiaoguan.rulebook.models import PayrollPeriod, PayStatement, Result, Run
from xiaoguan.rulebook.reckoning import issues_of, results_of
from xiaoguan.rulebook.versions import document_of

PERIODS = 12


@dataclass
class Sheet:
    """A statement that is looked at. run is None where people decided something before anything was calculated."""

    person: Person
    run: Run | None
    total: Result | None = None
    pay: PayStatement | None = None
    disputes: list[Dispute] = field(default_factory=list)

    @property
    def currency(self) -> str:
        return self.pay.currency if self.pay else self.total.unit.removeprefix("money:") if self.total else ""

    @property
    def units(self) -> int:
        """What is paid, in units."""
        return self.pay.payable_units if self.pay else (self.total.value or 0) if self.total else 0

    @property
    def label(self) -> str:
        return self.run.label if self.run else self.pay.period.label if self.pay else ""

    @cached_property
    def earnings(self) -> list[tuple[Result, Line]]:
        """The lines of the run, in its order."""
        if self.run is None:
            return []
        return [
            (r, Line.from_json(r.trace)) for r in results_of([self.run], Result.Kind.EARNING, person=self.person.pk)
        ]

    @cached_property
    def corrections(self) -> list[tuple[Dispute | None, Line]]:
        """What people decided, each with the dispute that it came from."""
        found = []
        for entry in corrections_of(self.pay) if self.pay else ():
            unit = f"money:{entry.currency}"
            label = _("Correction of %(period)s") % {"period": entry.about}
            came = Dispute.objects.filter(entry=entry).first()
            found.append((came, Line("dispute", label, entry.amount_units, unit, note=entry.cause)))
        return found

    @cached_property
    def names(self) -> dict[str, str]:
        """What the ids in formulas are called."""
        if self.run is None:
            return {}
        return names_of(document_of(self.run.policy)) | names_in(line for _result, line in self.earnings)

    @cached_property
    def exceptions(self) -> list[str]:
        return [spoken(i.message, self.names) for i in issues_of(self.run, self.person.pk)] if self.run else []

    @cached_property
    def deadline(self) -> date | None:
        return deadline(self.pay) if self.pay else None

    @cached_property
    def order(self) -> list[tuple[int, str, int | None]]:
        """The fixed order of calculation: number, name and what the step adds, in units; the last is what is paid."""
        lines = [line for _from, line in [*self.earnings, *self.corrections]]
        added = by_step(lines) | {len(STEPS): self.units}
        return [(n, spoken(name), added.get(n)) for n, name in enumerate(STEPS, 1)]

    def lines(self) -> list[dict[str, Any]]:
        """Every line in words, those of the run and those that people decided."""
        asked = {d.result_id: d for d in self.disputes}
        found = []
        for result, line in self.earnings:
            about = asked.get(result.pk)
            found.append({**line_words(line, self.names), "id": result.pk, "dispute": about})
        for came, line in self.corrections:
            found.append({**line_words(line), "dispute": came})
        return found


def sheet_of(statement: PayStatement) -> Sheet:
    """The sheet behind a pay period's statement."""
    total = None
    if statement.run_id is not None:
        rows = Result.objects.filter(run_id=statement.run_id, person_id=statement.person_id, kind=Result.Kind.TOTAL)
        total = rows.first()
    return Sheet(statement.person, statement.run, total, statement, list(statement.disputes.order_by("id")))


def sheet_of_total(total: Result) -> Sheet:
    """The sheet of any current run; with the pay statement where the run is a pay period's."""
    rows = PayStatement.objects.filter(run_id=total.run_id, person_id=total.person_id)
    pay = rows.select_related("period", "run__policy", "person").first()
    assert total.person is not None
    return sheet_of(pay) if pay else Sheet(total.person, total.run, total)


@dataclass(frozen=True)
class Before:
    """One statement in the row of those of a person."""

    label: str
    starts_on: date
    units: int
    currency: str
    state: str
    url_of: tuple[str, int]

    @property
    def text(self) -> str:
        return value_words(self.units, f"money:{self.currency}")


def history(viewer: Viewer, person: Person) -> list[Before]:
    """The newest statements of a person that the viewer may read, the newest first; those of pay periods, and current
    runs that are none."""
    statements = desk_of(PayStatement).visible(viewer).filter(person=person)  # type: ignore[union-attr]
    found = [
        Before(
            one.period.label,
            one.period.starts_on,
            one.payable_units,
            one.currency,
            str(one.period.get_state_display()),
            ("statement", one.pk),
        )
        for one in statements.select_related("period").order_by("-period__starts_on")[:PERIODS]
    ]
    days = set(statements.values_list("period__starts_on", "period__ends_on"))
    totals = desk_of(Result).visible(viewer).filter(person=person, kind=Result.Kind.TOTAL, run__current=True)  # type: ignore[union-attr]
    for one in totals.select_related("run").order_by("-run__starts_on", "-id")[: 2 * PERIODS]:
        if (one.run.starts_on, one.run.ends_on) in days:
            continue  # a pay period's own run, or one that was tried beside it
        money = one.unit.removeprefix("money:")
        found.append(Before(one.run.label, one.run.starts_on, one.value or 0, money, "", ("run", one.run_id)))
    return sorted(found, key=lambda one: (one.starts_on, one.url_of[0]), reverse=True)[:PERIODS]


def paid_this_year(sheet: Sheet) -> int | None:
    """What the pay periods of the same year paid out up to this one, in units; None where it is no pay period."""
    if sheet.pay is None:
        return None
    period = sheet.pay.period
    rows = PayStatement.objects.filter(
        person=sheet.person,
        currency=sheet.currency,
        period__state=PayrollPeriod.State.PAID,
        period__starts_on__year=period.starts_on.year,
        period__starts_on__lte=period.starts_on,
    )
    return rows.aggregate(Sum("payable"))["payable__sum"] or 0


def walked(lines: Sequence[dict[str, Any]], depth: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lines in words with their parts, from the top down, with how deep each stands."""
    for line in lines:
        yield depth, line
        yield from walked(line["parts"], depth + 1)

"""回测: a draft beside a version over past periods, on the records as they are now. Behaviour is assumed unchanged.

Records are read and metrics worked out once for both where they mean the same by them; that is nearly always so, since
most drafts change what is paid and not what is counted. Goals are those recorded, whatever the draft says of them.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from xiaoguan.base.explain import Statement
from xiaoguan.base.money import SCALE
from xiaoguan.base.periods import Period
from xiaoguan.desk import jobs
from xiaoguan.desk.access import NOBODY, Viewer
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.jobs import JobError, Running, job_kind
from xiaoguan.people.models import Team
from xiaoguan.policy import Backtest, Policy, Who, backtest, diff, load_text, statement
from xiaoguan.policy.compare import Compared, RuleFired, goals_met, in_force_over, jumps, together
from xiaoguan.rulebook.lines import names_of
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import document_of
from xiaoguan.rulebook.workshop.models import PolicyBacktest, PolicyDraft
from xiaoguan.rulebook.world import DatabaseWorld, Participants

HIDDEN = "•••"
BACK = 36
"""So many periods of each kind are offered, and at most so many are tried at once."""
_COUNTS = ("metrics", "goals", "calendar", "appraisal", "policy.currency", "policy.fx", "policy.scope")
Progress = Callable[[int, int], None]


class TriedWorld(DatabaseWorld):
    """The database for a trial, without corrections of locked periods; two documents share what is read."""

    def posted(self, who: Who) -> Sequence[Any]:
        return ()

    @property
    def locked(self) -> Sequence[str]:
        return ()

    def share(self, other: TriedWorld, metrics_too: bool) -> None:
        """Read each record once for both; and work metrics out once, where both mean the same by them."""
        self._asks = other._asks = self._asks or other._asks
        for table, names in other._names.items():
            self._names[table] = self._names[table] | names
        for name in ("_names", "_rows", "_known", "_pointing", "_goals", "taken"):
            setattr(other, name, getattr(self, name))
        if metrics_too:
            other._lines = self._lines


@dataclass
class Trial:
    """What came out: the comparison, and who is who: the name and role of each key, of a team its name."""

    found: Backtest
    people: dict[str, tuple[str, str]]
    periods: list[Period]
    currency: str


# Which periods


def periods_back(policy: Policy, today: date | None = None) -> dict[str, list[Period]]:
    """The periods of each kind that a policy may be tried on, from the one under way back."""
    today = today or timezone.localdate()
    calendar = policy.calendar
    found: dict[str, list[Period]] = {}
    for kind in ("month", "quarter", "half_year", "year", *calendar.custom):
        rows: list[Period] = []
        day = min(today, max(calendar.custom[kind]) - timedelta(days=1)) if kind in calendar.custom else today
        while len(rows) < BACK:
            try:
                period = calendar.period(kind, day)
            except ValueError:
                break
            rows.append(period)
            day = period.start - timedelta(days=1)
        if rows:
            found[kind] = rows[: BACK if kind in ("month", *calendar.custom) else 12]
    return found


def between(policy: Policy, first: str, last: str) -> list[Period]:
    """The periods from one label to another. Raises ValidationError."""
    try:
        start, end = policy.calendar.parse(first), policy.calendar.parse(last)
        if start.kind != end.kind or start.start > end.start:
            raise ValueError
        found = [start]
        while found[-1].start < end.start and len(found) <= BACK:
            found.append(policy.calendar.period(start.kind, found[-1].end))
    except ValueError as error:
        raise ValidationError(
            {"first": [_("Choose a first and a last period of one kind, the earlier first.")]}
        ) from error
    if len(found) > BACK:
        raise ValidationError({"last": [_("At most %(n)d periods at once.") % {"n": BACK}]})
    return found


# Trying


def tried(before: Policy, after: Policy, periods: Sequence[Period], progress: Progress | None = None) -> Trial:
    """Both documents over these periods, each with the people, roles and terms that held in it."""
    before, after = (in_force_over(policy, periods) for policy in (before, after))
    world_of = _worlds(before, after)
    rows: list[Compared] = []
    people: dict[str, tuple[str, str]] = {}
    fired: list[Mapping[str, RuleFired]] = []
    met: dict[str, dict[str, list[int]]] = {"before": {}, "after": {}}
    basis = 0
    for number, period in enumerate(periods):
        inside = _people(before, after, period)
        part = backtest(before, after, inside, [period], world_of)
        rows += part.rows
        basis += part.basis
        people |= {who.key: (who.name, who.role) for who in inside}
        fired.append(part.warnings)
        for side, policy in (("before", before), ("after", after)):
            for goal, (reached, of) in goals_met(policy, inside, [period], world_of(policy)).items():
                sums = met[side].setdefault(goal, [0, 0])
                met[side][goal] = [sums[0] + reached, sums[1] + of]
        if progress is not None:
            progress(number + 1, len(periods))
    found = Backtest(before.clause, after.clause, tuple(rows), basis, tuple(jumps(after)), together(fired), met)
    people |= {f"team:{pk}": (name, "") for pk, name in Team.objects.values_list("pk", "name")}
    return Trial(found, people, list(periods), after.currency)


def _worlds(before: Policy, after: Policy) -> Callable[[Policy], DatabaseWorld]:
    old, new = TriedWorld(before), TriedWorld(after)
    new.share(old, not any(change.path.startswith(_COUNTS) for change in diff(before, after)))
    both = {id(before): old, id(after): new}
    return lambda policy: both[id(policy)]


def _people(before: Policy, after: Policy, period: Period) -> list[Who]:
    everybody = {**Participants(before, period).people, **Participants(after, period).people}
    return [everybody[key] for key in sorted(everybody, key=int)]


# What is kept of it


def plain(trial: Trial) -> dict[str, Any]:
    """The result as it is stored; amounts in ten-thousandths."""
    found = trial.found
    return {
        "currency": trial.currency,
        "before": found.before,
        "after": found.after,
        "basis": found.basis,
        "periods": [p.label for p in trial.periods],
        "people": {key: list(pair) for key, pair in trial.people.items()},
        "rows": [[r.person, r.period, r.before, r.after, list(r.missing)] for r in found.rows],
        "jumps": [[j.component, j.bound, j.pays] for j in found.jumps],
        "warnings": {rule: one.to_json() for rule, one in found.warnings.items()},
        "goals": found.goals,
    }


@dataclass(frozen=True)
class Shown:
    """A stored back-test as pages, files and programs read it. Amounts in ten-thousandths.

    viewer   who reads it: customers that they may not see have no name in it
    """

    data: dict[str, Any]
    viewer: Viewer = NOBODY

    @property
    def currency(self) -> str:
        return str(self.data["currency"])

    @property
    def totals(self) -> tuple[int, int]:
        return sum(r[2] for r in self.data["rows"]), sum(r[3] for r in self.data["rows"])

    @property
    def cost_of_sales(self) -> tuple[Fraction | None, Fraction | None]:
        """费用率: what is paid / what was credited."""
        basis = self.data["basis"]
        return (Fraction(self.totals[0], basis), Fraction(self.totals[1], basis)) if basis else (None, None)

    def people(self) -> list[tuple[str, str, int, int]]:
        """Key, name, before and after of each person, who gains most first."""
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for key, _period, before, after, _missing in self.data["rows"]:
            sums[key][0] += before
            sums[key][1] += after
        rows = [(key, self.name(key), pair[0], pair[1]) for key, pair in sums.items()]
        return sorted(rows, key=lambda row: (row[2] - row[3], row[1]))

    def periods(self) -> list[tuple[str, int, int]]:
        """Label, before and after of each period."""
        sums: dict[str, list[int]] = {label: [0, 0] for label in self.data["periods"]}
        for _key, label, before, after, _missing in self.data["rows"]:
            sums[label][0] += before
            sums[label][1] += after
        return [(label, pair[0], pair[1]) for label, pair in sums.items()]

    def of_person(self, key: str) -> list[tuple[str, int, int]]:
        return [(label, before, after) for who, label, before, after, _m in self.data["rows"] if who == key]

    def missing(self) -> list[tuple[str, int]]:
        """The lines that had no value, and how often."""
        counts: dict[str, int] = defaultdict(int)
        for *_row, missing in self.data["rows"]:
            for name in missing:
                counts[name] += 1
        return sorted(counts.items())

    def goals(self) -> list[tuple[str, tuple[int, int], tuple[int, int]]]:
        """Of each goal that ended in the periods for somebody how many were met, of how many, before and after."""
        before, after = (self.data.get("goals", {}).get(side, {}) for side in ("before", "after"))
        rows = [(goal, before.get(goal, (0, 0)), after.get(goal, (0, 0))) for goal in dict.fromkeys([*before, *after])]
        return [(goal, (b[0], b[1]), (a[0], a[1])) for goal, b, a in rows if b[1] or a[1]]

    def warnings(self) -> list[FiredWords]:
        """Each rule with how often it would have been given, and of whom when; by person those with most first."""
        return [FiredWords(self, rule, self._seen(one)) for rule, one in self.data["warnings"].items()]

    def _seen(self, one: dict[str, Any]) -> dict[str, Any]:
        found = one.get("found", [])
        seen: set[str] = set()
        for kind, entity in (("customer:", "customer"), ("deal:", "opportunity")):
            ids = sorted({int(row[1].removeprefix(kind)) for row in found if row[1].startswith(kind)})
            desk = desk_of(entity) if ids else None
            for start in range(0, len(ids) if desk is not None else 0, 5_000):
                rows = desk.visible(self.viewer).filter(pk__in=ids[start : start + 5_000])
                seen |= {f"{kind}{pk}" for pk in rows.values_list("pk", flat=True)}
        things = ("customer:", "deal:")
        masked = [
            row if row[1] in seen or not row[1].startswith(things) else [*row[:2], HIDDEN, *row[3:]] for row in found
        ]
        return {**one, "found": masked}

    def name(self, key: str) -> str:
        return str(self.data["people"].get(key, [key])[0])


@dataclass(frozen=True)
class FiredWords:
    """One rule of warnings in a stored back-test."""

    shown: Shown
    rule: str
    data: dict[str, Any]

    @property
    def times(self) -> tuple[int | None, int | None]:
        return self.data["before"], self.data["after"]

    @property
    def known(self) -> bool:
        return self.times != (None, None)

    def rows(self) -> list[list[Any]]:
        """Of whom, period, value and bound before, value and bound after, whose; in the order of the periods."""
        found: dict[tuple[str, str], list[Any]] = {}
        order = {label: number for number, label in enumerate(self.shown.data["periods"])}
        for side, key, name, label, value, bound, owner in self.data.get("found", ()):
            about = _("Company") if not key else self.shown.data["people"].get(key, [name])[0]
            row = found.setdefault((label, key), [about, label, "", "", self.shown.name(owner) if owner else about])
            row[2 if side == "before" else 3] = f"{value} {bound}".strip() or _("yes")
        return [found[pair] for pair in sorted(found, key=lambda pair: (order.get(pair[0], 0), pair[1]))]

    def by_person(self) -> list[tuple[str, int, int]]:
        """Whose, times before and after."""
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for _about, _label, before, after, whose in self.rows():
            counts[whose][0] += bool(before)
            counts[whose][1] += bool(after)
        return sorted(((whose, b, a) for whose, (b, a) in counts.items()), key=lambda row: (-row[2], -row[1], row[0]))


# The job


@transaction.atomic
def ask(draft: PolicyDraft, viewer: Viewer, before: PolicyVersion | None, first: str, last: str) -> PolicyBacktest:
    """Start the back-test of a draft beside a version. Raises ValidationError for what cannot be tried."""
    before = before or draft.base
    if before is None:
        raise ValidationError({"before": [_("Choose the version to compare with.")]})
    policy, _issues = load_text(draft.text)
    if policy is None:
        raise ValidationError(_("The document has errors; mend them first."))
    periods = between(policy, first, last)
    row = PolicyBacktest.objects.create(
        draft=draft,
        before=before,
        text=draft.text,
        digest=draft.digest,
        kind=periods[0].kind,
        first=periods[0].label,
        last=periods[-1].label,
        asked_by_id=viewer.person_id,
    )
    row.job_id = jobs.start(
        "policy_backtest",
        viewer,
        lambda: _("Back-test: %(title)s") % {"title": draft.title},
        unit=lambda: _("periods"),
        backtest=row.pk,
    ).pk
    row.save(update_fields=["job_id"])
    return row


@job_kind("policy_backtest")
def work(running: Running) -> dict[str, Any]:
    """Reckon a back-test and keep its result with it. Begun anew after a kill: it changes nothing else."""
    row = PolicyBacktest.objects.select_related("draft", "before").filter(pk=running.parameters["backtest"]).first()
    if row is None:
        raise JobError(_("It is gone."))
    after, _issues = load_text(row.text)
    if after is None:
        raise JobError(_("The document has errors; mend them first."))
    periods = between(after, row.first, row.last)
    trial = tried(document_of(row.before), after, periods, lambda done, total: running.progress(done, total))
    with running.step(done=len(periods), total=len(periods)):
        row.result, row.done_at = plain(trial), timezone.now()
        row.save(update_fields=["result", "done_at"])
    return {
        "summary": lambda: _("%(n)d people over %(p)d periods.") % {"n": len(trial.people), "p": len(periods)},
        "url": reverse("policy_backtest", args=[row.draft_id, row.pk]),
    }


def statements(row: PolicyBacktest, key: str, label: str) -> tuple[Who, Statement, Statement] | None:
    """Both statements of one person and period, as the back-test had them; None for somebody who took no part."""
    before, after = document_of(row.before), load_text(row.text)[0]
    if after is None or label not in row.result.get("periods", ()):
        return None
    period = after.calendar.parse(label)
    who = next((one for one in _people(before, after, period) if one.key == key), None)
    if who is None:
        return None
    periods = between(after, row.first, row.last)
    widened = [in_force_over(policy, periods) for policy in (before, after)]
    found = [statement(policy, who, period, TriedWorld(policy)) for policy in widened]
    return who, found[0], found[1]


# A file of it


def workbook(row: PolicyBacktest, viewer: Viewer = NOBODY) -> bytes:
    """The back-test as a spreadsheet: what it comes to, by person, by period, and every row."""
    from xlsxwriter import Workbook

    shown = Shown(row.result, viewer)
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheets = _Sheets(book)
        cost = shown.cost_of_sales
        sheets.add(
            _("Total"),
            [_("What"), shown.data["before"], shown.data["after"]],
            [
                [_("Paid"), *shown.totals],
                [_("Cost of sales"), *(None if c is None else float(c) for c in cost)],
                [_("Assumed: everybody acts as before."), None, None],
            ],
        )
        head = [pgettext("policy", "Before"), pgettext("policy", "After"), _("Change")]
        sheets.add(_("By person"), [_("Person"), *head], [[n, b, a, a - b] for _k, n, b, a in shown.people()])
        sheets.add(_("By period"), [_("Period"), *head], [[n, b, a, a - b] for n, b, a in shown.periods()])
        if goals := shown.goals():
            names = names_of(load_text(row.text)[0] or document_of(row.before))
            rows = [[names.get(goal, goal), *(" / ".join(map(str, side)) for side in sides)] for goal, *sides in goals]
            sheets.add(_("Goals met"), [_("Goal"), *head[:2]], rows)
        warned = [
            [one.data["name"], about, label, before, after, whose]
            for one in shown.warnings()
            for about, label, before, after, whose in one.rows()
        ]
        if shown.data["warnings"]:
            columns = [pgettext("policy", "Warning"), pgettext("warning", "About"), _("Period"), *head[:2], _("Person")]
            sheets.add(pgettext("policy", "Warnings"), columns, warned)
        sheets.add(
            _("Every row"),
            [_("Person"), _("Period"), *head, _("Missing")],
            [[shown.name(k), label, b, a, a - b, ", ".join(missing)] for k, label, b, a, missing in shown.data["rows"]],
        )
    return out.getvalue()


class _Sheets:
    """Adds sheets in which whole numbers are amounts in ten-thousandths and floats are shares."""

    def __init__(self, book: Any):
        self.book = book
        self.bold = book.add_format({"bold": True})
        self.money = book.add_format({"num_format": "#,##0.00"})
        self.share = book.add_format({"num_format": "0.00%"})

    def add(self, name: str, head: list[str], rows: Iterable[list[Any]]) -> None:
        sheet = self.book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, len(head), 18)
        for place, text in enumerate(head):
            sheet.write_string(0, place, text, self.bold)
        for number, row in enumerate(rows, 1):
            for place, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, place, value)
                elif isinstance(value, float):
                    sheet.write_number(number, place, value, self.share)
                elif value is not None:
                    sheet.write_number(number, place, value / SCALE, self.money)

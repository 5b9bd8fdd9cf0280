"""案例 cases: given and expected, in the words of whoever writes the policy.

A case file lies beside its policy: small-company.cases.yaml beside small-company.yaml.

    - name: The accelerator pays only on the part above quota
      policy: small-company
      period: 2026-03
      who: {name: 林静, role: sales_rep, quota: {annual_bookings: {2026-Q1: 250_000}}}
      facts:
        orders:
          - {id: SO-107, signed_on: 2026-03-02, net_amount: 300_000, status: signed}
      expect: {bookings: 300_000, commission: 9_500}

`who` may carry terms of the contract (`terms: {bonus: 4100, commission_percent: 1.2%}`), `team`, `manager`,
`hired_on`, `left_on`. `people` are others, by id. Facts without `person` are the person's own. `splits`, `grades`,
`rates`, `absences` and `ledger` stand beside the facts. `expect` names metrics as credited for attainment, components,
steps (`rep_plan.release`), `total`, `grade` or `score` of an appraisal (`monthly.grade`), or a formula in quotes:
`"attainment(quota)": 80%`. Ratios compare exactly; `missing` expects no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from xiaoguan.base.explain import Line, Statement, value_text
from xiaoguan.base.issues import Issue, has_errors
from xiaoguan.base.ledger import KINDS, Entry
from xiaoguan.base.money import SCALE, Money, parse_units
from xiaoguan.base.periods import Period
from xiaoguan.base.words import did_you_mean

from .appraisal import appraise
from .credit import metric_of
from .document import Policy
from .formula import Row, Type, Value
from .goals import Absence, Number
from .incentive import statement
from .inputs import value_of
from .load import Node, load, read_number, read_tree
from .metrics import FACTS, Schema
from .world import Book, RowsWorld, Span, Term, Who

_BESIDE = ("splits", "grades", "rates", "absences", "ledger")


@dataclass(frozen=True)
class Expectation:
    """One expected value beside what came out."""

    name: str
    expected: str
    actual: str
    line: int
    holds: bool


@dataclass(frozen=True)
class CaseResult:
    """How one case went. `statement` explains every number of it; issues say what could not be read."""

    name: str
    file: str
    line: int
    expectations: tuple[Expectation, ...] = ()
    issues: tuple[Issue, ...] = ()
    statement: Statement | None = None

    @property
    def passed(self) -> bool:
        """Whether it could be read and every expectation holds."""
        return not has_errors(self.issues) and all(one.holds for one in self.expectations)

    def to_json(self) -> dict[str, Any]:
        """A plain dict: the case, each expected and obtained value as text, and what could not be read."""
        return {
            "name": self.name,
            "file": self.file,
            "line": self.line,
            "passed": self.passed,
            "expectations": [
                {
                    "name": one.name,
                    "expected": one.expected,
                    "obtained": one.actual,
                    "holds": one.holds,
                    "line": one.line,
                }
                for one in self.expectations
            ],
            "issues": [issue.to_json() for issue in self.issues],
        }

    def __str__(self) -> str:
        head = f"{self.file}:{self.line}: {'passed' if self.passed else 'FAILED'}: {self.name}"
        wrong = [f"  {one.name} is {one.actual}, expected {one.expected}" for one in self.expectations if not one.holds]
        return "\n".join([head, *wrong, *(f"  {issue}" for issue in self.issues if issue.level != "info")])


def run_cases(path: str | Path, schema: Schema = FACTS) -> list[CaseResult]:
    """Run every case of a file against the policy beside it. A file that cannot be read is one failed case."""
    file = Path(path)
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return [CaseResult("cases", str(file), 0, issues=(Issue("error", f"cannot be read: {error}", file=str(file)),))]
    policy, problems = load(file.with_name(file.name.removesuffix(".cases.yaml") + ".yaml"))
    if policy is None:
        return [CaseResult("policy", str(file), 0, issues=tuple(problems))]
    return run_cases_text(text, policy, str(file), schema)


def run_cases_text(text: str, policy: Policy, file: str = "", schema: Schema = FACTS) -> list[CaseResult]:
    """Run every case of a text against a policy; `file` names it. A text that cannot be read is one failed case."""
    tree, issues = read_tree(text, file)
    if tree is None or not isinstance(tree.value, list):
        issues = issues or [Issue("error", "a list of cases is expected", file=file, line=1)]
        return [CaseResult("cases", file, 0, issues=tuple(issues))]
    return [_Case(node, policy, file, schema).run() for node in tree.value]


class _Case:
    """Reads and runs one case."""

    def __init__(self, node: Node, policy: Policy, file: str, schema: Schema) -> None:
        self.node, self.policy, self.file, self.schema = node, policy, file, schema
        self.issues: list[Issue] = []

    def run(self) -> CaseResult:
        case = self.map(self.node, "name", "policy", "period", "who", "people", "facts", *_BESIDE, "expect")
        name = _text(case.get("name")) or "(no name)"
        result = CaseResult(name, self.file, self.node.line)
        if (wanted := _text(case.get("policy"))) and wanted != self.policy.id:
            self.report(f"the policy beside this file is {self.policy.id}, not {wanted}", case["policy"].line)
        period = self.period(case.get("period"))
        who, goals = self.who(case.get("who"))
        rows = self.facts(case.get("facts"), who)
        book = self.book(case, who)
        if period is None or has_errors(self.issues):
            return replace(result, issues=tuple(self.issues))
        world = RowsWorld(self.policy, rows, goals, self.schema, book)
        who = book.people[who.key]
        paid = statement(self.policy, who, period, world)
        expectations = tuple(
            self.compare(key, node, period, who, world, paid) for key, node in self.map(case.get("expect")).items()
        )
        if not expectations:
            self.report("the case expects nothing", self.node.line)
        return replace(result, expectations=expectations, issues=(*self.issues, *paid.issues), statement=paid)

    # Reading

    def report(self, message: str, line: int, hint: str = "") -> None:
        self.issues.append(Issue("error", message, hint, self.file, line, code="policy.case"))

    def map(self, node: Node | None, *known: str) -> Mapping[str, Node]:
        if node is None or node.empty:
            return {}
        if not isinstance(node.value, dict):
            self.report("keys and values are expected here", node.line)
            return {}
        for key in node.value if known else ():
            if key not in known:
                self.report(f"unknown key {key!r}", node.lines[key], did_you_mean(key, known))
        return node.value

    def period(self, node: Node | None) -> Period | None:
        try:
            return self.policy.calendar.parse(_text(node))
        except ValueError as error:
            self.report(str(error), node.line if node else self.node.line)
            return None

    def who(self, node: Node | None) -> tuple[Who, dict[tuple[str, str, str], Number]]:
        person = self.map(node, "name", "role", "quota", "terms", "team", "manager", "hired_on", "left_on")
        name = _text(person.get("name")) or "person"
        terms = {key: self.term(value) for key, value in self.map(person.get("terms")).items()}
        goals: dict[tuple[str, str, str], Number] = {}
        for goal_id, periods in self.map(person.get("quota")).items():
            goal = self.policy.goal(goal_id)
            if goal is None:
                self.report(f"there is no goal {goal_id!r}", periods.line)
                continue
            unit = self.policy.unit_of(goal.metric)
            for label, value in self.map(periods).items():
                wanted = self.number(value, unit.startswith("money:"))
                goals[goal_id, name, label] = int(wanted) if wanted.denominator == 1 else wanted
        return self.somebody(name, person, terms), goals

    def somebody(self, key: str, person: Mapping[str, Node], terms: Mapping[str, Term]) -> Who:
        """A person whose role, team and manager hold all the time."""
        role, team, manager = (_text(person.get(name)) for name in ("role", "team", "manager"))
        hired, left = (self.day(person.get(name)) for name in ("hired_on", "left_on"))
        spans = (Span(date.min, None, role, team, manager),)
        return Who(key, key, role, terms, team, hired, left, spans)

    def day(self, node: Node | None) -> date | None:
        value = self.field(Type.DATE, node) if node is not None else None
        return value if isinstance(value, date) else None

    def book(self, case: Mapping[str, Node], who: Who) -> Book:
        """The people, splits, grades and ledger of the case."""
        people = {who.key: who}
        for key, node in self.map(case.get("people")).items():
            other = self.map(node, "role", "team", "manager", "hired_on", "left_on", "terms")
            terms = {name: self.term(value) for name, value in self.map(other.get("terms")).items()}
            people[key] = self.somebody(key, other, terms)
        return Book(
            people,
            [row for node in self.listed(case.get("splits")) for row in self.split(node)],
            [row for node in self.listed(case.get("grades")) for row in self.grade(node, who)],
            [row for node in self.listed(case.get("rates")) for row in self.rate(node)],
            [entry for node in self.listed(case.get("ledger")) for entry in self.entry(node, who)],
            self.absences(case.get("absences"), who),
        )

    def listed(self, node: Node | None) -> list[Node]:
        if node is None or node.empty:
            return []
        if isinstance(node.value, list):
            return node.value
        self.report("a list is expected here", node.line)
        return []

    def split(self, node: Node) -> Iterator[Row]:
        row = self.map(node, "record", "person", "share", "table", "counts", "kind", "reason")
        share = self.number(row["share"], False) if "share" in row else Fraction(0)
        counts = tuple(_text(row.get("counts")).split()) or ("attainment", "pay")
        if unknown := [one for one in counts if one not in ("attainment", "pay")]:
            self.report(
                f"{unknown[0]!r} is no purpose", node.line, "Write attainment, pay, or both with a space between."
            )
        yield {"table": _text(row.get("table")) or None, "record": _text(row.get("record")),
               "person": _text(row.get("person")), "share": share, "counts": counts,
               "kind": _text(row.get("kind")) or "direct", "reason": _text(row.get("reason")) or "split"}  # fmt: skip

    def rate(self, node: Node) -> Iterator[Row]:
        row = self.map(node, "currency", "on", "rate", "kind")
        value, day = self.number(row["rate"], False) if "rate" in row else Fraction(0), self.day(row.get("on"))
        if value <= 0 or day is None:
            self.report(
                "a rate needs currency, on and rate above 0",
                node.line,
                "Write {currency: USD, on: 2026-01-05, rate: 7}.",
            )
        else:
            yield {
                "currency": _text(row.get("currency")),
                "on": day,
                "rate": value,
                "kind": _text(row.get("kind")) or "spot",
            }

    def absences(self, node: Node | None, who: Who) -> dict[str, list[Absence]]:
        found: dict[str, list[Absence]] = {}
        for one in self.listed(node):
            row = self.map(one, "person", "kind", "from", "to")
            start, end = self.day(row.get("from")), self.day(row.get("to"))
            if start is None:
                self.report("an absence needs its first day", one.line, "Write from: 2026-01-05.")
            else:
                absence = Absence(_text(row.get("kind")), start, end)
                found.setdefault(_text(row.get("person")) or who.key, []).append(absence)
        return found

    def grade(self, node: Node, who: Who) -> Iterator[Row]:
        row = self.map(node, "person", "appraisal", "period", "grade", "score", "locked")
        appraisal = self.policy.appraisal_of(_text(row.get("appraisal")))
        period, name = self.period(row.get("period")), _text(row.get("grade"))
        if appraisal is None or (name and name not in appraisal.grades):
            self.report(f"there is no grade {name!r} of {_text(row.get('appraisal'))!r}", node.line)
            return
        factor = appraisal.grades[name].factor if name else None
        score = self.number(row["score"], False) if "score" in row else None
        whose, locked = _text(row.get("person")) or who.key, _text(row.get("locked")) != "false"
        made = {"person": whose, "appraisal": appraisal.id, "period": period, "grade": name, "factor": factor}
        yield {**made, "score": score, "locked": locked}

    def entry(self, node: Node, who: Who) -> Iterator[Entry]:
        row = self.map(node, "person", "period", "posted", "kind", "name", "amount")
        period = self.period(row.get("period"))
        posted = self.period(row["posted"]) if "posted" in row else period
        kind = _text(row.get("kind")) or "earning"
        if kind not in KINDS:
            self.report(f"{kind!r} is no kind of entry", node.line, did_you_mean(kind, KINDS))
        elif period is not None and posted is not None and "amount" in row:
            amount, whose = int(self.number(row["amount"], True)), _text(row.get("person")) or who.key
            yield Entry(kind, whose, period.label, posted.label, _text(row.get("name")), amount)

    def term(self, node: Node) -> Term:
        text = _text(node)
        if text.endswith("%"):
            return self.number(node, False)
        try:
            return Money(text, self.policy.currency)
        except ValueError:
            return text

    def number(self, node: Node, money: bool) -> Fraction:
        try:
            return Fraction(parse_units(_text(node))) if money else read_number(_text(node))
        except ValueError as error:
            self.report(str(error), node.line)
            return Fraction(0)

    def facts(self, node: Node | None, who: Who) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for table, rows in self.map(node).items():
            if table not in self.schema.facts:
                hint = did_you_mean(table, self.schema.facts)
                self.report(f"there is no fact table {table!r}", rows.line, hint)
            elif not isinstance(rows.value, list):
                self.report("a list of records is expected here", rows.line)
            else:
                found[table] = [self.row(table, row, who) for row in rows.value]
        return found

    def row(self, table: str, node: Node, who: Who) -> Row:
        fields = self.schema.facts[table].fields
        row: dict[str, object] = {self.schema.facts[table].person or "person": who.key}
        for key, value in self.map(node, "id", "label", "currency", "person", *fields, *_LINKS).items():
            row[key] = self.field(fields.get(key, Type.TEXT), value)
        return row

    def field(self, type_: Type, node: Node) -> object:
        if node.empty:
            return None
        text = _text(node)
        try:
            if type_ is Type.DATE:
                return date.fromisoformat(text)
            if type_ is Type.BOOL:
                return {"true": True, "false": False}[text]
        except (ValueError, KeyError):
            self.report(f"{text!r} is not a {type_.value}", node.line)
            return None
        if type_ is Type.TEXT:
            return text
        number = self.number(node, type_ is Type.MONEY)
        return int(number) if number.denominator == 1 else number

    # Comparing

    def compare(
        self, name: str, node: Node, period: Period, who: Who, world: RowsWorld, paid: Statement
    ) -> Expectation:
        line = self.found(name, period, who, world, paid)
        expected = self.expected(node, line.unit)
        same = line.value == expected
        shown = "missing" if expected is None else str(expected)
        if isinstance(expected, Fraction):
            shown = value_text(expected, line.unit)
        actual = line.text if not line.missing else f"missing ({line.note})"
        return Expectation(name, shown, actual, node.line, same)

    def found(self, name: str, period: Period, who: Who, world: RowsWorld, paid: Statement) -> Line:
        if name in self.policy.metrics:
            return metric_of(self.policy, world, name, who, period, "attainment")
        if name == "total":
            return Line("total", "Total", paid.total.units, f"money:{paid.total.currency}")
        for line in paid.lines:
            if line.name == name:
                return line
        if any(plan.id == name.split(".")[0] for plan in self.policy.incentive):
            return Line(name, name, 0, f"money:{self.policy.currency}", "nothing happened in this step")
        appraisal_id, _, what = name.partition(".")
        appraisal = self.policy.appraisal_of(appraisal_id)
        if appraisal is not None and what in ("grade", "score"):
            made = appraise(self.policy, appraisal, who, period, world)
            value: Fraction | str | None = made.score if what == "score" else made.grade or None
            return Line(name, name, value, "score" if what == "score" else "text", note="; ".join(made.steps))
        return value_of(self.policy, name, who, period, world)

    def expected(self, node: Node, unit: str) -> Value:
        text = _text(node)
        if node.empty or text == "missing":
            return None
        if unit == "text":
            return text
        return self.number(node, False) * (SCALE if unit.startswith("money:") else 1)


_LINKS = (
    "order",
    "invoice",
    "record",
    "reverses",
    "co_owner",
    "referrer",
    "presales",
    "partner",
    "quantity",
    "recorded_at",
)


def _text(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""

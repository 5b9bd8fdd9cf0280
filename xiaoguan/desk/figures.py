"""Figures of a list: totals, groups with subtotals, and what pivots and charts are made of.

Every figure counts the listing's own rows, so that it speaks of what the viewer may read and of nothing else. Each is
one grouped query with a time to live: one that would read too long raises TooMuch, and the page says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, DateField, Sum
from django.db.models.functions import Trunc
from django.utils.translation import gettext as _

from xiaoguan.desk import filters, paging
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.bounds import within
from xiaoguan.desk.cells import MISSING, money_text, number_text
from xiaoguan.desk.expressions import BadQuery, Condition
from xiaoguan.desk.filters import DATES
from xiaoguan.desk.listing import Listing
from xiaoguan.desk.paths import Path

SECONDS, HURRIED = 2.0, 0.3  # for a list that can be counted; for one that is longer than counts go
MOST_ROWS = 20_000  # of a grouped query


@dataclass(frozen=True, order=True)
class Bucket:
    """One value of a dimension: its place in the order, its words, and the condition that finds its records."""

    place: tuple[Any, ...]
    label: str = field(compare=False)
    drill: Condition = field(compare=False)
    tone: str = field(default="", compare=False)


@dataclass
class Sums:
    """What falls into one bucket: how many records, and for each path the units of each currency ("" for a number).

    kinds    what the records are by their model's ADDS_UP, for each path that it names; see `alike`
    """

    count: int = 0
    units: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    kinds: dict[str, set[Any]] = field(default_factory=lambda: defaultdict(set))

    def of(self, path: Path) -> dict[str, Any]:
        """{currency: units}; nothing where records of several kinds would be added up."""
        return {} if self.mixed(path) else self.units.get(path.text, {})

    def mixed(self, path: Path) -> bool:
        return len(self.kinds.get(path.text, ())) > 1

    def add(self, other: Sums) -> None:
        self.count += other.count
        for path, by_currency in other.units.items():
            mine = self.units[path]
            for code, units in by_currency.items():
                mine[code] = mine.get(code, 0) + units
        for path, kinds in other.kinds.items():
            self.kinds[path] |= kinds


class Dimension:
    """A path to cut by: a choice, a relation, a yes or no, a text, or a date in steps such as months."""

    def __init__(self, listing: Listing, text: str):
        name, _colon, self.step = text.partition(":")
        self.path = filters.usable(listing.desk, listing.viewer, name)
        if self.path.kind not in GROUPED or filters.seen_through(listing.desk, listing.viewer, self.path):
            raise BadQuery(_("This list cannot be grouped by '%(path)s'.") % {"path": name})
        if self.step and (self.path.kind not in DATES or self.step not in STEPS):
            raise BadQuery(_("'%(step)s' is no step of %(path)s.") % {"step": self.step, "path": name})
        if self.path.kind in DATES:
            self.step = self.step or "month"
        self.text = f"{name}:{self.step}" if self.step else name
        self.viewer: Viewer = listing.viewer
        self._calendar = filters.calendar_of(self.step)
        kind = self.step.removeprefix("fiscal_")
        self._periods = {"kind": kind} if self.step else {}
        choices = filters.choices_of(self.path) if self.path.kind in filters.CHOICES else []
        self._choices = {value: (n, label) for n, (value, label) in enumerate(choices)}
        self._tones = getattr(self.path.field.model, "TONES", {}).get(self.path.field.name, {})

    @property
    def label(self) -> str:
        step = f" · {dict(steps())[self.step]}" if self.step else ""
        return f"{filters.path_label(self.path)}{step}"

    def names(self) -> list[Any]:
        """What to ask the database for; a moment is cut to its day there, which the rest is folded from here."""
        if self.path.kind == "datetime":
            return [Trunc(self.path.orm, "day", output_field=DateField())]
        return [self.path.orm, self.path.title] if self.path.title else [self.path.orm]

    def bucket(self, values: Sequence[Any]) -> Bucket:
        value, name = values[0], self.path.text
        if value is None or value == "":
            return Bucket((1, ""), _("none"), Condition(name, "empty"))
        if self.step:
            return self._period(value)
        if self.path.relation:
            return Bucket((0, str(values[1])), str(values[1]), Condition(name, "is", (str(value),)))
        if self.path.kind == "bool":
            said = _("yes") if value else _("no")
            return Bucket((0, not value), said, Condition(name, "is", ("1" if value else "0",)))
        place, label = self._choices.get(str(value), (len(self._choices), str(value)))
        kept = (0, place, str(value)) if self._choices else (0, str(value))
        return Bucket(kept, label, Condition(name, "is", (str(value),)), self._tones.get(value, ""))

    def without_gaps(self, buckets: list[Bucket], most: int) -> list[Bucket]:
        """Periods in which nothing was stand between the others, so that an axis of time is one."""
        days = [bucket.place[1] for bucket in buckets if bucket.place[0] == 0]
        if not self.step or not days:
            return buckets
        found, day = [], max(days)
        while len(found) < most and day >= min(days):
            period = self._calendar.period(self._periods["kind"], day)
            found.append(self._period(period.start))
            day = date.fromordinal(period.start.toordinal() - 1)
        return [*reversed(found), *(bucket for bucket in buckets if bucket.place[0] != 0)]

    def _period(self, day: date) -> Bucket:
        period = self._calendar.period(self._periods["kind"], day)
        last = date.fromordinal(period.end.toordinal() - 1)
        drill = Condition(self.path.text, "between", (period.start.isoformat(), last.isoformat()))
        return Bucket((0, period.start), period.label, drill)


GROUPED = frozenset({"choice", "stage", "relation", "bool", "date", "datetime", "text"})
STEPS = ("day", "week", "month", "quarter", "fiscal_quarter", "year", "fiscal_year")


def steps() -> list[tuple[str, str]]:
    """The steps of a date with their words."""
    return [
        ("day", _("day")), ("week", _("week")), ("month", _("month")), ("quarter", _("quarter")),
        ("fiscal_quarter", _("fiscal quarter")), ("year", _("year")), ("fiscal_year", _("fiscal year")),
    ]  # fmt: skip


def summable(paths: Sequence[Path]) -> list[Path]:
    """Those that can be added up: amounts and numbers of the record itself. A percentage cannot, nor a field that says
    that it does not add up (`adds = False`), such as a score."""
    kinds = ("money", "number", "decimal")
    return [p for p in paths if not p.hops and p.kind in kinds and getattr(p.field, "adds", True)]


def alike(path: Path) -> tuple[Any, ...]:
    """What records must have in common for this number of theirs to be added up, in the words of the ORM. A model says
    so in its ADDS_UP: goals of a year and of its months, of a team and of its people are each other's parts."""
    return getattr(path.field.model, "ADDS_UP", {}).get(path.field.name, ())


def cut(
    listing: Listing, dimensions: Sequence[Dimension], sums: Sequence[Path], seconds: float = SECONDS
) -> dict[tuple[Bucket, ...], Sums]:
    """The listing cut by the dimensions: for each combination that occurs its count and sums. Raises TooMuch."""
    rows = listing.rows.order_by()
    sums = [p for p in sums if listing.desk.usable(listing.viewer, p)]
    names: list[str] = []
    for n, dimension in enumerate(dimensions):
        for m, name in enumerate(dimension.names()):
            names.append(name if isinstance(name, str) else f"cut_{n}_{m}")
            if not isinstance(name, str):
                rows = rows.annotate(**{f"cut_{n}_{m}": name})
    currencies = list(dict.fromkeys(p.currency for p in sums if p.currency))
    kinds = {f"cut_kind_{n}_{m}": e for n, p in enumerate(sums) for m, e in enumerate(alike(p))}
    rows = rows.annotate(**kinds) if kinds else rows
    wanted = {"cut_count": Count("pk"), **{f"cut_sum_{n}": Sum(p.orm) for n, p in enumerate(sums)}}
    with within(seconds):
        if names or currencies or kinds:
            found = list(rows.values_list(*names, *currencies, *kinds).annotate(**wanted)[: MOST_ROWS + 1])
        else:  # values_list without names would mean every field
            found = [tuple(rows.aggregate(**wanted).values())]
    if len(found) > MOST_ROWS:
        raise BadQuery(_("That has too many different values to be shown; choose a coarser step or a filter."))
    return _folded(found, dimensions, sums, currencies, len(names))


def _folded(
    found: list[tuple], dimensions: Sequence[Dimension], sums: Sequence[Path], currencies: list[str], start: int
) -> dict[tuple[Bucket, ...], Sums]:
    answer: dict[tuple[Bucket, ...], Sums] = {}
    for row in found:
        at, key = 0, []
        for dimension in dimensions:
            width = 2 if dimension.path.title else 1
            key.append(dimension.bucket(row[at : at + width]))
            at += width
        codes = dict(zip(currencies, row[start:], strict=False))
        kinds = iter(row[start + len(currencies) :])
        told = {p.text: {tuple(next(kinds) for _kind in alike(p))} for p in sums if alike(p)}
        count, *units = kinds
        entry = answer.setdefault(tuple(key), Sums())
        part = Sums(count)
        for path, value in zip(sums, units, strict=True):
            if value is not None:
                part.kinds[path.text] = told.get(path.text, set())
                part.units[path.text][codes.get(path.currency, "")] = value
        entry.add(part)
    return answer


def totals(listing: Listing, paths: Sequence[Path]) -> dict[str, str]:
    """{path: text} of the columns that can be added up, over the whole filtered list; see `alike`.

    Up to 10,000 records are always added up; of a longer list only what an index answers at once. Raises TooMuch.
    """
    sums = summable(paths)
    if not sums:
        return {}
    with within(SECONDS):
        _number, more = paging.count(listing.rows)
    found = cut(listing, (), sums, HURRIED if more else SECONDS).get((), Sums())
    return {p.text: figure_text(p, found) for p in sums if not found.mixed(p)}


def groups(listing: Listing, paths: Sequence[Path]) -> list[tuple[Bucket, Sums]]:
    """The groups of a listing that is grouped, in order, with their subtotals. Raises TooMuch."""
    found = cut(listing, [Dimension(listing, listing.group)], summable(paths))
    return [(key[0], found[key]) for key in sorted(found)]


def less(sums: Sums, path: Path, taken: Path | None = None) -> Sums:
    """The sums of a path less those of another, currency by currency."""
    found = Sums(sums.count)
    for code, units in sums.of(path).items():
        found.units[path.text][code] = units - (sums.of(taken).get(code, 0) if taken else 0)
    return found


def figure_text(path: Path, sums: Sums) -> str:
    """A sum in words: each currency for itself."""
    by_currency = sums.of(path)
    if path.kind != "money":
        return number_text(sum(by_currency.values())) if by_currency else MISSING
    texts = [
        money_text(int(units), code) for code, units in sorted(by_currency.items()) if units or len(by_currency) == 1
    ]
    return " + ".join(texts) or MISSING


@dataclass(frozen=True)
class Measure:
    """What a pivot or chart measures: `count`, `sum:amount` or `avg:amount`."""

    text: str
    path: Path | None = None
    mean: bool = False

    @classmethod
    def read(cls, listing: Listing, text: str) -> Measure:
        """Raises BadQuery."""
        how, _colon, name = text.partition(":")
        if text in ("", "count"):
            return cls("count")
        path = filters.usable(listing.desk, listing.viewer, name) if name else None
        if how not in ("sum", "avg") or path is None or path not in summable([path]):
            raise BadQuery(_("'%(measure)s' cannot be measured: count, sum:field or avg:field.") % {"measure": text})
        return cls(text, path, how == "avg")

    @property
    def label(self) -> str:
        if self.path is None:
            return _("number of records")
        said = _("average of %(name)s") if self.mean else _("sum of %(name)s")
        return said % {"name": self.path.label}

    @property
    def sums(self) -> list[Path]:
        return [self.path] if self.path else []

    def units(self, sums: Sums) -> dict[str, Any]:
        """{currency: units}; a count stands under ""."""
        if self.path is None:
            return {"": sums.count}
        found = sums.of(self.path)
        return {code: _mean(units, sums.count) for code, units in found.items()} if self.mean else dict(found)

    def show(self, sums: Sums) -> str:
        units = self.units(sums)
        if self.path is None or self.path.kind != "money":
            return number_text(sum(units.values())) if units else MISSING
        return " + ".join(money_text(int(v), code) for code, v in sorted(units.items())) or MISSING

    def major(self, value: Any) -> float:
        """For a chart's axis, which is no place for exact figures."""
        return float(value) / 10_000 if self.path is not None and self.path.kind == "money" else float(value)


def _mean(total: Any, count: int) -> Any:
    return total / count if isinstance(total, Decimal) else round(Decimal(total) / count)

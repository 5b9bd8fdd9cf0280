"""A stored value becomes what a person reads; the one place that formats for lists, cards, details and exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from xiaoguan.base.money import SCALE, minor_digits
from xiaoguan.base.words import SYMBOLS, format_date, short_date
from xiaoguan.desk.access import Viewer, mask
from xiaoguan.desk.fields import counted_in
from xiaoguan.desk.paths import Path

if TYPE_CHECKING:
    from xiaoguan.desk.desk import Desk

MISSING = "–"


@dataclass(slots=True)
class Cell:
    """What stands in one column of a row.

    adds    whether the amount is part of a sum, so that it is what a short card shows first; a price is not
    said    whether another cell says it already: the currency of an amount beside it
    """

    kind: str
    text: str
    url: str | None = None
    tone: str = ""
    adds: bool = True
    said: bool = False


def money_text(units: int | None, currency: str = "") -> str:
    """¥12,300.50: grouped, in the currency's minor unit, with a true minus; long whole amounts stay readable."""
    if units is None:
        return MISSING
    digits = minor_digits(currency) if currency else 2
    step = SCALE // 10**digits
    whole = (2 * abs(units) + step) // (2 * step)
    major, minor = divmod(whole, 10**digits)
    fraction = f".{minor:0{digits}d}" if digits else ""
    sign = "\u2212" if units < 0 and whole else ""
    symbol = SYMBOLS.get(currency, f"{currency}\u00a0" if currency else "")
    return f"{sign}{symbol}{major:,}{fraction}"


def change_text(units: int, currency: str = "") -> str:
    """A difference of amounts, a gain with its plus: +¥12.00."""
    return f"+{money_text(units, currency)}" if units > 0 else money_text(units, currency)


def middle(text: str, size: int = 32) -> str:
    """A long name cut in the middle, so that both ends can be read."""
    if len(text) <= size:
        return text
    head = size // 2
    return f"{text[:head]}…{text[-(size - 1 - head) :]}"


def number_text(value: Any, digits: int = 4) -> str:
    if value is None:
        return MISSING
    number = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    text = f"{abs(number):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"\u2212{text}" if number < 0 else text


def short_day(value: date) -> str:
    """As on the axis of a chart: 3月2日, Mar 2."""
    return short_date(value, get_language() or "en")


def day_text(value: date | None) -> str:
    return format_date(value, get_language() or "en")


def moment_text(value: datetime | None) -> str:
    return _moments()(value)


def _moments() -> Callable[[datetime | None], str]:
    """How a moment reads here and in this language; for a column both are asked once."""
    language, zone = get_language() or "en", timezone.get_current_timezone()

    def text(value: datetime | None) -> str:
        if value is None:
            return MISSING
        local = value.astimezone(zone)
        return f"{format_date(local.date(), language)} {local:%H:%M}"

    return text


def percent_text(value: Decimal | None) -> str:
    return MISSING if value is None else f"{number_text(value * 100, 2)}%"


def formatter(path: Path) -> Callable[[Any], str]:
    """The function that turns a value of this path into text."""
    if path.kind == "choice":
        labels = {value: str(label) for value, label in path.field.flatchoices}
        return lambda value: labels.get(value, str(value or MISSING))
    if path.kind == "stage":
        names = dict(path.field.stage_choices())
        return lambda value: names.get(value, value or MISSING)
    if hasattr(path.field, "shown"):
        return path.field.shown
    if hasattr(path.field, "spoken"):
        return path.field.spoken()
    if path.kind == "bool":
        yes, no = _("yes"), _("no")
        return lambda value: yes if value else no
    if path.kind == "datetime":
        return _moments()
    return {
        "date": partial(format_date, locale=get_language() or "en"),
        "percent": percent_text,
        "decimal": number_text,
        "number": number_text,
    }.get(path.kind, lambda value: str(value) if value not in (None, "") else MISSING)


def amount_text(value: Decimal | None, currency: str) -> str:
    """A decimal of major units as money."""
    return MISSING if value is None else money_text(int(value * SCALE), currency)


def _counted(path: Path) -> str:
    """The orm path of the currency beside a number that may be an amount, or ""."""
    name = "" if path.kind != "decimal" else counted_in(path.field)
    return path.orm.removesuffix(path.field.name) + name if name else ""


ALIGN_RIGHT = frozenset({"money", "number", "decimal", "percent"})


class Columns:
    """The columns of a query: which values to ask for, and how a row of them becomes cells.

    `names` are the orm paths for values_list, "pk" first.
    """

    def __init__(self, paths: Sequence[Path], masked: frozenset[str] = frozenset()):
        self.paths, self._masked = tuple(paths), masked
        names: list[str] = ["pk"]
        self._said = {p.currency or _counted(p) for p in self.paths}
        self._at: list[tuple[int, int | None]] = []
        for path in self.paths:
            main = self._place(names, path.title or path.orm)
            extra = path.currency or _counted(path) or (path.orm if path.relation else "") or self._owner_of(path)
            self._at.append((main, self._place(names, extra) if extra else None))
        self.names = tuple(names)

    @classmethod
    def seen(cls, desk: Desk, viewer: Viewer, paths: Sequence[Path]) -> Columns:
        """The columns as far as the viewer may see them: without what they may not, masked where they see a mask."""
        readable = desk.readable(viewer, paths)
        return cls(readable, desk.masked(viewer, readable))

    def places(self) -> list[tuple[Path, tuple[int, ...]]]:
        """Which values of a row belong to each path."""
        at = [(main,) if extra is None else (main, extra) for main, extra in self._at]
        return list(zip(self.paths, at, strict=True))

    @staticmethod
    def _place(names: list[str], name: str) -> int:
        if name not in names:
            names.append(name)
        return names.index(name)

    @staticmethod
    def _owner_of(path: Path) -> str:
        """ "customer.name" links to the customer: the orm path of the relation before the last step."""
        return path.orm.rsplit("__", 1)[0] if path.hops else ""

    def cells(self, rows: Sequence[tuple]) -> list[list[Cell]]:
        """The cells of each row, in the order of the paths. Formatters and link patterns are prepared once."""
        makers = [self._maker(path, *at) for path, at in zip(self.paths, self._at, strict=True)]
        return [[make(row) for make in makers] for row in rows]

    def _maker(self, path: Path, main: int, extra: int | None) -> Callable[[tuple], Cell]:
        make = self._plain_maker(path, main, extra)
        return make if path.text not in self._masked else lambda row: Cell("text", mask(make(row).text))

    def _plain_maker(self, path: Path, main: int, extra: int | None) -> Callable[[tuple], Cell]:
        if path.kind == "money":
            adds = getattr(path.field, "adds", True)
            return lambda row: Cell(
                "money", money_text(row[main], (row[extra] or "") if extra is not None else ""), adds=adds
            )
        link = self._link(path)
        if path.relation:
            return lambda row: Cell(
                "link" if link and row[extra] else "text",
                MISSING if row[main] is None else str(row[main]),
                f"{link}{row[extra]}" if link and row[extra] else None,
            )
        show = formatter(path)
        if _counted(path):
            return lambda row: (
                Cell("money", amount_text(row[main], row[extra])) if row[extra] else Cell("number", show(row[main]))
            )
        if path.hops and link:
            return lambda row: Cell(
                "link" if row[extra] else "text", show(row[main]), f"{link}{row[extra]}" if row[extra] else None
            )
        kind = {"decimal": "number", "stage": "choice"}.get(path.kind, path.kind)
        if path.orm in self._said:
            return lambda row: Cell(kind, show(row[main]), said=True)
        tone = getattr(path.field.model, "TONES", {}).get(path.field.name, {})
        return lambda row: Cell(kind, show(row[main]), None, tone.get(row[main], ""))

    @staticmethod
    def _link(path: Path) -> str:
        """The address before the id of the related record, or "" if it has no page."""
        from xiaoguan.desk.desk import desk_of

        target = path.field.related_model if path.relation else path.hops[-1].related_model if path.hops else None
        desk = desk_of(target) if target else None
        if desk is None or (path.hops and not path.relation and path.field.name != desk.title_field):
            return ""
        return desk.url()

"""What a list may be filtered by, how, and the query that comes of it.

The text of a filter is read by expressions.py. Here stand the paths that a viewer may use, the operators of each kind
of field, relative dates by the calendar in force, and the same in words.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from xiaoguan.base.periods import Calendar, Period
from xiaoguan.base.words import closest
from xiaoguan.desk import search
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.cells import number_text
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.expressions import BadQuery, Condition, Expression, Group
from xiaoguan.desk.paths import Path, resolve

# Which paths


def usable(desk: Desk, viewer: Viewer, text: str, shown: bool = False) -> Path:
    """The path if this viewer may show, sort and filter by it; the one gate. Raises BadQuery naming what is near.

    What the declaration names is usable, every field of the record, and the fields of records one relation away; a
    field that the viewer sees masked is only to be shown (`shown`), not asked by.
    """
    if text in _all_paths(desk):
        path = resolve(desk.model, text)
        known = len(path.hops) == 0 or text in desk.columns or text in desk.filters or _open_relation(path, viewer)
        level = desk.level(viewer, path)
        if known and (level in ("read", "edit") or (shown and level == "masked")):
            return path
    near = closest(text, list(_all_paths(desk)))
    hint = _(" Did you mean '%(near)s'?") % {"near": near} if near else ""
    raise BadQuery(_("This list has no field '%(path)s'.") % {"path": text} + hint)


def usable_paths(desk: Desk, viewer: Viewer) -> list[Path]:
    """Every path that this viewer may choose for columns and filters: the record's own, then those of its relations."""
    found = [resolve(desk.model, text) for text in _all_paths(desk)]
    open_ones = [p for p in found if not p.hops or p.text in desk.columns or _open_relation(p, viewer)]
    return [p for p in open_ones if desk.usable(viewer, p)]


def _open_relation(path: Path, viewer: Viewer) -> bool:
    target = desk_of(path.hops[-1].related_model)
    return target is not None and not target.read.never(viewer)


_BOOKKEEPING = frozenset({"id", "source", "version"})
_paths: dict[str, tuple[str, ...]] = {}


def _all_paths(desk: Desk) -> tuple[str, ...]:
    """The texts of all paths, declared ones first; worked out once a desk."""
    if desk.key not in _paths:
        own = _fields_of(desk.model)
        found = [*desk.columns, *desk.filters, *desk.figures, *own]
        for name in own:
            field = desk.model._meta.get_field(name)
            target = desk_of(field.related_model) if field.is_relation else None
            if target is not None:
                found += [f"{name}.{other}" for other in _fields_of(target.model) if other != target.title_field]
        _paths[desk.key] = tuple(dict.fromkeys(found))
    return _paths[desk.key]


def _fields_of(model: type[models.Model]) -> list[str]:
    """The fields of a model that make sense in a list: no bookkeeping, nothing whose value is a structure."""
    return [
        f.name
        for f in model._meta.concrete_fields
        if f.name not in _BOOKKEEPING and not isinstance(f, models.JSONField) and not _is_currency(model, f.name)
    ]


def _is_currency(model: type[models.Model], name: str) -> bool:
    return any(getattr(f, "currency", "") == name for f in model._meta.concrete_fields)


def choices_of(path: Path) -> list[tuple[str, str]]:
    """The values that a choice or stage may have, with their labels."""
    given = path.field.stage_choices() if path.kind == "stage" else path.field.flatchoices or ()
    return [(str(value), str(label)) for value, label in given if value not in ("", None)]


# Operators

NUMBERS = frozenset({"money", "number", "decimal", "percent"})
DATES = frozenset({"date", "datetime"})
CHOICES = frozenset({"choice", "stage"})
_EMPTY = ("empty", "filled")
_BY_KIND: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(NUMBERS, ("is", "not", "ge", "le", "gt", "lt", "between", "in", "out", *_EMPTY)),
    **dict.fromkeys(
        DATES, ("in", "out", "is", "not", "ge", "le", "gt", "lt", "between", "last", "next", "ago", "idle", *_EMPTY)
    ),
    **dict.fromkeys(CHOICES, ("is", "not", "in", "out", *_EMPTY)),
    "relation": ("is", "not", "in", "out", *_EMPTY),
    "bool": ("is", "not"),
}
_TEXT = ("has", "hasnt", "is", "not", "starts", "in", "out", *_EMPTY)
ALIASES = {
    "before": "lt", "after": "gt", "from": "ge", "until": "le", "contains": "has", "greater": "gt", "less": "lt",
    "notin": "out", "within": "in",
}  # fmt: skip
_COUNTS = {"empty": (0, 0), "filled": (0, 0), "between": (2, 2), "in": (1, 200), "out": (1, 200)}
FARTHEST = 20_000  # days


def operators_of_kind(kind: str) -> tuple[str, ...]:
    """Every operator of a kind of field."""
    return _BY_KIND.get(kind, _TEXT)


def operators(path: Path) -> tuple[str, ...]:
    """The operators of a path, the usual one first."""
    found = _BY_KIND.get(path.kind, _TEXT)
    keeps_empty = path.nullable or path.kind not in (NUMBERS | DATES | {"relation", "bool"})
    return found if keeps_empty else tuple(op for op in found if op not in _EMPTY)


def operator_label(op: str, kind: str) -> str:
    """The operator in words, after the name of the field: "amount is at least"."""
    dated = {
        "in": _("is in"), "out": _("is not in"), "is": _("is on"), "not": _("is not on"), "ge": _("is on or after"),
        "le": _("is on or before"), "gt": _("is after"), "lt": _("is before"), "last": _("in the last … days"),
        "next": _("in the next … days"), "ago": _("more than … days ago"), "idle": _("not for … days, or never"),
    }  # fmt: skip
    plain = {
        "is": _("is"), "not": _("is not"), "in": _("is one of"), "out": _("is none of"), "has": _("contains"),
        "hasnt": _("does not contain"), "starts": _("starts with"), "ge": _("is at least"), "le": _("is at most"),
        "gt": _("is more than"), "lt": _("is less than"), "between": _("is between"), "empty": _("is empty"),
        "filled": _("is filled in"),
    }  # fmt: skip
    return str((dated if kind in DATES else {}).get(op) or plain.get(op, op))


# Periods

_calendar: Callable[[], Calendar] = Calendar
KINDS = {"week": "week", "month": "month", "quarter": "quarter", "year": "year", "half_year": "half_year"}
SHIFTS = {"last": -1, "this": 0, "next": 1}


def use_calendar_from(source: Callable[[], Calendar]) -> None:
    """The floor that knows the policy in force says here by which calendar fiscal periods are counted."""
    global _calendar
    _calendar = source


def calendar_of(step: str) -> Calendar:
    """The calendar that a step such as `fiscal_quarter` is counted by: the one in force, or the plain one."""
    return _calendar() if step.startswith("fiscal_") or step == "week" else Calendar()


def relative_periods() -> list[tuple[str, str]]:
    """The periods that have a name, as the builder offers them."""
    return [
        ("today", _("today")), ("yesterday", _("yesterday")), ("tomorrow", _("tomorrow")),
        ("this_week", _("this week")), ("last_week", _("last week")), ("next_week", _("next week")),
        ("this_month", _("this month")), ("last_month", _("last month")), ("next_month", _("next month")),
        ("this_quarter", _("this quarter")), ("last_quarter", _("last quarter")), ("next_quarter", _("next quarter")),
        ("this_fiscal_quarter", _("this fiscal quarter")), ("last_fiscal_quarter", _("last fiscal quarter")),
        ("next_fiscal_quarter", _("next fiscal quarter")),
        ("this_year", _("this year")), ("last_year", _("last year")), ("next_year", _("next year")),
        ("this_fiscal_year", _("this fiscal year")), ("last_fiscal_year", _("last fiscal year")),
        ("next_fiscal_year", _("next fiscal year")),
    ]  # fmt: skip


def period_named(text: str, today: date) -> Period:
    """`this_fiscal_quarter`, `last_week`, `today`, or a label such as `2026-Q1` of the calendar in force. Raises
    BadQuery."""
    if text in ("today", "yesterday", "tomorrow"):
        return Calendar().period("day", today + timedelta(days=("yesterday", "today", "tomorrow").index(text) - 1))
    shift, _dash, kind = text.partition("_")
    kind = kind.removeprefix("fiscal_")
    if shift in SHIFTS and kind in KINDS:
        calendar = calendar_of(text.partition("_")[2])
        return _shifted(calendar, calendar.period(kind, today), SHIFTS[shift])
    try:
        return _calendar().parse(text)
    except ValueError as error:
        near = closest(text, [name for name, _label in relative_periods()])
        hint = near or "this_month, last_fiscal_quarter, 2026-Q1, 2026-03"
        raise BadQuery(_("'%(text)s' is no period; %(hint)s would be one.") % {"text": text, "hint": hint}) from error


def _shifted(calendar: Calendar, period: Period, by: int) -> Period:
    if by < 0:
        return calendar.previous(period)
    return period if by == 0 else calendar.period(period.kind, period.end)


def start_of(path: Path, day: date) -> Any:
    """The day as the column keeps it: a date, or the moment at which the day begins here."""
    return day if path.kind == "date" else timezone.make_aware(datetime.combine(day, time.min))


def following(day: date) -> date:
    return day + timedelta(days=1)


def in_days(path: Path, start: date | None, end: date | None) -> Q:
    """The dates or moments in [start, end)."""
    found = Q()
    if start is not None:
        found &= Q(**{f"{path.orm}__gte": start_of(path, start)})
    return found & Q(**{f"{path.orm}__lt": start_of(path, end)}) if end is not None else found


# From an expression to a query


def condition(desk: Desk, viewer: Viewer, expression: Expression, today: date | None = None) -> Q:
    """The expression as a filter of the desk's model. `today` is an argument for whoever asks about another day."""
    if isinstance(expression, Group):
        found = None
        for part in expression.parts:
            made = condition(desk, viewer, part, today)
            found = made if found is None else found & made if expression.every else found | made
        return found if found is not None else Q()
    path = usable(desk, viewer, expression.path)
    return _compared(path, expression, viewer, today or timezone.localdate()) & seen_through(desk, viewer, path)


def seen_through(desk: Desk, viewer: Viewer, path: Path) -> Q:
    """What keeps a filter by a related record's field from telling about records that the viewer may not read."""
    if not path.hops or path.text in desk.columns or path.text in desk.filters:
        return Q()
    target = desk_of(path.hops[-1].related_model)
    if target is None or target.read.always(viewer):
        return Q()
    hop = "__".join(h.name for h in path.hops)
    return Q(**{f"{hop}__in": target.visible(viewer).order_by().values("pk")})


def _compared(path: Path, asked: Condition, viewer: Viewer, today: date) -> Q:
    op = ALIASES.get(asked.op, asked.op)
    if op not in _BY_KIND.get(path.kind, _TEXT):
        known = ", ".join(operators(path))
        raise BadQuery(
            _("%(path)s cannot be compared by '%(op)s'; it can by %(known)s.")
            % {"path": asked.path, "op": asked.op, "known": known}
        )
    low, high = _COUNTS.get(op, (1, 1))
    values = tuple(v for v in asked.values if v != "")
    if not low <= len(values) <= high:
        wanted = str(low) if low == high else f"{low} – {high}"
        raise BadQuery(
            _("%(path)s:%(op)s takes %(wanted)s values, not %(n)d.")
            % {"path": asked.path, "op": asked.op, "wanted": wanted, "n": len(values)}
        )
    if op in _EMPTY:
        return _empty(path) if op == "empty" else ~_empty(path)
    if op in ("not", "out", "hasnt"):
        return ~_compared(path, Condition(asked.path, _OPPOSITE[op], values), viewer, today)
    if path.kind in DATES:
        return _dated(path, asked.path, op, values, today)
    if op == "has":
        return _contains(path, values[0])
    if op == "starts":
        return Q(**{f"{path.orm}__istartswith": values[0]})
    if path.relation and values in (("team",), ("reports",)):
        people = viewer.reports if values[0] == "reports" else viewer.teammates | {viewer.person_id}
        return Q(**{f"{path.orm}__in": sorted(people - {None})})
    read = [value_of(path, asked.path, v, viewer) for v in values]
    if op == "between":
        return Q(**{f"{path.orm}__gte": read[0], f"{path.orm}__lte": read[1]})
    if op in ("is", "in"):
        return Q(**{path.orm: read[0]}) if len(read) == 1 else Q(**{f"{path.orm}__in": read})
    return Q(**{f"{path.orm}__{_LOOKUPS[op]}": read[0]})


_OPPOSITE = {"not": "is", "out": "in", "hasnt": "has"}
_LOOKUPS = {"ge": "gte", "le": "lte", "gt": "gt", "lt": "lt"}


def _empty(path: Path) -> Q:
    null = Q(**{f"{path.orm}__isnull": True}) if path.nullable else Q(pk__in=())
    textual = path.kind not in (NUMBERS | DATES | {"relation", "bool"})
    return Q(**{path.orm: ""}) | null if textual and path.nullable else Q(**{path.orm: ""}) if textual else null


def _contains(path: Path, text: str) -> Q:
    """Letters anywhere in the field. Where the search table holds the field it narrows first, for Chinese letters: it
    knows each of them, but only the beginnings of Latin words."""
    if hasattr(path.field, "holding"):
        return path.field.holding(path.orm, text)
    found = Q(**{f"{path.orm}__icontains": text})
    desk = desk_of(path.field.model)
    if path.hops or desk is None or path.field.name not in desk.search_fields:
        return found
    return found & search.hits(desk, text) if text and all("\u3400" <= c <= "\u9fff" for c in text) else found


def _dated(path: Path, name: str, op: str, values: tuple[str, ...], today: date) -> Q:
    if op == "in":
        found = Q(pk__in=())
        for text in values:
            period = period_named(text, today)
            found |= in_days(path, period.start, period.end)
        return found
    if op in ("last", "next", "ago", "idle"):
        days = timedelta(days=_days(name, values[0]))
        if op == "last":
            return in_days(path, today - days + timedelta(days=1), today + timedelta(days=1))
        if op == "next":
            return in_days(path, today, today + days)
        long_ago = in_days(path, None, today - days)
        return long_ago | Q(**{f"{path.orm}__isnull": True}) if op == "idle" and path.nullable else long_ago
    one = timedelta(days=1)
    day = [day_of(name, text, today) for text in values]
    return {
        "is": lambda: in_days(path, day[0], day[0] + one),
        "ge": lambda: in_days(path, day[0], None),
        "gt": lambda: in_days(path, day[0] + one, None),
        "lt": lambda: in_days(path, None, day[0]),
        "le": lambda: in_days(path, None, day[0] + one),
        "between": lambda: in_days(path, day[0], day[-1] + one),
    }[op]()


def day_of(name: str, text: str, today: date) -> date:
    if text in ("today", "yesterday", "tomorrow"):
        return period_named(text, today).start
    try:
        found = date.fromisoformat(text)
        if found.year < 1000 or found.year > 9000:
            raise ValueError(text)
        return found
    except ValueError as error:
        raise BadQuery(
            _("'%(value)s' is no day for %(name)s; write it as 2026-03-31.") % {"value": text, "name": name}
        ) from error


def _days(name: str, text: str) -> int:
    if text.isdecimal() and 0 < int(text) <= FARTHEST:
        return int(text)
    raise BadQuery(
        _("'%(value)s' is no number of days for %(name)s: 1 to %(most)d.")
        % {"value": text, "name": name, "most": FARTHEST}
    )


def value_of(path: Path, name: str, text: str, viewer: Viewer) -> Any:
    """One value as the column keeps it. Raises BadQuery naming the parameter and the value."""
    try:
        if path.relation:
            return viewer.person_id or 0 if text == "me" else _number(text)
        if path.kind in DATES:
            return date.fromisoformat(text)
        if path.kind == "bool":
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
        if path.kind == "choice":
            if text not in {str(v) for v, _label in path.field.flatchoices}:
                raise ValueError(text)
            return text
        if path.kind in NUMBERS:
            return path.field.formfield().clean(text)
        return text
    except (ValueError, KeyError, ArithmeticError) as error:
        raise BadQuery(_("'%(value)s' is not possible for %(name)s.") % {"value": text, "name": name}) from error
    except ValidationError as error:  # a form field says what is wrong
        told = {"value": text, "name": name, "why": " ".join(error.messages)}
        raise BadQuery(_("'%(value)s' is not possible for %(name)s: %(why)s") % told) from error


def _number(text: str) -> int:
    """An id; no database takes more than 63 bits."""
    if not text.isdecimal() or int(text) >= 2**63:
        raise ValueError(text)
    return int(text)


# In words


def words_of(desk: Desk, viewer: Viewer, expression: Expression | None) -> str:
    """The filter as a sentence: "stage is one of A, B and amount is at least 1,000"."""
    if expression is None:
        return ""
    if isinstance(expression, Group):
        joint = _(" and ") if expression.every else _(" or ")
        texts = [words_of(desk, viewer, p) for p in expression.parts]
        return joint.join(f"({t})" if isinstance(p, Group) else t for p, t in zip(expression.parts, texts, strict=True))
    path = usable(desk, viewer, expression.path)
    op = ALIASES.get(expression.op, expression.op)
    values = _(", ").join(value_label(path, v, viewer) for v in expression.values)
    said = operator_label(op, path.kind)
    said = said.replace("…", values) if "…" in said else f"{said} {values}"
    return f"{path_label(path)} {said}".strip()


def path_label(path: Path) -> str:
    """What people call it: "customer · city" for a field of a relation."""
    label = path.label
    via = str(path.hops[-1].verbose_name) if path.hops else ""
    return f"{via} · {label}" if via and via != label else label


def value_label(path: Path, value: str, viewer: Viewer) -> str:
    """The value as a person would say it."""
    if path.kind in CHOICES:
        return dict(choices_of(path)).get(value, value)
    if path.kind in DATES:
        return dict(relative_periods()).get(value, value)
    if path.kind == "bool":
        return _("yes") if value.lower() in ("1", "true", "yes") else _("no")
    if path.relation:
        named = {"me": _("me"), "team": _("my team"), "reports": _("my reports")}
        return named.get(value) or _title(path, value, viewer)
    if path.kind in ("money", "number", "decimal"):
        with suppress(InvalidOperation):
            return number_text(Decimal(value))
    return value


def _title(path: Path, value: str, viewer: Viewer) -> str:
    """The name of a related record that the viewer may read; its number otherwise."""
    target = desk_of(path.field.related_model)
    if target is None or not value.isdecimal() or int(value) >= 2**63:
        return value
    found = target.visible(viewer).filter(pk=int(value)).values_list(target.title_field, flat=True).first()
    return str(found) if found is not None else f"#{value}"

"""What an import plan says of a value, made into a function of a row once the columns of its file are known.

A row is a list: the file's columns as text, then the columns of `let` and `join`. Missing is None. A converter gives
the value as the database keeps it: money and exact decimals as whole numbers, days as dates, and for a relation the
text of a key, which `desk/transfer.py` looks up. What does not fit raises ValueError with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, MaxLengthValidator
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext

from xiaoguan.base.money import SCALE
from xiaoguan.base.words import closest, did_you_mean
from xiaoguan.desk.fields import ExactField, MoneyField
from xiaoguan.desk.mapping import NUMBERS, Spec, TablePlan
from xiaoguan.policy import formula
from xiaoguan.policy.formula import Binary, Call, Expr, FormulaError, In, Literal, Scope, Type, Unary

Row = Sequence[Any]
Get = Callable[[Row], Any]
Convert = Callable[[Any], Any]
_MEMO = 100_000
_YES = frozenset(["1", "true", "t", "yes", "y", "on", "是", "真"])
_NO = frozenset(["0", "false", "f", "no", "n", "off", "否", "假"])
_INT64 = 2**63
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f](?=.*@)")


class PlanProblem(Exception):
    """The plan does not fit the file: a column that is not there, a formula whose units do not match."""

    def __init__(self, spec: Spec, message: str, hint: str = ""):
        super().__init__(message)
        self.spec, self.message, self.hint = spec, message, hint


class Habits:
    """How a table writes numbers and days."""

    def __init__(self, table: TablePlan):
        pattern = NUMBERS.fullmatch(table.numbers) if table.numbers else None
        self.thousands = pattern["thousands"] if pattern else ""
        self.comma = bool(pattern and pattern["decimal"] == ",")
        self.dates = table.dates

    def number(self, text: str) -> Fraction | int:
        """An exact number; 12.5% is 0.125."""
        if self.thousands:
            text = text.replace(self.thousands, "")
        return exact_number(text.replace(",", ".") if self.comma else text)

    def day(self, text: str, formats: Iterable[str] = ()) -> date:
        return self.moment(text, formats).date()

    def moment(self, text: str, formats: Iterable[str] = ()) -> datetime:
        """By the formats stated, else ISO 8601: 2026-03-02, with or without a time of day behind it."""
        stated = tuple(formats) or self.dates
        for form in stated:
            try:
                return datetime.strptime(text, form)
            except ValueError:
                continue
        if not stated:
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                pass
        wanted = " or ".join(stated) if stated else "2026-03-02"
        raise ValueError(f"is not a day in the form {wanted}")


def exact_number(text: str) -> Fraction | int:
    """A number with a decimal point; 12.5% is 0.125."""
    plain = text.rstrip("%").strip()
    try:
        value = Decimal(plain)
        if not value.is_finite() or value.adjusted() > 30 or "_" in plain:
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(gettext("is not a number")) from None
    exact = Fraction(value) / (100 if text.endswith("%") else 1)
    return exact.numerator if exact.denominator == 1 else exact


def flag(text: str) -> bool:
    word = text.casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError(gettext("is neither yes nor no"))


def text_of(value: Any) -> str | None:
    """Whatever a formula or a joined column gives, as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, Fraction)):
        exact = Fraction(value)
        digits = exact.denominator
        for prime in (2, 5):
            while digits % prime == 0:
                digits //= prime
        if digits != 1:
            raise ValueError(f"{exact} has no end as a decimal; state round:")
        return format(Decimal(exact.numerator) / Decimal(exact.denominator), "f")
    return value.isoformat() if isinstance(value, date) else str(value)


def remembered(convert: Convert) -> Convert:
    """The same text gives the same value: most columns repeat themselves."""
    memo: dict[Any, Any] = {}

    def look(value: Any) -> Any:
        try:
            return memo[value]
        except KeyError:
            if len(memo) >= _MEMO:
                memo.clear()
            result = memo[value] = convert(value)
            return result

    return look


# From a row to the raw value


def bind(spec: Spec, columns: Mapping[str, int], habits: Habits, wanted: Type = Type.ANY) -> Get:
    """The origin of a value with what is done to its text: replace, map, default."""
    get = _origin(spec, columns, habits, wanted)
    if not (spec.replace or spec.map is not None or spec.default is not None):
        return get
    change = remembered(lambda value: _change(spec, text_of(value)))
    return lambda row: change(get(row))


def bind_condition(spec: Spec, columns: Mapping[str, int], habits: Habits) -> Get:
    """A formula that holds or does not."""
    return bind(spec, columns, habits, Type.BOOL)


def bind_number(spec: Spec, columns: Mapping[str, int], habits: Habits) -> Get:
    """A formula that gives a number."""
    return bind(spec, columns, habits, Type.NUMBER)


def bind_value(field: models.Field[Any, Any], spec: Spec, columns: Mapping[str, int], habits: Habits) -> Get:
    """The raw value for a field; a formula is read as the field's type needs it."""
    return bind(spec, columns, habits, _wanted(field))


def _change(spec: Spec, text: str | None) -> str | None:
    if text is not None:
        for pattern, instead in spec.replace:
            text = pattern.sub(instead, text)
        text = text.strip() or None
    if text is not None and spec.map is not None:
        if text not in spec.map and "*" not in spec.map:
            raise ValueError(f"is not in the map. {did_you_mean(text, spec.map)}".strip())
        text = spec.map.get(text, spec.map.get("*"))
    return spec.default if text is None else text


def _origin(spec: Spec, columns: Mapping[str, int], habits: Habits, wanted: Type) -> Get:
    if spec.origin == "column":
        return itemgetter(_place(spec, spec.text, columns))
    if spec.origin == "template":
        return _template(spec, columns)
    if spec.origin == "formula":
        return _formula(spec, columns, habits, wanted)
    if spec.origin == "first":
        options = [bind(option, columns, habits, wanted) for option in spec.options]
        return lambda row: next((value for get in options if (value := get(row)) is not None), None)
    constant = spec.text or None
    return lambda row: constant


def _place(spec: Spec, name: str, columns: Mapping[str, int]) -> int:
    if name not in columns:
        near = closest(name, columns)
        shown = ", ".join(list(columns)[:20])
        raise PlanProblem(
            spec, f"there is no column {name!r}", f"Did you mean {near!r}?" if near else f"There are {shown}."
        )
    return columns[name]


def _template(spec: Spec, columns: Mapping[str, int]) -> Get:
    places = [_place(spec, name, columns) for name in spec.holes]
    pieces = re.split(r"\{[^{}]*\}", spec.text)

    def fill(row: Row) -> str | None:
        values = [text_of(row[place]) for place in places]
        if not any(values):
            return None
        text = pieces[0] + "".join((value or "") + piece for value, piece in zip(values, pieces[1:], strict=True))
        return " ".join(text.split())

    return fill


def _formula(spec: Spec, columns: Mapping[str, int], habits: Habits, wanted: Type) -> Get:
    assert spec.tree is not None
    types: dict[str, Type] = {}
    infer(spec.tree, wanted, types)
    names = formula.names(spec.tree)
    places = [(name, _place(spec, name, columns)) for name in sorted(names)]
    scope = Scope({name: types.get(name, Type.TEXT) for name in names})
    try:
        tree, _ = formula.resolve(spec.tree, scope, Type.BOOL if wanted is Type.BOOL else None)
    except FormulaError as error:
        raise PlanProblem(spec, f"{error.message} (column {error.at + 1} of the formula)", error.hint) from error
    evaluate = formula.evaluator(tree)
    casts = [(name, place, _cast(scope.names[name], habits)) for name, place in places]

    def value(row: Row) -> Any:
        scope = {}
        for name, place, cast in casts:
            try:
                scope[name] = cast(row[place])
            except ValueError as error:
                raise ValueError(f"{name} = {row[place]!r} {error}") from None
        return evaluate(scope)

    return value


def infer(tree: Expr, wanted: Type, found: dict[str, Type]) -> None:
    """What each column of a formula must be, from how it is used: text beside text, a number where one calculates."""
    if (name := formula.dotted(tree)) is not None:
        if wanted is not Type.ANY:
            found.setdefault(name, wanted)
        return
    match tree:
        case Unary(op=op, operand=operand):
            infer(operand, Type.BOOL if op == "not" else Type.NUMBER, found)
        case Binary(op="and" | "or", left=left, right=right):
            infer(left, Type.BOOL, found)
            infer(right, Type.BOOL, found)
        case Binary(op=op, left=left, right=right):
            if op in formula.COMPARISONS:
                both = _kind(left) or _kind(right) or Type.ANY
            else:
                both = Type.DATE if Type.DURATION in (_kind(left), _kind(right)) else Type.NUMBER
            infer(left, both, found)
            infer(right, both, found)
        case In(item=item, options=options):
            infer(item, next((k for option in options if (k := _kind(option))), Type.ANY), found)
        case Call(name="if", args=(condition, then, otherwise)):
            infer(condition, Type.BOOL, found)
            branch = wanted if wanted is not Type.ANY else _kind(then) or _kind(otherwise) or Type.ANY
            infer(then, branch, found)
            infer(otherwise, branch, found)
        case Call(name="default", args=(first, instead)):
            both = wanted if wanted is not Type.ANY else _kind(first) or _kind(instead) or Type.ANY
            infer(first, both, found)
            infer(instead, both, found)
        case Call(args=args):
            for arg in args:
                infer(arg, Type.NUMBER, found)


def _kind(tree: Expr) -> Type | None:
    """What a piece certainly is."""
    match tree:
        case Literal(type=type_):
            return Type.NUMBER if type_ in formula.NUMBERS else type_
        case Unary(op="-") | Call(name="ratio" | "abs" | "clamp" | "round" | "min" | "max"):
            return Type.NUMBER
        case Binary(op="*"):
            return Type.NUMBER
        case Binary(op="+" | "-", left=left, right=right):
            return Type.DATE if Type.DURATION in (_kind(left), _kind(right)) else Type.NUMBER
        case Call(name="if", args=(_, then, otherwise)) | Call(name="default", args=(then, otherwise)):
            return _kind(then) or _kind(otherwise)
    return None


def _cast(type_: Type, habits: Habits) -> Convert:
    if type_ is Type.TEXT:
        return lambda value: text_of(value) or ""
    read: Convert = {Type.NUMBER: habits.number, Type.DATE: habits.day, Type.BOOL: flag}[type_]
    look = remembered(lambda text: None if text is None else read(text))
    return lambda value: look(value) if value is None or isinstance(value, str) else value


# From the raw value to what the field keeps


def _wanted(field: models.Field[Any, Any]) -> Type:
    """The type that a formula for this field must have."""
    if isinstance(field, models.BooleanField):
        return Type.BOOL
    if isinstance(field, models.DateField):
        return Type.DATE
    if isinstance(field, models.IntegerField) and not field.is_relation:
        return Type.NUMBER
    return Type.ANY


def converter(field: models.Field[Any, Any], spec: Spec, habits: Habits) -> Convert:
    """From the raw value to the stored one, checked against the field; for a relation to the text of its key."""
    read = remembered(reader(field, spec, habits))
    missing = _missing(field)
    return lambda value: missing() if value is None or value == "" else read(value)


def _missing(field: models.Field[Any, Any]) -> Callable[[], Any]:
    """What stands for a missing value: null, empty text, a fixed default; else the row is refused."""
    if field.null and not getattr(field, "demanded", False):
        return lambda: None
    if field.has_default() and not callable(field.default):
        kept = field.get_prep_value(field.get_default())
        return lambda: kept
    if field.blank and isinstance(field, (models.CharField, models.TextField)):
        return lambda: ""

    def refuse() -> Any:
        raise ValueError(gettext("is missing"))

    return refuse


def reader(field: models.Field[Any, Any], spec: Spec, habits: Habits) -> Convert:
    if field.is_relation:
        return text_of
    if hasattr(field, "read"):
        return lambda value: field.read(text_of(value) or "")
    if isinstance(field, (MoneyField, ExactField)):
        return _exact(field, spec, habits)
    if isinstance(field, models.IntegerField):
        return _whole(field, spec, habits)
    if isinstance(field, models.BooleanField):
        return lambda value: flag(text_of(value) or "")
    if isinstance(field, models.DateTimeField):
        return _moment(spec, habits)
    if isinstance(field, models.DateField):
        return _day(spec, habits)
    if isinstance(field, (models.CharField, models.TextField)):
        return _text(field)
    raise PlanProblem(spec, f"{field.name} cannot be imported")


def _number(value: Any, habits: Habits) -> Fraction | int:
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return value
    return habits.number(text_of(value) or "")


def _exact(field: MoneyField | ExactField, spec: Spec, habits: Habits) -> Convert:
    places = 4 if isinstance(field, MoneyField) else field.places
    scale = SCALE if isinstance(field, MoneyField) else field.scale

    def read(value: Any) -> int:
        units = Fraction(_rounded(_number(value, habits), spec.round)) * scale
        if units.denominator != 1:
            raise ValueError(
                gettext("has more than %(places)d decimals; state round: %(places)d if it may be rounded")
                % {"places": places}
            )
        if abs(units) >= _INT64:
            raise ValueError(gettext("is too large"))
        return units.numerator

    return read


def _rounded(value: Fraction | int, places: int | None) -> Fraction | int:
    """Half up, away from zero, to so many decimals."""
    if places is None:
        return value
    scaled = abs(Fraction(value)) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**places)


def _whole(field: models.Field[Any, Any], spec: Spec, habits: Habits) -> Convert:
    low, high = connection.ops.integer_field_range(field.get_internal_type())
    low = max(low or -_INT64, 0 if "Positive" in field.get_internal_type() else -_INT64)

    def read(value: Any) -> int:
        number = Fraction(_rounded(_number(value, habits), spec.round))
        if number.denominator != 1:
            raise ValueError(gettext("is not a whole number"))
        if not low <= number <= (high or _INT64 - 1):
            raise ValueError(gettext("is not between %(low)d and %(high)d") % {"low": low, "high": high})
        return number.numerator

    return read


def _day(spec: Spec, habits: Habits) -> Convert:
    def read(value: Any) -> date:
        day = value if isinstance(value, date) else habits.day(text_of(value) or "", spec.date)
        return spec.add.after(day) if spec.add else day

    return read


def _moment(spec: Spec, habits: Habits) -> Convert:
    zone: ZoneInfo = timezone.get_default_timezone()

    def read(value: Any) -> datetime:
        moment = habits.moment(text_of(value) or "", spec.date)
        moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
        return moment.astimezone(UTC)

    return read


def _text(field: models.Field[Any, Any]) -> Convert:
    stages = getattr(field, "stage_choices", None)
    options = dict(stages() if stages else field.flatchoices or ())
    checks = [v for v in field.validators if not isinstance(v, MaxLengthValidator)]

    def read(value: Any) -> str:
        text = text_of(value) or ""
        if options and text not in options:
            near = closest(text, options)
            known = f"did you mean {near!r}?" if near else f"it can be {', '.join(map(str, options))}; state map:"
            raise ValueError(f"is none of the choices; {known}")
        if field.max_length and len(text) > field.max_length:
            raise ValueError(
                gettext("has %(long)d characters; %(fit)d fit") % {"long": len(text), "fit": field.max_length}
            )
        for check in checks:
            try:
                # Django's check knows no letters beyond ASCII before the @; RFC 6531 allows them, and people have them.
                check(_BEYOND_ASCII.sub("x", text) if isinstance(check, EmailValidator) else text)
            except ValidationError as error:
                raise ValueError(gettext("is not right: %(why)s") % {"why": " ".join(error.messages)}) from None
        return text

    return read

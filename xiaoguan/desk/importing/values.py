"""From the text of a cell to what a field keeps, for files whose habits nobody has written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from babel import Locale
from django.db import models
from django.utils import translation
from django.utils.translation import gettext as _

from xiaoguan.base.words import closest
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.convert import Habits, exact_number, reader, remembered
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.fields import ExactField, MoneyField
from xiaoguan.desk.mapping import Spec

Read = Callable[[str], Any]
NOTHING = frozenset(("", "null", "NULL", "#N/A", "\\N"))
_FEW = 500
_MARKS = re.compile(r"[\s\u00a0\u202f¥¥$€£元]|(?:CNY|RMB|USD|EUR|HKD|GBP)\b", re.IGNORECASE)
_EXTRA = (
    "%Y/%m/%d",
    "%Y年%m月%d日",
    "%Y.%m.%d",
    "%Y%m%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d %H:%M:%S%z",
)
ORDERS = {
    "dmy": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S%z", "%d %B %Y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M:%S%z", "%B %d, %Y"),
}


class Ways:
    """How a file writes numbers and days: as it was said, or as its own cells show."""

    def __init__(self, dates: str, numbers: str):
        self.dates = [*_EXTRA, *ORDERS.get(dates, ()), *(f for form in ORDERS.values() for f in form)]
        self.comma = numbers == "1.234,56"

    def number(self, text: str) -> Any:
        """Signs of currencies and separators of thousands are taken off; 1.5万 is 15000, (12) is -12."""
        plain = _MARKS.sub("", text)
        negative = plain[:1] == "(" and plain[-1:] == ")"
        plain = plain.strip("()")
        scale = 10_000 if plain.endswith("万") else 1
        plain = plain.removesuffix("万")
        plain = plain.replace(".", "").replace(",", ".") if self.comma else plain.replace(",", "")
        return exact_number(plain) * (-scale if negative else scale)

    def moment(self, text: str) -> datetime:
        """ISO 8601 first, then the usual forms in the file's order of day and month."""
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
        for form in self.dates:
            try:
                return datetime.strptime(text, form)
            except ValueError:
                continue
        raise ValueError(_("is no day that can be understood, such as 2026-03-02"))


class Habit(Habits):
    """Ways with the face that the readers of `convert` know."""

    def __init__(self, ways: Ways):
        self.ways, self.dates = ways, ()

    def number(self, text: str) -> Any:
        return self.ways.number(text)

    def moment(self, text: str, formats: Iterable[str] = ()) -> datetime:
        return self.ways.moment(text)


def order_of(texts: Iterable[str]) -> str:
    """dmy or mdy, if some of the texts can only be the one; "" if they do not tell."""
    first = second = 0
    for text in texts:
        hit = re.match(r"(\d{1,2})[./-](\d{1,2})[./-]\d{4}", text)
        if hit:
            first, second = max(first, int(hit[1])), max(second, int(hit[2]))
    return "dmy" if first > 12 >= second else "mdy" if second > 12 >= first else ""


def number_style(texts: Iterable[str]) -> str:
    """1.234,56 if some text can only be written so; else ""."""
    return "1.234,56" if any(re.search(r"\d\.\d{3},\d|^\D*\d+,\d{1,2}\D*$", text) for text in texts) else ""


def reads(field: models.Field[Any, Any], ways: Ways, viewer: Viewer, source: str, said: Mapping[str, str]) -> Read:
    """The function that reads one field. said: texts of the file and what to read instead ("" for nothing).

    It gives the value as the column keeps it, None for nothing, and raises ValueError with the reason.
    """
    read = _typed(field, ways, viewer, source)

    def translated(text: str) -> Any:
        if said:
            instead = said.get(text, said.get("*"))
            text = text if instead is None else instead
        return read(text) if text else None

    found = remembered(translated)
    found.finder = getattr(read, "__self__", None)
    return found


def _typed(field: models.Field[Any, Any], ways: Ways, viewer: Viewer, source: str) -> Read:
    spec = Spec("column", field.name, "", 0)
    if field.is_relation:
        return Finder(field.related_model, viewer, source).find
    options = _options(field)
    if options:
        return _choice(options)
    read = reader(field, spec, Habit(ways))
    if isinstance(field, models.CharField) and field.name == "country" and field.max_length == 2:
        return lambda text: read(country(text))
    if isinstance(field, models.URLField):
        return lambda text: read(text if "://" in text else f"https://{text}")
    if isinstance(field, models.DateField) and not isinstance(field, models.DateTimeField):
        return lambda text: ways.moment(text).date()
    if isinstance(field, MoneyField | ExactField) and getattr(field, "percent", False):
        return lambda text: read(text if text.endswith("%") else f"{text}%")
    return read


def _options(field: models.Field[Any, Any]) -> dict[str, str]:
    """{what people may write, folded: value} of a field of choices: values and labels in both languages."""
    stages = getattr(field, "stage_choices", None)
    found: dict[str, str] = {}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            for value, label in stages() if stages else field.flatchoices or ():
                if value not in ("", None):
                    found.setdefault(str(label).casefold(), value)
                    found.setdefault(str(value).casefold(), value)
    return found


def _choice(options: dict[str, str]) -> Read:
    def read(text: str) -> str:
        value = options.get(text.casefold())
        if value is None:
            near = closest(text.casefold(), options)
            raise ValueError(_("is none of the choices") + _meant(near))
        return value

    return read


def _meant(near: str | None) -> str:
    return " " + _("did you mean %(near)s?") % {"near": near} if near else ""


class Finder:
    """The records that a cell may name: by their id in the other system, by title, or a person by mail or account."""

    def __init__(self, model: type[models.Model], viewer: Viewer, source: str):
        self.model = model
        desk = desk_of(model)
        rows = desk.visible(viewer) if desk else model._default_manager.all()
        title = desk.title_field if desk else "pk"
        names = [title, *(n for n in ("email",) if desk and desk.key == "person")]
        self.ids: dict[str, int | None] = {}
        for pk, *texts in rows.values_list("pk", *names).iterator():
            for text in texts:
                self._add(str(text).casefold(), pk)
        self.keys = dict(rows.filter(source=source, external_id__isnull=False).values_list("external_id", "pk"))

    def _add(self, text: str, pk: int) -> None:
        if text:
            self.ids[text] = None if self.ids.get(text, pk) != pk else pk

    def add(self, key: str | None, title: str, pk: int) -> None:
        """A record that was just made."""
        self._add(title.casefold(), pk)
        if key:
            self.keys[key] = pk

    def find(self, text: str) -> int:
        if (pk := self.keys.get(text)) is not None:
            return pk
        folded = text.casefold()
        if (pk := self.ids.get(folded)) is not None:
            return pk
        name = self.model._meta.verbose_name
        if folded in self.ids:
            raise ValueError(_("fits several records (%(entity)s)") % {"entity": name})
        near = closest(folded, self.ids) if len(self.ids) < _FEW else None
        raise ValueError(_("is no known %(entity)s") % {"entity": name} + _meant(near))


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    found = {
        "usa": "US",
        "u.s.a.": "US",
        "uk": "GB",
        "england": "GB",
        "中国大陆": "CN",
        "prc": "CN",
        "p.r. china": "CN",
    }
    for language in ("en", "zh_Hans"):
        for code, name in Locale.parse(language).territories.items():
            if len(code) == 2 and code.isalpha():
                found.setdefault(name.casefold(), code)
                found.setdefault(code.casefold(), code)
    return found


def country(text: str) -> str:
    """The ISO code of a country by its name or code."""
    code = _countries().get(text.casefold())
    if code is None:
        raise ValueError(_("is no country that is known"))
    return code


def stored(field: models.Field[Any, Any], value: Any) -> Any:
    """A Python value of the field as the column keeps it."""
    if value is None or not isinstance(field, ExactField | MoneyField):
        return value
    return field.get_prep_value(value)


def shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)

"""Business cards and calendars as tables: vCard 2.1, 3.0 and 4.0 (RFC 2426, 6350), jCard (RFC 7095), iCalendar
(RFC 5545).

All are content lines: a name, parameters, a value. Lines are folded, in 2.1 by quoted-printable; escapes, character
sets and groups (`item1.EMAIL`) are undone here. What these formats say beyond the columns below is left out.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

CARD = (
    "Name", "Last name", "First name", "Company", "Department", "Job title", "Mobile", "Phone", "Fax", "E-mail",
    "E-mail 2", "Website", "Street", "City", "State", "Postal code", "Country", "Birthday", "Note", "UID",
)  # fmt: skip
CALENDAR = (
    "Subject", "Kind", "Start", "End", "Due", "Completed", "Minutes", "Location", "Organizer", "Attendees", "Status",
    "Description", "UID",
)  # fmt: skip


class NotCards(Exception):
    """The text holds nothing that can be read; says what it holds instead."""


@dataclass
class Line:
    """One content line. params: {NAME: [values]}; value still escaped."""

    name: str
    params: dict[str, list[str]] = field(default_factory=dict)
    value: str = ""

    def has(self, *kinds: str) -> bool:
        types = {t.lower() for value in self.params.get("TYPE", ()) for t in value.split(",")}
        return not types.isdisjoint(kinds)


@dataclass
class Component:
    """BEGIN to END: its lines and the components inside."""

    kind: str
    lines: list[Line] = field(default_factory=list)
    parts: list[Component] = field(default_factory=list)

    def first(self, *names: str) -> Line | None:
        return next((line for name in names for line in self.lines if line.name == name and line.value), None)

    def text(self, *names: str) -> str:
        line = self.first(*names)
        return plain(line.value) if line else ""


# Content lines


def components(text: str) -> list[Component]:
    """What stands between BEGIN and END at the outermost level. Lenient: a missing END ends with the text."""
    top = Component("")
    stack = [top]
    for raw in _unfolded(text):
        line = _line(raw)
        if line is None:
            continue
        if line.name == "BEGIN":
            part = Component(line.value.strip().upper())
            stack[-1].parts.append(part)
            stack.append(part)
        elif line.name == "END":
            kind = line.value.strip().upper()
            if any(part.kind == kind for part in stack[1:]):
                while stack[-1].kind != kind:
                    stack.pop()
                stack.pop()
        else:
            stack[-1].lines.append(line)
    return top.parts


def _unfolded(text: str) -> Iterator[str]:
    """Whole lines: what begins with a blank belongs to the line before, and so does what follows a soft break of
    quoted-printable (a `=` at the end)."""
    held = ""
    for raw in re.split(r"\r\n|\n|\r", text):
        if held and _quoted(held) and held.endswith("="):
            held = held[:-1] + raw.lstrip()
        elif raw[:1] in (" ", "\t") and held:
            held += raw[1:]
        else:
            if held:
                yield held
            held = raw
    if held:
        yield held


def _quoted(line: str) -> bool:
    return "QUOTED-PRINTABLE" in line.split(":", 1)[0].upper()


_NAME = re.compile(r"(?:[\w-]+\.)?([\w-]+)")
_PARAM = re.compile(r';\s*([\w-]+)(?:\s*=\s*((?:"[^"]*"|[^;:",]*)(?:,(?:"[^"]*"|[^;:",]*))*))?')


def _line(raw: str) -> Line | None:
    head = _NAME.match(raw)
    if head is None:
        return None
    at, params = head.end(), {}
    while (hit := _PARAM.match(raw, at)) is not None:
        name, value = hit[1].upper(), hit[2]
        if value is None:  # vCard 2.1 writes a type without its name: TEL;HOME;VOICE:
            name, value = ("ENCODING", name) if name in ("QUOTED-PRINTABLE", "BASE64") else ("TYPE", name)
        params.setdefault(name, []).extend(part.strip('"') for part in re.findall(r'"[^"]*"|[^,]+', value))
        at = hit.end()
    if raw[at : at + 1] != ":":
        return None
    return Line(head[1].upper(), params, _decoded(raw[at + 1 :], params))


def _decoded(value: str, params: dict[str, list[str]]) -> str:
    encoding = "".join(params.get("ENCODING", ())).upper()
    if encoding in ("B", "BASE64"):
        return ""  # pictures and keys
    if encoding == "QUOTED-PRINTABLE":
        charset = "".join(params.get("CHARSET", ())) or "utf-8"
        try:
            return quopri.decodestring(value.encode("utf-8", "surrogateescape")).decode(charset, "replace")
        except LookupError:
            return quopri.decodestring(value.encode()).decode("utf-8", "replace")
    return value


def plain(value: str) -> str:
    """Without escapes and outer blanks."""
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value, flags=re.DOTALL).strip()


def pieces(value: str, mark: str = ";") -> list[str]:
    """A structured value, cut where the mark is not escaped."""
    return [plain(part) for part in re.split(rf"(?<!\\){mark}", value)]


# Cards


def cards(text: str) -> list[list[str]]:
    """A row of CARD for each card. Raises NotCards when there is none."""
    found = [_card(part) for part in components(text) if part.kind == "VCARD"]
    if not found:
        raise NotCards(_("there is no card in it"))
    return found


def _card(card: Component) -> list[str]:
    last, given, *_rest = [*pieces(_value(card, "N")), "", ""]
    company, department, *_rest = [*pieces(_value(card, "ORG")), "", ""]
    street = pieces(_value(card, "ADR")) + [""] * 7
    mails = [plain(m.value) for m in _preferred(card, "EMAIL")] + ["", ""]
    phones = _preferred(card, "TEL")
    mobile = next((p for p in phones if p.has("cell", "mobile")), None)
    fax = next((p for p in phones if p.has("fax")), None)
    phone = next((p for p in phones if p is not mobile and not p.has("fax", "pager")), None)
    name = card.text("FN") or " ".join(part for part in (given, last) if part) or company or mails[0]
    return [
        name, last, given, company, department, card.text("TITLE", "ROLE"), _phone(mobile), _phone(phone), _phone(fax),
        mails[0].removeprefix("mailto:"), mails[1].removeprefix("mailto:"), card.text("URL"), street[2], street[3],
        street[4], street[5], street[6], card.text("BDAY"), card.text("NOTE"), card.text("UID"),
    ]  # fmt: skip


def _value(card: Component, name: str) -> str:
    line = card.first(name)
    return line.value if line else ""


def _preferred(card: Component, name: str) -> list[Line]:
    """The lines of a name, the preferred one first."""
    lines = [line for line in card.lines if line.name == name and line.value.strip()]
    return sorted(
        lines, key=lambda line: 0 if line.has("pref") else int("".join(line.params.get("PREF", ["50"])) or 50)
    )


def _phone(line: Line | None) -> str:
    if line is None:
        return ""
    number, _mark, extension = plain(line.value).removeprefix("tel:").partition(";ext=")
    return f"{number} {extension}".strip() if extension else number


def jcards(data: Any) -> list[list[str]]:
    """jCard: ["vcard", [[name, params, type, value, ...], ...]], one or a list of them. Raises NotCards."""
    listed = data if data and isinstance(data[0], list) else [data]
    found = []
    for card in listed:
        if not (isinstance(card, list) and len(card) == 2 and card[0] == "vcard" and isinstance(card[1], list)):
            raise NotCards(_("it is no jCard"))
        found.append(_card(Component("VCARD", [_jline(entry) for entry in card[1]])))
    return found


def _jline(entry: Sequence[Any]) -> Line:
    name, params, _type, *values = entry
    told = {k.upper(): v if isinstance(v, list) else [str(v)] for k, v in params.items()}
    value = values[0] if values else ""
    if isinstance(value, list):
        value = ";".join(_escaped(",".join(map(str, v)) if isinstance(v, list) else str(v)) for v in value)
    else:
        value = _escaped(str(value))
    return Line(name.upper(), told, value)


def _escaped(text: str) -> str:
    return re.sub(r"([\\;])", r"\\\1", text)


# Calendars


def entries(text: str) -> list[list[str]]:
    """A row of CALENDAR for each event and to-do. Raises NotCards, naming what is there instead."""
    found, others = [], set()
    todo = components(text)
    while todo:
        part = todo.pop(0)
        if part.kind == "VCALENDAR":
            todo = part.parts + todo
            others |= set() if part.parts else {_("an empty calendar")}
        elif part.kind in ("VEVENT", "VTODO"):
            found.append(_entry(part))
        elif part.kind != "VTIMEZONE":
            others.add(_CALLED.get(part.kind, part.kind))
    if not found:
        what = ", ".join(sorted(map(str, others))) or _("other things")
        raise NotCards(_("there are no events or to-dos in it, only %(what)s") % {"what": what})
    return found


_CALLED = {
    "VJOURNAL": gettext_lazy("journal entries"),
    "VFREEBUSY": gettext_lazy("free and busy times"),
    "VALARM": gettext_lazy("an alarm"),
}


def _entry(part: Component) -> list[str]:
    start, end = _moment(part.first("DTSTART")), _moment(part.first("DTEND"))
    due, completed = _moment(part.first("DUE")), _moment(part.first("COMPLETED"))
    people = [_who(line) for line in part.lines if line.name == "ATTENDEE"]
    organizer = part.first("ORGANIZER")
    return [
        part.text("SUMMARY"), "meeting" if part.kind == "VEVENT" else "task", _told(start), _told(end),
        _told(due) or _told(start), _told(completed), _minutes(part, start, end), part.text("LOCATION"),
        _who(organizer) if organizer else "",
        ", ".join(people), part.text("STATUS"), part.text("DESCRIPTION"), part.text("UID"),
    ]  # fmt: skip


def _who(line: Line) -> str:
    return "".join(line.params.get("CN", ())) or plain(line.value).removeprefix("mailto:")


def _moment(line: Line | None) -> date | datetime | str | None:
    """A day, or a moment with its zone where that is known; the text itself when it is neither."""
    if line is None:
        return None
    text = line.value.strip()
    for form, short in (("%Y%m%dT%H%M%S", False), ("%Y%m%d", True)):
        try:
            found = datetime.strptime(text.rstrip("Z"), form)
        except ValueError:
            continue
        if short:
            return found.date()
        zone = "UTC" if text.endswith("Z") else "".join(line.params.get("TZID", ()))
        return found.replace(tzinfo=ZoneInfo(zone)) if zone in _zones() else found
    return text


@cache
def _zones() -> set[str]:
    """The zones that this machine knows; a walk through its disk."""
    return available_timezones()


def _told(value: date | datetime | str | None) -> str:
    return "" if value is None else value if isinstance(value, str) else value.isoformat()


_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")


def _minutes(part: Component, start: Any, end: Any) -> str:
    """How long it takes; "" for whole days and where it is not told."""
    if isinstance(start, datetime) and isinstance(end, datetime) and (start.tzinfo is None) == (end.tzinfo is None):
        return str(max(0, round((end - start).total_seconds() / 60)))
    told = part.text("DURATION")
    hit = _DURATION.match(told.lstrip("+"))
    if not told:
        return ""
    if hit is None:
        return told
    weeks, days, hours, minutes, _seconds = (int(n or 0) for n in hit.groups())
    return str(((weeks * 7 + days) * 24 + hours) * 60 + minutes)

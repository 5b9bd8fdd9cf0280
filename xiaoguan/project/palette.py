"""What can be done and where one can go from the palette: every action and page of a viewer, found by its words.

An action is found by any part of its label, by pinyin and initials from any character on, by what it is called in
English, and by other words that people have for it: 新建商机 by 新建, shangji, xjsj or "new opp".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from xiaoguan.base.words import initials, pinyin
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk, desk_of, desks
from xiaoguan.desk.jobs import ADMINISTRATORS
from xiaoguan.project.places import places_of

SHOWN = 8


@dataclass(frozen=True)
class Action:
    """One line of the palette: a page to open, or with `theme` a look to put on. also: further words that find it."""

    label: str
    url: str
    icon: str
    also: str = ""
    theme: str = ""


def actions_of(viewer: Viewer, words: str) -> tuple[list[Action], bool]:
    """What fits the words, best first, SHOWN at most; whether the first is called so from its beginning.

    Without words: what is made daily, and the places.
    """
    known, sought = _known(viewer), _bare(words)
    if not words:
        daily = [a for a, desk in zip(known, _makeable(viewer), strict=False) if desk.rank < Desk.rank]
        return [*daily, *(Action(p["label"], p["url"], p["icon"]) for p in places_of(viewer))], False
    fitting = sorted((fit, n) for n, said in enumerate(_said(viewer)) if (fit := _fit(sought, *said)) is not None)
    return [known[n] for _fit, n in fitting[:SHOWN]], bool(fitting) and fitting[0][0] == 0 and len(words) > 1


def house_pages(viewer: Viewer) -> dict[str, list[Action]]:
    """The pages with which a company is set up, by the group of the settings in which they stand."""
    found: dict[str, list[Action]] = {}
    grants = desk_of("grant")
    if grants and not grants.write.never(viewer):
        found["permissions"] = [
            Action(_("Who may do what"), reverse("rights"), "shield-lock", _("permissions, rights")),
            Action(_("What somebody sees"), reverse("sees"), "eye", _("permissions, rights")),
        ]
    if viewer.has("administrator"):
        found["house"] = [
            Action(_("Fields"), reverse("fields"), "table", _("custom fields, own kinds of records")),
            Action(_("Who approves what"), reverse("approval_flows"), "signature", _("approval flows")),
            Action(_("Design system"), reverse("design"), "layout-grid", _("colours, buttons, pieces of a page")),
        ]
    return found


def _known(viewer: Viewer) -> list[Action]:
    """Everything that this viewer may do and open, with the words of the other languages among the further ones; kept
    with the viewer, who stays the same until the organisation changes."""
    key = "palette", get_language()
    if key not in viewer.extra:
        others = [code for code, _name in settings.LANGUAGES if code != get_language()]
        found = _all(viewer)
        for language in others:
            with translation.override(language):
                said = [f"{action.label} {action.also}" for action in _all(viewer)]
            found = [replace(action, also=f"{action.also} {more}") for action, more in zip(found, said, strict=True)]
        viewer.extra[key] = found
    return viewer.extra[key]


def _said(viewer: Viewer) -> list[tuple[str, str, tuple[str, ...]]]:
    """How each of these is called, bare, what it is called besides, and how it sounds; kept with the viewer too."""
    key = "palette said", get_language()
    if key not in viewer.extra:
        viewer.extra[key] = [(_bare(a.label), _bare(a.also), _sounds(a.label)) for a in _known(viewer)]
    return viewer.extra[key]


def _makeable(viewer: Viewer) -> list[Desk]:
    found = [d for d in desks() if d.may_create(viewer) and getattr(d.model, "IMPORTED", True)]
    return sorted(found, key=lambda desk: desk.rank)


def _all(viewer: Viewer) -> list[Action]:
    """What can be made comes first, in the order of daily use."""
    makeable, opened = _makeable(viewer), [d for d in desks() if d.may_open(viewer)]
    found = [Action(_("New %(thing)s") % _thing(d), d.url("new"), d.icon, str(d.also)) for d in makeable]
    found += _places(viewer)
    urls = {action.url for action in found}
    opened.sort(key=lambda desk: desk.rank)
    found += [Action(_cap(d.label_plural), d.url(), d.icon, str(d.also)) for d in opened if d.url() not in urls]
    found += _pages(viewer)
    found += [
        Action(
            _("Import %(things)s") % _thing(d), reverse("import", args=[d.key]), "upload", _("import, take in a file")
        )
        for d in makeable
    ]
    found += [Action(_("Recycle bin: %(things)s") % _thing(d), d.url("bin"), "trash", _("deleted")) for d in opened]
    return found


def _thing(desk: Desk) -> dict[str, str]:
    return {"thing": desk.label, "things": desk.label_plural}


def _cap(text: str) -> str:
    return text[:1].upper() + text[1:]


def _places(viewer: Viewer) -> Iterator[Action]:
    """The places and their sub-entries, each address once."""
    seen: set[str] = set()
    for place in places_of(viewer):
        for entry in (place, *place["entries"]):
            if entry["url"] not in seen:
                seen.add(entry["url"])
                yield Action(_cap(entry["label"]), entry["url"], entry["icon"])


def _pages(viewer: Viewer) -> Iterator[Action]:
    yield Action(_("Notifications"), reverse("inbox"), "bell", _("inbox, messages"))
    yield Action(_("What I am told of"), reverse("inbox_settings"), "bell", _("notification settings, reminders"))
    yield Action(_("Approvals"), reverse("approvals"), "signature", _("to sign"))
    yield Action(_("Jobs"), reverse("jobs"), "progress-check", _("background, import, export"))
    if viewer.has(*ADMINISTRATORS):
        yield Action(_("Who exported what"), reverse("exports"), "download", _("export"))
    for pages in house_pages(viewer).values():
        yield from pages
    yield Action(_("Access tokens"), reverse("tokens"), "api", "API")
    yield Action(_("Change the password"), reverse("account_change_password"), "key")
    theme = _("theme, look, colours, night")
    yield Action(_("Dark"), "#", "moon", theme, "dark")
    yield Action(_("Light"), "#", "sun", theme, "light")
    yield Action(_("As the system"), "#", "device-desktop", theme, "system")


# What fits


def _fit(sought: str, label: str, also: str, sounds: tuple[str, ...]) -> int | None:
    """How well bare words fit, 0 best; None where they do not."""
    if not sought:
        return None
    if label.startswith(sought):
        return 0
    if sought in label or sought in also:
        return 1
    return 2 if sought.isascii() and any(sound.startswith(sought) for sound in sounds) else None


@lru_cache(maxsize=4_096)  # one text for all viewers
def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


@lru_cache(maxsize=2_048)
def _sounds(text: str) -> tuple[str, ...]:
    """Pinyin and initials from each character on."""
    ends = [text[at:] for at in range(len(text)) if text[at] >= "\u3400" or at == 0]
    return tuple(sound for end in ends for sound in (pinyin(end), initials(end)))

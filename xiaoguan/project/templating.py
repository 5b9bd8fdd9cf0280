"""The words and filters that every template has."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from xiaoguan import __version__
from xiaoguan.base import words
from xiaoguan.desk.access import role_label, viewer_of
from xiaoguan.desk.cells import middle, money_text, number_text
from xiaoguan.desk.screens.rows_html import rows_html, way
from xiaoguan.project.places import places_of


@lru_cache(maxsize=256)
def asset(path: str) -> str:
    """Address of a built page file; it stays the same while the process lives."""
    return static(path)


def environment(**options: Any) -> Environment:
    env = Environment(**{**options, "extensions": ["jinja2.ext.i18n"]})
    env.install_gettext_callables(
        translation.gettext, translation.ngettext, newstyle=True, pgettext=translation.pgettext
    )
    env.globals.update(
        static=asset,
        url=lambda name, /, **kwargs: reverse(name, kwargs=kwargs or None),
        version=__version__,
        Fraction=Fraction,
        kept=kept,
        rows_html=rows_html,
    )
    env.filters.update(
        money=money_text,
        number=number_text,
        percent=percent,
        date=day,
        datetime=moment,
        ago=ago,
        middle=middle,
        way=way,
    )
    return env


CSRF, HERE = "@csrf@", "@here@"


@pass_context
def kept(context: Context, name: str) -> Markup:
    """A part of the frame that is the same on every page of one place; drawn once and kept with the viewer.

    Its context is that of every page, and `here`, the address of the page; nothing else of the request may be in it.
    """
    request = context["request"]
    parts = viewer_of(request).extra.setdefault("parts", {})
    active = next((p for p in context["places"] if p["active"]), None)
    entry = next((e["url"] for e in active["entries"] if e["active"]), "") if active else ""
    key = name, context["lang"], context["theme"], context["narrow"], active and active["key"], entry
    found = parts.get(key)
    if found is None:
        given = {k: context[k] for k in ("viewer", "places", "lang", "theme", "narrow")}
        text = context.environment.get_template(name).render(given, csrf_token=CSRF, here=HERE)
        found = parts[key] = text.strip()
    return Markup(found.replace(CSRF, str(context["csrf_token"])).replace(HERE, escape(request.get_full_path())))


def page(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: who looks, where they can go, in which language and light."""
    viewer = viewer_of(request)
    return {
        "viewer": {
            "name": viewer.name,
            "initials": viewer.name[-2:]
            if viewer.name[:1] > "\u3400"
            else "".join(w[0] for w in viewer.name.split()[:2]),
            "roles": [str(role_label(code)) for code in sorted(viewer.roles)],
            "person_id": viewer.person_id,
            "color": (viewer.person_id or 0) % 8,
        }
        if viewer.account_id
        else None,
        "places": places_of(viewer, request.path),
        "messages": get_messages(request),
        "csrf_token": SimpleLazyObject(partial(get_token, request)),  # once a page; Django would veil it at each form
        "lang": translation.get_language(),
        "narrow": request.COOKIES.get("rail") == "narrow",
        "theme": request.COOKIES.get("theme", "") if request.COOKIES.get("theme") in ("light", "dark") else "",
    }


def percent(value: Fraction | Decimal | int | None, digits: int = 1) -> str:
    return words.format_percent(value, translation.get_language() or "en", digits)


def day(value: date | None) -> str:
    return words.format_date(value, translation.get_language() or "en")


def moment(value: datetime | None) -> str:
    if value is None:
        return "–"
    local = timezone.localtime(value)
    return f"{day(local.date())} {local:%H:%M}"


def _of_today(value: datetime | date) -> str:
    """Minutes and hours, where the moment is known and has passed."""
    minutes = int((timezone.now() - value).total_seconds() // 60) if isinstance(value, datetime) else -1
    if minutes < 0:
        return translation.gettext("today")
    if minutes < 1:
        return translation.gettext("just now")
    if minutes < 60:
        return translation.ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
    hours = minutes // 60
    return translation.ngettext("%(n)d hour ago", "%(n)d hours ago", hours) % {"n": hours}


def ago(value: datetime | date | None) -> str:
    """How long ago in words: today, yesterday, 5 days ago; a date beyond a month."""
    if value is None:
        return "–"
    as_day = timezone.localtime(value).date() if isinstance(value, datetime) else value
    days = (timezone.localdate() - as_day).days
    if days == 0:
        return _of_today(value)
    if days == 1:
        return translation.gettext("yesterday")
    if 1 < days <= 31:
        return translation.ngettext("%(days)d day ago", "%(days)d days ago", days) % {"days": days}
    if days == -1:
        return translation.gettext("tomorrow")
    if -31 <= days < -1:
        return translation.ngettext("in %(days)d day", "in %(days)d days", -days) % {"days": -days}
    return day(as_day)

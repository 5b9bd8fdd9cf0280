"""The places of the menu: which there are, what they open, and who finds them there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from xiaoguan.desk.access import Viewer
from xiaoguan.desk.custom.live import CustomDesk
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.desk import desks as all_desks


@dataclass(frozen=True)
class Place:
    """One entry of the menu. desks: entities that belong to it, the first one opens; page: a view name instead.

    pages    sub-entries of their own: the entity before which they stand, label, icon, view name.
    """

    key: str
    label: str
    icon: str
    desks: tuple[str, ...] = ()
    page: str = ""
    roles: tuple[str, ...] = ()
    pages: tuple[tuple[str, str, str, str], ...] = ()


PLACES = (
    Place("today", gettext_noop("Today"), "calendar-check", ("warning",), page="today"),
    Place("customers", gettext_noop("Customers"), "building", ("customer", "contact", "lead", "activity")),
    Place(
        "pipeline",
        gettext_noop("Pipeline"),
        "target-arrow",
        ("opportunity", "forecastsnapshot"),
        page="opportunity:board",
        pages=(("forecastsnapshot", gettext_noop("Forecast"), "chart-line", "forecast"),),
    ),
    Place(
        "orders",
        gettext_noop("Orders & cash"),
        "file-invoice",
        ("order", "contract", "payment", "return", "product", "productcategory", "orderline", "split"),
    ),
    Place("goals", gettext_noop("Goals"), "trending-up", ("goaltarget",), page="goals"),
    Place(
        "performance",
        gettext_noop("Performance"),
        "award",
        (
            *("paystatement", "appraisalrecord", "payrollperiod", "appraisalcycle"),
            *("honour", "dispute", "ledgerentry", "result", "payterms"),
        ),
        page="statement",
        pages=(
            ("appraisalrecord", gettext_noop("Give ratings"), "star", "ratings_to_give"),
            ("appraisalcycle", gettext_noop("The team's appraisals"), "table", "appraisal_team"),
        ),
    ),
    Place("team", gettext_noop("Team"), "users-group", ("person", "team", "territory", "position", "trainingresult")),
    Place(
        "policy",
        gettext_noop("Policy"),
        "book-2",
        ("policydraft", "policyversion", "policysignature"),
        page="policy",
    ),
    Place("settings", gettext_noop("Settings"), "settings", ("role", "currency", "exchangerate"), page="settings"),
)


def places_of(viewer: Viewer, here: str = "") -> list[dict[str, Any]]:
    """The places this viewer can use, with their sub-entries; the one that `here` belongs to is active."""
    if viewer.account_id is None:
        return []
    prepared = viewer.extra.get(get_language())
    if prepared is None:
        prepared = viewer.extra[get_language()] = _prepared(viewer)
    found = []
    nearest = max((len(e["url"]) for p in prepared for e in p["entries"] if here.startswith(e["url"])), default=0)
    for place in prepared:
        entries = [{**e, "active": len(e["url"]) == nearest and here.startswith(e["url"])} for e in place["entries"]]
        own = here == "/" if place["url"] == "/" else here.startswith(place["url"])
        found.append({**place, "entries": entries, "active": own or any(e["active"] for e in entries)})
    return found


def _prepared(viewer: Viewer) -> list[dict[str, Any]]:
    """The same without what is active; kept with the viewer, who stays the same until the organisation changes."""
    found = []
    for place in PLACES:
        keys = [*place.desks, *(d.key for d in all_desks() if isinstance(d, CustomDesk) and d.place == place.key)]
        desks = [d for d in (desk_of(key) for key in keys) if d and d.may_open(viewer)]
        if not desks and not place.page:
            continue
        entries = []
        for desk in desks:
            own = [one for one in place.pages if one[0] == desk.key]
            entries += [{"label": _(label), "icon": icon, "url": reverse(page)} for _key, label, icon, page in own]
            entries.append({"label": desk.label_plural, "icon": desk.icon, "url": desk.url()})
        url = reverse(place.page) if place.page else desks[0].url()
        found.append({"key": place.key, "label": _(place.label), "icon": place.icon, "url": url, "entries": entries})
    return found

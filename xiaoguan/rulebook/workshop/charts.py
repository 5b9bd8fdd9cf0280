"""The charts of a back-test: who gains and who loses, and what each period costs before and after."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from xiaoguan.base.money import SCALE
from xiaoguan.desk.cells import money_text
from xiaoguan.rulebook.workshop.trying import Shown

MOST = 40
"""So many people stand in the chart: those whose pay changes most."""


def by_person(shown: Shown) -> dict[str, Any]:
    """A bar for each person's change, who gains most first."""
    changed = [row for row in shown.people() if row[2] != row[3]]
    kept = sorted(sorted(changed, key=lambda r: -abs(r[3] - r[2]))[:MOST], key=lambda r: r[3] - r[2])
    option = {
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 8, "outerBoundsMode": "same"},
        "xAxis": {"type": "value"},
        "yAxis": {"type": "category", "data": [name for _key, name, _b, _a in kept], "axisLabel": {"interval": 0}},
        "tooltip": {"trigger": "axis"},
        "series": [
            {
                "type": "bar",
                "name": _("Change"),
                "data": [
                    {
                        "value": (after - before) / SCALE,
                        "itemStyle": {"color": "@chart-1" if after > before else "@chart-2"},
                    }
                    for _key, _name, before, after in kept
                ],
            }
        ],
    }
    return {"option": option, "rows": len(kept)}


def by_period(shown: Shown) -> dict[str, Any]:
    """Two bars for each period."""
    rows = shown.periods()

    def bars(name: str, colour: str, place: int) -> dict[str, Any]:
        data = [row[place] / SCALE for row in rows]
        return {"type": "bar", "name": name, "itemStyle": {"color": colour}, "data": data}

    option = {
        "legend": {},
        "xAxis": {"type": "category", "data": [row[0] for row in rows]},
        "yAxis": {"type": "value"},
        "tooltip": {"trigger": "axis"},
        "series": [bars(pgettext("policy", "Before"), "@chart-6", 1), bars(pgettext("policy", "After"), "@chart-1", 2)],
    }
    table = [[label, *(money_text(units, shown.currency) for units in pair)] for label, *pair in rows]
    return {"option": option, "rows": table}

"""The rows of a list as HTML. A page has some three hundred cells: written here they cost a fifth of a template's time.

A first cell is the row's link; on a phone a row is a card of the name, the first amount and three more facts, so each
cell says which of these it is (`heavy`, `rest`). Where there is no amount a price stands for it, then a number. What
somebody has sorted the list by is a fact, what the name says already is none, and such a day or a yes is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from django.utils.translation import gettext as _
from markupsafe import Markup

from xiaoguan.desk.cells import ALIGN_RIGHT, MISSING, Cell, middle

LEAD, LINK, FACTS = 42, 38, 3
RANKS = {"money": 0, "number": 2, "percent": 2}
WAYS = {"email": "", "phone": ' class="tabular"', "url": ' target="_blank" rel="noopener noreferrer"'}
"""Kinds of values that lead out of the program, with what their links have besides."""


def way(cell: Cell) -> str:
    """Where such a value leads: it is written to, called or opened."""
    if cell.kind == "phone":
        return "tel:" + "".join(c for c in cell.text if c.isdigit() or c in "+,;")
    return f"mailto:{cell.text}" if cell.kind == "email" else cell.text


def rows_html(
    rows: Iterable[Mapping[str, Any]], picking: bool = False, columns: Sequence[Mapping[str, Any]] = ()
) -> Markup:
    """Table rows of {"id", "url", "cells"}; with `picking` each begins with a box to tick. `columns` are the headings,
    of which one may say that somebody has sorted the list by it."""
    key = next((n for n, c in enumerate(columns) if n and c.get("key")), 0)
    facts = {n: f' data-fact="{escape(c["label"])}"' for n, c in enumerate(columns) if _named(c["kind"], n == key)}
    select, untitled = escape(_("Select")) if picking else "", escape(_("Untitled"))
    found: list[str] = []
    for row in rows:
        url, cells = escape(row["url"]), row["cells"]
        found.append(f'<tr role="row" data-url="{url}" data-id="{row["id"]}">')
        title = cells[0].text
        if picking:
            label = f"{select} {escape(title)}"
            found.append(f'<td class="tick" role="cell"><input type="checkbox" aria-label="{label}"></td>')
        short = escape(middle(title, LEAD)) or untitled
        found.append(
            f'<th scope="row" class="lead" role="rowheader"><a class="row-link" href="{url}"{_whole(title, LEAD)}>'
            f"{short}</a></th>"
        )
        _cells(cells, found, key, facts)
        found.append("</tr>\n")
    return Markup("".join(found))


def _named(kind: str, key: bool) -> bool:
    """Whether a card says what a fact of this kind is."""
    return kind == "bool" or (key and kind in ("date", "datetime"))


def _heaviest(cells: list[Cell]) -> int:
    """Which cell is the number that a card shows first; 0 for none."""
    rank = {n: RANKS[c.kind] + (not c.adds) for n, c in enumerate(cells) if n and c.kind in RANKS and c.text != MISSING}
    return min(rank, key=lambda n: (rank[n], n), default=0)


def _cells(cells: list[Cell], found: list[str], key: int, names: Mapping[int, str]) -> None:
    facts, heavy = (1 if key else 0), _heaviest(cells)
    for n, cell in enumerate(cells[1:], 1):
        if cell.text in ("", None, MISSING):
            found.append('<td role="cell" class="void"></td>')
            continue
        spare = facts >= FACTS or cell.said or (cell.kind in TEXTS and cell.text in cells[0].text)
        rank = "heavy" if n == heavy else "rest" if spare and n != key else ""
        if not rank and n != key:
            facts += 1
        found.append(_cell(cell, rank, names.get(n, "")))


def _cell(cell: Cell, rank: str, fact: str = "") -> str:
    kind, text = cell.kind, escape(cell.text)
    toned = f" tone-{cell.tone}" if cell.tone else ""
    if kind in ALIGN_RIGHT:
        if cell.url:
            text = f'<a class="opens{" toned" + toned if toned else ""}" href="{escape(cell.url)}">{text}</a>'
        elif toned:
            text = f'<span class="toned{toned}">{text}</span>'
        return f'<td role="cell" class="num {rank}">{text}</td>'
    if kind == "link":
        short = escape(middle(cell.text, LINK))
        link = f'<a href="{escape(cell.url)}"{_whole(cell.text, LINK)}>{short}</a>'
        return f'<td role="cell" class="flow flow-link {rank}">{link}</td>'
    if kind == "choice":
        return f'<td role="cell" class="{rank}"><span class="tag{toned}">{text}</span></td>'
    if kind in ("date", "datetime"):
        shown = f'<span class="tabular{" toned" + toned if toned else ""}">{text}</span>'
        return f'<td role="cell" class="{rank}"{fact}>{shown}</td>'
    if kind in WAYS:
        return f'<td role="cell" class="{rank}"><a href="{escape(way(cell))}"{WAYS[kind]}>{text}</a></td>'
    if kind == "bool":
        return f'<td role="cell" class="{rank}"{fact}>{text}</td>'
    short = escape(middle(cell.text, LINK))
    if toned or short != text:
        short = f'<span class="toned{toned}"{_whole(cell.text, LINK)}>{short}</span>'
    return f'<td role="cell" class="{"flow " if kind == "text" else ""}{rank}">{short}</td>'


def _whole(text: str, size: int) -> str:
    """The whole text as a tooltip where it is shown cut."""
    return f' title="{escape(text)}"' if len(text) > size else ""


TEXTS = frozenset({"text", "link"})
SHORTEST, LONGEST, PADDING = 8, 40, 4


def shares(rows: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Percents of the table for the columns of names and texts, which share what numbers and days leave: by how long
    most of theirs are on this page, a Chinese character counted twice. None for the others; without others they take
    the whole, or the boxes to tick would."""
    if not rows:
        return []
    kinds = [cell.kind for cell in rows[0]["cells"]]
    texts = [n for n, kind in enumerate(kinds) if n == 0 or any(row["cells"][n].kind in TEXTS for row in rows)]
    needs = {n: sorted(_length(row["cells"][n].text) for row in rows)[len(rows) * 9 // 10] for n in texts}
    needs = {n: min(max(need, SHORTEST), LONGEST) + PADDING for n, need in needs.items()}
    whole = min(sum(needs.values()) * 5 // 4, 72) if len(texts) < len(kinds) else 100
    return [round(needs[n] * whole / sum(needs.values())) if n in needs else None for n in range(len(kinds))]


def _length(text: str | None) -> int:
    return sum(2 if c >= "\u2e80" else 1 for c in text or "")

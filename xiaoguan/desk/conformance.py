"""What every declaration must pass, written once: who sees what on each surface, how many queries a page takes, whether
what the form writes comes back, whether every word is translated and every default sort has an index.

`sample` makes records of any registered desk; the checks yield findings, so that a test shows all of them at once.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from string import ascii_uppercase
from typing import Any

from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from xiaoguan.desk import search
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.fields import ExactField, MoneyField
from xiaoguan.desk.records import Record

_numbers = count(1)
tally = {"checks": 0}
"""How many times a record was looked for on a surface; the tests print it."""


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold: where and what."""

    desk: str
    surface: str
    what: str

    def __str__(self) -> str:
        return f"{self.desk} · {self.surface}: {self.what}"


# Samples


def sample(model: type[models.Model], person: Any, given: dict[str, Any] | None = None, **values: Any) -> Any:
    """A saved record of any model with every required field filled; relations to people point to `person`."""
    number = next(_numbers)
    values = {**getattr(model, "EXAMPLE", {}), **values, **(given or {})}
    for field in model._meta.concrete_fields:
        if field.name in values or field.name in Record.BOOKKEEPING or field.primary_key:
            continue
        if field.is_relation:
            if isinstance(person, field.related_model) and person not in values.values():
                values[field.name] = person
            elif not field.null:
                values[field.name] = _related(field.related_model, person)
        elif (not field.has_default() or field.name == "currency") and not (field.blank and field.null):
            values[field.name] = _value(field, number)
    record = model(**values)
    record.save()
    return record


def _related(model: type[models.Model], person: Any) -> Any:
    return sample(model, person)


def _value(field: models.Field, number: int) -> Any:
    if getattr(field, "stage_choices", None):
        return field.stage_choices()[0][0]
    if field.choices:
        return field.flatchoices[0][0]
    if isinstance(field, MoneyField):
        return number * 10_000
    if isinstance(field, ExactField):
        return Decimal(number % 100 + 1) / 100 if field.percent else Decimal(number)
    if isinstance(field, models.DateTimeField):
        return None
    if isinstance(field, models.DateField):
        later = 400 if field.name.startswith(("ends", "due")) else 0
        return None if field.null else date(2026, 1, 1) + timedelta(days=number % 300 + later)
    if isinstance(field, models.BooleanField):
        return False
    if isinstance(field, models.IntegerField):
        return number
    if isinstance(field, models.JSONField):
        return {}
    if isinstance(field, models.EmailField):
        return f"person{number}@example.com"
    if field.blank:
        return ""
    if field.max_length == 3:
        return "".join(ascii_uppercase[number // 26**place % 26] for place in (2, 1, 0)) if field.unique else "CNY"
    if isinstance(field, models.SlugField):
        return f"sample{number}"
    return f"样本sample{number}"[-(field.max_length or 40) :]


# Who sees what


def seen(desk: Desk, viewer: Viewer, browser: Client, records: Sequence[Any]) -> Iterator[tuple[str, set[int]]]:
    """For each surface the ids among `records` that it shows to this browser."""
    ids = {r.pk for r in records}
    page = browser.get(desk.url(), {"sort": "-id"})
    text = page.content.decode() if page.status_code == 200 else ""
    yield "list", {pk for pk in ids if f'href="{desk.url()}{pk}"' in text}
    number = re.search(r'id="count">([\d,]+)<', text)
    yield "number", {int(number.group(1).replace(",", "")) if number else 0}
    yield "detail", {pk for pk in ids if browser.get(desk.url("detail", pk=pk)).status_code == 200}
    answer = browser.get(f"/api/{desk.url_name}", {"limit": "200", "sort": "-id"})
    yield "api list", {i["id"] for i in answer.json()["items"]} & ids if answer.status_code == 200 else set()
    yield "api read", {pk for pk in ids if browser.get(f"/api/{desk.url_name}/{pk}").status_code == 200}
    if desk.form:
        yield "edit", {pk for pk in ids if browser.get(desk.url("edit", pk=pk)).status_code == 200}
    export = browser.get(desk.url("export", kind="csv"))
    if export.status_code == 200:
        body = b"".join(export.streaming_content).decode("utf-8-sig")
        lines = {tuple(row) for row in csv.reader(io.StringIO(body))}
        yield "export rows", {len(lines) - 1}
    else:
        yield "export rows", {0}
    if desk.search_fields:
        found: set[int] = set()
        for record in records:
            words = next((str(getattr(record, n)) for n in desk.search_fields if getattr(record, n)), "")
            picked = browser.get(desk.url("pick"), {"q": words})
            found |= (
                {hit["id"] for hit in picked.json() if hit["id"] == record.pk} if picked.status_code == 200 else set()
            )
        yield "search", found
    yield "notification", told(viewer, records)
    if desk.board:
        board = browser.get(desk.url("board"))
        text = board.content.decode() if board.status_code == 200 else ""
        yield "board", {pk for pk in ids if f'href="{desk.url()}{pk}"' in text}


def leaks(desk: Desk, viewer: Viewer, browser: Client, records: Sequence[Any]) -> Iterator[Finding]:
    """Where a surface shows more or less than the rule allows, record by record. The rule's own sentence is asked of
    each record apart from any query, so filter and answer check each other."""
    may = {r.pk for r in records if desk.read.allows(viewer, r)}
    if {r.pk for r in desk.visible(viewer).filter(pk__in=[r.pk for r in records])} != may:
        yield Finding(desk.key, "rule", f"{viewer.name}: the filter and the answer differ")
    writable = {r.pk for r in records if r.pk in may and desk.write.allows(viewer, r)}
    whole = sum(1 for r in desk.model._default_manager.all() if desk.read.allows(viewer, r))
    for surface, found in seen(desk, viewer, browser, records):
        tally["checks"] += len(records) + 1
        expected = {whole} if surface in ("export rows", "number") else writable if surface == "edit" else may
        if found != expected:
            more, less = sorted(found - expected), sorted(expected - found)
            yield Finding(desk.key, surface, f"{viewer.name} sees {more} too many and {less} too few")


def told(viewer: Viewer, records: Sequence[Any]) -> set[int]:
    """The records of which a notification reaches the viewer and is shown to them."""
    from xiaoguan.desk import notify

    entity = records[0]._meta.model_name
    for record in records:
        notify.notify([viewer.person_id], notify.DUE, "%(title)s", record=record, myself=True)
    mine = notify.of(viewer).filter(entity=entity, record_id__in=[r.pk for r in records])
    return {n.record_id for n in notify.readable(list(mine), viewer)}


# How fast


def queries(browser: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = browser.get(url)
        if answer.streaming:
            b"".join(answer.streaming_content)
    return len(captured)


def growing(desk: Desk, browser: Client, more: Any) -> Iterator[Finding]:
    """Surfaces whose number of queries grows with the rows: measured before and after `more()` adds rows."""
    urls = [desk.url(), f"/api/{desk.url_name}", desk.url("export", kind="csv")]
    urls += [desk.url("board")] if desk.board else []
    for url in urls:
        queries(browser, url)  # caches warm
    before = {url: queries(browser, url) for url in urls}
    more()
    queries(browser, urls[0])  # a changed organisation is read again once
    for url in urls:
        after = queries(browser, url)
        if after > before[url]:
            yield Finding(desk.key, url, f"{before[url]} queries for few rows, {after} for many")


# What is written comes back


def round_trip(desk: Desk, browser: Client, record: Any) -> Iterator[Finding]:
    """Every field that the API shows and the form takes is written back and read again unchanged."""
    where = f"/api/{desk.url_name}/{record.pk}"
    before = browser.get(where).json()
    sent = {name: before[name] for name in desk.form_fields}
    answer = browser.patch(where, {**sent, "version": before["version"]}, content_type="application/json")
    if answer.status_code != 200:
        yield Finding(desk.key, "api write", f"{answer.status_code} {answer.content.decode()[:300]}")
        return
    after = answer.json()
    for name in desk.form_fields:
        if after[name] != before[name]:
            yield Finding(desk.key, "api write", f"{name}: {before[name]!r} came back as {after[name]!r}")
    if after["version"] != before["version"]:
        yield Finding(desk.key, "api write", "an unchanged record was given a new version")


# Words and indexes


def untranslated(desk: Desk) -> Iterator[Finding]:
    """Labels that Chinese readers would see in English."""
    labels = {desk.model._meta.verbose_name, desk.model._meta.verbose_name_plural}  # lazy: read in both languages below
    labels |= {p.field.verbose_name for p in (*desk.column_paths, *desk.filter_paths.values())}
    labels |= {desk.model._meta.get_field(n).verbose_name for n in desk.form_fields}
    labels |= {v.label for v in desk.verbs}
    for field in desk.model._meta.concrete_fields:
        labels |= {label for _value_, label in field.flatchoices or ()}
    for label in labels:
        with translation.override("en"):
            english = str(label)
        with translation.override("zh-hans"):
            if str(label) == english and any(c.isalpha() for c in english) and len(english) > 1:
                yield Finding(desk.key, "words", f"'{english}' has no Chinese")


def unindexed(desk: Desk) -> Iterator[Finding]:
    """A default sort that no index serves, in tables that grow."""
    name = desk.order.lstrip("-")
    if name in ("id", "pk") or not getattr(desk.model, "GROWS", True):
        return
    leading = {tuple(f.lstrip("-") for f in i.fields)[:1] for i in desk.model._meta.indexes}
    leading |= {(f.name,) for f in desk.model._meta.concrete_fields if f.db_index or f.unique or f.is_relation}
    if (name,) not in leading:
        yield Finding(desk.key, "index", f"no index begins with '{name}', by which the list is sorted")


def search_entry(desk: Desk, record: Any) -> bool:
    """Whether the search table finds the record by its own words now."""
    words = next((str(getattr(record, n)) for n in desk.search_fields if getattr(record, n)), "")
    return not words or desk.model.objects.filter(search.hits(desk, words), pk=record.pk).exists()


def every_desk() -> list[Desk]:
    from xiaoguan.desk.desk import desks

    return [d for d in desks() if issubclass(d.model, Record)]


def desk(key: str) -> Desk:
    found = desk_of(key)
    assert found is not None, key
    return found

"""Every declaration, every role, every surface."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from xiaoguan.desk import conformance
from xiaoguan.desk.access import Rule, everyone
from xiaoguan.desk.desk import Desk

PEOPLE = ("linjing", "zhouhang", "chenmin", "wanglei", "zhaoyue", "sunzong", "wufang", "helin", "gaoxiang")
OWNERS = ("linjing", "zhouhang", "wanglei")

each_desk = pytest.mark.parametrize("desk", conformance.every_desk(), ids=lambda d: d.key)


@each_desk
def test_everyone_sees_what_they_may_and_nothing_else(desk: Desk, cast: Any, client_of: Any) -> None:
    records = [conformance.sample(desk.model, cast.people[name]) for name in OWNERS]
    findings = []
    for name in PEOPLE:
        findings += conformance.leaks(desk, cast.viewer(name), client_of(name), records)
    assert not findings, "\n".join(map(str, findings))


@each_desk
def test_pages_take_as_many_queries_for_many_rows_as_for_few(desk: Desk, cast: Any, client_of: Any) -> None:
    def more(number: int) -> None:
        for _i in range(number):
            conformance.sample(desk.model, cast.linjing)

    more(2)
    found = list(conformance.growing(desk, client_of("sunzong"), lambda: more(20)))
    assert not found, "\n".join(map(str, found))


@each_desk
def test_what_the_api_shows_can_be_written_back_unchanged(desk: Desk, cast: Any, client_of: Any) -> None:
    if not desk.form:
        return
    record = conformance.sample(desk.model, conformance.sample(type(cast.linjing), None))
    writer = next(
        (n for n in PEOPLE if desk.may_read(cast.viewer(n), record) and desk.may_write(cast.viewer(n), record)), None
    )
    assert writer, "nobody may write this"
    found = list(conformance.round_trip(desk, client_of(writer), record))
    assert not found, "\n".join(map(str, found))


@each_desk
def test_words_are_translated_sorts_have_an_index_and_search_keeps_step(desk: Desk, cast: Any) -> None:
    found = [*conformance.untranslated(desk), *conformance.unindexed(desk)]
    record = conformance.sample(desk.model, cast.linjing)
    if desk.search_fields and not conformance.search_entry(desk, record):
        found.append(conformance.Finding(desk.key, "search", "a new record is not found"))
    assert not found, "\n".join(map(str, found))


class Leaky(Rule):
    """A rule whose answer is right and whose filter forgets it."""

    def __init__(self, real: Rule):
        self.real = real

    def q(self, viewer: Any) -> Any:
        return everyone.q(viewer)

    def allows(self, viewer: Any, record: Any) -> bool:
        return self.real.allows(viewer, record)

    def words(self) -> str:
        return self.real.words()


def test_a_planted_leak_is_found(cast: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite can fail: surfaces that forget the rule are named."""
    desk = conformance.desk("opportunity")
    records = [conformance.sample(desk.model, cast.people[name]) for name in OWNERS]
    monkeypatch.setattr(type(desk), "read", Leaky(type(desk).read))
    found = {f.surface for f in conformance.leaks(desk, cast.viewer("wanglei"), client_of("wanglei"), records)}
    assert {"rule", "list", "number", "api list", "board", "search"} <= found


def test_a_planted_row_by_row_query_is_found(cast: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = conformance.desk("customer")
    from xiaoguan.desk.screens import lists

    original = lists.table

    def slow(d: Desk, rows: Any, columns: Any) -> Any:
        for row in rows:
            d.model.objects.get(pk=row[0])
        return original(d, rows, columns)

    monkeypatch.setattr(lists, "table", slow)
    conformance.sample(desk.model, cast.linjing)
    found = list(conformance.growing(desk, client_of("sunzong"), lambda: conformance.sample(desk.model, cast.linjing)))
    assert any(f.surface == desk.url() for f in found)


def test_a_missing_translation_and_a_missing_index_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = conformance.desk("customer")
    monkeypatch.setattr(desk.model._meta.get_field("city"), "verbose_name", "quite untranslated")
    monkeypatch.setattr(type(desk), "order", "website")
    found = {f.surface for f in [*conformance.untranslated(desk), *conformance.unindexed(desk)]}
    assert found == {"words", "index"}
    with translation.override("en"):
        assert desk.label == "customer"

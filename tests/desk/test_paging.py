"""Pages one after the other show every record once, whatever the sort and whoever looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from xiaoguan.desk import conformance, paging
from xiaoguan.desk.access import Viewer
from xiaoguan.rulebook.process import process_in_force
from xiaoguan.rulebook.versions import adopt


def walk(browser: Any, url: str, **query: str) -> list[int]:
    found: list[int] = []
    cursor = ""
    while True:
        answer = browser.get(url, {**query, "limit": "3", **({"cursor": cursor} if cursor else {})}).json()
        found += [item["id"] for item in answer["items"]]
        cursor = answer["next"]
        if not cursor:
            return found


@pytest.mark.parametrize("name", ["linjing", "chenmin", "sunzong"])
@pytest.mark.parametrize("sort", ["", "id", "-name", "owner", "last_contact_on", "-last_order_on", "grade"])
def test_pages_show_every_record_once(cast: Any, client_of: Any, name: str, sort: str) -> None:
    desk = conformance.desk("customer")
    for number in range(11):
        owner = [cast.linjing, cast.zhouhang, cast.wanglei, None][number % 4]
        record = conformance.sample(desk.model, owner, {"owner": owner} if owner is None else None)
        if number % 3 == 0:
            desk.model.objects.filter(pk=record.pk).update(last_contact_on="2026-05-01", last_order_on="2026-05-02")
    expected = set(desk.visible(cast.viewer(name)).values_list("pk", flat=True))
    found = walk(client_of(name), "/api/customers", **({"sort": sort} if sort else {}))
    assert len(found) == len(set(found)) and set(found) == expected
    half = set(sorted(expected)[::2])
    desk.model.objects.update(grade="B")
    desk.model.objects.filter(pk__in=half).update(grade="A")
    given = {"sort": sort} if sort else {}
    everything = walk(client_of(name), "/api/customers", **given)
    assert walk(client_of(name), "/api/customers", grade="A", **given) == [pk for pk in everything if pk in half]


def test_branches_are_the_rule(cast: Any) -> None:
    """The parts by person, merged, are what the one filter gives."""
    desk = conformance.desk("customer")
    for owner in (cast.linjing, cast.wanglei, None):
        conformance.sample(desk.model, owner, {"owner": owner} if owner is None else None)
    for name in ("linjing", "chenmin", "wanglei"):
        viewer: Viewer = cast.viewer(name)
        parts = desk.read.branches(viewer)
        assert parts is not None and parts.nobody_too
        rows = desk.model.objects.filter(owner__in=parts.people) | desk.model.objects.filter(owner=None)
        assert set(rows) == set(desk.visible(viewer))
        assert paging.count(desk.model.objects.all(), parts, plain=True) == (rows.distinct().count(), False)


def test_a_foreign_page_marker_is_refused(cast: Any, client_of: Any) -> None:
    answer = client_of("linjing").get("/api/customers", {"cursor": "nonsense"})
    assert answer.status_code == 400 and "翻页标记" in answer.json()["error"]


def test_a_page_asks_for_little(cast: Any, client_of: Any) -> None:
    """Session, stamp, views, ids, rows, count: what was worked out before is asked anew only after a change."""
    browser = client_of("chenmin")
    conformance.sample(conformance.desk("opportunity").model, cast.linjing)
    browser.get("/opportunities/")
    with CaptureQueriesContext(connection) as captured:
        browser.get("/opportunities/")
    assert len(captured) == 6, [query["sql"][:80] for query in captured]
    before = process_in_force()
    adopt(Path("policies/small-company.yaml").read_text())
    assert process_in_force() != before

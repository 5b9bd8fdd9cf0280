"""Files that others wrote, each imported through the page's own way or refused with the right reason."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from xiaoguan.customers.models import Contact, Customer
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.importing import reading
from xiaoguan.desk.importing.draft import begin
from xiaoguan.desk.importing.intake import preview
from xiaoguan.desk.importing.reading import Unreadable
from xiaoguan.desk.importing.work import begin_import
from xiaoguan.desk.jobs import Job, drain
from xiaoguan.sales.models import Activity, Opportunity

pytestmark = pytest.mark.django_db
REFUSED = {
    "formats/ical/empty.ics": "an empty calendar",
    "formats/ical/freebusy-example.ics": "free and busy times",
    "formats/ical/journals-example.ics": "journal entries",
    "formats/ical/rfc_5545_end.ics": "an alarm",
    "formats/ical/rfc_7986_properties.ics": "an empty calendar",
}
# The line of the column names where titles come before it; elsewhere it is the first.
HEADERS = {
    "messy/messytables/begrotingsanalyse-2011.csv": 4,
    "messy/messytables/excel_pasting.csv": 4,
    "messy/messytables/mixedGLB.csv": 4,
}


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def files(shared: Path) -> list[tuple[str, Path]]:
    data = shared / "data"
    found = [p for folder in ("formats", "messy") for p in sorted((data / folder).rglob("*")) if p.is_file()]
    assert len(found) > 80
    return [(str(p.relative_to(data)), p) for p in found]


def entity_of(name: str) -> str:
    if "/ical/" in name:
        return "activity"
    if "/vcard/" in name or "contacts" in name or "partner" in name:
        return "contact"
    if "opportunity" in name or "crm_lead" in name:
        return "opportunity"
    return "product" if "product" in name else "customer"


def brought(name: str, path: Path, cast: Any, **said: Any) -> Any:
    """The draft of a file, by 吴芳 who may create everything; relations that are not there stay empty."""
    draft = begin(cast.viewer("wufang"), desk_of(entity_of(name)), path, path.name)
    for key, value in said.items():
        setattr(draft, key, value)
    draft.save()
    return draft


def test_every_file_is_a_table_or_refused_with_the_right_reason(files, cast):
    told, read = {}, Counter()
    for name, path in files:
        try:
            draft = brought(name, path, cast)
            rows = list(draft.table().rows())
            read[name] = len(rows)
            if draft.mapping:
                tally = preview(draft, cast.viewer("wufang"))
                assert sum(tally.counts.values()) == len(rows), name
                assert all(row["why"] for row in tally.rows if row["what"] == "refused"), name
        except Unreadable as error:
            told[name] = str(error)
    assert {name: why for name, why in REFUSED.items() if why not in told.get(name, "")} == {}
    assert set(told) == set(REFUSED)


def test_known_readings_are_read_exactly(files, shared, cast):
    known = json.loads((shared / "data" / "oracle-others.json").read_text())
    paths = dict(files)
    for file in known["csv_files"]:
        name = file["file"]
        table = brought(name, paths[name], cast).table()
        records = list(table._lines())
        assert len(records) == file["records_with_header"], name
        if name.endswith("weird_head_padding.csv"):  # blank lines, a title and filters come before the column names
            assert table.columns[1] == "1985"
        else:
            assert table.header == HEADERS.get(name, 1), name
        # What the page takes in is everything below the column names that is not blank.
        below = [fields for line, fields in records if line > table.header and any(fields)]
        assert [row for _line, row in table.rows()] == below, name
        if not name.endswith("complex.csv"):  # quotes after a blank: the figures are those of a stricter reader
            assert str(len(table.columns)) in file["fields_per_record"], name
    for name, kinds in known["cards_and_calendars"]["files"].items():
        wanted = kinds.get("vcard", 0) + kinds.get("vevent", 0) + kinds.get("vtodo", 0)
        if name not in REFUSED:
            assert brought(name, paths[name], cast).table().count() == wanted, name


def test_the_spectrum_of_csv_is_read_as_its_owners_say(files, shared, cast):
    folder = shared / "data" / "messy" / "csv-spectrum"
    for path in sorted((folder / "csvs").glob("*.csv")):
        table = brought(f"messy/{path.name}", path, cast).table()
        found = [dict(zip(table.columns, row, strict=True)) for _line, row in table.rows()]
        wanted = json.loads((folder / "json" / f"{path.stem}.json").read_text())
        wanted = wanted if isinstance(wanted, list) else [wanted]
        if path.stem == "location_coordinates":  # its owners wrote another number into the answer
            wanted[0]["Contact Phone Number"] = "2095257564"
        assert found == wanted, path.name


def run(draft: Any, cast: Any) -> Job:
    job = begin_import(draft, cast.viewer("wufang"))
    drain()
    job.refresh_from_db()
    assert job.state == "done", job.error
    return job


def test_exports_of_other_systems_come_in_whole(shared, cast):
    formats = shared / "data" / "formats"
    accounts = brought("accountData.csv", formats / "salesforce" / "accountData.csv", cast, rule="create")
    assert accounts.source == "salesforce" and accounts.mapping["NAME"] == "name"
    accounts.values = {"owner": {"*": ""}, "channel": {"*": "direct"}, "grade": {"*": ""}, "industry": {}}
    accounts.save()
    assert run(accounts, cast).result["counts"] == {
        "created": 423, "changed": 0, "unchanged": 0, "skipped": 0, "refused": 0,
    }  # fmt: skip
    assert Customer.objects.filter(source="salesforce").count() == 423

    deals = brought("opportunityData.csv", formats / "salesforce" / "opportunityData.csv", cast)
    deals.fixed, deals.mapping = {"currency": "USD", "owner": "林静"}, deals.mapping | {"ACCOUNTID": "customer"}
    deals.mapping = {c: f for c, f in deals.mapping.items() if f not in ("owner", "stage", "origin")}
    deals.save()
    job = run(deals, cast)
    assert sum(job.result["counts"].values()) == 38 and job.result["counts"]["created"] > 0
    assert all(o.customer.source == "salesforce" for o in Opportunity.objects.all())

    atomic = formats / "atomic-crm"
    run(brought("companies", atomic / "import-sample.json", cast), cast)
    assert set(Customer.objects.filter(source="file").values_list("name", flat=True)) == {
        "Black Mesa Research Facility", "Aperture Science",
    }  # fmt: skip
    people = brought("contacts.csv", atomic / "contacts.csv", cast)
    assert people.source == "atomic-crm" and set(people.mapping.values()) >= {
        "name:first",
        "name:last",
        "email",
        "title",
    }
    companies = sorted({row[people.table().columns.index("company")] for _line, row in people.table().rows()})
    Customer.objects.bulk_create(Customer(name=name, owner=cast.linjing) for name in companies)
    people.mapping = {c: f for c, f in people.mapping.items() if f != "customer"} | {"company": "customer"}
    people.save()
    assert run(people, cast).result["counts"]["created"] == 500
    assert Contact.objects.filter(name="Shelley Kerluke", customer__name="Gottlieb and Sons").exists()


def test_calendars_become_activities(shared, cast):
    path = shared / "data" / "formats" / "ical" / "issue_526_calendar_with_different_events.ics"
    draft = brought("formats/ical/x.ics", path, cast)
    draft.mapping = {c: f for c, f in draft.mapping.items() if f != "owner"}
    draft.save()
    run(draft, cast)
    assert set(Activity.objects.values_list("kind", "minutes")) == {("meeting", 30), ("meeting", 10)}


def test_a_file_of_a_gigabyte_of_zeros_is_refused_before_it_is_unpacked_whole(cast, tmp_path, monkeypatch):
    import gzip

    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as packed:
        for _n in range(40):
            packed.write(bytes(1 << 20))
    monkeypatch.setattr(reading, "UNPACKED", 8 << 20)
    with pytest.raises(Unreadable, match="larger than 8 MB"):
        begin(cast.viewer("wufang"), desk_of("customer"), path, path.name)
    assert not list((tmp_path).glob("upload"))

"""The import in the page: what is guessed, what is asked, what is refused and why, what is written, who may."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import zipfile
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.utils import translation
from xlsxwriter import Workbook

from xiaoguan.customers.models import Contact, Customer, Lead
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.importing import headers, reading, work
from xiaoguan.desk.importing.draft import ImportDraft, begin
from xiaoguan.desk.importing.intake import Intake, preview
from xiaoguan.desk.importing.reading import Unreadable
from xiaoguan.desk.jobs import Job, drain
from xiaoguan.desk.models import Event
from xiaoguan.sales.models import Activity, ProductCategory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english(cast):
    cast.linjing.account.language = "en"
    cast.linjing.account.save()
    with translation.override("en"):
        yield


@pytest.fixture
def draft_of(cast, tmp_path):
    """`draft_of("customer", text)` is 林静's draft of a file with this content."""

    def make(entity: str, content: str | bytes, name: str = "list.csv", who: str = "linjing", **said):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        draft = begin(cast.viewer(who), desk_of(entity), path, name)
        for key, value in said.items():
            setattr(draft, key, value)
        draft.save()
        return draft

    return make


def run(draft: ImportDraft, cast, who: str = "linjing") -> Job:
    draft.save()
    job = work.begin_import(draft, cast.viewer(who))
    drain()
    job.refresh_from_db()
    return job


def counts(tally_or_job) -> tuple[int, ...]:
    found = tally_or_job.counts if hasattr(tally_or_job, "counts") else tally_or_job.result["counts"]
    return tuple(found[k] for k in ("created", "changed", "unchanged", "skipped", "refused"))


# Columns


@pytest.mark.parametrize(
    "entity, columns, system, expected",
    [
        ("customer", "ID,NAME,BILLINGCITY,PHONE,OWNERID,SYSTEMMODSTAMP", "salesforce",
         {"ID": "=", "NAME": "name", "BILLINGCITY": "city", "PHONE": "phone"}),
        ("customer", "Record ID,Company name,Company Domain Name,Lifecycle Stage,Company owner", "hubspot",
         {"Record ID": "=", "Company name": "name", "Company Domain Name": "website", "Company owner": "owner"}),
        ("contact", "Record Id,First Name,Last Name,Account Name,Email,Modified Time", "zoho",
         {"Record Id": "=", "First Name": "name:first", "Last Name": "name:last", "Account Name": "customer",
          "Email": "email"}),
        ("contact", "Person - Name*,Person - Phone,Person - Email (Work),Organization - Name*", "pipedrive",
         {"Person - Name*": "name", "Person - Phone": "phone", "Person - Email (Work)": "email",
          "Organization - Name*": "customer"}),
        ("customer", "客户名称(必填),负责人,客户级别,生命状态,归属部门,唯一性ID", "fxiaoke",
         {"客户名称(必填)": "name", "负责人": "owner", "客户级别": "grade", "唯一性ID": "="}),
        ("opportunity", "External ID,Opportunity,Customer,Expected Revenue,Expected Closing,Salesperson", "odoo",
         {"External ID": "=", "Opportunity": "title", "Customer": "customer", "Expected Revenue": "amount",
          "Expected Closing": "closes_on", "Salesperson": "owner"}),
        ("customer", "名称,城市,电话,favourite colour", "", {"名称": "name", "城市": "city", "电话": "phone"}),
        ("customer", "Nmae,Telephon", "", {"Telephon": "phone"}),
    ],
)  # fmt: skip
def test_columns_of_other_systems_find_their_fields(cast, entity, columns, system, expected):
    desk = desk_of(entity)
    names = columns.split(",")
    assert headers.guess(desk, names, desk.form_fields) == expected
    assert headers.system_of(names) == system


def test_what_was_chosen_for_the_same_headers_is_remembered_by_the_person(cast, draft_of):
    chosen = draft_of("customer", "a,b\nAcme,x\n", mapping={"a": "name", "b": "city"})
    run(chosen, cast)
    assert draft_of("customer", "b,a\ny,Beta\n").mapping == {"a": "name", "b": "city"}
    assert draft_of("customer", "b,a\ny,Beta\n", who="chenmin").mapping == {}


# Rows


def test_rows_are_created_changed_left_and_refused_as_the_preview_said(cast, draft_of):
    Customer(name="旧客户", owner=cast.linjing, city="上海", phone="1").save()
    Customer(name="同一个", owner=cast.linjing, city="北京").save()
    Customer(name="别人的", owner=cast.wanglei).save()
    Customer(name="公用的").save()
    text = (
        "名称,城市,电话,客户级别\n新客户,深圳,,A\n旧客户,杭州,,\n同一个,北京,,\n别人的,天津,,\n公用的,广州,,\n"
        "新二,深圳,,Z\n,成都,,\n新客户,重庆,,\n"
    )
    draft = draft_of("customer", text)
    tally = preview(draft, cast.viewer("linjing"))
    assert counts(tally) == (2, 1, 1, 0, 4)
    job = run(draft, cast)
    assert job.state == "done", job.error
    assert counts(job) == counts(tally)
    found = {(c.name, c.city, c.owner_id) for c in Customer.objects.exclude(name="公用的")}
    assert found == {
        ("新客户", "深圳", cast.linjing.pk), ("旧客户", "杭州", cast.linjing.pk), ("同一个", "北京", cast.linjing.pk),
        ("别人的", "", cast.wanglei.pk), ("别人的", "天津", cast.linjing.pk),
    }  # fmt: skip
    assert Customer.objects.get(name="旧客户").phone == "1"  # an empty cell empties nothing
    rows = list(csv.reader(io.StringIO((job.folder / "refused.csv").read_text(encoding="utf-8-sig"))))
    assert [(row[0], row[-2]) for row in rows[1:]] == [("公用的", "6"), ("新二", "7"), ("", "8"), ("新客户", "9")]
    assert "may not change" in rows[1][-1] and "none of the choices" in rows[2][-1]
    assert rows[3][-1] == "name: is missing" and "twice, first in line 2" in rows[4][-1]


def test_the_refused_rows_are_mended_and_come_in(cast, draft_of):
    job = run(draft_of("customer", "name,grade\n=A1,Z\nBeta,B\n"), cast)
    mended = (job.folder / "refused.csv").read_text(encoding="utf-8-sig").replace(",Z,", ",A,")
    second = run(draft_of("customer", mended, "refused.csv"), cast)
    assert counts(second) == (1, 0, 0, 0, 0)
    assert set(Customer.objects.values_list("name", "grade")) == {("=A1", "A"), ("Beta", "B")}


@pytest.mark.parametrize(
    "rule, expected", [("update", (1, 1, 0, 0, 0)), ("skip", (1, 0, 0, 1, 0)), ("create", (2, 0, 0, 0, 0))]
)
def test_rows_that_are_there_already_are_changed_left_or_made_again(cast, draft_of, rule, expected):
    Customer(name="Acme", owner=cast.linjing, city="Paris").save()
    draft = draft_of("customer", "name,city\nAcme,Rome\nBeta,Oslo\n", rule=rule)
    assert counts(preview(draft, cast.viewer("linjing"))) == expected
    assert counts(run(draft, cast)) == expected


def test_doubles_are_decided_one_by_one(cast, draft_of):
    for name in ("A", "B"):
        Customer(name=name, owner=cast.linjing).save()
    draft = draft_of("customer", "name,city\nA,Rome\nB,Rome\nC,Rome\n", rule="update", decisions={"3": "skip"})
    tally = preview(draft, cast.viewer("linjing"))
    assert [d["line"] for d in tally.doubles] == [2, 3]
    assert counts(run(draft, cast)) == (1, 1, 0, 1, 0)


def test_new_rows_that_are_there_already_as_something_else_are_told_and_can_stay_out(cast, draft_of, client_of):
    known = Customer(name="无锡启川包装制品有限公司", owner=cast.wanglei, phone="138-1234 5678")
    known.save()
    Contact(name="Qian", customer=known, email="qian@t.example").save()
    file = "name,company,phone,email\nA,启川包装制品,,\nB,x,+86 13812345678,\nC,y,,QIAN@t.example\nD,z,1,d@t.example\n"
    draft = draft_of("lead", file)
    tally = preview(draft, cast.viewer("linjing"))
    told = [(d["line"], d["entity"], d["there"], d["fields"]) for d in tally.alike]
    assert told == [
        (2, "customer", known.name, ["name"]),
        (3, "customer", known.name, ["phone"]),
        (4, "contact", "Qian", ["email"]),
    ]
    assert {d["pk"] for d in tally.alike} == {None} and tally.alike_count == 3  # 林静 may not see what is 王磊's
    draft.tally = tally.to_json()
    draft.save()
    page = client_of("linjing").get(f"/import/{draft.pk}").content.decode()
    assert "王磊" in page and 'name="line-3"' in page and f"/customers/{known.pk}" not in page
    draft.decisions = {"3": "skip"}
    assert [d["line"] for d in preview(draft, cast.viewer("linjing")).alike] == [
        2,
        3,
        4,
    ]  # it can be taken in after all
    assert counts(run(draft, cast)) == (3, 0, 0, 1, 0)


def test_what_a_row_belongs_to_is_not_told_as_the_same(cast, draft_of):
    known = Customer(name="Acme", owner=cast.linjing, phone="13812345678")
    known.save()
    draft = draft_of("contact", "name,customer,phone\nA,Acme,13812345678\n")
    assert preview(draft, cast.viewer("linjing")).alike == []
    draft = draft_of("customer", "name,phone\nBeta,13812345678\n")
    (found,) = preview(draft, cast.viewer("linjing")).alike
    assert (found["pk"], found["fields"]) == (known.pk, ["phone"])


def test_a_record_is_known_by_its_id_in_the_other_system(cast, draft_of):
    first = "Record ID,Company name,Create Date\n7,Acme,2025-01-02\n"
    run(draft_of("customer", first), cast)
    again = draft_of("customer", first.replace("Acme", "Acme Inc."))
    assert again.source == "hubspot"
    assert counts(run(again, cast)) == (0, 1, 0, 0, 0)
    made = Customer.objects.get()
    assert (made.name, made.source, made.external_id, made.registered_on) == (
        "Acme Inc.",
        "hubspot",
        "7",
        date(2025, 1, 2),
    )


def test_two_records_of_the_other_system_stay_two_though_they_are_called_the_same(cast, draft_of, monkeypatch):
    Customer(name="Acme", owner=cast.linjing, city="Paris").save()
    rows = "7,Acme,Rome,2025-01-02\n8,Acme,Oslo,2025-01-02\n9,Acme,Bern,2025-01-02\n"
    text = f"Record ID,Company name,City,Create Date\n{rows}"
    monkeypatch.setattr("xiaoguan.desk.importing.intake.STEP", 2)
    assert counts(run(draft_of("customer", text), cast)) == (2, 1, 0, 0, 0)
    assert set(Customer.objects.values_list("external_id", "city")) == {("7", "Rome"), ("8", "Oslo"), ("9", "Bern")}
    assert counts(run(draft_of("customer", text), cast)) == (0, 0, 3, 0, 0)


def test_nobody_writes_more_than_on_the_pages(cast, draft_of):
    strangers = Customer(name="王磊的客户", owner=cast.wanglei)
    strangers.save()
    text = "姓名,客户\n张三,王磊的客户\n"
    tally = preview(draft_of("contact", text), cast.viewer("linjing"))
    assert counts(tally)[4] == 1 and "is no known customer" in str(tally.reasons)
    tally = preview(draft_of("customer", "name,owner\nAcme,王磊\nBeta,林静\n"), cast.viewer("linjing"))
    assert counts(tally) == (1, 0, 0, 0, 1) and "responsible for" in str(tally.reasons)
    with pytest.raises(Exception, match="may not create"):
        Intake(draft_of("person", "name\nX\n"), cast.viewer("linjing"))


def test_values_are_read_as_people_write_them(cast, draft_of):
    run(draft_of("customer", "name\nAcme\n"), cast)
    text = (
        "title,customer,amount,close date,stage,currency\n"
        'A,Acme,"¥1,234.50",31/12/2026,,CNY\nB,ACME,1.5万,5/1/2027,,CNY\nC,Acme,(12),2027年3月2日,,CNY\n'
        "D,Acme,12.123456,2027-01-01,,CNY\nE,Acme,1,yesterday,,CNY\nF,Nobody,1,2027-01-01,,CNY\n"
    )
    draft = draft_of("opportunity", text)
    tally = preview(draft, cast.viewer("linjing"))
    refused = {r["cells"][0]: r["why"][0] for r in tally.rows if r["what"] == "refused"}
    assert set(refused) == {"D", "E", "F"}
    assert "decimals" in refused["D"] and "no day" in refused["E"] and "no known customer" in refused["F"]
    job = run(draft, cast)
    assert job.state == "done", job.error
    from xiaoguan.sales.models import Opportunity

    found = {o.title: (o.amount_units, o.closes_on) for o in Opportunity.objects.all()}
    assert found == {
        "A": (12_345_000, date(2026, 12, 31)), "B": (150_000_000, date(2027, 1, 5)), "C": (-120_000, date(2027, 3, 2)),
    }  # fmt: skip
    assert all(o.spells.count() == 1 for o in Opportunity.objects.all())  # what saving derives, the import derives too


def test_a_file_moves_no_deal_that_is_there_and_wins_no_new_one(cast, draft_of):
    run(draft_of("customer", "name\nAcme\n"), cast)
    head = "title,customer,amount,close date,stage,note\n"
    run(draft_of("opportunity", head + "A,Acme,1,2027-01-01,contact,\n"), cast)
    again = draft_of("opportunity", head + "A,Acme,1,2027-01-01,contact,said\n")
    assert counts(preview(again, cast.viewer("linjing"))) == (0, 1, 0, 0, 0)  # the same stage is no move
    further = draft_of("opportunity", head + "A,Acme,1,2027-01-01,won,\nB,Acme,1,2027-01-01,won,\n")
    tally = preview(further, cast.viewer("linjing"))
    assert counts(tally) == (0, 0, 0, 0, 2)
    assert "Move to stage" in tally.rows[0]["why"][0] and "winning or losing" in tally.rows[1]["why"][0]


def test_a_row_is_told_all_that_is_wrong_with_it_and_a_change_shows_what_was_there(cast, draft_of):
    run(draft_of("customer", "name,city,tax number\nAcme,Wuxi,91350100M000100Y43\n"), cast)
    text = "name,grade,owner,tax number\n,hot,Nobody,91350100M000100Y44\nBeta,A,,91350100M000100Y43\n"
    first, second = preview(draft_of("customer", text), cast.viewer("linjing")).rows
    assert (first["what"], second["what"]) == ("refused", "refused")
    assert len(first["why"]) == 4, first["why"]  # name, grade, owner and number
    assert "taken" in second["why"][0]
    again = preview(draft_of("customer", "name,city,grade\nAcme,Suzhou,A\n"), cast.viewer("linjing")).rows[0]
    assert again["changes"] == {"city": ["Wuxi", "Suzhou"], "grade": ["", "A"]}


def test_unknown_texts_are_told_with_their_number_and_mapped(cast, draft_of):
    draft = draft_of("customer", "name,grade\nA,hot\nB,hot\nC,cold\n")
    tally = preview(draft, cast.viewer("linjing")).to_json()
    assert tally["unknown"] == {"grade": [("hot", 2), ("cold", 1)]}
    draft.values = {"grade": {"hot": "A", "*": ""}}
    assert counts(run(draft, cast)) == (3, 0, 0, 0, 0)
    assert list(Customer.objects.order_by("name").values_list("grade", flat=True)) == ["A", "A", ""]


def test_rows_may_name_rows_before_them(cast, draft_of):
    draft = draft_of("productcategory", "name,parent\nBikes,\nRoad,Bikes\nRacing,Road\nLost,Nowhere\n", who="wufang")
    assert counts(preview(draft, cast.viewer("wufang"))) == (3, 0, 0, 0, 1)
    assert counts(run(draft, cast, "wufang")) == (3, 0, 0, 0, 1)
    assert ProductCategory.objects.get(name="Racing").parent.parent.name == "Bikes"


def test_missing_required_fields_get_one_value_for_all(cast, draft_of):
    run(draft_of("customer", "name\nAcme\n"), cast)
    draft = draft_of("contact", "姓名,手机\n张三,138\n")
    assert counts(preview(draft, cast.viewer("linjing")))[4] == 1
    draft.fixed = {"customer": "Acme"}
    assert counts(run(draft, cast)) == (1, 0, 0, 0, 0)
    assert Contact.objects.get().customer.name == "Acme"


def test_first_and_last_names_become_one(cast, draft_of):
    run(draft_of("lead", "First Name,Last Name,Email\n静,林,a@b.cn\nAnn,Lee,c@d.com\n"), cast)
    assert set(Lead.objects.values_list("name", flat=True)) == {"林静", "Ann Lee"}


# Safety


def test_a_killed_import_goes_on_and_doubles_nothing(cast, draft_of, monkeypatch):
    monkeypatch.setattr("xiaoguan.desk.importing.intake.STEP", 3)
    lines = [f"客户{i},{'Z' if i % 4 == 0 else 'A'}" for i in range(20)] + ["客户3,B"]
    draft = draft_of("customer", "name,grade\n" + "\n".join(lines))
    write, calls = Intake.write, []

    def killed(self, batch):
        write(self, batch)
        calls.append(len(batch))
        if len(calls) == 4:
            raise OperationalError("the plug was pulled")

    monkeypatch.setattr(Intake, "write", killed)
    job = work.begin_import(draft, cast.viewer("linjing"))
    drain()
    assert Customer.objects.count() == 6  # three steps of three, of which three rows were refused
    Job.objects.update(due_at=job.asked_at)
    drain()
    job.refresh_from_db()
    assert job.state == "done" and counts(job) == (15, 0, 0, 0, 6)
    assert Customer.objects.count() == 15 == Event.objects.filter(entity="customer", deed="created").count()
    refused = (job.folder / "refused.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(refused) == 7 and len(set(refused)) == 7


def test_an_import_is_taken_back_whole(cast, draft_of, client_of):
    Customer(name="旧客户", owner=cast.linjing, city="上海").save()
    before = state()
    job = run(draft_of("customer", "name,city\n旧客户,杭州\n新客户,深圳\n"), cast)
    assert job.result["revertible"] and state() != before
    client_of("linjing").post(f"/jobs/{job.pk}/revert")
    drain()
    assert state() == before


MANY = 50_000 if os.environ.get("XIAOGUAN_LONG") else 1_000


def test_many_rows_new_and_changed_are_taken_back_to_the_same_checksum(cast, draft_of, client_of):
    def rows(number: int, city: str) -> str:
        return "name,city,phone\n" + "".join(f"客户{n},{city}{n % 7},1390{n:07}\n" for n in range(number))

    run(draft_of("customer", rows(MANY * 2 // 5, "青岛"), "first.csv"), cast)
    before = checksum()
    job = run(draft_of("customer", rows(MANY, "烟台"), "second.csv"), cast)
    assert counts(job) == (MANY * 3 // 5, MANY * 2 // 5, 0, 0, 0) and checksum() != before
    client_of("linjing").post(f"/jobs/{job.pk}/revert")
    drain()
    assert Job.objects.get(kind="revert").state == "done" and checksum() == before


def checksum() -> str:
    """Of every customer with all that people keep of it, and of every search entry."""
    from hashlib import blake2b

    names = [f.attname for f in Customer._meta.concrete_fields if f.name not in ("version", "updated_at")]
    found = blake2b()
    for row in [*Customer.objects.order_by("pk").values_list(*names).iterator(), *entries()]:
        found.update(repr(row).encode())
    return found.hexdigest()


def state() -> list[tuple]:
    return [*Customer.objects.order_by("pk").values_list("pk", "name", "city", "owner_id", "phone"), *entries()]


def entries() -> list[tuple]:
    """The search entries."""
    from django.db import connection

    with connection.cursor() as cursor:
        id_ = "rowid" if connection.vendor == "sqlite" else "id"
        cursor.execute(f"SELECT {id_}, CAST(tokens AS text) FROM desk_search ORDER BY 1")
        return cursor.fetchall()


def xlsx(rows: list[list[str]]) -> bytes:
    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("customers")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        sheet.write_formula(len(rows), 0, "=HYPERLINK(1)", None, "计算出的")
    return buffer.getvalue()


def test_workbooks_packed_files_cards_and_json_are_tables(cast, draft_of):
    assert counts(run(draft_of("customer", xlsx([["报表"], ["名称", "城市"], ["甲", "深圳"]]), "a.xlsx"), cast))[0] == 2
    assert Customer.objects.filter(name="计算出的").exists()  # the value, not the formula
    assert counts(run(draft_of("customer", gzip.compress("name,city\n乙,x\n".encode()), "a.csv.gz"), cast))[0] == 1
    nested = json.dumps({"companies": [{"name": "丙", "address": {"city": "北京"}}], "other": []})
    assert counts(run(draft_of("customer", nested, "a.json"), cast))[0] == 1
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann Lee\r\nORG:丙\r\nTEL;TYPE=CELL:138\r\nEND:VCARD\r\n"
    assert counts(run(draft_of("contact", card, "a.vcf"), cast))[0] == 1
    assert Contact.objects.get().customer.name == "丙" and Contact.objects.get().phone == "138"
    event = "BEGIN:VEVENT\nSUMMARY:Demo\nDTSTART:20260302T090000Z\nDTEND:20260302T093000Z\nEND:VEVENT\n"
    assert counts(run(draft_of("activity", event, "a.ics"), cast))[0] == 1
    demo = Activity.objects.get()
    assert (demo.subject, demo.kind, demo.minutes, demo.due_on) == ("Demo", "meeting", 30, date(2026, 3, 2))


@pytest.mark.parametrize(
    "content, why",
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"", "empty"),
        (b"PK\x03\x04 broken", "damaged"),
        (b"\x1f\x8b broken", "damaged"),
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "an empty calendar"),
        (b'{"a": [1]}', "no list of objects"),
        (b'{"a": ', "no JSON"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason_and_leaves_nothing(draft_of, content, why, settings):
    with pytest.raises(Unreadable, match=why):
        draft_of("customer", content)
    assert not ImportDraft.objects.exists()


def test_bombs_do_not_go_off(draft_of, monkeypatch):
    monkeypatch.setattr(reading, "UNPACKED", 1 << 20)
    with pytest.raises(Unreadable, match="larger than 1 MB"):
        draft_of("customer", gzip.compress(b"a" * (2 << 20)), "a.csv.gz")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<x/>" + b" " * (2 << 20))
    with pytest.raises(Unreadable, match="larger than 1 MB"):
        draft_of("customer", buffer.getvalue(), "a.xlsx")


# The pages and the API


def sent(text: str, name: str = "list.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode(), "text/csv")


def test_the_whole_way_in_the_page(cast, client_of):
    browser = client_of("linjing", headers={"accept-language": "en"})
    answer = browser.post("/import/customer", {"file": sent("name,city,grade\nAcme,Paris,top\nBeta,Rome,B\n")})
    assert answer.status_code == 302
    page = browser.get(answer["Location"]).content.decode()
    assert page.count("selected") > 3 and "is none of the choices" in page
    values = {"column-0": "name", "column-1": "city", "column-2": "grade", "rule": "update", "value-0": "A"}
    checked = browser.post(answer["Location"], {**values, "deed": "check"})
    assert checked.status_code == 200 and "none of the choices" not in checked.content.decode()
    gone = browser.post(answer["Location"], {**values, "deed": "import"})
    assert gone.status_code == 302 and gone["Location"].startswith("/jobs/")
    drain()
    assert set(Customer.objects.values_list("name", "city", "grade")) == {("Acme", "Paris", "A"), ("Beta", "Rome", "B")}
    assert browser.get(answer["Location"]).status_code == 302  # it cannot be imported twice
    assert client_of("chenmin").get(answer["Location"]).status_code == 404


def test_rows_are_pasted_from_a_spreadsheet(cast, client_of):
    answer = client_of("linjing").post("/import/customers", {"pasted": "名称\t城市\n华夏科技\t深圳\n"})
    draft = ImportDraft.objects.get()
    assert answer.status_code == 302 and draft.mapping == {"名称": "name", "城市": "city"}
    assert client_of("linjing").post("/import/customers", {"pasted": " "}).status_code == 422


def test_who_may_not_create_may_not_import(cast, client_of):
    assert client_of("linjing").get("/import/person").status_code == 403
    assert client_of("linjing").get("/import/nothing").status_code == 404


def test_a_file_that_is_too_large_is_refused_before_it_is_read(cast, client_of, settings):
    settings.UPLOAD_MB = 0
    assert client_of("linjing").post("/import/customer", {"file": sent("name\nA\n")}).status_code == 413
    assert client_of("linjing").post("/api/imports", {"file": sent("name\nA\n")}).status_code == 413


def test_a_forged_upload_is_refused(cast, client_of):
    browser = client_of("linjing", enforce_csrf_checks=True)
    assert browser.post("/import/customer", {"file": sent("name\nA\n")}).status_code == 403
    assert browser.post("/api/imports", {"file": sent("name\nA\n"), "entity": "customer"}).status_code == 403


def test_an_import_in_one_request(cast, client_of):
    browser = client_of("linjing")
    form = {"entity": "customer", "mapping": json.dumps({"a": "name", "b": "city"}), "rule": "update"}
    dry = browser.post("/api/imports", {**form, "file": sent("a,b\nAcme,Paris\n"), "dry_run": "1"}).json()
    assert dry["dry_run"] is True and dry["counts"]["created"] == 1 and not Customer.objects.exists()
    answer = browser.post("/api/imports", {**form, "file": sent("a,b\nAcme,Paris\n")})
    assert answer.status_code == 202
    drain()
    job = browser.get(f"/api/jobs/{answer.json()['id']}").json()
    assert job["state"] == "done" and job["result"]["counts"]["created"] == 1
    wrong = browser.post("/api/imports", {**form, "mapping": '{"a": "nmae"}', "file": sent("a\nx\n")})
    assert wrong.status_code == 422 and "nmae" in str(wrong.json())
    for odd in ('{"a": ["name"]}', '{"a": {"b": 1}}', '["name"]', "7", "{"):
        again = browser.post("/api/imports", {**form, "mapping": odd, "file": sent("a\nx\n")})
        assert again.status_code == 422 and "mapping" in again.json()["fields"]
    assert browser.post("/api/imports", {"entity": "customer"}).status_code == 422
    refused = browser.get("/api/imports")
    assert (refused.status_code, refused["Allow"]) == (405, "POST")

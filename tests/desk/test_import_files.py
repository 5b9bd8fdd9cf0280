"""Foreign files as rows of text: found-out encodings and separators, real line numbers, workbooks."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path

import pytest
from xlsxwriter import Workbook

from xiaoguan.desk.tables import Table, TableError, guess_encoding


def rows(path: Path, **options: str | int) -> list[tuple[int, list[str]]]:
    return list(Table(path, **options).rows())


def test_lines_are_counted_where_each_record_begins(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'name,note\r\na,"one\r\ntwo"\r\n\r\nb,three\r\n')
    assert rows(path) == [(2, ["a", "one\r\ntwo"]), (5, ["b", "three"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_chinese_is_read_in_every_usual_encoding(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes("名称,城市\n华夏科技有限公司,深圳\n".encode(encoding))
    assert Table(path).columns == ("名称", "城市") and rows(path) == [(2, ["华夏科技有限公司", "深圳"])]


def test_western_text_is_not_taken_for_chinese(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("Name;Ort\nMüller & Söhne;Köln\nCafé;Orléans\n".encode("cp1252"))
    assert guess_encoding(path) == "cp1252" and rows(path)[0] == (2, ["Müller & Söhne", "Köln"])


def test_a_gzipped_table_is_read_as_it_is(tmp_path):
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(gzip.compress(b"a\tb,c\n1\t2,3\n"))
    assert Table(path).columns == ("a", "b,c") and rows(path) == [(2, ["1", "2,3"])]


def test_a_workbook_is_read_as_text_a_table_would_hold(tmp_path):
    path = tmp_path / "a.xlsx"
    with Workbook(path) as book:
        book.add_worksheet("notes")
        sheet = book.add_worksheet("orders")
        sheet.write_row(1, 0, ["id", "amount", "day", "paid"])
        sheet.write_row(2, 0, [17, 0.1])
        sheet.write_datetime(2, 2, date(2024, 3, 5), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_boolean(2, 3, True)
    assert rows(path, sheet="orders") == [(3, ["17", "0.1", "2024-03-05", "1"])]
    with pytest.raises(TableError, match="has no sheet 'none'"):
        rows(path, sheet="none")


def test_titles_before_the_names_and_names_that_repeat(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Sales 2024,,\n\nid,name,id\n1,a,2\n")
    assert Table(path, header=1).columns == ("Sales 2024", "", "")
    with pytest.raises(TableError, match="column 'id' occurs 2 times") as error:
        _ = Table(path, header=3).columns
    assert error.value.line == 3


def test_a_stated_encoding_that_is_wrong_and_an_empty_file_are_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("a\n客\n".encode("gb18030"))
    with pytest.raises(TableError, match="is not utf-8"):
        rows(path, encoding="utf-8")
    path.write_bytes(b"")
    with pytest.raises(TableError, match="no line of column names"):
        _ = Table(path).columns


def test_awkward_files_of_others_are_read_as_their_owners_say(shared):
    known = json.loads((shared / "data" / "oracle-others.json").read_text())["csv_files"]
    assert len(known) > 40
    for file in known:
        if file["file"].endswith("complex.csv"):  # quotes after a blank: the figures are those of a stricter reader
            continue
        table = Table(shared / "data" / file["file"])
        records = list(table._lines())
        widths: dict[str, int] = {}
        for _line, fields in records:
            widths[str(len(fields))] = widths.get(str(len(fields)), 0) + 1
        encoding = {"utf-8-sig": ("utf-8", "ascii"), "cp1252": ("latin-1",)}.get(table._encoding, (table._encoding,))
        found = (table._delimiter, len(records), widths, file["encoding"] in encoding)
        assert found == (file["delimiter"], file["records_with_header"], file["fields_per_record"], True), file["file"]

"""A card or a signature as fields: what is sure is taken, what is not is left."""

from __future__ import annotations

import pytest

from xiaoguan.customers.models import Customer
from xiaoguan.desk import conformance
from xiaoguan.desk.cards import as_fields, is_name, read

CARD = """张伟  采购总监
海天智能科技有限公司
手机 138 1234 5678  zhangwei@haitian.example
地址：青岛市崂山区科苑路88号 3层
传真 0532-5550101
www.haitian.example
税号 91350100M000100Y43"""


def test_a_chinese_card() -> None:
    assert read(CARD) == {
        "name": "张伟",
        "title": "采购总监",
        "company": "海天智能科技有限公司",
        "mobile": "13812345678",
        "phone": "13812345678",
        "email": "zhangwei@haitian.example",
        "website": "https://www.haitian.example",
        "address": "青岛市崂山区科苑路88号 3层",
        "tax_number": "91350100M000100Y43",
    }


def test_an_english_signature() -> None:
    found = read(
        "John Miller\nSenior Sales Manager\nACME Machines Ltd.\nT: +49 30 901820  M: +49 1512 3456789\n"
        "john.miller@acme.example | www.acme.example"
    )
    assert (found["name"], found["title"], found["company"]) == (
        "John Miller",
        "Senior Sales Manager",
        "ACME Machines Ltd.",
    )
    assert found["phone"] == "+49 30 901820" and found["mobile"] == "+49 1512 3456789"


def test_labels_say_what_a_line_is() -> None:
    found = read(
        "姓名：欧阳娜娜\n职务：总经理助理\n单位名称：上海睿湾医药\n电话：021-62345678 转 801\n传真：021-62345679"
    )
    assert (found["name"], found["title"], found["company"]) == ("欧阳娜娜", "总经理助理", "上海睿湾医药")
    assert "62345679" not in str(found).replace("-", "") and found["phone"].replace("-", "") == "02162345678"


def test_one_line_in_a_chat() -> None:
    assert read("李女士 蓝海物流 13900000001") == {
        "name": "李女士", "company": "蓝海物流", "mobile": "13900000001", "phone": "13900000001",
    }  # fmt: skip


def test_fields_of_a_company_and_of_a_person() -> None:
    company = as_fields(read(CARD), ["name", "phone", "city"])
    person = as_fields(read(CARD), ["name", "customer", "title", "phone"])
    assert company == {"name": "海天智能科技有限公司", "phone": "13812345678"}
    assert person == {"name": "张伟", "title": "采购总监", "phone": "13812345678"}


@pytest.mark.parametrize("text", ["张伟", "欧阳修", "王先生", "李女士", "司马相如"])
def test_names(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize("text", ["王经理", "智能科技", "公司", "北京市朝阳区", "a", "张伟国栋梁"])
def test_what_is_no_name(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize("text", ["", "\n\n", "x" * 10_000, "@@@", "0" * 500, "：" * 100, "张" * 4_000])
def test_anything_may_be_pasted(text: str) -> None:
    assert isinstance(read(text), dict)


def test_a_person_is_called_on_the_mobile_and_belongs_to_the_company_that_is_there(cast, client_of):
    text = "张伟\n海天智能科技有限公司\n电话 0532-88880000 手机 13812345678"
    assert as_fields(read(text), ["name", "customer", "phone"])["phone"] == "13812345678"
    assert as_fields(read(text), ["name", "phone"])["phone"].replace("-", "") == "053288880000"
    there = conformance.sample(Customer, cast.linjing, name="海天智能科技有限公司")
    answer = client_of("linjing").post("/contacts/paste", {"text": text}).json()
    assert answer["fields"]["customer"] == there.pk and answer["labels"] == {"customer": there.name}
    assert "customer" not in client_of("wanglei").post("/contacts/paste", {"text": text}).json()["fields"]

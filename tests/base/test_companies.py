"""The same company written in other ways; credit codes by their check digit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoguan.base.companies import CREDIT_CODE, alike, check_digit, core, is_credit_code, phone_digits, tax_number


@pytest.mark.parametrize(
    "written",
    [
        "无锡启川包装制品有限公司",
        "启川包装制品",
        "無錫啟川包裝制品有限公司（蘇州分公司）",
        "无锡市启川包装制品股份有限公司",
        "启川包装制品（无锡）有限责任公司",
        "　启川 包装 制品集团 ",
        "江苏启川包装制品有限公司苏州工业园区分公司",
    ],
)
def test_one_company_in_many_ways(written: str) -> None:
    assert core(written) == "启川包装制品"


def test_latin_names_lose_form_case_and_width() -> None:
    assert core("Haitian Intelligent Co., Ltd.") == core("ＨＡＩＴＩＡＮ intelligent GmbH") == "haitianintelligent"


def test_a_name_that_is_nothing_but_form_or_place_stays() -> None:
    assert core("有限公司") and core("上海公司") == "上海" and core("") == ""


def test_how_much_two_names_share() -> None:
    assert alike("启川包装制品", "启川包装制品") == 1 and alike("启川包装", "起川包装") == 0.9
    assert 0.6 <= alike("启川包装制品", "启川包装") < 0.9 > alike("海天智能", "海天食品")
    assert alike("海天", "启川") == 0


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91330100799655058B", "914403001922038216"])
def test_credit_codes_of_the_standard_and_of_known_companies(code: str) -> None:
    assert is_credit_code(code)


@given(st.text(alphabet=CREDIT_CODE, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(CREDIT_CODE))
def test_one_wrong_character_is_always_found(head: str, place: int, other: str) -> None:
    code = head + check_digit(head)
    assert is_credit_code(code)
    wrong = code[:place] + other + code[place + 1 :]
    assert is_credit_code(wrong) == (wrong == code)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+86 138-1234 5678", "13812345678"),
        ("0086 13812345678", "１３８１２３４５６７８"),
        ("0532-5550100 转 12", "+86 532 5550100"),
    ],
)
def test_one_number_in_many_ways(one: str, other: str) -> None:
    assert phone_digits(one) == phone_digits(other) != ""


def test_what_is_no_number_is_no_key() -> None:
    assert phone_digits("12-34") == "" and tax_number(" 9135 0100m000100y43 ") == "91350100M000100Y43"

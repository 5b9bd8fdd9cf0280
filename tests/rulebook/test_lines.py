"""What the engine writes, in the words of the reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from xiaoguan.policy import load, run_cases
from xiaoguan.rulebook.lines import line_words, names_in, names_of, spoken

ROOT = Path(__file__).parents[2]
CASES = sorted([*ROOT.glob("policies/*.cases.yaml"), *ROOT.glob("examples/*/*.cases.yaml")])
SENTENCE = re.compile(r"\b[a-z]{2,} [a-z]{2,}\b")  # two lower-case English words in a row


def texts(line: dict[str, Any]) -> Iterator[str]:
    yield from (line["label"], line["formula"], line["note"])
    for part in line["parts"]:
        yield from texts(part)


@pytest.mark.django_db
@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_chinese_page_has_no_english_sentence_of_the_engine(file: Path) -> None:
    policy, _issues = load(file.with_name(file.name.replace(".cases", "")))
    assert policy
    names, found = names_of(policy), set[str]()
    with translation.override("zh-hans"):
        for case in run_cases(file):
            assert case.statement
            for line in case.statement.lines:
                found |= set(texts(line_words(line, names)))
            known = names | names_in(case.statement.lines)
            found |= {spoken(i.message, known) for i in case.statement.issues if i.level == "warning"}
    assert found and not [text for text in found if SENTENCE.search(text)]


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("To date", "累计应得"),
        ("sum(net_amount) of 2 orders with status == 'signed'", "2 条订单的净额之和（条件：状态 = 已签约）"),
        ("count() of 3 activities", "3 条销售活动"),
        (
            "50,000.00 more bookings reaches the tier from 120%, which pays 5% on what is above it",
            "签约额再增加 50,000.00 即进入“120% 以上”一档，超出部分按 5% 计",
        ),
        ("there is no quota annual for 2026-Q1", "2026-Q1 没有“年度任务”的任务额"),
        ("only 3 records, fewer than the 5 it takes", "只有 3 条记录，少于所需的 5 条"),
        ("bookings: no orders in 2026-03", "签约额：2026-03 没有订单"),
        ("person.bonus is not known for 林静", "林静没有合同约定的奖金"),
        ("林静: commission is not calculated: the policy gives no rate", "林静：commission 未核算：制度没有给出比例"),
        ("discount is kept and shown but not carried out yet", "“折扣审批”已收录并展示，尚未执行"),
        ("cap of plan reps is kept and shown but not carried out yet", "“cap”已收录并展示，尚未执行（方案 reps）"),
        ("in \"days_owned > 3\": 'days_owned' is not known here", "“持有天数 > 3”中的“持有天数”在这里没有数据"),
        ("a rule that nobody has put into Chinese", "a rule that nobody has put into Chinese"),
    ],
)
def test_the_engine_speaks_chinese(english: str, chinese: str) -> None:
    with translation.override("zh-hans"):
        assert spoken(english, {"bookings": "签约额", "annual": "年度任务"}) == chinese


def test_english_stays_english_with_the_policys_names() -> None:
    with translation.override("en"):
        assert spoken("bookings 300.00 × 3% = 9.00", {"bookings": "Bookings"}) == "Bookings 300.00 × 3% = 9.00"
        known = spoken("sum(bookings) of 2 orders with status == 'signed'", {"bookings": "Bookings"})
        assert known == "the total bookings of 2 orders whose status is signed"
        assert spoken("follow_up is kept and shown but not carried out yet").startswith("“Follow-up” is kept")

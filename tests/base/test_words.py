"""文字 and 问题: hints, pinyin, formats, the text of an issue."""

from datetime import date
from fractions import Fraction

from xiaoguan.base.issues import Issue, has_errors
from xiaoguan.base.words import (
    closest,
    did_you_mean,
    format_date,
    format_money,
    format_number,
    format_percent,
    initials,
    pinyin,
    pinyin_key,
)


def test_an_issue_says_where_what_and_what_to_do():
    issue = Issue("error", "unknown key 'rat'", "Did you mean 'rate'?", "a.yaml", 7, "incentive[0]", "policy.key")
    assert str(issue) == "a.yaml:7: error: unknown key 'rat' (incentive[0]). Did you mean 'rate'?"
    assert str(Issue("info", "all is well")) == "info: all is well."
    assert Issue.from_json(issue.to_json()) == issue
    assert has_errors([issue]) and not has_errors([Issue("warning", "x")])


def test_a_misspelt_word_gets_a_hint():
    assert did_you_mean("custmer.name", ["customer.name", "owner"]) == "Did you mean 'customer.name'?"
    assert did_you_mean("zzz", ["customer.name"]) == ""
    assert closest("BOOKINGS", ["bookings"]) == "bookings"


def test_pinyin_for_searching_and_sorting():
    assert (pinyin("林静"), initials("林静")) == ("linjing", "lj")
    assert (pinyin("ABC 公司-2号"), initials("ABC 公司-2号")) == ("abcgongsi2hao", "ags2h")
    assert initials("Acme Trading Ltd") == "atl"
    assert sorted(["王磊", "林静", "李想", "陈敏"], key=pinyin_key) == ["陈敏", "李想", "林静", "王磊"]
    assert pinyin("") == initials("") == pinyin_key("") == ""


def test_formats_as_locals_write_them():
    assert format_money(12_345_650, "CNY", "zh_Hans") == "¥1,234.57"
    assert format_money(12_345_650, "CNY", "en") == "CN¥1,234.57"
    assert format_money(-225_846_955, "USD", "en") == "-$22,584.70"
    assert format_number(Fraction(2, 3), "en", digits=3) == "0.667"
    assert format_percent(Fraction(1, 8), "en") == "12.5%"
    assert format_percent(Fraction(1), "zh-hans") == "100%"
    assert format_date(date(2026, 3, 2), "zh-hans") == "2026年3月2日"
    assert format_money(None, "CNY", "en") == format_percent(None, "en") == format_date(None, "en") == "–"

"""案例 and 白话: the cases of our policies pass, a wrong one says what is wrong; the policy reads as sentences."""

import pytest

from xiaoguan.policy import explain_text, load, run_cases
from xiaoguan.policy.cases import CaseResult

from .making import ROOT

FILES = [
    "policies/small-company.cases.yaml",
    "policies/sales-consultant.cases.yaml",
    "policies/team-performance.cases.yaml",
    "examples/adventureworks/policy.cases.yaml",
]
CASES = [result for file in FILES for result in run_cases(ROOT / file)]


@pytest.mark.parametrize("result", CASES, ids=[result.name for result in CASES])
def test_case(result: CaseResult):
    assert result.passed, str(result)
    assert result.statement is not None and result.statement.check() == []


def _case(tmp_path, text: str) -> list[CaseResult]:
    (tmp_path / "p.yaml").write_text((ROOT / "policies" / "small-company.yaml").read_text())
    file = tmp_path / "p.cases.yaml"
    file.write_text(text)
    return run_cases(file)


def test_a_case_that_fails_shows_both_values(tmp_path):
    (result,) = _case(
        tmp_path,
        "- {name: Wrong, period: 2026-03, who: {name: 林静, role: sales_rep}, "
        "facts: {orders: [{id: 1, signed_on: 2026-03-01, net_amount: 10, status: signed}]}, "
        "expect: {bookings: 11, win_rate: missing, nothing: 3}}\n",
    )
    assert not result.passed
    text = str(result)
    assert "FAILED: Wrong" in text and "bookings is 10.00, expected 11.00" in text
    assert "win_rate is" not in text and "'nothing' is not known here" in text


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("{name: A, period: 2026-13, expect: {bookings: 0}}", "is not a period"),
        ("{name: A, period: 2026-03}", "the case expects nothing"),
        ("{name: A, perod: 2026-03, expect: {bookings: 0}}", "unknown key 'perod'"),
        ("{name: A, policy: other, period: 2026-03, expect: {bookings: 0}}", "is small-company, not other"),
        ("{name: A, period: 2026-03, facts: {ordrs: []}, expect: {bookings: 0}}", "no fact table 'ordrs'"),
        ("{name: A, period: 2026-03, facts: {orders: [{id: 1, net: 3}]}, expect: {bookings: 0}}", "unknown key 'net'"),
        (
            "{name: A, period: 2026-03, facts: {orders: [{net_amount: x}]}, expect: {bookings: 0}}",
            "'x' is not an amount",
        ),
        ("{name: A, period: 2026-03, facts: {orders: [{signed_on: x}]}, expect: {bookings: 0}}", "'x' is not a date"),
        ("{name: A, period: 2026-03, who: {quota: {q: {2026: 1}}}, expect: {bookings: 0}}", "there is no goal 'q'"),
    ],
)
def test_a_case_that_cannot_be_read_says_why(tmp_path, case, message):
    (result,) = _case(tmp_path, f"- {case}\n")
    assert not result.passed
    assert message in " ".join(issue.message for issue in result.issues)


SHARED = """
policy: {id: p, name: P, version: 1.0.0, effective: {from: 2026-01-01, to: null}, currency: CNY,
         fx: {attainment: event_date}}
metrics:
  sales: {name: S, type: amount, from: orders, value: sum(net_amount), date: signed_on}
  rate: {name: R, type: ratio, value: "ratio(sales, sales)"}
goals: [{id: q, metric: sales, period: month, target: {method: assigned}, absence: {relieve: [sick]}},
        {id: r, metric: rate, period: month, target: {method: assigned}}]
incentive: [{id: p, role: rep, components: [{id: c, kind: commission, basis: sales, period: month, rate: 10%}]}]
"""
SHARED_CASE = """
- name: Metrics are as credited, in the policy's currency; quotas may be ratios and are relieved
  period: 2026-01
  who: {name: lin, role: rep, quota: {q: {2026-01: 3_100}, r: {2026-01: 80%}}}
  facts: {orders: [{id: A, signed_on: 2026-01-05, net_amount: 1_000, currency: USD, recorded_at: 2026-01-06}]}
  splits: [{record: A, person: lin, share: 100%, counts: pay}, {record: A, person: lin, share: 40%, counts: attainment},
           {record: A, person: zhou, share: 60%, counts: attainment}]
  rates: [{currency: USD, on: 2026-01-05, rate: 7}]
  absences: [{kind: sick, from: 2026-01-11, to: 2026-01-12}]
  people: {zhou: {role: rep, terms: {bonus: 5}}}
  expect: {sales: 2_800, c: 700, "attainment(r)": 125%, "attainment(q) * 3": 2.8}
"""


def test_a_case_may_have_rates_absences_and_shares_for_one_purpose(tmp_path):
    (tmp_path / "p.yaml").write_text(SHARED)
    (tmp_path / "p.cases.yaml").write_text(SHARED_CASE)
    (result,) = run_cases(tmp_path / "p.cases.yaml")
    assert result.passed, str(result)


def test_files_that_are_not_cases(tmp_path):
    assert not run_cases(tmp_path / "none.cases.yaml")[0].passed
    assert not _case(tmp_path, "a: 1\n")[0].passed
    assert not _case(tmp_path, "- [\n")[0].passed
    (tmp_path / "lonely.cases.yaml").write_text("- {name: A}\n")
    assert not run_cases(tmp_path / "lonely.cases.yaml")[0].passed


def test_the_policy_reads_as_sentences_in_both_languages():
    policy, _ = load(ROOT / "policies" / "small-company.yaml")
    assert policy is not None
    chinese = {clause.path: clause for clause in explain_text(policy, "zh-hans")}
    english = {clause.path: clause for clause in explain_text(policy, "en")}
    assert chinese.keys() == english.keys()
    path = "incentive[0].components[0]"
    assert chinese[path].title == "第三章第1条 销售提成"
    assert "以年度签约任务达成率分档，分段计提（超额累进）" in chinese[path].text
    assert "100% 至 120%（不含）4%" in chinese[path].text
    assert "each part at the rate of its tier: 0% to below 100% 3%" in english[path].text
    assert (
        chinese["metrics.bookings"].text == "签约额等于净额之和。取自订单，按签约日期归入期间。只计状态为已签约的记录。"
    )
    assert english["pool"].text.startswith(
        "Back to the pool if days since the last follow-up is above 30, warned 5 days"
    )
    assert "每天 5 个、保有上限 150 个" in chinese["pool"].text
    assert chinese[path].line == policy.incentive[0].components[0].line

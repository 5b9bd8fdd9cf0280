"""The workshop: a draft from the first line to the last signature, and what stands in the way of each step."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.core.exceptions import PermissionDenied, ValidationError
from python_calamine import CalamineWorkbook

from tests.rulebook.test_reckoning import goal, order, policy
from xiaoguan.desk import jobs
from xiaoguan.desk.approvals import requests
from xiaoguan.desk.approvals.models import ApprovalRequest
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import Notification
from xiaoguan.goals.models import GoalTarget
from xiaoguan.policy import load_text
from xiaoguan.project.cli import main
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.phrases import chinese
from xiaoguan.rulebook.versions import adopt, document_of
from xiaoguan.rulebook.workshop import drafts, fields, places, publishing, trying
from xiaoguan.rulebook.workshop.differing import clause_changes, line_changes, words_changed
from xiaoguan.rulebook.workshop.models import PolicyBacktest, PolicyDraft, PolicySignature

CASES = """
- name: March pays three percent
  policy: house
  period: 2026-03
  who: {name: Ann, role: sales_rep}
  facts:
    orders: [{id: A, signed_on: 2026-03-02, net_amount: 100_000, status: signed}]
  expect: {commission: 3_000}
"""
RATE = "incentive[0].components[0].rate"


@pytest.fixture
def version(cast: Any) -> PolicyVersion:
    return adopt(policy())[0]


@pytest.fixture
def draft(cast: Any, version: PolicyVersion) -> PolicyDraft:
    """A draft of operations: the version in force with four percent, from July on."""
    made = drafts.begin(cast.viewer("wufang"), f"version:{version.pk}", "Four percent")
    text = places.put(fields.put(made.text, RATE, "4%"), "policy.effective.from", "2027-07-01")
    return drafts.keep(made.pk, cast.viewer("wufang"), made.version, text, CASES)


def approve(draft: PolicyDraft, cast: Any, by: str = "sunzong") -> None:
    publishing.submit(draft, cast.viewer("wufang"), "please")
    requests.sign(ApprovalRequest.objects.get(record_id=draft.pk, state="open").pk, cast.viewer(by), "approve")
    draft.refresh_from_db()


# Values in their places


def test_a_value_is_changed_and_comments_and_layout_stay() -> None:
    text = "a: 1   # one\nlist:\n  - {from: 0%, rate: 3%} # low\n  - {from: 100%, rate: '4%'}\nname: 张三\n"
    changed = places.put(places.put(text, "list[1].rate", "5%"), "name", "李四: 改")
    assert changed == text.replace("'4%'", "5%").replace("张三", '"李四: 改"')
    assert places.put(text, "list[0].rate", 'x"}, y: {') == text.replace("3%", '"x\\"}, y: {"')


def test_rows_are_added_and_taken_away_in_both_ways_of_writing() -> None:
    flow = "rates: [{from: 0%, rate: 3%}, {from: 100%, rate: 4%}] # two\n"
    assert places.remove_item(places.add_item(flow, "rates"), "rates", 2) == flow
    assert places.remove_item(flow, "rates", 0) == "rates: [{from: 100%, rate: 4%}] # two\n"
    block = "rates:\n  - {from: 0%, rate: 3%}\n  - {from: 100%, rate: 4%}\nnext: 1\n"
    assert places.add_item(block, "rates").splitlines()[3] == "  - {from: 100%, rate: 4%}"
    assert places.remove_item(block, "rates", 1) == "rates:\n  - {from: 0%, rate: 3%}\nnext: 1\n"
    long = "rates:\n  - from: 0%\n    rate: 3%\n  - from: 100%\n    rate: 4%\nnext: 1\n"
    more = places.add_item(long, "rates")
    assert places.places(more)["rates"].size == 3 and more.endswith("rate: 4%\nnext: 1\n")


@pytest.mark.parametrize("preset", drafts.presets(), ids=lambda p: p.key)
def test_every_number_of_the_presets_can_be_changed_by_form_and_nothing_else_moves(preset: drafts.Preset) -> None:
    groups = fields.form_of(preset.text)
    inputs = [one for g in groups for one in (*g.inputs, *(c for r in g.rows for c in r.cells.values()))]
    where = places.places(preset.text)
    assert len(inputs) > 40 and len({one.path for one in inputs}) == len(inputs)
    for one in inputs[::11]:
        assert where[one.path].value == (one.value or "null") and where[one.path].line == one.line
        same = fields.put(preset.text, one.path, one.value)
        assert load_text(same)[0] is not None
        assert abs(len(same) - len(preset.text)) <= 2


def test_the_form_has_what_people_change_most() -> None:
    text = next(p.text for p in drafts.presets() if p.key == "small-company")
    kinds = {one.path: one.kind for g in fields.form_of(text) for r in g.rows for one in r.cells.values()}
    kinds |= {one.path: one.kind for g in fields.form_of(text) for one in g.inputs}
    wanted = {
        "incentive[0].components[0].tiers.rates[1].from": "bound",
        "incentive[0].components[0].tiers.rates[1].rate": "percent",
        "incentive[0].components[1].amount": "formula",
        "goals[0].target.growth": "percent",
        "goals[0].ramp[1]": "percent",
        "process.stages[1].probability": "percent",
        "process.stages[1].limit": "duration",
        "appraisal[0].indicators[0].weight": "percent",
        "discount.levels[0].up_to": "percent",
        "policy.effective.from": "date",
    }
    assert wanted.items() <= kinds.items()


@pytest.mark.parametrize("value", ["400", "4%, cap: 9", "", "4% }", "four"])
def test_the_form_writes_no_value_that_is_none(value: str) -> None:
    with pytest.raises(ValidationError):
        fields.put(next(p.text for p in drafts.presets() if p.key == "small-company"), _tier(1), value)


def _tier(number: int) -> str:
    return f"incentive[0].components[0].tiers.rates[{number}].rate"


# Drafts


def test_a_draft_begins_from_the_version_with_the_next_number_and_month(cast: Any, version: PolicyVersion) -> None:
    made = drafts.begin(cast.viewer("wufang"), f"version:{version.pk}")
    assert (made.number, made.base, made.owner) == ("1.1.0", version, cast.wufang)
    assert made.effective_from > version.effective_from and made.effective_from.day == 1
    changed = {row.kind for row in line_changes(version.text, made.text)}
    assert changed <= {"same", "changed", "gap"}


def test_drafts_begin_from_presets_from_nothing_and_stand_side_by_side(cast: Any) -> None:
    viewer = cast.viewer("sunzong")
    for preset in drafts.presets():
        made = drafts.begin(viewer, f"preset:{preset.key}")
        assert not drafts.findings(made.text).faulty
        assert all(case.passed for case in drafts.run_cases_of(made)) and made.cases
    empty = drafts.begin(viewer, "", "Ours")
    assert not drafts.findings(empty.text).faulty and empty.number == "0.1.0"
    assert PolicyDraft.objects.count() == len(drafts.presets()) + 1
    with pytest.raises(ValidationError):
        drafts.begin(viewer, "preset:nothing")


@pytest.mark.parametrize("who", ["linjing", "chenmin", "zhaoyue", "helin"])
def test_only_operations_and_the_general_manager_write(cast: Any, draft: PolicyDraft, client_of: Any, who: str) -> None:
    viewer, browser = cast.viewer(who), client_of(who)
    with pytest.raises(PermissionDenied):
        drafts.begin(viewer)
    with pytest.raises(PermissionDenied):
        drafts.keep(draft.pk, viewer, None, "policy: {}")
    readable = who == "zhaoyue"
    assert browser.get(f"/policy-drafts/{draft.pk}").status_code == (200 if readable else 404)
    assert browser.get(f"/api/policy-drafts/{draft.pk}/check").status_code == (200 if readable else 404)
    put = browser.put(f"/api/policy-drafts/{draft.pk}/text", {"text": "x: 1"}, content_type="application/json")
    assert put.status_code == (403 if readable else 404)
    assert browser.post(f"/policy-drafts/{draft.pk}/set", {"path": RATE, "value": "9%"}).status_code in (403, 404)
    assert not browser.post(f"/policy-drafts/{draft.pk}/submit").content or draft.is_open
    draft.refresh_from_db()
    assert "4%" in draft.text and draft.is_open


def test_who_submits_is_told_whose_approval_is_asked_for(cast: Any, draft: PolicyDraft, client_of: Any) -> None:
    where, scripted = f"/policy-drafts/{draft.pk}/submit", {"Accept": "application/json"}
    answer = client_of("wufang").post(where, {"note": "x"}, headers=scripted).json()
    told = answer["asked"][0]
    assert "孙总" in told["text"] and "赵越" in told["text"] and told["url"].startswith("/approvals/")


def test_what_two_people_type_is_not_lost(cast: Any, draft: PolicyDraft, client_of: Any) -> None:
    seen = draft.version
    drafts.keep(draft.pk, cast.viewer("sunzong"), seen, draft.text + "# theirs\n")
    late = {"text": draft.text + "# mine\n", "cases": draft.cases, "version": seen}
    answer = client_of("wufang").post(f"/policy-drafts/{draft.pk}/keep", late, headers={"Accept": "application/json"})
    assert answer.status_code == 409 and answer.json()["theirs"]["text"].endswith("# theirs\n")
    draft.refresh_from_db()
    assert draft.text.endswith("# theirs\n")
    late.pop("version")
    answer = client_of("wufang").post(f"/policy-drafts/{draft.pk}/keep", late, headers={"Accept": "application/json"})
    assert answer.status_code == 200 and answer.json()["version"] == seen + 2


def test_typing_leaves_one_entry_in_the_story_without_the_text(cast: Any, draft: PolicyDraft) -> None:
    for n in range(4):
        draft = drafts.keep(draft.pk, cast.viewer("wufang"), draft.version, f"{draft.text}# {n}\n")
    rows = Event.objects.filter(entity="policydraft", record_id=draft.pk, deed="edited")
    assert rows.count() == 1 and len(json.dumps(rows[0].changes)) < 100


def test_a_fault_is_found_with_its_line_and_remedy_in_the_language_of_the_page(
    draft: PolicyDraft, cast: Any, client_of: Any
) -> None:
    text = draft.text.replace("basis: bookings", "basis: bookngs")
    drafts.keep(draft.pk, cast.viewer("wufang"), draft.version, text)
    found = (
        client_of("wufang", headers={"accept-language": "zh-hans"}).get(f"/api/policy-drafts/{draft.pk}/check").json()
    )
    [fault] = [one for one in found["issues"] if one["level"] == "error"]
    assert not found["ok"] and "bookngs" in fault["message"] and "bookings" in fault["hint"]
    assert text.splitlines()[fault["line"] - 1].count("bookngs") == 1


def test_a_number_changed_by_form_changes_the_sentence_and_a_case(
    cast: Any, draft: PolicyDraft, client_of: Any
) -> None:
    browser = client_of("wufang")
    assert browser.get(f"/api/policy-drafts/{draft.pk}/cases").json()["failed"] == 1
    answer = browser.post(
        f"/policy-drafts/{draft.pk}/set", {"path": RATE, "value": "3%", "version": draft.version}
    ).json()
    assert "3%" in next(c["text"] for c in answer["clauses"] if c["line"] == answer["line"])
    assert browser.get(f"/api/policy-drafts/{draft.pk}/cases").json() | {"cases": 0} == {
        "passed": 1,
        "failed": 0,
        "cases": 0,
    }
    refused = browser.post(f"/policy-drafts/{draft.pk}/set", {"path": "policy.name", "value": "x"})
    assert refused.status_code == 422


def test_unreadable_texts_are_kept_and_shown(cast: Any, draft: PolicyDraft, client_of: Any) -> None:
    for text in ("", "{", "a: [1", "\t", "- 1\n", "policy: &x {}\n", "policy:\n  id: [\n"):
        draft = drafts.keep(draft.pk, cast.viewer("wufang"), draft.version, text)
        for page in ("", "/diff", "/backtests", "/form", "/cases"):
            assert client_of("wufang").get(f"/policy-drafts/{draft.pk}{page}").status_code == 200
        with pytest.raises(ValidationError):
            publishing.submit(draft, cast.viewer("wufang"))


def test_the_check_speaks_chinese() -> None:
    from tests.policy.test_broken import BROKEN, TEXTS, issues_of

    said = {
        t
        for name, _w, old, new, _m in BROKEN
        for i in issues_of(TEXTS[name].replace(old, new, 1))
        for t in (i.message, i.hint)
    }
    quoted = re.compile(r"'[^']*'|\"[^\"]*\"")
    assert [t for t in said if t and not re.search("[\u4e00-\u9fff]", quoted.sub("", chinese(t)))] == []


# What changes


def test_a_change_is_said_clause_by_clause(draft: PolicyDraft, version: PolicyVersion, cast: Any) -> None:
    after = load_text(draft.text)[0]
    assert after is not None
    found = clause_changes(document_of(version), after)
    [pay] = [one for one in found if "pay" in one.touches]
    assert [(c["before"], c["after"]) for c in pay.changes] == [("3%", "4%")]
    assert ("gone", "3%") in pay.before and ("new", "4%") in pay.after and pay.kinds == ["parameter"]
    assert pay.roles == {"sales_rep"}
    assert {c["path"] for one in found for c in one.changes} == {
        "policy.effective.from", "policy.version", "incentive[plan].components[commission].rate"
    }  # fmt: skip


def test_words_that_changed() -> None:
    left, right = words_changed("按 3% 提成", "按 3.5% 提成奖")
    assert [p for k, p in left if k == "gone"] == ["3%"]
    assert [p for k, p in right if k == "new"] == ["3.5%", "奖"]
    assert "".join(p for _k, p in right) == "按 3.5% 提成奖"


# The back-test


@pytest.fixture
def year(cast: Any, version: PolicyVersion) -> None:
    goal("100000", cast.linjing)
    order(cast.linjing, "100000", date(2026, 3, 2))
    order(cast.linjing, "50000", date(2026, 2, 2))
    order(cast.wanglei, "80000", date(2026, 3, 9))


def test_a_backtest_says_who_gains_and_what_it_costs(cast: Any, draft: PolicyDraft, year: None, client_of: Any) -> None:
    browser = client_of("zhaoyue")
    asked = browser.post(
        f"/api/policy-drafts/{draft.pk}/backtests",
        {"first": "2026-01", "last": "2026-03"},
        content_type="application/json",
    )
    assert asked.status_code == 202 and jobs.drain() == 1
    row = PolicyBacktest.objects.get()
    result = browser.get(f"/api/policy-drafts/{draft.pk}/backtests/{row.pk}").json()["result"]
    assert result["total"] == {"before": "7900.00", "after": "10200.00", "change": "2300.00"}
    assert result["people"][0] == {
        "person": str(cast.linjing.pk), "name": "林静", "before": "5500.00", "after": "7000.00", "change": "1500.00"
    }  # fmt: skip
    assert result["cost_of_sales"] == {"before": "0.034348", "after": "0.044348"}
    [goals] = result["goals"].values()
    assert goals == {"before": {"met": 1, "of": 1}, "after": {"met": 1, "of": 1}}
    assert {"line": "bonus", "times": 8} in result[
        "missing"
    ]  # no goal: 3 people x 3 months less the one of 林静 in March
    for page in ("", f"/{cast.linjing.pk}", f"/{cast.linjing.pk}?period=2026-03"):
        text = browser.get(f"/policy-drafts/{draft.pk}/backtests/{row.pk}{page}").content.decode()
        assert "林静" in text
    assert text.count("3,000.00") and text.count("4,000.00")
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(browser.get(f"/policy-drafts/{draft.pk}/backtests/{row.pk}.xlsx").content)
    )
    assert book.get_sheet_by_index(1).to_python()[1] == ["林静", 5500.0, 7000.0, 1500.0]
    assert book.get_sheet_by_index(3).to_python()[1][1:] == ["1 / 1", "1 / 1"]
    assert browser.get(f"/policy-drafts/{draft.pk}/backtests/{row.pk}/999999").status_code == 404


def test_what_accumulates_is_tried_with_the_whole_of_its_year(cast: Any) -> None:
    text = next(p.text for p in drafts.presets() if p.key == "small-company")
    before, _issues, _new = adopt(text)
    after = load_text(drafts.following(text))[0]
    assert after is not None and after.header.effective.start > date(2026, 6, 30)
    GoalTarget(
        goal="annual_bookings",
        person=cast.linjing,
        starts_on=date(2026, 4, 1),
        ends_on=date(2026, 7, 1),
        value=Decimal(100_000),
        currency="CNY",
    ).save()
    order(cast.linjing, "120000", date(2026, 6, 2))
    trial = trying.tried(document_of(before), after, trying.between(after, "2026-06", "2026-06"))
    [row] = [r for r in trial.found.rows if r.person == str(cast.linjing.pk)]
    assert row.before == row.after == 9_800_0000 and not row.missing


def test_a_backtest_of_an_older_text_says_so(cast: Any, draft: PolicyDraft, year: None) -> None:
    row = trying.ask(draft, cast.viewer("wufang"), None, "2026-03", "2026-03")
    assert not row.stale
    kept = drafts.keep(draft.pk, cast.viewer("wufang"), None, places.put(draft.text, RATE, "9%"))
    row.refresh_from_db()
    assert row.stale and jobs.drain() == 1
    row.refresh_from_db()
    after = trying.Shown(row.result).totals[1]
    assert after == 7_200_0000 + 1_000_0000 and kept.digest != row.digest  # the text that was asked for, four percent


@pytest.mark.parametrize("span", [("2026-03", "2026-01"), ("2026-01", "2026-Q1"), ("x", "y"), ("2010-01", "2026-01")])
def test_a_backtest_over_no_periods_is_refused(cast: Any, draft: PolicyDraft, span: tuple[str, str]) -> None:
    with pytest.raises(ValidationError):
        trying.ask(draft, cast.viewer("wufang"), None, *span)


def test_records_are_read_once_for_both_documents(
    draft: PolicyDraft, version: PolicyVersion, year: None, django_assert_max_num_queries: Any
) -> None:
    after = load_text(draft.text)[0]
    assert after is not None
    periods = trying.between(after, "2026-01", "2026-03")
    with django_assert_max_num_queries(60):
        trial = trying.tried(document_of(version), after, periods)
    assert [(r.before, r.after) for r in trial.found.rows if r.period == "2026-03" and r.before] == [
        (4_000_0000, 5_000_0000), (2_400_0000, 3_200_0000)
    ]  # fmt: skip


def test_a_worker_that_has_no_pages_knows_the_jobs() -> None:
    code = "import django; django.setup(); from xiaoguan.desk.jobs import _kinds; print(*_kinds)"
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "xiaoguan.project.settings"}
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert {"policy_backtest", "remind_policy_readers"} <= set(told.split())


def test_two_files_are_tried_on_the_database_from_the_command_line(year: None, tmp_path: Path) -> None:
    for name, text in {"a": policy(), "b": policy("2.0.0", "2027-01-01", "4%")}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    asked = [str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"), "--from", "2026-03", "--to", "2026-03", "--json"]
    answer = CliRunner().invoke(main, ["policy", "backtest", *asked])
    assert json.loads(answer.output)["total"] == {"before": "6400.00", "after": "8200.00"}


# Submitting, approving, publishing


def test_a_submitted_text_stands_still_until_it_is_decided(cast: Any, draft: PolicyDraft, client_of: Any) -> None:
    publishing.submit(draft, cast.viewer("wufang"), "please")
    with pytest.raises(ValidationError):
        drafts.keep(draft.pk, cast.viewer("wufang"), None, draft.text + "# more\n")
    patch = client_of("wufang").patch(
        f"/api/policy-drafts/{draft.pk}", {"text": draft.text + "# more\n"}, content_type="application/json"
    )
    assert patch.status_code == 422
    request = ApprovalRequest.objects.get()
    assert {cast.sunzong.pk, cast.zhaoyue.pk} == set(request.lines.values_list("person_id", flat=True))
    requests.sign(request.pk, cast.viewer("zhaoyue"), "return", "the cap is missing")
    draft.refresh_from_db()
    assert draft.is_open
    assert drafts.keep(draft.pk, cast.viewer("wufang"), None, draft.text + "# more\n").text.endswith("# more\n")


def test_nobody_approves_their_own_and_finance_may(cast: Any, draft: PolicyDraft, client_of: Any) -> None:
    publishing.submit(draft, cast.viewer("sunzong"))
    request = ApprovalRequest.objects.get()
    with pytest.raises(PermissionDenied):
        requests.sign(request.pk, cast.viewer("sunzong"), "approve")
    requests.sign(request.pk, cast.viewer("zhaoyue"), "approve")
    draft.refresh_from_db()
    assert draft.state == "approved"
    page = client_of("zhaoyue").get(f"/policy-drafts/{draft.pk}/publish")
    assert page.status_code == 403


def test_an_approved_draft_that_is_taken_back_needs_a_new_approval(cast: Any, draft: PolicyDraft) -> None:
    approve(draft, cast)
    publishing.take_back(draft, cast.viewer("wufang"))
    assert draft.is_open
    with pytest.raises(ValidationError):
        publishing.publish(draft, cast.viewer("wufang"), date(2027, 7, 1), [])


def test_publishing_asks_for_the_day_of_the_document_and_for_every_warning(cast: Any, draft: PolicyDraft) -> None:
    approve(draft, cast)
    wufang = cast.viewer("wufang")
    with pytest.raises(ValidationError, match="2027-07-01"):
        publishing.publish(draft, wufang, date(2027, 8, 1), [])
    seen = publishing.to_acknowledge(draft)
    assert any("March pays three percent" in one["message"] for one in seen)  # the case that is red
    with pytest.raises(ValidationError, match="March pays"):
        publishing.publish(draft, wufang, date(2027, 7, 1), [])
    version = publishing.publish(draft, wufang, date(2027, 7, 1), [one["id"] for one in seen])
    assert version.effective_from == date(2027, 7, 1) and version.number == "1.1.0"
    assert version.publication.approved[0]["name"] == "孙总"
    assert [one["by"] for one in version.publication.warnings] == ["吴芳"] * len(seen)
    assert PolicyVersion.objects.get(number="1.0.0").effective_to == date(2027, 7, 1)
    draft.refresh_from_db()
    assert draft.state == "published" and draft.published_as == version


def publish(draft: PolicyDraft, cast: Any) -> PolicyVersion:
    approve(draft, cast)
    ids = [one["id"] for one in publishing.to_acknowledge(draft)]
    return publishing.publish(draft, cast.viewer("wufang"), date(2027, 7, 1), ids)


def test_everyone_concerned_reads_what_changed_for_them_and_signs(
    cast: Any, draft: PolicyDraft, client_of: Any
) -> None:
    version = publish(draft, cast)
    people = set(PolicySignature.objects.values_list("person_id", flat=True))
    assert people == {cast.linjing.pk, cast.zhouhang.pk, cast.wanglei.pk}
    assert set(Notification.objects.filter(kind="policy").values_list("person_id", flat=True)) == people
    linjing = client_of("linjing", headers={"accept-language": "en"})
    page = linjing.get(f"/policy/sign/{version.pk}").content.decode()
    assert "<ins>4%</ins>" in page and "I have read it" in page
    assert f"/policy/sign/{version.pk}" in linjing.get("/policy/").content.decode()
    assert linjing.post(f"/api/policy-versions/{version.pk}/sign").status_code == 200
    signed = PolicySignature.objects.get(person=cast.linjing).signed_at
    linjing.post(f"/policy/sign/{version.pk}")
    assert PolicySignature.objects.get(person=cast.linjing).signed_at == signed
    assert not linjing.get("/api/policy-versions/to-sign").json()["items"]
    assert client_of("zhaoyue").post(f"/policy/sign/{version.pk}").status_code == 403


def test_who_has_signed_is_seen_by_managers_and_the_office(cast: Any, draft: PolicyDraft, client_of: Any) -> None:
    version = publish(draft, cast)
    publishing.sign(version, cast.viewer("linjing"))

    def names(who: str) -> set[str]:
        rows = client_of(who).get("/api/policy-signatures").json()["items"]
        return {row["person_name"] for row in rows}

    assert names("chenmin") == {"林静", "周航"} and names("wufang") == {"林静", "周航", "王磊"}
    assert names("linjing") == {"林静"}
    page = (
        client_of("chenmin", headers={"accept-language": "en"}).get(f"/policy-versions/{version.pk}").content.decode()
    )
    assert "周航" in page and "王磊" not in page
    Notification.objects.all().delete()
    assert publishing.remind(version, cast.viewer("chenmin")) == 1
    assert publishing.remind(version, cast.viewer("wufang")) == 1  # 周航 was reminded a moment ago
    assert set(Notification.objects.values_list("person_id", flat=True)) == {cast.zhouhang.pk, cast.wanglei.pk}
    assert client_of("linjing").post(f"/policy-versions/{version.pk}/remind").status_code == 403


def test_versions_are_compared_and_their_story_told(
    cast: Any, draft: PolicyDraft, version: PolicyVersion, client_of: Any
) -> None:
    new = publish(draft, cast)
    browser = client_of("linjing", headers={"accept-language": "en"})
    page = browser.get(f"/policy/compare?before={version.pk}&after={new.pk}").content.decode()
    assert "<del>3%</del>" in page and "<ins>4%</ins>" in page
    assert "孙总" in browser.get(f"/policy-versions/{new.pk}").content.decode()
    assert browser.get("/policy/compare").status_code == 200
    assert browser.get("/policy-versions/999999").status_code == 404


def test_the_workshop_is_in_the_api_document_and_answers_as_it_says(
    cast: Any, draft: PolicyDraft, client_of: Any
) -> None:
    browser = client_of("wufang")
    paths = browser.get("/api/openapi.json").json()["paths"]
    assert {"/api/policy-drafts", "/api/policy-drafts/{id}/submit", "/api/policy-drafts/{id}/backtests"} <= paths.keys()
    made = browser.post("/api/policy-drafts/start", {"source": "preset:small-company"}, content_type="application/json")
    assert made.status_code == 201 and made.json()["ok"]
    where = f"/api/policy-drafts/{draft.pk}"
    changes = browser.get(f"{where}/diff").json()["items"]
    assert {"kind": "parameter", "touches": "pay"}.items() <= next(
        c for c in changes if c["path"].endswith("rate")
    ).items()
    assert (
        browser.post(f"{where}/submit", {"note": "x"}, content_type="application/json").json()["state"] == "submitted"
    )
    ApprovalRequest.objects.all().update(by_id=cast.linjing.pk)
    requests.sign(ApprovalRequest.objects.get().pk, cast.viewer("sunzong"), "approve")
    ids = ",".join(one["id"] for one in publishing.to_acknowledge(PolicyDraft.objects.get(pk=draft.pk)))
    body = {"effective_from": "2027-07-01", "acknowledged": ids}
    done = browser.post(f"{where}/publish", body, content_type="application/json")
    assert done.status_code == 200 and done.json()["state"] == "published"

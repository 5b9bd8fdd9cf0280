"""The command line: what people and programs rely on, and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from xiaoguan.people.models import Account, RoleAssignment
from xiaoguan.project.cli import main

ROOT = Path(__file__).parents[2]


def call(*words: str, typed: str = "") -> Any:
    return CliRunner().invoke(main, list(words), input=typed, catch_exceptions=False)


def test_cases_of_a_policy_run_and_tell_what_came_out(db: Any, tmp_path: Path) -> None:
    for name in ("policies/small-company", "examples/adventureworks/policy"):
        answer = call("policy", "cases", str(ROOT / f"{name}.cases.yaml"), "--json")
        assert answer.exit_code == 0 and all(case["passed"] for case in json.loads(answer.stdout)), answer.output
    for file in ("policy.yaml", "policy.cases.yaml"):
        text = (ROOT / "examples/adventureworks" / file).read_text(encoding="utf-8")
        (tmp_path / file).write_text(text.replace("commission: ", "commission: 1"), encoding="utf-8")
    assert call("policy", "cases", str(tmp_path / "policy.cases.yaml")).exit_code == 1


def test_a_policy_is_checked_and_said_in_words(db: Any, tmp_path: Path) -> None:
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text(
        (ROOT / "policies/small-company.yaml").read_text(encoding="utf-8").replace("metric:", "metrik:", 1)
    )
    answer = call("policy", "check", str(faulty), "--json")
    issue = next(i for i in json.loads(answer.stdout)["issues"] if i["level"] == "error")
    assert answer.exit_code == 1 and issue["line"] > 0 and "metric" in issue["hint"]
    for lang, word in (("zh", "提成"), ("en", "Chance of winning")):
        said = call("policy", "explain", str(ROOT / "policies/small-company.yaml"), "--lang", lang)
        assert said.exit_code == 0 and word in said.stdout


def test_a_policy_is_checked_against_this_installation_or_a_folder(db: Any, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    text = (ROOT / "policies/small-company.yaml").read_text(encoding="utf-8")
    surveys = '\nmetrics:\n  csat: {name: CSAT, type: score, from: surveys, value: "mean(score)", date: answered_on}'
    file.write_text(text.replace("\nmetrics:", surveys, 1), encoding="utf-8")
    answer = json.loads(call("policy", "check", str(file), "--json").stdout)
    message = "metric csat: there is no fact table 'surveys' in this installation"
    assert answer["ok"] and [i["level"] for i in answer["issues"] if i["message"] == message] == ["warning"]
    file.write_text(text.replace("\nmetrics:", surveys.replace("answered_on", "answred_on"), 1), encoding="utf-8")
    faulty = json.loads(call("policy", "check", str(file), "--json").stdout)
    message = "metric csat: 'answred_on' is not a date of surveys"
    assert not faulty["ok"] and [i["hint"] for i in faulty["issues"] if i["message"] == message] == [
        "Did you mean 'answered_on'?"
    ]
    file.write_text(text.replace("\nmetrics:", surveys, 1), encoding="utf-8")
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "people.csv").write_text("id,name\n")
    (tmp_path / "facts" / "surveys.csv").write_text("id,answered\n1,2026-01-05\n")
    made = call("policy", "check", str(file), "--facts", str(tmp_path / "facts"), "--json")
    said = [issue["message"] for issue in json.loads(made.stdout)["issues"] if issue["file"] == "surveys.csv"]
    assert made.exit_code == 1 and "surveys.csv has no column 'answered_on', which metric csat reads" in said


def test_accounts_are_made_locked_and_given_a_new_password(cast: Any) -> None:
    from xiaoguan.people.models import Person

    Person(name="新人", email="new@example.com").save()
    weak = call("user", "add", "new", "--person", "新人", "--password", "short")
    assert weak.exit_code == 1 and not Account.objects.filter(username="new").exists()
    made = call("user", "add", "new", "--person", "新人", "--password", "a long enough secret", "--role", "sales_rep")
    assert made.exit_code == 0, made.output
    account = Account.objects.get(username="new")
    assert RoleAssignment.objects.filter(person=account.person, role__code="sales_rep").exists()
    assert call("user", "password", "new", typed="another good secret\nanother good secret\n").exit_code == 0
    account.refresh_from_db()
    assert account.check_password("another good secret")
    assert call("user", "lock", "new").exit_code == 0
    account.refresh_from_db()
    assert not account.is_active
    assert call("user", "lock", "nobody").exit_code == 1


@pytest.mark.parametrize(
    "words", [("metric",), ("run",), ("statement", "x"), ("import", "nowhere.yaml", "--data", "."), ("nonsense",)]
)
def test_wrong_use_is_exit_2(db: Any, words: tuple[str, ...]) -> None:
    assert call(*words).exit_code == 2


def test_what_cannot_be_answered_is_exit_1_in_words(db: Any) -> None:
    for words in (("run", "2026-01"), ("metric", "x", "--period", "2026-01"), ("explain", "1")):
        answer = call(*words)
        assert answer.exit_code == 1 and answer.stderr.strip() and "Traceback" not in answer.output

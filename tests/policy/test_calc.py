"""核算 from files: the documented example, and what is said about values that cannot be read."""

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from xiaoguan.policy import load
from xiaoguan.policy.folder import read_folder
from xiaoguan.policy.reckon import reckon

from .making import BOOKINGS, ROOT
from .making import calc as folder_of

DOC = (ROOT / "docs" / "reference" / "calc.md").read_text()


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The worked example of the reference as files."""
    for name, text in re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', DOC, re.S):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def calc(folder: Path, period="2026-03", **options):
    policy, issues = load(folder / "policy.yaml")
    assert policy is not None, issues
    return reckon(policy, read_folder(policy, folder / "facts"), policy.calendar.parse(period), **options)


def lines(found, person):
    one = next(s for s in found["statements"] if s["person"] == person)
    return {**{line["name"]: line["value"] for line in one["lines"]}, "total": one["total"]}


def test_the_documented_example_comes_out_as_documented(example):
    found = calc(example)
    wanted = re.findall(r"^\| (\w+) \| `([\w.]+)` \| (-?[\d.]+) \|$", DOC, re.M)
    assert len(wanted) == 7
    assert [(who, name, lines(found, who)[name]) for who, name, _ in wanted] == wanted


def test_a_component_says_what_each_record_earned(example):
    file = example / "policy.yaml"
    file.write_text(
        file.read_text().split("    pay:")[0] + "  - id: leader_plan\n    role: leader\n    components: []\n"
    )
    (line,) = next(one for one in calc(example)["statements"] if one["person"] == "lin")["lines"]
    assert [(one["id"], one["value"]) for one in line["records"]] == [("SO-2", "2800.00")]
    (line,) = next(one for one in calc(example)["statements"] if one["person"] == "zhou")["lines"]
    # the quota of 50 000 is not reached: 36 000 and 10 000 at 3 %
    assert [(one["id"], one["value"]) for one in line["records"]] == [("SO-2", "1080.00"), ("SO-3", "300.00")]


def test_the_months_of_a_quarter_add_up_to_the_quarter(example):
    months = [lines(calc(example, f"2026-0{i}"), "lin")["total"] for i in (1, 2, 3)]
    assert sum(map(float, months)) == float(lines(calc(example, "2026-Q1"), "lin")["total"])


def test_the_steps_and_the_ledger_add_up(example):
    for one in calc(example)["statements"]:
        steps = {step["step"]: float(step["amount"] or 0) for step in one["steps"]}
        assert [step["step"] for step in one["steps"]] == list(range(1, 15))
        assert sum(steps[n] for n in range(6, 14)) == pytest.approx(steps[14]) == pytest.approx(float(one["total"]))
        assert sum(float(entry["amount"]) for entry in one["ledger"]) == pytest.approx(0)


def test_a_goal_of_the_quarter_is_shown_as_far_as_it_has_come(example):
    goal = next(one for one in calc(example, "2026-02")["goals"] if one["person"] == "lin")
    assert (goal["period"], goal["actual"], goal["attainment"]) == ("2026-Q1", "180000.00", "0.72")
    assert float(goal["pace"]) == pytest.approx(0.72 / float(goal["elapsed"]), rel=1e-5)


def test_a_day_within_the_period_knows_nothing_of_what_comes_after_it(example):
    goals = calc(example, "2026-01", as_of=date(2026, 1, 20))["goals"]  # the order is of the 20th
    assert next(one for one in goals if one["person"] == "lin")["actual"] == "0.00"


def test_what_was_posted_is_corrected_in_the_open_period(example):
    ledger = "person,period,kind,component,amount\nlin,2026-01,earning,commission,2000.00\n"
    (example / "facts" / "ledger.csv").write_text(ledger)
    found = lines(calc(example), "lin")
    assert (found["adjustment"], found["total"]) == ("700.00", "3095.00")  # January is 2 700 now


@pytest.mark.parametrize(
    ("file", "old", "new", "message", "hint"),
    [
        ("orders.csv", "180000", '"180,000"', "orders.csv row 2, net_amount: '180,000' is not an amount", "thousands"),
        ("orders.csv", "2026-01-20", "20.01.2026", "signed_on: '20.01.2026' is not a date", "2026-03-01"),
        (
            "orders.csv",
            "net_amount",
            "nett_amount",
            "no column 'net_amount', which metric bookings reads",
            "nett_amount",
        ),
        ("potential.csv", "", "key,input,value\neast,size,1\neast,size,2\n", "size of east is there twice", "Keep one"),
        ("orders.csv", "SO-2", "SO-1", "'SO-1' is there already, in row 2", "own id"),
        ("goals.csv", "quota,lin", "qouta,lin", "there is no goal 'qouta'", "'quota'"),
        ("goals.csv", "2026-Q1,250000", "2026-Q5,250000", "is not a period", ""),
        ("people.csv", "id,name", "key,name", "people.csv has no column 'id'", "people.csv has"),
        ("people.csv", "2024-01-01", "2024-13-01", "hired_on: '2024-13-01' is not a date", ""),
        (
            "people.csv",
            "hired_on\nlin,林静,rep,east,chen,",
            "hired_on,left_on\nlin,林静,rep,east,chen,2026-01-01,",
            "row 2, left_on: 2024-01-01 is before 2026-01-01",
            "no longer",
        ),
        (
            "orders.csv",
            "id,person,co_owner,signed_on,net_amount,status",
            "id;person;signed_on",
            "are separated by ;, not by commas",
            "commas between",
        ),
    ],
)
def test_a_value_that_cannot_be_read_says_where_and_what_would_be_right(example, file, old, new, message, hint):
    path = example / "facts" / file
    path.write_text(path.read_text().replace(old, new, 1) if old else new)
    policy, _ = load(example / "policy.yaml")
    errors = [issue for issue in read_folder(policy, example / "facts").issues if issue.level == "error"]
    found = next(issue for issue in errors if message in issue.message)
    assert hint in found.hint and found.file == file


def test_parquet_is_read_like_csv(example):
    from pyarrow import csv, parquet

    expected = calc(example)
    for name in ("orders", "payments"):
        file = example / "facts" / f"{name}.csv"
        parquet.write_table(csv.read_csv(file), example / "facts" / f"{name}.parquet")
        file.unlink()
    assert calc(example)["statements"] == expected["statements"]


def test_days_of_spreadsheets_and_binary_fractions_are_what_they_stand_for(example):
    import pyarrow
    from pyarrow import parquet

    expected = calc(example)["statements"]
    orders = example / "facts" / "orders.csv"
    orders.write_text(
        orders.read_text().replace("2026-01-20", "2026/1/20 0:00:00").replace("2026-03-02", "2026年3月2日")
    )
    paid = {"id": ["P-1", "P-2"], "order": ["SO-1", "SO-2"], "amount": [90_000.1 - 0.1, 120_000.0]}
    days = pyarrow.array([1770681600000000001, 1773964800000000000], pyarrow.timestamp("ns"))
    parquet.write_table(pyarrow.table({**paid, "received_on": days}), example / "facts" / "payments.parquet")
    policy, _ = load(example / "policy.yaml")
    (twice,) = [one for one in read_folder(policy, example / "facts").issues if one.level == "error"]
    assert "there are payments.csv and payments.parquet" in twice.message
    (example / "facts" / "payments.csv").unlink()
    assert calc(example)["statements"] == expected


def test_whoever_and_whatever_is_not_there_is_said(example):
    facts = example / "facts"
    people = (facts / "people.csv").read_text().replace("east,chen", "east,chan", 1)
    (facts / "people.csv").write_text(people.replace("rep,", "reps,", 1).replace(",rep,east", ",rep,north", 1))
    (facts / "absences.csv").write_text("person,kind,from\nlim,sick,2026-01-01\n")
    (facts / "ledger.csv").write_text("person,period,kind,amount\nlim,2025-12,earning,1\n")
    (facts / "goals.csv").write_text("goal,team,period,value\nquota,nort,2026-Q1,1\n")
    told = {(one["file"], one["message"].split(": ", 1)[-1]) for one in calc(example)["issues"]}
    assert told >= {
        ("people.csv", "'chan' is not in people.csv"),
        ("absences.csv", "'lim' is not in people.csv"),
        ("ledger.csv", "'lim' is not in people.csv"),
        ("goals.csv", "nobody is in team 'nort'"),
    }


def test_ratings_of_one_appraisal_count_however_much_their_rows_say(tmp_path):
    rated = "{id: att, weight: 100%, raters: {manager: 50%, peer: 50%}, min_raters: 2, scale: [0, 10]}"
    made = folder_of(
        tmp_path,
        f"{BOOKINGS}appraisal: [{{id: ap, period: quarter, indicators: [{rated}], grades: {{A: {{from: 0}}}}}}]\n",
        "2026-Q1",
        people="id,name\nlin,L",
        ratings="person,indicator,group,score,appraisal,period\nlin,att,manager,10,ap,2026-Q1\nlin,att,peer,6,,2026-Q1\n"
        "lin,att,peer,8,,\nlin,att,peer,0,ap,2025-Q4\nlin,att,peer,0,ap,2026-03",
    )
    assert made["appraisals"][0]["score"] == "85"
    assert any("2026-03 is no quarter" in one["message"] for one in made["issues"])


def test_a_goal_of_the_month_is_there_for_the_months_before(tmp_path):
    body = f"""{BOOKINGS.split("goals:")[0]}goals:
  - {{id: quota, metric: bookings, period: month, target: {{method: fixed, value: 100}},
      allocate: [{{by: person, method: even}}]}}
incentive:
  - id: plan
    components:
      - {{id: c, kind: commission, basis: bookings, period: month,
          tiers: {{mode: marginal, by: attainment, of: quota,
            rates: [{{from: 0%, rate: 10%}}, {{from: 100%, rate: 20%}}]}}}}
      - {{id: b, kind: bonus, period: quarter, amount: 50, when: "attainment(quota, over=quarter) >= 100%"}}
    pay: {{release: {{by_collection: 100%}}}}
"""
    rows = "\n".join(f"{i},lin,2026-0{i}-05,{amount}" for i, amount in ((1, 200), (2, 50), (3, 50)))
    made = folder_of(
        tmp_path,
        body,
        "2026-03",
        people="id,name\nlin,L",
        orders=f"id,person,signed_on,net_amount\n{rows}",
        payments="id,order,received_on,amount\n1,1,2026-03-10,200",
    )
    assert lines(made, "lin") == {"c": "5.00", "b": "50.00", "plan.release": "25.00", "total": "80.00"}


def test_who_comes_in_the_middle_of_a_window_carries_the_months_there(tmp_path):
    body = f"""{BOOKINGS.split("goals:")[0]}goals:
  - {{id: quota, metric: bookings, period: month, target: {{method: fixed, value: 2000}},
      allocate: [{{by: person, method: even}}]}}
incentive:
  - {{id: plan, components: [{{id: c, kind: commission, basis: bookings, period: month, tiers: {{mode: marginal,
      by: attainment, of: quota, accumulate: quarter, rates: [{{from: 0%, rate: 1%}}, {{from: 100%, rate: 10%}}]}}}}]}}
"""
    people = "id,name,hired_on\nlin,L,2020-01-01\nzhou,Z,2026-02-01"
    orders = "id,person,signed_on,net_amount\n1,zhou,2026-02-20,600\n2,zhou,2026-03-10,2000"
    made = folder_of(tmp_path, body, "2026-03", people=people, orders=orders)
    assert lines(made, "zhou")["c"] == "74.00", "20 on 2 000 of two months and 60 on 600, less the 6 of February"
    given = body.replace("{method: fixed, value: 2000}", "{method: assigned}")
    goals = "goal,person,period,value\nquota,zhou,2026-02,1000\nquota,zhou,2026-03,1000"
    made = folder_of(tmp_path, given, "2026-03", people=people, orders=orders, goals=goals)
    assert lines(made, "zhou")["c"] == "74.00", "January needs no goal either where they are given"


@pytest.mark.parametrize(
    ("target", "rows", "targets", "message"),
    [
        ("{method: growth, base: prior_year, growth: 10%}", ",600", {"": "600.00", "a": "300.00", "b": "300.00"}, ""),
        ("{method: fixed, value: 100}", ",600.005", {}, "is not a multiple of the rounding unit"),
        ("{method: bottom_up, submit_by: lead}", "e,300\nquota,2026-Q1,,600", {"": "600.00", "a": "300.00"}, ""),
        (
            "{method: bottom_up, submit_by: lead}",
            "e,300\nquota,2026-Q1,w,100",
            {"": "300.00"},
            "w is not asked for 2026-Q1",
        ),
    ],
)
def test_what_is_given_for_the_company_alone_is_the_whole(tmp_path, target, rows, targets, message):
    steps = "{by: team, method: even}, " if "bottom_up" in target else ""
    body = BOOKINGS.replace("{method: assigned}", f"{target}, allocate: [{steps}{{by: person, method: even}}]")
    people = "id,name,role,team\na,A,rep,e\nb,B,rep,w" + ("\nl,L,lead,e" if steps else "")
    goals = f"goal,period,team,value\nquota,2026-Q1,{rows}"
    made = folder_of(tmp_path, body, "2026-Q1", people=people, goals=goals, orders="id,person,signed_on,net_amount")
    found = {one["person"]: one["target"] for one in made["goals"] if not one["team"]}
    assert {key: found[key] for key in targets} == targets
    assert message in " ".join(one["message"] for one in made["issues"])


def test_the_command_ends_with_0_1_or_2(example):
    def run(*args):
        command = [sys.executable, "-m", "xiaoguan.project.cli", "calc", *args]
        done = subprocess.run(command, capture_output=True, text=True, cwd=example, env={"PYTHONPATH": str(ROOT)})
        return done.returncode, done.stdout, done.stderr

    given = ("--policy", "policy.yaml", "--facts", "facts", "--period")
    code, out, _ = run(*given, "2026-03", "--json", "--person", "lin")
    assert code == 0 and json.loads(out)["statements"][0]["total"] == "2395.00"
    code, out, _ = run(*given, "2026-01", "--json", "--on", "2026-01-20")
    assert json.loads(out)["goals"][0]["actual"] == "0.00"  # the order of that day is not counted yet
    assert run(*given, "2026-13")[0] == 2
    assert run(*given, "2026-03", "--person", "nobody")[0] == 2
    (example / "facts" / "orders.csv").write_text("id,person,signed_on,net_amount,status\n1,lin,soon,5,signed\n")
    code, _, err = run(*given, "2026-03")
    assert code == 1 and "orders.csv row 2, signed_on: 'soon' is not a date" in err


def test_versions_that_hold_at_once_are_refused_and_facts_are_those_that_each_asks_for(example):
    from click.testing import CliRunner

    from xiaoguan.project.calc import calc as command

    text = (example / "policy.yaml").read_text()

    def run(first, second):
        (example / "v1.yaml").write_text(first)
        (example / "v2.yaml").write_text(second.replace("version: 1.0.0", "version: 1.1.0"))
        files = ("--policy", f"{example}/v1.yaml", "--policy", f"{example}/v2.yaml", "--facts", f"{example}/facts")
        done = CliRunner().invoke(command, [*files, "--period", "2026-03"])
        return done.exit_code, done.output

    late = text.replace("from: 2026-01-01", "from: 2026-03-05")
    code, said = run(text.replace("to: null", "to: 2026-03-06"), late)
    assert code == 2 and "versions 1.0.0 and 1.1.0 are both in force on 2026-03-05" in said
    assert run(text, text)[0] == 2 and run(text.replace("to: null", "to: 2026-03-05"), late)[0] == 0
    asks = text.replace("status == 'signed'", "status == 'signed' and channel == 'web'")
    code, said = run(asks, late)
    assert code == 1 and "orders.csv has no column 'channel'" in said


def test_a_back_test_on_a_folder_supposes_that_a_later_version_had_been_in_force(example):
    from click.testing import CliRunner

    from xiaoguan.project.calc import backtest

    text = (example / "policy.yaml").read_text()
    (example / "next.yaml").write_text(text.replace("from: 2026-01-01", "from: 2027-01-01").replace("3%}", "4%}"))
    (example / "facts" / "ledger.csv").write_text("person,period,kind,amount\nlin,2026-01,earning,1\n")
    files = [f"{example}/policy.yaml", f"{example}/next.yaml", "--facts", f"{example}/facts"]
    done = CliRunner().invoke(backtest, [*files, "--from", "2026-01", "--to", "2026-03", "--json"])
    found = json.loads(done.output)
    assert {(one["person"], one["period"]): (one["before"], one["after"]) for one in found["rows"]}[
        "lin", "2026-01"
    ] == ("2700.00", "3600.00"), "half of 180 000 at 3 % and at 4 %, and no correction"
    assert found["goals"] == {"quota": {side: {"met": 1, "of": 2} for side in ("before", "after")}}
    assert CliRunner().invoke(backtest, [*files, "--from", "2026-03", "--to", "2026-01"]).exit_code == 2


def test_a_back_test_knows_in_each_period_what_was_recorded_by_its_close(tmp_path):
    from click.testing import CliRunner

    from xiaoguan.project.calc import backtest

    text = """policy: {{id: p, name: P, version: 1.0.0, effective: {{from: 2026-01-01, to: null}}, currency: CNY}}
calendar: {{close: {{period: month, due: 5d}}}}
metrics: {{sales: {{name: S, type: amount, from: orders, value: sum(net_amount), date: signed_on}}}}
incentive: [{{id: p, role: rep, components: [{{id: c, kind: commission, basis: sales, period: month, rate: {}}}]}}]
"""
    for name, rate in (("a", "10%"), ("b", "20%")):
        (tmp_path / f"{name}.yaml").write_text(text.format(rate))
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "people.csv").write_text("id,role\nlin,rep\n")
    rows = ("a,lin,2026-01-05,100,2026-01-05", "b,lin,2026-01-31,200,2026-02-05", "c,lin,2026-01-31,400,2026-02-06")
    (tmp_path / "facts" / "orders.csv").write_text("id,person,signed_on,net_amount,recorded_at\n" + "\n".join(rows))
    files = [
        f"{tmp_path}/a.yaml",
        f"{tmp_path}/b.yaml",
        "--facts",
        f"{tmp_path}/facts",
        "--from",
        "2026-01",
        "--to",
        "2026-02",
    ]
    found = json.loads(CliRunner().invoke(backtest, [*files, "--json"]).output)
    # the 400 were known in February alone
    assert [(one["before"], one["after"]) for one in found["rows"]] == [("30.00", "60.00"), ("40.00", "80.00")]


def test_two_versions_in_one_month_pay_by_the_day_of_the_event(example):
    flat = (example / "policy.yaml").read_text().split("incentive:")[0] + (
        "incentive: [{id: p, role: rep, components: "
        "[{id: c, kind: commission, basis: bookings, period: month, rate: %s}]}]\n"
    )
    first = flat.replace("to: null", "to: 2026-03-05") % "3%"
    second = flat.replace("1.0.0", "1.1.0").replace("from: 2026-01-01", "from: 2026-03-05") % "4%"
    files = []
    for name, text in (("v1.yaml", first), ("v2.yaml", second)):
        (example / name).write_text(text)
        files.append(load(example / name)[0])
    folders = [(one, read_folder(one, example / "facts")) for one in files]
    found = reckon(*folders[1], files[1].calendar.parse("2026-03"), versions=folders[:1])
    assert lines(found, "lin")["c"] == "3600.00", "SO-2 of 2 March under the first version"
    assert lines(found, "zhou")["c"] == "400.00", "SO-3 of 5 March under the second"


def test_a_goal_with_bands_is_assessed_from_the_facts_before(example):
    text = (example / "policy.yaml").read_text().replace("from: 2026-01-01", "from: 2025-01-01")
    (example / "policy.yaml").write_text(
        text.replace("{method: assigned}}", "{method: assigned}, check: {stretch: [0%, 20%]}}")
    )
    orders = example / "facts" / "orders.csv"
    more = "".join(f"OLD-{q},lin,,2025-{3 * q:02d}-05,200000,signed\n" for q in (1, 2, 3, 4))
    orders.write_text(orders.read_text() + more)
    made = next(one for one in calc(example)["reasonableness"] if one["person"] == "lin")
    stretch = made["checks"][0]
    assert (stretch["name"], stretch["value"], stretch["verdict"]) == ("stretch", "0.25", "above")

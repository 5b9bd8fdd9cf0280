"""`xiaoguan calc`, `policy diff` and `policy backtest`: the engine alone, from files, or a back-test on records."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


def _read(file: Path) -> Any:
    """A policy without errors; otherwise its issues go to stderr and the command ends with 1."""
    from xiaoguan.base.issues import has_errors
    from xiaoguan.policy import check, load

    policy, issues = load(file)
    issues = [*issues, *(check(policy) if policy else [])]
    if policy is None or has_errors(issues):
        for issue in issues:
            if issue.level == "error":
                click.echo(str(issue), err=True)
        raise SystemExit(1)
    return policy


@click.command("calc")
@click.option("--policy", "files", type=FILE, required=True, multiple=True, help="The policy; again for a version.")
@click.option("--facts", "folder", type=FOLDER, required=True, help="Folder of CSV or Parquet files.")
@click.option("--period", "label", required=True, help="Such as 2026-03, 2026-Q1 or 2026.")
@click.option("--person", default="", help="Only this id of people.csv.")
@click.option(
    "--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="Today: goals, pace and warnings count what came before it."
)
@click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
def calc(files: tuple[Path, ...], folder: Path, label: str, person: str, day: Any, json_: bool) -> None:
    """Statements, goals and appraisals from a policy and a folder of facts, without a database."""
    from xiaoguan.base.issues import has_errors
    from xiaoguan.policy.folder import read_folder
    from xiaoguan.policy.reckon import reckon

    policies = sorted((_read(file) for file in files), key=lambda one: one.header.effective.start)
    if len({one.id for one in policies}) > 1 or len({one.version for one in policies}) < len(policies):
        raise click.BadParameter("these are not versions of one policy", param_hint="--policy")
    for early, late in pairwise(policies):
        start, end = late.header.effective.start, early.header.effective.end
        if start == early.header.effective.start or (end is not None and start < end):
            message = f"versions {early.version} and {late.version} are both in force on {start}"
            raise click.BadParameter(f"{message}; end one where the other begins", param_hint="--policy")
    try:
        period = policies[-1].calendar.parse(label)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--period") from None
    policy = ([one for one in policies if one.header.effective.start < period.end] or policies)[-1]
    facts = read_folder(policy, folder)
    versions = [(one, read_folder(one, folder)) for one in policies if one is not policy]
    if person and person not in facts.people:
        raise click.BadParameter(f"{person!r} is not in people.csv", param_hint="--person")
    today: date | None = day.date() if day else None
    read = list(dict.fromkeys(issue for of in (facts, *(one for _, one in versions)) for issue in of.issues))
    found = {} if has_errors(read) else reckon(policy, facts, period, person, today, versions)
    issues = found["issues"] if found else [issue.to_json() for issue in read]
    if json_:
        _write(found or {"issues": issues})
    _say(found, issues, json_)
    if has_errors(read):
        raise SystemExit(1)


def _say(found: dict[str, Any], issues: list[dict[str, Any]], json_: bool) -> None:
    from xiaoguan.base.issues import Issue

    for issue in issues:
        click.echo(str(Issue.from_json(issue)), err=True)
    if json_ or not found:
        return
    for one in found["statements"]:
        click.echo(f"{one['name']} ({one['role']})  {one['period']}  {one['total']} {found['currency']}")
        for line in one["lines"]:
            shown = "missing" if line["value"] is None else line["value"]
            click.echo(
                f"  {line['label']:<24} {shown:>16}   {line['note'] if line['value'] is None else line['formula']}"
            )
    for goal in found["goals"]:
        whose = goal["person"] or goal["team"] or "company"
        actual, target, reached = (goal[key] or "missing" for key in ("actual", "target", "attainment"))
        click.echo(f"{goal['goal']}  {whose}  {actual} of {target}  attainment {reached}")
    for one in found["appraisals"]:
        score, grade = one["score"] or "missing", one["grade"] or "none"
        click.echo(f"{one['appraisal']}  {one['name']}  {one['period']}  score {score}  grade {grade}")
    for one in found["warnings"]:
        if one["holds"]:
            whose = one["customer"] or one["person"] or one["team"] or "company"
            click.echo(f"warning {one['name'] or one['rule']}  {whose}  {one['value']} {one['bound']}")
    for one in found["honours"]:
        click.echo(f"honour {one['rule']}  {one['person']}  {one['period']}  rank {one['rank']}")
    for one in found["forecasts"]:
        whose = one["person"] or one["team"] or "company"
        values = "  ".join(f"{method} {seen['value'] or '-'}" for method, seen in one["methods"].items())
        click.echo(f"forecast {one['period']}  {whose}  goal {one['goal'] or '-'}  so far {one['actual']}  {values}")
    click.echo(f"total {found['total']} {found['currency']}")


@click.command("diff")
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
def diff(before: Path, after: Path, json_: bool) -> None:
    """What changes in meaning from BEFORE to AFTER: wording, parameter or structure, and what it touches."""
    from xiaoguan.policy.compare import diff as changes_between

    changes = changes_between(_read(before), _read(after))
    if json_:
        _write([change.to_json() for change in changes])
        return
    for change in changes:
        click.echo(str(change))
    click.echo(f"{len(changes)} changes")


@click.command("backtest")
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option("--facts", "folder", type=FOLDER, help="Folder of CSV or Parquet files; without it the database.")
@click.option("--from", "first", required=True, help="First period, such as 2026-01.")
@click.option("--to", "last", required=True, help="Last period of the same kind.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
def backtest(before: Path, after: Path, folder: Path | None, first: str, last: str, json_: bool) -> None:
    """What BEFORE and AFTER would have paid on the same facts, by person and in total."""
    policies = _read(before), _read(after)
    try:
        start, end = (policies[0].calendar.parse(label) for label in (first, last))
        if start.kind != end.kind or end.start < start.start:
            raise ValueError(f"{first} and {last} are not a first and a last period of one kind")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--from, --to") from None
    periods = [start]
    while periods[-1].end < end.end:
        periods.append(policies[0].calendar.period(start.kind, periods[-1].end))
    found = _on_folder(policies, periods, folder) if folder else _on_database(policies, periods)
    _say_compared(found.to_json(policies[0].currency), json_)


def _on_database(policies: tuple[Any, Any], periods: list[Any]) -> Any:
    """Over the records of this installation, as they are now."""
    import os

    import django
    from django.db import OperationalError, ProgrammingError

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xiaoguan.project.settings")
    django.setup()
    from xiaoguan.rulebook.workshop.trying import tried

    try:
        return tried(*policies, periods).found
    except (OperationalError, ProgrammingError) as error:
        if "no such table" in str(error) or "does not exist" in str(error):
            raise click.UsageError("The database is not prepared yet. Run: xiaoguan init") from None
        raise


def _on_folder(policies: tuple[Any, Any], periods: list[Any], folder: Path) -> Any:
    """Both as if they had been in force in those periods, without corrections of closed ones, as on the database."""
    from xiaoguan.base.issues import has_errors
    from xiaoguan.policy.compare import backtest as compared
    from xiaoguan.policy.compare import goals_met, in_force_over
    from xiaoguan.policy.folder import read_folder
    from xiaoguan.policy.reckon import work_out_goals

    policies = in_force_over(policies[0], periods), in_force_over(policies[1], periods)
    folders = {policy.sha256: read_folder(policy, folder) for policy in policies}
    issues = [issue for one in folders.values() for issue in one.issues if issue.level == "error"]
    for issue in dict.fromkeys(issues):
        click.echo(str(issue), err=True)
    if has_errors(issues):
        raise SystemExit(1)
    for policy in policies:
        read = folders[policy.sha256]
        read.world.book.ledger = ()
        given, goals = read.world.goals, dict(read.world.goals)
        for period in periods:
            read.world.goals = given
            work_out_goals(policy, read, period)
            goals |= read.world.goals
        read.world.goals = goals
    people = [who for _, who in sorted(folders[policies[0].sha256].people.items())]
    at = {
        (policy.sha256, period): folders[policy.sha256].at_close(policy, period)
        for policy in policies
        for period in periods
    }
    late = any(world is not folders[sha].world for (sha, _), world in at.items())
    found = compared(
        *policies,
        people,
        periods,
        lambda policy: folders[policy.sha256].world,
        (lambda policy, period: at[policy.sha256, period]) if late else None,
    )
    met = [goals_met(policy, people, periods, folders[policy.sha256].world) for policy in policies]
    return replace(found, goals=dict(zip(("before", "after"), met, strict=True)))


def _say_compared(data: dict[str, Any], json_: bool) -> None:
    if json_:
        _write(data)
        return
    for row in data["rows"]:
        click.echo(f"{row['name']:<20} {row['period']:<10} {row['before']:>14} {row['after']:>14} {row['change']:>14}")
    click.echo(f"{'total':<31} {data['total']['before']:>14} {data['total']['after']:>14}")
    for one in data["warnings"].values():
        times = ["-" if one[side] is None else str(one[side]) for side in ("before", "after")]
        why = f"  cannot be told: {one['unknown']}" if times == ["-", "-"] else ""
        click.echo(f"warning {one['name']:<23} {times[0]:>14} {times[1]:>14}{why}")
        for side, _key, name, period, value, bound, _owner in one["found"]:
            click.echo(f"  {side:<8} {period:<10} {name or 'company':<20} {value} {bound}")
    for goal, sides in data["goals"].items():
        met = [f"{sides[side]['met']} of {sides[side]['of']}" if side in sides else "-" for side in ("before", "after")]
        click.echo(f"goals met {goal:<21} {met[0]:>14} {met[1]:>14}")
    for jump in data["jumps"]:
        click.echo(f"{jump['component']}: at {jump['bound']} one unit more pays {jump['pays']}")


def _write(data: Any) -> None:
    import orjson

    sys.stdout.write(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode() + "\n")

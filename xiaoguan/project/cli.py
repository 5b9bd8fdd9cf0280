"""The command line: the same names and the same exit codes for people, programs and tests.

0 done · 1 the data or the policy has issues, which are listed · 2 wrong use. Problems go to stderr in words; with
--json one JSON document goes to stdout, amounts as decimal text in major units, ratios as decimal text.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

import click
import orjson

from xiaoguan.project.calc import backtest, calc, diff

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xiaoguan.project.settings")

as_json = click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
PATH = click.Path(path_type=Path)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


def _start() -> None:
    import django

    django.setup()


def database(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command that reads or writes the database: Django is set up, what it saves is marked as done by a command."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        _start()
        from django.db import OperationalError, ProgrammingError

        from xiaoguan.desk.events import acting

        try:
            with acting(None, "command"):
                _keep_up()
                return command(*args, **kwargs)
        except (OperationalError, ProgrammingError) as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                fail("The database is not prepared yet. Run: xiaoguan init", 2)
            raise

    return wrapped


def _keep_up() -> None:
    """The company's own fields on the models, where the database is prepared."""
    from xiaoguan.desk.custom import columns, live

    if "desk_definitionstamp" in columns.tables():
        live.refresh()


def say(data: Any, json_: bool, text: Callable[[], Iterable[str]]) -> None:
    if json_:
        sys.stdout.write(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        for line in text():
            click.echo(line)


def fail(message: str, code: int = 1) -> None:
    click.echo(message, err=True)
    raise SystemExit(code)


def issues_to_stderr(issues: Iterable[Any]) -> None:
    for issue in issues:
        click.echo(str(issue), err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="xiaoguan")
def main() -> None:
    """销管 Xiaoguan: the company's sales rulebook as a document that runs."""


# Running


@main.command()
@click.option("--demo", "with_demo", is_flag=True, help="And the demo company, if there is nobody in the database yet.")
@database
def init(with_demo: bool) -> None:
    """Prepare the database and the page files; safe to repeat."""
    from django.conf import settings
    from django.core.management import call_command

    from xiaoguan.people.roles import ensure_roles

    settings.HOME.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    ensure_roles()
    if settings.STATICFILES_DIRS:
        from xiaoguan.project.assets import collect

        collect()
    if with_demo:
        from xiaoguan.people.models import Person
        from xiaoguan.project.demo import load

        if not Person.objects.exists():
            load()


@main.command()
@click.option("--port", default=8000, show_default=True, envvar="PORT")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--workers", default=1, show_default=True)
@click.option("--jobs/--no-jobs", default=True, show_default=True, help="Keep a process beside that does the jobs.")
def serve(port: int, host: str, workers: int, jobs: bool) -> None:
    """Serve the pages and the API."""
    import gc
    from contextlib import nullcontext

    from django.db import connections
    from granian import Granian
    from granian.constants import Interfaces

    from xiaoguan.project.worker import Keeper

    _start()
    import xiaoguan.project.urls  # the processes that answer are forked from this one, with all that is loaded by now
    import xiaoguan.project.wsgi  # noqa: F401
    from xiaoguan.project.demo import logins

    where = f"http://{host}:{port}"
    click.echo(f"销管 Xiaoguan  {where}")
    for login in logins():
        click.echo(f"  {login['username']:<10} {login['password']:<18} {login['name']}  {login['role']}")
    click.echo("  Ctrl-C stops it.")
    server = Granian(
        "xiaoguan.project.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=1,
        log_enabled=False,
    )
    connections.close_all()
    gc.collect()
    gc.freeze()  # what is loaded stays: no collection looks at it again, and the processes go on sharing its memory
    with Keeper() if jobs else nullcontext():
        server.serve()


@main.command()
@click.option("--once", is_flag=True, help="Do what waits, then end.")
@click.option("--child", is_flag=True, hidden=True, help="End when the process that started this one is gone.")
@database
def work(once: bool, child: bool) -> None:
    """Do the jobs that wait: imports, exports, reminders. `serve` starts one of these by itself."""
    from xiaoguan.project.worker import work as do

    do(once, child)


@main.command()
@click.option("--if-empty", is_flag=True, help="Only when there is nothing in the database yet.")
@click.option("--months", default=18, show_default=True, type=click.IntRange(1, 60), help="How much history.")
@database
def demo(if_empty: bool, months: int) -> None:
    """Load 示范公司, the demo company, with its history up to today."""
    from xiaoguan.people.models import Person
    from xiaoguan.project.demo import load

    if Person.objects.exists():
        if if_empty:
            return
        fail("There are people in the database already; the demo company goes into an empty one.")
    load(months=months)


@main.command()
@as_json
@database
def doctor(json_: bool) -> None:
    """Say what is wrong with this installation, and how to mend it."""
    from xiaoguan.project.doctor import findings

    found = findings()
    say(
        {"ok": not any(i.level == "error" for i in found), "issues": [i.to_json() for i in found]},
        json_,
        lambda: map(str, found),
    )
    if not found and not json_:
        click.echo("All is well.")
    if any(i.level == "error" for i in found):
        raise SystemExit(1)


@main.command()
@click.argument("file", type=PATH)
@database
def backup(file: Path) -> None:
    """Copy the database into FILE while it is in use (SQLite; for PostgreSQL use pg_dump)."""
    from xiaoguan.project.copies import Unsupported
    from xiaoguan.project.copies import backup as copy

    try:
        copy(file)
    except Unsupported as error:
        fail(str(error))


@main.command()
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Replace the data that are there; they are kept beside it.")
@database
def restore(file: Path, force: bool) -> None:
    """Put a backup in place of the database. Stop the server first."""
    from xiaoguan.project.copies import Unsupported
    from xiaoguan.project.copies import restore as put_back

    try:
        put_back(file, force)
    except Unsupported as error:
        fail(str(error))


@main.group()
def user() -> None:
    """Accounts."""


@user.command("add")
@click.argument("username")
@click.option("--person", required=True, help="Name of the person, or their id in the source system.")
@click.option("--password", help="Asked for when not given.")
@click.option("--role", "roles", multiple=True, help="Role codes to give from today on.")
@database
def user_add(username: str, person: str, password: str | None, roles: tuple[str, ...]) -> None:
    """Give a person an account."""
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError
    from django.utils import timezone

    from xiaoguan.people.models import Account, Role, RoleAssignment
    from xiaoguan.rulebook.lookup import Ambiguous, find_person

    try:
        found = find_person(person)
    except (LookupError, Ambiguous) as error:
        fail(str(error))
    if Account.objects.filter(username=username).exists():
        fail(f"There is an account '{username}' already.")
    secret = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    account = Account(username=username, person=found, email=found.email)
    try:
        validate_password(secret, account)
    except ValidationError as error:
        fail(" ".join(error.messages))
    account.set_password(secret)
    account.save()
    for code in roles:
        role = Role.objects.filter(code=code).first()
        if role is None:
            fail(f"There is no role '{code}'; there are {', '.join(Role.objects.values_list('code', flat=True))}.")
        RoleAssignment(person=found, role=role, starts_on=timezone.localdate()).save()


@user.command("password")
@click.argument("username")
@click.option("--password", help="Asked for when not given.")
@database
def user_password(username: str, password: str | None) -> None:
    """Set a new password; whoever is signed in with the old one is signed out."""
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    account = _account(username)
    secret = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        validate_password(secret, account)
    except ValidationError as error:
        fail(" ".join(error.messages))
    account.set_password(secret)
    account.save()


@user.command("lock")
@click.argument("username")
@click.option("--open", "open_", is_flag=True, help="Let them in again.")
@database
def user_lock(username: str, open_: bool) -> None:
    """Keep somebody out from now on; what they did stays."""
    account = _account(username)
    account.is_active = open_
    account.save()


def _account(username: str) -> Any:
    from xiaoguan.people.models import Account

    account = Account.objects.filter(username=username).first()
    if account is None:
        fail(f"There is no account '{username}'.")
    return account


# Import


@main.command("import")
@click.argument("plan", type=FILE)
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of the tables.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, write nothing.")
@click.option("--partial", is_flag=True, help="Load what is right and leave the refused rows out.")
@click.option("--mended", type=FILE, help="A file of refused rows that were mended.")
@as_json
@database
def import_(plan: Path, data: Path, dry_run: bool, partial: bool, mended: Path | None, json_: bool) -> None:
    """Load foreign tables as PLAN maps them. Repeating it changes nothing that is the same."""
    from xiaoguan.desk.plan import run_plan

    if not data.is_dir():
        fail(f"--data {data}: there is no such folder", 2)
    report = run_plan(plan, data, dry_run=dry_run, partial=partial, mended=mended, progress=_progress())
    issues_to_stderr(report.issues)
    say(report.to_json(), json_, report.lines)
    if not report.ok:
        raise SystemExit(1)


def _progress() -> Callable[[str, int, int], None] | None:
    """A bar on stderr when a person watches, nothing otherwise."""
    if not sys.stderr.isatty():
        return None

    def show(table: str, done: int, total: int) -> None:
        share = done / total if total else 1
        bar = "█" * round(share * 30)
        sys.stderr.write(f"\r{table:<28.28} {bar:<30} {done:>9,} / {total:,}" + ("\n" if done >= total else ""))
        sys.stderr.flush()

    return show


# Policy


@main.group()
def policy() -> None:
    """The rulebook: check, read, adopt."""


def _read_policy(file: Path, schemas: bool = True) -> Any:
    _start()
    from xiaoguan.base.issues import has_errors
    from xiaoguan.rulebook.versions import examine

    document, issues = examine(file.read_text(encoding="utf-8", errors="replace"), str(file))
    issues_to_stderr(issues)
    if document is None or has_errors(issues):
        raise SystemExit(1)
    return document, issues


@policy.command("check")
@click.argument("file", type=FILE)
@click.option("--facts", type=FOLDER, help="Check it against this folder of facts, as calc reads it.")
@as_json
def policy_check(file: Path, facts: Path | None, json_: bool) -> None:
    """Check a document: every issue at once, with line and remedy."""
    _start()
    from xiaoguan.base.issues import has_errors
    from xiaoguan.policy.folder import examine_with
    from xiaoguan.rulebook.versions import examine

    text = file.read_text(encoding="utf-8", errors="replace")
    document, issues = examine_with(text, facts, str(file)) if facts else examine(text, str(file))
    ok = document is not None and not has_errors(issues)
    issues_to_stderr([] if json_ else issues)
    say(
        {"ok": ok, "issues": [i.to_json() for i in issues]},
        json_,
        lambda: [f"{file}: {'in order' if ok else 'not in order'}"],
    )
    if not ok:
        raise SystemExit(1)


@policy.command("explain")
@click.argument("file", type=FILE)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@as_json
def policy_explain(file: Path, lang: str, json_: bool) -> None:
    """Say what a document means, clause by clause, in plain sentences."""
    from xiaoguan.policy.prose import explain_text

    document, _issues = _read_policy(file)
    clauses = explain_text(document, lang)
    say(
        [{"path": c.path, "line": c.line, "title": c.title, "text": c.text} for c in clauses],
        json_,
        lambda: [f"{c.title}\n  {c.text}" for c in clauses],
    )


@policy.command("show")
@as_json
@database
def policy_show(json_: bool) -> None:
    """The adopted versions, the newest first."""
    from xiaoguan.rulebook.versions import versions

    rows = [
        {
            "policy": v.policy_id,
            "version": v.number,
            "name": v.name,
            "from": v.effective_from.isoformat(),
            "to": v.effective_to.isoformat() if v.effective_to else None,
            "digest": v.digest,
        }
        for v in versions()
    ]
    say(
        rows, json_, lambda: [f"{r['policy']} {r['version']}  {r['from']} – {r['to'] or ''}  {r['name']}" for r in rows]
    )


@policy.command("cases")
@click.argument("file", type=FILE)
@as_json
def policy_cases(file: Path, json_: bool) -> None:
    """Run the given/expect cases of FILE."""
    from xiaoguan.policy.cases import run_cases

    results = run_cases(file)
    failed = [r for r in results if not r.passed]
    say(
        [r.to_json() for r in results],
        json_,
        lambda: [*(str(r) for r in results), f"{len(results) - len(failed)} passed, {len(failed)} failed"],
    )
    if failed:
        raise SystemExit(1)


@policy.command("adopt")
@click.argument("file", type=FILE)
@as_json
@database
def policy_adopt(file: Path, json_: bool) -> None:
    """Bring a document into force from its own date on. The same document again changes nothing."""
    from xiaoguan.rulebook.versions import Refused, adopt_file

    try:
        version, issues, new = adopt_file(file)
    except Refused as error:
        issues_to_stderr(error.issues)
        say({"adopted": False, "issues": [i.to_json() for i in error.issues]}, json_, lambda: [])
        raise SystemExit(1) from error
    issues_to_stderr(issues)
    say(
        {
            "adopted": True,
            "new": new,
            "policy": version.policy_id,
            "version": version.number,
            "from": version.effective_from.isoformat(),
        },
        json_,
        lambda: [f"{version} is {'adopted' if new else 'adopted already'}, in force from {version.effective_from}"],
    )


# Reckoning


@main.command()
@click.argument("period")
@click.option("--policy", "policy_id", help="Id of the policy, where several are in force.")
@as_json
@database
def run(period: str, policy_id: str | None, json_: bool) -> None:
    """Reckon metrics, attainment and earnings of everybody for PERIOD and keep them with their inputs."""
    from xiaoguan.rulebook.reckoning import CannotReckon, reckon

    try:
        outcomes = reckon(period, policy_id)
    except CannotReckon as error:
        fail(str(error))
    for outcome in outcomes:
        issues_to_stderr(outcome.issues)
    say(
        {"period": period, "runs": [o.to_json() for o in outcomes]},
        json_,
        lambda: [str(o) for o in outcomes],
    )


@main.command()
@click.argument("name")
@click.option("--period", required=True)
@click.option("--by", "dimension", help="person, team, territory, territory_group, customer, product, category, …")
@click.option("--policy", "policy_id")
@as_json
@database
def metric(name: str, period: str, dimension: str | None, policy_id: str | None, json_: bool) -> None:
    """The value of a metric now, as a whole or broken down."""
    from xiaoguan.rulebook.asking import CannotAnswer, metric_rows

    try:
        answer = metric_rows(name, period, dimension, policy_id)
    except CannotAnswer as error:
        fail(str(error))
    say(answer, json_, lambda: _table(answer["rows"] if dimension else [answer]))


@main.command()
@click.option("--goal", required=True)
@click.option("--period", required=True)
@click.option(
    "--by", "dimension", type=click.Choice(["person", "team", "company"]), default="company", show_default=True
)
@click.option("--policy", "policy_id")
@as_json
@database
def attainment(goal: str, period: str, dimension: str, policy_id: str | None, json_: bool) -> None:
    """Actual, goal and attainment of everybody, of the teams or of the company."""
    from xiaoguan.rulebook.asking import CannotAnswer, attainment_rows

    try:
        answer = attainment_rows(goal, period, dimension, policy_id)
    except CannotAnswer as error:
        fail(str(error))
    say(answer, json_, lambda: _table(answer["rows"]))


@main.command()
@click.argument("person")
@click.option("--period", required=True)
@click.option("--policy", "policy_id")
@as_json
@database
def statement(person: str, period: str, policy_id: str | None, json_: bool) -> None:
    """What a person earned in a period, line by line. PERSON is an id in the source system or a name."""
    from xiaoguan.rulebook.asking import CannotAnswer, statement_of

    try:
        answer = statement_of(person, period, policy_id)
    except CannotAnswer as error:
        fail(str(error))
    say(
        answer,
        json_,
        lambda: [
            f"{answer['name']}  {answer['period']['label']}  {answer['policy']}",
            *(
                f"  {row['label']:<24} {row['amount']:>16} {answer['currency']}   result {row['result']}"
                for row in answer["lines"]
            ),
            f"  {'total':<24} {answer['total']:>16} {answer['currency']}",
        ],
    )


@main.command()
@click.argument("result", type=int)
@as_json
@database
def explain(result: int, json_: bool) -> None:
    """Open a stored result down to its records."""
    from xiaoguan.rulebook.asking import CannotAnswer, explanation_of

    try:
        answer = explanation_of(result)
    except CannotAnswer as error:
        fail(str(error))
    say(answer, json_, lambda: _tree(answer["line"]))


# Closing


STATES = ("calculated", "reviewed", "approved", "locked", "paid")


@main.command()
@click.argument("period")
@click.option("--to", "state", type=click.Choice(STATES), default="calculated", show_default=True, help="How far.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="Day of payment, for --to paid; today.")
@click.option("--policy", "policy_id", default="", help="Id of the policy, where several pay.")
@as_json
@database
def close(period: str, state: str, day: Any, policy_id: str, json_: bool) -> None:
    """Take the steps of the pay period PERIOD that are left up to a state: calculate, review, approve, lock, pay."""
    from xiaoguan.base.money import format_units
    from xiaoguan.rulebook import closing

    try:
        found = closing.pay_period(period, policy_id)
        closing.bring_to(found, state, day.date() if day else None)
    except closing.CannotClose as error:
        fail(str(error))
    total = None if found.total is None else format_units(found.total.units, found.currency)
    told: dict[str, Any] = {
        "period": found.label,
        "policy": found.policy_key,
        "state": found.state,
        "run": found.run_id,
        "total": total,
        "currency": found.currency,
        "people": found.people,
        "exceptions": found.exceptions,
        "snapshot": found.snapshot,
        "snapshot_digest": found.snapshot_digest,
    }
    words = f"{found.label} {found.policy_key}: {found.state}, {found.people} statements, {total} {found.currency}"
    say(told, json_, lambda: [words])


@main.command()
@click.argument("period")
@click.option(
    "--to",
    "state",
    type=click.Choice(("rating", "calculated", "calibrated", "locked")),
    default="calculated",
    show_default=True,
    help="How far.",
)
@click.option("--appraisal", default="", help="Id of the appraisal, where the policy has several.")
@click.option("--policy", "policy_id", default="", help="Id of the policy, where several appraise.")
@as_json
@database
def appraise(period: str, state: str, appraisal: str, policy_id: str, json_: bool) -> None:
    """Take the steps of the appraisal of PERIOD that are left up to a state: ask raters, calculate, calibrate, lock."""
    from xiaoguan.appraisal import cycles

    try:
        found = cycles.cycle_for(period, policy_id, appraisal)
        cycles.bring_to(found, state)
    except cycles.CannotAppraise as error:
        fail(str(error))
    told = cycles.told(found)
    words = [f"{one['name']}  score {one['score']}  grade {one['grade']}" for one in told["people"]]
    say(told, json_, lambda: [f"{found.label} {found.policy_key} {found.appraisal}: {found.state}", *words])


@main.command()
@click.argument("period")
@click.option("--policy", "policy_id", default="", help="Id of the policy, where several pay.")
@as_json
@database
def reproduce(period: str, policy_id: str, json_: bool) -> None:
    """Calculate a locked period again from its snapshot alone, and compare every line with what was stored."""
    from xiaoguan.rulebook import closing

    try:
        found = closing.known_period(period, policy_id)
        again = closing.reproduce(found)
    except closing.CannotClose as error:
        fail(str(error))
    told = {
        "period": found.label,
        "policy": found.policy_key,
        "results": again.results,
        "engine": again.engine,
        "different": [
            {"kind": d.kind, "name": d.name, "person": d.person, "stored": d.stored, "again": d.again}
            for d in again.different
        ],
    }
    say(told, json_, lambda: [str(again), *(f"  {d.kind} {d.name} of person {d.person}" for d in again.different)])
    if again.different:
        raise SystemExit(1)


def _table(rows: list[dict[str, Any]]) -> Iterable[str]:
    for row in rows:
        yield "  ".join(str(value) for key, value in row.items() if key not in ("records", "period"))


def _tree(line: dict[str, Any], depth: int = 0) -> Iterable[str]:
    pad = "  " * depth
    yield f"{pad}{line['label']}  {line['text']}" + (f"   {line['formula']}" if line["formula"] else "")
    for record in line["records"]:
        yield f"{pad}  · {record['label']}  {record['text']}"
    for part in line["parts"]:
        yield from _tree(part, depth + 1)


main.add_command(calc)
policy.add_command(diff)
policy.add_command(backtest)


if __name__ == "__main__":
    main()

"""`xiaoguan close` and `xiaoguan reproduce`: a pay period on the command line, and that a locked one stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from xiaoguan.project.cli import as_json, database, fail, say

STATES = ("calculated", "reviewed", "approved", "locked", "paid")


@click.command("close")
@click.argument("period")
@click.option("--to", "state", type=click.Choice(STATES), default="calculated", show_default=True, help="How far.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="Day of payment, for --to paid; today.")
@click.option("--policy", "policy_id", default="", help="Id of the policy, where several pay.")
@as_json
@database
def close(period: str, state: str, day: datetime | None, policy_id: str, json_: bool) -> None:
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


@click.command("reproduce")
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
        "different": [
            {"kind": d.kind, "name": d.name, "person": d.person, "stored": d.stored, "again": d.again}
            for d in again.different
        ],
    }
    say(told, json_, lambda: [str(again), *(f"  {d.kind} {d.name} of person {d.person}" for d in again.different)])
    if again.different:
        raise SystemExit(1)

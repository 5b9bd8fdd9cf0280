"""Published worked examples, word for word, through the engine: `make examples` prints each with expected and obtained.

The examples are `spec/worked-examples.json` of the folder that XIAOGUAN_SHARED names (../shared if it is not set). Each
function below takes one example's inputs and what is expected, and gives what the engine makes of them in the same
shape; tests/policy/test_worked_examples.py runs the same functions.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

from xiaoguan.base.explain import Line, Statement
from xiaoguan.base.ledger import Entry
from xiaoguan.base.money import Money, allocate, minor_unit, round_to
from xiaoguan.base.periods import Calendar, YearEnd
from xiaoguan.policy import (
    Policy,
    RowsWorld,
    Who,
    attainment,
    load_text,
    pace,
    person_quota,
    plan,
    proration,
    ramp,
    shares,
    statement,
    statistics,
)
from xiaoguan.policy.appraisal import Rating, appraise
from xiaoguan.policy.goals import season_index
from xiaoguan.policy.reckon import decimal
from xiaoguan.policy.tiers import Band, marginal
from xiaoguan.policy.world import Book, Span

ROOT = Path(__file__).parents[1]
FILE = Path(os.environ.get("XIAOGUAN_SHARED", ROOT.parent / "shared")) / "spec" / "worked-examples.json"
Example = Callable[[Any, Any], Any]
EXAMPLES: dict[str, Example] = {}


def example(name: str) -> Callable[[Example], Example]:
    """Register the function that works one example out."""

    def add(function: Example) -> Example:
        EXAMPLES[name] = function
        return function

    return add


# Small policies and worlds

HEAD = "policy: {id: example, name: Example, version: %s, effective: {from: %s, to: %s}, currency: %s%s}\n"
SALES = """metrics:
  sales: {name: Sales, type: amount, from: orders, value: "sum(net_amount)", date: signed_on}
  profit: {name: Profit, type: amount, from: orders, value: "sum(net_amount - cost)", date: signed_on}
  income: {name: Income, type: amount, from: payments, value: "sum(amount)", date: received_on}
goals:
  - {id: quota, metric: sales, period: month, target: {method: assigned}}
  - {id: income_goal, metric: income, period: month, target: {method: assigned}}
"""


def policy(body: str, start: str = "1990-01-01", end: str = "null", version: str = "1.0.0", money: str = "") -> Policy:
    """A policy that must load."""
    found, issues = load_text(
        HEAD % (version, start, end, money.partition("|")[0] or "USD", money.partition("|")[2]) + body
    )
    assert found is not None, issues
    return found


def plan_of(components: str, more: str = "", **options: str) -> Policy:
    """A policy with one plan."""
    return policy(f"{SALES}incentive:\n  - id: plan\n    components: [{components}]\n{more}", **options)


def commission(tiers: str, rest: str = "basis: sales, period: month") -> str:
    return f"{{id: pay, kind: commission, {rest}, tiers: {{{tiers}}}}}"


def rates(tiers: Sequence[Mapping[str, str | None]]) -> str:
    return "rates: [" + ", ".join(f"{{from: {tier['lower']}, rate: {tier['rate']}}}" for tier in tiers) + "]"


def units(text: str | int) -> int:
    return Money(text, "USD").units


def shown(value: int | Fraction | None) -> str:
    """Money as the examples write it: two decimals."""
    assert value is not None and Fraction(value) == int(value)
    return str(Money.of_units(int(value), "USD"))


def order(amount: str | int, day: str = "2026-01-10", number: object = 1, **fields: object) -> dict[str, object]:
    row = {"id": str(number), "net_amount": units(amount), "signed_on": date.fromisoformat(day), "person": "p"}
    return {**row, **fields}


def world(
    found: Policy, orders: Sequence[Mapping[str, object]], goals: Mapping[str, int] | None = None, **tables: Any
) -> RowsWorld:
    book = tables.pop("book", None)
    quotas = {("quota", "p", label): value for label, value in (goals or {}).items()}
    return RowsWorld(found, {"orders": orders, **tables}, quotas, book=book)


def paid(found: Policy, orders: Sequence[Mapping[str, object]], period: str = "2026-01", **more: Any) -> Statement:
    who = more.pop("who", Who("p", "Payee"))
    result = statement(found, who, found.calendar.parse(period), world(found, orders, **more))
    assert result.check() == [], result.check()
    return result


def line(result: Statement, name: str = "pay") -> Line:
    return next(one for one in result.lines if one.name == name)


# Rate tables


@example("tier-step-per-transaction")
def _(given: Any, expected: Any) -> Any:
    found = plan_of(
        commission("mode: per_transaction, by: amount, " + rates(given["tiers"]), "basis: sales, period: quarter")
    )
    each = {t["id"]: paid(found, [order(t["amount"], t["date"])], "2015-Q1").total for t in given["transactions"]}
    every = [order(t["amount"], t["date"], t["id"]) for t in given["transactions"]]
    return {
        "commission": {key: str(money) for key, money in each.items()},
        "total": str(paid(found, every, "2015-Q1").total),
    }


@example("tier-boundary-belongs-to-upper")
def _(given: Any, expected: Any) -> Any:
    found = plan_of(commission("mode: slab, by: amount, " + rates(given["tiers"])))
    paid_for = {a: line(paid(found, [order(a)])).number for a in given["amounts"]}
    table = {units(a): Fraction(r) * units(a) for a, r in expected["rate"].items()}
    exact = {a: round_to(table[units(a)], minor_unit("USD")) == paid_for[a] for a in given["amounts"]}
    return {"rate": {a: expected["rate"][a] if exact[a] else f"pays {shown(paid_for[a])}" for a in given["amounts"]}}


@example("tier-slab-versus-marginal-same-table")
def _(given: Any, expected: Any) -> Any:
    plans = {
        mode: plan_of(commission(f"mode: {mode}, by: amount, " + rates(given["tiers"])))
        for mode in ("slab", "marginal")
    }
    rows = []
    for amount in given["amounts"]:
        slab, parts = (paid(plans[mode], [order(amount)]).total for mode in ("slab", "marginal"))
        rate = decimal(Fraction(slab.units, units(amount)), 6)
        rows.append(
            {"amount": amount, "slab_rate": rate, "slab_commission": str(slab), "marginal_commission": str(parts)}
        )
    return {"rows": rows}


@example("tier-explain-blended-rate")
def _(given: Any, expected: Any) -> Any:
    found = plan_of(commission("mode: marginal, by: amount, " + rates(given["tiers"])))
    one, whole = line(paid(found, [order(given["amount"])])), units(given["amount"])
    table = [Fraction(tier["rate"]) for tier in given["tiers"]]
    parts = []
    for i, part in enumerate((part for part in one.parts if part.adds), 1):
        amount = part.number / table[i - 1]
        shares_ = {"commission": shown(part.number), "share_of_blended_rate": decimal(part.number / whole, 6)}
        parts.append({"tier": i, "amount": decimal(amount / 10_000, 4), "rate": decimal(table[i - 1], 4), **shares_})
    return {"commission": shown(one.number), "blended_rate": decimal(one.number / whole, 6), "parts": parts}


@example("tier-marginal-running-total")
def _(given: Any, expected: Any) -> Any:
    found = plan_of(commission("mode: marginal, by: amount, accumulate: quarter, " + rates(given["tiers"])))
    orders = [order(given["credited_before"], "2026-01-10", 1), order(given["deal_amount"], "2026-02-10", 2)]
    one = line(paid(found, orders, "2026-02"))
    table = [
        Band(Fraction(units(t["lower"])), t["upper"] and Fraction(units(t["upper"])), Fraction(t["rate"]), "")
        for t in given["tiers"]
    ]
    before = units(given["credited_before"])
    inside = [(b, part - dict((x.start, p) for x, p in marginal(before, table)).get(b.start, 0))
              for b, part in marginal(before + units(given["deal_amount"]), table)]  # fmt: skip
    parts = [
        {"tier": table.index(b) + 1, "amount": decimal(p / 10_000, 4), "commission": shown(p * b.rate)}
        for b, p in inside
        if p
    ]
    rate = decimal(one.number / units(given["deal_amount"]), 6)
    return {"commission": shown(one.number), "effective_rate": rate, "parts": parts}


@example("tier-zero-rate-threshold")
def _(given: Any, expected: Any) -> Any:
    found = plan_of(commission("mode: marginal, by: amount, accumulate: quarter, " + rates(given["tiers"])))
    orders = [order(t["amount"], f"2026-0{i}-10", i) for i, t in enumerate(given["transactions"], 1)]
    totals = accumulate(int(t["amount"]) for t in given["transactions"])
    rows = [
        {"id": i, "period_total": str(total), "commission": str(paid(found, orders, f"2026-0{i}").total)}
        for i, total in enumerate(totals, 1)
    ]
    return {"rows": rows}


@example("tier-retroactive-jump")
def _(given: Any, expected: Any) -> Any:
    plans = {
        mode: plan_of(commission(f"mode: {mode}, by: amount, " + rates(given["tiers"])))
        for mode in ("slab", "marginal")
    }
    result = {mode: str(paid(found, [order(given["credited"])]).total) for mode, found in plans.items()}
    from xiaoguan.policy import check

    warning = next(issue.message for issue in check(plans["slab"]) if "jumps by" in issue.message)
    return {**result, "jump_at_boundary": warning.rsplit("jumps by ", 1)[1].replace(",", "")}


@example("tier-marginal-on-gross-profit")
def _(given: Any, expected: Any) -> Any:
    sale = order(int(given["gross_profit"]) + 300, cost=units(300))
    rest = "basis: profit, period: month"
    plans = {
        mode: plan_of(commission(f"mode: {mode}, by: amount, " + rates(given["tiers"]), rest))
        for mode in ("slab", "marginal")
    }
    parts = line(paid(plans["marginal"], [sale])).parts
    by_tier = [shown(part.number) for part in parts if part.adds]
    return {"by_tier": by_tier, **{mode: str(paid(plans[mode], [sale]).total) for mode in ("marginal", "slab")}}


# Goals


@example("attainment-by-interval")
def _(given: Any, expected: Any) -> Any:
    parts = allocate(units(given["annual_target"]), shares("even", [str(i) for i in range(12)]))
    goal = Line("quota", "", parts[0], "money:USD")
    found: dict[str, Any] = {"interval_target": decimal(Fraction(parts[0], 10_000), 2)}
    for name in ("I1", "I2"):
        credited = sum(units(one["amount"]) for one in given["credits"] if one["interval"] == name)
        reached = attainment(Line("credited", "", credited, "money:USD"), goal).number
        found[name] = {"credited": shown(credited)}
        if "attainment" in expected[name]:
            found[name]["attainment"] = str(reached)
        else:
            found[name] |= {"attainment_percent_2dp": decimal(reached * 100, 2), "attainment_fraction": str(reached)}
    return found


@example("quota-even-spread")
def _(given: Any, expected: Any) -> Any:
    parts = allocate(units(given["quarter_quota"]), [1] * given["periods"], 100)
    return {"parts": [shown(part) for part in parts], "total": shown(sum(parts))}


@example("quota-proration-uneven-quarters")
def _(given: Any, expected: Any) -> Any:
    goal = "{id: g, metric: sales, period: year, target: {method: assigned}, proration: {basis: months}}"
    found, calendar = policy(SALES + f"  - {goal}\n"), Calendar()
    quarters = allocate(units(given["annual_quota"]), [Fraction(weight) for weight in given["quarter_weights"]], 100)
    start = date.fromisoformat(given["start"])
    carried = [
        person_quota(full, 1, proration(found.goals[-1], calendar.parse(f"2019-Q{i}"), calendar, start), 100)
        for i, full in enumerate(quarters, 1)
    ]
    whole = str(round_to(sum(carried), 10_000) // 10_000)
    return {"quarters": [shown(one) for one in carried], "total": shown(sum(carried)), "total_whole_unit": whole}


@example("quota-ramp-new-hire")
def _(given: Any, expected: Any) -> Any:
    goal = f"{{id: g, metric: sales, period: year, target: {{method: assigned}}, ramp: [{', '.join(given['ramp'])}]}}"
    found, full = policy(SALES + f"  - {goal}\n"), units(given["full_month_quota"])
    months = [person_quota(full, ramp(found.goals[-1], month), 1) for month in range(3)]
    share = decimal(Fraction(sum(months), 3 * full), 4)
    return {"months": [shown(one) for one in months], "quarter": shown(sum(months)), "share_of_full_quarter": share}


@example("quota-over-assignment")
def _(given: Any, expected: Any) -> Any:
    def street(case: Any) -> str:
        quotas = [person_quota(units(case["month_quota"]), Fraction(case["ramp"]), 1) for _ in range(case["reps"])]
        return str(sum(quotas) // 10_000)

    carried, whole = (Fraction(given["case_c"][key]) for key in ("street_quota", "company_target"))
    factors = {"attainment_factor": decimal(whole / carried, 4), "over_assignment": decimal(carried / whole, 4)}
    return {
        "case_a": {"street_quota": street(given["case_a"])},
        "case_b": {"street_quota": street(given["case_b"])},
        "case_c": factors,
    }


@example("allocate-largest-remainder")
def _(given: Any, expected: Any) -> Any:
    return {"cases": [allocate(case["total_minor"], case["weights"]) for case in given["cases"]]}


@example("allocate-seasonal-whole-units")
def _(given: Any, expected: Any) -> Any:
    index = season_index(given["history"])
    weights = shares("seasonality", list(index), values={"seasonality": index})
    parts = allocate(given["next_year_total"], weights, given["unit"])
    exact = [decimal(given["next_year_total"] * weight, 4) for weight in weights]
    return {
        "index": {k: decimal(v, 6) for k, v in index.items()},
        "exact": exact,
        "allocated": parts,
        "total": sum(parts),
    }


@example("pacing-run-rate")
def _(given: Any, expected: Any) -> Any:
    actual, elapsed, total = units(given["to_date"]), given["days_elapsed"], given["days_total"]
    found = pace(actual, units(given["goal"]), Fraction(elapsed, total), total - elapsed)
    assert found.projected is not None and found.required is not None
    return {
        "run_rate": shown(Fraction(actual, elapsed)),
        "projection": shown(found.projection),
        "projected_attainment_percent_1dp": decimal(found.projected * 100, 1),
        "required_per_remaining_day": shown(round_to(found.required, 100)),
    }


# Calendar


def _span(period: Any) -> list[str]:
    return [str(period.start), str(period.end - timedelta(days=1))]


@example("calendar-fiscal-october")
def _(given: Any, expected: Any) -> Any:
    calendar = Calendar(fiscal_year_starts=(10, 1), label="last_day")
    year = calendar.parse(str(given["fiscal_year"]))
    start, end = _span(year)
    day = str(year.start + timedelta(days=249))
    months = {"q3": _span(calendar.parse("2017-Q3")), "month9": _span(calendar.parse("2017-M09"))}
    return {"start": start, "end": end, **months, "day250": day}


@example("calendar-454-retail")
def _(given: Any, expected: Any) -> Any:
    calendar = Calendar(
        pattern="454", fiscal_year_ends=YearEnd("saturday", 1, 31), label="first_day", week_starts="sunday"
    )
    year = calendar.parse("2018")
    start, end = _span(year)
    months = [_span(month) for month in calendar.children(year, "month")]
    long = [one for one in range(2010, 2024) if calendar.parse(str(one)).days == 53 * 7]
    return {
        "year_2018": {"start": start, "end": end, "weeks": year.days // 7, "months": months},
        "years_with_53_weeks_2010_2023": long,
    }


# Draws, credit, spiffs, bonuses


def _drawn(draw: str, earned: Sequence[tuple[str, str]]) -> list[dict[str, Line]]:
    body = f"    draw: {{kind: recoverable, amount: {draw}}}\n"
    found = plan_of(
        "{id: pay, kind: commission, basis: sales, period: month, rate: 100%}", body, start=f"{earned[0][0]}-01"
    )
    orders = [order(amount, f"{month}-15", month) for month, amount in earned]
    return [{one.name: one for one in paid(found, orders, month).lines} for month, _ in earned]


def _step(lines: Mapping[str, Line], name: str) -> int:
    return int(lines[f"plan.{name}"].number) if f"plan.{name}" in lines else 0


@example("draw-recoverable-monthly")
def _(given: Any, expected: Any) -> Any:
    months = _drawn(given["draw"], [(one["month"], one["earned"]) for one in given["months"]])
    totals = [sum(int(one.number) for one in lines.values()) for lines in months]
    debts = accumulate(_step(lines, "draw") + _step(lines, "recovery") for lines in months)
    return {"paid": [shown(one) for one in totals], "debt_after": [shown(one) for one in debts]}


@example("draw-delayed-recovery")
def _(given: Any, expected: Any) -> Any:
    draw = f"{given['draw']}, months: {given['draw_periods']}, recover_from: {given['recovery_from_period']}"
    months = _drawn(draw, [(f"2026-0{i}", amount) for i, amount in enumerate(given["earned"], 1)])
    drawn = [_step(lines, "draw") for lines in months]
    return {
        "draw_adjustment": [shown(one) for one in drawn],
        "recovery": [shown(-_step(lines, "recovery")) for lines in months],
        "paid": [shown(sum(int(one.number) for one in lines.values())) for lines in months],
        "balance_due": [shown(one) for one in accumulate(drawn)],
    }


@example("credit-split-equal")
def _(given: Any, expected: Any) -> Any:
    rule = "    credit: {payees: [{as: owner, share: 50%}, {as: co_owner, share: 50%}]}\n"
    found = plan_of("{id: pay, kind: commission, basis: sales, period: month, rate: 100%}", rule)
    sale = order(given["order_amount"], person="A", co_owner="B")
    return {"credits": {p: str(paid(found, [sale], who=Who(p, p)).total) for p in ("A", "B")}}


@example("credit-rollup-negative")
def _(given: Any, expected: Any) -> Any:
    rule = "    credit: {payees: [{as: owner, share: 100%}], rollup: [{to: managers}]}\n"
    found = plan_of("{id: pay, kind: commission, basis: sales, period: month, rate: 100%}", rule)
    above = {"Smith": "Bigelow", "Bigelow": "Vice President", "Vice President": ""}
    people = {n: Who(n, n, spans=(Span(date(1990, 1, 1), None, manager=m),)) for n, m in above.items()}
    sale = order(given["credit"]["amount"], given["credit"]["date"], person="Smith")
    book, at = Book(people), "1994-06"
    credits = {n: paid(found, [sale], at, who=people[n], book=book).total for n in above}
    direct = credits["Smith"].units
    total = sum(one.units for one in credits.values()) - direct
    return {
        "credits": {n: str(money) for n, money in credits.items()},
        "direct_total": shown(direct),
        "rollup_total": shown(total),
    }


@example("spiff-every-qualifying-order")
def _(given: Any, expected: Any) -> Any:
    rule = given["rule"]
    where = f"product == '{rule['product']}' and quantity >= {rule['min_quantity']}"
    end = date.fromisoformat(rule["valid"][1]) + timedelta(days=1)
    found = plan_of(
        f"{{id: pay, kind: spiff, from: order_lines, date: signed_on, valid: {{from: {rule['valid'][0]}, to: {end}}}, "
        f'where: "{where}", pay_each: {rule["bonus"]}}}'
    )
    lines = [
        {
            "id": str(i),
            "person": "p",
            "signed_on": date.fromisoformat(o["date"]),
            "product": o["product"],
            "quantity": o["quantity"],
        }
        for i, o in enumerate(given["orders"], 1)
    ]
    months = [o["date"][:7] for o in given["orders"]]
    each = [paid(found, [], month, order_lines=lines).total for month in months]
    return {"paid": [str(one) for one in each], "total": shown(sum(one.units for one in each))}


@example("bonus-curve-gate-and-cap")
def _(given: Any, expected: Any) -> Any:
    revenue = (
        "[[0%, 0%], [80%, 0%], [80%, 15%], [90%, 40%], [90%, 60%], [100%, 85%], [100%, 100%], [105%, 112.5%], "
        "[105%, 125%], [110%, 150%]]"
    )
    income = "[[0%, 0%], [90%, 0%], [90%, 15%], [95%, 40%], [95%, 60%], [100%, 85%], [100%, 100%], [200%, 200%]]"
    each = f"target: {given['target_bonus_each']}, period: month"
    gate = '{when: "attainment(quota) < 100%", effect: {max: 100%}}'
    found = plan_of(
        f"{{id: mbo, kind: bonus, period: month, amount: {given['target_bonus_each']}}}, "
        f"{{id: operating_income, kind: bonus, {each}, gates: [{gate}], "
        f"tiers: {{mode: interpolated, by: attainment, of: income_goal, points: {income}}}}}, "
        f"{{id: revenue, kind: bonus, {each}, "
        f"tiers: {{mode: interpolated, by: attainment, of: quota, points: {revenue}}}}}"
    )
    orders = [order(round(float(given["revenue_vs_plan"]) * 1000))]
    payments = [
        {
            "id": "1",
            "person": "p",
            "received_on": date(2026, 1, 5),
            "amount": units(given["operating_income_vs_plan"]) * 1000,
        }
    ]
    made = world(found, orders, {"2026-01": units(1000)}, payments=payments)
    made.goals = {**made.goals, ("income_goal", "p", "2026-01"): units(1000)}
    result = statement(found, Who("p", "Payee"), found.calendar.parse("2026-01"), made)
    values = {one.name: shown(one.number) for one in result.lines}
    factor = decimal(line(result, "revenue").number / units(given["target_bonus_each"]), 4)
    return {**values, "revenue_factor": factor, "total": str(result.total)}


# Release, currency, claw-back, corrections, versions


@example("lagged-collection-against-origin-quota")
def _(given: Any, expected: Any) -> Any:
    months = {"January": "2026-01", "May": "2026-05", "July": "2026-07"}
    table = f"rates: [{{from: 0, rate: 0%}}, {{from: {given['month_target']}, rate: 100%}}]"
    tiers = f"mode: marginal, by: amount, counts_in: sale, {table}"
    found = plan_of(commission(tiers, "basis: income, period: month"))
    sale = order(given["sold"])
    payments = [
        {
            "id": str(i),
            "person": "p",
            "order": sale["id"],
            "received_on": date.fromisoformat(f"{months[c['month']]}-15"),
            "amount": units(c["amount"]),
        }
        for i, c in enumerate(given["collected"])
    ]
    each = {name: paid(found, [sale], label, payments=payments).total for name, label in months.items()}
    return {
        "paid": {name: str(money) for name, money in each.items()},
        "total": shown(sum(m.units for m in each.values())),
    }


@example("partial-payment-and-currency")
def _(given: Any, expected: Any) -> Any:
    invoice, rate = given["invoice"], given["rate"]
    plain = f"{{id: pay, kind: commission, basis: sales, period: month, rate: {rate}}}"
    released = plan_of(plain, "    pay: {release: {by_collection: 100%}}\n", money="GBP|")
    half = {"id": "1", "order": "1", "amount": units(invoice["amount"]) // 2, "received_on": date(2026, 1, 20)}
    in_dollars = plan_of(plain, money="USD|, fx: {earning: event_date}")
    sale = order(invoice["amount"], currency="GBP")
    dollars = {
        "currency": "GBP",
        "on": date(2026, 1, 10),
        "rate": Fraction(given["fx_on_invoice_date"]["GBPUSD"]),
        "kind": "spot",
    }
    return {
        "commission_gbp": shown(line(paid(released, [sale], payments=[half])).number),
        "commission_usd_fixed": str(paid(in_dollars, [sale], book=Book(rates=[dollars])).total),
        "released_gbp_at_50_percent": str(paid(released, [sale], payments=[half]).total),
    }


@example("clawback-proportional")
def _(given: Any, expected: Any) -> Any:
    full = "{id: pay, kind: commission, basis: sales, period: month, rate: 100%}"

    def taken(share: str, day: str, **fields: object) -> str:
        found = plan_of(full, f"    clawback: {{events: [return], window: 12m, share: {share}}}\n")
        back = {"id": "R", "order": "1", "returned_on": date.fromisoformat(day)}
        result = paid(found, [order(given["case_a"]["earned"], **fields)], day[:7], returns=[back])
        return shown(line(result, "plan.clawback").number)

    b = given["case_b"]
    served = f"2026-{1 + b['months_served']:02d}-10"
    held = plan_of(full, "    pay: {holdback: {share: 30%, release: {after: 90d}}}\n")
    now = paid(held, [order(given["case_c"]["earned"])])
    share = decimal(1 - Fraction(b["months_served"], b["contract_months"]), 4)
    return {
        "case_a": {"adjustment": taken("50%", "2026-03-10")},
        "case_b": {"share": share, "adjustment": taken("proportional", served, term_months=b["contract_months"])},
        "case_c": {"paid_at_sale": str(now.total), "held": shown(-line(now, "plan.holdback").number)},
    }


@example("retro-correction-in-open-period")
def _(given: Any, expected: Any) -> Any:
    table = "rates: [{from: 0, rate: 3%}, {from: 100_000, rate: 5%}]"
    found = plan_of(commission(f"mode: marginal, by: amount, {table}"))
    sale, change = given["january"], given["correction"]
    before = [order(sale["credited"])]
    after = [*before, order(change["deal_amount_change"], change["event_date"], 2)]
    posted = paid(found, before)
    ledger = Book(ledger=[entry for entry in posted.entries if entry.kind != "payout"])
    march = paid(found, after, "2026-03", book=ledger)
    again = Book(
        ledger=[*ledger.ledger, Entry("adjustment", "p", "2026-01", "2026-03", "adjustment", march.total.units)]
    )
    settled = paid(found, after, "2026-04", book=again)
    assert settled.total.units == 0, "running it again in April would correct twice"
    cumulative = posted.total.units + march.total.units
    return {
        "january_recomputed": str(paid(found, after).total),
        "adjustment_in_march": shown(line(march, "adjustment").number),
        "january_statement_after": str(posted.total),
        "cumulative_for_january": shown(cumulative),
    }


@example("policy-version-by-event-date")
def _(given: Any, expected: Any) -> Any:
    from xiaoguan.policy import statement_of_versions

    first, second = given["versions"]
    texts = [(first, second["from"]), (second, "null")]
    versions = [
        plan_of(f"{{id: pay, kind: commission, basis: sales, period: month, rate: {v['rate']}}}",
                start=v["from"], end=end, version=v["version"])
        for v, end in texts
    ]  # fmt: skip
    orders = [order(one["amount"], one["date"], i) for i, one in enumerate(given["credits"])]
    period = versions[0].calendar.parse("2026-03")
    result = statement_of_versions(versions, Who("p", "Payee"), period, lambda found: world(found, orders))
    parts = line(result).parts
    named = [part.source.split(",")[0].removeprefix("example ") for part in parts]
    return {
        "commission": [shown(part.number) for part in parts],
        "total": str(result.total),
        "versions_on_statement": named,
    }


# Pipeline, forecast, customers


@example("pipeline-weighted-stage")
def _(given: Any, expected: Any) -> Any:
    deals = [(units(amount), Fraction(given["stage_probability"])) for amount in given["deals"]]
    return {"total": shown(sum(amount for amount, _ in deals)), "weighted": shown(statistics.weighted_pipeline(deals))}


@example("sales-velocity")
def _(given: Any, expected: Any) -> Any:
    def per_day(cycle: int) -> Fraction:
        found = statistics.velocity(
            given["opportunities"], units(given["average_deal"]), Fraction(given["win_rate"]), cycle
        )
        assert found is not None
        return found

    now, other = per_day(given["cycle_days"]), per_day(given["alternative_cycle_days"])
    quarter = given["period_days"]
    values = {
        "per_day": now,
        "per_quarter": now * quarter,
        "alternative_per_day": other,
        "alternative_per_quarter": other * quarter,
    }
    return {name: shown(round_to(value, 100)) for name, value in values.items()}


@example("pipeline-coverage")
def _(given: Any, expected: Any) -> Any:
    found = statistics.coverage(
        units(given["open_pipeline"]), units(given["remaining_quota"]), Fraction(given["win_rate"])
    )
    assert found.coverage is not None and found.required is not None and found.share is not None
    share = decimal(found.share * 100, 1)
    return {
        "coverage": decimal(found.coverage, 4),
        "required_coverage_2dp": decimal(found.required, 2),
        "expected_won": shown(found.expected),
        "expected_share_of_remaining_percent_1dp": share if "." in share else f"{share}.0",
    }


@example("forecast-wape")
def _(given: Any, expected: Any) -> Any:
    rows = [(Fraction(row["actual"]), Fraction(row["forecast"])) for row in given["rows"]]
    wape, bias = statistics.wape(rows), statistics.bias(rows)
    assert wape is not None and bias is not None
    return {"wape_percent_2dp": decimal(wape * 100, 2), "bias_percent_2dp": decimal(bias * 100, 2)}


@example("forecast-brier-single")
def _(given: Any, expected: Any) -> Any:
    found = statistics.brier([(case["outcome"], Fraction(case["probability"])) for case in given["cases"]])
    assert found is not None
    return {"brier": decimal(found, 6)}


@example("nps")
def _(given: Any, expected: Any) -> Any:
    found = policy('metrics: {n: {name: N, type: score, from: surveys, value: "nps(score)", date: answered_on}}\n')
    scores = [9] * 30 + [3] * 20 + [7] * 50
    rows = [{"id": str(i), "answered_on": date(2026, 1, 5), "score": score} for i, score in enumerate(scores)]
    by_rows = RowsWorld(found, {"surveys": rows}).metric("n", Who("", ""), found.calendar.parse("2026-01")).number
    assert plan(found, "n") and by_rows == statistics.net_promoter(
        Fraction(given["promoter_share"]), Fraction(given["detractor_share"])
    )
    return {"nps": decimal(by_rows, 2)}


@example("retention-logo")
def _(given: Any, expected: Any) -> Any:
    kept = statistics.retention(given["start"], given["end"], given["new"])
    assert kept is not None
    values = {"retention": kept, "acquisition": Fraction(given["new"], given["start"]), "attrition": 1 - kept}
    return {name: f"{float(value):.2f}" for name, value in values.items()}


@example("nrr")
def _(given: Any, expected: Any) -> Any:
    found = statistics.revenue_retention(
        *(Fraction(given[key]) for key in ("starting", "churn", "contraction", "expansion"))
    )
    assert found is not None
    return {"nrr": decimal(found[0], 4), "grr": decimal(found[1], 4)}


@example("clv-retention-model")
def _(given: Any, expected: Any) -> Any:
    margin = Fraction(given["revenue"]) - Fraction(given["variable_cost"]) - Fraction(given["loyalty_cost"])
    found = statistics.clv(margin, Fraction(given["retention"]), Fraction(given["discount"]))
    assert found is not None
    return {"margin": decimal(margin, 2), "clv_4dp": f"{float(found):.4f}"}


@example("rfm-summary")
def _(given: Any, expected: Any) -> Any:
    bought = [(customer, date.fromisoformat(day), value) for customer, day, value in given["transactions"]]
    found = statistics.rfm(bought, date.fromisoformat(given["as_of"]))
    rows = [
        {
            "id": customer,
            "frequency": one.frequency,
            "recency": one.recency,
            "T": one.age,
            "monetary": decimal(one.monetary, 4),
        }
        for customer, one in sorted(found.items(), key=lambda pair: str(pair[0]))
    ]
    return {"rows": rows}


@example("bgnbd-conditional-expectation")
def _(given: Any, expected: Any) -> Any:
    p, c = {k: float(v) for k, v in given["parameters"].items()}, given["customer"]
    found = statistics.bgnbd_expected(
        p["r"], p["alpha"], p["a"], p["b"], c["x"], float(c["t_x"]), float(c["T"]), float(given["horizon"])
    )
    return {"expected_purchases": f"{found:.3f}"}


# Appraisal


@example("appraisal-weighted-two-parts")
def _(given: Any, expected: Any) -> Any:
    items = [
        f"{{id: k{i}, weight: {one['weight']}, raters: {{manager: 100%}}, scale: [0, 100]}}"
        for i, one in enumerate(given["kpi"])
    ]
    score = _appraised(", ".join(items), {f"k{i}": [one["rating"]] for i, one in enumerate(given["kpi"])})
    behaviour = _appraised(
        "{id: b, weight: 100%, raters: {manager: 100%}, scale: [0, 100]}", {"b": given["behaviours"]}
    )
    overall = (score + behaviour) / 2
    return {
        "kpi_score": decimal(score, 6),
        "behaviour_score_2dp": decimal(behaviour, 2),
        "overall_2dp": decimal(overall, 2),
    }


def _appraised(indicators: str, ratings: Mapping[str, Sequence[str]]) -> Fraction:
    body = f"appraisal: [{{id: a, period: month, indicators: [{indicators}], grades: {{A: {{from: 0}}}}}}]\n"
    found = policy(SALES + body)
    given = {name: [Rating("manager", Fraction(one)) for one in values] for name, values in ratings.items()}
    result = appraise(
        found, found.appraisal[0], Who("p", "P"), found.calendar.parse("2026-01"), world(found, []), given
    )
    assert result.score is not None
    return result.score


@example("appraisal-weights-normalised")
def _(given: Any, expected: Any) -> Any:
    # The remaining 50 % is an indicator without ratings: redistribute normalises the others.
    items = [
        f"{{id: g{i}, weight: {one['weight']}%, raters: {{manager: 100%}}, scale: [0, {one['scale']}]}}"
        for i, one in enumerate(given["goals"])
    ]
    items.append("{id: rest, weight: 50%, raters: {manager: 100%}}")
    score = _appraised(", ".join(items), {f"g{i}": [one["score"]] for i, one in enumerate(given["goals"])}) / 100
    return {"share_4dp": decimal(score, 4), "overall_2dp": decimal(score * int(given["overall_scale"]), 2)}


@example("forced-distribution-small-team")
def _(given: Any, expected: Any) -> Any:
    weights = [Fraction(share) for share in given["shares"]]
    return {"counts": {str(size): allocate(size, weights) for size in given["groups"]}}


@example("probability-of-attainment-exact")
def _(given: Any, expected: Any) -> Any:
    deals = [(int(deal["amount"]), Fraction(deal["probability"])) for deal in given["deals"]]
    mean, variance = statistics.moments(deals)
    rows = [
        {"sum": str(total), "probability": decimal(mass, 6)} for total, mass in statistics.distribution(deals).items()
    ]
    exact = statistics.chance_of(int(given["remaining_quota"]), deals)
    chance = statistics.simulate(int(given["remaining_quota"]), deals, runs=20_000, seed=7)
    assert abs(chance.probability - float(exact)) < 4 * chance.standard_error
    return {
        "expected": f"{float(mean):.2f}",
        "standard_deviation_2dp": f"{float(variance) ** 0.5:.2f}",
        "probability": decimal(exact, 6),
        "distribution": rows,
    }


def main() -> int:
    """Print every example with expected and obtained."""
    if not FILE.exists():
        print(f"no worked examples at {FILE}; set XIAOGUAN_SHARED", file=sys.stderr)
        return 2
    passed = failed = 0
    for one in json.loads(FILE.read_text())["examples"]:
        expected = one["expected"]
        try:
            obtained = EXAMPLES[one["id"]](one["inputs"], expected)
        except Exception as error:
            obtained = f"{type(error).__name__}: {error}"
        ok = obtained == expected
        passed, failed = passed + ok, failed + (not ok)
        print(
            f"{'ok  ' if ok else 'FAIL'} {one['id']}: expected {json.dumps(expected)} obtained {json.dumps(obtained)}"
        )
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

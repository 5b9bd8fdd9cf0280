"""Break the engine in twenty named ways, one at a time, in a copy: the tests must catch each (`make mutants`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("xiaoguan", "tests", "policies", "examples", "scripts", "docs", "pyproject.toml")


@dataclass(frozen=True)
class Mutant:
    """One way to break the engine: what it is called, the edit, and the tests that should see it."""

    name: str
    file: str
    old: str
    new: str
    tests: str


P, B = "xiaoguan/policy/", "xiaoguan/base/"
SETTLE, EARN, RATES = (
    "tests/policy/test_settle.py",
    "tests/policy/test_incentive.py",
    "tests/policy/test_worked_examples.py",
)
MUTANTS = (
    Mutant(
        "a value on the boundary takes the lower tier",
        f"{P}tiers.py",
        "if band.start <= reach]",
        "if band.start < reach]",
        RATES + " " + EARN,
    ),
    Mutant(
        "half to even instead of half up",
        f"{B}money.py",
        "whole = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator) * unit",
        "whole = round(exact) * unit",
        "tests/base/test_money.py",
    ),
    Mutant(
        "slab paid for marginal",
        f"{P}tiers.py",
        'if mode == "marginal":\n        return sum',
        'if mode == "nothing":\n        return sum',
        RATES + " " + EARN,
    ),
    Mutant(
        "a reversal has the sign of the sale",
        f"{B}money.py",
        "sign = -1 if total < 0 else 1",
        "sign = 1",
        "tests/base/test_money.py " + SETTLE,
    ),
    Mutant(
        "missing counts as 0",
        f"{P}formula/evaluating.py",
        "        a, b = left(row), right(row)\n",
        "        a, b = left(row) or 0, right(row) or 0\n",
        "tests/policy/test_formula.py",
    ),
    Mutant(
        "the later part gets the unit of a tie",
        f"{B}money.py",
        "key=lambda i: (counts[i] - exact[i], i)",
        "key=lambda i: (counts[i] - exact[i], -i)",
        "tests/base/test_money.py " + RATES,
    ),
    Mutant(
        "the last day of a period belongs to the next",
        f"{B}periods.py",
        "return self.start <= day < self.end",
        "return self.start <= day < self.end - _DAY",
        EARN + " tests/base/test_periods.py",
    ),
    Mutant(
        "a window forgets what it earned earlier",
        f"{P}earning/commission.py",
        "value = int(to_date.number + before.number)",
        "value = int(to_date.number)",
        EARN,
    ),
    Mutant(
        "a blocked component pays",
        f"{P}earning/limits.py",
        "if effect.block:\n            after = Fraction(0)",
        "if effect.block:\n            after = exact",
        SETTLE,
    ),
    Mutant("a grade feeds pay before it is locked", f"{P}world.py", ' and row.get("locked", True)', "", SETTLE),
    Mutant("overlays for attainment are paid", f"{P}credit.py", "if purpose in one.counts]", "if one.counts]", SETTLE),
    Mutant(
        "the company counts credits instead of events",
        f"{P}credit.py",
        "if not who.key or not is_shared(policy, world):",
        "if not is_shared(policy, world):",
        SETTLE,
    ),
    Mutant(
        "the excess over a cap is lost where it carries",
        f"{P}settle.py",
        "self.state.carry = due - after",
        "self.state.carry = 0",
        SETTLE,
    ),
    Mutant(
        "a debt is never repaid",
        f"{P}settle.py",
        "self.state.debt -= repaid",
        "self.state.debt -= 0",
        SETTLE + " " + RATES,
    ),
    Mutant(
        "more is taken back than was paid",
        f"{P}settle.py",
        "currency), self.paid - self.taken), 0)",
        "currency), abs(self.lot.amount)), 0)",
        SETTLE,
    ),
    Mutant("all is released before the cash", f"{P}release.py", "paid / whole))", "Fraction(1)))", SETTLE),
    Mutant(
        "what is held back stays for ever",
        f"{P}settle.py",
        "            total += kept.held\n",
        "            total += 0\n",
        SETTLE,
    ),
    Mutant(
        "true-up pays twice what was earned",
        f"{P}settle.py",
        "before = self.state.trued.get(key, 0)",
        "before = 0",
        SETTLE,
    ),
    Mutant(
        "a correction forgets what was posted",
        f"{P}incentive.py",
        "already = sum(entry.amount for entry in before)",
        "already = 0",
        RATES + " tests/policy/test_calc.py",
    ),
    Mutant(
        "a missing indicator counts zero",
        f"{P}appraisal.py",
        'if self.appraisal.missing == "zero" or not missing:',
        "if True:",
        "tests/policy/test_appraisal.py",
    ),
)


def run(tests: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The named tests in the copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *tests.split()]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.setdefault("XIAOGUAN_SHARED", str(ROOT.parent / "shared"))
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)


def survives(mutant: Mutant, folder: Path) -> str:
    """Why the mutant was not caught; "" if it was."""
    file = folder / mutant.file
    text = file.read_text()
    if text.count(mutant.old) != 1:
        return f"the edit fits {text.count(mutant.old)} times"
    file.write_text(text.replace(mutant.old, mutant.new))
    try:
        done = run(mutant.tests, folder)
    finally:
        file.write_text(text)
    if done.returncode == 1:
        return ""
    return (
        "the tests pass" if done.returncode == 0 else f"the tests cannot run: {done.stdout[-500:]}{done.stderr[-500:]}"
    )


def main() -> int:
    """See that the tests pass, then try every mutant and count those that they catch."""
    caught = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "copy"
        folder.mkdir()
        for one in COPIED:
            if (ROOT / one).is_dir():
                shutil.copytree(
                    ROOT / one, folder / one, ignore=shutil.ignore_patterns("__pycache__", "static", "*.mo")
                )
            else:
                shutil.copy(ROOT / one, folder / one)
        every = " ".join(dict.fromkeys(" ".join(mutant.tests for mutant in MUTANTS).split()))
        if (done := run(every, folder)).returncode:
            print(f"the tests fail without a mutant: {done.stdout[-1000:]}")
            return 1
        for mutant in MUTANTS:
            why = survives(mutant, folder)
            caught += not why
            print(f"{'caught  ' if not why else 'SURVIVED'} {mutant.name}{f': {why}' if why else ''}", flush=True)
    print(f"{caught} of {len(MUTANTS)} caught")
    return 0 if caught == len(MUTANTS) else 1


if __name__ == "__main__":
    sys.exit(main())

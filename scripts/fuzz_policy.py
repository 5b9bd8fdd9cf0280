"""Mutated policies: `python scripts/fuzz_policy.py [COUNT] [SEED]` must only find issues, never an exception."""

from __future__ import annotations

import random
import sys
import time
import traceback
from pathlib import Path

from xiaoguan.policy import check, load_text

ROOT = Path(__file__).parents[1]
TEXTS = [file.read_text() for file in sorted((ROOT / "policies").glob("*.yaml")) if ".cases" not in file.name]
_LETTERS = "{}[]:,'\"%#&*!|>-_ 0九\t\x7f"


def mutated(text: str, chance: random.Random) -> str:
    """A document with one to four damages: lines and words cut, doubled, exchanged, other characters put in."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        line, other = lines[at], lines[chance.randrange(len(lines))]
        cut = chance.randint(0, len(line))
        word = chance.choice(["%", "from", "1", "d", ":"])
        lines[at] = chance.choice(
            [
                line[:cut],
                line[:cut] + chance.choice(_LETTERS) + line[cut:],
                line[:cut] + other[chance.randint(0, len(other)) :],
                line.replace(word, chance.choice(["", "9" * 25, "null", "-", "[]"]), 1),
                line + "\n" + other,
                "",
            ]
        )
    return "\n".join(lines)


def fuzz(count: int, seed: int) -> list[str]:
    """The documents that made the engine raise, or that it refused without an issue."""
    chance, bad = random.Random(seed), []
    for _ in range(count):
        text = mutated(chance.choice(TEXTS), chance)
        try:
            policy, issues = load_text(text)
            if policy is not None:
                check(policy)
            elif not issues:
                bad.append(text)
        except Exception:
            traceback.print_exc()
            bad.append(text)
    return bad


def main() -> int:
    """Run and say how many."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began = time.perf_counter()
    bad = fuzz(count, seed)
    for text in bad[:3]:
        print(text, "\n", "=" * 80)
    print(f"{count} documents, {len(bad)} exceptions, {time.perf_counter() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

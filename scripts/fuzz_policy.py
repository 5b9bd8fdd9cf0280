"""Mutated policies: `python scripts/fuzz_policy.py [COUNT] [SEED]` must only find issues, never an exception.

Every tenth document is one of ours whole, the others are some of its sections; each is damaged in one to four places.
Two processes share the documents; the same count and seed make the same ones.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from xiaoguan.policy import check, load_text

ROOT = Path(__file__).parents[1]
TEXTS = [file.read_text() for file in sorted((ROOT / "policies").glob("*.yaml")) if ".cases" not in file.name]
WORDS = sorted({word for text in TEXTS for word in re.findall(r"[\w.%-]+|[{\[][^{}\[\]\n]*[}\]]", text)})
_LETTERS = "{}[]:,'\"%#&*!|>-_ 0九\t\x7f"


BATCH = 500


def document(chance: random.Random) -> str:
    """A policy of ours, or its head with a random choice of its sections."""
    head, *sections = re.split(r"(?m)^(?=[a-z_]+:)", chance.choice(TEXTS))
    if chance.random() < 0.1:
        return head + "".join(sections)
    odds = chance.random() / 3
    return head + "".join(one for one in sections if one.startswith("policy:") or chance.random() < odds)


def mutated(text: str, chance: random.Random) -> str:
    """A document with one to four damages: lines and words cut, doubled, exchanged, other characters put in.

    Half of the documents only have words exchanged, so that they are still YAML and go on to the checks.
    """
    if chance.random() < 0.5:
        for _ in range(chance.randint(1, 4)):
            text = exchanged(text, chance)
        return text
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


def exchanged(text: str, chance: random.Random) -> str:
    """One word, number, list or map of the document replaced by one that stands somewhere in our policies."""
    found = list(re.finditer(r"[\w.%-]+|[{\[][^{}\[\]\n]*[}\]]", text))
    at = chance.choice(found)
    return text[: at.start()] + chance.choice(WORDS) + text[at.end() :]


def fuzz(count: int, seed: object) -> list[str]:
    """The documents that made the engine raise, or that it refused without an issue."""
    chance, bad = random.Random(str(seed)), []
    for _ in range(count):
        text = mutated(document(chance), chance)
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


def batch(seed: str) -> list[str]:
    return fuzz(BATCH, seed)


def main() -> int:
    """Run and say how many."""
    batches = -(-(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000) // BATCH)
    seed = sys.argv[2] if len(sys.argv) > 2 else "1"
    began, bad = time.perf_counter(), []
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for found in pool.map(batch, (f"{seed}-{i}" for i in range(batches))):
            bad += found
    for text in bad[:3]:
        print(text, "\n", "=" * 80)
    print(f"{batches * BATCH} documents, {len(bad)} exceptions, {time.perf_counter() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

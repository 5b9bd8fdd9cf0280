"""问题 issue: every finding of every check has this one shape.

Findings are collected and shown all at once; a check never stops at the first. An error stops what was asked for, a
warning wants somebody to acknowledge it, an info tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding: what is wrong, where, and one way to mend it.

    message   a sentence part without full stop, with the value that is wrong.
    hint      the remedy, a whole sentence.
    file, line   where it is written; line counts from 1, 0 is unknown.
    path      the dotted place inside the document, such as incentive[0].components[1].rate.
    code      a stable id for programs, such as policy.tiers.
    """

    level: Level
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0
    path: str = ""
    code: str = ""

    def __str__(self) -> str:
        """`file:line: error: message (path). hint`, without the pieces that are not known."""
        place = ":".join(str(piece) for piece in (self.file, self.line) if piece)
        text = f"{place}: " if place else ""
        text += f"{self.level}: {self.message}"
        text += f" ({self.path})." if self.path else "."
        return f"{text} {self.hint}".rstrip()

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every field."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Issue:
        """The issue that `to_json` wrote."""
        return cls(**data)


def has_errors(issues: Iterable[Issue]) -> bool:
    """Whether one of them is an error."""
    return any(issue.level == "error" for issue in issues)

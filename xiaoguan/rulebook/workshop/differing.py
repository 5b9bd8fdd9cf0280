"""What changes between two documents: clause by clause in plain language with what it touches, and line by line."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from xiaoguan.desk.cells import day_text
from xiaoguan.policy import Change, Clause, Policy, diff, explain_text
from xiaoguan.policy.compare import item_mark
from xiaoguan.policy.document import Section
from xiaoguan.rulebook.workshop.places import Place, places
from xiaoguan.rulebook.workshop.words import chapter, names_of_ids, path_words, prose_language

KINDS = {"wording": _("wording"), "parameter": _("parameter"), "structure": _("structure")}
TOUCHES = {"pay": _("pay"), "goal": _("goals"), "process": _("process"), "people": _("people")}
Marked = list[tuple[str, str]]
"""A text in pieces: ("same" | "gone" | "new", piece)."""


@dataclass
class ClauseChange:
    """One clause that reads otherwise, or whose numbers are others: the sentences before and after, and each change.

    roles   whom the plan it belongs to is for; empty is everybody in scope
    """

    title: str
    chapter: str
    kinds: list[str]
    touches: list[str]
    before: Marked | None
    after: Marked | None
    changes: list[dict[str, Any]] = field(default_factory=list)
    roles: frozenset[str] = frozenset()


def clause_changes(before: Policy | None, after: Policy) -> list[ClauseChange]:
    """Every difference in meaning, grouped by the clause it stands in, in the order of the new document."""
    if before is None:
        return []
    old, new = _Side(before), _Side(after)
    groups: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in diff(before, after):
        groups[old.clause_at(change), new.clause_at(change)].append(change)
    merged = _joined(groups)
    found = [_clause_change(old, new, *keys, changes) for keys, changes in merged.items()]
    order = {path: i for i, path in enumerate(new.by_path)}
    return [c for _n, c in sorted(found, key=lambda pair: order.get(pair[0], len(order)))]


def _joined(groups: Mapping[tuple[str, str], list[Change]]) -> dict[tuple[str, str], list[Change]]:
    """A change that is only on one side goes to the clause that the other changes of that side are in."""
    found: dict[tuple[str, str], list[Change]] = {}
    for (old, new), changes in sorted(groups.items(), key=lambda item: not (item[0][0] and item[0][1])):
        home = next((keys for keys in found if (old and keys[0] == old) or (new and keys[1] == new)), (old, new))
        found.setdefault(home, []).extend(changes)
    return found


class _Side:
    """One of the two documents: its clauses, and where in its text each compared path stands."""

    def __init__(self, policy: Policy):
        self.policy = policy
        self.names = names_of_ids(policy)
        self.by_path: dict[str, list[Clause]] = defaultdict(list)
        for clause in explain_text(policy, prose_language()):
            self.by_path[clause.path].append(clause)
        self.written = _written(policy)
        self.places = places(policy.text)

    def clause_at(self, change: Change) -> str:
        """The path of the clause that says the changed thing; "" where this side has it not."""
        where = self.written.get(change.path)
        if where is None:
            return ""
        while where and where not in self.by_path:
            where = re.sub(r"(\.[^.\[\]]+|\[[^\]]*\])$|^[^.\[\]]+$", "", where)
        return where

    def said(self, change: Change) -> str | None:
        """The value as the text writes it."""
        place: Place | None = self.places.get(self.written.get(change.path, ""))
        return place.value if place is not None else None

    def text(self, path: str) -> str:
        return "\n".join(clause.text for clause in self.by_path.get(path, ()) if clause.text)

    def title(self, path: str) -> str:
        found = self.by_path.get(path)
        return found[0].title if found else ""

    def roles(self, path: str) -> frozenset[str]:
        for i, plan in enumerate(self.policy.incentive):
            if path == f"incentive[{i}]" or path.startswith(f"incentive[{i}]."):
                return frozenset(plan.role)
        for i, appraisal in enumerate(self.policy.appraisal):
            if path == f"appraisal[{i}]" or path.startswith(f"appraisal[{i}]."):
                return frozenset(appraisal.role)
        return frozenset()


def _clause_change(
    old: _Side, new: _Side, old_path: str, new_path: str, changes: list[Change]
) -> tuple[str, ClauseChange]:
    before, after = old.text(old_path) if old_path else "", new.text(new_path) if new_path else ""
    marked = words_changed(before, after)
    top = changes[0].path.split(".")[0].split("[")[0]
    found = ClauseChange(
        title=new.title(new_path) or old.title(old_path) or chapter(top),
        chapter=chapter(top),
        kinds=_present(KINDS, [c.kind for c in changes]),
        touches=_present(TOUCHES, [c.touches for c in changes]),
        before=marked[0] if before else None,
        after=marked[1] if after else None,
        changes=[_change_words(old, new, change) for change in changes],
        roles=new.roles(new_path) or old.roles(old_path),
    )
    return new_path, found


def _present(known: Mapping[str, Any], found: Iterable[str]) -> list[str]:
    there = set(found)
    return [name for name in known if name in there]


def _change_words(old: _Side, new: _Side, change: Change) -> dict[str, Any]:
    def value(side: _Side, text: str | None) -> str | None:
        said = text if text in (None, "there") else side.said(change) or text
        return day_text(date.fromisoformat(said)) if said and re.fullmatch(r"\d{4}-\d\d-\d\d", said) else said

    return {
        "path": change.path,
        "label": path_words(change.path, {**old.names, **new.names}),
        "kind": change.kind,
        "touches": change.touches,
        "before": value(old, change.before),
        "after": value(new, change.after),
    }


def _written(policy: Policy) -> dict[str, str]:
    """Where each path of `diff` stands in the text: incentive[rep].rate is incentive[0].rate."""
    found: dict[str, str] = {}
    for one in fields(policy):
        key = one.metadata.get("key", one.name)
        if key is not None and one.name not in ("line", "path", "lines"):
            found |= _walk(str(key), str(key), getattr(policy, one.name))
    return found


def _walk(path: str, where: str, value: Any) -> dict[str, str]:
    found = {path: where}
    if isinstance(value, Section):
        for one in fields(value):
            if one.name not in ("line", "path", "lines"):
                key = one.metadata.get("key", one.name)
                found |= _walk(f"{path}.{key}", f"{where}.{key}", getattr(value, one.name))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            found |= _walk(f"{path}.{key}", f"{where}.{key}", inner)
    elif isinstance(value, tuple) and value and isinstance(value[0], Section):
        for i, inner in enumerate(value):
            mark = f"{path}[{item_mark(inner, i)}]"
            found |= _walk(mark, f"{where}[{i}]", inner) | {f"{mark}.position": f"{where}[{i}]"}
    return found


# Texts side by side


_WORD = re.compile(r"[A-Za-z]+|\d[\d.,%]*|\s+|.", re.S)


def words_changed(before: str, after: str) -> tuple[Marked, Marked]:
    """Both texts with what is gone and what is new: Latin words and numbers as a whole, Chinese by character."""
    a, b = _WORD.findall(before), _WORD.findall(after)
    left: Marked = []
    right: Marked = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if j > i:
            left.append(("same" if tag == "equal" else "gone", "".join(a[i:j])))
        if m > k:
            right.append(("same" if tag == "equal" else "new", "".join(b[k:m])))
    return left, right


@dataclass(frozen=True)
class DiffRow:
    """A line of both texts side by side; kind: same, changed, gone, new or gap. Numbers count from 1, 0 is none."""

    kind: str
    left: int
    before: Marked
    right: int
    after: Marked


def line_changes(before: str, after: str, around: int = 3) -> list[DiffRow]:
    """Changed lines with `around` unchanged ones beside them; a gap stands for those left out."""
    a, b = before.splitlines(), after.splitlines()
    rows: list[DiffRow] = []
    for group in difflib.SequenceMatcher(None, a, b, autojunk=False).get_grouped_opcodes(around):
        if rows or group[0][1] or group[0][3]:
            rows.append(DiffRow("gap", 0, [], 0, []))
        for tag, i, j, k, m in group:
            rows.extend(_rows(tag, a, i, j, b, k, m))
    return rows


def _rows(tag: str, a: list[str], i: int, j: int, b: list[str], k: int, m: int) -> Iterator[DiffRow]:
    if tag == "equal":
        for n in range(j - i):
            yield DiffRow("same", i + n + 1, [("same", a[i + n])], k + n + 1, [("same", b[k + n])])
        return
    for n in range(max(j - i, m - k)):
        left, right = (a[i + n] if i + n < j else None), (b[k + n] if k + n < m else None)
        if left is not None and right is not None:
            marked = words_changed(left, right)
            yield DiffRow("changed", i + n + 1, marked[0], k + n + 1, marked[1])
        elif left is not None:
            yield DiffRow("gone", i + n + 1, [("gone", left)], 0, [])
        elif right is not None:
            yield DiffRow("new", 0, [], k + n + 1, [("new", right)])

"""Policy versions: adopting a document, and reading the one in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from xiaoguan.base.issues import Issue, has_errors
from xiaoguan.desk.events import current_actor
from xiaoguan.policy import Policy, check, load_text
from xiaoguan.rulebook.models import PolicyVersion


class Refused(Exception):
    """A document that may not be adopted, with every issue found."""

    def __init__(self, issues: list[Issue]):
        self.issues = issues
        super().__init__("\n".join(str(i) for i in issues))


def examine(text: str, file: str = "") -> tuple[Policy | None, list[Issue]]:
    """Load and check a document against the facts of this system; every issue at once.

    What the language knows but this installation does not keep, such as surveys, is a warning that says so.
    """
    from xiaoguan.rulebook.facts import schema

    policy, issues = load_text(text, file)
    if policy is None:
        return None, issues
    anywhere = check(policy)
    for issue in check(policy, schema()):
        if issue in anywhere:
            issues.append(issue)
        elif wrong := [one for one in anywhere if one.level == "error" and _section(one) == _section(issue)]:
            issues += wrong
        else:
            message = f"{issue.message} in this installation"
            hint = "It has no value here; with facts from files (xiaoguan calc) it may."
            issues.append(replace(issue, level="warning", message=message, hint=hint))
    return policy, list(dict.fromkeys(issues))


def _section(issue: Issue) -> str:
    """Where an issue is, without the key."""
    return issue.path.rpartition(".")[0]


@transaction.atomic
def adopt(text: str, file: str = "", by: int | None = None) -> tuple[PolicyVersion, list[Issue], bool]:
    """Bring a document into force from its own date on. Returns the version, warnings, and whether it is new.

    The same text again changes nothing. Raises Refused for a faulty document, for a number that is taken by another
    text, and for dates that overlap another version of the same policy; an open end is moved when the new one begins.
    """
    policy, issues = examine(text, file)
    if policy is None or has_errors(issues):
        raise Refused(issues)
    digest = sha256(text.encode()).hexdigest()
    same = PolicyVersion.objects.filter(policy_id=policy.id, number=policy.version).first()
    if same:
        if same.digest == digest:
            return same, issues, False
        what = f"version {policy.version} of {policy.id} is adopted already with another text"
        raise _refused(what, "Give the changed document a new version number.", file, "policy.version")
    start, end = policy.header.effective.start, policy.header.effective.end
    for other in PolicyVersion.objects.filter(policy_id=policy.id).order_by("effective_from"):
        if other.effective_to is None and other.effective_from < start:
            other.effective_to = start
            other.save(update_fields=["effective_to"])
        elif (end is None or other.effective_from < end) and (other.effective_to is None or other.effective_to > start):
            what = f"{policy.id} {policy.version} from {start} overlaps {other.number} from {other.effective_from}"
            hint = "Let the new version begin later, or end it before the other begins."
            raise _refused(what, hint, file, "policy.effective")
    version = PolicyVersion.objects.create(
        policy_id=policy.id,
        name=policy.header.name,
        number=policy.version,
        text=text,
        digest=digest,
        effective_from=start,
        effective_to=end,
        adopted_by_id=by,
    )
    if (memo := current_actor().memo) is not None:
        memo.clear()
    return version, issues, True


def _refused(message: str, hint: str, file: str, path: str) -> Refused:
    return Refused([Issue("error", message, hint=hint, file=file, path=path)])


def adopt_file(path: str | Path, by: int | None = None) -> tuple[PolicyVersion, list[Issue], bool]:
    file = Path(path)
    return adopt(file.read_text(encoding="utf-8"), str(file), by)


def in_force(day: date | None = None) -> list[PolicyVersion]:
    """The versions in force on `day` (today), the one that began last first."""
    day = day or timezone.localdate()
    rows = PolicyVersion.objects.filter(effective_from__lte=day).exclude(effective_to__lte=day)
    return list(rows.order_by("-effective_from", "-id"))


def document_of(version: PolicyVersion | int) -> Policy:
    """The parsed document of an adopted version."""
    found = version if isinstance(version, PolicyVersion) else PolicyVersion.objects.get(pk=version)
    return _parsed(found.digest, found.text)


@lru_cache(maxsize=64)
def _parsed(digest: str, text: str) -> Policy:
    policy, issues = load_text(text, "")
    if policy is None:
        raise Refused(issues)
    return policy


def known_versions(policy: Policy) -> list[Policy]:
    """Every adopted version of a policy, the earliest first; of a document that is not adopted, itself alone."""
    found = [document_of(row) for row in versions(policy.id).order_by("effective_from", "id")]
    if policy.version not in (one.version for one in found):
        return [policy]
    return [policy if one.version == policy.version else one for one in found]


def versions(policy_id: str | None = None) -> Any:
    rows = PolicyVersion.objects.order_by("-effective_from", "-id")
    return rows.filter(policy_id=policy_id) if policy_id else rows

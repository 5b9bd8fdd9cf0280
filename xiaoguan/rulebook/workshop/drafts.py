"""Drafts: begun from a preset, a version or nothing; what is typed is kept; checked, said in words, tried by cases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xiaoguan.base.issues import Issue, has_errors
from xiaoguan.desk import events
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.approvals import guards
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.models import Event
from xiaoguan.desk.records import Conflict
from xiaoguan.policy import FACTS, CaseResult, Clause, Policy, Schema, explain_text, load_text
from xiaoguan.policy.cases import run_cases_text
from xiaoguan.rulebook.facts import schema
from xiaoguan.rulebook.lines import spoken
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.versions import examine
from xiaoguan.rulebook.workshop import places
from xiaoguan.rulebook.workshop.models import PolicyDraft
from xiaoguan.rulebook.workshop.words import chapter, prose_language

LONGEST = 400_000
"""So many characters a document of the workshop may have; the engine itself takes more."""
QUIET = timedelta(minutes=15)
"""What the same person types within this time is one entry of the draft's story."""


class Changed(Conflict):
    """Somebody else kept another text meanwhile; `record` is the draft as it stands."""


# Beginning


@dataclass(frozen=True)
class Preset:
    """A policy to start from: the name of its file, what it calls itself, its text and its cases."""

    key: str
    name: str
    text: str
    cases: str


def preset_folder() -> Path:
    """The presets: beside the package in a checkout, inside it where it is installed."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "policies"
    return inside if inside.is_dir() else package.parent / "policies"


def presets() -> list[Preset]:
    """The policies that come with the product."""
    found = []
    for file in sorted(preset_folder().glob("*.yaml")):
        if file.name.endswith(".cases.yaml"):
            continue
        text = file.read_text(encoding="utf-8")
        cases = file.with_name(f"{file.stem}.cases.yaml")
        place = places.places(text).get("policy.name")
        name = place.value if place and place.value else file.stem
        found.append(Preset(file.stem, name, text, cases.read_text(encoding="utf-8") if cases.exists() else ""))
    return found


def blank(title: str) -> str:
    """The smallest document there is."""
    start = _next_month(timezone.localdate())
    return f"""policy:
  schema: sales-policy/1
  id: our-policy
  name: {places.written(title or "Sales policy")}
  version: 0.1.0
  effective: {{from: {start}, to: null}}
  scope: {{roles: [sales_rep]}}
  currency: CNY
  timezone: Asia/Shanghai
metrics:
  bookings:
    name: {_("Bookings")}
    type: amount
    from: orders
    value: sum(net_amount)
    date: signed_on
    where: status == 'signed'
incentive:
  - id: rep
    name: {_("Commission of sales people")}
    role: sales_rep
    components:
      - {{id: commission, name: {_("Commission")}, kind: commission, basis: bookings, period: month, rate: 3%}}
"""


@transaction.atomic
def begin(viewer: Viewer, source: str = "", title: str = "") -> PolicyDraft:
    """A new draft of this viewer. source: "" for an empty one, "preset:NAME", "version:ID" or "draft:ID".

    Raises PermissionDenied, ValidationError for a source that is not there.
    """
    desk = desk_of(PolicyDraft)
    assert desk is not None
    if viewer.person_id is None or not desk.may_create(viewer):
        raise PermissionDenied(_("You may not create this: %(who)s may.") % {"who": desk.write.words()})
    kind, _colon, key = source.partition(":")
    text, cases, base, name = "", "", None, ""
    if kind == "preset":
        found = next((one for one in presets() if one.key == key), None)
        if found is None:
            raise _no_source(source)
        text, cases, name = found.text, found.cases, found.name
    elif kind == "version":
        base = PolicyVersion.objects.filter(pk=key).first() if key.isdecimal() and len(key) < 19 else None
        if base is None:
            raise _no_source(source)
        text, cases, name = following(base.text), cases_of(base), base.name
    elif kind == "draft":
        other = PolicyDraft.objects.filter(pk=key).first() if key.isdecimal() and len(key) < 19 else None
        if other is None:
            raise _no_source(source)
        text, cases, base, name = other.text, other.cases, other.base, other.title
    elif source:
        raise _no_source(source)
    draft = PolicyDraft(title=(title.strip() or name or _("New policy"))[:160], text=text, cases=cases, base=base)
    desk.prepare(draft, viewer)
    if base is None and text:
        draft.base = _newest(places.header_of(text).policy_key)
    draft.save()
    return draft


def _no_source(source: str) -> ValidationError:
    return ValidationError({"source": [_("There is nothing to begin from at “%(source)s”.") % {"source": source}]})


def _newest(policy_key: str) -> PolicyVersion | None:
    """The version that a draft of this policy is compared with: the one that began last."""
    return PolicyVersion.objects.filter(policy_id=policy_key).order_by("-effective_from", "-id").first()


def following(text: str) -> str:
    """The text of a version as its successor begins: the next number, from the next period that pay begins anew in."""
    found = places.header_of(text)
    policy, _issues = load_text(text)
    if found.number:
        text = places.put(text, "policy.version", _next_number(found.number))
    if found.effective_from and policy is not None:
        start = next_start(policy, max(timezone.localdate(), found.effective_from))
        text = places.put(text, "policy.effective.from", start.isoformat())
    if "policy.change_note" in places.places(text):
        text = places.put(text, "policy.change_note", _("What changes since %(number)s") % {"number": found.number})
    return text


def next_start(policy: Policy, day: date) -> date:
    """The first day after `day` on which no period of pay is under way: a new version may begin there."""
    kinds = {c.period for _plan, c in policy.components()} | {
        c.tiers.accumulate
        for _plan, c in policy.components()
        if c.tiers and c.tiers.accumulate in policy.calendar.kinds
    }
    start = _next_month(day)
    for kind in sorted(kinds & set(policy.calendar.kinds)):
        try:
            period = policy.calendar.period(kind, start)
        except ValueError:
            continue
        start = start if period.start == start else period.end
    return start


def _next_number(number: str) -> str:
    """1.2.3 becomes 1.3.0; anything else gets -2 behind it."""
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)?", number)
    return f"{match[1]}.{int(match[2]) + 1}.0" if match else f"{number}-2"


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def cases_of(version: PolicyVersion) -> str:
    """The cases that a version was published with; those of the preset where it is one."""
    publication = getattr(version, "publication", None)
    if publication is not None and publication.cases:
        return publication.cases
    return next((one.cases for one in presets() if sha256(one.text.encode()).hexdigest() == version.digest), "")


# Keeping what is typed


@transaction.atomic
def keep(
    pk: int, viewer: Viewer, version: int | None, text: str | None = None, cases: str | None = None
) -> PolicyDraft:
    """Write what was typed, if the draft still has this version; None writes it whatever it has.

    Raises Changed where somebody else wrote meanwhile, ValidationError where the draft is not open any more.
    """
    draft = PolicyDraft.objects.select_for_update().filter(pk=pk).first()
    if draft is None:
        raise ValidationError(_("It is gone."))
    may_edit(draft, viewer)
    before = draft.digest
    text = draft.text if text is None else text.replace("\r\n", "\n")
    cases = draft.cases if cases is None else cases.replace("\r\n", "\n")
    if max(len(text), len(cases)) > LONGEST:
        raise ValidationError({"text": [_("At most %(n)s characters.") % {"n": f"{LONGEST:,}"}]})
    if (text, cases) == (draft.text, draft.cases):
        return draft
    if version is not None and version != draft.version:
        raise Changed(draft)
    draft.text, draft.cases = text, cases
    draft.read_header()
    draft.version, draft.updated_at = draft.version + 1, timezone.now()
    names = ("text", "cases", "policy_key", "number", "effective_from", "digest", "version", "updated_at")
    PolicyDraft.objects.filter(pk=pk).update(**{name: getattr(draft, name) for name in names})
    _told(draft, before)
    return PolicyDraft.objects.get(pk=pk)


def may_edit(draft: PolicyDraft, viewer: Viewer) -> None:
    """Raises PermissionDenied without the right, ValidationError where the draft is not open any more."""
    desk = desk_of(PolicyDraft)
    assert desk is not None
    if not desk.may_write(viewer, draft):
        raise PermissionDenied(_("You may not change this: %(who)s may.") % {"who": desk.write.words()})
    if not draft.is_open:
        told = {"state": draft.get_state_display()}
        raise ValidationError(_("This draft is %(state)s; take it back before you change it.") % told)
    if guards.any_frozen(desk, {"digest"}, [draft.pk]):
        raise ValidationError(_("It waits for an approval; withdraw that first."))


def _told(draft: PolicyDraft, before: str) -> None:
    """One entry in the story for what one person types in a while, without the text: versions keep that."""
    actor = events.current_actor()
    last = Event.objects.filter(entity="policydraft", record_id=draft.pk).order_by("-pk").first()
    recent = last is not None and last.deed == "edited" and last.actor_id == actor.person_id
    if last is None or not recent or last.at < timezone.now() - QUIET:
        events.write(draft, "edited", {"digest": [before[:12], draft.digest[:12]]})


# Checking


@dataclass(frozen=True)
class Findings:
    """A text as the workshop sees it: the document if it can be read, every issue, its clauses in words."""

    policy: Policy | None
    issues: list[Issue]
    clauses: list[Clause]

    @property
    def faulty(self) -> bool:
        return self.policy is None or has_errors(self.issues)

    @property
    def warnings(self) -> list[Issue]:
        return [issue for issue in self.issues if issue.level == "warning"]


def findings(text: str) -> Findings:
    """Every issue of the text against the facts of this system, and what it means in the language of the page."""
    policy, issues = examine(text)
    issues = sorted(dict.fromkeys(issues), key=lambda one: (one.line, one.level != "error"))
    return Findings(policy, issues, explain_text(policy, prose_language()) if policy else [])


def issue_words(issue: Issue) -> dict[str, Any]:
    return {
        "level": issue.level,
        "line": issue.line,
        "path": issue.path,
        "message": spoken(issue.message),
        "hint": spoken(issue.hint),
        "code": issue.code,
    }


def clause_words(clauses: Sequence[Clause]) -> list[dict[str, Any]]:
    """The clauses in the order of the lines they were made from."""
    return [
        {"path": c.path, "line": c.line, "title": c.title, "text": c.text, "chapter": chapter(c.path)}
        for c in sorted(clauses, key=lambda one: one.line)
    ]


def contents(text: str) -> list[dict[str, Any]]:
    """The chapters of a text with their lines, as far as it can be read."""
    return [{"label": chapter(place.path), "line": place.line, "key": place.path} for place in _tops(text)]


def _tops(text: str) -> list[places.Place]:
    found: dict[str, places.Place] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"([a-z_]+)\s*:", line):
            found.setdefault(match[1], places.Place(match[1], 0, 0, number))
    return list(found.values())


def checked(draft: PolicyDraft) -> dict[str, Any]:
    """What the editor shows beside the text."""
    found = findings(draft.text)
    return {
        "version": draft.version,
        "digest": draft.digest,
        "number": draft.number,
        "effective_from": draft.effective_from,
        "ok": not found.faulty,
        "issues": [issue_words(issue) for issue in found.issues],
        "clauses": clause_words(found.clauses),
        "contents": contents(draft.text),
    }


# Cases


def run_cases_of(draft: PolicyDraft) -> list[CaseResult]:
    """The cases of a draft against its text, as if it had been in force since the first version of its policy.

    [] without cases; a text that cannot be read is one failed case.
    """
    if not draft.cases.strip():
        return []
    policy, issues = load_text(draft.text)
    if policy is None:
        return [CaseResult(_("The document cannot be read yet"), "", 0, issues=tuple(issues[:1]))]
    effective = policy.header.effective
    first = PolicyVersion.objects.filter(policy_id=policy.id).order_by("effective_from").first()
    if first is not None and first.effective_from < effective.start:
        effective = replace(effective, start=first.effective_from)
        policy = replace(policy, header=replace(policy.header, effective=effective))
    return run_cases_text(draft.cases, policy, schema=schema_of_cases())


def schema_of_cases() -> Schema:
    """Cases may speak of every fact of the language, also of those that this system does not keep."""
    return Schema({**schema().facts, **FACTS.facts})


def case_words(result: CaseResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "line": result.line,
        "passed": result.passed,
        "expectations": [
            {
                "name": one.name,
                "expected": one.expected,
                "obtained": spoken(one.actual),
                "holds": one.holds,
                "line": one.line,
            }
            for one in result.expectations
        ],
        "issues": [issue_words(issue) for issue in result.issues if issue.level == "error"],
    }

"""One deed on many records: a verb, an edited field, a deletion. Each record is asked for its own right and state.

Up to `AT_ONCE` records are done in the request; more are a job, which goes on behind its last step after a kill. What
is refused is named with its reason and stops nobody else. All events share a batch, so all can be taken back.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import ProtectedError
from django.http import QueryDict
from django.utils.translation import gettext as _

from xiaoguan.desk import jobs
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.expressions import BadQuery
from xiaoguan.desk.forms import form_for
from xiaoguan.desk.listing import Listing
from xiaoguan.desk.records import Conflict, Record
from xiaoguan.desk.transfer import defused
from xiaoguan.desk.verbs import Verb

AT_ONCE, STEP = 200, 100  # records in a request, in a step of a job


@dataclass
class Outcome:
    """What came of it: how many records were done, and which were refused, as (id, title, why)."""

    done: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def words(self) -> str:
        said = _("%(n)d done.") % {"n": self.done}
        return said + (" " + _("%(n)d refused.") % {"n": len(self.refused)} if self.refused else "")


@dataclass(frozen=True)
class Deed:
    """What can be done to many: `verb:win`, `edit:owner` or `delete`."""

    text: str
    label: str
    tone: str = ""
    icon: str = ""


def deeds(desk: Desk, viewer: Viewer) -> list[Deed]:
    """The deeds that this viewer may do to some records of this desk."""
    found = []
    for verb in (v() for v in desk.verbs):
        if not verb.rule(desk.write).never(viewer):
            found.append(Deed(f"verb:{verb.name}", str(verb.label), verb.tone, verb.icon))
    if desk.form and not desk.write.never(viewer):
        for name in desk.writable(viewer):
            label = str(desk.model._meta.get_field(name).verbose_name)
            found.append(Deed(f"edit:{name}", _("Set %(field)s") % {"field": label}, "", "pencil"))
    if not (desk.delete or desk.write).never(viewer):
        found.append(Deed("delete", _("Delete"), "danger", "trash"))
    return found


def asked(desk: Desk, viewer: Viewer, deed: str, data: Any = None) -> forms.BaseForm:
    """The form of a deed, bound if `data` is given. Raises BadQuery for a deed that there is not."""
    kind, _colon, name = deed.partition(":")
    if deed not in {d.text for d in deeds(desk, viewer)}:
        raise BadQuery(_("'%(deed)s' cannot be done here.") % {"deed": deed})
    if kind == "verb":
        return _verb(desk, name).form(data, None, viewer)
    if kind == "edit":
        return form_for(desk, viewer, desk.model(), data, only=(name,))
    return forms.Form(data)


def _verb(desk: Desk, name: str) -> Verb:
    verb = desk.verb(name)
    assert verb is not None, name
    return verb


def carry_out(desk: Desk, viewer: Viewer, ids: Sequence[int], deed: str, data: Any) -> Outcome:
    """Do it to these records, those that the viewer may read; others do not exist for them. One transaction.

    data    what the deed's form asks for, as a form sends it. Raises BadQuery for an unknown deed.
    """
    asked(desk, viewer, deed)
    answer = Outcome()
    rows = desk.visible(viewer).filter(pk__in=list(ids))
    if deed.startswith("verb:"):
        rows = rows.select_related(*[f.name for f in desk.model._meta.concrete_fields if f.is_relation and not f.null])
    with transaction.atomic():
        for record in rows.order_by("pk"):
            title = desk.title(record)
            try:
                with transaction.atomic():
                    _one(desk, viewer, record, deed, data)
            except (ValidationError, PermissionDenied, Conflict, ProtectedError) as error:
                answer.refused.append((record.pk or 0, title, _reason(error)))
            else:
                answer.done += 1
    return answer


def _one(desk: Desk, viewer: Viewer, record: Record, deed: str, data: Any) -> None:
    kind, _colon, name = deed.partition(":")
    if kind == "verb":
        _verb(desk, name).run(record, viewer, data, desk.write)
    elif kind == "edit":
        _edit(desk, viewer, record, name, data)
    else:
        if not desk.may_delete(viewer, record):
            rule = desk.delete or desk.write
            raise PermissionDenied(_("You may not delete this: %(who)s may.") % {"who": rule.words()})
        record.delete()


def _edit(desk: Desk, viewer: Viewer, record: Record, name: str, data: Any) -> None:
    if not desk.may_write(viewer, record):
        raise PermissionDenied(_("You may not change this: %(who)s may.") % {"who": desk.write.words()})
    form = form_for(desk, viewer, record, data, only=(name,))
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    if not desk.may_keep(viewer, form.instance, form.changed_data):
        raise PermissionDenied(_("You may only keep this for yourself or for people you are responsible for."))
    form.save_record()


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if isinstance(error, ProtectedError):
        kinds = {str(o._meta.verbose_name_plural) for o in error.protected_objects}
        return _("It cannot be deleted: %(kinds)s still belong to it.") % {"kinds": _(", ").join(sorted(kinds))}
    return str(error)


# More than a request can carry


def start(desk: Desk, viewer: Viewer, query: str, deed: Deed, data: dict[str, str]) -> jobs.Job:
    """The same for everything that the list with these parameters finds, as a job."""
    return jobs.start(
        "bulk",
        viewer,
        lambda: _("%(deed)s: many %(things)s") % {"deed": deed.label, "things": desk.label_plural},
        unit=lambda: desk.label_plural,
        entity=desk.key,
        query=query,
        deed=deed.text,
        data=data,
    )


@jobs.job_kind("bulk")
def bulk(running: jobs.Running) -> dict[str, Any]:
    """Which records is settled in the first step and kept in a file, so that a list which the deed itself changes (all
    open deals are closed) is still gone through once."""
    parameters = running.parameters
    desk = desk_of(parameters["entity"])
    assert desk is not None, parameters["entity"]
    kept = running.folder / "ids.txt"
    if "total" not in running.checkpoint:
        total = _settle(desk, running.viewer, parameters["query"], kept)
        with running.step(done=0, total=total) as mark:
            mark |= {"total": total, "at": 0, "done": 0, "refused": 0}
    data = QueryDict(mutable=True)
    data.update(parameters["data"])
    for at, ids in _chunks(kept, running.checkpoint["at"]):
        with running.step(done=at + len(ids)) as mark:
            outcome = carry_out(desk, running.viewer, ids, parameters["deed"], data)
            _tell(running, outcome)
            mark |= {
                "at": at + len(ids),
                "done": mark["done"] + outcome.done,
                "refused": mark["refused"] + len(outcome.refused),
            }
    mark = running.checkpoint
    if mark["refused"]:
        running.add_file("refused.csv")
    return {"summary": lambda: _summary(mark["done"], mark["refused"])}


def _summary(done: int, refused: int) -> str:
    return _("%(n)d done.") % {"n": done} + (" " + _("%(n)d refused.") % {"n": refused} if refused else "")


def _settle(desk: Desk, viewer: Viewer, query: str, kept: Any) -> int:
    """Write the ids of everything that the list finds; how many they are."""
    listing = Listing.read(desk, viewer, QueryDict(query))
    total = 0
    with kept.open("w") as file:
        for pk in listing.rows.order_by("pk").values_list("pk", flat=True).iterator(10_000):
            file.write(f"{pk}\n")
            total += 1
    return total


def _chunks(kept: Any, start: int) -> Iterator[tuple[int, list[int]]]:
    """(how many came before, ids) in steps, from the `start`th id on."""
    ids = [int(line) for line in kept.read_text().split()]
    for at in range(start, len(ids), STEP):
        yield at, ids[at : at + STEP]


def _tell(running: jobs.Running, outcome: Outcome) -> None:
    """The refusals go into a file that the asker may fetch; a step that is repeated writes its own again."""
    if not outcome.refused:
        return
    path = running.folder / "refused.csv"
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8-sig" if new else "utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow([_("id"), _("title"), _("why")])
        writer.writerows((pk, defused(title), defused(why)) for pk, title, why in outcome.refused)

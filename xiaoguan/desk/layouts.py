"""Layouts (布局): which fields of a record stand where on its page and in its form, as a company arranges them by role.

A layout is order, sections and what is left out, nothing else: what somebody may not see stays hidden wherever it is
placed, and programs read and write every field as before. A process keeps all layouts with the definitions of custom
fields and reads them again by the same stamp (custom/live.py), so that no page asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xiaoguan.desk import events
from xiaoguan.desk.access import Viewer, role_label
from xiaoguan.desk.custom.models import said
from xiaoguan.desk.desk import Desk, desk_of
from xiaoguan.desk.paths import resolve

if TYPE_CHECKING:
    from xiaoguan.desk.forms import RecordForm

WIDEST, MOST = 3, 20
"""Fields side by side; sections of a layout."""


class Layout(models.Model):
    """布局 of one kind of record for one role.

    role       its code; "" for everybody who has no role with a layout of its own
    sections   [{"label_en", "label_zh", "rows": [["name", "owner"], ["x_region"]]}]
    left       fields that stand nowhere; what is neither placed nor left, as a field made later, stands at the end
    """

    entity = models.CharField(max_length=40)
    role = models.CharField(max_length=40, blank=True, default="")
    sections = models.JSONField(default=list)
    left = models.JSONField(default=list)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = gettext_lazy("layout"), gettext_lazy("layouts")
        constraints = [models.UniqueConstraint(fields=["entity", "role"], name="one_layout_of_a_role")]

    def __str__(self) -> str:
        return f"{self.entity} {self.role}".strip()


@dataclass(frozen=True)
class Section:
    """A heading in both languages, or none, and its rows: fields of one row stand side by side in the form."""

    label_en: str
    label_zh: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def label(self) -> str:
        return said(self.label_en, self.label_zh)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for row in self.rows for name in row)


Sections = tuple[Section, ...]
_kept: dict[tuple[str, str], tuple[Sections, frozenset[str]]] = {}


def load() -> None:
    """Read all layouts into this process."""
    _kept.clear()
    for one in Layout.objects.order_by("entity", "role"):
        _kept[one.entity, one.role] = sections_of(one.sections), frozenset(one.left)


def forget() -> None:
    _kept.clear()


def sections_of(plain: Sequence[dict[str, Any]]) -> Sections:
    return tuple(
        Section(one.get("label_en", ""), one.get("label_zh", ""), tuple(tuple(row) for row in one.get("rows", ())))
        for one in plain
    )


# What there is to place


def shown(desk: Desk) -> list[str]:
    """What page and form show unless a layout says otherwise: the fields of the form, then columns not among them."""
    found = list(desk.form_fields)
    return found + [c for c in desk.columns if c not in found and c.split(".")[0] not in found]


def items(desk: Desk) -> list[str]:
    """Everything that a layout may place."""
    found = shown(desk)
    return found + [f.name for f in getattr(desk.model, "FORMULAS", ()) if f.name not in found]


def label_of(desk: Desk, name: str) -> str:
    return resolve(desk.model, name).label


def needed(desk: Desk) -> list[str]:
    """Fields without which no new record is kept and that nothing fills in beforehand."""
    fields = [desk.model._meta.get_field(name) for name in desk.form_fields]
    return [
        f.name
        for f in fields
        if (getattr(f, "demanded", False) or not f.blank)
        and not f.has_default()
        and not isinstance(f, models.BooleanField)
    ]


def roles() -> dict[str, str]:
    """{code: what people call it} of every role of the company."""
    desk = desk_of("role")
    rows = desk.model._default_manager.order_by("pk").values_list("code", "name") if desk else ()
    return {code: str(name if role_label(code) is code else role_label(code)) for code, name in rows}


# Which holds


def declared(desk: Desk) -> Sections:
    rows = [tuple(row.split()) for row in desk.form]
    return (Section("", "", (*rows, *((name,) for name in shown(desk) if name not in desk.form_fields))),)


def plain(names: Sequence[str]) -> Sections:
    """One section without a heading, a row for each."""
    return (Section("", "", tuple((name,) for name in names)),)


def of(desk: Desk, viewer: Viewer) -> Sections:
    """The layout of this viewer: that of their role, of several the one with the most fields, else the company's,
    else as declared."""
    own = [made for code in sorted(viewer.roles) if (made := _kept.get((desk.key, code)))]
    found = max((_whole(desk, *made) for made in own), key=lambda s: sum(len(one.names) for one in s), default=None)
    return found or for_role(desk, "")


def for_role(desk: Desk, role: str) -> Sections:
    """The layout of a role: its own, else the company's, else as declared."""
    made = _kept.get((desk.key, role)) or _kept.get((desk.key, ""))
    return _whole(desk, *made) if made else declared(desk)


def own_of(desk: Desk) -> set[str]:
    """The roles, "" for everybody, that have a layout of their own."""
    return {role for entity, role in _kept if entity == desk.key}


def _whole(desk: Desk, sections: Sections, left: frozenset[str]) -> Sections:
    """Without what is not there any more, with what came since at the end."""
    known, placed = set(items(desk)), {name for one in sections for name in one.names}
    since = [(name,) for name in shown(desk) if name not in placed and name not in left]
    kept = [
        Section(s.label_en, s.label_zh, tuple(r for row in s.rows if (r := tuple(n for n in row if n in known))))
        for s in sections
    ]
    if since and kept:
        kept[-1] = Section(kept[-1].label_en, kept[-1].label_zh, (*kept[-1].rows, *since))
    elif since:
        kept = [Section("", "", tuple(since))]
    return tuple(kept)


def form_sections(sections: Sections, form: RecordForm) -> Iterator[dict[str, Any]]:
    """What the form shows: {label, rows of bound fields}, without what it does not have."""
    for section in sections:
        rows = [[form[name] for name in row if name in form.fields] for row in section.rows]
        if any(rows):
            yield {"label": section.label, "rows": [row for row in rows if row]}


# Arranging


def keep(desk: Desk, role: str, sections: Any, left: Sequence[str] = ()) -> Layout:
    """Set the layout of a role, "" for everybody. Raises ValidationError that says what is not possible.

    left    fields that are to stand nowhere; what is not named at all stands at the end.
    """
    plain = checked(desk, role, sections)
    placed = {name for one in plain for row in one["rows"] for name in row}
    gone = [name for name in items(desk) if name in left and name not in placed]
    missing = [label_of(desk, name) for name in needed(desk) if name in gone]
    if missing:
        told = {"fields": _(", ").join(missing)}
        raise ValidationError(_("A new record cannot be kept without %(fields)s: leave it in the form.") % told)
    with transaction.atomic():
        one = Layout.objects.filter(entity=desk.key, role=role).first() or Layout(entity=desk.key, role=role)
        before = None if one.pk is None else {"sections": one.sections, "left": one.left}
        one.sections, one.left, one.changed_at = plain, gone, timezone.now()
        one.save()
        after = {"sections": plain, "left": gone}
        if before != after:
            told = {name: [(before or {}).get(name), value] for name, value in after.items()}
            events.write(one, "changed" if before else "created", told)
    _changed()
    return one


def checked(desk: Desk, role: str, sections: Any) -> list[dict[str, Any]]:
    """The sections as they are kept. Raises ValidationError."""
    if role and role not in roles():
        raise ValidationError(_("There is no role “%(code)s”.") % {"code": role})
    known, seen, found = set(items(desk)), set(), []
    try:
        for one in sections:
            labels = [str(one.get(n) or "").strip()[:60] for n in ("label_en", "label_zh")]
            rows = [[str(name) for name in row] for row in one["rows"] if row and not isinstance(row, str)]
            found.append({"label_en": labels[0], "label_zh": labels[1], "rows": rows})
    except (AttributeError, KeyError, TypeError) as error:
        raise ValidationError(
            _('Sections look like {"label_en": "", "label_zh": "", "rows": [["name", "owner"]]}.')
        ) from error
    if len(found) > MOST:
        raise ValidationError(_("More than %(n)d sections are not possible.") % {"n": MOST})
    for row in (row for one in found for row in one["rows"]):
        if len(row) > WIDEST:
            raise ValidationError(_("More than %(n)d fields do not stand side by side.") % {"n": WIDEST})
        for name in row:
            if name not in known or name in seen:
                text = _("“%(name)s” stands there twice.") if name in known else _("There is no field “%(name)s”.")
                raise ValidationError(text % {"name": name})
            seen.add(name)
    return found


def drop(desk: Desk, role: str) -> None:
    """As before: the company's layout for a role, the declared one for everybody."""
    one = Layout.objects.filter(entity=desk.key, role=role).first()
    if one is None:
        return
    with transaction.atomic():
        events.write(one, "deleted", {"sections": [one.sections, None]})
        one.delete()
    _changed()


def _changed() -> None:
    from xiaoguan.desk.custom import live

    live.changed()

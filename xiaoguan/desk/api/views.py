"""What programs do: read, create, change, delete and do, one record or many at once."""

from __future__ import annotations

from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xiaoguan.base.words import closest
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.api.refusals import Stale, answer, refusal_of
from xiaoguan.desk.api.shape import item, list_body
from xiaoguan.desk.desk import Desk
from xiaoguan.desk.events import current_actor
from xiaoguan.desk.fields import ExactField
from xiaoguan.desk.forms import form_for
from xiaoguan.desk.listing import BadQuery
from xiaoguan.desk.paths import kind_of
from xiaoguan.desk.records import Conflict, Record

MANY = 200


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object sent. Raises BadQuery when it is none."""
    if request.content_type != "application/json":
        raise BadQuery(_("Send a JSON object with the content type application/json."))
    try:
        data = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadQuery(_("The body is not JSON: %(why)s") % {"why": error}) from error
    if not isinstance(data, dict):
        raise BadQuery(_('Send a JSON object: {"field": value, ...}.'))
    return data


def collection(request: HttpRequest, desk: Desk) -> HttpResponse:
    viewer = viewer_of(request)
    if request.method == "GET":
        if not desk.may_open(viewer):
            raise PermissionDenied
        return HttpResponse(list_body(desk, viewer, request.GET), content_type="application/json")
    return answer(item(desk, viewer, create(desk, viewer, body_of(request)).pk), 201)


def one(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    viewer, record = found(request, desk, pk)
    if request.method == "GET":
        return answer(item(desk, viewer, pk, request.GET.get("fields", "")))
    _matches(request, record)
    if request.method == "PATCH":
        change(desk, viewer, record, body_of(request))
        return answer(item(desk, viewer, pk))
    remove(desk, viewer, record)
    return HttpResponse(status=204)


def verb(request: HttpRequest, desk: Desk, pk: int, name: str) -> HttpResponse:
    viewer, record = found(request, desk, pk)
    if desk.verb(name) is None:
        raise Http404
    _matches(request, record)
    run(desk, viewer, record, name, body_of(request))
    return answer(item(desk, viewer, pk))


def bulk(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Up to MANY deeds in one transaction: {"items": [{"do": "create" | "change" | "delete" | verb, "id", "values"}]}.

    All or nothing, unless "partial" is true. The answer has a result for each in the same order.
    """
    viewer, data = viewer_of(request), body_of(request)
    items, partial = data.get("items"), data.get("partial", False)
    if not isinstance(items, list) or not 1 <= len(items) <= MANY or not all(map(_is_deed, items)):
        raise ValidationError({"items": [_("A list of 1 to %(n)d deeds.") % {"n": MANY}]})
    if not isinstance(partial, bool):
        raise ValidationError({"partial": [_("true or false")]})
    results: list[dict[str, Any]] = []
    with transaction.atomic():
        for each in items:
            results.append(_one_of_many(desk, viewer, each))
        failed = any(r["status"] >= 400 for r in results)
        if failed and not partial:
            transaction.set_rollback(True)
            results = [r if r["status"] >= 400 else {"status": 424} for r in results]
    return answer({"results": results, "batch": current_actor().batch}, 422 if failed and not partial else 200)


def _is_deed(each: Any) -> bool:
    return isinstance(each, dict) and isinstance(each.get("do"), str)


def _one_of_many(desk: Desk, viewer: Viewer, each: dict[str, Any]) -> dict[str, Any]:
    try:
        with transaction.atomic():
            return _deed(desk, viewer, each)
    except Exception as error:
        known = refusal_of(error)
        if known is None:
            raise
        status, sentence, fields = known
        return {"status": status, "error": sentence, **({"fields": fields} if fields else {})}


def _deed(desk: Desk, viewer: Viewer, each: dict[str, Any]) -> dict[str, Any]:
    name, values, pk = each.get("do"), each.get("values", {}), each.get("id")
    if not isinstance(values, dict) or not isinstance(name, str):
        raise ValidationError(_("Each deed is an object with do, id and values."))
    if name == "create":
        made = create(desk, viewer, dict(values))
        return {"status": 201, "item": item(desk, viewer, made.pk)}
    record = desk.model._default_manager.filter(pk=pk).first() if is_id(pk) else None
    if record is None or not desk.may_read(viewer, record):
        raise Http404
    if name == "delete":
        remove(desk, viewer, record)
        return {"status": 204}
    if name == "change":
        change(desk, viewer, record, dict(values))
    else:
        run(desk, viewer, record, name, dict(values))
    return {"status": 200, "item": item(desk, viewer, record.pk)}


def is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def found(request: HttpRequest, desk: Desk, pk: int) -> tuple[Viewer, Record]:
    """The record if the viewer may read it. Raises Http404."""
    viewer = viewer_of(request)
    record = desk.model._default_manager.filter(pk=pk).first() if is_id(pk) else None
    if record is None or not desk.may_read(viewer, record):
        raise Http404
    return viewer, record


def _matches(request: HttpRequest, record: Record) -> None:
    """`If-Match: "7"` asks for version 7. Raises Stale."""
    given = request.headers.get("If-Match", "")
    if given and given != "*" and f'"{record.version}"' not in given:
        raise Stale


# The deeds themselves: they check the right, read the form and write. Raise what `refusal_of` knows.


def create(desk: Desk, viewer: Viewer, data: dict[str, Any]) -> Record:
    if not desk.may_create(viewer):
        raise PermissionDenied(
            _("You may not create this: %(who)s may.") % {"who": (desk.create or desk.write).words()}
        )
    record = desk.model()
    desk.prepare(record, viewer)
    return _write(desk, viewer, record, data)


def change(desk: Desk, viewer: Viewer, record: Record, data: dict[str, Any]) -> Record:
    if not desk.may_write(viewer, record):
        raise PermissionDenied(_("You may not change this: %(who)s may.") % {"who": desk.write.words()})
    return _write(desk, viewer, record, data)


def remove(desk: Desk, viewer: Viewer, record: Record) -> None:
    if not desk.may_delete(viewer, record):
        raise PermissionDenied(
            _("You may not delete this: %(who)s may.") % {"who": (desk.delete or desk.write).words()}
        )
    try:
        record.delete()
    except ProtectedError as error:
        raise InUse(record) from error


class InUse(Conflict):
    """Other records still belong to it."""

    def __str__(self) -> str:
        return _("Other records still belong to it.")


def run(desk: Desk, viewer: Viewer, record: Record, name: str, data: dict[str, Any]) -> None:
    deed = desk.verb(name)
    if deed is None:
        near = closest(name, ["create", "change", "delete", *(v.name for v in desk.verbs)])
        hint = _(" Did you mean '%(near)s'?") % {"near": near} if near else ""
        raise ValidationError(_("There is no deed '%(name)s'.") % {"name": name} + hint)
    version = _version(data)
    if version is not None and version != record.version:
        raise Conflict(record)
    if unknown := set(data) - set(deed.asked()):
        fields = ", ".join(deed.asked()) or _("none")
        raise ValidationError(
            {min(unknown): [_("This is no field of %(verb)s; it has %(fields)s.") % {"verb": name, "fields": fields}]}
        )
    deed.run(record, viewer, _flat(data), desk.write)


def _version(data: dict[str, Any]) -> int | None:
    """The version that was read, taken out of what was sent. Raises ValidationError for what is none."""
    version = data.pop("version", None)
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise ValidationError({"version": [_("A version is a whole number.")]})
    return version


def _flat(data: dict[str, Any]) -> dict[str, str]:
    """JSON values as a form would send them. Raises ValidationError for objects and lists, which no field takes."""
    for name, value in data.items():
        if isinstance(value, dict | list):
            raise ValidationError({name: [_("A plain value is needed here.")]})
    return {k: "" if v is None else ("on" if v else "") if isinstance(v, bool) else str(v) for k, v in data.items()}


TYPES: dict[str, tuple[tuple[type, ...], Any]] = {
    "bool": ((bool,), gettext_lazy("true or false")),
    "number": ((int,), gettext_lazy("a whole number")),
    "relation": ((int,), gettext_lazy("the id of a record, a whole number")),
    **dict.fromkeys(("money", "decimal", "percent"), ((str, int, float), gettext_lazy("a number, best as text"))),
}


def _fitting(name: str, kind: str, value: Any) -> None:
    """Raises ValidationError where JSON's type is another than the field's: a text for a yes or no."""
    types, wanted = TYPES.get(kind, ((str,), gettext_lazy("a text")))
    if value is None or (isinstance(value, types) and not (isinstance(value, bool) and bool not in types)):
        return
    raise ValidationError(
        {name: [_("%(value)s is not possible here: %(wanted)s.") % {"value": value, "wanted": wanted}]}
    )


def _short_enough(name: str, longest: int | None, value: Any) -> None:
    """Raises ValidationError for a text that is too long as it was sent; a form strips it first."""
    if longest and isinstance(value, str):
        try:
            MaxLengthValidator(longest)(value)
        except ValidationError as error:
            raise ValidationError({name: error}) from None


def _unmoved(desk: Desk, record: Record, data: dict[str, Any]) -> dict[str, Any]:
    """What was sent without what a verb alone changes; it may be sent back as it was read. Raises ValidationError."""
    for name in data:
        if (mover := desk.mover(name)) and data[name] != getattr(record, desk.model._meta.get_field(name).attname):
            way = f"POST /api/{desk.url_name}/{record.pk}/{mover.name}"
            raise ValidationError({name: [f"{desk.moved_by(name)} {way}"]})
    return {name: value for name, value in data.items() if not desk.mover(name)}


def _write(desk: Desk, viewer: Viewer, record: Record, data: dict[str, Any]) -> Record:
    """Create or change through the declared form. Raises ValidationError, Conflict, PermissionDenied."""
    version, creating = _version(data), record.pk is None
    names = desk.fillable(viewer) if creating else desk.writable(viewer)
    if not creating:
        data = _unmoved(desk, record, data)
    if unknown := [name for name in data if name not in names]:
        raise ValidationError(
            {unknown[0]: [_("This is no writable field; those are %(fields)s.") % {"fields": ", ".join(names)}]}
        )
    sent = _flat(data)
    for name in data:
        field = desk.model._meta.get_field(name)
        _fitting(name, kind_of(field), data[name])
        _short_enough(name, getattr(field, "max_length", None), data[name])
        if isinstance(field, ExactField) and field.percent and data[name] is not None:
            sent[name] = f"{sent[name]}e2" if "e" not in sent[name].lower() else sent[name]
    start: dict[str, Any] = {}
    if creating:  # what is not sent is as a fresh form would show it
        blank = form_for(desk, viewer, record, drawn=False)
        start = {name: blank[name].value() for name in names if name not in sent}
    full = {k: ("" if v is None else v) for k, v in start.items()} | sent
    form = form_for(desk, viewer, record, full, only=None if creating else tuple(data), drawn=False)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    if not desk.may_keep(viewer, form.instance, form.changed_data):
        raise PermissionDenied(_("You may only keep this for yourself or for people you are responsible for."))
    return form.save_record(version)

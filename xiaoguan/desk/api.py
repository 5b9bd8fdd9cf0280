"""The JSON API and its OpenAPI document, derived from the same declarations as the pages.

Lists answer straight from the database's values: a validated model a row costs five times the query. Amounts and
decimals are text, so that no client's float can touch them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from xiaoguan import __version__
from xiaoguan.base.money import SCALE
from xiaoguan.desk.access import Viewer, viewer_of
from xiaoguan.desk.desk import Desk, desks
from xiaoguan.desk.fields import ExactField, decimal_text
from xiaoguan.desk.forms import form_for
from xiaoguan.desk.listing import RESERVED, BadQuery, Listing, parameters
from xiaoguan.desk.paths import kind_of
from xiaoguan.desk.records import Conflict, Record

LIMIT, DEFAULT_LIMIT = 200, 50
HIDDEN = frozenset({"source"})
UTC = orjson.OPT_NAIVE_UTC  # moments come from SQLite without their zone, which is UTC


def answer(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data, option=UTC), status=status, content_type="application/json")


def problem(status: int, message: str, fields: dict[str, list[str]] | None = None) -> HttpResponse:
    """Every refusal has this form: {"error": sentence, "fields": {name: [sentences]}}."""
    return answer({"error": message, **({"fields": fields} if fields else {})}, status)


class Shape:
    """The JSON form of a desk's records: names and the function that makes each value plain. Made once a desk."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self.names: list[str] = []
        self.sources: list[str] = []
        self.converters: list[tuple[int, Callable[[Any], Any]]] = []
        self._statements: dict[int, str] = {}
        for field in desk.model._meta.concrete_fields:
            if field.name in HIDDEN:
                continue
            kind = kind_of(field)
            if convert := _converter(field, kind):
                self.converters.append((len(self.names), convert))
            self.names.append(field.name)
            self.sources.append(field.attname if kind == "relation" else field.name)
            if kind == "relation" and (title := self._title(field)):
                self.names.append(f"{field.name}_{title}")
                self.sources.append(f"{field.name}__{title}")

    @staticmethod
    def _title(field: Any) -> str:
        from xiaoguan.desk.paths import title_field

        name = title_field(field.related_model)
        return "" if name == "pk" else name

    def items(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """These records in this order as JSON's plain values. The statement is made once for each number of ids; the
        driver's own values are converted here, which costs a third of the way through the ORM."""
        if not ids:
            return []
        with connection.cursor() as cursor:
            cursor.execute(self._statement(len(ids)), list(ids))
            rows = {row[0]: row for row in cursor.fetchall()}
        names, converters, found = self.names, self.converters, []
        for pk in ids:
            if pk not in rows:
                continue
            values = list(rows[pk][1:])
            for at, convert in converters:
                if values[at] is not None:
                    values[at] = convert(values[at])
            found.append(dict(zip(names, values, strict=True)))
        return found

    def _statement(self, size: int) -> str:
        if size not in self._statements:
            query = (
                self.desk.model._default_manager.filter(pk__in=range(size)).order_by().values_list("pk", *self.sources)
            )
            self._statements[size] = query.query.get_compiler(connection=connection).as_sql()[0]
        return self._statements[size]


def _converter(field: Any, kind: str) -> Callable[[Any], Any] | None:
    """From what the driver gives to what JSON shows; None where they are the same."""
    if kind == "money":
        return lambda v: decimal_text(v, SCALE, 2)
    if kind in ("decimal", "percent"):
        scale = field.scale
        return lambda v: decimal_text(v, scale, 0)
    if field.get_internal_type() == "JSONField" and connection.vendor == "sqlite":
        return orjson.loads
    return None


@lru_cache(maxsize=256)
def _shape(desk: Desk, vendor: str) -> Shape:
    return Shape(desk)


def item(desk: Desk, pk: int) -> dict[str, Any]:
    return _shape(desk, connection.vendor).items([pk])[0]


def list_body(desk: Desk, viewer: Viewer, query: Any) -> bytes:
    """The JSON text of one page of a list. Raises BadQuery."""
    listing = Listing.read(desk, viewer, query, strict=True)
    try:
        limit = min(max(int(query.get("limit") or DEFAULT_LIMIT), 1), LIMIT)
    except ValueError as error:
        raise BadQuery(f"'{query.get('limit')}' is not possible for limit: a number from 1 to {LIMIT}") from error
    ids, after = listing.ids(limit)
    return orjson.dumps({"items": _shape(desk, connection.vendor).items(ids), "next": after or None}, option=UTC)


def _guarded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Every known refusal becomes the one documented form."""

    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, **kwargs)
        except BadQuery as error:
            return problem(400, str(error))
        except PermissionDenied as error:
            return problem(403, str(error) or _("You may not do this."))
        except Http404:
            return problem(404, _("There is no such record, or you may not see it."))
        except Conflict as error:
            return problem(409, str(error))
        except ValidationError as error:
            fields = error.message_dict if hasattr(error, "error_dict") else None
            return problem(422, " ".join(error.messages), fields)

    return guarded


def _body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object sent. Raises BadQuery when it is none."""
    if request.content_type != "application/json":
        raise BadQuery("Send a JSON object with the content type application/json.")
    try:
        data = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadQuery(f"The body is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadQuery('Send a JSON object: {"field": value, ...}.')
    return data


def _collection(request: HttpRequest, desk: Desk) -> HttpResponse:
    viewer = viewer_of(request)
    if request.method == "GET":
        if not desk.may_open(viewer):
            raise PermissionDenied
        return HttpResponse(list_body(desk, viewer, request.GET), content_type="application/json")
    if request.method == "POST":
        if not desk.may_create(viewer):
            raise PermissionDenied(
                _("You may not create this: %(who)s may.") % {"who": (desk.create or desk.write).words()}
            )
        record = desk.model()
        desk.prepare(record, viewer)
        return answer(_write(desk, viewer, record, _body(request)), 201)
    return problem(405, "Use GET or POST here.")


def _one(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    viewer, record = _find(request, desk, pk)
    if request.method == "GET":
        return answer(item(desk, pk))
    if request.method == "PATCH":
        if not desk.may_write(viewer, record):
            raise PermissionDenied(_("You may not change this: %(who)s may.") % {"who": desk.write.words()})
        return answer(_write(desk, viewer, record, _body(request)))
    if request.method == "DELETE":
        if not desk.may_delete(viewer, record):
            raise PermissionDenied(
                _("You may not delete this: %(who)s may.") % {"who": (desk.delete or desk.write).words()}
            )
        try:
            record.delete()
        except ProtectedError:
            return problem(409, _("Other records still belong to it."))
        return HttpResponse(status=204)
    return problem(405, "Use GET, PATCH or DELETE here.")


def _verb(request: HttpRequest, desk: Desk, pk: int, name: str) -> HttpResponse:
    viewer, record = _find(request, desk, pk)
    verb = desk.verb(name)
    if verb is None:
        raise Http404
    if request.method != "POST":
        return problem(405, "Use POST here.")
    data = _body(request)
    version = data.pop("version", None)
    if version is not None and version != record.version:
        raise Conflict(record)
    if unknown := set(data) - set(verb.fields):
        return problem(422, f"'{sorted(unknown)[0]}' is no field of {name}; it has {', '.join(verb.fields) or 'none'}.")
    verb.run(record, viewer, _flat(data), desk.write)
    return answer(item(desk, pk))


def _find(request: HttpRequest, desk: Desk, pk: int) -> tuple[Viewer, Record]:
    viewer = viewer_of(request)
    record = desk.model._default_manager.filter(pk=pk).first()
    if record is None or not desk.may_read(viewer, record):
        raise Http404
    return viewer, record


def _flat(data: dict[str, Any]) -> dict[str, str]:
    """JSON values as a form would send them. Percent fields are typed as percentages there, as fractions here."""
    return {k: "" if v is None else ("on" if v else "") if isinstance(v, bool) else str(v) for k, v in data.items()}


def _write(desk: Desk, viewer: Viewer, record: Record, data: dict[str, Any]) -> dict[str, Any]:
    """Create or change through the declared form. Raises ValidationError, Conflict, PermissionDenied."""
    version = data.pop("version", None)
    unknown = [name for name in data if name not in desk.form_fields]
    if unknown:
        raise ValidationError({unknown[0]: [f"This is no writable field; those are {', '.join(desk.form_fields)}."]})
    sent = _flat(data)
    for name in data:
        field = desk.model._meta.get_field(name)
        if isinstance(field, ExactField) and field.percent and data[name] is not None:
            sent[name] = f"{sent[name]}e2" if "e" not in sent[name].lower() else sent[name]
    creating = record.pk is None
    blank = form_for(desk, viewer, record)
    start = {name: blank[name].value() for name in desk.form_fields} if creating else {}
    full = {k: ("" if v is None else v) for k, v in start.items()} | sent
    form = form_for(desk, viewer, record, full, only=None if creating else tuple(data))
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    if not desk.may_keep(viewer, form.instance, form.changed_data):
        raise PermissionDenied(_("You may only keep this for yourself or for people you are responsible for."))
    saved = form.save_record(int(version) if isinstance(version, int) else None)
    return item(desk, saved.pk)


# The document


JSON_TYPES: dict[str, dict[str, Any]] = {
    "money": {"type": "string", "format": "decimal", "description": "major units, up to four decimals"},
    "decimal": {"type": "string", "format": "decimal"},
    "percent": {"type": "string", "format": "decimal", "description": "a fraction of one"},
    "number": {"type": "integer"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "relation": {"type": "integer", "description": "id of the related record"},
}


def _schema(desk: Desk, writable: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    required = []
    for field in desk.model._meta.concrete_fields:
        if field.name in HIDDEN or (writable and field.name not in desk.form_fields):
            continue
        kind = kind_of(field)
        entry = dict(JSON_TYPES.get(kind, {"type": "string"}))
        if kind == "choice":
            entry["enum"] = [v for v, _label in field.flatchoices] + ([""] if field.blank else [])
        if getattr(field, "max_length", None) and kind not in ("choice",):
            entry["maxLength"] = field.max_length
        if field.null:
            entry["type"] = [entry["type"], "null"]
        entry["title"] = str(field.verbose_name)
        fields[field.name] = entry
        if kind == "relation" and not writable and (title := Shape._title(field)):
            fields[f"{field.name}_{title}"] = {"type": ["string", "null"]}
        if writable and not field.blank and not field.null and not field.has_default():
            required.append(field.name)
    schema: dict[str, Any] = {"type": "object", "properties": fields}
    if writable:
        fields["version"] = {"type": "integer", "description": "the version that was read; an older one is refused"}
        schema["additionalProperties"] = False
        if required:
            schema["required"] = required
    return schema


def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document of everything that is registered."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {
        "Problem": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "string"}, "fields": {"type": "object", "additionalProperties": True}},
        }
    }
    refusals = {
        str(code): {
            "description": text,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for code, text in {
            400: "a parameter or body that is not understood",
            401: "not signed in",
            403: "no right",
            404: "no such record",
            405: "method not possible here",
            409: "changed meanwhile, or still in use",
            422: "a value is not possible",
        }.items()
    }

    def said(schema: dict[str, Any], status: str = "200") -> dict[str, Any]:
        return {status: {"description": "done", "content": {"application/json": {"schema": schema}}}, **refusals}

    for desk in desks():
        name = desk.model.__name__
        ref = {"$ref": f"#/components/schemas/{name}"}
        schemas[name] = _schema(desk, writable=False)
        where = f"/api/{desk.url_name}"
        pk = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
        query = [
            {"name": n, "in": "query", "required": False, "schema": {"type": "string"}}
            for n in (*parameters(desk), *sorted(RESERVED - {"fields", "view"}))
        ]
        page = {
            "type": "object",
            "properties": {"items": {"type": "array", "items": ref}, "next": {"type": ["string", "null"]}},
        }
        paths[where] = {
            "get": {"operationId": f"list_{desk.key}", "tags": [desk.key], "parameters": query, "responses": said(page)}
        }
        paths[f"{where}/{{id}}"] = {
            "get": {"operationId": f"read_{desk.key}", "tags": [desk.key], "parameters": [pk], "responses": said(ref)}
        }
        if desk.form:
            schemas[f"{name}Write"] = _schema(desk, writable=True)
            partial_schema = {k: v for k, v in schemas[f"{name}Write"].items() if k != "required"}
            paths[where]["post"] = _writing(
                f"create_{desk.key}", desk, [], {"$ref": f"#/components/schemas/{name}Write"}, said(ref, "201")
            )
            paths[f"{where}/{{id}}"]["patch"] = _writing(f"change_{desk.key}", desk, [pk], partial_schema, said(ref))
            paths[f"{where}/{{id}}"]["delete"] = {
                "operationId": f"delete_{desk.key}",
                "tags": [desk.key],
                "parameters": [pk],
                "responses": {"204": {"description": "deleted"}, **refusals},
            }
        for verb in desk.verbs:
            body = {
                "type": "object",
                "properties": {n: {"type": "string", "title": str(f.label or n)} for n, f in verb.fields.items()},
            }
            paths[f"{where}/{{id}}/{verb.name}"] = {
                "post": _writing(f"{verb.name}_{desk.key}", desk, [pk], body, said(ref))
            }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Xiaoguan",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "sessionid"}},
        },
        "security": [{"session": []}],
    }


def _writing(
    name: str, desk: Desk, params: list[Any], schema: dict[str, Any], responses: dict[str, Any]
) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": [desk.key],
        "parameters": params,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": responses,
    }


def document(request: HttpRequest) -> HttpResponse:
    return answer(openapi())


def reference(request: HttpRequest) -> HttpResponse:
    """The API as a page to read: every entity, its fields, filters and verbs."""
    return render(request, "desk/api.html", {"document": openapi()})


def urls() -> list[Any]:
    found: list[Any] = [path("api/", reference, name="api"), path("api/openapi.json", document, name="openapi")]
    for desk in desks():
        where = f"api/{desk.url_name}"
        found += [
            path(where, _guarded(partial(_collection, desk=desk))),
            path(f"{where}/<int:pk>", _guarded(partial(_one, desk=desk))),
            path(f"{where}/<int:pk>/<str:name>", _guarded(partial(_verb, desk=desk))),
        ]
    return found

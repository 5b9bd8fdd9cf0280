"""The OpenAPI 3.1 document, derived from the same declarations as the endpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xiaoguan import __version__
from xiaoguan.desk.api import approving, background, saved
from xiaoguan.desk.api.shape import HIDDEN, titled
from xiaoguan.desk.api.views import MANY
from xiaoguan.desk.desk import Desk, desks
from xiaoguan.desk.listing import parameters
from xiaoguan.desk.paths import kind_of

Part = Callable[[Callable[..., dict[str, Any]]], dict[str, Any]]

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
ACCEPTED = {"money": ["string", "number"], "decimal": ["string", "number"], "percent": ["string", "number"]}
"""What may be sent where more than the shown type is understood."""
REFUSALS = {
    400: "a parameter or body that is not understood",
    401: "not signed in, or the token is not valid",
    403: "no right, or the token has not the scope",
    404: "no such record, or it may not be seen",
    405: "method not possible here",
    409: "changed meanwhile, or still in use",
    412: "If-Match names another version",
    422: "a value is not possible",
    429: "too many requests; Retry-After says when to come back",
}
KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 80},
    "description": "sent again with the same key, the request is answered as the first time and not done again",
}  # fmt: skip
MATCH = {
    "name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"},
    "description": 'the version that was read, as "7"; with another one nothing is done',
}  # fmt: skip
PK = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}}
ASKED = {
    "q": "words to search for",
    "sort": "paths, several with commas, - before one for the other way round",
    "cursor": "`next` of the page before",
    "limit": "1 to 200, 50 unless given",
    "fields": "names of the fields wanted, with commas",
    "where": "a filter expression: amount:ge:1000;stage:in:propose,negotiate",
    "view": "id of a saved view whose filter and sort hold",
}


def _schema(desk: Desk, writable: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    required = []
    for field in desk.model._meta.concrete_fields:
        if field.name in (*HIDDEN, *desk.untold) or (writable and field.name not in desk.form_fields):
            continue
        kind = kind_of(field)
        entry = dict(JSON_TYPES.get(kind, {"type": "string"}))
        if field.get_internal_type() == "JSONField":
            fields[field.name] = {"title": str(field.verbose_name)}
            continue
        types = ACCEPTED.get(kind, [entry["type"]]) if writable else [entry["type"]]
        empty = field.null or (writable and field.blank)
        if kind == "choice":
            entry["enum"] = [v for v, _label in field.flatchoices] + ([""] if field.blank else []) + [None] * empty
        if getattr(field, "max_length", None) and kind != "choice":
            entry["maxLength"] = field.max_length
        types = [*types, *(["null"] if empty else [])]
        entry["type"] = types if len(types) > 1 else types[0]
        entry["title"] = str(field.verbose_name)
        fields[field.name] = entry
        if kind == "relation" and not writable and (title := titled(field)):
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


def said(schema: dict[str, Any], status: str = "200") -> dict[str, Any]:
    """The answers of an endpoint: what it gives, and every refusal in its one form."""
    refused = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals = {str(code): {"description": text, "content": refused} for code, text in REFUSALS.items()}
    return {status: {"description": "done", "content": {"application/json": {"schema": schema}}}, **refusals}


def _filter(path: Any) -> dict[str, Any]:
    """What a simple filter parameter takes."""
    return {"type": "string", "description": f"{path.label}; `none` for empty"}


_further: list[Part] = []


def documents(part: Part) -> Part:
    """Decorator: gives the paths of endpoints that live elsewhere; called with `said`."""
    _further.append(part)
    return part


def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document of everything that is registered."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {
        "Problem": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "string"}, "fields": {"type": "object", "additionalProperties": True}},
        },
        "Deeds": {
            "type": "object",
            "required": ["items"],
            "properties": {
                "items": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MANY,
                    "items": {
                        "type": "object",
                        "required": ["do"],
                        "properties": {
                            "do": {"type": "string", "description": "create, change, delete or the name of a verb"},
                            "id": {"type": ["integer", "null"]},
                            "values": {"type": "object", "additionalProperties": True},
                        },
                    },
                },
                "partial": {"type": "boolean", "description": "keep what succeeds although something else fails"},
            },
        },
        "Done": {
            "type": "object",
            "properties": {
                "results": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
                "batch": {"type": "string", "description": "POST /undo/{batch} takes everything back"},
            },
        },
    }
    for desk in desks():
        paths |= _endpoints(desk, schemas)
    paths |= saved.documented(said) | background.documented(said) | approving.documented(said)
    for part in _further:
        paths |= part(said)
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
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "an access token, made under the own name",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
            },
        },
        "security": [{"token": []}, {"session": []}],
    }


def _endpoints(desk: Desk, schemas: dict[str, Any]) -> dict[str, Any]:
    """The endpoints of one desk; its schemas are added to `schemas`."""
    name, where = desk.model.__name__, f"/api/{desk.url_name}"
    ref = {"$ref": f"#/components/schemas/{name}"}
    schemas[name] = _schema(desk, writable=False)
    asked = [
        {"name": n, "in": "query", "required": False, "schema": {"type": "string", "description": text}}
        for n, text in ASKED.items()
    ]
    query = [{"name": n, "in": "query", "required": False, "schema": _filter(p)} for n, p in parameters(desk).items()]
    fields = next(a for a in asked if a["name"] == "fields")
    page = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": ref}, "next": {"type": ["string", "null"]}},
    }
    many: dict[str, Any] = {"get": _reading(f"list_{desk.key}", desk, [*query, *asked], said(page))}
    one: dict[str, Any] = {"get": _reading(f"read_{desk.key}", desk, [PK, fields], said(ref))}
    found = {where: many, f"{where}/{{id}}": one}
    if desk.form:
        schemas[f"{name}Write"] = _schema(desk, writable=True)
        whole = {"$ref": f"#/components/schemas/{name}Write"}
        part = {k: v for k, v in schemas[f"{name}Write"].items() if k != "required"}
        many["post"] = _writing(f"create_{desk.key}", desk, [KEY], whole, said(ref, "201"))
        one["patch"] = _writing(f"change_{desk.key}", desk, [PK, MATCH, KEY], part, said(ref))
        gone = {**said({}), "204": {"description": "deleted"}}
        gone.pop("200")
        one["delete"] = {**_reading(f"delete_{desk.key}", desk, [PK, MATCH, KEY], gone)}
        deeds = {"$ref": "#/components/schemas/Deeds"}
        done = said({"$ref": "#/components/schemas/Done"})
        done["422"] = {**done["422"], "content": {"application/json": {"schema": {"type": "object"}}}}
        found[f"{where}/bulk"] = {"post": _writing(f"bulk_{desk.key}", desk, [KEY], deeds, done)}
    for verb in desk.verbs:
        plain = {"type": ["string", "integer", "number", "boolean", "null"]}
        body = {
            "type": "object",
            "properties": {n: {**plain, "title": str(f.label or n)} for n, f in verb.fields.items()},
            "additionalProperties": plain if verb.further else False,
        }
        body["properties"]["version"] = {"type": "integer"}
        found[f"{where}/{{id}}/{verb.name}"] = {
            "post": _writing(f"{verb.name}_{desk.key}", desk, [PK, MATCH, KEY], body, said(ref))
        }
    return found


def _reading(name: str, desk: Desk, params: list[Any], responses: dict[str, Any]) -> dict[str, Any]:
    return {"operationId": name, "tags": [desk.key], "parameters": params, "responses": responses}


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

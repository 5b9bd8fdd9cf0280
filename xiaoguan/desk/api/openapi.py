"""The OpenAPI 3.1 document, derived from the same declarations as the endpoints."""

from __future__ import annotations

from typing import Any

from xiaoguan import __version__
from xiaoguan.desk.api import background, saved
from xiaoguan.desk.api.shape import HIDDEN, titled
from xiaoguan.desk.desk import Desk, desks
from xiaoguan.desk.listing import RESERVED, parameters
from xiaoguan.desk.paths import kind_of

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
    paths |= saved.documented(said) | background.documented(said)
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

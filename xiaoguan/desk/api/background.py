"""What the OpenAPI document says of jobs, imports, exports and notifications, which belong to no entity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Said = Callable[..., dict[str, Any]]
_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
_MAYBE = {"type": ["string", "null"]}
_JOB = {
    "type": "object",
    "properties": {
        "id": _NUMBER,
        "kind": _TEXT,
        "title": _TEXT,
        "state": {"type": "string", "enum": ["queued", "running", "done", "failed", "cancelled"]},
        "done": _NUMBER,
        "total": _NUMBER,
        "unit": _TEXT,
        "error": _TEXT,
        "asked_at": _TEXT,
        "started_at": _MAYBE,
        "finished_at": _MAYBE,
        "result": {"type": "object", "additionalProperties": True},
        "files": {"type": "array", "items": _TEXT},
    },
}
_NOTIFICATION = {
    "type": "object",
    "properties": {
        "id": _NUMBER,
        "text": _TEXT,
        "kind": _TEXT,
        "entity": _TEXT,
        "record_id": {"type": ["integer", "null"]},
        "url": _TEXT,
        "created_at": _TEXT,
        "read_at": _MAYBE,
    },
}
_UPLOAD = {
    "type": "object",
    "required": ["file", "entity"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "entity": {"type": "string", "description": "customer, contact, lead, opportunity, ..."},
        "mapping": {"type": "string", "description": 'JSON: {"column": "field"}; guessed without it'},
        "fixed": {"type": "string", "description": 'JSON: {"field": "text"} for fields that no column fills'},
        "values": {"type": "string", "description": 'JSON: {"field": {"text of the file": "instead"}}'},
        "match": {"type": "string", "description": 'JSON: ["field"] by which a row is known'},
        "rule": {"type": "string", "enum": ["update", "skip", "create"]},
        "source": _TEXT,
        "part": _TEXT,
        "header": _TEXT,
        "dates": {"type": "string", "enum": ["dmy", "mdy"]},
        "numbers": {"type": "string", "enum": ["1,234.56", "1.234,56"]},
        "dry_run": {"type": "string", "enum": ["0", "1"]},
    },
}


def _page(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"items": {"type": "array", "items": item}, "next": _MAYBE}}


def documented(said: Said) -> dict[str, Any]:
    pk = {"name": "id", "in": "path", "required": True, "schema": _NUMBER}

    def ask(name: str) -> dict[str, Any]:
        return {"name": name, "in": "query", "required": False, "schema": _TEXT}

    def deed(name: str, status: str = "200") -> dict[str, Any]:
        return {
            "post": {
                "operationId": f"{name}_job",
                "tags": ["jobs"],
                "parameters": [pk],
                "responses": said(_JOB, status),
            }
        }

    def read(name: str, tag: str, answer: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
        return {"operationId": name, "tags": [tag], "parameters": list(parameters), "responses": said(answer)}

    marked = {"type": "object", "properties": {"changed": _NUMBER, "unread": _NUMBER}}
    marking = {
        "type": "object",
        "properties": {"ids": {"type": ["array", "null"], "items": _NUMBER}, "read": {"type": "boolean"}},
    }
    anything = {"type": "object", "additionalProperties": True}
    too_large = {"413": {"description": "the file is larger than the server takes"}}
    return {
        "/api/jobs": {"get": read("list_jobs", "jobs", _page(_JOB), ask("state"), ask("cursor"))},
        "/api/jobs/{id}": {"get": read("read_job", "jobs", _JOB, pk)},
        "/api/jobs/{id}/cancel": deed("cancel"),
        "/api/jobs/{id}/again": deed("again"),
        "/api/jobs/{id}/revert": deed("revert", "202"),
        "/api/imports": {
            "post": {
                "operationId": "import_file",
                "tags": ["imports"],
                "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _UPLOAD}}},
                "responses": said(_JOB, "202") | said(anything) | too_large,
            }
        },
        "/api/exports": {"get": read("list_exports", "exports", _page(anything))},
        "/api/notifications": {
            "get": read(
                "list_notifications", "notifications", _page(_NOTIFICATION), ask("kind"), ask("state"), ask("cursor")
            ),
            "post": {
                "operationId": "mark_notifications",
                "tags": ["notifications"],
                "requestBody": {"required": False, "content": {"application/json": {"schema": marking}}},
                "responses": said(marked),
            },
        },
    }

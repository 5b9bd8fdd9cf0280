"""What the OpenAPI document says of approvals, of who signs what, and of what a company adds."""

from __future__ import annotations

from typing import Any

_TEXT, _NUMBER, _MAYBE = {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}
_MAYBE_NUMBER = {"type": ["integer", "null"]}
_ANY = {"type": "object", "additionalProperties": True}
_LINE = {
    "type": "object",
    "properties": {
        "step": _NUMBER,
        "person_id": _NUMBER,
        "decision": {"type": "string", "enum": ["", "approve", "reject", "return", "spared"]},
        "signed_by": _MAYBE_NUMBER,
        "signed_at": _MAYBE,
        "note": _TEXT,
        "added_by": _MAYBE_NUMBER,
    },
}
_REQUEST = {
    "type": "object",
    "properties": {
        "id": _NUMBER,
        "kind": _TEXT,
        "entity": _TEXT,
        "record_id": _NUMBER,
        "title": _TEXT,
        "state": {"type": "string", "enum": ["open", "approved", "rejected", "returned", "withdrawn"]},
        "by": _NUMBER,
        "note": _TEXT,
        "version": _NUMBER,
        "flow": _NUMBER,
        "step": _NUMBER,
        "asked_at": _TEXT,
        "ended_at": _MAYBE,
        "steps": {"type": "array", "items": _ANY},
        "lines": {"type": "array", "items": _LINE},
        "changes": {**_ANY, "description": "{field: [old, new]} that the last signature writes"},
        "why": {"type": "array", "items": _ANY, "description": "the reasons in words: [{label, value}]"},
        "snapshot": {**_ANY, "description": "the watched fields as they were when it was asked for"},
    },
}
_STEPS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "by": {"type": "array", "description": '["manager", levels], ["role", code] or ["person", id]'},
            "needs": {"type": "string", "enum": ["any", "all"]},
        },
    },
}
_FLOW = {
    "type": "object",
    "properties": {
        "kind": _TEXT,
        "label": _TEXT,
        "freezes": {"type": "array", "items": _TEXT},
        "waits": {"type": "boolean"},
        "number": _NUMBER,
        "active": {"type": "boolean"},
        "limit": _MAYBE,
        "steps": _STEPS,
    },
}
_ASK = {
    "type": "object",
    "required": ["kind", "id"],
    "properties": {
        "kind": {"type": "string", "description": "goaltarget.target, order.cancellation, ..."},
        "id": {"type": "integer", "description": "of the record"},
        "changes": {**_ANY, "description": "{field: value} that wait, as the form takes them"},
        "note": _TEXT,
    },
}
_DEED = {"type": "object", "properties": {"note": _TEXT, "step": _MAYBE_NUMBER, "person": _NUMBER}}


def documented(said: Any) -> dict[str, Any]:
    def sent(schema: dict[str, Any]) -> dict[str, Any]:
        return {"required": True, "content": {"application/json": {"schema": schema}}}

    def ask(name: str) -> dict[str, Any]:
        return {"name": name, "in": "query", "required": False, "schema": _TEXT}

    def operation(name: str, responses: Any, body: Any = None, parameters: Any = ()) -> dict[str, Any]:
        found = {"operationId": name, "tags": ["approvals"], "parameters": list(parameters), "responses": responses}
        return {**found, "requestBody": sent(body)} if body else found

    pk = {"name": "id", "in": "path", "required": True, "schema": _NUMBER}
    kind = {"name": "kind", "in": "path", "required": True, "schema": _TEXT}
    page = {"type": "object", "properties": {"items": {"type": "array", "items": _REQUEST}, "next": _MAYBE}}
    flows = {"type": "object", "properties": {"items": {"type": "array", "items": _FLOW}}}
    change = {"type": "object", "required": ["steps"], "properties": {"steps": _STEPS, "limit": {}, "active": {}}}
    paths: dict[str, Any] = {
        "/api/approvals": {
            "get": operation("list_approvals", said(page), None, [ask("show"), ask("state"), ask("cursor")]),
            "post": operation("ask_approval", said(_REQUEST, "201"), _ASK),
        },
        "/api/approvals/{id}": {"get": operation("read_approval", said(_REQUEST), None, [pk])},
        "/api/approval-flows": {"get": operation("list_approval_flows", said(flows))},
        "/api/approval-flows/{kind}": {
            "get": operation("read_approval_flow", said(_FLOW), None, [kind]),
            "post": operation("change_approval_flow", said(_FLOW), change, [kind]),
        },
    }
    for name in ("approve", "return", "reject", "withdraw", "remind", "add_signer"):
        paths[f"/api/approvals/{{id}}/{name}"] = {"post": operation(f"{name}_approval", said(_REQUEST), _DEED, [pk])}
    return paths | _definitions(operation, said, pk)


def _definitions(operation: Any, said: Any, pk: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    pages = {"type": "object", "properties": {"items": {"type": "array", "items": _ANY}}}
    for word, name in (("fields", "field"), ("entities", "entity")):
        where = f"/api/custom-{word}"
        found[where] = {
            "get": operation(f"list_custom_{word}", said(pages)),
            "post": operation(f"add_custom_{name}", said(_ANY, "201"), _ANY),
        }
        found[f"{where}/{{id}}"] = {
            "get": operation(f"read_custom_{name}", said(_ANY), None, [pk]),
            "patch": operation(f"change_custom_{name}", said(_ANY), _ANY, [pk]),
        }
        for deed in ("retire", "revive", "purge"):
            found[f"{where}/{{id}}/{deed}"] = {"post": operation(f"{deed}_custom_{name}", said(_ANY), None, [pk])}
    return found

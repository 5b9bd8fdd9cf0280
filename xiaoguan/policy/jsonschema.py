"""JSON Schema of the policy document, made from its classes: editors then complete keys and mark wrong ones.

The schema says which keys there are and what their values look like; what fits together is `check`'s matter.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from .document import Bound, Expression, Policy, Section
from .formula import Duration
from .load import _keys, _required

_SCALAR: Mapping[object, dict[str, Any]] = {
    "text": {"type": ["string", "number", "boolean"]},
    "id": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$"},
    "dotted": {"type": "string"},
    "number": {"type": ["number", "string"], "pattern": r"^-?[\d_]+(\.\d+)?%?$"},
    "percent": {"type": ["number", "string"], "pattern": r"^-?[\d_]+(\.\d+)?%?$"},
    "share": {"type": ["number", "string"], "pattern": r"^-?[\d_]+(\.\d+)?%?$"},
    "whole": {"type": ["integer", "string"], "pattern": r"^-?[\d_]+$"},
    "mark": {"type": ["number", "string"], "pattern": r"^-?[\d_]+(\.\d+)?$"},
    "units": {"type": ["number", "string"]},
    "month_day": {"type": "string", "pattern": r"^\d\d-\d\d$"},
    "weekday": {"enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "monday", "tuesday", "wednesday", "thursday",
                         "friday", "saturday", "sunday"]},
    Expression: {"type": ["string", "number"], "description": "A formula; see docs/reference/formula.md."},
    Duration: {"type": "string", "pattern": r"^\d{1,5}(wd|[hdwmy])$"},
    Bound: {"type": ["number", "string"]},
    bool: {"type": "boolean"},
}  # fmt: skip
_LISTS = {"names": "id", "texts": "text", "weekdays": "weekday"}


def json_schema() -> dict[str, Any]:
    """The schema of the whole document, draft 2020-12."""
    found: dict[str, Any] = {}
    root = _section(Policy, found)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://xiaoguan.example/policy.schema.json",
        "title": "Xiaoguan sales policy, sales-policy/1",
        **root,
        "$defs": dict(sorted(found.items())),
    }


def _section(cls: Any, found: dict[str, Any]) -> dict[str, Any]:
    keys = {key: _value(hint, optional, found) for key, (_, hint, optional) in _keys(cls).items()}
    first = (cls.__doc__ or "").strip().splitlines()[0]
    made: dict[str, Any] = {"type": "object", "description": first, "properties": keys, "additionalProperties": False}
    if required := sorted(_required(cls)):
        made["required"] = required
    return made


def _ref(cls: Any, found: dict[str, Any]) -> dict[str, Any]:
    if cls.__name__ not in found:
        found[cls.__name__] = {}
        found[cls.__name__] = _section(cls, found)
    ref = {"$ref": f"#/$defs/{cls.__name__}"}
    if not cls.short:
        return ref
    short = next(hint for key, (name, hint, _) in _keys(cls).items() if name == cls.short)
    return {"anyOf": [ref, _value(short, False, found)]}


def _value(hint: Any, optional: bool, found: dict[str, Any]) -> dict[str, Any]:
    made = _plain(hint, found)
    return {"anyOf": [made, {"type": "null"}]} if optional else made


def _plain(hint: Any, found: dict[str, Any]) -> dict[str, Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _plain(next(arg for arg in args if arg is not type(None)), found)
    if origin is Annotated:
        return _annotated(args[1], found)
    if origin is tuple:
        return {"type": "array", "items": _plain(args[0], found)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _plain(args[1], found), **_names(args[0])}
    if origin is Literal:
        return {"enum": [_number(arg) for arg in args if arg]}
    if isinstance(hint, type) and issubclass(hint, Section):
        return _ref(hint, found)
    return dict(_SCALAR.get(hint, {"type": "string", "format": "date"}))


def _annotated(how: str, found: dict[str, Any]) -> dict[str, Any]:
    if how == "points":
        pair = {"type": "array", "minItems": 2, "maxItems": 2}
        return {"anyOf": [{"type": "object"}, {"type": "array", "items": pair}]}
    if how == "levels":
        return {"anyOf": [_SCALAR["number"], {"type": "object", "additionalProperties": _SCALAR["number"]}]}
    if how in _LISTS:
        many = {"type": "array", "items": _SCALAR[_LISTS[how]]}
        return {"anyOf": [many, _SCALAR["id"]]} if how == "names" else many
    return dict(_SCALAR[how])


def _names(keys: Any) -> dict[str, Any]:
    return {"propertyNames": {"enum": list(get_args(keys))}} if get_origin(keys) is Literal else {}


def _number(text: str) -> str | int:
    """445 is a number to whoever reads YAML with types."""
    return int(text) if text.isdigit() else text

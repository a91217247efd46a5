"""Whether a value fits the bounded subset of JSON Schema that the judge asks with."""

from __future__ import annotations

import math
from collections.abc import Mapping

from evalkit.api.records import JSON

_KNOWN = {
    *("type", "enum", "const", "properties", "required", "additionalProperties", "items", "title", "description"),
    *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def violation(schema: Mapping[str, JSON], value: JSON, where: str = "the reply") -> str:
    """What of `value` does not fit, in words of ours alone; empty if it fits. `4.0` and `true` are no integers.

    Raises:
        ValueError: the schema uses a keyword beyond the subset: it would be taken for satisfied.
    """
    if unknown := schema.keys() - _KNOWN:
        raise ValueError(f"no such keyword in our subset of JSON Schema: {', '.join(sorted(unknown))}")
    kind = schema.get("type")
    if kind is not None and not _is(kind, value):
        return f"{where} is not of type {kind}"
    options = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if options is not None and not any(type(value) is type(option) and value == option for option in options):
        return f"{where} is none of {', '.join(map(repr, options))}"
    if isinstance(value, dict):
        return _object(schema, value, where)
    if isinstance(value, list):
        return _array(schema, value, where)
    if isinstance(value, str):
        return _within(schema, len(value), "Length", f"the length of {where}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            return f"{where} is not finite"
        return _bounded(schema.get("minimum"), schema.get("maximum"), value, where)
    return ""


def _is(kind: str, value: JSON) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _object(schema: Mapping[str, JSON], value: dict[str, JSON], where: str) -> str:
    properties: Mapping[str, JSON] = schema.get("properties", {})
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"`{missing[0]}` is missing in {where}"
    if schema.get("additionalProperties", True) is False and value.keys() - properties.keys():
        return f"{where} has a property that was not asked for"
    found = (violation(properties[name], part, f"`{name}`") for name, part in value.items() if name in properties)
    return next(filter(None, found), "")


def _array(schema: Mapping[str, JSON], value: list[JSON], where: str) -> str:
    if wrong := _within(schema, len(value), "Items", f"the number of items of {where}"):
        return wrong
    items = schema.get("items")
    found = (violation(items, part, f"an item of {where}") for part in value) if items is not None else ()
    return next(filter(None, found), "")


def _within(schema: Mapping[str, JSON], size: int, what: str, where: str) -> str:
    return _bounded(schema.get(f"min{what}"), schema.get(f"max{what}"), size, where)


def _bounded(low: JSON, high: JSON, value: float, where: str) -> str:
    if low is not None and value < low:
        return f"{where} is below {low}"
    if high is not None and value > high:
        return f"{where} is above {high}"
    return ""

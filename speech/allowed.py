"""What a JSON Schema allows, in words for people ("a number from 0.25 to 4"): for the errors of the API and of MCP.

The words of the library that checks are made for programmers: patterns, types, the address of a page to read on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

Schema = dict[str, Any]  # JSON Schema, as pydantic writes it

_KINDS = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
_MANY = {"array": ("a list", "entry", "entries"), "object": ("an object", "field", "fields")}
_LONGEST_KEY = 40  # characters of a key that are shown


def allowed(schema: Schema, whole: Schema | None = None) -> str:
    """What a value of this schema may be. whole: the schema that has the definitions it refers to."""
    kinds = [_resolved(kind, whole) for kind in schema.get("anyOf", [schema])]
    return " or ".join(_kind(kind) for kind in kinds if kind.get("type") != "null")


def at(schema: Schema, steps: Iterable[str | int]) -> tuple[str, Schema]:
    """Where the steps lead from a schema: the place in words ("turns[0].text"), and what is allowed there.

    It stops before a step that the schema does not know, such as the name of a model among several.
    """
    place, found = "", schema
    for step in steps:
        known = _inside(found, step, schema)
        if known is None:
            break
        name, found = known
        place += name
    return place.removeprefix("."), found


def must(found: Mapping[str, Any], whole: Schema) -> str:
    """What a value must be that was refused. found: one of ValidationError.errors(); whole: what all was checked by."""
    return own_words(found) or f"must be {allowed(at(whole, found['loc'])[1], whole)}"


def own_words(found: Mapping[str, Any]) -> str | None:
    """What a check of ours said of a value; None if it was one of pydantic's."""
    return str(found["msg"]).removeprefix("Value error, ") if found["type"] == "value_error" else None


def meant(name: str, known: Iterable[str]) -> str:
    """A question about a name that is not known; empty if none of the known ones is like it."""
    near = get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _inside(schema: Schema, step: str | int, whole: Schema) -> tuple[str, Schema] | None:
    for kind in (_resolved(kind, whole) for kind in schema.get("anyOf", [schema])):
        if isinstance(step, int):
            if "items" in kind:
                return f"[{step}]", _resolved(kind["items"], whole)
        elif step in kind.get("discriminator", {}).get("mapping", {}):
            return "", _resolved({"$ref": kind["discriminator"]["mapping"][step]}, whole)
        elif step in kind.get("properties", {}):
            return f".{step}", kind["properties"][step]
        elif isinstance(kind.get("additionalProperties"), dict):
            return f'["{step[:_LONGEST_KEY]}"]', kind["additionalProperties"]
    return None


def _resolved(schema: Schema, whole: Schema | None) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = (whole or {})["$defs"][schema["$ref"].rpartition("/")[2]]
    return found


def _kind(schema: Schema) -> str:
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"{'one of ' if len(values) > 1 else ''}{', '.join(map(str, values))}"
    kind = schema["type"]
    if kind in _MANY:
        many, one, more = _MANY[kind]
        return many + _sizes(schema.get("minItems"), schema.get("maxItems"), one, more)
    return (
        _KINDS[kind]
        + _bounds(schema)
        + _sizes(schema.get("minLength"), schema.get("maxLength"), "character", "characters")
    )


def _bounds(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f" from {_plain(least)} to {_plain(most)}"
    if "exclusiveMinimum" in schema:
        return f" above {_plain(schema['exclusiveMinimum'])}"
    return f" of at least {_plain(least)}" if least is not None else ""


def _sizes(least: int | None, most: int | None, one: str, more: str) -> str:
    if least and least == most:
        return f" of {most} {more}"
    if most is not None:
        return f" of {least} to {most} {more}" if least else f" of at most {most} {more}"
    return f" of at least {least} {one if least == 1 else more}" if least else ""


def _plain(number: float) -> str:
    """Without an exponent, and without a fraction that is zero."""
    return str(int(number)) if number == int(number) else str(number)

"""What is wrong with a body, a query or a message, in one sentence that names the field and what is allowed."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from speech.allowed import Schema, at, meant, must, own_words
from speech.errors import InvalidRequest

Checked = type[BaseModel] | TypeAdapter[Any]


def explain(error: ValidationError, checked: Checked, outer: int = 0) -> InvalidRequest:
    """The first thing that pydantic found. outer: how many steps of the way to the field mean nothing to a caller."""
    found = error.errors(include_url=False, include_input=False)[0]
    steps = found["loc"][outer:]
    message = _of_a_field(found, _schema(checked)) if steps else _of_the_whole(found, _schema(checked))
    return InvalidRequest(message, param=str(steps[0]) if steps else None)


@cache
def _schema(checked: Checked) -> Schema:
    return checked.json_schema() if isinstance(checked, TypeAdapter) else checked.model_json_schema()


def _of_a_field(found: ErrorDetails, schema: Schema) -> str:
    place, there = at(schema, found["loc"])
    if found["type"] == "extra_forbidden":
        name = str(found["loc"][-1])
        return f"{place + '.' if place else ''}{name}: there is no such field.{meant(name, there['properties'])}"
    if found["type"] == "missing" and place != at(schema, found["loc"][:-1])[0]:
        return f"{place}: is required."
    return f"{place}: {must(found, schema)}."


def _of_the_whole(found: ErrorDetails, schema: Schema) -> str:
    if found["type"].startswith("union_tag"):
        return f"type: must be one of {', '.join(schema['discriminator']['mapping'])}."
    return f"{own_words(found) or 'This is no JSON object'}."

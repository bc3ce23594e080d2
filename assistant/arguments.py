"""What a tool does with arguments that it does not take: it says which, and what is allowed.

The library's own words are made for programmers: a count, a type in brackets, an address to read on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError

Schema = dict[str, Any]  # JSON Schema, as pydantic writes it

_KINDS = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
_NOT_THERE = "extra_forbidden"  # pydantic's name for an argument that the tool does not have
_MISSING = "missing"


class StrictTool(Tool):
    """A tool that refuses arguments it does not have, and explains each argument that it refuses."""

    async def run(self, arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:
        try:
            return await super().run(arguments, context, convert_result)
        except UnexpectedToolError:
            raise
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            raise ToolError(explain(error.__cause__, self.name, self.parameters)) from error.__cause__


def closed(method: Callable[..., Awaitable[Any]], **about: Any) -> Tool:
    """The tool that this method is. By default unknown arguments are dropped, and a misspelt one with them."""
    tool = StrictTool.from_function(method, **about)
    arguments = tool.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    tool.parameters = arguments.model_json_schema(by_alias=True)
    return tool


def explain(error: ValidationError, tool: str, parameters: Schema) -> str:
    """One sentence for each argument that is wrong. parameters: the tool's input schema."""
    known = parameters["properties"]
    wrong = {str(found["loc"][0]): found["type"] for found in error.errors(include_url=False, include_input=False)}
    return " ".join(_sentence(name, kind, tool, known) for name, kind in wrong.items())


def _sentence(name: str, kind: str, tool: str, known: Schema) -> str:
    if kind == _NOT_THERE:
        near = get_close_matches(name, known, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        return f"{tool} has no argument {name}; it takes {', '.join(known) or 'none'}.{meant}"
    needed = "is required: " if kind == _MISSING else "must be "
    return f"{name} {needed}{allowed(known[name])}."


def allowed(schema: Schema) -> str:
    """What an argument of this schema may be, such as "a number from 0.25 to 4"."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind["type"] != "null"]
    return " or ".join(map(_kind, kinds)) + (", or left out" if "default" in schema else "")


def _kind(schema: Schema) -> str:
    words = _KINDS[schema["type"]]
    if "minimum" in schema and "maximum" in schema:
        words += f" from {_plain(schema['minimum'])} to {_plain(schema['maximum'])}"
    if "maxLength" in schema:
        least, most = schema.get("minLength", 0), schema["maxLength"]
        words += f" of {most} characters" if least == most else f" of {least} to {most} characters"
    return words


def _plain(number: float) -> str:
    """Without an exponent, and without a fraction that is zero."""
    return str(int(number)) if number == int(number) else str(number)

"""What a tool does with arguments that it does not take: it says which, and what is allowed.

The library's own words are made for programmers: a count, a type in brackets, an address to read on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from speech.allowed import Schema, allowed, meant, must


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
    wrong = {str(found["loc"][0]): found for found in error.errors(include_url=False, include_input=False)}
    return " ".join(_sentence(name, found, tool, parameters) for name, found in wrong.items())


def _sentence(name: str, found: ErrorDetails, tool: str, parameters: Schema) -> str:
    known = parameters["properties"]
    if found["type"] == "extra_forbidden":
        return f"{tool} has no argument {name}; it takes {', '.join(known) or 'none'}.{meant(name, known)}"
    if found["type"] == "missing":
        return f"{name} is required: {allowed(known[name])}."
    return f"{name} {must(found, parameters)}{', or left out' if 'default' in known[name] else ''}."

"""How an endpoint says what it is: who may ask (`Access`), what it takes and gives (`operation`). Knows no endpoint.

`auth` reads the one, the OpenAPI document is made of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, TypeVar

from flasgger import swag_from
from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])
Content = dict[str, Any]  # media type -> {"schema": ...}

FORM_BOOLEANS: tuple[dict[str, Any], ...] = (  # each with a type: generators of clients leave out an enum of many
    {"type": "boolean"},
    {"type": "integer", "enum": [0, 1]},
    {"type": "string", "enum": ["1", "true", "t", "yes", "y", "on", "0", "false", "f", "no", "n", "off"]},
)
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
REF = "#/components/schemas/{model}"
WHY = {
    400: "The request must be changed; `param` names the field.",
    401: "A key is needed, or it is not a known one.",
    404: "There is no such thing.",
    408: "The body did not come in time.",
    409: "Not in this state: the engine speaks and was asked to go away, or the job has not come so far.",
    413: "The body is too large.",
    415: "The body is of a type that is not taken.",
    422: "The body is JSON, but not of the right shape.",
    429: "Every slot is taken and the queue is full, or too many requests came from one caller.",
    500: "The fault is ours.",
    501: "Honestly not possible.",
    503: "Not now: draining, still loading, no slot became free in time, too little memory.",
    507: "The disk is full, or a quota is reached.",
}
BODY = (400, 408, 413, 415)  # what any body can lead to
SPEECH = (*BODY, 404, 429, 500, 501, 503, 507)
MODELS: set[type[BaseModel]] = set()  # every model that some operation names


class Access(Enum):
    """Who may ask an endpoint, where the service has API_KEYS, and how often."""

    OPEN = "open"  # no key is needed
    LISTS = "lists"  # who has a key; without one if PUBLIC_LISTS is set
    KEY = "key"  # who has a key
    SPEAKS = "speaks"  # who has a key, and as often as RATE_LIMIT allows: what keeps a slot or a core busy
    ADDRESS = "address"  # who has a key or a signed address; the endpoint counts what it speaks against RATE_LIMIT


def access(kind: Access) -> Callable[[View], View]:
    """Mark a view that is no operation of the document: a WebSocket, a page. `operation` marks the others."""

    def mark(view: View) -> View:
        view.access = kind  # type: ignore[attr-defined]
        return view

    return mark


def access_of(view: Callable[..., Any]) -> Access:
    """The mark of a view; one without a mark counts as the strictest."""
    kind: Access = getattr(view, "access", Access.SPEAKS)
    return kind


class Problem(BaseModel):
    """What went wrong, in OpenAI's words."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    """The body of every answer from 400 on."""

    error: Problem


def schema_of(model: type[BaseModel]) -> dict[str, str]:
    MODELS.add(model)
    return {"$ref": REF.format(model=model.__name__)}


def json_of(model: type[BaseModel], example: Any = None) -> Content:
    content: Content = {"schema": schema_of(model)}
    if example is not None:
        content["example"] = example
    return {"application/json": content}


def operation(
    summary: str,
    *,
    tag: str,
    access: Access,
    name: str | None = None,
    gives: type[BaseModel] | Content,
    takes: type[BaseModel] | Content | None = None,
    takes_nothing_too: bool = False,
    fails: Iterable[int] = (),
    status: int = 200,
    also: dict[int, type[BaseModel]] | None = None,
    parameters: list[dict[str, Any]] | None = None,
    links: dict[str, Any] | None = None,
) -> Callable[[View], View]:
    """Put beside an endpoint, below the route. Its docstring becomes the description.

    access: who may ask. name: unlike every other operation's; None: the function's own.
    gives, takes: a model for JSON, or media types. fails: statuses whose body is an error. also: statuses with bodies
    of their own.
    """

    def describe(view: View) -> View:
        success: dict[str, Any] = {"description": "Done.", "content": _content(gives)}
        if links:
            success["links"] = links
        responses = {str(status): success}
        responses |= {str(s): {"description": WHY[s], "content": _content(m)} for s, m in (also or {}).items()}
        for failure in sorted({*fails, *((401,) if access is not Access.OPEN else ())}):
            responses[str(failure)] = {"description": WHY[failure], "content": _content(ErrorAnswer)}
        spec: dict[str, Any] = {
            "operationId": name or view.__name__,
            "summary": summary,
            "description": " ".join((view.__doc__ or "").split()),
            "tags": [tag],
            "responses": responses,
        }
        if takes is not None:
            spec["requestBody"] = {"required": not takes_nothing_too, "content": _body(takes)}
        if parameters:
            spec["parameters"] = parameters
        if access is Access.OPEN:
            spec["security"] = []
        described: View = swag_from(spec)(view)
        described.__doc__ = None  # flasgger would put its first line over the summary
        described.access = access  # type: ignore[attr-defined]
        return described

    return describe


def _content(what: type[BaseModel] | Content) -> Content:
    return what if isinstance(what, dict) else json_of(what)


def _body(takes: type[BaseModel] | Content) -> Content:
    """What a model is read from: JSON, or form fields with the same names."""
    if isinstance(takes, dict):
        return takes
    return json_of(takes) | {kind: {"schema": _form_schema(takes)} for kind in FORM_TYPES}


def with_file(model: type[BaseModel], about: str) -> Content:
    """The body of a model, and in a multipart form a field `file` beside its own."""
    content = _body(model)
    schema = _form_schema(model)
    schema["properties"]["file"] = {"type": "string", "format": "binary", "description": about}
    return content | {FORM_TYPES[1]: {"schema": schema}}


def _form_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A form has no types: pydantic reads its booleans from more words than JSON has. It has no lists either."""
    schema = model.model_json_schema(ref_template=REF)
    schema.pop("$defs", None)  # they are among the document's components
    schema.pop("examples", None)
    for name, field in [*schema["properties"].items()]:
        kinds = field.get("anyOf", [{"type": field.get("type")}])
        if any(kind.get("type") == "array" for kind in kinds):
            del schema["properties"][name]
        if {"type": "boolean"} in kinds:
            field.pop("type", None)
            field["anyOf"] = [kind for kind in kinds if kind != {"type": "boolean"}] + [*FORM_BOOLEANS]
    return schema


def path_parameter(name: str, description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a model as parameters of the query."""
    schema = model.model_json_schema()
    needed = schema.get("required", [])
    for field in schema["properties"].values():  # a query has no null
        kinds = [kind for kind in field.pop("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            field.update(kinds[0])
        elif kinds:
            field["anyOf"] = kinds
        if field.get("default", "") is None:
            del field["default"]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in needed,
            "description": field["description"],
            **_written(field),
        }
        for name, field in schema["properties"].items()
    ]


def _written(field: dict[str, Any]) -> dict[str, Any]:
    """How a value stands in a query: an object as JSON."""
    return {"content": {"application/json": {"schema": field}}} if field.get("type") == "object" else {"schema": field}

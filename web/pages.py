"""The page at /: one template and static files, all from this origin, open without a key."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup

mimetypes.add_type("text/javascript", ".js")  # some systems say text/plain, which no browser runs as a module

STATIC = Path(__file__).parent / "static"
# Named in the head, so that the browser asks for all of them at once rather than import by import.
MODULES = sorted(path.name for path in (STATIC / "js").glob("*.js"))

blueprint = Blueprint("pages", __name__, static_folder=STATIC, static_url_path="/static", template_folder="templates")


@blueprint.get("/")
def index() -> Response:
    """The page. Asked for anew each time, answered with 304 while it is the same."""
    response = make_response(render_template("index.html", icon=_icon, modules=MODULES))
    response.cache_control.no_cache = True
    response.add_etag()
    return response.make_conditional(request)


def _icon(name: str) -> Markup:
    """One of the drawings in icons.svg, by reference."""
    return Markup('<svg aria-hidden="true"><use href="#i-{}"/></svg>').format(name)

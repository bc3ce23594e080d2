"""The page at /: one template and static files, all from this origin, open without a key."""

from __future__ import annotations

import mimetypes

from flask import Blueprint, Response, make_response, render_template, request

mimetypes.add_type("text/javascript", ".js")  # some systems say text/plain, which no browser runs as a module

blueprint = Blueprint(
    "pages", __name__, static_folder="static", static_url_path="/static", template_folder="templates"
)


@blueprint.get("/")
def index() -> Response:
    """The page. Asked for anew each time, answered with 304 while it is the same."""
    response = make_response(render_template("index.html"))
    response.cache_control.no_cache = True
    response.add_etag()
    return response.make_conditional(request)

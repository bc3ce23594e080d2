"""The page at / and the static files: all from this origin, open without a key, zipped.

The page is asked for anew each time and names its parts below the digest of them all, where they never change: a second
visit asks for nothing else. Modules name each other relatively, so the digest goes with them.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, Response, jsonify, make_response, render_template, request, send_from_directory
from markupsafe import Markup
from werkzeug.exceptions import PreconditionFailed
from werkzeug.security import safe_join

from web.http.context import speech_service
from web.http.describe import Access, access

mimetypes.add_type("text/javascript", ".js")  # some systems say text/plain, which no browser runs as a module

STATIC = Path(__file__).parent.parent / "static"
# Named in the head, so that the browser asks for all of them at once rather than import by import.
# Those of the other language, and what opens later, come when they are needed.
LATER = frozenset({"books.js", "clone.js", "jobsheet.js", "jobtrack.js", "webpage.js", "zip.js"})
MODULES = sorted(
    path.name
    for path in (STATIC / "js").glob("*.js")
    if path.name not in LATER and not path.name.startswith("strings.")
)
PARTS = sorted(path for path in STATIC.rglob("*") if path.is_file())
# What the page is made of.
SHELL = sorted(str(path.relative_to(STATIC)) for path in PARTS if path.parent.name in ("js", "css", "static"))
DARK = "#0e110f"
DIGEST = "v-"  # begins the folder that stands for a digest
A_YEAR_S = 365 * 24 * 3600
ZIPPED = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml", "application/json"})

blueprint = Blueprint("pages", __name__, template_folder="../templates")


@blueprint.get("/")
@access(Access.OPEN)
def index() -> Response:
    """The page. No key is needed; its own requests send one. Who opens it is about to speak."""
    speech_service().warm()
    page = render_template("index.html", icon=_icon, modules=MODULES, parts=f"static/{digest(PARTS)}")
    return kept(make_response(page))


@blueprint.get("/manifest.webmanifest")
@access(Access.OPEN)
def manifest() -> Response:
    """What a browser needs to install the page. Relative addresses: the page may be below a path."""
    icon = {"src": f"static/{digest(PARTS)}/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    look = {"display": "standalone", "background_color": DARK, "theme_color": DARK, "icons": [icon]}
    response = jsonify(name="Kyutai TTS", short_name="Kyutai TTS", start_url="./", scope="./", **look)
    response.mimetype = "application/manifest+json"
    return kept(response)


@blueprint.get("/offline.js")
@access(Access.OPEN)
def offline() -> Response:
    """The service worker: at this address, for it may only serve what lies below its own."""
    response = make_response(render_template("offline.js", parts=f"static/{digest(PARTS)}", names=SHELL))
    response.mimetype = "text/javascript"
    return kept(response)


@blueprint.get("/static/<path:name>")
@access(Access.OPEN)
def static(name: str) -> Response:
    """Scripts, styles and drawings of the page and of the API's documentation."""
    name, lasting = _without_digest(name)
    response = send_from_directory(STATIC, name, max_age=A_YEAR_S if lasting else None)  # None: asked for anew
    if lasting:
        response.cache_control.immutable = True
    if response.status_code == 200 and response.mimetype in ZIPPED and _takes_gzip():
        path = safe_join(str(STATIC), name)
        assert path is not None  # send_from_directory has found it
        response.close()  # the file itself is not sent
        response.direct_passthrough = False
        response.set_data(_zipped_file(path, Path(path).stat().st_mtime_ns))
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    if etag := response.get_etag()[0]:
        response.set_etag(etag, weak=True)  # zipped or not, it is the same file
    return response


def kept(response: Response) -> Response:
    """Zipped, and kept by the browser but asked for anew: a 304 while it is the same."""
    response.add_etag(weak=True)
    response.cache_control.no_cache = True
    response.make_conditional(request)
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        raise PreconditionFailed("It is not what If-Match or If-Unmodified-Since asks for.")
    return _zipped(response)


def _without_digest(name: str) -> tuple[str, bool]:
    """The file's own name, and whether that address will always mean what it means now."""
    folder, _, rest = name.partition("/")
    if not (folder.startswith(DIGEST) and rest):
        return name, False
    return rest, folder == digest(PARTS)  # a page of the time before an update gets what is there now


def digest(paths: Iterable[Path]) -> str:
    """The folder that stands for what is in these files now."""
    return _digest_of(tuple((path, path.stat().st_mtime_ns) for path in paths))


@lru_cache(maxsize=1)
def _digest_of(parts: tuple[tuple[Path, int], ...]) -> str:
    hashed = hashlib.sha256()
    for path, _changed_ns in parts:
        hashed.update(path.name.encode() + b"\0" + path.read_bytes())
    return DIGEST + hashed.hexdigest()[:12]


def _zipped(response: Response) -> Response:
    response.vary.add("Accept-Encoding")
    if response.status_code == 200 and _takes_gzip():
        response.set_data(gzip.compress(response.get_data(), mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


@lru_cache(maxsize=256)
def _zipped_file(path: str, _changed_ns: int) -> bytes:
    return gzip.compress(Path(path).read_bytes(), mtime=0)


def _takes_gzip() -> bool:
    return request.accept_encodings.quality("gzip") > 0


def _icon(name: str) -> Markup:
    """One of the drawings in icons.svg, by reference."""
    return Markup('<svg aria-hidden="true"><use href="#i-{}"/></svg>').format(name)

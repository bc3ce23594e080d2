"""E-books (.epub 2 and 3): the pages of the spine in order, chapters by headings, or by the table of contents."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from speech.documents.archive import Archive
from speech.documents.blocks import Block, unreadable
from speech.documents.encoding import decoded
from speech.documents.page import MAX_BYTES, blocks_of_xhtml, charset_of, root_of_xhtml
from speech.documents.word import SMALL, parsed

CONTAINER = "META-INF/container.xml"
MAX_PAGES = 5_000
PAGES = ("application/xhtml+xml", "text/html", "application/xml", "text/x-oeb1-document")
CHAPTER_LEVEL = 2  # of what only the table of contents names
_PACKAGE, _NCX = "{http://www.idpf.org/2007/opf}", "{http://www.daisy.org/z3986/2005/ncx/}"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"


def blocks(archive: Archive) -> tuple[str, Iterator[Block]]:
    """Its title and its blocks, page by page. Raises InvalidRequest, also while they are read."""
    place = _package_of(archive)
    package = parsed(archive.read(place, SMALL))
    title = next((found.text or "" for found in package.iter(_TITLE)), "")
    return title, _book(archive, package, posixpath.dirname(place))


def _package_of(archive: Archive) -> str:
    if CONTAINER not in archive:
        raise unreadable(f"is no .epub: {CONTAINER!r} is missing.")
    found = next(parsed(archive.read(CONTAINER, SMALL)).iter("{*}rootfile"), None)
    if found is None:
        raise unreadable("is no .epub: its container names no package.")
    return _within("", str(found.get("full-path", "")))


def _within(folder: str, href: str) -> str:
    """The member that a link in a folder means. Raises InvalidRequest for one outside of the book."""
    parts = _split(href)
    if parts is None:
        raise unreadable(f"has a link that is no address: {href[:60]!r}.")
    path = posixpath.normpath(posixpath.join(folder, unquote(parts.path)))
    if parts.scheme or parts.netloc or path.startswith(("/", "..")):
        raise unreadable(f"has a link that leads out of it: {href[:60]!r}.")
    return path


def _split(href: str) -> SplitResult | None:
    """None for what is no address, such as `http://[`."""
    try:
        return urlsplit(href)
    except ValueError:
        return None


def _book(archive: Archive, package: Any, folder: str) -> Iterator[Block]:
    manifest = {item.get("id"): item for item in package.iter(f"{_PACKAGE}item")}
    spine = [manifest.get(ref.get("idref")) for ref in package.iter(f"{_PACKAGE}itemref") if ref.get("linear") != "no"]
    pages = [item for item in spine if item is not None and item.get("media-type") in PAGES and not _is_menu(item)]
    if not pages or len(pages) > MAX_PAGES:
        raise unreadable(f"is no .epub that can be read: it has {len(pages)} pages; 1 to {MAX_PAGES} may be.")
    titles = _contents(archive, manifest, folder)
    for item in pages:
        name = _within(folder, item.get("href", ""))
        yield from _titled(_page(archive, name), titles.get(name, ""))


def _is_menu(item: Any) -> bool:
    return "nav" in item.get("properties", "").split()


def _is_ncx(item: Any) -> bool:
    return str(item.get("media-type")) == "application/x-dtbncx+xml"


def _page(archive: Archive, name: str) -> Iterator[Block]:
    yield from blocks_of_xhtml(_text(archive, name, MAX_BYTES))[1]


def _text(archive: Archive, name: str, most: int) -> str:
    data = archive.read(name, most)
    return decoded(data, charset_of(data))


def _titled(blocks: Iterator[Block], title: str) -> Iterator[Block]:
    """With the title that the table of contents has, where the page does not begin with a heading of its own."""
    first = next(blocks, None)
    if first is None:
        return
    if title and not first.level:
        yield Block(title, CHAPTER_LEVEL)
    yield first
    yield from blocks


def _contents(archive: Archive, manifest: dict[str, Any], folder: str) -> dict[str, str]:
    """Titles by page, of links that lead to a page's beginning."""
    found: dict[str, str] = {}
    for item in manifest.values():
        name = _within(folder, item.get("href", "")) if _is_menu(item) or _is_ncx(item) else ""
        if name in archive:
            root = root_of_xhtml(_text(archive, name, SMALL))
            for href, title in () if root is None else [*_points(root), *_links(root)]:
                parts = _split(href)
                if href and "#" not in href and parts is not None and not parts.scheme:
                    found.setdefault(_within(posixpath.dirname(name), href), title)
    return found


def _points(root: Any) -> Iterator[tuple[str, str]]:
    """Of EPUB 2."""
    for point in root.iter(f"{_NCX}navPoint"):
        text, content = point.find(f"{_NCX}navLabel/{_NCX}text"), point.find(f"{_NCX}content")
        if text is not None and content is not None:
            yield content.get("src", ""), (text.text or "").strip()


def _links(root: Any) -> Iterator[tuple[str, str]]:
    """Of EPUB 3."""
    for link in root.iter("{http://www.w3.org/1999/xhtml}a"):
        yield link.get("href", ""), "".join(link.itertext()).strip()

"""HTML and XHTML -> blocks. What a browser would not show is not read, nor what is no text of the book: scripts,
menus, note marks and notes.

An image is read by its `alt`, which HTML defines as the text to have in its place; one that is a file's name is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from typing import Any

from lxml import etree

from speech.documents.blocks import Block, unreadable
from speech.text.wordlist import wordset

CELL = "\x1f"  # between two cells of a row, until their text is there
MAX_BYTES = 16_000_000  # of one page
MAX_TAGS = 600_000  # in it: a tree takes some 250 bytes for each
_XML = re.compile(r"\s*<\?xml\b[^>]*\?>")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,30};)")
_OF_XML = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})|<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{1,40})""",
    re.I,
)
_UNSEEN = wordset(
    "script style template noscript nav footer form button select input textarea svg math audio video iframe "
    "object canvas embed map rp rt head dialog datalist menu"
)
_BLOCKS = wordset(
    "p div section article main header aside blockquote ul ol dl li dt dd table thead tbody tfoot tr caption "
    "figure figcaption pre hr address details summary hgroup body html center h1 h2 h3 h4 h5 h6"
)
_HEADING = re.compile(r"h([1-6])")
_NOT_TEXT = wordset(  # by epub:type or role
    "noteref footnote footnotes endnote endnotes rearnote rearnotes pagebreak page-list toc landmarks index "
    "doc-noteref doc-footnote doc-endnote doc-endnotes doc-pagebreak doc-pagelist doc-toc doc-index doc-backlink "
    "navigation search banner"
)
_NOTE_CLASSES = wordset("footnote-ref footnoteref footnote-backref footnotes reflist mw-editsection toc")
_NOTE_MARK = re.compile(r"[\[(]?(?:\d{1,4}|[*†‡§¶]{1,4}|[a-z])[\])]?")
_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|gif|svg|webp|bmp|tiff?)", re.IGNORECASE)
_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")


def charset_of(data: bytes) -> str | None:
    """What the beginning of a page says of its encoding."""
    found = _DECLARED.search(data[:1024])
    return (found[1] or found[2]).decode() if found else None


def blocks_of_html(text: str) -> tuple[str, Iterator[Block]]:
    """Its title and its blocks. Raises InvalidRequest for a page of more than MAX_BYTES, or one that is none."""
    if text.lstrip().startswith("<?xml"):
        return blocks_of_xhtml(text)
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    return _read(_root(text, parser))


def blocks_of_xhtml(text: str) -> tuple[str, Iterator[Block]]:
    """As `blocks_of_html`."""
    return _read(root_of_xhtml(text))


def root_of_xhtml(text: str) -> Any:
    """Its root, mended where it is no XML; None if there is nothing in it.

    No entity is looked up anywhere; a page that declares one is refused. Raises InvalidRequest.
    """
    if "<!ENTITY" in text:
        raise unreadable("has a page that declares entities (<!ENTITY); such are not read.")
    named = _ENTITY.sub(lambda found: found[0] if found[1] in _OF_XML else html5.get(found[1], ""), text)
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    return _root(named, parser)


def _root(text: str, parser: Any) -> Any:
    data = _XML.sub("", text, count=1).encode()
    if len(data) > MAX_BYTES:
        raise unreadable(f"has a page of {len(data)} bytes; at most {MAX_BYTES} are read. Cut it into several files.")
    if data.count(b"<") > MAX_TAGS:
        raise unreadable(f"has a page of more than {MAX_TAGS} tags, which is not read. Cut it into several files.")
    try:
        return etree.fromstring(data, parser) if data.strip() else None
    except etree.XMLSyntaxError as error:
        raise unreadable(f"has a page that cannot be read: {error.msg}.") from None


def _read(root: Any) -> tuple[str, Iterator[Block]]:
    if root is None:
        return "", iter(())
    title = next((element.text for element in root.iter("title", "{*}title")), "")
    return title or "", Blocks(_middle(root))


def _middle(root: Any) -> Any:
    """The one main or article of a page, or else all of it: what stands round it is the site's."""
    for name in ("main", "article"):
        found = list(root.iter(name, f"{{*}}{name}"))
        if len(found) == 1:
            return found[0]
    return root


class Blocks(Iterator[Block]):
    """The blocks below one element, as they are asked for."""

    def __init__(self, element: Any) -> None:
        self._walk = etree.iterwalk(element, events=("start", "end"))
        self._top = element
        self._text: list[str] = []
        self._level = 0
        self._pre = 0  # how many <pre> it stands in
        self._found = self._blocks()

    def __next__(self) -> Block:
        return next(self._found)

    def _blocks(self) -> Iterator[Block]:
        for event, element in self._walk:
            name = _name(element)
            if event == "start":
                yield from self._begin(element, name)
            else:
                yield from self._end(element, name)
        yield from self._flush()

    def _begin(self, element: Any, name: str) -> Iterator[Block]:
        if _unsaid(element, name):
            self._walk.skip_subtree()
            return
        if name in _BLOCKS:
            yield from self._flush()
        if heading := _HEADING.fullmatch(name):
            self._level = int(heading[1])
        self._pre += name == "pre"
        self._text.append(self._before(element, name))
        self._add(_raised(element) if name == "sup" else element.text)

    def _end(self, element: Any, name: str) -> Iterator[Block]:
        if not _unsaid(element, name):
            if name in _BLOCKS:
                yield from self._flush(code=name == "pre" and any(_name(part) == "code" for part in element))
            if _HEADING.fullmatch(name):
                self._level = 0
            self._pre -= name == "pre"
        if element is not self._top:
            self._add(element.tail)

    def _before(self, element: Any, name: str) -> str:
        """What the element itself is read as."""
        if name == "br":
            return "\n"
        if name == "img":
            alt = (element.get("alt") or "").strip()
            return "" if _FILE_NAME.fullmatch(alt) else alt
        return CELL if name in ("td", "th") and "".join(self._text).strip() else ""

    def _add(self, text: str | None) -> None:
        if text:
            self._text.append(text if self._pre else re.sub(r"[ \t\n\r\f]+", " ", text))

    def _flush(self, code: bool = False) -> Iterator[Block]:
        text = "".join(self._text)
        self._text = []
        if text.strip():
            yield Block(f"```\n{text}\n```" if code else _tidy(text), self._level)


def _tidy(text: str) -> str:
    """Cells that are empty leave no comma: CELL counts as white space."""
    return re.sub(rf"\s*{CELL}\s*", ", ", re.sub(r"[ \t]*\n[ \t]*", "\n", text.strip()))


def _name(element: Any) -> str:
    """Of the element, without its namespace; empty for what is none, such as an entity."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _unsaid(element: Any, name: str) -> bool:
    return name in _UNSEEN or not name or _hidden(element) or _is_not_text(element) or _marks_note(element, name)


def _hidden(element: Any) -> bool:
    style = (element.get("style") or "").replace(" ", "").lower()
    return "hidden" in element.attrib or element.get("aria-hidden") == "true" or "display:none" in style


def _is_not_text(element: Any) -> bool:
    """By what epub:type, role and class say."""
    for key, value in element.attrib.items():
        kind = key.rpartition("}")[2]
        words = {word.lower() for word in value.split()}
        if (kind in ("type", "epub:type", "role") and words & _NOT_TEXT) or (kind == "class" and words & _NOTE_CLASSES):
            return True
    return False


def _marks_note(element: Any, name: str) -> bool:
    """A number or a sign that leads to a note: <a href="#n1">1</a>, <sup><a href="#n1">1</a></sup>."""
    if name not in ("a", "sup") or not _NOTE_MARK.fullmatch("".join(element.itertext()).strip()):
        return False
    return any("#" in (link.get("href") or "") for link in element.iter("a", "{*}a"))


def _raised(element: Any) -> str | None:
    """m<sup>2</sup> is read as m²."""
    text = (element.text or "").strip()
    return text.translate(_RAISED) if re.fullmatch(r"[+-]?\d{1,3}", text) and not len(element) else element.text

"""Word documents (.docx, ECMA-376): paragraphs of the body, headings by their style or outline level.

Not read: deleted text, fields' codes, hidden text, notes and their marks, comments, tables of contents, descriptions of
pictures (Word makes them up). The XML is read as it is inflated; no entity is looked up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from lxml import etree

from speech.documents.archive import Archive
from speech.documents.blocks import Block, unreadable

BODY, STYLES, CORE = "word/document.xml", "word/styles.xml", "docProps/core.xml"
SMALL = 4_000_000  # bytes of a part that is read whole
MAX_LEVEL = 6
MAX_EVENTS = 4_000_000  # begins and ends of elements: some 7 s of work
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
PARAGRAPH = f"{W}p"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_CONTENTS = re.compile(r"toc(?: heading| \d)?|table of figures", re.IGNORECASE)
_SAID = {f"{W}tab": " ", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_UNSAID = frozenset(f"{W}{name}" for name in ("del", "moveFrom", "rt", "pPr"))


@dataclass(frozen=True)
class Style:
    """level: of a heading; 0: none. contents: of a line of a table of contents."""

    level: int = 0
    contents: bool = False


def blocks(archive: Archive) -> tuple[str, Iterator[Block]]:
    """Its title and its blocks, as they are inflated. Raises InvalidRequest, also while they are read."""
    if BODY not in archive:
        raise unreadable(f"is no .docx: {BODY!r} is missing.")
    return _title(archive), _paragraphs(archive, _styles(archive))


def parsed(data: bytes) -> Any:
    """The root of a small XML file. Raises InvalidRequest for one that is broken, or declares entities."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise unreadable(f"has XML that cannot be read: {error.msg}.") from None
    refuse_entities(root)
    return root


def refuse_entities(root: Any) -> None:
    """Raises InvalidRequest if the document of this element declares entities."""
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise unreadable("has XML that declares entities (<!ENTITY); such is not read.")


def _title(archive: Archive) -> str:
    if CORE not in archive:
        return ""
    found = parsed(archive.read(CORE, SMALL)).find("{http://purl.org/dc/elements/1.1/}title")
    return (found.text or "") if found is not None else ""


def _styles(archive: Archive) -> dict[str, Style]:
    """By id."""
    if STYLES not in archive:
        return {}
    return {
        style.get(f"{W}styleId", ""): _style(style) for style in parsed(archive.read(STYLES, SMALL)).iter(f"{W}style")
    }


def _style(style: Any) -> Style:
    name = _value(style, "name")
    heading, outline = _HEADING.fullmatch(name), _value(style, "pPr", "outlineLvl")
    level = 1 if name.lower() == "title" else int(heading[1]) if heading else _level(outline)
    return Style(min(level, MAX_LEVEL), bool(_CONTENTS.fullmatch(name)))


def _value(element: Any, *path: str) -> str:
    found = element.find("/".join(W + name for name in path))
    return found.get(f"{W}val", "") if found is not None else ""


def _level(outline: str) -> int:
    """Word counts from 0, and 9 is text."""
    return int(outline) + 1 if outline.isdecimal() and int(outline) < 9 else 0


def _paragraphs(archive: Archive, styles: dict[str, Style]) -> Iterator[Block]:
    with archive.open(BODY) as member:
        try:
            yield from _read(member, styles)
        except etree.XMLSyntaxError as error:
            raise unreadable(f"has XML that cannot be read: {error.msg}.") from None


def _read(member: IO[bytes], styles: dict[str, Style]) -> Iterator[Block]:
    """A text box stands twice, in a form for old programs too: as the fallback."""
    open_now: Counter[str] = Counter()  # paragraphs and fallbacks that have begun and not ended
    for event, element in _events(member):
        if event == "start":
            open_now[element.tag] += 1
            continue
        open_now[element.tag] -= 1
        if element.tag == PARAGRAPH and not open_now[FALLBACK]:
            yield from _paragraph(element, styles)
        if element.tag == PARAGRAPH or not open_now[PARAGRAPH]:
            _forget(element)


def _events(member: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Raises InvalidRequest for entities, and for more elements than may be."""
    found = etree.iterparse(
        member, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    for number, (event, element) in enumerate(found):
        if number > MAX_EVENTS:
            raise unreadable(f"has more than {MAX_EVENTS // 2} elements, which is not read.")
        if not number:
            refuse_entities(element)
        yield event, element


def _paragraph(element: Any, styles: dict[str, Style]) -> Iterator[Block]:
    style = styles.get(_value(element, "pPr", "pStyle"), Style())
    level = min(_level(_value(element, "pPr", "outlineLvl")), MAX_LEVEL) or style.level
    text = "".join(_texts(element)).strip()
    if text and not style.contents:
        yield Block(text, level)


def _texts(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag == f"{W}t":
            yield child.text or ""
        elif child.tag in _SAID:
            yield _SAID[child.tag]
        elif isinstance(child.tag, str) and child.tag not in _UNSAID and not _vanishes(child):
            yield from _texts(child)


def _vanishes(element: Any) -> bool:
    return element.tag == f"{W}r" and element.find(f"{W}rPr/{W}vanish") is not None


def _forget(element: Any) -> None:
    """What was read makes room: a long document is never in memory whole."""
    element.clear()
    while element.getprevious() is not None and element.getparent() is not None:
        del element.getparent()[0]

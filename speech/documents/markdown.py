"""Markdown (.md): rendered as CommonMark with tables, then read as a page. Raw HTML in it is read as HTML is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt

from speech.documents import page
from speech.documents.blocks import Block

_FRONT = re.compile(r"---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(\S.*)$", re.MULTILINE)
_NOTE = re.compile(r"^\[\^[^\]\s]{1,60}\]:.*(?:\n(?:[ \t]+\S.*|(?=\n[ \t]{2,}\S)))*", re.MULTILINE)


def blocks(text: str) -> tuple[str, Iterator[Block]]:
    """Its title, from what stands between --- at its beginning, and its blocks, without notes at the foot."""
    front = _FRONT.match(text)
    title = _TITLE.search(front[1]) if front else None
    html = (
        MarkdownIt("commonmark")
        .enable(["table", "strikethrough"])
        .render(_NOTE.sub("", text[front.end() :] if front else text))
    )
    return title[1].strip().strip("\"'") if title else "", page.blocks_of_html(html)[1]

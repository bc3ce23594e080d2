"""What of a written word is said: Markdown's marks, emoji and the scheme of an address are not. Knows no engine.

Word by word, so that it is the same for a text that comes in pieces. The first step of the pipe (pipe.py).
"""

from __future__ import annotations

import re

# Pictures: emoji and dingbats with their variation selectors, skin tones, flags and key caps. Signs that are said, like
# ° and ™, lie elsewhere.
_PICTURES = re.compile("[\u2600-\u27bf\u2b00-\u2bff\u20e3\ufe0e\ufe0f\U0001f000-\U0001faff]")
_ADDRESS = re.compile(r"(?:https?|ftp)://([^\s<>\"'()\[\]?#]*[^\s<>\"'()\[\]?#.,;:!/])[^\s<>\"'()\[\]]*", re.IGNORECASE)
_AUTOLINK = re.compile(
    r"<(?:mailto:([^\s<>]+)|((?:https?|ftp)://[^\s<>]+|[^\s<>@]+@[^\s<>@.]+\.[^\s<>@]+))>", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-z][a-z0-9]{0,15}/?>")
_LINK_TARGET = re.compile(r"\]\([^\s()]*(?:\([^\s()]*\)[^\s()]*)?\)")  # one pair of brackets inside
_OPENING = re.compile(r"!?\[")
# Runs of these are marks wherever they stand; one * or _ only at a word's edge: 2*3 and snake_case keep theirs.
_RUNS = re.compile(r"\*{2,}|~{2,}|`+|_{2,}")
_EDGES = re.compile(r"(?<![^\W_])[*_]|[*_](?![^\W_])")
_MARK_ALONE = re.compile(r"[#*|•]+|-|-{3,}|={2,}|\|?[:|-]{3,}\|?")  # headings, items, rules, tables; a dash is a pause


def spoken(word: str) -> str:
    """What is said of a word without white space inside; empty if nothing is.

    >>> [spoken(word) for word in ("**very**", "`make`,", "😀", "[guide](https://example.com)", "https://example.com/a?b")]
    ['very', 'make,', '', 'guide', 'example.com/a']
    """
    if word.isalnum():  # most are
        return word
    text = _PICTURES.sub("", _TAG.sub("", _AUTOLINK.sub(_inside, word)))
    text = _ADDRESS.sub(_host_and_path, _OPENING.sub("", _LINK_TARGET.sub("", text))).replace("]", "")
    text = _EDGES.sub("", _RUNS.sub("", text))
    return "" if _MARK_ALONE.fullmatch(text) else text


def _inside(found: re.Match[str]) -> str:
    """Of <https://example.com> and <me@example.com>, as Markdown and mail write them."""
    return found[1] or found[2]


def _host_and_path(found: re.Match[str]) -> str:
    """Of an address, and the punctuation behind it, which belongs to the sentence."""
    rest = found[0].rstrip(".,;:!?")
    return found[1] + found[0][len(rest) :]

"""What of one written word is text: entities decoded, accents composed, letters of fancy alphabets made plain."""

from __future__ import annotations

import html
import re
import unicodedata

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# Ligatures, mathematical alphabets, full-width and circled forms: letters and digits that only look different.
_FANCY = re.compile(
    "[\ufb00-\ufb06\uff01-\uff5e\U0001d400-\U0001d7ff\u2100-\u2138\u2150-\u215f\u2460-\u2473\u2080-\u2089]"
)
_KEPT = frozenset("℃℉№™℗⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅟")


def plain(word: str) -> str:
    """
    >>> [plain(word) for word in ("AT&amp;T", "cafe\\u0301", "𝐛𝐨𝐥𝐝", "H₂O", "a&nbsp;b", "A&B")]
    ['AT&T', 'café', 'bold', 'H2O', 'a b', 'A&B']
    """
    if "&" in word:
        word = _ENTITY.sub(_decoded, word)
    if word.isascii():
        return word
    return _FANCY.sub(_made_plain, unicodedata.normalize("NFC", word))


def _decoded(found: re.Match[str]) -> str:
    text = html.unescape(found[0])
    return "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")


def _made_plain(found: re.Match[str]) -> str:
    return found[0] if found[0] in _KEPT else unicodedata.normalize("NFKC", found[0])

"""Bytes -> text (decoded). An encoding is told or it is UTF-8; none is guessed: a wrong guess is heard."""

from __future__ import annotations

import codecs

from speech.documents.blocks import unreadable

MARKS = {  # byte order marks; the longer of two that begin alike comes first
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Python's, of which no file is made: of names of hosts, and of its own source. Some take the square of the length.
NOT_OF_FILES = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
HINT = "Save it as UTF-8, or name its encoding: -F 'file=@book.txt;type=text/plain;charset=iso-8859-1'."


def decoded(data: bytes, charset: str | None = None) -> str:
    """charset: what the file or its sender says it is; a byte order mark goes before it, UTF-8 where both are missing.

    Line ends become line feeds. Raises InvalidRequest for bytes that are no text in that encoding.
    """
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    name = MARKS.get(mark) or charset or "utf-8"
    try:
        if codecs.lookup(name).name in NOT_OF_FILES:
            raise LookupError
        text = str(data[len(mark) :], name)
    except LookupError:
        raise unreadable(f"has an encoding that is not known: {name[:40]!r}. {HINT}") from None
    except UnicodeDecodeError as error:
        raise unreadable(f"is no {name[:40].upper()} text: byte {len(mark) + error.start} cannot be. {HINT}") from None
    except (UnicodeError, ValueError):
        raise unreadable(f"is no {name[:40]!r} text. {HINT}") from None
    if "\0" in text:
        raise unreadable("is no text: it has NUL bytes.")
    return text.replace("\r\n", "\n").replace("\r", "\n")

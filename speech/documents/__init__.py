"""Files that people have -> Documents (read_document). A file a format; READERS has them by the ending of the name.

Nothing is unpacked to disk, fetched or run. What a file may hold at most is looked at while it is read, so that a
hostile one costs no more memory than a large book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import PurePosixPath
from typing import IO

from speech.documents import epub, markdown, page, plain, subtitles, word
from speech.documents.archive import Archive
from speech.documents.blocks import Block, assembled, counted, unreadable
from speech.documents.encoding import decoded
from speech.errors import ErrorCode
from speech.text.document import Document

Title = str
Read = tuple[Title, Iterator[Block]]

TEXTS: dict[str, Callable[[str], Read]] = {  # of text
    ".txt": lambda text: ("", plain.blocks(text)),
    ".md": markdown.blocks,
    ".html": page.blocks_of_html,
    ".srt": lambda text: ("", subtitles.blocks(text)),
}
ARCHIVES: dict[str, Callable[[Archive], Read]] = {".epub": epub.blocks, ".docx": word.blocks}
ALSO = {".htm": ".html", ".xhtml": ".html", ".markdown": ".md", ".text": ".txt"}
ENDINGS = (*TEXTS, *ARCHIVES)
BYTES_A_CHARACTER = {".html": 16, ".srt": 8}  # more of a file is not read for the characters that it may have; else 4


def read_document(name: str, file: IO[bytes], most_chars: int, charset: str | None = None) -> Document:
    """name: its ending says what the file is. file: can be sought; it is not closed. charset: of a text, if known.

    Raises InvalidRequest for what is not such a file, or holds more than `most_chars` characters or none.
    """
    ending = ending_of(name)
    if ending in ARCHIVES:
        with closing(Archive(file, ending)) as archive:
            title, blocks = ARCHIVES[ending](archive)
            found = counted(blocks, most_chars)
    else:
        title, blocks = TEXTS[ending](_text(file, ending, most_chars, charset))
        found = counted(blocks, most_chars)
    if not found:
        raise unreadable("has no text.", ErrorCode.NOTHING_TO_SAY)
    return assembled(title, found, PurePosixPath(name.replace("\\", "/")).stem)


def ending_of(name: str) -> str:
    """One of ENDINGS. Raises InvalidRequest."""
    ending = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    ending = ALSO.get(ending, ending)
    if ending not in ENDINGS:
        raise unreadable(f"must be one of {', '.join(ENDINGS)} by the ending of its name; {name[-40:]!r} is none.")
    return ending


def _text(file: IO[bytes], ending: str, most_chars: int, charset: str | None) -> str:
    most = BYTES_A_CHARACTER.get(ending, 4) * most_chars
    data = file.read(most + 1)
    if len(data) > most:
        raise unreadable(
            f"has more than {most} bytes, too many for {most_chars} characters (MAX_JOB_CHARS).",
            ErrorCode.TEXT_TOO_LONG,
        )
    return decoded(data, charset or (page.charset_of(data) if ending == ".html" else None))

"""Files without a name, for answers that are made whole before they are sent: in memory while small, else on disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

MEMORY_BYTES = 1 << 22
PIECE_BYTES = 65_536  # a file is handed to the server in pieces, so that a slow reader is seen to read
DISK = "/var/tmp"  # noqa: S108 - unlike /tmp never a folder in memory

Unnamed = tempfile.SpooledTemporaryFile[bytes]


def unnamed_file() -> Unnamed:
    """The caller closes it, and it is gone."""
    return tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES, dir=DISK if os.access(DISK, os.W_OK) else None)


def pieces_of(file: Unnamed) -> Iterator[bytes]:
    """All of it from the beginning; it is closed behind the last piece, and a small one at once."""
    small = file.tell() <= MEMORY_BYTES
    file.seek(0)
    if not small:
        return _read(file)
    with file:
        data = file.read()
    return (data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES))


def _read(file: Unnamed) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece

"""A zip file that may be hostile (Archive): what is inflated is counted while it comes, and nothing is written.

A zip's own figures are not believed: how much a member holds is known when it has been inflated.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast
from zipfile import BadZipFile, ZipFile

from speech.documents.blocks import unreadable
from speech.errors import InvalidRequest

MAX_INFLATED = 100_000_000  # bytes of all members that are read
MAX_RATIO = 200  # of a member; text has 3 to 20
RATIO_FROM = 1_000_000  # bytes from which on a ratio is looked at
MAX_DIRECTORY = 2_000_000  # bytes of the list of members: some 20,000
PIECE = 65_536
_END = struct.Struct("<4s4H2LH")  # end of central directory, APPNOTE.TXT 4.3.16
_BROKEN = (BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, OSError)  # as zipfile finds it
_END_64 = b"PK\x06\x07"


class Archive:
    """The members of one file. The caller closes it. It belongs to one thread."""

    def __init__(self, file: IO[bytes], kind: str) -> None:
        """file: can be sought. kind: what it should be, for errors: ".docx". Raises InvalidRequest."""
        self._kind, self._left = kind, MAX_INFLATED
        try:
            _check_directory(file, kind)
            self._zip = ZipFile(file)
        except (*_BROKEN, ValueError, struct.error):
            raise unreadable(f"is no {kind}: it is no zip file.") from None
        if odd := next((name for name in self._zip.namelist() if _leaves(name)), None):
            raise unreadable(f"has a name that leads out of it: {odd[:60]!r}.")

    def close(self) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def read(self, name: str, most: int) -> bytes:
        """A whole member. Raises InvalidRequest if it is not there, is broken, or holds more than `most` bytes."""
        with self.open(name) as member:
            data = member.read(most + 1)
        if len(data) > most:
            raise unreadable(f"has {name[:60]!r} of more than {most} bytes, which is not read.")
        return data

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A member to be read in pieces. Raises InvalidRequest, also while it is read."""
        if name not in self:
            raise unreadable(f"is no {self._kind}: {name[:60]!r} is missing.")
        info = self._zip.getinfo(name)
        if info.flag_bits & 1:
            raise unreadable("is encrypted, or has a copy protection; it cannot be read.")
        try:
            member = self._zip.open(info)
        except (*_BROKEN, ValueError):
            raise self._broken(name) from None
        with member:
            try:
                yield cast(IO[bytes], _Counted(self, member, info.compress_size))
            except _BROKEN:
                raise self._broken(name) from None

    @staticmethod
    def _broken(name: str) -> InvalidRequest:
        return unreadable(f"is broken: {name[:60]!r} cannot be unpacked.")

    def take(self, count: int) -> None:
        """So many bytes more were inflated. Raises InvalidRequest."""
        self._left -= count
        if self._left < 0:
            raise unreadable(f"holds more than {MAX_INFLATED // 1_000_000} MB when it is unpacked, which is not read.")


class _Counted:
    """A member's bytes, counted as they are inflated."""

    def __init__(self, archive: Archive, member: IO[bytes], packed: int) -> None:
        self._archive, self._member, self._packed, self._count = archive, member, max(1, packed), 0

    def read(self, size: int = -1) -> bytes:
        parts: list[bytes] = []
        while size < 0 or size > 0:
            data = self._member.read(PIECE if size < 0 else min(size, PIECE))
            if not data:
                break
            self._counted(len(data))
            parts.append(data)
            size -= len(data) if size > 0 else 0
        return b"".join(parts)

    def _counted(self, count: int) -> None:
        self._count += count
        self._archive.take(count)
        if self._count > RATIO_FROM and self._count > MAX_RATIO * self._packed:
            raise unreadable(f"has a member that grows to more than {MAX_RATIO} times its size, which is not read.")


def _leaves(name: str) -> bool:
    """Whether a name leads out of the folder that one would unpack it in."""
    return name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":"


def _check_directory(file: IO[bytes], kind: str) -> None:
    """The list of members is read whole by zipfile: not if it is a large one. Raises InvalidRequest, BadZipFile."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_535 - _END.size))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0:
        raise BadZipFile
    directory = _END.unpack_from(tail, place)[5]
    if directory > MAX_DIRECTORY or _END_64 in tail[max(0, place - 20) : place]:
        raise unreadable(f"has far more members than a {kind}, which is not read.")
    file.seek(0)

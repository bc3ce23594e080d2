"""Whether a checkpoint's files are whole, by their structure: a full disk or a broken copy cuts files off.

Only as much is read as tells that: the header of the weights, all of the small files. Knows no model, no hub.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from speech.errors import EngineFailed

TOKENIZER_PARTS = {1, 2, 3}  # of sentencepiece's ModelProto: pieces, how they were learned, how text is normalized
_SIZED, _FIXED = 2, {1: 8, 5: 4}  # protobuf's kinds of fields: with a length, and of so many bytes
_VARINT = 0


def check_whole(path: Path) -> None:
    """Raises EngineFailed, which names the file and says what to do, if it is emptied or cut off."""
    check = _CHECKS.get(path.suffix)
    try:
        if path.stat().st_size == 0:
            raise _Cut("it is empty")
        if check:
            check(path)
    except _Cut as error:
        raise damaged(path, str(error)) from None


def damaged(path: Path, why: str) -> EngineFailed:
    """In a cache the path is a link; it is the file behind it that must go."""
    return EngineFailed(f"{path.name} is damaged: {why}. Delete {path.resolve()}, so that it is fetched again.")


class _Cut(Exception):
    """Why a file is not whole."""


def _check_weights(path: Path) -> None:
    """safetensors: the header says where the last tensor ends."""
    try:
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(header_bytes, path.stat().st_size)))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _Cut("it has no safetensors header") from None
    expected = 8 + header_bytes + max(ends, default=0)
    if path.stat().st_size != expected:
        raise _Cut(f"it has {path.stat().st_size} of {expected} bytes")


def _check_json(path: Path) -> None:
    try:
        json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise _Cut(str(error)) from None


def _check_tokenizer(path: Path) -> None:
    """sentencepiece: fields of a protobuf, of which the last ones say how text is normalized."""
    if not set(_fields(path.read_bytes())) >= TOKENIZER_PARTS:
        raise _Cut("it is no whole sentencepiece model")


def _fields(data: bytes) -> Iterator[int]:
    """The numbers of the outermost fields. Raises _Cut when the data ends within one.

    See https://protobuf.dev/programming-guides/encoding/.
    """
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        if kind == _SIZED:
            size, position = _varint(data, position)
        elif kind == _VARINT:
            size, (_, position) = 0, _varint(data, position)
        else:
            size = _FIXED.get(kind, len(data))
        position += size
        if position > len(data):
            raise _Cut("it is no sentencepiece model, or is cut off")
        yield tag >> 3


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and where it ends."""
    value = shift = 0
    while position < len(data):
        byte, position = data[position], position + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise _Cut("it is no sentencepiece model, or is cut off")


_CHECKS: dict[str, Callable[[Path], None]] = {
    ".safetensors": _check_weights,
    ".json": _check_json,
    ".model": _check_tokenizer,
}

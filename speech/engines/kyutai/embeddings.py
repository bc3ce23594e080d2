"""Voice embeddings: what a file must hold, and whether it really is a voice. Bytes in, numpy out; knows no model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from speech.errors import ErrorCode, InvalidRequest, NotSupported

MAX_FILE_BYTES = 4 * 1024 * 1024  # a real one has about 256 kB
TENSOR = "speaker_wavs"
# Published voices have a standard deviation near 0.715. The public Mimi encoder makes files of the right shape with one
# near 0.067 (github.com/kyutai-labs/moshi, issue 404): they speak noise. The lower bound lies between the two.
MIN_STD, MAX_STD = 0.25, 3.0

Array = npt.NDArray[np.float32]


class BadEmbedding(InvalidRequest):
    """The file is no voice embedding for this model; the message says why."""

    code = ErrorCode.BAD_EMBEDDING


@dataclass(frozen=True)
class EmbeddingFormat:
    """What embeddings a checkpoint takes, as its config.json says; the values are those of Kyutai TTS 1.6B."""

    signature: str = "1e68beda@240"  # the checkpoint they were made for, part of their file names
    dim: int = 512
    frames: int = 125  # 10 s of speech; moshi lays several speakers out by this length

    @property
    def suffix(self) -> str:
        """What moshi appends to a voice's id to get the file's name."""
        return f".{self.signature}.safetensors"

    @property
    def shape(self) -> tuple[int, int, int]:
        return (1, self.dim, self.frames)


def parse_embedding(data: bytes, expected: EmbeddingFormat) -> Array:
    """The embedding in a safetensors file: float32, shape (1, dim, frames), read-only.

    Raises NotSupported for a recording, BadEmbedding for anything else that is no embedding of a voice.
    """
    refuse_audio(data)
    if len(data) > MAX_FILE_BYTES:
        raise BadEmbedding(f"The file has {len(data)} bytes; a voice embedding has less than {MAX_FILE_BYTES}.")
    tensors = _deserialize(data)
    if TENSOR not in tensors:
        names = ", ".join(sorted(tensors)[:3])[:100] or "nothing"
        raise BadEmbedding(f"The file holds {names}; a Kyutai TTS voice embedding holds the tensor {TENSOR}.")
    return _checked(_as_float32(tensors[TENSOR]), expected)


def read_embedding(path: Path, expected: EmbeddingFormat) -> Array:
    """The embedding in a file. Raises as parse_embedding does, or OSError."""
    with path.open("rb") as file:
        return parse_embedding(file.read(MAX_FILE_BYTES + 1), expected)


def refuse_audio(data: bytes) -> None:
    """Raises NotSupported if these are the first bytes of a recording."""
    kind = next((name for magic, name in _AUDIO if data.startswith(magic)), None)
    if kind is None and data[4:8] == b"ftyp":
        kind = "MP4"
    if kind is not None:
        raise NotSupported(
            f"This is a recording ({kind}). Voices cannot be cloned from recordings: Kyutai has not released the voice "
            "encoder of the 1.6B model, and the public Mimi encoder makes embeddings that speak noise. Add an "
            "embedding (.safetensors) made for this model, or use one of the published voices.",
            param="file",
            code=ErrorCode.VOICE_CLONING_NOT_RELEASED,
        )


_AUDIO = (
    (b"RIFF", "WAV"),
    (b"RF64", "WAV"),
    (b"ID3", "MP3"),
    (b"\xff\xfb", "MP3"),
    (b"\xff\xf3", "MP3"),
    (b"\xff\xf1", "AAC"),
    (b"\xff\xf9", "AAC"),
    (b"fLaC", "FLAC"),
    (b"OggS", "Ogg"),
    (b"FORM", "AIFF"),
    (b"\x1aE\xdf\xa3", "WebM"),
)


def _deserialize(data: bytes) -> dict[str, dict[str, Any]]:
    from safetensors import SafetensorError, deserialize

    try:
        return dict(deserialize(data))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise BadEmbedding(f"The file is not in the safetensors format, or it is cut off ({error}).") from None


def _as_float32(tensor: dict[str, Any]) -> Array:
    """safetensors.numpy knows no bfloat16, hence by hand: it is the upper half of a float32."""
    data, kind = tensor["data"], tensor["dtype"]
    if kind == "BF16":
        flat = (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)
    elif kind in ("F32", "F16"):
        flat = np.frombuffer(data, {"F32": np.float32, "F16": np.float16}[kind]).astype(np.float32)
    else:
        raise BadEmbedding(f"{TENSOR} is of type {kind}; F32, F16 or BF16 was expected.")
    return flat.reshape(tensor["shape"])


def _checked(embedding: Array, expected: EmbeddingFormat) -> Array:
    if embedding.shape != expected.shape:
        raise BadEmbedding(f"{TENSOR} has the shape {embedding.shape}; this model takes {expected.shape}.")
    if not np.isfinite(embedding).all():
        raise BadEmbedding(f"{TENSOR} has values that are not finite numbers.")
    std = float(embedding.std())
    if not MIN_STD <= std <= MAX_STD:
        raise BadEmbedding(
            f"The values spread by {std:.3f} (standard deviation); real voices have about 0.715, and {MIN_STD} to "
            f"{MAX_STD} is accepted. The public Mimi encoder gives about 0.067: such a file speaks noise."
        )
    embedding.setflags(write=False)
    return embedding

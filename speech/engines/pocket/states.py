"""A voice's state: what the model remembers of a recording, as pocket-tts exports it. Knows no catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from speech.errors import EngineFailed

STATES_KEPT = 32  # of 6 MB for 10 s of a recording in the model of 100 M parameters
_KEY = re.compile(r"transformer\.layers\.(\d+)\.self_attn/(cache|offset|current_end)")
Shape = tuple[int, int, int]  # layers, key heads, head dim


class VoiceStates:
    """States by voice, read when first asked for. May be used from any thread."""

    def __init__(self, path: Callable[[str | None], Path], shape: Shape) -> None:
        """path: of a voice's id, None for the default; shape: of the model that is to speak with them."""
        self._path, self._shape = path, shape
        self._read = lru_cache(maxsize=STATES_KEPT)(_read)

    def __call__(self, voice: str | None) -> Tensor:
        """(layers, 2, key heads, positions, head dim). Raises what `path` and `read_state` raise."""
        path = self._path(voice)
        try:
            stat = path.stat()
        except OSError as error:
            raise EngineFailed(f"The voice's file {path} cannot be read: {error}") from None
        return self._read(path, stat.st_mtime_ns, stat.st_size, self._shape)


def read_state(path: Path, shape: Shape) -> Tensor:
    """(layers, 2, key heads, positions, head dim), float32. Raises EngineFailed, which names the file and its fault."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise EngineFailed(f"The voice's file {path} is damaged: {error}") from None
    layers: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if match := _KEY.fullmatch(name):
            layers.setdefault(int(match[1]), {})[match[2]] = tensor
    return torch.stack([_layer(path, layers.get(index, {}), shape) for index in range(_count(path, layers, shape))])


def _read(path: Path, _changed_ns: int, _size: int, shape: Shape) -> Tensor:
    """The time and size are in the key of the cache: a file that was replaced is read again."""
    return read_state(path, shape)


def _count(path: Path, layers: dict[int, dict[str, Tensor]], shape: Shape) -> int:
    if sorted(layers) != list(range(shape[0])):
        raise EngineFailed(
            f"The voice's file {path} has the states of {len(layers)} layers; this model has {shape[0]} layers. "
            "A voice is made for one model."
        )
    return shape[0]


def _layer(path: Path, layer: dict[str, Tensor], shape: Shape) -> Tensor:
    """(2, key heads, positions, head dim)."""
    cache, length = layer.get("cache"), _length(layer)
    if cache is None or cache.ndim != 5 or (cache.shape[0], *cache.shape[1::2], cache.shape[4]) != (2, 1, *shape[1:]):
        found = None if cache is None else tuple(cache.shape)
        raise EngineFailed(
            f"The voice's file {path} has keys and values of the shape {found}; this model takes "
            f"(2, 1, positions, {shape[1]}, {shape[2]}). A voice is made for one model."
        )
    if not 0 < length <= cache.shape[2]:
        raise EngineFailed(f"The voice's file {path} is damaged: {length} of {cache.shape[2]} positions are filled.")
    filled = cache[:, 0, :length].transpose(1, 2).float().contiguous()
    if not torch.isfinite(filled).all():
        raise EngineFailed(f"The voice's file {path} is damaged: it holds numbers that are not finite.")
    return filled


def _length(layer: dict[str, Tensor]) -> int:
    """How many positions are filled; files of earlier versions tell it by the length of current_end."""
    if "offset" in layer:
        return int(layer["offset"].flatten()[0])
    return layer["current_end"].shape[0] if "current_end" in layer else 0

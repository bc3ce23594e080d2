"""Kernels of our own (kernels.cu): compiled once for each card and type by NVRTC, which torch for CUDA brings along.

No compiler and no toolkit is needed. Where anything of it fails, one line says so and torch's operations are used
(fused.py).
"""

from __future__ import annotations

import ctypes
import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

import torch

from speech.engines.kyutai.control import Control

log = logging.getLogger("kyutai_tts.engine")

SOURCE = Path(__file__).with_suffix(".cu")
OFF = "KYUTAI_OWN_KERNELS"  # "0" in the environment: torch's operations, for comparisons
THREADS = 256
DRAW_THREADS = 512
NORM_THREADS = 128
TYPES = {torch.float32: "float_t", torch.bfloat16: "bf16_t", torch.float16: "half_t"}
MOST_CARD = 12_000  # candidates that fit into 48 KB of shared memory


def ready(x: torch.Tensor) -> bool:
    """Our kernels can be used where x is."""
    return x.is_cuda and _usable(x.device.index)


@cache
def _usable(device: int) -> bool:
    if os.environ.get(OFF) == "0":
        return False
    try:
        for dtype in (torch.float32, torch.bfloat16):
            _module(device, dtype, 64)
    except (OSError, RuntimeError) as error:
        log.warning("the engine's own kernels are not used: %s", error)
        return False
    return True


def silu_mul(x: torch.Tensor) -> torch.Tensor:
    """See fused.py, as all below."""
    width = x.shape[-1] // 2
    out = x.new_empty(*x.shape[:-1], width)
    rows = out.numel() // width
    _launch(x, "silu_mul", (_blocks(width), rows), THREADS, 0, x, out, width)
    return out


def add_row(x: torch.Tensor, table: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    out = torch.empty_like(x)
    rows, width = x.shape
    _launch(x, "add_row", (_blocks(width), rows), THREADS, 0, x, table, index, out, width)
    return out


def attend(past: torch.Tensor, heads: int) -> torch.Tensor:
    keys, rows, width = past.shape
    out = past.new_empty(rows, width // 3)
    _launch(past, "attend", (heads, rows), 128, 0, past, out, keys, rows, heads, head=width // 3 // heads)
    return out


def rms_norm(x: torch.Tensor, alpha: torch.Tensor, eps: float) -> torch.Tensor:
    out = torch.empty_like(x)
    width = x.shape[-1]
    rows = x.numel() // width
    _launch(x, "rms_norm", (rows, 1), NORM_THREADS, 0, x, alpha, out, width, eps)
    return out


class Odds:
    """As sampling.Odds; the noise is made where it is used."""

    def __init__(self, control: torch.Tensor, first_stream: int, most: int) -> None:
        self._control, self._first, self._most = control, first_stream, most

    def draw(self, stream: int, logits: torch.Tensor) -> torch.Tensor:
        rows, card = logits.shape
        out = torch.empty(rows, dtype=torch.int64, device=logits.device)
        control, most = self._control, min(self._most, card)
        arguments = (logits, control, control.stride(0), out, card, self._first + stream, most)
        wide = {2}  # which of them take 64 bits
        _launch(logits, "draw", (rows, 1), DRAW_THREADS, 4 * card, *arguments, wide=wide)
        return out


def _blocks(width: int) -> int:
    return (width + THREADS - 1) // THREADS


def _launch(
    like: torch.Tensor,
    name: str,
    grid: tuple[int, int],
    threads: int,
    shared: int,
    *arguments: Any,
    head: int = 64,
    wide: frozenset[int] | set[int] = frozenset(),
) -> None:
    """On the current stream. The arguments at the places in `wide` take 64 bits."""
    function = _function(like.device.index, like.dtype, head, name)
    values = [_argument(argument, place in wide) for place, argument in enumerate(arguments)]
    pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
    stream = ctypes.c_void_p(torch.cuda.current_stream(like.device).cuda_stream)
    _check(_driver().cuLaunchKernel(function, *grid, 1, threads, 1, 1, shared, stream, pointers, None), name)


def _argument(value: Any, wide: bool) -> Any:
    """A tensor as its address, a number as float, int or int64."""
    if isinstance(value, torch.Tensor):
        return ctypes.c_uint64(value.data_ptr())
    if isinstance(value, float):
        return ctypes.c_float(value)
    return ctypes.c_int64(value) if wide else ctypes.c_int(value)


@cache
def _function(device: int, dtype: torch.dtype, head: int, name: str) -> ctypes.c_void_p:
    function = ctypes.c_void_p()
    _check(_driver().cuModuleGetFunction(ctypes.byref(function), _module(device, dtype, head), name.encode()), name)
    return function


@cache
def _module(device: int, dtype: torch.dtype, head: int) -> ctypes.c_void_p:
    """The kernels for one card, type and size of a head, loaded."""
    torch.cuda.current_stream(device)
    major, minor = torch.cuda.get_device_capability(device)
    code = compiled(dtype, head, f"sm_{major}{minor}")
    module = ctypes.c_void_p()
    with torch.cuda.device(device):
        torch.zeros(1, device=f"cuda:{device}")  # the context is there
        _check(_driver().cuModuleLoadData(ctypes.byref(module), code), "load")
    return module


def compiled(dtype: torch.dtype, head: int, architecture: str) -> bytes:
    """Machine code. Needs NVRTC, no card. Raises RuntimeError with the compiler's words, OSError without NVRTC."""
    defines = {
        "T": TYPES[dtype],
        "HEAD": head,
        "DRAW_THREADS": DRAW_THREADS,
        "NORM_THREADS": NORM_THREADS,
        "LOWEST_BIT": 16 if dtype is torch.bfloat16 else 0,
        "INFINITY_F": "__int_as_float(0x7F800000)",
        **{row.name: row.value for row in (Control.SEED, Control.STEP, Control.TOP_K, Control.TEMPERATURE)},
    }
    options = [f"--gpu-architecture={architecture}", *(f"-D{name}={value}" for name, value in defines.items())]
    nvrtc, program = _nvrtc(), ctypes.c_void_p()
    _compiles(nvrtc.nvrtcCreateProgram(ctypes.byref(program), SOURCE.read_bytes(), b"kernels.cu", 0, None, None))
    try:
        given = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        if nvrtc.nvrtcCompileProgram(program, len(options), given):
            raise RuntimeError(_text(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program).decode())
        return _text(nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN, program)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _text(size_of: Any, read: Any, program: ctypes.c_void_p) -> bytes:
    size = ctypes.c_size_t()
    _compiles(size_of(program, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    _compiles(read(program, text))
    return text.raw


def _compiles(result: int) -> None:
    if result:
        raise RuntimeError(f"NVRTC answers {result}")


def _check(result: int, what: str) -> None:
    if result:
        raise RuntimeError(f"the kernel {what} cannot be run: CUDA error {result}")


@cache
def _driver() -> Any:
    return ctypes.CDLL("libcuda.so.1")


@cache
def _nvrtc() -> Any:
    """The one that torch itself uses: it is loaded already, or lies beside torch's other libraries."""
    major = (torch.version.cuda or "13").split(".")[0]
    name = f"libnvrtc.so.{major}"
    try:
        return ctypes.CDLL(name)
    except OSError:
        found = sorted(Path(torch.__file__).parent.parent.glob(f"nvidia/**/{name}"))
        if not found:
            raise
        return ctypes.CDLL(str(found[0]))

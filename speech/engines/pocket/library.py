"""pocket-tts, imported without what the import does to others, and how many threads torch computes with.

Importing pocket-tts sets torch's number of threads to 1 for the whole process. Everything of it that this folder uses
is imported here, between a look at the number and its return.
"""

from __future__ import annotations

import os

# On a CPU that others use, torch's threads must sleep while they wait for each other (docs/experiments.md).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import threading
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import torch

T = TypeVar("T")


def in_another_thread(action: Callable[[], T]) -> T:
    """What action gives on a thread that begins and ends with it: torch's number of threads is kept by thread."""
    given: list[T] = []
    thread = threading.Thread(target=lambda: given.append(action()), name="torch threads")
    thread.start()
    thread.join()
    return given[0]


def compute_with(threads: int) -> None:
    """From now on the calling thread computes with so many threads; threads that begin later are not affected.

    torch keeps the number by thread, and beside it the one that a new thread begins with, which every call changes.
    """
    before = in_another_thread(torch.get_num_threads)
    torch.get_num_threads()  # a thread's first question would set it to the common number
    torch.set_num_threads(threads)
    in_another_thread(lambda: torch.set_num_threads(before))


def _as_it_is(function: T) -> T:
    return function


# pocket-tts marks one function of its training path for torch's compiler, which is imported for that: 4 s of CPU time.
_before, _disable = torch.get_num_threads(), torch.compiler.disable
torch.compiler.disable = _as_it_is  # type: ignore[assignment]
try:
    from pocket_tts import TTSModel
    from pocket_tts.models import flow_lm
    from pocket_tts.models.text_chunking import prepare_text_prompt, split_into_best_sentences
    from pocket_tts.modules.conv import StreamingConv1d, StreamingConvTranspose1d
    from pocket_tts.modules.seanet import SEANetResnetBlock
    from pocket_tts.modules.text_conditioner import build_tokenizer
    from pocket_tts.quantization import RECOMMENDED_CONFIG, apply_dynamic_int8
    from pocket_tts.utils.config import load_config
finally:
    torch.set_num_threads(_before)
    torch.compiler.disable = _disable


def quantize(flow_model: Any) -> None:
    """Turn the layers that pocket-tts itself turns into int8, in place. Its own choice of a library stays its own."""
    with warnings.catch_warnings():  # torch 2.10 and later call what it uses deprecated
        warnings.simplefilter("ignore")
        apply_dynamic_int8(flow_model, RECOMMENDED_CONFIG)


# How a flow head of each kind turns noise into a latent: (head, noise, steps) -> latent.
DECODERS: dict[str, Callable[..., Any]] = {
    "lsd": flow_lm.lsd_decode,
    "flow_matching": flow_lm.ot_decode,
    "drifting": flow_lm.drifting_decode,
    "pointwise": flow_lm.pointwise_decode,
}

__all__ = [
    "DECODERS",
    "SEANetResnetBlock",
    "StreamingConv1d",
    "StreamingConvTranspose1d",
    "TTSModel",
    "build_tokenizer",
    "compute_with",
    "in_another_thread",
    "load_config",
    "prepare_text_prompt",
    "quantize",
    "split_into_best_sentences",
]

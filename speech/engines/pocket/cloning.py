"""A recording -> the state of a voice, by pocket-tts's own way. Knows no catalogue and no client.

The model that speaks is without its encoder, and perhaps in int8: a second one is read from the files in float32 and
let go afterwards. That takes as much memory again for some seconds, and leaves the listeners alone but for one core.
"""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import torch
from safetensors.torch import save

from speech.engines.pocket.files import PocketModel
from speech.engines.pocket.library import compute_with
from speech.engines.pocket.loading import read_model
from speech.request import Samples


def make_state(model: PocketModel, recording: Samples) -> bytes:
    """A file of safetensors, as pocket-tts's export_model_state writes it.

    recording: (samples,) at the model's rate. The model must have the weights for it (`PocketModel.clones`).
    Raises EngineFailed for damaged files.
    """
    try:
        with ThreadPoolExecutor(1, "cloning", compute_with, (1,)) as thread:
            return thread.submit(_state, model, recording).result()
    finally:
        gc.collect()


def _state(model: PocketModel, recording: Samples) -> bytes:
    tts = read_model(model)
    with torch.inference_mode():
        state = tts.get_state_for_audio_prompt(torch.from_numpy(recording)[None, :])
    tensors = {f"{module}/{key}": value for module, values in state.items() for key, value in values.items()}
    data: bytes = save({name: value.contiguous() for name, value in tensors.items()})
    return data

"""The random checkpoint of the tests, its language model made on the GPU: seconds instead of minutes.

python -m benchmarks.gpu.checkpoint full some/folder
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

from benchmarks.gpu.common import CUDA, DEVICE, save
from tests.speech.engines.kyutai import checkpoint as made

import torch  # isort: skip  # after checkpoint, which says how it is to compile
from moshi.models import loaders
from safetensors.torch import save_file


def on_gpu(size: str, folder: Path) -> None:
    shape, generator = made.SIZES[size], torch.Generator().manual_seed(0)
    (folder / "voices").mkdir(parents=True, exist_ok=True)
    vocabulary = made._write_tokenizer(folder / made.TOKENIZER_FILE)
    config = made._lm_config(shape, shape.text_card or vocabulary)
    codec = None if shape.codec else made._codec_config(shape)
    made._write_config(folder, config, codec)
    plain = loaders.get_moshi_lm
    loaders.get_moshi_lm = partial(plain, device=DEVICE)
    try:
        state = made._random_lm(config, torch.bfloat16, torch.Generator(DEVICE).manual_seed(0))
    finally:
        loaders.get_moshi_lm = plain
    save_file({name: value.cpu() for name, value in state.items()}, folder / made.LM_FILE)
    save_file(made._random_codec(codec, shape.codebooks, generator), folder / made.MIMI_FILE)
    for voice in made.VOICES:
        made.write_voice(folder / "voices" / (voice + made.SUFFIX), shape.speaker_dim, generator)


def main() -> None:
    size, folder, started = sys.argv[1], Path(sys.argv[2]), time.perf_counter()
    if CUDA:
        on_gpu(size, folder)
    else:
        made.write_checkpoint(size, folder)
    taken = time.perf_counter() - started
    gigabytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9
    print(f"{gigabytes:.2f} GB made on {DEVICE} in {taken:.1f} s")
    save("checkpoint", {"size": size, "gb": gigabytes, "seconds": taken})


if __name__ == "__main__":
    main()

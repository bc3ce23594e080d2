"""Files of a checkpoint and of voices, in the real format and as small as can be. Nothing can be loaded from them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from safetensors.numpy import save

from speech.engines.kyutai.embeddings import EmbeddingFormat

DIM = 16
FORMAT = EmbeddingFormat(dim=DIM)
MODEL, MIMI, TOKENIZER = "dsm_tts_1e68beda@240.safetensors", "mimi.safetensors", "tokenizer.model"

WORDS = b"\x0a\x05\x0a\x03one\x12\x02\x20\x01\x1a\x00"  # a sentencepiece model's parts


def config(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "moshi_name": MODEL,
        "mimi_name": MIMI,
        "tokenizer_name": TOKENIZER,
        "tts_config": {"audio_delay": 1.28, "second_stream_ahead": 2},
        "model_id": {"sig": "1e68beda", "epoch": 240},
        "model_type": "tts",
        "conditioners": {"speaker_wavs": {"type": "tensor", "tensor": {"dim": DIM}}},
    }
    return json.dumps(fields | changes).encode()


def checkpoint(model_bytes: int = 4000) -> dict[str, bytes]:
    weights = save({"weight": np.zeros(model_bytes // 4, np.float32)})
    return {"config.json": config(), MODEL: weights, MIMI: save({"w": np.ones(3, np.float32)}), TOKENIZER: WORDS}


def embedding(
    seed: int = 0, std: float = 0.715, dim: int = DIM, frames: int = 125, name: str = "speaker_wavs"
) -> bytes:
    values = np.random.default_rng(seed).normal(0, std, (1, dim, frames)).astype(np.float32)
    return save({name: values})

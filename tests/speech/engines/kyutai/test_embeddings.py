"""What is a voice and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors import serialize
from safetensors.numpy import save

from speech.engines.kyutai.embeddings import (
    MAX_FILE_BYTES,
    BadEmbedding,
    EmbeddingFormat,
    parse_embedding,
    read_embedding,
)
from speech.errors import InvalidRequest, NotSupported
from tests.speech.engines.kyutai.tiny_files import DIM, FORMAT, embedding


def test_a_real_one_is_read_as_it_is() -> None:
    values = parse_embedding(embedding(seed=3), FORMAT)
    assert values.shape == (1, DIM, 125)
    assert values.dtype == np.float32
    assert np.array_equal(values, np.random.default_rng(3).normal(0, 0.715, (1, DIM, 125)).astype(np.float32))


def test_the_cache_can_hand_it_out_because_nobody_can_change_it() -> None:
    with pytest.raises(ValueError, match="read-only"):
        parse_embedding(embedding(), FORMAT)[0, 0, 0] = 1.0


def test_the_format_of_the_published_model() -> None:
    assert EmbeddingFormat().suffix == ".1e68beda@240.safetensors"
    assert EmbeddingFormat().shape == (1, 512, 125)
    assert parse_embedding(embedding(dim=512), EmbeddingFormat()).shape == (1, 512, 125)


@pytest.mark.parametrize("kind", ["F16", "BF16"])
def test_halves_are_widened(kind: str) -> None:
    exact = np.random.default_rng(1).normal(0, 0.7, FORMAT.shape).astype(np.float32)
    narrow = exact.astype(np.float16) if kind == "F16" else (exact.view(np.uint32) >> 16).astype(np.uint16)
    tensor = {"dtype": {"F16": "float16", "BF16": "bfloat16"}[kind], "shape": FORMAT.shape, "data": narrow.tobytes()}
    values = parse_embedding(serialize({"speaker_wavs": tensor}), FORMAT)
    assert values.dtype == np.float32
    assert np.allclose(values, exact, rtol=2**-7)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (embedding(std=0.067), r"spread by 0\.067.*0\.715.*0\.25 to 3\.0.*noise"),
        (embedding(std=9.0), "spread by"),
        (embedding(dim=DIM + 1), r"shape \(1, 17, 125\); this model takes \(1, 16, 125\)"),
        (embedding(frames=124), r"shape \(1, 16, 124\)"),
        (embedding(name="embedding"), "holds embedding; .* speaker_wavs"),
        (save({}), "holds nothing"),
        (save({"speaker_wavs": np.full(FORMAT.shape, np.nan, np.float32)}), "not finite"),
        (save({"speaker_wavs": np.full(FORMAT.shape, np.inf, np.float32)}), "not finite"),
        (save({"speaker_wavs": np.ones(FORMAT.shape, np.int32)}), "type I32"),
        (embedding()[:-5], "cut off"),
        (b"", "not in the safetensors format"),
        (b"not a file of this kind at all", "not in the safetensors format"),
        (b"\x08" + b"\0" * 6 + b"\x7f" + b"{}", "not in the safetensors format"),
        (embedding() + b"\0" * MAX_FILE_BYTES, "less than 4194304"),
    ],
)
def test_what_is_refused_and_why(data: bytes, reason: str) -> None:
    with pytest.raises(BadEmbedding, match=reason) as caught:
        parse_embedding(data, FORMAT)
    assert isinstance(caught.value, InvalidRequest)


def test_the_bounds_are_where_they_are_said_to_be() -> None:
    assert parse_embedding(embedding(std=0.27), FORMAT).std() == pytest.approx(0.27, rel=0.05)
    with pytest.raises(BadEmbedding):
        parse_embedding(embedding(std=0.23), FORMAT)


@pytest.mark.parametrize(
    "head",
    [b"RIFF\x24\0\0\0WAVE", b"ID3\x04", b"\xff\xfb\x90", b"fLaC", b"OggS", b"\0\0\0\x20ftypM4A ", b"\x1aE\xdf\xa3"],
)
def test_a_recording_gets_an_honest_answer(head: bytes) -> None:
    with pytest.raises(NotSupported, match="has not released the voice encoder") as caught:
        parse_embedding(head + b"\0" * 100, FORMAT)
    assert caught.value.code == "voice_cloning_not_released"


def test_a_huge_file_is_not_read_whole(tmp_path) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate(1 << 34)  # sparse
    with pytest.raises(BadEmbedding, match="less than"):
        read_embedding(path, FORMAT)

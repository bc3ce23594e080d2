"""Kyutai's model behind the MCP server: processes of their own, and the very bytes that HTTP gives."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.assistant.pipe import connected
from tests.live_server import LiveServer, live_server
from tests.speech.engines.kyutai.checkpoint import lay_out_cache, write_checkpoint

TEXT = "The quick brown fox jumps over the lazy dog."


@pytest.fixture
def kyutai_server(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Kyutai's own model code on a tiny checkpoint with random weights, greedy."""
    lay_out_cache(write_checkpoint("tiny", tmp_path / "tiny"), tmp_path / "hf")
    settings = {
        "ENGINE": "kyutai",
        "DEVICE": "cpu",
        "TEMPERATURE": "0",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
    }
    with live_server(tmp_path, **settings) as running:
        yield running


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_kyutais_model_says_the_same_through_mcp_and_http(kyutai_server: LiveServer, tmp_path: Path, mode: str) -> None:
    folder = tmp_path / "speech"
    whole = kyutai_server.post("/api/tts", {"text": TEXT})

    async def work() -> None:
        async with connected(folder, mode=mode, KYUTAI_TTS_URL=kyutai_server.url) as (client, _):
            result = (
                await client.call_tool("text_to_speech", {"text": TEXT, "output_path": "x.wav"})
            ).structured_content
            assert result is not None
            assert result["backend"] == "service"
            assert result["ignored"] == []

    anyio.run(work)
    assert (folder / "x.wav").read_bytes() == whole
    assert len(whole) > 48_000
    assert kyutai_server.get("/api/gpu/status")["loads"] == 1

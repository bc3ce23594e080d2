"""The load test of vllm-omni (`vllm bench serve --omni --backend openai-audio-speech`), sent by a client of our own.

    python -m benchmarks judge [--prompts 64] [--at-once 1 4 16]

vllm itself needs more than 4 GB of packages made for CUDA. Its source tells what it sends to /v1/audio/speech, so many
requests at a time: model, input, stream, stream_format "audio", response_format "pcm"; a voice, which OpenAI's API
wants, comes with its --extra-body. It computes the time to the first packet (TTFP) and to the end (E2EL), the latter
over the seconds of audio (RTF), and whether a player would have run dry for more than 100 ms.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.common import ENGINE, SENTENCE, SHORT, centiles, options, service, tell
from benchmarks.listeners import Crowd
from tests.live_server import LiveServer

FORGIVEN_S = 0.1


def main() -> None:
    told = options(
        __doc__,
        ENGINE,
        ("--prompts", {"type": int, "default": 64}),
        ("--at-once", {"type": int, "nargs": "+", "default": [1, 4, 16]}),
    )
    prompts = [SENTENCE, SHORT] * (2 if told.quick else told.prompts // 2)
    with service(told.engine) as server:
        Crowd(server.port).together(SHORT, 1)  # loads
        rows = [measure(server, prompts, number) for number in told.at_once[: 2 if told.quick else None]]
    tell(f"judge, {told.engine}", rows, told.json)


def wish(text: str) -> dict[str, Any]:
    sent = {"model": "tts-1", "input": text, "stream": True, "stream_format": "audio", "response_format": "pcm"}
    return sent | {"voice": "alloy"}


def measure(server: LiveServer, prompts: list[str], at_once: int) -> dict[str, Any]:
    started = time.perf_counter()
    listeners = Crowd(server.port, "/v1/audio/speech", wish).by_turns(prompts, at_once)
    wall_s = time.perf_counter() - started
    well = [listener for listener in listeners if listener.error is None and listener.reads]
    first, whole = (centiles([getattr(one, name) for one in well], 1000) for name in ("first_s", "whole_s"))
    factor = centiles([listener.whole_s / listener.audio_s for listener in well])
    return {
        "at once": at_once,
        "requests a second": len(well) / wall_s,
        "TTFP p50, ms": first.get("p50"),
        "TTFP p99": first.get("p99"),
        "E2EL p50, ms": whole.get("p50"),
        "E2EL p99": whole.get("p99"),
        "RTF p50": factor.get("p50"),
        "RTF p99": factor.get("p99"),
        "audio s a second": sum(listener.audio_s for listener in well) / wall_s,
        "ran dry": sum(listener.longest_gap_s > FORGIVEN_S for listener in well),
        "failed": len(listeners) - len(well),
    }


if __name__ == "__main__":
    main()

"""What the service costs beside its engine: processor time for a second of audio, the engine alone and over HTTP.

    python -m benchmarks overhead [--listeners 1 16]

The embedded voice says the same sentences in this process, a call each, and in the service. (For Kyutai's model the
same question is answered by `throughput`: the share of the time that is spent in its steps.)
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.common import SENTENCE, cpu_s, options, service, tell
from benchmarks.listeners import Crowd
from speech.engines.hibari.voice import SAMPLE_RATE, HibariVoice
from tests.live_server import LiveServer

CPU = "CPU ms for each s of audio"


def main() -> None:
    told = options(__doc__, ("--listeners", {"type": int, "nargs": "+", "default": [1, 16]}))
    sentences = 2 if told.quick else 24
    rows = [alone(sentences)]
    with service() as server:
        crowd = Crowd(server.port)
        crowd.together(SENTENCE, 1)  # loads
        rows += [over_http(server, crowd, number, sentences) for number in told.listeners]
    for row in rows:
        row["times the engine alone"] = row[CPU] / rows[0][CPU]
    tell("overhead", rows, told.json)


def alone(sentences: int) -> dict[str, Any]:
    voice = HibariVoice()
    voice.speak(SENTENCE)
    started = time.process_time()
    samples = sum(len(voice.speak(SENTENCE).samples) for _ in range(sentences))
    return {"who": "the engine alone", CPU: 1000 * (time.process_time() - started) / (samples / SAMPLE_RATE)}


def over_http(server: LiveServer, crowd: Crowd, number: int, sentences: int) -> dict[str, Any]:
    before = cpu_s(server)
    listeners = crowd.together(" ".join([SENTENCE] * sentences), number)
    audio_s = sum(listener.audio_s for listener in listeners)
    return {"who": f"the service, {number} at once", CPU: 1000 * (cpu_s(server) - before) / audio_s}


if __name__ == "__main__":
    main()

"""A long text as one file: the worker's memory holds neither the samples nor the file twice."""

from __future__ import annotations

import io
import wave
from pathlib import Path

from tests.live_server import LiveServer, live_server

MB = 10**6
PAUSES = 50
LONG = "Here it begins. " + ' <break time="10s"/> '.join(["And it goes on."] * (PAUSES + 1))  # pauses are cheap
SPARE = 30 * MB


def peak_bytes(server: LiveServer) -> int:
    """The most memory that the worker has had at once (Linux: VmHWM)."""
    status = Path(f"/proc/{server.worker().pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def test_a_whole_file_of_500_seconds_costs_no_more_than_itself(tmp_path: Path) -> None:
    with live_server(tmp_path, ENGINE="hibari") as server:
        server.post("/api/tts", {"text": "Here it begins. And it goes on.", "format": "wav"})  # loaded, and warm
        before = peak_bytes(server)
        file = server.post("/api/tts", {"text": LONG, "format": "wav"})
        grown = peak_bytes(server) - before
    with wave.open(io.BytesIO(file)) as sound:
        assert sound.getnframes() / sound.getframerate() > PAUSES * 10
    assert len(file) > 24 * MB
    assert grown < len(file) + SPARE, f"{grown / MB:.0f} MB for a file of {len(file) / MB:.0f} MB"
    print(f"grown by {grown / MB:.1f} MB for a file of {len(file) / MB:.1f} MB")

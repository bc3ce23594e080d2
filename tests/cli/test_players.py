"""Players: which, and the one that reads files only."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from cli.buffer import Sound
from cli.players import FilePlayer, quiet
from tests.cli.stage import fake_player

RATE = 24_000
KEEPS = """\
#!/bin/sh
cat "$1" >>{folder!r}/$(ls {folder!r} | wc -l).wav
"""


def tone(seconds: float) -> bytes:
    wave_ = np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)
    return (0.3 * 32767 * wave_).astype("<i2").tobytes()


def played(folder: Path) -> list[bytes]:
    found = []
    for file in sorted(folder.glob("*.wav"), key=lambda file: int(file.stem)):
        with wave.open(str(file)) as audio:
            assert audio.getparams()[:3] == (1, 2, RATE)
            found.append(audio.readframes(audio.getnframes()))
    return found


def test_a_player_of_files_gets_all_of_it_in_order(tmp_path: Path) -> None:
    fake_player(tmp_path, KEEPS, "afplay")
    player = FilePlayer(str(tmp_path / "bin" / "afplay"))
    sound = tone(1.2) + bytes(RATE) + tone(1.2)
    try:
        for start in range(0, len(sound), 3840):
            player.write(Sound(sound[start : start + 3840], RATE))
        player.finish()
    finally:
        player.abort()
    files = played(tmp_path)
    assert len(files) > 1, "nothing was played before all was there"
    assert b"".join(files) == sound


def test_the_cut_is_where_it_is_quiet() -> None:
    sound = tone(1.0) + bytes(RATE) + tone(0.3)  # half a second of silence from the first second on
    assert 1.0 < quiet(sound, RATE) / 2 / RATE < 1.5


@pytest.mark.parametrize("seconds", [1.0, 0.5])
def test_the_cut_is_between_samples(seconds: float) -> None:
    cut = quiet(tone(seconds), RATE)
    assert cut % 2 == 0
    assert seconds / 2 <= cut / 2 / RATE < seconds

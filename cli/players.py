"""Programs that play samples (players), and the sinks that feed them: one by a pipe, one by files.

Each program is asked for 16-bit mono samples on its standard input, so that it begins with the first of them.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

from cli.buffer import Sound
from cli.endings import Ended, Exit
from cli.sinks import Sink

# In the order in which they are looked for on PATH; rate in Hz.
PIPED: dict[str, Callable[[int], list[str]]] = {
    "ffplay": lambda rate: [
        *("-nodisp", "-autoexit", "-loglevel", "error"),
        *("-f", "s16le", "-sample_rate", str(rate), "-i", "-"),  # its samples are mono unless told otherwise
    ],
    "mpv": lambda rate: [
        *("--no-config", "--no-input-terminal", "--msg-level=all=error", "--no-video", "--cache=no"),
        "--demuxer=rawaudio",
        *("--demuxer-rawaudio-format=s16le", "--demuxer-rawaudio-channels=1", f"--demuxer-rawaudio-rate={rate}", "-"),
    ],
    "aplay": lambda rate: ["-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(rate), "-"],
    "paplay": lambda rate: ["--raw", "--format=s16le", "--channels=1", f"--rate={rate}"],
}
BY_FILES = "afplay"  # macOS has no other, and it reads files only
MUTE = "audio open failed"  # ffplay without a sound device says so, and ends with exit code 0
END_S = 2.0  # from SIGTERM to SIGKILL
SEGMENT_S = 1.0  # the shortest file that is worth a start of afplay
_FRAME_S = 0.02


def player() -> Sink:
    """The first that is on PATH. Raises Ended if there is none."""
    for name, arguments in PIPED.items():
        if path := shutil.which(name):
            return PipedPlayer(path, arguments)
    if path := shutil.which(BY_FILES):
        return FilePlayer(path)
    names = ", ".join([*PIPED, BY_FILES])
    raise Ended(
        Exit.NO_SOUND, f"There is no program to play sound with ({names}): install one, or write a file with -o FILE."
    )


class Program:
    """One run of a player. What it says goes to a file: a pipe that is not read would stop it."""

    def __init__(self, command: list[str], stdin: int) -> None:
        self.name = Path(command[0]).name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        self.process = subprocess.Popen(  # noqa: S603 - one of the programs above, found on PATH
            command, stdin=stdin, stdout=self._errors, stderr=self._errors
        )

    @property
    def pipe(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def wait(self) -> None:
        """Until it has played all. Raises Ended where it says that it did not."""
        if self.process.wait() != 0 or any(MUTE in line for line in self._said()):
            raise self.failed()

    def failed(self) -> Ended:
        """Why, in its own words, once it has ended: what it says of the device, else its last line."""
        self.process.wait()
        said = self._said()
        reason = next((line for line in said if MUTE in line), said[-1] if said else "it gives no reason")
        return Ended(Exit.NO_SOUND, f"{self.name} cannot play the speech: {reason.rstrip('.')}.")

    def _said(self) -> list[str]:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def stop(self) -> None:
        """End it at once if it still runs. A second call does nothing."""
        if not self.ended:
            self.process.terminate()
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        self._errors.close()


class PipedPlayer(Sink):
    """Samples into a player's standard input."""

    def __init__(self, path: str, arguments: Callable[[int], list[str]]) -> None:
        self._path, self._arguments = path, arguments
        self._program: Program | None = None

    def write(self, sound: Sound) -> None:
        if self._program is None:
            self._program = Program([self._path, *self._arguments(sound.sample_rate)], subprocess.PIPE)
        try:
            self._program.pipe.write(sound.data)
            self._program.pipe.flush()
        except BrokenPipeError:
            raise self._program.failed() from None

    def finish(self) -> None:
        if self._program is None:
            return
        with suppress(BrokenPipeError):
            self._program.pipe.close()
        self._program.wait()

    def abort(self) -> None:
        if self._program is not None:
            self._program.stop()


class FilePlayer(Sink):
    """Files, one after the other: while one plays the next gathers, cut where it is quiet."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._folder = tempfile.TemporaryDirectory(prefix="kyutai-tts-")
        self._gathered = b""
        self._rate = 0
        self._program: Program | None = None

    def write(self, sound: Sound) -> None:
        self._gathered, self._rate = self._gathered + sound.data, sound.sample_rate
        if self._free() and len(self._gathered) >= 2 * SEGMENT_S * self._rate:
            self._play(quiet(self._gathered, self._rate))

    def idle(self) -> None:
        if self._gathered and self._free():
            self._play(len(self._gathered))

    def finish(self) -> None:
        while self._program is not None or self._gathered:
            if self._program is not None:
                self._program.wait()
                self._free()
            if self._gathered:
                self._play(len(self._gathered))

    def abort(self) -> None:
        if self._program is not None:
            self._program.stop()
        self._folder.cleanup()

    def _free(self) -> bool:
        """Nothing plays now. Raises Ended where the last could not be played."""
        if self._program is None:
            return True
        if not self._program.ended:
            return False
        self._program.wait()
        self._program.stop()
        self._program = None
        return True

    def _play(self, length: int) -> None:
        """length: bytes."""
        file = Path(self._folder.name) / "speech.wav"
        file.unlink(missing_ok=True)
        with wave.open(str(file), "wb") as out:
            out.setparams((1, 2, self._rate, 0, "NONE", ""))
            out.writeframes(self._gathered[:length])
        self._gathered = self._gathered[length:]
        self._program = Program([self._path, str(file)], subprocess.DEVNULL)


def quiet(data: bytes, rate: int) -> int:
    """The middle of the quietest 20 ms in the second half of these samples, in bytes."""
    frame = round(_FRAME_S * rate)
    samples = np.frombuffer(data, "<i2").astype(np.float32)
    first = len(samples) // 2 // frame
    frames = samples[first * frame : len(samples) // frame * frame].reshape(-1, frame)
    loudness = np.square(frames).mean(axis=1)
    return 2 * ((first + int(loudness.argmin())) * frame + frame // 2)

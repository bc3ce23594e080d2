"""What can be measured of a recording that is to become a voice (faults). Knows no file and no model.

Measured are level, clipping, the distance between speech and what lies below it, and whether it is noise. Music and a
second speaker are not looked for: nothing this simple tells them from one lively speaker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.request import Samples

FRAME_S = 0.02
QUIET_DB, SILENT_DB = -35.0, -55.0  # full scale is 0; the loud frames of a good recording lie around -20
ACTIVE_DB = 25.0  # a frame that lies no further below the loud ones counts as speech
LEAST_SPEECH_S = 2.5
LEAST_DISTANCE_DB = 20.0  # from the loud frames down to the pauses
CLIPPED_AT, CLIPPED_SHARE = 0.985, 0.001
# Of the spectrum of a frame: white noise has about 0.56, vowels less than 0.1.
NOISE_FLATNESS = 0.45


@dataclass(frozen=True)
class Fault:
    """code: silent, quiet, little_speech, clipped, noisy or noise."""

    code: str
    message: str


def faults(samples: Samples, sample_rate: int) -> list[Fault]:
    """What may spoil the voice, worst first; empty if nothing was found. samples: (samples,), a second at least."""
    frames = _frames(samples, sample_rate)
    levels = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    loud, floor = float(np.percentile(levels, 95)), float(np.percentile(levels, 5))
    if loud < SILENT_DB:
        return [Fault("silent", "There is nothing to hear in the recording.")]
    active = levels > loud - ACTIVE_DB
    found = [
        _noise(_flatness(frames[active]), loud - floor),
        _speech(float(active.sum()) * FRAME_S),
        _clipped(float(np.mean(np.abs(samples) >= CLIPPED_AT))),
        _quiet(loud),
    ]
    return [fault for fault in found if fault is not None]


def _noise(flatness: float, distance_db: float) -> Fault | None:
    if flatness > NOISE_FLATNESS:
        return Fault("noise", "Most of the recording sounds like noise rather than like a voice.")
    if distance_db < LEAST_DISTANCE_DB:
        return Fault(
            "noisy",
            f"The pauses are only {distance_db:.0f} dB quieter than the voice: there is noise, an echo or another "
            "sound below it, or hardly a pause.",
        )
    return None


def _speech(seconds: float) -> Fault | None:
    if seconds >= LEAST_SPEECH_S:
        return None
    return Fault("little_speech", f"Only {seconds:.1f} s of the recording are loud enough to be speech.")


def _clipped(share: float) -> Fault | None:
    if share < CLIPPED_SHARE:
        return None
    return Fault("clipped", f"{share:.1%} of the recording is clipped: it was recorded too loud.")


def _quiet(loud_db: float) -> Fault | None:
    if loud_db >= QUIET_DB:
        return None
    return Fault("quiet", f"The recording is very quiet ({-loud_db:.0f} dB below full scale).")


def _frames(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    """(frames, samples of each)."""
    length = round(FRAME_S * sample_rate)
    return samples[: len(samples) // length * length].astype(np.float64).reshape(-1, length)


def _flatness(frames: NDArray[np.float64]) -> float:
    """Of the power below 4 kHz at 24 kHz: the geometric over the arithmetic mean, the median over the frames."""
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), axis=1)) ** 2
    power = spectrum[:, 1 : spectrum.shape[1] // 3] + 1e-12
    return float(np.median(np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)))

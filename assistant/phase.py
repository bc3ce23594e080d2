"""What speech that is being made waits for or does, in words for people (phase)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.doors import SpeechInProgress
    from gpu_manager import LoadProgress


def phase(speech: SpeechInProgress | None) -> str:
    """speech: None while the one who speaks is looked for."""
    if speech is None:
        return "Looking for the speech service"
    if speech.seconds:
        return f"Speaking: {speech.seconds:.1f} s of audio"
    if loading := speech.loading:
        return _loading(loading)
    if speech.queue_position:
        return f"Waiting for a slot: number {speech.queue_position} in line"
    return "Waiting for the first audio"


def _loading(loading: LoadProgress) -> str:
    share = f", {loading.done / loading.total:.0%}" if loading.total else ""
    doing = f": {loading.doing}" if loading.doing else ""
    left = f", about {loading.seconds_left:.0f} s left" if loading.seconds_left else ""
    return f"Loading the model{doing}{share}{left}"

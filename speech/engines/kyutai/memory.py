"""How many slots fit into how much memory. Arithmetic on the model's configuration; knows no torch and no device.

Checked against the measured growth of a real state in the tests, and measured at full size: docs/experiments.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech.errors import ErrorCode, Unavailable

SPEAKERS = 5  # a voice is padded to so many
VOICE_FRAMES = 125  # of each
VOICE_KEYS = 128  # what a row keeps of its voice: its own frames, and three that stand for all the padded ones
# An H100 steps so many in a sixth of a frame's time; slower cards are given fewer, as measured when they are loaded.
MOST_SLOTS = 64
MB = 1_000_000


@dataclass(frozen=True)
class Footprint:
    """What a model takes, in bytes."""

    weights: int
    slot: int  # one row's caches, and what a row adds to the rest
    reserve: int  # graphs, workspaces, logits: what does not grow with the rows

    def slots_in(self, free: int) -> int:
        """How many rows fit beside weights that are already loaded; free: bytes free then."""
        return max(0, (free - self.reserve) // self.slot)

    def check(self, free: int, slots: int, device: str) -> None:
        """Raises Unavailable, before anything is loaded, if weights and so many slots cannot fit."""
        needed = self.weights + self.reserve + slots * self.slot
        if free < needed:
            raise Unavailable(
                f"Too little memory on {device}: the model with {slots} slot{'s' if slots > 1 else ''} needs "
                f"{needed / MB:,.0f} MB; {free / MB:,.0f} MB are free, {(needed - free) / MB:,.0f} MB are missing.",
                code=ErrorCode.TOO_LITTLE_MEMORY,
            )


def choose_slots(wanted: int, free: int, footprint: Footprint, most: int = MOST_SLOTS) -> int:
    """How many slots to open with the weights loaded and so many bytes free; at least 1.

    wanted: 0 for as many as fit, up to `most`; a number is taken as it is if it fits, else as many as fit.
    """
    return max(1, min(wanted or most, footprint.slots_in(free)))


def slot_bytes(lm: Mapping[str, Any], mimi: Mapping[str, Any], itemsize: int) -> int:
    """Bytes of one row's caches, from the configurations of the language model and the codec.

    itemsize: bytes of a number in the language model (bfloat16 2, float32 4); the codec is float32. Keys and values of
    each layer's own past (`context` steps), of its voice, and of the codec's decoder.
    """
    past = lm["num_layers"] * 2 * lm["context"] * lm["dim"] * itemsize
    voice = lm["num_layers"] * 2 * VOICE_KEYS * lm["dim"] * itemsize
    codec = mimi["transformer"]
    sound = codec["num_layers"] * 2 * codec["context"] * codec["d_model"] * 4
    return int(past + voice + sound)


def free_ram(proc: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that this process may still take: what the machine has, or what is left to its container (cgroup v2).

    Where neither is known, half of the machine's memory.
    """
    amounts = []
    if proc.is_file():
        lines = dict(line.split(":", 1) for line in proc.read_text().splitlines())
        amounts.append(int(lines["MemAvailable"].split()[0]) * 1024)
    limit, used = cgroup / "memory.max", cgroup / "memory.current"
    if limit.is_file() and used.is_file() and limit.read_text().strip() != "max":
        amounts.append(max(0, int(limit.read_text()) - int(used.read_text())))
    return min(amounts) if amounts else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2

"""What one step needs to know of each row, in one tensor: the only thing that the host tells the device."""

from __future__ import annotations

from enum import IntEnum


class Control(IntEnum):
    """The rows of the control tensor (len(Control), slots), int64."""

    RUNS = 0  # the language model moves this row on
    SOUNDS = 1  # so does the codec
    IF_PAD = 2  # the text token to go on with if the model wishes to wait
    IF_WORD = 3  # and if it wishes for a word
    STEP = 4  # the row's own count of steps
    SEED = 5
    TOP_K = 6
    TEMPERATURE = 7  # the bits of a float64; 0 is greedy

"""How many frames a socket may send (FrameRate): a token bucket. Knows no socket and no clock of its own."""

from __future__ import annotations


class FrameRate:
    """Takes `burst` frames at once and `per_s` a second in the long run."""

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        """now: seconds, on the clock that `take` is told the time of."""
        self._per_s, self._burst = per_s, burst
        self._left, self._since = burst, now

    def take(self, now: float) -> bool:
        """One frame more; False if it is one too many."""
        self._left = min(self._burst, self._left + (now - self._since) * self._per_s)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

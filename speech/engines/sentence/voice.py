"""What a voice that speaks sentence by sentence looks like from outside. Knows no model, no thread, no utterance."""

from __future__ import annotations

from typing import Protocol

from speech.request import Samples


class Spoken(Protocol):
    """One sentence as the voice said it."""

    @property
    def samples(self) -> Samples:
        """(samples,), mono, in [-1, 1]; empty if nothing in the sentence can be said."""

    @property
    def tokens(self) -> int:
        """How many input tokens the model was given."""

    def word_times(self, words: tuple[str, ...]) -> list[tuple[float, float]]:
        """Begin and end of each word in seconds from the start of `samples`, in order."""


class SentenceVoice(Protocol):
    """A model that turns a sentence into samples. Several threads call it at once."""

    sample_rate: int  # Hz

    def speak(self, text: str, seed: int | None = None, voice: str | None = None) -> Spoken:
        """Say a sentence. voice: its id; None: the usual one. The same text, seed and voice give the same samples.

        An exception fails one utterance alone.
        """

    def split(self, text: str) -> list[str]:
        """The text cut into sentences by the rules of the voice's language; at least one for text that has words."""

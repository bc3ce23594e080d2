"""Text into the passages that Pocket TTS speaks one after another, cut where pocket-tts itself cuts. Knows no batch.

A text that is there as a whole is cut as `generate_audio_stream` cuts it: sentences side by side, 50 tokens at most.
Of a text that still comes, a passage is taken as soon as what follows can no longer change it, or, when there is
nothing else to say, at the end of its last whole sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

from speech.engines.pocket.library import prepare_text_prompt, split_into_best_sentences
from speech.engines.pocket.telling import letters_in

PASSAGE_TOKENS = 50  # as pocket-tts has it
LONGEST_TOKENS = 100  # what has no mark in so many is halved; pocket-tts makes one passage of it and may skip words
LOOK_CHARS = 1_500  # of a text that still comes, so much is looked at; three passages are shorter
BREATH_CHARS = 240  # so much without the end of a sentence is said up to its last comma or blank
TOKENS_PER_S, EXTRA_S = 3.0, 2.0  # pocket-tts stops a passage without an end after tokens / 3 + 2 seconds

_SENTENCE_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]\u00bb]*\s")
_BREATH = re.compile(r"[,;:\u2014)]\s|\s")


@dataclass(frozen=True)
class Passage:
    """What is spoken in one go."""

    tokens: tuple[int, ...]
    frames_after_end: int  # the model's wish to end comes so many frames before the last one
    most_frames: int  # without such a wish it is stopped here
    letters: int = 0  # letters and digits of its text


class Cutter:
    """Cuts and tokenises for one model. Keeps nothing of any text."""

    def __init__(self, tts: Any) -> None:
        """tts: pocket-tts's TTSModel."""
        self._tokenizer: Callable[[str], Any] = tts.flow_lm.conditioner.tokenizer
        self._frames_after_end: int | None = tts.model_recommended_frames_after_eos
        self._frame_rate: float = tts.config.mimi.frame_rate
        self._rules = {
            "pad_with_spaces_for_short_inputs": tts.pad_with_spaces_for_short_inputs,
            "remove_semicolons": tts.remove_semicolons,
            "append_terminal_punctuation": tts.append_terminal_punctuation,
            "capitalize_first_letter": tts.capitalize_first_letter,
            "replace_characters": tts.replace_characters,
        }

    def whole(self, text: str, begun: bool = False) -> list[Passage]:
        """All of a text whose end is known. Empty if nothing of it can be said.

        begun: passages before it were taken already; where they were cut a word need not begin a sentence.
        """
        parts = self._split(text, capitalize_first_letter=self._rules["capitalize_first_letter"] and not begun)
        return [passage for part in parts for passage in self._passages(part)]

    def settled(self, text: str, begun: bool = False) -> tuple[list[Passage], str]:
        """Of a text that goes on: the passages that later text cannot change, and the rest of the text.

        That is all but the last two: the last may grow, and only behind one that is complete does the one before end.
        """
        capital = self._rules["capitalize_first_letter"] and not begun
        parts = self._split(text, capitalize_first_letter=capital, append_terminal_punctuation=False)
        if len(parts) < 3:
            return self.sentences(text)
        ready = [passage for part in parts[:-2] for passage in self._passages(part)]
        return ready, " ".join(parts[-2:]) + " "

    def sentences(self, text: str) -> tuple[list[Passage], str]:
        """Of a text that goes on, when there is nothing else to say: its whole sentences, and the rest of the text."""
        ends = [match.end() for match in _SENTENCE_END.finditer(text)]
        if not ends and len(text) > BREATH_CHARS:
            breaths = [match.end() for match in _BREATH.finditer(text)]
            marks = [end for end in breaths if not text[end - 2].isspace() and text[end - 2] in ",;:\u2014)"]
            ends = marks or breaths
        end = ends[-1] if ends else 0
        return self.whole(text[:end]), text[end:]

    def _split(self, text: str, **changes: Any) -> list[str]:
        try:
            rules = self._rules | changes
            parts: list[str] = split_into_best_sentences(self._tokenizer, text, PASSAGE_TOKENS, **rules)
        except ValueError:  # nothing is left of it
            return []
        return parts

    def _passages(self, part: str) -> list[Passage]:
        """One, or several if it is far too long."""
        try:
            prepared, guess = prepare_text_prompt(part, **self._rules)
        except ValueError:
            return []
        tokens: list[int] = self._tokenizer(prepared)[0].tolist()
        words = part.split()
        if len(tokens) > LONGEST_TOKENS and len(words) > 1:
            halves = words[: len(words) // 2], words[len(words) // 2 :]
            return [passage for half in halves for passage in self._passages(" ".join(half))]
        after = self._frames_after_end if self._frames_after_end is not None else guess + 2
        most = ceil((len(tokens) / TOKENS_PER_S + EXTRA_S) * self._frame_rate)
        return [Passage(tuple(tokens), after, most, letters_in(prepared))]

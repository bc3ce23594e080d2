"""One utterance inside the batch: text becomes passages, passages become takes, latents wait for the codec.

A Row whose steps runner.py makes. Knows no tensor operation beyond what it hands through, and no other row.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field

from torch import Tensor

from speech.engines.batch.runner import Row
from speech.engines.batch.scheduler import StepKind
from speech.engines.pocket.flow import Memory
from speech.engines.pocket.telling import Telling
from speech.engines.pocket.text import LOOK_CHARS, Cutter, Passage
from speech.request import FRAME_S, Pause, Piece, Samples, Word

log = logging.getLogger("kyutai_tts.engine")

LONGEST_PAUSE_S = 10.0  # as the large model's
FIRST_FRAMES = 6  # pocket-tts does not hear the model's wish to end in the first frames
READY = 4  # passages and pauses that wait, at most, before more words are taken
AHEAD = 2  # sounds made and not heard yet: the codec takes one while the model makes the next


@dataclass(eq=False)
class Take:
    """A passage on its way through the model."""

    passage: Passage
    memory: Memory
    given: int = 0  # of its tokens
    frames: int = 0  # made so far
    latent: Tensor | None = None  # the last one made
    _end_frame: int | None = None  # when the model wished to end

    def rest(self, most: int) -> tuple[int, ...]:
        """Tokens that the model has not got, at most so many."""
        return self.passage.tokens[self.given : self.given + most]

    def advance(self, wants_to_end: bool) -> tuple[bool, bool]:
        """A frame was made: whether it is spoken, and whether it was the last."""
        if wants_to_end and self._end_frame is None and self.frames >= FIRST_FRAMES:
            self._end_frame = self.frames
        stop = self.passage.most_frames
        if self._end_frame is not None:
            stop = min(stop, self._end_frame + self.passage.frames_after_end)
        elif self.frames + 1 >= stop:
            log.warning("the model came to no end and was stopped after %.1f s, as pocket-tts does", stop * FRAME_S)
        self.frames += 1
        return self.frames <= stop, self.frames >= stop


@dataclass(frozen=True)
class Sound:
    """80 ms that are still to be heard: a latent for the codec, or silence."""

    latent: Tensor | None = None
    take: Take | None = None  # of which it is
    fresh: bool = False  # it begins a passage


@dataclass
class Script(Row):
    """The text and the sounds of one row."""

    cutter: Cutter
    voice: Tensor
    temperature: float
    seed: int
    bounded: bool = True
    tokens: int = 0
    frames: int = 0  # made by the model since the utterance began
    silent: bool = True  # nothing was heard of it yet
    ended: bool = False
    take: Take | None = None
    upcoming: Take | None = None
    sounds: deque[Sound] = field(default_factory=deque)
    telling: Telling = field(default_factory=Telling)
    _text: str = ""
    _pause: Pause | None = None  # stands behind _text
    _begun: bool = False  # of a text without a pause in it, some was taken
    _ready: deque[Passage | Pause] = field(default_factory=deque)

    # -- text in --------------------------------------------------------------------------------------------------

    @property
    def hungry(self) -> bool:
        return not self.ended and self._pause is None and len(self._ready) < READY and len(self._text) < LOOK_CHARS

    @property
    def words_left(self) -> int:
        return len(self._text.split()) + sum(len(item.tokens) for item in self._ready if isinstance(item, Passage))

    def say(self, piece: Piece) -> None:
        if isinstance(piece, Pause):
            self._pause = piece
        elif piece.spoken:
            self._text += f"{piece.spoken} "
            self.telling.say(piece)

    def end(self) -> None:
        self.ended = True

    # -- passages -------------------------------------------------------------------------------------------------

    def next_item(self) -> Passage | Pause | None:
        """What is to be spoken next, if it is known; it stays there until `took`."""
        if not self._ready:
            self._cut()
        return self._ready[0] if self._ready else None

    def took(self) -> None:
        self._ready.popleft()

    def _cut(self) -> None:
        """Find passages in the text that has come."""
        if self.ended or self._pause is not None:
            passages, self._text = self.cutter.whole(self._text, self._begun), ""
        elif len(self._text) >= LOOK_CHARS:
            passages, self._text = self.cutter.settled(self._text, self._begun)
        elif self.take is None:
            passages, self._text = self.cutter.sentences(self._text)
        else:
            return
        self._ready.extend(passages)
        self._begun = self._pause is None and (self._begun or bool(passages))
        if self._pause is not None:
            self._ready.append(self._pause)
            self._pause = None

    # -- words ----------------------------------------------------------------------------------------------------

    def heard(self, sound: Sound, samples: Samples) -> tuple[Word, ...]:
        """A sound was heard; the words that are told with it: those of a passage with its last one."""
        if sound.fresh:
            self.telling.begin()
        self.telling.hear(samples)
        take = sound.take
        if take is None or take is self.take or any(other.take is take for other in self.sounds):
            return ()
        last = self.ended and not (self.take or self.upcoming or self.words_left)
        return self.telling.finish(None if last else take.passage.letters)

    # -- steps ----------------------------------------------------------------------------------------------------

    @property
    def needs(self) -> StepKind | None:
        """Always the same kind: a step that only reads text is as dear as one that makes sound."""
        return StepKind.FULL if self.sounds or self.take or self.upcoming or self.over or self.next_item() else None

    @property
    def can_make(self) -> bool:
        """The model may run ahead of the codec no further."""
        return len(self.sounds) < AHEAD

    @property
    def over(self) -> bool:
        """Everything was said and heard."""
        return self.ended and not (self.sounds or self.take or self.upcoming or self.next_item())

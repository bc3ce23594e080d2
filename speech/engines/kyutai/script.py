"""One utterance as Kyutai's text machine sees it: words become tokens, the model's wish for a word becomes an answer.

Knows moshi's state machine and tokenizer, no tensor, no batch. A Script is a Row whose step kyutai.py makes: it asks
for `answers` before, and tells it to `advance` after.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from moshi.models.tts import Entry, State, StateMachine, script_to_entries

from speech.engines.batch.runner import Row
from speech.engines.batch.scheduler import StepKind
from speech.request import Pause, Piece, Token, Word

LONGEST_PAUSE_S = 10.0  # as moshi-server caps a break
ENTRIES_AHEAD = 8  # tokenized ahead of the model, which itself looks 2 words ahead


@dataclass(frozen=True)
class ScriptRules:
    """What all scripts of one model share."""

    tokenizer: Any  # sentencepiece
    machine: StateMachine
    frame_rate: float  # frames a second
    delay_steps: int  # the text runs so far ahead of the audio
    max_delay: int  # and the last codebook so far behind the first
    final_padding: int  # steps of audio after the end of the text


@dataclass
class SpokenEntry(Entry):
    """An entry that knows which words of the caller begin with it."""

    words: tuple[Token, ...] = ()


@dataclass
class Script(Row):
    """The text side of one row. `step_index` counts its own steps: the audio of frame f was decided by text step f."""

    rules: ScriptRules
    step_index: int = 0
    tokens: int = 0
    ended: bool = False
    _unsaid: list[Token] = field(default_factory=list)  # words that make no sound, "(" or "--": they join the next one
    _words: deque[Word] = field(default_factory=deque)  # said, but their frame has not come out yet
    _spoke: bool = False  # some word had tokens already
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.rules.machine.new_state([])

    # -- text in --------------------------------------------------------------------------------------------------

    @property
    def hungry(self) -> bool:
        return not self.ended and len(self.state.entries) < ENTRIES_AHEAD

    @property
    def words_left(self) -> int:
        return len(self.state.entries)

    def say(self, piece: Piece) -> None:
        if isinstance(piece, Pause):
            self._pause(piece.seconds)
        else:
            self._word(piece)

    def end(self) -> None:
        self.ended = True

    def _pause(self, seconds: float) -> None:
        """As moshi's <break>: an entry without tokens whose padding is the pause."""
        frames = round(min(seconds, LONGEST_PAUSE_S) * self.rules.frame_rate)
        if frames > 0:
            self.state.entries.append(SpokenEntry(tokens=[], text="", padding=frames))

    def _word(self, token: Token) -> None:
        """Exactly the entries that moshi makes of what is said of this word: the first one names the speaker."""
        self._unsaid.append(token)
        entries = script_to_entries(
            self.rules.tokenizer,
            self.rules.machine.token_ids,
            self.rules.frame_rate,
            [token.spoken],
            multi_speaker=not self._spoke,
            padding_between=1,
        )
        for entry in entries:
            words, self._unsaid = tuple(self._unsaid), []
            longest = round(LONGEST_PAUSE_S * self.rules.frame_rate) if not entry.tokens else entry.padding
            padding = min(entry.padding, longest)
            self.state.entries.append(SpokenEntry(entry.tokens, entry.text, padding, words=words))
            self._spoke = True
            self.tokens += len(entry.tokens)

    # -- steps ----------------------------------------------------------------------------------------------------

    @property
    def needs(self) -> StepKind | None:
        if self.over or not self._can_step:
            return None
        return StepKind.TEXT_ONLY if self.step_index < self.rules.delay_steps else StepKind.FULL

    @property
    def _can_step(self) -> bool:
        """There is an answer to each wish of the model that no word still to come would change."""
        state = self.state
        if self.ended or state.queued or state.forced_padding > 0:
            return True
        if not state.entries:
            return False
        first, *later = state.entries
        ahead = self.rules.machine.second_stream_ahead
        return not first.tokens or sum(bool(entry.tokens) for entry in later) >= ahead

    def answers(self) -> tuple[int, int]:
        """The next text token if the model wishes to wait, and if it wishes for a word."""
        ids, state = self.rules.machine.token_ids, self.state
        if_pad = self._peek(ids.pad)
        free_to_choose = not state.queued and state.forced_padding == 0 and state.remaining_padding > 0
        return if_pad, self._peek(ids.new_word) if free_to_choose else if_pad

    def advance(self, wants_word: bool) -> None:
        """The model has stepped, and this is what it wished for."""
        ids, state = self.rules.machine.token_ids, self.state
        first = state.entries[0] if state.entries else None
        _, consumed = self.rules.machine.process(self.step_index, state, ids.new_word if wants_word else ids.pad)
        if consumed and isinstance(first, SpokenEntry):
            self._mark(first.words, self.step_index)
        self.step_index += 1

    @property
    def sounds(self) -> bool:
        """The next step brings a frame of audio."""
        return self.step_index >= self._first_sound

    @property
    def over(self) -> bool:
        """The step just made was the last one."""
        end = self.state.end_step
        return end is not None and self.step_index >= end + self.rules.final_padding + self._first_sound

    def take_words(self) -> tuple[Word, ...]:
        """Those that begin in the frame just made."""
        frame = self.step_index - 1 - self._first_sound
        if self.over:
            self._mark(tuple(self._unsaid), frame)
            self._unsaid = []
        begun = []
        while self._words and self._words[0].start_s <= frame / self.rules.frame_rate:
            begun.append(self._words.popleft())
        return tuple(begun)

    @property
    def _first_sound(self) -> int:
        return self.rules.delay_steps + self.rules.max_delay

    def _mark(self, words: tuple[Token, ...], frame: int) -> None:
        self._words.extend(token.said(frame / self.rules.frame_rate) for token in words)

    def _peek(self, token: int) -> int:
        """What `process` would answer, leaving the state alone. Only the first entry can matter for the answer."""
        state = self.state
        copy = State(
            entries=deque([state.entries[0]] if state.entries else []),
            remaining_padding=state.remaining_padding,
            forced_padding=state.forced_padding,
            queued=deque(state.queued),
            lookahead_queued=deque(state.lookahead_queued),
            end_step=state.end_step,
        )
        answer, _ = self.rules.machine.process(self.step_index, copy, token)
        return int(answer)

"""How one text is to be read (Manner): a request's wishes and a voice's language -> the pipe for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from speech.text.heed import Heed
from speech.text.lexicon import NONE, Entries, Lexicon
from speech.text.marks import spoken
from speech.text.markup.feed import Markup
from speech.text.messages import MessageFeed
from speech.text.pipe import Reader
from speech.text.reading import LANGUAGES, Reading
from speech.text.remarks import Remarks
from speech.text.steps import EachWord, Step


@dataclass(frozen=True)
class Manner:
    """voice_language, language: ISO 639-1; language: None if the request names none, so that the voice's holds."""

    voice_language: str
    language: str | None = None
    normalize: bool = True  # numbers, dates and the like in words; False: they are left to the engine
    read_code: bool = False  # fenced code is said
    entries: Entries = NONE  # of the lexicon, in this language
    phonemes: bool = False  # the engine takes `[word](/phonemes/)`

    @property
    def spoken_language(self) -> str:
        """In which the text is read."""
        return self.language or self.voice_language

    def reader(self, remarks: Remarks, messages: bool = False) -> Reader:
        """A pipe for one text. remarks: told of what is not said. messages: each piece of text ends a word."""
        markup = Markup(remarks, read_code=self.read_code)
        return Reader(MessageFeed(markup) if messages else markup, self._steps(remarks))

    def _steps(self, remarks: Remarks) -> list[Step]:
        load = LANGUAGES.get(self.spoken_language)
        rules = load() if load else None
        named: Callable[[str], bool] = rules.named if rules else lambda sign: False
        reads = rules is not None and self.normalize
        steps: list[Step] = [
            Heed(remarks, self.voice_language, self.language, named),
            EachWord(_spoken_to_be_read if reads else spoken),
            Lexicon(self.entries, self.phonemes),
        ]
        if rules is not None and reads:
            steps.append(Reading(rules))
        return steps


def _spoken_to_be_read(word: str) -> str:
    """As `spoken`, but signs that may stand between numbers are left to reading: 3 - 5, 2 * 3."""
    return word if word in {"-", "*"} else spoken(word)

"""The step that looks at everything and changes nothing: what will not be said, and in which language the text is."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from speech.request import Piece, Token
from speech.text.guess import MAX_CHARS, guess
from speech.text.remarks import About, Remarks


class Heed:
    """A Step (speech.text.steps). Holds nothing back."""

    def __init__(
        self, remarks: Remarks, voice_language: str, language: str | None, named: Callable[[str], bool]
    ) -> None:
        """language: of the text as the request has it; None: it is guessed. named: whether a sign has a reading."""
        self._remarks, self._voice_language, self._language, self._named = remarks, voice_language, language, named
        self._seen = ""
        self._told = False

    def feed(self, pieces: Sequence[Piece]) -> list[Piece]:
        for piece in pieces:
            if isinstance(piece, Token):
                self._look(piece)
        return list(pieces)

    def flush(self) -> list[Piece]:
        """The end of the text, or of a part of it: by now its language can be told if it ever can."""
        language = self._language or guess(self._seen)
        if language is not None and language != self._voice_language and not self._told:
            self._told = True
            self._remarks.add(About.OTHER_LANGUAGE, f"{language}, and the voice's is {self._voice_language}")
        return []

    def _look(self, token: Token) -> None:
        if len(self._seen) < MAX_CHARS:
            self._seen += token.spoken + " "
        if not token.spoken.isascii():
            unsaid = "".join(filter(self._is_unsaid, token.spoken))
            if unsaid:
                self._remarks.add(About.SIGNS_UNSAID, unsaid)

    def _is_unsaid(self, character: str) -> bool:
        if character.isascii() or self._named(character):
            return False
        if character.isalpha():
            return not unicodedata.name(character, "").startswith(("LATIN", "FEMININE", "MASCULINE"))
        return unicodedata.category(character) in {"Sm", "Sc", "So", "No", "Nl"}

"""How names are said: an operator's file for each language, and a request's own entries (Entries, Lexicon, Folder).

An entry is a word or a phrase and what is said for it. The longest match wins; a request's entry goes before the
file's. Case: an entry without a capital letter is found in any case, one with a capital only as it is written.
Punctuation round a word does not matter, and an ending 's stays. Values between slashes are phonemes, for the engine
that takes them.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from speech.request import Piece, Token
from speech.text.steps import Settled

log = logging.getLogger("kyutai_tts.lexicon")

MAX_ENTRIES = 200  # of one request
MAX_CHARS = 100  # of an entry, and of what is said for it
MAX_WORDS = 6  # of a phrase
_AROUND = re.compile(r"^(?P<open>[^\w&@#$€£]*)(?P<core>.*?)(?P<ending>['’]s)?(?P<close>[^\w%+#°]*)$", re.DOTALL)
_PHONEMES = re.compile(r"(?P<plain>[^/|]*?)\s*\|?\s*/(?P<phonemes>[^/]+)/\s*")


@dataclass(frozen=True)
class Said:
    """What is said for an entry. phonemes: for the engine that takes them; empty if there are none."""

    plain: str
    phonemes: str = ""


@dataclass(frozen=True)
class Entries:
    """Phrases -> what is said. exact: keys as written; folded: keys in small letters, found in any case."""

    exact: Mapping[str, Said]
    folded: Mapping[str, Said]

    def find(self, phrase: str) -> Said | None:
        """What is said for the words of the phrase, a blank between them."""
        return self.exact.get(phrase) or self.folded.get(phrase.lower())

    @property
    def longest(self) -> int:
        """How many words the longest phrase has."""
        return max((key.count(" ") + 1 for table in (self.exact, self.folded) for key in table), default=0)


NONE = Entries({}, {})


def entries(pairs: Mapping[str, str]) -> Entries:
    """
    >>> entries({"Kyutai": "kyoo-tie", "sql": "sequel"}).find("SQL")
    Said(plain='sequel', phonemes='')
    """
    if not pairs:
        return NONE
    exact: dict[str, Said] = {}
    folded: dict[str, Said] = {}
    for written, said in pairs.items():
        key = " ".join(written.replace("’", "'").split())
        (folded if key == key.lower() else exact)[key] = _said(said, key)
    return Entries(exact, folded)


def _said(value: str, key: str) -> Said:
    """`kyoo-tie`, `/kjˈutI/` or `kyoo-tie | /kjˈutI/`."""
    found = _PHONEMES.fullmatch(value)
    if found is None:
        return Said(" ".join(value.split()))
    return Said(" ".join(found["plain"].split()) or key, found["phonemes"].strip())


def merged(first: Entries, second: Entries) -> Entries:
    """Those of both; `first` goes before."""
    if second is NONE or first is NONE:
        return first if second is NONE else second
    return Entries({**second.exact, **first.exact}, {**second.folded, **first.folded})


class Folder:
    """LEXICON_DIR: a file en.txt, fr.txt ... for each language, lines of `written = said`; # begins a comment.

    A file is read again when it has changed. Thread safe.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read: dict[str, tuple[tuple[int, int], Entries]] = {}

    def entries(self, language: str) -> Entries:
        """Those of a language's file; none if there is no such file, or it cannot be read."""
        if self._path is None:
            return NONE
        path = self._path / f"{language}.txt"
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            with self._lock:
                known = self._read.get(language)
                if known is None or known[0] != stamp:
                    known = self._read[language] = (stamp, entries(_lines(path)))
                return known[1]
        except (FileNotFoundError, NotADirectoryError):
            return NONE
        except (OSError, UnicodeDecodeError) as error:
            log.warning("the lexicon %s cannot be read: %s", path, error)
            return NONE


def _lines(path: Path) -> dict[str, str]:
    pairs = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        written, sign, said = text.partition("=")
        if not sign or not written.strip() or not said.strip():
            log.warning("%s, line %d: expected `written = said`", path, number)
        elif len(written.split()) <= MAX_WORDS:
            pairs[written.strip()] = said.strip()
    return pairs


class Lexicon:
    """The step of the pipe that says entries as they ask. Holds words back only while a phrase may go on."""

    def __init__(self, found: Entries, phonemes: bool = False) -> None:
        """phonemes: whether the engine takes `[word](/phonemes/)`."""
        self._entries, self._phonemes = found, phonemes
        self._longest = found.longest
        self._starts = {key.split(" ")[0].lower() for table in (found.exact, found.folded) for key in table}
        self._held: deque[Token] = deque()

    def feed(self, pieces: Sequence[Piece]) -> list[Piece]:
        """As Step.feed (speech.text.steps)."""
        if not self._longest:
            return list(pieces)
        given: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, Token):
                self._held.append(piece)
                given += self._say(complete=False)
            else:
                given += [*self.flush(), piece]
        return given

    def flush(self) -> list[Piece]:
        """As Step.flush."""
        return self._say(complete=True)

    def _say(self, complete: bool) -> list[Piece]:
        given: list[Piece] = []
        while self._held:
            if not complete and len(self._held) < self._longest and self._may_begin(self._held[0]):
                break
            given.append(self._first())
        return given

    def _may_begin(self, token: Token) -> bool:
        return _core(token.spoken).lower() in self._starts

    def _first(self) -> Token:
        """The longest entry that begins with the first held word, or that word as it is."""
        words = [token.spoken for token in self._held]
        if self._may_begin(self._held[0]):
            for count in range(min(self._longest, len(words)), 0, -1):
                token = self._matched(words[:count])
                if token is not None:
                    return token
        return self._held.popleft()

    def _matched(self, words: list[str]) -> Token | None:
        first, last = _AROUND.match(words[0]), _AROUND.match(words[-1])
        if first is None or last is None or any(_AROUND.match(word)["close"] for word in words[:-1]):  # type: ignore[index]
            return None
        phrase = " ".join([*words[:-1], last["core"]]) if len(words) > 1 else last["core"]
        found = self._entries.find(phrase.removeprefix(first["open"]).replace("’", "'"))
        if found is None:
            return None
        tokens = [self._held.popleft() for _ in words]
        kind, said = Token, found.plain
        if found.phonemes and self._phonemes:
            kind, said = Settled, f"[{found.plain.replace(' ', '-')}](/{found.phonemes}/)"
        spoken = first["open"] + said + (last["ending"] or "") + last["close"]
        return kind(" ".join(token.written for token in tokens), spoken, tokens[0].start, tokens[-1].stop)


def _core(word: str) -> str:
    found = _AROUND.match(word)
    return found["core"] if found else word

"""What the tests of reading share: the tables of cases, and words as a listener counts them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from speech.request import Pause, Token
from speech.text.reading import LANGUAGES, Reading

CASES = Path(__file__).parent / "cases"
UNSAYABLE = frozenset("0123456789%$€£&@#+=/\\_*~^|<>[]{}")


@dataclass(frozen=True)
class Case:
    family: str
    written: str
    said: str


def cases(language: str) -> list[Case]:
    """Those of a language's table, in its order."""
    found, family = [], ""
    for line in (CASES / f"{language}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            family = line[3:]
        elif " => " in line and not line.startswith("#"):
            written, said = line.split(" => ")
            found.append(Case(family, written, said))
    return found


def tokens(text: str) -> list[Token]:
    return [Token(word, word) for word in text.split()]


def read(language: str, text: str) -> list[Token | Pause]:
    reading = Reading(LANGUAGES[language]())
    return [*reading.feed(tokens(text)), *reading.flush()]


def said(pieces: list[Token | Pause]) -> str:
    return " ".join(piece.spoken for piece in pieces if isinstance(piece, Token) and piece.spoken)


def plain(text: str) -> str:
    """Small letters, without punctuation: what counts of what is said."""
    return " ".join(re.sub(r"[^\w' ]", " ", text.lower().replace("’", "'")).split())

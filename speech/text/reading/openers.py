"""Which words wait for their neighbours before they are read, in any language: the only cause of delay in reading."""

from __future__ import annotations

import re
from dataclasses import dataclass

from speech.text.reading.letters import is_capitals
from speech.text.wordlist import wordset

_PLAIN = re.compile(r"[\"'“‘«(¿¡]*[^\W\d_]+(?:[-'’][^\W\d_]+)*[.,;:!?…)\"'”’»]*")
_CORE = re.compile(r"[^\W_]+")
_ABBREVIATED = re.compile(r"[A-ZÀ-Ý]{2}|PhD|\b[IVXLC](?:e|er|re|ère|ème)\b")  # CDs, l'ONU, XXe, Ve
_FOREIGN = re.compile("[ªº²³¹µ¼-¾\u0250-\U0010ffff]")  # letters beyond Latin ones with their accents
_SAINT = re.compile(r"\bSte?s?-[A-ZÀ-Þ]")
_SMALL_ROMAN = re.compile(r"[ivx]{2,}")
_ROMAN = re.compile(r"[IVXLC]{2,}|[VXLC]")
_ELISION = re.compile(r"^(?:[cdjlmnst]|qu)['’]", re.IGNORECASE)
_OPERATORS = wordset("+ - − – — × x ÷ = ≈ ~ < > ≤ ≥ / * ± % ‰ ° ∕ · ^ & № § # à")


@dataclass(frozen=True)
class Openers:
    """A language's words: abbreviations end with a point, starters may stand before a number, joiners follow one."""

    abbreviations: frozenset[str]
    starters: frozenset[str]
    joiners: frozenset[str]

    def opens(self, word: str) -> bool:
        """Whether the word may be read otherwise than as it stands."""
        if _PLAIN.fullmatch(word) is None or ".." in word:
            return bool(word)
        core = word.strip("\"'“‘«(¿¡,;:!?…)”’»")
        letters = _ELISION.sub("", core.rstrip("."))
        return (
            letters in self.starters
            or _FOREIGN.search(letters) is not None
            or letters in self.abbreviations
            or _ABBREVIATED.search(letters) is not None
            or _SAINT.search(core) is not None
            or _SMALL_ROMAN.fullmatch(letters) is not None
            or (len(letters) == 1 and letters in "VXLCDM")
        )

    def joins(self, word: str, following: str) -> bool:
        """Whether the word after it may belong to the same reading."""
        core = following.strip("\"'“‘«(¿¡,;:!?…)”’»")
        if not core or word[-1:] in "!?;":
            return core in _OPERATORS and word[-1:] not in "!?;"
        return (
            core[0].isdigit()
            or core[-1].isdigit()
            or core in _OPERATORS
            or core.rstrip(".") in self.joiners
            or re.split(r"[/²³·]", core)[0] in self.joiners
            or (word[-1:] == "." and _ROMAN.fullmatch(core) is not None)
            or _starts_like_a_quantity(core)
            or (is_capitals(core.rstrip(".")) and any(map(is_capitals, _CORE.findall(word))))
        )


def _starts_like_a_quantity(core: str) -> bool:
    return core[0] in "$€£¥₹+-−±~≈%‰°¢½⅓¼¾⅔(½/^" or core[:2].lower() in {"a.", "p."}

"""What listeners are told about a text beside its sound: what was not said, and what was asked for and cannot be had."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_REMARKS = 50  # of one text; after that they are only counted
MAX_QUOTED_CHARS = 60


class About(StrEnum):
    """What happened; a public contract."""

    THOUGHTS_UNSAID = "thoughts_unsaid"
    CODE_UNSAID = "code_unsaid"
    DIRECTION_UNSAID = "direction_unsaid"
    FORMULA_UNSAID = "formula_unsaid"
    TAG_IGNORED = "tag_ignored"
    SIGNS_UNSAID = "signs_unsaid"
    OTHER_LANGUAGE = "other_language"


_SENTENCES = {
    About.THOUGHTS_UNSAID: "The model's thoughts are not said: {}",
    About.CODE_UNSAID: 'A block of code is not said; code: "read" has it read: {}',
    About.DIRECTION_UNSAID: "A stage direction is not said: {}",
    About.FORMULA_UNSAID: "A part of a formula is not said: {}",
    About.TAG_IGNORED: "A tag is not obeyed; what it holds is said as other text: {}",
    About.SIGNS_UNSAID: "Letters or signs without a reading are not said: {}",
    About.OTHER_LANGUAGE: "The text seems to be in another language than the voice's: {}",
}


@dataclass(frozen=True)
class Remark:
    """about: what happened. quoted: the part of the text that it is about, shortened."""

    about: About
    quoted: str

    @property
    def sentence(self) -> str:
        return _SENTENCES[self.about].format(self.quoted)


class Remarks:
    """Those of one text, in the order in which they came. One thread writes."""

    def __init__(self) -> None:
        self.listed: list[Remark] = []
        self.count = 0

    def add(self, about: About, quoted: str) -> None:
        """The same remark is listed once and counted each time."""
        self.count += 1
        remark = Remark(about, shortened(quoted))
        if len(self.listed) < MAX_REMARKS and remark not in self.listed:
            self.listed.append(remark)


def shortened(text: str) -> str:
    """In one line, and of a long text its beginning."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_QUOTED_CHARS else text[: MAX_QUOTED_CHARS - 1] + "…"

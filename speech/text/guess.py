"""Which language is a text in? By its commonest words, for the languages of Kyutai's models.

Why no library: docs/decisions/reading.md.
"""

from __future__ import annotations

import re
from collections import Counter

from speech.text.wordlist import wordset

MAX_CHARS = 4_000  # so much of a text is looked at
_ENOUGH = 2  # different common words of one language, at least, before anything is said of a text
_MARGIN = 2.0  # as many as of any other

_COMMON = {
    "en": "the of and to in is that it was for on are with as his they at be this have from or had by but not "
    "what all were we when your can said there use an each which she do how their if will up other about "
    "out many then them these so some her would make like him into time has look two more write go see no "
    "way could people my than been who its now find i you he",
    "fr": "le la les de des du un une et est à en que qui dans pour pas sur au avec ce il elle sont par plus ne "
    "se son sa ses nous vous ils je tu on mais ou où cette ces été être avoir fait comme tout leur bien "
    "aussi même très peut deux sans était ont c'est d'un d'une qu'il n'est j'ai l'on aux",
    "de": "der die das und ist nicht ich sie es ein eine zu den mit von auf für im dem sich des auch als wie "
    "dass hat war an nach bei einer aus noch nur wir aber oder wenn werden sind haben über kann ihr mir "
    "vom zum zur",
    "es": "el la los las de que y en un una es por con no para su se del al lo como más pero sus le ya o este "
    "sí porque esta entre cuando muy sin sobre también me hasta hay donde quien está",
    "it": "il lo la i gli le di che e è un una per non in con si da del della dei delle al alla sono come più "
    "ma anche se questo questa nel nella ci mi ha ho era dal tutti molto",
    "pt": "o a os as de que e em um uma é por com não para seu sua se do da dos das no na ao mais mas como foi "
    "ele ela isso muito também já está são você nos pelo pela",
    "nl": "de het een en van is in dat op te zijn voor met niet die aan er om ook als maar bij nog naar uit wat "
    "door over ze hij wordt kan heeft worden deze",
}  # fmt: skip
_WORDS = {language: wordset(words) for language, words in _COMMON.items()}
_WORD = re.compile(r"(?<![\w.])[^\W\d_]+(?:['’][^\W\d_]+)?(?!\w|\.\w)")  # "15e" and "i.e." hold none


def guess(text: str) -> str | None:
    """ "en", "fr", ... of a text of some words; None where it cannot be told.

    >>> guess("Il est tard, et la nuit est belle."), guess("It is late and the night is fair."), guess("OK, Paris!")
    ('fr', 'en', None)
    """
    found = _WORD.findall(text[:MAX_CHARS].lower().replace("’", "'"))
    counts: Counter[str] = Counter()
    for word in found:
        counts.update(language for language, words in _WORDS.items() if word in words)
    if not counts:
        return None
    (best, hits), *others = counts.most_common(2)
    second = others[0][1] if others else 0
    return best if len(_WORDS[best].intersection(found)) >= _ENOUGH and hits >= _MARGIN * second else None

"""What the id of a published voice tells: its set, licence, language, speaker, style. Knows no file and no network.

The sets are the folders of the repository kyutai/tts-voices, the licences those of its model card; where it leaves one
open, the voice counts as not for commercial use. Names: Expresso's speakers ex01 and ex03 are men, ex02 and ex04 women,
and in a dialogue channel1 is the first one named; VCTK's speakers are those of its speaker-info.txt.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from speech.voices.catalogue import Voice

COMMERCIAL = frozenset({"CC0-1.0", "CC-BY-3.0", "CC-BY-4.0"})
OWN_SET = "own"
UNKNOWN_LICENCE = "unknown"


@dataclass(frozen=True)
class Person:
    """What a file's name tells of who speaks, and how."""

    name: str
    gender: str | None = None
    style: str | None = None


@dataclass(frozen=True)
class VoiceSet:
    """A folder of the repository."""

    licence: str  # SPDX
    read: Callable[[PurePosixPath], Person]  # the voice's path within the set, without the recording's suffix
    language: str = "en"


def describe(voice_id: str, *, cached: bool = True) -> Voice:
    """A voice as its id tells it; one of no published set is a user's own, of unknown licence."""
    folder, _, rest = voice_id.partition("/")
    known = SETS.get(folder) if rest else None
    if known is None:
        return Voice(
            voice_id, _words(PurePosixPath(voice_id).stem), "en", UNKNOWN_LICENCE, False, OWN_SET, cached=cached
        )
    stem = PurePosixPath(rest).with_suffix("")
    enhanced = stem.name.endswith("_enhanced")
    person = known.read(stem.with_name(stem.name.removesuffix("_enhanced")))
    licence, language = EXCEPTIONS.get(voice_id, (known.licence, known.language))
    return Voice(
        id=voice_id,
        name=f"{person.name} (enhanced)" if enhanced else person.name,
        language=language,
        licence=licence,
        commercial=licence in COMMERCIAL,
        set=folder,
        gender=person.gender,
        style=person.style,
        cached=cached,
    )


def _alba(path: PurePosixPath) -> Person:
    return Person("Alba MacKenna", "female", path.name.replace("-", " "))


def _cml(path: PurePosixPath) -> Person:
    return Person(f"CML {path.name.split('_')[0]}")


def _ears(path: PurePosixPath) -> Person:
    emotion = re.fullmatch(r"emo_(\w+)_freeform", path.name)
    return Person(f"EARS {path.parts[0]}", style=emotion[1] if emotion else None)


def _expresso(path: PurePosixPath) -> Person:
    """ex03-ex02_sad-sympathetic_001_channel1_454s: a dialogue; a style of two parts is one part for each speaker."""
    found = re.fullmatch(r"(ex\d+)-(ex\d+)_([a-z-]+)_\d+_channel([12])_\d+s", path.name)
    if found is None:
        return Person(f"Expresso {_words(path.name)}")
    second = found[4] == "2"
    speaker, styles = found[2] if second else found[1], found[3].split("-")
    return Person(f"Expresso {speaker}", _EXPRESSO_GENDERS.get(speaker), styles[-1] if second else styles[0])


def _vctk(path: PurePosixPath) -> Person:
    speaker = path.name.split("_")[0]
    gender = "male" if speaker in _VCTK_MEN.split() else "female" if speaker in _VCTK_WOMEN.split() else None
    return Person(f"VCTK {speaker}", gender)


def _unmute(path: PurePosixPath) -> Person:
    return _UNMUTE_NAMES.get(path.as_posix(), Person(f"Unmute {_words(path.name)}"))


def _by_name(path: PurePosixPath) -> Person:
    return Person(_words(path.name))


def _words(name: str) -> str:
    """bill_boerst -> Bill Boerst; a name that has capitals keeps its own."""
    words = re.sub(r"[_-]+", " ", name).strip()
    return words.title() if words.islower() and words.isascii() and not any(map(str.isdigit, words)) else words


SETS = {
    "alba-mackenna": VoiceSet("CC-BY-4.0", _alba),
    "cml-tts": VoiceSet("CC-BY-4.0", _cml, "fr"),
    "ears": VoiceSet("CC-BY-NC-4.0", _ears),
    "expresso": VoiceSet("CC-BY-NC-4.0", _expresso),
    "unmute-prod-website": VoiceSet("CC0-1.0", _unmute),
    "vctk": VoiceSet("CC-BY-4.0", _vctk),
    "voice-donations": VoiceSet("CC0-1.0", _by_name),
    "voice-zero": VoiceSet("CC0-1.0", _by_name),
}

# Voices of the site unmute.sh that come from elsewhere or speak French: licence and language.
EXCEPTIONS = {
    "unmute-prod-website/p329_022.wav": ("CC-BY-4.0", "en"),  # VCTK
    "unmute-prod-website/ex04_narration_longform_00001.wav": ("CC-BY-NC-4.0", "en"),  # Expresso
    "unmute-prod-website/degaulle-2.wav": (UNKNOWN_LICENCE, "fr"),  # a broadcast; the model card leaves it open
    "unmute-prod-website/developpeuse-3.wav": ("CC0-1.0", "fr"),
    "unmute-prod-website/fabieng-enhanced-v2.wav": ("CC0-1.0", "fr"),
    # Freesound's own pages, which bind more than the model card does, name these.
    "unmute-prod-website/freesound/519189_request-42---hmm-i-dont-knowwav.mp3": ("CC-BY-4.0", "en"),
    "unmute-prod-website/freesound/440565_why-is-there-educationwav.mp3": ("CC-BY-3.0", "en"),
}

# As unmute.sh calls them.
_UNMUTE_NAMES = {
    "p329_022": Person("Watercooler", "female"),
    "ex04_narration_longform_00001": Person("Explanation", "female", "narration"),
    "degaulle-2": Person("Charles de Gaulle", "male"),
    "developer-1": Person("Dev", "male"),
    "developpeuse-3": Person("Développeuse", "female"),
    "fabieng-enhanced-v2": Person("Fabieng", "male"),
    "freesound/519189_request-42---hmm-i-dont-knowwav": Person("Quiz show", "male"),
    "freesound/440565_why-is-there-educationwav": Person("Gertrude", "female"),
    "default_voice": Person("Unmute default"),
}

_EXPRESSO_GENDERS = {"ex01": "male", "ex02": "female", "ex03": "male", "ex04": "female"}

_VCTK_MEN = (
    "p226 p227 p232 p237 p241 p243 p245 p246 p247 p251 p252 p254 p255 p256 p258 p259 p260 p263 p270 p271 p272 p273 "
    "p274 p275 p278 p279 p281 p284 p285 p286 p287 p292 p298 p302 p304 p311 p315 p316 p326 p334 p345 p347 p360 p363 "
    "p364 p374 p376"
)
_VCTK_WOMEN = (
    "p225 p228 p229 p230 p231 p233 p234 p236 p238 p239 p240 p244 p248 p249 p250 p253 p257 p261 p262 p264 p265 p266 "
    "p267 p268 p269 p276 p277 p280 p282 p283 p288 p293 p294 p295 p297 p299 p300 p301 p303 p305 p306 p307 p308 p310 "
    "p312 p313 p314 p317 p318 p323 p329 p330 p333 p335 p336 p339 p340 p341 p343 p351 p361 p362"
)

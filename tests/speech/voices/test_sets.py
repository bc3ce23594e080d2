"""What the id of a published voice tells."""

from __future__ import annotations

import pytest

from speech.voices.sets import describe


@pytest.mark.parametrize(
    ("voice_id", "name", "language", "licence", "commercial", "gender", "style"),
    [
        ("alba-mackenna/casual.wav", "Alba MacKenna", "en", "CC-BY-4.0", True, "female", "casual"),
        ("cml-tts/fr/10087_11650_000028-0002.wav", "CML 10087", "fr", "CC-BY-4.0", True, None, None),
        ("cml-tts/fr/577_394_000070-0001_enhanced.wav", "CML 577 (enhanced)", "fr", "CC-BY-4.0", True, None, None),
        ("ears/p003/emo_adoration_freeform.wav", "EARS p003", "en", "CC-BY-NC-4.0", False, None, "adoration"),
        ("ears/p003/freeform_speech_01_enhanced.wav", "EARS p003 (enhanced)", "en", "CC-BY-NC-4.0", False, None, None),
        (
            "expresso/ex03-ex01_happy_001_channel1_334s.wav",
            "Expresso ex03",
            "en",
            "CC-BY-NC-4.0",
            False,
            "male",
            "happy",
        ),
        (
            "expresso/ex01-ex02_fast_001_channel2_73s.wav",
            "Expresso ex02",
            "en",
            "CC-BY-NC-4.0",
            False,
            "female",
            "fast",
        ),
        (
            "expresso/ex04-ex01_sympathetic-sad_008_channel2_453s.wav",
            *("Expresso ex01", "en", "CC-BY-NC-4.0", False, "male", "sad"),
        ),
        (
            "expresso/ex03-ex02_sad-sympathetic_001_channel1_454s.wav",
            *("Expresso ex03", "en", "CC-BY-NC-4.0", False, "male", "sad"),
        ),
        ("expresso/something new.wav", "Expresso Something New", "en", "CC-BY-NC-4.0", False, None, None),
        ("vctk/p225_023.wav", "VCTK p225", "en", "CC-BY-4.0", True, "female", None),
        ("vctk/p226_023_enhanced.wav", "VCTK p226 (enhanced)", "en", "CC-BY-4.0", True, "male", None),
        ("vctk/s5_023.wav", "VCTK s5", "en", "CC-BY-4.0", True, None, None),
        ("voice-donations/Bobby_McFern.wav", "Bobby McFern", "en", "CC0-1.0", True, None, None),
        ("voice-donations/0a67.wav", "0a67", "en", "CC0-1.0", True, None, None),
        ("voice-zero/bill_boerst.wav", "Bill Boerst", "en", "CC0-1.0", True, None, None),
        ("unmute-prod-website/p329_022.wav", "Watercooler", "en", "CC-BY-4.0", True, "female", None),
        ("unmute-prod-website/degaulle-2.wav", "Charles de Gaulle", "fr", "unknown", False, "male", None),
        ("unmute-prod-website/developpeuse-3.wav", "Développeuse", "fr", "CC0-1.0", True, "female", None),
        ("unmute-prod-website/developer-1.mp3", "Dev", "en", "CC0-1.0", True, "male", None),
        (
            "unmute-prod-website/ex04_narration_longform_00001.wav",
            *("Explanation", "en", "CC-BY-NC-4.0", False, "female", "narration"),
        ),
        ("my-voice", "My Voice", "en", "unknown", False, None, None),
        ("new-set/somebody.wav", "Somebody", "en", "unknown", False, None, None),
        ("vctk", "Vctk", "en", "unknown", False, None, None),
    ],
)
def test_an_id_tells(
    voice_id: str, name: str, language: str, licence: str, commercial: bool, gender: str | None, style: str | None
) -> None:
    voice = describe(voice_id)
    assert voice.id == voice_id
    told = (voice.name, voice.language, voice.licence, voice.commercial, voice.gender, voice.style)
    assert told == (name, language, licence, commercial, gender, style)


def test_the_set_is_the_folder_and_ones_own_have_none() -> None:
    assert describe("vctk/p225_023.wav").set == "vctk"
    assert describe("cml-tts/fr/1_2_3.wav").set == "cml-tts"
    assert describe("my-voice").set == "own"


def test_no_licence_for_non_commercial_use_passes_as_commercial() -> None:
    assert not [s for s in ("ears/p001/freeform_speech_01.wav", "expresso/x.wav") if describe(s).commercial]
